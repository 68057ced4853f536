//! `/secretaria/painel/parcerias`, `/captacao`, `/projetos`: queue, one with its history, its deadlines explained, the forms of what may be
//! done, and the report. One set of handlers for the three modules.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::words::{self, DrawnForm};
use super::{files, sentences};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::deadlines::{Deadline, words as deadline_words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::kernel::CaseLink;
use crate::secretariat::kernel::desk as cases;
use crate::secretariat::kernel::instrument::desk::{self, Paper};
use crate::secretariat::kernel::instrument::form;
use crate::secretariat::kernel::instrument::papers::{self, Readers};
use crate::secretariat::kernel::instrument::report::{self, Report};
use crate::secretariat::kernel::instrument::shown::{Cell, Shown};
use crate::secretariat::kernel::instrument::store::{self, Document, DoneAct, Listed, Wanted};
use crate::secretariat::kernel::instrument::{Index, Kept, Refusal, TaxId};
use crate::secretariat::kernel::store::instruments as linked;
use crate::web::api::secretariat::funding::{self, AtRisk};
use crate::web::api::secretariat::instruments as api;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Among the forms of a page, the one that sends a file.
const UPLOAD: &str = "document";

#[derive(Template)]
#[template(path = "secretariat/sec_instrument_list.html")]
struct ListPage {
    f: Frame,
    module: &'static str,
    pages: &'static str,
    rows: Vec<Listed>,
    states: Vec<(String, i64)>,
    wanted: Asked,
    next: Option<Uuid>,
    /// What may be lost; of funding only.
    risks: Vec<AtRisk>,
    opening: DrawnForm,
    works: bool,
    wrong: String,
    errors: Vec<FieldError>,
}

impl ListPage {
    fn is_late(&self, row: &Listed) -> bool {
        row.due_on.is_some_and(|due| due < today(&self.f.v))
    }

    /// The form of opening, as the included fields want it.
    fn openings(&self) -> [&DrawnForm; 1] {
        [&self.opening]
    }

    /// The question of the list, for the address of its next page.
    fn asked(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &self.wanted.state).append_pair("q", &self.wanted.q).finish()
    }

    fn code(&self, row: &Listed) -> String {
        row.due_code.as_deref().map(|code| deadline_words::name(self.f.v.lang, code)).unwrap_or_default()
    }
}

fn today(v: &View) -> chrono::NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    state: String,
    q: String,
    after: String,
}

/// What went wrong: a sentence, or the field.
fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    match error {
        PlanError::Refused(Refused::Because(reason)) => {
            Ok((v.t1("sec-instrument-refused", "why", reason.words(v.lang)), Vec::new()))
        }
        PlanError::Refused(Refused::Conflict(why) | Refused::Forbidden(why)) => {
            Ok((v.t1("sec-instrument-refused", "why", sentences::said(v.lang, &why)), Vec::new()))
        }
        PlanError::Refused(Refused::Wrong { field, value, message }) => {
            let errors = vec![FieldError { field, value, message }];
            Ok((v.t("sec-instrument-wrong"), sentences::fields(v.lang, errors)))
        }
        PlanError::Wrong(errors) => Ok((v.t("sec-instrument-wrong"), sentences::fields(v.lang, errors))),
        PlanError::Refused(other) => Err(other.into()),
        PlanError::Other(error) => Err(ApiError::Internal(error)),
    }
}

/// A body that does not read as an act names its field as the API does.
fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, PlanError> {
    api::read(value).map_err(|error| match error {
        ApiError::BadRequest { errors, .. } => PlanError::Wrong(errors),
        other => PlanError::Other(anyhow::anyhow!("{other}")),
    })
}

pub async fn list<K: Kept>(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    list_page::<K>(&app, (v, &staff), asked, (BTreeMap::new(), String::new(), Vec::new())).await
}

async fn list_page<K: Kept>(
    app: &App,
    (v, staff): (View, &Staff),
    wanted: Asked,
    (given, wrong, errors): (BTreeMap<String, String>, String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let short = |text: &str, most: usize| -> String { text.chars().filter(|one| *one != '\0').take(most).collect() };
    let asked = Wanted {
        after: wanted.after.parse().ok(),
        state: short(&wanted.state, 40),
        words: short(&wanted.q, 200),
        most: store::PAGE,
    };
    let rows = store::list(&mut conn, K::MODULE, &asked).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == store::PAGE);
    let next = rows.last().filter(|_| is_full).map(|row| row.id);
    let states = store::states(&mut conn, K::MODULE).await?;
    let risks = if K::MODULE == "funding" { funding::at_risk(app).await? } else { Vec::new() };
    let sent = if wrong.is_empty() { "" } else { "open" };
    let opening = words::form(&v, K::OPENING, (sent, &given, &errors));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let works = api::works::<K>(staff);
    let f = Frame::load(&mut conn, app, v, K::PAGES).await?;
    let (module, pages) = (K::MODULE, K::PAGES);
    let template = ListPage { f, module, pages, rows, states, wanted, next, risks, opening, works, wrong, errors };
    Ok((status, page(&template)?).into_response())
}

