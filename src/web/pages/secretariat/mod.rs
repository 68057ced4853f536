//! Pages of the secretariat: what every module has in common. Staff below `/secretaria/painel`, everybody below `/secretaria`.

pub mod budget;
pub mod case;
pub mod charter;
pub mod committees;
pub mod consultations;
pub mod diary;
pub mod door;
pub mod ethics;
pub mod evaluation;
pub mod files;
pub mod forms;
pub mod front;
pub mod identity;
pub mod instruments;
pub mod instruments_public;
pub mod mayor;
pub mod media;
pub mod media_days;
pub mod media_sources;
pub mod outlets;
pub mod panel;
pub mod paper;
pub mod protocol;
pub mod public;
pub mod queue;
pub mod registry;
pub mod report;
pub mod segments;
pub mod segments_desk;
pub mod sentences;
pub mod series;
pub mod transparency;
pub mod words;
pub mod yearly;

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;

use super::view::View;
use crate::app::App;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::agreements::Agreement;
use crate::secretariat::funding::Funding;
use crate::secretariat::kernel::FieldKind;
use crate::secretariat::kernel::define::{CaseType, Field};
use crate::secretariat::modules::{self, Module};
use crate::secretariat::strategic_projects::Project;
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .merge(panel::routes())
        .merge(queue::routes())
        .merge(case::routes())
        .merge(forms::routes())
        .merge(report::routes())
        .merge(public::routes())
        .merge(door::routes())
        .merge(protocol::routes())
        .merge(mayor::routes())
        .merge(yearly::routes())
        .merge(identity::routes())
        .merge(front::routes())
        .merge(outlets::routes())
        .merge(media::routes())
        .merge(media_days::routes())
        .merge(media_sources::routes())
        .merge(consultations::routes())
        .merge(transparency::routes())
        .merge(charter::routes())
        .merge(segments::routes())
        .merge(segments_desk::routes())
        .merge(series::routes())
        .merge(committees::routes())
        .merge(evaluation::routes())
        .merge(budget::routes())
        .merge(ethics::routes())
        .merge(registry::routes())
        .merge(diary::routes())
        .merge(of_instruments())
}

/// Agreements, funding and projects: the same pages of each.
fn of_instruments() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/parcerias", get(instruments::list::<Agreement>).post(instruments::open::<Agreement>))
        .route("/secretaria/painel/parcerias/relatorio", get(instruments::report::<Agreement>))
        .route(
            "/secretaria/painel/parcerias/{id}",
            get(instruments::show::<Agreement>).post(instruments::act::<Agreement>),
        )
        .route("/secretaria/painel/parcerias/{id}/documentos", post(instruments::upload::<Agreement>))
        .route("/secretaria/parcerias", get(instruments_public::list::<Agreement>))
        .route("/secretaria/parcerias/{id}", get(instruments_public::show::<Agreement>))
        .route("/secretaria/painel/captacao", get(instruments::list::<Funding>).post(instruments::open::<Funding>))
        .route("/secretaria/painel/captacao/relatorio", get(instruments::report::<Funding>))
        .route("/secretaria/painel/captacao/{id}", get(instruments::show::<Funding>).post(instruments::act::<Funding>))
        .route("/secretaria/painel/captacao/{id}/documentos", post(instruments::upload::<Funding>))
        .route("/secretaria/captacao", get(instruments_public::list::<Funding>))
        .route("/secretaria/captacao/{id}", get(instruments_public::show::<Funding>))
        .route("/secretaria/painel/projetos", get(instruments::list::<Project>).post(instruments::open::<Project>))
        .route("/secretaria/painel/projetos/relatorio", get(instruments::report::<Project>))
        .route("/secretaria/painel/projetos/{id}", get(instruments::show::<Project>).post(instruments::act::<Project>))
        .route("/secretaria/painel/projetos/{id}/documentos", post(instruments::upload::<Project>))
        .route("/secretaria/projetos", get(instruments_public::list::<Project>))
        .route("/secretaria/projetos/{id}", get(instruments_public::show::<Project>))
}

