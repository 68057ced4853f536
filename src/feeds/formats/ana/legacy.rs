//! The older telemetry service (`ServiceANA.asmx/DadosHidrometeorologicos`): a .NET data set in XML, alone or in a SOAP
//! envelope. Rows are called `DadosHidrometereologicos`, a slip of the pen that the service has kept.

use quick_xml::events::{BytesRef, Event};
use quick_xml::reader::Reader;
use serde_json::Value;

use super::{NUMBERS, columns, instant, wrong_time};
use crate::feeds::formats::read::{self, Column, Row};
use crate::feeds::formats::{Parsed, Problem, join};

const COLUMNS: [Column<'_>; 3] = columns(["Chuva", "Nivel", "Vazao"]);
const ROWS: [&str; 2] = ["DadosHidrometereologicos", "DadosHidrometeorologicos"];
const FIELDS: [&str; 5] = ["CodEstacao", "DataHora", "Chuva", "Nivel", "Vazao"];
/// The words with which the service says that it has no data, in small letters.
const NO_DATA: [&str; 4] = ["sem dados", "não há dados", "nao ha dados", "nenhum dado"];

/// Reads the rows, which come newest first, and gives them oldest first. Empty elements and elements left out are
/// missing. An `<Error>` that says "no data" counts as one missing value; any other is a problem.
///
/// # Errors
/// When the body is no well-formed XML, has a document type, or holds no data set.
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let text = read::text(body);
    let mut rows = Rows::default();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let at = reader.buffer_position();
        let wrong = |message: String| Problem::new(format!("byte {at}"), excerpt(&text, at), message);
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(tag) => rows.open(tag.local_name().into_inner()),
            Event::End(tag) => rows.close(tag.local_name().into_inner()),
            Event::Text(piece) => rows.append(&piece.xml10_content()),
            Event::CData(piece) => rows.append(&piece.xml10_content()),
            Event::GeneralRef(name) => rows.append(&resolve(&name).map_err(wrong)?),
            Event::DocType(_) => return Err(wrong("a document type is not allowed".into())),
            Event::Eof if rows.depth > 0 => return Err(wrong("the document ends inside an element".into())),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !rows.is_data_set {
        return Err(Problem::new("document", &text, "has no data set (<diffgram>)"));
    }
    Ok(rows.parsed.in_order())
}

/// What stands at a byte, for people to find it.
fn excerpt(text: &str, at: u64) -> &str {
    usize::try_from(at).ok().and_then(|at| text.get(at..)).unwrap_or_default()
}

/// Character references and the five entities of XML; nothing else is known.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).map(str::to_owned).ok_or_else(|| format!("unknown entity &{name};"))
}

/// The state of the reading: where it stands in the document, and what the open row has shown so far.
#[derive(Default)]
struct Rows {
    parsed: Parsed,
    is_data_set: bool,
    depth: usize,
    /// Number of rows begun.
    count: usize,
    in_row: bool,
    text: String,
    /// In the order of [`FIELDS`].
    cells: [Option<String>; 5],
}

impl Rows {
    fn open(&mut self, name: &str) {
        self.depth += 1;
        self.text.clear();
        self.is_data_set |= name == "diffgram";
        if ROWS.contains(&name) {
            self.count += 1;
            self.in_row = true;
            self.cells = Default::default();
        }
    }

    fn append(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        let text = std::mem::take(&mut self.text);
        if name == "Error" {
            self.said(text.trim());
            // The row of an error is no measurement.
            self.in_row = false;
        } else if self.in_row && ROWS.contains(&name) {
            self.in_row = false;
            let problem = self.measurement().err();
            self.parsed.problems.extend(problem);
        } else if let Some(place) = FIELDS.iter().position(|field| *field == name).filter(|_| self.in_row) {
            self.cells[place] = Some(text);
        }
    }

    fn said(&mut self, text: &str) {
        self.is_data_set = true;
        let small = text.to_lowercase();
        if NO_DATA.iter().any(|words| small.contains(words)) {
            self.parsed.missing += 1;
        } else {
            self.parsed.refuse("Error", text, "the service says that it failed");
        }
    }

