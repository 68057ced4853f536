//! Starting, adopting, watching and stopping the server process.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection};

use super::place::Place;
use super::{ASK_AGAIN, Binaries, ClusterError, PATIENCE, program, run};

/// How often the guard looks for the server.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the server writes about itself (`postmaster.pid`: process, data folder, start, port, socket folder, …).
struct Running {
    pid: u32,
    socket: PathBuf,
}

/// Starts the server, or adopts the one a killed keeper left behind.
pub(super) async fn start(binaries: &Binaries, place: &mut Place, pool_connections: u32) -> Result<(), ClusterError> {
    let own_socket = place.socket.clone();
    if adopt(place) {
        tracing::warn!("a private database was left running by a service that was killed; adopting it");
        if answers_unless(place, || running(place).is_none()).await? {
            return Ok(());
        }
        tracing::warn!("it went away instead; starting it again");
        place.socket = own_socket;
    }
    leave_no_stale_lock(place).await?;
    let data = place.data();
    // Three pools, their listener, commands beside the service, and the server's own reserve.
    let connections = (pool_connections * 3 + 20).max(100);
    let settings = [
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={}", place.socket.display()),
        format!("port={}", super::place::PORT),
        format!("max_connections={connections}"),
        format!("shared_buffers={}MB", shared_buffers_mib(&fs::read_to_string("/proc/meminfo").unwrap_or_default())),
        format!("wal_compression={}", compression(binaries, place).await),
        // A flood of readings would else end in a checkpoint every few seconds, and each makes every page be logged whole again. A
        // town's usual day writes a fraction of it in the time between two checkpoints.
        "max_wal_size=4GB".to_owned(),
        "checkpoint_timeout=15min".to_owned(),
        // Compiling queries costs more than it saves: ours are short.
        "jit=off".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    let arguments: Vec<String> = settings.iter().map(|setting| format!("-c '{setting}'")).collect();
    let mut pg_ctl = program(&binaries.folder.join("pg_ctl"), place.account.as_ref());
    pg_ctl.arg("start").arg("--pgdata").arg(&data).arg("--log").arg(place.log());
    pg_ctl.args(["--wait", "--timeout", "120", "--options", &arguments.join(" ")]);
    if let Err(error) = run(&mut pg_ctl).await {
        return Err(with_log(error, &place.log()));
    }
    tracing::info!(data = %data.display(), socket = %place.socket.display(), "the private database runs");
    answers(place).await
}

/// An eighth of the machine's memory, from 128 MiB to 2 GiB: the keys of readings come without order, and what does not fit is fetched and
/// written page by page. What the machine has is told as `/proc/meminfo` tells it; where that cannot be read it is taken as small.
pub fn shared_buffers_mib(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: Option<u64> = total.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map_or(128, |kib| (kib / 1024 / 8).clamp(128, 2048))
}

/// After each checkpoint the first change of a page logs all of it, and keys without order touch a page each: with the server's own
/// method (`on`) commits stood still for a second under load. lz4 does the same in a tenth of it, where the server was built with it.
async fn compression(binaries: &Binaries, place: &Place) -> &'static str {
    let mut ask = program(&binaries.folder.join("postgres"), place.account.as_ref());
    ask.arg("-D").arg(place.data()).args(["-c", "wal_compression=lz4", "-C", "wal_compression"]);
    if run(&mut ask).await.is_ok() { "lz4" } else { "on" }
}

/// For a process that is not the keeper: waits until the keeper's server answers.
pub(super) async fn await_other(place: &mut Place) -> Result<(), ClusterError> {
    let mut left = PATIENCE;
    while !adopt(place) && !left.is_zero() {
        tokio::time::sleep(ASK_AGAIN).await;
        left = left.saturating_sub(ASK_AGAIN);
    }
    answers(place).await
}

