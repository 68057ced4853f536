//! Errors over HTTP: `application/problem+json` (RFC 9457), naming the field and the value.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub use crate::refused::{FieldError, shorten};
use crate::refused::{Reason, Refused, shorten_to};
use crate::web::pages::secretariat::sentences;

/// The body of every error answer.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// "about:blank" or a path under /api/docs.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Of the reason, where it has one: a word that stays, whatever its sentence becomes.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{detail}")]
    BadRequest { detail: String, errors: Vec<FieldError> },
    #[error("sign in, or send a token")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0} was not found")]
    NotFound(String),
    /// The state moved meanwhile, or does not allow the act.
    #[error("{0}")]
    Conflict(String),
    /// As `Conflict` or `Forbidden`, with a code.
    #[error("{}", .0.detail)]
    Because(Box<Reason>),
    /// The same key came before with other content; each field that differs.
    #[error("{detail}")]
    Differs { detail: String, errors: Vec<FieldError> },
    /// The method is not one of the route's.
    #[error("this address knows {0}")]
    MethodNotAllowed(String),
    #[error("the body is larger than allowed")]
    TooLarge,
    /// The body is not written as it must be.
    #[error("expected a body of the media type {0}")]
    WrongMediaType(&'static str),
    #[error("send the body as it is, without Content-Encoding")]
    Compressed,
    /// Asked too often.
    #[error("too many requests; try again in {retry_after_s} s")]
    TooMany { retry_after_s: u64 },
    /// Pushed back: try again after some seconds.
    #[error("{0}")]
    Unavailable(String),
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl ApiError {
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::BadRequest { detail: detail.into(), errors: Vec::new() }
    }

    pub fn field(field: impl Into<String>, value: impl Into<String>, message: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), value: shorten(&value.into()), message: message.into() };
        Self::BadRequest { detail: format!("{}: {}", error.field, error.message), errors: vec![error] }
    }

    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Because(reason) if reason.is_forbidden => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) | Self::Because(_) | Self::Differs { .. } => StatusCode::CONFLICT,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongMediaType(_) | Self::Compressed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong { field, value, message } => Self::field(field, value, message),
            Refused::NotFound(what) => Self::NotFound(what),
            Refused::Conflict(why) => Self::Conflict(why),
            Refused::Forbidden(why) => Self::Forbidden(why),
            Refused::Because(reason) => Self::Because(reason),
            Refused::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable("the database cannot be reached; nothing was stored".into())
            }
            // Lock not available, deadlock, serialization: somebody else was first, and a second try succeeds.
            sqlx::Error::Database(error) if matches!(error.code().as_deref(), Some("55P03" | "40P01" | "40001")) => {
                Self::Unavailable("others are writing the same; nothing was stored, try again".into())
            }
            // What PostgreSQL cannot hold at all: NUL in a text, an instant or a number beyond its types.
            sqlx::Error::Database(error)
                if matches!(error.code().as_deref(), Some("22021" | "22P05" | "22008" | "22003")) =>
            {
                Self::bad("a value holds a NUL character, or lies beyond every range; nothing was stored")
            }
            other => Self::Internal(other.into()),
        }
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Internal(cause) = &self {
            tracing::error!(cause = format!("{cause:#}"), "request failed");
        }
        let said = self.to_string();
        // An address that nobody knows may be as long as a header; the other sentences are ours.
        let detail = if let Self::NotFound(_) = &self { shorten_to(&said, 200) } else { said };
        let retry_after_s = if let Self::TooMany { retry_after_s } = self { retry_after_s } else { 2 };
        let allow = if let Self::MethodNotAllowed(methods) = &self { methods.clone() } else { String::new() };
        let code = match &self {
            Self::Because(reason) => reason.code,
            // Desks that write sentences say it in their form.
            Self::Conflict(why) => sentences::code(why).unwrap_or_default(),
            _ => "",
        };
        let errors = match self {
            Self::BadRequest { errors, .. } | Self::Differs { errors, .. } => errors,
            _ => Vec::new(),
        };
        let mut response = problem(status, detail, (code, errors));
        if let Ok(allow) = HeaderValue::from_str(&allow)
            && !allow.is_empty()
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

fn problem(status: StatusCode, detail: String, (code, errors): (&'static str, Vec<FieldError>)) -> Response {
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let problem = Problem { kind: "about:blank".into(), title, status: status.as_u16(), detail, code, errors };
    let mut response = (status, Json(problem)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// The longest refusal in words that is handed on, in bytes.
const MAX_WORDS: usize = 4096;

/// The middleware that makes problems of what the framework itself refuses in plain words: a path that does not fit its
/// types, a form that cannot be read, a body that is too large.
pub async fn problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let words = axum::body::to_bytes(body, MAX_WORDS).await.unwrap_or_default();
    let mut answer = problem(status, shorten_to(&String::from_utf8_lossy(&words), 300), ("", Vec::new()));
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            answer.headers_mut().append(name, value.clone());
        }
    }
    answer
}
