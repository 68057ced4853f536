//! What a provider's task has to do next: rows of alerts first, notices when none of those is due.

use std::collections::HashMap;
use std::sync::Arc;

use super::channels::{Body, Job, Key};
use super::content::Sender;
use super::notices;
use super::provider::{Channel, Provider};
use super::sms_text;
use super::store::{claim, content, notice};
use crate::app::App;
use crate::clock::Instant;
use crate::ids::OutboxId;

/// Notices claimed at a time. Few, so that an alert never waits behind them.
const NOTICES: i64 = 10;

/// Claims rows of alerts and puts them into words. After the commit they may leave.
pub(super) async fn alerts(app: &App, provider: &Provider, limit: usize, until: Instant) -> sqlx::Result<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut tx = app.db.dispatch.begin().await?;
    let rows = claim::claim(&mut tx, app.clock.now(), provider, limit, until).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut alerts: Vec<_> = rows.iter().map(|row| row.alert_id).collect();
    alerts.sort_unstable();
    alerts.dedup();
    let contents = content::load(&mut tx, &alerts).await?;
    let again: Vec<i64> = rows.iter().filter(|row| row.attempt > 1).map(|row| row.id.0).collect();
    let mut parts: HashMap<OutboxId, Vec<i32>> = HashMap::new();
    if !again.is_empty() && provider.channel == Channel::Sms {
        for (id, part) in claim::accepted_parts(&mut tx, &provider.name, &again).await? {
            parts.entry(id).or_default().push(part);
        }
    }
    tx.commit().await?;
    let public_url = app.config.public_url();
    let town = &app.config.municipality;
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    let letters: HashMap<_, _> =
        contents.iter().map(|(id, language, content)| ((id, language), Arc::new(content.letter(&sender)))).collect();
    let jobs = rows.into_iter().filter_map(|claimed| {
        let (language, content) = contents.of(claimed.alert_id, &claimed.language)?;
        let row = claimed.row();
        let body = match provider.channel {
            Channel::Email => Body::Letter(Arc::clone(letters.get(&(claimed.alert_id, language))?)),
            Channel::Sms => sms(&row.key, &content.sms(), parts.remove(&claimed.id).unwrap_or_default()),
        };
        Some(Job { row, body, life_safety: content.is_life_safety() })
    });
    Ok(jobs.collect())
}

/// Claims a few notices, oldest first.
pub(super) async fn notices(app: &App, provider: &Provider, until: Instant) -> sqlx::Result<Vec<Job>> {
    let mut conn = app.db.dispatch.acquire().await?;
    let claimed = notice::claim(&mut conn, app.clock.now(), provider, NOTICES, until).await?;
    let job = |notice: notices::Claimed| {
        let row = notice.row();
        let body = match provider.channel {
            Channel::Email => Body::Letter(Arc::new(notice.letter())),
            Channel::Sms => sms(&row.key, &notice.body, Vec::new()),
        };
        // Rather twice than never, but never thrice.
        Job { life_safety: row.attempt == 1, row, body }
    };
    Ok(claimed.into_iter().map(job).collect())
}

/// The same reference for every try of a row, so that a phone can join parts of different tries.
fn sms(key: &Key, text: &str, done: Vec<i32>) -> Body {
    let reference = match key {
        Key::Outbox(id, _) => id.0.to_le_bytes()[0],
        Key::Notice(id) => id.as_bytes()[15],
    };
    match sms_text::encode(text, reference) {
        Ok(encoded) => Body::Sms { encoded, done },
        Err(error) => Body::Impossible(error.to_string()),
    }
}
