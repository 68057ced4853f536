//! What nobody outside may learn, and what is sent, told or corrected once too often: at the citizen's door and in modules that publish.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::worker as cases;
use sentinela::secretariat::press::worker as press;
use sentinela::secretariat::segments::worker as segments;
use serde_json::{Value, json};

use super::{act, at, done, moved, open, path};
use crate::approval::Room;
use crate::damage::ask;

/// Somebody without an account sends a form, in this language.
async fn form(room: &Room, path: &str, (language, body): (&str, &str)) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT_LANGUAGE, language)
        .body(Body::from(body.to_owned()));
    room.send(request.unwrap()).await
}

/// Somebody without an account sends JSON.
async fn sent(room: &Room, path: &str, body: Value) -> Value {
    let request = Request::post(format!("/api/v1/secretariat/{path}")).header(header::CONTENT_TYPE, "application/json");
    let (status, text) = room.send(request.body(Body::from(body.to_string())).unwrap()).await;
    assert!(status.is_success(), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// What a page has in an input.
fn value(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let from = page.find(&mark).unwrap_or_else(|| panic!("{name}: {page}")) + mark.len();
    page[from..].split('"').next().unwrap().to_owned()
}

async fn count(room: &Room, sql: &'static str) -> usize {
    room.words(sql).await.len()
}

const CONTRIBUTIONS: &str = "select id::text from case_file where type_key = 'participation.contribution'";

#[tokio::test]
async fn what_a_citizen_calls_a_complaint_reaches_neither_the_list_of_deadlines_nor_the_department() {
    let room = Room::open(&[]).await;
    let (olivia, duty) = (room.person("olivia", Role::Ombudsman).await, room.person("dario", Role::Coordinator).await);
    let body = json!({ "subject": "Joana Prado, do 302, reclama", "text": "Espera", "kind": "complaint", "name": "Joana Prado" });
    sent(&room, "ombudsman/requests", body).await;
    let case = room.words("select id::text from case_file where type_key = 'ombudsman.manifestation'").await.remove(0);
    let case = json!({ "id": case });
    let area = json!({ "fields": { "area_text": "Espera no posto" } });
    done(&room, &olivia, "ombudsman", &case, ("forward", area)).await;
    let titles = room.words("select title from case_file where type_key = 'ombudsman.area'").await;
    assert_eq!(titles, ["Manifestação OUV 2026/001"], "the department reads no name");
    let titles = room.words("select title from deadline order by title").await;
    assert!(!titles.is_empty() && titles.iter().all(|title| !title.contains("Joana")), "{titles:?}");
    let listed = ask(&room, &duty, Method::GET, "deadlines", Value::Null).await.1;
    assert!(!listed.to_string().contains("OUV 2026/001") && !listed.to_string().contains("Joana"), "{listed}");
}

#[tokio::test]
async fn the_deadline_of_a_case_is_extended_by_its_act_which_tells_the_citizen_and_not_by_hand() {
    let room = Room::open(&[]).await;
    let (lia, duty) = (room.person("lia", Role::Sic).await, room.person("dario", Role::Coordinator).await);
    let body = json!({ "subject": "Obras", "text": "Quais?", "email": "Maria@Exemplo.invalid" });
    sent(&room, "sic/requests", body).await;
    let id = room.words("select id::text from deadline where code = 'sic.answer'").await.remove(0);
    let by_hand = json!({ "act": "extend", "reason": "Falta gente" });
    let (status, refused) = ask(&room, &duty, Method::POST, &format!("deadlines/{id}"), by_hand).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{refused}");
    assert_eq!(room.words("select extended::text from deadline").await, ["0"]);
    let case = room.words("select id::text from case_file").await.remove(0);
    done(&room, &lia, "sic", &json!({ "id": case }), ("extend", json!({ "reason": "Falta gente" }))).await;
    let reasons = room.words("select reason from deadline_act").await;
    assert!(
        !reasons.is_empty() && !reasons.concat().contains("Falta gente"),
        "the case's own ledger says why: {reasons:?}"
    );
    let told = room.words("select subject from notice where address = 'maria@exemplo.invalid'").await;
    assert!(
        told.iter().any(|subject| subject == "SIC 2026/001: Prazo prorrogado"),
        "in words of the citizen: {told:?}"
    );
}

#[tokio::test]
async fn a_consultation_with_more_contributions_than_one_look_holds_is_not_closed_over_an_open_one() {
    let room = Room::open(&[]).await;
    let pia = room.person("pia", Role::Participation).await;
    let body = json!({ "type": "participation.consultation", "title": "Plano", "fields": { "kind": "consultation",
        "about": "other", "summary": "Serve?", "opens_on": "2026-02-20", "closes_on": "2026-03-10" } });
    let case = open(&room, &pia, "participation", body).await;
    done(&room, &pia, "participation", &case, ("start", json!({}))).await;
    let door = format!("participation/consultations/{}/contributions", case["id"].as_str().unwrap());
    sent(&room, &door, json!({ "text": "A última" })).await;
    for sql in [
        "insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, fields, department,
             assigned, access, author, source, opened_at, changed_at, words, opened_year)
         select gen_random_uuid(), type_key, type_version, module, series, year, 1000 + n, title, 'accepted', true, fields, department,
             assigned, access, author, source, opened_at, changed_at, words, opened_year
         from case_file cross join generate_series(1, 500) n where type_key = 'participation.contribution'",
        "insert into case_link (from_case, to_case, kind, at, actor)
         select c.id, l.to_case, 'parent', l.at - interval '1 day', 'probe' from case_file c cross join case_link l
         where c.type_key = 'participation.contribution' and c.number > 1000",
    ] {
        sqlx::query(sql).execute(&room.db.pool).await.unwrap();
    }
    let pia = moved(&room, &pia, "pia", "2026-03-11T12:00:00Z").await;
    assert!(cases::round(&room.app, at("2026-03-11T12:00:00Z")).await.unwrap() >= 1);
    let report = json!({ "fields": { "report": "Tudo respondido" } });
    let (status, refused) = act(&room, &pia, "participation", &case, ("answer", report)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("still open"), "{refused}");
}

#[tokio::test]
async fn in_the_quiet_period_a_correction_brings_no_institutional_text_out() {
    let room = Room::open(&[]).await;
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    let mut made = Vec::new();
    for kind in ["institutional", "civil_defense"] {
        let body = json!({ "type": "news.item", "title": kind,
            "fields": { "kind": kind, "lead": "Resumo", "body": "Texto", "tags": "" } });
        let item = open(&room, &ana, "news", body).await;
        done(&room, &bia, "news", &item, ("approve", json!({}))).await;
        done(&room, &ana, "news", &item, ("publish", json!({}))).await;
        made.push(item);
    }
    let ana = moved(&room, &ana, "ana", "2028-07-03T12:00:00Z").await;
    let other = json!({ "reason": "Novo texto", "fields": { "body": "A obra do século" } });
    let (status, refused) = act(&room, &ana, "news", &made[0], ("correct", other.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("art. 73"), "{refused}");
    done(&room, &ana, "news", &made[1], ("correct", other)).await;
    done(&room, &ana, "news", &made[0], ("retire", json!({ "reason": "Estava errada" }))).await;
}

#[tokio::test]
async fn the_same_form_sent_twice_is_one_request_with_one_code() {
    let room = Room::open(&[]).await;
    let page = room.stranger(Method::GET, "/secretaria/ouvidoria").await.1;
    let stamp = value(&page, "stamp");
    let said = |text: &str| format!("stamp={stamp}&kind=complaint&subject=Posto&text={text}&anonymous=yes");
    let send = |text: &'static str| {
        let (room, body) = (&room, said(text));
        async move {
            let (status, page) = form(room, "/secretaria/ouvidoria", ("pt-BR", &body)).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            (value(&page, "number"), value(&page, "code"))
        }
    };
    let (first, again, other) = (send("Espera").await, send("Espera").await, send("Outra+coisa").await);
    assert_eq!(first, again, "a press too many, or the page loaded anew");
    assert!(other.0 != first.0 && other.1 != first.1, "what is said anew is another");
    assert_eq!(count(&room, "select id::text from case_file").await, 2);
    // The next person at the same computer does not see the code of the one before.
    room.app.clock.set(room.app.clock.now() + chrono::TimeDelta::minutes(11));
    let later = send("Espera").await;
    assert!(later.0 != first.0 && later.1 != first.1, "{later:?}");
    let key = format!("number={}&code={}", first.0.replace(' ', "+").replace('/', "%2F"), first.1);
    assert_eq!(form(&room, "/secretaria/protocolo", ("pt-BR", &key)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_contribution_pressed_twice_is_one_and_what_is_wrong_is_said_in_portuguese_at_its_field() {
    let room = Room::open(&[]).await;
    let pia = room.person("pia", Role::Participation).await;
    let body = json!({ "type": "participation.consultation", "title": "Plano", "fields": { "kind": "consultation",
        "about": "other", "summary": "Serve?", "opens_on": "2026-02-20", "closes_on": "2026-03-10" } });
    let case = open(&room, &pia, "participation", body).await;
    done(&room, &pia, "participation", &case, ("start", json!({}))).await;
    let page = format!("/secretaria/participacao/consultas/{}", case["id"].as_str().unwrap());
    let stamp = value(&room.stranger(Method::GET, &page).await.1, "stamp");
    let door = format!("{page}/contribuir");
    let empty = format!("stamp={stamp}&text=+&email=torto");
    let (status, refused) = form(&room, &door, ("pt-BR", &empty)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused.contains("E-mail: preencha ou corrija.") && !refused.contains("expected"), "{refused}");
    assert!(refused.contains("aria-invalid=\"true\" aria-describedby=\"wrong-email\""), "{refused}");
    let whole = format!("stamp={stamp}&text=Rota&email=maria%40exemplo.invalid");
    for _ in 0..2 {
        assert_eq!(form(&room, &door, ("pt-BR", &whole)).await.0, StatusCode::SEE_OTHER);
    }
    let all = room.words(CONTRIBUTIONS).await;
    assert_eq!(all.len(), 1, "one press too many is no second contribution");
    let one = json!({ "id": all[0] });
    done(&room, &pia, "participation", &one, ("accept", json!({ "fields": { "answer": "Sim" } }))).await;
    let mail = room.words("select subject || body from notice where address = 'maria@exemplo.invalid'").await.concat();
    assert!(mail.contains("Acolhida") && mail.contains("/secretaria/participacao/publicacoes/"), "{mail}");
    assert!(!mail.contains("/secretaria/protocolo"), "a contribution has no code: {mail}");
}

#[tokio::test]
async fn an_act_of_a_citizen_that_lacks_something_says_so_in_portuguese() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Sic).await;
    let made = sent(&room, "sic/requests", json!({ "subject": "Obras", "text": "Quais?" })).await;
    let case = room.words("select id::text from case_file").await.remove(0);
    let asked = json!({ "fields": { "complement_asked": "De que ano?" } });
    done(&room, &lia, "sic", &json!({ "id": case }), ("ask_complement", asked)).await;
    let number = made["number"].as_str().unwrap().replace(' ', "+").replace('/', "%2F");
    let body = format!("number={number}&code={}&f.complement=", made["code"].as_str().unwrap());
    let (status, page) = form(&room, "/secretaria/protocolo/complement", ("pt-BR", &body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("Complemento: preencha ou corrija.") && !page.contains("expected"), "{page}");
    assert!(page.contains("aria-describedby=\"help-complement-complement\""), "{page}");
    for _ in 0..2 {
        let (status, page) = form(&room, "/secretaria/protocolo/complement", ("pt-BR", &format!("{body}2026"))).await;
        assert_eq!(status, StatusCode::OK, "{page}");
    }
    assert_eq!(
        count(&room, "select act from case_act where act = 'complement'").await,
        1,
        "a press too many is no act"
    );
}

#[tokio::test]
async fn of_a_restricted_case_the_mayors_view_does_not_tell_with_whom_it_is() {
    let room = Room::open(&[]).await;
    let dora = room.person("dora", Role::Relations).await;
    let body = json!({ "subject": "Creche", "text": "Espera", "kind": "complaint", "anonymous": true });
    sent(&room, "ombudsman/requests", body).await;
    sqlx::query("update case_file set department = 'Educação', assigned = 'rita'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    let dora = moved(&room, &dora, "dora", "2026-06-01T12:00:00Z").await;
    let seen = ask(&room, &dora, Method::GET, "secretariat/mayor", Value::Null).await.1;
    let one = &seen["late"][0];
    assert_eq!((&one["number"], &one["title"]), (&json!("OUV 2026/001"), &json!("")), "{seen}");
    assert_eq!((&one["department"], &one["assigned"]), (&json!(""), &json!("")), "{seen}");
    let page = room.page(&dora, "/secretaria/painel/prefeito").await;
    assert!(page.contains("OUV 2026/001") && !page.contains("Educação") && !page.contains("Creche"), "{page}");
}

#[tokio::test]
async fn somebody_else_changes_neither_the_language_nor_the_subjects_of_a_mailbox() {
    let room = Room::open(&[]).await;
    let door = "/secretaria/segmentos/assinar";
    let ask = |language: &'static str, body: &'static str| form(&room, door, (language, body));
    assert_eq!(ask("pt-BR", "email=maria%40exemplo.invalid&tag=chuva").await.0, StatusCode::OK);
    let link = |body: &str| {
        let line = body.lines().find(|line| line.contains("/confirmar/")).unwrap().to_owned();
        line[line.find("/secretaria/").unwrap()..].trim().to_owned()
    };
    let mails = room.words("select body from notice order by created_at, id").await;
    assert!(mails[0].contains("Chuvas e encostas"), "{mails:?}");
    let first = link(&mails[0]);
    let (_, page) = room.stranger(Method::GET, &first).await;
    assert!(page.contains("Rain and slopes"), "what would begin is shown: {page}");
    assert_eq!(form(&room, &first, ("pt-BR", "")).await.0, StatusCode::OK);

    room.app.clock.set(room.app.clock.now() + chrono::TimeDelta::minutes(2));
    assert_eq!(ask("en", "email=MARIA%40Exemplo.invalid&tag=obras").await.0, StatusCode::OK);
    let kept = room.words("select concat_ws(' ', email, language, tags::text) from segment_subscription").await;
    assert_eq!(kept, ["maria@exemplo.invalid pt-BR {chuva}"], "one mailbox, as its owner confirmed it");
    assert_eq!(room.words("select distinct address from notice").await, ["maria@exemplo.invalid"]);
    let (_, page) = room.stranger(Method::GET, &first).await;
    assert!(!page.contains("<form method=\"post\" action=\"/secretaria/segmentos/confirmar"), "an older link: {page}");
}

#[tokio::test]
async fn a_digest_says_how_much_it_leaves_out() {
    let room = Room::open(&[]).await;
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    assert_eq!(
        form(&room, "/secretaria/segmentos/assinar", ("pt-BR", "email=maria%40exemplo.invalid&tag=chuva")).await.0,
        StatusCode::OK
    );
    let now = room.app.clock.now();
    sqlx::query("update segment_subscription set tags = wanted, confirmed_at = $1, looked_at = $1")
        .bind(now)
        .execute(&room.db.pool)
        .await
        .unwrap();
    room.app.clock.set(now + chrono::TimeDelta::minutes(1));
    for n in 0..32 {
        let body = json!({ "type": "news.item", "title": format!("Aviso {n:02}"),
            "fields": { "kind": "civil_defense", "lead": "Resumo", "body": "Texto", "tags": "chuva" } });
        let item = open(&room, &ana, "news", body).await;
        done(&room, &bia, "news", &item, ("approve", json!({}))).await;
        room.app.clock.set(now + chrono::TimeDelta::minutes(2 + n));
        done(&room, &ana, "news", &item, ("publish", json!({}))).await;
    }
    let morning = (now + chrono::TimeDelta::days(1)).date_naive().and_hms_opt(15, 0, 0).unwrap().and_utc();
    room.app.clock.set(morning);
    assert_eq!(segments::round(&room.app, morning).await.unwrap(), 1);
    let digest = room.words("select body from notice where purpose = 'segment_digest'").await.concat();
    assert!(digest.contains("Aviso 31") && digest.contains("Aviso 02") && !digest.contains("Aviso 01"), "{digest}");
    assert!(digest.contains("E mais 2 publicações"), "{digest}");
    let leave = digest.trim_end().lines().next_back().unwrap();
    let leave = &leave[leave.find("/secretaria/segmentos/sair/").unwrap_or_else(|| panic!("{digest}"))..];
    assert_eq!(form(&room, leave, ("pt-BR", "List-Unsubscribe=One-Click")).await.0, StatusCode::OK);
    assert_eq!(count(&room, "select address from notice where address like 'maria%'").await, 0, "forgotten everywhere");
    assert_eq!(count(&room, "select id::text from segment_subscription where email is not null").await, 0);
}

#[tokio::test]
async fn every_delivery_of_a_release_can_be_read_although_all_have_one_instant() {
    let room = Room::open(&[]).await;
    let (paula, pedro) = (room.person("paula", Role::Press).await, room.person("pedro", Role::Press).await);
    let dora = room.person("dora", Role::Relations).await;
    sqlx::query(
        "insert into press_outlet (id, name, email, added_at, added_by)
         select gen_random_uuid(), 'Veículo ' || n, 'v' || n || '@exemplo.invalid', now(), 'probe' from generate_series(1, 101) n",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let body = json!({ "type": "press.release", "title": "Abrigos", "assigned": "dora",
        "fields": { "kind": "answer", "lead": "Resumo", "body": "Dez famílias" } });
    let case = open(&room, &paula, "press", body).await;
    done(&room, &dora, "press", &case, ("check", json!({ "fields": { "fact_note": "Conferido" } }))).await;
    done(&room, &pedro, "press", &case, ("approve", json!({}))).await;
    done(&room, &pedro, "press", &case, ("distribute", json!({}))).await;
    assert_eq!(press::round(&room.app, room.app.clock.now()).await.unwrap(), 101);
    let page = ask(&room, &paula, Method::GET, "secretariat/press/deliveries", Value::Null).await.1;
    let all = page.as_array().unwrap();
    assert_eq!(all.len(), 100);
    let last = &all[99];
    let word = |key: &str| last[key].as_str().unwrap().replace('+', "%2B");
    let next = format!(
        "secretariat/press/deliveries?before={}&before_publication={}&before_outlet={}",
        word("at"),
        word("publication_id"),
        word("outlet_id")
    );
    let rest = ask(&room, &paula, Method::GET, &next, Value::Null).await.1;
    assert_eq!(rest.as_array().unwrap().len(), 1, "{rest}");
    assert!(!all.contains(&rest[0]), "{rest}");
    let half = format!("secretariat/press/deliveries?before={}", word("at"));
    assert_eq!(ask(&room, &paula, Method::GET, &half, Value::Null).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_consultation_is_not_prolonged_to_before_it_opens() {
    let room = Room::open(&[]).await;
    let pia = room.person("pia", Role::Participation).await;
    let body = json!({ "type": "participation.consultation", "title": "Plano", "fields": { "kind": "consultation",
        "about": "other", "summary": "Serve?", "opens_on": "2026-03-20", "closes_on": "2026-04-10" } });
    let case = open(&room, &pia, "participation", body).await;
    done(&room, &pia, "participation", &case, ("start", json!({}))).await;
    let early = json!({ "reason": "Engano", "fields": { "closes_on": "2026-03-10" } });
    let (status, refused) = act(&room, &pia, "participation", &case, ("prolong", early)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let now = ask(&room, &pia, Method::GET, &path("participation", &case, ""), Value::Null).await.1;
    assert_eq!(now["fields"]["closes_on"], "2026-04-10", "{now}");
}

#[tokio::test]
async fn to_prolong_a_consultation_never_shortens_it() {
    let room = Room::open(&[]).await;
    let pia = room.person("pia", Role::Participation).await;
    let body = json!({ "type": "participation.consultation", "title": "Plano", "fields": { "kind": "consultation",
        "about": "other", "summary": "Serve?", "opens_on": "2026-02-20", "closes_on": "2026-04-10" } });
    let case = open(&room, &pia, "participation", body).await;
    done(&room, &pia, "participation", &case, ("start", json!({}))).await;
    let until = |day: &str| json!({ "reason": "Pedido das associações", "fields": { "closes_on": day } });
    for day in ["2026-04-09", "2026-04-10"] {
        let (status, refused) = act(&room, &pia, "participation", &case, ("prolong", until(day))).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("guard-not-later")), "{day}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains("participation.period"), "{refused}");
    }
    let after = done(&room, &pia, "participation", &case, ("prolong", until("2026-04-11"))).await;
    assert_eq!(after["fields"]["closes_on"], "2026-04-11", "{after}");
}
