//! The register of addresses, for whoever types one.

use axum::extract::{Extension, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::addresses::{Candidate, store};
use crate::app::App;
use crate::web::api::imports::Query;
use crate::web::client::ClientAddress;
use crate::web::error::{ApiError, Problem};

/// Letters of what is typed.
const TYPED: std::ops::RangeInclusive<usize> = 2..=200;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/addresses", get(list))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Typed {
    /// An address, or how it begins: "Rua das Flores, 20", "flo", "36016-000". 2 to 200 characters.
    #[param(min_length = 2, max_length = 200)]
    pub q: String,
}

/// A place that may be meant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// As it is written in full; looked for again it is found alone, where the register can tell it from others.
    pub label: String,
    /// Degrees (WGS 84).
    pub lat: f64,
    pub lon: f64,
    /// Metres within which it lies.
    pub accuracy_m: i32,
    /// number (the house), between (two houses of the same side), street (its middle) or cep (the middle of its addresses).
    pub how: &'static str,
}

impl From<Candidate> for Place {
    fn from(one: Candidate) -> Self {
        let Candidate { label, spot, how } = one;
        Self { label, lat: spot.lat, lon: spot.lon, accuracy_m: spot.precision_m, how: how.as_str() }
    }
}

/// Finds addresses of the town's register, the likeliest first, at most 8. For everyone.
///
/// # Errors
/// 400 naming the parameter; 429 when an address asks too often.
#[utoipa::path(get, path = "/api/v1/addresses", tag = "addresses", params(Typed),
    responses((status = 200, body = Vec<Place>), (status = 400, body = Problem)))]
pub async fn list(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(typed): Query<Typed>,
) -> Result<Json<Vec<Place>>, ApiError> {
    app.limits.search(address)?;
    if !TYPED.contains(&typed.q.chars().count()) {
        return Err(ApiError::field("q", typed.q, "expected 2 to 200 characters"));
    }
    let mut conn = app.db.web.acquire().await?;
    let found = store::suggest(&mut conn, &typed.q).await?;
    Ok(Json(found.into_iter().map(Place::from).collect()))
}
