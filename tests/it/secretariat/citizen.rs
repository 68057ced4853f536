//! Access to information and the ombudsman, from the door to the yearly report, by people without an account and by staff.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::worker;
use serde_json::{Value, json};

use super::{act, at, done, due, moved, path};
use crate::approval::Room;
use crate::damage::ask;

/// Somebody without an account sends JSON.
async fn stranger(room: &Room, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(format!("/api/v1/secretariat/{path}")).header(header::CONTENT_TYPE, "application/json");
    let (status, text) = room.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Somebody without an account sends a form.
async fn form(room: &Room, path: &str, body: String) -> (StatusCode, String) {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    room.send(request.body(Body::from(body)).unwrap()).await
}

/// The number and the code that a page shows once.
fn receipt(page: &str) -> (String, String) {
    let value = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        let from = page.find(&mark).unwrap_or_else(|| panic!("{name}: {page}")) + mark.len();
        page[from..].split('"').next().unwrap().to_owned()
    };
    (value("number"), value("code"))
}

fn key(of: &(String, String)) -> Value {
    json!({ "number": of.0, "code": of.1 })
}

fn form_key(of: &(String, String)) -> String {
    format!("number={}&code={}", of.0.replace(' ', "+").replace('/', "%2F"), of.1)
}

/// The case of a number, as staff read it.
async fn found(room: &Room, by: &crate::approval::Person, module: &str, number: &str) -> Value {
    let all = ask(room, by, Method::GET, &format!("secretariat/{module}/cases"), Value::Null).await.1;
    let one = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["numbered"] == number || one["case"]["numbered"] == number);
    let id = match one {
        Some(one) => one["id"].as_str().or(one["case"]["id"].as_str()).unwrap().to_owned(),
        None => room.words("select id::text from case_file order by id limit 1").await.remove(0),
    };
    ask(room, by, Method::GET, &format!("secretariat/{module}/cases/{id}"), Value::Null).await.1
}

