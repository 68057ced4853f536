//! What a gateway's answer to one message means.

use super::Wrong;
use super::field::Field;
use crate::config::{HttpCodes, HttpResponse};
use crate::dispatch::decide::Outcome;
use crate::dispatch::receipts;
use crate::dispatch::retry::{Code, Verdict};

/// Of what a gateway says so much is kept with the try.
const KEPT: usize = 200;

#[derive(Clone, Debug)]
pub struct Reading {
    status: Vec<u16>,
    success: Option<Field>,
    accepted: Vec<String>,
    message_id: Option<Field>,
    code: Option<Field>,
    codes: HttpCodes,
}

impl Reading {
    pub(super) fn new(config: &HttpResponse, codes: &HttpCodes) -> Result<Self, Wrong> {
        let success = Field::read("response.success", &config.success)?;
        if success.is_some() == config.accepted.is_empty() {
            let expected = "`success` and `accepted` together: a field and the values that mean success";
            return Err(Wrong::new("response.accepted", config.accepted.join(", "), expected));
        }
        Ok(Self {
            status: config.status.clone(),
            success,
            accepted: config.accepted.clone(),
            message_id: Field::read("response.message_id", &config.message_id)?,
            code: Field::read("response.code", &config.code)?,
            codes: codes.clone(),
        })
    }

    /// The outcome, and under which id receipts will speak of the message.
    pub fn read(&self, status: u16, body: &[u8], reference: &str) -> (Outcome, Option<String>) {
        let said = self.success.as_ref().map(|field| field.in_answer(body));
        let outcome = match said {
            _ if !self.status.contains(&status) => self.refusal(status, body, usual(status)),
            None => Outcome::Accepted,
            Some(Some(word)) if self.accepted.contains(&word) => Outcome::Accepted,
            Some(Some(_)) => self.refusal(status, body, Meaning::Refused(Verdict::RetryBounded, false)),
            // It took something, and does not say what: an answer cut short, or a page of somebody in between.
            Some(None) => self.refusal(status, body, Meaning::Unknown),
        };
        let id = match &outcome {
            Outcome::Accepted => {
                let own = self.message_id.as_ref().and_then(|field| field.in_answer(body));
                let own = own.map(|id| receipts::normal_id(&id)).filter(|id| !id.is_empty());
                own.or_else(|| Some(receipts::normal_id(reference)))
            }
            Outcome::Unknown { .. } => self.id_without_answer(reference),
            Outcome::Delivered | Outcome::Refused { .. } | Outcome::NotSent { .. } => None,
        };
        (outcome, id.filter(|id| !id.is_empty()))
    }

    /// Under which id receipts speak of a message whose answer did not come: our own reference, where the gateway has no ids.
    pub fn id_without_answer(&self, reference: &str) -> Option<String> {
        self.message_id.is_none().then(|| receipts::normal_id(reference))
    }

    /// What an answer means that is no success: what the lists say, and otherwise `unlisted`.
    fn refusal(&self, status: u16, body: &[u8], unlisted: Meaning) -> Outcome {
        let own = self.code.as_ref().and_then(|field| field.in_answer(body));
        let words = [own.clone(), Some(status.to_string())];
        let names = |list: &[String]| {
            words.iter().flatten().find(|word| list.contains(word)).map(|word| Some(word) == own.as_ref())
        };
        let detail = said(own.as_deref(), body);
        let codes = &self.codes;
        // What the gateway itself calls by a code is more exact than its status.
        let lists = [
            (&codes.dead, Meaning::Refused(Verdict::Permanent, true)),
            (&codes.permanent, Meaning::Refused(Verdict::Permanent, false)),
            (&codes.throttled, Meaning::Refused(Verdict::Throttled, false)),
            (&codes.transient, Meaning::Refused(Verdict::Retry, false)),
            (&codes.unusable, Meaning::Unusable),
        ];
        let found =
            |by_code: bool| lists.iter().find(|(list, _)| names(list) == Some(by_code)).map(|(_, meaning)| *meaning);
        match found(true).or_else(|| found(false)).unwrap_or(unlisted) {
            Meaning::Refused(verdict, is_dead) => {
                Outcome::Refused { code: Code::Gateway { status, verdict, is_dead }, detail }
            }
            Meaning::Unusable => Outcome::NotSent { detail: format!("http {status} {detail}").trim_end().to_owned() },
            Meaning::Unknown => Outcome::Unknown { detail: format!("http {status} {detail}").trim_end().to_owned() },
        }
    }
}

