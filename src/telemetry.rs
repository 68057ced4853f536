//! Logs of the process, to standard error: text for people, JSON for machines. Metrics are in `web::measure`.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

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
    let filter = EnvFilter::try_new(filter_of(&log.level))
        .map_err(|source| TelemetryError::Level { value: log.level.clone(), source })?;
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    if tracing::subscriber::set_global_default(subscriber(log.format, colours, filter, std::io::stderr)).is_ok() {
        // What a panic says may hold anything, so it passes the mask as well.
        std::panic::set_hook(Box::new(|panic| {
            let trace = std::backtrace::Backtrace::capture();
            tracing::error!("{panic}\n{trace}");
        }));
    }
    Ok(())
}

/// What writes the lines: in the wanted format, each behind the mask.
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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || Masked(open()));
    match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
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
