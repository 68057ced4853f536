//! Writes the report of the day and sends it. Report and letters commit together under the day's own row, so that neither a
//! restart nor a second process writes it twice.

use chrono::{NaiveDate, TimeDelta};
use sqlx::PgConnection;

use super::{Body, due, store, words};
use crate::app::App;
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;

/// After this a morning's letter is no news.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// Where the report of a day stands for good.
pub fn address(app: &App, day: NaiveDate) -> String {
    format!("{}/console/morning/{day}", app.config.public_url())
}

/// Writes and sends the report if it is due. Answers the day it did so for.
///
/// # Errors
/// What the database says.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<Option<NaiveDate>> {
    let tz = app.config.municipality.time_zone;
    let Some(day) = app.config.morning.at.and_then(|at| due(now, tz, at)) else { return Ok(None) };
    let mut tx = app.db.dispatch.begin().await?;
    if store::exists(&mut tx, day).await? {
        return Ok(None);
    }
    let body = store::gather(&mut tx, now).await?;
    if !store::keep(&mut tx, day, now, &body).await? {
        return Ok(None);
    }
    let letters = send(&mut tx, app, day, now, &body).await?;
    tx.commit().await?;
    tracing::info!(%day, letters, "the morning report was written");
    Ok(Some(day))
}

async fn send(conn: &mut PgConnection, app: &App, day: NaiveDate, now: Instant, body: &Body) -> sqlx::Result<usize> {
    let readers = store::readers(&mut *conn).await?;
    for reader in &readers {
        let lang = Lang::from_tag(&reader.language).unwrap_or_default();
        let town = &app.config.municipality;
        let page = words::Page { lang, tz: town.time_zone, town: &town.name, day, address: &address(app, day) };
        let notice = Notice {
            channel: Channel::Email,
            address: &reader.email,
            subject: &page.subject(),
            body: &page.letter(body),
            expires_at: now + GOOD_FOR,
            purpose: "morning_report",
        };
        let id = notices::queue(&mut *conn, &app.ids, now, &notice).await?;
        store::sent(&mut *conn, day, reader.id, id, now).await?;
    }
    Ok(readers.len())
}
