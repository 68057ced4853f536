//! The targets; see `targets.rs`.

mod targets;

pub use targets::*;
