//! Whether what was read back is what was there, and what follows from that for whoever would take over. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the proof of a restore found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Places where the chain of the audit or a noted head does not agree.
    pub findings: u64,
    /// Alerts whose messages do not add up.
    pub unbalanced: u64,
    /// Newest reading that is there, and the newest by the manifest.
    pub journal: i64,
    pub expected: i64,
}

impl Proof {
    pub const fn passed(&self) -> bool {
        self.findings == 0 && self.unbalanced == 0 && self.journal == self.expected
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} findings in the audit, {} alerts that do not add up, newest reading {} where {} was expected",
            self.findings, self.unbalanced, self.journal, self.expected
        )
    }
}

/// Why nobody may take over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the restore was interrupted before it settled what may have left; restore again into an empty database")]
    Unsettled,
    #[error(
        "the restore ended before it had proved that what was read back is what was there; restore again into an empty database, or, when \
         there is no other archive and somebody looked at what is there, say so: sentinela take-over --despite-failed-proof WHY"
    )]
    Unproved,
    #[error(
        "what was read back is not what was there ({0}); restore another archive into an empty database, or, when there is none and somebody \
         looked at what is missing, say so: sentinela take-over --despite-failed-proof WHY"
    )]
    Failed(Proof),
    #[error("--despite-failed-proof: the proof passed, so there is nothing to take over in spite of")]
    NothingFailed,
}

/// Whether an installation may be taken over: what may have left is settled, and the proof passed or somebody answers for it
/// (`is_answered_for`).
///
/// # Errors
/// What stands against it.
pub const fn judge(is_settled: bool, proof: Option<Proof>, is_answered_for: bool) -> Result<(), Refusal> {
    match (is_settled, proof, is_answered_for) {
        (false, ..) => Err(Refusal::Unsettled),
        (true, Some(proof), true) if proof.passed() => Err(Refusal::NothingFailed),
        (true, Some(proof), false) if !proof.passed() => Err(Refusal::Failed(proof)),
        (true, None, false) => Err(Refusal::Unproved),
        (true, ..) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Proof = Proof { findings: 0, unbalanced: 0, journal: 7, expected: 7 };

    #[test]
    fn whatever_does_not_agree_fails_the_proof() {
        assert!(GOOD.passed() && Proof::default().passed());
        for bad in [
            Proof { findings: 1, ..GOOD },
            Proof { unbalanced: 1, ..GOOD },
            Proof { journal: 6, ..GOOD },
            Proof { journal: 8, ..GOOD },
        ] {
            assert!(!bad.passed(), "{bad}");
        }
    }

    #[test]
    fn only_what_was_proved_or_is_answered_for_is_taken_over() {
        let bad = Proof { journal: 6, ..GOOD };
        assert_eq!(judge(true, Some(GOOD), false), Ok(()));
        assert_eq!(judge(true, Some(bad), false), Err(Refusal::Failed(bad)));
        assert_eq!(judge(true, Some(bad), true), Ok(()));
        assert_eq!(judge(true, None, false), Err(Refusal::Unproved));
        assert_eq!(judge(true, None, true), Ok(()));
        assert_eq!(judge(true, Some(GOOD), true), Err(Refusal::NothingFailed));
        // What may have left already would leave again, whoever answers for it.
        for (proof, answered) in [(None, true), (Some(GOOD), false), (Some(bad), true)] {
            assert_eq!(judge(false, proof, answered), Err(Refusal::Unsettled));
        }
        let said = Refusal::Failed(bad).to_string();
        assert!(
            said.contains("newest reading 6 where 7 was expected") && said.contains("--despite-failed-proof"),
            "{said}"
        );
    }
}
