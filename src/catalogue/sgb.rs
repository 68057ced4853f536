//! The layout of risk sectors as the Serviço Geológico do Brasil (SGB, formerly CPRM) publishes them, made into the fields of ours. Pure.
//!
//! Its attributes are `num_setor` (or `setor`), `local`, `munic`, `uf`, `cd_geocmu`, `data_setor` in milliseconds since 1970,
//! `tipolo_g1..5`, `cobrade_01..05`, `grau_risco` ("Alto", "Muito alto"), `num_edif`, `num_domi`, `num_pess`, `sug_interv`; sectors taken
//! from its reports are written with `setor`, `local`, `data_levantamento`, `tipologia`, `grau_risco`, `fonte`. Municipal maps grade
//! R1 to R4: the grade comes from the word (Ministério das Cidades/IPT 2007 names R1 baixo, R2 médio, R3 alto, R4 muito alto), and the word
//! is kept beside it.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::record::Record;
use crate::cobrade::Cobrade;
use crate::units::Grade;

/// Attributes that are kept as they are, whatever they are called in the one or the other edition.
const KEPT: [&str; 16] = [
    "grau_risco",
    "munic",
    "uf",
    "cd_geocmu",
    "tipologia",
    "tipolo_g1",
    "tipolo_g2",
    "tipolo_g3",
    "tipolo_g4",
    "tipolo_g5",
    "num_edif",
    "num_domi",
    "num_pess",
    "sug_interv",
    "fonte",
    "referencia_regua",
];
/// Letters of one attribute that are kept.
const MAX_TEXT: usize = 2_000;
const SOURCE: &str = "SGB/CPRM";

/// True for a record of this layout.
pub fn is_sector(record: &Record) -> bool {
    let has = |name: &str| record.fields.contains_key(name);
    has("grau_risco") && (has("num_setor") || has("setor")) && !has("code")
}

/// The record in our own fields. What has no counterpart is missing then, and is told by the reader of areas.
pub fn translate(record: &Record) -> Record {
    let text = |name: &str| text(&record.fields, name);
    let mut fields = Map::new();
    if let Some(code) = text("num_setor").or_else(|| text("setor")) {
        fields.insert("code".into(), as_code(&code).into());
        let name = text("local").unwrap_or_else(|| code.clone());
        fields.insert("name".into(), name.chars().take(200).collect::<String>().into());
    }
    fields.insert("source".into(), SOURCE.into());
    let word = text("grau_risco").unwrap_or_default();
    let grade = text("grade").and_then(|grade| grade_of(&grade)).or_else(|| grade_of(&word));
    let grade = grade.map_or_else(|| word.clone(), |grade| grade.to_string());
    let hazards: Vec<Value> =
        hazards(&record.fields).into_iter().map(|cobrade| json!({ "cobrade": cobrade, "grade": grade })).collect();
    fields.insert("hazards".into(), hazards.into());
    fields.insert("details".into(), details(&record.fields).into());
    Record { fields, ..record.clone() }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match fields.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The grade a word stands for.
fn grade_of(word: &str) -> Option<Grade> {
    match plain(word).trim() {
        "r1" | "baixo" | "1" => Some(Grade::R1),
        "r2" | "medio" | "moderado" | "2" => Some(Grade::R2),
        "r3" | "alto" | "3" => Some(Grade::R3),
        "r4" | "muito alto" | "4" => Some(Grade::R4),
        _ => None,
    }
}

/// The codes that are given; of a sector that gives none, those its typology stands for. What stands for no leaf code is handed on as
/// it is, so that the reader names it.
fn hazards(fields: &Map<String, Value>) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for place in 1..=5 {
        let Some(given) = text(fields, &format!("cobrade_0{place}")) else { continue };
        match given.parse::<Cobrade>() {
            Ok(code) => codes.push(code.to_string()),
            Err(_) => unknown.push(given),
        }
    }
    if codes.is_empty() {
        let names = (1..=5).filter_map(|place| text(fields, &format!("tipolo_g{place}")));
        for name in names.chain(text(fields, "tipologia")) {
            match name.split([',', ';', '/']).map(typology).collect::<Option<Vec<_>>>() {
                Some(found) => codes.extend(found.into_iter().map(str::to_owned)),
                None => unknown.push(name),
            }
        }
    }
    // A group (1.1.3.0.0) beside leaf codes says nothing they do not.
    if codes.is_empty() {
        codes = unknown;
    }
    let mut once: Vec<String> = Vec::new();
    codes.into_iter().for_each(|code| {
        if !once.contains(&code) {
            once.push(code);
        }
    });
    once
}

/// The leaf code of a process as SGB words it; none for what COBRADE does not list, such as creep (rastejo).
fn typology(name: &str) -> Option<&'static str> {
    let name = plain(name);
    let is = |part: &str| name.contains(part);
    Some(match () {
        () if is("inunda") => "1.2.1.0.0",
        () if is("enxurrada") => "1.2.2.0.0",
        () if is("alaga") => "1.2.3.0.0",
        () if is("corrida") && (is("detrito") || is("rocha")) => "1.1.3.3.2",
        () if is("corrida") => "1.1.3.3.1",
        () if is("desliza") || is("escorrega") => "1.1.3.2.1",
        () if is("queda") || is("rolamento") || is("tombamento") => "1.1.3.1.1",
        () if is("subsid") || is("colapso") => "1.1.3.4.0",
        () if is("ocoroca") => "1.1.4.3.3",
        () if is("ravina") => "1.1.4.3.2",
        () if is("solapamento") || (is("erosao") && (is("margem") || is("fluvial"))) => "1.1.4.2.0",
        () if is("erosao") && (is("costeira") || is("marinha")) => "1.1.4.1.0",
        () => return None,
    })
}

