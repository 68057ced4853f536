//! `/console/feeds`: what is read from other institutions, when it answered last, and why not.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::feeds::Kind;
use crate::feeds::failure::FailureKind;
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
    kinds: BTreeMap<String, Kind>,
}

impl FeedsPage {
    fn kind(&self, feed: &Feed) -> Option<Kind> {
        self.kinds.get(&feed.name).copied()
    }

    fn is_warnings(&self, feed: &Feed) -> bool {
        self.kind(feed).is_some_and(Kind::is_warnings)
    }

    /// The failure in the reader's words. A failure of before kinds were kept has none.
    fn why(v: &View, feed: &Feed) -> String {
        let kind = feed.error_kind.parse::<FailureKind>();
        kind.map_or_else(|_| v.t("feed-failure-unknown"), |kind| v.word("feed-failure", kind.as_str()))
    }

    /// Class and key of the tag that tells how a feed does.
    fn tag(feed: &Feed) -> (&'static str, &'static str) {
        match (feed.answered_at, feed.failures) {
            (None, 0) => ("wait", "feed-waits"),
            (_, 0) if feed.unfit > 0 => ("wait", "feed-unfit-tag"),
            (_, 0) => ("good", "feed-answers"),
            _ => ("bad", "feed-fails"),
        }
    }
}

async fn show(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::states(&mut conn, v.now).await?;
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    let kinds = app.config.feeds.iter().map(|feed| (feed.name.clone(), feed.kind)).collect();
    page(&FeedsPage { f, rows, kinds })
}
