//! Services and questionnaires as a file that is read back to the same bytes. Pure.

use serde::{Deserialize, Serialize};

use super::{ServiceGiven, told, version};
use crate::refused::FieldError;
use crate::secretariat::kernel::form::Form;

/// What the file says first.
pub const FORMAT: &str = "sentinela-evaluation/1";
pub const MOST_SERVICES: usize = 2000;
pub const MOST_QUESTIONNAIRES: usize = 500;

/// All definitions: no answers, codes, rounds or people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationFile)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub format: String,
    /// By code.
    #[schema(max_items = 2000)]
    pub services: Vec<ServiceGiven>,
    /// By key and version.
    #[schema(max_items = 500)]
    pub questionnaires: Vec<FileForm>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationFileQuestionnaire)]
#[serde(deny_unknown_fields)]
pub struct FileForm {
    pub key: String,
    pub version: i32,
    /// TOML.
    #[schema(max_length = 65536)]
    pub text: String,
}

impl File {
    pub fn of(mut services: Vec<ServiceGiven>, mut questionnaires: Vec<FileForm>) -> Self {
        services.sort_by(|one, other| one.code.cmp(&other.code));
        questionnaires.sort_by(|one, other| (&one.key, one.version).cmp(&(&other.key, other.version)));
        Self { format: FORMAT.into(), services, questionnaires }
    }

    /// The bytes of the file, the same for the same definitions.
    ///
    /// # Errors
    /// None for what this type holds.
    pub fn write(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What is wrong with it as a whole and with its questionnaires; the desk holds services against their bounds.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut wrong = |field: String, value: &str, message: &str| {
            problems.push(FieldError { field, value: value.into(), message: message.into() });
        };
        if self.format != FORMAT {
            wrong("format".into(), &self.format, "expected sentinela-evaluation/1");
        }
        if self.services.len() > MOST_SERVICES || self.questionnaires.len() > MOST_QUESTIONNAIRES {
            wrong("services".into(), "", "expected at most 2000 services and 500 questionnaires");
            return problems;
        }
        for (at, pair) in self.services.windows(2).enumerate() {
            if pair[0].code >= pair[1].code {
                wrong(
                    format!("services[{}].code", at + 1),
                    &pair[1].code,
                    "expected services in the order of their codes, each once",
                );
            }
        }
        self.texts(&mut problems);
        problems
    }

    fn texts(&self, problems: &mut Vec<FieldError>) {
        let mut before: Option<Form> = None;
        for (at, one) in self.questionnaires.iter().enumerate() {
            let last = before.take().filter(|form| form.key() == one.key);
            match version(&one.text, last.as_ref()) {
                Ok(form) if form.key() == one.key && form.version() == one.version => before = Some(form),
                Ok(form) => problems.push(FieldError {
                    field: format!("questionnaires[{at}]"),
                    value: format!("{} {}", one.key, one.version),
                    message: format!("its text says {} {}", form.key(), form.version()),
                }),
                Err(faults) => problems.extend(told(&format!("questionnaires[{at}].text"), faults)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::evaluation::Sphere;

    const TEXT: &str = include_str!("questionnaire.toml");

    fn service(code: &str) -> ServiceGiven {
        ServiceGiven {
            code: code.into(),
            name: "Posto".into(),
            sphere: Sphere::Federal,
            unit: "Agência".into(),
            department: String::new(),
            ended_on: None,
        }
    }

    fn form(version: i32) -> FileForm {
        FileForm { key: "usuarios".into(), version, text: TEXT.replace("version = 1", &format!("version = {version}")) }
    }

    #[test]
    fn a_file_reads_back_to_the_same_bytes_in_one_order() {
        let file = File::of(vec![service("b"), service("a")], vec![form(2), form(1)]);
        assert_eq!(file.problems(), []);
        let text = file.write().unwrap();
        let read: File = serde_json::from_str(&text).unwrap();
        assert_eq!(read.write().unwrap(), text);
        assert_eq!(read.services[0].code, "a");
    }

    #[test]
    fn a_fault_of_a_questionnaire_is_told_with_its_line() {
        let mut file = File::of(vec![service("a"), service("a")], vec![form(2)]);
        let fields: Vec<String> = file.problems().into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["services[1].code", "questionnaires[0].text: line 1, column 7"], "version 1 is missing");
        file.questionnaires = vec![form(1)];
        file.questionnaires[0].text = TEXT.replace("kind = \"yes_no\"", "kind = \"perhaps\"");
        let told = file.problems();
        let line = 1 + TEXT.lines().position(|line| line == "kind = \"yes_no\"").unwrap();
        assert!(told[1].field.starts_with(&format!("questionnaires[0].text: line {line},")), "{told:?}");
    }
}
