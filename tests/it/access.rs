//! Every route with every role, and with none: what the service answers is held against the table of permissions. And what
//! the sources say: the permission that a route names is the one that its handler asks for by type.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use sentinela::accounts::{Permission, Role, permission, store};
use sentinela::app::App;
use sentinela::secretariat::modules::MODULES;
use sentinela::web::gate::{Guard, RULES, Rule};
use tower::ServiceExt as _;

use crate::support;

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

/// A path with something well-formed in each of its places, none of which exists.
fn filled(path: &str) -> String {
    let known = [("{layer}", "areas"), ("{z}", "0"), ("{x}", "0"), ("{y}", "0"), ("{*path}", "app.css")];
    let path = known.iter().fold(path.to_owned(), |path, (place, value)| path.replace(place, value));
    let places =
        path.split('/').map(|part| if part.starts_with('{') { uuid::Uuid::nil().to_string() } else { part.into() });
    places.collect::<Vec<String>>().join("/")
}

async fn add_member(app: &App, role: Role) -> sentinela::ids::StaffId {
    let mut conn = app.db.web.acquire().await.unwrap();
    let (now, name) = (app.clock.now(), role.as_str());
    store::upsert_member(&mut conn, &app.ids, now, name, "Ana", &role.into(), NO_HASH).await.unwrap()
}

async fn token(app: &App, role: Role) -> String {
    let mut conn = app.db.web.acquire().await.unwrap();
    let ends = app.clock.now() + chrono::TimeDelta::days(1);
    let made = store::add_token(&mut conn, &app.ids, app.clock.now(), role.as_str(), "probe", ends).await;
    format!("Bearer {}", made.unwrap().unwrap())
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    support::soon("the answer", router.clone().oneshot(request)).await.unwrap()
}

/// The media type that the route's handler reads.
fn media_type(rule: &Rule) -> &'static str {
    if rule.path.starts_with("/api/") { "application/json" } else { "application/x-www-form-urlencoded" }
}

fn judge(wrong: &mut Vec<String>, rule: &Rule, who: &str, allowed: bool, status: StatusCode) {
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let good = if allowed { !refused && !status.is_server_error() } else { status == StatusCode::FORBIDDEN };
    if !good {
        wrong.push(format!("{} {} as {who}: {status}, allowed by the table: {allowed}", rule.method, rule.path));
    }
}

/// True for a path of a module of the secretariat, and a role that is not its own.
fn is_anothers(path: &str, role: Role) -> bool {
    let of = |word: &str| MODULES.iter().find(|one| one.slug == word || one.slug_pt == word);
    path.contains("/secretari") && path.split('/').find_map(of).is_some_and(|module| module.key() != role.as_str())
}

