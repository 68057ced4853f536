//! What people declined stays declined, what time does to drafts that wait, and what one refused act leaves alone.

use chrono::TimeDelta;
use sentinela::alerts::draft::{self, DraftEdit, Subject};
use sentinela::alerts::places::NewPlace;
use sentinela::alerts::shape::store::PlaceId;
use sentinela::alerts::shape::{Circle, circle};
use sentinela::alerts::store::{self, AlertRow};
use sentinela::alerts::{AlertError, AlertKind};
use sentinela::cobrade::Cobrade;
use sentinela::config::AlertStatus;
use sentinela::ids::{AlertId, AreaId};
use sentinela::units::Level;

use crate::pipeline::Story;

const LANDSLIDE: &str = "1.1.3.2.1";

impl Story {
    async fn area(&mut self, code: &'static str) -> AreaId {
        let id = sqlx::query_scalar("select id from risk_area where code = $1").bind(code);
        AreaId(id.fetch_one(&self.db.pool).await.unwrap())
    }

    async fn discard(&mut self, row: &AlertRow) {
        let now = self.app.clock.now();
        draft::discard(&mut self.conn, now, "maria", row.id, row.revision, "visto no local").await.unwrap();
    }

    async fn names_of(&mut self, id: AlertId) -> Vec<String> {
        let alert = store::load(&mut self.conn, id).await.unwrap().unwrap();
        alert.places.into_iter().map(|place| place.name).collect()
    }

    async fn row(&mut self, id: AlertId) -> AlertRow {
        store::load(&mut self.conn, id).await.unwrap().unwrap().row
    }

    async fn answer(&mut self, id: AlertId, kind: AlertKind) -> AlertId {
        let app = self.app.clone();
        let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
        drafter.answer(&mut self.conn, app.clock.now(), "maria", id, kind).await.unwrap()
    }

    async fn save(&mut self, row: &AlertRow, headline: &str, expires_in_min: i64) -> Result<i32, AlertError> {
        let (app, now) = (self.app.clone(), self.app.clock.now());
        let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
        let edit = DraftEdit {
            headline: headline.into(),
            description: row.description.clone(),
            instruction: row.instruction.clone(),
            sms_text: row.sms_text.clone(),
            expires_at: now + TimeDelta::minutes(expires_in_min),
            areas: None,
        };
        drafter.save(&mut self.conn, now, "maria", row.id, row.revision, &edit).await
    }
}

#[tokio::test]
async fn a_discarded_exercise_says_nothing_of_the_real_danger() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    sqlx::query("update alert set state = 'discarded', ended_at = now()").execute(&story.db.pool).await.unwrap();
    let (area, now) = (story.area("bom-pastor").await, story.app.clock.now());
    let drill = Subject {
        kind: AlertKind::Alert,
        cobrade: LANDSLIDE.parse::<Cobrade>().unwrap(),
        level: Level::Maximum,
        areas: &[area],
        references: None,
        status: AlertStatus::Exercise,
        rule: None,
        reasons: &[],
    };
    let app = story.app.clone();
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let drill = drafter.create(&mut story.conn, now, "maria", &drill).await.unwrap();
    let drill = story.row(drill).await;
    story.discard(&drill).await;
    story.pass(1).await;
    assert_eq!(story.drafts().await.len(), 1, "the danger is asked about");
}

#[tokio::test]
async fn an_area_that_a_person_takes_out_of_a_rules_draft_stays_out_while_its_danger_lasts() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    story.rain(2, 47).await;
    let draft = story.drafts().await.remove(0).row;
    let (app, linhares) = (story.app.clone(), story.area("linhares").await);
    let by = (app.clock.now() + TimeDelta::seconds(1), "maria");
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let place = PlaceId::Area(linhares);
    let revision = drafter.remove_place(&mut story.conn, by, draft.id, draft.revision, place).await.unwrap();
    for _ in 0..3 {
        story.pass(1).await;
    }
    assert_eq!(
        (story.names_of(draft.id).await, story.row(draft.id).await.revision),
        (vec!["Bom Pastor".into()], revision)
    );
    assert_eq!(story.drafts().await.len(), 1, "and no other draft asks about it");
    // Issued without it, it is still not asked about; put back before, it would have been warned.
    story.issue(draft.id, revision).await.unwrap();
    story.pass(1).await;
    assert!(story.drafts().await.is_empty());
    // A new rise is a new question: after hours of calm the rain comes again.
    for _ in 0..5 {
        story.pass(61).await;
        story.rain(2, 0).await;
    }
    story.rain(2, 47).await;
    let asked = story.drafts().await;
    assert!(asked.iter().any(|draft| draft.areas.iter().any(|area| area.name == "Linhares")), "{asked:?}");
}

