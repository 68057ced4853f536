//! Acts on one occurrence.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::checked_needs;
use crate::accounts::Permission;
use crate::app::App;
use crate::cobrade::{Cobrade, UnknownCobrade};
use crate::ids::IncidentId;
use crate::occurrences::life::{Ask, Refusal};
use crate::occurrences::store::Assessed;
use crate::occurrences::{MOST_PEOPLE, Priority, desk};
use crate::reports::acts::{self, ActError, By};
use crate::reports::take::Desk;
use crate::units::vocabulary;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;
use crate::web::reports::clean;
use crate::web::upload;
use serde::Serialize;

vocabulary! {
    /// What may be done to an occurrence.
    Word, "act" {
        Confirm = "confirm",
        Dispatch = "dispatch",
        Arrive = "arrive",
        Resolve = "resolve",
        Close = "close",
        Dismiss = "dismiss",
        Reopen = "reopen",
        Merge = "merge",
        Split = "split",
        Unmerge = "unmerge",
        Prioritise = "prioritise",
        Assess = "assess",
        Assign = "assign",
        Attach = "attach",
        Detach = "detach",
        Note = "note",
    }
}

/// One act with what it needs; other fields are left away.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OccurrenceAct {
    /// confirm, dispatch, arrive, resolve, close, dismiss, reopen, merge, split, unmerge, prioritise, assess, assign, attach, detach or
    /// note.
    act: String,
    /// Why; needed by resolve, close, dismiss, reopen, unmerge, prioritise and detach. 3 to 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
    /// Who is sent, for dispatch. 2 to 120 characters.
    #[serde(default)]
    #[schema(max_length = 120)]
    unit: String,
    /// The occurrence that it is told under, for merge.
    #[serde(default)]
    into: Option<Uuid>,
    /// Of this occurrence, for split: together they become one of their own, and at least one stays.
    #[serde(default)]
    #[schema(max_items = 500)]
    reports: Vec<Uuid>,
    /// 1 to 4, for prioritise; without it the rule's counts again.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4)]
    priority: Option<i16>,
    /// For assess: people in danger, needs, and the hazard (COBRADE).
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    people: Option<i32>,
    #[serde(default)]
    #[schema(max_items = 6)]
    needs: Vec<String>,
    #[serde(default)]
    cobrade: Option<String>,
    /// User name of who answers for it, for assign; without it nobody does.
    #[serde(default)]
    assignee: Option<String>,
    /// For attach.
    #[serde(default)]
    incident: Option<Uuid>,
    /// For note, 1 to 2,000 characters; `@name` tells that person.
    #[serde(default)]
    #[schema(max_length = 2000)]
    text: String,
    /// The line that a note corrects.
    #[serde(default)]
    corrects: Option<i64>,
    /// Photographs that the occurrence holds already, to stand with a note: see `POST /api/v1/occurrences/{id}/photographs`.
    #[serde(default)]
    #[schema(max_items = 12)]
    photographs: Vec<Uuid>,
}

impl OccurrenceAct {
    /// Whatever the act needs of it: what is given keeps its bounds.
    fn within_bounds(&self) -> Result<(), ApiError> {
        let texts = [("reason", &self.reason, 2000), ("unit", &self.unit, 120), ("text", &self.text, 2000)];
        for (field, text, most) in texts {
            if text.chars().count() > most {
                let given = text.chars().take(40).collect::<String>();
                return Err(ApiError::field(field, given, format!("has more than {most} characters")));
            }
        }
        if let Some(priority) = self.priority.filter(|priority| !(1..=4).contains(priority)) {
            return Err(ApiError::field("priority", priority.to_string(), "expected 1 to 4"));
        }
        if let Some(people) = self.people.filter(|people| !(0..=100_000).contains(people)) {
            return Err(ApiError::field("people", people.to_string(), "expected 0 to 100000"));
        }
        if self.reports.len() > 500 {
            return Err(ApiError::field("reports", self.reports.len().to_string(), "expected at most 500"));
        }
        if self.needs.len() > 6 {
            return Err(ApiError::field("needs", self.needs.len().to_string(), "expected at most 6"));
        }
        Ok(())
    }
}

/// The refusals as the API gives them.
pub fn refused(error: ActError) -> ApiError {
    match error {
        ActError::NotFound => ApiError::NotFound("the occurrence".into()),
        ActError::NoReport => ApiError::NotFound("the report".into()),
        ActError::UnknownIncident => ApiError::NotFound("the incident".into()),
        ActError::NoPhotograph(id) => ApiError::field("photographs", id.to_string(), error.to_string()),
        ActError::UnknownPerson(ref name) => ApiError::field("assignee", name.clone(), error.to_string()),
        ActError::Refused(Refusal::NoUnit) => ApiError::field("unit", "", error.to_string()),
        ActError::Refused(Refusal::NoReason) => ApiError::field("reason", "", error.to_string()),
        ActError::Database(error) => error.into(),
        other => ApiError::Conflict(other.to_string()),
    }
}

