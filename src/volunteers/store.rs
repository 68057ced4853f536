//! Volunteers, calls, presence and nuclei in PostgreSQL.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::hours::Span;
use super::{Answer, Signup, State};
use crate::clock::Instant;

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

/// A nucleus with its numbers.
#[derive(Clone, Debug)]
pub struct Nucleus {
    pub id: Uuid,
    pub name: String,
    pub district: String,
    pub members: i64,
    pub drills: i64,
    pub radios: i64,
    pub last_drill: Option<NaiveDate>,
}

pub async fn nuclei(conn: &mut PgConnection, id: Option<Uuid>) -> sqlx::Result<Vec<Nucleus>> {
    sqlx::query_as!(
        Nucleus,
        r#"select n.id, n.name, n.district, (select count(*) from nupdec_member m where m.nupdec_id = n.id) as "members!",
            (select count(*) from nupdec_drill d where d.nupdec_id = n.id) as "drills!",
            (select count(*) from nupdec_radio r where r.nupdec_id = n.id) as "radios!",
            (select max(held_on) from nupdec_drill d where d.nupdec_id = n.id) as last_drill
        from nupdec n where $1::uuid is null or n.id = $1 order by lower(n.name), n.id limit 500"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// False when there is one of this name.
pub async fn add_nucleus(
    conn: &mut PgConnection,
    now: Instant,
    (id, name, district): (Uuid, &str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into nupdec (id, name, district, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        id,
        name,
        district,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn join(
    conn: &mut PgConnection,
    now: Instant,
    (nucleus, volunteer): (Uuid, Uuid),
    role: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_member (nupdec_id, volunteer_id, role, since_at) values ($1, $2, $3, $4)
        on conflict (nupdec_id, volunteer_id) do update set role = excluded.role",
        nucleus,
        volunteer,
        role,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn part(conn: &mut PgConnection, nucleus: Uuid, volunteer: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from nupdec_member where nupdec_id = $1 and volunteer_id = $2", nucleus, volunteer)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn add_drill(
    conn: &mut PgConnection,
    nucleus: Uuid,
    (held_on, what, people): (NaiveDate, &str, i32),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_drill (nupdec_id, held_on, what, people, noted_by) values ($1, $2, $3, $4, $5)",
        nucleus,
        held_on,
        what,
        people,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_radio(
    conn: &mut PgConnection,
    nucleus: Uuid,
    (call_sign, channel): (&str, &str),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_radio (nupdec_id, call_sign, channel, noted_by) values ($1, $2, $3, $4)",
        nucleus,
        call_sign,
        channel,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A member of a nucleus.
#[derive(Clone, Debug)]
pub struct Member {
    pub volunteer: Uuid,
    pub name: String,
    pub role: String,
}

pub async fn members(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as!(
        Member,
        "select v.id as volunteer, v.name, m.role from nupdec_member m join volunteer v on v.id = m.volunteer_id
        where m.nupdec_id = $1 and v.state <> 'left' order by m.role, lower(v.name), v.id limit 500",
        nucleus
    )
    .fetch_all(conn)
    .await
}

/// A drill of a nucleus.
#[derive(Clone, Debug)]
pub struct Drill {
    pub held_on: NaiveDate,
    pub what: String,
    pub people: i32,
}

pub async fn drills(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Drill>> {
    sqlx::query_as!(
        Drill,
        "select held_on, what, people from nupdec_drill where nupdec_id = $1 order by held_on desc, id desc limit 100",
        nucleus
    )
    .fetch_all(conn)
    .await
}

/// A radio of a nucleus.
#[derive(Clone, Debug)]
pub struct Radio {
    pub call_sign: String,
    pub channel: String,
}

pub async fn radios(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Radio>> {
    sqlx::query_as!(
        Radio,
        "select call_sign, channel from nupdec_radio where nupdec_id = $1 order by call_sign, id limit 100",
        nucleus
    )
    .fetch_all(conn)
    .await
}
