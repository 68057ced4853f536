//! What time does to alerts: they run out, are prolonged while the danger lasts, and wait without losing their time. Rows with
//! due times, so a restart changes nothing.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::draft::{Drafter, Subject, draft_row, state_of};
use crate::alerts::kind::AlertKind;
use crate::alerts::life::Life;
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::{store, trail};
use crate::audit::Actor;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId, Ids};
use crate::units::Level;

/// A draft that prolongs an alert waits this long before the alert runs out.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(30);
/// An undecided draft is written anew when it is this old.
const REFRESH_AFTER: TimeDelta = TimeDelta::minutes(60);

impl Drafter<'_> {
    /// Drafts an update for every alert by rule that runs out soon while areas of it are still at `draft_from` or above: a
    /// danger that lasts must not fall silent. Once for each alert; whoever discards the draft has decided. Returns how many.
    pub async fn renew_expiring(&self, conn: &mut PgConnection, now: Instant) -> Result<usize, AlertError> {
        let dangerous: Vec<String> = Level::ALL
            .iter()
            .filter(|level| **level >= self.config.alerts.draft_from)
            .map(|level| level.as_str().to_owned())
            .collect();
        let expiring = sqlx::query!(
            r#"select a.id as "id: AlertId", a.cobrade, a.level, a.rule_id as "rule_id!", a.rule_version as "rule_version!",
                      array_agg(aa.area_id) as "areas!"
               from alert a join alert_area aa on aa.alert_id = a.id
               join area_level l on l.area_id = aa.area_id and l.cobrade = a.cobrade and l.memory ->> 'known' = any($2) and l.rule_id <> ''
               where a.state = 'issued' and a.expires_at <= $1 and a.rule_id is not null and a.status = $3
                 and not exists (select from alert d where d.references_alert_id = a.id and d.kind = 'update')
               group by a.id order by a.id"#,
            now + RENEW_BEFORE,
            &dangerous,
            self.config.alerts.status.as_str()
        )
        .fetch_all(&mut *conn)
        .await?;
        for row in &expiring {
            let areas: Vec<AreaId> = row.areas.iter().copied().map(AreaId).collect();
            let subject = Subject {
                kind: AlertKind::Update,
                cobrade: row.cobrade.parse().map_err(anyhow::Error::from)?,
                level: row.level.parse().map_err(anyhow::Error::from)?,
                areas: &areas,
                references: Some(row.id),
                status: self.config.alerts.status,
                rule: Some((&row.rule_id, row.rule_version)),
                reasons: &[],
            };
            let draft = self.create(&mut *conn, now, store::RULE, &subject).await?;
            let actor = Actor::rule(&format!("{} v{}", row.rule_id, row.rule_version));
            trail::drafted(&mut *conn, self.ids, now, &actor, draft, "the alert runs out while the danger lasts")
                .await?;
        }
        Ok(expiring.len())
    }

    /// Drafts that wait undecided keep their whole time: what is approved after hours must not warn for minutes.
    pub async fn refresh_waiting(&self, conn: &mut PgConnection, now: Instant) -> Result<usize, AlertError> {
        let lifetime = TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        let waiting = sqlx::query_scalar!(
            r#"select id as "id: AlertId" from alert
               where state in ('draft', 'submitted') and created_by = $1 and not edited and expires_at < $2 order by id"#,
            store::RULE,
            now + lifetime - REFRESH_AFTER.min(lifetime / 2)
        )
        .fetch_all(&mut *conn)
        .await?;
        for id in &waiting {
            let alert = draft_row(&mut *conn, *id).await?;
            let areas: Vec<_> = store::load_areas(&mut *conn, *id).await?.iter().map(|area| area.area_id).collect();
            self.rewrite(&mut *conn, now, &alert, &areas).await?;
            notify(&mut *conn, &Event::Alert { id: id.0 }).await?;
        }
        Ok(waiting.len())
    }
}

/// Ends alerts whose time ran out and drops drafts that nobody decided upon in time. Returns how many.
pub async fn expire_due(conn: &mut PgConnection, now: Instant) -> Result<usize, AlertError> {
    let due = sqlx::query_scalar!(
        r#"select id as "id: AlertId" from alert where state in ('draft', 'submitted', 'issued') and expires_at <= $1
           order by id for update skip locked"#,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    for id in &due {
        let alert = store::lock(&mut *conn, *id).await?.ok_or(AlertError::NotFound)?;
        let was_in_force = state_of(&alert)? == AlertState::Issued;
        let state = Life::of(&alert)?.run_out(now)?.state;
        sqlx::query!("update alert set state = $2, ended_at = $3 where id = $1", id.0, state.as_str(), now)
            .execute(&mut *conn)
            .await?;
        let detail = json!({ "reason": "its time ran out" });
        store::record(&mut *conn, *id, now, "service", state.as_str(), &detail).await?;
        if was_in_force {
            let text = "O alerta venceu";
            crate::incidents::store::add_entry_for_alert(&mut *conn, *id, now, "service", "alert", text, &detail)
                .await?;
        }
        notify(&mut *conn, &Event::Alert { id: id.0 }).await?;
    }
    Ok(due.len())
}

/// Drops undecided drafts that have nothing left to answer, because another message has ended or replaced the same alert
/// first. Their words stay readable. Returns how many.
///
/// # Errors
/// What the database says; a word that this release does not know.
pub async fn drop_overtaken(conn: &mut PgConnection, ids: &Ids, now: Instant) -> Result<usize, AlertError> {
    let waiting = sqlx::query!(
        r#"select d.id as "id: AlertId", d.kind, a.state, coalesce(a.number, '') as "number!"
           from alert d join alert a on a.id = d.references_alert_id
           where d.state in ('draft', 'submitted') and a.state in ('superseded', 'cleared', 'cancelled', 'expired')
           order by d.id for no key update of d skip locked"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut dropped = 0;
    for row in &waiting {
        let (kind, answered) = (row.kind.parse::<AlertKind>(), row.state.parse::<AlertState>());
        let (kind, answered) = (kind.map_err(anyhow::Error::from)?, answered.map_err(anyhow::Error::from)?);
        if answered.after(Act::Answered(kind)).is_ok() {
            continue;
        }
        let alert = store::lock(&mut *conn, row.id).await?.ok_or(AlertError::NotFound)?;
        let state = Life::of(&alert)?.overtaken()?.state;
        sqlx::query!("update alert set state = $2, ended_at = $3 where id = $1", row.id.0, state.as_str(), now)
            .execute(&mut *conn)
            .await?;
        let why = format!("alert {} is {answered} already", row.number);
        store::record(&mut *conn, row.id, now, "service", state.as_str(), &json!({ "reason": why })).await?;
        trail::discarded(&mut *conn, ids, now, &Actor::service(), row.id, &why).await?;
        notify(&mut *conn, &Event::Alert { id: row.id.0 }).await?;
        dropped += 1;
    }
    Ok(dropped)
}
