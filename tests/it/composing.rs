//! A draft is composed: where it holds, what of that leaves, whom it reaches, what it says in each language, and how plain that is.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::{Role, store};
use sentinela::alerts::draft::Drafter;
use sentinela::app::App;
use sentinela::dispatch::audience;
use sentinela::ids::{AlertId, AreaId};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{self, Folder, TestDb};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
/// Two sectors with a grade, and two neighbourhoods, one of them over a sector.
const TOWN: &str = "
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', case code when 'linhares' then 'R4' else 'R3' end from risk_area;
    insert into neighbourhood (code, name, geom, updated_at) values
        ('centro', 'Centro', st_multi(st_makeenvelope(-43.36, -21.77, -43.34, -21.75, 4326)), now()),
        ('vila-ideal', 'Vila Ideal', st_multi(st_makeenvelope(-43.34, -21.77, -43.33, -21.75, 4326)), now());";

struct Desk {
    db: TestDb,
    app: App,
    router: Router,
    token: String,
    cookie: String,
    csrf: String,
}

impl Desk {
    async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let mut conn = app.db.web.acquire().await.unwrap();
        let (ids, now) = (&app.ids, app.clock.now());
        let role = Role::Approver.into();
        let id = store::upsert_member(&mut conn, ids, now, "ana", "Ana", &role, NO_HASH).await.unwrap();
        let made = store::add_token(&mut conn, ids, now, "ana", "probe", now + chrono::TimeDelta::days(1)).await;
        let token = format!("Bearer {}", made.unwrap().unwrap());
        drop(conn);
        let (cookie, csrf) = support::session_of(&app, id).await;
        let router = sentinela::web::router::router(app.clone());
        Self { db, app, router, token, cookie, csrf }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let status = response.status();
        let place = response.headers().get(header::LOCATION).map(|place| place.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, place.unwrap_or_else(|| String::from_utf8(body.to_vec()).unwrap()))
    }

    async fn api(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/alerts{path}"))
            .header(header::AUTHORIZATION, &self.token)
            .header(header::CONTENT_TYPE, "application/json");
        let (status, text) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.api(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path} {value}");
        value
    }

    async fn page(&self, path: &str) -> String {
        let request = Request::get(format!("{path}?lang=en")).header("cookie", &self.cookie);
        self.send(request.body(Body::empty()).unwrap()).await.1
    }

    async fn post(&self, path: &str, form: &str) -> (StatusCode, String) {
        let request = Request::post(format!("{path}?lang=en"))
            .header("cookie", &self.cookie)
            .header("csrf", &self.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn draft(&self, body: Value) -> AlertId {
        let mut given = json!({ "cobrade": "1.1.3.2.1", "level": "alert" });
        given.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let (status, made) = self.api(Method::POST, "", given).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        AlertId(made["id"].as_str().unwrap().parse().unwrap())
    }

    async fn add(&self, id: AlertId, revision: i64, place: Value) -> (StatusCode, Value) {
        self.api(Method::POST, &format!("/{id}/places"), json!({ "revision": revision, "place": place })).await
    }

    async fn resident(&self, number: u128, at: (f64, f64), language: &str) {
        let id = uuid::Uuid::from_u128(number);
        sqlx::query(
            "with one as (insert into resident (id, language, consent_at, consent_source, created_at)
                 values ($1, $4, now(), 'test', now())),
             place as (insert into resident_place (resident_id, geom, precision_m)
                 values ($1, st_setsrid(st_makepoint($2, $3), 4326), 0))
             insert into resident_channel (resident_id, kind, address, verified_at) values ($1, 'sms', $5, now())",
        )
        .bind(id)
        .bind(at.0)
        .bind(at.1)
        .bind(language)
        .bind(format!("+55329{number:08}"))
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    async fn reach(&self, id: AlertId) -> audience::Reach {
        audience::preview(&mut self.db.pool.acquire().await.unwrap(), support::start_at(), id).await.unwrap()
    }

    fn drafter(&self) -> Drafter<'_> {
        Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids }
    }
}