pub async fn open<K: Kept>(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    api::worker::<K>(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let typed = form::read(K::OPENING, &given).map_err(Refused::from)?;
        let opening: K::Opening = read(&without_empty(Value::Object(typed)))?;
        let id = desk::open::<K>(&mut tx, (by, v.tz, &app.keys.vault), opening).await?;
        tx.commit().await?;
        Ok::<_, PlanError>(id)
    };
    match done.await {
        Ok(id) => Ok(Redirect::to(&format!("/secretaria/painel/{}/{id}", K::PAGES)).into_response()),
        Err(error) => {
            let (wrong, errors) = told(&v, error)?;
            list_page::<K>(&app, (v, &staff), Asked::default(), (given, wrong, errors)).await
        }
    }
}

/// A party of which nothing was typed is none.
fn without_empty(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, inner| inner.as_object().is_none_or(|inner| !inner.is_empty()));
    }
    value
}

#[derive(Template)]
#[template(path = "secretariat/sec_instrument.html")]
struct OnePage {
    f: Frame,
    module: &'static str,
    pages: &'static str,
    id: Uuid,
    number: String,
    title: String,
    kind: &'static str,
    state: &'static str,
    revision: i32,
    kept_until: Option<chrono::NaiveDate>,
    shown: Shown,
    deadlines: Vec<Deadline>,
    acts: Vec<DoneAct>,
    broken: bool,
    documents: Vec<Document>,
    /// Cases that refer to it.
    cases: Vec<CaseLink>,
    forms: Vec<DrawnForm>,
    /// A file was sent and refused.
    sent: bool,
    works: bool,
    wrong: String,
    errors: Vec<FieldError>,
}

impl OnePage {
    /// Kinds of documents with their words, those first that may be opened to others.
    fn kinds(&self) -> Vec<(&'static str, String)> {
        let all = papers::OPEN_KINDS.iter().chain(papers::CLOSED_KINDS);
        all.map(|kind| (*kind, words::document_kind(&self.f.v, kind))).collect()
    }

    fn kind_of(&self, document: &Document) -> String {
        words::document_kind(&self.f.v, &document.kind)
    }

    fn readers(&self) -> Vec<(&'static str, String)> {
        Readers::ALL.iter().map(|one| (one.as_str(), self.f.v.word("sec-instrument-readers", one.as_str()))).collect()
    }

    /// In addresses of the API.
    fn slug(&self) -> String {
        self.module.replace('_', "-")
    }

    fn cell(&self, cell: &Cell) -> String {
        words::cell(&self.f.v, cell)
    }

    fn field(&self, name: &str) -> String {
        words::field(&self.f.v, name)
    }

    fn steps(&self, deadline: &Deadline) -> Vec<String> {
        deadline.trace.iter().map(|step| deadline_words::step(self.f.v.lang, step)).collect()
    }

    fn name(&self, code: &str) -> String {
        deadline_words::name(self.f.v.lang, code)
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn is_near(&self, deadline: &Deadline) -> bool {
        deadline.is_near(today(&self.f.v))
    }
}

pub async fn show<K: Kept>(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    one_page::<K>(&app, (v, &staff), id, (BTreeMap::new(), String::new(), Vec::new())).await
}

async fn one_page<K: Kept>(
    app: &App,
    (v, staff): (View, &Staff),
    id: Uuid,
    (given, wrong, errors): (BTreeMap<String, String>, String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let whole = desk::whole::<K>(&mut conn, id).await?;
    let works = api::works::<K>(staff);
    let mut what = whole.row.what;
    let state = what.state();
    let possible = if works { what.forms() } else { Vec::new() };
    if !works {
        what = hidden(&what)?;
    }
    let sent = if wrong.is_empty() { "" } else { given.get("act").map(String::as_str).unwrap_or_default() };
    let forms = possible.into_iter().map(|form| words::form(&v, form, (sent, &given, &errors))).collect();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut shown = what.shown(today(&v));
    if !works {
        masked(&mut shown, &what.index());
    }
    let who = cases::who(staff);
    let cases = linked::cases_of(&mut conn, id, (&who.name, &who.modules())).await?;
    let mut documents = whole.documents;
    documents.retain(|one| papers::reads(one.readers, works));
    let f = Frame::load(&mut conn, app, v, K::PAGES).await?;
    let template = OnePage {
        f,
        module: K::MODULE,
        pages: K::PAGES,
        id,
        number: whole.row.number,
        title: what.index().title,
        kind: what.kind(),
        state,
        revision: whole.row.revision,
        kept_until: whole.row.kept_until,
        shown,
        deadlines: whole.deadlines,
        acts: whole.acts,
        broken: whole.broken_at.is_some(),
        documents,
        cases,
        forms,
        sent: sent == UPLOAD,
        works,
        wrong,
        errors,
    };
    Ok((status, page(&template)?).into_response())
}

/// The other side without its whole CPF.
pub fn masked(shown: &mut Shown, index: &Index) {
    let document = index.partner_document.parse::<TaxId>().map(|id| id.masked()).unwrap_or_default();
    for (_, cell) in shown.facts.iter_mut().filter(|(name, _)| *name == "partner") {
        *cell = Cell::text(format!("{} ({document})", index.partner));
    }
}

/// As whoever does not work in the module sees it: no bank data.
pub fn hidden<K: Kept>(what: &K) -> Result<K, ApiError> {
    fn without_bank(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("bank");
                fields.values_mut().for_each(without_bank);
            }
            Value::Array(items) => items.iter_mut().for_each(without_bank),
            _ => {}
        }
    }
    let internal = |error: serde_json::Error| ApiError::Internal(error.into());
    let mut value = serde_json::to_value(what).map_err(internal)?;
    without_bank(&mut value);
    let mut next: K = serde_json::from_value(value).map_err(internal)?;
    next.set_ledger(what.ledger().clone());
    Ok(next)
}

