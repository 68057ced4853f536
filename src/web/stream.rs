//! What changed, as server-sent events. Each carries only an id; whoever hears it reads the state itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::events::Event;
use crate::web::auth;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/events", get(events))
}

/// Changes of levels, alerts, deliveries and incidents as they happen.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", responses(
    (status = 200, description = "text/event-stream of {\"kind\": \"levels\" | \"alert\" | \"delivery\" | \"incident\" | \"journal\" | \
     \"catalogue\" | \"reload\", …}. Without a session only levels and alert come. After \"reload\", read the whole state again.")))]
pub async fn events(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let is_staff = auth::identify(&app, &headers, None).await?.is_some();
    let frames = frames(app.clone(), app.events.subscribe(), is_staff);
    let alive = KeepAlive::new().interval(Duration::from_secs(15)).text("alive");
    let mut response = Sse::new(frames).keep_alive(alive).into_response();
    // Proxies that hold answers back would hold warnings back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn frames(app: App, receiver: Receiver<Event>, is_staff: bool) -> impl Stream<Item = Result<Frame, Infallible>> {
    stream::unfold((app, receiver), move |(app, mut receiver)| async move {
        loop {
            let heard = tokio::select! {
                () = app.stop.cancelled() => return None,
                heard = receiver.recv() => heard,
            };
            let frame = match heard {
                Ok(event) if is_staff || is_public(&event) => serde_json::to_string(&event).unwrap_or_default(),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => r#"{"kind":"reload"}"#.to_owned(),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(Frame::default().data(frame)), (app, receiver)));
        }
    })
}

/// A draft's id says nothing to the public: its page shows issued alerts only.
const fn is_public(event: &Event) -> bool {
    matches!(event, Event::Levels | Event::Alert { .. } | Event::Catalogue)
}