/// Tens of thousands of questions: the roles are shared out among so many tests, which run beside each other.
const PARTS: usize = 8;

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says() {
    every_route_answers_as_the_table_says(0).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_second_part() {
    every_route_answers_as_the_table_says(1).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_third_part() {
    every_route_answers_as_the_table_says(2).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_fourth_part() {
    every_route_answers_as_the_table_says(3).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_fifth_part() {
    every_route_answers_as_the_table_says(4).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_sixth_part() {
    every_route_answers_as_the_table_says(5).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_seventh_part() {
    every_route_answers_as_the_table_says(6).await;
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says_in_the_eighth_part() {
    every_route_answers_as_the_table_says(7).await;
}

async fn every_route_answers_as_the_table_says(part: usize) {
    let db = support::db().await;
    // One person asks for everything at once: more than an account may in earnest.
    let unlimited =
        [("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0"), ("SENTINELA__HTTP__LIMITS__ACCOUNT_BURST", "0")];
    let app = support::app_with(&db, &unlimited);
    let router = sentinela::web::router::router(app.clone());
    let mut wrong = Vec::new();
    let mut asked = 0;
    for role in Role::ALL.iter().copied().skip(part).step_by(PARTS) {
        let member = add_member(&app, role).await;
        let bearer = token(&app, role).await;
        let (mut cookie, mut csrf) = support::session_of(&app, member).await;
        for rule in RULES {
            let allowed = match rule.guard {
                Guard::Staff(needed) => permission::of_role(role).allow(needed),
                // Devices have credentials of their own; to people everything open is open.
                Guard::Device | Guard::Gateway | Guard::Resident => continue,
                _ => true,
            };
            let (path, kind) = (filled(rule.path), media_type(rule));
            let by_cookie = [("cookie", cookie.as_str()), ("csrf", csrf.as_str()), ("content-type", kind)];
            let by_token = [("authorization", bearer.as_str()), ("content-type", kind)];
            // A module of the secretariat asks for its own role beyond the table.
            let may_refuse = allowed && is_anothers(rule.path, role);
            // The sign-in itself answers 401 to whoever sends no password, whoever they are.
            let is_sign_in = rule.guard == Guard::Open && rule.method == "POST";
            let mut has_acted = false;
            for (shown, headers) in [("a session", &by_cookie[..]), ("a token", &by_token[..])] {
                let status = ask(&router, rule.method, &path, headers, "").await.status();
                let is_theirs = may_refuse && status == StatusCode::FORBIDDEN;
                if !is_sign_in && !is_theirs {
                    judge(&mut wrong, rule, &format!("{role} with {shown}"), allowed, status);
                }
                has_acted |= rule.method != "GET" && status != StatusCode::FORBIDDEN;
                asked += 1;
            }
            // What acts may have ended every session of this person.
            if has_acted {
                (cookie, csrf) = support::session_of(&app, member).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} answers differ from the table:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 0, "no role is left for part {part}");
}

#[tokio::test]
async fn nobody_is_refused_by_every_guarded_route_with_every_wrong_credential() {
    let db = support::db().await;
    let app = support::app(&db);
    let router = sentinela::web::router::router(app.clone());
    let credentials: [&[(&str, &str)]; 7] = [
        &[],
        &[("cookie", "sentinela_session=")],
        &[("cookie", "sentinela_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Bearer a.b")],
        &[("authorization", "Basic YWRtaW46YWRtaW4=")],
        &[("x-forwarded-user", "ana"), ("x-original-url", "/"), ("x-rewrite-url", "/")],
    ];
    for rule in RULES.iter().filter(|rule| rule.guard != Guard::Open) {
        for headers in credentials {
            let response = ask(&router, rule.method, &filled(rule.path), headers, "").await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} {} {headers:?}", rule.method, rule.path);
        }
        if rule.method == "GET" && rule.path.starts_with("/console") {
            let response = ask(&router, "GET", &filled(rule.path), &[("accept", "text/html")], "").await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{}", rule.path);
            let location = response.headers()[header::LOCATION].to_str().unwrap();
            assert!(location.starts_with("/console/login?next=%2F"), "{location}");
        }
    }
}

#[tokio::test]
async fn no_method_but_the_listed_ones_is_served() {
    let db = support::db().await;
    let app = support::app(&db);
    let member = add_member(&app, Role::Coordinator).await;
    let (cookie, csrf) = support::session_of(&app, member).await;
    let router = sentinela::web::router::router(app.clone());
    let methods =
        ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "Post", "X-ODD"];
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in RULES {
        paths.entry(rule.path).or_default().push(rule.method);
    }
    for (path, listed) in &paths {
        for method in methods {
            let is_listed = listed.contains(&method) || (method == "HEAD" && listed.contains(&"GET"));
            if is_listed {
                continue;
            }
            let headers = [("cookie", cookie.as_str()), ("csrf", csrf.as_str())];
            let response = ask(&router, method, &filled(path), &headers, "").await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let allow = response.headers()[header::ALLOW].to_str().unwrap().to_owned();
            assert!(listed.iter().all(|method| allow.contains(method)), "{method} {path}: Allow: {allow}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
        }
    }
    // HEAD is as guarded as GET.
    for rule in RULES.iter().filter(|rule| rule.method == "GET" && rule.guard != Guard::Open) {
        let response = ask(&router, "HEAD", &filled(rule.path), &[], "").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "HEAD {}", rule.path);
    }
}

#[tokio::test]
async fn no_spelling_of_a_path_slips_by_its_guard() {
    let db = support::db().await;
    let app = support::app(&db);
    let router = sentinela::web::router::router(app.clone());
    for rule in RULES.iter().filter(|rule| rule.guard != Guard::Open) {
        let path = filled(rule.path);
        let first_letter = path.as_bytes()[1];
        let encoded = format!("/%{first_letter:02x}{}", &path[2..]);
        let spellings = [
            format!("/{path}"),
            format!("{path}/"),
            format!("{path}//"),
            path.replacen('/', "//", 2),
            format!("/.{path}"),
            format!("/assets/..{path}"),
            format!("/assets/..%2f{}", &path[1..]),
            format!("/assets/%2e%2e{path}"),
            format!("{path}/."),
            format!("{path}/../{}", path.rsplit('/').next().unwrap()),
            format!("{path}%2f"),
            format!("{path}%00"),
            format!("{path}%20"),
            format!("{path};a=b"),
            format!("{path}.json"),
            path.to_uppercase(),
            encoded,
            format!("http://elsewhere.invalid{path}"),
            format!("{path}?_method=GET&method=OPTIONS"),
        ];
        for spelling in spellings {
            let response = ask(&router, rule.method, &spelling, &[], "").await;
            let refused = [400, 401, 404, 405].contains(&response.status().as_u16());
            assert!(refused, "{} {spelling}: {}", rule.method, response.status());
        }
    }
}

/// What acts without asking by type, and why that is right.
const WITHOUT_TYPE: [(&str, &str); 2] = [
    // Counts the letters of a text and stores nothing.
    ("POST", "/console/alerts/{id}/measure"),
    // Ends the very session whose cookie came; there is nobody else's to end.
    ("POST", "/console/logout"),
];

#[test]
fn every_handler_that_acts_asks_by_type_for_the_permission_of_its_route() {
    let sources = sources();
    let mut wrong = Vec::new();
    let mut held = 0;
    for rule in RULES {
        let Guard::Staff(needed) = rule.guard else { continue };
        let signature = signature(&sources, rule);
        let asked = asked(&signature);
        let acts = rule.method != "GET";
        if asked.is_empty() && (!acts || WITHOUT_TYPE.contains(&(rule.method, rule.path))) {
            continue;
        }
        held += 1;
        if asked != [needed] {
            wrong.push(format!(
                "{} {}: the route needs {needed}, the handler asks for {asked:?}",
                rule.method, rule.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(held > 20, "only {held} handlers were found");
}

/// Every Rust file under src/web with its text.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("ui") {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The handler's signature, up to what it answers.
fn signature(sources: &[(PathBuf, String)], rule: &Rule) -> String {
    let call = format!("\"{}\"", rule.path);
    let verb = format!("{}(", rule.method.to_lowercase());
    for (file, text) in sources.iter().filter(|(file, _)| !file.ends_with("routes.rs")) {
        for route in text.split(".route(").skip(1) {
            let Some(rest) = route.trim_start().strip_prefix(&call) else { continue };
            let (methods, _) = rest.split_at(closing(rest));
            let Some(handler) = handler(methods, &verb) else {
                if let Some(whole) = made(text, methods, &verb) {
                    return whole;
                }
                continue;
            };
            return found(sources, file, &handler)
                .unwrap_or_else(|| panic!("no `fn {handler}` for {} {}", rule.method, rule.path));
        }
    }
    panic!("no handler for {} {}", rule.method, rule.path);
}

/// Where the parenthesis that was open before `text` closes.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// `read::list` of `get(read::list).post(…)`, for the verb `get(`.
fn handler(methods: &str, verb: &str) -> Option<String> {
    let starts = methods.match_indices(verb).map(|(at, _)| at);
    let mut own =
        starts.filter(|at| !methods[..*at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_'));
    let rest = &methods[own.next()? + verb.len()..];
    // Of a handler for several types the name alone.
    let named = rest.split([')', ',']).next()?.split("::<").next()?;
    Some(named.trim().to_owned())
}

/// The function of the same file that makes the handler, whole: `form` of `form(What::Vote)`.
fn made(text: &str, methods: &str, verb: &str) -> Option<String> {
    let name = methods.trim_start_matches(|letter: char| letter == ',' || letter.is_whitespace()).split('(').next()?;
    let rest = &text[text.find(&format!("fn {name}("))?..];
    let whole = &rest[..rest.find("\n}\n").unwrap_or(rest.len())];
    whole.contains(verb).then(|| whole.to_owned())
}

fn found(sources: &[(PathBuf, String)], file: &Path, handler: &str) -> Option<String> {
    let (module, name) = handler.rsplit_once("::").unwrap_or(("", handler));
    let module = module.rsplit("::").next().unwrap_or_default();
    // Handlers that a macro writes into a module stand in the macro.
    let is_written = sources.iter().any(|(path, text)| path == file && text.contains("instrument_routes! {"));
    let mut files = sources.iter().filter(|(path, _)| {
        if module.is_empty() {
            return path == file || is_written && path.ends_with("secretariat/instrument_routes.rs");
        }
        let beside = file.with_extension("");
        let folder = if file.ends_with("mod.rs") { file.parent().unwrap() } else { beside.as_path() };
        let near = [folder, file.parent().unwrap()];
        near.iter()
            .any(|folder| *path == folder.join(format!("{module}.rs")) || *path == folder.join(module).join("mod.rs"))
    });
    files.find_map(|(_, text)| {
        // A page may have a method of the same name; a handler is async.
        let plain = text.find(&format!("async fn {name}(")).or_else(|| text.find(&format!("fn {name}(")));
        let start = plain.or_else(|| text.find(&format!("fn {name}<")))?;
        let rest = &text[start..];
        Some(rest[..rest.find("{\n").unwrap_or(rest.len())].to_owned())
    })
}

/// The permissions of `May<can::…>` in a signature.
fn asked(signature: &str) -> Vec<Permission> {
    let names = signature.split("May<can::").skip(1).filter_map(|rest| rest.split('>').next());
    names
        .map(|name| *Permission::ALL.iter().find(|permission| format!("{permission:?}") == name).expect("a permission"))
        .collect()
}
