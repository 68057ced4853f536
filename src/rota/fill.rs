//! Turns from calendars into rotas: a file that somebody brings, an address that is followed.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;

use super::desk::lock;
use super::read::{Fault, Found, Person, Problem, Read, problem};
use super::store::{self, NewTurn};
use super::{AHEAD_DAYS, MOST_LAYERS, Rota, Source};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::ids::RotaId;
use crate::refused::Refused;

/// Characters of an address.
const MAX_URL: usize = 2000;

/// Reads a calendar away from the threads that serve, and before anything is held: one of the largest size takes a while.
///
/// # Errors
/// What is wrong with the whole of it.
pub async fn read_apart(text: String, zone: Tz, span: (Instant, Instant), layer: i16) -> Result<Read, Problem> {
    let read = tokio::task::spawn_blocking(move || super::read::read(&text, zone, span, layer)).await;
    read.unwrap_or_else(|error| {
        let message = format!("it cannot be read: {error}");
        Err(problem("file", "", (Fault::Reader, 0), message))
    })
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = RotaImported)]
pub struct Imported {
    pub added: usize,
    pub taken_back: usize,
    pub unchanged: usize,
}

/// Turns with their people; every name that nobody has is a problem.
fn staffed(found: &[Found], people: &[Person], source: Source) -> (Vec<NewTurn>, Vec<Problem>) {
    let (mut turns, mut problems): (Vec<NewTurn>, Vec<Problem>) = (Vec::new(), Vec::new());
    for turn in found {
        let known = turn.who.among(people);
        if known.is_empty() {
            let field = format!("SUMMARY ({})", turn.uid);
            if problems.len() < 50 && !problems.iter().any(|other| other.field == field) {
                let message = "nobody who works here has this user name, name or e-mail";
                problems.push(problem(field, turn.who.shown(), (Fault::Stranger, 0), message));
            }
        }
        turns.extend(known.into_iter().map(|person| NewTurn {
            layer: turn.layer,
            person: person.id,
            from: turn.from,
            until: turn.until,
            instead_of: None,
            source,
            uid: turn.uid.clone(),
            reason: String::new(),
        }));
    }
    (turns, problems)
}

/// Puts what was read of a calendar file into a rota: it takes the place of what files brought before, as far as that is not over.
/// Nothing is stored when anything is wrong.
///
/// # Errors
/// Every problem of the file.
pub async fn import(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, read): (&str, Result<Read, Problem>),
) -> Result<Result<Imported, Vec<Problem>>, Refused> {
    let rota = lock(&mut *conn, code).await?;
    let read = match read {
        Ok(Read { turns, problems }) if problems.is_empty() => turns,
        Ok(Read { problems, .. }) => return Ok(Err(problems)),
        Err(problem) => return Ok(Err(vec![problem])),
    };
    let people = store::people(&mut *conn).await?;
    let (turns, problems) = staffed(&read, &people, Source::Import);
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let done = replace(&mut *conn, rota.id, (by.now, &by.actor.name), Source::Import, turns).await?;
    let entry = Entry::new(Act::RotaImport, "rota", code).to(json!(done));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(Ok(done))
}

/// What a followed calendar says now. People who are not known are told and the rest is taken: a stale rota is worse than one with
/// a gap that is shown.
///
/// # Errors
/// What the database says.
pub async fn follow(
    conn: &mut PgConnection,
    (rota, now): (&Rota, Instant),
    read: &Read,
) -> sqlx::Result<(Imported, Vec<Problem>)> {
    let people = store::people(&mut *conn).await?;
    let (turns, mut problems) = staffed(&read.turns, &people, Source::Feed);
    if turns.is_empty() {
        // A calendar that lost everything is likelier broken than meant.
        let message = "it has no turn of anybody who works here; those that stand are kept";
        problems.push(problem("VEVENT", "", (Fault::Empty, 0), message));
        return Ok((Imported::default(), problems));
    }
    problems.splice(0..0, read.problems.iter().cloned());
    Ok((replace(conn, rota.id, (now, "service"), Source::Feed, turns).await?, problems))
}

/// Puts turns in the place of those of the same source that are not over. What is the same stays.
async fn replace(
    conn: &mut PgConnection,
    rota: RotaId,
    (now, by): (Instant, &str),
    source: Source,
    mut new: Vec<NewTurn>,
) -> sqlx::Result<Imported> {
    let standing = store::turns(&mut *conn, rota, (now, now + TimeDelta::days(2 * AHEAD_DAYS))).await?;
    let mut gone = Vec::new();
    let mut unchanged = 0;
    for turn in standing.iter().filter(|turn| turn.source == source) {
        let same = |other: &NewTurn| {
            // One that is under way may have been cut, or its beginning may be told anew: whoever is on call stays.
            let begins = other.from == turn.from || (other.from <= now && turn.from <= now);
            begins && (other.layer, other.person, other.until) == (turn.layer, turn.person, turn.until)
        };
        match new.iter().position(same) {
            Some(at) => {
                new.swap_remove(at);
                unchanged += 1;
            }
            None => gone.push(turn.id),
        }
    }
    let taken_back = usize::try_from(store::withdraw(&mut *conn, rota, (now, by), &gone).await?).unwrap_or(0);
    store::add(conn, rota, (now, by), &new).await?;
    Ok(Imported { added: new.len(), taken_back, unchanged })
}

/// Lets a rota follow a calendar address, or none when it is empty. What it brought and is not over goes with it.
///
/// # Errors
/// `Wrong` names the field.
pub async fn set_feed(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    (address, layer): (&str, i16),
) -> Result<(), Refused> {
    let address = address.trim();
    let parsed = url::Url::parse(address);
    let good = address.is_empty()
        || (address.len() <= MAX_URL && parsed.as_ref().is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
    if !good {
        return Err(Refused::wrong(
            "feed_url",
            address,
            "expected an address such as https://example.org/plantao.ics, or nothing",
        ));
    }
    if !(1..=MOST_LAYERS).contains(&layer) {
        return Err(Refused::wrong("feed_layer", layer, format!("expected 1 to {MOST_LAYERS}")));
    }
    let rota = lock(&mut *conn, code).await?;
    store::follow(&mut *conn, rota.id, (address, layer), by.now).await?;
    if address.is_empty() {
        replace(&mut *conn, rota.id, (by.now, &by.actor.name), Source::Feed, Vec::new()).await?;
    }
    // An address may hold a secret of its own: the audit keeps the host.
    let host = parsed.ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let entry = Entry::new(Act::RotaEdit, "rota", code).to(json!({ "feed_host": host, "feed_layer": layer }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}
