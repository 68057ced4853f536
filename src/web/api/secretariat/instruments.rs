//! What the three modules on instruments share over HTTP.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::cells::harmless;
use crate::deadlines::Deadline;
use crate::secretariat::kernel::CaseLink;
use crate::secretariat::kernel::desk as cases;
use crate::secretariat::kernel::instrument::desk::{self, Paper, Whole};
use crate::secretariat::kernel::instrument::exchange::{self, Imported};
use crate::secretariat::kernel::instrument::papers::{self, Readers};
use crate::secretariat::kernel::instrument::report::{self, Report};
use crate::secretariat::kernel::instrument::store::{self, Document, DoneAct, Listed, PublicVersion, Wanted};
use crate::secretariat::kernel::instrument::{Kept, TaxId, Totals};
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::store::instruments as linked;
use crate::web::api::secretariat::papers::attachment;
use crate::web::aside;
use crate::web::auth::Staff;
use crate::web::error::ApiError;
use crate::web::json;

/// `?after=…&state=…&q=…`
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    pub state: String,
    /// Words of the object or the partner; the first 200 characters count.
    pub q: String,
}

/// `?after=…`
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// `?kind=…&name=…&readers=…`
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentQuery {
    /// Small letters, digits and `_`: "term", "receipt".
    #[param(min_length = 1, max_length = 60, pattern = "^[a-z0-9_]+$")]
    pub kind: String,
    #[param(min_length = 1, max_length = 200)]
    pub name: String,
    /// Who reads it: module (whoever works there, as when nothing is said), staff, or everybody while the instrument is public. Only documents of
    /// the kinds term, amendment, notice, plan, opinion and report are opened.
    #[param(value_type = Option<String>, pattern = "^(module|staff|everybody)$")]
    pub readers: Option<Readers>,
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentMade)]
pub struct Made {
    pub id: Uuid,
}

/// One with its past.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentShown)]
pub struct Shown {
    pub id: Uuid,
    pub kind: String,
    /// "2026/001", or empty before it has one.
    pub number: String,
    pub state: String,
    pub revision: i32,
    pub kept_until: Option<NaiveDate>,
    /// As the state machine left it. Bank data and whole CPF only for those who work in the module.
    #[schema(value_type = Object)]
    pub document: Value,
    pub totals: Totals,
    /// Entries of the ledger.
    #[schema(value_type = Vec<Object>)]
    pub money: Value,
    /// Acts that its state allows.
    pub possible: Vec<String>,
    pub deadlines: Vec<Deadline>,
    pub acts: Vec<DoneAct>,
    /// The first act that is not what it was when it was done; none: the chain is whole.
    pub broken_at: Option<i32>,
    /// Those that the caller may read.
    pub documents: Vec<Document>,
    /// Cases that refer to it and that the caller may read.
    pub cases: Vec<CaseLink>,
}

/// A list of what everybody reads.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentsPublic)]
pub struct PublicList {
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
    /// To ask for the next page with `after`; none: this was the last.
    pub next: Option<Uuid>,
}

/// True for whoever works in the module.
pub fn works<K: Kept>(staff: &Staff) -> bool {
    staff.roles.has(K::ROLE)
}

/// # Errors
/// 403 with the role that is missing.
pub fn worker<K: Kept>(staff: &Staff) -> Result<(), ApiError> {
    if works::<K>(staff) {
        return Ok(());
    }
    Err(ApiError::Forbidden(format!("this needs the role {}; {} is {}", K::ROLE, staff.username, staff.roles)))
}

