//! Forms made from definitions: a new case, and an act.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::case::revision;
use super::{Input, given_fields, labelled, module, told};
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::decide::{self, Asked, New};
use crate::secretariat::kernel::define::Transition;
use crate::secretariat::kernel::desk::{self, Around, Desk};
use crate::secretariat::kernel::types::Kept;
use crate::secretariat::modules::Module;
use crate::web::api::secretariat::within;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/{module}/novo/{key}", get(new_form).post(create))
        .route("/secretaria/painel/{module}/casos/{id}/atos/{transition}", get(act_form).post(act))
}

type Given = BTreeMap<String, String>;
type Wrong = (String, Vec<FieldError>);

#[derive(Template)]
#[template(path = "secretariat/sec_new.html")]
struct NewPage {
    f: Frame,
    module: &'static Module,
    kept: Arc<Kept>,
    inputs: Vec<Input>,
    given: Given,
    people: Vec<(String, String)>,
    /// By whose order it is opened.
    order: Option<CaseFile>,
    wrong: String,
    errors: Vec<FieldError>,
}

impl NewPage {
    fn val(&self, name: &str) -> &str {
        self.given.get(name).map(String::as_str).unwrap_or_default()
    }

    fn lead(&self) -> &str {
        self.kept.def.lead.as_ref().map_or("", |lead| lead.of(self.f.v.lang))
    }
}

fn type_of(app: &App, module: &Module, key: &str) -> Result<Arc<Kept>, ApiError> {
    let kept = app.cases.get(key).filter(|kept| kept.def.module() == module.key());
    kept.cloned().ok_or_else(|| Refused::NotFound(format!("type of cases {key}")).into())
}

/// The order that a form names, where its reader may read it.
async fn order_of(conn: &mut sqlx::PgConnection, desk: Desk<'_>, given: &Given) -> Result<Option<CaseFile>, ApiError> {
    let Some(id) = given.get("started_by").and_then(|id| id.parse().ok()) else { return Ok(None) };
    Ok(Some(desk::find(conn, desk, id, false).await?.1))
}

async fn new_page(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, key): (&str, &str),
    given: Given,
    (wrong, errors): Wrong,
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let kept = type_of(app, module, key)?;
    let asked = kept.def.fields.iter().filter(|field| !field.later);
    let inputs = asked
        .map(|field| {
            Input::of(v.lang, field, (None, field.required), given.get(&format!("f.{}", field.key())), &errors)
        })
        .collect();
    let errors = labelled(&v, &kept.def, errors);
    let mut conn = app.db.web.acquire().await?;
    let people = crate::alerts::escalation::store::people(&mut conn).await?;
    let people = people.into_iter().map(|person| (person.username, person.name)).collect();
    let (actor, who) = (staff.actor(), desk::who(staff));
    let order = order_of(&mut conn, Desk::of(app, &actor, &who), &given).await?;
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&NewPage { f, module, kept, inputs, given, people, order, wrong, errors })?).into_response())
}

/// `?parent=…` opens it under another case, `?started_by=…` by an order.
async fn new_form(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, key)): Path<(String, String)>,
    Query(mut query): Query<Given>,
) -> Result<Response, ApiError> {
    query.retain(|name, _| name == "parent" || name == "started_by");
    new_page(&app, &staff, v, (&slug, &key), query, Wrong::default()).await
}

async fn create(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, key)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    type_of(&app, module, &key)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let get = |name: &str| given.get(name).cloned().unwrap_or_default();
    let new = New {
        title: get("title"),
        department: get("department"),
        assigned: get("assigned"),
        fields: given_fields(&given),
    };
    let around =
        Around { parent: get("parent").parse().ok(), started_by: get("started_by").parse().ok(), ..Around::default() };
    let mut tx = app.db.web.begin().await?;
    match desk::open(&mut tx, desk, &key, &new, &around).await {
        Ok(case) => {
            tx.commit().await?;
            Ok(Redirect::to(&case.link()).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            new_page(&app, &staff, v, (&slug, &key), given, why).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_act.html")]
struct ActPage {
    f: Frame,
    module: &'static Module,
    case: CaseFile,
    key: String,
    label: String,
    law_ref: String,
    needs_reason: bool,
    confirm: bool,
    publishes: bool,
    inputs: Vec<Input>,
    reason: String,
    wrong: String,
    errors: Vec<FieldError>,
}

async fn act_page(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id, key): (&str, Uuid, &str),
    (given, (wrong, errors)): (&Given, Wrong),
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let mut conn = app.db.web.acquire().await?;
    let (kept, mut case) = desk::find(&mut conn, Desk::of(app, &actor, &who), id, false).await?;
    within(&case, module, id)?;
    let one: &Transition = kept.def.transition(key).ok_or_else(|| Refused::NotFound(format!("act {key}")))?;
    // Whoever does the act sees what they change; others see the form without what is personal.
    if !decide::may(&kept.def, &case, one, &who) {
        decide::veil((&kept.def, app.cases.newest(&kept.def)), &mut case, &who);
    }
    let needed = |field: &str| one.needs.fields.iter().any(|word| word.get_ref() == field);
    let inputs = one
        .asks
        .iter()
        .filter_map(|word| kept.def.field(word.get_ref()))
        .map(|field| {
            let typed = given.get(&format!("f.{}", field.key()));
            Input::of(v.lang, field, (case.fields.get(field.key()), needed(field.key())), typed, &errors)
        })
        .collect();
    let errors = labelled(&v, &kept.def, errors);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = ActPage {
        module,
        key: one.key().to_owned(),
        label: one.label.of(v.lang).to_owned(),
        law_ref: one.law_ref.clone().unwrap_or_default(),
        needs_reason: one.needs.reason,
        confirm: one.confirm,
        publishes: one.publishes,
        inputs,
        reason: given.get("reason").cloned().unwrap_or_default(),
        case,
        f: Frame::load(&mut conn, app, v, "secretariat").await?,
        wrong,
        errors,
    };
    Ok((status, page(&shown)?).into_response())
}

async fn act_form(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id, key)): Path<(String, Uuid, String)>,
) -> Result<Response, ApiError> {
    act_page(&app, &staff, v, (&slug, id, &key), (&Given::new(), Wrong::default())).await
}

async fn act(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id, key)): Path<(String, Uuid, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let reason = given.get("reason").cloned().unwrap_or_default();
    let asked = Asked { transition: key.clone(), revision: revision(&given), reason, fields: given_fields(&given) };
    let mut tx = app.db.web.begin().await?;
    let (_, before) = desk::find(&mut tx, desk, id, true).await?;
    within(&before, module, id)?;
    match desk::act(&mut tx, desk, id, &asked).await {
        Ok(case) => {
            tx.commit().await?;
            Ok(Redirect::to(&case.link()).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            act_page(&app, &staff, v, (&slug, id, &key), (&given, why)).await
        }
    }
}
