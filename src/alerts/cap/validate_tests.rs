use super::*;
use crate::alerts::cap::model::{Category, Circle, ResponseType};
use crate::alerts::cap::xml::{parse, write};

const GOOD: &str = r#"<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>urn:oid:2.49.0.0.76.0.2026.7</identifier><sender>defesacivil@example.org</sender>
<sent>2026-02-23T21:40:00-03:00</sent><status>Actual</status><msgType>Update</msgType><scope>Public</scope>
<references>defesacivil@example.org,urn:oid:2.49.0.0.76.0.2026.6,2026-02-23T20:00:00-03:00</references>
<info><category>Geo</category><event>Deslizamentos</event><urgency>Immediate</urgency><severity>Extreme</severity>
<certainty>Likely</certainty><expires>2026-02-24T03:40:00-03:00</expires><headline>Risco</headline>
<area><areaDesc>Bom Pastor</areaDesc><polygon>-21.77,-43.36 -21.77,-43.35 -21.78,-43.35 -21.77,-43.36</polygon></area>
</info></alert>"#;

fn good() -> CapAlert {
    parse(GOOD).unwrap()
}

/// What `check` says after a change, as "path: message" lines.
fn after(change: impl FnOnce(&mut CapAlert)) -> String {
    let mut alert = good();
    change(&mut alert);
    let lines: Vec<String> = check(&alert).into_iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
    lines.join("\n")
}

fn time(text: &str) -> CapTime {
    CapTime::parse(text).unwrap()
}

fn ring(points: &[(f64, f64)]) -> Vec<Point> {
    points.iter().map(|(lat, lon)| Point { lat: *lat, lon: *lon }).collect()
}

#[test]
fn a_lawful_message_has_no_problem() {
    assert_eq!(check(&good()), []);
    assert_eq!(check_public(&good()), []);
}

#[test]
fn identifier_and_sender_hold_no_space_comma_or_markup() {
    for bad in ["a b", "a,b", "a<b", "a&b", "a\u{a0}b"] {
        assert!(after(|a| a.identifier = bad.into()).starts_with("alert/identifier: must not contain"), "{bad}");
        assert!(after(|a| a.sender = bad.into()).starts_with("alert/sender: must not contain"), "{bad}");
    }
    assert_eq!(after(|a| a.identifier.clear()), "alert/identifier: is empty");
}

#[test]
fn times_carry_a_numeric_offset_and_no_fraction() {
    assert!(
        after(|a| a.sent = time("2026-02-24T00:40:00Z")).contains("alert/sent: 2026-02-24T00:40:00Z needs a numeric")
    );
    assert!(after(|a| a.sent = time("2026-02-24T00:40:00.25-00:00")).contains("must not have fractions"));
    assert!(after(|a| a.infos[0].expires = Some(time("2026-02-24T06:40:00+00:00"))).contains("UTC is written -00:00"));
    assert_eq!(after(|a| a.infos[0].onset = Some(time("2026-02-24T01:00:00-00:00"))), "");
    assert!(after(|a| a.infos[0].onset = Some(time("2026-02-24T01:00:00Z"))).starts_with("alert/info[1]/onset"));
    assert!(after(|a| a.references[0].sent = time("2026-02-23T23:00:00Z")).starts_with("alert/references"));
}

#[test]
fn update_and_cancel_must_refer_to_something() {
    for kind in [MsgType::Update, MsgType::Cancel] {
        let problems = after(|a| {
            a.msg_type = kind;
            a.references.clear();
        });
        assert_eq!(problems, format!("alert/references: msgType {kind} must name the messages it is about"));
    }
}

#[test]
fn a_reference_is_never_the_message_itself_nor_a_later_one() {
    let itself = after(|a| a.references[0].identifier = a.identifier.clone());
    assert_eq!(itself, "alert/references: a message must not refer to itself");
    let later = after(|a| a.references[0].sent = time("2026-02-23T21:40:01-03:00"));
    assert!(later.contains("after this message"), "{later}");
}

#[test]
fn a_reference_is_written_exactly_as_first_sent() {
    let text = GOOD.replace("2026-02-23T20:00:00-03:00<", "2026-02-23T23:00:00-00:00<");
    let alert = parse(&text).unwrap();
    assert!(write(&alert).contains("2026.6,2026-02-23T23:00:00-00:00</references>"));
    assert_ne!(alert.references, good().references, "the same instant in other words is another reference");
}

