//! What people do with endpoints, each act with its entry in the audit, for the pages and the API alike.

use std::fmt::Display;
use std::str::FromStr;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::request::{self, Said};
use super::send::{Sent, send};
use super::settings::Settings;
use super::store::attempt::{self, Attempt, Cause};
use super::store::{self, Wanted};
use super::store::{event, secret};
use super::worker::{logged, message_id};
use super::{Endpoint, Kind, MOST, Place, events, sign};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::ids::{AlertId, EndpointId, OutboxId};
use crate::refused::Refused;
use crate::sirens;
use crate::sirens::state::StateWord;
use crate::units::Level;

/// Characters of a name.
const MAX_NAME: usize = 120;
const MAX_REACH_M: i32 = 200_000;
/// How long the key before still signs, unless somebody says otherwise, in hours.
pub const GRACE_H: u32 = 24;
pub const MAX_GRACE_H: u32 = 30 * 24;

/// An endpoint as somebody wants it.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: String,
    /// Of its kind: see docs/webhooks.md and docs/sirens.md.
    pub settings: Value,
    /// Without one it is told of everything in the town.
    pub place: Option<Place>,
    /// observation, attention, alert or maximum.
    pub least_level: String,
    /// COBRADE; empty: all.
    pub hazards: Vec<String>,
    /// actual, exercise, test, system.
    pub statuses: Vec<String>,
}

impl Given {
    fn checked(&self, kind: Kind) -> Result<Wanted, Refused> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            return Err(Refused::wrong("name", name, format!("expected 1 to {MAX_NAME} characters in one line")));
        }
        let least_level = word::<Level>("least_level", &self.least_level)?;
        if least_level <= Level::Normal {
            return Err(Refused::wrong("least_level", least_level, "expected a level above normal"));
        }
        if self.hazards.len() > 100 {
            return Err(Refused::wrong("hazards", self.hazards.len(), "expected at most 100"));
        }
        let hazards = self.hazards.iter().map(|code| word::<Cobrade>("hazards", code));
        let hazards = hazards.collect::<Result<Vec<_>, _>>()?;
        let statuses = self.statuses.iter().map(|status| word::<AlertStatus>("statuses", status));
        let mut statuses = statuses.collect::<Result<Vec<_>, _>>()?;
        statuses.sort_unstable();
        statuses.dedup();
        if statuses.is_empty() {
            return Err(Refused::wrong("statuses", "[]", "expected at least one of actual, exercise, test, system"));
        }
        let settings = Settings::read(kind, &self.settings)?;
        Ok(Wanted {
            name: name.to_owned(),
            settings,
            place: self.place.map(in_range).transpose()?,
            least_level,
            hazards,
            statuses,
        })
    }
}

/// A word of a vocabulary.
fn word<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Refused> {
    text.parse().map_err(|error: T::Err| Refused::wrong(field, text, error.to_string()))
}

fn in_range(place: Place) -> Result<Place, Refused> {
    if !(-90.0..=90.0).contains(&place.lat) {
        return Err(Refused::wrong("place.lat", place.lat, "expected -90 to 90 degrees"));
    }
    if !(-180.0..=180.0).contains(&place.lon) {
        return Err(Refused::wrong("place.lon", place.lon, "expected -180 to 180 degrees"));
    }
    if !(0..=MAX_REACH_M).contains(&place.reach_m) {
        return Err(Refused::wrong("place.reach_m", place.reach_m, format!("expected 0 to {MAX_REACH_M} metres")));
    }
    Ok(place)
}

/// Who may do what beyond looking after endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// Whether they may let a siren sound by itself: only whoever may warn the city.
    pub issue: bool,
}

