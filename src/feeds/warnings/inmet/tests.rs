use super::*;

const SAMPLE: &str = include_str!("../../../../tests/data/feeds/inmet_avisos_ativos_part.json");

/// The recorded warning with other fields beside its own.
fn with(fields: &str) -> Parsed {
    let first = SAMPLE.replacen("\"id_sequencia\"", &format!("{fields}, \"id_sequencia\""), 1);
    parse(first.as_bytes()).unwrap()
}

#[test]
fn the_recorded_answer_is_read() {
    let parsed = parse(SAMPLE.as_bytes()).unwrap();
    assert_eq!((parsed.warnings.len(), parsed.problems.len()), (1, 0));
    let warning = &parsed.warnings[0];
    assert_eq!(warning.identifier, "urn:oid:2.49.0.0.76.0.2026.28277.2");
    assert_eq!((warning.series.as_str(), warning.revision), ("urn:oid:2.49.0.0.76.0.2026.28277", 2));
    assert_eq!((warning.level.as_str(), warning.colour.as_str()), ("Perigo Potencial", "#FFFE00"));
    assert_eq!((warning.severity, warning.msg_type), (Severity::Moderate, MsgType::Update));
    assert_eq!(warning.headline, "Tempestade: Perigo Potencial");
    assert!(warning.description.starts_with("Chuva entre 20 e 30"), "{}", warning.description);
    // The last part of `referencia` is Brasília's.
    assert_eq!(warning.sent_at.to_rfc3339(), "2026-09-16T03:00:01+00:00");
}

#[test]
fn a_date_that_ends_in_z_is_a_date_of_brasilia_and_holds_to_its_end() {
    let warning = parse(SAMPLE.as_bytes()).unwrap().warnings.remove(0);
    assert_eq!(warning.onset_at.unwrap().to_rfc3339(), "2026-09-19T03:00:00+00:00");
    assert_eq!(warning.expires_at.unwrap().to_rfc3339(), "2026-09-21T02:59:59+00:00");
}

#[test]
fn hours_stand_beside_the_date_or_in_one_with_it() {
    for fields in [
        r#""hora_inicio": "10:30", "hora_fim": "23:00""#,
        r#""inicio": "2026-09-19 10:30", "fim": "2026-09-20 23:00""#,
        r#""inicio": "2026-09-19 10:30:00.0", "fim": "2026-09-20 23:00:00""#,
    ] {
        let warning = with(fields).warnings.remove(0);
        assert_eq!(warning.onset_at.unwrap().to_rfc3339(), "2026-09-19T13:30:00+00:00", "{fields}");
        assert_eq!(warning.expires_at.unwrap().to_rfc3339(), "2026-09-21T02:00:00+00:00", "{fields}");
    }
}

#[test]
fn municipalities_come_as_a_list_with_commas_and_the_polygon_as_text() {
    let parsed =
        with(r#""geocodes": "3136702,4202404, 3136702", "poligono": "POLYGON((-44 -22,-43 -22,-43 -21,-44 -22))""#);
    assert_eq!(parsed.warnings[0].geocodes, ["3136702", "4202404"]);
    assert_eq!(parsed.warnings[0].polygons.0.len(), 1);
    let broken = with(r#""poligono": "POLYGON((-44 -22,""#);
    assert_eq!((broken.warnings.len(), broken.problems[0].field.as_str()), (1, "hoje[0].poligono"));
}

#[test]
fn each_colour_has_its_word_and_either_may_be_missing() {
    for (colour, word, severity) in INMET_LEVELS {
        let body =
            SAMPLE.replace("#FFFE00", colour).replace("\"severidade\": \"Perigo Potencial\"", "\"severidade\": null");
        let warning = parse(body.as_bytes()).unwrap().warnings.remove(0);
        assert_eq!((warning.level.as_str(), warning.severity), (word, severity));
        let body = SAMPLE.replace("#FFFE00", "").replace("Perigo Potencial", word);
        let warning = parse(body.as_bytes()).unwrap().warnings.remove(0);
        assert_eq!((warning.level.as_str(), warning.severity), (word, severity));
    }
}

#[test]
fn what_is_over_is_a_cancel_and_what_stands_in_both_lists_is_one() {
    let over = parse(SAMPLE.replace("\"encerrado\": false", "\"encerrado\": true").as_bytes()).unwrap();
    assert_eq!(over.warnings[0].msg_type, MsgType::Cancel);
    let record: Value = serde_json::from_str(SAMPLE).unwrap();
    let both = serde_json::json!({ "hoje": record["hoje"], "futuro": record["hoje"] });
    assert_eq!(parse(both.to_string().as_bytes()).unwrap().warnings.len(), 1);
}

#[test]
fn a_bad_record_is_named_and_its_neighbours_live() {
    let record: Value = serde_json::from_str(SAMPLE).unwrap();
    let good = &record["hoje"][0];
    let mut undated = good.clone();
    undated["data_fim"] = "amanhã".into();
    let body = serde_json::json!({ "hoje": [7, {"codigo": 1}, undated, good] });
    let parsed = parse(body.to_string().as_bytes()).unwrap();
    let fields: Vec<_> = parsed.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["hoje[0]", "hoje[1].codigo", "hoje[2].data_fim"]);
    assert_eq!(parsed.warnings.len(), 1);
    for body in ["", "[]", "{}", "{\"hoje\": 7}", "<html>"] {
        assert_eq!(parse(body.as_bytes()).unwrap_err().field, "document", "{body}");
    }
}
