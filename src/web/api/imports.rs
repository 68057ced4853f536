//! What the four import routes share: the body by its media type, paging, and errors with their lines.

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::catalogue::store::{ImportFailure, Kind, Options, Report, import};
use crate::catalogue::{Format, Problems};
use crate::web::auth::Staff;
use crate::web::error::ApiError;

/// The largest file taken over HTTP, in bytes. Larger ones go through `sentinela import`.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Rows of a page: unless asked otherwise, and at most.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;
/// More rows than any list here will ever have.
const MAX_OFFSET: i64 = 1_000_000_000;

/// `?limit=…&offset=…`
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows in the answer: 1 to 1000, otherwise 100.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// Rows to leave out before the first.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<i64>,
}

impl PageQuery {
    /// # Errors
    /// Names the parameter that is out of range.
    pub fn checked(self) -> Result<(i64, i64), ApiError> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(ApiError::field("limit", limit.to_string(), format!("expected 1 to {MAX_PAGE}")));
        }
        let offset = self.offset.unwrap_or(0);
        if !(0..=MAX_OFFSET).contains(&offset) {
            return Err(ApiError::field("offset", offset.to_string(), format!("expected 0 to {MAX_OFFSET}")));
        }
        Ok((limit, offset))
    }
}

/// A query string whose errors are problem+json too.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: serde::de::DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, ApiError> {
        let read: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, app).await;
        read.map(|query| Self(query.0)).map_err(|error| ApiError::bad(error.body_text()))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T: utoipa::ToSchema> {
    pub items: Vec<T>,
    /// Rows there are in all.
    pub total: i64,
    pub limit: i64,
    pub offset: i64,
}

/// `?dry_run=true` checks the file and stores nothing.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    #[serde(default)]
    pub dry_run: bool,
}

/// Imports a body.
///
/// # Errors
/// 400 with every error of the file, 415 for another media type, 503 when the database is away.
pub async fn take(
    app: &App,
    staff: &Staff,
    kind: Kind,
    query: ImportQuery,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Report, ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = "application/geo+json, application/json or text/csv";
    let format = Format::of_media_type(given).ok_or(ApiError::WrongMediaType(expected))?;
    let options = Options { dry_run: query.dry_run, fictional: false };
    let mut conn = app.db.web.acquire().await?;
    import(&mut conn, &app.ids, app.clock.now(), kind, (format, body), options, &staff.actor()).await.map_err(refused)
}

/// Every error of a file.
pub fn problems(problems: &Problems) -> ApiError {
    ApiError::BadRequest {
        detail: format!("{} in the file; nothing was stored", plural(problems.total())),
        errors: problems.to_field_errors(),
    }
}

fn refused(failure: ImportFailure) -> ApiError {
    match failure {
        ImportFailure::Problems(wrong) => problems(&wrong),
        ImportFailure::Standing(_) => ApiError::Conflict(failure.to_string()),
        ImportFailure::Database(error) => error.into(),
    }
}

fn plural(errors: usize) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}
