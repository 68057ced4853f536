//! What a change of an area would touch: alerts, incidents and plans that stand on it, residents and stations inside.

use geo::Geometry;
use serde::Serialize;
use sqlx::PgConnection;

use super::decode;
use crate::areas::Standing;
use crate::db::geometry::{from_wkb, to_wkb};

/// What stands on these areas: issued alerts that have not ended, open incidents, versions that are planned.
///
/// # Errors
/// The database's.
pub async fn standing(conn: &mut PgConnection, codes: &[String]) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"select code as "code!", name as "name!", kind as "kind!", number as "number!" from (
               select r.code, r.name, 'alert' as kind, a.number as number
               from alert a join alert_area aa on aa.alert_id = a.id join risk_area r on r.id = aa.area_id
               where a.state = 'issued' and a.kind in ('alert', 'update') and r.code = any($1)
               union
               select r.code, r.name, 'incident', i.number
               from incident i join incident_alert ia on ia.incident_id = i.id join alert_area aa on aa.alert_id = ia.alert_id
               join risk_area r on r.id = aa.area_id
               where i.state = 'open' and r.code = any($1)
               union
               select code, name, 'planned', number::text from area_version where state = 'planned' and code = any($1)) as all_of_them
           order by 1, 3, 4"#,
        codes
    )
    .fetch_all(conn)
    .await
}

/// What somebody drew, looked at.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Check {
    pub area_km2: f64,
    pub vertices: i32,
    /// Residents with a place inside.
    pub residents: i64,
    /// Stations inside the shape, and the nearest ones outside with their distance in metres: at most 20.
    pub stations: Vec<Coverage>,
    /// Other areas that it overlaps by more than 100 m², by code.
    pub overlaps: Vec<String>,
}

/// A station and how far it lies from a shape: 0 inside.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Coverage {
    pub code: String,
    pub name: String,
    pub distance_m: f64,
    /// What it measures.
    pub quantities: Vec<String>,
}

/// Why PostGIS refuses a shape, with the place: "Self-intersection[-43.3 -21.7]". None when it is valid.
///
/// # Errors
/// The database's.
pub async fn check_shape(conn: &mut PgConnection, wkb: &[u8]) -> sqlx::Result<Option<String>> {
    let reason = sqlx::query_scalar!(r#"select st_isvalidreason(st_geomfromwkb($1, 4326)) as "reason!""#, wkb)
        .fetch_one(conn)
        .await?;
    Ok((reason != "Valid Geometry").then_some(reason))
}

/// Makes a bent shape valid: rings are traced anew so that each point is inside as often as an odd number of rings says, and what is
/// no surface falls away (`ST_MakeValid`, method structure). Gives back the shape and its size before and after in m²; none when
/// nothing is left.
///
/// # Errors
/// The database's.
pub async fn repair(
    conn: &mut PgConnection,
    shape: &geo::MultiPolygon<f64>,
) -> sqlx::Result<Option<(geo::MultiPolygon<f64>, f64, f64)>> {
    let wkb = to_wkb(&Geometry::MultiPolygon(shape.clone())).map_err(decode)?;
    let row = sqlx::query!(
        r#"with given as (select st_geomfromwkb($1, 4326) as g),
           made as (select g, st_multi(st_collectionextract(st_makevalid(g, 'method=structure'), 3)) as m from given)
           select st_asbinary(m, 'NDR') as "wkb!", st_isempty(m) as "empty!", st_area(g::geography) as "before!",
                  st_area(m::geography) as "after!" from made"#,
        wkb
    )
    .fetch_one(conn)
    .await?;
    if row.empty {
        return Ok(None);
    }
    match from_wkb(&row.wkb).map_err(decode)? {
        Geometry::MultiPolygon(made) => Ok(Some((made, row.before, row.after))),
        _ => Ok(None),
    }
}

/// Looks at a valid shape of the area `code`, which may be new.
///
/// # Errors
/// The database's.
pub async fn coverage(conn: &mut PgConnection, code: &str, wkb: &[u8]) -> sqlx::Result<Check> {
    let row = sqlx::query!(
        r#"with given as (select st_geomfromwkb($1, 4326) as g)
           select st_area(g::geography) as "area!", st_npoints(g) as "vertices!",
               (select count(distinct p.resident_id) from resident_place p join resident r on r.id = p.resident_id and r.deleted_at is null
                where st_intersects(p.geom, g)) as "residents!",
               array(select a.code from risk_area a where a.retired_at is null and a.code <> $2 and a.geom && g
                         and st_area(st_intersection(a.geom, g)::geography) > 100 order by a.code limit 20) as "overlaps!"
           from given"#,
        wkb,
        code
    )
    .fetch_one(&mut *conn)
    .await?;
    let stations = sqlx::query_as!(
        Coverage,
        r#"select s.code, s.name, st_distance(s.geom::geography, g::geography) as "distance_m!",
                  array(select distinct quantity from datastream d where d.station_id = s.id order by quantity) as "quantities!"
           from station s, (select st_geomfromwkb($1, 4326) as g) given
           where s.active and not s.is_virtual order by s.geom <-> g, s.code limit 20"#,
        wkb
    )
    .fetch_all(conn)
    .await?;
    let stations = stations.into_iter().filter(|station| station.distance_m <= 15_000.0).collect();
    Ok(Check {
        area_km2: row.area / 1e6,
        vertices: row.vertices,
        residents: row.residents,
        stations,
        overlaps: row.overlaps,
    })
}

/// A version's shape as GeoJSON with so many digits after the point.
///
/// # Errors
/// The database's.
pub async fn outline(
    conn: &mut PgConnection,
    code: &str,
    number: i32,
    digits: i32,
) -> sqlx::Result<Option<serde_json::Value>> {
    sqlx::query_scalar!(
        r#"select st_asgeojson(geom, $3)::jsonb as "shape!" from area_version where code = $1 and number = $2"#,
        code,
        number,
        digits
    )
    .fetch_optional(conn)
    .await
}
