//! What is told of a soak: a line each minute, and at the end the report with what was not held.

use serde::Serialize;

use super::Arguments;
use super::verdict::{Growth, Memory, growth};
use crate::capacity::BYTES_PER_READING;
use crate::cli::bench::latency::{P50_BAR_MS, P99_BAR_MS, Spread};

/// Of what was to be sent so much must be acknowledged.
const LEAST_SHARE: f64 = 0.98;

/// One minute of it.
#[derive(Clone, Debug, Serialize)]
pub struct Minute {
    pub minute: u32,
    pub readings: u64,
    /// From the instant at which a message was due.
    pub puback: Spread,
    /// Alerts whose first SMS came, the slowest so far, and telephones that were reached so far.
    pub alerts: usize,
    pub slowest_alert_ms: Option<f64>,
    pub sms: u64,
    /// Readings that the rules have not judged.
    pub waiting: i64,
    pub memory_mib: f64,
    pub database_mib: f64,
    pub broken: u64,
}

impl Minute {
    pub fn line(&self) -> String {
        let alert = self.slowest_alert_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"));
        format!(
            "{:>4}  {:>9} readings  PUBACK p50 {:.1} p99 {:.1} ms  alerts {} (first SMS {alert}), {} SMS  waiting {}  {:.0} MiB  disk {:.0} MiB",
            self.minute,
            self.readings,
            self.puback.p50_ms,
            self.puback.p99_ms,
            self.alerts,
            self.sms,
            self.waiting,
            self.memory_mib,
            self.database_mib
        )
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub bench: &'static str,
    pub seconds: f64,
    pub rate: u64,
    pub readings_per_second: f64,
    pub acknowledged: u64,
    /// Acknowledged and not in the journal.
    pub lost: u64,
    pub everything_judged: bool,
    pub alerts: usize,
    /// Of each alert, from the reading to its first SMS at the centre.
    pub first_sms: Option<Spread>,
    pub sms: u64,
    pub sms_wanted: u64,
    pub memory: Memory,
    pub growth: Growth,
    pub minutes: Vec<Minute>,
    /// What was not held, in words; empty when all was.
    pub missed: Vec<String>,
    pub optimised: bool,
}

/// From the end of the first minute, when all is there that comes once, to the end of the last.
pub fn grown(minutes: &[Minute], within: f64) -> Growth {
    let readings = minutes.iter().skip(1).map(|minute| minute.readings).sum();
    let mib = |minute: Option<&Minute>| minute.map_or(0.0, |minute| minute.database_mib);
    let bytes = (mib(minutes.last()) - mib(minutes.first())) * 1024.0 * 1024.0;
    growth(readings, bytes as i64, BYTES_PER_READING, within)
}

pub fn missed(report: &Report, arguments: &Arguments) -> Vec<String> {
    let mut missed = Vec::new();
    let mut hold = |is_held: bool, what: String| {
        if !is_held {
            missed.push(what);
        }
    };
    let Report { memory, growth, lost, .. } = report;
    let rate = arguments.rate as f64;
    hold(*lost == 0, format!("{lost} acknowledged readings are not in the journal"));
    hold(report.everything_judged, "the rules have not judged everything".to_owned());
    let told = format!("{:.0} readings/s instead of {rate:.0}", report.readings_per_second);
    hold(report.readings_per_second >= LEAST_SHARE * rate, told);
    for minute in report.minutes.iter().filter(|minute| minute.puback.p99_ms > arguments.puback_p99_ms) {
        hold(false, format!("minute {}: PUBACK p99 {:.0} ms", minute.minute, minute.puback.p99_ms));
    }
    let (rivers, sms, wanted) = (arguments.rivers(), report.sms, report.sms_wanted);
    hold(
        report.alerts == rivers && sms >= wanted,
        format!("{} of {rivers} alerts, {sms} of {wanted} SMS", report.alerts),
    );
    if let Some(first) = report.first_sms {
        let is_held = first.p50_ms <= P50_BAR_MS && first.p99_ms <= P99_BAR_MS;
        hold(is_held, format!("reading → SMS p50 {:.0} ms, p99 {:.0} ms", first.p50_ms, first.p99_ms));
    }
    let told = format!("memory rose by {:.1} MiB in the last half, at most {:.1}", memory.growth_mib, memory.bound_mib);
    hold(memory.is_flat, told);
    let told = format!("the disk grew by {:.0} MiB, computed {:.0}", growth.measured_mib, growth.computed_mib);
    hold(growth.is_held, told);
    missed
}
