//! The subscription by SMS, from the centre to the answer.

use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::dispatch::sms_text::measure;
use sentinela::ids::ResidentId;
use sentinela::reports::inbound;
use sentinela::residents::store::place;

use super::{POSTCODES, texts};
use crate::dispatch::peers::{Dispatcher, provider, smsc, told};
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, TestDb, free_port, start_at};

const HER: &str = "5532999990005";
const TALK: &str = include_str!("../../data/residents/subscription.txt");

/// What she writes (`> `) and what she is answered (`< `).
fn lines(mark: &str) -> Vec<&'static str> {
    TALK.lines().filter_map(|line| line.strip_prefix(mark)).collect()
}

#[tokio::test]
async fn a_whole_subscription_in_portuguese_with_typing_errors_is_answered_line_by_line() {
    let db = support::db().await;
    sqlx::raw_sql(POSTCODES).execute(&db.pool).await.unwrap();
    let port = free_port();
    let said = lines("> ");
    let mut centre = smsc(port, &[&format!("--talk={HER}|{}", said.join("|"))]).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    let mut transcript = String::from("# What a resident writes (>) and is answered (<); each message comes twice.\n");
    // Whatever year it is, also when it ends meanwhile, here or in Greenwich.
    let now = sentinela::clock::Clock::System.now();
    let years = [-1, 1].map(|days| (now + chrono::TimeDelta::days(days)).format("R%Y/").to_string());
    for line in said {
        let answer = told(&mut centre, "submit").await;
        assert_eq!(answer["to"].as_str(), Some(HER), "{answer}");
        let text =
            years.iter().fold(answer["text"].as_str().unwrap().to_owned(), |text, year| text.replace(year, "R2026/"));
        let length = measure(&text);
        assert!(length.segments == 1 && length.forcing.is_empty(), "{text}");
        transcript.push_str(&format!("> {line}\n< {text}\n"));
    }
    assert_eq!(transcript, TALK, "\n{transcript}");
    dispatcher.stop().await;
    // She came back in the end, once; what may have been a cry for help waits for somebody to read it.
    let held = texts(
        &db,
        "select c.address || ' ' || (c.opted_out_at is null) || ' ' || p.label || ' ' || p.precision_m
        from resident r join resident_channel c on c.resident_id = r.id join resident_place p on p.resident_id = r.id",
    )
    .await;
    assert_eq!(held, ["+5532999990005 true CEP 36020-100 200"]);
    let consents = texts(&db, "select given || ' ' || source || ' ' || text_version from consent order by id").await;
    assert_eq!(consents, ["true sms sms 2026-12", "false sms sms 2026-12", "true sms sms 2026-12"]);
    let strays = texts(&db, "select words from stray_message order by received_at, id").await;
    assert_eq!(strays, ["agua entrando em casa 36010-000", "ajuda!"]);
    assert_eq!(texts(&db, "select kind from report").await, ["landslide"]);
}

