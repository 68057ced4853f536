//! Opens the determination that a resolution asks for, and recuses from it whoever is recused from the item. Each is one transaction that holds the resolution: it has its case or it has none,
//! whoever else looks at the same time and wherever the service stops.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::deadlines::reckon::Anchor;
use crate::deadlines::{self, Course};
use crate::refused::Refused;
use crate::secretariat::kernel::body::Wanted;
use crate::secretariat::kernel::body::store::spawn as rows;
use crate::secretariat::kernel::decide::{New, Who};
use crate::secretariat::kernel::desk::{self, Around, CaseError, Desk, recusal};

/// The type of the case that a resolution opens.
pub const TYPE: &str = "coordination.determination";
/// The rule that says until when, counted from the opening: a resolution marks no day.
pub const RULE: &str = "committees.determination";

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "determinations of resolutions wait");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look. Gives how many cases were opened, and recuses from those that are there whoever is recused from their item and was not yet.
///
/// # Errors
/// What the database says; what was opened before it stays.
pub async fn round(app: &App, now: Instant) -> Result<usize, CaseError> {
    let waiting = rows::waiting(&mut *app.db.web.acquire().await?).await?;
    let mut opened = 0;
    for id in waiting {
        let mut tx = app.db.web.begin().await?;
        match spawn(&mut tx, app, now, id).await {
            Ok(Some(_)) => {
                tx.commit().await?;
                opened += 1;
            }
            Ok(None) => {}
            // One that is refused holds up no other, and waits for the next look.
            Err(error @ CaseError::Refused(Refused::Database(_))) => return Err(error),
            Err(error) => tracing::warn!(resolution = %id, %error, "a resolution opens no determination"),
        }
    }
    catch_up(app, now).await?;
    Ok(opened)
}

async fn catch_up(app: &App, now: Instant) -> Result<(), CaseError> {
    let late = rows::unrecused(&mut *app.db.web.acquire().await?).await?;
    let (actor, who) = (Actor::service(), desk::service());
    for (case, username) in late {
        let mut tx = app.db.web.begin().await?;
        match recusal::carry(&mut tx, desk_of(app, now, &actor, &who), case, &username).await {
            Ok(()) => tx.commit().await?,
            // One that cannot be recused holds up no other.
            Err(error) => {
                tracing::warn!(%case, %error, "somebody recused from an item is not recused from its determination")
            }
        }
    }
    Ok(())
}

fn desk_of<'a>(app: &'a App, now: Instant, actor: &'a Actor, who: &'a Who) -> Desk<'a> {
    let by = Acting { ids: &app.ids, now, actor };
    let tz = app.config.municipality.time_zone;
    Desk { types: &app.cases, by, tz, who, config: &app.config, vault: &app.keys.vault }
}

/// Opens the case of one resolution in the caller's transaction; none when it has one, or somebody else is about it.
///
/// # Errors
/// What refuses the case, or the database.
pub async fn spawn(conn: &mut PgConnection, app: &App, now: Instant, id: Uuid) -> Result<Option<Uuid>, CaseError> {
    let Some(wanted) = rows::hold(&mut *conn, id).await? else { return Ok(None) };
    // Whoever wrote the resolution down is the author, and is told what becomes of it.
    let (actor, who) = (Actor::service(), Who { name: wanted.by.clone(), is_service: true, ..Who::default() });
    let desk = desk_of(app, now, &actor, &who);
    let (by, tz) = (desk.by, desk.tz);
    let (_, told) = deadlines::desk::preview(&mut *conn, RULE, Anchor { at: now, tz }, &Course::default()).await?;
    let due_on = told.due_on.ok_or_else(|| Refused::Conflict(format!("the rule {RULE} gives no day")))?;
    let around = Around { is_restricted: wanted.restricted, ..Around::default() };
    let case = desk::open(&mut *conn, desk, TYPE, &asked(&wanted, due_on), &around).await?;
    if !rows::spawned(&mut *conn, id, case.id).await? {
        return Err(Refused::Conflict("the resolution has a case already".into()).into());
    }
    for username in rows::recused(&mut *conn, id).await? {
        recusal::carry(&mut *conn, desk, case.id, &username).await?;
    }
    let entry = Entry::new(Act::BodyResolve, "body_resolution", id).to(json!({ "spawned_case": case.id }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(Some(case.id))
}

/// The case that a resolution asks for. What is too long for a title stands whole in the text.
fn asked(wanted: &Wanted, due_on: chrono::NaiveDate) -> New {
    let act = format!("Resolução {}/{} · {}", wanted.number, wanted.year, wanted.body);
    let fields = Map::from_iter([
        ("act".to_owned(), Value::from(cut(&act, 300))),
        ("text".to_owned(), Value::from(wanted.what.as_str())),
        ("due_on".to_owned(), Value::from(due_on.to_string())),
    ]);
    New { title: cut(&wanted.what, 200), department: cut(&wanted.to, 160), assigned: String::new(), fields }
}

/// On one line, with at most this many letters.
fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_determination_has_a_short_title_and_stands_whole_in_the_case() {
        let what = format!("Limpar\nas bocas de lobo {}", "da rua ".repeat(60));
        let wanted = Wanted {
            id: Uuid::nil(),
            year: 2026,
            number: 7,
            body: "Conselho de Obras".into(),
            restricted: false,
            what: what.clone(),
            to: "Obras".into(),
            by: "carla".into(),
        };
        let new = asked(&wanted, chrono::NaiveDate::from_ymd_opt(2026, 3, 9).unwrap());
        assert_eq!(new.title.chars().count(), 200);
        assert!(new.title.starts_with("Limpar as bocas") && new.title.ends_with('…'), "{}", new.title);
        assert_eq!(new.fields["text"], what);
        assert_eq!(new.fields["act"], "Resolução 7/2026 · Conselho de Obras");
        assert_eq!(new.fields["due_on"], "2026-03-09");
    }
}
