//! What the process takes of the machine, and until when its certificates hold. Linux tells the first in `/proc`; elsewhere nothing is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::Instant;
use crate::config::Config;
use crate::stations::certificate::Certificate;

/// Where Linux shows the control groups (version 2).
pub const GROUPS: &str = "/sys/fs/cgroup";

/// Sets the gauges of the process.
pub fn measure() {
    if let Some(limit) = own_group().and_then(|group| memory_limit(Path::new(GROUPS), &group)) {
        metrics::gauge!("sentinela_process_memory_limit_bytes").set(limit as f64);
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().and_then(|text| resident_bytes(&text)) {
        metrics::gauge!("sentinela_process_memory_bytes").set(bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("sentinela_process_open_files").set(open.count() as f64);
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits").ok().and_then(|text| open_files_limit(&text)) {
        metrics::gauge!("sentinela_process_open_files_limit").set(most);
    }
}

/// The control group of this process.
fn own_group() -> Option<PathBuf> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(GROUPS).join(path))
}

/// Above how many bytes a control group is slowed down or ended: the least of `memory.high` and `memory.max` of it and of those around it.
/// `None` where nothing bounds it.
pub fn memory_limit(root: &Path, group: &Path) -> Option<u64> {
    let groups = group.ancestors().take_while(|folder| folder.starts_with(root));
    let files = groups.flat_map(|folder| ["memory.high", "memory.max"].map(|name| folder.join(name)));
    // What is not bounded says "max", which is no number.
    files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

/// The line "VmRSS", which is in KiB.
fn resident_bytes(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok().map(|kib: f64| kib * 1024.0)
}

/// The soft limit in the line "Max open files".
fn open_files_limit(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Sets how many days the certificates of the listeners hold. What cannot be read is said by the listener itself.
pub fn measure_certificates(config: &Config, now: Instant) {
    for (which, path) in [("http", &config.http.tls_certificate), ("mqtt", &config.mqtt.tls_certificate)] {
        if let Some(ends_at) = end_of(path) {
            measure_certificate(which, ends_at, now);
        }
    }
}

pub fn measure_certificate(which: &'static str, ends_at: Instant, now: Instant) {
    let days = (ends_at - now).num_seconds() as f64 / 86_400.0;
    metrics::gauge!("sentinela_certificate_left_days", "certificate" => which).set(days);
}

/// Two small files, seldom: reading them here for a moment is no wait that anyone notices.
fn end_of(path: &Path) -> Option<Instant> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let pem = fs::read_to_string(path).ok()?;
    Certificate::from_pem(&pem).ok().map(|certificate| certificate.not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_bound_on_the_way_to_the_root_counts() {
        let root = std::env::temp_dir().join(format!("sentinela-groups-{}", std::process::id()));
        let unit = root.join("system.slice/sentinela.service");
        fs::create_dir_all(&unit).unwrap();
        assert_eq!(memory_limit(&root, &unit), None);
        fs::write(unit.join("memory.max"), "max\n").unwrap();
        assert_eq!(memory_limit(&root, &unit), None);
        fs::write(unit.join("memory.high"), "2147483648\n").unwrap();
        assert_eq!(memory_limit(&root, &unit), Some(2 << 30));
        fs::write(root.join("system.slice/memory.max"), "1073741824\n").unwrap();
        assert_eq!(memory_limit(&root, &unit), Some(1 << 30));
        assert_eq!(memory_limit(&root, &root), None);
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_linux_tells_is_read() {
        assert_eq!(resident_bytes("VmHWM:\t  200000 kB\nVmRSS:\t  100000 kB\n"), Some(102_400_000.0));
        assert_eq!(resident_bytes("Name:\tsentinela\n"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             95872                95872                processes \n\
                      Max open files            65536                1048576              files     \n";
        assert_eq!(open_files_limit(limits), Some(65_536.0));
        assert_eq!(open_files_limit("Max open files            unlimited            unlimited            files"), None);
    }
}
