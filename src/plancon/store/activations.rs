//! Scenarios at work in incidents.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::ids::{AlertId, IncidentId, StaffId};
use crate::units::Level;

/// A scenario of a plan that is, or was, at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanActivation)]
pub struct Activation {
    pub id: Uuid,
    /// Of the plan.
    pub plan: String,
    /// Number of the plan's version.
    pub version: i32,
    #[serde(skip)]
    pub version_id: Uuid,
    /// Code of the scenario.
    pub scenario: String,
    pub title: String,
    #[schema(value_type = String)]
    pub level: Level,
    /// Part of an exercise.
    pub drill: bool,
    #[schema(value_type = String)]
    pub activated_at: Instant,
    pub activated_by: String,
    pub reason: String,
    #[schema(value_type = Option<String>)]
    pub raised_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Instant>,
    pub ended_by: Option<String>,
    pub end_reason: String,
}

/// Of an incident, the oldest first.
pub async fn list(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Activation>> {
    let rows = sqlx::query!(
        "select a.id, p.code as plan, v.number, v.id as version_id, a.scenario, a.scenario_title, a.level, a.drill, a.activated_at,
             a.activated_by, a.reason, a.raised_at, a.ended_at, a.ended_by, a.end_reason
         from plan_activation a join plan_version v on v.id = a.version_id join contingency_plan p on p.id = v.plan_id
         where a.incident_id = $1 order by a.activated_at, a.id",
        incident.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Activation {
                id: row.id,
                plan: row.plan,
                version: row.number,
                version_id: row.version_id,
                scenario: row.scenario,
                title: row.scenario_title,
                level: row.level.parse().map_err(decode)?,
                drill: row.drill,
                activated_at: row.activated_at,
                activated_by: row.activated_by,
                reason: row.reason,
                raised_at: row.raised_at,
                ended_at: row.ended_at,
                ended_by: row.ended_by,
                end_reason: row.end_reason,
            })
        })
        .collect()
}

/// Holds an incident until the transaction ends; tells whether it is open, and whether it is an exercise. None: there is none.
pub async fn lock_incident(conn: &mut PgConnection, id: IncidentId) -> sqlx::Result<Option<(bool, bool)>> {
    let row = sqlx::query!(
        r#"select state, incident_is_drill(id) as "drill!" from incident where id = $1 for no key update"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.state == "open", row.drill)))
}

/// A new activation.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub incident: IncidentId,
    pub version: Uuid,
    pub scenario: (&'a str, &'a str),
    pub level: Level,
    pub drill: bool,
    pub alert: Option<AlertId>,
    pub reason: &'a str,
}

pub async fn insert(conn: &mut PgConnection, (now, by): (Instant, &str), new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into plan_activation (id, incident_id, version_id, scenario, scenario_title, level, drill, alert_id, activated_at,
             activated_by, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id,
        new.incident.0,
        new.version,
        new.scenario.0,
        new.scenario.1,
        new.level.as_str(),
        new.drill,
        new.alert.map(|id| id.0),
        now,
        by,
        new.reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn raise(conn: &mut PgConnection, id: Uuid, now: Instant, level: Level) -> sqlx::Result<()> {
    sqlx::query!("update plan_activation set level = $2, raised_at = $3 where id = $1", id, level.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends an activation; what was open of its tasks is not needed any more. Gives their ids.
pub async fn end(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query!(
        "update plan_activation set ended_at = $2, ended_by = $3, end_reason = $4 where id = $1",
        id,
        now,
        by,
        reason
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "update incident_task set state = 'not_needed', closed_at = $2, closed_by = $3, note = $4, revision = revision + 1
         where activation_id = $1 and state in ('todo', 'taken') returning id",
        id,
        now,
        by,
        reason
    )
    .fetch_all(conn)
    .await
}

/// What an alert means to plans: its hazard, level, status, and the codes of its risk areas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    pub cobrade: String,
    pub level: Level,
    pub status: String,
    pub areas: Vec<String>,
    /// It also holds for places that are no risk area.
    pub is_elsewhere: bool,
}

pub async fn sign(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Sign> {
    let row = sqlx::query!(
        r#"select a.cobrade, a.level, a.status,
                  array(select r.code from alert_target t join risk_area r on r.id = t.area_id where t.alert_id = a.id order by r.code)
                      as "areas!",
                  exists (select from alert_target t where t.alert_id = a.id and t.area_id is null) as "elsewhere!"
           from alert a where a.id = $1"#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    Ok(Sign {
        cobrade: row.cobrade,
        level: row.level.parse().map_err(decode)?,
        status: row.status,
        areas: row.areas,
        is_elsewhere: row.elsewhere,
    })
}

/// Staff who take part in the exercise of an incident.
pub async fn drill_staff(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<StaffId>> {
    sqlx::query_scalar!(
        r#"select distinct p.staff_id as "id!: StaffId" from incident_alert ia join alert a on a.id = ia.alert_id
               join exercise_participant p on p.exercise_id = a.exercise_id
           where ia.incident_id = $1 and p.staff_id is not null and p.left_at is null"#,
        incident.0
    )
    .fetch_all(conn)
    .await
}
