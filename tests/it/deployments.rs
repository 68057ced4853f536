//! What becomes of calls, exercises, places and the register when somebody is sent, does not come, or never should have been asked.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::deployments::life::Act;
use sentinela::deployments::{NewRequest, Told, desk};
use sentinela::refused::Refused;
use sentinela::reports::acts;
use sentinela::resources::{Condition, Kind, NewResource, desk as register};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::relief::{House, INCIDENT, actor, incident, opened, texts};
use crate::support;
use crate::teams::{acting, asked, assigned, by, fabio_is_sent, resource, saved, stepped, team};

const DRILL: Uuid = Uuid::from_u128(0xe1);

/// The n-th call of the desk, each a kilometre from the one before; its id and number.
async fn call(house: &House, n: u8) -> (Uuid, String) {
    let lat = f64::from(n).mul_add(0.01, -21.75);
    let body = json!({"id": format!("7c9e6679-7425-40de-944b-e07fc1f90ae{n}"), "origin": "call", "kind": "landslide", "people": 3,
        "text": "A terra desceu", "lat": lat, "lon": -43.395, "accuracy_m": 10});
    let (status, told) = house.api(&house.fabio, Method::POST, "/api/v1/occurrences", &body).await;
    assert!(status.is_success(), "{status} {told}");
    let newest = house.texts("select id::text || ' ' || number from occurrence order by number desc limit 1").await;
    let (id, number) = newest[0].split_once(' ').unwrap();
    (id.parse().unwrap(), number.to_owned())
}

async fn request_for(house: &House, new: NewRequest) -> Result<Uuid, Refused> {
    let (app, who) = (&house.room.app, actor("olga"));
    let mut tx = app.db.web.begin().await.unwrap();
    let id = desk::request(&mut tx, by(app, &who), &new).await?;
    tx.commit().await.unwrap();
    Ok(id)
}

fn wanted(incident: Option<Uuid>, occurrence: Option<Uuid>, kind: Kind, wanted: i32) -> NewRequest {
    NewRequest { incident, occurrence, kind, typing: None, wanted, skills: Vec::new(), task: "Resgatar".into() }
}

/// How the only call stands.
async fn stands(house: &House) -> String {
    house.texts("select state || ' ' || unit from occurrence order by number limit 1").await.remove(0)
}

#[tokio::test]
async fn a_call_goes_to_the_next_team_or_back_when_whoever_was_sent_does_not_come() {
    let house = House::open().await;
    let app = &house.room.app;
    let (occurrence, number) = call(&house, 1).await;
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/attach"), &[("occurrence", &number)]).await;
    let ana = saved(app, &NewResource { name: "A".into(), ..resource("ana", Kind::FieldAgent, &[]) }).await;
    let bia = saved(app, &resource("bia", Kind::FieldAgent, &[])).await;
    let request = request_for(&house, wanted(None, Some(occurrence), Kind::FieldAgent, 2)).await.unwrap();
    let first = assigned(app, request, ana, "").await.unwrap();
    assert_eq!(stands(&house).await, "dispatched A (ana)", "one letter is a name, too");
    stepped(app, first, Act::Decline).await.unwrap();
    assert_eq!(stands(&house).await, "new ", "nobody drives there");
    let lines = house.texts("select kind || ' ' || text from occurrence_event where kind = 'stood_down'").await;
    assert_eq!(lines, ["stood_down A: porque sim"]);
    let second = assigned(app, request, bia, "").await.unwrap();
    assert_eq!(stands(&house).await, "dispatched Recurso bia");
    let third = assigned(app, request, ana, "").await.unwrap();
    assert_eq!(stands(&house).await, "dispatched Recurso bia");
    stepped(app, second, Act::Cancel).await.unwrap();
    assert_eq!(stands(&house).await, "dispatched A (ana)");
    // The arrival is told two hours late, and counts from when it was.
    let arrived = app.clock.now() + TimeDelta::minutes(10);
    app.clock.set(app.clock.now() + TimeDelta::hours(2));
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    let told = Told { act: Act::OnSite, key: None, at: Some(arrived), reason: "", fix: None };
    desk::step(&mut tx, by(app, &who), (third, true), told).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stands(&house).await, "on_scene A (ana)");
    let late = house.texts("select (o.on_scene_at = d.on_site_at)::text from occurrence o, deployment d where d.on_site_at is not null").await;
    assert_eq!(late, ["true"]);
}

