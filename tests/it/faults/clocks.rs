//! Family 5: clocks that are an hour off, in a device and in the service, one that is set ahead by days, and the turn of the year.

use std::path::Path;

use chrono::{SubsecRound as _, TimeDelta, TimeZone as _, Utc};
use sentinela::clock::{Clock, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::accounts;
use super::devices::post;
use super::service::{Place, Service};
use crate::pipeline::Story;
use crate::support::{self, Folder};

fn message(id: &str, minutes: i64) -> String {
    let at = (Clock::System.now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ");
    format!(r#"{{"id":"{id}","readings":[{{"stream":"rain","at":"{at}","value":0.2}}]}}"#)
}

#[tokio::test]
async fn a_device_an_hour_ahead_is_told_and_quarantined_and_one_an_hour_behind_counts_at_its_time() {
    let (db, folder) = (support::db().await, Folder::new());
    crate::ingest::gauge(&db.pool, "A").await;
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let (status, body) = post(place.http, &message("ahead", 60)).await.unwrap();
    assert!(status == 400 && body.contains("in the future"), "{status} {body}");
    let (status, body) = post(place.http, &message("behind", -60)).await.unwrap();
    assert_eq!(status, 200, "{body}");
    let fields: Vec<String> = sqlx::query_scalar("select field from quarantine").fetch_all(&db.pool).await.unwrap();
    assert!(matches!(fields.as_slice(), [field] if field.ends_with("at")), "{fields:?}");
    let late: Vec<(String, bool)> =
        sqlx::query_as("select message_id, received_at - observed_at >= interval '59 minutes' from journal")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(late, [("behind".to_owned(), true)]);
    accounts::settled(&db.pool).await;
    service.stop().await;
}

/// The service's own clock leaps an hour ahead and is put right: nothing is received before what came before, all is judged, and a
/// restart knows the same.
#[tokio::test]
async fn a_leap_of_the_services_clock_and_back_keeps_the_order_and_a_restart_knows_the_same() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let level = "select level from area_level order by area_id";
    let right = story.app.clock.now();
    story.app.clock.set(right + TimeDelta::hours(1));
    story.rain(1, 1).await;
    story.app.clock.set(right + TimeDelta::minutes(1));
    story.rain(1, 1).await;
    story.rain(2, 1).await;
    let falls = "select count(*)::text from (select received_at < lag(received_at) over (order by seq) as falls from journal) j where falls";
    assert_eq!(story.text(falls).await, ["0"]);
    assert_eq!(accounts::behind(&story.db.pool).await, 0);
    let known = story.text(level).await;
    // After a restart the same is known.
    story.pipeline = sentinela::pipeline::Pipeline::load(&story.app, &mut story.conn).await.unwrap();
    assert_eq!(story.text(level).await, known);
}

/// Writes a line at the socket of a service's clock; gives its answer.
async fn ask(socket: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut said = String::new();
    support::soon("the answer", stream.read_to_string(&mut said)).await.unwrap();
    said.trim().to_owned()
}

/// A walk sets the clock of a running service ahead: what pauses for ten minutes looks again at once, and nothing sets it back.
#[tokio::test]
async fn a_clock_that_is_set_ahead_wakes_whoever_pauses_and_never_goes_back() {
    let (db, folder) = (support::db().await, Folder::new());
    let (place, socket) = (Place::new(folder.path(), ""), folder.path().join("clock"));
    let service = Service::start_leaping(&db, &place, &socket).await;
    let now = Clock::System.now().trunc_subsecs(0);
    // A request for messages that nobody confirms is forgotten after seven days.
    sqlx::query(
        "insert into segment_subscription (id, email, wanted, language, asked_at)
         values (gen_random_uuid(), 'leitora@exemplo.invalid', '{chuva}', 'pt-BR', $1)",
    )
    .bind(now)
    .execute(&db.pool)
    .await
    .unwrap();
    let kept = async || -> i64 {
        sqlx::query_scalar("select count(*) from segment_subscription").fetch_one(&db.pool).await.unwrap()
    };
    let after = |days| (now + TimeDelta::days(days)).to_rfc3339();
    let shows: Instant = ask(&socket, &after(6)).await.parse().unwrap();
    assert!((0..60).contains(&(shows - now - TimeDelta::days(6)).num_seconds()), "{shows}");
    assert_eq!(kept().await, 1, "its seven days run");
    ask(&socket, &after(8)).await;
    support::eventually("the request to be forgotten", || async { (kept().await == 0).then_some(()) }).await;
    let back = ask(&socket, &after(7)).await;
    assert!(back.starts_with("refused: the clock shows ") && back.contains("never goes back"), "{back}");
    let nonsense = ask(&socket, "tomorrow").await;
    assert!(nonsense.starts_with("refused: \"tomorrow\" is no instant"), "{nonsense}");
    service.stop().await;
    assert!(!socket.exists(), "nobody knocks in vain at a socket that nobody listens to");
}

/// Numbers begin anew where the municipality's year does, and not at midnight of UTC.
#[tokio::test]
async fn numbers_turn_with_the_municipalitys_year() {
    let mut story = Story::begin(&[]).await;
    let mut numbers = Vec::new();
    // 23:30 in Juiz de Fora, when it is 2027 in Greenwich already; and 1:30 of the next year.
    for (day, hour, gauge) in [(1, 2, 1), (1, 4, 2)] {
        story.app.clock.set(Utc.with_ymd_and_hms(2027, 1, day, hour, 30, 0).single().unwrap());
        story.rain(gauge, 45).await;
        let draft = story.drafts().await.remove(0);
        numbers.push(story.issue(draft.row.id, draft.row.revision).await.unwrap());
    }
    assert_eq!(numbers, ["2026/001", "2027/001"]);
}
