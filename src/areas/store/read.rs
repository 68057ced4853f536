//! Reading versions: one, all of an area, the one of an instant, and what lies between two.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::decode;
use crate::areas::{Content, Difference, Hazards, State, Version, hazard_changes};
use crate::clock::Instant;

struct Row {
    code: String,
    number: i32,
    state: String,
    name: String,
    source: String,
    hazards: Json<Hazards>,
    details: serde_json::Value,
    retired: bool,
    area_m2: f64,
    origin: String,
    origin_detail: serde_json::Value,
    reason: String,
    author: String,
    created_at: Instant,
    planned_for: Option<Instant>,
    valid_from: Option<Instant>,
    valid_until: Option<Instant>,
}

impl TryFrom<Row> for Version {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            code: row.code,
            number: row.number,
            state: row.state.parse().map_err(decode)?,
            name: row.name,
            source: row.source,
            hazards: row.hazards.0,
            details: row.details,
            retired: row.retired,
            area_km2: row.area_m2 / 1e6,
            origin: row.origin.parse().map_err(decode)?,
            origin_detail: row.origin_detail,
            reason: row.reason,
            author: row.author,
            created_at: row.created_at,
            planned_for: row.planned_for,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
        })
    }
}

/// Every version, newest first: of one area, or those of all areas that wait. At most 500.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, code: Option<&str>) -> sqlx::Result<Vec<Version>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select code, number, state, name, source, hazards as "hazards: Json<Hazards>", details, retired, area_m2 as "area_m2!",
               origin, origin_detail, reason, author, created_at, planned_for, valid_from, valid_until
           from area_version where code = $1 or ($1::text is null and state in ('draft', 'planned'))
           order by created_at desc, id desc limit 500"#,
        code
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Version::try_from).collect()
}

/// One version.
///
/// # Errors
/// The database's.
pub async fn version(conn: &mut PgConnection, code: &str, number: i32) -> sqlx::Result<Option<Version>> {
    let row = sqlx::query_as!(
        Row,
        r#"select code, number, state, name, source, hazards as "hazards: Json<Hazards>", details, retired, area_m2 as "area_m2!",
               origin, origin_detail, reason, author, created_at, planned_for, valid_from, valid_until
           from area_version where code = $1 and number = $2"#,
        code,
        number
    )
    .fetch_optional(conn)
    .await?;
    row.map(Version::try_from).transpose()
}

/// The version that is in force, a retired one too.
///
/// # Errors
/// The database's.
pub async fn in_force(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Version>> {
    let number = sqlx::query_scalar!(
        "select number from area_version where code = $1 and state = 'effective' and valid_until is null",
        code
    )
    .fetch_optional(&mut *conn)
    .await?;
    match number {
        Some(number) => version(conn, code, number).await,
        None => Ok(None),
    }
}

/// The version that was in force at an instant, a retired one too; none where the area was not known yet.
///
/// # Errors
/// The database's.
pub async fn at(conn: &mut PgConnection, code: &str, instant: Instant) -> sqlx::Result<Option<Version>> {
    let number = sqlx::query_scalar!(
        "select number from area_version
         where code = $1 and state = 'effective' and valid_from <= $2 and (valid_until is null or valid_until > $2)
         order by valid_from desc, number desc limit 1",
        code,
        instant
    )
    .fetch_optional(&mut *conn)
    .await?;
    match number {
        Some(number) => version(conn, code, number).await,
        None => Ok(None),
    }
}

/// The version that one follows: of one that was in force the one before it, of one that waits the one in force now, and of a
/// withdrawn one that it was written upon.
///
/// # Errors
/// The database's.
pub async fn predecessor(conn: &mut PgConnection, version: &Version) -> sqlx::Result<Option<i32>> {
    match version.state {
        State::Draft | State::Planned => Ok(in_force(conn, &version.code).await?.map(|now| now.number)),
        State::Effective => {
            sqlx::query_scalar!(
                "select number from area_version
                 where code = $1 and number <> $2 and state = 'effective' and valid_until <= $3
                 order by valid_until desc, valid_from desc, number desc limit 1",
                version.code,
                version.number,
                version.valid_from
            )
            .fetch_optional(conn)
            .await
        }
        State::Withdrawn => {
            let row = sqlx::query_scalar!(
                "select based_on from area_version where code = $1 and number = $2",
                version.code,
                version.number
            );
            Ok(row.fetch_optional(conn).await?.flatten())
        }
    }
}

/// All that a version says, its shape bit by bit.
///
/// # Errors
/// The database's.
pub async fn content(conn: &mut PgConnection, code: &str, number: i32) -> sqlx::Result<Option<Content>> {
    let row = sqlx::query!(
        r#"select name, source, st_asbinary(geom, 'NDR') as "wkb!", hazards as "hazards: Json<Hazards>", details, retired
           from area_version where code = $1 and number = $2"#,
        code,
        number
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Content {
        name: row.name,
        source: row.source,
        wkb: row.wkb,
        hazards: row.hazards.0,
        details: row.details,
        retired: row.retired,
    }))
}

