//! Instruments as files: one JSON a line with everything that is kept, which reads back byte for byte.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Cause, DoneAct, Past, Told};
use super::{Entry, Kept, Ledger, SUBJECT, chain};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Noted};
use crate::clock::Instant;
use crate::deadlines::Course;
use crate::deadlines::store as deadlines;
use crate::refused::Refused;
use crate::secretariat::kernel::chain::sum;
use crate::secretariat::kernel::registry::links;
use crate::vault::Ring;

/// Largest file.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Instruments that are read at once: few questions for many, and never all of them beside their text.
const AT_ONCE: usize = 1000;

/// A deadline that runs, so that it runs on where it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Running {
    code: String,
    anchor_at: Instant,
    #[serde(default, skip_serializing_if = "Course::is_plain")]
    course: Course,
}

/// One instrument with its past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    id: Uuid,
    module: String,
    series: Option<String>,
    year: Option<i32>,
    number: Option<i32>,
    opened_at: Instant,
    opened_by: String,
    changed_at: Instant,
    kept_until: Option<NaiveDate>,
    document: Value,
    money: Vec<Entry>,
    acts: Vec<DoneAct>,
    deadlines: Vec<Running>,
    /// None in a file from before they were kept: what everybody reads is made anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Told>,
}

impl Line {
    fn of<K: Kept>(one: Past<K>) -> Self {
        let (series, year, number) = one.numbered;
        let running = one.running.into_iter();
        Self {
            id: one.id,
            module: K::MODULE.to_owned(),
            series,
            year,
            number,
            opened_at: one.opened_at,
            opened_by: one.opened_by,
            changed_at: one.changed_at,
            kept_until: one.kept_until,
            money: one.what.ledger().entries().to_vec(),
            document: one.document,
            acts: one.acts,
            deadlines: running.map(|(code, anchor_at, course)| Running { code, anchor_at, course }).collect(),
            versions: one.versions,
        }
    }
}

fn encode(error: serde_json::Error) -> Refused {
    Refused::Database(sqlx::Error::Encode(Box::new(error)))
}

/// All of a module, one a line.
///
/// # Errors
/// The database's.
pub async fn write<K: Kept>(conn: &mut PgConnection) -> Result<String, Refused> {
    let mut text = String::new();
    let all = store::ids(&mut *conn, K::MODULE).await?;
    for ids in all.chunks(AT_ONCE) {
        for one in store::past::<K>(&mut *conn, ids).await? {
            text.push_str(&serde_json::to_string(&Line::of(one)).map_err(encode)?);
            text.push('\n');
        }
    }
    Ok(text)
}

/// What reading a file came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentImported)]
pub struct Imported {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
}

fn wrong(at: usize, value: &str, why: impl ToString) -> Refused {
    let short: String = value.chars().take(80).collect();
    Refused::wrong(format!("line {}", at + 1), short, why.to_string())
}

/// The instruments of a file that [`write`] made, each with its place in it.
///
/// # Errors
/// Names the line.
pub fn parse(text: &str) -> Result<Vec<(usize, Line)>, Refused> {
    let mut all = Vec::new();
    for (at, raw) in text.lines().enumerate().filter(|(_, raw)| !raw.trim().is_empty()) {
        let mut one: Line = serde_json::from_str(raw).map_err(|error| wrong(at, raw, error))?;
        // A file from before acts were chained.
        chain::linked(one.id, &mut one.acts);
        all.push((at, one));
    }
    Ok(all)
}

