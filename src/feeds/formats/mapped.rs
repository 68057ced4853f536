//! Any feed in JSON by a mapping in the configuration: where the records are, and what in each is station, instant and value.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::read::{self, Column, Numbers, Row};
use super::{Parsed, Problem, join};
use crate::units::Quantity;

/// Where what stands. Paths are keys with dots between them; whole numbers are places in arrays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Path to the array of records, or to the one record. Empty: the document itself.
    #[serde(default)]
    pub records: String,
    /// Path in a record to the station's code.
    #[serde(default)]
    pub station: String,
    /// The code of the one station there is, where records do not name it.
    #[serde(default)]
    pub station_is: String,
    /// Path in a record to the instant.
    pub at: String,
    /// `strftime` format of a local time, e.g. "%d/%m/%Y %H:%M". Empty: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub at_format: String,
    /// Minutes that the local time is ahead of UTC: -180 in Brasília.
    #[serde(default)]
    pub utc_offset_min: i32,
    pub values: Vec<Part>,
    /// What stands for "not measured" beside null, "" and "-".
    #[serde(default)]
    pub missing: Vec<String>,
}

/// One value of a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub from: String,
    pub quantity: Quantity,
    /// Left out: the canonical one of the quantity.
    #[serde(default)]
    pub unit: Option<String>,
    /// Seconds a sum covers, for sums.
    #[serde(default)]
    pub interval_s: Option<i32>,
}

/// The units a feed may have.
const UNITS: [&str; 16] =
    ["mm", "cm", "m", "km", "in", "ft", "L/m2", "m3/s", "L/s", "Cel", "K", "%", "%RH", "m/s", "km/h", "kn"];

impl Part {
    fn unit(&self) -> Option<&'static str> {
        let Some(wanted) = &self.unit else { return Some(self.quantity.canonical_unit()) };
        let known = UNITS.into_iter().find(|known| known == wanted);
        known.filter(|unit| self.quantity.conversion(unit).is_some())
    }
}

impl Mapping {
    /// What is wrong with it, in words for the configuration.
    pub fn problem(&self) -> Option<&'static str> {
        if self.station.is_empty() == self.station_is.is_empty() {
            return Some("a mapping with either `station` or `station_is`");
        }
        if self.at.is_empty() || self.values.is_empty() {
            return Some("a mapping with `at` and at least one of `values`");
        }
        let good = self.values.iter().all(|part| !part.from.is_empty() && part.unit().is_some());
        (!good).then_some("`values` with `from` and a unit that fits the quantity")
    }
}

/// Reads a document by its mapping.
///
/// # Errors
/// When the body is no JSON, or has no records where the mapping says.
pub fn parse(body: &[u8], mapping: &Mapping) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let records = find(&document, &mapping.records)
        .ok_or_else(|| Problem::new("records", &mapping.records, "the document has nothing there"))?;
    let one = std::slice::from_ref(records);
    let records = records.as_array().map_or(one, Vec::as_slice);
    let missing: Vec<&str> = mapping.missing.iter().map(String::as_str).collect();
    let numbers = Numbers { missing: &missing };
    let mut parsed = Parsed::default();
    for (index, item) in records.iter().enumerate() {
        let path = join(&mapping.records, &index.to_string());
        let done = record(&mut parsed, &path, item, (mapping, numbers));
        parsed.problems.extend(done.err());
    }
    Ok(parsed.in_order())
}

fn record(
    parsed: &mut Parsed,
    path: &str,
    item: &Value,
    (mapping, numbers): (&Mapping, Numbers<'_>),
) -> Result<(), Problem> {
    let needed = |at: &str| find(item, at).ok_or_else(|| Problem::new(join(path, at), &item.to_string(), "is missing"));
    let values: Vec<(&Part, &Value)> =
        mapping.values.iter().filter_map(|part| Some((part, find(item, &part.from)?))).collect();
    // A station that has measured nothing needs no instant.
    if values.iter().all(|(_, value)| numbers.read(value) == Ok(None)) {
        parsed.missing += values.len().max(1);
        return Ok(());
    }
    let station = if mapping.station.is_empty() {
        mapping.station_is.clone()
    } else {
        let value = needed(&mapping.station)?;
        let wrong = || {
            let field = join(path, &mapping.station);
            Problem::new(field, &read::shown(value), "expected a code in text or digits")
        };
        read::code(value).ok_or_else(wrong)?
    };
    let written = needed(&mapping.at)?;
    let wrong = || Problem::new(join(path, &mapping.at), &read::shown(written), "is no instant as the mapping says");
    let at = instant(written, mapping).ok_or_else(wrong)?;
    let row = Row { path, station: &station, at };
    for (part, value) in values {
        let unit = part.unit().unwrap_or_else(|| part.quantity.canonical_unit());
        let column = Column { key: &part.from, quantity: part.quantity, unit, interval_s: part.interval_s };
        parsed.add(&row, &column, value, numbers);
    }
    Ok(())
}

fn instant(value: &Value, mapping: &Mapping) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) if mapping.at_format.is_empty() => {
            DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.with_timezone(&Utc))
        }
        Value::String(text) => read::local(text, &[&mapping.at_format], mapping.utc_offset_min),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| (0.0..1e14).contains(number))?;
            let millis = if number > 1e11 { number } else { number * 1000.0 };
            DateTime::from_timestamp_millis(millis as i64)
        }
        _ => None,
    }
}

