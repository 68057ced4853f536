//! What is enforced whoever asks: laws by the day of the anchor, acts that are never rewritten, and exports of every module that come in
//! elsewhere and go out there byte by byte the same. docs/secretariat/enforced.md names what holds each point.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::Types;
use sentinela::secretariat::modules::MODULES;
use sentinela::secretariat::press::worker as press;
use serde_json::{Value, json};

use super::instruments::{GRANTOR, House, PARTNER, plan, planned};
use super::{determination, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

#[tokio::test]
async fn a_law_that_changes_holds_for_what_begins_under_it_and_moves_nothing_that_began_before() {
    let room = Room::open(&[]).await;
    let (lia, ana) = (room.person("lia", Role::Sic).await, room.person("ana", Role::Coordinator).await);
    let request = json!({ "type": "sic.request", "title": "Obras", "fields": { "request": "Quais param?" } });
    let lia = moved(&room, &lia, "lia", "2026-05-29T12:00:00Z").await;
    let before = open(&room, &lia, "sic", request.clone()).await;
    // By hand: 30 and 31 May are two days, 1 to 18 June eighteen; the 18th is a Thursday.
    assert_eq!(due(&before, "sic.answer"), "2026-06-18", "{before}");

    let ana = moved(&room, &ana, "ana", "2026-05-29T13:00:00Z").await;
    let rule = json!({ "code": "sic.answer", "law_ref": "Lei Municipal 16.000/2026, art. 1", "confirmed": true, "valid_from": "2026-06-01",
        "anchor_event": "received", "quantity": 10, "unit": "calendar", "warn_days": 3, "pause": "interrupt",
        "extensions": { "max": 1, "quantity": 5, "needs_reason": true, "before_expiry": true } });
    let new = json!({ "reason": "Publicada em 28 de maio", "rule": rule });
    let (status, told) = ask(&room, &ana, Method::POST, "deadline-rules", new).await;
    assert_eq!((status, &told), (StatusCode::CREATED, &json!([])), "nothing that is open moves");

    // 31 May 23:30 in the town is June in UTC: the law of the day of the town counts.
    let lia = moved(&room, &lia, "lia", "2026-06-01T02:30:00Z").await;
    let last = open(&room, &lia, "sic", request.clone()).await;
    // By hand: 1 to 20 June are twenty days; the 20th is a Saturday, so Monday.
    assert_eq!(due(&last, "sic.answer"), "2026-06-22", "{last}");
    let lia = moved(&room, &lia, "lia", "2026-06-01T12:00:00Z").await;
    let after = open(&room, &lia, "sic", request).await;
    // By hand: 2 to 11 June are ten days; the 11th is a Thursday.
    assert_eq!(due(&after, "sic.answer"), "2026-06-11", "{after}");
    assert_eq!(after["deadlines"][0]["law_ref"], "Lei Municipal 16.000/2026, art. 1", "{after}");

    // Each is extended by its own law: thirty days end on Sunday, 28 June, fifteen on Tuesday, 16 June.
    let why = json!({ "reason": "Os dados estão em três secretarias" });
    let before = done(&room, &lia, "sic", &before, ("extend", why.clone())).await;
    assert_eq!(due(&before, "sic.answer"), "2026-06-29", "{before}");
    let after = done(&room, &lia, "sic", &after, ("extend", why)).await;
    assert_eq!(due(&after, "sic.answer"), "2026-06-16", "{after}");
}

/// Tables whose rows are what happened, beside those of acts.
const KEPT: [&str; 36] = [
    "chain_link",
    "case_type",
    "case_document",
    "case_link",
    "case_instrument",
    "deadline_rule",
    "deadline_rule_end",
    "body_call",
    "body_document",
    "body_attendance",
    "body_recusal",
    "body_vote",
    "body_decision",
    "body_snapshot",
    "classified_node",
    "budget_change",
    "budget_decision",
    "budget_import",
    "budget_execution",
    "budget_date_rule",
    "budget_publication",
    "instrument_money",
    "instrument_document",
    "instrument_publication",
    "press_delivery",
    "press_distributed",
    "segment_delivery",
    "segment_digest",
    "ethics_vote",
    "ethics_decision",
    "evaluation_round",
    "evaluation_round_service",
    "evaluation_code_batch",
    "evaluation_response",
    "evaluation_manifestation",
    "evaluation_report",
];

#[tokio::test]
async fn what_was_done_is_never_rewritten_deleted_or_emptied_whoever_asks() {
    let room = Room::open(&[]).await;
    // Whom no privilege keeps back.
    let mut owner = room.db.owner().await;
    let acts = room
        .words("select tablename::text from pg_tables where schemaname = current_schema() and right(tablename, 4) = '_act' order by 1")
        .await;
    for known in ["case_act", "instrument_act", "budget_act", "deadline_act"] {
        assert!(acts.iter().any(|act| act == known), "{known} is not in {acts:?}");
    }
    for table in acts.iter().map(String::as_str).chain(KEPT) {
        let column: String = sqlx::query_scalar(
            "select column_name::text from information_schema.columns
             where table_schema = current_schema() and table_name = $1 and is_identity = 'NO' and is_generated = 'NEVER'
             order by ordinal_position limit 1",
        )
        .bind(table)
        .fetch_one(&mut owner)
        .await
        .unwrap();
        for sql in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
        ] {
            let did = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&mut owner).await;
            assert!(did.is_err_and(|error| error.to_string().contains("append-only")), "{sql}");
        }
    }
}

