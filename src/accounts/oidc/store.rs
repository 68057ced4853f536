//! People, sign-ins under way and sessions of the identity provider in PostgreSQL.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::accounts::Roles;
use crate::accounts::store::token_sha256;
use crate::clock::Instant;
use crate::ids::{Ids, StaffId};

/// How long somebody may take at the provider.
pub const LOGIN_MIN: i64 = 10;

/// A sign-in that is begun.
#[derive(Clone, Debug)]
pub struct Login {
    pub nonce: String,
    pub pkce_verifier: String,
    pub next: String,
    /// Who joins their account here to the one over there.
    pub staff_id: Option<StaffId>,
}

/// A member of staff as the provider's answer finds them.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: StaffId,
    pub username: String,
    pub roles: Roles,
    pub disabled: bool,
}

/// Keeps a sign-in until the browser comes back, and sweeps those that never did.
pub async fn begin(
    conn: &mut PgConnection,
    now: Instant,
    state: &str,
    browser: &str,
    login: &Login,
) -> sqlx::Result<()> {
    sqlx::query!("delete from oidc_login where expires_at <= $1", now).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into oidc_login (state_sha256, browser_sha256, nonce, pkce_verifier, next, staff_id, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        token_sha256(state),
        token_sha256(browser),
        login.nonce,
        login.pkce_verifier,
        login.next,
        login.staff_id.map(|id| id.0),
        now + TimeDelta::minutes(LOGIN_MIN)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a sign-in up. `None` when it is unknown, too old, used, or of another browser.
pub async fn take(conn: &mut PgConnection, now: Instant, state: &str, browser: &str) -> sqlx::Result<Option<Login>> {
    sqlx::query_as!(
        Login,
        r#"delete from oidc_login where state_sha256 = $1 and browser_sha256 = $2 and expires_at > $3
           returning nonce, pkce_verifier, next, staff_id as "staff_id: StaffId""#,
        token_sha256(state),
        token_sha256(browser),
        now
    )
    .fetch_optional(conn)
    .await
}

/// The member who has this subject, locked until the transaction ends.
pub async fn known(conn: &mut PgConnection, issuer: &str, subject: &str) -> sqlx::Result<Option<Known>> {
    let row = sqlx::query!(
        r#"select s.id as "id: StaffId", s.username, s.roles, s.disabled_at from oidc_subject o
           join staff s on s.id = o.staff_id where o.issuer = $1 and o.subject = $2 for update of s"#,
        issuer,
        subject
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let roles = Roles::parse(&row.roles).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Some(Known { id: row.id, username: row.username, roles, disabled: row.disabled_at.is_some() }))
}

/// Adds a member without a password. When the user name is somebody else's, a number goes behind it: two people are never
/// taken for one.
pub async fn add(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    (username, name): (&str, &str),
    roles: &Roles,
) -> sqlx::Result<(StaffId, String)> {
    for number in 1..=99 {
        let candidate = if number == 1 { username.to_owned() } else { format!("{username}.{number}") };
        let added = sqlx::query_scalar!(
            r#"insert into staff (id, username, name, roles, password_hash, created_at) values ($1, $2, $3, $4, null, $5)
               on conflict (username) do nothing returning id as "id: StaffId""#,
            ids.uuid(now),
            candidate,
            name,
            &roles.words(),
            now
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = added {
            return Ok((id, candidate));
        }
    }
    Err(sqlx::Error::Protocol(format!("user names {username} to {username}.99 are all taken")))
}

/// Joins a member to a subject. False when either is joined already.
pub async fn link(
    conn: &mut PgConnection,
    now: Instant,
    issuer: &str,
    subject: &str,
    id: StaffId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into oidc_subject (issuer, subject, staff_id, linked_at) values ($1, $2, $3, $4) on conflict do nothing",
        issuer,
        subject,
        id.0,
        now
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// False when there was nothing to take apart.
pub async fn unlink(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from oidc_subject where staff_id = $1", id.0).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Since when a member is joined to somebody at the provider.
pub async fn linked_at(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<Option<Instant>> {
    sqlx::query_scalar!("select linked_at from oidc_subject where staff_id = $1", id.0).fetch_optional(conn).await
}

/// Remembers that the provider opened this session.
pub async fn opened(
    conn: &mut PgConnection,
    token: &str,
    (issuer, subject): (&str, &str),
    sid: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oidc_session (token_sha256, issuer, subject, sid) values ($1, $2, $3, $4)",
        token_sha256(token),
        issuer,
        subject,
        sid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers that the provider vouched for a sign-in whose second step is still to come here.
pub async fn half(
    conn: &mut PgConnection,
    token: &str,
    (issuer, subject): (&str, &str),
    sid: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oidc_half (token_sha256, issuer, subject, sid) values ($1, $2, $3, $4)",
        token_sha256(token),
        issuer,
        subject,
        sid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// After the second step: the session that came of it is the provider's too.
pub async fn carry_over(conn: &mut PgConnection, half: &str, session: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oidc_session (token_sha256, issuer, subject, sid)
         select $2, issuer, subject, sid from oidc_half where token_sha256 = $1",
        token_sha256(half),
        token_sha256(session)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the provider opened the session with this token.
pub async fn is_from_provider(conn: &mut PgConnection, token: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from oidc_session where token_sha256 = $1) as "found!""#,
        token_sha256(token)
    );
    found.fetch_one(conn).await
}

/// Ends what the provider says is over: the one session it names, or all of a person's. Gives back whose, each once.
pub async fn end_from_provider(
    conn: &mut PgConnection,
    issuer: &str,
    subject: Option<&str>,
    sid: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"with gone as (
               delete from staff_session t using oidc_session o
               where o.token_sha256 = t.token_sha256 and o.issuer = $1 and ($2::text is null or o.subject = $2)
                   and ($3::text is null or o.sid = $3) and not ($2::text is null and $3::text is null)
               returning t.staff_id)
           select distinct s.username from staff s join gone on gone.staff_id = s.id order by 1"#,
        issuer,
        subject,
        sid
    )
    .fetch_all(conn)
    .await
}

/// False when this logout token was obeyed before.
pub async fn first_use(conn: &mut PgConnection, now: Instant, jti: &str, expires_at: Instant) -> sqlx::Result<bool> {
    sqlx::query!("delete from oidc_logout where expires_at <= $1", now).execute(&mut *conn).await?;
    let done = sqlx::query!(
        "insert into oidc_logout (jti_sha256, expires_at) values ($1, $2) on conflict do nothing",
        token_sha256(jti),
        expires_at
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
