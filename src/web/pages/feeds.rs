//! `/console/feeds`: what is read from other institutions, when it answered last, and why not.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::feeds::store::{self, State as Feed};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/feeds", get(show))
}

#[derive(Template)]
#[template(path = "feeds.html")]
struct FeedsPage {
    f: Frame,
    rows: Vec<Feed>,
}

impl FeedsPage {
    /// Class and key of the tag that tells how a feed does.
    fn tag(feed: &Feed) -> (&'static str, &'static str) {
        match (feed.answered_at, feed.failures) {
            (None, 0) => ("wait", "feed-waits"),
            (_, 0) => ("good", "feed-answers"),
            _ => ("bad", "feed-fails"),
        }
    }
}

async fn show(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::states(&mut conn).await?;
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    page(&FeedsPage { f, rows })
}
