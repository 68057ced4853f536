//! `/secretaria/painel/clipping/fontes`: what media monitoring listens to and how that does, its rules, and who gets the clipping. For whoever
//! works there only: addresses of people are theirs.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::media::{refused, with_status};
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::secretariat::media_monitoring::desk::{self, NewRule, NewSource};
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::store::sources;
use crate::secretariat::media_monitoring::{Rule, Source, SourceKind, Subscriber};
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_monitoring::acting;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

const PATH: &str = "/secretaria/painel/clipping/fontes";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/clipping/fontes", get(show).post(add))
        .route("/secretaria/painel/clipping/fontes/{id}/retirar", post(remove))
        .route("/secretaria/painel/clipping/fontes/{id}/consultar", post(ask))
        .route("/secretaria/painel/clipping/regras", post(add_rule))
        .route("/secretaria/painel/clipping/regras/{id}/retirar", post(remove_rule))
        .route("/secretaria/painel/clipping/assinantes", post(subscribe))
        .route("/secretaria/painel/clipping/assinantes/{id}/retirar", post(unsubscribe))
}

/// What was typed into any of the three forms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    name: String,
    kind: String,
    url: String,
    /// Minutes between two asks.
    every: String,
    query: String,
    source: String,
    theme: String,
    email: String,
    language: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_sources.html")]
struct SourcesPage {
    f: Frame,
    sources: Vec<Source>,
    rules: Vec<Rule>,
    subscribers: Vec<Subscriber>,
    /// Which form was sent: source, rule, subscriber; empty: none.
    sent: &'static str,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
}

impl SourcesPage {
    fn kinds(&self) -> &'static [SourceKind] {
        SourceKind::ALL
    }

    fn typed<'a>(&self, form: &str, text: &'a str) -> &'a str {
        if self.sent == form { text } else { "" }
    }

    fn is_kind(&self, kind: &SourceKind) -> bool {
        self.given.kind == kind.as_str()
    }

    fn is_source(&self, id: &Uuid) -> bool {
        self.given.source == id.to_string()
    }

    fn minutes(&self, one: &Source) -> i64 {
        i64::from(one.every_s / 60)
    }

    fn number(&self, number: &i32) -> i64 {
        i64::from(*number)
    }
}

async fn drawn(
    app: &App,
    v: View,
    (sent, given): (&'static str, Given),
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let sources = sources::all(&mut conn).await?;
    let rules = sources::rules(&mut conn).await?;
    let subscribers = sources::subscribers(&mut conn).await?;
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let is_wrong = !wrong.is_empty();
    let response = page(&SourcesPage { f, sources, rules, subscribers, sent, given, wrong, errors })?;
    Ok(with_status(response, is_wrong))
}

async fn show(State(app): State<App>, staff: May<can::WorkSecretariat>, v: View) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    drawn(&app, v, ("", Given::default()), (String::new(), Vec::new())).await
}

async fn answer(
    app: &App,
    v: View,
    (sent, given): (&'static str, Given),
    done: Result<(), PlanError>,
) -> Result<Response, ApiError> {
    match done {
        Ok(()) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => {
            let why = refused(&v, error)?;
            drawn(app, v, (sent, given), why).await
        }
    }
}

async fn add(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let done = added(&app, &staff, &given).await;
    answer(&app, v, ("source", given), done).await
}

async fn added(app: &App, staff: &Staff, given: &Given) -> Result<(), PlanError> {
    let actor = staff.actor();
    let minutes = if given.every.trim().is_empty() { Ok(15) } else { given.every.trim().parse::<i32>() };
    let Ok(minutes) = minutes else {
        return Err(PlanError::Wrong(vec![wrong("every", &given.every, "expected 5 to 1440 minutes")]));
    };
    let new = NewSource { name: &given.name, kind: &given.kind, url: &given.url, every_s: minutes.saturating_mul(60) };
    let mut tx = app.db.web.begin().await?;
    desk::add_source(&mut tx, acting(app, &actor), new).await?;
    Ok(tx.commit().await?)
}

async fn add_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let done = ruled(&app, &staff, &given).await;
    answer(&app, v, ("rule", given), done).await
}

async fn ruled(app: &App, staff: &Staff, given: &Given) -> Result<(), PlanError> {
    let actor = staff.actor();
    let source_id = match given.source.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| PlanError::Wrong(vec![wrong("source_id", text, "expected one of those offered")]))?,
        ),
    };
    let new = NewRule { name: &given.name, query: &given.query, source_id, theme: &given.theme };
    let mut tx = app.db.web.begin().await?;
    desk::add_rule(&mut tx, acting(app, &actor), new).await?;
    Ok(tx.commit().await?)
}

async fn subscribe(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let done = subscribed(&app, &staff, &given).await;
    answer(&app, v, ("subscriber", given), done).await
}

async fn subscribed(app: &App, staff: &Staff, given: &Given) -> Result<(), PlanError> {
    let actor = staff.actor();
    let lang = Lang::from_tag(&given.language).unwrap_or_default();
    let mut tx = app.db.web.begin().await?;
    desk::subscribe(&mut tx, acting(app, &actor), (&given.name, &given.email, lang)).await?;
    Ok(tx.commit().await?)
}

async fn remove(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::remove_source(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH).into_response())
}

async fn ask(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    desk::ask_source(&mut *app.db.web.acquire().await?, acting(&app, &actor), id).await?;
    Ok(Redirect::to(PATH).into_response())
}

async fn remove_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::remove_rule(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH).into_response())
}

async fn unsubscribe(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::unsubscribe(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH).into_response())
}
