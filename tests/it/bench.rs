//! The bench of connected devices, small: what it proves at ten thousand it must be able to tell at twenty.

use crate::support::{self, Process};

#[tokio::test]
async fn every_reading_of_the_devices_of_the_bench_is_in_the_journal() {
    let mut command = support::sentinela();
    command
        .args(["bench", "devices", "--devices", "20", "--areas", "5", "--seconds", "1", "--spread-s", "0", "--json"])
        .args(["--database-url", &support::server_url()]);
    let (status, output) = Process::start(command).end().await;
    assert!(status.success(), "{output}");
    let report: serde_json::Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    let balance = |key: &str| report["balance"][key].as_u64().unwrap();
    assert!(balance("acknowledged") >= 20, "{report}");
    assert_eq!((balance("lost"), balance("twice")), (0, 0), "{report}");
    assert!(balance("in_the_journal") >= balance("acknowledged"), "{report}");
    assert_eq!(report["everything_judged"], true, "{report}");
    assert!(report["steady"]["judged_after"]["count"].as_u64().unwrap() > 0, "{report}");
}

async fn bench(arguments: &[&str]) -> serde_json::Value {
    let mut command = support::sentinela();
    command.arg("bench").args(arguments).args(["--json", "--database-url", &support::server_url()]);
    let (status, output) = Process::start(command).end().await;
    assert!(status.success(), "{output}");
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

#[tokio::test]
async fn the_bench_of_sms_counts_every_message_and_uses_the_rate_it_was_given() {
    let report = bench(&["sms", "--messages", "400", "--rate", "50", "--seconds", "2"]).await;
    let figure = |key: &str| report[key].as_f64().unwrap();
    assert!(figure("bare_per_second") > 0.0 && figure("service_per_second") > 0.0, "{report}");
    // How much of the rate a busy machine of tests leaves is no matter; more than it was given it never uses.
    assert!(figure("used") > 0.0 && figure("used") < 1.2, "{report}");
    assert!(figure("used_by_two") > 0.0 && figure("lost_s") >= 0.0, "{report}");
}

#[tokio::test]
async fn the_bench_of_the_fan_out_reaches_everybody_inside_both_areas() {
    let report = bench(&["fanout", "--residents", "600", "--inside", "200"]).await;
    let areas = report["areas"].as_array().unwrap();
    assert_eq!(areas.iter().map(|area| area["vertices"].as_i64().unwrap()).collect::<Vec<_>>(), [30, 2000]);
    for area in areas {
        assert!(
            area["first_message_ms"].as_f64().unwrap() > 0.0 && area["memory_mb"].as_f64().unwrap() >= 0.0,
            "{area}"
        );
    }
}

#[tokio::test]
async fn the_bench_of_mail_compares_the_same_letters() {
    let report = bench(&["mail", "--messages", "200"]).await;
    assert!(report["ratio"].as_f64().unwrap() > 0.0, "{report}");
}

#[tokio::test]
async fn the_bench_of_pages_asks_every_view_of_what_is_open() {
    let report = bench(&["pages", "--occurrences", "300", "--areas", "6", "--rounds", "3"]).await;
    assert!(report["bare"]["p50_ms"].as_f64().unwrap() > 0.0, "{report}");
    let addresses = report["addresses"].as_array().unwrap();
    for view in ["view=list", "view=board", "view=map", "priority=1", "after="] {
        let timed = addresses.iter().find(|one| one["address"].as_str().unwrap().contains(view)).expect(view);
        assert!(timed["ratio"].as_f64().unwrap() > 0.0 && timed["bytes"].as_u64().unwrap() > 1000, "{timed}");
    }
}

/// What a bench of the secretariat printed. It ends with an error when a bar is missed, as it may in a debug build on a busy machine; then it
/// must name what was missed.
async fn secretariat(arguments: &[&str]) -> serde_json::Value {
    let mut command = support::sentinela();
    command.args(["bench", "secretariat", "--cases", "2000", "--items", "2000"]).args(arguments);
    command.args(["--json", "--database-url", &support::server_url()]);
    let (status, output) = Process::start(command).end().await;
    let line = output.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{output}"));
    let report: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(status.success(), report["missed"].as_array().unwrap().is_empty(), "{output}");
    report
}

#[tokio::test]
async fn the_bench_of_the_secretariat_asks_queues_search_cases_figures_and_public_lists() {
    let report = secretariat(&["--rounds", "2"]).await;
    assert_eq!(report["filled"][0]["rows"], 2000, "{report}");
    assert_eq!(report["filled"][1]["rows"], 2000, "{report}");
    let addresses = report["addresses"].as_array().unwrap();
    for part in [
        "/secretaria/painel",
        "prefeito",
        "late=true",
        "year=",
        "q=iluminacao",
        "q=inexistente",
        "/clipping",
        "/casos/",
        "relatorio/",
        "publicacoes",
    ] {
        let timed = addresses.iter().find(|one| one["address"].as_str().unwrap().contains(part)).expect(part);
        assert!(timed["p99_ms"].as_f64().unwrap() >= timed["p50_ms"].as_f64().unwrap(), "{timed}");
    }
    let missed = addresses.iter().filter(|one| one["p99_ms"].as_f64().unwrap() > 50.0).count();
    assert_eq!(report["missed"].as_array().unwrap().len(), missed, "{report}");
    assert!(report["files"][0]["bytes"].as_u64().unwrap() > 10_000, "{report}");
}

#[tokio::test]
async fn the_bench_beside_warnings_asks_every_module_while_the_sms_leave() {
    let report = secretariat(&["--beside-latency", "--alerts", "3", "--background", "50"]).await;
    for part in ["before", "loaded", "after"] {
        for what in ["sms", "issued"] {
            assert!(report[part][what]["p50_ms"].as_f64().unwrap() > 0.0, "{part}: {report}");
        }
    }
    let load = &report["load"];
    assert!(load["pages"].as_u64().unwrap() > 0 && load["cases_opened"].as_u64().unwrap() > 0, "{load}");
    assert!(load["routes_asked"].as_u64().unwrap() >= 40 && load["refused"].is_null(), "{load}");
    assert!(report["ratio_p50"].as_f64().unwrap() > 0.0, "{report}");
}

/// Three seconds for three minutes. A bar may be missed in a debug build on a busy machine; then it is named, and the bench ends with an error.
#[tokio::test]
async fn the_soak_tells_each_minute_and_holds_memory_bars_and_disk() {
    let mut command = support::sentinela();
    command
        .args([
            "bench",
            "soak",
            "--minutes",
            "3",
            "--minute-s",
            "1",
            "--rate",
            "100",
            "--devices",
            "10",
            "--areas",
            "3",
        ])
        .args(["--alerts-every", "1", "--people", "3", "--database-url", &support::server_url()]);
    let (status, output) = Process::start(command).end().await;
    let lines: Vec<&str> = output.lines().collect();
    let report = lines.iter().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{output}"));
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    assert_eq!(status.success(), report["missed"].as_array().unwrap().is_empty(), "{output}");
    assert_eq!(lines.iter().filter(|line| line.contains(" readings  PUBACK p50 ")).count(), 3, "{output}");
    assert_eq!((&report["lost"], &report["everything_judged"]), (&0.into(), &true.into()), "{report}");
    assert_eq!(
        (&report["alerts"], &report["sms"], &report["sms_wanted"]),
        (&2.into(), &6.into(), &6.into()),
        "{report}"
    );
    assert!(report["acknowledged"].as_u64().unwrap() > 0, "{report}");
    assert!(report["memory"]["mean_mib"].as_f64().unwrap() > 1.0, "{report}");
    assert!(report["growth"]["computed_mib"].as_f64().unwrap() >= 0.0, "{report}");
    assert_eq!(report["growth"]["is_judged"], false, "so few readings say nothing: {report}");
}
