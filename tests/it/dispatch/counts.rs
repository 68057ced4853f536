//! The counts of deliveries are the rows, whatever moves them; whom nothing reached; the report that stands for good.

use chrono::TimeDelta;
use sentinela::clock::Instant;
use sentinela::dispatch::decide::{Next, State};
use sentinela::dispatch::outbox::withdraw;
use sentinela::dispatch::provider::{Provider, providers};
use sentinela::dispatch::store::claim::{self, Claimed, Ending, PartEnd};
use sentinela::dispatch::store::{report, tally, unreached};
use sentinela::dispatch::tally::{Cell, Tally};
use sentinela::dispatch::{keeper, worker};
use sentinela::ids::AlertId;

use super::town::{AWAY, INSIDE, NEAR, Town};
use crate::support::{self, TestDb, start_at};

fn sink() -> Provider {
    providers(&support::config(&[])).remove(0)
}

/// A generator of its own, so that a failure repeats itself.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn read(db: &TestDb, now: Instant, alert: AlertId) -> Tally {
    let mut conn = db.pool.acquire().await.unwrap();
    tally::read(&mut conn, now, alert).await.unwrap().unwrap()
}

async fn fold(db: &TestDb) {
    let mut tx = db.pool.begin().await.unwrap();
    tally::fold(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

fn part(outcome: &'static str) -> PartEnd {
    PartEnd { part: 1, outcome, code: String::new(), detail: String::new(), message_id: None }
}

/// Ends a try as the die says.
fn ending(row: &Claimed, dice: &mut Dice, now: Instant) -> Ending {
    let (state, reason, outcome) = match dice.roll(6) {
        0 => (State::Accepted, "", "accepted"),
        1 => (State::Delivered, "", "delivered"),
        2 => (State::Rejected, "smpp 0x0000000b no such number", "rejected"),
        3 => (State::Unknown, "no answer within 10 s", "unknown"),
        4 => (State::Expired, "smpp 0x00000058", "rejected"),
        _ => (State::Pending, "no connection", "not_sent"),
    };
    let next_attempt_at = (state == State::Pending).then_some(now);
    let next = Next { state, reason: reason.to_owned(), next_attempt_at };
    Ending {
        id: row.id,
        fence: row.fence,
        attempt: row.attempt,
        next,
        parts: vec![part(outcome)],
        is_dead_address: false,
    }
}

fn sorted(mut cells: Vec<Cell>) -> Vec<String> {
    cells.sort_by_key(|cell| format!("{cell:?}"));
    cells.into_iter().map(|cell| format!("{cell:?}")).collect()
}

#[tokio::test]
async fn the_counts_say_what_the_rows_say_whatever_moved_them_and_whenever_they_were_folded() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for number in 100..140 {
        let at = [INSIDE, NEAR, (-43.4095, -21.7095)][number % 3];
        town.resident(at, 50, &[&format!("+5532900000{number}"), &format!("r{number}@example.org")]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let seed = 20_261_129;
    let mut dice = Dice(seed);
    let mut conn = db.pool.acquire().await.unwrap();
    for step in 0..60_i64 {
        let now = start_at() + TimeDelta::seconds(step);
        match dice.roll(5) {
            0 => fold(&db).await,
            1 if step > 45 => drop(withdraw(&mut conn, now, alert, "superseded").await.unwrap()),
            _ => {
                let limit = i64::try_from(dice.roll(4) + 1).unwrap();
                let rows = claim::claim(&mut conn, now, &sink(), limit, now + TimeDelta::seconds(30)).await.unwrap();
                let endings: Vec<Ending> = rows
                    .iter()
                    .filter(|_| dice.roll(5) > 0)
                    .map(|row| (row, now))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(|(row, now)| ending(row, &mut dice, now))
                    .collect();
                claim::complete(&mut conn, now, "sink:sms", &endings).await.unwrap();
            }
        }
        let counted = read(&db, now, alert).await;
        let rows = tally::recount(&mut conn, alert).await.unwrap();
        assert_eq!(sorted(counted.cells.clone()), sorted(rows), "seed {seed}, step {step}");
        assert!(counted.balances(), "seed {seed}, step {step}");
    }
    let taken: i64 = read(&db, start_at(), alert).await.pace.iter().map(|pace| pace.rows).sum();
    let accepted: i64 = sqlx::query_scalar("select count(*) from outbox where accepted_at is not null")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(taken, accepted, "seed {seed}");
    assert!(accepted > 0, "seed {seed}: nothing was taken, so nothing was proved");
}

#[tokio::test]
async fn a_message_sent_again_counts_only_where_nobody_knew_whether_the_first_had_left() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for number in 1..=2 {
        town.resident(INSIDE, 10, &[&format!("+553290000000{number}")]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let mut conn = db.pool.acquire().await.unwrap();
    for (outcomes, state) in [(["unknown", "not_sent"], State::Pending), (["accepted", "accepted"], State::Accepted)] {
        let lease = start_at() + TimeDelta::seconds(30);
        let mut rows = claim::claim(&mut conn, start_at(), &sink(), 10, lease).await.unwrap();
        rows.sort_by(|a, b| a.address.cmp(&b.address));
        let ended: Vec<Ending> = rows
            .iter()
            .zip(outcomes)
            .map(|(row, outcome)| Ending {
                id: row.id,
                fence: row.fence,
                attempt: row.attempt,
                next: Next { state, reason: String::new(), next_attempt_at: (state == State::Pending).then(start_at) },
                parts: vec![part(outcome)],
                is_dead_address: false,
            })
            .collect();
        claim::complete(&mut conn, start_at(), "sink:sms", &ended).await.unwrap();
    }
    assert_eq!(read(&db, start_at(), alert).await.repeated(), 1);
    fold(&db).await;
    assert_eq!(read(&db, start_at(), alert).await.repeated(), 1, "folding changes nothing");
}

#[tokio::test]
async fn whoever_has_one_accepted_message_or_shares_the_telephone_of_one_is_reached() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    town.resident(INSIDE, 10, &["c@example.org"]).await;
    town.resident(INSIDE, 10, &[]).await;
    town.resident(AWAY, 10, &["+5532900000009"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query(
        "update outbox set state = case when channel = 'sms' and state = 'pending' then 'accepted' else state end",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let found = unreached::find(&mut conn, start_at(), alert).await.unwrap();
    let areas: Vec<_> = found
        .areas
        .iter()
        .map(|area| (area.name.as_str(), area.residents, area.unreached, area.without_channel))
        .collect();
    assert_eq!(areas, [("Bom Pastor", 4, 2, 1)]);
    assert_eq!(found.squares.iter().map(|square| square.people).collect::<Vec<_>>(), [2]);
    let [west, south, east, north] = found.squares[0].bounds();
    assert!((west..east).contains(&INSIDE.0) && (south..north).contains(&INSIDE.1));
}

#[tokio::test]
async fn the_grade_of_a_row_is_its_own_and_not_read_off_its_place_in_the_queue() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let grades = |tally: Tally| -> Vec<String> { tally.by_grade().into_iter().map(|group| group.name).collect() };
    assert_eq!(grades(read(&db, start_at(), alert).await), ["1"], "R3");
    sqlx::query("update outbox set priority = priority + 3").execute(&db.pool).await.unwrap();
    assert_eq!(grades(read(&db, start_at(), alert).await), ["1"], "the queue was ordered anew, the grade is the same");
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(tally::recount(&mut conn, alert).await.unwrap()[0].danger, 1);
}

#[tokio::test]
async fn whoever_asked_for_silence_is_not_among_the_unreached() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    town.resident(INSIDE, 10, &["+5532900000002", "b@example.org"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'suppressed', reason = case when channel = 'sms' then 'quiet_hours' else 'below_least_level' end where address in ('+5532900000001', 'a@example.org', '+5532900000002')")
        .execute(&db.pool)
        .await
        .unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let found = unreached::find(&mut conn, start_at(), alert).await.unwrap();
    let areas: Vec<_> = found.areas.iter().map(|area| (area.residents, area.unreached, area.by_choice)).collect();
    assert_eq!(areas, [(2, 1, 1)], "one waits for a letter still, the other wants none");
    assert_eq!(found.squares.iter().map(|square| square.people).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn when_nothing_can_move_any_more_the_report_is_written_once_and_stands() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for number in 1..=3 {
        town.resident(INSIDE, 10, &[&format!("+553290000000{number}"), &format!("{number}@example.org")]).await;
    }
    town.resident(INSIDE, 10, &[]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let app = support::app(&db);
    keeper::round(&app, start_at(), true).await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(report::load(&mut conn, alert).await.unwrap(), None, "everything waits still");
    let running = tokio::spawn(worker::run(app.clone()));
    let kept = support::eventually("the report", || async {
        report::load(&mut db.pool.acquire().await.unwrap(), alert).await.unwrap()
    })
    .await;
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
    assert!(kept.balances(), "{kept:?}");
    assert_eq!((kept.totals.delivered, kept.found, kept.repeats), (6, 6, 0));
    assert_eq!(
        kept.costs.iter().map(|cost| (cost.messages, cost.segments, cost.centavos)).collect::<Vec<_>>(),
        [(3, 1, 24)]
    );
    assert_eq!((kept.residents(), kept.residents_unreached()), (4, 1));
    assert_eq!(kept.by_area.iter().map(|area| area.name.as_str()).collect::<Vec<_>>(), ["Bom Pastor"]);
    assert!(sqlx::query("update delivery_report set frozen_at = now()").execute(&db.pool).await.is_err());
}

#[tokio::test]
async fn a_message_without_a_receipt_keeps_the_accounts_open_until_an_hour_after_the_alert() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted', accepted_at = created_at").execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    for (minutes, frozen) in [(30, false), (119, false), (121, true)] {
        keeper::round(&app, start_at() + TimeDelta::minutes(minutes), true).await.unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        assert_eq!(report::exists(&mut conn, alert).await.unwrap(), frozen, "after {minutes} minutes");
    }
}
