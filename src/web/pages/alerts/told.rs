//! Refusals of acts upon alerts, and what keeps one from leaving, in the reader's language.

use crate::alerts::approval::Why;
use crate::alerts::cap::validate::Problem;
use crate::alerts::state::AlertState;
use crate::alerts::{AlertKind, Lack, Refusal};
use crate::web::pages::view::View;

pub fn refusal(v: &View, refusal: &Refusal) -> String {
    match refusal {
        Refusal::State { state, .. } => v.t1("refused-state", "state", state_word(v, *state)),
        Refusal::Decided(state) => v.t1("refused-decided", "state", state_word(v, *state)),
        Refusal::IssuedBefore { by, number } => v.t2("refused-issued-before", "by", by, "number", number),
        Refusal::NoPerson => v.t("refused-no-person"),
        Refusal::NotApproved(by) => v.t1("refused-not-approved", "by", by),
        Refusal::Approval(Why::AuthorCompletes) => v.t("refused-author-completes"),
        Refusal::NoReason(of) => v.t(of.key()),
        Refusal::LongReason(length) => {
            v.t2("refused-long-reason", "n", length, "most", crate::alerts::life::MOST_REASON)
        }
        Refusal::AnswersSomething(_) => v.t("refused-answers-something"),
        Refusal::AnswersNothing(kind) => v.t1("refused-answers-nothing", "kind", kind_word(v, *kind)),
        Refusal::AnswersAnother(_) => v.t("refused-answers-another"),
        Refusal::AnswersOtherStatus { mine, theirs } => {
            v.t2("refused-answers-other-status", "mine", v.word("status", mine), "theirs", v.word("status", theirs))
        }
        Refusal::LastsUntil(at) => v.t1("refused-lasts-until", "at", v.when(*at)),
        Refusal::ExerciseNotRunning { title, state } => {
            v.t2("refused-exercise-not-running", "title", title, "state", v.word("exercise-state", state.as_str()))
        }
        Refusal::Warning(why) => v.t(why.key()),
        Refusal::WarningNamesNoHazard => v.t("refused-warning-names-no-hazard"),
        Refusal::WarningTouchesNothing => v.t("refused-warning-touches-nothing"),
        Refusal::WaitsForNobody => v.t("refused-waits-for-nobody"),
        Refusal::HeadlineLines
        | Refusal::LongText { .. }
        | Refusal::EmptyText { .. }
        | Refusal::LateExpiry(_)
        | Refusal::PastExpiry(_)
        | Refusal::UnreadableExpiry(_) => words(v, refusal),
        _ => places(v, refusal),
    }
}

/// What is wrong with the words or the time written.
fn words(v: &View, refusal: &Refusal) -> String {
    match refusal {
        Refusal::HeadlineLines => v.t("refused-headline-lines"),
        Refusal::LongText { field: name, length, most } => {
            let measured = v.t2("refused-measured", "n", length, "most", most);
            format!("{}: {measured}", field(v, name))
        }
        Refusal::EmptyText { field: name } => v.t1("refused-empty-text", "field", field(v, name)),
        Refusal::LateExpiry(at) => v.t1("refused-late-expiry", "at", v.when(*at)),
        Refusal::PastExpiry(at) => v.t1("expiry-over", "at", v.when(*at)),
        Refusal::UnreadableExpiry(value) => v.t1("bad-expiry", "value", value),
        other => other.to_string(),
    }
}

/// What is wrong with the places chosen.
fn places(v: &View, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoArea => v.t("refused-no-area"),
        Refusal::LastPlace => v.t("refused-last-place"),
        Refusal::NothingToRestore => v.t("refused-nothing-to-restore"),
        Refusal::AreaTaken => v.t("refused-area-taken"),
        Refusal::NoSuchArea(id) => v.t1("refused-no-such-area", "id", id),
        Refusal::ManyPlaces(most) => v.t1("refused-many-places", "most", most),
        Refusal::FarPlace { name, km } => v.t2("refused-far-place", "name", name, "km", format!("{km:.0}")),
        Refusal::EmptyPlace(name) => v.t1("refused-empty-place", "name", name),
        other => other.to_string(),
    }
}

/// One line each.
pub fn lacks(v: &View, lacks: &[Lack]) -> Vec<String> {
    lacks.iter().map(|one| lack(v, one)).collect()
}

fn lack(v: &View, lack: &Lack) -> String {
    match lack {
        Lack::Text(name) => v.t1("lack-text", "field", field(v, name)),
        Lack::Expiry(at) => v.t1("lack-expiry", "at", v.when(*at)),
        Lack::Issuer => v.t("lack-issuer"),
        Lack::Area => v.t("lack-area"),
        Lack::Cap(problem) => cap(v, "lack-cap", problem),
        Lack::Signature(why) => v.t1("lack-signature", "why", why),
    }
}

/// A rule or an advice of the standard: where in the message, and the standard's own words, which are English.
pub fn cap(v: &View, key: &str, problem: &Problem) -> String {
    v.t2(key, "path", &problem.path, "message", &problem.message)
}

fn field(v: &View, name: &str) -> String {
    let key = match name {
        "headline" => "field-headline",
        "description" => "field-description",
        "instruction" => "field-steps",
        _ => "field-sms",
    };
    v.t(key)
}

fn state_word(v: &View, state: AlertState) -> String {
    v.word("state", state.as_str())
}

fn kind_word(v: &View, kind: AlertKind) -> String {
    v.word("kind", kind.as_str())
}
