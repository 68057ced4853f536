//! Teams and resources on a real database: what is bound is bound once, steps only go forward and count once, and the command has one holder.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::deployments::life::{Act, State};
use sentinela::deployments::{NewRequest, Told, desk};
use sentinela::ids::Ids;
use sentinela::privacy::retention;
use sentinela::refused::Refused;
use sentinela::reports::acts::By;
use sentinela::reports::take::Desk;
use sentinela::resources::{Condition, Kind, NewResource, Skill, desk as register};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::relief::{House, INCIDENT, actor, incident, texts};
use crate::support::{self, TestDb};

pub fn resource(code: &str, kind: Kind, skills: &[Skill]) -> NewResource {
    NewResource {
        code: code.into(),
        kind,
        typing: None,
        name: format!("Recurso {code}"),
        account: String::new(),
        phone: String::new(),
        skills: skills.to_vec(),
        base: String::new(),
    }
}

pub fn acting<'a>(app: &'a App, actor: &'a Actor) -> Acting<'a> {
    Acting { ids: &app.ids, now: app.clock.now(), actor }
}

pub fn by<'a>(app: &'a App, actor: &'a Actor) -> By<'a> {
    By { desk: Desk::of(app), now: app.clock.now(), actor }
}

pub async fn saved(app: &App, new: &NewResource) -> Uuid {
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    let id = register::save(&mut tx, acting(app, &who), None, new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A team of these people, the first leading.
pub async fn team(app: &App, code: &str, kind: Kind, people: &[Uuid]) -> Uuid {
    let id = saved(app, &resource(code, kind, &[])).await;
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    for (index, member) in people.iter().enumerate() {
        register::join(&mut tx, acting(app, &who), (id, *member), index == 0).await.unwrap();
    }
    tx.commit().await.unwrap();
    id
}

pub async fn asked(app: &App, kind: Kind, wanted: i32, skills: &[Skill]) -> Uuid {
    let who = actor("olga");
    let new = NewRequest {
        incident: Some(INCIDENT),
        occurrence: None,
        kind,
        typing: None,
        wanted,
        skills: skills.to_vec(),
        task: "Vistoriar a encosta".into(),
    };
    let mut tx = app.db.web.begin().await.unwrap();
    let id = desk::request(&mut tx, by(app, &who), &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub async fn assigned(app: &App, request: Uuid, resource: Uuid, reason: &str) -> Result<Uuid, Refused> {
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    let id = desk::assign(&mut tx, by(app, &who), (request, resource), (reason, "https://alertas.example")).await?;
    tx.commit().await.unwrap();
    Ok(id)
}

pub async fn stepped(app: &App, id: Uuid, act: Act) -> Result<desk::Stepped, Refused> {
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    let told = Told { act, key: None, at: None, reason: "porque sim", fix: None };
    let done = desk::step(&mut tx, by(app, &who), (id, true), told).await?;
    tx.commit().await.unwrap();
    Ok(done)
}

#[tokio::test]
async fn a_team_binds_everybody_in_it_and_nobody_is_sent_twice_whatever_reason_is_given() {
    let db = support::db().await;
    let app = support::app(&db);
    incident(&db).await;
    let ana = saved(&app, &resource("ana", Kind::FieldAgent, &[Skill::Rescue])).await;
    let bia = saved(&app, &resource("bia", Kind::FieldAgent, &[])).await;
    let alfa = team(&app, "alfa", Kind::SearchRescue, &[ana, bia]).await;
    let first = asked(&app, Kind::SearchRescue, 1, &[]).await;
    let sent = assigned(&app, first, alfa, "").await.unwrap();
    let person = asked(&app, Kind::FieldAgent, 2, &[]).await;
    let refused = assigned(&app, person, bia, "não há outra").await.unwrap_err();
    assert!(matches!(&refused, Refused::Conflict(why) if why.contains("is bound by request 2026/001")), "{refused}");
    // By the database alone, too.
    let error = sqlx::query(
        "with made as (insert into deployment (id, request_id, resource_id, state, assigned_at, assigned_by)
             values (gen_random_uuid(), $1, $2, 'assigned', now(), 'x') returning id)
         insert into deployment_unit (deployment_id, resource_id, from_at) select id, $2, now() from made",
    )
    .bind(person)
    .bind(bia)
    .execute(&db.pool)
    .await
    .unwrap_err();
    assert!(error.to_string().contains("deployment_unit_once"), "{error}");
    // While it is away the team stays as it is; afterwards everybody is free again.
    let who = actor("olga");
    let mut tx = app.db.web.begin().await.unwrap();
    let fixed = register::leave(&mut tx, acting(&app, &who), (alfa, bia)).await.unwrap_err();
    assert!(fixed.to_string().contains("release it first"), "{fixed}");
    drop(tx);
    for act in [Act::EnRoute, Act::OnSite, Act::Release] {
        stepped(&app, sent, act).await.unwrap();
    }
    let belongs = assigned(&app, person, bia, "").await.unwrap_err();
    assert!(matches!(&belongs, Refused::Wrong { field, .. } if field == "reason"), "{belongs}");
    assigned(&app, person, bia, "a equipe fica com uma a menos").await.unwrap();
    let kept = texts(
        &db,
        "select array_to_string(overruled, ',') || ': ' || override_reason from deployment where override_reason <> ''",
    )
    .await;
    assert_eq!(kept, ["in_team: a equipe fica com uma a menos"]);
}

#[tokio::test]
async fn what_speaks_against_somebody_is_overruled_by_a_reason_and_never_beyond_what_was_asked_for() {
    let db = support::db().await;
    let app = support::app(&db);
    incident(&db).await;
    let who = actor("olga");
    let truck = saved(&app, &resource("vtr-1", Kind::Truck, &[])).await;
    let other = saved(&app, &resource("vtr-2", Kind::Truck, &[])).await;
    let mut tx = app.db.web.begin().await.unwrap();
    let to = (Condition::Maintenance, "freios");
    register::condition(&mut tx, acting(&app, &who), truck, to).await.unwrap();
    let tomorrow = app.clock.now() + TimeDelta::days(1);
    register::add_shift(&mut tx, acting(&app, &who), truck, (tomorrow, tomorrow + TimeDelta::hours(8))).await.unwrap();
    tx.commit().await.unwrap();
    let request = asked(&app, Kind::Truck, 1, &[]).await;
    let told = assigned(&app, request, truck, " ").await.unwrap_err().to_string();
    assert!(told.contains("in maintenance: freios") && told.contains("outside their shift"), "{told}");
    assigned(&app, request, truck, "é o único com guincho").await.unwrap();
    let full = assigned(&app, request, other, "mais um").await.unwrap_err().to_string();
    assert!(full.contains("has all 1 it asks for"), "{full}");
    let wrong = asked(&app, Kind::Boat, 1, &[]).await;
    assert!(assigned(&app, wrong, other, "flutua").await.unwrap_err().to_string().contains("expected a boat"));
}

fn draw(ids: &Ids, below: usize) -> usize {
    usize::from(u16::from_le_bytes(ids.bytes())) % below
}

/// What was refused by rule, or because another was first, is no fault; what the database had to stop is one.
fn fair<T>(done: Result<T, Refused>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(Refused::Conflict(_) | Refused::NotFound(_)) => None,
        Err(Refused::Wrong { field, .. }) if matches!(field.as_str(), "reason" | "resource") => None,
        Err(other) => panic!("{other}"),
    }
}

struct World {
    people: Vec<Uuid>,
    teams: Vec<Uuid>,
    requests: Vec<Uuid>,
}

async fn one_hand(app: App, seed: u64, world: std::sync::Arc<World>) {
    let (ids, who) = (Ids::seeded(seed), actor("olga"));
    for _ in 0..40 {
        app.clock.set(app.clock.now() + TimeDelta::seconds(1));
        let (act, plain) = (by(&app, &who), acting(&app, &who));
        let resource = if draw(&ids, 2) == 0 {
            world.people[draw(&ids, world.people.len())]
        } else {
            world.teams[draw(&ids, world.teams.len())]
        };
        let open: Vec<Uuid> = sqlx::query_scalar("select id from deployment order by assigned_at, id")
            .fetch_all(&app.db.web)
            .await
            .unwrap();
        let mut tx = app.db.web.begin().await.unwrap();
        let done = match draw(&ids, 6) {
            0 | 1 => {
                let request = world.requests[draw(&ids, world.requests.len())];
                fair(desk::assign(&mut tx, act, (request, resource), ("é preciso", "https://alertas.example")).await)
                    .is_some()
            }
            2 => {
                let (team, member) =
                    (world.teams[draw(&ids, world.teams.len())], world.people[draw(&ids, world.people.len())]);
                match draw(&ids, 2) {
                    0 => fair(register::join(&mut tx, plain, (team, member), false).await).is_some(),
                    _ => fair(register::leave(&mut tx, plain, (team, member)).await).is_some(),
                }
            }
            _ if open.is_empty() => false,
            _ => {
                let told =
                    Told { act: Act::ALL[draw(&ids, Act::ALL.len())], key: None, at: None, reason: "sim", fix: None };
                fair(desk::step(&mut tx, act, (open[draw(&ids, open.len())], true), told).await).is_some()
            }
        };
        if done {
            // What was looked at may be bound by another who commits first.
            let _ = tx.commit().await;
        }
    }
}

#[tokio::test]
async fn nothing_is_in_two_open_deployments_and_states_only_move_forward_whatever_many_hands_do_at_once() {
    for seed in [1, 2, 3] {
        let db = support::db().await;
        let app = support::app(&db);
        incident(&db).await;
        let mut people = Vec::new();
        for code in ["ana", "bia", "caio", "duda", "edu"] {
            people.push(saved(&app, &resource(code, Kind::FieldAgent, &[])).await);
        }
        let teams = vec![
            team(&app, "alfa", Kind::Inspection, &people[..2]).await,
            team(&app, "bravo", Kind::Inspection, &people[2..4]).await,
        ];
        let requests = vec![asked(&app, Kind::FieldAgent, 50, &[]).await, asked(&app, Kind::Inspection, 50, &[]).await];
        let world = std::sync::Arc::new(World { people, teams, requests });
        let hands = (0..3).map(|hand| tokio::spawn(one_hand(app.clone(), seed * 100 + hand, world.clone())));
        for hand in hands.collect::<Vec<_>>() {
            support::soon("a hand", hand).await.unwrap();
        }
        held(&db, seed).await;
    }
}

/// What must hold whatever happened.
async fn held(db: &TestDb, seed: u64) {
    let twice = texts(
        db,
        "select u.resource_id::text from deployment_unit u join deployment d on d.id = u.deployment_id
         where d.ended_at is null group by u.resource_id having count(*) > 1",
    )
    .await;
    assert_eq!(twice, [] as [&str; 0], "seed {seed}");
    let loose = texts(
        db,
        "select u.deployment_id::text from deployment_unit u join deployment d on d.id = u.deployment_id
         where (u.until_at is null) <> (d.ended_at is null)",
    )
    .await;
    assert_eq!(loose, [] as [&str; 0], "seed {seed}: what is bound belongs to what is open");
    let steps: Vec<(Uuid, String)> =
        sqlx::query_as("select deployment_id, state from deployment_step order by deployment_id, id")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert!(steps.len() > 5, "seed {seed}: something happened");
    for pair in steps.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let [before, after] = [&pair[0].1, &pair[1].1].map(|word| word.parse::<State>().unwrap());
        assert!(after > before && before.is_open(), "seed {seed}: {before} {after}");
    }
    let last = texts(
        db,
        "select d.id::text from deployment d where d.state <> (select s.state from deployment_step s where s.deployment_id = d.id
            order by s.id desc limit 1)",
    )
    .await;
    assert_eq!(last, [] as [&str; 0], "seed {seed}: each stands where its last step left it");
}

