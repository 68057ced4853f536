//! How residents join an exercise and leave it: by a code sent to a telephone or mailbox that is theirs. Whoever joins agrees to the
//! messages of exercises; whoever is not known yet is known by that alone, and gets no other message.

use std::net::IpAddr;

use serde_json::json;
use uuid::Uuid;

use super::store::people::{self, Request};
use super::store::read;
use super::{Exercise, ExerciseError};
use crate::app::App;
use crate::audit::{self, Actor, ActorKind, Entry, Via};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ids::ResidentId;
use crate::residents::codes::{self, Asked};
use crate::residents::own::{CODE_FOR, Purpose};
use crate::residents::store::own as residents;

/// Source of consents that were given by joining.
pub const SOURCE: &str = "exercise";

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    pub exercise: &'a Exercise,
    /// False to leave.
    pub joins: bool,
    pub name: &'a str,
    /// True for every message; false for those that hold for where they live.
    pub everything: bool,
}

/// Sends a code, within what the service may send by SMS to telephones that nobody has proven.
///
/// # Errors
/// The database's.
pub async fn ask(
    app: &App,
    lang: Lang,
    wish: &Wish<'_>,
    to: (Channel, &str),
    from: Option<IpAddr>,
) -> anyhow::Result<Asked> {
    let now = app.clock.now();
    let mut fresh = match codes::fresh(app, now, to, from).await? {
        Ok(fresh) => fresh,
        Err(asked) => return Ok(asked),
    };
    let request = Request {
        exercise: wish.exercise.id,
        act: if wish.joins { "join" } else { "leave" }.to_owned(),
        name: wish.name.to_owned(),
        language: lang.tag().to_owned(),
        reach: if wish.everything { "all" } else { "place" }.to_owned(),
    };
    people::keep_request(&mut fresh.tx, fresh.id, &request).await?;
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("exercise-code-subject", "title", &wish.exercise.title);
    let key = if wish.joins { "exercise-code-join" } else { "exercise-code-leave" };
    let body = format!("{authority}: {}", lang.t2(key, "title", &wish.exercise.title, "code", &fresh.code));
    Ok(fresh.send(&subject, &body, now + CODE_FOR).await?)
}

/// What a code did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Joined,
    Left,
    /// It was so already.
    Same,
}

/// Does what was asked for, once the code is typed. `None` when it is not the one that was sent, or no longer good.
///
/// # Errors
/// `Refused` when the exercise takes nobody any more.
pub async fn confirm(app: &App, exercise: &Exercise, code: Uuid, typed: &str) -> Result<Option<Done>, ExerciseError> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let Some(request) = people::request(&mut conn, code).await?.filter(|asked| asked.exercise == exercise.id) else {
        return Ok(None);
    };
    // The try is counted before anything is compared, whatever comes of it.
    let Some(sent) = residents::try_code(&mut conn, now, code, false).await? else { return Ok(None) };
    drop(conn);
    if !sent.is(&app.keys.service, typed).map_err(anyhow::Error::from)? {
        return Ok(None);
    }
    let mut tx = app.db.web.begin().await?;
    if !residents::use_code(&mut tx, now, code).await? {
        return Ok(None);
    }
    let at = (sent.channel.as_str(), sent.address.as_str());
    let done = if request.act == "join" {
        join(&mut tx, app, exercise, &request, at).await?
    } else {
        leave(&mut tx, app, exercise, at).await?
    };
    notify(&mut tx, &Event::Exercise { id: exercise.id.0 }).await?;
    tx.commit().await?;
    Ok(Some(done))
}

async fn join(
    tx: &mut sqlx::PgConnection,
    app: &App,
    exercise: &Exercise,
    request: &Request,
    at: (&str, &str),
) -> Result<Done, ExerciseError> {
    let now = app.clock.now();
    // Held, so that nobody comes into an exercise that ends this very moment.
    let state = read::lock(&mut *tx, exercise.id).await?.ok_or(ExerciseError::NotFound)?.state;
    if !state.takes_people() {
        return Err(ExerciseError::Refused("exercise-no-state", format!("the exercise is {state}")));
    }
    let known = residents::reached_at(&mut *tx, at).await?.first().copied();
    let resident = match known {
        Some(resident) => resident,
        None => {
            let id = ResidentId(app.ids.uuid(now));
            people::new_resident(&mut *tx, now, id, (&request.name, &request.language), at).await?;
            // They asked for this exercise, and for no warning: none is sent to them.
            residents::consent(&mut *tx, now, id, Purpose::Alerts, false, SOURCE).await?;
            id
        }
    };
    residents::consent(&mut *tx, now, resident, Purpose::Drills, true, SOURCE).await?;
    let is_new = people::join(&mut *tx, now, exercise.id, resident, &request.reach).await?;
    told(tx, app, audit::Act::ExerciseJoin, exercise, resident).await?;
    Ok(if is_new { Done::Joined } else { Done::Same })
}

/// Everyone who is reached there leaves: a family that shares a telephone joined by it.
async fn leave(
    tx: &mut sqlx::PgConnection,
    app: &App,
    exercise: &Exercise,
    at: (&str, &str),
) -> Result<Done, ExerciseError> {
    let now = app.clock.now();
    let mut done = Done::Same;
    for resident in residents::reached_at(&mut *tx, at).await? {
        if people::leave(&mut *tx, now, exercise.id, resident).await? {
            told(&mut *tx, app, audit::Act::ExerciseLeave, exercise, resident).await?;
            done = Done::Left;
        }
    }
    Ok(done)
}

async fn told(
    tx: &mut sqlx::PgConnection,
    app: &App,
    act: audit::Act,
    exercise: &Exercise,
    resident: ResidentId,
) -> sqlx::Result<()> {
    let name = resident.to_string();
    let actor = Actor { kind: ActorKind::Resident, name, id: Some(resident.0), via: Via::Public, address: None };
    let entry = Entry::new(act, "exercise", exercise.id).to(json!({ "title": exercise.title }));
    audit::record(tx, &app.ids, app.clock.now(), &actor, entry).await
}
