//! Who is asking: a person with a session cookie or an API token.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::accounts::permission::{self, Permission, Permissions};
use crate::accounts::{Roles, store, tokens};
use crate::app::App;
use crate::audit::{Actor, ActorKind, Via};
use crate::clock::Instant;
use crate::config::SecondFactor;
use crate::ids::StaffId;
use crate::web::client::ClientAddress;
use crate::web::cookie;
use crate::web::error::ApiError;

/// A signed-in member of staff. As an extractor it answers 401 when nobody is signed in, and 403 when a request that
/// changes something comes with a cookie but without the session's `csrf` value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    pub id: StaffId,
    pub username: String,
    pub name: String,
    pub roles: Roles,
    /// What this very request may do: of a token, what its scope and its owner's roles both allow.
    pub permissions: Permissions,
    /// Tag of the language they read.
    pub language: String,
    /// Empty for API tokens, which no foreign page can make a browser send.
    pub csrf_token: String,
    pub address: Option<IpAddr>,
    /// The session this request came with; none for API tokens.
    pub session: Option<SessionInfo>,
}

/// What a session knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: Uuid,
    pub opened_at: Instant,
    /// Whether a second factor was shown.
    pub second_factor: bool,
    /// Their roles ask for a second factor that they have not set up: until then only their own account is open.
    pub must_enrol: bool,
}

impl Staff {
    /// # Errors
    /// `Forbidden`, naming what is needed and the roles they have.
    pub fn require(&self, needed: Permission) -> Result<(), ApiError> {
        if self.permissions.allow(needed) {
            return Ok(());
        }
        if self.must_enrol() {
            return Err(ApiError::Forbidden(
                "set up the second factor first, at /console/account/second-factor".into(),
            ));
        }
        Err(ApiError::Forbidden(format!("this needs the permission {needed}; {} is {}", self.username, self.roles)))
    }

    pub fn must_enrol(&self) -> bool {
        self.session.is_some_and(|session| session.must_enrol)
    }

    /// Who they are in the audit.
    pub fn actor(&self) -> Actor {
        let via = if self.csrf_token.is_empty() { Via::Api } else { Via::Console };
        Actor { kind: ActorKind::Staff, name: self.username.clone(), id: Some(self.id.0), via, address: self.address }
    }

    /// True when `given` is this session's CSRF value, or none is needed.
    pub fn csrf_fits(&self, given: Option<&str>) -> bool {
        let expected = self.csrf_token.as_bytes();
        expected.is_empty() || given.is_some_and(|given| given.as_bytes().ct_eq(expected).into())
    }
}

/// Reads who is asking from the headers. `None` when there is neither a live session nor a live token.
pub async fn identify(app: &App, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Option<Staff>, ApiError> {
    let now = app.clock.now();
    if let Some(token) = bearer(headers) {
        let mut conn = app.db.web.acquire().await?;
        let bearer = tokens::store::bearer(&mut conn, now, token, address).await?;
        return Ok(bearer.map(|bearer| {
            let mut staff = staff(bearer.member, String::new(), address);
            staff.permissions = bearer.scope.map_or(staff.permissions, |scope| scope.within(staff.permissions));
            staff
        }));
    }
    let secure = app.config.public_url().starts_with("https");
    let Some(token) = cookie::read_guarded(headers, cookie::SESSION, secure) else { return Ok(None) };
    let mut conn = app.db.web.acquire().await?;
    let rules = &app.config.accounts;
    let session = store::sessions::find(&mut conn, now, rules, token, is_used(headers)).await?;
    Ok(session.map(|session| in_session(session, rules.second_factor, address)))
}

/// Whether a person did something, or their open page only fetched itself anew: browsers say which (Fetch Metadata).
fn is_used(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
}

fn staff(member: store::Member, csrf_token: String, address: Option<IpAddr>) -> Staff {
    let store::Member { id, username, name, roles, language, .. } = member;
    let permissions = roles.permissions();
    Staff { id, username, name, roles, permissions, language, csrf_token, address, session: None }
}

/// A session without the second factor its owner's roles ask for opens nothing but their own account.
fn in_session(session: store::sessions::Session, rule: SecondFactor, address: Option<IpAddr>) -> Staff {
    let store::sessions::Session { id, member, csrf_token, second_factor, opened_at } = session;
    let mut staff = staff(member, csrf_token, address);
    let is_asked = rule == SecondFactor::Required
        && staff.permissions.within(permission::NEEDS_SECOND_FACTOR) != Permissions::NONE;
    let must_enrol = is_asked && !second_factor;
    if must_enrol {
        staff.permissions = Permissions::of(&[Permission::OwnAccount]);
    }
    staff.session = Some(SessionInfo { id, opened_at, second_factor, must_enrol });
    staff
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
        let address = parts.extensions.get::<ClientAddress>().and_then(|address| address.0);
        let staff = identify(app, &parts.headers, address).await?.ok_or(ApiError::Unauthorized)?;
        let header = parts.headers.get("csrf").and_then(|value| value.to_str().ok());
        if !is_safe(&parts.method) && !staff.csrf_fits(header) {
            return Err(ApiError::Forbidden("the `csrf` header does not fit this session".into()));
        }
        Ok(staff)
    }
}

