//! CAP as it comes: of version 1.0 to 1.2, in any order, with what the standard forbids. Only what a warning cannot do
//! without is asked for (identifier, sender, sent, status, msgType); whatever else is wrong is told and left out. The strict
//! reader for our own messages is `alerts::cap`.
//!
//! Of several languages Portuguese is taken. Several `<info>` of one language are one warning here: the words are the most
//! severe one's, the ground that of all, from the first onset to the last expiry. So nobody is told too little.

use chrono::{DateTime, FixedOffset, NaiveDateTime};
use geo::MultiPolygon;

use super::{
    Certainty, LINE, MAX_AREAS, MAX_POINTS, MAX_RAW, MsgType, NAME, Problem, Scope, Severity, Status, TEXT, Urgency,
    Warning, colour, cut, geocodes_in, geometry, is_geocode, series, tidy_geocodes,
};
use crate::alerts::cap::tree::Node;
use crate::clock::Instant;

const NAMESPACES: [&str; 4] = [
    "urn:oasis:names:tc:emergency:cap:1.2",
    "urn:oasis:names:tc:emergency:cap:1.1",
    "http://www.incident.com/cap/1.0",
    // Left out altogether.
    "",
];

/// Whether an element is a CAP message of a version that is read.
pub(super) fn is_alert(node: &Node) -> bool {
    node.name == "alert" && NAMESPACES.contains(&&*node.namespace)
}

fn children<'a>(node: &'a Node, name: &'a str) -> impl Iterator<Item = &'a Node> {
    node.children.iter().filter(move |child| child.name == name)
}

