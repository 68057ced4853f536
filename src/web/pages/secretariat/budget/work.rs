//! Amendments and credits, the execution, the report, and files of a bill.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{Fields, ROOT, Wrong, day, may_work, status_of, text, today, told, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::budget::change::{Change, ChangeKind, Origin};
use crate::secretariat::budget::execution::Entry;
use crate::secretariat::budget::spend::{Row, Way};
use crate::secretariat::budget::store::execution::{self as store, Import};
use crate::secretariat::budget::table::write as table;
use crate::secretariat::budget::view::{self, Whole};
use crate::secretariat::budget::{acts, desk, files};
use crate::web::api::secretariat::budget::acts::mapping_of;
use crate::web::api::secretariat::budget::{SpendingWanted, files as saved, rows_below};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "sec_budget_changes.html")]
struct ChangesPage {
    f: Frame,
    w: Whole,
    given: Fields,
    limit: String,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ChangesPage {
    fn val(&self, name: &str) -> String {
        text(&self.given, name).to_owned()
    }

    /// The kinds that its state takes.
    fn kinds(&self) -> &'static [ChangeKind] {
        match self.w.bill.life.word() {
            "submitted" => &ChangeKind::ALL[..1],
            "enacted" => &ChangeKind::ALL[1..],
            _ => &[],
        }
    }

    fn expense(&self) -> String {
        let given = self.val("expense");
        if given.is_empty() { table(&files::DELTAS, Vec::<Vec<String>>::new()) } else { given }
    }

    fn revenue(&self) -> String {
        let given = self.val("revenue");
        if given.is_empty() { table(&files::REVENUE_DELTAS, Vec::<Vec<String>>::new()) } else { given }
    }

    fn on(&self) -> String {
        let given = self.val("on");
        if given.is_empty() { today(&self.f.v).to_string() } else { given }
    }
}

pub async fn changes(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    changes_page(&app, v, id, Fields::new(), (String::new(), Vec::new())).await
}

async fn changes_page(app: &App, v: View, id: Uuid, given: Fields, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id).await?;
    let limit = w.enacted().share(w.limit()).to_string();
    let (status, may_edit) = (status_of(&wrong), may_work(&v));
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    Ok((status, page(&ChangesPage { f, w, given, limit, wrong, errors, may_edit })?).into_response())
}

fn change_of(fields: &Fields) -> Result<Change, PlanError> {
    let owned = |name: &str| text(fields, name).to_owned();
    let unknown =
        |field: &'static str| move |error: crate::units::UnknownWord| Refused::wrong(field, "", error.to_string());
    let kind: ChangeKind = text(fields, "kind").parse().map_err(unknown("kind"))?;
    let origin: Origin = text(fields, "origin").parse().map_err(unknown("origin"))?;
    let revenue = text(fields, "revenue");
    Ok(Change {
        kind,
        origin,
        on: day(fields, "on")?,
        act: owned("by"),
        law: owned("law"),
        reason: owned("reason"),
        expense: files::deltas(text(fields, "expense").as_bytes()).map_err(desk::cells)?,
        revenue: if revenue.is_empty() {
            Vec::new()
        } else {
            files::revenue_deltas(revenue.as_bytes()).map_err(desk::cells)?
        },
    })
}

pub async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        match text(&fields, "act") {
            word @ ("take" | "turn_down") => {
                let given = text(&fields, "change");
                let change = given.parse().map_err(|_| Refused::wrong("change", given, "expected an amendment"))?;
                acts::decide(&mut tx, by, (id, change), (word == "take", text(&fields, "reason"))).await?;
            }
            _ => {
                acts::change(&mut tx, by, v.tz, (id, &change_of(&fields)?)).await?;
            }
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}/alteracoes")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            changes_page(&app, v, id, fields, wrong).await
        }
    }
}

/// `?chave=…&depois=2027-02-01&documento=…`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RowsWanted {
    chave: String,
    depois: Option<chrono::NaiveDate>,
    documento: String,
}

