//! The form of a plan, in TOML or JSON, and its reading. Pure.

use serde::{Deserialize, Serialize};

use crate::refused::{FieldError, shorten};
use crate::units::Level;

/// The largest document, in bytes.
pub const MOST_BYTES: usize = 200_000;

/// A contingency plan as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyPlan)]
pub struct Plan {
    /// One line.
    pub title: String,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub scenarios: Vec<Scenario>,
    #[serde(default)]
    pub contacts: Vec<Contact>,
    #[serde(default)]
    pub meeting_points: Vec<MeetingPoint>,
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// What may happen where, and what is done then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyScenario)]
pub struct Scenario {
    /// Small letters, digits and `-`; unique in the plan.
    pub code: String,
    pub title: String,
    /// Leaf codes of COBRADE.
    pub hazards: Vec<String>,
    /// Codes of risk areas; empty: the whole town.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The hypothesis: what is supposed to happen.
    #[serde(default)]
    pub hypothesis: String,
    /// The lowest level of an alert that activates it; none: by hand alone.
    #[schema(value_type = Option<String>)]
    pub trigger: Option<Level>,
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// What somebody has to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyAction)]
pub struct Action {
    /// Unique in the scenario.
    pub code: String,
    pub title: String,
    /// The level from which it is done.
    #[schema(value_type = String)]
    pub level: Level,
    /// A role of staff; either this or `rota`.
    pub role: Option<String>,
    /// Code of a rota: whoever is on call.
    pub rota: Option<String>,
    /// Minutes from the activation of its level, at most 10,080.
    pub due_min: u32,
    /// Codes of actions of the same scenario that come first.
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default)]
    pub checklist: Vec<String>,
}

/// Whom the plan needs. For the staff alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyContact)]
pub struct Contact {
    pub name: String,
    /// What for.
    #[serde(default)]
    pub function: String,
    #[serde(default)]
    pub phone: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub note: String,
}

/// Where residents gather. Public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyMeetingPoint)]
pub struct MeetingPoint {
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub address: String,
    /// WGS 84, degrees.
    pub lat: f64,
    pub lon: f64,
    /// Whether people can stay there.
    #[serde(default)]
    pub is_shelter: bool,
    /// Codes of the risk areas whose people go there.
    #[serde(default)]
    pub areas: Vec<String>,
}

/// The way out. Public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContingencyRoute)]
pub struct Route {
    pub name: String,
    /// Code of the meeting point at its end.
    pub to: String,
    /// Street by street.
    pub description: String,
}

fn syntax(field: &str, value: &str, message: impl Into<String>) -> Vec<FieldError> {
    vec![FieldError { field: field.into(), value: shorten(value), message: message.into() }]
}

/// Reads a document; one that begins with `{` is JSON, any other TOML.
///
/// # Errors
/// The one place where reading stopped, with its line where there is one.
pub fn read(text: &str) -> Result<Plan, Vec<FieldError>> {
    if text.len() > MOST_BYTES {
        return Err(syntax("text", &text.len().to_string(), format!("expected at most {MOST_BYTES} bytes")));
    }
    if text.contains('\0') {
        return Err(syntax("text", "\\u0000", "a text cannot hold the character NUL"));
    }
    if text.trim_start().starts_with('{') {
        let mut json = serde_json::Deserializer::from_str(text);
        return serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let field = error.path().to_string();
            syntax(&field, "", error.inner().to_string())
        });
    }
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let given = text.lines().nth(line - 1).unwrap_or_default();
        syntax(&format!("line {line}"), given.trim(), error.message())
    })
}

/// The document as TOML; what was written as TOML is kept as it was.
///
/// # Errors
/// What the writer says; no document that was read has such a thing.
pub fn to_toml(source: &str, plan: &Plan) -> anyhow::Result<String> {
    if source.trim_start().starts_with('{') { Ok(toml::to_string_pretty(plan)?) } else { Ok(source.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_the_same_in_both_forms() {
        let text = include_str!("../../config/plancon/example.toml");
        let plan = read(text).unwrap();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(read(&json).unwrap(), plan);
        assert_eq!(read(&to_toml(&json, &plan).unwrap()).unwrap(), plan);
        assert_eq!(to_toml(text, &plan).unwrap(), text, "comments are kept");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_or_path() {
        let wrong = read("title = \"x\"\n[[contacts]]\nname = 3\n").unwrap_err();
        assert_eq!((wrong[0].field.as_str(), wrong[0].value.as_str()), ("line 3", "name = 3"));
        let wrong = read("{\"title\": \"x\", \"contacts\": [{\"nome\": \"y\"}]}").unwrap_err();
        assert!(wrong[0].field.starts_with("contacts[0]"), "{wrong:?}");
    }
}
