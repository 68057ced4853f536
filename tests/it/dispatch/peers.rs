//! Real other ends: an SMS centre (npm package `smpp`) and an SMTP sink (aiosmtpd), as child processes.

use std::path::PathBuf;

use sentinela::app::{App, Parts};
use sentinela::clock::Clock;
use sentinela::config::{Config, SmppProvider};
use sentinela::db::Db;
use sentinela::ids::Ids;
use sentinela::{dispatch, events, ingest};
use serde_json::Value;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::support::{Process, TestDb, config, soon};

pub fn here(file: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(file);
    assert!(path.exists(), "{} is missing: run tests/peers/setup.sh", path.display());
    path
}

/// The build's own folder: the program under test lies in it, one level down.
fn target() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sentinela"));
    program.ancestors().nth(2).unwrap().to_owned()
}

/// Python with what the peers need.
pub fn python() -> PathBuf {
    let python = target().join("peers/bin/python");
    assert!(python.exists(), "{} is missing: run tests/peers/setup.sh", python.display());
    python
}

/// An SMS centre on this port, ready.
pub async fn smsc(port: u16, options: &[&str]) -> Process {
    here("node_modules/smpp");
    let mut command = Command::new("node");
    command.arg(here("smsc.js")).arg(port.to_string()).args(options);
    started(command).await
}

/// A receiver of webhooks on this port, ready.
pub async fn webhook(port: u16, options: &[&str]) -> Process {
    let mut command = Command::new(python());
    command.arg(here("webhook.py")).arg(port.to_string()).args(options);
    started(command).await
}

/// An SMTP sink on this port, ready.
pub async fn smtp(port: u16, options: &[&str]) -> Process {
    let mut command = Command::new(python());
    command.arg(here("smtp.py")).arg(port.to_string()).args(options);
    started(command).await
}

/// An SMS gateway over HTTP on this port, ready.
pub async fn gateway(port: u16, options: &[&str]) -> Process {
    let mut command = Command::new("node");
    command.arg(here("gateway.js")).arg(port.to_string()).args(options);
    started(command).await
}

/// Septets, one an octet in hexadecimal, as a codec of others reads them with the Portuguese table.
pub async fn gsm7_portuguese(octets: &str) -> String {
    let python = target().join("peers/bin/python");
    let script = "import sys, gsmcodecs\nsys.stdout.write(bytes.fromhex(sys.argv[1]).decode('gsm23.038-0-3'))";
    let output = Command::new(python).args(["-X", "utf8", "-c", script, octets]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn started(command: Command) -> Process {
    let mut process = Process::start(command);
    process.line_with("ready").await;
    process
}

/// The next line with this key, read.
pub async fn told(process: &mut Process, key: &str) -> Value {
    let line = process.line_with(&format!("\"{key}\":")).await;
    serde_json::from_str(&line).unwrap()
}

/// The next lines until each key came so many times, read, in the order in which they came.
/// For what a program says on two paths of its own, where neither is sure to be first.
pub async fn told_each<const N: usize>(process: &mut Process, wanted: [(&str, usize); N]) -> [Vec<Value>; N] {
    let mut came: [Vec<Value>; N] = std::array::from_fn(|_| Vec::new());
    while wanted.iter().zip(&came).any(|((_, times), lines)| lines.len() < *times) {
        let line: Value = serde_json::from_str(&process.line_with("").await).unwrap();
        for ((key, _), lines) in wanted.iter().zip(&mut came) {
            if line.get(key).is_some() {
                lines.push(line.clone());
            }
        }
    }
    came
}

/// A dispatcher on the machine's clock, for talking to real ends.
pub struct Dispatcher {
    pub app: App,
    running: JoinHandle<()>,
}

impl Dispatcher {
    pub fn start(db: &TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&[("SENTINELA__DATABASE__URL", db.url.as_str())]);
        config.dispatch.retry_base_s = 1;
        change(&mut config);
        let (ingest, _receiver) = ingest::channel(&config, &Clock::System);
        let templates = sentinela::alerts::templates::Templates::load(None).unwrap();
        let app = App::new(Parts {
            limits: sentinela::web::limit::Limits::new(&config.http.limits),
            pictures: sentinela::web::notices::pictures::Pictures::default(),
            deliveries: Default::default(),
            outbound: sentinela::outbound::Client::new(&config.outbound),
            templates,
            cases: Default::default(),
            segments: Default::default(),
            db: Db::open(&db.options, 4),
            config,
            clock: Clock::System,
            ids: Ids::seeded(7),
            town: Default::default(),
            past: Default::default(),
            keys: sentinela::vault::Keyring::passing(&Ids::seeded(2)),
            events: events::Events::default(),
            ingest,
            stop: tokio_util::sync::CancellationToken::new(),
        });
        let running = tokio::spawn(dispatch::worker::run(app.clone()));
        Self { app, running }
    }

    pub async fn stop(self) {
        self.app.stop.cancel();
        soon("the dispatcher's end", self.running).await.unwrap();
    }
}

pub fn provider(port: u16) -> SmppProvider {
    SmppProvider {
        name: "centre".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        system_id: "sentinela".to_owned(),
        password: "secret".into(),
        source_addr: "40199".to_owned(),
        window: 8,
        messages_per_second: 200,
        ..SmppProvider::default()
    }
}
