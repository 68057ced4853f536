//! What is not for everybody stays where it is, what was not so is not taken in, and what a desk refuses the database refuses too.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::exchange::{self, Line};
use sentinela::secretariat::kernel::ledger::{self, Link};
use sentinela::secretariat::kernel::remind;
use serde_json::{Value, json};

use super::{act, at, determination, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support::Folder;

async fn export(room: &Room, by: &Person, format: &str) -> String {
    let request = Request::get(format!("/api/v1/secretariat/coordination/export?format={format}"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    let (status, body) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn import(room: &Room, by: &Person, kind: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post("/api/v1/secretariat/coordination/import")
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_owned()));
    room.send(request.unwrap()).await
}

fn consultation() -> Value {
    json!({ "type": "advisory.consultation", "title": "Segredo do terreno", "assigned": "bruno",
        "fields": { "asked_by": "mayor", "question": "Pode?", "due_on": "2026-02-25", "form": "opinion" } })
}

/// Makes something else of a line.
type ForgeLine<'a> = &'a dyn Fn(&mut Value);

#[tokio::test]
async fn what_is_restricted_is_in_no_list_link_view_deadline_or_letter_of_others() {
    let room = Room::open(&[]).await;
    let (ana, carla) = (room.person("ana", Role::Advisory).await, room.person("carla", Role::Coordination).await);
    room.person("bruno", Role::Advisory).await;
    let olga = room.person("olga", Role::Coordinator).await;
    let secret = open(&room, &ana, "advisory", consultation()).await;
    let order = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    sqlx::query(
        "insert into case_link (from_case, to_case, kind, at, actor)
         select a.id, b.id, 'refers', now(), 'ana' from case_file a, case_file b where a.module = 'advisory' and b.module = 'coordination'",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let seen = ask(&room, &carla, Method::GET, &path("coordination", &order, ""), Value::Null).await.1;
    assert_eq!(seen["links"], json!([]), "the role of one module opens nothing of another: {seen}");
    let seen = ask(&room, &ana, Method::GET, &path("coordination", &order, ""), Value::Null).await.1;
    assert_eq!(seen["links"][0]["title"], "Segredo do terreno", "{seen}");

    let titles = room.words("select title from deadline where subject_kind = 'case' order by title").await;
    assert!(!titles.is_empty() && titles.iter().all(|title| !title.contains("Segredo")), "{titles:?}");
    let listed = ask(&room, &olga, Method::GET, "deadlines", Value::Null).await.1;
    assert_eq!(listed, json!([]), "deadlines of the response are listed there, and no others");
    let page = room.page(&olga, "/console/deadlines").await;
    assert!(!page.contains("Segredo") && !page.contains(secret["id"].as_str().unwrap()), "{page}");
    let id = secret["deadlines"][0]["id"].as_str().unwrap();
    let void = json!({ "act": "void", "reason": "Não importa mais" });
    let (status, told) = ask(&room, &olga, Method::POST, &format!("deadlines/{id}"), void).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it moves with the acts of its case alone: {told}");
    assert_eq!(ask(&room, &olga, Method::GET, &format!("deadlines/{id}/acts"), Value::Null).await.1, json!([]));

    let carla = moved(&room, &carla, "carla", "2026-02-27T12:00:00Z").await;
    let view = ask(&room, &carla, Method::GET, "secretariat/mayor", Value::Null).await.1;
    let late = view["late"].as_array().unwrap().iter().find(|one| one["module"] == "advisory").unwrap();
    assert_eq!((&late["title"], &late["assigned"], &late["link"]), (&json!(""), &json!(""), &json!("")), "{late}");

    sqlx::query("update staff set email = username || '@exemplo.invalid'").execute(&room.db.pool).await.unwrap();
    let now = room.app.clock.now();
    assert_eq!(sentinela::deadlines::worker::round(&room.app, now).await.unwrap(), 0, "not to the coordinators");
    assert!(remind::round(&room.app, now).await.unwrap() > 0);
    assert_eq!(remind::round(&room.app, now).await.unwrap(), 0, "each once");
    let letters = room
        .words("select address || ' ' || body from notice where purpose = 'secretariat_deadline' order by address")
        .await;
    let to: Vec<&str> = letters.iter().filter_map(|one| one.split(' ').next()).collect();
    assert_eq!(
        to,
        ["bruno@exemplo.invalid", "carla@exemplo.invalid"],
        "the owner; and whoever works there: {letters:?}"
    );
    assert!(letters.iter().all(|letter| !letter.contains("Segredo")), "{letters:?}");
}

#[tokio::test]
async fn what_is_personal_is_read_by_those_who_work_on_it_and_by_nobody_else() {
    let room = Room::open(&[]).await;
    let (rui, paula) = (room.person("rui", Role::Relations).await, room.person("paula", Role::Press).await);
    let body = json!({ "type": "relations.demand", "title": "Ponte", "fields": { "counterpart_kind": "movement",
        "counterpart": "Associação", "received_on": "2026-02-20", "request": "Uma ponte", "contact": "maria@exemplo.invalid" } });
    let case = open(&room, &rui, "relations", body).await;
    let link = format!("/secretaria/painel/articulacao-externa/casos/{}", case["id"].as_str().unwrap());
    for (who, reads) in [(&rui, true), (&paula, false)] {
        let one = ask(&room, who, Method::GET, &path("relations", &case, ""), Value::Null).await.1.to_string();
        let list = ask(&room, who, Method::GET, "secretariat/relations/cases", Value::Null).await.1.to_string();
        let page = room.page(who, &link).await;
        for text in [one, list, page] {
            assert!(text.contains("Ponte"), "{text}");
            assert_eq!(text.contains("maria@exemplo.invalid"), reads, "{text}");
        }
    }
}

type Forge = fn(&mut Line);

/// The chain of a line that somebody wrote anew, as whoever forges a file would.
fn rechained(line: &mut Line) {
    let mut prev: Option<[u8; 32]> = None;
    for (act, seq) in line.acts.iter_mut().zip(1..) {
        act.seq = seq;
        act.prev = prev.as_ref().map(|hash| ledger::hex(hash));
        let link = Link {
            at: act.at,
            actor: &act.actor,
            actor_kind: &act.actor_kind,
            act: &act.act,
            from_state: &act.from_state,
            to_state: &act.to_state,
            reason: &act.reason,
            changes: &act.changes,
        };
        let hash = ledger::chain(line.id, seq, prev.as_ref().map(<[u8; 32]>::as_slice), &link);
        act.hash = ledger::hex(&hash);
        prev = Some(hash);
    }
}

#[tokio::test]
async fn a_file_whose_chain_fits_is_refused_where_its_acts_could_not_have_been() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    done(&room, &carla, "coordination", &case, ("accept", json!({ "fields": { "responsible": "Sr. Lima" } }))).await;
    let whole = exchange::from_json_lines(&export(&room, &carla, "jsonl").await).unwrap();
    let other = Room::open(&[]).await;
    let clara = other.person("clara", Role::Coordination).await;
    let forged: [(&str, Forge); 10] = [
        ("access", |line| line.access = sentinela::secretariat::kernel::Access::Public),
        ("is not the series", |line| line.series = Some("MAT".into())),
        ("a number from 1", |line| line.number = Some(i32::MAX)),
        ("a year from", |line| line.year = Some(2190)),
        ("in the future", |line| {
            line.acts[1].at = at("2027-03-01T12:00:00Z");
            line.changed_at = line.acts[1].at;
        }),
        ("does not lead from", |line| {
            line.acts[1].act = "finish".into();
            line.acts[1].to_state = "done".into();
            line.state = "done".into();
            line.deadlines.clear();
        }),
        ("no such field", |line| {
            line.fields.insert("secret".into(), json!("x"));
        }),
        ("opened_at", |line| line.opened_at = at("2020-01-01T00:00:00Z")),
        ("annulled", |line| {
            line.annulled = Some(sentinela::secretariat::kernel::Annulled {
                at: line.changed_at,
                by: "carla".into(),
                reason: "x".into(),
            });
        }),
        ("no deadline of the type", |line| line.deadlines[0].code = "sic.answer".into()),
    ];
    for (words, forge) in forged {
        let mut lines = whole.clone();
        forge(&mut lines[0]);
        rechained(&mut lines[0]);
        let (status, told) = import(&other, &clara, "application/jsonl", &exchange::to_json_lines(&lines)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{words}: {told}");
        assert!(told.contains(words), "{told} lacks {words}");
    }
    let twice = [whole.clone(), whole.clone()].concat();
    let (status, told) = import(&other, &clara, "application/jsonl", &exchange::to_json_lines(&twice)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
    assert!(told.contains("line 2") && told.contains("twice"), "{told}");
    assert_eq!(other.words("select count(*)::text from case_file").await, ["0"]);
    assert_eq!(other.words("select count(*)::text from number_series where series like 'case:%'").await, ["0"]);
}

#[tokio::test]
async fn an_extension_comes_along_with_a_file_and_is_not_given_twice() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("=cmd|' /C calc'!A0", "2026-03-02")).await;
    done(&room, &carla, "coordination", &case, ("accept", json!({}))).await;
    let reason = json!({ "reason": "Chuva impediu a obra" });
    done(&room, &carla, "coordination", &case, ("extend", reason.clone())).await;
    for (format, kind) in [("jsonl", "application/jsonl"), ("csv", "text/csv")] {
        let out = export(&room, &carla, format).await;
        assert!(format != "csv" || !out.contains(",=cmd"), "no cell is a formula: {out}");
        let other = Room::open(&[]).await;
        let clara = other.person("clara", Role::Coordination).await;
        let (status, told) = import(&other, &clara, kind, &out).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        assert_eq!(export(&other, &clara, format).await, out);
        let here = ask(&other, &clara, Method::GET, &path("coordination", &case, ""), Value::Null).await.1;
        assert_eq!((due(&here, "coordination.due"), &here["title"]), (&json!("2026-03-17"), &case["title"]), "{here}");
        let (status, again) = act(&other, &clara, "coordination", &case, ("extend", reason.clone())).await;
        assert_eq!(status, StatusCode::CONFLICT, "{again}");
    }
}

const UNNUMBERED: &str = r#"module = "coordination"
key = "coordination.note"
version = 1
title = { pt = "Nota", en = "Note" }
law_ref = "Lei Municipal 1/2026"
access = "internal"
[[state]]
key = "open"
label = { pt = "Aberta", en = "Open" }
[[state]]
key = "done"
label = { pt = "Encerrada", en = "Done" }
final = true
[[transition]]
key = "finish"
label = { pt = "Encerrar", en = "Finish" }
from = ["open"]
to = "done"
"#;

#[tokio::test]
async fn a_case_without_a_number_belongs_to_the_year_that_it_is_in_the_town() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("note.toml"), UNNUMBERED).unwrap();
    let room = Room::configured(|config| config.secretariat.case_types = folder.path().display().to_string()).await;
    let carla = room.person("carla", Role::Coordination).await;
    // 31 December 23:30 in the town is the next year in UTC.
    let carla = moved(&room, &carla, "carla", "2027-01-01T02:30:00Z").await;
    open(&room, &carla, "coordination", json!({ "type": "coordination.note", "title": "Última", "fields": {} })).await;
    for (year, count) in [(2026, 1), (2027, 0)] {
        let list = ask(
            &room,
            &carla,
            Method::GET,
            &format!("secretariat/coordination/cases?type=coordination.note&year={year}"),
            Value::Null,
        )
        .await
        .1;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{year}: {list}");
        let path = format!("secretariat/coordination/report?type=coordination.note&year={year}");
        let report = ask(&room, &carla, Method::GET, &path, Value::Null).await.1;
        assert_eq!(report["by_state"].as_array().unwrap().len(), count, "{year}: {report}");
    }
}

