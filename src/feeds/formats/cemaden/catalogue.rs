//! The list of stations with their coordinates, a separate file of JSONP: `estacoes([{"estacao":[{…},…]}])`.

use serde_json::Value;

use super::NUMBERS;
use crate::feeds::formats::read;
use crate::feeds::formats::{Catalogue, CatalogueStation, Problem};

/// Reads the stations, wherever in the document an array of them stands under "estacao".
///
/// # Errors
/// When the body is no JSON, or has no stations.
pub fn parse(body: &[u8]) -> Result<Catalogue, Problem> {
    let document = read::json(body)?;
    let groups = match &document {
        Value::Array(groups) => groups.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut catalogue = Catalogue::default();
    let mut found = false;
    for (index, group) in groups.iter().enumerate() {
        if let Some(stations) = group.get("estacao").and_then(Value::as_array) {
            found = true;
            read_group(&mut catalogue, &format!("[{index}].estacao"), stations);
        }
    }
    if found { Ok(catalogue) } else { Err(Problem::new("document", &document.to_string(), "has no \"estacao\"")) }
}

fn read_group(catalogue: &mut Catalogue, path: &str, stations: &[Value]) {
    for (index, item) in stations.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match station(&path, item) {
            Ok(station) => catalogue.add(&path, station),
            Err(problem) => catalogue.problems.push(problem),
        }
    }
}

fn station(path: &str, item: &Value) -> Result<CatalogueStation, Problem> {
    let record = read::object(path, item)?;
    Ok(CatalogueStation {
        code: read::code_of(path, record, "idestacao")?,
        name: read::text_of(path, record, "nomeestacao")?.to_owned(),
        lat: read::number_of(path, record, "latitude", NUMBERS)?,
        lon: read::number_of(path, record, "longitude", NUMBERS)?,
        ibge: record.get("codibge").and_then(read::code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = include_str!("../../../../tests/data/feeds/cemaden_getJson2_and_catalog_testbody.txt");

    fn stations() -> &'static str {
        BOTH.split_once("\n\n").unwrap().0
    }

    #[test]
    fn the_station_list_is_jsonp() {
        let catalogue = parse(stations().as_bytes()).unwrap();
        assert_eq!((catalogue.stations.len(), catalogue.problems.len()), (3, 0));
        let expected = CatalogueStation {
            code: "6960".into(),
            name: "Nova Brasília".into(),
            lat: -26.3309,
            lon: -48.875,
            ibge: Some("4209102".into()),
        };
        assert_eq!(catalogue.stations[1], expected);
    }

    #[test]
    fn a_station_without_a_coordinate_is_named() {
        let text = stations().replace("-26.301", "null").replace("-26.9,\"longitude\":-48.66", "0,\"longitude\":0");
        let catalogue = parse(text.as_bytes()).unwrap();
        let fields: Vec<_> = catalogue.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["[0].estacao[0].latitude", "[0].estacao[2]"]);
        assert_eq!(catalogue.stations.len(), 1);
    }

    #[test]
    fn what_has_no_stations_is_an_error() {
        assert!(parse(b"estacoes([])").is_err());
        assert!(parse(b"estacoes({\"estacao\":7})").is_err());
    }
}
