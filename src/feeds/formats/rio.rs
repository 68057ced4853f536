//! Rio de Janeiro, the older stations' JSON (`/json/chuvas` of websempre): `objects`, each with `data` of overlapping windows
//! that all end at `read_at`.
//!
//! Only the shortest becomes readings (`m05`, the last five minutes), because sums of windows that overlap would count the
//! same rain twice; where stations are known to refresh each quarter of an hour, `interval_s = 900` of the feed takes `m15`.
//! What lies between two readings that are further apart than the window is not known, and is not taken for dry.
//! -99,99 is missing, with comma or point. Stations are known by their name, which differs from the map's.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::read::{self, Column, Numbers, Row};
use super::{Parsed, Problem, Quantity, join};

const NUMBERS: Numbers<'_> = Numbers { missing: &["-99,99"] };

/// The windows that may be readings: seconds and key.
const WINDOWS: [(i32, &str); 2] = [(300, "m05"), (900, "m15")];

/// Whether readings of such an interval can be taken.
pub fn has_window(interval_s: i32) -> bool {
    WINDOWS.iter().any(|(seconds, _)| *seconds == interval_s)
}

/// Reads the stations, taking the window of that length, or the shortest.
///
/// # Errors
/// When the body is no JSON with `objects`.
pub fn parse(body: &[u8], interval_s: Option<i32>) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let items = document.get("objects").and_then(Value::as_array);
    let items = items.ok_or_else(|| Problem::new("objects", "", "expected an array of stations"))?;
    let wanted = WINDOWS.iter().find(|(seconds, _)| Some(*seconds) == interval_s);
    let (seconds, key) = wanted.unwrap_or(&WINDOWS[0]);
    let column = Column { key, quantity: Quantity::Rain, unit: "mm", interval_s: Some(*seconds) };
    let mut parsed = Parsed::default();
    for (index, item) in items.iter().enumerate() {
        let done = station(&mut parsed, &format!("objects[{index}]"), item, &column);
        parsed.problems.extend(done.err());
    }
    Ok(parsed.in_order())
}

fn station(parsed: &mut Parsed, path: &str, item: &Value, column: &Column<'_>) -> Result<(), Problem> {
    let record = read::object(path, item)?;
    let name = read::code_of(path, record, "name")?;
    let data_path = join(path, "data");
    let data = read::object(&data_path, read::field(path, record, "data")?)?;
    let value = read::field(&data_path, data, column.key)?;
    // A station that has never reported has no instant either.
    if NUMBERS.read(value) == Ok(None) {
        parsed.missing += 1;
        return Ok(());
    }
    let row = Row { path: &data_path, station: &name, at: instant(path, record)? };
    parsed.add(&row, column, value, NUMBERS);
    Ok(())
}

fn instant(path: &str, record: &Map<String, Value>) -> Result<DateTime<Utc>, Problem> {
    let written = read::text_of(path, record, "read_at")?;
    let at = DateTime::parse_from_rfc3339(written).map(|at| at.to_utc());
    at.map_err(|_| {
        Problem::new(join(path, "read_at"), written, "expected an instant as in \"2026-08-04T17:55:00-03:00\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: &str = include_str!("../../../tests/data/feeds/rio_websempre_json_chuvas_shape.json");

    #[test]
    fn of_overlapping_windows_the_shortest_alone_is_read() {
        let parsed = parse(SHAPE.as_bytes(), None).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (1, 0, 0));
        let only = &parsed.observed[0];
        assert_eq!((only.station.as_str(), only.value, only.interval_s), ("Urca", 0.0, Some(300)));
        assert_eq!(only.at.to_rfc3339(), "2026-08-04T20:55:00+00:00");
        let quarter = parse(SHAPE.replace("\"m15\": 0", "\"m15\": 1.4").as_bytes(), Some(900)).unwrap();
        assert_eq!((quarter.observed[0].value, quarter.observed[0].interval_s), (1.4, Some(900)));
    }

    #[test]
    fn minus_ninety_nine_is_missing_with_comma_or_point_and_zero_is_dry() {
        for value in ["\"-99,99\"", "-99.99", "\"-99.99\"", "null", "\"-\""] {
            let parsed = parse(SHAPE.replace("\"m05\": 0", &format!("\"m05\": {value}")).as_bytes(), None).unwrap();
            assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (0, 1, 0), "{value}");
        }
        let comma = parse(SHAPE.replace("\"m05\": 0", "\"m05\": \"0,4\"").as_bytes(), None).unwrap();
        assert_eq!(comma.observed[0].value, 0.4);
    }

    #[test]
    fn a_bad_station_is_named_and_its_neighbours_live() {
        let good = SHAPE.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
        let body =
            format!("{{\"objects\":[7,{{\"name\":\"X\"}},{},{good}]}}", good.replace("2026-08-04T17", "04/08/2026 17"));
        let parsed = parse(body.as_bytes(), None).unwrap();
        let fields: Vec<_> = parsed.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!((fields, parsed.observed.len()), (vec!["objects[0]", "objects[1].data", "objects[2].read_at"], 1));
        for body in ["", "[]", "{}", "<html>", "{\"objects\":{}}"] {
            assert!(parse(body.as_bytes(), None).is_err(), "{body}");
        }
    }
}