#[tokio::test]
async fn nobody_is_sent_to_what_is_over_and_a_request_goes_along_with_what_is_joined() {
    let house = House::open().await;
    let app = &house.room.app;
    let (first, number) = call(&house, 1).await;
    let ana = saved(app, &resource("ana", Kind::FieldAgent, &[])).await;
    let request = request_for(&house, wanted(None, Some(first), Kind::FieldAgent, 1)).await.unwrap();
    let open = "/api/v1/resource-requests?open=true";
    assert_eq!(house.api(&house.olga, Method::GET, open, &Value::Null).await.1.as_array().unwrap().len(), 1);
    let reason = [("to", "dismissed"), ("reason", "engano de quem ligou")];
    house.done(&house.olga, &format!("/console/reports/{first}/decide"), &reason).await;
    let over = assigned(app, request, ana, "").await.unwrap_err();
    assert!(matches!(&over, Refused::Conflict(why) if why.contains("is over")), "{over}");
    assert_eq!(house.api(&house.olga, Method::GET, open, &Value::Null).await.1, json!([]));
    let page = house.room.page(&house.olga, &format!("/console/requests/{request}")).await;
    assert!(page.contains("nobody is sent") && !page.contains("Recurso ana"), "{page}");
    // It comes back, is put under an incident, and that is closed.
    house
        .done(&house.olga, &format!("/console/reports/{first}/decide"), &[("to", "new"), ("reason", "era verdade")])
        .await;
    let who = actor("olga");
    let (into, _) = call(&house, 2).await;
    let mut tx = app.db.web.begin().await.unwrap();
    acts::merge(&mut tx, by(app, &who), (first, into), "a mesma").await.unwrap();
    tx.commit().await.unwrap();
    let of = house.texts("select occurrence_id::text from resource_request").await;
    assert_eq!(of, [into.to_string()]);
    let mut tx = app.db.web.begin().await.unwrap();
    acts::unmerge(&mut tx, by(app, &who), first, "eram duas").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(house.texts("select occurrence_id::text from resource_request").await, [first.to_string()]);
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/attach"), &[("occurrence", &number)]).await;
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/close"), &[("text", "Passou")]).await;
    let closed = assigned(app, request, ana, "").await.unwrap_err();
    assert!(matches!(&closed, Refused::Conflict(why) if why.contains("the incident is closed")), "{closed}");
    assert_eq!(house.texts("select count(*)::text from deployment").await, ["0"]);
}

#[tokio::test]
async fn an_exercise_says_so_everywhere_and_sends_nobody_to_what_is_real() {
    let house = House::open().await;
    let app = &house.room.app;
    sqlx::query("create or replace function incident_is_drill(wanted uuid) returns boolean language sql stable as $$ select exists (select from incident where id = wanted and number = '2026/900') $$")
        .execute(&mut house.room.db.owner().await).await.unwrap();
    sqlx::query("insert into incident (id, number, title, cobrade, state, opened_at, opened_by) values ($1, '2026/900', 'Simulado', '1.1.3.2.1', 'open', now(), 'olga')")
        .bind(DRILL).execute(&house.room.db.pool).await.unwrap();
    let (occurrence, number) = call(&house, 1).await;
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/attach"), &[("occurrence", &number)]).await;
    let pair = request_for(&house, wanted(Some(DRILL), Some(occurrence), Kind::FieldAgent, 1)).await.unwrap_err();
    assert!(matches!(&pair, Refused::Wrong { field, .. } if field == "incident"), "{pair}");
    request_for(&house, wanted(Some(INCIDENT), Some(occurrence), Kind::FieldAgent, 1)).await.unwrap();
    sqlx::query("update staff set email = 'fabio@exemplo.invalid' where username = 'fabio'")
        .execute(&house.room.db.pool)
        .await
        .unwrap();
    let new = NewResource { account: "fabio".into(), ..resource("fabio", Kind::FieldAgent, &[]) };
    let fabio = saved(app, &new).await;
    let request = request_for(&house, wanted(Some(DRILL), None, Kind::FieldAgent, 1)).await.unwrap();
    let sent = assigned(app, request, fabio, "").await.unwrap();
    let notice =
        house.texts("select address || ' ' || subject || ' ' || body from notice where purpose = 'deployment'").await;
    assert!(
        notice[0].starts_with("fabio@exemplo.invalid") && notice[0].contains("https://alertas.example/campo"),
        "{notice:?}"
    );
    let today = house.api(&house.fabio, Method::GET, "/api/v1/field/today", &Value::Null).await.1;
    assert_eq!(today["deployments"][0]["drill"], true);
    for path in
        ["/console/teams".to_owned(), format!("/console/requests/{request}"), format!("/console/deployments/{sent}")]
    {
        let page = house.room.page(&house.olga, &path).await;
        assert!(page.contains("class=\"tag drill\""), "{path}: {page}");
    }
    let real = asked(app, Kind::FieldAgent, 1, &[]).await;
    let page = house.room.page(&house.olga, &format!("/console/requests/{real}")).await;
    assert!(page.contains("only in the field of an exercise"), "{page}");
}

