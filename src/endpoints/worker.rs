//! Tells endpoints what is due for them. Each try is a task of its own, so that one endpoint that does not answer keeps no other
//! waiting; each is tried again until its alert dies. Events of incidents and occurrences go beside them, on what they leave free.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::events::Telling;
use super::health::Told;
use super::request::{self, Said};
use super::send::{Sent, send};
use super::store::attempt::{self, Attempt, Cause};
use super::store::claim::{self, Claimed, Room};
use super::{DisabledWhy, Endpoint, Kind, store};
use crate::alerts::kind::AlertKind;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::decide::{Next, Policy, Sending, State};
use crate::dispatch::held::Held;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::dispatch::store::claim::{self as rows, PartEnd};
use crate::dispatch::worker::{TICK, woken};
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::outbound::{Client, Limits};
use crate::sirens;
use crate::telemetry::trace::TARGET;

/// Tries under way at once.
const AT_ONCE: usize = 32;
/// Of those to one endpoint, to one that failed the last time, and to all that did: whoever does not answer holds a try for the whole
/// of its time, and a hundred messages that wait for them must not take every place.
const EACH_AT_ONCE: i64 = 8;
const FAILING_AT_ONCE: i64 = 1;
const ALL_FAILING_AT_ONCE: i64 = 16;
/// Sirens of one round; a command takes no time.
const SIRENS: Room = Room { rows: 100, each: 100, each_failing: 100, all_failing: 100 };
/// A try ends within this, answer and all.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    whole: Duration::from_secs(10),
    body_bytes: 1024 * 1024,
    idle_per_host: 2,
};
/// Longer than any try, and than the writing of its end.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The same by our own clock: what was not handed over within two thirds of it is not sent from here any more.
const LEASE_HELD: Duration = Duration::from_secs(60);
const SWEEP_EVERY: TimeDelta = TimeDelta::seconds(2);
const RETRY: Duration = Duration::from_millis(500);
/// How long staff may still want to know that an endpoint was given up.
const NOTICE_FOR: TimeDelta = TimeDelta::days(2);

/// Runs until the service stops; then what is under way is finished.
pub async fn run(app: App) {
    let client = Client::with_limits(&app.config.outbound, LIMITS);
    let mut events = app.events.subscribe();
    let mut under_way = JoinSet::new();
    let mut telling = Telling::default();
    let mut swept_at = Instant::default();
    while !app.stop.is_cancelled() {
        let done = in_time(round(&app, &client, (&mut under_way, &mut telling), &mut swept_at)).await;
        if let Err(error) = done {
            tracing::warn!(%error, "endpoints wait for the database");
        }
        tokio::select! {
            () = woken(&mut events) => {}
            () = tokio::time::sleep(TICK) => {}
            Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
            () = telling.one(), if !telling.is_empty() => {}
            () = app.stop.cancelled() => {}
        }
    }
    let bound = Duration::from_secs(app.config.shutdown.timeout_s.into()) / 2;
    let ends = async {
        while under_way.join_next().await.is_some() {}
        while !telling.is_empty() {
            telling.one().await;
        }
    };
    if tokio::time::timeout(bound, ends).await.is_err() {
        tracing::warn!(tries = under_way.len() + telling.len(), "stopping without an answer; their leases will tell");
    }
}

async fn round(
    app: &App,
    client: &Client,
    (under_way, telling): (&mut JoinSet<()>, &mut Telling),
    swept_at: &mut Instant,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    if now - *swept_at >= SWEEP_EVERY {
        sweep(app, now).await?;
        telling.sweep(app, now).await?;
        *swept_at = now;
    }
    sound(app, now).await?;
    alerts(app, client, under_way, now).await?;
    // What happens otherwise takes only what alerts left free, and no place of theirs.
    telling.begin(app, client, AT_ONCE.saturating_sub(under_way.len())).await
}

