//! Who is asking: a person with a session cookie or an API token.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;

use crate::accounts::{Role, store};
use crate::app::App;
use crate::ids::StaffId;
use crate::web::cookie;
use crate::web::error::ApiError;

/// A signed-in member of staff. As an extractor it answers 401 when nobody is signed in, and 403 when a request that
/// changes something comes with a cookie but without the session's `csrf` value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    pub id: StaffId,
    pub username: String,
    pub name: String,
    pub role: Role,
    /// Tag of the language they read.
    pub language: String,
    /// Empty for API tokens, which no foreign page can make a browser send.
    pub csrf_token: String,
}

impl Staff {
    /// # Errors
    /// `Forbidden`, naming the role needed and the one they have.
    pub fn require(&self, needed: Role) -> Result<(), ApiError> {
        if self.role >= needed {
            return Ok(());
        }
        Err(ApiError::Forbidden(format!("this needs the role {needed}; {} is {}", self.username, self.role)))
    }

    /// True when `given` is this session's CSRF value, or none is needed.
    pub fn csrf_fits(&self, given: Option<&str>) -> bool {
        let expected = self.csrf_token.as_bytes();
        expected.is_empty() || given.is_some_and(|given| given.as_bytes().ct_eq(expected).into())
    }
}

/// Reads who is asking from the headers. `None` when there is neither a live session nor a live token.
pub async fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Staff>, ApiError> {
    let now = app.clock.now();
    if let Some(token) = bearer(headers) {
        let mut conn = app.db.web.acquire().await?;
        let owner = store::token_owner(&mut conn, now, token).await?;
        return Ok(owner.map(|member| staff(member, String::new())));
    }
    let Some(token) = cookie::read(headers, cookie::SESSION) else { return Ok(None) };
    let mut conn = app.db.web.acquire().await?;
    let session = store::session(&mut conn, now, token).await?;
    Ok(session.map(|session| staff(session.member, session.csrf_token)))
}

fn staff(member: store::Member, csrf_token: String) -> Staff {
    let store::Member { id, username, name, role, language, .. } = member;
    Staff { id, username, name, role, language, csrf_token }
}

/// The token of `Authorization: Bearer …`. Device credentials have a dot, staff tokens have none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// True for methods that must not change anything.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl FromRequestParts<App> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        // The gate has looked already, and has checked the form's csrf field.
        if let Some(staff) = parts.extensions.get::<Self>() {
            return Ok(staff.clone());
        }
        let staff = identify(app, &parts.headers).await?.ok_or(ApiError::Unauthorized)?;
        let header = parts.headers.get("csrf").and_then(|value| value.to_str().ok());
        if !is_safe(&parts.method) && !staff.csrf_fits(header) {
            return Err(ApiError::Forbidden("the `csrf` header does not fit this session".into()));
        }
        Ok(staff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anyone(role: Role, csrf_token: &str) -> Staff {
        let (username, name, language) = ("ana".to_owned(), "Ana".to_owned(), "pt-BR".to_owned());
        Staff { id: StaffId(uuid::Uuid::nil()), username, name, role, language, csrf_token: csrf_token.to_owned() }
    }

    #[test]
    fn a_lower_role_is_refused_by_name() {
        let refusal = anyone(Role::Operator, "").require(Role::Approver).unwrap_err();
        assert_eq!(refusal.to_string(), "this needs the role approver; ana is operator");
        assert!(anyone(Role::Coordinator, "").require(Role::Approver).is_ok());
    }

    #[test]
    fn a_session_needs_its_own_csrf_value_and_a_token_needs_none() {
        assert!(anyone(Role::Viewer, "").csrf_fits(None));
        assert!(!anyone(Role::Viewer, "abc").csrf_fits(None));
        assert!(!anyone(Role::Viewer, "abc").csrf_fits(Some("abd")));
        assert!(anyone(Role::Viewer, "abc").csrf_fits(Some("abc")));
    }
}
