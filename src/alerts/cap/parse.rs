//! XML to the model. Tolerant of order and of surrounding space; strict on what gives meaning. Elements that CAP does not know
//! are kept, and so are texts with their space and numbers with their digits. No entity beyond the five of XML is known and a document type is refused, so a message cannot make the reader open
//! a file or grow without bound.

use std::collections::HashMap;
use std::ops::Range;

use super::c14n::{Method, Pieces, canonical};
use super::model::{
    Area, CapAlert, Category, Certainty, Circle, Foreign, Info, MsgType, NAMESPACE, NamedValue, Point, Reference,
    Resource, ResponseType, Scope, Severity, Status, Urgency, Written,
};
use super::signature;
use super::time::CapTime;
use super::tree::{Node, read_tree};

/// The longest document that is read. The largest national alerts with inline polygons stay below a megabyte.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

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
    if root.name == "alert" && *root.namespace == *NAMESPACE {
        whole(&root, "alert")?;
        let foreign = Kept::of(text, &[&root])?;
        return read_alert(&At { path: "alert".into(), node: &root, foreign: &foreign });
    }
    Err(CapError::NotCap { root: root.name, namespace: root.namespace.to_string() })
}

/// Reads every CAP 1.2 message of a document: alone, in an EDXL-DE envelope, or as the content of a feed.
pub fn parse_all(text: &str) -> Result<Vec<CapAlert>, CapError> {
    let root = read_tree(text)?;
    let mut found = Vec::new();
    collect_alerts(&root, &mut found);
    if found.is_empty() {
        return Err(CapError::NotCap { root: root.name, namespace: root.namespace.to_string() });
    }
    for (i, alert) in found.iter().enumerate() {
        whole(alert, &format!("alert[{}]", i + 1))?;
    }
    let foreign = Kept::of(text, &found)?;
    let numbered = found.into_iter().enumerate();
    numbered.map(|(i, node)| read_alert(&At { path: format!("alert[{}]", i + 1), node, foreign: &foreign })).collect()
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

fn collect_alerts<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    if node.name == "alert" && *node.namespace == *NAMESPACE {
        found.push(node);
    } else {
        node.children.iter().for_each(|child| collect_alerts(child, found));
    }
}

/// Every element of an element of CAP that has elements inside.
const CONTAINERS: [(&str, &[&str]); 4] = [
    (
        "alert",
        &[
            "identifier",
            "sender",
            "sent",
            "status",
            "msgType",
            "source",
            "scope",
            "restriction",
            "addresses",
            "code",
            "note",
            "references",
            "incidents",
            "info",
        ],
    ),
    (
        "info",
        &[
            "language",
            "category",
            "event",
            "responseType",
            "urgency",
            "severity",
            "certainty",
            "audience",
            "eventCode",
            "effective",
            "onset",
            "expires",
            "senderName",
            "headline",
            "description",
            "instruction",
            "web",
            "contact",
            "parameter",
            "resource",
            "area",
        ],
    ),
    ("resource", &["resourceDesc", "mimeType", "size", "uri", "derefUri", "digest"]),
    ("area", &["areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling"]),
];

/// Elements of CAP that hold a name and a value, and nothing else.
const PAIRS: [&str; 3] = ["eventCode", "parameter", "geocode"];

/// Whether nothing of a message would be lost: an element that stands where CAP has text, or beside name and value, is kept
/// nowhere.
fn whole(node: &Node, path: &str) -> Result<(), CapError> {
    let lost = |message: String| CapError::Field { path: path.to_owned(), message };
    let known: &[&str] = match CONTAINERS.iter().find(|(name, _)| *name == node.name) {
        Some((_, known)) => known,
        None if PAIRS.contains(&node.name.as_str()) => &["valueName", "value"],
        None => &[],
    };
    let is_container = CONTAINERS.iter().any(|(name, _)| *name == node.name);
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for child in &node.children {
        if *child.namespace == *NAMESPACE && known.contains(&child.name.as_str()) {
            let count = counts.entry(child.name.as_str()).or_default();
            *count += 1;
            whole(child, &format!("{path}/{}[{count}]", child.name))?;
        } else if !is_container {
            return Err(lost(format!("holds the element <{}>, where CAP has text alone", child.name)));
        }
    }
    Ok(())
}

/// The elements that CAP does not know, by where they begin.
struct Kept(HashMap<usize, String>);

impl Kept {
    fn of(text: &str, alerts: &[&Node]) -> Result<Self, CapError> {
        let mut wanted = Vec::new();
        alerts.iter().for_each(|alert| find_foreign(alert, &mut wanted));
        if wanted.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        // They are put into elements whose default namespace is CAP's.
        let pieces = Pieces { wanted: &wanted, without: &[], inside: NAMESPACE, whole: false };
        let kept = canonical(text, &pieces, &Method::exclusive())?;
        Ok(Self(wanted.into_iter().map(|range| range.start).zip(kept).collect()))
    }
}

fn find_foreign(node: &Node, found: &mut Vec<Range<usize>>) {
    let Some((_, known)) = CONTAINERS.iter().find(|(name, _)| *name == node.name) else { return };
    for child in &node.children {
        if *child.namespace == *NAMESPACE && known.contains(&child.name.as_str()) {
            find_foreign(child, found);
        } else if *child.namespace != *signature::NAMESPACE {
            found.push(child.from..child.to);
        }
    }
}

