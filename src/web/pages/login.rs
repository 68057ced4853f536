//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::page;
use super::preferences::local_path;
use super::view::View;
use crate::accounts::throttle::Throttle;
use crate::accounts::{password, store};
use crate::app::App;
use crate::web::client::ClientAddress;
use crate::web::cookie;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/login", get(form).post(sign_in))
        .route("/console/logout", post(sign_out))
        .layer(Extension(Arc::new(Throttle::default())))
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    v: View,
    next: String,
    username: String,
    message: String,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

async fn form(v: View, Query(asked): Query<Asked>) -> Result<Response, ApiError> {
    page(&LoginPage { v, next: asked.next, username: String::new(), message: String::new() })
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(app): State<App>,
    v: View,
    Extension(throttle): Extension<Arc<Throttle>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Form(given): Form<Credentials>,
) -> Result<Response, ApiError> {
    let username = given.username.trim().to_lowercase();
    let wait_s = throttle.wait_s(&username, address, v.now);
    if wait_s > 0 {
        let message = v.t1("login-wait", "n", wait_s);
        return refuse(v, StatusCode::TOO_MANY_REQUESTS, given.next, username, message);
    }
    let mut conn = app.db.web.acquire().await?;
    let known = store::credentials(&mut conn, &username).await?;
    // The connection goes back while the hash is computed.
    drop(conn);
    let fits = password::verify(&given.password, known.as_ref().map(|known| known.password_hash.as_str())).await;
    let Some(known) = known.filter(|_| fits) else {
        throttle.failed(&username, address, v.now);
        let message = v.t("login-wrong");
        return refuse(v, StatusCode::UNAUTHORIZED, given.next, username, message);
    };
    throttle.succeeded(&username, address);
    let mut conn = app.db.web.acquire().await?;
    let session = store::open_session(&mut conn, &app.ids, v.now, known.id).await?;
    let next = if given.next.is_empty() { "/console" } else { local_path(&given.next) };
    let secure = app.config.public_url().starts_with("https");
    let max_age_s = (session.expires_at - v.now).num_seconds();
    let cookie = cookie::write(cookie::SESSION, &session.token, max_age_s, secure);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

fn refuse(v: View, status: StatusCode, next: String, username: String, message: String) -> Result<Response, ApiError> {
    Ok((status, page(&LoginPage { v, next, username, message })?).into_response())
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(token) = cookie::read(&headers, cookie::SESSION) {
        let mut conn = app.db.web.acquire().await?;
        store::close_session(&mut conn, token).await?;
    }
    let secure = app.config.public_url().starts_with("https");
    let gone = cookie::write(cookie::SESSION, "", 0, secure);
    Ok(([(header::SET_COOKIE, gone)], Redirect::to("/console/login")).into_response())
}
