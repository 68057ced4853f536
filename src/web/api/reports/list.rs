//! What people reported, and what came of it, for programs of the town.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::app::App;
use crate::reports::store::list::{self, Filed, Open, Wish};
use crate::reports::{Kind, State as Standing};
use crate::units::UnknownWord;
use crate::web::api::audit::checked_instant;
use crate::web::api::imports::{Page, PageQuery, Query};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

/// Which are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Where the occurrence stands: new, confirmed, dispatched, on_scene, resolved, dismissed, closed or merged.
    state: Option<String>,
    /// landslide, flooding and the other kinds of `POST /api/v1/reports`.
    kind: Option<String>,
    /// Seen from this instant on (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Seen before this instant.
    to: Option<DateTime<Utc>>,
    /// Rows in the answer: 1 to 1000, otherwise 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Rows to leave out before the first.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    offset: Option<i64>,
}

impl Wanted {
    fn read(self) -> Result<Wish, ApiError> {
        let (limit, offset) = PageQuery { limit: self.limit, offset: self.offset }.checked()?;
        Ok(Wish {
            state: known::<Standing>("state", self.state)?.map(Standing::as_str),
            kind: known::<Kind>("kind", self.kind)?.map(Kind::as_str),
            from: self.from.map(|at| checked_instant("from", at)).transpose()?,
            to: self.to.map(|at| checked_instant("to", at)).transpose()?,
            limit,
            offset,
        })
    }
}

fn known<T: std::str::FromStr<Err = UnknownWord>>(name: &str, word: Option<String>) -> Result<Option<T>, ApiError> {
    let read = |word: String| word.parse().map_err(|error: UnknownWord| ApiError::field(name, word, error.to_string()));
    word.map(read).transpose()
}

/// Lists reports, the newest first, each with its trust and the occurrence it belongs to. How to ask a reporter back is not in it.
///
/// # Errors
/// 400 naming the parameter; 401; 403.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", params(Wanted),
    responses((status = 200, body = Page<Filed>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn reports(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Filed>>, ApiError> {
    let wish = wanted.read()?;
    let mut conn = app.db.web.acquire().await?;
    let (items, total) = list::reports(&mut conn, &wish).await?;
    Ok(Json(Page { items, total, limit: wish.limit, offset: wish.offset }))
}

/// Lists occurrences, those last spoken of first.
///
/// # Errors
/// 400 naming the parameter; 401; 403.
#[utoipa::path(get, path = "/api/v1/occurrences", tag = "reports", params(Wanted),
    responses((status = 200, body = Page<Open>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn occurrences(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Open>>, ApiError> {
    let wish = wanted.read()?;
    let mut conn = app.db.web.acquire().await?;
    let (items, total) = list::occurrences(&mut conn, &wish).await?;
    Ok(Json(Page { items, total, limit: wish.limit, offset: wish.offset }))
}