/// A node and where it stands.
struct At<'a> {
    path: String,
    node: &'a Node,
    foreign: &'a Kept,
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
        let named = self.node.children.iter().filter(|child| child.name == name && *child.namespace == *NAMESPACE);
        let at = |(i, node)| At { path: format!("{}/{name}[{}]", self.path, i + 1), node, foreign: self.foreign };
        named.enumerate().map(at).collect()
    }

    fn others(&self) -> Vec<Foreign> {
        self.node.children.iter().filter_map(|child| self.foreign.0.get(&child.from).cloned().map(Foreign)).collect()
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

    /// Words for people, with the space around them.
    fn words(&self, name: &str) -> Result<Option<String>, CapError> {
        Ok(self.one(name)?.map(|at| at.node.text.clone()).filter(|text| !text.trim().is_empty()))
    }

    fn parsed<T>(&self, name: &str, read: fn(&At<'a>) -> Result<T, CapError>) -> Result<Option<T>, CapError> {
        self.one(name)?.filter(|at| !at.text().is_empty()).map(|at| read(&at)).transpose()
    }

    fn named(&self, name: &str) -> Result<Vec<NamedValue>, CapError> {
        let text = |at: &At<'a>, name| Ok(at.need(name)?.node.text.clone());
        let pair = |at: At<'a>| Ok(NamedValue { name: text(&at, "valueName")?, value: text(&at, "value")? });
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
        source: at.words("source")?,
        scope: word!(Scope, at.need("scope")?)?,
        restriction: at.maybe("restriction")?,
        addresses: at.maybe("addresses")?.map(|text| split_spaced(&text)).unwrap_or_default(),
        codes: at.all("code").iter().map(|code| code.text().to_owned()).collect(),
        note: at.words("note")?,
        references: at.parsed("references", references)?.unwrap_or_default(),
        incidents: at.maybe("incidents")?.map(|text| split_spaced(&text)).unwrap_or_default(),
        infos: at.all("info").iter().map(read_info).collect::<Result<_, _>>()?,
        others: at.others(),
    })
}

fn read_info(at: &At<'_>) -> Result<Info, CapError> {
    Ok(Info {
        language: at.maybe("language")?,
        categories: at.all("category").iter().map(|c| word!(Category, c)).collect::<Result<_, _>>()?,
        event: at.need("event")?.node.text.clone(),
        response_types: at.all("responseType").iter().map(|r| word!(ResponseType, r)).collect::<Result<_, _>>()?,
        urgency: word!(Urgency, at.need("urgency")?)?,
        severity: word!(Severity, at.need("severity")?)?,
        certainty: word!(Certainty, at.need("certainty")?)?,
        audience: at.words("audience")?,
        event_codes: at.named("eventCode")?,
        effective: at.parsed("effective", time)?,
        onset: at.parsed("onset", time)?,
        expires: at.parsed("expires", time)?,
        sender_name: at.words("senderName")?,
        headline: at.words("headline")?,
        description: at.words("description")?,
        instruction: at.words("instruction")?,
        web: at.maybe("web")?,
        contact: at.words("contact")?,
        parameters: at.named("parameter")?,
        resources: at.all("resource").iter().map(read_resource).collect::<Result<_, _>>()?,
        areas: at.all("area").iter().map(read_area).collect::<Result<_, _>>()?,
        others: at.others(),
    })
}

fn read_resource(at: &At<'_>) -> Result<Resource, CapError> {
    let size = |at: &At<'_>| {
        let value = at.text().parse().map_err(|_| at.wrong(format!("{:?} is no whole number", at.text())))?;
        Ok(Written::read(value, at.text().to_owned()))
    };
    Ok(Resource {
        description: at.need("resourceDesc")?.node.text.clone(),
        mime_type: at.string("mimeType")?,
        size: at.parsed("size", size)?,
        uri: at.maybe("uri")?,
        deref_uri: at.maybe("derefUri")?,
        digest: at.maybe("digest")?,
        others: at.others(),
    })
}

fn read_area(at: &At<'_>) -> Result<Area, CapError> {
    Ok(Area {
        description: at.need("areaDesc")?.node.text.clone(),
        polygons: at.all("polygon").iter().filter(|p| !p.text().is_empty()).map(polygon).collect::<Result<_, _>>()?,
        circles: at.all("circle").iter().filter(|c| !c.text().is_empty()).map(circle).collect::<Result<_, _>>()?,
        geocodes: at.named("geocode")?,
        altitude: at.parsed("altitude", height)?,
        ceiling: at.parsed("ceiling", height)?,
        others: at.others(),
    })
}

fn point(at: &At<'_>, text: &str) -> Result<Point, CapError> {
    let (lat, lon) = text.split_once(',').ok_or_else(|| at.wrong(format!("{text:?} is no point \"lat,lon\"")))?;
    Ok(Point { lat: number(at, lat)?, lon: number(at, lon)? })
}

fn height(at: &At<'_>) -> Result<Written<f64>, CapError> {
    Ok(Written::read(number(at, at.text())?, at.text().to_owned()))
}

fn polygon(at: &At<'_>) -> Result<Written<Vec<Point>>, CapError> {
    let points = at.text().split_whitespace().map(|text| point(at, text)).collect::<Result<_, _>>()?;
    Ok(Written::read(points, at.text().to_owned()))
}

fn circle(at: &At<'_>) -> Result<Written<Circle>, CapError> {
    let parts: Vec<&str> = at.text().split_whitespace().collect();
    let [centre, radius] = parts[..] else {
        return Err(at.wrong(format!("{:?} is no circle \"lat,lon radius\"", at.text())));
    };
    let circle = Circle { centre: point(at, centre)?, radius_km: number(at, radius)? };
    Ok(Written::read(circle, at.text().to_owned()))
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
