//! Once a second: waits that began and ended, steps that are due, deadlines that passed, and what became of the pages. Everything
//! is rows with due times, so neither a restart nor a second process does anything twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Due, NewPage, Seen};
use super::words::Waits;
use super::{Cause, How, Person, Step, ended_as, frozen, paged, plan_for, reply, token, wait_of};
use crate::alerts::approve;
use crate::alerts::state::AlertError;
use crate::alerts::store as alerts;
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::ids::{AlertId, StaffId};

/// A page that has not left by then wakes nobody for something that matters still.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// Steps of one round; the next follows a second later.
const MOST: usize = 50;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        if let Err(error) = round(&app, app.clock.now()).await {
            metrics::counter!("sentinela_escalation_failures_total").increment(1);
            tracing::error!(
                error = format!("{error:#}"),
                "who waits for an answer could not be looked at; it is tried again"
            );
        }
    }
}

/// One look at everything.
///
/// # Errors
/// What the database says; nothing of the interrupted part is kept.
pub async fn round(app: &App, now: Instant) -> anyhow::Result<()> {
    in_time(begin_and_end(app, now)).await?;
    for _ in 0..MOST {
        if !in_time(step(app, now)).await? {
            break;
        }
    }
    in_time(deadlines(app, now)).await?;
    in_time(receipts(app, now)).await
}

async fn begin_and_end(app: &App, now: Instant) -> anyhow::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let within = TimeDelta::minutes(i64::from(app.config.alerts.answer_within_min));
    let mut done = 0;
    for alert in store::undecided(&mut tx, now).await? {
        let Some(wait) = wait_of(&alert) else { continue };
        let plan = plan_for(&app.config.alerts.escalation, alert.level, wait.since);
        let plan = with_rotas(&mut tx, plan).await?;
        let opened = store::open(&mut tx, &app.ids, now, (alert.alert, wait), &plan, wait.since + within).await?;
        done += usize::from(opened);
    }
    for open in store::opened(&mut tx).await? {
        if wait_of(&open.alert) != Some(open.wait) {
            store::end(&mut tx, now, open.id, &ended_as(open.alert.state, open.alert.is_returned)).await?;
            done += 1;
        } else if let Some(person) =
            open.alert.edited_by.filter(|_| !open.is_acknowledged && open.wait.cause == Cause::Rule)
        {
            // Whoever works on the text has seen it.
            seen_by_editing(&mut tx, app, now, person, open.id).await?;
            done += 1;
        }
    }
    if done > 0 { Ok(tx.commit().await?) } else { Ok(tx.rollback().await?) }
}

/// The plan with who is on call in its rotas when each step is due, as the rotas stand now.
async fn with_rotas(conn: &mut PgConnection, plan: Vec<(Step, Instant)>) -> sqlx::Result<Vec<(Step, Instant)>> {
    // A step may be due when one before it is, if nobody is on call for that.
    let times: Vec<Instant> = plan.iter().map(|(_, due)| *due).collect();
    let codes: BTreeSet<String> = plan.iter().flat_map(|(step, _)| step.rotas.iter().cloned()).collect();
    let mut known: BTreeMap<(String, Instant), Vec<String>> = BTreeMap::new();
    for code in codes {
        for at in &times {
            let people = crate::rota::desk::called(&mut *conn, &code, *at).await?;
            known.insert((code.clone(), *at), people);
        }
    }
    Ok(frozen(plan, &|code, at| known.get(&(code.to_owned(), at)).cloned().unwrap_or_default()))
}