#[tokio::test]
async fn where_somebody_says_yes_is_kept_of_nobody_nor_is_the_place_of_the_desk() {
    let house = House::open().await;
    let id = fabio_is_sent(&house).await;
    let path = format!("/api/v1/deployments/{id}/steps");
    let step = |act: &str| json!({"act": act, "position": {"lat": -21.75, "lon": -43.39, "accuracy_m": 9}});
    let kept = "select count(*)::text from deployment_position";
    house.api(&house.fabio, Method::POST, &path, &step("accept")).await;
    assert_eq!(house.texts(kept).await, ["0"], "that is where they live");
    house.api(&house.olga, Method::POST, &path, &step("en_route")).await;
    assert_eq!(house.texts(kept).await, ["0"], "whoever writes it down is elsewhere");
    house.room.app.clock.set(house.room.app.clock.now() + TimeDelta::minutes(5));
    house.api(&house.fabio, Method::POST, &path, &step("on_site")).await;
    assert_eq!(house.texts(kept).await, ["1"]);
    let places: Vec<Value> = (1..4)
        .map(|n| json!({"lat": -21.75, "lon": -43.39 + f64::from(n) / 100.0, "at": format!("2026-02-22T12:0{n}:00Z")}))
        .collect();
    let track = format!("/api/v1/deployments/{id}/positions");
    let told = house.api(&house.fabio, Method::POST, &track, &json!({"positions": places})).await;
    assert_eq!(told.0, StatusCode::OK, "{}", told.1);
    let page = house.room.page(&house.fabio, &format!("/console/deployments/{id}")).await;
    assert!(page.contains("data-here="), "{page}");
    assert!(!house.room.page(&house.olga, &format!("/console/deployments/{id}")).await.contains("data-here="));
}

#[tokio::test]
async fn what_was_erased_of_somebody_retired_comes_back_by_no_file_and_no_account_is_held_twice() {
    let house = House::open().await;
    let (app, who) = (&house.room.app, actor("olga"));
    let new = NewResource {
        account: "fabio".into(),
        phone: "+5532999990001".into(),
        ..resource("fabio", Kind::FieldAgent, &[])
    };
    let id = saved(app, &new).await;
    let mut tx = app.db.web.begin().await.unwrap();
    register::condition(&mut tx, acting(app, &who), id, (Condition::Retired, "saiu")).await.unwrap();
    let brought = register::bring(&mut tx, acting(app, &who), std::slice::from_ref(&new)).await.unwrap();
    assert_eq!((brought.unchanged, brought.updated, &*brought.retired), (1, 0, &["fabio".to_owned()][..]));
    let refused = register::save(&mut tx, acting(app, &who), Some(id), &new).await.unwrap_err();
    assert!(matches!(&refused, Refused::Conflict(why) if why.contains("is retired")), "{refused}");
    let heir = NewResource { code: "outro".into(), ..new };
    register::save(&mut tx, acting(app, &who), None, &heir).await.unwrap();
    let taken = register::condition(&mut tx, acting(app, &who), id, (Condition::InService, "")).await.unwrap_err();
    assert!(matches!(&taken, Refused::Conflict(why) if why.contains("belongs to another")), "{taken}");
    tx.commit().await.unwrap();
    assert_eq!(house.texts("select phone from resource where code = 'fabio'").await, [""]);
}

