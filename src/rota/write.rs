//! Turns as an iCalendar stream (RFC 5545). Pure.

use crate::clock::Instant;
use crate::icalendar::{Lines, stamp};

/// One stretch of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The same for the same turn, whatever is swapped.
    pub uid: String,
    pub rota: String,
    pub layer: i16,
    pub person: String,
    pub email: Option<String>,
    pub from: Instant,
    pub until: Instant,
}

/// A calendar of entries. `at`: when it was made; `host`: right-hand side of the identifiers.
pub fn write(name: &str, host: &str, at: Instant, entries: &[Entry]) -> String {
    let mut out = Lines::published("-//Sentinela//Rota//PT", name, "PT30M");
    for entry in entries {
        out.put("BEGIN", "VEVENT");
        out.put("UID", &format!("{}@{host}", entry.uid));
        out.put("DTSTAMP", &stamp(at));
        out.put("SEQUENCE", "0");
        out.put("STATUS", "CONFIRMED");
        out.put("DTSTART", &stamp(entry.from));
        out.put("DTEND", &stamp(entry.until));
        out.text("SUMMARY", &entry.person);
        out.text("DESCRIPTION", &entry.rota);
        if let Some(email) = &entry.email {
            out.put("ATTENDEE", &format!("mailto:{email}"));
        }
        out.put("CATEGORIES", &format!("layer-{}", entry.layer));
        // Whoever is on call may have other appointments.
        out.put("TRANSP", "TRANSPARENT");
        out.put("END", "VEVENT");
    }
    out.end()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::rota::read::{Who, read};

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let from = Instant::default() + TimeDelta::days(20_000);
        let entry = Entry {
            uid: "turn-1".into(),
            rota: "Plantão, Defesa Civil".into(),
            layer: 2,
            person: "Ana; Lima".into(),
            email: Some("ana@example.org".into()),
            from,
            until: from + TimeDelta::hours(12),
        };
        let nameless = Entry { uid: "turn-2".into(), email: None, layer: 1, ..entry.clone() };
        let text = write("Plantão", "x.example.org", from, &[entry.clone(), nameless]);
        let read = read(&text, chrono_tz::UTC, (from, from + TimeDelta::days(1)), 5).unwrap();
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        let found: Vec<_> =
            read.turns.iter().map(|turn| (turn.layer, turn.who.clone(), turn.from, turn.until)).collect();
        let (from, until) = (entry.from, entry.until);
        let words = Who::Words("Ana; Lima".into());
        assert_eq!(found, [(1, words, from, until), (2, Who::Addresses(vec!["ana@example.org".into()]), from, until)]);
        assert_eq!(read.turns[1].uid, "turn-1@x.example.org");
    }
}
