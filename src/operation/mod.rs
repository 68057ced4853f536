//! The service watches itself: it proves its accounts, notes when a part of it does not work, tells an outside watcher that all is well,
//! and measures what those who run it look at.
//!
//! A look is one reading of the database (`store`), judged by a pure function (`judge`). What is wrong opens a spell, which the public page
//! of the service shows; while anything is wrong the heartbeat stays away, so that silence is the alarm.

pub mod heartbeat;
pub mod judge;
pub mod process;
pub mod reload;
pub mod store;
pub mod worker;
