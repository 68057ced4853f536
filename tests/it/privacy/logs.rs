//! What never reaches a log, tried with a real subscriber and errors of providers that repeat addresses.

use std::io::Write;
use std::sync::{Arc, Mutex};

use sentinela::config::LogFormat;
use sentinela::telemetry;
use tracing_subscriber::EnvFilter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat, act: impl FnOnce()) -> String {
    let lines = Lines::default();
    let kept = lines.clone();
    let filter = EnvFilter::new("trace");
    let subscriber = telemetry::subscriber(format, false, filter, move || kept.clone());
    tracing::subscriber::with_default(subscriber, act);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[derive(Debug, thiserror::Error)]
#[error("550 5.1.1 <maria.souza@exemplo.br>: Recipient address rejected")]
struct Refused;

#[test]
fn errors_of_providers_that_repeat_addresses_are_masked_in_every_format_and_place() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let told = logged(format, || {
            let span = tracing::info_span!("dispatch", recipient = "+5532999991234");
            let _inside = span.enter();
            tracing::warn!(error = %Refused, "the server refused");
            tracing::error!(error = ?anyhow::Error::new(Refused).context("to 32 99999-1234"), "no route");
            tracing::info!(phone = 5_532_999_991_234_u64, "submit_sm_resp: ESME_RINVDSTADR 5532999991234: rejected");
            tracing::info!("Key (kind, address)=(sms, +5532999991234) already exists.");
        });
        assert!(!told.contains("99999") && !told.contains("maria"), "{told}");
        assert!(told.contains("m***@exemplo.br") && told.contains("+55 32 *****-1234"), "{told}");
        assert!(told.contains("Recipient address rejected") && told.contains("ESME_RINVDSTADR"), "{told}");
    }
}
