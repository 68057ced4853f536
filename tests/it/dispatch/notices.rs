//! Messages to one person that are no alerts.

use chrono::TimeDelta;
use sentinela::dispatch::notices::{AN_HOUR, INSTITUTION, Notice, queue};
use sentinela::dispatch::provider::{Channel, providers};
use sentinela::dispatch::store::notice as store;
use sentinela::dispatch::worker;
use sentinela::ids::Ids;

use super::peers::{Dispatcher, provider, smsc, smtp, told};
use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, free_port, start_at};

fn code<'a>(channel: Channel, address: &'a str, body: &'a str) -> Notice<'a> {
    let expires_at = start_at() + TimeDelta::minutes(10);
    Notice { channel, address, subject: "Código", body, expires_at, purpose: "resident_code" }
}

/// One that is alive by the machine's own clock.
fn living<'a>(channel: Channel, address: &'a str, body: &'a str) -> Notice<'a> {
    Notice {
        expires_at: sentinela::clock::Clock::System.now() + TimeDelta::minutes(10),
        ..code(channel, address, body)
    }
}

async fn put(db: &TestDb, ids: &Ids, notice: &Notice<'_>) -> uuid::Uuid {
    let mut tx = db.pool.begin().await.unwrap();
    let now = notice.expires_at - TimeDelta::minutes(10);
    let id = queue(&mut tx, ids, now, notice).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn states(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar("select state || '|' || subject || '|' || body from notice order by created_at, id")
        .fetch_all(&db.pool)
        .await
        .unwrap()
}

async fn until(db: &TestDb, wanted: &[&str]) {
    support::eventually(&format!("{wanted:?}"), || async { (states(db).await == wanted).then_some(()) }).await;
}

#[tokio::test]
async fn without_a_provider_a_notice_lies_in_the_sink_until_it_expires() {
    let db = support::db().await;
    let app = support::app(&db);
    put(&db, &app.ids, &code(Channel::Sms, "+5532900000001", "Seu código: 123456")).await;
    let running = tokio::spawn(worker::run(app.clone()));
    until(&db, &["delivered||"]).await;
    let sunk: String = sqlx::query_scalar("select body from sink_message").fetch_one(&db.pool).await.unwrap();
    assert_eq!(sunk, "Seu código: 123456");
    app.clock.set(start_at() + TimeDelta::minutes(11));
    support::eventually("the sink without the code", || async {
        let body: String = sqlx::query_scalar("select body from sink_message").fetch_one(&db.pool).await.unwrap();
        body.is_empty().then_some(())
    })
    .await;
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}

#[tokio::test]
async fn nobodys_telephone_rings_again_and_again() {
    let db = support::db().await;
    let ids = Ids::seeded(5);
    for _ in 0..AN_HOUR + 2 {
        put(&db, &ids, &code(Channel::Sms, "+5532900000001", "123456")).await;
    }
    put(&db, &ids, &code(Channel::Sms, "+5532900000002", "123456")).await;
    let all = states(&db).await;
    assert_eq!(all.iter().filter(|state| *state == "pending|Código|123456").count() as i64, AN_HOUR + 1);
    assert_eq!(all.iter().filter(|state| *state == "suppressed||").count(), 2);
}

#[tokio::test]
async fn a_lost_worker_means_one_more_copy_and_never_a_third() {
    let db = support::db().await;
    let ids = Ids::seeded(5);
    put(&db, &ids, &code(Channel::Sms, "+5532900000001", "123456")).await;
    let sink = providers(&support::config(&[])).remove(0);
    let mut conn = db.pool.acquire().await.unwrap();
    let mut now = start_at();
    for (attempt, after) in [(1, "pending|Código|123456"), (2, "unknown||")] {
        let until = now + TimeDelta::seconds(30);
        let claimed = store::claim(&mut conn, now, &sink, 10, until, None).await.unwrap();
        assert_eq!(claimed[0].attempt, attempt);
        assert!(store::claim(&mut conn, now, &sink, 10, until, None).await.unwrap().is_empty(), "claimed once");
        now = until + TimeDelta::seconds(1);
        store::sweep(&mut conn, now, Channel::Sms).await.unwrap();
        assert_eq!(states(&db).await, [after]);
    }
}

#[tokio::test]
async fn a_notice_that_nobody_could_send_in_time_is_emptied() {
    let db = support::db().await;
    put(&db, &Ids::seeded(5), &code(Channel::Email, "a@example.org", "x")).await;
    let mut conn = db.pool.acquire().await.unwrap();
    store::sweep(&mut conn, start_at() + TimeDelta::minutes(10), Channel::Email).await.unwrap();
    assert_eq!(states(&db).await, ["expired||"]);
}

#[tokio::test]
async fn through_a_mail_server_and_a_centre_notices_arrive_and_leave_nothing_behind() {
    let db = support::db().await;
    let (mail, sms) = (free_port(), free_port());
    let mut server = smtp(mail, &["--greylist", "1"]).await;
    let mut centre = smsc(sms, &[]).await;
    let ids = Ids::seeded(5);
    put(&db, &ids, &living(Channel::Email, "a@example.org", "Abra https://exemplo.invalid/c/abc")).await;
    put(&db, &ids, &living(Channel::Sms, "+5532900000001", "Seu codigo: 123456")).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        config.mail.url = format!("smtp://127.0.0.1:{mail}").as_str().into();
        config.sms.smpp = vec![provider(sms)];
    });
    let letter = told(&mut server, "subject").await;
    assert_eq!(letter["subject"].as_str(), Some("Código"));
    assert!(letter["html"].as_str().unwrap().contains("<a href=\"https://exemplo.invalid/c/abc\">"), "{letter}");
    let submitted = told(&mut centre, "to").await;
    assert!(submitted.to_string().contains("123456"), "{submitted}");
    until(&db, &["accepted||", "accepted||"]).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn institutions_overtake_the_rows_of_an_alert_and_those_the_other_notices() {
    let db = support::db().await;
    let port = free_port();
    let ids = Ids::seeded(5);
    let town = Town::new(&db).await;
    for n in 0..30 {
        put(&db, &ids, &living(Channel::Sms, &format!("+55329000001{n:02}"), "codigo")).await;
    }
    for n in 0..30 {
        town.resident(INSIDE, 10, &[&format!("+55329000002{n:02}")]).await;
    }
    let alert = town.living_alert("Defesa Civil: saia").await;
    town.enqueue(alert).await;
    for n in 0..30 {
        let to = format!("+55329000003{n:02}");
        put(&db, &ids, &Notice { purpose: INSTITUTION, ..living(Channel::Sms, &to, "Escola: saia") }).await;
    }
    let mut centre = smsc(port, &[]).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    let mut order = Vec::new();
    for _ in 0..90 {
        let said = told(&mut centre, "to").await.to_string();
        order.push(if said.contains("Escola") {
            0
        } else if said.contains("Defesa Civil") {
            1
        } else {
            2
        });
    }
    assert_eq!(order, [[0; 30], [1; 30], [2; 30]].concat());
    dispatcher.stop().await;
}
