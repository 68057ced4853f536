//! A round with how far it got, and its codes on a sheet to print.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::wrong::{Wrong, said};
use super::{Tables, today, works};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::evaluation::{Round, Service, desk, store};
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_round.html")]
struct RoundPage {
    f: Frame,
    round: Round,
    services: Vec<Service>,
    made: i64,
    /// In steps of five, without services of which few were used.
    used: Option<i64>,
    standing: &'static str,
    /// Of the open link.
    address: String,
    wrong: Wrong,
    may_work: bool,
}

impl RoundPage {
    fn used(&self) -> String {
        Tables::count(&self.f.v, self.used)
    }

    fn answers(&self) -> String {
        Tables::count(&self.f.v, self.round.answers)
    }
}

async fn round_page(app: &App, v: View, staff: &Staff, id: Uuid, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let round = desk::counted(&mut conn, id).await?;
    let services = store::of_round(&mut conn, id).await?;
    let (made, used) = store::codes(&mut conn, id).await?;
    let standing = round.standing(today(&v)).as_str();
    let address = format!("{}/secretaria/avaliacao-de-servicos/responder/{id}", app.config.public_url());
    let (may_work, status) = (works(staff), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = RoundPage { f, round, services, made, used, standing, address, wrong, may_work };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn round(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    round_page(&app, v, &staff, id, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    service: String,
    count: String,
}

/// A code with its address and the picture of it.
struct Slip {
    code: String,
    address: String,
    picture: Markup,
}

/// A sheet to print and cut. The codes are nowhere else.
#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_codes.html")]
struct SheetPage {
    v: View,
    round: Round,
    service: Service,
    slips: Vec<Slip>,
}

pub(super) async fn codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = match wanted.count.trim().parse::<i64>() {
        Ok(count) => desk::make_codes(&mut tx, by, v.tz, (id, &wanted.service, count)).await,
        Err(_) => Err(Refused::wrong("count", &wanted.count, format!("expected 1 to {}", desk::MOST_CODES)).into()),
    };
    let codes = match made {
        Ok(codes) => codes,
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            return round_page(&app, v, &staff, id, wrong).await;
        }
    };
    let round = desk::round(&mut tx, id).await?;
    let service = desk::service(&mut tx, &wanted.service).await?;
    tx.commit().await?;
    let below = format!("{}/secretaria/avaliacao-de-servicos/codigo", app.config.public_url());
    let slip = |code: String| {
        let address = format!("{below}/{}", code.replace('-', ""));
        Slip { picture: Markup(crate::fleet::label::picture(&address)), address, code }
    };
    let slips = codes.into_iter().map(slip).collect();
    let mut response = page(&SheetPage { v, round, service, slips })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
