//! The rules of CAP 1.2 that the schema cannot express.

use geo::{Area as _, LineString, Polygon, Validation};

use super::model::{Area, CapAlert, Info, MsgType, NamedValue, Point, Reference, Resource, Scope, Status, Written};
use super::time::CapTime;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Such as "alert/info[1]/area[2]/polygon[1]".
    pub path: String,
    pub message: String,
}

#[derive(Default)]
struct Report(Vec<Problem>);

impl Report {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into() });
    }

    fn when(&mut self, broken: bool, path: &str, message: &str) {
        if broken {
            self.add(path, message);
        }
    }
}

/// Everything the standard demands. An empty answer means the message may be sent.
pub fn check(alert: &CapAlert) -> Vec<Problem> {
    let mut report = Report::default();
    check_name(&mut report, "alert/identifier", &alert.identifier);
    check_name(&mut report, "alert/sender", &alert.sender);
    check_time(&mut report, "alert/sent", Some(&alert.sent));
    check_scope(&mut report, alert);
    check_references(&mut report, alert);
    check_plain(&mut report, "alert/note", alert.note.as_ref());
    for (index, info) in alert.infos.iter().enumerate() {
        check_info(&mut report, &format!("alert/info[{}]", index + 1), alert, info);
    }
    check_same_subject(&mut report, &alert.infos);
    report.0
}

/// What may stand at a public address: a Draft, or a message not meant for the public, never may.
pub fn check_public(alert: &CapAlert) -> Vec<Problem> {
    let mut report = Report::default();
    report.when(alert.status == Status::Draft, "alert/status", "a Draft is never published");
    report.when(alert.scope != Scope::Public, "alert/scope", "only scope Public is published");
    report.0
}

/// What the standard recommends. Nothing here forbids sending.
pub fn advise(alert: &CapAlert) -> Vec<Problem> {
    let mut report = Report::default();
    report.when(alert.infos.is_empty() && alert.msg_type != MsgType::Cancel, "alert", "says nothing: it has no <info>");
    for (index, info) in alert.infos.iter().enumerate() {
        let path = format!("alert/info[{}]", index + 1);
        let long = info.headline.as_ref().is_some_and(|text| text.chars().count() > 140);
        report.when(long, &format!("{path}/headline"), "is longer than 140 characters");
        let wanted = [
            ("headline", info.headline.is_some()),
            ("senderName", info.sender_name.is_some()),
            ("instruction", info.instruction.is_some()),
            ("contact", info.contact.is_some()),
            ("web", info.web.is_some()),
            ("expires", info.expires.is_some()),
            ("responseType", !info.response_types.is_empty()),
        ];
        for (name, _) in wanted.iter().filter(|(_, given)| !given) {
            report.add(format!("{path}/{name}"), "is recommended");
        }
        for (a, area) in info.areas.iter().enumerate() {
            // A place may bear any name, and nobody is left unwarned for it.
            check_plain(&mut report, &format!("{path}/area[{}]/areaDesc", a + 1), Some(&area.description));
            for (p, ring) in area.polygons.iter().map(Written::get).enumerate().filter(|(_, ring)| ring.len() > 101) {
                let message = format!("has {} points; phones take about 100", ring.len());
                report.add(format!("{path}/area[{}]/polygon[{}]", a + 1, p + 1), message);
            }
        }
    }
    report.0
}

/// Sections 3.2.1 of the standard: identifier and sender "must not include spaces, commas or restricted characters".
fn check_name(report: &mut Report, path: &str, name: &str) {
    report.when(name.is_empty(), path, "is empty");
    let bad = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&');
    if let Some(found) = name.chars().find(|c| bad(*c)) {
        report.add(path, format!("must not contain {found:?} (no space, comma, < or &)"));
    }
}

fn check_time(report: &mut Report, path: &str, time: Option<&CapTime>) {
    if let Some((time, flaw)) = time.and_then(|time| Some((time, time.flaw()?))) {
        report.add(path, format!("{time} {flaw}"));
    }
}

fn check_scope(report: &mut Report, alert: &CapAlert) {
    let (restricted, private) = (alert.scope == Scope::Restricted, alert.scope == Scope::Private);
    report.when(restricted && alert.restriction.is_none(), "alert/restriction", "scope Restricted needs it");
    report.when(!restricted && alert.restriction.is_some(), "alert/restriction", "stands only with scope Restricted");
    report.when(private && alert.addresses.is_empty(), "alert/addresses", "scope Private needs them");
    report.when(!private && !alert.addresses.is_empty(), "alert/addresses", "stand only with scope Private");
}

