//! Readings of the past, for the journal. Two spellings of the columns: `station,stream,at,value,unit`, and the long form
//! `station_id,…,time_utc,quantity,value,unit` that public series use.

use chrono::{DateTime, Utc};

use super::problems::Problems;
use super::record::{Fields, Record};
use crate::clock::Instant;
use crate::units::Quantity;

/// How the file names a stream of a station.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamName {
    Name(String),
    /// The only stream of the station that measures this.
    Measures(Quantity),
}

/// A reading as the file has it; its station and stream are not looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewObservation {
    pub line: usize,
    pub station: String,
    pub stream: StreamName,
    pub observed_at: Instant,
    pub value: f64,
    /// None means the unit of the stream.
    pub unit: Option<String>,
    /// Of a reading that a device sent: what it is known by, beside its stream and time.
    pub device: Option<String>,
    pub message: Option<String>,
}

/// Turns records into observations.
///
/// # Errors
/// Everything wrong in every record.
pub fn parse_readings(records: &[Record]) -> Result<Vec<NewObservation>, Problems> {
    let mut problems = Problems::default();
    let mut observations = Vec::with_capacity(records.len());
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let station = fields.code("station");
        let stream = stream(&mut fields);
        let at = instant(&mut fields);
        let value = fields.required_number("value");
        let unit = fields.text("unit");
        let (device, message) = (fields.text("device"), fields.text("message"));
        if let (Some(station), Some(stream), Some(observed_at), Some(value)) = (station, stream, at, value) {
            observations.push(NewObservation {
                line: record.line,
                station,
                stream,
                observed_at,
                value,
                unit,
                device,
                message,
            });
        }
    }
    problems.or(observations)
}

fn stream(fields: &mut Fields<'_>) -> Option<StreamName> {
    if let Some(name) = fields.text("stream") {
        return Some(StreamName::Name(name));
    }
    let word = fields.required("quantity")?;
    // "rainfall_10min", "rainfall_1h" and "water_level_daily_mean" are the words of public series.
    let known = if word.starts_with("rain") {
        Some(Quantity::Rain)
    } else if word.starts_with("water_level") {
        Some(Quantity::WaterLevel)
    } else {
        word.parse().ok()
    };
    if known.is_none() {
        fields.wrong("quantity", &word, "is unknown; expected rain…, water_level… or another quantity of the service");
    }
    known.map(StreamName::Measures)
}

fn instant(fields: &mut Fields<'_>) -> Option<Instant> {
    let field = if fields.record().fields.contains_key("at") { "at" } else { "time_utc" };
    let text = fields.required(field)?;
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Some(at.with_timezone(&Utc)),
        Err(_) => {
            fields.wrong(field, &text, "expected an instant with offset, such as 2026-02-24T00:50:00Z");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    fn parse(text: &str) -> Result<Vec<NewObservation>, Problems> {
        parse_readings(&read(Format::Csv, text.as_bytes())?)
    }

    #[test]
    fn both_spellings_give_the_same_instant_and_value() {
        let native = parse("station,stream,at,value,unit\nA1,rain,2026-02-24T00:50:00Z,3.4,mm\n").unwrap();
        let long = "station_id,station_name,lat,lon,time_utc,quantity,value,unit\n\
                    A1,Posto,-21,-43,2026-02-24T00:50:00Z,rainfall_10min,3.4,mm\n";
        let long = parse(long).unwrap();
        assert_eq!((native[0].observed_at, native[0].value), (long[0].observed_at, long[0].value));
        assert_eq!(native[0].stream, StreamName::Name("rain".into()));
        assert_eq!(long[0].stream, StreamName::Measures(Quantity::Rain));
    }

    #[test]
    fn wrong_cells_are_named() {
        let text = "station,stream,at,value\nA1,rain,yesterday,NaN\nA1,,2026-02-24T00:50:00Z,1\n";
        let told = parse(text).unwrap_err().to_string();
        for expected in ["line 2: at = \"yesterday\"", "line 2: value = \"NaN\"", "line 3: quantity: is missing"] {
            assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
        }
    }
}
