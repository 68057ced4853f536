//! The ethics council: a report from the ombudsman to a censure over the year's turn, who is recused, who votes, and what everybody reads.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{act, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// The chair, four members, and the substitute of the chair.
const MEMBERS: [&str; 6] = ["clara", "davi", "elisa", "fabio", "gisele", "helio"];

/// A town with a council of five and its secretary, who has no seat.
pub(super) struct Council {
    pub(super) room: Room,
    pub(super) people: BTreeMap<&'static str, Person>,
}

impl Council {
    pub(super) async fn open(instant: &str) -> Self {
        let room = Room::open(&[]).await;
        let mut people = BTreeMap::new();
        for name in MEMBERS.into_iter().chain(["enzo"]) {
            people.insert(name, room.person(name, Role::Ethics).await);
        }
        let mut council = Self { room, people };
        council.at(instant).await;
        council.seat().await;
        council
    }

    /// Moves the clock, and signs everybody in anew: tokens of tests last a day.
    pub(super) async fn at(&mut self, instant: &str) {
        let names: Vec<&'static str> = self.people.keys().copied().collect();
        for name in names {
            let signed = moved(&self.room, &self.people[name], name, instant).await;
            self.people.insert(name, signed);
        }
    }

    pub(super) fn who(&self, name: &str) -> &Person {
        &self.people[name]
    }

    pub(super) async fn ask(&self, by: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        ask(&self.room, self.who(by), method, path, body).await
    }