#[tokio::test]
async fn acts_that_open_a_case_and_people_who_open_one_never_wait_for_each_other_in_a_circle() {
    let room = Room::open(&[]).await;
    let (carla, tina) = (room.person("carla", Role::Coordination).await, room.person("tina", Role::Assignments).await);
    let mut orders = Vec::new();
    for n in 0..8 {
        let body = json!({ "type": "assignments.order", "title": format!("Ordem {n}"), "fields": { "act": "Decreto 1/2026",
            "kind": "measure", "text": "Limpar", "due_on": "2026-12-01" } });
        let order = open(&room, &tina, "assignments", body).await;
        orders.push(done(&room, &tina, "assignments", &order, ("accept", json!({}))).await);
    }
    let (town, carla, tina) = (&room, &carla, &tina);
    let spawned = orders
        .iter()
        .map(|order| async move { act(town, tina, "assignments", order, ("determine", json!({}))).await.0 });
    let opened = (0..8).map(|_| async move {
        let body = determination("Bueiros", "2026-12-01");
        ask(town, carla, Method::POST, "secretariat/coordination/cases", body).await.0
    });
    let (spawned, opened) =
        tokio::join!(futures_util::future::join_all(spawned), futures_util::future::join_all(opened));
    assert!(spawned.iter().all(|status| *status == StatusCode::OK), "{spawned:?}");
    assert!(opened.iter().all(|status| *status == StatusCode::CREATED), "{opened:?}");
    let numbers = room.words("select number::text from case_file where series = 'DET' order by case_file.number").await;
    assert_eq!(numbers, (1..=16).map(|n| n.to_string()).collect::<Vec<_>>(), "without a gap");
}

