//! The chain of the audit, computed anew and held against what is stored. Pure: rows in, findings out.
//!
//! The database hashes an event when its transaction commits (`audit_text` in the migration that creates the audit); here the
//! same text is built a second time. Whoever changes an event, a hash or an order leaves a row that does not fit. Whoever
//! computes the whole chain anew, or cuts its end off, leaves heads that were noted elsewhere and fit no more ([`Anchor`]).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Instant;
use crate::hexadecimal::{self, hex};
use crate::units::vocabulary;

pub type Hash = [u8; 32];

/// What stands before the first row.
pub const GENESIS: Hash = [0; 32];

/// Findings told in full; of more only the number is kept.
pub const MOST_FINDINGS: usize = 10_000;

/// Rows that do not fit are tried at each other's places up to this many, to tell a reorder from a change.
const MOST_PLACES: usize = 400;

/// One event with every field as the text that is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: Uuid,
    pub at: Instant,
    pub actor_kind: String,
    pub actor: String,
    pub actor_id: Option<Uuid>,
    pub via: String,
    pub address: Option<String>,
    pub act: String,
    pub object_kind: String,
    pub object: String,
    pub reason: String,
    /// As `jsonb` writes itself.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One row of the chain, with its event if that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub seq: i64,
    pub event_id: Uuid,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    pub event: Option<Event>,
}

/// A head that was noted outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub seq: i64,
    pub hash: Hash,
    /// When it was noted; unknown for one given by hand.
    pub at: Option<Instant>,
}

/// `SEQ:HASH`.
impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("{text:?} is no head of the audit; expected SEQ:HASH, as `sentinela audit head` writes it");
        let (seq, hash) = text.trim().split_once(':').ok_or_else(expected)?;
        let seq: i64 = seq.parse().map_err(|_| expected())?;
        let hash = hexadecimal::hash(hash).ok_or_else(expected)?;
        if seq.is_positive() { Ok(Self { seq, hash, at: None }) } else { Err(expected()) }
    }
}

/// What is hashed of an event at a place: each field as its length in bytes, a colon and its text, a missing one as "-".
pub fn text(event: &Event, seq: i64) -> String {
    let mut text = String::with_capacity(256 + event.before.as_ref().map_or(0, String::len) * 2);
    let mut field = |value: Option<&str>| match value {
        Some(value) => {
            let _ = write!(text, "{}:{value}", value.len());
        }
        None => text.push('-'),
    };
    field(Some(&seq.to_string()));
    field(Some(&event.id.to_string()));
    field(Some(&event.at.timestamp_micros().to_string()));
    field(Some(&event.actor_kind));
    field(Some(&event.actor));
    field(event.actor_id.map(|id| id.to_string()).as_deref());
    field(Some(&event.via));
    field(event.address.as_deref());
    field(Some(&event.act));
    field(Some(&event.object_kind));
    field(Some(&event.object));
    field(Some(&event.reason));
    field(event.before.as_deref());
    field(event.after.as_deref());
    text
}

/// The hash of an event at a place after a hash.
pub fn hash(previous: &[u8], event: &Event, seq: i64) -> Hash {
    Sha256::new().chain_update(previous).chain_update(text(event, seq)).finalize().into()
}

vocabulary! {
    /// What is wrong with a place of the chain.
    Fault, "fault of the audit" {
        /// The event is not the one that was hashed here.
        Changed = "changed",
        /// The row fits itself but not the row after it: it was rewritten and its hash computed anew.
        Rewritten = "rewritten",
        /// Rows are gone, or the event of a row.
        Missing = "missing",
        /// An event, or a second row of one, that the chain does not hold.
        Inserted = "inserted",
        /// The event was hashed at another place.
        Reordered = "reordered",
        /// The end of the chain is gone: a head beyond it was noted.
        Truncated = "truncated",
        /// The chain was computed anew: a noted head fits no more, though every row fits its neighbours.
        Recomputed = "recomputed",
        /// A chain of the secretariat does not fit, or what it covers: of a case, an instrument, a body or a budget.
        Ledger = "ledger",
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    #[schema(value_type = String)]
    pub fault: Fault,
    /// Place in the chain; of rows that are gone the first one. None for an event outside the chain. In a ledger its own place there.
    pub seq: Option<i64>,
    /// The last place it concerns, or the place where a reordered event belongs.
    pub through: Option<i64>,
    /// Of the event; where it is gone, of the last one before it.
    pub at: Option<DateTime<Utc>>,
    /// Empty where the event is gone.
    pub act: String,
    /// Kind and identifier of what the act was done to.
    pub object: String,
    /// The same in an English sentence.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
        let at = self.at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        write!(f, "{} seq {seq} at {at} {} {}: {}", self.fault, self.act, self.object, self.what)
    }
}

