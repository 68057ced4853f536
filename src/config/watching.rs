//! What is told to those who watch the service from outside.

use serde::Deserialize;

use crate::secret::Secret;

/// The watcher that hears when all is well (`operation::heartbeat`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Asked with GET. Its path is a secret with most watchers. Empty = off.
    pub url: Secret,
    pub every_s: u32,
}

impl Heartbeat {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let url = &*self.url;
        expect(url.is_empty() || url.starts_with("http"), "heartbeat.url", "***", "http:// or https://, or empty");
        let every = self.every_s;
        expect((15..=86_400).contains(&every), "heartbeat.every_s", &every.to_string(), "15 to 86400 seconds");
    }
}

/// Traces (`telemetry::otlp`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where a collector of OpenTelemetry takes OTLP over HTTP, without `/v1/traces`. Empty = off.
    pub otlp_endpoint: String,
    /// Sent as `Authorization`; empty = none.
    pub otlp_authorization: Secret,
}

impl Telemetry {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let url = &self.otlp_endpoint;
        let fits = url.is_empty() || (url.starts_with("http") && !url.ends_with("/v1/traces"));
        expect(fits, "telemetry.otlp_endpoint", url, "http:// or https:// without /v1/traces, or empty");
    }
}
