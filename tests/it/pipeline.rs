//! From the journal to a draft, an issued alert, its CAP message, outbox, incident and all-clear, on a real database.

use chrono::TimeDelta;
use sentinela::alerts::approval::{Needs, Policy};
use sentinela::alerts::draft::{DraftEdit, Drafter};
use sentinela::alerts::issue::Issuer;
use sentinela::alerts::store::{self, AlertDetail, Filter};
use sentinela::alerts::{AlertError, AlertKind, cap};
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::endpoints::Kind;
use sentinela::endpoints::desk::Given;
use sentinela::ids::{AlertId, DatastreamId};
use sentinela::ingest::{NewReading, Source};
use sentinela::pipeline::Pipeline;
use sentinela::units::{Fixed, Quality};
use sqlx::PgConnection;
use sqlx::pool::PoolConnection;

use crate::endpoints::{given, made};
use crate::support::{self, TestDb};

/// Two neighbourhoods side by side, a gauge in the first and one in the second, two residents inside and one far away.
pub const TOWN: &str = "
    insert into station (code, name, geom, created_at, updated_at) values
        ('G1', 'Pluviômetro 1', 'SRID=4326;POINT(-43.395 -21.75)', now(), now()),
        ('G2', 'Pluviômetro 2', 'SRID=4326;POINT(-43.300 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station order by code;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;
    insert into resident (id, name, consent_at, consent_source, created_at)
        select gen_random_uuid(), name, now(), 'test', now() from unnest(array['Ana', 'Beto', 'Longe']) name;
    insert into resident_place (resident_id, geom, precision_m)
        select id, case name when 'Ana' then 'SRID=4326;POINT(-43.395 -21.75)'::geometry
                             when 'Beto' then 'SRID=4326;POINT(-43.300 -21.75)'
                             else 'SRID=4326;POINT(-43.0 -21.0)' end, 0 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'sms', '+55320000000' || length(name), now() from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'email', lower(name) || '@exemplo.invalid', now() from resident;";

pub struct Story {
    pub app: App,
    pub db: TestDb,
    pub conn: PoolConnection<sqlx::Postgres>,
    pub pipeline: Pipeline,
}

impl Story {
    pub async fn begin(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let mut conn = app.db.ingest.acquire().await.unwrap();
        let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
        Self { app, db, conn, pipeline }
    }

    /// Rain in millimetres at a gauge, observed and received now.
    pub async fn rain(&mut self, stream: i64, mm: i64) {
        let reading = NewReading {
            datastream_id: DatastreamId(stream),
            device_id: None,
            message_id: None,
            observed_at: self.app.clock.now(),
            value: Fixed::from_whole(mm),
            quality: Quality::Pass,
            quality_reason: String::new(),
            source: Source::Http,
        };
        self.app.ingest.submit(vec![reading], vec![]).await.unwrap();
        self.pipeline.drain(&mut self.conn).await.unwrap();
    }

    pub async fn pass(&mut self, minutes: i64) -> Instant {
        let now = self.app.clock.now() + TimeDelta::minutes(minutes);
        self.app.clock.set(now);
        self.pipeline.tick(&mut self.conn).await.unwrap();
        now
    }

    /// What a crash leaves: nothing in memory, all that was committed.
    async fn restart(&mut self) {
        self.pipeline = Pipeline::load(&self.app, &mut self.conn).await.unwrap();
    }

    pub async fn drafts(&mut self) -> Vec<AlertDetail> {
        let mut details = Vec::new();
        for summary in store::list(&mut self.conn, Filter::Drafts, 10).await.unwrap() {
            details.push(store::load(&mut self.conn, summary.id).await.unwrap().unwrap());
        }
        details
    }

    pub async fn issue(&mut self, id: AlertId, revision: i32) -> Result<String, AlertError> {
        let issuer = Issuer::of(&self.app);
        let now = self.app.clock.now();
        let mut tx = sqlx::Connection::begin(&mut *self.conn).await.unwrap();
        let issued = issuer.issue(&mut tx, now, "maria", id, revision).await?;
        tx.commit().await.unwrap();
        Ok(issued.number)
    }

    pub async fn text(&mut self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&mut *self.conn as &mut PgConnection).await.unwrap()
    }

    pub fn drafter(&self) -> Drafter<'_> {
        Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids }
    }
}

