//! Commands, status messages and many devices at once, with real clients (`mosquitto_pub`, `mosquitto_sub`).

use std::process::{Output, Stdio};

use sentinela::accounts::tokens::desk::Acting;
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::fleet::command::{CommandState, Wanted};
use sentinela::fleet::provision::{ProvisionError, provision};
use sentinela::fleet::store::report;
use sentinela::fleet::{DeviceCommand, desk, store, upkeep};
use sentinela::ingest::{committer, mqtt};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::ingest::{SECRET, gauge, quarantine};
use crate::support::{self, TestDb, eventually, soon};

pub struct Listening {
    pub app: App,
    pub port: String,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

pub async fn listening(db: &TestDb) -> Listening {
    let (app, receiver) = support::app_and_queue(db, &[("SENTINELA__MQTT__LISTEN", "127.0.0.1:0")]);
    let endpoint = mqtt::bind(&app).await.unwrap().unwrap();
    let port = endpoint.address().port().to_string();
    tokio::spawn(endpoint.serve());
    tokio::spawn(committer::run(app.clone(), receiver));
    tokio::spawn(sentinela::db::listen::run(app.clone()));
    Listening { app, port }
}

pub async fn publish(port: &str, code: &str, topic: &str, payload: &str) -> Output {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", port, "-q", "1", "-u", code, "-P", SECRET, "-t", topic, "-m", payload]);
    soon("mosquitto_pub", command.stdin(Stdio::null()).kill_on_drop(true).output()).await.unwrap()
}

/// The device on its topic of commands.
pub struct Device(Lines<BufReader<ChildStdout>>, #[allow(dead_code, reason = "lives as long as the test wants")] Child);

impl Device {
    pub fn comes(port: &str, code: &str) -> Self {
        let topic = format!("v1/devices/{code}/commands");
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", port, "-q", "1", "-u", code, "-P", SECRET, "-t", &topic]);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(lines, child)
    }

    pub async fn hears(&mut self) -> serde_json::Value {
        let line = soon("a command", self.0.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

async fn ask(app: &App, code: &str, name: &str, args: serde_json::Value) -> DeviceCommand {
    let wanted = Wanted::new(name, args, 600).unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let command = desk::issue(&mut tx, by, code, &wanted, &app.config.ingest.profiles).await.unwrap();
    tx.commit().await.unwrap();
    command
}

async fn state(app: &App, command: &DeviceCommand) -> DeviceCommand {
    let mut conn = app.db.web.acquire().await.unwrap();
    store::command(&mut conn, &command.device, command.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_connected_device_hears_its_command_and_its_answer_counts_once() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let Listening { ref app, ref port } = listening(&db).await;
    let mut device = Device::comes(port, "A");
    let command = ask(app, "A", "set_interval", serde_json::json!({"interval_s": 600})).await;
    let heard = device.hears().await;
    assert_eq!(heard["id"], command.id.to_string());
    assert_eq!((heard["command"].as_str(), heard["args"]["interval_s"].as_u64()), (Some("set_interval"), Some(600)));
    let sent = || async { (state(app, &command).await.state == CommandState::Sent).then_some(()) };
    eventually("the command to be sent", sent).await;

    let answer = |result: &str| format!(r#"{{"id":"{}","result":"{result}","message":"ok"}}"#, command.id);
    let topic = "v1/devices/A/commands/ack";
    assert!(publish(port, "A", topic, &answer("done")).await.status.success());
    let done = state(app, &command).await;
    assert_eq!((done.state, done.message.as_str()), (CommandState::Acknowledged, "ok"));
    assert!(publish(port, "A", topic, &answer("failed")).await.status.success());
    assert_eq!(state(app, &command).await, done);
    assert!(quarantine(&db.pool).await.is_empty());
}

#[tokio::test]
async fn an_absent_device_hears_what_waits_at_its_connect_until_it_answers() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let Listening { ref app, ref port } = listening(&db).await;
    let command = ask(app, "A", "reboot", serde_json::Value::Null).await;
    for _ in 0..2 {
        let mut device = Device::comes(port, "A");
        assert_eq!(device.hears().await["id"], command.id.to_string());
    }
    let answer = format!(r#"{{"id":"{}","result":"rejected","message":"locked"}}"#, command.id);
    assert!(publish(port, "A", "v1/devices/A/commands/ack", &answer).await.status.success());
    assert_eq!(state(app, &command).await.state, CommandState::Failed);
    let next = ask(app, "A", "sync_clock", serde_json::Value::Null).await;
    // The answered one is not told again.
    assert_eq!(Device::comes(port, "A").hears().await["id"], next.id.to_string());
}

#[tokio::test]
async fn what_ran_out_is_told_to_nobody() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let Listening { ref app, ref port } = listening(&db).await;
    let old = ask(app, "A", "reboot", serde_json::Value::Null).await;
    app.clock.set(support::start_at() + chrono::TimeDelta::seconds(601));
    let next = ask(app, "A", "sync_clock", serde_json::Value::Null).await;
    assert_eq!(Device::comes(port, "A").hears().await["id"], next.id.to_string());
    tokio::spawn(upkeep::run(app.clone()));
    let expired = || async { (state(app, &old).await.state == CommandState::Expired).then_some(()) };
    eventually("the command to run out", expired).await;
}

#[tokio::test]
async fn a_device_answers_for_itself_alone() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let Listening { ref app, ref port } = listening(&db).await;
    let command = ask(app, "A", "reboot", serde_json::Value::Null).await;
    let answer = format!(r#"{{"id":"{}","result":"done"}}"#, command.id);
    assert!(!publish(port, "B", "v1/devices/A/commands/ack", &answer).await.status.success());
    // On its own topic: B has no such command.
    assert!(publish(port, "B", "v1/devices/B/commands/ack", &answer).await.status.success());
    assert_eq!(state(app, &command).await.state, CommandState::Queued);
    assert_eq!(quarantine(&db.pool).await, [("id".into(), command.id.to_string(), Some("B".to_owned()))]);
}

#[tokio::test]
async fn a_status_is_stored_when_it_is_acknowledged() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let Listening { ref app, ref port } = listening(&db).await;
    let payload =
        r#"{"state":"online","at":"2026-02-22T11:59:30Z","firmware":"1.4.2","battery_pct":15,"signal_dbm":-91}"#;
    assert!(publish(port, "A", "v1/devices/A/status", payload).await.status.success());
    assert!(publish(port, "A", "v1/devices/A/status", r#"{"battery_pct":150}"#).await.status.success());
    let mut conn = app.db.web.acquire().await.unwrap();
    let report = report::one(&mut conn, "A").await.unwrap().unwrap().report;
    assert_eq!((report.firmware.as_deref(), report.battery_pct), (Some("1.4.2"), Some(15.0)));
    assert_eq!((report.signal_dbm, report.clock_offset_ms), (Some(-91.0), Some(30_000)));
    assert_eq!(quarantine(&db.pool).await, [("battery_pct".into(), "150".into(), Some("A".to_owned()))]);
    let low = report::Filter { low_battery: true, ..report::Filter::default() };
    assert_eq!(report::fleet(&mut conn, &low, 10, 0).await.unwrap().len(), 1);
    let old = report::Filter { old_firmware: true, ..report::Filter::default() };
    assert!(report::fleet(&mut conn, &old, 10, 0).await.unwrap().is_empty());
    gauge(&db.pool, "B").await;
    let newer = r#"{"firmware":"1.10.0"}"#;
    app.ingest.devices().reload(&db.pool).await.unwrap();
    assert!(publish(port, "B", "v1/devices/B/status", newer).await.status.success());
    let found = report::fleet(&mut conn, &old, 10, 0).await.unwrap();
    assert_eq!(found.iter().map(|found| found.device.code.as_str()).collect::<Vec<_>>(), ["A"]);
}

#[tokio::test]
async fn a_file_of_devices_is_taken_whole_or_not_at_all() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let wrong = b"code,station\nN-1,A\nA,A\nN-2,nowhere\n";
    let Err(ProvisionError::Wrong(problems)) = provision(&mut tx, by, wrong, &[]).await else { panic!() };
    let found: Vec<_> = problems.kept().iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(found, [(3, "code"), (4, "station")]);
    let good = b"code,station,hardware_id\nN-1,A,0A0B\nN-2,A,\n";
    let made = provision(&mut tx, by, good, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(made.len(), 2);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    for device in &made {
        assert!(app.ingest.devices().known(&device.code, &device.secret, app.clock.now()).is_some());
        let sql = "select count(*) from audit_event where coalesce(after::text, '') like '%' || $1 || '%'";
        let leaks: i64 = sqlx::query_scalar(sql).bind(&device.secret).fetch_one(&db.pool).await.unwrap();
        assert_eq!(leaks, 0);
    }
    assert!(app.ingest.devices().of_network("0a0b").is_some());
}

#[tokio::test]
async fn a_command_that_nobody_could_hear_is_refused_with_the_reason() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let wanted = Wanted::new("reboot", serde_json::Value::Null, 600).unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    for (heard_by, hardware_id, hears) in [
        ("", None, true),
        ("mqtt", Some("a1"), true),
        ("broker", None, true),
        ("network", None, false),
        ("http", None, false),
        ("", Some("a1"), false),
    ] {
        sqlx::query("update device set heard_by = $1, hardware_id = $2")
            .bind(heard_by)
            .bind(hardware_id)
            .execute(&db.pool)
            .await
            .unwrap();
        let mut tx = app.db.web.begin().await.unwrap();
        let issued = desk::issue(&mut tx, by, "A", &wanted, &[]).await;
        match issued {
            Ok(_) => assert!(hears, "{heard_by:?} {hardware_id:?}"),
            Err(refused) => assert!(!hears && refused.to_string().contains("hears no command"), "{refused}"),
        }
    }
}

#[tokio::test]
async fn a_new_command_is_found_behind_a_thousand_that_wait_for_their_answer() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    sqlx::query(
        "insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at, sent_at, times_sent)
         select gen_random_uuid(), d.id, 'reboot', '{}', 'sent', 'test', $1::timestamptz - n % 7 * interval '1 s',
                $1::timestamptz + interval '1 day', $1, 1
         from device d, generate_series(1, 1200) n",
    )
    .bind(support::start_at())
    .execute(&db.pool)
    .await
    .unwrap();
    let app = support::app(&db);
    let now = app.clock.now();
    let (mut after, mut found) = (None, std::collections::HashSet::new());
    for expected in [store::DUE, 200] {
        let page = store::due(&db.pool, &["A".into()], now, after).await.unwrap();
        assert_eq!(page.len(), expected);
        after = page.last().map(sentinela::fleet::command::Due::place);
        found.extend(page.into_iter().map(|due| due.id));
    }
    assert_eq!(found.len(), 1200, "each of them once");
}