    pub(super) async fn made(&self, path: &str, body: Value) -> String {
        let (status, made) = self.ask("enzo", Method::POST, &format!("secretariat/committees{path}"), body).await;
        assert!(status.is_success(), "{path}: {status} {made}");
        made["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn seat(&self) {
        let half = json!({ "num": 1, "den": 2, "more": true });
        let body = json!({
            "slug": "etica", "name": "Conselho de Ética Pública", "kind": "ethics",
            "act": { "kind": "law", "number": "Lei 15.100/2025", "on": "2025-12-01" }, "purpose": "Apurar condutas.",
            "law_ref": "Lei 15.100/2025, art. 7", "term_from": "2026-01-01",
            "rules": {
                "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
                "quorum_open": half, "quorum_decide": half, "majority": "simple", "casting_vote": true, "public": false
            }
        });
        self.made("", body).await;
        let mut first = String::new();
        for (at, name) in MEMBERS.iter().enumerate() {
            let person = json!({ "name": format!("Membro {name}"), "account": name });
            let person = self.made("/persons", person).await;
            let role = if at == 0 { "chair" } else { "member" };
            let is_substitute = *name == "helio";
            let seat = if is_substitute {
                first.clone()
            } else {
                let seat = json!({ "position": at + 1, "entity": format!("Entidade {name}"), "role": role });
                self.made("/etica/seats", seat).await
            };
            if at == 0 {
                first.clone_from(&seat);
            }
            let capacity = if is_substitute { "substitute" } else { "titular" };
            let mandate = json!({ "person_id": person, "capacity": capacity, "from_on": "2026-01-01", "until_on": "2028-12-31",
                "act": "Decreto 9/2026" });
            self.made(&format!("/etica/seats/{seat}/mandates"), mandate).await;
        }
    }

    pub(super) async fn act(&self, by: &str, case: &Value, what: (&str, Value)) -> (StatusCode, Value) {
        act(&self.room, self.who(by), "ethics", case, what).await
    }

    pub(super) async fn done(&self, by: &str, case: &Value, what: (&str, Value)) -> Value {
        done(&self.room, self.who(by), "ethics", case, what).await
    }

    pub(super) async fn now(&self, case: &Value) -> Value {
        self.ask("enzo", Method::GET, &path("ethics", case, ""), Value::Null).await.1
    }

    pub(super) async fn recuse(&self, by: &str, case: &Value, username: &str, reason: &str) -> (StatusCode, Value) {
        let revision = self.now(case).await["revision"].clone();
        let body = json!({ "revision": revision, "username": username, "reason": reason });
        self.ask(by, Method::POST, &path("ethics", case, "/recusals"), body).await
    }

    pub(super) async fn vote(&self, by: &str, case: &Value, choice: &str) -> (StatusCode, Value) {
        self.ask(by, Method::POST, &path("ethics", case, "/votes"), json!({ "choice": choice })).await
    }

    pub(super) async fn voted(&self, by: &str, case: &Value, choice: &str) {
        let (status, answer) = self.vote(by, case, choice).await;
        assert_eq!(status, StatusCode::OK, "{by}: {answer}");
    }

    pub(super) async fn resolve(&self, by: &str, case: &Value) -> (StatusCode, Value) {
        let revision = self.now(case).await["revision"].clone();
        self.ask(by, Method::POST, &path("ethics", case, "/votes/resolve"), json!({ "revision": revision })).await
    }

    /// A procedure that somebody reported to the council itself.
    pub(super) async fn procedure(&self, title: &str) -> Value {
        let body = json!({ "type": "ethics.procedure", "title": title,
            "fields": { "account": "Uso de veículo em viagem particular", "respondent": "Pessoa denunciada" } });
        open(&self.room, self.who("enzo"), "ethics", body).await
    }

    /// That the case does not exist for this person, by any door.
    async fn finds_nothing(&self, name: &str, case: &Value, word: &str) {
        let id = case["id"].as_str().unwrap();
        for rest in ["", "/acts", "/documents", "/votes", "/recusals"] {
            let (status, answer) = self.ask(name, Method::GET, &path("ethics", case, rest), Value::Null).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name} {rest}: {answer}");
        }
        for list in [
            "secretariat/ethics/cases".to_owned(),
            format!("secretariat/ethics/cases?q={word}"),
            "secretariat/mayor".to_owned(),
        ] {
            let (status, answer) = self.ask(name, Method::GET, &list, Value::Null).await;
            assert_eq!(status, StatusCode::OK, "{list}: {answer}");
            assert!(!answer.to_string().contains(id), "{name} finds it in {list}: {answer}");
        }
        let request =
            Request::get("/api/v1/secretariat/ethics/export").header(header::AUTHORIZATION, &self.who(name).token);
        let (status, lines) = self.room.send(request.body(Body::empty()).unwrap()).await;
        assert!(status == StatusCode::OK && !lines.contains(id), "{name} exports it: {lines}");
        let year = self.now(case).await["year"].clone();
        let report = format!("secretariat/ethics/report?type=ethics.procedure&year={year}");
        let report = self.ask(name, Method::GET, &report, Value::Null).await.1;
        assert_eq!(report["by_state"], json!([]), "{name} counts it: {report}");
        let modules = self.ask(name, Method::GET, "secretariat/modules", Value::Null).await.1;
        let own = modules.as_array().unwrap().iter().find(|one| one["slug"] == "ethics").unwrap();
        assert_eq!(own["open"], 0, "{name} counts it: {own}");
        for page in [
            format!("/secretaria/painel/etica/casos/{id}"),
            format!("/secretaria/painel/etica/casos/{id}/conselho"),
            "/secretaria/painel/etica?open=true".to_owned(),
        ] {
            let page = self.room.page(self.who(name), &page).await;
            assert!(!page.contains(word), "{name} reads it: {page}");
        }
        assert_eq!(self.vote(name, case, "for").await.0, StatusCode::NOT_FOUND, "{name} votes");
        let noted = json!({ "revision": 1, "reason": "Quero ler" });
        let (status, _) = self.ask(name, Method::POST, &path("ethics", case, "/recusals/lift"), noted).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{name} lifts it");
    }
}