fn check_references(report: &mut Report, alert: &CapAlert) {
    let path = "alert/references";
    let needs = matches!(alert.msg_type, MsgType::Update | MsgType::Cancel | MsgType::Ack | MsgType::Error);
    let missing = needs && alert.references.is_empty();
    report.when(missing, path, &format!("msgType {} must name the messages it is about", alert.msg_type));
    for Reference { sender, identifier, sent } in &alert.references {
        check_name(report, path, sender);
        check_name(report, path, identifier);
        check_time(report, path, Some(sent));
        let itself = *identifier == alert.identifier && *sender == alert.sender;
        report.when(itself, path, "a message must not refer to itself");
        let later = sent.instant() > alert.sent.instant();
        report.when(later, path, &format!("{identifier} was sent at {sent}, after this message"));
    }
}

fn check_info(report: &mut Report, path: &str, alert: &CapAlert, info: &Info) {
    report.when(info.categories.is_empty(), &format!("{path}/category"), "is missing");
    report.when(info.event.trim().is_empty(), &format!("{path}/event"), "is empty");
    let language = info.language.as_ref().is_some_and(|tag| !is_language(tag));
    report.when(language, &format!("{path}/language"), "is no language tag such as pt-BR");
    for (name, time) in [("effective", &info.effective), ("onset", &info.onset), ("expires", &info.expires)] {
        check_time(report, &format!("{path}/{name}"), time.as_ref());
    }
    let starts = info.effective.as_ref().unwrap_or(&alert.sent);
    let over = info.expires.as_ref().is_some_and(|expires| expires.instant() < starts.instant());
    report.when(over, &format!("{path}/expires"), &format!("lies before the message takes effect ({starts})"));
    let texts = [
        ("event", Some(&info.event)),
        ("audience", info.audience.as_ref()),
        ("senderName", info.sender_name.as_ref()),
        ("headline", info.headline.as_ref()),
        ("description", info.description.as_ref()),
        ("instruction", info.instruction.as_ref()),
        ("contact", info.contact.as_ref()),
    ];
    for (name, text) in texts {
        check_plain(report, &format!("{path}/{name}"), text);
    }
    check_address(report, &format!("{path}/web"), info.web.as_ref());
    check_names(report, path, "eventCode", &info.event_codes);
    check_names(report, path, "parameter", &info.parameters);
    for (index, resource) in info.resources.iter().enumerate() {
        check_resource(report, &format!("{path}/resource[{}]", index + 1), resource);
    }
    for (index, area) in info.areas.iter().enumerate() {
        check_area(report, &format!("{path}/area[{}]", index + 1), area);
    }
}

fn check_plain(report: &mut Report, path: &str, text: Option<&String>) {
    let html = text.is_some_and(|text| has_markup(text));
    report.when(html, path, "must be plain text, without HTML");
}

/// RFC 3066: "pt", "pt-BR", "x-klingon".
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let word = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    parts.next().is_some_and(|first| word(first) && first.bytes().all(|b| b.is_ascii_alphabetic())) && parts.all(word)
}

/// Sections 3.2.2 and 3.2.3: "a full, absolute URI".
fn check_address(report: &mut Report, path: &str, address: Option<&String>) {
    let relative = address.is_some_and(|address| url::Url::parse(address.trim()).is_err());
    report.when(relative, path, "must be a whole address, with its scheme");
}

fn check_names(report: &mut Report, path: &str, name: &str, pairs: &[NamedValue]) {
    for (index, _) in pairs.iter().enumerate().filter(|(_, pair)| pair.name.trim().is_empty()) {
        report.add(format!("{path}/{name}[{}]/valueName", index + 1), "is empty");
    }
}

fn check_resource(report: &mut Report, path: &str, resource: &Resource) {
    report.when(resource.description.trim().is_empty(), &format!("{path}/resourceDesc"), "is empty");
    report.when(!resource.mime_type.contains('/'), &format!("{path}/mimeType"), "is no media type such as image/png");
    let negative = resource.size.as_ref().is_some_and(|size| *size.get() < 0);
    report.when(negative, &format!("{path}/size"), "must not be negative");
    // On a link that carries no questions back, the uri is only a name for what derefUri holds.
    if resource.deref_uri.is_none() {
        check_address(report, &format!("{path}/uri"), resource.uri.as_ref());
    }
    let sum = |digest: &String| digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let wrong = resource.digest.as_ref().is_some_and(|digest| !sum(digest));
    report.when(wrong, &format!("{path}/digest"), "must be a SHA-1 sum of 40 hexadecimal digits");
}

