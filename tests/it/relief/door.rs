//! A shelter from its opening to its closing, over the pages and the API.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::House;

async fn opening(house: &House) -> String {
    let form = [
        ("code", "E1"),
        ("name", "Escola Halfeld"),
        ("place", "-21.7500, -43.3950"),
        ("capacity", "3"),
        ("accessible", "yes"),
    ];
    house.done(&house.olga, "/console/shelters", &form).await;
    let id = house.texts("select id::text from shelter").await.remove(0);
    let act = format!("/console/shelters/{id}/act");
    house.refused(&house.olga, &act, &[("act", "open")], "does not allow this").await;
    let incident = super::INCIDENT.to_string();
    house.done(&house.olga, &act, &[("act", "begin"), ("incident", &incident)]).await;
    house.refused(&house.olga, &act, &[("act", "open")], "checklist is not complete").await;
    for item in ["water", "light", "bathrooms", "kitchen", "team", "safety"] {
        let fields = [("item", item), ("found", "good"), ("note", "visto")];
        house.done(&house.fabio, &format!("/console/shelters/{id}/check"), &fields).await;
    }
    house.done(&house.olga, &act, &[("act", "open")]).await;
    id
}

#[tokio::test]
async fn a_shelter_is_checked_opened_filled_emptied_and_closed_and_each_step_has_its_line() {
    let house = House::open().await;
    let id = opening(&house).await;
    let base = format!("/console/shelters/{id}");
    // Nobody without consent; kinds of help only with the second one.
    let ana = [
        ("name1", "Ana Conceição"),
        ("age1", "adult"),
        ("need1", "medication"),
        ("name2", "Bia"),
        ("age2", "infant"),
        ("district", "Linhares"),
        ("pets", "1"),
    ];
    house.refused(&house.fabio, &format!("{base}/family"), &ana, "nobody is registered").await;
    let consenting = [&ana[..], &[("consent", "yes")]].concat();
    house.refused(&house.fabio, &format!("{base}/family"), &consenting, "second consent").await;
    let both = [&consenting[..], &[("needs_consent", "yes")]].concat();
    house.done(&house.fabio, &format!("{base}/family"), &both).await;
    assert_eq!(house.texts("select count(*)::text from stay where until_at is null").await, ["2"]);
    assert!(house.texts("select 'x' from vault_record where encode(sealed, 'escape') like '%Ana%'").await.is_empty());
    // The public sees neither names nor so few persons.
    let public = house.json("/api/v1/public/shelters").await;
    assert_eq!((&public["sheltered"], &public["open"][0]["name"]), (&json!(null), &json!("Escola Halfeld")));
    let page = house.room.stranger(Method::GET, "/abrigos").await.1;
    assert!(page.contains("Escola Halfeld") && page.contains("fewer than 5") && !page.contains("Concei"), "{page}");
    let item = house.json("/ogc/collections/shelters/items/E1").await;
    assert_eq!((&item["properties"]["open"], &item["properties"]["capacity"]), (&json!(true), &json!(3)));
    // A second family does not fit without a reason.
    let two = [("name1", "Caio"), ("age1", "elder"), ("name2", "Duda"), ("age2", "child"), ("consent", "yes")];
    house.refused(&house.fabio, &format!("{base}/family"), &two, "no room for all").await;
    assert_eq!(house.texts("select count(*)::text from household").await, ["1"], "what was refused left nothing");
    let pressed = [&two[..], &[("reason", "única escola seca")]].concat();
    house.done(&house.fabio, &format!("{base}/family"), &pressed).await;
    assert_eq!(house.texts("select state from shelter").await, ["full"]);
    assert_eq!(house.texts("select distinct override_reason from stay order by 1").await, ["", "única escola seca"]);
    // One field finds them by a part of the name; the page shows who is inside.
    let (_, found) = house.form(&house.fabio, &format!("{base}/find"), &[("who", "conceicao")]).await;
    assert!(found.contains("Ana Conceição") && found.contains("is in Escola Halfeld"), "{found}");
    let reads = house.texts("select reason from audit_event where act = 'sheltered.read' order by at, id").await;
    assert!(reads.iter().any(|why| why == "search at the door"), "{reads:?}");
    // A wrong check-in is taken back with a reason.
    let caio = house.texts("select p.id::text from displaced_person p where age = 'elder'").await.remove(0);
    let undo = format!("{base}/undo");
    house
        .refused(&house.fabio, &undo, &[("person", &caio), ("reason", "outra escola")], "Tick that you are sure")
        .await;
    house.refused(&house.fabio, &undo, &[("person", &caio), ("sure", "yes")], "Write the reason").await;
    house.done(&house.fabio, &undo, &[("person", &caio), ("reason", "outra escola"), ("sure", "yes")]).await;
    // It does not close while somebody is in it.
    let act = format!("{base}/act");
    house.done(&house.olga, &act, &[("act", "wind_down"), ("reason", "a água baixou"), ("sure", "yes")]).await;
    house.refused(&house.olga, &act, &[("act", "close"), ("sure", "yes")], "still persons in the shelter").await;
    let hers = house
        .texts("select h.code from household h join displaced_person p on p.household_id = h.id where p.age = 'infant'")
        .await;
    let leaving = json!({ "codes": [hers[0], house.texts("select code from displaced_person where age = 'child'").await[0]], "destination": "home" });
    let (status, left) = house.api(&house.fabio, Method::POST, "/api/v1/departures", &leaving).await;
    assert_eq!((status, left), (StatusCode::OK, json!({ "left": 3 })));
    house.done(&house.olga, &act, &[("act", "close"), ("sure", "yes")]).await;
    let events = house.texts("select act || ' ' || state from shelter_event order by id").await;
    assert_eq!(events, ["begin opening", "open open", "fill full", "wind_down closing", "close closed"]);
    let lines = house.texts("select text from incident_entry where kind = 'shelter' order by id").await;
    assert!(lines.iter().any(|line| line.contains("acima da capacidade (4 de 3)")), "{lines:?}");
    assert_eq!(lines.len(), 6, "{lines:?}");
    let report = house.room.page(&house.olga, "/console/shelters/report").await;
    assert!(report.contains("Escola Halfeld"), "{report}");
    let incident = house.room.page(&house.olga, &format!("/console/incidents/{}", super::INCIDENT)).await;
    assert!(incident.contains(&format!("/console/shelters/{id}")), "{incident}");
}

