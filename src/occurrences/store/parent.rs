//! Open incidents as an occurrence sees them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::IncidentId;
use crate::occurrences::parent::Candidate;

/// Every open incident with the distance from the occurrence to the nearest of its own occurrences and of the areas of its alerts. What is
/// exercised is no parent of what people reported.
pub async fn candidates(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query!(
        r#"select i.id as "id!: IncidentId", i.number as "number!", i.title as "title!", i.cobrade as "cobrade!",
               greatest(i.opened_at, own.last_at, told.last_at) as "last_at!", least(own.metres, told.metres) as metres
           from occurrence o cross join incident i
           left join lateral (
               select min(st_distance(m.geom::geography, o.geom::geography)) as metres, max(m.last_at) as last_at
               from occurrence m where m.incident_id = i.id and m.id <> o.id) own on true
           left join lateral (
               select min(st_distance(t.geom::geography, o.geom::geography)) as metres, max(a.issued_at) as last_at
               from incident_alert ia join alert a on a.id = ia.alert_id left join alert_area t on t.alert_id = a.id
               where ia.incident_id = i.id) told on true
           where o.id = $1 and i.state = 'open'
             and not exists (select from incident_alert ia join alert a on a.id = ia.alert_id
                 where ia.incident_id = i.id and a.status <> 'actual')
           order by i.opened_at desc, i.id limit 50"#,
        occurrence
    )
    .fetch_all(conn)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        id: row.id,
        number: row.number,
        title: row.title,
        hazard: row.cobrade.parse().ok(),
        last_at: row.last_at,
        distance_m: row.metres,
    });
    Ok(candidates.collect())
}

/// The open incident of this number.
pub async fn by_number(conn: &mut PgConnection, number: &str) -> sqlx::Result<Option<IncidentId>> {
    sqlx::query_scalar!(r#"select id as "id: IncidentId" from incident where number = $1"#, number)
        .fetch_optional(conn)
        .await
}
