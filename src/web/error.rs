//! Errors over HTTP: `application/problem+json` (RFC 9457), naming the field and the value.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// One thing wrong with a request.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON path ("readings[3].value"), a line ("line 12: geom"), or a parameter.
    pub field: String,
    /// What was given, shortened.
    pub value: String,
    pub message: String,
}

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
    #[error("the body is larger than allowed")]
    TooLarge,
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
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// At most 80 characters of what was given, so that an error never echoes a megabyte.
pub fn shorten(value: &str) -> String {
    let mut short: String = value.chars().take(80).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
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
        let detail = self.to_string();
        let errors = if let Self::BadRequest { errors, .. } = self { errors } else { Vec::new() };
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        let problem = Problem { kind: "about:blank".into(), title, status: status.as_u16(), detail, errors };
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}
