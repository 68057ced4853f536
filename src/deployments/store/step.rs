//! Steps of deployments, as they were told.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::deployments::life::State;
use crate::ids::IncidentId;

/// A step as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct NewStep<'a> {
    /// "assign", or an [`Act`](crate::deployments::life::Act).
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