#[test]
fn polygons_are_closed_simple_and_in_range() {
    let flaw = |points: &[(f64, f64)]| after(|a| a.infos[0].areas[0].polygons[0] = ring(points).into());
    let path = "alert/info[1]/area[1]/polygon[1]: ";
    assert_eq!(flaw(&[(1.0, 1.0), (1.0, 2.0), (1.0, 1.0)]), format!("{path}needs at least four points"));
    assert!(flaw(&[(1.0, 1.0), (1.0, 2.0), (2.0, 2.0), (2.0, 1.0)]).contains("is not closed"));
    assert!(flaw(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)]).contains("crosses"));
    assert!(flaw(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (0.0, 0.0)]).contains("encloses nothing"));
    // The axes of a place in Alaska, swapped.
    assert!(flaw(&[(-150.0, 60.0), (-150.0, 61.0), (-149.0, 61.0), (-150.0, 60.0)]).contains("latitude comes first"));
}

#[test]
fn circles_have_a_place_and_no_negative_radius() {
    let with = |lat: f64, radius_km: f64| {
        after(|a| a.infos[0].areas[0].circles.push(Circle { centre: Point { lat, lon: -43.0 }, radius_km }.into()))
    };
    assert_eq!(with(-21.0, 0.0), "");
    assert!(with(-21.0, -1.0).contains("circle[1]: the radius must not be negative"));
    assert!(with(-121.0, 1.0).contains("circle[1]: latitude must lie"));
}

#[test]
fn a_ceiling_needs_an_altitude_below_it() {
    let with = |altitude: Option<f64>, ceiling: Option<f64>| {
        after(|a| {
            a.infos[0].areas[0].altitude = altitude.map(Written::from);
            a.infos[0].areas[0].ceiling = ceiling.map(Written::from);
        })
    };
    assert_eq!(with(Some(100.0), Some(100.0)), "");
    assert_eq!(with(None, Some(100.0)), "alert/info[1]/area[1]/ceiling: needs an altitude");
    assert_eq!(with(Some(200.0), Some(100.0)), "alert/info[1]/area[1]/ceiling: lies below the altitude");
}

#[test]
fn restriction_and_addresses_stand_only_with_their_scope() {
    assert!(after(|a| a.restriction = Some("r".into())).contains("only with scope Restricted"));
    assert!(after(|a| a.addresses = vec!["x@example.org".into()]).contains("only with scope Private"));
    assert_eq!(after(|a| a.scope = Scope::Restricted), "alert/restriction: scope Restricted needs it");
    assert_eq!(after(|a| a.scope = Scope::Private), "alert/addresses: scope Private needs them");
}

#[test]
fn every_info_tells_of_the_same_event() {
    let other = |change: fn(&mut Info)| {
        after(|a| {
            let mut info = a.infos[0].clone();
            change(&mut info);
            a.infos.push(info);
        })
    };
    assert_eq!(other(|info| info.language = Some("en".into())), "");
    assert!(other(|info| info.categories = vec![Category::Met]).contains("info[2]/category: differs"));
    assert!(
        other(|info| info.event_codes = vec![NamedValue::new("COBRADE", "1")]).contains("info[2]/eventCode: differs")
    );
}

#[test]
fn the_order_of_codes_says_nothing() {
    let (one, two) = (NamedValue::new("COBRADE", "1.1.3.2.1"), NamedValue::new("OET:v1.2", "OET-119"));
    let said = after(|a| {
        a.infos[0].event_codes = vec![one.clone(), two.clone()];
        a.infos.push(Info { event_codes: vec![two, one], ..a.infos[0].clone() });
    });
    assert_eq!(said, "");
}

