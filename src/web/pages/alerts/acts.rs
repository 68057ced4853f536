//! What a person does to an alert: save, issue, discard, end. Each act is one transaction.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{LocalResult, NaiveDateTime, TimeZone as _};
use serde::Deserialize;

use super::review::{self, Said};
use super::told;
use crate::alerts::Refusal;
use crate::alerts::approve::Outcome;
use crate::alerts::draft::{self, DraftEdit, Drafter};
use crate::alerts::issue::Issuer;
use crate::alerts::kind::AlertKind;
use crate::alerts::state::AlertError;
use crate::alerts::store::AlertRow;
use crate::alerts::trail;
use crate::app::App;
use crate::clock::Instant;
use crate::ids::AlertId;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// The fields of the review.
#[derive(Debug, Deserialize)]
pub struct Written {
    revision: i32,
    headline: String,
    description: String,
    instruction: String,
    sms_text: String,
    /// Local time as `<input type=datetime-local>` gives it.
    expires_at: String,
    #[serde(default)]
    confirmed: String,
}

impl Written {
    fn edit(&self, v: &View) -> Result<DraftEdit, AlertError> {
        Ok(DraftEdit {
            // Browsers send line ends as CR LF (HTML, "constructing the form data set").
            headline: self.headline.replace("\r\n", "\n"),
            description: self.description.replace("\r\n", "\n"),
            instruction: self.instruction.replace("\r\n", "\n"),
            sms_text: self.sms_text.replace("\r\n", "\n"),
            expires_at: local_instant(v, &self.expires_at)?,
            areas: None,
        })
    }

    /// Whether these are the texts that the alert has. Browsers send line ends as CR LF.
    fn is_what_stands(&self, row: &AlertRow) -> bool {
        let same = |mine: &str, theirs: &str| mine.replace("\r\n", "\n").trim() == theirs;
        same(&self.headline, &row.headline)
            && same(&self.description, &row.description)
            && same(&self.instruction, &row.instruction)
            && same(&self.sms_text, &row.sms_text)
    }

    fn kept(&self, v: &View) -> Vec<(String, String)> {
        vec![
            (v.t("field-sms"), self.sms_text.clone()),
            (v.t("field-headline"), self.headline.clone()),
            (v.t("field-description"), self.description.clone()),
            (v.t("field-instruction"), self.instruction.clone()),
        ]
    }
}

/// An hour that the clocks repeat is taken at its first pass: a warning ends rather early than an hour late.
fn local_instant(v: &View, text: &str) -> Result<Instant, AlertError> {
    let refused = || AlertError::from(Refusal::UnreadableExpiry(crate::web::error::shorten(text).to_string()));
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .map_err(|_| refused())?;
    match v.tz.from_local_datetime(&naive) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Ok(at.to_utc()),
        LocalResult::None => Err(refused()),
    }
}

/// Saves the texts when they changed, and returns the revision that holds them.
pub(super) async fn save_changes(
    conn: &mut sqlx::PgConnection,
    app: &App,
    v: &View,
    staff: &Staff,
    id: AlertId,
    written: &Written,
) -> Result<i32, AlertError> {
    let before = crate::alerts::store::load(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
    let alert = &before.row;
    let edit = written.edit(v)?;
    let same_minute = edit.expires_at.timestamp() / 60 == alert.expires_at.timestamp() / 60;
    let same = edit.headline.trim() == alert.headline
        && edit.description.trim() == alert.description
        && edit.instruction.trim() == alert.instruction
        && edit.sms_text.trim() == alert.sms_text
        && same_minute;
    if same {
        // The same form again, after a double click or a lost answer: what it wrote is the next revision, and is mine.
        let is_mine = alert.revision == written.revision.saturating_add(1)
            && crate::alerts::store::is_written_by(&mut *conn, id, &staff.username).await?;
        return Ok(if is_mine { alert.revision } else { written.revision });
    }
    if edit.expires_at <= v.now {
        return Err(Refusal::PastExpiry(edit.expires_at).into());
    }
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let saved = drafter.save(&mut *conn, v.now, &staff.username, id, written.revision, &edit).await?;
    trail::edited(conn, &app.ids, v.now, &staff.actor(), &before).await?;
    Ok(saved)
}

pub async fn save(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut tx = app.db.web.begin().await?;
    match save_changes(&mut tx, &app, &v, &staff, id, &written).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/alerts/{id}?done=saved")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error, &written).await
        }
    }
}

/// Saves what is on the screen with an SMS in which no letter doubles the price: for browsers without JavaScript, which has it at
/// once.
pub async fn plain_sms(
    state: State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    id: Path<uuid::Uuid>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let sms_text = crate::dispatch::sms_text::transliterate(&written.sms_text);
    save(state, staff, v, id, Form(Written { sms_text, ..written })).await
}

