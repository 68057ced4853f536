//! The case engine: types as files, numbers, ledger, deadlines.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::deadlines::store;
use sentinela::secretariat::kernel::Types;
use serde_json::{Value, json};

use super::{act, determination, done, due, moved, open, path};
use crate::approval::Room;
use crate::damage::ask;
use crate::support::Folder;

const TYPE: &str = r#"module = "coordination"
key = "coordination.permit"
version = 1
title = { pt = "Licença de teste", en = "Permit of a test" }
law_ref = "Lei Municipal 1/2026, art. 2"
access = "internal"
series = { prefix = "LIC" }
[opening]
deadlines = [{ do = "start", code = "permit.answer" }]
[[field]]
key = "place"
label = { pt = "Lugar", en = "Place" }
kind = "line"
required = true
[[field]]
key = "answer"
label = { pt = "Resposta", en = "Answer" }
kind = "text"
later = true
[[state]]
key = "asked"
label = { pt = "Pedida", en = "Asked for" }
[[state]]
key = "answered"
label = { pt = "Respondida", en = "Answered" }
final = true
[[transition]]
key = "answer"
label = { pt = "Responder", en = "Answer it" }
from = ["asked"]
to = "answered"
asks = ["answer"]
needs = { fields = ["answer"] }
deadlines = [{ do = "meet", code = "permit.answer" }]
[[rule]]
code = "permit.answer"
law_ref = "Lei Municipal 1/2026, art. 2"
valid_from = "2026-01-01"
anchor_event = "asked"
quantity = 3
unit = "business"
"#;

#[tokio::test]
async fn a_definition_file_alone_adds_a_type_with_pages_api_deadlines_and_audit() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("permit.toml"), TYPE).unwrap();
    let room = Room::configured(|config| config.secretariat.case_types = folder.path().display().to_string()).await;
    let carla = room.person("carla", Role::Coordination).await;
    let queue = room.page(&carla, "/secretaria/painel/articulacao-interna").await;
    assert!(queue.contains("Open: Permit of a test"), "{queue}");
    let form = room.page(&carla, "/secretaria/painel/articulacao-interna/novo/coordination.permit").await;
    assert!(form.contains("name=\"f.place\"") && !form.contains("name=\"f.answer\""), "{form}");
    let (status, refused) = room
        .post(&carla, "/secretaria/painel/articulacao-interna/novo/coordination.permit", "title=Feira&f.place=")
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused.contains("<span class=\"mono\">Place</span>") && refused.contains("value=\"Feira\""), "{refused}");
    let case = open(
        &room,
        &carla,
        "coordination",
        json!({ "type": "coordination.permit", "title": "Feira", "fields": { "place": "Praça" } }),
    )
    .await;
    assert_eq!(case["numbered"], "LIC 2026/001");
    // A Sunday: Monday, Tuesday, Wednesday.
    assert_eq!(due(&case, "permit.answer"), "2026-02-25", "{case}");
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", case["id"].as_str().unwrap());
    let page = room.page(&carla, &link).await;
    assert!(page.contains("is due on 25 Feb 2026") && page.contains("Answer it"), "{page}");
    let (status, _) = room.post(&carla, &format!("{link}/atos/answer"), "revision=1&f.answer=Sim").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let after = ask(&room, &carla, Method::GET, &path("coordination", &case, ""), Value::Null).await.1;
    assert_eq!((&after["state"], &after["deadlines"][0]["state"]), (&json!("answered"), &json!("met")), "{after}");
    let audit = room.words("select act from audit_event where object_kind = 'case' order by at, id").await;
    assert_eq!(audit, ["case.open", "case.act"]);
    let report =
        ask(&room, &carla, Method::GET, "secretariat/coordination/report?type=coordination.permit", Value::Null)
            .await
            .1;
    assert_eq!(report["in_time"][0]["met_in_time"], 1, "{report}");
    let page = room.page(&carla, "/secretaria/painel/articulacao-interna/relatorio/coordination.permit").await;
    assert!(page.contains("Answered"), "{page}");
    // The other way round: opened by the form, answered over the API.
    let (status, _) = room
        .post(&carla, "/secretaria/painel/articulacao-interna/novo/coordination.permit", "title=Circo&f.place=Campo")
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let id = room.words("select id::text from case_file where title = 'Circo'").await.remove(0);
    let circus = json!({ "id": id });
    let shown = ask(&room, &carla, Method::GET, &path("coordination", &circus, ""), Value::Null).await.1;
    assert_eq!(
        (&shown["numbered"], due(&shown, "permit.answer")),
        (&json!("LIC 2026/002"), &json!("2026-02-25")),
        "{shown}"
    );
    assert!(shown["deadlines"][0]["law_ref"] == "Lei Municipal 1/2026, art. 2", "{shown}");
    let answered =
        done(&room, &carla, "coordination", &circus, ("answer", json!({ "fields": { "answer": "Não" } }))).await;
    assert_eq!(answered["state"], "answered", "{answered}");
    // Several of them have one instant, so that no order is asked for.
    let audit = room.words("select act from audit_event where object_kind = 'case' order by act").await;
    assert_eq!(audit, ["case.act", "case.act", "case.open", "case.open"]);
}

