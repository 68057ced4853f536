//! Drawing an area: a form that works by itself with coordinates as text, and with a map to draw on where there is JavaScript.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::versions::{standing_words, told};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::desk::{self, Care};
use crate::areas::text::geometry_of;
use crate::areas::{Change, Content, Hazards, Origin, When, store};
use crate::cobrade::Cobrade;
use crate::units::Grade;
use crate::web::api::areas::look::shape;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::view::View;
use crate::web::pages::{drawing, page};

/// Rows for hazards that the form has at least, and empty ones after those that are taken.
const ROWS: usize = 5;
const SPARE: usize = 2;
/// Digits of a coordinate in the form; what they cannot tell is below the width of an atom.
const DIGITS: i32 = 15;

#[derive(Template)]
#[template(path = "area_editor.html")]
struct EditorPage {
    f: Frame,
    given: Given,
    hazards: Vec<(String, String)>,
    /// Every hazard with its name.
    known: Vec<(String, String)>,
    bounds: String,
    wrong: String,
    /// What stands on the area.
    standing: String,
    is_new: bool,
}

/// Which area is opened, and as which of its versions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    code: Option<String>,
    version: Option<i32>,
}

/// What the form holds.
#[derive(Clone, Debug, Default)]
pub struct Given {
    code: String,
    name: String,
    source: String,
    geometry: String,
    /// Codes and grades, as they were chosen.
    hazards: Vec<(String, String)>,
    reason: String,
    /// now, at, or draft.
    when: String,
    at: String,
    base: i32,
    confirm: String,
}

impl Given {
    /// What a form sent. It has as many `cobrade_1`, `grade_1`, … as it had rows.
    fn read(mut fields: BTreeMap<String, String>) -> Result<Self, ApiError> {
        let mut rows: BTreeMap<usize, (String, String)> = BTreeMap::new();
        for (key, cobrade) in &fields {
            let Some(row) = key.strip_prefix("cobrade_") else { continue };
            let number = row.parse().map_err(|_| ApiError::field(key, row, "expected the number of a row"))?;
            let grade = fields.get(&format!("grade_{row}")).cloned().unwrap_or_default();
            rows.insert(number, (cobrade.clone(), grade));
        }
        let mut take = |key: &str| fields.remove(key).unwrap_or_default();
        let base = match take("base").as_str() {
            "" => 0,
            base => base.parse().map_err(|_| ApiError::field("base", base, "expected the number of a version"))?,
        };
        Ok(Self {
            code: take("code"),
            name: take("name"),
            source: take("source"),
            geometry: take("geometry"),
            hazards: rows.into_values().collect(),
            reason: take("reason"),
            when: take("when"),
            at: take("at"),
            base,
            confirm: take("confirm"),
        })
    }

    /// The rows of the form: those that were chosen, and some to choose.
    fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<_> = self.hazards.iter().filter(|(cobrade, _)| !cobrade.is_empty()).cloned().collect();
        rows.resize(ROWS.max(rows.len() + SPARE), (String::new(), String::new()));
        rows
    }

    /// The hazards that were chosen; the first that is none is told.
    fn hazards(&self) -> Result<Hazards, String> {
        let mut hazards = Hazards::new();
        for (cobrade, grade) in self.hazards.iter().filter(|(cobrade, _)| !cobrade.is_empty()) {
            let code: Cobrade = cobrade.parse().map_err(|_| cobrade.clone())?;
            let grade: Grade = grade.parse().map_err(|_| format!("{cobrade} {grade}"))?;
            hazards.insert(code, grade);
        }
        Ok(hazards)
    }

    fn when(&self, v: &View) -> Option<When> {
        match self.when.as_str() {
            "" | "now" => Some(When::Now),
            "draft" => Some(When::Draft),
            "at" => {
                let local = NaiveDateTime::parse_from_str(&self.at, "%Y-%m-%dT%H:%M").ok()?;
                local.and_local_timezone(v.tz).earliest().map(|at| When::At(at.to_utc()))
            }
            _ => None,
        }
    }
}

impl EditorPage {
    fn is(&self, one: &str, other: &str) -> bool {
        one == other
    }

    fn is_when(&self, word: &str) -> bool {
        self.given.when == word || (word == "now" && self.given.when.is_empty())
    }
}

