//! `/secretaria/painel/clipping/fontes`: what media monitoring listens to and how that does, its rules, and who gets the clipping. For whoever
//! works there only: addresses of people are theirs.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::media::{field, marked, refused, with_status};
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::listen::{self, NewRule, NewSource, Task};
use crate::secretariat::media_monitoring::store::sources;
use crate::secretariat::media_monitoring::{Rule, Source, SourceKind, Subscriber};
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_monitoring::acting;
use crate::web::api::secretariat::media_sources::perform;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

const PATH: &str = "/secretaria/painel/clipping/fontes";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/clipping/fontes", get(show).post(add))
        .route("/secretaria/painel/clipping/fontes/{id}/alterar", post(change))
        .route("/secretaria/painel/clipping/fontes/{id}/pausar", post(pause))
        .route("/secretaria/painel/clipping/fontes/{id}/retomar", post(resume))
        .route("/secretaria/painel/clipping/fontes/{id}/retirar", post(remove))
        .route("/secretaria/painel/clipping/fontes/{id}/consultar", post(ask))
        .route("/secretaria/painel/clipping/regras", post(add_rule))
        .route("/secretaria/painel/clipping/regras/{id}/retirar", post(remove_rule))
        .route("/secretaria/painel/clipping/assinantes", post(subscribe))
        .route("/secretaria/painel/clipping/assinantes/{id}/retirar", post(unsubscribe))
}

/// What was typed into any of the forms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    /// Of the source that is changed.
    #[serde(skip)]
    id: Uuid,
    revision: i32,
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
    /// Which form was sent: source, change, rule, subscriber; empty: none.
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
        self.sent == "source" && self.given.kind == kind.as_str()
    }

    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        field(&self.f.v, &error.field)
    }

    /// How an input says that it is wrong, in the form that was sent.
    fn mark(&self, form: &str, name: &str) -> Markup {
        marked(if self.sent == form { self.errors.as_slice() } else { &[] }, name)
    }

    /// The rule has its help besides.
    fn is_wrong_rule(&self) -> bool {
        self.sent == "rule" && self.errors.iter().any(|error| error.field == "query")
    }

    fn is_changing(&self, one: &Source) -> bool {
        self.sent == "change" && self.given.id == one.id
    }

    fn mark_change(&self, one: &Source, name: &str) -> Markup {
        marked(if self.is_changing(one) { self.errors.as_slice() } else { &[] }, name)
    }

    /// What the form of a change holds: what was typed, or what stands.
    fn change(&self, one: &Source) -> Given {
        if self.is_changing(one) {
            return self.given.clone();
        }
        Given {
            revision: one.revision,
            name: one.name.clone(),
            kind: one.kind.clone(),
            url: one.url.clone(),
            every: self.minutes(one).to_string(),
            ..Given::default()
        }
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

/// A source as it was typed. Minutes that are left out are a quarter of an hour.
fn typed(given: &Given) -> Result<NewSource<'_>, PlanError> {
    let minutes = if given.every.trim().is_empty() { Ok(15) } else { given.every.trim().parse::<i32>() };
    let Some(minutes) = minutes.ok().filter(|minutes| (5..=1440).contains(minutes)) else {
        return Err(PlanError::Wrong(vec![wrong("every", &given.every, "expected 5 to 1440")]));
    };
    Ok(NewSource { name: &given.name, kind: &given.kind, url: &given.url, every_s: minutes * 60 })
}

async fn added(app: &App, staff: &Staff, given: &Given) -> Result<(), PlanError> {
    let actor = staff.actor();
    let new = typed(given)?;
    let mut tx = app.db.web.begin().await?;
    listen::add_source(&mut tx, acting(app, &actor), new).await?;
    Ok(tx.commit().await?)
}

async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let given = Given { id, ..given };
    let done = changed(&app, &staff, &given).await;
    answer(&app, v, ("change", given), done).await
}

async fn changed(app: &App, staff: &Staff, given: &Given) -> Result<(), PlanError> {
    let actor = staff.actor();
    let new = typed(given)?;
    let mut tx = app.db.web.begin().await?;
    listen::change_source(&mut tx, acting(app, &actor), (given.id, given.revision), new).await?;
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
    listen::add_rule(&mut tx, acting(app, &actor), new).await?;
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
    listen::subscribe(&mut tx, acting(app, &actor), (&given.name, &given.email, lang)).await?;
    Ok(tx.commit().await?)
}

/// Does what needs nothing but an id, and shows the lists again.
async fn performed(app: &App, staff: &Staff, task: Task, id: Uuid) -> Result<Response, ApiError> {
    perform(app, staff, task, id).await?;
    Ok(Redirect::to(PATH).into_response())
}

async fn pause(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::Pause, id).await
}

async fn resume(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::Resume, id).await
}

async fn remove(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::RemoveSource, id).await
}

async fn ask(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::Ask, id).await
}

async fn remove_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::RemoveRule, id).await
}

async fn unsubscribe(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    performed(&app, &staff, Task::Unsubscribe, id).await
}
