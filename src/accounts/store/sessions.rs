//! Sessions of staff. Only hashes of their tokens are stored; a token is made here, never taken from a browser.

use std::net::IpAddr;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Member, decode, token_sha256};
use crate::accounts::Roles;
use crate::clock::Instant;
use crate::config::Accounts;
use crate::ids::{Ids, StaffId};

/// How often the time of the last use is written at most.
const TOUCH_EVERY_S: i64 = 60;

/// Letters kept of what a browser says of itself.
const AGENT_LETTERS: usize = 200;

/// What a session is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub staff_id: StaffId,
    pub address: Option<IpAddr>,
    /// The `User-Agent`.
    pub agent: &'a str,
    /// Whether a second factor was shown.
    pub second_factor: bool,
}

/// A session just made. `token` goes into the cookie and is stored nowhere.
#[derive(Debug)]
pub struct NewSession {
    pub token: String,
    pub expires_at: Instant,
}

/// Who is behind a cookie.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: Uuid,
    pub member: Member,
    pub csrf_token: String,
    pub second_factor: bool,
    pub opened_at: Instant,
}

/// A session as its owner sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: Uuid,
    pub address: Option<String>,
    pub agent: String,
    pub opened_at: Instant,
    pub last_used_at: Instant,
}

/// Opens a session and sweeps the expired ones of the same person.
pub async fn open(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    rules: &Accounts,
    opening: Opening<'_>,
) -> sqlx::Result<NewSession> {
    let session =
        NewSession { token: ids.secret(), expires_at: now + TimeDelta::hours(i64::from(rules.session_hours)) };
    sqlx::query!("delete from staff_session where staff_id = $1 and expires_at <= $2", opening.staff_id.0, now)
        .execute(&mut *conn)
        .await?;
    let agent: String = opening.agent.chars().filter(|letter| !letter.is_control()).take(AGENT_LETTERS).collect();
    sqlx::query!(
        "insert into staff_session (token_sha256, id, staff_id, csrf_token, created_at, last_used_at, expires_at, address,
                                    agent, second_factor)
         values ($1, $2, $3, $4, $5, $5, $6, $7::text::inet, $8, $9)",
        token_sha256(&session.token),
        ids.uuid(now),
        opening.staff_id.0,
        ids.secret(),
        now,
        session.expires_at,
        opening.address.map(|address| address.to_string()),
        agent,
        opening.second_factor
    )
    .execute(conn)
    .await?;
    Ok(session)
}

/// Who is behind this cookie, when it is alive. `used` says that a person did something, which keeps it alive.
pub async fn find(
    conn: &mut PgConnection,
    now: Instant,
    rules: &Accounts,
    token: &str,
    used: bool,
) -> sqlx::Result<Option<Session>> {
    let hash = token_sha256(token);
    let row = sqlx::query!(
        r#"select t.id as session, s.id as "id: StaffId", s.username, s.name, s.roles, s.language, t.csrf_token,
                  t.second_factor, t.created_at, t.last_used_at
           from staff_session t join staff s on s.id = t.staff_id
           where t.token_sha256 = $1 and t.expires_at > $2 and t.last_used_at > $3 and s.disabled_at is null"#,
        hash,
        now,
        now - idle(rules)
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if used && now - row.last_used_at >= TimeDelta::seconds(TOUCH_EVERY_S) {
        sqlx::query!(
            "update staff_session set last_used_at = $2 where token_sha256 = $1 and last_used_at < $2",
            hash,
            now
        )
        .execute(conn)
        .await?;
    }
    let roles = Roles::parse(&row.roles).map_err(decode)?;
    let (id, username, name) = (row.id, row.username, row.name);
    Ok(Some(Session {
        id: row.session,
        member: Member { id, username, name, roles, language: row.language, disabled_at: None },
        csrf_token: row.csrf_token,
        second_factor: row.second_factor,
        opened_at: row.created_at,
    }))
}

fn idle(rules: &Accounts) -> TimeDelta {
    TimeDelta::minutes(i64::from(rules.session_idle_min))
}

/// Ends the session with this token, whoever's it is.
pub async fn close(conn: &mut PgConnection, token: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from staff_session where token_sha256 = $1", token_sha256(token)).execute(conn).await?;
    Ok(())
}

/// The live sessions of a person, the last used first.
pub async fn of(
    conn: &mut PgConnection,
    now: Instant,
    rules: &Accounts,
    staff_id: StaffId,
) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select id, host(address) as address, agent, created_at as opened_at, last_used_at from staff_session
           where staff_id = $1 and expires_at > $2 and last_used_at > $3 order by last_used_at desc, id"#,
        staff_id.0,
        now,
        now - idle(rules)
    )
    .fetch_all(conn)
    .await
}

/// Ends one of a person's sessions. False when it is not theirs, or is gone.
pub async fn end(conn: &mut PgConnection, staff_id: StaffId, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from staff_session where staff_id = $1 and id = $2", staff_id.0, id);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Ends every session of a person but `except`, and gives back how many. Half-done sign-ins end too.
pub async fn end_all(conn: &mut PgConnection, staff_id: StaffId, except: Option<Uuid>) -> sqlx::Result<u64> {
    sqlx::query!("delete from sign_in_half where staff_id = $1", staff_id.0).execute(&mut *conn).await?;
    let done =
        sqlx::query!("delete from staff_session where staff_id = $1 and id is distinct from $2", staff_id.0, except);
    Ok(done.execute(conn).await?.rows_affected())
}
