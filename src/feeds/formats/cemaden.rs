//! CEMADEN, the national gauges: the current readings of a state (`getJson2.php`), and beside them the hours of one
//! station, the monthly table of the Mapa Interativo and the list of stations, each in a module of its own.
//!
//! All times are UTC though no payload says so: prefeitura-rio/pipelines_rj_cor localises `datahoraUltimovalor` as UTC, and
//! read as UTC the peaks fall on the hours at which the storms of Petrópolis (2022) and Juiz de Fora (2026) struck.
//!
//! A reading is the rain of ten minutes, ending at its instant. The tables of both storms step by ten minutes while it
//! rains, and those increments sum to the known totals (Bingen, 15 February 2022: 141.6 mm, as CEMADEN's own sheet says).
//! A gauge that is dry reports about once an hour, nearly always 0; rain in a report after an hour of silence is rare (6 % of
//! 2,829 in Juiz de Fora), and is rain of ten minutes too. The evidence: a dry gauge reports at its own minute of the hour
//! (2,661 of 2,668), one with rain as often at another (96 of 183), because the rain called it; it holds what the first wet ten
//! minutes after dry ones hold (one tip of 0.2 mm: 72 % and 82 %); and most often the next report comes ten minutes later. Had it
//! rained in the fifty minutes before, the gauge would have reported then. Taken as an hour, the intensity would be too low by
//! six times; taken as ten minutes it errs, if at all, to the high side, and the sums are right in any case.
//! `acc1hr` to `acc96hr` are sums that overlap each other and the reading, therefore no readings.
//!
//! The feed knows a station by `idestacao` (6846), the monthly table by `codEstacao` ("261160620A").

mod catalogue;
mod hourly;
mod table;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use catalogue::parse as parse_catalogue;
pub use hourly::parse as parse_hourly;
pub use table::parse as parse_table;

use super::read::{self, Column, Numbers, Row};
use super::{Parsed, Problem, Quantity, join};

const VALUE: &str = "ultimovalor";
const TIME: &str = "datahoraUltimovalor";
/// Numbers come bare or as text; "-" is missing.
const NUMBERS: Numbers<'_> = Numbers { missing: &[] };
const RAIN: Column<'_> = Column { key: VALUE, quantity: Quantity::Rain, unit: "mm", interval_s: Some(600) };

/// Reads the current readings: an array of stations, or one station alone. The server calls them text/html.
///
/// # Errors
/// When the body is no JSON, or JSON of another shape.
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let mut parsed = Parsed::default();
    match &document {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let done = station(&mut parsed, &format!("[{index}]"), item);
                parsed.problems.extend(done.err());
            }
        }
        Value::Object(_) => {
            let done = station(&mut parsed, "", &document);
            parsed.problems.extend(done.err());
        }
        other => return Err(Problem::new("document", &other.to_string(), "expected an array of stations")),
    }
    Ok(parsed.in_order())
}

fn station(parsed: &mut Parsed, path: &str, item: &Value) -> Result<(), Problem> {
    let record = read::object(path, item)?;
    let value = read::field(path, record, VALUE)?;
    // A station that has never reported has no time either, which is nobody's mistake.
    if NUMBERS.read(value) == Ok(None) {
        parsed.missing += 1;
        return Ok(());
    }
    let code = read::code_of(path, record, "idestacao")?;
    let written = read::text_of(path, record, TIME)?;
    let at = instant(written).ok_or_else(|| {
        Problem::new(join(path, TIME), written, "expected an instant of UTC as in \"28/08/26 14:50\"")
    })?;
    parsed.add(&Row { path, station: &code, at }, &RAIN, value, NUMBERS);
    Ok(())
}

