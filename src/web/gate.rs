//! Who may call what: one table of every route, and the gate that enforces it before any handler runs. A route that is
//! not in the table answers 500 and says so, so that nothing is ever served unguarded by oversight.

use axum::body::Body;
use axum::extract::{Form, FromRequest, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::accounts::Permission;
use crate::app::App;
use crate::web::auth::{self, Staff};
use crate::web::client::ClientAddress;
use crate::web::conditional;
use crate::web::error::ApiError;
use crate::web::upload;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing: what it shows or takes is for everyone.
    Open,
    /// A device's own credential, checked by the handler.
    Device,
    /// An SMS gateway's token or signature, checked by the handler.
    Gateway,
    /// A resident's visit, by a code sent to them. Checked by the handler (`web::pages::my_data::visitor`).
    Resident,
    /// A signed-in person who has this permission.
    Staff(Permission),
}

/// What anyone may send and its handler limits by itself, because a refusal there has more to say.
const OWN_LIMIT: [&str; 2] = ["/relatar", "/api/v1/reports"];

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub method: &'static str,
    pub path: &'static str,
    pub guard: Guard,
}

const fn open(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, guard: Guard::Open }
}

/// What residents do on their own page.
const fn resident(path: &'static str) -> Rule {
    Rule { method: "POST", path, guard: Guard::Resident }
}

/// What an SMS gateway tells.
const fn gateway(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, guard: Guard::Gateway }
}

const fn staff(method: &'static str, path: &'static str, permission: Permission) -> Rule {
    Rule { method, path, guard: Guard::Staff(permission) }
}

/// Largest form the console sends; longer texts go through the JSON API.
const MAX_FORM_BYTES: usize = 256 * 1024;

include!("routes.rs");
include!("routes_response.rs");
include!("routes_secretariat.rs");
include!("routes_committees.rs");
include!("routes_evaluation.rs");
include!("routes_publication.rs");
include!("routes_instruments.rs");
include!("routes_media.rs");
include!("routes_ethics.rs");
include!("routes_registry.rs");

/// Every list of the table.
const LISTS: &[&[Rule]] = &[
    OF_WARNING,
    OF_RESPONSE,
    OF_SECRETARIAT,
    OF_COMMITTEES,
    OF_EVALUATION,
    OF_INSTRUMENTS,
    OF_PUBLICATION,
    OF_MEDIA,
    OF_ETHICS,
    OF_REGISTRY,
];

/// Every route with its guard.
pub const RULES: &[Rule] = &joined::<{ count() }>();

const fn count() -> usize {
    let (mut all, mut list) = (0, 0);
    while list < LISTS.len() {
        all += LISTS[list].len();
        list += 1;
    }
    all
}

const fn joined<const N: usize>() -> [Rule; N] {
    let mut all = [OF_WARNING[0]; N];
    let (mut at, mut list) = (0, 0);
    while list < LISTS.len() {
        let mut row = 0;
        while row < LISTS[list].len() {
            all[at] = LISTS[list][row];
            (at, row) = (at + 1, row + 1);
        }
        list += 1;
    }
    all
}

/// The row for a request. HEAD is answered by GET.
pub fn find(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    RULES.iter().find(|rule| rule.method == method && rule.path == path)
}

/// The middleware.
pub async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    match pass(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => *refusal,
    }
}

/// A browser asks for a page of another site whether it may send a request with headers of its own.
fn is_preflight(request: &Request) -> bool {
    *request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn is_open_read(rule: &Rule) -> bool {
    rule.method == "GET" && rule.guard == Guard::Open
}

async fn pass(app: &App, request: Request) -> Result<Request, Box<Response>> {
    let refuse = |error: ApiError| Box::new(error.into_response());
    let Some(path) = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()) else {
        return Ok(request);
    };
    if !auth::is_safe(request.method()) {
        if comes_from_elsewhere(app, request.headers()) {
            metrics::counter!("sentinela_http_forbidden_total", "why" => "site").increment(1);
            tracing::warn!(why = "site", method = %request.method(), route = path, "refused");
            return Err(refuse(ApiError::Forbidden("the request comes from another site".into())));
        }
        if is_compressed(request.headers()) {
            return Err(Box::new(plain_only()));
        }
    }
    if is_preflight(&request) && RULES.iter().any(|rule| rule.path == path && is_open_read(rule)) {
        return Err(Box::new(conditional::preflight()));
    }
    let Some(rule) = find(request.method(), &path) else {
        let listed: Vec<&str> = RULES.iter().filter(|rule| rule.path == path).map(|rule| rule.method).collect();
        if !listed.is_empty() {
            return Err(refuse(ApiError::MethodNotAllowed(listed.join(", "))));
        }
        return Err(refuse(ApiError::Internal(anyhow::anyhow!("route {path} is missing in src/web/routes.rs"))));
    };
    let address = request.extensions().get::<ClientAddress>().and_then(|address| address.0);
    let has_own_limit = OWN_LIMIT.contains(&path.as_str());
    if rule.guard == Guard::Open && !has_own_limit && !auth::is_safe(request.method()) {
        app.limits.public_write(address).map_err(refuse)?;
    }
    let Guard::Staff(permission) = rule.guard else { return Ok(request) };
    let Some(staff) = auth::identify(app, request.headers(), address).await.map_err(refuse)? else {
        return Err(Box::new(sign_in(&request)));
    };
    app.limits.account(staff.id).map_err(refuse)?;
    if let Some(elsewhere) = lead(&request, &staff, permission) {
        return Err(Box::new(elsewhere));
    }
    let asked = (request.method().clone(), path);
    let told = |why: &'static str| {
        let (staff, (method, route)) = (&staff.username, &asked);
        metrics::counter!("sentinela_http_forbidden_total", "why" => why).increment(1);
        tracing::warn!(why, staff, %method, route, "refused");
    };
    staff.require(permission).inspect_err(|_| told("permission")).map_err(refuse)?;
    let checked = check_csrf(app, request, &staff).await;
    let mut request = checked.inspect_err(|_| told("form")).map_err(refuse)?;
    request.extensions_mut().insert(staff);
    Ok(request)
}

