//! Real messages of many authorities (tests/data/cap/SOURCES.md) through the reader and the writer, and the schema as judge.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::model::{CapAlert, MsgType};
use super::xml::{CapError, MAX_BYTES, decode, parse, parse_all, write};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap")
}

/// Name and text of every sample.
fn samples() -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext != "md" && ext != "xsd"));
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), decode(&std::fs::read(path).unwrap()).unwrap())).collect()
}

fn sample(name: &str) -> String {
    decode(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// What xmllint says against the schema: `Ok` when valid, `None` when the machine has no xmllint.
pub(super) fn judge(xml: &str) -> Option<Result<(), String>> {
    let mut lint = Command::new("xmllint");
    lint.args(["--nonet", "--noout", "--schema"]).arg(folder().join("CAP-v1.2.xsd")).arg("-");
    let spawned = lint.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else {
        eprintln!("xmllint (libxml2-utils) is missing: the schema was not asked");
        return None;
    };
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) })
}

/// Samples that are not CAP 1.2 at all, or lack what gives meaning.
const UNREADABLE: &[&str] = &["invalid.cap", "invalid_xmlns.cap", "weather.cap"];

fn readable() -> Vec<(String, Vec<CapAlert>)> {
    let good = samples().into_iter().filter(|(name, _)| !UNREADABLE.contains(&name.as_str()));
    good.map(|(name, text)| {
        let alerts = parse_all(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, alerts)
    })
    .collect()
}

#[test]
fn every_sample_survives_the_round_trip() {
    let all = readable();
    assert!(all.len() >= 15);
    for (name, alerts) in all {
        for alert in alerts {
            let written = write(&alert);
            assert_eq!(parse(&written).unwrap(), alert, "{name}");
            assert_eq!(write(&parse(&written).unwrap()), written, "{name}: the same bytes again");
        }
    }
}

#[test]
fn what_is_written_is_valid_against_the_schema() {
    for (name, alerts) in readable() {
        for alert in alerts {
            if let Some(Err(message)) = judge(&write(&alert)) {
                panic!("{name}: {message}");
            }
        }
    }
}

#[test]
fn unreadable_samples_get_an_error_that_says_where() {
    let error = |name: &str| parse(&sample(name)).unwrap_err().to_string();
    assert_eq!(error("invalid.cap"), "alert: <scope> is missing");
    assert!(
        error("invalid_xmlns.cap").contains("the document is <alert> of \"urn:oasis:names:tc:emergency:alerts:1.2\"")
    );
    assert!(error("weather.cap").contains("no <alert> of CAP 1.2"));
    // Against the schema for the order of value and valueName only: their meaning is plain, so it is read.
    assert_eq!(parse(&sample("thunderstorm.xml")).unwrap().infos[0].event_codes[0].value, "SVR");
}

#[test]
fn a_brazilian_warning_is_read_whole() {
    let alert = parse(&sample("polygon-trailing-space.xml")).unwrap();
    let info = &alert.infos[0];
    assert_eq!(alert.sender, "info.aviso@inmet.gov.br");
    assert_eq!(alert.sent.as_str(), "2022-08-12T13:22:45-03:00");
    assert_eq!(info.parameters.iter().map(|p| p.name.as_str()).next_back(), Some("Estados"));
    assert_eq!(info.areas[0].polygons[0].len(), 10);
    assert!((info.areas[0].polygons[0][0].lat - -5.233_187).abs() < 1e-9);
}

#[test]
fn an_update_keeps_the_very_characters_of_its_references() {
    let alert = parse(&sample("mexico.xml")).unwrap();
    assert_eq!(alert.msg_type, MsgType::Update);
    assert!(!alert.references.is_empty());
    let text = sample("mexico.xml");
    assert!(alert.references.iter().all(|r| text.contains(&format!("{},{},{}", r.sender, r.identifier, r.sent))));
}

