//! What sirens are asked, by people and by alerts, each act with its entry in the audit.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::request::{No, Pending, RequestState, Word};
use super::store::{self, Cause, NewCommand, request};
use super::{Act, DURATION_S, MOST_AT_ONCE, Pattern, TestMode};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Entry};
use crate::clock::Instant;
use crate::endpoints::settings::Settings;
use crate::endpoints::{self, Endpoint};
use crate::events::{Event, notify};
use crate::fleet::desk::Way;
use crate::ids::{AlertId, EndpointId, Ids, OutboxId, StaffId};
use crate::refused::Refused;

/// How long a siren that is away may still be told to arm, to test, or to be silent.
const SHORT: TimeDelta = TimeDelta::minutes(10);
const SILENCE: TimeDelta = TimeDelta::hours(1);
/// How long one that is away may still be told to sound by hand: later it would frighten for nothing.
const BY_HAND: TimeDelta = TimeDelta::minutes(5);
/// Characters of a reason.
const MAX_REASON: usize = 300;

/// Makes a device the siren of an endpoint.
///
/// # Errors
/// `Wrong` when there is no such device, it hears no commands, or it is another's siren.
pub async fn enlist(conn: &mut PgConnection, now: Instant, id: EndpointId, code: &str) -> Result<(), Refused> {
    let field = "settings.device";
    let device = crate::stations::store::device_by_code(&mut *conn, code).await?;
    let Some(device) = device.filter(|device| device.enabled) else {
        return Err(Refused::wrong(field, code, "expected the code of a device that is let in"));
    };
    if Way::of(&device) != Way::Connection {
        return Err(Refused::wrong(field, code, "expected a device that listens on a connection of its own"));
    }
    if !store::enlist(conn, now, id, device.id).await? {
        return Err(Refused::wrong(field, code, "it is the siren of another endpoint"));
    }
    Ok(())
}

/// One thing to ask of one siren.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Arm,
    Test(TestMode),
    Silence,
    Sound { pattern: Pattern, duration_s: u32, is_real: bool },
}

impl Wish {
    const fn act(self) -> Act {
        match self {
            Self::Arm => Act::Arm,
            Self::Test(_) => Act::Test,
            Self::Silence => Act::Silence,
            Self::Sound { .. } => Act::Sound,
        }
    }

    /// With a sound goes its end: a siren that hears nothing more is silent by itself.
    fn args(self) -> Value {
        match self {
            Self::Arm | Self::Silence => json!({}),
            Self::Test(mode) => json!({ "mode": mode }),
            Self::Sound { pattern, duration_s, is_real } => {
                json!({ "pattern": pattern, "duration_s": duration_s, "is_real": is_real })
            }
        }
    }
}

async fn tell(
    conn: &mut PgConnection,
    (ids, now, by): (&Ids, Instant, &str),
    siren: EndpointId,
    wish: Wish,
    (cause, expires_at): (Cause, Instant),
) -> sqlx::Result<Uuid> {
    let duration_s = if let Wish::Sound { duration_s, .. } = wish { i32::try_from(duration_s).ok() } else { None };
    let command = NewCommand {
        id: ids.uuid(now),
        siren,
        act: wish.act(),
        args: wish.args(),
        duration_s,
        cause,
        by,
        now,
        expires_at,
    };
    let code = store::command(&mut *conn, &command).await?;
    notify(conn, &Event::Device { code }).await?;
    Ok(command.id)
}

/// What an alert wants of a siren.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub outbox: OutboxId,
    pub expires_at: Instant,
    pub alert: AlertId,
    /// The danger is over: it is silenced.
    pub ends: bool,
    pub is_real: bool,
}

/// Tells a siren what an alert wants; gives back the command, or why there is none.
///
/// # Errors
/// What the database says.
pub async fn by_alert(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    endpoint: &Endpoint,
    order: Order,
) -> sqlx::Result<Result<Uuid, String>> {
    let Settings::Siren(siren) = &endpoint.settings else { return Ok(Err("it is no siren".into())) };
    if !store::is_enlisted(&mut *conn, endpoint.id).await? {
        return Ok(Err("it has no device".into()));
    }
    if order.ends && !store::sounds_for(&mut *conn, endpoint.id, order.alert).await? {
        return Ok(Err("it sounded for something else since".into()));
    }
    let wish = if order.ends {
        Wish::Silence
    } else {
        Wish::Sound { pattern: siren.pattern, duration_s: siren.duration_s, is_real: order.is_real }
    };
    let cause = Cause::Alert(order.outbox);
    Ok(Ok(tell(conn, (ids, now, "service"), endpoint.id, wish, (cause, order.expires_at)).await?))
}

