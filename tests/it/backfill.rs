//! The past, filled in: no rule judges it, live readings stand beside it, the same again changes nothing; and the pages count as
//! the rules do.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::backfill::worker::{Filled, Filler};
use sentinela::backfill::{Mapping, READY, Reader};
use sentinela::catalogue::Problems;
use sentinela::clock::{Instant, from_micros};
use sentinela::ids::{DatastreamId, Seq};
use sentinela::ingest::{NewReading, Source};
use sentinela::pipeline::Pipeline;
use sentinela::risk::counter::Counter;
use sentinela::risk::series::Series;
use sentinela::units::{Fixed, Quality, Quantity, StreamKind};
use sqlx::PgConnection;
use sqlx::pool::PoolConnection;

use crate::support::{self, Folder, TestDb};

/// A gauge in a neighbourhood with a resident inside.
const TOWN: &str = "
    insert into station (code, name, geom, created_at, updated_at)
        values ('G1', 'Pluviômetro 1', 'SRID=4326;POINT(-43.395 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;
    insert into resident (id, name, consent_at, consent_source, created_at) values (gen_random_uuid(), 'Ana', now(), 'test', now());
    insert into resident_place (resident_id, geom, precision_m) select id, 'SRID=4326;POINT(-43.395 -21.75)', 0 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at) select id, 'sms', '+553200000000', now() from resident;";

fn reading(at: Instant, mm: f64, source: Source) -> NewReading {
    NewReading {
        datastream_id: DatastreamId(1),
        device_id: None,
        message_id: None,
        observed_at: at,
        value: Fixed::try_from(mm).unwrap(),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source,
    }
}

struct Town {
    app: App,
    db: TestDb,
    conn: PoolConnection<sqlx::Postgres>,
    pipeline: Pipeline,
}

impl Town {
    async fn begin() -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app(&db);
        let mut conn = app.db.ingest.acquire().await.unwrap();
        let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
        Self { app, db, conn, pipeline }
    }

    async fn fill(&self, readings: &[NewReading]) -> Filled {
        let mut filler = Filler::new(sentinela::db::history_pool(&self.db.options), self.app.clock.clone());
        filler.fill(readings).await.unwrap();
        filler.filled
    }

    /// Years of cloudbursts, the last one half an hour ago.
    fn storms(&self) -> Vec<NewReading> {
        let now = self.app.clock.now();
        let back = |n: i64| now - TimeDelta::minutes(30) - TimeDelta::hours(n);
        (0..3000).map(|n| reading(back(n * 9), 80.0, Source::History)).collect()
    }

    async fn live(&mut self, mm: f64) {
        let reading = reading(self.app.clock.now(), mm, Source::Http);
        self.app.ingest.submit(vec![reading], vec![]).await.unwrap();
        self.pipeline.drain(&mut self.conn).await.unwrap();
    }

    async fn pass(&mut self, minutes: i64) {
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(minutes));
        self.pipeline.tick(&mut self.conn).await.unwrap();
    }

    async fn restart(&mut self) {
        self.pipeline = Pipeline::load(&self.app, &mut self.conn).await.unwrap();
        self.pipeline.drain(&mut self.conn).await.unwrap();
    }

    async fn count(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *self.conn as &mut PgConnection).await.unwrap()
    }

    /// Every change of level with its reasons, as it was decided.
    async fn transitions(&mut self) -> Vec<(String, String, Instant, serde_json::Value)> {
        sqlx::query_as("select from_level, to_level, at, reasons from level_transition order by id")
            .fetch_all(&mut *self.conn as &mut PgConnection)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn years_of_storms_that_are_filled_in_warn_nobody_also_after_a_restart() {
    let mut town = Town::begin().await;
    assert_eq!(town.fill(&town.storms()).await, Filled { appended: 3000, ..Filled::default() });
    town.pipeline.drain(&mut town.conn).await.unwrap();
    town.pass(1).await;
    town.restart().await;
    town.pass(1).await;
    for nothing in ["level_transition", "alert", "outbox"] {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {nothing}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut *town.conn).await.unwrap();
        assert_eq!(count, 0, "{nothing}");
    }
    assert_eq!(town.count("select count(*) from journal where source = 'history'").await, 3000);
    // Nothing waits for the rules, and no gauge speaks because its past was filled in.
    let cursor = sentinela::risk::store::load_cursor(&mut town.conn).await.unwrap();
    assert_eq!(sentinela::journal::count_after(&mut town.conn, cursor.seq, 10).await.unwrap(), 0);
    let health = sentinela::web::situation::gauge_health(&mut town.conn, town.app.clock.now()).await.unwrap();
    assert_eq!((health.fresh, health.total), (0, 1));
}

