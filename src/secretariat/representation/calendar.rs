//! A diary as an iCalendar stream (RFC 5545): whole days. What prepares a mission stays inside. Pure.

use super::Entry;
use crate::i18n::Lang;
use crate::icalendar::{Lines, stamp};

/// `host`: right-hand side of the identifiers; `base`: before the path of a page.
pub fn write((name, lang): (&str, Lang), (host, base): (&str, &str), entries: &[Entry]) -> String {
    let mut out = Lines::published("-//Sentinela//Representation//PT", name, "PT1H");
    for entry in entries {
        out.put("BEGIN", "VEVENT");
        out.put("UID", &format!("{}-{}@{host}", entry.kind, entry.id));
        // The same state is the same bytes.
        out.put("DTSTAMP", &stamp(entry.changed_at));
        out.put("SEQUENCE", &entry.revision.to_string());
        out.put("STATUS", if entry.is_off() { "CANCELLED" } else { "CONFIRMED" });
        out.put("DTSTART;VALUE=DATE", &entry.day.format("%Y%m%d").to_string());
        if let Some(next) = entry.day.succ_opt() {
            out.put("DTEND;VALUE=DATE", &next.format("%Y%m%d").to_string());
        }
        out.text("SUMMARY", &lang.t1(&format!("sec-diary-summary-{}", entry.kind), "title", &entry.title));
        let told = [&entry.delegate, &entry.counterpart, &entry.text].map(String::as_str);
        let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
        out.text("DESCRIPTION", &told.join("\n"));
        if !entry.place.is_empty() {
            out.text("LOCATION", &entry.place);
        }
        out.put("URL", &format!("{base}{}", entry.link()));
        out.put("TRANSP", "TRANSPARENT");
        out.put("END", "VEVENT");
    }
    out.end()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::super::EntryKind;
    use super::*;
    use crate::clock::Instant;

    #[test]
    fn an_entry_is_a_whole_day_and_one_that_is_off_says_so() {
        let entry = Entry {
            id: Uuid::nil(),
            kind: EntryKind::Commitment,
            day: "2026-12-31".parse().unwrap(),
            number: "COM 2026/001".into(),
            title: "Projeto; básico".into(),
            delegate: "Rita".into(),
            counterpart: "Estado".into(),
            place: String::new(),
            text: "Entregar o projeto".into(),
            side: Some("counterpart".into()),
            type_key: super::super::COMMITMENT.into(),
            version: 1,
            state: "dropped".into(),
            is_final: true,
            late: false,
            assigned: String::new(),
            revision: 2,
            changed_at: Instant::default() + TimeDelta::days(20_000),
        };
        let text = write(("Rita", Lang::Pt), ("x.example.org", "https://x.example.org"), &[entry]);
        assert!(text.contains("DTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270101\r\n"), "{text}");
        assert!(text.contains("STATUS:CANCELLED\r\n") && text.contains("SEQUENCE:2\r\n"), "{text}");
        assert!(text.contains("SUMMARY:Compromisso: Projeto\\; básico\r\n"), "{text}");
        assert!(text.contains("UID:commitment-00000000-0000-0000-0000-000000000000@x.example.org\r\n"), "{text}");
        assert!(!text.contains("LOCATION") && text.lines().all(|line| line.len() <= 75), "{text}");
    }
}