/// Browsers say where a request was started: in Fetch Metadata, or where they know none of it, by the origin. Programs say
/// neither, and bring no cookie that somebody else could make use of.
fn comes_from_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "cross-site";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let from = authority(origin.to_str().unwrap_or_default());
    let here = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    from.is_none() || (from != here && from != authority(&app.config.public_url()))
}

/// Host and port of an origin.
fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

/// A body that is packed could be a thousand times as large as its bound; no client of ours sends one.
fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn plain_only() -> Response {
    let mut response = ApiError::Compressed.into_response();
    response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}

/// Pages lead to the sign-in and back; the API says 401.
fn sign_in(request: &Request) -> Response {
    if *request.method() != Method::GET || !wants_html(request.headers()) {
        return ApiError::Unauthorized.into_response();
    }
    let wanted = request.uri().path_and_query().map_or("/console", |path| path.as_str());
    let wanted: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    Redirect::to(&format!("/console/login?next={wanted}")).into_response()
}

/// Where a page that is not for them leads people: to the set-up of their second factor, or from the console's start, which
/// everybody tries first, to their own account.
fn lead(request: &Request, staff: &Staff, needed: Permission) -> Option<Response> {
    let is_page = *request.method() == Method::GET && wants_html(request.headers());
    if staff.permissions.allow(needed) || !is_page {
        return None;
    }
    if staff.must_enrol() {
        return Some(Redirect::to("/console/account/second-factor").into_response());
    }
    (request.uri().path() == "/console").then(|| Redirect::to("/console/account").into_response())
}

pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

#[derive(serde::Deserialize)]
struct CsrfField {
    #[serde(default)]
    csrf: String,
}

