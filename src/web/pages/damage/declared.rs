//! What departments declared, as civil defense answers it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::{figures, status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::lines::{Amount, Line};
use crate::damage::store::declared as store;
use crate::damage::{Declaration, Dossier, departments, dossier as words, view};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "damage_declared.html")]
struct DeclaredPage {
    f: Frame,
    d: Dossier,
    rows: Vec<Declaration>,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl DeclaredPage {
    fn d(&self) -> &Dossier {
        &self.d
    }

    fn label(&self, line: &Line) -> String {
        self.f.v.t(&words::label_key(*line))
    }

    fn said(&self, amount: &Amount) -> String {
        figures::amount(&self.f.v, amount)
    }

    /// Of this version: what an earlier one was told is answered there.
    fn may_answer(&self, one: &Declaration) -> bool {
        self.may_edit && one.state == "sent" && one.disaster_id == self.d.id
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    declared_page(&app, v, id, (String::new(), Vec::new())).await
}

async fn declared_page(
    app: &App,
    v: View,
    id: Uuid,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = view::dossier(&mut conn, id).await?;
    let rows = store::list(&mut conn, Some(id), None).await?;
    let may_edit = d.is_open() && v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&DeclaredPage { f, d, rows, wrong, errors, may_edit })?).into_response())
}

/// Adopts a declaration, or returns it.
pub async fn answer(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let unknown = |field: &str| Refused::wrong(field, get(field), "expected one of those offered");
        let declaration = get("declaration").parse().map_err(|_| unknown("declaration"))?;
        let adopts = match get("act") {
            "adopt" => true,
            "return" => false,
            _ => return Err(unknown("act").into()),
        };
        departments::answer(&mut tx, by, (id, declaration), (adopts, get("answer"))).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/damage/{id}/declarations")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            declared_page(&app, v, id, why).await
        }
    }
}

/// A file of a declaration, to keep and not to show: what others wrote never runs under our address.
pub async fn attachment(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, declaration, attachment)): Path<(Uuid, Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let missing = || ApiError::NotFound("the attachment".into());
    let all = store::list(&mut conn, Some(id), None).await?;
    if !all.iter().any(|one| one.id == declaration) {
        return Err(missing());
    }
    let (name, media_type, content) = store::file(&mut conn, declaration, attachment).await?.ok_or_else(missing)?;
    Ok(super::files::download(&media_type, &name, content))
}

/// A name that every system takes.
pub(super) fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_') { letter } else { '_' })
        .collect();
    plain.trim_matches(['.', '_']).chars().take(100).collect()
}

pub(super) fn disposition(name: &str) -> (header::HeaderName, HeaderValue) {
    let value = format!("attachment; filename=\"{}\"", plain_name(name));
    let value = HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    (header::CONTENT_DISPOSITION, value)
}
