//! The form of the desk: what somebody says at the telephone, in the order in which it is asked. Before it is saved, whatever is known
//! nearby is shown, and whoever takes the call says whether it is one of these.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::Permission;
use crate::app::App;
use crate::occurrences::intake;
use crate::occurrences::store::origin::{self, Near, Seen};
use crate::occurrences::{Need, Origin, Priority};
use crate::reports::Kind;
use crate::reports::acts::By;
use crate::reports::locate::locate;
use crate::reports::take::Desk;
use crate::web::auth::{May, Staff, can};
use crate::web::desk::{self as door, Call};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::reports::{acts::refused, told};
use crate::web::pages::view::View;
use crate::web::pages::{drawing, page, relatar};

#[derive(Template)]
#[template(path = "case_new.html")]
struct IntakePage {
    f: Frame,
    key: String,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
    /// What the service saw, in words.
    cause: String,
    /// What may be the same; the form is complete when they are shown.
    near: Vec<Near>,
    bounds: String,
    may_run: bool,
}

impl IntakePage {
    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    fn origin(&self) -> &str {
        match self.given("origin") {
            "" => Origin::Call.as_str(),
            origin => origin,
        }
    }

    fn has_need(&self, need: &Need) -> bool {
        self.given.contains_key(&format!("need_{need}"))
    }

    fn is_hazard(&self, code: &crate::cobrade::Cobrade) -> bool {
        !self.given("cobrade").is_empty() && self.given("cobrade") == code.to_string()
    }

    fn word_of(&self, priority: &Priority) -> String {
        self.f.v.t(&format!("priority-{}", priority.number()))
    }

    /// Origins that people choose; the others come with their link.
    fn origins(&self) -> Vec<Origin> {
        let is_shown = |origin: &&Origin| !origin.is_echo() || self.origin() == origin.as_str();
        Origin::ALL.iter().filter(is_shown).copied().collect()
    }
}

/// What a link from an alert, an area or a station brings along.
#[derive(Debug, Default, Deserialize)]
pub struct Brought {
    #[serde(default)]
    alert: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    hazard: String,
    #[serde(default)]
    station: String,
    #[serde(default)]
    stream: String,
}

impl Brought {
    fn fields(self) -> BTreeMap<String, String> {
        let origin = if !self.alert.is_empty() {
            Origin::Alert
        } else if !self.area.is_empty() {
            Origin::Level
        } else if !self.station.is_empty() {
            Origin::Reading
        } else {
            Origin::Call
        };
        let pairs = [
            ("origin", origin.to_string()),
            ("alert", self.alert),
            ("area", self.area),
            ("level_hazard", self.hazard),
            ("station", self.station),
            ("stream", self.stream),
        ];
        pairs.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text)).collect()
    }
}

/// The form with what was given.
async fn form(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    messages: Vec<String>,
    (seen, near): (Option<&Seen>, Vec<Near>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "cases").await?;
    let bounds = drawing::bounds_json(&mut conn).await?;
    let key = given.get("id").filter(|key| door::is_key(key)).cloned().unwrap_or_else(|| app.ids.secret());
    let cause = seen.map(|seen| told::origin(&f.v, given.get("origin").map_or("", String::as_str), &seen.detail));
    let may_run = f.v.may(Permission::RunIncidents);
    page(&IntakePage { f, key, given, messages, cause: cause.unwrap_or_default(), near, bounds, may_run })
}

pub async fn show(
    State(app): State<App>,
    _staff: May<can::ReportField>,
    v: View,
    Query(brought): Query<Brought>,
) -> Result<Response, ApiError> {
    let mut given = brought.fields();
    let seen = match door::cause(&given) {
        Ok(cause) => {
            let mut conn = app.db.web.acquire().await?;
            intake::seen(&mut conn, &cause).await?
        }
        Err(error) => return Err(ApiError::BadRequest { detail: error.message.clone(), errors: vec![error] }),
    };
    if let Some(seen) = &seen {
        given.insert("place".into(), seen.place.clone());
        let kind = Kind::ALL.iter().find(|kind| kind.cobrade() == seen.cobrade.as_deref());
        given.insert("kind".into(), kind.map_or_else(String::new, ToString::to_string));
    }
    form(&app, v, given, Vec::new(), (seen.as_ref(), Vec::new())).await
}

/// Wrong fields in the reader's words.
fn messages(v: &View, errors: &[FieldError]) -> Vec<String> {
    let own = ["origin", "alert", "area", "station", "people", "priority", "priority_reason", "into", "cobrade", "id"];
    let told = |error: &FieldError| {
        if own.contains(&error.field.as_str()) {
            v.t(&format!("case-wrong-{}", error.field.replace('_', "-")))
        } else {
            relatar::told(v, error)
        }
    };
    errors.iter().map(told).collect()
}

pub async fn send(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Form(mut given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    given.remove("csrf");
    let call = match Call::read(&given) {
        Ok(call) => call,
        Err(errors) => {
            let words = messages(&v, &errors);
            let answer = form(&app, v, given, words, (None, Vec::new())).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, answer).into_response());
        }
    };
    if call.priority.is_some() {
        staff.require(Permission::RunIncidents)?;
    }
    match file(&app, &staff, &v, &given, &call).await? {
        Filed::Taken(occurrence) => Ok(Redirect::to(&format!("/console/reports/{occurrence}")).into_response()),
        Filed::Asked { seen, near } => form(&app, v, given, Vec::new(), (seen.as_ref(), near)).await,
        Filed::Wrong(error) => {
            let words = messages(&v, &[error]);
            let answer = form(&app, v, given, words, (None, Vec::new())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, answer).into_response())
        }
    }
}

enum Filed {
    Taken(Uuid),
    /// Something is known nearby, and nobody has said whether it is the same.
    Asked {
        seen: Option<Seen>,
        near: Vec<Near>,
    },
    Wrong(FieldError),
}

async fn file(
    app: &App,
    staff: &Staff,
    v: &View,
    given: &BTreeMap<String, String>,
    call: &Call,
) -> Result<Filed, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let seen = intake::seen(&mut tx, &call.cause).await?;
    if seen.is_none() && call.cause.origin().is_echo() {
        return Ok(Filed::Wrong(door::unknown_cause(&call.cause)));
    }
    let located = locate(&mut tx, call.place()).await?;
    let spot = located.spot.or_else(|| door::of_seen(seen.as_ref()));
    let choice = given.get("into").map_or("", String::as_str);
    if choice.is_empty() {
        let kind = call.said.kind.unwrap_or(Kind::Other);
        let near = origin::near(&mut tx, spot.map(|(spot, _)| spot), kind.as_str(), v.now).await?;
        if !near.is_empty() {
            return Ok(Filed::Asked { seen, near });
        }
    }
    let actor = staff.actor();
    let by = By { desk: Desk::of(app), now: v.now, actor: &actor };
    let report = door::report(staff, call, spot, v.lang.tag());
    let intake = door::intake(call, report, seen);
    let taken = intake::take(&mut tx, by, intake).await.map_err(|error| refused(v, error))?;
    tx.commit().await?;
    Ok(Filed::Taken(taken.occurrence))
}
