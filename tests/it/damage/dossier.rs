//! Documents, submission, what stands after it, and corrections.

use axum::http::{Method, StatusCode};
use sentinela::damage::documents::Kind;
use sentinela::damage::s2id;
use sentinela::damage::{print, submit, view};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Town, ask};
use crate::relief;

#[tokio::test]
async fn what_is_missing_is_told_and_nothing_is_submitted_without_it_or_with_another_cobrade() {
    let town = Town::open().await;
    let shown = town.get().await;
    let keys: Vec<&str> = shown["checks"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["fields", "figures", "level", "documents", "photographs"]);
    assert_eq!(town.submit("1.1.3.2.1").await.0, StatusCode::CONFLICT);
    town.complete().await;
    let (status, refused) = town.submit("1.2.1.0.0").await;
    assert_eq!((status, &refused["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("typed")), "{refused}");
    assert_eq!(town.get().await["state"], "open");
}

#[tokio::test]
async fn a_submission_freezes_figures_documents_and_bytes_and_a_correction_is_the_next_version() {
    let town = Town::open().await;
    town.complete().await;
    let (status, submitted) = town.submit("1.1.3.2.1").await;
    assert_eq!(status, StatusCode::OK, "{submitted}");
    let (status, pdf) = town.file("dossier.pdf").await;
    assert_eq!(status, StatusCode::OK);
    assert!(pdf.starts_with(b"%PDF-"));
    let sum: String = Sha256::digest(&pdf).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(submitted["pdf_sha256"], sum);
    let deadlines = town.room.words("select code || ' ' || state from deadline order by code").await;
    assert_eq!(deadlines, ["damage.decree open", "damage.submission.sudden met"]);
    for (sql, part) in [
        ("update disaster set cobrade = '1.2.1.0.0'", "COBRADE"),
        ("update disaster set occurred_at = occurred_at + interval '1 day'", "COBRADE"),
        ("update disaster set sections = '{}'", "stands as it is"),
        ("update disaster set pdf = 'x'", "stands as it is"),
        (
            "update disaster set state = 'open', submitted_at = null, submitted_by = null, frozen = null, pdf = null, pdf_sha256 = null",
            "as it is",
        ),
        ("delete from disaster", "kept"),
        ("update damage_document set paragraphs = '[]'", "stands as it is"),
        ("delete from damage_photograph", "takes no more"),
        (
            "insert into damage_entry (id, disaster_id, line, part, source, persons, because, at, actor)
          select gen_random_uuid(), id, 'dead', 'human', 'manual', 1, 'x', now(), 'x' from disaster",
            "takes no more",
        ),
    ] {
        let refused = town.refused(sql).await;
        assert!(refused.contains(part), "{sql}: {refused}");
    }
    let (status, _) = town
        .act(&town.olga, Method::POST, "entries", json!({ "line": "dead", "amount": { "persons": 1 }, "because": "x" }))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) = town.act(&town.olga, Method::POST, "correct", json!({ "reason": "Faltou a escola" })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "an operator does not");
    let next = town.good(&town.ana, Method::POST, "correct", json!({ "reason": "Faltou a escola" })).await;
    assert_eq!(
        town.act(&town.ana, Method::POST, "correct", json!({ "reason": "De novo" })).await.0,
        StatusCode::CONFLICT
    );
    let path = format!("damage/{}", next["id"].as_str().unwrap());
    let (_, second) = ask(&town.room, &town.olga, Method::GET, &path, Value::Null).await;
    assert_eq!(
        (&second["version"], &second["cobrade"], &second["state"]),
        (&json!(2), &json!("1.1.3.2.1"), &json!("open"))
    );
    assert_eq!(second["sums"], town.get().await["sums"], "it begins with every entry");
    let header = json!({ "cobrade": "1.2.1.0.0", "occurred_at": "2026-02-22T11:00:00Z", "onset": "sudden" });
    let change = json!({ "revision": second["revision"], "header": header });
    assert_eq!(
        ask(&town.room, &town.olga, Method::PUT, &format!("{path}/header"), change).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(town.file("dossier.pdf").await.1, pdf, "the first version is what it was");
    let numbers = town
        .room
        .words("select series || ' ' || last_number from number_series where series like 'damage%' order by 1")
        .await;
    assert_eq!(numbers, ["damage_dmate 1", "damage_oficio 1", "damage_parecer 1"], "no number was lost");
    let open = town.room.words("select d.version || ' ' || l.code from deadline l join disaster d on d.id = l.subject_id where l.state = 'open'").await;
    assert_eq!(open, ["2 damage.decree"], "the decree is watched once");
}

#[tokio::test]
async fn every_document_has_the_cobrade_of_the_dossier_and_says_minuta_until_it_is_adopted() {
    let town = Town::open().await;
    town.enter("displaced", json!({ "persons": 7 })).await;
    let (status, early) = town.act(&town.olga, Method::POST, "documents/parecer/adopt", json!({ "revision": 1 })).await;
    assert_eq!(status, StatusCode::CONFLICT, "no level yet: {early}");
    let header = json!({ "cobrade": "1.2.3.0.0", "occurred_at": "2026-02-22T10:00:00Z", "onset": "sudden" });
    let revision = town.get().await["revision"].clone();
    town.good(&town.olga, Method::PUT, "header", json!({ "revision": revision, "header": header })).await;
    for kind in ["dmate", "parecer", "decree", "oficio"] {
        let page = town.room.page(&town.olga, &format!("/console/damage/{}/documents/{kind}", town.id)).await;
        assert!(page.contains("1.2.3.0.0") && !page.contains("1.1.3.2.1"), "{kind}");
        let (status, pdf) = town.file(&format!("{kind}.pdf")).await;
        assert!(status == StatusCode::OK && pdf.starts_with(b"%PDF-"), "{kind}: {status}");
    }
    assert_eq!(town.level("i", "se", true).await.0, StatusCode::NO_CONTENT);
    assert_eq!(town.adopt_document("parecer", Value::Null).await, "2026/001");
    let words = json!({ "revision": 2, "paragraphs": [] });
    assert_eq!(
        town.act(&town.olga, Method::PUT, "documents/parecer", words).await.0,
        StatusCode::CONFLICT,
        "it stands"
    );
    town.good(&town.olga, Method::POST, "documents/parecer/take-back", json!({ "reason": "Falta uma assinatura" }))
        .await;
    assert_eq!(town.adopt_document("parecer", Value::Null).await, "2026/001", "it keeps its number");
    let (status, wrong) = town.act(&town.olga, Method::POST, "documents/decree/adopt", json!({ "revision": 1 })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a decree brings number and day: {wrong}");
    town.adopt_document("decree", json!({ "number": "15.321", "on": "2026-02-22" })).await;
    let due = town.room.words("select due_on::text from deadline where code = 'damage.decree'").await;
    assert_eq!(due, ["2026-08-21"], "180 days after the day of the decree");
}

#[tokio::test]
async fn an_adopted_document_says_what_it_said_whatever_changes_after() {
    let town = Town::open().await;
    town.complete().await;
    let printed = || async {
        let app = &town.room.app;
        let (mut conn, at) = (app.db.web.acquire().await.unwrap(), app.clock.now());
        let whole = view::whole(&mut conn, town.id.parse().unwrap(), (at, &app.config.municipality)).await.unwrap();
        let data = print::data(&mut conn, &whole, &app.config.municipality, (false, at)).await.unwrap();
        let decree = data["papers"].as_array().unwrap().iter().find(|one| one["kind"] == "decree").unwrap().clone();
        (decree, data)
    };
    let (before, data) = printed().await;
    assert_eq!((&before["dated"], &before["is_draft"]), (&json!("22/02/2026"), &json!(false)), "{before}");
    assert!(before["paragraphs"].to_string().contains("situação de emergência"), "{before}");
    assert!(!data["papers"].to_string().contains("Respeitosamente,\\n\\nPrefeito"), "one line for one signature");
    town.enter("dead", json!({ "persons": 40 })).await;
    assert_eq!(town.level("iii", "ecp", false).await.0, StatusCode::NO_CONTENT);
    assert_eq!(printed().await.0, before);
    let page = town.room.page(&town.olga, &format!("/console/damage/{}/documents/decree", town.id)).await;
    assert!(page.contains("situação de emergência") && !page.contains("calamidade pública"), "{page}");
    assert!(town.checks().await.contains(&"documents-outdated".to_owned()), "and the town is told");
    let why = json!({ "reason": "O nível mudou" });
    town.good(&town.olga, Method::POST, "documents/decree/take-back", why).await;
    town.adopt_document("decree", json!({ "number": "15.322", "on": "2026-02-22" })).await;
    assert!(printed().await.0["paragraphs"].to_string().contains("calamidade pública"), "adopted anew it follows");
}

#[tokio::test]
async fn the_disaster_is_never_after_its_decree() {
    let mut town = Town::open().await;
    town.complete().await;
    let app = town.room.app.clone();
    app.clock.set(app.clock.now() + chrono::TimeDelta::days(2));
    town.olga.token = town.room.token("olga", "later").await;
    let header = json!({ "cobrade": "1.1.3.2.1", "occurred_at": "2026-02-23T04:00:00Z", "onset": "sudden" });
    let change = json!({ "revision": town.get().await["revision"], "header": header });
    let (status, refused) = town.act(&town.olga, Method::PUT, "header", change).await;
    assert_eq!((status, &refused["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("occurred_at")), "{refused}");
}

#[tokio::test]
async fn what_changed_while_its_pdf_was_made_is_not_frozen() {
    let town = Town::open().await;
    town.complete().await;
    let app = &town.room.app;
    let (place, actor) = (&app.config.municipality, relief::actor("ana"));
    let by = relief::acting(app, &actor);
    let id = town.id.parse().unwrap();
    let seen = || async {
        let revision = i32::try_from(town.get().await["revision"].as_i64().unwrap()).unwrap();
        let mut conn = app.db.web.acquire().await.unwrap();
        let whole = submit::ready(&mut conn, by, place, (id, revision, "1.1.3.2.1")).await.unwrap();
        let ready = print::ready(&mut conn, &whole, place, Kind::ALL, (false, by.now)).await.unwrap();
        (revision, ready.data)
    };
    let freeze = |revision: i32, data: Value| async move {
        let mut tx = app.db.web.begin().await.unwrap();
        submit::freeze(&mut tx, by, place, (id, revision, "1.1.3.2.1"), (&data, b"%PDF-")).await
    };
    let (revision, data) = seen().await;
    town.enter("dead", json!({ "persons": 1 })).await;
    assert!(freeze(revision, data).await.unwrap_err().to_string().contains("changed meanwhile"), "an entry");
    let (revision, data) = seen().await;
    sqlx::query("update attachment set caption = caption, content = null, thumbnail = null, removed_at = now(), removed_by = 'ana', removed_reason = 'x'")
        .execute(&town.room.db.pool)
        .await
        .unwrap();
    freeze(revision, data).await.unwrap_err();
    assert_eq!(town.get().await["state"], "open");
}

#[tokio::test]
async fn a_chosen_photograph_stays_when_its_inspection_is_corrected() {
    let town = Town::open().await;
    let old = town.inspection("2026/001", "10", "damaged", None).await;
    let photograph = town.photograph().await;
    let taken = "insert into inspection_photograph (id, inspection_id, device_key, position, taken_at) values ($1, $2, $1, 0, now())";
    sqlx::query(taken).bind(photograph).bind(old).execute(&town.room.db.pool).await.unwrap();
    sqlx::query(
        "insert into attachment (id, kind, inspection_photograph_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by, created_at)
         select gen_random_uuid(), kind, $1, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by, created_at
         from attachment where id = $1",
    )
    .bind(photograph)
    .execute(&town.room.db.pool)
    .await
    .unwrap();
    let of_field = town.room.words("select id::text from attachment where inspection_photograph_id is not null").await;
    let chosen = json!([{ "id": of_field[0], "caption": "Parede caída" }]);
    town.good(&town.olga, Method::PUT, "photographs", chosen).await;
    town.inspection("2026/002", "10", "destroyed", Some(old)).await;
    let shown = town.get().await;
    assert_eq!(
        (&shown["photographs"][0]["id"], &shown["photographs"][0]["position"]),
        (&json!(of_field[0]), &json!(0))
    );
}

#[tokio::test]
async fn the_csv_of_s2id_reads_and_writes_as_the_same_bytes() {
    let town = Town::open().await;
    town.complete().await;
    let (status, bytes) = town.file("s2id.csv").await;
    assert_eq!(status, StatusCode::OK);
    let sheet = s2id::read(&bytes).unwrap();
    assert_eq!(s2id::write(&sheet), bytes);
    assert_eq!((sheet.head.cobrade.as_str(), sheet.totals.len()), ("11321", 2));
    let (status, shown) =
        ask(&town.room, &town.olga, Method::GET, &format!("damage/{}/s2id.csv", town.id), Value::Null).await;
    assert_eq!((status, shown), (StatusCode::OK, Value::Null), "it is no JSON");
}

#[tokio::test]
async fn what_came_of_it_is_written_down_and_the_pages_show_all_of_it() {
    let town = Town::open().await;
    town.complete().await;
    let outcome = |act: &str| json!({ "act": act, "protocol": "MG-F-3136702-11321-20260222", "reason": "Portaria 612/2026", "recognised_on": "2026-02-22" });
    assert_eq!(
        town.act(&town.ana, Method::POST, "outcome", outcome("recognise")).await.0,
        StatusCode::CONFLICT,
        "nothing was sent"
    );
    assert_eq!(town.submit("1.1.3.2.1").await.0, StatusCode::OK);
    for day in [Value::Null, json!("2026-02-21"), json!("2026-03-30")] {
        let mut wrong = outcome("recognise");
        wrong["recognised_on"] = day;
        let (status, refused) = town.act(&town.ana, Method::POST, "outcome", wrong).await;
        assert_eq!(
            (status, &refused["errors"][0]["field"]),
            (StatusCode::BAD_REQUEST, &json!("recognised_on")),
            "{refused}"
        );
    }
    town.good(&town.ana, Method::POST, "outcome", outcome("recognise")).await;
    let plan = town.room.words("select due_on::text from deadline where code = 'damage.reconstruction_plan'").await;
    assert_eq!(plan, ["2026-05-23"], "90 days from the day of the act");
    assert_eq!(town.act(&town.ana, Method::POST, "outcome", outcome("refuse")).await.0, StatusCode::CONFLICT);
    let shown = town.get().await;
    assert_eq!((&shown["state"], &shown["decision"]), (&json!("recognised"), &json!("Portaria 612/2026")));
    let base = format!("/console/damage/{}", town.id);
    for path in ["", "/sections", "/figures", "/declarations", "/documents/decree", "/photographs"] {
        let page = town.room.page(&town.olga, &format!("{base}{path}")).await;
        assert!(page.contains("2026/001") && page.contains("1.1.3.2.1"), "{path}: {page}");
    }
    let page = town.room.page(&town.ana, &base).await;
    assert!(page.contains("SHA-256") && page.contains("is due on 4 Mar 2026"), "{page}");
    assert!(town.room.page(&town.ana, "/console/damage").await.contains("2026/001"));
    assert!(town.room.page(&town.olga, &format!("/console/incidents/{}", relief::INCIDENT)).await.contains("/damage"));
    let lines = town.room.words("select text from incident_entry where kind = 'damage' order by id").await;
    assert!(lines.len() >= 8 && lines.last().unwrap().contains("reconhecido"), "{lines:?}");
}

#[tokio::test]
async fn forms_keep_what_was_typed_and_say_what_is_wrong() {
    let town = Town::open().await;
    let base = format!("/console/damage/{}", town.id);
    let revision = town.get().await["revision"].clone();
    let form = format!("revision={revision}&population=muitos&causes=Chuva+forte");
    let (status, page) = town.room.post(&town.olga, &format!("{base}/sections"), &form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("population") && page.contains("Chuva forte") && page.contains("muitos"), "{page}");
    let form = format!(
        "revision={revision}&population=540.756&net_month=1.234.567%2C89&causes=Chuva+forte&occupation_residential=urban"
    );
    assert_eq!(town.room.post(&town.olga, &format!("{base}/sections"), &form).await.0, StatusCode::SEE_OTHER);
    let sections = town.get().await["sections"].clone();
    assert_eq!((&sections["population"], &sections["net_month_centavos"]), (&json!(540_756), &json!(123_456_789)));
    assert_eq!(sections["occupation"][0], "urban");
    let form = "act=enter&line=transport&value=1.000%2C50&because=Laudo";
    assert_eq!(town.room.post(&town.olga, &format!("{base}/figures"), form).await.0, StatusCode::SEE_OTHER);
    let (status, page) =
        town.room.post(&town.olga, &format!("{base}/figures"), "act=enter&line=dead&value=3&because=x").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("persons"), "{page}");
    assert_eq!(town.figure("transport").await["total"]["centavos"], 100_050);
    let (status, page) = town.room.post(&town.ana, &format!("{base}/submit"), "revision=1&typed=x").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("COBRADE"), "{page}");
}
