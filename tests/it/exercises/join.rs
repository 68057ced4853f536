//! Residents join by the public page and a code, and leave whenever they want.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;

use super::{Answer, Room};

fn cookie(answer: &Answer) -> String {
    let line = answer.headers.get("set-cookie").map_or("", |value| value.to_str().unwrap());
    line.split(';').next().unwrap_or_default().to_owned()
}

/// The code that was sent last.
async fn code(room: &Room) -> String {
    let body: String = sqlx::query_scalar(
        "select body from notice where purpose = 'resident_code' order by created_at desc, id desc limit 1",
    )
    .fetch_one(&room.db.pool)
    .await
    .unwrap();
    body.split(' ')
        .map(|word| word.trim_end_matches('.'))
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .unwrap()
        .to_owned()
}

async fn ask(room: &Room, code: &str, form: &[(&str, &str)]) -> Answer {
    room.public(Method::POST, &format!("/simulados/{code}"), "", form).await
}

#[tokio::test]
async fn somebody_unknown_joins_with_a_code_is_told_of_this_exercise_alone_and_leaves() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, code_of) = room.planned(&ana, 10).await;
    let page = room.public(Method::GET, &format!("/simulados/{code_of}"), "", &[]).await;
    assert!(page.text.contains("Isto é um treinamento") && page.text.contains("Leve um documento."), "{}", page.text);
    assert!(!page.text.contains("a encosta cede"), "the script is not for those who are warned");

    let wish = [("act", "join"), ("who", "(32) 90000-0077"), ("name", "Davi"), ("reach", "all"), ("consent", "yes")];
    let asked = ask(&room, &code_of, &wish).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let step = cookie(&asked);
    let at = format!("/simulados/{code_of}/codigo");
    let wrong = room.public(Method::POST, &at, &step, &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let right = code(&room).await;
    let elsewhere = room.public(Method::POST, &at, "", &[("code", &right)]).await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED, "a code is good only in the browser that asked");
    let joined = room.public(Method::POST, &at, &step, &[("code", &right)]).await;
    assert!(joined.text.contains("você participa deste simulado"), "{}", joined.text);
    let twice = room.public(Method::POST, &at, &step, &[("code", &right)]).await;
    assert_eq!(twice.status, StatusCode::UNAUTHORIZED, "a code is used once");
    let consents =
        "select purpose || ' ' || given || ' ' || source from consent c join resident r on r.id = c.resident_id
        where r.name = 'Davi' order by c.id";
    assert_eq!(room.texts(consents).await, ["alerts false exercise", "drills true exercise"]);

    assert_eq!(room.act(&ana, &id, "start").await.status, StatusCode::NO_CONTENT);
    room.alert(&ana, &id).await;
    assert_eq!(room.texts("select address || ' ' || state from outbox").await, ["+5532900000077 pending"]);

    // The wait between two codes of one address.
    room.pass(chrono::TimeDelta::minutes(3));
    let asked = ask(&room, &code_of, &[("act", "leave"), ("who", "(32) 90000-0077")]).await;
    let step = cookie(&asked);
    let left = room.public(Method::POST, &at, &step, &[("code", &code(&room).await)]).await;
    assert!(left.text.contains("você saiu deste simulado"), "{}", left.text);
    assert_eq!(room.texts("select state || ' ' || reason from outbox").await, ["suppressed left_exercise"]);
    let acts = "select e.act || ' ' || e.actor_kind from audit_event e join audit_chain c on c.event_id = e.id
        where e.act in ('exercise.join', 'exercise.leave') order by c.seq";
    assert_eq!(room.texts(acts).await, ["exercise.join resident", "exercise.leave resident"]);
}

