//! Meetings as an iCalendar stream (RFC 5545). Pure.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::clock::Instant;
use crate::icalendar::{Lines, stamp};

/// How long a meeting is shown that has not ended yet.
const LASTS: TimeDelta = TimeDelta::hours(2);

/// One meeting as readers of calendars see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: Uuid,
    pub title: String,
    pub text: String,
    pub place: String,
    pub url: String,
    pub starts_at: Instant,
    pub ended_at: Option<Instant>,
    pub is_cancelled: bool,
    pub sequence: i32,
    pub changed_at: Instant,
}

/// A calendar of events. `host`: right-hand side of the identifiers.
pub fn write(name: &str, host: &str, events: &[Event]) -> String {
    let mut out = Lines::published("-//Sentinela//Bodies//PT", name, "PT1H");
    for event in events {
        out.put("BEGIN", "VEVENT");
        out.put("UID", &format!("meeting-{}@{host}", event.id));
        // The same state is the same bytes.
        out.put("DTSTAMP", &stamp(event.changed_at));
        out.put("SEQUENCE", &event.sequence.to_string());
        out.put("STATUS", if event.is_cancelled { "CANCELLED" } else { "CONFIRMED" });
        out.put("DTSTART", &stamp(event.starts_at));
        let end = event.ended_at.filter(|end| *end > event.starts_at).unwrap_or(event.starts_at + LASTS);
        out.put("DTEND", &stamp(end));
        out.text("SUMMARY", &event.title);
        if !event.text.is_empty() {
            out.text("DESCRIPTION", &event.text);
        }
        out.text("LOCATION", &event.place);
        if !event.url.is_empty() {
            out.put("URL", &event.url);
        }
        out.put("END", "VEVENT");
    }
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_meeting_stays_on_the_calendar_and_says_so() {
        let at = Instant::default() + TimeDelta::days(20_000);
        let event = Event {
            id: Uuid::nil(),
            title: "COMPDEC; 1ª reunião".into(),
            text: String::new(),
            place: "Rua A, 1".into(),
            url: "https://x.example.org/c".into(),
            starts_at: at,
            ended_at: None,
            is_cancelled: true,
            sequence: 2,
            changed_at: at,
        };
        let text = write("COMPDEC", "x.example.org", &[event]);
        assert!(text.contains("STATUS:CANCELLED\r\n") && text.contains("SEQUENCE:2\r\n"), "{text}");
        assert!(text.contains("SUMMARY:COMPDEC\\; 1ª reunião\r\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert_eq!(text.matches("END:VEVENT").count(), 1);
    }
}
