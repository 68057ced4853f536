//! What of a timeline is shown, and which lines were corrected by later ones. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::photographs;
use super::store::Entry;
use crate::plancon::{activation, hands};
use crate::units::vocabulary;
use crate::{deployments, ics};

vocabulary! {
    /// What of a timeline is shown. Texts are `timeline-only-ONLY`.
    Only, "filter of the timeline" {
        All = "all",
        Notes = "notes",
        Alerts = "alerts",
        Occurrences = "occurrences",
        Photographs = "photographs",
        /// Plans and their tasks.
        Tasks = "tasks",
        /// Who is asked for, sent, and in command.
        Teams = "teams",
        /// Opened, closed, activated and the like.
        Course = "course",
    }
}

/// Kinds of lines that people write and may correct.
pub const NOTE: &str = "note";
pub const CORRECTION: &str = "correction";
/// An occurrence was put under the incident, or taken out.
pub const ATTACHED: &str = "attached";
pub const DETACHED: &str = "detached";

impl Only {
    /// The filter that shows lines of this kind, beside `All`.
    pub fn of(kind: &str) -> Self {
        match kind {
            NOTE | CORRECTION => Self::Notes,
            "alert" => Self::Alerts,
            ATTACHED | DETACHED => Self::Occurrences,
            photographs::ADDED | photographs::REMOVED => Self::Photographs,
            activation::ENTRY | hands::ENTRY => Self::Tasks,
            deployments::ENTRY | ics::ENTRY => Self::Teams,
            _ => Self::Course,
        }
    }

    pub fn shows(self, kind: &str) -> bool {
        self == Self::All || self == Self::of(kind)
    }
}

/// Each line that was corrected, with the line that corrects it.
pub fn corrections(entries: &[Entry]) -> BTreeMap<i64, i64> {
    entries.iter().filter_map(|entry| Some((entry.corrects?, entry.id))).collect()
}

/// How many lines each filter shows.
pub fn counts(entries: &[Entry]) -> Vec<(Only, usize)> {
    let count = |only: Only| entries.iter().filter(|entry| only.shows(&entry.kind)).count();
    Only::ALL.iter().map(|only| (*only, count(*only))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(id: i64, kind: &str, corrects: Option<i64>) -> Entry {
        let (at, actor, text) = (chrono::DateTime::default(), "ana".to_owned(), String::new());
        Entry { id, at, actor, kind: kind.into(), text, detail: json!({}), corrects }
    }

    #[test]
    fn every_line_is_shown_by_one_filter_beside_the_one_that_shows_all() {
        for kind in [
            "note",
            "correction",
            "alert",
            "attached",
            "photograph",
            "task",
            "deployment",
            "organization",
            "opened",
            "something new",
        ] {
            let shown = Only::ALL.iter().filter(|only| only.shows(kind)).count();
            assert_eq!(shown, 2, "{kind}");
        }
    }

    #[test]
    fn a_correction_marks_the_line_it_points_to() {
        let all = [entry(1, "note", None), entry(2, "correction", Some(1)), entry(3, "correction", Some(2))];
        assert_eq!(corrections(&all), BTreeMap::from([(1, 2), (2, 3)]));
        assert_eq!(counts(&all)[1], (Only::Notes, 3));
    }
}
