//! Networks and file systems of a story's own, which only root may make. Each lives in a namespace of the kernel without a name, held by a
//! process that ends with the test: nothing of it is seen outside, two stories never meet, and nothing is left behind.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::dispatch::peers::{here, python};
use crate::support::soon;

/// Set to 1 by whoever has not root's rights, to have the stories that need them passed over.
const WITHOUT_ROOT: &str = "SENTINELA_TESTS_WITHOUT_ROOT";

/// What the stories need, with the command that shows whether it is there.
const NEEDS: [(&str, &[&str]); 6] = [
    ("networks of their own (`unshare`, of the package util-linux, and CAP_SYS_ADMIN)", &["unshare", "--net", "true"]),
    (
        "cables between them (`ip`, of the package iproute2, and CAP_NET_ADMIN)",
        &["unshare", "--net", "ip", "link", "add", "cable", "type", "veth", "peer", "name", "other"],
    ),
    (
        "cables that swallow packets (`tc`, of the package iproute2, and a kernel with traffic control)",
        &["unshare", "--net", "tc", "qdisc", "replace", "dev", "lo", "root", "blackhole"],
    ),
    (
        "file systems of their own (`mount`, of the package mount, and CAP_SYS_ADMIN)",
        &["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "sentinela-test", "/tmp"],
    ),
    ("to enter them (`nsenter`, of the package util-linux)", &["nsenter", "--net=/proc/self/ns/net", "true"]),
    (
        "to run PostgreSQL as its own user (`setpriv`, of the package util-linux, and the user postgres)",
        &["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "true"],
    ),
];

/// Whether this machine lets a story make networks and file systems. A story that cannot be told fails and says which right is missing,
/// unless somebody said beforehand that it be passed over.
pub async fn allows(story: &str) -> bool {
    let waived = std::env::var(WITHOUT_ROOT).is_ok_and(|value| value == "1");
    match judge(missing().await, waived) {
        Ok(()) => true,
        Err((false, why)) => panic!("{story}: {why}"),
        Err((true, why)) => {
            eprintln!("ignored, for {WITHOUT_ROOT}=1 says so: {story}: {why}");
            false
        }
    }
}

/// Why a story is not told, and whether it may be passed over for that.
fn judge(missing: Option<String>, waived: bool) -> Result<(), (bool, String)> {
    let Some(missing) = missing else { return Ok(()) };
    let advice = format!(
        "it needs {missing}. Run it as root after `make setup-test`, or set {WITHOUT_ROOT}=1 to have the stories passed over that need \
         real networks and file systems"
    );
    Err((waived, advice))
}

/// The first that is missing, with the system's own words.
async fn missing() -> Option<String> {
    let user = fs::metadata("/proc/self").map_or(u32::MAX, |about| about.uid());
    if user != 0 {
        return Some(format!("the rights of root, and this is user {user}"));
    }
    for (what, command) in NEEDS {
        let mut trying = Command::new(command[0]);
        trying.args(&command[1..]).stdin(Stdio::null()).kill_on_drop(true);
        match soon(what, trying.output()).await {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Some(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => return Some(format!("{what}: {}: {error}", command[0])),
        }
    }
    None
}

/// A program that is begun with these words, which bring it elsewhere.
pub fn inside(within: &[String], program: impl AsRef<OsStr>) -> Command {
    match within {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

/// A namespace of the kernel. Whatever still runs in it when it is dropped is ended, and it goes with the last of them.
struct Space {
    /// As `/proc/N/ns` calls it: `net` or `mnt`.
    kind: &'static str,
    /// Ends when nobody holds its standard input any more, so also when the test is killed.
    holder: Child,
}

impl Space {
    /// `option`: what `unshare` calls it. The holder stands in this folder.
    async fn new(kind: &'static str, option: &str, folder: &Path) -> Self {
        let mut command = Command::new("unshare");
        command.args([option, "sh", "-c", "echo; exec cat"]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut holder = command.spawn().unwrap();
        let mut said = holder.stdout.take().unwrap();
        soon("a namespace", said.read_u8()).await.unwrap();
        Self { kind, holder }
    }

    fn id(&self) -> u32 {
        self.holder.id().expect("it is not waited for")
    }

    /// The words that bring a program into it.
    fn enter(&self) -> Vec<String> {
        let option = if self.kind == "net" { "net" } else { "mount" };
        vec!["nsenter".to_owned(), format!("--{option}=/proc/{}/ns/{}", self.id(), self.kind)]
    }

    async fn run(&self, words: &[&str]) {
        let mut command = inside(&self.enter(), words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).kill_on_drop(true);
        let output = soon("a command", command.output()).await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let Some(holder) = self.holder.id() else { return };
        let of = |id: &str| fs::read_link(format!("/proc/{id}/ns/{}", self.kind)).ok();
        let Some(own) = of(&holder.to_string()) else { return };
        let running = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = running.filter_map(|entry| entry.file_name().into_string().ok());
        let inside = numbers.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && of(id).as_ref() == Some(&own));
        let inside: Vec<String> = inside.collect();
        // At this a server of PostgreSQL ends at once and takes its own with it. Who is gone already needs no signal.
        let _ = std::process::Command::new("kill").args(["-s", "QUIT"]).args(inside).stderr(Stdio::null()).status();
    }
}

/// Two networks and one cable between them. Neither leads anywhere else.
pub struct Cable {
    node: Space,
    database: Space,
}

/// Where the database listens, and which network the cable is. Others may have the same in networks of their own.
const DATABASE: &str = "10.77.0.1";
pub const NETWORK: &str = "10.77.0.0/30";

impl Cable {
    pub async fn new() -> Self {
        let here = std::env::temp_dir();
        let cable =
            Self { node: Space::new("net", "--net", &here).await, database: Space::new("net", "--net", &here).await };
        let other = cable.database.id().to_string();
        cable.node.run(&["ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &other]).await;
        for (space, address) in [(&cable.node, "10.77.0.2/30"), (&cable.database, "10.77.0.1/30")] {
            space.run(&["ip", "address", "add", address, "dev", "cable"]).await;
            for device in ["lo", "cable"] {
                space.run(&["ip", "link", "set", device, "up"]).await;
            }
        }
        cable
    }

    /// The words that bring a program to the end of the node.
    pub fn node(&self) -> Vec<String> {
        self.node.enter()
    }

    /// The same to the end of the database.
    pub fn database(&self) -> Vec<String> {
        self.database.enter()
    }

    /// Where a node at its end finds this database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://sentinela@{DATABASE}:5432/{database}")
    }

    /// The setting by which the database listens at its end.
    pub fn listen() -> String {
        format!("listen_addresses={DATABASE}")
    }

    /// From now on packets vanish in both directions. Neither end is told: nothing is refused, nothing answers.
    pub async fn cut(&self) {
        for space in [&self.node, &self.database] {
            space.run(&["tc", "qdisc", "replace", "dev", "cable", "root", "blackhole"]).await;
        }
    }

    /// Packets pass again.
    pub async fn mend(&self) {
        for space in [&self.node, &self.database] {
            space.run(&["tc", "qdisc", "del", "dev", "cable", "root"]).await;
        }
    }

    /// Lets the test reach a port of the node: what comes to the same port outside is passed on.
    pub fn door(&self, port: u16) -> Door {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mut command = inside(&self.node.enter(), python());
        command.arg(here("door.py")).arg(port.to_string()).stdin(OwnedFd::from(listener)).kill_on_drop(true);
        Door { _passing: command.spawn().unwrap() }
    }
}

/// A port of a node in a network of its own, open to the test for as long as this lives.
pub struct Door {
    _passing: Child,
}

/// A small file system in memory, seen by those alone who are brought into it.
pub struct Disk {
    space: Space,
    /// Its name in the folder that it was made in.
    name: &'static str,
}

impl Disk {
    /// With room for so many MiB, as this folder within that one.
    pub async fn new(folder: &Path, name: &'static str, mib: u32) -> Self {
        fs::create_dir_all(folder.join(name)).unwrap();
        let space = Space::new("mnt", "--mount", folder).await;
        let at = folder.join(name).display().to_string();
        let room = format!("size={mib}m,mode=755");
        space.run(&["mount", "-t", "tmpfs", "-o", &room, "sentinela-test", &at]).await;
        Self { space, name }
    }

    /// The words that bring a program to where it is seen.
    pub fn enter(&self) -> Vec<String> {
        self.space.enter()
    }

    /// A folder on it that belongs to PostgreSQL's user.
    pub async fn give_folder(&self, path: &Path) {
        self.space.run(&["install", "-d", "-m", "700", "-o", "postgres", path.to_str().unwrap()]).await;
    }

    /// The same place as the test sees it.
    pub fn seen(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/cwd", self.space.id())).join(self.name)
    }

    fn ballast(&self) -> PathBuf {
        self.seen().join("ballast")
    }

    /// Fills it with ballast until the system says that there is no room for a byte more.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }

    /// Takes the ballast away.
    pub fn clear(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

#[test]
fn a_story_that_cannot_be_told_fails_unless_somebody_said_beforehand_that_it_be_passed_over() {
    assert_eq!(judge(None, false), Ok(()));
    assert_eq!(judge(None, true), Ok(()));
    let (is_waived, why) = judge(Some("the rights of root".to_owned()), false).unwrap_err();
    assert!(
        !is_waived && why.contains("the rights of root") && why.contains("SENTINELA_TESTS_WITHOUT_ROOT=1"),
        "{why}"
    );
    assert!(judge(Some("the rights of root".to_owned()), true).unwrap_err().0);
}