/// Begins to tell what alerts say.
async fn alerts(app: &App, client: &Client, under_way: &mut JoinSet<()>, now: Instant) -> sqlx::Result<()> {
    let rows = i64::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or(0);
    if rows == 0 {
        return Ok(());
    }
    let room = Room { rows, each: EACH_AT_ONCE, each_failing: FAILING_AT_ONCE, all_failing: ALL_FAILING_AT_ONCE };
    let held = Held::begin(LEASE_HELD);
    let mut tx = app.db.dispatch.begin().await?;
    let claimed = claim::claim(&mut tx, now, &[Kind::Webhook, Kind::Chat], room, now + LEASE).await?;
    tx.commit().await?;
    for row in claimed {
        under_way.spawn(deliver(app.clone(), client.clone(), row, held));
    }
    Ok(())
}

/// Takes back what a lost worker held, and ends what died.
async fn sweep(app: &App, now: Instant) -> sqlx::Result<()> {
    let mut conn = app.db.dispatch.acquire().await?;
    for kind in Kind::ALL {
        rows::take_back(&mut conn, now, kind.as_str()).await?;
        for alert in rows::bury(&mut conn, now, kind.as_str()).await? {
            notify(&mut conn, &Event::Delivery { alert_id: alert.0 }).await?;
        }
    }
    Ok(())
}

/// Turns rows of sirens into commands of their devices. "Accepted" until the siren answers.
async fn sound(app: &App, now: Instant) -> sqlx::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let claimed = claim::claim(&mut tx, now, &[Kind::Siren], SIRENS, now + LEASE).await?;
    if claimed.is_empty() {
        return tx.rollback().await;
    }
    let mut endings = Vec::new();
    for row in &claimed {
        let (state, reason, message_id) = match by_alert(&mut tx, app, now, row).await? {
            Ok(command) => (State::Accepted, String::new(), Some(command.to_string())),
            Err(why) => (State::Rejected, why, None),
        };
        let outcome = if state == State::Accepted { "accepted" } else { "rejected" };
        let part = PartEnd { part: 1, outcome, code: String::new(), detail: reason.clone(), message_id };
        endings.push(row.ends(Next { state, reason, next_attempt_at: None }, vec![part]));
    }
    let done = rows::complete(&mut tx, now, Kind::Siren.as_str(), &endings).await?;
    for alert in done.alerts {
        notify(&mut tx, &Event::Delivery { alert_id: alert.0 }).await?;
    }
    tx.commit().await
}

async fn by_alert(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    row: &Claimed,
) -> sqlx::Result<Result<uuid::Uuid, String>> {
    let Some(endpoint) = store::find(&mut *conn, row.endpoint_id).await? else { return Ok(Err("it is gone".into())) };
    if !endpoint.enabled {
        return Ok(Err("endpoint_disabled".into()));
    }
    let Some(alert) = store::alert(&mut *conn, row.alert_id).await? else { return Ok(Err("its alert is gone".into())) };
    let ends = matches!(alert.kind, AlertKind::AllClear | AlertKind::Cancel);
    let is_real = alert.status == "actual";
    let (outbox, alert, expires_at) = (row.id, row.alert_id, row.expires_at);
    let order = sirens::desk::Order { outbox, expires_at, alert, ends, is_real };
    sirens::desk::by_alert(conn, &app.ids, now, &endpoint, order).await
}

