//! Mentions in PostgreSQL.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Place;
use crate::clock::Instant;
use crate::ids::StaffId;

/// `false` when this line names the person already.
pub async fn add(
    conn: &mut PgConnection,
    id: Uuid,
    person: StaffId,
    (now, actor): (Instant, &str),
    place: Place<'_>,
) -> sqlx::Result<bool> {
    let (entry, event) = match place {
        Place::Incident { entry, .. } => (Some(entry), None),
        Place::Occurrence { event, .. } => (None, Some(event)),
    };
    let done = sqlx::query!(
        "insert into mention (id, staff_id, actor, at, entry_id, event_id) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        id,
        person.0,
        actor,
        now,
        entry,
        event
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// A line that names somebody.
#[derive(Clone, Debug, Serialize)]
pub struct Mention {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub text: String,
    pub incident_id: Option<Uuid>,
    pub occurrence_id: Option<Uuid>,
    /// Of the incident or the occurrence.
    pub number: String,
    pub read_at: Option<DateTime<Utc>>,
}

/// Lines that name a person, unread ones first, then the newest.
pub async fn of(conn: &mut PgConnection, person: StaffId) -> sqlx::Result<Vec<Mention>> {
    sqlx::query_as!(
        Mention,
        r#"select m.id, m.at, m.actor, coalesce(e.text, v.text, '') as "text!", e.incident_id as "incident_id?",
               v.occurrence_id as "occurrence_id?", coalesce(i.number, o.number, '') as "number!", m.read_at
           from mention m left join incident_entry e on e.id = m.entry_id left join incident i on i.id = e.incident_id
           left join occurrence_event v on v.id = m.event_id left join occurrence o on o.id = v.occurrence_id
           where m.staff_id = $1 order by m.read_at is null desc, m.at desc, m.id limit 100"#,
        person.0
    )
    .fetch_all(conn)
    .await
}

pub async fn count_unread(conn: &mut PgConnection, person: StaffId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from mention where staff_id = $1 and read_at is null"#, person.0)
        .fetch_one(conn)
        .await
}

/// Marks one as seen, or all when none is named. Of others nothing is marked.
pub async fn read(conn: &mut PgConnection, person: StaffId, id: Option<Uuid>, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update mention set read_at = $3 where staff_id = $1 and ($2::uuid is null or id = $2) and read_at is null",
        person.0,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
