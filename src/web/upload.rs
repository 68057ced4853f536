//! Photographs from a form (`multipart/form-data`): read part by part, so that no more than one file as it came is in memory,
//! and each developed before the next is read.
//!
//! The names and media types that the parts give themselves are never looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use multer::{Constraints, Multipart, SizeLimit};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::i18n::Lang;
use crate::incidents::photographs::MAX_CAPTION;
use crate::media::{self, Picture, Refused};
use crate::web::error::ApiError;

/// Files in one form.
pub const MAX_FILES: usize = 12;
/// Everything in a form that is no file, in bytes.
const MAX_FIELD_BYTES: u64 = 8 * 1024;
/// How far the field `csrf` is looked for: forms bring it first.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// How long somebody whose form is refused may go on sending before the line is cut.
const DRAIN: Duration = Duration::from_secs(10);

/// Forms read at once; beyond it the next is asked to come again.
static UPLOADS: Semaphore = Semaphore::const_new(6);

/// The names of the fields.
const CAPTION: &str = "caption";
const FILES: &str = "photographs";
const CSRF: &str = "csrf";

/// Forms of people who are not signed in have turns of their own, so that these never keep staff waiting.
static PUBLIC_UPLOADS: Semaphore = Semaphore::const_new(4);

/// What a form of fields and photographs may hold.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The names of its fields beside the photographs; any other name is refused.
    pub fields: &'static [&'static str],
    /// Bytes of one field.
    pub max_field_bytes: u64,
    pub max_files: usize,
    /// For people who are not signed in.
    pub is_public: bool,
}

/// What a form of fields and photographs brought.
#[derive(Debug, Default)]
pub struct Filled {
    pub fields: BTreeMap<String, String>,
    pub pictures: Vec<Picture>,
}

/// What a form brought.
#[derive(Debug)]
pub struct Upload {
    /// One line, at most [`MAX_CAPTION`] letters.
    pub caption: String,
    /// At least one.
    pub pictures: Vec<Picture>,
}

/// Why a form is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    MediaType,
    /// It broke off, or is not written as it must be.
    Broken,
    TooLarge,
    Busy,
    NoFiles,
    /// More than so many.
    TooManyFiles(usize),
    Caption,
    Field,
    /// The nth file.
    Picture(usize, Refused),
}

impl Wrong {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge | Self::Picture(_, Refused::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// For people.
    pub fn words(self, lang: Lang) -> String {
        match self {
            Self::MediaType | Self::Broken | Self::Field => lang.t("photographs-broken"),
            Self::TooLarge => lang.t("photographs-too-large"),
            Self::Busy => lang.t("photographs-busy"),
            Self::NoFiles => lang.t("photographs-none-chosen"),
            Self::TooManyFiles(most) => lang.t1("photographs-too-many", "n", most as i64),
            Self::Caption => lang.t1("photographs-caption-long", "n", MAX_CAPTION as i64),
            Self::Picture(place, refused) => {
                lang.t2("photographs-refused", "place", place as i64, "why", lang.t(refused.key()))
            }
        }
    }
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::MediaType => Self::WrongMediaType("multipart/form-data"),
            Wrong::Broken => Self::bad("the form broke off, or is no multipart/form-data; nothing was stored"),
            Wrong::TooLarge | Wrong::Picture(_, Refused::TooLarge) => Self::TooLarge,
            Wrong::Busy => Self::Unavailable("too many uploads at the moment; nothing was stored, try again".into()),
            Wrong::NoFiles => Self::field(FILES, "", "expected at least one file"),
            Wrong::TooManyFiles(most) => Self::field(FILES, "", format!("expected at most {most} files")),
            Wrong::Caption => {
                Self::field(CAPTION, "", format!("expected at most {MAX_CAPTION} characters, none of them for control"))
            }
            Wrong::Field => Self::bad("a field of the form is unknown or too long; nothing was stored"),
            Wrong::Picture(place, refused) => Self::field(format!("{FILES}[{}]", place - 1), "", refused.to_string()),
        }
    }
}

impl From<multer::Error> for Wrong {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::StreamSizeExceeded { .. } => Self::TooLarge,
            multer::Error::FieldSizeExceeded { field_name, .. } if field_name.as_deref() == Some(CAPTION) => {
                Self::Caption
            }
            multer::Error::FieldSizeExceeded { .. } => Self::Field,
            _ => Self::Broken,
        }
    }
}

/// The form of an incident's photographs.
const PHOTOGRAPHS: Shape =
    Shape { fields: &[CAPTION], max_field_bytes: MAX_FIELD_BYTES, max_files: MAX_FILES, is_public: false };

/// Reads a form of photographs.
///
/// # Errors
/// Why it is not taken; then none of it is.
pub async fn read(app: &App, request: Request) -> Result<Upload, Wrong> {
    let Filled { mut fields, pictures } = read_form(app, request, PHOTOGRAPHS).await?;
    if pictures.is_empty() {
        return Err(Wrong::NoFiles);
    }
    let caption = one_line(&fields.remove(CAPTION).unwrap_or_default())?;
    Ok(Upload { caption, pictures })
}

