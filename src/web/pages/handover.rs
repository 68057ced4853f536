//! `/console/alerts/{id}/handover`: what an issued alert becomes for channels without a public interface, within their limits; the
//! checklist; and the record of what was handed over. Nothing is sent from here.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::alerts::AlertKind;
use crate::alerts::cap::model::MEDIA_TYPE;
use crate::alerts::store::AlertDetail;
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::config::Counter;
use crate::handover::files::{self, About, Place};
use crate::handover::limits::{self, Class, Length};
use crate::handover::store::{self, Fate};
use crate::handover::text::{self, Fitted, Words};
use crate::handover::{HandedOver, NewHandOver, PublicChannel, STEPS, Step, Ticked};
use crate::i18n::Lang;
use crate::ids::AlertId;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::exercises::local_instant;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/alerts/{id}/handover", get(show).post(record))
        .route("/console/alerts/{id}/handover/tick", post(tick))
        .route("/console/alerts/{id}/handover/measure", post(measure))
        .route("/console/alerts/{id}/handover/{file}", get(file))
}

/// An alert that can be handed over: issued, and real.
struct Pack {
    a: AlertDetail,
    places: Vec<Place>,
    cap: String,
    fate: Fate,
}

async fn load(conn: &mut PgConnection, id: AlertId) -> Result<Pack, ApiError> {
    let a = super::alerts::load(&mut *conn, id).await?;
    let cap = store::message(&mut *conn, id).await?;
    let Some(cap) = cap else {
        return Err(ApiError::Conflict("an alert is handed over once it is issued".into()));
    };
    if a.row.status != "actual" {
        let why = format!("an alert of the status {} never goes to public channels", a.row.status);
        return Err(ApiError::Conflict(why));
    }
    let fate = store::fate(&mut *conn, id).await?;
    let places = store::places(conn, id).await.map_err(ApiError::Internal)?;
    Ok(Pack { a, places, cap, fate })
}

impl Pack {
    fn words(&self, app: &App, v: &View) -> Words {
        let row = &self.a.row;
        let until = row.expires_at.with_timezone(&v.tz);
        let mut areas: Vec<String> = Vec::new();
        for place in &self.places {
            if !areas.contains(&place.name) {
                areas.push(place.name.clone());
            }
        }
        Words {
            authority: app.config.municipality.sender_name.clone(),
            what: what(row),
            headline: row.headline.clone(),
            description: row.description.clone(),
            instruction: row.instruction.clone(),
            areas,
            until: format!("até {}", until.format("%d/%m %H:%M")),
            contact: app.config.municipality.contact.clone(),
        }
    }

    fn class(&self) -> Result<(Class, &'static str), &'static str> {
        let kind: AlertKind = self.a.row.kind.parse().map_err(|_| "handover-class-none")?;
        limits::class(kind, super::alerts::level(&self.a.row.level))
    }

    /// That it holds no more and what it became; nothing while it stands.
    fn over(&self, v: &View) -> String {
        if self.fate.stands {
            String::new()
        } else {
            v.t1("handover-over", "state", v.word("state", &self.a.row.state))
        }
    }

    fn about(&self) -> About {
        let row = &self.a.row;
        let stamp = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, false);
        About {
            identifier: row.cap_identifier.clone().unwrap_or_default(),
            number: row.number.clone().unwrap_or_default(),
            headline: row.headline.clone(),
            level: row.level.clone(),
            cobrade: row.cobrade.clone(),
            issued_at: row.issued_at.map(stamp).unwrap_or_default(),
            expires_at: stamp(row.expires_at),
        }
    }
}

/// Hazard and level in few words, in the language of the town whoever reads the page.
fn what(row: &crate::alerts::store::AlertRow) -> String {
    let word = |vocabulary: &str, word: &str| Lang::Pt.t(&format!("{vocabulary}-{}", word.replace('_', "-")));
    let hazard = row.cobrade.parse::<Cobrade>().map_or_else(|_| row.cobrade.clone(), |code| code.name().to_owned());
    match row.kind.as_str() {
        "alert" => format!("{hazard}, {}", word("level", &row.level)),
        "update" => format!("{}: {hazard}, {}", word("kind", "update"), word("level", &row.level)),
        kind => format!("{}: {hazard}", word("kind", kind)),
    }
}

/// One channel of the page.
struct Sheet {
    channel: PublicChannel,
    name: &'static str,
    fitted: Fitted,
    length: Length,
    told: String,
    /// Of cell broadcast: the class and why, or why there is none.
    class: Option<(Class, String)>,
    none: String,
    given: Vec<HandedOver>,
}

#[derive(Template)]
#[template(path = "handover.html")]
struct PackPage {
    f: Frame,
    a: AlertDetail,
    sheets: Vec<Sheet>,
    steps: Vec<(Step, Option<Ticked>)>,
    counters: crate::config::Handover,
    may: bool,
    now: String,
    bad: String,
    /// That the alert holds no more.
    over: String,
    /// What holds in its place, with its number.
    newest: Option<(AlertId, String)>,
}

