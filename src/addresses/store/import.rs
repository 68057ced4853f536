//! A source's addresses into PostgreSQL, each source whole: who asks meanwhile is answered from what was there before.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{Acquire as _, PgConnection};

use crate::addresses::file::{Source, Town};
use crate::addresses::key;
use crate::addresses::register::{Postcode, Street};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::hexadecimal::hex;
use crate::ids::Ids;

/// "ADDR": one import of addresses at a time.
const LOCK: i64 = 0x4144_4452;
/// Text that is sent in one piece, in bytes.
const PIECE: usize = 1024 * 1024;

/// What an import did, or would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub streets: usize,
    pub addresses: usize,
    pub postcodes: usize,
    /// Addresses of this source that were there before.
    pub before: i32,
    /// What is there is what the file makes: nothing was written.
    pub is_unchanged: bool,
}

/// The town's surroundings: half a degree around its risk areas, as far as there are any.
///
/// # Errors
/// What the database says.
pub async fn town(conn: &mut PgConnection, ibge_code: &str) -> sqlx::Result<Town> {
    let row = sqlx::query!(
        r#"select st_xmin(e) as w, st_ymin(e) as s, st_xmax(e) as east, st_ymax(e) as n
           from (select st_expand(st_extent(geom)::box2d, 0.5) as e from risk_area) as extent"#
    )
    .fetch_one(conn)
    .await?;
    let around = row.w.zip(row.s).zip(row.east.zip(row.n)).map(|((w, s), (east, n))| [w, s, east, n]);
    let ibge_code = if ibge_code == "0000000" { String::new() } else { ibge_code.to_owned() };
    Ok(Town { ibge_code, around })
}

/// Puts what a file holds in the place of what its source brought before, in one transaction. A dry run only counts.
///
/// # Errors
/// What the database says; everything is then as it was.
pub async fn replace(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    (source, file_sha256): (Source, &str),
    (streets, postcodes): (&[Street], &[Postcode]),
    dry_run: bool,
) -> sqlx::Result<Report> {
    let mut tx = conn.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
    let held = sqlx::query!("select addresses, rows_sha256 from address_source where source = $1", source.as_str());
    let held = held.fetch_optional(&mut *tx).await?;
    let rows_sha256 = sum(streets, postcodes);
    let report = Report {
        streets: streets.len(),
        addresses: streets.iter().map(|street| street.houses.len()).sum(),
        postcodes: postcodes.len(),
        before: held.as_ref().map_or(0, |held| held.addresses),
        is_unchanged: held.is_some_and(|held| held.rows_sha256 == rows_sha256),
    };
    if dry_run || report.is_unchanged {
        return Ok(report);
    }
    sqlx::query!("delete from address_street where source = $1", source.as_str()).execute(&mut *tx).await?;
    sqlx::query!("delete from address_postcode where source = $1", source.as_str()).execute(&mut *tx).await?;
    write(&mut tx, source, streets, postcodes).await?;
    note(&mut tx, (ids, now, actor), (source, file_sha256, &rows_sha256), report).await?;
    tx.commit().await?;
    Ok(report)
}

/// A sum over what would be stored, keys and all.
fn sum(streets: &[Street], postcodes: &[Postcode]) -> String {
    let mut digest = Sha256::new();
    for street in streets {
        digest.update(format!("{street:?}\n"));
    }
    for postcode in postcodes {
        digest.update(format!("{postcode:?}\n"));
    }
    hex(&digest.finalize())
}