fn names(places: &Value) -> Vec<&str> {
    places["places"].as_array().unwrap().iter().map(|place| place["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_alert_holds_for_a_circle_alone_and_reaches_whoever_lives_in_it() {
    let desk = Desk::open(&[]).await;
    desk.resident(1, (-43.35, -21.76), "pt-BR").await;
    desk.resident(2, (-43.35, -21.75), "en").await;
    desk.resident(3, (-43.32, -21.76), "es").await;
    let circle = json!({ "circle": { "lat": -21.76, "lon": -43.35, "radius_km": 1.5 }, "name": "Praça da Estação" });
    let id = desk.draft(json!({ "places": [circle] })).await;
    let shown = desk.get(&format!("/{id}")).await;
    assert_eq!(shown["headline"], "Risco alto de deslizamento em Praça da Estação");
    assert_eq!(shown["places"][0]["source"], "circle");
    let reach = desk.reach(id).await;
    assert_eq!((reach.residents, reach.sms, reach.in_english, reach.in_spanish), (2, 2, 1, 0));
    assert_eq!(reach.people_by_grade, [0, 0, 0, 0, 2]);
    // With the sector of R4 it reaches the third, who is counted by the grade of the place.
    desk.resident(4, (-43.30, -21.75), "es").await;
    assert_eq!(desk.add(id, 1, json!({ "risk_area": "linhares" })).await.0, StatusCode::CREATED);
    let reach = desk.reach(id).await;
    assert_eq!((reach.residents, reach.in_spanish, reach.people_by_grade), (3, 1, [1, 0, 0, 0, 2]));
    // Outside, but within two kilometres of the circle.
    let places = desk.get(&format!("/{id}/places")).await;
    assert_eq!(places["difference"]["people_near"], 1, "{places}");
    let (status, issued) = desk.api(Method::POST, &format!("/{id}/issue"), json!({ "revision": 2 })).await;
    assert_eq!((status, &issued["recipients"]), (StatusCode::OK, &json!(3)), "{issued}");
    let xml: String = sqlx::query_scalar("select cap_xml from alert where id = $1")
        .bind(id.0)
        .fetch_one(&desk.db.pool)
        .await
        .unwrap();
    // One block a language, each with both places.
    assert_eq!(
        (xml.matches("<info>").count(), xml.matches("<areaDesc>Praça da Estação</areaDesc>").count()),
        (3, 3),
        "{xml}"
    );
}

#[tokio::test]
async fn places_of_every_kind_join_and_the_texts_nobody_touched_name_them() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let ring = json!([[-43.35, -21.80], [-43.34, -21.80], [-43.34, -21.79], [-43.35, -21.80]]);
    let kml = "<kml><Document><name>Beira-rio</name><Polygon><outerBoundaryIs><LinearRing><coordinates>-43.38,-21.78 -43.37,-21.78 \
               -43.37,-21.77 -43.38,-21.78</coordinates></LinearRing></outerBoundaryIs></Polygon></Document></kml>";
    let given = [
        json!({ "neighbourhood": "centro" }),
        json!({ "geometry": { "type": "Polygon", "coordinates": [ring] }, "name": "Morro" }),
        json!({ "kml": kml }),
    ];
    for (revision, place) in (1..).zip(given) {
        let (status, made) = desk.add(id, revision, place).await;
        assert_eq!((status, &made["revision"]), (StatusCode::CREATED, &json!(revision + 1)), "{made}");
    }
    let places = desk.get(&format!("/{id}/places")).await;
    assert_eq!(names(&places), ["Bom Pastor", "Beira-rio", "Centro", "Morro"]);
    let shown = desk.get(&format!("/{id}")).await;
    assert_eq!(shown["headline"], "Risco alto de deslizamento em Beira-rio, Bom Pastor, Centro e mais 1 bairro");
    assert_eq!(
        shown["texts"][0]["headline"],
        "High risk of landslides in Beira-rio, Bom Pastor, Centro and 1 more neighbourhood"
    );
    let sources: Vec<_> = shown["places"].as_array().unwrap().iter().map(|place| place["source"].clone()).collect();
    assert_eq!(sources, ["risk_area", "upload", "neighbourhood", "drawn"]);
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_event where act = 'alert.edit' and object = $1")
        .bind(id.to_string())
        .fetch_one(&desk.db.pool)
        .await
        .unwrap();
    assert_eq!(audited, 3);
    let shape = desk.get(&format!("/{id}/shape")).await;
    let kinds: Vec<_> = shape["features"].as_array().unwrap().iter().map(|f| f["properties"]["kind"].clone()).collect();
    assert_eq!(kinds, ["place", "place", "place", "place", "sent"]);
}

#[tokio::test]
async fn a_place_that_cannot_be_is_refused_with_its_reason() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let circle =
        |lat: f64, lon: f64, km: f64| json!({ "circle": { "lat": lat, "lon": lon, "radius_km": km }, "name": "x" });
    let cases = [
        (json!({ "risk_area": "none" }), StatusCode::BAD_REQUEST, "no risk area in service"),
        (json!({ "risk_area": "bom-pastor" }), StatusCode::CONFLICT, "in the alert already"),
        (json!({ "neighbourhood": "none" }), StatusCode::BAD_REQUEST, "no neighbourhood"),
        (circle(-43.35, -21.76, 1.0), StatusCode::BAD_REQUEST, "axes swapped"),
        (circle(-3.1, -60.0, 1.0), StatusCode::CONFLICT, "km from the town"),
        (circle(-21.76, -43.35, 500.0), StatusCode::BAD_REQUEST, "kilometres"),
        (json!({ "kml": "<kml/>", "name": "x" }), StatusCode::BAD_REQUEST, "no polygon"),
        (json!({ "neighbourhood": "centro", "risk_area": "linhares" }), StatusCode::BAD_REQUEST, "expected one of"),
        (json!({}), StatusCode::BAD_REQUEST, "expected one of"),
    ];
    for (place, wanted, why) in cases {
        let (status, said) = desk.add(id, 1, place.clone()).await;
        assert!(status == wanted && said["detail"].as_str().unwrap().contains(why), "{place} {status} {said}");
    }
    let bow = json!({ "type": "Polygon", "coordinates": [[[-43.4, -21.8], [-43.3, -21.7], [-43.3, -21.8], [-43.4, -21.7], [-43.4, -21.8]]] });
    let (status, said) = desk.add(id, 1, json!({ "geometry": bow, "name": "x" })).await;
    assert!(status == StatusCode::BAD_REQUEST && said["detail"].as_str().unwrap().contains("crosses"), "{said}");
    assert_eq!(desk.get(&format!("/{id}")).await["revision"], 1, "nothing of it was stored");
}

