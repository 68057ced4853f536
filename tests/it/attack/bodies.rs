//! Bodies that swell, nest, repeat themselves or are written in something else.

use axum::http::StatusCode;
use sentinela::alerts::cap::xml::{CapError, decode, parse, parse_all};
use sentinela::web::gate::{Guard, RULES};
use serde_json::json;
use uuid::Uuid;

use super::{Place, filled};

const CAP: &str = include_str!("../../corpora/cap/seed-2");

/// Every route of the API that takes JSON, with an id in its place.
fn json_doors() -> impl Iterator<Item = (&'static str, String)> {
    let acts = RULES.iter().filter(|rule| ["POST", "PUT"].contains(&rule.method) && rule.path.starts_with("/api/v1/"));
    acts.filter(|rule| rule.guard != Guard::Device)
        .map(|rule| (rule.method, filled(rule.path, &Uuid::nil().to_string())))
}

#[tokio::test]
async fn bodies_that_nest_swell_or_lie_are_refused_by_every_door() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let open_lists = "[".repeat(200_000);
    let closed_lists = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = "{\"a\":".repeat(100_000);
    let digits = format!("{{\"revision\":{}}}", "9".repeat(200_000));
    let bodies: [(&str, Vec<u8>); 12] = [
        ("open lists", open_lists.into_bytes()),
        ("closed lists", closed_lists.into_bytes()),
        ("objects", objects.into_bytes()),
        ("two hundred thousand digits", digits.into_bytes()),
        ("a number beyond floats", br#"{"revision":1e99999}"#.to_vec()),
        ("a number beyond integers", br#"{"revision":99999999999999999999999}"#.to_vec()),
        ("no number", br#"{"revision":NaN}"#.to_vec()),
        ("a lone surrogate", br#"{"reason":"\ud800"}"#.to_vec()),
        ("NUL", br#"{"reason":"a\u0000b"}"#.to_vec()),
        ("not UTF-8", b"{\"reason\":\"\xff\xfe\"}".to_vec()),
        ("two documents", br#"{}{}"#.to_vec()),
        ("a mark of byte order", b"\xef\xbb\xbf{}".to_vec()),
    ];
    for (method, path) in json_doors() {
        for (what, body) in &bodies {
            let answer = place.api(&chief, method, &path, "application/json", body.clone()).await;
            assert!(answer.status.is_client_error(), "{method} {path} with {what}: {} {}", answer.status, answer.text);
            assert!(answer.text.len() < 4000, "{method} {path} with {what}: an answer of {} bytes", answer.text.len());
        }
    }
}

#[tokio::test]
async fn a_field_that_is_said_twice_is_refused() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let draft = {
        place.town(&chief).await;
        place.draft(&chief).await
    };
    let twice = [
        (
            "/api/v1/alerts",
            r#"{"cobrade":"1.1.3.2.1","level":"attention","level":"maximum","areas":["morro-alto"]}"#.into(),
        ),
        (
            "/api/v1/staff",
            r#"{"name":"A B","email":"a@exemplo.invalid","roles":["viewer"],"roles":["administrator"]}"#.into(),
        ),
        ("/api/v1/tokens", r#"{"name":"x","scope":["see_console"],"scope":["issue_alerts"],"days":1}"#.to_owned()),
    ];
    let discard = format!("/api/v1/alerts/{draft}/discard");
    let doors = twice.iter().map(|(path, body)| (*path, body.as_str()));
    let doors = doors.chain([(discard.as_str(), r#"{"revision":1,"reason":"a","reason":"b"}"#)]);
    for (path, body) in doors {
        let answer = place.api(&chief, "POST", path, "application/json", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        assert!(answer.text.contains("duplicate field"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_before_anybody_reads_it() {
    let place = Place::open().await;
    let chief = place.chief().await;
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "GZIP", "identity, gzip"] {
        for (method, path) in json_doors() {
            let headers = [
                ("cookie", chief.cookie.as_str()),
                ("csrf", &chief.csrf),
                ("content-type", "application/json"),
                ("content-encoding", coding),
            ];
            let answer = place.send(method, &path, &headers, vec![0_u8; 100]).await;
            assert_eq!(
                answer.status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{method} {path} in {coding}: {}",
                answer.text
            );
            assert_eq!(answer.header("accept-encoding"), "identity", "{method} {path}");
        }
        let headers = [("authorization", "Bearer D-1.x"), ("content-encoding", coding)];
        let answer = place.send("POST", "/api/v1/readings", &headers, vec![0_u8; 100]).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "readings in {coding}");
    }
    let headers = [("cookie", chief.cookie.as_str()), ("csrf", &chief.csrf), ("content-encoding", "identity")];
    let new = json!({"name": "painel", "scope": ["see_console"], "days": 1}).to_string();
    let answer = place.send("POST", "/api/v1/tokens", &headers, new).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

#[tokio::test]
async fn a_body_beyond_its_bound_is_refused_at_every_door() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let most = sentinela::web::api::imports::MAX_BODY_BYTES.max(place.app.config.http.max_body_bytes);
    let large = format!("\"{}\"", "a".repeat(most));
    for (method, path) in json_doors() {
        let answer = place.api(&chief, method, &path, "application/json", large.clone()).await;
        assert!([400, 404, 413, 415].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
    }
}

fn with_entities(declarations: &str, headline: &str) -> String {
    let (declaration, rest) = CAP.split_once("?>").expect("an XML declaration");
    let start = rest.find("<headline>").expect("a headline") + "<headline>".len();
    let end = rest.find("</headline>").expect("its end");
    format!("{declaration}?>\n<!DOCTYPE alert [{declarations}]>{}{headline}{}", &rest[..start], &rest[end..])
}

#[test]
fn the_message_the_attacks_are_made_of_is_a_good_one() {
    parse(CAP).expect("it can be read");
}

#[test]
fn no_entity_is_expanded_and_no_file_or_address_is_read() {
    let mut laughs = String::from(r#"<!ENTITY a0 "ha">"#);
    for level in 1..30 {
        let inner = format!("&a{};", level - 1).repeat(10);
        laughs.push_str(&format!(r#"<!ENTITY a{level} "{inner}">"#));
    }
    let quadratic = format!(r#"<!ENTITY a "{}">"#, "a".repeat(100_000));
    let attacks = [
        ("a billion laughs", with_entities(&laughs, "&a29;")),
        ("quadratic growth", with_entities(&quadratic, &"&a;".repeat(50_000))),
        ("a file", with_entities(r#"<!ENTITY x SYSTEM "file:///etc/passwd">"#, "&x;")),
        ("an address", with_entities(r#"<!ENTITY x SYSTEM "http://127.0.0.1:1/">"#, "&x;")),
        ("a parameter entity", with_entities(r#"<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;"#, "x")),
        ("a public document type", CAP.replacen("?>", "?><!DOCTYPE alert PUBLIC \"-//x//y\" \"http://127.0.0.1:1/x\">", 1)),
        ("an entity that refers to itself", with_entities(r#"<!ENTITY a "&b;"><!ENTITY b "&a;">"#, "&a;")),
        ("an entity nobody declared", CAP.replacen("<headline>", "<headline>&xxe;", 1)),
        ("an inclusion", CAP.replacen("<headline>", "<headline><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\" parse=\"text\"/>", 1)),
    ];
    for (what, text) in attacks {
        for read in [parse(&text).map(|alert| vec![alert]), parse_all(&text)] {
            match read {
                Err(CapError::Xml { .. } | CapError::Field { .. }) => {}
                // Elements that are not CAP's are passed over, with all that they say.
                Ok(alerts) => {
                    let said = format!("{alerts:?}");
                    assert!(what == "an inclusion" && !said.contains("root:"), "{what} was read: {said}");
                }
                Err(other) => panic!("{what}: {other}"),
            }
        }
    }
}

#[test]
fn depth_length_and_odd_encodings_of_a_message_are_bounded() {
    let deep = format!("{}{}", "<a>".repeat(500_000), "</a>".repeat(500_000));
    let attributes: String = (0..50_000).map(|number| format!(" a{number}=\"x\"")).collect();
    let namespaces: String = (0..20_000).map(|number| format!(" xmlns:n{number}=\"x\"")).collect();
    let attacks = [
        ("depth", deep),
        ("depth without an end", "<a>".repeat(500_000)),
        ("attributes", format!("<alert{attributes}/>")),
        ("namespaces", format!("<alert{namespaces}/>")),
        ("five megabytes", format!("<alert>{}</alert>", " ".repeat(5 << 20))),
        ("comments", format!("<alert>{}", "<!--".repeat(100_000))),
        ("CDATA", format!("<alert>{}", "<![CDATA[".repeat(100_000))),
        ("declarations", "<?xml version=\"1.0\"?>".repeat(50_000)),
        ("a forbidden character by number", CAP.replacen("<headline>", "<headline>&#0;&#xFFFE;&#x110000;", 1)),
    ];
    for (what, text) in attacks {
        assert!(parse(&text).is_err() && parse_all(&text).is_err(), "{what} was read");
    }
    let wide: Vec<u8> = CAP.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let seven = CAP.replace("<alert", "+ADw-alert");
    for bytes in [wide, [b"\xfe\xff", CAP.as_bytes()].concat(), seven.into_bytes(), vec![0xff; 1000]] {
        assert!(decode(&bytes).and_then(|text| parse(&text)).is_err(), "{:?}", &bytes[..20]);
    }
}
