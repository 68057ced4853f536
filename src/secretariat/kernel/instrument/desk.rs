//! What is done to instruments, in the caller's transaction: the act, its deadlines, its money, its number, what becomes public, the audit.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::chain::{self, Covers};
use super::papers::{self, Readers};
use super::refers;
use super::store::{self, Cause, DoneAct, NewDocument, Row};
use super::{Done, Entry, Kept, Ledger, Public, Refusal, SUBJECT, Seen, Tick};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act as Audited, Entry as Noted};
use crate::clock::Instant;
use crate::deadlines::norm::Begun;
use crate::deadlines::reckon::Anchor;
use crate::deadlines::{self, Course, Deadline, desk as deadline_desk, store as deadline_store};
use crate::hexadecimal::hex;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::kernel::registry::links;
use crate::vault::Ring;

const KIND: &str = "instrument";
/// Bytes of a document, as the table says.
pub const MAX_DOCUMENT: usize = 10 * 1024 * 1024;

/// Noon of a day in the town: an instant of that day whatever the clock did in the night.
pub fn noon(day: NaiveDate, tz: Tz) -> Instant {
    let noon = day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default());
    tz.from_local_datetime(&noon).earliest().map_or_else(|| noon.and_utc(), |at| at.to_utc())
}

fn today(by: &Acting<'_>, tz: Tz) -> NaiveDate {
    by.now.with_timezone(&tz).date_naive()
}

