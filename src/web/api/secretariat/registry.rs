//! The registry over HTTP: organisations, persons and places, and where each stands.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::secretariat::kernel::desk::{self as cases, Desk};
use crate::secretariat::kernel::registry::desk;
use crate::secretariat::kernel::registry::exchange::{self, Taken};
use crate::secretariat::kernel::registry::store::{PAGE, Wanted};
use crate::secretariat::kernel::registry::whole::{self, Whole};
use crate::secretariat::kernel::registry::{Contact, Entry, NewContact, NewEntry};
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/registry", get(list).post(open))
        .route("/api/v1/secretariat/registry/public", get(public))
        .route("/api/v1/secretariat/registry/export", get(export))
        .route("/api/v1/secretariat/registry/import", post(import).layer(DefaultBodyLimit::max(exchange::MAX_BYTES)))
        .route("/api/v1/secretariat/registry/{id}", get(show).put(edit))
        .route("/api/v1/secretariat/registry/{id}/remove", post(remove))
        .route("/api/v1/secretariat/registry/{id}/merge", post(merge))
        .route("/api/v1/secretariat/registry/{id}/unmerge", post(unmerge))
        .route("/api/v1/secretariat/registry/{id}/contacts", post(add_contact))
        .route("/api/v1/secretariat/registry/{id}/contacts/{contact}/withdraw", post(withdraw))
        .route("/api/v1/secretariat/registry/{id}/document", post(document))
}

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Words of the name, the short name or the address, or a whole CNPJ or CPF; the first 200 characters count.
    #[serde(default)]
    pub q: String,
    /// organisation, person or place.
    #[param(pattern = "^(organisation|person|place)$")]
    pub kind: Option<String>,
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

impl Asked {
    /// # Errors
    /// 400 naming the parameter.
    pub fn wanted(&self) -> Result<Wanted, ApiError> {
        let kind = match self.kind.as_deref() {
            None => None,
            Some(word) => Some(
                word.parse().map_err(|_| ApiError::field("kind", word, "expected organisation, person or place"))?,
            ),
        };
        let words = self.q.trim().chars().filter(|one| *one != '\0').take(200).collect();
        Ok(Wanted { words, kind, after: self.after, most: PAGE, ..Wanted::default() })
    }
}

/// A page of entries.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryEntries)]
pub struct Entries {
    pub items: Vec<Entry>,
    /// To ask for the next page with `after`; none: this was the last.
    pub next: Option<Uuid>,
}

impl Entries {
    pub fn of(items: Vec<Entry>) -> Self {
        let is_full = i64::try_from(items.len()).is_ok_and(|count| count == PAGE);
        let next = items.last().filter(|_| is_full).map(|entry| entry.id);
        Self { items, next }
    }
}

/// Lists entries that the reader may read, the newest first; without words only those that were not merged into others.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/registry", tag = "registry", params(Asked),
    responses((status = 200, body = Entries), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(asked): Query<Asked>,
) -> Result<Json<Entries>, ApiError> {
    let wanted = asked.wanted()?;
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(Entries::of(desk::list(&mut conn, Desk::of(&app, &actor, &who), wanted).await?)))
}

/// Writes an entry down.
///
/// # Errors
/// 400 naming every field; 401, 403 naming the role; 409 when its document stands there already.
#[utoipa::path(post, path = "/api/v1/secretariat/registry", tag = "registry", request_body = NewEntry,
    responses((status = 201, body = Entry), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewEntry>,
) -> Result<(StatusCode, Json<Entry>), ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let entry = desk::open(&mut tx, Desk::of(&app, &actor, &who), &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(entry)))
}

/// Everything of an entry that its reader may see: instruments with overdue accounts, mandates, outlets, cases.
///
/// # Errors
/// 401, 403; 404 also when it is not for the reader.
#[utoipa::path(get, path = "/api/v1/secretariat/registry/{id}", tag = "registry", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Whole), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(whole::look(&mut conn, Desk::of(&app, &actor, &who), id).await?))
}

/// What an entry is changed to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryEdit)]
#[serde(deny_unknown_fields)]
pub struct Edited {
    /// Of the entry as it was seen.
    pub revision: i32,
    pub entry: NewEntry,
}

/// Changes an entry. Its kind stays, and a document that is not given.
///
/// # Errors
/// 400 naming every field; 401, 403 naming the role; 404; 409 when it was changed or merged, or the document is another's.
#[utoipa::path(put, path = "/api/v1/secretariat/registry/{id}", tag = "registry", params(("id" = Uuid, Path,)), request_body = Edited,
    responses((status = 200, body = Entry), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<Edited>,
) -> Result<Json<Entry>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let entry = desk::edit(&mut tx, Desk::of(&app, &actor, &who), (id, new.revision), &new.entry).await?;
    tx.commit().await?;
    Ok(Json(entry))
}

