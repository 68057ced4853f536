//! Cases out and in, as JSON Lines and CSV: what is taken out and put into another installation comes out there byte by byte the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{CaseError, Desk};
use super::ledger::{self, Link};
use super::store::lists::{self, Filter};
use super::{Access, ActDone, Annulled, CaseFile, Fields, SUBJECT, Source, store, types, values};
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::deadlines;
use crate::refused::Refused;
use crate::web::error::{FieldError, shorten};

/// Cases of one file.
pub const MOST: usize = 5000;

/// A deadline that runs; the town that takes it in reckons it with its own calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub code: String,
    pub anchor_at: Instant,
}

/// A case as it is taken out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub type_key: String,
    pub version: i32,
    pub series: Option<String>,
    pub year: Option<i32>,
    pub number: Option<i32>,
    pub title: String,
    pub state: String,
    pub fields: Fields,
    pub department: String,
    pub assigned: String,
    pub access: Access,
    pub author: String,
    pub source: Source,
    pub opened_at: Instant,
    pub changed_at: Instant,
    pub revision: i32,
    pub annulled: Option<Annulled>,
    pub deadlines: Vec<Running>,
    pub acts: Vec<ActDone>,
}

/// The columns of the CSV; what is a list or an object stands there as JSON.
const COLUMNS: [&str; 20] = [
    "id",
    "type",
    "version",
    "series",
    "year",
    "number",
    "title",
    "state",
    "fields",
    "department",
    "assigned",
    "access",
    "author",
    "source",
    "opened_at",
    "changed_at",
    "revision",
    "annulled",
    "deadlines",
    "acts",
];
const AS_JSON: [&str; 4] = ["fields", "annulled", "deadlines", "acts"];
const AS_NUMBER: [&str; 4] = ["version", "year", "number", "revision"];

/// Reads what a filter finds, at most [`MOST`], oldest first.
///
/// # Errors
/// The database's.
pub async fn lines(conn: &mut PgConnection, desk: Desk<'_>, filter: Filter) -> Result<Vec<Line>, CaseError> {
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut found = super::desk::list(&mut *conn, desk, Filter { limit, ..filter }).await?;
    found.reverse();
    let ids: Vec<Uuid> = found.iter().map(|one| one.case.id).collect();
    let mut acts: BTreeMap<Uuid, Vec<ActDone>> = BTreeMap::new();
    for (id, act) in store::acts(&mut *conn, &ids).await? {
        acts.entry(id).or_default().push(act);
    }
    let mut lines = Vec::with_capacity(found.len());
    for lists::Listed { case, due_code, .. } in found {
        let running = match due_code {
            Some(_) => deadlines::store::list(&mut *conn, Some((SUBJECT, case.id)), true).await?,
            None => Vec::new(),
        };
        let mut running: Vec<Running> =
            running.into_iter().map(|one| Running { code: one.code, anchor_at: one.anchor_at }).collect();
        running.sort_by(|a, b| a.code.cmp(&b.code));
        lines.push(Line::of(case, running, acts.remove(&ids[lines.len()]).unwrap_or_default()));
    }
    Ok(lines)
}

impl Line {
    fn of(case: CaseFile, deadlines: Vec<Running>, acts: Vec<ActDone>) -> Self {
        Self {
            id: case.id,
            type_key: case.type_key,
            version: case.version,
            series: case.series,
            year: case.year,
            number: case.number,
            title: case.title,
            state: case.state,
            fields: case.fields,
            department: case.department,
            assigned: case.assigned,
            access: case.access,
            author: case.author,
            source: case.source,
            opened_at: case.opened_at,
            changed_at: case.changed_at,
            revision: case.revision,
            annulled: case.annulled,
            deadlines,
            acts,
        }
    }
}

/// One JSON object a line, keys in the order of the alphabet.
pub fn to_json_lines(lines: &[Line]) -> String {
    let texts = lines.iter().filter_map(|line| serde_json::to_value(line).ok());
    texts.fold(String::new(), |mut text, value| {
        text.push_str(&ledger::canonical(&value));
        text.push('\n');
        text
    })
}

/// # Errors
/// What cannot be written.
pub fn to_csv(lines: &[Line]) -> anyhow::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for line in lines {
        let value = serde_json::to_value(line)?;
        let cell = |column: &&str| match &value[*column] {
            serde_json::Value::Null => String::new(),
            other if AS_JSON.contains(column) => ledger::canonical(other),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        out.write_record(COLUMNS.iter().map(cell))?;
    }
    out.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
}

