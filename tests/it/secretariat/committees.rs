//! A council from its act of creation to the vacant seats of the year after, over the API and the pages.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use chrono::{DateTime, Utc};
use sentinela::accounts::Role;
use sentinela::secretariat::committees::worker;
use sentinela::secretariat::kernel::body::{desk, store};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::chained::{found_after, found_in};
use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support;

const BASE: &str = "/api/v1/secretariat/committees";

/// A town with somebody who works in the committees.
struct Hall {
    room: Room,
    carla: Person,
}

fn described(slug: &str, kind: &str) -> Value {
    let half = json!({ "num": 1, "den": 2, "more": true });
    json!({
        "slug": slug, "name": "Conselho Municipal de Proteção e Defesa Civil", "kind": kind,
        "act": { "kind": "law", "number": "Lei 15.001/2025", "on": "2025-12-01" }, "purpose": "Aconselhar a Defesa Civil.",
        "law_ref": "Lei 15.001/2025, art. 4", "term_from": "2026-01-01",
        "rules": {
            "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
            "quorum_open": half, "quorum_decide": half, "majority": "simple", "casting_vote": true, "public": true,
            "second_call": { "after_min": 30, "quorum": { "num": 1, "den": 3 } }, "most_reappointments": 1
        }
    })
}

impl Hall {
    async fn open() -> Self {
        let room = Room::open(&[]).await;
        let carla = room.person("carla", Role::Committees).await;
        Self { room, carla }
    }

    /// Moves the clock, and signs everybody in anew: tokens of tests last a day.
    async fn at(&mut self, instant: &str) {
        let to: DateTime<Utc> = instant.parse().unwrap();
        self.room.app.clock.set(to);
        self.carla.token = self.room.token("carla", instant).await;
    }

