//! Whether the streams and devices of a batch are there: one question for all of them, in the place of a foreign key that would ask
//! for each row. The caller holds the appenders' lock, and whoever removes a stream or a device takes it too (the triggers
//! `datastream_journaled` and `device_journaled`), so what is there now is there at the commit.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::ids::{DatastreamId, DeviceId};
use crate::ingest::NewReading;

/// Streams and devices that readings name and nobody knows.
#[derive(Debug, Default)]
pub struct Missing {
    streams: BTreeSet<DatastreamId>,
    devices: BTreeSet<DeviceId>,
}

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.devices.is_empty()
    }

    /// Why this reading cannot be taken.
    pub fn reason(&self, reading: &NewReading) -> Option<String> {
        if self.streams.contains(&reading.datastream_id) {
            return Some(format!("there is no datastream {} any more", reading.datastream_id));
        }
        let device = reading.device_id.filter(|device| self.devices.contains(device))?;
        Some(format!("there is no device {device} any more"))
    }
}

/// What is missing of those that the readings name.
pub async fn missing(tx: &mut PgConnection, readings: &[NewReading]) -> sqlx::Result<Missing> {
    let streams: BTreeSet<i64> = readings.iter().map(|reading| reading.datastream_id.0).collect();
    let devices: BTreeSet<i64> = readings.iter().filter_map(|reading| reading.device_id).map(|id| id.0).collect();
    let row = sqlx::query!(
        r#"select array(select id from unnest($1::int8[]) as asked (id)
                        where not exists (select from datastream d where d.id = asked.id)) as "streams!",
                  array(select id from unnest($2::int8[]) as asked (id)
                        where not exists (select from device d where d.id = asked.id)) as "devices!""#,
        &streams.into_iter().collect::<Vec<_>>(),
        &devices.into_iter().collect::<Vec<_>>(),
    )
    .fetch_one(tx)
    .await?;
    Ok(Missing {
        streams: row.streams.into_iter().map(DatastreamId).collect(),
        devices: row.devices.into_iter().map(DeviceId).collect(),
    })
}
