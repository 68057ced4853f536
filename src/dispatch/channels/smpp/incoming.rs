//! What a centre tells: receipts, and what people write.

use rusmpp::encode::Length as _;
use rusmpp::encode::owned::Encode as _;
use rusmpp::pdus::{DataSm, DeliverSm};
use rusmpp::tlvs::{Tlv, TlvValue};

use crate::dispatch::parts::{self, Label, Part};
use crate::dispatch::receipts::{self, Parameters, Receipt};
use crate::dispatch::sms_text;
use crate::dispatch::store::receipt::Incoming;

const UCS2: u8 = 8;

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

#[cfg(test)]
mod tests {
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue;
    use rusmpp::types::{AnyOctetString, OctetString};
    use rusmpp::values::{DataCoding, ErrorCodeNetworkType, EsmClass, MessagePayload, MessageState, NetworkErrorCode};

    use super::super::text;
    use super::*;

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
}
