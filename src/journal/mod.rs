//! The append-only log of what was observed, once each, in commit order.
//!
//! Invariants:
//! - Every append holds the advisory transaction lock [`LOCK`] from before its first `seq` until its commit, so `seq` order
//!   is commit order and a reader that keeps only "the last `seq` I saw" misses nothing. Without the lock, a transaction
//!   that took a smaller `seq` may commit after a reader has passed it; the row would never be read.
//! - `received_at` never falls along `seq`, and never lies before the instant the evaluator's timers have run through.
//! - The rows lie in partitions, one for each month of `observed_at` (UTC). An append makes the months it lacks, and notes its
//!   newest row in `journal_month`, so that nobody has to ask every partition where the end is.
//! - Rows of the source `history` are the past, filled in later. Whoever judges never sees them, live or after a restart.
//! - A row never changes. The same reading again changes nothing; the same reading with another value is a new row.

mod key;
mod store;
mod tail;

pub use key::reading_key;
pub use store::{
    Appender, Head, JournalRow, Outcome, append, count_after, head, last_received_by, open_months_ahead, read_after,
    unjudged,
};
pub use tail::Tail;

/// The advisory lock of appenders: "SENT" in ASCII.
pub const LOCK: i64 = 0x5345_4e54;
