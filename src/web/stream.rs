//! What changed, as server-sent events. Each carries only an id; whoever hears it reads the state itself.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::accounts::Permission;
use crate::app::App;
use crate::events::Event;
use crate::web::auth;
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

/// A stream is asked again this often who listens, also without a hint: tokens and sessions expire by the clock alone.
const RECHECK_EVERY: Duration = Duration::from_secs(15);

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/events", get(events))
}

/// Changes of levels, alerts, deliveries and incidents as they happen.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", responses(
    (status = 200, description = "text/event-stream of {\"kind\": \"levels\" | \"alert\" | \"delivery\" | \"incident\" | \"exercise\" | \"device\" | \"journal\" | \
     \"catalogue\" | \"maintenance\" | \"rules\" | \"warning\" | \"reload\", …}. Without a session only levels, alert and warning come. After \"reload\", read the whole state again.")))]
pub async fn events(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Before the question who it is, so that no change falls between the two.
    let receiver = app.events.subscribe();
    let listener = Listener { is_staff: may_hear(&app, &headers, address).await?, headers, address };
    let frames = frames(app.clone(), receiver, listener);
    let alive = KeepAlive::new().interval(Duration::from_secs(15)).text("alive");
    let mut response = Sse::new(frames).keep_alive(alive).into_response();
    // Proxies that hold answers back would hold warnings back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Who listens, as they came.
struct Listener {
    is_staff: bool,
    headers: HeaderMap,
    address: Option<IpAddr>,
}

impl Listener {
    /// True once somebody who was let in is let in no more. While that cannot be asked they stay.
    async fn is_shut_out(&self, app: &App) -> bool {
        self.is_staff && matches!(may_hear(app, &self.headers, self.address).await, Ok(false))
    }
}

/// Whether they hear what staff hears: they are signed in, or send a token, that may see the console.
async fn may_hear(app: &App, headers: &HeaderMap, address: Option<IpAddr>) -> Result<bool, ApiError> {
    let staff = auth::identify(app, headers, address).await?;
    Ok(staff.is_some_and(|staff| staff.permissions.allow(Permission::SeeConsole)))
}

fn frames(app: App, receiver: Receiver<Event>, listener: Listener) -> impl Stream<Item = Result<Frame, Infallible>> {
    let mut recheck = tokio::time::interval(RECHECK_EVERY);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.reset();
    stream::unfold((app, receiver, listener, recheck), |(app, mut receiver, listener, mut recheck)| async move {
        loop {
            let heard = tokio::select! {
                () = app.stop.cancelled() => return None,
                _ = recheck.tick() => Ok(Event::Access),
                heard = receiver.recv() => heard,
            };
            // Revoked, expired, signed out: the stream ends, and whoever comes again is asked again.
            if matches!(heard, Ok(Event::Access) | Err(RecvError::Lagged(_))) && listener.is_shut_out(&app).await {
                return None;
            }
            let frame = match heard {
                Ok(event) if is_for(&event, &listener) => serde_json::to_string(&event).unwrap_or_default(),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => r#"{"kind":"reload"}"#.to_owned(),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(Frame::default().data(frame)), (app, receiver, listener, recheck)));
        }
    })
}

fn is_for(event: &Event, listener: &Listener) -> bool {
    *event != Event::Access && (listener.is_staff || is_public(event))
}

/// A draft's id says nothing to the public: its page shows issued alerts only.
const fn is_public(event: &Event) -> bool {
    matches!(event, Event::Levels | Event::Alert { .. } | Event::Catalogue | Event::Warning)
}
