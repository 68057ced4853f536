//! Pages on which somebody writes tables: content of a PPA, an LDO or an LOA, lines of a unit, revenue, codes of the town.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Fields, ROOT, Wrong, may_work, status_of, text, today, told, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::budget::classify::Which;
use crate::secretariat::budget::files::{self, PpaTables};
use crate::secretariat::budget::plans::{Content, LoaHead};
use crate::secretariat::budget::store::{self, Bill, lines};
use crate::secretariat::budget::{BillKind, desk};
use crate::secretariat::kernel::tree::Node;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// A place to write in.
struct Area {
    name: &'static str,
    /// Keys of its words.
    label: &'static str,
    value: String,
    rows: usize,
}

const fn area(name: &'static str, label: &'static str, value: String, rows: usize) -> Area {
    Area { name, label, value, rows }
}

#[derive(Template)]
#[template(path = "sec_budget_table.html")]
struct TablePage {
    f: Frame,
    /// None on the page of codes.
    bill: Option<Bill>,
    title: String,
    help: String,
    action: String,
    areas: Vec<Area>,
    /// Which classification is looked at.
    which: Option<Which>,
    nodes: Vec<Node>,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl TablePage {
    fn revision(&self) -> i32 {
        self.bill.as_ref().map_or(0, |bill| bill.revision)
    }

    fn is_which(&self, which: &Which) -> bool {
        self.which == Some(*which)
    }

    fn is_local(&self) -> bool {
        self.which.is_none_or(Which::is_local)
    }
}

async fn bill_of(conn: &mut PgConnection, id: Uuid) -> Result<Bill, ApiError> {
    store::load(conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("budget bill {id}")))
}

/// Where a table of a bill is written.
enum Place {
    Content,
    Unit(String),
    Revenue,
}

async fn table_page(
    app: &App,
    v: View,
    (id, place): (Uuid, Place),
    given: Option<&Fields>,
    wrong: Wrong,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let bill = bill_of(&mut conn, id).await?;
    let (title, help, action, mut areas) = match place {
        Place::Content => {
            let action = format!("{ROOT}/{id}/conteudo");
            (
                v.t("sec-budget-content"),
                v.t(&format!("sec-budget-content-{}", bill.kind)),
                action,
                content_areas(&bill.content),
            )
        }
        Place::Unit(unit) => {
            let value = files::write_expense(&lines::expense(&mut conn, id, Some(&unit)).await?);
            let title = v.t1("sec-budget-unit-lines", "unit", &unit);
            let action = format!("{ROOT}/{id}/propostas/{unit}");
            (title, v.t("sec-budget-lines-help"), action, vec![area("table", "sec-budget-lines", value, 16)])
        }
        Place::Revenue => {
            let value = files::write_revenue(&lines::revenue(&mut conn, id).await?);
            let action = format!("{ROOT}/{id}/receita");
            (
                v.t("sec-budget-revenue"),
                v.t("sec-budget-revenue-help"),
                action,
                vec![area("table", "sec-budget-lines", value, 16)],
            )
        }
    };
    for one in &mut areas {
        if let Some(value) = given.and_then(|given| given.get(one.name)) {
            one.value.clone_from(value);
        }
    }
    let (status, may_edit) = (status_of(&wrong), may_work(&v) && bill.life.word() == "collecting");
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    let (bill, which, nodes) = (Some(bill), None, Vec::new());
    let shown = TablePage { f, bill, title, help, action, areas, which, nodes, wrong, errors, may_edit };
    Ok((status, page(&shown)?).into_response())
}

fn content_areas(content: &Content) -> Vec<Area> {
    match content {
        Content::Ppa(ppa) => {
            let tables = files::write_ppa(ppa);
            vec![
                area("programmes", "sec-budget-programmes", tables.programmes, 8),
                area("indicators", "sec-budget-indicators", tables.indicators, 6),
                area("actions", "sec-budget-actions", tables.actions, 10),
                area("targets", "sec-budget-targets", tables.targets, 12),
            ]
        }
        Content::Ldo(ldo) => {
            let (priorities, targets) = files::write_ldo(ldo);
            vec![
                area("priorities", "sec-budget-priorities", priorities, 10),
                area("targets", "sec-budget-fiscal-targets", targets, 8),
            ]
        }
        Content::Loa(head) => vec![
            area("credit_limit", "sec-budget-credit-limit", head.credit_limit.to_string(), 1),
            area("note", "sec-budget-note", head.note.clone(), 2),
        ],
    }
}

