//! Avaliação de serviços (clause 9): what people who use public services of the State, the Union and the town think of them, asked in rounds,
//! without anybody being known by their answer, and published once a year (Lei 13.460/2017, art. 23).
//!
//! `suppress` says what a table may show, `report` makes the yearly report of counts, `file` takes definitions out and in (all pure); `desk`
//! acts in the caller's transaction, `answers` is the door of those who answer, `letters` hold their texts (pure) until the `worker` carries them
//! to whoever checks them, `store` has the SQL. Questionnaires are `kernel::form`; what is sent to the provider is a type of cases,
//! `service_evaluation.follow_up`, whose service is held against the list (`catalogue`).

pub mod answers;
pub mod catalogue;
pub mod desk;
pub mod file;
pub mod letters;
pub mod report;
pub mod seed;
pub mod store;
pub mod suppress;
pub mod worker;

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use uuid::Uuid;

use super::citizen::code;
use super::kernel::check::Fault;
use super::kernel::form::read::{fault, read};
use super::kernel::form::{Form, QuestionKind};
use crate::clock::Instant;
use crate::refused::FieldError;
use crate::units::vocabulary;

pub use crate::plancon::PlanError as EvaluationError;

/// What the law wants asked of every service (art. 23, I to III).
pub const TOPICS: [&str; 3] = ["satisfaction", "quality", "deadlines"];
pub const LAW: &str = "Lei 13.460/2017, art. 23";
/// Services with fewer answers are in no ranking: chance would place them.
pub const ENOUGH: i64 = 10;
pub const FOLLOW_UP: &str = "service_evaluation.follow_up";

vocabulary! {
    /// Who answers for a service.
    Sphere, "sphere of a service" {
        Federal = "federal",
        State = "state",
        Municipal = "municipal",
    }
}

vocabulary! {
    /// Where a round stands on a day.
    Standing, "standing of a round" {
        Planned = "planned",
        Open = "open",
        Closed = "closed",
    }
}

vocabulary! {
    /// Where a text that somebody wrote stands.
    CommentState, "state of a comment" {
        Waiting = "waiting",
        Shown = "shown",
        Withheld = "withheld",
    }
}

/// A service as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationServiceGiven)]
#[serde(deny_unknown_fields)]
pub struct ServiceGiven {
    /// 2 to 60 small letters, digits and `-`. It stays.
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// federal, state or municipal
    #[schema(value_type = String)]
    pub sphere: Sphere,
    /// The body or unit that renders it.
    #[schema(min_length = 1, max_length = 200)]
    pub unit: String,
    /// What the ombudsman's cases call that unit; empty: they do not know it.
    #[serde(default)]
    #[schema(max_length = 160)]
    pub department: String,
    /// The last day it was rendered.
    #[serde(default)]
    pub ended_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    #[serde(skip)]
    pub id: Uuid,
    #[serde(flatten)]
    pub what: ServiceGiven,
    pub revision: i32,
}

// Derived it would be all of what is given and something besides, and what is given lets nothing be besides it.
impl utoipa::PartialSchema for Service {
    fn schema() -> RefOr<Schema> {
        match <ServiceGiven as utoipa::PartialSchema>::schema() {
            RefOr::T(Schema::Object(mut given)) => {
                given.properties.insert("revision".into(), <i32 as utoipa::PartialSchema>::schema());
                given.required.push("revision".into());
                RefOr::T(Schema::Object(given))
            }
            other => other,
        }
    }
}

impl utoipa::ToSchema for Service {
    fn name() -> Cow<'static, str> {
        "EvaluationService".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        <ServiceGiven as utoipa::ToSchema>::schemas(schemas);
    }
}

/// A version of a questionnaire as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationQuestionnaire)]
pub struct Kept {
    pub key: String,
    pub version: i32,
    /// TOML.
    pub text: String,
    pub saved_by: String,
    /// A round asks its questions, so that it never changes.
    pub is_used: bool,
}

/// A round that is to be held.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationNewRound)]
#[serde(deny_unknown_fields)]
pub struct NewRound {
    #[schema(min_length = 1, max_length = 160)]
    pub title: String,
    /// Key and version of the questionnaire.
    pub questionnaire: String,
    pub version: i32,
    /// The first and the last day, of the same year.
    pub opens_on: NaiveDate,
    pub closes_on: NaiveDate,
    /// Whoever has the address may answer, without a code.
    #[serde(default)]
    pub open_link: bool,
    /// Codes of services.
    #[schema(min_items = 1, max_items = 200)]
    pub services: Vec<String>,
}

/// A round with how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationRound)]
pub struct Round {
    pub id: Uuid,
    pub year: i32,
    pub title: String,
    pub questionnaire: String,
    pub version: i32,
    pub opens_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub open_link: bool,
    pub services: Vec<String>,
    /// Answers so far, in steps of five, of the services that five or more answered about in the year; none while they are fewer, and where
    /// nobody asks how far it got.
    pub answers: Option<i64>,
}

impl Round {
    pub fn standing(&self, today: NaiveDate) -> Standing {
        if today < self.opens_on {
            Standing::Planned
        } else if today > self.closes_on {
            Standing::Closed
        } else {
            Standing::Open
        }
    }
}

/// A text that somebody wrote, apart from what else they answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationComment)]
pub struct Comment {
    pub id: Uuid,
    pub service: String,
    pub service_name: String,
    pub question: String,
    pub text: String,
    #[schema(value_type = String)]
    pub state: CommentState,
    pub reason: String,
    pub checked_by: String,
}

