//! Reasons and acts of reports in words.

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Instant;
use crate::reports::cluster::Because;
use crate::reports::store::queue::Happened;
use crate::reports::trust::Reason;
use crate::web::pages::view::{Markup, View};

/// Why a report stands where it stands.
pub fn because(v: &View, because: &Value) -> String {
    match serde_json::from_value(because.clone()) {
        Ok(Because::Near { distance_m, minutes, .. }) => {
            v.t2("report-because-near", "metres", v.count(i64::from(distance_m)), "minutes", v.count(minutes))
        }
        Ok(Because::FirstHere) => v.t("report-because-first"),
        Ok(Because::PlaceUnknown) => v.t("report-because-unknown"),
        Ok(Because::PlaceRough { precision_m }) => {
            v.t1("report-because-rough", "metres", v.count(i64::from(precision_m)))
        }
        Ok(Because::ByHand { who }) => v.t1("report-because-hand", "who", who),
        Err(_) => String::new(),
    }
}

/// Each reason of a trust with what it weighs.
pub fn reasons(v: &View, reasons: &Value) -> Vec<(String, String)> {
    let reasons: Vec<Reason> = serde_json::from_value(reasons.clone()).unwrap_or_default();
    let line = |reason: &Reason| {
        let key = format!("report-trust-{}", reason.why.as_str().replace('_', "-"));
        (v.t1(&key, "n", reason.count), format!("{:+}", reason.points))
    };
    reasons.iter().map(line).collect()
}

/// A line of the timeline.
pub struct Event {
    pub at: Instant,
    pub actor: String,
    pub text: String,
    pub reason: String,
}

pub fn event(v: &View, line: &Happened) -> Event {
    let word = |name: &str| line.detail[name].as_str().unwrap_or_default().to_owned();
    let text = match line.kind.as_str() {
        "reported" => v.t1("occurrence-event-reported", "protocol", word("protocol")),
        "joined" | "merged" => {
            let key = format!("occurrence-event-{}", line.kind);
            v.t2(&key, "from", word("from"), "into", word("into"))
        }
        "split" => v.t2("occurrence-event-split", "from", word("from"), "into", word("into")),
        "placed" => {
            let metres = v.count(line.detail["accuracy_m"].as_i64().unwrap_or_default());
            let address = word("address");
            let number = |name: &str| line.detail[name].as_f64().unwrap_or_default();
            let there = if address.is_empty() {
                format!("{}, {}", degrees(&number("lat")), degrees(&number("lon")))
            } else {
                address
            };
            v.t2("occurrence-event-placed", "place", there, "metres", metres)
        }
        other => v.word("occurrence-event", other),
    };
    let actor = if line.actor.is_empty() { v.t("report-public") } else { v.actor(&line.actor) };
    Event { at: line.at, actor, text, reason: line.text.clone() }
}

/// "62".
pub fn percent(share: &f64) -> String {
    format!("{:.0}", share * 100.0)
}

/// How much something presses, from nothing to five, as marks and as a word for readers.
pub fn pressing(score: &f64) -> Markup {
    let marks = (score.round() as usize).clamp(1, 5);
    Markup(format!(
        r#"<span class="pressing p{marks}" role="img" aria-label="{marks}/5">{}<span class="dim">{}</span></span>"#,
        "●".repeat(marks),
        "○".repeat(5 - marks)
    ))
}

/// "1,2 km" or "80 m" without more digits than are known.
pub fn metres(metres: &f64) -> String {
    if *metres < 1000.0 { format!("{metres:.0} m") } else { format!("{:.1} km", metres / 1000.0) }
}

/// Degrees to about a metre.
pub fn degrees(degrees: &f64) -> String {
    format!("{degrees:.5}")
}

pub fn both(lon: &Option<f64>, lat: &Option<f64>) -> Option<(f64, f64)> {
    lon.zip(*lat)
}

/// Whether what was just read is of this report.
pub fn is_for(contact: &Option<(Uuid, String)>, report: &Uuid) -> bool {
    contact.as_ref().is_some_and(|(of, _)| of == report)
}

pub fn contact(contact: &Option<(Uuid, String)>) -> &str {
    contact.as_ref().map_or("", |(_, contact)| contact)
}
