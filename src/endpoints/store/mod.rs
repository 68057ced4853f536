//! Endpoints in PostgreSQL.

pub mod attempt;
pub mod claim;
pub mod enqueue;
pub mod event;
pub mod secret;

use sqlx::PgConnection;

use super::settings::Settings;
use super::{DisabledWhy, Endpoint, Kind, MOST, Place};
use crate::clock::Instant;
use crate::endpoints::health::Failing;
use crate::endpoints::message::Alert;
use crate::ids::{AlertId, EndpointId};

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Every endpoint, or one. Retired ones only by their id.
pub async fn list(conn: &mut PgConnection, one: Option<EndpointId>) -> sqlx::Result<Vec<Endpoint>> {
    let rows = sqlx::query!(
        r#"select id as "id: EndpointId", kind, name, configuration, st_y(place) as lat, st_x(place) as lon, reach_m,
                  least_level, hazards, statuses, enabled, disabled_why, failing_since, failures, succeeded_at, revision,
                  created_at, retired_at
           from endpoint where ($1::uuid is null and retired_at is null) or id = $1
           order by kind, lower(name), id limit $2"#,
        one.map(|id| id.0),
        MOST
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        let id = row.id;
        let endpoint = (|| -> sqlx::Result<Endpoint> {
            let kind: Kind = row.kind.parse().map_err(decode)?;
            let place = match (row.lat, row.lon, row.reach_m) {
                (Some(lat), Some(lon), Some(reach_m)) => Some(Place { lat, lon, reach_m }),
                _ => None,
            };
            let disabled_why = match row.disabled_why.as_str() {
                "" => None,
                word => Some(word.parse::<DisabledWhy>().map_err(decode)?),
            };
            Ok(Endpoint {
                id: row.id,
                kind,
                name: row.name,
                settings: Settings::read(kind, &row.configuration).map_err(decode)?,
                place,
                least_level: row.least_level.parse().map_err(decode)?,
                hazards: row.hazards.iter().map(|code| code.parse().map_err(decode)).collect::<sqlx::Result<_>>()?,
                statuses: row.statuses.iter().map(|word| word.parse().map_err(decode)).collect::<sqlx::Result<_>>()?,
                enabled: row.enabled,
                disabled_why,
                failing_since: row.failing_since,
                failures: row.failures,
                succeeded_at: row.succeeded_at,
                revision: row.revision,
                created_at: row.created_at,
                retired_at: row.retired_at,
            })
        })();
        endpoint.map_err(|error: sqlx::Error| (id, error))
    });
    // One that cannot be read keeps no alert from leaving.
    Ok(read
        .filter_map(|endpoint| {
            endpoint
                .inspect_err(|(id, error)| {
                    metrics::counter!("sentinela_endpoints_unreadable_total").increment(1);
                    tracing::error!(endpoint = %id, %error, "an endpoint cannot be read and is told nothing");
                })
                .ok()
        })
        .collect())
}

pub async fn find(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<Option<Endpoint>> {
    Ok(list(conn, Some(id)).await?.pop())
}

/// Nobody else adds one until the transaction ends.
pub async fn lock_and_count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('endpoints', 0))").fetch_one(&mut *conn).await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from endpoint where retired_at is null"#).fetch_one(conn).await
}

/// Whether the name is another's.
pub async fn is_taken(conn: &mut PgConnection, name: &str, by: Option<EndpointId>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from endpoint where lower(name) = lower($1) and retired_at is null
            and ($2::uuid is null or id <> $2)) as "taken!""#,
        name,
        by.map(|id| id.0)
    )
    .fetch_one(conn)
    .await
}

/// What people set of an endpoint.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub name: String,
    pub settings: Settings,
    pub place: Option<Place>,
    pub least_level: crate::units::Level,
    pub hazards: Vec<crate::cobrade::Cobrade>,
    pub statuses: Vec<crate::config::AlertStatus>,
}

impl Wanted {
    fn words(&self) -> (Vec<String>, Vec<String>) {
        let hazards = self.hazards.iter().map(ToString::to_string).collect();
        (hazards, self.statuses.iter().map(ToString::to_string).collect())
    }
}