#[tokio::test]
async fn live_readings_are_judged_as_if_no_past_were_filled_in_beside_them() {
    let mut decided = Vec::new();
    for filled in [false, true] {
        let mut town = Town::begin().await;
        let storms = town.storms();
        let (first, second) = storms.split_at(1500);
        for (step, mm) in [2.0, 20.0, 30.0, 0.0].into_iter().enumerate() {
            if filled && step == 1 {
                town.fill(first).await;
            }
            town.live(mm).await;
            if filled && step == 1 {
                // Straight on in one town, with a restart between past and present in the other.
                town.restart().await;
                town.fill(second).await;
                town.restart().await;
            }
            town.pass(20).await;
        }
        assert!(!town.transitions().await.is_empty());
        assert!(town.count("select count(*) from alert").await > 0, "the live storm is drafted");
        decided.push(town.transitions().await);
    }
    assert_eq!(decided[0], decided[1]);
}

#[tokio::test]
async fn the_same_past_again_changes_nothing_and_what_was_measured_live_stands() {
    let mut town = Town::begin().await;
    let now = town.app.clock.now();
    let past: Vec<NewReading> =
        (0..100).map(|n| reading(now - TimeDelta::minutes(10 * n), 1.0, Source::History)).collect();
    town.live(7.0).await;
    let filled = town.fill(&past).await;
    assert_eq!((filled.appended, filled.live), (99, 1));
    let again = town.fill(&past).await;
    assert_eq!((again.appended, again.known, again.live), (0, 99, 1));
    let mut other = past.clone();
    other[5].value = Fixed::from_whole(2);
    let corrected = town.fill(&other).await;
    assert_eq!((corrected.revised, corrected.known), (1, 98));
    let sums = sentinela::web::situation::stations(&mut town.conn, now, None).await.unwrap();
    // The hour holds 7 live, four of 1 and the corrected 2.
    assert_eq!(sums[0].sum_1h, Some(13.0));
}

#[tokio::test]
async fn a_feed_that_brings_what_was_filled_in_before_it_is_heard_all_the_same() {
    let mut town = Town::begin().await;
    let at = town.app.clock.now() - TimeDelta::minutes(5);
    assert_eq!(town.fill(&[reading(at, 80.0, Source::History)]).await.appended, 1);
    town.pipeline.drain(&mut town.conn).await.unwrap();
    assert!(town.transitions().await.is_empty());
    let accepted = town.app.ingest.submit(vec![reading(at, 80.0, Source::Feed)], vec![]).await.unwrap();
    assert_eq!((accepted.appended, accepted.duplicates), (1, 0));
    town.pipeline.drain(&mut town.conn).await.unwrap();
    assert_eq!(town.transitions().await.len(), 1);
    // The feed asks again, and the past is filled in again: neither is news.
    let accepted = town.app.ingest.submit(vec![reading(at, 80.0, Source::Feed)], vec![]).await.unwrap();
    assert_eq!((accepted.appended, accepted.duplicates), (0, 1));
    assert_eq!(town.fill(&[reading(at, 80.0, Source::History)]).await.appended, 0);
    let sums = sentinela::web::situation::stations(&mut town.conn, town.app.clock.now(), None).await.unwrap();
    assert_eq!(sums[0].sum_1h, Some(80.0), "the same rain counts once");
    town.restart().await;
    town.pass(1).await;
    assert_eq!(town.transitions().await.len(), 1);
}

#[tokio::test]
async fn a_counter_finds_the_reading_before_its_silence_after_a_restart_too() {
    let mut town = Town::begin().await;
    sqlx::query("update datastream set kind = 'cumulative_counter'").execute(&town.db.pool).await.unwrap();
    town.restart().await;
    town.live(100.0).await;
    town.pass(6 * 24 * 60).await;
    town.live(190.0).await;
    let before: Vec<(String, String)> = town.transitions().await.into_iter().map(|(from, to, ..)| (from, to)).collect();
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    // 90 mm fell in six days: that the last day was dry, nobody knows.
    assert_eq!(before, [pair("unknown", "normal"), pair("normal", "unknown")]);
    town.restart().await;
    town.pass(1).await;
    assert_eq!(town.transitions().await.len(), before.len());
}

