//! The ways out.

pub mod email;
pub mod http;
pub mod sink;
pub mod smpp;
pub mod smpp_io;
mod smpp_tls;
pub mod template;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::content::Letter;
use super::decide::Outcome;
use super::held::Held;
use super::sms_text::Encoded;
use super::store::claim::PartEnd;
use crate::clock::Instant;
use crate::ids::{AlertId, OutboxId};

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Sms {
        text: Arc<str>,
        encoded: Encoded,
        /// Parts the provider took in an earlier try.
        done: Vec<i32>,
    },
    Letter(Arc<Letter>),
    /// It cannot be put into words the channel carries, and why.
    Impossible(String),
}

/// What a message is, to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A row of the outbox, with its alert.
    Outbox(OutboxId, AlertId),
    Notice(uuid::Uuid),
}

impl Key {
    pub const fn is_notice(self) -> bool {
        matches!(self, Self::Notice(_))
    }

    /// How gateways know the message: short, the same for every try, and no number that another id could be mistaken for.
    pub fn reference(self) -> String {
        match self {
            Self::Outbox(id, _) => format!("s{id}"),
            Self::Notice(id) => format!("n{}", id.simple()),
        }
    }
}

/// Also the left-hand side of an e-mail's message id: the same for each try.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outbox(id, alert) => write!(f, "{id}.{alert}"),
            Self::Notice(id) => write!(f, "notice.{id}"),
        }
    }
}

/// A message in our hands until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: Key,
    pub address: String,
    /// This try, from 1.
    pub attempt: i32,
    pub fence: i64,
    pub expires_at: Instant,
    /// Providers that gave it up before.
    pub refusals: i32,
}

/// A claimed row with its words.
#[derive(Clone, Debug)]
pub struct Job {
    pub row: Row,
    pub body: Body,
    pub life_safety: bool,
    /// Until when it may leave.
    pub held: Held,
}

impl Job {
    /// What it costs of the provider's rate and window, where those count segments.
    pub fn weight(&self, counts_segments: bool) -> usize {
        match &self.body {
            Body::Sms { .. } if !counts_segments => 1,
            Body::Sms { encoded, done, .. } => encoded.parts.len().saturating_sub(done.len()).max(1),
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

/// What came of handing something over.
#[derive(Debug)]
pub enum Handed {
    Ended(Done),
    /// Its lease was nearly over before it left: nothing was sent, and another may have it.
    LetGo(Job),
}

/// A provider that is there.
#[derive(Clone, Debug)]
pub enum Way {
    Smpp(smpp::Binds),
    Http(Arc<http::Road>),
    Mail(Arc<email::Mailer>),
}

impl Way {
    /// Hands one message over. The intent must have been committed. The lease is asked when the message is about to leave and not
    /// when it is taken from the queue: whoever asks for this may have been stopped, or held up by the database, in between.
    pub fn send(&self, job: Job, now: Instant) -> BoxFuture<'static, Handed> {
        let way = self.clone();
        Box::pin(async move {
            if !job.held.is_good() {
                return Handed::LetGo(job);
            }
            Handed::Ended(match way {
                Self::Smpp(binds) => binds.pick().send(job, now).await,
                Self::Http(road) => road.send(job, now).await,
                Self::Mail(mailer) => mailer.send(job, now).await,
            })
        })
    }
}

/// The record of a part.
pub(crate) fn part_end(part: i32, outcome: &Outcome, message_id: Option<String>) -> PartEnd {
    let (word, code, detail) = match outcome {
        Outcome::Accepted => ("accepted", String::new(), String::new()),
        Outcome::Delivered => ("delivered", String::new(), String::new()),
        Outcome::Refused { code, detail } => ("rejected", code.to_string(), detail.clone()),
        Outcome::NotSent { detail } => ("not_sent", String::new(), detail.clone()),
        Outcome::Unknown { detail } => ("unknown", String::new(), detail.clone()),
    };
    PartEnd { part, outcome: word, code, detail, message_id }
}