impl PackPage {
    fn counter(&self, step: &Step) -> Option<&Counter> {
        step.channel.map(|channel| match channel {
            PublicChannel::Idap => &self.counters.idap,
            PublicChannel::Sms40199 => &self.counters.sms_40199,
            PublicChannel::CellBroadcast => &self.counters.cell_broadcast,
        })
    }
}

/// "158 de 160 · 1 segmento · GSM 7-bit", for the channel.
fn told(v: &View, channel: PublicChannel, length: &Length) -> String {
    let alphabet = if length.is_gsm { "GSM 7-bit" } else { "UCS-2" };
    let units = v.t2("handover-units", "units", length.units, "most", length.most);
    match channel {
        PublicChannel::Idap => units,
        PublicChannel::Sms40199 => format!("{units} · {} · {alphabet}", v.t1("sms-segments", "n", length.pages)),
        PublicChannel::CellBroadcast => format!("{units} · {} · {alphabet}", v.t1("handover-pages", "n", length.pages)),
    }
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    render(&app, v, AlertId(id), String::new()).await
}

async fn render(app: &App, v: View, id: AlertId, bad: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let pack = load(&mut conn, id).await?;
    let given = store::handed_over(&mut conn, id).await?;
    let ticks = store::ticks(&mut conn, id).await?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let words = pack.words(app, &f.v);
    let class = pack.class();
    let sheets = PublicChannel::ALL.iter().map(|channel| {
        let fitted = text::fit(*channel, &words);
        let length = limits::length(*channel, &fitted.text);
        let broadcast = *channel == PublicChannel::CellBroadcast;
        Sheet {
            channel: *channel,
            name: store::words(*channel),
            told: told(&f.v, *channel, &length),
            length,
            fitted,
            class: class.ok().filter(|_| broadcast).map(|(class, why)| (class, f.v.t(why))),
            none: class.err().filter(|_| broadcast).map(|why| f.v.t(why)).unwrap_or_default(),
            given: given.iter().filter(|one| one.channel == channel.as_str()).cloned().collect(),
        }
    });
    page(&PackPage {
        sheets: sheets.collect(),
        steps: STEPS
            .iter()
            .map(|step| (*step, ticks.iter().find(|tick| tick.step == step.key && tick.done).cloned()))
            .collect(),
        counters: app.config.handover.clone(),
        may: f.v.may(crate::accounts::Permission::DraftAlerts),
        now: f.v.input_time(f.v.now),
        over: pack.over(&f.v),
        newest: pack.fate.newest,
        a: pack.a,
        f,
        bad,
    })
}

#[derive(Debug, Deserialize)]
struct Given {
    channel: String,
    text: String,
    given_to: String,
    /// Local time.
    given_at: String,
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    note: String,
    /// "yes" from whoever knows that the alert holds no more.
    #[serde(default)]
    over: String,
}

impl Given {
    /// What is recorded.
    ///
    /// # Errors
    /// The field that is wrong; a text beyond the channel's limit is.
    fn read(&self, v: &View, pack: &Pack) -> Result<NewHandOver, ApiError> {
        let wrong = |field: &str, value: &str, expected: String| ApiError::field(field, value, expected);
        let channel: PublicChannel = self.channel.parse().map_err(|error: crate::units::UnknownWord| {
            ApiError::field("channel", self.channel.clone(), error.to_string())
        })?;
        if !pack.fate.stands && self.over != "yes" {
            let expected = format!("expected yes: the alert is {} and holds no more", pack.a.row.state);
            return Err(wrong("over", &self.over, expected));
        }
        let text = self.text.replace("\r\n", "\n");
        if text.contains('\0') {
            return Err(wrong("text", "", "expected a text without control characters".into()));
        }
        let length = limits::length(channel, &text);
        if !length.fits() {
            let expected = format!("expected 1 to {} ({} given)", length.most, length.units);
            return Err(wrong("text", &text, format!("{}: {expected}", store::words(channel))));
        }
        let class = match (channel, pack.class()) {
            (PublicChannel::CellBroadcast, Ok((class, _))) => class.as_str(),
            (PublicChannel::CellBroadcast, Err(why)) => return Err(wrong("channel", &self.channel, v.t(why))),
            _ => "",
        };
        for (field, value, least, most) in
            [("given_to", &self.given_to, 1, 160), ("protocol", &self.protocol, 0, 80), ("note", &self.note, 0, 1000)]
        {
            let length = value.trim().chars().count();
            if !(least..=most).contains(&length) || value.chars().any(|c| c.is_control() && !c.is_whitespace()) {
                return Err(wrong(field, value, format!("expected {least} to {most} characters")));
            }
        }
        let given_at = local_instant(v, &self.given_at).filter(|at| {
            // A minute for clocks that differ; never before the alert was there.
            *at <= v.now + chrono::TimeDelta::minutes(1)
                && pack.a.row.issued_at.is_some_and(|issued| *at + chrono::TimeDelta::minutes(1) > issued)
        });
        let Some(given_at) = given_at else {
            let expected = "expected a local time between the issue of the alert and now".to_owned();
            return Err(wrong("given_at", &self.given_at, expected));
        };
        Ok(NewHandOver {
            channel,
            text,
            class,
            given_to: self.given_to.clone(),
            given_at,
            protocol: self.protocol.clone(),
            note: self.note.clone(),
        })
    }
}

