//! Cases out and in, as JSON Lines and CSV: what is taken out and put into another installation comes out there byte by byte the same.

pub mod carried;
mod judge;
mod sheet;

pub use judge::plain;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use carried::{Document, Publication, With};
pub use sheet::{from_csv, to_csv};

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
/// Where what the ethics council did stands.
const DELIBERATION: &str = "deliberation";
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
    /// What was published of it, and its documents: where the file carries them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<Publication>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
}

/// Reads what a filter finds, at most [`MOST`] and as many as their documents leave room for, oldest first; and the case before which to go on.
///
/// # Errors
/// `Conflict` when the documents of one case are more than a file takes; the database's.
pub async fn lines(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    filter: Filter,
    with: With,
) -> Result<(Vec<Line>, Option<Uuid>), CaseError> {
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut found = super::desk::list(&mut *conn, desk, Filter { limit, ..filter }).await?;
    let mut ids: Vec<Uuid> = found.iter().map(|one| one.case.id).collect();
    let fitting = if with.documents { carried::fitting(&mut *conn, &ids).await? } else { found.len() };
    let is_cut = fitting < found.len() || found.len() == MOST;
    found.truncate(fitting);
    ids.truncate(fitting);
    let next = ids.last().copied().filter(|_| is_cut);
    found.reverse();
    let mut acts: BTreeMap<Uuid, Vec<ActDone>> = BTreeMap::new();
    for (id, act) in store::acts(&mut *conn, &ids).await? {
        acts.entry(id).or_default().push(act);
    }
    let mut running: BTreeMap<Uuid, Vec<Running>> = BTreeMap::new();
    for (id, code, anchor_at, course) in lists::running(&mut *conn, &ids).await? {
        running.entry(id).or_default().push(Running { code, anchor_at, course });
    }
    let mut deliberations = ethics::store::deliberations(&mut *conn, &ids).await?;
    let mut published = BTreeMap::new();
    if with.publications {
        published = store::carried::publications(&mut *conn, &ids).await?;
    }
    let mut documents = BTreeMap::new();
    if with.documents {
        documents = store::carried::documents(&mut *conn, &ids).await?;
    }
    let mut lines = Vec::with_capacity(found.len());
    for lists::Listed { mut case, .. } in found {
        let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
        let newest = desk.types.newest(&kept.def);
        values::cover(&kept.def, newest, &mut case);
        let (id, running) = (case.id, running.remove(&case.id).unwrap_or_default());
        let own = documents.remove(&id).filter(|_| !carried::is_closed(&kept.def, newest));
        lines.push(Line {
            deliberation: deliberations.remove(&id),
            publications: published.remove(&id).unwrap_or_default(),
            documents: own.unwrap_or_default(),
            ..Line::of(case, running, acts.remove(&id).unwrap_or_default())
        });
    }
    Ok((lines, next))
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
            publications: Vec::new(),
            documents: Vec::new(),
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
    let mut carried = BTreeSet::new();
    for (line, number) in lines.iter().zip(1..) {
        let is_twice = !ids.insert(line.id)
            || line.number.is_some() && !numbers.insert(line.numbered())
            || line.carried().into_iter().any(|id| !carried.insert(id));
        let judged = if is_twice {
            Err(("id", "stands in the file twice, or its number does, or what it carries".to_owned()))
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

    /// The ids of what it carries.
    fn carried(&self) -> Vec<Uuid> {
        let published = self.publications.iter().map(|one| one.id);
        published.chain(self.documents.iter().map(|one| one.id)).collect()
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
    let Some(mut here) = store::load(&mut *conn, line.id, false).await? else {
        let known = store::carried::known(&mut *conn, &line.carried()).await?;
        let strange = known.map(|id| Err(("id", format!("it carries {id}, which is another case's here"))));
        return Ok(strange.unwrap_or(Ok(Some(kept))));
    };
    let acts = store::acts(&mut *conn, &[line.id]).await?;
    let is_same = acts.last().map(|(_, act)| &act.hash) == line.acts.last().map(|act| &act.hash);
    // A file has nothing secret, but for one from before it was.
    let newest = desk.types.newest(&kept.def);
    let mut told = CaseFile { fields: line.fields.clone(), title: line.title.clone(), ..here.clone() };
    values::cover(&kept.def, newest, &mut told);
    values::cover(&kept.def, newest, &mut here);
    let is_same = is_same && here.fields == told.fields && here.title == told.title;
    let is_same = is_same && carried::is_here(conn, line).await?;
    Ok(if is_same {
        Ok(None)
    } else {
        Err(("id", "is here already with other acts, publications or documents".into()))
    })
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
        carried::restore(&mut *conn, (line, kept.def.module()), desk.by.now).await?;
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