/// A field agent in the register, sent for an incident; the id of the deployment.
pub async fn fabio_is_sent(house: &House) -> Uuid {
    let new = NewResource { account: "fabio".into(), ..resource("fabio", Kind::FieldAgent, &[]) };
    let fabio = saved(&house.room.app, &new).await;
    let request = asked(&house.room.app, Kind::FieldAgent, 1, &[]).await;
    assigned(&house.room.app, request, fabio, "").await.unwrap()
}

#[tokio::test]
async fn a_telephone_that_tells_a_step_again_is_answered_the_same_and_nothing_happens_twice() {
    let house = House::open().await;
    let id = fabio_is_sent(&house).await;
    let path = format!("/api/v1/deployments/{id}/steps");
    house.room.app.clock.set(house.room.app.clock.now() + TimeDelta::minutes(30));
    let place = json!({"lat": -21.75, "lon": -43.39, "accuracy_m": 9});
    let body = json!({"act": "en_route", "key": "celular-1:0001", "at": "2026-02-22T12:10:00Z", "position": place});
    let (status, first) = house.api(&house.fabio, Method::POST, &path, &body).await;
    assert_eq!(
        (status, first["state"].as_str(), first["repeated"].as_bool()),
        (StatusCode::OK, Some("en_route"), Some(false))
    );
    assert_eq!(first["at"], "2026-02-22T12:10:00Z");
    let arrived = json!({"act": "on_site", "key": "celular-1:0002"});
    let (status, _) = house.api(&house.fabio, Method::POST, &path, &arrived).await;
    assert_eq!(status, StatusCode::OK);
    // The answer to the first was lost, and it comes again out of order.
    let (status, again) = house.api(&house.fabio, Method::POST, &path, &body).await;
    assert_eq!((status, again["repeated"].as_bool(), &again["at"]), (StatusCode::OK, Some(true), &first["at"]));
    assert_eq!(again["state"], "on_site");
    let other = json!({"act": "release", "key": "celular-1:0001"});
    let (status, told) = house.api(&house.fabio, Method::POST, &path, &other).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    let (status, told) = house.api(&house.fabio, Method::POST, &path, &json!({"act": "release", "key": "x y"})).await;
    assert_eq!((status, told["errors"][0]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("key")));
    assert_eq!(house.texts("select act from deployment_step order by id").await, ["assign", "en_route", "on_site"]);
    assert_eq!(house.texts("select count(*)::text from deployment_position").await, ["1"]);
    let mine = house.api(&house.fabio, Method::GET, "/api/v1/deployments?mine=true&open=true", &Value::Null).await.1;
    assert_eq!((mine.as_array().unwrap().len(), &mine[0]["acts"]), (1, &json!(["release"])));
    let hers = house.api(&house.olga, Method::GET, "/api/v1/deployments?mine=true", &Value::Null).await.1;
    assert_eq!(hers, json!([]));
    assert!(sqlx::query("update deployment_step set reason = 'x'").execute(&house.room.db.pool).await.is_err());
}