/// What whoever checks a text decides.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationCheck)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// shown or withheld
    #[schema(value_type = String)]
    pub state: CommentState,
    /// As it may be read, with what identifies somebody taken out. Left out: as it was written.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub text: Option<String>,
    /// Why it is withheld.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: String,
}

/// Manifestations that another body tells of.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationManifestations)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    pub service: String,
    #[schema(minimum = 2000, maximum = 2200)]
    pub year: i32,
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub manifestations: i32,
    /// Who says so, e.g. a letter of the body.
    #[schema(min_length = 1, max_length = 300)]
    pub source: String,
}

/// A report as it went out.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationPublished)]
pub struct Published {
    pub year: i32,
    /// 1, then one more with each correction.
    pub seq: i32,
    /// Why it was corrected.
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// SHA-256 of year, place, reason, document and the hash before it, in hexadecimal.
    pub hash: String,
    pub prev: Option<String>,
    pub report: report::Report,
    /// What was hashed: as it went out, whatever later versions of the service read in it.
    #[serde(skip)]
    pub document: Value,
}

/// The last report of a year, without its tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationPublishedHead)]
pub struct PublishedHead {
    pub year: i32,
    /// 1, then one more with each correction.
    pub seq: i32,
    /// Why it was corrected.
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// As of the whole report.
    pub hash: String,
    pub prev: Option<String>,
}

/// Reads a questionnaire of this module: one with what the law wants asked.
///
/// # Errors
/// Every fault with its line.
pub fn questionnaire(text: &str, before: Option<&Form>) -> Result<Form, Vec<Fault>> {
    let form = read(text, before)?;
    let mut faults = Vec::new();
    for question in &form.questions {
        if let Some(topic) = question.topic.as_ref().filter(|topic| !TOPICS.contains(&topic.get_ref().as_str())) {
            faults.push(fault(text, topic, format!("expected one of {}: {LAW}", TOPICS.join(", "))));
        }
        // Whoever leaves one out would be a small cell of its own.
        if question.is_closed() && !question.required {
            faults.push(fault(
                text,
                &question.key,
                "only a text may be left out; offer \"does not apply\" as an option of a choice",
            ));
        }
        if question.topic.is_some() && question.kind != QuestionKind::Scale {
            faults.push(fault(text, &question.key, "a topic of the law is asked with a scale"));
        }
        if question.kind == QuestionKind::Text && question.required {
            faults.push(fault(text, &question.key, "nobody has to write: expected required = false"));
        }
    }
    for topic in TOPICS {
        if !form.questions.iter().any(|question| question.topic() == topic) {
            faults.push(fault(text, &form.key, format!("no question has the topic {topic}: {LAW}")));
        }
    }
    faults.sort();
    if faults.is_empty() { Ok(form) } else { Err(faults) }
}

/// The same, in its place behind the version before; none: it is the first.
///
/// # Errors
/// Every fault with its line.
pub fn version(text: &str, before: Option<&Form>) -> Result<Form, Vec<Fault>> {
    let form = questionnaire(text, before)?;
    if before.is_none() && form.version() != 1 {
        return Err(vec![fault(text, &form.key, format!("expected version 1: there is none of {:?} yet", form.key()))]);
    }
    Ok(form)
}

/// Faults of a text as answers name them.
pub fn told(field: &str, faults: Vec<Fault>) -> Vec<FieldError> {
    let one = |fault: Fault| FieldError {
        field: format!("{field}: line {}, column {}", fault.line, fault.column),
        value: String::new(),
        message: fault.message,
    };
    faults.into_iter().map(one).collect()
}

/// What is kept of a code: never the code. None when it is no code.
pub fn code_hash(text: &str) -> Option<[u8; 32]> {
    let known = code::hash(text)?;
    Some(Sha256::digest([b"sentinela evaluation code 1:".as_slice(), &known].concat()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub const TEXT: &str = include_str!("questionnaire.toml");

    #[test]
    fn the_questionnaire_of_the_demonstration_asks_what_the_law_wants() {
        let form = questionnaire(TEXT, None).unwrap();
        for topic in TOPICS {
            assert!(form.questions.iter().any(|question| question.topic() == topic), "{topic}");
        }
    }

    #[test]
    fn a_questionnaire_without_a_topic_of_the_law_is_refused_with_its_line() {
        let faults = questionnaire(&TEXT.replace("topic = \"deadlines\"", "topic = \"colour\""), None).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("no question has the topic deadlines") && told[1].contains("expected one of"),
            "{told:?}"
        );
        let optional = TEXT.replace("kind = \"yes_no\"", "kind = \"yes_no\"\nrequired = false");
        assert!(questionnaire(&optional, None).unwrap_err()[0].message.contains("only a text may be left out"));
    }

    #[test]
    fn a_round_stands_by_the_days_of_the_town() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let round = Round {
            id: Uuid::nil(),
            year: 2026,
            title: String::new(),
            questionnaire: String::new(),
            version: 1,
            opens_on: day("2026-03-02"),
            closes_on: day("2026-03-31"),
            open_link: false,
            services: Vec::new(),
            answers: None,
        };
        assert_eq!(round.standing(day("2026-03-01")), Standing::Planned);
        assert_eq!(round.standing(day("2026-03-02")), Standing::Open);
        assert_eq!(round.standing(day("2026-03-31")), Standing::Open);
        assert_eq!(round.standing(day("2026-04-01")), Standing::Closed);
    }

    #[test]
    fn the_hash_of_a_code_is_not_that_of_a_protocol() {
        let made = code::make([7; 10]);
        assert_ne!(code_hash(&made), code::hash(&made));
        assert_eq!(code_hash(&made), code_hash(&made.to_lowercase()));
        assert_eq!(code_hash("x"), None);
    }
}
