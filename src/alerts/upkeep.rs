//! What time does to alerts: they run out, are prolonged while the danger lasts, and wait without losing their time. Rows with
//! due times, so a restart changes nothing.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::alerts::desk::{Explain, settle};
use crate::alerts::draft::{Drafter, Subject, draft_row, state_of};
use crate::alerts::kind::AlertKind;
use crate::alerts::life::Life;
use crate::alerts::shape::store as shapes;
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::{store, trail};
use crate::audit::Actor;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId, Ids};
use crate::risk::network::PairKey;
use crate::units::Level;

/// A draft that prolongs an alert waits this long before the alert runs out.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(30);
/// An undecided draft is written anew when it is this old.
const REFRESH_AFTER: TimeDelta = TimeDelta::minutes(60);

/// An alert that runs out while areas of it are still in danger.
struct Expiring {
    id: AlertId,
    cobrade: Cobrade,
    level: Level,
    rule: (String, i32),
    /// Areas whose danger lasts.
    areas: Vec<AreaId>,
    /// Areas whose danger is over.
    calm: Vec<AreaId>,
}

impl Drafter<'_> {
    /// Drafts an update for every alert by rule that runs out soon while areas of it are still at `draft_from` or above: a
    /// danger that lasts must not fall silent. Once for each alert; whoever discards the draft has decided. The draft holds for the
    /// places that people drew too, keeps what `explain` tells of its areas, and names those that it leaves out. Returns how many.
    ///
    /// # Errors
    /// The database's. What is refused is left to a person, and hinders no other.
    pub async fn renew_expiring(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        explain: Explain<'_>,
    ) -> anyhow::Result<usize> {
        let mut done = 0;
        for alert in self.expiring(&mut *conn, now).await? {
            let mut savepoint = conn.begin().await?;
            let renewed = self.renew(&mut savepoint, now, &alert, explain).await;
            done +=
                usize::from(settle(savepoint, renewed, || format!("renewal of alert {}", alert.id)).await?.is_some());
        }
        Ok(done)
    }

    async fn expiring(&self, conn: &mut PgConnection, now: Instant) -> anyhow::Result<Vec<Expiring>> {
        let levels = Level::ALL.iter().filter(|level| **level >= self.config.alerts.draft_from);
        let dangerous: Vec<String> = levels.map(|level| level.as_str().to_owned()).collect();
        let rows = sqlx::query!(
            r#"select a.id as "id: AlertId", a.cobrade, a.level, a.rule_id as "rule_id!", a.rule_version as "rule_version!",
                      array_agg(aa.area_id order by aa.area_id) filter (where l.area_id is not null) as "areas!",
                      array_agg(aa.area_id order by aa.area_id) filter (where l.area_id is null) as calm
               from alert a join alert_area aa on aa.alert_id = a.id
               left join area_level l on l.area_id = aa.area_id and l.cobrade = a.cobrade and l.memory ->> 'known' = any($2) and l.rule_id <> ''
               where a.state = 'issued' and a.expires_at <= $1 and a.rule_id is not null and a.status = $3
                 and not exists (select from alert d where d.references_alert_id = a.id and d.kind = 'update')
               group by a.id having count(l.area_id) > 0 order by a.id"#,
            now + RENEW_BEFORE,
            &dangerous,
            self.config.alerts.status.as_str()
        )
        .fetch_all(conn)
        .await?;
        let ids = |ids: Vec<i64>| ids.into_iter().map(AreaId).collect();
        rows.into_iter()
            .map(|row| {
                Ok(Expiring {
                    id: row.id,
                    cobrade: row.cobrade.parse()?,
                    level: row.level.parse()?,
                    rule: (row.rule_id, row.rule_version),
                    areas: ids(row.areas),
                    calm: ids(row.calm.unwrap_or_default()),
                })
            })
            .collect()
    }

    async fn renew(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: &Expiring,
        explain: Explain<'_>,
    ) -> Result<(), AlertError> {
        let (rule, version) = (alert.rule.0.as_str(), alert.rule.1);
        let subject = Subject {
            kind: AlertKind::Update,
            cobrade: alert.cobrade,
            level: alert.level,
            areas: &alert.areas,
            references: Some(alert.id),
            status: self.config.alerts.status,
            rule: Some((rule, version)),
            reasons: &[],
        };
        let shapes = shapes::new_shapes(&mut *conn, alert.id).await?;
        let draft = self.create_over(&mut *conn, (now, store::RULE), &subject, &shapes).await?;
        for area in alert.areas.iter().copied() {
            if let Some(explanation) = explain(PairKey { area, hazard: subject.cobrade }) {
                store::keep_explanation(&mut *conn, draft, area, &explanation).await?;
            }
        }
        for area in &alert.calm {
            let detail = json!({ "area_id": area, "reason": "its danger is over; the renewal does not name it" });
            store::record(&mut *conn, draft, now, store::RULE, "area left", &detail).await?;
        }
        let actor = Actor::rule(&format!("{rule} v{version}"));
        trail::drafted(conn, self.ids, now, &actor, draft, "the alert runs out while the danger lasts").await?;
        Ok(())
    }

    /// Drafts by rule that wait undecided keep their whole time, as long as no person wrote in them or said until when: what is approved
    /// after hours must not warn for minutes. The end of an alert that has run out meanwhile is not kept waiting, and goes when its
    /// own time is over.
    ///
    /// # Errors
    /// The database's. What is refused is left to a person, and hinders no other.
    pub async fn refresh_waiting(&self, conn: &mut PgConnection, now: Instant) -> anyhow::Result<usize> {
        let lifetime = TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        // Whoever decides upon one right now holds it, and comes first.
        let waiting = sqlx::query_scalar!(
            r#"select a.id as "id: AlertId" from alert a
               where a.state in ('draft', 'submitted') and a.created_by = $1 and not a.edited and not a.expiry_chosen
                 and a.expires_at < $2
                 and (a.kind <> 'all_clear' or exists (
                      select from alert parent where parent.id = a.references_alert_id and parent.state = 'issued'))
               order by a.id for no key update of a skip locked"#,
            store::RULE,
            now + lifetime - REFRESH_AFTER.min(lifetime / 2)
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut done = 0;
        for id in waiting {
            let mut savepoint = conn.begin().await?;
            let refreshed = self.refresh(&mut savepoint, now, id).await;
            done += usize::from(settle(savepoint, refreshed, || format!("refreshed draft {id}")).await?.is_some());
        }
        Ok(done)
    }

    async fn refresh(&self, conn: &mut PgConnection, now: Instant, id: AlertId) -> Result<(), AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        self.rewrite(&mut *conn, now, &alert).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
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
