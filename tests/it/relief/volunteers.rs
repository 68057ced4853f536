//! Volunteers: registering by a code, being called, answering, coming and going, and leaving.

use axum::http::StatusCode;
use chrono::TimeDelta;
use sentinela::reports::inbound;

use super::House;
use crate::residents::{Browser, between};

const FORM: [(&str, &str); 5] = [
    ("name", "Rita Souza"),
    ("who", "32 99999-0031"),
    ("district", "Linhares"),
    ("skill_cooking", "yes"),
    ("consent", "yes"),
];

/// Registers over the public page; gives back nothing but the browser that did.
async fn register(house: &House, form: &[(&str, &str)]) -> Browser {
    let app = &house.room.app;
    let mut browser = Browser::of(app);
    let stamp = between(&browser.get("/voluntarios").await.text, "name=\"stamp\" value=\"", "\"");
    app.clock.set(app.clock.now() + TimeDelta::seconds(10));
    let sent = browser.post("/voluntarios", &[form, &[("stamp", &*stamp)]].concat()).await;
    assert_eq!((sent.status, sent.location.as_str()), (StatusCode::SEE_OTHER, "/voluntarios/codigo"), "{}", sent.text);
    browser
}

async fn code(house: &House) -> String {
    let body = house
        .texts("select body from notice where purpose = 'resident_code' order by created_at desc, id desc limit 1")
        .await;
    body[0]
        .split_whitespace()
        .map(|word| word.trim_matches('.'))
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .unwrap()
        .to_owned()
}