/// What a contingency plan lets out without a person.
fn plan() -> Policy {
    Policy {
        name: "encosta".into(),
        hazards: Vec::new(),
        levels: vec![sentinela::units::Level::Alert],
        kinds: Vec::new(),
        people_from: None,
        people_below: None,
        approvals: Needs::Automatic,
        plancon: "PLANCON 4.2".into(),
    }
}

#[tokio::test]
async fn heavy_rain_becomes_one_draft_for_all_areas_that_rose() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    story.rain(2, 47).await;
    let drafts = story.drafts().await;
    let [draft] = drafts.as_slice() else { panic!("expected one draft, found {}", drafts.len()) };
    let areas: Vec<_> = draft.areas.iter().map(|area| area.name.as_str()).collect();
    assert_eq!(areas, ["Bom Pastor", "Linhares"]);
    assert!(
        draft.row.headline.contains("Bom Pastor") && draft.row.headline.contains("Linhares"),
        "{}",
        draft.row.headline
    );
    assert_eq!((draft.row.level.as_str(), draft.row.cobrade.as_str()), ("alert", "1.1.3.2.1"));
    assert_eq!(draft.row.reasons[0]["value"], 45.0);
    assert_eq!(story.text("select level from area_level order by area_id").await, ["alert", "alert"]);
}

#[tokio::test]
async fn an_approved_draft_leaves_with_number_cap_outbox_and_incident() {
    let mut story = Story::begin(&[("SENTINELA__MUNICIPALITY__IBGE_CODE", "3136702")]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    assert_eq!(story.issue(draft.row.id, draft.row.revision).await.unwrap(), "2026/001");
    let xml = story.text("select cap_xml from alert").await.remove(0);
    let message = cap::xml::parse(&xml).unwrap();
    assert_eq!(cap::validate::check(&message), []);
    assert!(message.identifier.starts_with("BR-3136702-2026-0001-"), "{}", message.identifier);
    let inside = story.text("select distinct r.name from outbox o join resident r on r.id = o.resident_id").await;
    assert_eq!(inside, ["Ana"]);
    let timeline = story.text("select kind || ' ' || split_part(text, ' ', 1) from incident_entry order by id").await;
    assert_eq!(timeline, ["opened Incidente", "alert drafted", "alert issued"]);
}

#[tokio::test]
async fn a_draft_that_moved_meanwhile_is_not_issued() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let seen = story.drafts().await.remove(0);
    story.rain(2, 47).await;
    let refused = story.issue(seen.row.id, seen.row.revision).await.unwrap_err();
    assert!(matches!(refused, AlertError::Stale { .. }), "{refused}");
    assert_eq!(story.text("select state from alert").await, ["draft"]);
}

#[tokio::test]
async fn an_alert_without_instruction_or_already_over_does_not_leave() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    let now = story.app.clock.now();
    let edit = DraftEdit {
        headline: "Risco".into(),
        description: "x".into(),
        instruction: "  ".into(),
        sms_text: "x".into(),
        expires_at: now + TimeDelta::minutes(1),
        areas: None,
    };
    let mut tx = sqlx::Connection::begin(&mut *story.conn).await.unwrap();
    let drafter = Drafter { config: &story.app.config, templates: &story.app.templates, ids: &story.app.ids };
    let revision = drafter.save(&mut tx, now, "maria", draft.row.id, draft.row.revision, &edit).await.unwrap();
    tx.commit().await.unwrap();
    story.app.clock.set(now + TimeDelta::minutes(2));
    let message = story.issue(draft.row.id, revision).await.unwrap_err().to_string();
    assert!(message.contains("instruction is empty") && message.contains("which is over"), "{message}");
    assert_eq!(story.text("select last_number::text from number_series").await, Vec::<String>::new());
}

