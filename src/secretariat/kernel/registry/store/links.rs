//! Where entries stand, and what of others has no entry yet.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::secretariat::kernel::instrument::Party;
use crate::secretariat::kernel::registry::{Link, SubjectKind};

/// Links of some entries, each with its entry.
pub async fn of(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Link)>> {
    let rows = sqlx::query!(
        "select entry_id, subject_kind, subject_id, role from registry_link where entry_id = any($1)
         order by entry_id, subject_kind, subject_id, role",
        entries
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let subject = row.subject_kind.parse().map_err(decode)?;
            Ok((row.entry_id, Link { subject, subject_id: row.subject_id, role: row.role }))
        })
        .collect()
}

/// Entries of a subject with their roles.
pub async fn of_subject(conn: &mut PgConnection, (kind, id): (SubjectKind, Uuid)) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select entry_id, role from registry_link where subject_kind = $1 and subject_id = $2 order by role, entry_id",
        kind.as_str(),
        id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.entry_id, row.role)).collect())
}

pub async fn insert(conn: &mut PgConnection, entry: Uuid, link: &Link, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into registry_link (entry_id, subject_kind, subject_id, role, made_at, made_by) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
        entry,
        link.subject.as_str(),
        link.subject_id,
        link.role,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn remove(conn: &mut PgConnection, entry: Uuid, link: &Link) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from registry_link where entry_id = $1 and subject_kind = $2 and subject_id = $3 and role = $4",
        entry,
        link.subject.as_str(),
        link.subject_id,
        link.role
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One start at a time settles.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('registry_settle', 0))").fetch_one(conn).await?;
    Ok(())
}

/// Instruments with parties of which none is linked, in the order of opening, after an id.
pub async fn unlinked_instruments(
    conn: &mut PgConnection,
    after: Uuid,
    most: i64,
) -> sqlx::Result<Vec<(Uuid, Vec<Party>)>> {
    let rows = sqlx::query!(
        r#"select i.id, i.document -> 'core' -> 'parties' as "parties!: Json<Vec<Party>>" from instrument i
           where i.id > $1 and jsonb_array_length(coalesce(i.document -> 'core' -> 'parties', '[]')) > 0
             and not exists (select from registry_link l where l.subject_kind = 'instrument' and l.subject_id = i.id)
           order by i.id limit $2"#,
        after,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.parties.0)).collect())
}

/// Persons of bodies without an entry: id and name.
pub async fn unlinked_persons(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select p.id, p.name from body_person p
         where not exists (select from registry_link l where l.subject_kind = 'body_person' and l.subject_id = p.id)
         order by p.id limit $1",
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Outlets on the list without an entry: id and name.
pub async fn unlinked_outlets(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select o.id, o.name from press_outlet o where o.removed_at is null
             and not exists (select from registry_link l where l.subject_kind = 'press_outlet' and l.subject_id = o.id)
         order by o.id limit $1",
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
