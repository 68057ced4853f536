//! API tokens: one's own, and for whoever manages tokens those of everybody.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, RawForm, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::{self, Acting};
use crate::accounts::tokens::{GRACE_H, NAMED_ONLY, Previous, TokenInfo, store};
use crate::app::App;
use crate::web::api::tokens::{may_rotate, revocable, scope_for};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/tokens", get(list).post(create))
        .route("/console/tokens/{id}/rotate", post(rotate))
        .route("/console/tokens/{id}/revoke", get(ask).post(revoke))
}

/// A secret just made, shown this once.
struct Fresh {
    name: String,
    token: String,
    /// Until when the secret before works.
    old_ends: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    f: Frame,
    rows: Vec<TokenInfo>,
    /// Whether the tokens of others are among the rows.
    everyone: bool,
    own: String,
    /// What a new token may be given, and whether it is ticked beforehand.
    grantable: Vec<(Permission, bool)>,
    fresh: Option<Fresh>,
    grace_h: u16,
}

async fn list(State(app): State<App>, staff: May<can::OwnAccount>, v: View) -> Result<Response, ApiError> {
    show(&app, &staff, v, None).await
}

async fn show(app: &App, staff: &Staff, v: View, fresh: Option<Fresh>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let everyone = staff.permissions.allow(Permission::ManageTokens);
    let mut rows = store::list(&mut conn, (!everyone).then_some(staff.id)).await?;
    // One's own first.
    rows.sort_by_key(|token| token.username != staff.username);
    let grantable = staff.permissions.iter().map(|permission| (permission, !NAMED_ONLY.allow(permission))).collect();
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    page(&TokensPage { f, rows, everyone, own: staff.username.clone(), grantable, fresh, grace_h: GRACE_H })
}

async fn create(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    RawForm(body): RawForm,
) -> Result<Response, ApiError> {
    let (mut name, mut days, mut scope) = (String::new(), String::new(), Vec::new());
    for (key, value) in url::form_urlencoded::parse(&body) {
        match key.as_ref() {
            "name" => name = value.into_owned(),
            "days" => days = value.into_owned(),
            "scope" => scope.push(value.into_owned()),
            _ => {}
        }
    }
    let days = days.trim().parse().map_err(|_| ApiError::field("days", days, "expected a number of days"))?;
    let scope = scope_for(&staff, Some(&scope))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = desk::add(&mut tx, by, &staff.username, &name, scope, days).await?;
    tx.commit().await?;
    let fresh = Fresh { name, token: made.token, old_ends: String::new() };
    show(&app, &staff, v, Some(fresh)).await
}

#[derive(Deserialize)]
struct Rotation {
    grace_h: u16,
}

async fn rotate(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Rotation>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let token = desk::find(&mut tx, Some(staff.id), id).await?;
    may_rotate(&staff, &token)?;
    let (made, ends_at) = desk::rotate(&mut tx, by, &token, given.grace_h).await?;
    tx.commit().await?;
    let fresh = Fresh { name: token.name, token: made.token, old_ends: v.full(ends_at) };
    show(&app, &staff, v, Some(fresh)).await
}

#[derive(Template)]
#[template(path = "token_revoke.html")]
struct AskPage {
    f: Frame,
    token: TokenInfo,
}

async fn ask(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let token = revocable(&mut conn, &staff, id).await?;
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    page(&AskPage { f, token })
}

async fn revoke(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let token = revocable(&mut tx, &staff, id).await?;
    desk::revoke(&mut tx, by, &token).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/tokens").into_response())
}

/// What a scope allows, in the reader's words.
fn scope_text(v: &View, token: &TokenInfo) -> String {
    match token.scope {
        None => v.t("token-scope-all"),
        Some(scope) => {
            scope.iter().map(|permission| v.word("permission", permission.as_str())).collect::<Vec<_>>().join(", ")
        }
    }
}

impl TokensPage {
    fn scope(&self, token: &TokenInfo) -> String {
        scope_text(&self.f.v, token)
    }

    fn is_own(&self, token: &TokenInfo) -> bool {
        token.username == self.own
    }

    fn state(&self, token: &TokenInfo) -> &'static str {
        token.state(self.f.v.now)
    }

    fn old<'a>(&self, token: &'a TokenInfo) -> Option<&'a Previous> {
        token.live_previous(self.f.v.now)
    }

    fn lives(&self, token: &TokenInfo) -> bool {
        token.state(self.f.v.now) == "active"
    }

    fn tag(&self, token: &TokenInfo) -> &'static str {
        if self.lives(token) { "good" } else { "bad" }
    }
}
