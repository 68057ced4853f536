//! Sends each mailbox once a day what was published with its tags, and forgets requests that nobody confirmed.

use std::time::Duration;

use chrono::{NaiveTime, TimeDelta, TimeZone as _};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{CONFIRM_WITHIN, token};
use crate::app::App;
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::secretariat::kernel::publication::PublicView;
use crate::secretariat::modules;

const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The hour of the day, in the town, from which digests leave.
const HOUR: u32 = 8;
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// Whoever was not looked at for longer gets what is left of this.
const AT_MOST_BACK: TimeDelta = TimeDelta::days(7);
/// Mailboxes of one transaction.
const BATCH: i64 = 500;
/// Publications of one digest, and of one look.
const MOST: usize = 30;
const MOST_NEW: i64 = 2000;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = round(&app, app.clock.now()).await {
            tracing::warn!(%error, "digests by segment wait");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// A publication with tags.
struct New {
    id: Uuid,
    case_id: Uuid,
    module: String,
    title: String,
    tags: Vec<String>,
    out_at: Instant,
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
    let hour = today.and_time(NaiveTime::from_hms_opt(HOUR, 0, 0).unwrap_or_default());
    let Some(due) = tz.from_local_datetime(&hour).earliest().map(|at| at.to_utc()).filter(|due| *due <= now) else {
        return Ok(0);
    };
    if !is_anybody_due(&mut conn, due).await? {
        return Ok(0);
    }
    let new = new(&mut conn, now).await?;
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

/// What came out of late and has tags, the last word of each case, the oldest first.
async fn new(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<New>> {
    let rows = sqlx::query!(
        r#"select p.id, p.case_id, p.module, p.snapshot as "snapshot: Json<PublicView>", publication_tags(p.snapshot) as "tags!",
               greatest(p.published_at, coalesce(p.embargo_until, p.published_at)) as "out_at!"
           from case_publication p
           where p.withdrawn_at is null and publication_tags(p.snapshot) <> '{}'
             and greatest(p.published_at, coalesce(p.embargo_until, p.published_at)) between $2 and $1
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq
                 and n.withdrawn_at is null and (n.embargo_until is null or n.embargo_until <= $1))
           order by 6, p.id limit $3"#,
        now,
        now - AT_MOST_BACK,
        MOST_NEW
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| New {
        id: row.id,
        case_id: row.case_id,
        module: row.module,
        title: format!("{} {}", row.snapshot.0.number, row.snapshot.0.title).trim().to_owned(),
        tags: row.tags,
        out_at: row.out_at,
    });
    Ok(all.collect())
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
    let is_theirs =
        |one: &&New| one.out_at > mailbox.looked_at && one.tags.iter().any(|tag| mailbox.tags.contains(tag));
    let mut theirs: Vec<&New> = new.iter().filter(is_theirs).collect();
    // The newest are told one by one; of what is older, how much there is.
    let more = theirs.len().saturating_sub(MOST);
    let chosen = theirs.split_off(more);
    if chosen.is_empty() {
        return Ok(false);
    }
    let lang = Lang::from_tag(&mailbox.language).unwrap_or_default();
    let base = app.config.public_url();
    let mut parts = vec![lang.t("sec-segments-digest-text")];
    for one in &chosen {
        let slug = modules::find(&one.module).map_or(one.module.as_str(), |module| module.slug_pt);
        parts.push(format!("{}\n{base}/secretaria/{slug}/publicacoes/{}", one.title, one.case_id));
    }
    if more > 0 {
        parts.push(format!("{}\n{base}/secretaria", lang.t1("sec-segments-digest-more", "n", more)));
    }
    parts.push(lang.t("sec-segments-digest-leave"));
    // The last line is what mail programs show as a button (`notices::leave_link`).
    parts.push(format!("{base}/secretaria/segmentos/sair/{}", token(&app.keys.service, "leave", mailbox.id, now)));
    let subject = lang.t1("sec-segments-digest-subject", "authority", &app.config.municipality.sender_name);
    let notice = Notice {
        channel: Channel::Email,
        address: &mailbox.email,
        subject: &subject,
        body: &parts.join("\n\n"),
        expires_at: now + GOOD_FOR,
        purpose: "segment_digest",
    };
    let notice = notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    let ids: Vec<Uuid> = chosen.iter().map(|one| one.id).collect();
    sqlx::query!(
        "insert into segment_delivery (subscription_id, publication_id, at, notice_id)
         select $1, id, $3, $4 from unnest($2::uuid[]) id on conflict do nothing",
        mailbox.id,
        &ids,
        now,
        notice
    )
    .execute(conn)
    .await?;
    Ok(true)
}
