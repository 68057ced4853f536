//! How a station's readings are judged: the limits of each stream, and what was doubted.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::doubts;
use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::risk::control::{Flat, Overrides, Range, Step, Test};
use crate::risk::store::load_limits;
use crate::stations::desk::DeviceError;
use crate::stations::quality::{Doubted, Missing, Tested, set_limits, store};
use crate::units::Fixed;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

const DAYS: i64 = 30;
const ROWS: i64 = 200;
const GAP_DAYS: i64 = 7;
const GAPS: i64 = 50;

pub fn routes() -> Router<App> {
    Router::new().route("/console/stations/{code}/quality", get(show).post(change))
}

#[derive(Template)]
#[template(path = "station_quality.html")]
struct QualityPage {
    f: Frame,
    code: String,
    streams: Vec<Tested>,
    doubted: Vec<Doubted>,
    missing: Vec<Missing>,
    wrong: String,
    may_edit: bool,
}

/// One form, for one stream. Empty fields are the quantity's own limits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    stream: String,
    off_spike: String,
    off_rate: String,
    off_flat_line: String,
    off_neighbours: String,
    spike_suspect: String,
    spike_fail: String,
    rate_suspect: String,
    rate_fail: String,
    flat_suspect: String,
    flat_fail: String,
    fail_low: String,
    fail_high: String,
    suspect_low: String,
    suspect_high: String,
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    shown(&app, v, code, String::new()).await
}

async fn shown(app: &App, v: View, code: String, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let may_edit = v.may(Permission::EditCatalogue);
    let f = Frame::load(&mut conn, app, v, "stations").await?;
    let defaults = load_limits(&app.config.engine.quality_file)?;
    let streams = store::tested(&mut conn, &defaults, &code).await?;
    if streams.is_empty() {
        return Err(ApiError::NotFound(format!("station {code:?}")));
    }
    let doubted = store::doubted(&mut conn, f.v.now, &code, DAYS, ROWS).await?;
    let missing = store::missing(&mut conn, f.v.now, &code, GAP_DAYS, GAPS).await?;
    page(&QualityPage { f, code, streams, doubted, missing, wrong, may_edit })
}

async fn change(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path(code): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let defaults = load_limits(&app.config.engine.quality_file)?;
    let streams = store::tested(&mut tx, &defaults, &code).await?;
    let Some(stream) = streams.into_iter().find(|tested| tested.stream == given.stream) else {
        return Err(ApiError::NotFound(format!("stream {:?} of station {code:?}", given.stream)));
    };
    let own = match given.limits(&stream) {
        Ok(own) => own,
        Err(field) => return shown(&app, v.clone(), code, v.t1("quality-wrong", "field", v.t(field))).await,
    };
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    match set_limits(&mut tx, by, (&code, &given.stream), &own).await {
        Ok(()) => {}
        Err(DeviceError::Wrong { value, .. }) => {
            let field = format!("quality-{value}");
            return shown(&app, v.clone(), code, v.t1("quality-wrong", "field", v.t(&field))).await;
        }
        Err(error) => return Err(error.into()),
    }
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/stations/{code}/quality")).into_response())
}

impl Given {
    /// # Errors
    /// The key of the test whose numbers cannot be read.
    fn limits(&self, stream: &Tested) -> Result<Overrides, &'static str> {
        let off = [
            (&self.off_spike, Test::Spike),
            (&self.off_rate, Test::Rate),
            (&self.off_flat_line, Test::FlatLine),
            (&self.off_neighbours, Test::Neighbours),
        ];
        let flat = pair(&self.flat_suspect, &self.flat_fail, "quality-flat")?;
        let hours = |value: Fixed| u32::try_from(value.0 / Fixed::SCALE).unwrap_or(u32::MAX);
        // Tolerance and what is ignored stay as they are: the form does not ask for them.
        let base = stream.limits.flat.clone().or_else(|| stream.own.flat.clone());
        let (tolerance, ignore) = base.map_or((Fixed(0), Vec::new()), |flat| (flat.tolerance, flat.ignore));
        Ok(Overrides {
            off: off.iter().filter(|(given, _)| !given.is_empty()).map(|(_, test)| *test).collect(),
            range: self.range()?,
            spike: pair(&self.spike_suspect, &self.spike_fail, "quality-spike")?.map(step),
            rate: pair(&self.rate_suspect, &self.rate_fail, "quality-rate")?.map(step),
            flat: flat.map(|(suspect, fail)| Flat {
                suspect_h: hours(suspect),
                fail_h: fail.map(hours),
                tolerance,
                ignore,
            }),
            neighbours: stream.own.neighbours,
        })
    }

    fn range(&self) -> Result<Option<Range>, &'static str> {
        let given = [&self.fail_low, &self.fail_high, &self.suspect_low, &self.suspect_high];
        if given.iter().all(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        let [fail_low, fail_high, low, high] = given.map(|text| number(text, "quality-range"));
        let missing = "quality-range";
        let fail = [fail_low?.ok_or(missing)?, fail_high?.ok_or(missing)?];
        let suspect = [low?.unwrap_or(fail[0]), high?.unwrap_or(fail[1])];
        Ok(Some(Range { fail, suspect }))
    }
}

