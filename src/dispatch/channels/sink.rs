//! Where messages go while no provider is configured: a table that the console shows. A message is delivered when its row
//! is there, and both are one commit.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Instant;
use crate::dispatch::content::Sender;
use crate::dispatch::decide::{Next, State};
use crate::dispatch::notices;
use crate::dispatch::provider::{Channel, Provider};
use crate::dispatch::store::claim::{self, Claimed, Completed, Ending, PartEnd};
use crate::dispatch::store::{content, notice};
use crate::ids::AlertId;

/// Delivers at most `limit` messages, most urgent first. Returns the alerts that moved; none when nothing was due.
pub async fn deliver(app: &App, provider: &Provider, lease_until: Instant, limit: i64) -> sqlx::Result<Vec<AlertId>> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let rows = claim::claim(&mut tx, now, provider, limit, lease_until).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    write(&mut tx, app, provider, now, &rows).await?;
    let endings: Vec<Ending> = rows.iter().map(delivered).collect();
    let Completed { alerts, .. } = claim::complete(&mut tx, now, &provider.name, &endings).await?;
    tx.commit().await?;
    let counter = metrics::counter!("sentinela_dispatch_outcomes_total", "provider" => provider.name.clone(), "outcome" => "delivered");
    counter.increment(rows.len() as u64);
    Ok(alerts)
}

/// Delivers one batch of what tells institutions. Whether there was one.
pub async fn deliver_first(app: &App, provider: &Provider) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let claimed =
        notice::claim(&mut tx, now, provider, app.config.dispatch.claim_rows.into(), now, Some(notices::INSTITUTION))
            .await?;
    end_notices(&mut tx, provider, now, &claimed).await?;
    tx.commit().await?;
    Ok(!claimed.is_empty())
}

/// Delivers one batch of notices. Whether there was one.
pub async fn deliver_notices(app: &App, provider: &Provider) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let claimed = notice::claim(&mut tx, now, provider, app.config.dispatch.claim_rows.into(), now, None).await?;
    end_notices(&mut tx, provider, now, &claimed).await?;
    tx.commit().await?;
    Ok(!claimed.is_empty())
}

async fn end_notices(
    conn: &mut PgConnection,
    provider: &Provider,
    now: Instant,
    claimed: &[notices::Claimed],
) -> sqlx::Result<()> {
    for n in claimed {
        sqlx::query!(
            "insert into sink_message (at, channel, address, subject, body, notice_id) values ($1, $2, $3, $4, $5, $6)
            on conflict (notice_id) do nothing",
            now,
            provider.channel.as_str(),
            n.address,
            n.subject,
            n.body,
            n.id
        )
        .execute(&mut *conn)
        .await?;
    }
    let delivered = || Next { state: State::Delivered, reason: String::new(), next_attempt_at: None };
    let endings: Vec<notices::Ending> =
        claimed.iter().map(|n| notices::Ending { id: n.id, fence: n.fence, next: delivered() }).collect();
    notice::complete(conn, now, &endings).await?;
    Ok(())
}

fn delivered(row: &Claimed) -> Ending {
    let part = PartEnd { part: 1, outcome: "delivered", code: String::new(), detail: String::new(), message_id: None };
    Ending {
        id: row.id,
        fence: row.fence,
        attempt: row.attempt,
        next: Next { state: State::Delivered, reason: String::new(), next_attempt_at: None },
        parts: vec![part],
        is_dead_address: false,
    }
}

async fn write(
    conn: &mut PgConnection,
    app: &App,
    provider: &Provider,
    now: Instant,
    rows: &[Claimed],
) -> sqlx::Result<()> {
    let alerts: BTreeSet<AlertId> = rows.iter().map(|row| row.alert_id).collect();
    let alerts: Vec<AlertId> = alerts.into_iter().collect();
    let contents = content::load(&mut *conn, &alerts).await?;
    let public_url = app.config.public_url();
    let town = &app.config.municipality;
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    // The texts of an alert are the same for everyone of a language; each is made once.
    let (mut text_ids, mut languages, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bodies, mut pages) = (Vec::new(), Vec::new());
    for (id, language, content) in contents.iter() {
        let (subject, body, html) = match provider.channel {
            Channel::Sms => (String::new(), content.sms(), String::new()),
            Channel::Email => {
                let letter = content.letter(&sender, language, None);
                (letter.subject, letter.text, letter.html)
            }
        };
        pages.push(html);
        text_ids.push(id.0);
        languages.push(language.to_owned());
        subjects.push(subject);
        bodies.push(body);
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id.0).collect();
    let read: Vec<String> = rows
        .iter()
        .map(|row| {
            contents.of(row.alert_id, &row.language).map_or_else(String::new, |(language, _)| language.to_owned())
        })
        .collect();
    sqlx::query!(
        "insert into sink_message (at, channel, address, subject, body, html, outbox_id)
        select $1, o.channel, o.address, t.subject, t.body, t.html, o.id
        from unnest($2::bigint[], $3::text[]) as mine (id, language) join outbox o on o.id = mine.id
            join unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[]) as t (alert_id, language, subject, body, html)
                on t.alert_id = o.alert_id and t.language = mine.language
        on conflict (outbox_id) do nothing",
        now,
        &ids,
        &read,
        &text_ids,
        &languages,
        &subjects,
        &bodies,
        &pages
    )
    .execute(conn)
    .await?;
    Ok(())
}