#[tokio::test]
async fn a_team_stands_on_the_board_as_whoever_is_in_it() {
    let house = House::open().await;
    let (app, who) = (&house.room.app, actor("olga"));
    let ana = saved(app, &resource("ana", Kind::FieldAgent, &[])).await;
    let alfa = team(app, "alfa", Kind::Inspection, &[ana]).await;
    let empty = saved(app, &resource("vazia", Kind::Inspection, &[])).await;
    let standing = async |id: Uuid| {
        let found = house.api(&house.olga, Method::GET, &format!("/api/v1/resources/{id}"), &Value::Null).await.1;
        found["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!([standing(alfa).await, standing(empty).await], ["free", "off"]);
    let request = asked(app, Kind::FieldAgent, 1, &[]).await;
    let sent = assigned(app, request, ana, "sozinha").await.unwrap();
    assert_eq!(standing(alfa).await, "busy");
    let page = house.room.page(&house.olga, "/console/teams?class=team").await;
    let free = page.split("id=\"col-free\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(!free.contains("Recurso alfa") && page.contains("Recurso ana is in the field"), "{page}");
    // Somebody sent whose shift ends is shown as beyond it.
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await.unwrap();
    register::add_shift(&mut tx, acting(app, &who), ana, (now, now + TimeDelta::minutes(10))).await.unwrap();
    tx.commit().await.unwrap();
    let person = format!("/console/teams/{ana}");
    assert!(house.room.page(&house.olga, &person).await.contains("on shift until"));
    app.clock.set(now + TimeDelta::minutes(20));
    assert!(house.room.page(&house.olga, &person).await.contains("off shift"));
    stepped(app, sent, Act::Cancel).await.unwrap();
    assert_eq!(standing(alfa).await, "off");
}

#[tokio::test]
async fn forms_tell_what_somebody_answers_for_and_logs_are_of_whom_they_name() {
    let house = House::open().await;
    let app = &house.room.app;
    opened(app, "central", 10).await;
    let (_, number) = call(&house, 1).await;
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/attach"), &[("occurrence", &number)]).await;
    sqlx::query("insert into situation_report (id, incident_id, number, state, from_at, until_at, figures, situation, made_at, made_by, changed_at, changed_by)
        values (gen_random_uuid(), $1, 1, 'draft', now(), now(), '[]', 'Ninguém leu isto', now(), 'x', now(), 'x')")
        .bind(INCIDENT).execute(&house.room.db.pool).await.unwrap();
    let forms = format!("/console/incidents/{INCIDENT}/forms");
    for form in ["201", "209"] {
        let page = house.room.page(&house.olga, &format!("{forms}/{form}")).await;
        assert!(!page.contains("Ninguém leu isto"), "{form}: {page}");
    }
    let page = house.room.page(&house.olga, &format!("{forms}/201")).await;
    assert!(page.contains("class=\"sketch\"") && page.contains(&format!(" {number}</text>")), "{page}");
    assert!(page.contains(">Escola central</text>"), "{page}");
    let chief = saved(app, &NewResource { account: "clara".into(), ..resource("clara", Kind::FieldAgent, &[]) }).await;
    let path = format!("{forms}/214?resource={chief}");
    let unknown =
        axum::http::Request::get(&path).header("cookie", &house.olga.cookie).body(axum::body::Body::empty()).unwrap();
    assert_eq!(house.room.send(unknown).await.0, StatusCode::NOT_FOUND);
    let fill = [("act", "fill"), ("position", "commander"), ("resource", &*chief.to_string()), ("name", "")]
        .map(|(a, b)| (a, b.to_owned()));
    let fill: Vec<(&str, &str)> = fill.iter().map(|(a, b)| (*a, b.as_str())).collect();
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/organization"), &fill).await;
    house.done(&house.clara, &format!("/console/incidents/{INCIDENT}/note"), &[("text", "Assumo o comando")]).await;
    let page = house.room.page(&house.olga, &path).await;
    assert!(page.contains("Assumo o comando") && page.contains("Recurso clara"), "{page}");
    let pdf = axum::http::Request::get(format!("{forms}/201.pdf")).header("cookie", &house.olga.cookie);
    let answer = tower::ServiceExt::oneshot(house.room.router.clone(), pdf.body(axum::body::Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "the sketch is set on paper, too");
}

#[tokio::test]
async fn two_teams_that_exchange_members_do_not_wait_for_each_other() {
    let db = support::db().await;
    let app = support::app(&db);
    incident(&db).await;
    let mut people = [
        saved(&app, &resource("ana", Kind::FieldAgent, &[])).await,
        saved(&app, &resource("bia", Kind::FieldAgent, &[])).await,
    ];
    people.sort_unstable();
    let alfa = team(&app, "alfa", Kind::Inspection, &people[..1]).await;
    let bravo = team(&app, "bravo", Kind::Inspection, &people[1..]).await;
    let hands = [(alfa, people[1]), (bravo, people[0])].into_iter().cycle().take(20).map(|(team, member)| {
        let app = app.clone();
        tokio::spawn(async move {
            let who = actor("olga");
            let mut tx = app.db.web.begin().await.unwrap();
            register::join(&mut tx, acting(&app, &who), (team, member), false).await.unwrap_err()
        })
    });
    for hand in hands.collect::<Vec<_>>() {
        let told = support::soon("a hand", hand).await.unwrap();
        assert!(matches!(told, Refused::Conflict(_)), "{told}");
    }
    assert_eq!(texts(&db, "select count(*)::text from team_member where until_at is null").await, ["2"]);
}
