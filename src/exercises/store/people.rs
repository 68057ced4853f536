//! Who takes part, and how they are reached.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::exercises::plan::Outsider;
use crate::ids::{AlertId, ExerciseId, ResidentId, StaffId};

/// Somebody of the staff by user name; `None` when nobody works here under it.
pub async fn staff(conn: &mut PgConnection, username: &str) -> sqlx::Result<Option<StaffId>> {
    if username.contains('\0') {
        return Ok(None);
    }
    sqlx::query_scalar!(
        r#"select id as "id: StaffId" from staff where username = $1 and disabled_at is null"#,
        username
    )
    .fetch_optional(conn)
    .await
}

/// Puts one of the staff on the list, or back on it. False when they are there.
pub async fn add_staff(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    staff: StaffId,
    actor: &str,
) -> sqlx::Result<bool> {
    let added = sqlx::query!(
        "insert into exercise_participant as p (exercise_id, kind, staff_id, joined_at, joined_by)
         values ($1, 'staff', $2, $3, $4)
         on conflict (exercise_id, staff_id) where staff_id is not null
             do update set left_at = null, joined_at = excluded.joined_at, joined_by = excluded.joined_by where p.left_at is not null",
        id.0,
        staff.0,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Puts an institution or a nucleus on the list.
pub async fn add_outsider(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    who: &Outsider,
    actor: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into exercise_participant (exercise_id, kind, name, contact, phone, email, joined_at, joined_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        id.0,
        who.kind,
        who.name,
        who.contact,
        who.phone,
        who.email,
        now,
        actor
    )
    .fetch_one(conn)
    .await
}

/// How many are on the list, whoever they are.
pub async fn listed(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "listed!" from exercise_participant where exercise_id = $1 and kind <> 'resident'"#,
        id.0
    )
    .fetch_one(conn)
    .await
}

/// Takes somebody who is no resident off the list. False when there is no such one, or they left already.
pub async fn remove(conn: &mut PgConnection, now: Instant, id: ExerciseId, participant: i64) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "update exercise_participant set left_at = $3
         where exercise_id = $1 and id = $2 and kind <> 'resident' and left_at is null",
        id.0,
        participant,
        now
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected() == 1)
}

/// Notes that the message reached somebody who takes part. False when that is known, or they do not take part.
pub async fn acknowledge(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    participant: i64,
    actor: &str,
) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "update exercise_participant set acknowledged_at = $3, acknowledged_by = $4
         where exercise_id = $1 and id = $2 and left_at is null and acknowledged_at is null",
        id.0,
        participant,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// A resident comes in, or back in, by their own act, which also takes back an opt-out since they came. False when they are in already
/// with this wish and are told.
pub async fn join(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    resident: ResidentId,
    reach: &str,
) -> sqlx::Result<bool> {
    let joined = sqlx::query!(
        "insert into exercise_participant as p (exercise_id, kind, resident_id, reach, joined_at, joined_by)
         values ($1, 'resident', $2, $3, $4, 'resident')
         on conflict (exercise_id, resident_id) where resident_id is not null
             do update set left_at = null, joined_at = excluded.joined_at, reach = excluded.reach
             where p.left_at is not null or p.reach <> excluded.reach or exists (
                 select from resident_channel c where c.resident_id = p.resident_id and c.opted_out_at >= p.joined_at)",
        id.0,
        resident.0,
        reach,
        now
    )
    .execute(conn)
    .await?;
    Ok(joined.rows_affected() == 1)
}

