//! Calendars that others read: of one person's turns, or of a whole rota, behind a secret address.

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Owner};
use super::write::Entry as Line;
use super::{AHEAD_DAYS, MOST_LAYERS, token, turns};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::refused::Refused;

/// How far back calendars tell of turns, in days.
const BACK_DAYS: i64 = 31;

/// The address of a calendar, as it is given to a program that reads calendars.
pub fn address(app: &App, calendar: Uuid) -> String {
    format!("{}/rota/{}.ics", app.config.public_url(), token::LINK.make(&app.keys.service, calendar))
}

/// Gives somebody, or a rota, a new calendar address; the one before ends.
///
/// # Errors
/// What the database says.
pub async fn renew_calendar(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    owner: Owner,
) -> Result<String, Refused> {
    let id = by.ids.uuid(by.now);
    store::renew_calendar(&mut *conn, owner, (id, by.now, &by.actor.name)).await?;
    let of = match owner {
        Owner::Person(id) => format!("staff {id}"),
        Owner::Rota(id) => format!("rota {id}"),
    };
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::RotaCalendar, "rota_calendar", of)).await?;
    Ok(address(app, id))
}

/// The lines of a calendar, from a month ago on.
///
/// # Errors
/// What the database says.
pub async fn lines(conn: &mut PgConnection, owner: Owner, now: Instant) -> sqlx::Result<Vec<Line>> {
    let span = (now - TimeDelta::days(BACK_DAYS), now + TimeDelta::days(AHEAD_DAYS));
    let people = store::people(&mut *conn).await?;
    let mut lines = Vec::new();
    for rota in store::list(&mut *conn, None).await? {
        if matches!(owner, Owner::Rota(id) if id != rota.id) {
            continue;
        }
        let all = store::turns(&mut *conn, rota.id, span).await?;
        for layer in 1..=MOST_LAYERS {
            for stretch in turns::stretches(&all, layer, span) {
                for id in &stretch.people {
                    let Some(person) = people.iter().find(|person| person.id == *id) else { continue };
                    if matches!(owner, Owner::Person(one) if one != person.id) {
                        continue;
                    }
                    lines.push(Line {
                        uid: format!("rota-{}-{layer}-{}-{}", rota.code, person.username, stretch.from.timestamp()),
                        rota: rota.name.clone(),
                        layer,
                        person: person.name.clone(),
                        email: person.email.clone(),
                        from: stretch.from,
                        until: stretch.until,
                    });
                }
            }
        }
    }
    Ok(lines)
}
