//! Real messages of many authorities (tests/data/cap/SOURCES.md) through the reader and the writer, and the schema as judge.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::model::{CapAlert, MsgType};
use super::xml::{CapError, MAX_BYTES, decode, parse, parse_all, write};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap")
}

fn sample(name: &str) -> String {
    decode(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// What xmllint, which `make setup` installs, says against the schema.
pub(super) fn judge(xml: &str) -> Result<(), String> {
    let mut lint = Command::new("xmllint");
    lint.args(["--nonet", "--noout", "--schema"]).arg(folder().join("CAP-v1.2.xsd")).arg("-");
    let spawned = lint.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("xmllint (libxml2-utils)");
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// What becomes of a file.
#[derive(Clone, Copy)]
enum Outcome {
    /// So many messages, which break so many of the rules that `validate::check` knows; what it says of the first.
    Read { messages: usize, problems: usize, first: &'static str },
    /// The message of the error has this in it.
    Refused(&'static str),
}
use Outcome::{Read, Refused};

const NO_CAP: Outcome = Refused("no <alert> of CAP 1.2");
const GOOD: Outcome = Read { messages: 1, problems: 0, first: "" };
/// What many write, and the standard forbids.
const UTC: &str = "UTC is written -00:00";
const NOWHERE: &str = "needs a polygon, a circle or a geocode";

const fn flawed(problems: usize, first: &'static str) -> Outcome {
    Read { messages: 1, problems, first }
}

/// Every file, with its outcome.
const OUTCOMES: &[(&str, Outcome)] = &[
    ("431022.cap", GOOD),
    ("454888.cap", GOOD),
    ("CanadaNaad.xml", GOOD),
    ("Fiji_Water_Shortage_Suva.xml", flawed(7, UTC)),
    ("Homeland_Sec_Adv.xml", flawed(1, NOWHERE)),
    ("Maldives-Tsunami-MultiLanguage.xml", flawed(5, UTC)),
    ("Myanmar-Flood-MultiLanguage.xml", flawed(5, UTC)),
    ("Myanmar-Flood-MultiLanguage_MultipleArea.xml", flawed(5, UTC)),
    ("Myanmar-Tsunami-MultiLanguage.xml", flawed(5, UTC)),
    ("NOAA_MultiplePolygons.txt", GOOD),
    ("Philippines-Flood-MultiLanguage.xml", flawed(5, UTC)),
    ("Philippines-Tropical-Cyclone-MultiLanguage.xml", flawed(5, UTC)),
    ("Philippines-Tsunami.xml", flawed(3, UTC)),
    ("Severe_Thunderstorm_Warning.xml", GOOD),
    ("TropicalCyclone20150806.xml", flawed(1, UTC)),
    ("TropicalCyclone20150808.xml", flawed(2, UTC)),
    // A list of CAP 1.1 in Atom, and lists that only point elsewhere.
    ("amber.atom", NO_CAP),
    ("amber.rss", NO_CAP),
    ("australia.cap", flawed(2, "must be plain text")),
    ("australia_bom.cap", flawed(3, UTC)),
    ("bushfire_valid.edxlde", Read { messages: 59, problems: 2, first: "crosses or touches itself" }),
    ("canada.cap", GOOD),
    ("canada_errors.cap", flawed(1, "msgType Update must name")),
    ("canada_signed.atom", GOOD),
    ("canada_signed.cap", GOOD),
    ("dwd-update.xml", flawed(1, "needs at least four points")),
    ("earthquake-iso8859-1.cap", flawed(4, UTC)),
    // CAP 1.1.
    ("earthquake.cap", NO_CAP),
    ("earthquake_index.atom", NO_CAP),
    ("earthquake_signed.cap", NO_CAP),
    ("empty_weather_index.atom", NO_CAP),
    ("iceland_met_office.cap", GOOD),
    ("il-488abaaf-cad5-4d2b-93b2-703016878453.xml", GOOD),
    ("invalid.cap", Refused("alert[1]: <scope> is missing")),
    ("invalid.rss", NO_CAP),
    ("invalid_element.atom", NO_CAP),
    ("invalid_xmlns.cap", Refused("the document is <alert> of \"urn:oasis:names:tc:emergency:alerts:1.2\"")),
    ("mexico.xml", GOOD),
    ("mo-cap_monsoon.xml", flawed(1, "must not refer to itself")),
    ("multi-area.xml", GOOD),
    ("no_id.atom", NO_CAP),
    ("no_info_tag.cap", GOOD),
    ("no_link.atom", NO_CAP),
    ("no_optional_fields.cap", NO_CAP),
    ("no_title.atom", NO_CAP),
    ("noaa_errors.cap", NO_CAP),
    ("ny_index.rss", NO_CAP),
    ("oregon_nws.atom", NO_CAP),
    ("pelmorex.atom", Refused("not well-formed at byte 547: not UTF-8")),
    ("ph.cap", GOOD),
    ("polygon-trailing-space.xml", GOOD),
    ("rfs.xml", GOOD),
    ("rs-2.49.0.0.688.0.20250817210003.457535.xml", GOOD),
    ("smhi.se.alerts.cap", Read { messages: 17, problems: 17, first: NOWHERE }),
    ("sweden.atom", NO_CAP),
    ("sweden.cap", flawed(2, NOWHERE)),
    ("taiwan.cap", GOOD),
    // Against the schema for the order of value and valueName only: their meaning is plain, so it is read.
    ("thunderstorm.xml", GOOD),
    ("tmp0000.cap", NO_CAP),
    ("tsunami.xml", GOOD),
    ("us_nws_weather.atom", NO_CAP),
    ("usgs_alerthub.atom", NO_CAP),
    ("wcatwc-warning.cap", GOOD),
    ("weather.atom", NO_CAP),
    ("weather.cap", NO_CAP),
    ("weather_index.atom", NO_CAP),
    ("weather_invalid.atom", NO_CAP),
];

fn outcome(name: &str) -> Result<Vec<CapAlert>, CapError> {
    decode(&std::fs::read(folder().join(name)).unwrap()).and_then(|text| parse_all(&text))
}

#[test]
fn every_file_is_read_or_refused_with_the_right_reason() {
    let mut wrong = Vec::new();
    for (name, expected) in OUTCOMES {
        match (outcome(name), expected) {
            (Ok(alerts), Read { messages, problems, first }) => {
                let found: Vec<_> = alerts.iter().flat_map(super::validate::check).collect();
                let told = found.first().is_none_or(|problem| problem.message.contains(first));
                if (alerts.len(), found.len()) != (*messages, *problems) || !told {
                    wrong.push(format!("{name}: {} messages, {} problems: {found:?}", alerts.len(), found.len()));
                }
            }
            (Err(error), Refused(part)) if error.to_string().contains(part) => {}
            (Ok(alerts), Refused(_)) => wrong.push(format!("{name}: {} messages were read", alerts.len())),
            (Err(error), _) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_lacks_its_outcome() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| ![".md", ".xsd", ".pem"].iter().any(|end| name.ends_with(end)))
        .collect();
    files.sort();
    assert_eq!(files, OUTCOMES.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
}

fn readable() -> Vec<(String, Vec<CapAlert>)> {
    let good = OUTCOMES.iter().filter(|(_, outcome)| matches!(outcome, Read { .. }));
    good.map(|(name, _)| ((*name).to_owned(), outcome(name).unwrap())).collect()
}

/// Files that the schema refuses for what they hold, and so for what is written of it; the others it refuses for an order.
const AGAINST_THE_SCHEMA: &[&str] = &["Fiji_Water_Shortage_Suva.xml", "sweden.cap"];

#[test]
fn every_sample_survives_the_round_trip() {
    let all = readable();
    assert!(all.len() >= 35);
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
    for (name, alerts) in readable().into_iter().filter(|(name, _)| !AGAINST_THE_SCHEMA.contains(&name.as_str())) {
        for alert in alerts {
            if let Err(message) = judge(&write(&alert)) {
                panic!("{name}: {message}");
            }
        }
    }
}

/// Texts of every element of that name, as the document has them.
fn texts_of(name: &str, text: &str) -> Vec<String> {
    fn walk(node: &super::tree::Node, name: &str, found: &mut Vec<String>) {
        if *node.namespace == *super::signature::NAMESPACE {
            return;
        }
        if node.name == name {
            found.push(node.text.clone());
        }
        node.children.iter().for_each(|child| walk(child, name, found));
    }
    let mut found = Vec::new();
    walk(&super::tree::read_tree(text).unwrap(), name, &mut found);
    found
}

#[test]
fn nothing_of_a_message_is_lost_on_its_way_through() {
    for (name, outcome) in OUTCOMES {
        let Read { messages: 1, .. } = outcome else { continue };
        let text = sample(name);
        if !text.contains("cap:1.2") || text.contains("<feed") || text.contains("EDXLDistribution") {
            continue;
        }
        let written = write(&parse(&text).unwrap());
        for element in
            ["value", "valueName", "headline", "description", "instruction", "areaDesc", "senderName", "event"]
        {
            let kept = |text: &str| -> Vec<String> {
                texts_of(element, text)
                    .into_iter()
                    .filter(|text| !text.trim().is_empty() || element == "value")
                    .collect()
            };
            assert_eq!(kept(&written), kept(&text), "{name}: {element}");
        }
        for element in ["polygon", "circle", "altitude", "ceiling", "size", "sent", "expires", "references"] {
            let trimmed = |text: &str| -> Vec<String> {
                let all = texts_of(element, text).into_iter().map(|text| text.trim().to_owned());
                all.filter(|text| !text.is_empty()).collect()
            };
            assert_eq!(trimmed(&written), trimmed(&text), "{name}: {element}");
        }
    }
}

#[test]
fn numbers_space_and_elements_of_others_come_back_as_they_were() {
    let text = "<c:alert xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\" xmlns:x=\"urn:x\">\
        <c:identifier>1</c:identifier><c:sender>a</c:sender><c:sent>2026-02-23T21:40:00-03:00</c:sent><c:status>Actual</c:status>\
        <c:msgType>Alert</c:msgType><c:scope>Public</c:scope><x:mark kind=\"a\"><x:deep/> &amp; <bare/></x:mark><c:new>n</c:new>\
        <c:info><c:category>Geo</c:category><c:event>e</c:event><c:urgency>Past</c:urgency><c:severity>Minor</c:severity>\
        <c:certainty>Likely</c:certainty><c:parameter><c:valueName> a </c:valueName><c:value>\n  1 \t2 </c:value></c:parameter>\
        <c:parameter><c:valueName>b</c:valueName><c:value></c:value></c:parameter>\
        <c:area><c:areaDesc>d</c:areaDesc><c:polygon>-22.50,-43.00 -22.50,-42.0\n-23,-42 -22.50,-43.00</c:polygon>\
        <c:circle>-22.500,-43.10 1.50</c:circle><c:altitude>100.00</c:altitude><c:ceiling>0200</c:ceiling><x:colour>#f00</x:colour>\
        </c:area></c:info></c:alert>";
    let alert = parse(text).unwrap();
    let written = write(&alert);
    for part in [
        "<polygon>-22.50,-43.00 -22.50,-42.0\n-23,-42 -22.50,-43.00</polygon>",
        "<circle>-22.500,-43.10 1.50</circle>",
        "<altitude>100.00</altitude>",
        "<ceiling>0200</ceiling>",
        "<valueName> a </valueName>",
        "<value>\n  1 \t2 </value>",
        "<value></value>",
        "<x:mark xmlns:x=\"urn:x\" kind=\"a\"><x:deep></x:deep> &amp; <bare xmlns=\"\"></bare></x:mark>",
        "<c:new xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\">n</c:new>",
        "<x:colour xmlns:x=\"urn:x\">#f00</x:colour>",
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    assert_eq!(parse(&written).unwrap(), alert);
    assert_eq!(write(&parse(&written).unwrap()), written);
}

#[test]
fn a_brazilian_warning_is_read_whole() {
    let alert = parse(&sample("polygon-trailing-space.xml")).unwrap();
    let info = &alert.infos[0];
    assert_eq!(alert.sender, "info.aviso@inmet.gov.br");
    assert_eq!(alert.sent.as_str(), "2022-08-12T13:22:45-03:00");
    assert_eq!(info.parameters.iter().map(|p| p.name.as_str()).next_back(), Some("Estados"));
    assert_eq!(info.areas[0].polygons[0].get().len(), 10);
    assert!((info.areas[0].polygons[0].get()[0].lat - -5.233_187).abs() < 1e-9);
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
    // A long name of a namespace that every element would copy; more elements, or attributes, than any message has.
    let bomb = format!("<a xmlns=\"{}\">{}</a>", "A".repeat(1 << 17), "<b/>".repeat(1 << 15));
    assert!(parse(&bomb).unwrap_err().to_string().contains("namespace has 131072 bytes"));
    let many = format!("<a>{}</a>", "<b/>".repeat(250_000));
    assert!(parse(&many).unwrap_err().to_string().contains("more than 100000 elements"));
    let prefixes: String = (0..101).map(|n| format!(" xmlns:p{n}=\"urn:x\"")).collect();
    assert!(parse(&format!("<a{prefixes}/>")).unwrap_err().to_string().contains("more than 100 attributes"));
    for broken in ["", "<alert>", "<alert></info>", "no xml"] {
        assert!(parse(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn what_stands_where_cap_has_text_alone_is_refused_rather_than_lost() {
    let text = sample("polygon-trailing-space.xml");
    let within = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        parse(&text.replacen(from, to, 1)).map(|_| ()).unwrap_err().to_string()
    };
    let bold = within("</description>", "<b>agora</b></description>");
    assert_eq!(bold, "alert/info[1]/description[1]: holds the element <b>, where CAP has text alone");
    let pair = within("</parameter>", "<unit xmlns=\"urn:x\">mm</unit></parameter>");
    assert_eq!(pair, "alert/info[1]/parameter[1]: holds the element <unit>, where CAP has text alone");
    assert!(
        parse(&text.replacen("</area>", "<unit xmlns=\"urn:x\">mm</unit></area>", 1)).is_ok(),
        "elsewhere it is kept"
    );
}

#[test]
fn the_words_of_an_element_are_those_of_the_elements_inside_too() {
    let root = super::tree::read_tree("<a>Saia <b>agora<i>!</i></b> de <b/>casa</a>").unwrap();
    assert_eq!(root.words(), "Saia agora! de casa");
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
        alert.infos[0].description = Some(text).filter(|text| !text.trim().is_empty());
        assert!(parse(&write(&alert)).unwrap() == alert);
    }
}