#[tokio::test]
async fn an_area_taken_out_over_the_api_stays_out_too_and_an_unknown_one_is_refused() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    story.rain(2, 47).await;
    let draft = story.drafts().await.remove(0).row;
    let (app, bom_pastor, linhares) = (story.app.clone(), story.area("bom-pastor").await, story.area("linhares").await);
    let now = app.clock.now() + TimeDelta::seconds(1);
    let edit = |areas: Vec<AreaId>| DraftEdit {
        headline: draft.headline.clone(),
        description: draft.description.clone(),
        instruction: draft.instruction.clone(),
        sms_text: draft.sms_text.clone(),
        expires_at: draft.expires_at,
        areas: Some(areas),
    };
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let unknown = edit(vec![bom_pastor, AreaId(99_999)]);
    let mut tx = sqlx::Connection::begin(&mut *story.conn).await.unwrap();
    let refused = drafter.save(&mut tx, now, "maria", draft.id, draft.revision, &unknown).await.unwrap_err();
    assert!(refused.to_string().contains("99999"), "{refused}");
    tx.rollback().await.unwrap();
    sqlx::query("update risk_area set retired_at = now() where code = 'linhares'")
        .execute(&story.db.pool)
        .await
        .unwrap();
    let retired = edit(vec![linhares]);
    let saved = drafter.save(&mut story.conn, now, "maria", draft.id, draft.revision, &retired).await.unwrap();
    assert_eq!(story.names_of(draft.id).await, ["Linhares"], "what was in stays in");
    let back = edit(vec![bom_pastor]);
    let saved = drafter.save(&mut story.conn, now, "maria", draft.id, saved, &back).await.unwrap();
    let mut tx = sqlx::Connection::begin(&mut *story.conn).await.unwrap();
    let gone = drafter.save(&mut tx, now, "maria", draft.id, saved, &edit(vec![bom_pastor, linhares])).await;
    assert!(matches!(gone, Err(AlertError::Refused(_))), "a retired area does not join: {gone:?}");
}

#[tokio::test]
async fn what_the_database_refuses_stops_one_act_and_no_evaluation() {
    let mut story = Story::begin(&[]).await;
    sqlx::raw_sql("alter table alert_text add constraint no_pastor check (headline not like '%Bom Pastor%')")
        .execute(&mut story.db.owner().await)
        .await
        .unwrap();
    story.rain(1, 45).await;
    assert!(story.drafts().await.is_empty());
    story.rain(2, 47).await;
    story.pass(1).await;
    let drafts = story.drafts().await;
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].areas[0].name, "Linhares", "the other danger is asked about all the same");
    assert_eq!(story.text("select level from area_level order by area_id").await, ["alert", "alert"]);
    // What waits and what runs out are acts too.
    sqlx::raw_sql("alter table alert_text add constraint no_words check (headline = '') not valid")
        .execute(&mut story.db.owner().await)
        .await
        .unwrap();
    story.issue(drafts[0].row.id, drafts[0].row.revision).await.unwrap();
    story.pass(100).await;
    story.rain(2, 30).await;
    story.pass(100).await;
    story.rain(2, 30).await;
    story.pass(131).await;
    assert!(story.drafts().await.is_empty());
    story.pass(31).await;
    assert_eq!(story.text("select state from alert").await, ["expired"], "everything else went on");
}

#[tokio::test]
async fn a_gauge_that_falls_silent_and_comes_back_asks_nothing_that_was_declined() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    story.discard(&draft).await;
    story.pass(170).await;
    assert_eq!(
        story
            .text("select l.level from area_level l join risk_area a on a.id = l.area_id where a.code = 'bom-pastor'")
            .await,
        ["unknown"]
    );
    assert!(story.drafts().await.is_empty());
    story.rain(1, 41).await;
    story.pass(1).await;
    assert_eq!(
        story
            .text("select l.level from area_level l join risk_area a on a.id = l.area_id where a.code = 'bom-pastor'")
            .await,
        ["alert"]
    );
    assert!(story.drafts().await.is_empty(), "the same danger, and the same no");
}

#[tokio::test]
async fn a_renewal_keeps_what_people_drew_and_names_what_it_leaves_out() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    story.rain(2, 47).await;
    let draft = story.drafts().await.remove(0).row;
    let app = story.app.clone();
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let drawn = circle("Praça", Circle { lat: -21.75, lon: -43.35, radius_km: 0.5 }).unwrap();
    let by = (app.clock.now(), "maria");
    let place = NewPlace::Shape(drawn);
    let revision = drafter.add_place(&mut story.conn, by, draft.id, draft.revision, &place).await.unwrap();
    story.issue(draft.id, revision).await.unwrap();
    for (minutes, mm) in [(61, 30), (61, 30), (61, 30), (61, 30), (61, 30)] {
        story.pass(minutes).await;
        story.rain(1, mm).await;
        story.rain(2, 0).await;
    }
    story.pass(26).await;
    let drafts = story.drafts().await;
    let update = &drafts.iter().find(|draft| draft.row.kind == "update").expect("a renewal").row;
    assert_eq!(story.names_of(update.id).await, ["Bom Pastor", "Praça"]);
    let left = "select r.code from alert_event e join risk_area r on r.id = (e.detail ->> 'area_id')::bigint
                join alert a on a.id = e.alert_id where a.kind = 'update' and e.action = 'area left'";
    assert_eq!(story.text(left).await, ["linhares"]);
}

