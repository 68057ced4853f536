//! Requests, deployments, their steps and their tracks in PostgreSQL.

mod position;
mod request;
mod step;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Deployment;
use super::life::State;
use crate::clock::Instant;
use crate::ids::IncidentId;

pub use position::{Position, add_fixes, count_fixes, last_places, track};
pub use request::{Asked, close_request, incident_is_open, insert_request, lock_request, requests};
pub use step::{NewStep, Step, add_step, last_step_at, log, step_of_key, steps};

/// Rows of one answer.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Which deployments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which {
    pub id: Option<Uuid>,
    pub request: Option<Uuid>,
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// Those that bound it, also as part of a team.
    pub resource: Option<Uuid>,
    /// Those that bind the person with this account, also as part of a team.
    pub staff: Option<Uuid>,
    /// Only those that did not end.
    pub open: bool,
}

/// The newest first.
pub async fn list(conn: &mut PgConnection, which: Which) -> sqlx::Result<Vec<Deployment>> {
    let rows = sqlx::query!(
        r#"select d.id, d.state, d.resource_id, r.code, r.name, r.kind, r.typing, d.request_id, q.number, q.task, i.id as "incident?",
            i.number as "incident_number?", q.occurrence_id, o.number as "occurrence_number?", o.kind as "occurrence_kind?",
            coalesce(incident_is_drill(i.id), false) as "drill!",
            st_x(o.geom) as lon, st_y(o.geom) as lat, q.requested_at, d.assigned_at, d.assigned_by, d.overruled, d.override_reason,
            d.accepted_at, d.en_route_at, d.on_site_at, d.ended_at
        from deployment d join resource r on r.id = d.resource_id join resource_request q on q.id = d.request_id
        left join occurrence o on o.id = q.occurrence_id left join incident i on i.id = coalesce(q.incident_id, o.incident_id)
        where ($1::uuid is null or d.id = $1) and ($2::uuid is null or d.request_id = $2) and ($3::uuid is null or i.id = $3)
            and ($4::uuid is null or q.occurrence_id = $4)
            and ($5::uuid is null or exists (select from deployment_unit u where u.deployment_id = d.id and u.resource_id = $5))
            and ($6::uuid is null or exists (select from deployment_unit u join resource p on p.id = u.resource_id
                where u.deployment_id = d.id and p.staff_id = $6))
            and (not $7 or d.ended_at is null)
        order by d.assigned_at desc, d.id limit $8"#,
        which.id,
        which.request,
        which.incident,
        which.occurrence,
        which.resource,
        which.staff,
        which.open,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        Ok(Deployment {
            id: row.id,
            state: row.state.parse().map_err(decode)?,
            resource: row.resource_id,
            code: row.code,
            name: row.name,
            kind: row.kind,
            typing: row.typing,
            request: row.request_id,
            number: row.number,
            task: row.task,
            incident: row.incident,
            incident_number: row.incident_number,
            occurrence: row.occurrence_id,
            occurrence_number: row.occurrence_number,
            occurrence_kind: row.occurrence_kind,
            drill: row.drill,
            lon: row.lon,
            lat: row.lat,
            requested_at: row.requested_at,
            assigned_at: row.assigned_at,
            assigned_by: row.assigned_by,
            overruled: row.overruled,
            override_reason: row.override_reason,
            accepted_at: row.accepted_at,
            en_route_at: row.en_route_at,
            on_site_at: row.on_site_at,
            ended_at: row.ended_at,
        })
    });
    all.collect()
}

/// The open deployments of whoever is signed in, their own and those of their team, the newest first.
pub async fn of_account(conn: &mut PgConnection, staff: Uuid) -> sqlx::Result<Vec<Deployment>> {
    list(conn, Which { staff: Some(staff), open: true, ..Which::default() }).await
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Deployment>> {
    Ok(list(conn, Which { id: Some(id), ..Which::default() }).await?.pop())
}

/// One, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Deployment>> {
    sqlx::query!("select id from deployment where id = $1 for no key update", id).fetch_optional(&mut *conn).await?;
    load(conn, id).await
}

