//! The list of alerts in force, as Atom (RFC 4287) and RSS 2.0. Both point at the CAP messages; neither repeats them.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::escape::escape;

use super::model::MEDIA_TYPE;
use super::write::without_controls;

/// Everything that both forms tell.
#[derive(Clone, Debug)]
pub struct Feed {
    pub title: String,
    /// Who signs.
    pub author: String,
    /// Without a slash at the end.
    pub base_url: String,
    /// "pt-BR"
    pub language: String,
    /// When the list last changed: an alert was issued, ended or ran out.
    pub updated: DateTime<Utc>,
    /// Latest first.
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub identifier: String,
    pub headline: String,
    pub summary: String,
    pub issued_at: DateTime<Utc>,
    /// alert, update, all_clear or cancel.
    pub kind: String,
    pub level: String,
    /// actual, exercise or test.
    pub status: String,
    /// Octets of the message.
    pub bytes: usize,
}

/// Where the message of an identifier lies. Identifiers hold no space, comma, < or &, but may hold any letter.
pub fn message_url(base_url: &str, identifier: &str) -> String {
    let mut url = format!("{}/alerts/", base_url.trim_end_matches('/'));
    for byte in identifier.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@') {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url + ".xml"
}

/// Writing to a String cannot fail, so results of `write!` are dropped in this module.
struct Xml(String);

impl Xml {
    fn line(&mut self, indent: usize, markup: &str) {
        let _ = writeln!(self.0, "{:indent$}{markup}", "");
    }

    fn leaf(&mut self, indent: usize, name: &str, text: &str) {
        let _ = writeln!(self.0, "{:indent$}<{name}>{}</{name}>", "", safe(text));
    }
}

fn safe(text: &str) -> String {
    escape(without_controls(text)).into_owned()
}

/// The Atom document, UTF-8.
pub fn atom(feed: &Feed) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    let base = feed.base_url.trim_end_matches('/');
    let own = safe(&format!("{base}/alerts/feed.atom"));
    xml.line(0, &format!("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">", safe(&feed.language)));
    xml.leaf(2, "id", &format!("{base}/alerts/feed.atom"));
    xml.leaf(2, "title", &feed.title);
    xml.leaf(2, "updated", &rfc3339(feed.updated));
    xml.line(2, "<author>");
    xml.leaf(4, "name", &feed.author);
    xml.line(2, "</author>");
    xml.line(2, &format!("<link rel=\"self\" type=\"application/atom+xml\" href=\"{own}\"/>"));
    xml.line(2, &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}/\"/>", safe(base)));
    for entry in &feed.entries {
        let url = message_url(base, &entry.identifier);
        xml.line(2, "<entry>");
        xml.leaf(4, "id", &url);
        xml.leaf(4, "title", &entry.headline);
        xml.leaf(4, "published", &rfc3339(entry.issued_at));
        xml.leaf(4, "updated", &rfc3339(entry.issued_at));
        for (scheme, term) in categories(entry) {
            let scheme = safe(&format!("{base}/alerts/#{scheme}"));
            xml.line(4, &format!("<category scheme=\"{scheme}\" term=\"{}\"/>", safe(term)));
        }
        let link = format!(
            "<link rel=\"alternate\" type=\"{MEDIA_TYPE}\" href=\"{}\" length=\"{}\"/>",
            safe(&url),
            entry.bytes
        );
        xml.line(4, &link);
        xml.leaf(4, "summary", &entry.summary);
        xml.line(2, "</entry>");
    }
    xml.line(0, "</feed>");
    xml.0
}

/// The RSS document, UTF-8.
pub fn rss(feed: &Feed) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    let base = feed.base_url.trim_end_matches('/');
    let own = safe(&format!("{base}/alerts/feed.rss"));
    xml.line(0, "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">");
    xml.line(2, "<channel>");
    xml.leaf(4, "title", &feed.title);
    xml.leaf(4, "link", &format!("{base}/"));
    xml.leaf(4, "description", &feed.author);
    xml.leaf(4, "language", &feed.language);
    xml.leaf(4, "lastBuildDate", &feed.updated.to_rfc2822());
    xml.line(4, &format!("<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{own}\"/>"));
    for entry in &feed.entries {
        let url = message_url(base, &entry.identifier);
        xml.line(4, "<item>");
        xml.leaf(6, "title", &entry.headline);
        xml.leaf(6, "link", &url);
        xml.line(6, &format!("<guid isPermaLink=\"true\">{}</guid>", safe(&url)));
        xml.leaf(6, "pubDate", &entry.issued_at.to_rfc2822());
        for (_, term) in categories(entry) {
            xml.leaf(6, "category", term);
        }
        xml.leaf(6, "description", &entry.summary);
        xml.line(6, &format!("<enclosure url=\"{}\" length=\"{}\" type=\"{MEDIA_TYPE}\"/>", safe(&url), entry.bytes));
        xml.line(4, "</item>");
    }
    xml.line(2, "</channel>");
    xml.line(0, "</rss>");
    xml.0
}

