//! What an ethics council does where recusals leave it short, and what of it leaves the house: files, letters, publications, other addresses.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::ethics::Council;
use super::{open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// A procedure with a proposal before the council.
async fn put(council: &Council) -> Value {
    let case = council.procedure("Presente recebido").await;
    council.done("enzo", &case, ("admit", json!({ "fields": { "admissibility": "Há indícios" } }))).await;
    let proposal = json!({ "fields": { "proposal": "filed", "proposal_text": "Por isto" } });
    council.done("enzo", &case, ("propose_early", proposal)).await;
    case
}

async fn recused(council: &Council, case: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(council.recuse("enzo", case, name, "Parente da parte").await.0, StatusCode::NO_CONTENT, "{name}");
    }
}

async fn voting(council: &Council, case: &Value) -> Value {
    council.ask("enzo", Method::GET, &path("ethics", case, "/votes"), Value::Null).await.1
}

async fn way_out(council: &Council, by: &str, case: &Value, (what, mut body): (&str, Value)) -> (StatusCode, Value) {
    body["revision"] = council.now(case).await["revision"].clone();
    council.ask(by, Method::POST, &path("ethics", case, &format!("/votes/{what}")), body).await
}

fn accounts(voting: &Value) -> Vec<&str> {
    voting["voters"].as_array().unwrap().iter().map(|one| one["account"].as_str().unwrap()).collect()
}

