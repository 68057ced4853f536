//! The form of people in the field: the same words, signed with their account. What is sent twice over a bad line, or again from
//! the page that was kept open without network, is one report, because the form carries its own key.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::app::App;
use crate::reports::{Kind, MAX_PHOTOGRAPHS, Source};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::view::View;
use crate::web::pages::{drawing, page};
use crate::web::reports::{Door, FORM, Said, file};
use crate::web::upload::{self, Halted, Shape};

#[derive(Template)]
#[template(path = "report_new.html")]
struct FieldPage {
    f: Frame,
    key: String,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
    bounds: String,
}

impl FieldPage {
    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }
}

async fn form(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "reports").await?;
    let bounds = drawing::bounds_json(&mut conn).await?;
    let key = given.get("id").filter(|key| is_key(key)).cloned().unwrap_or_else(|| app.ids.secret());
    page(&FieldPage { f, key, given, messages, bounds })
}

fn is_key(key: &str) -> bool {
    (16..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

pub async fn show(State(app): State<App>, _staff: May<can::ReportField>, v: View) -> Result<Response, ApiError> {
    form(&app, v, BTreeMap::new(), Vec::new()).await
}

pub async fn send(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    request: Request,
) -> Result<Response, ApiError> {
    let filled = match upload::read_form(&app, request, Shape { is_public: false, ..FORM }).await {
        Ok(filled) => filled,
        Err(Halted { wrong, fields }) => {
            let words = wrong.words(v.lang);
            let page = form(&app, v, fields, vec![words]).await?;
            return Ok((wrong.status(), page).into_response());
        }
    };
    let key = filled.fields.get("id").filter(|key| is_key(key)).cloned();
    let (Some(key), Ok(said)) = (key, Said::read(&filled.fields)) else {
        let messages = match Said::read(&filled.fields) {
            Err(errors) => errors.iter().map(|error| super::super::relatar::told(&v, error)).collect(),
            Ok(_) => vec![v.t("relatar-old")],
        };
        let page = form(&app, v, filled.fields, messages).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let door = Door {
        source: Source::Field,
        key: format!("field-{key}"),
        staff: Some(&staff),
        address: None,
        stamp: "",
        language: v.lang.tag(),
        doubts: Vec::new(),
    };
    let (taken, _) = file(&app, door, said, &filled.pictures).await?;
    if filled.left_out > 0 {
        // The pictures may still be on the telephone: a fresh form waits for them.
        let words = v.t2("report-new-left-out", "protocol", taken.protocol, "n", filled.left_out as i64);
        return form(&app, v, BTreeMap::new(), vec![words]).await;
    }
    Ok(Redirect::to(&format!("/console/reports/{}", taken.occurrence)).into_response())
}
