//! What people write by SMS: messages in parts, words without the key word, and answers to what cannot be read.

use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::dispatch::parts::{Label, Part};
use sentinela::dispatch::store::part::{self, Ready};
use sentinela::reports::inbound;
use sqlx::PgConnection;

use crate::support::{self, TestDb};

const HER: &str = "5532999990001";
const TOWN: &str = "
    insert into resident (id, name, consent_at, consent_source, created_at)
        values ('00000000-0000-0000-0000-00000000000a', 'Ana', now(), 'test', now());
    insert into resident_place (resident_id, geom, precision_m)
        select id, 'SRID=4326;POINT(-43.395 -21.75)', 20 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'sms', '+5532999990001', now() from resident;
    insert into resident_channel (resident_id, kind, address)
        select id, 'sms', '+5532999990002' from resident;";

fn piece(reference: u16, total: u8, number: u8, text: &str) -> Part {
    let label = Label { reference, total, number };
    Part { destination: "40199".into(), label, data_coding: 0, octets: text.as_bytes().to_vec() }
}

/// Keeps the parts, and the words of what can be read then.
async fn come(conn: &mut PgConnection, now: Instant, parts: &[Part]) -> Vec<String> {
    let parts: Vec<(&str, &Part)> = parts.iter().map(|part| (HER, part)).collect();
    part::keep(&mut *conn, now, &parts).await.unwrap();
    ready(conn, now).await
}

async fn ready(conn: &mut PgConnection, now: Instant) -> Vec<String> {
    let ready = part::take(conn, now).await.unwrap();
    ready
        .into_iter()
        .map(|Ready { address, words }| {
            assert_eq!(address, HER);
            words
        })
        .collect()
}

#[tokio::test]
async fn a_message_is_read_once_when_its_last_part_is_there_however_often_they_come() {
    let db = support::db().await;
    let now = support::start_at();
    let (one, two) = (piece(7, 2, 1, "RELATO barranco "), piece(7, 2, 2, "caiu"));
    let mut conn = db.pool.acquire().await.unwrap();
    assert!(come(&mut conn, now, &[two.clone(), two.clone()]).await.is_empty());
    drop(conn);
    // Another connection, as after a restart.
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(come(&mut conn, now, std::slice::from_ref(&one)).await, ["RELATO barranco caiu"]);
    let later = now + TimeDelta::minutes(5);
    assert!(come(&mut conn, later, &[one, two]).await.is_empty());
    assert!(ready(&mut conn, later + TimeDelta::minutes(5)).await.is_empty());
}

#[tokio::test]
async fn a_message_that_lacks_a_part_is_read_after_a_while_and_again_when_the_part_comes() {
    let db = support::db().await;
    let now = support::start_at();
    let mut conn = db.pool.acquire().await.unwrap();
    assert!(come(&mut conn, now, &[piece(7, 3, 1, "barranco"), piece(7, 3, 3, "caiu")]).await.is_empty());
    assert!(ready(&mut conn, now + TimeDelta::seconds(29)).await.is_empty());
    let later = now + TimeDelta::seconds(30);
    assert_eq!(ready(&mut conn, later).await, ["barranco […] caiu"]);
    assert!(ready(&mut conn, later + TimeDelta::minutes(1)).await.is_empty());
    let late = later + TimeDelta::minutes(2);
    assert_eq!(come(&mut conn, late, &[piece(7, 3, 2, " enorme ")]).await, ["barranco enorme caiu"]);
}

#[tokio::test]
async fn messages_of_the_same_numbers_are_not_mixed() {
    let db = support::db().await;
    let now = support::start_at();
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(come(&mut conn, now, &[piece(7, 2, 1, "fogo "), piece(7, 2, 2, "no mato")]).await, ["fogo no mato"]);
    // One octet counts: soon the same number is another message's.
    let next = [piece(7, 2, 1, "rua "), piece(7, 2, 2, "alagada")];
    assert_eq!(come(&mut conn, now + TimeDelta::minutes(1), &next).await, ["rua alagada"]);
    let other = piece(7, 2, 1, "de outro ");
    part::keep(&mut conn, now, &[("5532999990009", &other)]).await.unwrap();
    let mine = [piece(8, 2, 2, "meu"), piece(7, 3, 2, "de tres")];
    assert!(come(&mut conn, now, &mine).await.is_empty(), "each is half of a message of its own");
}

async fn town() -> (TestDb, App) {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    (db, app)
}