#[tokio::test]
async fn another_text_under_a_used_version_is_refused_and_a_new_version_leaves_old_cases_as_they_were() {
    let room = Room::open(&[]).await;
    let load = |text: String| Types::of_texts([("permit.toml".to_owned(), text)]).unwrap();
    let mut conn = room.app.db.web.acquire().await.unwrap();
    let now = room.app.clock.now();
    load(TYPE.into()).register(&mut conn, &room.app.ids, now).await.unwrap();
    let changed = load(TYPE.replace("Responder", "Dar resposta"));
    let refused = changed.register(&mut conn, &room.app.ids, now).await.unwrap_err().to_string();
    assert!(refused.contains("coordination.permit was used at version 1 with another text"), "{refused}");
    let next = load(TYPE.replace("Responder", "Dar resposta").replace("version = 1", "version = 2"));
    next.register(&mut conn, &room.app.ids, now).await.unwrap();
    let old = next.version(&mut conn, "coordination.permit", 1).await.unwrap();
    assert_eq!(old.def.transition("answer").unwrap().label.pt, "Responder");
}

#[tokio::test]
async fn a_rule_that_a_new_version_says_otherwise_takes_the_place_of_the_old_one_and_what_a_person_ended_stays_ended() {
    let room = Room::open(&[]).await;
    let mut conn = room.app.db.web.acquire().await.unwrap();
    let now = room.app.clock.now();
    let on: chrono::NaiveDate = "2026-06-01".parse().unwrap();
    let version = |number: u32, days: u32| {
        let text = TYPE.replace("version = 1", &format!("version = {number}"));
        let text = text.replace("quantity = 3", &format!("quantity = {days}"));
        Types::of_texts([("permit.toml".to_owned(), text)]).unwrap()
    };
    assert_eq!(version(1, 3).register(&mut conn, &room.app.ids, now).await.unwrap(), 0);
    assert_eq!(version(2, 4).register(&mut conn, &room.app.ids, now).await.unwrap(), 1);
    assert_eq!(version(2, 4).register(&mut conn, &room.app.ids, now).await.unwrap(), 0, "once");
    assert_eq!(version(1, 3).register(&mut conn, &room.app.ids, now).await.unwrap(), 0, "never back");
    let rules = store::rules(&mut conn).await.unwrap();
    assert_eq!(rules.choose("permit.answer", on).map(|rule| rule.quantity), Some(4));
    let held: Vec<_> = rules.local.iter().filter(|one| one.rule.code == "permit.answer").collect();
    assert_eq!(held.len(), 1, "the old one is history");
    store::end_rule(&mut conn, held[0].id, (now, "olga"), "a Câmara revogou").await.unwrap();
    assert_eq!(version(3, 5).register(&mut conn, &room.app.ids, now).await.unwrap(), 0);
    assert_eq!(store::rules(&mut conn).await.unwrap().choose("permit.answer", on), None);
}

