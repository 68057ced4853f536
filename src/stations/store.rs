//! Stations, datastreams and devices in PostgreSQL.

use sqlx::PgConnection;

use super::{Change, Counting, Datastream, Device, Station};
use crate::clock::Instant;
use crate::ids::{DeviceId, StationId};
use crate::risk::network::Stages;
use crate::units::UnknownWord;

/// A station as somebody describes it; `code` is the key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewStation {
    pub code: String,
    pub name: String,
    pub lon: f64,
    pub lat: f64,
    pub elevation_m: Option<f64>,
    pub source: String,
}

/// A datastream as somebody describes it; (station, name) is the key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDatastream {
    pub name: String,
    pub quantity: crate::units::Quantity,
    pub unit: String,
    pub kind: crate::units::StreamKind,
    pub interval_s: Option<i32>,
    pub stale_after_s: i32,
    pub counting: Counting,
    /// Of a river gauge.
    pub stages: Stages,
}

fn decode(error: UnknownWord) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Inserts or changes the station with this code.
pub async fn upsert_station(
    conn: &mut PgConnection,
    now: Instant,
    station: &NewStation,
) -> sqlx::Result<(StationId, Change)> {
    let old = sqlx::query!(
        r#"select id as "id: StationId", name = $2 and st_x(geom) = $3 and st_y(geom) = $4
               and elevation_m is not distinct from $5 and source = $6 and active as "same!"
           from station where code = $1 for update"#,
        station.code,
        station.name,
        station.lon,
        station.lat,
        station.elevation_m,
        station.source
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(old) = old.as_ref().filter(|old| old.same) {
        return Ok((old.id, Change::Unchanged));
    }
    let id = sqlx::query_scalar!(
        r#"insert into station (code, name, geom, elevation_m, source, created_at, updated_at)
           values ($1, $2, st_setsrid(st_makepoint($3, $4), 4326), $5, $6, $7, $7)
           on conflict (code) do update set name = excluded.name, geom = excluded.geom, active = true,
               elevation_m = excluded.elevation_m, source = excluded.source, updated_at = excluded.updated_at
           returning id as "id: StationId""#,
        station.code,
        station.name,
        station.lon,
        station.lat,
        station.elevation_m,
        station.source,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((id, if old.is_some() { Change::Updated } else { Change::Created }))
}

/// Inserts or changes a stream of a station.
pub async fn upsert_datastream(
    conn: &mut PgConnection,
    now: Instant,
    station_id: StationId,
    stream: &NewDatastream,
) -> sqlx::Result<Change> {
    let stages = serde_json::to_value(stream.stages).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let old = sqlx::query_scalar!(
        r#"select quantity = $3 and unit = $4 and kind = $5 and interval_s is not distinct from $6
               and stale_after_s = $7 and counter_wraps_at is not distinct from $8 and tip_mm is not distinct from $9
               and stages = $10 as "same!"
           from datastream where station_id = $1 and name = $2 for update"#,
        station_id.0,
        stream.name,
        stream.quantity.as_str(),
        stream.unit,
        stream.kind.as_str(),
        stream.interval_s,
        stream.stale_after_s,
        stream.counting.wraps_at,
        stream.counting.tip_mm,
        stages
    )
    .fetch_optional(&mut *conn)
    .await?;
    if old == Some(true) {
        return Ok(Change::Unchanged);
    }
    sqlx::query!(
        "insert into datastream (station_id, name, quantity, unit, kind, interval_s, stale_after_s, created_at, counter_wraps_at, tip_mm,
             stages)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (station_id, name) do update set quantity = excluded.quantity, unit = excluded.unit,
             kind = excluded.kind, interval_s = excluded.interval_s, stale_after_s = excluded.stale_after_s,
             counter_wraps_at = excluded.counter_wraps_at, tip_mm = excluded.tip_mm, stages = excluded.stages",
        station_id.0,
        stream.name,
        stream.quantity.as_str(),
        stream.unit,
        stream.kind.as_str(),
        stream.interval_s,
        stream.stale_after_s,
        now,
        stream.counting.wraps_at,
        stream.counting.tip_mm,
        stages
    )
    .execute(conn)
    .await?;
    Ok(if old.is_some() { Change::Updated } else { Change::Created })
}

/// Inserts a device, or gives the one with this code another station or secret.
pub async fn upsert_device(
    conn: &mut PgConnection,
    now: Instant,
    code: &str,
    station_id: StationId,
    secret_sha256: &[u8; 32],
) -> sqlx::Result<Change> {
    let old = sqlx::query_scalar!(
        r#"select station_id = $2 and secret_sha256 = $3 and enabled as "same!" from device where code = $1 for update"#,
        code,
        station_id.0,
        secret_sha256.as_slice()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if old == Some(true) {
        return Ok(Change::Unchanged);
    }
    sqlx::query!(
        "insert into device (code, station_id, secret_sha256, created_at, secret_made_at) values ($1, $2, $3, $4, $4)
         on conflict (code) do update set station_id = excluded.station_id, secret_sha256 = excluded.secret_sha256,
             enabled = true,
             secret_made_at = case when device.secret_sha256 = $3 then device.secret_made_at else $4 end,
             secret_first_used_at = case when device.secret_sha256 = $3 then device.secret_first_used_at end,
             secret_used_at = case when device.secret_sha256 = $3 then device.secret_used_at end,
             previous_sha256 = null, previous_grace_s = null, previous_ends_at = null, previous_used_at = null",
        code,
        station_id.0,
        secret_sha256.as_slice(),
        now
    )
    .execute(conn)
    .await?;
    Ok(if old.is_some() { Change::Updated } else { Change::Created })
}

/// How a device writes, and what a network server calls it. False when there is none with this code.
///
/// # Errors
/// The constraint `device_hardware_unique` when another one is called so.
pub async fn configure_device(
    conn: &mut PgConnection,
    code: &str,
    profile: &str,
    hardware_id: Option<&str>,
) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update device set profile = $2, hardware_id = $3 where code = $1", code, profile, hardware_id);
    // Where its downlinks went may be another device's place now; the next uplink tells.
    sqlx::query!("delete from device_network n using device d where d.id = n.device_id and d.code = $1", code)
        .execute(&mut *conn)
        .await?;
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Where downlinks of a device go, as its last uplink told; none before.
pub async fn network_address(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<String>> {
    let address = sqlx::query_scalar!(
        r#"select n.broker || ' ' || n.topic as "address!" from device_network n join device d on d.id = n.device_id where d.code = $1"#,
        code
    );
    address.fetch_optional(conn).await
}

/// Forgets where downlinks of a device go; what it was, where there was one.
pub async fn forget_network(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<String>> {
    let address = sqlx::query_scalar!(
        r#"delete from device_network n using device d where d.id = n.device_id and d.code = $1
           returning n.broker || ' ' || n.topic as "address!""#,
        code
    );
    address.fetch_optional(conn).await
}

/// Turns a device away from now on. False when there is none with this code.
pub async fn disable_device(conn: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update device set enabled = false, online = false where code = $1", code);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Stations by code, a page at a time.
pub async fn stations(conn: &mut PgConnection, limit: i64, offset: i64) -> sqlx::Result<Vec<Station>> {
    sqlx::query_as!(
        Station,
        r#"select id as "id: StationId", code, name, st_x(geom) as "lon!", st_y(geom) as "lat!", elevation_m, source, active
           from station where not is_virtual order by code limit $1 offset $2"#,
        limit,
        offset
    )
    .fetch_all(conn)
    .await
}

/// How many there are of them.
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from station where not is_virtual"#).fetch_one(conn).await
}

pub async fn station_by_code(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Station>> {
    sqlx::query_as!(
        Station,
        r#"select id as "id: StationId", code, name, st_x(geom) as "lon!", st_y(geom) as "lat!", elevation_m, source, active
           from station where code = $1"#,
        code
    )
    .fetch_optional(conn)
    .await
}

/// The streams of these stations, ordered by station and name.
pub async fn datastreams(conn: &mut PgConnection, stations: &[i64]) -> sqlx::Result<Vec<Datastream>> {
    let rows = sqlx::query!(
        r#"select id as "id: crate::ids::DatastreamId", station_id as "station_id: StationId", name, quantity, unit, kind,
               interval_s, stale_after_s, counter_wraps_at, tip_mm
           from datastream where station_id = any($1) order by station_id, name"#,
        stations
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Datastream {
                id: row.id,
                station_id: row.station_id,
                name: row.name,
                quantity: row.quantity.parse().map_err(decode)?,
                unit: row.unit,
                kind: row.kind.parse().map_err(decode)?,
                interval_s: row.interval_s,
                stale_after_s: row.stale_after_s,
                counter_wraps_at: row.counter_wraps_at,
                tip_mm: row.tip_mm,
            })
        })
        .collect()
}

/// Takes a device that was turned away in again, with the secrets and certificates it has. False when there is none to.
pub async fn enable_device(conn: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update device set enabled = true where code = $1 and not enabled", code);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Gives a device a new secret. The old one works until the new one is used, and `grace_s` longer. When the newest was
/// never used, it is the one before it that lives on: the device has not changed over yet. False when there is no device.
pub async fn rotate_secret(
    conn: &mut PgConnection,
    now: Instant,
    code: &str,
    secret_sha256: &[u8; 32],
    grace_s: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update device set secret_sha256 = $2, secret_made_at = $3, secret_first_used_at = null, secret_used_at = null,
             previous_sha256 = case when previous_sha256 is not null and secret_first_used_at is null
                                    then previous_sha256 else secret_sha256 end,
             previous_used_at = case when previous_sha256 is not null and secret_first_used_at is null
                                     then previous_used_at else secret_used_at end,
             previous_grace_s = $4, previous_ends_at = null
         where code = $1",
        code,
        secret_sha256.as_slice(),
        now,
        grace_s
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Ends the secret before the last rotation. False when there is none.
pub async fn retire_previous(conn: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update device set previous_sha256 = null, previous_grace_s = null, previous_ends_at = null
         where code = $1 and previous_sha256 is not null",
        code
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Registers a certificate of a device. False when it is registered already, of whichever device.
pub async fn add_certificate(
    conn: &mut PgConnection,
    id: uuid::Uuid,
    now: Instant,
    device: DeviceId,
    certificate: &super::certificate::Certificate,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into device_certificate (id, device_id, sha256, common_name, not_after, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict (sha256) do nothing",
        id,
        device.0,
        certificate.fingerprint.as_slice(),
        certificate.common_name,
        certificate.not_after,
        now
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Refuses a certificate from now on, and gives back the code of its device. `None` when no live one has this fingerprint.
pub async fn revoke_certificate(
    conn: &mut PgConnection,
    now: Instant,
    fingerprint: &[u8; 32],
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "update device_certificate c set revoked_at = $2 from device d
         where d.id = c.device_id and c.sha256 = $1 and c.revoked_at is null returning d.code",
        fingerprint.as_slice(),
        now
    )
    .fetch_optional(conn)
    .await
}

/// The certificates of one device, or of all, by device and end.
pub async fn certificates(
    conn: &mut PgConnection,
    device: Option<&str>,
) -> sqlx::Result<Vec<super::DeviceCertificate>> {
    sqlx::query_as!(
        super::DeviceCertificate,
        r#"select d.code as device, encode(c.sha256, 'hex') as "fingerprint!", c.common_name, c.not_after, c.last_used_at,
               c.revoked_at
           from device_certificate c join device d on d.id = c.device_id
           where $1::text is null or d.code = $1 order by d.code, c.not_after desc"#,
        device
    )
    .fetch_all(conn)
    .await
}

/// One device.
pub async fn device_by_code(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Device>> {
    sqlx::query_as!(
        Device,
        r#"select d.id as "id: DeviceId", d.code, d.station_id as "station_id: StationId", s.code as station_code,
               d.enabled, d.online, d.last_seen_at, d.secret_made_at, d.secret_used_at,
               d.previous_sha256 is not null as "has_previous!", d.previous_ends_at, d.previous_used_at,
               d.profile, d.hardware_id, d.heard_by
           from device d join station s on s.id = d.station_id where d.code = $1"#,
        code
    )
    .fetch_optional(conn)
    .await
}
