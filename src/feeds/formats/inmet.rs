//! INMET, the national weather stations: the hours of stations (`apitempo.inmet.gov.br/estacao/…`) and their list.
//!
//! `DT_MEDICAO` and `HR_MEDICAO` are both of UTC: "0000" begins the date beside it, and in Brazil belongs to the evening
//! before. Rain is the sum of the hour that ends at the stamp, by INMET's convention; temperature, humidity and wind are
//! of the stamp itself, the gust is the strongest of that hour. Units are those of INMET's annual files: mm, °C, %, m/s.
//! Values are text; null is missing.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value};

use super::read::{self, Column, Numbers, Row};
use super::{Catalogue, CatalogueStation, Parsed, Problem, Quantity, join};

/// -9999 is what the annual files of earlier years have for a missing value.
const NUMBERS: Numbers<'_> = Numbers { missing: &["-9999"] };

const COLUMNS: [Column<'_>; 5] = [
    Column { key: "CHUVA", quantity: Quantity::Rain, unit: "mm", interval_s: Some(3600) },
    Column { key: "TEM_INS", quantity: Quantity::AirTemperature, unit: "Cel", interval_s: None },
    Column { key: "UMD_INS", quantity: Quantity::RelativeHumidity, unit: "%", interval_s: None },
    Column { key: "VEN_VEL", quantity: Quantity::WindSpeed, unit: "m/s", interval_s: None },
    Column { key: "VEN_RAJ", quantity: Quantity::WindGust, unit: "m/s", interval_s: None },
];

/// Reads an array of station hours. Hours to come are listed by INMET too, with null for every value.
///
/// # Errors
/// When the body is no JSON array. (A status of 204 without a body is INMET's way to say that there is nothing.)
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let mut parsed = Parsed::default();
    for (index, item) in array(body)?.iter().enumerate() {
        let done = hour(&mut parsed, &format!("[{index}]"), item);
        parsed.problems.extend(done.err());
    }
    Ok(parsed.in_order())
}

fn array(body: &[u8]) -> Result<Vec<Value>, Problem> {
    match read::json(body)? {
        Value::Array(items) => Ok(items),
        other => Err(Problem::new("document", &other.to_string(), "expected an array")),
    }
}

fn hour(parsed: &mut Parsed, path: &str, item: &Value) -> Result<(), Problem> {
    let record = read::object(path, item)?;
    let station = read::code_of(path, record, "CD_ESTACAO")?;
    let at = instant(path, record)?;
    let row = Row { path, station: &station, at };
    for column in &COLUMNS {
        if let Some(value) = record.get(column.key) {
            parsed.add(&row, column, value, NUMBERS);
        }
    }
    Ok(())
}

fn instant(path: &str, record: &Map<String, Value>) -> Result<DateTime<Utc>, Problem> {
    let date = read::text_of(path, record, "DT_MEDICAO")?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d")
        .map_err(|_| Problem::new(join(path, "DT_MEDICAO"), date, "expected a date as in \"2026-09-30\""))?;
    let written = read::code_of(path, record, "HR_MEDICAO")?;
    let time = full_hour(&written).ok_or_else(|| {
        Problem::new(join(path, "HR_MEDICAO"), &written, "expected a full hour of UTC as in \"1200 UTC\" or \"0000\"")
    })?;
    Ok(date.and_time(time).and_utc())
}

/// "1200 UTC", "1200", "12:00" or, where a program took it for a number, 0 and 100. Stations report at the full hour, so
/// that anything else is a mistake, such as "12" for noon.
fn full_hour(text: &str) -> Option<NaiveTime> {
    let digits = text.trim().trim_end_matches("UTC").trim().replacen(':', "", 1);
    let number: u32 = digits.parse().ok().filter(|_| (1..=4).contains(&digits.len()) && !digits.starts_with('+'))?;
    if number.is_multiple_of(100) { NaiveTime::from_hms_opt(number / 100, 0, 0) } else { None }
}

