//! Files of addresses into a register, row by row: IBGE's CNEFE of 2022, or a plain table. A row that is of no use is told with its
//! line and left out.

use std::collections::HashMap;
use std::io::Read;

use csv::ByteRecord;

use super::key;
use super::register::{DOOR_M, Register, Row};
use crate::catalogue::{ImportError, Problems};
use crate::reports::place;
use crate::units::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Whose addresses they are, which tells how the file is written too.
    Source, "source of addresses" {
        /// IBGE's register of the census of 2022, of one municipality.
        Cnefe = "cnefe",
        /// The town's own table.
        Own = "own",
        /// Invented for the demonstration.
        Fictional = "fictional",
    }
}

/// Rows of one file, far more than any municipality has.
const MOST_ROWS: u64 = 8_000_000;
/// Lines and bytes of one row.
const MOST_LINES: u64 = 4;
const MOST_BYTES: usize = 20_000;
const MOST_NUMBER: u32 = 999_999;
/// Letters of a street's name and of a neighbourhood's.
const MOST_NAME: usize = 150;
/// How exactly the census knows a point, by its level (NV_GEO_COORD): the address itself, moved within the building, estimated,
/// the face of the block, the locality, the sector.
const LEVELS_M: [i32; 6] = [DOOR_M, 20, 40, 60, 800, 500];

/// What a row must hold to be of this town.
#[derive(Clone, Debug, Default)]
pub struct Town {
    /// Seven digits; empty where nobody said.
    pub ibge_code: String,
    /// West, south, east and north of its surroundings; none where nobody knows them.
    pub around: Option<[f64; 4]>,
}

/// What came of a file.
#[derive(Debug)]
pub struct Contents {
    pub register: Register,
    /// Rows that were left out.
    pub problems: Problems,
}

/// Reads a file to its end.
///
/// # Errors
/// No header, or columns that are missing.
pub fn read(source: Source, from: impl Read, town: &Town) -> Result<Contents, Problems> {
    let mut first = Peek::new(from);
    let delimiter = first.delimiter().map_err(|error| whole(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        // The census quotes nothing: a quotation mark in a name is a letter, and would swallow the rows behind it.
        .quoting(source != Source::Cnefe)
        .from_reader(first);
    let header = reader.byte_headers().map_err(|error| whole(error.to_string()))?;
    let columns = Columns::of(source, header)?;
    let (mut register, mut problems) = (Register::default(), Problems::default());
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let lines = reader.position().line() - record.position().map_or(0, csv::Position::line);
                if lines > MOST_LINES || record.as_slice().len() > MOST_BYTES {
                    let line = record.position().map_or(0, csv::Position::line);
                    return Err(whole(format!(
                        "line {line}: a row over more than {MOST_LINES} lines or {MOST_BYTES} bytes: a quotation mark is missing"
                    )));
                }
                let cells = Cells { columns: &columns, record: &record, comma: delimiter == b';' };
                match cells.row(source, town) {
                    Ok(row) => register.add(row),
                    Err(wrong) => {
                        let line = record.position().map_or(0, csv::Position::line) as usize;
                        problems.push(ImportError::new(line, None, wrong.field, &wrong.value, wrong.message));
                    }
                }
            }
            Err(error) => return Err(whole(error.to_string())),
        }
        if register.rows() > MOST_ROWS {
            return Err(whole(format!("has more than {MOST_ROWS} rows")));
        }
    }
    Ok(Contents { register, problems })
}

fn whole(message: String) -> Problems {
    Problems::one(ImportError::new(1, None, "file", "", message))
}

/// Where each column is.
struct Columns(HashMap<&'static str, usize>);

/// Columns that a source must have, and those it may.
const fn names(source: Source) -> (&'static [&'static str], &'static [&'static str]) {
    match source {
        Source::Cnefe => (
            &["NOM_SEGLOGR", "NUM_ENDERECO", "LATITUDE", "LONGITUDE"],
            &[
                "COD_MUNICIPIO",
                "NOM_TIPO_SEGLOGR",
                "NOM_TITULO_SEGLOGR",
                "DSC_MODIFICADOR",
                "DSC_LOCALIDADE",
                "CEP",
                "NV_GEO_COORD",
            ],
        ),
        Source::Own | Source::Fictional => {
            (&["street", "lat", "lon"], &["number", "neighbourhood", "cep", "accuracy_m"])
        }
    }
}