async fn say(app: &App, now: Instant, messages: &[&str]) {
    let mut tx = app.db.dispatch.begin().await.unwrap();
    for message in messages {
        inbound::sms(&mut tx, app, now, (HER, message)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn town(db: &TestDb) -> (Town<'_>, App) {
    sqlx::raw_sql(POSTCODES).execute(&db.pool).await.unwrap();
    (Town::new(db).await, support::app(db))
}

#[tokio::test]
async fn whoever_subscribed_by_sms_is_warned_and_sair_stops_what_waits_at_once() {
    let db = support::db().await;
    let (town, app) = town(&db).await;
    say(&app, start_at(), &["36010-000"]).await;
    // Her family shares the telephone, and a neighbour has another.
    let other = town.resident(INSIDE, 10, &["+5532999990005", "bia@example.org"]).await;
    town.resident(INSIDE, 10, &["+5532999990009"]).await;
    let alert = town.alert("alert", None, 60).await;
    assert_eq!(town.enqueue(alert).await.sms, 2);
    say(&app, start_at(), &["SAIR"]).await;
    let rows = town.rows().await;
    assert_eq!(rows.iter().filter(|row| row.contains("0005 suppressed")).count(), 2, "{rows:?}");
    assert!(rows.contains(&"+5532999990009 pending inside".to_owned()), "{rows:?}");
    assert!(rows.contains(&"bia@example.org pending inside".to_owned()), "{rows:?}");
    // Whoever has a mailbox left is warned there; of whom nothing is left neither consent nor place is kept.
    let next = town.alert("alert", None, 60).await;
    town.enqueue(next).await;
    let reasons = texts(&db, "select address || ' ' || reason from outbox order by id desc limit 3").await;
    assert!(reasons.contains(&"+5532999990005 opted_out".to_owned()), "{reasons:?}");
    let kept = texts(
        &db,
        "select p.label from resident r join resident_place p on p.resident_id = r.id where r.consent_source = 'sms'",
    )
    .await;
    assert!(kept.is_empty(), "{kept:?}");
    let withdrawn: Vec<bool> = sqlx::query_scalar(
        "select alerts_withdrawn_at is not null from resident where id = $1 or consent_source = 'sms' order by consent_source",
    )
    .bind(other)
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(withdrawn, [true, false]);
}

#[tokio::test]
async fn an_end_is_obeyed_however_often_somebody_writes_and_nothing_else_is() {
    let db = support::db().await;
    let (_, app) = town(&db).await;
    let now = start_at();
    for n in 0..20 {
        say(&app, now, &["36010-000", if n % 2 == 0 { "consultar" } else { "ajuda" }]).await;
    }
    let orders: i64 = sqlx::query_scalar("select count(*) from sms_order").fetch_one(&db.pool).await.unwrap();
    assert_eq!(orders, 30);
    let told: i64 =
        sqlx::query_scalar("select count(*) from notice where purpose = 'sms_order' and state <> 'suppressed'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert_eq!(told, 15, "nobody's telephone rings all day");
    say(&app, now, &["SAIR"]).await;
    assert_eq!(
        texts(&db, "select what || ' ' || result from sms_order order by id desc limit 1").await,
        ["leave_all left_all"]
    );
    assert_eq!(texts(&db, "select address from resident_channel where opted_out_at is null").await, [] as [&str; 0]);
    // The centre brings it again: nothing changes, and nobody is told twice.
    say(&app, now + TimeDelta::minutes(1), &["SAIR"]).await;
    assert_eq!(texts(&db, "select given::text from consent order by id").await, ["true", "false"]);
}

#[tokio::test]
async fn eleven_places_are_one_too_many_and_a_list_knows_whoever_was_imported() {
    let db = support::db().await;
    let (town, app) = town(&db).await;
    sqlx::raw_sql(
        "insert into address_postcode (source, cep, street, middle, reach_m)
            select 'own', '3700000' || n, '', 'SRID=4326;POINT(-43.4 -21.7)', 100 from generate_series(0, 9) n",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    town.resident(INSIDE, 10, &["+5532999990005"]).await;
    let now = start_at();
    let all: Vec<String> = (0..9).map(|n| format!("37000-00{n}")).collect();
    say(&app, now, &[&all.join(" ")]).await;
    say(&app, now, &["37000-009"]).await;
    say(&app, now, &["CONSULTAR"]).await;
    let results = texts(&db, "select result from sms_order order by id").await;
    assert_eq!(results, ["subscribed", "too_many_places", "listed"]);
    let list =
        texts(&db, "select body from notice where body like 'Este telefone recebe avisos de casa, 37000-000%'").await;
    assert_eq!(list.len(), 1);
    assert_eq!(town.count("resident").await, 1);
}

#[tokio::test]
async fn a_place_that_is_left_takes_back_what_waits_for_it_alone() {
    let db = support::db().await;
    let (town, app) = town(&db).await;
    say(&app, start_at(), &["36010-000 36020-100"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    say(&app, start_at(), &["SAIR 36020-100"]).await;
    assert_eq!(town.rows().await, ["+5532999990005 pending inside"]);
    say(&app, start_at(), &["36020-100"]).await;
    say(&app, start_at(), &["siar 36010-000"]).await;
    assert_eq!(town.rows().await, ["+5532999990005 suppressed inside place_removed"]);
    // Whoever shares the telephone and still lives there is told in the other's place.
    say(&app, start_at(), &["36010-000"]).await;
    let other = town.resident(INSIDE, 10, &["+5532999990005"]).await;
    let next = town.alert("alert", None, 60).await;
    town.enqueue(next).await;
    let pending = "select (resident_id = (select id from resident where consent_source = 'sms'))::text from outbox where state = 'pending'";
    assert_eq!(texts(&db, pending).await, ["false"]);
    let mut conn = db.pool.acquire().await.unwrap();
    place::remove(&mut conn, start_at(), ResidentId(other), "home").await.unwrap();
    assert_eq!(texts(&db, pending).await, ["true"]);
}
