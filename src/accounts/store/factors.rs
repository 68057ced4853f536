//! Second factors and recovery codes.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::StaffId;

/// A person's second factor. The key is sealed.
#[derive(Clone, Debug)]
pub struct Factor {
    pub secret: Vec<u8>,
    pub confirmed_at: Option<Instant>,
}

pub async fn factor(conn: &mut PgConnection, staff_id: StaffId) -> sqlx::Result<Option<Factor>> {
    sqlx::query_as!(Factor, "select secret, confirmed_at from staff_factor where staff_id = $1", staff_id.0)
        .fetch_optional(conn)
        .await
}

/// Whether a code is asked of this person at the sign-in.
pub async fn has_factor(conn: &mut PgConnection, staff_id: StaffId) -> sqlx::Result<bool> {
    let factor = factor(conn, staff_id).await?;
    Ok(factor.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Keeps a key that waits for its first code. A confirmed one stays as it is.
pub async fn begin_factor(conn: &mut PgConnection, now: Instant, staff_id: StaffId, secret: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into staff_factor (staff_id, secret, created_at) values ($1, $2, $3)
         on conflict (staff_id) do update set secret = excluded.secret, created_at = excluded.created_at
             where staff_factor.confirmed_at is null",
        staff_id.0,
        secret,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first code was right. False when it is confirmed already.
pub async fn confirm_factor(conn: &mut PgConnection, now: Instant, staff_id: StaffId, step: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update staff_factor set confirmed_at = $2, last_step = $3 where staff_id = $1 and confirmed_at is null",
        staff_id.0,
        now,
        step
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Uses up the code of a time step. False when this one or a later one was used before.
pub async fn use_step(conn: &mut PgConnection, staff_id: StaffId, step: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update staff_factor set last_step = $2 where staff_id = $1 and confirmed_at is not null and last_step < $2",
        staff_id.0,
        step
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Takes factor and recovery codes away. False when there was no confirmed factor.
pub async fn remove_factor(conn: &mut PgConnection, staff_id: StaffId) -> sqlx::Result<bool> {
    sqlx::query!("delete from recovery_code where staff_id = $1", staff_id.0).execute(&mut *conn).await?;
    let confirmed = sqlx::query_scalar!(
        r#"delete from staff_factor where staff_id = $1 returning confirmed_at is not null as "confirmed!""#,
        staff_id.0
    );
    Ok(confirmed.fetch_optional(conn).await?.unwrap_or(false))
}

/// Replaces all recovery codes by these hashes.
pub async fn replace_codes(
    conn: &mut PgConnection,
    now: Instant,
    staff_id: StaffId,
    hashes: &[Vec<u8>],
) -> sqlx::Result<()> {
    sqlx::query!("delete from recovery_code where staff_id = $1", staff_id.0).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into recovery_code (staff_id, code_sha256, created_at) select $1, hash, $3 from unnest($2::bytea[]) hash",
        staff_id.0,
        hashes,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a recovery code up. False when it is unknown or was used.
pub async fn use_code(conn: &mut PgConnection, now: Instant, staff_id: StaffId, hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update recovery_code set used_at = $3 where staff_id = $1 and code_sha256 = $2 and used_at is null",
        staff_id.0,
        hash,
        now
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

pub async fn codes_left(conn: &mut PgConnection, staff_id: StaffId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from recovery_code where staff_id = $1 and used_at is null"#,
        staff_id.0
    )
    .fetch_one(conn)
    .await
}
