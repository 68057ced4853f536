//! Rules tried on the past: published thresholds on the storms, and the command against files and the journal.

use std::path::{Path, PathBuf};

use sentinela::backtest::report;
use sentinela::cli::backtest::{case_of, lead_max};
use sentinela::cli::scenario;
use sentinela::clock::Clock;
use sentinela::ids::DatastreamId;
use sentinela::ingest::{NewReading, Source};
use sentinela::journal;
use sentinela::risk::store::load_limits;
use sentinela::units::{Fixed, Quality};

use crate::support::{self, Folder};

fn simulations(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations").join(path)
}

fn sorted(folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(simulations(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

/// What each published set of thresholds would have said before each event of the real storms, beside the rules in use.
fn published() -> String {
    let limits = load_limits("").unwrap();
    let names = ["rio-sirens", "rio-2019", "inmet-warnings", "ppdc-72h"];
    let mut rules: Vec<(String, PathBuf)> =
        names.map(|name| (name.to_owned(), simulations(&format!("rules/{name}.toml")))).to_vec();
    rules.push(("in use".into(), simulations("../config/rules/rain-landslide.toml")));
    let mut text = String::from("# Lead times that rules would have had before the recorded events of the storms.\n");
    for storm in sorted("storms") {
        let name = storm.file_stem().unwrap().to_string_lossy().into_owned();
        if name.starts_with("synthetic") {
            continue;
        }
        for (label, rule) in &rules {
            let rules = scenario::parse_rules(std::slice::from_ref(rule)).unwrap();
            let mut case = case_of(scenario::load(&storm, &limits, Some(&rules)).unwrap());
            case.events.retain(|event| rules.iter().any(|rule| rule.hazard == event.cobrade));
            let report = report::of_cases(std::slice::from_ref(&case), lead_max(None).unwrap()).unwrap();
            for line in report
                .cases
                .iter()
                .flat_map(|case| report::leads_told(case).lines().map(str::to_owned).collect::<Vec<_>>())
            {
                text.push_str(&format!(
                    "{name} · {label}{}\n",
                    line.trim_start_matches("# evento").replacen(' ', " · ", 1)
                ));
            }
        }
    }
    text
}

#[test]
fn published_thresholds_give_their_golden_lead_times() {
    let golden = simulations("expected/published.txt");
    let told = published();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &told).unwrap();
    }
    let before = std::fs::read_to_string(&golden).unwrap_or_default();
    let first = told.lines().zip(before.lines()).find(|(now, then)| now != then);
    assert!(told == before, "{} differs: {first:?}. BLESS=1 accepts it.", golden.display());
    assert!(told.lines().count() > 30);
}

/// The command's JSON.
async fn backtest(arguments: &[&str], database: Option<&str>) -> serde_json::Value {
    let mut command = support::sentinela();
    command.arg("backtest").args(arguments).arg("--json");
    if let Some(url) = database {
        command.env("SENTINELA__DATABASE__URL", url);
    }
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn score<'a>(report: &'a serde_json::Value, level: &str) -> &'a serde_json::Value {
    report["scores"].as_array().unwrap().iter().find(|score| score["level"] == level).unwrap()
}

#[tokio::test]
async fn files_of_ones_own_are_tried_as_the_scenario_of_the_same_files() {
    let storm = simulations("storms/bertioga_2023-02.toml").display().to_string();
    let data = |end: &str| simulations(&format!("data/bertioga_2023-02{end}")).display().to_string();
    let rule = simulations("../config/rules/rain-landslide.toml").display().to_string();
    let of_storm = backtest(&[&storm], None).await;
    let (stations, areas, readings, events) =
        (data(".stations.csv"), data(".areas.geojson"), data(".csv"), data(".events.csv"));
    let arguments =
        ["--stations", &stations, "--areas", &areas, "--readings", &readings, "--events", &events, "--rule", &rule];
    let of_files = backtest(&arguments, None).await;
    for level in ["observation", "attention", "alert", "maximum"] {
        for figure in ["hits", "misses", "false_alarms", "correct_negatives"] {
            assert_eq!(score(&of_storm, level)[figure], score(&of_files, level)[figure], "{level} {figure}");
        }
    }
    assert_eq!(score(&of_storm, "observation")["hits"], 1);
}

