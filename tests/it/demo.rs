//! The demonstration as a visitor starts it.

use std::path::PathBuf;

use crate::support::{self, Process, free_port};

#[tokio::test]
async fn the_demo_plays_the_night_through_mqtt_and_ends_cleanly() {
    let db = support::db().await;
    let folder = Folder(std::env::temp_dir().join(format!("sentinela-demo-{}", std::process::id())));
    let mut command = support::sentinela();
    command
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__DATA_DIR", &folder.0)
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("SENTINELA__MQTT__LISTEN", format!("127.0.0.1:{}", free_port()))
        // How long the end may take is another test's matter.
        .env("SENTINELA__SHUTDOWN__TIMEOUT_S", "120")
        .args(["demo", "--speed", "100000"]);
    let mut demo = Process::start(command);
    demo.line_with("fictional").await;
    demo.line_with("The night is over: all 910 readings").await;
    let count = async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap() };
    assert!(count("select count(*) from journal where source = 'mqtt'").await >= 910);
    assert_eq!(count("select count(*) from quarantine").await, 0);
    assert_eq!(count("select count(*) from resident where fictional").await, 3000);
    assert_eq!(count("select count(*) from resident where not fictional").await, 0);
    // The press has whom to tell and what, and people wait for messages by segment.
    assert_eq!(count("select count(*) from press_outlet where removed_at is null").await, 2);
    assert_eq!(
        count("select count(*) from case_file where type_key = 'press.release' and state = 'embargoed'").await,
        1
    );
    assert_eq!(
        count("select count(*) from case_file where type_key = 'press.release' and state = 'distributed'").await,
        1
    );
    assert_eq!(count("select count(*) from segment_subscription where confirmed_at is not null").await, 12);
    support::eventually("a release at both outlets", async || {
        (count("select count(*) from press_delivery").await == 2).then_some(())
    })
    .await;
    support::eventually("areas that rose and an alert that waits", async || {
        let risen = count("select count(*) from area_level where level in ('alert', 'maximum')").await;
        let waiting = count("select count(*) from alert where state = 'draft' and status = 'exercise'").await;
        (risen > 10 && waiting > 0).then_some(())
    })
    .await;
    // Its alerts are exercises: they are to reach the fictional residents where they live, and can, because those joined.
    let joined =
        "select count(*) from exercise_participant p join exercise e on e.id = p.exercise_id where e.state = 'running'";
    assert_eq!(count(joined).await, 3000);
    let reached = "select count(*) from alert a cross join lateral alert_recipients(a.id) r where a.state = 'draft' and r.reason = ''";
    assert!(count(reached).await > 0);
    demo.signal("TERM").await;
    assert!(demo.end().await.0.success());
}

/// Deleted with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
