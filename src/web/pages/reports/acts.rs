//! What staff does with an occurrence. Each answers with the page it was done on.

use axum::extract::{Form, Path, RawForm, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::json;
use sqlx::Acquire as _;
use uuid::Uuid;

use super::{Shown, known, occurrence_page};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::occurrences::life::{Ask, Refusal};
use crate::reports::acts::{self, ActError, By};
use crate::reports::place::{TYPED_M, is_possible};
use crate::reports::store::{photographs, queue};
use crate::reports::take::Desk;
use crate::reports::{Spot, State as Standing};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;
use crate::web::reports::clean;

/// Letters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 3..=2000;

/// The refusals in the reader's words where people cause them.
pub fn refused(v: &View, error: ActError) -> ApiError {
    match error {
        ActError::NotFound => ApiError::NotFound("the occurrence".into()),
        ActError::NoReport => ApiError::NotFound("the report".into()),
        ActError::Database(error) => error.into(),
        ActError::State(number, state) => {
            let state = v.word("occurrence-state", state.as_str());
            ApiError::Conflict(v.t2("occurrence-moved", "number", number, "state", state))
        }
        ActError::Itself => ApiError::Conflict(v.t("occurrence-itself")),
        ActError::Alone => ApiError::Conflict(v.t("occurrence-alone")),
        ActError::HasIncident(number) => ApiError::Conflict(v.t1("occurrence-has-incident", "number", number)),
        ActError::NoIncident => ApiError::Conflict(v.t("occurrence-no-incident")),
        ActError::UnknownIncident => ApiError::NotFound("the incident".into()),
        ActError::IncidentDrill(number) => ApiError::Conflict(v.t1("occurrence-incident-drill", "number", number)),
        ActError::IncidentClosed(_) => ApiError::Conflict(v.t("incident-closed-already")),
        ActError::UnknownPerson(name) => ApiError::field("assignee", name, v.t("occurrence-unknown-person")),
        ActError::NoLine => ApiError::Conflict(v.t("note-not-corrected")),
        ActError::NoPhotograph(_) => ApiError::Conflict(v.t("photograph-gone-already")),
        ActError::Full => ApiError::Conflict(v.t("occurrence-photographs-full")),
        ActError::NoMerge => ApiError::Conflict(v.t("occurrence-no-merge")),
        ActError::Refused(Refusal::NoUnit) => ApiError::field("unit", "", v.t("occurrence-unit-needed")),
        ActError::Refused(_) => ApiError::field("reason", "", v.t("occurrence-reason-needed")),
        ActError::NoHazard => ApiError::Conflict(v.t("occurrence-no-hazard")),
        ActError::PlacedMeanwhile(present) => ApiError::Conflict(v.t2(
            "occurrence-placed-meanwhile",
            "who",
            present.actor,
            "there",
            spoken(&present.spot, &present.label),
        )),
    }
}

/// A place in words: its address and where that is.
fn spoken(spot: &Spot, label: &str) -> String {
    let degrees = format!("{:.5}, {:.5} (± {} m)", spot.lat, spot.lon, spot.precision_m);
    if label.is_empty() { degrees } else { format!("{label} – {degrees}") }
}

/// A reason, which dismissals, joins and splits must have.
pub fn reason<'a>(v: &View, given: &'a str, is_needed: bool) -> Result<&'a str, ApiError> {
    let given = given.trim();
    let length = given.chars().count();
    if REASON.contains(&length) || (!is_needed && length == 0) {
        return Ok(given);
    }
    Err(ApiError::field("reason", given, v.t("occurrence-reason-needed")))
}

pub fn back(id: Uuid) -> Response {
    Redirect::to(&format!("/console/reports/{id}")).into_response()
}

#[derive(Deserialize)]
pub struct Decision {
    to: String,
    #[serde(default)]
    reason: String,
    /// Who is sent.
    #[serde(default)]
    unit: String,
    /// The board it was done on.
    #[serde(default)]
    back: String,
}

