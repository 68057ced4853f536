//! Programs that a test starts: killed when the test ends, however it ends.

use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A running program whose standard output is read line by line. Killed on drop.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?} cannot be started: {error}", command.as_std().get_program()),
        };
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process was already waited for")
    }

    /// Reads on until a line has `part` in it, and returns that line.
    pub async fn line_with(&mut self, part: &str) -> String {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen.push(line.clone());
                if line.contains(part) {
                    return Some(line);
                }
            }
            None
        };
        let found = tokio::time::timeout(super::PATIENCE, reading).await;
        match found {
            Ok(Some(line)) => line,
            _ => panic!("no line with {part:?} came; what came:\n{}", self.seen.join("\n")),
        }
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

/// A TCP port that was free a moment ago on 127.0.0.1.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
