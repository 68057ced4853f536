//! SMS over SMPP 3.4 or 5.0 (`rusmppc`): keeps a transceiver bound, hands parts over, and passes receipts on.
//!
//! The client library answers and sends `enquire_link`; window and rate are the caller's business. Its check of the
//! interface version is off, because most centres speak 3.4.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use rusmpp::encode::Length as _;
use rusmpp::encode::owned::Encode as _;
use rusmpp::pdus::{BindTransceiver, DataSm, DeliverSm, SubmitSm};
use rusmpp::tlvs::{Tlv, TlvValue};
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, InterfaceVersion, IntermediateNotification, MCDeliveryReceipt, Npi, PriorityFlag,
    RegisteredDelivery, SmeOriginatedAcknowledgement, Ton,
};
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
use crate::dispatch::parts::{self, Label, Part};
use crate::dispatch::receipts::{self, Parameters, Receipt};
use crate::dispatch::retry::Code;
use crate::dispatch::sms_text::{self, Encoded, Encoding};
use crate::dispatch::store::receipt::Incoming;
use crate::dispatch::writer::{Received, Write};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RECONNECT_FIRST: Duration = Duration::from_millis(250);
const RECONNECT_MAX: Duration = Duration::from_secs(30);
const UCS2: u8 = 8;
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

/// What of an incoming message matters, by whichever command it comes.
struct Came<'a> {
    source: &'a str,
    destination: &'a str,
    esm_class: u8,
    data_coding: u8,
    short_message: &'a [u8],
    parameters: &'a [Tlv],
}

/// What a centre tells by `deliver_sm`: a receipt, or a message of a person's. Some centres forget to mark a receipt as one.
pub fn read(message: &DeliverSm, dead_errors: &[String]) -> Incoming {
    let mut raw = bytes::BytesMut::with_capacity(message.length());
    message.encode(&mut raw);
    let came = Came {
        source: message.source_addr.as_str(),
        destination: message.destination_addr.as_str(),
        esm_class: message.esm_class.into(),
        data_coding: message.data_coding.into(),
        short_message: message.short_message().as_ref(),
        parameters: message.tlvs(),
    };
    read_any(&came, raw.to_vec(), dead_errors)
}

/// The same by `data_sm` (SMPP 3.4, section 4.7), whose text stands in a parameter.
pub fn read_data(message: &DataSm, dead_errors: &[String]) -> Incoming {
    let mut raw = bytes::BytesMut::with_capacity(message.length());
    message.encode(&mut raw);
    let came = Came {
        source: message.source_addr.as_str(),
        destination: message.destination_addr.as_str(),
        esm_class: message.esm_class.into(),
        data_coding: message.data_coding.into(),
        short_message: &[],
        parameters: message.tlvs(),
    };
    read_any(&came, raw.to_vec(), dead_errors)
}

fn read_any(message: &Came<'_>, raw: Vec<u8>, dead_errors: &[String]) -> Incoming {
    let parameters = receipt_parameters(message);
    let (octets, coding) = (text_octets(message), message.data_coding);
    let text =
        if coding == UCS2 { sms_text::decode(octets, coding) } else { String::from_utf8_lossy(octets).into_owned() };
    let is_marked = message.esm_class & 0x3c != 0 || parameters.message_id.is_some();
    let is_receipt = is_marked || receipts::looks_like_one(&text);
    let receipt = if is_receipt { receipts::read(&text, &parameters, dead_errors) } else { None };
    let receipt = receipt.map(|receipt| Receipt { is_unmarked: !is_marked, ..receipt });
    let (words, part) = if is_receipt { (String::new(), None) } else { said(message) };
    Incoming { raw, address: message.source.to_owned(), receipt, words, part }
}

/// What a person wrote: the words, or a part that is read with the others. It says which in a header before its text, or in
/// parameters (SMPP 3.4, sections 5.3.2.22 to 5.3.2.24).
fn said(message: &Came<'_>) -> (String, Option<Part>) {
    let octets = text_octets(message);
    let has_header = message.esm_class & 0x40 != 0;
    let (label, begins) = if has_header { parts::header(octets) } else { (None, 0) };
    let (octets, data_coding) = (octets.get(begins..).unwrap_or_default(), message.data_coding);
    let Some(label) = label.or_else(|| parameters(message)) else {
        return (sms_text::decode(octets, data_coding), None);
    };
    let destination = message.destination.to_owned();
    (String::new(), Some(Part { destination, label, data_coding, octets: octets.to_vec() }))
}

