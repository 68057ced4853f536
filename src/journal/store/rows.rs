//! Rows of the journal in PostgreSQL's binary form of COPY (chapter "COPY", section "Binary Format", of its manual).
//!
//! COPY cannot be prepared, so no macro checks it; the column list below and `encode` say the same columns in the same order, and
//! a test reads back what was written.

use crate::clock::Instant;
use crate::ids::Seq;
use crate::ingest::NewReading;

/// The statement that takes what [`encode`] makes.
pub const COPY: &str = "copy journal (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality, \
    quality_reason, source, reading_key, revision) from stdin (format binary)";
const COLUMNS: i16 = 12;

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts its microseconds.
const EPOCH_US: i64 = 946_684_800_000_000;

/// First observations, numbered from `first` on.
pub fn encode(readings: &[NewReading], keys: &[[u8; 16]], first: Seq, received_at: Instant) -> Vec<u8> {
    let mut all = Vec::with_capacity(readings.len() * 192 + 32);
    all.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    // No flags, and no extension of the header.
    all.extend_from_slice(&[0; 8]);
    for (seq, (reading, key)) in (first.0..).zip(readings.iter().zip(keys)) {
        all.extend_from_slice(&COLUMNS.to_be_bytes());
        field(&mut all, &seq.to_be_bytes());
        field(&mut all, &reading.datastream_id.0.to_be_bytes());
        optional(&mut all, reading.device_id.map(|id| id.0.to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        optional(&mut all, reading.message_id.as_deref().map(str::as_bytes));
        field(&mut all, &instant(reading.observed_at));
        field(&mut all, &instant(received_at));
        field(&mut all, &reading.value.to_f64().to_be_bytes());
        field(&mut all, reading.quality.as_str().as_bytes());
        field(&mut all, reading.quality_reason.as_bytes());
        field(&mut all, reading.source.as_str().as_bytes());
        field(&mut all, key);
        field(&mut all, &0_i32.to_be_bytes());
    }
    all.extend_from_slice(&(-1_i16).to_be_bytes());
    all
}

const fn instant(at: Instant) -> [u8; 8] {
    (at.timestamp_micros() - EPOCH_US).to_be_bytes()
}

fn field(all: &mut Vec<u8>, bytes: &[u8]) {
    // Texts are bounded at the door, far below this.
    let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    all.extend_from_slice(&length.to_be_bytes());
    all.extend_from_slice(bytes);
}

fn optional(all: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => field(all, bytes),
        None => all.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}
