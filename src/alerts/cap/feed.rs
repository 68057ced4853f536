//! Lists of alerts, as Atom (RFC 4287) and RSS 2.0, with their archive (RFC 5005). Both point at the CAP messages; neither
//! repeats them.
//!
//! The document at the feed's own address lists what is in force. `?page=1` is the oldest piece of the archive, and each piece
//! names the ones before and after it; one that is full never changes.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::escape::escape;

use super::model::MEDIA_TYPE;
use super::write::without_controls;

/// Namespace of `fh:archive` (RFC 5005, section 4).
const HISTORY: &str = "http://purl.org/syndication/history/1.0";

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
    /// Where the feed lies in that language, without its form: "/alerts/feed", "/alerts/areas/JF-1/feed.en".
    pub place: String,
    /// What follows in the address, e.g. "status=exercise"; mostly empty.
    pub query: String,
    /// The same in other languages: (language, place).
    pub others: Vec<(String, String)>,
    /// The piece of the archive that this is; `None` for what is in force.
    pub page: Option<Page>,
    /// Pieces of the archive.
    pub pages: u32,
    /// When the list last changed: an alert was issued, ended or ran out.
    pub updated: DateTime<Utc>,
    /// Latest first.
    pub entries: Vec<Entry>,
}

/// A piece of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1, the oldest.
    pub number: u32,
    /// Nothing will be added to it.
    pub is_full: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub identifier: String,
    pub headline: String,
    pub summary: String,
    /// Of headline and summary; another than the feed's when there is no translation.
    pub language: String,
    pub issued_at: DateTime<Utc>,
    /// alert, update, all_clear or cancel.
    pub kind: String,
    pub level: String,
    /// actual, exercise, test or system.
    pub status: String,
    /// COBRADE, "1.1.3.2.1".
    pub hazard: String,
    /// Octets of the message.
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Atom,
    Rss,
}

impl Form {
    /// The end of its addresses.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Rss => "rss",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Rss => "application/rss+xml",
        }
    }
}

impl Feed {
    /// The document, UTF-8.
    pub fn write(&self, form: Form) -> String {
        match form {
            Form::Atom => atom(self),
            Form::Rss => rss(self),
        }
    }

    fn base(&self) -> &str {
        self.base_url.trim_end_matches('/')
    }

    fn address(&self, form: Form, place: &str, page: Option<u32>) -> String {
        let page = page.map(|number| format!("page={number}"));
        let query: Vec<&str> =
            [self.query.as_str(), page.as_deref().unwrap_or_default()].into_iter().filter(|q| !q.is_empty()).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{place}.{}{mark}{}", self.base(), form.suffix(), query.join("&"))
    }

    /// Relations of this document with others, as (rel, address). Of the archive and its pieces by RFC 5005.
    fn relations(&self, form: Form) -> Vec<(&'static str, String)> {
        let at = |page| self.address(form, &self.place, page);
        let mut found = vec![("self", at(self.page.map(|page| page.number)))];
        match self.page {
            None => found.extend((self.pages > 0).then(|| ("prev-archive", at(Some(self.pages))))),
            Some(Page { number, is_full }) => {
                found.push(("current", at(None)));
                found.push(("first", at(Some(1))));
                // A full piece stays as it is for ever. Which is the last, and whether another follows, does not.
                found.extend((!is_full).then(|| ("last", at(Some(self.pages.max(1))))));
                if number > 1 {
                    found.push(("prev-archive", at(Some(number - 1))));
                    found.push(("previous", at(Some(number - 1))));
                }
                if !is_full && number < self.pages {
                    found.push(("next-archive", at(Some(number + 1))));
                    found.push(("next", at(Some(number + 1))));
                }
            }
        }
        found
    }

    fn is_archive(&self) -> bool {
        self.page.is_some_and(|page| page.is_full)
    }
}

