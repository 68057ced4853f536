//! INMET's list of active warnings (`avisos/ativos`): `{"hoje": […], "futuro": […]}`, one object a warning.
//!
//! `id_aviso` stays, `codigo` gets a new last number with each revision. `data_inicio` and `data_fim` end in "T00:00:00.000Z"
//! and are none the less dates of Brasília, with the hour in `hora_inicio` and `hora_fim`, or in `inicio` and `fim` whole:
//! the same warning's `referencia` says −03:00. A date without an hour is taken as that whole day, so that no warning ends
//! early. A polygon comes as WKT or GeoJSON in text; the municipalities as a list of IBGE codes with commas.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use geo::MultiPolygon;
use serde_json::{Map, Value};

use super::{
    Certainty, INMET_LEVELS, LINE, MAX_RAW, MAX_WARNINGS, MsgType, NAME, Parsed, Problem, Scope, Severity, Status,
    TEXT, Urgency, Warning, cap, colour, cut, geocodes_in, geometry, series, tidy_geocodes,
};
use crate::clock::Instant;
use crate::feeds::formats::read;
use crate::ingest::formats::join;

const SENDER: &str = "info.aviso@inmet.gov.br";
const SENDER_NAME: &str = "Instituto Nacional de Meteorologia";
const WEB: &str = "https://alertas2.inmet.gov.br/";

/// Reads the list. A bad record never costs the others.
///
/// # Errors
/// When the body is no JSON of that shape.
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let wrong = || Problem::new("document", &document.to_string(), "expected {\"hoje\": […], \"futuro\": […]}");
    let record = document.as_object().ok_or_else(wrong)?;
    let mut parsed = Parsed::default();
    let mut any = false;
    for part in ["hoje", "futuro"] {
        let Some(items) = record.get(part).and_then(Value::as_array) else { continue };
        any = true;
        for (index, item) in items.iter().take(MAX_WARNINGS).enumerate() {
            match warning(&mut parsed.problems, &format!("{part}[{index}]"), item) {
                Ok(warning) if !parsed.warnings.contains(&warning) => parsed.warnings.push(warning),
                // What begins today and ends tomorrow stands in both.
                Ok(_) => {}
                Err(problem) => parsed.problems.push(problem),
            }
        }
    }
    if any { Ok(parsed) } else { Err(wrong()) }
}

fn warning(problems: &mut Vec<Problem>, path: &str, item: &Value) -> Result<Warning, Problem> {
    let record = read::object(path, item)?;
    let identifier = cut(read::text_of(path, record, "codigo")?, LINE);
    if identifier.is_empty() {
        return Err(Problem::new(join(path, "codigo"), "", "is empty"));
    }
    let begins = moment(record, "inicio", NaiveTime::MIN)
        .ok_or_else(|| Problem::new(join(path, "data_inicio"), &identifier, "expected a date as in \"2026-09-19\""))?;
    let ends = moment(record, "fim", NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default())
        .ok_or_else(|| Problem::new(join(path, "data_fim"), &identifier, "expected a date as in \"2026-09-20\""))?;
    let raw = item.to_string().into_bytes();
    if raw.len() > MAX_RAW {
        return Err(Problem::new(path, &identifier, format!("has {} bytes; at most {MAX_RAW} are kept", raw.len())));
    }
    let (colour, event) = (colour(said(record, "aviso_cor")), cut(said(record, "descricao"), NAME));
    let (level, severity) = level(said(record, "severidade"), &colour);
    let (_, revision) = series(&identifier);
    let first = revision <= 1 && said(record, "referencia").is_empty();
    let is_over = record.get("encerrado").and_then(Value::as_bool) == Some(true);
    Ok(Warning {
        sender: SENDER.into(),
        sender_name: SENDER_NAME.into(),
        sent_at: sent(record).unwrap_or(begins.min(ends)),
        status: Status::Actual,
        msg_type: if is_over { MsgType::Cancel } else { [MsgType::Update, MsgType::Alert][usize::from(first)] },
        scope: Scope::Public,
        series: series_of(record, &identifier),
        revision,
        references: cap::references(said(record, "referencia")),
        urgency: Urgency::Unknown,
        severity,
        certainty: Certainty::Unknown,
        headline: headline(&event, &level),
        description: cut(&lines(record, "riscos"), TEXT),
        instruction: cut(&lines(record, "instrucoes"), TEXT),
        web: WEB.into(),
        effective_at: None,
        onset_at: Some(begins),
        expires_at: Some(ends),
        area_texts: areas(record),
        geocodes: tidy_geocodes(geocodes_in(said(record, "geocodes")).collect()),
        polygons: shape(problems, path, record),
        circles: MultiPolygon(Vec::new()),
        raw,
        level,
        colour,
        event,
        identifier,
    })
}

