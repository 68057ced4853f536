//! Schools and hospitals: contact after contact until somebody has seen it.

use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::ids::AlertId;
use sentinela::institutions::{Kind, NewInstitution, contact, store, worker};
use sentinela::reports::Spot;
use serde_json::json;

use super::{Browser, between, texts};
use crate::dispatch::town::{AWAY, INSIDE, Town};
use crate::support::{self, TestDb};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

async fn institution(app: &App, name: &str, at: (f64, f64), contacts: &[(&str, &str, &str)]) {
    let new = NewInstitution {
        external_ref: None,
        name: name.into(),
        kind: Kind::School,
        spot: Spot { lon: at.0, lat: at.1, precision_m: 10 },
        address: String::new(),
        people: 300,
        contacts: contacts.iter().map(|(name, phone, email)| contact(name, phone, email).unwrap()).collect(),
    };
    let now = app.clock.now();
    store::save(&mut app.db.web.acquire().await.unwrap(), now, app.ids.uuid(now), &new).await.unwrap();
}

async fn open(app: &App, alert: AlertId) -> usize {
    let mut tx = app.db.dispatch.begin().await.unwrap();
    let opened = store::open(&mut tx, &app.ids, app.clock.now(), alert).await.unwrap();
    tx.commit().await.unwrap();
    opened
}

/// A provider ends what waits for this telephone.
async fn end_notice(db: &TestDb, app: &App, address: &str, state: &str) {
    let done = sqlx::query(
        "update notice set state = $1, final_at = $2, subject = '', body = '' where address = $3 and state = 'pending'",
    )
    .bind(state)
    .bind(app.clock.now())
    .bind(address)
    .execute(&db.pool)
    .await
    .unwrap();
    assert!(done.rows_affected() > 0, "nothing waits for {address}");
}

async fn told(db: &TestDb) -> Vec<String> {
    texts(db, "select m.contact || ' ' || m.channel || ' ' || n.address from institution_message m join notice n on n.id = m.notice_id
        order by m.position, m.channel desc").await
}

#[tokio::test]
async fn the_next_contact_is_told_when_nobody_answers_and_a_press_ends_it() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let app = support::app(&db);
    let two = [("Ana", "32 99999-0001", "ana@escola.br"), ("Bia", "32 99999-0002", "")];
    institution(&app, "Escola Halfeld", INSIDE, &two).await;
    institution(&app, "Escola Longe", AWAY, &two).await;
    let alert = town.alert("alert", None, 600).await;
    assert_eq!((open(&app, alert).await, open(&app, alert).await), (1, 1));
    worker::round(&app).await.unwrap();
    assert_eq!(told(&db).await, ["Ana sms +5532999990001", "Ana email ana@escola.br"]);
    // Behind a full queue nobody was told yet, so nobody is late.
    app.clock.set(app.clock.now() + TimeDelta::minutes(6));
    worker::round(&app).await.unwrap();
    assert_eq!(told(&db).await.len(), 2, "nothing has left");
    end_notice(&db, &app, "+5532999990001", "accepted").await;
    app.clock.set(app.clock.now() + TimeDelta::minutes(4));
    worker::round(&app).await.unwrap();
    assert_eq!(told(&db).await.len(), 2, "the first one has some minutes");
    app.clock.set(app.clock.now() + TimeDelta::minutes(2));
    worker::round(&app).await.unwrap();
    assert_eq!(told(&db).await.last().unwrap(), "Bia sms +5532999990002");
    let body = texts(&db, "select body from notice where address = '+5532999990002'").await;
    assert!(body[0].contains("Saia.") && body[0].contains("Confirme que viu"), "{body:?}");
    let path = format!("/i/{}", body[0].split("/i/").nth(1).unwrap());
    let mut bia = Browser::of(&app);
    let page = bia.get(&path).await;
    assert!(page.text.contains("Vi e estou cuidando") && page.text.contains("Escola Halfeld"), "{}", page.text);
    assert_eq!(
        texts(&db, "select 'x' from institution_warning where acknowledged_at is not null").await,
        [] as [&str; 0]
    );
    let pressed = bia.post(&path, &[]).await;
    assert!(pressed.text.contains("Alguém de Escola Halfeld confirmou"), "{}", pressed.text);
    bia.post(&path, &[]).await;
    let moot = texts(
        &db,
        "select distinct notice_is_moot(n.id, n.purpose)::text from notice n where n.purpose = 'institution' and n.state = 'pending'",
    )
    .await;
    assert_eq!(moot, ["true"], "what has not left for the others stays here");
    app.clock.set(app.clock.now() + TimeDelta::minutes(60));
    worker::round(&app).await.unwrap();
    let ended = texts(&db, "select ended_as || ' ' || acknowledged_by from institution_warning").await;
    assert_eq!((told(&db).await.len(), ended), (3, vec!["acknowledged Bia".to_owned()]));
    let warned = store::of_alert(&mut app.db.web.acquire().await.unwrap(), alert).await.unwrap();
    assert_eq!(warned[0].told, ["Ana (email: pending, sms: accepted)", "Bia (sms: pending)"]);
    assert_eq!(bia.get("/i/AAAA").await.status, StatusCode::NOT_FOUND);
    // Its end goes to everybody who was told, and asks nothing back.
    let clear = town.alert("all_clear", Some(alert), 600).await;
    open(&app, clear).await;
    worker::round(&app).await.unwrap();
    let ends = texts(&db, "select w.ended_as || ' ' || m.contact || ' ' || (n.body like '%/i/%') from institution_warning w
        join institution_message m on m.warning_id = w.id join notice n on n.id = m.notice_id where w.ended_as = 'told' order by m.position, m.channel").await;
    assert_eq!(ends, ["told Ana false", "told Ana false", "told Bia false"]);
}

#[tokio::test]
async fn where_nobody_answers_or_the_alert_is_over_it_is_said() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let app = support::app(&db);
    institution(&app, "Creche", INSIDE, &[("Ana", "32 99999-0001", "")]).await;
    let alert = town.alert("alert", None, 600).await;
    let short = town.alert("alert", None, 3).await;
    open(&app, alert).await;
    open(&app, short).await;
    worker::round(&app).await.unwrap();
    end_notice(&db, &app, "+5532999990001", "accepted").await;
    app.clock.set(app.clock.now() + TimeDelta::minutes(6));
    worker::round(&app).await.unwrap();
    let ended = texts(
        &db,
        "select w.ended_as from institution_warning w join alert a on a.id = w.alert_id order by a.expires_at",
    )
    .await;
    assert_eq!(ended, ["over", "unanswered"]);
    // Exercises have participants of their own.
    town.exercise(&[]).await;
    let drill = town.alert_of("alert", None, 60, "exercise", "Simulado").await;
    assert_eq!(open(&app, drill).await, 0);
}

