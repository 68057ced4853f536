//! `/secretaria/painel/orcamento`: PPA, LDO and LOA, from the units' proposals to the law and its execution; and what everyone reads of them.

mod bill;
mod public;
mod tables;
mod work;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::accounts::tokens::desk::Acting;
use crate::accounts::{Permission, Role};
use crate::app::App;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::budget::dates::{self, Due};
use crate::secretariat::budget::desk::{self, NewBill};
use crate::secretariat::budget::life::Life;
use crate::secretariat::budget::store::{self, Bill};
use crate::secretariat::budget::{BillKind, print, view};
use crate::web::api::secretariat::budget::Asked;
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::secretariat::sentences;
use crate::web::pages::view::View;

const ROOT: &str = "/secretaria/painel/orcamento";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/orcamento", get(list).post(open))
        .route("/secretaria/painel/orcamento/classificacoes", get(tables::codes).post(tables::add_codes))
        .route("/secretaria/painel/orcamento/{id}", get(bill::show).post(bill::act))
        .route("/secretaria/painel/orcamento/{id}/conteudo", get(tables::content).post(tables::write))
        .route("/secretaria/painel/orcamento/{id}/propostas", get(bill::proposals).post(bill::ceilings))
        .route("/secretaria/painel/orcamento/{id}/propostas/{unit}", get(tables::proposal).post(tables::propose))
        .route("/secretaria/painel/orcamento/{id}/receita", get(tables::revenue).post(tables::set_revenue))
        .route("/secretaria/painel/orcamento/{id}/alteracoes", get(work::changes).post(work::change))
        .route("/secretaria/painel/orcamento/{id}/execucao", get(work::execution).post(work::import))
        .route("/secretaria/painel/orcamento/{id}/relatorio", get(work::report))
        .route("/secretaria/painel/orcamento/{id}/arquivos/{file}", get(work::file))
        .merge(public::routes())
}

/// What a form brought.
pub(super) type Fields = BTreeMap<String, String>;

pub(super) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", |value| value.trim())
}

/// The day of a form.
pub(super) fn day(fields: &Fields, name: &str) -> Result<chrono::NaiveDate, Refused> {
    let given = text(fields, name);
    given.parse().map_err(|_| Refused::wrong(name, given, "expected a day"))
}

/// Sentences of the desks by a part that is theirs alone, and the key of their words. The sentence itself stands behind them: it has the
/// amounts and the law.
const KNOWN: [(&str, &str); 20] = [
    ("the bill is not consistent", "sec-budget-no-consistent"),
    ("no hearing was held", "sec-budget-no-hearing"),
    ("await a decision", "sec-budget-no-decision"),
    ("were not sent yet", "sec-budget-no-sent"),
    ("the ceiling is", "sec-budget-no-ceiling-over"),
    ("has no ceiling yet", "sec-budget-no-ceiling-yet"),
    ("changed meanwhile", "sec-budget-no-stale"),
    ("its content stands", "sec-budget-no-stands"),
    ("already", "sec-budget-no-already"),
    ("the difference is", "sec-budget-no-balance"),
    ("is below nought", "sec-budget-no-negative"),
    ("is committed", "sec-budget-no-committed"),
    ("a special credit needs a law", "sec-budget-no-law"),
    ("only an extraordinary credit", "sec-budget-no-source"),
    ("nothing is taken from personnel", "sec-budget-no-shielded"),
    ("the law allows", "sec-budget-no-limit"),
    ("is no line of the budget", "sec-budget-no-line"),
    ("lies outside of the year", "sec-budget-no-year"),
    ("only an enacted budget", "sec-budget-no-enacted"),
    ("needs an enacted budget", "sec-budget-no-enacted"),
];

/// What went wrong: a sentence, and every field.
pub(super) type Wrong = (String, Vec<FieldError>);

pub(super) fn told(v: &View, error: PlanError) -> Result<Wrong, ApiError> {
    match error {
        PlanError::Wrong(errors) => Ok((v.t("sec-budget-bad"), sentences::fields(v.lang, errors))),
        PlanError::Refused(Refused::Wrong { field, value, message }) => {
            let errors = vec![FieldError { field, value, message }];
            Ok((v.t("sec-budget-bad"), sentences::fields(v.lang, errors)))
        }
        PlanError::Refused(Refused::Because(reason)) => {
            Ok((known(v, &reason.detail, reason.words(v.lang)), Vec::new()))
        }
        PlanError::Refused(Refused::Conflict(why)) => Ok((known(v, &why, sentences::said(v.lang, &why)), Vec::new())),
        PlanError::Refused(other) => Err(other.into()),
        PlanError::Other(error) => Err(ApiError::Internal(error)),
    }
}

