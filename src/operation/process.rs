//! What the process takes of the machine, and until when its certificates hold. Linux tells the first in `/proc`; elsewhere nothing is told.

use std::fs;
use std::path::Path;

use crate::clock::Instant;
use crate::config::Config;
use crate::stations::certificate::Certificate;

/// Sets the gauges of the process.
pub fn measure() {
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