/// A request that changes something under a cookie carries the session's own value: in the header `csrf`, or in the
/// form field `csrf`. The form is read here and handed on whole; of a form with files only the beginning, where the field is.
async fn check_csrf(app: &App, request: Request, staff: &Staff) -> Result<Request, ApiError> {
    if auth::is_safe(request.method()) || staff.csrf_token.is_empty() {
        return Ok(request);
    }
    let refusal = || ApiError::Forbidden("this page is too old; load it again and repeat".into());
    if let Some(header) = request.headers().get("csrf") {
        let fits = staff.csrf_fits(header.to_str().ok());
        return if fits { Ok(request) } else { Err(refusal()) };
    }
    if upload::is_form(request.headers()) {
        let (request, given) = upload::csrf(request).await;
        if staff.csrf_fits(given.as_deref()) {
            return Ok(request);
        }
        upload::pass_over(app, request).await;
        return Err(refusal());
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_FORM_BYTES).await.map_err(|_| ApiError::TooLarge)?;
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let field = Form::<CsrfField>::from_request(copy, &()).await.map_err(|_| refusal())?;
    if !staff.csrf_fits(Some(&field.0.csrf)) {
        return Err(refusal());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// What leads in: for people who are not signed in yet, each with its own proof.
    const DOORS: [&str; 6] = [
        "/console/login",
        "/console/login/code",
        "/console/forgot",
        "/console/reset",
        "/console/invitation",
        "/console/setup",
    ];

    /// The methods of what follows a path in `.route("…", get(one).post(other))`.
    fn methods(call: &str) -> Vec<&'static str> {
        let end = call.find("\n}").or_else(|| call.find(';')).unwrap_or(call.len());
        let call = &call[..end];
        // `form(…)` makes the handler of a form from what it asks for.
        let posts = [("post(", "POST"), ("form(", "POST")];
        let names =
            [("get(", "GET"), ("put(", "PUT"), ("patch(", "PATCH"), ("delete(", "DELETE")].into_iter().chain(posts);
        let stands = |name: &str| {
            let before = |at: usize| call[..at].chars().next_back().unwrap_or(' ');
            call.match_indices(name).any(|(at, _)| !before(at).is_alphanumeric() && before(at) != '_')
        };
        names.filter(|(name, _)| stands(name)).map(|(_, method)| method).collect()
    }

    /// Method and path of every `.route("…"` in the sources.
    fn registered(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("ui") {
                    registered(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("gate.rs")
                && !path.ends_with("bench/pages.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let calls = text.split(".route(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                for (path, rest) in calls.filter_map(|rest| rest.split_once('"')) {
                    found.extend(methods(rest).into_iter().map(|method| format!("{method} {path}")));
                }
            }
        }
    }

    #[test]
    fn every_route_in_the_sources_has_a_guard_and_every_guard_a_route() {
        let mut found = BTreeSet::new();
        registered(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let listed: BTreeSet<String> = RULES.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect();
        assert_eq!(found, listed, "left: `.route(` calls; right: src/web/routes*.rs");
    }

    #[test]
    fn no_route_is_listed_twice() {
        let mut seen = BTreeSet::new();
        for rule in RULES {
            assert!(seen.insert((rule.method, rule.path)), "{} {}", rule.method, rule.path);
        }
    }

    #[test]
    fn everything_under_the_console_but_the_sign_in_needs_a_person() {
        for rule in RULES.iter().filter(|rule| rule.path.starts_with("/console")) {
            let is_open = rule.guard == Guard::Open;
            let is_door = DOORS.contains(&rule.path) || rule.path.starts_with("/console/login/oidc");
            assert_eq!(is_open, is_door, "{} {}", rule.method, rule.path);
        }
    }

    /// Residents come in by a code; asking for one, and showing it, is open. So is subscribing, which a code or a link confirms, and
    /// leaving by the signed link of a message; contacts of institutions acknowledge by theirs.
    const RESIDENTS_DOORS: [&str; 7] = [
        "/meus-dados/codigo",
        "/meus-dados/entrar",
        "/cadastro",
        "/cadastro/codigo",
        "/cadastro/confirmar/{token}",
        "/s/{token}",
        "/i/{token}",
    ];

    /// Whoever sees something says so without an account; what comes waits to be judged.
    const REPORTS_DOORS: [&str; 2] = ["/relatar", "/api/v1/reports"];

    /// Whoever was paged answers by the token of the page; residents join and leave an exercise by its code.
    const PAGES_DOORS: [&str; 1] = ["/p/{token}"];
    const EXERCISES_DOORS: [&str; 2] = ["/simulados/{code}", "/simulados/{code}/codigo"];

    /// Volunteers register, show their code, and answer a call by its signed link.
    const VOLUNTEERS_DOORS: [&str; 3] = ["/voluntarios", "/voluntarios/codigo", "/v/{token}"];

    /// Whoever asks or complains has no account, and comes back with a number and a code.
    const CITIZENS_DOORS: [&str; 7] = [
        "/api/v1/secretariat/{module}/requests",
        "/api/v1/secretariat/protocol",
        "/api/v1/secretariat/protocol/{act}",
        "/secretaria/acesso-a-informacao",
        "/secretaria/ouvidoria",
        "/secretaria/protocolo",
        "/secretaria/protocolo/{act}",
    ];

    /// Whoever answers a survey is nobody: a code that counts once, or an open link.
    const EVALUATION_DOORS: [&str; 4] = [
        "/api/v1/secretariat/service-evaluation/responses",
        "/secretaria/avaliacao-de-servicos",
        "/secretaria/avaliacao-de-servicos/codigo/{code}",
        "/secretaria/avaliacao-de-servicos/responder/{id}",
    ];

    /// Whoever takes part in a consultation has no account; messages by segment are asked for, confirmed and ended by signed links.
    const PUBLICATION_DOORS: [&str; 5] = [
        "/api/v1/secretariat/participation/consultations/{id}/contributions",
        "/secretaria/participacao/consultas/{id}/contribuir",
        "/secretaria/segmentos/assinar",
        "/secretaria/segmentos/confirmar/{token}",
        "/secretaria/segmentos/sair/{token}",
    ];

    #[test]
    fn whatever_changes_something_is_guarded() {
        let open_posts: Vec<_> = RULES
            .iter()
            .filter(|rule| rule.method != "GET" && rule.guard == Guard::Open)
            .map(|rule| rule.path)
            .collect();
        assert_eq!(open_posts[0], "/preferences");
        // What the identity provider tells counts by its signature.
        let signed = ["/console/login/oidc/logout"];
        let doors =
            [&DOORS[..], &signed[..], &RESIDENTS_DOORS[..], &PAGES_DOORS[..], &REPORTS_DOORS[..], &EXERCISES_DOORS[..]];
        let of_modules = [&VOLUNTEERS_DOORS[..], &CITIZENS_DOORS[..], &EVALUATION_DOORS[..], &PUBLICATION_DOORS[..]];
        assert_eq!(open_posts[1..], [doors.concat(), of_modules.concat()].concat());
    }
}
