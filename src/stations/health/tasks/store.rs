//! Maintenance tasks in PostgreSQL.

use sqlx::PgConnection;

use super::TaskAct;
use crate::clock::Instant;
use crate::ids::{StaffId, StationId};

pub(super) async fn note(
    conn: &mut PgConnection,
    task: i64,
    now: Instant,
    actor: &str,
    act: TaskAct,
    detail: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into maintenance_event (task_id, at, actor, act, detail) values ($1, $2, $3, $4, $5)",
        task,
        now,
        actor,
        act.as_str(),
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn open_of(conn: &mut PgConnection, station: StationId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select id from maintenance_task where station_id = $1 and closed_at is null", station.0)
        .fetch_optional(conn)
        .await
}

pub(super) async fn reopen(
    conn: &mut PgConnection,
    station: StationId,
    closed_after: Instant,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "update maintenance_task set closed_at = null, closed_by = '' where id = (
             select id from maintenance_task where station_id = $1 and closed_at > $2 order by closed_at desc limit 1)
         returning id",
        station.0,
        closed_after
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn insert(conn: &mut PgConnection, station: StationId, now: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into maintenance_task (station_id, opened_at) values ($1, $2) returning id",
        station.0,
        now
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn open_faults(conn: &mut PgConnection, station: StationId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "open!" from station_fault where station_id = $1 and closed_at is null"#,
        station.0
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn close(conn: &mut PgConnection, task: i64, now: Instant, by: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update maintenance_task set closed_at = $2, closed_by = $3, snoozed_until = null
         where id = $1 and closed_at is null",
        task,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn assign(conn: &mut PgConnection, task: i64, to: Option<StaffId>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update maintenance_task set assigned_to = $2 where id = $1 and closed_at is null",
        task,
        to.map(|id| id.0)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn snooze(conn: &mut PgConnection, task: i64, until: Instant) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update maintenance_task set snoozed_until = $2 where id = $1 and closed_at is null", task, until)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn wake(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "update maintenance_task set snoozed_until = null where snoozed_until <= $1 and closed_at is null returning id",
        now
    )
    .fetch_all(conn)
    .await
}

/// A task as people read it.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Task {
    pub id: i64,
    pub station: String,
    pub station_name: String,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Instant>,
    /// "service" or a user name; empty while it is open.
    pub closed_by: String,
    /// User name of whoever works on it.
    pub assigned_to: Option<String>,
    #[schema(value_type = Option<String>)]
    pub snoozed_until: Option<Instant>,
    /// Kinds of the station's open faults.
    pub faults: Vec<String>,
}

/// Tasks, open ones first and those put off after the others; closed ones back to `closed_after`. At most 500.
pub async fn list(conn: &mut PgConnection, closed_after: Instant, station: Option<&str>) -> sqlx::Result<Vec<Task>> {
    sqlx::query_as!(
        Task,
        r#"select t.id, s.code as station, s.name as station_name, t.opened_at, t.closed_at, t.closed_by,
                  p.username as "assigned_to?", t.snoozed_until,
                  array(select distinct f.kind from station_fault f where f.station_id = s.id and f.closed_at is null
                        order by f.kind) as "faults!"
           from maintenance_task t join station s on s.id = t.station_id left join staff p on p.id = t.assigned_to
           where (t.closed_at is null or t.closed_at > $1) and ($2::text is null or s.code = $2)
           order by t.closed_at desc nulls first, t.snoozed_until is not null, t.opened_at, t.id limit 500"#,
        closed_after,
        station
    )
    .fetch_all(conn)
    .await
}

pub async fn find(conn: &mut PgConnection, id: i64) -> sqlx::Result<Option<Task>> {
    sqlx::query_as!(
        Task,
        r#"select t.id, s.code as station, s.name as station_name, t.opened_at, t.closed_at, t.closed_by,
                  p.username as "assigned_to?", t.snoozed_until,
                  array(select distinct f.kind from station_fault f where f.station_id = s.id and f.closed_at is null
                        order by f.kind) as "faults!"
           from maintenance_task t join station s on s.id = t.station_id left join staff p on p.id = t.assigned_to
           where t.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A line of a task's history.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub detail: String,
}

/// The newest 500, newest first.
pub async fn events(conn: &mut PgConnection, task: i64) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        "select at, actor, act, detail from maintenance_event where task_id = $1 order by id desc limit 500",
        task
    )
    .fetch_all(conn)
    .await
}

/// Open tasks that were not put off.
pub async fn count_open(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "open!" from maintenance_task where closed_at is null and snoozed_until is null"#
    )
    .fetch_one(conn)
    .await
}

pub async fn staff_by_username(conn: &mut PgConnection, username: &str) -> sqlx::Result<Option<StaffId>> {
    sqlx::query_scalar!(
        r#"select id as "id: StaffId" from staff where username = $1 and disabled_at is null"#,
        username
    )
    .fetch_optional(conn)
    .await
}
