//! Maps and charts drawn on the server as SVG: they work without JavaScript, on paper and in a screen reader.

use std::fmt::Write as _;

use askama::filters::{Html, escape};
use sqlx::PgConnection;

use super::view::{Markup, View};
use crate::ids::AreaId;
use crate::web::situation::{self, Bin};

/// What a drawn map emphasises and where its areas lead.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapWish<'a> {
    /// "/console/areas/" makes links; empty draws shapes only.
    pub link: &'a str,
    pub chosen: &'a [AreaId],
    /// Shows these areas large instead of the whole town.
    pub zoom_to_chosen: bool,
    /// A place to mark: longitude and latitude.
    pub mark: Option<(f64, f64)>,
    /// Squares to lay over it, each as west, south, east, north in degrees and how many it stands for.
    pub squares: &'a [([f64; 4], i64)],
    /// Occurrences to mark, each a link.
    pub marks: &'a [Mark],
    /// Where somebody went, in the order of time: longitude and latitude.
    pub line: &'a [(f64, f64)],
    /// Shows the marks large instead of the whole town.
    pub zoom_to_marks: bool,
    /// Places to go to, each a link into the page's own list.
    pub pins: &'a [Pin],
}

/// A place that the list of the page holds under the same number.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    pub lon: f64,
    pub lat: f64,
    pub number: usize,
    /// Its class: `meeting` is drawn round, `shelter` and `shelter open` square.
    pub kind: &'static str,
    pub href: String,
    pub label: String,
}

/// One occurrence, or some that lie together.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub lon: f64,
    pub lat: f64,
    pub count: i64,
    /// The most urgent of them, 1 to 4; 0: somebody who was sent, and no occurrence.
    pub priority: i16,
    pub href: String,
    pub label: String,
}