/// Saves what is on the screen and issues exactly that, or nothing.
pub async fn issue(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    if written.confirmed != "yes" {
        return confirm(&app, v, id, written).await;
    }
    let mut tx = app.db.web.begin().await?;
    let issued = async {
        let revision = save_changes(&mut tx, &app, &v, &staff, id, &written).await?;
        let issuer = Issuer::of(&app);
        issuer.approve(&mut tx, v.now, &staff.actor(), id, revision).await
    };
    match issued.await {
        Ok(outcome) => {
            tx.commit().await?;
            let done = if matches!(outcome, Outcome::Waits(_)) { "?done=approved" } else { "" };
            Ok(Redirect::to(&format!("/console/alerts/{id}{done}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error, &written).await
        }
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    f: Frame,
    id: AlertId,
    written: Written,
    reach: crate::dispatch::audience::Reach,
}

/// The question a browser without JavaScript gets instead of the dialog.
async fn confirm(app: &App, v: View, id: AlertId, written: Written) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let reach = crate::dispatch::audience::preview(&mut conn, app.clock.now(), id).await?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    page(&ConfirmPage { f, id, written, reach })
}

/// The review once more, with what went wrong and the words that were not saved.
pub(super) async fn again(
    app: &App,
    v: View,
    id: AlertId,
    error: AlertError,
    written: &Written,
) -> Result<Response, ApiError> {
    let bad = match &error {
        AlertError::Stale { .. } => v.t("conflict"),
        AlertError::Refused(why) => told::refusal(&v, why),
        AlertError::Incomplete(missing) => format!("{}: {}", v.t("incomplete"), told::lacks(&v, missing).join("; ")),
        _ => return Err(error.into()),
    };
    let mut conn = app.db.web.acquire().await?;
    let alert = super::load(&mut conn, id).await?;
    let kept = written.kept(&v);
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    if !super::is_undecided(&alert.row) {
        return gone(f, id, &alert.row, written);
    }
    review::render(&mut conn, app, f, alert, Said { good: None, bad: Some(bad), kept }).await
}

#[derive(Template)]
#[template(path = "words_kept.html")]
struct WordsKeptPage {
    f: Frame,
    id: AlertId,
    why: String,
    kept: Vec<(String, String)>,
}

/// There is no draft any more. Whoever wrote nothing sees what became of it; nobody's words are thrown away.
fn gone(f: Frame, id: AlertId, row: &AlertRow, written: &Written) -> Result<Response, ApiError> {
    if written.is_what_stands(row) {
        return Ok(Redirect::to(&format!("/console/alerts/{id}")).into_response());
    }
    let why = f.v.t(if row.state == "discarded" { "kept-discarded" } else { "kept-issued" });
    let kept = written.kept(&f.v);
    Ok((StatusCode::CONFLICT, page(&WordsKeptPage { f, id, why, kept })?).into_response())
}

#[derive(Debug, Deserialize)]
pub struct Discarded {
    revision: i32,
    reason: String,
}

pub async fn discard(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Discarded>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    draft::discard(&mut tx, v.now, &staff.username, AlertId(id), given.revision, &given.reason).await?;
    trail::discarded(&mut tx, &app.ids, v.now, &staff.actor(), AlertId(id), &given.reason).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console").into_response())
}

#[derive(Debug, Deserialize)]
pub struct Answer {
    kind: String,
    /// Somebody who was asked whether it is wrong says that it is only over.
    #[serde(default)]
    kind_instead: String,
    #[serde(default)]
    confirmed: String,
    #[serde(default)]
    reason: String,
}

#[derive(Template)]
#[template(path = "cancel_confirm.html")]
struct CancelPage {
    f: Frame,
    id: AlertId,
    number: String,
    headline: String,
    wrong: String,
}

/// Asks once more, and why: a cancellation says that the warning was wrong, which is not that the danger is over.
async fn confirm_cancel(app: &App, v: View, id: AlertId, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let row = super::load(&mut conn, id).await?.row;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (number, headline) = (row.number.unwrap_or_default(), row.headline);
    Ok((status, page(&CancelPage { f, id, number, headline, wrong })?).into_response())
}

/// Drafts the message that ends or withdraws an alert in force; issuing it is another act.
pub async fn answer(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Answer>,
) -> Result<Response, ApiError> {
    let word = if given.kind_instead.is_empty() { given.kind } else { given.kind_instead };
    let kind = word.parse::<AlertKind>().map_err(|error| ApiError::field("kind", word, error.to_string()))?;
    let reason = given.reason.trim();
    if kind == AlertKind::Cancel && (given.confirmed != "yes" || reason.is_empty()) {
        let wrong = if given.confirmed == "yes" { v.t("cancel-reason-missing") } else { String::new() };
        return confirm_cancel(&app, v, AlertId(id), wrong).await;
    }
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let mut tx = app.db.web.begin().await?;
    let drafted = match kind {
        AlertKind::Cancel => drafter.cancel(&mut tx, v.now, &staff.username, AlertId(id), reason).await?,
        kind => drafter.answer(&mut tx, v.now, &staff.username, AlertId(id), kind).await?,
    };
    trail::drafted(&mut tx, &app.ids, v.now, &staff.actor(), drafted, reason).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{drafted}")).into_response())
}