/// Reads a form of fields and photographs. Of a form that is refused the rest is read and dropped for a while, because a browser that
/// cannot finish sending shows a broken line instead of the reason.
///
/// # Errors
/// Why it is not taken; then none of it is.
pub async fn read_form(app: &App, request: Request, shape: Shape) -> Result<Filled, Wrong> {
    let boundary = boundary(request.headers());
    let (body, rest) = shared(request.into_body());
    let turns = if shape.is_public { &PUBLIC_UPLOADS } else { &UPLOADS };
    let result = match (boundary, turns.try_acquire()) {
        (None, _) => Err(Wrong::MediaType),
        (_, Err(_)) => Err(Wrong::Busy),
        (Some(boundary), Ok(_turn)) => {
            let limits = SizeLimit::new()
                .whole_stream(app.config.http.max_upload_bytes as u64)
                .per_field(shape.max_field_bytes)
                .for_field(FILES, media::MAX_BYTES as u64 + 1);
            parts(Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits)), shape).await
        }
    };
    if result.is_err() {
        drop_rest(rest, app.config.http.max_upload_bytes).await;
    }
    result
}

/// Reads and drops the body of a request that is refused for another reason.
pub async fn pass_over(app: &App, request: Request) {
    let (_, rest) = shared(request.into_body());
    drop_rest(rest, app.config.http.max_upload_bytes).await;
}

async fn parts(mut form: Multipart<'_>, shape: Shape) -> Result<Filled, Wrong> {
    let Filled { mut fields, mut pictures } = Filled::default();
    while let Some(field) = form.next_field().await? {
        match field.name() {
            // The gate has held it against the session's.
            Some(CSRF) => drop(field.bytes().await?),
            Some(name) if shape.fields.contains(&name) => {
                let name = name.to_owned();
                fields.insert(name, field.text().await?);
            }
            Some(FILES) => {
                // A browser sends an empty part when nothing was chosen.
                let is_chosen = field.file_name().is_none_or(|name| !name.is_empty());
                let place = pictures.len() + 1;
                let file = field.bytes().await.map_err(|error| match error {
                    multer::Error::FieldSizeExceeded { .. } => Wrong::Picture(place, Refused::TooLarge),
                    other => other.into(),
                })?;
                if file.is_empty() && !is_chosen {
                    continue;
                }
                if place > shape.max_files {
                    return Err(Wrong::TooManyFiles(shape.max_files));
                }
                pictures.push(media::develop(file).await.map_err(|refused| Wrong::Picture(place, refused))?);
            }
            _ => return Err(Wrong::Field),
        }
    }
    Ok(Filled { fields, pictures })
}

fn one_line(text: &str) -> Result<String, Wrong> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_good = line.chars().count() <= MAX_CAPTION && !line.chars().any(char::is_control);
    if is_good { Ok(line) } else { Err(Wrong::Caption) }
}

/// The boundary of a multipart form; `None` for every other media type.
fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// True when the body is a multipart form.
pub fn is_form(headers: &HeaderMap) -> bool {
    boundary(headers).is_some()
}

/// The field `csrf` at the beginning of a multipart form, and the request as it was: only the beginning is read, so that a form
/// of a foreign page costs no more than that.
pub async fn csrf(request: Request) -> (Request, Option<String>) {
    let boundary = boundary(request.headers());
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let mut head = BytesMut::new();
    let mut failed = None;
    while head.len() < MAX_HEAD_BYTES && failed.is_none() {
        match body.next().await {
            Some(Ok(bytes)) => head.extend_from_slice(&bytes),
            Some(Err(error)) => failed = Some(error),
            None => break,
        }
    }
    let head = head.freeze();
    let value = match boundary {
        Some(boundary) => first_field(head.clone(), boundary).await,
        None => None,
    };
    let begun = stream::iter([Ok(head)]).chain(stream::iter(failed.map(Err))).chain(body);
    (Request::from_parts(parts, Body::from_stream(begun)), value)
}

async fn first_field(head: Bytes, boundary: String) -> Option<String> {
    let mut form = Multipart::new(stream::iter([Ok::<_, std::io::Error>(head)]), boundary);
    let field = form.next_field().await.ok()??;
    if field.name() == Some(CSRF) { field.text().await.ok() } else { None }
}

type Shared = Arc<Mutex<BodyDataStream>>;

/// The body as a stream, and a hold on what that stream leaves.
fn shared(body: Body) -> (impl Stream<Item = Result<Bytes, axum::Error>> + Send, Shared) {
    let rest = Arc::new(Mutex::new(body.into_data_stream()));
    let body = Arc::clone(&rest);
    let stream =
        stream::poll_fn(move |context| body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context));
    (stream, rest)
}

async fn drop_rest(rest: Shared, most: usize) {
    let reading = async {
        let mut left = most;
        let mut rest = stream::poll_fn(move |context| {
            rest.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
        });
        while let Some(Ok(bytes)) = rest.next().await {
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                break;
            }
        }
    };
    // Whoever is slower than that has to live with the cut.
    let _ = tokio::time::timeout(DRAIN, reading).await;
}
