//! The monthly table of the Mapa Interativo: `municipio;codEstacao;uf;nomeEstacao;latitude;longitude;datahora;valorMedida`
//! with a decimal comma, UTF-8 with byte order mark, either line end. Exports from spreadsheets have commas, quoted
//! numbers, no names over the first columns and a sum at the end; they are read too, by position.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::feeds::formats::read::{self, Column, Numbers, Row};
use crate::feeds::formats::table::{self, Line};
use crate::feeds::formats::{Parsed, Problem, Quantity};

const NUMBERS: Numbers<'_> = Numbers { missing: &[] };
const RAIN: Column<'_> = Column { key: "valorMedida", quantity: Quantity::Rain, unit: "mm", interval_s: Some(600) };

/// Where the columns stand.
#[derive(Clone, Copy)]
struct Places {
    station: usize,
    time: usize,
    value: usize,
}

const USUAL: Places = Places { station: 1, time: 6, value: 7 };

/// Reads the table. The station's code is `codEstacao`. Codes that end in H are hydrological stations: whether their
/// `valorMedida` is rain or a level is not stated, so they become one problem each and no reading.
///
/// # Errors
/// When the first line is no heading of such a table.
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let text = read::text(body);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') { b';' } else { b',' };
    let lines = table::lines(&text, delimiter);
    let places = lines.first().and_then(places).ok_or_else(|| {
        Problem::new("line 1", first, "expected the columns municipio;codEstacao;…;datahora;valorMedida")
    })?;
    let mut parsed = Parsed::default();
    let mut hydrological = BTreeSet::new();
    for line in &lines[1..] {
        let done = read_line(&mut parsed, &mut hydrological, places, line);
        parsed.problems.extend(done.err());
    }
    Ok(parsed.in_order())
}

fn places(heading: &Line) -> Option<Places> {
    let names: Vec<_> = heading.cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
    let place = |name: &str| names.iter().position(|found| found == name);
    let named =
        || Some(Places { station: place("codestacao")?, time: place("datahora")?, value: place("valormedida")? });
    let is_spreadsheet = || names.len() == 8 && names[USUAL.time] == "hora" && names[USUAL.value] == "mm";
    named().or_else(|| is_spreadsheet().then_some(USUAL))
}

fn read_line(
    parsed: &mut Parsed,
    hydrological: &mut BTreeSet<String>,
    places: Places,
    line: &Line,
) -> Result<(), Problem> {
    let path = format!("line {}", line.number);
    let cell = |place: usize| line.cells.get(place).map(|cell| cell.trim());
    let (Some(station), Some(time), Some(value)) = (cell(places.station), cell(places.time), cell(places.value)) else {
        return Err(Problem::new(path, &line.cells.join(";"), "has too few columns"));
    };
    // The sum under a spreadsheet belongs to no station and no time.
    if station.is_empty() && time.is_empty() {
        return Ok(());
    }
    if station.is_empty() {
        return Err(Problem::new(format!("{path}.codEstacao"), "", "is missing"));
    }
    if station.ends_with(['H', 'h']) {
        let is_new = hydrological.insert(station.to_owned());
        let message = "is a hydrological station, whose value is not known to be rain";
        return if is_new { Err(Problem::new(format!("{path}.codEstacao"), station, message)) } else { Ok(()) };
    }
    let at =
        read::local(time, &["%Y-%m-%d %H:%M:%S%.f", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"], 0).ok_or_else(|| {
            Problem::new(format!("{path}.datahora"), time, "expected an instant of UTC as in \"2026-02-01 00:20:00.0\"")
        })?;
    parsed.add(&Row { path: &path, station, at }, &RAIN, &Value::from(value), NUMBERS);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUIZ_DE_FORA: &str =
        include_str!("../../../../tests/data/feeds/cemaden_mapainterativo_juiz_de_fora_2026-02_head.csv");
    const ARACAJU: &[u8] =
        include_bytes!("../../../../tests/data/feeds/cemaden_mapainterativo_aracaju_2022-04_head.csv");
    const BINGEN: &[u8] = include_bytes!("../../../../tests/data/feeds/cemaden_petropolis_bingen_spreadsheet.csv");

    #[test]
    fn the_table_with_byte_order_mark_and_decimal_commas_is_read() {
        let parsed = parse(JUIZ_DE_FORA.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (24, 0, 0));
        let first = &parsed.observed[0];
        assert_eq!((first.station.as_str(), first.value), ("313670207A", 0.0));
        assert_eq!(first.at.to_rfc3339(), "2026-02-01T00:20:00+00:00");
    }

    #[test]
    fn line_ends_of_windows_and_single_decimals_do_no_harm() {
        let parsed = parse(ARACAJU).unwrap();
        assert_eq!((parsed.observed.len(), parsed.problems.len()), (11, 0));
        assert!(parsed.observed.iter().all(|observed| observed.station == "280030801A"));
    }

    #[test]
    fn a_spreadsheet_is_read_without_its_sum() {
        let parsed = parse(BINGEN).unwrap();
        assert_eq!((parsed.observed.len(), parsed.problems.len()), (25, 0));
        let sum: f64 = parsed.observed.iter().map(|observed| observed.value).sum();
        assert!((sum - 141.6).abs() < 1e-9, "the sheet's own sum is 141,60, not {sum}");
        let peak = parsed.observed.iter().max_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
        // 17:30 in Petrópolis, when the hillsides gave way.
        assert_eq!((peak.value, peak.at.to_rfc3339().as_str()), (33.0, "2022-02-15T20:30:00+00:00"));
    }

    #[test]
    fn the_value_of_a_hydrological_station_is_not_taken_for_rain() {
        let parsed = parse(JUIZ_DE_FORA.replace("313670207A", "313670215H").as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.problems.len()), (0, 1));
        assert_eq!(parsed.problems[0].field, "line 2.codEstacao");
    }

    #[test]
    fn a_bad_line_is_named_and_its_neighbours_live() {
        let text = JUIZ_DE_FORA.replacen("0,00", "zero", 1).replacen("02:20:00.0", "2h20", 1).replacen("0,00", "", 1);
        let parsed = parse(format!("{text}JUIZ DE FORA;313670207A;MG\n").as_bytes()).unwrap();
        let fields: Vec<_> = parsed.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["line 2.valorMedida", "line 4.datahora", "line 26"]);
        assert_eq!((parsed.observed.len(), parsed.missing), (21, 1));
    }

    #[test]
    fn another_table_is_an_error() {
        for body in ["", "a;b\n1;2", "<html>"] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().field, "line 1", "{body}");
        }
    }
}