fn details(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    kept.insert("layout".into(), "sgb".into());
    for name in KEPT {
        match fields.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                kept.insert(name.into(), text.trim().chars().take(MAX_TEXT).collect::<String>().into());
            }
            Some(Value::Number(number)) => {
                kept.insert(name.into(), Value::Number(number.clone()));
            }
            _ => {}
        }
    }
    let surveyed = match fields.get("data_setor") {
        Some(Value::Number(number)) => {
            number.as_i64().and_then(DateTime::from_timestamp_millis).map(|at| at.date_naive().to_string())
        }
        _ => text(fields, "data_setor").or_else(|| text(fields, "data_levantamento")),
    };
    if let Some(surveyed) = surveyed {
        kept.insert("surveyed_on".into(), surveyed.into());
    }
    kept
}

/// Without accents and in small letters, as words are compared.
fn plain(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(without_accent).collect()
}

const fn without_accent(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'ê' | 'è' | 'ë' => 'e',
        'í' | 'î' | 'ì' | 'ï' => 'i',
        'ó' | 'ô' | 'õ' | 'ò' | 'ö' => 'o',
        'ú' | 'û' | 'ù' | 'ü' => 'u',
        'ç' => 'c',
        'Á' | 'À' | 'Â' | 'Ã' => 'A',
        'É' | 'Ê' => 'E',
        'Í' => 'I',
        'Ó' | 'Ô' | 'Õ' => 'O',
        'Ú' => 'U',
        'Ç' => 'C',
        other => other,
    }
}

/// A sector's number as a code: accents fall, and what a code cannot hold becomes `_`.
fn as_code(number: &str) -> String {
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':' | '-');
    number.trim().chars().map(without_accent).map(|letter| if is_good(letter) { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, parse_areas, read};

    const SAMPLE: &str = include_str!("../../tests/data/areas/sgb_setor_shape_only.geojson");

    fn sector(properties: &str) -> String {
        format!(
            r#"{{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::4674"}}}},"features":[
            {{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.8]]]}}}}]}}"#
        )
    }

    #[test]
    fn a_sector_of_a_report_keeps_its_word_and_gets_its_grade() {
        let areas = parse_areas(&read(Format::GeoJson, SAMPLE.as_bytes()).unwrap()).unwrap();
        let area = &areas[0];
        assert_eq!((area.code.as_str(), area.name.as_str()), ("SC_ASCURRA_SR_1_CPRM", "Bairro Centro"));
        let hazards: Vec<(String, String)> = area.hazards.iter().map(|(c, g)| (c.to_string(), g.to_string())).collect();
        assert_eq!(hazards, [("1.2.1.0.0".to_owned(), "R4".to_owned())]);
        assert_eq!(area.details["grau_risco"], "Muito alto");
        assert_eq!(area.details["surveyed_on"], "2015-06-25");
        assert_eq!(area.source, "SGB/CPRM");
    }

    #[test]
    fn a_sector_of_the_portal_brings_its_codes_counts_and_day() {
        let text = sector(
            r#"{"cd_geocmu":"3136702","num_setor":"MG_JUIZ DE FORA_SR_12","munic":"Juiz de Fora","uf":"MG","local":"Rua das Flores",
            "data_setor":1434412800000,"tipolo_g1":"Deslizamento","cobrade_01":"11321","cobrade_02":"1.1.4.2.0","grau_risco":"Alto",
            "num_edif":12,"num_domi":14,"num_pess":48,"sug_interv":"Remoção"}"#,
        );
        let area = parse_areas(&read(Format::GeoJson, text.as_bytes()).unwrap()).unwrap().remove(0);
        assert_eq!(area.code, "MG_JUIZ_DE_FORA_SR_12");
        assert_eq!(area.hazards.values().map(ToString::to_string).collect::<Vec<_>>(), ["R3", "R3"]);
        assert_eq!((&area.details["num_pess"], &area.details["surveyed_on"]), (&json!(48), &json!("2015-06-16")));
    }

    #[test]
    fn what_has_no_code_is_refused_with_its_word_and_a_bad_grade_too() {
        let told = |properties: &str| {
            parse_areas(&read(Format::GeoJson, sector(properties).as_bytes()).unwrap()).unwrap_err().to_string()
        };
        let creep = told(r#"{"num_setor":"A","tipologia":"Rastejo","grau_risco":"Alto"}"#);
        assert!(creep.contains("hazards[0].cobrade = \"Rastejo\""), "{creep}");
        let grade = told(r#"{"num_setor":"A","cobrade_01":"11321","grau_risco":"Altíssimo"}"#);
        assert!(grade.contains("hazards[0].grade = \"Altíssimo\""), "{grade}");
    }

    #[test]
    fn processes_are_read_from_their_names_each_once() {
        let read = |text: &str| hazards(json!({ "tipologia": text }).as_object().unwrap());
        assert_eq!(read("Deslizamento planar; Enxurrada"), ["1.1.3.2.1", "1.2.2.0.0"]);
        assert_eq!(read("Corrida de detritos"), ["1.1.3.3.2"]);
        assert_eq!(read("Erosão de margem fluvial, solapamento"), ["1.1.4.2.0"]);
        assert_eq!(read("Voçoroca"), ["1.1.4.3.3"]);
    }
}