/// What brings an occurrence there.
fn ask(given: &Decision) -> Result<Ask<'_>, ApiError> {
    let to: Standing = known("to", &given.to)?;
    let reason = given.reason.as_str();
    Ok(match to {
        Standing::Confirmed => Ask::Confirm,
        Standing::Dispatched => Ask::Dispatch { unit: &given.unit },
        Standing::OnScene => Ask::Arrive,
        Standing::Resolved => Ask::Resolve { reason },
        Standing::Dismissed => Ask::Dismiss { reason },
        Standing::Closed => Ask::Close { reason },
        Standing::New => Ask::Reopen { reason },
        Standing::Merged => {
            let expected = "expected new, confirmed, dispatched, on_scene, resolved, dismissed or closed";
            return Err(ApiError::field("to", given.to.clone(), expected));
        }
    })
}

pub async fn decide(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Decision>,
) -> Result<Response, ApiError> {
    let asked = ask(&given)?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    acts::decide(&mut tx, by(&app, &v, &actor), id, asked).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    // Nowhere but to the board and the list.
    let is_board = given.back.starts_with("/console/occurrences?") || given.back == "/console/occurrences";
    Ok(if is_board { Redirect::to(&given.back).into_response() } else { back(id) })
}

pub fn by<'a>(app: &'a App, v: &View, actor: &'a audit::Actor) -> By<'a> {
    By { desk: Desk::of(app), now: v.now, actor }
}

#[derive(Deserialize)]
pub struct Join {
    /// The other one's number, as it is shown.
    into: String,
    #[serde(default)]
    reason: String,
}

pub async fn merge(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Join>,
) -> Result<Response, ApiError> {
    let reason = reason(&v, &given.reason, false)?;
    let mut tx = app.db.web.begin().await?;
    let number = given.into.trim();
    let into = queue::by_number(&mut tx, number).await?;
    let into = into.ok_or_else(|| ApiError::field("into", number, v.t("occurrence-unknown-number")))?;
    let actor = staff.actor();
    acts::merge(&mut tx, by(&app, &v, &actor), (id, into), reason).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(into))
}

#[derive(Deserialize)]
pub struct There {
    /// The placing that the page showed, 0 for none: another one by now is somebody else's word.
    seen: Option<i64>,
    lat: String,
    lon: String,
    #[serde(default)]
    accuracy_m: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    reason: String,
}

/// Metres of a place that somebody sets by hand.
const PLACED_M: std::ops::RangeInclusive<f64> = 5.0..=20_000.0;
const MAX_LABEL: usize = 300;

/// Puts an occurrence to an address, a point on the map, or coordinates.
pub async fn place(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<There>,
) -> Result<Response, ApiError> {
    let reason = reason(&v, &given.reason, false)?;
    let number = |field: &str, text: &str| {
        let read = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        read.ok_or_else(|| ApiError::field(field, text, v.t("relatar-wrong-point")))
    };
    let (lon, lat) = (number("lon", &given.lon)?, number("lat", &given.lat)?);
    if !is_possible(lon, lat) {
        return Err(ApiError::field("lat", format!("{lat}, {lon}"), v.t("occurrence-place-far")));
    }
    let metres =
        if given.accuracy_m.is_empty() { f64::from(TYPED_M) } else { number("accuracy_m", &given.accuracy_m)? };
    let label = clean(&given.label);
    if label.chars().count() > MAX_LABEL {
        return Err(ApiError::field("label", label, v.t("relatar-wrong-long")));
    }
    let spot = Spot { lon, lat, precision_m: metres.clamp(*PLACED_M.start(), *PLACED_M.end()).round() as i32 };
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let placed = acts::place(&mut tx, by(&app, &v, &actor), id, (spot, &label), reason, given.seen).await;
    placed.map_err(|error| {
        let was_slower = matches!(error, ActError::PlacedMeanwhile(_));
        match refused(&v, error) {
            // Both words, so that whoever was slower can judge between them.
            ApiError::Conflict(said) if was_slower => {
                let wanted = v.t1("occurrence-place-wanted", "there", spoken(&spot, &label));
                ApiError::Conflict(format!("{said} {wanted}"))
            }
            other => other,
        }
    })?;
    tx.commit().await?;
    Ok(back(id))
}

