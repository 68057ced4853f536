//! The dispatch tables.

pub mod book;
pub mod claim;
pub mod content;
pub mod control;
pub mod enqueue;
pub mod late;
pub mod messages;
pub mod notice;
pub mod part;
pub mod passed_on;
pub mod receipt;
pub mod report;
pub mod spread;
pub mod tally;
pub mod unreached;
