//! Traces: the way from a reading to a receipt as spans, for a collector of OpenTelemetry (`otlp`).
//!
//! A span is traced when its target is [`TARGET`]. The way leads through the database and through several processes, so what belongs
//! together is told by what it is about: every span with a field `alert` is in the trace whose id is the alert's own id, in whichever process
//! it happened. What led to it in the same process is a parent, or a link where it is in another trace. Attributes hold numbers, words of the
//! service and identifiers of its rows, never who is warned; what is text passes the mask of the logs besides.
//!
//! Fields that are more than attributes: `alert` (a UUID), `traceparent` (W3C Trace Context), `kind` ("server", "client"), `began_us` (an
//! earlier begin, microseconds since 1970), `failed`.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use crate::clock::Clock;
use crate::hexadecimal::hex;
use crate::ids::Ids;
use crate::privacy::mask::mask;

/// Of spans that are traced.
pub const TARGET: &str = "sentinela::trace";
/// Spans that wait for the collector. What comes on top is dropped and counted: no warning waits for a trace.
const MOST_WAITING: usize = 4096;
/// Letters of one attribute.
const MOST_LETTERS: usize = 300;

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Whether anybody takes spans: what costs a query to tell is asked for only then.
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Whether a span is traced.
pub fn is_ours(about: &Metadata<'_>) -> bool {
    about.is_span() && about.target() == TARGET
}

/// Where a span stands: what W3C Trace Context passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
}

impl Place {
    /// Reads a `traceparent` (W3C Trace Context, section 3.2).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = bytes::<1>(parts.next()?)?;
        let (trace_id, span_id) = (bytes::<16>(parts.next()?)?, bytes::<8>(parts.next()?)?);
        bytes::<1>(parts.next()?)?;
        let is_whole = version != [0xff] && (version != [0] || parts.next().is_none());
        (is_whole && trace_id != [0; 16] && span_id != [0; 8]).then_some(Self { trace_id, span_id })
    }

    /// The `traceparent` that says that whoever is asked belongs to this span.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", hex(&self.trace_id), hex(&self.span_id))
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * N || !text.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// `traceparent` of the traced span that whoever asks works in; `None` outside of one.
pub fn traceparent() -> Option<String> {
    let found = tracing::Span::current().with_subscriber(|(id, subscriber)| {
        let registry = subscriber.downcast_ref::<Registry>()?;
        let span = registry.span(id)?;
        span.scope().find_map(|span| span.extensions().get::<Open>().map(|open| open.place.traceparent()))
    });
    found.flatten()
}

/// Who acts in a span (`SpanKind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Internal,
    Server,
    Client,
}

impl Kind {
    /// The number of `opentelemetry.proto.trace.v1.Span.SpanKind`.
    pub const fn number(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Server => 2,
            Self::Client => 3,
        }
    }
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
    Flag(bool),
}

/// A span that is over. Instants in microseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub place: Place,
    pub parent: Option<[u8; 8]>,
    pub links: Vec<Place>,
    pub name: &'static str,
    pub kind: Kind,
    pub began_us: i64,
    pub ended_us: i64,
    pub attributes: Vec<(&'static str, Value)>,
    pub failed: bool,
}

/// A span that lasts.
#[derive(Debug)]
struct Open {
    place: Place,
    parent: Option<[u8; 8]>,
    links: Vec<Place>,
    began_us: i64,
    said: Said,
}

impl Open {
    fn begin(said: Said, before: Option<Place>, ids: &Ids, now_us: i64) -> Self {
        let before = said.remote.or(before);
        let (trace_id, parent, link) = match (said.alert, before) {
            (Some(alert), Some(before)) if before.trace_id == alert => (alert, Some(before.span_id), None),
            (Some(alert), before) => (alert, None, before),
            (None, Some(before)) => (before.trace_id, Some(before.span_id), None),
            (None, None) => (ids.bytes(), None, None),
        };
        let place = Place { trace_id, span_id: ids.bytes() };
        Self { place, parent, links: link.into_iter().collect(), began_us: now_us, said }
    }

    fn end(self, name: &'static str, now_us: i64) -> Ended {
        let began_us = self.said.began_us.unwrap_or(self.began_us).min(now_us);
        Ended {
            place: self.place,
            parent: self.parent,
            links: self.links,
            name,
            kind: self.said.kind,
            began_us,
            ended_us: now_us,
            attributes: self.said.attributes,
            failed: self.said.failed,
        }
    }
}

/// The fields of a span, read.
#[derive(Debug, Default)]
struct Said {
    alert: Option<[u8; 16]>,
    remote: Option<Place>,
    kind: Kind,
    began_us: Option<i64>,
    failed: bool,
    attributes: Vec<(&'static str, Value)>,
}

impl Said {
    fn put(&mut self, name: &'static str, value: Value) {
        // The words of our logs in those of OpenTelemetry's semantic conventions.
        let name = match name {
            "method" => "http.request.method",
            "path" => "http.route",
            "status" => "http.response.status_code",
            other => other,
        };
        self.attributes.retain(|(known, _)| *known != name);
        self.attributes.push((name, value));
    }

