//! Placeholder until the dispatch slice lands.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::AlertId;

#[derive(Debug, serde::Serialize)]
pub struct Enqueued {
    pub sms: i64,
    pub email: i64,
    pub suppressed: i64,
}

pub async fn enqueue(_conn: &mut PgConnection, _now: Instant, _alert: AlertId) -> Result<Enqueued, sqlx::Error> {
    Ok(Enqueued { sms: 0, email: 0, suppressed: 0 })
}

pub async fn withdraw(
    _conn: &mut PgConnection,
    _now: Instant,
    _alert: AlertId,
    _why: &str,
) -> Result<u64, sqlx::Error> {
    Ok(0)
}