#[tokio::test]
async fn only_whoever_was_sent_or_runs_the_incident_tells_steps_and_only_the_latter_cancels() {
    let house = House::open().await;
    let id = fabio_is_sent(&house).await;
    let gil = house.room.person("gil", Role::FieldAgent).await;
    let path = format!("/api/v1/deployments/{id}/steps");
    let accept = json!({"act": "accept"});
    assert_eq!(house.api(&gil, Method::POST, &path, &accept).await.0, StatusCode::FORBIDDEN);
    let cancel = json!({"act": "cancel", "reason": "não precisa"});
    assert_eq!(house.api(&house.fabio, Method::POST, &path, &cancel).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.api(&house.fabio, Method::POST, &path, &accept).await.0, StatusCode::OK);
    // Positions are told by nobody but them, also not by whoever runs the incident.
    let places = json!({"positions": [{"lat": -21.75, "lon": -43.39}]});
    let track = format!("/api/v1/deployments/{id}/positions");
    assert_eq!(house.api(&house.olga, Method::POST, &track, &places).await.0, StatusCode::FORBIDDEN);
    let (status, told) = house.api(&house.fabio, Method::POST, &track, &places).await;
    assert_eq!(
        (status, told["kept"].as_u64(), told["left_out"].as_u64()),
        (StatusCode::OK, Some(0), Some(1)),
        "before they left"
    );
    let page = house.room.page(&gil, &format!("/console/deployments/{id}")).await;
    assert!(!page.contains("Next step") && page.contains("accepted"), "{page}");
    let page = house.room.page(&house.fabio, &format!("/console/deployments/{id}")).await;
    assert!(page.contains("Next step") && !page.contains("value=\"cancel\""), "{page}");
    let form = format!("/console/deployments/{id}");
    house.refused(&house.olga, &form, &[("act", "cancel"), ("reason", "x")], "sure").await;
    house.done(&house.olga, &form, &[("act", "cancel"), ("reason", "não precisa"), ("sure", "yes")]).await;
    assert_eq!(house.texts("select state from deployment").await, ["cancelled"]);
}