#[derive(Template)]
#[template(path = "sec_budget_execution.html")]
struct ExecutionPage {
    f: Frame,
    w: Whole,
    imports: Vec<Import>,
    key: String,
    rows: Vec<Entry>,
    given: Fields,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ExecutionPage {
    fn val(&self, name: &str) -> String {
        text(&self.given, name).to_owned()
    }

    /// The page after this one, when this one is full.
    fn next(&self) -> Option<(String, String)> {
        let last = self.rows.last().filter(|_| self.rows.len() as i64 == store::PAGE)?;
        Some((last.day.to_string(), last.document.clone()))
    }
}

pub async fn execution(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Query(wanted): Query<RowsWanted>,
) -> Result<Response, ApiError> {
    execution_page(&app, v, (id, wanted), Fields::new(), (String::new(), Vec::new())).await
}

async fn execution_page(
    app: &App,
    v: View,
    (id, wanted): (Uuid, RowsWanted),
    given: Fields,
    wrong: Wrong,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id).await?;
    let imports = store::imports(&mut conn, id).await?;
    let is_line = w.allowed.expense.iter().any(|line| line.key.to_string() == wanted.chave);
    let rows = if is_line {
        let after = wanted.depois.map(|day| (day, wanted.documento.as_str()));
        store::rows(&mut conn, (id, &wanted.chave), after).await?
    } else {
        Vec::new()
    };
    let (status, key) = (status_of(&wrong), if is_line { wanted.chave } else { String::new() });
    let may_edit = may_work(&v) && w.bill.life.law().is_some();
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    Ok((status, page(&ExecutionPage { f, w, imports, key, rows, given, wrong, errors, may_edit })?).into_response())
}

pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let mapping = mapping_of(text(&fields, "mapping"))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let import = acts::import(&mut tx, by, v.tz, (id, text(&fields, "table").as_bytes(), &mapping)).await?;
        tx.commit().await?;
        Ok::<Import, PlanError>(import)
    };
    match done.await {
        Ok(_) => Ok(Redirect::to(&format!("{ROOT}/{id}/execucao")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            execution_page(&app, v, (id, RowsWanted::default()), fields, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "sec_budget_report.html")]
struct ReportPage {
    f: Frame,
    w: Whole,
    way: Way,
    path: Vec<String>,
    rows: Vec<Row>,
}

impl ReportPage {
    fn is_way(&self, way: &Way) -> bool {
        self.way == *way
    }

    /// The address one level down, or of the rows of a line.
    fn down(&self, code: &str) -> String {
        let id = self.w.bill.id;
        if self.way.level(self.path.len()) == "line" {
            return format!("{ROOT}/{id}/execucao?chave={code}");
        }
        let path = self.path.iter().map(String::as_str).chain([code]).collect::<Vec<_>>().join("/");
        format!("{ROOT}/{id}/relatorio?way={}&path={path}", self.way)
    }

    /// Parts of the path with the address of each.
    fn crumbs(&self) -> Vec<(String, String)> {
        let crumb = |at: usize| {
            let path = self.path[..=at].join("/");
            (self.path[at].clone(), format!("{ROOT}/{}/relatorio?way={}&path={path}", self.w.bill.id, self.way))
        };
        (0..self.path.len()).map(crumb).collect()
    }

    /// Paid of what is allowed, in whole hundredths.
    fn done(&self, row: &Row) -> i64 {
        row.paid.basis_points_of(row.allowed).unwrap_or_default() / 100
    }
}

pub async fn report(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    crate::web::api::imports::Query(wanted): crate::web::api::imports::Query<SpendingWanted>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id).await?;
    let (way, path, rows) = rows_below(&w.snapshot(), &wanted)?;
    let f = Frame::load(&mut conn, &app, v, "budget").await?;
    page(&ReportPage { f, w, way, path, rows })
}

pub async fn file(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path((id, name)): Path<(Uuid, String)>,
) -> Result<Response, ApiError> {
    saved::as_it_stands(&app, id, &name).await
}
