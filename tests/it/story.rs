//! The whole story on the real program, with other ends that nobody here wrote: `mosquitto_pub` as the gauge, the npm
//! package `smpp` as the SMS centre, aiosmtpd as the mail server, and xmllint as the judge of the CAP message.
//!
//! The town of tests/data/story has two areas 20 km apart. It rains on the first one; Ana, Beto and Clara live in it, Davi on
//! its edge, and the others elsewhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use chrono::TimeDelta;
use sentinela::alerts::cap::{validate, xml};
use sentinela::clock::Clock;
use sentinela::dispatch::outbox;
use sentinela::ids::AlertId;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::dispatch::peers::{smsc, smtp, told};
use crate::support::{self, Folder, Process, TestDb, eventually, free_port, soon};

const PHONES: [&str; 3] = ["5532999990001", "5532999990002", "5532999990004"];
const MAILBOXES: [&str; 3] = ["ana@exemplo.invalid", "clara@exemplo.invalid", "davi@exemplo.invalid"];

/// How the rows of the outbox end: the centre's receipts say "delivered"; for mail, the server's acceptance is the last word.
const ALL_TOLD: [&str; 6] = [
    "email ana@exemplo.invalid accepted",
    "email clara@exemplo.invalid accepted",
    "email davi@exemplo.invalid accepted",
    "sms +5532999990001 delivered",
    "sms +5532999990002 delivered",
    "sms +5532999990004 delivered",
];

