//! From an approved alert to the message.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use geo::{ConvexHull, LineString, MultiPolygon, Polygon, RemoveRepeatedPoints, SimplifyVwPreserve};

use super::model::{
    Area, CapAlert, Category, Certainty, Info, MsgType, NamedValue, Point, Reference, ResponseType, Scope, Severity,
    Status, Urgency,
};
use super::time::CapTime;
use super::validate::ring_flaw;
use crate::alerts::kind::{AlertKind, Hazard};
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::units::Level;

/// Points of one polygon, the repeated last one included. Phones and broadcast systems take about this many.
const MAX_POINTS: usize = 100;

/// All that the message says. Texts are final: exercise marks are already in them.
#[derive(Clone, Debug)]
pub struct BuildInput {
    pub identifier: String,
    pub sender: String,
    pub sender_name: String,
    pub sent: DateTime<Utc>,
    /// The municipality's; every time in the message carries its offset.
    pub time_zone: Tz,
    pub kind: AlertKind,
    pub status: AlertStatus,
    /// Every earlier message of the chain; needed for anything but a first alert.
    pub references: Vec<Reference>,
    pub cobrade: Cobrade,
    pub level: Level,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub expires_at: DateTime<Utc>,
    pub web: String,
    pub contact: String,
    /// "pt-BR"
    pub language: String,
    pub areas: Vec<BuildArea>,
    /// For machines: level, rule and version.
    pub parameters: Vec<NamedValue>,
}

#[derive(Clone, Debug)]
pub struct BuildArea {
    pub name: String,
    /// WGS 84, x = longitude.
    pub polygons: MultiPolygon<f64>,
    /// Seven digits.
    pub ibge_code: String,
    /// The municipality's code of the area.
    pub area_code: String,
}

/// How bad, how soon, how sure, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub severity: Severity,
    pub urgency: Urgency,
    pub certainty: Certainty,
    pub responses: Vec<ResponseType>,
}

/// The assessment of a level. The levels are those of the preventive plans (PPDC): attention brings inspections, alert the
/// preventive removal from slopes, maximum the immediate removal. Rain and rivers are measured, so their maximum is
/// observed; a landslide is inferred from rain and stays likely.
pub fn assess(kind: AlertKind, level: Level, cobrade: Cobrade) -> Assessment {
    use Hazard::{DryAir, FlashFlood, Flood, Heat, HeavyRain, Landslide, Other, Storm, Waterlogging, Wind};
    use ResponseType::{AllClear, Avoid, Evacuate, Monitor, Prepare, Shelter};
    let hazard = Hazard::of(cobrade);
    let (severity, urgency, certainty, responses) = match (kind, level) {
        // Canada's profile (CAP-CP) ends an alert with just these words.
        (AlertKind::AllClear, _) => (Severity::Minor, Urgency::Past, Certainty::Observed, vec![AllClear]),
        // The earlier message was wrong, so nothing is claimed.
        (AlertKind::Cancel, _) => (Severity::Unknown, Urgency::Past, Certainty::Unlikely, vec![ResponseType::None]),
        (_, Level::Maximum) => {
            let certainty = if matches!(hazard, Landslide | Other) { Certainty::Likely } else { Certainty::Observed };
            let responses = match hazard {
                Landslide | Flood => vec![Evacuate],
                FlashFlood => vec![Evacuate, Avoid],
                Waterlogging | HeavyRain | Heat | DryAir | Wind | Storm | Other => vec![Shelter, Avoid],
            };
            (Severity::Extreme, Urgency::Immediate, certainty, responses)
        }
        (_, Level::Alert) => {
            let responses = match hazard {
                Landslide => vec![Evacuate],
                Flood | FlashFlood => vec![Prepare, Avoid],
                Waterlogging | HeavyRain | Heat | DryAir | Wind | Storm | Other => vec![Avoid],
            };
            (Severity::Severe, Urgency::Expected, Certainty::Likely, responses)
        }
        (_, Level::Attention) => (Severity::Moderate, Urgency::Expected, Certainty::Possible, vec![Prepare]),
        _ => (Severity::Minor, Urgency::Future, Certainty::Possible, vec![Monitor]),
    };
    Assessment { severity, urgency, certainty, responses }
}

/// The CAP status of a configured one.
pub const fn status(status: AlertStatus) -> Status {
    match status {
        AlertStatus::Actual => Status::Actual,
        AlertStatus::Exercise => Status::Exercise,
        AlertStatus::System => Status::System,
        AlertStatus::Test => Status::Test,
    }
}

