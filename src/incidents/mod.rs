//! The event is worked as an incident: what happened, who did what, on a timeline that nobody can rewrite.

pub mod photographs;
pub mod store;