fn ready(name: &str) -> Mapping {
    let ready = READY.iter().find(|ready| ready.name == name).unwrap();
    Mapping::parse(name, ready.text).unwrap()
}

/// How the recorded storms of this repository are written.
const RECORDED: &str = "title='recorded storm'\nstation={column='station'}\n[time]\ncolumns=['time_utc']\nformats=['rfc3339']\n\
    zone='text'\n[[values]]\ncolumn='value'\nquantity='rain'\n";

fn rain_of(mapping: &Mapping, file: &[u8], station: Option<&str>) -> BTreeMap<(String, Instant), f64> {
    let now = from_micros(1_795_000_000_000_000);
    let mut reader = Reader::open(file, mapping, station, now).unwrap().unwrap();
    let (mut observations, mut problems) = (Vec::new(), Problems::default());
    assert!(!reader.read(usize::MAX, &mut observations, &mut problems).unwrap());
    assert!(problems.is_empty(), "{problems}");
    let rain = observations.into_iter().filter(|o| o.wanted.quantity == Some(Quantity::Rain));
    rain.map(|o| ((o.station.to_string(), o.observed_at), o.value)).collect()
}

#[test]
fn each_institution_s_layout_gives_the_values_of_the_recorded_storm() {
    for (layout, station, file, series) in [
        (
            "inmet-annual",
            None,
            &include_bytes!("../data/history/inmet_a765_bertioga_2023-02-18_19.csv")[..],
            &include_bytes!("../../simulations/data/bertioga_2023-02.csv")[..],
        ),
        (
            "inmet-table",
            Some("A624"),
            include_bytes!("../data/history/inmet_table_a624_2011-01-11_12.csv"),
            include_bytes!("../../simulations/data/nova_friburgo_2011-01.csv"),
        ),
        (
            "cemaden-spreadsheet",
            None,
            include_bytes!("../data/feeds/cemaden_petropolis_bingen_spreadsheet.csv"),
            include_bytes!("../../simulations/data/petropolis_2022-02-15.csv"),
        ),
    ] {
        let recorded = Mapping::parse("recorded", RECORDED).unwrap();
        let (read, long) = (rain_of(&ready(layout), file, station), rain_of(&recorded, series, None));
        assert!(read.len() >= 15, "{layout}: {}", read.len());
        for (key, value) in &read {
            assert_eq!(long.get(key), Some(value), "{layout}: {key:?}");
        }
    }
}