/// The text of the first such child that says something.
fn text<'a>(node: &'a Node, name: &'a str) -> &'a str {
    children(node, name).map(|child| child.text.trim()).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The same for people, with the words of elements that stand inside though CAP knows none there.
fn words(node: &Node, name: &str) -> String {
    let said = children(node, name).map(|child| child.words().trim().to_owned());
    said.into_iter().find(|words| !words.is_empty()).unwrap_or_default()
}

/// Reads one message. `None` for an acknowledgement or an error between systems, which warn of nothing.
///
/// # Errors
/// Names the element without which the message cannot be kept.
pub(super) fn read(alert: &Node, raw: &[u8], problems: &mut Vec<Problem>) -> Result<Option<Warning>, Problem> {
    if raw.len() > MAX_RAW {
        let message = format!("has {} bytes; at most {MAX_RAW} are kept", raw.len());
        return Err(Problem::new("alert", text(alert, "identifier"), message));
    }
    let msg_type = word(alert, "msgType", MsgType::from_word)?;
    if matches!(msg_type, MsgType::Ack | MsgType::Error) {
        return Ok(None);
    }
    let identifier = needed(alert, "identifier")?;
    let sent = needed(alert, "sent")?;
    let sent_at = instant(&sent).ok_or_else(|| Problem::new("alert/sent", &sent, "is no time of CAP"))?;
    let infos = chosen(alert);
    let worst = infos.iter().copied().min_by_key(|info| severity(info));
    let said = |name: &'static str, most: usize| worst.map(|info| cut(&words(info, name), most)).unwrap_or_default();
    let times = |name: &'static str| infos.iter().filter_map(move |info| instant(text(info, name)));
    let ground = Ground::of(&infos, &identifier, problems);
    let (series, revision) = series(&identifier);
    let colour = infos.iter().map(|info| colour_of(info)).find(|colour| !colour.is_empty()).unwrap_or_default();
    Ok(Some(Warning {
        sender: needed(alert, "sender")?,
        sender_name: said("senderName", NAME),
        sent_at,
        status: word(alert, "status", Status::from_word)?,
        msg_type,
        // What does not say whom it is for is not for everyone.
        scope: Scope::from_word(text(alert, "scope")).unwrap_or(Scope::Restricted),
        series,
        revision,
        references: references(text(alert, "references")),
        event: said("event", NAME),
        urgency: worst.and_then(|info| Urgency::from_word(text(info, "urgency"))).unwrap_or(Urgency::Unknown),
        severity: worst.map_or(Severity::Unknown, severity),
        certainty: worst.and_then(|info| Certainty::from_word(text(info, "certainty"))).unwrap_or(Certainty::Unknown),
        level: worst.map(|info| level_of(info, &colour)).unwrap_or_default(),
        colour,
        headline: said("headline", LINE),
        description: said("description", TEXT),
        instruction: said("instruction", TEXT),
        web: worst.map(|info| web(text(info, "web"))).unwrap_or_default(),
        effective_at: times("effective").min(),
        onset_at: times("onset").min(),
        // Who says that the danger is past warns of nothing from then on; the rest of its time it is news.
        expires_at: if is_all_clear(&infos) { Some(sent_at) } else { last_expiry(&infos) },
        area_texts: ground.texts,
        geocodes: ground.geocodes,
        polygons: ground.polygons,
        circles: ground.circles,
        raw: raw.to_vec(),
        identifier,
    }))
}

fn needed(alert: &Node, name: &'static str) -> Result<String, Problem> {
    let found = text(alert, name);
    let found: String = found.chars().filter(|c| *c != '\0').collect();
    match found.chars().count() {
        0 => Err(Problem::new(format!("alert/{name}"), text(alert, "identifier"), "is missing")),
        1..=LINE => Ok(found),
        long => Err(Problem::new(format!("alert/{name}"), &found, format!("has {long} characters; at most {LINE}"))),
    }
}

/// A word of CAP; missing or unknown is no guess.
fn word<T>(alert: &Node, name: &'static str, read: fn(&str) -> Option<T>) -> Result<T, Problem> {
    let found = text(alert, name);
    read(found).ok_or_else(|| Problem::new(format!("alert/{name}"), found, "is no word of CAP for it"))
}

/// The `<info>` of one language: Portuguese, else that of the first.
fn chosen(alert: &Node) -> Vec<&Node> {
    let all: Vec<&Node> = children(alert, "info").collect();
    let language = |info: &Node| text(info, "language").to_ascii_lowercase();
    let ours = |info: &&&Node| language(info).starts_with("pt");
    let wanted = all.iter().find(ours).or_else(|| all.first()).map(|info| language(info));
    all.into_iter().filter(|info| Some(language(info)) == wanted).collect()
}

/// `Extreme` is the least of the words, `Unknown` the greatest.
fn severity(info: &Node) -> Severity {
    Severity::from_word(text(info, "severity")).unwrap_or(Severity::Unknown)
}

/// Without an end when one of the parts has none.
fn last_expiry(infos: &[&Node]) -> Option<Instant> {
    let all: Option<Vec<Instant>> = infos.iter().map(|info| instant(text(info, "expires"))).collect();
    all.into_iter().flatten().max()
}

/// Every part says AllClear (CAP 1.2, section 3.2.2, `responseType`) and nothing else.
fn is_all_clear(infos: &[&Node]) -> bool {
    let says = |info: &&Node| {
        let all: Vec<&str> = children(info, "responseType").map(|node| node.text.trim()).collect();
        !all.is_empty() && all.iter().all(|word| *word == "AllClear")
    };
    !infos.is_empty() && infos.iter().all(says)
}

/// An address that a browser may be led to, or nothing.
fn web(text: &str) -> String {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(String::from).filter(|url| url.len() <= LINE).unwrap_or_default()
}

/// RFC 3339, or the same without offset, which is Brasília's, as all of INMET's times are.
pub(super) fn instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let brasilia = FixedOffset::west_opt(3 * 3600)?;
    let wall = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"].iter();
    let wall = wall.clone().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    wall.and_local_timezone(brasilia).single().map(|at| at.to_utc())
}

