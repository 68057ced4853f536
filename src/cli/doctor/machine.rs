//! Facts of the machine.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::capacity::memory_of;
use crate::cli::backup::free_bytes;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::embedded::shared_buffers_mib;
use crate::doctor::machine::{self, ConfigFile, DataDir, PortState};
use crate::doctor::{Finding, Said};
use crate::operation::process;
use crate::stations::certificate::Certificate;

/// Configuration, `data_dir`, clock and public address.
pub fn files(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![machine::config_file(file.and_then(config_file).as_ref())];
    if !config.demo.notice.is_empty() {
        findings.push(Finding::warning(Said::DemoNotice).with("notice", &config.demo.notice));
    }
    findings.extend(machine::data_dir(&data_dir(&config.data_dir)));
    findings.push(machine::clock(synchronised()));
    let http = &config.http;
    let has_tls = !http.tls_certificate.as_os_str().is_empty();
    findings.push(machine::public_url(&http.public_url, &http.listen, has_tls, &http.trusted_proxies));
    findings
}

/// It was read a moment ago, so it is there.
fn config_file(path: &Path) -> Option<ConfigFile> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    Some(ConfigFile { path: path.display().to_string(), mode, text: std::fs::read_to_string(path).ok()? })
}

fn data_dir(path: &Path) -> DataDir {
    let about = std::fs::metadata(path).ok();
    // `/proc/self` belongs to whoever this process works as.
    let own = std::fs::metadata("/proc/self").map(|about| about.uid()).unwrap_or_default();
    DataDir {
        path: path.display().to_string(),
        mode: about.as_ref().map(|about| about.permissions().mode()),
        is_ours: own == 0 || about.is_some_and(|about| about.uid() == own),
        free: free_bytes(path),
    }
}

pub fn growth(config: &Config, daily: Option<u64>) -> Option<Finding> {
    // Of a server elsewhere nobody here knows the disk.
    if !config.database.url.is_empty() {
        return None;
    }
    machine::growth(free_bytes(&config.data_dir), daily)
}

/// The bound of the unit, or of the container this runs in, beside what the service needs; with the private database its buffers too, which
/// lie in the same control group. `None` where nothing is bounded.
pub fn memory(config: &Config, stations: i64) -> Option<Finding> {
    let groups = Path::new(process::GROUPS);
    let unit = groups.join("system.slice/sentinela.service");
    let limit = process::memory_limit(groups, if unit.is_dir() { &unit } else { groups })?;
    let buffers_mib = if config.database.url.is_empty() {
        shared_buffers_mib(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default())
    } else {
        0
    };
    Some(machine::memory(limit, memory_of(stations as f64) as u64 + (buffers_mib << 20)))
}

/// As systemd says; where it does not, whether its own service has set the clock.
fn synchronised() -> Option<bool> {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    let said = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    match said.as_deref().map(<[u8]>::trim_ascii) {
        Some(b"yes") => Some(true),
        Some(b"no") => Some(false),
        _ => Path::new("/run/systemd/timesync/synchronized").exists().then_some(true),
    }
}

/// Where the service wants to listen. `served`: a service works with our database at the moment.
pub fn ports(config: &Config, served: bool) -> Vec<Finding> {
    let wanted = [
        ("http.listen", &config.http.listen),
        ("http.redirect_listen", &config.http.redirect_listen),
        ("mqtt.listen", &config.mqtt.listen),
        ("mqtt.tls_listen", &config.mqtt.tls_listen),
    ];
    let state = |address: &str| match TcpListener::bind(address) {
        Ok(_) => PortState::Free,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => PortState::Denied,
        Err(error) if error.kind() == ErrorKind::AddrInUse && served => PortState::Ours,
        Err(_) => PortState::Taken,
    };
    let wanted = wanted.into_iter().filter(|(_, address)| !address.is_empty());
    wanted.map(|(key, address)| machine::port(key, address, state(address.as_str()))).collect()
}

pub fn certificates(config: &Config) -> Vec<Finding> {
    let now = Clock::System.now();
    let files = [&config.http.tls_certificate, &config.mqtt.tls_certificate];
    let mut findings: Vec<Finding> = Vec::new();
    for path in files.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        let until = std::fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|pem| {
            Certificate::from_pem(&pem).map(|certificate| certificate.not_after).map_err(|error| error.to_string())
        });
        findings.push(machine::certificate(&path.display().to_string(), &until, now));
    }
    findings
}
