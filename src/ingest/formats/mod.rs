//! Bytes into what they say; pure, so that a stored payload can be read again and a test needs no socket.

pub mod native;

use crate::clock::Instant;

/// Most readings one message may carry.
pub const MAX_READINGS: usize = 1000;
/// Longest message identifier, in bytes.
pub const MAX_MESSAGE_ID: usize = 128;

/// A message as its sender wrote it, before it is held against the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: Option<String>,
    /// Each reading stands or falls alone.
    pub readings: Vec<Result<RawReading, Refused>>,
}

/// One reading in the sender's words.
#[derive(Clone, Debug, PartialEq)]
pub struct RawReading {
    /// Where it stood: "readings[3]", or empty for a message that is one reading.
    pub path: String,
    pub stream: String,
    pub at: Instant,
    pub value: f64,
    pub unit: Option<String>,
    /// The reading's own bytes, should it go to quarantine later.
    pub raw: Vec<u8>,
}

/// One thing wrong, in terms the sender can act on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where: "readings[3].value", "id", "payload".
    pub field: String,
    /// What stood there, at most 80 characters of it.
    pub value: String,
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, value: &str, message: impl Into<String>) -> Self {
        let mut short: String = value.chars().take(80).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        Self { field: field.into(), value: short, message: message.into() }
    }
}

/// A reading or message that was not understood, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub problem: Problem,
    pub raw: Vec<u8>,
}

/// "readings[3]" and "value" make "readings[3].value"; an empty path leaves the key alone.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