fn may_automate(settings: &Settings, rights: Rights) -> Result<(), Refused> {
    match settings {
        Settings::Siren(siren) if siren.automatic && !rights.issue => {
            Err(Refused::Forbidden("only whoever may issue alerts lets a siren sound by itself".into()))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// `NotFound`, also of one that is retired.
pub async fn find(conn: &mut PgConnection, id: EndpointId) -> Result<Endpoint, Refused> {
    let found = store::find(conn, id).await?.filter(|endpoint| endpoint.retired_at.is_none());
    found.ok_or_else(|| Refused::NotFound(format!("endpoint {id}")))
}

/// Makes an endpoint. A webhook's key comes back, told this once.
///
/// # Errors
/// `Wrong` names the field; `Conflict` when the name or the device is taken, or there are [`MOST`].
pub async fn create(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    (kind, given, secret): (Kind, &Given, &str),
    rights: Rights,
) -> Result<(EndpointId, Option<String>), Refused> {
    let wanted = given.checked(kind)?;
    may_automate(&wanted.settings, rights)?;
    if store::lock_and_count(&mut *conn).await? >= MOST {
        return Err(Refused::Conflict(format!("there are {MOST} endpoints already")));
    }
    if store::is_taken(&mut *conn, &wanted.name, None).await? {
        return Err(Refused::Conflict(format!("there is an endpoint {:?} already", wanted.name)));
    }
    let id = EndpointId(by.ids.uuid(by.now));
    store::insert(&mut *conn, (id, by.now, &by.actor.name), &wanted).await?;
    let mut told = None;
    match &wanted.settings {
        Settings::Webhook(_) => {
            let key = by.ids.bytes::<{ sign::KEY_LEN }>();
            secret::add(&mut *conn, (&app.keys.service, by.ids, by.now), id, &key, by.now).await?;
            told = Some(sign::shown(&key));
        }
        Settings::Chat(_) => keep_word(&mut *conn, app, by, id, secret).await?,
        Settings::Siren(siren) => sirens::desk::enlist(&mut *conn, by.now, id, &siren.device).await?,
    }
    let entry = Entry::new(Act::EndpointAdd, "endpoint", id).to(seen(&wanted));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok((id, told))
}

async fn keep_word(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    id: EndpointId,
    word: &str,
) -> Result<(), Refused> {
    let word = word.trim();
    if word.len() > 500 || word.contains(char::is_control) {
        return Err(Refused::wrong("secret", "***", "expected at most 500 characters in one line"));
    }
    if !word.is_empty() {
        secret::add(conn, (&app.keys.service, by.ids, by.now), id, word.as_bytes(), by.now).await?;
    }
    Ok(())
}

/// What the audit keeps: no secrets, and of addresses all, because they are none.
fn seen(wanted: &Wanted) -> Value {
    json!({ "name": wanted.name, "kind": wanted.settings.kind(), "settings": wanted.settings, "place": wanted.place,
        "least_level": wanted.least_level, "hazards": wanted.hazards, "statuses": wanted.statuses })
}

/// Changes what an endpoint is told, and where. An empty `secret` leaves a chat's word as it is.
///
/// # Errors
/// As [`create`]; `Conflict` also when it moved since `revision`.
pub async fn edit(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    (id, revision, given, secret): (EndpointId, i32, &Given, &str),
    rights: Rights,
) -> Result<(), Refused> {
    let before = find(&mut *conn, id).await?;
    let wanted = given.checked(before.kind)?;
    may_automate(&wanted.settings, rights)?;
    if store::is_taken(&mut *conn, &wanted.name, Some(id)).await? {
        return Err(Refused::Conflict(format!("there is an endpoint {:?} already", wanted.name)));
    }
    if !store::update(&mut *conn, (id, revision, by.now), &wanted).await? {
        return Err(Refused::Conflict("it was changed meanwhile; look at it anew".into()));
    }
    if let (Settings::Siren(old), Settings::Siren(new)) = (&before.settings, &wanted.settings)
        && old.device != new.device
    {
        hush(&mut *conn, by, &before).await?;
        sirens::desk::enlist(&mut *conn, by.now, id, &new.device).await?;
    }
    if before.kind == Kind::Chat {
        let moves = before.settings.target() != wanted.settings.target();
        if moves && secret.trim().is_empty() && secret::times(&mut *conn, by.now, id).await?.0.is_some() {
            return Err(Refused::wrong(
                "secret",
                "",
                "expected the secret word again: the address leads to another host",
            ));
        }
        keep_word(&mut *conn, app, by, id, secret).await?;
    }
    let old = json!({ "name": before.name, "settings": before.settings, "place": before.place,
        "least_level": before.least_level, "hazards": before.hazards, "statuses": before.statuses });
    let entry = Entry::new(Act::EndpointEdit, "endpoint", id).from(old).to(seen(&wanted));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Makes a new key for a webhook, told this once. The one before signs beside it for `grace_h` hours.
///
/// # Errors
/// `Wrong` names the field; `Conflict` for another kind.
pub async fn rotate(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    id: EndpointId,
    grace_h: u32,
) -> Result<String, Refused> {
    if grace_h > MAX_GRACE_H {
        return Err(Refused::wrong("grace_h", grace_h, format!("expected 0 to {MAX_GRACE_H} hours")));
    }
    let endpoint = find(&mut *conn, id).await?;
    if endpoint.kind != Kind::Webhook {
        return Err(Refused::Conflict("only webhooks have keys that sign".into()));
    }
    let key = by.ids.bytes::<{ sign::KEY_LEN }>();
    let ends_at = by.now + TimeDelta::hours(grace_h.into());
    secret::add(&mut *conn, (&app.keys.service, by.ids, by.now), id, &key, ends_at).await?;
    let entry = Entry::new(Act::EndpointRotate, "endpoint", id).to(json!({ "before_ends_at": ends_at }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(sign::shown(&key))
}

/// Ends the key before at once.
///
/// # Errors
/// `Conflict` when there is none.
pub async fn end_before(conn: &mut PgConnection, by: Acting<'_>, id: EndpointId) -> Result<(), Refused> {
    find(&mut *conn, id).await?;
    if !secret::end_before(&mut *conn, id).await? {
        return Err(Refused::Conflict("there is no key before the one in use".into()));
    }
    let entry = Entry::new(Act::EndpointRotate, "endpoint", id).to(json!({ "before_ends_at": by.now }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Before a siren is taken out of use: what it has not heard yet it shall not hear any more, and it must be silent.
async fn hush(conn: &mut PgConnection, by: Acting<'_>, endpoint: &Endpoint) -> Result<(), Refused> {
    if endpoint.kind != Kind::Siren {
        return Ok(());
    }
    let state = sirens::store::lock(&mut *conn, endpoint.id).await?.map(sirens::state::State::word);
    if matches!(state, Some(StateWord::Sounding | StateWord::Silencing)) {
        return Err(Refused::Conflict("the siren sounds; silence it first".into()));
    }
    sirens::store::cancel_sounds(conn, by.now, endpoint.id).await?;
    Ok(())
}

/// Lets an endpoint be told, or not.
///
/// # Errors
/// `Conflict` when it stands so already, or is a siren that sounds.
pub async fn switch(conn: &mut PgConnection, by: Acting<'_>, id: EndpointId, on: bool) -> Result<(), Refused> {
    let endpoint = find(&mut *conn, id).await?;
    if !on {
        hush(&mut *conn, by, &endpoint).await?;
    }
    let why = (!on).then_some(super::DisabledWhy::Person);
    if !store::switch(&mut *conn, by.now, id, why).await? {
        return Err(Refused::Conflict("it stands so already".into()));
    }
    let act = if on { Act::EndpointEnable } else { Act::EndpointDisable };
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(act, "endpoint", id)).await?;
    Ok(())
}

/// Takes an endpoint out of use for good. What it was told stays.
///
/// # Errors
/// `NotFound`.
pub async fn retire(conn: &mut PgConnection, by: Acting<'_>, id: EndpointId) -> Result<(), Refused> {
    let endpoint = find(&mut *conn, id).await?;
    hush(&mut *conn, by, &endpoint).await?;
    store::retire(&mut *conn, by.now, id).await?;
    if endpoint.kind == Kind::Siren {
        sirens::store::release(&mut *conn, id).await?;
    }
    let entry = Entry::new(Act::EndpointRetire, "endpoint", id).from(json!({ "name": endpoint.name }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Sends a test at once, and tells what came of it.
///
/// # Errors
/// `Conflict` for a siren, which has tests of its own, and where no request can be made.
pub async fn test(app: &App, by: Acting<'_>, id: EndpointId) -> Result<Attempt, Refused> {
    let message = format!("test_{}", by.ids.uuid(by.now));
    tell(app, by, id, (Said::Test, message), (Cause::Test, None)).await
}

/// Sends a message once more, under the id that it had.
///
/// # Errors
/// `NotFound` for what was never meant for the endpoint; otherwise as [`test`].
pub async fn replay(app: &App, by: Acting<'_>, id: EndpointId, row: i64) -> Result<Attempt, Refused> {
    let mut conn = app.db.web.acquire().await?;
    let gone = || Refused::NotFound(format!("message {row} to endpoint {id}"));
    let alert: AlertId = store::alert_of_row(&mut conn, id, row).await?.ok_or_else(gone)?;
    let alert = store::alert(&mut conn, alert).await?.ok_or_else(gone)?;
    drop(conn);
    tell(app, by, id, (Said::Alert(&alert), message_id(row)), (Cause::Replay, Some(OutboxId(row)))).await
}

/// Sends an event once more, under the id that it had.
///
/// # Errors
/// `NotFound` for what was never meant for the endpoint; `Conflict` while it waits to be sent; otherwise as [`test`].
pub async fn replay_event(app: &App, by: Acting<'_>, id: EndpointId, event: i64) -> Result<Attempt, Refused> {
    let mut conn = app.db.web.acquire().await?;
    let endpoint = find(&mut conn, id).await?;
    let found = event::find(&mut conn, id, event).await?;
    drop(conn);
    let (happening, waits) = found.ok_or_else(|| Refused::NotFound(format!("event {event} to endpoint {id}")))?;
    if waits {
        return Err(Refused::Conflict("it still waits, and is sent in its turn".into()));
    }
    let happening = events::as_told(app, happening);
    let status = if happening.is_drill() { AlertStatus::Exercise } else { AlertStatus::Actual };
    if !endpoint.statuses.contains(&status) {
        return Err(Refused::Conflict(format!("the endpoint does not take the status {status}")));
    }
    tell(app, by, id, (Said::Event(&happening), events::message_id(event)), (Cause::Replay, None)).await
}

async fn tell(
    app: &App,
    by: Acting<'_>,
    id: EndpointId,
    (said, message): (Said<'_>, String),
    (cause, row): (Cause, Option<OutboxId>),
) -> Result<Attempt, Refused> {
    let mut conn = app.db.web.acquire().await?;
    let endpoint = find(&mut conn, id).await?;
    let request = request::made(&mut conn, app, by.now, &endpoint, (said, &message)).await?;
    let request = request.map_err(Refused::Conflict)?;
    // No connection is held while somebody else's server takes its time.
    drop(conn);
    let sent: Sent = send(&app.outbound, request).await;
    let tried = logged(&sent, (cause, row, message, by.actor.name.clone()), by.now);
    let mut tx = app.db.web.begin().await?;
    attempt::keep(&mut tx, id, &tried).await?;
    let act = if cause == Cause::Test { Act::EndpointTest } else { Act::EndpointReplay };
    let after = json!({ "message": tried.message_id, "outcome": tried.outcome, "code": tried.code });
    audit::record(&mut tx, by.ids, by.now, by.actor, Entry::new(act, "endpoint", id).to(after)).await?;
    tx.commit().await?;
    Ok(tried)
}
