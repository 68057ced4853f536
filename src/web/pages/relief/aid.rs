//! Humanitarian aid in the console: kits, what was given to how many families, the file of deliveries, and the receipt of one.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::aid::signature::{FIELD, Signature};
use crate::aid::store::{self, Delivery, Given, Of};
use crate::aid::{Kit, MOST_ITEMS, desk};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::cells::harmless;
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::refused::Refused;
use crate::shelters::code;
use crate::supplies::store::{Item, items};
use crate::vault::access::Purpose;
use crate::vault::store as vault;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/aid", get(list))
        .route("/console/aid/kits", post(add))
        .route("/console/aid/kits/{id}/retire", post(retire))
        .route("/console/aid/deliveries.csv", get(export))
        .route("/console/aid/deliveries/{id}", get(receipt))
}

/// Days that the page looks back; the file has everything.
const DAYS: i64 = 90;
/// Things of a kit that the form has room for.
const ROWS: usize = 8;

#[derive(Template)]
#[template(path = "aid.html")]
struct ListPage {
    f: Frame,
    kits: Vec<Kit>,
    items: Vec<Item>,
    given: Vec<Given>,
    deliveries: Vec<Delivery>,
    rows: std::ops::RangeInclusive<usize>,
    may_run: bool,
    /// Whether what was exercised is among them.
    drills: bool,
    wrong: String,
    done: String,
}

/// `?exercises=yes`: also what was exercised.
#[derive(Debug, Default, Deserialize)]
struct Which {
    #[serde(default)]
    exercises: String,
}

impl Which {
    /// Where everything is exercised, as in a demonstration, that is what there is.
    fn drills(&self, v: &View) -> bool {
        self.exercises == "yes" || v.status != AlertStatus::Actual
    }
}

async fn list_page(app: &App, v: View, wrong: String, (done, which): (&Done, &Which)) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let since = v.now - TimeDelta::days(DAYS);
    let (kits, items) = (store::kits(&mut conn, None).await?, items(&mut conn).await?);
    let drills = which.drills(&v);
    let given = store::given(&mut conn, since, drills).await?;
    let mut deliveries = store::deliveries(&mut conn, since, Of { drills, ..Of::default() }).await?;
    deliveries.truncate(200);
    let may_run = v.may(Permission::RunIncidents);
    let done = done.said(&v);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let rows = 1..=ROWS.min(MOST_ITEMS);
    let shown = ListPage { f, kits, items, given, deliveries, rows, may_run, drills, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn list(
    State(app): State<App>,
    v: View,
    Query(done): Query<Done>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    list_page(&app, v, String::new(), (&done, &which)).await
}

async fn add(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let mut parts = Vec::new();
        for n in 1..=ROWS {
            let Some(item) = fields.maybe::<Uuid>(&format!("item{n}"))? else { continue };
            parts.push((
                item,
                fields.parsed::<i32>(&format!("amount{n}")).map_err(|_| {
                    Refused::wrong("amount", fields.one(&format!("amount{n}")), "expected a whole number")
                })?,
            ));
        }
        desk::add_kit(&mut tx, by, (fields.one("name"), fields.parsed("every_days")?), &parts).await
    };
    match done.await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/aid?done=kit").into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(&app, v, wrong, (&Done::default(), &Which::default())).await
        }
    }
}

async fn retire(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        fields.sure()?;
        desk::retire_kit(&mut tx, by, id).await
    };
    match done.await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/aid?done=saved").into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(&app, v, wrong, (&Done::default(), &Which::default())).await
        }
    }
}

/// Every delivery as a table for spreadsheets; families by the code of their card, nobody by name. Those of exercises only when asked for.
async fn export(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let drills = which.drills(&v);
    let all = store::deliveries(&mut tx, Instant::default(), Of { drills, ..Of::default() }).await?;
    let what = json!({ "rows": all.len(), "exercises": drills });
    let entry = Entry::new(Act::AidExport, "aid_delivery", "all").to(what);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let table = table(&v, &all).map_err(|error| ApiError::Internal(error.into()))?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let name = HeaderValue::from_static("attachment; filename=\"ajuda-humanitaria.csv\"");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], table).into_response())
}

fn table(v: &View, all: &[Delivery]) -> csv::Result<Vec<u8>> {
    let mut out = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    out.write_record([
        "at",
        "incident",
        "kit",
        "family",
        "persons",
        "district",
        "place",
        "proof",
        "by",
        "override_by",
        "override_reason",
        "exercise",
    ])?;
    for d in all {
        let by = d.override_by.as_deref().unwrap_or_default();
        let cells = [
            v.machine(d.at),
            d.incident.clone(),
            d.kit.clone(),
            code::shown(&d.family),
            d.persons.to_string(),
            d.district.clone(),
            d.place.clone(),
            d.proof.clone(),
            d.actor.clone(),
            by.to_owned(),
            d.override_reason.clone(),
            if d.drill { v.t("status-exercise") } else { String::new() },
        ];
        out.write_record(cells.map(harmless))?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

#[derive(Template)]
#[template(path = "aid_receipt.html")]
struct ReceiptPage {
    v: View,
    d: Delivery,
    /// The lines of the signature, as data of an SVG path.
    path: Option<String>,
    witness: String,
}

impl ReceiptPage {
    const WIDTH: u16 = FIELD.0;
    const HEIGHT: u16 = FIELD.1;
}

async fn receipt(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let found =
        store::deliveries(&mut tx, Instant::default(), Of { household: None, id: Some(id), drills: true }).await?.pop();
    let d = found.ok_or_else(|| ApiError::NotFound(v.t("aid-delivery")))?;
    let subject = desk::subject(id);
    let sealed = vault::find(&mut tx, Purpose::AidReceipt, &subject).await?;
    let entry = Entry::new(Act::AidReceiptRead, "aid_delivery", id);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let opened = sealed
        .map(|record| app.keys.vault.open(&vault::context(Purpose::AidReceipt.as_str(), &subject), &record.sealed));
    let plain = opened.transpose().map_err(|error| ApiError::Internal(error.into()))?.unwrap_or_default();
    let plain = String::from_utf8_lossy(&plain).into_owned();
    let (path, witness) = match plain.parse::<Signature>() {
        Ok(drawn) if d.proof == "signature" => (Some(drawn.path()), String::new()),
        _ => (None, plain),
    };
    let mut response = page(&ReceiptPage { v, d, path, witness })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_the_file_is_a_formula() {
        assert_eq!(harmless("=1+1".into()), "'=1+1");
        assert_eq!(harmless("Centro".into()), "Centro");
    }
}