    fn text(&mut self, name: &'static str, text: &str) {
        match name {
            "alert" => {
                if let Ok(id) = text.parse::<Uuid>() {
                    self.alert = Some(*id.as_bytes());
                    self.put("sentinela.alert.id", Value::Text(id.to_string()));
                }
            }
            "traceparent" => self.remote = Place::parse(text),
            "kind" => {
                self.kind = match text {
                    "server" => Kind::Server,
                    "client" => Kind::Client,
                    _ => Kind::Internal,
                }
            }
            name => self.put(name, Value::Text(mask(text).chars().take(MOST_LETTERS).collect())),
        }
    }
}

impl Visit for Said {
    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "began_us" => self.began_us = Some(value),
            name => self.put(name, Value::Whole(value)),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), Value::Whole(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), Value::Real(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "failed" => self.failed = value,
            name => self.put(name, Value::Flag(value)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

/// Gathers spans that end.
#[derive(Debug)]
pub struct Traces {
    ended: mpsc::Sender<Ended>,
    ids: Ids,
}

impl Traces {
    /// The layer, and where its spans come out.
    pub fn new(ids: Ids) -> (Self, mpsc::Receiver<Ended>) {
        let (ended, queue) = mpsc::channel(MOST_WAITING);
        IS_ON.store(true, Ordering::Relaxed);
        (Self { ended, ids }, queue)
    }
}

impl<S> Layer<S> for Traces
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut said = Said::default();
        attributes.record(&mut said);
        let before = match span.parent() {
            Some(parent) => parent.extensions().get::<Open>().map(|open| open.place),
            None => None,
        };
        let open = Open::begin(said, before, &self.ids, now_us());
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(&mut open.said);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        if self.ended.try_send(open.end(span.name(), now_us())).is_err() {
            metrics::counter!("sentinela_traces_lost_total", "why" => "full").increment(1);
        }
    }
}

/// Microseconds since 1970 by the machine's clock: spans of several machines are laid side by side.
pub fn now_us() -> i64 {
    Clock::System.now().timestamp_micros()
}

/// How many spans of one kind a second may have: a city's messages are too many to be told one by one.
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    per_second: u32,
    second: i64,
    taken: u32,
}

impl Sampler {
    pub const fn new(per_second: u32) -> Self {
        Self { per_second, second: 0, taken: 0 }
    }

    /// Whether one more may be told in this second. `second`: seconds since 1970.
    pub const fn takes(&mut self, second: i64) -> bool {
        if self.second != second {
            self.second = second;
            self.taken = 0;
        }
        self.taken += 1;
        self.taken <= self.per_second
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const ALERT: &str = "019ad0f0-1111-7222-8333-444455556666";

    /// The spans that end while `act` runs, in the order of their ends.
    fn traced(act: impl FnOnce()) -> Vec<Ended> {
        let (traces, mut queue) = Traces::new(Ids::seeded(7));
        let subscriber = Registry::default().with(traces.with_filter(filter_fn(is_ours)));
        tracing::subscriber::with_default(subscriber, act);
        std::iter::from_fn(|| queue.try_recv().ok()).collect()
    }

    #[test]
    fn what_is_about_an_alert_is_in_the_alerts_own_trace_and_linked_to_what_led_to_it() {
        let ended = traced(|| {
            let evaluation = tracing::info_span!(target: TARGET, "evaluate", sentinela.readings = 3_u64);
            let _inside = evaluation.enter();
            let _other = tracing::info_span!("of no interest").entered();
            let draft = tracing::info_span!(target: TARGET, "alert.draft", alert = %ALERT);
            let _deeper = draft.enter();
            drop(tracing::info_span!(target: TARGET, "outbox.enqueue", alert = %ALERT));
        });
        let [enqueued, drafted, evaluated] = &ended[..] else { panic!("{ended:?}") };
        assert_eq!((enqueued.name, drafted.name, evaluated.name), ("outbox.enqueue", "alert.draft", "evaluate"));
        let alert = *ALERT.parse::<Uuid>().unwrap().as_bytes();
        assert_eq!((drafted.place.trace_id, drafted.parent), (alert, None));
        assert_eq!(drafted.links, [evaluated.place]);
        assert_eq!((enqueued.place.trace_id, enqueued.parent), (alert, Some(drafted.place.span_id)));
        assert_eq!(evaluated.attributes, [("sentinela.readings", Value::Whole(3))]);
        assert!(evaluated.began_us <= drafted.began_us && drafted.ended_us <= evaluated.ended_us);
    }

    #[test]
    fn whoever_asks_from_outside_is_the_parent_and_whoever_is_asked_is_told() {
        let outside = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut told = None;
        let ended = traced(|| {
            let span = tracing::info_span!(target: TARGET, "http", kind = "server", traceparent = outside);
            let _inside = span.enter();
            told = traceparent();
        });
        assert_eq!(hex(&ended[0].place.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(ended[0].parent.map(|id| hex(&id)).as_deref(), Some("00f067aa0ba902b7"));
        assert_eq!(ended[0].kind, Kind::Server);
        assert_eq!(told, Some(ended[0].place.traceparent()));
        assert_eq!(traceparent(), None);
    }

    #[test]
    fn a_traceparent_that_is_none_is_nobodys() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        assert!(Place::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
    }

    #[test]
    fn no_attribute_carries_an_address() {
        let ended = traced(|| {
            let span = tracing::info_span!(target: TARGET, "dispatch.send", to = "+5532999991234", why = tracing::field::Empty);
            span.record("why", "550 <maria.souza@exemplo.br> rejected");
        });
        let told = format!("{:?}", ended[0].attributes);
        assert!(!told.contains("99999") && !told.contains("maria"), "{told}");
        assert!(told.contains("rejected"), "{told}");
    }

    #[test]
    fn a_second_has_room_for_so_many() {
        let mut sampler = Sampler::new(2);
        let taken: Vec<bool> = [10, 10, 10, 11].map(|second| sampler.takes(second)).to_vec();
        assert_eq!(taken, [true, true, false, true]);
    }
}