fn content_of(kind: BillKind, fields: &Fields) -> Result<Content, PlanError> {
    let owned = |name: &str| text(fields, name).to_owned();
    match kind {
        BillKind::Ppa => {
            let tables = PpaTables {
                programmes: owned("programmes"),
                indicators: owned("indicators"),
                actions: owned("actions"),
                targets: owned("targets"),
            };
            files::ppa(&tables).map(Content::Ppa).map_err(desk::cells)
        }
        BillKind::Ldo => {
            let (priorities, targets) = (text(fields, "priorities"), text(fields, "targets"));
            files::ldo(priorities.as_bytes(), targets.as_bytes()).map(Content::Ldo).map_err(desk::cells)
        }
        BillKind::Loa => {
            let given = text(fields, "credit_limit");
            let limit = given
                .parse()
                .map_err(|_| Refused::wrong("credit_limit", given, "expected basis points, 0 to 10000"))?;
            Ok(Content::Loa(LoaHead { credit_limit: limit, note: owned("note") }))
        }
    }
}

pub async fn content(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    table_page(&app, v, (id, Place::Content), None, (String::new(), Vec::new())).await
}

pub async fn write(
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
        let bill = store::load(&mut tx, id).await?.ok_or_else(|| Refused::NotFound(format!("budget bill {id}")))?;
        let content = content_of(bill.kind, &fields)?;
        let revision = text(&fields, "revision").parse().unwrap_or_default();
        desk::write(&mut tx, by, (id, revision), &content).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            table_page(&app, v, (id, Place::Content), Some(&fields), wrong).await
        }
    }
}

pub async fn proposal(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path((id, unit)): Path<(Uuid, String)>,
) -> Result<Response, ApiError> {
    table_page(&app, v, (id, Place::Unit(unit)), None, (String::new(), Vec::new())).await
}

pub async fn propose(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((id, unit)): Path<(Uuid, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let lines = files::expense(text(&fields, "table").as_bytes()).map_err(desk::cells)?;
        desk::propose(&mut tx, by, (id, &unit), &lines).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}/propostas")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            table_page(&app, v, (id, Place::Unit(unit)), Some(&fields), wrong).await
        }
    }
}

pub async fn revenue(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    table_page(&app, v, (id, Place::Revenue), None, (String::new(), Vec::new())).await
}

pub async fn set_revenue(
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
        let lines = files::revenue(text(&fields, "table").as_bytes()).map_err(desk::cells)?;
        let revision = text(&fields, "revision").parse().ok();
        desk::set_revenue(&mut tx, by, (id, revision), &lines).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            table_page(&app, v, (id, Place::Revenue), Some(&fields), wrong).await
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    qual: String,
}

pub async fn codes(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let which = wanted.qual.parse().unwrap_or(Which::Unit);
    codes_page(&app, v, which, String::new(), (String::new(), Vec::new())).await
}

async fn codes_page(app: &App, v: View, which: Which, given: String, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let classes = store::classes(&mut conn).await?;
    let nodes = classes.of(which).on(today(&v)).cloned().collect();
    let value = if given.is_empty() { files::write_nodes([]) } else { given };
    let (status, may_edit) = (status_of(&wrong), may_work(&v));
    let (title, help) = (v.t("sec-budget-codes"), v.t("sec-budget-codes-help"));
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    let areas = vec![area("table", "sec-budget-codes-new", value, 8)];
    let (bill, action, which) = (None, format!("{ROOT}/classificacoes"), Some(which));
    let shown = TablePage { f, bill, title, help, action, areas, which, nodes, wrong, errors, may_edit };
    Ok((status, page(&shown)?).into_response())
}

pub async fn add_codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let which = text(&fields, "qual").parse().unwrap_or(Which::Unit);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let nodes = files::nodes(text(&fields, "table").as_bytes()).map_err(desk::cells)?;
        desk::add_codes(&mut tx, by, which, &nodes).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/classificacoes?qual={which}")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            let given = fields.get("table").cloned().unwrap_or_default();
            codes_page(&app, v, which, given, wrong).await
        }
    }
}