#[tokio::test]
async fn after_the_storm_an_all_clear_waits_for_a_person_and_ends_the_alert() {
    let mut story = Story::begin(&[("SENTINELA__ALERTS__EXPIRES_AFTER_MIN", "100000")]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    for _ in 0..5 {
        story.pass(61).await;
        story.restart().await;
        story.rain(1, 0).await;
    }
    let clear = story.drafts().await.remove(0);
    assert_eq!((clear.row.kind.as_str(), clear.row.references_alert_id), ("all_clear", Some(draft.row.id)));
    assert_eq!(story.text("select state from alert order by created_at").await, ["issued", "draft"]);
    story.issue(clear.row.id, clear.row.revision).await.unwrap();
    assert_eq!(story.text("select state from alert order by created_at").await, ["cleared", "cleared"]);
    let xml = story.text("select cap_xml from alert where kind = 'all_clear'").await.remove(0);
    let first_sent = story
        .text("select cap_sender || ',' || cap_identifier || ',' || cap_sent from alert where kind = 'alert'")
        .await;
    assert!(xml.contains(&first_sent[0]), "references must hold {}", first_sent[0]);
    assert_eq!(story.text("select count(*)::text from incident").await, ["1"]);
}

#[tokio::test]
async fn silence_makes_the_area_unknown_and_ends_no_warning() {
    let mut story = Story::begin(&[("SENTINELA__ALERTS__EXPIRES_AFTER_MIN", "100000")]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    story.pass(24 * 60).await;
    let level = story
        .text("select level from area_level l join risk_area a on a.id = l.area_id where a.code = 'bom-pastor'")
        .await;
    assert_eq!(level, ["unknown"]);
    assert_eq!(story.text("select state from alert").await, ["issued"]);
    let timeline = story.text("select text from incident_entry where kind = 'level'").await;
    assert_eq!(timeline, ["Bom Pastor: alert → unknown"]);
}

#[tokio::test]
async fn an_alert_that_runs_out_says_so() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    story.pass(361).await;
    assert_eq!(story.text("select state from alert order by created_at limit 1").await, ["expired"]);
}

#[tokio::test]
async fn a_danger_that_outlasts_its_alert_asks_for_an_update_once() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    story.pass(100).await;
    story.rain(1, 30).await;
    story.pass(100).await;
    story.rain(1, 30).await;
    story.pass(131).await;
    let update = story.drafts().await.remove(0);
    assert_eq!((update.row.kind.as_str(), update.row.references_alert_id), ("update", Some(draft.row.id)));
    let now = story.app.clock.now();
    let (id, revision) = (update.row.id, update.row.revision);
    sentinela::alerts::draft::discard(&mut story.conn, now, "maria", id, revision, "visto").await.unwrap();
    story.pass(1).await;
    assert!(story.drafts().await.is_empty());
}

#[tokio::test]
async fn a_danger_left_without_an_alert_is_asked_about_again_unless_a_person_declined() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    sqlx::query("update alert set state = 'discarded', ended_at = now()").execute(&story.db.pool).await.unwrap();
    story.pass(1).await;
    let again = story.drafts().await.remove(0);
    assert_ne!(again.row.id, draft.row.id);
    assert!(again.areas[0].explanation.is_some(), "it tells why as the first one did");
    let now = story.app.clock.now();
    let (id, revision) = (again.row.id, again.row.revision);
    sentinela::alerts::draft::discard(&mut story.conn, now, "maria", id, revision, "visto no local").await.unwrap();
    story.pass(1).await;
    assert!(story.drafts().await.is_empty());
}