#[derive(Clone, Copy)]
enum Meaning {
    Refused(Verdict, bool),
    /// Nothing leaves here for anybody: the next provider's turn.
    Unusable,
    Unknown,
}

/// What statuses mean where the configuration says nothing (RFC 9110). A status of which nobody knows whether it is the
/// recipient's fault is tried some times and not for ever.
const fn usual(status: u16) -> Meaning {
    match status {
        // A wrong password, no credit, not allowed, no such address.
        401..=405 => Meaning::Unusable,
        408 | 425 | 503 => Meaning::Refused(Verdict::Retry, false),
        429 => Meaning::Refused(Verdict::Throttled, false),
        // It broke down over the message, somebody between us and the gateway got no answer from it, or it took the message in a way
        // that the description does not know: in each case it may have left.
        200..=299 | 500..=599 => Meaning::Unknown,
        _ => Meaning::Refused(Verdict::RetryBounded, false),
    }
}

/// In one line, shortened.
fn said(code: Option<&str>, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * KEPT)]);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(KEPT).collect();
    match code {
        Some(code) if !text.starts_with(code) => format!("{code} {text}").trim_end().to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        let config: HttpResponse =
            toml::from_str("success = '/ok'\naccepted = ['true']\nmessage_id = '/id'\ncode = '/code'").unwrap();
        let codes: HttpCodes = toml::from_str("dead = ['21211']\nthrottled = ['20']\npermanent = ['422']").unwrap();
        Reading::new(&config, &codes).unwrap()
    }

    fn read(status: u16, body: &str) -> Outcome {
        reading().read(status, body.as_bytes(), "s1").0
    }

    fn verdict(status: u16, body: &str) -> (Verdict, bool) {
        match read(status, body) {
            Outcome::Refused { code: Code::Gateway { verdict, is_dead, .. }, .. } => (verdict, is_dead),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn success_needs_both_the_status_and_the_field() {
        let (outcome, id) = reading().read(201, br#"{"ok":true,"id":"0A1"}"#, "s1");
        assert_eq!((outcome, id.as_deref()), (Outcome::Accepted, Some("a1")));
        assert_eq!(verdict(200, r#"{"ok":false}"#), (Verdict::RetryBounded, false));
    }

    #[test]
    fn an_answer_that_tells_nothing_is_a_doubt_and_only_another_word_refuses() {
        for (status, body) in [(200, "<html>"), (200, "{}"), (201, r#"{"ok":tr"#), (204, ""), (500, ""), (522, "")] {
            assert!(matches!(read(status, body), Outcome::Unknown { .. }), "{status} {body}");
        }
        // What its own code says is no doubt, whatever is missing.
        assert_eq!(verdict(200, r#"{"code":21211}"#), (Verdict::Permanent, true));
    }

    #[test]
    fn without_an_id_of_the_gateway_the_reference_is_the_id() {
        let reading = Reading::new(&HttpResponse::default(), &HttpCodes::default()).unwrap();
        assert_eq!(reading.read(202, b"0: Accepted for delivery", "s17").1.as_deref(), Some("s17"));
        // It may have left, and then its receipt will come.
        assert_eq!(reading.read(502, b"", "s17").1.as_deref(), Some("s17"));
        assert_eq!(reading.read(503, b"", "s17").1, None);
        // An id that was promised and is not there.
        for body in [&br#"{"ok":true}"#[..], br#"{"ok":true,"id":""}"#] {
            assert_eq!(self::reading().read(200, body, "s17"), (Outcome::Accepted, Some("s17".into())));
        }
        assert_eq!(self::reading().read(502, b"", "s17").1, None);
    }

    #[test]
    fn the_gateways_code_wins_over_the_status() {
        assert_eq!(verdict(422, r#"{"code":20}"#), (Verdict::Throttled, false));
        assert_eq!(verdict(400, r#"{"code":21211,"message":"not a number"}"#), (Verdict::Permanent, true));
        assert_eq!(verdict(422, r#"{"code":1}"#), (Verdict::Permanent, false));
    }

    #[test]
    fn a_wrong_password_is_the_next_providers_turn_and_a_silent_gateway_is_a_doubt() {
        assert!(matches!(read(401, ""), Outcome::NotSent { .. }));
        assert!(matches!(read(504, ""), Outcome::Unknown { .. }));
        assert_eq!(verdict(503, ""), (Verdict::Retry, false));
        assert_eq!(verdict(429, ""), (Verdict::Throttled, false));
        assert_eq!(verdict(400, ""), (Verdict::RetryBounded, false));
    }
}
