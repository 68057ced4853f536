//! `/console/deadlines`: what is due, how each day was reckoned, the holidays, and the rules.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::Datelike as _;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::deadlines::calendar::Holiday;
use crate::deadlines::desk::{self, Asked, NewHoliday};
use crate::deadlines::store::{self, DeadlineAct};
use crate::deadlines::{Deadline, DeadlineRule, HolidayKind, rule, words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new().route("/console/deadlines", get(show).post(act))
}

/// What a new rule begins with.
const EXAMPLE: &str = "[[rule]]\ncode = \"damage.submission.sudden\"\nlaw_ref = \"Portaria …, art. …\"\nconfirmed = true\n\
    valid_from = \"2026-01-01\"\nanchor_event = \"occurred\"\nquantity = 15\nunit = \"calendar\"\nfirst_day_excluded = true\n\
    roll_to_business = true\npause = \"never\"\nwarn_days = 5\n[rule.extensions]\nmax = 0\nquantity = 0\nneeds_reason = true\nbefore_expiry = true\n";

struct Row {
    deadline: Deadline,
    acts: Vec<DeadlineAct>,
}

#[derive(Template)]
#[template(path = "deadlines.html")]
struct DeadlinesPage {
    f: Frame,
    rows: Vec<Row>,
    holidays: Vec<Holiday>,
    rules: Vec<(Option<Uuid>, DeadlineRule)>,
    given: BTreeMap<String, String>,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
    may_rule: bool,
}

impl DeadlinesPage {
    fn steps(&self, deadline: &Deadline) -> Vec<String> {
        deadline.trace.iter().map(|step| words::step(self.f.v.lang, step)).collect()
    }

    fn name(&self, code: &str) -> String {
        words::name(self.f.v.lang, code)
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn is_near(&self, deadline: &Deadline) -> bool {
        deadline.is_near(super::plans::today(&self.f.v))
    }

    fn val(&self, name: &str) -> &str {
        self.given.get(name).map(String::as_str).unwrap_or_default()
    }

    fn rule_text(&self) -> &str {
        if self.val("rule").is_empty() { EXAMPLE } else { self.val("rule") }
    }

    fn quantity(&self, rule: &DeadlineRule) -> String {
        self.f.v.t1(&format!("deadline-unit-{}", rule.unit), "n", rule.quantity)
    }
}

async fn show(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    deadlines_page(&app, v, (BTreeMap::new(), String::new(), Vec::new())).await
}

async fn deadlines_page(
    app: &App,
    v: View,
    (given, wrong, errors): (BTreeMap<String, String>, String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let deadlines = store::of_console(&mut conn).await?;
    let ids: Vec<Uuid> = deadlines.iter().map(|one| one.id).collect();
    let mut acts = store::acts_of(&mut conn, &ids).await?;
    let row = |deadline: Deadline| Row { acts: acts.remove(&deadline.id).unwrap_or_default(), deadline };
    let rows = deadlines.into_iter().map(row).collect();
    let calendar = store::calendar(&mut conn).await?;
    let year = v.now.with_timezone(&v.tz).year();
    let holidays = [year, year + 1].into_iter().flat_map(|year| calendar.of_year(year)).collect();
    let rules = store::rules(&mut conn).await?.all().map(|(id, rule)| (id, rule.clone())).collect();
    let (may_edit, may_rule) = (v.may(Permission::RunIncidents), v.may(Permission::IssueAlerts));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    let shown = DeadlinesPage { f, rows, holidays, rules, given, wrong, errors, may_edit, may_rule };
    Ok((status, page(&shown)?).into_response())
}

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 11] = [
    ("holiday already", "deadline-no-holiday"),
    ("the deadline is over", "deadline-no-over"),
    ("allows no extension", "deadline-no-extension"),
    ("and it had them", "deadline-no-more"),
    ("it ran out", "deadline-no-late"),
    ("it had run out", "deadline-no-ran-out"),
    ("to be suspended", "deadline-no-suspension"),
    ("to be interrupted", "deadline-no-interruption"),
    ("it is suspended already", "deadline-no-suspended"),
    ("it is not suspended", "deadline-no-pause"),
    ("lies before one", "deadline-no-early"),
];

fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    if let PlanError::Refused(Refused::Conflict(why)) = &error
        && let Some((_, key)) = KNOWN.iter().find(|(part, _)| why.contains(part))
    {
        return Ok((v.t(key), Vec::new()));
    }
    if let PlanError::Wrong(errors) = error {
        return Ok((v.t("damage-bad"), errors));
    }
    super::plans::told(v, error)
}

/// Enters or takes back a holiday, adds or ends a rule, or acts on a deadline.
async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    match done(&app, &staff, &v, &given).await? {
        Ok(()) => Ok(Redirect::to("/console/deadlines").into_response()),
        Err(error) => {
            let (wrong, errors) = told(&v, error)?;
            deadlines_page(&app, v, (given, wrong, errors)).await
        }
    }
}

fn rule_of(text: &str) -> Result<DeadlineRule, Refused> {
    let wrong = |why: String| Refused::wrong("rule", "", why);
    let mut all = rule::read(text).map_err(|error| wrong(error.to_string().chars().take(400).collect()))?;
    match (all.pop(), all.is_empty()) {
        (Some(rule), true) => Ok(rule),
        _ => Err(wrong("expected one [[rule]]".into())),
    }
}

async fn done(
    app: &App,
    staff: &Staff,
    v: &View,
    given: &BTreeMap<String, String>,
) -> Result<Result<(), PlanError>, ApiError> {
    let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let act = get("act");
    if matches!(act, "rule" | "end_rule") {
        staff.require(Permission::IssueAlerts)?;
    }
    let unknown = |field: &str| Refused::wrong(field, get(field), "expected one of those offered");
    let mut tx = app.db.web.begin().await?;
    let run = async {
        match act {
            "holiday" => {
                let day = get("day").parse().map_err(|_| Refused::wrong("day", get("day"), "expected a day"))?;
                let kind = get("kind").parse().map_err(|_| unknown("kind"))?;
                let (name, law_ref) = (get("name").to_owned(), get("law_ref").to_owned());
                let new = NewHoliday { day, name, kind, shut: get("shut") == "yes", law_ref };
                desk::add_holiday(&mut tx, by, v.tz, &new).await?;
            }
            "remove" => {
                let id = get("id").parse().map_err(|_| unknown("id"))?;
                desk::remove_holiday(&mut tx, by, v.tz, id, get("reason")).await?;
            }
            "rule" => {
                let rule = rule_of(get("rule"))?;
                desk::add_rule(&mut tx, by, v.tz, (&rule, get("reason"))).await?;
            }
            "end_rule" => {
                let id = get("id").parse().map_err(|_| unknown("id"))?;
                desk::end_rule(&mut tx, by, v.tz, (id, get("reason"))).await?;
            }
            "extend" | "suspend" | "resume" | "interrupt" | "meet" | "void" => {
                let id = get("id").parse().map_err(|_| unknown("id"))?;
                let asked = Asked { act: act.to_owned(), on: None, reason: get("reason").to_owned() };
                desk::act_at_console(&mut tx, by, v.tz, id, &asked).await?;
            }
            _ => return Err(unknown("act").into()),
        }
        tx.commit().await?;
        Ok(())
    };
    Ok(run.await)
}
