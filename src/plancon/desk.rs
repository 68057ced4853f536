//! What people do with plans, each act with its entry in the audit, for the pages and the API alike.

use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::plans::{self as store, Written};
use super::{MOST, Plan, PlanError, PlanState, REVIEW_WITHIN_DAYS, Version, check, file};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::ids::StaffId;
use crate::refused::Refused;

const KIND: &str = "plan";
const MAX_REASON: usize = 1000;

fn staff(by: Acting<'_>) -> Option<StaffId> {
    by.actor.id.map(StaffId)
}

/// # Errors
/// `Wrong` names the field.
pub fn reasoned(field: &str, text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let is_control = |letter: char| letter.is_control() && letter != '\n' && letter != '\r' && letter != '\t';
    if text.is_empty() || text.chars().count() > MAX_REASON || text.contains(is_control) {
        return Err(Refused::wrong(field, text, format!("expected 1 to {MAX_REASON} characters")));
    }
    Ok(text.to_owned())
}

/// The version of a plan with this number.
///
/// # Errors
/// `NotFound`.
pub async fn version(conn: &mut PgConnection, code: &str, number: i32) -> Result<Version, Refused> {
    let all = store::versions(conn, Some(code)).await?;
    let found = all.into_iter().find(|version| version.number == number);
    found.ok_or_else(|| Refused::NotFound(format!("version {number} of the plan {code}")))
}

/// Reads and judges a document against the town.
///
/// # Errors
/// `Wrong` with everything that is.
pub async fn checked(conn: &mut PgConnection, text: &str) -> Result<Plan, PlanError> {
    let plan = file::read(text).map_err(PlanError::Wrong)?;
    let problems = check::problems(&plan, &store::known(conn).await?);
    if problems.is_empty() { Ok(plan) } else { Err(PlanError::Wrong(problems)) }
}

fn is_code(code: &str) -> bool {
    crate::rota::desk::is_rota_code(code)
}

/// Writes the draft of a plan: a new plan, a new version after the last, or another text of the draft that is there; then `revision` must
/// be that of the draft as it was read. Gives the number of the version.
///
/// # Errors
/// `Wrong` with every field that is; `Conflict` when the draft changed meanwhile or there are [`MOST`] plans.
pub async fn write(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, text): (&str, &str),
    revision: Option<i32>,
) -> Result<i32, PlanError> {
    if !is_code(code) {
        let expected = "expected 1 to 40 small letters, digits and `-`, beginning with a letter or digit";
        return Err(Refused::wrong("code", code, expected).into());
    }
    let plan = checked(&mut *conn, text).await?;
    let document = serde_json::to_value(&plan).map_err(anyhow::Error::from)?;
    let written = Written { title: plan.title.trim(), source: text, document: &document };
    let (known, count) = store::lock(&mut *conn, code).await?;
    let id = match known {
        Some(id) => id,
        None if count >= MOST => return Err(Refused::Conflict(format!("there are {MOST} plans already")).into()),
        None => {
            let id = by.ids.uuid(by.now);
            store::insert_plan(&mut *conn, (id, code), by.now, &by.actor.name).await?;
            id
        }
    };
    let all = store::versions(&mut *conn, Some(code)).await?;
    let draft = all.iter().find(|version| version.state == PlanState::Draft);
    let version = match (draft, revision) {
        (Some(draft), Some(revision)) if draft.revision == revision => {
            store::rewrite_draft(&mut *conn, draft.id, (by.now, &by.actor.name), written).await?;
            draft.id
        }
        (Some(draft), _) => {
            let why = format!("the draft changed meanwhile: it is at revision {}; look at it again", draft.revision);
            return Err(Refused::Conflict(why).into());
        }
        (None, Some(_)) => {
            return Err(Refused::Conflict("the draft changed meanwhile: it is none any more".into()).into());
        }
        (None, None) => {
            let version = by.ids.uuid(by.now);
            store::insert_draft(&mut *conn, (version, id), (by.now, &by.actor.name), written).await?;
            version
        }
    };
    done(&mut *conn, by, (version, code), ("write", Act::PlanWrite, "")).await?;
    let all = store::versions(conn, Some(code)).await?;
    let made = all.into_iter().find(|one| one.id == version);
    made.map(|one| one.number).ok_or_else(|| Refused::NotFound(format!("the plan {code}")).into())
}