#[tokio::test]
async fn a_draft_that_waits_for_hours_keeps_its_whole_time() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let first = story.drafts().await.remove(0).row;
    let now = story.pass(120).await;
    let later = story.drafts().await.remove(0).row;
    assert_eq!((later.id, later.expires_at), (first.id, now + TimeDelta::minutes(360)));
    assert!(later.revision > first.revision);
}

#[tokio::test]
async fn an_alert_that_cannot_leave_stops_no_evaluation() {
    let mut config = support::config(&[]);
    config.alerts.policies = vec![plan()];
    // A sender that CAP forbids: every message is refused at the last check.
    config.municipality.sender = "a b".into();
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let (app, receiver) = support::app_from(&db, config);
    tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
    let mut conn = app.db.ingest.acquire().await.unwrap();
    let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
    let mut story = Story { app, db, conn, pipeline };
    story.rain(1, 45).await;
    assert_eq!(story.text("select state from alert").await, ["draft"]);
    assert_eq!(story.text("select level from area_level where level <> 'unknown'").await, ["alert"]);
    // The number itself may be any: a month that had to be made first took one.
    let read = "select (c.seq = j.seq)::text from pipeline_cursor c, journal j";
    assert_eq!(story.text(read).await, ["true"]);
}

#[tokio::test]
async fn an_exercise_neither_hides_nor_joins_the_real_thing() {
    let mut story = Story::begin(&[("SENTINELA__ALERTS__STATUS", "exercise")]).await;
    story.rain(1, 45).await;
    let drill = story.drafts().await.remove(0);
    story.issue(drill.row.id, drill.row.revision).await.unwrap();
    let mut config = support::config(&[]);
    config.database.url = story.db.url.as_str().into();
    let (app, receiver) = support::app_from(&story.db, config);
    tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
    app.clock.set(story.app.clock.now() + TimeDelta::minutes(1));
    story.app = app;
    story.restart().await;
    story.pass(1).await;
    let real = story.drafts().await.remove(0);
    assert_eq!((real.row.status.as_str(), real.row.kind.as_str()), ("actual", "alert"));
    assert!(!real.row.headline.starts_with("EXERC"), "{}", real.row.headline);
}

