//! A version is approved, looked at, or withdrawn.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::{numbered, one, today, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::plancon::desk::{self, Word};
use crate::plancon::{PlanError, PlanState};
use crate::refused::Refused;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    act: String,
    revision: String,
    review_on: String,
    reason: String,
    typed: String,
}

/// Whoever writes plans may give up a draft; the rest is for whoever warns the city.
pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path((code, number)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let number = numbered(&number)?;
    match done(&app, &staff, &v, (&code, number), &given).await? {
        Ok(()) => Ok(Redirect::to(&format!("/console/plans/{code}/{number}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            one(&app, v, (&code, number), why).await
        }
    }
}

async fn done(
    app: &App,
    staff: &Staff,
    v: &View,
    (code, number): (&str, i32),
    given: &Given,
) -> Result<Result<(), PlanError>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let current = desk::version(&mut tx, code, number).await?;
    if given.act != "withdraw" || current.state != PlanState::Draft {
        staff.require(Permission::IssueAlerts)?;
    }
    let outcome = match given.act.as_str() {
        "approve" => match word(v, given) {
            Ok(word) => desk::approve(&mut tx, by, (code, number), &word).await,
            Err(refused) => Err(refused.into()),
        },
        "review" => match word(v, given) {
            Ok(word) => desk::review(&mut tx, by, (code, number), &word).await,
            Err(refused) => Err(refused.into()),
        },
        "withdraw" if current.state == PlanState::InForce && given.typed.trim() != code => {
            Err(Refused::wrong("typed", &given.typed, format!("expected the code {code:?}")).into())
        }
        "withdraw" => desk::withdraw(&mut tx, by, (code, number), &given.reason).await,
        other => Err(Refused::wrong("act", other, "expected approve, review or withdraw").into()),
    };
    if outcome.is_ok() {
        tx.commit().await?;
    }
    Ok(outcome)
}

fn word<'a>(v: &View, given: &'a Given) -> Result<Word<'a>, Refused> {
    let number = |text: &str| text.trim().parse::<i32>();
    let revision =
        number(&given.revision).map_err(|_| Refused::wrong("revision", &given.revision, "expected a number"))?;
    let day = given.review_on.trim().parse::<NaiveDate>();
    let review_on =
        day.map_err(|_| Refused::wrong("review_on", &given.review_on, "expected a date such as 2027-03-01"))?;
    Ok(Word { revision, review_on, reason: &given.reason, today: today(v) })
}