/// One try from its request to its end in the database.
async fn deliver(app: App, client: Client, row: Claimed, held: Held) {
    let (endpoint, sent, at) = match prepared(&app, &row).await {
        Ok((_, Ok(_))) if !held.is_good() => return lapsed(&row.id),
        Ok((endpoint, Ok((request, is_real)))) => {
            let at = app.clock.now();
            let span = tracing::info_span!(
                target: TARGET,
                "endpoint.send",
                kind = "client",
                alert = %row.alert_id,
                sentinela.outbox.id = row.id.0,
                sentinela.channel = row.kind.as_str()
            );
            let sent = send(&client, request).instrument(span).await;
            (endpoint, Ok((sent, is_real)), at)
        }
        Ok((endpoint, Err(why))) => (endpoint, Err(why), app.clock.now()),
        Err(error) => {
            tracing::warn!(%error, row = %row.id, "an endpoint's message cannot be made; its lease will tell");
            return;
        }
    };
    // What was sent is written down, whatever it takes; when the service stops without the database, the lease tells.
    while let Err(error) = ended(&app, &row, endpoint.as_ref(), &sent, at).await {
        if app.stop.is_cancelled() {
            tracing::error!(%error, row = %row.id, "stopping without the database");
            return;
        }
        tracing::warn!(%error, row = %row.id, "a delivery cannot be written down; holding it");
        tokio::time::sleep(RETRY).await;
    }
}

/// Somebody else may have it by now; its lease ends and tells.
pub(super) fn lapsed(row: &dyn std::fmt::Display) {
    tracing::warn!(%row, "a lease ended before the message to an endpoint left: let go, not sent");
    metrics::counter!("sentinela_dispatch_lapsed_total", "provider" => "endpoints").increment(1);
}

/// What is sent, and whether it is a real warning.
type Prepared = (Option<Endpoint>, Result<(super::message::Request, bool), String>);

async fn prepared(app: &App, row: &Claimed) -> sqlx::Result<Prepared> {
    let mut conn = app.db.dispatch.acquire().await?;
    let Some(endpoint) = store::find(&mut conn, row.endpoint_id).await? else {
        return Ok((None, Err("it is gone".into())));
    };
    if !endpoint.enabled {
        return Ok((Some(endpoint), Err("endpoint_disabled".into())));
    }
    let Some(alert) = store::alert(&mut conn, row.alert_id).await? else {
        return Ok((Some(endpoint), Err("its alert is gone".into())));
    };
    let id = message_id(row.id.0);
    let request = request::made(&mut conn, app, app.clock.now(), &endpoint, (Said::Alert(&alert), &id)).await?;
    let is_real = alert.status == "actual";
    Ok((Some(endpoint), request.map(|request| (request, is_real))))
}

/// The same for every try of a row, and for its repetitions by hand.
pub fn message_id(row: i64) -> String {
    format!("msg_{row}")
}

async fn ended(
    app: &App,
    row: &Claimed,
    endpoint: Option<&Endpoint>,
    sent: &Result<(Sent, bool), String>,
    at: Instant,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let policy = Policy::of(&app.config.dispatch);
    let (next, part) = match sent {
        Ok((sent, is_real)) => {
            let life_safety = is_repeated(row.kind, *is_real, row.attempt);
            let sending = Sending { attempt: row.attempt, expires_at: row.expires_at, life_safety };
            let chance = f64::from(u32::from_le_bytes(app.ids.bytes())) / f64::from(u32::MAX);
            let next = sending.end(&sent.outcome, &policy, now, chance);
            (next, crate::dispatch::channels::part_end(1, &sent.outcome, None))
        }
        Err(why) => {
            let next = Next { state: State::Rejected, reason: why.clone(), next_attempt_at: None };
            let part =
                PartEnd { part: 1, outcome: "rejected", code: String::new(), detail: why.clone(), message_id: None };
            (next, part)
        }
    };
    let word = next.state.as_str();
    let kind = row.kind.as_str();
    let mut tx = app.db.dispatch.begin().await?;
    let done = rows::complete(&mut tx, now, kind, &[row.ends(next, vec![part])]).await?;
    for alert in done.alerts {
        notify(&mut tx, &Event::Delivery { alert_id: alert.0 }).await?;
    }
    if let (Some(endpoint), Ok((sent, _))) = (endpoint, sent) {
        let tried = (Cause::Delivery, Some(row.id), message_id(row.id.0), String::new());
        attempt::keep(&mut tx, endpoint.id, &logged(sent, tried, at)).await?;
        judge(&mut tx, app, now, endpoint, sent).await?;
    }
    tx.commit().await?;
    metrics::counter!("sentinela_dispatch_outcomes_total", "provider" => kind, "outcome" => word).increment(1);
    Ok(())
}

