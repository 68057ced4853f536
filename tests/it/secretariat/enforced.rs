//! What is enforced whoever asks: laws by the day of the anchor, acts that are never rewritten, and exports of every module that come in
//! elsewhere and go out there byte by byte the same. docs/secretariat/enforced.md names what holds each point.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::Types;
use sentinela::secretariat::modules::MODULES;
use serde_json::{Value, json};

use super::instruments::{GRANTOR, House, PARTNER, plan};
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
const KEPT: [&str; 34] = [
    "chain_link",
    "case_type",
    "case_document",
    "case_link",
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
