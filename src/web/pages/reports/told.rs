//! Reasons and acts of reports in words.

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Instant;
use crate::occurrences::{parent, priority};
use crate::reports::cluster::Because;
use crate::reports::store::queue::Happened;
use crate::reports::trust::Reason;
use crate::web::pages::view::{Given, Markup, View};

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
    pub id: i64,
    /// A note that a person wrote and nobody has corrected.
    pub may_be_corrected: bool,
    pub is_corrected: bool,
    pub at: Instant,
    pub actor: String,
    pub text: String,
    pub reason: String,
    /// Photographs of the occurrence that came with it and were not removed.
    pub pictures: Vec<Uuid>,
}

/// The lines, the newest first, each with whether a later one corrects it. `standing`: photographs that were not removed.
pub fn events(v: &View, lines: &[Happened], standing: &[Uuid]) -> Vec<Event> {
    let corrected: Vec<i64> = lines.iter().filter_map(|line| line.corrects).collect();
    let told = lines.iter().map(|line| Event {
        pictures: pictures(&line.detail).filter(|id| standing.contains(id)).collect(),
        ..event(v, line, corrected.contains(&line.id))
    });
    told.collect()
}

fn pictures(detail: &Value) -> impl Iterator<Item = Uuid> {
    let named = detail["photographs"].as_array().map_or(&[][..], Vec::as_slice);
    named.iter().filter_map(|one| one["id"].as_str()?.parse().ok())
}

fn event(v: &View, line: &Happened, is_corrected: bool) -> Event {
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
        "attached" | "detached" => v.t1(&format!("occurrence-event-{}", line.kind), "incident", word("incident")),
        "prioritised" => {
            let to = v.t(&format!("priority-{}", line.detail["to"].as_i64().unwrap_or(4)));
            let by_rule = line.detail["by_rule"].as_bool().unwrap_or_default();
            v.t1(if by_rule { "occurrence-event-by-rule" } else { "occurrence-event-prioritised" }, "priority", to)
        }
        "assigned" => match line.detail["to"].as_str() {
            Some(who) => v.t1("occurrence-event-assigned", "who", who),
            None => v.t("occurrence-event-unassigned"),
        },
        "parted" | "unmerged" => {
            let key = format!("occurrence-event-{}", line.kind);
            v.t2(&key, "from", word("from"), "into", word("into"))
        }
        other => v.word("occurrence-event", other),
    };
    let actor = if line.actor.is_empty() { v.t("report-public") } else { v.actor(&line.actor) };
    let may_be_corrected = !is_corrected && matches!(line.kind.as_str(), "note" | "correction");
    Event {
        id: line.id,
        may_be_corrected,
        is_corrected,
        at: line.at,
        actor,
        text,
        reason: line.text.clone(),
        pictures: Vec::new(),
    }
}

/// Where a report of the desk came from, in words.
pub fn origin(v: &View, kind: &str, detail: &Value) -> String {
    let word = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let at = || word("at").parse::<Instant>().map(|at| v.when(at)).unwrap_or_default();
    let what = match kind {
        "alert" => format!("{} · {}", word("number"), word("headline")),
        "level" => {
            let level = v.t(&format!("level-{}", word("to")));
            format!("{} · {} · {level} · {}", word("name"), v.hazard(&word("cobrade")), at())
        }
        "reading" => {
            let value = detail["value"].as_f64().unwrap_or_default();
            format!("{} · {} {} · {}", word("name"), v.decimal(value), word("unit"), at())
        }
        _ => return v.word("origin", kind),
    };
    format!("{}: {what}", v.word("origin", kind))
}

/// Why the rule finds it so urgent, each with its points.
pub fn priority_reasons(v: &View, reasons: &Value) -> Vec<(String, i32)> {
    let reasons: Vec<priority::Reason> = serde_json::from_value(reasons.clone()).unwrap_or_default();
    let line = |reason: &priority::Reason| {
        let what = match reason.why {
            priority::Why::Kind => v.word("report-kind", &reason.what),
            priority::Why::Need => v.word("need", &reason.what),
            priority::Why::Level => v.t(&format!("level-{}", reason.what)),
            _ => reason.what.clone(),
        };
        (v.t1(&format!("priority-why-{}", reason.why), "what", what), reason.points)
    };
    reasons.iter().map(line).collect()
}

/// What speaks for an incident.
pub fn parent(v: &View, proposal: &parent::Proposal) -> String {
    let because = proposal.because.iter().map(|because| match because {
        parent::Because::SameHazard => v.t("parent-why-same-hazard"),
        parent::Because::LikeHazard => v.t("parent-why-like-hazard"),
        parent::Because::Near { metres } => v.t1("parent-why-near", "metres", v.count(*metres)),
        parent::Because::Lately { minutes } => v.t1("parent-why-lately", "minutes", v.count(*minutes)),
    });
    because.collect::<Vec<_>>().join(" · ")
}

/// How urgent something is: number, word and colour, never one of them alone.
pub fn urgency(v: &View, priority: impl Given<i16>) -> Markup {
    let priority = priority.given();
    Markup(format!(
        r#"<span class="prio p{priority}"><b>P{priority}</b> {}</span>"#,
        v.t(&format!("priority-{priority}"))
    ))
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
