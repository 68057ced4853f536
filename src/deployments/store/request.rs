//! Requests for resources.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{MOST, decode};
use crate::clock::Instant;
use crate::deployments::{NewRequest, Request};

/// Which requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub id: Option<Uuid>,
    /// Also those of its occurrences.
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// Only those that are not closed, nor what they are for.
    pub open: bool,
}

/// The newest first.
pub async fn requests(conn: &mut PgConnection, asked: Asked) -> sqlx::Result<Vec<Request>> {
    let rows = sqlx::query!(
        r#"select q.id, q.number, q.incident_id as "own_incident?", q.occurrence_id, q.kind, q.typing, q.wanted, q.skills, q.task,
            q.requested_at, q.requested_by, q.closed_at, q.closed_by, q.close_reason, i.id as "incident?", i.number as "incident_number?",
            i.state = 'open' as "incident_open?", o.number as "occurrence_number?", o.kind as "occurrence_kind?",
            o.state as "occurrence_state?", coalesce(incident_is_drill(i.id), false) as "drill!",
            (select count(*) from deployment d where d.request_id = q.id and d.state not in ('declined', 'cancelled')) as "given!"
        from resource_request q left join occurrence o on o.id = q.occurrence_id
        left join incident i on i.id = coalesce(q.incident_id, o.incident_id)
        where ($1::uuid is null or q.id = $1) and ($2::uuid is null or i.id = $2) and ($3::uuid is null or q.occurrence_id = $3)
            and (not $4 or (q.closed_at is null and (i.id is null or i.state = 'open')
                and (o.id is null or o.state in ('new', 'confirmed', 'dispatched', 'on_scene'))))
        order by q.requested_at desc, q.id limit $5"#,
        asked.id,
        asked.incident,
        asked.occurrence,
        asked.open,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        Ok(Request {
            id: row.id,
            number: row.number,
            what: NewRequest {
                incident: row.own_incident,
                occurrence: row.occurrence_id,
                kind: row.kind.parse().map_err(decode)?,
                typing: row.typing,
                wanted: row.wanted,
                skills: row.skills.iter().filter_map(|skill| skill.parse().ok()).collect(),
                task: row.task,
            },
            incident: row.incident,
            incident_number: row.incident_number,
            incident_open: row.incident_open,
            occurrence_number: row.occurrence_number,
            occurrence_kind: row.occurrence_kind,
            occurrence_state: row.occurrence_state,
            drill: row.drill,
            requested_at: row.requested_at,
            requested_by: row.requested_by,
            given: row.given,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
            close_reason: row.close_reason,
        })
    });
    all.collect()
}

/// One request, held until the transaction ends.
pub async fn lock_request(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Request>> {
    sqlx::query!("select id from resource_request where id = $1 for no key update", id)
        .fetch_optional(&mut *conn)
        .await?;
    Ok(requests(conn, Asked { id: Some(id), ..Asked::default() }).await?.pop())
}

/// Whether the incident is open; none: there is none.
pub async fn incident_is_open(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(r#"select state = 'open' as "open!" from incident where id = $1"#, id)
        .fetch_optional(conn)
        .await
}

pub async fn insert_request(
    conn: &mut PgConnection,
    (id, number): (Uuid, &str),
    (now, by): (Instant, &str),
    new: &NewRequest,
) -> sqlx::Result<()> {
    let skills: Vec<String> = new.skills.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into resource_request (id, number, incident_id, occurrence_id, kind, typing, wanted, skills, task, requested_at, requested_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        number,
        new.incident,
        new.occurrence,
        new.kind.as_str(),
        new.typing,
        new.wanted,
        &skills,
        new.task.trim(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn close_request(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update resource_request set closed_at = $2, closed_by = $3, close_reason = $4 where id = $1 and closed_at is null",
        id,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}
