//! Keys and words of endpoints, sealed.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::{EndpointId, Ids};
use crate::vault::{Ring, SealError};

/// What the sealed bytes are bound to.
fn context(id: Uuid) -> String {
    format!("endpoint_secret.sealed:{id}")
}

/// Adds a secret; the one before ends at `before_ends_at`, and those before it at once.
pub async fn add(
    conn: &mut PgConnection,
    (ring, ids, now): (&Ring, &Ids, Instant),
    endpoint: EndpointId,
    secret: &[u8],
    before_ends_at: Instant,
) -> sqlx::Result<()> {
    sqlx::query!("delete from endpoint_secret where endpoint_id = $1 and ends_at is not null", endpoint.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update endpoint_secret set ends_at = $2 where endpoint_id = $1 and ends_at is null",
        endpoint.0,
        before_ends_at
    )
    .execute(&mut *conn)
    .await?;
    let id = ids.uuid(now);
    let sealed = ring.seal(&context(id), secret);
    sqlx::query!(
        "insert into endpoint_secret (id, endpoint_id, sealed, made_at) values ($1, $2, $3, $4)",
        id,
        endpoint.0,
        sealed,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the one before at once. False when there is none.
pub async fn end_before(conn: &mut PgConnection, endpoint: EndpointId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from endpoint_secret where endpoint_id = $1 and ends_at is not null", endpoint.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Those that are valid, the newest first.
pub async fn valid(
    conn: &mut PgConnection,
    ring: &Ring,
    now: Instant,
    endpoint: EndpointId,
) -> sqlx::Result<Result<Vec<Vec<u8>>, SealError>> {
    let rows = sqlx::query!(
        "select id, sealed from endpoint_secret where endpoint_id = $1 and (ends_at is null or ends_at > $2)
         order by made_at desc, id desc limit 2",
        endpoint.0,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ring.open(&context(row.id), &row.sealed)).collect())
}

/// When the newest was made, and until when the one before it is valid.
pub async fn times(
    conn: &mut PgConnection,
    now: Instant,
    endpoint: EndpointId,
) -> sqlx::Result<(Option<Instant>, Option<Instant>)> {
    let row = sqlx::query!(
        "select (select max(made_at) from endpoint_secret where endpoint_id = $1) as made_at,
                (select max(ends_at) from endpoint_secret where endpoint_id = $1 and ends_at > $2) as ends_at",
        endpoint.0,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((row.made_at, row.ends_at))
}
