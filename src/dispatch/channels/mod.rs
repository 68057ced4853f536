//! The ways out.

pub mod email;
pub mod sink;
pub mod smpp;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::content::Letter;
use super::decide::Outcome;
use super::sms_text::Encoded;
use super::store::claim::{Claimed, PartEnd};

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Sms {
        encoded: Encoded,
        /// Parts the provider took in an earlier try.
        done: Vec<i32>,
    },
    Letter(Arc<Letter>),
    /// It cannot be put into words the channel carries, and why.
    Impossible(String),
}

/// A claimed row with its words.
#[derive(Clone, Debug)]
pub struct Job {
    pub row: Claimed,
    pub body: Body,
    pub life_safety: bool,
}

impl Job {
    /// What it costs of the provider's rate and window.
    pub fn weight(&self) -> usize {
        match &self.body {
            Body::Sms { encoded, done } => encoded.parts.len().saturating_sub(done.len()).max(1),
            Body::Letter(_) | Body::Impossible(_) => 1,
        }
    }
}

/// A try that ended.
#[derive(Debug)]
pub struct Done {
    pub job: Job,
    pub outcome: Outcome,
    pub parts: Vec<PartEnd>,
}

/// A provider that is there.
#[derive(Clone, Debug)]
pub enum Way {
    Smpp(smpp::Bound),
    Mail(Arc<email::Mailer>),
}

impl Way {
    /// Hands one message over. The intent must have been committed.
    pub fn send(&self, job: Job, now: crate::clock::Instant) -> BoxFuture<'static, Done> {
        match self {
            Self::Smpp(bound) => Box::pin(bound.clone().send(job, now)),
            Self::Mail(mailer) => Box::pin(Arc::clone(mailer).send(job, now)),
        }
    }
}

/// The record of a part.
fn part_end(part: i32, outcome: &Outcome, message_id: Option<String>) -> PartEnd {
    let (word, code, detail) = match outcome {
        Outcome::Accepted => ("accepted", String::new(), String::new()),
        Outcome::Delivered => ("delivered", String::new(), String::new()),
        Outcome::Refused { code, detail } => ("rejected", code.to_string(), detail.clone()),
        Outcome::NotSent { detail } => ("not_sent", String::new(), detail.clone()),
        Outcome::Unknown { detail } => ("unknown", String::new(), detail.clone()),
    };
    PartEnd { part, outcome: word, code, detail, message_id }
}