/// The text as it came: in its field, or where that is too short for it, in a parameter.
fn text_octets<'a>(message: &Came<'a>) -> &'a [u8] {
    let payload = message.parameters.iter().find_map(|tlv| match tlv.value() {
        Some(TlvValue::MessagePayload(payload)) => Some(payload.value.as_ref()),
        _ => None,
    });
    if message.short_message.is_empty() { payload.unwrap_or_default() } else { message.short_message }
}

fn receipt_parameters(message: &Came<'_>) -> Parameters {
    let mut parameters = Parameters::default();
    for tlv in message.parameters {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(id)) => parameters.message_id = Some(id.as_str().to_owned()),
            Some(TlvValue::MessageState(state)) => parameters.state = Some(u8::from(*state)),
            Some(TlvValue::NetworkErrorCode(error)) => {
                parameters.network_error = Some((u8::from(error.network_type), error.error_code));
            }
            _ => {}
        }
    }
    parameters
}

fn parameters(message: &Came<'_>) -> Option<Label> {
    let (mut reference, mut total, mut number) = (None, None, None);
    for tlv in message.parameters {
        match tlv.value() {
            Some(TlvValue::SarMsgRefNum(value)) => reference = Some(*value),
            Some(TlvValue::SarTotalSegments(value)) => total = Some(*value),
            Some(TlvValue::SarSegmentSeqnum(value)) => number = Some(*value),
            _ => {}
        }
    }
    Label::new(reference?, total?, number?)
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
        // The library counts the time of an answer within its connection, which a broken one may not live to see.
        let answer = tokio::select! {
            biased;
            answer = client.submit_sm(pdu) => answer,
            () = over.cancelled() => return (Outcome::Unknown { detail: "the session ended before the answer".to_owned() }, None),
            () = tokio::time::sleep(patience + UNBIND_TIMEOUT) => {
                return (Outcome::Unknown { detail: format!("no answer within {patience:?}") }, None);
            }
        };
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

/// The digits of a number in full. An emptied row (`erased:190`) must never become a shorter number that somebody answers.
fn whole_number(address: &str) -> Result<String, String> {
    let digits = address.strip_prefix('+').unwrap_or_default();
    let is_whole = (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_whole { Ok(digits.to_owned()) } else { Err("the address is no telephone number in full".to_owned()) }
}

/// Why a message cannot be written down for the centre.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unfit {
    /// It is this row's own fault.
    Row(String),
    /// It is this provider's settings, as for every row: the next provider's turn.
    Ours(String),
}

impl From<String> for Unfit {
    fn from(error: String) -> Self {
        Self::Ours(error)
    }
}

impl From<Unfit> for Outcome {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Row(detail) => Self::Refused { code: Code::SmppOwn, detail },
            Unfit::Ours(detail) => Self::NotSent { detail },
        }
    }
}

fn submit(config: &SmppProvider, job: &Job, encoded: &Encoded, octets: &[u8], now: Instant) -> Result<SubmitSm, Unfit> {
    let (source_ton, source_npi) = numbering(&config.source_addr);
    let (dest_ton, dest_npi) = numbering(&job.row.address);
    let destination = whole_number(&job.row.address).map_err(Unfit::Row)?;
    let validity = validity_period(now, job.row.expires_at);
    let priority = if job.life_safety && !job.row.key.is_notice() { config.priority_flag } else { 0 };
    // Whether a code arrived is nobody's business but its reader's.
    let wanted = if job.row.key.is_notice() {
        MCDeliveryReceipt::NoMcDeliveryReceiptRequested
    } else {
        MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure
    };
    let receipt = RegisteredDelivery::new(
        wanted,
        SmeOriginatedAcknowledgement::NoReceiptSmeAcknowledgementRequested,
        IntermediateNotification::NoIntermediaryNotificationRequested,
        0,
    );
    Ok(SubmitSm::builder()
        .source_addr_ton(source_ton)
        .source_addr_npi(source_npi)
        .source_addr(text(config.source_addr.trim_start_matches('+'), "source_addr")?)
        .dest_addr_ton(dest_ton)
        .dest_addr_npi(dest_npi)
        .destination_addr(text(&destination, "address")?)
        // Octet by octet: the library's own default sets an ANSI-41 bit.
        .esm_class(EsmClass::from(if encoded.has_header { 0x40 } else { 0x00 }))
        .priority_flag(PriorityFlag::new(priority))
        .validity_period(EmptyOrFullCOctetString::from_string(validity).map_err(|error| error.to_string())?)
        .registered_delivery(receipt)
        .data_coding(match encoded.encoding {
            Encoding::Gsm7 | Encoding::Gsm7Portuguese => DataCoding::McSpecific,
            Encoding::Ucs2 => DataCoding::Ucs2,
        })
        .short_message(OctetString::from_slice(octets).map_err(|error| error.to_string())?)
        .build())
}

