//! The service as a process with failpoints, and other ends whose accounts are files.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::machine::inside;
use crate::dispatch::peers::{here, python};
use crate::support::{Process, TestDb, eventually, free_port, soon};

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The program under test: the one that was built with this test, or a copy of it that outlives the next build.
pub fn program() -> &'static Path {
    PROGRAM.get_or_init(|| env!("CARGO_BIN_EXE_sentinela").into())
}

/// Takes this copy of the program for every service of this test process. To be said before the first of them starts.
pub fn take_program(copy: PathBuf) {
    PROGRAM.set(copy).expect("no service has started");
}

/// Where an installation is: what its processes share, and the ports of the next one.
pub struct Place {
    pub folder: PathBuf,
    pub http: u16,
    pub mqtt: u16,
    /// Lines of configuration.
    pub config: String,
    /// Words that a process is begun with and that bring it into a network or to a disk of the story's own; none by default.
    pub within: Vec<String>,
}

impl Place {
    pub fn new(folder: &Path, config: &str) -> Self {
        let (http, mqtt) = (free_port(), free_port());
        Self { folder: folder.to_owned(), http, mqtt, config: config.to_owned(), within: Vec::new() }
    }

    /// The same installation as seen by a second process beside the first, where the test itself is.
    pub fn beside(&self) -> Self {
        Self::new(&self.folder, &self.config)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

/// A running service, and what it says on standard error.
pub struct Service {
    pub process: Process,
    log: PathBuf,
    /// Lines of places reached that were there when it began.
    reached_before: usize,
}

impl Service {
    /// Starts it on the test's database and waits until it is ready. One that is to kill itself finds what the one before it left
    /// and may fall before it is ready: it is waited for until then.
    pub async fn start(db: &TestDb, place: &Place, failpoints: &str) -> Self {
        Self::start_at(&db.url, place, failpoints).await
    }

    /// The same with a clock that is set ahead at this socket.
    pub async fn start_leaping(db: &TestDb, place: &Place, socket: &Path) -> Self {
        let mut command = command(place, "");
        command.env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA_CLOCK_SOCKET", socket);
        Self::run(command, place, "").await
    }

    /// The same with a private cluster of its own.
    pub async fn start_private(place: &Place, failpoints: &str) -> Self {
        Self::start_at("", place, failpoints).await
    }

    /// The same at an address that is not the test's own.
    pub async fn start_at(url: &str, place: &Place, failpoints: &str) -> Self {
        let mut command = command(place, failpoints);
        command.env("SENTINELA__DATABASE__URL", url);
        Self::run(command, place, failpoints).await
    }

    /// The end of one that does not even start, with what it says.
    pub async fn refused(url: &str, place: &Place) -> (Option<i32>, String) {
        let mut command = command(place, "");
        command.env("SENTINELA__DATABASE__URL", url).kill_on_drop(true);
        let output = soon("the refusal", command.output()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    async fn run(mut command: Command, place: &Place, failpoints: &str) -> Self {
        let log = place.folder.join(format!("service-{}.log", place.http));
        let errors = File::options().create(true).append(true).open(&log).unwrap();
        command.stderr(errors);
        let reached_before = places_reached(&log);
        let mut service = Self { process: Process::start(command), log, reached_before };
        let may_fall = failpoints.contains("=kill");
        if service.process.line_or_end("ready:").await.is_none() {
            assert!(may_fall, "it ended before it was ready\n{}", service.said());
            return service;
        }
        if place.mqtt > 0 {
            eventually("the MQTT endpoint", || {
                let fallen = may_fall && service.process.has_ended();
                async move { (fallen || TcpStream::connect(("127.0.0.1", place.mqtt)).await.is_ok()).then_some(()) }
            })
            .await;
        }
        service
    }

    /// What it has said so far, with what processes before it said on the same ports.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for the line of a place that was reached with its action.
    pub async fn reached(&self, point: &str) {
        let line = format!("failpoint {point}, time ");
        eventually(&line, || async { self.said().contains(&line).then_some(()) }).await;
    }

    /// Waits until it is dead by its own hand at the place it was told, as after kill -9: nothing was unwound.
    pub async fn died(&mut self) {
        let (status, said) = self.process.end().await;
        assert_eq!(status.signal(), Some(6), "{status}: {said}\n{}", self.said());
        assert_eq!(places_reached(&self.log), self.reached_before + 1, "it fell elsewhere: {said}\n{}", self.said());
    }

    /// kill -9 from outside.
    pub async fn kill(mut self) {
        self.process.kill().await;
    }

    /// The orderly end: leases are let go.
    pub async fn stop(mut self) {
        self.process.signal("TERM").await;
        let (status, said) = self.process.end().await;
        assert!(status.success(), "{status}: {said}\n{}", self.said());
    }
}

/// How many lines say that a place was reached where the process kills itself.
fn places_reached(log: &Path) -> usize {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    said.lines().filter(|line| line.starts_with("failpoint ") && line.ends_with(": kill")).count()
}

fn command(place: &Place, failpoints: &str) -> Command {
    let file = place.folder.join(format!("sentinela-{}.toml", place.http));
    std::fs::write(&file, &place.config).unwrap();
    // A process that kills itself is not to leave its memory in a file.
    let mut command = inside(&place.within, "sh");
    command.args(["-c", r#"ulimit -c 0; exec "$0" "$@""#]).arg(program());
    let mqtt = if place.mqtt > 0 { format!("127.0.0.1:{}", place.mqtt) } else { String::new() };
    command
        .env_remove("DATABASE_URL")
        .arg("serve")
        .arg("--config")
        .arg(&file)
        // Two processes of an installation never share a name.
        .env("SENTINELA__NODE", format!("n{}", place.http))
        // The keys are the same for every process of an installation.
        .env("SENTINELA__DATA_DIR", place.data())
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", place.http))
        .env("SENTINELA__MQTT__LISTEN", mqtt)
        .env("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")
        // Whoever waits for something asks far more often than a person.
        .env("SENTINELA__HTTP__LIMITS__ADDRESS_PER_MINUTE", "0")
        .env("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0")
        // The town's rows are dated long ago.
        .env("SENTINELA__PRIVACY__OUTBOX_ADDRESS_DAYS", "3650")
        .env("SENTINELA__LOG__LEVEL", "error")
        .env("SENTINELA_FAILPOINTS", failpoints);
    command
}

/// Another end as a process: everything it says goes to a file, so that it never waits for a reader and the account outlives it.
pub struct Peer {
    child: Child,
    account: PathBuf,
}

impl Peer {
    /// An SMS centre (npm package `smpp`).
    pub async fn centre(folder: &Path, port: u16, options: &[&str]) -> Self {
        Self::centre_inside(&[], folder, port, options).await
    }

    /// The same, begun with these words, which bring it into a network of the story's own.
    pub async fn centre_inside(within: &[String], folder: &Path, port: u16, options: &[&str]) -> Self {
        let mut command = inside(within, "node");
        command.arg(here("smsc.js")).arg(port.to_string()).args(options);
        Self::start(folder, command, port).await
    }

    /// A mail server (aiosmtpd).
    pub async fn mail(folder: &Path, port: u16, options: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg(here("smtp.py")).arg(port.to_string()).args(options);
        Self::start(folder, command, port).await
    }

    async fn start(folder: &Path, mut command: Command, port: u16) -> Self {
        let account = folder.join(format!("peer-{port}.log"));
        let file = File::create(&account).unwrap();
        command.stdin(std::process::Stdio::null()).stdout(file).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let peer = Self { child, account };
        eventually("another end", || async {
            peer.lines().iter().any(|line| line.get("ready").is_some()).then_some(())
        })
        .await;
        peer
    }

    /// Its whole account so far: one line for each thing that happened. A line that is being written is not there yet.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.account).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
    }

    /// Waits for its first `count` lines with this key.
    pub async fn told(&self, key: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{count} lines with {key:?}"), || async {
            let lines: Vec<Value> = self.lines().into_iter().filter(|line| line.get(key).is_some()).collect();
            (lines.len() >= count).then_some(lines)
        })
        .await
    }

    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
    }
}
