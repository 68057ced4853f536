//! The MQTT doors with real clients (`mosquitto_pub`, `mosquitto_sub`) and a real broker (`mosquitto`).

use std::process::{Output, Stdio};

use sentinela::app::App;
use sentinela::config::{ExternalBroker, Protocol};
use sentinela::fleet::Contact;
use sentinela::ingest::formats::status::Status;
use sentinela::ingest::lanes::Lane;
use sentinela::ingest::reports::Said;
use sentinela::ingest::{broker, committer, devices, mqtt};
use sqlx::Connection as _;
use tokio::process::{Child, Command};

use crate::ingest::{SECRET, gauge, quarantine, rows};
use crate::support::{self, TestDb, eventually, free_port, soon};

/// An app whose endpoint listens on a port of its own.
struct Listening {
    app: App,
    port: u16,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

async fn listening(db: &TestDb) -> Listening {
    let listening = listening_without_committer(db).await;
    tokio::spawn(committer::run(listening.0.app.clone(), listening.1));
    listening.0
}

async fn listening_without_committer(db: &TestDb) -> (Listening, sentinela::ingest::Receiver) {
    let (app, receiver) = support::app_and_queue(db, &[("SENTINELA__MQTT__LISTEN", "127.0.0.1:0")]);
    let endpoint = mqtt::bind(&app).await.unwrap().unwrap();
    let port = endpoint.address().port();
    tokio::spawn(endpoint.serve());
    (Listening { app, port }, receiver)
}

/// `mosquitto_pub` as device A, QoS 1, unless the arguments say otherwise.
pub fn publisher(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"]).args(arguments);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub async fn publish(port: u16, arguments: &[&str]) -> Output {
    soon("mosquitto_pub", publisher(port, arguments).output()).await.unwrap()
}

/// Publishes a payload on device A's own topic.
async fn send(port: u16, payload: &str) -> Output {
    publish(port, &["-u", "A", "-P", SECRET, "-t", "v1/devices/A/readings", "-m", payload]).await
}

pub fn message(id: &str, fields: &str) -> String {
    format!(r#"{{"id":"{id}","readings":[{{"stream":"rain","at":"2026-02-22T11:50:00Z",{fields}}}]}}"#)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[tokio::test]
async fn a_reading_of_a_real_client_is_in_the_journal_when_it_is_acknowledged() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let output = send(listening.port, &message("m1", r#""value":3.4,"unit":"mm""#)).await;
    assert!(output.status.success(), "{}", said(&output));
    let all = rows(&db.pool).await;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].datastream_id, all[0].value.to_f64()), (stream, 3.4));

    // Again, over MQTT 5 and with the device's code as client id instead of a user name: a duplicate, acknowledged.
    let payload = message("m1", r#""value":3.4"#);
    let arguments = ["-V", "5", "-u", "A", "-i", "A", "-P", SECRET, "-t", "v1/devices/A/readings", "-m", &payload];
    let output = publish(listening.port, &arguments).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn the_acknowledgement_waits_for_the_commit() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let (listening, receiver) = listening_without_committer(&db).await;
    let payload = message("m1", r#""value":1"#);
    let arguments = ["-u", "A", "-P", SECRET, "-t", "v1/devices/A/readings", "-m", &payload];
    let mut client = publisher(listening.port, &arguments).spawn().unwrap();
    let queued = || async { (listening.app.ingest.queued() == 1).then_some(()) };
    eventually("the reading to be queued", queued).await;
    assert!(client.try_wait().unwrap().is_none(), "acknowledged before the commit");
    tokio::spawn(committer::run(listening.app.clone(), receiver));
    assert!(soon("the acknowledgement", client.wait()).await.unwrap().success());
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn a_late_message_waits_for_room_while_a_live_one_goes_through_and_is_acknowledged_when_there_is_room() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let ingest = &listening.app.ingest;
    let all = u32::try_from(listening.app.config.ingest.queue_readings).unwrap();
    let room = ingest.room(Lane::Backlog, all).await.unwrap();
    let late = message("late", r#""value":1"#);
    let arguments = ["-u", "A", "-P", SECRET, "-t", "v1/devices/A/readings", "-m", &late];
    let mut client = publisher(listening.port, &arguments).spawn().unwrap();
    let live = r#"{"id":"live","stream":"rain","at":"2026-02-22T12:00:00Z","value":2}"#;
    let output = send(listening.port, live).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(rows(&db.pool).await.len(), 1);
    assert!(client.try_wait().unwrap().is_none(), "acknowledged without room");
    drop(room);
    assert!(soon("the acknowledgement", client.wait()).await.unwrap().success());
    assert_eq!(rows(&db.pool).await.len(), 2);
}

#[tokio::test]
async fn a_message_that_cannot_be_committed_is_not_acknowledged() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let (listening, receiver) = listening_without_committer(&db).await;
    drop(receiver);
    let output = send(listening.port, &message("m1", r#""value":1"#)).await;
    assert!(!output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn each_kind_of_bad_input_is_named_in_quarantine_and_the_next_good_reading_goes_through() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let far = "2026-02-22T13:00:00+00:00";
    let future = format!(r#"{{"stream":"rain","at":"{far}","value":1}}"#);
    let cases = [
        ("{\"readings\":[", "payload", "{\"readings\":["),
        (&message("a", r#""value":NaN"#), "readings[0].value", "NaN"),
        (&message("b", r#""value":1,"unit":"furlong""#), "readings[0].unit", "furlong"),
        (&future, "at", far),
        (r#"{"stream":"snow","at":"2026-02-22T11:50:00Z","value":1}"#, "stream", "snow"),
    ];
    for (payload, _, _) in cases {
        let output = send(listening.port, payload).await;
        assert!(output.status.success(), "{payload}: {}", said(&output));
    }
    let found = quarantine(&db.pool).await;
    let expected: Vec<_> =
        cases.iter().map(|(_, field, value)| ((*field).into(), (*value).into(), Some("A".to_owned()))).collect();
    assert_eq!(found, expected);
    assert!(rows(&db.pool).await.is_empty());

    assert!(send(listening.port, &message("good", r#""value":1"#)).await.status.success());
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn a_payload_of_one_mebibyte_is_quarantined_and_a_larger_one_ends_the_connection() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let folder = std::env::temp_dir().join(format!("sentinela-payload-{}", listening.port));
    let file = folder.to_str().unwrap();
    let arguments = ["-u", "A", "-P", SECRET, "-t", "v1/devices/A/readings", "-f", file];
    std::fs::write(file, vec![b' '; 1 << 20]).unwrap();
    let output = publish(listening.port, &arguments).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(quarantine(&db.pool).await, [("payload".into(), "1048576 bytes".into(), Some("A".into()))]);
    std::fs::write(file, vec![b' '; 4 << 20]).unwrap();
    let output = publish(listening.port, &arguments).await;
    assert!(!output.status.success(), "{}", said(&output));
    std::fs::remove_file(file).unwrap();
    assert!(send(listening.port, &message("good", r#""value":1"#)).await.status.success());
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_device_or_no_name_at_all_is_refused() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let topic = ["-t", "v1/devices/A/readings", "-m", "{}"];
    for sign_in in [&["-u", "A", "-P", "wrong"][..], &["-u", "B", "-P", SECRET], &["-u", "A"], &[]] {
        let output = publish(listening.port, &[sign_in, &topic].concat()).await;
        assert!(!output.status.success(), "{sign_in:?}");
        assert!(said(&output).contains("refused"), "{sign_in:?}: {}", said(&output));
    }
    let output = publish(listening.port, &[&["-V", "5", "-u", "A", "-P", "wrong"][..], &topic].concat()).await;
    assert!(!output.status.success() && said(&output).contains("Bad User Name"), "{}", said(&output));
    assert!(quarantine(&db.pool).await.is_empty());
}

#[tokio::test]
async fn a_disabled_device_is_refused_and_a_new_one_is_known_at_once() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    assert!(send(listening.port, &message("1", r#""value":1"#)).await.status.success());
    gauge(&db.pool, "B").await;
    let payload = message("2", r#""value":2"#);
    let as_b = ["-u", "B", "-P", SECRET, "-t", "v1/devices/B/readings", "-m", &payload];
    assert!(publish(listening.port, &as_b).await.status.success());
    sqlx::query("update device set enabled = false where code = 'B'").execute(&db.pool).await.unwrap();
    listening.app.ingest.devices().reload(&db.pool).await.unwrap();
    assert!(!publish(listening.port, &as_b).await.status.success());
    assert_eq!(rows(&db.pool).await.len(), 2);
}

#[tokio::test]
async fn a_device_can_touch_only_its_own_topics() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let listening = listening(&db).await;
    let payload = message("1", r#""value":1"#);
    for topic in ["v1/devices/B/readings", "v1/devices/A/commands", "v1/devices/A/readings/x", "other", "$SYS/x"] {
        let arguments = ["-u", "A", "-P", SECRET, "-t", topic, "-m", &payload];
        // MQTT 3.1.1 has no word for it: the connection ends without an acknowledgement.
        let output = publish(listening.port, &arguments).await;
        assert!(!output.status.success(), "{topic}: {}", said(&output));
        // MQTT 5 says "not authorized".
        let output = publish(listening.port, &[&["-V", "5"][..], &arguments].concat()).await;
        assert!(said(&output).contains("Not authorized"), "{topic}: {}", said(&output));
    }
    assert!(rows(&db.pool).await.is_empty() && quarantine(&db.pool).await.is_empty());

    for (topic, allowed) in [
        ("v1/devices/A/commands", true),
        ("v1/devices/B/commands", false),
        ("#", false),
        ("v1/devices/+/readings", false),
    ] {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &listening.port.to_string(), "-u", "A", "-P", SECRET, "-t", topic]);
        // -E: leave once the subscription is answered; a refused one is left with an error.
        let output = soon("mosquitto_sub", command.arg("-E").kill_on_drop(true).output()).await.unwrap();
        let refused = said(&output).contains("denied") || said(&output).contains("refused") || !output.status.success();
        assert_eq!(!refused, allowed, "{topic}: {:?} {}", output.status, said(&output));
    }
}

#[tokio::test]
async fn a_device_can_neither_take_anothers_client_id_nor_leave_a_will_elsewhere() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let listening = listening(&db).await;
    let common = ["-u", "A", "-P", SECRET, "-t", "v1/devices/A/status", "-m", "online"];
    let with = |more: &[&'static str]| [more, &common[..]].concat();
    assert!(!publish(listening.port, &with(&["-i", "B"])).await.status.success());
    let will = ["--will-payload", "x", "--will-topic"];
    assert!(!publish(listening.port, &with(&[&will[..], &["v1/devices/B/status"]].concat())).await.status.success());
    assert!(publish(listening.port, &with(&[&will[..], &["v1/devices/A/status"]].concat())).await.status.success());
}

#[tokio::test]
async fn the_device_table_tells_who_is_online() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let listening = listening(&db).await;
    let online = || async {
        sqlx::query_scalar::<_, bool>("select online from device where code = 'A'").fetch_one(&db.pool).await.unwrap()
    };
    // A retained will over MQTT 5 must not keep the device out.
    let mut command = Command::new("mosquitto_sub");
    command.args(["-V", "5", "-h", "127.0.0.1", "-p", &listening.port.to_string(), "-u", "A", "-P", SECRET]);
    command.args(["-t", "v1/devices/A/commands", "--will-topic", "v1/devices/A/status", "--will-payload", "offline"]);
    let mut client = command.arg("--will-retain").stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    eventually("A to be online", || async { online().await.then_some(()) }).await;
    client.kill().await.unwrap();
    eventually("A to be offline", || async { (!online().await).then_some(()) }).await;
}

/// A real broker on a port, without sign-in, keeping nothing.
pub async fn mosquitto(port: u16) -> Child {
    mosquitto_with(port, "").await
}

/// The same with more lines of configuration.
pub async fn mosquitto_with(port: u16, more: &str) -> Child {
    let file = std::env::temp_dir().join(format!("sentinela-mosquitto-{port}.conf"));
    std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n{more}")).unwrap();
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.kill_on_drop(true).spawn().or_else(|_| {
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()
    });
    eventually("the broker to listen", || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok() })
        .await;
    child.unwrap()
}

fn linked(db: &TestDb, port: u16, share_group: &str) -> (App, sentinela::ingest::Receiver) {
    linked_in(db, port, Protocol::V5, share_group, &[])
}

/// A service that reads from this broker and keeps what it reads.
async fn reading_from(db: &TestDb, port: u16) -> App {
    let (app, receiver) = linked(db, port, "");
    app.ingest.devices().reload(&db.pool).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    tokio::spawn(broker::run(app.clone()));
    app
}

/// The service with a broker that speaks this version of MQTT, and some configuration keys replaced.
pub fn linked_in(
    db: &TestDb,
    port: u16,
    protocol: Protocol,
    share_group: &str,
    overrides: &[(&str, &str)],
) -> (App, sentinela::ingest::Receiver) {
    let mut config = support::config(&[&[("SENTINELA__DATABASE__URL", db.url.as_str())], overrides].concat());
    config.mqtt.external.push(ExternalBroker {
        name: "test".into(),
        url: format!("mqtt://127.0.0.1:{port}").as_str().into(),
        topics: ["v1/devices/+/readings", "v1/devices/+/status", "application/+/device/+/event/+"]
            .map(Into::into)
            .into(),
        protocol,
        share_group: share_group.into(),
        share_over_311: protocol == Protocol::V311,
    });
    support::app_from(db, config)
}

/// Publishes until the journal has `count` rows: what is sent before the link has subscribed goes nowhere.
pub async fn through(db: &TestDb, port: u16, id: &str, count: usize) {
    let payload = message(id, r#""value":1"#);
    eventually("a reading through the broker", || async {
        let output = publish(port, &["-t", "v1/devices/A/readings", "-m", &payload]).await;
        assert!(output.status.success(), "{}", said(&output));
        (rows(&db.pool).await.len() >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn readings_come_in_through_an_external_broker_also_after_it_restarts() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    for (round, group) in ["", "sentinela"].into_iter().enumerate() {
        let port = free_port();
        let mut server = mosquitto(port).await;
        let (app, receiver) = linked(&db, port, group);
        app.ingest.devices().reload(&db.pool).await.unwrap();
        tokio::spawn(devices::run(app.clone()));
        tokio::spawn(committer::run(app.clone(), receiver));
        let running = tokio::spawn(broker::run(app.clone()));
        through(&db, port, &format!("{round}-1"), round * 2 + 1).await;

        // The broker keeps nothing, so the subscription must be made again.
        server.kill().await.unwrap();
        let _server = mosquitto(port).await;
        through(&db, port, &format!("{round}-2"), round * 2 + 2).await;

        app.stop.cancel();
        soon("the link's end", running).await.unwrap().unwrap();
    }
    let sources: Vec<String> =
        sqlx::query_scalar("select distinct source from journal").fetch_all(&db.pool).await.unwrap();
    assert_eq!(sources, ["broker"]);
}

#[tokio::test]
async fn what_the_broker_has_handed_over_is_acknowledged_to_it_only_after_the_commit() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let port = free_port();
    let _server = mosquitto(port).await;
    let (app, receiver) = linked(&db, port, "");
    app.ingest.devices().reload(&db.pool).await.unwrap();
    let running = tokio::spawn(broker::run(app.clone()));
    // Handed over, but with no committer never committed.
    let payload = message("1", r#""value":1"#);
    let queued = || async {
        assert!(publish(port, &["-t", "v1/devices/A/readings", "-m", &payload]).await.status.success());
        (app.ingest.queued() > 0).then_some(())
    };
    eventually("the reading to be queued", queued).await;
    app.stop.cancel();
    drop(receiver);
    soon("the link's end", running).await.unwrap().unwrap();
    assert!(rows(&db.pool).await.is_empty());

    // The next process of the same installation finds its session, and the message in it.
    let app = reading_from(&db, port).await;
    eventually("the reading to be sent again", || async { (!rows(&db.pool).await.is_empty()).then_some(()) }).await;
    app.stop.cancel();
}

#[tokio::test]
async fn foreign_topics_and_unknown_devices_of_a_broker_go_to_quarantine() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let port = free_port();
    let _server = mosquitto(port).await;
    let app = reading_from(&db, port).await;
    through(&db, port, "1", 1).await;
    assert!(publish(port, &["-t", "v1/devices/Z/readings", "-m", "{}"]).await.status.success());
    let found = eventually("a row in quarantine", || async { quarantine(&db.pool).await.into_iter().next() }).await;
    assert_eq!(found, ("device".into(), "Z".into(), Some("Z".into())));
    app.stop.cancel();
}

/// Ends every connection to the database of the test and lets nobody in, or lets them in again.
pub async fn database_is_away(db: &TestDb, away: bool) {
    let mut server = sqlx::PgConnection::connect(&support::server_url()).await.unwrap();
    let sql = format!("alter database {} allow_connections {}", db.name, !away);
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut server).await.unwrap();
    if away {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        sqlx::query(end).bind(&db.name).execute(&mut server).await.unwrap();
    }
}

#[tokio::test]
async fn what_devices_say_through_a_broker_outlasts_a_database_that_is_away() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let port = free_port();
    let _server = mosquitto(port).await;
    let app = reading_from(&db, port).await;
    through(&db, port, "1", 1).await;

    database_is_away(&db, true).await;
    let now = app.clock.now();
    let device = app.ingest.devices().get("A").unwrap().id;
    let status = |firmware: &str| {
        let status = Status { firmware: Some(firmware.into()), online: true, ..Status::default() };
        Said::Status { status, is_direct: false }
    };
    let held = app.ingest.reports().enqueue(device, status("1.0"), now).await.unwrap();
    // More than the broker may have under way to us.
    let words = ["-t", "v1/devices/A/status", "-m", r#"{"firmware":"1.1"}"#, "--repeat", "60"];
    assert!(publish(port, &words).await.status.success());
    // What comes straight from a device is refused, and by then what came before was tried.
    let direct = soon("a refusal", app.ingest.reports().submit(device, status("0.9"), now)).await;
    assert!(direct.is_err());

    database_is_away(&db, false).await;
    assert!(soon("the held word", held).await.unwrap().is_ok());
    through(&db, port, "2", 2).await;
    eventually("the last word of the device", || async {
        let firmware = sqlx::query_scalar::<_, String>("select firmware from device_report").fetch_optional(&db.pool);
        (firmware.await.unwrap().as_deref() == Some("1.1")).then_some(())
    })
    .await;
    app.stop.cancel();
}

#[tokio::test]
async fn devices_behind_a_broker_are_heard_and_not_called_connected() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let port = free_port();
    let _server = mosquitto(port).await;
    let app = reading_from(&db, port).await;
    let one = || async {
        app.ingest.devices().flush_uses(&db.pool, app.clock.now()).await;
        let mut conn = db.pool.acquire().await.unwrap();
        sentinela::stations::store::device_by_code(&mut conn, "A").await.unwrap().unwrap()
    };
    assert_eq!(Contact::of(&one().await, app.clock.now()), Contact::NeverHeard);
    through(&db, port, "1", 1).await;
    let device = one().await;
    assert_eq!(
        (device.heard_by.as_str(), device.last_seen_at, device.online),
        ("broker", Some(app.clock.now()), false)
    );
    assert_eq!(Contact::of(&device, app.clock.now()), Contact::Heard);
    assert_eq!(Contact::of(&device, app.clock.now() + chrono::TimeDelta::hours(25)), Contact::Quiet);

    // A LoRaWAN device: what the network server does by itself is no word of it.
    sqlx::query("update device set last_seen_at = null, heard_by = ''").execute(&db.pool).await.unwrap();
    for event in ["txack", "up"] {
        let topic = format!("application/1/device/A/event/{event}");
        assert!(publish(port, &["-t", &topic, "-m", r#"{"time":"2026-02-22T11:50:00Z"}"#]).await.status.success());
    }
    let device = eventually("the device to be heard", || async {
        Some(one().await).filter(|device| device.heard_by == "network")
    })
    .await;
    assert!(!device.online);
    app.stop.cancel();
}