async fn done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (version, code): (Uuid, &str),
    (word, act, reason): (&str, Act, &str),
) -> sqlx::Result<()> {
    store::keep_act(&mut *conn, version, (by.now, staff(by), &by.actor.name), (word, reason)).await?;
    let entry = Entry::new(act, KIND, code).because(reason).to(json!({ "version": version }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

fn review_day(today: NaiveDate, review_on: NaiveDate) -> Result<NaiveDate, Refused> {
    if review_on <= today || review_on > today + TimeDelta::days(REVIEW_WITHIN_DAYS) {
        let expected = format!("expected a day after {today} and within {REVIEW_WITHIN_DAYS} days");
        return Err(Refused::wrong("review_on", review_on, expected));
    }
    Ok(review_on)
}

/// What an approval or a review says.
#[derive(Clone, Debug)]
pub struct Word<'a> {
    pub revision: i32,
    pub review_on: NaiveDate,
    pub reason: &'a str,
    /// In the town.
    pub today: NaiveDate,
}

/// Puts a draft in force, in the place of the version that was.
///
/// # Errors
/// `Forbidden` to whoever wrote of it; `Wrong`, also when the town changed and the plan does not fit it any more; `Conflict`.
pub async fn approve(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    word: &Word<'_>,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", word.reason)?;
    let review_on = review_day(word.today, word.review_on)?;
    store::lock(&mut *conn, code).await?;
    let draft = version(&mut *conn, code, number).await?;
    if draft.state != PlanState::Draft {
        return Err(Refused::Conflict(format!("this version is {} and waits for no approval", draft.state)).into());
    }
    if draft.revision != word.revision {
        return Err(Refused::Conflict("the draft changed meanwhile; look at it again".into()).into());
    }
    let approver = staff(by);
    let authors = store::authors(&mut *conn, draft.id).await?;
    if approver.is_none_or(|person| authors.contains(&person)) {
        return Err(Refused::Forbidden("whoever wrote a plan does not approve it".into()).into());
    }
    let (plan, _) = store::document(&mut *conn, draft.id).await?;
    let problems = check::problems(&plan, &store::known(&mut *conn).await?);
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    if let Some(before) = store::put_in_force(&mut *conn, draft.id, (by.now, &by.actor.name), review_on).await? {
        store::keep_act(&mut *conn, before, (by.now, approver, &by.actor.name), ("replace", &reason)).await?;
    }
    Ok(done(conn, by, (draft.id, code), ("approve", Act::PlanApprove, &reason)).await?)
}

/// Writes down that the version in force was looked at and stays; its next review is then.
///
/// # Errors
/// `Wrong`, `Conflict` when it is not in force.
pub async fn review(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    word: &Word<'_>,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", word.reason)?;
    let review_on = review_day(word.today, word.review_on)?;
    store::lock(&mut *conn, code).await?;
    let current = version(&mut *conn, code, number).await?;
    if current.state != PlanState::InForce {
        return Err(Refused::Conflict(format!("this version is {} and is not reviewed", current.state)).into());
    }
    store::set_review(&mut *conn, current.id, review_on).await?;
    Ok(done(conn, by, (current.id, code), ("review", Act::PlanReview, &reason)).await?)
}

/// Gives up a draft, or ends the version in force without another: then no alert activates the plan.
///
/// # Errors
/// `Wrong` without a reason; `Conflict` when it is over already.
pub async fn withdraw(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    reason: &str,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", reason)?;
    store::lock(&mut *conn, code).await?;
    let current = version(&mut *conn, code, number).await?;
    if !matches!(current.state, PlanState::Draft | PlanState::InForce) {
        return Err(Refused::Conflict(format!("this version is {} already", current.state)).into());
    }
    store::withdraw(&mut *conn, current.id, by.now).await?;
    Ok(done(conn, by, (current.id, code), ("withdraw", Act::PlanWithdraw, &reason)).await?)
}