fn case(key: &str, fields: Value) -> Value {
    json!({ "type": key, "title": "Título, \"com\" aspas; e ponto", "fields": fields })
}

/// Bodies that open cases of a module whose work is cases; none: it has none.
fn openings(slug: &str) -> Vec<Value> {
    match slug {
        "representation" => vec![case(
            "representation.delegation",
            json!({ "act": "Portaria 1/2026", "delegate": "Rita",
            "sphere": "state", "scope": "Encostas", "starts_on": "2026-02-23", "ends_on": "2026-12-31" }),
        )],
        "advisory" => vec![case(
            "advisory.consultation",
            json!({ "asked_by": "mayor", "question": "Pode?",
            "due_on": "2026-03-20", "form": "opinion" }),
        )],
        "coordination" => vec![determination("Bueiros", "2026-12-01")],
        "relations" => vec![
            case(
                "relations.demand",
                json!({ "counterpart_kind": "council", "counterpart": "Câmara", "received_on": "2026-02-20",
                "request": "O mapa", "contact": "maria@exemplo.invalid" }),
            ),
            case(
                "relations.meeting",
                json!({ "counterpart": "Estado", "day": "2026-03-10", "place": "Sala 2", "subject": "Obras" }),
            ),
        ],
        "legislative" => vec![case(
            "legislative.matter",
            json!({ "author": "Câmara", "regime": "ordinary", "summary": "Abrigos",
            "urn": "urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:2026-02-05;120" }),
        )],
        "ethics" => vec![
            case(
                "ethics.risk",
                json!({ "process": "Pagamento", "cause": "Falta vistoria", "probability": 2, "impact": 3 }),
            ),
            case("ethics.conflict", json!({ "kind": "gift", "asker": "Servidora", "question": "Posso?" })),
            case("ethics.liability", json!({ "company": "Inexistente Ltda.", "cnpj": GRANTOR, "facts": "Art. 5º, I" })),
            case("ethics.training", json!({ "theme": "ethics", "planned_on": "2026-04-01" })),
        ],
        "transparency" => vec![case(
            "transparency.publication",
            json!({ "item": "rreo", "covers_until": "2025-12-31",
            "published_on": "2026-01-30", "url": "https://exemplo.invalid/rreo.pdf" }),
        )],
        "participation" => vec![case(
            "participation.consultation",
            json!({ "kind": "hearing", "about": "loa", "summary": "Serve?",
            "opens_on": "2026-02-20", "closes_on": "2026-03-10" }),
        )],
        _ => openings_for_residents(slug),
    }
}

/// The same, of what residents ask for and read.
fn openings_for_residents(slug: &str) -> Vec<Value> {
    match slug {
        "service-evaluation" => vec![case(
            "service_evaluation.follow_up",
            json!({ "service": "inss", "year": 2026,
            "provider": "Agência", "dimension": "quality", "finding": "Fila", "due_on": "2026-04-20" }),
        )],
        "sic" => vec![case("sic.request", json!({ "request": "Quais obras param?" }))],
        "ombudsman" => vec![
            case(
                "ombudsman.manifestation",
                json!({ "kind": "praise", "text": "Bom atendimento", "identity": "anonymous" }),
            ),
            case("ombudsman.report", json!({ "year": "2025", "recurring": "Filas", "measures": "Mais guichês" })),
        ],
        "outreach" => vec![case(
            "outreach.campaign",
            json!({ "kind": "campaign", "project": "Contenções", "message": "Saiba",
            "cost": 1_500_000 }),
        )],
        "service-charter" => vec![case(
            "service_charter.service",
            json!({ "area": "Defesa Civil", "description": "Vistoria",
            "requirements": "Morar aqui", "documents": "Endereço", "steps": "Pedir", "max_days": 10, "days_kind": "business",
            "channels": "199", "priority": "Risco à vida", "complaint": "Ouvidoria", "review_on": "2026-12-30" }),
        )],
        "press" => vec![case("press.release", json!({ "kind": "answer", "lead": "Resumo", "body": "Dez famílias" }))],
        "assignments" => vec![case(
            "assignments.order",
            json!({ "act": "Despacho 3/2026", "kind": "measure", "text": "Inventariar",
            "due_on": "2026-04-03" }),
        )],
        "news" => vec![case(
            "news.item",
            json!({ "kind": "institutional", "lead": "Resumo", "body": "Texto", "tags": "obras" }),
        )],
        _ => Vec::new(),
    }
}

