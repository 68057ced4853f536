//! A rise or fall becomes a draft, passes approval, and leaves as an immutable CAP 1.2 message.

pub mod cap;
pub mod kind;
pub mod templates;

pub use kind::AlertKind;