/// # Errors
/// 404 for a word that is no module's in Portuguese.
pub fn module(slug: &str) -> Result<&'static Module, ApiError> {
    let found = modules::MODULES.iter().find(|module| module.slug_pt == slug);
    found.ok_or_else(|| ApiError::NotFound(format!("module {slug}")))
}

/// A value of a field in words.
pub fn shown(v: &View, field: &Field, value: &Value) -> String {
    match (field.kind, value) {
        (FieldKind::Choice, Value::String(key)) => field.option_label(key, v.lang),
        (FieldKind::Date, Value::String(text)) => {
            text.parse::<chrono::NaiveDate>().map_or_else(|_| text.clone(), |day| v.day(day))
        }
        (FieldKind::Money, Value::Number(number)) => v.money(number.as_i64().unwrap_or_default()),
        (FieldKind::Integer, Value::Number(number)) => v.count(number.as_i64().unwrap_or_default()),
        (FieldKind::YesNo, Value::Bool(yes)) => v.t(if *yes { "sec-yes" } else { "sec-no" }),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => String::new(),
        (_, other) => other.to_string(),
    }
}

/// The fields that have a value, each with its label.
pub fn pairs(v: &View, def: &CaseType, fields: &serde_json::Map<String, Value>) -> Vec<(String, String)> {
    let all = def.fields.iter().filter_map(|field| {
        let value = fields.get(field.key())?;
        Some((field.label.of(v.lang).to_owned(), shown(v, field, value)))
    });
    all.collect()
}

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 24] = [
    ("there is no act", "sec-no-act"),
    ("in the quiet period", "sec-no-quiet"),
    ("takes two persons", "sec-no-same-person"),
    ("was changed meanwhile", "sec-no-changed"),
    ("is annulled", "sec-no-annulled"),
    ("ran out on", "sec-no-late"),
    ("runs until", "sec-no-early"),
    ("allows no extension", "deadline-no-extension"),
    ("and it had them", "deadline-no-more"),
    ("it ran out", "deadline-no-late"),
    ("is still open", "sec-no-children"),
    ("is missing", "sec-no-document"),
    ("needs one of the roles", "sec-no-role"),
    ("outside", "sec-no-outside"),
    ("it is opened under", "sec-no-parent"),
    ("nothing of it is public", "sec-no-public"),
    ("has to be told", "sec-no-when"),
    ("votes once", "sec-ethics-no-twice"),
    ("no quorum to decide", "sec-ethics-no-quorum"),
    ("holds no seat", "sec-ethics-no-member"),
    ("no party to it", "sec-ethics-no-party"),
    ("stays recused", "sec-ethics-no-lift"),
    ("the vote is tied", "sec-ethics-no-casting"),
    ("the casting vote is", "sec-ethics-no-chair"),
];

/// A refusal in words for the page: what it is, and why, with the law, in the reader's language.
///
/// # Errors
/// What is no refusal.
pub fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    let because = |detail: &str, message: String| {
        let known = KNOWN.iter().find(|(part, _)| detail.contains(part)).map_or("sec-no-law", |(_, key)| *key);
        (v.t(known), vec![FieldError { field: v.t("sec-why"), value: String::new(), message }])
    };
    match error {
        PlanError::Wrong(errors) => Ok((v.t("sec-wrong"), sentences::fields(v.lang, errors))),
        PlanError::Refused(Refused::Wrong { field, value, message }) => {
            Ok((v.t("sec-wrong"), sentences::fields(v.lang, vec![FieldError { field, value, message }])))
        }
        PlanError::Refused(Refused::Because(reason)) => Ok(because(&reason.detail, reason.words(v.lang))),
        PlanError::Refused(Refused::Conflict(why)) => Ok(because(&why, sentences::said(v.lang, &why))),
        other => Err(other.into()),
    }
}

/// The fields by the names that their form shows.
pub fn labelled(v: &View, def: &CaseType, errors: Vec<FieldError>) -> Vec<FieldError> {
    let name = |field: &str| {
        let of_type = field.strip_prefix("fields.").and_then(|key| def.field(key));
        match (of_type, field) {
            (Some(one), _) => one.label.of(v.lang).to_owned(),
            (None, "title") => v.t("sec-case-title"),
            (None, "department") => v.t("sec-department"),
            (None, "assigned") => v.t("sec-assigned"),
            (None, "reason") => v.t("reason"),
            (None, other) => other.to_owned(),
        }
    };
    errors.into_iter().map(|one| FieldError { field: name(&one.field), ..one }).collect()
}