async fn seen_by_editing(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    person: StaffId,
    wait: Uuid,
) -> anyhow::Result<()> {
    let people = store::people(&mut *conn).await?;
    let Some(editor) = people.iter().find(|other| other.id == person) else { return Ok(()) };
    let by = Actor {
        kind: ActorKind::Staff,
        name: editor.username.clone(),
        id: Some(person.0),
        via: Via::Service,
        address: None,
    };
    match store::acknowledge(conn, &app.ids, now, (&by, person), Seen::Wait(wait), How::Edit).await {
        Ok(_) | Err(AlertError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes one due step. False when none is due.
async fn step(app: &App, now: Instant) -> anyhow::Result<bool> {
    let mut tx = app.db.dispatch.begin().await?;
    let Some(due) = store::next_due(&mut tx, now).await? else { return Ok(false) };
    let detail = alerts::load(&mut tx, due.alert).await?.ok_or(AlertError::NotFound)?;
    let approvals = approve::approvals(&mut tx, due.alert).await?;
    let approved: Vec<StaffId> = approvals.iter().filter(|given| given.counts).map(|given| given.staff_id).collect();
    let people = store::people(&mut tx).await?;
    let areas: Vec<String> = detail.areas.iter().map(|area| area.name.clone()).collect();
    let console = format!("{}/console/alerts/{}", app.config.public_url(), due.alert);
    let waits = Waits {
        authority: &app.config.municipality.sender_name,
        status: detail.row.status.parse()?,
        level: detail.row.level.parse()?,
        hazard: detail.row.cobrade.parse()?,
        headline: &detail.row.headline,
        areas: &areas,
        since: due.since,
        now,
        answer: "",
        code: None,
        console: &console,
    };
    let mut told = Vec::new();
    for person in paged(&due.step, &people, &approved) {
        for channel in &due.step.channels {
            let sent = page(&mut tx, app, now, &due, (person, *channel), &waits).await?;
            told.push(json!({ "to": person.username, "channel": channel, "has_address": sent }));
        }
    }
    let reached = told.iter().any(|page| page["has_address"] == true);
    let outcome = if reached { "paged" } else { "nobody" };
    store::step_done(&mut tx, now, &due, outcome).await?;
    let what = json!({ "step": due.position, "after_min": due.step.after_min, "outcome": outcome, "pages": told,
        "gaps": due.step.gaps });
    note(&mut tx, app, now, due.alert, (outcome, Act::AlertPage), &what).await?;
    tx.commit().await?;
    if !reached {
        metrics::counter!("sentinela_escalation_steps_nobody_total").increment(1);
        tracing::error!(
            alert = %due.alert,
            step = due.position,
            "an alert waits for an answer and this step of the plan reaches nobody"
        );
    }
    Ok(true)
}

/// Pages one person by one channel. False when they have no address of it.
async fn page(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    due: &Due,
    (person, channel): (&Person, Channel),
    waits: &Waits<'_>,
) -> sqlx::Result<bool> {
    let id = app.ids.uuid(now);
    let answer = format!("{}/p/{}", app.config.public_url(), token::LINK.make(&app.keys.service, id));
    let code = match channel {
        Channel::Sms if person.phone.is_some() => Some(reply::new_code(&mut *conn, &app.ids, person.id).await?),
        _ => None,
    };
    let waits = Waits { answer: &answer, code: code.as_deref(), ..waits.clone() };
    let notice = match person.address(channel) {
        Some(address) => {
            let (subject, body) = match channel {
                Channel::Sms => (String::new(), waits.sms(person, &app.templates)),
                Channel::Email => (waits.subject(person, &app.templates), waits.letter(person, &app.templates)),
            };
            let (subject, body) = (subject.as_str(), body.as_str());
            let notice = Notice { channel, address, subject, body, expires_at: now + GOOD_FOR, purpose: notices::PAGE };
            Some(notices::queue(&mut *conn, &app.ids, now, &notice).await?)
        }
        None => None,
    };
    store::keep_page(conn, now, due, NewPage { id, person: person.id, channel, notice, code }).await?;
    Ok(notice.is_some())
}

async fn deadlines(app: &App, now: Instant) -> anyhow::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let overdue = store::take_overdue(&mut tx, now).await?;
    if overdue.is_empty() {
        return Ok(tx.rollback().await?);
    }
    for wait in &overdue {
        let what = json!({ "since": wait.since, "acknowledged_by": wait.acknowledged_by });
        let action = if wait.acknowledged_by.is_some() { "undecided" } else { "unanswered" };
        note(&mut tx, app, now, wait.alert, (action, Act::AlertUnanswered), &what).await?;
    }
    tx.commit().await?;
    for wait in &overdue {
        metrics::counter!("sentinela_alerts_unanswered_total").increment(1);
        let minutes = (now - wait.since).num_minutes();
        match &wait.acknowledged_by {
            Some(by) => {
                tracing::error!(alert = %wait.alert, minutes, by, "an alert was seen and NOBODY DECIDED in time")
            }
            None => tracing::error!(alert = %wait.alert, minutes, "an alert waits and NOBODY HAS ANSWERED in time"),
        }
    }
    Ok(())
}

async fn receipts(app: &App, now: Instant) -> anyhow::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let moved = store::take_states(&mut tx, now).await?;
    if moved.is_empty() {
        return Ok(tx.rollback().await?);
    }
    for page in &moved {
        // Under way is no news.
        if page.state == "sending" || page.state == "pending" {
            continue;
        }
        let before = json!({ "to": page.username, "channel": page.channel, "state": page.before });
        let after = json!({ "to": page.username, "channel": page.channel, "state": page.state, "reason": page.reason });
        let entry = Entry::new(Act::AlertPageEnd, "alert", page.alert).from(before).to(after);
        audit::record(&mut tx, &app.ids, now, &Actor::service(), entry).await?;
        notify(&mut tx, &Event::Alert { id: page.alert.0 }).await?;
    }
    Ok(tx.commit().await?)
}

/// Into the alert's history and the audit, by the service.
async fn note(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    alert: AlertId,
    (action, act): (&str, Act),
    what: &serde_json::Value,
) -> sqlx::Result<()> {
    alerts::record(&mut *conn, alert, now, "service", action, what).await?;
    let entry = Entry::new(act, "alert", alert).to(what.clone());
    audit::record(&mut *conn, &app.ids, now, &Actor::service(), entry).await?;
    notify(conn, &Event::Alert { id: alert.0 }).await
}
