//! What people do with rotas, each act with its entry in the audit, for the pages and the API alike.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use super::read::Person;
use super::store::{self, NewTurn};
use super::turns::{self, Gap, Stretch};
use super::{AHEAD_DAYS, LONGEST_DAYS, MOST, MOST_LAYERS, MOST_TURNS, Rota, Source, Turn};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::ids::{RotaId, StaffId};
use crate::refused::Refused;

const MAX_NAME: usize = 120;
const MAX_REASON: usize = 300;

fn is_code(code: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    code.len() <= 40 && code.bytes().next().is_some_and(good) && code.bytes().all(|byte| good(byte) || byte == b'-')
}

/// Whether a plan of escalation may name a rota so.
pub fn is_rota_code(code: &str) -> bool {
    is_code(code)
}

fn checked(name: &str, layers: i16) -> Result<String, Refused> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(Refused::wrong("name", name, format!("expected 1 to {MAX_NAME} characters in one line")));
    }
    if !(1..=MOST_LAYERS).contains(&layers) {
        return Err(Refused::wrong("layers", layers, format!("expected 1 to {MOST_LAYERS}")));
    }
    Ok(name.to_owned())
}

/// # Errors
/// `NotFound`.
pub async fn find(conn: &mut PgConnection, code: &str) -> Result<Rota, Refused> {
    let found = store::list(conn, Some(code)).await?.pop();
    found.ok_or_else(|| Refused::NotFound(format!("rota {code}")))
}

pub(super) async fn lock(conn: &mut PgConnection, code: &str) -> Result<Rota, Refused> {
    store::lock(conn, code).await?.ok_or_else(|| Refused::NotFound(format!("rota {code}")))
}

async fn person(conn: &mut PgConnection, field: &str, username: &str) -> Result<Person, Refused> {
    let people = store::people(conn).await?;
    let found = people.into_iter().find(|person| person.username == username.trim());
    found.ok_or_else(|| Refused::wrong(field, username, "expected the user name of somebody who works here"))
}