/// What is wrong with the fields of a form, for people outside: which field by its label, and in their words what to do.
pub fn in_plain_words(v: &View, def: &CaseType, errors: Vec<FieldError>) -> Vec<FieldError> {
    let told = errors.into_iter().map(|error| {
        let Some(field) = error.field.strip_prefix("fields.").and_then(|key| def.field(key)) else { return error };
        let label = field.label.of(v.lang);
        let message = match field.max.filter(|_| matches!(field.kind, FieldKind::Line | FieldKind::Text)) {
            Some(most) => v.t2("sec-wrong-field-most", "field", label, "n", most),
            None => v.t1("sec-wrong-field", "field", label),
        };
        FieldError { field: error.field, value: String::new(), message }
    });
    told.collect()
}

/// What a form shows of a field.
#[derive(Clone, Debug)]
pub struct Input {
    pub key: String,
    pub label: String,
    pub help: String,
    pub kind: FieldKind,
    pub required: bool,
    pub value: String,
    pub options: Vec<(String, String)>,
    pub max: i64,
    pub personal: bool,
    pub restricted: bool,
    pub wrong: String,
}

impl Input {
    /// `given`: what was typed before, else what the case has.
    pub fn of(
        lang: Lang,
        field: &Field,
        (value, required): (Option<&Value>, bool),
        given: Option<&String>,
        errors: &[FieldError],
    ) -> Self {
        let plain = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if field.kind == FieldKind::Money => {
                let centavos = number.as_i64().unwrap_or_default();
                format!("{},{:02}", centavos / 100, centavos % 100)
            }
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let name = format!("fields.{}", field.key());
        let wrong = errors.iter().find(|error| error.field == name).map(|error| error.message.clone());
        let mut options: Vec<(String, String)> = field
            .options
            .iter()
            .map(|option| (option.key.get_ref().clone(), option.label.of(lang).to_owned()))
            .collect();
        if field.kind == FieldKind::YesNo {
            options = vec![("true".into(), lang.t("sec-yes")), ("false".into(), lang.t("sec-no"))];
        }
        Self {
            key: field.key().to_owned(),
            label: field.label.of(lang).to_owned(),
            help: field.help.as_ref().map(|help| help.of(lang).to_owned()).unwrap_or_default(),
            kind: field.kind,
            required,
            value: given.cloned().unwrap_or(plain),
            options,
            max: field.max.filter(|_| field.kind != FieldKind::Integer).unwrap_or(if field.kind == FieldKind::Text {
                8000
            } else {
                300
            }),
            personal: field.personal,
            restricted: field.restricted,
            wrong: wrong.unwrap_or_default(),
        }
    }

    pub fn is_text(&self) -> bool {
        self.kind == FieldKind::Text
    }

    pub fn is_choice(&self) -> bool {
        matches!(self.kind, FieldKind::Choice | FieldKind::YesNo)
    }

    /// People write a name or a document, and the entry is sought.
    pub fn is_registry(&self) -> bool {
        self.kind == FieldKind::Registry
    }

    /// Of the input element.
    pub fn html_type(&self) -> &'static str {
        match self.kind {
            FieldKind::Date => "date",
            FieldKind::Url => "url",
            FieldKind::Email => "email",
            FieldKind::Phone => "tel",
            _ => "text",
        }
    }

    pub fn described(&self) -> bool {
        !self.help.is_empty() || self.personal || self.restricted || !self.wrong.is_empty()
    }
}

/// The fields of a form: those named `f.…`.
pub fn given_fields(given: &std::collections::BTreeMap<String, String>) -> serde_json::Map<String, Value> {
    let all =
        given.iter().filter_map(|(name, text)| Some((name.strip_prefix("f.")?.to_owned(), Value::from(text.as_str()))));
    all.collect()
}