/// A resident leaves. What waits for them does not leave any more. False when they are not in.
pub async fn leave(conn: &mut PgConnection, now: Instant, id: ExerciseId, resident: ResidentId) -> sqlx::Result<bool> {
    let left = sqlx::query!(
        "update exercise_participant set left_at = $3 where exercise_id = $1 and resident_id = $2 and left_at is null",
        id.0,
        resident.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update outbox o set state = 'suppressed', reason = 'left_exercise', final_at = $3 from alert a
         where a.id = o.alert_id and a.exercise_id = $1 and o.resident_id = $2 and o.state = 'pending'",
        id.0,
        resident.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(left.rows_affected() == 1)
}

/// A new resident, of whom nothing is known but a name and a way that was confirmed.
pub async fn new_resident(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    (name, language): (&str, &str),
    to: (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resident (id, name, language, consent_at, consent_source, created_at)
         values ($1, $2, $3, $4, 'exercise', $4)",
        id.0,
        name,
        language,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resident_channel (resident_id, kind, address, verified_at) values ($1, $2, $3, $4)",
        id.0,
        to.0,
        to.1,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a code is to do, once it is typed.
#[derive(Clone, Debug)]
pub struct Request {
    pub exercise: ExerciseId,
    pub act: String,
    pub name: String,
    pub language: String,
    pub reach: String,
}

pub async fn keep_request(conn: &mut PgConnection, code: Uuid, request: &Request) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into exercise_request (code_id, exercise_id, act, name, language, reach) values ($1, $2, $3, $4, $5, $6)",
        code,
        request.exercise.0,
        request.act,
        request.name,
        request.language,
        request.reach
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn request(conn: &mut PgConnection, code: Uuid) -> sqlx::Result<Option<Request>> {
    sqlx::query_as!(
        Request,
        r#"select exercise_id as "exercise: ExerciseId", act, name, language, reach from exercise_request where code_id = $1"#,
        code
    )
    .fetch_optional(conn)
    .await
}

/// One way to one who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub participant: i64,
    /// "sms" or "email".
    pub channel: String,
    pub address: String,
    pub language: String,
}

/// One way to each who takes part, the telephone before the mailbox: announcements are to be noticed, not to be many. Of residents
/// only confirmed ways that they left open, and nobody who took the consent to exercises back.
pub async fn ways(conn: &mut PgConnection, id: ExerciseId, since: Option<Instant>) -> sqlx::Result<Vec<Way>> {
    sqlx::query_as!(
        Way,
        r#"with way as (
               select p.id, c.kind as channel, c.address, r.language
               from exercise_participant p join resident r on r.id = p.resident_id and r.deleted_at is null
                   join resident_channel c on c.resident_id = r.id and c.verified_at is not null
                       and (c.opted_out_at is null or c.opted_out_at < p.joined_at)
               where p.exercise_id = $1 and p.left_at is null and ($2::timestamptz is null or p.joined_at > $2)
                 and coalesce((select d.given from consent d where d.resident_id = r.id and d.purpose = 'drills'
                               order by d.id desc limit 1), true)
               union all
               select p.id, w.channel, w.address, 'pt-BR'
               from exercise_participant p left join staff s on s.id = p.staff_id and s.disabled_at is null
                   cross join lateral (values ('sms', p.phone), ('sms', coalesce(s.phone, '')), ('email', p.email),
                       ('email', coalesce(s.email, ''))) as w (channel, address)
               where p.exercise_id = $1 and p.left_at is null and p.resident_id is null and w.address <> ''
                 and ($2::timestamptz is null or p.joined_at > $2)
           )
           select distinct on (id) id as "participant!", channel as "channel!", address as "address!", language as "language!"
           from way order by id, channel desc, address"#,
        id.0,
        since
    )
    .fetch_all(conn)
    .await
}

/// Every way to those who take part and are no residents: an alert is tried on all of them.
pub async fn ways_of_staff(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<Way>> {
    sqlx::query_as!(
        Way,
        r#"select distinct p.id as "participant!", w.channel as "channel!", w.address as "address!", 'pt-BR' as "language!"
           from exercise_participant p left join staff s on s.id = p.staff_id and s.disabled_at is null
               cross join lateral (values ('sms', p.phone), ('sms', coalesce(s.phone, '')), ('email', p.email),
                   ('email', coalesce(s.email, ''))) as w (channel, address)
           where p.exercise_id = $1 and p.left_at is null and p.resident_id is null and w.address <> ''
           order by 1, 2, 3"#,
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Keeps that a copy of an alert went to somebody. `participant` is none for a tester.
pub async fn keep_copy(
    conn: &mut PgConnection,
    now: Instant,
    alert: AlertId,
    participant: Option<i64>,
    channel: &str,
    notice: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_copy (alert_id, participant_id, channel, notice_id, state, reason, created_at, final_at)
         select $1, $2, $3, n.id, n.state, n.reason, $5, n.final_at from notice n where n.id = $4",
        alert.0,
        participant,
        channel,
        notice,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
