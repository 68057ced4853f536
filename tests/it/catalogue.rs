//! Imports: every error with its line, all or nothing, and the same file again changes nothing.

use sentinela::catalogue::Format;
use sentinela::catalogue::store::{ImportFailure, Kind, Options, Report, import, readings};
use sentinela::ids::Ids;
use sentinela::journal;
use sqlx::{Connection, PgConnection};

use crate::support::{self, TestDb};

const AREAS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.areas.geojson");
const STATIONS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.stations.csv");
const SERIES: &str = include_str!("../../simulations/data/petropolis_2022-02-15.csv");
const SERIES_STATIONS: &str = include_str!("../../simulations/data/petropolis_2022-02-15.stations.csv");

pub async fn take(db: &TestDb, kind: Kind, text: &str) -> Result<Report, ImportFailure> {
    take_with(db, kind, text, Options::default()).await
}

async fn take_with(db: &TestDb, kind: Kind, text: &str, options: Options) -> Result<Report, ImportFailure> {
    let mut conn = PgConnection::connect(&db.url).await.unwrap();
    let file = (Format::guess(text), text.as_bytes());
    // Each act of the audit has an id of its own, over several imports too.
    static IDS: std::sync::LazyLock<Ids> = std::sync::LazyLock::new(|| Ids::seeded(1));
    import(&mut conn, &IDS, support::start_at(), kind, file, options, &sentinela::audit::Actor::command()).await
}

async fn count(db: &TestDb, table: &'static str) -> i64 {
    let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new("select count(*) from ");
    query.push(table);
    query.build_query_scalar().fetch_one(&db.pool).await.unwrap()
}

/// Without what became of single rows.
fn counts(report: Report) -> Report {
    Report { rows: Vec::new(), ..report }
}

const fn report(created: u32, updated: u32, unchanged: u32) -> Report {
    Report { created, updated, unchanged, merged: 0, dry_run: false, rows: Vec::new() }
}

fn told(result: Result<Report, ImportFailure>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn a_municipality_is_imported_and_the_second_time_nothing_changes() {
    let db = support::db().await;
    assert_eq!(take(&db, Kind::Areas, AREAS).await.unwrap(), report(81, 0, 0));
    assert_eq!(take(&db, Kind::Areas, AREAS).await.unwrap(), report(0, 0, 81));
    assert_eq!(take(&db, Kind::Stations, STATIONS).await.unwrap(), report(23, 0, 0));
    assert_eq!(take(&db, Kind::Stations, STATIONS).await.unwrap(), report(0, 0, 23));
    assert_eq!((count(&db, "risk_area").await, count(&db, "datastream").await), (81, 23));
}

#[tokio::test]
async fn a_changed_grade_updates_one_area_and_a_hazard_no_longer_given_goes() {
    let db = support::db().await;
    let area = |hazards: &str| {
        format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"code":"a","name":"A","hazards":{hazards}}},
            "geometry":{{"type":"Polygon","coordinates":[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.8]]]}}}}]}}"#
        )
    };
    let both = area(r#"[{"cobrade":"1.1.3.2.1","grade":"R2"},{"cobrade":"1.2.3.0.0","grade":"R1"}]"#);
    assert_eq!(take(&db, Kind::Areas, &both).await.unwrap(), report(1, 0, 0));
    let one = area(r#"[{"cobrade":"1.1.3.2.1","grade":"R4"}]"#);
    assert_eq!(take(&db, Kind::Areas, &one).await.unwrap(), report(0, 1, 0));
    let left: Vec<(String, String)> =
        sqlx::query_as("select cobrade, grade from area_hazard").fetch_all(&db.pool).await.unwrap();
    assert_eq!(left, [("1.1.3.2.1".to_owned(), "R4".to_owned())]);
}

#[tokio::test]
async fn one_bad_feature_keeps_the_whole_file_out_and_is_named_by_its_line() {
    let db = support::db().await;
    let mut lines: Vec<String> = AREAS.lines().map(str::to_owned).collect();
    lines[40] = lines[40].replace("\"grade\":\"R", "\"grade\":\"X");
    let message = told(take(&db, Kind::Areas, &lines.join("\n")).await);
    assert!(message.contains("line 41 (features[39]): hazards[0].grade = \"X"), "{message}");
    assert!(message.contains("nothing was stored"), "{message}");
    assert_eq!(count(&db, "risk_area").await, 0);
}

#[tokio::test]
async fn invalid_polygons_are_refused_and_the_next_good_one_goes_through() {
    let db = support::db().await;
    let area = |rings: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",\"features\":[\n{{\"type\":\"Feature\",\"properties\":{{\"code\":\"a\",\"name\":\"A\",\
             \"cobrade\":\"1.1.3.2.1\",\"grade\":\"R3\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{rings}}}}}]}}"
        )
    };
    let bad = [
        ("[[[-43.4,-21.8],[-43.2,-21.6],[-43.2,-21.8],[-43.4,-21.6],[-43.4,-21.8]]]", "crosses or touches itself"),
        ("[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.7]]]", "the ring is open"),
        ("[[[-21.8,-43.4],[-21.8,-43.3],[-21.7,-43.3],[-21.8,-43.4]]]", "longitude first"),
        ("[[[365000,6870000],[366000,6870000],[366000,6871000],[365000,6870000]]]", "out of range"),
        ("[]", "empty"),
        ("[[[-43,-21],[-42,-21],[-42,-20],[-43,-21]],[[-41,-21],[-40,-21],[-40,-20],[-41,-21]]]", "not contained"),
    ];
    for (rings, expected) in bad {
        let message = told(take(&db, Kind::Areas, &area(rings)).await);
        assert!(message.starts_with("line 2 (features[0]): geometry") && message.contains(expected), "{message}");
    }
    let good = area("[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.8]]]");
    assert_eq!(take(&db, Kind::Areas, &good).await.unwrap(), report(1, 0, 0));
}