/// Whether the account is one of those that the deployment bound.
pub async fn is_of(conn: &mut PgConnection, deployment: Uuid, staff: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deployment_unit u join resource r on r.id = u.resource_id
            where u.deployment_id = $1 and r.staff_id = $2) as "is!""#,
        deployment,
        staff
    )
    .fetch_one(conn)
    .await
}

/// Accounts that it bound.
pub async fn accounts(conn: &mut PgConnection, deployment: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select distinct r.staff_id as "staff!" from deployment_unit u join resource r on r.id = u.resource_id
           where u.deployment_id = $1 and r.staff_id is not null"#,
        deployment
    )
    .fetch_all(conn)
    .await
}

/// A deployment that is to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub request: Uuid,
    pub resource: Uuid,
    pub overruled: &'a [String],
    pub reason: &'a str,
}

/// Writes it and binds the resource with all that belongs to it. The index refuses what is bound.
pub async fn insert(conn: &mut PgConnection, (now, by): (Instant, &str), new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deployment (id, request_id, resource_id, state, assigned_at, assigned_by, overruled, override_reason)
         values ($1, $2, $3, 'assigned', $4, $5, $6, $7)",
        new.id,
        new.request,
        new.resource,
        now,
        by,
        new.overruled,
        new.reason
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into deployment_unit (deployment_id, resource_id, from_at)
         select $1::uuid, $2::uuid, $3::timestamptz union all
         select $1, m.resource_id, $3 from team_member m where m.team_id = $2 and m.until_at is null",
        new.id,
        new.resource,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves a deployment that is locked; one that ends frees what it bound.
pub async fn set_state(conn: &mut PgConnection, id: Uuid, (to, at): (State, Instant)) -> sqlx::Result<()> {
    sqlx::query!(
        "update deployment set state = $2, accepted_at = case when $2 = 'accepted' then $3 else accepted_at end,
            en_route_at = case when $2 = 'en_route' then $3 else en_route_at end,
            on_site_at = case when $2 = 'on_site' then $3 else on_site_at end,
            ended_at = case when $4 then null else $3::timestamptz end
         where id = $1",
        id,
        to.as_str(),
        at,
        to.is_open()
    )
    .execute(&mut *conn)
    .await?;
    if !to.is_open() {
        sqlx::query!(
            "update deployment_unit set until_at = greatest($2, from_at) where deployment_id = $1 and until_at is null",
            id,
            at
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Names of what a deployment bound, the resource itself first.
pub async fn bound(conn: &mut PgConnection, deployment: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select r.id, r.name from deployment_unit u join resource r on r.id = u.resource_id join deployment d on d.id = u.deployment_id
         where u.deployment_id = $1 order by r.id <> d.resource_id, r.class, lower(r.name)",
        deployment
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Everything that was bound for an incident or holds a position in its command, with its name and the account behind it.
pub async fn units(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<(Uuid, String, Option<String>)>> {
    let rows = sqlx::query!(
        r#"select r.id, r.name, s.username as "username?" from resource r left join staff s on s.id = r.staff_id
           where r.id in (select u.resource_id from deployment_unit u join deployment d on d.id = u.deployment_id
                   join resource_request q on q.id = d.request_id left join occurrence o on o.id = q.occurrence_id
                   where coalesce(q.incident_id, o.incident_id) = $1
               union select p.resource_id from incident_position p where p.incident_id = $1 and p.resource_id is not null)
           order by r.name, r.id limit 2000"#,
        incident.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name, row.username)).collect())
}

/// How many of each kind are on their way to an incident, there, and released.
pub async fn summed(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<(String, [i64; 3])>> {
    let rows = sqlx::query!(
        r#"select r.kind, count(*) filter (where d.ended_at is null and d.on_site_at is null) as "coming!",
               count(*) filter (where d.ended_at is null and d.on_site_at is not null) as "there!",
               count(*) filter (where d.ended_at is not null) as "released!"
           from deployment d join resource r on r.id = d.resource_id join resource_request q on q.id = d.request_id
           left join occurrence o on o.id = q.occurrence_id
           where coalesce(q.incident_id, o.incident_id) = $1 and d.state not in ('declined', 'cancelled') group by r.kind order by r.kind"#,
        incident.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, [row.coming, row.there, row.released])).collect())
}
