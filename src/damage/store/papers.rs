//! Documents and photographs of a dossier.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::damage::documents::{Kind, Paragraph};
use crate::damage::{Document, Photograph};
use crate::ids::IncidentId;

/// By the order of their kinds.
pub async fn documents(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<Vec<Document>> {
    let rows = sqlx::query!(
        r#"select kind, revision, paragraphs as "paragraphs: Json<Vec<Paragraph>>", filled as "filled: Json<Vec<Paragraph>>", state, number,
               changed_at, changed_by, adopted_at, adopted_by
           from damage_document where disaster_id = $1"#,
        disaster
    )
    .fetch_all(conn)
    .await?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in rows {
        documents.push(Document {
            kind: row.kind.parse().map_err(decode)?,
            revision: row.revision,
            paragraphs: row.paragraphs.0,
            is_adopted: row.state == "adopted",
            filled: row.filled.map(|filled| filled.0),
            number: row.number,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
            adopted_at: row.adopted_at,
            adopted_by: row.adopted_by,
        });
    }
    documents.sort_by_key(|document: &Document| document.kind);
    Ok(documents)
}

pub async fn insert(
    conn: &mut PgConnection,
    (disaster, kind): (Uuid, Kind),
    paragraphs: &[Paragraph],
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_document (disaster_id, kind, paragraphs, changed_at, changed_by) values ($1, $2, $3, $4, $5)",
        disaster,
        kind.as_str(),
        Json(paragraphs) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn write(
    conn: &mut PgConnection,
    (disaster, kind): (Uuid, Kind),
    paragraphs: &[Paragraph],
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update damage_document set paragraphs = $3, changed_at = $4, changed_by = $5, revision = revision + 1
         where disaster_id = $1 and kind = $2",
        disaster,
        kind.as_str(),
        Json(paragraphs) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// With its number, and its paragraphs as they read from now on.
pub async fn adopt(
    conn: &mut PgConnection,
    (disaster, kind): (Uuid, Kind),
    (number, filled): (&str, &[Paragraph]),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update damage_document set state = 'adopted', number = $3, adopted_at = $4, adopted_by = $5, filled = $6,
             revision = revision + 1
         where disaster_id = $1 and kind = $2",
        disaster,
        kind.as_str(),
        number,
        now,
        by,
        Json(filled) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A draft again; its number stays with it.
pub async fn take_back(
    conn: &mut PgConnection,
    (disaster, kind): (Uuid, Kind),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update damage_document set state = 'draft', filled = null, adopted_at = null, adopted_by = null, changed_at = $3, changed_by = $4,
             revision = revision + 1
         where disaster_id = $1 and kind = $2",
        disaster,
        kind.as_str(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every photograph that the report may hold: the incident's and its inspections', with what was chosen of them; the chosen first. What was
/// chosen stays, also when its inspection was corrected since.
pub async fn photographs(
    conn: &mut PgConnection,
    disaster: Uuid,
    incident: IncidentId,
) -> sqlx::Result<Vec<Photograph>> {
    let rows = sqlx::query!(
        r#"select a.id, c.position as "position?", coalesce(c.caption, nullif(p.caption, ''), a.caption) as "caption!",
               case when c.attachment_id is null then p.taken_at else c.taken_at end as taken_at,
               st_x(case when c.attachment_id is null then p.geom else c.geom end) as lon,
               st_y(case when c.attachment_id is null then p.geom else c.geom end) as lat
           from attachment a
           left join inspection_photograph p on p.id = a.inspection_photograph_id
           left join inspection_standing i on i.id = p.inspection_id
           left join damage_photograph c on c.attachment_id = a.id and c.disaster_id = $1
           where a.removed_at is null and (a.incident_id = $2 or i.of_incident_id = $2 or c.attachment_id is not null)
           order by c.position nulls last, a.seq limit 500"#,
        disaster,
        incident.0
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Photograph {
        id: row.id,
        position: row.position,
        caption: row.caption,
        taken_at: row.taken_at,
        lon: row.lon,
        lat: row.lat,
    });
    Ok(all.collect())
}

/// Puts these in the report, in their order, in the place of what was chosen.
pub async fn choose(
    conn: &mut PgConnection,
    disaster: Uuid,
    chosen: &[Photograph],
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!("delete from damage_photograph where disaster_id = $1", disaster).execute(&mut *conn).await?;
    for one in chosen {
        sqlx::query!(
            "insert into damage_photograph (disaster_id, attachment_id, position, caption, taken_at, geom, chosen_at, chosen_by)
             values ($1, $2, $3, $4, $5, st_setsrid(st_makepoint($6::float8, $7::float8), 4326), $8, $9)",
            disaster,
            one.id,
            one.position.unwrap_or_default(),
            one.caption,
            one.taken_at,
            one.lon,
            one.lat,
            now,
            by
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The pictures of the report, in its order; what was removed meanwhile is left out.
pub async fn pictures(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<Vec<(Uuid, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select a.id, a.content as "content!" from damage_photograph c join attachment a on a.id = c.attachment_id
           where c.disaster_id = $1 and a.content is not null order by c.position, a.seq"#,
        disaster
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.content)).collect())
}

/// Which pictures the report has, in its order.
pub async fn picture_ids(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select a.id from damage_photograph c join attachment a on a.id = c.attachment_id
         where c.disaster_id = $1 and a.content is not null order by c.position, a.seq",
        disaster
    )
    .fetch_all(conn)
    .await
}

/// The small picture of an attachment; none when it was removed.
pub async fn thumbnail(conn: &mut PgConnection, attachment: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    let found =
        sqlx::query_scalar!("select thumbnail from attachment where id = $1", attachment).fetch_optional(conn).await?;
    Ok(found.flatten())
}
