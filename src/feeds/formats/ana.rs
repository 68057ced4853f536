//! ANA, the national gauges of rivers and rain: the telemetry of `HidroWebService` (JSON), and beside it the older
//! web service (XML) in a module of its own.
//!
//! Both give the wall-clock time of Brasília without saying so; held against an independent level of the Guaíba, the
//! series at Cais Mauá errs least when moved by three hours. Levels are centimetres above the station's own zero. Rain
//! is the sum of the quarter of an hour that ends at the stamp.

mod legacy;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use legacy::parse as parse_legacy;

use super::read::{self, BRASILIA_MIN, Column, Numbers, Row};
use super::{Parsed, Problem, Quantity, join};

const TIME: &str = "Data_Hora_Medicao";

/// What the loggers send in place of a value. A level of exactly 88.88 or 99.99 m is lost with them.
const NUMBERS: Numbers<'_> = Numbers { missing: &["8888", "9999", "-8888", "-9999"] };

const COLUMNS: [Column<'_>; 3] = columns(["Chuva_Adotada", "Cota_Adotada", "Vazao_Adotada"]);

/// The three quantities under the names that a service has for rain, level and flow.
const fn columns<'a>([rain, level, flow]: [&'a str; 3]) -> [Column<'a>; 3] {
    [
        Column { key: rain, quantity: Quantity::Rain, unit: "mm", interval_s: Some(900) },
        Column { key: level, quantity: Quantity::WaterLevel, unit: "cm", interval_s: None },
        Column { key: flow, quantity: Quantity::Flow, unit: "m3/s", interval_s: None },
    ]
}

/// Reads `{"status":"OK","code":200,"items":[{"codigoestacao","Data_Hora_Medicao","Chuva_Adotada",…}]}`. Numbers are text;
/// null is missing. A quarter of an hour for which there is no record stays without one: nothing is filled in.
///
/// # Errors
/// When the body is no JSON of this shape, or when the service says that it failed (an expired token, for one).
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let record = read::object("document", &document)?;
    refuse_failure(record)?;
    let items = match record.get("items") {
        None | Some(Value::Null) => return Ok(Parsed::default()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(Problem::new("items", &other.to_string(), "expected an array of measurements")),
    };
    let mut parsed = Parsed::default();
    for (index, item) in items.iter().enumerate() {
        let done = measurement(&mut parsed, &format!("items[{index}]"), item);
        parsed.problems.extend(done.err());
    }
    Ok(parsed.in_order())
}

fn refuse_failure(record: &Map<String, Value>) -> Result<(), Problem> {
    let message = record.get("message").map(read::shown).unwrap_or_default();
    match record.get("code").map(|code| (code, code.as_i64())) {
        Some((_, Some(200))) => Ok(()),
        Some((code, _)) => Err(Problem::new("code", &format!("{code}: {message}"), "the service says that it failed")),
        None if record.contains_key("items") => Ok(()),
        None => Err(Problem::new("items", &message, "is missing")),
    }
}

fn measurement(parsed: &mut Parsed, path: &str, item: &Value) -> Result<(), Problem> {
    let record = read::object(path, item)?;
    let station = read::code_of(path, record, "codigoestacao")?;
    let written = read::text_of(path, record, TIME)?;
    let at = instant(written).ok_or_else(|| wrong_time(join(path, TIME), written))?;
    let row = Row { path, station: &station, at };
    for column in &COLUMNS {
        if let Some(value) = record.get(column.key) {
            parsed.add(&row, column, value, NUMBERS);
        }
    }
    Ok(())
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    read::local(text, &["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"], BRASILIA_MIN)
}

fn wrong_time(field: String, written: &str) -> Problem {
    Problem::new(field, written, "expected a local time as in \"2023-11-11 00:15:00.0\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str =
        include_str!("../../../tests/data/feeds/ana_hidrowebservice_telemetria_83800002_2023-11-11_part.json");

    fn one(fields: &str) -> Parsed {
        let item =
            format!("{{\"codigoestacao\":\"76300000\",\"Data_Hora_Medicao\":\"2024-06-24 00:00:00.0\",{fields}}}");
        parse(format!("{{\"code\":200,\"items\":[{item}]}}").as_bytes()).unwrap()
    }

    #[test]
    fn numbers_in_text_are_read_and_null_is_missing() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (8, 16, 0));
        assert!(parsed.observed.iter().all(|o| o.quantity == Quantity::Rain && o.interval_s == Some(900)));
        let wet: Vec<_> = parsed.observed.iter().filter(|o| o.value > 0.0).collect();
        assert_eq!((wet.len(), wet[0].value, wet[0].station.as_str()), (1, 0.2, "83800002"));
    }

    #[test]
    fn time_is_that_of_brasilia() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!(parsed.observed[0].at.to_rfc3339(), "2023-11-11T03:15:00+00:00");
    }

    #[test]
    fn a_missing_full_hour_is_not_filled_in() {
        // The sample has rows at :15, :30 and :45 only.
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        let minutes: Vec<_> = parsed.observed.iter().map(|o| o.at.format("%M").to_string()).collect();
        assert_eq!(minutes, ["15", "30", "45", "15", "30", "45", "45", "15"]);
    }

    #[test]
    fn levels_are_centimetres_and_flows_cubic_metres_a_second() {
        let parsed = one("\"Cota_Adotada\":\"276.00\",\"Vazao_Adotada\":340.44");
        let read: Vec<_> = parsed.observed.iter().map(|o| (o.quantity, o.value, o.unit, o.interval_s)).collect();
        assert_eq!(read, [(Quantity::WaterLevel, 276.0, "cm", None), (Quantity::Flow, 340.44, "m3/s", None)]);
    }

    #[test]
    fn sentinels_of_loggers_are_missing() {
        let parsed = one("\"Cota_Adotada\":\"9999.00\",\"Vazao_Adotada\":\"-9999\",\"Chuva_Adotada\":8888");
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (0, 3, 0));
    }

    #[test]
    fn a_bad_value_costs_neither_its_record_nor_its_neighbours() {
        let text = SAMPLE.replacen("\"0.00\"", "\"wet\"", 1).replacen("2023-11-11 00:30:00.0", "yesterday", 1);
        let parsed = parse(text.as_bytes()).unwrap();
        let fields: Vec<_> = parsed.problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["items[0].Chuva_Adotada", "items[1].Data_Hora_Medicao"]);
        assert_eq!((parsed.observed.len(), parsed.missing), (6, 14));
    }

    #[test]
    fn no_items_is_no_error() {
        for body in [r#"{"code":200,"items":[]}"#, r#"{"code":200,"items":null}"#, r#"{"items":[]}"#] {
            assert_eq!(parse(body.as_bytes()).unwrap(), Parsed::default(), "{body}");
        }
    }

    #[test]
    fn a_failure_of_the_service_is_an_error_with_its_words() {
        let problem = parse(br#"{"status":"UNAUTHORIZED","code":401,"message":"Token invalido"}"#).unwrap_err();
        assert_eq!((problem.field.as_str(), problem.value.as_str()), ("code", "401: Token invalido"));
        assert_eq!(parse(b"{}").unwrap_err().field, "items");
        assert_eq!(parse(br#"{"code":200,"items":7}"#).unwrap_err().field, "items");
        assert_eq!(parse(b"[]").unwrap_err().field, "document");
    }
}
