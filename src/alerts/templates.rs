//! The words of an alert: one TOML file a language under config/templates, checked whole when the service starts.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;

use self::file::{ByKind, File, HazardText};
use super::kind::{AlertKind, Hazard};
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::dispatch::sms_text::{measure, transliterate};
use crate::units::Level;

/// Compiled in, so that a lost folder never silences an alert.
const BUILT_IN: [(&str, &str); 3] = [
    ("pt-BR.toml", include_str!("../../config/templates/pt-BR.toml")),
    ("en.toml", include_str!("../../config/templates/en.toml")),
    ("es.toml", include_str!("../../config/templates/es.toml")),
];

/// The language used where the wanted one has no file.
pub const FALLBACK: &str = "pt-BR";

/// CAP 1.2 recommends headlines of at most this many characters.
const HEADLINE_CHARS: usize = 140;
const HEADLINE_NAMES: usize = 3;
const DESCRIPTION_NAMES: usize = 20;
const SMS_NAMES: usize = 5;
const SMS_SEGMENTS: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{}: cannot be read: {source}", .file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// A key that is missing, unknown, empty, of the wrong type, or with a placeholder that means nothing there.
    #[error("{}: key `{key}`: {message}", .file.display())]
    Key { file: PathBuf, key: String, message: String },
}

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub cobrade: Cobrade,
    /// Below observation (normal, unknown) reads as observation.
    pub level: Level,
    pub kind: AlertKind,
    /// "pt-BR", "en", "es" or any language of the folder.
    pub language: &'a str,
    /// Most important first. Empty: the whole town.
    pub area_names: &'a [String],
    pub town: &'a str,
    /// The emergency number.
    pub contact: &'a str,
    /// In the local time of the municipality.
    pub expires_local: NaiveDateTime,
    pub exercise: AlertStatus,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// At most 140 characters.
    pub headline: String,
    pub description: String,
    /// Numbered lines.
    pub instruction: String,
    /// In the GSM alphabet, at most two segments, unless a name has letters without likeness.
    pub sms: String,
}

/// Texts by language.
#[derive(Clone, Debug)]
pub struct Templates {
    by_language: BTreeMap<String, File>,
    fallback: File,
}

impl Templates {
    /// Reads one file's text and throws it away.
    ///
    /// # Errors
    /// The key that is wrong, with the reason.
    pub fn check(text: &str) -> Result<(), TemplateError> {
        File::parse(Path::new("template.toml"), text).map(|_| ())
    }

    /// The built-in texts, with the `*.toml` of `dir` replacing or adding languages.
    pub fn load(dir: Option<&Path>) -> Result<Self, TemplateError> {
        let mut by_language = BTreeMap::new();
        for (name, text) in BUILT_IN {
            let file = File::parse(Path::new(name), text)?;
            by_language.insert(file.language.clone(), file);
        }
        for path in dir.map(toml_files).transpose()?.unwrap_or_default() {
            let text =
                std::fs::read_to_string(&path).map_err(|source| TemplateError::Read { file: path.clone(), source })?;
            let file = File::parse(&path, &text)?;
            by_language.insert(file.language.clone(), file);
        }
        let missing = || TemplateError::Key {
            file: PathBuf::from(FALLBACK),
            key: "language".into(),
            message: "no file has this language".into(),
        };
        let fallback = by_language.get(FALLBACK).cloned().ok_or_else(missing)?;
        Ok(Self { by_language, fallback })
    }

    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.by_language.keys().map(String::as_str)
    }

    fn file(&self, language: &str) -> &File {
        self.by_language.get(language).unwrap_or(&self.fallback)
    }

    /// What a danger is called in a language.
    pub fn hazard_name(&self, cobrade: Cobrade, language: &str) -> String {
        let name = &self.file(language).hazard.of(Hazard::of(cobrade)).name;
        name.replace("{cobrade}", &cobrade.name().to_lowercase())
    }

    /// That an alert is based on a warning of another institution; none in a language whose file has no words for it.
    pub fn attribution(&self, language: &str, publisher: &str, number: &str, at: NaiveDateTime) -> Option<String> {
        let file = self.by_language.get(language)?;
        let at = at.format(&file.until).to_string();
        let values = [("{publisher}", publisher), ("{number}", number), ("{at}", &at)];
        Some(file::fill(file.attribution.as_deref()?, &values))
    }

    /// All texts of a message. Pure: the same message gives the same texts.
    pub fn render(&self, message: &Message<'_>) -> Texts {
        let file = self.file(message.language);
        let writer = Writer { file, message, names: distinct(message.area_names, message.town) };
        let mark = |text: String| self.marked(message.exercise, message.language, &text);
        Texts {
            headline: writer.headline(file.mark.of(message.exercise)),
            description: mark(capitalised(&writer.fill(file.description.of(message.kind), DESCRIPTION_NAMES))),
            instruction: mark(writer.instruction()),
            sms: writer.sms(file.mark.of_sms(message.exercise)),
        }
    }

    /// A text with the mark of its exercise or test before it, once. Whoever lets people edit a text calls this before it
    /// leaves, so that no edit turns an exercise into the real thing.
    pub fn marked(&self, status: AlertStatus, language: &str, text: &str) -> String {
        put_before(self.file(language).mark.of(status), text)
    }

    /// The same for an SMS, whose marks have no accents.
    pub fn marked_sms(&self, status: AlertStatus, language: &str, text: &str) -> String {
        put_before(self.file(language).mark.of_sms(status), text)
    }
}