async fn file(room: &Room, by: &Person, format: &str) -> String {
    let request = Request::get(format!("/api/v1/secretariat/ethics/export?format={format}"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    let (status, text) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    text
}

async fn taken(room: &Room, by: &Person, kind: &str, text: &str) -> (StatusCode, String) {
    let request = Request::post("/api/v1/secretariat/ethics/import")
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(text.to_owned()));
    room.send(request.unwrap()).await
}

#[tokio::test]
async fn members_are_called_for_one_case_where_recusals_left_no_quorum_and_their_votes_go_with_the_export() {
    let mut council = Council::open("2026-08-03T13:00:00Z").await;
    let ines = council.room.person("ines", Role::Ethics).await;
    council.people.insert("ines", ines);
    council.room.person("pedro", Role::Press).await;
    let called = council.made("/persons", json!({ "name": "Inês Corregedora", "account": "ines" })).await;
    let outsider = council.made("/persons", json!({ "name": "Pedro Imprensa", "account": "pedro" })).await;
    let case = put(&council).await;
    let told = json!({ "name": "Joana Prado", "email": "joana@exemplo.invalid" });
    let reporter = path("ethics", &case, "/reporter");
    assert_eq!(council.ask("enzo", Method::POST, &reporter, told).await.0, StatusCode::NO_CONTENT);
    let first = voting(&council, &case).await["voters"][0]["seat_id"].clone();
    let designation = |seat: &Value, person: &str| json!({ "seat_id": seat, "person_id": person, "act": "Portaria 12/2026", "reason": "Titular e suplente impedidos" });
    let (status, early) = way_out(&council, "clara", &case, ("designate", designation(&first, &called))).await;
    assert_eq!((status, &early["code"]), (StatusCode::CONFLICT, &json!("ethics-quorum-in-reach")), "{early}");

    recused(&council, &case, &["clara", "helio", "davi", "elisa"]).await;
    let short = voting(&council, &case).await;
    assert_eq!((accounts(&short), &short["within_reach"]), (vec!["fabio", "gisele"], &json!(2)), "{short}");
    let held = short["voters"][0]["seat_id"].clone();
    let (status, refused) = way_out(&council, "fabio", &case, ("designate", designation(&held, &called))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("ethics-seat-held")), "{refused}");
    let member = short["voters"][0]["person_id"].as_str().unwrap();
    for unfit in [outsider.as_str(), member] {
        let (status, refused) = way_out(&council, "fabio", &case, ("designate", designation(&first, unfit))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    }
    let page = format!("/secretaria/painel/etica/casos/{}/conselho", case["id"].as_str().unwrap());
    let desk = council.room.page(council.who("enzo"), &page).await;
    let acts = ["/designar", "/devolver", "/apurar"];
    assert!(acts.iter().all(|act| !desk.contains(act)), "whoever only works there does none of it: {desk}");
    let page = council.room.page(council.who("fabio"), &page).await;
    assert!(acts.iter().all(|act| page.contains(act)) && page.contains("Inês Corregedora"), "{page}");
    // To choose who votes is for whoever presides, here the first seat that may vote.
    for name in ["enzo", "gisele", "ines"] {
        for what in [("designate", designation(&first, &called)), ("give-back", json!({ "reason": "Sem quórum" }))] {
            let (status, refused) = way_out(&council, name, &case, what).await;
            let told = (status, &refused["code"]);
            assert_eq!(told, (StatusCode::FORBIDDEN, &json!("ethics-recomposes")), "{name}: {refused}");
        }
    }
    let (status, now) = way_out(&council, "fabio", &case, ("designate", designation(&first, &called))).await;
    assert_eq!(status, StatusCode::OK, "{now}");
    assert_eq!(accounts(&now), ["ines", "fabio", "gisele"], "{now}");
    assert_eq!((&now["voters"][0]["ad_hoc"], &now["ad_hoc"][0]["act"]), (&json!(true), &json!("Portaria 12/2026")));
    for (name, choice) in [("ines", "for"), ("fabio", "for"), ("gisele", "against")] {
        council.voted(name, &case, choice).await;
    }
    // Whoever was called does not preside; of the others the first seat does.
    for name in ["ines", "gisele"] {
        assert_eq!(council.resolve(name, &case).await.0, StatusCode::FORBIDDEN, "{name}");
    }
    let (status, closed) = council.resolve("fabio", &case).await;
    assert_eq!((status, &closed["decisions"][0]["approved"]), (StatusCode::OK, &json!(true)), "{closed}");
    assert_eq!(council.now(&case).await["state"], "filed");
    it_goes_out_and_comes_in(&council).await;
}

async fn it_goes_out_and_comes_in(council: &Council) {
    let (_, body) = council.ask("enzo", Method::GET, "secretariat/committees/etica/export", Value::Null).await;
    for (format, kind) in [("jsonl", "application/jsonl"), ("csv", "text/csv")] {
        let out = file(&council.room, council.who("enzo"), format).await;
        assert!(out.contains("Portaria 12/2026") && !out.contains("Joana") && !out.contains("joana@"), "{out}");
        let other = Room::open(&[]).await;
        other.app.clock.set(council.room.app.clock.now());
        let enzo = other.person("enzo", Role::Ethics).await;
        let (status, told) = taken(&other, &enzo, kind, &out).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
        assert!(told.contains("take the council in first"), "{told}");
        let (status, told) = ask(&other, &enzo, Method::POST, "secretariat/committees/imports", body.clone()).await;
        assert!(status.is_success(), "{told}");
        let forged = out.replacen("votes_for", "votes_abstain_", 1);
        assert_eq!(taken(&other, &enzo, kind, &forged).await.0, StatusCode::BAD_REQUEST);
        let (status, told) = taken(&other, &enzo, kind, &out).await;
        assert_eq!((status, told.as_str()), (StatusCode::OK, r#"{"added":1,"unchanged":0}"#));
        assert_eq!(file(&other, &enzo, format).await, out, "the same bytes come out there");
        let kept =
            other.words("select approved::text from ethics_decision union all select choice from ethics_vote").await;
        assert_eq!(kept.len(), 4, "{kept:?}");
    }
}

#[tokio::test]
async fn a_round_whose_votes_fell_out_is_given_back_and_put_anew() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let case = put(&council).await;
    let why = || ("give-back", json!({ "reason": "Impedidos depois dos votos" }));
    assert_eq!(way_out(&council, "clara", &case, why()).await.0, StatusCode::CONFLICT, "the quorum is within reach");
    for name in ["clara", "davi"] {
        council.voted(name, &case, "for").await;
    }
    // The substitute of the chair could sit in the seat, which has voted in this round.
    recused(&council, &case, &["clara", "davi", "elisa"]).await;
    let stuck = voting(&council, &case).await;
    assert_eq!((accounts(&stuck), &stuck["within_reach"]), (vec!["helio", "fabio", "gisele"], &json!(2)), "{stuck}");
    let (status, bare) = way_out(&council, "helio", &case, ("give-back", json!({ "reason": " " }))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{bare}");
    let (status, refused) = way_out(&council, "enzo", &case, why()).await;
    assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("ethics-recomposes")), "{refused}");
    let (status, told) = way_out(&council, "helio", &case, why()).await;
    assert_eq!((status, &told["round"]), (StatusCode::OK, &Value::Null), "{told}");
    let ledger = council.ask("enzo", Method::GET, &path("ethics", &case, "/acts"), Value::Null).await.1;
    let last = ledger["acts"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["act"], &last["reason"], &last["actor"]),
        (&json!("return_preliminary"), &json!("Impedidos depois dos votos"), &json!("helio"))
    );
    let proposal = json!({ "fields": { "proposal": "filed", "proposal_text": "Por isto" } });
    council.done("enzo", &case, ("propose_early", proposal)).await;
    for name in ["helio", "fabio", "gisele"] {
        council.voted(name, &case, "for").await;
    }
    assert_eq!(council.resolve("helio", &case).await.0, StatusCode::OK);
    assert_eq!(council.now(&case).await["state"], "filed");
}