#[test]
fn an_envelope_and_an_older_encoding_are_opened() {
    assert_eq!(parse_all(&sample("rfs.xml")).unwrap().len(), 1);
    assert!(matches!(parse(&sample("rfs.xml")), Err(CapError::NotCap { .. })));
    assert!(parse(&sample("earthquake-iso8859-1.cap")).is_ok());
}

#[test]
fn hostile_documents_are_refused() {
    let bomb = "<!DOCTYPE alert [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><alert/>";
    assert!(parse(bomb).unwrap_err().to_string().contains("document type"));
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    assert!(parse(&deep).unwrap_err().to_string().contains("inside each other"));
    assert!(parse("<alert>&secret;</alert>").unwrap_err().to_string().contains("unknown entity &secret;"));
    assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)), Err(CapError::TooLarge(MAX_BYTES + 1)));
    assert!(parse("<alert>a\0b</alert>").unwrap_err().to_string().contains("'\\0' is not allowed"));
    assert!(parse("<alert>&#7;</alert>").unwrap_err().to_string().contains("is not allowed"));
    for broken in ["", "<alert>", "<alert></info>", "no xml"] {
        assert!(parse(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn a_field_error_names_its_path() {
    let text = sample("polygon-trailing-space.xml");
    let broken = text.replace("-5.090944,-35.266113 -5.090944", "-5.090944;-35.266113 -5.090944");
    let message = parse(&broken).unwrap_err().to_string();
    assert!(message.starts_with("alert/info[1]/area[1]/polygon[1]: \"-5.090944;-35.266113\" is no point"), "{message}");
    let message = parse(&text.replace("<status>Actual<", "<status>actual<")).unwrap_err().to_string();
    assert!(message.starts_with("alert/status: \"actual\" is unknown; expected one of Actual, Exercise"), "{message}");
}

#[test]
fn text_that_looks_like_markup_comes_back_unchanged() {
    let mut alert = parse(&sample("polygon-trailing-space.xml")).unwrap();
    let text = "a < b & \"c\" ]]> 'd'\r\ncoração 🌧";
    alert.infos[0].description = Some(text.into());
    assert_eq!(parse(&write(&alert)).unwrap().infos[0].description.as_deref(), Some(text));
    alert.infos[0].description = Some("bell\u{7} gone".into());
    assert_eq!(parse(&write(&alert)).unwrap().infos[0].description.as_deref(), Some("bell gone"));
}

#[test]
fn the_rules_find_the_faults_of_real_messages_that_pass_the_schema() {
    let problems = |name: &str| {
        let found = super::validate::check(&parse(&sample(name)).unwrap());
        found.into_iter().map(|p| format!("{}: {}", p.path, p.message)).collect::<Vec<_>>().join("\n")
    };
    assert!(problems("mo-cap_monsoon.xml").contains("must not refer to itself"));
    assert!(problems("dwd-update.xml").contains("polygon[1]: needs at least four points"));
    assert!(problems("australia_bom.cap").contains("UTC is written -00:00"));
    assert!(problems("earthquake-iso8859-1.cap").contains("addresses: stand only with scope Private"));
    assert_eq!(problems("canada.cap"), "");
    assert_eq!(problems("polygon-trailing-space.xml"), "");
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_message_makes_the_reader_panic(cut in 0_usize..2000, put in ".{0,8}", at in 0_usize..2000) {
        let mut text = sample("polygon-trailing-space.xml");
        let near = |text: &str, index: usize| (0..=index.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        text.insert_str(near(&text, at), &put);
        text.truncate(near(&text, cut * 2));
        if let Ok(alert) = parse(&text) {
            // Not assert_eq: two whole messages tell less than the input that shrinking finds.
            assert!(parse(&write(&alert)).unwrap() == alert);
        }
    }

    #[test]
    fn any_text_comes_back(text in "\\PC*") {
        let mut alert = parse(&sample("polygon-trailing-space.xml")).unwrap();
        let trimmed = text.trim().to_owned();
        alert.infos[0].description = Some(trimmed.clone()).filter(|text| !text.is_empty());
        assert!(parse(&write(&alert)).unwrap() == alert);
    }
}