/// Takes in what a file has, whole or not at all. What is there already has to be the same.
///
/// # Errors
/// Names the line.
pub async fn read<K: Kept>(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    file: Vec<(usize, Line)>,
) -> Result<Imported, Refused> {
    let mut told = Imported::default();
    let mut running = Vec::new();
    for (at, one) in file {
        if one.module != K::MODULE {
            return Err(wrong(at, &one.module, format!("expected the module {}", K::MODULE)));
        }
        if let Some(before) = store::past::<K>(&mut *conn, &[one.id]).await?.pop() {
            let mut here = Line::of(before);
            // A version that was added as it came in is no other past.
            here.versions.truncate(one.versions.len());
            if here != one {
                return Err(Refused::Conflict(format!("line {}: {} is there already and differs", at + 1, one.id)));
            }
            told.unchanged += 1;
            continue;
        }
        if let Some(why) = forged(&one, K::MODULE, (by.now, tz)) {
            return Err(wrong(at, &one.id.to_string(), why));
        }
        running.push((at, one.id, one.deadlines.clone()));
        restore::<K>(&mut *conn, (by, tz, vault), at, one).await.map_err(|error| unfit(at, error))?;
        told.created += 1;
    }
    // Numbers first and the calendar last, as when one is opened, so that nobody waits in a circle.
    for (at, id, all) in running {
        run_on::<K>(&mut *conn, (by, tz), (at, id), &all).await?;
    }
    let after = json!({ "module": K::MODULE, "created": told.created, "unchanged": told.unchanged });
    let entry = Noted::new(Act::InstrumentImport, "instrument", K::MODULE).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(told)
}

/// The greatest number of a series: far beyond any year, and far below where the next number would overflow.
const MOST_NUMBER: i32 = 1_000_000;

/// Why a line cannot be what it says.
fn forged(one: &Line, module: &str, (now, tz): (Instant, Tz)) -> Option<String> {
    let this_year = now.with_timezone(&tz).year();
    match (&one.series, one.year, one.number) {
        (None, None, None) => {}
        (Some(series), Some(year), Some(number)) => {
            let is_ours = series.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'));
            if !is_ours || !(1900..=this_year).contains(&year) || !(1..=MOST_NUMBER).contains(&number) {
                return Some(format!(
                    "expected a series of {module}, a year until {this_year}, a number until {MOST_NUMBER}"
                ));
            }
        }
        _ => return Some("expected series, year and number, or none of them".into()),
    }
    if one.opened_at > now || one.changed_at > now || one.changed_at < one.opened_at {
        return Some("opened or changed in the future, or changed before it was opened".into());
    }
    let mut before: Option<&DoneAct> = None;
    for (act, seq) in one.acts.iter().zip(1..) {
        let leads = before.map_or(act.from_state.is_empty(), |before| before.to_state == act.from_state);
        if act.seq != seq || !leads || act.at > now || before.is_some_and(|before| act.at < before.at) {
            return Some(format!("the act {} ({}) does not follow the one before it", act.seq, act.act));
        }
        before = Some(act);
    }
    if before.is_none() {
        return Some("expected the acts that led here".into());
    }
    if let Some(why) = untold(one, now) {
        return Some(why);
    }
    if let Some(at) = chain::broken(one.id, &one.acts) {
        return Some(format!("the chain is broken at act {at}: it was changed since"));
    }
    let uncovered = chain::uncovered(&one.acts, &one.money, &sum(&one.document));
    uncovered.map(|at| format!("money or document are not what act {at} left: they were changed since"))
}

/// Why a version cannot be what it says. The last one is held against the document where it comes in: what everybody reads is never what a file
/// alone says.
fn untold(one: &Line, now: Instant) -> Option<String> {
    let mut before = one.opened_at;
    for (told, seq) in one.versions.iter().zip(1..) {
        let wrong = |why: &str| Some(format!("the version {}: {why}", told.seq));
        let is_known = one.acts.iter().any(|act| act.act == told.act);
        if told.seq != seq || !is_known || told.published_at < before || told.published_at > now {
            return wrong("no act of the instrument made it, or it does not follow the one before it");
        }
        before = told.published_at;
        if told.sha256 != told.view.as_ref().map(sum) {
            return wrong("it has another SHA-256: it was changed since");
        }
        if told.view.as_ref().is_some_and(|view| super::public::masked(view.clone()) != *view) {
            return wrong("a CPF stands in it");
        }
        let is_text = |text: &str, most: usize| text.chars().count() <= most && !text.contains('\0');
        if told.listed_until.is_some_and(|until| !(1900..=2300).contains(&until.year())) {
            return wrong("expected a last day between 1900 and 2300");
        }
        if !is_text(&told.reason, 1000) || !is_text(&told.published_by, 200) {
            return wrong("expected a reason of at most 1000 characters, and who published it");
        }
    }
    None
}