#[tokio::test]
async fn a_request_for_information_goes_over_corpus_christi_to_a_denial_and_an_appeal() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Sic).await;
    let lia = moved(&room, &lia, "lia", "2026-05-15T12:00:00Z").await;
    let empty = room.stranger(Method::GET, "/secretaria/acesso-a-informacao").await;
    assert_eq!(empty.0, StatusCode::OK);
    assert!(!empty.1.contains("name=\"reason\"") && !empty.1.contains("name=\"cpf\""), "the motive is never asked");
    let (status, refused) = form(&room, "/secretaria/acesso-a-informacao", "subject=&text=Quanto".into()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused.contains(">Quanto</textarea>"), "what was typed stays: {refused}");
    let body =
        "subject=Gastos&text=Quanto+se+gastou+com+bueiros%3F&format=digital&name=Maria&email=maria%40exemplo.invalid";
    let (status, page) = form(&room, "/secretaria/acesso-a-informacao", body.into()).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let code = receipt(&page);
    assert_eq!(code.0, "SIC 2026/001");
    let case = found(&room, &lia, "sic", &code.0).await;
    // By hand: 16 to 31 May are sixteen days, 1 to 4 June four; 4 June is Corpus Christi, so it is due on the 5th.
    assert_eq!(due(&case, "sic.answer"), "2026-06-05", "{case}");
    let mail = room.words("select body from notice where address = 'maria@exemplo.invalid' order by id limit 1").await;
    assert!(mail[0].contains("SIC 2026/001") && !mail[0].contains(&code.1), "{mail:?}");

    let (status, _) = act(&room, &lia, "sic", &case, ("extend", json!({}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "an extension says why");
    let lia = moved(&room, &lia, "lia", "2026-06-01T12:00:00Z").await;
    let why = json!({ "reason": "Os dados estão em três secretarias" });
    let after = done(&room, &lia, "sic", &case, ("extend", why.clone())).await;
    // Thirty days end on Sunday, 14 June.
    assert_eq!(due(&after, "sic.answer"), "2026-06-15", "{after}");
    let mail =
        room.words("select body from notice where address = 'maria@exemplo.invalid' order by id desc limit 1").await;
    assert!(mail[0].contains("três secretarias"), "the reason is told: {mail:?}");
    let (status, second) = act(&room, &lia, "sic", &case, ("extend", why)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{second}");
    assert!(second["detail"].as_str().unwrap().contains("art. 11"), "{second}");

    let lia = moved(&room, &lia, "lia", "2026-06-15T18:00:00Z").await;
    let bare = json!({ "fields": { "outcome": "denied", "answer": "Não é possível" } });
    let (status, refused) = act(&room, &lia, "sic", &case, ("answer", bare)).await;
    assert_eq!(status, StatusCode::CONFLICT, "a denial has its ground: {refused}");
    assert!(refused["detail"].as_str().unwrap().contains("art. 14"), "{refused}");
    let denied =
        json!({ "fields": { "outcome": "denied", "ground": "preparatory", "answer": "O estudo não terminou" } });
    let after = done(&room, &lia, "sic", &case, ("answer", denied)).await;
    assert_eq!(due(&after, "sic.appeal"), "2026-06-25", "{after}");

    let (status, shown) = stranger(&room, "protocol", key(&code)).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["possible"], json!(["appeal", "rate"]), "{shown}");
    let told = shown.to_string();
    assert!(
        told.contains("O estudo não terminou") && !told.contains("Maria") && !told.contains("exemplo.invalid"),
        "{told}"
    );
    room.app.clock.set(at("2026-06-25T20:00:00Z"));
    let (status, page) =
        form(&room, "/secretaria/protocolo/appeal", format!("{}&f.appeal=O+estudo+foi+publicado", form_key(&code)))
            .await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let lia = moved(&room, &lia, "lia", "2026-06-26T12:00:00Z").await;
    let mayor = ask(&room, &lia, Method::GET, "secretariat/mayor", Value::Null).await.1;
    assert_eq!(mayor["awaiting"][0]["number"], "SIC 2026/001", "{mayor}");
    let decision = json!({ "fields": { "appeal_outcome": "granted", "appeal_decision": "Entregue-se o estudo" } });
    let (status, same) = act(&room, &lia, "sic", &case, ("decide_appeal", decision.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "whoever denied does not decide: {same}");
    let rui = room.person("rui", Role::Sic).await;
    let after = done(&room, &rui, "sic", &case, ("decide_appeal", decision)).await;
    assert_eq!((&after["state"], &after["is_final"]), (&json!("decided"), &json!(true)), "{after}");
    let mut rating = key(&code);
    rating["fields"] = json!({ "rating": "5" });
    assert_eq!(stranger(&room, "protocol/rate", rating).await.0, StatusCode::OK);
}

#[tokio::test]
async fn silence_over_the_turn_of_the_year_is_late_cannot_be_extended_and_may_be_appealed() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Sic).await;
    let lia = moved(&room, &lia, "lia", "2026-12-12T12:00:00Z").await;
    let body = json!({ "subject": "Obras", "text": "Quais obras param em janeiro?" });
    let (status, made) = stranger(&room, "sic/requests", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let code = (made["number"].as_str().unwrap().to_owned(), made["code"].as_str().unwrap().to_owned());
    let case = found(&room, &lia, "sic", &code.0).await;
    // The twentieth day is 1 January, a holiday and a Friday.
    assert_eq!(due(&case, "sic.answer"), "2027-01-04", "{case}");
    let mut appeal = key(&code);
    appeal["fields"] = json!({ "appeal": "Ninguém respondeu" });
    let (status, early) = stranger(&room, "protocol/appeal_silence", appeal.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{early}");
    let lia = moved(&room, &lia, "lia", "2027-01-06T12:00:00Z").await;
    let late = json!({ "reason": "Faltou tempo" });
    let (status, refused) = act(&room, &lia, "sic", &case, ("extend", late)).await;
    assert_eq!(status, StatusCode::CONFLICT, "only before it runs out: {refused}");
    assert!(refused["detail"].as_str().unwrap().contains("12.527"), "{refused}");
    let page = room.page(&lia, "/secretaria/painel/prefeito").await;
    assert!(page.contains("SIC 2026/001") && page.contains("late by 1 days"), "{page}");
    let (status, appealed) = stranger(&room, "protocol/appeal_silence", appeal).await;
    assert_eq!(status, StatusCode::OK, "{appealed}");
    assert_eq!(appealed["state"], "appealed", "{appealed}");
    let yearly = ask(&room, &lia, Method::GET, "secretariat/sic/yearly?year=2026", Value::Null).await.1;
    assert_eq!((&yearly["received"], &yearly["answered"]), (&json!(1), &json!(0)), "{yearly}");
    let (status, public) = room.stranger(Method::GET, "/api/v1/secretariat/sic/yearly/public?year=2026").await;
    assert_eq!(status, StatusCode::OK);
    let public: Value = serde_json::from_str(&public).unwrap();
    assert_eq!(public["received"], Value::Null, "one person is recognised: {public}");
    let (status, csv) = room.stranger(Method::GET, "/api/v1/secretariat/sic/yearly/public?year=2026&format=csv").await;
    assert!(status == StatusCode::OK && csv.contains("2026,month,12,,\n"), "{csv}");
    let (status, _) = room.stranger(Method::GET, "/api/v1/secretariat/sic/yearly/public?year=2027").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the year is not over");
}

#[tokio::test]
async fn a_complaint_over_carnival_is_complemented_goes_to_the_area_without_a_name_and_is_rated() {
    let room = Room::open(&[]).await;
    let olivia = room.person("olivia", Role::Ombudsman).await;
    let olivia = moved(&room, &olivia, "olivia", "2027-01-09T12:00:00Z").await;
    let body = "kind=complaint&subject=Posto&text=Fiquei+tr%C3%AAs+horas+esperando&name=Joana+Prado&email=joana%40exemplo.invalid";
    let (status, page) = form(&room, "/secretaria/ouvidoria", body.into()).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let code = receipt(&page);
    let case = found(&room, &olivia, "ombudsman", &code.0).await;
    // The thirtieth day is Monday of Carnival: Tuesday is Carnival too, so Wednesday.
    assert_eq!(due(&case, "ombudsman.answer"), "2027-02-10", "{case}");
    assert!(!case.to_string().contains("Joana") && !case.to_string().contains("exemplo"), "{case}");
    let kept = room
        .words(
            "select fields::text || words from case_file union all select encode(sealed, 'escape') from vault_record",
        )
        .await;
    assert!(kept.len() >= 2 && !kept.concat().contains("Joana"), "{kept:?}");

    let olivia = moved(&room, &olivia, "olivia", "2027-01-20T12:00:00Z").await;
    let asked = json!({ "fields": { "complement_asked": "Em qual posto?" } });
    let after = done(&room, &olivia, "ombudsman", &case, ("ask_complement", asked)).await;
    assert_eq!(due(&after, "ombudsman.complement"), "2027-02-10", "{after}");
    room.app.clock.set(at("2027-02-01T12:00:00Z"));
    let mut told = key(&code);
    told["fields"] = json!({ "complement": "No do centro" });
    let (status, told) = stranger(&room, "protocol/complement", told).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    // Begun anew on 1 February: 2 to 28 are twenty-seven days, and three of March.
    assert_eq!(told["deadlines"][0]["due_on"], "2027-03-03", "{told}");

    let olivia = moved(&room, &olivia, "olivia", "2027-02-02T12:00:00Z").await;
    let area = json!({ "fields": { "area_text": "Espera de três horas no posto do centro", "theme": "health" } });
    done(&room, &olivia, "ombudsman", &case, ("forward", area)).await;
    let child = room.words("select id::text from case_file where type_key = 'ombudsman.area'").await.remove(0);
    let child = ask(&room, &olivia, Method::GET, &format!("secretariat/ombudsman/cases/{child}"), Value::Null).await.1;
    assert_eq!(due(&child, "ombudsman.area"), "2027-02-22", "{child}");
    assert_eq!(child["fields"], json!({ "account": "Espera de três horas no posto do centro" }), "{child}");
    done(&room, &olivia, "ombudsman", &child, ("extend", json!({ "reason": "Falta a escala" }))).await;
    let (status, twice) =
        act(&room, &olivia, "ombudsman", &child, ("extend", json!({ "reason": "Ainda falta" }))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{twice}");
    assert!(twice["detail"].as_str().unwrap().contains("art. 16"), "{twice}");

    let secret = path("ombudsman", &case, "/identity");
    let (status, _) = ask(&room, &olivia, Method::POST, &secret, json!({ "reason": "ver" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "without a reason the vault stays shut");
    let why = json!({ "reason": "A pessoa pediu contato por telefone" });
    let (status, who) = ask(&room, &olivia, Method::POST, &secret, why.clone()).await;
    assert_eq!((status, &who["name"]), (StatusCode::OK, &json!("Joana Prado")), "{who}");
    let eva = room.person("eva", Role::Ethics).await;
    assert_ne!(ask(&room, &eva, Method::POST, &secret, why).await.0, StatusCode::OK, "ethics has its own cases");
    let opened = room.words("select actor from audit_event where act = 'vault.open' and reason like 'A pessoa%'").await;
    assert_eq!(opened, ["olivia"]);

    let answer = json!({ "fields": { "outcome": "accepted", "answer": "O posto tem agora dois guichês" } });
    done(&room, &olivia, "ombudsman", &case, ("answer", answer)).await;
    let (status, page) = form(&room, "/secretaria/protocolo", form_key(&code)).await;
    assert!(status == StatusCode::OK && page.contains("dois guichês"), "{page}");
    assert!(!page.contains("Joana"), "{page}");
    let rated = form(&room, "/secretaria/protocolo/rate", format!("{}&f.rating=4", form_key(&code))).await;
    assert_eq!(rated.0, StatusCode::OK, "{}", rated.1);
    let yearly = room.page(&olivia, "/secretaria/painel/ouvidoria/anual?ano=2027").await;
    assert!(yearly.contains("Reclamação") && yearly.contains("4 – boa"), "{yearly}");
}

#[tokio::test]
async fn a_complement_that_does_not_come_files_the_case() {
    let room = Room::open(&[]).await;
    let olivia = room.person("olivia", Role::Ombudsman).await;
    let olivia = moved(&room, &olivia, "olivia", "2026-08-03T12:00:00Z").await;
    let body = json!({ "subject": "Ponte", "text": "A ponte balança", "kind": "report", "anonymous": true });
    let (status, made) = stranger(&room, "ombudsman/requests", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let kind = made["case"]["fields"].as_array().unwrap().iter().find(|one| one["key"] == "kind").unwrap();
    assert_eq!(kind["value"], "communication", "whoever stays anonymous makes a communication: {made}");
    assert_eq!(room.words("select id::text from vault_record").await.len(), 0, "nothing of the person is kept");
    let case = found(&room, &olivia, "ombudsman", made["number"].as_str().unwrap()).await;
    done(
        &room,
        &olivia,
        "ombudsman",
        &case,
        ("ask_complement", json!({ "fields": { "complement_asked": "Qual ponte?" } })),
    )
    .await;
    room.app.clock.set(at("2026-08-25T12:00:00Z"));
    assert_eq!(worker::round(&room.app, room.app.clock.now()).await.unwrap(), 1);
    let key = json!({ "number": made["number"], "code": made["code"] });
    let (_, shown) = stranger(&room, "protocol", key).await;
    assert_eq!((&shown["state"], &shown["possible"]), (&json!("filed"), &json!([])), "{shown}");
}

#[tokio::test]
async fn what_nobody_signed_stays_a_communication_and_what_somebody_signed_is_none() {
    let room = Room::open(&[]).await;
    let olivia = room.person("olivia", Role::Ombudsman).await;
    let body = json!({ "subject": "Ponte", "text": "A ponte balança", "kind": "report", "anonymous": true });
    let (_, made) = stranger(&room, "ombudsman/requests", body).await;
    let case = found(&room, &olivia, "ombudsman", made["number"].as_str().unwrap()).await;
    let to = |kind: &str| json!({ "reason": "Outro tipo", "fields": { "kind": kind, "theme": "works" } });
    for kind in ["report", "complaint", "suggestion"] {
        let (status, refused) = act(&room, &olivia, "ombudsman", &case, ("requalify", to(kind))).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("guard-stays")), "{kind}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains("10.153"), "the law is cited: {refused}");
    }
    let after = done(&room, &olivia, "ombudsman", &case, ("requalify", to("communication"))).await;
    assert_eq!(after["fields"]["theme"], "works", "what else is corrected is: {after}");
    let body = json!({ "subject": "Praça", "text": "Plantem ipês", "kind": "suggestion", "anonymous": true });
    let (_, made) = stranger(&room, "ombudsman/requests", body).await;
    let case = found(&room, &olivia, "ombudsman", made["number"].as_str().unwrap()).await;
    let (status, refused) = act(&room, &olivia, "ombudsman", &case, ("requalify", to("report"))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("guard-value-when")), "{refused}");
    done(&room, &olivia, "ombudsman", &case, ("requalify", to("communication"))).await;
    let body = json!({ "subject": "Posto", "text": "Esperei", "kind": "complaint", "name": "Joana Prado" });
    let (_, made) = stranger(&room, "ombudsman/requests", body).await;
    let case = found(&room, &olivia, "ombudsman", made["number"].as_str().unwrap()).await;
    let (status, refused) = act(&room, &olivia, "ombudsman", &case, ("requalify", to("communication"))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("guard-value-when")), "{refused}");
    done(&room, &olivia, "ombudsman", &case, ("requalify", to("report"))).await;
}

#[tokio::test]
async fn nothing_tells_whether_a_number_exists_and_a_citizen_does_only_what_is_theirs() {
    let room = Room::open(&[]).await;
    let body = json!({ "subject": "Escolas", "text": "Quantas vagas há?" });
    let (_, made) = stranger(&room, "sic/requests", body.clone()).await;
    let (_, other) = stranger(&room, "sic/requests", body).await;
    let (number, code) = (made["number"].as_str().unwrap(), made["code"].as_str().unwrap());
    assert_ne!(other["code"], made["code"]);
    let answers = [
        (number, "0000-0000-0000-0000"),
        ("SIC 2026/999", code),
        (number, other["code"].as_str().unwrap()),
        ("SIC 2026/999", "0000-0000-0000-0000"),
        (number, "curto"),
    ];
    let mut told = Vec::new();
    for (number, code) in answers {
        let (status, answer) = stranger(&room, "protocol", json!({ "number": number, "code": code })).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        told.push(answer["detail"].clone());
        let (status, page) = form(&room, "/secretaria/protocolo", form_key(&(number.into(), code.into()))).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{page}");
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    let hashes = room.words("select encode(code_hash, 'escape') from case_file").await;
    assert!(hashes.iter().all(|hash| !hash.contains(code)), "the code is kept nowhere");
    let mut theirs = json!({ "number": number, "code": code, "fields": { "outcome": "granted", "answer": "x" } });
    let (status, refused) = stranger(&room, "protocol/answer", theirs.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    theirs["fields"] = json!({});
    let (status, gone) = stranger(&room, "protocol/desist", theirs).await;
    assert_eq!((status, &gone["state"]), (StatusCode::OK, &json!("withdrawn")), "{gone}");
}

#[tokio::test]
async fn the_door_links_only_to_what_answers() {
    let room = Room::open(&[]).await;
    let (status, page) = room.stranger(Method::GET, "/secretaria").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let links: Vec<&str> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with("/secretaria/"))
        .collect();
    assert!(links.len() > 4 && links.contains(&"/secretaria/ouvidoria"), "{links:?}");
    for link in links {
        let (status, _) = room.stranger(Method::GET, link).await;
        assert_eq!(status, StatusCode::OK, "{link}");
    }
}

/// A file of a module, as whoever works there takes it out.
async fn taken_out(room: &Room, by: &crate::approval::Person, module: &str) -> String {
    let request = Request::get(format!("/api/v1/secretariat/{module}/export"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    let (status, body) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn what_a_citizen_writes_is_read_in_its_case_and_found_nowhere_else() {
    let room = Room::open(&[]).await;
    let (lia, olivia) = (room.person("lia", Role::Sic).await, room.person("olivia", Role::Ombudsman).await);
    let (luan, paula) = (room.person("luan", Role::Sic).await, room.person("paula", Role::Press).await);
    let asked = json!({ "subject": "Gastos com poda", "text": "Moro no sobrado verde: quanto custou?" });
    let (_, asked) = stranger(&room, "sic/requests", asked).await;
    let told = json!({ "subject": "Fiscal ornitorrinco", "text": "Pediu dinheiro no mercado", "kind": "report",
        "place": "Banca dezessete", "name": "Joana Prado" });
    let (_, told) = stranger(&room, "ombudsman/requests", told).await;
    let sic = found(&room, &lia, "sic", asked["number"].as_str().unwrap()).await;
    let report = found(&room, &olivia, "ombudsman", told["number"].as_str().unwrap()).await;
    assert_eq!(
        sic["fields"]["request"], "Moro no sobrado verde: quanto custou?",
        "whoever works there reads it: {sic}"
    );
    assert_eq!(
        (&report["title"], &report["fields"]["place"]),
        (&json!("Fiscal ornitorrinco"), &json!("Banca dezessete"))
    );

    let hits = async |by: &crate::approval::Person, module: &str, word: &str| {
        let list = format!("secretariat/{module}/cases?q={word}");
        ask(&room, by, Method::GET, &list, Value::Null).await.1["items"].as_array().unwrap().len()
    };
    for word in ["sobrado", "ornitorrinco", "mercado", "dezessete"] {
        assert_eq!((hits(&lia, "sic", word).await, hits(&olivia, "ombudsman", word).await), (0, 0), "{word}");
    }
    assert_eq!(
        (hits(&lia, "sic", "poda").await, hits(&luan, "sic", "poda").await),
        (1, 1),
        "the subject of a request is"
    );
    assert_eq!((hits(&paula, "sic", "poda").await, hits(&olivia, "sic", "poda").await), (0, 0), "only by who reads it");
    assert_eq!(hits(&olivia, "ombudsman", "report").await, 1, "the kind is searched");
    let revision = sic["revision"].clone();
    let recused = json!({ "revision": revision, "username": "luan", "reason": "É irmão de quem pediu" });
    let (status, refused) = ask(&room, &lia, Method::POST, &path("sic", &sic, "/recusals"), recused).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    assert_eq!((hits(&lia, "sic", "poda").await, hits(&luan, "sic", "poda").await), (1, 0), "nor by who is recused");

    let ledger =
        room.words("select a::text from case_act a union all select e::text from audit_event e").await.concat();
    for word in ["sobrado", "ornitorrinco", "mercado", "dezessete", "Joana"] {
        assert!(!ledger.contains(word), "{word}: {ledger}");
    }
    let file = taken_out(&room, &olivia, "ombudsman").await;
    for word in ["ornitorrinco", "mercado", "dezessete"] {
        assert!(!file.contains(word), "{word}: {file}");
    }
    assert!(file.contains("Manifestação OUV 2026/001"), "{file}");
    let elsewhere = Room::open(&[]).await;
    let otto = elsewhere.person("otto", Role::Ombudsman).await;
    for (room, by, counts) in [
        (&elsewhere, &otto, r#"{"added":1,"unchanged":0}"#),
        (&elsewhere, &otto, r#"{"added":0,"unchanged":1}"#),
        (&room, &olivia, r#"{"added":0,"unchanged":1}"#),
    ] {
        let request = Request::post("/api/v1/secretariat/ombudsman/import")
            .header(header::AUTHORIZATION, &by.token)
            .header(header::CONTENT_TYPE, "application/jsonl")
            .body(Body::from(file.clone()));
        assert_eq!(room.send(request.unwrap()).await, (StatusCode::OK, counts.to_owned()));
    }
    assert_eq!(taken_out(&elsewhere, &otto, "ombudsman").await, file);
    let kept = room.words("select fields ->> 'text' from case_file where type_key = 'ombudsman.manifestation'").await;
    assert_eq!(kept, ["Pediu dinheiro no mercado"], "what is here stays");
}