#[tokio::test]
async fn staff_add_change_and_close_them() {
    let db = support::db().await;
    Town::new(&db).await;
    let app = support::app(&db);
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    let id =
        accounts::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &Role::Operator.into(), NO_HASH).await.unwrap();
    drop(conn);
    let (cookie, csrf) = support::session_of(&app, id).await;
    let mut browser = Browser::of(&app);
    let mut post = async |path: &str, fields: &[(&str, &str)]| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .append_pair("csrf", &csrf)
            .finish();
        let request =
            Request::post(path).header("cookie", &cookie).header("content-type", "application/x-www-form-urlencoded");
        browser.ask(request, form).await
    };
    let filled = [
        ("name", "Escola"),
        ("kind", "school"),
        ("place", "-21.705, -43.405"),
        ("people", "420"),
        ("contact1_name", "Ana"),
        ("contact1_phone", "32 99999-0001"),
        ("contact3_name", "Bia"),
        ("contact3_email", "bia@escola.br"),
    ];
    let wrong = post("/console/institutions", &[&filled[..4], &[("contact1_name", "Ana")]].concat()).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("value=\"420\""), "{}", wrong.text);
    assert_eq!(post("/console/institutions", &filled).await.location, "/console/institutions");
    let id = texts(&db, "select id::text from institution").await.remove(0);
    let contacts = "select position || ' ' || name from institution_contact order by position";
    assert_eq!(texts(&db, contacts).await, ["1 Ana", "2 Bia"]);
    let path = format!("/console/institutions/{id}");
    let place = between(&post(&path, &[("name", "")]).await.text, "maxlength=\"160\"", ">");
    assert!(!place.is_empty());
    assert_eq!(post(&path, &[&filled[..6], &[("people", "0")]].concat()).await.location, path);
    assert_eq!(texts(&db, contacts).await, ["1 Ana"]);
    assert_eq!(post(&format!("{path}/close"), &[]).await.location, "/console/institutions");
    assert_eq!(texts(&db, "select name from institution where closed_at is not null").await, ["Escola"]);
    assert_eq!(texts(&db, contacts).await, [] as [&str; 0]);
    let acts = texts(&db, "select e.act from audit_event e join audit_chain c on c.event_id = e.id where e.act like 'institution%' order by c.seq").await;
    assert_eq!(
        acts,
        ["institutions.read", "institution.save", "institutions.read", "institution.save", "institution.close"]
    );
}

