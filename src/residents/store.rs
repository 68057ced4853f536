//! Residents in PostgreSQL.

pub mod blocked;
pub mod channel;
pub mod companion;
pub mod erase;
pub mod order;
pub mod own;
pub mod place;
pub mod record;
pub mod signup;

use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Channel, Resident};
use crate::ids::ResidentId;

/// Residents who have not left, in the order they came, a page at a time.
pub async fn list(conn: &mut PgConnection, limit: i64, offset: i64) -> sqlx::Result<Vec<Resident>> {
    let rows = sqlx::query!(
        r#"select r.id as "id: ResidentId", r.external_ref, r.name, r.language, r.fictional, r.consent_at,
               r.consent_source, st_x(p.geom) as lon, st_y(p.geom) as lat, p.precision_m as "precision_m?",
               coalesce((select jsonb_agg(jsonb_build_object('kind', c.kind, 'address', c.address,
                             'opted_out', c.opted_out_at is not null) order by c.id)
                         from resident_channel c where c.resident_id = r.id), '[]') as "channels!: Json<Vec<Channel>>"
           from resident r left join resident_place p on p.resident_id = r.id and p.label = 'home'
           where r.deleted_at is null order by r.created_at, r.id limit $1 offset $2"#,
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    let residents = rows.into_iter().map(|row| Resident {
        id: row.id,
        external_ref: row.external_ref,
        name: row.name,
        language: row.language,
        fictional: row.fictional,
        consent_at: row.consent_at,
        consent_source: row.consent_source,
        lon: row.lon,
        lat: row.lat,
        precision_m: row.precision_m,
        channels: row.channels.0,
    });
    Ok(residents.collect())
}

/// How many have not left.
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from resident where deleted_at is null"#).fetch_one(conn).await
}
