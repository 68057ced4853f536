//! SMS through a gateway over HTTP: one request a message. What is asked and what the answer means is `gateway`'s; the way out is
//! `outbound`'s, so that no configuration reaches into the own network by accident.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;

use super::{Body, Done, Job, part_end};
use crate::clock::Instant;
use crate::config::{HttpProvider, Outbound};
use crate::dispatch::decide::Outcome;
use crate::dispatch::gateway::{Gateway, Words};
use crate::dispatch::retry::{Code, Verdict};
use crate::outbound::{Client, Limits};
use crate::telemetry::trace;

/// Longest connect: a gateway that is there answers at once, and the next provider waits.
const CONNECT: Duration = Duration::from_secs(3);
/// An answer to one message is a few hundred bytes.
const ANSWER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Road {
    gateway: Gateway,
    client: Client,
    callback_url: String,
}

impl Road {
    /// # Errors
    /// Says which key is wrong.
    pub fn new(provider: &HttpProvider, outbound: &Outbound, public_url: &str) -> Result<Self, String> {
        let gateway = Gateway::new(provider).map_err(|wrong| format!("gateway {}: {wrong}", provider.name))?;
        let limits = Limits {
            connect: CONNECT,
            whole: Duration::from_secs(provider.timeout_s.into()),
            body_bytes: ANSWER_BYTES,
            idle_per_host: provider.window as usize,
        };
        let callback_url = gateway.callback_url(public_url);
        Ok(Self { gateway, client: Client::with_limits(outbound, limits), callback_url })
    }

    /// Hands one message over. The gateway splits a long one itself.
    pub async fn send(self: Arc<Self>, job: Job, now: Instant) -> Done {
        let (outcome, message_id) = match &job.body {
            // The gateway took the message in an earlier try, whose end was lost.
            Body::Sms { done, .. } if !done.is_empty() => {
                return Done { parts: Vec::new(), outcome: Outcome::Accepted, job };
            }
            Body::Sms { text, .. } => self.hand_over(&job, text, now).await,
            Body::Letter(_) | Body::Impossible(_) => (refused("not an SMS".to_owned()), None),
        };
        Done { parts: vec![part_end(1, &outcome, message_id)], outcome, job }
    }

    async fn hand_over(&self, job: &Job, text: &str, now: Instant) -> (Outcome, Option<String>) {
        let reference = job.row.key.reference();
        let words = Words {
            to: &job.row.address,
            text,
            reference: &reference,
            callback_url: &self.callback_url,
            validity_s: (job.row.expires_at - now).num_seconds().max(1),
        };
        let mut request = match self.gateway.request(&words) {
            Ok(request) => request,
            Err(detail) => return (refused(detail), None),
        };
        if let Some(Ok(parent)) = trace::traceparent().as_deref().map(HeaderValue::from_str) {
            request.headers_mut().insert("traceparent", parent);
        }
        match self.client.send(request, ANSWER_BYTES).await {
            Ok(answer) => self.gateway.reading.read(answer.status.as_u16(), &answer.body, &reference),
            Err(error) if error.never_left() => (Outcome::NotSent { detail: error.to_string() }, None),
            Err(error) => {
                let id = self.gateway.reading.id_without_answer(&reference);
                (Outcome::Unknown { detail: error.to_string() }, id)
            }
        }
    }
}

/// By ourselves, before anything was asked.
fn refused(detail: String) -> Outcome {
    Outcome::Refused { code: Code::Gateway { status: 0, verdict: Verdict::Permanent, is_dead: false }, detail }
}
