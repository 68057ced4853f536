//! What stands before a session: failures that make one wait, half-done sign-ins, browsers known from before, and links
//! that work once.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::token_sha256;
use crate::clock::Instant;
use crate::ids::{Ids, StaffId};
use crate::units::vocabulary;

/// How long somebody has for the second step.
pub const HALF_MIN: i64 = 10;

/// How long a browser stays known.
pub const BROWSER_DAYS: i64 = 180;

/// Failures under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: i32,
    pub last_at: Instant,
}

/// The failures under a key, holding its row until the transaction ends, so that tries at the same moment queue up.
pub async fn failures(conn: &mut PgConnection, key: &[u8]) -> sqlx::Result<Option<Failures>> {
    sqlx::query_as!(Failures, "select failures as count, last_at from sign_in_failure where key = $1 for update", key)
        .fetch_optional(conn)
        .await
}

/// Counts a failure, and gives back how many there are now. One longer ago than `forget` begins the count anew.
pub async fn count_failure(conn: &mut PgConnection, now: Instant, key: &[u8], forget: TimeDelta) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into sign_in_failure (key, failures, last_at) values ($1, 1, $2)
         on conflict (key) do update set last_at = excluded.last_at,
             failures = case when sign_in_failure.last_at < $3 then 1 else least(sign_in_failure.failures, 1000000) + 1 end
         returning failures",
        key,
        now,
        now - forget
    )
    .fetch_one(conn)
    .await
}

/// Takes one counted failure back: the try was none.
pub async fn take_back(conn: &mut PgConnection, key: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update sign_in_failure set failures = greatest(failures - 1, 0) where key = $1", key)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn forget_failures(conn: &mut PgConnection, key: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failure where key = $1", key).execute(conn).await?;
    Ok(())
}

/// Removes what has run out, so that guessing fills no table.
pub async fn sweep(conn: &mut PgConnection, now: Instant, forget: TimeDelta) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failure where last_at < $1", now - forget).execute(&mut *conn).await?;
    sqlx::query!("delete from sign_in_half where expires_at <= $1", now).execute(&mut *conn).await?;
    sqlx::query!("delete from known_browser where expires_at <= $1", now).execute(conn).await?;
    Ok(())
}

/// Remembers that the password fitted. The token binds the second step to the same browser.
pub async fn begin_half(conn: &mut PgConnection, ids: &Ids, now: Instant, staff_id: StaffId) -> sqlx::Result<String> {
    let token = ids.secret();
    sqlx::query!(
        "insert into sign_in_half (token_sha256, staff_id, expires_at) values ($1, $2, $3)",
        token_sha256(&token),
        staff_id.0,
        now + TimeDelta::minutes(HALF_MIN)
    )
    .execute(conn)
    .await?;
    Ok(token)
}

/// Whose second step this is: their id and user name.
pub async fn half(conn: &mut PgConnection, now: Instant, token: &str) -> sqlx::Result<Option<(StaffId, String)>> {
    let row = sqlx::query!(
        r#"select s.id as "id: StaffId", s.username from sign_in_half h join staff s on s.id = h.staff_id
           where h.token_sha256 = $1 and h.expires_at > $2 and s.disabled_at is null"#,
        token_sha256(token),
        now
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.id, row.username)))
}

/// Ends a half-done sign-in. False when it is gone already: two requests never both finish it.
pub async fn end_half(conn: &mut PgConnection, token: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from sign_in_half where token_sha256 = $1", token_sha256(token));
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Whether this person signed in from this browser before.
pub async fn knows_browser(conn: &mut PgConnection, now: Instant, username: &str, token: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from known_browser k join staff s on s.id = k.staff_id
               where k.token_sha256 = $1 and s.username = $2 and k.expires_at > $3) as "known!""#,
        token_sha256(token),
        username,
        now
    )
    .fetch_one(conn)
    .await
}

pub async fn know_browser(conn: &mut PgConnection, ids: &Ids, now: Instant, staff_id: StaffId) -> sqlx::Result<String> {
    let token = ids.secret();
    sqlx::query!(
        "insert into known_browser (token_sha256, staff_id, expires_at) values ($1, $2, $3)",
        token_sha256(&token),
        staff_id.0,
        now + TimeDelta::days(BROWSER_DAYS)
    )
    .execute(conn)
    .await?;
    Ok(token)
}

pub async fn forget_browsers(conn: &mut PgConnection, staff_id: StaffId) -> sqlx::Result<()> {
    sqlx::query!("delete from known_browser where staff_id = $1", staff_id.0).execute(conn).await?;
    Ok(())
}

vocabulary! {
    /// What a link that works once is for.
    LinkKind, "kind of link" {
        Invitation = "invitation",
        Reset = "reset",
        /// Makes the first administrator; belongs to nobody yet.
        Setup = "setup",
    }
}

impl LinkKind {
    /// How long it works.
    pub fn lasts(self) -> TimeDelta {
        match self {
            Self::Invitation => TimeDelta::hours(72),
            Self::Reset => TimeDelta::minutes(30),
            Self::Setup => TimeDelta::days(3650),
        }
    }
}

/// Makes a link's token. Earlier unused ones of the same kind and person stop working.
pub async fn make_link(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    kind: LinkKind,
    staff_id: Option<StaffId>,
) -> sqlx::Result<String> {
    let token = ids.secret();
    let holder = staff_id.map(|id| id.0);
    sqlx::query!(
        "update staff_link set used_at = $3 where kind = $1 and staff_id is not distinct from $2 and used_at is null",
        kind.as_str(),
        holder,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into staff_link (token_sha256, kind, staff_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        token_sha256(&token),
        kind.as_str(),
        holder,
        now,
        now + kind.lasts()
    )
    .execute(conn)
    .await?;
    Ok(token)
}

/// Links of this kind made for a person since `since`.
pub async fn links_since(
    conn: &mut PgConnection,
    kind: LinkKind,
    staff_id: StaffId,
    since: Instant,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from staff_link where kind = $1 and staff_id = $2 and created_at > $3"#,
        kind.as_str(),
        staff_id.0,
        since
    )
    .fetch_one(conn)
    .await
}

/// Whose link this is, as long as it works. The outer `None`: it does not. The inner one: it is nobody's (set-up).
pub async fn link(
    conn: &mut PgConnection,
    now: Instant,
    kind: LinkKind,
    token: &str,
) -> sqlx::Result<Option<Option<StaffId>>> {
    let row = sqlx::query!(
        r#"select l.staff_id as "staff_id: StaffId" from staff_link l left join staff s on s.id = l.staff_id
           where l.token_sha256 = $1 and l.kind = $2 and l.used_at is null and l.expires_at > $3 and s.disabled_at is null"#,
        token_sha256(token),
        kind.as_str(),
        now
    );
    Ok(row.fetch_optional(conn).await?.map(|row| row.staff_id))
}

/// Uses a link up. False when it does not work, or somebody used it at this very moment.
pub async fn use_link(conn: &mut PgConnection, now: Instant, kind: LinkKind, token: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update staff_link set used_at = $3 where token_sha256 = $1 and kind = $2 and used_at is null and expires_at > $3",
        token_sha256(token),
        kind.as_str(),
        now
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Ends every link of a person.
pub async fn end_links(conn: &mut PgConnection, now: Instant, staff_id: StaffId) -> sqlx::Result<()> {
    sqlx::query!("update staff_link set used_at = $2 where staff_id = $1 and used_at is null", staff_id.0, now)
        .execute(conn)
        .await?;
    Ok(())
}
