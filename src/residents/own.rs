//! A resident's own page: what is held of them, and what they may do with it.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::catalogue::normal_phone;
use crate::clock::Instant;
use crate::dispatch::provider::Channel;
use crate::ids::{AlertId, Ids, ResidentId};
use crate::residents::companions::Companion;
use crate::residents::preferences::{Need, Preferences};
use crate::units::vocabulary;
use crate::vault::{Ring, SealError};

vocabulary! {
    /// What a consent is for.
    Purpose, "purpose of a consent" {
        /// Warnings about danger where they live.
        Alerts = "alerts",
        /// What they need in an emergency; sensitive (LGPD, art. 11).
        Needs = "needs",
        /// Who lives with them, by name; with what each needs, sensitive too.
        Household = "household",
        /// Invitations to exercises.
        Drills = "drills",
        Research = "research",
    }
}

/// The wording of the consents on the page. It rises when the wording changes.
pub const TEXT_VERSION: &str = "2026-11";
/// Source of consents that residents gave or took back themselves.
pub const OWN_PAGE: &str = "own page";
/// How long a code is good for.
pub const CODE_FOR: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Wrong codes after which a new one is needed.
pub const TRIES: i32 = 5;
/// Codes for one telephone or mailbox within a day. Each asks for a longer wait than the one before.
pub const TO_ONE_ADDRESS: i64 = 8;
/// Wrong codes for one telephone or mailbox within a day, after which it gets no more: 25 of a million.
pub const WRONG_A_DAY: i64 = 25;
/// Codes asked for from one network address within an hour.
pub const FROM_ONE_ADDRESS: i64 = 30;
/// How long a visit lasts.
pub const SESSION_FOR: chrono::TimeDelta = chrono::TimeDelta::minutes(30);
/// Places of one resident.
pub const MOST_PLACES: i64 = 10;
/// Longest text of needs, in characters.
pub const NEEDS_MAX: usize = 1000;

/// A telephone or an e-mail address as it is kept.
///
/// # Errors
/// What is wrong with it.
pub fn address(text: &str) -> Result<(Channel, String), String> {
    let text = text.trim();
    if text.contains('@') {
        let parsed = text.parse::<lettre::Address>().map_err(|error| error.to_string())?;
        return Ok((Channel::Email, parsed.to_string().to_lowercase()));
    }
    normal_phone(text).map(|phone| (Channel::Sms, phone))
}

/// Six digits, each of the million equally likely.
pub fn code(ids: &Ids) -> String {
    loop {
        let drawn = u32::from_le_bytes(ids.bytes());
        // The largest multiple of a million below 2^32: beyond it the first numbers would come more often.
        if drawn < 4_294_000_000 {
            return format!("{:06}", drawn % 1_000_000);
        }
    }
}

/// What a code is sealed for.
pub fn code_context(id: Uuid) -> String {
    format!("resident_code.sealed:{id}")
}

#[derive(Clone, Debug, Serialize)]
pub struct Place {
    pub label: String,
    pub lon: f64,
    pub lat: f64,
    pub precision_m: i32,
    pub address: String,
    /// Who lives there with this contact.
    pub people: i16,
}

#[derive(Clone, Debug, Serialize)]
pub struct Way {
    #[serde(skip)]
    pub id: i64,
    pub kind: String,
    pub address: String,
    pub verified_at: Option<Instant>,
    pub opted_out_at: Option<Instant>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consent {
    pub purpose: String,
    pub given: bool,
    pub at: Instant,
    pub text_version: String,
    pub source: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub at: Instant,
    pub channel: String,
    pub address: String,
    pub alert: String,
    pub headline: String,
    pub state: String,
    /// Why it failed or was not sent, as the outbox has it.
    pub reason: String,
    /// Who took it, or would have.
    pub provider: String,
    pub accepted_at: Option<Instant>,
    pub alert_id: AlertId,
}

/// Somebody who read the record, by role and not by name.
#[derive(Clone, Debug, Serialize)]
pub struct Read {
    pub at: Instant,
    pub act: String,
    pub by: String,
}

/// Everything that is held of one resident.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    pub id: ResidentId,
    pub name: String,
    pub language: String,
    pub fictional: bool,
    pub registered_at: Instant,
    pub places: Vec<Place>,
    pub channels: Vec<Way>,
    /// Newest last.
    pub consents: Vec<Consent>,
    pub needs: Option<String>,
    pub need_kinds: Vec<Need>,
    /// Those who live with them; empty until their names are opened.
    pub companions: Vec<Companion>,
    pub preferences: Preferences,
    /// Newest first, at most 200.
    pub messages: Vec<Message>,
    pub reads: Vec<Read>,
}

impl Held {
    /// Whether the consent for this purpose stands.
    pub fn agreed(&self, purpose: Purpose) -> bool {
        let newest = self.consents.iter().rev().find(|consent| consent.purpose == purpose.as_str());
        newest.is_some_and(|consent| consent.given)
    }
}

/// A visit under way.
#[derive(Clone, Debug)]
pub struct Visit {
    pub resident: ResidentId,
    pub channel: String,
    pub address: String,
    pub csrf_token: String,
}

/// What of a code lies in the database.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: Uuid,
    pub channel: String,
    pub address: String,
    pub resident: Option<ResidentId>,
    pub sealed: Vec<u8>,
}

impl Sent {
    /// Whether it is the code that somebody typed, with whatever signs between its digits. The try is counted before anything is compared.
    ///
    /// # Errors
    /// Of the sealed code.
    pub fn is(&self, ring: &Ring, typed: &str) -> Result<bool, SealError> {
        let kept = ring.open(&code_context(self.id), &self.sealed)?;
        let typed: String = typed.chars().filter(char::is_ascii_digit).take(12).collect();
        Ok(bool::from(kept.ct_eq(typed.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_six_digits() {
        let ids = Ids::seeded(1);
        for _ in 0..200 {
            let code = code(&ids);
            assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn telephones_and_mailboxes_are_taken_as_people_write_them() {
        assert_eq!(address(" (32) 99999-0000 "), Ok((Channel::Sms, "+5532999990000".into())));
        assert_eq!(address("Maria@Exemplo.br"), Ok((Channel::Email, "maria@exemplo.br".into())));
        assert!(address("maria").is_err());
    }
}
