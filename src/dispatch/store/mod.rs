//! The dispatch tables.

pub mod book;
pub mod claim;
pub mod content;
pub mod enqueue;
pub mod notice;
pub mod part;
pub mod receipt;
