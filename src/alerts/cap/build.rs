//! From an approved alert to the message.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use geo::{ConvexHull, LineString, MultiPolygon, Polygon, RemoveRepeatedPoints, SimplifyVwPreserve};

use super::event_terms::{self, EventTerm, event};
use super::model::{
    Area, CapAlert, Category, Certainty, Circle, Info, MsgType, NamedValue, Point, Reference, Resource, ResponseType,
    Scope, Severity, Status, Urgency, Written,
};
use super::time::CapTime;
use super::validate::ring_flaw;
use crate::alerts::kind::{AlertKind, Hazard};
use crate::cobrade::Cobrade;
use crate::hexadecimal::hex;
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
    pub status: Status,
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
    /// The same in other languages, each an info of its own.
    pub translations: Vec<Translation>,
    /// Where a picture of the map lies (PNG); empty when there is none.
    pub map_picture: String,
    pub areas: Vec<BuildArea>,
    /// For machines: level, rule and version.
    pub parameters: Vec<NamedValue>,
}

/// What an alert says in another language.
#[derive(Clone, Debug)]
pub struct Translation {
    /// "en"
    pub language: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
}

#[derive(Clone, Debug)]
pub struct BuildArea {
    pub name: String,
    /// WGS 84, x = longitude.
    pub polygons: MultiPolygon<f64>,
    /// Where the place was given as a circle. The polygon stands beside it, because many readers know no circles.
    pub circle: Option<Circle>,
    /// Seven digits.
    pub ibge_code: String,
    /// The municipality's code of the area; empty for a place that is no risk area.
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
/// observed; a landslide is inferred from rain, a dam's end from its state, and both stay likely.
pub fn assess(kind: AlertKind, level: Level, cobrade: Cobrade) -> Assessment {
    use Hazard::{
        Cold, Dam, DryAir, FlashFlood, Flood, Hail, Heat, HeavyRain, Landslide, Other, Storm, Tornado, Waterlogging,
        Wildfire, Wind,
    };
    use ResponseType::{AllClear, Avoid, Evacuate, Monitor, Prepare, Shelter};
    let hazard = Hazard::of(cobrade);
    let (severity, urgency, certainty, responses) = match (kind, level) {
        // Canada's profile (CAP-CP) ends an alert with just these words.
        (AlertKind::AllClear, _) => (Severity::Minor, Urgency::Past, Certainty::Observed, vec![AllClear]),
        // The earlier message was wrong, so nothing is claimed.
        (AlertKind::Cancel, _) => (Severity::Unknown, Urgency::Past, Certainty::Unlikely, vec![ResponseType::None]),
        (_, Level::Maximum) => {
            let certainty =
                if matches!(hazard, Landslide | Dam | Other) { Certainty::Likely } else { Certainty::Observed };
            let responses = match hazard {
                Landslide | Flood | Dam => vec![Evacuate],
                FlashFlood | Wildfire => vec![Evacuate, Avoid],
                Hail | Tornado | Cold => vec![Shelter],
                Waterlogging | HeavyRain | Heat | DryAir | Wind | Storm | Other => vec![Shelter, Avoid],
            };
            (Severity::Extreme, Urgency::Immediate, certainty, responses)
        }
        (_, Level::Alert) => {
            let responses = match hazard {
                Landslide | Dam => vec![Evacuate],
                Flood | FlashFlood | Wildfire => vec![Prepare, Avoid],
                Hail | Tornado | Cold => vec![Shelter],
                Waterlogging | HeavyRain | Heat | DryAir | Wind | Storm | Other => vec![Avoid],
            };
            (Severity::Severe, Urgency::Expected, Certainty::Likely, responses)
        }
        (_, Level::Attention) => (Severity::Moderate, Urgency::Expected, Certainty::Possible, vec![Prepare]),
        _ => (Severity::Minor, Urgency::Future, Certainty::Possible, vec![Monitor]),
    };
    Assessment { severity, urgency, certainty, responses }
}

/// The identifier of a message: town, year and number are unique in one installation; the salt keeps two installations of one
/// town apart, and what is taken back with a transaction from what replaces it. What is not real says so in its name.
pub fn identifier(ibge_code: &str, year: i32, count: i32, salt: [u8; 4], status: Status) -> String {
    let salt = hex(&salt);
    let mark = match status {
        Status::Actual => "",
        Status::Exercise => "-EX",
        Status::Test => "-TS",
        Status::System => "-SY",
        Status::Draft => "-DR",
    };
    format!("BR-{ibge_code}-{year}-{count:04}-{salt}{mark}")
}

/// CAP 1.2, section 3.2.1: what a message is for, above all one that is not real or takes another back.
const fn note(kind: AlertKind, status: Status) -> Option<&'static str> {
    match (status, kind) {
        (Status::Exercise, _) => {
            Some("EXERCÍCIO: esta mensagem faz parte de um exercício de defesa civil. Não há perigo real.")
        }
        (Status::Test, _) => Some("TESTE: esta mensagem só verifica se os sistemas funcionam. Não há perigo real."),
        (Status::System, _) => {
            Some("SISTEMA: esta mensagem só serve aos sistemas que trocam alertas. Não há perigo real.")
        }
        (Status::Draft, _) => Some("RASCUNHO: esta mensagem não foi emitida."),
        (Status::Actual, AlertKind::Cancel) => Some("Cancela o alerta anterior, que foi emitido por engano."),
        (Status::Actual, AlertKind::AllClear) => Some("Encerra o alerta anterior: o perigo passou."),
        (Status::Actual, AlertKind::Alert | AlertKind::Update) => None,
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
    let own = info(input);
    let translated =
        input.translations.iter().map(|translation| translate(input, &own, translation)).collect::<Vec<_>>();
    CapAlert {
        identifier: input.identifier.clone(),
        sender: input.sender.clone(),
        sent: CapTime::at(input.sent, &input.time_zone),
        status: input.status,
        msg_type: msg_type(input.kind),
        source: None,
        scope: Scope::Public,
        restriction: None,
        addresses: Vec::new(),
        codes: Vec::new(),
        note: note(input.kind, input.status).map(str::to_owned),
        references: input.references.clone(),
        incidents: Vec::new(),
        infos: std::iter::once(own).chain(translated).collect(),
        others: Vec::new(),
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn info(input: &BuildInput) -> Info {
    let assessment = assess(input.kind, input.level, input.cobrade);
    let mut event_codes = vec![NamedValue::new("COBRADE", input.cobrade.to_string())];
    event_codes.extend(EventTerm::of(input.cobrade).map(|term| NamedValue::new(event_terms::LIST, &term.code)));
    Info {
        language: given(&input.language),
        categories: vec![Category::from_word(input.cobrade.cap_category()).unwrap_or(Category::Other)],
        event: event(input.cobrade, &input.language),
        response_types: assessment.responses,
        urgency: assessment.urgency,
        severity: assessment.severity,
        certainty: assessment.certainty,
        audience: None,
        event_codes,
        effective: Some(CapTime::at(input.sent, &input.time_zone)),
        onset: None,
        expires: Some(CapTime::at(input.expires_at, &input.time_zone)),
        sender_name: given(&input.sender_name),
        headline: given(&input.headline),
        description: given(&input.description),
        instruction: given(&input.instruction),
        web: given(&input.web),
        contact: given(&input.contact),
        parameters: parameters(input),
        resources: map_picture(&input.map_picture, &input.language),
        areas: input.areas.iter().map(area).collect(),
        others: Vec::new(),
    }
}

/// The same event in other words.
fn translate(input: &BuildInput, own: &Info, translation: &Translation) -> Info {
    Info {
        language: given(&translation.language),
        event: event(input.cobrade, &translation.language),
        headline: given(&translation.headline),
        description: given(&translation.description),
        instruction: given(&translation.instruction),
        resources: map_picture(&input.map_picture, &translation.language),
        ..own.clone()
    }
}

/// By its address: size and sum of a picture are known only when somebody asks for it.
fn map_picture(address: &str, language: &str) -> Vec<Resource> {
    let description = match language.split('-').next() {
        Some("en") => "Map of the area",
        Some("es") => "Mapa del área",
        _ => "Mapa da área",
    };
    let picture = Resource {
        description: description.into(),
        mime_type: "image/png".into(),
        size: None,
        uri: given(address),
        deref_uri: None,
        digest: None,
        others: Vec::new(),
    };
    if address.is_empty() { Vec::new() } else { vec![picture] }
}

/// What the alert says of itself, and the municipality: a reader finds its own town by it, and is told nothing of the ground.
fn parameters(input: &BuildInput) -> Vec<NamedValue> {
    let mut towns: Vec<&str> = input.areas.iter().map(|area| area.ibge_code.as_str()).collect();
    towns.sort_unstable();
    towns.dedup();
    let towns = towns.into_iter().filter(|code| !code.is_empty()).map(|code| NamedValue::new("IBGE", code));
    input.parameters.iter().cloned().chain(towns).collect()
}

/// CAP 1.2, section 3.2.4: an area is the union of all that describes it. So the municipality's code stands only beside no shape;
/// with one a reader would warn the whole municipality of a single slope. The code of the area itself is the same ground.
fn area(input: &BuildArea) -> Area {
    let polygons: Vec<_> = input.polygons.iter().filter_map(ring).map(Written::from).collect();
    let mut geocodes = Vec::new();
    if polygons.is_empty() && input.circle.is_none() {
        geocodes.push(NamedValue::new("IBGE", &input.ibge_code));
    }
    if !input.area_code.is_empty() {
        geocodes.push(NamedValue::new("AREA", &input.area_code));
    }
    let six = |circle: &Circle| Circle {
        centre: Point { lat: six(circle.centre.lat), lon: six(circle.centre.lon) },
        radius_km: (circle.radius_km * 1e3).round() / 1e3,
    };
    Area {
        description: input.name.clone(),
        polygons,
        circles: input.circle.iter().map(|circle| Written::from(six(circle))).collect(),
        geocodes,
        altitude: None,
        ceiling: None,
        others: Vec::new(),
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

/// Adding zero turns -0 into 0.
fn six(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}

/// Six decimals: a tenth of a metre.
fn round(polygon: &Polygon<f64>) -> Vec<Point> {
    let line: LineString<f64> = polygon.exterior().coords().map(|c| (six(c.x), six(c.y))).collect();
    line.remove_repeated_points().coords().map(|c| Point { lat: c.y, lon: c.x }).collect()
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
