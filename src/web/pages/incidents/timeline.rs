//! The timeline of an incident as its page tells it.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::incidents::photographs;
use crate::incidents::store::Entry;
use crate::incidents::timeline::{self, Only};
use crate::web::pages::history::{self, Act, Told};
use crate::web::pages::view::View;

/// One line.
pub struct Line {
    pub told: Told,
    /// Of a line that stands alone; the history of an alert has none.
    pub id: Option<i64>,
    pub is_corrected: bool,
    pub may_be_corrected: bool,
    /// The line that this one corrects.
    pub corrects: Option<i64>,
    /// Photographs that came with it.
    pub pictures: Vec<Uuid>,
    /// The occurrence that it speaks of.
    pub occurrence: Option<Uuid>,
}

/// Newest first, only what is asked for. Lines that tell an alert's history read "act · number headline" and carry the act's detail.
pub async fn lines(conn: &mut PgConnection, v: &View, entries: &[Entry], only: Only) -> sqlx::Result<Vec<Line>> {
    let areas = history::area_names(conn, entries.iter().map(|entry| &entry.detail)).await?;
    let corrected = timeline::corrections(entries);
    let mut lines = Vec::new();
    for run in entries.chunk_by(|a, b| a.kind == "alert" && b.kind == "alert") {
        if !run.iter().any(|entry| only.shows(&entry.kind)) {
            continue;
        }
        if run.iter().any(|entry| entry.kind == "alert") {
            let acts: Vec<Act<'_>> = run.iter().map(act).collect();
            lines.extend(history::tell(v, &acts, &areas).into_iter().map(alone));
            continue;
        }
        lines.extend(run.iter().map(|entry| line(v, entry, corrected.contains_key(&entry.id))));
    }
    lines.reverse();
    Ok(lines)
}

const fn alone(told: Told) -> Line {
    Line {
        told,
        id: None,
        is_corrected: false,
        may_be_corrected: false,
        corrects: None,
        pictures: Vec::new(),
        occurrence: None,
    }
}

/// Kinds of lines that people write.
const BY_PEOPLE: [&str; 6] = [
    timeline::NOTE,
    timeline::CORRECTION,
    timeline::ATTACHED,
    timeline::DETACHED,
    photographs::ADDED,
    photographs::REMOVED,
];

fn line(v: &View, entry: &Entry, is_corrected: bool) -> Line {
    let told = Told {
        at: entry.at,
        actor: v.actor(&entry.actor),
        text: words(v, entry),
        by_person: BY_PEOPLE.contains(&entry.kind.as_str()),
    };
    let is_note = [timeline::NOTE, timeline::CORRECTION].contains(&entry.kind.as_str());
    let pictures = entry.detail["photographs"].as_array().map_or(&[][..], Vec::as_slice);
    let id_of = |value: &serde_json::Value| value.as_str().and_then(|id| id.parse().ok());
    Line {
        told,
        id: Some(entry.id),
        is_corrected,
        may_be_corrected: is_note && !is_corrected,
        corrects: entry.corrects,
        pictures: pictures.iter().filter_map(|picture| id_of(&picture["id"])).take(12).collect(),
        occurrence: id_of(&entry.detail["occurrence_id"]),
    }
}

/// What a line says. Lines about photographs carry the caption or the reason alone.
fn words(v: &View, entry: &Entry) -> String {
    let number = entry.detail["occurrence"].as_str().unwrap_or_default();
    let said = match entry.kind.as_str() {
        photographs::ADDED => {
            let count = entry.detail["photographs"].as_array().map_or(1, Vec::len);
            v.t1("timeline-photographs", "n", count as i64)
        }
        photographs::REMOVED => v.t("timeline-photograph-removed"),
        timeline::ATTACHED => v.t1("timeline-attached", "number", number),
        timeline::DETACHED => v.t1("timeline-detached", "number", number),
        timeline::CORRECTION => v.t("timeline-correction"),
        _ => return entry.text.clone(),
    };
    if entry.text.is_empty() { said } else { format!("{said}: {}", entry.text) }
}

fn act(entry: &Entry) -> Act<'_> {
    let (action, rest) = entry.text.split_once(" · ").unwrap_or((&entry.text, ""));
    let about = rest.split(' ').next().unwrap_or_default();
    Act { at: entry.at, actor: &entry.actor, action, detail: &entry.detail, about }
}
