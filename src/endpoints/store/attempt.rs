//! What was sent to endpoints and what came of it.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::decode;
use crate::clock::Instant;
use crate::ids::{EndpointId, OutboxId};
use crate::units::vocabulary;

/// The newest of each endpoint that are kept.
const KEPT: i64 = 1000;

vocabulary! {
    /// Why something was sent.
    Cause, "cause" {
        Delivery = "delivery",
        Test = "test",
        /// Once more by hand.
        Replay = "replay",
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EndpointAttempt)]
pub struct Attempt {
    #[schema(value_type = Option<i64>)]
    pub outbox_id: Option<OutboxId>,
    #[schema(value_type = String)]
    pub cause: Cause,
    /// The header `webhook-id`.
    pub message_id: String,
    #[schema(value_type = String)]
    pub at: Instant,
    pub took_ms: i32,
    /// delivered, refused, `not_sent` or unknown.
    pub outcome: String,
    /// HTTP status.
    pub code: Option<i32>,
    /// The first bytes of the answer.
    pub answer: String,
    pub detail: String,
    /// User name of whoever asked for a test or a repetition.
    pub asked_by: String,
}

pub async fn keep(conn: &mut PgConnection, endpoint: EndpointId, attempt: &Attempt) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into endpoint_attempt (endpoint_id, outbox_id, cause, message_id, at, took_ms, outcome, code, answer, detail, asked_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        endpoint.0,
        attempt.outbox_id.map(|id| id.0),
        attempt.cause.as_str(),
        attempt.message_id,
        attempt.at,
        attempt.took_ms,
        attempt.outcome,
        attempt.code,
        attempt.answer,
        attempt.detail,
        attempt.asked_by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from endpoint_attempt where endpoint_id = $1 and id <= (
             select id from endpoint_attempt where endpoint_id = $1 order by id desc offset $2 limit 1)",
        endpoint.0,
        KEPT
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first.
pub async fn list(conn: &mut PgConnection, endpoint: EndpointId, limit: i64) -> sqlx::Result<Vec<Attempt>> {
    let rows = sqlx::query!(
        r#"select outbox_id as "outbox_id: OutboxId", cause, message_id, at, took_ms, outcome, code, answer, detail, asked_by
           from endpoint_attempt where endpoint_id = $1 order by id desc limit $2"#,
        endpoint.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Attempt {
                outbox_id: row.outbox_id,
                cause: row.cause.parse().map_err(decode)?,
                message_id: row.message_id,
                at: row.at,
                took_ms: row.took_ms,
                outcome: row.outcome,
                code: row.code,
                answer: row.answer,
                detail: row.detail,
                asked_by: row.asked_by,
            })
        })
        .collect()
}
