//! XML to the model. Tolerant of order, of unknown elements and of surrounding space; strict on what gives meaning.
//! No entity beyond the five of XML is known and a document type is refused, so a message cannot make the reader open
//! a file or grow without bound.

use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::model::{
    Area, CapAlert, Category, Certainty, Circle, Info, MsgType, NAMESPACE, NamedValue, Point, Reference, Resource,
    ResponseType, Scope, Severity, Status, Urgency,
};
use super::time::CapTime;
use super::write::is_xml_char;

/// The longest document that is read. The largest national alerts with inline polygons stay below a megabyte.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_DEPTH: usize = 32;

/// What is wrong, and where.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CapError {
    #[error("the message has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    #[error("not well-formed at byte {at}: {message}")]
    Xml { at: u64, message: String },
    #[error("no <alert> of CAP 1.2 ({NAMESPACE}); the document is <{root}> of {namespace:?}")]
    NotCap { root: String, namespace: String },
    /// `path` such as "alert/info[2]/area[1]/polygon[1]".
    #[error("{path}: {message}")]
    Field { path: String, message: String },
}

/// Reads a document whose root is one `<alert>`.
pub fn parse(text: &str) -> Result<CapAlert, CapError> {
    let root = read_tree(text)?;
    if root.name == "alert" && root.namespace == NAMESPACE {
        return read_alert(&At { path: "alert".into(), node: &root });
    }
    Err(CapError::NotCap { root: root.name, namespace: root.namespace })
}

/// Reads every CAP 1.2 message of a document: alone, in an EDXL-DE envelope, or as the content of a feed.
pub fn parse_all(text: &str) -> Result<Vec<CapAlert>, CapError> {
    let root = read_tree(text)?;
    let mut found = Vec::new();
    collect_alerts(&root, &mut found);
    if found.is_empty() {
        return Err(CapError::NotCap { root: root.name, namespace: root.namespace });
    }
    let numbered = found.into_iter().enumerate();
    numbered.map(|(index, node)| read_alert(&At { path: format!("alert[{}]", index + 1), node })).collect()
}

/// Bytes to text: UTF-8, or ISO-8859-1 where the XML declaration says so.
pub fn decode(bytes: &[u8]) -> Result<String, CapError> {
    let head: String = bytes.iter().take(100).map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    let declaration = head.split("?>").next().unwrap_or_default();
    if declaration.contains("iso-8859-1") || declaration.contains("latin1") {
        return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
        Err(error) => Err(CapError::Xml { at: error.valid_up_to() as u64, message: "not UTF-8".into() }),
    }
}

#[derive(Debug, Default)]
struct Node {
    name: String,
    namespace: String,
    text: String,
    children: Vec<Node>,
}

fn collect_alerts<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    if node.name == "alert" && node.namespace == NAMESPACE {
        found.push(node);
    } else {
        node.children.iter().for_each(|child| collect_alerts(child, found));
    }
}

fn read_tree(text: &str) -> Result<Node, CapError> {
    if text.len() > MAX_BYTES {
        return Err(CapError::TooLarge(text.len()));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        return Err(CapError::Xml { at: at as u64, message: format!("the character {c:?} is not allowed") });
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    // The bottom of the stack stands for the document.
    let mut stack = vec![Node::default()];
    loop {
        let at = reader.buffer_position();
        let wrong = |message: String| CapError::Xml { at, message };
        let (resolved, event) = reader.read_resolved_event().map_err(|error| wrong(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                if stack.len() > MAX_DEPTH {
                    return Err(wrong(format!("more than {MAX_DEPTH} elements inside each other")));
                }
                let namespace = if let ResolveResult::Bound(Namespace(name)) = resolved { name } else { "" };
                let name = tag.local_name().into_inner().to_owned();
                stack.push(Node { name, namespace: namespace.to_owned(), ..Node::default() });
            }
            Event::End(_) => close(&mut stack),
            Event::Text(piece) => append(&mut stack, &piece.xml10_content()),
            Event::CData(piece) => append(&mut stack, &piece.xml10_content()),
            Event::GeneralRef(reference) => append(&mut stack, &resolve(&reference).map_err(wrong)?),
            Event::DocType(_) => return Err(wrong("a document type is not allowed".into())),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let end = |message: &str| CapError::Xml { at: text.len() as u64, message: message.into() };
    match (stack.pop(), stack.is_empty()) {
        (Some(document), true) => document.children.into_iter().next().ok_or_else(|| end("no element")),
        _ => Err(end("the document ends inside an element")),
    }
}

fn close(stack: &mut Vec<Node>) {
    if stack.len() > 1
        && let Some(done) = stack.pop()
        && let Some(parent) = stack.last_mut()
    {
        parent.children.push(done);
    }
}

fn append(stack: &mut [Node], piece: &str) {
    if let Some(node) = stack.last_mut() {
        node.text.push_str(piece);
    }
}

/// Character references and the five entities of XML; nothing else is known.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        let lawful = is_xml_char(character).then(|| character.to_string());
        return lawful.ok_or_else(|| format!("the character {character:?} is not allowed"));
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).map(str::to_owned).ok_or_else(|| format!("unknown entity &{name};"))
}

/// A node and where it stands.
struct At<'a> {
    path: String,
    node: &'a Node,
}