/// Codes of the areas in force that a source brought and that are not among these, with their names.
///
/// # Errors
/// The database's.
pub async fn gone_of_source(
    conn: &mut PgConnection,
    sources: &[String],
    codes: &[String],
) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select code, name from risk_area where retired_at is null and source = any($1) and code <> all($2) order by code",
        sources,
        codes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// What lies between two versions of an area; `before` may be none, for an area that comes newly. None when the second is not
/// there.
///
/// # Errors
/// The database's.
pub async fn compare(
    conn: &mut PgConnection,
    code: &str,
    before: Option<i32>,
    after: i32,
) -> sqlx::Result<Option<Difference>> {
    let row = sqlx::query!(
        r#"with b as (select case when retired then st_geomfromtext('MULTIPOLYGON EMPTY', 4326) else geom end as geom, hazards, retired, geom as own
                      from area_version where code = $1 and number = $2),
           a as (select case when retired then st_geomfromtext('MULTIPOLYGON EMPTY', 4326) else geom end as geom, hazards, retired, geom as own
                 from area_version where code = $1 and number = $3),
           pair as (select a.geom as after, coalesce(b.geom, st_geomfromtext('MULTIPOLYGON EMPTY', 4326)) as before,
                           case when a.retired then '{}' else a.hazards end as hazards,
                           case when b.retired then '{}' else coalesce(b.hazards, '{}') end as hazards_before,
                           coalesce(st_asbinary(a.own) = st_asbinary(b.own), false) as same
                    from a left join b on true),
           inside as (select count(distinct p.resident_id) filter (where st_intersects(p.geom, pair.before)) as lived_before,
                             count(distinct p.resident_id) filter (where st_intersects(p.geom, pair.after)) as lived_after
                      from pair join resident_place p on p.geom && st_envelope(st_collect(pair.before, pair.after))
                      join resident r on r.id = p.resident_id and r.deleted_at is null)
           select st_area(before::geography) as "before!", st_area(after::geography) as "after!",
                  st_area(st_difference(after, before)::geography) as "gained!",
                  st_area(st_difference(before, after)::geography) as "lost!",
                  pair.same as "same!", hazards as "hazards!: Json<Hazards>", hazards_before as "hazards_before!: Json<Hazards>",
                  inside.lived_before as "residents_before!", inside.lived_after as "residents_after!"
           from pair, inside"#,
        code,
        before,
        after
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Difference {
        before_km2: row.before / 1e6,
        after_km2: row.after / 1e6,
        gained_km2: row.gained / 1e6,
        lost_km2: row.lost / 1e6,
        residents_before: row.residents_before,
        residents_after: row.residents_after,
        hazards: hazard_changes(&row.hazards_before.0, &row.hazards.0),
        same_shape: row.same,
    }))
}
