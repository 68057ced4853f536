//! Commands through LoRaWAN network servers: a real broker (`mosquitto`), and the test in the place of the network server, with
//! `mosquitto_sub` and `mosquitto_pub`.

use std::process::Stdio;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::config::{ExternalBroker, Protocol};
use sentinela::fleet::command::{CommandResult, CommandState, Wanted};
use sentinela::fleet::downlink::{Address, Stage, Word};
use sentinela::fleet::{DeviceCommand, desk, store};
use sentinela::ingest::{broker, committer, devices};
use sentinela::stations::store as stations;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::ingest::gauge;
use crate::mqtt::mosquitto;
use crate::older_brokers::OlderBroker;
use crate::support::{self, TestDb, eventually, free_port, soon};

const EUI: &str = "a84041000181c061";
const CHIRPSTACK: &str = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/a84041000181c061";
const TTN: &str = "v3/app1@ttn/devices/a84041000181c061";
const PROFILES: &str = "
    [[profiles]]
    name = 'dragino'
    [profiles.commands.set_interval]
    f_port = 2
    hex = '01{interval_s:u24be}'
    [profiles.commands.reboot]
    f_port = 2
    hex = '04ff'
    [[profiles]]
    name = 'minutes'
    [profiles.commands.set_interval]
    f_port = 85
    confirmed = false
    hex = 'aa{interval_s/60:u8}'";

/// The device A, with this profile, and a broker.
struct Town {
    db: TestDb,
    port: u16,
    protocol: Protocol,
    _broker: Box<dyn Send + Sync>,
}

impl Town {
    async fn new(profile: &str) -> Self {
        let port = free_port();
        let broker = mosquitto(port).await;
        Self::with(profile, port, Protocol::V5, Box::new(broker)).await
    }

    /// The broker speaks MQTT 3.1.1 and nothing else.
    async fn older(profile: &str) -> Self {
        let broker = OlderBroker::new("").await;
        Self::with(profile, broker.port, Protocol::V311, Box::new(broker)).await
    }

    async fn with(profile: &str, port: u16, protocol: Protocol, broker: Box<dyn Send + Sync>) -> Self {
        let db = support::db().await;
        gauge(&db.pool, "A").await;
        let mut conn = db.pool.acquire().await.unwrap();
        stations::configure_device(&mut conn, "A", profile, Some(EUI)).await.unwrap();
        Self { db, port, protocol, _broker: broker }
    }

    /// The service, until it is stopped.
    async fn service(&self) -> App {
        self.service_and_link().await.0
    }

    async fn service_and_link(&self) -> (App, JoinHandle<anyhow::Result<()>>) {
        #[derive(serde::Deserialize)]
        struct Text {
            profiles: Vec<sentinela::ingest::formats::profile::Profile>,
        }
        let mut config = support::config(&[("SENTINELA__DATABASE__URL", self.db.url.as_str())]);
        config.ingest.profiles = toml::from_str::<Text>(PROFILES).unwrap().profiles;
        config.mqtt.external.push(ExternalBroker {
            name: "lora".into(),
            url: format!("mqtt://127.0.0.1:{}", self.port).as_str().into(),
            topics: ["application/+/device/+/event/+", "v3/+/devices/+/up", "v3/+/devices/+/down/+"]
                .map(Into::into)
                .into(),
            protocol: self.protocol,
            share_group: String::new(),
            share_over_311: false,
        });
        let (app, receiver) = support::app_from(&self.db, config);
        app.ingest.devices().reload(&self.db.pool).await.unwrap();
        tokio::spawn(sentinela::db::listen::run(app.clone()));
        tokio::spawn(devices::run(app.clone()));
        tokio::spawn(committer::run(app.clone(), receiver));
        let link = tokio::spawn(broker::run(app.clone()));
        (app, link)
    }

