//! Staff are told of the tasks that are theirs: one notice a person and way, with the way to the list.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::Action;
use super::activation::Tools;
use super::store::activations::drill_staff;
use crate::accounts::Role;
use crate::alerts::escalation::{Person, store as staff};
use crate::clock::Instant;
use crate::dispatch::content;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ids::IncidentId;
use crate::rota;

/// How long it is worth telling.
const GOOD_FOR: TimeDelta = TimeDelta::hours(3);
/// Titles that a notice names.
const NAMED: usize = 4;

/// Tells whoever has the role or stands in the rota of each action. Where nobody is on call coordinators are told instead. Of an exercise
/// the staff that takes part is told, and nobody else. Gives how many people.
///
/// # Errors
/// The database's.
pub async fn tell(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    now: Instant,
    (incident, drill): (IncidentId, bool),
    (scenario, actions): (&str, &[&Action]),
) -> sqlx::Result<usize> {
    if actions.is_empty() {
        return Ok(0);
    }
    let mut people = staff::people(&mut *conn).await?;
    if drill {
        let joined = drill_staff(&mut *conn, incident).await?;
        people.retain(|person| joined.contains(&person.id));
    }
    let named: BTreeSet<&str> = actions.iter().filter_map(|action| action.rota.as_deref()).collect();
    let mut on_call: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for code in named {
        on_call.insert(code, rota::desk::called(&mut *conn, code, now).await?);
    }
    let page = format!("{}/console/incidents/{incident}/tasks", tools.config.public_url());
    let mut told = 0;
    for person in &people {
        let own: Vec<&str> = actions
            .iter()
            .filter(|action| is_theirs(action, person, &on_call))
            .map(|action| action.title.trim())
            .collect();
        if own.is_empty() {
            continue;
        }
        told += 1;
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let named = own.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
        let rest = own.len().saturating_sub(NAMED);
        let named = if rest == 0 { named } else { format!("{named} (+{rest})") };
        let line = lang.t2("plan-told", "scenario", scenario, "tasks", named);
        for channel in [Channel::Sms, Channel::Email] {
            let Some(address) = person.address(channel) else { continue };
            let (subject, body) = words(channel, drill, &line, &page);
            let expires_at = now + GOOD_FOR;
            let (subject, body) = (subject.as_str(), body.as_str());
            let notice = Notice { channel, address, subject, body, expires_at, purpose: notices::PLAN };
            notices::queue(&mut *conn, tools.ids, now, &notice).await?;
        }
    }
    if told > 0 {
        notify(conn, &Event::Outbox).await?;
    }
    Ok(told)
}

fn words(channel: Channel, drill: bool, line: &str, page: &str) -> (String, String) {
    let status = if drill { "exercise" } else { "actual" };
    if channel == Channel::Sms {
        return (String::new(), content::marked_sms(status, &format!("{line} {page}")));
    }
    let banner = content::banner(status).map(|banner| format!("{banner}\n\n")).unwrap_or_default();
    (content::marked(status, line), format!("{banner}{line}\n\n{page}\n"))
}

fn is_theirs(action: &Action, person: &Person, on_call: &BTreeMap<&str, Vec<String>>) -> bool {
    let has = |role: Role| person.roles.contains(&role);
    match (&action.role, &action.rota) {
        (Some(role), _) => role.parse().is_ok_and(has),
        (None, Some(rota)) => match on_call.get(rota.as_str()).filter(|called| !called.is_empty()) {
            Some(called) => called.contains(&person.username),
            None => has(Role::Coordinator),
        },
        (None, None) => false,
    }
}
