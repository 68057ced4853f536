//! A rise or fall becomes a draft, passes approval, and leaves as an immutable CAP 1.2 message.
//!
//! `life` is the state machine and `book` decides (both pure); `escalation` pages staff while an alert waits; `draft` and `issue` act in the caller's transaction; `store` reads.

pub mod approval;
pub mod approve;
pub mod audience;
pub mod book;
pub mod cap;
pub mod desk;
pub mod draft;
pub mod escalation;
pub mod issue;
pub mod kind;
pub mod life;
pub mod places;
pub mod plain;
pub mod refusal;
pub mod shape;
pub mod signing;
pub mod state;
pub mod store;
pub mod submit;
pub mod templates;
pub mod trail;
pub mod upkeep;
pub mod wording;

pub use kind::AlertKind;
pub use refusal::{Lack, Reasoned, Refusal};
pub use state::{AlertError, AlertState};