    async fn ask(&self, by: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(header::AUTHORIZATION, by)
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let (status, text) = self.room.send(request.body(body).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn good(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(&self.carla.token, method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: Value, part: &str) -> StatusCode {
        let (status, answer) = self.ask(&self.carla.token, method.clone(), path, body).await;
        assert!(status.is_client_error(), "{method} {path}: {status} {answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(part), "{path}: {detail:?} lacks {part:?}");
        status
    }

    async fn made(&self, path: &str, body: Value) -> String {
        self.good(Method::POST, path, body).await["id"].as_str().unwrap().to_owned()
    }

    /// The council with five seats: titulars until the end of the year, and one substitute. Seats and persons.
    async fn seated(&self) -> (Vec<String>, Vec<String>) {
        self.good(Method::POST, "", described("compdec", "council")).await;
        let (mut seats, mut persons) = (Vec::new(), Vec::new());
        for (at, entity) in ["Defesa Civil", "Obras", "Saúde", "Bombeiros", "Associação do Linhares"].iter().enumerate()
        {
            let role = if at == 0 { "chair" } else { "member" };
            let seat = self.made("/compdec/seats", json!({ "position": at + 1, "entity": entity, "role": role })).await;
            let name = format!("Membro {}", at + 1);
            let email = format!("membro{}@exemplo.invalid", at + 1);
            let person = self.made("/persons", json!({ "name": name, "email": email })).await;
            self.appoint(&seat, &person, "titular", ("2026-01-01", "2026-12-31")).await;
            seats.push(seat);
            persons.push(person);
        }
        let second = self.made("/persons", json!({ "name": "Suplente da Saúde" })).await;
        self.appoint(&seats[2], &second, "substitute", ("2026-01-01", "2026-12-31")).await;
        persons.push(second);
        (seats, persons)
    }

    async fn appoint(&self, seat: &str, person: &str, capacity: &str, (from, until): (&str, &str)) -> Value {
        let mandate = json!({ "person_id": person, "capacity": capacity, "from_on": from, "until_on": until, "act": "Decreto 9/2026" });
        self.good(Method::POST, &format!("/compdec/seats/{seat}/mandates"), mandate).await
    }

    async fn attend(&self, meeting: &str, seat: &str, capacity: Value) {
        let body = json!({ "seat_id": seat, "capacity": capacity });
        self.good(Method::POST, &format!("/compdec/meetings/{meeting}/attendance"), body).await;
    }

    /// Gives a member an account that works in the module of determinations.
    async fn account(&self, member: &'static str, username: &str) -> Person {
        let person = self.room.person(username, Role::Coordination).await;
        let owner = &mut self.room.db.owner().await;
        let given =
            sqlx::query("update body_person set staff_id = (select id from staff where username = $1) where name = $2");
        assert_eq!(given.bind(username).bind(member).execute(owner).await.unwrap().rows_affected(), 1);
        person
    }

    async fn public(&self, path: &str) -> (StatusCode, String) {
        self.room.stranger(Method::GET, path).await
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = support::soon("the file", self.room.router.clone().oneshot(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        to_bytes(response.into_body(), 8 << 20).await.unwrap().to_vec()
    }
}

fn convening(kind: &str, at: &str) -> Value {
    let urgency = if kind == "extraordinary" { "Chuva prevista" } else { "" };
    json!({ "kind": kind, "starts_at": at, "place": "Sala 2", "urgency": urgency,
        "items": [{ "title": "Plano de contingência" }, { "title": "Indenização sigilosa", "restricted": true }] })
}

const MEETINGS: &str = "/compdec/meetings";
const ACTS: &str = "/compdec/meetings/2026-2/acts";

#[tokio::test]
async fn a_council_is_created_meets_at_its_second_call_resolves_publishes_and_loses_its_mandates_with_the_year() {
    let mut hall = Hall::open().await;
    let (seats, persons) = hall.seated().await;
    it_is_convened(&mut hall).await;
    it_opens_at_the_second_call(&mut hall, &seats).await;
    it_resolves(&hall, &seats, &persons).await;
    its_minutes_are_published(&hall).await;
    its_mandates_end_with_the_year(&mut hall, &seats, &persons).await;
}

/// Its first item, which everybody reads, and its second, which is restricted.
async fn items(hall: &Hall) -> (String, String) {
    let record = hall.good(Method::GET, "/compdec/meetings/2026-2", Value::Null).await;
    let item = |at: usize| record["items"][at]["id"].as_str().unwrap().to_owned();
    (format!("/compdec/meetings/2026-2/items/{}", item(0)), format!("/compdec/meetings/2026-2/items/{}", item(1)))
}

async fn it_is_convened(hall: &mut Hall) {
    // 22 February: seven days are 1 March, so that 28 February is too soon and the rule is cited.
    let too_late =
        hall.refused(Method::POST, MEETINGS, convening("ordinary", "2026-02-28T17:00:00Z"), "01/03/2026").await;
    assert_eq!(too_late, StatusCode::CONFLICT);
    hall.refused(Method::POST, MEETINGS, convening("ordinary", "2026-02-28T17:00:00Z"), "Regimento interno").await;
    let extra = hall.good(Method::POST, MEETINGS, convening("extraordinary", "2026-02-28T17:00:00Z")).await;
    assert_eq!((&extra["year"], &extra["number"]), (&json!(2026), &json!(1)), "what was refused took no number");
    hall.good(Method::POST, "/compdec/meetings/2026-1/acts", json!({ "act": "cancel", "reason": "A chuva passou" }))
        .await;
    hall.good(Method::POST, MEETINGS, convening("ordinary", "2026-03-04T17:00:00Z")).await;
    let letters =
        hall.room.words("select body from notice where purpose = 'body_convening' order by created_at, id").await;
    assert_eq!(letters.len(), 15, "five members; two convenings and one that was called off");
    assert!(letters.iter().all(|text| !text.contains("Indenização")), "what is restricted is in no letter");
    assert!(letters[0].contains("/secretaria/comites/convite/"), "{}", letters[0]);
}

async fn it_opens_at_the_second_call(hall: &mut Hall, seats: &[String]) {
    // First call: two of five. Second call: a third is enough to open, but not to decide.
    hall.at("2026-03-04T17:00:00Z").await;
    hall.attend("2026-2", &seats[0], json!("titular")).await;
    hall.attend("2026-2", &seats[1], json!("titular")).await;
    let first = hall.good(Method::POST, ACTS, json!({ "act": "call" })).await;
    assert_eq!((&first["outcome"], &first["needed"]), (&json!("waits"), &json!(3)));
    hall.refused(Method::POST, ACTS, json!({ "act": "call" }), "second call").await;
    hall.at("2026-03-04T17:30:00Z").await;
    assert_eq!(hall.good(Method::POST, ACTS, json!({ "act": "call" })).await["outcome"], "opened");
    let (plan, _) = items(hall).await;
    let two = json!({ "tally": { "votes_for": 2, "votes_against": 0, "votes_abstain": 0 } });
    hall.refused(Method::POST, &format!("{plan}/decision"), two, "no quorum to decide").await;
    hall.refused(Method::POST, &format!("{plan}/resolution"), json!({ "text": "Aprova." }), "quorum").await;
}

async fn it_resolves(hall: &Hall, seats: &[String], persons: &[String]) {
    let (plan, secret) = items(hall).await;
    // The substitute counts until the titular comes, and not beside them.
    hall.attend("2026-2", &seats[2], json!("substitute")).await;
    hall.attend("2026-2", &seats[2], json!("titular")).await;
    let body = json!({ "seat_id": seats[2], "capacity": "substitute" });
    hall.refused(Method::POST, "/compdec/meetings/2026-2/attendance", body, "titular of this seat is present").await;
    hall.attend("2026-2", &seats[3], json!("titular")).await;

    // Recusal: the fourth member neither votes nor counts.
    let recusal = json!({ "person_id": persons[3], "reason": "Parente do interessado" });
    hall.good(Method::POST, &format!("{plan}/recusals"), recusal).await;
    let vote = |seat: usize, choice: &str| json!({ "seat_id": seats[seat], "choice": choice });
    // One has an account of the module that the determination goes to; the other is given one later.
    hall.account("Membro 4", "quarto").await;
    let recusal = json!({ "person_id": persons[4], "reason": "Sócio do interessado" });
    hall.good(Method::POST, &format!("{plan}/recusals"), recusal).await;
    hall.refused(Method::POST, &format!("{plan}/votes"), vote(3, "for"), "recused").await;
    for (seat, choice) in [(0, "for"), (1, "for"), (2, "against")] {
        hall.good(Method::POST, &format!("{plan}/votes"), vote(seat, choice)).await;
    }
    let decided = hall.good(Method::POST, &format!("{plan}/decision"), json!({})).await;
    assert_eq!((&decided["approved"], &decided["present"], &decided["seats"]), (&json!(true), &json!(3), &json!(5)));
    let resolving = json!({ "text": "Aprova o plano de contingência.", "determination": "Publicar o plano", "determination_to": "Governo" });
    let resolved = hall.good(Method::POST, &format!("{plan}/resolution"), resolving).await;
    assert_eq!(
        (&resolved["year"], &resolved["number"], &resolved["spawned_case"]),
        (&json!(2026), &json!(1), &Value::Null)
    );
    it_determines(hall).await;
    let four = json!({ "tally": { "votes_for": 4, "votes_against": 0, "votes_abstain": 0 } });
    hall.good(Method::POST, &format!("{secret}/decision"), four).await;
    hall.good(Method::POST, &format!("{secret}/resolution"), json!({ "text": "Indeniza Fulano." })).await;
}

/// Two services look at the same time, and one of them dies before it is done: there is one case, and each names the other.
async fn it_determines(hall: &Hall) {
    let app = &hall.room.app;
    let now = app.clock.now();
    let waiting = store::spawn::waiting(&mut app.db.web.acquire().await.unwrap()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let mut first = app.db.web.begin().await.unwrap();
    assert!(worker::spawn(&mut first, app, now, waiting[0]).await.unwrap().is_some());
    let mut second = app.db.web.begin().await.unwrap();
    assert_eq!(worker::spawn(&mut second, app, now, waiting[0]).await.unwrap(), None, "the first one is about it");
    drop(second);
    first.rollback().await.unwrap();
    let none = hall.room.words("select id::text from case_file").await;
    assert!(none.is_empty(), "whoever died left nothing: {none:?}");
    assert_eq!(worker::round(app, now).await.unwrap(), 1);
    assert_eq!(worker::round(app, now).await.unwrap(), 0, "once");
    let resolved = hall.good(Method::GET, "/compdec/meetings/2026-2", Value::Null).await["resolutions"][0].clone();
    let id = resolved["spawned_case"].as_str().unwrap().to_owned();
    let path = format!("secretariat/coordination/cases/{id}");
    let case = ask(&hall.room, &hall.carla, Method::GET, &path, Value::Null).await.1;
    assert_eq!((&case["title"], &case["department"]), (&json!("Publicar o plano"), &json!("Governo")), "{case}");
    assert_eq!((&case["numbered"], &case["state"]), (&json!("DET 2026/001"), &json!("open")), "{case}");
    // Whoever was recused from the item does not read what came of it, nor whoever gets an account afterwards.
    let recused = async || {
        let all = ask(&hall.room, &hall.carla, Method::GET, &format!("{path}/recusals"), Value::Null).await.1;
        let names = all.as_array().unwrap().iter().map(|one| one["username"].as_str().unwrap().to_owned());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(recused().await, ["quarto"]);
    let quinta = hall.account("Membro 5", "quinta").await;
    assert_eq!(worker::round(app, now).await.unwrap(), 0);
    assert_eq!(recused().await, ["quarto", "quinta"]);
    assert_eq!(ask(&hall.room, &quinta, Method::GET, &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    // 4 March and thirty days are Friday, 3 April 2026, a holiday; the next working day is Monday.
    assert_eq!(case["fields"]["due_on"], "2026-04-06", "{case}");
    assert_eq!((&case["resolution"]["id"], &case["resolution"]["number"]), (&resolved["id"], &json!(1)), "{case}");
    // The session began before the clock jumped.
    let (cookie, csrf) = support::session_of(app, hall.carla.id).await;
    let carla = Person { id: hall.carla.id, token: hall.carla.token.clone(), cookie, csrf };
    let page = hall.room.page(&carla, "/secretaria/painel/comites/compdec/reunioes/2026-2").await;
    assert!(page.contains(&format!("/secretaria/painel/articulacao-interna/casos/{id}")), "{page}");
    let page = hall.room.page(&carla, &format!("/secretaria/painel/articulacao-interna/casos/{id}")).await;
    assert!(page.contains("/secretaria/painel/comites/compdec/reunioes/2026-2"), "{page}");
}

async fn its_minutes_are_published(hall: &Hall) {
    // Minutes: drafted, corrected, not published before somebody approved them.
    let minutes = "/compdec/meetings/2026-2/minutes";
    hall.refused(Method::POST, minutes, Value::Null, "does not draft").await;
    hall.good(Method::POST, ACTS, json!({ "act": "close" })).await;
    let text = hall.good(Method::POST, minutes, Value::Null).await["text"].as_str().unwrap().to_owned();
    for part in [
        "Em primeira chamada não houve quórum",
        "Em segunda chamada houve",
        "Resolução nº 1/2026: Aprova o plano",
        "Membro 4",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("Fulano") && !text.contains("Indenização"), "{text}");
    hall.good(Method::PUT, minutes, json!({ "revision": 1, "text": format!("{text}\n\nLida e achada conforme.") }))
        .await;
    hall.refused(Method::PUT, minutes, json!({ "revision": 1, "text": "x" }), "changed meanwhile").await;
    hall.refused(Method::POST, &format!("{minutes}/publication"), Value::Null, "only approved minutes").await;
    let approval = format!("{minutes}/approval");
    hall.refused(Method::POST, &approval, json!({ "revision": 2, "approvals": 2 }), "3 needed").await;
    hall.refused(Method::POST, &approval, json!({ "revision": 2, "meeting": "2026-1" }), "after the one").await;
    hall.good(Method::POST, &approval, json!({ "revision": 2, "approvals": 3 })).await;
    hall.good(Method::POST, &format!("{minutes}/publication"), Value::Null).await;
    let (status, page) = hall.public("/secretaria/comites/compdec").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Lida e achada conforme") && page.contains("Aprova o plano"), "{page}");
    assert!(!page.contains("Fulano") && !page.contains("exemplo.invalid"), "{page}");
    let pdf = hall.bytes("/secretaria/comites/compdec/atas/2026-2.pdf").await;
    assert!(pdf.starts_with(b"%PDF-"));
    let sum = sentinela::hexadecimal::hex(&<sha2::Sha256 as sha2::Digest>::digest(&pdf));
    assert_eq!(hall.room.words("select pdf_sha256 from body_meeting where number = 2").await, [sum]);
    let files = ["/secretaria/comites/compdec/popolo.json", "/secretaria/comites/compdec/composicao.csv"];
    let told = ("Ata: ", "/secretaria/comites/compdec/atas/2026-2.pdf");
    super::open_data::is_found(&hall.room, ("comites", "committees"), told, &files).await;
}

async fn its_mandates_end_with_the_year(hall: &mut Hall, seats: &[String], persons: &[String]) {
    // The year turns: mandates were listed before, and the seats are vacant after.
    hall.at("2026-11-20T12:00:00Z").await;
    let near = hall.good(Method::GET, "/expiring", Value::Null).await;
    assert_eq!(near["rows"].as_array().unwrap().len(), 6, "{near}");
    hall.at("2027-01-01T02:59:00Z").await;
    let last = hall.good(Method::GET, "/expiring", Value::Null).await;
    assert_eq!(last["rows"].as_array().unwrap().iter().filter(|row| row["until_on"] == "2026-12-31").count(), 6);
    hall.at("2027-01-01T03:00:00Z").await;
    let vacant = hall.good(Method::GET, "/expiring", Value::Null).await;
    assert_eq!(
        vacant["rows"].as_array().unwrap().iter().filter(|row| row["until_on"].is_null()).count(),
        5,
        "{vacant}"
    );
    let page = hall.public("/secretaria/comites/compdec").await.1;
    assert!(page.contains("Vacant") && !page.contains("until 31 Dec 2026"), "{page}");
    hall.appoint(&seats[0], &persons[0], "titular", ("2027-01-01", "2027-12-31")).await;
    let third = json!({ "person_id": persons[0], "capacity": "titular", "from_on": "2028-01-01", "until_on": "2028-12-31", "act": "Decreto" });
    hall.refused(Method::POST, &format!("/compdec/seats/{}/mandates", seats[0]), third, "2 times without a pause")
        .await;
    hall.good(Method::POST, MEETINGS, convening("ordinary", "2027-01-20T17:00:00Z")).await;
    let first = hall.good(Method::GET, "/compdec/meetings/2027-1", Value::Null).await;
    assert_eq!(first["state"], "convened", "numbers begin anew with the year");
}

#[tokio::test]
async fn a_recused_member_is_told_that_there_is_no_such_item() {
    let mut hall = Hall::open().await;
    let (_, persons) = hall.seated().await;
    let rui = hall.room.person("rui", Role::Committees).await;
    let named = json!({ "name": "Membro 4", "account": "rui" });
    hall.good(Method::PUT, &format!("/persons/{}", persons[3]), named).await;
    hall.good(Method::POST, "/compdec/meetings", convening("ordinary", "2026-03-04T17:00:00Z")).await;
    let record = hall.good(Method::GET, "/compdec/meetings/2026-1", Value::Null).await;
    let item = format!("/compdec/meetings/2026-1/items/{}", record["items"][1]["id"].as_str().unwrap());
    let request = Request::post(format!("{BASE}{item}/documents?name=Laudo"))
        .header(header::AUTHORIZATION, &hall.carla.token)
        .header(header::CONTENT_TYPE, "application/pdf")
        .body(Body::from("%PDF-1.7 laudo"));
    let (status, text) = hall.room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let document = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    let paths = [item.clone(), format!("{item}/documents/{document}")];
    for path in &paths {
        assert_eq!(hall.ask(&rui.token, Method::GET, path, Value::Null).await.0, StatusCode::OK, "{path}");
    }
    let recusal = json!({ "person_id": persons[3], "reason": "Parte interessada" });
    hall.good(Method::POST, &format!("{item}/recusals"), recusal).await;
    for path in &paths {
        assert_eq!(hall.ask(&rui.token, Method::GET, path, Value::Null).await.0, StatusCode::NOT_FOUND, "{path}");
        hall.good(Method::GET, path, Value::Null).await;
    }
    let notes = hall.ask(&rui.token, Method::PUT, &format!("{item}/notes"), json!({ "notes": "x" })).await;
    assert_eq!(notes.0, StatusCode::NOT_FOUND);
    let seen = hall.ask(&rui.token, Method::GET, "/compdec/meetings/2026-1", Value::Null).await.1;
    assert!(!seen.to_string().contains("sigilosa"), "{seen}");
    let page = hall.room.page(&rui, "/secretaria/painel/comites/compdec/reunioes/2026-1").await;
    assert!(page.contains("Plano de contingência") && !page.contains("sigilosa"), "{page}");
    hall.at("2026-02-22T13:00:00Z").await;
}

#[tokio::test]
async fn only_people_of_the_module_work_in_it_and_of_an_ethics_council_the_public_reads_numbers() {
    let hall = Hall::open().await;
    let press = hall.room.person("pedro", Role::Press).await;
    let (status, answer) = hall.ask(&press.token, Method::POST, "", described("compdec", "council")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer["detail"].as_str().unwrap().contains("committees"), "{answer}");
    assert_eq!(hall.ask(&press.token, Method::GET, "", Value::Null).await.0, StatusCode::OK);
    let enzo = hall.room.person("enzo", Role::Ethics).await;
    assert_eq!(
        hall.ask(&hall.carla.token, Method::POST, "", described("etica", "ethics")).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(hall.ask(&enzo.token, Method::POST, "", described("etica", "ethics")).await.0, StatusCode::CREATED);
    let seat = json!({ "position": 1, "entity": "Servidores", "role": "chair" });
    assert_eq!(hall.ask(&enzo.token, Method::POST, "/etica/seats", seat).await.0, StatusCode::CREATED);
    assert_eq!(hall.ask(&hall.carla.token, Method::GET, "/etica", Value::Null).await.0, StatusCode::NOT_FOUND);
    let page = hall.public("/secretaria/comites/etica").await;
    assert_eq!(page.0, StatusCode::OK);
    assert!(!page.1.contains("Servidores"), "{}", page.1);
    assert_eq!(hall.public("/secretaria/comites/etica/popolo.json").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_exported_body_is_read_back_to_the_same_bytes_and_popolo_names_what_it_names() {
    let hall = Hall::open().await;
    hall.seated().await;
    let mut conn = hall.room.app.db.web.acquire().await.unwrap();
    let file = desk::export(&mut conn, "compdec").await.unwrap();
    let written = file.write().unwrap();
    drop(conn);
    let other = Hall::open().await;
    other.good(Method::POST, "/imports", serde_json::from_str(&written).unwrap()).await;
    let mut conn = other.room.app.db.web.acquire().await.unwrap();
    let again = desk::export(&mut conn, "compdec").await.unwrap().write().unwrap();
    assert_eq!(again, written);
    assert!(!written.contains("exemplo.invalid"), "addresses are nobody else's");
    drop(conn);
    let popolo: Value = serde_json::from_str(&hall.public("/secretaria/comites/compdec/popolo.json").await.1).unwrap();
    let ids = |list: &str| -> Vec<String> {
        let all = popolo[list].as_array().unwrap();
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (organizations, persons, posts) = (ids("organizations"), ids("persons"), ids("posts"));
    assert_eq!((organizations.len(), persons.len(), posts.len(), ids("memberships").len()), (1, 6, 5, 6));
    for one in popolo["memberships"].as_array().unwrap() {
        let names = |key: &str, known: &[String]| known.iter().any(|id| one[key] == *id);
        assert!(
            names("organization_id", &organizations) && names("person_id", &persons) && names("post_id", &posts),
            "{one}"
        );
        assert!(one["start_date"].as_str() <= one["end_date"].as_str(), "{one}");
    }
    let csv = hall.public("/secretaria/comites/compdec/composicao.csv").await.1;
    assert_eq!(csv.lines().count(), 7, "{csv}");
    let ics = hall.public("/secretaria/comites/compdec/agenda.ics").await.1;
    assert!(ics.starts_with("BEGIN:VCALENDAR\r\n"), "{ics}");
}

#[tokio::test]
async fn what_happened_in_a_meeting_is_never_rewritten() {
    let hall = Hall::open().await;
    hall.seated().await;
    for table in
        ["body_snapshot", "body_call", "body_attendance", "body_vote", "body_decision", "body_recusal", "body_document"]
    {
        for sql in [format!("update {table} set at = at"), format!("delete from {table}")] {
            // Of the owner of the tables, whom no privilege keeps back.
            let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut hall.room.db.owner().await).await;
            assert!(done.is_err_and(|error| error.to_string().contains("append-only")), "{table}");
        }
    }
}

#[tokio::test]
async fn what_was_changed_in_a_body_behind_the_service_is_found() {
    let mut hall = Hall::open().await;
    let (seats, persons) = hall.seated().await;
    it_is_convened(&mut hall).await;
    it_opens_at_the_second_call(&mut hall, &seats).await;
    it_resolves(&hall, &seats, &persons).await;
    its_minutes_are_published(&hall).await;
    let columns = [
        ("body", "purpose"),
        ("body_seat", "entity"),
        ("body_mandate", "act"),
        ("body_meeting", "place"),
        ("body_meeting", "minutes"),
        ("body_call", "by"),
        ("body_item", "title"),
        ("body_attendance", "by"),
        ("body_recusal", "reason"),
        ("body_vote", "by"),
        ("body_decision", "reason"),
        ("body_resolution", "text"),
        ("body_snapshot", "by"),
    ];
    found_in(&hall.room, "body", &columns).await;
    let put_in = "insert into body_attendance (meeting_id, seat_id, person_id, capacity, present, at, by)
        select meeting_id, seat_id, person_id, capacity, false, at, by from body_attendance limit 1";
    found_after(&hall.room, put_in, "of body_attendance was put in past the chain").await;
    let taken_out = "delete from body_vote where id = (select max(id) from body_vote)";
    found_after(&hall.room, taken_out, "of body_vote is gone").await;
}

#[tokio::test]
async fn the_pages_found_a_body_seat_it_and_say_why_a_meeting_is_too_soon() {
    let hall = Hall::open().await;
    let form = "kind=council&slug=compdec&name=Conselho+de+Defesa+Civil&act_kind=law&act_number=1&act_on=2025-12-01&purpose=Aconselhar\
        &law_ref=&contact=&term_from=2026-01-01&term_until=&quorum_open=%3E1%2F2&quorum_decide=%3E1%2F2&majority=simple&qualified=\
        &casting_vote=yes&public=yes&second_after=30&second_quorum=1%2F3&most_reappointments=1";
    let (status, text) = hall.room.post(&hall.carla, "/secretaria/painel/comites", form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    let here = "/secretaria/painel/comites/compdec";
    let seat = "act=seat&position=1&entity=Defesa+Civil&role=chair";
    assert_eq!(hall.room.post(&hall.carla, here, seat).await.0, StatusCode::SEE_OTHER);
    let page = hall.room.page(&hall.carla, here).await;
    assert!(page.contains("Vacant") && page.contains("Defesa Civil"), "{page}");
    let soon = "act=convene&meeting_kind=ordinary&starts_at=2026-02-24T10:00&place=Sala+2&items=Plano";
    let (status, text) = hall.room.post(&hall.carla, here, soon).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("01/03/2026") && text.contains("Regimento interno"), "{text}");
    let good = "act=convene&meeting_kind=ordinary&starts_at=2026-03-03T10:00&place=Sala+2&items=Plano%0D%0A*Sigilo";
    assert_eq!(hall.room.post(&hall.carla, here, good).await.0, StatusCode::SEE_OTHER);
    let page = hall.room.page(&hall.carla, &format!("{here}/reunioes/2026-1")).await;
    assert!(page.contains("Sigilo") && page.contains("no quorum"), "{page}");
    let report = hall.room.page(&hall.carla, &format!("{here}/relatorio")).await;
    assert!(report.contains("Report of the year"), "{report}");
    let list = hall.room.page(&hall.carla, "/secretaria/painel/comites").await;
    assert!(list.contains("Conselho de Defesa Civil"), "{list}");
}

#[tokio::test]
async fn a_body_is_found_by_words_without_accents_by_its_kind_and_by_whether_it_is_in_force() {
    let hall = Hall::open().await;
    hall.good(Method::POST, "", described("compdec", "council")).await;
    let mut group = described("obras", "working_group");
    group["name"] = json!("Grupo de Obras");
    group["purpose"] = json!("Vistoriar encostas.");
    group["term_from"] = json!("2026-06-01");
    hall.good(Method::POST, "", group).await;
    hall.made("/persons", json!({ "name": "José da Conceição" })).await;
    let slugs = async |query: &str| {
        let all = hall.good(Method::GET, query, Value::Null).await;
        let slug = |body: &Value| body["slug"].as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(slug).collect::<Vec<String>>()
    };
    assert_eq!(slugs("").await, ["compdec", "obras"]);
    assert_eq!(slugs("?q=DEFESA%20protecao").await, ["compdec"], "each word, in any order");
    assert_eq!(slugs("?q=encostas").await, ["obras"], "of the purpose too");
    assert!(slugs("?q=encostas%20defesa").await.is_empty(), "every word");
    assert_eq!(slugs("?kind=working_group").await, ["obras"]);
    assert_eq!(slugs("?in_force=true").await, ["compdec"]);
    assert_eq!(slugs("?in_force=false").await, ["obras"], "it begins in June");
    let (status, refused) = hall.ask(&hall.carla.token, Method::GET, "?kind=club", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    let persons = hall.good(Method::GET, "/persons?name=conceicao%20jose", Value::Null).await;
    assert_eq!(persons.as_array().unwrap().len(), 1, "{persons}");
    let desk = "/secretaria/painel/comites";
    let page = hall.room.page(&hall.carla, &format!("{desk}?q=encostas&kind=&in_force=")).await;
    assert!(page.contains(&format!("{desk}/obras")) && !page.contains(&format!("{desk}/compdec")), "{page}");
    let page = hall.room.page(&hall.carla, &format!("{desk}?q=futebol")).await;
    assert!(page.contains("Nothing found"), "{page}");
}
