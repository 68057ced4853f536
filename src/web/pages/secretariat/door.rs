//! `/secretaria`: the citizen's door. Ask, complain and find what is published, without an account and without JavaScript.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::super::page;
use super::super::view::View;
use super::told;
use crate::app::App;
use crate::audit::Actor;
use crate::deadlines::words;
use crate::reports::stamp;
use crate::secretariat::citizen::desk::{self as door, Request};
use crate::secretariat::citizen::identity::Identity;
use crate::secretariat::citizen::type_of;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::modules::{self, Module};
use crate::web::api::secretariat::citizen::Followed;
use crate::web::error::{ApiError, FieldError};
use crate::web::gate;

/// The whole form, with room for its encoding.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a resident may want, in this order, with the module that gives it.
const WAYS: [(&str, &str); 8] = [
    ("services", "service_charter"),
    ("ask", "sic"),
    ("complain", "ombudsman"),
    ("take-part", "participation"),
    ("agreements", "agreements"),
    ("budget", "budget"),
    ("committees", "committees"),
    ("news", "news"),
];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria", get(show))
        .route("/secretaria/acesso-a-informacao", get(sic_form).post(sic_send))
        .route("/secretaria/ouvidoria", get(ombudsman_form).post(ombudsman_send))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Neither the browser nor anything on the way keeps a copy.
pub async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A way that exists.
struct Way {
    key: &'static str,
    href: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_door.html")]
struct DoorPage {
    v: View,
    ways: Vec<Way>,
    /// Modules that publish and are none of the ways.
    others: Vec<(&'static Module, String)>,
}

fn is_there(path: &str) -> bool {
    gate::RULES.iter().any(|rule| rule.method == "GET" && rule.path == path)
}

/// Where everybody reads a module: its own page, else its publications when its types have any. None: there is nothing yet.
fn page_of(app: &App, module: &Module) -> Option<String> {
    // Projects have a shorter address than their module.
    let word = if module.key() == "strategic_projects" { "projetos" } else { module.slug_pt };
    let own = format!("/secretaria/{word}");
    if is_there(&own) {
        return Some(own);
    }
    let publishes = app.cases.of_module(module.key()).any(|kept| !kept.def.public.states.is_empty());
    publishes.then(|| format!("/secretaria/{}/publicacoes", module.slug_pt))
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let ways = WAYS.iter().filter_map(|(key, module)| {
        let href = page_of(&app, modules::find(module)?)?;
        Some(Way { key, href })
    });
    let is_way = |module: &Module| WAYS.iter().any(|(_, key)| *key == module.key());
    let others = modules::MODULES.iter().filter(|module| !is_way(module));
    let others = others.filter_map(|module| Some((module, page_of(&app, module)?))).collect();
    page(&DoorPage { ways: ways.collect(), others, v })
}

type Given = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "secretariat/sec_ask.html")]
struct AskPage {
    v: View,
    module: &'static Module,
    /// Kinds of a manifestation, or forms of an answer.
    choices: Vec<(String, String)>,
    /// What the law promises: name and law of the first deadline.
    promise: Vec<(String, String)>,
    given: Given,
    stamp: String,
    wrong: String,
    errors: Vec<FieldError>,
}

const INPUTS: [&str; 8] = ["subject", "text", "kind", "place", "format", "name", "email", "phone"];

/// The input that an error is about.
fn input_of(error: &FieldError) -> &str {
    match error.field.trim_start_matches("fields.") {
        "title" => "subject",
        "request" => "text",
        "requester" => "name",
        other => other,
    }
}

impl AskPage {
    fn is_wrong(&self, name: &str) -> bool {
        self.errors.iter().any(|error| input_of(error) == name)
    }

    /// Id of the input that an error is about; empty for what is about none.
    fn input(&self, error: &FieldError) -> String {
        let name = input_of(error);
        if INPUTS.contains(&name) { format!("in-{name}") } else { String::new() }
    }

    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    fn is_ombudsman(&self) -> bool {
        self.module.key() == "ombudsman"
    }

    /// Words of this door: `sec-ask-sic-lead`.
    fn own(&self, part: &str) -> String {
        self.v.t(&format!("sec-ask-{}-{part}", self.module.slug))
    }
}

fn ask_page(
    app: &App,
    v: View,
    key: &str,
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let module = modules::find(key).ok_or_else(|| ApiError::NotFound(format!("module {key}")))?;
    let missing = || ApiError::NotFound(format!("door of the module {key}"));
    let kept = type_of(key).and_then(|key| app.cases.get(key)).ok_or_else(missing)?;
    let field = kept.def.field(if key == "ombudsman" { "kind" } else { "format" }).ok_or_else(missing)?;
    let choices = field.options.iter().filter(|option| option.key.get_ref() != "communication");
    let choices = choices.map(|option| (option.key.get_ref().clone(), option.label.of(v.lang).to_owned())).collect();
    let promise = kept.def.opening.deadlines.iter().filter_map(|step| {
        let rule = kept.def.rules.iter().find(|rule| rule.code == *step.code.get_ref())?;
        Some((words::name(v.lang, &rule.code), rule.law_ref.clone()))
    });
    let promise = promise.collect();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let stamp = stamp::make(&app.keys.service, &app.ids, v.now);
    let mut shown =
        (status, page(&AskPage { v, module, choices, promise, given, stamp, wrong, errors })?).into_response();
    // A form is for one person: its stamp is that of one request.
    shown.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(shown)
}

async fn sic_form(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    ask_page(&app, v, "sic", Given::new(), (String::new(), Vec::new()))
}

async fn ombudsman_form(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    ask_page(&app, v, "ombudsman", Given::new(), (String::new(), Vec::new()))
}

async fn sic_send(State(app): State<App>, v: View, Form(given): Form<Given>) -> Result<Response, ApiError> {
    send(&app, v, "sic", given).await
}

async fn ombudsman_send(State(app): State<App>, v: View, Form(given): Form<Given>) -> Result<Response, ApiError> {
    send(&app, v, "ombudsman", given).await
}

#[derive(Template)]
#[template(path = "secretariat/sec_receipt.html")]
struct ReceiptPage {
    v: View,
    module: &'static Module,
    number: String,
    code: String,
    case: Followed,
}

async fn send(app: &App, v: View, key: &str, given: Given) -> Result<Response, ApiError> {
    let get = |name: &str| given.get(name).cloned().unwrap_or_default();
    // A field that only machines see.
    if !get("website").is_empty() {
        return Err(ApiError::field("website", "", "expected nothing"));
    }
    let identity = Identity { name: get("name"), email: get("email"), phone: get("phone") };
    let request = Request {
        module: key.to_owned(),
        subject: get("subject"),
        text: get("text"),
        kind: get("kind"),
        place: get("place"),
        format: get("format"),
        anonymous: get("anonymous") == "yes",
        identity,
        // A form that lay open for too long is taken all the same; only what is sent twice is then two.
        stamp: stamp::check(&app.keys.service, v.now, &get("stamp")).ok().map(|checked| checked.key),
    };
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    match door::open(&mut tx, desk, &request).await {
        Ok(receipt) => {
            let case = Followed::load(&mut tx, desk, receipt.case, v.lang).await?;
            tx.commit().await?;
            let module = modules::find(key).ok_or_else(|| ApiError::NotFound(format!("module {key}")))?;
            let shown = page(&ReceiptPage { v, module, number: receipt.number, code: receipt.code, case })?;
            Ok(keep_nothing(shown).await)
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            ask_page(app, v, key, given, why)
        }
    }
}