async fn run(db: &TestDb, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = support::sentinela();
    command.env("SENTINELA__DATABASE__URL", &db.url).args(arguments);
    let output = support::soon("an import", command.output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[tokio::test]
async fn the_command_shows_first_and_then_fills_in() {
    let db = support::db().await;
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("stations.csv"), include_str!("../../simulations/data/petropolis_2022-02-15.stations.csv"))
        .unwrap();
    let table = include_str!("../data/feeds/cemaden_petropolis_bingen_spreadsheet.csv");
    std::fs::write(path("good.csv"), table).unwrap();
    std::fs::write(
        path("bad.csv"),
        table.replace("15:10:00.0", "25:10:00.0").replace("330390605G,RJ,Bingen", "X,RJ,Bingen"),
    )
    .unwrap();
    assert_eq!(run(&db, &["import", "stations", &path("stations.csv")]).await.0, Some(0));

    let fill = |file: &str| {
        vec!["import".to_owned(), "history".into(), path(file), "--mapping".into(), "cemaden-spreadsheet".into()]
    };
    let with = |mut command: Vec<String>, flag: Option<&str>| {
        command.extend(flag.map(str::to_owned));
        command
    };
    let ask = async |command: Vec<String>| run(&db, &command.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let sum = async || -> Option<f64> {
        sqlx::query_scalar("select round(sum(value)::numeric, 3)::float8 from journal")
            .fetch_one(&db.pool)
            .await
            .unwrap()
    };

    let (code, told) = ask(with(fill("good.csv"), Some("--dry-run"))).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("330390605G rain 2022-02-15T15:10:00Z 0 mm") && told.contains("dry run"), "{told}");
    assert_eq!(sum().await, None);

    let (code, told) = ask(fill("good.csv")).await;
    assert!(code == Some(0) && told.contains(" 0 known already"), "{told}");
    assert_eq!(sum().await, Some(141.6));
    let (_, told) = ask(fill("good.csv")).await;
    assert!(told.contains("  0 appended"), "{told}");

    let (code, told) = ask(fill("bad.csv")).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("line 2: column 7 = \"2022-02-15 25:10:00.0\"")
            && told.contains("station X is not in the catalogue"),
        "{told}"
    );
    let (code, told) = ask(with(fill("bad.csv"), Some("--strict"))).await;
    assert!(code == Some(1) && told.contains("--strict"), "{told}");
    let acts: i64 =
        sqlx::query_scalar("select count(*) from audit_event where object_kind = 'import' and object = 'history'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert!(acts >= 3);
}

#[tokio::test]
async fn counters_add_on_the_pages_what_they_add_for_the_rules() {
    let db = support::db().await;
    let shown = [0.0, 0.2, 40.0, 300.0, 760.0, 998.0, 5000.0, 13_100.0];
    for wraps in [None, Some(1000.0), Some(13_107.2)] {
        let counter = Counter::of(Quantity::Rain, wraps.map(|w| Fixed::try_from(w).unwrap()));
        for (before, raw, minutes) in
            shown.iter().flat_map(|b| shown.iter().flat_map(move |r| [1_i64, 60, 61, 3000].map(|m| (*b, *r, m))))
        {
            let fixed = |value: f64| Fixed::try_from(value).unwrap();
            let rules = counter.step(fixed(before), fixed(raw), minutes * 60_000_000).to_f64();
            let pages: f64 = sqlx::query_scalar("select counter_step($1, $2, make_interval(mins => $3::int), $4, 305)")
                .bind(before)
                .bind(raw)
                .bind(i32::try_from(minutes).unwrap())
                .bind(wraps)
                .fetch_one(&db.pool)
                .await
                .unwrap();
            assert!(
                (rules - pages).abs() < 1e-6,
                "{before} → {raw} after {minutes} min, wraps {wraps:?}: {rules} and {pages}"
            );
        }
    }
}

#[tokio::test]
async fn a_counter_s_day_is_the_same_on_the_page_and_in_the_window() {
    let mut town = Town::begin().await;
    sqlx::query(
        "update datastream set kind = 'cumulative_counter', counter_wraps_at = 1000, unit = '{tip}', tip_mm = 0.2",
    )
    .execute(&town.db.pool)
    .await
    .unwrap();
    let now = town.app.clock.now();
    let hour = 3_600_000_000;
    let counter = Counter::of(Quantity::Rain, Some(Fixed::from_whole(1000)));
    let mut series = Series::new(StreamKind::CumulativeCounter, &[hour, 24 * hour]).counting(counter);
    // Before the day, over its end, after a reset, another device, the same stamp again, and late.
    let shown = [
        (1500, 990.0),
        (1400, 994.0),
        (300, 3.0),
        (200, 1.0),
        (100, 4000.0),
        (40, 4002.0),
        (40, 4003.0),
        (0, 4005.0),
        (250, 5.0),
    ];
    for (seq, (minutes, total)) in (1..).zip(shown) {
        let at = now - TimeDelta::minutes(minutes);
        town.app
            .ingest
            .submit(vec![NewReading { message_id: Some(seq.to_string()), ..reading(at, total, Source::Http) }], vec![])
            .await
            .unwrap();
        series.push(at.timestamp_micros(), Seq(seq), Fixed::try_from(total).unwrap());
    }
    let station = sentinela::web::situation::stations(&mut town.conn, now, None).await.unwrap().remove(0);
    let rules = [series.sum(hour), series.sum(24 * hour)].map(|sum| sum.map(|sum| sum.at_least.to_f64()));
    assert_eq!([station.sum_1h, station.sum_24h], rules);
    assert_eq!(rules, [Some(5.0), Some(4.0 + 9.0 + 2.0 + 1.0 + 5.0)]);
    let bins = sentinela::web::situation::hyetograph(&mut town.conn, now, DatastreamId(1), 60).await.unwrap();
    assert_eq!(bins.iter().map(|bin| bin.value).sum::<f64>(), 21.0);
}
