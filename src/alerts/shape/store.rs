//! Places of an alert in PostgreSQL: what it holds for, what was taken out of it, and what its message will carry of it.

use geo::{Geometry, MultiPolygon};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Circle, NewShape, Simplified, simplify};
use crate::alerts::places::NewPlace;
use crate::clock::Instant;
use crate::db::geometry::{BadWkb, polygons_from_wkb, to_wkb};
use crate::ids::{AlertId, AreaId};
use crate::units::UnknownWord;

/// Rows of people that are counted at most: beyond it "more than so many" says enough.
pub const MOST_COUNTED: i64 = 20_000;
/// How far from an area phones still hear what cell broadcast sends for it (its usual least cell in a town), in metres.
pub const CELL_REACH_M: f64 = 2000.0;

/// How a place is named in addresses: "area-12", "shape-3".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceId {
    Area(AreaId),
    Shape(i64),
}

impl std::fmt::Display for PlaceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Area(id) => write!(f, "area-{id}"),
            Self::Shape(id) => write!(f, "shape-{id}"),
        }
    }
}

impl std::str::FromStr for PlaceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.parse::<i64>().ok());
        let area = number("area-").map(|id| Self::Area(AreaId(id)));
        area.or_else(|| number("shape-").map(Self::Shape))
            .ok_or_else(|| format!("{text:?} is no place; expected area-1 or shape-1"))
    }
}

/// One place that an alert holds for.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// "area-12" of a risk area, "shape-3" of any other.
    pub id: String,
    /// risk_area, drawn, circle, neighbourhood or upload.
    pub source: String,
    /// Of a risk area.
    pub code: Option<String>,
    #[schema(value_type = Option<i64>)]
    pub area_id: Option<AreaId>,
    pub name: String,
    /// Of a circle: its centre and radius.
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub radius_km: Option<f64>,
    pub area_km2: f64,
}

/// The places of an alert, risk areas first.
pub async fn places(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select case when t.area_id is null then 'shape-' || t.shape_id else 'area-' || t.area_id end as "id!",
                  coalesce(s.source, 'risk_area') as "source!", t.code, t.area_id as "area_id: AreaId", t.name as "name!",
                  st_y(s.centre) as lat, st_x(s.centre) as lon, s.radius_km, st_area(t.geom::geography) / 1e6 as "area_km2!"
           from alert_target t left join alert_shape s on s.id = t.shape_id
           where t.alert_id = $1 order by t.area_id is null, t.name, t.area_id, t.shape_id"#,
        alert.0
    )
    .fetch_all(conn)
    .await
}

/// Their names, as texts say them.
pub async fn names(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"select name as "name!" from alert_target where alert_id = $1 order by name"#, alert.0)
        .fetch_all(conn)
        .await
}

