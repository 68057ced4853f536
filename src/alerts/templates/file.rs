//! The form of a template file and what is checked when it is read.

use std::path::Path;

use chrono::format::{Item, StrftimeItems};
use serde::Deserialize;

use super::TemplateError;
use crate::alerts::kind::{AlertKind, Hazard};
use crate::config::AlertStatus;
use crate::dispatch::sms_text::{measure, transliterate};
use crate::units::Level;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub language: String,
    pub until: String,
    pub mark: Marks,
    pub areas: AreaWords,
    pub risk: ByLevel,
    pub headline: ByKind,
    pub description: ByKind,
    pub sms: ByKind,
    pub cancel: CancelText,
    /// On which warning of others an alert is based. A town's own file may be older than it.
    pub attribution: Option<String>,
    pub hazard: Hazards,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marks {
    exercise: String,
    test: String,
    sms_exercise: String,
    sms_test: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaWords {
    pub and: String,
    pub one_more: String,
    pub more: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByLevel {
    observation: String,
    attention: String,
    alert: String,
    maximum: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByKind {
    alert: String,
    update: String,
    all_clear: String,
    cancel: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelText {
    pub instruction: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hazards {
    landslide: HazardText,
    flood: HazardText,
    flash_flood: HazardText,
    waterlogging: HazardText,
    heavy_rain: HazardText,
    // A town's own file may be older than these: then it speaks of them as of any other hazard.
    heat: Option<HazardText>,
    dry_air: Option<HazardText>,
    wind: Option<HazardText>,
    storm: Option<HazardText>,
    hail: Option<HazardText>,
    tornado: Option<HazardText>,
    cold: Option<HazardText>,
    wildfire: Option<HazardText>,
    dam: Option<HazardText>,
    other: HazardText,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HazardText {
    pub name: String,
    pub signs: String,
    pub act: Steps,
    pub instruction: Steps,
}

/// What to do at each level, and when it is over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    observation: String,
    attention: String,
    alert: String,
    maximum: String,
    all_clear: String,
}

impl Marks {
    pub fn of(&self, status: AlertStatus) -> &str {
        match status {
            AlertStatus::Actual => "",
            AlertStatus::Exercise => &self.exercise,
            AlertStatus::Test | AlertStatus::System => &self.test,
        }
    }

    pub fn of_sms(&self, status: AlertStatus) -> &str {
        match status {
            AlertStatus::Actual => "",
            AlertStatus::Exercise => &self.sms_exercise,
            AlertStatus::Test | AlertStatus::System => &self.sms_test,
        }
    }
}

impl ByLevel {
    pub fn of(&self, level: Level) -> &str {
        match level {
            Level::Unknown | Level::Normal | Level::Observation => &self.observation,
            Level::Attention => &self.attention,
            Level::Alert => &self.alert,
            Level::Maximum => &self.maximum,
        }
    }
}

impl ByKind {
    pub fn of(&self, kind: AlertKind) -> &str {
        match kind {
            AlertKind::Alert => &self.alert,
            AlertKind::Update => &self.update,
            AlertKind::AllClear => &self.all_clear,
            AlertKind::Cancel => &self.cancel,
        }
    }
}

impl Hazards {
    /// What is said of a hazard; of one that the file does not name, what it says of any other.
    pub fn of(&self, hazard: Hazard) -> &HazardText {
        self.own(hazard).unwrap_or(&self.other)
    }

    /// What the file says of just this hazard.
    pub const fn own(&self, hazard: Hazard) -> Option<&HazardText> {
        match hazard {
            Hazard::Landslide => Some(&self.landslide),
            Hazard::Flood => Some(&self.flood),
            Hazard::FlashFlood => Some(&self.flash_flood),
            Hazard::Waterlogging => Some(&self.waterlogging),
            Hazard::HeavyRain => Some(&self.heavy_rain),
            Hazard::Heat => self.heat.as_ref(),
            Hazard::DryAir => self.dry_air.as_ref(),
            Hazard::Wind => self.wind.as_ref(),
            Hazard::Storm => self.storm.as_ref(),
            Hazard::Hail => self.hail.as_ref(),
            Hazard::Tornado => self.tornado.as_ref(),
            Hazard::Cold => self.cold.as_ref(),
            Hazard::Wildfire => self.wildfire.as_ref(),
            Hazard::Dam => self.dam.as_ref(),
            Hazard::Other => Some(&self.other),
        }
    }
}

impl Steps {
    pub fn of(&self, kind: AlertKind, level: Level) -> &str {
        match (kind, level) {
            (AlertKind::AllClear | AlertKind::Cancel, _) => &self.all_clear,
            (_, Level::Attention) => &self.attention,
            (_, Level::Alert) => &self.alert,
            (_, Level::Maximum) => &self.maximum,
            _ => &self.observation,
        }
    }

    fn texts<'a>(&'a self, key: &str) -> [(String, &'a str, Allowed); 5] {
        let of = |name: &str, text: &'a String| (format!("{key}.{name}"), text.as_str(), CONTACT);
        [
            of("observation", &self.observation),
            of("attention", &self.attention),
            of("alert", &self.alert),
            of("maximum", &self.maximum),
            of("all_clear", &self.all_clear),
        ]
    }
}

type Allowed = &'static [&'static str];
const NONE: Allowed = &[];
const CONTACT: Allowed = &["contact"];
const HEADLINE: Allowed = &["risk", "hazard", "areas", "town"];
const DESCRIPTION: Allowed = &["risk", "hazard", "areas", "town", "until", "contact", "signs"];
const SMS: Allowed = &["risk", "hazard", "areas", "town", "until", "contact", "act"];

impl File {
    /// Reads and checks; `path` is for messages only.
    pub fn parse(path: &Path, text: &str) -> Result<Self, TemplateError> {
        let wrong = |key: &str, message: String| TemplateError::Key { file: path.to_owned(), key: key.into(), message };
        let source = toml::Deserializer::parse(text).map_err(|error| wrong("(syntax)", error.to_string()))?;
        let file: Self = serde_path_to_error::deserialize(source)
            .map_err(|error| wrong(&error.path().to_string(), error.inner().message().to_owned()))?;
        for (key, text, allowed) in file.texts() {
            check_text(text, allowed).map_err(|message| wrong(&key, message))?;
        }
        if !is_language(&file.language) {
            let message =
                format!("{:?} is no language; expected two letters such as \"en\", or \"pt-BR\"", file.language);
            return Err(wrong("language", message));
        }
        if StrftimeItems::new(&file.until).any(|item| item == Item::Error) {
            return Err(wrong("until", format!("{:?} is no time format such as \"%H:%M\"", file.until)));
        }
        for kind in AlertKind::ALL {
            let (key, text) = (format!("sms.{kind}"), file.sms.of(kind));
            let forcing = measure(&transliterate(text)).forcing;
            if !forcing.is_empty() {
                return Err(wrong(&key, format!("{forcing:?} are not in the GSM alphabet and would halve the SMS")));
            }
            if !text.contains("{areas}") {
                return Err(wrong(&key, "must say where: {areas} is missing".into()));
            }
        }
        Ok(file)
    }

    /// Every text with its key and the placeholders that mean something in it.
    fn texts(&self) -> Vec<(String, &str, Allowed)> {
        let mut all: Vec<(String, &str, Allowed)> = vec![
            ("language".into(), &self.language, NONE),
            ("until".into(), &self.until, NONE),
            ("mark.exercise".into(), &self.mark.exercise, NONE),
            ("mark.test".into(), &self.mark.test, NONE),
            ("mark.sms_exercise".into(), &self.mark.sms_exercise, NONE),
            ("mark.sms_test".into(), &self.mark.sms_test, NONE),
            ("areas.and".into(), &self.areas.and, NONE),
            ("areas.one_more".into(), &self.areas.one_more, NONE),
            ("areas.more".into(), &self.areas.more, &["count"]),
            ("cancel.instruction".into(), &self.cancel.instruction, CONTACT),
        ];
        if let Some(text) = &self.attribution {
            all.push(("attribution".into(), text, &["publisher", "number", "at"]));
        }
        for level in [Level::Observation, Level::Attention, Level::Alert, Level::Maximum] {
            all.push((format!("risk.{level}"), self.risk.of(level), NONE));
        }
        for kind in AlertKind::ALL {
            all.push((format!("headline.{kind}"), self.headline.of(kind), HEADLINE));
            all.push((format!("description.{kind}"), self.description.of(kind), DESCRIPTION));
            all.push((format!("sms.{kind}"), self.sms.of(kind), SMS));
        }
        for (hazard, text) in Hazard::ALL.into_iter().filter_map(|hazard| Some((hazard, self.hazard.own(hazard)?))) {
            let key = format!("hazard.{}", hazard.as_str());
            all.push((format!("{key}.name"), &text.name, &["cobrade"]));
            all.push((format!("{key}.signs"), &text.signs, NONE));
            all.extend(text.act.texts(&format!("{key}.act")));
            all.extend(text.instruction.texts(&format!("{key}.instruction")));
        }
        all
    }
}

/// Two letters, and a country if need be, as the database keeps languages: "en", "pt-BR".
fn is_language(tag: &str) -> bool {
    let is = |part: &str, of: fn(&u8) -> bool| part.len() == 2 && part.bytes().all(|letter| of(&letter));
    match tag.split_once('-') {
        Some((language, country)) => is(language, u8::is_ascii_lowercase) && is(country, u8::is_ascii_uppercase),
        None => is(tag, u8::is_ascii_lowercase),
    }
}

fn check_text(text: &str, allowed: Allowed) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    for piece in text.split('{').skip(1) {
        let name = piece.split_once('}').map(|(name, _)| name).ok_or_else(|| "has a { without its }".to_owned())?;
        if !allowed.contains(&name) {
            let known: Vec<String> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("placeholder {{{name}}} is unknown here; known: {known}"));
        }
    }
    Ok(())
}

/// Fills in one pass: a value that happens to hold braces stays as it is.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, value) = values.iter().find(|(name, _)| rest.starts_with(name)).copied().unwrap_or(("{", "{"));
        filled.push_str(value);
        rest = &rest[name.len()..];
    }
    filled + rest
}