async fn stranger(room: &Room, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(format!("/api/v1/secretariat/{path}")).header(header::CONTENT_TYPE, "application/json");
    let (status, text) = room.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A report that the ombudsman passes on under a pseudonym. The procedure, as the secretary of the council reads it.
async fn passed_on(council: &Council) -> Value {
    let room = &council.room;
    let olivia = room.person("olivia", Role::Ombudsman).await;
    let told = json!({ "subject": "O que vi na garagem, Joana Prado", "text": "Eu, Joana, vi o carro sair no domingo",
        "kind": "report", "name": "Joana Prado", "email": "joana@exemplo.invalid" });
    let (status, made) = stranger(room, "ombudsman/requests", told).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = room.words("select id::text from case_file where type_key = 'ombudsman.manifestation'").await.remove(0);
    let report = json!({ "id": id });
    let given =
        json!({ "fields": { "ethics_title": "Garagem oficial", "ethics_text": "Veículo usado em um domingo" } });
    done(room, &olivia, "ombudsman", &report, ("to_ethics", given)).await;
    let id = room.words("select id::text from case_file where type_key = 'ethics.procedure'").await.remove(0);
    let case = council.now(&json!({ "id": id })).await;
    assert_eq!((&case["numbered"], &case["title"]), (&json!("ETI 2026/001"), &json!("Garagem oficial")), "{case}");
    assert_eq!(case["fields"], json!({ "account": "Veículo usado em um domingo" }), "{case}");
    assert!(!case.to_string().contains("Joana"), "the report is linked, and not shown: {case}");
    let (status, _) = ask(room, &olivia, Method::GET, &path("ethics", &case, ""), Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "whoever passes on does not read the procedure");
    let why = json!({ "reason": "Saber quem denunciou ao Conselho" });
    let (status, _) = council.ask("enzo", Method::POST, &path("ombudsman", &report, "/identity"), why).await;
    assert_ne!(status, StatusCode::OK, "who spoke stays with the ombudsman");
    case
}

#[tokio::test]
async fn a_report_goes_from_the_ombudsman_to_a_censure_over_the_turn_of_the_year() {
    let mut council = Council::open("2026-12-01T13:00:00Z").await;
    let case = passed_on(&council).await;
    council.done("enzo", &case, ("admit", json!({ "fields": { "admissibility": "Há indícios" } }))).await;
    let unknown = json!({ "fields": { "respondent": "Davi Lima", "respondent_account": "davi, ninguem" } });
    assert_eq!(council.act("enzo", &case, ("name_parties", unknown)).await.0, StatusCode::BAD_REQUEST);
    let own = json!({ "fields": { "respondent": "Enzo", "respondent_account": "enzo" } });
    let (status, refused) = council.act("enzo", &case, ("name_parties", own)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let party = json!({ "fields": { "respondent": "Davi Lima", "respondent_account": "davi" } });
    council.done("enzo", &case, ("name_parties", party)).await;
    council.finds_nothing("davi", &case, "Garagem").await;

    the_defence_runs_into_january(&mut council, &case).await;
    the_council_votes(&council, &case).await;
    everybody_reads_a_summary(&council, &case).await;
}

async fn the_defence_runs_into_january(council: &mut Council, case: &Value) {
    council.at("2026-12-22T13:00:00Z").await;
    council.done("enzo", case, ("open_process", json!({ "fields": { "charge": "Art. 3º" } }))).await;
    // Three weeks before there was a process: the time of defence would be over at once.
    let early = json!({ "fields": { "notified_on": "2026-12-01" } });
    let (status, refused) = council.act("enzo", case, ("notify", early)).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("guard-before")), "{refused}");
    let notified = json!({ "fields": { "notified_on": "2026-12-22" } });
    let after = council.done("enzo", case, ("notify", notified)).await;
    // The tenth day is 1 January, a holiday and a Friday.
    assert_eq!(due(&after, "ethics.defence"), "2027-01-04", "{after}");
    let (status, early) = council.act("enzo", case, ("no_defence", json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{early}");
    assert!(early["detail"].as_str().unwrap().contains("art. 5º, LV"), "{early}");
    let why = json!({ "reason": "A parte pediu cópias" });
    let after = council.done("enzo", case, ("extend_defence", why.clone())).await;
    // Twenty days end on Monday, 11 January.
    assert_eq!(due(&after, "ethics.defence"), "2027-01-11", "{after}");
    let (status, twice) = council.act("enzo", case, ("extend_defence", why)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{twice}");
    assert!(twice["detail"].as_str().unwrap().contains("CEP 10/2008"), "{twice}");
    council.at("2027-01-11T18:00:00Z").await;
    council.done("enzo", case, ("defend", json!({ "fields": { "defence": "Era serviço" } }))).await;
    let put = json!({ "fields": { "proposal": "censure", "proposal_text": "Não era" } });
    council.done("enzo", case, ("propose", put)).await;
    let (status, alone) = council.act("enzo", case, ("censure", json!({}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nobody decides alone: {alone}");
}

async fn the_council_votes(council: &Council, case: &Value) {
    assert_eq!(council.recuse("elisa", case, "", "Amiga da parte").await.0, StatusCode::NO_CONTENT);
    council.finds_nothing("elisa", case, "Garagem").await;
    let (status, bare) = council.recuse("enzo", case, "clara", "  ").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a recusal has its reason: {bare}");
    assert_eq!(council.recuse("enzo", case, "clara", "Chefe da parte").await.0, StatusCode::NO_CONTENT);
    let (status, twice) = council.recuse("enzo", case, "clara", "De novo").await;
    assert_eq!(status, StatusCode::CONFLICT, "{twice}");
    // The substitute stands in for the chair; nobody stands in for the two others.
    let voting = council.ask("enzo", Method::GET, &path("ethics", case, "/votes"), Value::Null).await.1;
    let voters: Vec<&str> =
        voting["voters"].as_array().unwrap().iter().map(|one| one["account"].as_str().unwrap()).collect();
    assert_eq!(voters, ["helio", "fabio", "gisele"], "{voting}");
    assert_eq!((&voting["seats"], &voting["quorum"]), (&json!(5), &json!(3)), "{voting}");

    council.voted("helio", case, "for").await;
    council.voted("fabio", case, "for").await;
    let (status, refused) = council.vote("fabio", case, "against").await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("votes once (Lei 15.100/2025, art. 7)"), "{refused}");
    let (status, refused) = council.vote("enzo", case, "for").await;
    assert_eq!(status, StatusCode::CONFLICT, "the secretary has no seat: {refused}");
    for name in ["enzo", "fabio"] {
        let (status, refused) = council.resolve(name, case).await;
        assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("ethics-presides")), "{name}: {refused}");
    }
    // The substitute of the chair presides.
    let (status, refused) = council.resolve("helio", case).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("no quorum to decide: 2 of 5") && detail.contains("Lei 15.100/2025, art. 7"), "{detail}");
    assert_eq!(council.now(case).await["state"], "deliberation");
    council.voted("gisele", case, "against").await;
    let (status, voting) = council.resolve("helio", case).await;
    assert_eq!(status, StatusCode::OK, "{voting}");
    let decision = &voting["decisions"][0];
    assert_eq!(
        (&decision["approved"], &decision["votes_for"], &decision["quorum"]),
        (&json!(true), &json!(2), &json!(3))
    );
    let after = council.now(case).await;
    assert_eq!((&after["state"], &after["is_final"]), (&json!("censured"), &json!(true)), "{after}");
    let ledger = council.ask("enzo", Method::GET, &path("ethics", case, "/acts"), Value::Null).await.1;
    assert_eq!(ledger["broken_at"], Value::Null, "{ledger}");
    let acts = ledger["acts"].as_array().unwrap();
    let recused: Vec<&Value> =
        acts.iter().filter(|one| one["act"] == "recuse").map(|one| &one["changes"]["recused"][1]).collect();
    assert_eq!(recused, ["davi", "elisa", "clara"], "{ledger}");
    assert_eq!(acts.iter().filter(|one| one["act"] == "vote").count(), 3, "{ledger}");
    let audited = council.room.words("select actor from audit_event where act = 'case.recuse' order by id").await;
    assert_eq!(audited, ["enzo", "elisa", "enzo"]);
    let (status, late) = council.vote("gisele", case, "for").await;
    assert_eq!(status, StatusCode::CONFLICT, "the vote is over: {late}");
}

async fn everybody_reads_a_summary(council: &Council, case: &Value) {
    let summary = json!({ "fields": { "summary_title": "Uso de bem público", "summary": "Censura a quem usou veículo oficial." } });
    council.done("enzo", case, ("publish", summary)).await;
    let (status, page) = council.room.stranger(Method::GET, "/secretaria/etica").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("Uso de bem público") && page.contains("Censura a quem usou"), "{page}");
    assert!(page.contains("Membro clara") && page.contains("Membro helio"), "who sits in it is public: {page}");
    let (status, told) = council.room.stranger(Method::GET, "/api/v1/secretariat/ethics/publications").await;
    assert_eq!(status, StatusCode::OK);
    for secret in ["Davi Lima", "Garagem", "domingo", "Joana", "Era serviço", "Art. 3º"] {
        assert!(!page.contains(secret) && !told.contains(secret), "{secret}: {told}");
    }
    let (_, figures) = council.room.stranger(Method::GET, "/api/v1/secretariat/ethics/statistics").await;
    let figures: Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures["years"][0]["year"], 2026, "{figures}");
    let cases = &figures["years"][0]["tables"][0]["rows"][0];
    assert_eq!((&cases["key"], &cases["count"]), (&json!("ethics.procedure"), &Value::Null), "one is too few: {cases}");
    assert_eq!(figures["years"][0]["from_ombudsman"], Value::Null, "{figures}");
}

