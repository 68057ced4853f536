//! Drawing an area: a form that works by itself with coordinates as text, and with a map to draw on where there is JavaScript.

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

/// Hazards that the form has room for.
const ROWS: usize = 5;
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    code: String,
    name: String,
    source: String,
    geometry: String,
    cobrade_1: String,
    cobrade_2: String,
    cobrade_3: String,
    cobrade_4: String,
    cobrade_5: String,
    grade_1: String,
    grade_2: String,
    grade_3: String,
    grade_4: String,
    grade_5: String,
    reason: String,
    /// now, at, or draft.
    when: String,
    at: String,
    base: i32,
    confirm: String,
}

impl Given {
    fn pairs(&self) -> [(&str, &str); ROWS] {
        [
            (&self.cobrade_1, &self.grade_1),
            (&self.cobrade_2, &self.grade_2),
            (&self.cobrade_3, &self.grade_3),
            (&self.cobrade_4, &self.grade_4),
            (&self.cobrade_5, &self.grade_5),
        ]
        .map(|(cobrade, grade)| (cobrade.as_str(), grade.as_str()))
    }

    /// The hazards that were chosen; the first that is none is told.
    fn hazards(&self) -> Result<Hazards, String> {
        let mut hazards = Hazards::new();
        for (cobrade, grade) in self.pairs().into_iter().filter(|(cobrade, _)| !cobrade.is_empty()) {
            let code: Cobrade = cobrade.parse().map_err(|_| cobrade.to_owned())?;
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
    let mut given = Given {
        code,
        name: version.name,
        source: version.source,
        geometry: outline.to_string(),
        base,
        ..Given::default()
    };
    let mut pairs = version.hazards.iter().map(|(cobrade, grade)| (cobrade.to_string(), grade.to_string()));
    let slots = [
        (&mut given.cobrade_1, &mut given.grade_1),
        (&mut given.cobrade_2, &mut given.grade_2),
        (&mut given.cobrade_3, &mut given.grade_3),
        (&mut given.cobrade_4, &mut given.grade_4),
        (&mut given.cobrade_5, &mut given.grade_5),
    ];
    for (cobrade, grade) in slots {
        if let Some(pair) = pairs.next() {
            (*cobrade, *grade) = pair;
        }
    }
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
    let hazards = given.pairs().map(|(cobrade, grade)| (cobrade.to_owned(), grade.to_owned())).to_vec();
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
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
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