fn wrong(line: usize, field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: format!("line {line}: {field}"), value: shorten(value), message: message.into() }
}

/// # Errors
/// Every line that cannot be read.
pub fn from_json_lines(text: &str) -> Result<Vec<Line>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut lines = Vec::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(read) => lines.push(read),
            Err(error) => errors.push(wrong(number, "case", line, error.to_string())),
        }
    }
    bounded(lines, errors)
}

/// # Errors
/// Every row that cannot be read.
pub fn from_csv(bytes: &[u8]) -> Result<Vec<Line>, Vec<FieldError>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>());
    match headers {
        Ok(headers) if headers == COLUMNS => {}
        Ok(headers) => {
            return Err(vec![wrong(1, "columns", &headers.join(","), format!("expected {}", COLUMNS.join(",")))]);
        }
        Err(error) => return Err(vec![wrong(1, "columns", "", error.to_string())]),
    }
    let (mut errors, mut lines) = (Vec::new(), Vec::new());
    for (row, number) in reader.records().zip(2..) {
        let read = row.map_err(|error| error.to_string()).and_then(|row| of_row(&row));
        match read {
            Ok(line) => lines.push(line),
            Err(message) => errors.push(wrong(number, "case", "", message)),
        }
    }
    bounded(lines, errors)
}

fn of_row(row: &csv::StringRecord) -> Result<Line, String> {
    let mut object = serde_json::Map::new();
    for (column, cell) in COLUMNS.iter().zip(row.iter()) {
        let value = match cell {
            "" if ["series", "year", "number", "annulled"].contains(column) => serde_json::Value::Null,
            cell if AS_JSON.contains(column) || AS_NUMBER.contains(column) => {
                serde_json::from_str(cell).map_err(|error| format!("{column}: {error}"))?
            }
            cell => cell.into(),
        };
        object.insert((*column).to_owned(), value);
    }
    serde_json::from_value(object.into()).map_err(|error| error.to_string())
}

fn bounded(lines: Vec<Line>, mut errors: Vec<FieldError>) -> Result<Vec<Line>, Vec<FieldError>> {
    if lines.len() > MOST {
        errors.push(wrong(MOST + 1, "case", "", format!("expected at most {MOST} cases in one file")));
    }
    if errors.is_empty() { Ok(lines) } else { Err(errors) }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseImport)]
pub struct Taken {
    pub added: usize,
    /// Were here before, the same.
    pub unchanged: usize,
}

/// Takes cases in, all or none. What is here already with the same acts stays; with others it is refused.
///
/// # Errors
/// `Wrong` with every line; `Forbidden` naming the role.
pub async fn take_in(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    module: &str,
    lines: &[Line],
) -> Result<Taken, CaseError> {
    if !desk.who.has(module) {
        return Err(Refused::Forbidden(format!("to import cases needs the role {module}")).into());
    }
    let (mut taken, mut errors) = (Taken::default(), Vec::new());
    for (line, number) in lines.iter().zip(1..) {
        match take_one(&mut *conn, desk, module, line).await? {
            Ok(true) => taken.added += 1,
            Ok(false) => taken.unchanged += 1,
            Err((field, message)) => errors.push(wrong(number, field, &line.id.to_string(), message)),
        }
    }
    if !errors.is_empty() {
        return Err(CaseError::Wrong(errors));
    }
    let by = desk.by;
    let after = json!({ "added": taken.added, "unchanged": taken.unchanged });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::CaseImport, "module", module).to(after)).await?;
    Ok(taken)
}