async fn seen<K: Kept>(
    conn: &mut PgConnection,
    (by, tz): (Acting<'_>, Tz),
    of: Option<(Uuid, &K)>,
) -> Result<Seen, Refused> {
    let today = today(&by, tz);
    let mut seen = Seen { today, by: by.actor.name.clone(), late: Vec::new(), due: Vec::new(), elsewhere: None };
    if let Some((id, what)) = of {
        seen.late = store::late(&mut *conn, id, today).await?;
        let open = deadline_store::list(&mut *conn, Some((SUBJECT, id)), true).await?;
        seen.due = open.into_iter().map(|one| (one.code, one.due_on)).collect();
        let codes: Vec<String> = K::ACCOUNTS.iter().map(|code| (*code).to_owned()).collect();
        let partner = what.index().partner_document;
        seen.elsewhere = store::late_elsewhere(conn, Some(id), (K::MODULE, &partner), &codes, today).await?;
    }
    Ok(seen)
}

/// The day on which a rule ends that is counted from a day. `governed_on`: the day whose norm it is of; none: that day itself.
///
/// # Errors
/// No rule holds.
pub async fn last_day(
    conn: &mut PgConnection,
    (code, governed_on): (&str, Option<NaiveDate>),
    from: NaiveDate,
    tz: Tz,
) -> Result<Option<NaiveDate>, Refused> {
    let begun = Begun { code, anchor: Anchor { at: noon(from, tz), tz }, governed_on };
    Ok(deadline_desk::governed(conn, begun, &Course::default()).await?.1.due_on)
}

async fn tick<K: Kept>(
    conn: &mut PgConnection,
    (by, tz): (Acting<'_>, Tz),
    (id, title, governed_on): (Uuid, &str, Option<NaiveDate>),
    tick: &Tick,
) -> Result<(), Refused> {
    let subject = (SUBJECT, id);
    match tick {
        Tick::Set(code, from) => {
            let link = format!("/secretaria/painel/{}/{id}", K::PAGES);
            let title: String = title.chars().take(300).collect();
            let anchor_at = noon(*from, tz);
            let new = deadline_store::New { subject, title: &title, link: &link, code, anchor_at, governed_on };
            deadline_desk::set(conn, by, tz, &new).await?;
        }
        Tick::Met(code) => deadline_desk::end(conn, by, (subject, code), true, "").await?,
        Tick::Void(code) => deadline_desk::end(conn, by, (subject, code), false, "").await?,
        Tick::Extend(code, reason) => {
            let open = deadline_store::list(&mut *conn, Some(subject), true).await?;
            let one = open.into_iter().find(|one| one.code == *code);
            let one = one.ok_or_else(|| Refusal::wrong("code", code, "expected a deadline that runs"))?;
            let asked = deadline_desk::Asked { act: "extend".into(), on: None, reason: reason.clone() };
            deadline_desk::act(conn, by, tz, one.id, &asked).await.map_err(|error| match error {
                PlanError::Refused(refused) => refused,
                other => Refused::Conflict(other.to_string()),
            })?;
        }
    }
    Ok(())
}

/// What was asked, with what it was called and where it led.
struct Step<'a> {
    id: Uuid,
    act: &'a str,
    from_state: &'a str,
    asked: Value,
}

async fn carry_out<K: Kept>(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    step: Step<'_>,
    mut done: Done<K>,
) -> Result<(), Refused> {
    let mut ledger: Ledger = done.next.ledger().clone();
    let before = ledger.entries().len();
    for entry in std::mem::take(&mut done.entries) {
        ledger = ledger.push(entry)?;
    }
    let added: Vec<Entry> = ledger.entries().iter().skip(before).cloned().collect();
    done.next.set_ledger(ledger);
    let who = (by.now, by.actor.name.as_str());
    for entry in &added {
        store::keep_money(&mut *conn, step.id, entry, who).await?;
    }
    if let Some(series) = &done.numbers {
        let year = today(&by, tz).year();
        let (_, number) = crate::alerts::store::next_number(&mut *conn, series, year).await?;
        store::set_number(&mut *conn, step.id, series, (year, number)).await?;
    }
    let title = done.next.index().title;
    let governed_on = done.next.governed_on(today(&by, tz));
    for one in &done.ticks {
        tick::<K>(&mut *conn, (by, tz), (step.id, &title, governed_on), one).await?;
    }
    let number = numbered::<K>(&mut *conn, step.id).await?;
    let public = done.next.public(&number);
    let over_on = public.as_ref().and_then(|public| public.over_on);
    let day_of = |code: Option<&'static str>| code.zip(over_on);
    let kept_until = match day_of(K::KEPT) {
        Some((code, over)) => last_day(&mut *conn, (code, governed_on), over, tz).await?,
        None => None,
    };
    store::save(&mut *conn, step.id, &done.next, by.now, kept_until).await?;
    let listed_until = match day_of(K::LISTED) {
        Some((code, over)) => last_day(&mut *conn, (code, governed_on), over, tz).await?,
        None => None,
    };
    let reason: String = done.reason.chars().take(1000).collect();
    tell_everybody::<K>(&mut *conn, by, (&step, &reason), (public, listed_until)).await?;
    links::of_instrument(&mut *conn, (by, vault), step.id, done.next.parties()).await?;
    let to_state = done.next.state();
    let covers = covers(&done.next)?;
    let kept = DoneAct {
        seq: 0,
        at: by.now,
        actor: by.actor.name.clone(),
        act: step.act.to_owned(),
        from_state: step.from_state.to_owned(),
        to_state: to_state.to_owned(),
        reason: reason.clone(),
        asked: step.asked,
        covers: Some(covers),
        prev: None,
        hash: String::new(),
    };
    store::keep_act(&mut *conn, step.id, &kept).await?;
    let after = json!({ "module": K::MODULE, "act": step.act, "state": to_state, "number": number });
    let audited = if step.from_state.is_empty() { Audited::InstrumentOpen } else { Audited::InstrumentAct };
    let entry = Noted::new(audited, KIND, step.id).because(&reason).from(json!({ "state": step.from_state })).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Adds a version of what everybody reads, or withdraws it where nothing of it is public any more.
async fn tell_everybody<K: Kept>(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (step, reason): (&Step<'_>, &str),
    (public, listed_until): (Option<Public>, Option<NaiveDate>),
) -> sqlx::Result<()> {
    let cause = Cause { id: by.ids.uuid(by.now), act: step.act, reason, at: by.now, by: &by.actor.name };
    match public {
        Some(public) => {
            let snapshot = super::public::masked(public.snapshot);
            store::publish(conn, (step.id, K::MODULE), (&snapshot, listed_until), &cause).await
        }
        None => store::withdraw(conn, (step.id, K::MODULE), &cause).await,
    }
}

/// What the act leaves.
fn covers<K: Kept>(next: &K) -> Result<Covers, Refused> {
    let document = serde_json::to_value(next).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(Covers::of(next.ledger().entries(), &document))
}

async fn numbered<K: Kept>(conn: &mut PgConnection, id: Uuid) -> Result<String, Refused> {
    Ok(store::load::<K>(conn, id).await?.map(|row| row.number).unwrap_or_default())
}

/// Opens one. The ring of the vault seals the CPF of its parties for the registry.
///
/// # Errors
/// Why not.
pub async fn open<K: Kept>(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    opening: K::Opening,
) -> Result<Uuid, Refused> {
    let asked = serde_json::to_value(&opening).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let seen = seen::<K>(&mut *conn, (by, tz), None).await?;
    let named = K::opening_refers(&opening);
    let done = K::open(opening, &seen)?;
    refers::held(&mut *conn, &named).await?;
    if let Some(key) = done.next.outside_key()
        && store::by_outside_key(&mut *conn, K::MODULE, key).await?.is_some()
    {
        return Err(Refused::Conflict(format!("there is an instrument {key} already")));
    }
    let id = by.ids.uuid(by.now);
    store::insert(&mut *conn, id, &done.next, (by.now, &by.actor.name)).await?;
    carry_out(conn, (by, tz, vault), Step { id, act: "open", from_state: "", asked }, done).await?;
    Ok(id)
}

/// Does an act. `revision` is that of the instrument as whoever acts saw it; none: as it is.
///
/// # Errors
/// Why not, with the law where one forbids it.
pub async fn act<K: Kept>(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    (id, revision): (Uuid, Option<i32>),
    act: K::Act,
) -> Result<(), Refused> {
    let row = store::lock::<K>(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("instrument {id}")))?;
    if let Some(given) = revision.filter(|given| *given != row.revision) {
        return Err(Refused::Conflict(format!("it changed meanwhile: revision {given}, now {}", row.revision)));
    }
    let asked = serde_json::to_value(&act).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let word = asked.get("act").and_then(Value::as_str).unwrap_or_default().to_owned();
    let seen = seen(&mut *conn, (by, tz), Some((id, &row.what))).await?;
    let (from_state, named) = (row.what.state(), K::act_refers(&act));
    let done = row.what.act(act, &seen)?;
    refers::held(&mut *conn, &named).await?;
    carry_out(conn, (by, tz, vault), Step { id, act: &word, from_state, asked }, done).await
}

/// One with everything.
#[derive(Clone, Debug)]
pub struct Whole<K> {
    pub row: Row<K>,
    pub deadlines: Vec<Deadline>,
    pub acts: Vec<DoneAct>,
    /// The first act that is not what it was when it was done, or whose money or document are not as it left them.
    pub broken_at: Option<i32>,
    pub documents: Vec<store::Document>,
}

/// # Errors
/// `NotFound`.
pub async fn whole<K: Kept>(conn: &mut PgConnection, id: Uuid) -> Result<Whole<K>, Refused> {
    let row = store::load::<K>(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("instrument {id}")))?;
    let deadlines = deadlines::store::list(&mut *conn, Some((SUBJECT, id)), false).await?;
    let acts = store::acts(&mut *conn, id).await?;
    let documents = store::documents(conn, id).await?;
    let uncovered = || chain::uncovered(&acts, row.what.ledger().entries(), &row.document_hash);
    let broken_at = chain::broken(id, &acts).or_else(uncovered);
    Ok(Whole { row, deadlines, acts, broken_at, documents })
}

/// A document that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Paper<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub readers: Readers,
    pub bytes: &'a [u8],
}

