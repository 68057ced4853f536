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

/// Delivers one batch, most urgent first. Returns the alerts that moved; none when nothing was due.
pub async fn deliver(app: &App, provider: &Provider, lease_until: Instant) -> sqlx::Result<Vec<AlertId>> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let rows = claim::claim(&mut tx, now, provider, app.config.dispatch.claim_rows.into(), lease_until).await?;
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

/// Delivers one batch of notices. Whether there was one.
pub async fn deliver_notices(app: &App, provider: &Provider) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let claimed = notice::claim(&mut tx, now, provider, app.config.dispatch.claim_rows.into(), now).await?;
    for n in &claimed {
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
        .execute(&mut *tx)
        .await?;
    }
    let delivered = || Next { state: State::Delivered, reason: String::new(), next_attempt_at: None };
    let endings: Vec<notices::Ending> =
        claimed.iter().map(|n| notices::Ending { id: n.id, fence: n.fence, next: delivered() }).collect();
    notice::complete(&mut tx, now, &endings).await?;
    tx.commit().await?;
    Ok(!claimed.is_empty())
}

fn delivered(row: &Claimed) -> Ending {
    let part = PartEnd { part: 1, outcome: "delivered", code: String::new(), detail: String::new(), message_id: None };
    Ending {
        id: row.id,
        fence: row.fence,
        attempt: row.attempt,
        next: Next { state: State::Delivered, reason: String::new(), next_attempt_at: None },
        parts: vec![part],
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
    let (mut text_ids, mut languages, mut subjects, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, language, content) in contents.iter() {
        let (subject, body) = match provider.channel {
            Channel::Sms => (String::new(), content.sms()),
            Channel::Email => {
                let letter = content.letter(&sender);
                (letter.subject, letter.text)
            }
        };
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
        "insert into sink_message (at, channel, address, subject, body, outbox_id)
        select $1, o.channel, o.address, t.subject, t.body, o.id
        from unnest($2::bigint[], $3::text[]) as mine (id, language) join outbox o on o.id = mine.id
            join unnest($4::uuid[], $5::text[], $6::text[], $7::text[]) as t (alert_id, language, subject, body)
                on t.alert_id = o.alert_id and t.language = mine.language
        on conflict (outbox_id) do nothing",
        now,
        &ids,
        &read,
        &text_ids,
        &languages,
        &subjects,
        &bodies
    )
    .execute(conn)
    .await?;
    Ok(())
}