/// The end of a danger is an Update with responseType AllClear, not a Cancel: in CAP 1.2 a Cancel says the earlier message no
/// longer stands, and receivers drop the event without a word, while people who fled need to be told that they may return and
/// how. Cancel is left for alerts that were wrong.
const fn msg_type(kind: AlertKind) -> MsgType {
    match kind {
        AlertKind::Alert => MsgType::Alert,
        AlertKind::Update | AlertKind::AllClear => MsgType::Update,
        AlertKind::Cancel => MsgType::Cancel,
    }
}

/// Makes the message. Pure and total: `validate::check` tells whether what it was given makes a lawful one.
pub fn build(input: &BuildInput) -> CapAlert {
    CapAlert {
        identifier: input.identifier.clone(),
        sender: input.sender.clone(),
        sent: CapTime::at(input.sent, &input.time_zone),
        status: status(input.status),
        msg_type: msg_type(input.kind),
        source: None,
        scope: Scope::Public,
        restriction: None,
        addresses: Vec::new(),
        codes: Vec::new(),
        note: None,
        references: input.references.clone(),
        incidents: Vec::new(),
        infos: vec![info(input)],
    }
}

fn info(input: &BuildInput) -> Info {
    let assessment = assess(input.kind, input.level, input.cobrade);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Info {
        language: given(&input.language),
        categories: vec![Category::from_word(input.cobrade.cap_category()).unwrap_or(Category::Other)],
        event: input.cobrade.name().to_owned(),
        response_types: assessment.responses,
        urgency: assessment.urgency,
        severity: assessment.severity,
        certainty: assessment.certainty,
        audience: None,
        event_codes: vec![NamedValue::new("COBRADE", input.cobrade.to_string())],
        effective: Some(CapTime::at(input.sent, &input.time_zone)),
        onset: None,
        expires: Some(CapTime::at(input.expires_at, &input.time_zone)),
        sender_name: given(&input.sender_name),
        headline: given(&input.headline),
        description: given(&input.description),
        instruction: given(&input.instruction),
        web: given(&input.web),
        contact: given(&input.contact),
        parameters: input.parameters.clone(),
        resources: Vec::new(),
        areas: input.areas.iter().map(area).collect(),
    }
}

fn area(input: &BuildArea) -> Area {
    let mut geocodes = vec![NamedValue::new("IBGE", &input.ibge_code)];
    if !input.area_code.is_empty() {
        geocodes.push(NamedValue::new("AREA", &input.area_code));
    }
    Area {
        description: input.name.clone(),
        polygons: input.polygons.iter().filter_map(ring).collect(),
        circles: Vec::new(),
        geocodes,
        altitude: None,
        ceiling: None,
    }
}

/// The outline of a polygon in at most `MAX_POINTS` points, or `None` for a speck below the rounding. CAP has no holes:
/// warning the few inside one is better than leaving them out. Where thinning spoils the outline, the unthinned one is taken,
/// and where that is no lawful ring either, its convex hull, which covers it.
pub(crate) fn ring(polygon: &Polygon<f64>) -> Option<Vec<Point>> {
    let outline = Polygon::new(polygon.exterior().clone(), Vec::new());
    let lawful = |ring: &Vec<Point>| ring_flaw(ring).is_none();
    let whole = round(&outline);
    let fits = whole.len() <= MAX_POINTS;
    let thinned = if fits { None } else { thin(&outline).filter(lawful) };
    let hull = || Some(round(&outline.convex_hull())).filter(lawful);
    thinned.or_else(|| Some(whole).filter(lawful)).or_else(hull)
}

/// The most detailed outline that has few enough points: bisects the least triangle (Visvalingam–Whyatt, square degrees) that
/// is kept, between a square millimetre and a large country.
fn thin(outline: &Polygon<f64>) -> Option<Vec<Point>> {
    let (mut low, mut high) = (-16.0_f64, 2.0_f64);
    let mut best = None;
    for _ in 0..14 {
        let middle = f64::midpoint(low, high);
        let ring = round(&outline.simplify_vw_preserve(10.0_f64.powf(middle)));
        if ring.len() <= MAX_POINTS {
            best = Some(ring);
            high = middle;
        } else {
            low = middle;
        }
    }
    best
}

/// Six decimals: a tenth of a metre.
fn round(polygon: &Polygon<f64>) -> Vec<Point> {
    // Adding zero turns -0 into 0.
    let six = |value: f64| (value * 1e6).round() / 1e6 + 0.0;
    let line: LineString<f64> = polygon.exterior().coords().map(|c| (six(c.x), six(c.y))).collect();
    line.remove_repeated_points().coords().map(|c| Point { lat: c.y, lon: c.x }).collect()
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