pub async fn insert(
    conn: &mut PgConnection,
    (id, now, by): (EndpointId, Instant, &str),
    wanted: &Wanted,
) -> sqlx::Result<()> {
    let (hazards, statuses) = wanted.words();
    sqlx::query!(
        "insert into endpoint (id, kind, name, configuration, place, reach_m, least_level, hazards, statuses, created_at,
             created_by, changed_at)
         values ($1, $2, $3, $4, st_setsrid(st_makepoint($5, $6), 4326), $7, $8, $9, $10, $11, $12, $11)",
        id.0,
        wanted.settings.kind().as_str(),
        wanted.name,
        serde_json::json!(wanted.settings),
        wanted.place.map(|place| place.lon),
        wanted.place.map(|place| place.lat),
        wanted.place.map(|place| place.reach_m),
        wanted.least_level.as_str(),
        &hazards,
        &statuses,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False when it moved since that revision, or is retired.
pub async fn update(
    conn: &mut PgConnection,
    (id, revision, now): (EndpointId, i32, Instant),
    wanted: &Wanted,
) -> sqlx::Result<bool> {
    let (hazards, statuses) = wanted.words();
    let done = sqlx::query!(
        "update endpoint set name = $4, configuration = $5, place = st_setsrid(st_makepoint($6, $7), 4326), reach_m = $8,
             least_level = $9, hazards = $10, statuses = $11, changed_at = $3, revision = revision + 1
         where id = $1 and revision = $2 and retired_at is null",
        id.0,
        revision,
        now,
        wanted.name,
        serde_json::json!(wanted.settings),
        wanted.place.map(|place| place.lon),
        wanted.place.map(|place| place.lat),
        wanted.place.map(|place| place.reach_m),
        wanted.least_level.as_str(),
        &hazards,
        &statuses
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets it be told again, or not; its failures are forgotten with the first.
pub async fn switch(
    conn: &mut PgConnection,
    now: Instant,
    id: EndpointId,
    why: Option<DisabledWhy>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update endpoint set enabled = $3, disabled_why = $4, changed_at = $2, revision = revision + 1,
             failing_since = case when $3 then null else failing_since end, failures = case when $3 then 0 else failures end
         where id = $1 and retired_at is null and enabled <> $3",
        id.0,
        now,
        why.is_none(),
        why.map_or("", DisabledWhy::as_str)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It is told nothing any more, and its name is free.
pub async fn retire(conn: &mut PgConnection, now: Instant, id: EndpointId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update endpoint set retired_at = $2, changed_at = $2, revision = revision + 1,
             enabled = false, disabled_why = 'person'
         where id = $1 and retired_at is null",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How it failed until now, held until the transaction ends.
pub async fn failing(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<Option<Failing>> {
    let row = sqlx::query!("select failing_since, failures from endpoint where id = $1 for no key update", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| Failing { since: row.failing_since, failures: row.failures }))
}

pub async fn keep_failing(conn: &mut PgConnection, now: Instant, id: EndpointId, failing: Failing) -> sqlx::Result<()> {
    sqlx::query!(
        "update endpoint set failing_since = $3, failures = $4, succeeded_at = case when $4 = 0 then $2 else succeeded_at end
         where id = $1",
        id.0,
        now,
        failing.since,
        failing.failures
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an issued alert says; none for what never left.
pub async fn alert(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<Alert>> {
    let row = sqlx::query!(
        r#"select a.status, a.kind, a.level, a.cobrade, a.severity, a.urgency, a.certainty, a.headline, a.description,
                  a.instruction, a.number as "number!", a.cap_identifier as "identifier!", a.cap_sender as "sender!",
                  a.cap_sent as "sent!", a.issued_at as "issued_at!", a.expires_at, a.cap_xml as "xml!",
                  (select b.cap_identifier from alert b where b.id = a.references_alert_id) as answers,
                  array(select distinct t.name from alert_target t where t.alert_id = a.id order by 1) as "areas!"
           from alert a where a.id = $1 and a.cap_xml is not null"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Alert {
        status: row.status,
        kind: row.kind.parse().map_err(decode)?,
        level: row.level,
        hazard: row.cobrade.parse().map_err(decode)?,
        severity: row.severity,
        urgency: row.urgency,
        certainty: row.certainty,
        headline: row.headline,
        description: row.description,
        instruction: row.instruction,
        areas: row.areas,
        number: row.number,
        identifier: row.identifier,
        sender: row.sender,
        sent: row.sent,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        answers: row.answers,
        xml: row.xml,
    }))
}

/// Addresses of those who look after endpoints.
pub async fn keepers(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"select email as "email!", language from staff
           where disabled_at is null and email is not null and roles && array['administrator', 'coordinator']
           order by username limit 50"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.email, row.language)).collect())
}

/// The alert that a row of the outbox of an endpoint is of; none when there is no such row, or it was not for it.
pub async fn alert_of_row(conn: &mut PgConnection, endpoint: EndpointId, row: i64) -> sqlx::Result<Option<AlertId>> {
    sqlx::query_scalar!(
        r#"select alert_id as "id: AlertId" from outbox where id = $1 and endpoint_id = $2 and state <> 'suppressed'"#,
        row,
        endpoint.0
    )
    .fetch_optional(conn)
    .await
}

/// A row of the outbox, for the endpoint's own page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EndpointDelivery)]
pub struct Delivery {
    pub id: i64,
    #[schema(value_type = uuid::Uuid)]
    pub alert_id: AlertId,
    pub number: String,
    pub headline: String,
    pub status: String,
    pub state: String,
    pub reason: String,
    pub attempts: i32,
    #[schema(value_type = String)]
    pub created_at: Instant,
    #[schema(value_type = Option<String>)]
    pub final_at: Option<Instant>,
}

/// The newest rows of an endpoint.
pub async fn deliveries(conn: &mut PgConnection, id: EndpointId, limit: i64) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"select o.id, o.alert_id as "alert_id: AlertId", coalesce(a.number, '') as "number!", a.headline, a.status, o.state,
                  o.reason, o.attempts, o.created_at, o.final_at
           from outbox o join alert a on a.id = o.alert_id where o.endpoint_id = $1 order by o.id desc limit $2"#,
        id.0,
        limit
    )
    .fetch_all(conn)
    .await
}
