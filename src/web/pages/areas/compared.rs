//! A version of an area drawn over the one it is held against: what it gains, what it loses, and the outlines of both.

use std::fmt::Write as _;

use sqlx::PgConnection;

use crate::web::pages::view::{Markup, View};

/// The drawing; empty when there is no such version.
pub async fn drawing(
    conn: &mut PgConnection,
    v: &View,
    code: &str,
    (before, after): (Option<i32>, i32),
) -> sqlx::Result<Markup> {
    let row = sqlx::query!(
        r#"with b as (select st_transform(geom, 3857) as g, retired from area_version where code = $1 and number = $2),
           a as (select st_transform(geom, 3857) as g, retired from area_version where code = $1 and number = $3),
           pair as (select coalesce(case when not b.retired then b.g end, st_geomfromtext('MULTIPOLYGON EMPTY', 3857)) as was,
                           case when a.retired then st_geomfromtext('MULTIPOLYGON EMPTY', 3857) else a.g end as is_now,
                           st_extent(st_collect(a.g, coalesce(b.g, a.g))) over () as box
                    from a left join b on true),
           drawn as (select *, greatest(st_xmax(box) - st_xmin(box), st_ymax(box) - st_ymin(box), 50) as size from pair)
           select st_xmin(box) as "west!", st_ymin(box) as "south!", st_xmax(box) as "east!", st_ymax(box) as "north!",
                  st_assvg(st_simplify(was, size / 1500, true), 1, 0) as "was!",
                  st_assvg(st_simplify(is_now, size / 1500, true), 1, 0) as "is_now!",
                  st_assvg(st_difference(is_now, was), 1, 0) as "gained!",
                  st_assvg(st_difference(was, is_now), 1, 0) as "lost!",
                  (select string_agg(st_assvg(st_simplify(st_transform(r.geom, 3857), size / 900, true), 1, 0), ' ')
                   from risk_area r where r.retired_at is null and r.code <> $1
                     and r.geom && st_transform(st_setsrid(st_expand(box::box2d::geometry, size), 3857), 4326)) as "others"
           from drawn"#,
        code,
        before,
        after
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(Markup::default()) };
    let margin = 0.12 * (row.east - row.west).max(row.north - row.south).max(50.0);
    let (west, north) = (row.west - margin, row.north + margin);
    let (width, height) = (row.east - row.west + 2.0 * margin, row.north - row.south + 2.0 * margin);
    let mut svg = format!(
        r#"<svg class="drawn compared" viewBox="{west:.0} {:.0} {width:.0} {height:.0}" preserveAspectRatio="xMidYMid meet" role="img" aria-label="{}">"#,
        -north,
        v.t("version-map-label")
    );
    let step = width / 60.0;
    let _ = write!(
        svg,
        r#"<defs><pattern id="lost" width="{step:.1}" height="{step:.1}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="{step:.1}" vector-effect="non-scaling-stroke"/></pattern></defs>"#
    );
    let parts = [
        ("other", row.others.unwrap_or_default(), ""),
        ("kept", row.is_now.clone(), ""),
        ("gained", row.gained, "version-gained"),
        ("lost", row.lost, "version-lost"),
        ("was", row.was, "version-was"),
        ("is", row.is_now, "version-is"),
    ];
    for (class, path, key) in parts {
        let title = if key.is_empty() { String::new() } else { format!("<title>{}</title>", v.t(key)) };
        if !path.is_empty() {
            let _ = write!(svg, r#"<path class="{class}" d="{path}">{title}</path>"#);
        }
    }
    svg.push_str("</svg>");
    Ok(Markup(svg))
}