pub(super) async fn stop(binaries: &Binaries, place: &Place, how: &[&str]) -> Result<(), ClusterError> {
    let mut pg_ctl = program(&binaries.folder.join("pg_ctl"), place.account.as_ref());
    pg_ctl.arg("stop").arg("--pgdata").arg(place.data()).args(how);
    run(&mut pg_ctl).await.map(drop)
}

/// Resolves when the server process is gone.
pub(super) async fn gone(place: &Place) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        if running(place).is_none() {
            return;
        }
    }
}

/// Takes over the socket of a server that runs on our data.
fn adopt(place: &mut Place) -> bool {
    let Some(running) = running(place) else { return false };
    place.socket = running.socket;
    true
}

fn running(place: &Place) -> Option<Running> {
    let text = fs::read_to_string(place.data().join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let socket = PathBuf::from(lines.nth(3)?.trim());
    // The number alone proves nothing: after a crash of the machine it may be another program's.
    works_in(pid, &place.data()).then_some(Running { pid, socket }).filter(|running| running.pid > 0)
}

/// Whether a process is at work in this folder. PostgreSQL's processes all make the data folder their own.
fn works_in(pid: u32, folder: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder)
}

/// After kill -9 of the server its lock files stay, and its children take a moment to notice. PostgreSQL copes with a lock
/// file whose process is gone, but not with one whose number another program of the same user took meanwhile, nor with
/// one whose process is dead and not yet reaped by its parent.
async fn leave_no_stale_lock(place: &Place) -> Result<(), ClusterError> {
    let lock = place.data().join("postmaster.pid");
    // The socket's folder is this cluster's own, so its lock is too.
    let socket_lock = place.socket.join(format!(".s.PGSQL.{}.lock", super::place::PORT));
    if !lock.exists() && !socket_lock.exists() {
        return Ok(());
    }
    let mut left = PATIENCE;
    while anyone_works_in(&place.data()) && !left.is_zero() {
        tokio::time::sleep(ASK_AGAIN).await;
        left = left.saturating_sub(ASK_AGAIN);
    }
    if left.is_zero() {
        // Whoever is still there holds the data; PostgreSQL will refuse and say so.
        return Ok(());
    }
    tracing::warn!("the private database was not stopped cleanly; it recovers now");
    for lock in [lock, socket_lock] {
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(ClusterError::io("cannot remove", &lock)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn anyone_works_in(folder: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).any(|pid| works_in(pid, folder))
}

/// Waits until the server takes connections (an adopted one may still be recovering).
async fn answers(place: &Place) -> Result<(), ClusterError> {
    answers_unless(place, || false).await.map(drop)
}

/// The same; false: it is gone, as one that was killed a moment before it was adopted.
async fn answers_unless(place: &Place, is_gone: impl Fn() -> bool) -> Result<bool, ClusterError> {
    let options = place.options().database("postgres");
    let mut left = PATIENCE;
    loop {
        match options.connect().await {
            Ok(conn) => return conn.close().await.map(|()| true).map_err(ClusterError::Connect),
            Err(_) if is_gone() => return Ok(false),
            Err(error) if left.is_zero() => return Err(ClusterError::Connect(error)),
            Err(_) => {
                tokio::time::sleep(ASK_AGAIN).await;
                left = left.saturating_sub(ASK_AGAIN);
            }
        }
    }
}

/// PostgreSQL tells its reasons in its log only.
fn with_log(error: ClusterError, log: &Path) -> ClusterError {
    let ClusterError::Program { program, status, .. } = error else { return error };
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(10)..].join("\n");
    ClusterError::Program { program, status, output: format!("the end of {}:\n{tail}", log.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_takes_an_eighth_of_the_machine_within_bounds() {
        let of = |kib: &str| shared_buffers_mib(&format!("MemFree:  100 kB\nMemTotal:  {kib} kB\nBuffers: 1 kB\n"));
        assert_eq!(of("24683264"), 2048);
        assert_eq!(of("4194304"), 512);
        assert_eq!(of("500000"), 128);
        assert_eq!(shared_buffers_mib(""), 128);
    }
}