/// Whether each of these became a report.
async fn say(app: &App, now: Instant, messages: &[(&str, &str)]) -> Vec<bool> {
    let mut tx = app.db.dispatch.begin().await.unwrap();
    let mut taken = Vec::new();
    for message in messages {
        taken.push(inbound::sms(&mut tx, app, now, *message).await.unwrap().is_some());
    }
    tx.commit().await.unwrap();
    taken
}

#[tokio::test]
async fn a_resident_who_speaks_of_a_danger_reports_it_without_the_word() {
    let (db, app) = town().await;
    let said = "barranco caiu na minha casa";
    let messages = [(HER, said), ("5532999990002", said), ("5532999990003", said), (HER, "bom dia")];
    assert_eq!(say(&app, app.clock.now(), &messages).await, [true, false, false, false]);
    let kept: Vec<String> =
        sqlx::query_scalar("select concat_ws(' ', kind, standing, place_from, precision_m, words) from report")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(kept, ["landslide resident resident 20 barranco caiu na minha casa"]);
}

#[tokio::test]
async fn a_street_in_the_words_is_not_the_home_of_who_writes() {
    let (db, app) = town().await;
    let messages = [(HER, "RELATO barranco caiu, rua das Flores 20"), (HER, "o morro atrás da minha casa desliza")];
    assert_eq!(say(&app, app.clock.now(), &messages).await, [true, true]);
    let kept: Vec<String> =
        sqlx::query_scalar("select concat_ws(' ', place_from, precision_m) from report order by protocol")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(kept, ["unknown", "resident 500"]);
}

#[tokio::test]
async fn whoever_writes_something_else_is_told_once_a_day_how_to_report() {
    let (db, app) = town().await;
    let now = app.clock.now();
    let messages = [
        ("5532999990003", "SOCORRO"),
        ("5532999990003", "oi?"),
        (HER, "SAIR"),
        ("40404", "oi"),
        ("27182003", "oi"),
        ("LOJA", "oi"),
        (HER, " "),
    ];
    assert_eq!(say(&app, now, &messages).await, [false; 7]);
    let told = async || -> Vec<String> {
        let sql = "select address from notice where purpose = 'report_how' and body like '%RELATO%193%' order by created_at, address";
        sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap()
    };
    // SAIR is an order, and has an answer of its own.
    assert_eq!(told().await, ["+5532999990003"]);
    say(&app, now + TimeDelta::hours(23), &[("5532999990003", "oi")]).await;
    assert_eq!(told().await.len(), 1);
    say(&app, now + TimeDelta::hours(25), &[("5532999990003", "oi")]).await;
    assert_eq!(told().await, ["+5532999990003", "+5532999990003"]);
}

#[tokio::test]
async fn a_message_that_is_no_report_waits_until_somebody_has_read_it() {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    let mut conn = db.pool.acquire().await.unwrap();
    let now = app.clock.now();
    // The centre sends it twice; a machine's is nobody's cry for help, and a report is in the queue already.
    for (from, text) in [
        ("5532999990005", "me ajudem pelo amor de Deus"),
        ("5532999990005", "me ajudem pelo amor de Deus"),
        ("40404", "promoção"),
        ("5532999990005", "RELATO rua alagada"),
        (HER, " \n"),
    ] {
        inbound::sms(&mut conn, &app, now, (from, text)).await.unwrap();
    }
    let kept: Vec<String> =
        sqlx::query_scalar("select source || ' ' || words from stray_message").fetch_all(&db.pool).await.unwrap();
    assert_eq!(kept, ["+5532999990005 me ajudem pelo amor de Deus"]);
    for n in 0..40 {
        inbound::sms(&mut conn, &app, now, (HER, &format!("oi {n}"))).await.unwrap();
    }
    let count = || async {
        let sql = "select count(*) from stray_message where source = '+5532999990001'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&db.pool).await.unwrap()
    };
    assert_eq!(count().await, 30, "one telephone fills no page for long");
    sqlx::query("update stray_message set received_at = received_at - interval '400 days' where words = 'oi 1'")
        .execute(&db.pool)
        .await
        .unwrap();
    let privacy = &app.config.privacy;
    let actor = sentinela::audit::Actor::service();
    sentinela::privacy::retention::carry_out(&db.pool, &app.ids, privacy, now, &actor).await.unwrap();
    assert_eq!(count().await, 29, "it goes with the addresses of messages");
    let her = sentinela::ids::ResidentId("00000000-0000-0000-0000-00000000000a".parse().unwrap());
    let mut tx = db.pool.begin().await.unwrap();
    assert!(sentinela::residents::store::erase::erase(&mut tx, now, her).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(count().await, 0, "and with whoever wrote it");
}
