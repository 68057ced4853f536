//! Photographs from a form (`multipart/form-data`): read part by part, so that no more than one file as it came is in memory,
//! and each developed before the next is read.
//!
//! Reading takes no turn, because a sender may be slow: bytes under way are bounded, and so are the forms of one address, and a
//! sender has to keep a least rate. Only developing a picture takes its turn.
//!
//! The names and media types that the parts give themselves are never looked at.

mod room;
mod source;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Form, FromRequest as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::Semaphore;

use self::room::{Place, Room};
use self::source::{Shared, TooSlow};
use crate::app::App;
use crate::i18n::Lang;
use crate::incidents::photographs::MAX_CAPTION;
use crate::media::{self, Picture, Refused};
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

/// Files in one form.
pub const MAX_FILES: usize = 12;
/// Everything in a form that is no file, in bytes.
const MAX_FIELD_BYTES: u64 = 8 * 1024;
/// How far the field `csrf` is looked for: forms bring it first.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// How long somebody whose form is refused may go on sending before the line is cut.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a picture waits for its turn to be developed.
const TURN: Duration = Duration::from_secs(30);

/// How long a form waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

const MIB: usize = 1024 * 1024;
/// Files of staff that are under way; the town hall is one address.
static ROOM: Room = Room::new(6 * media::MAX_BYTES, (6 * media::MAX_BYTES, 64), PATIENCE);
/// Of everybody else. A neighbourhood shares an address behind a mobile operator, and whoever finds no room still reports
/// without the picture.
static PUBLIC_ROOM: Room = Room::new(80 * MIB, (40 * MIB, 32), PATIENCE);

/// Pictures in line to be developed. The public's have turns of their own, so that these never keep staff waiting.
static TURNS: Semaphore = Semaphore::const_new(6);
static PUBLIC_TURNS: Semaphore = Semaphore::const_new(2);

/// The names of the fields.
const CAPTION: &str = "caption";
const FILES: &str = "photographs";
const CSRF: &str = "csrf";

/// What becomes of a form when one of its pictures cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// Then none of the form is taken.
    All,
    /// The form is taken without it: words are worth more.
    Good,
    /// No picture is looked at: of this form only the words are wanted.
    None,
}

/// What a form of fields and photographs may hold.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The names of its fields beside the photographs; any other name is refused.
    pub fields: &'static [&'static str],
    /// Bytes of one field.
    pub max_field_bytes: u64,
    pub max_files: usize,
    pub pictures: Pictures,
    /// For people who are not signed in.
    pub is_public: bool,
}

/// What a form of fields and photographs brought.
#[derive(Debug, Default)]
pub struct Filled {
    pub fields: BTreeMap<String, String>,
    pub pictures: Vec<Picture>,
    /// Pictures that were sent and could not be kept.
    pub left_out: usize,
}

/// A form that is not taken, with the words it had brought by then: nobody should have to type them again.
#[derive(Debug)]
pub struct Halted {
    pub wrong: Wrong,
    pub fields: BTreeMap<String, String>,
}

impl From<Halted> for Wrong {
    fn from(halted: Halted) -> Self {
        halted.wrong
    }
}

impl From<Halted> for ApiError {
    fn from(halted: Halted) -> Self {
        halted.wrong.into()
    }
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
    /// It came slower than the least rate.
    Slow,
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
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// For people.
    pub fn words(self, lang: Lang) -> String {
        match self {
            Self::MediaType | Self::Broken | Self::Field => lang.t("photographs-broken"),
            Self::TooLarge => lang.t("photographs-too-large"),
            Self::Slow => lang.t("photographs-slow"),
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
            Wrong::Slow => Self::bad("the form came too slowly and was ended; nothing was stored, send it again"),
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
            multer::Error::StreamReadFailed(cause) if cause.is::<TooSlow>() => Self::Slow,
            _ => Self::Broken,
        }
    }
}

/// The form of an incident's photographs.
const PHOTOGRAPHS: Shape = Shape {
    fields: &[CAPTION],
    max_field_bytes: MAX_FIELD_BYTES,
    max_files: MAX_FILES,
    pictures: Pictures::All,
    is_public: false,
};

