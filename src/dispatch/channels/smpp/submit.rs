//! A part of a message as `submit_sm`.

use rusmpp::pdus::SubmitSm;
use rusmpp::types::{EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, IntermediateNotification, MCDeliveryReceipt, Npi, PriorityFlag, RegisteredDelivery,
    SmeOriginatedAcknowledgement, Ton,
};

use super::text;
use crate::clock::Instant;
use crate::config::SmppProvider;
use crate::dispatch::channels::Job;
use crate::dispatch::decide::Outcome;
use crate::dispatch::retry::Code;
use crate::dispatch::sms_text::{Encoded, Encoding};

/// The digits of a number in full. An emptied row (`erased:190`) must never become a shorter number that somebody answers.
fn whole_number(address: &str) -> Result<String, String> {
    let digits = address.strip_prefix('+').unwrap_or_default();
    let is_whole = (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_whole { Ok(digits.to_owned()) } else { Err("the address is no telephone number in full".to_owned()) }
}

/// Why a message cannot be written down for the centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
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

/// One part, with the settings of the provider and the time that is left.
pub(super) fn submit(
    config: &SmppProvider,
    job: &Job,
    encoded: &Encoded,
    octets: &[u8],
    now: Instant,
) -> Result<SubmitSm, Unfit> {
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
    use std::time::Duration;

    use super::*;
    use crate::clock::from_micros;
    use crate::dispatch::channels::{Body, Key, Row};
    use crate::dispatch::held::Held;
    use crate::dispatch::retry::{self, Verdict};
    use crate::dispatch::sms_text;

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
    fn plain_parts_leave_without_any_bit_in_esm_class() {
        assert_eq!(u8::from(EsmClass::from(0x00)), 0x00);
        assert_eq!(u8::from(EsmClass::from(0x40)), 0x40);
    }
}