#[tokio::test]
async fn a_field_that_was_changed_behind_the_acts_is_found() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let acts = ask(&room, &carla, Method::GET, &path("coordination", &case, "/acts"), Value::Null).await.1;
    assert_eq!((&acts["broken_at"], &acts["unfounded"]), (&Value::Null, &Value::Null), "{acts}");
    sqlx::query("update case_file set fields = fields || '{\"text\": \"Outra coisa\"}'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    let acts = ask(&room, &carla, Method::GET, &path("coordination", &case, "/acts"), Value::Null).await.1;
    assert_eq!((&acts["broken_at"], &acts["unfounded"]), (&Value::Null, &json!("text")), "{acts}");
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", case["id"].as_str().unwrap());
    assert!(room.page(&carla, &link).await.contains("was changed outside the system"));
}

#[tokio::test]
async fn the_database_refuses_what_the_desks_refuse() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    for sql in [
        "update case_file set number = 99",
        "update case_file set access = 'public'",
        "update case_file set author = 'bruno'",
        "update case_file set revision = revision + 2",
        "delete from case_file",
        "truncate case_publication",
    ] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&room.db.pool).await.is_err(), "{sql}");
    }
    let irene = room.person("irene", Role::Agreements).await;
    let (status, made) =
        ask(&room, &irene, Method::POST, "secretariat/agreements", json!({ "kind": "fomento", "object": "Oficinas" }))
            .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let money =
        "insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, reverses, at, actor)
        select id, $1, $2, $3, '2026-02-22', 'x', $4, now(), 'irene' from instrument";
    let put = async |seq: i32, movement: &str, centavos: i64, reverses: Option<i32>| {
        let put = sqlx::query(money).bind(seq).bind(movement).bind(centavos).bind(reverses);
        put.execute(&room.db.pool).await.is_ok()
    };
    assert!(!put(1, "released", 100, None).await, "nothing is released above what is committed");
    assert!(put(1, "committed", 100, None).await);
    assert!(put(2, "released", 100, None).await);
    assert!(!put(3, "spent", 101, None).await, "nothing is spent above what came in");
    assert!(!put(3, "released", -50, Some(2)).await, "an entry is taken back whole");
    assert!(put(3, "released", -100, Some(2)).await);
    assert!(!put(4, "released", -100, Some(2)).await, "and once");
    for sql in ["update instrument set kind = 'contrato'", "delete from instrument"] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&room.db.pool).await.is_err(), "{sql}");
    }
    let bill = "insert into budget_bill (id, kind, year_from, year_to, state, life, content, created_at, created_by, changed_at)
        values (gen_random_uuid(), 'loa', 2031, 2031, 'submitted', '{}', '{}', now(), 'bia', now())";
    sqlx::query(bill).execute(&room.db.pool).await.unwrap();
    let line = "insert into budget_line (bill_id, key, unit, sphere, amount)
        select id, '02.04.06.182.0012.2041.3.3.90.30.1500', '02.04', 'fiscal', 1 from budget_bill";
    assert!(sqlx::query(line).execute(&room.db.pool).await.is_err(), "the lines of a submitted bill stand");
}

