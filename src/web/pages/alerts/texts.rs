//! What a draft says in another language, and the way back to the template's words.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::composing::{Reading, reading};
use super::review::{SmsWords, sms_words};
use super::told;
use crate::alerts::draft::Drafter;
use crate::alerts::state::AlertError;
use crate::alerts::store::AlertDetail;
use crate::alerts::templates::FALLBACK;
use crate::alerts::trail;
use crate::alerts::wording::{OtherEdit, OtherText, own};
use crate::app::App;
use crate::dispatch::audience::preview as reach;
use crate::dispatch::sms_text;
use crate::ids::AlertId;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "alert_texts.html")]
struct TextsPage {
    f: Frame,
    a: AlertDetail,
    /// As it stands, or as it was written and could not be saved.
    text: OtherText,
    /// What the town's own language says, to translate from.
    own: OtherText,
    name: String,
    sms: SmsWords,
    reading: Reading,
    wrong: String,
    said: String,
    kept: bool,
}

#[derive(Debug, Deserialize)]
pub struct Shown {
    done: Option<String>,
}

pub async fn open(
    State(app): State<App>,
    _: May<can::DraftAlerts>,
    v: View,
    Path((id, language)): Path<(uuid::Uuid, String)>,
    axum::extract::Query(shown): axum::extract::Query<Shown>,
) -> Result<Response, ApiError> {
    let said = match shown.done.as_deref() {
        Some("saved") => v.t("saved"),
        Some("regenerated") => v.t("texts-regenerated"),
        _ => String::new(),
    };
    show(&app, v, (AlertId(id), &language), None, (String::new(), said)).await
}

async fn show(
    app: &App,
    v: View,
    (id, language): (AlertId, &str),
    written: Option<OtherEdit>,
    (wrong, said): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let a = super::load(&mut conn, id).await?;
    if language == FALLBACK || !matches!(a.row.state.as_str(), "draft" | "submitted") {
        return Ok(Redirect::to(&format!("/console/alerts/{id}")).into_response());
    }
    let missing = || ApiError::NotFound(format!("the language {language:?} of alert {id}"));
    let mut text = a.texts.iter().find(|text| text.language == language).cloned().ok_or_else(missing)?;
    let kept = written.is_some();
    if let Some(OtherEdit { headline, description, instruction, sms_text }) = written {
        text = OtherText { headline, description, instruction, sms_text, ..text };
    }
    let reach = reach(&mut conn, app.clock.now(), id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let names: Vec<String> = a.places.iter().map(|place| place.name.clone()).collect();
    let review = drafter.look_at(&a.row, &names, &text)?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let shown = page(&TextsPage {
        name: f.v.word("language", language),
        sms: sms_words(app, &f.v, &text.sms_text, &reach),
        reading: reading(&f.v, (&text.sms_text, reach.tier(&app.config).is_national()), &review),
        own: own(&a.row),
        text,
        wrong,
        said,
        kept,
        a,
        f,
    })?;
    Ok((status, shown).into_response())
}

/// The form of a language.
#[derive(Debug, Deserialize)]
pub struct Written {
    revision: i32,
    headline: String,
    description: String,
    instruction: String,
    sms_text: String,
    /// "yes" takes every letter out of the SMS that doubles its price.
    #[serde(default)]
    plain: String,
}

/// Saves the texts of a language.
pub async fn save(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path((id, language)): Path<(uuid::Uuid, String)>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    // Browsers send line ends as CR LF (HTML, "constructing the form data set").
    let plain = |text: &str| text.replace("\r\n", "\n");
    let mut edit = OtherEdit {
        headline: plain(&written.headline),
        description: plain(&written.description),
        instruction: plain(&written.instruction),
        sms_text: plain(&written.sms_text),
    };
    if written.plain == "yes" {
        edit.sms_text = sms_text::transliterate(&edit.sms_text);
    }
    let mut tx = app.db.web.begin().await?;
    let before = super::load(&mut tx, id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let by = (v.now, staff.username.as_str());
    let wrong = match drafter.save_other(&mut tx, by, (id, written.revision), &language, &edit).await {
        Ok(_) => {
            trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
            tx.commit().await?;
            return Ok(Redirect::to(&format!("/console/alerts/{id}/texts/{language}?done=saved")).into_response());
        }
        Err(AlertError::Stale { .. }) => v.t("conflict"),
        Err(AlertError::Refused(why)) => told::refusal(&v, &why),
        Err(other) => return Err(other.into()),
    };
    tx.rollback().await?;
    show(&app, v, (id, &language), Some(edit), (wrong, String::new())).await
}

#[derive(Template)]
#[template(path = "alert_regenerate.html")]
struct RegeneratePage {
    f: Frame,
    id: AlertId,
    revision: i32,
    language: String,
    name: String,
    edited: bool,
    /// What would be thrown away.
    now: OtherText,
    back: String,
}

/// Which language is to be written from its template.
#[derive(Debug, Deserialize)]
pub struct Regenerate {
    revision: i32,
    language: String,
    #[serde(default)]
    confirmed: String,
}

/// Writes one language from its template, after a yes.
pub async fn regenerate(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Regenerate>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let is_own = given.language == FALLBACK;
    let back =
        if is_own { format!("/console/alerts/{id}") } else { format!("/console/alerts/{id}/texts/{}", given.language) };
    let mut tx = app.db.web.begin().await?;
    let before = super::load(&mut tx, id).await?;
    if given.confirmed != "yes" {
        let f = Frame::load(&mut tx, &app, v, "alerts").await?;
        let missing = || ApiError::NotFound(format!("the language {:?}", given.language));
        let all = std::iter::once(own(&before.row)).chain(before.texts);
        let now = all.into_iter().find(|text| text.language == given.language).ok_or_else(missing)?;
        let name = f.v.word("language", &given.language);
        let (language, revision) = (given.language, given.revision);
        return page(&RegeneratePage { f, id, revision, language, name, edited: now.edited, now, back });
    }
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let by = (v.now, staff.username.as_str());
    drafter.regenerate(&mut tx, by, (id, given.revision), &given.language).await?;
    trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("{back}?done=regenerated")).into_response())
}
