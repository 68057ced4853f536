//! Meetings.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::deadlines::Step;
use crate::secretariat::kernel::body::life::State;
use crate::secretariat::kernel::body::{ApprovedHow, Meeting, MeetingKind};

/// Meetings that one list gives.
pub const PAGE: i64 = 100;

struct Row {
    id: Uuid,
    body_id: Uuid,
    year: i32,
    number: i32,
    kind: String,
    state: String,
    starts_at: Instant,
    place: String,
    urgency: String,
    earliest_at: Instant,
    notice_law_ref: String,
    notice_trace: Json<Vec<Step>>,
    convened_at: Instant,
    opened_at: Option<Instant>,
    opened_call: Option<i16>,
    ended_at: Option<Instant>,
    cancel_reason: String,
    minutes: String,
    minutes_revision: i32,
    approved_how: Option<String>,
    approved_at: Option<Instant>,
    minutes_sha256: Option<String>,
    pdf_sha256: Option<String>,
    published_at: Option<Instant>,
    sequence: i32,
    changed_at: Instant,
}

impl TryFrom<Row> for Meeting {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            body_id: row.body_id,
            year: row.year,
            number: row.number,
            kind: row.kind.parse().map_err(decode)?,
            state: row.state.parse().map_err(decode)?,
            starts_at: row.starts_at,
            place: row.place,
            urgency: row.urgency,
            earliest_at: row.earliest_at,
            notice_law_ref: row.notice_law_ref,
            notice_trace: row.notice_trace.0,
            convened_at: row.convened_at,
            opened_at: row.opened_at,
            opened_call: row.opened_call,
            ended_at: row.ended_at,
            cancel_reason: row.cancel_reason,
            minutes: row.minutes,
            minutes_revision: row.minutes_revision,
            approved_how: row.approved_how.map(|how| how.parse()).transpose().map_err(decode)?,
            approved_at: row.approved_at,
            minutes_sha256: row.minutes_sha256,
            pdf_sha256: row.pdf_sha256,
            published_at: row.published_at,
            sequence: row.sequence,
            changed_at: row.changed_at,
        })
    }
}

/// Of a body, the latest first; those before a time, where one is given.
pub async fn list(conn: &mut PgConnection, body: Uuid, before: Option<Instant>) -> sqlx::Result<Vec<Meeting>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, body_id, year, number, kind, state, starts_at, place, urgency, earliest_at, notice_law_ref,
               notice_trace as "notice_trace: Json<Vec<Step>>", convened_at, opened_at, opened_call, ended_at, cancel_reason, minutes,
               minutes_revision, approved_how, approved_at, minutes_sha256, pdf_sha256, published_at, sequence, changed_at
           from body_meeting where body_id = $1 and ($2::timestamptz is null or starts_at < $2) order by starts_at desc, id desc limit $3"#,
        body,
        before,
        PAGE
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Meeting::try_from).collect()
}

/// One of a body by its number, held until the transaction ends where that is asked for.
pub async fn find(
    conn: &mut PgConnection,
    body: Uuid,
    (year, number): (i32, i32),
    is_held: bool,
) -> sqlx::Result<Option<Meeting>> {
    if is_held {
        sqlx::query!(
            "select id from body_meeting where body_id = $1 and year = $2 and number = $3 for no key update",
            body,
            year,
            number
        )
        .fetch_optional(&mut *conn)
        .await?;
    }
    let row = sqlx::query_as!(
        Row,
        r#"select id, body_id, year, number, kind, state, starts_at, place, urgency, earliest_at, notice_law_ref,
               notice_trace as "notice_trace: Json<Vec<Step>>", convened_at, opened_at, opened_call, ended_at, cancel_reason, minutes,
               minutes_revision, approved_how, approved_at, minutes_sha256, pdf_sha256, published_at, sequence, changed_at
           from body_meeting where body_id = $1 and year = $2 and number = $3"#,
        body,
        year,
        number
    )
    .fetch_optional(conn)
    .await?;
    row.map(Meeting::try_from).transpose()
}

pub async fn by_id(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Meeting>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, body_id, year, number, kind, state, starts_at, place, urgency, earliest_at, notice_law_ref,
               notice_trace as "notice_trace: Json<Vec<Step>>", convened_at, opened_at, opened_call, ended_at, cancel_reason, minutes,
               minutes_revision, approved_how, approved_at, minutes_sha256, pdf_sha256, published_at, sequence, changed_at
           from body_meeting where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(Meeting::try_from).transpose()
}

/// A meeting to convene.
#[derive(Clone, Copy, Debug)]
pub struct NewMeeting<'a> {
    pub id: Uuid,
    pub body: Uuid,
    pub year: i32,
    pub number: i32,
    pub kind: MeetingKind,
    pub starts_at: Instant,
    pub place: &'a str,
    pub urgency: &'a str,
    pub earliest_at: Instant,
    pub law_ref: &'a str,
    pub trace: &'a [Step],
}