#[tokio::test]
async fn what_only_the_database_knows_to_be_invalid_is_an_error_of_the_file_too() {
    let db = support::db().await;
    // Two holes that cut the interior in two: the vertex test passes, GEOS does not.
    let rings = "[[[-44,-21],[-42,-21],[-42,-19],[-44,-19],[-44,-21]],\
                 [[-43,-21],[-43.5,-20.5],[-43,-20],[-42.5,-20.5],[-43,-21]],\
                 [[-43,-20],[-43.5,-19.5],[-43,-19],[-42.5,-19.5],[-43,-20]]]";
    let text = format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"code":"a","name":"A","cobrade":"11321","grade":"R3"}},"geometry":{{"type":"Polygon","coordinates":{rings}}}}}]}}"#
    );
    let message = told(take(&db, Kind::Areas, &text).await);
    assert!(message.contains("line 1 (features[0]): geometry") && message.contains("nterior"), "{message}");
    assert_eq!(count(&db, "risk_area").await, 0);
}

#[tokio::test]
async fn a_dry_run_counts_and_stores_nothing() {
    let db = support::db().await;
    let options = Options { dry_run: true, ..Options::default() };
    let seen = take_with(&db, Kind::Stations, STATIONS, options).await.unwrap();
    assert_eq!(seen, Report { dry_run: true, ..report(23, 0, 0) });
    assert_eq!(count(&db, "station").await, 0);
}

#[tokio::test]
async fn residents_are_reached_by_what_the_file_says_and_an_opt_out_stays() {
    let db = support::db().await;
    let header = "external_ref,name,lat,lon,phone,email,consent_source\n";
    let first = format!("{header}1,Ana,-21.7,-43.4,(32) 99999-0000,ana@exemplo.invalid,formulário\n");
    assert_eq!(counts(take(&db, Kind::Residents, &first).await.unwrap()), report(1, 0, 0));
    assert_eq!(counts(take(&db, Kind::Residents, &first).await.unwrap()), report(0, 0, 1));
    let opt_out = "update resident_channel set opted_out_at = now() where kind = 'sms'";
    sqlx::query(opt_out).execute(&db.pool).await.unwrap();
    assert_eq!(counts(take(&db, Kind::Residents, &first).await.unwrap()), report(0, 0, 1));
    let other = format!("{header}1,Ana,-21.7,-43.4,(32) 98888-0000,,formulário\n");
    assert_eq!(counts(take(&db, Kind::Residents, &other).await.unwrap()), report(0, 1, 0));
    let channels: Vec<(String, bool)> =
        sqlx::query_as("select address, opted_out_at is not null from resident_channel order by address")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(channels, [("+5532988880000".to_owned(), false), ("+5532999990000".to_owned(), true)]);
    assert_eq!(counts(take(&db, Kind::Residents, &other).await.unwrap()), report(0, 0, 1));
}

