//! SMS over SMPP 3.4 or 5.0 (`rusmppc`): keeps a transceiver bound, hands parts over, and passes receipts on.
//!
//! The client library answers and sends `enquire_link`; window and rate are the caller's business. Its check of the
//! interface version is off, because most centres speak 3.4.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use rusmpp::encode::Length as _;
use rusmpp::encode::owned::Encode as _;
use rusmpp::pdus::{BindTransceiver, DeliverSm, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, InterfaceVersion, IntermediateNotification, MCDeliveryReceipt, Npi, RegisteredDelivery,
    SmeOriginatedAcknowledgement, Ton,
};
use rusmpp::{Command, Pdu};
use rusmppc::error::Error;
use rusmppc::{Client, ConnectionBuilder, Event};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Body, Done, Job, part_end};
use crate::clock::Instant;
use crate::config::SmppProvider;
use crate::dispatch::decide::Outcome;
use crate::dispatch::parts::{self, Label, Part};
use crate::dispatch::receipts;
use crate::dispatch::retry::Code;
use crate::dispatch::sms_text::{self, Encoded, Encoding};
use crate::dispatch::store::receipt::Incoming;
use crate::dispatch::writer::{Received, Write};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer to a submit after this is an unknown outcome.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
const RECONNECT_FIRST: Duration = Duration::from_millis(250);
const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// Courtesy at the end, in vain when the centre is gone.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(1);

/// News of the connection.
#[derive(Debug)]
pub enum LinkEvent {
    Up(Bound),
    Down,
}

/// A bound session.
#[derive(Clone, Debug)]
pub struct Bound {
    client: Client,
    config: Arc<SmppProvider>,
}

/// Keeps one session bound until `closing`. Receipts go to `writes`, which answers them once they are kept.
pub async fn keep_bound(
    config: Arc<SmppProvider>,
    closing: CancellationToken,
    news: mpsc::Sender<LinkEvent>,
    writes: mpsc::Sender<Write>,
) {
    let mut wait = RECONNECT_FIRST;
    while !closing.is_cancelled() {
        match bind(&config).await {
            Ok((client, events)) => {
                tracing::info!(provider = config.name, "bound to the SMS centre");
                wait = RECONNECT_FIRST;
                let bound = Bound { client, config: Arc::clone(&config) };
                if news.send(LinkEvent::Up(bound.clone())).await.is_err() {
                    return;
                }
                listen(&bound, events, &closing, &writes).await;
                tracing::warn!(provider = config.name, "the session with the SMS centre ended");
                // The receiver ends only with the service.
                let _ = news.send(LinkEvent::Down).await;
            }
            Err(error) => tracing::warn!(%error, provider = config.name, ?wait, "cannot bind to the SMS centre"),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(RECONNECT_MAX),
            () = closing.cancelled() => {}
        }
    }
}

type Events = std::pin::Pin<Box<dyn futures_util::Stream<Item = Event> + Send>>;

async fn bind(config: &SmppProvider) -> Result<(Client, Events), String> {
    let address = (config.host.as_str(), config.port);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| format!("no connection within {CONNECT_TIMEOUT:?}"))?
        .map_err(|error| error.to_string())?;
    // A window of small PDUs must not wait for one another.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (client, events) =
        ConnectionBuilder::new().disable_interface_version_check().response_timeout(RESPONSE_TIMEOUT).connected(stream);
    let request = BindTransceiver::builder()
        .system_id(text(&config.system_id, "system_id")?)
        .password(text(&config.password, "password")?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build();
    client.bind_transceiver(request).await.map_err(|error| describe(&error))?;
    Ok((client, Box::pin(events)))
}

fn text<const MAX: usize>(value: &str, key: &str) -> Result<COctetString<1, MAX>, String> {
    COctetString::from_string(value.to_owned()).map_err(|error| format!("`{key}`: {error}"))
}

