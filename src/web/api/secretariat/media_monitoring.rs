//! Media monitoring over HTTP: items, and what people make of them. What is given out of them stands in `media_days`.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::has_role;
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::secretariat::media_monitoring::desk::{self, ByHand};
use crate::secretariat::media_monitoring::judge::Judging;
use crate::secretariat::media_monitoring::rumour::{self, Rumour};
use crate::secretariat::media_monitoring::store::search::{self, Filter, PAGE};
use crate::secretariat::media_monitoring::{Act, Item, State as ItemState, Tone};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/media-monitoring/items", get(items).post(write_down))
        .route("/api/v1/secretariat/media-monitoring/items/{id}", get(item))
        .route("/api/v1/secretariat/media-monitoring/items/{id}/judge", post(judge))
        .route("/api/v1/secretariat/media-monitoring/items/{id}/undo", post(undo))
        .route("/api/v1/secretariat/media-monitoring/items/{id}/check", post(check))
}

/// Who acts, now.
pub fn acting<'a>(app: &'a App, actor: &'a Actor) -> Acting<'a> {
    Acting { ids: &app.ids, now: app.clock.now(), actor }
}

/// Which items.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Words, "phrases", -without; accents do not count.
    #[param(max_length = 200)]
    pub q: Option<String>,
    #[param(pattern = "^(new|candidate|selected|dismissed)$")]
    pub state: Option<String>,
    pub source: Option<Uuid>,
    pub rule: Option<Uuid>,
    #[param(max_length = 60)]
    pub theme: Option<String>,
    #[param(pattern = "^(positive|neutral|negative)$")]
    pub tone: Option<String>,
    /// Only the first of those that tell the same.
    pub firsts: Option<bool>,
    /// The last item of the page before.
    pub before: Option<Uuid>,
}

impl Wanted {
    /// # Errors
    /// 400 naming the parameter.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        let q = self.q.clone().unwrap_or_default();
        if q.chars().count() > 200 || q.contains('\0') {
            return Err(ApiError::field("q", crate::web::error::shorten(&q), "expected at most 200 characters"));
        }
        let theme = self.theme.as_ref().map(|theme| theme.trim().to_lowercase()).filter(|theme| !theme.is_empty());
        if let Some(long) = theme.as_ref().filter(|theme| theme.chars().count() > 60 || theme.contains('\0')) {
            return Err(ApiError::field("theme", crate::web::error::shorten(long), "expected at most 60 characters"));
        }
        let known = |name: &'static str, word: &Option<String>, is_one: fn(&str) -> Result<(), String>| match word {
            Some(word) => is_one(word).map_err(|why| ApiError::field(name, crate::web::error::shorten(word), why)),
            None => Ok(()),
        };
        known("state", &self.state, |word| word.parse::<ItemState>().map(|_| ()).map_err(|error| error.to_string()))?;
        known("tone", &self.tone, |word| word.parse::<Tone>().map(|_| ()).map_err(|error| error.to_string()))?;
        Ok(Filter {
            q,
            state: self.state.clone(),
            source: self.source,
            rule: self.rule,
            theme,
            tone: self.tone.clone(),
            firsts: self.firsts.unwrap_or(false),
            before: self.before,
            limit: PAGE + 1,
        })
    }
}

/// A page of items.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaItems)]
pub struct Items {
    pub items: Vec<Item>,
    /// `before` of the next page; none: there is none.
    pub next: Option<Uuid>,
}

impl Items {
    /// Of one more than a page holds.
    pub fn of(mut items: Vec<Item>) -> Self {
        let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let is_more = items.len() > page;
        items.truncate(page);
        let next = items.last().filter(|_| is_more).map(|item| item.id);
        Self { items, next }
    }
}

/// Lists items, the newest first, 50 a page.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/items", tag = "media monitoring", params(Wanted),
    responses((status = 200, body = Items), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn items(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items>, ApiError> {
    let filter = wanted.filter()?;
    Ok(Json(Items::of(search::page(&mut *app.db.web.acquire().await?, &filter).await?)))
}

/// An item that somebody heard, read or pasted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewMediaItem)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    pub source_id: Uuid,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub title: String,
    /// An excerpt, never the whole text.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub excerpt: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub link: String,
    /// None: now.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub published_at: Option<Instant>,
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaMade)]
pub struct Made {
    pub id: Uuid,
}

/// Writes an item down.
///
/// # Errors
/// 400 naming every field; 409 when it is there; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/items", tag = "media monitoring", request_body = NewItem,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn write_down(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewItem>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let new = ByHand {
        source_id: new.source_id,
        title: &new.title,
        excerpt: &new.excerpt,
        link: &new.link,
        published_at: new.published_at,
    };
    let mut tx = app.db.web.begin().await?;
    let id = desk::write_down(&mut tx, acting(&app, &actor), &app.config.secretariat.media, new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// An item with what people did, and what repeats it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaItemWhole)]
pub struct Whole {
    pub item: Item,
    pub acts: Vec<Act>,
    pub repeats: Vec<Item>,
}

/// Shows an item.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/items/{id}", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Whole), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn item(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole>, ApiError> {
    let (item, acts, repeats) = desk::show(&mut *app.db.web.acquire().await?, id).await?;
    Ok(Json(Whole { item, acts, repeats }))
}

/// Selects or dismisses an item.
///
/// # Errors
/// 400 naming every field; 404; 409 when somebody judged it meanwhile; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/items/{id}/judge", tag = "media monitoring", params(("id" = Uuid, Path,)),
    request_body = Judging,
    responses((status = 200, body = Whole), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn judge(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Judging>,
) -> Result<Json<Whole>, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::judge(&mut tx, acting(&app, &actor), id, &asked).await?;
    let (item, acts, repeats) = desk::show(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(Whole { item, acts, repeats }))
}

/// What is taken back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaUndo)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// As it was read.
    pub revision: i32,
}

/// Takes the last act on an item back.
///
/// # Errors
/// 404; 409 when there is nothing to take back, or somebody judged it meanwhile; 400; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/items/{id}/undo", tag = "media monitoring", params(("id" = Uuid, Path,)),
    request_body = Undo,
    responses((status = 200, body = Whole), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn undo(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Undo>,
) -> Result<Json<Whole>, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::take_back(&mut tx, acting(&app, &actor), id, asked.revision).await?;
    let (item, acts, repeats) = desk::show(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(Whole { item, acts, repeats }))
}

/// The check that was opened.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaCheck)]
pub struct Checked {
    pub occurrence: Uuid,
    pub number: String,
}

/// Asks civil defense to look at a rumour: opens an occurrence, never an alert.
///
/// # Errors
/// 400 naming every field; 404; 409 when it was opened before; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/items/{id}/check", tag = "media monitoring", params(("id" = Uuid, Path,)),
    request_body = Rumour,
    responses((status = 201, body = Checked), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn check(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(rumour): StrictJson<Rumour>,
) -> Result<(StatusCode, Json<Checked>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (occurrence, number) = rumour::open(&mut tx, by, id, &rumour, &staff.language).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Checked { occurrence, number })))
}