const fn step((suspect, fail): (Fixed, Option<Fixed>)) -> Step {
    Step { suspect, fail }
}

/// A number with point or comma; `None` when nothing was written.
fn number(text: &str, field: &'static str) -> Result<Option<Fixed>, &'static str> {
    let text = text.trim().replace(',', ".");
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 = text.parse().map_err(|_| field)?;
    Fixed::try_from(value).map(Some).map_err(|_| field)
}

fn pair(suspect: &str, fail: &str, field: &'static str) -> Result<Option<(Fixed, Option<Fixed>)>, &'static str> {
    match (number(suspect, field)?, number(fail, field)?) {
        (None, None) => Ok(None),
        (Some(suspect), fail) => Ok(Some((suspect, fail))),
        (None, Some(_)) => Err(field),
    }
}

impl QualityPage {
    /// "6 leituras; pode calar 20 min".
    fn gap(&self, gap: &Missing) -> String {
        let v = &self.f.v;
        let limit = v.decimal(f64::from(gap.limit_s) / 60.0);
        match gap.readings {
            Some(count) => v.t2("quality-missing-readings", "n", count, "limit", limit),
            None => v.t1("quality-missing-silent", "limit", limit),
        }
    }

    fn why(&self, doubted: &Doubted) -> String {
        doubts::words(&self.f.v, &doubted.why, doubted.unit)
    }

    fn quality_word(&self, doubted: &Doubted) -> String {
        self.f.v.t(if doubted.quality == "fail" { "quality-failed" } else { "quality-suspect" })
    }

    /// What holds for a stream, a line a test.
    fn holds(&self, tested: &Tested) -> Vec<String> {
        let v = &self.f.v;
        let number = |value: Fixed| format!("{} {}", v.decimal(value.to_f64()), tested.unit);
        let step = |key: &str, step: Step| {
            let fail = step.fail.map_or_else(|| v.t("quality-never"), number);
            format!("{}: {}", v.t(key), v.t2("quality-above", "suspect", number(step.suspect), "fail", fail))
        };
        let mut lines = Vec::new();
        let limits = &tested.limits;
        lines.extend(limits.range.map(|range| {
            let span = |[low, high]: [Fixed; 2]| format!("{} – {}", number(low), number(high));
            format!(
                "{}: {}",
                v.t("quality-range"),
                v.t2("quality-outside", "suspect", span(range.suspect), "fail", span(range.fail))
            )
        }));
        lines.extend(limits.spike.map(|limit| step("quality-spike", limit)));
        lines.extend(limits.rate.map(|limit| step("quality-rate", limit)));
        lines.extend(limits.flat.as_ref().map(|flat| {
            let fail = flat.fail_h.map_or_else(|| v.t("quality-never"), |hours| format!("{hours} h"));
            let suspect = format!("{} h", flat.suspect_h);
            format!("{}: {}", v.t("quality-flat"), v.t2("quality-above", "suspect", suspect, "fail", fail))
        }));
        lines.extend(limits.neighbours.map(|near| {
            let least = v.t2("quality-near", "gauges", near.at_least as i64, "km", v.decimal(near.within_km.to_f64()));
            format!("{}: {least} {} / {} h", v.t("quality-neighbours"), number(near.median), near.window_h)
        }));
        lines
    }

    fn is_off(&self, tested: &Tested, test: &str) -> bool {
        tested.own.off.iter().any(|off| off.as_str() == test)
    }

    /// What stands in a field of the form: the stream's own numbers only.
    fn field(&self, tested: &Tested, name: &str) -> String {
        let own = &tested.own;
        let hours = |count: u32| Fixed::from_whole(count.into());
        let value = match name {
            "spike_suspect" => own.spike.map(|step| step.suspect),
            "spike_fail" => own.spike.and_then(|step| step.fail),
            "rate_suspect" => own.rate.map(|step| step.suspect),
            "rate_fail" => own.rate.and_then(|step| step.fail),
            "flat_suspect" => own.flat.as_ref().map(|flat| hours(flat.suspect_h)),
            "flat_fail" => own.flat.as_ref().and_then(|flat| flat.fail_h).map(hours),
            "fail_low" => own.range.map(|range| range.fail[0]),
            "fail_high" => own.range.map(|range| range.fail[1]),
            "suspect_low" => own.range.map(|range| range.suspect[0]),
            "suspect_high" => own.range.map(|range| range.suspect[1]),
            _ => None,
        };
        value.map(|value| value.to_string()).unwrap_or_default()
    }
}
