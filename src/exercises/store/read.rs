//! Reading exercises.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::exercises::{Exercise, ExerciseState, Improvement, Inject, MOST_LISTED, MOST_SHOWN, Participant};
use crate::ids::ExerciseId;

impl sqlx::Type<sqlx::Postgres> for ExerciseState {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <str as sqlx::Type<sqlx::Postgres>>::type_info()
    }

    fn compatible(other: &sqlx::postgres::PgTypeInfo) -> bool {
        <str as sqlx::Type<sqlx::Postgres>>::compatible(other)
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Postgres> for ExerciseState {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(<&str as sqlx::Decode<sqlx::Postgres>>::decode(value)?.parse()?)
    }
}

/// Which exercises to read.
#[derive(Clone, Debug, Default)]
pub struct Which {
    pub id: Option<ExerciseId>,
    pub code: Option<String>,
    /// Those that begin in this span.
    pub from: Option<Instant>,
    pub until: Option<Instant>,
    /// Only what residents may see.
    pub listed: bool,
}

/// In the order of their beginnings, at most [`MOST_LISTED`].
///
/// # Errors
/// The database's; a state that this release does not know.
pub async fn list(conn: &mut PgConnection, which: &Which) -> anyhow::Result<Vec<Exercise>> {
    let mut rows = sqlx::query_as!(
        Exercise,
        r#"select e.id as "id: ExerciseId", e.code, e.title, e.scenario, e.cobrade, e.objectives, e.place, e.public_text,
                  e.responsible, e.starts_at, e.ends_at, e.listed, e.announce_days, e.announce_hours,
                  e.state as "state: ExerciseState", e.revision,
                  e.sequence, e.changed_at, e.created_at, e.created_by, e.announced_at, e.started_at, e.started_by,
                  e.finished_at, e.finished_by, e.reported_at, e.reported_by, e.cancelled_at, e.cancelled_by, e.cancel_reason,
                  e.problems, e.evaluation,
                  array(select r.code from exercise_area x join risk_area r on r.id = x.area_id
                        where x.exercise_id = e.id order by r.name, r.id) as "areas!",
                  array(select r.name from exercise_area x join risk_area r on r.id = x.area_id
                        where x.exercise_id = e.id order by r.name, r.id) as "area_names!",
                  (select count(*) from exercise_participant p where p.exercise_id = e.id and p.left_at is null) as "participants!"
           from exercise e
           where ($1::uuid is null or e.id = $1) and ($2::text is null or e.code = $2)
             and ($3::timestamptz is null or e.starts_at >= $3) and ($4::timestamptz is null or e.starts_at < $4)
             and (e.listed or not $5)
           order by e.starts_at desc, e.id desc limit $6"#,
        which.id.map(|id| id.0),
        which.code,
        which.from,
        which.until,
        which.listed,
        MOST_LISTED
    )
    .fetch_all(conn)
    .await?;
    // Where there are too many the oldest are left out.
    rows.reverse();
    Ok(rows)
}

/// One exercise; `None` when there is none of that id.
///
/// # Errors
/// As [`list`].
pub async fn load(conn: &mut PgConnection, id: ExerciseId) -> anyhow::Result<Option<Exercise>> {
    Ok(list(conn, &Which { id: Some(id), ..Which::default() }).await?.pop())
}

/// The one that residents know by this code.
///
/// # Errors
/// As [`list`].
pub async fn by_code(conn: &mut PgConnection, code: &str) -> anyhow::Result<Option<Exercise>> {
    // No code of ours has other letters, and PostgreSQL has no text with NUL in it.
    if code.len() != 8 || !code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Ok(None);
    }
    Ok(list(conn, &Which { code: Some(code.to_owned()), listed: true, ..Which::default() }).await?.pop())
}

/// The same, held against every other writer until the transaction ends.
///
/// # Errors
/// As [`list`].
pub async fn lock(conn: &mut PgConnection, id: ExerciseId) -> anyhow::Result<Option<Exercise>> {
    let found = sqlx::query_scalar!("select 1 as one from exercise where id = $1 for no key update", id.0)
        .fetch_optional(&mut *conn)
        .await?;
    if found.is_none() { Ok(None) } else { load(conn, id).await }
}

