//! A PostgreSQL of a story's own: on a disk or in a network that is the story's, beside the one that all tests share.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use sentinela::db::embedded::Binaries;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::machine::{NETWORK, inside};
use crate::support::{Folder, eventually, soon};

/// Nothing is worth syncing in a test whose machine does not fall.
const LAX: [&str; 4] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"];

/// A running server that takes connections on a unix socket, and where its settings say. Ended when it is dropped.
pub struct Server {
    home: PathBuf,
    process: Child,
    /// Holds all of it, and goes last.
    folder: Folder,
}

/// The words that make a program of PostgreSQL run as its own user.
fn as_postgres(within: &[String]) -> Vec<String> {
    let own = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
    within.iter().cloned().chain(own.map(str::to_owned)).collect()
}

impl Server {
    /// Begun with these words, which bring it elsewhere, and with these settings besides.
    pub async fn start(within: &[String], settings: &[String]) -> Self {
        let folder = Folder::new();
        let home = folder.path().join("pg");
        let data = home.join("data");
        let mut making = inside(&[], "install");
        making.args(["-d", "-m", "700", "-o", "postgres"]).arg(&home);
        assert!(soon("a folder", making.status()).await.unwrap().success());
        let programs = Binaries::find("", None).unwrap().folder;
        let mut initdb = inside(&as_postgres(&[]), programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "sentinela", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        initdb.arg("--no-sync").current_dir("/").kill_on_drop(true);
        let made = soon("initdb", initdb.output()).await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut trusted = File::options().append(true).open(data.join("pg_hba.conf")).unwrap();
        writeln!(trusted, "host all all {NETWORK} trust").unwrap();

        let mut command = inside(&as_postgres(within), programs.join("postgres")).into_std();
        command.arg("-D").arg(&data).arg("-k").arg(&home).args(["-c", "listen_addresses="]);
        for setting in LAX.into_iter().chain(settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let log = File::create(folder.path().join("log")).unwrap();
        command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let server = Self { home, process: command.spawn().unwrap(), folder };
        eventually("a server of the story's own", || async { PgConnection::connect(&server.url()).await.ok() }).await;
        server
    }

    /// Its superuser's, of a database that always exists.
    pub fn url(&self) -> String {
        format!("postgres://sentinela@localhost/postgres?host={}", self.home.display())
    }

    pub async fn run(&self, sql: String) {
        let mut conn = PgConnection::connect(&self.url()).await.unwrap();
        conn.execute(AssertSqlSafe(sql)).await.unwrap();
        conn.close().await.unwrap();
    }

    /// All that it has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At once, and with all that it has taken of the machine given back.
        let id = self.process.id().to_string();
        let _ = std::process::Command::new("kill").args(["-s", "QUIT", &id]).status();
        let _ = self.process.wait();
    }
}
