//! What the sketch of a briefing shows: where the alerts of an incident hold, its occurrences and its shelters, amid the town's areas.

use sqlx::PgConnection;

use super::fill::Filling;
use crate::db::geometry;
use crate::ics::form::Content;
use crate::picture::sketch::{self, Kind, Point, Words};
use crate::picture::{Ground, Scene, widened};

/// The least that is shown, in metres: a single house amid its streets.
const LEAST: f64 = 1200.0;
/// Of a drawing.
const WIDTH: f64 = 640.0;
const RATIO: f64 = 640.0 / 460.0;

async fn points(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Vec<Point>> {
    let id = f.i.id;
    let cases = sqlx::query!(
        r#"select number, priority, st_x(p) as "x!", st_y(p) as "y!" from occurrence, lateral (select st_transform(geom, 3857) as p) as there
           where incident_id = $1 and geom is not null and state not in ('merged', 'dismissed') order by priority desc, number limit 300"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let shelters = sqlx::query!(
        r#"select s.name, st_x(p) as "x!", st_y(p) as "y!" from shelter s, lateral (select st_transform(s.geom, 3857) as p) as there
           where exists (select from shelter_opening o where o.shelter_id = s.id and o.incident_id = $1) order by s.name limit 100"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    let cases = cases.into_iter().map(|row| Point {
        at: (row.x, row.y),
        kind: Kind::Occurrence,
        label: format!("P{} {}", row.priority, row.number),
    });
    let shelters = shelters.into_iter().map(|row| Point { at: (row.x, row.y), kind: Kind::Shelter, label: row.name });
    Ok(cases.chain(shelters).collect())
}

async fn holds(conn: &mut PgConnection, f: Filling<'_>, tolerance: f64) -> sqlx::Result<Vec<Ground>> {
    let rows = sqlx::query!(
        r#"select distinct on (t.area_id, t.name) t.name as "name!", st_asbinary(st_simplify(st_transform(t.geom, 3857), $2, true)) as "shape!",
               st_x(p) as "x!", st_y(p) as "y!"
           from alert_target t join incident_alert ia on ia.alert_id = t.alert_id join alert a on a.id = t.alert_id,
               lateral (select st_transform(st_pointonsurface(t.geom), 3857) as p) as inside
           where ia.incident_id = $1 and a.issued_at is not null order by t.area_id, t.name, a.issued_at desc limit 500"#,
        f.i.id.0,
        tolerance
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| ground(row.name, &row.shape, (row.x, row.y))).collect()
}

fn ground(name: String, shape: &[u8], inside: (f64, f64)) -> sqlx::Result<Ground> {
    let shape = geometry::polygons_from_wkb(shape).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Ground { name, shape, inside })
}

async fn around(conn: &mut PgConnection, [west, south, east, north]: [f64; 4]) -> sqlx::Result<Vec<Ground>> {
    let rows = sqlx::query!(
        r#"select name, st_asbinary(st_simplify(st_transform(geom, 3857), $5, true)) as "shape!", st_x(p) as "x!", st_y(p) as "y!"
           from risk_area, lateral (select st_transform(st_pointonsurface(geom), 3857) as p) as inside
           where retired_at is null and geom && st_transform(st_makeenvelope($1, $2, $3, $4, 3857), 4326) order by name, id limit 2000"#,
        west,
        south,
        east,
        north,
        (east - west) / WIDTH
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| ground(row.name, &row.shape, (row.x, row.y))).collect()
}

/// West, south, east, north of everything, with some streets about it; none where nothing has a place.
fn extent(holds: &[Ground], points: &[Point]) -> Option<[f64; 4]> {
    use geo::BoundingRect as _;
    let boxes = holds.iter().filter_map(|one| one.shape.bounding_rect());
    let boxes = boxes.map(|rect| [rect.min().x, rect.min().y, rect.max().x, rect.max().y]);
    let all = boxes.chain(points.iter().map(|point| [point.at.0, point.at.1, point.at.0, point.at.1]));
    let [west, south, east, north] =
        all.reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])?;
    let own = (east - west).max(north - south);
    let margin = (0.08 * own).max((LEAST - own) / 2.0);
    Some(widened([west - margin, south - margin, east + margin, north + margin], RATIO))
}

/// The sketch of section 4; words that there is nothing where nothing has a place.
pub async fn content(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Content> {
    let points = points(&mut *conn, f).await?;
    // As exact as a town of 40 km on the drawing needs.
    let holds = holds(&mut *conn, f, 60.0).await?;
    let Some(extent) = extent(&holds, &points) else { return Ok(Content::Words { lines: Vec::new() }) };
    let around = around(conn, extent).await?;
    let v = f.v;
    let count = |kind| points.iter().filter(|point| point.kind == kind).count().to_string();
    let label = v.t2("ics-form-map-label", "occurrences", count(Kind::Occurrence), "shelters", count(Kind::Shelter));
    let words = Words {
        label: label.clone(),
        area: v.t("ics-form-map-area"),
        occurrence: v.t("ics-form-map-occurrence"),
        shelter: v.t("ics-form-map-shelter"),
    };
    let svg = sketch::draw(&Scene { extent, around, holds }, &points, &words);
    Ok(Content::Drawing { svg, label })
}
