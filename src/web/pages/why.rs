//! Why an area is at its level, now or at any instant: the tree of conditions, what was measured, what is missing to the next level.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{NaiveDateTime, TimeZone as _, Utc};
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::reasons::{self, Line};
use super::view::View;
use crate::app::App;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::ids::AreaId;
use crate::risk::explain::{Branch, Cause, Explanation, LevelExplained, Missing};
use crate::risk::reason::{Measured, Outcome, Reason};
use crate::risk::store::{self, Asked};
use crate::rules::store as registry;
use crate::units::Level;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/areas/{id}/why", get(show))
}

#[derive(Deserialize)]
struct Wanted {
    hazard: Option<String>,
    /// RFC 3339, or the local time of an input field.
    #[serde(default)]
    at: String,
}

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    f: Frame,
    id: AreaId,
    name: String,
    hazard: Cobrade,
    hazard_word: String,
    /// The other hazards of the area.
    others: Vec<(Cobrade, String)>,
    /// Of the form; empty = now.
    at: String,
    is_past: bool,
    found: Option<Found>,
}

/// An explanation in words.
struct Found {
    of: Explanation,
    /// To be read aloud.
    story: Vec<String>,
    confidence: String,
    causes: Vec<String>,
    /// Highest first.
    levels: Vec<Stair>,
}

struct Stair {
    of: LevelExplained,
    words: String,
    is_shown: bool,
    rows: Vec<Row>,
}

/// A line of a tree, with how deep it stands.
struct Row {
    depth: usize,
    /// "todas", "qualquer uma"; empty for a condition.
    join: String,
    outcome: Outcome,
    line: Option<Line>,
    stations: Vec<Station>,
    more: u32,
}

struct Station {
    code: String,
    name: String,
    value: String,
    age: String,
    note: String,
    fresh: bool,
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<i64>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let id = AreaId(id);
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "areas").await?;
    let name = sqlx::query_scalar!("select name from risk_area where id = $1", id.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("area {id}")))?;
    let at = instant(&f.v, &wanted.at)?;
    let hazards = store::hazards(&mut conn, id, at).await?;
    let hazard = match &wanted.hazard {
        Some(code) => code.parse().ok().filter(|hazard| hazards.contains(hazard)),
        None => hazards.first().copied(),
    };
    let hazard = hazard.ok_or_else(|| ApiError::NotFound(format!("hazard of area {id}")))?;
    let of = explain(&app, &mut conn, Asked { area: id, hazard, at }).await?;
    let others = hazards.into_iter().filter(|other| *other != hazard);
    page(&WhyPage {
        id,
        name,
        hazard,
        hazard_word: f.v.hazard(&hazard.to_string()),
        others: others.map(|other| (other, f.v.hazard(&other.to_string()))).collect(),
        at: f.v.input_time(at.unwrap_or(f.v.now)),
        is_past: at.is_some(),
        found: of.map(|of| found(&f.v, of)),
        f,
    })
}

/// Under the rules that are in use, or were then.
pub async fn explain(app: &App, conn: &mut sqlx::PgConnection, asked: Asked) -> Result<Option<Explanation>, ApiError> {
    let folder = &app.config.engine.rules_dir;
    let rules = registry::judging(&mut *conn, folder, (asked.area, asked.hazard), asked.at).await?;
    let limits = store::load_limits(&app.config.engine.quality_file)?;
    Ok(store::explain(conn, asked, rules, &limits, app.config.municipality.time_zone).await?)
}

/// The instant that is asked for; nothing = now. What lies ahead is not explained.
pub fn instant(v: &View, text: &str) -> Result<Option<Instant>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let offset = text.parse::<chrono::DateTime<chrono::FixedOffset>>().ok().map(|at| at.with_timezone(&Utc));
    let local = || {
        let wall = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok()?;
        v.tz.from_local_datetime(&wall).earliest().map(|at| at.with_timezone(&Utc))
    };
    let at = offset
        .or_else(local)
        .ok_or_else(|| ApiError::field("at", text, "expected a time such as 2026-02-24T01:30:00-03:00"))?;
    if at > v.now {
        return Err(ApiError::field("at", text, "lies ahead: only what was is explained"));
    }
    Ok(Some(at))
}

