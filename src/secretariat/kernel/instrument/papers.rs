//! Who reads a document of an instrument. Pure.

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::units::vocabulary;

vocabulary! {
    /// Who reads a document.
    Readers, "readers of a document" {
        /// Whoever works in the module.
        Module = "module",
        /// Whoever sees the secretariat.
        Staff = "staff",
        /// Everybody, while the instrument is public.
        Everybody = "everybody",
    }
}

/// Kinds of what was agreed and said for all to read: the signed term, amendments, published notices, the plan of work, opinions and reports.
/// Any other may hold bank data or name persons.
pub const OPEN_KINDS: &[&str] = &["term", "amendment", "notice", "plan", "opinion", "report"];
/// Kinds that a page offers beside them: accounts, receipts, bank statements, papers of a person, and what is none of these.
pub const CLOSED_KINDS: &[&str] = &["accounts", "receipt", "bank", "person", "other"];

/// # Errors
/// Names the field: this kind stays with the module (Lei 13.709/2018, art. 6, III; Lei 12.527/2011, art. 31).
pub fn may_be_opened(kind: &str, readers: Readers) -> Result<(), Refusal> {
    if readers == Readers::Module || OPEN_KINDS.contains(&kind) {
        return Ok(());
    }
    let why =
        "expected module: a document of this kind may hold bank data or name persons (Lei 13.709/2018, art. 6º, III)";
    Err(Refusal::wrong("readers", readers, why))
}

/// True when somebody of the staff reads it.
pub fn reads(readers: Readers, works_in_module: bool) -> bool {
    works_in_module || readers != Readers::Module
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_bank_data_or_names_is_never_opened() {
        for kind in OPEN_KINDS {
            assert!(Readers::ALL.iter().all(|readers| may_be_opened(kind, *readers).is_ok()), "{kind}");
        }
        for kind in CLOSED_KINDS.iter().copied().chain(["extract", "identity"]) {
            assert!(may_be_opened(kind, Readers::Module).is_ok(), "{kind}");
            for readers in [Readers::Staff, Readers::Everybody] {
                let refused = may_be_opened(kind, readers).unwrap_err().to_string();
                assert!(refused.contains("bank data") && refused.contains("13.709"), "{refused}");
            }
        }
        let seen = Readers::ALL.iter().map(|readers| (reads(*readers, false), reads(*readers, true)));
        assert_eq!(seen.collect::<Vec<_>>(), [(false, true), (true, true), (true, true)]);
    }
}
