//! Questionnaires, and what people wrote.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::wrong::{Wrong, read, said};
use super::{HERE, works};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::{Check, Comment, CommentState, EvaluationError, desk, store};
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_form.html")]
struct TextPage {
    f: Frame,
    text: String,
    is_used: bool,
    wrong: Wrong,
    may_work: bool,
}

/// Which version is shown; none: the one that a new one may begin with.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OfForm {
    #[serde(default)]
    chave: String,
    #[serde(default)]
    versao: i32,
}

/// What a questionnaire may look like, for whoever writes the first one.
const BEGINNING: &str = include_str!("../../../../secretariat/evaluation/questionnaire.toml");

pub(super) async fn questionnaire(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(of): Query<OfForm>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (text, is_used) = if of.chave.is_empty() {
        (BEGINNING.to_owned(), false)
    } else {
        let kept = store::form(&mut conn, &of.chave, of.versao).await?;
        let kept = kept.ok_or_else(|| ApiError::NotFound(format!("questionnaire {:?}", of.chave)))?;
        (kept.text, kept.is_used)
    };
    let may_work = works(&staff);
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&TextPage { f, text, is_used, wrong: Wrong::default(), may_work })
}

#[derive(Debug, Deserialize)]
pub(super) struct Text {
    #[serde(default)]
    text: String,
}

pub(super) async fn save_questionnaire(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Text>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    // Browsers send lines with CR LF; what is kept is what was written.
    let text = given.text.replace("\r\n", "\n");
    let mut tx = app.db.web.begin().await?;
    match desk::save_form(&mut tx, by, &text).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{HERE}/pesquisas#questionarios")).into_response())
        }
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            let mut conn = app.db.web.acquire().await?;
            let status = wrong.status();
            let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
            let shown = TextPage { f, text, is_used: false, wrong, may_work: true };
            Ok((status, page(&shown)?).into_response())
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_comments.html")]
struct CommentsPage {
    f: Frame,
    /// For whoever checks them.
    waiting: Vec<Comment>,
    shown: Vec<Comment>,
    wrong: Wrong,
    may_work: bool,
}

async fn comments_page(app: &App, v: View, staff: &Staff, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let may_work = works(staff);
    let waiting = if may_work { store::comments(&mut conn, CommentState::Waiting, None).await? } else { Vec::new() };
    let shown = store::comments(&mut conn, CommentState::Shown, None).await?;
    let status = wrong.status();
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    Ok((status, page(&CommentsPage { f, waiting, shown, wrong, may_work })?).into_response())
}

pub(super) async fn comments(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
) -> Result<Response, ApiError> {
    comments_page(&app, v, &staff, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Checked {
    id: String,
    act: String,
    text: String,
    reason: String,
}

pub(super) async fn check(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Checked>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let id: Uuid = read("id", &given.id, "expected one of the list")?;
        let state = if given.act == "show" { CommentState::Shown } else { CommentState::Withheld };
        let check = Check { state, text: Some(given.text.clone()), reason: given.reason.clone() };
        let mut tx = app.db.web.begin().await?;
        desk::check_comment(&mut tx, by, id, &check).await?;
        tx.commit().await?;
        Ok::<_, EvaluationError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{HERE}/comentarios")).into_response()),
        Err(error) => {
            let wrong = said(&v, error)?;
            comments_page(&app, v, &staff, wrong).await
        }
    }
}