#[tokio::test]
async fn a_sweep_writes_its_page_and_refuses_what_it_does_not_understand() {
    let folder = Folder::new();
    let page = folder.path().join("sweep.html");
    let storm = simulations("storms/nova_friburgo_2011-01.toml").display().to_string();
    let arguments = [&storm, "--sweep", "alert.1=20..70/6", "--report", page.to_str().unwrap(), "--lang", "en"];
    let report = backtest(&arguments, None).await;
    let sets = report["sweep"]["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 6);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Detection against false detection") && page.contains("Nova Friburgo, janeiro de 2011"));
    for (wrong, told, code) in [
        (vec![storm.as_str(), "--sweep", "alert.9=1..2"], "no rule has this threshold", 1),
        (vec![storm.as_str(), "--sweep", "alert.1=2..1"], "does not rise", 2),
        (vec![storm.as_str(), "--lead-max", "7"], "--lead-max", 2),
        (vec![], "give scenario files", 2),
    ] {
        let output = support::sentinela().arg("backtest").args(&wrong).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(told), "{wrong:?}: {error}");
        assert_eq!(output.status.code(), Some(code), "{wrong:?}");
    }
}

/// A gauge in a neighbourhood.
const TOWN: &str = "
    insert into station (code, name, geom, created_at, updated_at)
        values ('G1', 'Pluviômetro 1', 'SRID=4326;POINT(-43.395 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

fn reading(at: &str, mm: i64, source: Source) -> NewReading {
    NewReading {
        datastream_id: DatastreamId(1),
        device_id: None,
        message_id: None,
        observed_at: at.parse().unwrap(),
        value: Fixed::from_whole(mm),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source,
    }
}

#[tokio::test]
async fn a_period_of_the_journal_is_tried_with_what_was_filled_in_from_the_past() {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let clock = Clock::manual("2026-03-03T12:00:00Z".parse().unwrap());
    // The past was filled in long afterwards; what is live came when it was measured.
    let past = [
        reading("2026-02-28T20:00:00Z", 38, Source::History),
        reading("2026-03-01T10:00:00Z", 2, Source::History),
        reading("2026-03-01T11:00:00Z", 45, Source::History),
        reading("2026-03-01T12:00:00Z", 1, Source::History),
    ];
    journal::append(&db.pool, &clock, &past, &[]).await.unwrap();
    journal::append(&db.pool, &clock, &[reading("2026-03-03T12:00:00Z", 70, Source::Http)], &[]).await.unwrap();
    let folder = Folder::new();
    let events = folder.path().join("events.csv");
    let rows = "at,area,cobrade,what,source\n2026-03-01T12:30:00Z,bom-pastor,1.1.3.2.1,deslizamento,teste\n";
    std::fs::write(&events, rows).unwrap();
    let url = db.url.clone();
    let of = |from: &'static str, to: &'static str| {
        let (events, url) = (events.display().to_string(), url.clone());
        async move { backtest(&["--from", from, "--to", to, "--events", &events], Some(&url)).await }
    };
    let first = of("2026-03-01T00:00:00-03:00", "2026-03-03T00:00:00-03:00").await;
    assert_eq!(score(&first, "alert")["hits"], 1);
    // The hour of 45 mm made it an alert when it had been measured, an hour and a half before. The evening before the period had made it
    // attention, which stands when the period begins, nine hours and a half before.
    assert_eq!(score(&first, "alert")["lead_max_s"], 90 * 60);
    assert_eq!(score(&first, "attention")["lead_max_s"], 570 * 60);
    assert_eq!(first["cases"][0]["readings"], 4, "the evening before fills the windows");
    let second = of("2026-03-03T00:00:00-03:00", "2026-03-04T00:00:00-03:00").await;
    assert_eq!((&score(&second, "maximum")["false_alarms"], &score(&second, "alert")["hits"]), (&1.into(), &0.into()));
}
