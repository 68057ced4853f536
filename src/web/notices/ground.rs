//! Where an alert holds, for drawings: its own ground as it was frozen, amid the areas that the town had when it left.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::db::geometry;
use crate::ids::AlertId;
use crate::picture::{Ground, Scene, widened};

/// The least that is shown, in metres: a single house amid its streets.
const LEAST: f64 = 1200.0;

/// The scene of an alert, for a drawing of `width` × `height` pixels: what is smaller than one of them is left out. The same at any time: alerts keep their ground,
/// and of the town's areas those count that were in force at `issued_at`. `None` where the alert holds nowhere.
///
/// # Errors
/// Those of the database.
pub async fn scene(
    conn: &mut PgConnection,
    id: AlertId,
    issued_at: Instant,
    (width, height): (f64, f64),
) -> anyhow::Result<Option<Scene>> {
    let Some(extent) = extent(&mut *conn, id, issued_at).await? else { return Ok(None) };
    let [west, south, east, north] = widened(extent, width / height);
    let tolerance = (east - west) / width;
    let around = sqlx::query!(
        r#"select name, st_asbinary(st_simplify(st_transform(geom, 3857), $6, true)) as "shape!",
                  st_x(p) as "x!", st_y(p) as "y!"
           from area_version, lateral (select st_transform(st_pointonsurface(geom), 3857) as p) as inside
           where state = 'effective' and not retired and valid_from <= $1 and (valid_until is null or valid_until > $1)
             and geom && st_transform(st_makeenvelope($2, $3, $4, $5, 3857), 4326)
           order by name, code limit 5000"#,
        issued_at,
        west,
        south,
        east,
        north,
        tolerance
    )
    .fetch_all(&mut *conn)
    .await?;
    let holds = sqlx::query!(
        r#"select name as "name!", st_asbinary(st_simplify(st_transform(geom, 3857), $2, true)) as "shape!",
                  st_x(p) as "x!", st_y(p) as "y!"
           from alert_target, lateral (select st_transform(st_pointonsurface(geom), 3857) as p) as inside
           where alert_id = $1 order by st_area(geom) desc, name, area_id, shape_id limit 2000"#,
        id.0,
        tolerance
    )
    .fetch_all(conn)
    .await?;
    let ground = |name: String, shape: &[u8], inside| {
        geometry::polygons_from_wkb(shape).map(|shape| Ground { name, shape, inside })
    };
    let around = around.into_iter().map(|row| ground(row.name, &row.shape, (row.x, row.y)));
    let holds = holds.into_iter().map(|row| ground(row.name, &row.shape, (row.x, row.y)));
    Ok(Some(Scene { extent, around: around.collect::<Result<_, _>>()?, holds: holds.collect::<Result<_, _>>()? }))
}

/// West, south, east, north of where it holds, with so much around it that one recognises where that is.
async fn extent(conn: &mut PgConnection, id: AlertId, issued_at: Instant) -> sqlx::Result<Option<[f64; 4]>> {
    let row = sqlx::query!(
        r#"with own as (select st_extent(st_transform(st_envelope(geom), 3857)) as e from alert_target where alert_id = $1),
                town as (select st_extent(st_transform(st_envelope(geom), 3857)) as e from area_version
                         where state = 'effective' and not retired and valid_from <= $2 and (valid_until is null or valid_until > $2))
           select st_xmin(own.e) as west, st_ymin(own.e) as south, st_xmax(own.e) as east, st_ymax(own.e) as north,
                  greatest(st_xmax(town.e) - st_xmin(town.e), st_ymax(town.e) - st_ymin(town.e)) as whole
           from own, town"#,
        id.0,
        issued_at
    )
    .fetch_one(conn)
    .await?;
    let Some(((west, south), (east, north))) = row.west.zip(row.south).zip(row.east.zip(row.north)) else {
        return Ok(None);
    };
    let own = (east - west).max(north - south);
    // A small area needs its surroundings to be recognised; a large one is its own surroundings.
    let around = (0.1 * row.whole.unwrap_or(own) - 0.1 * own).min(0.6 * own);
    let margin = around.max(0.05 * own).max((LEAST - own) / 2.0);
    Ok(Some([west - margin, south - margin, east + margin, north + margin]))
}