pub async fn insert(conn: &mut PgConnection, new: &NewMeeting<'_>, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_meeting (id, body_id, year, number, kind, state, starts_at, place, urgency, earliest_at, notice_law_ref,
             notice_trace, convened_at, convened_by, changed_at)
         values ($1, $2, $3, $4, $5, 'convened', $6, $7, $8, $9, $10, $11, $12, $13, $12)",
        new.id,
        new.body,
        new.year,
        new.number,
        new.kind.as_str(),
        new.starts_at,
        new.place,
        new.urgency,
        new.earliest_at,
        new.law_ref,
        Json(new.trace) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves a meeting that has no other mark for the move than its state.
pub async fn set_state(conn: &mut PgConnection, id: Uuid, state: State, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = $2, changed_at = $3, sequence = sequence + 1 where id = $1",
        id,
        state.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn open(conn: &mut PgConnection, id: Uuid, call: i16, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'opened', opened_at = $2, opened_call = $3, changed_at = $2, sequence = sequence + 1 where id = $1",
        id,
        now,
        call
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn close(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'held', ended_at = $2, changed_at = $2, sequence = sequence + 1 where id = $1",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn cancel(conn: &mut PgConnection, id: Uuid, reason: &str, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'cancelled', cancel_reason = $2, changed_at = $3, sequence = sequence + 1 where id = $1",
        id,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the text of the minutes, and that there is one.
pub async fn write_minutes(conn: &mut PgConnection, id: Uuid, text: &str, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'drafted', minutes = $2, minutes_revision = minutes_revision + 1, changed_at = $3 where id = $1",
        id,
        text,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How minutes were approved, and the document that was made of them.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    pub how: ApprovedHow,
    pub within: Option<Uuid>,
    pub approvals: Option<i32>,
    pub minutes_sha256: &'a str,
    pub pdf_sha256: &'a str,
    pub pdf: &'a [u8],
}

pub async fn approve(
    conn: &mut PgConnection,
    id: Uuid,
    one: Approval<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'approved', approved_how = $2, approved_in = $3, approvals = $4, minutes_sha256 = $5,
             pdf_sha256 = $6, pdf = $7, approved_at = $8, approved_by = $9, changed_at = $8 where id = $1",
        id,
        one.how.as_str(),
        one.within,
        one.approvals,
        one.minutes_sha256,
        one.pdf_sha256,
        one.pdf,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn publish(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update body_meeting set state = 'published', published_at = $2, changed_at = $2 where id = $1",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The document of approved minutes.
pub async fn pdf(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select pdf from body_meeting where id = $1", id).fetch_optional(conn).await?.flatten())
}

/// What a body did in a span: meetings held, without quorum, cancelled, and resolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = BodySums)]
pub struct Sums {
    pub held: i64,
    pub no_quorum: i64,
    pub cancelled: i64,
    pub resolutions: i64,
}

pub async fn sums(conn: &mut PgConnection, body: Uuid, year: i32) -> sqlx::Result<Sums> {
    sqlx::query_as!(
        Sums,
        r#"select count(*) filter (where ended_at is not null) as "held!", count(*) filter (where state = 'no_quorum') as "no_quorum!",
               count(*) filter (where state = 'cancelled') as "cancelled!",
               (select count(*) from body_resolution r where r.body_id = $1 and r.year = $2) as "resolutions!"
           from body_meeting where body_id = $1 and year = $2"#,
        body,
        year
    )
    .fetch_one(conn)
    .await
}

/// How often a seat was filled in the held meetings of a year.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = BodyAttendanceOfSeat)]
pub struct SeatSum {
    pub seat_id: Uuid,
    pub entity: String,
    pub titular: i64,
    pub substitute: i64,
    /// Held meetings while the seat was there.
    pub meetings: i64,
}

pub async fn attendance(
    conn: &mut PgConnection,
    (body, year): (Uuid, i32),
    tz: chrono_tz::Tz,
) -> sqlx::Result<Vec<SeatSum>> {
    sqlx::query_as!(
        SeatSum,
        r#"with held as (select id, starts_at from body_meeting where body_id = $1 and year = $2 and ended_at is not null),
           -- A seat was filled when somebody was there at any time of the meeting.
           there as (select distinct on (a.meeting_id, a.seat_id) a.meeting_id, a.seat_id, a.capacity from body_attendance a
               join held h on h.id = a.meeting_id where a.present order by a.meeting_id, a.seat_id, a.id desc)
           select s.id as "seat_id!", s.entity as "entity!",
               count(t.seat_id) filter (where t.capacity = 'titular') as "titular!",
               count(t.seat_id) filter (where t.capacity = 'substitute') as "substitute!",
               count(h.id) as "meetings!"
           from body_seat s
           left join held h on h.starts_at >= s.created_at and (s.ended_on is null or (h.starts_at at time zone $3)::date <= s.ended_on)
           left join there t on t.meeting_id = h.id and t.seat_id = s.id
           where s.body_id = $1 group by s.id, s.entity, s.position order by s.position, s.id"#,
        body,
        year,
        tz.name()
    )
    .fetch_all(conn)
    .await
}

/// Years in which the body met.
pub async fn years(conn: &mut PgConnection, body: Uuid) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!("select distinct year from body_meeting where body_id = $1 order by year desc limit 50", body)
        .fetch_all(conn)
        .await
}