/// Text, or nothing.
fn said<'a>(record: &'a Map<String, Value>, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).map(str::trim).unwrap_or_default()
}

/// `inicio` or `fim` whole; else date and hour apart; else the date and `otherwise`.
fn moment(record: &Map<String, Value>, which: &str, otherwise: NaiveTime) -> Option<Instant> {
    if let Some(at) = cap::instant(said(record, which)) {
        return Some(at);
    }
    let date = said(record, &format!("data_{which}"));
    let date = NaiveDate::parse_from_str(date.get(..10)?, "%Y-%m-%d").ok()?;
    let hour = said(record, &format!("hora_{which}"));
    let hour = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(hour, format).ok());
    let brasilia = FixedOffset::west_opt(3 * 3600)?;
    date.and_time(hour.unwrap_or(otherwise)).and_local_timezone(brasilia).single().map(|at| at.to_utc())
}

/// When it was published, where the record says so. Seconds order the revisions of one publication.
fn sent(record: &Map<String, Value>) -> Option<Instant> {
    let created = ["data_criacao", "created_at", "data_envio"].iter().find_map(|key| cap::instant(said(record, key)));
    let referred = || {
        // A revision is later than what it names.
        let last = said(record, "referencia").rsplit(',').next()?;
        DateTime::parse_from_rfc3339(last).ok().map(|at| at.to_utc() + TimeDelta::seconds(1))
    };
    created.or_else(referred)
}

/// The number that stays. The year is in `codigo`, which knows better than a bare number.
fn series_of(record: &Map<String, Value>, identifier: &str) -> String {
    let (series, _) = series(identifier);
    let number = record.get("id_aviso").and_then(read::code);
    match number {
        Some(number) if series == identifier => format!("inmet:{}", cut(&number, NAME)),
        _ => series,
    }
}

/// INMET's word and colour tell the same; either may be missing.
fn level(word: &str, colour: &str) -> (String, Severity) {
    let by_word = INMET_LEVELS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(word));
    let by_colour = INMET_LEVELS.iter().find(|(known, ..)| *known == colour);
    match by_word.or(by_colour) {
        Some((_, known, severity)) => ((*known).to_owned(), *severity),
        None => (cut(word, NAME), Severity::Unknown),
    }
}

fn headline(event: &str, level: &str) -> String {
    if level.is_empty() { event.to_owned() } else { format!("{event}: {level}") }
}

/// An array of texts, or one text.
fn lines(record: &Map<String, Value>, key: &str) -> String {
    match record.get(key) {
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).map(str::trim).collect::<Vec<_>>().join("\n")
        }
        _ => said(record, key).to_owned(),
    }
}

fn areas(record: &Map<String, Value>) -> Vec<String> {
    let states = cut(said(record, "estados"), 2000);
    if states.is_empty() { Vec::new() } else { vec![states] }
}

fn shape(problems: &mut Vec<Problem>, path: &str, record: &Map<String, Value>) -> MultiPolygon<f64> {
    let written = match record.get("poligono") {
        Some(Value::String(text)) if !text.trim().is_empty() => geometry::written(text),
        Some(value @ Value::Object(_)) => geometry::written(&value.to_string()),
        _ => return MultiPolygon(Vec::new()),
    };
    written.unwrap_or_else(|why| {
        problems.push(Problem::new(join(path, "poligono"), said(record, "codigo"), why));
        MultiPolygon(Vec::new())
    })
}

#[cfg(test)]
mod tests;