/// What a whole check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows looked at.
    pub checked: u64,
    /// The last row: its place and hash.
    pub head: Option<(i64, Vec<u8>)>,
    pub findings: Vec<Finding>,
    /// All findings, also those that are not told in full.
    pub found: u64,
    /// Noted heads that were compared.
    pub anchors: usize,
    /// Cases, instruments, bodies and budgets whose own chains were walked.
    pub ledgers: u64,
}

impl Outcome {
    /// Keeps a finding; of those beyond the most only the number.
    pub fn push(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// The row before, as far as the next one needs it.
#[derive(Debug)]
struct Before {
    seq: i64,
    hash: Vec<u8>,
    at: Option<Instant>,
    act: String,
    object: String,
    fits: bool,
}

/// Takes the rows in the order of their places, and says at the end what is wrong.
#[derive(Debug)]
pub struct Verifier {
    before: Before,
    anchors: BTreeMap<i64, Vec<Anchor>>,
    /// Newest place whose noted head fits.
    fits_through: i64,
    misfits: Vec<Anchor>,
    /// Rows whose hash is not that of their event.
    suspects: Vec<Link>,
    outcome: Outcome,
}

impl Verifier {
    pub fn new(anchors: Vec<Anchor>) -> Self {
        let mut by_seq: BTreeMap<i64, Vec<Anchor>> = BTreeMap::new();
        let outcome = Outcome { anchors: anchors.len(), ..Outcome::default() };
        for anchor in anchors {
            by_seq.entry(anchor.seq).or_default().push(anchor);
        }
        let before =
            Before { seq: 0, hash: GENESIS.to_vec(), at: None, act: String::new(), object: String::new(), fits: true };
        Self { before, anchors: by_seq, fits_through: 0, misfits: Vec::new(), suspects: Vec::new(), outcome }
    }

    /// The next row.
    pub fn link(&mut self, link: Link) {
        let complete = self.gap(link.seq);
        let own = link.event.as_ref().map(|event| hash(&link.previous, event, link.seq));
        let fits = own.is_some_and(|own| own[..] == link.hash[..]);
        if complete && fits && self.before.fits && link.previous != self.before.hash {
            self.unlinked(&link);
        }
        for anchor in self.anchors.get(&link.seq).into_iter().flatten() {
            if anchor.hash[..] != link.hash[..] {
                self.misfits.push(anchor.clone());
            } else if self.misfits.is_empty() {
                self.fits_through = link.seq;
            }
        }
        self.outcome.checked += 1;
        self.outcome.head = Some((link.seq, link.hash.clone()));
        let about = link.event.as_ref();
        self.before = Before {
            seq: link.seq,
            hash: link.hash.clone(),
            at: about.map(|event| event.at).or(self.before.at),
            act: about.map(|event| event.act.clone()).unwrap_or_default(),
            object: about.map(object_of).unwrap_or_default(),
            fits,
        };
        if fits {
            return;
        }
        if link.event.is_none() {
            let what = format!("its event {} is gone", link.event_id);
            self.found(Fault::Missing, (Some(link.seq), None), None, what);
        } else if self.suspects.len() < MOST_FINDINGS {
            self.suspects.push(link);
        } else {
            self.outcome.found += 1;
        }
    }

    /// Tells of rows that are gone before this place. True when none is.
    fn gap(&mut self, seq: i64) -> bool {
        let expected = self.before.seq + 1;
        if seq <= expected {
            return true;
        }
        let (from, through) = (expected, seq - 1);
        let what = match through - from {
            0 => format!("row {from} is gone"),
            more => format!("{} rows, {from} to {through}, are gone", more + 1),
        };
        self.found(Fault::Missing, (Some(from), Some(through)), None, what);
        false
    }

    /// This row says that another hash stood before it.
    fn unlinked(&mut self, link: &Link) {
        let what = format!(
            "rewritten with its hash computed anew: row {} was chained to {}, and {} stands here now",
            link.seq,
            hex(&link.previous),
            hex(&self.before.hash)
        );
        let Before { seq, at, ref act, ref object, .. } = self.before;
        let (act, object) = (act.clone(), object.clone());
        let seq = if seq == 0 { link.seq } else { seq };
        self.push(Finding { fault: Fault::Rewritten, seq: Some(seq), through: Some(link.seq), at, act, object, what });
    }

    /// An event that no row of the chain holds.
    pub fn stray(&mut self, event: &Event) {
        let what =
            format!("event {} was never chained: it was put in past the chain, or its row was taken out", event.id);
        self.found(Fault::Inserted, (None, None), Some(event), what);
    }

    /// An event that several rows hold.
    pub fn doubled(&mut self, seq: i64, event_id: Uuid) {
        let what = format!("event {event_id} is chained more than once, here again");
        self.found(Fault::Inserted, (Some(seq), None), None, what);
    }

    /// What is wrong with the whole.
    pub fn finish(mut self) -> Outcome {
        self.judge_suspects();
        self.judge_anchors();
        self.outcome.findings.sort_by_key(|finding| finding.seq.unwrap_or(i64::MAX));
        self.outcome
    }

    /// A row that does not fit its event holds a changed event, or one that belongs elsewhere: then it fits at the place of
    /// another one that does not fit either.
    fn judge_suspects(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        let gone = self.outcome.findings.iter().filter(|finding| finding.fault == Fault::Missing);
        let gone = gone.filter_map(|finding| finding.seq.zip(finding.through)).flat_map(|(from, to)| from..=to);
        let places: Vec<i64> = suspects.iter().map(|link| link.seq).chain(gone).take(MOST_PLACES).collect();
        for link in &suspects {
            let Some(event) = &link.event else { continue };
            let own = places.iter().copied().find(|place| hash(&link.previous, event, *place)[..] == link.hash[..]);
            let others = suspects.iter().take(MOST_PLACES);
            let other = || {
                let mut others = others.filter(|other| other.seq != link.seq);
                others
                    .find(|other| hash(&other.previous, event, other.seq)[..] == other.hash[..])
                    .map(|other| other.seq)
            };
            match own.or_else(other) {
                Some(place) => {
                    let what = format!("reordered: this event was chained at {place}");
                    self.found(Fault::Reordered, (Some(link.seq), Some(place)), Some(event), what);
                }
                None => {
                    let what = "changed: what stands here is not what was hashed".to_owned();
                    self.found(Fault::Changed, (Some(link.seq), None), Some(event), what);
                }
            }
        }
    }

    fn judge_anchors(&mut self) {
        let last = self.outcome.head.as_ref().map_or(0, |(seq, _)| *seq);
        if let Some(first) = self.misfits.first().cloned() {
            let noted = first.at.map(|at| format!(" at {}", at.to_rfc3339())).unwrap_or_default();
            let what = format!(
                "computed anew: the head noted{noted} as {}:{} has another hash now, so something in {} to {} was changed \
                 and every hash after it with it",
                first.seq,
                hex(&first.hash),
                self.fits_through + 1,
                first.seq
            );
            let place = (Some(self.fits_through + 1), Some(first.seq));
            self.found(Fault::Recomputed, place, None, what);
        }
        if let Some((beyond, anchors)) = self.anchors.range(last + 1..).next_back() {
            let noted = anchors.first().and_then(|anchor| anchor.at);
            let noted = noted.map(|at| format!(" at {}", at.to_rfc3339())).unwrap_or_default();
            let what = format!("cut off: the chain reached {beyond}{noted} and ends at {last} now");
            let place = (Some(last + 1), Some(*beyond));
            self.found(Fault::Truncated, place, None, what);
        }
    }

    fn found(&mut self, fault: Fault, (seq, through): (Option<i64>, Option<i64>), event: Option<&Event>, what: String) {
        let at = event.map(|event| event.at).or_else(|| self.before.at.filter(|_| seq.is_some()));
        let act = event.map(|event| event.act.clone()).unwrap_or_default();
        let object = event.map(object_of).unwrap_or_default();
        self.push(Finding { fault, seq, through, at, act, object, what });
    }

    fn push(&mut self, finding: Finding) {
        self.outcome.push(finding);
    }
}

fn object_of(event: &Event) -> String {
    format!("{} {}", event.object_kind, event.object)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