fn put_before(mark: &str, text: &str) -> String {
    if text.starts_with(mark) { text.to_owned() } else { format!("{mark}{text}") }
}

fn toml_files(dir: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let wrong = |source| TemplateError::Read { file: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Several risk sectors may carry the name of one neighbourhood: it is said once.
fn distinct<'a>(names: &'a [String], town: &'a str) -> Vec<&'a str> {
    let mut list: Vec<&str> = Vec::new();
    for name in names {
        if !list.contains(&name.as_str()) {
            list.push(name);
        }
    }
    if list.is_empty() { vec![town] } else { list }
}

struct Writer<'a> {
    file: &'a File,
    message: &'a Message<'a>,
    names: Vec<&'a str>,
}

impl Writer<'_> {
    fn hazard(&self) -> &HazardText {
        self.file.hazard.of(Hazard::of(self.message.cobrade))
    }

    /// The names of at most `limit` areas, and how many more there are.
    fn areas(&self, limit: usize) -> String {
        let words = &self.file.areas;
        let shown = limit.clamp(1, self.names.len());
        let mut parts: Vec<String> = self.names[..shown].iter().map(|name| (*name).to_owned()).collect();
        match self.names.len() - shown {
            0 => {}
            1 => parts.push(words.one_more.clone()),
            more => parts.push(words.more.replace("{count}", &more.to_string())),
        }
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} {} {last}", rest.join(", "), words.and),
            _ => parts.concat(),
        }
    }

    fn fill(&self, template: &str, names: usize) -> String {
        let (file, message, hazard) = (self.file, self.message, self.hazard());
        let until = message.expires_local.format(&file.until).to_string();
        let cobrade = message.cobrade.name().to_lowercase();
        let (name, areas) = (hazard.name.replace("{cobrade}", &cobrade), self.areas(names));
        let act = hazard.act.of(message.kind, message.level).replace("{contact}", message.contact);
        let values = [
            ("{risk}", file.risk.of(message.level)),
            ("{hazard}", &name),
            ("{signs}", &hazard.signs),
            ("{act}", &act),
            ("{until}", &until),
            ("{contact}", message.contact),
            ("{town}", message.town),
            ("{areas}", &areas),
        ];
        file::fill(template, &values)
    }

    fn of<'t>(&self, texts: &'t ByKind) -> &'t str {
        texts.of(self.message.kind)
    }

    fn instruction(&self) -> String {
        let text = match self.message.kind {
            AlertKind::Cancel => &self.file.cancel.instruction,
            kind => self.hazard().instruction.of(kind, self.message.level),
        };
        self.fill(text.trim(), DESCRIPTION_NAMES)
    }

    /// As many names as fit into 140 characters.
    fn headline(&self, mark: &str) -> String {
        let with = |names| format!("{mark}{}", capitalised(&self.fill(self.of(&self.file.headline), names)));
        let fitting = (1..=HEADLINE_NAMES).rev().map(with).find(|text| text.chars().count() <= HEADLINE_CHARS);
        fitting.unwrap_or_else(|| cut(&with(1), HEADLINE_CHARS))
    }

    /// One segment when it holds at least two names (or all there are), else two segments with as many as fit: whoever is in the
    /// third area must still see that the list goes on.
    fn sms(&self, mark: &str) -> String {
        let with = |names| transliterate(&format!("{mark}{}", self.fill(self.of(&self.file.sms), names)));
        let fits = |text: &String, segments| measure(text).segments <= segments;
        let (some, all) = (self.names.len().min(2), self.names.len().min(SMS_NAMES));
        let one = (some..=all).rev().map(with).find(|text| fits(text, 1));
        let two = || (1..=all).rev().map(with).find(|text| fits(text, SMS_SEGMENTS));
        one.or_else(two).unwrap_or_else(|| self.shortest_sms(mark))
    }

    /// For a name as long as a letter: cut the name, never the advice behind it.
    fn shortest_sms(&self, mark: &str) -> String {
        let short: Vec<String> = self.names.iter().map(|name| cut(name, 30)).collect();
        let names = short.iter().map(String::as_str).collect();
        let writer = Writer { file: self.file, message: self.message, names };
        transliterate(&format!("{mark}{}", writer.fill(self.of(&self.file.sms), 1)))
    }
}

fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars - 1).collect();
    format!("{}…", kept.trim_end())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