#[tokio::test]
async fn what_the_plan_names_is_issued_without_a_person() {
    let mut config = support::config(&[]);
    config.alerts.policies = vec![plan()];
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    config.database.url = db.url.as_str().into();
    let (app, receiver) = support::app_from(&db, config);
    tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
    let mut conn = app.db.ingest.acquire().await.unwrap();
    let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
    let mut story = Story { app, db, conn, pipeline };
    story.rain(1, 45).await;
    let issued = story.text("select state || ' by ' || approved_by from alert").await;
    assert_eq!(issued, ["issued by policy: encosta"]);
    let why = "select (detail ->> 'plancon') || ' ' || (detail ->> 'approvals') || ' ' || (detail -> 'because')::text
               from alert_event where action = 'approval complete'";
    assert_eq!(story.text(why).await, [r#"PLANCON 4.2 automatic [{"level": "alert"}]"#]);
}

#[tokio::test]
async fn a_plan_for_few_people_leaves_many_to_a_person() {
    for (most, state) in [(2, "draft"), (3, "issued")] {
        let mut config = support::config(&[]);
        config.alerts.policies = vec![Policy { people_below: Some(most), ..plan() }];
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        config.database.url = db.url.as_str().into();
        let (app, receiver) = support::app_from(&db, config);
        tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
        let mut conn = app.db.ingest.acquire().await.unwrap();
        let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
        let mut story = Story { app, db, conn, pipeline };
        // Ana lives in the first area and Beto in the second.
        sqlx::raw_sql("update resident_place set geom = 'SRID=4326;POINT(-43.395 -21.75)' where not st_equals(geom, 'SRID=4326;POINT(-43.0 -21.0)')")
            .execute(&story.db.pool)
            .await
            .unwrap();
        story.rain(1, 45).await;
        assert_eq!(story.text("select state from alert").await, [state], "of two people, fewer than {most}");
    }
}

#[tokio::test]
async fn what_somebody_submitted_goes_on_growing_with_the_storm_and_waits_its_whole_time() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    let (app, now) = (story.app.clone(), story.app.clock.now());
    let issuer = Issuer::of(&app);
    let by = sentinela::audit::Actor { name: "olga".into(), ..sentinela::audit::Actor::service() };
    let mut tx = app.db.web.begin().await.unwrap();
    issuer.submit(&mut tx, now, &by, draft.id, draft.revision).await.unwrap();
    tx.commit().await.unwrap();
    story.rain(2, 47).await;
    let wider = story.drafts().await.remove(0);
    assert_eq!((wider.row.id, wider.row.state.as_str(), wider.areas.len()), (draft.id, "submitted", 2));
    assert!(wider.row.revision > draft.revision);
    story.pass(120).await;
    assert_eq!(story.drafts().await.remove(0).row.state, "submitted");
    story.restart().await;
    story.pass(1).await;
    assert_eq!(story.drafts().await.len(), 1, "and no second draft beside it");
}

#[tokio::test]
async fn an_issued_alert_cannot_be_rewritten_and_an_exercise_never_becomes_real() {
    let mut story = Story::begin(&[("SENTINELA__ALERTS__STATUS", "exercise")]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    assert!(draft.row.sms_text.starts_with("EXERCICIO"), "{}", draft.row.sms_text);
    let now = story.app.clock.now();
    let plain = DraftEdit {
        headline: "Saia".into(),
        description: "Saia".into(),
        instruction: "Saia".into(),
        sms_text: "Saia".into(),
        expires_at: now + TimeDelta::hours(1),
        areas: None,
    };
    let app = story.app.clone();
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    drafter.save(&mut story.conn, now, "maria", draft.row.id, draft.row.revision, &plain).await.unwrap();
    let draft = story.drafts().await.remove(0);
    for text in [&draft.row.headline, &draft.row.description, &draft.row.instruction, &draft.row.sms_text] {
        assert!(text.starts_with("EXERC"), "{text}");
    }
    let made_real = sqlx::query("update alert set status = 'actual'").execute(&story.db.pool).await.unwrap_err();
    assert!(made_real.to_string().contains("status exercise cannot become actual"), "{made_real}");
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    let rewritten = sqlx::query("update alert set headline = 'x'").execute(&story.db.pool).await.unwrap_err();
    assert!(rewritten.to_string().contains("cannot be rewritten"), "{rewritten}");
}

#[tokio::test]
async fn a_cancellation_answers_once_and_supersedes_everywhere() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    let now = story.app.clock.now();
    let (app, id) = (story.app.clone(), draft.row.id);
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let first = drafter.answer(&mut story.conn, now, "maria", id, AlertKind::Cancel).await.unwrap();
    let again = drafter.answer(&mut story.conn, now, "maria", id, AlertKind::Cancel).await.unwrap();
    assert_eq!(first, again);
    let row = store::load(&mut story.conn, first).await.unwrap().unwrap().row;
    story.issue(first, row.revision).await.unwrap();
    assert_eq!(story.text("select distinct state from alert").await, ["cancelled"]);
    let left = story
        .text("select distinct o.state || ' ' || a.kind from outbox o join alert a on a.id = o.alert_id order by 1")
        .await;
    assert_eq!(left, ["pending cancel", "suppressed alert"]);
    assert!(matches!(
        story.drafter().answer(&mut app.db.web.acquire().await.unwrap(), now, "x", id, AlertKind::AllClear).await,
        Err(AlertError::Refused(_))
    ));
}

/// The statuses of the alerts on whose incidents changes of levels stand.
const NOTED: &str =
    "select distinct a.status from incident_entry e join incident_alert ia on ia.incident_id = e.incident_id
    join alert a on a.id = ia.alert_id where e.kind = 'level'";

#[tokio::test]
async fn what_the_gauges_say_stands_on_the_real_incident_though_an_exercise_is_newer() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    let now = story.pass(1).await;
    let subject = sentinela::alerts::draft::Subject {
        kind: AlertKind::Alert,
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: sentinela::units::Level::Alert,
        areas: &[draft.areas[0].area_id],
        references: None,
        status: sentinela::config::AlertStatus::Exercise,
        rule: None,
        reasons: &[],
    };
    let mut tx = sqlx::Connection::begin(&mut *story.conn).await.unwrap();
    let drafter = Drafter { config: &story.app.config, templates: &story.app.templates, ids: &story.app.ids };
    let drill = drafter.create(&mut tx, now, "maria", &subject).await.unwrap();
    tx.commit().await.unwrap();
    story.issue(drill, 1).await.unwrap();
    story.pass(1).await;
    story.rain(1, 120).await;
    assert_eq!(story.text(NOTED).await, ["actual"]);
}