impl Columns {
    fn of(source: Source, header: &ByteRecord) -> Result<Self, Problems> {
        let (needed, others) = names(source);
        let mut found = HashMap::new();
        for (at, cell) in header.iter().enumerate() {
            let cell = text(cell);
            let cell = cell.trim_start_matches('\u{feff}').trim();
            let name = needed.iter().chain(others).find(|name| name.eq_ignore_ascii_case(cell));
            if let Some(name) = name {
                found.entry(*name).or_insert(at);
            }
        }
        let mut problems = Problems::default();
        for name in needed.iter().filter(|name| !found.contains_key(**name)) {
            problems.push(ImportError::new(1, None, "header", name, "the column is missing"));
        }
        problems.or(Self(found))
    }
}

struct Wrong {
    field: &'static str,
    value: String,
    message: String,
}

fn wrong(field: &'static str, value: &str, message: impl Into<String>) -> Wrong {
    Wrong { field, value: value.to_owned(), message: message.into() }
}

struct Cells<'a> {
    columns: &'a Columns,
    record: &'a ByteRecord,
    /// Numbers may be written "-21,76".
    comma: bool,
}

impl Cells<'_> {
    fn get(&self, name: &str) -> String {
        let cell = self.columns.0.get(name).and_then(|at| self.record.get(*at));
        cell.map(text).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn row(&self, source: Source, town: &Town) -> Result<Row, Wrong> {
        match source {
            Source::Cnefe => self.cnefe(town),
            Source::Own | Source::Fictional => self.own(town),
        }
    }

    fn cnefe(&self, town: &Town) -> Result<Row, Wrong> {
        let code = self.get("COD_MUNICIPIO");
        if !code.is_empty() && !town.ibge_code.is_empty() && code != town.ibge_code {
            return Err(wrong(
                "COD_MUNICIPIO",
                &code,
                format!("is not {}, the municipality of the configuration", town.ibge_code),
            ));
        }
        let street = ["NOM_TIPO_SEGLOGR", "NOM_TITULO_SEGLOGR", "NOM_SEGLOGR"].map(|name| self.get(name));
        let street = street.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        let level = self.get("NV_GEO_COORD");
        let accuracy_m = match level.parse::<usize>() {
            Ok(at) => at.checked_sub(1).and_then(|at| LEVELS_M.get(at)).copied(),
            Err(_) if level.is_empty() => Some(DOOR_M),
            Err(_) => None,
        };
        let accuracy_m = accuracy_m.ok_or_else(|| wrong("NV_GEO_COORD", &level, "expected 1 to 6"))?;
        let (lon, lat) = self.point(("LONGITUDE", "LATITUDE"), town)?;
        Ok(Row {
            street: name("NOM_SEGLOGR", &street)?,
            neighbourhood: neighbourhood("DSC_LOCALIDADE", &self.get("DSC_LOCALIDADE"))?,
            number: number("NUM_ENDERECO", &self.get("NUM_ENDERECO"))?.0,
            suffix: suffix(&self.get("DSC_MODIFICADOR")),
            cep: cep("CEP", &self.get("CEP"))?,
            lon,
            lat,
            accuracy_m,
        })
    }

    fn own(&self, town: &Town) -> Result<Row, Wrong> {
        let (lon, lat) = self.point(("lon", "lat"), town)?;
        let (number, suffix) = number("number", &self.get("number"))?;
        let accuracy = self.get("accuracy_m");
        let accuracy_m = match accuracy.parse::<i32>() {
            Ok(metres @ 1..=20_000) => metres.max(DOOR_M),
            Err(_) if accuracy.is_empty() => DOOR_M,
            _ => return Err(wrong("accuracy_m", &accuracy, "expected metres, 1 to 20000")),
        };
        Ok(Row {
            street: name("street", &self.get("street"))?,
            neighbourhood: neighbourhood("neighbourhood", &self.get("neighbourhood"))?,
            number,
            suffix,
            cep: cep("cep", &self.get("cep"))?,
            lon,
            lat,
            accuracy_m,
        })
    }

    fn point(&self, (lon, lat): (&'static str, &'static str), town: &Town) -> Result<(f64, f64), Wrong> {
        let degrees = |name: &'static str| {
            let given = self.get(name);
            let plain = if self.comma { given.replace(',', ".") } else { given.clone() };
            let read = plain.parse::<f64>().ok().filter(|number| number.is_finite());
            read.ok_or_else(|| wrong(name, &given, "expected degrees such as -21.7612"))
        };
        let (x, y) = (degrees(lon)?, degrees(lat)?);
        let given = format!("{y}, {x}");
        if !place::is_possible(x, y) {
            return Err(wrong(lat, &given, "lies outside of Brazil"));
        }
        if let Some([west, south, east, north]) = town.around
            && !((west..=east).contains(&x) && (south..=north).contains(&y))
        {
            return Err(wrong(lat, &given, "lies far from the municipality"));
        }
        Ok((x, y))
    }
}