/// Does one thing to an occurrence: moves it on, joins or parts it, says how urgent it is, puts it under an incident, or notes something.
///
/// # Errors
/// 400 naming the field; 403 for what only whoever runs incidents may do; 404; 409 when it does not stand where that begins.
#[utoipa::path(post, path = "/api/v1/occurrences/{id}/acts", tag = "occurrences", params(("id" = Uuid, Path,)),
    request_body = OccurrenceAct, responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<OccurrenceAct>,
) -> Result<StatusCode, ApiError> {
    let word: Word = given
        .act
        .parse()
        .map_err(|error: crate::units::UnknownWord| ApiError::field("act", given.act.clone(), error.to_string()))?;
    if !matches!(word, Word::Note | Word::Assess) {
        staff.require(Permission::RunIncidents)?;
    }
    given.within_bounds()?;
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    carry_out(&mut tx, &app, by, (id, word), &given).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn carry_out(
    conn: &mut PgConnection,
    app: &App,
    by: By<'_>,
    (id, word): (Uuid, Word),
    given: &OccurrenceAct,
) -> Result<(), ApiError> {
    let reason = given.reason.as_str();
    let needed = |field: &str| ApiError::field(field, "", format!("is needed by {word}"));
    let ask = match word {
        Word::Confirm => Ask::Confirm,
        Word::Dispatch => Ask::Dispatch { unit: &given.unit },
        Word::Arrive => Ask::Arrive,
        Word::Resolve => Ask::Resolve { reason },
        Word::Close => Ask::Close { reason },
        Word::Dismiss => Ask::Dismiss { reason },
        Word::Reopen => Ask::Reopen { reason },
        Word::Merge => {
            let into = given.into.ok_or_else(|| needed("into"))?;
            return acts::merge(conn, by, (id, into), reason).await.map_err(refused);
        }
        Word::Split => {
            return acts::split_many(conn, by, id, &given.reports, reason).await.map(drop).map_err(refused);
        }
        Word::Unmerge => return acts::unmerge(conn, by, id, reason).await.map_err(refused),
        Word::Prioritise => {
            let to = given.priority.map(Priority::try_from).transpose();
            let to = to.map_err(|error| ApiError::field("priority", error.0.clone(), error.to_string()))?;
            return desk::prioritise(conn, by, id, to, reason).await.map_err(refused);
        }
        Word::Assess => return desk::assess(conn, by, id, &assessed(given)?).await.map_err(refused),
        Word::Assign => return desk::assign(conn, by, id, given.assignee.as_deref()).await.map_err(refused),
        Word::Attach => {
            let incident = IncidentId(given.incident.ok_or_else(|| needed("incident"))?);
            return desk::attach(conn, by, id, incident, (reason, app.config.alerts.status)).await.map_err(refused);
        }
        Word::Detach => return desk::detach(conn, by, id, reason).await.map_err(refused),
        Word::Note => {
            let text = clean(&given.text);
            if !(1..=2000).contains(&text.chars().count()) {
                return Err(ApiError::field("text", text, "expected 1 to 2000 characters"));
            }
            if given.photographs.len() > upload::MAX_FILES {
                let count = given.photographs.len().to_string();
                return Err(ApiError::field("photographs", count, format!("expected at most {}", upload::MAX_FILES)));
            }
            let note = desk::Note { text: &text, corrects: given.corrects, known: &given.photographs, pictures: &[] };
            let done = desk::note(conn, by, id, note, &app.config.public_url()).await;
            return done.map(drop).map_err(refused);
        }
    };
    acts::decide(conn, by, id, ask).await.map_err(refused)
}

fn assessed(given: &OccurrenceAct) -> Result<Assessed, ApiError> {
    if let Some(people) = given.people.filter(|people| !(0..=MOST_PEOPLE).contains(people)) {
        return Err(ApiError::field("people", people.to_string(), format!("expected 0 to {MOST_PEOPLE}")));
    }
    let code = |code: &String| {
        let read: Result<Cobrade, UnknownCobrade> = code.parse();
        read.map(|code| code.to_string()).map_err(|error| ApiError::field("cobrade", code.clone(), error.to_string()))
    };
    let cobrade = given.cobrade.as_ref().map(code).transpose()?;
    Ok(Assessed { people: given.people, needs: checked_needs(&given.needs)?, cobrade })
}