/// Takes away bank data and masks CPF, at any depth.
pub fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["bank", "branch", "account"] {
                fields.remove(name);
            }
            for (name, inner) in fields.iter_mut() {
                match inner {
                    Value::String(text) if name == "document" => {
                        *text = text.parse::<TaxId>().map(|id| id.masked()).unwrap_or_default();
                    }
                    other => hide(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

/// # Errors
/// The database's.
pub async fn list<K: Kept>(app: &App, query: ListQuery) -> Result<Vec<Listed>, ApiError> {
    let short = |text: String, most: usize| -> String { text.chars().filter(|one| *one != '\0').take(most).collect() };
    let wanted =
        Wanted { after: query.after, state: short(query.state, 40), words: short(query.q, 200), most: store::PAGE };
    Ok(store::list(&mut *app.db.web.acquire().await?, K::MODULE, &wanted).await?)
}

/// # Errors
/// Why not.
pub async fn open<K: Kept>(app: &App, staff: &Staff, opening: K::Opening) -> Result<Shown, ApiError> {
    worker::<K>(staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::open::<K>(&mut tx, (by, app.config.municipality.time_zone, &app.keys.vault), opening).await?;
    let whole = desk::whole::<K>(&mut tx, id).await?;
    tx.commit().await?;
    shown(whole, true, Vec::new())
}

/// Cases that refer to it, as the caller may read them.
async fn cases_of(conn: &mut PgConnection, staff: &Staff, id: Uuid) -> sqlx::Result<Vec<CaseLink>> {
    let who = cases::who(staff);
    linked::cases_of(conn, id, (&who.name, &who.modules())).await
}

fn shown<K: Kept>(whole: Whole<K>, works: bool, cases: Vec<CaseLink>) -> Result<Shown, ApiError> {
    let row = whole.row;
    let internal = |error: serde_json::Error| ApiError::Internal(error.into());
    let mut document = serde_json::to_value(&row.what).map_err(internal)?;
    let mut acts = whole.acts;
    let mut documents = whole.documents;
    documents.retain(|one| papers::reads(one.readers, works));
    if !works {
        hide(&mut document);
        acts.iter_mut().for_each(|act| hide(&mut act.asked));
    }
    Ok(Shown {
        id: row.id,
        kind: row.what.kind().to_owned(),
        number: row.number,
        state: row.what.state().to_owned(),
        revision: row.revision,
        kept_until: row.kept_until,
        document,
        totals: row.what.ledger().totals(),
        money: serde_json::to_value(row.what.ledger().entries()).map_err(internal)?,
        possible: row.what.forms().iter().map(|form| form.act.to_owned()).collect(),
        deadlines: whole.deadlines,
        acts,
        broken_at: whole.broken_at,
        documents,
        cases,
    })
}

/// # Errors
/// 404.
pub async fn show<K: Kept>(app: &App, staff: &Staff, id: Uuid) -> Result<Shown, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let whole = desk::whole::<K>(&mut conn, id).await?;
    let cases = cases_of(&mut conn, staff, id).await?;
    shown(whole, works::<K>(staff), cases)
}

/// # Errors
/// Why not, with its law.
pub async fn act<K: Kept>(
    app: &App,
    staff: &Staff,
    (id, revision): (Uuid, Option<i32>),
    act: K::Act,
) -> Result<Shown, ApiError> {
    worker::<K>(staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::act::<K>(&mut tx, (by, app.config.municipality.time_zone, &app.keys.vault), (id, revision), act).await?;
    let whole = desk::whole::<K>(&mut tx, id).await?;
    let cases = cases_of(&mut tx, staff, id).await?;
    tx.commit().await?;
    shown(whole, true, cases)
}

/// # Errors
/// Why not.
pub async fn add_document<K: Kept>(
    app: &App,
    staff: &Staff,
    id: Uuid,
    (query, headers, body): (DocumentQuery, &HeaderMap, &[u8]),
) -> Result<Made, ApiError> {
    worker::<K>(staff)?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or("application/octet-stream");
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let readers = query.readers.unwrap_or(Readers::Module);
    let paper = Paper { kind: &query.kind, name: &query.name, media_type: media, readers, bytes: body };
    let made = desk::add_document::<K>(&mut tx, by, id, paper).await?;
    tx.commit().await?;
    Ok(Made { id: made })
}

/// The bytes, never shown in the browser as a page of ours.
fn saved(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, attachment(name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// A document, for whoever may read it.
///
/// # Errors
/// 404, also for one that is not for the caller.
pub async fn document<K: Kept>(app: &App, staff: &Staff, ids: (Uuid, Uuid)) -> Result<Response, ApiError> {
    let found = store::document(&mut *app.db.web.acquire().await?, K::MODULE, ids).await?;
    let found = found.filter(|(_, readers, _)| papers::reads(*readers, works::<K>(staff)));
    let (name, _, bytes) = found.ok_or_else(|| ApiError::NotFound("the document".into()))?;
    Ok(saved(&name, bytes))
}

/// A document that was opened to everybody, of an instrument that everybody reads.
///
/// # Errors
/// 404.
pub async fn public_document<K: Kept>(app: &App, ids: (Uuid, Uuid)) -> Result<Response, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let found = store::open_document(&mut *app.db.web.acquire().await?, K::MODULE, ids, today).await?;
    let (name, bytes) = found.ok_or_else(|| ApiError::NotFound("the document".into()))?;
    Ok(saved(&name, bytes))
}

/// # Errors
/// The database's.
pub async fn report<K: Kept>(app: &App) -> Result<Report, ApiError> {
    let tz = app.config.municipality.time_zone;
    let today = app.clock.now().with_timezone(&tz).date_naive();
    Ok(report::of::<K>(&mut *app.db.web.acquire().await?, today, tz).await?)
}

/// # Errors
/// 403; the database's.
pub async fn export<K: Kept>(app: &App, staff: &Staff) -> Result<Response, ApiError> {
    worker::<K>(staff)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let text = exchange::write::<K>(&mut tx).await?;
    // It has bank data and whole CPF in it.
    let after = json!({ "instruments": text.lines().count() });
    let entry = Entry::new(Act::CaseExport, "module", K::MODULE).to(after);
    audit::record(&mut tx, &app.ids, app.clock.now(), &actor, entry).await?;
    tx.commit().await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

/// # Errors
/// Names the line.
pub async fn import<K: Kept>(app: &App, staff: &Staff, body: Bytes) -> Result<Imported, ApiError> {
    worker::<K>(staff)?;
    let read = move || -> Result<Vec<(usize, exchange::Line)>, ApiError> {
        let text = std::str::from_utf8(&body).map_err(|error| ApiError::field("body", "", error.to_string()))?;
        if text.trim().is_empty() {
            return Err(ApiError::field("body", "", "expected a line for each instrument"));
        }
        Ok(exchange::parse(text)?)
    };
    let file = aside::apart(read).await??;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let told = exchange::read::<K>(&mut tx, (by, app.config.municipality.time_zone, &app.keys.vault), file).await?;
    tx.commit().await?;
    Ok(told)
}

/// # Errors
/// The database's.
pub async fn public<K: Kept>(app: &App, (after, most): (Option<Uuid>, i64)) -> Result<PublicList, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let rows = store::published(&mut *app.db.web.acquire().await?, K::MODULE, (after, most), today).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == most);
    let next = rows.last().filter(|_| is_full).map(|(id, _)| *id);
    let items = rows.into_iter().map(|(id, mut snapshot)| {
        if let Value::Object(fields) = &mut snapshot {
            fields.insert("id".into(), json!(id));
        }
        snapshot
    });
    Ok(PublicList { items: items.collect(), next })
}

/// # Errors
/// 404 when nothing of it is public.
pub async fn versions<K: Kept>(app: &App, id: Uuid) -> Result<Vec<PublicVersion>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let all = store::versions(&mut *app.db.web.acquire().await?, (K::MODULE, id), today).await?;
    if all.is_empty() { Err(ApiError::NotFound("the instrument".into())) } else { Ok(all) }
}

/// Columns of the public file, in order; those that end in `_centavos` are written as reais with a point.
const COLUMNS: [&str; 15] = [
    "id",
    "number",
    "kind",
    "state",
    "object",
    "partner",
    "partner_document",
    "signed_on",
    "starts_on",
    "ends_on",
    "agreed_centavos",
    "released_centavos",
    "accounted_centavos",
    "returned_centavos",
    "outcome",
];

/// A cell that no program takes for a formula.
fn cell(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => harmless(text.clone()),
        Value::Number(number) if name.ends_with("_centavos") => Centavos(number.as_i64().unwrap_or_default()).machine(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// # Errors
/// The database's.
pub async fn public_csv<K: Kept>(app: &App) -> Result<Response, ApiError> {
    let all = public::<K>(app, (None, store::MOST)).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let broken = |error: csv::Error| ApiError::Internal(error.into());
    writer.write_record(COLUMNS.map(|name| name.trim_end_matches("_centavos"))).map_err(broken)?;
    for item in &all.items {
        let row = COLUMNS.map(|name| cell(name, item.get(name).unwrap_or(&Value::Null)));
        writer.write_record(row).map_err(broken)?;
    }
    let bytes = writer.into_inner().map_err(|error| ApiError::Internal(anyhow::anyhow!("{error}")))?;
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment")];
    Ok((StatusCode::OK, headers, bytes).into_response())
}

/// Reads a body of JSON that has an act in it, for the pages.
///
/// # Errors
/// 400 naming the field.
pub fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    json::read(&serde_json::to_vec(value).map_err(|error| ApiError::Internal(error.into()))?)
}