impl<'a> At<'a> {
    fn wrong(&self, message: impl Into<String>) -> CapError {
        CapError::Field { path: self.path.clone(), message: message.into() }
    }

    fn text(&self) -> &'a str {
        self.node.text.trim()
    }

    /// Children of that name in the namespace of CAP, numbered from 1.
    fn all(&self, name: &str) -> Vec<At<'a>> {
        let named = self.node.children.iter().filter(|child| child.name == name && child.namespace == NAMESPACE);
        named.enumerate().map(|(i, node)| At { path: format!("{}/{name}[{}]", self.path, i + 1), node }).collect()
    }

    fn one(&self, name: &str) -> Result<Option<At<'a>>, CapError> {
        let mut all = self.all(name);
        match all.len() {
            0 => Ok(None),
            1 => Ok(all.pop().map(|found| At { path: format!("{}/{name}", self.path), ..found })),
            count => Err(self.wrong(format!("<{name}> stands {count} times; once is allowed"))),
        }
    }

    fn need(&self, name: &str) -> Result<At<'a>, CapError> {
        self.one(name)?.ok_or_else(|| self.wrong(format!("<{name}> is missing")))
    }

    fn string(&self, name: &str) -> Result<String, CapError> {
        Ok(self.need(name)?.text().to_owned())
    }

    /// An empty element says as little as none.
    fn maybe(&self, name: &str) -> Result<Option<String>, CapError> {
        Ok(self.one(name)?.map(|at| at.text().to_owned()).filter(|text| !text.is_empty()))
    }

    fn parsed<T>(&self, name: &str, read: fn(&At<'a>) -> Result<T, CapError>) -> Result<Option<T>, CapError> {
        self.one(name)?.filter(|at| !at.text().is_empty()).map(|at| read(&at)).transpose()
    }

    fn named(&self, name: &str) -> Result<Vec<NamedValue>, CapError> {
        let pair = |at: At<'a>| Ok(NamedValue { name: at.string("valueName")?, value: at.string("value")? });
        self.all(name).into_iter().map(pair).collect()
    }
}

fn time(at: &At<'_>) -> Result<CapTime, CapError> {
    CapTime::parse(at.text()).map_err(|error| at.wrong(error.to_string()))
}

fn number(at: &At<'_>, text: &str) -> Result<f64, CapError> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| at.wrong(format!("{text:?} is no number")))
}

macro_rules! word {
    ($kind:ident, $at:expr) => {{
        let at = $at;
        $kind::from_word(at.text())
            .ok_or_else(|| at.wrong(format!("{:?} is unknown; expected one of {}", at.text(), $kind::WORDS.join(", "))))
    }};
}

fn read_alert(at: &At<'_>) -> Result<CapAlert, CapError> {
    Ok(CapAlert {
        identifier: at.string("identifier")?,
        sender: at.string("sender")?,
        sent: time(&at.need("sent")?)?,
        status: word!(Status, at.need("status")?)?,
        msg_type: word!(MsgType, at.need("msgType")?)?,
        source: at.maybe("source")?,
        scope: word!(Scope, at.need("scope")?)?,
        restriction: at.maybe("restriction")?,
        addresses: at.maybe("addresses")?.map(|text| split_spaced(&text)).unwrap_or_default(),
        codes: at.all("code").iter().map(|code| code.text().to_owned()).collect(),
        note: at.maybe("note")?,
        references: at.parsed("references", references)?.unwrap_or_default(),
        incidents: at.maybe("incidents")?.map(|text| split_spaced(&text)).unwrap_or_default(),
        infos: at.all("info").iter().map(read_info).collect::<Result<_, _>>()?,
    })
}