fn data(file: &str) -> String {
    format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A town of its own: database, folder, ports, SMS centre and mail server.
struct Town {
    service: Option<Process>,
    centre: Process,
    mail: Process,
    http: u16,
    mqtt: u16,
    config: PathBuf,
    folder: Folder,
    db: TestDb,
}

impl Town {
    /// `alerts`: what the configuration file says under `[alerts]`.
    async fn found(alerts: &str, centre: &[&str]) -> Self {
        let (db, folder) = (support::db().await, Folder::new());
        let (http, mqtt, smpp_port, smtp_port) = (free_port(), free_port(), free_port(), free_port());
        let text = format!(
            r#"
data_dir = "{folder}"
[http]
listen = "127.0.0.1:{http}"
[mqtt]
listen = "127.0.0.1:{mqtt}"
[database]
url = "{url}"
[alerts]
{alerts}
[dispatch]
lease_s = 2
retry_base_s = 1
[[sms.smpp]]
name = "centre"
host = "127.0.0.1"
port = {smpp_port}
system_id = "sentinela"
password = "secret"
source_addr = "40199"
window = 2
[mail]
url = "smtp://127.0.0.1:{smtp_port}"
from = "Defesa Civil <defesacivil@exemplo.invalid>"
[municipality]
name = "Serra Alta"
ibge_code = "3136702"
sender = "defesacivil@exemplo.invalid"
sender_name = "Defesa Civil de Serra Alta"
[log]
level = "warn"
"#,
            folder = folder.path().display(),
            url = db.url,
        );
        let config = folder.path().join("sentinela.toml");
        std::fs::write(&config, text).unwrap();
        let (centre, mail) = (smsc(smpp_port, centre).await, smtp(smtp_port, &[]).await);
        Self { service: None, centre, mail, http, mqtt, config, folder, db }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = support::sentinela();
        command.arg("--config").arg(&self.config).args(arguments).env("SENTINELA_PASSWORD", "uma senha bem longa");
        command.kill_on_drop(true);
        command
    }

    /// Runs a command to its good end, and returns what it printed.
    async fn run(&self, arguments: &[&str]) -> String {
        let output = soon("a command", self.program(arguments).output()).await.unwrap();
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {said}{error}");
        said.into_owned()
    }

    async fn serve(&mut self) {
        let mut service = Process::start(self.program(&["serve"]));
        service.line_with("ready:").await;
        self.service = Some(service);
        let knock = || async { TcpStream::connect(("127.0.0.1", self.mqtt)).await.ok() };
        eventually("the MQTT endpoint", knock).await;
    }

    async fn kill(&mut self) {
        self.service.take().unwrap().kill().await;
    }

    /// Areas, stations and residents from files, and a device at the first station. Returns its secret.
    async fn settle(&self) -> String {
        for (what, file, count) in
            [("areas", "areas.geojson", 2), ("stations", "stations.csv", 2), ("residents", "residents.csv", 7)]
        {
            let said = self.run(&["import", what, &data(&format!("story/{file}"))]).await;
            assert!(said.contains(&format!("{count} created")), "{said}");
        }
        let said = self.run(&["device", "add", "G1", "--station", "G1"]).await;
        said.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap().to_owned()
    }

    /// The gauge reports millimetres of rain, and is told that they are kept.
    async fn rain(&self, secret: &str, minutes_ago: i64, mm: u32) {
        let at = (Clock::System.now() - TimeDelta::minutes(minutes_ago)).format("%Y-%m-%dT%H:%M:%SZ");
        let payload =
            format!(r#"{{"id":"m{mm}","readings":[{{"stream":"rain","at":"{at}","value":{mm},"unit":"mm"}}]}}"#);
        let mut gauge = Command::new("mosquitto_pub");
        gauge.args(["-h", "127.0.0.1", "-p", &self.mqtt.to_string(), "-q", "1", "-u", "G1", "-P", secret]);
        gauge.args(["-t", "v1/devices/G1/readings", "-m", &payload]).kill_on_drop(true);
        let output = soon("mosquitto_pub", gauge.output()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn rows(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }

    /// Waits until the query answers exactly this.
    async fn until(&self, sql: &'static str, wanted: &[&str]) {
        let found = Mutex::new(Vec::new());
        let asking = eventually(sql, || async {
            let rows = self.rows(sql).await;
            let same = rows == wanted;
            *found.lock().unwrap() = rows;
            same.then_some(())
        });
        // Half, so that it is we who say what was found instead.
        let waited = tokio::time::timeout(support::PATIENCE / 2, asking).await;
        assert!(waited.is_ok(), "{sql}\nwanted {wanted:?}\nfound {:?}", found.lock().unwrap());
    }

    async fn until_all_are_told(&self) {
        self.until("select channel || ' ' || address || ' ' || state from outbox order by 1", &ALL_TOLD).await;
        let mut conn = self.db.pool.acquire().await.unwrap();
        let alert: uuid::Uuid =
            sqlx::query_scalar("select id from alert where state = 'issued'").fetch_one(&mut *conn).await.unwrap();
        let accounts = outbox::audit(&mut conn, Clock::System.now(), 2, AlertId(alert)).await.unwrap().unwrap();
        assert!(accounts.balance(), "{accounts:?}");
        let unmatched = self.rows("select raw::text from delivery_receipt where outbox_id is null").await;
        assert_eq!(unmatched, [""; 0]);
    }

    /// Asks the service as a plain HTTP/1.0 client. Returns the status and the body.
    async fn ask(&self, method: &str, path: &str, token: &str, json: &str) -> (u16, String) {
        let sign_in = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{sign_in}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{json}",
            json.len()
        );
        let answering = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.http)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = soon("an answer over HTTP", answering).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The feed lists the alert, its message is at its address, and the schema, our reader and our judge find it right.
    async fn check_public_message(&self) {
        let identifier = self.rows("select cap_identifier from alert where state = 'issued'").await.remove(0);
        let (status, feed) = self.ask("GET", "/alerts/feed.atom", "", "").await;
        assert!(status == 200 && feed.contains(&format!("/alerts/{identifier}.xml")), "{feed}");
        let (status, text) = self.ask("GET", &format!("/alerts/{identifier}.xml"), "", "").await;
        assert_eq!(status, 200, "{text}");
        let file = self.folder.path().join("alert.xml");
        std::fs::write(&file, &text).unwrap();
        let mut lint = Command::new("xmllint");
        lint.args(["--nonet", "--noout", "--schema", &data("cap/CAP-v1.2.xsd")]).arg(file);
        let judged = soon("xmllint", lint.output()).await.unwrap();
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
        let message = xml::parse(&text).unwrap();
        assert_eq!(validate::check(&message), []);
        let areas: Vec<_> =
            message.infos.iter().flat_map(|info| &info.areas).map(|area| area.description.as_str()).collect();
        assert!(!areas.is_empty() && areas.iter().all(|area| area.contains("Morro Alto")), "{areas:?}");
    }

    async fn check_incident(&self, alert: &str) {
        assert_eq!(self.rows("select state from incident").await, ["open"]);
        let timeline = self
            .rows("select kind || ' ' || split_part(text, ' ', 1) || ' ' || actor from incident_entry order by id")
            .await;
        assert!(timeline.iter().any(|entry| entry.starts_with("opened ")), "{timeline:?}");
        assert!(timeline.iter().any(|entry| entry == alert), "{alert} is not in {timeline:?}");
    }

    /// Ends both other ends, and returns the texts they got by telephone number and by mailbox, in the order of arrival.
    async fn received(&mut self) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<Value>>) {
        let (mut texts, mut letters): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) = Default::default();
        for line in heard(&mut self.centre).await {
            if let (Some(to), Some(text)) = (line["to"].as_str(), line["text"].as_str()) {
                texts.entry(to.to_owned()).or_default().push(text.to_owned());
            }
        }
        for line in heard(&mut self.mail).await {
            for to in line["to"].as_array().into_iter().flatten() {
                letters.entry(to.as_str().unwrap().to_owned()).or_default().push(line.clone());
            }
        }
        (texts, letters)
    }

    /// The residents inside got a text and a letter they can read; nobody else got anything.
    async fn check_received(&mut self) {
        let (texts, letters) = self.received().await;
        assert_eq!(texts.keys().collect::<Vec<_>>(), PHONES.iter().collect::<Vec<_>>());
        for text in texts.values().map(|parts| parts.concat()) {
            assert!(
                text.starts_with("DEFESA CIVIL: ") && text.contains("Morro Alto") && text.contains("199"),
                "{text}"
            );
        }
        assert_eq!(letters.keys().collect::<Vec<_>>(), MAILBOXES.iter().collect::<Vec<_>>());
        for letter in letters.values().flatten() {
            let (subject, text) = (letter["subject"].as_str().unwrap(), letter["text"].as_str().unwrap());
            assert!(subject.contains("deslizamento") && subject.contains("Morro Alto"), "{subject}");
            for part in ["Defesa Civil de Serra Alta", "Onde: Morro Alto", "Vale até: ", "/alerts/", "199"] {
                assert!(text.contains(part), "{part:?} is not in:\n{text}");
            }
        }
    }
}

/// Everything a peer has told until now. It ends.
async fn heard(peer: &mut Process) -> Vec<Value> {
    peer.signal("TERM").await;
    let (_, lines) = peer.end().await;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the contingency plan lets out, in the section `[alerts]`.
const AUTOMATIC: &str =
    r#"policies = [{ name = "encosta", levels = ["alert"], approvals = "automatic", plancon = "PLANCON 4.2" }]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rain_reaches_the_people_inside_without_a_person_where_the_plan_says_so() {
    let mut town = Town::found(AUTOMATIC, &[]).await;
    let secret = town.settle().await;
    town.serve().await;
    town.rain(&secret, 1, 45).await;
    town.until_all_are_told().await;
    assert_eq!(town.rows("select state || ' by ' || approved_by from alert").await, ["issued by policy: encosta"]);
    town.check_public_message().await;
    town.check_incident("alert issued policy: encosta").await;
    town.check_received().await;
}

impl Town {
    /// Adds a member of staff on the command line, and returns a token that acts as them.
    async fn staff(&self, username: &str, role: &str) -> String {
        self.run(&["user", "add", username, "--name", username, "--role", role]).await;
        // A token warns the city only when that is named.
        let scope = if role == "viewer" { "see_console" } else { "see_console,draft_alerts,issue_alerts" };
        let said = self.run(&["token", "add", username, "--name", "prova", "--scope", scope]).await;
        said.lines().find_map(|line| line.strip_prefix("token: ")).unwrap().to_owned()
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        let (status, body) = self.ask("GET", path, token, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The one draft that waits, as the API shows it.
    async fn draft(&self, token: &str) -> Value {
        let drafts = self.get("/api/v1/alerts?state=drafts", token).await;
        assert_eq!(drafts.as_array().map(Vec::len), Some(1), "{drafts}");
        self.get(&format!("/api/v1/alerts/{}", drafts[0]["id"].as_str().unwrap()), token).await
    }

    /// Approves exactly what was read.
    async fn approve(&self, draft: &Value, token: &str) -> (u16, String) {
        let path = format!("/api/v1/alerts/{}/issue", draft["id"].as_str().unwrap());
        self.ask("POST", &path, token, &format!(r#"{{"revision":{}}}"#, draft["revision"])).await
    }
}

const ALERTS: &str = "select state || ' ' || level from alert order by created_at";
const LEVELS: &str =
    "select a.code || ' ' || l.level from area_level l join risk_area a on a.id = l.area_id order by 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rain_waits_for_a_person_and_her_approval_reaches_the_people_inside() {
    let mut town = Town::found("", &[]).await;
    // The town is brought in while the service runs.
    town.serve().await;
    let secret = town.settle().await;
    town.until(LEVELS, &["baixada unknown", "morro-alto unknown"]).await;
    let (viewer, approver) = (town.staff("vera", "viewer").await, town.staff("maria", "approver").await);
    town.rain(&secret, 1, 45).await;
    town.until(ALERTS, &["draft alert"]).await;

    let draft = town.draft(&approver).await;
    assert_eq!(
        (&draft["reasons"][0]["value"], draft["areas"][0]["code"].as_str()),
        (&Value::from(45.0), Some("morro-alto"))
    );
    let reach = town.get(&format!("/api/v1/alerts/{}/reach", draft["id"].as_str().unwrap()), &approver).await;
    assert_eq!((&reach["reach"]["sms"], &reach["reach"]["email"]), (&Value::from(3), &Value::from(3)), "{reach}");
    assert_eq!(town.approve(&draft, "").await.0, 401);
    assert_eq!(town.approve(&draft, &viewer).await.0, 403);
    assert_eq!(town.rows("select address from outbox").await, [""; 0]);

    let (status, body) = town.approve(&draft, &approver).await;
    assert_eq!(status, 200, "{body}");
    // Whoever lost the connection asks again, and learns what has left.
    assert_eq!(town.approve(&draft, &approver).await, (status, body));
    town.until_all_are_told().await;
    town.check_public_message().await;
    town.check_incident("alert issued maria").await;
    town.check_received().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_after_the_draft_and_amid_the_deliveries_loses_nobody() {
    // The centre takes two messages and never answers: that is where the service dies.
    let mut town = Town::found("", &["--mute=2"]).await;
    let secret = town.settle().await;
    let token = town.staff("maria", "approver").await;
    town.serve().await;
    town.rain(&secret, 10, 45).await;
    town.until(ALERTS, &["draft alert"]).await;
    town.kill().await;

    // The rain before the crash counts: 45 + 20 mm in an hour are the next level, and its draft replaces
    // the one that nobody had approved.
    town.serve().await;
    assert_eq!(town.rows(LEVELS).await, ["baixada unknown", "morro-alto alert"]);
    town.rain(&secret, 1, 20).await;
    town.until(ALERTS, &["discarded alert", "draft maximum"]).await;
    let draft = town.draft(&token).await;
    let (status, body) = town.approve(&draft, &token).await;
    assert_eq!(status, 200, "{body}");
    for _ in 0..2 {
        assert_eq!(told(&mut town.centre, "submit").await["status"], "mute");
    }
    town.kill().await;
    let under_way = town.rows("select address from outbox where channel = 'sms' and state = 'sending'").await;
    assert!(!under_way.is_empty());

    town.serve().await;
    town.until_all_are_told().await;
    assert_eq!(town.rows(LEVELS).await, ["baixada unknown", "morro-alto maximum"]);
    town.check_public_message().await;
    town.check_incident("alert issued maria").await;
    let (texts, letters) = town.received().await;
    assert_eq!(texts.keys().collect::<Vec<_>>(), PHONES.iter().collect::<Vec<_>>());
    assert_eq!(letters.keys().collect::<Vec<_>>(), MAILBOXES.iter().collect::<Vec<_>>());
}
