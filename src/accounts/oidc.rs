//! Signing in through the town's identity provider: OpenID Connect Core 1.0, authorization code flow with PKCE.
//!
//! - A sign-in is kept here, works once and only in the browser that began it; what comes back is held against it.
//! - The ID token counts with signature, issuer, audience, time and nonce checked, at the app's clock.
//! - Whoever is unknown gets an account of their own, found again by issuer and subject alone. An e-mail address joins nothing.

pub mod claims;
pub mod logout;
pub mod store;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::accounts::Roles;
use crate::app::App;
use crate::clock::Instant;
use crate::config::{Oidc, OidcSecondFactor};
use crate::ids::StaffId;
use crate::outbound::{Client as Outbound, OutboundError};

/// Where the provider sends people back to.
pub const RETURN_PATH: &str = "/console/login/oidc/return";
/// What the provider says of itself is asked for again after this long, in minutes.
const FRESH_MIN: i64 = 60;
/// A key that is not known makes us ask again, but not more often than this, in seconds.
const REFRESH_S: i64 = 10;
/// How far the provider's clock may be ahead, in seconds.
const SKEW_S: i64 = 60;
/// An ID token older than this was not made for the sign-in that is under way, in minutes.
const TOKEN_AGE_MIN: i64 = 10;
const MAX_BYTES: usize = 512 * 1024;