const FORMATS: [(&str, &str); 2] = [("jsonl", "application/jsonl"), ("csv", "text/csv")];

async fn export(room: &Room, by: &Person, slug: &str, format: &str) -> String {
    let request = Request::get(format!("/api/v1/secretariat/{slug}/export?format={format}"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    let (status, body) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{slug}: {body}");
    body
}

async fn import(room: &Room, by: &Person, slug: &str, (kind, body): (&str, &str)) -> Value {
    let request = Request::post(format!("/api/v1/secretariat/{slug}/import"))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_owned()));
    let (status, told) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{slug}: {told}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test]
async fn cases_of_every_module_come_in_elsewhere_and_go_out_there_with_the_same_bytes() {
    let room = Room::open(&[]).await;
    let others = [Room::open(&[]).await, Room::open(&[]).await];
    let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
    let mut seen = 0;
    for module in MODULES {
        let bodies = openings(module.slug);
        assert_eq!(
            bodies.is_empty(),
            types.of_module(module.key()).next().is_none(),
            "{} is not held here",
            module.slug
        );
        if bodies.is_empty() {
            continue;
        }
        let name = module.slug.replace('-', "");
        let here = room.person(&name, module.role).await;
        if module.slug == "service-evaluation" {
            let service =
                json!({ "code": "inss", "name": "INSS", "sphere": "federal", "unit": "Agência", "department": "" });
            let to = "secretariat/service-evaluation/services";
            let (status, told) = ask(&room, &here, Method::POST, to, service).await;
            assert!(status.is_success(), "{told}");
        }
        for body in &bodies {
            let case = open(&room, &here, module.slug, body.clone()).await;
            let charge = json!({ "revision": case["revision"], "assigned": name, "department": "Obras" });
            let (status, told) = ask(&room, &here, Method::POST, &path(module.slug, &case, "/assign"), charge).await;
            assert!(status.is_success(), "{}: {told}", module.slug);
        }
        for (other, (format, kind)) in others.iter().zip(FORMATS) {
            let there = other.person(&name, module.role).await;
            let out = export(&room, &here, module.slug, format).await;
            let told = import(other, &there, module.slug, (kind, &out)).await;
            assert_eq!(told, json!({ "added": bodies.len(), "unchanged": 0 }), "{}", module.slug);
            assert_eq!(export(other, &there, module.slug, format).await, out, "{} as {format}", module.slug);
            let told = import(other, &there, module.slug, (kind, &out)).await;
            assert_eq!(told, json!({ "added": 0, "unchanged": bodies.len() }), "{}", module.slug);
        }
        seen += 1;
    }
    assert_eq!(seen, 16, "modules whose work is cases");
}

/// What is done to a case of a module that publishes, by which of three people: it is examined, goes out, and is corrected.
fn life(slug: &str) -> Vec<(&'static str, usize, Value)> {
    let mended = |fields: Value| json!({ "reason": "O número estava errado", "fields": fields });
    match slug {
        "news" => vec![
            ("approve", 1, json!({})),
            ("publish", 0, json!({})),
            ("correct", 1, mended(json!({ "body": "Doze famílias" }))),
        ],
        "press" => vec![
            ("check", 1, json!({ "fields": { "fact_note": "Conferido" } })),
            ("approve", 2, json!({})),
            ("distribute", 2, json!({})),
            ("correct", 2, mended(json!({ "body": "Doze famílias", "correction": "São doze" }))),
        ],
        _ => vec![("publish", 1, json!({})), ("revise", 1, mended(json!({ "steps": "Pedir e esperar" })))],
    }
}

async fn attached(room: &Room, by: &Person, (slug, case): (&str, &Value)) {
    let request = Request::post(format!("/api/v1/{}?kind=source&name=Fonte", path(slug, case, "/documents")))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("Relatório da vistoria"));
    let (status, told) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{slug}: {told}");
}

