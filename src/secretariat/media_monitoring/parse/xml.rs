//! RSS and Atom, read as they come by: no tree is built, and no entity is known beyond the five of XML and the names of HTML.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::{Around, Parsed, Raw, keep};

/// Elements inside each other, elements and attributes that are looked at.
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 200_000;
const MAX_ATTRIBUTES: usize = 50;
/// Bytes of one field of one item; the rest of it is passed over.
const MAX_FIELD: usize = 64 * 1024;

/// What an element of an item is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Title,
    Link,
    Guid,
    Summary,
    Content,
    Published,
    Updated,
}

impl Field {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "title" | "dc:title" => Self::Title,
            "link" => Self::Link,
            "guid" | "id" => Self::Guid,
            "description" | "summary" | "dc:description" => Self::Summary,
            "content" | "content:encoded" => Self::Content,
            "pubDate" | "pubdate" | "published" | "issued" | "dc:date" | "dc:issued" => Self::Published,
            "updated" | "modified" | "dc:modified" | "lastBuildDate" => Self::Updated,
            _ => return None,
        })
    }

    fn text(self, raw: &mut Raw) -> &mut String {
        match self {
            Self::Title => &mut raw.title,
            Self::Link => &mut raw.link,
            Self::Guid => &mut raw.guid,
            Self::Summary => &mut raw.summary,
            Self::Content => &mut raw.content,
            Self::Published => &mut raw.published,
            Self::Updated => &mut raw.updated,
        }
    }
}

/// An item that is being read.
#[derive(Default)]
struct Open {
    raw: Raw,
    /// Depth of its element.
    depth: usize,
    field: Option<Field>,
    /// Its first elements of each kind count; the depth of one that is passed over does not matter.
    seen: Vec<Field>,
    /// An address of another kind than the page: the enclosure, the comments.
    second_link: String,
}

struct Walk<'a> {
    parsed: Parsed,
    around: Around<'a>,
    depth: usize,
    elements: usize,
    open: Option<Open>,
    is_feed: bool,
}

/// # Errors
/// When it is no feed, or declares entities of its own.
pub(super) fn parse(text: &str, around: Around<'_>) -> Result<Parsed, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk { parsed: Parsed::default(), around, depth: 0, elements: 0, open: None, is_feed: false };
    loop {
        let at = reader.buffer_position();
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                walk.parsed.wrong(format!("byte {at}: {error}"));
                break;
            }
        };
        match event {
            Event::Start(tag) => walk.start(&tag)?,
            Event::End(_) => walk.end(),
            Event::Text(piece) => walk.append(&piece.xml10_content()),
            Event::CData(piece) => walk.append(&piece.xml10_content()),
            Event::GeneralRef(reference) => walk.append(&resolved(&reference)),
            // Older feeds name the document type of their format; one that declares entities wants more than to be read.
            Event::DocType(text) if text.contains('[') => return Err("declares entities of its own".into()),
            Event::Eof => {
                if walk.depth > 0 {
                    walk.parsed.wrong("ends in the middle");
                }
                break;
            }
            Event::DocType(_) | Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if walk.is_feed { Ok(walk.parsed) } else { Err(not_a_feed(&walk.parsed)) }
}

fn not_a_feed(parsed: &Parsed) -> String {
    let expected = "expected RSS, Atom or JSON Feed";
    if parsed.problem.is_empty() { expected.to_owned() } else { format!("{expected}: {}", parsed.problem) }
}

/// Names without the prefixes that stand for RSS and Atom themselves.
fn name_of(qualified: &str) -> &str {
    ["atom:", "atom10:", "a10:", "rss:"].iter().find_map(|prefix| qualified.strip_prefix(prefix)).unwrap_or(qualified)
}

impl Walk<'_> {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let qualified = tag.name();
        let name = name_of(qualified.into_inner());
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} elements inside each other"));
        }
        if self.elements > MAX_ELEMENTS {
            return Err(format!("more than {MAX_ELEMENTS} elements"));
        }
        if self.depth == 1 {
            self.is_feed = matches!(name, "rss" | "feed" | "rdf:RDF" | "RDF" | "channel");
            if !self.is_feed {
                return Err(format!(
                    "{}: is <{}>",
                    not_a_feed(&self.parsed),
                    name.chars().take(40).collect::<String>()
                ));
            }
            return Ok(());
        }
        let depth = self.depth;
        let Some(open) = &mut self.open else {
            if matches!(name, "item" | "entry") {
                let mut open = Open { depth, ..Open::default() };
                // RSS 1.0 names its items by their address.
                open.raw.guid = attribute(tag, "rdf:about").unwrap_or_default();
                self.open = Some(open);
            }
            return Ok(());
        };
        if depth > open.depth + 1 {
            // Markup inside a text: what ends a paragraph keeps its words apart.
            if matches!(name, "p" | "br" | "div" | "li") {
                self.append(" ");
            }
            return Ok(());
        }
        open.begin(name, tag);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(open) = &mut self.open {
            if self.depth == open.depth + 1 {
                open.field = None;
            }
            if self.depth == open.depth
                && let Some(done) = self.open.take()
            {
                keep(&mut self.parsed, &done.whole(), self.around);
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn append(&mut self, piece: &str) {
        let Some(open) = &mut self.open else { return };
        let Some(field) = open.field else { return };
        let text = field.text(&mut open.raw);
        let room = MAX_FIELD.saturating_sub(text.len());
        let end = (0..=room.min(piece.len())).rev().find(|end| piece.is_char_boundary(*end)).unwrap_or(0);
        text.push_str(&piece[..end]);
    }
}

impl Open {
    fn begin(&mut self, name: &str, tag: &BytesStart<'_>) {
        self.field = None;
        let Some(field) = Field::of(name) else { return };
        if field == Field::Link
            && let Some(href) = attribute(tag, "href")
        {
            let is_page = attribute(tag, "rel").is_none_or(|rel| rel == "alternate");
            let text = if is_page { &mut self.raw.link } else { &mut self.second_link };
            if text.trim().is_empty() {
                *text = href;
            }
            return;
        }
        // The address of an item outranks the one that names it in RSS 1.0.
        if !self.seen.contains(&field) {
            self.seen.push(field);
            field.text(&mut self.raw).clear();
            self.field = Some(field);
        }
    }

    fn whole(self) -> Raw {
        let mut raw = self.raw;
        if raw.link.trim().is_empty() {
            raw.link = self.second_link;
        }
        raw
    }
}

/// The value of an attribute by its qualified name.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = tag.attributes();
    let found =
        all.with_checks(false).take(MAX_ATTRIBUTES).filter_map(Result::ok).find(|one| one.key.into_inner() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.chars().take(4000).collect())
}

/// Characters by number and the five entities of XML. The names of HTML, which many feeds use, are read with the text; what is neither
/// stays as it stands.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}