/// Two digits of the year count from 2000: CEMADEN has measured since 2011.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let (date, time) = text.split_once(' ')?;
    let (day_and_month, year) = date.rsplit_once('/')?;
    let century = if year.len() == 2 { "20" } else { "" };
    let whole = format!("{day_and_month}/{century}{year} {time}");
    read::local(&whole, &["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"], 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = include_bytes!("../../../tests/data/feeds/cemaden_getJson2_record.json");
    const BOTH: &str = include_str!("../../../tests/data/feeds/cemaden_getJson2_and_catalog_testbody.txt");

    fn readings() -> &'static str {
        BOTH.split_once("\n\n").unwrap().1
    }

    fn one(fields: &str) -> Parsed {
        parse(format!("[{{\"idestacao\":1,{fields}}}]").as_bytes()).unwrap()
    }

    #[test]
    fn the_current_readings_of_a_state_are_read() {
        let parsed = parse(readings().as_bytes()).unwrap();
        let read: Vec<_> = parsed.observed.iter().map(|o| (o.station.as_str(), o.at.to_rfc3339(), o.value)).collect();
        assert_eq!(
            read,
            [
                ("6262", "2026-08-28T14:50:00+00:00".to_owned(), 0.2),
                ("3975", "2026-08-28T14:50:00+00:00".to_owned(), 0.0),
                ("6960", "2026-08-28T15:10:00+00:00".to_owned(), 0.0),
            ]
        );
        let first = &parsed.observed[0];
        assert_eq!((first.quantity, first.unit, first.interval_s), (Quantity::Rain, "mm", Some(600)));
        assert_eq!((parsed.missing, parsed.problems.len()), (0, 0));
    }

    #[test]
    fn sums_over_hours_are_no_readings() {
        // acc1hr to acc96hr hold three dashes, two numbers and three nulls; only ultimovalor counts.
        let parsed = parse(RECORD).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing), (1, 0));
        assert_eq!((parsed.observed[0].station.as_str(), parsed.observed[0].value), ("6846", 0.0));
    }

    #[test]
    fn a_dash_is_missing_and_not_zero() {
        for value in ["\"-\"", "null", "\"\""] {
            let parsed = one(&format!("\"ultimovalor\":{value},\"datahoraUltimovalor\":\"-\""));
            assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (0, 1, 0), "{value}");
        }
    }

    #[test]
    fn a_number_in_text_is_a_number() {
        let parsed = one("\"ultimovalor\":\"0,4\",\"datahoraUltimovalor\":\"28/08/26 14:50\"");
        assert_eq!(parsed.observed[0].value, 0.4);
    }

    #[test]
    fn time_is_utc_with_two_or_four_digits_of_the_year() {
        for text in ["28/08/26 14:50", "28/08/2026 14:50", "28/08/26 14:50:00"] {
            assert_eq!(instant(text).unwrap().to_rfc3339(), "2026-08-28T14:50:00+00:00", "{text}");
        }
        assert_eq!(instant("31/12/99 00:00").unwrap().to_rfc3339(), "2099-12-31T00:00:00+00:00");
    }

    #[test]
    fn a_bad_record_is_named_and_its_neighbours_live() {
        let text = readings().replace("28/08/26 15:10", "38/08/26 15:10").replace("0.2", "\"wet\"");
        let parsed = parse(text.as_bytes()).unwrap();
        let problems: Vec<_> = parsed.problems.iter().map(|p| (p.field.as_str(), p.value.as_str())).collect();
        assert_eq!(problems, [("[0].ultimovalor", "wet"), ("[1].datahoraUltimovalor", "38/08/26 15:10")]);
        assert_eq!(parsed.observed.len(), 1);
    }

    #[test]
    fn every_wrong_shape_is_a_problem_of_its_record() {
        let text = r#"[7,{},{"ultimovalor":1},{"ultimovalor":1,"idestacao":2},
            {"ultimovalor":1,"idestacao":2.5,"datahoraUltimovalor":"28/08/26 14:50"}]"#;
        let fields: Vec<_> = parse(text.as_bytes()).unwrap().problems.into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["[0]", "[1].ultimovalor", "[2].idestacao", "[3].datahoraUltimovalor", "[4].idestacao"]);
    }

    #[test]
    fn a_call_around_the_array_does_no_harm() {
        let text = format!("callback({});", readings());
        assert_eq!(parse(text.as_bytes()).unwrap().observed.len(), 3);
    }

    #[test]
    fn what_is_no_list_of_stations_is_an_error() {
        for body in ["", "7", "\"-\"", "<html>Service Unavailable</html>", "[{\"idestacao\":"] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().field, "document", "{body}");
        }
    }
}
