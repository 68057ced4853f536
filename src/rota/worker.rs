//! Reads the calendars that rotas follow, again and again. A calendar that cannot be read changes nothing, and its rota says why.

use std::time::Duration;

use chrono::TimeDelta;

use super::read::{Fault, Problem, Read, problem};
use super::{AHEAD_DAYS, Rota, fill, store};
use crate::app::App;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::outbound::OutboundError;

const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Problems that are told of one calendar.
const TOLD: usize = 5;

/// Runs until the service stops.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        match within(ROUND_MAX, one(&app)).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "calendars of rotas wait for the database"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Reads the calendar of one rota that is due. False when none is.
///
/// # Errors
/// What the database says.
pub async fn one(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let every = TimeDelta::minutes(app.config.rota.feed_every_min.into());
    let mut conn = app.db.dispatch.acquire().await?;
    let Some(rota) = store::take_due(&mut conn, now, now + every).await? else { return Ok(false) };
    // No connection is held while somebody else's server takes its time.
    drop(conn);
    let read = match fetch(app, &rota.feed_url).await {
        Ok(text) => {
            let (zone, span) = (app.config.municipality.time_zone, (now, now + TimeDelta::days(AHEAD_DAYS)));
            fill::read_apart(text, zone, span, rota.feed_layer).await
        }
        Err(why) => Err(why),
    };
    let mut tx = app.db.dispatch.begin().await?;
    let problems = match read {
        Ok(read) => taken(&mut tx, now, &rota, &read).await?,
        Err(why) => vec![why],
    };
    if !problems.is_empty() {
        tracing::warn!(rota = rota.code, problem = line(&problems), "the calendar of a rota is not well");
        metrics::counter!("sentinela_rota_feed_problems_total").increment(1);
    }
    store::followed(&mut tx, rota.id, now, (&line(&problems), &problems)).await?;
    tx.commit().await?;
    Ok(true)
}

async fn fetch(app: &App, url: &str) -> Result<String, Problem> {
    let wrong = |fault, message: String| problem("feed", "", fault, message);
    let away = |error: OutboundError| wrong((Fault::Away, 0), error.to_string());
    let answer = app.outbound.get(url).await.map_err(away)?;
    if !answer.status.is_success() {
        let status = answer.status.as_u16();
        return Err(wrong((Fault::Status, status.into()), format!("the calendar's server answers {status}")));
    }
    let not_utf8 = |_| wrong((Fault::Encoding, 0), "the calendar is not written in UTF-8".to_owned());
    String::from_utf8(answer.body.to_vec()).map_err(not_utf8)
}

fn told(problem: &Problem) -> String {
    format!("{} {:?}: {}", problem.field, problem.value, problem.message)
}

/// What is wrong, in one line for programs and logs; empty when nothing is.
fn line(problems: &[Problem]) -> String {
    problems.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// Takes over what the calendar says, and tells what is wrong with it.
async fn taken(conn: &mut sqlx::PgConnection, now: Instant, rota: &Rota, read: &Read) -> sqlx::Result<Vec<Problem>> {
    let (done, mut problems) = fill::follow(conn, (rota, now), read).await?;
    if done.added + done.taken_back > 0 {
        tracing::info!(
            rota = rota.code,
            added = done.added,
            taken_back = done.taken_back,
            "a rota followed its calendar"
        );
    }
    problems.truncate(TOLD);
    Ok(problems)
}
