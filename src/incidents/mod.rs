//! The event is worked as an incident: what happened, who did what, on a timeline that nobody can rewrite.

pub mod ending;
pub mod mentions;
pub mod notes;
pub mod photographs;
pub mod shift;
pub mod store;
pub mod timeline;