/// "sender,identifier,sent" with space between them. What is no triple names nothing.
pub(super) fn references(text: &str) -> Vec<(String, String)> {
    let triple = |text: &str| {
        let mut parts = text.split(',');
        let (sender, identifier) = (parts.next()?, parts.next()?);
        parts.next().map(|_| (cut(sender, LINE), cut(identifier, LINE)))
    };
    text.split_whitespace().filter_map(triple).take(100).collect()
}

/// (name, value) of the parameters.
fn parameters(info: &Node) -> impl Iterator<Item = (String, &str)> {
    children(info, "parameter").map(|node| (text(node, "valueName").to_lowercase(), text(node, "value")))
}

/// INMET says `ColorRisk`.
fn colour_of(info: &Node) -> String {
    let named = parameters(info).filter(|(name, _)| name.contains("color") || name.contains("cor"));
    named.map(|(_, value)| colour(value)).find(|colour| !colour.is_empty()).unwrap_or_default()
}

/// The publisher's word: INMET's own for its colour, MeteoAlarm's `awareness_level`.
fn level_of(info: &Node, colour: &str) -> String {
    let known = super::INMET_LEVELS.iter().find(|(known, ..)| *known == colour).map(|(_, word, _)| (*word).to_owned());
    let told = || parameters(info).find(|(name, _)| name == "awareness_level").map(|(_, value)| cut(value, NAME));
    known.or_else(told).unwrap_or_default()
}

/// Where it holds.
struct Ground {
    texts: Vec<String>,
    geocodes: Vec<String>,
    polygons: MultiPolygon<f64>,
    circles: MultiPolygon<f64>,
}

impl Ground {
    fn of(infos: &[&Node], identifier: &str, problems: &mut Vec<Problem>) -> Self {
        let none = || MultiPolygon(Vec::new());
        let mut ground = Self { texts: Vec::new(), geocodes: Vec::new(), polygons: none(), circles: none() };
        for info in infos {
            // INMET names the municipalities in a parameter, not in a geocode.
            for (_, value) in parameters(info).filter(|(name, _)| names_places(name)) {
                ground.geocodes.extend(geocodes_in(value));
            }
            children(info, "area").for_each(|area| ground.add(area, identifier, problems));
        }
        ground.geocodes = tidy_geocodes(ground.geocodes);
        ground
    }

    fn add(&mut self, area: &Node, identifier: &str, problems: &mut Vec<Problem>) {
        let words = cut(&words(area, "areaDesc"), 2000);
        if !words.is_empty() && self.texts.len() < MAX_AREAS && !self.texts.contains(&words) {
            self.texts.push(words);
        }
        let codes = children(area, "geocode").map(|code| text(code, "value").trim());
        self.geocodes.extend(codes.filter(|code| is_geocode(code)).map(str::to_owned));
        let mut refused = |name: &str, why: String| {
            problems.push(Problem::new(format!("alert/info/area/{name}"), identifier, why));
        };
        for (name, into, read) in [
            ("polygon", &mut self.polygons, geometry::cap_polygon as fn(&str) -> Result<geo::Polygon<f64>, String>),
            ("circle", &mut self.circles, geometry::cap_circle),
        ] {
            for shape in children(area, name).map(|node| node.text.trim()).filter(|text| !text.is_empty()) {
                match read(shape) {
                    Ok(_) if points(into) > MAX_POINTS => {
                        refused(name, format!("is one more than {MAX_POINTS} points leave room for"));
                    }
                    Ok(polygon) => into.0.push(polygon),
                    Err(why) => refused(name, why),
                }
            }
        }
    }
}

fn names_places(name: &str) -> bool {
    ["munic", "ibge", "geocod"].iter().any(|part| name.contains(part))
}

fn points(shapes: &MultiPolygon<f64>) -> usize {
    shapes.0.iter().map(|polygon| polygon.exterior().0.len()).sum()
}