/// Reads a form of photographs.
///
/// # Errors
/// Why it is not taken; then none of it is.
pub async fn read(app: &App, request: Request) -> Result<Upload, Wrong> {
    let Filled { mut fields, pictures, .. } = read_form(app, request, PHOTOGRAPHS).await?;
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
/// Why it is not taken, and what it had said; then none of it is stored.
pub async fn read_form(app: &App, request: Request, shape: Shape) -> Result<Filled, Halted> {
    let most = app.config.http.max_upload_bytes;
    let boundary = boundary(request.headers());
    let address = request.extensions().get::<ClientAddress>().and_then(|address| address.0);
    let source = Shared::new(request.into_body());
    let mut reading = Reading { shape, source: &source, place: None, filled: Filled::default(), files: 0 };
    let result = match boundary {
        None => Err(Wrong::MediaType),
        Some(boundary) => {
            let limits = SizeLimit::new()
                .whole_stream(most as u64)
                .per_field(shape.max_field_bytes)
                // The reader of the file bounds it, so that the parts behind one that is too large are still read.
                .for_field(FILES, most as u64);
            let form = Multipart::with_constraints(source.stream(), boundary, Constraints::new().size_limit(limits));
            reading.all(form, address).await
        }
    };
    let Reading { filled, place, .. } = reading;
    drop(place);
    match result {
        Ok(()) => Ok(filled),
        Err(wrong) => {
            source.drop_rest(most, DRAIN).await;
            Err(Halted { wrong, fields: filled.fields })
        }
    }
}

/// Reads a form that may bring photographs: of fields and files, or of fields alone as browsers send forms without files.
///
/// # Errors
/// Why it is not taken, and what it had said; then none of it is stored.
pub async fn fields(app: &App, request: Request, shape: Shape) -> Result<Filled, Halted> {
    if is_form(request.headers()) {
        return read_form(app, request, shape).await;
    }
    let halted = |wrong| Halted { wrong, fields: BTreeMap::new() };
    let given = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
    let Form(given) = given.map_err(|_| halted(Wrong::Broken))?;
    let fields: BTreeMap<String, String> =
        given.into_iter().filter(|(name, _)| shape.fields.contains(&name.as_str())).collect();
    if fields.values().any(|value| value.len() as u64 > shape.max_field_bytes) {
        return Err(halted(Wrong::Field));
    }
    Ok(Filled { fields, ..Filled::default() })
}

/// Reads and drops the body of a request that is refused for another reason.
pub async fn pass_over(app: &App, request: Request) {
    Shared::new(request.into_body()).drop_rest(app.config.http.max_upload_bytes, DRAIN).await;
}

/// A form that is being read.
struct Reading<'a> {
    shape: Shape,
    source: &'a Shared,
    /// The room that its files have; none for a form whose pictures are not looked at.
    place: Option<Place<'static>>,
    filled: Filled,
    /// Files so far, kept or not.
    files: usize,
}

impl Reading<'_> {
    async fn all(&mut self, mut form: Multipart<'_>, address: Option<IpAddr>) -> Result<(), Wrong> {
        let room = if self.shape.is_public { &PUBLIC_ROOM } else { &ROOM };
        if self.shape.pictures != Pictures::None {
            self.place = match room.enter(address).await {
                Ok(place) => Some(place),
                Err(_) if self.shape.pictures == Pictures::All => return Err(Wrong::Busy),
                Err(_) => None,
            };
        }
        while let Some(field) = form.next_field().await? {
            match field.name() {
                // The gate has held it against the session's.
                Some(CSRF) => drop(field.bytes().await?),
                Some(name) if self.shape.fields.contains(&name) => {
                    let name = name.to_owned();
                    self.filled.fields.insert(name, field.text().await?);
                }
                Some(FILES) => self.file(field).await?,
                _ => return Err(Wrong::Field),
            }
        }
        Ok(())
    }

    /// One file: kept, left out, or the reason why the form is not taken.
    async fn file(&mut self, field: Field<'_>) -> Result<(), Wrong> {
        // A browser sends an empty part when nothing was chosen.
        let is_chosen = field.file_name().is_none_or(|name| !name.is_empty());
        let number = self.files + 1;
        let file = self.collect(field, number).await?;
        if !is_chosen && file.as_ref().is_ok_and(Bytes::is_empty) {
            return Ok(());
        }
        self.files = number;
        let picture = match file {
            Ok(file) => self.develop(file, number).await,
            Err(wrong) => Err(wrong),
        };
        if let Some(place) = &mut self.place {
            place.shrink();
        }
        self.source.was_busy();
        match picture {
            Ok(picture) => self.filled.pictures.push(picture),
            Err(wrong) if self.shape.pictures == Pictures::All => return Err(wrong),
            Err(_) => self.filled.left_out += 1,
        }
        Ok(())
    }

    /// The bytes of a file, or why it cannot be kept; then it is read to its end all the same, because the parts behind it may be
    /// words.
    async fn collect(&mut self, mut field: Field<'_>, number: usize) -> Result<Result<Bytes, Wrong>, Wrong> {
        let mut bytes = BytesMut::new();
        let mut wrong = (number > self.shape.max_files).then_some(Wrong::TooManyFiles(self.shape.max_files));
        while let Some(chunk) = field.chunk().await? {
            if wrong.is_none() {
                wrong = self.room_for(bytes.len(), chunk.len(), number).await.err();
            }
            match wrong {
                None => bytes.extend_from_slice(&chunk),
                Some(wrong) if self.shape.pictures == Pictures::All => return Err(wrong),
                // What was kept of it makes room at once.
                Some(_) if !bytes.is_empty() => {
                    bytes = BytesMut::new();
                    self.place.iter_mut().for_each(Place::shrink);
                }
                Some(_) => {}
            }
        }
        Ok(wrong.map_or(Ok(bytes.freeze()), Err))
    }

    async fn room_for(&mut self, kept: usize, more: usize, number: usize) -> Result<(), Wrong> {
        if kept + more > media::MAX_BYTES {
            return Err(Wrong::Picture(number, Refused::TooLarge));
        }
        let place = self.place.as_mut().ok_or(Wrong::Busy)?;
        let room = place.grow(more).await;
        self.source.was_busy();
        room.map_err(|_| Wrong::Busy)
    }

    async fn develop(&self, file: Bytes, number: usize) -> Result<Picture, Wrong> {
        let turns = if self.shape.is_public { &PUBLIC_TURNS } else { &TURNS };
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN, turns.acquire()).await else { return Err(Wrong::Busy) };
        media::develop(file).await.map_err(|refused| Wrong::Picture(number, refused))
    }
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
