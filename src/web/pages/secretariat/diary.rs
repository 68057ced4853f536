//! `/secretaria/painel/representacao/diario`: missions and commitments of a delegate by day, with their file for calendars.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use crate::app::App;
use crate::secretariat::kernel::desk;
use crate::secretariat::representation::{Entry, store};
use crate::web::api::secretariat::representation::{Diary, Of, wanted};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/secretaria/painel/representacao/diario", get(show))
}

/// An entry with its state in words.
struct Told {
    one: Entry,
    state: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_diary.html")]
struct DiaryPage {
    f: Frame,
    diary: Diary,
    entries: Vec<Told>,
    delegates: Vec<String>,
}

impl DiaryPage {
    /// The file of what is shown.
    fn file(&self) -> String {
        let (from, to) = (self.diary.from.to_string(), self.diary.to.to_string());
        let of = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("delegate", &self.diary.delegate)
            .append_pair("from", &from)
            .append_pair("to", &to)
            .append_pair("lang", self.f.v.lang.tag())
            .finish();
        format!("/api/v1/secretariat/representation/diary.ics?{of}")
    }

    fn kind(&self, told: &Told) -> String {
        self.f.v.word("sec-diary-kind", told.one.kind.as_str())
    }

    fn side(&self, told: &Told) -> String {
        told.one.side.as_deref().map(|side| self.f.v.word("sec-diary-side", side)).unwrap_or_default()
    }

    fn is_of(&self, name: &str) -> bool {
        name.to_lowercase() == self.diary.delegate.to_lowercase()
    }
}

/// What the form leaves empty is not asked for.
fn asked(query: &BTreeMap<String, String>) -> Result<Of, ApiError> {
    let text = |name: &str| query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let day = |name: &str| {
        let read =
            text(name).map(|text| text.parse::<NaiveDate>().map_err(|_| ApiError::field(name, text, "expected a day")));
        read.transpose()
    };
    Ok(Of { delegate: text("delegate").map(str::to_owned), from: day("from")?, to: day("to")?, lang: None })
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let wanted = wanted(&app, &asked(&query)?)?;
    let mut conn = app.db.web.acquire().await?;
    let who = desk::who(&staff);
    let delegates = store::delegates(&mut conn, (&who.name, &who.modules())).await?;
    let mut diary = Diary::load(&mut conn, &app, &staff, wanted).await?;
    let mut entries = Vec::with_capacity(diary.items.len());
    for one in std::mem::take(&mut diary.items) {
        let kept = app.cases.version(&mut conn, &one.type_key, one.version).await?;
        let state = kept.def.state_label(&one.state, v.lang);
        entries.push(Told { one, state });
    }
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&DiaryPage { f, diary, entries, delegates })
}
