//! Requests, deployments, their steps and their tracks in PostgreSQL.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::State;
use super::{Deployment, Fix, NewRequest, Request};
use crate::clock::Instant;
use crate::ids::IncidentId;

/// Rows of one answer.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Which requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub id: Option<Uuid>,
    /// Also those of its occurrences.
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// Only those that are not closed, nor what they are for.
    pub open: bool,
}

/// The newest first.
pub async fn requests(conn: &mut PgConnection, asked: Asked) -> sqlx::Result<Vec<Request>> {
    let rows = sqlx::query!(
        r#"select q.id, q.number, q.incident_id as "own_incident?", q.occurrence_id, q.kind, q.typing, q.wanted, q.skills, q.task,
            q.requested_at, q.requested_by, q.closed_at, q.closed_by, q.close_reason, i.id as "incident?", i.number as "incident_number?",
            i.state = 'open' as "incident_open?", o.number as "occurrence_number?", o.kind as "occurrence_kind?",
            o.state as "occurrence_state?", coalesce(incident_is_drill(i.id), false) as "drill!",
            (select count(*) from deployment d where d.request_id = q.id and d.state not in ('declined', 'cancelled')) as "given!"
        from resource_request q left join occurrence o on o.id = q.occurrence_id
        left join incident i on i.id = coalesce(q.incident_id, o.incident_id)
        where ($1::uuid is null or q.id = $1) and ($2::uuid is null or i.id = $2) and ($3::uuid is null or q.occurrence_id = $3)
            and (not $4 or (q.closed_at is null and (i.id is null or i.state = 'open')
                and (o.id is null or o.state in ('new', 'confirmed', 'dispatched', 'on_scene'))))
        order by q.requested_at desc, q.id limit $5"#,
        asked.id,
        asked.incident,
        asked.occurrence,
        asked.open,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        Ok(Request {
            id: row.id,
            number: row.number,
            what: NewRequest {
                incident: row.own_incident,
                occurrence: row.occurrence_id,
                kind: row.kind.parse().map_err(decode)?,
                typing: row.typing,
                wanted: row.wanted,
                skills: row.skills.iter().filter_map(|skill| skill.parse().ok()).collect(),
                task: row.task,
            },
            incident: row.incident,
            incident_number: row.incident_number,
            incident_open: row.incident_open,
            occurrence_number: row.occurrence_number,
            occurrence_kind: row.occurrence_kind,
            occurrence_state: row.occurrence_state,
            drill: row.drill,
            requested_at: row.requested_at,
            requested_by: row.requested_by,
            given: row.given,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
            close_reason: row.close_reason,
        })
    });
    all.collect()
}

/// One request, held until the transaction ends.
pub async fn lock_request(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Request>> {
    sqlx::query!("select id from resource_request where id = $1 for no key update", id)
        .fetch_optional(&mut *conn)
        .await?;
    Ok(requests(conn, Asked { id: Some(id), ..Asked::default() }).await?.pop())
}

/// Whether the incident is open; none: there is none.
pub async fn incident_is_open(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(r#"select state = 'open' as "open!" from incident where id = $1"#, id)
        .fetch_optional(conn)
        .await
}

pub async fn insert_request(
    conn: &mut PgConnection,
    (id, number): (Uuid, &str),
    (now, by): (Instant, &str),
    new: &NewRequest,
) -> sqlx::Result<()> {
    let skills: Vec<String> = new.skills.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into resource_request (id, number, incident_id, occurrence_id, kind, typing, wanted, skills, task, requested_at, requested_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        number,
        new.incident,
        new.occurrence,
        new.kind.as_str(),
        new.typing,
        new.wanted,
        &skills,
        new.task.trim(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn close_request(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update resource_request set closed_at = $2, closed_by = $3, close_reason = $4 where id = $1 and closed_at is null",
        id,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
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

/// A step as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct NewStep<'a> {
    /// "assign", or an [`super::life::Act`].
    pub act: &'a str,
    pub to: State,
    pub at: Instant,
    pub reason: &'a str,
    pub key: Option<&'a str>,
}

pub async fn add_step(
    conn: &mut PgConnection,
    deployment: Uuid,
    (now, by): (Instant, &str),
    step: NewStep<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deployment_step (deployment_id, act, state, at, told_at, actor, reason, key) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        deployment,
        step.act,
        step.to.as_str(),
        step.at,
        now,
        by,
        step.reason,
        step.key
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

/// The step that was told with this key: its act and when it happened.
pub async fn step_of_key(
    conn: &mut PgConnection,
    deployment: Uuid,
    key: &str,
) -> sqlx::Result<Option<(String, Instant)>> {
    let row =
        sqlx::query!("select act, at from deployment_step where deployment_id = $1 and key = $2", deployment, key)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| (row.act, row.at)))
}

/// A step that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DeploymentStep)]
pub struct Step {
    #[serde(skip)]
    pub deployment: Uuid,
    /// assign, accept, en_route, on_site, release, decline, cancel
    pub act: String,
    pub state: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// When the service heard of it.
    #[schema(value_type = String, format = DateTime)]
    pub told_at: Instant,
    pub actor: String,
    pub reason: String,
}

/// In the order they were told.
pub async fn steps(conn: &mut PgConnection, deployment: Uuid) -> sqlx::Result<Vec<Step>> {
    sqlx::query_as!(
        Step,
        "select deployment_id as deployment, act, state, at, told_at, actor, reason from deployment_step where deployment_id = $1 order by id limit 100",
        deployment
    )
    .fetch_all(conn)
    .await
}

/// When its last step happened.
pub async fn last_step_at(conn: &mut PgConnection, deployment: Uuid) -> sqlx::Result<Option<Instant>> {
    sqlx::query_scalar!("select max(at) from deployment_step where deployment_id = $1", deployment)
        .fetch_one(conn)
        .await
}

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

/// Steps of an incident for its log of activities, of one resource (also as part of a team) or of all, in the order of time: the
/// step, and the name of what was sent.
pub async fn log(
    conn: &mut PgConnection,
    incident: IncidentId,
    resource: Option<Uuid>,
) -> sqlx::Result<Vec<(Step, String)>> {
    let rows = sqlx::query!(
        "select s.deployment_id, s.act, s.state, s.at, s.told_at, s.actor, s.reason, r.name
         from deployment_step s join deployment d on d.id = s.deployment_id join resource r on r.id = d.resource_id
         join resource_request q on q.id = d.request_id left join occurrence o on o.id = q.occurrence_id
         where coalesce(q.incident_id, o.incident_id) = $1
             and ($2::uuid is null or exists (select from deployment_unit u where u.deployment_id = d.id and u.resource_id = $2))
         order by s.at, s.id limit 5000",
        incident.0,
        resource
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let step = Step {
            deployment: row.deployment_id,
            act: row.act,
            state: row.state,
            at: row.at,
            told_at: row.told_at,
            actor: row.actor,
            reason: row.reason,
        };
        (step, row.name)
    });
    Ok(all.collect())
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