/// Adds a document; the same bytes twice are one.
///
/// # Errors
/// Names the field.
pub async fn add_document<K: Kept>(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    paper: Paper<'_>,
) -> Result<Uuid, Refused> {
    let Paper { kind, name, media_type, readers, bytes } = paper;
    store::lock::<K>(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("instrument {id}")))?;
    let fits = |kind: &str| {
        !kind.is_empty()
            && kind.len() <= 60
            && kind.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    if !fits(kind) {
        return Err(Refused::wrong("kind", kind, "expected 1 to 60 small letters, digits and `_`"));
    }
    papers::may_be_opened(kind, readers)?;
    let name = super::said("name", name, 200)?;
    if bytes.is_empty() || bytes.len() > MAX_DOCUMENT {
        return Err(Refused::wrong("body", bytes.len(), format!("expected 1 to {MAX_DOCUMENT} bytes")));
    }
    if media_type.len() < 3 || media_type.len() > 100 {
        return Err(Refused::wrong("content-type", media_type, "expected a media type"));
    }
    let sha256 = Sha256::digest(bytes);
    let document = by.ids.uuid(by.now);
    let new = NewDocument { kind, name: &name, media_type, readers, bytes, sha256: &sha256 };
    if !store::add_document(&mut *conn, (document, id), &new, (by.now, &by.actor.name)).await? {
        return Err(Refused::Conflict("the same document is there already".into()));
    }
    let hash = hex(&sha256);
    let after = json!({ "name": name, "kind": kind, "readers": readers, "sha256": hash });
    let entry = Noted::new(Audited::InstrumentDocument, KIND, id).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(document)
}
