//! `/relatar`: anybody tells what they see. Works without JavaScript, on a cheap telephone, without an account.
//!
//! Against floods stand a signed stamp that says when the form was handed out and makes of it one report, a field that only
//! machines see, and limits for each address. Whatever looks doubtful is kept and trusted less, a picture that cannot be kept is left
//! out, and whatever is refused comes back with its words.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::page;
use super::view::View;
use crate::app::App;
use crate::hexadecimal::hex;
use crate::reports::locate::Located;
use crate::reports::{Doubt, Kind, MAX_PHOTOGRAPHS, Source, stamp, store};
use crate::web::client::ClientAddress;
use crate::web::error::{ApiError, FieldError};
use crate::web::reports::{Door, FORM, Said, file};
use crate::web::upload::{self, Filled, Halted, Pictures, Shape};

const DONE: &str = "/relatar/recebido";
/// Reports that one form files, when its sender goes back and says more. Then a fresh one is needed.
const MOST_OF_ONE_STAMP: i64 = 3;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/relatar", get(show).post(send))
        .route("/relatar/recebido", get(received))
        .layer(map_response(keep_nothing))
}

/// A form is for one reader and one report.
async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Template)]
#[template(path = "relatar.html")]
struct FormPage {
    v: View,
    stamp: String,
    /// What was typed before.
    given: BTreeMap<String, String>,
    messages: Vec<String>,
    bounds: String,
}

impl FormPage {
    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }
}

async fn form(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
) -> Result<Response, ApiError> {
    let bounds = super::drawing::bounds_json(&mut *app.db.web.acquire().await?).await?;
    let stamp = stamp::make(&app.keys.service, &app.ids, v.now);
    page(&FormPage { v, stamp, given, messages, bounds })
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    form(&app, v, BTreeMap::new(), Vec::new()).await
}

async fn send(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
) -> Result<Response, ApiError> {
    let refusal = app.limits.report(address).err();
    // Of a form that is refused the words are read, to be shown again.
    let shape = if refusal.is_some() { Shape { pictures: Pictures::None, ..FORM } } else { FORM };
    let read = upload::read_form(&app, request, shape).await;
    match refusal {
        Some(ApiError::TooMany { retry_after_s }) => {
            let given = read.map_or_else(|halted| halted.fields, |filled| filled.fields);
            return too_many(&app, v, given, retry_after_s).await;
        }
        Some(other) => return Err(other),
        None => {}
    }
    let filled = match read {
        Ok(filled) => filled,
        Err(Halted { wrong, fields }) => {
            let messages = vec![wrong.words(v.lang), v.t("relatar-again")];
            return refused(&app, v, wrong.status(), fields, messages).await;
        }
    };
    let stamp = filled.fields.get("stamp").map_or("", String::as_str);
    let Ok(checked) = stamp::check(&app.keys.service, v.now, stamp) else {
        let messages = vec![v.t("relatar-old")];
        return refused(&app, v, StatusCode::UNPROCESSABLE_ENTITY, filled.fields, messages).await;
    };
    let said = match Said::read(&filled.fields) {
        Ok(said) => said,
        Err(errors) => {
            let messages = errors.iter().map(|error| told(&v, error)).collect();
            return refused(&app, v, StatusCode::UNPROCESSABLE_ENTITY, filled.fields, messages).await;
        }
    };
    let mut doubts = Vec::new();
    if checked.is_too_fast {
        doubts.push(Doubt::TooFast);
    }
    if filled.fields.get("website").is_some_and(|text| !text.trim().is_empty()) {
        doubts.push(Doubt::HiddenField);
    }
    // The same words again are the same report; other words under one stamp are somebody who went back and wrote more.
    let key = format!("{}.{}", checked.key, digest(&filled));
    let used = store::uses(&mut *app.db.web.acquire().await?, &checked.key, &key, v.now - stamp::GOOD_FOR * 2).await?;
    if used >= MOST_OF_ONE_STAMP {
        let messages = vec![v.t("relatar-old")];
        return refused(&app, v, StatusCode::UNPROCESSABLE_ENTITY, filled.fields, messages).await;
    }
    let source = Source::Web;
    let door = Door { source, key, staff: None, address, stamp: &checked.key, language: v.lang.tag(), doubts };
    let (taken, located) = file(&app, door, said, &filled.pictures).await?;
    let left_out = if filled.left_out > 0 { format!("&sem_fotos={}", filled.left_out) } else { String::new() };
    // A form that is sent again is the first report, wherever the register would put it now.
    let place = if taken.is_new { place_of(&app, &taken.protocol, &located) } else { String::new() };
    Ok(Redirect::to(&format!("{DONE}?protocolo={}{left_out}{place}", taken.protocol)).into_response())
}

