//! iCalendar streams (RFC 5545) as all of ours are written: the same head, and lines that are escaped and folded. Pure.

use crate::clock::Instant;

/// Octets of a line, without its end (RFC 5545, section 3.1).
pub const LINE_OCTETS: usize = 75;

/// Content lines, escaped and folded.
pub struct Lines(String);

impl Lines {
    /// The head of a published calendar: who wrote it, its name, and how often to look again (RFC 7986, section 5.7).
    pub fn published(product: &str, name: &str, again: &str) -> Self {
        let mut out = Self(String::new());
        out.put("BEGIN", "VCALENDAR");
        out.put("VERSION", "2.0");
        out.put("PRODID", product);
        out.put("CALSCALE", "GREGORIAN");
        out.put("METHOD", "PUBLISH");
        out.text("X-WR-CALNAME", name);
        out.put("REFRESH-INTERVAL;VALUE=DURATION", again);
        out
    }

    /// The whole stream.
    pub fn end(mut self) -> String {
        self.put("END", "VCALENDAR");
        self.0
    }

    /// A value as it is. Line ends have no place in one.
    pub fn put(&mut self, name: &str, value: &str) {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        self.fold(&format!("{name}:{value}"));
    }

    /// A value of type TEXT, escaped (section 3.3.11).
    pub fn text(&mut self, name: &str, value: &str) {
        let mut escaped = String::with_capacity(value.len());
        for c in value.replace("\r\n", "\n").chars() {
            match c {
                '\\' | ';' | ',' => escaped.extend(['\\', c]),
                '\n' => escaped.push_str("\\n"),
                '\t' => escaped.push(' '),
                c if c.is_control() => {}
                c => escaped.push(c),
            }
        }
        self.fold(&format!("{name}:{escaped}"));
    }

    /// At most 75 octets a line, and never in the middle of a character.
    fn fold(&mut self, line: &str) {
        let mut room = LINE_OCTETS;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.0.push_str("\r\n ");
                // The space that begins the line counts.
                room = LINE_OCTETS - 1;
            }
            room -= c.len_utf8();
            self.0.push(c);
        }
        self.0.push_str("\r\n");
    }
}

/// UTC, form 2 of section 3.3.5.
pub fn stamp(at: Instant) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}
