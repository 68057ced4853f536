//! Carries what people wrote to whoever checks it: letters of a round and service together and never few, so that none of them can be put to its
//! answer. What is few when a round is over is erased.

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::letters::Due;
use super::{answers, letters, store};
use crate::app::App;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::ids::Ids;
use crate::vault::Ring;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, empty(&app, app.clock.now())).await {
            tracing::warn!(%error, "what people wrote about services waits");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Carries all letters that are due, each round and service in a transaction of its own. Gives how many texts came.
///
/// # Errors
/// The database's; what was carried before it stays.
pub async fn empty(app: &App, now: Instant) -> sqlx::Result<usize> {
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let (mut texts, mut after) = (0, None);
    loop {
        let mut tx = app.db.web.begin().await?;
        let Some((place, carried)) = carry(&mut tx, (&app.ids, &app.keys.service), today, after).await? else {
            return Ok(texts);
        };
        match carried {
            Some(carried) => {
                tx.commit().await?;
                texts += carried;
            }
            // They wait where they are, and hold up no others.
            None => tracing::error!(round = %place.0, "letters of an evaluation cannot be opened: is their key there?"),
        }
        after = Some(place);
    }
}

/// Carries the next letters that are due behind `after`, in the caller's transaction: where, and how many texts were among them. None of
/// texts: one could not be opened, and the transaction is to be given up.
///
/// # Errors
/// The database's.
pub async fn carry(
    conn: &mut PgConnection,
    (ids, ring): (&Ids, &Ring),
    today: NaiveDate,
    after: Option<(Uuid, Uuid)>,
) -> sqlx::Result<Option<((Uuid, Uuid), Option<usize>)>> {
    store::hold_letters(&mut *conn).await?;
    let found = store::due_letters(&mut *conn, (today, letters::FROM), after).await?;
    let Some(store::Waiting { place, letters: waiting, is_over }) = found else { return Ok(None) };
    let kept = match letters::due(waiting, is_over) {
        Due::AllBut(kept) => kept,
        Due::Erase => {
            store::erase_letters(&mut *conn, place).await?;
            return Ok(Some((place, Some(0))));
        }
        Due::Wait => return Ok(Some((place, Some(0)))),
    };
    let mut texts = Vec::new();
    for sealed in store::take_letters(&mut *conn, place, kept).await? {
        match ring.open(letters::CONTEXT, &sealed) {
            Ok(letter) => texts.extend(letters::read(&letter)),
            Err(_) => return Ok(Some((place, None))),
        }
    }
    let mut named: Vec<(Uuid, (String, String))> = texts.into_iter().map(|text| (answers::random(ids), text)).collect();
    // In the order of their ids, which is none.
    named.sort_by_key(|(id, _)| *id);
    for (id, (question, text)) in &named {
        store::insert_comment(&mut *conn, *id, place, (question, text)).await?;
    }
    Ok(Some((place, Some(named.len()))))
}