fn found(v: &View, of: Explanation) -> Found {
    let levels = of
        .levels
        .iter()
        .rev()
        .map(|level| {
            let mut rows = Vec::new();
            rows_of(v, &level.tree, 0, &mut rows);
            Stair { words: words(v, level), is_shown: level.level == of.level, rows, of: level.clone() }
        })
        .collect();
    Found {
        story: story(v, &of),
        confidence: v.t(&format!("trust-{}", of.confidence.trust)),
        causes: of.confidence.because.iter().map(|cause| cause_words(v, *cause)).collect(),
        levels,
        of,
    }
}

/// What the page says first: what raised the level, what would raise it further, how sure it is.
fn story(v: &View, of: &Explanation) -> Vec<String> {
    let mut told = Vec::new();
    let speaking = of.levels.iter().rev().find(|level| level.level <= of.known && level.outcome == Outcome::Met);
    let met = speaking.map(|level| met_leaves(&level.tree)).unwrap_or_default();
    let level = v.level_word(speaking.map_or(of.level, |level| level.level));
    if met.is_empty() {
        told.push(v.t(if of.level == Level::Unknown {
            "why-unknown"
        } else if of.known > Level::Normal {
            "why-kept"
        } else {
            "why-calm"
        }));
    } else {
        let because: Vec<String> = met.iter().map(|reason| because(v, reason)).collect();
        told.push(v.t2("why-because", "level", level, "reasons", because.join("; ")));
        // What raised it is over; what is met now speaks for a lower one.
        if speaking.is_some_and(|level| level.level < of.known) {
            told.push(v.t1("why-stays", "level", v.level_word(of.known)));
        }
    }
    if let Some(due) = of.rises {
        told.push(v.t2("why-rises", "level", v.level_word(due.level), "time", v.time(due.at)));
    }
    if let Some(margin) = &of.margin {
        let parts: Vec<String> = margin.missing.iter().map(|one| missing(v, one)).collect();
        let joined = parts.join(&format!(" {} ", v.t("why-and")));
        told.push(v.t2("why-margin", "level", v.level_word(margin.level), "missing", joined));
    }
    if let Some(at) = of.falls_at {
        told.push(v.t1("why-falls", "time", v.when(at)));
    }
    if of.held_back {
        told.push(v.t("why-held-back"));
    }
    told.iter().map(|line| capital(line)).collect()
}

/// Sentences begin with a capital letter, whatever word comes first.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The conditions that are met in a branch.
fn met_leaves(branch: &Branch) -> Vec<&Reason> {
    match branch {
        Branch::Condition(reason) if reason.outcome == Outcome::Met => vec![reason],
        Branch::Any { of, .. } | Branch::All { of, .. } | Branch::AtLeast { of, .. } => {
            of.iter().flat_map(met_leaves).collect()
        }
        Branch::Condition(_) | Branch::Not { .. } => Vec::new(),
    }
}

/// "46 mm em 1 h em Milho Branco (limite 40 mm)"; of several stations together "46 mm em 1 h, média das estações (limite 40 mm)".
fn because(v: &View, reason: &Reason) -> String {
    let line = reasons::line(v, reason);
    let station = reason.stations.iter().find(|station| station.fresh).map_or("", |station| station.name.as_str());
    let what = format!("{} {}", line.value, line.measure);
    let limit = format!("{} {}", line.limit_word, line.limit);
    if !reason.joined.is_worst() {
        // No station measured this.
        format!("{what}, {} ({limit})", reasons::joined(v, reason.joined))
    } else if station.is_empty() {
        format!("{what} ({limit})")
    } else {
        format!("{} ({limit})", v.t2("why-at", "what", what, "station", station))
    }
}

/// "12 mm na próxima hora".
fn missing(v: &View, one: &Missing) -> String {
    let amount = reasons::amount(v, one.amount, &one.unit, one.measure);
    let amount = if one.within_min.is_some() { reasons::depth(v, one.amount, &one.unit) } else { amount };
    let what = v.word("quantity", one.quantity.as_str());
    let what = one.derived.map_or(what, |derived| v.word("derived", derived.as_str()));
    match (one.within_min, one.rises) {
        (Some(60), _) => v.t2("missing-hour", "amount", amount, "what", what),
        (Some(minutes), _) => v.t2("missing-within", "amount", amount, "span", reasons::span(minutes)),
        (None, rises) => {
            let more = v.t2(if rises { "missing-more" } else { "missing-less" }, "amount", amount, "what", what);
            match one.at_this_pace_min {
                Some(minutes) => format!("{more} ({})", v.t1("missing-pace", "span", pace(minutes))),
                None => more,
            }
        }
    }
}

