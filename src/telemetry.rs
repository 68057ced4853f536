//! Logs and metrics of the process. Logs go to standard error; metrics are kept for `/metrics`.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds: from a fast commit to a provider that hangs.
const SECONDS_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("configuration key `log.level`: {value:?} is wrong; expected error, warn, info, debug, trace, or a filter such as \"sentinela=debug,sqlx=warn\" ({source})")]
    Level { value: String, source: tracing_subscriber::filter::ParseError },
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
}

/// Starts logging. The first call of a process wins, so that tests may start several services.
///
/// # Errors
/// `log.level` cannot be understood.
pub fn start_logs(log: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter_of(&log.level))
        .map_err(|source| TelemetryError::Level { value: log.level.clone(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let _ = match log.format {
        LogFormat::Text => builder.with_ansi(colours).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// A bare level is the service's own; libraries stay at warnings unless the filter names them.
fn filter_of(level: &str) -> String {
    if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,sentinela={level}") }
}

/// Starts recording metrics, once in a process.
///
/// # Errors
/// Another recorder is in place.
pub fn start_metrics() -> Result<(), TelemetryError> {
    if METRICS.get().is_some() {
        return Ok(());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(metrics_exporter_prometheus::Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| TelemetryError::Metrics(error.to_string()))?;
    let _ = METRICS.set(handle);
    Ok(())
}

/// What `/metrics` answers, in the Prometheus text format.
pub fn render() -> String {
    METRICS.get().map(|handle| {
        handle.run_upkeep();
        handle.render()
    }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_leaves_libraries_at_warnings() {
        assert_eq!(filter_of("debug"), "warn,sentinela=debug");
        assert_eq!(filter_of("sqlx=info"), "sqlx=info");
    }

    #[test]
    fn a_wrong_level_is_named() {
        let log = Log { level: "sentinela=loud".into(), format: LogFormat::Text };
        let message = start_logs(&log).unwrap_err().to_string();
        assert!(message.contains("`log.level`") && message.contains("loud"), "{message}");
    }
}