async fn record(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut tx = app.db.web.begin().await?;
    let pack = load(&mut tx, id).await?;
    let new = match given.read(&v, &pack) {
        Ok(new) => new,
        Err(ApiError::BadRequest { detail, .. }) => {
            tx.rollback().await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&app, v, id, detail).await?).into_response());
        }
        Err(error) => return Err(error),
    };
    store::record(&mut tx, (&app.ids, v.now, &staff.actor()), id, &new).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{id}/handover#{}", new.channel)).into_response())
}

#[derive(Debug, Deserialize)]
struct Tick {
    step: String,
    done: String,
}

async fn tick(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Tick>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let Some(step) = STEPS.iter().find(|step| step.key == given.step) else {
        return Err(ApiError::field("step", given.step, "expected a step of the checklist"));
    };
    let mut tx = app.db.web.begin().await?;
    load(&mut tx, id).await?;
    store::tick(&mut tx, (&app.ids, v.now, &staff.actor()), id, step.key, given.done == "yes").await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{id}/handover#steps")).into_response())
}

#[derive(Debug, Deserialize)]
struct Text {
    channel: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Measured {
    summary: String,
    fits: bool,
}

/// How long a text is that is being written.
async fn measure(
    _: May<can::DraftAlerts>,
    v: View,
    Path(_): Path<uuid::Uuid>,
    Form(given): Form<Text>,
) -> Result<Json<Measured>, ApiError> {
    let channel: PublicChannel = given.channel.parse().map_err(|error: crate::units::UnknownWord| {
        ApiError::field("channel", given.channel.clone(), error.to_string())
    })?;
    let length = limits::length(channel, &given.text.replace("\r\n", "\n"));
    Ok(Json(Measured { summary: told(&v, channel, &length), fits: length.fits() }))
}

/// One file of the pack, or all of it.
async fn file(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path((id, name)): Path<(uuid::Uuid, String)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let pack = load(&mut conn, AlertId(id)).await?;
    let about = pack.about();
    let stem = about.number.replace('/', "-");
    let (kind, body) = match name.as_str() {
        "area.geojson" => ("application/geo+json", files::geojson(&about, &pack.places).into_bytes()),
        "area.kml" => ("application/vnd.google-earth.kml+xml", files::kml(&about, &pack.places).into_bytes()),
        "alert.cap.xml" => (MEDIA_TYPE, pack.cap.clone().into_bytes()),
        "pack.zip" => ("application/zip", files::archive(&all(&app, &v, &pack)).map_err(ApiError::Internal)?),
        _ => return Err(ApiError::NotFound("the file".into())),
    };
    let disposition = format!("attachment; filename=\"{stem}-{name}\"");
    let disposition = HeaderValue::from_str(&disposition).map_err(|error| ApiError::Internal(error.into()))?;
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// Everything, for one archive: the texts, the area, the message, and what to do with them.
fn all(app: &App, v: &View, pack: &Pack) -> Vec<(String, Vec<u8>)> {
    let (words, about) = (pack.words(app, v), pack.about());
    let mut files = Vec::new();
    let mut list = format!("{} {}\n{}\n\n", v.t("alert"), about.number, about.headline);
    if !pack.fate.stands {
        list.push_str(&format!("{}\n", pack.over(v)));
        if let Some((_, number)) = &pack.fate.newest {
            list.push_str(&format!("{}\n", v.t1("handover-newest", "number", number)));
        }
        list.push('\n');
    }
    list.push_str(&format!("{}\n\n", v.t("handover-lead")));
    for (number, step) in STEPS.iter().enumerate() {
        list.push_str(&format!("[ ] {}. {}\n", number + 1, v.word("handover-step", step.key)));
    }
    for channel in PublicChannel::ALL {
        let fitted = text::fit(*channel, &words);
        let name = format!("{}.txt", channel.as_str().replace('_', "-"));
        let told = told(v, *channel, &limits::length(*channel, &fitted.text));
        list.push_str(&format!("\n{name}: {} · {told}\n", store::words(*channel)));
        match pack.class() {
            _ if *channel != PublicChannel::CellBroadcast => {}
            Ok((class, why)) => {
                list.push_str(&format!("{}: {}\n", v.word("handover-class", class.as_str()), v.t(why)));
            }
            Err(why) => {
                list.push_str(&format!("{}\n", v.t(why)));
                continue;
            }
        }
        if fitted.fits {
            files.push((name, fitted.text.into_bytes()));
        } else {
            list.push_str(&format!("{}\n", v.t("handover-too-long")));
        }
    }
    files.push(("area.geojson".into(), files::geojson(&about, &pack.places).into_bytes()));
    files.push(("area.kml".into(), files::kml(&about, &pack.places).into_bytes()));
    files.push(("alert.cap.xml".into(), pack.cap.clone().into_bytes()));
    files.push(("LEIA-ME.txt".into(), list.into_bytes()));
    files
}