#[tokio::test]
async fn positions_are_kept_between_departure_and_end_and_forgotten_some_days_after() {
    let house = House::open().await;
    let app = &house.room.app;
    let id = fabio_is_sent(&house).await;
    stepped(app, id, Act::EnRoute).await.unwrap();
    app.clock.set(app.clock.now() + TimeDelta::minutes(10));
    let at = |minute: u32| format!("2026-02-22T12:{minute:02}:00Z");
    let fix = |minute: u32| json!({"lat": -21.75, "lon": -43.39 + f64::from(minute) / 1000.0, "at": at(minute)});
    let path = format!("/api/v1/deployments/{id}/positions");
    let body =
        json!({"positions": [fix(3), fix(1), fix(3), {"lat": -21.7, "lon": -43.3, "at": "2026-02-22T11:00:00Z"}]});
    let (_, told) = house.api(&house.fabio, Method::POST, &path, &body).await;
    assert_eq!((told["kept"].as_u64(), told["left_out"].as_u64()), (Some(2), Some(2)));
    let (_, again) = house.api(&house.fabio, Method::POST, &path, &body).await;
    assert_eq!(again["kept"], 0);
    let wrong = json!({"positions": [fix(1), {"lat": 91.0, "lon": 0.0}]});
    let (status, told) = house.api(&house.fabio, Method::POST, &path, &wrong).await;
    assert_eq!((status, told["errors"][0]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("positions[1].lat")));
    let shown = house.api(&house.olga, Method::GET, &format!("/api/v1/deployments/{id}"), &Value::Null).await.1;
    assert_eq!(shown["track"][1]["at"], at(3));
    let page = house.room.page(&house.olga, &format!("/console/incidents/{INCIDENT}")).await;
    assert!(
        page.contains("Recurso fabio") && page.contains("class=\"case p0\""),
        "its last place is on the map: {page}"
    );
    let close = format!("/console/incidents/{INCIDENT}/close");
    let (status, told) = house.form(&house.olga, &close, &[("text", "Passou")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(told.contains("Teams are in the field for this incident: Recurso fabio"), "{told}");
    stepped(app, id, Act::Release).await.unwrap();
    house.done(&house.olga, &close, &[("text", "Passou")]).await;
    let config = &app.config.privacy;
    for (days, left) in [(6, "2"), (8, "0")] {
        let now = app.clock.now() + TimeDelta::days(days);
        retention::carry_out(&app.db.web, &app.ids, config, now, &Actor::service()).await.unwrap();
        assert_eq!(house.texts("select count(*)::text from deployment_position").await, [left], "{days} days after");
    }
    assert_eq!(house.texts("select count(*)::text from deployment_step").await, ["3"], "what was done stays");
}

#[tokio::test]
async fn an_occurrence_is_dispatched_by_its_team_and_the_look_back_tells_how_long_it_took() {
    let house = House::open().await;
    let body = json!({"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "origin": "call", "kind": "landslide", "people": 3,
        "text": "A terra desceu", "lat": -21.75, "lon": -43.395, "accuracy_m": 10});
    let (status, told) = house.api(&house.fabio, Method::POST, "/api/v1/occurrences", &body).await;
    assert!(status.is_success(), "{status} {told}");
    let occurrence = house.texts("select id::text from occurrence").await.remove(0);
    let number = house.texts("select number from occurrence").await.remove(0);
    house.done(&house.olga, &format!("/console/incidents/{INCIDENT}/attach"), &[("occurrence", &number)]).await;
    let ana = saved(&house.room.app, &resource("ana", Kind::FieldAgent, &[])).await;
    let alfa = team(&house.room.app, "alfa", Kind::Inspection, &[ana]).await;
    let form = [("occurrence", &*occurrence), ("kind", "inspection"), ("wanted", "1"), ("task", "Ver a encosta")];
    house
        .refused(
            &house.fabio,
            "/console/requests/new",
            &[&form[..3], &[("task", "")]].concat(),
            "Say what they are to do",
        )
        .await;
    house.done(&house.fabio, "/console/requests/new", &form).await;
    let request = house.texts("select id::text from resource_request").await.remove(0);
    let page = house.room.page(&house.olga, &format!("/console/requests/{request}")).await;
    assert!(page.contains("Recurso alfa") && page.contains("Ver a encosta"), "{page}");
    let app = &house.room.app;
    app.clock.set(app.clock.now() + TimeDelta::minutes(4));
    let send = [("act", "assign"), ("resource", &*alfa.to_string())].map(|(a, b)| (a.to_owned(), b.to_owned()));
    let send: Vec<(&str, &str)> = send.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    house.done(&house.olga, &format!("/console/requests/{request}"), &send).await;
    assert_eq!(house.texts("select state || ' ' || unit from occurrence").await, ["dispatched Recurso alfa"]);
    app.clock.set(app.clock.now() + TimeDelta::minutes(16));
    let id: Uuid = house.texts("select id::text from deployment").await[0].parse().unwrap();
    stepped(app, id, Act::OnSite).await.unwrap();
    assert_eq!(house.texts("select state from occurrence").await, ["on_scene"]);
    let after =
        house.api(&house.olga, Method::GET, &format!("/api/v1/incidents/{INCIDENT}/after"), &Value::Null).await.1;
    assert_eq!(
        after["reaction"],
        json!({"sent": 1, "arrived": 1, "median_to_assigned_s": 240, "median_to_on_site_s": 1200})
    );
    let times = &after["times"];
    assert_eq!(times["first_team_assigned_s"].as_i64().unwrap() - times["first_team_asked_s"].as_i64().unwrap(), 240);
    assert_eq!(times["first_team_on_scene_s"].as_i64().unwrap() - times["first_team_asked_s"].as_i64().unwrap(), 1200);
    for (path, words) in [
        (format!("/console/reports/{occurrence}"), "Recurso alfa"),
        (format!("/console/incidents/{INCIDENT}/after"), "Request to arrival"),
        ("/console/teams?class=team".to_owned(), "Recurso alfa"),
        (format!("/console/teams/{alfa}"), "Recurso ana"),
    ] {
        let page = house.room.page(&house.olga, &path).await;
        assert!(page.contains(words), "{path}: {page}");
    }
    let lines = house.texts("select text from incident_entry where kind = 'deployment' order by id").await;
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test]
async fn a_position_has_one_holder_and_passes_from_one_to_the_other_in_one_instant() {
    let house = House::open().await;
    let path = format!("/console/incidents/{INCIDENT}/organization");
    let fill = |position: &'static str, name: &'static str| [("act", "fill"), ("position", position), ("name", name)];
    house.refused(&house.olga, &path, &fill("commander", " "), "Write a name").await;
    house.done(&house.olga, &path, &fill("commander", "Ana Prado")).await;
    house.done(&house.olga, &path, &fill("commander", "Bruno Lima")).await;
    house.refused(&house.olga, &path, &fill("branch", "Caio"), "Name the branch").await;
    house.done(&house.olga, &path, &[&fill("branch", "Caio Reis")[..], &[("unit", "Norte")]].concat()).await;
    let division = [&fill("division", "Duda <b>")[..], &[("unit", "A"), ("under", "Norte")]].concat();
    house.done(&house.olga, &path, &division).await;
    let held = house.texts("select name || ' ' || (until_at is null) from incident_position where position = 'commander' order by from_at, name").await;
    assert_eq!(held, ["Ana Prado false", "Bruno Lima true"]);
    let page = house.room.page(&house.olga, &path).await;
    assert!(page.contains("Duda &#60;b&#62;") || page.contains("Duda &lt;b&gt;"), "{page}");
    let drawing = house.room.page(&house.olga, &format!("{path}.svg")).await;
    assert!(
        drawing.starts_with("<svg") && drawing.contains("Bruno Lima") && !drawing.contains("Ana Prado"),
        "{drawing}"
    );
    let pool = &house.room.db.pool;
    for sql in ["update incident_position set name = 'x'", "delete from incident_position"] {
        assert!(sqlx::query(sql).execute(pool).await.is_err(), "{sql}");
    }
    house.done(&house.olga, &path, &[("act", "end"), ("position", "commander")]).await;
    let api = format!("/api/v1/incidents/{INCIDENT}/organization");
    let (status, _) =
        house.api(&house.olga, Method::POST, &format!("{api}/end"), &json!({"position": "commander"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) =
        house.api(&house.fabio, Method::POST, &api, &json!({"position": "safety", "name": "Fábio"})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    sqlx::query("update incident set state = 'closed', closed_at = opened_at, closed_by = 'x'")
        .execute(pool)
        .await
        .unwrap();
    let (status, _) = house.api(&house.olga, Method::POST, &api, &json!({"position": "safety", "name": "Eva"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_forms_tell_what_is_known_and_whoever_takes_one_away_is_written_down() {
    let house = House::open().await;
    let id = fabio_is_sent(&house).await;
    stepped(&house.room.app, id, Act::EnRoute).await.unwrap();
    let path = format!("/console/incidents/{INCIDENT}/organization");
    house.done(&house.olga, &path, &[("act", "fill"), ("position", "commander"), ("name", "Ana Prado")]).await;
    house.done(&house.fabio, &format!("/console/incidents/{INCIDENT}/note"), &[("text", "=HYPERLINK(1)")]).await;
    let forms = format!("/console/incidents/{INCIDENT}/forms");
    for (form, words) in
        [("201", "Ana Prado"), ("201", "Recurso fabio"), ("209", "Ana Prado"), ("214", "=HYPERLINK(1)")]
    {
        let page = house.room.page(&house.clara, &format!("{forms}/{form}")).await;
        assert!(page.contains(words), "{form}: {page}");
    }
    let fabio = house.texts("select id::text from resource where code = 'fabio'").await.remove(0);
    let csv = house.room.page(&house.clara, &format!("{forms}/214.csv?resource={fabio}")).await;
    assert!(csv.contains("Recurso fabio: ") && csv.contains("'=HYPERLINK(1)") && !csv.contains("Ana Prado"), "{csv}");
    let pdf =
        Request::get(format!("{forms}/201.pdf")).header("cookie", &house.clara.cookie).body(Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(house.room.router.clone(), pdf).await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()[header::CONTENT_TYPE].to_str().unwrap()),
        (StatusCode::OK, "application/pdf")
    );
    let bytes = axum::body::to_bytes(answer.into_body(), 8 << 20).await.unwrap();
    assert!(bytes.starts_with(b"%PDF"));
    let told = house.texts("select actor || ' ' || (after->>'form') || ' ' || (after->>'as') from audit_event where act = 'form.export' order by 1").await;
    assert_eq!(told, ["clara 201 pdf", "clara 214 csv"]);
    for wrong in ["202", "201.csv", "214.exe"] {
        let request =
            Request::get(format!("{forms}/{wrong}")).header("cookie", &house.clara.cookie).body(Body::empty()).unwrap();
        assert_eq!(house.room.send(request).await.0, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn the_register_names_what_is_wrong_keeps_what_was_typed_and_shows_telephones_only_to_whom_they_concern() {
    let house = House::open().await;
    let base = [("code", "ana"), ("kind", "engineer"), ("name", "Ana Prado")];
    let wrong = [&base[..], &[("phone", "99999")]].concat();
    let (status, page) = house.form(&house.olga, "/console/teams", &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("Write the telephone")
            && page.contains("value=\"Ana Prado\"")
            && page.contains("value=\"99999\""),
        "{page}"
    );
    house
        .done(
            &house.olga,
            "/console/teams",
            &[&base[..], &[("phone", "+5532999990001"), ("skills", "driving"), ("skills", "engineering")]].concat(),
        )
        .await;
    house.refused(&house.olga, "/console/teams", &base, "This code or this account").await;
    let id = house.texts("select id::text from resource").await.remove(0);
    let page = format!("/console/teams/{id}");
    assert!(house.room.page(&house.olga, &page).await.contains("+5532999990001"));
    assert!(!house.room.page(&house.fabio, &page).await.contains("+5532999990001"));
    let seen = house.api(&house.fabio, Method::GET, &format!("/api/v1/resources/{id}"), &Value::Null).await.1;
    assert_eq!((&seen["phone"], &seen["skills"]), (&Value::Null, &json!(["driving", "engineering"])));
    let csv = house.room.page(&house.olga, "/console/teams.csv").await;
    assert!(csv.contains("ana,engineer,,Ana Prado,,+5532999990001,driving engineering,"), "{csv}");
    house
        .refused(
            &house.olga,
            &format!("{page}/act"),
            &[("act", "condition"), ("condition", "retired"), ("reason", "saiu")],
            "sure",
        )
        .await;
    let retire = [("act", "condition"), ("condition", "retired"), ("reason", "saiu"), ("sure", "yes")];
    house.done(&house.olga, &format!("{page}/act"), &retire).await;
    assert_eq!(house.texts("select condition || phone from resource").await, ["retired"]);
    let shift = [("act", "shift"), ("from", "2026-02-22T10:00"), ("until", "2026-02-22T09:00")];
    house.refused(&house.olga, &format!("{page}/act"), &shift, "The end comes after").await;
}
