//! Call-outs, whom they called, and what these answered.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::volunteers::Answer;

/// A call-out as it is written.
#[derive(Clone, Copy, Debug)]
pub struct NewCallout<'a> {
    pub id: Uuid,
    pub incident: Option<Uuid>,
    pub text: &'a str,
    pub skills: &'a [String],
    pub district: &'a str,
    pub wanted: i32,
    pub expires_at: Instant,
    pub actor: &'a str,
}

pub async fn add_callout(conn: &mut PgConnection, now: Instant, new: NewCallout<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into volunteer_callout (id, incident_id, text, skills, district, wanted, called_at, called_by, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.incident,
        new.text,
        new.skills,
        new.district,
        new.wanted,
        now,
        new.actor,
        new.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_call(
    conn: &mut PgConnection,
    (id, callout, volunteer): (Uuid, Uuid, Uuid),
    (notice, code): (Uuid, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into volunteer_call (id, callout_id, volunteer_id, notice_id, code) values ($1, $2, $3, $4, $5)",
        id,
        callout,
        volunteer,
        notice,
        code
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A call-out with what came of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Callout)]
pub struct Callout {
    pub id: Uuid,
    pub incident: Option<Uuid>,
    pub text: String,
    pub skills: Vec<String>,
    pub district: String,
    pub wanted: i32,
    #[schema(value_type = String)]
    pub called_at: Instant,
    pub called_by: String,
    #[schema(value_type = String)]
    pub expires_at: Instant,
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Instant>,
    pub called: i64,
    pub yes: i64,
    pub no: i64,
}

/// The newest first.
pub async fn callouts(conn: &mut PgConnection, id: Option<Uuid>) -> sqlx::Result<Vec<Callout>> {
    sqlx::query_as!(
        Callout,
        r#"select c.id, c.incident_id as incident, c.text, c.skills, c.district, c.wanted, c.called_at, c.called_by, c.expires_at, c.closed_at,
            (select count(*) from volunteer_call v where v.callout_id = c.id) as "called!",
            (select count(*) from volunteer_call v where v.callout_id = c.id and v.answer = 'yes') as "yes!",
            (select count(*) from volunteer_call v where v.callout_id = c.id and v.answer = 'no') as "no!"
        from volunteer_callout c where $1::uuid is null or c.id = $1 order by c.called_at desc, c.id limit 100"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// One who was called.
#[derive(Clone, Debug)]
pub struct Called {
    pub volunteer: Uuid,
    pub name: String,
    pub answer: Option<String>,
    pub answered_at: Option<Instant>,
    pub answered_how: Option<String>,
    /// What became of the message; empty once it is forgotten.
    pub notice: String,
}

pub async fn called(conn: &mut PgConnection, callout: Uuid) -> sqlx::Result<Vec<Called>> {
    sqlx::query_as!(
        Called,
        r#"select v.id as volunteer, v.name, c.answer, c.answered_at, c.answered_how, coalesce(n.state, '') as "notice!"
        from volunteer_call c join volunteer v on v.id = c.volunteer_id left join notice n on n.id = c.notice_id
        where c.callout_id = $1 order by c.answer is distinct from 'yes', c.answer nulls last, lower(v.name), v.id"#,
        callout
    )
    .fetch_all(conn)
    .await
}

/// A call as whoever has its link sees it.
#[derive(Clone, Debug)]
pub struct Linked {
    pub text: String,
    pub name: String,
    pub answer: Option<String>,
    /// Whether an answer still counts.
    pub stands: bool,
}

pub async fn linked(conn: &mut PgConnection, now: Instant, call: Uuid) -> sqlx::Result<Option<Linked>> {
    sqlx::query_as!(
        Linked,
        r#"select o.text, v.name, c.answer, o.closed_at is null and o.expires_at > $2 as "stands!" from volunteer_call c
            join volunteer_callout o on o.id = c.callout_id join volunteer v on v.id = c.volunteer_id where c.id = $1"#,
        call,
        now
    )
    .fetch_optional(conn)
    .await
}

/// Whose call it is.
pub async fn volunteer_of(conn: &mut PgConnection, call: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select volunteer_id from volunteer_call where id = $1", call).fetch_optional(conn).await
}

/// Writes an answer down; the last one counts while the call stands. Gives back the volunteer and the call-out.
pub async fn answer(
    conn: &mut PgConnection,
    now: Instant,
    call: Uuid,
    (answer, how): (Answer, &str),
) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        "update volunteer_call c set answer = $3, answered_at = $2, answered_how = $4 from volunteer_callout o
        where c.id = $1 and o.id = c.callout_id and o.closed_at is null and o.expires_at > $2 returning c.volunteer_id, c.callout_id",
        call,
        now,
        answer.as_str(),
        how
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.volunteer_id, row.callout_id)))
}

/// A call that waits for this telephone (E.164).
#[derive(Clone, Debug)]
pub struct Waiting {
    pub call: Uuid,
    pub code: String,
    pub language: String,
}

/// The newest first.
pub async fn waiting(conn: &mut PgConnection, now: Instant, phone: &str) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        "select c.id as call, c.code, v.language from volunteer_call c join volunteer v on v.id = c.volunteer_id
            join volunteer_callout o on o.id = c.callout_id
        where v.channel = 'sms' and v.address = $1 and o.closed_at is null and o.expires_at > $2 order by o.called_at desc limit 20",
        phone,
        now
    )
    .fetch_all(conn)
    .await
}

/// False when it is closed already.
pub async fn close_callout(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("update volunteer_callout set closed_at = $2 where id = $1 and closed_at is null", id, now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
