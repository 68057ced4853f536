//! One document with words of its own: written, adopted, taken back.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::typed::Typed;
use super::{status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::documents::{self, Kind, PLACES, Paragraph};
use crate::damage::papers::{self as desk, Decree};
use crate::damage::view::{self, Whole};
use crate::damage::{Document, Dossier, dossier as words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// A paragraph as it is written, and as it prints.
struct Shown {
    key: String,
    title: String,
    text: String,
    filled: String,
}

#[derive(Template)]
#[template(path = "damage_document.html")]
struct DocumentPage {
    f: Frame,
    d: Dossier,
    document: Document,
    paragraphs: Vec<Shown>,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl DocumentPage {
    fn d(&self) -> &Dossier {
        &self.d
    }

    fn val(&self, name: &str) -> &str {
        self.given.get(name)
    }
}

fn kind_of(word: &str) -> Result<Kind, ApiError> {
    let kind = word.parse::<Kind>().ok().filter(|kind| kind.has_words());
    kind.ok_or_else(|| ApiError::NotFound(format!("the document {word}")))
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path((id, kind)): Path<(Uuid, String)>,
) -> Result<Response, ApiError> {
    document_page(&app, v, (id, kind_of(&kind)?), Typed::default(), (String::new(), Vec::new())).await
}

async fn document_page(
    app: &App,
    v: View,
    (id, kind): (Uuid, Kind),
    given: Typed,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w: Whole = view::whole(&mut conn, id, (v.now, &app.config.municipality)).await?;
    let facts = words::facts(&w, &app.config.municipality);
    let document = w.document(kind).cloned().ok_or_else(|| ApiError::NotFound(format!("the document {kind}")))?;
    let one = |one: &Paragraph| {
        let typed = given.get(&one.key);
        let text = if typed.is_empty() { one.text.clone() } else { typed.to_owned() };
        let adopted = document.filled.iter().flatten().find(|other| other.key == one.key);
        let filled = adopted.map_or_else(|| documents::fill(&text, &facts), |adopted| adopted.text.clone());
        Shown { key: one.key.clone(), title: one.title.clone(), text, filled }
    };
    let paragraphs = document.paragraphs.iter().map(one).collect();
    let may_edit = w.dossier.is_open() && v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    let shown = DocumentPage { f, d: w.dossier, document, paragraphs, given, wrong, errors, may_edit };
    Ok((status, page(&shown)?).into_response())
}

/// Writes the words, adopts what stands in the form, or takes an adopted document back.
pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path((id, kind)): Path<(Uuid, String)>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let kind = kind_of(&kind)?;
    let given = Typed(given);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let revision: i32 = given.get("revision").parse().unwrap_or_default();
        let act = given.get("act");
        if matches!(act, "save" | "adopt") {
            let (_, form) = documents::begin(kind);
            let words: Vec<Paragraph> =
                form.into_iter().map(|one| Paragraph { text: given.text(&one.key), ..one }).collect();
            desk::write(&mut tx, by, (id, kind, revision), &words).await?;
        }
        match act {
            "save" => {}
            "adopt" => {
                let decree = match (kind, given.get("decree_on").trim()) {
                    (Kind::Decree, on) => {
                        let on = on.parse().map_err(|_| Refused::wrong("decree.on", on, "expected a day"))?;
                        Some(Decree { number: given.text("decree_number"), on })
                    }
                    _ => None,
                };
                desk::adopt(&mut tx, by, &app.config.municipality, (id, kind, revision + 1), decree.as_ref()).await?;
            }
            "take_back" => desk::take_back(&mut tx, by, (id, kind), given.get("reason")).await?,
            other => return Err(Refused::wrong("act", other, "expected save, adopt or take_back").into()),
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/damage/{id}/documents/{kind}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            document_page(&app, v, (id, kind), given, why).await
        }
    }
}
