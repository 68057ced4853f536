//! Modules that publish: news, press, outreach, consultations, transparency and the service charter, each by a procedure from start to end.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::dispatch::notices::{self, Notice};
use sentinela::dispatch::provider::Channel;
use sentinela::secretariat::kernel::worker as cases;
use sentinela::secretariat::press::worker as press;
use serde_json::{Value, json};

use super::{act, at, done, due, moved, open, path};
use crate::approval::Room;
use crate::damage::ask;
use crate::support;

async fn anybody(room: &Room, path: &str) -> (StatusCode, String) {
    room.stranger(Method::GET, path).await
}

/// What somebody without an account sends.
async fn sent(room: &Room, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, text) = room.send(request).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn news(kind: &str, title: &str) -> Value {
    json!({ "type": "news.item", "title": title,
        "fields": { "kind": kind, "lead": "Em resumo", "body": "O texto inteiro", "tags": "Chuva, obras" } })
}

#[tokio::test]
async fn the_quiet_period_holds_news_back_but_not_civil_defense_and_its_bypass_is_audited() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::News).await;
    let (bia, cora) = (room.person("bia", Role::News).await, room.person("cora", Role::Coordinator).await);
    let ana = moved(&room, &ana, "ana", "2028-07-03T12:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2028-07-03T12:00:00Z").await;
    let cora = moved(&room, &cora, "cora", "2028-07-03T12:00:00Z").await;
    let item = open(&room, &ana, "news", news("institutional", "Obra entregue")).await;
    let (status, own) = act(&room, &ana, "news", &item, ("approve", json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT, "nobody approves what they wrote: {own}");
    done(&room, &bia, "news", &item, ("approve", json!({}))).await;
    let (status, refused) = act(&room, &ana, "news", &item, ("publish", json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let why = refused["detail"].as_str().unwrap();
    assert!(why.contains("quiet period of the election of 2028-10-01") && why.contains("Lei 9.504/1997"), "{why}");

    let alert = open(&room, &ana, "news", news("civil_defense", "Chuva forte esta noite")).await;
    done(&room, &bia, "news", &alert, ("approve", json!({}))).await;
    done(&room, &ana, "news", &alert, ("publish", json!({}))).await;
    let (_, page) = anybody(&room, "/secretaria/noticias").await;
    assert!(page.contains("Chuva forte esta noite") && !page.contains("Obra entregue"), "{page}");

    let reason = json!({ "reason": "Decisão 12/2028 reconhece a urgência" });
    assert_eq!(
        act(&room, &ana, "news", &item, ("publish_exception", reason.clone())).await.0,
        StatusCode::FORBIDDEN,
        "the role is named"
    );
    assert_eq!(
        act(&room, &cora, "news", &item, ("publish_exception", json!({}))).await.0,
        StatusCode::BAD_REQUEST,
        "without a reason"
    );
    let (status, missing) = act(&room, &cora, "news", &item, ("publish_exception", reason.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "{missing}");
    assert!(missing["detail"].as_str().unwrap().contains("court_decision"), "{missing}");
    let link = format!("/secretaria/painel/noticias/casos/{}", item["id"].as_str().unwrap());
    let document = "kind=court_decision&name=Decis%C3%A3o&text=Reconhece";
    assert_eq!(room.post(&ana, &format!("{link}/documento"), document).await.0, StatusCode::SEE_OTHER);
    done(&room, &cora, "news", &item, ("publish_exception", reason)).await;
    let audit = room.words("select reason from audit_event where reason like 'Decisão 12/2028%'").await;
    assert_eq!(audit.len(), 1, "{audit:?}");

    let ana = moved(&room, &ana, "ana", "2028-10-02T12:00:00Z").await;
    let late = open(&room, &ana, "news", news("institutional", "Balanço da obra")).await;
    let bia = moved(&room, &bia, "bia", "2028-10-02T12:01:00Z").await;
    done(&room, &bia, "news", &late, ("approve", json!({}))).await;
    done(&room, &bia, "news", &late, ("publish", json!({}))).await;
    let (status, feed) = anybody(&room, "/secretaria/noticias/feed.atom?tag=obras").await;
    assert_eq!(status, StatusCode::OK);
    assert!(feed.contains("Balanço da obra") && feed.contains("<category term=\"chuva\"/>"), "{feed}");
    let (_, other) = anybody(&room, "/secretaria/noticias/feed.json?tag=esporte").await;
    assert!(other.contains("\"items\":[]"), "{other}");
}

fn release(title: &str) -> Value {
    json!({ "type": "press.release", "title": title, "assigned": "dora",
        "fields": { "kind": "institutional", "lead": "Resumo", "body": "Dez famílias", "tags": "chuva" } })
}

#[tokio::test]
async fn a_release_waits_for_its_embargo_and_a_correction_leaves_without_overwriting() {
    let room = Room::open(&[]).await;
    let (paula, pedro) = (room.person("paula", Role::Press).await, room.person("pedro", Role::Press).await);
    let dora = room.person("dora", Role::Relations).await;
    for (name, email, tags) in
        [("Rádio", "radio@exemplo.invalid", ""), ("Obras News", "obras@exemplo.invalid", "obras")]
    {
        let new = json!({ "name": name, "email": email, "tags": tags });
        let (status, made) = ask(&room, &paula, Method::POST, "secretariat/press/outlets", new).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
    }
    let again = json!({ "name": "Outra", "email": "RADIO@exemplo.invalid" });
    assert_eq!(ask(&room, &paula, Method::POST, "secretariat/press/outlets", again).await.0, StatusCode::CONFLICT);
    assert_eq!(
        ask(&room, &dora, Method::GET, "secretariat/press/outlets", Value::Null).await.0,
        StatusCode::FORBIDDEN,
        "the list is restricted"
    );
    let before = "2026-12-30T12:00:00Z";
    let paula = moved(&room, &paula, "paula", before).await;
    let (pedro, dora) = (moved(&room, &pedro, "pedro", before).await, moved(&room, &dora, "dora", before).await);
    let case = open(&room, &paula, "press", release("Abrigos abertos")).await;
    assert_eq!(case["numbered"], "");
    assert_eq!(act(&room, &pedro, "press", &case, ("approve", json!({}))).await.0, StatusCode::CONFLICT);
    done(&room, &dora, "press", &case, ("check", json!({ "fields": { "fact_note": "Dez, conferido" } }))).await;
    assert_eq!(act(&room, &paula, "press", &case, ("approve", json!({}))).await.0, StatusCode::CONFLICT);
    done(&room, &pedro, "press", &case, ("approve", json!({}))).await;
    done(&room, &pedro, "press", &case, ("embargo", json!({ "fields": { "embargo_on": "2027-01-02" } }))).await;
    let (status, early) = act(&room, &pedro, "press", &case, ("distribute", json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{early}");
    // The last minutes of New Year's Day in the town, and the first of the Saturday after it.
    let eve = at("2027-01-02T02:50:00Z");
    room.app.clock.set(eve);
    assert_eq!(press::round(&room.app, eve).await.unwrap(), 0);
    assert!(!anybody(&room, "/secretaria/imprensa").await.1.contains("Abrigos abertos"));
    let day = at("2027-01-02T03:10:00Z");
    room.app.clock.set(day);
    assert_eq!(press::round(&room.app, day).await.unwrap(), 1, "one outlet wants it");
    assert_eq!(press::round(&room.app, day).await.unwrap(), 0, "and gets it once");
    let (_, page) = anybody(&room, "/secretaria/imprensa").await;
    assert!(
        page.contains("Abrigos abertos") && page.contains("IMP 2027/001"),
        "numbered by the year in which it leaves: {page}"
    );

    let pedro = moved(&room, &pedro, "pedro", "2027-01-04T15:00:00Z").await;
    let corrected = json!({ "reason": "A área corrigiu o número",
        "fields": { "body": "Doze famílias", "correction": "São doze famílias, não dez" } });
    done(&room, &pedro, "press", &case, ("correct", corrected)).await;
    assert_eq!(press::round(&room.app, at("2027-01-04T15:01:00Z")).await.unwrap(), 1);
    let id = case["id"].as_str().unwrap();
    let (_, both) = anybody(&room, &format!("/secretaria/imprensa/publicacoes/{id}")).await;
    assert!(both.contains("Doze famílias") && both.contains("Dez famílias"), "{both}");
    let subjects =
        room.words("select subject from notice where purpose = 'press_release' order by created_at, id").await;
    assert_eq!(subjects, ["IMP 2027/001 Abrigos abertos", "Correção: IMP 2027/001 Abrigos abertos"]);
    let log = ask(&room, &pedro, Method::GET, "secretariat/press/deliveries", Value::Null).await.1;
    assert_eq!(log.as_array().unwrap().len(), 2, "{log}");
    let html = room.page(&pedro, "/secretaria/painel/imprensa/veiculos").await;
    assert!(html.contains("radio@exemplo.invalid") && html.contains("Abrigos abertos"), "{html}");

    // Whoever is taken off the list is forgotten; what left for them is not.
    let id = room.words("select id::text from press_outlet where name = 'Rádio'").await.remove(0);
    let off = format!("/secretaria/painel/imprensa/veiculos/{id}/retirar");
    assert_eq!(room.post(&pedro, &off, "").await.0, StatusCode::SEE_OTHER);
    let kept = room.words("select o::text from press_outlet o union all select n::text from notice n").await.concat();
    assert!(kept.contains("Rádio") && !kept.contains("radio@exemplo.invalid"), "{kept}");
    assert!(kept.contains("obras@exemplo.invalid"), "the other one stays: {kept}");
    let log = ask(&room, &pedro, Method::GET, "secretariat/press/deliveries", Value::Null).await.1;
    assert_eq!((log.as_array().unwrap().len(), &log[0]["outlet"]), (2, &json!("Rádio")), "{log}");
}

#[tokio::test]
async fn whoever_leaves_the_list_while_a_release_goes_out_is_forgotten_after_it() {
    let room = Room::open(&[]).await;
    let paula = room.person("paula", Role::Press).await;
    let new = json!({ "name": "Rádio", "email": "radio@exemplo.invalid", "tags": "" });
    assert_eq!(ask(&room, &paula, Method::POST, "secretariat/press/outlets", new).await.0, StatusCode::CREATED);
    let id = room.words("select id::text from press_outlet").await.remove(0);
    // As the worker: it has read the list, and its letters are not yet seen by others.
    let now = room.app.clock.now();
    let mut tx = room.app.db.web.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('press', 0))").execute(&mut *tx).await.unwrap();
    let notice = Notice {
        channel: Channel::Email,
        address: "radio@exemplo.invalid",
        subject: "Abrigos abertos",
        body: "Dez famílias",
        expires_at: now + TimeDelta::hours(1),
        purpose: "press_release",
    };
    notices::queue(&mut tx, &room.app.ids, now, &notice).await.unwrap();
    let handed_over = async {
        support::eventually("whoever takes it off the list waits", || async {
            let waits: bool = sqlx::query_scalar(
                "select exists (select from pg_locks join pg_stat_activity using (pid)
                 where datname = current_database() and not granted)",
            )
            .fetch_one(&room.db.pool)
            .await
            .unwrap();
            waits.then_some(())
        })
        .await;
        tx.commit().await.unwrap();
    };
    let off = format!("/secretaria/painel/imprensa/veiculos/{id}/retirar");
    let (answer, ()) = tokio::join!(room.post(&paula, &off, ""), handed_over);
    assert_eq!(answer.0, StatusCode::SEE_OTHER);
    assert_eq!(room.words("select n::text from notice n where purpose = 'press_release'").await, [""; 0]);
}

#[tokio::test]
async fn outreach_that_promotes_a_person_is_refused_and_what_is_withdrawn_is_gone() {
    let room = Room::open(&[]).await;
    let (olga, otto) = (room.person("olga", Role::Outreach).await, room.person("otto", Role::Outreach).await);
    let olga = moved(&room, &olga, "olga", "2028-06-30T12:00:00Z").await;
    let otto = moved(&room, &otto, "otto", "2028-06-30T12:00:00Z").await;
    let body = json!({ "type": "outreach.campaign", "title": "Encosta segura",
        "fields": { "kind": "campaign", "project": "Contenções", "message": "Saiba o que muda", "cost": 1_500_000 } });
    let case = open(&room, &olga, "outreach", body).await;
    assert_eq!(act(&room, &olga, "outreach", &case, ("publish", json!({}))).await.0, StatusCode::CONFLICT);
    let personal = json!({ "fields": { "impersonal": false, "legal_opinion": "Traz o nome do Prefeito" } });
    let (status, refused) = act(&room, &otto, "outreach", &case, ("check", personal)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("art. 37, § 1º"), "{refused}");
    let lawful = json!({ "fields": { "impersonal": true, "legal_opinion": "Informa e orienta" } });
    assert_eq!(
        act(&room, &olga, "outreach", &case, ("check", lawful.clone())).await.0,
        StatusCode::CONFLICT,
        "nobody examines their own"
    );
    let checked = done(&room, &otto, "outreach", &case, ("check", lawful)).await;
    assert_eq!(checked["numbered"], "DIV 2028/001", "{checked}");
    // By hand: the first Sunday of October 2028 is the first; three months before it the quiet begins, on 1 July.
    for quiet in ["2028-07-01T03:00:00Z", "2028-09-07T12:00:00Z", "2028-10-02T02:59:00Z"] {
        let olga = moved(&room, &olga, "olga", quiet).await;
        let (status, held) = act(&room, &olga, "outreach", &case, ("publish", json!({}))).await;
        assert_eq!(status, StatusCode::CONFLICT, "{quiet}: {held}");
        let why = held["detail"].as_str().unwrap();
        assert!(why.contains("election of 2028-10-01") && why.contains("Lei 9.504/1997, art. 73, VI, b"), "{why}");
    }
    let olga = moved(&room, &olga, "olga", "2028-10-02T03:00:00Z").await;
    done(&room, &olga, "outreach", &case, ("publish", json!({}))).await;
    let olga = moved(&room, &olga, "olga", "2029-01-02T12:00:00Z").await;
    let (_, page) = anybody(&room, "/secretaria/divulgacao").await;
    assert!(page.contains("Encosta segura") && !page.contains("Informa e orienta"), "{page}");
    done(&room, &olga, "outreach", &case, ("retire", json!({ "reason": "Fim da campanha" }))).await;
    let (_, page) = anybody(&room, "/secretaria/divulgacao").await;
    assert!(!page.contains("Encosta segura"), "{page}");
    let kept = room.words("select withdrawn_reason from case_publication where module = 'outreach'").await;
    assert_eq!(kept, ["Fim da campanha"], "the publication and the reason of its end stay");
}

#[tokio::test]
async fn a_consultation_is_not_closed_before_every_contribution_is_answered_with_its_reason() {
    let room = Room::open(&[]).await;
    let (pia, raul) = (room.person("pia", Role::Participation).await, room.person("raul", Role::Participation).await);
    let body = json!({ "type": "participation.consultation", "title": "Plano de contingência 2026", "fields": {
        "kind": "consultation", "about": "contingency_plan", "summary": "As rotas servem?",
        "opens_on": "2026-02-20", "closes_on": "2026-03-10" } });
    let case = open(&room, &pia, "participation", body).await;
    let id = case["id"].as_str().unwrap();
    let door = format!("/api/v1/secretariat/participation/consultations/{id}/contributions");
    let named =
        json!({ "text": "Rota pela escola", "name": "Maria Lima", "email": "maria@exemplo.invalid", "may_name": true });
    let (status, early) = sent(&room, &door, named.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{early}");
    done(&room, &pia, "participation", &case, ("start", json!({}))).await;
    assert_eq!(sent(&room, &door, json!({ "text": "  " })).await.0, StatusCode::BAD_REQUEST);
    let (status, taken) = sent(&room, &door, named).await;
    assert_eq!((status, &taken["number"]), (StatusCode::CREATED, &json!("CTB 2026/001")), "{taken}");
    let unnamed = json!({ "text": "Sirene no bairro", "name": "João Segredo" });
    assert_eq!(sent(&room, &door, unnamed).await.0, StatusCode::CREATED);
    let (_, page) = anybody(&room, &format!("/secretaria/participacao/consultas/{id}")).await;
    assert!(page.contains("As rotas servem?") && page.contains("name=\"text\""), "{page}");
    assert!(!page.contains("Rota pela escola"), "nothing is shown before somebody read it: {page}");

    // The day after the last one: the service closes it, and nothing more comes in.
    let pia = moved(&room, &pia, "pia", "2026-03-11T12:00:00Z").await;
    assert!(cases::round(&room.app, at("2026-03-11T12:00:00Z")).await.unwrap() >= 1);
    let (status, late) = sent(&room, &door, json!({ "text": "Tarde" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "{late}");
    let report = json!({ "fields": { "report": "Duas contribuições, uma mudou o plano" } });
    let (status, refused) = act(&room, &pia, "participation", &case, ("answer", report.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("is still open"), "{refused}");
    let all =
        ask(&room, &pia, Method::GET, "secretariat/participation/cases?type=participation.contribution", Value::Null)
            .await
            .1;
    let of = |number: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|one| one["numbered"] == number).cloned().unwrap_or_else(|| panic!("{number}: {all}"))
    };
    let (first, second) = (of("CTB 2026/001"), of("CTB 2026/002"));
    assert_eq!(
        act(&room, &pia, "participation", &first, ("accept", json!({}))).await.0,
        StatusCode::BAD_REQUEST,
        "an answer has a reason"
    );
    let yes = json!({ "fields": { "answer": "A rota passa a usar a escola" } });
    done(&room, &pia, "participation", &first, ("accept", yes)).await;
    assert_eq!(act(&room, &pia, "participation", &case, ("answer", report.clone())).await.0, StatusCode::CONFLICT);
    let no = json!({ "fields": { "answer": "Já há sirene a 200 m" } });
    done(&room, &pia, "participation", &second, ("reject", no)).await;
    done(&room, &pia, "participation", &case, ("answer", report)).await;
    let raul = moved(&room, &raul, "raul", "2026-03-12T12:00:00Z").await;
    let ended = done(&room, &raul, "participation", &case, ("publish", json!({}))).await;
    assert_eq!(ended["state"], "published", "{ended}");
    let (_, page) = anybody(&room, &format!("/secretaria/participacao/consultas/{id}")).await;
    for shown in ["Rota pela escola", "Maria Lima", "A rota passa a usar a escola", "Sirene no bairro", "Já há sirene"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("João Segredo") && !page.contains("maria@exemplo"), "{page}");
    assert!(!page.contains("name=\"text\""), "{page}");
}

#[tokio::test]
async fn an_obligation_goes_stale_over_the_turn_of_the_year_until_it_is_published() {
    let room = Room::open(&[]).await;
    let tina = room.person("tina", Role::Transparency).await;
    let state = |list: &str| {
        let all: Value = serde_json::from_str(list).unwrap();
        let one = all.as_array().unwrap().iter().find(|one| one["key"] == "rreo").unwrap();
        one["state"].as_str().unwrap().to_owned()
    };
    let list = "/api/v1/secretariat/transparency/obligations";
    assert_eq!(state(&anybody(&room, list).await.1), "missing");
    let published = |covers: &str, on: &str| {
        json!({ "type": "transparency.publication", "title": "RREO", "fields": {
        "item": "rreo", "covers_until": covers, "published_on": on, "url": "https://exemplo.invalid/rreo.pdf", "format": "PDF" } })
    };
    let future =
        ask(&room, &tina, Method::POST, "secretariat/transparency/cases", published("2026-12-31", "2027-01-20")).await;
    assert_eq!(future.0, StatusCode::CONFLICT, "{}", future.1);
    let tina = moved(&room, &tina, "tina", "2026-11-20T12:00:00Z").await;
    open(&room, &tina, "transparency", published("2026-10-31", "2026-11-20")).await;
    for (when, expected) in [
        ("2026-11-20T12:00:00Z", "fresh"),
        // 31 December 23:30 in the town is the next year in UTC.
        ("2027-01-01T02:30:00Z", "fresh"),
        ("2027-01-01T03:30:00Z", "due"),
        ("2027-01-30T12:00:00Z", "due"),
        ("2027-01-31T12:00:00Z", "stale"),
    ] {
        room.app.clock.set(at(when));
        assert_eq!(state(&anybody(&room, list).await.1), expected, "{when}");
    }
    let (_, page) = anybody(&room, "/secretaria/transparencia").await;
    assert!(page.contains("art. 52"), "{page}");
    let tina = moved(&room, &tina, "tina", "2027-02-01T12:00:00Z").await;
    open(&room, &tina, "transparency", published("2026-12-31", "2027-02-01")).await;
    assert_eq!(state(&anybody(&room, list).await.1), "fresh");
    let (status, text) = anybody(&room, "/secretaria/transparencia/catalogo.jsonld").await;
    assert_eq!(status, StatusCode::OK);
    let catalogue: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(catalogue["@type"], "dcat:Catalog");
    assert!(text.contains("/api/v1/secretariat/transparency/publications"), "{text}");
    assert!(!text.contains("/api/v1/secretariat/press/publications"), "no dataset of what there is none: {text}");
}

#[tokio::test]
async fn a_service_whose_review_day_passes_says_so_until_it_is_reviewed() {
    let room = Room::open(&[]).await;
    let (sara, sid) = (room.person("sara", Role::ServiceCharter).await, room.person("sid", Role::ServiceCharter).await);
    let body = json!({ "type": "service_charter.service", "title": "Vistoria de encosta", "fields": {
        "area": "Defesa Civil", "description": "Um técnico olha a encosta", "requirements": "Morar no Município",
        "documents": "Endereço", "steps": "Pedir; receber a visita; ler o laudo", "max_days": 10, "days_kind": "business",
        "channels": "199", "priority": "Risco à vida primeiro", "complaint": "Ouvidoria", "review_on": "2026-12-30" } });
    let case = open(&room, &sara, "service-charter", body).await;
    assert_eq!(
        act(&room, &sara, "service-charter", &case, ("publish", json!({}))).await.0,
        StatusCode::CONFLICT,
        "another person publishes"
    );
    let after = done(&room, &sid, "service-charter", &case, ("publish", json!({}))).await;
    assert_eq!(due(&after, "service_charter.review"), "2026-12-30", "{after}");
    let overdue = |text: &str| serde_json::from_str::<Value>(text).unwrap()["services"][0]["review_overdue"].clone();
    let file = "/secretaria/carta-de-servicos/carta.json";
    room.app.clock.set(at("2026-12-31T02:00:00Z"));
    assert_eq!(overdue(&anybody(&room, file).await.1), json!(false), "the day itself still counts");
    let sid = moved(&room, &sid, "sid", "2027-01-04T12:00:00Z").await;
    cases::round(&room.app, at("2027-01-04T12:00:00Z")).await.unwrap();
    assert_eq!(overdue(&anybody(&room, file).await.1), json!(true));
    let (_, page) = anybody(&room, "/secretaria/carta-de-servicos").await;
    assert!(page.contains("review overdue") && page.contains("Vistoria de encosta"), "{page}");
    let now = ask(&room, &sid, Method::GET, &path("service-charter", &case, ""), Value::Null).await.1;
    assert_eq!(now["state"], "lapsed", "{now}");
    let past = json!({ "reason": "Revisto", "fields": { "review_on": "2027-01-03" } });
    assert_eq!(act(&room, &sid, "service-charter", &case, ("revise", past)).await.0, StatusCode::CONFLICT);
    let next = json!({ "reason": "Revisto", "fields": { "max_days": 5, "review_on": "2027-12-30" } });
    let after = done(&room, &sid, "service-charter", &case, ("revise", next)).await;
    assert_eq!(due(&after, "service_charter.review"), "2027-12-30", "{after}");
    let (_, text) = anybody(&room, file).await;
    let charter: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(charter["services"][0]["review_overdue"], false);
    assert_eq!(charter["services"][0]["service"]["max_days"], 5, "{charter}");
    assert_eq!(charter["services"][0]["version"], 3, "published, lapsed, reviewed: {charter}");
}
