//! Hands spans to a collector: OTLP 1 over HTTP, in its JSON form (OpenTelemetry Protocol Specification, "JSON Protobuf Encoding": names in
//! lowerCamelCase, identifiers in hexadecimal letters, 64-bit numbers as texts). Written here because the exporters of the OpenTelemetry
//! project bring tonic, prost and a second generation of what is in the tree.

use std::time::Duration;

use axum::http::{Request, header};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::trace::{Ended, Place, Value};
use crate::app::App;
use crate::hexadecimal::hex;

/// Spans of one request.
const BATCH: usize = 512;
/// How long a request waits for more of them.
const GATHER_FOR: Duration = Duration::from_secs(2);
/// The last request of a service that stops.
const LAST: Duration = Duration::from_secs(2);
/// An answer tells how many were refused and why.
const ANSWER_BYTES: usize = 64 * 1024;
/// `STATUS_CODE_ERROR`
const FAILED: u8 = 2;

/// Hands over until the service stops. What the collector does not take is lost and counted: the next spans matter more.
pub async fn run(app: App, mut ended: mpsc::Receiver<Ended>) {
    let mut sender = Sender::new(&app);
    let mut batch = Vec::with_capacity(BATCH);
    while !app.stop.is_cancelled() {
        tokio::select! {
            () = app.stop.cancelled() => break,
            count = ended.recv_many(&mut batch, BATCH) => if count == 0 { return },
        }
        let gathering = async {
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if ended.recv_many(&mut batch, room).await == 0 {
                    break;
                }
            }
        };
        tokio::select! {
            () = gathering => {}
            () = tokio::time::sleep(GATHER_FOR) => {}
            () = app.stop.cancelled() => break,
        }
        sender.send(&app, &batch).await;
        batch.clear();
    }
    while let Ok(one) = ended.try_recv() {
        batch.push(one);
    }
    if !batch.is_empty() && tokio::time::timeout(LAST, sender.send(&app, &batch)).await.is_err() {
        tracing::debug!(spans = batch.len(), "the last traces were not handed over in time");
    }
}

struct Sender {
    url: String,
    instance: String,
    is_heard: bool,
}

impl Sender {
    fn new(app: &App) -> Self {
        let url = format!("{}/v1/traces", app.config.telemetry.otlp_endpoint.trim_end_matches('/'));
        Self { url, instance: app.ids.uuid(app.clock.now()).to_string(), is_heard: true }
    }

    async fn send(&mut self, app: &App, batch: &[Ended]) {
        let why = match self.try_send(app, batch).await {
            Ok(()) => {
                self.is_heard = true;
                metrics::counter!("sentinela_traces_total").increment(batch.len() as u64);
                return;
            }
            Err(why) => why,
        };
        metrics::counter!("sentinela_traces_lost_total", "why" => "collector").increment(batch.len() as u64);
        if std::mem::take(&mut self.is_heard) {
            tracing::warn!(why, "the collector does not take traces; they are lost until it does");
        }
    }

    async fn try_send(&self, app: &App, batch: &[Ended]) -> Result<(), String> {
        let body = serde_json::to_vec(&document(&self.instance, batch)).map_err(|error| error.to_string())?;
        let mut request = Request::post(&self.url).header(header::CONTENT_TYPE, "application/json");
        let authorization = &app.config.telemetry.otlp_authorization;
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, &**authorization);
        }
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = app.outbound.send(request, ANSWER_BYTES).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status)) }
    }
}

/// `ExportTraceServiceRequest` of these spans.
pub fn document(instance: &str, spans: &[Ended]) -> Json {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", "sentinela"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", instance),
        ] },
        "scopeSpans": [{
            "scope": { "name": "sentinela", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans.iter().map(span).collect::<Vec<Json>>(),
        }],
    }] })
}

fn span(one: &Ended) -> Json {
    let attributes = one.attributes.iter().map(|(key, value)| json!({ "key": key, "value": said(value) }));
    let link = |place: &Place| json!({ "traceId": hex(&place.trace_id), "spanId": hex(&place.span_id) });
    let mut span = json!({
        "traceId": hex(&one.place.trace_id),
        "spanId": hex(&one.place.span_id),
        "name": one.name,
        "kind": one.kind.number(),
        "startTimeUnixNano": nanos(one.began_us),
        "endTimeUnixNano": nanos(one.ended_us),
        "attributes": attributes.collect::<Vec<Json>>(),
        "links": one.links.iter().map(link).collect::<Vec<Json>>(),
        "status": if one.failed { json!({ "code": FAILED }) } else { json!({}) },
    });
    if let Some(parent) = one.parent {
        span["parentSpanId"] = json!(hex(&parent));
    }
    span
}

/// Microseconds as the text of nanoseconds.
fn nanos(us: i64) -> String {
    (i128::from(us) * 1000).to_string()
}

/// `AnyValue`
fn said(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Whole(number) => json!({ "intValue": number.to_string() }),
        Value::Real(number) => json!({ "doubleValue": number }),
        Value::Flag(flag) => json!({ "boolValue": flag }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::trace::Kind;

    #[test]
    fn a_span_is_told_as_the_protocol_writes_it() {
        let place = Place { trace_id: [0xab; 16], span_id: [1; 8] };
        let one = Ended {
            place,
            parent: Some([2; 8]),
            links: vec![Place { trace_id: [3; 16], span_id: [4; 8] }],
            name: "evaluate",
            kind: Kind::Internal,
            began_us: 1_771_761_600_000_001,
            ended_us: 1_771_761_600_000_501,
            attributes: vec![
                ("sentinela.readings", Value::Whole(3)),
                ("sentinela.share", Value::Real(0.5)),
                ("sentinela.ok", Value::Flag(true)),
                ("sentinela.provider", Value::Text("a".into())),
            ],
            failed: true,
        };
        let told = document("i", std::slice::from_ref(&one));
        let span = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(
            span,
            &json!({
                "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "parentSpanId": "02".repeat(8),
                "name": "evaluate", "kind": 1,
                "startTimeUnixNano": "1771761600000001000", "endTimeUnixNano": "1771761600000501000",
                "attributes": [
                    { "key": "sentinela.readings", "value": { "intValue": "3" } },
                    { "key": "sentinela.share", "value": { "doubleValue": 0.5 } },
                    { "key": "sentinela.ok", "value": { "boolValue": true } },
                    { "key": "sentinela.provider", "value": { "stringValue": "a" } },
                ],
                "links": [{ "traceId": "03".repeat(16), "spanId": "04".repeat(8) }],
                "status": { "code": 2 },
            })
        );
        let root = span_of(Ended { parent: None, failed: false, ..one });
        assert!(root.get("parentSpanId").is_none() && root["status"] == json!({}));
        assert_eq!(told["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "sentinela");
    }

    fn span_of(one: Ended) -> Json {
        span(&one)
    }
}
