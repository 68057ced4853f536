//! Search and counts: what is found with and without accents, also behind thousands of newer cases, and what is counted once.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::Value;

use super::{determination, moved, open};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// Titles that words find in a module, the newest first.
async fn found(room: &Room, by: &Person, module: &str, query: &str) -> Vec<String> {
    let (status, page) =
        ask(room, by, Method::GET, &format!("secretariat/{module}/cases?q={query}"), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn words_are_found_with_and_without_accents_and_in_their_module_only() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    open(&room, &carla, "coordination", determination("Iluminação da praça", "2026-12-01")).await;
    open(&room, &carla, "coordination", determination("Poda na PRACA central", "2026-12-01")).await;
    let find = async |query: &str| found(&room, &carla, "coordination", query).await;
    assert_eq!(find("ilumina%C3%A7%C3%A3o").await, ["Iluminação da praça"]);
    assert_eq!(find("ILUMINACAO").await, ["Iluminação da praça"]);
    // Whoever writes accents finds what was written without them, and the other way round.
    assert_eq!(find("pra%C3%A7a").await, ["Poda na PRACA central", "Iluminação da praça"]);
    assert_eq!(find("praca").await, ["Poda na PRACA central", "Iluminação da praça"]);
    assert_eq!(find("praca+-iluminacao").await, ["Poda na PRACA central"]);
    // Words that say nothing find nothing, and the name of the module is none of the words.
    assert_eq!(find("de+a+o").await, [""; 0]);
    assert_eq!(find("coordination").await, [""; 0]);
    assert_eq!(found(&room, &carla, "advisory", "praca").await, [""; 0]);
}

/// Cases that came after those that are there, a thousandth of a second apart.
const NEWER: &str = "
    insert into case_file (id, type_key, type_version, module, title, state, is_final, fields, access, author, source, opened_at, changed_at, words,
            opened_year)
        select (lpad(to_hex((extract(epoch from opened_at) * 1000)::bigint + n), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid, type_key,
            type_version, module, 'Boca de lobo ' || n, state, is_final, fields, access, author, source, opened_at, changed_at,
            'Boca de lobo ' || n, opened_year
        from case_file, generate_series(1, 2100) n where title = 'Ornitorrinco na encosta'";

#[tokio::test]
async fn a_rare_word_is_found_behind_thousands_of_newer_cases_and_a_common_one_page_by_page() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    open(&room, &carla, "coordination", determination("Ornitorrinco na encosta", "2026-12-01")).await;
    sqlx::query(NEWER).execute(&room.db.pool).await.unwrap();
    assert_eq!(found(&room, &carla, "coordination", "ornitorrinco").await, ["Ornitorrinco na encosta"]);
    assert_eq!(
        found(&room, &carla, "coordination", "ornitorrinco&open=true&year=2026").await,
        ["Ornitorrinco na encosta"]
    );
    assert_eq!(found(&room, &carla, "coordination", "ornitorrinco&open=false").await, [""; 0]);
    assert_eq!(found(&room, &carla, "coordination", "ornitorrinco&year=2025").await, [""; 0]);
    let path = "secretariat/coordination/cases?q=lobo";
    let first = ask(&room, &carla, Method::GET, path, Value::Null).await.1;
    assert_eq!(first["items"].as_array().unwrap().len(), 50, "{first}");
    assert_eq!(first["items"][0]["title"], "Boca de lobo 2100");
    let next = format!("{path}&before={}", first["next"].as_str().unwrap());
    let second = ask(&room, &carla, Method::GET, &next, Value::Null).await.1;
    assert_eq!(second["items"][0]["title"], "Boca de lobo 2050", "{second}");
}

#[tokio::test]
async fn a_case_with_two_deadlines_that_ran_out_is_late_once_by_the_first_of_them() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Limpar a galeria", "2026-03-20")).await;
    let codes: Vec<&str> =
        case["deadlines"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
    let stands = async |room: &Room, by: &Person| {
        let all = ask(room, by, Method::GET, "secretariat/modules", Value::Null).await.1;
        let of = all.as_array().unwrap().iter().find(|one| one["slug"] == "coordination").unwrap().clone();
        ["open", "late", "near"].map(|count| of[count].as_i64().unwrap())
    };
    assert_eq!(stands(&room, &carla).await[..2], [1, 0]);
    let carla = moved(&room, &carla, "carla", "2026-06-01T12:00:00Z").await;
    assert_eq!(stands(&room, &carla).await, [1, 1, 0]);
    let view = ask(&room, &carla, Method::GET, "secretariat/mayor", Value::Null).await.1;
    let late = view["late"].as_array().unwrap();
    assert_eq!(late.len(), 1, "{view}");
    assert_eq!(late[0]["code"], "coordination.accept", "{view}");
}
