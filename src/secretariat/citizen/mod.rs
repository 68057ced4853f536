//! The citizen's side of cases: asking, complaining and following without an account, by a number and a code.
//!
//! `code` makes and reads numbers and codes (pure), `identity` keeps who spoke in the vault, `desk` opens and acts in the caller's
//! transaction. What a citizen sees of a case is an allow-list of acts and fields: whatever is not named here stays inside.

pub mod code;
pub mod desk;
pub mod identity;

use serde::Serialize;
use serde_json::Value;

use super::kernel::define::{CaseType, Field, Transition};
use super::kernel::{ActDone, CaseFile};

/// The type that is opened at the door of a module.
pub fn type_of(module: &str) -> Option<&'static str> {
    match module {
        "sic" => Some("sic.request"),
        "ombudsman" => Some("ombudsman.manifestation"),
        _ => None,
    }
}

/// Acts of the history that a citizen reads.
const ACTS: [&str; 16] = [
    "open",
    "forward",
    "to_ethics",
    "extend",
    "ask_complement",
    "complement",
    "lapse",
    "answer",
    "appeal",
    "appeal_silence",
    "decide_appeal",
    "close",
    "rate",
    "desist",
    "requalify",
    "annul",
];

/// Acts whose reason is told to the citizen.
const REASONED: [&str; 2] = ["extend", "annul"];

/// Fields that a citizen reads of their own case, in this order. Nothing that tells who they are: a code may be lost.
const FIELDS: [&str; 15] = [
    "kind",
    "request",
    "text",
    "place",
    "format",
    "complement_asked",
    "complement",
    "outcome",
    "ground",
    "forwarded_to",
    "answer",
    "appeal",
    "appeal_outcome",
    "appeal_decision",
    "rating",
];

/// Deadlines that concern a citizen; those between departments do not.
const DEADLINES: [&str; 6] =
    ["sic.answer", "sic.complement", "sic.appeal", "sic.appeal_answer", "ombudsman.answer", "ombudsman.complement"];

/// One act in a citizen's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CitizenAct)]
pub struct Told {
    #[schema(value_type = String)]
    pub at: crate::clock::Instant,
    /// Key of the act, e.g. "extend".
    pub act: String,
    pub reason: String,
}

/// The history as the citizen reads it.
pub fn history(acts: &[ActDone]) -> Vec<Told> {
    let seen = acts.iter().filter(|one| ACTS.contains(&one.act.as_str()));
    seen.map(|one| Told {
        at: one.at,
        act: one.act.clone(),
        reason: if REASONED.contains(&one.act.as_str()) { one.reason.clone() } else { String::new() },
    })
    .collect()
}

/// The fields that a citizen reads, with their values.
pub fn shown<'a>(def: &'a CaseType, case: &'a CaseFile) -> Vec<(&'a Field, &'a Value)> {
    FIELDS.iter().filter_map(|key| Some((def.field(key)?, case.fields.get(*key)?))).collect()
}

pub fn concerns(code: &str) -> bool {
    DEADLINES.contains(&code)
}

/// Acts that are the citizen's own in a type; `decide` judges whether they are possible.
pub fn own<'a>(def: &'a CaseType, case: &'a CaseFile) -> Vec<&'a Transition> {
    if case.annulled.is_some() {
        return Vec::new();
    }
    let is_own = |one: &&Transition| one.roles.iter().any(|role| role.get_ref() == "citizen");
    def.leads_from(&case.state).filter(is_own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use crate::secretariat::kernel::Types;

    #[test]
    fn what_a_citizen_reads_tells_nobody_who_they_are_and_nothing_of_the_inside() {
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        for module in ["sic", "ombudsman"] {
            let def = &types.get(type_of(module).unwrap()).unwrap().def;
            for hidden in ["requester", "email", "area_question", "area_text", "theme", "identity"] {
                assert!(!FIELDS.contains(&hidden), "{hidden}");
            }
            for one in &def.transitions {
                let label = format!("{} {}", def.key(), one.key());
                assert!(ACTS.contains(&one.key()), "{label} is missing in the history of the citizen");
                let is_own = one.roles.iter().any(|role| role.get_ref() == "citizen");
                for vocabulary in ["act", "do", "help"].iter().take(if is_own { 3 } else { 1 }) {
                    let key = format!("sec-citizen-{vocabulary}-{}", one.key().replace('_', "-"));
                    assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
                }
            }
            for state in &def.states {
                let key = format!("sec-citizen-state-{}", state.key.get_ref().replace('_', "-"));
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
            for rule in def.rules.iter().filter(|rule| rule.code != "ombudsman.identity") {
                assert!(concerns(&rule.code), "{}", rule.code);
            }
        }
    }

    #[test]
    fn the_motive_is_never_asked() {
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        let def = &types.get("sic.request").unwrap().def;
        let asked: Vec<&str> = def.fields.iter().filter(|field| !field.later).map(Field::key).collect();
        assert_eq!(asked, ["request", "format", "requester", "email"], "LAI, art. 10, para. 3");
        assert!(def.fields.iter().filter(|field| field.required).all(|field| field.key() == "request"));
    }
}
