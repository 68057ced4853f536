use geo::{Area as _, BoundingRect, polygon};

use super::*;
use crate::alerts::cap::samples::judge;
use crate::alerts::cap::validate::{advise, check, check_public};
use crate::alerts::cap::xml::{parse, write};

fn input() -> BuildInput {
    let triangle = polygon![(x: -43.3612345678, y: -21.77), (x: -43.35, y: -21.77), (x: -43.35, y: -21.78)];
    BuildInput {
        identifier: "urn:oid:2.49.0.0.76.3136702.2026.7".into(),
        sender: "defesacivil@example.org".into(),
        sender_name: "Defesa Civil de Juiz de Fora".into(),
        sent: "2026-02-24T00:40:00.5Z".parse().unwrap(),
        time_zone: chrono_tz::America::Sao_Paulo,
        kind: AlertKind::Alert,
        status: Status::Actual,
        references: Vec::new(),
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: Level::Maximum,
        headline: "Risco muito alto de deslizamento em Bom Pastor".into(),
        description: "Choveu 120 mm em 24 h & o solo está encharcado.".into(),
        instruction: "1. Saia de casa agora.\n2. Ligue 199.".into(),
        expires_at: "2026-02-24T06:40:00Z".parse().unwrap(),
        web: "https://alertas.example.org/alerts/urn:oid:2.49.0.0.76.3136702.2026.7.xml".into(),
        contact: "199".into(),
        language: "pt-BR".into(),
        translations: Vec::new(),
        map_picture: String::new(),
        areas: vec![BuildArea {
            name: "Bom Pastor".into(),
            polygons: MultiPolygon(vec![triangle]),
            circle: None,
            ibge_code: "3136702".into(),
            area_code: "JF-012".into(),
        }],
        parameters: vec![NamedValue::new("level", "maximum"), NamedValue::new("rule", "landslide-72h/3")],
    }
}

fn earlier() -> Reference {
    Reference {
        sender: "defesacivil@example.org".into(),
        identifier: "urn:oid:2.49.0.0.76.3136702.2026.6".into(),
        sent: CapTime::parse("2026-02-23T20:00:00-03:00").unwrap(),
    }
}

