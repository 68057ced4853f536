//! The page of one rota: its layers with gaps, its turns, and what fills it.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{NaiveDateTime, TimeDelta};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::rota::desk::{self, Given as Wanted, Layer};
use crate::rota::read::{MAX_BYTES, Person, Problem};
use crate::rota::store::{self, Owner};
use crate::rota::turns::Stretch;
use crate::rota::{AHEAD_DAYS, Rota, Turn, calendar, fill};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::refusal::sentence;
use crate::web::pages::view::View;

/// Days that the page shows.
const DAYS: i64 = 28;

#[derive(Template)]
#[template(path = "rota.html")]
struct RotaPage {
    f: Frame,
    rota: Rota,
    layers: Vec<Layer>,
    turns: Vec<Turn>,
    people: Vec<Person>,
    address: Option<String>,
    given: Fields,
    wrong: String,
    problems: Vec<Problem>,
    done: String,
    may_edit: bool,
}

impl RotaPage {
    fn names(&self, people: &[crate::ids::StaffId]) -> String {
        let name = |id: &crate::ids::StaffId| {
            self.people.iter().find(|person| person.id == *id).map(|person| person.name.clone()).unwrap_or_default()
        };
        people.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with a calendar.
    fn problem(&self, problem: &Problem) -> String {
        let key = format!("rota-problem-{}", problem.fault.as_str().replace('_', "-"));
        self.f.v.t2(&key, "value", &problem.value, "n", problem.n)
    }

    /// What comes after now, the first twelve.
    fn coming<'a>(&self, layer: &'a Layer) -> Vec<&'a Stretch> {
        layer.stretches.iter().filter(|stretch| !stretch.people.is_empty()).take(12).collect()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    act: String,
    turn: String,
    layer: String,
    person: String,
    from: String,
    until: String,
    instead_of: String,
    reason: String,
    name: String,
    layers: String,
    feed_url: String,
    feed_layer: String,
    typed: String,
}

/// What the page says of the act before it.
#[derive(Default)]
struct Outcome {
    given: Fields,
    wrong: String,
    problems: Vec<Problem>,
    done: String,
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    rota_page(&app, v, &code, Outcome::default()).await
}

async fn rota_page(app: &App, v: View, code: &str, outcome: Outcome) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rota = desk::find(&mut conn, code).await?;
    let (layers, turns) = desk::layers(&mut conn, &rota, v.now, DAYS).await?;
    let people = store::people(&mut conn).await?;
    let address = store::calendar(&mut conn, Owner::Rota(rota.id)).await?.map(|id| calendar::address(app, id));
    let may_edit = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut conn, app, v, "rotas").await?;
    let Outcome { given, wrong, problems, done } = outcome;
    let is_good = wrong.is_empty() && problems.is_empty();
    let status = if is_good { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = RotaPage { f, rota, layers, turns, people, address, given, wrong, problems, done, may_edit };
    Ok((status, page(&shown)?).into_response())
}

pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(code): Path<String>,
    Form(given): Form<Fields>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    match done(&app, &v, by, &code, &given).await {
        Ok(()) if given.act == "retire" => Ok(Redirect::to("/console/rotas").into_response()),
        Ok(()) => Ok(Redirect::to(&format!("/console/rotas/{code}")).into_response()),
        Err(refused) => {
            let wrong = sentence(v.lang, refused)?;
            rota_page(&app, v, &code, Outcome { given, wrong, ..Outcome::default() }).await
        }
    }
}

async fn done(app: &App, v: &View, by: Acting<'_>, code: &str, given: &Fields) -> Result<(), Refused> {
    let mut tx = app.db.web.begin().await?;
    match given.act.as_str() {
        "turn" | "swap" => desk::add(&mut tx, by, code, &wanted(v, given)?).await?,
        "take-back" => desk::take_back(&mut tx, by, code, number("turn", &given.turn)?).await?,
        "edit" => desk::edit(&mut tx, by, code, &given.name, number("layers", &given.layers)?).await?,
        "feed" => {
            let layer = number("feed_layer", &given.feed_layer)?;
            fill::set_feed(&mut tx, by, code, (&given.feed_url, layer)).await?;
        }
        "calendar" => {
            let rota = desk::find(&mut tx, code).await?;
            calendar::renew_calendar(&mut tx, app, by, Owner::Rota(rota.id)).await?;
        }
        "retire" => {
            if given.typed.trim() != code {
                return Err(Refused::wrong("typed", &given.typed, format!("expected the code {code:?}")));
            }
            desk::retire(&mut tx, by, code).await?;
        }
        other => {
            let expected = "expected turn, swap, take-back, edit, feed, calendar or retire";
            return Err(Refused::wrong("act", other, expected));
        }
    }
    Ok(tx.commit().await?)
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Refused> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, "expected a number"))
}

fn wanted(v: &View, given: &Fields) -> Result<Wanted, Refused> {
    let instead_of = if given.act == "swap" { Some(given.instead_of.clone()) } else { None };
    if instead_of.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Refused::wrong("instead_of", "", "expected the user name of whoever is relieved"));
    }
    Ok(Wanted {
        layer: number("layer", &given.layer)?,
        person: given.person.clone(),
        from: local(v, "from", &given.from)?,
        until: local(v, "until", &given.until)?,
        instead_of,
        reason: given.reason.clone(),
    })
}

/// A time of the town.
fn local(v: &View, field: &str, text: &str) -> Result<Instant, Refused> {
    let wrong = || Refused::wrong(field, text, "expected a local time such as 2026-03-01T08:00");
    let local = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M").map_err(|_| wrong())?;
    Ok(local.and_local_timezone(v.tz).earliest().ok_or_else(wrong)?.to_utc())
}

/// The file of a form, and the layer of events that name none.
async fn sent(request: Request) -> Option<(String, String)> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = MAX_BYTES as u64;
    let limits = SizeLimit::new().whole_stream(most + 64 * 1024).per_field(8 * 1024).for_field("file", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let (mut text, mut layer) = (String::new(), "1".to_owned());
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("file") => text = String::from_utf8(field.bytes().await.ok()?.to_vec()).ok()?,
            Some("layer") => layer = field.text().await.ok()?,
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some((text, layer))
}

pub async fn import(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(code): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let Some((text, layer)) = sent(request).await else {
        let wrong = v.t1("rota-file-broken", "mib", MAX_BYTES / 1024 / 1024);
        return rota_page(&app, v, &code, Outcome { wrong, ..Outcome::default() }).await;
    };
    let layer = number("layer", &layer)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let span = (by.now, by.now + TimeDelta::days(AHEAD_DAYS));
    let read = fill::read_apart(text, app.config.municipality.time_zone, span, layer).await;
    let mut tx = app.db.web.begin().await?;
    let outcome = match fill::import(&mut tx, by, (&code, read)).await? {
        Ok(imported) => {
            tx.commit().await?;
            let words = v.t2("rota-imported", "added", imported.added, "gone", imported.taken_back);
            Outcome { done: words, ..Outcome::default() }
        }
        Err(problems) => {
            tx.rollback().await?;
            Outcome { problems, ..Outcome::default() }
        }
    };
    rota_page(&app, v, &code, outcome).await
}
