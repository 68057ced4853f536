//! What everybody may read: publications, and nothing but them.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::module;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::secretariat::beside::{self, Beside};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::web::error::{ApiError, Problem};

/// Publications of a page.
const PAGE: i64 = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/publications", get(list))
        .route("/api/v1/secretariat/{module}/publications/{id}", get(show))
        // Where a module has a list of its own at this depth, its name in the path is no parameter.
        .route("/api/v1/secretariat/agreements/publications", get(of_agreements))
        .route("/api/v1/secretariat/funding/publications", get(of_funding))
        .route("/api/v1/secretariat/strategic-projects/publications", get(of_strategic_projects))
        .route("/api/v1/secretariat/committees/publications", get(of_committees))
}

/// Which publications.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Key of a type.
    #[serde(rename = "type")]
    #[param(max_length = 80)]
    pub type_key: Option<String>,
    /// `next_at` and `next_id` of the page before.
    #[param(value_type = Option<String>)]
    pub before_at: Option<Instant>,
    pub before_id: Option<Uuid>,
}

/// One page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PublicationPage)]
pub struct Page {
    /// Of cases.
    pub items: Vec<Published>,
    /// Of modules that publish otherwise than by cases, in the same order; none where a type is asked for.
    pub beside: Vec<Beside>,
    #[schema(value_type = Option<String>)]
    pub next_at: Option<Instant>,
    pub next_id: Option<Uuid>,
}

/// The list of a module that has a list of its own at this depth, so that its name in the path is no parameter.
macro_rules! list_of {
    ($name:ident, $slug:literal, $path:literal) => {
        /// Lists what this module published, as the list of any other module.
        ///
        /// # Errors
        /// 400 naming the parameter.
        #[utoipa::path(get, path = $path, tag = "secretariat", params(Wanted), responses((status = 200, body = Page), (status = 400, body = Problem)))]
        pub async fn $name(app: State<App>, wanted: Query<Wanted>) -> Result<Json<Page>, ApiError> {
            list(app, Path($slug.to_owned()), wanted).await
        }
    };
}

list_of!(of_agreements, "agreements", "/api/v1/secretariat/agreements/publications");
list_of!(of_funding, "funding", "/api/v1/secretariat/funding/publications");
list_of!(of_strategic_projects, "strategic-projects", "/api/v1/secretariat/strategic-projects/publications");
list_of!(of_committees, "committees", "/api/v1/secretariat/committees/publications");

/// Lists what a module published, the newest first, each case once as it was published last.
///
/// # Errors
/// 400 naming the parameter; 404.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/publications", tag = "secretariat", params(("module" = String, Path,), Wanted),
    responses((status = 200, body = Page), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page>, ApiError> {
    let module = module(&slug)?;
    if let Some(bad) = wanted.type_key.as_deref().filter(|key| key.len() > 80 || key.contains('\0')) {
        return Err(ApiError::field("type", bad, "expected the key of a type"));
    }
    let before = match (wanted.before_at, wanted.before_id) {
        (Some(at), Some(id)) => Some((at, id)),
        (None, None) => None,
        _ => return Err(ApiError::field("before_at", "", "expected both before_at and before_id, or neither")),
    };
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let items = published::list(&mut conn, module.key(), wanted.type_key.as_deref(), before, (now, PAGE)).await?;
    let beside = match wanted.type_key {
        Some(_) => Vec::new(),
        None => {
            let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
            let asked = beside::store::Wanted { module: Some(module.key()), before, today, most: PAGE };
            beside::store::list(&mut conn, asked).await?
        }
    };
    Ok(Json(Page::of(items, beside)))
}

impl Page {
    /// The first [`PAGE`] of both together.
    fn of(mut items: Vec<Published>, mut beside: Vec<Beside>) -> Self {
        let cases = items.iter().map(|one| (one.published_at, one.id));
        let mut order: Vec<(Instant, Uuid)> =
            cases.chain(beside.iter().map(|one| (one.published_at, one.id))).collect();
        order.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
        let last = usize::try_from(PAGE - 1).ok().and_then(|last| order.get(last)).copied();
        if let Some(last) = last {
            items.retain(|one| (one.published_at, one.id) >= last);
            beside.retain(|one| (one.published_at, one.id) >= last);
        }
        let (next_at, next_id) = last.unzip();
        Self { items, beside, next_at, next_id }
    }
}

/// Shows what was published of a case: the last word first, and what it corrects.
///
/// # Errors
/// 404 when nothing of it is public.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/publications/{id}", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path, description = "Of the case")),
    responses((status = 200, body = Vec<Published>), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<App>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Vec<Published>>, ApiError> {
    let module = module(&slug)?;
    let now = app.clock.now();
    let mut all = published::of_case(&mut *app.db.web.acquire().await?, id, now).await?;
    all.retain(|one| one.module == module.key());
    if all.is_empty() {
        return Err(Refused::NotFound(format!("publication {id}")).into());
    }
    Ok(Json(all))
}
