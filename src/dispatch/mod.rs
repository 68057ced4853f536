//! Finds who is inside, writes the outbox, delivers, and accounts for every recipient.
//!
//! `decide`, `retry`, `rate` and `receipts` are pure. `store` speaks to the database, `channels` to the providers, and
//! `worker` runs one task for each provider. A row of the outbox moves only forward; `decide` says how.

pub mod audience;
pub mod channels;
pub mod content;
pub mod decide;
mod feed;
mod jobs;
pub mod notices;
pub mod outbox;
pub mod parts;
pub mod provider;
pub mod rate;
pub mod receipts;
pub mod retry;
pub mod sms_text;
pub mod store;
pub mod worker;
pub mod writer;

pub use decide::State;
pub use outbox::{Accounts, Progress, audit, finished, progress};