    async fn publish(&self, topic: &str, payload: &Value) {
        let mut command = Command::new("mosquitto_pub");
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-q",
            "1",
            "-t",
            topic,
            "-m",
            &payload.to_string(),
        ]);
        assert!(soon("mosquitto_pub", command.kill_on_drop(true).output()).await.unwrap().status.success());
    }

    /// Uplinks until one is heard: what is sent before the service has subscribed goes nowhere.
    async fn transmits(&self, base: &str) {
        self.transmits_at(base, "2026-02-22T11:50:00Z").await;
        eventually("the device to be heard", || async {
            self.transmits_at(base, "2026-02-22T11:50:00Z").await;
            let known = sqlx::query_scalar::<_, String>("select topic from device_network where topic = $1").bind(base);
            known.fetch_optional(&self.db.pool).await.unwrap()
        })
        .await;
    }

    /// One uplink that the server got then.
    async fn transmits_at(&self, base: &str, at: &str) {
        let (topic, uplink) = if base.starts_with("v3/") {
            let uplink = json!({"received_at": at, "frm_payload": "AQ==", "f_port": 2});
            (format!("{base}/up"), json!({"end_device_ids": {"device_id": EUI}, "uplink_message": uplink}))
        } else {
            (format!("{base}/event/up"), json!({"deviceInfo": {"devEui": EUI}, "time": at, "data": "AQ=="}))
        };
        self.publish(&topic, &uplink).await;
    }

    /// Where downlinks go, and the other place.
    async fn place(&self) -> Option<(String, Option<String>)> {
        let row = sqlx::query_as("select topic, conflict from device_network");
        row.fetch_optional(&self.db.pool).await.unwrap()
    }

    /// What the network server says of a command until the command shows it.
    async fn says(
        &self,
        app: &App,
        topic: &str,
        payload: &Value,
        command: &DeviceCommand,
        stage: Stage,
    ) -> DeviceCommand {
        self.publish(topic, payload).await;
        reaches(app, command, stage).await
    }
}

