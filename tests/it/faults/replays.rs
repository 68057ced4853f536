//! Family 8: the same log judged in other batches, with restarts in between and kills in the middle, gives the same transcript.

use chrono::TimeDelta;
use sentinela::clock::Clock;
use sentinela::ids::DatastreamId;
use sentinela::ingest::{NewReading, Source};
use sentinela::journal;
use sentinela::pipeline::Pipeline;
use sentinela::units::{Fixed, Quality};

use super::accounts;
use super::service::{Place, Service};
use crate::pipeline::{Story, TOWN};
use crate::support::{self, Folder, TestDb, start_at};

/// Minutes of the storm.
const MINUTES: i64 = 450;
/// Readings a minute: more in all than the evaluator folds in two batches.
const A_MINUTE: i64 = 10;

/// What came in one minute: rain at one gauge that swells and ebbs, and less of it later at the other.
fn minute(number: i64) -> Vec<NewReading> {
    (0..A_MINUTE)
        .map(|n| {
            let stream = 1 + n % 2;
            let swells = if stream == 1 { (60..150).contains(&number) } else { (200..260).contains(&number) };
            NewReading {
                datastream_id: DatastreamId(stream),
                device_id: None,
                message_id: None,
                observed_at: start_at() + TimeDelta::minutes(number) + TimeDelta::seconds(n),
                value: Fixed::from_whole(i64::from(swells && n < 2)),
                quality: Quality::Pass,
                quality_reason: String::new(),
                source: Source::Http,
            }
        })
        .collect()
}

fn received(number: i64) -> sentinela::clock::Instant {
    start_at() + TimeDelta::minutes(number) + TimeDelta::seconds(A_MINUTE)
}

/// Every change of a level that readings alone made, in order, with all its reasons.
async fn transcript(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', area_id, cobrade, from_level, to_level, at,
            (select count(*) from journal where seq <= journal_seq), rule_id, rule_version, reasons)
         from level_transition where at <= $1 order by id",
    )
    .bind(received(MINUTES - 1))
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

/// Judges the storm minute by minute as it comes, in batches of so many minutes, with a restart after each so many batches.
async fn judged(minutes: i64, restart_after: i64) -> Vec<String> {
    let mut story = Story::begin(&[]).await;
    for number in 0..MINUTES {
        story.app.clock.set(received(number));
        story.app.ingest.submit(minute(number), vec![]).await.unwrap();
        if (number + 1) % minutes == 0 {
            story.pipeline.drain(&mut story.conn).await.unwrap();
        }
        if (number + 1) % (minutes * restart_after) == 0 {
            story.pipeline = Pipeline::load(&story.app, &mut story.conn).await.unwrap();
        }
    }
    story.pipeline.drain(&mut story.conn).await.unwrap();
    assert_eq!(accounts::behind(&story.db.pool).await, 0);
    transcript(&story.db).await
}

#[tokio::test]
async fn the_same_log_in_other_batches_and_with_restarts_gives_the_same_transcript() {
    let whole = judged(MINUTES, 1).await;
    assert!(whole.len() >= 2, "the storm moves levels: {whole:?}");
    for (minutes, restart_after) in [(1, 1000), (1, 7), (13, 1), (100, 2), (449, 1)] {
        assert_eq!(
            judged(minutes, restart_after).await,
            whole,
            "{minutes} minutes a batch, restarts after {restart_after}"
        );
    }
}

#[tokio::test]
async fn killed_at_either_side_of_every_commit_the_service_comes_to_the_transcript_of_one_run() {
    let whole = judged(MINUTES, 1).await;
    let (db, folder) = (support::db().await, Folder::new());
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    for number in 0..MINUTES {
        journal::append(&db.pool, &Clock::manual(received(number)), &minute(number), &[]).await.unwrap();
    }
    let place = Place { mqtt: 0, ..Place::new(folder.path(), "") };
    let mut kills = 0;
    // Whoever dies before a commit leaves nothing of the batch, and whoever dies after it all.
    for failpoint in ["evaluate.commit.before=kill@1", "evaluate.commit.after=kill@1"].iter().cycle() {
        if accounts::behind(&db.pool).await == 0 {
            break;
        }
        let before = accounts::behind(&db.pool).await;
        let mut service = Service::start(&db, &place, failpoint).await;
        service.died().await;
        kills += 1;
        let moved = accounts::behind(&db.pool).await < before;
        assert_eq!(moved, failpoint.contains("after"), "{failpoint}");
    }
    assert!(kills >= 4, "{kills}");
    assert_eq!(transcript(&db).await, whole);
    accounts::audit(&db.pool, &place.data()).await;
}