#[tokio::test]
async fn numbers_have_no_gap_under_concurrency_and_begin_anew_in_the_year_of_the_town() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let all = (0..12).map(|n| {
        let (room, carla) = (&room, &carla);
        async move {
            // One in three is refused after its number would have been drawn or before; none of them leaves a gap.
            let due_on = if n % 3 == 0 { "2020-01-01" } else { "2026-12-01" };
            ask(room, carla, Method::POST, "secretariat/coordination/cases", determination("Bueiros", due_on)).await.0
        }
    });
    let answers = futures_util::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::CREATED).count(), 8, "{answers:?}");
    let numbers = room.words("select number::text from case_file order by number").await;
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    // 31 December 23:30 in the town is the next year in UTC.
    let carla = moved(&room, &carla, "carla", "2027-01-01T02:30:00Z").await;
    let last = open(&room, &carla, "coordination", determination("Última do ano", "2027-02-01")).await;
    assert_eq!(last["numbered"], "DET 2026/009");
    let carla = moved(&room, &carla, "carla", "2027-01-01T03:30:00Z").await;
    let first = open(&room, &carla, "coordination", determination("Primeira do ano", "2027-02-01")).await;
    assert_eq!(first["numbered"], "DET 2027/001");
    let annul = json!({ "revision": 1, "reason": "Aberta por engano" });
    let (status, gone) = ask(&room, &carla, Method::POST, &path("coordination", &first, "/annul"), annul).await;
    assert_eq!((status, &gone["numbered"]), (StatusCode::OK, &json!("DET 2027/001")), "{gone}");
    assert!(gone["deadlines"].as_array().unwrap().iter().all(|one| one["state"] == "void"), "{gone}");
    let next = open(&room, &carla, "coordination", determination("Outra", "2027-02-01")).await;
    assert_eq!(next["numbered"], "DET 2027/002", "an annulled number is never given again");
}

#[tokio::test]
async fn an_act_is_never_rewritten_and_a_change_behind_the_back_is_found() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    done(&room, &carla, "coordination", &case, ("accept", json!({ "fields": { "responsible": "Sr. Lima" } }))).await;
    let acts = ask(&room, &carla, Method::GET, &path("coordination", &case, "/acts"), Value::Null).await.1;
    assert_eq!((acts["acts"].as_array().unwrap().len(), &acts["broken_at"]), (2, &Value::Null), "{acts}");
    let rewritten = sqlx::query("update case_act set reason = 'outro'").execute(&room.db.pool).await;
    assert!(rewritten.is_err(), "the table refuses it");
    let mut owner = room.db.owner().await;
    let behind = "alter table case_act disable trigger user; update case_act set actor = 'bruno' where seq = 1;
        alter table case_act enable trigger user;";
    sqlx::raw_sql(behind).execute(&mut owner).await.unwrap();
    let acts = ask(&room, &carla, Method::GET, &path("coordination", &case, "/acts"), Value::Null).await.1;
    assert_eq!(acts["broken_at"], 1, "{acts}");
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", case["id"].as_str().unwrap());
    assert!(room.page(&carla, &link).await.contains("was changed outside the system"));
}

