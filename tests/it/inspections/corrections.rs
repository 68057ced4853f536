//! What becomes of interdictions, photographs and times when something is corrected, removed, or comes late.

use axum::body::Body;
use chrono::TimeDelta;

use super::*;

impl House {
    /// Takes an inspection that corrects another, with this changed.
    async fn correct(&self, n: u128, of: &Value, change: Value) -> (StatusCode, Value) {
        let mut what = inspection(n);
        what["supersedes"] = of["id"].clone();
        what["correction_reason"] = json!("Conferido no local");
        for (field, value) in change.as_object().unwrap() {
            what[field] = value.clone();
        }
        self.take(&self.fabio, &what).await
    }

    async fn file(&self, who: &Person, path: &str) -> (StatusCode, String) {
        self.room.send(Request::get(path).header("cookie", &who.cookie).body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn the_public_notice_of_an_interdiction_tells_no_house_and_no_name_however_the_street_was_written() {
    let house = House::open().await;
    for (n, street) in ["Rua das Flores nº12", "Rua do Sol 120 - casa da Maria", "Casa da Dona Maria perto da padaria"]
        .iter()
        .enumerate()
    {
        let n = u128::try_from(n).unwrap();
        let mut what = inspection(10 + n);
        what["street"] = json!(street);
        what["interdiction"] = term(20 + n);
        assert_eq!(house.take(&house.fabio, &what).await.0, StatusCode::CREATED);
    }
    let open = house.json("/api/v1/public/interdictions").await;
    let mut streets: Vec<&str> =
        open["active"].as_array().unwrap().iter().map(|one| one["street"].as_str().unwrap()).collect();
    streets.sort_unstable();
    assert_eq!(streets, ["", "Rua das Flores", "Rua do Sol"]);
    assert_eq!((&open["total"], &open["next"]), (&json!(3), &Value::Null));
    let notice = house.room.page(&house.fabio, "/interdicoes").await;
    let lines = house.texts("select text from incident_entry where kind = 'inspection' order by id").await.concat();
    for (name, said) in [("notice", &notice), ("timeline", &lines)] {
        assert!(!said.contains("Maria") && !said.contains("120") && !said.contains("nº12"), "{name}: {said}");
    }
}

#[tokio::test]
async fn an_interdiction_follows_the_correction_of_its_inspection_and_is_not_made_twice() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["interdiction"] = term(2);
    let (_, first) = house.take(&house.fabio, &what).await;
    let twice = json!({ "interdiction": term(4) });
    let (status, said) = house.correct(3, &first, twice).await;
    assert_eq!((status, &said["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("interdiction")), "{said}");
    assert!(said["errors"][0]["message"].as_str().unwrap().contains("2026/001"), "{said}");
    // The street had a mistake in it.
    let (status, second) = house.correct(3, &first, json!({"street": "Rua do Sol", "house_number": "8"})).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    let lines = house.look(&house.olga, "/api/v1/inspections").await;
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["forbidden"]), (1, &json!(1)));
    let page = house.room.page(&house.olga, "/console/inspections?forbidden=yes").await;
    assert!(page.contains("num\">2026/002") && page.contains("Rua do Sol"), "{page}");
    let (_, csv) = house.file(&house.olga, "/console/inspections.csv").await;
    assert!(csv.lines().nth(1).unwrap().ends_with(",1,0,2026-001") || csv.contains(",1,0,"), "{csv}");
    for one in [&first, &second] {
        let path = format!("/api/v1/inspections/{}", one["id"].as_str().unwrap());
        let shown = house.look(&house.olga, &path).await;
        assert_eq!(shown["interdictions"].as_array().unwrap().len(), 1, "{shown}");
    }
    // Lists and notice say where it is; the term says what was signed, and by whom it was made.
    let open = house.json("/api/v1/public/interdictions").await;
    assert_eq!(open["active"][0]["street"], json!("Rua do Sol"));
    let all = house.look(&house.olga, "/api/v1/interdictions?state=active").await;
    assert_eq!((&all[0]["street"], &all[0]["term_address"]), (&json!("Rua do Sol"), &json!("Rua das Flores, 20, 20")));
    let name = house.texts("select name from staff where username = 'fabio'").await.remove(0);
    let path = format!("/console/interdictions/{}", first["interdiction"]["id"].as_str().unwrap());
    let term = house.room.page(&house.fabio, &format!("{path}/term")).await;
    assert!(term.contains("Rua das Flores, 20") && term.contains(&name), "{term}");
    let page = house.room.page(&house.olga, &path).await;
    assert!(page.contains("Rua do Sol, 8") && page.contains("Rua das Flores, 20"), "{page}");
    let today = house.look(&house.fabio, "/api/v1/field/today").await;
    assert_eq!(
        (&today["interdictions"][0]["street"], &today["interdictions_total"]),
        (&json!("Rua do Sol"), &json!(1))
    );
    // A third one stands on the second as well; released, the house may be forbidden anew.
    let release = format!("/api/v1/interdictions/{}/release", first["interdiction"]["id"].as_str().unwrap());
    let done = json!({"key": key(9), "reason": "Muro refeito"});
    assert_eq!(house.api(&house.fabio, Method::POST, &release, &done).await.0, StatusCode::CREATED);
    let (status, third) = house.correct(5, &second, json!({ "interdiction": super::term(6) })).await;
    assert_eq!((status, &third["interdiction"]["number"]), (StatusCode::CREATED, &json!("2026/002")), "{third}");
}

#[tokio::test]
async fn what_was_done_in_the_field_without_a_network_bears_the_time_at_which_it_was_done() {
    let house = House::open().await;
    let now = house.room.app.clock.now();
    let occurrence = Uuid::from_u128(0x0c);
    sqlx::query(
        "insert into occurrence (id, number, kind, state, opened_at, first_at, last_at, trust, pressing, assignee,
             decided_at, decided_by)
         values ($1, '2026/001', 'landslide', 'dispatched', $2, $2, $2, 1, 1, 'fabio', $2, 'olga')",
    )
    .bind(occurrence)
    .bind(now - TimeDelta::hours(5))
    .execute(&house.room.db.pool)
    .await
    .unwrap();
    let act = |n: u128, act: &str, at: chrono::DateTime<chrono::Utc>, text: &str| json!({"key": key(n), "act": act, "id": occurrence, "text": text, "at": at, "sent_at": now});
    let hours = |n| now - TimeDelta::hours(n);
    for what in [
        act(1, "arrive", hours(4), ""),
        act(2, "note", hours(3), "Muro escorado"),
        // Before the arrival it cannot have been.
        act(3, "resolve", hours(6), "Família levada"),
    ] {
        for status in [StatusCode::CREATED, StatusCode::OK] {
            let (found, said) = house.api(&house.fabio, Method::POST, "/api/v1/field/acts", &what).await;
            assert_eq!(found, status, "{what}: {said}");
        }
    }
    let times: (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select on_scene_at, resolved_at from occurrence").fetch_one(&house.room.db.pool).await.unwrap();
    assert_eq!(times, (hours(4), hours(4)));
    let note = house.texts("select text from occurrence_event where kind = 'note'").await.remove(0);
    assert!(note.starts_with("Muro escorado (") && note.contains("às "), "{note}");
    // The audit says when it came.
    let at = "select count(*)::text from audit_event a where a.act = 'occurrence.arrive' and a.at = (select max(at) from audit_event)";
    assert_eq!(house.texts(at).await, ["1"]);

    let mut what = inspection(10);
    what["observed_at"] = json!(hours(3));
    what["interdiction"] = term(11);
    let (_, taken) = house.take(&house.fabio, &what).await;
    let release = format!("/api/v1/interdictions/{}/release", taken["interdiction"]["id"].as_str().unwrap());
    let done = json!({"key": key(12), "reason": "Muro refeito", "at": hours(1), "sent_at": now});
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let (found, said) = house.api(&house.fabio, Method::POST, &release, &done).await;
        assert_eq!(found, status, "{said}");
        assert_eq!(said["released_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), hours(1));
    }
}

#[tokio::test]
async fn a_photograph_of_an_inspection_is_removed_with_a_reason_and_its_sum_stays() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["photographs"] = json!([{"key": key(3), "caption": "Muro", "taken_at": "2026-02-22T11:01:00Z"},
        {"key": key(4), "caption": "Casa", "taken_at": "2026-02-22T11:02:00Z"}]);
    let (_, taken) = house.take(&house.fabio, &what).await;
    let id = taken["id"].as_str().unwrap();
    let (status, kept) = house.send_photograph(&house.fabio, id, key(3), &"a".repeat(64)).await;
    assert_eq!(status, StatusCode::CREATED);
    let photograph = kept["id"].as_str().unwrap();
    let path = format!("/console/inspections/{id}/photographs/{photograph}");
    let remove = format!("{path}/remove");
    assert_eq!(house.form(&house.fabio, &remove, &[("reason", "Mostra uma criança")]).await.0, StatusCode::FORBIDDEN);
    let page = house.room.page(&house.olga, &remove).await;
    assert!(page.contains("textarea name=\"reason\""), "{page}");
    house.refused(&house.olga, &remove, &[("reason", " x ")], "3").await;
    assert_eq!(house.file(&house.olga, &path).await.0, StatusCode::OK);
    house.done(&house.olga, &remove, &[("reason", "Mostra uma criança")]).await;
    for size in ["", "?size=thumbnail"] {
        assert_eq!(house.file(&house.olga, &format!("{path}{size}")).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(house.form(&house.olga, &remove, &[("reason", "De novo")]).await.0, StatusCode::CONFLICT);
    let shown = house.look(&house.olga, &format!("/api/v1/inspections/{id}")).await;
    let [gone, awaited] = [&shown["photographs"][0], &shown["photographs"][1]];
    assert_eq!((&gone["arrived"], &gone["removed_reason"]), (&json!(false), &json!("Mostra uma criança")), "{shown}");
    assert_eq!((gone["sha256"].as_str().map(str::len), &awaited["sha256"]), (Some(64), &Value::Null));
    assert_eq!(house.count("attachment where content is null and thumbnail is null and sha256 is not null").await, 1);
    assert_eq!(
        house.texts("select reason from audit_event where act = 'inspection.remove_photograph'").await,
        ["Mostra uma criança"]
    );
    // It is not said to be on a telephone, and comes back by no repeated sending.
    let page = house.room.page(&house.olga, &format!("/console/inspections/{id}")).await;
    assert!(page.contains("Fotografia retirada") && page.contains("Uma fotografia ainda não chegou"), "{page}");
    let line = house.look(&house.olga, "/api/v1/inspections").await;
    assert_eq!((&line[0]["photographs"], &line[0]["arrived"]), (&json!(1), &json!(0)));
    assert_eq!(house.send_photograph(&house.fabio, id, key(3), &"a".repeat(64)).await.0, StatusCode::OK);
    assert_eq!(house.file(&house.olga, &path).await.0, StatusCode::NOT_FOUND);
    let awaited = format!("/console/inspections/{id}/photographs/{}/remove", awaited["id"].as_str().unwrap());
    assert_eq!(house.form(&house.olga, &awaited, &[("reason", "Ainda não")]).await.0, StatusCode::CONFLICT);
}

/// One night of landslides.
#[tokio::test]
async fn however_many_interdictions_stand_none_is_left_out() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["interdiction"] = term(2);
    house.take(&house.fabio, &what).await;
    for sql in [
        "insert into inspection select (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(),
             'number', '2025/' || lpad(n::text, 3, '0'), 'device_key', gen_random_uuid()))).*
         from inspection i, generate_series(1, 520) n",
        "insert into interdiction select (jsonb_populate_record(f, jsonb_build_object('id', gen_random_uuid(), 'number', i.number,
             'device_key', gen_random_uuid(), 'inspection_id', i.id))).*
         from interdiction f, inspection i where i.number like '2025/%'",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&house.room.db.pool).await.unwrap();
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/api/v1/public/interdictions".to_owned();
    for _ in 0..2 {
        let page = house.json(&path).await;
        assert_eq!(page["total"], json!(521));
        seen.extend(page["active"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap().to_owned()));
        path = format!("/api/v1/public/interdictions?after={}", page["next"].as_str().unwrap_or_default());
    }
    assert_eq!(seen.len(), 521);
    for address in ["/interdicoes", "/console/interdictions?state=active"] {
        let first = house.room.page(&house.olga, address).await;
        let next = first.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
        let next = next.split('"').next().unwrap().replace("&amp;", "&");
        let second = house.room.page(&house.olga, &next).await;
        let rows = |page: &str| page.matches("<tr><td>").count();
        assert_eq!((rows(&first), rows(&second)), (500, 21), "{address}: {next}");
        assert!(!second.contains("rel=\"next\""), "{address}");
    }
    let today = house.look(&house.fabio, "/api/v1/field/today").await;
    assert_eq!((today["interdictions"].as_array().unwrap().len(), &today["interdictions_total"]), (100, &json!(521)));
}
