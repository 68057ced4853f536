//! Without a provider, messages are read at the sink.

use sentinela::dispatch::{finished, worker};
use sentinela::events::Event;

use super::town::{INSIDE, Town};
use crate::support;

#[tokio::test]
async fn without_a_provider_every_message_lies_in_the_sink_with_its_text() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let app = support::app(&db);
    let running = tokio::spawn(worker::run(app.clone()));
    support::eventually("the sink", || async {
        finished(&mut db.pool.acquire().await.unwrap(), alert).await.unwrap().then_some(())
    })
    .await;
    let shown: Vec<String> = sqlx::query_scalar(
        "select concat_ws('|', channel, address, subject, left(body, 42)) from sink_message order by address",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(
        shown,
        [
            "sms|+5532900000001||Defesa Civil: risco de deslizamento. Saia.",
            "email|a@example.org|Risco alto de deslizamento|Risco alto de deslizamento\n\nChoveu 90 mm e"
        ]
    );
    assert_eq!(town.states().await, ["+5532900000001 delivered", "a@example.org delivered"]);
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
    assert_eq!(town.count("dispatch_claimer").await, 0, "a standby can start at once");
}

#[tokio::test]
async fn rows_enqueued_later_wake_the_worker() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let resident = town.resident(INSIDE, 10, &["+5532900000001"]).await;
    town.exercise(&[resident]).await;
    let app = support::app(&db);
    let running = tokio::spawn(worker::run(app.clone()));
    let alert = town.alert_of("alert", None, 60, "exercise", "Defesa Civil: saia").await;
    town.enqueue(alert).await;
    app.events.send(Event::Outbox);
    let body: String = support::eventually("the sink", || async {
        sqlx::query_scalar("select body from sink_message").fetch_optional(&db.pool).await.unwrap()
    })
    .await;
    assert_eq!(body, "EXERCICIO - NAO E REAL: Defesa Civil: saia");
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}

#[tokio::test]
async fn whoever_reads_another_language_is_told_in_it_where_the_alert_has_it() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for (number, language) in [(1, "pt-BR"), (2, "en"), (3, "es")] {
        let (phone, letter) = (format!("+553290000000{number}"), format!("{number}@example.org"));
        let id = town.resident(INSIDE, 10, &[&phone, &letter]).await;
        sqlx::query("update resident set language = $2 where id = $1")
            .bind(id)
            .bind(language)
            .execute(&db.pool)
            .await
            .unwrap();
    }
    let alert = town.alert("alert", None, 60).await;
    // As if it had been written before the alert left.
    let mut owner = db.owner().await;
    sqlx::raw_sql("alter table alert_text disable trigger alert_text_keep_issued").execute(&mut owner).await.unwrap();
    sqlx::query(
        "insert into alert_text values ($1, 'en', 'High risk', 'It rained.', 'Leave.', 'CIVIL DEFENSE: leave')",
    )
    .bind(alert.0)
    .execute(&mut owner)
    .await
    .unwrap();
    town.enqueue(alert).await;
    let app = support::app(&db);
    let running = tokio::spawn(worker::run(app.clone()));
    support::eventually("the sink", || async {
        finished(&mut db.pool.acquire().await.unwrap(), alert).await.unwrap().then_some(())
    })
    .await;
    let shown: Vec<String> = sqlx::query_scalar(
        "select concat_ws('|', address, case channel when 'sms' then left(body, 25) else subject end) from sink_message order by channel desc, address",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(
        shown,
        [
            "+5532900000001|Defesa Civil: risco de de",
            "+5532900000002|CIVIL DEFENSE: leave",
            "+5532900000003|Defesa Civil: risco de de",
            "1@example.org|Risco alto de deslizamento",
            "2@example.org|High risk",
            "3@example.org|Risco alto de deslizamento",
        ]
    );
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}
