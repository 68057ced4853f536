//! Where people put occurrences. Rows are added and never changed; the newest counts.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::reports::Spot;
use crate::reports::cluster::EXACT_M;

/// A person's word on where an occurrence is.
#[derive(Clone, Debug, PartialEq)]
pub struct Placing {
    /// Of its row; 0 before it has one.
    pub id: i64,
    pub spot: Spot,
    /// The address, or empty for a point.
    pub label: String,
    pub actor: String,
    pub at: Instant,
}

pub async fn of(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Option<Placing>> {
    let row = sqlx::query!(
        r#"select id, st_x(geom) as "lon!", st_y(geom) as "lat!", precision_m, label, actor, at from occurrence_placing
           where occurrence_id = $1 and (merge_id is null or exists (
               select from occurrence_merge m where m.id = merge_id and m.undone_at is null)) order by id desc limit 1"#,
        occurrence
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Placing {
        id: row.id,
        spot: Spot { lon: row.lon, lat: row.lat, precision_m: row.precision_m },
        label: row.label,
        actor: row.actor,
        at: row.at,
    }))
}

/// `merge`: the joining that brought it along, and takes it away when it is undone.
pub async fn add(conn: &mut PgConnection, occurrence: Uuid, placing: &Placing, merge: Option<i64>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into occurrence_placing (occurrence_id, at, actor, geom, precision_m, label, merge_id)
         values ($1, $2, $3, st_setsrid(st_makepoint($4, $5), 4326), $6, $7, $8)",
        occurrence,
        placing.at,
        placing.actor,
        placing.spot.lon,
        placing.spot.lat,
        placing.spot.precision_m,
        placing.label,
        merge
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reports that do not say exactly where speak anew to the rules, from the place where their occurrence was put.
pub async fn speak_again(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update report_standing s set fed = null, asked = s.asked + 1 from report r
         where r.id = s.report_id and s.occurrence_id = $1 and s.weight > 0 and (r.geom is null or r.precision_m > $2)",
        occurrence,
        EXACT_M
    )
    .execute(conn)
    .await?;
    Ok(())
}