fn read_info(at: &At<'_>) -> Result<Info, CapError> {
    Ok(Info {
        language: at.maybe("language")?,
        categories: at.all("category").iter().map(|c| word!(Category, c)).collect::<Result<_, _>>()?,
        event: at.string("event")?,
        response_types: at.all("responseType").iter().map(|r| word!(ResponseType, r)).collect::<Result<_, _>>()?,
        urgency: word!(Urgency, at.need("urgency")?)?,
        severity: word!(Severity, at.need("severity")?)?,
        certainty: word!(Certainty, at.need("certainty")?)?,
        audience: at.maybe("audience")?,
        event_codes: at.named("eventCode")?,
        effective: at.parsed("effective", time)?,
        onset: at.parsed("onset", time)?,
        expires: at.parsed("expires", time)?,
        sender_name: at.maybe("senderName")?,
        headline: at.maybe("headline")?,
        description: at.maybe("description")?,
        instruction: at.maybe("instruction")?,
        web: at.maybe("web")?,
        contact: at.maybe("contact")?,
        parameters: at.named("parameter")?,
        resources: at.all("resource").iter().map(read_resource).collect::<Result<_, _>>()?,
        areas: at.all("area").iter().map(read_area).collect::<Result<_, _>>()?,
    })
}

fn read_resource(at: &At<'_>) -> Result<Resource, CapError> {
    let size = |at: &At<'_>| at.text().parse().map_err(|_| at.wrong(format!("{:?} is no whole number", at.text())));
    Ok(Resource {
        description: at.string("resourceDesc")?,
        mime_type: at.string("mimeType")?,
        size: at.parsed("size", size)?,
        uri: at.maybe("uri")?,
        deref_uri: at.maybe("derefUri")?,
        digest: at.maybe("digest")?,
    })
}

fn read_area(at: &At<'_>) -> Result<Area, CapError> {
    Ok(Area {
        description: at.string("areaDesc")?,
        polygons: at.all("polygon").iter().filter(|p| !p.text().is_empty()).map(polygon).collect::<Result<_, _>>()?,
        circles: at.all("circle").iter().filter(|c| !c.text().is_empty()).map(circle).collect::<Result<_, _>>()?,
        geocodes: at.named("geocode")?,
        altitude: at.parsed("altitude", |at| number(at, at.text()))?,
        ceiling: at.parsed("ceiling", |at| number(at, at.text()))?,
    })
}

fn point(at: &At<'_>, text: &str) -> Result<Point, CapError> {
    let (lat, lon) = text.split_once(',').ok_or_else(|| at.wrong(format!("{text:?} is no point \"lat,lon\"")))?;
    Ok(Point { lat: number(at, lat)?, lon: number(at, lon)? })
}

fn polygon(at: &At<'_>) -> Result<Vec<Point>, CapError> {
    at.text().split_whitespace().map(|text| point(at, text)).collect()
}

fn circle(at: &At<'_>) -> Result<Circle, CapError> {
    let parts: Vec<&str> = at.text().split_whitespace().collect();
    let [centre, radius] = parts[..] else {
        return Err(at.wrong(format!("{:?} is no circle \"lat,lon radius\"", at.text())));
    };
    Ok(Circle { centre: point(at, centre)?, radius_km: number(at, radius)? })
}

fn references(at: &At<'_>) -> Result<Vec<Reference>, CapError> {
    let triple = |text: &str| {
        let parts: Vec<&str> = text.split(',').collect();
        let [sender, identifier, sent] = parts[..] else {
            return Err(at.wrong(format!("{text:?} is no reference \"sender,identifier,sent\"")));
        };
        let sent = CapTime::parse(sent).map_err(|error| at.wrong(error.to_string()))?;
        Ok(Reference { sender: sender.to_owned(), identifier: identifier.to_owned(), sent })
    };
    at.text().split_whitespace().map(triple).collect()
}

/// `one "two words" three`. A quote that never closes runs to the end.
fn split_spaced(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    for (index, piece) in text.split('"').enumerate() {
        if index % 2 == 1 {
            values.push(piece.to_owned());
        } else {
            values.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    values
}