/// # Errors
/// `Wrong` names the field; `Conflict` when the code was ever used, or there are [`MOST`].
pub async fn create(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, name, layers): (&str, &str, i16),
) -> Result<RotaId, Refused> {
    if !is_code(code) {
        let expected = "expected 1 to 40 small letters, digits and `-`, beginning with a letter or digit";
        return Err(Refused::wrong("code", code, expected));
    }
    let name = checked(name, layers)?;
    let (count, taken) = store::lock_and_count(&mut *conn, code).await?;
    if taken {
        return Err(Refused::Conflict(format!("the code {code} was used already")));
    }
    if count >= MOST {
        return Err(Refused::Conflict(format!("there are {MOST} rotas already")));
    }
    let id = RotaId(by.ids.uuid(by.now));
    store::insert(&mut *conn, (id, by.now, &by.actor.name), (code, &name, layers)).await?;
    let entry = Entry::new(Act::RotaAdd, "rota", code).to(json!({ "name": name, "layers": layers }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// # Errors
/// `Wrong` names the field.
pub async fn edit(conn: &mut PgConnection, by: Acting<'_>, code: &str, name: &str, layers: i16) -> Result<(), Refused> {
    let name = checked(name, layers)?;
    let rota = lock(&mut *conn, code).await?;
    store::update(&mut *conn, rota.id, &name, layers).await?;
    let before = json!({ "name": rota.name, "layers": rota.layers });
    let entry = Entry::new(Act::RotaEdit, "rota", code).from(before).to(json!({ "name": name, "layers": layers }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Takes a rota out of use. Plans that name it find nobody in it, and say so.
///
/// # Errors
/// `NotFound`.
pub async fn retire(conn: &mut PgConnection, by: Acting<'_>, code: &str) -> Result<(), Refused> {
    let rota = lock(&mut *conn, code).await?;
    store::retire(&mut *conn, rota.id, by.now).await?;
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::RotaRetire, "rota", code)).await?;
    Ok(())
}

/// A turn or a swap as somebody wants it.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = RotaTurnWanted)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// 1 to 5.
    #[serde(default = "first")]
    pub layer: i16,
    /// User name.
    pub person: String,
    pub from: chrono::DateTime<chrono::Utc>,
    pub until: chrono::DateTime<chrono::Utc>,
    /// User name of whoever is relieved: then it is a swap, and holds as far as that person is on call.
    pub instead_of: Option<String>,
    #[serde(default)]
    pub reason: String,
}

const fn first() -> i16 {
    1
}

/// Writes a turn, or a swap when it says instead of whom.
///
/// # Errors
/// `Wrong` names the field; `Conflict` when the rota has [`MOST_TURNS`], or nobody is relieved by the swap.
pub async fn add(conn: &mut PgConnection, by: Acting<'_>, code: &str, given: &Given) -> Result<(), Refused> {
    let rota = lock(&mut *conn, code).await?;
    if !(1..=MOST_LAYERS).contains(&given.layer) {
        return Err(Refused::wrong("layer", given.layer, format!("expected 1 to {MOST_LAYERS}")));
    }
    if given.until <= given.from || given.until - given.from > TimeDelta::days(LONGEST_DAYS) {
        let expected = format!("expected an instant after `from` and within {LONGEST_DAYS} days");
        return Err(Refused::wrong("until", given.until.to_rfc3339(), expected));
    }
    if given.until <= by.now || given.from > by.now + TimeDelta::days(AHEAD_DAYS) {
        let expected = format!("expected a turn that is not over and begins within {AHEAD_DAYS} days");
        return Err(Refused::wrong("from", given.from.to_rfc3339(), expected));
    }
    let reason = given.reason.trim();
    if reason.chars().count() > MAX_REASON || reason.contains(char::is_control) {
        return Err(Refused::wrong("reason", reason, format!("expected at most {MAX_REASON} characters in one line")));
    }
    let who = person(&mut *conn, "person", &given.person).await?;
    let span = (given.from, given.until);
    let all = store::turns(&mut *conn, rota.id, (by.now, by.now + TimeDelta::days(2 * AHEAD_DAYS))).await?;
    if all.len() >= MOST_TURNS {
        return Err(Refused::Conflict(format!("the rota has {MOST_TURNS} turns already")));
    }
    let instead_of = match given.instead_of.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => Some(relieved(&mut *conn, &all, (given.layer, span), (name, &who)).await?),
        None => None,
    };
    let new = NewTurn {
        layer: given.layer,
        person: who.id,
        from: given.from,
        until: given.until,
        instead_of,
        source: Source::Hand,
        uid: String::new(),
        reason: reason.to_owned(),
    };
    store::add(&mut *conn, rota.id, (by.now, &by.actor.name), &[new]).await?;
    let act = if instead_of.is_some() { Act::RotaSwap } else { Act::RotaTurn };
    let after = json!({ "layer": given.layer, "person": who.username, "from": given.from, "until": given.until,
        "instead_of": given.instead_of });
    let entry = Entry::new(act, "rota", code).because(reason).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

async fn relieved(
    conn: &mut PgConnection,
    all: &[Turn],
    (layer, span): (i16, Gap),
    (name, who): (&str, &Person),
) -> Result<StaffId, Refused> {
    let other = person(conn, "instead_of", name).await?;
    if other.id == who.id {
        return Err(Refused::wrong("instead_of", name, "expected somebody else than whoever takes the turn over"));
    }
    let stands = turns::stretches(all, layer, span).iter().any(|stretch| stretch.people.contains(&other.id));
    if !stands {
        return Err(Refused::Conflict(format!("{} is not on call in layer {layer} in that time", other.username)));
    }
    Ok(other.id)
}

/// Takes a turn or a swap back; one that is under way ends now.
///
/// # Errors
/// `NotFound` when there is none, or it is over.
pub async fn take_back(conn: &mut PgConnection, by: Acting<'_>, code: &str, turn: i64) -> Result<(), Refused> {
    let rota = lock(&mut *conn, code).await?;
    if store::withdraw(&mut *conn, rota.id, (by.now, &by.actor.name), &[turn]).await? == 0 {
        return Err(Refused::NotFound(format!("turn {turn} of rota {code} that is not over")));
    }
    let entry = Entry::new(Act::RotaTakeBack, "rota", code).to(json!({ "turn": turn }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// A layer as it stands: who is on call now, what comes, and when nobody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub number: i16,
    /// Whether it shall never be empty.
    pub is_kept: bool,
    pub now: Vec<StaffId>,
    pub stretches: Vec<Stretch>,
    pub gaps: Vec<Gap>,
}

/// The layers of a rota for some days from now, with the turns that make them.
///
/// # Errors
/// What the database says.
pub async fn layers(
    conn: &mut PgConnection,
    rota: &Rota,
    now: Instant,
    days: i64,
) -> sqlx::Result<(Vec<Layer>, Vec<Turn>)> {
    let span = (now, now + TimeDelta::days(days));
    let all = store::turns(conn, rota.id, span).await?;
    let used = all.iter().map(|turn| turn.layer).max().unwrap_or(0).max(rota.layers);
    let layers = (1..=used)
        .map(|number| {
            let is_kept = number <= rota.layers;
            let gaps = if is_kept { turns::gaps(&all, number, span) } else { Vec::new() };
            let now = turns::on_call(&all, number, now);
            Layer { number, is_kept, now, stretches: turns::stretches(&all, number, span), gaps }
        })
        .collect();
    Ok((layers, all))
}

/// Who is on call in a rota at an instant, for a plan of escalation: user names of the first layer that has anybody.
///
/// # Errors
/// What the database says.
pub async fn called(conn: &mut PgConnection, code: &str, at: Instant) -> sqlx::Result<Vec<String>> {
    let Some(rota) = store::list(&mut *conn, Some(code)).await?.pop() else { return Ok(Vec::new()) };
    let all = store::turns(conn, rota.id, (at, at + TimeDelta::seconds(1))).await?;
    let Some((_, people)) = turns::called(&all, MOST_LAYERS, at) else { return Ok(Vec::new()) };
    let name = |id: &StaffId| all.iter().find(|turn| turn.person == *id).map(|turn| turn.username.clone());
    Ok(people.iter().filter_map(name).collect())
}
