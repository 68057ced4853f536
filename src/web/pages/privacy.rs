//! `/console/privacy`: how long personal data are kept, what the rules of retention did and would do, what residents asked,
//! and who looked at what is protected. It shows no resident.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::privacy::retention::{self, Rule};
use crate::privacy::store::{self, ConsentCount, Look, Request, RequestCount, Run};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/privacy", get(show))
}

/// Newest requests and looks on the page; the audit has them all.
const SHOWN: i64 = 20;

/// A rule with what it would do now and what it did last.
struct Row {
    rule: Rule,
    days: u32,
    due: i64,
    last: Option<Run>,
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    f: Frame,
    rows: Vec<Row>,
    counts: Vec<RequestCount>,
    requests: Vec<Request>,
    consents: Vec<ConsentCount>,
    looks: Vec<Look>,
}

async fn show(State(app): State<App>, _officer: May<can::ManagePrivacy>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let privacy = &app.config.privacy;
    let due = retention::look(&mut conn, privacy, v.now).await?;
    let runs = store::newest_runs(&mut conn).await?;
    let rows = due.into_iter().map(|due| Row {
        rule: due.rule,
        days: due.rule.days(privacy),
        due: due.rows,
        last: runs.iter().find(|run| run.rule == due.rule.as_str()).cloned(),
    });
    let rows = rows.collect();
    let counts = store::request_counts(&mut conn).await?;
    let requests = store::requests(&mut conn, SHOWN).await?;
    let consents = store::consent_counts(&mut conn).await?;
    let looks = store::looks(&mut conn, SHOWN).await?;
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    page(&PrivacyPage { rows, counts, requests, consents, looks, f })
}