#[tokio::test]
async fn when_no_message_to_a_contact_can_arrive_the_next_one_is_told_at_once() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let app = support::app(&db);
    institution(&app, "Creche", INSIDE, &[("Ana", "32 99999-0001", ""), ("Bia", "32 99999-0002", "")]).await;
    open(&app, town.alert("alert", None, 600).await).await;
    worker::round(&app).await.unwrap();
    end_notice(&db, &app, "+5532999990001", "rejected").await;
    worker::round(&app).await.unwrap();
    assert_eq!(told(&db).await, ["Ana sms +5532999990001", "Bia sms +5532999990002"]);
}

#[tokio::test]
async fn beyond_the_bound_the_largest_are_told_and_staff_hear_of_the_rest() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let app = support::app(&db);
    sqlx::query(
        "insert into institution (id, name, kind, geom, precision_m, people, created_at, changed_at)
        select gen_random_uuid(), 'Escola ' || n, 'school', st_setsrid(st_makepoint(-43.405, -21.705), 4326), 10, n, now(), now()
        from generate_series(1, 2003) n",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    accounts::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &Role::Coordinator.into(), NO_HASH).await.unwrap();
    drop(conn);
    sqlx::query("update staff set email = 'ana@town.example', phone = '+5532999990008'")
        .execute(&db.pool)
        .await
        .unwrap();
    let alert = town.alert("alert", None, 600).await;
    open(&app, alert).await;
    let least = "select min(i.people)::text from institution_warning w join institution i on i.id = w.institution_id";
    assert_eq!(texts(&db, least).await, ["4"]);
    let pages = "select channel || ' ' || (body like '%3 institui%') from notice where purpose = 'institution_alarm' order by 1";
    assert_eq!(texts(&db, pages).await, ["email true", "sms true"]);
    open(&app, alert).await;
    assert_eq!(texts(&db, pages).await.len(), 2, "once an hour");
}

