use geo::Area as _;

use super::super::{MsgType, Scope, Severity, Status};
use super::*;

const INMET: &[u8] = include_bytes!("../../../../tests/data/feeds/inmet_cap_polygon_trailing_space.xml");
const BASE: &str = "https://exemplo.gov.br/avisos/feed";

fn inmet() -> &'static str {
    std::str::from_utf8(INMET).unwrap().split_once("?>").unwrap().1.trim_end()
}

fn atom(entries: &str) -> Listing {
    parse(format!("<feed xmlns=\"http://www.w3.org/2005/Atom\">{entries}</feed>").as_bytes(), BASE).unwrap()
}

#[test]
fn the_real_warning_of_inmet_is_read_whole() {
    let listing = parse(INMET, BASE).unwrap();
    assert_eq!((listing.parsed.warnings.len(), listing.parsed.problems.len()), (1, 0));
    let warning = &listing.parsed.warnings[0];
    assert_eq!((warning.status, warning.msg_type, warning.scope), (Status::Actual, MsgType::Alert, Scope::Public));
    assert_eq!((warning.event.as_str(), warning.level.as_str()), ("Ventos Costeiros", "Perigo Potencial"));
    assert_eq!((warning.colour.as_str(), warning.severity), ("#FFFE00", Severity::Moderate));
    // In a parameter, with names around them.
    assert_eq!(warning.geocodes, ["2300150", "2300200", "2313757"]);
    // Seven times the same corner, and a space at the end.
    assert_eq!(warning.polygons.0[0].exterior().0.len(), 4);
    assert!(warning.polygons.unsigned_area() > 0.0);
    assert_eq!(warning.sent_at.to_rfc3339(), "2022-08-12T16:22:45+00:00");
    assert_eq!(warning.expires_at.unwrap().to_rfc3339(), "2022-08-14T13:00:00+00:00");
    assert_eq!((warning.series.as_str(), warning.revision), ("urn:oid:2.49.0.0.76.0.2022.18084", 1));
    assert_eq!(warning.raw, INMET);
}

#[test]
fn words_inside_an_element_that_cap_does_not_know_are_read_too() {
    let from = "<headline>";
    assert!(inmet().contains(from));
    let listing = atom(&format!("<entry>{}</entry>", inmet().replacen(from, "<headline><b>Saia <i>já</i></b>: ", 1)));
    let headline = &listing.parsed.warnings[0].headline;
    assert!(headline.starts_with("Saia já: "), "{headline}");
}

#[test]
fn entries_beyond_the_bound_are_told() {
    let listing = atom(&"<entry><link href=\"/1\"/></entry>".repeat(MAX_ENTRIES + 7));
    let told: Vec<_> = listing.parsed.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told, ["has 7 entries beyond the 1000 that are looked at"]);
}

#[test]
fn entries_hold_the_message_hold_it_escaped_or_say_where_it_lies() {
    let inside = inmet();
    let escaped = inside.replace('&', "&amp;").replace('<', "&lt;");
    let listing = atom(&format!(
        "<entry><id>a</id><content type=\"text/xml\">{inside}</content></entry>\
         <entry><id>b</id><content type=\"text\">{escaped}</content></entry>\
         <entry><id>c</id><content><![CDATA[{inside}]]></content></entry>\
         <entry><id>d</id><updated>2026-01-01T00:00:00Z</updated><link rel=\"self\" href=\"/x\"/>\
         <link type=\"application/cap+xml\" href=\"../cap/d.xml?a=1&amp;b=2\"/></entry>\
         <entry><id>e</id><link href=\"javascript:alert(1)\"/></entry><entry><id>f</id></entry>"
    ));
    assert_eq!((listing.parsed.warnings.len(), listing.parsed.problems.len()), (3, 0));
    for warning in &listing.parsed.warnings {
        assert_eq!(String::from_utf8_lossy(&warning.raw), inside, "the message alone");
    }
    assert_eq!(listing.links.len(), 1);
    assert_eq!(listing.links[0].url, "https://exemplo.gov.br/cap/d.xml?a=1&b=2");
    assert!(listing.links[0].key.ends_with("d 2026-01-01T00:00:00Z"), "{}", listing.links[0].key);
}