/// What is signed with a key that only the provider has. No shared secrets, no "none".
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("no identity provider is configured")]
    Off,
    /// The provider cannot be asked now.
    #[error("the identity provider cannot be asked: {0}")]
    Down(String),
    /// The browser brought back what does not belong to a sign-in of its own.
    #[error("the sign-in is unknown, too old, used already, or was begun in another browser")]
    Stale,
    /// The provider said no; the word is its own.
    #[error("the identity provider refused: {0}")]
    Denied(String),
    /// What the provider, or whoever stands in its place, sent does not hold.
    #[error("the answer of the identity provider does not hold: {0}")]
    Invalid(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What the standard metadata lack.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct More {
    #[serde(default)]
    end_session_endpoint: Option<String>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Party =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The provider as it was last heard.
#[derive(Debug, Default)]
pub struct Provider(Mutex<Option<Arc<Heard>>>);

#[derive(Debug)]
struct Heard {
    metadata: Metadata,
    at: Instant,
}

/// A sign-in that is begun: where to send the browser, and what it must bring back in a cookie.
#[derive(Debug)]
pub struct Begun {
    pub url: String,
    pub browser: String,
}

/// What the browser brings back from the provider.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Returned {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub state: String,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// Who it is, by the provider's word.
#[derive(Clone, Debug)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// The provider's name for the session over there.
    pub sid: Option<String>,
    pub username: Option<String>,
    pub name: String,
    pub roles: Roles,
    pub second_factor: bool,
    pub next: String,
    /// Who wanted to join their account to this one.
    pub link: Option<StaffId>,
}

impl Provider {
    /// What the provider says of itself, at most an hour old. With `refresh`, newer than a few seconds.
    async fn heard(&self, app: &App, refresh: bool) -> Result<Arc<Heard>, OidcError> {
        let now = app.clock.now();
        let keep = if refresh { TimeDelta::seconds(REFRESH_S) } else { TimeDelta::minutes(FRESH_MIN) };
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| now - last.at < keep) {
            return Ok(last);
        }
        if app.config.oidc.issuer.is_empty() {
            return Err(OidcError::Off);
        }
        let issuer =
            IssuerUrl::new(app.config.oidc.issuer.clone()).map_err(|error| OidcError::Down(error.to_string()))?;
        let client = app.outbound.clone();
        let ask = move |request| ask(client.clone(), request);
        let metadata = Metadata::discover_async(issuer, &ask).await.map_err(|error| match error {
            DiscoveryError::Request(error) => OidcError::Down(error.to_string()),
            other => OidcError::Down(format!("its description does not hold: {other}")),
        })?;
        let heard = Arc::new(Heard { metadata, at: now });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&heard));
        Ok(heard)
    }

    /// Begins a sign-in, or the joining of an account.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn begin(&self, app: &App, next: &str, link: Option<StaffId>) -> Result<Begun, OidcError> {
        let heard = self.heard(app, false).await?;
        let party = party(app, &heard.metadata)?;
        let ids = &app.ids;
        let (state, nonce, browser) = (ids.secret(), ids.secret(), ids.secret());
        let pkce_verifier = ids.secret() + &ids.secret();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pkce_verifier.clone()));
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (sent_state, sent_nonce) = (CsrfToken::new(state.clone()), Nonce::new(nonce.clone()));
        let asked = party.authorize_url(flow, move || sent_state, move || sent_nonce);
        let config = &app.config.oidc;
        let scopes = config.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let mut asked = asked.add_scopes(scopes).set_pkce_challenge(challenge);
        if config.second_factor == OidcSecondFactor::Provider {
            for acr in &config.accepted_acr {
                asked = asked.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
            }
        }
        let (url, ..) = asked.url();
        let login = store::Login { nonce, pkce_verifier, next: next.chars().take(500).collect(), staff_id: link };
        let mut conn = app.db.web.acquire().await?;
        store::begin(&mut conn, app.clock.now(), &state, &browser, &login).await?;
        Ok(Begun { url: url.into(), browser })
    }

    /// Takes what the browser brought back, and asks the provider who it is.
    ///
    /// # Errors
    /// Tells what does not hold; the sign-in is used up whatever comes out.
    pub async fn finish(&self, app: &App, browser: &str, returned: &Returned) -> Result<Identity, OidcError> {
        let mut conn = app.db.web.acquire().await?;
        let login = store::take(&mut conn, app.clock.now(), &returned.state, browser).await?.ok_or(OidcError::Stale)?;
        // The connection goes back while the provider is asked.
        drop(conn);
        let heard = self.heard(app, false).await?;
        check_sender(&heard.metadata, returned.iss.as_deref())?;
        if let Some(error) = &returned.error {
            let word = error.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(60);
            return Err(OidcError::Denied(word.collect()));
        }
        let party = party(app, &heard.metadata)?;
        let client = app.outbound.clone();
        let exchange = party.exchange_code(AuthorizationCode::new(returned.code.clone()));
        let exchange = exchange.map_err(|error| OidcError::Down(error.to_string()))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(login.pkce_verifier.clone()));
        let tokens = exchange.request_async(&move |request| ask(client.clone(), request)).await;
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::Request(error) => OidcError::Down(error.to_string()),
            RequestTokenError::ServerResponse(said) => OidcError::Denied(said.error().to_string()),
            other => OidcError::Invalid(other.to_string()),
        })?;
        let id_token = tokens.id_token().ok_or_else(|| OidcError::Invalid("there is no ID token".into()))?;
        let heard = self.verify(app, heard, id_token, &Nonce::new(login.nonce.clone())).await?;
        let mut said = payload(&id_token.to_string())?;
        if !claims::has_roles(&said, &app.config.oidc) {
            let more = user_info(app, &heard.metadata, tokens.access_token().secret(), &said).await?;
            merge(&mut said, more);
        }
        identity(&app.config.oidc, &said, login)
    }

    /// Holds an ID token against the provider's keys, once more with fresh ones when its key is unknown.
    async fn verify(
        &self,
        app: &App,
        heard: Arc<Heard>,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<Arc<Heard>, OidcError> {
        let first = check_token(app, &heard.metadata, token, nonce);
        let unknown = ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        let (heard, checked) = if first.as_ref().is_err_and(|error| *error == unknown) {
            let fresh = self.heard(app, true).await?;
            let second = check_token(app, &fresh.metadata, token, nonce);
            (fresh, second)
        } else {
            (heard, first)
        };
        checked.map(|()| heard).map_err(|error| match &error {
            ClaimsVerificationError::SignatureVerification(why) => OidcError::Invalid(why.to_string()),
            // Its words may hold what was in the token.
            ClaimsVerificationError::InvalidAudience(_) => OidcError::Invalid("it is for somebody else".into()),
            ClaimsVerificationError::InvalidIssuer(_) => OidcError::Invalid("it is from somebody else".into()),
            other => OidcError::Invalid(other.to_string()),
        })
    }

    /// Where a person signs out at the provider too; `None` when it offers no such place.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn end_url(&self, app: &App) -> Result<Option<String>, OidcError> {
        let heard = self.heard(app, false).await?;
        let Some(end) = &heard.metadata.additional_metadata().end_session_endpoint else { return Ok(None) };
        let Ok(mut url) = url::Url::parse(end) else { return Ok(None) };
        if !matches!(url.scheme(), "http" | "https") {
            return Ok(None);
        }
        url.query_pairs_mut()
            .append_pair("client_id", &app.config.oidc.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/console/login", app.config.public_url()));
        Ok(Some(url.into()))
    }
}

/// One request of the library through our own client.
async fn ask(client: Outbound, request: HttpRequest) -> Result<HttpResponse, OutboundError> {
    let answer = client.send(request, MAX_BYTES).await?;
    let mut response = HttpResponse::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

fn party(app: &App, metadata: &Metadata) -> Result<Party, OidcError> {
    let config = &app.config.oidc;
    let secret = &*config.client_secret;
    let secret = (!secret.is_empty()).then(|| ClientSecret::new(secret.to_owned()));
    let back = RedirectUrl::new(format!("{}{RETURN_PATH}", app.config.public_url()));
    let back = back.map_err(|error| OidcError::Down(format!("http.public_url: {error}")))?;
    let party = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(config.client_id.clone()), secret);
    // Without a list the header is what every provider takes (OpenID Connect Discovery 1.0, section 3).
    let methods = metadata.token_endpoint_auth_methods_supported();
    let by_header = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let by = if by_header { AuthType::BasicAuth } else { AuthType::RequestBody };
    Ok(party.set_redirect_uri(back).set_auth_type(by))
}

