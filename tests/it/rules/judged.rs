//! The evaluator while rules change: an activation in mid-storm, a trial beside the active version, and restarts.

use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::ids::DatastreamId;
use sentinela::ingest::{NewReading, Source};
use sentinela::pipeline::Pipeline;
use sentinela::risk::evaluate::PairMemory;
use sentinela::rules::State;
use sentinela::rules::desk::At;
use sentinela::rules::store::{self, previews, trials};
use sentinela::rules::worker;
use sentinela::units::{Fixed, Level, Quality};
use sqlx::pool::PoolConnection;

use super::{Place, SLOPE};
use crate::support;

struct Storm {
    place: Place,
    conn: PoolConnection<sqlx::Postgres>,
    pipeline: Pipeline,
}

impl Storm {
    async fn begin() -> Self {
        let place = Place::started(&[]).await;
        let mut conn = place.app.db.ingest.acquire().await.unwrap();
        let pipeline = Pipeline::load(&place.app, &mut conn).await.unwrap();
        Self { place, conn, pipeline }
    }

    /// Rain in millimetres at a gauge, observed and received now.
    async fn rain(&mut self, stream: i64, mm: i64) {
        let reading = NewReading {
            datastream_id: DatastreamId(stream),
            device_id: None,
            message_id: None,
            observed_at: self.place.app.clock.now(),
            value: Fixed::from_whole(mm),
            quality: Quality::Pass,
            quality_reason: String::new(),
            source: Source::Http,
        };
        self.place.app.ingest.submit(vec![reading], vec![]).await.unwrap();
        self.pipeline.drain(&mut self.conn).await.unwrap();
    }

    async fn pass(&mut self, minutes: i64) {
        self.place.app.clock.set(self.place.app.clock.now() + TimeDelta::minutes(minutes));
        self.pipeline.tick(&mut self.conn).await.unwrap();
    }

    /// What every process does when the catalogue changed, and what a crash leaves.
    async fn reload(&mut self) {
        self.pipeline = Pipeline::load(&self.place.app, &mut self.conn).await.unwrap();
    }

    async fn levels(&self) -> Vec<String> {
        self.place.texts("select level || ' v' || rule_version from area_level order by area_id").await
    }

    async fn alerts(&self) -> Vec<String> {
        self.place.texts("select level from alert order by created_at").await
    }
}

#[tokio::test]
async fn an_activation_in_mid_storm_keeps_the_levels_until_the_new_conditions_move_them() {
    let mut storm = Storm::begin().await;
    let (ana, bia, caio) = (
        storm.place.person("ana", Role::Operator).await,
        storm.place.person("bia", Role::Approver).await,
        storm.place.person("caio", Role::Approver).await,
    );
    storm.rain(1, 45).await;
    storm.rain(2, 30).await;
    assert_eq!(storm.levels().await, ["alert v1", "attention v1"]);
    assert_eq!(storm.alerts().await, ["alert"]);

    // The new version asks for 55 mm where 45 fell: it would not have said alert, and ends nothing by being activated.
    storm.place.compared(&ana, 2, 55).await;
    storm.place.activate(2, [&bia, &caio]).await;
    storm.reload().await;
    assert_eq!(storm.levels().await, ["alert v2", "attention v2"]);
    storm.pass(1).await;
    storm.rain(1, 0).await;
    assert_eq!(storm.levels().await, ["alert v2", "attention v2"], "the clear delay of the new version runs from here");
    assert_eq!(storm.alerts().await, ["alert"], "no draft, no all-clear");

    // What the new version itself sees moves the level.
    storm.rain(2, 26).await;
    assert_eq!(storm.levels().await[1], "alert v2");
    let rules =
        storm.place.texts("select distinct rule_id || ' v' || rule_version from level_transition order by 1").await;
    assert_eq!(rules, ["encosta-teste v1", "encosta-teste v2"]);
}

#[tokio::test]
async fn a_trial_shows_what_it_would_have_done_and_warns_nobody_across_restarts() {
    let mut storm = Storm::begin().await;
    let ana = storm.place.person("ana", Role::Operator).await;
    storm.rain(1, 0).await;
    storm.rain(2, 0).await;
    storm.place.compared(&ana, 2, 30).await;
    let at = At { rule: SLOPE, version: 2, revision: None };
    storm.place.desk(&ana).start_trial(&mut *storm.place.conn().await, at).await.unwrap();
    storm.reload().await;

    storm.pass(10).await;
    storm.rain(1, 32).await;
    storm.rain(2, 0).await;
    assert_eq!(storm.levels().await, ["attention v1", "normal v1"]);
    assert_eq!(storm.alerts().await, Vec::<String>::new(), "a trial drafts nothing");
    let shown = || async {
        let mut conn = storm.place.conn().await;
        let shown = trials::would_have_shown(&mut conn, (SLOPE, 2), support::start_at(), 10).await.unwrap();
        shown.into_iter().map(|shown| (shown.area, shown.to)).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [("Bom Pastor".to_owned(), Level::Alert)]);

    let kept = "select level || ' ' || memory::text from trial_level order by area_id";
    let before = storm.place.texts(kept).await;
    assert_eq!(before.len(), 2);
    storm.reload().await;
    storm.pass(1).await;
    storm.rain(2, 0).await;
    assert_eq!(storm.place.texts(kept).await, before, "a restart changes nothing");
    assert_eq!(storm.place.texts("select count(*)::text from trial_transition").await, ["1"]);
    assert_eq!(storm.place.texts("select count(*)::text from incident").await, ["0"]);

    storm.place.desk(&ana).end_trial(&mut *storm.place.conn().await, at, "visto").await.unwrap();
    storm.reload().await;
    assert_eq!(storm.place.texts(kept).await, Vec::<String>::new());
    assert_eq!(storm.place.texts("select count(*)::text from trial_transition").await, ["1"], "what it showed stays");
}

