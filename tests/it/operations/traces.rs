//! Traces to a collector, and logs of a whole flow: both without anybody's name or address.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use sentinela::config::LogFormat;
use sentinela::ids::Ids;
use sentinela::telemetry::{self, otlp, trace};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry};

use super::receiver;
use crate::dispatch::peers::Dispatcher;
use crate::dispatch::town::{INSIDE, Town};
use crate::pipeline::Story;
use crate::support;

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span {name}: {spans:?}"))
}

fn said<'a>(span: &'a Value, key: &str) -> &'a Value {
    let all = span["attributes"].as_array().unwrap();
    all.iter().find(|one| one["key"] == key).map_or(&Value::Null, |one| &one["value"])
}

#[tokio::test]
async fn the_way_of_a_reading_is_told_to_a_collector_and_nobody_is_named() {
    let (port, mut collector) = receiver(StatusCode::OK).await;
    let (traces, mut queue) = trace::Traces::new(Ids::seeded(9));
    let kept = Registry::default().with(traces.with_filter(filter_fn(trace::is_ours)));
    let traced = tracing::subscriber::set_default(kept);
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut story = Story::begin(&[
        ("SENTINELA__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("SENTINELA__TELEMETRY__OTLP_AUTHORIZATION", "Bearer of-the-collector"),
        ("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1"),
    ])
    .await;
    story.rain(1, 45).await;
    let draft = story.drafts().await.remove(0);
    story.issue(draft.row.id, draft.row.revision).await.unwrap();
    drop(traced);
    let mut ended: Vec<trace::Ended> = Vec::new();
    let wanted = ["ingest.commit", "alert.issue", "outbox.enqueue"];
    while !wanted.iter().all(|name| ended.iter().any(|span| span.name == *name)) {
        ended.push(support::soon("a span", queue.recv()).await.unwrap());
    }
    // A service that stops hands over what it has.
    let (again, queue) = mpsc::channel(ended.len());
    for span in ended {
        again.send(span).await.unwrap();
    }
    story.app.stop.cancel();
    support::soon("the last traces", otlp::run(story.app.clone(), queue)).await;
    let asked = support::soon("the collector", collector.recv()).await.unwrap();
    assert!(asked.head.starts_with("POST /v1/traces HTTP/1.1"), "{}", asked.head);
    assert!(asked.head.to_lowercase().contains("authorization: bearer of-the-collector"), "{}", asked.head);
    let told: Value = serde_json::from_slice(&asked.body).unwrap();
    let spans = told["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    named(spans, "ingest.commit");
    let evaluation =
        spans.iter().find(|span| span["name"] == "evaluate" && said(span, "sentinela.effects")["intValue"] != "0");
    let evaluation = evaluation.expect("an evaluation that changed something");
    assert!(said(evaluation, "sentinela.journal.last_seq")["intValue"].as_str().unwrap().parse::<i64>().unwrap() > 0);
    let trace_id = draft.row.id.0.simple().to_string();
    let drafted = named(spans, "alert.draft");
    assert_eq!(drafted["traceId"], trace_id.as_str(), "an alert's trace has its id");
    assert_eq!(drafted["links"][0]["spanId"], evaluation["spanId"], "and leads to the evaluation that drafted it");
    for name in ["alert.issue", "outbox.enqueue"] {
        assert_eq!(named(spans, name)["traceId"], trace_id.as_str(), "{name}");
    }
    for span in spans {
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16, "{span}");
        assert!(span["endTimeUnixNano"].as_str() >= span["startTimeUnixNano"].as_str(), "{span}");
    }
    let text = String::from_utf8(asked.body).unwrap();
    for private in ["exemplo.invalid", "+5532", "Beto"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

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

#[tokio::test]
async fn the_log_of_a_whole_delivery_names_nobody_even_when_it_tells_everything() {
    let lines = Lines::default();
    let kept = lines.clone();
    // What the test asks of the database itself is not of the service.
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 0, &["+5532988887777", "maria.da.penha@exemplo.invalid"]).await;
    sqlx::query("update resident set name = 'Quitéria da Penha'").execute(&db.pool).await.unwrap();
    let subscriber = telemetry::subscriber(LogFormat::Json, false, EnvFilter::new("debug"), move || kept.clone());
    let logged = tracing::subscriber::set_default(subscriber);
    let dispatcher = Dispatcher::start(&db, |_| {});
    let alert = town.living_alert("Saia de casa agora").await;
    town.enqueue(alert).await;
    support::eventually("both messages in the sink", async || {
        let done: i64 = sqlx::query_scalar("select count(*) from outbox where state = 'delivered'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
        (done == 2).then_some(())
    })
    .await;
    dispatcher.stop().await;
    drop(logged);
    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!told.is_empty());
    for line in told.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "{line}");
    }
    for private in ["988887777", "maria.da", "Quitéria"] {
        let line = told.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "{private}");
    }
}
