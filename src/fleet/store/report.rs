//! What devices say of themselves in PostgreSQL, and the list of devices by it.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::fleet::{FleetDevice, LOW_BATTERY_PCT, Report};
use crate::ids::{DeviceId, StationId};
use crate::ingest::formats::status::Status;
use crate::stations::Device;

/// One device's word, joined from all its messages of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    pub status: Status,
    pub clock_offset_ms: Option<i64>,
    /// When the message came that the offset is of.
    pub clock_at: Option<Instant>,
    pub received_at: Instant,
}

/// Writes the last words of many devices at once. What a message leaves out stays as it was.
pub async fn write(conn: &mut PgConnection, words: &HashMap<DeviceId, Word>) -> sqlx::Result<()> {
    // In one order everywhere, so that two writers cannot wait for each other.
    let mut words: Vec<(&DeviceId, &Word)> = words.iter().collect();
    words.sort_by_key(|(id, _)| **id);
    let ids: Vec<i64> = words.iter().map(|(id, _)| id.0).collect();
    let received: Vec<Instant> = words.iter().map(|(_, word)| word.received_at).collect();
    let reported: Vec<Option<Instant>> = words.iter().map(|(_, word)| word.status.at).collect();
    let offsets: Vec<Option<i64>> = words.iter().map(|(_, word)| word.clock_offset_ms).collect();
    let clock_at: Vec<Option<Instant>> = words.iter().map(|(_, word)| word.clock_at).collect();
    let firmware: Vec<Option<String>> = words.iter().map(|(_, word)| word.status.firmware.clone()).collect();
    let battery: Vec<Option<f64>> = words.iter().map(|(_, word)| word.status.battery_pct).collect();
    let signal: Vec<Option<f64>> = words.iter().map(|(_, word)| word.status.signal_dbm).collect();
    let margin: Vec<Option<f64>> = words.iter().map(|(_, word)| word.status.margin_db).collect();
    let interval: Vec<Option<i32>> = words.iter().map(|(_, word)| word.status.interval_s).collect();
    let siren: Vec<Option<String>> =
        words.iter().map(|(_, word)| word.status.siren.map(|word| word.to_string())).collect();
    sqlx::query!(
        "insert into device_report as r (device_id, received_at, reported_at, clock_offset_ms, firmware, battery_pct,
             signal_dbm, margin_db, interval_s, clock_at, siren, siren_at)
         select g.id, g.received_at, g.reported_at, g.clock_offset_ms, coalesce(g.firmware, ''), g.battery_pct, g.signal_dbm,
             g.margin_db, g.interval_s, g.clock_at, g.siren, case when g.siren is not null then g.received_at end
         from unnest($1::int8[], $2::timestamptz[], $3::timestamptz[], $4::int8[], $5::text[], $6::float8[], $7::float8[],
                     $8::float8[], $9::int4[], $10::timestamptz[], $11::text[])
             as g (id, received_at, reported_at, clock_offset_ms, firmware, battery_pct, signal_dbm, margin_db, interval_s,
                   clock_at, siren)
         join device d on d.id = g.id
         on conflict (device_id) do update set received_at = excluded.received_at,
             reported_at = coalesce(excluded.reported_at, r.reported_at),
             clock_offset_ms = coalesce(excluded.clock_offset_ms, r.clock_offset_ms),
             clock_at = coalesce(excluded.clock_at, r.clock_at),
             firmware = coalesce(nullif(excluded.firmware, ''), r.firmware),
             battery_pct = coalesce(excluded.battery_pct, r.battery_pct),
             signal_dbm = coalesce(excluded.signal_dbm, r.signal_dbm),
             margin_db = coalesce(excluded.margin_db, r.margin_db),
             interval_s = coalesce(excluded.interval_s, r.interval_s),
             siren = coalesce(excluded.siren, r.siren), siren_at = coalesce(excluded.siren_at, r.siren_at)",
        &ids,
        &received,
        &reported as &[Option<Instant>],
        &offsets as &[Option<i64>],
        &firmware as &[Option<String>],
        &battery as &[Option<f64>],
        &signal as &[Option<f64>],
        &margin as &[Option<f64>],
        &interval as &[Option<i32>],
        &clock_at as &[Option<Instant>],
        &siren as &[Option<String>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which devices of the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the code, the station's code or the hardware id, in any spelling of letters; empty for all.
    pub search: String,
    /// Accepted, and out of contact: not connected where that is known, not heard since then where it is not.
    pub quiet_since: Option<Instant>,
    pub low_battery: bool,
    pub old_firmware: bool,
}

/// Devices by code with their last word, a page at a time.
pub async fn fleet(
    conn: &mut PgConnection,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<FleetDevice>> {
    list(conn, filter, None, limit, offset).await
}

/// One of them.
pub async fn one(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<FleetDevice>> {
    Ok(list(conn, &Filter::default(), Some(code), 1, 0).await?.pop())
}

async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    code: Option<&str>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<FleetDevice>> {
    let rows = sqlx::query!(
        r#"with newest as (
               select d.profile, max(firmware_key(r.firmware)) as key
               from device d join device_report r on r.device_id = d.id where r.firmware <> '' group by d.profile)
           select d.id as "id: DeviceId", d.code, d.station_id as "station_id: StationId", s.code as station_code,
               d.enabled, d.online, d.last_seen_at, d.secret_made_at, d.secret_used_at,
               d.previous_sha256 is not null as "has_previous!", d.previous_ends_at, d.previous_used_at,
               d.profile, d.hardware_id, d.heard_by, r.clock_at, r.received_at as "received_at?", r.reported_at, r.clock_offset_ms,
               nullif(r.firmware, '') as firmware, r.battery_pct, r.signal_dbm, r.margin_db, r.interval_s,
               coalesce(r.firmware <> '' and firmware_key(r.firmware) < n.key, false) as "is_old_firmware!"
           from device d join station s on s.id = d.station_id left join device_report r on r.device_id = d.id
               left join newest n on n.profile = d.profile
           where ($1::text is null or d.code = $1)
             and ($2 = '' or strpos(lower(d.code), lower($2)) > 0 or strpos(lower(s.code), lower($2)) > 0
                  or strpos(d.hardware_id, lower($2)) > 0)
             and ($3::timestamptz is null or (d.enabled and not d.online
                  and (d.heard_by = 'mqtt' or coalesce(d.last_seen_at <= $3, true))))
             and (not $4 or r.battery_pct < $5)
             and (not $6 or coalesce(r.firmware <> '' and firmware_key(r.firmware) < n.key, false))
           order by d.code limit $7 offset $8"#,
        code,
        filter.search,
        filter.quiet_since,
        filter.low_battery,
        LOW_BATTERY_PCT,
        filter.old_firmware,
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    let devices = rows.into_iter().map(|row| FleetDevice {
        device: Device {
            id: row.id,
            code: row.code,
            station_id: row.station_id,
            station_code: row.station_code,
            enabled: row.enabled,
            online: row.online,
            last_seen_at: row.last_seen_at,
            secret_made_at: row.secret_made_at,
            secret_used_at: row.secret_used_at,
            has_previous: row.has_previous,
            previous_ends_at: row.previous_ends_at,
            previous_used_at: row.previous_used_at,
            profile: row.profile,
            hardware_id: row.hardware_id,
            heard_by: row.heard_by,
        },
        report: Report {
            received_at: row.received_at,
            reported_at: row.reported_at,
            clock_offset_ms: row.clock_offset_ms,
            clock_at: row.clock_at,
            firmware: row.firmware,
            battery_pct: row.battery_pct,
            signal_dbm: row.signal_dbm,
            margin_db: row.margin_db,
            interval_s: row.interval_s,
            is_old_firmware: row.is_old_firmware,
        },
    });
    Ok(devices.collect())
}

/// How many devices a filter leaves: all, and those that are offline, low or old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: i64,
    pub offline: i64,
    pub low_battery: i64,
    pub old_firmware: i64,
}

pub async fn counts(conn: &mut PgConnection, quiet_since: Instant) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"with newest as (
               select d.profile, max(firmware_key(r.firmware)) as key
               from device d join device_report r on r.device_id = d.id where r.firmware <> '' group by d.profile)
           select count(*) as "all!",
               count(*) filter (where d.enabled and not d.online
                                  and (d.heard_by = 'mqtt' or coalesce(d.last_seen_at <= $2, true))) as "offline!",
               count(*) filter (where r.battery_pct < $1) as "low_battery!",
               count(*) filter (where r.firmware <> '' and firmware_key(r.firmware) < n.key) as "old_firmware!"
           from device d left join device_report r on r.device_id = d.id left join newest n on n.profile = d.profile"#,
        LOW_BATTERY_PCT,
        quiet_since
    )
    .fetch_one(conn)
    .await
}

/// Codes, hardware ids and stations that there are; asked for with those that are of interest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub codes: HashSet<String>,
    pub hardware_ids: HashSet<String>,
    pub stations: HashMap<String, StationId>,
}

/// Which of these there are.
pub async fn known(conn: &mut PgConnection, wanted: &Known) -> sqlx::Result<Known> {
    let codes: Vec<String> = wanted.codes.iter().cloned().collect();
    let hardware: Vec<String> = wanted.hardware_ids.iter().cloned().collect();
    let stations: Vec<String> = wanted.stations.keys().cloned().collect();
    let mut found = Known::default();
    let rows = sqlx::query!(
        "select code, hardware_id from device where code = any($1) or hardware_id = any($2)",
        &codes,
        &hardware
    );
    for row in rows.fetch_all(&mut *conn).await? {
        found.codes.insert(row.code);
        found.hardware_ids.extend(row.hardware_id);
    }
    let rows = sqlx::query!(r#"select code, id as "id: StationId" from station where code = any($1)"#, &stations);
    found.stations = rows.fetch_all(conn).await?.into_iter().map(|row| (row.code, row.id)).collect();
    Ok(found)
}
