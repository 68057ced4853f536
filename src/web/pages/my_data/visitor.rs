//! A resident who showed a code: the cookie of their visit, and the value their forms carry.

use axum::body::{Body, to_bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::audit::{Actor, ActorKind, Via};
use crate::ids::ResidentId;
use crate::residents::own::Visit;
use crate::residents::store::own as store;
use crate::web::cookie;
use crate::web::error::ApiError;
use crate::web::gate;

/// Largest form of the page: the needs, with room for their encoding.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// A visit under way.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub visit: Visit,
    /// The cookie's value.
    pub token: String,
}

impl Visitor {
    pub const fn id(&self) -> ResidentId {
        self.visit.resident
    }

    /// Who they are in the audit: the record's id and nothing else. Their network address would tell more of them than the
    /// audit needs, and could never be removed.
    pub fn actor(&self) -> Actor {
        resident_actor(self.visit.resident)
    }
}

pub fn resident_actor(id: ResidentId) -> Actor {
    Actor { kind: ActorKind::Resident, name: id.to_string(), id: Some(id.0), via: Via::Public, address: None }
}

/// The visit that came with the request, if it still lasts.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, headers: &axum::http::HeaderMap) -> Result<Option<Visitor>, ApiError> {
    let secure = app.config.public_url().starts_with("https");
    let Some(token) = cookie::read_guarded(headers, cookie::RESIDENT, secure) else { return Ok(None) };
    let mut conn = app.db.web.acquire().await?;
    let visit = store::visit(&mut conn, app.clock.now(), token).await?;
    Ok(visit.map(|visit| Visitor { visit, token: token.to_owned() }))
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match find(app, &parts.headers).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) if gate::wants_html(&parts.headers) => Err(super::done("ended")),
            Ok(None) => Err(ApiError::Unauthorized.into_response()),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// A form that changes something: it belongs to a visit and carries the visit's own value. A handler cannot read the form
/// without that having been checked.
#[derive(Debug)]
pub struct Act<T> {
    pub visitor: Visitor,
    pub form: T,
}

impl<T: DeserializeOwned> FromRequest<App> for Act<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let bytes = to_bytes(body, MAX_FORM_BYTES).await.map_err(|_| ApiError::TooLarge.into_response())?;
        let sent = url::form_urlencoded::parse(&bytes).find_map(|(key, value)| (key == "csrf").then_some(value));
        let fits = sent.is_some_and(|sent| sent.as_bytes().ct_eq(visitor.visit.csrf_token.as_bytes()).into());
        if !fits {
            let refusal = ApiError::Forbidden("this page is too old; load it again and repeat".into());
            return Err(refusal.into_response());
        }
        let form = Form::<T>::from_request(Request::from_parts(parts, Body::from(bytes)), &()).await;
        let Form(form) = form.map_err(|error| ApiError::bad(error.body_text()).into_response())?;
        Ok(Self { visitor, form })
    }
}
