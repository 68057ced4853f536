//! Recusal beyond the case in which it was decided: the cases that come of it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{done, path};
use crate::approval::Room;
use crate::damage::ask;

#[tokio::test]
async fn whoever_is_recused_does_not_find_what_comes_of_the_case_either() {
    let room = Room::open(&[]).await;
    let (olivia, otto) = (room.person("olivia", Role::Ombudsman).await, room.person("otto", Role::Ombudsman).await);
    let told = json!({ "subject": "Atendimento na ouvidoria", "text": "Fui destratada", "kind": "report",
        "name": "Joana Prado", "email": "joana@exemplo.invalid" });
    let request =
        Request::post("/api/v1/secretariat/ombudsman/requests").header(header::CONTENT_TYPE, "application/json");
    let (status, made) = room.send(request.body(Body::from(told.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = room.words("select id::text from case_file where type_key = 'ombudsman.manifestation'").await.remove(0);
    let report = json!({ "id": id });
    let revision =
        ask(&room, &olivia, Method::GET, &path("ombudsman", &report, ""), Value::Null).await.1["revision"].clone();
    let body = json!({ "revision": revision, "username": "otto", "reason": "A denúncia é contra ele" });
    let (status, refused) = ask(&room, &olivia, Method::POST, &path("ombudsman", &report, "/recusals"), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    let area = json!({ "fields": { "area_text": "Maus tratos no atendimento" } });
    done(&room, &olivia, "ombudsman", &report, ("forward", area)).await;

    let id = room.words("select id::text from case_file where type_key = 'ombudsman.area'").await.remove(0);
    let area = json!({ "id": id });
    for case in [&report, &area] {
        let (status, found) = ask(&room, &otto, Method::GET, &path("ombudsman", case, ""), Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{found}");
    }
    let listed = ask(&room, &otto, Method::GET, "secretariat/ombudsman/cases", Value::Null).await.1;
    assert_eq!(listed["items"], json!([]), "{listed}");
    let (status, shown) = ask(&room, &olivia, Method::GET, &path("ombudsman", &area, "/recusals"), Value::Null).await;
    assert_eq!((status, &shown[0]["username"]), (StatusCode::OK, &json!("otto")), "{shown}");
    assert!(!shown.to_string().contains("contra ele"), "the reason stays with the report: {shown}");
    let ledger = ask(&room, &olivia, Method::GET, &path("ombudsman", &area, "/acts"), Value::Null).await.1;
    assert_eq!((&ledger["broken_at"], &ledger["acts"][1]["act"]), (&Value::Null, &json!("recuse")), "{ledger}");
}

#[tokio::test]
async fn whoever_is_recused_afterwards_does_not_find_what_came_of_the_case_before_and_yearly_figures_are_the_same_for_all()
 {
    let room = Room::open(&[]).await;
    let (olivia, otto) = (room.person("olivia", Role::Ombudsman).await, room.person("otto", Role::Ombudsman).await);
    let told = json!({ "subject": "Atendimento na ouvidoria", "text": "Fui destratada", "kind": "report",
        "name": "Joana Prado", "email": "joana@exemplo.invalid" });
    let request =
        Request::post("/api/v1/secretariat/ombudsman/requests").header(header::CONTENT_TYPE, "application/json");
    let (status, made) = room.send(request.body(Body::from(told.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = room.words("select id::text from case_file where type_key = 'ombudsman.manifestation'").await.remove(0);
    let report = json!({ "id": id });
    let area = json!({ "fields": { "area_text": "Maus tratos no atendimento" } });
    done(&room, &olivia, "ombudsman", &report, ("forward", area)).await;
    let id = room.words("select id::text from case_file where type_key = 'ombudsman.area'").await.remove(0);
    let area = json!({ "id": id });
    assert_eq!(ask(&room, &otto, Method::GET, &path("ombudsman", &area, ""), Value::Null).await.0, StatusCode::OK);
    let revision =
        ask(&room, &olivia, Method::GET, &path("ombudsman", &report, ""), Value::Null).await.1["revision"].clone();
    let body = json!({ "revision": revision, "username": "otto", "reason": "A denúncia é contra ele" });
    let (status, refused) = ask(&room, &olivia, Method::POST, &path("ombudsman", &report, "/recusals"), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    for case in [&report, &area] {
        let (status, found) = ask(&room, &otto, Method::GET, &path("ombudsman", case, ""), Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{found}");
    }
    let ledger = ask(&room, &olivia, Method::GET, &path("ombudsman", &area, "/acts"), Value::Null).await.1;
    assert_eq!((&ledger["broken_at"], &ledger["acts"][1]["act"]), (&Value::Null, &json!("recuse")), "{ledger}");
    assert!(!ledger.to_string().contains("contra ele"), "the reason stays with the report: {ledger}");
    // A figure that changed with who reads it would tell that there is a case.
    let yearly = room.words("select extract(year from min(opened_at))::int::text from case_file").await.remove(0);
    let yearly = format!("secretariat/ombudsman/yearly?year={yearly}");
    let figures = ask(&room, &olivia, Method::GET, &yearly, Value::Null).await;
    assert_eq!(figures.0, StatusCode::OK, "{}", figures.1);
    assert_eq!(figures, ask(&room, &otto, Method::GET, &yearly, Value::Null).await);
}
