//! Waits as pages and API show them, with what was done.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::alerts::escalation::Step;
use crate::ids::AlertId;

/// A wait as pages and API show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Escalation {
    /// `rule` or `submitted`.
    pub cause: String,
    pub since: DateTime<Utc>,
    pub deadline_at: DateTime<Utc>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// User name.
    pub acknowledged_by: Option<String>,
    pub overdue_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub ended_as: Option<String>,
    pub steps: Vec<TakenStep>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TakenStep {
    /// As it stood when the wait began.
    #[schema(value_type = Object)]
    pub plan: Step,
    pub due_at: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
    /// `paged`, `nobody` or `stopped`.
    pub outcome: Option<String>,
    pub pages: Vec<Page>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page {
    pub username: String,
    pub name: String,
    pub channel: String,
    pub at: DateTime<Utc>,
    /// What became of the message: `pending`, `accepted`, `delivered`, `rejected`, … or `no_address`.
    pub state: String,
    pub reason: String,
}

/// Every wait of an alert, the newest first, with what was done.
pub async fn of_alert(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Escalation>> {
    let rows = sqlx::query!(
        r#"select e.id, e.cause, e.since_at, e.deadline_at, e.acknowledged_at, e.overdue_at, e.ended_at, e.ended_as,
                  (select username from staff where id = e.acknowledged_by) as acknowledged_by
           from alert_escalation e where e.alert_id = $1 order by e.opened_at desc, e.id"#,
        alert.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut waits = Vec::new();
    for row in rows {
        waits.push(Escalation {
            cause: row.cause,
            since: row.since_at,
            deadline_at: row.deadline_at,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by,
            overdue_at: row.overdue_at,
            ended_at: row.ended_at,
            ended_as: row.ended_as,
            steps: steps(&mut *conn, row.id).await?,
        });
    }
    Ok(waits)
}

async fn steps(conn: &mut PgConnection, escalation: Uuid) -> sqlx::Result<Vec<TakenStep>> {
    let rows = sqlx::query!(
        r#"select s.position, s.due_at, s.done_at, s.outcome, (e.plan -> (s.position - 1)) as "plan!: Json<Step>"
           from alert_escalation_step s join alert_escalation e on e.id = s.escalation_id
           where e.id = $1 order by s.position"#,
        escalation
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut steps = Vec::new();
    for row in rows {
        let pages = sqlx::query_as!(
            Page,
            "select s.username, s.name, p.channel, p.at, p.state, p.reason from alert_page p join staff s on s.id = p.staff_id
             where p.escalation_id = $1 and p.position = $2 order by s.username, p.channel desc",
            escalation,
            row.position
        )
        .fetch_all(&mut *conn)
        .await?;
        let (plan, due_at, done_at, outcome) = (row.plan.0, row.due_at, row.done_at, row.outcome);
        steps.push(TakenStep { plan, due_at, done_at, outcome, pages });
    }
    Ok(steps)
}
