//! The stamp of a public form: when it was handed out, signed, so that a form cannot be filled in by a machine that never
//! loaded it, nor faster than anybody types. It stands for one report, or for a few when somebody goes back and says more:
//! what is sent under it again is the same report. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;

use crate::clock::{Instant, from_micros};
use crate::ids::Ids;
use crate::vault::Ring;

/// Least time that somebody needs for the form.
pub const LEAST: TimeDelta = TimeDelta::seconds(4);
/// How long a form that was loaded may be sent: somebody may begin it, help a neighbour, and come back.
pub const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
const CONTEXT: &str = "report form";
const NONCE_LEN: usize = 12;
const BODY_LEN: usize = 8 + NONCE_LEN;

/// Why a stamp does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the form carries no stamp of this service")]
    Unknown,
    #[error("the form was loaded more than {} hours ago", GOOD_FOR.num_hours())]
    Old,
}

/// A stamp that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The key under which the report is kept once.
    pub key: String,
    pub is_too_fast: bool,
}

pub fn make(ring: &Ring, ids: &Ids, now: Instant) -> String {
    let mut body = now.timestamp_micros().to_be_bytes().to_vec();
    body.extend_from_slice(&ids.bytes::<NONCE_LEN>());
    let sum = ring.sum(CONTEXT, &body);
    URL_SAFE_NO_PAD.encode([body.as_slice(), &sum].concat())
}

/// # Errors
/// Why the form has to be loaded anew.
pub fn check(ring: &Ring, now: Instant, stamp: &str) -> Result<Checked, Wrong> {
    let bytes = URL_SAFE_NO_PAD.decode(stamp).map_err(|_| Wrong::Unknown)?;
    let (body, sum) = bytes.split_at_checked(BODY_LEN).ok_or(Wrong::Unknown)?;
    if !ring.has_made(CONTEXT, body, sum) {
        return Err(Wrong::Unknown);
    }
    let made_at = body[..8].try_into().map(i64::from_be_bytes).map_err(|_| Wrong::Unknown)?;
    let age = now - from_micros(made_at);
    // A clock that was set back is not the reader's fault.
    if age > GOOD_FOR || age < -GOOD_FOR {
        return Err(Wrong::Old);
    }
    Ok(Checked { key: format!("form-{stamp}"), is_too_fast: age < LEAST })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_stamp_holds_for_a_day_and_tells_who_was_too_fast() {
        let ids = Ids::seeded(1);
        let ring = Ring::new("service", &[], &ids);
        let stamp = make(&ring, &ids, at(0));
        assert!(check(&ring, at(1), &stamp).unwrap().is_too_fast);
        assert!(!check(&ring, at(30), &stamp).unwrap().is_too_fast);
        assert_eq!(check(&ring, at(25 * 3600), &stamp), Err(Wrong::Old));
        assert_eq!(check(&ring, at(30), &stamp), check(&ring, at(60), &stamp));
    }

    #[test]
    fn nobody_makes_a_stamp_of_their_own() {
        let ids = Ids::seeded(1);
        let ring = Ring::new("service", &[], &ids);
        let other = Ring::new("service", &[[7; 32]], &ids);
        let stamp = make(&other, &ids, at(0));
        assert_eq!(check(&ring, at(30), &stamp), Err(Wrong::Unknown));
        let own = make(&ring, &ids, at(0));
        let mut bytes = URL_SAFE_NO_PAD.decode(&own).unwrap();
        bytes[0] ^= 1;
        for bad in [String::new(), "x".into(), "ção".into(), own[..20].to_owned(), URL_SAFE_NO_PAD.encode(bytes)] {
            assert_eq!(check(&ring, at(30), &bad), Err(Wrong::Unknown), "{bad}");
        }
    }
}