/// What one person may ask of a siren alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    Arm,
    Test(TestMode),
    Silence,
}

impl Alone {
    /// # Errors
    /// Names the word.
    pub fn read(word: &str) -> Result<Self, Refused> {
        match word {
            "arm" => Ok(Self::Arm),
            "silence" => Ok(Self::Silence),
            "test_silent" => Ok(Self::Test(TestMode::Silent)),
            "test_chirp" => Ok(Self::Test(TestMode::Chirp)),
            other => Err(Refused::wrong("act", other, "expected arm, silence, test_silent or test_chirp")),
        }
    }
}

/// Asks a siren something that takes no second person.
///
/// # Errors
/// `NotFound`; `Conflict` when its state does not allow it.
pub async fn ask(conn: &mut PgConnection, by: Acting<'_>, id: EndpointId, what: Alone) -> Result<Uuid, Refused> {
    let state = store::lock(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("siren {id}")))?;
    let (wish, entry, life) = match what {
        Alone::Arm => (Wish::Arm, audit::Act::SirenArm, SHORT),
        Alone::Test(mode) => (Wish::Test(mode), audit::Act::SirenTest, SHORT),
        Alone::Silence => (Wish::Silence, audit::Act::SirenSilence, SILENCE),
    };
    state.permits(wish.act()).map_err(|no| Refused::Conflict(no.to_string()))?;
    if what == Alone::Silence {
        // What it has not heard yet it shall not hear any more.
        store::cancel_sounds(&mut *conn, by.now, id).await?;
        store::keep(&mut *conn, by.now, id, state.after(super::state::Happening::AskedForSilence)).await?;
    }
    let told = (by.ids, by.now, by.actor.name.as_str());
    let command = tell(&mut *conn, told, id, wish, (Cause::Person, by.now + life)).await?;
    let entry = Entry::new(entry, "endpoint", id).to(json!({ "command": command, "args": wish.args() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(command)
}

/// Which sirens shall sound, how and why.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = SirenWish)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Their ids.
    pub sirens: Vec<Uuid>,
    /// wail, pulse or steady.
    pub pattern: String,
    /// 5 to 600.
    pub duration_s: u32,
    pub reason: String,
}

/// Asks that sirens sound. Nothing sounds until a second person confirms, within `minutes`.
///
/// # Errors
/// `Wrong` names the field.
pub async fn request(
    conn: &mut PgConnection,
    by: Acting<'_>,
    person: StaffId,
    given: &Given,
    minutes: u32,
) -> Result<Uuid, Refused> {
    let pattern = given.pattern.parse::<Pattern>();
    let pattern = pattern.map_err(|error| Refused::wrong("pattern", &given.pattern, error.to_string()))?;
    if !DURATION_S.contains(&given.duration_s) {
        let expected = format!("expected {} to {} seconds", DURATION_S.start(), DURATION_S.end());
        return Err(Refused::wrong("duration_s", given.duration_s, expected));
    }
    let reason = given.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.contains(char::is_control) {
        return Err(Refused::wrong("reason", reason, format!("expected 1 to {MAX_REASON} characters in one line")));
    }
    let mut sirens = given.sirens.clone();
    sirens.sort_unstable();
    sirens.dedup();
    if sirens.is_empty() || sirens.len() > MOST_AT_ONCE {
        return Err(Refused::wrong("sirens", sirens.len(), format!("expected 1 to {MOST_AT_ONCE} sirens")));
    }
    for id in &sirens {
        usable(&mut *conn, EndpointId(*id)).await?;
    }
    let id = by.ids.uuid(by.now);
    let new = request::New {
        id,
        sirens: &sirens,
        pattern,
        duration_s: i32::try_from(given.duration_s).unwrap_or(0),
        reason,
        asked_by: person,
        asked_at: by.now,
        expires_at: by.now + TimeDelta::minutes(minutes.into()),
    };
    request::insert(&mut *conn, &new).await?;
    let after = json!({ "sirens": sirens, "pattern": pattern, "duration_s": given.duration_s });
    let entry = Entry::new(audit::Act::SirenAsk, "siren_request", id).because(reason).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    notify(conn, &Event::Device { code: String::new() }).await?;
    Ok(id)
}

/// A siren that can be asked something.
async fn usable(conn: &mut PgConnection, id: EndpointId) -> Result<(), Refused> {
    let endpoint = endpoints::store::find(&mut *conn, id).await?;
    let live = endpoint.filter(|endpoint| endpoint.retired_at.is_none() && endpoint.enabled);
    if live.is_none() || !store::is_enlisted(conn, id).await? {
        return Err(Refused::wrong("sirens", id, "expected the id of a siren that is in use"));
    }
    Ok(())
}

/// A person's word on a request. With a confirmation the sirens are told to sound, in the same transaction.
///
/// # Errors
/// `NotFound`; `Forbidden` when it takes another person; `Conflict` when it is decided or too late.
pub async fn decide(
    conn: &mut PgConnection,
    by: Acting<'_>,
    person: StaffId,
    (id, word): (Uuid, Word),
) -> Result<RequestState, Refused> {
    let held = request::lock(&mut *conn, id).await?;
    let held = held.ok_or_else(|| Refused::NotFound(format!("request {id}")))?;
    let pending = Pending { state: held.state, asked_by: held.asked_by, expires_at: held.expires_at };
    let state = pending.after(word, person, by.now).map_err(|no| match no {
        No::SamePerson | No::NotYours => Refused::Forbidden(no.to_string()),
        No::Decided(_) | No::TooLate => Refused::Conflict(no.to_string()),
    })?;
    request::decide(&mut *conn, id, state, Some(person), by.now).await?;
    let mut commands = Vec::new();
    if state == RequestState::Confirmed {
        let duration_s = u32::try_from(held.duration_s).unwrap_or(*DURATION_S.start());
        let wish = Wish::Sound { pattern: held.pattern, duration_s, is_real: true };
        for siren in &held.sirens {
            let siren = EndpointId(*siren);
            // One that was taken out of use meanwhile does not keep the others from sounding.
            if usable(&mut *conn, siren).await.is_ok() {
                let told = (by.ids, by.now, by.actor.name.as_str());
                let until = by.now + BY_HAND;
                commands.push(tell(&mut *conn, told, siren, wish, (Cause::Request(id), until)).await?);
            }
        }
    }
    if state == RequestState::Confirmed && commands.is_empty() {
        return Err(Refused::Conflict("none of its sirens is in use any more".into()));
    }
    let act = match state {
        RequestState::Confirmed => audit::Act::SirenConfirm,
        RequestState::Withdrawn => audit::Act::SirenWithdraw,
        _ => audit::Act::SirenRefuse,
    };
    let entry = Entry::new(act, "siren_request", id).to(json!({ "state": state, "commands": commands }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    notify(conn, &Event::Device { code: String::new() }).await?;
    Ok(state)
}

/// A sound that is over: it has its silence, and is told no more.
///
/// # Errors
/// What the database says.
pub async fn over(conn: &mut PgConnection, now: Instant, due: &store::Due) -> sqlx::Result<()> {
    store::end_sound(&mut *conn, now, due.command).await?;
    store::silenced(conn, due.command, now).await
}

/// The silence that goes along with a sound, when its time is over.
///
/// # Errors
/// What the database says.
pub async fn silence_in_time(conn: &mut PgConnection, ids: &Ids, now: Instant, due: &store::Due) -> sqlx::Result<()> {
    tell(&mut *conn, (ids, now, "service"), due.siren, Wish::Silence, (Cause::Timed, now + SILENCE)).await?;
    over(conn, now, due).await
}

/// A silence that goes along with no sound of ours.
///
/// # Errors
/// What the database says.
pub async fn silence(conn: &mut PgConnection, ids: &Ids, now: Instant, siren: EndpointId) -> sqlx::Result<()> {
    tell(conn, (ids, now, "service"), siren, Wish::Silence, (Cause::Timed, now + SILENCE)).await?;
    Ok(())
}
