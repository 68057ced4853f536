//! What typst may see: the templates, the fonts of the pages, and the data and pictures of one document. No file of the machine, no
//! network, no clock.

use std::collections::HashMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, WorldExt};

#[derive(RustEmbed)]
#[folder = "config/print/"]
struct Templates;

/// The letters of the pages, so that paper and screen look alike.
const FONTS: [&[u8]; 2] = [
    include_bytes!("../picture/fonts/atkinson-hyperlegible-next-regular.ttf"),
    include_bytes!("../picture/fonts/atkinson-hyperlegible-next-bold.ttf"),
];

/// What is the same for all documents: built once.
static GROUND: LazyLock<(LazyHash<Library>, Vec<Font>, LazyHash<FontBook>)> = LazyLock::new(|| {
    let fonts: Vec<Font> = FONTS.iter().flat_map(|bytes| Font::iter(Bytes::new(*bytes))).collect();
    let mut book = FontBook::new();
    for font in &fonts {
        book.push(font.info().clone());
    }
    (LazyHash::new(Library::builder().build()), fonts, LazyHash::new(book))
});

pub struct World {
    main: FileId,
    files: HashMap<FileId, Bytes>,
}

impl World {
    /// None where there is no such template.
    pub fn new(template: &str, data: Vec<u8>, pictures: Vec<(String, Vec<u8>)>) -> Option<Self> {
        let main = file_id(template)?;
        Templates::get(template)?;
        let mut files = HashMap::with_capacity(pictures.len() + 1);
        files.insert(file_id("data.json")?, Bytes::new(data));
        for (name, bytes) in pictures {
            files.insert(file_id(&name)?, Bytes::new(bytes));
        }
        Some(Self { main, files })
    }

    /// The errors in words, each with the file and line it belongs to.
    pub fn explain(&self, errors: &[SourceDiagnostic]) -> String {
        let told = errors.iter().map(|error| {
            let place = error.span.id().map(|id| {
                let line = self.range(error.span).and_then(|range| self.line(id, range.start));
                format!(
                    "{}:{}: ",
                    id.vpath().get_without_slash(),
                    line.map_or_else(|| "?".to_owned(), |line| line.to_string())
                )
            });
            format!("{}{}", place.unwrap_or_default(), error.message)
        });
        told.collect::<Vec<_>>().join("; ")
    }

    fn line(&self, id: FileId, at: usize) -> Option<usize> {
        let source = typst::World::source(self, id).ok()?;
        source.text().get(..at).map(|before| before.matches('\n').count() + 1)
    }
}

fn file_id(name: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?).intern())
}

impl typst::World for World {
    fn library(&self) -> &LazyHash<Library> {
        &GROUND.0
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &GROUND.2
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let text = String::from_utf8(self.file(id)?.to_vec()).map_err(|_| FileError::InvalidUtf8)?;
        Ok(Source::new(id, text))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if let Some(bytes) = self.files.get(&id) {
            return Ok(bytes.clone());
        }
        let path = id.vpath().get_without_slash();
        let template = Templates::get(path).ok_or_else(|| FileError::NotFound(path.into()))?;
        Ok(Bytes::new(template.data.into_owned()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        GROUND.1.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
