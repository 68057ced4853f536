//! Volunteers, calls, presence and nuclei in PostgreSQL.

mod calls;
mod nupdec;

use sqlx::PgConnection;
use uuid::Uuid;

use super::hours::Span;
use super::{Signup, State};
use crate::clock::Instant;

pub use calls::{
    Called, Callout, Linked, NewCallout, Waiting, add_call, add_callout, answer, called, callouts, close_callout,
    linked, volunteer_of, waiting,
};
pub use nupdec::{
    Drill, Member, Nucleus, Radio, add_drill, add_nucleus, add_radio, drills, join, members, nuclei, part, radios,
};

/// Volunteers of one page, and of one call.
pub const MOST: i64 = 2000;

pub async fn keep_signup(
    conn: &mut PgConnection,
    now: Instant,
    code: Uuid,
    sealed: &[u8],
    expires_at: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into volunteer_signup (code_id, sealed, created_at, expires_at) values ($1, $2, $3, $4)",
        code,
        sealed,
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn signup_waits(conn: &mut PgConnection, now: Instant, code: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from volunteer_signup where code_id = $1 and used_at is null and expires_at > $2) as "waits!""#,
        code,
        now
    )
    .fetch_one(conn)
    .await
}

/// Takes the form, once, and uses its code up with it.
pub async fn take_signup(conn: &mut PgConnection, now: Instant, code: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        r#"with taken as (
            update volunteer_signup set used_at = $2, sealed = '' where code_id = $1 and used_at is null and expires_at > $2
            returning code_id, (select s.sealed from volunteer_signup s where s.code_id = $1) as sealed
        ), used as (update resident_code k set used_at = $2 from taken where k.id = taken.code_id and k.used_at is null)
        select sealed as "sealed!" from taken"#,
        code,
        now
    )
    .fetch_optional(conn)
    .await
}

/// Writes a volunteer down, or what they say anew. Gives back the id, and whether they are new.
pub async fn register(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    at: (&str, &str),
    said: &Signup,
) -> sqlx::Result<(Uuid, bool)> {
    let skills: Vec<String> = said.skills.iter().map(ToString::to_string).collect();
    let row = sqlx::query!(
        r#"insert into volunteer (id, name, channel, address, district, skills, language, state, consent_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, 'registered', $8, $8)
        on conflict (channel, address) where state <> 'left' do update set name = excluded.name, district = excluded.district,
            skills = excluded.skills, language = excluded.language returning id, created_at = $8 and id = $1 as "new!""#,
        id,
        said.name,
        at.0,
        at.1,
        said.district,
        &skills,
        said.language,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((row.id, row.new))
}

/// A volunteer.
#[derive(Clone, Debug)]
pub struct Volunteer {
    pub id: Uuid,
    pub name: String,
    pub channel: String,
    pub address: String,
    pub district: String,
    pub skills: Vec<String>,
    pub language: String,
    pub state: String,
    pub created_at: Instant,
    /// Since when they are there.
    pub present_since: Option<Instant>,
}

/// Whom to find.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    pub id: Option<Uuid>,
    /// Any of these; empty = whatever.
    pub skills: &'a [String],
    pub district: Option<&'a str>,
    /// Only whoever was accepted.
    pub accepted: bool,
}

/// By name; whoever left comes last.
pub async fn list(conn: &mut PgConnection, wanted: Wanted<'_>) -> sqlx::Result<Vec<Volunteer>> {
    sqlx::query_as!(
        Volunteer,
        r#"select v.id, v.name, v.channel, v.address, v.district, v.skills, v.language, v.state, v.created_at, p.in_at as "present_since?"
        from volunteer v left join volunteer_presence p on p.volunteer_id = v.id and p.out_at is null
        where ($1::uuid is null or v.id = $1) and (cardinality($2::text[]) = 0 or v.skills && $2)
            and ($3::text is null or lower(v.district) = lower($3)) and (not $4 or v.state = 'accepted')
        order by v.state = 'left', v.state, lower(v.name), v.id limit $5"#,
        wanted.id,
        wanted.skills,
        wanted.district,
        wanted.accepted,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// The state, with the row locked.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<State>> {
    let state =
        sqlx::query_scalar!("select state from volunteer where id = $1 for update", id).fetch_optional(conn).await?;
    // The column's constraint admits only known words.
    Ok(state.map(|word| word.parse().unwrap_or(State::Left)))
}

/// Whoever left keeps neither name nor address.
pub async fn set_state(conn: &mut PgConnection, now: Instant, id: Uuid, state: State) -> sqlx::Result<()> {
    sqlx::query!(
        "update volunteer set state = $2, left_at = case when $2 = 'left' then $3::timestamptz end,
            name = case when $2 = 'left' then '' else name end, address = case when $2 = 'left' then '' else address end,
            district = case when $2 = 'left' then '' else district end, skills = case when $2 = 'left' then '{}' else skills end where id = $1",
        id,
        state.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False when they are there already.
pub async fn come(
    conn: &mut PgConnection,
    now: Instant,
    (id, volunteer): (Uuid, Uuid),
    (incident, task): (Option<Uuid>, &str),
    actor: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into volunteer_presence (id, volunteer_id, incident_id, task, in_at, in_by) values ($1, $2, $3, $4, $5, $6)
        on conflict (volunteer_id) where out_at is null do nothing",
        id,
        volunteer,
        incident,
        task,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends a presence; nobody is there for more than a day at once, so one that was forgotten ends after eight hours.
pub async fn go(conn: &mut PgConnection, now: Instant, volunteer: Uuid, actor: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update volunteer_presence set out_by = $3,
            out_at = case when $2::timestamptz - in_at > interval '24 hours' then in_at + interval '8 hours' else greatest($2, in_at) end
        where volunteer_id = $1 and out_at is null",
        volunteer,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A presence as it is told.
#[derive(Clone, Debug)]
pub struct Presence {
    pub task: String,
    pub incident: Option<String>,
    pub in_at: Instant,
    pub out_at: Option<Instant>,
}

impl Presence {
    pub const fn span(&self) -> Span {
        Span { from: self.in_at, until: self.out_at }
    }
}

/// The newest first.
pub async fn presences(
    conn: &mut PgConnection,
    volunteer: Uuid,
    (since, until): (Instant, Instant),
) -> sqlx::Result<Vec<Presence>> {
    sqlx::query_as!(
        Presence,
        r#"select p.task, i.number as "incident?", p.in_at, p.out_at from volunteer_presence p left join incident i on i.id = p.incident_id
        where p.volunteer_id = $1 and p.in_at < $3 and (p.out_at is null or p.out_at > $2) order by p.in_at desc limit 1000"#,
        volunteer,
        since,
        until
    )
    .fetch_all(conn)
    .await
}
