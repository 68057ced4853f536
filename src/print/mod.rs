//! Documents as PDF, set by typst. Pure: the same template, data and pictures give the same bytes.
//!
//! Templates are the files of `config/print/`, compiled in. What is to be printed comes as JSON, which a template reads with
//! `json("data.json")`, so that no word of a person is ever read as markup. Pictures come beside it and are named in the data.

mod world;

use std::sync::LazyLock;

use serde::Serialize;
use tokio::sync::Semaphore;
use typst_layout::PagedDocument;

use world::World;

/// Pictures in one document, and bytes of all of them together.
pub const MAX_PICTURES: usize = 400;
pub const MAX_PICTURE_BYTES: usize = 200 << 20;

/// Setting a long document takes all of a core and some hundred megabytes: one at a time is enough for a town.
static PRESS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// There is no such file in `config/print/`.
    #[error("there is no template {0:?}")]
    Template(String),
    /// A picture's name is none of `letters`, `digits`, `.jpg` or `.png`. Typst keeps the names of files for ever, so that there must be few of them.
    #[error("the picture's name {0:?} is not letters, digits and .jpg or .png, as p12.jpg")]
    Name(String),
    /// The bound is in [`MAX_PICTURES`] and [`MAX_PICTURE_BYTES`].
    #[error("{0} pictures of {1} bytes are too much for one document")]
    Pictures(usize, usize),
    /// The data are no JSON.
    #[error("the data cannot be written: {0}")]
    Data(#[from] serde_json::Error),
    /// What typst says, line by line, with the template's line where it is known.
    #[error("the document cannot be set: {0}")]
    Set(String),
    /// The thread that set it ended without an answer.
    #[error("the document was not finished")]
    Unfinished,
}

/// The PDF of `template` (a file in `config/print/`, as `dossier.typ`) for `data`. `pictures` are names (`p0.jpg`) with the bytes of JPEG or PNG.
///
/// # Errors
/// See [`PrintError`].
pub fn pdf(template: &str, data: &impl Serialize, pictures: &[(String, Vec<u8>)]) -> Result<Vec<u8>, PrintError> {
    check(pictures)?;
    set(template, serde_json::to_vec(data)?, pictures.to_vec())
}

/// The same apart from the runtime, one document at a time.
///
/// # Errors
/// See [`PrintError`].
pub async fn render(
    template: &'static str,
    data: &(impl Serialize + Sync),
    pictures: Vec<(String, Vec<u8>)>,
) -> Result<Vec<u8>, PrintError> {
    check(&pictures)?;
    let data = serde_json::to_vec(data)?;
    let Ok(turn) = PRESS.acquire().await else { return Err(PrintError::Unfinished) };
    let work = move || {
        // Whoever asked may have gone meanwhile: the turn is over when the document is.
        let _turn = turn;
        set(template, data, pictures)
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| PrintError::Unfinished)?
}

fn check(pictures: &[(String, Vec<u8>)]) -> Result<(), PrintError> {
    let bytes = pictures.iter().map(|(_, bytes)| bytes.len()).sum();
    if pictures.len() > MAX_PICTURES || bytes > MAX_PICTURE_BYTES {
        return Err(PrintError::Pictures(pictures.len(), bytes));
    }
    match pictures.iter().find(|(name, _)| !is_name(name)) {
        Some((name, _)) => Err(PrintError::Name(name.clone())),
        None => Ok(()),
    }
}

/// Few names at all: at most eight letters and three digits, and the kind.
fn is_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".jpg").or_else(|| name.strip_suffix(".png")) else { return false };
    let digits = stem.trim_start_matches(|c: char| c.is_ascii_lowercase());
    (1..=8).contains(&(stem.len() - digits.len())) && digits.len() <= 3 && digits.chars().all(|c| c.is_ascii_digit())
}

fn set(template: &str, data: Vec<u8>, pictures: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, PrintError> {
    let world = World::new(template, data, pictures).ok_or_else(|| PrintError::Template(template.to_owned()))?;
    let made = typst::compile::<PagedDocument>(&world)
        .output
        .and_then(|document| typst_pdf::pdf(&document, &typst_pdf::PdfOptions::default()))
        .map_err(|errors| PrintError::Set(world.explain(&errors)));
    // What typst remembers between documents is worth nothing here, and holds the data of people.
    typst::comemo::evict(0);
    made
}

#[cfg(test)]
mod tests;