#[tokio::test]
async fn the_database_takes_no_vote_of_whoever_is_recused_nor_in_a_round_that_is_decided() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let case = put(&council).await;
    recused(&council, &case, &["davi"]).await;
    let vote = "insert into ethics_vote (case_id, round, seat_id, person_id, choice, at, by)
        select c.id, (select max(seq) from case_act a where a.case_id = c.id and act = 'propose_early'), m.seat_id, m.person_id, 'for', now(), $2
        from case_file c, body_mandate m join body_person p on p.id = m.person_id where p.name = $1";
    let votes = async |member: &'static str, by: &'static str| {
        let owner = &mut council.room.db.owner().await;
        sqlx::query(vote).bind(member).bind(by).execute(owner).await.map(|done| done.rows_affected())
    };
    for (member, by) in [("Membro davi", "davi"), ("Membro davi", "enzo"), ("Membro elisa", "davi")] {
        let refused = votes(member, by).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("recused")), "{member}: {refused:?}");
    }
    assert_eq!(votes("Membro elisa", "elisa").await.unwrap(), 1);
    for name in ["clara", "fabio"] {
        council.voted(name, &case, "for").await;
    }
    assert_eq!(council.resolve("clara", &case).await.0, StatusCode::OK);
    assert!(votes("Membro gisele", "gisele").await.is_err_and(|error| error.to_string().contains("decided")));
}

#[tokio::test]
async fn whoever_left_office_is_party_all_the_same_and_a_case_is_found_under_its_own_module_alone() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let case = put(&council).await;
    let owner = &mut council.room.db.owner().await;
    let left = "update staff set disabled_at = created_at where username = 'davi'";
    assert_eq!(sqlx::query(left).execute(owner).await.unwrap().rows_affected(), 1);
    let other = council.procedure("Viagem").await;
    let party = json!({ "fields": { "respondent_account": "davi" } });
    council.done("enzo", &other, ("name_parties", party)).await;
    let all = council.ask("enzo", Method::GET, &path("ethics", &other, "/recusals"), Value::Null).await.1;
    assert_eq!((&all[0]["username"], &all[0]["how"]), (&json!("davi"), &json!("party")), "{all}");

    let elsewhere = |rest: &str| path("ombudsman", &case, rest);
    let votes = council.ask("clara", Method::GET, &elsewhere("/votes"), Value::Null).await;
    assert_eq!(votes.0, StatusCode::NOT_FOUND, "{}", votes.1);
    let revision = council.now(&case).await["revision"].clone();
    for (rest, body) in [
        ("/votes", json!({ "choice": "for" })),
        ("/votes/resolve", json!({ "revision": revision })),
        ("/votes/give-back", json!({ "revision": revision, "reason": "x" })),
        ("/reporter", json!({ "name": "Joana Prado" })),
        ("/recusals", json!({ "revision": revision, "username": "elisa", "reason": "x" })),
    ] {
        let (status, told) = council.ask("clara", Method::POST, &elsewhere(rest), body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{rest}: {told}");
    }
    assert_eq!(council.room.words("select count(*)::text from vault_record").await, ["0"]);
    council.voted("clara", &case, "for").await;
}