    fn measurement(&mut self) -> Result<(), Problem> {
        let path = format!("{}[{}]", ROWS[0], self.count.saturating_sub(1));
        let [station, time, rain, level, flow] = std::mem::take(&mut self.cells);
        let needed = |cell: Option<String>, key: &str| {
            let text = cell.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            text.ok_or_else(|| Problem::new(join(&path, key), "", "is missing"))
        };
        let station = needed(station, "CodEstacao")?;
        let time = needed(time, "DataHora")?;
        let at = instant(&time).ok_or_else(|| wrong_time(join(&path, "DataHora"), &time))?;
        for (column, cell) in COLUMNS.iter().zip([rain, level, flow]) {
            let value = cell.map_or(Value::Null, Value::from);
            self.parsed.add(&Row { path: &path, station: &station, at }, column, &value, NUMBERS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::formats::Quantity;

    const SAMPLE: &str = include_str!("../../../../tests/data/feeds/ana_telemetria_ws_83250000_2024-05-25_first6.xml");

    fn data_set(rows: &str) -> String {
        format!(
            "<DataTable><diffgr:diffgram xmlns:diffgr=\"d\"><DocumentElement>{rows}</DocumentElement></diffgr:diffgram></DataTable>"
        )
    }

    #[test]
    fn rows_come_newest_first_and_are_given_oldest_first() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (18, 0, 0));
        let ends = [&parsed.observed[0], &parsed.observed[17]].map(|o| o.at.to_rfc3339());
        assert_eq!(ends, ["2024-05-26T01:30:00+00:00", "2024-05-26T02:45:00+00:00"]);
    }

    #[test]
    fn a_trailing_space_in_the_time_does_no_harm() {
        assert!(SAMPLE.contains("2024-05-25 23:45:00 </DataHora>"));
        assert!(parse(SAMPLE.as_bytes()).unwrap().problems.is_empty());
    }

    #[test]
    fn the_level_is_centimetres_above_the_zero_of_the_gauge() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        let last: Vec<_> = parsed.observed[15..].iter().map(|o| (o.quantity, o.value, o.unit, o.interval_s)).collect();
        assert_eq!(
            last,
            [
                (Quantity::Rain, 0.0, "mm", Some(900)),
                (Quantity::WaterLevel, 160.0, "cm", None),
                (Quantity::Flow, 118.51, "m3/s", None),
            ]
        );
        assert_eq!(parsed.observed[0].station, "83250000");
    }

    #[test]
    fn the_row_of_an_error_is_no_data_and_no_problem() {
        for rows in [
            "<ErrorTable><Error>Sem dados para esta estação neste período.</Error></ErrorTable>",
            "<DadosHidrometereologicos><Error>Sem dados para esta estação</Error></DadosHidrometereologicos>",
        ] {
            let parsed = parse(data_set(rows).as_bytes()).unwrap();
            assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (0, 1, 0), "{rows}");
        }
    }

    #[test]
    fn an_error_of_another_kind_is_a_problem() {
        let parsed = parse(data_set("<E><Error>Data inv&#225;lida</Error></E>").as_bytes()).unwrap();
        assert_eq!((parsed.missing, parsed.problems[0].value.as_str()), (0, "Data inválida"));
    }

    #[test]
    fn sentinels_and_empty_elements_are_missing() {
        let text = SAMPLE
            .replacen("<Vazao>118.51</Vazao>", "<Vazao>9999</Vazao>", 1)
            .replacen("<Nivel>160.00</Nivel>", "<Nivel>8888.00</Nivel>", 1)
            .replacen("<Chuva>0.00</Chuva>", "<Chuva/>", 1);
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (15, 3, 0));
    }

    #[test]
    fn a_bad_row_is_named_and_its_neighbours_live() {
        let text = SAMPLE
            .replacen("2024-05-25 23:30:00 ", "25/05", 1)
            .replacen("<CodEstacao>83250000</CodEstacao>", "", 1)
            .replacen("161.00", "high", 1);
        let parsed = parse(text.as_bytes()).unwrap();
        let fields: Vec<_> = parsed.problems.iter().map(|p| p.field.as_str()).collect();
        let rows = "DadosHidrometereologicos";
        assert_eq!(
            fields,
            [format!("{rows}[0].CodEstacao"), format!("{rows}[1].DataHora"), format!("{rows}[4].Nivel")]
        );
        assert_eq!(parsed.observed.len(), 11);
    }

    #[test]
    fn a_soap_envelope_and_a_byte_order_mark_do_no_harm() {
        let inner = SAMPLE.split_once("?>").unwrap().1;
        let text = format!("\u{feff}<s:Envelope xmlns:s=\"s\"><s:Body>{inner}</s:Body></s:Envelope>");
        assert_eq!(parse(text.as_bytes()).unwrap().observed.len(), 18);
    }

    #[test]
    fn an_empty_data_set_has_nothing() {
        assert_eq!(parse(data_set("").as_bytes()).unwrap(), Parsed::default());
    }

    #[test]
    fn what_is_no_data_set_is_an_error_that_says_where() {
        assert_eq!(parse(b"<html><body/></html>").unwrap_err().field, "document");
        assert_eq!(parse(b"").unwrap_err().field, "document");
        let half = &SAMPLE[..SAMPLE.len() - 30];
        assert!(parse(half.as_bytes()).unwrap_err().field.starts_with("byte "));
        assert!(parse(data_set("<a></b>").as_bytes()).unwrap_err().field.starts_with("byte "));
    }

    #[test]
    fn no_entity_makes_the_reader_open_a_file() {
        let text = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
        assert!(parse(text.as_bytes()).unwrap_err().message.contains("document type"));
        assert!(parse(data_set("&b;").as_bytes()).unwrap_err().message.contains("&b;"));
    }
}