/// The map of all areas coloured, hatched and named by level.
pub async fn map(conn: &mut PgConnection, v: &View, wish: MapWish<'_>) -> sqlx::Result<Markup> {
    let found = match wish.mark {
        Some((lon, lat)) => Some(around(lon, lat)),
        None if wish.zoom_to_marks && !wish.marks.is_empty() => around_all(wish.marks),
        None => view_box(&mut *conn, wish).await?.or_else(|| around_all(wish.marks)),
    };
    let Some([west, south, east, north]) = found else { return Ok(Markup::default()) };
    let width = (east - west).max(1.0);
    // One part in nine hundred is below a pixel on most screens.
    let tolerance = width / 900.0;
    let rows = sqlx::query!(
        r#"select w.area_id as "id!: AreaId", w.name as "name!", w.level as "level!", coalesce(b.hazards, '{}') as "blind!",
                  st_assvg(st_simplify(st_transform(w.geom, 3857), $1, true), 1, 0) as "path!"
           from area_worst w left join area_blind b on b.area_id = w.area_id order by w.rank, w.area_id"#,
        tolerance
    )
    .fetch_all(conn)
    .await?;
    let mut svg = format!(
        r#"<svg class="drawn" viewBox="{west:.0} {:.0} {width:.0} {:.0}" preserveAspectRatio="xMidYMid meet" role="group" aria-label="{}">"#,
        -north,
        (north - south).max(1.0),
        v.t("map-label")
    );
    let step = width / 90.0;
    let _ = write!(
        svg,
        r#"<defs><pattern id="hatch" width="{step:.0}" height="{step:.0}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="{step:.0}" vector-effect="non-scaling-stroke"/></pattern></defs>"#
    );
    for row in rows {
        let name = escape(&row.name, Html).map(|name| name.to_string()).unwrap_or_default();
        let word = v.t(&format!("level-{}", row.level));
        let chosen = match wish.chosen.len() {
            _ if !wish.chosen.contains(&row.id) => "",
            ..8 => " chosen",
            _ => " chosen many",
        };
        let dark = darkness(v, &row.blind);
        let mut shape = format!(
            r#"<path class="area {}{chosen}" d="{}"><title>{name}: {word}{dark}</title></path>"#,
            row.level, row.path
        );
        // Over its level an area is hatched by a shape of its own: one fill cannot be both.
        if !row.blind.is_empty() && row.level != "unknown" {
            let _ = write!(shape, r#"<path class="dark" d="{}" aria-hidden="true"/>"#, row.path);
        }
        let _ = if wish.link.is_empty() {
            write!(svg, "{shape}")
        } else {
            write!(svg, r#"<a href="{}{}">{shape}</a>"#, wish.link, row.id)
        };
    }
    squares(v, wish.squares, &mut svg);
    line(v, wish.line, &mut svg);
    marks(wish.marks, width, &mut svg);
    pins(wish.pins, width, &mut svg);
    if let Some((lon, lat)) = wish.mark {
        let (x, y) = mercator(lon, lat);
        let _ = write!(svg, r#"<circle class="mark" cx="{x:.0}" cy="{:.0}" r="{:.0}"/>"#, -y, width / 45.0);
    }
    svg.push_str("</svg>");
    Ok(Markup(svg))
}

/// The darker, the more; each says its number.
fn squares(v: &View, squares: &[([f64; 4], i64)], svg: &mut String) {
    let most = squares.iter().map(|(_, people)| *people).max().unwrap_or(1).max(1);
    for ([west, south, east, north], people) in squares {
        let ((x, y), (right, top)) = (mercator(*west, *south), mercator(*east, *north));
        let step = (*people * 4 + most - 1) / most;
        let _ = write!(
            svg,
            r#"<rect class="people p{step}" x="{x:.0}" y="{:.0}" width="{:.0}" height="{:.0}"><title>{}</title></rect>"#,
            -top,
            right - x,
            top - y,
            v.t1("unreached-square", "n", v.count(*people))
        );
    }
}

/// For the title of a shape: of which hazards no gauge speaks there.
fn darkness(v: &View, hazards: &[String]) -> String {
    if hazards.is_empty() {
        return String::new();
    }
    let names: Vec<String> = hazards.iter().map(|cobrade| v.hazard(cobrade)).collect();
    let text = format!(" · {}: {}", v.t("area-blind"), names.join(", "));
    escape(&text, Html).map(|text| text.to_string()).unwrap_or_default()
}

/// A way as a line under the marks.
fn line(v: &View, places: &[(f64, f64)], svg: &mut String) {
    if places.len() < 2 {
        return;
    }
    let point = |(lon, lat): &(f64, f64)| {
        let (x, y) = mercator(*lon, *lat);
        format!("{x:.1},{:.1}", -y)
    };
    let points: Vec<String> = places.iter().map(point).collect();
    let _ = write!(
        svg,
        r#"<polyline class="track" points="{}"><title>{}</title></polyline>"#,
        points.join(" "),
        v.t("teams-track-line")
    );
}

/// The most urgent last, so that nothing lies over it. A number says how many, the label how urgent: colour is never alone.
fn marks(marks: &[Mark], width: f64, svg: &mut String) {
    let mut ordered: Vec<&Mark> = marks.iter().collect();
    ordered.sort_by(|a, b| b.priority.cmp(&a.priority).then(b.count.cmp(&a.count)));
    for mark in ordered {
        let (x, y) = mercator(mark.lon, mark.lat);
        let r = width / 130.0 * (1.0 + (mark.count.max(1) as f64).ln() / 3.0);
        let text = |text: &str| escape(text, Html).map(|text| text.to_string()).unwrap_or_default();
        let (label, href) = (text(&mark.label), text(&mark.href));
        let shown = match (mark.count, mark.priority) {
            (2.., _) => mark.count.to_string(),
            (_, 0) => "▲".to_owned(),
            (_, priority) => format!("P{priority}"),
        };
        let _ = write!(
            svg,
            r#"<a href="{href}" aria-label="{label}" class="case p{}"><circle cx="{x:.0}" cy="{:.0}" r="{r:.0}"><title>{label}</title></circle><text x="{x:.0}" y="{:.0}" font-size="{:.0}" text-anchor="middle" aria-hidden="true">{shown}</text></a>"#,
            mark.priority,
            -y,
            0.35f64.mul_add(r, -y),
            r * 0.95
        );
    }
}

/// Each with its number and, in its title, its name: shape and number speak where colours are not seen.
fn pins(pins: &[Pin], width: f64, svg: &mut String) {
    let r = width / 75.0;
    for pin in pins {
        let (x, y) = mercator(pin.lon, pin.lat);
        let text = |text: &str| escape(text, Html).map(|text| text.to_string()).unwrap_or_default();
        let (label, href) = (text(&pin.label), text(&pin.href));
        let shape = if pin.kind == "meeting" {
            format!(r#"<circle cx="{x:.0}" cy="{:.0}" r="{r:.0}"><title>{label}</title></circle>"#, -y)
        } else {
            let (left, top, side) = (x - r, -y - r, 2.0 * r);
            format!(
                r#"<rect x="{left:.0}" y="{top:.0}" width="{side:.0}" height="{side:.0}" rx="{:.0}"><title>{label}</title></rect>"#,
                r / 4.0
            )
        };
        let _ = write!(
            svg,
            r#"<a href="{href}" aria-label="{label}" class="pin {}">{shape}<text x="{x:.0}" y="{:.0}" font-size="{:.0}" text-anchor="middle" aria-hidden="true">{}</text></a>"#,
            pin.kind,
            0.35f64.mul_add(r, -y),
            r * 1.1,
            pin.number
        );
    }
}

/// All marks with some streets about them.
fn around_all(marks: &[Mark]) -> Option<[f64; 4]> {
    const MARGIN: f64 = 1200.0;
    let first = marks.first().map(|mark| mercator(mark.lon, mark.lat))?;
    let start = [first.0, first.1, first.0, first.1];
    let [west, south, east, north] = marks
        .iter()
        .map(|mark| mercator(mark.lon, mark.lat))
        .fold(start, |four, (x, y)| [four[0].min(x), four[1].min(y), four[2].max(x), four[3].max(y)]);
    Some([west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN])
}

/// A few streets about a mark, in metres of the web's projection.
fn around(lon: f64, lat: f64) -> [f64; 4] {
    const REACH: f64 = 2500.0;
    let (x, y) = mercator(lon, lat);
    [x - REACH, y - REACH, x + REACH, y + REACH]
}

/// Metres of the web's projection (EPSG:3857).
fn mercator(lon: f64, lat: f64) -> (f64, f64) {
    const RADIUS_M: f64 = 6_378_137.0;
    let lat = lat.clamp(-85.0, 85.0).to_radians();
    (RADIUS_M * lon.to_radians(), RADIUS_M * (lat / 2.0 + std::f64::consts::FRAC_PI_4).tan().ln())
}

/// West, south, east, north in metres of the web's projection, with a margin.
async fn view_box(conn: &mut PgConnection, wish: MapWish<'_>) -> sqlx::Result<Option<[f64; 4]>> {
    let ids: Vec<i64> = wish.chosen.iter().map(|id| id.0).collect();
    let only = wish.zoom_to_chosen && !ids.is_empty();
    let row = sqlx::query!(
        r#"with town as (select st_extent(st_transform(st_envelope(geom), 3857)) as e from risk_area where retired_at is null),
           box as (select st_extent(st_transform(st_envelope(geom), 3857)) as e from risk_area
                   where case when $1::boolean then id = any($2) else retired_at is null end),
           size as (select greatest(st_xmax(box.e) - st_xmin(box.e), st_ymax(box.e) - st_ymin(box.e)) as own,
                           greatest(st_xmax(town.e) - st_xmin(town.e), st_ymax(town.e) - st_ymin(town.e)) as whole
                    from box, town),
           -- A small area needs its surroundings to be recognised; a large one is its own surroundings.
           wide as (select st_expand(box.e::box3d::geometry, greatest(0.03 * own, least(0.6 * own, 0.1 * whole - 0.1 * own))) as g
                    from box, size)
           select st_xmin(g) as west, st_ymin(g) as south, st_xmax(g) as east, st_ymax(g) as north from wide"#,
        only,
        &ids
    )
    .fetch_one(conn)
    .await?;
    Ok(row.west.zip(row.south).zip(row.east.zip(row.north)).map(|((w, s), (e, n))| [w, s, e, n]))
}

/// The attribute the live map starts from: its corners as JSON.
pub async fn bounds_json(conn: &mut PgConnection) -> sqlx::Result<String> {
    let bounds = situation::bounds(conn).await?;
    Ok(bounds.map_or_else(|| "null".to_owned(), |[w, s, e, n]| format!("[[{w},{s}],[{e},{n}]]")))
}

/// The corners of some areas, for a map that shows them large.
pub async fn bounds_of(conn: &mut PgConnection, areas: &[AreaId]) -> sqlx::Result<String> {
    let ids: Vec<i64> = areas.iter().map(|id| id.0).collect();
    let row = sqlx::query!(
        r#"select st_xmin(e) as w, st_ymin(e) as s, st_xmax(e) as east, st_ymax(e) as n
           from (select st_extent(geom) as e from risk_area where id = any($1)) as extent"#,
        &ids
    )
    .fetch_one(conn)
    .await?;
    let corners = row.w.zip(row.s).zip(row.east.zip(row.n));
    Ok(corners.map_or_else(|| "null".to_owned(), |((w, s), (e, n))| format!("[[{w},{s}],[{e},{n}]]")))
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 110.0;

/// Bars of what fell in each bin, the running total as a line, and the limit dashed. Bins without a reading stay open.
pub fn hyetograph(v: &View, bins: &[Bin], limit_24h: Option<f64>) -> Markup {
    let total: f64 = bins.iter().map(|bin| bin.value).sum();
    let most = bins.iter().map(|bin| bin.value).fold(1.0, f64::max);
    let top = total.max(limit_24h.unwrap_or(0.0)).max(1.0) * 1.06;
    let step = WIDTH / bins.len().max(1) as f64;
    let label = v.t2("chart-label", "total", v.decimal(total), "most", v.decimal(most));
    let mut svg = format!(
        r#"<svg class="hyeto" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">"#
    );
    let mut line = format!("0,{HEIGHT}");
    let mut sum = 0.0;
    for (index, bin) in bins.iter().enumerate() {
        let left = index as f64 * step;
        let tall = bin.value / most * (HEIGHT - 16.0);
        sum += bin.value;
        if bin.measured {
            let _ = write!(
                svg,
                r#"<rect class="bar" x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"><title>{} · {} mm</title></rect>"#,
                left + 1.0,
                HEIGHT - tall.max(1.0),
                (step - 2.0).max(1.0),
                tall.max(1.0),
                v.time(bin.from),
                v.decimal(bin.value)
            );
        }
        let _ = write!(line, " {:.1},{:.1}", left + step, HEIGHT - sum / top * HEIGHT);
    }
    let _ = write!(svg, r#"<polyline class="sum" points="{line}"/>"#);
    if let Some(limit) = limit_24h {
        let y = HEIGHT - limit / top * HEIGHT;
        let _ = write!(svg, r#"<line class="limit" x1="0" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/>"#);
    }
    let _ = write!(svg, r#"<line class="base" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/></svg>"#);
    Markup(svg)
}

/// A bar cut into parts, each with its class; widths are shares of the total.
pub fn parts_bar(label: &str, parts: &[(&str, i64)]) -> Markup {
    let total: i64 = parts.iter().map(|(_, count)| count).sum();
    let label = escape(label, Html).map(|label| label.to_string()).unwrap_or_default();
    let mut svg = format!(
        r#"<svg class="bars" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{label}">"#
    );
    let mut left = 0.0;
    for (class, count) in parts {
        let wide = *count as f64 / total.max(1) as f64 * 1000.0;
        let _ = write!(svg, r#"<rect class="{class}" x="{left:.1}" y="0" width="{wide:.1}" height="10"/>"#);
        left += wide;
    }
    svg.push_str("</svg>");
    Markup(svg)
}

/// How far a measured value has come towards its limit.
pub fn limit_bar(share: f64) -> Markup {
    let filled = (share * 800.0).clamp(0.0, 1000.0);
    let class = if share >= 1.0 { "over" } else { "under" };
    Markup(format!(
        r#"<svg class="gaugebar {class}" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bed" width="1000" height="10"/><rect class="fill" width="{filled:.0}" height="10"/><line x1="800" x2="800" y1="-2" y2="12"/></svg>"#
    ))
}