#[tokio::test]
async fn an_agreement_file_that_could_not_have_been_is_refused_and_a_cpf_in_its_words_is_masked() {
    let room = Room::open(&[]).await;
    let irene = room.person("irene", Role::Agreements).await;
    let opening = json!({ "kind": "interesse", "object": "Aluguel a 529.982.247-25", "reason": "Procura de espaço",
        "partner": { "name": "Casa", "document": "11.222.333/0001-81" } });
    let (status, made) = ask(&room, &irene, Method::POST, "secretariat/agreements", opening).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap();
    let answer = json!({ "act": { "act": "answer", "opens": false, "reason": "Sem verba para 52998224725" } });
    let (status, told) = ask(&room, &irene, Method::POST, &format!("secretariat/agreements/{id}/acts"), answer).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let request = Request::get("/api/v1/secretariat/agreements/public").body(Body::empty());
    let (_, public) = room.send(request.unwrap()).await;
    assert!(public.contains("***.982.247-**") && public.contains("11.222.333/0001-81"), "{public}");
    assert!(!public.contains("529.982") && !public.contains("52998224725"), "{public}");

    let request = Request::get("/api/v1/secretariat/agreements/export").header(header::AUTHORIZATION, &irene.token);
    let (status, line) = room.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{line}");
    let told =
        room.words("select after::text from audit_event where act = 'case.export' and object = 'agreements'").await;
    assert_eq!(told.len(), 1, "whoever takes bank data out is in the audit: {told:?}");
    let other = Room::open(&[]).await;
    let iris = other.person("iris", Role::Agreements).await;
    let forged: [(&str, ForgeLine<'_>); 6] = [
        ("a series of agreements", &|line| line["series"] = json!("funding.convenio")),
        ("a number until", &|line| line["number"] = json!(i32::MAX)),
        ("in the future", &|line| line["changed_at"] = json!("2190-01-01T00:00:00Z")),
        ("does not follow", &|line| line["acts"][1]["from_state"] = json!("review")),
        ("money or document are not what act 2 left", &|line| line["document"]["state"] = json!("closed")),
        // As of a file from before acts said what they left.
        ("to which the last act led", &|line| {
            line["document"]["state"] = json!("closed");
            for act in line["acts"].as_array_mut().unwrap() {
                act.as_object_mut().unwrap().retain(|key, _| !["covers", "prev", "hash"].contains(&key.as_str()));
            }
        }),
    ];
    for (words, forge) in forged {
        let mut value: Value = serde_json::from_str(line.trim()).unwrap();
        forge(&mut value);
        let request = Request::post("/api/v1/secretariat/agreements/import")
            .header(header::AUTHORIZATION, &iris.token)
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(Body::from(value.to_string()));
        let (status, told) = other.send(request.unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{words}: {told}");
        assert!(told.contains(words), "{told} lacks {words}");
    }
}

/// A body of one seat, its meeting held, its minutes drafted with these words.
async fn drafted(room: &Room, carla: &Person, words: &str) -> Person {
    let half = json!({ "num": 1, "den": 2, "more": true });
    let body = json!({ "slug": "comite", "name": "Comitê de teste", "kind": "committee", "purpose": "Aconselhar",
        "act": { "kind": "decree", "number": "1/2025", "on": "2025-12-01" }, "term_from": "2026-01-01",
        "rules": { "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
            "quorum_open": half, "quorum_decide": half, "majority": "simple" } });
    let post = async |by: &Person, path: &str, body: Value| {
        let (status, answer) = ask(room, by, Method::POST, &format!("secretariat/committees{path}"), body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    };
    post(carla, "", body).await;
    let seat = post(carla, "/comite/seats", json!({ "position": 1, "entity": "Obras", "role": "chair" })).await;
    let person = post(carla, "/persons", json!({ "name": "Membro 1" })).await;
    let (seat, person) = (seat["id"].as_str().unwrap(), person["id"].as_str().unwrap());
    let mandate = json!({ "person_id": person, "capacity": "titular", "from_on": "2026-01-01", "until_on": "2026-12-31", "act": "Decreto" });
    post(carla, &format!("/comite/seats/{seat}/mandates"), mandate).await;
    let meeting = json!({ "kind": "extraordinary", "starts_at": "2026-02-28T17:00:00Z", "place": "Sala 2", "urgency": "Chuva",
        "items": [{ "title": "Plano" }] });
    post(carla, "/comite/meetings", meeting).await;
    let carla = moved(room, carla, "carla", "2026-02-28T17:00:00Z").await;
    let there = json!({ "seat_id": seat, "capacity": "titular" });
    post(&carla, "/comite/meetings/2026-1/attendance", there).await;
    for act in ["call", "close"] {
        post(&carla, "/comite/meetings/2026-1/acts", json!({ "act": act })).await;
    }
    post(&carla, "/comite/meetings/2026-1/minutes", Value::Null).await;
    let change = json!({ "revision": 1, "text": words });
    let path = "secretariat/committees/comite/meetings/2026-1/minutes";
    assert_eq!(ask(room, &carla, Method::PUT, path, change).await.0, StatusCode::NO_CONTENT);
    carla
}

#[tokio::test]
async fn minutes_with_a_cpf_are_mended_before_they_are_approved() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Committees).await;
    let carla = drafted(&room, &carla, "Ouvida Maria, CPF 529.982.247-25.").await;
    let base = "secretariat/committees/comite/meetings/2026-1/minutes";
    let approval = json!({ "revision": 2, "approvals": 1 });
    let (status, told) = ask(&room, &carla, Method::POST, &format!("{base}/approval"), approval).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("13.709"), "{told}");
    let change = json!({ "revision": 2, "text": "Ouvida Maria." });
    assert_eq!(ask(&room, &carla, Method::PUT, base, change).await.0, StatusCode::NO_CONTENT);
    let approval = json!({ "revision": 3, "approvals": 1 });
    let (status, told) = ask(&room, &carla, Method::POST, &format!("{base}/approval"), approval).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{told}");
    // A resolution rests on a decision in favour: the database knows it too.
    let resolved = "insert into body_resolution (id, body_id, year, number, item_id, text, restricted, at, by)
        select gen_random_uuid(), m.body_id, 2026, 9, i.id, 'x', false, now(), 'carla' from body_item i join body_meeting m on m.id = i.meeting_id";
    assert!(sqlx::query(resolved).execute(&room.db.pool).await.is_err());
    let decided = "insert into body_decision (item_id, how, votes_for, votes_against, votes_abstain, present, seats, quorum, needed, approved,
            reason, at, by) select id, 'counted', 1, 0, 0, 1, 1, 1, 1, true, 'x', now(), 'carla' from body_item";
    assert!(sqlx::query(decided).execute(&room.db.pool).await.is_err(), "the meeting is over");
}

