//! Contingency plans: written, approved by somebody else, activated by alerts and by hand; their tasks, situation reports and lessons.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::config::AlertStatus;
use sentinela::plancon::worker as reviews;
use sentinela::situation::worker as reports;
use sentinela::units::Level;
use serde_json::{Value, json};

use crate::approval::{Person, Room};
use crate::support;

const EXAMPLE: &str = include_str!("../../config/plancon/example.toml");
const ONE_INCIDENT: &str = "select id::text from incident";

fn plan() -> Value {
    serde_json::to_value(sentinela::plancon::file::read(EXAMPLE).unwrap()).unwrap()
}

impl Room {
    async fn v1(&self, by: &Person, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header(header::AUTHORIZATION, &by.token)
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let (status, text) = self.send(request.body(body).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A plan that Olga wrote and Ana put in force.
    async fn planned(&self, plan: Value) -> (Person, Person) {
        let (ana, olga) = (self.person("ana", Role::Coordinator).await, self.person("olga", Role::Operator).await);
        let (status, made) = self.v1(&olga, Method::POST, "plans", json!({ "code": "chuvas", "plan": plan })).await;
        assert_eq!(
            (status, &made["number"], &made["state"]),
            (StatusCode::CREATED, &json!(1), &json!("draft")),
            "{made}"
        );
        assert_eq!(self.approve_plan(&ana, 1).await.0, StatusCode::NO_CONTENT);
        (ana, olga)
    }

    async fn approve_plan(&self, by: &Person, number: i32) -> (StatusCode, Value) {
        let word = json!({ "revision": 1, "review_on": "2027-02-01", "reason": "Reunião de fevereiro" });
        self.v1(by, Method::POST, &format!("plans/chuvas/versions/{number}/approve"), word).await
    }

    /// An alert of the rules leaves; the id of the newest incident.
    async fn alert(&self, by: &Person, level: Level, status: AlertStatus) -> String {
        let id = self.draft_by_rule(level, status).await;
        let (status, issued) = self.approve(&by.token, id, 1).await;
        assert_eq!(status, StatusCode::OK, "{issued}");
        issued["incident_id"].as_str().unwrap().to_owned()
    }

    async fn tasks(&self, by: &Person, incident: &str) -> Value {
        self.v1(by, Method::GET, &format!("incidents/{incident}/tasks"), Value::Null).await.1
    }

    async fn do_task(&self, by: &Person, incident: &str, task: &Value, mut asked: Value) -> (StatusCode, Value) {
        asked["revision"] = task["revision"].clone();
        let path = format!("incidents/{incident}/tasks/{}", task["id"].as_str().unwrap());
        self.v1(by, Method::POST, &path, asked).await
    }
}

fn codes(tasks: &Value) -> Vec<&str> {
    tasks["tasks"].as_array().unwrap().iter().map(|task| task["code"].as_str().unwrap()).collect()
}

fn task<'a>(tasks: &'a Value, code: &str) -> &'a Value {
    tasks["tasks"].as_array().unwrap().iter().find(|task| task["code"] == code).unwrap()
}

#[tokio::test]
async fn whoever_wrote_a_plan_does_not_approve_it_and_a_version_in_force_is_never_rewritten() {
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Coordinator).await, room.person("bruno", Role::Coordinator).await);
    let made = room.v1(&ana, Method::POST, "plans", json!({ "code": "chuvas", "plan": plan() })).await;
    assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
    let (status, refused) = room.approve_plan(&ana, 1).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    assert_eq!(room.approve_plan(&bruno, 1).await.0, StatusCode::NO_CONTENT);
    assert_eq!(room.approve_plan(&bruno, 1).await.0, StatusCode::CONFLICT, "it is in force already");
    for change in [
        "update plan_version set title = 'outro'",
        "update plan_version set state = 'draft'",
        "delete from plan_version",
    ] {
        let refused = sqlx::query(change).execute(&room.db.pool).await.unwrap_err();
        assert!(refused.to_string().contains("plan"), "{refused}");
    }
    // The next version is written beside it, and takes its place.
    let mut next = plan();
    next["title"] = "Plano de chuvas, segunda versão".into();
    let wanted = json!({ "code": "chuvas", "plan": next });
    assert_eq!(room.v1(&ana, Method::POST, "plans", wanted.clone()).await.0, StatusCode::CREATED);
    let (status, stale) = room.v1(&bruno, Method::POST, "plans", wanted).await;
    assert_eq!(status, StatusCode::CONFLICT, "a draft is there, and its revision was not named: {stale}");
    assert_eq!(room.approve_plan(&bruno, 2).await.0, StatusCode::NO_CONTENT);
    let states = room.words("select number || ' ' || state from plan_version order by number").await;
    assert_eq!(states, ["1 replaced", "2 in_force"]);
    let acts = room.words("select act || ' ' || actor from plan_act order by id").await;
    assert_eq!(acts, ["write ana", "approve bruno", "write ana", "replace bruno", "approve bruno"]);
}

