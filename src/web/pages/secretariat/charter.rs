//! `/secretaria/carta-de-servicos`: the service charter, to be read, printed, and taken as JSON. From publications that are out.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::super::page;
use super::super::view::View;
use super::pairs;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::kernel::store::published::{self, Published};
use crate::web::conditional::{SHORT, answer};
use crate::web::error::ApiError;

pub const SERVICE: &str = "service_charter.service";
/// Services of a charter; a town has some hundreds.
const MOST: i64 = 1000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/carta-de-servicos", get(show))
        .route("/secretaria/carta-de-servicos/carta.json", get(as_json))
}

struct Service {
    one: Published,
    is_lapsed: bool,
    pairs: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "secretariat/sec_charter.html")]
struct CharterPage {
    v: View,
    all: Vec<Service>,
}

/// By name.
pub async fn services(app: &App, now: Instant) -> Result<Vec<Published>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut all = published::list(&mut conn, "service_charter", Some(SERVICE), None, (now, MOST)).await?;
    all.sort_by_cached_key(|one| one.view.title.to_lowercase());
    Ok(all)
}

/// The day of its review is over, whether or not the service's own clock has come to it.
pub fn is_lapsed(one: &Published, today: chrono::NaiveDate) -> bool {
    let review = one.view.fields.get("review_on").and_then(Value::as_str);
    let day: Option<chrono::NaiveDate> = review.and_then(|text| text.parse().ok());
    one.view.state == "lapsed" || day.is_some_and(|day| day < today)
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive();
    let found = services(&app, v.now).await?;
    let mut conn = app.db.web.acquire().await?;
    let mut all = Vec::with_capacity(found.len());
    for one in found {
        let kept = app.cases.version(&mut conn, &one.view.type_key, one.view.version).await?;
        let pairs = pairs(&v, &kept.def, &one.view.fields);
        all.push(Service { is_lapsed: is_lapsed(&one, today), pairs, one });
    }
    page(&CharterPage { v, all })
}

async fn as_json(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let base = app.config.public_url();
    let all: Vec<Value> = services(&app, now)
        .await?
        .iter()
        .map(|one| {
            json!({
                "number": one.view.number,
                "name": one.view.title,
                "version": one.seq,
                "published_at": one.published_at,
                "review_overdue": is_lapsed(one, today),
                "url": format!("{base}/secretaria/carta-de-servicos/publicacoes/{}", one.case_id),
                "service": one.view.fields,
            })
        })
        .collect();
    let charter = json!({ "law_ref": "Lei 13.460/2017, art. 7º", "services": all });
    Ok(answer(&headers, "application/json", SHORT, charter.to_string()))
}
