//! Planned exercises as an iCalendar stream (RFC 5545). Pure.

use chrono::{DateTime, Utc};

use super::state::ExerciseState;
use crate::icalendar::{Lines, stamp};

/// What stands before every title: a calendar shows nothing else of it.
const MARK: &str = "EXERCÍCIO - NÃO É REAL: ";

/// One exercise as its readers see it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: uuid::Uuid,
    pub title: String,
    pub text: String,
    pub place: String,
    pub url: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub state: ExerciseState,
    /// Rises with each change that readers see.
    pub sequence: i32,
    pub changed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// The calendar that holds them.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// "Simulados: Juiz de Fora"
    pub name: String,
    /// Right-hand side of the identifiers: the host of the public address.
    pub host: String,
    pub entries: Vec<Entry>,
}

impl Calendar {
    /// The stream, with CR LF and folded lines.
    pub fn write(&self) -> String {
        let mut out = Lines::published("-//Sentinela//Exercises//PT", &self.name, "PT1H");
        for entry in &self.entries {
            self.event(&mut out, entry);
        }
        out.end()
    }

    fn event(&self, out: &mut Lines, entry: &Entry) {
        out.put("BEGIN", "VEVENT");
        out.put("UID", &format!("exercise-{}@{}", entry.id, self.host));
        // With a METHOD this is when the event's revision was written (RFC 5545, section 3.8.7.2), so the same state is the same
        // bytes, and readers may ask whether anything changed.
        out.put("DTSTAMP", &stamp(entry.changed_at));
        out.put("CREATED", &stamp(entry.created_at));
        out.put("LAST-MODIFIED", &stamp(entry.changed_at));
        out.put("SEQUENCE", &entry.sequence.to_string());
        out.put("DTSTART", &stamp(entry.starts_at));
        out.put("DTEND", &stamp(entry.ends_at));
        out.put("STATUS", status(entry.state));
        out.text("SUMMARY", &format!("{MARK}{}", entry.title));
        if !entry.text.trim().is_empty() {
            out.text("DESCRIPTION", entry.text.trim());
        }
        if !entry.place.trim().is_empty() {
            out.text("LOCATION", entry.place.trim());
        }
        out.put("URL", &entry.url);
        out.text("CATEGORIES", "EXERCISE");
        // Nobody is busy because there is a drill in the town.
        out.put("TRANSP", "TRANSPARENT");
        out.put("END", "VEVENT");
    }
}

const fn status(state: ExerciseState) -> &'static str {
    match state {
        ExerciseState::Planned => "TENTATIVE",
        ExerciseState::Cancelled => "CANCELLED",
        _ => "CONFIRMED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::icalendar::LINE_OCTETS;

    fn entry() -> Entry {
        let at = from_micros(1_780_000_000_000_000);
        Entry {
            id: uuid::Uuid::from_u128(7),
            title: "Evacuação; escola, rua das Flores".into(),
            text: "Leve água.\nSaia com calma \\ sem correr.".into(),
            place: "Escola".into(),
            url: "https://alertas.example.org/simulados/abcd1234".into(),
            starts_at: at,
            ends_at: at + chrono::TimeDelta::hours(2),
            state: ExerciseState::Announced,
            sequence: 3,
            changed_at: at - chrono::TimeDelta::days(2),
            created_at: at - chrono::TimeDelta::days(9),
        }
    }

    fn written(entries: Vec<Entry>) -> String {
        Calendar { name: "Simulados".into(), host: "alertas.example.org".into(), entries }.write()
    }

    #[test]
    fn lines_end_with_cr_lf_and_have_at_most_75_octets() {
        let long = Entry { title: "é".repeat(300), text: "x".repeat(1000), ..entry() };
        let text = written(vec![entry(), long]);
        assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        for line in text.split("\r\n") {
            assert!(line.len() <= LINE_OCTETS, "{} octets: {line}", line.len());
        }
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("SUMMARY:{MARK}{}", "é".repeat(300))));
    }

    #[test]
    fn texts_are_escaped_and_marked() {
        let text = written(vec![entry()]).replace("\r\n ", "");
        assert!(text.contains("SUMMARY:EXERCÍCIO - NÃO É REAL: Evacuação\\; escola\\, rua das Flores\r\n"), "{text}");
        assert!(text.contains("DESCRIPTION:Leve água.\\nSaia com calma \\\\ sem correr.\r\n"), "{text}");
    }

    #[test]
    fn what_is_called_off_says_so() {
        let text = written(vec![Entry { state: ExerciseState::Cancelled, sequence: 4, ..entry() }]);
        assert!(text.contains("STATUS:CANCELLED\r\n") && text.contains("SEQUENCE:4\r\n"));
    }

    #[test]
    fn a_title_cannot_add_lines_of_its_own() {
        let text = written(vec![Entry { title: "x\r\nATTENDEE:mailto:a@b".into(), ..entry() }]);
        assert!(!text.contains("\nATTENDEE"), "{text}");
    }
}
