//! Counts and durations of requests, and `/metrics`' source.

use std::sync::OnceLock;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::App;
use crate::clock::Stopwatch;

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Bounds in seconds: pages should take less than 0.05.
const BUCKETS: &[f64] = &[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Makes the recorder of this process once. Where another one is installed already, `/metrics` stays empty.
pub fn install() {
    HANDLE.get_or_init(|| {
        let suffixed = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(suffixed, BUCKETS).ok()?;
        builder.install_recorder().ok()
    });
}

/// How often samples are folded into their histograms when nobody asks for `/metrics`; they would pile up otherwise.
const UPKEEP: std::time::Duration = std::time::Duration::from_secs(5);

/// Keeps the recorder small until the service stops.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {
                if let Some(handle) = HANDLE.get().and_then(Option::as_ref) {
                    handle.run_upkeep();
                }
            }
        }
    }
}

/// The metrics in Prometheus' text form.
pub fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

pub async fn requests(request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let method = request.method().as_str().to_owned();
    let path = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let response = next.run(request).await;
    tracing::Span::current().record("status", response.status().as_u16());
    let labels = [("method", method), ("path", path), ("status", response.status().as_u16().to_string())];
    metrics::histogram!("http_request_duration_seconds", &labels).record(watch.elapsed().as_secs_f64());
    response
}