/// What the page that thanks says of the place, with a seal: nobody else's words shall stand on a page of the town.
fn place_of(app: &App, protocol: &str, located: &Located) -> String {
    let Some(address) = &located.address else {
        let is_several = located.candidates > 1 && located.spot.is_none();
        return if is_several { "&varios=sim".into() } else { String::new() };
    };
    let metres = address.spot.precision_m;
    let seal = app.keys.service.sum(SEAL, &sealed(protocol, &address.label, metres));
    let seal = hex(&seal);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("lugar", &address.label).append_pair("metros", &metres.to_string()).append_pair("selo", &seal);
    format!("&{}", query.finish())
}

/// What the seal of a place is for.
const SEAL: &str = "place of a receipt";

fn sealed(protocol: &str, label: &str, metres: i32) -> Vec<u8> {
    format!("{protocol}\n{metres}\n{label}").into_bytes()
}

/// The form again, with its words and when it may be sent.
async fn too_many(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    retry_after_s: u64,
) -> Result<Response, ApiError> {
    let wait = i64::try_from(retry_after_s).unwrap_or(i64::MAX);
    let messages = vec![v.t1("relatar-many", "n", wait)];
    let mut page = refused(app, v, StatusCode::TOO_MANY_REQUESTS, given, messages).await?;
    page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    Ok(page)
}

/// Tells two things that were said under one stamp apart.
fn digest(filled: &Filled) -> String {
    let mut hash = Sha256::new();
    for (name, text) in &filled.fields {
        hash.update(format!("{name}={}={text}\n", text.len()));
    }
    for picture in &filled.pictures {
        hash.update(&picture.jpeg);
    }
    hex(&hash.finalize()[..8])
}

/// The form again, with what was typed. Photographs have to be chosen anew: browsers keep none.
async fn refused(
    app: &App,
    v: View,
    status: StatusCode,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
) -> Result<Response, ApiError> {
    let page = form(app, v, given, messages).await?;
    Ok((status, page).into_response())
}

/// What is wrong with a field, in the reader's words.
pub fn told(v: &View, error: &FieldError) -> String {
    match error.field.as_str() {
        "kind" => v.t("relatar-wrong-kind"),
        "place" if error.value.is_empty() => v.t("relatar-wrong-place"),
        "text" if error.value.is_empty() => v.t("relatar-wrong-text"),
        "lat" | "lon" | "accuracy_m" => v.t("relatar-wrong-point"),
        _ => v.t("relatar-wrong-long"),
    }
}

#[derive(Template)]
#[template(path = "relatar_recebido.html")]
struct DonePage {
    v: View,
    protocol: String,
    /// Pictures that could not be kept.
    left_out: u8,
    /// Where the report was put, and to how many metres.
    place: Option<(String, i32)>,
    /// The address is that of several places.
    is_several: bool,
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    protocolo: String,
    #[serde(default)]
    sem_fotos: u8,
    #[serde(default)]
    lugar: String,
    #[serde(default)]
    metros: i32,
    #[serde(default)]
    selo: String,
    #[serde(default)]
    varios: String,
}

/// Says nothing that its address does not say: whoever guesses another number learns nothing. A place without its seal is left out.
async fn received(State(app): State<App>, v: View, Query(which): Query<Which>) -> Result<Response, ApiError> {
    let place = which.place(&app);
    let Which { protocolo: protocol, sem_fotos: left_out, varios, .. } = which;
    let is_one = protocol.len() <= 20
        && protocol.strip_prefix('R').and_then(|rest| rest.split_once('/')).is_some_and(|(year, number)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits(year) && digits(number)
        });
    if !is_one {
        return Err(ApiError::NotFound(v.t("relatar-protocol")));
    }
    page(&DonePage { v, protocol, left_out, place, is_several: varios == "sim" })
}

impl Which {
    fn place(&self, app: &App) -> Option<(String, i32)> {
        let bytes = (0..self.selo.len()).step_by(2).map(|at| u8::from_str_radix(self.selo.get(at..at + 2)?, 16).ok());
        let seal: Vec<u8> = bytes.collect::<Option<_>>()?;
        let is_ours = app.keys.service.has_made(SEAL, &sealed(&self.protocolo, &self.lugar, self.metros), &seal);
        is_ours.then(|| (self.lugar.clone(), self.metros))
    }
}
