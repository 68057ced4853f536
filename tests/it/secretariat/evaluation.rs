//! A year of the evaluation of services: questions, codes and open addresses, answers that nobody is known by, the report and its correction.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::evaluation::worker as letters;
use sentinela::secretariat::kernel::worker;
use serde_json::{Value, json};

use super::{act, at, done, moved, open};
use crate::approval::{Person, Room};
use crate::damage::ask;

const TEXT: &str = include_str!("../../../src/secretariat/evaluation/questionnaire.toml");
const BASE: &str = "secretariat/service-evaluation";
const PUBLIC: &str = "/secretaria/avaliacao-de-servicos";

async fn form(room: &Room, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT_LANGUAGE, "en");
    room.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Somebody without an account sends JSON.
async fn respond(room: &Room, code: &str, answers: Value) -> (StatusCode, Value) {
    let body = json!({ "code": code, "answers": answers });
    let request = Request::post(format!("/api/v1/{BASE}/responses")).header(header::CONTENT_TYPE, "application/json");
    let (status, text) = room.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn answers(satisfaction: &str) -> Value {
    json!({ "satisfaction": satisfaction, "care": satisfaction, "clarity": satisfaction, "deadline": satisfaction,
        "solved": "yes", "channel": "desk" })
}

/// The same as fields of a form.
fn fields(satisfaction: &str, more: &str) -> String {
    format!(
        "a.satisfaction={satisfaction}&a.care={satisfaction}&a.clarity={satisfaction}&a.deadline={satisfaction}\
         &a.solved=yes&a.channel=desk{more}"
    )
}

async fn good(room: &Room, by: &Person, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = ask(room, by, method, &format!("{BASE}/{path}"), body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

async fn refused(room: &Room, by: &Person, path: &str, body: Value) -> (StatusCode, String) {
    let (status, answer) = ask(room, by, Method::POST, &format!("{BASE}/{path}"), body).await;
    assert!(status.is_client_error(), "{path}: {status} {answer}");
    (status, answer.to_string())
}

fn service(code: &str, sphere: &str) -> Value {
    json!({ "code": code, "name": format!("Serviço {code}"), "sphere": sphere, "unit": format!("Unidade {code}"), "department": "" })
}

fn round(opens_on: &str, closes_on: &str, services: &[&str]) -> Value {
    json!({ "title": "Pesquisa", "questionnaire": "usuarios", "version": 1, "opens_on": opens_on, "closes_on": closes_on,
        "open_link": true, "services": services })
}

/// A town with two services, the questionnaire and a round in March. The person, and the id of the round.
async fn prepared(room: &Room) -> (Person, String) {
    let eva = room.person("eva", Role::ServiceEvaluation).await;
    let eva = moved(room, &eva, "eva", "2026-03-02T12:00:00Z").await;
    for (code, sphere) in [("inss", "federal"), ("identidade", "state")] {
        good(room, &eva, Method::POST, "services", service(code, sphere)).await;
    }
    good(room, &eva, Method::POST, "questionnaires", json!({ "text": TEXT })).await;
    let made =
        good(room, &eva, Method::POST, "rounds", round("2026-03-02", "2026-03-31", &["inss", "identidade"])).await;
    (eva, made["id"].as_str().unwrap().to_owned())
}

async fn codes(room: &Room, by: &Person, id: &str, (service, count): (&str, usize)) -> Vec<String> {
    let wanted = json!({ "service": service, "count": count });
    let made = good(room, by, Method::POST, &format!("rounds/{id}/codes"), wanted).await;
    made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let from = page.find(&mark).unwrap_or_else(|| panic!("{name}: {page}")) + mark.len();
    page[from..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn definitions_are_refused_with_their_line_and_a_used_questionnaire_stays() {
    let room = Room::open(&[]).await;
    let (eva, _) = prepared(&room).await;
    let ana = room.person("ana", Role::News).await;
    let ana = moved(&room, &ana, "ana", "2026-03-02T12:30:00Z").await;
    assert_eq!(refused(&room, &ana, "services", service("outro", "state")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(refused(&room, &eva, "services", service("inss", "state")).await.0, StatusCode::CONFLICT);
    let (status, why) = refused(&room, &eva, "services", service("Um Código", "state")).await;
    assert!(status == StatusCode::BAD_REQUEST && why.contains("small letters"), "{why}");

    let bad = TEXT.replace("version = 1", "version = 2").replace("kind = \"yes_no\"", "kind = \"stars\"");
    let line = 1 + bad.lines().position(|line| line == "kind = \"stars\"").unwrap();
    let (status, why) = refused(&room, &eva, "questionnaires", json!({ "text": bad })).await;
    assert!(status == StatusCode::BAD_REQUEST && why.contains(&format!("text: line {line},")), "{why}");
    // The round uses version 1: it never changes, and the next one keeps what keys mean.
    let (_, why) = refused(&room, &eva, "questionnaires", json!({ "text": TEXT.replace("Atendimento", "X") })).await;
    assert!(why.contains("expected version 2"), "{why}");
    let next = TEXT.replace("version = 1", "version = 2");
    let other = next.replace("key = \"other\"", "key = \"elsewhere\"");
    let (_, why) = refused(&room, &eva, "questionnaires", json!({ "text": other })).await;
    assert!(why.contains("was offered before"), "{why}");
    good(&room, &eva, Method::POST, "questionnaires", json!({ "text": next })).await;
    let raw = sqlx::query("update evaluation_form set text = 'x' where version = 1").execute(&room.db.pool).await;
    assert!(raw.unwrap_err().to_string().contains("never changed"));

    let (_, why) = refused(&room, &eva, "rounds", round("2026-12-20", "2027-01-10", &["inss"])).await;
    assert!(why.contains("Lei 13.460/2017"), "a round lies in one year: {why}");
    let (_, why) = refused(&room, &eva, "rounds", round("2026-03-01", "2026-03-10", &["inss"])).await;
    assert!(why.contains("2026-03-02 or later"), "{why}");
    let mut second = round("2026-06-01", "2026-06-10", &["inss"]);
    second["version"] = json!(2);
    let (status, why) = refused(&room, &eva, "rounds", second).await;
    assert!(status == StatusCode::CONFLICT && why.contains("one year has one table"), "{why}");
}

#[tokio::test]
async fn a_code_is_good_for_one_answer_and_nothing_tells_who_gave_it() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    let made = codes(&room, &eva, &id, ("inss", 8)).await;
    assert_eq!(made.len(), 8);
    let kept = room.words("select encode(hash, 'hex') from evaluation_code").await;
    assert!(kept.len() == 8 && kept.iter().all(|hash| hash.len() == 64), "{kept:?}");

    let (status, why) = respond(&room, &made[0], json!({ "satisfaction": "9" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{why}");
    assert_eq!(why["errors"].as_array().unwrap().len(), 6, "every question is named: {why}");
    assert_eq!(respond(&room, &made[0], answers("5")).await.0, StatusCode::NO_CONTENT);
    assert_eq!(respond(&room, &made[0], answers("5")).await.0, StatusCode::NOT_FOUND, "once");
    assert_eq!(respond(&room, "7K2M-0QFX-7K2M-0QFX", answers("5")).await.0, StatusCode::NOT_FOUND);

    // The page, without scripts, with the code as somebody types it.
    let typed = made[1].to_lowercase().replace('-', "+");
    let (status, _) = form(&room, PUBLIC, &format!("code={typed}")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let path = format!("{PUBLIC}/codigo/{}", made[1]);
    let (status, page) = room.stranger(Method::GET, &path).await;
    assert!(status == StatusCode::OK && page.contains("name=\"a.satisfaction\""), "{page}");
    assert!(!page.contains("name=\"name\"") && !page.contains("name=\"email\""), "nobody is asked who they are");
    let (status, page) = form(&room, &path, "a.satisfaction=4&a.improve=A+fila").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains(">A fila</textarea>") && page.contains("value=\"4\" required checked"),
        "what was given stays: {page}"
    );
    let (_, page) = form(&room, &path, &fields("4", &format!("&a.improve={}", "x".repeat(1001)))).await;
    assert!(
        page.contains(
            "name=\"a.improve\" rows=\"4\" maxlength=\"1000\" aria-invalid=\"true\" aria-describedby=\"wrong-improve\""
        ) && page.contains("id=\"wrong-improve\">expected at most 1000 characters"),
        "a text that is wrong is marked, and what marks it says why: {page}"
    );
    assert_eq!(form(&room, &path, &fields("4", "&a.improve=A+fila")).await.0, StatusCode::SEE_OTHER);
    let (status, page) = room.stranger(Method::GET, &path).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("was used"), "{page}");

    assert_eq!(room.words("select count(*)::text from evaluation_code").await, ["6"], "used codes are gone");
    let rows = room.words("select r::text from evaluation_response r").await.join("\n");
    assert_eq!(rows.lines().count(), 2);
    assert!(!kept.iter().any(|hash| rows.contains(hash)) && !rows.contains("fila"), "{rows}");
    let columns = room
        .words("select column_name::text from information_schema.columns where table_name = 'evaluation_response' order by 1")
        .await;
    assert_eq!(columns, ["answers", "id", "round_id", "service_id"], "no time, no address, no code");
    let audit = room.words("select e::text from audit_event e where e.object_kind = 'evaluation'").await.join("\n");
    assert!(made.iter().all(|code| !audit.contains(code.as_str())) && !audit.contains("anonymous"), "{audit}");
}

#[tokio::test]
async fn an_open_address_counts_a_form_once_and_one_address_sends_only_so_many() {
    let limits = [
        ("SENTINELA__HTTP__LIMITS__PUBLIC_WRITES_PER_MINUTE", "1"),
        ("SENTINELA__HTTP__LIMITS__PUBLIC_WRITES_BURST", "2"),
    ];
    let room = Room::open(&limits).await;
    let (_, id) = prepared(&room).await;
    let path = format!("{PUBLIC}/responder/{id}");
    let (status, page) = room.stranger(Method::GET, &path).await;
    assert!(status == StatusCode::OK && page.contains("value=\"identidade\""), "which service: {page}");
    let (status, page) = room.stranger(Method::GET, &format!("{path}?servico=inss")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let stamp = hidden(&page, "stamp");
    let body = fields("3", &format!("&service=inss&stamp={stamp}"));
    assert_eq!(form(&room, &path, &body).await.0, StatusCode::SEE_OTHER);
    assert_eq!(form(&room, &path, &body).await.0, StatusCode::SEE_OTHER);
    let count = "select count(*)::text from evaluation_response";
    assert_eq!(room.words(count).await, ["1"], "the same form twice is one answer");
    let forged = fields("3", "&service=inss&stamp=AAAA");
    assert_eq!(form(&room, &path, &forged).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let machine = fields("3", &format!("&service=inss&stamp={stamp}&website=x"));
    assert_eq!(form(&room, &path, &machine).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.words(count).await, ["1"]);

    let mut statuses = Vec::new();
    for _ in 0..3 {
        let page = room.stranger(Method::GET, &format!("{path}?servico=inss")).await.1;
        let body = fields("3", &format!("&service=inss&stamp={}", hidden(&page, "stamp")));
        let mut request = Request::post(&path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4000))));
        statuses.push(room.send(request).await.0);
    }
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS]);
    assert_eq!(room.words(count).await, ["3"]);
}

/// The report and its correction, as whoever has no account reads them.
async fn everybody_reads_both(room: &Room) {
    let (status, page) = room.stranger(Method::GET, &format!("{PUBLIC}/relatorios/2026")).await;
    assert!(status == StatusCode::OK && page.contains("fewer than 5") && page.contains("O órgão corrigiu"), "{page}");
    assert!(!page.contains("The seal of this report does not fit"), "{page}");
    let (_, old) = room.stranger(Method::GET, &format!("{PUBLIC}/relatorios/2026?versao=1")).await;
    assert!(old.contains("<dd>17</dd>") && page.contains("<dd>71</dd>"), "{old}");
    let (status, csv) = room.stranger(Method::GET, &format!("/api/v1/{BASE}/reports/2026/csv")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(csv.contains("2026,inss,Serviço inss,federal,Unidade inss,responses,,40\r\n"), "{csv}");
    assert!(csv.contains("2026,identidade,Serviço identidade,state,Unidade identidade,responses,,\r\n"), "{csv}");
    let (status, list) = room.stranger(Method::GET, PUBLIC).await;
    assert!(status == StatusCode::OK && list.contains("/relatorios/2026"), "{list}");
    assert!(!list.contains("/responder/"), "the round is over: {list}");
    let (_, heads) = room.stranger(Method::GET, &format!("/api/v1/{BASE}/reports")).await;
    let heads: Value = serde_json::from_str(&heads).unwrap();
    assert_eq!((heads.as_array().unwrap().len(), &heads[0]["seq"]), (1, &json!(2)), "the last of each year: {heads}");
    assert!(heads[0]["report"].is_null(), "its tables are read by the year: {heads}");
}

#[tokio::test]
async fn a_report_hides_small_numbers_goes_out_once_and_is_corrected_beside_itself() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    let many = codes(&room, &eva, &id, ("inss", 40)).await;
    for (at, code) in many.iter().enumerate() {
        let value = (at % 5 + 1).to_string();
        assert_eq!(respond(&room, code, answers(&value)).await.0, StatusCode::NO_CONTENT);
    }
    let few = codes(&room, &eva, &id, ("identidade", 5)).await;
    for code in &few[..4] {
        assert_eq!(respond(&room, code, answers("2")).await.0, StatusCode::NO_CONTENT);
    }
    let told = good(&room, &eva, Method::GET, "rounds?year=2026", Value::Null).await;
    assert_eq!(told[0]["answers"], 40, "the four of the other service are in no sum: {told}");
    let page = room.page(&eva, &format!("/secretaria/painel/avaliacao-de-servicos/rodadas/{id}")).await;
    assert!(page.contains("<dt>Codes used</dt><dd>40</dd>"), "nor are the codes they used: {page}");
    let (status, early) = ask(&room, &eva, Method::GET, &format!("{BASE}/draft?year=2026"), Value::Null).await;
    assert!(status == StatusCode::CONFLICT && early.to_string().contains("runs until 2026-03-31"), "{early}");
    assert_eq!(refused(&room, &eva, "reports", json!({ "year": 2026 })).await.0, StatusCode::CONFLICT);

    // Midnight of the town, three hours behind.
    let eva = moved(&room, &eva, "eva", "2026-04-01T02:59:00Z").await;
    assert_eq!(respond(&room, "7K2M-0QFX-7K2M-0QFX", answers("5")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        refused(&room, &eva, "reports", json!({ "year": 2026 })).await.0,
        StatusCode::CONFLICT,
        "the last day still runs"
    );
    let eva = moved(&room, &eva, "eva", "2026-04-01T12:00:00Z").await;
    assert_eq!(respond(&room, &few[4], answers("5")).await.0, StatusCode::CONFLICT, "the round is over");
    let (status, why) = refused(&room, &eva, "rounds", round("2026-05-01", "2026-05-10", &["inss"])).await;
    assert!(status == StatusCode::CONFLICT && why.contains("all rounds of 2026 are over"), "{why}");
    let told = json!({ "service": "inss", "year": 2026, "manifestations": 17, "source": "Ofício 9/2026" });
    good(&room, &eva, Method::POST, "manifestations", told).await;
    let out = good(&room, &eva, Method::POST, "reports", json!({ "year": 2026 })).await;
    let report = &out[0]["report"];
    let of =
        |code: &str| report["services"].as_array().unwrap().iter().find(|one| one["code"] == code).unwrap().clone();
    let (inss, small) = (of("inss"), of("identidade"));
    assert_eq!((&inss["responses"], &inss["topics"][0]["value"]), (&json!(40), &json!(300)), "{inss}");
    assert_eq!(inss["questions"][0]["cells"][4]["count"], 8);
    let solved = inss["questions"].as_array().unwrap().iter().find(|one| one["key"] == "solved").unwrap().clone();
    assert_eq!(solved["cells"][0]["count"], Value::Null, "forty yes would tell that nobody said no: {solved}");
    assert_eq!((&small["responses"], &small["questions"]), (&Value::Null, &json!([])), "{small}");
    assert_eq!(report["responses"], Value::Null, "the total would tell the four");
    assert_eq!(inss["manifestations"], json!({ "count": 17, "source": "Ofício 9/2026" }));
    assert_eq!(report["ranking"].as_array().unwrap().len(), 1);

    // A correction stands beside the first, which stays byte by byte.
    let first = room.words("select document::text from evaluation_report where seq = 1").await;
    assert_eq!(refused(&room, &eva, "reports", json!({ "year": 2026 })).await.0, StatusCode::BAD_REQUEST, "why?");
    let told = json!({ "service": "inss", "year": 2026, "manifestations": 71, "source": "Ofício 10/2026" });
    good(&room, &eva, Method::POST, "manifestations", told).await;
    let why = json!({ "year": 2026, "reason": "O órgão corrigiu o número" });
    let out = good(&room, &eva, Method::POST, "reports", why).await;
    assert_eq!((&out[0]["seq"], &out[0]["prev"]), (&json!(2), &out[1]["hash"]), "{out}");
    assert_eq!(room.words("select document::text from evaluation_report where seq = 1").await, first);
    let raw = sqlx::query("update evaluation_report set reason = 'x'").execute(&room.db.pool).await;
    assert!(raw.is_err(), "what went out is never rewritten");
    let (status, why) = refused(&room, &eva, "rounds", round("2026-05-01", "2026-05-10", &["inss"])).await;
    assert!(status == StatusCode::CONFLICT && why.contains("no round is added"), "{why}");

    everybody_reads_both(&room).await;
    let files = ["/api/v1/secretariat/service-evaluation/reports/2026/csv"];
    let told = ("Relatório de avaliação de serviços de 2026", "/secretaria/avaliacao-de-servicos/relatorios/2026");
    let service = ("avaliacao-de-servicos", "service-evaluation");
    super::open_data::is_found(&room, service, told, &files).await;
}

#[tokio::test]
async fn nothing_in_the_database_puts_a_text_to_its_answer() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    let many = codes(&room, &eva, &id, ("inss", 11)).await;
    let answer = async |code: &String, text: Option<&str>| {
        let mut given = answers("2");
        if let Some(text) = text {
            given["improve"] = json!(text);
        }
        assert_eq!(respond(&room, code, given).await.0, StatusCode::NO_CONTENT);
    };
    for (code, text) in many.iter().zip([Some("A fila começa na rua"), None, Some("Falta sombra"), None]) {
        answer(code, text).await;
    }
    // Beside an answer stands a letter, whether words are in it or not.
    let beside = room
        .words("select count(*)::text from evaluation_response r join evaluation_letter l on l.xmin = r.xmin")
        .await;
    assert_eq!(beside, ["4"]);
    let lengths = room.words("select distinct octet_length(sealed)::text from evaluation_letter").await;
    assert_eq!(lengths.len(), 1, "all of one size: {lengths:?}");
    let open =
        "select count(*)::text from evaluation_letter where position(convert_to('sombra', 'UTF8') in sealed) > 0";
    assert_eq!(room.words(open).await, ["0"]);
    let columns = room
        .words("select column_name::text from information_schema.columns where table_name = 'evaluation_letter' order by 1")
        .await;
    assert_eq!(columns, ["round_id", "sealed", "service_id"], "no id, no day");
    assert_eq!(letters::empty(&room.app, at("2026-03-03T12:00:00Z")).await.unwrap(), 0, "four are too few");

    let later = ["Mais cadeiras", "Abrir às sete", "Nada", "Tudo bem", "Uma senha", "Mais gente"];
    for (code, text) in many[4..9].iter().zip(later) {
        answer(code, Some(text)).await;
    }
    let day = at("2026-03-03T12:00:00Z");
    assert_eq!(letters::empty(&room.app, day).await.unwrap(), 0, "nine: were five read, the last four would be few");
    answer(&many[9], Some(later[5])).await;
    let first = letters::empty(&room.app, day).await.unwrap();
    assert!((3..=5).contains(&first), "five letters, of which up to two say nothing: {first}");
    assert_eq!(room.words("select count(*)::text from evaluation_letter").await, ["5"], "as many stay behind");
    assert_eq!(letters::empty(&room.app, day).await.unwrap(), 0, "another look opens none of them");
    let beside = room
        .words("select count(*)::text from evaluation_response r join evaluation_comment c on c.xmin = r.xmin")
        .await;
    assert_eq!(beside, ["0"]);
    assert_eq!(room.words("select count(distinct xmin::text)::text from evaluation_comment").await, ["1"]);
    let (kept, sorted) = (
        room.words("select id::text from evaluation_comment order by ctid").await,
        room.words("select id::text from evaluation_comment order by id").await,
    );
    assert_eq!(kept, sorted, "in the order of ids that say nothing");

    // What stays behind and what comes after it wait for the end of the round, and are read together.
    answer(&many[10], Some("Obrigado")).await;
    assert_eq!(letters::empty(&room.app, at("2026-04-01T02:59:00Z")).await.unwrap(), 0);
    let last = letters::empty(&room.app, at("2026-04-01T12:00:00Z")).await.unwrap();
    assert_eq!(first + last, 9, "every text is read");
    assert_eq!(room.words("select count(*)::text from evaluation_letter").await, ["0"]);
}

#[tokio::test]
async fn what_fewer_than_five_wrote_is_read_by_nobody() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    for (service, count) in [("inss", 4), ("identidade", 5)] {
        for code in codes(&room, &eva, &id, (service, count)).await {
            let mut given = answers("2");
            given["improve"] = json!(format!("Escrito sobre {service}"));
            assert_eq!(respond(&room, &code, given).await.0, StatusCode::NO_CONTENT);
        }
    }
    let eva = moved(&room, &eva, "eva", "2026-03-31T12:00:00Z").await;
    assert_eq!(letters::empty(&room.app, at("2026-03-31T12:00:00Z")).await.unwrap(), 0, "others may yet answer");
    assert_eq!(room.words("select count(*)::text from evaluation_letter").await, ["9"]);
    let eva = moved(&room, &eva, "eva", "2026-04-01T12:00:00Z").await;
    assert_eq!(
        letters::empty(&room.app, at("2026-04-01T12:00:00Z")).await.unwrap(),
        5,
        "of the service that five told of"
    );
    assert_eq!(room.words("select count(*)::text from evaluation_letter").await, ["0"], "the others are erased");
    // A text that an earlier version kept of the four is shown in no state, and by no door.
    let kept =
        "insert into evaluation_comment (id, round_id, service_id, question, text, state, checked_by, checked_at)
        select gen_random_uuid(), t.round_id, s.id, 'improve', 'Escrito sobre inss', v.state, v.by, v.at
        from evaluation_round_service t join evaluation_service s on s.id = t.service_id and s.code = 'inss',
            (values ('waiting', null, null), ('shown', 'eva', now())) v (state, by, at)";
    assert_eq!(sqlx::query(kept).execute(&room.db.pool).await.unwrap().rows_affected(), 2);
    for state in ["waiting", "shown", "withheld"] {
        let told = good(&room, &eva, Method::GET, &format!("comments?state={state}"), Value::Null).await;
        assert!(!told.to_string().contains("inss"), "{state}: {told}");
    }
    let page = room.page(&eva, "/secretaria/painel/avaliacao-de-servicos/comentarios").await;
    assert!(page.contains("Escrito sobre identidade") && !page.contains("Escrito sobre inss"), "{page}");
}

#[tokio::test]
async fn what_people_write_is_read_by_staff_after_a_check_and_never_published() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    let five = codes(&room, &eva, &id, ("inss", 5)).await;
    for (code, text) in five.iter().zip(["A senhora Maria Fictícia foi rude", "Falta sombra na fila", "", "", ""]) {
        let mut given = answers("2");
        given["improve"] = json!(text);
        assert_eq!(respond(&room, code, given).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(letters::empty(&room.app, at("2026-04-01T12:00:00Z")).await.unwrap(), 2);
    let ana = room.person("ana", Role::News).await;
    let ana = moved(&room, &ana, "ana", "2026-04-01T12:00:00Z").await;
    let eva = moved(&room, &eva, "eva", "2026-04-01T12:00:00Z").await;
    let (status, _) = ask(&room, &ana, Method::GET, &format!("{BASE}/comments?state=waiting"), Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "whoever does not check reads nothing that was not checked");
    assert!(!room.page(&ana, "/secretaria/painel/avaliacao-de-servicos/comentarios").await.contains("sombra"));
    let waiting = good(&room, &eva, Method::GET, "comments?state=waiting", Value::Null).await;
    let of = |part: &str| {
        let one = waiting.as_array().unwrap().iter().find(|one| one["text"].as_str().unwrap().contains(part));
        one.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (named, plain) = (of("Maria"), of("sombra"));
    assert_eq!(
        refused(&room, &eva, &format!("comments/{named}"), json!({ "state": "withheld" })).await.0,
        StatusCode::BAD_REQUEST,
        "with a reason"
    );
    let why = json!({ "state": "withheld", "reason": "Nomeia uma pessoa" });
    good(&room, &eva, Method::POST, &format!("comments/{named}"), why).await;
    let page = format!("id={plain}&act=show&text=Falta+sombra+na+fila&reason=");
    let (status, _) = room.post(&eva, "/secretaria/painel/avaliacao-de-servicos/comentarios", &page).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let again = json!({ "state": "shown" });
    assert_eq!(refused(&room, &eva, &format!("comments/{plain}"), again).await.0, StatusCode::CONFLICT);
    let shown = good(&room, &ana, Method::GET, "comments", Value::Null).await;
    assert_eq!((shown.as_array().unwrap().len(), &shown[0]["text"]), (1, &json!("Falta sombra na fila")));
    let left = room.words("select coalesce(string_agg(text, ','), '') from evaluation_comment").await;
    assert!(!left[0].contains("Maria"), "what is withheld is erased: {left:?}");
}

#[tokio::test]
async fn definitions_go_out_and_come_in_elsewhere_byte_by_byte() {
    let (room, other) = (Room::open(&[]).await, Room::open(&[]).await);
    let (eva, _) = prepared(&room).await;
    let next = TEXT.replace("version = 1", "version = 2");
    good(&room, &eva, Method::POST, "questionnaires", json!({ "text": next })).await;
    let wanted = |by: &Person| {
        let request = Request::get(format!("/api/v1/{BASE}/definitions")).header(header::AUTHORIZATION, &by.token);
        request.body(Body::empty()).unwrap()
    };
    let text = room.send(wanted(&eva)).await.1;
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((file["services"].as_array().unwrap().len(), file["questionnaires"].as_array().unwrap().len()), (2, 2));

    let ivo = other.person("ivo", Role::ServiceEvaluation).await;
    let mut broken = file.clone();
    broken["questionnaires"][1]["text"] = json!(next.replace("topic = \"deadlines\"", "topic = \"colour\""));
    let (status, why) = ask(&other, &ivo, Method::PUT, &format!("{BASE}/definitions"), broken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(why.to_string().contains("questionnaires[1].text: line"), "{why}");
    assert_eq!(other.words("select count(*)::text from evaluation_service").await, ["0"], "all or none");
    let told = good(&other, &ivo, Method::PUT, "definitions", file.clone()).await;
    assert_eq!(told, json!({ "services": 2, "questionnaires": 2 }));
    assert_eq!(other.send(wanted(&ivo)).await.1, text, "the same bytes");
    assert_eq!(
        good(&other, &ivo, Method::PUT, "definitions", file.clone()).await,
        json!({ "services": 0, "questionnaires": 0 })
    );
    let mut differs = file;
    differs["services"][0]["unit"] = json!("Outra");
    let (status, why) = ask(&other, &ivo, Method::PUT, &format!("{BASE}/definitions"), differs).await;
    assert!(status == StatusCode::CONFLICT && why.to_string().contains("differs"), "{why}");
}

#[tokio::test]
async fn a_follow_up_goes_to_the_provider_lapses_is_answered_and_its_measures_stand_in_the_report() {
    let room = Room::open(&[]).await;
    let (eva, id) = prepared(&room).await;
    for code in codes(&room, &eva, &id, ("inss", 12)).await {
        assert_eq!(respond(&room, &code, answers("2")).await.0, StatusCode::NO_CONTENT);
    }
    let eva = moved(&room, &eva, "eva", "2026-04-06T12:00:00Z").await;
    let body = json!({ "type": "service_evaluation.follow_up", "title": "Fila na rua",
        "fields": { "service": "inss", "year": 2026, "provider": "Agência fictícia", "dimension": "quality",
            "finding": "O atendimento foi avaliado como ruim.", "due_on": "2026-04-20" } });
    let mut unknown = body.clone();
    unknown["fields"]["service"] = json!("insss");
    let (status, why) = ask(&room, &eva, Method::POST, "secretariat/service-evaluation/cases", unknown).await;
    assert_eq!((status, &why["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("fields.service")), "{why}");
    let typed = "title=Fila&f.service=insss&f.year=2026&f.provider=Ag%C3%AAncia&f.dimension=quality&f.finding=Ruim&f.due_on=2026-04-20";
    let new = "/secretaria/painel/avaliacao-de-servicos/novo/service_evaluation.follow_up";
    let (status, page) = room.post(&eva, new, typed).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("expected the code of a service of the list"), "{page}");
    let case = open(&room, &eva, "service-evaluation", body).await;
    let other = json!({ "fields": { "service": "insss" } });
    let (status, why) = act(&room, &eva, "service-evaluation", &case, ("edit", other)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{why}");
    let (status, why) = act(&room, &eva, "service-evaluation", &case, ("send", json!({}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "the day it was sent: {why}");
    let sent = json!({ "fields": { "sent_on": "2026-04-06" } });
    let case = done(&room, &eva, "service-evaluation", &case, ("send", sent)).await;
    assert_eq!(super::due(&case, "service_evaluation.reply"), "2026-04-20", "{case}");
    let eva = moved(&room, &eva, "eva", "2026-04-22T12:00:00Z").await;
    worker::round(&room.app, at("2026-04-22T12:00:00Z")).await.unwrap();
    let path = super::path("service-evaluation", &case, "");
    let late = ask(&room, &eva, Method::GET, &path, Value::Null).await.1;
    assert_eq!(late["state"], "overdue", "{late}");
    let reply = json!({ "fields": { "reply": "Vamos cobrir a fila", "measures": "Cobertura instalada em maio." } });
    let case = done(&room, &eva, "service-evaluation", &case, ("answer", reply)).await;
    assert_eq!(case["state"], "answered");
    let out = good(&room, &eva, Method::POST, "reports", json!({ "year": 2026 })).await;
    let services = out[0]["report"]["services"].as_array().unwrap();
    let inss = services.iter().find(|one| one["code"] == "inss").unwrap();
    assert_eq!(inss["improvements"][0]["measures"], "Cobertura instalada em maio.", "{inss}");
    assert_eq!(inss["improvements"][0]["number"], "AVS 2026/001", "{inss}");
    let (status, page) = room.stranger(Method::GET, &format!("{PUBLIC}/relatorios/2026")).await;
    assert!(status == StatusCode::OK && page.contains("Cobertura instalada em maio."), "{page}");
}

#[tokio::test]
async fn staff_sets_a_round_on_the_pages_and_prints_its_codes_once() {
    let room = Room::open(&[]).await;
    let eva = room.person("eva", Role::ServiceEvaluation).await;
    let desk = "/secretaria/painel/avaliacao-de-servicos";
    let new = "act=service&code=inss&name=Previd%C3%AAncia&sphere=federal&unit=Ag%C3%AAncia&department=";
    assert_eq!(room.post(&eva, &format!("{desk}/pesquisas"), new).await.0, StatusCode::SEE_OTHER);
    let (status, page) = room.post(&eva, &format!("{desk}/pesquisas"), new).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("with this code already"), "{page}");
    let text: String = url::form_urlencoded::byte_serialize(TEXT.replace('\n', "\r\n").as_bytes()).collect();
    assert_eq!(
        room.post(&eva, &format!("{desk}/questionario"), &format!("text={text}")).await.0,
        StatusCode::SEE_OTHER
    );
    assert_eq!(room.words("select text from evaluation_form").await, [TEXT], "line ends are those that were written");
    let (status, page) = room.post(&eva, &format!("{desk}/questionario"), "text=key+%3D").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("line 1"), "{page}");
    let set = "act=round&title=Pesquisa&questionnaire=usuarios+1&opens_on=2026-02-22&closes_on=2026-03-10&services=inss&open_link=yes";
    assert_eq!(room.post(&eva, &format!("{desk}/pesquisas"), set).await.0, StatusCode::SEE_OTHER);
    let id = room.words("select id::text from evaluation_round").await.remove(0);
    let (status, sheet) = room.post(&eva, &format!("{desk}/rodadas/{id}/codigos"), "service=inss&count=3").await;
    assert_eq!(status, StatusCode::OK, "{sheet}");
    assert_eq!(
        (
            sheet.matches("class=\"qr\" aria-hidden=\"true\"><svg").count(),
            sheet.matches(&format!("{PUBLIC}/codigo/")).count()
        ),
        (3, 3),
        "{sheet}"
    );
    let (status, page) = room.post(&eva, &format!("{desk}/rodadas/{id}/codigos"), "service=inss&count=0").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("expected 1 to 500"), "{page}");
    for path in ["", "/pesquisas", "/questionario", "/comentarios", "/ano?ano=2026"] {
        let page = room.page(&eva, &format!("{desk}{path}")).await;
        assert!(page.contains("Evaluation of services"), "{path}: {page}");
    }
    let year = room.page(&eva, &format!("{desk}/ano?ano=2026")).await;
    assert!(year.contains("A round of this year still runs"), "{year}");
}

#[tokio::test]
async fn a_service_is_found_by_words_without_accents_by_its_sphere_and_by_whether_it_is_rendered() {
    let room = Room::open(&[]).await;
    let (eva, _) = prepared(&room).await;
    let mut old = service("junta", "municipal");
    old["ended_on"] = json!("2026-02-28");
    good(&room, &eva, Method::POST, "services", old).await;
    let codes = async |query: &str| {
        let all = good(&room, &eva, Method::GET, &format!("services?{query}"), Value::Null).await;
        all.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(codes("q=INSS%20servico").await, ["inss"], "each word, accents or not");
    assert_eq!(codes("q=unidade").await, ["identidade", "inss", "junta"]);
    assert_eq!(codes("sphere=state").await, ["identidade"]);
    assert_eq!(codes("current=true").await, ["identidade", "inss"]);
    assert_eq!(codes("current=false").await, ["junta"]);
    let (status, _) = ask(&room, &eva, Method::GET, &format!("{BASE}/services?sphere=lunar"), Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let desk = "/secretaria/painel/avaliacao-de-servicos/pesquisas";
    let page = room.page(&eva, &format!("{desk}?q=servico%20inss&sphere=&current=")).await;
    assert!(page.contains("Serviço inss") && !page.contains("Serviço identidade"), "{page}");
    let page = room.page(&eva, &format!("{desk}?q=futebol")).await;
    assert!(page.contains("Nothing found"), "{page}");
}
