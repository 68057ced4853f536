//! Rows of endpoints into the outbox, beside the residents' and before them.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::decode;
use crate::clock::Instant;
use crate::endpoints::takes::{Facts, takes};
use crate::endpoints::{Kind, address};
use crate::ids::{AlertId, EndpointId};
use crate::units::Level;

/// How far sirens go before everything else of the same urgency. A level's share of the priority is ten.
const SIRENS_FIRST: i32 = 5;

/// Writes one row for each endpoint, with the reason where it is not told, in the transaction that issues the alert. Gives back
/// how many are told. Doing it twice adds nothing.
pub async fn enqueue(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<i64> {
    let endpoints = super::list(&mut *conn, None).await?;
    if endpoints.is_empty() {
        return Ok(0);
    }
    let about = sqlx::query!(
        r#"select status, kind, level, cobrade, expires_at, alert_urgency(kind, level) as "urgency!" from alert where id = $1"#,
        alert.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let distances = distances(&mut *conn, alert).await?;
    let told = told(&mut *conn, alert).await?;
    let mut rows = Rows::default();
    for endpoint in &endpoints {
        let before = told.get(&endpoint.id).copied().unwrap_or_default();
        let facts = Facts {
            status: about.status.parse().map_err(decode)?,
            kind: about.kind.parse().map_err(decode)?,
            hazard: about.cobrade.parse().map_err(decode)?,
            level: about.level.parse().map_err(decode)?,
            distance_m: distances.get(&endpoint.id).copied(),
            told: before.told,
            sounded: before.sounded,
        };
        let (basis, reason) = match takes(endpoint, &facts) {
            Ok(basis) => (basis.as_str(), ""),
            Err(why) => ("everywhere", why.as_str()),
        };
        let first = if endpoint.kind == Kind::Siren { SIRENS_FIRST } else { 0 };
        rows.push(endpoint.id, endpoint.kind, basis, reason, about.urgency - first);
    }
    rows.write(conn, now, alert, about.expires_at).await
}

#[derive(Default)]
struct Rows {
    ids: Vec<uuid::Uuid>,
    kinds: Vec<String>,
    addresses: Vec<String>,
    bases: Vec<String>,
    reasons: Vec<String>,
    priorities: Vec<i32>,
}

impl Rows {
    fn push(&mut self, id: EndpointId, kind: Kind, basis: &str, reason: &str, priority: i32) {
        self.ids.push(id.0);
        self.kinds.push(kind.to_string());
        self.addresses.push(address(id));
        self.bases.push(basis.to_owned());
        self.reasons.push(reason.to_owned());
        self.priorities.push(priority);
    }

    async fn write(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: AlertId,
        expires: Instant,
    ) -> sqlx::Result<i64> {
        sqlx::query_scalar!(
            r#"with written as (
                insert into outbox (alert_id, endpoint_id, channel, address, basis, priority, state, reason, next_attempt_at,
                    expires_at, final_at, created_at)
                select $1, e.id, e.kind, e.address, e.basis, e.priority, case when e.reason = '' then 'pending' else 'suppressed' end,
                    e.reason, $2::timestamptz, $3, case when e.reason = '' then null else $2::timestamptz end, $2
                from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int4[])
                    as e (id, kind, address, basis, reason, priority)
                order by e.priority, e.id
                on conflict do nothing
                returning state)
            select count(*) filter (where state = 'pending') as "told!" from written"#,
            alert.0,
            now,
            expires,
            &self.ids,
            &self.kinds,
            &self.addresses,
            &self.bases,
            &self.reasons,
            &self.priorities
        )
        .fetch_one(conn)
        .await
    }
}

/// From each endpoint with a place to the nearest place of the alert, in metres.
async fn distances(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<BTreeMap<EndpointId, f64>> {
    let rows = sqlx::query!(
        r#"select e.id as "id: EndpointId", min(st_distance(e.place::geography, t.geom::geography)) as "metres!"
           from endpoint e cross join alert_target t
           where t.alert_id = $1 and e.retired_at is null and e.place is not null group by e.id"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.metres)).collect())
}

/// The highest levels that an endpoint was told of.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    /// It was told, or may have been.
    told: Option<Level>,
    /// Of a siren: it said that it sounds.
    sounded: Option<Level>,
}

/// What each endpoint was told of in the messages that this one answers.
async fn told(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<BTreeMap<EndpointId, Before>> {
    let rows = sqlx::query!(
        r#"select o.endpoint_id as "id!: EndpointId", a.level, coalesce(s.sounded, false) as "sounded!"
           from alert_chain($1) c join outbox o on o.alert_id = c.alert_id join alert a on a.id = o.alert_id
               left join lateral (
                   select bool_or(d.result = 'done') as sounded, bool_or(d.sent_at is not null) as sent
                   from siren_command k join device_command d on d.id = k.command_id
                   where k.outbox_id = o.id and k.act = 'sound') as s on true
           where o.endpoint_id is not null and case o.channel when 'siren' then coalesce(s.sent or s.sounded, false)
               else o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered') end"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    let mut told: BTreeMap<EndpointId, Before> = BTreeMap::new();
    for row in rows {
        let level: Level = row.level.parse().map_err(decode)?;
        let before = told.entry(row.id).or_default();
        before.told = before.told.max(Some(level));
        if row.sounded {
            before.sounded = before.sounded.max(Some(level));
        }
    }
    Ok(told)
}
