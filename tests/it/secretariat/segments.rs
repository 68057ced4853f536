//! Messages by segment: nothing leaves before the mailbox confirmed, a digest leaves once, and one press ends it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::segments::worker;
use serde_json::{Value, json};

use super::{at, done, moved, open};
use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support::Folder;

async fn form(room: &Room, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT_LANGUAGE, "en")
        .body(Body::from(body.to_owned()))
        .unwrap();
    room.send(request).await
}

/// The path of the link in the last notice of a purpose.
async fn link(room: &Room, sql: &'static str, below: &str) -> String {
    let bodies = room.words(sql).await;
    let body = bodies.last().expect("a notice");
    let line = body.lines().find(|line| line.contains(below)).unwrap_or_else(|| panic!("{body}"));
    format!("{below}{}", line.split(below).nth(1).unwrap().trim())
}

const ASKED: &str = "select body from notice where purpose = 'segment_confirm' order by created_at, id";
const SENT: &str = "select body from notice where purpose = 'segment_digest' order by created_at, id";

async fn published(room: &Room, (ana, bia): (&Person, &Person), (title, tags): (&str, &str)) {
    let body = json!({ "type": "news.item", "title": title,
        "fields": { "kind": "civil_defense", "lead": "Resumo", "body": "Texto", "tags": tags } });
    let item = open(room, ana, "news", body).await;
    done(room, bia, "news", &item, ("approve", json!({}))).await;
    done(room, ana, "news", &item, ("publish", json!({}))).await;
}

