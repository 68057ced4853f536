//! `/console/declarations`: a department of the town declares its damage, with a person, a document and files that prove it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use multer::{Constraints, Multipart, SizeLimit};
use uuid::Uuid;

use super::typed::Typed;
use super::{figures, status_of, told};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::departments::{self, NewDeclaration};
use crate::damage::lines::{Line, Part};
use crate::damage::store::declared::File;
use crate::damage::store::{self, declared};
use crate::damage::{Declaration, DeclaredLine, Department, Dossier, dossier as words, view};
use crate::media;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Files of one declaration, and bytes of one.
const MOST_FILES: usize = 5;
const MOST_BYTES: u64 = 10 * 1024 * 1024;
const MOST_FORM: u64 = 24 * 1024 * 1024;

#[derive(Template)]
#[template(path = "declarations.html")]
struct ListPage {
    f: Frame,
    open: Vec<Dossier>,
    own: Vec<Declaration>,
}

impl ListPage {
    fn said(&self, one: &Declaration) -> String {
        let line = |one: &DeclaredLine| {
            format!("{}: {}", self.f.v.t(&words::label_key(one.line)), figures::amount(&self.f.v, &one.amount))
        };
        one.lines.iter().map(line).collect::<Vec<_>>().join("; ")
    }
}

pub async fn list(State(app): State<App>, staff: May<can::DeclareDamage>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let open = store::list(&mut conn, None, None).await?.into_iter().filter(Dossier::is_open).collect();
    let own = declared::list(&mut conn, None, Some(staff.id.0)).await?;
    let f = Frame::load(&mut conn, &app, v, "declarations").await?;
    page(&ListPage { f, open, own })
}

#[derive(Template)]
#[template(path = "declaration.html")]
struct DeclarationPage {
    f: Frame,
    d: Dossier,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
}

impl DeclarationPage {
    fn val(&self, name: &str) -> &str {
        self.given.get(name)
    }

    fn of(&self, line: &Line, field: &str) -> &str {
        self.given.get(&format!("{line}-{field}"))
    }

    fn label(&self, line: &Line) -> String {
        self.f.v.t(&words::label_key(*line))
    }

    fn part(&self, part: &Part) -> String {
        format!("{} {}", part.number(), self.f.v.word("damage-part", part.as_str()))
    }

    fn is_used(&self, part: &Part) -> bool {
        part.lines().any(|line| {
            ["persons", "damaged", "destroyed", "value", "note"].iter().any(|field| !self.of(&line, field).is_empty())
        })
    }
}

pub async fn show(
    State(app): State<App>,
    staff: May<can::DeclareDamage>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let given = Typed(BTreeMap::from([("person".to_owned(), staff.name.clone())]));
    form_page(&app, v, id, given, (String::new(), Vec::new())).await
}

async fn form_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Typed,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = view::dossier(&mut conn, id).await?;
    if !d.is_open() && wrong.is_empty() {
        return Err(ApiError::Conflict("the dossier takes no more declarations".into()));
    }
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "declarations").await?;
    Ok((status, page(&DeclarationPage { f, d, given, wrong, errors })?).into_response())
}

/// What a form brought: its fields, and its files as they came.
struct Sent {
    fields: BTreeMap<String, String>,
    files: Vec<(String, Bytes)>,
}

async fn sent(request: Request) -> Result<Sent, (&'static str, BTreeMap<String, String>)> {
    let mut fields = BTreeMap::new();
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let Some(boundary) = kind.and_then(|kind| multer::parse_boundary(kind).ok()) else {
        return Err(("damage-file-broken", fields));
    };
    let limits = SizeLimit::new().whole_stream(MOST_FORM).per_field(16 * 1024).for_field("files", MOST_BYTES);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut files = Vec::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return Ok(Sent { fields, files }),
            Err(_) => return Err(("damage-file-broken", fields)),
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "files" {
            let called = field.file_name().unwrap_or_default().to_owned();
            let Ok(bytes) = field.bytes().await else { return Err(("damage-file-large", fields)) };
            if bytes.is_empty() {
                continue;
            }
            if files.len() == MOST_FILES {
                return Err(("damage-file-many", fields));
            }
            files.push((called, bytes));
        } else if name.len() <= 60 && fields.len() < 400 {
            let Ok(text) = field.text().await else { return Err(("damage-file-broken", fields)) };
            fields.insert(name, text);
        } else {
            return Err(("damage-file-broken", fields));
        }
    }
}

/// Pictures are written anew, without what rode along; a PDF is kept as it came, and only ever handed out to be saved.
async fn kept(files: Vec<(String, Bytes)>) -> Result<Vec<File>, Refused> {
    let mut kept = Vec::new();
    for (at, (called, bytes)) in files.into_iter().enumerate() {
        let name: String = called
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|letter| !letter.is_control())
            .take(150)
            .collect();
        let name = if name.trim().is_empty() { format!("anexo-{}", at + 1) } else { name.trim().to_owned() };
        if bytes.starts_with(b"%PDF-") {
            kept.push(File { name, media_type: "application/pdf", content: bytes.to_vec() });
            continue;
        }
        match media::develop(bytes).await {
            Ok(picture) => kept.push(File { name, media_type: media::MEDIA_TYPE, content: picture.jpeg }),
            Err(_) => return Err(Refused::wrong("files", name, "expected PDF, JPEG, PNG or WebP")),
        }
    }
    Ok(kept)
}

fn declared_of(given: &Typed) -> Result<NewDeclaration, PlanError> {
    let department: Department = given
        .get("department")
        .parse()
        .map_err(|_| Refused::wrong("department", given.get("department"), "expected a department"))?;
    let mut problems = Vec::new();
    let mut lines = Vec::new();
    for line in Line::ALL {
        let amount = given.amount(&format!("{line}-"), *line, &mut problems);
        let note = given.text(&format!("{line}-note"));
        if !amount.is_empty() || !note.is_empty() {
            lines.push(DeclaredLine { line: *line, amount, note });
        }
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let text = |name: &str| given.text(name);
    let (person, registry) = (text("person"), text("registry"));
    Ok(NewDeclaration { department, person, registry, document: text("document"), words: text("words"), lines })
}

pub async fn send(
    State(app): State<App>,
    staff: May<can::DeclareDamage>,
    v: View,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    let Sent { fields, files } = match sent(request).await {
        Ok(sent) => sent,
        Err((key, fields)) => {
            let wrong = v.t(key);
            return form_page(&app, v, id, Typed(fields), (wrong, Vec::new())).await;
        }
    };
    let given = Typed(fields);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let new = declared_of(&given)?;
        let files = kept(files).await?;
        let mut tx = app.db.web.begin().await?;
        departments::declare(&mut tx, by, id, (&new, &files)).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to("/console/declarations").into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            form_page(&app, v, id, given, why).await
        }
    }
}
