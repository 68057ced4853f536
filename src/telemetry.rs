//! Logs of the process, to standard error: text for people, JSON for machines; and traces, for a collector (`trace`). Metrics are in
//! `web::measure`.

pub mod otlp;
pub mod trace;

use std::sync::OnceLock;

use tokio::sync::mpsc;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::config::{Config, Log, LogFormat};
use crate::ids::Ids;

/// What decides which lines are written, for whoever changes it while the service runs.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "configuration key `log.level`: {value:?} is wrong; expected error, warn, info, debug, trace, or a filter such as \"sentinela=debug,sqlx=warn\" ({source})"
    )]
    Level { value: String, source: tracing_subscriber::filter::ParseError },
}

/// Starts logging. The first call of a process wins, so that tests may start several services.
///
/// # Errors
/// `log.level` cannot be understood.
pub fn start_logs(log: &Log) -> Result<(), TelemetryError> {
    start_with(log, None).map(drop)
}

/// Starts logging, and tracing where a collector is configured: what comes back are the spans for it (`otlp::run`).
///
/// # Errors
/// As [`start_logs`].
pub fn start(config: &Config) -> Result<Option<mpsc::Receiver<trace::Ended>>, TelemetryError> {
    if config.telemetry.otlp_endpoint.is_empty() {
        return start_logs(&config.log).map(|()| None);
    }
    let (traces, ended) = trace::Traces::new(Ids::system());
    let is_first = start_with(&config.log, Some(traces))?;
    Ok(is_first.then_some(ended))
}

/// Whether this call was the first of the process.
fn start_with(log: &Log, traces: Option<trace::Traces>) -> Result<bool, TelemetryError> {
    let (filter, level) = reload::Layer::new(parse(&log.level)?);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let written = Registry::default().with(lines(log.format, colours, std::io::stderr).with_filter(filter));
    let set = match traces {
        Some(traces) => {
            tracing::subscriber::set_global_default(written.with(traces.with_filter(filter_fn(trace::is_ours))))
        }
        None => tracing::subscriber::set_global_default(written),
    };
    if set.is_err() {
        return Ok(false);
    }
    // Nobody else can have set it: only the first call comes here.
    let _ = LEVEL.set(level);
    // What a panic says may hold anything, so it passes the mask as well.
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        tracing::error!("{panic}\n{trace}");
    }));
    Ok(true)
}

/// Changes which lines are written, from now on. False where this process writes its lines some other way.
///
/// # Errors
/// As [`start_logs`]; then nothing changes.
pub fn set_level(level: &str) -> Result<bool, TelemetryError> {
    let filter = parse(level)?;
    Ok(LEVEL.get().is_some_and(|handle| handle.reload(filter).is_ok()))
}

fn parse(level: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(filter_of(level)).map_err(|source| TelemetryError::Level { value: level.to_owned(), source })
}

/// What writes the lines that the filter lets through: in the wanted format, each behind the mask.
pub fn subscriber<W, M>(
    format: LogFormat,
    colours: bool,
    filter: EnvFilter,
    open: M,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: std::io::Write + 'static,
    M: Fn() -> W + Send + Sync + 'static,
{
    Box::new(Registry::default().with(lines(format, colours, open).with_filter(filter)))
}

fn lines<W, M>(format: LogFormat, colours: bool, open: M) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: std::io::Write + 'static,
    M: Fn() -> W + Send + Sync + 'static,
{
    let written = tracing_subscriber::fmt::layer().with_writer(move || Masked(open()));
    match format {
        LogFormat::Text => Box::new(written.with_ansi(colours)),
        LogFormat::Json => Box::new(written.json().flatten_event(true)),
    }
}

/// A writer behind the mask: the formatter hands over a line at a time, and no line leaves with a telephone number or an
/// e-mail address in it, wherever it came from.
struct Masked<W>(W);

impl<W: std::io::Write> std::io::Write for Masked<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(crate::privacy::mask::mask(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// A bare level is the service's own; libraries stay at warnings unless the filter names them.
fn filter_of(level: &str) -> String {
    if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,sentinela={level}") }
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