/// Reads the list of stations (`/estacoes/T`), those out of order with them.
///
/// # Errors
/// When the body is no JSON array.
pub fn parse_catalogue(body: &[u8]) -> Result<Catalogue, Problem> {
    let mut catalogue = Catalogue::default();
    for (index, item) in array(body)?.iter().enumerate() {
        let path = format!("[{index}]");
        match station(&path, item) {
            Ok(station) => catalogue.add(&path, station),
            Err(problem) => catalogue.problems.push(problem),
        }
    }
    Ok(catalogue)
}

fn station(path: &str, item: &Value) -> Result<CatalogueStation, Problem> {
    let record = read::object(path, item)?;
    Ok(CatalogueStation {
        code: read::code_of(path, record, "CD_ESTACAO")?,
        name: read::text_of(path, record, "DC_NOME")?.to_owned(),
        lat: read::number_of(path, record, "VL_LATITUDE", NUMBERS)?,
        lon: read::number_of(path, record, "VL_LONGITUDE", NUMBERS)?,
        ibge: record.get("CD_WSI").and_then(Value::as_str).and_then(ibge_in_wigos_id),
    })
}

/// Brazil's WIGOS identifiers are `0-76-0-` followed by the seven digits of the municipality and nine of the station.
fn ibge_in_wigos_id(id: &str) -> Option<String> {
    let local = id.trim().strip_prefix("0-76-0-")?;
    let is_long_enough = local.len() == 16 && local.bytes().all(|byte| byte.is_ascii_digit());
    is_long_enough.then(|| local[..7].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAIN: &str = include_str!("../../../tests/data/feeds/inmet_apitempo_chuva_horaria_part.json");
    const STATIONS: &str = include_str!("../../../tests/data/feeds/inmet_apitempo_estacoes_T_part.json");

    fn one(fields: &str) -> Parsed {
        let head = "\"CD_ESTACAO\":\"A801\",\"DT_MEDICAO\":\"2024-05-01\"";
        parse(format!("[{{{head},{fields}}}]").as_bytes()).unwrap()
    }

    #[test]
    fn the_hours_of_a_station_are_read() {
        let parsed = parse(RAIN.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (4, 0, 0));
        let first = &parsed.observed[0];
        assert_eq!((first.station.as_str(), first.quantity, first.value), ("A861", Quantity::Rain, 1.5));
        assert_eq!((first.unit, first.interval_s), ("mm", Some(3600)));
    }

    #[test]
    fn midnight_begins_its_date_in_utc_and_is_the_evening_before_in_brazil() {
        let parsed = parse(RAIN.as_bytes()).unwrap();
        let hours: Vec<_> = parsed.observed.windows(2).map(|pair| (pair[1].at - pair[0].at).num_minutes()).collect();
        assert_eq!(hours, [60, 60, 60]);
        let midnight = parsed.observed[2].at;
        assert_eq!(midnight.to_rfc3339(), "2026-10-01T00:00:00+00:00");
        let brasilia = chrono::FixedOffset::west_opt(3 * 3600).unwrap();
        assert_eq!(midnight.with_timezone(&brasilia).to_rfc3339(), "2026-09-30T21:00:00-03:00");
    }

    #[test]
    fn the_hour_is_read_in_every_form_it_comes_in() {
        for (text, hour) in [("1200 UTC", 12), ("1200", 12), ("12:00", 12), ("0000", 0), ("0000 UTC", 0), ("100", 1)] {
            assert_eq!(full_hour(text), NaiveTime::from_hms_opt(hour, 0, 0), "{text}");
        }
        assert_eq!(one("\"HR_MEDICAO\":0,\"CHUVA\":\"1\"").observed[0].at.to_rfc3339(), "2024-05-01T00:00:00+00:00");
        for text in ["12", "1230", "2400", "", "UTC", "-100", "00000", "12:00:00", "+100"] {
            let parsed = one(&format!("\"HR_MEDICAO\":\"{text}\",\"CHUVA\":\"1\""));
            assert_eq!((parsed.observed.len(), parsed.problems.len()), (0, 1), "{text}");
            assert_eq!(parsed.problems[0].field, "[0].HR_MEDICAO");
        }
    }

    #[test]
    fn null_is_missing_and_not_zero() {
        let parsed = one("\"HR_MEDICAO\":\"1200\",\"CHUVA\":null,\"TEM_INS\":null,\"UMD_INS\":\"\",\"VEN_VEL\":\"0\"");
        assert_eq!((parsed.observed.len(), parsed.missing), (1, 3));
        assert_eq!((parsed.observed[0].quantity, parsed.observed[0].value), (Quantity::WindSpeed, 0.0));
    }

    #[test]
    fn every_quantity_has_its_unit_and_a_gust_is_no_sum() {
        let parsed = one(
            "\"HR_MEDICAO\":\"1200\",\"CHUVA\":\"0.2\",\"TEM_INS\":\"-1.4\",\"UMD_INS\":\"97\",\"VEN_VEL\":\"2.1\",\"VEN_RAJ\":\"9,8\"",
        );
        let read: Vec<_> = parsed.observed.iter().map(|o| (o.quantity, o.value, o.unit, o.interval_s)).collect();
        assert_eq!(
            read,
            [
                (Quantity::Rain, 0.2, "mm", Some(3600)),
                (Quantity::AirTemperature, -1.4, "Cel", None),
                (Quantity::RelativeHumidity, 97.0, "%", None),
                (Quantity::WindSpeed, 2.1, "m/s", None),
                (Quantity::WindGust, 9.8, "m/s", None),
            ]
        );
    }

    #[test]
    fn a_bad_record_is_named_and_its_neighbours_live() {
        let text = RAIN.replacen("2026-09-30", "30/09/2026", 1).replacen("\"0100\"", "[]", 1).replacen("1.5", "wet", 2);
        let parsed = parse(text.as_bytes()).unwrap();
        let fields: Vec<_> = parsed.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["[0].DT_MEDICAO", "[1].CHUVA", "[3].HR_MEDICAO"]);
        assert_eq!(parsed.observed.len(), 1);
    }

    #[test]
    fn what_is_no_array_is_an_error() {
        assert_eq!(parse(br#"{"message":"forbidden"}"#).unwrap_err().field, "document");
        assert_eq!(parse_catalogue(b"{}").unwrap_err().field, "document");
        assert_eq!(parse(b"").unwrap_err().message, "is empty");
    }

    #[test]
    fn the_station_list_has_coordinates_in_text_and_the_municipality_in_the_wigos_id() {
        let catalogue = parse_catalogue(STATIONS.as_bytes()).unwrap();
        assert_eq!((catalogue.stations.len(), catalogue.problems.len()), (4, 0));
        let expected = CatalogueStation {
            code: "A817".into(),
            name: "INDAIAL".into(),
            lat: -26.913_611_11,
            lon: -49.268_055_54,
            ibge: Some("4207502".into()),
        };
        // Indaial is "Pane", out of order: its coordinate is still known.
        assert_eq!(catalogue.stations[1], expected);
    }

    #[test]
    fn a_wigos_id_of_another_form_names_no_municipality() {
        for id in ["0-2000-0-86946", "0-76-0-42", "0-76-0-42075020000000ab", ""] {
            assert_eq!(ibge_in_wigos_id(id), None, "{id}");
        }
    }

    #[test]
    fn a_station_without_a_coordinate_is_named() {
        let text = STATIONS.replacen("\"-11.65444444\"", "null", 1).replacen("\"-26.91361111\"", "\"-269.1\"", 1);
        let catalogue = parse_catalogue(text.as_bytes()).unwrap();
        let fields: Vec<_> = catalogue.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!((fields, catalogue.stations.len()), (vec!["[0].VL_LATITUDE", "[1]"], 2));
    }
}
