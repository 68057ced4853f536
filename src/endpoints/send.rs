//! Hands one request to an endpoint and says what came of it. Through the guarded client, so that no endpoint reaches what only this
//! service can reach.

use axum::http;

use super::message::Request;
use crate::clock::Stopwatch;
use crate::dispatch::decide::Outcome;
use crate::dispatch::retry::Code;
use crate::outbound::{Client, OutboundError};
use crate::telemetry::trace;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Characters of an answer that are kept.
const KEPT: usize = 500;

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub outcome: Outcome,
    /// HTTP status.
    pub code: Option<u16>,
    /// The beginning of the answer.
    pub answer: String,
    pub took_ms: i32,
}

impl Sent {
    /// The word in `endpoint_attempt.outcome`.
    pub const fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Accepted | Outcome::Delivered => "delivered",
            Outcome::Refused { .. } => "refused",
            Outcome::NotSent { .. } => "not_sent",
            Outcome::Unknown { .. } => "unknown",
        }
    }

    /// Why it did not go well; empty when it did.
    pub fn detail(&self) -> String {
        let detail = match &self.outcome {
            Outcome::Accepted | Outcome::Delivered => "",
            Outcome::Refused { detail, .. } | Outcome::NotSent { detail } | Outcome::Unknown { detail } => detail,
        };
        detail.chars().take(300).collect()
    }
}

pub async fn send(client: &Client, request: Request) -> Sent {
    let watch = Stopwatch::start();
    let wanted = request.success_contains.clone();
    let asked = match made(request) {
        Ok(asked) => client.send(asked, MAX_ANSWER).await,
        Err(why) => Err(OutboundError::Setup(why)),
    };
    let took_ms = i32::try_from(watch.elapsed().as_millis()).unwrap_or(i32::MAX);
    match asked {
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body);
            let outcome = judged(answer.status.as_u16(), &text, &wanted);
            let kept = text.chars().filter(|letter| !letter.is_control()).take(KEPT).collect();
            Sent { outcome, code: Some(answer.status.as_u16()), answer: kept, took_ms }
        }
        Err(error) => Sent { outcome: failed(&error), code: None, answer: String::new(), took_ms },
    }
}

fn made(request: Request) -> Result<http::Request<Vec<u8>>, String> {
    let mut made = http::Request::builder().method(request.method).uri(request.url);
    for (name, value) in request.headers {
        made = made.header(name, value);
    }
    if let Some(parent) = trace::traceparent() {
        made = made.header("traceparent", parent);
    }
    made.body(request.body).map_err(|error| error.to_string())
}

/// What an answer means.
fn judged(status: u16, text: &str, wanted: &str) -> Outcome {
    let refused = |detail: String| Outcome::Refused { code: Code::Endpoint(status), detail };
    match status {
        200..=299 if wanted.is_empty() || text.contains(wanted) => Outcome::Delivered,
        200..=299 => refused("the answer does not hold what a success holds".to_owned()),
        300..=399 => refused("it redirects, which is not followed".to_owned()),
        _ => refused(String::new()),
    }
}

fn failed(error: &OutboundError) -> Outcome {
    let detail = error.to_string();
    if error.never_left() { Outcome::NotSent { detail } } else { Outcome::Unknown { detail } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_is_200_to_299_and_holds_what_was_asked_for() {
        assert_eq!(judged(204, "", ""), Outcome::Delivered);
        assert_eq!(judged(200, r#"{"ok":true}"#, r#""ok":true"#), Outcome::Delivered);
        for (status, text) in [(200, r#"{"ok":false}"#), (302, ""), (500, "")] {
            assert!(matches!(judged(status, text, r#""ok":true"#), Outcome::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn what_may_have_arrived_is_not_called_unsent() {
        let host = || "h".to_owned();
        let slow = OutboundError::Slow { host: host(), within: std::time::Duration::from_secs(1) };
        assert!(matches!(failed(&slow), Outcome::Unknown { .. }));
        let cut = OutboundError::Unreachable { host: host(), why: "connection reset".into() };
        assert!(matches!(failed(&cut), Outcome::Unknown { .. }), "it may have been read before");
        let closed = OutboundError::Unconnected { host: host(), why: "connection refused".into() };
        assert!(matches!(failed(&closed), Outcome::NotSent { .. }));
        let refused = OutboundError::Refused { host: host(), why: "it is private".into() };
        assert!(matches!(failed(&refused), Outcome::NotSent { .. }));
    }
}
