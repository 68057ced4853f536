//! `/secretaria/protocolo`: following a case by its number and code, and what its citizen may do.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::super::page;
use super::super::view::View;
use super::door::keep_nothing;
use super::{Input, given_fields, in_plain_words, shown, told};
use crate::app::App;
use crate::audit::Actor;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::citizen::Told;
use crate::secretariat::citizen::desk as door;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::web::api::secretariat::citizen::{Due, Followed};
use crate::web::error::{ApiError, FieldError};

const MAX_BODY_BYTES: usize = 64 * 1024;
const PATH: &str = "/secretaria/protocolo";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/protocolo", get(ask).post(follow))
        .route("/secretaria/protocolo/{act}", post(act))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(keep_nothing))
}

type Given = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "secretariat/sec_protocol.html")]
struct KeyPage {
    v: View,
    number: String,
    unknown: bool,
}

/// What the citizen may do, with the form for it.
struct Possible {
    key: String,
    inputs: Vec<Input>,
    danger: bool,
    law_ref: String,
}

impl Possible {
    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(|input| !input.wrong.is_empty())
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_followed.html")]
struct FollowedPage {
    v: View,
    case: Followed,
    pairs: Vec<(String, String)>,
    possible: Vec<Possible>,
    number: String,
    code: String,
    done: String,
    wrong: String,
    errors: Vec<FieldError>,
}

impl FollowedPage {
    fn act(&self, one: &Told) -> String {
        self.v.word("sec-citizen-act", &one.act)
    }

    fn state(&self) -> String {
        self.v.word("sec-citizen-state", &self.case.state)
    }

    fn doing(&self, one: &Possible) -> String {
        self.v.word("sec-citizen-do", &one.key)
    }

    fn help(&self, one: &Possible) -> String {
        self.v.word("sec-citizen-help", &one.key)
    }

    fn is_late(&self, one: &Due) -> bool {
        one.late
    }
}

async fn ask(v: View) -> Result<Response, ApiError> {
    page(&KeyPage { v, number: String::new(), unknown: false })
}

fn unknown(v: View, number: String) -> Result<Response, ApiError> {
    let shown = page(&KeyPage { v, number: number.chars().take(60).collect(), unknown: true })?;
    Ok((StatusCode::NOT_FOUND, shown).into_response())
}

fn text(given: &Given, name: &str) -> String {
    given.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The case, or the page that asks again: the same whether the number exists or not.
async fn show(
    app: &App,
    mut v: View,
    given: &Given,
    (done, wrong, errors): (String, String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let (number, code) = (text(given, "number"), text(given, "code"));
    // Acts are only sent; whoever changes the language comes back to a page.
    PATH.clone_into(&mut v.here);
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let case = match door::find(&mut conn, desk, (&number, &code), false).await {
        Ok((_, case)) => case,
        Err(PlanError::Refused(Refused::NotFound(_))) => return unknown(v, number),
        Err(other) => return Err(other.into()),
    };
    let case = Followed::load(&mut conn, desk, case, v.lang).await?;
    drop(conn);
    let mut possible = Vec::new();
    let mut pairs = Vec::new();
    let mut errors = errors;
    if let Some((kept, _)) = &case.case {
        errors = in_plain_words(&v, &kept.def, errors);
        for key in &case.possible {
            let Some(one) = kept.def.transition(key) else { continue };
            let inputs = one.asks.iter().filter_map(|word| kept.def.field(word.get_ref())).map(|field| {
                let required = one.needs.fields.iter().any(|word| word.get_ref() == field.key());
                let typed = given.get(&format!("f.{}", field.key()));
                Input::of(v.lang, field, (None, required), typed, &errors)
            });
            let law_ref = one.law_ref.clone().unwrap_or_default();
            possible.push(Possible { key: key.clone(), inputs: inputs.collect(), danger: one.confirm, law_ref });
        }
        for field in &case.fields {
            let Some(known) = kept.def.field(&field.key) else { continue };
            pairs.push((field.label.clone(), shown(&v, known, &field.value)));
        }
    }
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = FollowedPage { v, case, pairs, possible, number, code, done, wrong, errors };
    Ok((status, page(&shown)?).into_response())
}

async fn follow(State(app): State<App>, v: View, Form(given): Form<Given>) -> Result<Response, ApiError> {
    show(&app, v, &given, (String::new(), String::new(), Vec::new())).await
}

async fn act(
    State(app): State<App>,
    v: View,
    Path(transition): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (number, code) = (text(&given, "number"), text(&given, "code"));
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(&app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    match door::act(&mut tx, desk, (&number, &code), (&transition, given_fields(&given))).await {
        Ok(_) => {
            tx.commit().await?;
            let done = v.word("sec-citizen-act", &transition);
            let key: Given = given.into_iter().filter(|(name, _)| name == "number" || name == "code").collect();
            show(&app, v, &key, (done, String::new(), Vec::new())).await
        }
        Err(PlanError::Refused(Refused::NotFound(_))) => unknown(v, number),
        Err(error) => {
            drop(tx);
            let (wrong, errors) = told(&v, error)?;
            show(&app, v, &given, (String::new(), wrong, errors)).await
        }
    }
}