/// The corners of all of them in degrees: west, south, east, north.
pub async fn bounds(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Option<[f64; 4]>> {
    let row = sqlx::query!(
        r#"select st_xmin(e) as west, st_ymin(e) as south, st_xmax(e) as east, st_ymax(e) as north
           from (select st_extent(geom) as e from alert_target where alert_id = $1) as extent"#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    Ok(row.west.zip(row.south).zip(row.east.zip(row.north)).map(|((w, s), (e, n))| [w, s, e, n]))
}

/// Places besides risk areas.
pub async fn count_shapes(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from alert_shape where alert_id = $1"#, alert.0)
        .fetch_one(conn)
        .await
}

/// Kilometres from a shape to the town's risk areas; `None` where there are none.
pub async fn distance_km(conn: &mut PgConnection, polygons: &MultiPolygon<f64>) -> sqlx::Result<Option<f64>> {
    let wkb = wkb(polygons)?;
    sqlx::query_scalar!(
        r#"select st_distance(st_envelope(st_geomfromwkb($1, 4326))::geography, st_setsrid(st_extent(geom)::geometry, 4326)::geography) / 1000
               as km from risk_area where retired_at is null"#,
        wkb
    )
    .fetch_one(conn)
    .await
}

/// Stores a shape: the union of its polygons, made valid. `None` when nothing is left of it.
pub async fn insert(conn: &mut PgConnection, alert: AlertId, shape: &NewShape) -> sqlx::Result<Option<i64>> {
    let (wkb, circle) = (wkb(&shape.polygons)?, shape.circle);
    sqlx::query_scalar!(
        "insert into alert_shape (alert_id, source, name, geom, centre, radius_km)
         select $1, $2, $3, made.g, st_setsrid(st_makepoint($5, $6), 4326), $7
         from (select st_multi(st_collectionextract(st_unaryunion(
                   st_makevalid(st_geomfromwkb($4, 4326), 'method=structure')), 3)) as g) as made
         where not st_isempty(made.g)
         returning id",
        alert.0,
        shape.source.as_str(),
        shape.name,
        wkb,
        circle.map(|circle| circle.lon),
        circle.map(|circle| circle.lat),
        circle.map(|circle| circle.radius_km)
    )
    .fetch_optional(conn)
    .await
}

/// A risk area in service joins. `None` when there is none, or it is in already.
pub async fn insert_area(conn: &mut PgConnection, alert: AlertId, area: AreaId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "insert into alert_area (alert_id, area_id, name, geom)
         select $1, id, name, geom from risk_area where id = $2 and retired_at is null
         on conflict do nothing returning name",
        alert.0,
        area.0
    )
    .fetch_optional(conn)
    .await
}

/// The risk area in service of a code.
pub async fn area_of(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<AreaId>> {
    sqlx::query_scalar!(r#"select id as "id: AreaId" from risk_area where code = $1 and retired_at is null"#, code)
        .fetch_optional(conn)
        .await
}

/// Takes a place out and keeps it for [`restore`]. Its name, or `None` when it is not there.
pub async fn remove(
    conn: &mut PgConnection,
    alert: AlertId,
    place: PlaceId,
    (now, actor): (Instant, &str),
) -> sqlx::Result<Option<String>> {
    match place {
        PlaceId::Area(area) => {
            sqlx::query_scalar!(
                "with gone as (delete from alert_area where alert_id = $1 and area_id = $2 returning *)
                 insert into alert_place_removed (alert_id, at, actor, area_id, explanation, name, geom)
                 select alert_id, $3, $4, area_id, explanation, name, geom from gone returning name",
                alert.0,
                area.0,
                now,
                actor
            )
            .fetch_optional(conn)
            .await
        }
        PlaceId::Shape(shape) => {
            sqlx::query_scalar!(
                "with gone as (delete from alert_shape where alert_id = $1 and id = $2 returning *)
                 insert into alert_place_removed (alert_id, at, actor, source, name, geom, centre, radius_km)
                 select alert_id, $3, $4, source, name, geom, centre, radius_km from gone returning name",
                alert.0,
                shape,
                now,
                actor
            )
            .fetch_optional(conn)
            .await
        }
    }
}

/// The place that was taken out last and can be put back.
pub async fn last_removed(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from alert_place_removed where alert_id = $1 order by id desc limit 1", alert.0)
        .fetch_optional(conn)
        .await
}

/// Puts the place that was taken out last back as it was. Its name, or `None` when there is none.
pub async fn restore(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Option<String>> {
    let restored = sqlx::query_scalar!(
        r#"with last as (
               delete from alert_place_removed
               where id = (select id from alert_place_removed where alert_id = $1 order by id desc limit 1) returning *
           ), area as (
               insert into alert_area (alert_id, area_id, name, geom, explanation)
               select alert_id, area_id, name, geom, explanation from last where area_id is not null on conflict do nothing
           ), shape as (
               insert into alert_shape (alert_id, source, name, geom, centre, radius_km)
               select alert_id, source, name, geom, centre, radius_km from last where source is not null
           )
           select name as "name!" from last"#,
        alert.0
    );
    restored.fetch_optional(conn).await
}

/// Every place of an alert but its risk areas, for the alert that answers it.
pub async fn new_shapes(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<NewPlace>> {
    let rows = sqlx::query!(
        r#"select source, name, st_asbinary(geom) as "geom!", st_y(centre) as lat, st_x(centre) as lon, radius_km
           from alert_shape where alert_id = $1 order by id"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let circle = row.lat.zip(row.lon).zip(row.radius_km);
            Ok(NewPlace::Shape(NewShape {
                source: row.source.parse().map_err(|error: UnknownWord| sqlx::Error::Decode(error.into()))?,
                name: row.name,
                polygons: polygons_from_wkb(&row.geom).map_err(decode)?,
                circle: circle.map(|((lat, lon), radius_km)| Circle { lat, lon, radius_km }),
            }))
        })
        .collect()
}

/// A draft was changed by a person: a new revision, which nobody has approved and which is theirs.
pub async fn touch(conn: &mut PgConnection, alert: AlertId, actor: &str) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "update alert set revision = revision + 1, state = 'draft', submitted_at = null, submitted_by = null,
             written_by = coalesce((select id from staff where username = $2), written_by)
         where id = $1 returning revision",
        alert.0,
        actor
    )
    .fetch_one(conn)
    .await
}

/// The shapes of an alert, each with its name.
async fn shapes(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<MultiPolygon<f64>>> {
    let rows =
        sqlx::query_scalar!(r#"select st_asbinary(geom) as "geom!" from alert_target where alert_id = $1"#, alert.0)
            .fetch_all(conn)
            .await?;
    rows.iter().map(|row| polygons_from_wkb(row).map_err(decode)).collect()
}

/// What the message will carry, held against what was meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = PlaceDifference)]
pub struct Difference {
    pub polygons: usize,
    /// Points of all outlines and holes as they were given.
    pub vertices_before: usize,
    /// As they leave.
    pub vertices_after: usize,
    /// Of the largest polygon that leaves; at most 99 and the repeated last one.
    pub largest: usize,
    /// Holes that are filled, because CAP has none.
    pub holes_filled: usize,
    /// Size of all places together, overlaps once.
    pub area_km2: f64,
    pub sent_km2: f64,
    /// What the simplified shape adds to what was meant, and leaves out of it.
    pub added_km2: f64,
    pub lost_km2: f64,
    /// Residents of those strips.
    pub people_added: i64,
    pub people_lost: i64,
    /// Share of the simplified shape that lies outside what was meant, 0 to 1.
    pub overspill: f64,
    /// Residents outside, within 2 km of what leaves: cell broadcast may reach their phones too. Counted up to 20,000.
    pub people_near: i64,
    /// Drawn in metres of the web's projection (EPSG:3857): west, south, east, north.
    #[serde(skip)]
    pub drawn: Drawn,
}

impl Difference {
    /// Whether anything at all changes.
    pub fn is_same(&self) -> bool {
        self.vertices_before == self.vertices_after && self.holes_filled == 0
    }
}

/// Paths of SVG.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    pub bounds: Option<[f64; 4]>,
    pub meant: String,
    pub sent: String,
    pub added: String,
    pub lost: String,
}

/// Holds what leaves against what was meant; empty for an alert without a place.
pub async fn difference(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Difference> {
    let simple: Vec<Simplified> = shapes(&mut *conn, alert).await?.iter().map(simplify).collect();
    let sent = MultiPolygon(simple.iter().flat_map(|one| one.polygons.0.iter().cloned()).collect());
    if sent.0.is_empty() {
        return Ok(Difference::default());
    }
    let sum = |of: fn(&Simplified) -> usize| simple.iter().map(of).sum();
    let told = Difference {
        polygons: sent.0.len(),
        vertices_before: sum(|one| one.before),
        vertices_after: sum(|one| one.after),
        holes_filled: sum(|one| one.holes),
        largest: simple.iter().map(|one| one.largest).max().unwrap_or(0),
        ..Difference::default()
    };
    measured(conn, alert, &wkb(&sent)?, told).await
}

/// Sizes, people and paths. Strips are cut into pieces, so that the index of people's places serves them.
async fn measured(conn: &mut PgConnection, alert: AlertId, sent: &[u8], told: Difference) -> sqlx::Result<Difference> {
    let row = sqlx::query!(
        r#"with meant as materialized (select st_unaryunion(st_collect(geom)) as g from alert_target where alert_id = $1),
           sent as materialized (select st_unaryunion(st_makevalid(st_geomfromwkb($2, 4326), 'method=structure')) as g),
           cut as materialized (
               select st_collectionextract(st_difference(sent.g, meant.g), 3) as added,
                      st_collectionextract(st_difference(meant.g, sent.g), 3) as lost from meant, sent),
           near as materialized (
               select st_subdivide(st_difference(st_buffer(sent.g::geography, $3)::geometry, st_union(meant.g, sent.g)), 64) as g
               from meant, sent),
           flat as materialized (
               select st_transform(meant.g, 3857) as meant, st_transform(sent.g, 3857) as sent, st_transform(cut.added, 3857) as added,
                      st_transform(cut.lost, 3857) as lost from meant, sent, cut),
           box as (select *, st_extent(st_collect(meant, sent)) over () as e from flat),
           size as (select *, greatest(st_xmax(e) - st_xmin(e), st_ymax(e) - st_ymin(e), 50) / 1500 as fine from box)
           select st_area(meant.g::geography) / 1e6 as "area!", st_area(sent.g::geography) / 1e6 as "sent_area!",
                  st_area(cut.added::geography) / 1e6 as "added!", st_area(cut.lost::geography) / 1e6 as "lost!",
                  (select count(distinct p.resident_id) from st_subdivide(cut.added, 64) as piece
                       join resident_place p on p.geom && piece and st_intersects(p.geom, piece)
                       join resident r on r.id = p.resident_id and r.deleted_at is null) as "people_added!",
                  (select count(distinct p.resident_id) from st_subdivide(cut.lost, 64) as piece
                       join resident_place p on p.geom && piece and st_intersects(p.geom, piece)
                       join resident r on r.id = p.resident_id and r.deleted_at is null) as "people_lost!",
                  (select count(distinct one.resident_id) from (
                       select p.resident_id from near join resident_place p on p.geom && near.g and st_intersects(p.geom, near.g)
                           join resident r on r.id = p.resident_id and r.deleted_at is null limit $4) as one) as "people_near!",
                  st_xmin(e) as "west!", st_ymin(e) as "south!", st_xmax(e) as "east!", st_ymax(e) as "north!",
                  st_assvg(st_simplify(size.meant, fine, true), 1, 0) as "meant_path!",
                  st_assvg(st_simplify(size.sent, fine / 4, true), 1, 0) as "sent_path!",
                  st_assvg(size.added, 1, 0) as "added_path!", st_assvg(size.lost, 1, 0) as "lost_path!"
           from meant, sent, cut, size"#,
        alert.0,
        sent,
        CELL_REACH_M,
        MOST_COUNTED + 1
    )
    .fetch_one(conn)
    .await?;
    Ok(Difference {
        area_km2: row.area,
        sent_km2: row.sent_area,
        added_km2: row.added,
        lost_km2: row.lost,
        people_added: row.people_added,
        people_lost: row.people_lost,
        overspill: if row.sent_area > 0.0 { row.added / row.sent_area } else { 0.0 },
        people_near: row.people_near,
        drawn: Drawn {
            bounds: Some([row.west, row.south, row.east, row.north]),
            meant: row.meant_path,
            sent: row.sent_path,
            added: row.added_path,
            lost: row.lost_path,
        },
        ..told
    })
}

/// What an alert holds for and what its message will carry of it, as GeoJSON: features with `kind` place (with `source` and `name`)
/// or sent. Places are simplified to about ten metres, for maps.
pub async fn features(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<serde_json::Value> {
    let simple: Vec<Simplified> = shapes(&mut *conn, alert).await?.iter().map(simplify).collect();
    let sent = MultiPolygon(simple.into_iter().flat_map(|one| one.polygons.0).collect());
    let sent = wkb(&sent)?;
    sqlx::query_scalar!(
        r#"with feature as (
               select 0 as place, t.name, jsonb_build_object('type', 'Feature',
                   'properties', jsonb_build_object('kind', 'place', 'source', coalesce(s.source, 'risk_area'), 'name', t.name),
                   'geometry', st_asgeojson(st_simplifypreservetopology(t.geom, 0.0001), 6)::jsonb) as f
               from alert_target t left join alert_shape s on s.id = t.shape_id where t.alert_id = $1
               union all
               select 1, '', jsonb_build_object('type', 'Feature', 'properties', jsonb_build_object('kind', 'sent'),
                   'geometry', st_asgeojson(g, 6)::jsonb)
               from st_geomfromwkb($2, 4326) as g where not st_isempty(g))
           select jsonb_build_object('type', 'FeatureCollection', 'features', coalesce(jsonb_agg(f order by place, name), '[]')) as "all!"
           from feature"#,
        alert.0,
        sent
    )
    .fetch_one(conn)
    .await
}

fn wkb(polygons: &MultiPolygon<f64>) -> sqlx::Result<Vec<u8>> {
    to_wkb(&Geometry::MultiPolygon(polygons.clone())).map_err(decode)
}

fn decode(error: BadWkb) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
