//! What an area was, is and will be: the list, one version with what it changes, and what may be done with it.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::compared;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::desk::{self, AreaError, Care};
use crate::areas::{Difference, Standing, State as Stage, Version, When, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "area_versions.html")]
struct VersionsPage {
    f: Frame,
    /// Empty on the page of all that waits.
    code: String,
    rows: Vec<Version>,
}

/// `/console/area-versions`: drafts and plans of all areas.
pub async fn waiting(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "areas").await?;
    let rows = store::list(&mut conn, None).await?;
    page(&VersionsPage { f, code: String::new(), rows })
}

/// All versions of one area.
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "areas").await?;
    let rows = store::list(&mut conn, Some(&code)).await?;
    if rows.is_empty() {
        return Err(ApiError::NotFound(format!("area {code:?}")));
    }
    page(&VersionsPage { f, code, rows })
}

/// "em vigor desde …", "de … até …", "planejada para …".
pub fn validity(v: &View, version: &Version) -> String {
    match (version.state, version.valid_from, version.valid_until, version.planned_for) {
        (Stage::Effective, Some(from), None, _) => v.t1("version-since", "at", v.full(from)),
        (Stage::Effective, Some(from), Some(until), _) => {
            v.t2("version-from-until", "from", v.full(from), "until", v.full(until))
        }
        (Stage::Planned, _, _, Some(at)) => v.t1("version-planned-for", "at", v.full(at)),
        _ => v.word("version-state", version.state.as_str()),
    }
}

/// How it came about, with the file, address or version it came from.
pub fn origin(v: &View, version: &Version) -> String {
    let word = v.word("version-origin", version.origin.as_str());
    let detail = &version.origin_detail;
    let from = detail.get("from").and_then(serde_json::Value::as_str).filter(|from| !from.is_empty());
    match (from, detail.get("version").and_then(serde_json::Value::as_i64)) {
        (Some(from), _) => format!("{word}: {from}"),
        (None, Some(number)) => format!("{word} {number}"),
        (None, None) => word,
    }
}

impl VersionsPage {
    fn km2(&self, value: &f64) -> String {
        km2(&self.f.v, *value)
    }

    fn validity(&self, version: &Version) -> String {
        validity(&self.f.v, version)
    }

    fn origin(&self, version: &Version) -> String {
        origin(&self.f.v, version)
    }
}

#[derive(Template)]
#[template(path = "area_version.html")]
struct VersionPage {
    f: Frame,
    n: Version,
    /// The version it is held against.
    against: Option<i32>,
    d: Difference,
    map: Markup,
    standing: Vec<Standing>,
    /// What stopped the act.
    wrong: String,
    /// The words of whoever was stopped.
    kept: String,
    /// The version in force, 0 for none.
    base: i32,
}

impl VersionPage {
    fn validity(&self) -> String {
        validity(&self.f.v, &self.n)
    }

    fn origin(&self) -> String {
        origin(&self.f.v, &self.n)
    }

    fn may_act(&self) -> bool {
        self.f.v.may(Permission::EditCatalogue)
    }

    fn km2(&self, value: &f64) -> String {
        km2(&self.f.v, *value)
    }
}

/// Square kilometres with as many digits as a small slope needs.
pub fn km2(v: &View, value: f64) -> String {
    // Below a square decimetre it is rounding.
    if value < 1e-8 {
        return "0".to_owned();
    }
    let digits = if value >= 10.0 {
        1
    } else if value >= 0.1 {
        3
    } else {
        4
    };
    let text = format!("{value:.digits$}");
    if v.lang == crate::i18n::Lang::Pt { text.replace('.', ",") } else { text }
}

/// One version.
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path((code, number)): Path<(String, i32)>,
) -> Result<Response, ApiError> {
    shown(&app, v, (&code, number), String::new(), String::new()).await
}

async fn shown(
    app: &App,
    v: View,
    (code, number): (&str, i32),
    wrong: String,
    kept: String,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::NotFound(format!("version {number} of area {code:?}"));
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "areas").await?;
    let n = store::version(&mut conn, code, number).await?.ok_or_else(unknown)?;
    let against = store::predecessor(&mut conn, &n).await?;
    let d = store::compare(&mut conn, code, against, number).await?.ok_or_else(unknown)?;
    let map = compared::drawing(&mut conn, &f.v, code, (against, number)).await?;
    let standing = store::standing(&mut conn, &[code.to_owned()]).await?;
    let present = store::in_force(&mut conn, code).await?;
    let base = present.as_ref().map_or(0, |version| version.number);
    page(&VersionPage { f, n, against, d, map, standing, wrong, kept, base })
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    act: String,
    #[serde(default)]
    reason: String,
    base: Option<i32>,
    #[serde(default)]
    confirm: String,
}

/// Restores, enforces, withdraws or retires.
pub async fn act(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path((code, number)): Path<(String, i32)>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let care = Care { base: given.base, confirmed: !given.confirm.is_empty() };
    let mut tx = app.db.web.begin().await?;
    let at = (code.as_str(), number);
    let how = (given.reason.as_str(), When::Now);
    let done = match given.act.as_str() {
        "restore" => desk::restore(&mut tx, by, at, how, care).await.map(|put| put.number()),
        "retire" => desk::retire(&mut tx, by, &code, how, care).await.map(|put| put.number()),
        "enforce" => desk::enforce(&mut tx, by, at, care).await.map(|()| Some(number)),
        "withdraw" => desk::withdraw(&mut tx, by, at, &given.reason).await.map(|()| Some(number)),
        other => return Err(ApiError::field("act", other, "expected restore, retire, enforce or withdraw")),
    };
    match done {
        Ok(made) => {
            tx.commit().await?;
            let made = made.unwrap_or(number);
            Ok(Redirect::to(&format!("/console/area-versions/{code}/{made}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let wrong = told(&v, error)?;
            shown(&app, v, at, wrong, given.reason).await
        }
    }
}

/// What people can do something about, in their words; the rest is an error page.
///
/// # Errors
/// What nobody at the page can mend.
pub fn told(v: &View, error: AreaError) -> Result<String, ApiError> {
    match error {
        AreaError::Standing(standing) => Ok(v.t1("area-standing", "what", standing_words(v, &standing))),
        AreaError::Moved { now, .. } => Ok(v.t1("area-moved", "number", now)),
        AreaError::Wrong { field, message, .. } => {
            let key = format!("area-wrong-{field}");
            let words = v.t(&key);
            Ok(if words == key { message } else { words })
        }
        other => Err(other.into()),
    }
}

/// "alerta 3/2026, incidente 1/2026".
pub fn standing_words(v: &View, standing: &[Standing]) -> String {
    let parts: Vec<String> = standing
        .iter()
        .map(|one| format!("{} — {} {}", one.name, v.word("area-standing", &one.kind), one.number))
        .collect();
    parts.join("; ")
}
