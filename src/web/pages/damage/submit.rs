//! The second step of a submission: what will be frozen, and the COBRADE typed once more.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::status_of;
use crate::app::App;
use crate::damage::view::{self, Whole};
use crate::damage::{Dossier, checklist, dossier as words};
use crate::web::api::damage::papers::submit_now;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "damage_submit.html")]
struct SubmitPage {
    f: Frame,
    w: Whole,
    typed: String,
    wrong: String,
    errors: Vec<FieldError>,
}

impl SubmitPage {
    fn d(&self) -> &Dossier {
        &self.w.dossier
    }

    fn name(&self) -> String {
        words::cobrade_name(&self.w.dossier.cobrade)
    }

    fn is_ready(&self) -> bool {
        self.w.dossier.is_open() && checklist::is_ready(&self.w.checks)
    }

    fn money(&self, centavos: &Option<i64>) -> String {
        centavos.map_or_else(|| self.f.v.t("damage-unknown"), |centavos| self.f.v.money(centavos))
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    submit_page(&app, v, id, (String::new(), String::new())).await
}

async fn submit_page(app: &App, v: View, id: Uuid, (typed, wrong): (String, String)) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id, (v.now, &app.config.municipality)).await?;
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&SubmitPage { f, w, typed, wrong, errors: Vec::new() })?).into_response())
}

pub async fn send(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let revision = get("revision").parse().unwrap_or_default();
    match submit_now(&app, &staff, (id, revision, get("typed"))).await {
        Ok(_) => Ok(Redirect::to(&format!("/console/damage/{id}")).into_response()),
        Err(ApiError::BadRequest { .. }) => {
            let wrong = v.t("damage-submit-typed-wrong");
            submit_page(&app, v, id, (get("typed").to_owned(), wrong)).await
        }
        Err(ApiError::Conflict(why)) => {
            let known = super::KNOWN.iter().find(|(part, _)| why.contains(part));
            let wrong = known.map_or_else(|| v.t1("desk-refused-otherwise", "why", &why), |(_, key)| v.t(key));
            submit_page(&app, v, id, (get("typed").to_owned(), wrong)).await
        }
        Err(error) => Err(error),
    }
}
