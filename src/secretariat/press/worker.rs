//! Ends embargoes whose day has come, and hands what was published to the dispatchers for each outlet.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::active;
use super::wants;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::refused::Refused;
use crate::secretariat::feeds;
use crate::secretariat::kernel::decide::Asked;
use crate::secretariat::kernel::desk::{self, CaseError, Desk};
use crate::secretariat::kernel::store;
use crate::secretariat::kernel::store::published::{self, Published};

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long an e-mail to an outlet is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// What is older is history when the service first looks at it, and reaches nobody any more.
const NEWS_FOR: TimeDelta = TimeDelta::hours(48);
/// Releases of one look.
const MOST: i64 = 100;

/// Releases that stay under embargo, and why as it was last written to the log. A quiet period lasts three months, and a round a minute.
#[derive(Debug, Default)]
struct Held(BTreeMap<Uuid, String>);

impl Held {
    /// True when this is another reason than the last one, or the first.
    fn is_news(&mut self, case: Uuid, why: &str) -> bool {
        self.0.insert(case, why.to_owned()).is_none_or(|before| before != why)
    }

    /// Forgets whatever waits no longer.
    fn keep(&mut self, due: &[Uuid]) {
        self.0.retain(|case, _| due.contains(case));
    }
}

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    let mut held = Held::default();
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, look(&app, app.clock.now(), &mut held)).await {
            tracing::warn!(%error, "releases to the press wait");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look. Gives how many e-mails were handed over.
///
/// # Errors
/// What the database says; what was done before it stays.
pub async fn round(app: &App, now: Instant) -> Result<usize, CaseError> {
    look(app, now, &mut Held::default()).await
}

async fn look(app: &App, now: Instant, held: &mut Held) -> Result<usize, CaseError> {
    lift(app, now, held).await?;
    let mut handed = 0;
    let waiting = waiting(&mut *app.db.web.acquire().await?, now).await?;
    for id in waiting {
        handed += distribute(app, now, id).await?;
    }
    Ok(handed)
}

/// Distributes releases whose day has come.
async fn lift(app: &App, now: Instant, held: &mut Held) -> Result<(), CaseError> {
    let (actor, who) = (Actor::service(), desk::service());
    let by = Acting { ids: &app.ids, now, actor: &actor };
    let desk = Desk {
        types: &app.cases,
        by,
        tz: app.config.municipality.time_zone,
        who: &who,
        config: &app.config,
        vault: &app.keys.vault,
    };
    let today = desk.at().today().to_string();
    let due = sqlx::query_scalar!(
        "select id from case_file where type_key = 'press.release' and state = 'embargoed' and annulled_at is null
           and fields ->> 'embargo_on' <= $1 order by id limit $2",
        today,
        MOST
    )
    .fetch_all(&mut *app.db.web.acquire().await?)
    .await?;
    held.keep(&due);
    for id in due {
        let mut tx = app.db.web.begin().await?;
        let Some(case) = store::load(&mut tx, id, true).await? else { continue };
        let asked = Asked {
            transition: "distribute".into(),
            revision: case.revision,
            reason: String::new(),
            fields: Map::new(),
        };
        match desk::act(&mut tx, desk, id, &asked).await {
            Ok(_) => tx.commit().await?,
            // As in a quiet period: it stays under embargo until somebody decides.
            Err(CaseError::Refused(why @ (Refused::Conflict(_) | Refused::Because(_) | Refused::Forbidden(_)))) => {
                // The sentence of a quiet period names the day it is, so that only its code tells whether something changed.
                let key = if let Refused::Because(reason) = &why { reason.code.to_owned() } else { why.to_string() };
                if held.is_news(id, &key) {
                    tracing::warn!(case = %id, %why, "a release stays under embargo");
                }
            }
            // One that is wrong holds up no other.
            Err(CaseError::Wrong(errors)) => {
                if held.is_news(id, &format!("{errors:?}")) {
                    tracing::warn!(case = %id, ?errors, "a release stays under embargo");
                }
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// Publications that are out and were not distributed, the oldest first. What came in from another place left from there.
async fn waiting(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select p.id from case_publication p
         where p.module = 'press' and p.type_key = 'press.release' and p.withdrawn_at is null
           and p.imported_at is null
           and greatest(p.published_at, coalesce(p.embargo_until, p.published_at)) between $2 and $1
           and not exists (select from press_distributed d where d.publication_id = p.id)
         order by p.published_at, p.id limit $3",
        now,
        now - NEWS_FOR,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// One release for every outlet that wants it, in one transaction.
async fn distribute(app: &App, now: Instant, id: Uuid) -> Result<usize, CaseError> {
    let mut tx = app.db.web.begin().await?;
    // Whoever comes second finds it done.
    super::store::hold(&mut tx).await?;
    let done = sqlx::query_scalar!("select 1 from press_distributed where publication_id = $1", id);
    if done.fetch_optional(&mut *tx).await?.is_some() {
        return Ok(0);
    }
    let case =
        sqlx::query_scalar!("select case_id from case_publication where id = $1", id).fetch_one(&mut *tx).await?;
    let all = published::of_case(&mut tx, case, now).await?;
    let mut handed = 0;
    // A publication that was corrected before it left does not leave; its correction does.
    if let Some(one) = all.first().filter(|one| one.id == id) {
        let tags = feeds::tags_of(one);
        let (subject, body) = letter(app, one);
        for outlet in active(&mut tx).await?.iter().filter(|outlet| wants(outlet, &tags)) {
            let notice = Notice {
                channel: Channel::Email,
                address: &outlet.email,
                subject: &subject,
                body: &body,
                expires_at: now + GOOD_FOR,
                purpose: "press_release",
            };
            let notice = notices::queue(&mut tx, &app.ids, now, &notice).await?;
            sqlx::query!(
                "insert into press_delivery (publication_id, outlet_id, at, notice_id) values ($1, $2, $3, $4)",
                id,
                outlet.id,
                now,
                notice
            )
            .execute(&mut *tx)
            .await?;
            handed += 1;
        }
    }
    let outlets = i32::try_from(handed).unwrap_or(i32::MAX);
    sqlx::query!("insert into press_distributed (publication_id, at, outlets) values ($1, $2, $3)", id, now, outlets)
        .execute(&mut *tx)
        .await?;
    let entry = Entry::new(Act::PressDistribute, "case", case).to(json!({ "publication": id, "outlets": handed }));
    audit::record(&mut tx, &app.ids, now, &Actor::service(), entry).await?;
    tx.commit().await?;
    Ok(handed)
}

/// The release as plain text. A correction says first what it corrects.
fn letter(app: &App, one: &Published) -> (String, String) {
    let view = &one.view;
    let text = |field: &str| view.fields.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_correction = one.seq != 1;
    let word = if is_correction { "Correção: " } else { "" };
    let subject = format!("{word}{} {}", view.number, view.title);
    let mut parts = vec![subject.clone()];
    if is_correction && !text("correction").is_empty() {
        parts.push(format!("O que se corrige: {}", text("correction")));
    }
    parts.push(text("lead").to_owned());
    parts.push(text("body").to_owned());
    if !text("spokesperson").is_empty() {
        parts.push(format!("Porta-voz: {}", text("spokesperson")));
    }
    parts.push(format!("{}/secretaria/imprensa/publicacoes/{}", app.config.public_url(), one.case_id));
    (subject.chars().take(200).collect(), parts.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_release_waits_is_told_once_until_it_is_another_or_waits_anew() {
        let (mut held, one, other) = (Held::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(held.is_news(one, "guard-quiet"));
        assert!(!held.is_news(one, "guard-quiet"), "a minute later");
        assert!(held.is_news(other, "guard-quiet"), "of another release");
        assert!(held.is_news(one, "case-annulled"));
        held.keep(&[other]);
        assert!(held.is_news(one, "case-annulled"), "it left and came back");
        assert!(!held.is_news(other, "guard-quiet"));
    }
}
