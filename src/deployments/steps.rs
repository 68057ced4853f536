//! Steps and places of what was sent, as the desk or a telephone tells them.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::said;
use super::life::{self, Act, NotNow, State};
use super::store::{self, NewStep};
use super::{Deployment, Fix, Told, calls, track};
use crate::audit::{self, Act as Audited, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::resources::desk::reason;

/// What came of telling a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    pub state: State,
    pub at: Instant,
    /// It was told before with this key, and nothing was done now.
    pub repeated: bool,
}

/// Moves a deployment. `may_run`: whoever acts runs incidents; others move what they are sent with, and never cancel it.
///
/// # Errors
/// 403 for a deployment of others; what stands in the way; a conflict when the key was used for another act.
pub async fn step(
    conn: &mut PgConnection,
    by: By<'_>,
    (id, may_run): (Uuid, bool),
    told: Told<'_>,
) -> Result<Stepped, Refused> {
    let why = reason(told.reason)?;
    if let Some(key) = told.key {
        check_key(key)?;
    }
    check_fix(told.fix.as_ref())?;
    let one = store::lock(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))?;
    allowed(&mut *conn, by, id, may_run).await?;
    if told.act == Act::Cancel && !may_run {
        return Err(Refused::Forbidden("to cancel a deployment is for whoever runs the incident: decline it".into()));
    }
    if let Some(key) = told.key
        && let Some((act, at)) = store::step_of_key(&mut *conn, id, key).await?
    {
        if act != told.act.as_str() {
            return Err(Refused::Conflict(format!("the key {key} was used for `{act}`")));
        }
        return Ok(Stepped { state: one.state, at, repeated: true });
    }
    let to = one.state.after(told.act, why).map_err(refused)?;
    let before = store::last_step_at(&mut *conn, id).await?.unwrap_or(one.assigned_at);
    let at = life::moment(told.at, before, by.now).map_err(refused)?;
    store::set_state(&mut *conn, id, (to, at)).await?;
    let step = NewStep { act: told.act.as_str(), to, at, reason: why, key: told.key };
    store::add_step(&mut *conn, id, (by.now, &by.actor.name), step).await?;
    if let Some(fix) = told.fix {
        keep_place(&mut *conn, by, (&one, to, at), fix).await?;
    }
    let entry = Entry::new(Audited::DeploymentStep, "deployment", id).because(why);
    let entry = entry.from(json!({ "state": one.state })).to(json!({ "state": to, "at": at }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    said(&mut *conn, by, &one, to, (why, at)).await?;
    match to {
        State::OnSite => calls::arrive(&mut *conn, by, &one, at).await?,
        State::Declined | State::Cancelled => calls::stand_down(&mut *conn, by, &one, why).await?,
        _ => {}
    }
    Ok(Stepped { state: to, at, repeated: false })
}

/// Where a telephone was at a step: of whoever was sent alone, and only from departure to end. Where somebody says yes or no is where they live.
async fn keep_place(
    conn: &mut PgConnection,
    by: By<'_>,
    (one, to, at): (&Deployment, State, Instant),
    fix: Fix,
) -> sqlx::Result<()> {
    let is_own = match by.actor.id {
        Some(staff) => store::is_of(&mut *conn, one.id, staff).await?,
        None => false,
    };
    if !is_own || !matches!(to, State::EnRoute | State::OnSite | State::Released) {
        return Ok(());
    }
    let departed = one.en_route_at.or(one.on_site_at).unwrap_or(at);
    let (all, _) = track::kept(&[Fix { at: Some(at), ..fix }], (Some(departed), None), by.now);
    store::add_fixes(conn, one.id, (by.now, &by.actor.name), &all).await?;
    Ok(())
}

fn refused(why: NotNow) -> Refused {
    match why {
        NotNow::Reason => Refused::wrong("reason", "", "say why"),
        NotNow::Ahead(minutes) => Refused::wrong("at", minutes, why.to_string()),
        NotNow::State { .. } => Refused::Conflict(why.to_string()),
    }
}

fn check_key(key: &str) -> Result<(), Refused> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if (8..=80).contains(&key.len()) && key.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Refused::wrong("key", key, "expected 8 to 80 letters, digits, `.`, `_`, `:` or `-`"))
}

fn check_fix(fix: Option<&Fix>) -> Result<(), Refused> {
    let wrong = fix.and_then(track::wrong);
    wrong.map_or(Ok(()), |(field, value, message)| Err(Refused::wrong(format!("position.{field}"), value, message)))
}

async fn allowed(conn: &mut PgConnection, by: By<'_>, id: Uuid, may_run: bool) -> Result<(), Refused> {
    if may_run {
        return Ok(());
    }
    match by.actor.id {
        Some(staff) if store::is_of(conn, id, staff).await? => Ok(()),
        _ => Err(Refused::Forbidden("only whoever was sent, or who runs the incident, says how it goes".into())),
    }
}

/// What came of a message with positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    pub kept: u64,
    /// Known already, or outside the time between departure and end.
    pub left_out: u64,
}

/// Keeps where a telephone was. Only whoever was sent tells it.
///
/// # Errors
/// The fix that is wrong; 403 for a deployment of others; a conflict when the track is full.
pub async fn positions(conn: &mut PgConnection, by: By<'_>, id: Uuid, fixes: &[Fix]) -> Result<Tracked, Refused> {
    if fixes.is_empty() || fixes.len() > track::MOST {
        return Err(Refused::wrong("positions", fixes.len(), format!("expected 1 to {} positions", track::MOST)));
    }
    for (index, fix) in fixes.iter().enumerate() {
        if let Some((field, value, message)) = track::wrong(fix) {
            return Err(Refused::wrong(format!("positions[{index}].{field}"), value, message));
        }
    }
    let one = store::lock(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))?;
    allowed(&mut *conn, by, id, false).await?;
    if store::count_fixes(&mut *conn, id).await? >= track::MOST_KEPT {
        return Err(Refused::Conflict(format!("the track has {} positions already", track::MOST_KEPT)));
    }
    let departed = one.en_route_at.or(one.on_site_at);
    let (all, _) = track::kept(fixes, (departed, one.ended_at), by.now);
    let kept = store::add_fixes(&mut *conn, id, (by.now, &by.actor.name), &all).await?;
    let about = one.incident.map(|id| Event::Incident { id });
    if let Some(event) = about.or(one.occurrence.map(|id| Event::Occurrence { id })).filter(|_| kept > 0) {
        notify(conn, &event).await?;
    }
    Ok(Tracked { kept, left_out: (fixes.len() as u64).saturating_sub(kept) })
}