#[tokio::test]
async fn readings_of_the_past_are_in_the_journal_once() {
    let db = support::db().await;
    let app = support::app(&db);
    take(&db, Kind::Stations, SERIES_STATIONS).await.unwrap();
    let mut conn = PgConnection::connect(&db.url).await.unwrap();
    let rows = readings(&mut conn, support::start_at(), Format::Csv, SERIES.as_bytes()).await.unwrap();
    assert_eq!(rows.len(), 210);
    let first = journal::append(&db.pool, &app.clock, &rows, &[]).await.unwrap();
    let again = journal::append(&db.pool, &app.clock, &rows, &[]).await.unwrap();
    assert!(first.iter().all(|outcome| *outcome == journal::Outcome::Appended));
    assert!(again.iter().all(|outcome| *outcome == journal::Outcome::Duplicate));
    assert_eq!(count(&db, "journal").await, 210);
}

#[tokio::test]
async fn readings_of_unknown_stations_streams_and_units_are_named() {
    let db = support::db().await;
    take(&db, Kind::Stations, SERIES_STATIONS).await.unwrap();
    let mut conn = PgConnection::connect(&db.url).await.unwrap();
    let text = "station,stream,at,value,unit\n\
                nowhere,rain,2022-02-15T19:00:00Z,1,mm\n\
                330390605G,level,2022-02-15T19:00:00Z,1,m\n\
                330390605G,rain,2022-02-15T19:00:00Z,1,kg\n\
                330390605G,rain,2035-01-01T00:00:00Z,1,mm\n";
    let failure = readings(&mut conn, support::start_at(), Format::Csv, text.as_bytes()).await.unwrap_err();
    let message = failure.to_string();
    for expected in [
        "line 2: station = \"nowhere\"",
        "line 3: stream = \"level\": station 330390605G has only: rain",
        "line 4: unit = \"kg\"",
        "line 5: at = \"2035-01-01T00:00:00+00:00\": lies in the future",
    ] {
        assert!(message.contains(expected), "{expected:?} is not in:\n{message}");
    }
}

#[tokio::test]
async fn the_list_of_a_provider_is_looked_at_taken_and_followed_without_touching_what_people_set() {
    use sentinela::catalogue::providers::store::{Followed, follow};
    use sentinela::catalogue::providers::{Place, Provider};
    let db = support::db().await;
    let text = include_str!("../data/feeds/cemaden_getJson2_and_catalog_testbody.txt").split_once("\n\n").unwrap().0;
    let ids = Ids::seeded(1);
    let take = async |text: &str, dry_run| -> Followed {
        let listed = Provider::Cemaden.read(text.as_bytes(), &Place::unit("SC").unwrap()).unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        let when = (&ids, support::start_at());
        let actor = sentinela::audit::Actor::command();
        follow(&mut conn, when, Provider::Cemaden, (listed, text.as_bytes()), dry_run, &actor).await.unwrap()
    };
    let looked = take(text, true).await;
    assert_eq!((looked.new.len(), count(&db, "station").await), (3, 0));
    assert_eq!(take(text, false).await, looked);
    assert_eq!((count(&db, "station").await, count(&db, "datastream").await), (3, 3));
    assert_eq!(take(text, false).await.unchanged, 3);

    sqlx::query("update datastream set stale_after_s = 7200").execute(&db.pool).await.unwrap();
    sqlx::query("update station set source = 'Prefeitura' where code = '3975'").execute(&db.pool).await.unwrap();
    let moved = text.replace("Nova Brasília", "Nova Brasilia II").replace("-26.9", "-26.8");
    let followed = take(&moved, false).await;
    let changed: Vec<_> = followed.changed.iter().map(|(now, was)| (now.name.as_str(), was.name.as_str())).collect();
    assert_eq!(changed, [("Nova Brasilia II", "Nova Brasília")]);
    assert_eq!((followed.kept, followed.unchanged), (vec!["3975".to_owned()], 1));
    let set: i64 = sqlx::query_scalar("select count(*) from datastream where stale_after_s = 7200")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(set, 3, "streams stay as people set them");
}
