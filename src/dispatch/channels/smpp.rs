//! SMS over SMPP 3.4 or 5.0 (`rusmppc`): keeps a transceiver bound, hands parts over, and passes receipts on.
//!
//! The client library answers and sends `enquire_link`; window and rate are the caller's business. Its check of the
//! interface version is off, because most centres speak 3.4.

mod incoming;
mod submit;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use rusmpp::pdus::{BindTransceiver, SubmitSm};
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmpp::{Command, Pdu};
use rusmppc::error::Error;
use rusmppc::{Client, ConnectionBuilder, Event};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::smpp_io::{DataSms, Events, attach};
use super::smpp_tls;
use super::{Body, Done, Job, part_end};
use crate::clock::Instant;
use crate::config::{SmppProvider, SmppVersion};
use crate::dispatch::decide::Outcome;
use crate::dispatch::receipts;
use crate::dispatch::retry::Code;
use crate::dispatch::store::receipt::Incoming;
use crate::dispatch::writer::{Received, Write};
use crate::failpoint::{self, Place};

pub use incoming::{read, read_data};
use submit::submit;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RECONNECT_FIRST: Duration = Duration::from_millis(250);
const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// Courtesy at the end, in vain when the centre is gone.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(1);

/// News of a session, by its place among those of the provider.
#[derive(Debug)]
pub enum LinkEvent {
    Up(usize, Bound),
    Down(usize),
}

/// The sessions that are bound. Messages take turns.
#[derive(Clone, Debug)]
pub struct Binds {
    first: (usize, Bound),
    others: Vec<(usize, Bound)>,
    turn: Arc<AtomicUsize>,
}

impl Binds {
    pub fn one(place: usize, bound: Bound) -> Self {
        Self { first: (place, bound), others: Vec::new(), turn: Arc::default() }
    }

    #[must_use]
    pub fn with(mut self, place: usize, bound: Bound) -> Self {
        self.others.push((place, bound));
        self
    }

    /// `None` when it was the last.
    pub fn without(self, place: usize) -> Option<Self> {
        let Self { first, others, turn } = self;
        let mut left = std::iter::once(first).chain(others).filter(|(other, _)| *other != place);
        left.next().map(|first| Self { first, others: left.collect(), turn: Arc::clone(&turn) })
    }

    pub fn pick(&self) -> Bound {
        let at = self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        let other = at.checked_sub(1).and_then(|at| self.others.get(at));
        other.map_or(&self.first, |other| other).1.clone()
    }
}

/// A bound session.
#[derive(Clone, Debug)]
pub struct Bound {
    client: Client,
    config: Arc<SmppProvider>,
    /// Cancelled when the session is over, so that nothing waits for answers that cannot come.
    over: CancellationToken,
}

/// Keeps one session, the provider's `place`-th, bound until `closing`. Receipts go to `writes`, which answers them once they are kept.
pub async fn keep_bound(
    config: Arc<SmppProvider>,
    place: usize,
    closing: CancellationToken,
    news: mpsc::Sender<LinkEvent>,
    writes: mpsc::Sender<Write>,
) {
    let mut wait = RECONNECT_FIRST;
    while !closing.is_cancelled() {
        match bind(&config).await {
            Ok((client, events, data_sms)) => {
                tracing::info!(provider = config.name, place, "bound to the SMS centre");
                wait = RECONNECT_FIRST;
                let over = CancellationToken::new();
                let bound = Bound { client, config: Arc::clone(&config), over: over.clone() };
                if news.send(LinkEvent::Up(place, bound.clone())).await.is_err() {
                    return;
                }
                listen(&bound, (events, &data_sms), &closing, &writes).await;
                over.cancel();
                tracing::warn!(provider = config.name, place, "the session with the SMS centre ended");
                // The receiver ends only with the service.
                let _ = news.send(LinkEvent::Down(place)).await;
            }
            Err(error) => tracing::warn!(%error, provider = config.name, ?wait, "cannot bind to the SMS centre"),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(RECONNECT_MAX),
            () = closing.cancelled() => {}
        }
    }
}