async fn note(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    (source, file_sha256, rows_sha256): (Source, &str, &str),
    report: Report,
) -> sqlx::Result<()> {
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into address_source (source, imported_at, streets, addresses, file_sha256, rows_sha256) values ($1, $2, $3, $4, $5, $6)
         on conflict (source) do update set imported_at = excluded.imported_at, streets = excluded.streets,
             addresses = excluded.addresses, file_sha256 = excluded.file_sha256, rows_sha256 = excluded.rows_sha256",
        source.as_str(),
        now,
        count(report.streets),
        count(report.addresses),
        file_sha256,
        rows_sha256
    )
    .execute(&mut *conn)
    .await?;
    let Report { streets, addresses, before, .. } = report;
    let entry = Entry::new(Act::CatalogueImport, "import", "addresses").from(json!({ "addresses": before }));
    let entry =
        entry.to(json!({ "source": source, "streets": streets, "addresses": addresses, "file_sha256": file_sha256 }));
    audit::record(conn, ids, now, actor, entry).await
}

async fn write(
    conn: &mut PgConnection,
    source: Source,
    streets: &[Street],
    postcodes: &[Postcode],
) -> sqlx::Result<()> {
    let last = sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "last!" from address_street"#);
    let first = last.fetch_one(&mut *conn).await? + 1;
    let rows = (first..).zip(streets).map(|(id, street)| street_line(id, source, street));
    let table = "copy address_street (id, source, kind, key, words, name, neighbourhood, neighbourhood_key, ceps, middle, reach_m, \
                 west, south, east, north) from stdin";
    copy(&mut *conn, table, rows).await?;
    let rows = (first..).zip(streets).flat_map(|(id, street)| {
        street.houses.iter().map(move |((number, suffix), house)| {
            let cep = eight(house.cep);
            let point = point(house.lon, house.lat);
            format!("{id}\t{number}\t{}\t{cep}\t{point}\t{}\n", text(suffix), house.accuracy_m)
        })
    });
    copy(&mut *conn, "copy address (street_id, number, suffix, cep, geom, accuracy_m) from stdin", rows).await?;
    let rows = postcodes.iter().map(|one| {
        let middle = one.extent.middle;
        let point = point(middle.lon, middle.lat);
        format!("{source}\t{}\t{}\t{point}\t{}\n", eight(one.cep), text(&one.street), middle.precision_m)
    });
    copy(conn, "copy address_postcode (source, cep, street, middle, reach_m) from stdin", rows).await
}

fn street_line(id: i64, source: Source, street: &Street) -> String {
    let [west, south, east, north] = street.extent.bounds;
    let middle = street.extent.middle;
    // Words are letters and digits alone; the quotes are for a street that is called null.
    let words: Vec<String> = street.words.iter().map(|word| format!("\"{word}\"")).collect();
    let words = format!("{{{}}}", words.join(","));
    let ceps = format!("{{{}}}", street.ceps.iter().map(|cep| eight(*cep)).collect::<Vec<_>>().join(","));
    format!(
        "{id}\t{source}\t{}\t{}\t{words}\t{}\t{}\t{}\t{ceps}\t{}\t{}\t{west}\t{south}\t{east}\t{north}\n",
        street.kind,
        street.words.join(" "),
        text(&street.name),
        text(&street.neighbourhood),
        key::words(&street.neighbourhood).join(" "),
        point(middle.lon, middle.lat),
        middle.precision_m
    )
}

fn point(lon: f64, lat: f64) -> String {
    format!("SRID=4326;POINT({lon} {lat})")
}

/// A CEP with its zeros; empty for none.
fn eight(cep: u32) -> String {
    if cep == 0 { String::new() } else { format!("{cep:08}") }
}

/// A cell of COPY's text format.
fn text(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\t' | '\n' | '\r' => out.push(' '),
            other => {
                let _ = out.write_char(other);
            }
        }
    }
    out
}

async fn copy(conn: &mut PgConnection, table: &str, rows: impl Iterator<Item = String>) -> sqlx::Result<()> {
    let mut copy = conn.copy_in_raw(table).await?;
    let mut piece = String::with_capacity(PIECE + 1024);
    for row in rows {
        piece.push_str(&row);
        if piece.len() >= PIECE {
            copy.send(std::mem::take(&mut piece).into_bytes()).await?;
        }
    }
    copy.send(piece.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}
