//! dispatch

pub mod sms_text;