async fn bind(config: &SmppProvider) -> Result<(Client, Events, DataSms), String> {
    let address = (config.host.as_str(), config.port);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| format!("no connection within {CONNECT_TIMEOUT:?}"))?
        .map_err(|error| error.to_string())?;
    // A window of small PDUs must not wait for one another.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let builder = ConnectionBuilder::new().disable_interface_version_check().response_timeout(patience(config));
    let (client, events, data_sms) = if config.tls {
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, smpp_tls::wrap(config, stream))
            .await
            .map_err(|_| format!("no TLS within {CONNECT_TIMEOUT:?}"))??;
        attach(builder, stream)
    } else {
        attach(builder, stream)
    };
    let request = BindTransceiver::builder()
        .system_id(text(&config.system_id, "system_id")?)
        .password(text(&config.password, "password")?)
        .interface_version(match config.interface_version {
            SmppVersion::V34 => InterfaceVersion::Smpp3_4,
            SmppVersion::V50 => InterfaceVersion::Smpp5_0,
        })
        .build();
    client.bind_transceiver(request).await.map_err(|error| describe(&error))?;
    Ok((client, events, data_sms))
}

/// Binds and unbinds, to see whether the centre lets us in.
///
/// # Errors
/// In one line, what failed.
pub async fn probe(config: &SmppProvider) -> Result<(), String> {
    let (client, _events, _data_sms) = bind(config).await?;
    // It let us in; whether the farewell arrives does not matter.
    let _ = tokio::time::timeout(UNBIND_TIMEOUT, client.unbind()).await;
    let _ = client.close().await;
    Ok(())
}

/// No answer to a submit after this is an unknown outcome.
fn patience(config: &SmppProvider) -> Duration {
    Duration::from_secs(config.timeout_s.into())
}

fn text<const MAX: usize>(value: &str, key: &str) -> Result<COctetString<1, MAX>, String> {
    COctetString::from_string(value.to_owned()).map_err(|error| format!("`{key}`: {error}"))
}

async fn listen(
    bound: &Bound,
    (mut events, data_sms): (Events, &DataSms),
    closing: &CancellationToken,
    writes: &mpsc::Sender<Write>,
) {
    let client = &bound.client;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = closing.cancelled() => {
                let _ = tokio::time::timeout(UNBIND_TIMEOUT, client.unbind()).await;
                let _ = client.close().await;
                return;
            }
        };
        match event {
            Some(Event::Incoming(command)) => match command.pdu() {
                Some(Pdu::DeliverSm(message)) => {
                    let incoming = read(message, &bound.config.dead_errors);
                    if !keep(incoming, command.sequence_number(), client, writes).await {
                        return;
                    }
                }
                Some(Pdu::DataSm(message)) => {
                    data_sms.came(command.sequence_number());
                    let incoming = read_data(message, &bound.config.dead_errors);
                    if !keep(incoming, command.sequence_number(), client, writes).await {
                        return;
                    }
                }
                Some(Pdu::Unbind) => {
                    // It hangs up; whether it hears this does not matter.
                    let _ = client.unbind_resp(command.sequence_number()).await;
                    let _ = client.close().await;
                    return;
                }
                _ => unexpected(&command),
            },
            Some(Event::Error(error)) => {
                tracing::warn!(provider = bound.config.name, error = describe(&error), "SMS centre");
                return;
            }
            None => return,
        }
    }
}

/// Hands over what came; it is answered once it is kept. False when nobody takes it any more.
async fn keep(incoming: Incoming, sequence: u32, client: &Client, writes: &mpsc::Sender<Write>) -> bool {
    let received = Received { incoming, sequence, client: client.clone() };
    writes.send(Write::Receipt(received)).await.is_ok()
}

fn unexpected(command: &Command) {
    tracing::debug!(id = ?command.id(), sequence = command.sequence_number(), "not asked for, or answered too late");
}