#[tokio::test]
async fn what_stands_from_before_there_was_a_registry_is_judged_on() {
    let place = Place::open(&[]).await;
    let mut conn = place.app.db.ingest.acquire().await.unwrap();
    // The rule of the product for slopes, as the release before this one judged by it.
    let rules = sentinela::risk::store::load_rules(None).unwrap();
    let rule = rules.into_iter().find(|rule| rule.hazard.to_string() == "1.1.3.2.1").unwrap();
    let memory = PairMemory {
        shown: Level::Alert,
        known: Level::Alert,
        since: 1_771_758_000_000_000,
        met_since: vec![Some(1_771_758_000_000_000); rule.levels.len()],
        ..PairMemory::default()
    };
    sqlx::query(
        "insert into area_level (area_id, cobrade, level, since_at, evaluated_at, rule_id, rule_version, reasons, memory)
         select id, '1.1.3.2.1', 'alert', '2026-02-22T11:00:00Z', '2026-02-22T11:50:00Z', $1, $2, '[]', $3 from risk_area",
    )
    .bind(&rule.id)
    .bind(rule.version)
    .bind(serde_json::to_value(&memory).unwrap())
    .execute(&mut *conn)
    .await
    .unwrap();
    Pipeline::load(&place.app, &mut conn).await.unwrap();
    let kept = store::find(&mut conn, &rule.id, rule.version).await.unwrap().unwrap();
    assert_eq!(kept.state, State::Active);
    assert_eq!(place.texts("select level from area_level").await, ["alert", "alert"]);
    assert_eq!(place.texts("select memory->'met_since'->>0 from area_level limit 1").await, ["1771758000000000"]);
}

#[tokio::test]
async fn a_comparison_is_carried_out_kept_with_its_revision_and_can_be_cancelled() {
    let mut storm = Storm::begin().await;
    let ana = storm.place.person("ana", Role::Operator).await;
    for minute in 0..6 {
        storm.rain(1, if minute == 3 { 45 } else { 0 }).await;
        storm.pass(10).await;
    }
    let mut conn = storm.place.conn().await;
    let desk = storm.place.desk(&ana);
    let now = storm.place.app.clock.now();
    let at = At { rule: SLOPE, version: 2, revision: None };
    desk.propose(&mut conn, &super::slope(2, 60), "").await.unwrap();
    desk.check(&mut conn, at).await.unwrap();
    previews::ask(&mut conn, now, (SLOPE, 2, 1), 3, "ana").await.unwrap();
    assert!(previews::cancel(&mut conn, now, SLOPE, 2).await.unwrap());
    assert!(!worker::carry_out_next(&storm.place.app).await.unwrap(), "what was cancelled is not carried out");
    assert_eq!(storm.place.states().await[0], (2, State::Checked));

    previews::ask(&mut conn, now, (SLOPE, 2, 1), 3, "ana").await.unwrap();
    assert!(worker::carry_out_next(&storm.place.app).await.unwrap());
    let kept = storm.place.version(2).await;
    let ended = previews::last(&mut conn, SLOPE, 2).await.unwrap().unwrap();
    assert_eq!((ended.state.as_str(), ended.failure.as_str(), ended.done), ("done", "", ended.steps));
    assert_eq!(kept.state, State::BackTested);
    let test: sentinela::rules::job::BackTest = serde_json::from_value(kept.back_test.unwrap()).unwrap();
    assert_eq!((test.active_version, test.days), (Some(1), 3));
    let journal = &test.stretches[0];
    assert_eq!((journal.key.as_str(), journal.different), ("journal", 1));
    assert_eq!((journal.candidate.drafts, journal.active.as_ref().unwrap().drafts), (0, 1));
    assert!(test.stretches.iter().any(|stretch| stretch.key == "juiz_de_fora_2026-02" && stretch.areas > 50));

    // The text moved on while it ran: the result is not kept.
    previews::ask(&mut conn, now, (SLOPE, 2, 1), 3, "ana").await.unwrap();
    desk.edit(&mut conn, at, &super::slope(2, 61), "").await.unwrap();
    worker::carry_out_next(&storm.place.app).await.unwrap();
    let ended = previews::last(&mut conn, SLOPE, 2).await.unwrap().unwrap();
    assert_eq!(ended.state, "failed");
    assert_eq!(storm.place.states().await[0], (2, State::Draft));
}

#[tokio::test]
async fn a_past_instant_is_explained_by_the_version_that_was_active_then() {
    let mut storm = Storm::begin().await;
    let (ana, bia, caio) = (
        storm.place.person("ana", Role::Operator).await,
        storm.place.person("bia", Role::Approver).await,
        storm.place.person("caio", Role::Approver).await,
    );
    storm.rain(1, 0).await;
    let first = storm.place.app.clock.now();
    storm.pass(10).await;
    storm.place.compared(&ana, 2, 55).await;
    storm.place.activate(2, [&bia, &caio]).await;
    storm.reload().await;
    // No level changes under the second version.
    storm.pass(10).await;
    let second = storm.place.app.clock.now();
    let pair = (sentinela::ids::AreaId(1), "1.1.3.2.1".parse().unwrap());
    let mut conn = storm.place.conn().await;
    let mut version = async |at| store::judging(&mut conn, "", pair, Some(at)).await.unwrap()[0].version;
    assert_eq!((version(first).await, version(second).await), (1, 2));
}
