//! The same over HTTP: the API, the past in OGC API – Features, and the pages.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store as accounts};
use sentinela::areas::desk::Care;
use sentinela::areas::{When, store};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::imports::file;
use super::{Hall, change, content, square};
use crate::support;

fn edit(shape: &Value, grade: &str) -> Value {
    json!({"name": "Morro", "geometry": shape, "hazards": {"1.1.3.2.1": grade}, "reason": "survey"})
}

#[tokio::test]
async fn an_area_is_made_changed_retired_and_restored_over_the_api() {
    let hall = Hall::open().await;
    let operator = hall.token(Role::Operator).await;
    let ask = async |method: Method, path: &str, body: Value| {
        let body = (!body.is_null()).then_some(body);
        hall.ask(&operator, method, path, body).await
    };
    let (status, made) = ask(Method::PUT, "/api/v1/areas/morro", edit(&square(0.0), "R2")).await;
    assert_eq!(
        (status, &made["change"], &made["version"]["number"]),
        (StatusCode::OK, &json!("created"), &json!(1)),
        "{made}"
    );
    hall.pass(10);
    let (_, changed) = ask(Method::PUT, "/api/v1/areas/morro", edit(&square(0.001), "R4")).await;
    assert_eq!(changed["change"], "updated");
    let mut late = edit(&square(0.002), "R4");
    late["base"] = json!(1);
    assert_eq!(ask(Method::PUT, "/api/v1/areas/morro", late).await.0, StatusCode::CONFLICT);
    let (_, shown) = ask(Method::GET, "/api/v1/areas/morro/versions/2", Value::Null).await;
    assert_eq!((&shown["against"], &shown["difference"]["hazards"][0]["after"]), (&json!(1), &json!("R4")), "{shown}");
    hall.pass(10);
    let why = json!({"reason": "moved away"});
    assert_eq!(ask(Method::POST, "/api/v1/areas/morro/retire", why.clone()).await.0, StatusCode::OK);
    assert_eq!(hall.ask("", Method::GET, "/api/v1/areas", None).await.1["total"], 0);
    let (status, _) = ask(Method::POST, "/api/v1/areas/morro/versions/1/restore", why).await;
    assert_eq!(status, StatusCode::OK);
    let (_, list) = ask(Method::GET, "/api/v1/areas/morro/versions", Value::Null).await;
    let origins: Vec<&str> = list.as_array().unwrap().iter().filter_map(|one| one["origin"].as_str()).collect();
    assert_eq!(origins, ["restore", "retire", "drawing", "drawing"]);
    assert_eq!(ask(Method::GET, "/api/v1/areas/other/versions", Value::Null).await.0, StatusCode::NOT_FOUND);
    let bow = json!({"type": "Polygon", "coordinates": [[[-43.4, -21.8], [-43.2, -21.6], [-43.2, -21.8], [-43.4, -21.6], [-43.4, -21.8]]]});
    let (status, wrong) = ask(Method::PUT, "/api/v1/areas/bow", edit(&bow, "R1")).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("geometry")));
    assert!(wrong["errors"][0]["value"].as_str().unwrap().starts_with("[-43.3"), "{wrong}");
    let viewer = hall.token(Role::Viewer).await;
    let refused = hall.ask(&viewer, Method::PUT, "/api/v1/areas/x", Some(edit(&square(0.0), "R1"))).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_draft_waits_over_the_api_until_it_is_enforced_or_given_up() {
    let hall = Hall::open().await;
    let operator = hall.token(Role::Operator).await;
    for number in [1, 2] {
        let mut draft = edit(&square(0.0), "R2");
        draft["draft"] = json!(true);
        let (_, made) = hall.ask(&operator, Method::PUT, "/api/v1/areas/morro", Some(draft)).await;
        assert_eq!((&made["change"], &made["version"]["number"]), (&json!("waits"), &json!(number)));
    }
    let path = "/api/v1/areas/morro/versions";
    let (status, _) = hall.ask(&operator, Method::DELETE, &format!("{path}/1"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, made) = hall.ask(&operator, Method::POST, &format!("{path}/2/enforce"), Some(json!({}))).await;
    assert_eq!((status, &made["version"]["state"]), (StatusCode::OK, &json!("effective")), "{made}");
    let (status, _) = hall.ask(&operator, Method::POST, &format!("{path}/2/enforce"), Some(json!({}))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_instant_of_the_past_shows_the_areas_as_they_were() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    let first = hall.now();
    hall.pass(60);
    hall.area("a", 0.003, "R4").await;
    hall.area("b", 0.1, "R1").await;
    let at = async |when: String| {
        hall.ask("", Method::GET, &format!("/ogc/collections/areas/items?datetime={when}"), None).await.1
    };
    let stamp = |minutes: i64| (first + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let then = at(stamp(30)).await;
    assert_eq!(
        (&then["numberMatched"], &then["features"][0]["properties"]["hazards"][0]["grade"]),
        (&json!(1), &json!("R2")),
        "{then}"
    );
    assert_eq!(then["features"][0]["geometry"]["coordinates"][0][0][0], json!([-43.4, -21.76]));
    assert_eq!(at(stamp(60)).await["numberMatched"], 2);
    assert_eq!(at(stamp(-1)).await["numberMatched"], 0);
    let during = at(format!("{}/{}", stamp(10), stamp(90))).await;
    assert_eq!((&during["numberMatched"], &during["features"][0]["properties"]["version"]), (&json!(2), &json!(2)));
    let (_, one) =
        hall.ask("", Method::GET, &format!("/ogc/collections/areas/items/a?datetime={}", stamp(30)), None).await;
    assert_eq!(one["properties"]["version"], 1);
    let (_, present) = hall.ask("", Method::GET, "/ogc/collections/areas/items", None).await;
    assert_eq!((&present["numberMatched"], &present["features"][0]["properties"]["version"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn a_look_at_a_shape_says_who_lives_there_and_which_stations_hear_it() {
    let hall = Hall::open().await;
    sqlx::raw_sql(
        "insert into station (code, name, geom, created_at, updated_at) values
             ('in', 'Inside', st_setsrid(st_makepoint(-43.395, -21.755), 4326), now(), now()),
             ('near', 'Near', st_setsrid(st_makepoint(-43.38, -21.755), 4326), now(), now()),
             ('far', 'Far', st_setsrid(st_makepoint(-42.0, -21.755), 4326), now(), now());
         insert into resident (id, consent_at, consent_source, created_at)
             select gen_random_uuid(), now(), 'test', now() from generate_series(1, 3);
         insert into resident_place (resident_id, geom) select id, st_setsrid(st_makepoint(-43.395, -21.755), 4326) from resident",
    )
    .execute(&hall.db.pool)
    .await
    .unwrap();
    hall.area("beside", 0.005, "R1").await;
    let operator = hall.token(Role::Operator).await;
    let look = async |shape: &Value| {
        hall.ask(&operator, Method::POST, "/api/v1/area-checks", Some(json!({"geometry": shape}))).await.1
    };
    let seen = look(&square(0.0)).await;
    let check = &seen["check"];
    assert_eq!((&check["residents"], &check["overlaps"]), (&json!(3), &json!(["beside"])), "{seen}");
    let stations: Vec<&str> =
        check["stations"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(stations, ["in", "near"]);
    assert!(check["stations"][0]["distance_m"] == 0.0 && check["stations"][1]["distance_m"].as_f64().unwrap() > 900.0);
    let open = json!({"type": "Polygon", "coordinates": [[[-43.4, -21.76], [-43.39, -21.76], [-43.39, -21.75]]]});
    let wrong = look(&open).await;
    assert!(
        wrong["check"].is_null() && wrong["wrong"]["message"].as_str().unwrap().contains("the ring is open"),
        "{wrong}"
    );
}

#[tokio::test]
async fn an_import_over_http_tells_each_area_and_waits_for_a_word_where_an_alert_stands() {
    let hall = Hall::open().await;
    let operator = hall.token(Role::Operator).await;
    let send = async |query: &str, text: String| {
        let body = Some(serde_json::from_str(&text).unwrap());
        hall.ask(&operator, Method::POST, &format!("/api/v1/areas{query}"), body).await
    };
    let (status, seen) = send("?dry_run=true", file(&[("a", "R1", square(0.0))])).await;
    assert_eq!(
        (status, &seen["changes"][0]["change"], &seen["dry_run"]),
        (StatusCode::OK, &json!("created"), &json!(true))
    );
    send("", file(&[("a", "R1", square(0.0))])).await;
    hall.alert_over("a").await;
    hall.pass(1);
    let moved = file(&[("a", "R1", square(0.003))]);
    let (status, refused) = send("", moved.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(refused["detail"].as_str().unwrap().contains("alert 7/2026"), "{refused}");
    assert_eq!(send("?confirm=true", moved).await.1["updated"], 1);
    let closed = json!({"url": "http://127.0.0.1:9/collections/s"});
    let (status, refused) = hall.ask(&operator, Method::POST, "/api/v1/area-imports", Some(closed)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("outbound.allow"), "{refused}");
}

struct Browser<'a> {
    hall: &'a Hall,
    cookie: String,
    csrf: String,
}

impl Browser<'_> {
    async fn ask(&self, request: axum::http::request::Builder, body: String) -> (StatusCode, String, String) {
        let request = request.header(header::COOKIE, &self.cookie).header("accept", "text/html").body(Body::from(body));
        let router = sentinela::web::router::router(self.hall.app.clone());
        let response = support::soon("the page", router.oneshot(request.unwrap())).await.unwrap();
        let place = response.headers().get(header::LOCATION).map(|place| place.to_str().unwrap().to_owned());
        let status = response.status();
        let text = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, place.unwrap_or_default(), String::from_utf8_lossy(&text).into_owned())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, text) = self.ask(Request::get(path), String::new()).await;
        (status, text)
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String, String) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.ask(request, form.finish()).await
    }
}

async fn browser(hall: &Hall) -> Browser<'_> {
    let mut conn = hall.conn().await;
    let role = Role::Operator;
    let id = accounts::upsert_member(&mut conn, &hall.app.ids, hall.now(), "ana", "Ana", &role.into(), "unused")
        .await
        .unwrap();
    drop(conn);
    let (cookie, csrf) = support::session_of(&hall.app, id).await;
    Browser { hall, cookie, csrf }
}

#[tokio::test]
async fn an_area_is_drawn_by_coordinates_corrected_and_restored_on_the_pages() {
    let hall = Hall::open().await;
    let ana = browser(&hall).await;
    let (status, form) = ana.get("/console/area-editor").await;
    assert!(status == StatusCode::OK && form.contains("name=\"geometry\""), "{status}");
    let fields = |geometry: &'static str, base: &'static str| {
        [
            ("code", "morro"),
            ("name", "Morro do Céu"),
            ("geometry", geometry),
            ("cobrade_1", "1.1.3.2.1"),
            ("grade_1", "R3"),
            ("reason", "vistoria"),
            ("when", "now"),
            ("base", base),
        ]
    };
    let crossing = "-21.8 -43.4\n-21.6 -43.2\n-21.8 -43.2\n-21.6 -43.4";
    let (status, _, page) = ana.post("/console/area-editor", &fields(crossing, "0")).await;
    assert!(
        status == StatusCode::OK && page.contains("não pode ser guardada") && page.contains("Morro do Céu"),
        "{page}"
    );
    let (status, place, _) =
        ana.post("/console/area-editor", &fields("-21.8 -43.4\n-21.8 -43.3\n-21.7 -43.3", "0")).await;
    assert_eq!((status, place.as_str()), (StatusCode::SEE_OTHER, "/console/area-versions/morro/1"));
    hall.pass(5);
    let (_, place, _) = ana.post("/console/area-editor", &fields("-21.8 -43.4\n-21.8 -43.2\n-21.7 -43.3", "1")).await;
    assert_eq!(place, "/console/area-versions/morro/2");
    let (_, _, late) = ana.post("/console/area-editor", &fields("-21.8 -43.4\n-21.8 -43.1\n-21.7 -43.3", "1")).await;
    assert!(late.contains("agora vale a versão 2"), "{late}");
    let (_, page) = ana.get("/console/area-versions/morro/2").await;
    assert!(page.contains("class=\"gained\"") && page.contains("ganha "), "{page}");
    let (_, list) = ana.get("/console/area-versions/morro").await;
    assert!(list.contains("em vigor desde") && list.contains("vistoria"), "{list}");
    hall.pass(5);
    let (status, place, _) =
        ana.post("/console/area-versions/morro/1", &[("act", "restore"), ("reason", "engano"), ("base", "2")]).await;
    assert_eq!((status, place.as_str()), (StatusCode::SEE_OTHER, "/console/area-versions/morro/3"));
    hall.alert_over("morro").await;
    let (_, _, page) = ana.post("/console/area-versions/morro/3", &[("act", "retire"), ("reason", "obra")]).await;
    assert!(page.contains("confirme que sabe disso") && page.contains("7/2026"), "{page}");
    let (_, place, _) =
        ana.post("/console/area-versions/morro/3", &[("act", "retire"), ("reason", "obra"), ("confirm", "1")]).await;
    assert_eq!(place, "/console/area-versions/morro/4");
}

#[tokio::test]
async fn a_file_is_looked_at_on_the_page_and_then_taken_in_as_it_was_seen() {
    let hall = Hall::open().await;
    let ana = browser(&hall).await;
    let text = file(&[("a", "R1", square(0.0)), ("b", "R9", square(0.1))]);
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--x\r\ncontent-disposition: form-data; name=\"file\"; \
         filename=\"setores.geojson\"\r\n\r\n{text}\r\n--x--\r\n",
        ana.csrf
    );
    let request = Request::post("/console/area-imports").header("content-type", "multipart/form-data; boundary=x");
    let (status, place, page) = ana.ask(request, body).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let (_, preview) = ana.get(&place).await;
    assert!(preview.contains("hazards[0].grade") && preview.contains("setores.geojson"), "{preview}");
    let (_, _, again) = ana.post(&place, &[("act", "look"), ("leave_out", "1")]).await;
    assert!(again.contains("novas: 1") && again.contains("Deixadas de fora: 1"), "{again}");
    let taken = ana.post(&place, &[("act", "take"), ("leave_out", "1"), ("reason", "plano de 2026")]).await;
    assert_eq!((taken.0, taken.1.as_str()), (StatusCode::SEE_OTHER, "/console/areas"));
    let (reason, from): (String, String) = sqlx::query_as("select reason, origin_detail ->> 'from' from area_version")
        .fetch_one(&hall.db.pool)
        .await
        .unwrap();
    assert_eq!((reason.as_str(), from.as_str()), ("plano de 2026", "setores.geojson"));
    assert_eq!(ana.get(&place).await.0, StatusCode::NOT_FOUND, "it is kept no longer than needed");
}

#[tokio::test]
async fn an_area_of_seven_hazards_keeps_them_all_when_its_form_is_saved() {
    let hall = Hall::open().await;
    let ana = browser(&hall).await;
    let codes = ["1.1.3.2.1", "1.2.1.0.0", "1.2.2.0.0", "1.2.3.0.0", "1.1.3.1.1", "1.1.3.3.1", "1.1.4.2.0"];
    let mut seven = content("Morro", &square(0.0), "R3");
    seven.hazards = codes.map(|code| (code.parse().unwrap(), "R3".parse().unwrap())).into();
    hall.put(change("morro", seven, When::Now), Care::default()).await.unwrap();
    hall.pass(5);
    let (_, form) = ana.get("/console/area-editor?code=morro").await;
    assert!(form.contains("name=\"cobrade_9\"") && !form.contains("name=\"cobrade_10\""), "two rows are spare");
    assert_eq!(form.matches("\" selected>").count(), 7, "{form}");
    let rows: Vec<(String, String)> = (1..=9)
        .flat_map(|row| {
            let cobrade = codes.get(row - 1).copied().unwrap_or_default();
            [(format!("cobrade_{row}"), cobrade.to_owned()), (format!("grade_{row}"), "R3".to_owned())]
        })
        .collect();
    let mut fields = vec![
        ("code", "morro"),
        ("name", "Morro novo"),
        ("geometry", "-21.76 -43.40\n-21.76 -43.39\n-21.75 -43.39"),
        ("reason", "vistoria"),
        ("when", "now"),
        ("base", "1"),
    ];
    fields.extend(rows.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let (status, _, page) = ana.post("/console/area-editor", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let kept = store::in_force(&mut *hall.conn().await, "morro").await.unwrap().unwrap();
    assert_eq!(kept.hazards.len(), 7);
}