pub async fn act<K: Kept>(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    api::worker::<K>(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let word = given.get("act").map(String::as_str).unwrap_or_default();
        let row = store::load::<K>(&mut tx, id).await?.ok_or_else(|| Refused::NotFound(format!("instrument {id}")))?;
        let forms = row.what.forms();
        let form = forms.iter().find(|form| form.act == word);
        let form = form.ok_or_else(|| {
            let (state, possible) = (row.what.state().to_owned(), forms.iter().map(|form| form.act).collect());
            Refused::from(Refusal::Illegal { act: word.to_owned(), state, possible, law: row.what.law(today(&v)) })
        })?;
        if form.confirm && given.get("sure").is_none_or(|sure| sure != "yes") {
            return Err(Refused::wrong("sure", "", v.t("sec-instrument-not-sure")).into());
        }
        let mut typed = form::read(form, &given).map_err(Refused::from)?;
        typed.insert("act".into(), json!(word));
        let act: K::Act = read(&Value::Object(typed))?;
        let revision = given.get("revision").and_then(|text| text.parse().ok());
        desk::act::<K>(&mut tx, (by, v.tz, &app.keys.vault), (id, revision), act).await?;
        tx.commit().await?;
        Ok::<_, PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/secretaria/painel/{}/{id}", K::PAGES)).into_response()),
        Err(error) => {
            let (wrong, errors) = told(&v, error)?;
            one_page::<K>(&app, (v, &staff), id, (given, wrong, errors)).await
        }
    }
}

/// A file that is sent with the page's form, within the bounds of the API.
pub async fn upload<K: Kept>(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    api::worker::<K>(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let sent = files::sent(request, desk::MAX_DOCUMENT).await;
    let done = async {
        let broken = || Refused::wrong("file", "", v.t1("sec-file-broken", "n", desk::MAX_DOCUMENT / 1024 / 1024));
        let sent = sent.ok_or_else(broken)?;
        let said = sent.text("readers");
        let readers = said
            .parse::<Readers>()
            .map_err(|_| Refused::wrong("readers", said, "expected one of module, staff, everybody"))?;
        let media_type = if sent.media_type.is_empty() { "application/octet-stream" } else { sent.media_type.as_str() };
        let paper = Paper { kind: sent.text("kind"), name: sent.name(), media_type, readers, bytes: &sent.bytes };
        let mut tx = app.db.web.begin().await?;
        desk::add_document::<K>(&mut tx, by, id, paper).await?;
        tx.commit().await?;
        Ok::<_, PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/secretaria/painel/{}/{id}#documentos", K::PAGES)).into_response()),
        Err(error) => {
            let (wrong, errors) = told(&v, error)?;
            let given = BTreeMap::from([("act".to_owned(), UPLOAD.to_owned())]);
            one_page::<K>(&app, (v, &staff), id, (given, wrong, errors)).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_instrument_report.html")]
struct ReportPage {
    f: Frame,
    module: &'static str,
    pages: &'static str,
    report: Report,
}

impl ReportPage {
    fn name(&self, code: &str) -> String {
        deadline_words::name(self.f.v.lang, code)
    }
}

pub async fn report<K: Kept>(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let report = report::of::<K>(&mut conn, today(&v), v.tz).await?;
    let f = Frame::load(&mut conn, &app, v, K::PAGES).await?;
    page(&ReportPage { f, module: K::MODULE, pages: K::PAGES, report })
}
