//! Resolutions that ask for a determination, and the case that came of each.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::secretariat::kernel::body::{BodyKind, Origin, Wanted};

/// Resolutions that ask for a determination and have no case yet, the oldest first, at most 100.
pub async fn waiting(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from body_resolution where determination <> '' and spawned_case is null order by at, id limit 100"
    )
    .fetch_all(conn)
    .await
}

/// One of them, held until the transaction ends. None when it has its case, or somebody else holds it.
pub async fn hold(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Wanted>> {
    let row = sqlx::query!(
        "select r.year, r.number, r.restricted, r.determination, r.determination_to, r.by, b.name, b.kind
         from body_resolution r join body b on b.id = r.body_id
         where r.id = $1 and r.determination <> '' and r.spawned_case is null for update of r skip locked",
        id
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind: BodyKind = row.kind.parse().map_err(decode)?;
    Ok(Some(Wanted {
        id,
        year: row.year,
        number: row.number,
        body: row.name,
        restricted: row.restricted || kind == BodyKind::Ethics,
        what: row.determination,
        to: row.determination_to,
        by: row.by,
    }))
}

/// Names the case that came of a resolution. False when there is one already.
pub async fn spawned(conn: &mut PgConnection, resolution: Uuid, case: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update body_resolution set spawned_case = $2 where id = $1 and determination <> '' and spawned_case is null",
        resolution,
        case
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Accounts of whoever is recused from the item that a resolution decided.
pub async fn recused(conn: &mut PgConnection, resolution: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select s.username from body_resolution r join body_recusal c on c.item_id = r.item_id join body_person p on p.id = c.person_id
         join staff s on s.id = p.staff_id where r.id = $1 order by s.username",
        resolution
    )
    .fetch_all(conn)
    .await
}

/// Cases that came of a resolution and accounts that are recused from its item, and never were from the case, at most 100: cases that were opened
/// by an earlier version, and members who were given an account since.
pub async fn unrecused(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"select r.spawned_case as "case!", s.username from body_recusal c join body_resolution r on r.item_id = c.item_id
           join body_person p on p.id = c.person_id join staff s on s.id = p.staff_id
           where r.spawned_case is not null
             and not exists (select from case_recusal k where k.case_id = r.spawned_case and k.username = s.username)
           order by r.at, r.id, s.username limit 100"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.case, row.username)).collect())
}

/// The resolution that a case came of.
pub async fn origin(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Option<Origin>> {
    sqlx::query_as!(
        Origin,
        r#"select r.id, r.year, r.number, b.slug, b.name as body, m.year || '-' || m.number as "meeting!"
           from body_resolution r join body b on b.id = r.body_id join body_item i on i.id = r.item_id
           join body_meeting m on m.id = i.meeting_id where r.spawned_case = $1"#,
        case
    )
    .fetch_optional(conn)
    .await
}