#[tokio::test]
async fn somebody_who_comes_to_another_shelter_is_moved_and_displaced_families_are_counted_apart() {
    let house = House::open().await;
    let app = &house.room.app;
    let (a, b) = (super::opened(app, "A", 50).await, super::opened(app, "B", 50).await);
    let (_, six) = super::registered(app, &["Ana", "Bia", "Caio", "Duda", "Edu", "Fê"]).await;
    let code = house.texts("select code from household").await.remove(0);
    let typed = format!("{}-{}", &code[..3].to_lowercase(), &code[3..].to_lowercase());
    let arrival = json!({ "codes": [typed] });
    let to = |id| format!("/api/v1/shelters/{id}/arrivals");
    let (status, first) = house.api(&house.fabio, Method::POST, &to(a), &arrival).await;
    assert_eq!((status, &first["taken_in"]), (StatusCode::OK, &json!(6)), "{first}");
    let (_, again) = house.api(&house.fabio, Method::POST, &to(a), &arrival).await;
    assert_eq!(again, json!({ "taken_in": 0, "transferred": 0, "here_before": 6, "beyond": false }));
    let (_, moved) = house.api(&house.fabio, Method::POST, &to(b), &arrival).await;
    assert_eq!((&moved["taken_in"], &moved["transferred"]), (&json!(6), &json!(6)));
    let rows = house.api(&house.fabio, Method::GET, "/api/v1/shelters", &json!(null)).await.1;
    assert_eq!((&rows[0]["sheltered"], &rows[1]["sheltered"]), (&json!(0), &json!(6)), "{rows}");
    // The transfer of one was wrong: they are where they were.
    let undo = [("person", &*six[0].to_string()), ("reason", "ficou na A"), ("sure", "yes")];
    house.done(&house.fabio, &format!("/console/shelters/{b}/undo"), &undo).await;
    let where_she_is = house.texts("select s.code from stay t join shelter s on s.id = t.shelter_id join displaced_person p on p.id = t.person_id
        where t.until_at is null order by s.code limit 1").await;
    assert_eq!(where_she_is, ["A"]);
    // A family with relatives is displaced and takes no place.
    let mut form = vec![
        ("incident".to_owned(), super::INCIDENT.to_string()),
        ("host".into(), "relatives".into()),
        ("consent".into(), "yes".into()),
    ];
    form.extend((1..=5).map(|n| (format!("age{n}"), "adult".to_owned())));
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    house.done(&house.fabio, "/console/displaced", &form).await;
    let public = house.json("/api/v1/public/shelters").await;
    assert_eq!((&public["sheltered"], &public["elsewhere"]), (&json!(6), &json!(5)));
    // Who is in a shelter is not displaced elsewhere as well.
    let family = house.texts("select id::text from household order by created_at, id").await.remove(0);
    let path = format!("/console/households/{family}/elsewhere");
    house.refused(&house.fabio, &path, &[("person", &six[1].to_string()), ("host", "friends")], "in a shelter").await;
    let wrong = json!({ "codes": ["Maria"] });
    assert_eq!(house.api(&house.fabio, Method::POST, &to(a), &wrong).await.0, StatusCode::BAD_REQUEST);
    let viewer = house.room.person("vera", sentinela::accounts::Role::Viewer).await;
    let page = house.room.page(&viewer, &format!("/console/shelters/{b}")).await;
    assert!(page.contains("Escola B") && !page.contains("Ana<"), "{page}");
}

#[tokio::test]
async fn what_a_place_needs_is_asked_for_promised_and_counted_when_it_comes() {
    let house = House::open().await;
    let place = super::opened(&house.room.app, "A", 50).await;
    house.done(&house.olga, "/console/supplies/items", &[("name", "Colchão"), ("unit", "peça")]).await;
    let item = house.texts("select id::text from supply_item").await.remove(0);
    let path = format!("/console/supplies/{place}");
    let need = [("act", "need"), ("item", &*item), ("wanted", "40"), ("priority", "urgent"), ("public", "yes")];
    house.done(&house.fabio, &path, &need).await;
    let id = house.texts("select id::text from supply_need").await.remove(0);
    house.done(&house.fabio, &path, &[("act", "promise"), ("need", &id), ("amount", "15"), ("donor", "Rotary")]).await;
    let public = house.json("/api/v1/public/shelters").await;
    assert_eq!(
        public["needs"],
        json!([{ "item": "Colchão", "unit": "peça", "missing": 25, "priority": "urgent", "place": "Escola A" }])
    );
    let promise = house.texts("select id::text from supply_promise").await.remove(0);
    house.done(&house.fabio, &path, &[("act", "came"), ("promise", &promise), ("amount", "12")]).await;
    let used = [("act", "enter"), ("kind", "used"), ("item", &*item), ("amount", "13")];
    house.refused(&house.fabio, &path, &used, "not enough in stock").await;
    let body = json!({ "item": item, "kind": "received", "amount": 28 });
    let entries = format!("/api/v1/supplies/{place}/entries");
    assert_eq!(house.api(&house.fabio, Method::POST, &entries, &body).await.0, StatusCode::CREATED);
    assert_eq!(house.texts("select received || ' ' || closed_reason from supply_need").await, ["40 filled"]);
    let moved = json!({ "item": item, "kind": "moved_in", "amount": 1 });
    assert_eq!(house.api(&house.fabio, Method::POST, &entries, &moved).await.0, StatusCode::BAD_REQUEST);
    let page = house.room.page(&house.fabio, &path).await;
    assert!(page.contains("40 peça") && page.contains("donated"), "{page}");
}