/// The text with other signs for those of HTML, where it looks like it.
pub fn without_markup(text: &str) -> String {
    if has_markup(text) { text.replace('<', "‹").replace('>', "›").replace('&', "＆") } else { text.to_owned() }
}

/// A tag or an entity of HTML. "Chuva < 30 mm & vento" is plain text.
fn has_markup(text: &str) -> bool {
    let tag = text.match_indices('<').any(|(at, _)| {
        let inner = text[at + 1..].trim_start_matches('/');
        inner.starts_with(|c: char| c.is_ascii_alphabetic()) && inner.contains('>')
    });
    let entity = text.match_indices('&').any(|(at, _)| {
        let name = text[at + 1..].split(';').next().unwrap_or_default();
        let word = name.strip_prefix('#').unwrap_or(name);
        (2..=8).contains(&name.len())
            && text[at + 1..].len() > name.len()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    tag || entity
}

/// Section 3.2.2: the infos of one message tell one event in several languages.
fn check_same_subject(report: &mut Report, infos: &[Info]) {
    let Some(first) = infos.first() else { return };
    let mut categories = first.categories.clone();
    categories.sort_unstable();
    let codes = codes(first);
    for (index, info) in infos.iter().enumerate().skip(1) {
        let path = format!("alert/info[{}]", index + 1);
        let mut own = info.categories.clone();
        own.sort_unstable();
        report.when(own != categories, &format!("{path}/category"), "differs from the first info's");
        report.when(self::codes(info) != codes, &format!("{path}/eventCode"), "differs from the first info's");
    }
}

/// In an order of their own: which code stands first says nothing.
fn codes(info: &Info) -> Vec<(&str, &str)> {
    let mut codes: Vec<(&str, &str)> =
        info.event_codes.iter().map(|code| (code.name.trim(), code.value.trim())).collect();
    codes.sort_unstable();
    codes
}

fn check_area(report: &mut Report, path: &str, area: &Area) {
    let nowhere = area.polygons.is_empty() && area.circles.is_empty() && area.geocodes.is_empty();
    report.when(nowhere, path, "needs a polygon, a circle or a geocode");
    report.when(area.description.trim().is_empty(), &format!("{path}/areaDesc"), "is empty");
    check_names(report, path, "geocode", &area.geocodes);
    for (index, ring) in area.polygons.iter().enumerate() {
        if let Some(flaw) = ring_flaw(ring.get()) {
            report.add(format!("{path}/polygon[{}]", index + 1), flaw);
        }
    }
    for (index, circle) in area.circles.iter().map(Written::get).enumerate() {
        let path = format!("{path}/circle[{}]", index + 1);
        report.when(!in_range(&circle.centre), &path, "latitude must lie in ±90 and longitude in ±180");
        report.when(circle.radius_km < 0.0, &path, "the radius must not be negative");
    }
    let height = |written: &Option<Written<f64>>| written.as_ref().map(|written| *written.get());
    match (height(&area.altitude), height(&area.ceiling)) {
        (None, Some(_)) => report.add(format!("{path}/ceiling"), "needs an altitude"),
        (Some(low), Some(high)) if high < low => report.add(format!("{path}/ceiling"), "lies below the altitude"),
        _ => {}
    }
}

fn in_range(point: &Point) -> bool {
    point.lat.abs() <= 90.0 && point.lon.abs() <= 180.0
}

/// Why a ring is no CAP polygon, or `None`.
/// Points of a ring that is looked at for crossings; about a hundred are recommended.
const MOST_POINTS: usize = 2000;

pub(super) fn ring_flaw(ring: &[Point]) -> Option<&'static str> {
    if ring.len() < 4 {
        return Some("needs at least four points");
    }
    if ring.first() != ring.last() {
        return Some("is not closed: the last point must repeat the first");
    }
    if !ring.iter().all(in_range) {
        return Some("latitude must lie in ±90 and longitude in ±180 (the latitude comes first)");
    }
    // Each edge is held against each other one.
    if ring.len() > MOST_POINTS {
        return Some("has more than 2000 points: too many to be held against itself");
    }
    let line: LineString<f64> = ring.iter().map(|point| (point.lon, point.lat)).collect();
    let polygon = Polygon::new(line, Vec::new());
    if !polygon.is_valid() {
        return Some("crosses or touches itself");
    }
    (polygon.unsigned_area() <= 0.0).then_some("encloses nothing")
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