#[test]
fn items_of_rss_lead_to_their_messages() {
    let rss = "<rss version=\"2.0\"><channel><link>https://exemplo.gov.br</link><item><title>Aviso</title>\
        <link>https://exemplo.gov.br/avisos/rss/47000</link><guid>47000</guid></item>\
        <item><enclosure url=\"/cap/1.cap\" type=\"application/cap+xml\"/><link>/pagina</link></item></channel></rss>";
    let links: Vec<_> = parse(rss.as_bytes(), BASE).unwrap().links.into_iter().map(|link| link.url).collect();
    assert_eq!(links, ["https://exemplo.gov.br/avisos/rss/47000", "https://exemplo.gov.br/cap/1.cap"]);
}

#[test]
fn an_exercise_stays_one_and_what_says_no_status_is_refused() {
    for (word, status) in [("Exercise", Status::Exercise), ("Test", Status::Test), ("Draft", Status::Draft)] {
        let body = inmet().replace("<status>Actual", &format!("<status>{word}"));
        assert_eq!(parse(body.as_bytes(), BASE).unwrap().parsed.warnings[0].status, status);
    }
    for (wrong, field) in [
        ("<status>Actual</status>", "alert/status"),
        ("<msgType>Alert</msgType>", "alert/msgType"),
        ("<sender>info.aviso@inmet.gov.br</sender>", "alert/sender"),
        ("<sent>2022-08-12T13:22:45-03:00</sent>", "alert/sent"),
    ] {
        let parsed = parse(inmet().replace(wrong, "").as_bytes(), BASE).unwrap().parsed;
        assert_eq!((parsed.warnings.len(), parsed.problems[0].field.as_str()), (0, field));
    }
    let secret = inmet().replace("<scope>Public</scope>", "");
    assert_eq!(parse(secret.as_bytes(), BASE).unwrap().parsed.warnings[0].scope, Scope::Restricted);
}

#[test]
fn entities_and_document_types_are_refused() {
    let bomb = "<!DOCTYPE alert [<!ENTITY a \"aaaa\"><!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let problem = parse(format!("{bomb}{}", inmet()).as_bytes(), BASE).unwrap_err();
    assert!(problem.message.contains("document type"), "{problem}");
    let named = inmet().replace("Ventos", "&x;");
    assert!(parse(named.as_bytes(), BASE).unwrap_err().message.contains("unknown entity"));
}

#[test]
fn a_page_of_html_and_a_list_of_nothing_are_told_apart() {
    assert!(parse(b"<html><body>Manuten\xe7\xe3o</body></html>", BASE).unwrap_err().message.contains("expected CAP"));
    assert_eq!(atom(""), Listing::default());
    assert!(parse(b"", BASE).is_err());
}

#[test]
fn of_several_languages_portuguese_is_taken_and_of_several_parts_the_worst_words_and_all_ground() {
    let info = inmet().split_once("<info>").unwrap().1.split_once("</info>").unwrap().0.to_owned();
    let english = info.replace("pt-BR", "en").replace("Ventos Costeiros", "Coastal winds");
    let worse = info.replace("Moderate", "Severe").replace("Acarape - CE (2300150)", "Juiz de Fora - MG (3136702)");
    let body = inmet().replace(
        &format!("<info>{info}</info>"),
        &format!("<info>{english}</info><info>{info}</info><info>{}</info>", worse.replace("08-14T10", "08-15T10")),
    );
    let warning = parse(body.as_bytes(), BASE).unwrap().parsed.warnings.remove(0);
    assert_eq!((warning.event.as_str(), warning.severity), ("Ventos Costeiros", Severity::Severe));
    assert!(warning.geocodes.contains(&"2300150".to_owned()) && warning.geocodes.contains(&"3136702".to_owned()));
    assert_eq!(warning.polygons.0.len(), 2);
    assert_eq!(warning.expires_at.unwrap().to_rfc3339(), "2022-08-15T13:00:00+00:00");
}

#[test]
fn a_bad_shape_is_told_and_the_warning_stays() {
    let body = inmet().replace("-36.101074", "-361.0").replace("</area>", "<circle>-21.7,-43.3 20</circle></area>");
    let parsed = parse(body.as_bytes(), BASE).unwrap().parsed;
    assert_eq!((parsed.warnings.len(), parsed.problems.len()), (1, 1));
    assert_eq!(parsed.problems[0].field, "alert/info/area/polygon");
    assert_eq!((parsed.warnings[0].polygons.0.len(), parsed.warnings[0].circles.0.len()), (0, 1));
}

#[test]
fn every_recorded_message_and_list_is_read_or_refused_with_a_word() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let body = std::fs::read(entry.path()).unwrap();
        match parse(&body, BASE) {
            Ok(listing) => read += listing.parsed.warnings.len(),
            Err(problem) => assert!(!problem.message.is_empty()),
        }
    }
    assert!(read > 10, "{read}");
}