#[tokio::test]
async fn a_mailbox_gets_what_has_its_tags_only_after_it_confirmed_and_nothing_after_it_left() {
    let room = Room::open(&[]).await;
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    let ana = moved(&room, &ana, "ana", "2026-12-30T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2026-12-30T15:00:00Z").await;
    let ask = "/secretaria/segmentos/assinar";
    assert_eq!(form(&room, ask, "email=x&tag=chuva").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(form(&room, ask, "email=maria%40exemplo.invalid&tag=futebol").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, page) = form(&room, ask, "email=maria%40exemplo.invalid&tag=chuva").await;
    assert_eq!(status, StatusCode::OK, "{page}");

    published(&room, (&ana, &bia), ("Antes do pedido", "chuva")).await;
    room.app.clock.set(at("2026-12-31T12:00:00Z"));
    assert_eq!(worker::round(&room.app, at("2026-12-31T12:00:00Z")).await.unwrap(), 0, "nobody confirmed");
    let confirm = link(&room, ASKED, "/secretaria/segmentos/confirmar/").await;
    assert_eq!(room.stranger(Method::GET, &confirm).await.0, StatusCode::OK);
    assert_eq!(
        room.words("select id::text from segment_subscription where confirmed_at is not null").await.len(),
        0,
        "looking changes nothing"
    );
    let (status, page) = form(&room, &confirm, "").await;
    assert_eq!(status, StatusCode::OK, "{page}");

    let ana = moved(&room, &ana, "ana", "2026-12-31T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2026-12-31T15:00:00Z").await;
    for (title, tags) in [("Chuva à tarde", "Chuva"), ("Feira de livros", "cultura")] {
        published(&room, (&ana, &bia), (title, tags)).await;
    }
    // Before eight in the town nothing leaves.
    assert_eq!(worker::round(&room.app, at("2027-01-01T10:30:00Z")).await.unwrap(), 0);
    // The morning of New Year's Day, a Friday, is one like others.
    let morning = at("2027-01-01T11:30:00Z");
    room.app.clock.set(morning);
    assert_eq!(worker::round(&room.app, morning).await.unwrap(), 1);
    assert_eq!(worker::round(&room.app, morning).await.unwrap(), 0, "once a day");
    let digest = room.words(SENT).await.pop().unwrap();
    assert!(digest.contains("Chuva à tarde"), "{digest}");
    assert!(!digest.contains("Feira de livros") && !digest.contains("Antes do pedido"), "{digest}");
    // What comes out on the Saturday leaves on the Sunday; on the Saturday and the Monday there is nothing to tell.
    assert_eq!(worker::round(&room.app, at("2027-01-02T11:30:00Z")).await.unwrap(), 0);
    let ana = moved(&room, &ana, "ana", "2027-01-02T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2027-01-02T15:00:00Z").await;
    published(&room, (&ana, &bia), ("Encosta interditada", "chuva")).await;
    for (instant, handed) in [("2027-01-03T11:30:00Z", 1), ("2027-01-04T11:30:00Z", 0)] {
        room.app.clock.set(at(instant));
        assert_eq!(worker::round(&room.app, at(instant)).await.unwrap(), handed, "{instant}");
    }
    let digest = room.words(SENT).await.pop().unwrap();
    assert!(digest.contains("Encosta interditada") && !digest.contains("Chuva à tarde"), "{digest}");

    let leave = link(&room, SENT, "/secretaria/segmentos/sair/").await;
    assert_eq!(room.stranger(Method::GET, &leave).await.0, StatusCode::OK);
    assert_eq!(form(&room, &leave, "x=y").await.0, StatusCode::BAD_REQUEST, "only what the RFC names");
    assert_eq!(form(&room, &leave, "List-Unsubscribe=One-Click").await.0, StatusCode::OK);
    let kept = room.words("select coalesce(email, 'none') from segment_subscription").await;
    assert_eq!(kept, ["none"], "whoever leaves is forgotten");
    // The old link of the confirmation brings nobody back.
    form(&room, &confirm, "").await;
    assert_eq!(room.words("select id::text from segment_subscription where left_at is null").await.len(), 0);
}

const DESK: &str = "secretariat/segments";

async fn seen(room: &Room, by: &Person, rest: &str) -> (StatusCode, Value) {
    ask(room, by, Method::GET, &format!("{DESK}/{rest}"), Value::Null).await
}

/// A mailbox that confirmed, and a letter to it on the morning of the 24th; whoever publishes, and whoever works with segments, then.
async fn a_morning(room: &Room) -> (Person, Person, Person) {
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    let sara = room.person("sara", Role::Segments).await;
    let asked = "email=maria%40exemplo.invalid&tag=chuva";
    assert_eq!(form(room, "/secretaria/segmentos/assinar", asked).await.0, StatusCode::OK);
    let confirm = link(room, ASKED, "/secretaria/segmentos/confirmar/").await;
    assert_eq!(form(room, &confirm, "").await.0, StatusCode::OK);
    let ana = moved(room, &ana, "ana", "2026-02-23T15:00:00Z").await;
    let bia = moved(room, &bia, "bia", "2026-02-23T15:00:00Z").await;
    published(room, (&ana, &bia), ("Chuva à tarde", "chuva")).await;
    let morning = at("2026-02-24T11:30:00Z");
    room.app.clock.set(morning);
    assert_eq!(worker::round(&room.app, morning).await.unwrap(), 1);
    let sara = moved(room, &sara, "sara", "2026-02-24T11:40:00Z").await;
    let ana = moved(room, &ana, "ana", "2026-02-24T11:40:00Z").await;
    let bia = moved(room, &bia, "bia", "2026-02-24T11:40:00Z").await;
    (sara, ana, bia)
}

#[tokio::test]
async fn a_desk_sees_how_letters_fare_and_finds_their_day_by_words_without_accents() {
    let room = Room::open(&[]).await;
    let (sara, ana, bia) = a_morning(&room).await;
    let (status, all) = seen(&room, &ana, "digests").await;
    assert_eq!(status, StatusCode::OK, "{all}");
    let one = &all["items"][0];
    let told = (&one["day"], &one["letters"], &one["publications"], &one["waiting"]);
    assert_eq!(told, (&json!("2026-02-24"), &json!(1), &json!(1), &json!(1)), "{all}");
    let days = |all: Value| all["items"].as_array().unwrap().len();
    assert_eq!(
        days(seen(&room, &ana, "digests?q=CHUVA%20a%20tarde").await.1),
        1,
        "as whoever leaves accents out writes"
    );
    assert_eq!(days(seen(&room, &ana, "digests?q=feira").await.1), 0);
    assert_eq!(days(seen(&room, &ana, "digests?outcome=failed").await.1), 0);
    assert_eq!(days(seen(&room, &ana, "digests?before=2026-02-24").await.1), 0, "the day itself is not before it");
    assert_eq!(seen(&room, &ana, "digests?outcome=lost").await.0, StatusCode::BAD_REQUEST);

    sqlx::query(
        "update notice set state = 'rejected', reason = '550 maria@exemplo.invalid: no such box', subject = '', body = ''
         where purpose = 'segment_digest'",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    assert_eq!(days(seen(&room, &ana, "digests?outcome=failed").await.1), 1);
    let (status, day) = seen(&room, &ana, "digests/2026-02-24").await;
    assert_eq!((status, &day["digest"]["failed"]), (StatusCode::OK, &json!(1)), "{day}");
    assert_eq!(day["publications"][0]["title"], "Chuva à tarde", "{day}");
    assert_eq!(day["publications"][0]["people"], Value::Null, "one person");
    for none in ["digests/2026-02-25", "digests/ontem"] {
        assert_eq!(seen(&room, &ana, none).await.0, StatusCode::NOT_FOUND, "{none}");
    }
    assert_eq!(seen(&room, &ana, "digests/2026-02-24/letters").await.0, StatusCode::FORBIDDEN);
    let (_, letters) = seen(&room, &sara, "digests/2026-02-24/letters?outcome=failed").await;
    let address = &letters[0]["address"];
    assert_eq!((address, &letters[0]["outcome"]), (&json!("m***@exemplo.invalid"), &json!("failed")), "{letters}");
    assert!(!letters.to_string().contains("maria@"), "also what the other side answered: {letters}");

    let desk = "/secretaria/painel/segmentos";
    let page = room.page(&sara, desk).await;
    assert!(page.contains(&format!("{desk}/edicoes/2026-02-24")) && page.contains("not delivered: 1"), "{page}");
    let page = room.page(&sara, &format!("{desk}/edicoes/2026-02-24")).await;
    assert!(page.contains("m***@exemplo.invalid") && page.contains("Chuva à tarde"), "{page}");
    let page = room.page(&ana, &format!("{desk}/edicoes/2026-02-24")).await;
    assert!(!page.contains("m***@") && page.contains("fewer than 5"), "{page}");

    // What leaves next is known before it leaves.
    let (status, next) = seen(&room, &ana, "next?tags=chuva").await;
    assert_eq!((status, &next["body"]), (StatusCode::OK, &Value::Null), "it left this morning: {next}");
    published(&room, (&ana, &bia), ("Chuva nova", "chuva")).await;
    let (_, next) = seen(&room, &ana, "next?tags=chuva&language=en").await;
    assert_eq!((&next["leaves_at"], &next["told"]), (&json!("2026-02-25T11:00:00Z"), &json!(1)), "{next}");
    assert!(next["body"].as_str().unwrap().contains("Chuva nova"), "{next}");
    assert_eq!(seen(&room, &ana, "next?tags=obras").await.1["body"], Value::Null);
    assert_eq!(seen(&room, &ana, "next?tags=futebol").await.0, StatusCode::BAD_REQUEST);
    let page = room.page(&ana, &format!("{desk}/proxima?tag=chuva")).await;
    assert!(page.contains("Chuva nova"), "{page}");
}

#[tokio::test]
async fn a_subscription_is_ended_on_request_and_only_its_desk_knows_of_it_and_never_a_whole_address() {
    let room = Room::open(&[]).await;
    let (sara, ana, _) = a_morning(&room).await;
    for (method, rest, body) in [
        (Method::GET, "subscriptions".to_owned(), Value::Null),
        (Method::GET, "export".to_owned(), Value::Null),
        (Method::POST, "subscriptions/search".to_owned(), json!({ "email": "maria@exemplo.invalid", "reason": "x" })),
        (Method::POST, format!("subscriptions/{}/stop", uuid::Uuid::nil()), json!({ "reason": "x" })),
    ] {
        let (status, refused) = ask(&room, &ana, method, &format!("{DESK}/{rest}"), body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{rest}: {refused}");
    }
    let (_, all) = seen(&room, &sara, "subscriptions?tag=chuva&confirmed=true").await;
    assert_eq!(all["items"][0]["address"], "m***@exemplo.invalid", "{all}");
    assert!(!all.to_string().contains("maria@"), "{all}");
    assert_eq!(seen(&room, &sara, "subscriptions?tag=obras").await.1["items"], json!([]));

    let find = async |email: &str, reason: &str| {
        let body = json!({ "email": email, "reason": reason });
        ask(&room, &sara, Method::POST, &format!("{DESK}/subscriptions/search"), body).await
    };
    assert_eq!(find("maria", "Pediu por telefone").await.0, StatusCode::BAD_REQUEST, "a part of an address");
    assert_eq!(find("maria@exemplo.invalid", " ").await.0, StatusCode::BAD_REQUEST, "no reason");
    assert_eq!(find("joana@exemplo.invalid", "Pediu por telefone").await.1["subscription"], Value::Null);
    let found = find("MARIA@exemplo.invalid", "Pediu por telefone").await.1;
    assert_eq!(found["subscription"]["id"], all["items"][0]["id"], "{found}");
    let searches =
        "select reason || ' ' || (after ->> 'found') from audit_event where act = 'segment.search' order by 1";
    assert_eq!(room.words(searches).await, ["Pediu por telefone false", "Pediu por telefone true"]);
    let form = "email=maria%40exemplo.invalid&reason=Pediu+por+maria%40exemplo.invalid";
    let (status, page) = room.post(&sara, "/secretaria/painel/segmentos/assinaturas", form).await;
    assert!(status == StatusCode::OK && page.contains("There is a subscription"), "{page}");
    let told =
        "select concat_ws(' ', object, reason, before::text, after::text) from audit_event where act like 'segment.%'";
    assert!(room.words(told).await.iter().all(|told| !told.contains("maria@")), "no address is in the audit");

    let id = all["items"][0]["id"].as_str().unwrap();
    let stop = async |id: &str, reason: &str| {
        let path = format!("{DESK}/subscriptions/{id}/stop");
        ask(&room, &sara, Method::POST, &path, json!({ "reason": reason })).await.0
    };
    assert_eq!(stop(id, "").await, StatusCode::BAD_REQUEST);
    assert_eq!(stop(&uuid::Uuid::nil().to_string(), "Pediu").await, StatusCode::NOT_FOUND);
    let path = format!("/secretaria/painel/segmentos/assinaturas/{id}/encerrar");
    assert_eq!(room.post(&sara, &path, "reason=Pediu").await.0, StatusCode::BAD_REQUEST, "without the tick");
    assert_eq!(room.post(&sara, &path, "reason=Pediu&sure=yes").await.0, StatusCode::SEE_OTHER);
    assert_eq!(stop(id, "Pediu").await, StatusCode::CONFLICT, "once");
    assert_eq!(room.words("select coalesce(email, 'none') from segment_subscription").await, ["none"]);
    assert_eq!(room.words("select address from notice").await.len(), 0, "also what was sent is forgotten");
    assert_eq!(room.words("select reason from audit_event where act = 'segment.stop'").await, ["Pediu"]);
    assert_eq!(seen(&room, &sara, "digests").await.1["items"][0]["forgotten"], 1, "that a letter left stays");
}

#[tokio::test]
async fn subscribers_are_counted_by_segment_and_month_of_five_on_and_the_segments_are_the_towns() {
    let folder = Folder::new();
    let file = folder.path().join("segments.toml");
    std::fs::write(
        &file,
        "[[segment]]\nkey = \"chuva\"\ntitle = { pt = \"Chuvas\", en = \"Rain\" }\n\
         [[segment]]\nkey = \"orcamento\"\ntitle = { pt = \"Orçamento\", en = \"Budget\" }\n",
    )
    .unwrap();
    let room = Room::configured(|config| config.secretariat.segments = file.display().to_string()).await;
    let sara = room.person("sara", Role::Segments).await;
    let asked = "/secretaria/segmentos/assinar";
    let other = form(&room, asked, "email=maria%40exemplo.invalid&tag=obras").await.0;
    assert_eq!(other, StatusCode::UNPROCESSABLE_ENTITY, "this town offers no works");
    sqlx::query(
        "insert into segment_subscription (id, email, tags, wanted, language, asked_at, confirmed_at, looked_at)
         select gen_random_uuid(), 'p' || n || '@exemplo.invalid', tags, tags, 'pt-BR', day, day, day
         from generate_series(1, 13) n, lateral (select case when n <= 9 then array['chuva'] else array['futebol'] end as tags,
             case when n <= 6 then timestamptz '2026-01-10 12:00Z' else '2026-02-10 12:00Z' end as day) of",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let (_, all) = seen(&room, &sara, "subjects").await;
    let told = |n: usize| (all[n]["tag"].clone(), all[n]["people"].clone());
    assert_eq!(told(0), (json!("chuva"), json!(9)), "{all}");
    assert_eq!(told(1), (json!("orcamento"), Value::Null), "{all}");
    assert_eq!(all.as_array().unwrap().len(), 2, "four people of another tag are not told: {all}");
    let (_, few) = seen(&room, &sara, "subjects?q=ORCAMENTO").await;
    assert_eq!((few.as_array().unwrap().len(), &few[0]["tag"]), (1, &json!("orcamento")), "{few}");

    let (_, report) = seen(&room, &sara, "report").await;
    let months = report["months"].as_array().unwrap();
    assert_eq!((months.len(), &months[11]), (12, &json!("2026-02")), "{report}");
    let rain = &report["rows"][0];
    assert_eq!(rain["people"], 9, "{report}");
    // Three confirmed in February: that number is hidden, and that of January, from which it could be reckoned.
    assert_eq!((&rain["confirmed"][11], &rain["confirmed"][10]), (&Value::Null, &Value::Null), "{report}");
    let request = Request::get("/api/v1/secretariat/segments/export").header(header::AUTHORIZATION, &sara.token);
    let (status, text) = room.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(text.starts_with("segment,title,people,before,") && text.contains("\nchuva,Chuvas,9,"), "{text}");
    assert!(!text.contains('@'), "{text}");
    let page = room.page(&sara, "/secretaria/painel/segmentos/relatorio").await;
    assert!(page.contains("Rain") && page.contains("<b>9</b>"), "{page}");
}
