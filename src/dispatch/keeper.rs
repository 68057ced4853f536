//! What has to be done again and again beside the sending: rows of paused and cancelled alerts are moved where they belong, counts
//! are folded, staff hear of a pause that lasts, and what is over gets its report. Any number of processes may do it.

use std::time::Duration;

use serde_json::json;
use sqlx::PgConnection;

use super::control::{Control, page_is_due};
use super::notices::{self, Notice};
use super::provider::{self, Channel};
use super::report::Tariff;
use super::sms_text::transliterate;
use super::store::control::{self as store, Paused};
use super::store::{report, tally};
use super::worker::{TICK, woken};
use crate::accounts::{Permission, permission};
use crate::alerts::escalation::{Person, store::people};
use crate::alerts::store as alerts;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::{ROUND_MAX, in_time, within};
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ids::AlertId;

/// Rounds between two looks at rows that came back to a paused alert, and at what may have come to its end.
const SELDOM: u32 = 4;
/// A page that has not left by then wakes nobody for something that matters still.
const GOOD_FOR: chrono::TimeDelta = chrono::TimeDelta::minutes(30);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    let (mut rounds, mut healthy) = (0_u32, true);
    while !app.stop.is_cancelled() {
        match round(&app, app.clock.now(), rounds.is_multiple_of(SELDOM)).await {
            Ok(()) => healthy = true,
            Err(error) if healthy => {
                tracing::warn!(error = format!("{error:#}"), "deliveries cannot be kept in order; it is tried again");
                healthy = false;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = woken(&mut events) => rounds = 0,
            () = wait(TICK) => rounds = rounds.wrapping_add(1),
            () = app.stop.cancelled() => {}
        }
    }
}

async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// One look at everything; `whole` with what is looked at seldom.
///
/// # Errors
/// The database's; nothing of the interrupted part is kept.
pub async fn round(app: &App, now: Instant, whole: bool) -> anyhow::Result<()> {
    fold(app).await?;
    if !whole {
        return Ok(());
    }
    settle(app, now).await?;
    in_time(page(app, now)).await?;
    // Of an alert to millions every message is counted once more.
    within(ROUND_MAX, freeze(app, now)).await
}

async fn fold(app: &App) -> sqlx::Result<()> {
    loop {
        let folded = in_time(async {
            let mut tx = app.db.dispatch.begin().await?;
            let folded = tally::fold(&mut tx).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(folded)
        });
        if folded.await? == 0 || app.stop.is_cancelled() {
            return Ok(());
        }
    }
}

/// Moves the rows of what is paused, cancelled or goes on again, some thousands in each transaction.
async fn settle(app: &App, now: Instant) -> sqlx::Result<()> {
    let unsettled = in_time(async {
        let mut conn = app.db.dispatch.acquire().await?;
        store::close(&mut conn, now).await?;
        store::unsettled(&mut conn).await
    });
    for (alert, _) in unsettled.await? {
        while !app.stop.is_cancelled() && in_time(settle_some(app, now, alert)).await? {}
    }
    Ok(())
}

/// Whether there may be more.
async fn settle_some(app: &App, now: Instant, alert: AlertId) -> sqlx::Result<bool> {
    let mut tx = app.db.dispatch.begin().await?;
    let Some(control) = store::keep_still(&mut tx, alert).await? else { return Ok(false) };
    let moved = store::carry_out(&mut tx, now, alert, control).await?;
    if moved > 0 {
        notify(&mut tx, &Event::Delivery { alert_id: alert.0 }).await?;
        if control == Control::Running {
            notify(&mut tx, &Event::Outbox).await?;
        }
    }
    if moved == 0 && control == Control::Running {
        store::let_go(&mut tx, alert).await?;
    }
    tx.commit().await?;
    Ok(moved > 0)
}