/// UTF-8, or else Latin-1.
fn text(cell: &[u8]) -> String {
    match std::str::from_utf8(cell) {
        Ok(text) => text.to_owned(),
        Err(_) => cell.iter().copied().map(char::from).collect(),
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn name(field: &'static str, given: &str) -> Result<String, Wrong> {
    let shown = key::shown(&printable(given));
    let (_, words) = key::split(&shown);
    if words.is_empty() {
        return Err(wrong(field, given, "expected the name of a street"));
    }
    if shown.chars().count() > MOST_NAME {
        return Err(wrong(field, given, format!("expected at most {MOST_NAME} letters")));
    }
    Ok(shown)
}

fn neighbourhood(field: &'static str, given: &str) -> Result<String, Wrong> {
    let shown = key::shown(&printable(given));
    if shown.chars().count() > MOST_NAME {
        return Err(wrong(field, given, format!("expected at most {MOST_NAME} letters")));
    }
    Ok(shown)
}

/// "20", "20A", "20-A"; nothing, "0" and "SN" are none.
fn number(field: &'static str, given: &str) -> Result<(u32, String), Wrong> {
    let digits = given.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = given.split_at(digits);
    if number.is_empty() {
        let is_none = matches!(given.to_ascii_uppercase().as_str(), "" | "SN" | "S/N" | "S/Nº");
        return if is_none { Ok((0, String::new())) } else { Err(wrong(field, given, "expected a number, 0 or SN")) };
    }
    match number.parse::<u32>() {
        Ok(number) if number <= MOST_NUMBER => Ok((number, suffix(rest))),
        _ => Err(wrong(field, given, format!("expected at most {MOST_NUMBER}"))),
    }
}

/// One letter beside a number; whatever else stands there tells no houses apart. "SN" says that there is none.
fn suffix(given: &str) -> String {
    let letters: Vec<char> = given.chars().filter(char::is_ascii_alphabetic).collect();
    if let [letter] = letters.as_slice() { letter.to_ascii_lowercase().to_string() } else { String::new() }
}

/// Eight digits; nothing and zeros are none.
fn cep(field: &'static str, given: &str) -> Result<u32, Wrong> {
    let digits: String = given.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        0 => Ok(0),
        // A table that took it for a number has lost its zero.
        7 | 8 => Ok(digits.parse().unwrap_or(0)),
        _ => Err(wrong(field, given, "expected eight digits")),
    }
}

/// The first bytes of a file, looked at before they are read.
struct Peek<R> {
    first: std::io::Cursor<Vec<u8>>,
    rest: R,
}

impl<R: Read> Peek<R> {
    fn new(rest: R) -> Self {
        Self { first: std::io::Cursor::new(Vec::new()), rest }
    }

    /// `;` where the header has more of it than of `,`.
    fn delimiter(&mut self) -> std::io::Result<u8> {
        let mut bytes = Vec::new();
        self.rest.by_ref().take(4096).read_to_end(&mut bytes)?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |sign: u8| line.iter().filter(|byte| **byte == sign).count();
        let delimiter = if count(b';') > count(b',') { b';' } else { b',' };
        self.first = std::io::Cursor::new(bytes);
        Ok(delimiter)
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        match self.first.read(to)? {
            0 => self.rest.read(to),
            read => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CNEFE: &str = "COD_UNICO_ENDERECO;COD_UF;COD_MUNICIPIO;CEP;DSC_LOCALIDADE;NOM_TIPO_SEGLOGR;NOM_TITULO_SEGLOGR;NOM_SEGLOGR;NUM_ENDERECO;DSC_MODIFICADOR;LATITUDE;LONGITUDE;NV_GEO_COORD\n";

    fn town() -> Town {
        Town { ibge_code: "3136702".into(), around: Some([-43.9, -22.3, -42.8, -21.2]) }
    }

    fn lines(problems: &Problems) -> Vec<(usize, &str)> {
        problems.kept().iter().map(|problem| (problem.line, problem.field.as_str())).collect()
    }

    #[test]
    fn the_census_is_read_with_its_levels_and_what_is_of_no_use_is_told_by_line() {
        let file = format!(
            "{CNEFE}1;31;3136702;36060000;LINHARES;RUA;;DAS FLORES;20;;-21.75;-43.3;1\n\
             2;31;3136702;36060000;LINHARES;RUA;;DAS FLORES;0;SN;-21.7501;-43.3;5\n\
             3;31;3304557;20000000;CENTRO;RUA;;A;1;;-22.9;-43.2;1\n\
             4;31;3136702;36010000;CENTRO;AVENIDA;BARAO DO;RIO BRANCO;2100;A;-21.76;-43.35;4\n\
             5;31;3136702;36010000;CENTRO;RUA;;LONGE;1;;-20.0;-43.35;1\n\
             6;31;3136702;36010000;CENTRO;RUA;;B;1;;x;-43.35;1\n\
             7;31;3136702;36010000;CENTRO;RUA;;B;1;;-21.75;-43.35;9\n"
        );
        let Contents { register, problems } = read(Source::Cnefe, file.as_bytes(), &town()).unwrap();
        assert_eq!(lines(&problems), [(4, "COD_MUNICIPIO"), (6, "LATITUDE"), (7, "LATITUDE"), (8, "NV_GEO_COORD")]);
        let (streets, _) = register.finish();
        let names: Vec<&str> = streets.iter().map(|street| street.name.as_str()).collect();
        assert_eq!(names, ["Rua das Flores", "Avenida Barao do Rio Branco"]);
        let house = streets[1].houses[&(2100, "a".to_owned())];
        assert_eq!((house.accuracy_m, house.cep), (60, 36_010_000));
        assert_eq!(streets[0].houses.len(), 1, "without a number it is no house");
    }

    #[test]
    fn a_plain_table_is_read_with_either_sign_and_in_either_encoding() {
        let plain = "street,number,neighbourhood,cep,lat,lon\n\"Rua São José\",20-A,Centro,36010-000,-21.76,-43.35\n";
        let with_semicolons =
            b"street;number;neighbourhood;cep;lat;lon\nRua S\xe3o Jos\xe9;20A;Centro;36010000;-21,76;-43,35\n";
        for file in [plain.as_bytes(), with_semicolons.as_slice()] {
            let Contents { register, problems } = read(Source::Own, file, &Town::default()).unwrap();
            assert!(problems.is_empty(), "{problems}");
            let (streets, postcodes) = register.finish();
            assert_eq!((streets[0].name.as_str(), postcodes[0].cep), ("Rua São José", 36_010_000));
            assert!(streets[0].houses.contains_key(&(20, "a".to_owned())));
        }
    }

    #[test]
    fn a_quotation_mark_swallows_no_rows() {
        let cnefe = "COD_MUNICIPIO;NOM_TIPO_SEGLOGR;NOM_SEGLOGR;NUM_ENDERECO;LATITUDE;LONGITUDE\n\
            3136702;RUA;\"FLORES;5;-21.75;-43.3\n3136702;RUA;CAMPO;6;-21.75;-43.3\n";
        let contents = read(Source::Cnefe, cnefe.as_bytes(), &Town::default()).unwrap();
        assert_eq!(contents.register.rows(), 2);
        let own = format!("street,number,lat,lon\n\"Rua A,1,-21.75,-43.3\n{}", "Rua B,1,-21.75,-43.3\n".repeat(9));
        assert!(read(Source::Own, own.as_bytes(), &Town::default()).is_err());
    }

    #[test]
    fn a_file_without_its_columns_is_refused_whole() {
        let refused = read(Source::Cnefe, "street,lat,lon\nRua A,1,2\n".as_bytes(), &town()).unwrap_err();
        assert_eq!(refused.total(), 4);
        assert!(read(Source::Own, "".as_bytes(), &town()).is_err());
    }
}