#[tokio::test]
async fn who_reports_is_sealed_for_a_hundred_years_and_each_reading_is_in_the_audit() {
    let council = Council::open("2026-12-01T13:00:00Z").await;
    let case = council.procedure("Viagem particular").await;
    let (reporter, identity) = (path("ethics", &case, "/reporter"), path("ethics", &case, "/identity"));
    let told = json!({ "name": "Joana Prado", "email": "joana@exemplo.invalid" });
    let (status, bad) = council.ask("enzo", Method::POST, &reporter, json!({ "name": " ", "email": "x" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    assert_eq!(council.ask("enzo", Method::POST, &reporter, told.clone()).await.0, StatusCode::NO_CONTENT);
    let (status, twice) = council.ask("enzo", Method::POST, &reporter, told).await;
    assert_eq!(status, StatusCode::CONFLICT, "nobody takes the place of who reported: {twice}");
    let kept =
        "select fields::text || words from case_file union all select encode(sealed, 'escape') from vault_record";
    let kept = council.room.words(kept).await;
    assert!(kept.len() == 2 && !kept.concat().contains("Joana"), "{kept:?}");
    assert_eq!(council.room.words("select keep_until::text from vault_record").await, ["2126-12-01"]);

    let (status, _) = council.ask("fabio", Method::POST, &identity, json!({ "reason": "ver" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "without a reason the vault stays shut");
    let why = json!({ "reason": "Convite para depor em sigilo" });
    let (status, who) = council.ask("fabio", Method::POST, &identity, why.clone()).await;
    assert_eq!((status, &who["name"]), (StatusCode::OK, &json!("Joana Prado")), "{who}");
    let read = "select actor || ': ' || reason from audit_event where act = 'vault.open'";
    assert_eq!(council.room.words(read).await, ["fabio: Convite para depor em sigilo"]);
    assert_eq!(council.recuse("gisele", &case, "", "Parente").await.0, StatusCode::NO_CONTENT);
    assert_eq!(council.ask("gisele", Method::POST, &identity, why).await.0, StatusCode::NOT_FOUND);
    assert_eq!(council.room.words(read).await.len(), 1, "whoever is recused does not come near it");
}

#[tokio::test]
async fn what_the_council_rejects_goes_back_and_without_a_process_there_is_no_censure() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let case = council.procedure("Presente recebido").await;
    council.done("enzo", &case, ("admit", json!({ "fields": { "admissibility": "Há indícios" } }))).await;
    let put = |proposal: &str| json!({ "fields": { "proposal": proposal, "proposal_text": "Por isto" } });
    let (status, refused) = council.act("enzo", &case, ("propose_early", put("censure"))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("sem processo e defesa"), "{refused}");
    council.done("enzo", &case, ("propose_early", put("filed"))).await;
    for name in ["clara", "davi", "elisa"] {
        council.voted(name, &case, "against").await;
    }
    let (status, voting) = council.resolve("clara", &case).await;
    assert_eq!((status, &voting["decisions"][0]["approved"]), (StatusCode::OK, &json!(false)), "{voting}");
    assert_eq!(council.now(&case).await["state"], "preliminary");
    // A new proposal is a new round: the same members vote again, and the chair decides the tie.
    council.done("enzo", &case, ("propose_early", put("agreement"))).await;
    for (name, choice) in [("clara", "for"), ("davi", "for"), ("elisa", "against"), ("fabio", "against")] {
        council.voted(name, &case, choice).await;
    }
    let (status, tied) = council.resolve("clara", &case).await;
    assert_eq!(status, StatusCode::CONFLICT, "{tied}");
    let page = format!("/secretaria/painel/etica/casos/{}", case["id"].as_str().unwrap());
    let revision = council.now(&case).await["revision"].clone();
    let form = format!("revision={revision}&casting=for");
    for name in ["enzo", "davi"] {
        let (status, page) = council.room.post(council.who(name), &format!("{page}/apurar"), &form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name} does not preside");
        assert!(page.contains("Only who presides over the council closes the vote"), "{page}");
    }
    assert_eq!(council.now(&case).await["state"], "deliberation");
    let (status, _) = council.room.post(council.who("clara"), &format!("{page}/apurar"), &form).await;
    assert!(status.is_redirection(), "{status}");
    assert_eq!(council.now(&case).await["state"], "agreed");
    let page = council.room.page(council.who("fabio"), &format!("{page}/conselho")).await;
    assert!(page.contains("Agreement on personal"), "{page}");
}

#[tokio::test]
async fn a_recusal_is_lifted_with_a_reason_never_of_a_party_and_goes_with_the_export() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let case = council.procedure("Parente contratado").await;
    assert_eq!(council.recuse("enzo", &case, "clara", "Chefe da parte").await.0, StatusCode::NO_CONTENT);
    let party = json!({ "fields": { "respondent_account": "davi" } });
    council.done("enzo", &case, ("name_parties", party)).await;
    let assigned = json!({ "revision": council.now(&case).await["revision"], "assigned": "davi" });
    let (status, refused) = council.ask("enzo", Method::POST, &path("ethics", &case, "/assign"), assigned).await;
    assert_eq!(status, StatusCode::CONFLICT, "nobody who is recused is put in charge: {refused}");
    let lift =
        |revision: Value, name: &str| json!({ "revision": revision, "username": name, "reason": "Já não é chefe" });
    let path_of = path("ethics", &case, "/recusals/lift");
    let revision = council.now(&case).await["revision"].clone();
    let (status, refused) = council.ask("enzo", Method::POST, &path_of, lift(revision.clone(), "davi")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("9.784"), "{refused}");
    assert_eq!(council.ask("enzo", Method::POST, &path_of, lift(revision, "clara")).await.0, StatusCode::NO_CONTENT);
    let (status, _) = council.ask("clara", Method::GET, &path("ethics", &case, ""), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "clara reads it again");

    let request =
        Request::get("/api/v1/secretariat/ethics/export").header(header::AUTHORIZATION, &council.who("enzo").token);
    let (_, lines) = council.room.send(request.body(Body::empty()).unwrap()).await;
    let other = Room::open(&[]).await;
    other.app.clock.set(council.room.app.clock.now());
    let enzo = other.person("enzo", Role::Ethics).await;
    let davi = other.person("davi", Role::Ethics).await;
    let request = Request::post("/api/v1/secretariat/ethics/import")
        .header(header::AUTHORIZATION, &enzo.token)
        .header(header::CONTENT_TYPE, "application/jsonl");
    let (status, taken) = other.send(request.body(Body::from(lines.clone())).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{taken}");
    let (status, _) = ask(&other, &davi, Method::GET, &path("ethics", &case, ""), Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a party is recused in the other house too");
    let recused = ask(&other, &enzo, Method::GET, &path("ethics", &case, "/recusals"), Value::Null).await.1;
    assert_eq!(
        (&recused[0]["username"], &recused[0]["how"], &recused[1]),
        (&json!("davi"), &json!("party"), &Value::Null)
    );
    let request = Request::get("/api/v1/secretariat/ethics/export").header(header::AUTHORIZATION, &enzo.token);
    assert_eq!(other.send(request.body(Body::empty()).unwrap()).await.1, lines, "the same bytes come out there");
}

#[tokio::test]
async fn a_risk_has_its_level_computed_and_its_day_of_review() {
    let council = Council::open("2026-08-03T13:00:00Z").await;
    let room = &council.room;
    let risk = |probability: i64, impact: i64| {
        json!({ "type": "ethics.risk", "title": "Medição sem vistoria", "fields": { "process": "Pagamento", "cause": "Falta vistoria",
            "probability": probability, "impact": impact } })
    };
    let (status, none) = council.ask("enzo", Method::POST, "secretariat/ethics/cases", risk(0, 5)).await;
    assert_eq!(status, StatusCode::CONFLICT, "the scale begins at one: {none}");
    let mut typed = risk(1, 1);
    typed["fields"]["level"] = json!("low");
    assert_eq!(council.ask("enzo", Method::POST, "secretariat/ethics/cases", typed).await.0, StatusCode::BAD_REQUEST);
    let case = open(room, council.who("enzo"), "ethics", risk(3, 5)).await;
    assert_eq!((&case["fields"]["score"], &case["fields"]["level"]), (&json!(15), &json!("high")), "{case}");
    let control = json!({ "fields": { "control": "Foto datada", "owner": "Obras", "review_on": "2026-09-05" } });
    let after = council.done("enzo", &case, ("control", control)).await;
    // The marked day is a Saturday, and Monday is Independence Day.
    assert_eq!(due(&after, "ethics.review"), "2026-09-08", "{after}");
    let review = json!({ "fields": { "probability": 1, "finding": "Controle em uso", "review_on": "2027-09-01" } });
    let after = council.done("enzo", &case, ("review", review)).await;
    assert_eq!((&after["fields"]["score"], &after["fields"]["level"]), (&json!(5), &json!("moderate")), "{after}");
    assert_eq!(due(&after, "ethics.review"), "2027-09-01", "{after}");
    let report =
        council.ask("enzo", Method::GET, "secretariat/ethics/report?type=ethics.risk&year=2026", Value::Null).await.1;
    assert_eq!(report["by_choice"][0], json!({ "key": "moderate", "count": 1 }), "{report}");
}

#[tokio::test]
async fn a_company_answers_within_its_days_and_is_judged_by_another_than_who_examined() {
    let mut council = Council::open("2026-08-03T13:00:00Z").await;
    let body = json!({ "type": "ethics.liability", "title": "Oferta a fiscal", "fields": { "company": "Inexistente Ltda.",
        "cnpj": "00.394.460/0001-41", "facts": "Art. 5º, I" } });
    let case = open(&council.room, council.who("enzo"), "ethics", body).await;
    let begun = json!({ "fields": { "commission": "Duas servidoras estáveis", "published_on": "2026-08-03" } });
    let after = council.done("enzo", &case, ("open_process", begun)).await;
    // The hundred and eightieth day is 30 January, a Saturday.
    assert_eq!(due(&after, "ethics.liability"), "2027-02-01", "{after}");
    council.at("2027-01-09T13:00:00Z").await;
    let notified = json!({ "fields": { "notified_on": "2027-01-09" } });
    let after = council.done("enzo", &case, ("notify", notified)).await;
    // The thirtieth day is Monday of Carnival: Tuesday is Carnival too, so Wednesday.
    assert_eq!(due(&after, "ethics.liability_defence"), "2027-02-10", "{after}");
    council.done("enzo", &case, ("extend", json!({ "reason": "A defesa corre" }))).await;
    council.at("2027-02-11T13:00:00Z").await;
    let (status, late) = council.act("enzo", &case, ("defend", json!({ "fields": { "defence": "Tarde" } }))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{late}");
    assert!(late["detail"].as_str().unwrap().contains("12.846/2013, art. 11"), "{late}");
    council.done("enzo", &case, ("no_defence", json!({}))).await;
    council.done("enzo", &case, ("conclude", json!({ "fields": { "report": "Houve oferta" } }))).await;
    let none = json!({ "fields": { "sanction": "none", "grounds": "Sem prova" } });
    let (status, told) = council.act("fabio", &case, ("judge", none)).await;
    assert_eq!(status, StatusCode::CONFLICT, "what is published has a sanction: {told}");
    let judged = json!({ "fields": { "sanction": "fine", "fine": "12.000,00", "grounds": "Art. 6º, I" } });
    let (status, same) = council.act("enzo", &case, ("judge", judged.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT, "whoever examined does not judge: {same}");
    let bare = json!({ "fields": { "sanction": "fine", "grounds": "Art. 6º, I" } });
    let (status, bare) = council.act("fabio", &case, ("judge", bare)).await;
    assert_eq!(status, StatusCode::CONFLICT, "a fine has its amount: {bare}");
    council.done("fabio", &case, ("judge", judged)).await;
    let (_, told) = council.room.stranger(Method::GET, "/api/v1/secretariat/ethics/publications").await;
    assert!(told.contains("Inexistente Ltda.") && told.contains("1200000") && !told.contains("Houve oferta"), "{told}");
}