async fn sms(house: &House, from: &str, text: &str) {
    let app = &house.room.app;
    let mut tx = app.db.dispatch.begin().await.unwrap();
    inbound::sms(&mut tx, app, app.clock.now(), (from, text)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_volunteer_registers_is_called_answers_comes_and_has_their_hours_certified() {
    let mut house = House::open().await;
    let app = &house.room.app.clone();
    let mut browser = register(&house, &FORM).await;
    assert!(house.texts("select name from volunteer").await.is_empty(), "nobody is kept before the code comes back");
    let wrong = browser.post("/voluntarios/codigo", &[("code", "0000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let typed = code(&house).await;
    let stranger = Browser::of(app).post("/voluntarios/codigo", &[("code", &typed)]).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "a code is good only in the browser that asked");
    let done = browser.post("/voluntarios/codigo", &[("code", &typed)]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(
        house.texts("select name || ' ' || address || ' ' || state from volunteer").await,
        ["Rita Souza +5532999990031 registered"]
    );
    let rita = house.texts("select id::text from volunteer").await.remove(0);
    let page = format!("/console/volunteers/{rita}");
    // Nobody is called before they are accepted, and only for what they can do.
    let ask = [
        ("text", "Cozinhar na Escola Halfeld, hoje 18h"),
        ("skill", "cooking"),
        ("wanted", "2"),
        ("hours", "6"),
        ("incident", "00000000-0000-0000-0000-00000000001c"),
    ];
    house.refused(&house.olga, "/console/callouts", &ask, "No accepted volunteer fits").await;
    house.done(&house.olga, &page, &[("act", "accept")]).await;
    let boat = [("text", "Barco"), ("skill", "boat"), ("wanted", "1"), ("hours", "6")];
    house.refused(&house.olga, "/console/callouts", &boat, "No accepted volunteer fits").await;
    house.done(&house.olga, "/console/callouts", &ask).await;
    let body = house.texts("select body from notice where purpose = 'volunteer_call'").await.remove(0);
    assert!(body.contains("SIM") && body.contains("/v/"), "{body}");
    // The words of somebody else are none; hers count, and the last word counts.
    sms(&house, "5532999990099", "SIM").await;
    assert!(house.texts("select answer from volunteer_call where answer is not null").await.is_empty());
    sms(&house, "5532999990031", "Sim, posso ir!").await;
    assert_eq!(house.texts("select answer || ' ' || answered_how from volunteer_call").await, ["yes sms"]);
    let path = format!("/v/{}", body.split("/v/").nth(1).unwrap().trim());
    let mut phone = Browser::of(app);
    assert_eq!(phone.get(&path).await.status, StatusCode::OK);
    assert_eq!(house.texts("select answer from volunteer_call").await, ["yes"], "looking answers nothing");
    assert_eq!(phone.post(&path, &[("answer", "talvez")]).await.status, StatusCode::BAD_REQUEST);
    phone.post(&path, &[("answer", "no")]).await;
    assert_eq!(house.texts("select answer || ' ' || answered_how from volunteer_call").await, ["no link"]);
    let callout = house.texts("select id::text from volunteer_callout").await.remove(0);
    let shown = house.room.page(&house.olga, &format!("/console/callouts/{callout}")).await;
    assert!(shown.contains("Rita Souza") && shown.contains("by the link"), "{shown}");
    // Comes once, goes once; hours are what lies between.
    let come = [("act", "come"), ("task", "cozinha")];
    house.done(&house.olga, &page, &come).await;
    house.refused(&house.olga, &page, &come, "written down already").await;
    house.later(TimeDelta::minutes(150)).await;
    house.done(&house.olga, &page, &[("act", "go")]).await;
    let day = app.clock.now().date_naive();
    let certificate = house.room.page(&house.olga, &format!("{page}/certificate?since=2026-02-01&until={day}")).await;
    assert!(certificate.contains("2 h 30 min") && certificate.contains("Rita Souza"), "{certificate}");
    // She leaves by the link: name and telephone are gone, hours stay.
    phone.post(&path, &[("answer", "leave")]).await;
    phone.post(&path, &[("answer", "leave")]).await;
    assert_eq!(house.texts("select name || address || state from volunteer").await, ["left"]);
    assert_eq!(house.texts("select count(*)::text from volunteer_presence").await, ["1"]);
    assert_eq!(house.texts("select count(*)::text from audit_event where act = 'volunteer.leave'").await, ["1"]);
}

#[tokio::test]
async fn a_nucleus_has_accepted_members_drills_and_radios() {
    let house = House::open().await;
    let mut browser = register(&house, &FORM).await;
    browser.post("/voluntarios/codigo", &[("code", &code(&house).await)]).await;
    let rita = house.texts("select id::text from volunteer").await.remove(0);
    house.done(&house.olga, "/console/nupdec", &[("name", "NUPDEC Linhares"), ("district", "Linhares")]).await;
    house.refused(&house.olga, "/console/nupdec", &[("name", "nupdec linhares")], "written down already").await;
    let id = house.texts("select id::text from nupdec").await.remove(0);
    let path = format!("/console/nupdec/{id}");
    let (status, _) = house.form(&house.olga, &path, &[("act", "join"), ("volunteer", &rita)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "not accepted yet");
    house.done(&house.olga, &format!("/console/volunteers/{rita}"), &[("act", "accept")]).await;
    house.done(&house.olga, &path, &[("act", "join"), ("volunteer", &rita), ("coordinator", "yes")]).await;
    house
        .done(
            &house.olga,
            &path,
            &[("act", "drill"), ("held_on", "2026-02-20"), ("what", "Rota de fuga"), ("people", "40")],
        )
        .await;
    let (status, _) = house
        .form(&house.olga, &path, &[("act", "drill"), ("held_on", "2027-02-20"), ("what", "x"), ("people", "1")])
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "still to come");
    house.done(&house.olga, &path, &[("act", "radio"), ("call_sign", "PY4ABC"), ("channel", "145.500")]).await;
    let page = house.room.page(&house.olga, &path).await;
    for shown in ["Rita Souza", "coordinates", "Rota de fuga", "PY4ABC"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    house.done(&house.olga, &path, &[("act", "part"), ("volunteer", &rita)]).await;
    assert!(house.texts("select role from nupdec_member").await.is_empty());
}

#[tokio::test]
async fn a_call_of_an_exercise_says_so_before_anything_else() {
    let house = House::open().await;
    let mut browser = register(&house, &FORM).await;
    let typed = code(&house).await;
    browser.post("/voluntarios/codigo", &[("code", &typed)]).await;
    let rita = house.texts("select id::text from volunteer").await.remove(0);
    house.done(&house.olga, &format!("/console/volunteers/{rita}"), &[("act", "accept")]).await;
    // What the database says of an incident whose alerts are of an exercise.
    sqlx::query("create or replace function incident_is_drill(wanted uuid) returns boolean language sql stable as 'select true'")
        .execute(&mut house.room.db.owner().await)
        .await
        .unwrap();
    let long = "x".repeat(295);
    let mut ask = [
        ("text", long.as_str()),
        ("wanted", "2"),
        ("hours", "6"),
        ("incident", "00000000-0000-0000-0000-00000000001c"),
    ];
    assert_eq!(house.form(&house.olga, "/console/callouts", &ask).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    ask[0].1 = "Cozinhar na Escola Halfeld";
    house.done(&house.olga, "/console/callouts", &ask).await;
    let body = house.texts("select body from notice where purpose = 'volunteer_call'").await.remove(0);
    assert!(body.starts_with("EXERC") || body.starts_with("SIMULADO"), "{body}");
    assert!(
        house.texts("select text from volunteer_callout").await[0].contains("Cozinhar"),
        "the page of the answer reads the same"
    );
}
