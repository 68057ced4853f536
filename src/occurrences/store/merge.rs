//! Joinings of two occurrences, and how both stood before.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// A joining that stands.
#[derive(Clone, Debug)]
pub struct Merge {
    pub id: i64,
    pub into_id: Uuid,
    pub from_state: String,
    pub into_state: String,
    pub carried_incident: bool,
    pub reports: Vec<Uuid>,
}

/// Writes down that one goes into the other, before anything of either is changed.
pub async fn begin(
    conn: &mut PgConnection,
    (from, into): (Uuid, Uuid),
    (now, who, reason): (Instant, &str, &str),
    carried_incident: bool,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into occurrence_merge (from_id, into_id, at, actor, reason, from_state, into_state, from_confirmed_at,
             into_confirmed_at, carried_incident, reports)
         select f.id, i.id, $3, $4, $5, f.state, i.state, f.confirmed_at, i.confirmed_at, $6,
             array(select s.report_id from report_standing s where s.occurrence_id = f.id order by s.report_id)
         from occurrence f, occurrence i where f.id = $1 and i.id = $2 returning id",
        from,
        into,
        now,
        who,
        reason,
        carried_incident
    )
    .fetch_one(conn)
    .await
}

/// Keeps when the other is confirmed now, so that an undoing knows what is its own.
pub async fn finish(conn: &mut PgConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update occurrence_merge m set into_confirmed_after = o.confirmed_at from occurrence o where o.id = m.into_id and m.id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is still asked for there is asked for the other, so that somebody is sent.
pub async fn carry_requests(conn: &mut PgConnection, (from, into): (Uuid, Uuid), id: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update resource_request set occurrence_id = $2, merge_id = $3 where occurrence_id = $1 and closed_at is null",
        from,
        into,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The joining by which an occurrence is told under another.
pub async fn standing(conn: &mut PgConnection, from: Uuid) -> sqlx::Result<Option<Merge>> {
    sqlx::query_as!(
        Merge,
        "select id, into_id, from_state, into_state, carried_incident, reports from occurrence_merge
         where from_id = $1 and undone_at is null",
        from
    )
    .fetch_optional(conn)
    .await
}

/// Takes a joining back: the reports that still stand there return, and both stand as before, but for what was decided since.
pub async fn undo(
    conn: &mut PgConnection,
    (id, from): (i64, Uuid),
    because: &serde_json::Value,
    (now, who, reason): (Instant, &str, &str),
) -> sqlx::Result<()> {
    sqlx::query!("update resource_request set occurrence_id = $2, merge_id = null where merge_id = $1", id, from)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update report_standing s set occurrence_id = m.from_id, because = $2 from occurrence_merge m
         where m.id = $1 and s.report_id = any(m.reports) and s.occurrence_id = m.into_id",
        id,
        because
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update occurrence o set state = m.from_state, merged_into = null, confirmed_at = m.from_confirmed_at, reason = $4,
             decided_at = case when m.from_state = 'new' then null else $2::timestamptz end,
             decided_by = case when m.from_state = 'new' then null else $3 end
         from occurrence_merge m where m.id = $1 and o.id = m.from_id",
        id,
        now,
        who,
        reason
    )
    .execute(&mut *conn)
    .await?;
    // Whoever decided on the other since then, decided on it.
    sqlx::query!(
        "update occurrence o set confirmed_at = m.into_confirmed_at,
             state = case when m.into_state = 'new' then 'new' else o.state end,
             decided_at = case when m.into_state = 'new' then null else o.decided_at end,
             decided_by = case when m.into_state = 'new' then null else o.decided_by end,
             reason = case when m.into_state = 'new' then '' else o.reason end
         from occurrence_merge m where m.id = $1 and o.id = m.into_id
             and o.confirmed_at is not distinct from m.into_confirmed_after and (m.into_state <> 'new' or o.state in ('new', 'confirmed'))",
        id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update occurrence t set incident_id = null from occurrence_merge m, occurrence f
         where m.id = $1 and m.carried_incident and t.id = m.into_id and f.id = $2 and t.incident_id = f.incident_id",
        id,
        from
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update occurrence_merge set undone_at = $2, undone_by = $3, undone_because = $4 where id = $1",
        id,
        now,
        who,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}