pub async fn injects(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<Inject>> {
    sqlx::query_as!(
        Inject,
        "select id, at_min, text, done_at, done_by from exercise_inject where exercise_id = $1 order by at_min, id",
        id.0
    )
    .fetch_all(conn)
    .await
}

pub async fn improvements(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<Improvement>> {
    sqlx::query_as!(
        Improvement,
        "select id, what, owner, due_on, done_at, done_by from exercise_action where exercise_id = $1 order by due_on, id",
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Who takes part or took part, staff first. Names of residents only where `residents` says so.
pub async fn participants(conn: &mut PgConnection, id: ExerciseId, residents: bool) -> sqlx::Result<Vec<Participant>> {
    sqlx::query_as!(
        Participant,
        r#"select p.id, p.kind,
                  case p.kind when 'staff' then s.name when 'resident' then case when $2 then r.name else '' end
                      else p.name end as "name!",
                  p.contact, p.phone, p.email, p.reach, p.joined_at, p.joined_by, p.left_at, p.acknowledged_at,
                  p.acknowledged_by, p.staff_id as "staff_id: crate::ids::StaffId",
                  p.resident_id as "resident_id: crate::ids::ResidentId"
           from exercise_participant p left join staff s on s.id = p.staff_id left join resident r on r.id = p.resident_id
           where p.exercise_id = $1
           order by array_position(array['staff', 'institution', 'nucleus', 'resident'], p.kind), p.left_at is not null, p.id
           limit $3"#,
        id.0,
        residents,
        MOST_SHOWN
    )
    .fetch_all(conn)
    .await
}

/// How many of each kind take part now: staff, institutions, nuclei, residents.
pub async fn counts(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select k.kind as "kind!", (select count(*) from exercise_participant p
                where p.exercise_id = $1 and p.kind = k.kind and p.left_at is null) as "people!"
           from unnest(array['staff', 'institution', 'nucleus', 'resident']) with ordinality as k (kind, place) order by k.place"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.people)).collect())
}

/// An alert of an exercise, for the list of its page.
#[derive(Clone, Debug)]
pub struct AlertLine {
    pub id: crate::ids::AlertId,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub headline: String,
    pub created_at: Instant,
    pub issued_at: Option<Instant>,
}

/// Its alerts, oldest first; what was discarded is not among them.
pub async fn alerts(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<AlertLine>> {
    sqlx::query_as!(
        AlertLine,
        r#"select id as "id: crate::ids::AlertId", coalesce(number, '') as "number!", kind, state, headline, created_at, issued_at
           from alert where exercise_id = $1 and state <> 'discarded' order by created_at, id"#,
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Its alerts that are undecided or in force: what keeps it from ending.
pub async fn open_alerts(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "open!" from alert
           where exercise_id = $1 and state not in ('discarded', 'superseded', 'cleared', 'cancelled', 'expired')"#,
        id.0
    )
    .fetch_one(conn)
    .await
}

/// Areas by their codes; those that are not known are left out.
pub async fn areas_by_code(conn: &mut PgConnection, codes: &[String]) -> sqlx::Result<Vec<(String, i64)>> {
    let rows =
        sqlx::query!("select code, id from risk_area where code = any($1) order by id", codes).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.id)).collect())
}

/// Code and name of every area that a rule watches or may watch, for the editor.
pub async fn areas(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select code, name from risk_area r where exists (select from area_hazard h where h.area_id = r.id) order by name, code"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// The exercise an alert belongs to, with its state.
///
/// # Errors
/// The database's; a state that this release does not know.
pub async fn of_alert(
    conn: &mut PgConnection,
    alert: crate::ids::AlertId,
) -> anyhow::Result<Option<(ExerciseId, String, crate::exercises::ExerciseState)>> {
    let row = sqlx::query!(
        r#"select e.id as "id: ExerciseId", e.title, e.state from alert a join exercise e on e.id = a.exercise_id where a.id = $1"#,
        alert.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.id, row.title, row.state.parse()?))).transpose()
}

/// Exercises whose announcements are looked at, and those that run.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: ExerciseId,
    pub state: String,
    pub starts_at: Instant,
    pub announce_days: i32,
    pub announce_hours: i32,
    pub announced_days_at: Option<Instant>,
    pub announced_hours_at: Option<Instant>,
}

/// Those that wait for their beginning within two months. The rows are held by this transaction; another process skips them.
pub async fn waiting(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select id as "id: ExerciseId", state, starts_at, announce_days, announce_hours, announced_days_at, announced_hours_at
           from exercise where state in ('planned', 'announced') and starts_at > $1 and starts_at <= $1 + interval '61 days'
           order by id for no key update skip locked"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// Those under way that have an inject which fell due since.
pub async fn with_new_injects(conn: &mut PgConnection, since: Instant, now: Instant) -> sqlx::Result<Vec<ExerciseId>> {
    sqlx::query_scalar!(
        r#"select e.id as "id: ExerciseId" from exercise e
           where e.state = 'running' and exists (select from exercise_inject i where i.exercise_id = e.id and i.done_at is null
               and e.started_at + make_interval(mins => i.at_min) > $1
               and e.started_at + make_interval(mins => i.at_min) <= $2)"#,
        since,
        now
    )
    .fetch_all(conn)
    .await
}