async fn listen(bound: &Bound, mut events: Events, closing: &CancellationToken, writes: &mpsc::Sender<Write>) {
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
                    let (sequence, client) = (command.sequence_number(), client.clone());
                    let received = Received { incoming: read(message), sequence, client };
                    if writes.send(Write::Receipt(received)).await.is_err() {
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

fn unexpected(command: &Command) {
    tracing::debug!(id = ?command.id(), sequence = command.sequence_number(), "not asked for, or answered too late");
}

/// What a centre tells: a receipt, or a message of a person's.
pub fn read(message: &DeliverSm) -> Incoming {
    let mut parameter_id = None;
    let mut parameter_state = None;
    for tlv in message.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(id)) => parameter_id = Some(id.as_str().to_owned()),
            Some(TlvValue::MessageState(state)) => parameter_state = Some(u8::from(*state)),
            _ => {}
        }
    }
    let text = String::from_utf8_lossy(message.short_message().as_ref()).into_owned();
    let is_receipt = u8::from(message.esm_class) & 0x3c != 0;
    let receipt = if is_receipt { receipts::read(&text, parameter_id.as_deref(), parameter_state) } else { None };
    let (words, part) = if is_receipt { (String::new(), None) } else { said(message) };
    let mut raw = bytes::BytesMut::with_capacity(message.length());
    message.encode(&mut raw);
    Incoming { raw: raw.to_vec(), address: message.source_addr.as_str().to_owned(), receipt, words, part }
}

/// What a person wrote: the words, or a part that is read with the others. It says which in a header before its text, or in
/// parameters (SMPP 3.4, sections 5.3.2.22 to 5.3.2.24).
fn said(message: &DeliverSm) -> (String, Option<Part>) {
    let payload = message.tlvs().iter().find_map(|tlv| match tlv.value() {
        Some(TlvValue::MessagePayload(payload)) => Some(payload.value.as_ref()),
        _ => None,
    });
    let short: &[u8] = message.short_message().as_ref();
    let octets = if short.is_empty() { payload.unwrap_or_default() } else { short };
    let has_header = u8::from(message.esm_class) & 0x40 != 0;
    let (label, begins) = if has_header { parts::header(octets) } else { (None, 0) };
    let (octets, data_coding) = (octets.get(begins..).unwrap_or_default(), u8::from(message.data_coding));
    let Some(label) = label.or_else(|| parameters(message)) else {
        return (sms_text::decode(octets, data_coding), None);
    };
    let destination = message.destination_addr.as_str().to_owned();
    (String::new(), Some(Part { destination, label, data_coding, octets: octets.to_vec() }))
}

fn parameters(message: &DeliverSm) -> Option<Label> {
    let (mut reference, mut total, mut number) = (None, None, None);
    for tlv in message.tlvs() {
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
        let Body::Sms { encoded, done } = &job.body else {
            let outcome = Outcome::Refused { code: Code::Smpp(0x01), detail: "not an SMS".to_owned() };
            return Done { parts: vec![part_end(1, &outcome, None)], outcome, job };
        };
        let missing = (1_i32..).zip(&encoded.parts).filter(|(part, _)| !done.contains(part));
        let sending = missing.map(|(part, octets)| {
            let pdu = submit(&self.config, &job, encoded, octets, now);
            let client = &self.client;
            async move {
                let (outcome, message_id) = match pdu {
                    Ok(pdu) => hand_over(client, pdu).await,
                    Err(detail) => (Outcome::Refused { code: Code::Smpp(0x0b), detail }, None),
                };
                (part, outcome, message_id)
            }
        });
        let ends = join_all(sending).await;
        let parts = ends.iter().map(|(part, outcome, id)| part_end(*part, outcome, id.clone())).collect();
        let outcome = worst(ends.into_iter().map(|(_, outcome, _)| outcome));
        Done { job, outcome, parts }
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

async fn hand_over(client: &Client, pdu: SubmitSm) -> (Outcome, Option<String>) {
    if !client.is_active() {
        return (Outcome::NotSent { detail: "the session ended".to_owned() }, None);
    }
    match client.submit_sm(pdu).await {
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

fn submit(
    config: &SmppProvider,
    job: &Job,
    encoded: &Encoded,
    octets: &[u8],
    now: Instant,
) -> Result<SubmitSm, String> {
    let (source_ton, source_npi) = numbering(&config.source_addr);
    let (dest_ton, dest_npi) = numbering(&job.row.address);
    let destination = whole_number(&job.row.address)?;
    let validity = validity_period(now, job.row.expires_at);
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
        .validity_period(EmptyOrFullCOctetString::from_string(validity).map_err(|error| error.to_string())?)
        .registered_delivery(receipt)
        .data_coding(match encoded.encoding {
            Encoding::Gsm7 => DataCoding::McSpecific,
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

    use super::*;
    use crate::clock::from_micros;

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
            let read = read(&message);
            assert_eq!((read.words.as_str(), read.part.as_ref()), ("", Some(&expected)));
        }
        let whole = read(&part(0x40, &[5, 0, 3, 7, 1, 1, 0, b'a']));
        assert_eq!((whole.words.as_str(), whole.part), ("a", None));
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