/// Where the page of an identifier lies. Identifiers hold no space, comma, < or &, but may hold any letter.
pub fn page_url(base_url: &str, identifier: &str) -> String {
    let mut url = format!("{}/alerts/", base_url.trim_end_matches('/'));
    for byte in identifier.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@') {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// Where its message lies.
pub fn message_url(base_url: &str, identifier: &str) -> String {
    page_url(base_url, identifier) + ".xml"
}

/// Writing to a String cannot fail, so results of `write!` are dropped in this module.
struct Xml(String);

impl Xml {
    fn line(&mut self, indent: usize, markup: &str) {
        let _ = writeln!(self.0, "{:indent$}{markup}", "");
    }

    fn leaf(&mut self, indent: usize, name: &str, text: &str) {
        let end = name.split(' ').next().unwrap_or(name);
        let _ = writeln!(self.0, "{:indent$}<{name}>{}</{end}>", "", safe(text));
    }
}

fn safe(text: &str) -> String {
    escape(without_controls(text)).into_owned()
}

fn atom(feed: &Feed) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    let (base, language) = (feed.base(), safe(&feed.language));
    let history = if feed.is_archive() { format!(" xmlns:fh=\"{HISTORY}\"") } else { String::new() };
    xml.line(0, &format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"{history} xml:lang=\"{language}\">"));
    // Every piece is of one feed, so all bear its id.
    xml.leaf(2, "id", &feed.address(Form::Atom, &feed.place, None));
    xml.leaf(2, "title", &feed.title);
    xml.leaf(2, "updated", &rfc3339(feed.updated));
    xml.line(2, "<author>");
    xml.leaf(4, "name", &feed.author);
    xml.line(2, "</author>");
    if feed.is_archive() {
        xml.line(2, "<fh:archive/>");
    }
    for (rel, address) in feed.relations(Form::Atom) {
        xml.line(2, &format!("<link rel=\"{rel}\" type=\"application/atom+xml\" href=\"{}\"/>", safe(&address)));
    }
    xml.line(2, &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}/\"/>", safe(base)));
    for (language, place) in &feed.others {
        let address = safe(&feed.address(Form::Atom, place, feed.page.map(|page| page.number)));
        let language = safe(language);
        let link = format!(
            "<link rel=\"alternate\" type=\"application/atom+xml\" hreflang=\"{language}\" href=\"{address}\"/>"
        );
        xml.line(2, &link);
    }
    feed.entries.iter().for_each(|entry| atom_entry(&mut xml, feed, entry));
    xml.line(0, "</feed>");
    xml.0
}

fn atom_entry(xml: &mut Xml, feed: &Feed, entry: &Entry) {
    let base = feed.base();
    let url = message_url(base, &entry.identifier);
    let foreign = entry.language != feed.language;
    let tag =
        |name: &str| if foreign { format!("{name} xml:lang=\"{}\"", safe(&entry.language)) } else { name.to_owned() };
    xml.line(2, "<entry>");
    xml.leaf(4, "id", &url);
    xml.leaf(4, &tag("title"), &entry.headline);
    xml.leaf(4, "published", &rfc3339(entry.issued_at));
    xml.leaf(4, "updated", &rfc3339(entry.issued_at));
    for (scheme, term) in categories(entry) {
        let scheme = safe(&format!("{base}/alerts/#{scheme}"));
        xml.line(4, &format!("<category scheme=\"{scheme}\" term=\"{}\"/>", safe(term)));
    }
    let (address, length) = (safe(&url), entry.bytes);
    xml.line(4, &format!("<link rel=\"alternate\" type=\"{MEDIA_TYPE}\" href=\"{address}\" length=\"{length}\"/>"));
    let page = safe(&page_url(base, &entry.identifier));
    xml.line(4, &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{page}\"/>"));
    xml.leaf(4, &tag("summary"), &entry.summary);
    xml.line(2, "</entry>");
}