#[tokio::test]
async fn who_was_not_sanctioned_is_named_to_nobody() {
    let mut council = Council::open("2026-08-03T13:00:00Z").await;
    let body = json!({ "type": "ethics.liability", "title": "Oferta a fiscal", "fields": { "company": "Inexistente Ltda.",
        "cnpj": "00.394.460/0001-41", "facts": "Art. 5º, I" } });
    let case = open(&council.room, council.who("enzo"), "ethics", body).await;
    let begun = |day: &str| json!({ "fields": { "commission": "Duas servidoras estáveis", "published_on": day } });
    let (status, early) = council.act("enzo", &case, ("open_process", begun("2020-01-02"))).await;
    assert_eq!((status, &early["code"]), (StatusCode::CONFLICT, &json!("guard-before")), "{early}");
    council.done("enzo", &case, ("open_process", begun("2026-08-03"))).await;
    council.done("enzo", &case, ("notify", json!({ "fields": { "notified_on": "2026-08-03" } }))).await;
    council.at("2026-09-10T13:00:00Z").await;
    council.done("enzo", &case, ("no_defence", json!({}))).await;
    council.done("enzo", &case, ("conclude", json!({ "fields": { "report": "Nada se provou" } }))).await;
    let fined = json!({ "fields": { "sanction": "fine", "fine": "1,00", "grounds": "Art. 6º" } });
    assert_eq!(council.act("fabio", &case, ("absolve", fined)).await.0, StatusCode::BAD_REQUEST, "it asks for no fine");
    let none = json!({ "fields": { "sanction": "none", "grounds": "Sem prova" } });
    assert_eq!(council.act("enzo", &case, ("absolve", none.clone())).await.0, StatusCode::CONFLICT, "two persons");
    let after = council.done("fabio", &case, ("absolve", none)).await;
    assert_eq!((&after["state"], &after["is_final"]), (&json!("absolved"), &json!(true)), "{after}");
    let (_, told) = council.room.stranger(Method::GET, "/api/v1/secretariat/ethics/publications").await;
    assert!(!told.contains("Inexistente") && !told.contains("394.460") && !told.contains("00394460"), "{told}");
    assert_eq!(council.room.words("select count(*)::text from case_publication").await, ["0"]);
}

#[tokio::test]
async fn no_letter_of_an_ethics_council_says_what_it_is_about() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let owner = &mut council.room.db.owner().await;
    let addresses = "insert into body_person_private (person_id, email, changed_at) select id, id::text || '@exemplo.invalid', now() from body_person";
    sqlx::query(addresses).execute(owner).await.unwrap();
    let meeting = json!({ "kind": "extraordinary", "starts_at": "2026-08-17T17:00:00Z", "place": "Sala 2",
        "urgency": "Denúncia contra Davi Lima", "items": [{ "title": "Carro usado por Davi Lima" }] });
    let (status, made) = council.ask("enzo", Method::POST, "secretariat/committees/etica/meetings", meeting).await;
    assert!(status.is_success(), "{made}");
    let off = json!({ "act": "cancel", "reason": "Davi Lima adoeceu" });
    let path = "secretariat/committees/etica/meetings/2026-1/acts";
    let (status, told) = council.ask("enzo", Method::POST, path, off).await;
    assert!(status.is_success(), "{told}");
    let letters =
        council.room.words("select subject || ' ' || body from notice where purpose = 'body_convening'").await;
    assert_eq!(letters.len(), 12, "six members, convened and called off");
    for letter in letters {
        assert!(!letter.contains("Davi") && !letter.contains("Carro"), "{letter}");
        assert!(letter.contains("/secretaria/painel/comites/etica/reunioes/2026-1"), "{letter}");
    }
}
