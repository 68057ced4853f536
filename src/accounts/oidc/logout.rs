//! OpenID Connect Back-Channel Logout 1.0: the provider tells that somebody's session over there has ended.

use std::sync::Arc;

use chrono::TimeDelta;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyId, SignatureVerificationError};
use serde_json::Value;

use super::{ALGORITHMS, Heard, MAX_BYTES, OidcError, Provider, SKEW_S, TOKEN_AGE_MIN, URL_SAFE_NO_PAD, payload};
use crate::app::App;
use base64::Engine as _;

/// The event every logout token names (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a logout token asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub issuer: String,
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
}

impl Provider {
    /// Reads a logout token as section 2.6 says.
    ///
    /// # Errors
    /// Tells what does not hold.
    pub async fn ended(&self, app: &App, token: &str) -> Result<Ended, OidcError> {
        if token.len() > MAX_BYTES {
            return Err(OidcError::Invalid("the token is too long".into()));
        }
        let mut heard: Arc<Heard> = self.heard(app, false).await?;
        let mut checked = check_signature(heard.metadata.jwks().keys(), token);
        if matches!(checked, Err(SignatureVerificationError::NoMatchingKey)) {
            heard = self.heard(app, true).await?;
            checked = check_signature(heard.metadata.jwks().keys(), token);
        }
        checked.map_err(|error| OidcError::Invalid(error.to_string()))?;
        read(&payload(token)?, &app.config.oidc.issuer, &app.config.oidc.client_id, app.clock.now().timestamp())
    }
}

fn check_signature(keys: &[CoreJsonWebKey], token: &str) -> Result<(), SignatureVerificationError> {
    let wrong = |why: &str| SignatureVerificationError::Other(why.to_owned());
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| wrong("it is no signed token"))?;
    let header = signed.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| wrong("its header cannot be read"))?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| wrong("its header cannot be read"))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong("its signature cannot be read"))?;
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(header["alg"].clone()).map_err(|_| wrong("its algorithm is unknown"))?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(wrong("its algorithm is not allowed"));
    }
    if header.get("crit").is_some() {
        return Err(wrong("it asks for what is not understood"));
    }
    let kid = header["kid"].as_str().map(|kid| JsonWebKeyId::new(kid.to_owned()));
    let fitting: Vec<&CoreJsonWebKey> =
        keys.iter().filter(|key| kid.as_ref().is_none_or(|kid| key.key_id() == Some(kid))).collect();
    let mut last = SignatureVerificationError::NoMatchingKey;
    for key in fitting {
        match key.verify_signature(&algorithm, signed.as_bytes(), &signature) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The claims of a logout token. `now` in seconds since 1970.
fn read(said: &Value, issuer: &str, client_id: &str, now: i64) -> Result<Ended, OidcError> {
    let wrong = |why: &str| Err(OidcError::Invalid(why.to_owned()));
    let word = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    if word("iss").as_deref() != Some(issuer) {
        return wrong("it is from somebody else");
    }
    let is_ours = match &said["aud"] {
        Value::String(one) => one == client_id,
        Value::Array(list) => list.iter().any(|one| one.as_str() == Some(client_id)),
        _ => false,
    };
    if !is_ours {
        return wrong("it is for somebody else");
    }
    let oldest = now - TimeDelta::minutes(TOKEN_AGE_MIN).num_seconds();
    let at = said["iat"].as_i64().unwrap_or(i64::MIN);
    if at < oldest || at > now + SKEW_S || said["exp"].as_i64().is_some_and(|end| end <= now) {
        return wrong("it is too old, or of the future");
    }
    if !said["events"][EVENT].is_object() {
        return wrong("it names no logout");
    }
    if said.get("nonce").is_some() {
        return wrong("an ID token is no logout token");
    }
    let (subject, sid) = (word("sub"), word("sid"));
    match word("jti") {
        Some(jti) if subject.is_some() || sid.is_some() => Ok(Ended { issuer: issuer.to_owned(), subject, sid, jti }),
        _ => wrong("it names neither person nor session"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token() -> Value {
        json!({ "iss": "https://idp", "aud": "us", "iat": 1000, "exp": 1100, "jti": "a", "sub": "ana", "events": { EVENT: {} } })
    }

    #[test]
    fn a_logout_token_is_read_by_the_letter_of_its_standard() {
        let ended = read(&token(), "https://idp", "us", 1010).unwrap();
        assert_eq!((ended.subject.as_deref(), ended.sid, ended.jti.as_str()), (Some("ana"), None, "a"));
        let wrong: [(&str, Value); 8] = [
            ("iss", json!("https://other")),
            ("aud", json!(["them"])),
            ("iat", json!(0)),
            ("iat", json!(9000)),
            ("exp", json!(1005)),
            ("events", json!({})),
            ("nonce", json!("n")),
            ("sub", Value::Null),
        ];
        for (name, value) in wrong {
            let mut token = token();
            token[name] = value;
            assert!(read(&token, "https://idp", "us", 1010).is_err(), "{name}");
        }
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for header in
            [json!({ "alg": "none" }), json!({ "alg": "HS256" }), json!({}), json!({ "alg": "RS256", "crit": ["x"] })]
        {
            let forged = format!("{}.{}.", part(header), part(token()));
            assert!(check_signature(&[], &forged).is_err());
        }
    }
}