/// What the table refuses is told with the line.
fn unfit(at: usize, error: Refused) -> Refused {
    match error {
        Refused::Database(sqlx::Error::Database(error)) if error.constraint().is_some() => {
            wrong(at, error.constraint().unwrap_or_default(), "is not what the register takes, or is there already")
        }
        other => other,
    }
}

/// Its deadlines run on, with what happened to them.
async fn run_on<K: Kept>(
    conn: &mut PgConnection,
    (by, tz): (Acting<'_>, Tz),
    (at, id): (usize, Uuid),
    all: &[Running],
) -> Result<(), Refused> {
    if all.is_empty() {
        return Ok(());
    }
    let row = store::load::<K>(&mut *conn, id).await?.ok_or_else(|| wrong(at, &id.to_string(), "is gone"))?;
    let title: String = row.what.index().title.chars().take(300).collect();
    let link = format!("/secretaria/painel/{}/{id}", K::PAGES);
    let governed_on = row.what.governed_on(by.now.with_timezone(&tz).date_naive());
    for running in all {
        let (subject, code, anchor_at) = ((SUBJECT, id), running.code.as_str(), running.anchor_at);
        let new = deadlines::New { subject, title: &title, link: &link, code, anchor_at, governed_on };
        crate::deadlines::desk::restore(&mut *conn, by, tz, (&new, &running.course)).await?;
    }
    Ok(())
}

async fn restore<K: Kept>(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    at: usize,
    one: Line,
) -> Result<(), Refused> {
    let mut what: K = serde_json::from_value(one.document.clone()).map_err(|error| wrong(at, "document", error))?;
    let ledger = Ledger::of(one.money.iter().cloned()).map_err(|error| wrong(at, "money", error))?;
    if ledger.entries() != one.money {
        return Err(wrong(at, "money", "expected entries in order, reversals as they were"));
    }
    what.set_ledger(ledger);
    store::insert(&mut *conn, one.id, &what, (one.opened_at, &one.opened_by)).await?;
    links::of_instrument(&mut *conn, (by, vault), one.id, what.parties()).await?;
    if let (Some(series), Some(year), Some(number)) = (&one.series, one.year, one.number) {
        store::set_number(&mut *conn, one.id, series, (year, number)).await?;
        store::raise_series(&mut *conn, series, (year, number)).await?;
    }
    for entry in &one.money {
        store::keep_money(&mut *conn, one.id, entry, (one.changed_at, &by.actor.name)).await?;
    }
    for act in &one.acts {
        store::restore_act(&mut *conn, one.id, act).await?;
    }
    if one.acts.last().is_some_and(|last| last.to_state != what.state()) {
        return Err(wrong(at, what.state(), "expected the state to which the last act led"));
    }
    store::restore_rest(&mut *conn, one.id, &one.document, (one.changed_at, one.kept_until)).await?;
    store::restore_versions(&mut *conn, (one.id, K::MODULE), &one.versions, by.now).await?;
    let number = store::number_of(one.year, one.number);
    let act = one.acts.last().map_or("open", |last| last.act.as_str());
    let cause = Cause { id: by.ids.uuid(by.now), act, reason: "", at: by.now, by: &by.actor.name };
    if let Some(public) = what.public(&number) {
        let governed_on = what.governed_on(by.now.with_timezone(&tz).date_naive());
        let listed_until = match K::LISTED.zip(public.over_on) {
            Some((code, over)) => super::desk::last_day(&mut *conn, (code, governed_on), over, tz).await?,
            None => None,
        };
        let snapshot = super::public::masked(public.snapshot);
        store::publish(conn, (one.id, K::MODULE), (&snapshot, listed_until), &cause).await?;
    } else {
        store::withdraw(conn, (one.id, K::MODULE), &cause).await?;
    }
    Ok(())
}
