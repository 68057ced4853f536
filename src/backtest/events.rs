//! Recorded disasters: when, where, what, and who says so. Pure.

use geo::Point;
use serde::Serialize;

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::ids::AreaId;
use crate::risk::network::{AreaSpec, distance_km};

/// One recorded disaster, or what stands for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    pub at: Instant,
    pub place: Place,
    /// The hazard whose rules are held against it.
    pub cobrade: Cobrade,
    pub what: String,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Code of the area.
    Area(String),
    /// Degrees (WGS 84): every area that holds the point.
    Point { lat: f64, lon: f64 },
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {column}: {message}")]
pub struct WrongEvent {
    pub line: u64,
    pub column: &'static str,
    pub message: String,
}

const COLUMNS: [&str; 7] = ["at", "area", "lat", "lon", "cobrade", "what", "source"];

/// Reads `at,area,lat,lon,cobrade,what,source` with a header, columns in any order; `area`, or `lat` with `lon`, may be left out.
/// Lines that begin with `#` are remarks.
///
/// # Errors
/// Names the line, the column, the value and what was expected.
pub fn parse(text: &str) -> Result<Vec<Event>, WrongEvent> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        WrongEvent { line, column: "line", message: error.to_string() }
    };
    let header = reader.headers().map_err(broken)?.clone();
    let unknown = header.iter().find(|name| !COLUMNS.contains(name));
    if let Some(name) = unknown {
        let message = format!("{name:?} is no column; expected {}", COLUMNS.join(", "));
        return Err(WrongEvent { line: 1, column: "header", message });
    }
    for needed in ["at", "cobrade", "what", "source"] {
        if !header.iter().any(|name| name == needed) {
            return Err(WrongEvent { line: 1, column: "header", message: format!("column {needed:?} is missing") });
        }
    }
    let mut events = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| {
            let column = header.iter().position(|column| column == name);
            column.and_then(|column| record.get(column)).unwrap_or_default()
        };
        events.push(event(&field, line)?);
    }
    events.sort_by_key(|event| event.at);
    Ok(events)
}

fn event<'a>(field: &impl Fn(&str) -> &'a str, line: u64) -> Result<Event, WrongEvent> {
    let wrong = |column: &'static str, message: String| WrongEvent { line, column, message };
    let at = chrono::DateTime::parse_from_rfc3339(field("at"))
        .map_err(|_| {
            wrong("at", format!("{:?} is no instant with offset, such as 2022-02-15T17:30:00-03:00", field("at")))
        })?
        .to_utc();
    let cobrade = field("cobrade").parse::<Cobrade>().map_err(|error| wrong("cobrade", error.to_string()))?;
    let degrees = |column: &'static str, most: f64| {
        let number = field(column).parse::<f64>().ok().filter(|number| number.abs() <= most);
        number.ok_or_else(|| wrong(column, format!("{:?} is no number of degrees up to {most}", field(column))))
    };
    let place = match (field("area"), field("lat").is_empty() && field("lon").is_empty()) {
        ("", true) => return Err(wrong("area", "give the code of an area, or lat and lon".into())),
        ("", false) => Place::Point { lat: degrees("lat", 90.0)?, lon: degrees("lon", 180.0)? },
        (code, true) => Place::Area(code.to_owned()),
        (_, false) => return Err(wrong("area", "give either an area or lat and lon, not both".into())),
    };
    for column in ["what", "source"] {
        if field(column).is_empty() {
            return Err(wrong(column, "is empty: a disaster nobody vouches for counts for nothing".into()));
        }
    }
    Ok(Event { at, place, cobrade, what: field("what").to_owned(), source: field("source").to_owned() })
}

/// The areas that an event is of; none when it lies in none that is known.
pub fn areas_of(event: &Event, areas: &[AreaSpec]) -> Vec<AreaId> {
    let holds = |area: &&AreaSpec| match &event.place {
        Place::Area(code) => area.code == *code,
        Place::Point { lat, lon } => distance_km(&area.polygons, Point::new(*lon, *lat)) <= 0.0,
    };
    areas.iter().filter(holds).map(|area| area.id).collect()
}

#[cfg(test)]
mod tests {
    use geo::{LineString, MultiPolygon, Polygon};

    use super::*;

    const GOOD: &str = "# what the station saw\nat,area,lat,lon,cobrade,what,source\n\
        2022-02-15T17:30:00-03:00,,-22.53,-43.20,1.1.3.2.1,pico da chuva,CEMADEN\n\
        2022-02-15T10:00:00Z,quitandinha,,,12100,rio na rua,jornal\n";

    fn area(code: &str, west: f64) -> AreaSpec {
        let ring = vec![(west, -22.6), (west + 0.1, -22.6), (west + 0.1, -22.5), (west, -22.5), (west, -22.6)];
        AreaSpec {
            id: AreaId(west.abs() as i64),
            code: code.into(),
            name: code.into(),
            polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])]),
            hazards: Vec::new(),
        }
    }

    #[test]
    fn events_are_read_in_order_of_time_and_find_their_areas() {
        let events = parse(GOOD).unwrap();
        assert_eq!(events.iter().map(|event| event.what.as_str()).collect::<Vec<_>>(), ["rio na rua", "pico da chuva"]);
        assert_eq!(events[1].at.to_rfc3339(), "2022-02-15T20:30:00+00:00");
        let areas = [area("quitandinha", -44.0), area("alto", -43.25)];
        assert_eq!(areas_of(&events[0], &areas), [AreaId(44)]);
        assert_eq!(areas_of(&events[1], &areas), [AreaId(43)]);
        assert_eq!(areas_of(&events[1], &areas[..1]), []);
    }

    #[test]
    fn errors_name_the_line_the_column_and_what_was_expected() {
        let told = |from: &str, to: &str| parse(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(told("17:30:00-03:00", "17:30:00").starts_with("line 3, at: \"2022-02-15T17:30:00\" is no instant"));
        assert!(told("quitandinha", "").starts_with("line 4, area: give the code"));
        assert!(told("1.1.3.2.1", "1.9").contains("line 3, cobrade: \"1.9\" is no COBRADE code"));
        assert!(told("-22.53", "-122.53").contains("line 3, lat: \"-122.53\""));
        assert!(told("CEMADEN", "").contains("line 3, source"));
        assert!(told(",what", ",que").contains("\"que\" is no column"));
        assert!(told("quitandinha,,", "quitandinha,1,2").contains("not both"));
    }
}
