//! Stations with their streams and devices. CSV has one row for each station and stream; in GeoJSON a station is a Point
//! with a list `streams`, or the same flat fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::geometry_check::{point, point_of};
use super::problems::{ImportError, Problems};
use super::record::{Fields, Record};
use crate::risk::network::Stages;
use crate::stations::device::{MIN_SECRET_LENGTH, secret_sha256};
use crate::stations::store::{NewDatastream, NewStation};
use crate::stations::{Counting, is_code, is_stream_name};
use crate::units::{Fixed, Measure, Quantity, StreamKind};

/// A device as a file describes it; only the hash of the secret goes further.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDevice {
    pub code: String,
    pub secret_sha256: [u8; 32],
}

/// A station and what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct StationWithStreams {
    pub line: usize,
    pub feature: Option<usize>,
    pub station: NewStation,
    pub streams: Vec<NewDatastream>,
    pub device: Option<NewDevice>,
}

/// Turns records into stations, in the order of the file.
///
/// # Errors
/// Everything wrong in every record; also rows of one station that contradict each other.
pub fn parse_stations(records: &[Record]) -> Result<Vec<StationWithStreams>, Problems> {
    let mut problems = Problems::default();
    let mut by_code: BTreeMap<String, usize> = BTreeMap::new();
    let mut stations: Vec<StationWithStreams> = Vec::new();
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let Some(code) = fields.code("code") else { continue };
        let streams = streams(&mut fields);
        let device = device(&mut fields);
        let known = by_code.get(&code).and_then(|index| stations.get_mut(*index));
        if let Some(earlier) = known {
            join(&mut fields, earlier, streams, device);
            continue;
        }
        // Kept even when something is wrong, so that further rows of this station are not blamed for it.
        by_code.insert(code.clone(), stations.len());
        let station = station(&mut fields, code);
        stations.push(StationWithStreams { line: record.line, feature: record.feature, station, streams, device });
    }
    refuse_shared_devices(&stations, &mut problems);
    problems.or(stations)
}

fn refuse_shared_devices(stations: &[StationWithStreams], problems: &mut Problems) {
    let mut owners: BTreeMap<&str, &StationWithStreams> = BTreeMap::new();
    for station in stations {
        let Some(device) = &station.device else { continue };
        if let Some(owner) = owners.insert(&device.code, station) {
            let message = format!("already serves station {} (line {})", owner.station.code, owner.line);
            problems.push(ImportError::new(station.line, station.feature, "device", &device.code, message));
        }
    }
}

fn station(fields: &mut Fields<'_>, code: String) -> NewStation {
    let name = fields.name("name").unwrap_or_default();
    let place = match &fields.record().geometry {
        Some(geometry) => {
            point_of(geometry).map_err(|problem| fields.wrong("geometry", &problem.value, problem.message)).ok()
        }
        None => {
            let (lon, lat) = (fields.required_number("lon"), fields.required_number("lat"));
            lon.zip(lat).and_then(|(lon, lat)| {
                point(lon, lat).map_err(|problem| fields.wrong("lon, lat", &problem.value, problem.message)).ok()
            })
        }
    };
    let (lon, lat) = place.map_or((0.0, 0.0), |place| (place.x(), place.y()));
    let elevation_m = fields.number("elevation_m");
    let source = fields.text("source").unwrap_or_default();
    NewStation { code, name, lon, lat, elevation_m, source }
}

/// A further row of a station: adds streams and must not say otherwise.
fn join(
    fields: &mut Fields<'_>,
    earlier: &mut StationWithStreams,
    streams: Vec<NewDatastream>,
    device: Option<NewDevice>,
) {
    let first = earlier.line;
    if fields.record().feature.is_some() {
        let code = earlier.station.code.clone();
        fields.wrong("code", &code, format!("was given before, on line {first}"));
        return;
    }
    let same = [("lon", earlier.station.lon), ("lat", earlier.station.lat)];
    for (field, before) in same {
        if let Some(now) = fields.number(field).filter(|now| *now != before) {
            fields.wrong(field, &now.to_string(), format!("line {first} places this station at {before}"));
        }
    }
    if let Some(name) = fields.text("name").filter(|name| *name != earlier.station.name) {
        fields.wrong("name", &name, format!("line {first} names this station {:?}", earlier.station.name));
    }
    for stream in streams {
        if earlier.streams.iter().any(|before| before.name == stream.name) {
            fields.wrong("stream", &stream.name, "this stream of the station was given before");
        } else {
            earlier.streams.push(stream);
        }
    }
    if let Some(device) = device {
        if earlier.device.as_ref().is_some_and(|before| *before != device) {
            fields.wrong("device", &device.code, "the station has another device on an earlier line");
        }
        earlier.device = Some(device);
    }
}

