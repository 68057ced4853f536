//! A rise or fall becomes a draft, passes approval, and leaves as an immutable CAP 1.2 message.
//!
//! `book` decides (pure); `draft` and `issue` act in the caller's transaction; `store` reads.

pub mod approval;
pub mod approve;
pub mod book;
pub mod cap;
pub mod desk;
pub mod draft;
pub mod issue;
pub mod kind;
pub mod signing;
pub mod state;
pub mod store;
pub mod templates;
pub mod trail;
pub mod upkeep;

pub use kind::AlertKind;
pub use state::{AlertError, AlertState};