#[test]
fn addresses_are_whole_and_files_are_described() {
    let resource = || Resource {
        description: "Mapa".into(),
        mime_type: "image/png".into(),
        size: None,
        uri: Some("https://example.org/a.png".into()),
        deref_uri: None,
        digest: None,
        others: Vec::new(),
    };
    let with = |change: fn(&mut Resource)| {
        after(|a| {
            let mut changed = resource();
            change(&mut changed);
            a.infos[0].resources.push(changed);
        })
    };
    assert_eq!(with(|_| {}), "");
    assert!(with(|r| r.uri = Some("a.png".into())).contains("resource[1]/uri: must be a whole address"));
    assert!(with(|r| r.size = Some((-1).into())).contains("resource[1]/size: must not be negative"));
    assert!(with(|r| r.digest = Some("12".into())).contains("resource[1]/digest: must be a SHA-1 sum"));
    assert!(with(|r| r.mime_type = "png".into()).contains("resource[1]/mimeType: is no media type"));
    assert!(after(|a| a.infos[0].web = Some("alertas.example.org".into())).contains("info[1]/web: must be a whole"));
    assert_eq!(after(|a| a.infos[0].web = Some("https://alertas.example.org/".into())), "");
}

#[test]
fn names_of_values_and_places_are_not_empty_and_languages_are_tags() {
    assert!(
        after(|a| a.infos[0].parameters.push(NamedValue::new(" ", "x"))).contains("parameter[1]/valueName: is empty")
    );
    assert!(after(|a| a.infos[0].areas[0].description = " ".into()).contains("area[1]/areaDesc: is empty"));
    assert!(after(|a| a.infos[0].language = Some("português".into())).contains("info[1]/language: is no language tag"));
    assert_eq!(after(|a| a.infos[0].language = Some("x-test".into())), "");
    assert!(after(|a| a.note = Some("<i>nota</i>".into())).contains("alert/note: must be plain text"));
}

#[test]
fn a_message_ends_after_it_begins() {
    let problem = after(|a| a.infos[0].expires = Some(time("2026-02-23T21:39:59-03:00")));
    assert!(problem.starts_with("alert/info[1]/expires: lies before"), "{problem}");
    let problem = after(|a| a.infos[0].effective = Some(time("2026-02-25T00:00:00-03:00")));
    assert!(problem.contains("2026-02-25T00:00:00-03:00"), "{problem}");
}

#[test]
fn an_area_says_where_it_is() {
    assert!(after(|a| a.infos[0].areas[0].polygons.clear()).contains("needs a polygon, a circle or a geocode"));
    let with_code = after(|a| {
        a.infos[0].areas[0].polygons.clear();
        a.infos[0].areas[0].geocodes.push(NamedValue::new("IBGE", "3136702"));
    });
    assert_eq!(with_code, "");
}

#[test]
fn html_is_refused_and_plain_signs_are_not() {
    for html in ["<b>Saia</b>", "Saia<br/>agora", "Saia &nbsp;agora", "&#233;"] {
        let problem = after(|a| a.infos[0].instruction = Some(html.into()));
        assert_eq!(problem, "alert/info[1]/instruction: must be plain text, without HTML", "{html}");
    }
    for plain in ["chuva < 30 mm & vento > 60", "A & B; C", "1 <2> 3"] {
        assert_eq!(after(|a| a.infos[0].description = Some(plain.into())), "", "{plain}");
    }
}

#[test]
fn drafts_and_private_messages_have_no_public_address() {
    let mut alert = good();
    alert.status = Status::Draft;
    alert.scope = Scope::Private;
    let paths: Vec<String> = check_public(&alert).into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["alert/status", "alert/scope"]);
}

#[test]
fn recommendations_are_told_apart_from_rules() {
    let mut alert = good();
    let missing: Vec<String> = advise(&alert).into_iter().map(|problem| problem.path).collect();
    for name in ["senderName", "instruction", "contact", "web", "responseType"] {
        assert!(missing.contains(&format!("alert/info[1]/{name}")), "{name} in {missing:?}");
    }
    alert.infos[0].headline = Some("x".repeat(141));
    alert.infos[0].areas[0].description = "<b>Centro</b>".into();
    assert_eq!(check(&alert), [], "a place may bear any name");
    alert.infos[0].response_types = vec![ResponseType::Evacuate];
    alert.infos[0].areas[0].polygons[0] =
        (0..200).map(|i| Point { lat: f64::from(i), lon: 0.0 }).collect::<Vec<_>>().into();
    assert!(advise(&alert).iter().any(|problem| problem.path == "alert/info[1]/area[1]/areaDesc"));
    let told: Vec<String> = advise(&alert).into_iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
    assert!(told.contains(&"alert/info[1]/headline: is longer than 140 characters".into()));
    assert!(told.contains(&"alert/info[1]/area[1]/polygon[1]: has 200 points; phones take about 100".into()));
}
