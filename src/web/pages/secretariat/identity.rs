//! Who made a manifestation: opened from the vault with a reason, shown once, and kept on no page.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::case::case_page;
use super::door::keep_nothing;
use super::{module, told};
use crate::app::App;
use crate::secretariat::citizen::identity::{self, Identity};
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::vault::access::Reader;
use crate::web::api::secretariat::within;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/{module}/casos/{id}/identidade", post(open))
        .layer(map_response(keep_nothing))
}

#[derive(Debug, Deserialize)]
struct Why {
    #[serde(default)]
    reason: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_identity.html")]
struct IdentityPage {
    f: Frame,
    case: CaseFile,
    found: Option<Identity>,
}

async fn open(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(why): Form<Why>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    let (_, case) = desk::find(&mut tx, desk, id, false).await?;
    within(&case, module, id)?;
    let reader = Reader { actor: &actor, roles: &staff.roles, permissions: staff.permissions };
    match identity::open(&mut tx, desk, &app.ids, &case, (&reader, &why.reason)).await {
        Ok(found) => {
            tx.commit().await?;
            let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
            page(&IdentityPage { f, case, found })
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            case_page(&app, &staff, v, (module.slug_pt, id), why).await
        }
    }
}
