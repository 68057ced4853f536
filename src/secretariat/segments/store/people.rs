//! Who asked for messages, for whoever works here.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// Subscriptions of a page.
pub const PAGE: i64 = 100;

/// A subscription with its address, which only its desk sees and masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: Uuid,
    pub email: String,
    pub tags: Vec<String>,
    /// Asked for and not confirmed.
    pub wanted: Vec<String>,
    pub language: String,
    pub asked_at: Instant,
    pub confirmed_at: Option<Instant>,
}

/// Those that run, the newest first. `tag`: confirmed with it; `confirmed`: or not yet.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut PgConnection,
    (tag, confirmed): (Option<&str>, Option<bool>),
    after: Option<Uuid>,
) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select id, email as "email!", tags, wanted, language, asked_at, confirmed_at from segment_subscription
           where left_at is null and ($1::text is null or $1 = any(tags))
             and ($2::bool is null or (confirmed_at is not null) = $2) and ($3::uuid is null or id < $3)
           order by id desc limit $4"#,
        tag,
        confirmed,
        after,
        PAGE
    )
    .fetch_all(conn)
    .await
}

/// The one of an address, however it is typed.
///
/// # Errors
/// The database's.
pub async fn by_address(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select id, email as "email!", tags, wanted, language, asked_at, confirmed_at from segment_subscription
           where left_at is null and lower(email) = lower($1)"#,
        email
    )
    .fetch_optional(conn)
    .await
}

/// Whether there was ever one with this id.
///
/// # Errors
/// The database's.
pub async fn is_known(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from segment_subscription where id = $1) as "is_known!""#, id)
        .fetch_one(conn)
        .await
}

/// How many confirmed in which month, "2026-02", of those that run.
///
/// # Errors
/// The database's.
pub async fn by_month(conn: &mut PgConnection, tz: chrono_tz::Tz) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"select tag as "tag!", to_char(s.confirmed_at at time zone $1, 'YYYY-MM') as "month!", count(*) as "people!"
           from segment_subscription s cross join lateral unnest(s.tags) tag
           where s.left_at is null and s.confirmed_at is not null group by 1, 2"#,
        tz.name()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tag, row.month, row.people)).collect())
}
