//! Whether what comes in a gateway's name comes from the gateway.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use subtle::ConstantTimeEq as _;

use super::Wrong;
use super::callback::Call;
use crate::config::{CallbackCheck, HttpCallbacks, SignatureEncoding};
use crate::hexadecimal::unhex;
use crate::secret::Secret;

/// Secrets shorter than this could be guessed.
const SHORTEST: usize = 16;

#[derive(Clone, Debug)]
pub struct Guard {
    check: CallbackCheck,
    secret: Secret,
    place: Place,
    encoding: SignatureEncoding,
}

#[derive(Clone, Debug)]
enum Place {
    Header(HeaderName),
    Query(String),
}

impl Guard {
    pub(super) fn new(config: &HttpCallbacks) -> Result<Self, Wrong> {
        let wrong = |key: &str, value: &str, expected: &str| Wrong::new(format!("callbacks.{key}"), value, expected);
        if config.secret.len() < SHORTEST {
            return Err(wrong("secret", "***", "16 characters or more"));
        }
        let place = match (config.header.as_str(), config.query.as_str()) {
            (header, "") if !header.is_empty() => {
                let name = HeaderName::try_from(header).map_err(|_| wrong("header", header, "the name of a header"))?;
                Place::Header(name)
            }
            ("", query) if !query.is_empty() && config.check == CallbackCheck::Token => Place::Query(query.to_owned()),
            (header, _) => return Err(wrong("header", header, "`header`, or for a token `query`, and not both")),
        };
        Ok(Self { check: config.check, secret: config.secret.clone(), place, encoding: config.encoding })
    }

    /// Name and value of a token that stands in the address.
    pub fn in_address(&self) -> Option<(&str, &str)> {
        match &self.place {
            Place::Query(name) => Some((name, &self.secret)),
            Place::Header(_) => None,
        }
    }

    /// `url`: the address in full, as the gateway was given it.
    pub fn admits(&self, headers: &HeaderMap, call: &Call<'_>, url: &str) -> bool {
        let given = match &self.place {
            Place::Header(name) => headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned),
            Place::Query(name) => call.in_address(name),
        };
        let Some(given) = given else { return false };
        let key = self.secret.as_bytes();
        match self.check {
            CallbackCheck::Token => {
                let given = given.strip_prefix("Bearer ").unwrap_or(&given);
                bool::from(given.as_bytes().ct_eq(key))
            }
            CallbackCheck::HmacSha256 => self.agrees(hmac::HMAC_SHA256, call.body, &given),
            CallbackCheck::HmacSha1 => self.agrees(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, call.body, &given),
            CallbackCheck::Twilio => {
                let mut pairs = call.in_body();
                pairs.sort();
                let signed = pairs.iter().fold(url.to_owned(), |signed, (name, value)| signed + name + value);
                let sum = STANDARD.decode(given).unwrap_or_default();
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
                hmac::verify(&key, signed.as_bytes(), &sum).is_ok()
            }
        }
    }

    /// What of an admitted call may be believed: a signature of the body alone says nothing of the address.
    pub const fn believed<'a>(&self, call: Call<'a>) -> Call<'a> {
        match self.check {
            CallbackCheck::HmacSha256 | CallbackCheck::HmacSha1 => Call { query: "", ..call },
            CallbackCheck::Token | CallbackCheck::Twilio => call,
        }
    }

    fn agrees(&self, algorithm: hmac::Algorithm, body: &[u8], given: &str) -> bool {
        // Some write the algorithm before the sum: "sha256=…".
        let given = given.split_once('=').filter(|(name, _)| name.starts_with("sha")).map_or(given, |(_, sum)| sum);
        let sum = match self.encoding {
            SignatureEncoding::Hex => unhex(given),
            SignatureEncoding::Base64 => STANDARD.decode(given).ok(),
        };
        let key = hmac::Key::new(algorithm, self.secret.as_bytes());
        sum.is_some_and(|sum| hmac::verify(&key, body, &sum).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hexadecimal::hex;

    fn guard(lines: &str) -> Guard {
        Guard::new(&toml::from_str(lines).unwrap()).unwrap()
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_token_counts_in_its_place_alone() {
        let guard = guard("check = 'token'\nsecret = 'sixteen-letters-1'\nquery = 'token'");
        let call = |query| Call { query, is_json: false, body: b"" };
        assert!(guard.admits(&HeaderMap::new(), &call("a=1&token=sixteen-letters-1"), ""));
        assert!(!guard.admits(&HeaderMap::new(), &call("token=sixteen-letters-2"), ""));
        assert!(!guard.admits(&headers("token", "sixteen-letters-1"), &call(""), ""));
    }

    #[test]
    fn a_signature_covers_every_byte_of_the_body() {
        let guard = guard("check = 'hmac-sha256'\nsecret = 'sixteen-letters-1'\nheader = 'x-signature'");
        let sum = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"sixteen-letters-1"), b"{\"a\":1}");
        let good = headers("x-signature", &format!("sha256={}", hex(sum.as_ref())));
        let call = |body| Call { query: "", is_json: true, body };
        assert!(guard.admits(&good, &call(b"{\"a\":1}"), ""));
        assert!(!guard.admits(&good, &call(b"{\"a\":2}"), ""));
        assert!(!guard.admits(&headers("x-signature", "zz"), &call(b"{\"a\":1}"), ""));
        let call = Call { query: "id=another", is_json: false, body: b"id=1" };
        assert_eq!(guard.believed(call).in_address("id"), None);
    }

    /// The example of Twilio's own documentation of request validation, with the signature that stands there. Its token is shorter
    /// than any that a configuration may hold.
    #[test]
    fn twilios_own_example_is_admitted() {
        let guard = Guard {
            secret: "12345".into(),
            ..guard("check = 'twilio'\nsecret = 'sixteen-letters-1'\nheader = 'x-twilio-signature'")
        };
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let pairs = "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
        let signed = headers("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let call = Call { query: "foo=1&bar=2", is_json: false, body: pairs.as_bytes() };
        assert!(guard.admits(&signed, &call, url));
        assert!(!guard.admits(&signed, &call, "https://mycompany.com/other"));
        let other = pairs.replace("1234&To", "1235&To");
        assert!(!guard.admits(&signed, &Call { body: other.as_bytes(), ..call }, url));
    }

    #[test]
    fn a_short_secret_or_no_place_for_it_is_refused() {
        for (lines, key) in [
            ("check = 'token'\nsecret = 'short'\nheader = 'x'", "callbacks.secret"),
            ("check = 'token'\nsecret = 'sixteen-letters-1'", "callbacks.header"),
            ("check = 'hmac-sha256'\nsecret = 'sixteen-letters-1'\nquery = 'sig'", "callbacks.header"),
        ] {
            assert_eq!(Guard::new(&toml::from_str(lines).unwrap()).unwrap_err().key, key, "{lines}");
        }
    }
}
