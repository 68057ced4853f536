//! What was found against what is open: which faults open, stay and close.

use chrono::TimeDelta;

use super::{Fault, FaultKey, Limits, Reason};
use crate::clock::Instant;
use crate::ids::StationId;

/// A fault that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenFault {
    pub id: i64,
    pub station: StationId,
    pub key: FaultKey,
    /// When it was last found.
    pub seen_at: Instant,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Open(StationId, Fault),
    Keep(i64, Reason),
    Close(StationId, FaultKey, i64),
}

/// A silence ends with the first word. Any other fault closes after it was not found for `close_after_s`.
pub fn reconcile(open: &[OpenFault], found: &[(StationId, Fault)], now: Instant, limits: &Limits) -> Vec<Change> {
    let patience = TimeDelta::seconds(limits.close_after_s.into());
    let seen = found.iter().map(|(station, fault)| {
        let held = open.iter().find(|held| held.station == *station && held.key == fault.key());
        match held {
            Some(held) => Change::Keep(held.id, fault.reason.clone()),
            None => Change::Open(*station, fault.clone()),
        }
    });
    let gone = open.iter().filter(|held| {
        let is_found = found.iter().any(|(station, fault)| held.station == *station && held.key == fault.key());
        !is_found && (held.key.kind.is_absence() || now - held.seen_at >= patience)
    });
    seen.chain(gone.map(|held| Change::Close(held.station, held.key, held.id))).collect()
}