fn streams(fields: &mut Fields<'_>) -> Vec<NewDatastream> {
    let list = match fields.record().fields.get("streams") {
        Some(Value::Array(list)) => list.clone(),
        Some(other) => {
            fields.wrong("streams", &other.to_string(), "expected a list of streams");
            return Vec::new();
        }
        None => {
            let flat = fields.text("stream").is_some() || fields.text("quantity").is_some();
            return if flat { stream(fields).into_iter().collect() } else { Vec::new() };
        }
    };
    let mut streams: Vec<NewDatastream> = Vec::new();
    for (index, entry) in list.into_iter().enumerate() {
        let Value::Object(entry) = entry else {
            fields.wrong(&format!("streams[{index}]"), &entry.to_string(), "expected an object");
            continue;
        };
        let read = nested_stream(fields, index, entry);
        if let Some(read) = read {
            if streams.iter().any(|before| before.name == read.name) {
                fields.wrong(&format!("streams[{index}].name"), &read.name, "was given before");
            } else {
                streams.push(read);
            }
        }
    }
    streams
}

/// A stream inside `streams`: read as a flat record of its own, complaints carried over with their path.
fn nested_stream(fields: &mut Fields<'_>, index: usize, mut entry: Map<String, Value>) -> Option<NewDatastream> {
    if let Some(name) = entry.remove("name") {
        entry.insert("stream".to_owned(), name);
    }
    let (line, feature) = (fields.record().line, fields.record().feature);
    let record = Record { line, feature, fields: entry, ..Record::default() };
    let mut problems = Problems::default();
    let read = stream(&mut Fields::of(&record, &mut problems));
    for error in problems.kept() {
        fields.wrong(&format!("streams[{index}].{}", error.field), &error.value, error.message.clone());
    }
    read
}

fn stream(fields: &mut Fields<'_>) -> Option<NewDatastream> {
    let expected = "a name of lower-case letters, digits and `_`, beginning with a letter";
    let name = fields.shaped("stream", is_stream_name, expected);
    let quantity = fields.parsed::<Quantity>("quantity");
    let kind = fields.parsed::<StreamKind>("kind");
    let interval_s = fields.whole("interval_s", 1, 7 * 86_400);
    let counting = counting(fields, quantity, kind);
    let stages = stages(fields, quantity);
    let unit = unit(fields, quantity, interval_s, counting);
    let stale_after_min = fields.required("stale_after_min").and_then(|_| fields.whole("stale_after_min", 1, 100_000));
    let (name, quantity, kind) = (name?, quantity?, kind?);
    Some(NewDatastream {
        name,
        quantity,
        unit: unit?,
        kind,
        interval_s,
        stale_after_s: stale_after_min? * 60,
        counting,
        stages,
    })
}

/// The stages of a river gauge, in metres over its zero. What is not in rising order is told.
fn stages(fields: &mut Fields<'_>, quantity: Option<Quantity>) -> Stages {
    let mut read = |field: &str| {
        let metres = fields.number(field)?;
        if quantity.is_some_and(|quantity| quantity != Quantity::WaterLevel) {
            fields.wrong(field, &metres.to_string(), "is for streams of water_level");
            return None;
        }
        Fixed::try_from(metres).ok()
    };
    let (attention, alert, overflow) = (read("stage_attention"), read("stage_alert"), read("stage_overflow"));
    let known: Vec<Fixed> = [attention, alert, overflow].into_iter().flatten().collect();
    if !known.is_sorted() {
        let told = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        fields.wrong("stage_attention", &told, "the stages rise: attention, alert, overflow, in metres");
    }
    Stages { attention, alert, overflow }
}

/// How the stream counts. What does not belong to its kind is told.
fn counting(fields: &mut Fields<'_>, quantity: Option<Quantity>, kind: Option<StreamKind>) -> Counting {
    let mut within = |field: &str, most: f64| {
        let number = fields.number(field)?;
        if number > 0.0 && number <= most {
            return Some(number);
        }
        fields.wrong(field, &number.to_string(), format!("expected a number above 0, at most {most}"));
        None
    };
    let counting = Counting { wraps_at: within("counter_wraps_at", 1e9), tip_mm: within("tip_mm", 100.0) };
    if let Some(wraps) = counting.wraps_at
        && kind.is_some_and(|kind| kind != StreamKind::CumulativeCounter)
    {
        fields.wrong("counter_wraps_at", &wraps.to_string(), "is for streams of the kind cumulative_counter");
    }
    if let Some(tip) = counting.tip_mm
        && quantity.is_some_and(|quantity| quantity != Quantity::Rain)
    {
        fields.wrong("tip_mm", &tip.to_string(), "is for streams of rain");
    }
    counting
}

fn unit(
    fields: &mut Fields<'_>,
    quantity: Option<Quantity>,
    interval_s: Option<i32>,
    counting: Counting,
) -> Option<String> {
    let unit = fields.required("unit")?;
    let measure = Measure { quantity: quantity?, interval_s, tip_mm: counting.tip_mm };
    match measure.conversion(&unit) {
        Ok(_) => Some(unit),
        Err(refused) => {
            fields.wrong("unit", &unit, refused.to_string());
            None
        }
    }
}

