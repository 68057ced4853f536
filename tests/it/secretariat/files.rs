//! Files sent with the forms of pages: as they are, within the bounds of the API, and read by whoever may.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{determination, open, path, send_file};
use crate::approval::Room;
use crate::damage::ask;

const PDF: (&str, &str, &[u8]) = ("vistoria.pdf", "application/pdf", b"%PDF-1.7 vistoria");

#[tokio::test]
async fn a_file_is_sent_on_the_page_of_a_case_and_read_there() {
    let room = Room::open(&[]).await;
    let (carla, paula) = (room.person("carla", Role::Coordination).await, room.person("paula", Role::Press).await);
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", case["id"].as_str().unwrap());
    let to = format!("{link}/arquivo");
    let page = room.page(&carla, &link).await;
    assert!(page.contains(&format!("action=\"{to}\" enctype=\"multipart/form-data\"")), "{page}");
    assert!(page.contains("type=\"file\" name=\"file\" required accept=\"application/pdf,"), "{page}");

    let words = [("kind", "evidence"), ("name", "")];
    let (status, page) = send_file(&room, &carla, &to, &words, PDF).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let documents = path("coordination", &case, "/documents");
    let all = ask(&room, &carla, Method::GET, &documents, Value::Null).await.1;
    assert_eq!(
        (&all[0]["name"], &all[0]["media_type"], &all[0]["size"]),
        (&json!("vistoria.pdf"), &json!("application/pdf"), &json!(PDF.2.len())),
        "{all}"
    );
    let file = format!("/api/v1/{documents}/{}", all[0]["id"].as_str().unwrap());
    let page = room.page(&paula, &link).await;
    assert!(page.contains(&format!("href=\"{file}\"")) && page.contains("vistoria.pdf"), "{page}");
    assert_eq!(room.page(&paula, &file).await, "%PDF-1.7 vistoria");

    let draft = [("kind", "evidence"), ("name", "Minuta"), ("draft", "yes")];
    let (status, page) = send_file(&room, &carla, &to, &draft, ("m.txt", "text/plain", b"minuta")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    assert!(room.page(&carla, &link).await.contains("Minuta") && !room.page(&paula, &link).await.contains("Minuta"));
}

#[tokio::test]
async fn a_file_that_runs_in_a_browser_is_too_large_or_not_theirs_to_send_is_refused_on_the_page() {
    let room = Room::open(&[]).await;
    let (carla, paula) = (room.person("carla", Role::Coordination).await, room.person("paula", Role::Press).await);
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let to = format!("/secretaria/painel/articulacao-interna/casos/{}/arquivo", case["id"].as_str().unwrap());
    let words = [("kind", "evidence"), ("name", "Página")];
    let (status, page) = send_file(&room, &carla, &to, &words, ("a.html", "text/html", b"<script>1</script>")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("expected one of application/pdf"), "{page}");
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    let (status, page) = send_file(&room, &carla, &to, &words, ("a.txt", "text/plain", &large)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("more than 10 MiB"), "{page}");
    let (status, _) = send_file(&room, &paula, &to, &words, PDF).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let kinds = ask(&room, &carla, Method::GET, &path("coordination", &case, "/documents"), Value::Null).await.1;
    assert_eq!(kinds, json!([]), "nothing was kept");
}
