//! Tracks: where those who were sent were.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::deployments::Fix;
use crate::ids::IncidentId;

/// Keeps fixes; those of an instant that is known already stay as they are. How many are new.
pub async fn add_fixes(
    conn: &mut PgConnection,
    deployment: Uuid,
    (now, by): (Instant, &str),
    fixes: &[(Instant, Fix)],
) -> sqlx::Result<u64> {
    let at: Vec<Instant> = fixes.iter().map(|(at, _)| *at).collect();
    let lon: Vec<f64> = fixes.iter().map(|(_, fix)| fix.lon).collect();
    let lat: Vec<f64> = fixes.iter().map(|(_, fix)| fix.lat).collect();
    let accuracy: Vec<Option<i32>> = fixes.iter().map(|(_, fix)| fix.accuracy_m).collect();
    let done = sqlx::query!(
        "insert into deployment_position (deployment_id, at, told_at, geom, accuracy_m, actor)
         select $1, t.at, $2, st_setsrid(st_makepoint(t.lon, t.lat), 4326), t.accuracy, $3
         from unnest($4::timestamptz[], $5::float8[], $6::float8[], $7::int4[]) as t (at, lon, lat, accuracy)
         on conflict (deployment_id, at) do nothing",
        deployment,
        now,
        by,
        &at,
        &lon,
        &lat,
        &accuracy as &[Option<i32>]
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub async fn count_fixes(conn: &mut PgConnection, deployment: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from deployment_position where deployment_id = $1"#, deployment)
        .fetch_one(conn)
        .await
}

/// Where it was.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DeploymentPosition)]
pub struct Position {
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    pub lon: f64,
    pub lat: f64,
    /// Metres.
    pub accuracy_m: Option<i32>,
}

/// The newest ones, in the order of time.
pub async fn track(conn: &mut PgConnection, deployment: Uuid, limit: i64) -> sqlx::Result<Vec<Position>> {
    sqlx::query_as!(
        Position,
        r#"select at as "at!", lon as "lon!", lat as "lat!", accuracy_m from (
               select at, st_x(geom) as lon, st_y(geom) as lat, accuracy_m from deployment_position where deployment_id = $1
               order by at desc limit $2) as newest order by at"#,
        deployment,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The last place of each open deployment of an incident.
pub async fn last_places(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<(Uuid, Position)>> {
    let rows = sqlx::query!(
        r#"select d.id as deployment_id, p.at, st_x(p.geom) as "lon!", st_y(p.geom) as "lat!", p.accuracy_m
           from deployment d join resource_request q on q.id = d.request_id left join occurrence o on o.id = q.occurrence_id
           cross join lateral (select at, geom, accuracy_m from deployment_position where deployment_id = d.id order by at desc limit 1) p
           where d.ended_at is null and coalesce(q.incident_id, o.incident_id) = $1 order by d.id"#,
        incident.0
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let place = Position { at: row.at, lon: row.lon, lat: row.lat, accuracy_m: row.accuracy_m };
        (row.deployment_id, place)
    });
    Ok(all.collect())
}