/// The answer says who sent it (RFC 9207), so that another provider's answer is not taken for this one's.
fn check_sender(metadata: &Metadata, iss: Option<&str>) -> Result<(), OidcError> {
    match iss {
        Some(iss) if iss != metadata.issuer().as_str() => {
            Err(OidcError::Invalid("the answer names another issuer".into()))
        }
        None if metadata.additional_metadata().authorization_response_iss_parameter_supported => {
            Err(OidcError::Invalid("the answer does not name its issuer".into()))
        }
        _ => Ok(()),
    }
}

fn check_token(
    app: &App,
    metadata: &Metadata,
    token: &CoreIdToken,
    nonce: &Nonce,
) -> Result<(), ClaimsVerificationError> {
    let now = app.clock.now();
    let client_id = &app.config.oidc.client_id;
    let verifier = openidconnect::core::CoreIdTokenVerifier::new_public_client(
        ClientId::new(client_id.clone()),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    );
    let verifier =
        verifier.set_allowed_algs(ALGORITHMS).set_time_fn(move || now).set_issue_time_verifier_fn(move |at| {
            let fits = at <= now + TimeDelta::seconds(SKEW_S) && at >= now - TimeDelta::minutes(TOKEN_AGE_MIN);
            if fits { Ok(()) } else { Err(format!("the ID token is of {at}, and it is {now}")) }
        });
    let claims = token.claims(&verifier, |given: Option<&Nonce>| {
        let fits = given.is_some_and(|given| given.secret().as_bytes().ct_eq(nonce.secret().as_bytes()).into());
        if fits { Ok(()) } else { Err("it is not of this sign-in".into()) }
    })?;
    match claims.authorized_party() {
        Some(party) if party.as_str() != client_id => {
            Err(ClaimsVerificationError::InvalidAudience("another authorized party".into()))
        }
        _ => Ok(()),
    }
}

/// What a token says. Only of one whose signature was checked.
fn payload(token: &str) -> Result<Value, OidcError> {
    let part = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| OidcError::Invalid(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| OidcError::Invalid(error.to_string()))
}

/// Asks for what the ID token does not tell. Null when the provider has no place to ask.
async fn user_info(app: &App, metadata: &Metadata, access_token: &str, said: &Value) -> Result<Value, OidcError> {
    let Some(place) = metadata.userinfo_endpoint() else { return Ok(Value::Null) };
    let bearer = HeaderValue::from_str(&format!("Bearer {access_token}"));
    let mut bearer = bearer.map_err(|_| OidcError::Invalid("the access token has letters no header takes".into()))?;
    bearer.set_sensitive(true);
    let request =
        Request::get(place.as_str()).header(header::AUTHORIZATION, bearer).header(header::ACCEPT, "application/json");
    let request = request.body(Vec::new()).map_err(|error| OidcError::Invalid(error.to_string()))?;
    let answer = app.outbound.send(request, MAX_BYTES).await.map_err(|error| OidcError::Down(error.to_string()))?;
    if !answer.status.is_success() {
        return Err(OidcError::Down(format!("its user information answers {}", answer.status)));
    }
    let more: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| OidcError::Invalid(format!("the user information is no JSON: {error}")))?;
    // OpenID Connect Core 1.0, section 5.3.2: without this, another person's claims could be slipped in.
    if more.get("sub").is_none() || more.get("sub") != said.get("sub") {
        return Err(OidcError::Invalid("the user information is of somebody else".into()));
    }
    Ok(more)
}

/// Adds what is new; what is signed stays.
fn merge(said: &mut Value, more: Value) {
    if let (Value::Object(said), Value::Object(more)) = (said, more) {
        for (name, value) in more {
            said.entry(name).or_insert(value);
        }
    }
}

fn identity(config: &Oidc, said: &Value, login: store::Login) -> Result<Identity, OidcError> {
    let word = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    let subject = word("sub").filter(|subject| (1..=255).contains(&subject.chars().count()));
    let username = claims::username(said, &config.username_claim);
    Ok(Identity {
        issuer: config.issuer.clone(),
        subject: subject.ok_or_else(|| OidcError::Invalid("it names no subject".into()))?,
        sid: word("sid"),
        name: claims::name(said, username.as_deref().unwrap_or_default()),
        username,
        roles: claims::roles(said, &config.roles_claim, &config.roles),
        second_factor: claims::second_factor(said, config),
        next: login.next,
        link: login.staff_id,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_signed_is_not_replaced_by_what_is_only_told() {
        let mut said = json!({ "sub": "1", "acr": "low" });
        merge(&mut said, json!({ "acr": "high", "groups": ["a"] }));
        assert_eq!(said, json!({ "sub": "1", "acr": "low", "groups": ["a"] }));
    }
}