#[tokio::test]
async fn a_known_resident_keeps_their_record_and_their_alerts() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (_, code_of) = room.planned(&ana, 10).await;
    let wish = [("act", "join"), ("who", "celia@example.org"), ("reach", "place"), ("consent", "yes")];
    let step = cookie(&ask(&room, &code_of, &wish).await);
    let at = format!("/simulados/{code_of}/codigo");
    room.public(Method::POST, &at, &step, &[("code", &code(&room).await)]).await;
    assert_eq!(room.texts("select count(*)::text from resident").await, ["3"]);
    let joined = "select r.name || ' ' || p.reach from exercise_participant p join resident r on r.id = p.resident_id";
    assert_eq!(room.texts(joined).await, ["Célia place"]);
    assert_eq!(
        room.texts("select alerts_withdrawn_at::text from resident where alerts_withdrawn_at is not null").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn nobody_joins_without_consent_by_a_wrong_address_or_what_is_over() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, code_of) = room.planned(&ana, 10).await;
    let refused = ask(&room, &code_of, &[("act", "join"), ("who", "celia@example.org")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("é preciso concordar"), "{}", refused.text);
    let wrong = ask(&room, &code_of, &[("act", "join"), ("who", "ninguém"), ("consent", "yes")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wish = [("act", "join"), ("who", "celia@example.org"), ("consent", "yes")];
    let step = cookie(&ask(&room, &code_of, &wish).await);
    let typed = code(&room).await;
    assert_eq!(room.act(&ana, &id, "cancel").await.status, StatusCode::NO_CONTENT);
    let late = room.public(Method::POST, &format!("/simulados/{code_of}/codigo"), &step, &[("code", &typed)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    assert_eq!(room.texts("select count(*)::text from exercise_participant").await, ["0"]);
    assert_eq!(ask(&room, &code_of, &wish).await.status, StatusCode::CONFLICT);
    for path in ["/simulados/zzzzzzzz", "/simulados/x", "/simulados/%00%00%00%00%00%00%00%00"] {
        assert_eq!(room.public(Method::GET, path, "", &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_listed_is_found_by_nobody_outside() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let mut plan = room.plan(10);
    plan["listed"] = false.into();
    let made = room.api(&ana, Method::POST, "exercises", plan).await.json();
    let path = format!("/simulados/{}", made["code"].as_str().unwrap());
    assert_eq!(room.public(Method::GET, &path, "", &[]).await.status, StatusCode::NOT_FOUND);
    let list = room.public(Method::GET, "/simulados", "", &[]).await.text;
    assert!(list.contains("Nenhum simulado marcado"), "{list}");
    assert!(!room.public(Method::GET, "/exercises.ics", "", &[]).await.text.contains("VEVENT"));
}

#[tokio::test]
async fn whoever_left_the_alerts_after_joining_and_joins_again_is_told_again() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, code_of) = room.planned(&ana, 10).await;
    let at = format!("/simulados/{code_of}/codigo");
    let wish = [("act", "join"), ("who", "(32) 90000-0001"), ("reach", "all"), ("consent", "yes")];
    let join = async || {
        let step = cookie(&ask(&room, &code_of, &wish).await);
        room.public(Method::POST, &at, &step, &[("code", &code(&room).await)]).await.text
    };
    assert!(join().await.contains("você participa deste simulado"));
    // SAIR leaves everything that is sent to this number.
    room.pass(chrono::TimeDelta::minutes(3));
    sqlx::query("update resident_channel set opted_out_at = $1 where address = '+5532900000001'")
        .bind(room.app.clock.now())
        .execute(&room.db.pool)
        .await
        .unwrap();
    room.pass(chrono::TimeDelta::minutes(3));
    let said = join().await;
    assert!(said.contains("você participa deste simulado") && !said.contains("Nada mudou"), "{said}");
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    assert_eq!(room.texts("select address || ' ' || state from outbox").await, ["+5532900000001 pending"]);
}

#[tokio::test]
async fn codes_of_exercises_count_within_what_the_service_sends_by_sms() {
    let room = Room::open(&[("SENTINELA__SIGNUP__SMS_PER_DAY", "2")]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (_, code_of) = room.planned(&ana, 10).await;
    let wish = |who: &'static str| [("act", "join"), ("who", who), ("reach", "all"), ("consent", "yes")];
    for who in ["32 99999-0001", "32 99999-0002"] {
        assert_eq!(ask(&room, &code_of, &wish(who)).await.status, StatusCode::SEE_OTHER, "{who}");
    }
    let full = ask(&room, &code_of, &wish("32 99999-0003")).await;
    assert!(full.status == StatusCode::SERVICE_UNAVAILABLE && full.text.contains("Use um e-mail"), "{}", full.text);
    assert_eq!(
        ask(&room, &code_of, &wish("davi@example.org")).await.status,
        StatusCode::SEE_OTHER,
        "letters cost nothing"
    );
    let abroad = ask(&room, &code_of, &wish("+882 1234 56789")).await;
    assert_eq!(abroad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", abroad.text);
}
