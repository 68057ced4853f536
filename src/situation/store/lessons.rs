//! Lessons of incidents: who sees to each until when, and that it was done.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::situation::Lesson;

/// Of an incident, by the day they are due.
pub async fn lessons(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Lesson>> {
    sqlx::query_as!(
        Lesson,
        "select id, text, owner, due_on, added_at, added_by, done_at, done_by, done_note from incident_lesson
         where incident_id = $1 order by due_on, id limit 500",
        incident.0
    )
    .fetch_all(conn)
    .await
}

pub async fn add_lesson(
    conn: &mut PgConnection,
    (id, incident): (Uuid, IncidentId),
    (now, by): (Instant, &str),
    (text, owner, due_on): (&str, &str, NaiveDate),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incident_lesson (id, incident_id, text, owner, due_on, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        incident.0,
        text,
        owner,
        due_on,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False when there is none that waits to be done.
pub async fn lesson_done(
    conn: &mut PgConnection,
    (id, incident): (Uuid, IncidentId),
    (now, by): (Instant, &str),
    note: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update incident_lesson set done_at = $3, done_by = $4, done_note = $5 where id = $1 and incident_id = $2 and done_at is null",
        id,
        incident.0,
        now,
        by,
        note
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many lessons of all incidents are open, and how many of them are past their day.
pub async fn open_lessons(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "open!", count(*) filter (where due_on < $1) as "late!" from incident_lesson where done_at is null"#,
        today
    )
    .fetch_one(conn)
    .await?;
    Ok((row.open, row.late))
}