#[tokio::test]
async fn sending_is_over_once_a_large_audience_is_written_whole_and_waits_for_no_endpoint() {
    let mut story = Story::begin(&[]).await;
    let webhook =
        given("rede", serde_json::json!({ "url": "https://example.org/in" }), &["actual", "exercise", "test"]);
    let webhook = Given { least_level: "observation".into(), ..webhook };
    made(&story.app, Kind::Webhook, &webhook, "").await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    let waiting = "select state from outbox where endpoint_id is not null";
    assert_eq!(story.text(waiting).await, ["pending"]);
    for sql in [
        "update outbox set state = 'delivered', attempts = 1 where endpoint_id is null",
        "update dispatch_run set spread_at = null",
    ] {
        sqlx::query(sql).execute(&story.db.pool).await.unwrap();
    }
    let said = "select action from alert_event where action = 'sent'";
    story.pass(1).await;
    assert_eq!(story.text(said).await, Vec::<String>::new(), "the rest is still being written");
    sqlx::query("update dispatch_run set spread_at = now()").execute(&story.db.pool).await.unwrap();
    story.pass(1).await;
    assert_eq!(story.text(said).await, ["sent"]);
    let counted =
        "select ((detail ->> 'recipients')::int = (select count(*) from outbox where endpoint_id is null))::text
        from alert_event where action = 'sent'";
    assert_eq!(story.text(counted).await, ["true"]);
}

#[tokio::test]
async fn a_draft_that_was_returned_does_not_leave_by_itself_when_an_area_joins() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    let (now, maria) = (story.app.clock.now(), sentinela::audit::Actor::rule("maria"));
    let issuer = Issuer::of(&story.app);
    let mut tx = sqlx::Connection::begin(&mut *story.conn).await.unwrap();
    issuer.submit(&mut tx, now, &maria, draft.id, draft.revision).await.unwrap();
    issuer.send_back(&mut tx, now, &maria, (draft.id, draft.revision), "falta o abrigo").await.unwrap();
    tx.commit().await.unwrap();
    // From here on the plan would let such drafts out.
    let mut config = support::config(&[("SENTINELA__DATABASE__URL", story.db.url.as_str())]);
    config.alerts.policies = vec![plan()];
    let (app, receiver) = support::app_from(&story.db, config);
    tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
    app.clock.set(now + TimeDelta::minutes(1));
    // Both draw from one seed; two services never do.
    let _drawn: Vec<_> = (0..1000).map(|_| app.ids.uuid(now)).collect();
    story.app = app;
    story.restart().await;
    story.rain(2, 47).await;
    let drafts = story.drafts().await;
    let [joined] = drafts.as_slice() else { panic!("expected one draft, found {}", drafts.len()) };
    assert_eq!((joined.row.id, joined.areas.len()), (draft.id, 2));
    assert_eq!(story.text("select state from alert").await, ["draft"]);
}