#[tokio::test]
async fn reading_contacts_is_written_down() {
    let db = support::db().await;
    Town::new(&db).await;
    let app = support::app(&db);
    institution(&app, "Escola", INSIDE, &[("Ana", "32 99999-0001", "ana@escola.br")]).await;
    let path = format!("/console/institutions/{}", texts(&db, "select id::text from institution").await[0]);
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    let id =
        accounts::upsert_member(&mut conn, &app.ids, now, "bia", "Bia", &Role::Operator.into(), NO_HASH).await.unwrap();
    drop(conn);
    let (cookie, _) = support::session_of(&app, id).await;
    for page in ["/console/institutions", &path] {
        let answer = Browser::of(&app).ask(Request::get(page).header("cookie", &cookie), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
    }
    let read = "select act from audit_event where act = 'institutions.read'";
    assert_eq!(texts(&db, read).await.len(), 2);
}

#[tokio::test]
async fn sair_of_a_contact_is_recognised_and_read_by_staff() {
    let db = support::db().await;
    Town::new(&db).await;
    let app = support::app(&db);
    institution(&app, "Escola Halfeld", INSIDE, &[("Ana", "32 99999-0001", "")]).await;
    let mut tx = app.db.dispatch.begin().await.unwrap();
    sentinela::reports::inbound::sms(&mut tx, &app, app.clock.now(), ("+5532999990001", "SAIR")).await.unwrap();
    sentinela::reports::inbound::sms(&mut tx, &app, app.clock.now(), ("+5532999990002", "SAIR")).await.unwrap();
    tx.commit().await.unwrap();
    let orders = texts(&db, "select result from sms_order order by id").await;
    assert_eq!(orders, ["institution", "not_subscribed"]);
    assert_eq!(texts(&db, "select source || ' ' || words from stray_message").await, ["+5532999990001 SAIR"]);
    let body = texts(&db, "select body from notice where address = '+5532999990001'").await;
    assert!(body[0].contains("Escola Halfeld"), "{body:?}");
}

#[tokio::test]
async fn institutions_are_kept_over_json_as_the_pages_keep_them_and_each_look_is_written_down() {
    let room = crate::approval::Room::open(&[]).await;
    let (olga, vera) = (room.person("olga", Role::Operator).await, room.person("vera", Role::Viewer).await);
    let ana = room.person("ana", Role::PrivacyOfficer).await;
    let ask = async |token: &str, method: Method, path: &str, body: serde_json::Value| {
        let request = Request::builder().method(method).uri(path).header("authorization", token);
        let request = request.header("content-type", "application/json").body(axum::body::Body::from(body.to_string()));
        let (status, text) = room.send(request.unwrap()).await;
        (status, serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default())
    };
    let base = "/api/v1/institutions";
    let people = json!([{ "name": "Ana", "phone": "32 99999-0001" }, { "name": "Bia", "email": "Bia@Escola.br" }]);
    let school = json!({ "external_ref": "E1", "name": "Escola Halfeld", "kind": "school", "lat": -21.75, "lon": -43.395,
        "precision_m": 20, "people": 420, "contacts": people });
    assert_eq!(ask(&vera.token, Method::POST, base, school.clone()).await.0, StatusCode::FORBIDDEN);
    let (status, made) = ask(&olga.token, Method::POST, base, school.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let one = format!("{base}/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&olga.token, Method::POST, base, school.clone()).await.0, StatusCode::CONFLICT, "the key is taken");
    for (field, value, named) in [
        ("kind", json!("castle"), "kind"),
        ("people", json!(-1), "people"),
        ("lat", json!(-91.0), "lat, lon"),
        ("contacts", json!([]), "contacts"),
        ("contacts", json!([{ "name": "Ana" }]), "contacts[0].phone, email"),
        ("contacts", json!([{ "name": "Ana", "phone": "x" }]), "contacts[0].phone"),
    ] {
        let mut wrong = school.clone();
        wrong["external_ref"] = json!(null);
        wrong[field] = value;
        let (status, refused) = ask(&olga.token, Method::POST, base, wrong).await;
        assert_eq!((status, &refused["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!(named)), "{refused}");
    }
    let (_, shown) = ask(&olga.token, Method::GET, &one, json!(null)).await;
    assert_eq!(shown["contacts"][0]["phone"], "+5532999990001");
    assert_eq!((&shown["contacts"][1]["email"], &shown["people"]), (&json!("bia@escola.br"), &json!(420)));
    // Another order of contacts, and the place as it was.
    let mut changed = school.clone();
    for gone in ["lat", "lon", "precision_m", "external_ref"] {
        changed.as_object_mut().unwrap().remove(gone);
    }
    changed["contacts"].as_array_mut().unwrap().reverse();
    assert_eq!(ask(&olga.token, Method::PUT, &one, changed).await.0, StatusCode::NO_CONTENT);
    let (_, list) = ask(&ana.token, Method::GET, &format!("{base}?limit=10"), json!(null)).await;
    assert_eq!((&list["total"], &list["items"][0]["contacts"][0]["name"]), (&json!(1), &json!("Bia")));
    assert_eq!((&list["items"][0]["lat"], &list["items"][0]["external_ref"]), (&json!(-21.75), &json!("E1")));
    assert_eq!(ask(&vera.token, Method::GET, base, json!(null)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(&olga.token, Method::DELETE, &one, json!(null)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(&olga.token, Method::DELETE, &one, json!(null)).await.0, StatusCode::NO_CONTENT, "twice is once");
    let (_, closed) = ask(&olga.token, Method::GET, &one, json!(null)).await;
    assert!(closed["closed_at"].is_string() && closed["contacts"] == json!([]), "{closed}");
    let acts = room
        .words("select act || ' ' || count(*) from audit_event where act like 'institution%' group by act order by act")
        .await;
    assert_eq!(acts, ["institution.close 1", "institution.save 2", "institutions.read 3"]);
}

#[tokio::test]
async fn who_of_the_institutions_has_seen_an_alert_is_told_over_json() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let app = support::app(&db);
    institution(&app, "Escola Halfeld", INSIDE, &[("Ana", "32 99999-0001", "")]).await;
    let alert = town.alert("alert", None, 600).await;
    open(&app, alert).await;
    worker::round(&app).await.unwrap();
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    accounts::upsert_member(&mut conn, &app.ids, now, "vera", "Vera", &Role::Viewer.into(), NO_HASH).await.unwrap();
    let token = accounts::add_token(&mut conn, &app.ids, now, "vera", "probe", now + TimeDelta::days(1)).await;
    let token = format!("Bearer {}", token.unwrap().unwrap());
    drop(conn);
    let told = async || {
        let request = Request::get(format!("/api/v1/alerts/{alert}/institutions")).header("authorization", &token);
        let text = Browser::of(&app).ask(request, "").await.text;
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|_| panic!("{text}"))
    };
    let before = told().await;
    assert_eq!(before[0]["told"], json!(["Ana (sms: pending)"]));
    assert!(before[0]["acknowledged_at"].is_null());
    let warning: uuid::Uuid =
        sqlx::query_scalar("select id from institution_warning").fetch_one(&db.pool).await.unwrap();
    store::acknowledge(&mut app.db.web.acquire().await.unwrap(), now, warning, "Ana").await.unwrap();
    assert_eq!(told().await[0]["acknowledged_by"], "Ana");
}