fn categories(entry: &Entry) -> [(&'static str, &str); 3] {
    [("kind", &entry.kind), ("level", &entry.level), ("status", &entry.status)]
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use quick_xml::events::Event;
    use quick_xml::reader::Reader;

    use super::*;

    fn feed() -> Feed {
        Feed {
            title: "Alertas de Juiz de Fora".into(),
            author: "Defesa Civil & Prefeitura".into(),
            base_url: "https://alertas.example.org/".into(),
            language: "pt-BR".into(),
            updated: "2026-02-24T00:40:00Z".parse().unwrap(),
            entries: vec![Entry {
                identifier: "urn:oid:2.49.0.0.76.3136702.2026.7".into(),
                headline: "Risco > \"alto\" & perto\u{7}".into(),
                summary: "1. Saia <agora>.\n2. Ligue 199.".into(),
                issued_at: "2026-02-24T00:40:00Z".parse().unwrap(),
                kind: "alert".into(),
                level: "maximum".into(),
                status: "actual".into(),
                bytes: 1234,
            }],
        }
    }

    /// (element, text) of every leaf, and every attribute as ("element@name", value).
    fn read(xml: &str) -> Vec<(String, String)> {
        let mut reader = Reader::from_str(xml);
        let (mut stack, mut found) = (Vec::new(), Vec::new());
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) if tag.name().0 == "link" || tag.name().0 == "atom:link" => {
                    for attribute in tag.attributes() {
                        let attribute = attribute.unwrap();
                        found.push((format!("link@{}", attribute.key.0), attribute.value.to_string()));
                    }
                    text.clear();
                }
                Event::Start(tag) => {
                    stack.push(tag.name().0.to_owned());
                    text.clear();
                }
                Event::Text(piece) => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(name) => text.push_str(quick_xml::escape::resolve_xml_entity(&name).unwrap()),
                Event::End(tag) => {
                    found.push((tag.name().0.to_owned(), text.trim().to_owned()));
                    text.clear();
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    fn has(found: &[(String, String)], name: &str, value: &str) -> bool {
        found.iter().any(|(n, v)| n == name && v == value)
    }

    const URL: &str = "https://alertas.example.org/alerts/urn:oid:2.49.0.0.76.3136702.2026.7.xml";

    #[test]
    fn atom_has_what_readers_need() {
        let found = read(&atom(&feed()));
        assert!(
            has(&found, "link@href", "https://alertas.example.org/alerts/feed.atom") && has(&found, "link@rel", "self")
        );
        assert!(has(&found, "link@href", URL) && has(&found, "link@type", "application/cap+xml"));
        assert!(has(&found, "id", URL) && has(&found, "updated", "2026-02-24T00:40:00Z"));
        assert!(has(&found, "name", "Defesa Civil & Prefeitura"));
        assert!(
            has(&found, "title", "Risco > \"alto\" & perto")
                && has(&found, "summary", "1. Saia <agora>.\n2. Ligue 199.")
        );
    }

    #[test]
    fn rss_has_what_readers_need() {
        let found = read(&rss(&feed()));
        assert!(has(&found, "link", URL) && has(&found, "guid", URL), "{found:?}");
        assert!(has(&found, "pubDate", "Tue, 24 Feb 2026 00:40:00 +0000"));
        assert!(has(&found, "link@href", "https://alertas.example.org/alerts/feed.rss"));
        assert!(has(&found, "description", "1. Saia <agora>.\n2. Ligue 199."));
    }

    #[test]
    fn an_empty_list_is_still_a_feed() {
        let empty = Feed { entries: Vec::new(), ..feed() };
        assert!(has(&read(&atom(&empty)), "updated", "2026-02-24T00:40:00Z"));
        assert!(has(&read(&rss(&empty)), "language", "pt-BR"));
    }

    #[test]
    fn an_identifier_is_made_safe_for_an_address() {
        assert_eq!(message_url("https://a", "x/é?y#z%"), "https://a/alerts/x%2F%C3%A9%3Fy%23z%25.xml");
    }

    #[test]
    fn both_are_well_formed_to_xmllint() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        for xml in [atom(&feed()), rss(&feed())] {
            let Ok(mut lint) = Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).spawn() else {
                eprintln!("xmllint (libxml2-utils) is missing: it was not asked");
                return;
            };
            lint.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
            assert!(lint.wait().unwrap().success());
        }
    }
}