#[tokio::test]
async fn what_was_taken_out_comes_back_as_it_was_and_the_last_place_stays() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor", "linhares"] })).await;
    let circle = json!({ "circle": { "lat": -21.76, "lon": -43.35, "radius_km": 1.0 }, "name": "Praça" });
    desk.add(id, 1, circle).await;
    let before = desk.get(&format!("/{id}/places")).await;
    let of = |name: &str| {
        let places = before["places"].as_array().unwrap();
        places.iter().find(|place| place["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let remove = async |place: &str, revision: i64| {
        desk.api(Method::DELETE, &format!("/{id}/places/{place}?revision={revision}"), Value::Null).await
    };
    let (praca, linhares, bom_pastor) = (of("Praça"), of("Linhares"), of("Bom Pastor"));
    assert_eq!(remove(&praca, 1).await.0, StatusCode::CONFLICT, "an old revision");
    assert_eq!(remove(&praca, 2).await.0, StatusCode::OK);
    assert_eq!(remove(&linhares, 3).await.0, StatusCode::OK);
    let (status, said) = remove(&bom_pastor, 4).await;
    assert!(
        status == StatusCode::CONFLICT && said["detail"].as_str().unwrap().contains("at least one place"),
        "{said}"
    );
    assert_eq!(remove("area-999999", 4).await.0, StatusCode::NOT_FOUND);
    assert_eq!(remove("nonsense", 4).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(names(&desk.get(&format!("/{id}/places")).await), ["Bom Pastor"]);
    for revision in 4..6 {
        let restored = desk.api(Method::POST, &format!("/{id}/places/restore"), json!({ "revision": revision })).await;
        assert_eq!(restored.0, StatusCode::OK, "{}", restored.1);
    }
    let nothing = desk.api(Method::POST, &format!("/{id}/places/restore"), json!({ "revision": 6 })).await;
    assert_eq!(nothing.0, StatusCode::CONFLICT);
    let after = desk.get(&format!("/{id}/places")).await;
    assert_eq!(names(&after), names(&before));
    assert_eq!(after["places"][2]["radius_km"], before["places"][2]["radius_km"]);
    let size = |told: &Value| (told["difference"]["area_km2"].as_f64().unwrap() * 1e6).round();
    assert_eq!(after["difference"]["vertices_before"], before["difference"]["vertices_before"]);
    assert_eq!(size(&after), size(&before), "to the square metre");
}

#[tokio::test]
async fn a_ragged_area_leaves_simpler_and_the_difference_is_told() {
    let desk = Desk::open(&[]).await;
    let at = |n: i32| {
        let turn = f64::from(n) * std::f64::consts::TAU / 1500.0;
        let reach = 0.02 * (1.0 + 0.2 * (turn * 60.0).sin());
        [-43.35 + reach * turn.cos(), -21.76 + reach * turn.sin()]
    };
    let ring: Vec<[f64; 2]> = (0..1500).chain([0]).map(at).collect();
    // One person in every thousandth of a degree around the edge: somebody lives in each strip.
    for n in 0..400 {
        let turn = f64::from(n) * std::f64::consts::TAU / 400.0;
        let reach = 0.02 * (1.0 + 0.2 * (turn * 60.0).sin());
        for (k, part) in [(0, 0.99), (1, 1.01)] {
            let place = (-43.35 + reach * part * turn.cos(), -21.76 + reach * part * turn.sin());
            desk.resident(u128::from(n as u32 * 2 + k + 1), place, "pt-BR").await;
        }
    }
    let place = json!({ "geometry": { "type": "Polygon", "coordinates": [ring] }, "name": "Serra" });
    let id = desk.draft(json!({ "places": [place] })).await;
    let told = desk.get(&format!("/{id}/places")).await["difference"].clone();
    assert_eq!(told["vertices_before"], 1500);
    let after = told["vertices_after"].as_u64().unwrap();
    assert!((30..100).contains(&after), "{told}");
    let number = |key: &str| told[key].as_f64().unwrap();
    assert!(number("added_km2") > 0.01 && number("lost_km2") > 0.01, "{told}");
    let balance = number("area_km2") + number("added_km2") - number("lost_km2");
    assert!((balance - number("sent_km2")).abs() < 1e-3, "{told}");
    assert!((number("overspill") - number("added_km2") / number("sent_km2")).abs() < 1e-9);
    assert!(told["people_added"].as_i64().unwrap() > 0 && told["people_lost"].as_i64().unwrap() > 0, "{told}");
    let page = desk.page(&format!("/console/alerts/{id}")).await;
    assert!(page.contains(&format!("from 1500 to {after} vertices")), "{page}");
    assert!(page.contains(r#"class="gained""#) && page.contains(r#"class="lost""#));
}

#[tokio::test]
async fn each_language_is_written_edited_and_written_anew() {
    let desk = Desk::open(&[("SENTINELA__ALERTS__STATUS", "exercise")]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let texts = desk.get(&format!("/{id}/texts")).await;
    let languages: Vec<_> = texts.as_array().unwrap().iter().map(|text| text["language"].clone()).collect();
    assert_eq!(languages, ["pt-BR", "en", "es"]);
    assert!(texts[2]["headline"].as_str().unwrap().starts_with("SIMULACRO - NO ES REAL: "), "{texts}");
    let edit = |headline: &str| {
        json!({ "headline": headline, "description": "Landslides in Bom Pastor until 18:30, says Civil Defense.",
        "instruction": "1. Leave now.", "sms_text": "CIVIL DEFENSE: landslides in Bom Pastor. Leave now." })
    };
    let put = async |language: &str, revision: i64, texts: Value| {
        desk.api(Method::PUT, &format!("/{id}/texts/{language}"), json!({ "revision": revision, "texts": texts })).await
    };
    assert_eq!(put("en", 1, edit("Leave")).await.0, StatusCode::OK);
    assert_eq!(put("en", 1, edit("Leave")).await.0, StatusCode::CONFLICT, "an old revision");
    assert_eq!(put("fr", 2, edit("Partez")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(put("en", 2, edit("Two\nlines")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        put("en", 2, edit(" ")).await.0,
        StatusCode::CONFLICT,
        "nothing empty can be saved, so nothing empty leaves"
    );
    // No edit takes the mark of the exercise away, and a place that joins leaves the words that a person wrote.
    assert_eq!(desk.add(id, 2, json!({ "neighbourhood": "centro" })).await.0, StatusCode::CREATED);
    let texts = desk.get(&format!("/{id}/texts")).await;
    assert_eq!(texts[1]["headline"], "EXERCISE - NOT REAL: Leave");
    assert_eq!(texts[1]["sms_text"], "EXERCISE - NOT REAL: CIVIL DEFENSE: landslides in Bom Pastor. Leave now.");
    assert!(texts[2]["headline"].as_str().unwrap().contains("Bom Pastor y Centro"), "{texts}");
    assert_eq!(texts[1]["review"]["answers"][0]["sms"], "CIVIL DEFENSE");
    let regenerate = desk.api(Method::POST, &format!("/{id}/texts/en/regenerate"), json!({ "revision": 3 })).await;
    assert_eq!(regenerate.0, StatusCode::OK);
    let texts = desk.get(&format!("/{id}/texts")).await;
    assert!(
        texts[1]["edited"] == false && texts[1]["headline"].as_str().unwrap().contains("Bom Pastor and Centro"),
        "{texts}"
    );
    let kept: Value = sqlx::query_scalar(
        "select detail -> 'before' ->> 'headline' from alert_event where alert_id = $1 and action = 'regenerated'",
    )
    .bind(id.0)
    .fetch_one(&desk.db.pool)
    .await
    .map(|text: String| json!(text))
    .unwrap();
    assert_eq!(kept, "EXERCISE - NOT REAL: Leave");
}

#[tokio::test]
async fn the_towns_own_text_is_written_anew_after_a_yes_only() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let shown = desk.get(&format!("/{id}")).await;
    let texts = json!({ "headline": "Outra manchete", "description": shown["description"], "instruction": shown["instruction"],
        "sms_text": shown["sms_text"], "expires_at": shown["expires_at"] });
    let saved = desk.api(Method::PUT, &format!("/{id}"), json!({ "revision": 1, "texts": texts })).await;
    assert_eq!(saved.0, StatusCode::OK);
    let (status, asked) = desk.post(&format!("/console/alerts/{id}/regenerate"), "revision=2&language=pt-BR").await;
    assert!(
        status == StatusCode::OK && asked.contains("edited by hand") && asked.contains("Outra manchete"),
        "{asked}"
    );
    assert_eq!(desk.get(&format!("/{id}")).await["headline"], "Outra manchete");
    let (status, place) =
        desk.post(&format!("/console/alerts/{id}/regenerate"), "revision=2&language=pt-BR&confirmed=yes").await;
    assert_eq!((status, place), (StatusCode::SEE_OTHER, format!("/console/alerts/{id}?done=regenerated")));
    let shown = desk.get(&format!("/{id}")).await;
    assert_eq!(
        (&shown["headline"], &shown["edited"]),
        (&json!("Risco alto de deslizamento em Bom Pastor"), &json!(false))
    );
}

#[tokio::test]
async fn the_page_of_places_works_without_any_script() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let path = format!("/console/alerts/{id}/places");
    let page = desk.page(&path).await;
    for part in [
        "name=\"risk_area\"",
        "name=\"neighbourhood\"",
        "name=\"radius_km\"",
        "name=\"geometry\"",
        "type=\"file\"",
        "Holds for 1 place",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let (status, place) =
        desk.post(&path, "revision=1&kind=circle&name=Pra%C3%A7a&lat=-21%2C76&lon=-43%2C35&radius_km=1%2C5").await;
    assert_eq!((status, place.as_str()), (StatusCode::SEE_OTHER, format!("{path}?done=added").as_str()));
    let (status, said) = desk.post(&path, "revision=1&kind=neighbourhood&neighbourhood=centro").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && said.contains("changed this draft meanwhile"), "{said}");
    assert_eq!(desk.post(&path, "revision=2&kind=neighbourhood&neighbourhood=centro").await.0, StatusCode::SEE_OTHER);
    let drawn = "revision=3&kind=drawn&name=Morro&geometry=-21.80+-43.35%0D%0A-21.80+-43.34%0D%0A-21.79+-43.34";
    assert_eq!(desk.post(&path, drawn).await.0, StatusCode::SEE_OTHER);
    let (status, said) = desk.post(&path, "revision=4&kind=drawn&name=Morro&geometry=Rua+das+Flores").await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY && said.contains("Rua das Flores"),
        "what was written stays: {said}"
    );
    let file = json!({ "type": "Polygon", "coordinates": [[[-43.38, -21.78], [-43.37, -21.78], [-43.37, -21.77], [-43.38, -21.78]]] });
    let part = |name: &str, more: &str, text: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{text}\r\n")
    };
    let body = [
        part("csrf", "", &desk.csrf),
        part("revision", "", "4"),
        part("name", "", "Beira-rio"),
        part("file", "; filename=\"a.geojson\"", &file.to_string()),
        "--X--\r\n".to_owned(),
    ]
    .concat();
    let request = Request::post(format!("{path}/upload"))
        .header("cookie", &desk.cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(Body::from(body))
        .unwrap();
    let (status, place) = desk.send(request).await;
    assert_eq!((status, place.as_str()), (StatusCode::SEE_OTHER, format!("{path}?done=added").as_str()));
    let places = desk.get(&format!("/{id}/places")).await;
    assert_eq!(names(&places), ["Bom Pastor", "Beira-rio", "Centro", "Morro", "Praça"]);
    let beira = places["places"][1]["id"].as_str().unwrap();
    assert_eq!(desk.post(&format!("{path}/{beira}/remove"), "revision=5").await.0, StatusCode::SEE_OTHER);
    assert!(desk.page(&path).await.contains("Beira-rio was taken out."));
    assert_eq!(desk.post(&format!("{path}/restore"), "revision=6").await.0, StatusCode::SEE_OTHER);
    assert_eq!(names(&desk.get(&format!("/{id}/places")).await).len(), 5);
}

#[tokio::test]
async fn the_review_shows_reach_languages_and_what_is_hard_and_measures_what_is_written() {
    let desk = Desk::open(&[]).await;
    desk.resident(1, (-43.395, -21.75), "en").await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let page = desk.page(&format!("/console/alerts/{id}")).await;
    for part in [
        "Who warns?",
        "Until when?",
        "Registered residents inside",
        "Change the place",
        "English",
        "Spanish",
        "1 in English · 0 in Spanish",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let text = "text=Evacuem+o+talude+j%C3%A1%21+Amanh%C3%A3+volta.&description=Chuva&instruction=1.+Saia.";
    let (status, said) = desk.post(&format!("/console/alerts/{id}/measure"), text).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let measured: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(measured["plain_sms"], "Evacuem o talude ja! Amanha volta.");
    assert_eq!(measured["letters"], json!([{ "letter": "á", "plain": "a" }, { "letter": "ã", "plain": "a" }]));
    assert_eq!(measured["parts"], json!(["Evacuem o talude já! Amanhã volta."]));
    let told = measured["found"].to_string();
    assert!(
        told.contains("saia de casa") && told.contains("barranco") && told.contains("does not say who warns"),
        "{told}"
    );
    assert_eq!(measured["asked"][3]["sms"], "já");
    // One press makes the SMS plain for browsers without scripts too.
    let shown = desk.get(&format!("/{id}")).await;
    let form = format!(
        "revision=1&headline=Risco&description=Chuva&instruction=Saia&sms_text=Amanh%C3%A3+saia&expires_at={}",
        &shown["expires_at"].as_str().unwrap()[..16]
    );
    assert_eq!(desk.post(&format!("/console/alerts/{id}/plain-sms"), &form).await.0, StatusCode::SEE_OTHER);
    assert_eq!(desk.get(&format!("/{id}")).await["sms_text"], "Amanha saia");
    // Now the Portuguese is a person's and the others are the template's.
    assert!(desk.page(&format!("/console/alerts/{id}")).await.contains("still says what the template says"));
}

#[tokio::test]
async fn the_page_of_a_language_saves_and_keeps_what_could_not_be_saved() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let path = format!("/console/alerts/{id}/texts/es");
    assert!(desk.page(&path).await.contains("Texts in Spanish"));
    let form = |revision: i32, sms: &str| {
        format!("revision={revision}&headline=Salga&description=Lluvia&instruction=1.+Salga&sms_text={sms}")
    };
    assert_eq!(desk.post(&path, &form(1, "Salga+ya")).await, (StatusCode::SEE_OTHER, format!("{path}?done=saved")));
    let (status, said) = desk.post(&path, &form(1, "Otra+cosa")).await;
    assert!(status == StatusCode::CONFLICT && said.contains("Otra cosa"), "{said}");
    let plain = format!("{}&plain=yes", form(2, "Salga+ya%2C+por+favor+%C3%A1"));
    assert_eq!(desk.post(&path, &plain).await.0, StatusCode::SEE_OTHER);
    assert_eq!(desk.get(&format!("/{id}/texts")).await[2]["sms_text"], "Salga ya, por favor a");
    let (status, _) = desk.post(&format!("/console/alerts/{id}/texts/xx"), &form(3, "x")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_holds_where_the_alert_held_and_a_rule_leaves_a_drawn_place_alone() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"], "places": [{ "neighbourhood": "centro" }] })).await;
    // The rule takes its area out: what a person added stays, and so does the draft.
    let area: i64 = sqlx::query_scalar("select id from risk_area where code = 'bom-pastor'")
        .fetch_one(&desk.db.pool)
        .await
        .unwrap();
    let mut tx = desk.db.pool.begin().await.unwrap();
    desk.drafter().leave(&mut tx, desk.app.clock.now(), id, AreaId(area), "it fell").await.unwrap();
    tx.commit().await.unwrap();
    let shown = desk.get(&format!("/{id}")).await;
    assert_eq!(
        (&shown["state"], &shown["headline"]),
        (&json!("draft"), &json!("Risco alto de deslizamento em Centro"))
    );
    assert_eq!(
        desk.add(id, shown["revision"].as_i64().unwrap(), json!({ "risk_area": "linhares" })).await.0,
        StatusCode::CREATED
    );
    let revision = desk.get(&format!("/{id}")).await["revision"].clone();
    let (status, issued) = desk.api(Method::POST, &format!("/{id}/issue"), json!({ "revision": revision })).await;
    assert_eq!(status, StatusCode::OK, "{issued}");
    let (status, _) = desk.add(id, revision.as_i64().unwrap(), json!({ "neighbourhood": "vila-ideal" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "what has left holds where it held");
    let (status, answer) = desk.api(Method::POST, &format!("/{id}/all-clear"), json!({})).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let places = desk.get(&format!("/{}/places", answer["id"].as_str().unwrap())).await;
    assert_eq!(names(&places), ["Linhares", "Centro"]);
}

#[tokio::test]
async fn another_place_takes_a_submission_back() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let (status, said) = desk.api(Method::POST, &format!("/{id}/submit"), json!({ "revision": 1 })).await;
    assert!(status.is_success(), "{status} {said}");
    assert_eq!(desk.get(&format!("/{id}")).await["state"], "submitted");
    assert_eq!(desk.add(id, 1, json!({ "neighbourhood": "centro" })).await.0, StatusCode::CREATED);
    let left: (String, Option<String>) = sqlx::query_as("select state, submitted_by from alert where id = $1")
        .bind(id.0)
        .fetch_one(&desk.db.pool)
        .await
        .unwrap();
    assert_eq!(left, ("draft".to_owned(), None));
}

#[tokio::test]
async fn two_who_compose_at_once_never_lose_each_others_work() {
    let desk = Desk::open(&[]).await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let circle = json!({ "circle": { "lat": -21.76, "lon": -43.35, "radius_km": 1.0 }, "name": "Praça" });
    let (one, other) = tokio::join!(desk.add(id, 1, circle), desk.add(id, 1, json!({ "neighbourhood": "centro" })));
    let mut codes = [one.0, other.0];
    codes.sort();
    assert_eq!(codes, [StatusCode::CREATED, StatusCode::CONFLICT]);
    let places = desk.get(&format!("/{id}/places")).await;
    assert_eq!((names(&places).len(), &places["revision"]), (2, &json!(2)));
}

#[tokio::test]
async fn neighbourhoods_are_imported_whole_and_listed() {
    let db = support::db().await;
    let folder = Folder::new();
    let ring = |west: f64| json!([[[west, -21.77], [west + 0.01, -21.77], [west + 0.01, -21.76], [west, -21.77]]]);
    let feature = |name: &str, west: f64| json!({ "type": "Feature", "properties": { "name": name }, "geometry": { "type": "Polygon", "coordinates": ring(west) } });
    let point = json!({ "type": "Feature", "properties": { "name": "Igrejinha" }, "geometry": { "type": "Point", "coordinates": [-43.4, -21.7] } });
    let import = async |features: Value, arguments: &[&str]| {
        let path = folder.path().join("n.geojson");
        std::fs::write(&path, json!({ "type": "FeatureCollection", "features": features }).to_string()).unwrap();
        let mut command = support::sentinela();
        command.args(["import", "neighbourhoods", path.to_str().unwrap()]).args(arguments);
        command.env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", folder.path());
        let output = support::soon("the command", command.output()).await.unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    };
    let both = json!([feature("São Pedro", -43.4), feature("Grajaú", -43.3), point]);
    let (code, said) = import(both.clone(), &["--dry-run"]).await;
    assert!(
        code == Some(0) && said.contains("2 created") && said.contains("dry run") && said.contains("Igrejinha"),
        "{said}"
    );
    let count =
        async || sqlx::query_scalar::<_, i64>("select count(*) from neighbourhood").fetch_one(&db.pool).await.unwrap();
    assert_eq!(count().await, 0);
    assert_eq!(import(both.clone(), &[]).await.0, Some(0));
    let (_, said) = import(both, &[]).await;
    assert!(said.contains("0 created, 0 updated, 2 unchanged, 0 removed"), "{said}");
    let (_, said) = import(json!([feature("Grajaú", -43.31)]), &[]).await;
    assert!(said.contains("0 created, 1 updated, 0 unchanged, 1 removed"), "{said}");
    let (code, said) = import(json!([feature("", -43.31)]), &[]).await;
    assert!(code == Some(1) && said.contains("name"), "{said}");
    assert_eq!(count().await, 1);
    let router = sentinela::web::router::router(support::app(&db));
    let answer = router.oneshot(Request::get("/api/v1/neighbourhoods").body(Body::empty()).unwrap()).await.unwrap();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let listed: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&listed[0]["code"], &listed[0]["name"]), (&json!("grajau"), &json!("Grajaú")));
}

#[tokio::test]
async fn whom_an_alert_goes_to_is_chosen_by_revision_kept_when_it_left_and_taken_over_by_its_answers() {
    let desk = Desk::open(&[("SENTINELA__ALERTS__BUFFER_M", "100")]).await;
    desk.resident(1, (-43.395, -21.75), "pt-BR").await;
    // 207 m west of the sector.
    desk.resident(2, (-43.402, -21.75), "pt-BR").await;
    let id = desk.draft(json!({ "areas": ["bom-pastor"] })).await;
    let first = desk.get(&format!("/{id}")).await;
    assert_eq!((&first["buffer_m"], &first["leave_out_from_m"]), (&json!(100), &json!(null)), "the usual of the town");
    let revision = first["revision"].as_i64().unwrap();
    let choose = |revision: i64, buffer: i64, from: Value| json!({ "revision": revision, "audience": { "buffer_m": buffer, "leave_out_from_m": from } });
    let at = format!("/{id}/audience");
    for (buffer, from, field) in
        [(10_001, json!(null), "buffer_m"), (-1, json!(null), "buffer_m"), (0, json!(0), "leave_out_from_m")]
    {
        let (status, refused) = desk.api(Method::PUT, &at, choose(revision, buffer, from)).await;
        assert_eq!((status, &refused["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{refused}");
    }
    let (status, made) = desk.api(Method::PUT, &at, choose(revision, 300, json!(2000))).await;
    assert_eq!((status, &made["revision"]), (StatusCode::OK, &json!(revision + 1)), "{made}");
    assert_eq!(desk.api(Method::PUT, &at, choose(revision, 0, json!(null))).await.0, StatusCode::CONFLICT);
    let reach = desk.reach(id).await;
    assert_eq!((reach.residents, reach.around, reach.sms), (2, 1, 2));
    assert_eq!(desk.get(&format!("/{id}/reach")).await["reach"]["around"], json!(1));
    let page = desk.page(&format!("/console/alerts/{id}")).await;
    assert!(page.contains("Around, up to 300 m") && page.contains("home known to 2000 m or worse"), "{page}");
    let places = desk.page(&format!("/console/alerts/{id}/places")).await;
    assert!(
        places.contains("name=\"buffer_m\"") && places.contains("value=\"300\"") && places.contains("value=\"2000\"")
    );
    // The same by the form of the page, and what is no figure is said there.
    let form = |buffer: &str| format!("revision={}&buffer_m={buffer}&homes=all&leave_out_from_m=", revision + 1);
    let (status, said) = desk.post(&format!("/console/alerts/{id}/audience"), &form("far")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && said.contains("whole metres"), "{status} {said}");
    let (status, to) = desk.post(&format!("/console/alerts/{id}/audience"), &form("250")).await;
    assert_eq!((status, to), (StatusCode::SEE_OTHER, format!("/console/alerts/{id}/places?done=audience")));
    let shown = desk.get(&format!("/{id}")).await;
    assert_eq!((&shown["buffer_m"], &shown["leave_out_from_m"]), (&json!(250), &json!(null)));
    let (status, issued) = desk.api(Method::POST, &format!("/{id}/issue"), json!({ "revision": revision + 2 })).await;
    assert_eq!((status, &issued["recipients"]), (StatusCode::OK, &json!(2)), "{issued}");
    assert_eq!(desk.api(Method::PUT, &at, choose(revision + 2, 0, json!(null))).await.0, StatusCode::CONFLICT);
    let rewritten = sqlx::query("update alert set buffer_m = 0 where id = $1").bind(id).execute(&desk.db.pool).await;
    assert!(rewritten.unwrap_err().to_string().contains("cannot be rewritten"));
    for answer in ["update", "all-clear"] {
        let (_, made) = desk.api(Method::POST, &format!("/{id}/{answer}"), json!({})).await;
        let shown = desk.get(&format!("/{}", made["id"].as_str().unwrap())).await;
        assert_eq!(shown["buffer_m"], json!(250), "{answer}: {shown}");
    }
}