/// What a refusal is about, and why in the reader's language.
fn known(v: &View, detail: &str, why: String) -> String {
    match KNOWN.iter().find(|(part, _)| detail.contains(part)) {
        Some((_, key)) => v.t2("sec-budget-refused-known", "words", v.t(key), "why", why),
        None => v.t1("sec-budget-refused", "why", why),
    }
}

pub(super) fn status_of(wrong: &Wrong) -> StatusCode {
    if wrong.0.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// Whoever reads may also act here.
pub(super) fn may_work(v: &View) -> bool {
    v.may(Permission::WorkSecretariat) && v.staff.as_ref().is_some_and(|staff| staff.roles.has(Role::Budget))
}

pub(super) fn works(staff: &Staff) -> Result<(), ApiError> {
    has_role(staff, Role::Budget)
}

/// Class of a state's tag.
pub(super) fn tag(state: &str) -> &'static str {
    match state {
        "enacted" | "sent" => "good",
        "returned" => "bad",
        "collecting" | "draft" => "wait",
        _ => "",
    }
}

struct Row {
    bill: Bill,
    due: Option<Due>,
}

impl Row {
    /// Its day of submission has passed and it was not submitted.
    fn is_late(&self, today: chrono::NaiveDate) -> bool {
        !self.bill.life.is_public() && self.due.as_ref().is_some_and(|due| due.on < today)
    }
}

#[derive(Template)]
#[template(path = "sec_budget_list.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    search: Fields,
    year: i32,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ListPage {
    fn is_late(&self, row: &Row) -> bool {
        row.is_late(today(&self.f.v))
    }

    fn sought(&self, name: &str) -> &str {
        text(&self.search, name)
    }

    fn is_sought(&self) -> bool {
        ["q", "kind", "year", "state"].iter().any(|name| !self.sought(name).is_empty())
    }

    fn states(&self) -> [&'static str; 5] {
        Life::WORDS
    }
}

pub(super) fn today(v: &View) -> chrono::NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(search): Query<Fields>,
) -> Result<Response, ApiError> {
    list_page(&app, v, search, (String::new(), Vec::new())).await
}

/// What a form leaves empty is not asked.
fn asked(search: &Fields) -> Result<Asked, ApiError> {
    let given = |name: &str| Some(text(search, name).to_owned()).filter(|text| !text.is_empty());
    let year = match given("year") {
        Some(text) => Some(text.parse().map_err(|_| ApiError::field("year", text.as_str(), "expected a year"))?),
        None => None,
    };
    Ok(Asked { q: text(search, "q").to_owned(), kind: given("kind"), year, state: given("state") })
}

async fn list_page(app: &App, v: View, search: Fields, wrong: Wrong) -> Result<Response, ApiError> {
    use chrono::Datelike as _;
    let mut conn = app.db.web.acquire().await?;
    let shipped = dates::shipped().map_err(|error| ApiError::Internal(error.into()))?;
    let local = store::date_rules(&mut conn).await?;
    let row = |bill: Bill| {
        let due = dates::due(&shipped, &local, &format!("{}.submit", bill.kind), bill.year_from);
        Row { bill, due }
    };
    let rows = store::find(&mut conn, &asked(&search)?.wanted()?).await?.into_iter().map(row).collect();
    let (status, may_edit, year) = (status_of(&wrong), may_work(&v), today(&v).year() + 1);
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    Ok((status, page(&ListPage { f, rows, search, year, wrong, errors, may_edit })?).into_response())
}

async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let word = text(&fields, "kind");
        let kind: BillKind = word.parse().map_err(|_| Refused::wrong("kind", word, "expected ppa, ldo or loa"))?;
        let given = text(&fields, "year");
        let year = given.parse().map_err(|_| Refused::wrong("year", given, "expected a year"))?;
        let id = desk::open(&mut tx, by, v.tz, &NewBill { kind, year }).await?;
        tx.commit().await?;
        Ok::<_, PlanError>(id)
    };
    match done.await {
        Ok(id) => Ok(Redirect::to(&format!("{ROOT}/{id}")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            list_page(&app, v, Fields::new(), wrong).await
        }
    }
}

/// Sums of a bill as its pages show them.
pub(super) fn sums(whole: &view::Whole) -> [(&'static str, String); 4] {
    use crate::secretariat::budget::spend::Phase;
    let snapshot = whole.snapshot();
    [
        ("sec-budget-taken-in", snapshot.taken_in().to_string()),
        ("sec-budget-planned", snapshot.planned().to_string()),
        ("sec-budget-allowed", snapshot.allowed().to_string()),
        ("sec-budget-paid", print::whole(&snapshot, Phase::Paid).to_string()),
    ]
}