/// The network server's end.
struct Server(Lines<BufReader<ChildStdout>>, #[allow(dead_code, reason = "lives as long as the test wants")] Child);

impl Server {
    async fn on(port: u16) -> Self {
        // That it has subscribed it says on a line that it would keep to itself in a pipe.
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1", "-d", "-v"]);
        command.args(["-t", "application/+/device/+/command/down", "-t", "v3/+/devices/+/down/push"]);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut server = Self(BufReader::new(child.stdout.take().unwrap()).lines(), child);
        while !server.line().await.starts_with("Subscribed") {}
        server
    }

    async fn line(&mut self) -> String {
        soon("a line of the network server", self.0.next_line()).await.unwrap().unwrap()
    }

    /// Topic and message of the next downlink.
    async fn takes(&mut self) -> (String, Value) {
        loop {
            let line = self.line().await;
            if line.starts_with("application/") || line.starts_with("v3/") {
                let (topic, payload) = line.split_once(' ').unwrap();
                return (topic.to_owned(), serde_json::from_str(payload).unwrap());
            }
        }
    }
}

async fn ask(app: &App, name: &str, args: Value) -> DeviceCommand {
    let wanted = Wanted::new(name, args, 3600).unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let command = desk::issue(&mut tx, by, "A", &wanted, &app.config.ingest.profiles).await.unwrap();
    tx.commit().await.unwrap();
    command
}

async fn cancel(app: &App, command: &DeviceCommand) -> DeviceCommand {
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let command = desk::cancel(&mut tx, by, "A", command.id).await.unwrap();
    tx.commit().await.unwrap();
    command
}

async fn state(app: &App, command: &DeviceCommand) -> DeviceCommand {
    let mut conn = app.db.web.acquire().await.unwrap();
    store::command(&mut conn, &command.device, command.id).await.unwrap().unwrap()
}

async fn reaches(app: &App, command: &DeviceCommand, stage: Stage) -> DeviceCommand {
    eventually(stage.as_str(), || async {
        let command = state(app, command).await;
        let at = command.downlink.as_ref().map(|downlink| downlink.stage);
        (at == Some(stage)).then_some(command)
    })
    .await
}

fn interval() -> Value {
    json!({"interval_s": 600})
}

#[tokio::test]
async fn a_command_goes_through_chirpstack_and_the_radio_s_word_comes_back() {
    let town = Town::new("dragino").await;
    let mut server = Server::on(town.port).await;
    let app = town.service().await;
    // Issued before anything was heard: it waits until it is known where to.
    let command = ask(&app, "set_interval", interval()).await;
    assert_eq!((command.state, command.downlink.as_ref()), (CommandState::Queued, None));
    town.transmits(CHIRPSTACK).await;
    let (topic, message) = server.takes().await;
    assert_eq!(topic, format!("{CHIRPSTACK}/command/down"));
    let expected = json!({"id": command.id, "devEui": EUI, "confirmed": true, "fPort": 2, "data": "AQACWA=="});
    assert_eq!(message, expected);
    let sent = reaches(&app, &command, Stage::Accepted).await;
    assert_eq!((sent.state, sent.times_sent, sent.sent_at), (CommandState::Sent, 1, Some(app.clock.now())));
    assert_eq!(sent.downlink.unwrap().payload, "01000258");

    let event = json!({"queueItemId": command.id, "deviceInfo": {"devEui": EUI}, "time": "2026-02-22T12:00:01Z"});
    let sent = town.says(&app, &format!("{CHIRPSTACK}/event/txack"), &event, &command, Stage::Transmitted).await;
    assert_eq!(sent.state, CommandState::Sent);
    let mut ack = event.clone();
    ack["acknowledged"] = json!(true);
    let done = town.says(&app, &format!("{CHIRPSTACK}/event/ack"), &ack, &command, Stage::Received).await;
    assert_eq!((done.state, done.result), (CommandState::Acknowledged, Some(CommandResult::Received)));
    // A word on a command that is none changes nothing and is no error: the link takes them in the order of arrival, so it is
    // through when what came after it shows.
    let before = crate::ingest::quarantine(&town.db.pool).await.len();
    ack["queueItemId"] = json!("00000000-0000-7000-8000-000000000009");
    town.publish(&format!("{CHIRPSTACK}/event/ack"), &ack).await;
    let next = ask(&app, "reboot", Value::Null).await;
    server.takes().await;
    reaches(&app, &next, Stage::Accepted).await;
    let event = json!({"queueItemId": next.id, "deviceInfo": {"devEui": EUI}});
    town.says(&app, &format!("{CHIRPSTACK}/event/txack"), &event, &next, Stage::Transmitted).await;
    assert_eq!(crate::ingest::quarantine(&town.db.pool).await.len(), before);
    assert_eq!(state(&app, &command).await.state, CommandState::Acknowledged);

    let told = seen(&app, "/api/v1/devices/A/commands").await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let first = &told["items"][1];
    assert_eq!((&first["state"], &first["result"]), (&json!("acknowledged"), &json!("received")), "{told}");
    assert_eq!((&first["downlink"]["stage"], &first["downlink"]["server"]), (&json!("received"), &json!("chirpstack")));
    let page = seen(&app, "/console/devices/A").await;
    assert!(page.contains("recebido pelo rádio") && page.contains("Se o dispositivo fez, ele não diz"), "{page}");
    assert!(page.contains("Vai para a fila do servidor LoRaWAN"), "{page}");
    app.stop.cancel();
}

/// As an administrator, in Portuguese.
async fn seen(app: &App, path: &str) -> String {
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    let role = Role::Administrator;
    let member = accounts::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &role.into(), "x").await.unwrap();
    let (cookie, _) = support::session_of(app, member).await;
    let request = Request::builder().method(Method::GET).uri(path).header("cookie", cookie);
    let router = sentinela::web::router::router(app.clone());
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = String::from_utf8(to_bytes(response.into_body(), 8 << 20).await.unwrap().to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

#[tokio::test]
async fn what_the_radio_did_not_confirm_the_things_stack_sends_again() {
    let town = Town::new("dragino").await;
    let mut server = Server::on(town.port).await;
    let app = town.service().await;
    town.transmits(TTN).await;
    let command = ask(&app, "reboot", Value::Null).await;
    let (topic, message) = server.takes().await;
    let downlink = &message["downlinks"][0];
    assert_eq!(topic, format!("{TTN}/down/push"));
    assert_eq!((&downlink["frm_payload"], &downlink["f_port"]), (&json!("BP8="), &json!(2)));
    let ours = downlink["correlation_ids"].clone();
    assert_eq!(ours, json!([format!("sentinela:{}", command.id)]));
    let handed = reaches(&app, &command, Stage::Handed).await;
    assert_eq!((handed.state, handed.times_sent), (CommandState::Sent, 1));

    let event = |name: &str| json!({"end_device_ids": {"device_id": EUI}, format!("downlink_{name}"): {"correlation_ids": ours}});
    town.says(&app, &format!("{TTN}/down/queued"), &event("queued"), &command, Stage::Accepted).await;
    town.says(&app, &format!("{TTN}/down/sent"), &event("sent"), &command, Stage::Transmitted).await;
    let missed = town.says(&app, &format!("{TTN}/down/nack"), &event("nack"), &command, Stage::Missed).await;
    assert_eq!((missed.state, missed.result), (CommandState::Sent, None));
    let done = town.says(&app, &format!("{TTN}/down/ack"), &event("ack"), &command, Stage::Received).await;
    assert_eq!(done.state, CommandState::Acknowledged);

    let command = ask(&app, "set_interval", interval()).await;
    let ours = server.takes().await.1["downlinks"][0]["correlation_ids"].clone();
    let refused = json!({"end_device_ids": {"device_id": EUI}, "correlation_ids": ours, "downlink_failed":
        {"error": {"message_format": "application downlink payload is too long"}}});
    let failed = town.says(&app, &format!("{TTN}/down/failed"), &refused, &command, Stage::Refused).await;
    assert_eq!(
        (failed.state, failed.message.as_str()),
        (CommandState::Failed, "application downlink payload is too long")
    );
    app.stop.cancel();
}

#[tokio::test]
async fn a_command_goes_through_the_things_stack_over_3_1_1_also_when_nobody_takes_it() {
    let town = Town::older("dragino").await;
    let app = town.service().await;
    town.transmits(TTN).await;
    // A broker of 3.1.1 cannot say that nobody subscribes.
    let unheard = ask(&app, "reboot", Value::Null).await;
    let unheard = reaches(&app, &unheard, Stage::Handed).await;
    assert_eq!((unheard.state, unheard.times_sent), (CommandState::Sent, 1));

    let mut server = Server::on(town.port).await;
    let command = ask(&app, "set_interval", interval()).await;
    let (topic, message) = server.takes().await;
    assert_eq!((topic, &message["downlinks"][0]["frm_payload"]), (format!("{TTN}/down/push"), &json!("AQACWA==")));
    reaches(&app, &command, Stage::Handed).await;
    let ours = message["downlinks"][0]["correlation_ids"].clone();
    let event = json!({"end_device_ids": {"device_id": EUI}, "downlink_ack": {"correlation_ids": ours}});
    let done = town.says(&app, &format!("{TTN}/down/ack"), &event, &command, Stage::Received).await;
    assert_eq!(done.state, CommandState::Acknowledged);
    app.stop.cancel();
}

#[tokio::test]
async fn a_service_that_comes_back_hands_nothing_over_twice() {
    let town = Town::new("dragino").await;
    let mut server = Server::on(town.port).await;
    let (app, link) = town.service_and_link().await;
    town.transmits(CHIRPSTACK).await;
    let first = ask(&app, "reboot", Value::Null).await;
    assert_eq!(server.takes().await.1["id"], json!(first.id));
    reaches(&app, &first, Stage::Accepted).await;
    app.stop.cancel();
    soon("the link's end", link).await.unwrap().unwrap();

    // One that was being published when the process ended: nobody knows whether it left.
    let lost = ask(&app, "reboot", Value::Null).await;
    let mark =
        "update device_command set downlink_stage = 'offered', downlink_at = issued_at, downlink_server = 'chirpstack',
             downlink_broker = n.broker, downlink_base = n.topic
         from device_network n
         where id = $1 and n.device_id = device_command.device_id and state = 'queued'";
    assert_eq!(sqlx::query(mark).bind(lost.id).execute(&town.db.pool).await.unwrap().rows_affected(), 1);

    let again = town.service().await;
    let next = ask(&app, "set_interval", interval()).await;
    // Where to is known from before; the two older ones are not told again.
    assert_eq!(server.takes().await.1["id"], json!(next.id));
    let last = ask(&app, "reboot", Value::Null).await;
    assert_eq!(server.takes().await.1["id"], json!(last.id));
    assert_eq!(state(&again, &first).await.times_sent, 1);
    assert_eq!(state(&again, &lost).await.state, CommandState::Queued);
    // The network server's word settles it.
    let event = json!({"queueItemId": lost.id, "deviceInfo": {"devEui": EUI}});
    town.transmits(CHIRPSTACK).await;
    let found = town.says(&again, &format!("{CHIRPSTACK}/event/txack"), &event, &lost, Stage::Transmitted).await;
    assert_eq!((found.state, found.times_sent), (CommandState::Sent, 1));
    again.stop.cancel();
}

#[tokio::test]
async fn what_is_cancelled_in_time_is_not_handed_over_and_what_is_late_says_where_it_is() {
    let town = Town::new("dragino").await;
    let mut server = Server::on(town.port).await;
    let app = town.service().await;
    let early = ask(&app, "reboot", Value::Null).await;
    let early = cancel(&app, &early).await;
    assert_eq!((early.state, early.downlink), (CommandState::Cancelled, None));
    let late = ask(&app, "set_interval", interval()).await;
    town.transmits(CHIRPSTACK).await;
    assert_eq!(server.takes().await.1["id"], json!(late.id));
    reaches(&app, &late, Stage::Accepted).await;
    let mut listed = support::sentinela();
    listed.args(["device", "commands", "A"]).env("SENTINELA__DATABASE__URL", &town.db.url);
    let listed = soon("the command line", listed.output()).await.unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let of = |id: uuid::Uuid| listed.lines().find(|line| line.starts_with(&id.to_string())).unwrap().to_owned();
    assert!(of(late.id).contains("waits for the device's next transmission"), "{listed}");
    assert!(of(early.id).contains("cancelled"), "{listed}");
    let late = cancel(&app, &late).await;
    assert_eq!((late.state, late.downlink.as_ref().unwrap().stage), (CommandState::Cancelled, Stage::Accepted));
    let page = seen(&app, "/console/devices/A").await;
    assert!(page.contains("continua na fila do servidor LoRaWAN e ainda pode chegar"), "{page}");
    // And when the radio got it all the same, that is what is said.
    let ack = json!({"queueItemId": late.id, "deviceInfo": {"devEui": EUI}, "acknowledged": true});
    let done = town.says(&app, &format!("{CHIRPSTACK}/event/ack"), &ack, &late, Stage::Received).await;
    assert_eq!(done.state, CommandState::Acknowledged);
    app.stop.cancel();
}

#[tokio::test]
async fn a_downlink_that_nobody_subscribes_is_not_sent_again() {
    let town = Town::new("minutes").await;
    let app = town.service().await;
    town.transmits(CHIRPSTACK).await;
    let command = ask(&app, "set_interval", interval()).await;
    let waiting = reaches(&app, &command, Stage::Unlistened).await;
    assert_eq!((waiting.state, waiting.times_sent), (CommandState::Queued, 0));
    assert!(waiting.message.contains("command/down"), "{}", waiting.message);

    let mut server = Server::on(town.port).await;
    app.clock.set(support::start_at() + TimeDelta::seconds(60));
    // Commands go in the order of their issue, so the first would be before this one.
    let next = ask(&app, "set_interval", json!({"interval_s": 1200})).await;
    assert_eq!(server.takes().await.1["id"], json!(next.id));
    let downlink = reaches(&app, &next, Stage::Accepted).await.downlink.unwrap();
    assert_eq!((downlink.payload.as_str(), downlink.f_port, downlink.confirmed), ("aa14", Some(85), false));
    // A rule may have taken it all the same; then the server says so.
    let event = json!({"queueItemId": command.id, "deviceInfo": {"devEui": EUI}});
    let found = town.says(&app, &format!("{CHIRPSTACK}/event/txack"), &event, &command, Stage::Transmitted).await;
    assert_eq!(found.state, CommandState::Sent);
    app.stop.cancel();
}

#[tokio::test]
async fn a_command_whose_broker_cannot_be_reached_says_so_while_it_waits() {
    let mut town = Town::new("dragino").await;
    let app = town.service().await;
    town.transmits(CHIRPSTACK).await;
    // The broker is gone.
    town._broker = Box::new(());
    let command = ask(&app, "set_interval", interval()).await;
    let waiting = eventually("the reason", || async {
        let command = state(&app, &command).await;
        (!command.message.is_empty()).then_some(command)
    })
    .await;
    assert!(waiting.message.starts_with("the broker lora cannot be reached: "), "{}", waiting.message);
    assert_eq!((waiting.state, waiting.downlink.is_none()), (CommandState::Queued, true), "it is tried again");
    app.stop.cancel();
}

#[tokio::test]
async fn a_forgotten_network_address_is_told_once_and_learned_anew_by_the_next_uplink() {
    let town = Town::new("dragino").await;
    let app = town.service().await;
    town.transmits(CHIRPSTACK).await;
    let forget = async || {
        let actor = Actor::command();
        let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
        let mut tx = app.db.web.begin().await.unwrap();
        let was = sentinela::stations::desk::forget_network(&mut tx, by, "A").await;
        tx.commit().await.unwrap();
        was.map_err(|error| error.to_string())
    };
    assert_eq!(forget().await.unwrap(), format!("lora {CHIRPSTACK}"));
    assert_eq!(town.place().await, None);
    assert!(forget().await.unwrap_err().contains("remembered network address of device A"));
    // The link writes an address that it knows again after some minutes.
    app.clock.set(app.clock.now() + TimeDelta::minutes(4));
    let other = "application/1/device/a84041000181c061";
    town.transmits(other).await;
    assert_eq!(town.place().await, Some((other.to_owned(), None)));
    app.stop.cancel();
}

#[tokio::test]
async fn another_hardware_id_forgets_where_downlinks_went() {
    let town = Town::new("dragino").await;
    let app = town.service().await;
    town.transmits(CHIRPSTACK).await;
    let mut conn = town.db.pool.acquire().await.unwrap();
    stations::configure_device(&mut conn, "A", "dragino", Some("0000000000000001")).await.unwrap();
    assert_eq!(town.place().await, None);
    // Nor is what an index of before found by the old one written, or used if it is there.
    let device = sqlx::query_scalar("select id from device where code = 'A'").fetch_one(&town.db.pool).await.unwrap();
    let device = sentinela::ids::DeviceId(device);
    let (old, _) = Address::of(&format!("{CHIRPSTACK}/event/up")).unwrap();
    store::downlink::heard(&town.db.pool, device, "lorawan", &old, app.clock.now()).await.unwrap();
    assert_eq!(town.place().await, None);
    app.stop.cancel();
}

#[tokio::test]
async fn the_latest_uplink_says_where_downlinks_go_and_a_stranger_of_that_name_keeps_them_back() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let mut conn = db.pool.acquire().await.unwrap();
    stations::configure_device(&mut conn, "A", "dragino", Some(EUI)).await.unwrap();
    let device = sqlx::query_scalar("select id from device where code = 'A'").fetch_one(&db.pool).await.unwrap();
    let device = sentinela::ids::DeviceId(device);
    let now = app.clock.now();
    let hear = async |broker: &str, base: &str, after_s: i64| {
        let (address, _) = Address::of(&format!("{base}/event/up")).unwrap();
        store::downlink::heard(&db.pool, device, broker, &address, now + TimeDelta::seconds(after_s)).await.unwrap();
        let row =
            sqlx::query_as::<_, (String, String, Option<String>)>("select broker, topic, conflict from device_network");
        row.fetch_one(&db.pool).await.unwrap()
    };
    let other = format!("application/other/device/{EUI}");
    assert_eq!(hear("a", CHIRPSTACK, 1).await, ("a".into(), CHIRPSTACK.into(), None));
    assert_eq!(hear("b", &other, 2).await, ("b".into(), other.clone(), None));
    assert_eq!(hear("a", CHIRPSTACK, 1).await, ("b".into(), other.clone(), None), "an old one");
    assert_eq!(hear("a", CHIRPSTACK, 3).await, ("a".into(), CHIRPSTACK.into(), None));

    stations::configure_device(&mut conn, "A", "dragino", Some(EUI)).await.unwrap();
    let stranger = format!("v3/app2@ttn/devices/{EUI}");
    assert_eq!(hear("a", TTN, 4).await, ("a".into(), TTN.into(), None));
    assert_eq!(hear("b", &stranger, 5).await, ("a".into(), TTN.into(), Some(stranger.clone())));
    sqlx::query("update device set heard_by = 'network', profile = ''").execute(&db.pool).await.unwrap();
    assert_eq!(store::downlink::due(&db.pool, "a", now).await.unwrap(), []);
    assert_eq!(store::downlink::conflict(&mut conn, device).await.unwrap(), Some((TTN.to_owned(), stranger)));
}

#[tokio::test]
async fn only_where_it_was_offered_a_word_counts_and_directly_a_network_s_device_is_told_nothing() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let mut conn = db.pool.acquire().await.unwrap();
    let command = ask(&app, "reboot", Value::Null).await;
    let due = async || store::due(&db.pool, &["A".into()], app.clock.now(), None).await.unwrap().len();
    assert_eq!(due().await, 1);
    sqlx::query("update device set heard_by = 'network'").execute(&db.pool).await.unwrap();
    assert_eq!(due().await, 0);
    // Refused by the server's broker, it goes to a device that connects by itself.
    let barred =
        "update device_command set downlink_stage = 'barred', downlink_at = issued_at, downlink_server = 'chirpstack'";
    sqlx::query(barred).execute(&db.pool).await.unwrap();
    sqlx::query("update device set heard_by = 'mqtt'").execute(&db.pool).await.unwrap();
    let told = store::due(&db.pool, &["A".into()], app.clock.now(), None).await.unwrap();
    store::mark_sent(&db.pool, &told, app.clock.now()).await.unwrap();
    let sent = state(&app, &command).await;
    assert_eq!((sent.state, sent.downlink), (CommandState::Sent, None));

    let offered = "update device_command set downlink_stage = 'offered', downlink_at = issued_at,
        downlink_server = 'chirpstack', downlink_broker = 'a', downlink_base = $1";
    sqlx::query(offered).bind(CHIRPSTACK).execute(&db.pool).await.unwrap();
    let device = sqlx::query_scalar("select id from device where code = 'A'").fetch_one(&db.pool).await.unwrap();
    let device = sentinela::ids::DeviceId(device);
    let word = Word { id: command.id, stage: Stage::Received, message: String::new() };
    let mut take = async |broker: &str, base: &str| {
        let (address, _) = Address::of(&format!("{base}/event/ack")).unwrap();
        store::downlink::take(&mut conn, device, (broker, &address), &word, app.clock.now()).await.unwrap()
    };
    assert!(!take("b", CHIRPSTACK).await, "another broker");
    assert!(!take("a", TTN).await, "another server");
    assert!(!take("a", &format!("application/other/device/{EUI}")).await, "another application");
    assert_eq!(state(&app, &command).await.state, CommandState::Sent);
    assert!(take("a", CHIRPSTACK).await);
    assert_eq!(state(&app, &command).await.state, CommandState::Acknowledged);
}