#[tokio::test]
async fn a_deadline_is_extended_once_and_not_after_it_ran_out_and_the_refusal_cites_its_law() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-03-02")).await;
    let other = open(&room, &carla, "coordination", determination("Calçadas", "2026-03-02")).await;
    for one in [&case, &other] {
        done(&room, &carla, "coordination", one, ("accept", json!({}))).await;
    }
    let reason = json!({ "reason": "Chuva impediu a obra" });
    assert_eq!(act(&room, &carla, "coordination", &case, ("extend", json!({}))).await.0, StatusCode::BAD_REQUEST);
    let after = done(&room, &carla, "coordination", &case, ("extend", reason.clone())).await;
    assert_eq!(due(&after, "coordination.due"), "2026-03-17", "{after}");
    let (status, again) = act(&room, &carla, "coordination", &case, ("extend", reason.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "{again}");
    assert!(again["detail"].as_str().unwrap().contains("Determinação do Prefeito"), "{again}");
    let carla = moved(&room, &carla, "carla", "2026-03-03T12:00:00Z").await;
    let (status, late) = act(&room, &carla, "coordination", &other, ("extend", reason)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{late}");
    assert!(late["detail"].as_str().unwrap().contains("ran out"), "{late}");
    let late = ask(&room, &carla, Method::GET, "secretariat/coordination/cases?late=true", Value::Null).await.1;
    let titles: Vec<&str> =
        late["items"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Calçadas"]);
}

#[tokio::test]
async fn a_holiday_that_is_added_later_moves_the_deadline_of_an_open_case() {
    let room = Room::open(&[]).await;
    let (carla, olga) = (room.person("carla", Role::Coordination).await, room.person("olga", Role::Operator).await);
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    assert_eq!(due(&case, "coordination.accept"), "2026-02-27");
    let holiday = json!({ "day": "2026-02-25", "name": "Luto oficial", "kind": "municipal", "shut": true });
    let (status, told) = ask(&room, &olga, Method::POST, "holidays", holiday).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    let after = ask(&room, &carla, Method::GET, &path("coordination", &case, ""), Value::Null).await.1;
    assert_eq!(due(&after, "coordination.accept"), "2026-03-02", "{after}");
    assert!(after["deadlines"].to_string().contains("Luto oficial"), "{after}");
}

#[tokio::test]
async fn whoever_lacks_the_role_is_told_which_and_words_find_a_case_without_accents_in_the_way() {
    let room = Room::open(&[]).await;
    let (carla, paula) = (room.person("carla", Role::Coordination).await, room.person("paula", Role::Press).await);
    let viewer = room.person("vera", Role::Viewer).await;
    let (status, refused) =
        ask(&room, &paula, Method::POST, "secretariat/coordination/cases", determination("x", "2026-12-01")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("coordination"), "{refused}");
    assert_eq!(
        ask(&room, &viewer, Method::GET, "secretariat/coordination/cases", Value::Null).await.0,
        StatusCode::FORBIDDEN
    );
    open(&room, &carla, "coordination", determination("Limpeza das galerias", "2026-12-01")).await;
    open(&room, &carla, "coordination", determination("Poda das árvores", "2026-12-01")).await;
    let found =
        ask(&room, &carla, Method::GET, "secretariat/coordination/cases?q=podar%20%C3%A1rvore", Value::Null).await.1;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["items"][0]["title"], "Poda das árvores");
    let panel = room.page(&carla, "/secretaria/painel").await;
    assert!(panel.contains("2 open") && panel.contains("You work here"), "{panel}");
}

#[tokio::test]
async fn what_is_restricted_is_not_there_for_others_and_drafts_stay_inside() {
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Advisory).await, room.person("bruno", Role::Advisory).await);
    let paula = room.person("paula", Role::Press).await;
    let body = json!({ "type": "advisory.consultation", "title": "Doação de terreno", "assigned": "bruno",
        "fields": { "asked_by": "mayor", "question": "Pode?", "due_on": "2026-03-20", "form": "opinion" } });
    let case = open(&room, &ana, "advisory", body).await;
    assert_eq!(
        ask(&room, &paula, Method::GET, &path("advisory", &case, ""), Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
    let listed = ask(&room, &paula, Method::GET, "secretariat/advisory/cases", Value::Null).await.1;
    assert_eq!(listed["items"], json!([]));
    done(&room, &ana, "advisory", &case, ("distribute", json!({}))).await;
    let opinion = json!({ "fields": { "summary": "Doação com encargo", "conclusion": "Pode, por lei" } });
    let (status, missing) = act(&room, &bruno, "advisory", &case, ("draft", opinion.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "{missing}");
    let link = format!("/secretaria/painel/assessoramento/casos/{}", case["id"].as_str().unwrap());
    let (status, page) = room.post(&bruno, &format!("{link}/documento"), "kind=draft&name=Parecer&text=Texto").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    done(&room, &bruno, "advisory", &case, ("draft", opinion)).await;
    let (status, same) = act(&room, &bruno, "advisory", &case, ("homologate", json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{same}");
    assert!(same["detail"].as_str().unwrap().contains("two persons"), "{same}");
    let after = done(&room, &ana, "advisory", &case, ("homologate", json!({}))).await;
    assert_eq!((&after["waits_for"], &after["publications"]), (&json!("mayor"), &json!([])), "{after}");
}