#[test]
fn a_whole_message_reads_like_this() {
    insta::assert_snapshot!(write(&build(&input())), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
      <identifier>urn:oid:2.49.0.0.76.3136702.2026.7</identifier>
      <sender>defesacivil@example.org</sender>
      <sent>2026-02-23T21:40:00-03:00</sent>
      <status>Actual</status>
      <msgType>Alert</msgType>
      <scope>Public</scope>
      <info>
        <language>pt-BR</language>
        <category>Geo</category>
        <event>Deslizamentos</event>
        <responseType>Evacuate</responseType>
        <urgency>Immediate</urgency>
        <severity>Extreme</severity>
        <certainty>Likely</certainty>
        <eventCode>
          <valueName>COBRADE</valueName>
          <value>1.1.3.2.1</value>
        </eventCode>
        <eventCode>
          <valueName>OET:v1.2</valueName>
          <value>OET-119</value>
        </eventCode>
        <effective>2026-02-23T21:40:00-03:00</effective>
        <expires>2026-02-24T03:40:00-03:00</expires>
        <senderName>Defesa Civil de Juiz de Fora</senderName>
        <headline>Risco muito alto de deslizamento em Bom Pastor</headline>
        <description>Choveu 120 mm em 24 h &amp; o solo está encharcado.</description>
        <instruction>1. Saia de casa agora.
    2. Ligue 199.</instruction>
        <web>https://alertas.example.org/alerts/urn:oid:2.49.0.0.76.3136702.2026.7.xml</web>
        <contact>199</contact>
        <parameter>
          <valueName>level</valueName>
          <value>maximum</value>
        </parameter>
        <parameter>
          <valueName>rule</valueName>
          <value>landslide-72h/3</value>
        </parameter>
        <parameter>
          <valueName>IBGE</valueName>
          <value>3136702</value>
        </parameter>
        <area>
          <areaDesc>Bom Pastor</areaDesc>
          <polygon>-21.77,-43.361235 -21.77,-43.35 -21.78,-43.35 -21.77,-43.361235</polygon>
          <geocode>
            <valueName>AREA</valueName>
            <value>JF-012</value>
          </geocode>
        </area>
      </info>
    </alert>
    "#);
}

/// An area is the union of what describes it.
#[test]
fn the_municipality_is_named_as_ground_only_where_there_is_no_other() {
    let codes = |areas: Vec<BuildArea>| {
        let alert = build(&BuildInput { areas, ..input() });
        let area = &alert.infos[0].areas[0];
        assert!(alert.infos[0].parameters.contains(&NamedValue::new("IBGE", "3136702")));
        area.geocodes.iter().map(|code| code.name.clone()).collect::<Vec<_>>()
    };
    let sector = input().areas.remove(0);
    assert_eq!(codes(vec![sector.clone()]), ["AREA"]);
    let circle = Circle { centre: Point { lat: -21.7, lon: -43.3 }, radius_km: 1.0 };
    let none = MultiPolygon(Vec::new());
    let drawn = BuildArea { area_code: String::new(), ..sector };
    assert_eq!(codes(vec![BuildArea { polygons: none.clone(), circle: Some(circle), ..drawn.clone() }]), [""; 0]);
    assert_eq!(codes(vec![BuildArea { polygons: none, ..drawn }]), ["IBGE"]);
}

#[test]
fn every_kind_and_level_is_lawful_and_valid() {
    for kind in AlertKind::ALL {
        for level in [Level::Observation, Level::Attention, Level::Alert, Level::Maximum] {
            for code in ["1.1.3.2.1", "1.2.1.0.0", "1.2.2.0.0", "1.2.3.0.0", "1.3.2.1.4", "2.4.2.0.0"] {
                let references = if kind == AlertKind::Alert { Vec::new() } else { vec![earlier()] };
                let alert = build(&BuildInput { kind, level, cobrade: code.parse().unwrap(), references, ..input() });
                assert_eq!((check(&alert), check_public(&alert), advise(&alert)), (vec![], vec![], vec![]));
                assert_eq!(parse(&write(&alert)).unwrap(), alert);
            }
        }
        let references = if kind == AlertKind::Alert { Vec::new() } else { vec![earlier()] };
        if let Err(message) = judge(&write(&build(&BuildInput { kind, references, ..input() }))) {
            panic!("{kind}: {message}");
        }
    }
}

#[test]
fn the_all_clear_is_an_update_that_says_so_and_a_cancel_claims_nothing() {
    let clear = build(&BuildInput { kind: AlertKind::AllClear, references: vec![earlier()], ..input() });
    assert_eq!(clear.msg_type, MsgType::Update);
    assert_eq!(clear.infos[0].response_types, [ResponseType::AllClear]);
    assert_eq!(clear.infos[0].urgency, Urgency::Past);
    let cancel = build(&BuildInput { kind: AlertKind::Cancel, references: vec![earlier()], ..input() });
    assert_eq!(cancel.msg_type, MsgType::Cancel);
    assert_eq!(cancel.infos[0].response_types, [ResponseType::None]);
}

#[test]
fn each_language_is_an_info_of_the_same_event() {
    let translations = vec![
        Translation {
            language: "en".into(),
            headline: "Very high risk of landslide".into(),
            description: "The soil is soaked.".into(),
            instruction: "1. Leave now.".into(),
        },
        Translation {
            language: "es".into(),
            headline: "Riesgo muy alto de deslizamiento".into(),
            description: "El suelo está saturado.".into(),
            instruction: "1. Salga ahora.".into(),
        },
    ];
    let map_picture = "https://alertas.example.org/alerts/x/map.png".to_owned();
    let alert = build(&BuildInput { translations, map_picture, ..input() });
    assert_eq!((check(&alert), advise(&alert)), (vec![], vec![]));
    let told: Vec<(&str, &str)> =
        alert.infos.iter().map(|info| (info.language.as_deref().unwrap(), info.event.as_str())).collect();
    assert_eq!(told, [("pt-BR", "Deslizamentos"), ("en", "Landslide"), ("es", "Deslizamiento")]);
    for info in &alert.infos {
        assert_eq!(info.event_codes, alert.infos[0].event_codes);
        assert_eq!(info.areas, alert.infos[0].areas);
        assert_eq!(info.resources[0].uri.as_deref(), Some("https://alertas.example.org/alerts/x/map.png"));
        assert_eq!((info.resources[0].mime_type.as_str(), &info.resources[0].size), ("image/png", &None));
    }
    assert_eq!(alert.infos[1].resources[0].description, "Map of the area");
    assert_eq!(parse(&write(&alert)).unwrap(), alert);
    assert_eq!(judge(&write(&alert)), Ok(()));
}

#[test]
fn a_circle_stands_beside_its_polygon() {
    let mut given = input();
    given.areas[0].circle = Some(Circle { centre: Point { lat: -21.771_234_56, lon: -43.35 }, radius_km: 1.500_4 });
    let alert = build(&given);
    let area = &alert.infos[0].areas[0];
    assert_eq!((area.circles[0].as_str(), area.polygons.len()), ("-21.771235,-43.35 1.5", 1));
    assert_eq!(check(&alert), []);
}

#[test]
fn what_is_not_real_says_so_in_its_identifier_and_its_note() {
    let of = |status| identifier("3136702", 2026, 7, [0x1a, 0x2b, 0x3c, 0x4d], status);
    assert_eq!(of(Status::Actual), "BR-3136702-2026-0007-1a2b3c4d");
    for (status, mark, word) in
        [(Status::Exercise, "-EX", "EXERCÍCIO"), (Status::Test, "-TS", "TESTE"), (Status::System, "-SY", "SISTEMA")]
    {
        assert!(of(status).ends_with(mark), "{status}");
        for kind in [AlertKind::Alert, AlertKind::Cancel, AlertKind::AllClear] {
            let note = build(&BuildInput { status, kind, references: vec![earlier()], ..input() }).note.unwrap();
            assert!(note.starts_with(word) && note.contains("Não há perigo real"), "{note}");
        }
    }
    assert_eq!(build(&input()).note, None);
    assert!(build(&BuildInput { kind: AlertKind::Cancel, ..input() }).note.unwrap().contains("por engano"));
}

proptest::proptest! {
    /// Two installations of one town that count alike, and one installation that counts on, never meet.
    #[test]
    fn identifiers_do_not_collide(
        a in (2020_i32..2100, 1_i32..20_000, proptest::array::uniform4(0_u8..)),
        b in (2020_i32..2100, 1_i32..20_000, proptest::array::uniform4(0_u8..)),
    ) {
        let of = |(year, count, salt): (i32, i32, [u8; 4])| identifier("3136702", year, count, salt, Status::Actual);
        proptest::prop_assert_eq!(of(a) == of(b), a == b);
        proptest::prop_assert!(!of(a).contains([' ', ',', '<', '&']));
    }
}

#[test]
fn an_update_without_references_is_caught_before_it_leaves() {
    let update = build(&BuildInput { kind: AlertKind::Update, ..input() });
    assert!(check(&update).iter().any(|problem| problem.path == "alert/references"));
}

#[test]
fn higher_levels_are_never_milder() {
    for code in ["1.1.3.2.1", "1.2.1.0.0", "2.4.2.0.0"] {
        let of = |level| assess(AlertKind::Alert, level, code.parse().unwrap());
        let levels = [Level::Maximum, Level::Alert, Level::Attention, Level::Observation];
        let severities: Vec<Severity> = levels.map(|level| of(level).severity).to_vec();
        assert_eq!(severities, [Severity::Extreme, Severity::Severe, Severity::Moderate, Severity::Minor]);
        assert_eq!(of(Level::Maximum).urgency, Urgency::Immediate);
    }
    assert_eq!(assess(AlertKind::Alert, Level::Maximum, "1.1.3.2.1".parse().unwrap()).certainty, Certainty::Likely);
    assert_eq!(assess(AlertKind::Alert, Level::Maximum, "1.2.1.0.0".parse().unwrap()).certainty, Certainty::Observed);
}

/// A wavy ring of `points` points around Juiz de Fora, about 2 km across.
fn wavy(points: u32) -> Polygon<f64> {
    let point = |i: u32| {
        let angle = f64::from(i) / f64::from(points) * std::f64::consts::TAU;
        let radius = 0.01 + 0.001 * (angle * 40.0).sin();
        (-43.35 + radius * angle.cos(), -21.76 + radius * angle.sin())
    };
    Polygon::new((0..points).map(point).collect(), Vec::new())
}

#[test]
fn a_detailed_outline_is_thinned_and_stays_lawful() {
    let shape = wavy(5000);
    let thin = ring(&shape).unwrap();
    assert!(thin.len() <= MAX_POINTS && thin.len() > 80, "{}", thin.len());
    assert_eq!(ring_flaw(&thin), None);
    let back = Polygon::new(thin.iter().map(|p| (p.lon, p.lat)).collect(), Vec::new());
    let change = (back.unsigned_area() - shape.unsigned_area()).abs() / shape.unsigned_area();
    assert!(change < 0.1, "area changed by {change}");
    let (a, b) = (back.bounding_rect().unwrap(), shape.bounding_rect().unwrap());
    assert!((a.min().x - b.min().x).abs() < 0.002 && (a.max().y - b.max().y).abs() < 0.002);
}

#[test]
fn a_crossed_outline_becomes_its_hull_and_a_speck_disappears() {
    let bow_tie = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 1.0), (x: 1.0, y: 0.0), (x: 0.0, y: 1.0)];
    let hull = ring(&bow_tie).unwrap();
    assert_eq!((ring_flaw(&hull), hull.len()), (None, 5));
    let speck = polygon![(x: 0.0, y: 0.0), (x: 1e-8, y: 0.0), (x: 0.0, y: 1e-8)];
    assert_eq!(ring(&speck), None);
}

#[test]
fn coordinates_have_at_most_six_decimals_and_the_latitude_first() {
    let alert = build(&input());
    let first = alert.infos[0].areas[0].polygons[0].get()[0];
    assert_eq!((first.lat.to_string(), first.lon.to_string()), ("-21.77".into(), "-43.361235".into()));
}
