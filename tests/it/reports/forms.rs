//! The public form under pressure: floods, slow lines, and pictures that cannot be kept.

use futures_util::{StreamExt as _, stream};
use std::task::Poll;
use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn a_flood_from_one_address_ends_and_the_form_comes_back_with_its_words() {
    let limits = [
        ("SENTINELA__HTTP__LIMITS__PUBLIC_REPORTS_BURST", "3"),
        ("SENTINELA__HTTP__LIMITS__PUBLIC_REPORTS_PER_MINUTE", "1"),
    ];
    let mut site = Site::with(&limits).await;
    site.come_from(9);
    let fields = [("kind", "fire"), ("text", "fogo no mato"), ("place", "Rua A")];
    for _ in 0..3 {
        site.report(&fields).await;
    }
    let stamp = site.stamp().await;
    site.pass(1);
    let sent = [&[("stamp", stamp.as_str())], &fields[..]].concat();
    let refused = site.send(&sent, &[&photograph()]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text.contains("fogo no mato") && refused.text.contains("value=\"Rua A\""), "{}", refused.text);
    let api = json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire", "place": "x"});
    assert_eq!(site.api(&[], api.clone()).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.number("select count(*) from report").await, 3);
    site.come_from(10);
    assert_eq!(site.send(&sent, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.api(&[], api).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_picture_that_cannot_be_kept_costs_no_word() {
    let mut site = Site::new().await;
    let stamp = site.stamp().await;
    site.pass(1);
    let good = photograph();
    let cut = &good[..good.len() - 20];
    let fields = [("stamp", stamp.as_str()), ("kind", "fallen_tree"), ("place", "Rua A"), ("text", "caiu")];
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let sent = site.send(&fields, &[cut, &good, heic]).await;
    assert_eq!(sent.location, "/relatar/recebido?protocolo=R2026/001&sem_fotos=2", "{}", sent.text);
    let page = site.ask("GET", &sent.location, &[], vec![]).await;
    assert!(page.text.contains("2 fotos não puderam ser guardadas"), "{}", page.text);
    assert_eq!(site.number("select count(*) from attachment where report_id is not null").await, 1);
    // In the field: kept, and a fresh form waits for the picture.
    site.become_one(Role::FieldAgent).await;
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("cookie", site.cookie.as_str()), ("content-type", kind.as_str())];
    let fields = [("csrf", site.csrf.as_str()), ("id", "0123456789abcdef"), ("kind", "collapse"), ("place", "Rua B")];
    let sent = site.ask("POST", "/console/reports/new", &headers, form(&fields, &[cut])).await;
    assert!(sent.status == StatusCode::OK && sent.text.contains("R2026/002"), "{} {}", sent.status, sent.text);
    // A form that broke off comes back with what it had said.
    let broken = form(&fields, &[]);
    let sent = site.ask("POST", "/console/reports/new", &headers, broken[..broken.len() - 10].to_vec()).await;
    assert!(sent.status == StatusCode::BAD_REQUEST && sent.text.contains("value=\"collapse\" required checked"));
    // Programs are told.
    let api = [("content-type", kind.as_str())];
    let fields = [("id", "0123456789abcdef"), ("kind", "collapse"), ("place", "Rua B")];
    assert_eq!(site.ask("POST", "/api/v1/reports", &api, form(&fields, &[cut])).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.number("select count(*) from report").await, 2);
}

#[tokio::test]
async fn slow_senders_keep_nobody_from_reporting() {
    let mut site = Site::new().await;
    site.come_from(9);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let begun = form(&[("kind", "fire"), ("place", "Rua A")], &[&photograph()]);
    let begun = begun[..begun.len() - 100].to_vec();
    let mut slow = Vec::new();
    for _ in 0..12 {
        let (listening, listened) = oneshot::channel();
        let mut listening = Some(listening);
        let silence = stream::poll_fn(move |_| {
            listening.take().map(|listening| listening.send(()));
            Poll::<Option<Result<Vec<u8>, std::io::Error>>>::Pending
        });
        let body = Body::from_stream(stream::iter([Ok(begun.clone())]).chain(silence));
        let mut request = Request::post("/relatar").header("content-type", &kind).body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(site.from.unwrap()));
        slow.push(tokio::spawn(site.router.clone().oneshot(request)));
        support::soon("the form to be read", listened).await.unwrap();
    }
    site.report(&[("kind", "landslide"), ("place", "Rua B")]).await;
    for form in slow {
        form.abort();
    }
}
