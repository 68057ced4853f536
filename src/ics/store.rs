//! Who holds which position, in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Holding, NewHolding, Position};
use crate::clock::Instant;
use crate::ids::IncidentId;

/// Holdings of one incident that are read.
const MOST: i64 = 1000;

/// Everybody who ever held something in it, in the order they took it over.
pub async fn list(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Holding>> {
    let rows = sqlx::query!(
        r#"select id, position, unit, under, resource_id, name, from_at, from_by, until_at, until_by from incident_position
           where incident_id = $1 order by from_at, id limit $2"#,
        incident.0,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        Ok(Holding {
            id: row.id,
            position: row
                .position
                .parse()
                .map_err(|error: crate::units::UnknownWord| sqlx::Error::Decode(Box::new(error)))?,
            unit: row.unit,
            under: row.under,
            resource: row.resource_id,
            name: row.name,
            from_at: row.from_at,
            from_by: row.from_by,
            until_at: row.until_at,
            until_by: row.until_by,
        })
    });
    all.collect()
}

/// Whether the incident is open, held so until the transaction ends; none: there is none.
pub async fn lock_incident(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(r#"select state = 'open' as "open!" from incident where id = $1 for no key update"#, incident.0)
        .fetch_optional(conn)
        .await
}

/// Ends whoever holds a position. Their name, where there was one.
pub async fn end(
    conn: &mut PgConnection,
    incident: IncidentId,
    (position, unit): (Position, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "update incident_position set until_at = greatest($4, from_at), until_by = $5
         where incident_id = $1 and position = $2 and lower(unit) = lower($3) and until_at is null returning name",
        incident.0,
        position.as_str(),
        unit,
        now,
        by
    )
    .fetch_optional(conn)
    .await
}

pub async fn fill(
    conn: &mut PgConnection,
    (id, incident): (Uuid, IncidentId),
    (now, by): (Instant, &str),
    new: &NewHolding,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incident_position (id, incident_id, position, unit, under, resource_id, name, from_at, from_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        incident.0,
        new.position.as_str(),
        new.unit,
        new.under,
        new.resource,
        new.name,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// People of the register who may hold a position: id and name.
pub async fn people(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select id, name from resource where class = 'person' and condition <> 'retired' order by lower(name), id limit 1000"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Whether the incident is exercised.
pub async fn is_drill(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select incident_is_drill($1) as "drill!""#, incident.0).fetch_one(conn).await
}
