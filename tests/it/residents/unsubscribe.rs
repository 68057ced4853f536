//! The end by one press, as mail programs press it (RFC 8058).

use axum::http::{Request, StatusCode};
use sentinela::ids::OutboxId;
use sentinela::residents::unsubscribe::link;

use super::{Browser, texts};
use crate::dispatch::town::{INSIDE, Town};
use crate::support;

#[tokio::test]
async fn one_press_ends_everything_to_that_mailbox_and_looking_ends_nothing() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["ana@example.org", "+5532999990001"]).await;
    town.resident(INSIDE, 10, &["ana@example.org"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let app = support::app(&db);
    let row: i64 = sqlx::query_scalar("select id from outbox where channel = 'email' and state = 'pending'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    let url = link(&app, OutboxId(row), "ana@example.org");
    let path = url.strip_prefix(&app.config.public_url()).unwrap();
    let mut browser = Browser::of(&app);
    let page = browser.get(path).await;
    assert!(page.status == StatusCode::OK && page.text.contains("a***@example.org"), "{}", page.text);
    assert!(!page.text.contains("ana@example.org") && page.headers["cache-control"] == "no-store");
    let form = "application/x-www-form-urlencoded";
    let nothing = browser.ask(Request::post(path).header("content-type", form), "x=1").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        texts(&db, "select address from resident_channel where opted_out_at is not null").await,
        [] as [&str; 0]
    );
    // The very request of the RFC: no cookie, no page before it.
    let mut machine = Browser::of(&app);
    let pressed = machine.ask(Request::post(path).header("content-type", form), "List-Unsubscribe=One-Click").await;
    assert_eq!(pressed.status, StatusCode::OK, "{}", pressed.text);
    let closed = texts(&db, "select address from resident_channel where opted_out_at is not null order by id").await;
    assert_eq!(closed, ["ana@example.org", "ana@example.org"]);
    let left = texts(&db, "select address || ' ' || state || ' ' || reason from outbox order by id").await;
    assert!(left.contains(&"ana@example.org suppressed opted_out".to_owned()), "{left:?}");
    assert!(left.contains(&"+5532999990001 pending ".to_owned()), "{left:?}");
    // Who has a telephone left goes on being warned there.
    let given = texts(&db, "select given || ' ' || source from consent order by id").await;
    assert_eq!(given, ["false unsubscribe link"]);
    // Twice is once, and long after the row has forgotten the address the link still holds.
    sqlx::query("update outbox set address = 'erased:' || id").execute(&db.pool).await.unwrap();
    sqlx::query("update resident_channel set opted_out_at = null").execute(&db.pool).await.unwrap();
    let parts = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let kind = "multipart/form-data; boundary=x";
    assert_eq!(machine.ask(Request::post(path).header("content-type", kind), parts).await.status, StatusCode::OK);
    assert_eq!(texts(&db, "select address from resident_channel where opted_out_at is null").await, ["+5532999990001"]);
    let forged = machine.ask(Request::post("/s/AAAA").header("content-type", form), "List-Unsubscribe=One-Click").await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_link_holds_for_whoever_shares_the_mailbox_when_its_reader_is_gone() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let gone = town.resident(INSIDE, 10, &["casa@example.org"]).await;
    town.resident(INSIDE, 10, &["casa@example.org"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let app = support::app(&db);
    let row: i64 =
        sqlx::query_scalar("select id from outbox where state = 'pending'").fetch_one(&db.pool).await.unwrap();
    let url = link(&app, OutboxId(row), "casa@example.org");
    let path = url.strip_prefix(&app.config.public_url()).unwrap();
    // Whoever it was sent to took the mailbox out of their record, and the row has forgotten the address.
    for sql in [
        "delete from resident_channel where resident_id = $1",
        "update outbox set address = 'erased:' || id where resident_id = $1",
    ] {
        sqlx::query(sql).bind(gone).execute(&db.pool).await.unwrap();
    }
    let page = Browser::of(&app).get(path).await;
    assert!(page.text.contains("c***@example.org"), "{}", page.text);
    let form = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    let pressed = Browser::of(&app).ask(form, "List-Unsubscribe=One-Click").await;
    assert_eq!(pressed.status, StatusCode::OK);
    let closed = texts(&db, "select address from resident_channel where opted_out_at is not null").await;
    assert_eq!(closed, ["casa@example.org"]);
}
