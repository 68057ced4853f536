//! Neighbourhoods in PostgreSQL.

use geo::{Geometry, MultiPolygon};
use serde::Serialize;
use serde_json::json;
use sqlx::{Acquire as _, PgConnection};

use super::NewNeighbourhood;
use crate::areas::store::repair;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::geometry::{polygons_from_wkb, to_wkb};
use crate::ids::Ids;

/// "NBHD": one import at a time.
const LOCK: i64 = 0x4e42_4844;

/// What an import did, or would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// No longer in the file.
    pub removed: u64,
}

/// One neighbourhood of a list.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Neighbourhood {
    pub code: String,
    pub name: String,
    /// Who says so.
    pub source: String,
    pub area_km2: f64,
}

/// By name.
pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Neighbourhood>> {
    sqlx::query_as!(
        Neighbourhood,
        r#"select code, name, source, st_area(geom::geography) / 1e6 as "area_km2!" from neighbourhood order by name, code limit 2000"#
    )
    .fetch_all(conn)
    .await
}

/// The name and shape of one; `None` when there is none of that code.
pub async fn find(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<(String, MultiPolygon<f64>)>> {
    let row = sqlx::query!(r#"select name, st_asbinary(geom) as "geom!" from neighbourhood where code = $1"#, code)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        let polygons = polygons_from_wkb(&row.geom).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((row.name, polygons))
    })
    .transpose()
}

/// Puts what a file holds in the place of all that was there, in one transaction. Alerts keep the shapes they were given. A dry run
/// only counts.
///
/// # Errors
/// What the database says; everything is then as it was.
pub async fn replace(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    all: &[NewNeighbourhood],
    dry_run: bool,
) -> sqlx::Result<Report> {
    let mut tx = conn.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
    let codes: Vec<String> = all.iter().map(|one| one.code.clone()).collect();
    let removed = sqlx::query!("delete from neighbourhood where code <> all($1)", &codes).execute(&mut *tx).await?;
    let mut report = Report { removed: removed.rows_affected(), ..Report::default() };
    for one in all {
        // A shape without any surface is left as it is, and the constraint of the table names it.
        let valid = repair(&mut tx, &one.polygons).await?.map_or_else(|| one.polygons.clone(), |(valid, ..)| valid);
        let wkb = to_wkb(&Geometry::MultiPolygon(valid)).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let written = sqlx::query_scalar!(
            r#"insert into neighbourhood (code, name, source, geom, updated_at)
               values ($1, $2, $3, st_multi(st_geomfromwkb($4, 4326)), $5)
               on conflict (code) do update set name = excluded.name, source = excluded.source, geom = excluded.geom,
                   updated_at = excluded.updated_at
               where (neighbourhood.name, neighbourhood.source) is distinct from (excluded.name, excluded.source)
                  or not st_equals(neighbourhood.geom, excluded.geom)
               returning (xmax = 0) as "is_new!""#,
            one.code,
            one.name,
            one.source,
            wkb,
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        match written {
            Some(true) => report.created += 1,
            Some(false) => report.updated += 1,
            None => report.unchanged += 1,
        }
    }
    if dry_run || report.created + report.updated + report.removed == 0 {
        tx.rollback().await?;
        return Ok(report);
    }
    let Report { created, updated, unchanged, removed } = report;
    let entry = Entry::new(Act::CatalogueImport, "import", "neighbourhoods");
    let counts = json!({ "created": created, "updated": updated, "unchanged": unchanged, "removed": removed });
    audit::record(&mut tx, ids, now, actor, entry.to(counts)).await?;
    tx.commit().await?;
    Ok(report)
}