/// Type of number and numbering plan (SMPP 3.4, sections 5.2.5 and 5.2.6) of an address as people write it.
fn numbering(address: &str) -> (Ton, Npi) {
    if address.starts_with('+') {
        (Ton::International, Npi::Isdn)
    } else if address.bytes().all(|b| b.is_ascii_digit()) {
        (Ton::Unknown, Npi::Unknown)
    } else {
        (Ton::Alphanumeric, Npi::Unknown)
    }
}

/// The time left as SMPP's relative form "YYMMDDhhmmss000R" (3.4, section 7.1.1.2); months of 30 days, at least one second.
fn validity_period(now: Instant, expires_at: Instant) -> String {
    let left = (expires_at - now).num_seconds().clamp(1, 99 * 360 * 86_400);
    let (days, rest) = (left / 86_400, left % 86_400);
    let (years, months, days) = (days / 360, days % 360 / 30, days % 30);
    format!("{years:02}{months:02}{days:02}{:02}{:02}{:02}000R", rest / 3600, rest % 3600 / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue;
    use rusmpp::types::AnyOctetString;
    use rusmpp::values::{ErrorCodeNetworkType, MessagePayload, MessageState, NetworkErrorCode};

    use super::*;
    use crate::clock::from_micros;
    use crate::dispatch::channels::{Key, Row};
    use crate::dispatch::held::Held;
    use crate::dispatch::retry::{self, Verdict};

    fn part(esm_class: u8, octets: &[u8]) -> DeliverSm {
        DeliverSm::builder()
            .source_addr(text("5532999990001", "source").unwrap())
            .destination_addr(text("40199", "destination").unwrap())
            .esm_class(EsmClass::from(esm_class))
            .data_coding(DataCoding::Ucs2)
            .short_message(OctetString::from_slice(octets).unwrap())
            .build()
    }

    #[test]
    fn a_part_is_known_by_either_header_or_by_parameters() {
        let label = Label { reference: 7, total: 2, number: 1 };
        let expected = Part { destination: "40199".into(), label, data_coding: 8, octets: vec![0, b'a'] };
        let mut by_parameters = part(0, &[0, b'a']);
        by_parameters.push_tlv(MessageDeliveryRequestTlvValue::SarMsgRefNum(7));
        by_parameters.push_tlv(MessageDeliveryRequestTlvValue::SarTotalSegments(2));
        by_parameters.push_tlv(MessageDeliveryRequestTlvValue::SarSegmentSeqnum(1));
        let by_header = part(0x40, &[5, 0, 3, 7, 2, 1, 0, b'a']);
        let by_long_header = part(0x40, &[6, 8, 4, 0, 7, 2, 1, 0, b'a']);
        for message in [by_header, by_long_header, by_parameters] {
            let read = read(&message, &[]);
            assert_eq!((read.words.as_str(), read.part.as_ref()), ("", Some(&expected)));
        }
        let whole = read(&part(0x40, &[5, 0, 3, 7, 1, 1, 0, b'a']), &[]);
        assert_eq!((whole.words.as_str(), whole.part), ("a", None));
    }

    #[test]
    fn a_receipt_is_known_by_its_mark_its_parameters_or_its_words_wherever_its_text_stands() {
        let words = b"id:00AB sub:001 dlvrd:000 submit date:1 done date:2 stat:UNDELIV err:008 text:";
        let mut by_payload = part(0, b"");
        by_payload.push_tlv(MessageDeliveryRequestTlvValue::MessagePayload(MessagePayload::new(
            AnyOctetString::from_slice(words),
        )));
        let mut unmarked = part(0, words);
        unmarked.data_coding = DataCoding::McSpecific;
        by_payload.data_coding = DataCoding::McSpecific;
        let mut by_parameter = part(0, b"");
        by_parameter.push_tlv(MessageDeliveryRequestTlvValue::ReceiptedMessageId(text("0xAB", "id").unwrap()));
        by_parameter.push_tlv(MessageDeliveryRequestTlvValue::MessageState(MessageState::Undeliverable));
        by_parameter.push_tlv(MessageDeliveryRequestTlvValue::NetworkErrorCode(NetworkErrorCode::new(
            ErrorCodeNetworkType::Gsm,
            1,
        )));
        let mut marked = part(0x04, words);
        marked.data_coding = DataCoding::McSpecific;
        for (message, is_unmarked) in [(by_payload, true), (unmarked, true), (by_parameter, false), (marked, false)] {
            let receipt = read(&message, &["008".to_owned()]).receipt.unwrap();
            assert_eq!((receipt.message_id.as_str(), receipt.is_dead), ("ab", true), "{receipt:?}");
            assert_eq!(receipt.is_unmarked, is_unmarked, "{receipt:?}");
        }
        let said = read(&part(0, &"id: rua".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()), &[]);
        assert_eq!((said.receipt, said.words.as_str()), (None, "id: rua"));
    }

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
    fn the_validity_period_is_the_time_left() {
        let at = |seconds: i64| from_micros(seconds * 1_000_000);
        assert_eq!(validity_period(at(0), at(6 * 3600 + 61)), "000000060101000R");
        assert_eq!(validity_period(at(0), at(31 * 86_400)), "000101000000000R");
        assert_eq!(validity_period(at(10), at(0)), "000000000001000R");
    }

    #[test]
    fn an_emptied_row_is_never_sent_to_the_digits_of_its_name() {
        assert_eq!(whole_number("+5532999990001").unwrap(), "5532999990001");
        for other in ["erased:190", "erased:12345678901", "190", "+190", "", "+55 32", "maria@exemplo.br"] {
            assert!(whole_number(other).is_err(), "{other}");
        }
    }

    #[test]
    fn our_own_mistake_is_no_dead_number_and_one_of_the_settings_is_the_next_providers_turn() {
        let job = |address: &str| Job {
            row: Row {
                key: Key::Notice(uuid::Uuid::nil()),
                address: address.to_owned(),
                attempt: 1,
                refusals: 0,
                fence: 1,
                expires_at: from_micros(1),
            },
            body: Body::Impossible(String::new()),
            life_safety: true,
            held: Held::begin(Duration::from_secs(30)),
        };
        let encoded = sms_text::encode("Saia.", 1).unwrap();
        let outcome = |source: &str, address: &str| {
            let config = SmppProvider { source_addr: source.to_owned(), ..SmppProvider::default() };
            submit(&config, &job(address), &encoded, &encoded.parts[0], from_micros(0)).map_err(Outcome::from)
        };
        assert!(outcome("40199", "+5532999990001").is_ok());
        let Err(Outcome::Refused { code, detail }) = outcome("40199", "+190") else { panic!("it is no number") };
        assert_eq!((retry::verdict(code), retry::is_dead_address(code, &detail)), (Verdict::Permanent, false));
        let settings = outcome("a sender that is far too long", "+5532999990001");
        assert!(matches!(settings, Err(Outcome::NotSent { .. })), "{settings:?}");
    }

    #[test]
    fn a_message_is_as_well_as_its_worst_part() {
        let refused = Outcome::Refused { code: Code::Smpp(0x58), detail: String::new() };
        let unknown = Outcome::Unknown { detail: String::new() };
        assert_eq!(worst([Outcome::Accepted, refused.clone(), unknown].into_iter()), refused);
        assert_eq!(worst(std::iter::empty()), Outcome::Accepted);
    }

    #[test]
    fn plain_parts_leave_without_any_bit_in_esm_class() {
        assert_eq!(u8::from(EsmClass::from(0x00)), 0x00);
        assert_eq!(u8::from(EsmClass::from(0x40)), 0x40);
    }
}
