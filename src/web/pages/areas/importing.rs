//! Areas from a file or a service: first what it would change, then the change.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::versions::{km2, standing_words};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::import::{Changed, Failure, Outcome, Wish, take};
use crate::areas::store::{self, Kept};
use crate::areas::{Origin, service};
use crate::catalogue::{Format, ImportError};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Bytes of a file that the page takes; larger ones go through `sentinela import areas`.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Template)]
#[template(path = "area_import.html")]
struct ImportPage {
    f: Frame,
    wrong: String,
    url: String,
}

/// Asks for a file or an address.
pub async fn open(State(app): State<App>, _: May<can::EditCatalogue>, v: View) -> Result<Response, ApiError> {
    asked(&app, v, String::new(), String::new()).await
}

async fn asked(app: &App, v: View, wrong: String, url: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "areas").await?;
    page(&ImportPage { f, wrong, url })
}

/// What the form brought.
#[derive(Default)]
struct Brought {
    url: String,
    name: String,
    file: Vec<u8>,
}

async fn brought(request: Request) -> Option<Brought> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let limits = SizeLimit::new().whole_stream(MAX_BYTES).per_field(8 * 1024).for_field("file", MAX_BYTES);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut brought = Brought::default();
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("url") => brought.url = field.text().await.ok()?.trim().to_owned(),
            Some("file") => {
                brought.name = field.file_name().unwrap_or_default().chars().take(200).collect();
                brought.file = field.bytes().await.ok()?.to_vec();
            }
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some(brought)
}

/// Reads the file or the service, keeps it for a day, and leads to what it would change.
pub async fn send(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(given) = brought(request).await else {
        let wrong = v.t("import-broken");
        return asked(&app, v, wrong, String::new()).await;
    };
    let (origin, name, body) = if given.file.is_empty() {
        if given.url.is_empty() {
            let wrong = v.t("import-nothing");
            return asked(&app, v, wrong, String::new()).await;
        }
        match service::fetch(&app.outbound, &given.url).await {
            Ok(fetched) => (Origin::Service, given.url.chars().take(500).collect(), fetched.body),
            Err(error) => {
                let wrong = v.t1("import-service-wrong", "why", error);
                return asked(&app, v, wrong, given.url).await;
            }
        }
    } else {
        let name = if given.name.is_empty() { "areas".to_owned() } else { given.name };
        (Origin::Import, name, given.file)
    };
    let beginning = String::from_utf8_lossy(body.get(..64).unwrap_or(&body)).into_owned();
    let kept = Kept {
        id: app.ids.uuid(v.now),
        created_at: v.now,
        author: staff.username.clone(),
        name,
        origin,
        format: Format::guess(&beginning),
        sha256: crate::hexadecimal::hex(&Sha256::digest(&body)),
        body,
    };
    store::keep_import(&mut *app.db.web.acquire().await?, &kept).await?;
    Ok(Redirect::to(&format!("/console/area-imports/{}", kept.id)).into_response())
}

#[derive(Template)]
#[template(path = "area_preview.html")]
struct PreviewPage {
    f: Frame,
    kept: Kept,
    o: Outcome,
    /// Errors that stop everything.
    errors: Vec<ImportError>,
    errors_total: usize,
    given: Chosen,
    wrong: String,
}

impl PreviewPage {
    fn km2(&self, value: &f64) -> String {
        km2(&self.f.v, *value)
    }

    fn standing(&self) -> String {
        standing_words(&self.f.v, &self.o.standing)
    }

    fn changes_something(&self) -> bool {
        self.o.created + self.o.updated + self.o.returned + self.o.retired > 0
    }

    /// "R2 → R4 Deslizamentos".
    fn hazards(&self, changed: &Changed) -> Vec<String> {
        let words = |change: &crate::areas::HazardChange| {
            let was = change.before.clone().unwrap_or_else(|| "–".to_owned());
            let is_now = change.after.clone().unwrap_or_else(|| "–".to_owned());
            format!("{} {was} → {is_now}", self.f.v.hazard(&change.cobrade))
        };
        changed.difference.hazards.iter().map(words).collect()
    }
}

/// How the import is to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    mend: String,
    leave_out: String,
    retire_missing: String,
    confirm: String,
    reason: String,
    /// `take` does it; anything else looks again.
    act: String,
}

impl Chosen {
    fn wish<'a>(&'a self, kept: &'a Kept, dry_run: bool) -> Wish<'a> {
        Wish {
            name: &kept.name,
            origin: kept.origin,
            reason: self.reason.trim(),
            dry_run,
            mend: !self.mend.is_empty(),
            leave_out: !self.leave_out.is_empty(),
            retire_missing: !self.retire_missing.is_empty(),
            confirmed: !self.confirm.is_empty(),
        }
    }
}

/// What it would change.
pub async fn preview(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    looked(&app, &staff.actor(), v, id, Chosen::default(), String::new()).await
}

async fn looked(
    app: &App,
    actor: &crate::audit::Actor,
    v: View,
    id: Uuid,
    given: Chosen,
    wrong: String,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let kept = store::find_import(&mut conn, id).await?;
    let kept = kept.ok_or_else(|| ApiError::NotFound(format!("import {id}")))?;
    let by = Acting { ids: &app.ids, now: v.now, actor };
    let (o, errors, errors_total) = match take(&mut conn, by, (kept.format, &kept.body), given.wish(&kept, true)).await
    {
        Ok(outcome) => (outcome, Vec::new(), 0),
        Err(Failure::Problems(problems)) => (Outcome::default(), problems.kept().to_vec(), problems.total()),
        Err(other) => return Err(other.into()),
    };
    let f = Frame::load(&mut conn, app, v, "areas").await?;
    page(&PreviewPage { f, kept, o, errors, errors_total, given, wrong })
}

/// Looks again with other choices, or takes it in.
pub async fn act(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Chosen>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    if given.act != "take" {
        return looked(&app, &actor, v, id, given, String::new()).await;
    }
    let mut conn = app.db.web.acquire().await?;
    let kept = store::find_import(&mut conn, id).await?;
    let kept = kept.ok_or_else(|| ApiError::NotFound(format!("import {id}")))?;
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    match take(&mut conn, by, (kept.format, &kept.body), given.wish(&kept, false)).await {
        Ok(_) => {
            store::discard_import(&mut conn, id).await?;
            Ok(Redirect::to("/console/areas").into_response())
        }
        Err(Failure::Standing(standing)) => {
            drop(conn);
            let wrong = v.t1("area-standing", "what", standing_words(&v, &standing));
            looked(&app, &actor, v, id, given, wrong).await
        }
        Err(Failure::Problems(_)) => {
            drop(conn);
            looked(&app, &actor, v, id, given, String::new()).await
        }
        Err(other) => Err(other.into()),
    }
}
