//! A provider's list held against the catalogue in PostgreSQL.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{Acquire as _, PgConnection};

use super::{Listed, Provider};
use crate::audit::{Act, Actor, Entry, record};
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::Ids;
use crate::stations::Change;
use crate::stations::store::{NewStation, upsert_datastream, upsert_station};

/// What a list changes, or would change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    pub new: Vec<NewStation>,
    /// With what it was before.
    pub changed: Vec<(NewStation, Before)>,
    pub unchanged: usize,
    /// Codes that belong to stations of another source, or that were taken out of service: those stay as they are.
    pub kept: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    pub name: String,
    pub lon: f64,
    pub lat: f64,
}

/// Takes the stations of a list in: new ones with the streams that a feed fills, known ones with the name and the place that
/// the provider says now. What people set of a known station's streams stays.
///
/// # Errors
/// The database's; nothing is stored then.
pub async fn follow(
    conn: &mut PgConnection,
    (ids, now): (&Ids, Instant),
    provider: Provider,
    (listed, body): (Listed, &[u8]),
    dry_run: bool,
    actor: &Actor,
) -> sqlx::Result<Followed> {
    let mut tx = conn.begin().await?;
    let mut followed = Followed::default();
    for station in listed.stations {
        one(&mut tx, now, provider, station, &mut followed).await?;
    }
    if dry_run {
        tx.rollback().await?;
        return Ok(followed);
    }
    if !followed.new.is_empty() || !followed.changed.is_empty() {
        events::notify(&mut tx, &Event::Catalogue).await?;
    }
    let after = json!({
        "from": provider, "created": followed.new.len(), "updated": followed.changed.len(), "unchanged": followed.unchanged,
        "file_sha256": crate::hexadecimal::hex(&Sha256::digest(body)),
    });
    record(&mut tx, ids, now, actor, Entry::new(Act::CatalogueImport, "import", "stations").to(after)).await?;
    tx.commit().await?;
    Ok(followed)
}

async fn one(
    conn: &mut PgConnection,
    now: Instant,
    provider: Provider,
    mut station: NewStation,
    followed: &mut Followed,
) -> sqlx::Result<()> {
    let known = sqlx::query!(
        r#"select name, st_x(geom) as "lon!", st_y(geom) as "lat!", elevation_m, source, active from station where code = $1"#,
        station.code
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(known) = known else {
        let (id, _) = upsert_station(conn, now, &station).await?;
        for stream in provider.streams() {
            upsert_datastream(conn, now, id, &stream).await?;
        }
        followed.new.push(station);
        return Ok(());
    };
    if !known.active || !known.source.eq_ignore_ascii_case(provider.source()) {
        followed.kept.push(station.code);
        return Ok(());
    }
    (station.elevation_m, station.source) = (known.elevation_m, known.source);
    match upsert_station(conn, now, &station).await?.1 {
        Change::Unchanged => followed.unchanged += 1,
        _ => followed.changed.push((station, Before { name: known.name, lon: known.lon, lat: known.lat })),
    }
    Ok(())
}
