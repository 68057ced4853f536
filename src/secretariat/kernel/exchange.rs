//! Cases out and in, as JSON Lines and CSV: what is taken out and put into another installation comes out there byte by byte the same.

mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{CaseError, Desk};
use super::ledger::{self, Link};
use super::store::lists::{self, Filter};
use super::types::{self, Kept};
use super::{Access, ActDone, Annulled, CaseFile, Fields, SUBJECT, Source, store, values};
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::deadlines::{self, Course};
use crate::refused::{FieldError, Refused, shorten};
use crate::secretariat::ethics;
use crate::secretariat::ethics::exchange::Deliberation;

/// Cases of one file.
pub const MOST: usize = 5000;
/// Lines that cannot be read of which one answer tells.
const MOST_FAULTS: usize = 100;

/// A deadline that runs; the town that takes it in reckons it with its own calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub code: String,
    pub anchor_at: Instant,
    /// What happened to it: it was extended or suspended.
    #[serde(default, skip_serializing_if = "Course::is_plain")]
    pub course: Course,
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
    /// What the ethics council did in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliberation: Option<Deliberation>,
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
/// The last column, only where a case of the file has it.
const DELIBERATION: &str = "deliberation";
const AS_JSON: [&str; 5] = ["fields", "annulled", "deadlines", "acts", DELIBERATION];
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
    let mut running: BTreeMap<Uuid, Vec<Running>> = BTreeMap::new();
    for (id, code, anchor_at, course) in lists::running(&mut *conn, &ids).await? {
        running.entry(id).or_default().push(Running { code, anchor_at, course });
    }
    let mut deliberations = ethics::store::deliberations(&mut *conn, &ids).await?;
    let mut lines = Vec::with_capacity(found.len());
    for lists::Listed { mut case, .. } in found {
        let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
        values::cover(&kept.def, desk.types.newest(&kept.def), &mut case);
        let (id, running) = (case.id, running.remove(&case.id).unwrap_or_default());
        let deliberation = deliberations.remove(&id);
        lines.push(Line { deliberation, ..Line::of(case, running, acts.remove(&id).unwrap_or_default()) });
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
            deliberation: None,
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
    let is_deliberated = lines.iter().any(|line| line.deliberation.is_some());
    let columns: Vec<&str> = COLUMNS.into_iter().chain(is_deliberated.then_some(DELIBERATION)).collect();
    out.write_record(&columns)?;
    for line in lines {
        let value = serde_json::to_value(line)?;
        let cell = |column: &&str| match &value[*column] {
            serde_json::Value::Null => String::new(),
            other if AS_JSON.contains(column) => ledger::canonical(other),
            serde_json::Value::String(text) => judge::plain(text),
            other => other.to_string(),
        };
        out.write_record(columns.iter().map(cell))?;
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
        if errors.len() >= MOST_FAULTS || lines.len() > MOST {
            break;
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
        Ok(headers) if headers.split_last().is_some_and(|(last, rest)| last == DELIBERATION && rest == COLUMNS) => {}
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
        if errors.len() >= MOST_FAULTS || lines.len() > MOST {
            break;
        }
    }
    bounded(lines, errors)
}

fn of_row(row: &csv::StringRecord) -> Result<Line, String> {
    let mut object = serde_json::Map::new();
    for (column, cell) in COLUMNS.iter().chain([&DELIBERATION]).zip(row.iter()) {
        let value = match cell {
            "" if ["series", "year", "number", "annulled", DELIBERATION].contains(column) => serde_json::Value::Null,
            cell if AS_JSON.contains(column) || AS_NUMBER.contains(column) => {
                serde_json::from_str(cell).map_err(|error| format!("{column}: {error}"))?
            }
            cell => judge::unplain(cell).into(),
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
/// Numbers are drawn before anything is written and the calendar is held last, as when a case is opened, so that nobody waits in a circle.
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
    let (mut fresh, mut unchanged, mut errors) = (Vec::new(), 0, Vec::new());
    let (mut ids, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (line, number) in lines.iter().zip(1..) {
        let is_twice = !ids.insert(line.id) || line.number.is_some() && !numbers.insert(line.numbered());
        let judged = if is_twice {
            Err(("id", "stands in the file twice, or its number does".to_owned()))
        } else {
            judged(&mut *conn, desk, module, line).await?
        };
        match judged {
            Ok(Some(kept)) => fresh.push((number, line, kept)),
            Ok(None) => unchanged += 1,
            Err((field, message)) => errors.push(wrong(number, field, &line.id.to_string(), message)),
        }
    }
    if errors.is_empty() {
        errors = add(&mut *conn, desk, &fresh).await?;
    }
    if !errors.is_empty() {
        return Err(CaseError::Wrong(errors));
    }
    let (by, taken) = (desk.by, Taken { added: fresh.len(), unchanged });
    let after = json!({ "added": taken.added, "unchanged": taken.unchanged });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::CaseImport, "module", module).to(after)).await?;
    Ok(taken)
}

type Fault = (&'static str, String);

impl Line {
    fn numbered(&self) -> (Option<&str>, Option<i32>, Option<i32>) {
        (self.series.as_deref(), self.year, self.number)
    }
}

/// Holds a line against its type and what is here. None: it is here already, the same.
async fn judged(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    module: &str,
    line: &Line,
) -> Result<Result<Option<Arc<Kept>>, Fault>, CaseError> {
    if let Some(kept) = desk.types.get(&line.type_key).filter(|kept| kept.def.version() == line.version) {
        types::keep(&mut *conn, kept, desk.by.ids, desk.by.now)
            .await
            .map_err(|error| Refused::Conflict(error.to_string()))?;
    }
    let kept = match desk.types.version(&mut *conn, &line.type_key, line.version).await {
        Err(sqlx::Error::RowNotFound) => {
            return Ok(Err(("type", format!("{} is not known at version {}", line.type_key, line.version))));
        }
        other => other?,
    };
    if kept.def.state(&line.state).is_none() || kept.def.module() != module {
        return Ok(Err(("state", format!("{} has no state {}, or is of another module", line.type_key, line.state))));
    }
    if let Err(fault) = judge::line(&kept.def, line, (desk.by.now, desk.tz)) {
        return Ok(Err(fault));
    }
    if let Err(why) = ethics::exchange::judge(&line.type_key, &line.acts, line.deliberation.as_ref()) {
        return Ok(Err((DELIBERATION, why)));
    }
    if let Some(told) = &line.deliberation
        && !ethics::store::knows(&mut *conn, told).await?
    {
        return Ok(Err((
            DELIBERATION,
            "names a council, seat or person that is not here: take the council in first".into(),
        )));
    }
    let Some(mut here) = store::load(&mut *conn, line.id, false).await? else { return Ok(Ok(Some(kept))) };
    let acts = store::acts(&mut *conn, &[line.id]).await?;
    let is_same = acts.last().map(|(_, act)| &act.hash) == line.acts.last().map(|act| &act.hash);
    // A file has nothing secret, but for one from before it was.
    let newest = desk.types.newest(&kept.def);
    let mut told = CaseFile { fields: line.fields.clone(), title: line.title.clone(), ..here.clone() };
    values::cover(&kept.def, newest, &mut told);
    values::cover(&kept.def, newest, &mut here);
    let is_same = is_same && here.fields == told.fields && here.title == told.title;
    Ok(if is_same { Ok(None) } else { Err(("id", "is here already with other acts".into())) })
}

/// Writes the cases that are new here. Gives every line whose number is another's.
async fn add(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    fresh: &[(usize, &Line, Arc<Kept>)],
) -> Result<Vec<FieldError>, CaseError> {
    let mut series: BTreeMap<(&str, i32), i32> = BTreeMap::new();
    for (_, line, _) in fresh {
        if let (Some(prefix), Some(year), Some(number)) = line.numbered() {
            let last = series.entry((prefix, year)).or_default();
            *last = number.max(*last);
        }
    }
    for ((prefix, year), last) in series {
        store::raise_series(&mut *conn, &format!("case:{prefix}"), year, last).await?;
    }
    let mut errors = Vec::new();
    for (place, line, kept) in fresh {
        if let (Some(prefix), Some(year), Some(number)) = line.numbered()
            && store::by_number(&mut *conn, prefix, year, number).await?.is_some()
        {
            let message = format!("{prefix} {year}/{number:03} is another case's here");
            errors.push(wrong(*place, "number", &line.id.to_string(), message));
            continue;
        }
        let Some(state) = kept.def.state(&line.state) else { continue };
        let case = case_of(line, kept.def.module(), state);
        store::insert(&mut *conn, &case, &desk.searched(&kept.def, &case), desk.tz).await?;
        super::registry::fields::link(&mut *conn, desk, &kept.def, (case.id, &case.fields), &case.fields).await?;
        add_acts(&mut *conn, line).await?;
        // Before the recusals: a vote that was given before one of them stands and does not count.
        if let Some(told) = &line.deliberation {
            ethics::store::insert_deliberation(&mut *conn, case.id, told).await?;
        }
        super::desk::recusal::of_acts(&mut *conn, desk, (&kept.def, &case), &line.acts).await?;
    }
    if !errors.is_empty() {
        return Ok(errors);
    }
    for (_, line, kept) in fresh {
        let Some(state) = kept.def.state(&line.state) else { continue };
        let case = case_of(line, kept.def.module(), state);
        let (title, link) = (case.name_outside(&kept.def), case.link());
        for running in &line.deadlines {
            let (code, anchor_at) = (running.code.as_str(), running.anchor_at);
            let new = deadlines::store::New {
                subject: (SUBJECT, case.id),
                title: &title,
                link: &link,
                code,
                anchor_at,
                governed_on: None,
            };
            deadlines::desk::restore(&mut *conn, desk.by, desk.tz, (&new, &running.course)).await?;
        }
    }
    Ok(errors)
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