/// Why something is done to an entry.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryReason)]
#[serde(deny_unknown_fields)]
pub struct Reasoned {
    /// Of the entry as it was seen.
    pub revision: i32,
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Takes away an entry that was written down by mistake.
///
/// # Errors
/// 400 without a reason; 401, 403; 404; 409 while something links to it.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/remove", tag = "registry", params(("id" = Uuid, Path,)),
    request_body = Reasoned,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn remove(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Reasoned>,
) -> Result<StatusCode, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    desk::remove(&mut tx, Desk::of(&app, &actor, &who), (id, why.revision), &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Into which entry, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryMerge)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// Of the entry as it was seen.
    pub revision: i32,
    pub into: Uuid,
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// Makes an entry an alias of another. What links to it stays with it, so that it can be undone.
///
/// # Errors
/// 400 without a reason or for an unknown entry; 401, 403; 404; 409 saying why they are not one.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/merge", tag = "registry", params(("id" = Uuid, Path,)),
    request_body = Merged,
    responses((status = 200, body = Entry), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn merge(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Merged>,
) -> Result<Json<Entry>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let into = (asked.into, asked.reason.as_str());
    let entry = desk::merge(&mut tx, Desk::of(&app, &actor, &who), (id, asked.revision), into).await?;
    tx.commit().await?;
    Ok(Json(entry))
}

/// Takes a merge back.
///
/// # Errors
/// 400 without a reason; 401, 403; 404; 409 when it is not merged or was changed.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/unmerge", tag = "registry", params(("id" = Uuid, Path,)),
    request_body = Reasoned,
    responses((status = 200, body = Entry), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn unmerge(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Reasoned>,
) -> Result<Json<Entry>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let entry = desk::unmerge(&mut tx, Desk::of(&app, &actor, &who), (id, why.revision), &why.reason).await?;
    tx.commit().await?;
    Ok(Json(entry))
}

/// Writes down how somebody agreed to be reached, and for what.
///
/// # Errors
/// 400 naming every field; 401, 403; 404; 409 when the entry is merged or has too many.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/contacts", tag = "registry", params(("id" = Uuid, Path,)),
    request_body = NewContact,
    responses((status = 201, body = Contact), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_contact(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<NewContact>,
) -> Result<(StatusCode, Json<Contact>), ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let contact = desk::add_contact(&mut tx, Desk::of(&app, &actor, &who), id, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(contact)))
}

/// Withdraws a consent: what reaches them is erased.
///
/// # Errors
/// 401, 403; 404; 409 when it was withdrawn before.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/contacts/{contact}/withdraw", tag = "registry",
    params(("id" = Uuid, Path,), ("contact" = Uuid, Path,)),
    responses((status = 200, body = Contact), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(ids): Path<(Uuid, Uuid)>,
) -> Result<Json<Contact>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let contact = desk::withdraw(&mut tx, Desk::of(&app, &actor, &who), ids).await?;
    tx.commit().await?;
    Ok(Json(contact))
}

/// Why a CPF is read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryDocumentAsked)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 10, max_length = 500)]
    pub reason: String,
}

/// The CPF of a person whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryDocument)]
pub struct Document {
    /// None: the entry has none, or only its middle digits came from another installation.
    pub cpf: Option<String>,
}

/// Reads the CPF of a person whole, with a reason. Each reading is in the audit.
///
/// # Errors
/// 400 without a reason; 401, 403; 404; 409 when it does not open under the keys of the vault.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/{id}/document", tag = "registry", params(("id" = Uuid, Path,)),
    request_body = Why,
    responses((status = 200, body = Document), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn document(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Json<Document>, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let cpf = desk::read_cpf(&mut tx, Desk::of(&app, &actor, &who), id, &why.reason).await?;
    tx.commit().await?;
    Ok(Json(Document { cpf }))
}

/// Takes out every entry that the reader may read, as JSON Lines. No CPF is in it in clear.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/registry/export", tag = "registry",
    responses((status = 200, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let text = exchange::write(&mut tx, Desk::of(&app, &actor, &who)).await?;
    tx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"registry.jsonl\""),
    ];
    Ok((headers, text).into_response())
}

/// Takes in what was taken out, all or none. What is here already, the same, stays.
///
/// # Errors
/// 400 naming the line; 401, 403 naming the role; 409 when an entry is here already and differs.
#[utoipa::path(post, path = "/api/v1/secretariat/registry/import", tag = "registry",
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Taken), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    body: Bytes,
) -> Result<Json<Taken>, ApiError> {
    let read = move || -> Result<Vec<(usize, exchange::Line)>, ApiError> {
        let text = std::str::from_utf8(&body).map_err(|error| ApiError::field("body", "", error.to_string()))?;
        if text.trim().is_empty() {
            return Err(ApiError::field("body", "", "expected a line for each entry"));
        }
        Ok(exchange::read(text)?)
    };
    let file = aside::apart(read).await??;
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let taken = exchange::take_in(&mut tx, Desk::of(&app, &actor, &who), file).await?;
    tx.commit().await?;
    Ok(Json(taken))
}

/// Which page.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// An organisation or place that everybody may read.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryPublicEntry)]
pub struct PublicEntry {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub short_name: String,
    /// A CNPJ, or empty.
    pub document: String,
    pub address: String,
    pub point: Option<crate::secretariat::kernel::registry::Point>,
}

/// A page of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryPublic)]
pub struct Public {
    pub items: Vec<PublicEntry>,
    /// To ask for the next page with `after`; none: this was the last.
    pub next: Option<Uuid>,
}

/// Lists organisations and places whose class is public, the newest first. Persons are in it never.
///
/// # Errors
/// 400 naming the parameter.
#[utoipa::path(get, path = "/api/v1/secretariat/registry/public", tag = "registry", params(After),
    responses((status = 200, body = Public), (status = 400, body = Problem)))]
pub async fn public(State(app): State<App>, Query(asked): Query<After>) -> Result<Json<Public>, ApiError> {
    let found = Entries::of(desk::public(&mut *app.db.web.acquire().await?, asked.after).await?);
    let items = found.items.into_iter().map(|entry| PublicEntry {
        id: entry.id,
        kind: entry.kind.to_string(),
        name: entry.name,
        short_name: entry.short_name,
        document: entry.document,
        address: entry.address,
        point: entry.point,
    });
    Ok(Json(Public { items: items.collect(), next: found.next }))
}