/// An empty form, or an area as it stands or stood.
pub async fn open(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    v: View,
    Query(opened): Query<Opened>,
) -> Result<Response, ApiError> {
    let Some(code) = opened.code else { return shown(&app, v, Given::default(), String::new()).await };
    let mut tx = app.db.web.begin().await?;
    store::record_present(&mut tx, &code).await?;
    let present = store::in_force(&mut tx, &code).await?;
    let base = present.as_ref().map_or(0, |version| version.number);
    let number = opened.version.unwrap_or(base);
    let unknown = || ApiError::NotFound(format!("version {number} of area {code:?}"));
    let version = store::version(&mut tx, &code, number).await?.ok_or_else(unknown)?;
    let outline = store::outline(&mut tx, &code, number, DIGITS).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    let given = Given {
        code,
        name: version.name,
        source: version.source,
        geometry: outline.to_string(),
        hazards: version.hazards.iter().map(|(cobrade, grade)| (cobrade.to_string(), grade.to_string())).collect(),
        base,
        ..Given::default()
    };
    shown(&app, v, given, String::new()).await
}

async fn shown(app: &App, v: View, given: Given, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "areas").await?;
    let standing = store::standing(&mut conn, std::slice::from_ref(&given.code)).await?;
    let standing = standing_words(&f.v, &standing);
    let bounds = drawing::bounds_json(&mut conn).await?;
    let mut known: Vec<(String, String)> =
        Cobrade::all().map(|(code, _)| (code.to_string(), f.v.hazard(&code.to_string()))).collect();
    // Landslides, floods and what else areas are mostly drawn for come first.
    known.sort_by_key(|(code, _)| (!is_common(code), code.clone()));
    let hazards = given.rows();
    let is_new = given.base == 0;
    page(&EditorPage { f, given, hazards, known, bounds, wrong, standing, is_new })
}

fn is_common(code: &str) -> bool {
    ["1.1.3.2.1", "1.2.1.0.0", "1.2.2.0.0", "1.2.3.0.0"].contains(&code)
}

/// Takes what was drawn.
pub async fn save(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let given = Given::read(fields)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let change = match wish(&mut tx, &v, &given).await? {
        Ok(change) => change,
        Err(wrong) => return shown(&app, v, given, wrong).await,
    };
    // Whoever corrects a form that was refused began on what the form says, not on what stands by then.
    let care = Care { base: Some(given.base), confirmed: !given.confirm.is_empty() };
    match desk::change(&mut tx, by, change, care).await {
        Ok(put) => {
            tx.commit().await?;
            let place = match put.number() {
                Some(number) => format!("/console/area-versions/{}/{number}", given.code),
                None => format!("/console/area-versions/{}", given.code),
            };
            Ok(Redirect::to(&place).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let wrong = told(&v, error)?;
            shown(&app, v, given, wrong).await
        }
    }
}

/// The change that a form asks for, or what is wrong with it in the reader's words.
async fn wish(conn: &mut sqlx::PgConnection, v: &View, given: &Given) -> Result<Result<Change, String>, ApiError> {
    let geometry: Value = match geometry_of(&given.geometry) {
        Ok(geometry) => geometry,
        Err(bad) => return Ok(Err(v.t2("area-wrong-text", "line", bad.line as i64, "text", bad.text))),
    };
    let wkb = match shape(conn, &geometry).await? {
        Ok(wkb) => wkb,
        Err(wrong) => {
            let place = if wrong.value.is_empty() { String::new() } else { format!(" {}", wrong.value) };
            return Ok(Err(format!("{}{place}: {}", v.t("area-wrong-geometry"), wrong.message)));
        }
    };
    let hazards = match given.hazards() {
        Ok(hazards) if !hazards.is_empty() => hazards,
        Ok(_) => return Ok(Err(v.t("area-wrong-hazards"))),
        Err(word) => return Ok(Err(format!("{} ({word})", v.t("area-wrong-hazards")))),
    };
    let Some(when) = given.when(v) else { return Ok(Err(v.t("area-wrong-from"))) };
    let details = match store::in_force(conn, &given.code).await? {
        Some(present) => present.details,
        None => json!({}),
    };
    let content = Content {
        name: given.name.trim().to_owned(),
        source: given.source.trim().to_owned(),
        wkb,
        hazards,
        details,
        retired: false,
    };
    Ok(Ok(Change {
        code: given.code.trim().to_owned(),
        content,
        origin: Origin::Drawing,
        origin_detail: json!({}),
        reason: given.reason.trim().to_owned(),
        when,
    }))
}