/// A permission as a type, so that a handler's signature says what it needs.
pub trait Needs {
    const PERMISSION: Permission;
}

/// A signed-in member of staff who has the permission `P`. A handler that acts takes one; it cannot forget to ask.
#[derive(Debug)]
pub struct May<P>(Staff, PhantomData<P>);

impl<P> Deref for May<P> {
    type Target = Staff;

    fn deref(&self) -> &Staff {
        &self.0
    }
}

impl<P: Needs> FromRequestParts<App> for May<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let staff = Staff::from_request_parts(parts, app).await?;
        staff.require(P::PERMISSION)?;
        Ok(Self(staff, PhantomData))
    }
}

/// The permissions as types, for [`May`].
pub mod can {
    use super::{Needs, Permission};

    macro_rules! can {
        ($($name:ident),+ $(,)?) => {$(
            #[doc = concat!("[`Permission::", stringify!($name), "`]")]
            #[derive(Debug)]
            pub struct $name;

            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+};
    }
    can!(
        OwnAccount,
        SeeConsole,
        SeeDeliveries,
        SeeResidents,
        EditResidents,
        EditCatalogue,
        ManageDevices,
        DraftAlerts,
        IssueAlerts,
        ReportField,
        Inspect,
        RunIncidents,
        DeclareDamage,
        ManageStaff,
        ManageTokens,
        ReadAudit,
        ManagePrivacy,
        OpenVault,
        SeeSecretariat,
        WorkSecretariat,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Role;

    fn anyone(role: Role, csrf_token: &str) -> Staff {
        let roles = Roles::from(role);
        let permissions = roles.permissions();
        let address = None;
        let (username, name, language) = ("ana".to_owned(), "Ana".to_owned(), "pt-BR".to_owned());
        Staff {
            id: StaffId(uuid::Uuid::nil()),
            username,
            name,
            roles,
            permissions,
            language,
            csrf_token: csrf_token.to_owned(),
            address,
            session: None,
        }
    }

    #[test]
    fn whoever_may_not_is_told_what_is_needed_and_what_they_are() {
        let refusal = anyone(Role::Operator, "").require(Permission::IssueAlerts).unwrap_err();
        assert_eq!(refusal.to_string(), "this needs the permission issue_alerts; ana is operator");
        assert!(anyone(Role::Coordinator, "").require(Permission::IssueAlerts).is_ok());
    }

    #[test]
    fn a_session_needs_its_own_csrf_value_and_a_token_needs_none() {
        assert!(anyone(Role::Viewer, "").csrf_fits(None));
        assert!(!anyone(Role::Viewer, "abc").csrf_fits(None));
        assert!(!anyone(Role::Viewer, "abc").csrf_fits(Some("abd")));
        assert!(anyone(Role::Viewer, "abc").csrf_fits(Some("abc")));
    }
}
