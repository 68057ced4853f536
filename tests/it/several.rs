//! Several processes of the real program on one database: what one does shows at the others, and when one dies the rest go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use sentinela::clock::Clock;
use sentinela::ids::DeviceId;
use sentinela::ingest::presence::{self, Presence};
use sentinela::privacy::retention;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::dispatch::peers::{gateway, told};
use crate::dispatch::town::{INSIDE, Town};
use crate::ingest::{SECRET, gauge};
use crate::mqtt::{mosquitto, publish, publisher};
use crate::support::{self, Folder, Process, TestDb, eventually, free_port, soon};

const ALL: &str = "ingest,evaluate,dispatch,web";
const PASSWORD: &str = "uma-senha-bem-longa";

/// An installation: one database, one file, one set of keys, and nodes.
struct Cluster {
    db: TestDb,
    folder: Folder,
    config: PathBuf,
}

struct Node {
    name: &'static str,
    process: Process,
    http: u16,
    mqtt: u16,
}

impl Cluster {
    /// With this in the file that all nodes share.
    async fn new(text: &str) -> Self {
        let (db, folder) = (support::db().await, Folder::new());
        let config = folder.path().join("sentinela.toml");
        std::fs::write(&config, text).unwrap();
        Self { db, folder, config }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = support::sentinela();
        command
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .env("SENTINELA__DATABASE__URL", &self.db.url)
            .env("SENTINELA__DATA_DIR", self.folder.path().join("data"))
            .env("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")
            // The rows of the town in the tests of dispatch are dated long ago.
            .env("SENTINELA__PRIVACY__OUTBOX_ADDRESS_DAYS", "3650")
            .env("SENTINELA__LOG__LEVEL", "error")
            .env("SENTINELA_PASSWORD", PASSWORD)
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its good end, and returns what it printed.
    async fn run(&self, arguments: &[&str]) -> String {
        let output = soon("a command", self.program(arguments).output()).await.unwrap();
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {said}{error}");
        said.into_owned()
    }

    /// The command that starts a node, with its ports.
    fn command(&self, name: &str, roles: &str, (http, mqtt): (u16, u16)) -> Command {
        let mut command = self.program(&["serve"]);
        command
            .env("SENTINELA__NODE", name)
            .env("SENTINELA__ROLES", roles)
            .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{http}"))
            .env("SENTINELA__MQTT__LISTEN", format!("127.0.0.1:{mqtt}"));
        command
    }

    /// A node that is ready.
    async fn node(&self, name: &'static str, roles: &str) -> Node {
        let (http, mqtt) = (free_port(), free_port());
        let mut process = Process::start(self.command(name, roles, (http, mqtt)));
        process.line_with("ready:").await;
        Node { name, process, http, mqtt }
    }

    /// Waits until the hints of the others reach this node.
    async fn hears(&self, name: &str) {
        let sql = "select exists (select from pg_stat_activity
            where datname = current_database() and application_name = $1 and state = 'idle' and query ilike 'listen%')";
        let of = format!("sentinela/listen@{name}");
        eventually("a node to listen", || async {
            let mut conn = self.db.owner().await;
            let listens: bool = sqlx::query_scalar(sql).bind(&of).fetch_one(&mut conn).await.unwrap();
            listens.then_some(())
        })
        .await;
    }

    /// The node that holds the lock of the evaluator, if any does.
    async fn evaluator(&self) -> Option<String> {
        let sql =
            "select split_part(a.application_name, '@', 2) from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid::bigint = $1
                and l.database = (select oid from pg_database where datname = current_database())";
        // "EVAL".
        let lock = 0x4556_414c_i64;
        sqlx::query_scalar(sql).bind(lock).fetch_optional(&mut self.db.owner().await).await.unwrap()
    }

    async fn rows(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }

    /// Waits until the query answers exactly this.
    async fn until(&self, sql: &'static str, wanted: &[&str]) {
        eventually(sql, || async { (self.rows(sql).await == wanted).then_some(()) }).await;
    }
}