/// "2 h 10 min".
fn pace(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn cause_words(v: &View, cause: Cause) -> String {
    match cause {
        Cause::Blind { speaking, asked } => v.t2("cause-blind", "speaking", speaking, "asked", asked),
        Cause::Silent { silent, asked } => v.t2("cause-silent", "silent", silent, "asked", asked),
        Cause::Doubted { doubted, asked } => v.t2("cause-doubted", "doubted", doubted, "asked", asked),
        Cause::Untold { untold_min, window_min } => {
            v.t2("cause-untold", "untold", pace(untold_min), "window", pace(window_min))
        }
        Cause::OneAgainst { others } => v.t1("cause-one-against", "others", others),
        Cause::OnlyOne => v.t("cause-only-one"),
        Cause::Far { km } => v.t1("cause-far", "km", km),
    }
}

/// How a level came out, with its waiting times.
fn words(v: &View, level: &LevelExplained) -> String {
    if !level.in_force {
        return v.t("stair-out-of-season");
    }
    let mut parts = vec![v.t(match level.outcome {
        Outcome::Met => "stair-met",
        Outcome::Holding => "stair-holding",
        Outcome::NotMet => "stair-not-met",
        Outcome::Unsure => "stair-unsure",
        Outcome::NoData => "stair-no-data",
    })];
    parts.extend(level.met_since.map(|at| v.t1("stair-since", "time", v.when(at))));
    for (key, minutes) in
        [("stair-for", level.for_min), ("stair-clear", level.clear_after_min), ("stair-stay", level.stay_min)]
    {
        if minutes > 0 {
            parts.push(v.t1(key, "span", pace(minutes)));
        }
    }
    parts.join(" · ")
}

fn rows_of(v: &View, branch: &Branch, depth: usize, rows: &mut Vec<Row>) {
    let mut group = |join: String, outcome: Outcome, of: &[Branch]| {
        rows.push(Row { depth, join, outcome, line: None, stations: Vec::new(), more: 0 });
        of.iter().for_each(|branch| rows_of(v, branch, depth + 1, rows));
    };
    match branch {
        // One condition alone is not "any of these".
        Branch::Any { of, .. } | Branch::All { of, .. } if of.len() == 1 => {
            of.iter().for_each(|branch| rows_of(v, branch, depth, rows));
        }
        Branch::Any { outcome, of } => group(v.t("join-any"), *outcome, of),
        Branch::All { outcome, of } => group(v.t("join-all"), *outcome, of),
        Branch::Not { outcome, of } => group(v.t("join-not"), *outcome, std::slice::from_ref(of)),
        Branch::AtLeast { outcome, k, of } => group(v.t2("join-at-least", "k", k, "n", of.len()), *outcome, of),
        Branch::Condition(reason) => rows.push(Row {
            depth,
            join: String::new(),
            outcome: reason.outcome,
            line: Some(reasons::line(v, reason)),
            stations: reason.stations.iter().map(|station| station_of(v, reason, station)).collect(),
            more: reason.asked.saturating_sub(u32::try_from(reason.stations.len()).unwrap_or(0)),
        }),
    }
}

fn station_of(v: &View, reason: &Reason, station: &Measured) -> Station {
    Station {
        code: station.code.clone(),
        name: station.name.clone(),
        value: station
            .value
            .map_or_else(|| "–".to_owned(), |value| reasons::amount(v, value, &reason.unit, reason.measure)),
        age: station.observed_at.map_or_else(|| v.t("why-never"), |at| v.when(at)),
        note: match (&station.doubt, station.fresh) {
            (Some(why), _) => super::doubts::words(v, why, reasons::unit(&reason.unit)),
            (None, false) => v.t("why-silent"),
            (None, true) => String::new(),
        },
        fresh: station.fresh,
    }
}