type Fault = (&'static str, String);

/// True when it was added.
async fn take_one(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    module: &str,
    line: &Line,
) -> Result<Result<bool, Fault>, CaseError> {
    if let Some(kept) = desk.types.get(&line.type_key).filter(|kept| kept.def.version() == line.version) {
        types::keep(&mut *conn, kept, desk.by.ids, desk.by.now).await?;
    }
    let kept = match desk.types.version(&mut *conn, &line.type_key, line.version).await {
        Err(sqlx::Error::RowNotFound) => {
            return Ok(Err(("type", format!("{} is not known at version {}", line.type_key, line.version))));
        }
        other => other?,
    };
    let def = &kept.def;
    let Some(state) = def.state(&line.state).filter(|_| def.module() == module) else {
        return Ok(Err(("state", format!("{} has no state {}, or is of another module", line.type_key, line.state))));
    };
    if let Some(at) = ledger::broken(line.id, &line.acts) {
        return Ok(Err(("acts", format!("the chain is broken at act {at}: it was changed since"))));
    }
    let last = line.acts.last();
    if last.is_none_or(|last| last.to_state != line.state || last.seq != line.revision) {
        return Ok(Err(("acts", "the last act does not lead to the state and the revision of the case".into())));
    }
    if let Some(field) = unfounded(def, line) {
        return Ok(Err(("fields", format!("{field} is another than the acts made it"))));
    }
    if let Some(here) = store::load(&mut *conn, line.id, true).await? {
        let acts = store::acts(&mut *conn, &[line.id]).await?;
        let is_same = acts.last().map(|(_, act)| &act.hash) == last.map(|act| &act.hash) && here.fields == line.fields;
        return Ok(if is_same { Ok(false) } else { Err(("id", "is here already with other acts".into())) });
    }
    if let (Some(series), Some(year), Some(number)) = (&line.series, line.year, line.number) {
        if store::by_number(&mut *conn, series, year, number).await?.is_some() {
            return Ok(Err(("number", format!("{series} {year}/{number:03} is another case's here"))));
        }
        store::raise_series(&mut *conn, &format!("case:{series}"), year, number).await?;
    }
    let case = case_of(line, def.module(), state);
    store::insert(&mut *conn, &case, &values::words(def, &case.fields)).await?;
    add_acts(&mut *conn, line).await?;
    let (title, link): (String, String) = (case.name().chars().take(300).collect(), case.link());
    for running in &line.deadlines {
        let subject = (SUBJECT, case.id);
        let (code, anchor_at) = (running.code.as_str(), running.anchor_at);
        let new = deadlines::store::New { subject, title: &title, link: &link, code, anchor_at };
        deadlines::desk::set(&mut *conn, desk.by, desk.tz, &new).await?;
    }
    Ok(Ok(true))
}

/// The first field that is not what the acts made of it. Of what is personal the acts say only that it changed.
fn unfounded<'a>(def: &'a super::define::CaseType, line: &Line) -> Option<&'a str> {
    let made = |key: &str| {
        let last = line.acts.iter().rev().find_map(|act| act.changes.get(key));
        last.and_then(|change| change.get(1)).filter(|value| !value.is_null())
    };
    let all = def.fields.iter().filter(|field| !field.personal).map(super::define::Field::key);
    all.into_iter().find(|key| line.fields.get(*key) != made(key))
}

fn case_of(line: &Line, module: &str, state: &super::define::State) -> CaseFile {
    CaseFile {
        id: line.id,
        type_key: line.type_key.clone(),
        version: line.version,
        module: module.to_owned(),
        series: line.series.clone(),
        year: line.year,
        number: line.number,
        title: line.title.clone(),
        state: line.state.clone(),
        is_final: state.is_final || line.annulled.is_some(),
        waits_for: state.waits_for.filter(|_| line.annulled.is_none()),
        fields: line.fields.clone(),
        department: line.department.clone(),
        assigned: line.assigned.clone(),
        access: line.access,
        author: line.author.clone(),
        source: line.source,
        code_hash: None,
        opened_at: line.opened_at,
        changed_at: line.changed_at,
        revision: line.revision,
        annulled: line.annulled.clone(),
    }
}

async fn add_acts(conn: &mut PgConnection, line: &Line) -> sqlx::Result<()> {
    for act in &line.acts {
        let link = Link {
            at: act.at,
            actor: &act.actor,
            actor_kind: &act.actor_kind,
            act: &act.act,
            from_state: &act.from_state,
            to_state: &act.to_state,
            reason: &act.reason,
            changes: &act.changes,
        };
        let prev = act.prev.as_deref().and_then(ledger::unhex);
        let hash = ledger::unhex(&act.hash).unwrap_or_default();
        let prev = prev.as_ref().map(<[u8; 32]>::as_slice);
        store::insert_act(&mut *conn, line.id, act.seq, (prev, &hash), &link).await?;
    }
    Ok(())
}
