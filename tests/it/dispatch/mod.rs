//! From an issued alert to messages in people's hands, and the accounts of it.

mod audience;
mod believed;
mod blocked;
mod bounces;
mod chosen;
mod control;
mod counts;
mod gateway;
mod kannel;
mod killed;
mod leases;
mod mail;
mod notices;
mod pages;
pub mod peers;
mod queue;
mod receipts;
mod sharing;
mod sink;
mod sms;
mod spreading;
pub mod town;
