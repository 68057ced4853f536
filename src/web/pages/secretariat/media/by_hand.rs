//! An item of the press that somebody writes down by hand.

use askama::Template;
use axum::extract::{Form, State};
use axum::response::Response;
use chrono::{NaiveDateTime, TimeZone as _};
use serde::Deserialize;
use uuid::Uuid;

use super::{back, field, marked, refused, with_status};
use crate::accounts::Role;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::media_monitoring::Source;
use crate::secretariat::media_monitoring::desk::{self, ByHand};
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::store::sources;
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_monitoring::acting;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

/// The form of an item that somebody writes down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewForm {
    source: String,
    title: String,
    excerpt: String,
    link: String,
    /// Local time of the town, as forms write it.
    published: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_new.html")]
struct NewPage {
    f: Frame,
    sources: Vec<Source>,
    given: NewForm,
    wrong: String,
    errors: Vec<FieldError>,
}

impl NewPage {
    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        field(&self.f.v, &error.field)
    }

    fn mark(&self, name: &str) -> Markup {
        marked(&self.errors, name)
    }

    fn is_source(&self, id: &Uuid) -> bool {
        self.given.source == id.to_string()
    }
}

async fn form(
    app: &App,
    staff: &Staff,
    v: View,
    given: NewForm,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    has_role(staff, Role::MediaMonitoring)?;
    let mut conn = app.db.web.acquire().await?;
    let sources = sources::all(&mut conn).await?;
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let is_wrong = !wrong.is_empty();
    Ok(with_status(page(&NewPage { f, sources, given, wrong, errors })?, is_wrong))
}

pub(super) async fn new(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
) -> Result<Response, ApiError> {
    form(&app, &staff, v, NewForm::default(), (String::new(), Vec::new())).await
}

/// Empty: now.
fn local_time(text: &str, tz: chrono_tz::Tz) -> Result<Option<Instant>, FieldError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let at = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M").ok();
    let at = at.and_then(|at| tz.from_local_datetime(&at).earliest()).map(|at| at.to_utc());
    at.map(Some).ok_or_else(|| wrong("published_at", text, "expected a day and a time"))
}

pub(super) async fn write_down(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<NewForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let read =
        given.source.parse::<Uuid>().map_err(|_| wrong("source_id", &given.source, "expected one of those offered"));
    let (source_id, published_at) = match (read, local_time(&given.published, v.tz)) {
        (Ok(source), Ok(at)) => (source, at),
        (read, at) => {
            let errors = read.err().into_iter().chain(at.err()).collect();
            let why = v.t("sec-wrong");
            return form(&app, &staff, v, given, (why, errors)).await;
        }
    };
    let item = ByHand { source_id, title: &given.title, excerpt: &given.excerpt, link: &given.link, published_at };
    let mut tx = app.db.web.begin().await?;
    match desk::write_down(&mut tx, acting(&app, &actor), &app.config.secretariat.media, item).await {
        Ok(id) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let why = refused(&v, error)?;
            form(&app, &staff, v, given, why).await
        }
    }
}