#[tokio::test]
async fn a_draft_of_minutes_is_read_by_the_people_of_the_body_until_it_is_approved() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Committees).await;
    let carla = drafted(&room, &carla, "Ouvida Maria, da Rua das Flores.").await;
    let paula = room.person("paula", Role::Press).await;
    let base = "secretariat/committees/comite/meetings/2026-1/minutes";
    let ata = "/secretaria/painel/comites/comite/reunioes/2026-1/ata";
    assert_eq!(ask(&room, &carla, Method::GET, base, Value::Null).await.1["text"], "Ouvida Maria, da Rua das Flores.");
    let (status, told) = ask(&room, &paula, Method::GET, base, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{told}");
    let (status, told) = ask(&room, &paula, Method::GET, &format!("{base}.pdf"), Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{told}");
    let page = room.page(&paula, ata).await;
    assert!(!page.contains("Rua das Flores") && page.contains("There is a draft of the minutes"), "{page}");
    let approval = json!({ "revision": 2, "approvals": 1 });
    let (status, told) = ask(&room, &carla, Method::POST, &format!("{base}/approval"), approval).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{told}");
    assert_eq!(ask(&room, &paula, Method::GET, base, Value::Null).await.0, StatusCode::OK);
    assert!(room.page(&paula, ata).await.contains("Rua das Flores"));
}

#[tokio::test]
async fn a_letter_that_came_in_and_a_draft_are_read_by_whoever_works_on_the_case() {
    let room = Room::open(&[]).await;
    let (rui, paula) = (room.person("rui", Role::Relations).await, room.person("paula", Role::Press).await);
    let body = json!({ "type": "relations.demand", "title": "Ponte", "fields": { "counterpart_kind": "movement",
        "counterpart": "Associação", "received_on": "2026-02-20", "request": "Uma ponte" } });
    let case = open(&room, &rui, "relations", body).await;
    let link = format!("/secretaria/painel/articulacao-externa/casos/{}", case["id"].as_str().unwrap());
    for (kind, name) in [("request", "Carta+da+Maria"), ("reply", "Oficio")] {
        let (status, page) =
            room.post(&rui, &format!("{link}/documento"), &format!("kind={kind}&name={name}&text=T")).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    }
    let documents = path("relations", &case, "/documents");
    let all = ask(&room, &rui, Method::GET, &documents, Value::Null).await.1;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let seen = ask(&room, &paula, Method::GET, &documents, Value::Null).await.1;
    assert_eq!((seen.as_array().unwrap().len(), &seen[0]["kind"]), (1, &json!("reply")), "{seen}");
    for one in all.as_array().unwrap() {
        let file = format!("{documents}/{}", one["id"].as_str().unwrap());
        let (status, _) = ask(&room, &paula, Method::GET, &file, Value::Null).await;
        assert_eq!(status == StatusCode::OK, one["kind"] == "reply", "{one}");
        assert_eq!(ask(&room, &rui, Method::GET, &file, Value::Null).await.0, StatusCode::OK);
    }
    let page = room.page(&paula, &link).await;
    assert!(page.contains("Oficio") && !page.contains("Carta da Maria"), "{page}");
}

#[tokio::test]
async fn a_token_that_was_narrowed_to_reading_acts_on_no_case() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let new = json!({ "name": "painel", "scope": ["see_secretariat"], "days": 1 }).to_string();
    let request = Request::post("/api/v1/tokens")
        .header("cookie", &carla.cookie)
        .header("csrf", &carla.csrf)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(new));
    let (status, made) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let reader = Person { id: carla.id, token, cookie: String::new(), csrf: String::new() };
    let (status, shown) = ask(&room, &reader, Method::GET, &path("coordination", &case, ""), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    let (status, told) = act(&room, &reader, "coordination", &case, ("accept", json!({}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("work_secretariat"), "{told}");
    let request =
        Request::post(format!("/api/v1/{}?kind=evidence&name=Foto", path("coordination", &case, "/documents")))
            .header(header::AUTHORIZATION, &reader.token)
            .header(header::CONTENT_TYPE, "text/plain")
            .body(Body::from("prova"));
    assert_eq!(room.send(request.unwrap()).await.0, StatusCode::FORBIDDEN);
    done(&room, &carla, "coordination", &case, ("accept", json!({}))).await;
}

#[tokio::test]
async fn a_restricted_item_of_a_meeting_is_for_its_members_and_those_who_work_there() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Committees).await;
    let (rui, paula) = (room.person("rui", Role::Press).await, room.person("paula", Role::Press).await);
    let half = json!({ "num": 1, "den": 2 });
    let body = json!({ "slug": "comite", "name": "Comitê de teste", "kind": "committee", "purpose": "Aconselhar",
        "act": { "kind": "decree", "number": "1/2025", "on": "2025-12-01" }, "term_from": "2026-01-01",
        "rules": { "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
            "quorum_open": half, "quorum_decide": half, "majority": "simple" } });
    let post = async |path: &str, body: Value| {
        let (status, answer) = ask(&room, &carla, Method::POST, &format!("secretariat/committees{path}"), body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    };
    post("", body).await;
    let seat = post("/comite/seats", json!({ "position": 1, "entity": "Obras", "role": "chair" })).await;
    let person = post("/persons", json!({ "name": "Rui Membro", "account": "rui" })).await;
    let mandate = json!({ "person_id": person["id"], "capacity": "titular", "from_on": "2026-01-01", "until_on": "2026-12-31", "act": "Decreto" });
    post(&format!("/comite/seats/{}/mandates", seat["id"].as_str().unwrap()), mandate).await;
    let items = json!([{ "title": "Plano" }, { "title": "Indenização sigilosa", "restricted": true }]);
    let meeting = json!({ "kind": "extraordinary", "starts_at": "2026-02-28T17:00:00Z", "place": "Sala 2", "urgency": "Chuva",
        "items": items });
    post("/comite/meetings", meeting).await;
    let path = "secretariat/committees/comite/meetings/2026-1";
    let whole = ask(&room, &carla, Method::GET, path, Value::Null).await.1;
    let item = format!("{path}/items/{}", whole["items"][1]["id"].as_str().unwrap());
    for (who, reads) in [(&carla, true), (&rui, true), (&paula, false)] {
        let seen = ask(&room, who, Method::GET, path, Value::Null).await.1.to_string();
        assert!(seen.contains("Plano"), "{seen}");
        assert_eq!(seen.contains("sigilosa"), reads, "{seen}");
        let expected = if reads { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(ask(&room, who, Method::GET, &item, Value::Null).await.0, expected);
        let page = room.page(who, "/secretaria/painel/comites/comite/reunioes/2026-1").await;
        assert_eq!(page.contains("sigilosa"), reads, "{page}");
    }
}

#[tokio::test]
async fn who_sits_in_a_council_of_ethics_is_told_to_its_own_people_alone() {
    let room = Room::open(&[]).await;
    let (edu, carla) = (room.person("edu", Role::Ethics).await, room.person("carla", Role::Committees).await);
    let half = json!({ "num": 1, "den": 2 });
    let body = json!({ "slug": "etica", "name": "Conselho de Ética de teste", "kind": "ethics", "purpose": "Julgar",
        "act": { "kind": "decree", "number": "1/2025", "on": "2025-12-01" }, "term_from": "2026-01-01",
        "rules": { "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
            "quorum_open": half, "quorum_decide": half, "majority": "simple" } });
    let (status, made) = ask(&room, &edu, Method::POST, "secretariat/committees", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let seat = json!({ "position": 1, "entity": "Controladoria", "role": "chair" });
    let (status, made) = ask(&room, &edu, Method::POST, "secretariat/committees/etica/seats", seat).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    for (who, reads) in [(&edu, true), (&carla, false)] {
        let near = ask(&room, who, Method::GET, "secretariat/committees/expiring", Value::Null).await.1.to_string();
        assert_eq!(near.contains("Controladoria"), reads, "{near}");
    }
}