/// A case that everybody reads, corrected, with a document where its type has some, and one that was withdrawn.
async fn lived(room: &Room, slug: &str, people: &[Person], owner: &str) -> Vec<Value> {
    let mut cases = Vec::new();
    for ends in [false, true] {
        let mut body = openings_for_residents(slug).remove(0);
        body["assigned"] = json!(owner);
        let case = open(room, &people[0], slug, body).await;
        if slug != "service-charter" {
            attached(room, &people[0], (slug, &case)).await;
        }
        for (act, by, with) in life(slug) {
            done(room, &people[by], slug, &case, (act, with)).await;
        }
        if ends {
            done(room, &people[1], slug, &case, ("retire", json!({ "reason": "Saiu por engano" }))).await;
        }
        cases.push(case);
    }
    cases
}

const WHOLE: &str = "&with=publications,documents";

#[tokio::test]
async fn what_was_published_and_attached_comes_in_elsewhere_with_the_same_pages_and_bytes() {
    let room = Room::open(&[]).await;
    let others = [Room::open(&[]).await, Room::open(&[]).await];
    let paula = others[0].person("paula", Role::Press).await;
    let outlet = json!({ "name": "Rádio", "email": "radio@exemplo.invalid", "tags": "" });
    let (status, told) = ask(&others[0], &paula, Method::POST, "secretariat/press/outlets", outlet).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    for module in MODULES.iter().filter(|module| ["news", "press", "service-charter"].contains(&module.slug)) {
        let slug = module.slug;
        let names = [0, 1, 2].map(|n| format!("{}{n}", slug.replace('-', "")));
        let mut people = Vec::new();
        for name in &names {
            people.push(room.person(name, module.role).await);
        }
        let cases = lived(&room, slug, &people, &names[1]).await;
        for (other, (format, kind)) in others.iter().zip(FORMATS) {
            let there = other.person(&names[0], module.role).await;
            let whole = format!("{format}{WHOLE}");
            let out = export(&room, &people[0], slug, &whole).await;
            let told = import(other, &there, slug, (kind, &out)).await;
            assert_eq!(told, json!({ "added": 2, "unchanged": 0 }), "{slug}");
            assert_eq!(export(other, &there, slug, &whole).await, out, "{slug} as {format}");
            let told = import(other, &there, slug, (kind, &out)).await;
            assert_eq!(told, json!({ "added": 0, "unchanged": 2 }), "{slug}");
            for (case, expected) in cases.iter().zip([StatusCode::OK, StatusCode::NOT_FOUND]) {
                let page = format!("/secretaria/{}/publicacoes/{}", module.slug_pt, case["id"].as_str().unwrap());
                let (here, there) = (room.stranger(Method::GET, &page).await, other.stranger(Method::GET, &page).await);
                assert_eq!((here.0, there.0), (expected, expected), "{page}");
                if expected == StatusCode::OK {
                    assert_eq!(here.1, there.1, "{page}");
                }
            }
        }
    }
    let kept = "select concat_ws(' ', count(*), count(imported_at), count(withdrawn_at)) from case_publication";
    assert_eq!(room.words(kept).await, ["12 0 6"]);
    for other in &others {
        assert_eq!(other.words(kept).await, ["12 12 6"], "marked as imported");
        assert_eq!(other.words("select count(*)::text from case_document where imported_at is not null").await, ["4"]);
        assert_eq!(super::chained::checked(other).await.found, 0, "every chain is whole");
    }
    // What went out where it comes from is sent to nobody from here.
    assert_eq!(press::round(&others[0].app, others[0].app.clock.now()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_file_carries_is_held_against_its_acts_and_comes_in_with_its_case_or_not_at_all() {
    let room = Room::open(&[]).await;
    let people = [room.person("news0", Role::News).await, room.person("news1", Role::News).await];
    lived(&room, "news", &people, "news1").await;
    let out = export(&room, &people[0], "news", &format!("jsonl{WHOLE}")).await;
    let bare = export(&room, &people[0], "news", "jsonl").await;
    assert!(!bare.contains("Relatório") && !bare.contains("\"publications\""), "{bare}");
    let other = Room::open(&[]).await;
    let there = other.person("news0", Role::News).await;
    let forged = async |text: String, words: &str| {
        assert_ne!(text, out);
        let request = Request::post("/api/v1/secretariat/news/import")
            .header(header::AUTHORIZATION, &there.token)
            .header(header::CONTENT_TYPE, "application/jsonl")
            .body(Body::from(text));
        let (status, told) = other.send(request.unwrap()).await;
        assert!(status == StatusCode::BAD_REQUEST && told.contains(words), "{words}: {told}");
    };
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[0]["publications"][1]["view"]["title"] = json!("Outro título");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    forged(text, "it has another SHA-256").await;
    let bytes = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "Relatório da vistoria");
    assert!(out.contains(&bytes), "{out}");
    forged(out.replacen(&bytes, "b3V0cm8=", 1), "it has other bytes than were attached").await;
    forged(out.replace(&bytes, "não é base64"), "line 1").await;
    assert_eq!(other.words("select count(*)::text from case_file").await, ["0"], "all or none");

    // A case that came in without them is not the same as one with them.
    import(&other, &there, "news", ("application/jsonl", &bare)).await;
    forged(out.clone() + "\n", "is here already with other acts, publications or documents").await;
}

/// Exports, imports elsewhere and exports there: the same bytes, and a second time nothing is new.
async fn goes_round(house: &House, role: Role) {
    let (status, out) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    assert_eq!((status, out.lines().count()), (StatusCode::OK, 1), "{out}");
    let other = House::open(role, house.base, "2026-03-02").await;
    for told in ["\"created\":1", "\"unchanged\":1"] {
        let (status, answer) = other.raw(&other.person.token, Method::POST, "/import", out.clone()).await;
        assert!(status == StatusCode::OK && answer.contains(told), "{answer}");
        assert_eq!(other.raw(&other.person.token, Method::GET, "/export", String::new()).await.1, out);
    }
}

#[tokio::test]
async fn convenios_and_projects_come_in_elsewhere_and_go_out_there_with_the_same_bytes() {
    let house = House::open(Role::Funding, "funding", "2026-03-02").await;
    let opening = json!({ "kind": "convenio", "object": "Contenção", "grantor": { "name": "MIDR", "document": GRANTOR },
        "proposals_until": "2026-12-31" });
    let id = house.opened(opening).await;
    house.done(&id, json!({ "act": "propose", "on": "2026-03-02", "text": "Proposta 0123" })).await;
    let work = plan("2026-03-02", "2027-03-01", &[("2026-03-02", 90_000_000)]);
    house
        .done(
            &id,
            json!({ "act": "write_plan", "agreed": 90_000_000, "counterpart": 10_000_000, "starts_on": "2026-03-02",
        "ends_on": "2027-03-01", "plan": work }),
        )
        .await;
    house
        .done(
            &id,
            json!({ "act": "sign", "on": "2026-03-02", "clause": "Projeto aprovado", "clause_on": "2026-09-30" }),
        )
        .await;
    house.done(&id, json!({ "act": "publish", "on": "2026-03-02", "place": "DOU" })).await;
    goes_round(&house, Role::Funding).await;

    let house = House::open(Role::StrategicProjects, "strategic-projects", "2026-03-02").await;
    let opening =
        json!({ "kind": "project", "title": "Cidade resiliente", "objective": "Menos risco", "owner": "Rui" });
    planned(&house.room, ("0012", "2045")).await;
    let id = house.opened(opening).await;
    house.done(&id, json!({ "act": "add_milestone", "title": "Licitação", "planned_on": "2026-12-30" })).await;
    house.done(&id, json!({ "act": "set_budget", "budget_key": "0012.2045", "budget": 1000 })).await;
    goes_round(&house, Role::StrategicProjects).await;
}

#[tokio::test]
async fn what_everybody_reads_of_an_agreement_is_what_was_published_whatever_changes_behind_it() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "doacao_adocao", "object": "Adoção da praça" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Sem ônus", "law_ref": "Lei municipal" })).await;
    house
        .done(&id, json!({ "act": "select", "partner": { "name": "Casa", "document": PARTNER }, "reason": "Vizinha" }))
        .await;
    let work = plan("2026-01-14", "2026-12-31", &[]);
    house.done(&id, json!({ "act": "write_plan", "agreed": 0, "starts_on": "2026-01-14", "ends_on": "2026-12-31", "plan": work })).await;
    for kind in ["technical", "legal"] {
        house.done(&id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Sim" })).await;
    }
    house.done(&id, json!({ "act": "sign", "on": "2026-01-14" })).await;
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário" })).await;
    let listed = house.public().await;
    assert_eq!(listed.len(), 1);
    // Behind the desk's back.
    sqlx::query("update instrument set title = 'Segredo', partner = 'Segredo', document = jsonb_set(document, '{selection}', '\"Segredo\"')")
        .execute(&house.room.db.pool)
        .await
        .unwrap();
    assert_eq!(house.public().await, listed);
    let (status, page) = house.room.stranger(Method::GET, &format!("/secretaria/parcerias/{id}")).await;
    assert!(status == StatusCode::OK && page.contains("Adoção da praça") && !page.contains("Segredo"), "{page}");
}
