//! What is taken out reads back byte for byte, in a town that had nothing.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use super::super::chained::{found_after, found_in};
use super::{House, PARTNER, plan};

/// One of a thousand centavos' worth, signed.
async fn signed(house: &House, on: &str) -> Value {
    let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    house
        .done(&id, json!({ "act": "select", "partner": { "name": "Casa", "document": PARTNER }, "reason": "Única" }))
        .await;
    let plan = plan("2026-01-14", "2026-12-31", &[("2026-01-14", 1000)]);
    house.done(&id, json!({ "act": "write_plan", "agreed": 1000, "starts_on": "2026-01-14", "ends_on": "2026-12-31", "plan": plan })).await;
    house.done(&id, json!({ "act": "appoint", "manager": "Rui", "commission": ["Ana"] })).await;
    for kind in ["technical", "legal"] {
        house.done(&id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Sim" })).await;
    }
    house.done(&id, json!({ "act": "sign", "on": on })).await
}

#[tokio::test]
async fn an_export_reads_back_byte_for_byte_and_the_series_goes_on_after_it() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = signed(&house, "2026-01-14").await["id"].as_str().unwrap().to_owned();
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    for act in ["commit", "release"] {
        house.done(&id, json!({ "act": act, "centavos": 1000, "on": "2026-01-14", "what": "Parcela" })).await;
    }
    house.done(&id, json!({ "act": "reverse", "seq": 2, "on": "2026-01-14", "reason": "Conta errada" })).await;
    let (status, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    assert_eq!((status, text.lines().count()), (StatusCode::OK, 1));
    assert_eq!(house.show(&id).await["broken_at"], Value::Null);

    // A day later: what is made there from now on has other ids than what comes in.
    let other = House::open(Role::Agreements, "agreements", "2026-01-15").await;
    let import = async |text: &str| other.raw(&other.person.token, Method::POST, "/import", text.to_owned()).await;
    let (status, told) = import(&text).await;
    assert_eq!((status, told.contains("\"created\":1")), (StatusCode::OK, true), "{told}");
    let (_, again) = other.raw(&other.person.token, Method::GET, "/export", String::new()).await;
    assert_eq!(again, text);
    assert!(import(&text).await.1.contains("\"unchanged\":1"));
    let (status, told) = import(&text.replace("Oficinas", "Outra coisa")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert_eq!(other.public().await[0]["released_centavos"], 0);
    assert_eq!(signed(&other, "2026-01-15").await["number"], "2026/002");
    for table in ["instrument_act", "instrument_money"] {
        let rewritten =
            sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}"))).execute(&other.room.db.pool).await;
        assert!(rewritten.is_err(), "{table} is only added to");
    }
}

#[tokio::test]
async fn an_act_that_was_changed_behind_the_service_is_told_and_does_not_come_in() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
    let waive = json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" });
    assert_eq!(house.done(&id, waive).await["broken_at"], Value::Null);
    let (_, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    let other = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let mut forged: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(forged["acts"][1]["asked"]["law_ref"], "Lei 13.019/2014, art. 30, I", "{forged}");
    forged["acts"][1]["asked"]["law_ref"] = json!("Lei 13.019/2014, art. 30, V");
    let forged = forged.to_string();
    let (status, told) = other.raw(&other.person.token, Method::POST, "/import", forged).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
    assert!(told.contains("the chain is broken at act 2"), "{told}");

    // What a superuser can do: no trigger is asked.
    let mut owner = house.room.db.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner
        .execute("update instrument_act set asked = jsonb_set(asked, '{ground}', '\"Outro\"') where seq = 2")
        .await
        .unwrap();
    assert_eq!(house.show(&id).await["broken_at"], 2);
    let link = format!("/secretaria/painel/parcerias/{id}");
    let page = house.room.page(&house.person, &link).await;
    assert!(page.contains("its chain of hashes does not fit"), "{page}");
    // The last act without its place is no act from before there was a chain.
    owner.execute("alter table instrument_act drop constraint instrument_act_chained").await.unwrap();
    owner.execute("update instrument_act set hash = null where seq = 2").await.unwrap();
    assert_eq!(house.show(&id).await["broken_at"], 2);
    owner.close().await.unwrap();
}

#[tokio::test]
async fn acts_from_before_the_chain_are_covered_by_the_next_one_and_their_old_files_come_in() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
    let mut owner = house.room.db.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner.execute("alter table instrument_act drop constraint instrument_act_chained").await.unwrap();
    owner.execute("update instrument_act set prev = null, hash = null, covers = null").await.unwrap();
    let waive = json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" });
    assert_eq!(house.done(&id, waive).await["broken_at"], Value::Null);
    let (_, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    let mut old: Value = serde_json::from_str(&text).unwrap();
    for act in old["acts"].as_array_mut().unwrap() {
        act.as_object_mut().unwrap().retain(|key, _| key != "prev" && key != "hash");
    }
    let other = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    for word in ["\"created\":1", "\"unchanged\":1"] {
        let (status, told) = other.raw(&other.person.token, Method::POST, "/import", old.to_string()).await;
        assert_eq!((status, told.contains(word)), (StatusCode::OK, true), "{told}");
    }
    assert_eq!(other.raw(&other.person.token, Method::GET, "/export", String::new()).await.1, text);
    owner.execute("update instrument_act set reason = 'Outro' where seq = 1").await.unwrap();
    assert_eq!(house.show(&id).await["broken_at"], 2);
    owner.close().await.unwrap();
}

#[tokio::test]
async fn money_and_document_that_were_changed_behind_the_acts_are_told_and_do_not_come_in() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = signed(&house, "2026-01-14").await["id"].as_str().unwrap().to_owned();
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    house.done(&id, json!({ "act": "commit", "centavos": 1000, "on": "2026-01-14", "what": "Parcela" })).await;
    let (_, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    let whole: Value = serde_json::from_str(&text).unwrap();
    let last = whole["acts"].as_array().unwrap().len();
    let other = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let document: Value = serde_json::from_str(&whole["document"].to_string().replace("Oficinas", "Oficinaz")).unwrap();
    assert_ne!(document, whole["document"]);
    let mut entry = whole["money"][0].clone();
    entry["centavos"] = json!(900);
    for (field, forged) in [("document", document), ("money", json!([])), ("money", json!([entry]))] {
        let mut line = whole.clone();
        line[field] = forged;
        let (status, told) = other.raw(&other.person.token, Method::POST, "/import", line.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
        assert!(told.contains(&format!("money or document are not what act {last} left")), "{told}");
    }
    found_in(&house.room, "instrument", &[("instrument_money", "actor")]).await;

    let mut owner = house.room.db.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    for (change, undo) in [
        ("update instrument_money set centavos = 900", "update instrument_money set centavos = 1000"),
        (
            "update instrument set document = replace(document::text, 'Oficinas', 'Oficinaz')::jsonb",
            "update instrument set document = replace(document::text, 'Oficinaz', 'Oficinas')::jsonb",
        ),
    ] {
        found_after(&house.room, change, &format!("money or document are not what act {last} left")).await;
        assert_eq!(house.show(&id).await["broken_at"], last, "{change}");
        owner.execute(undo).await.unwrap();
        assert_eq!(house.show(&id).await["broken_at"], Value::Null, "{undo}");
    }
    owner.close().await.unwrap();
}

#[tokio::test]
async fn each_of_many_instruments_is_taken_out_with_what_is_its_own() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    for object in ["Oficinas", "Corais", "Hortas"] {
        house.opened(json!({ "kind": "fomento", "object": object })).await;
    }
    let last = house.opened(json!({ "kind": "fomento", "object": "Teatro" })).await;
    let waive = json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" });
    house.done(&last, waive).await;
    let (_, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |line: &Value| (line["document"].to_string(), line["acts"].as_array().unwrap().len());
    for (object, acts) in [("Oficinas", 1), ("Corais", 1), ("Hortas", 1), ("Teatro", 2)] {
        let own: Vec<usize> =
            lines.iter().map(of).filter(|(document, _)| document.contains(object)).map(|(_, count)| count).collect();
        assert_eq!(own, [acts], "{object}: {text}");
    }
    assert_eq!(lines.len(), 4);
}