#[tokio::test]
async fn what_a_profile_cannot_write_is_refused_with_what_to_configure() {
    let town = Town::new("minutes").await;
    let app = town.service().await;
    let issue = async |profile: &str, name: &str, args: Value| {
        let mut tx = app.db.web.begin().await.unwrap();
        stations::configure_device(&mut tx, "A", profile, Some(EUI)).await.unwrap();
        let actor = Actor::command();
        let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
        let wanted = Wanted::new(name, args, 3600).unwrap();
        desk::issue(&mut tx, by, "A", &wanted, &app.config.ingest.profiles)
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (profile, name, args, why) in [
        ("minutes", "set_interval", json!({"interval_s": 90}), "is no multiple of 60"),
        ("minutes", "set_interval", json!({"interval_s": 86_400}), "gives 1440, which does not fit u8: 0 to 255"),
        (
            "minutes",
            "reboot",
            Value::Null,
            "its profile \"minutes\" lacks a template of the bytes, [ingest.profiles.commands.reboot]",
        ),
        ("", "reboot", Value::Null, "it has no profile"),
        ("gone", "reboot", Value::Null, "its profile \"gone\" lacks"),
    ] {
        let refused = issue(profile, name, args).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(issue("dragino", "reboot", Value::Null).await, Ok(()));
    // One that was good when it was issued, and is not any more when it would leave.
    let command = ask(&app, "set_interval", interval()).await;
    sqlx::query("update device set profile = 'gone'").execute(&town.db.pool).await.unwrap();
    town.transmits(CHIRPSTACK).await;
    let failed = reaches(&app, &command, Stage::Unwritable).await;
    assert_eq!((failed.state, failed.result), (CommandState::Failed, Some(CommandResult::Undelivered)));
    assert!(failed.message.contains("[ingest.profiles.commands.set_interval]"), "{}", failed.message);
    app.stop.cancel();
}
