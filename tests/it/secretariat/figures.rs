//! Figures of what is restricted: whole for whoever works in the module, without small cells for others.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::open;
use crate::approval::Room;
use crate::damage::ask;

#[tokio::test]
async fn a_report_of_restricted_cases_tells_others_no_small_number_no_department_and_no_month() {
    let room = Room::open(&[]).await;
    let (ana, paula) = (room.person("ana", Role::Advisory).await, room.person("paula", Role::Press).await);
    let body = json!({ "type": "advisory.consultation", "title": "Terreno", "department": "Gabinete de teste",
        "fields": { "asked_by": "mayor", "question": "Pode?", "due_on": "2026-03-25", "form": "opinion" } });
    open(&room, &ana, "advisory", body).await;
    let address = "secretariat/advisory/report?type=advisory.consultation";
    let whole = ask(&room, &ana, Method::GET, address, Value::Null).await.1;
    assert_eq!((&whole["by_state"][0]["count"], &whole["suppressed"]), (&json!(1), &json!(false)), "{whole}");
    assert_eq!(whole["departments"][0]["department"], "Gabinete de teste", "{whole}");
    assert_eq!(whole["by_age"], json!([1, 0, 0, 0, 0]), "{whole}");
    let received = |report: &Value| -> Option<i64> {
        report["months"].as_array().unwrap().iter().map(|one| one["received"].as_i64()).sum()
    };
    assert_eq!((whole["months"].as_array().unwrap().len(), received(&whole)), (12, Some(1)), "{whole}");
    let filtered = format!("{address}&department=Gabinete%20de%20teste");
    let of_one = ask(&room, &ana, Method::GET, &filtered, Value::Null).await.1;
    assert_eq!((&of_one["department"], received(&of_one)), (&json!("Gabinete de teste"), Some(1)), "{of_one}");

    let told = ask(&room, &paula, Method::GET, address, Value::Null).await.1;
    assert_eq!((&told["by_state"][0]["count"], &told["suppressed"]), (&Value::Null, &json!(true)), "{told}");
    assert_eq!(told["departments"], json!([]), "{told}");
    assert_eq!(told["by_age"], json!([null, 0, 0, 0, 0]), "{told}");
    for part in ["met_in_time", "met_late", "open_in_time", "open_late"] {
        assert_ne!(told["in_time"][0][part], json!(1), "{told}");
    }
    assert_eq!((&told["months"], &told["department"]), (&json!([]), &Value::Null), "{told}");
    let other = format!("{address}&department=Outra%20secretaria");
    let same = ask(&room, &paula, Method::GET, &filtered, Value::Null).await.1;
    assert_eq!(same, told, "a department is no filter of theirs");
    assert_eq!(same, ask(&room, &paula, Method::GET, &other, Value::Null).await.1, "and tells nothing of others");
    let file = format!("{address}&format=csv");
    let (status, refused) = ask(&room, &paula, Method::GET, &file, Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("the role advisory"), "{refused}");

    let page = "/secretaria/painel/assessoramento/relatorio/advisory.consultation";
    let whole = room.page(&ana, page).await;
    assert!(whole.contains("Gabinete de teste") && !whole.contains("not shown"), "{whole}");
    assert!(whole.contains("<th scope=\"row\">February</th>") && whole.contains("format=csv"), "{whole}");
    let told = room.page(&paula, page).await;
    assert!(!told.contains("Gabinete de teste") && told.contains("not shown"), "{told}");
    assert!(!told.contains("<th scope=\"row\">") && !told.contains("format=csv"), "{told}");
    assert!(!told.contains("name=\"department\""), "{told}");
    assert!(told.contains("Numbers below 5 are not shown"), "{told}");
}

#[tokio::test]
async fn the_yearly_report_of_the_running_year_has_small_cells_for_those_who_work_there_alone() {
    let room = Room::open(&[]).await;
    let (lia, paula) = (room.person("lia", Role::Sic).await, room.person("paula", Role::Press).await);
    let body = json!({ "subject": "Obras", "text": "Quais obras param em março?" });
    let request = Request::post("/api/v1/secretariat/sic/requests").header(header::CONTENT_TYPE, "application/json");
    let (status, made) = room.send(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let yearly = "secretariat/sic/yearly?year=2026";
    let whole = ask(&room, &lia, Method::GET, yearly, Value::Null).await.1;
    assert_eq!((&whole["received"], &whole["suppressed"]), (&json!(1), &json!(false)), "{whole}");
    let told = ask(&room, &paula, Method::GET, yearly, Value::Null).await.1;
    assert_eq!((&told["received"], &told["suppressed"]), (&Value::Null, &json!(true)), "{told}");
    for table in told["tables"].as_array().unwrap() {
        for row in table["rows"].as_array().unwrap() {
            assert!(row["count"].is_null() || row["count"] == 0, "{table}");
        }
    }
    let page = room.page(&paula, "/secretaria/painel/acesso-a-informacao/anual?ano=2026").await;
    assert!(page.contains("Numbers below 5 are not shown"), "{page}");
    let page = room.page(&lia, "/secretaria/painel/acesso-a-informacao/anual?ano=2026").await;
    assert!(!page.contains("Numbers below 5 are not shown"), "{page}");
}
