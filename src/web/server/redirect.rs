//! Plain HTTP beside TLS: leads everybody to the same place behind `http.public_url`, and serves nothing.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use tokio::net::TcpListener;

use crate::app::App;

pub async fn serve(app: App, listener: TcpListener) {
    let base = app.config.public_url().trim_end_matches('/').to_owned();
    let router = Router::new().fallback(lead).with_state(base);
    super::accept(&app, listener, None, router).await;
}

/// The name asked for has no say: whoever sends another `Host` is led to this town all the same.
async fn lead(State(base): State<String>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    Redirect::permanent(&format!("{base}{path}")).into_response()
}