fn rss(feed: &Feed) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    let base = feed.base();
    let history = if feed.is_archive() { format!(" xmlns:fh=\"{HISTORY}\"") } else { String::new() };
    xml.line(0, &format!("<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"{history}>"));
    xml.line(2, "<channel>");
    xml.leaf(4, "title", &feed.title);
    xml.leaf(4, "link", &format!("{base}/"));
    xml.leaf(4, "description", &feed.author);
    xml.leaf(4, "language", &feed.language);
    xml.leaf(4, "lastBuildDate", &feed.updated.to_rfc2822());
    if feed.is_archive() {
        xml.line(4, "<fh:archive/>");
    }
    for (rel, address) in feed.relations(Form::Rss) {
        let address = safe(&address);
        xml.line(4, &format!("<atom:link rel=\"{rel}\" type=\"application/rss+xml\" href=\"{address}\"/>"));
    }
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

fn categories(entry: &Entry) -> [(&'static str, &str); 4] {
    [("kind", &entry.kind), ("level", &entry.level), ("status", &entry.status), ("cobrade", &entry.hazard)]
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
            place: "/alerts/feed".into(),
            query: String::new(),
            others: vec![("en".into(), "/alerts/feed.en".into())],
            page: None,
            pages: 3,
            updated: "2026-02-24T00:40:00Z".parse().unwrap(),
            entries: vec![Entry {
                identifier: "urn:oid:2.49.0.0.76.3136702.2026.7".into(),
                headline: "Risco > \"alto\" & perto\u{7}".into(),
                summary: "1. Saia <agora>.\n2. Ligue 199.".into(),
                language: "pt-BR".into(),
                issued_at: "2026-02-24T00:40:00Z".parse().unwrap(),
                kind: "alert".into(),
                level: "maximum".into(),
                status: "actual".into(),
                hazard: "1.1.3.2.1".into(),
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

    fn links(xml: &str) -> Vec<String> {
        let relation = |line: &str| {
            let rest = line.trim().strip_prefix("<link rel=\"")?;
            let (rel, rest) = rest.split_once('"')?;
            let href = rest.split("href=\"").nth(1)?.split('"').next()?;
            Some(format!("{rel} {}", href.trim_start_matches("https://alertas.example.org")))
        };
        let head = xml.split("<entry>").next().unwrap();
        head.lines().filter_map(relation).collect()
    }

    #[test]
    fn the_archive_is_a_chain_of_pieces() {
        assert_eq!(
            links(&atom(&feed())),
            [
                "self /alerts/feed.atom",
                "prev-archive /alerts/feed.atom?page=3",
                "alternate /",
                "alternate /alerts/feed.en.atom"
            ]
        );
        let piece =
            |number, is_full| Feed { page: Some(Page { number, is_full }), query: "status=test".into(), ..feed() };
        let middle = atom(&piece(2, true));
        assert_eq!(
            links(&middle)[..5],
            [
                "self /alerts/feed.atom?status=test&amp;page=2",
                "current /alerts/feed.atom?status=test",
                "first /alerts/feed.atom?status=test&amp;page=1",
                "prev-archive /alerts/feed.atom?status=test&amp;page=1",
                "previous /alerts/feed.atom?status=test&amp;page=1",
            ]
        );
        assert!(!links(&middle).iter().any(|link| link.starts_with("next")), "a full piece does not change");
        assert!(
            links(&atom(&piece(2, false))).contains(&"next-archive /alerts/feed.atom?status=test&amp;page=3".into())
        );
        assert!(middle.contains("<fh:archive/>") && rss(&piece(2, true)).contains("<fh:archive/>"));
        // What may still grow is no archive document yet.
        assert!(!atom(&piece(3, false)).contains("fh:"));
        assert!(!links(&atom(&piece(3, false))).iter().any(|link| link.starts_with("next")));
    }

    #[test]
    fn an_entry_in_another_language_says_so() {
        let english = Feed { language: "en".into(), ..feed() };
        assert!(atom(&english).contains("<title xml:lang=\"pt-BR\">Risco"));
        assert!(!atom(&feed()).contains("<title xml:lang"));
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
            let lint = Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).spawn();
            let mut lint = lint.expect("xmllint (libxml2-utils), which `make setup` installs");
            lint.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
            assert!(lint.wait().unwrap().success());
        }
    }
}
