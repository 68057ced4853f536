//! From an issued alert to messages in people's hands, and the accounts of it.

mod audience;
mod leases;
mod mail;
mod notices;
pub mod peers;
mod sink;
mod sms;
pub mod town;
