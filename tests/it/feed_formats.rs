//! Bodies of feeds that broke on the way: cut short at any byte, with a byte turned into another, or given to the parser of
//! another feed. Nothing may panic, and half a document gives no reading at all.

use sentinela::feeds::formats::mapped::{self, Mapping};
use sentinela::feeds::formats::{ana, cemaden, inmet, rio};
use sentinela::feeds::warnings::{inmet as inmet_warnings, listing};

/// Reads a body and says whether it could be read.
type Read = fn(&[u8]) -> bool;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../data/feeds/", $name))
    };
}

const JSON_AND_XML: [(&[u8], Read); 11] = [
    (sample!("alertablu_blumenau_nivel_oficial.json"), |body| {
        by("records='niveis'\nstation_is='B'\nat='horaLeitura'\nvalues=[{from='nivel',quantity='water_level'}]", body)
    }),
    (sample!("rio_publicapi_v1_rain_documented.json"), |body| {
        by("records='data'\nstation='id'\nat='readAt'\nvalues=[{from='data.mm15min',quantity='rain'}]", body)
    }),
    (sample!("ana_hidrowebservice_telemetria_83800002_2023-11-11_part.json"), |body| ana::parse(body).is_ok()),
    (sample!("ana_telemetria_ws_83250000_2024-05-25_first6.xml"), |body| ana::parse_legacy(body).is_ok()),
    (sample!("cemaden_getJson2_record.json"), |body| cemaden::parse(body).is_ok()),
    (sample!("cemaden_horario_6846.json"), |body| cemaden::parse_hourly(body).is_ok()),
    (sample!("inmet_apitempo_chuva_horaria_part.json"), |body| inmet::parse(body).is_ok()),
    (sample!("inmet_apitempo_estacoes_T_part.json"), |body| inmet::parse_catalogue(body).is_ok()),
    (sample!("rio_websempre_json_chuvas_shape.json"), |body| rio::parse(body, None).is_ok()),
    (sample!("inmet_avisos_ativos_part.json"), |body| inmet_warnings::parse(body).is_ok()),
    (sample!("inmet_cap_polygon_trailing_space.xml"), |body| listing::parse(body, "https://exemplo.gov.br").is_ok()),
];

/// Tables and the file that holds two documents: what is left of them after a cut may be read.
const OTHERS: [(&[u8], Read); 5] = [
    (sample!("cemaden_getJson2_and_catalog_testbody.txt"), |body| cemaden::parse(body).is_ok()),
    (sample!("cemaden_getJson2_and_catalog_testbody.txt"), |body| cemaden::parse_catalogue(body).is_ok()),
    (sample!("cemaden_mapainterativo_aracaju_2022-04_head.csv"), |body| cemaden::parse_table(body).is_ok()),
    (sample!("cemaden_mapainterativo_juiz_de_fora_2026-02_head.csv"), |body| cemaden::parse_table(body).is_ok()),
    (sample!("cemaden_petropolis_bingen_spreadsheet.csv"), |body| cemaden::parse_table(body).is_ok()),
];

fn by(mapping: &str, body: &[u8]) -> bool {
    let mapping: Mapping = toml::from_str(mapping).unwrap();
    mapped::parse(body, &mapping).is_ok()
}

fn all() -> impl Iterator<Item = (&'static [u8], Read)> {
    JSON_AND_XML.into_iter().chain(OTHERS)
}

#[test]
fn no_answer_with_a_wrong_byte_or_of_another_feed_makes_a_parser_panic() {
    const WRONG: [u8; 7] = [b'"', b'9', b'-', b'[', b'>', 0, 0xff];
    for (body, read) in all() {
        let mut broken = body.to_vec();
        for (place, byte) in body.iter().enumerate() {
            broken[place] = WRONG[place % 7];
            read(&broken);
            broken[place] = *byte;
        }
        for (_, foreign) in all() {
            foreign(body);
        }
    }
}

#[test]
fn half_an_answer_of_json_or_xml_gives_no_reading_and_half_a_table_does_not_panic() {
    for (body, read) in JSON_AND_XML {
        let whole = body.trim_ascii_end().len();
        assert!(read(&body[..whole]), "{}", String::from_utf8_lossy(body));
        for length in 0..whole {
            assert!(!read(&body[..length]), "{length} bytes of {}", String::from_utf8_lossy(body));
        }
    }
    for (body, read) in OTHERS {
        for length in 0..=body.len() {
            read(&body[..length]);
        }
    }
}