fn device(fields: &mut Fields<'_>) -> Option<NewDevice> {
    let code = fields.text("device")?;
    if !is_code(&code) {
        fields.wrong("device", &code, "expected a code of 1 to 64 letters, digits, `_`, `.`, `:` or `-`");
        return None;
    }
    let secret = fields.required("secret")?;
    if secret.len() < MIN_SECRET_LENGTH {
        // The secret itself is not repeated in the message.
        let message = format!("is too short; expected at least {MIN_SECRET_LENGTH} characters made by a machine");
        fields.wrong("secret", "", message);
        return None;
    }
    let secret_sha256 = secret_sha256(&code, &secret);
    Some(NewDevice { code, secret_sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    const HEADER: &str = "code,name,lat,lon,stream,quantity,unit,kind,interval_s,stale_after_min,device,secret\n";

    fn parse(text: &str) -> Result<Vec<StationWithStreams>, Problems> {
        parse_stations(&read(Format::guess(text), text.as_bytes())?)
    }

    #[test]
    fn rows_of_one_station_become_its_streams() {
        let text = format!(
            "{HEADER}A1,Posto,-21.7,-43.4,rain,rain,mm,interval_sum,600,150,A1,0123456789abcdef\n\
             A1,,,,level,water_level,cm,instantaneous,,60,,\n"
        );
        let stations = parse(&text).unwrap();
        assert_eq!(stations.len(), 1);
        let names: Vec<&str> = stations[0].streams.iter().map(|stream| stream.name.as_str()).collect();
        assert_eq!(names, ["rain", "level"]);
        assert_eq!((stations[0].streams[0].interval_s, stations[0].streams[1].stale_after_s), (Some(600), 3600));
        assert_eq!(stations[0].device.as_ref().unwrap().secret_sha256, secret_sha256("A1", "0123456789abcdef"));
    }

    #[test]
    fn geojson_carries_a_list_of_streams() {
        let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[-43.4,-21.7,700]},
            "properties":{"code":"A1","name":"Posto","elevation_m":700,"streams":[
            {"name":"rain","quantity":"rain","unit":"mm","kind":"interval_sum","stale_after_min":150}]}}]}"#;
        let stations = parse(text).unwrap();
        assert_eq!((stations[0].station.lon, stations[0].station.elevation_m), (-43.4, Some(700.0)));
        assert_eq!(stations[0].streams.len(), 1);
        let wrong = text.replace("\"unit\":\"mm\"", "\"unit\":\"kg\"");
        let told = parse(&wrong).unwrap_err().to_string();
        assert!(told.contains("streams[0].unit = \"kg\": does not measure rain"), "{told}");
    }

    #[test]
    fn swapped_axes_and_contradictions_are_told_with_their_line() {
        let text = format!(
            "{HEADER}A1,Posto,-43.4,-21.7,rain,rain,mm,interval_sum,,150,,\n\
             B2,Ponte,-21.7,-43.4,rain,rain,mm,interval_sum,,150,,\n\
             B2,Outra,-21.7,-43.4,rain,rain,mm,interval_sum,,0,D,short\n"
        );
        let told = parse(&text).unwrap_err().to_string();
        for expected in [
            "line 2: lon, lat = \"[-21.7, -43.4]\": axes swapped",
            "line 4: name = \"Outra\": line 3 names this station \"Ponte\"",
            "line 4: stale_after_min = \"0\"",
            "line 4: secret: is too short",
        ] {
            assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
        }
        assert!(!told.contains("short\""), "{told}");
    }

    #[test]
    fn a_counter_and_a_bucket_are_described_where_they_belong() {
        let header = HEADER.trim_end();
        let text = |row: &str| format!("{header},counter_wraps_at,tip_mm\nA1,Posto,-21.7,-43.4,rain,{row}\n");
        let counter = parse(&text("rain,{tip},cumulative_counter,,150,,,13107.2,0.2")).unwrap();
        assert_eq!(counter[0].streams[0].counting, Counting { wraps_at: Some(13_107.2), tip_mm: Some(0.2) });
        let told = |row: &str| parse(&text(row)).unwrap_err().to_string();
        assert!(
            told("rain,tips,interval_sum,600,150,,,,")
                .contains("unit = \"tips\": counts tips: rain needs the bucket's size")
        );
        assert!(
            told("rain,mm,interval_sum,600,150,,,100,")
                .contains("counter_wraps_at = \"100\": is for streams of the kind")
        );
        assert!(told("water_level,m,instantaneous,,150,,,,0.2").contains("tip_mm = \"0.2\": is for streams of rain"));
        assert!(told("rain,mm,interval_sum,600,150,,,,-1").contains("tip_mm = \"-1\": expected a number above 0"));
    }

    #[test]
    fn a_device_serves_one_station() {
        let text = format!(
            "{HEADER}A1,Posto,-21.7,-43.4,,,,,,,D,0123456789abcdef\nB2,Ponte,-21.7,-43.4,,,,,,,D,0123456789abcdef\n"
        );
        let told = parse(&text).unwrap_err().to_string();
        assert!(told.contains("line 3: device = \"D\": already serves station A1 (line 2)"), "{told}");
    }
}