/// Whether what may have arrived is sent again. A receiver of webhooks tells a repetition by its id: rather twice than never. A chat
/// shows each: a real warning once more and not again, and what is none not at all.
const fn is_repeated(kind: Kind, is_real: bool, attempt: i32) -> bool {
    match kind {
        Kind::Webhook => true,
        _ => is_real && attempt == 1,
    }
}

/// The line of a try in the endpoint's log.
pub(super) fn logged(
    sent: &Sent,
    (cause, outbox_id, message_id, asked_by): (Cause, Option<crate::ids::OutboxId>, String, String),
    at: Instant,
) -> Attempt {
    Attempt {
        outbox_id,
        cause,
        message_id,
        at,
        took_ms: sent.took_ms,
        outcome: sent.word().to_owned(),
        code: sent.code.map(i32::from),
        answer: sent.answer.clone(),
        detail: sent.detail(),
        asked_by,
    }
}

/// Keeps count of failures, and gives an endpoint up that failed for too long, with a word to those who look after it.
pub(super) async fn judge(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    endpoint: &Endpoint,
    sent: &Sent,
) -> sqlx::Result<()> {
    let told = match (sent.word(), sent.code) {
        ("delivered", _) => Told::Success,
        (_, Some(410)) => Told::Gone,
        _ => Told::Failure,
    };
    let Some(before) = store::failing(&mut *conn, endpoint.id).await? else { return Ok(()) };
    let give_up_after = TimeDelta::hours(app.config.endpoints.disable_after_h.into());
    let (failing, why) = before.after(told, now, give_up_after);
    store::keep_failing(&mut *conn, now, endpoint.id, failing).await?;
    let Some(why) = why else { return Ok(()) };
    if !store::switch(&mut *conn, now, endpoint.id, Some(why)).await? {
        return Ok(());
    }
    tracing::error!(endpoint = endpoint.name, %why, "an endpoint failed for too long and is told nothing any more");
    metrics::counter!("sentinela_endpoints_given_up_total").increment(1);
    let after = json!({ "name": endpoint.name, "why": why, "failures": failing.failures });
    let entry = Entry::new(Act::EndpointDisable, "endpoint", endpoint.id).to(after);
    audit::record(&mut *conn, &app.ids, now, &Actor::service(), entry).await?;
    tell_keepers(conn, app, now, endpoint, why).await
}

async fn tell_keepers(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    endpoint: &Endpoint,
    why: DisabledWhy,
) -> sqlx::Result<()> {
    for (address, language) in store::keepers(&mut *conn).await? {
        let lang = Lang::from_tag(&language).unwrap_or_default();
        let subject = lang.t1("endpoint-given-up-subject", "name", &endpoint.name);
        let reason = lang.t(&format!("endpoint-why-{why}"));
        let link = format!("{}/console/endpoints/{}", app.config.public_url(), endpoint.id);
        let body = format!("{}\n\n{link}", lang.t2("endpoint-given-up", "name", &endpoint.name, "why", reason));
        let notice = Notice {
            channel: Channel::Email,
            address: &address,
            subject: &subject,
            body: &body,
            expires_at: now + NOTICE_FOR,
            purpose: "endpoint_given_up",
        };
        notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_told_a_real_warning_once_more_and_nothing_else_twice() {
        assert!(is_repeated(Kind::Chat, true, 1));
        assert!(!is_repeated(Kind::Chat, true, 2));
        assert!(!is_repeated(Kind::Chat, false, 1));
        assert!(is_repeated(Kind::Webhook, false, 40), "its receiver tells a repetition by its id");
    }
}
