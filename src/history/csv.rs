//! Readings and buckets as lines of CSV. Pure. What is written here `sentinela import readings` reads.

use super::series::Bucket;
use super::store::{Reading, Stream};
use crate::cells::quoted;

/// Columns of readings. `device` and `message` are what a reading is known by, and stand only in an operator's own export.
pub fn head(with_identity: bool) -> &'static str {
    if with_identity {
        "station,stream,at,value,unit,quality,reason,device,message\r\n"
    } else {
        "station,stream,at,value,unit,quality,reason\r\n"
    }
}

/// One line a reading.
pub fn line(stream: &Stream, reading: &Reading, with_identity: bool) -> String {
    let at = reading.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let Reading { value, quality, reason, .. } = reading;
    let Stream { station, name, unit, .. } = stream;
    let mut line = format!("{station},{name},{at},{value},{unit},{quality},{}", quoted(reason));
    if with_identity {
        for part in [&reading.device, &reading.message] {
            line.push(',');
            line.push_str(&part.as_deref().map(quoted).unwrap_or_default());
        }
    }
    line.push_str("\r\n");
    line
}

pub const BUCKET_HEAD: &str = "station,stream,from,to,value,unit,quality,readings,suspect,failed,coverage\r\n";

/// One line a bucket; a missing value is an empty cell.
pub fn bucket_line(stream: &Stream, bucket: &Bucket) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let instant = |at: crate::clock::Instant| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    format!(
        "{},{},{},{},{},{},{},{},{},{},{}\r\n",
        stream.station,
        stream.name,
        instant(bucket.from),
        instant(bucket.to),
        number(bucket.value),
        stream.unit,
        bucket.quality,
        bucket.readings,
        bucket.suspect,
        bucket.failed,
        number(bucket.coverage)
    )
}