#[derive(Deserialize)]
pub struct Opening {
    title: String,
    #[serde(default)]
    cobrade: String,
}

pub async fn incident(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Opening>,
) -> Result<Response, ApiError> {
    let title = given.title.trim();
    if !(3..=200).contains(&title.chars().count()) {
        return Err(ApiError::field("title", title, "expected 3 to 200 characters"));
    }
    let hazard = match given.cobrade.as_str() {
        "" => None,
        code => {
            let code = code.parse().map_err(|error: crate::cobrade::UnknownCobrade| {
                ApiError::field("cobrade", given.cobrade.clone(), error.to_string())
            })?;
            Some(code)
        }
    };
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let opened = acts::open_incident(&mut tx, by(&app, &v, &actor), id, (title, hazard)).await;
    let incident = opened.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{incident}")).into_response())
}

#[derive(Deserialize)]
pub struct Because {
    #[serde(default)]
    reason: String,
}

pub async fn split(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(report): Path<Uuid>,
    Form(given): Form<Because>,
) -> Result<Response, ApiError> {
    let reason = reason(&v, &given.reason, false)?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let split = acts::split(&mut tx, by(&app, &v, &actor), report, reason).await;
    let id = split.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

/// Takes the reports that were marked out into one occurrence of their own.
pub async fn split_many(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    RawForm(body): RawForm,
) -> Result<Response, ApiError> {
    let (mut reports, mut why) = (Vec::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(&body) {
        match &*name {
            "report" => {
                let report = value.parse::<Uuid>();
                reports.push(report.map_err(|_| ApiError::field("report", &*value, "expected the id of a report"))?);
            }
            "reason" => why = value.into_owned(),
            _ => {}
        }
    }
    if reports.is_empty() {
        return Err(ApiError::field("report", "", v.t("occurrence-split-none")));
    }
    let reason = reason(&v, &why, false)?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let split = acts::split_many(&mut tx, by(&app, &v, &actor), id, &reports, reason).await;
    let into = split.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(into))
}

/// Shows how to ask a reporter back, and writes down who looked.
pub async fn contact(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    mut v: View,
    Path(report): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut tx = conn.begin().await?;
    let Some((id, _)) = queue::occurrence_of(&mut tx, report).await? else {
        return Err(ApiError::NotFound("the report".into()));
    };
    let actor = staff.actor();
    let read = acts::read_contact(&mut tx, by(&app, &v, &actor), report).await;
    let contact = read.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    drop(conn);
    v.here = format!("/console/reports/{id}");
    let contact = contact.unwrap_or_else(|| v.t("report-contact-gone"));
    occurrence_page(&app, v, id, Shown { contact: Some((report, contact)), ..Shown::default() }).await
}

pub async fn remove_photograph(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path((report, photograph)): Path<(Uuid, Uuid)>,
    Form(given): Form<Because>,
) -> Result<Response, ApiError> {
    let reason = reason(&v, &given.reason, true)?;
    let mut tx = app.db.web.begin().await?;
    let Some((id, _)) = queue::occurrence_of(&mut tx, report).await? else {
        return Err(ApiError::NotFound("the report".into()));
    };
    if !photographs::remove(&mut tx, (report, photograph), v.now, &staff.username, reason).await? {
        return Err(ApiError::NotFound("the photograph".into()));
    }
    let staff: &Staff = &staff;
    let entry = Entry::new(Act::ReportRemovePhotograph, "report", report).because(reason);
    let entry = entry.from(json!({ "photograph": photograph }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(back(id))
}
