//! What is known of places before a report comes: the risk areas, and where residents live.

use sqlx::PgConnection;

use super::{decode, spot};
use crate::reports::cluster::Spot;
use crate::reports::feed::MOST_UNCERTAIN_M;
use crate::units::Level;

/// The worst level of the risk areas at a place; nothing outside of all of them.
pub async fn ground(conn: &mut PgConnection, there: Spot) -> sqlx::Result<Option<Level>> {
    let level = sqlx::query_scalar!(
        r#"select level as "level!" from area_worst
           where geom && st_expand(st_setsrid(st_makepoint($1, $2), 4326), $3::float8 / 90000.0::float8)
             and st_dwithin(geom::geography, st_setsrid(st_makepoint($1, $2), 4326)::geography, $3)
           order by rank desc limit 1"#,
        there.lon,
        there.lat,
        f64::from(there.precision_m.min(MOST_UNCERTAIN_M))
    );
    level.fetch_optional(conn).await?.map(|word| word.parse().map_err(decode)).transpose()
}

/// Names of the risk areas with a point on each and how far its ends lie from there.
pub async fn area_names(conn: &mut PgConnection) -> sqlx::Result<Vec<(Spot, String)>> {
    let rows = sqlx::query!(
        r#"select a.name, st_x(p.at) as "lon!", st_y(p.at) as "lat!",
               ceil(st_maxdistance(st_transform(st_envelope(a.geom), 3857), st_transform(p.at, 3857)) * cos(radians(st_y(p.at))))::integer
                   as "precision_m!"
           from risk_area a cross join lateral (select st_pointonsurface(a.geom) as at) p where a.retired_at is null order by a.id limit 5000"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (Spot { lon: row.lon, lat: row.lat, precision_m: row.precision_m }, row.name))
        .collect())
}

/// True for a place far outside of the town: half a degree beyond the outermost risk area. Without areas nobody can tell.
pub async fn is_far(conn: &mut PgConnection, there: Spot) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(not st_expand(st_extent(geom)::box2d::geometry, 0.5) && st_makepoint($1, $2), false) as "far!" from risk_area"#,
        there.lon,
        there.lat
    )
    .fetch_one(conn)
    .await
}

/// Where the resident lives who is reached at a confirmed telephone or mailbox.
pub async fn home_of(conn: &mut PgConnection, at: (&str, &str)) -> sqlx::Result<Option<Option<Spot>>> {
    let row = sqlx::query!(
        r#"select st_x(p.geom) as "lon?", st_y(p.geom) as "lat?", p.precision_m as "precision_m?"
           from resident_channel c join resident r on r.id = c.resident_id and r.deleted_at is null
           left join resident_place p on p.resident_id = r.id and (p.label = 'home'
               or (select count(*) from resident_place q where q.resident_id = r.id) = 1)
           where c.kind = $1 and c.address = $2 and c.verified_at is not null order by r.created_at, r.id limit 1"#,
        at.0,
        at.1
    );
    Ok(row.fetch_optional(conn).await?.map(|row| spot(row.lon, row.lat, row.precision_m)))
}
