//! The real program as a child process, so that its memory and its processor time can be read apart from the bench's.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Longest start: after a kill the database may have to look through its log.
const START: Duration = Duration::from_secs(120);
/// Clock ticks in a second of `/proc/PID/stat`; Linux has had 100 for all programs since 2.4.
const TICKS: f64 = 100.0;

/// How the program is started, again and again.
#[derive(Debug)]
pub struct Script {
    pub database_url: String,
    pub folder: PathBuf,
    pub mqtt: SocketAddr,
    /// Its configuration file, where the environment does not suffice.
    pub config: Option<PathBuf>,
    http: SocketAddr,
    /// Files that it must be able to hold open: a connection is one.
    files: u64,
    max_connections: usize,
}

impl Script {
    pub fn new(database_url: String, folder: &Path, connections: usize) -> anyhow::Result<Self> {
        let free = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?);
        Ok(Self {
            database_url,
            folder: folder.to_owned(),
            mqtt: free()?,
            config: None,
            http: free()?,
            files: connections as u64 + 500,
            max_connections: connections + 100,
        })
    }

    /// Starts it and waits until it serves.
    pub async fn start(&self) -> anyhow::Result<Program> {
        let log = std::fs::File::create(self.folder.join("service.log"))?;
        let mut command = Command::new("sh");
        command.env_remove("SENTINELA_CONFIG");
        if let Some(config) = &self.config {
            command.env("SENTINELA_CONFIG", config);
        }
        let mut child = command
            .args(["-c", "ulimit -n \"$1\" || exit 3; exec \"$0\" serve"])
            .arg(std::env::current_exe()?)
            .arg(self.files.to_string())
            .env("SENTINELA__DATABASE__URL", &self.database_url)
            .env("SENTINELA__DATA_DIR", self.folder.join("service"))
            .env("SENTINELA__HTTP__LISTEN", self.http.to_string())
            .env("SENTINELA__MQTT__LISTEN", self.mqtt.to_string())
            .env("SENTINELA__MQTT__MAX_CONNECTIONS", self.max_connections.to_string())
            .env("SENTINELA__LOG__LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("the program's output")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("ready:") {
                    return anyhow::Ok(true);
                }
            }
            Ok(false)
        };
        if !tokio::time::timeout(START, ready).await.is_ok_and(|ready| ready.is_ok_and(|ready| ready)) {
            let said = std::fs::read_to_string(self.folder.join("service.log")).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            anyhow::bail!(
                "the service did not start with {} open files allowed; it said: {}",
                self.files,
                last.join(" / ")
            );
        }
        // What it still says goes nowhere, but somebody must read it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while TcpStream::connect(self.mqtt).await.is_err() {
            tick.tick().await;
        }
        let pid = child.id().context("the program ended at once")?;
        Ok(Program { child, pid })
    }
}

/// A running service. Killed when dropped.
pub struct Program {
    child: Child,
    pub pid: u32,
}

impl Program {
    /// kill -9, and waits until it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop, and waits.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.pid.to_string()).status().await?;
        anyhow::ensure!(asked.success(), "the service cannot be asked to stop");
        if tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// Resident memory of a process in MiB: now, and the most it ever had.
pub fn memory_mib(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
}

/// Processor seconds that a process has used.
pub fn processor_s(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / TICKS)
}

/// Busy processor seconds of the whole machine.
pub fn machine_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = fields.iter().enumerate().filter(|(index, _)| ![3, 4].contains(index) && *index < 8);
    Some(busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS)
}

/// Open files that this process may have.
pub fn allowed_files() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
