//! One item of the press with what people did: judged, taken back, or given on to be checked.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::{back, field, marked, refused, with_status, works};
use crate::accounts::Role;
use crate::app::App;
use crate::reports::Kind;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::secretariat::media_monitoring::desk;
use crate::secretariat::media_monitoring::judge::Judging;
use crate::secretariat::media_monitoring::rumour::{self, Rumour};
use crate::secretariat::media_monitoring::{Act, Item, Tone};
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_monitoring::acting;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "secretariat/sec_media_item.html")]
struct ItemPage {
    f: Frame,
    item: Item,
    acts: Vec<Act>,
    repeats: Vec<Item>,
    works: bool,
    /// What was typed, or what stands and is proposed.
    judging: Judging,
    rumour: Rumour,
    wrong: String,
    errors: Vec<FieldError>,
}

impl ItemPage {
    fn tones(&self) -> &'static [Tone] {
        Tone::ALL
    }

    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        match error.field.as_str() {
            "kind" => self.f.v.t("media-check-kind"),
            other => field(&self.f.v, other),
        }
    }

    fn mark(&self, name: &str) -> Markup {
        marked(&self.errors, name)
    }

    fn is_tone(&self, tone: &Tone) -> bool {
        self.judging.tone == tone.as_str()
    }

    fn is_kind(&self, kind: &Kind) -> bool {
        self.rumour.kind == kind.as_str()
    }

    fn act_state(&self, act: &Act) -> String {
        self.f.v.word("media-state", act.judgement.state.as_str())
    }
}

/// The forms as they were typed, with what was wrong.
#[derive(Default)]
struct Typed {
    judging: Option<Judging>,
    rumour: Option<Rumour>,
    wrong: String,
    errors: Vec<FieldError>,
}

async fn drawn(app: &App, v: View, id: Uuid, typed: Typed) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (item, acts, repeats) = desk::show(&mut conn, id).await?;
    let works = works(&v);
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let theme = if item.theme.is_empty() { item.proposed_theme.clone() } else { item.theme.clone() };
    let stands = Judging {
        tone: item.tone.clone().unwrap_or_default(),
        theme,
        spokesperson: item.spokesperson.clone(),
        note: item.note.clone(),
        ..Judging::default()
    };
    let judging = typed.judging.unwrap_or(stands);
    let rumour = typed.rumour.unwrap_or_else(|| Rumour { kind: Kind::Other.to_string(), ..Rumour::default() });
    let is_wrong = !typed.wrong.is_empty();
    let (wrong, errors) = (typed.wrong, typed.errors);
    let response = page(&ItemPage { f, item, acts, repeats, works, judging, rumour, wrong, errors })?;
    Ok(with_status(response, is_wrong))
}

pub(super) async fn show(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    drawn(&app, v, id, Typed::default()).await
}

/// The form of judging; the button says what becomes of the item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JudgeForm {
    state: String,
    tone: String,
    theme: String,
    spokesperson: String,
    note: String,
    revision: i32,
}

pub(super) async fn judge(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<JudgeForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let JudgeForm { state, tone, theme, spokesperson, note, revision } = form;
    let asked = Judging { state, tone, theme, spokesperson, note, revision };
    let mut tx = app.db.web.begin().await?;
    match desk::judge(&mut tx, acting(&app, &actor), id, &asked).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { judging: Some(asked), wrong, errors, ..Typed::default() }).await
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UndoForm {
    revision: i32,
}

pub(super) async fn undo(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<UndoForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    match desk::take_back(&mut tx, acting(&app, &actor), id, form.revision).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { wrong, errors, ..Typed::default() }).await
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RumourForm {
    kind: String,
    place: String,
    reason: String,
}

pub(super) async fn check(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<RumourForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let rumour = Rumour { kind: form.kind, place: form.place, reason: form.reason };
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match rumour::open(&mut tx, by, id, &rumour, &staff.language).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { rumour: Some(rumour), wrong, errors, ..Typed::default() }).await
        }
    }
}
