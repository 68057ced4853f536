//! The page of a meeting's minutes: the text, its corrections, approval and publication.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{number as parsed, said, status, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::committees::{may_see, may_work, reads_minutes};
use crate::secretariat::kernel::body::desk::meetings;
use crate::secretariat::kernel::body::desk::minutes::{self as desk, Approved};
use crate::secretariat::kernel::body::{Body, Meeting, store};
use crate::web::api::secretariat::committees::minutes::{approved, document};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_committees_minutes.html")]
struct MinutesPage {
    f: Frame,
    body: Body,
    meeting: Meeting,
    /// Later meetings that opened, which may have approved it.
    later: Vec<Meeting>,
    given: Given,
    wrong: String,
    may_work: bool,
    /// There is a draft, and it is not for this reader.
    is_kept_back: bool,
}

impl MinutesPage {
    /// The page of the meeting.
    fn room(&self) -> String {
        format!("/secretaria/painel/comites/{}/reunioes/{}", self.body.what.slug, self.meeting.label())
    }

    fn is(&self, state: &str) -> bool {
        self.meeting.state.as_str() == state
    }

    fn text(&self) -> &str {
        if self.given.text.is_empty() { &self.meeting.minutes } else { &self.given.text }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    act: String,
    revision: String,
    text: String,
    meeting: String,
    approvals: String,
}

pub(super) async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    minutes_page(&app, v, &staff, (&slug, &number), (Given::default(), String::new())).await
}

async fn minutes_page(
    app: &App,
    v: View,
    staff: &Staff,
    (slug, number): (&str, &str),
    (given, wrong): (Given, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (body, meeting) = meetings::look(&mut conn, slug, number).await?;
    may_see(&staff.roles, &body)?;
    let mut later = store::meetings::list(&mut conn, body.id, None).await?;
    later.retain(|one| one.starts_at > meeting.starts_at && one.opened_at.is_some());
    let may_work = works(staff, body.what.kind);
    let is_kept_back = !reads_minutes(&mut conn, &meeting, (&staff.roles, staff.id.0), &body).await?;
    let f = Frame::load(&mut conn, app, v, "sec-committees").await?;
    let status = status(&wrong);
    Ok((status, page(&MinutesPage { f, body, meeting, later, given, wrong, may_work, is_kept_back })?).into_response())
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, number)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    match done(&app, &v, &staff, (&slug, &number), &given).await {
        Ok(()) => {
            let to = format!("/secretaria/painel/comites/{slug}/reunioes/{number}/ata");
            Ok(Redirect::to(&to).into_response())
        }
        Err(Refused::Forbidden(why)) => Err(ApiError::Forbidden(why)),
        Err(refused) => {
            let wrong = said(v.lang, refused)?;
            minutes_page(&app, v, &staff, (&slug, &number), (given, wrong)).await
        }
    }
}

async fn done(app: &App, v: &View, staff: &Staff, at: (&str, &str), given: &Given) -> Result<(), Refused> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (body, _) = meetings::look(&mut tx, at.0, at.1).await?;
    may_see(&staff.roles, &body)?;
    may_work(&staff.roles, body.what.kind)?;
    match given.act.as_str() {
        "draft" => desk::draft(&mut tx, by, v.tz, at).await?,
        "edit" => desk::edit(&mut tx, by, at, (parsed("revision", &given.revision)?, &given.text)).await?,
        "approve-meeting" | "approve-circulated" => {
            tx.rollback().await?;
            let how = if given.act == "approve-meeting" {
                Approved::Within(given.meeting.trim().to_owned())
            } else {
                Approved::Circulated(parsed("approvals", &given.approvals)?)
            };
            return approved(app, staff, at, (parsed("revision", &given.revision)?, how)).await;
        }
        "publish" => desk::publish(&mut tx, by, at).await?,
        other => {
            let expected = "expected draft, edit, approve-meeting, approve-circulated or publish";
            return Err(Refused::wrong("act", other, expected));
        }
    }
    Ok(tx.commit().await?)
}

pub(super) async fn pdf(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (body, _) = meetings::look(&mut *app.db.web.acquire().await?, &slug, &number).await?;
    may_see(&staff.roles, &body)?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], document(&app, &staff, &slug, &number).await?).into_response())
}