#[tokio::test]
async fn an_edit_that_ends_in_the_past_is_refused_and_the_draft_stays() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    for minutes in [-1, 0] {
        let refused = story.save(&draft, "Risco", minutes).await.unwrap_err();
        assert!(refused.to_string().contains("which is over"), "{refused}");
    }
    story.pass(1).await;
    assert_eq!(story.drafts().await.len(), 1);
}

#[tokio::test]
async fn a_draft_that_somebody_decides_upon_right_now_is_passed_over() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    let later = story.app.clock.now() + TimeDelta::minutes(120);
    let mut other = story.db.pool.begin().await.unwrap();
    sqlx::query("select from alert where id = $1 for update").bind(draft.id.0).execute(&mut *other).await.unwrap();
    let app = story.app.clone();
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    assert_eq!(drafter.refresh_waiting(&mut story.conn, later).await.unwrap(), 0);
    other.rollback().await.unwrap();
    assert_eq!(drafter.refresh_waiting(&mut story.conn, later).await.unwrap(), 1);
}

#[tokio::test]
async fn an_all_clear_that_nobody_wants_is_dropped_after_its_alert_has_run_out() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    story.issue(draft.id, draft.revision).await.unwrap();
    for _ in 0..5 {
        story.pass(61).await;
        story.rain(1, 0).await;
    }
    assert_eq!(story.drafts().await[0].row.kind, "all_clear");
    story.pass(60).await;
    assert_eq!(story.row(draft.id).await.state, "expired");
    assert_eq!(story.drafts().await.len(), 1, "that it is over may still be said");
    for _ in 0..7 {
        story.pass(60).await;
    }
    assert!(story.drafts().await.is_empty(), "and is not kept waiting for ever");
    let why = "select e.action || ': ' || (e.detail ->> 'reason') from alert_event e join alert a on a.id = e.alert_id
               where a.kind = 'all_clear' order by e.id desc limit 1";
    assert_eq!(story.text(why).await, ["discarded: its time ran out"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_alert_from_its_end() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    story.issue(draft.id, draft.revision).await.unwrap();
    story.app.clock.set(story.app.clock.now() - TimeDelta::hours(9));
    let update = story.answer(draft.id, AlertKind::Update).await;
    story.issue(update, 1).await.unwrap();
    let clear = story.answer(update, AlertKind::AllClear).await;
    story.issue(clear, 1).await.unwrap();
    let sent = story.text("select cap_sent from alert order by (cap_sent)::timestamptz").await;
    let at = |index: usize| chrono::DateTime::parse_from_rfc3339(&sent[index]).unwrap();
    assert_eq!((at(1) - at(0), at(2) - at(1)), (TimeDelta::seconds(1), TimeDelta::seconds(1)));
    let states = story.text("select kind || ' ' || state from alert order by (cap_sent)::timestamptz").await;
    assert_eq!(states, ["alert superseded", "update cleared", "all_clear cleared"]);
    let whole = story.text("select (cap_xml like '%' || (select string_agg(cap_sender || ',' || cap_identifier || ',' || cap_sent, ' ' order by cap_sent::timestamptz) from alert where kind <> 'all_clear') || '%')::text from alert where kind = 'all_clear'").await;
    assert_eq!(whole, ["true"], "the chain in its order, oldest first");
}

#[tokio::test]
async fn texts_written_anew_keep_until_when_a_person_said() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    let revision = story.save(&draft, "Saiam", 24 * 60).await.unwrap();
    let said = story.row(draft.id).await.expires_at;
    let app = story.app.clone();
    let drafter = draft::Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let by = (app.clock.now(), "maria");
    let revision = drafter.regenerate(&mut story.conn, by, (draft.id, revision), "pt-BR").await.unwrap();
    story.pass(20 * 60).await;
    let row = story.row(draft.id).await;
    assert_eq!((row.expires_at, row.revision, row.edited), (said, revision, false));
    story.rain(2, 47).await;
    let row = story.row(draft.id).await;
    assert_eq!(row.expires_at, said, "an area that joins leaves the end alone");
}

#[tokio::test]
async fn an_update_by_a_person_begins_with_the_words_of_what_it_updates() {
    let mut story = Story::begin(&[]).await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0).row;
    let revision = story.save(&draft, "Barranco da Rua A cedeu", 300).await.unwrap();
    sqlx::query("update alert_text set headline = 'The slope of Rua A gave way', edited = true where language = 'en'")
        .execute(&story.db.pool)
        .await
        .unwrap();
    story.issue(draft.id, revision).await.unwrap();
    let update = story.answer(draft.id, AlertKind::Update).await;
    let shown = store::load(&mut story.conn, update).await.unwrap().unwrap();
    assert_eq!((shown.row.headline.as_str(), shown.row.edited), ("Barranco da Rua A cedeu", true));
    let of = |language: &str| shown.texts.iter().find(|text| text.language == language).unwrap();
    assert_eq!((of("en").headline.as_str(), of("en").edited), ("The slope of Rua A gave way", true));
    assert!(!of("es").edited && of("es").headline.contains("Bom Pastor"), "what a template wrote is written anew");
    let clear = story.answer(draft.id, AlertKind::AllClear).await;
    assert!(!story.row(clear).await.edited, "an end has words of its own");
}