impl Bound {
    /// Hands over the parts the centre does not have yet.
    pub async fn send(self, job: Job, now: Instant) -> Done {
        let Body::Sms { encoded, done, .. } = &job.body else {
            let outcome = Outcome::Refused { code: Code::Smpp(0x01), detail: "not an SMS".to_owned() };
            return Done { parts: vec![part_end(1, &outcome, None)], outcome, job };
        };
        let missing = (1_i32..).zip(&encoded.parts).filter(|(part, _)| !done.contains(part));
        let bound = &self;
        let sending = missing.map(|(part, octets)| {
            let pdu = submit(&bound.config, &job, encoded, octets, now);
            async move {
                let (outcome, message_id) = match pdu {
                    Ok(pdu) => bound.hand_over(pdu).await,
                    Err(unfit) => (unfit.into(), None),
                };
                (part, outcome, message_id)
            }
        });
        let ends = join_all(sending).await;
        let parts = ends.iter().map(|(part, outcome, id)| part_end(*part, outcome, id.clone())).collect();
        let outcome = worst(ends.into_iter().map(|(_, outcome, _)| outcome));
        Done { job, outcome, parts }
    }

    async fn hand_over(&self, pdu: SubmitSm) -> (Outcome, Option<String>) {
        let (client, over, patience) = (&self.client, &self.over, patience(&self.config));
        if !client.is_active() || over.is_cancelled() {
            return (Outcome::NotSent { detail: "the session ended".to_owned() }, None);
        }
        failpoint::reach(Place::DispatchPduBefore).await;
        // The library counts the time of an answer within its connection, which a broken one may not live to see.
        let answer = tokio::select! {
            biased;
            answer = client.submit_sm(pdu) => answer,
            () = over.cancelled() => return (Outcome::Unknown { detail: "the session ended before the answer".to_owned() }, None),
            () = tokio::time::sleep(patience + UNBIND_TIMEOUT) => {
                return (Outcome::Unknown { detail: format!("no answer within {patience:?}") }, None);
            }
        };
        failpoint::reach(Place::DispatchResponseAfter).await;
        match answer {
            Ok(response) => (Outcome::Accepted, Some(receipts::normal_id(response.message_id().as_str()))),
            Err(Error::UnexpectedResponse { response }) => {
                let status = u32::from(response.status());
                if status == 0 {
                    return (Outcome::Unknown { detail: format!("answered with {:?}", response.id()) }, None);
                }
                (Outcome::Refused { code: Code::Smpp(status), detail: format!("{:?}", response.status()) }, None)
            }
            Err(Error::Encode(error)) => (Outcome::Refused { code: Code::Smpp(0x01), detail: error.to_string() }, None),
            Err(error) => (Outcome::Unknown { detail: describe(&error) }, None),
        }
    }
}

/// A message is as well as its worst part: refused, then unknown, then not sent.
fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Refused { .. } => 3,
        Outcome::Unknown { .. } => 2,
        Outcome::NotSent { .. } => 1,
        Outcome::Accepted | Outcome::Delivered => 0,
    };
    outcomes.max_by_key(rank).unwrap_or(Outcome::Accepted)
}

/// The library's error in one line, with the centre's own code where there is one.
fn describe(error: &Error) -> String {
    match error {
        Error::UnexpectedResponse { response } => {
            format!("the centre answered {:?} (0x{:08x})", response.status(), u32::from(response.status()))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sessions_take_turns_and_the_last_one_that_ends_leaves_none() {
        let config = Arc::new(SmppProvider::default());
        let bound = |_| {
            let (stream, _) = tokio::io::duplex(64);
            let (client, ..) = ConnectionBuilder::new().no_spawn().connected(stream);
            Bound { client, config: Arc::clone(&config), over: CancellationToken::new() }
        };
        let binds = Binds::one(0, bound(0)).with(1, bound(1)).with(2, bound(2));
        assert_eq!(binds.others.len(), 2);
        let left = binds.without(0).and_then(|binds| binds.without(2)).unwrap();
        assert_eq!((left.first.0, left.others.len()), (1, 0));
        assert!(left.without(1).is_none());
    }

    #[test]
    fn a_message_is_as_well_as_its_worst_part() {
        let refused = Outcome::Refused { code: Code::Smpp(0x58), detail: String::new() };
        let unknown = Outcome::Unknown { detail: String::new() };
        assert_eq!(worst([Outcome::Accepted, refused.clone(), unknown].into_iter()), refused);
        assert_eq!(worst(std::iter::empty()), Outcome::Accepted);
    }
}
