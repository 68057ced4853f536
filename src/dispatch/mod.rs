//! dispatch

pub mod outbox;
pub mod sms_text;
