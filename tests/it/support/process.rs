//! Programs that a test starts: killed when the test ends, however it ends.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A running program whose standard output is read line by line. Killed on drop.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
    /// Lines that came while another one was waited for.
    passed_over: VecDeque<String>,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?} cannot be started: {error}", command.as_std().get_program()),
        };
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new(), passed_over: VecDeque::new() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process was already waited for")
    }

    /// The first line with `part` in it that was not given out yet, reading on until it comes. What comes before it is kept for whoever
    /// looks for it later: what a program says on two paths of its own comes in any order.
    pub async fn line_with(&mut self, part: &str) -> String {
        match self.line_or_end(part).await {
            Some(line) => line,
            None => panic!("no line with {part:?} came; what came:\n{}", self.seen.join("\n")),
        }
    }

    /// The same, or nothing from a program that said its last word without it.
    pub async fn line_or_end(&mut self, part: &str) -> Option<String> {
        if let Some(at) = self.passed_over.iter().position(|line| line.contains(part)) {
            return self.passed_over.remove(at);
        }
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen.push(line.clone());
                if line.contains(part) {
                    return Some(line);
                }
                self.passed_over.push_back(line);
            }
            None
        };
        let found = tokio::time::timeout(super::PATIENCE, reading).await;
        found.unwrap_or_else(|_| panic!("no line with {part:?} came in time; what came:\n{}", self.seen.join("\n")))
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// All that was read of it, in the order in which it came.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    /// Reads all that is left, then waits for the end.
    pub async fn end(&mut self) -> (ExitStatus, String) {
        let reading = async {
            while let Ok(Some(line)) = self.lines.next_line().await {
                self.seen.push(line);
            }
            self.child.wait().await.unwrap()
        };
        let status = super::soon("the end of a process", reading).await;
        (status, self.seen.join("\n"))
    }

    /// Sends a signal by its name, e.g. `TERM`.
    pub async fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().await.unwrap();
        assert!(status.success(), "kill -s {name} failed");
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The program under test.
pub fn sentinela() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sentinela"));
    // Logs go to standard error; a test reads what it needs from standard output or the log at will.
    command.env_remove("DATABASE_URL");
    command
}

/// Ports that are given out lie below those that the system gives to connections that leave (32768 and up), so that no connection
/// takes one between its choice and its use, and none meets itself on one where nobody listens.
const FIRST_PORT: u16 = 10_000;
/// Ports of a claim; the first of them is the claim itself.
const CLAIM: u16 = 16;
const CLAIMS: u16 = 1_400;

/// Ports that are this process's alone: whoever holds the listener of the first has the others.
struct Claim {
    _held: TcpListener,
    next: u16,
    end: u16,
}

/// A TCP port on 127.0.0.1 where nobody listens, and which no other test is given: each test process claims ports of its own
/// for as long as it lives, and gives out none of them twice.
pub fn free_port() -> u16 {
    // A claim that is used up is held on: its ports are in use.
    static CLAIMED: Mutex<Vec<Claim>> = Mutex::new(Vec::new());
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(claim) = claimed.last_mut() {
            while claim.next < claim.end {
                let port = claim.next;
                claim.next += 1;
                // What a killed test left behind may listen here.
                if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                    return port;
                }
            }
        }
        claimed.push(claim());
    }
}

fn claim() -> Claim {
    // Neighbours start at different places, so that they seldom try the same one.
    let start = u16::try_from(std::process::id() % u32::from(CLAIMS)).unwrap();
    (0..CLAIMS)
        .map(|step| FIRST_PORT + (start + step) % CLAIMS * CLAIM)
        .find_map(|first| {
            let held = TcpListener::bind(("127.0.0.1", first)).ok()?;
            Some(Claim { _held: held, next: first + 1, end: first + CLAIM })
        })
        .expect("every port from 10000 to 32399 is taken")
}