fn find<'a>(inside: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(inside, |inside, key| match inside {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Mapping {
        let mapping: Mapping = toml::from_str(text).unwrap();
        assert_eq!(mapping.problem(), None, "{text}");
        mapping
    }

    fn read_of(body: &[u8], mapping: &Mapping) -> Vec<String> {
        let parsed = parse(body, mapping).unwrap();
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        let rows = parsed.observed.into_iter();
        rows.map(|one| format!("{} {} {} {}", one.station, one.at.format("%m-%d %H:%M"), one.value, one.unit)).collect()
    }

    const BLUMENAU: &[u8] = include_bytes!("../../../tests/data/feeds/alertablu_blumenau_nivel_oficial.json");
    const GUAIBA: &[u8] = include_bytes!("../../../tests/data/feeds/dcrs_guaiba_monitor_history_first20.json");
    const RIO: &[u8] = include_bytes!("../../../tests/data/feeds/rio_publicapi_v1_rain_documented.json");

    #[test]
    fn levels_and_rain_of_towns_and_states_are_read_by_a_few_lines() {
        let town = mapping(
            "records='niveis'\nstation_is='BLU'\nat='horaLeitura'\nvalues=[{from='nivel', quantity='water_level', unit='m'}]",
        );
        assert_eq!(read_of(BLUMENAU, &town)[0], "BLU 09-27 04:00 3.31 m");
        let state = mapping(
            "records='readings'\nstation='stationCode'\nat='timestamp'\n\
             values=[{from='levelMeters', quantity='water_level'}]",
        );
        let rows = read_of(GUAIBA, &state);
        assert_eq!((rows.len(), rows[0].as_str()), (20, "DCRS-00054 08-21 21:15 1.52 m"));
        let city = mapping(
            "records='data'\nstation='id'\nat='readAt'\n\
             values=[{from='data.mm15min', quantity='rain', unit='mm', interval_s=900}]",
        );
        assert_eq!(read_of(RIO, &city), ["rio-urca-0 08-04 20:55 0 mm"]);
    }

    #[test]
    fn one_bad_record_does_not_cost_the_others_and_markers_are_missing() {
        let map = mapping(
            "records='d.rows'\nstation='id'\nat='t'\nat_format='%d/%m/%Y %H:%M'\nutc_offset_min=-180\nmissing=['-99,99']\n\
             values=[{from='v.0.m15', quantity='rain', interval_s=900}]",
        );
        let body =
            br#"{"d":{"rows":[{"id":7,"t":"22/02/2026 21:00","v":[{"m15":"1,4"}]},{"id":8,"v":[{"m15":"-99,99"}]},
            {"id":9,"t":"yesterday","v":[{"m15":2}]},{"t":"22/02/2026 21:00","v":[{"m15":2}]},
            {"id":1,"t":"22/02/2026 21:00","v":[{"m15":{}}]}]}}"#;
        let parsed = parse(body, &map).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing), (1, 1));
        let one = &parsed.observed[0];
        assert_eq!((one.station.as_str(), one.value, one.interval_s), ("7", 1.4, Some(900)));
        assert_eq!(one.at.to_rfc3339(), "2026-02-23T00:00:00+00:00");
        let fields: Vec<_> = parsed.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["d.rows.2.t", "d.rows.3.id", "d.rows.4.v.0.m15"]);
    }

    #[test]
    fn a_mapping_that_cannot_work_is_named_and_so_is_a_document_of_another_shape() {
        for bad in [
            "at='t'\nvalues=[{from='v', quantity='rain'}]",
            "station='a'\nstation_is='b'\nat='t'\nvalues=[{from='v', quantity='rain'}]",
            "station='a'\nat='t'\nvalues=[]",
            "station='a'\nat='t'\nvalues=[{from='v', quantity='rain', unit='kg'}]",
            "station='a'\nat='t'\nvalues=[{from='v', quantity='rain', unit='m/s'}]",
        ] {
            assert!(toml::from_str::<Mapping>(bad).unwrap().problem().is_some(), "{bad}");
        }
        let map = mapping("records='a.b'\nstation='s'\nat='t'\nvalues=[{from='v', quantity='water_level', unit='cm'}]");
        assert_eq!(parse(b"{}", &map).unwrap_err().field, "records");
        assert_eq!(parse(b"<html>", &map).unwrap_err().field, "document");
    }
}