#[tokio::test]
async fn a_plan_that_is_wrong_is_refused_with_every_field_and_a_cycle_by_its_names() {
    let room = Room::open(&[]).await;
    let olga = room.person("olga", Role::Operator).await;
    let mut wrong = plan();
    wrong["scenarios"][0]["areas"] = json!(["lua"]);
    wrong["scenarios"][0]["actions"][0]["after"] = json!(["vistoriar-setores"]);
    let (status, refused) = room.v1(&olga, Method::POST, "plans", json!({ "code": "chuvas", "plan": wrong })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let told: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|one| (&one["field"], &one["value"])).collect();
    let cycle = json!("reunir-plantao → vistoriar-setores → reunir-plantao");
    assert_eq!(told, [(&json!("scenarios[0].areas[0]"), &json!("lua")), (&json!("scenarios[0].actions"), &cycle)]);
    assert_eq!(room.words("select code from contingency_plan").await, [""; 0], "nothing was stored");
}

#[tokio::test]
async fn an_alert_activates_the_plan_once_a_higher_one_adds_and_staff_is_told() {
    let room = Room::open(&[]).await;
    let (ana, olga) = room.planned(plan()).await;
    sqlx::raw_sql(
        "update staff set email = username || '@exemplo.invalid', phone = '+5532911110001' where username = 'olga'",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    let tasks = room.tasks(&ana, &incident).await;
    assert_eq!(codes(&tasks), ["reunir-plantao", "vistoriar-setores"]);
    assert_eq!(task(&tasks, "vistoriar-setores")["waits_for"], json!(["reunir-plantao"]));
    assert_eq!(room.alert(&ana, Level::Attention, AlertStatus::Actual).await, incident);
    assert_eq!(room.tasks(&ana, &incident).await["progress"]["total"], json!(2), "never twice");
    assert_eq!(room.alert(&ana, Level::Maximum, AlertStatus::Actual).await, incident);
    let tasks = room.tasks(&ana, &incident).await;
    assert_eq!(
        (&tasks["progress"]["total"], tasks["activations"].as_array().unwrap().len()),
        (&json!(7), 1),
        "{tasks}"
    );
    assert_eq!(tasks["activations"][0]["level"], json!("maximum"));
    let told = room
        .words("select channel || ' ' || body from notice where purpose = 'plan_task' order by created_at, channel")
        .await;
    assert_eq!(told.len(), 4, "Olga by two ways, for what began at attention and for what came with maximum: {told:?}");
    let link = format!("/console/incidents/{incident}/tasks");
    assert!(told.iter().all(|one| one.contains(&link)), "{told:?}");
    assert!(told.iter().any(|one| one.contains("Reunir o plantão")), "{told:?}");
    let page = room.page(&olga, &format!("/console/incidents/{incident}")).await;
    assert!(page.contains("of 7 closed"), "{page}");
}

#[tokio::test]
async fn an_alert_leaves_also_when_its_plan_cannot_be_activated() {
    let room = Room::open(&[]).await;
    let (ana, _) = room.planned(plan()).await;
    let broken = "create function no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
        create trigger no before insert on incident_task for each row execute function no()";
    sqlx::raw_sql(broken).execute(&mut room.db.owner().await).await.unwrap();
    let incident = room.alert(&ana, Level::Alert, AlertStatus::Actual).await;
    assert_eq!(room.tasks(&ana, &incident).await["activations"], json!([]));
    let told = room.words("select text from incident_entry where kind = 'plan'").await;
    assert!(told[0].contains("ative à mão"), "{told:?}");
}

#[tokio::test]
async fn a_drill_never_touches_real_tasks_whoever_writes() {
    let room = Room::open(&[]).await;
    let (ana, _) = room.planned(plan()).await;
    let real = room.alert(&ana, Level::Alert, AlertStatus::Actual).await;
    let drill = room.alert(&ana, Level::Alert, AlertStatus::Exercise).await;
    assert_ne!(real, drill);
    let told = room.words("select count(*) || ' ' || drill from incident_task group by drill order by drill").await;
    assert_eq!(told, ["5 false", "5 true"]);
    let tasks = room.tasks(&ana, &drill).await;
    let done = room.do_task(&ana, &drill, task(&tasks, "reunir-plantao"), json!({ "act": "done" })).await;
    assert_eq!(done.0, StatusCode::NO_CONTENT, "{}", done.1);
    let (status, _) = room.do_task(&ana, &real, task(&tasks, "abrir-abrigos"), json!({ "act": "done" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a task of the drill is none of the real incident");
    assert_eq!(room.words("select distinct state from incident_task where not drill").await, ["todo"]);
    for change in [
        "update plan_activation set drill = not drill",
        "update incident_task set drill = not drill",
        "update incident_task set incident_id = (select id from incident i where not incident_is_drill(i.id)) where drill",
    ] {
        assert!(sqlx::query(change).execute(&room.db.pool).await.is_err(), "{change}");
    }
    let page = room.page(&ana, &format!("/console/incidents/{drill}/tasks")).await;
    assert!(page.contains("Tasks of an exercise: nothing here is real."), "{page}");
}

#[tokio::test]
async fn tasks_are_taken_handed_over_done_ahead_of_others_left_out_with_a_reason_and_taken_back() {
    let room = Room::open(&[]).await;
    let (ana, olga) = room.planned(plan()).await;
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    let act = async |who: &Person, code: &'static str, asked: Value| {
        let tasks = room.tasks(who, &incident).await;
        room.do_task(who, &incident, task(&tasks, code), asked).await
    };
    assert_eq!(act(&olga, "reunir-plantao", json!({ "act": "take" })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(act(&ana, "reunir-plantao", json!({ "act": "take" })).await.0, StatusCode::CONFLICT);
    assert_eq!(
        act(&olga, "reunir-plantao", json!({ "act": "hand_over", "to": "ninguem" })).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        act(&olga, "reunir-plantao", json!({ "act": "hand_over", "to": "ana" })).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(task(&room.tasks(&ana, &incident).await, "reunir-plantao")["assignee_name"], json!("Ana"));
    assert_eq!(
        act(&olga, "vistoriar-setores", json!({ "act": "done", "note": "Sem trincas" })).await.0,
        StatusCode::NO_CONTENT
    );
    let kept = room.words("select detail->>'ahead_of' from incident_task_act where act = 'done'").await;
    assert_eq!(kept, ["[\"reunir-plantao\"]"], "it was not refused, and what it was ahead of is kept");
    assert_eq!(
        act(&ana, "reunir-plantao", json!({ "act": "not_needed" })).await.0,
        StatusCode::BAD_REQUEST,
        "without a reason"
    );
    let left_out = json!({ "act": "not_needed", "note": "Já reunido" });
    assert_eq!(act(&ana, "reunir-plantao", left_out.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(act(&ana, "reunir-plantao", json!({ "act": "undo" })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(task(&room.tasks(&ana, &incident).await, "reunir-plantao")["state"], json!("taken"), "as it was before");
    let stale = json!({ "revision": 1, "act": "done", "note": "", "to": "" });
    let id = task(&room.tasks(&ana, &incident).await, "reunir-plantao")["id"].as_str().unwrap().to_owned();
    let (status, _) = room.v1(&ana, Method::POST, &format!("incidents/{incident}/tasks/{id}"), stale).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let beto = room.person("beto", Role::FieldAgent).await;
    // What is another's stays theirs, and a decision is taken back by whoever may make it.
    for (code, wanted) in [
        ("reunir-plantao", json!({ "act": "undo" })),
        ("reunir-plantao", json!({ "act": "hand_over", "to": "beto" })),
        ("vistoriar-setores", json!({ "act": "undo" })),
    ] {
        assert_eq!(act(&beto, code, wanted.clone()).await.0, StatusCode::FORBIDDEN, "{code} {wanted}");
    }
    assert_eq!(act(&ana, "reunir-plantao", left_out.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(act(&beto, "reunir-plantao", json!({ "act": "undo" })).await.0, StatusCode::FORBIDDEN);
    assert_eq!(act(&ana, "reunir-plantao", json!({ "act": "undo" })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(act(&beto, "reunir-plantao", left_out).await.0, StatusCode::FORBIDDEN, "that is for who runs incidents");
    assert_eq!(act(&beto, "reunir-plantao", json!({ "act": "done" })).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_late_is_computed_and_a_page_without_scripts_does_everything() {
    let room = Room::open(&[]).await;
    let (ana, olga) = room.planned(plan()).await;
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    let path = format!("/console/incidents/{incident}/tasks");
    assert_eq!(room.tasks(&olga, &incident).await["progress"]["late"], json!(0));
    room.app.clock.set(support::start_at() + TimeDelta::minutes(16));
    let tasks = room.tasks(&olga, &incident).await;
    assert_eq!((&tasks["progress"]["late"], &task(&tasks, "reunir-plantao")["is_late"]), (&json!(1), &json!(true)));
    let page = room.page(&olga, &path).await;
    assert!(page.contains("Reunir o plantão na sala de situação") && page.contains("waits for"), "{page}");
    let id = task(&tasks, "reunir-plantao")["id"].as_str().unwrap();
    let (status, _) = room.post(&olga, &format!("{path}/{id}"), "act=take&revision=1").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, answer) = room.post(&olga, &format!("{path}/{id}"), "act=take&revision=2").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.contains("The state of the task does not allow this"), "{answer}");
    let by_hand = "act=activate&what=chuvas/inundacao&level=alert&reason=Rio+subindo";
    assert_eq!(
        room.post(&olga, &format!("/console/incidents/{incident}/plans"), by_hand).await.0,
        StatusCode::SEE_OTHER
    );
    assert_eq!(room.tasks(&olga, &incident).await["progress"]["total"], json!(5));
    let open = room.words("select id::text from plan_activation where scenario = 'inundacao'").await;
    let end = format!("act=end&activation={}&reason=Rio+baixou", open[0]);
    assert_eq!(room.post(&olga, &format!("/console/incidents/{incident}/plans"), &end).await.0, StatusCode::SEE_OTHER);
    let progress = room.tasks(&olga, &incident).await["progress"].clone();
    assert_eq!((&progress["not_needed"], &progress["total"]), (&json!(3), &json!(5)));
    // The end of the incident ends what is left, whoever closes it.
    let closed = room.v1(&olga, Method::POST, &format!("incidents/{incident}/close"), json!({ "reason": "Sol" })).await;
    assert_eq!(closed.0, StatusCode::NO_CONTENT);
    let progress = room.tasks(&olga, &incident).await["progress"].clone();
    assert_eq!((&progress["todo"], &progress["taken"], &progress["not_needed"]), (&json!(0), &json!(0), &json!(5)));
    assert_eq!(
        room.words("select distinct end_reason from plan_activation order by 1").await,
        ["Rio baixou", "incident_closed"]
    );
    let ends = room
        .v1(
            &olga,
            Method::POST,
            &format!("incidents/{incident}/plans"),
            json!({ "plan": "chuvas", "scenario": "inundacao", "level": "alert", "reason": "x" }),
        )
        .await;
    assert_eq!(ends.0, StatusCode::CONFLICT, "{}", ends.1);
}

#[tokio::test]
async fn the_console_writes_shows_exports_and_the_public_reads_only_what_is_theirs() {
    let room = Room::open(&[]).await;
    let (ana, olga) = (room.person("ana", Role::Coordinator).await, room.person("olga", Role::Operator).await);
    assert!(room.page(&olga, "/console/plans").await.contains("No plan yet"));
    assert_eq!(room.post(&olga, "/console/plans", "code=chuvas").await.0, StatusCode::SEE_OTHER);
    let edit = room.page(&olga, "/console/plans/chuvas/edit").await;
    assert!(edit.contains("name=\"revision\" value=\"1\"") && edit.contains("[[scenarios.actions]]"), "{edit}");
    let (status, answer) = room.post(&olga, "/console/plans/chuvas/edit", "revision=1&text=title+%3D+3").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.contains("line 1") && answer.contains("title = 3"), "what was written is shown again: {answer}");
    let (_, hidden) = room.stranger(Method::GET, "/plano").await;
    assert!(hidden.contains("No point is published yet"), "a draft is nobody's to read: {hidden}");
    let approve = "act=approve&revision=1&review_on=2027-02-01&reason=Ok";
    let (status, answer) = room.post(&olga, "/console/plans/chuvas/1", approve).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    assert_eq!(room.post(&ana, "/console/plans/chuvas/1", approve).await.0, StatusCode::SEE_OTHER);
    let page = room.page(&ana, "/console/plans/chuvas").await;
    assert!(page.contains("Corpo de Bombeiros") && page.contains("Retirar os moradores"), "{page}");
    assert_eq!(room.page(&ana, "/console/plans/chuvas/1/plan.toml").await, EXAMPLE);
    let exported: Value = serde_json::from_str(&room.page(&ana, "/console/plans/chuvas/1/plan.json").await).unwrap();
    assert_eq!(exported, plan());
    let (_, public) = room.stranger(Method::GET, "/plano").await;
    assert!(public.contains("Escola da Zona Norte") && public.contains("Da encosta norte"), "{public}");
    assert!(!public.contains("Plantão da Defesa Civil") && !public.contains("Retirar os moradores"), "{public}");
    let (_, points) = room.stranger(Method::GET, "/plano/pontos.geojson").await;
    let points: Value = serde_json::from_str(&points).unwrap();
    assert_eq!(points["features"][0]["geometry"]["coordinates"], json!([-43.405, -21.715]));
    let typed = "act=withdraw&reason=Fim&typed=outro";
    assert_eq!(room.post(&ana, "/console/plans/chuvas/1", typed).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        room.post(&ana, "/console/plans/chuvas/1", "act=withdraw&reason=Fim&typed=chuvas").await.0,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_file_is_imported_as_it_is() {
    let room = Room::open(&[]).await;
    let olga = room.person("olga", Role::Operator).await;
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nchuvas\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.toml\"\r\n\r\n{EXAMPLE}\r\n--x--\r\n",
        olga.csrf
    );
    let request = Request::post("/console/plans/import")
        .header("cookie", &olga.cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    let (status, answer) = room.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{answer}");
    assert_eq!(room.page(&olga, "/console/plans/chuvas/1/plan.toml").await, EXAMPLE);
}

#[tokio::test]
async fn coordinators_are_reminded_of_a_review_when_it_is_near_and_when_it_is_due() {
    let room = Room::open(&[]).await;
    room.planned(plan()).await;
    sqlx::raw_sql("update staff set email = 'ana@exemplo.invalid' where username = 'ana'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    let told = async |day: &str| {
        let now = format!("{day}T15:00:00Z").parse().unwrap();
        reviews::round(&room.app, now).await.unwrap()
    };
    assert_eq!(told("2027-01-01").await, 0, "it is a month away");
    assert_eq!([told("2027-01-02").await, told("2027-01-20").await], [1, 0], "near, once");
    assert_eq!([told("2027-02-01").await, told("2027-02-02").await], [1, 0], "due, once");
    let subjects = room.words("select subject from notice where purpose = 'plan_review'").await;
    assert_eq!(subjects.len(), 2);
    assert!(subjects[0].contains("01/02/2027"), "{subjects:?}");
}

#[tokio::test]
async fn a_situation_report_is_drafted_in_time_with_what_changed_approved_and_then_stands() {
    let room = Room::open(&[("SENTINELA__SITUATION__DRAFT_EVERY_H", "6")]).await;
    let (ana, olga) = room.planned(plan()).await;
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    let at = |hours: i64| support::start_at() + TimeDelta::hours(hours);
    assert_eq!(reports::round(&room.app, at(5)).await.unwrap(), 0, "not yet");
    assert_eq!(
        [reports::round(&room.app, at(6)).await.unwrap(), reports::round(&room.app, at(13)).await.unwrap()],
        [1, 0],
        "a draft waits"
    );
    let path = format!("incidents/{incident}/situation");
    let list = room.v1(&olga, Method::GET, &path, Value::Null).await.1;
    let first = &list[0];
    assert_eq!((&first["number"], &first["made_by"], &first["state"]), (&json!(1), &json!("service"), &json!("draft")));
    assert!(first["actions"].as_str().unwrap().contains("Reunir o plantão"), "{first}");
    let id = first["id"].as_str().unwrap();
    let edit = json!({ "revision": 1, "situation": "Chuva forte na zona norte.", "needs": "Lonas", "public_text": "Evite a rua das Flores." });
    assert_eq!(
        room.v1(&olga, Method::PUT, &format!("situation-reports/{id}"), edit.clone()).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        room.v1(&olga, Method::PUT, &format!("situation-reports/{id}"), edit).await.0,
        StatusCode::CONFLICT,
        "stale"
    );
    let (_, hidden) = room.stranger(Method::GET, "/situacao").await;
    assert!(!hidden.contains("rua das Flores"), "a draft is nobody's to read");
    let approve = json!({ "revision": 2 });
    let path_of = format!("situation-reports/{id}/approve");
    assert_eq!(room.v1(&olga, Method::POST, &path_of, approve.clone()).await.0, StatusCode::FORBIDDEN, "she wrote it");
    let page = room.page(&olga, &format!("/console/situation/{id}")).await;
    assert!(page.contains("does not approve it") && !page.contains("value=\"approve\""), "{page}");
    assert_eq!(room.v1(&ana, Method::POST, &path_of, approve).await.0, StatusCode::NO_CONTENT);
    for change in ["update situation_report set needs = ''", "delete from situation_report"] {
        assert!(sqlx::query(change).execute(&room.db.pool).await.is_err(), "{change}");
    }
    for page in ["/situacao".to_owned(), format!("/situacao/{id}")] {
        let (_, public) = room.stranger(Method::GET, &page).await;
        assert!(public.contains("Evite a rua das Flores.") && !public.contains("Lonas"), "{public}");
    }
    let tasks = room.tasks(&olga, &incident).await;
    let done = room.do_task(&olga, &incident, task(&tasks, "reunir-plantao"), json!({ "act": "done" })).await;
    assert_eq!(done.0, StatusCode::NO_CONTENT);
    let (status, second) = room.v1(&olga, Method::POST, &path, Value::Null).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    let figures = second["figures"].as_array().unwrap();
    let figure = figures.iter().find(|one| one["key"] == "tasks_done").unwrap();
    assert_eq!(figure, &json!({ "key": "tasks_done", "value": 1, "before": 0, "source": "tasks" }));
    let page = room.page(&olga, &format!("/console/situation/{}", second["id"].as_str().unwrap())).await;
    assert!(page.contains("Tasks done") && page.contains("+1") && page.contains("tasks of the plan"), "{page}");
}

#[tokio::test]
async fn whoever_is_alone_approves_their_own_report_and_it_says_so() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    let (_, made) = room.v1(&ana, Method::POST, &format!("incidents/{incident}/situation"), Value::Null).await;
    let path = format!("/console/situation/{}", made["id"].as_str().unwrap());
    let form = "act=approve&revision=1&situation=Chuva";
    room.person("olga", Role::Operator).await;
    assert_eq!(room.post(&ana, &path, form).await.0, StatusCode::UNPROCESSABLE_ENTITY, "Olga could approve it");
    sqlx::query("update staff set disabled_at = now() where username = 'olga'").execute(&room.db.pool).await.unwrap();
    assert_eq!(room.post(&ana, &path, form).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.words("select state || approved_alone from situation_report").await, ["approvedtrue"]);
    let line = room.words("select text from incident_entry where kind = 'situation'").await;
    assert!(line[0].contains("ninguém mais pode aprovar"), "{line:?}");
}

#[tokio::test]
async fn a_report_of_an_exercise_is_never_public() {
    let room = Room::open(&[]).await;
    let (ana, olga) = room.planned(plan()).await;
    let incident = room.alert(&ana, Level::Alert, AlertStatus::Exercise).await;
    assert_eq!(
        room.post(&olga, &format!("/console/incidents/{incident}/situation"), "").await.0,
        StatusCode::SEE_OTHER
    );
    let id = room.words("select id::text from situation_report").await.remove(0);
    let words = "situation=Simulado&public_text=Saia+de+casa&actions=A%0D%0AB";
    let path = format!("/console/situation/{id}");
    let refused = room.post(&olga, &path, &format!("act=approve&revision=1&{words}")).await;
    assert_eq!(refused.0, StatusCode::UNPROCESSABLE_ENTITY, "to write and approve at once is one person's word");
    assert_eq!(room.words("select state || revision from situation_report").await, ["draft1"], "and nothing was kept");
    assert_eq!(room.post(&olga, &path, &format!("act=save&revision=1&{words}")).await.0, StatusCode::SEE_OTHER);
    let approved = room.post(&ana, &path, &format!("act=approve&revision=2&{words}")).await;
    assert_eq!(approved.0, StatusCode::SEE_OTHER, "the same words again are no edit");
    assert_eq!(room.words("select state || approved_alone from situation_report").await, ["approvedfalse"]);
    assert!(!room.stranger(Method::GET, "/situacao").await.1.contains("Saia de casa"));
    assert_eq!(room.stranger(Method::GET, &format!("/situacao/{id}")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn after_the_action_each_deed_is_held_against_its_minute_and_lessons_are_tracked_to_done() {
    let room = Room::open(&[]).await;
    let (ana, olga) = room.planned(plan()).await;
    let incident = room.alert(&ana, Level::Attention, AlertStatus::Actual).await;
    room.app.clock.set(support::start_at() + TimeDelta::minutes(22));
    let tasks = room.tasks(&olga, &incident).await;
    let done = room.do_task(&olga, &incident, task(&tasks, "reunir-plantao"), json!({ "act": "done" })).await;
    assert_eq!(done.0, StatusCode::NO_CONTENT);
    let path = format!("incidents/{incident}");
    let back = room.v1(&olga, Method::GET, &format!("{path}/after"), Value::Null).await.1;
    let line = &back["actions"][0];
    assert_eq!(
        (&line["planned_min"], &line["real_min"], &line["is_late"]),
        (&json!(15), &json!(22), &json!(true)),
        "{back}"
    );
    assert_eq!(
        (&back["times"]["first_alert_s"], &back["times"]["first_task_done_s"]),
        (&json!(0), &json!(1320)),
        "{back}"
    );
    assert_eq!(back["times"]["first_message_s"], Value::Null, "nobody lives there");
    assert_eq!(back["times"]["first_team_on_scene_s"], Value::Null, "nobody was sent");
    let lesson = json!({ "text": "Chave do abrigo com duas pessoas", "owner": "Maria", "due_on": "2026-06-01" });
    let (status, made) = room.v1(&olga, Method::POST, &format!("{path}/lessons"), lesson.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let mut past = lesson;
    past["due_on"] = "2020-01-01".into();
    assert_eq!(room.v1(&olga, Method::POST, &format!("{path}/lessons"), past).await.0, StatusCode::BAD_REQUEST);
    let page = room.page(&olga, &format!("/console/incidents/{incident}/after")).await;
    assert!(page.contains("1 of 2 actions were late.") && page.contains("Chave do abrigo"), "{page}");
    let is_done = format!("act=done&lesson={}&note=Feito", made["id"].as_str().unwrap());
    let after = format!("/console/incidents/{incident}/after");
    assert_eq!(room.post(&olga, &after, &is_done).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.post(&olga, &after, &is_done).await.0, StatusCode::NOT_FOUND, "it is done");
    assert_eq!(room.words("select done_by || ' ' || done_note from incident_lesson").await, ["olga Feito"]);
}

#[tokio::test]
async fn today_tells_levels_alerts_incidents_and_what_is_late() {
    let room = Room::open(&[]).await;
    let (ana, _) = room.planned(plan()).await;
    assert!(room.page(&ana, "/console/hoje").await.contains("No alert is in force."));
    room.alert(&ana, Level::Alert, AlertStatus::Actual).await;
    room.app.clock.set(support::start_at() + TimeDelta::minutes(30));
    let page = room.page(&ana, "/console/hoje").await;
    let number = room.words("select number from alert").await.remove(0);
    assert!(page.contains(&number) && page.contains("of 5 closed") && page.contains("2 late"), "{page}");
    assert_eq!(room.words(ONE_INCIDENT).await.len(), 1);
}
