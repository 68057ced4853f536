//! Finds who is inside, writes the outbox, delivers, and accounts for every recipient.
//!
//! `decide`, `control`, `tally`, `unreached`, `retry`, `rate` and `receipts` are pure. `store` speaks to the database, `channels` to the providers, and
//! `worker` runs one task for each provider. A row of the outbox moves only forward; `decide` says how.

pub mod alarm;
pub mod audience;
pub mod bounces;
pub mod callback;
pub mod channels;
pub mod content;
pub mod control;
pub mod decide;
pub mod desk;
pub mod dkim;
mod feed;
pub mod gateway;
pub mod held;
mod jobs;
pub mod keeper;
mod maps;
pub mod national;
pub mod notices;
pub mod outbox;
pub mod parts;
pub mod provider;
pub mod rate;
pub mod receipts;
pub mod report;
pub mod retry;
pub mod sms_text;
pub mod store;
pub mod tally;
pub mod unreached;
pub mod watch;
pub mod worker;
pub mod writer;

pub use decide::State;
pub use outbox::{Accounts, Progress, audit, finished, progress};