/// Tells whoever may resume that a delivery stands still.
async fn page(app: &App, now: Instant) -> anyhow::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let after_min = app.config.dispatch.paused_page_after_min;
    let paused = store::paused(&mut tx).await?;
    let due = paused.iter().filter_map(|one| Some((one, page_is_due(one.since, one.paged_at, after_min, now)?)));
    let mut told = 0;
    for (one, minutes) in due {
        if store::paged(&mut tx, now, one.alert, one.paged_at).await? {
            tell(&mut tx, app, now, one, minutes).await?;
            told += 1;
        }
    }
    if told > 0 { Ok(tx.commit().await?) } else { Ok(tx.rollback().await?) }
}

async fn tell(conn: &mut PgConnection, app: &App, now: Instant, one: &Paused, minutes: i64) -> anyhow::Result<()> {
    let mut names = Vec::new();
    let people = people(&mut *conn).await?;
    let may =
        |person: &&Person| person.roles.iter().any(|role| permission::of_role(*role).allow(Permission::IssueAlerts));
    for person in people.iter().filter(may) {
        for channel in [Channel::Sms, Channel::Email] {
            let Some(address) = person.address(channel) else { continue };
            let (subject, body) = words(app, one, person, channel, minutes)?;
            let (subject, body) = (subject.as_str(), body.as_str());
            let notice = Notice { channel, address, subject, body, expires_at: now + GOOD_FOR, purpose: notices::PAGE };
            notices::queue(&mut *conn, &app.ids, now, &notice).await?;
            names.push(json!({ "to": person.username, "channel": channel }));
        }
    }
    tracing::error!(alert = %one.alert, minutes, reached = names.len(), "a delivery is PAUSED and nobody has resumed or cancelled it");
    metrics::counter!("sentinela_dispatch_paused_pages_total").increment(names.len() as u64);
    let what = json!({ "minutes": minutes, "pages": names });
    alerts::record(&mut *conn, one.alert, now, "service", "dispatch_paged", &what).await?;
    audit::record(
        &mut *conn,
        &app.ids,
        now,
        &Actor::service(),
        Entry::new(Act::DispatchPage, "alert", one.alert).to(what),
    )
    .await?;
    Ok(notify(conn, &Event::Alert { id: one.alert.0 }).await?)
}

/// Subject, of a letter, and text, in the reader's language.
fn words(app: &App, one: &Paused, person: &Person, channel: Channel, minutes: i64) -> anyhow::Result<(String, String)> {
    let lang = Lang::from_tag(&person.language).unwrap_or_default();
    let status = one.status.parse()?;
    let said = lang.t2("paused-page", "number", &one.number, "n", minutes);
    let link = format!("{}/console/alerts/{}/delivery", app.config.public_url(), one.alert);
    Ok(match channel {
        Channel::Sms => {
            let text = transliterate(&format!("{}: {said}", app.config.municipality.sender_name));
            (String::new(), app.templates.marked_sms(status, lang.tag(), &format!("{text} {link}")))
        }
        Channel::Email => {
            let why = lang.t2("paused-page-why", "who", &one.by, "reason", &one.reason);
            let said = app.templates.marked(status, lang.tag(), &said);
            (said.clone(), [said, why, one.headline.clone(), link].join("\n\n"))
        }
    })
}

/// Freezes the report of one alert that is over.
async fn freeze(app: &App, now: Instant) -> anyhow::Result<()> {
    let mut conn = app.db.dispatch.acquire().await?;
    let Some(alert) = report::due(&mut conn, now).await? else { return Ok(()) };
    drop(conn);
    let mut tx = app.db.dispatch.begin().await?;
    let providers = provider::providers(&app.config);
    let tariff = Tariff { providers: &providers, otherwise_centavos: app.config.dispatch.sms_segment_centavos };
    let frozen = report::freeze(&mut tx, now, alert, &tariff).await?;
    let Some(report) = frozen else { return Ok(tx.rollback().await?) };
    notify(&mut tx, &Event::Delivery { alert_id: alert.0 }).await?;
    tx.commit().await?;
    if !report.balances() {
        metrics::counter!("sentinela_delivery_reports_unbalanced_total").increment(1);
        tracing::error!(%alert, promised = report.promised, found = report.found, "the accounts of a delivery DO NOT BALANCE");
    }
    Ok(())
}
