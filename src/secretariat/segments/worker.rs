//! Sends each mailbox once a day what was published with its tags, and forgets requests that nobody confirmed.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::letter::{self, New};
use super::store::digests;
use super::{CONFIRM_WITHIN, token};
use crate::app::App;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;

const LOOK_EVERY: Duration = Duration::from_secs(600);
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// Mailboxes of one transaction.
const BATCH: i64 = 500;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "digests by segment wait");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

struct Mailbox {
    id: Uuid,
    email: String,
    tags: Vec<String>,
    language: String,
    looked_at: Instant,
}

/// One look. Gives how many digests were handed over.
///
/// # Errors
/// What the database says; batches before it stay.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let mut conn = app.db.web.acquire().await?;
    sqlx::query!("delete from segment_subscription where confirmed_at is null and asked_at < $1", now - CONFIRM_WITHIN)
        .execute(&mut *conn)
        .await?;
    let tz = app.config.municipality.time_zone;
    let today = now.with_timezone(&tz).date_naive();
    let Some(due) = letter::hour_of(tz, today).filter(|due| *due <= now) else { return Ok(0) };
    if !is_anybody_due(&mut conn, due).await? {
        return Ok(0);
    }
    let new = digests::new(&mut conn, now).await?;
    drop(conn);
    let mut handed = 0;
    loop {
        let mut tx = app.db.web.begin().await?;
        let batch = batch(&mut tx, due).await?;
        let count = batch.len();
        for mailbox in batch {
            handed += usize::from(digest(&mut tx, app, now, &mailbox, &new).await?);
        }
        tx.commit().await?;
        if (count as i64) < BATCH {
            return Ok(handed);
        }
    }
}

/// Once all have their digest of the day, what was published is not looked through again.
async fn is_anybody_due(conn: &mut PgConnection, due: Instant) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from segment_subscription
           where left_at is null and confirmed_at is not null and looked_at < $1) as "is_due!""#,
        due
    )
    .fetch_one(conn)
    .await
}

/// Mailboxes that were not looked at since the hour of today.
async fn batch(conn: &mut PgConnection, due: Instant) -> sqlx::Result<Vec<Mailbox>> {
    sqlx::query_as!(
        Mailbox,
        r#"select id, email as "email!", tags, language, looked_at as "looked_at!" from segment_subscription
           where left_at is null and confirmed_at is not null and looked_at < $1
           order by looked_at, id limit $2 for update skip locked"#,
        due,
        BATCH
    )
    .fetch_all(conn)
    .await
}

async fn digest(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    mailbox: &Mailbox,
    new: &[New],
) -> sqlx::Result<bool> {
    sqlx::query!("update segment_subscription set looked_at = $2 where id = $1", mailbox.id, now)
        .execute(&mut *conn)
        .await?;
    // The newest are told one by one; of what is older, how much there is.
    let (chosen, more) = letter::chosen(new, mailbox.looked_at, &mailbox.tags);
    if chosen.is_empty() {
        return Ok(false);
    }
    let lang = Lang::from_tag(&mailbox.language).unwrap_or_default();
    let base = app.config.public_url();
    let leave = format!("{base}/secretaria/segmentos/sair/{}", token(&app.keys.service, "leave", mailbox.id, now));
    let authority = &app.config.municipality.sender_name;
    let letter = letter::write(lang, (authority, &base), (&chosen, more), &leave);
    let notice = Notice {
        channel: Channel::Email,
        address: &mailbox.email,
        subject: &letter.subject,
        body: &letter.body,
        expires_at: now + GOOD_FOR,
        purpose: "segment_digest",
    };
    let notice = notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    let ids: Vec<Uuid> = chosen.iter().map(|one| one.id).collect();
    digests::keep(conn, (mailbox.id, notice), &ids, now).await?;
    Ok(true)
}
