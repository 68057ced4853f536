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
