//! What a provider's task has to do next: institutions first, then rows of alerts, and other notices when none of those is due.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::channels::{Body, Job, Key};
use super::content::{Content, Sender};
use super::held::Held;
use super::maps::Maps;
use super::notices;
use super::provider::{Channel, Provider};
use super::sms_text::{self, Encoded};
use super::store::content::Contents;
use super::store::{claim, content, notice, passed_on};
use crate::app::App;
use crate::clock::Instant;
use crate::failpoint::{self, Place};
use crate::ids::{AlertId, OutboxId};
use crate::web::notices::pictures;

/// Notices claimed at a time. Few, so that an alert never waits behind them.
const NOTICES: i64 = 10;

/// Which rows a provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Due,
    /// Due, and given up by whoever is before it.
    GivenUp,
}

/// A lease that is asked for: until when by the clock of all, and `held` by our own, which began before the other was reckoned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub until: Instant,
    pub held: Held,
}

/// Claims rows of alerts and puts them into words. After the commit they may leave.
pub(super) async fn alerts(
    app: &App,
    provider: &Provider,
    maps: &Maps,
    which: Which,
    limit: usize,
    Lease { until, held }: Lease,
) -> sqlx::Result<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (mut tx, now) = (app.db.dispatch.begin().await?, app.clock.now());
    let rows = match which {
        Which::Due => claim::claim(&mut tx, now, provider, limit, until).await?,
        Which::GivenUp => passed_on::claim(&mut tx, now, provider, limit, until).await?,
    };
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
    failpoint::reach(Place::DispatchClaimAfter).await;
    let public_url = app.config.public_url();
    let town = &app.config.municipality;
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    let maps = match provider.channel {
        Channel::Email if app.config.mail.map => drawn(app, maps, &contents).await,
        Channel::Email | Channel::Sms => HashMap::new(),
    };
    let letter = |language: &str, content: &Content| {
        content.letter(&sender, language, maps.get(&content.cap_identifier).cloned())
    };
    let letters: HashMap<_, _> = contents
        .iter()
        .filter(|_| provider.channel == Channel::Email)
        .map(|(id, language, content)| ((id, language), Arc::new(letter(language, content))))
        .collect();
    let mut texts: HashMap<(AlertId, &str), Text> = HashMap::new();
    let jobs = rows.into_iter().filter_map(|claimed| {
        let (language, content) = contents.of(claimed.alert_id, &claimed.language)?;
        let body = match provider.channel {
            Channel::Email => Body::Letter(Arc::clone(letters.get(&(claimed.alert_id, language))?)),
            Channel::Sms => {
                let done = parts.remove(&claimed.id).unwrap_or_default();
                let key = Key::Outbox(claimed.id, claimed.alert_id);
                let text = texts
                    .entry((claimed.alert_id, language))
                    .or_insert_with(|| Text::new(&content.sms(), provider.is_national));
                text.body(&key, provider.is_national, done)
            }
        };
        Some(Job { row: claimed.into_row(), body, life_safety: content.is_life_safety(), held })
    });
    Ok(jobs.collect())
}

/// The maps of these alerts, by identifier. A letter leaves without one rather than late.
async fn drawn(app: &App, maps: &Maps, contents: &Contents) -> HashMap<String, Bytes> {
    let wanted: BTreeSet<&str> = contents.iter().map(|(_, _, content)| content.cap_identifier.as_str()).collect();
    maps.of(app.clock.now(), &wanted, |identifier| async move { pictures::of(app, &identifier).await }).await
}

/// Claims what tells institutions: one message there is heard by a whole school, and there are few of them.
pub(super) async fn institutions(
    app: &App,
    provider: &Provider,
    limit: usize,
    Lease { until, held }: Lease,
) -> sqlx::Result<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut conn = app.db.dispatch.acquire().await?;
    let claimed = notice::claim(&mut conn, app.clock.now(), provider, limit, until, Some(notices::INSTITUTION)).await?;
    Ok(of_notices(provider, claimed, held))
}

/// Claims a few notices, oldest first.
pub(super) async fn notices(app: &App, provider: &Provider, lease: Lease) -> sqlx::Result<Vec<Job>> {
    let Lease { until, held } = lease;
    let mut conn = app.db.dispatch.acquire().await?;
    let claimed = notice::claim(&mut conn, app.clock.now(), provider, NOTICES, until, None).await?;
    Ok(of_notices(provider, claimed, held))
}

fn of_notices(provider: &Provider, claimed: Vec<notices::Claimed>, held: Held) -> Vec<Job> {
    let job = |notice: notices::Claimed| {
        let row = notice.row();
        let body = match provider.channel {
            Channel::Email => Body::Letter(Arc::new(notice.letter())),
            Channel::Sms => sms(&row.key, provider, &notice.body, Vec::new()),
        };
        // Rather twice than never, but never thrice.
        Job { life_safety: row.attempt == 1, row, body, held }
    };
    claimed.into_iter().map(job).collect()
}

fn sms(key: &Key, provider: &Provider, text: &str, done: Vec<i32>) -> Body {
    Text::new(text, provider.is_national).body(key, provider.is_national, done)
}

/// A text for many readers. What fits into one part is the same for all of them and is put into octets once.
struct Text {
    text: Arc<str>,
    whole: Option<Encoded>,
}

impl Text {
    fn new(text: &str, is_national: bool) -> Self {
        let whole = sms_text::encode_with(text, 0, is_national).ok().filter(|encoded| encoded.parts.len() == 1);
        Self { text: Arc::from(text), whole }
    }

    /// The same reference for every try of a row, so that a phone can join parts of different tries.
    fn body(&self, key: &Key, is_national: bool, done: Vec<i32>) -> Body {
        let reference = match key {
            Key::Outbox(id, _) => id.0.to_le_bytes()[0],
            Key::Notice(id) => id.as_bytes()[15],
        };
        let encoded = match &self.whole {
            Some(whole) => Ok(whole.clone()),
            None => sms_text::encode_with(&self.text, reference, is_national),
        };
        match encoded {
            Ok(encoded) => Body::Sms { text: Arc::clone(&self.text), encoded, done },
            Err(error) => Body::Impossible(error.to_string()),
        }
    }
}
