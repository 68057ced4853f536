//! Occurrences at work: taken at the desk, moved on, joined and parted, put under an incident, noted, exported, and handed over.

use axum::http::StatusCode;
use sentinela::accounts::Role;
use sentinela::occurrences::worker;

use super::*;

const KEY: &str = "0123456789abcdef-";

/// A call from Bom Pastor, some metres north.
fn call<'a>(key: &'a str, lat: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let base = [
        ("id", key),
        ("kind", "landslide"),
        ("place", "Rua A, 20"),
        ("lat", lat),
        ("lon", "-43.395"),
        ("accuracy_m", "8"),
    ];
    [&base, more].concat()
}

impl Site {
    /// Takes a call that is another thing than all that is known; the page of its occurrence.
    async fn call(&self, n: u32, north_m: f64, more: &[(&str, &str)]) -> String {
        let (key, (lat, _)) = (format!("{KEY}{n}"), place(north_m));
        let fields = call(&key, &lat, &[&[("into", "new")], more].concat());
        let answer = self.act("/console/occurrences/new", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.location
    }

    async fn done(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.act(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        answer
    }
}

#[tokio::test]
async fn a_call_is_a_case_with_its_urgency_and_what_is_near_is_shown_before_a_second_one() {
    let site = Site::new().await;
    let (lat, _) = place(0.0);
    let needs =
        [("people", "3"), ("need_carried", "yes"), ("text", "tem gente soterrada"), ("contact", "32 99999-1111")];
    let key = format!("{KEY}1");
    let first = site.done("/console/occurrences/new", &call(&key, &lat, &needs)).await.location;
    let stored = "select r.source || ' ' || r.standing || ' ' || c.kind || ' ' || (select count(*) from report_contact)
        from report r join report_cause c on c.report_id = r.id";
    assert_eq!(site.text(stored).await, ["desk contact call 1"]);
    assert_eq!(
        site.text("select priority || ' ' || people_at_risk || ' ' || needs::text from occurrence").await,
        ["1 3 {carried}"]
    );
    let page = site.page(&first).await;
    assert!(page.text.contains("soterrad") && page.text.contains("Pessoas em perigo: 3"), "{}", page.text);
    // Sent again it is the same one.
    assert_eq!(site.done("/console/occurrences/new", &call(&key, &lat, &[("into", "new")])).await.location, first);
    // A second call from thirty metres away shows it, and keeps nothing until somebody says.
    let ((lat, _), key) = (place(30.0), format!("{KEY}2"));
    let asked = site.act("/console/occurrences/new", &call(&key, &lat, &[("text", "caiu mais")])).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert!(asked.text.contains("2026/001") && asked.text.contains("caiu mais"), "{}", asked.text);
    assert_eq!(site.number("select count(*) from report").await, 1);
    let id = first.strip_prefix("/console/reports/").unwrap();
    let joined = site.done("/console/occurrences/new", &call(&key, &lat, &[("text", "caiu mais"), ("into", id)])).await;
    assert_eq!((joined.location, site.number("select count(*) from report_standing").await), (first.clone(), 2));
    // What is over takes nothing more in.
    site.done(&format!("{first}/decide"), &[("to", "dismissed"), ("reason", "era engano")]).await;
    let key = format!("{KEY}3");
    let over = site.act("/console/occurrences/new", &call(&key, &lat, &[("into", id)])).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn wrong_fields_of_a_call_are_named_and_keep_their_words() {
    let site = Site::new().await;
    let key = format!("{KEY}1");
    let wrong = [("people", "muitas"), ("text", "ouvi um estalo"), ("priority", "1"), ("priority_reason", "")];
    let refused = site.act("/console/occurrences/new", &call(&key, "-21.75", &wrong)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("ouvi um estalo"), "{}", refused.text);
    for said in ["Pessoas em perigo: um número", "Diga por que a prioridade"] {
        assert!(refused.text.contains(said), "{}", refused.text);
    }
    let unknown = site
        .act("/console/occurrences/new", &call(&key, "-21.75", &[("origin", "alert"), ("alert", "2026/999")]))
        .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(site.number("select count(*) from report").await, 0);
}

#[tokio::test]
async fn what_a_rule_raised_is_linked_as_it_stood_and_is_no_witness_for_the_rules() {
    let site = Site::new().await;
    sqlx::raw_sql(
        "insert into level_transition (area_id, cobrade, from_level, to_level, at, journal_seq, rule_id, rule_version, reasons)
         select id, '1.1.3.2.1', 'normal', 'alert', '2026-02-22T11:00:00Z', 1, 'chuva', 3, '[]' from risk_area where code = 'bom-pastor'",
    )
    .execute(&site.db.pool)
    .await
    .unwrap();
    let form = site.page("/console/occurrences/new?area=bom-pastor").await;
    assert!(form.text.contains("Bom Pastor") && form.text.contains("value=\"level\" checked"), "{}", form.text);
    let key = format!("{KEY}1");
    let fields = [
        ("id", key.as_str()),
        ("origin", "level"),
        ("area", "bom-pastor"),
        ("kind", "landslide"),
        ("place", "Bom Pastor"),
    ];
    let taken = site.done("/console/occurrences/new", &fields).await;
    let cause =
        site.text("select kind || ' ' || (detail ->> 'to') || ' ' || (detail ->> 'rule') from report_cause").await;
    assert_eq!(cause, ["level alert chuva"]);
    assert_eq!(site.text("select weight::text from report_standing").await, ["0"]);
    site.done(&format!("{}/decide", taken.location), &[("to", "confirmed")]).await;
    assert_eq!(site.text("select weight::text from report_standing").await, ["0"]);
    assert!(site.page(&taken.location).await.text.contains("Nível de uma área: Bom Pastor"));
}

#[tokio::test]
async fn a_case_is_worked_to_its_end_on_the_board_and_no_step_is_skipped() {
    let site = Site::new().await;
    let case = site.call(1, 0.0, &[]).await;
    let decide = format!("{case}/decide");
    let skipped = site.act(&decide, &[("to", "on_scene")]).await;
    assert_eq!(skipped.status, StatusCode::CONFLICT);
    let board = "/console/occurrences?view=board";
    for (fields, state) in [
        (vec![("to", "confirmed")], "confirmed"),
        (vec![("to", "dispatched"), ("unit", "VTR 02")], "dispatched"),
        (vec![("to", "on_scene")], "on_scene"),
        (vec![("to", "resolved"), ("reason", "barranco contido")], "resolved"),
        (vec![("to", "closed"), ("reason", "vistoria feita")], "closed"),
    ] {
        let back = site.done(&decide, &[fields, vec![("back", board)]].concat()).await;
        assert_eq!(back.location, board);
        assert_eq!(site.text("select state from occurrence").await, [state]);
    }
    // No other site is ever the way back.
    let elsewhere =
        site.done(&decide, &[("to", "new"), ("reason", "voltou a cair"), ("back", "//exemplo.invalid")]).await;
    assert_eq!(elsewhere.location, case);
    let told = site.text("select kind from occurrence_event order by id").await;
    assert_eq!(told, ["reported", "confirmed", "dispatched", "on_scene", "resolved", "closed", "new"]);
    let page = site.page(&case).await;
    assert!(page.text.contains("VTR 02") && page.text.contains("barranco contido"), "{}", page.text);
}

#[tokio::test]
async fn urgency_rises_while_it_waits_and_a_person_overrules_it_with_a_reason() {
    let site = Site::new().await;
    let case = site.call(1, 0.0, &[("kind", "waterlogging")]).await;
    let priority = "select priority || ' ' || priority_rule || ' ' || priority_points from occurrence";
    assert_eq!(site.text(priority).await, ["3 3 31"]);
    assert_eq!(worker::once(&site.app, site.app.clock.now()).await.unwrap(), 0);
    assert_eq!(worker::once(&site.app, site.pass(16)).await.unwrap(), 1);
    assert_eq!(site.text(priority).await, ["3 3 36"]);
    let without = site.act(&format!("{case}/priority"), &[("priority", "4")]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    site.done(&format!("{case}/priority"), &[("priority", "4"), ("reason", "já isolado")]).await;
    assert!(site.page(&case).await.text.contains("já isolado"));
    // Whoever works keeps the session.
    site.pass(100);
    site.page(&case).await;
    assert_eq!(worker::once(&site.app, site.pass(65)).await.unwrap(), 1);
    assert_eq!(site.text(priority).await, ["4 2 46"]);
    site.done(&format!("{case}/priority"), &[("priority", ""), ("reason", "chove de novo")]).await;
    assert_eq!(site.text(priority).await, ["2 2 46"]);
    // Once somebody was sent, nobody waits.
    site.done(&format!("{case}/decide"), &[("to", "dispatched"), ("unit", "VTR 02")]).await;
    worker::once(&site.app, site.pass(1)).await.unwrap();
    assert_eq!(site.text(priority).await, ["3 3 31"]);
    assert_eq!(worker::once(&site.app, site.pass(600)).await.unwrap(), 0);
}

#[tokio::test]
async fn an_incident_holds_cases_that_are_proposed_attached_and_taken_out_with_a_trace_on_both() {
    let site = Site::new().await;
    let (first, second) = (site.call(1, 0.0, &[]).await, site.call(2, 900.0, &[]).await);
    let incident = site.done(&format!("{first}/incident"), &[("title", "Chuva de fevereiro")]).await.location;
    let page = site.page(&second).await;
    assert!(page.text.contains("Chuva de fevereiro") && page.text.contains("mesmo desastre"), "{}", page.text);
    site.done(&format!("{second}/attach"), &[("incident", "2026/001")]).await;
    let twice = site.act(&format!("{second}/attach"), &[("incident", "2026/001")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let held = site.page(&incident).await;
    assert!(held.text.contains("2 em andamento de 2") && held.text.contains("class=\"case p2\""), "{}", held.text);
    assert!(site.page(&format!("{incident}?only=occurrences")).await.text.contains("Ocorrência 2026/002 entrou"));
    assert!(!site.page(&format!("{incident}?only=notes")).await.text.contains("Ocorrência 2026/002 entrou"));
    let without = site.act(&format!("{second}/detach"), &[]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    site.done(&format!("{second}/detach"), &[("reason", "é outra encosta")]).await;
    site.done(&format!("{incident}/attach"), &[("occurrence", "2026/002")]).await;
    let lines = site.text("select kind from incident_entry order by id").await;
    assert_eq!(lines, ["opened", "attached", "detached", "attached"]);
    site.done(&format!("{second}/detach"), &[("reason", "é outra encosta")]).await;
    site.done(&format!("{incident}/close"), &[("text", "acabou")]).await;
    let closed = site.act(&format!("{second}/attach"), &[("incident", "2026/001")]).await;
    assert_eq!(closed.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_was_reported_is_put_under_no_exercise_by_number_either() {
    let site = Site::new().await;
    let case = site.call(1, 0.0, &[]).await;
    // What the database says of an incident whose alerts are of an exercise.
    sqlx::query(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
         values (gen_random_uuid(), '2026/900', 'Simulado', '1.1.3.2.1', 'open', now(), 'ana')",
    )
    .execute(&site.db.pool)
    .await
    .unwrap();
    sqlx::query("create or replace function incident_is_drill(wanted uuid) returns boolean language sql stable as 'select true'")
        .execute(&mut site.db.owner().await)
        .await
        .unwrap();
    let refused = site.act(&format!("{case}/attach"), &[("incident", "2026/900")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("é um exercício"), "{}", refused.text);
    assert_eq!(site.text("select count(*)::text from occurrence where incident_id is not null").await, ["0"]);
}

#[tokio::test]
async fn several_reports_are_split_together_and_one_stays() {
    let site = Site::new().await;
    let case = site.call(1, 0.0, &[("text", "um")]).await;
    let id = case.rsplit('/').next().unwrap().to_owned();
    for (n, kind) in [(2, "cracks"), (3, "landslide")] {
        let (key, (lat, _)) = (format!("{KEY}{n}"), place(0.0));
        let mut fields = call(&key, &lat, &[("into", id.as_str())]);
        fields[1] = ("kind", kind);
        site.done("/console/occurrences/new", &fields).await;
    }
    let reports = site.text("select report_id::text from report_standing s join report r on r.id = s.report_id order by r.received_at, r.id").await;
    assert_eq!(reports.len(), 3);
    let path = format!("{case}/split");
    let marked = |ids: &[String]| ids.iter().map(|id| ("report", id.clone())).collect::<Vec<_>>();
    let send = async |ids: &[String]| {
        let fields = marked(ids);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, id)| (*name, id.as_str())).collect();
        site.act(&path, &fields).await
    };
    assert_eq!(send(&[]).await.status, StatusCode::BAD_REQUEST, "none is marked");
    assert_eq!(send(&reports).await.status, StatusCode::CONFLICT, "one stays");
    let strange = [reports[0].clone(), uuid::Uuid::nil().to_string()];
    assert_eq!(send(&strange).await.status, StatusCode::NOT_FOUND);
    let split = send(&reports[1..]).await;
    assert_eq!(split.status, StatusCode::SEE_OTHER, "{}", split.text);
    let counts = "select o.number || ' ' || count(*) from report_standing s join occurrence o on o.id = s.occurrence_id group by o.number order by 1";
    assert_eq!(site.text(counts).await, ["2026/001 1", "2026/002 2"]);
    assert_eq!(site.text("select kind from occurrence order by number").await[1], "landslide", "the most dangerous");
    let again = send(&reports[1..]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "they stand there no more");
}

#[tokio::test]
async fn notes_call_people_and_are_corrected_by_new_lines_that_point_to_them() {
    let mut site = Site::new().await;
    site.become_one(Role::Coordinator).await;
    sqlx::raw_sql("update staff set email = username || '@exemplo.invalid'").execute(&site.db.pool).await.unwrap();
    let case = site.call(1, 0.0, &[]).await;
    let incident = site.done(&format!("{case}/incident"), &[("title", "Chuva")]).await.location;
    site.done(&format!("{incident}/note"), &[("text", "@operator a rua B está fechada, @ninguem e @coordinator")])
        .await;
    let line = site.text("select id::text from incident_entry where kind = 'note'").await.remove(0);
    site.done(&format!("{incident}/note"), &[("text", "é a rua C"), ("corrects", &line)]).await;
    let twice = site.act(&format!("{incident}/note"), &[("text", "rua D"), ("corrects", &line)]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "the correction is what is corrected next");
    let opened = site.text("select id::text from incident_entry where kind = 'opened'").await.remove(0);
    let own = site.act(&format!("{incident}/note"), &[("text", "não"), ("corrects", &opened)]).await;
    assert_eq!(own.status, StatusCode::CONFLICT, "what the service wrote is nobody's to correct");
    let page = site.page(&incident).await;
    assert!(page.text.contains("<s>@operator a rua B") && page.text.contains("é a rua C"), "{}", page.text);
    site.done(&format!("{case}/note"), &[("text", "@operator veja o caso")]).await;
    // One line of each for the one who exists and is somebody else; the letter keeps the words to itself.
    let notices =
        site.text("select address || ' ' || body from notice where purpose = 'mention' order by created_at, id").await;
    assert_eq!(notices.len(), 2);
    assert!(
        notices.iter().all(|one| one.starts_with("operator@") && one.contains("/console/") && !one.contains("rua")),
        "{notices:?}"
    );
    assert!(!site.page("/console").await.text.contains("id=\"mentions\""));
    site.become_one(Role::Operator).await;
    assert!(site.page("/console").await.text.contains("id=\"mentions\""));
    let list = site.page("/console/mentions").await;
    assert!(list.text.contains("a rua B está fechada") && list.text.contains("veja o caso"), "{}", list.text);
    site.done("/console/mentions", &[]).await;
    assert!(!site.page("/console").await.text.contains("id=\"mentions\""));
}

#[tokio::test]
async fn a_shift_is_handed_over_by_two_people_and_what_was_given_stays() {
    let mut site = Site::new().await;
    let case = site.call(1, 0.0, &[]).await;
    site.done(&format!("{case}/note"), &[("text", "vizinhos avisados")]).await;
    site.pass(5);
    let note = site.done("/console/shift-notes", &[]).await.location;
    assert_eq!(site.act("/console/shift-notes", &[]).await.status, StatusCode::CONFLICT, "one draft at a time");
    let page = site.page(&note).await;
    assert!(page.text.contains("vizinhos avisados") && page.text.contains("P2 · 2026/001"), "{}", page.text);
    site.done(&note, &[("act", "edit"), ("revision", "1"), ("body", "Falta vistoriar a rua A.")]).await;
    let stale = site.act(&note, &[("act", "edit"), ("revision", "1"), ("body", "Outro texto.")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    site.done(&note, &[("act", "give"), ("revision", "2")]).await;
    assert_eq!(site.act(&note, &[("act", "take")]).await.status, StatusCode::CONFLICT, "the same person");
    site.become_one(Role::Coordinator).await;
    site.done(&note, &[("act", "take"), ("remark", "Ciente.")]).await;
    let signed = "select given_by || ' ' || taken_by || ' ' || body || ' ' || remark from shift_note";
    assert_eq!(site.text(signed).await, ["operator coordinator Falta vistoriar a rua A. Ciente."]);
    let rewritten = sqlx::query("update shift_note set body = 'nada'").execute(&site.db.pool).await;
    assert!(rewritten.unwrap_err().to_string().contains("is not rewritten"));
    // The next one begins where this one ended.
    site.pass(60);
    site.done("/console/shift-notes", &[]).await;
    let spans = "select (max(from_at) = min(until_at))::text from shift_note";
    assert_eq!(site.text(spans).await, ["true"]);
    assert!(
        !site.page("/console/shift-notes").await.text.contains("name=\"from\""),
        "while one is drafted no other begins"
    );
}

#[tokio::test]
async fn the_public_sees_confirmed_cases_at_their_neighbourhood_and_finds_no_house_by_small_boxes() {
    let site = Site::new().await;
    let (case, _) = (
        site.call(1, 400.0, &[("text", "casa da Maria"), ("contact", "32 99999-1111")]).await,
        site.call(2, 0.0, &[]).await,
    );
    site.done(&format!("{case}/decide"), &[("to", "confirmed")]).await;
    site.done(&format!("{case}/incident"), &[("title", "Casa da Maria")]).await;
    let items = site.ask("GET", "/ogc/collections/occurrences/items", &[], vec![]).await;
    let found = items.json();
    assert_eq!(found["numberMatched"], 1, "{}", items.text);
    assert_eq!(found["features"][0]["properties"]["neighbourhood"], "Bom Pastor");
    assert_eq!(found["features"][0]["geometry"]["coordinates"], json!([-43.395, -21.75]));
    let incidents = site.ask("GET", "/ogc/collections/incidents/items", &[], vec![]).await;
    assert_eq!(incidents.json()["features"][0]["properties"]["occurrences"], 1, "{}", incidents.text);
    for answer in [&items, &incidents] {
        assert!(
            !answer.text.contains("Maria") && !answer.text.contains("Rua A") && !answer.text.contains("99999"),
            "{}",
            answer.text
        );
    }
    let (lat, _) = place(400.0);
    let lat: f64 = lat.parse().unwrap();
    let house = format!("-43.3951,{:.5},-43.3949,{:.5}", lat - 0.0001, lat + 0.0001);
    let near = site.ask("GET", &format!("/ogc/collections/occurrences/items?bbox={house}"), &[], vec![]).await;
    assert_eq!(near.json()["numberMatched"], 0);
    let one = site.ask("GET", "/ogc/collections/occurrences/items/2026-001", &[], vec![]).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.text);
    assert_eq!(
        site.ask("GET", "/ogc/collections/occurrences/items/2026-002", &[], vec![]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_sheet_has_the_cases_of_the_filters_and_no_formula_of_strangers() {
    let site = Site::new().await;
    site.call(1, 0.0, &[("text", "=HYPERLINK(\"x\")"), ("contact", "32 99999-1111")]).await;
    site.call(2, 900.0, &[("kind", "fire"), ("text", "fogo")]).await;
    let all = site.page("/console/occurrences.csv").await;
    assert_eq!((all.status, all.text.lines().count()), (StatusCode::OK, 3), "{}", all.text);
    assert!(all.text.contains("'=HYPERLINK") && !all.text.contains("99999"), "{}", all.text);
    let one = site.page("/console/occurrences.csv?area=bom-pastor&state=new&hazard=1.1.3.2.1&priority=2&age=1h").await;
    assert_eq!(one.text.lines().count(), 2, "{}", one.text);
    assert_eq!(site.page("/console/occurrences.csv?mine=yes").await.text.lines().count(), 1);
    assert_eq!(site.number("select count(*) from audit_event where act = 'occurrences.export'").await, 3);
}

#[tokio::test]
async fn programs_take_and_work_a_case_over_the_api() {
    let site = Site::new().await;
    let token = site.token(Role::Operator).await;
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let send = async |path: &str, body: Value| site.ask("POST", path, &headers, body.to_string().into_bytes()).await;
    let new = json!({ "id": format!("{KEY}1"), "kind": "landslide", "lat": -21.75, "lon": -43.395, "people": 2, "needs": ["oxygen"] });
    let taken = send("/api/v1/occurrences", new.clone()).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text);
    assert_eq!(send("/api/v1/occurrences", new).await.status, StatusCode::OK);
    let wrong = send("/api/v1/occurrences", json!({ "id": "x", "kind": "rain", "needs": ["gold"] })).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("needs")));
    let case = format!("/api/v1/occurrences/{}", taken.json()["id"].as_str().unwrap());
    let acts = format!("{case}/acts");
    for (body, status) in [
        (json!({ "act": "dispatch", "unit": "VTR 02" }), 204),
        (json!({ "act": "close", "reason": "feito" }), 409),
        (json!({ "act": "resolve" }), 400),
        (json!({ "act": "assign", "assignee": "ninguem" }), 400),
        (json!({ "act": "assign", "assignee": "operator" }), 204),
        (json!({ "act": "attach", "incident": uuid::Uuid::nil() }), 404),
        (json!({ "act": "note", "text": "a caminho" }), 204),
        (json!({ "act": "prioritise", "priority": 1, "reason": "oxigênio acabando" }), 204),
        (json!({ "act": "dance" }), 400),
    ] {
        let answer = send(&acts, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
    }
    let shown = site.ask("GET", &case, &headers, vec![]).await.json();
    let wanted = json!(["dispatched", 1, "VTR 02", "operator"]);
    assert_eq!(json!([shown["state"], shown["priority"], shown["unit"], shown["assignee"]]), wanted, "{shown}");
}