/// Asks as a plain HTTP/1.0 client. The head and the body of the answer.
async fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    let answering = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = soon("an answer over HTTP", answering).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The sum of a node's counters whose line begins so.
async fn counted(port: u16, begin: &str) -> u64 {
    let (_, text) = ask(port, "GET", "/metrics", "", "").await;
    let values = text.lines().filter(|line| line.starts_with(begin)).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

/// A stream of live events.
struct Live {
    stream: TcpStream,
    heard: String,
}

impl Live {
    async fn open(port: u16, headers: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("GET /api/v1/events HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut live = Self { stream, heard: String::new() };
        live.until("\r\n\r\n").await;
        assert_eq!(status(&live.heard), 200, "{}", live.heard);
        live
    }

    /// Reads on until this has come.
    async fn until(&mut self, part: &str) {
        soon(part, async {
            let mut bytes = [0; 4096];
            while !self.heard.contains(part) {
                let count = self.stream.read(&mut bytes).await.unwrap();
                assert!(count > 0, "the stream ended before {part:?}: {}", self.heard);
                self.heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        })
        .await;
    }
}

/// A reading of device A, made now on the machine's own clock.
fn reading(id: &str) -> String {
    let at = Clock::System.now().format("%Y-%m-%dT%H:%M:%SZ");
    format!(r#"{{"id":"{id}","readings":[{{"stream":"rain","at":"{at}","value":1}}]}}"#)
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_at_one_node_is_in_at_the_other_and_hears_there_what_happens_at_the_first() {
    let cluster = Cluster::new("").await;
    gauge(&cluster.db.pool, "A").await;
    cluster.run(&["user", "add", "vera", "--name", "Vera", "--role", "viewer"]).await;
    let one = cluster.node("one", "ingest,web").await;
    let other = cluster.node("other", "web").await;
    cluster.hears("other").await;

    let form = format!("username=vera&password={PASSWORD}");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (head, body) = ask(one.http, "POST", "/console/login", kind, &form).await;
    assert_eq!(status(&head), 303, "{head}\n{body}");
    let session = head.lines().find_map(|line| line.strip_prefix("set-cookie: sentinela_session=")).unwrap();
    let cookie = format!("Cookie: sentinela_session={}\r\n", session.split(';').next().unwrap());
    for node in [&one, &other] {
        assert_eq!(status(&ask(node.http, "GET", "/console/account", &cookie, "").await.0), 200, "{}", node.name);
    }

    let mut live = Live::open(other.http, &cookie).await;
    let report = r#"{"id":"3e9f8c1a-aaaa-bbbb-cccc-000000000001","kind":"fire","place":"Rua das Flores"}"#;
    let (head, body) = ask(one.http, "POST", "/api/v1/reports", JSON, report).await;
    assert_eq!(status(&head), 201, "{body}");
    live.until(r#""kind":"occurrence""#).await;

    // Whoever lets no readings in says so, and another takes them.
    let token = format!("{JSON}Authorization: Bearer A.{SECRET}\r\n");
    let (head, body) = ask(other.http, "POST", "/api/v1/readings", &token, &reading("r1")).await;
    assert!(status(&head) == 503 && head.contains("retry-after: ") && body.contains("`ingest`"), "{head}\n{body}");
    let (head, body) = ask(one.http, "POST", "/api/v1/readings", &token, &reading("r1")).await;
    assert_eq!(status(&head), 200, "{body}");
    live.until(r#""kind":"journal""#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_for_people_alone_neither_judges_nor_sends_and_the_rest_shows_no_pages() {
    let cluster = Cluster::new("").await;
    let town = Town::new(&cluster.db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    let web = cluster.node("web", "web").await;
    cluster.hears("web").await;
    let (head, body) = ask(web.http, "GET", "/readyz", "", "").await;
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status(&head), 200, "{body}");
    assert_eq!((&ready["node"], &ready["roles"]), (&Value::from("web"), &serde_json::json!(["web"])));
    let (_, metrics) = ask(web.http, "GET", "/metrics", "", "").await;
    for line in [r#"sentinela_role{role="web"} 1"#, r#"sentinela_role{role="evaluate"} 0"#] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert_eq!(town.states().await, ["+5532900000001 pending"]);

    let rest = cluster.node("rest", "ingest,evaluate,dispatch").await;
    cluster.until("select state from outbox", &["delivered"]).await;
    eventually("the evaluator", || async { cluster.evaluator().await.filter(|node| node == "rest") }).await;
    assert_eq!(status(&ask(rest.http, "GET", "/healthz", "", "").await.0), 200);
    let (head, body) = ask(rest.http, "GET", "/api/v1/areas", "", "").await;
    assert!(status(&head) == 404 && body.contains("without the role"), "{head}\n{body}");
    assert_eq!(status(&ask(web.http, "GET", "/api/v1/areas", "", "").await.0), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_the_part_of_the_work_that_no_process_does() {
    let cluster = Cluster::new("").await;
    let _rest = cluster.node("rest", "ingest,evaluate,web").await;
    let mut out = cluster.node("out", "dispatch").await;
    cluster.until("select node from service_process order by node", &["out", "rest"]).await;
    let doctor = async || {
        let output = soon("the doctor", cluster.program(&["doctor", "--json"]).output()).await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    let of = |findings: &[Value], word: &str| findings.iter().find(|one| one["finding"] == word).cloned();
    let findings = doctor().await;
    let there = of(&findings, "nodes-fine").unwrap()["values"]["there"].clone();
    assert_eq!(there, "out (dispatch), rest (ingest, evaluate, web)");

    out.process.kill().await;
    // As it is two minutes later.
    sqlx::query("update service_process set seen_at = seen_at - interval '2 minutes' where node = 'out'")
        .execute(&cluster.db.pool)
        .await
        .unwrap();
    let findings = doctor().await;
    let gone = of(&findings, "role-gone").unwrap();
    assert_eq!((gone["verdict"].as_str(), gone["values"]["role"].as_str()), (Some("failure"), Some("dispatch")));
    assert!(of(&findings, "nodes-fine").is_none());
}

/// A gateway without receipts, and leases that end soon.
fn with_gateway(port: u16, window: u32, more: &str) -> String {
    format!(
        r#"
        [[sms.http]]
        name = "gateway"
        number = "digits"
        window = {window}
        timeout_s = 12
        [sms.http.request]
        url = "http://127.0.0.1:{port}/send"
        json = '{{"to": "{{to}}", "text": "{{text}}", "reference": "{{reference}}"}}'
        [sms.http.response]
        message_id = "/id"
        [dispatch]
        lease_s = 3
        retry_base_s = 1
        {more}
        "#
    )
}

/// Ends the gateway; how often each of these was asked for there.
async fn asked(peer: &mut Process, key: &str) -> BTreeMap<String, usize> {
    peer.signal("TERM").await;
    let (_, said) = peer.end().await;
    let mut asked = BTreeMap::new();
    for line in said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if line.get("request").is_some() {
            *asked.entry(line[key].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    asked
}

const LEVEL: &str = "select l.level from area_level l join risk_area a on a.id = l.area_id where a.code = 'morro-alto'";
const SENT: &str = "select channel || ' ' || state || ' ' || count(*) from outbox group by channel, state order by 1";

/// The gauge of the story's town reports 15 mm at this node, and is told that they are kept.
async fn rain(node: &Node, secret: &str, minutes_ago: i64) {
    let at = (Clock::System.now() - TimeDelta::minutes(minutes_ago)).format("%Y-%m-%dT%H:%M:%SZ");
    let payload =
        format!(r#"{{"id":"m{minutes_ago}","readings":[{{"stream":"rain","at":"{at}","value":15,"unit":"mm"}}]}}"#);
    let knock = || async { TcpStream::connect(("127.0.0.1", node.mqtt)).await.ok() };
    eventually("the MQTT endpoint", knock).await;
    let output = publish(node.mqtt, &["-u", "G1", "-P", secret, "-t", "v1/devices/G1/readings", "-m", &payload]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_node_that_judges_is_killed_another_judges_on_and_each_message_leaves_once() {
    let port = free_port();
    let mut peer = gateway(port, &["--receipt=none"]).await;
    let policy = r#"
        [[alerts.policies]]
        name = "encosta"
        levels = ["alert"]
        approvals = "automatic"
        plancon = "PLANCON 4.2"
    "#;
    let cluster = Cluster::new(&with_gateway(port, 2, policy)).await;
    let data = |file: &str| format!("{}/tests/data/story/{file}", env!("CARGO_MANIFEST_DIR"));
    for (what, file) in [("areas", "areas.geojson"), ("stations", "stations.csv"), ("residents", "residents.csv")] {
        cluster.run(&["import", what, &data(file)]).await;
    }
    let said = cluster.run(&["device", "add", "G1", "--station", "G1"]).await;
    let secret = said.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap().to_owned();
    let mut nodes = vec![cluster.node("a", ALL).await, cluster.node("b", ALL).await, cluster.node("c", ALL).await];
    rain(&nodes[0], &secret, 12).await;
    rain(&nodes[1], &secret, 8).await;
    cluster.until(LEVEL, &["attention"]).await;

    let holder = eventually("an evaluator", || cluster.evaluator()).await;
    let place = nodes.iter().position(|node| node.name == holder).unwrap();
    nodes.remove(place).process.kill().await;
    let next =
        eventually("another evaluator", || async { cluster.evaluator().await.filter(|name| *name != holder) }).await;
    assert!(nodes.iter().any(|node| node.name == next), "{next}");

    // What the dead one had counted counts on: with 15 mm more the hour has 45.
    rain(&nodes[1], &secret, 1).await;
    cluster.until(LEVEL, &["alert"]).await;
    cluster.until(SENT, &["email delivered 3", "sms accepted 3"]).await;
    assert_eq!(cluster.rows("select state from alert").await, ["issued"]);
    let asked = asked(&mut peer, "to").await;
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_stopped_past_its_leases_sends_nothing_of_what_it_had_in_hand() {
    let port = free_port();
    let mut peer = gateway(port, &["--hang=1", "--receipt=none"]).await;
    let cluster = Cluster::new(&with_gateway(port, 1, "")).await;
    let town = Town::new(&cluster.db).await;
    for n in 1..=6 {
        town.resident(INSIDE, 10, &[format!("+553290000000{n}").as_str()]).await;
    }
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    // The first message is under way and unanswered, and the others wait behind it in the window of one.
    let sleeper = cluster.node("sleeper", ALL).await;
    told(&mut peer, "request").await;
    cluster.until("select state || ' ' || count(*) from outbox group by state", &["sending 6"]).await;
    sleeper.process.signal("STOP").await;
    let _other = cluster.node("other", ALL).await;
    cluster.until("select state || ' ' || count(*) from outbox group by state", &["accepted 6"]).await;
    sleeper.process.signal("CONT").await;
    let lapsed = r#"sentinela_dispatch_lapsed_total{provider="http:gateway"}"#;
    eventually("the sleeper to let go", || async { (counted(sleeper.http, lapsed).await >= 5).then_some(()) }).await;
    let asked = asked(&mut peer, "reference").await;
    assert_eq!(asked.len(), 6);
    // Of the one that was under way nobody knew; the five others left once.
    assert_eq!(asked.values().sum::<usize>(), 7, "{asked:?}");
}

/// Two nodes share what a broker has, in this version of MQTT.
async fn share(protocol: &str) {
    const MANY: u64 = 40;
    let port = free_port();
    let _broker = mosquitto(port).await;
    let cluster = Cluster::new(&format!(
        r#"
        [[mqtt.external]]
        name = "town"
        url = "mqtt://127.0.0.1:{port}"
        topics = ["v1/devices/+/readings"]
        protocol = "{protocol}"
        share_group = "sentinela"
        share_over_311 = true
        "#
    ))
    .await;
    gauge(&cluster.db.pool, "A").await;
    let nodes = [cluster.node("one", "ingest").await, cluster.node("other", "ingest").await];
    let appended = r#"sentinela_ingest_readings_total{outcome="appended"}"#;
    // What is sent before a node has subscribed goes to the other alone.
    let count = AtomicU64::new(0);
    for node in &nodes {
        eventually("a node's first message", || async {
            let payload = at(count.fetch_add(1, Ordering::Relaxed));
            assert!(publish(port, &["-t", "v1/devices/A/readings", "-m", &payload]).await.status.success());
            (counted(node.http, appended).await > 0).then_some(())
        })
        .await;
    }
    let mut sender = publisher(port, &["-t", "v1/devices/A/readings", "-l"]);
    let mut sender = sender.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let lines: String = (1..=MANY).map(|n| format!("{}\n", at(1000 + n))).collect();
    let mut stdin = sender.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    drop(stdin);
    assert!(soon("the broker to have all", sender.wait()).await.unwrap().success());
    let later = "select count(*) from journal where message_id like 'm1%' and length(message_id) = 5";
    eventually("all of them in the journal", || async {
        let rows: i64 = sqlx::query_scalar(later).fetch_one(&cluster.db.pool).await.unwrap();
        (rows == MANY as i64).then_some(())
    })
    .await;
    let rows: i64 = sqlx::query_scalar("select count(*) from journal").fetch_one(&cluster.db.pool).await.unwrap();
    let taken = eventually("the counters of both", || async {
        let taken = of_both(&nodes, appended).await;
        (taken.iter().sum::<u64>() == rows as u64).then_some(taken)
    })
    .await;
    assert!(taken.iter().all(|taken| *taken > 1), "each had its share: {taken:?}");
    assert_eq!(of_both(&nodes, r#"sentinela_ingest_readings_total{outcome="duplicate"}"#).await, [0, 0]);
}

async fn of_both(nodes: &[Node; 2], begin: &str) -> [u64; 2] {
    [counted(nodes[0].http, begin).await, counted(nodes[1].http, begin).await]
}

/// Message number `n` of device A, at a second of its own.
fn at(n: u64) -> String {
    let at = Clock::System.now() - TimeDelta::hours(2) + TimeDelta::seconds(n as i64);
    let at = at.format("%Y-%m-%dT%H:%M:%SZ");
    format!(r#"{{"id":"m{n}","readings":[{{"stream":"rain","at":"{at}","value":1}}]}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_a_subscription_and_each_message_comes_to_one_of_them() {
    for protocol in ["5", "3.1.1"] {
        share(protocol).await;
    }
}

#[tokio::test]
async fn a_release_that_does_not_know_the_schema_is_not_started_and_one_that_runs_goes_on() {
    let cluster = Cluster::new("").await;
    let running = cluster.node("older", ALL).await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (29991231000000, 'of a later release', true, '', 0)";
    sqlx::query(newer).execute(&mut cluster.db.owner().await).await.unwrap();
    let started = soon("the end", cluster.command("again", ALL, (free_port(), free_port())).output()).await.unwrap();
    let error = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(1), "{error}");
    assert!(error.contains("29991231000000") && error.contains("newer release"), "{error}");
    let (head, body) = ask(running.http, "GET", "/readyz", "", "").await;
    assert_eq!(status(&head), 200, "{body}");
}

#[tokio::test]
async fn the_rules_of_retention_are_carried_out_once_however_many_look_at_the_same_time() {
    let db = support::db().await;
    let (one, other) = (support::app(&db), support::app(&db));
    let (first, second) = tokio::join!(retention::once(&one), retention::once(&other));
    first.unwrap();
    second.unwrap();
    let runs = "select count(*) from audit_event where act = 'retention.run'";
    assert_eq!(sqlx::query_scalar::<_, i64>(runs).fetch_one(&db.pool).await.unwrap(), 1);
}

/// Which devices are connected, each with its node.
async fn connected(db: &TestDb) -> Vec<String> {
    let sql = "select code || ' at ' || online_node from device where online order by code";
    sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap()
}

#[tokio::test]
async fn a_device_that_went_to_another_node_is_not_taken_for_gone_when_the_first_notices() {
    let db = support::db().await;
    let mut ids = Vec::new();
    for code in ["A", "B"] {
        gauge(&db.pool, code).await;
        let id = sqlx::query_scalar("select id from device where code = $1").bind(code);
        ids.push(DeviceId(id.fetch_one(&db.pool).await.unwrap()));
    }
    let node = |name: &str| support::app_with(&db, &[("SENTINELA__NODE", name)]);
    let (first, second) = (node("first"), node("second"));
    let (at_first, at_second) = (Presence::default(), Presence::default());
    let story = async {
        let now = first.clock.now();
        let until = async |wanted: &[&str]| {
            eventually("who is connected", || async { (connected(&db).await == wanted).then_some(()) }).await;
        };
        at_first.connected(ids[0], None, ("A".into(), 1), now);
        until(&["A at first"]).await;
        at_second.connected(ids[0], None, ("A".into(), 2), now);
        until(&["A at second"]).await;
        // What the first notices of A is written with the coming of B, or before it.
        at_first.disconnected(&("A".into(), 1), now);
        at_first.connected(ids[1], None, ("B".into(), 1), now);
        until(&["A at second", "B at first"]).await;
        // The first starts again: it knows of nobody at the second.
        presence::forget_all(&db.pool, "first").await.unwrap();
        assert_eq!(connected(&db).await, ["A at second"]);
    };
    tokio::select! {
        () = story => {}
        () = at_first.run(&first) => panic!("it ran until the service stops"),
        () = at_second.run(&second) => panic!("it ran until the service stops"),
    }
}
