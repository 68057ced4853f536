//! What people make of an item: chosen with tone, theme and spokesperson, or put aside, and taken back. Pure.

use serde::{Deserialize, Serialize};

use super::{State, Tone};
use crate::refused::FieldError;

/// Letters of a theme, of a spokesperson, and of a note.
pub const THEME: usize = 60;
pub const SPOKESPERSON: usize = 120;
pub const NOTE: usize = 1000;

/// How an item stands by the hand of people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaJudgement)]
pub struct Judgement {
    #[schema(value_type = String)]
    pub state: State,
    /// Of what was selected.
    #[schema(value_type = Option<String>)]
    pub tone: Option<Tone>,
    pub theme: String,
    pub spokesperson: String,
    pub note: String,
}

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaJudging)]
#[serde(deny_unknown_fields)]
pub struct Judging {
    /// selected or dismissed.
    #[schema(pattern = "^(selected|dismissed)$")]
    pub state: String,
    /// Of what is selected: positive, neutral or negative.
    #[serde(default)]
    #[schema(pattern = "^(|positive|neutral|negative)$")]
    pub tone: String,
    #[serde(default)]
    #[schema(max_length = 60)]
    pub theme: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    pub spokesperson: String,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
    /// As it was read; somebody else may have judged meanwhile.
    pub revision: i32,
}

/// What is wrong with a field.
pub fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: value.chars().take(100).collect(), message: message.into() }
}

/// The judgement that is asked for.
///
/// # Errors
/// Every field that is wrong.
pub fn judged(asked: &Judging) -> Result<Judgement, Vec<FieldError>> {
    let mut problems = Vec::new();
    let state = match asked.state.as_str() {
        "selected" => State::Selected,
        "dismissed" => State::Dismissed,
        other => {
            problems.push(wrong("state", other, "expected selected or dismissed"));
            State::New
        }
    };
    let is_selected = state == State::Selected;
    let tone = match asked.tone.as_str() {
        "" => None,
        word => word.parse::<Tone>().map_err(|error| problems.push(wrong("tone", word, error.to_string()))).ok(),
    };
    if is_selected && tone.is_none() && asked.tone.is_empty() {
        problems.push(wrong("tone", "", "expected one for what is selected"));
    }
    let mut text = |field: &str, value: &str, most: usize, one_line: bool| {
        let value = value.trim().to_owned();
        if value.chars().count() > most
            || value.contains(|c: char| c.is_control() && (one_line || c != '\n' && c != '\r'))
        {
            problems.push(wrong(field, &value, format!("expected at most {most} characters")));
        }
        value
    };
    let theme = text("theme", &asked.theme, THEME, true).to_lowercase();
    let spokesperson = text("spokesperson", &asked.spokesperson, SPOKESPERSON, true);
    let note = text("note", &asked.note, NOTE, false);
    if is_selected && theme.is_empty() {
        problems.push(wrong("theme", "", "expected one for what is selected"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if !is_selected {
        return Ok(Judgement { state, note, ..Judgement::default() });
    }
    Ok(Judgement { state, tone, theme, spokesperson, note })
}

/// What stands again when the last act is taken back: what the one before it made, or what the rules had made of it. `None` when there is
/// nothing to take back.
pub fn taken_back(revision: i32, before: Option<Judgement>, by_rules: State) -> Option<Judgement> {
    match (revision, before) {
        (..=0, _) => None,
        (1, _) => Some(Judgement { state: by_rules, ..Judgement::default() }),
        (_, before) => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(state: &str, tone: &str, theme: &str) -> Judging {
        Judging { state: state.into(), tone: tone.into(), theme: theme.into(), ..Judging::default() }
    }

    #[test]
    fn what_is_selected_says_tone_and_theme_and_what_is_dismissed_neither() {
        let good = judged(&asked("selected", "negative", " Chuva ")).unwrap();
        assert_eq!((good.state, good.tone, good.theme.as_str()), (State::Selected, Some(Tone::Negative), "chuva"));
        let fields = |of: &Judging| judged(of).unwrap_err().into_iter().map(|one| one.field).collect::<Vec<_>>();
        assert_eq!(fields(&asked("selected", "", "")), ["tone", "theme"]);
        assert_eq!(fields(&asked("selected", "irado", "x")), ["tone"]);
        assert_eq!(fields(&asked("candidate", "", "")), ["state"]);
        assert_eq!(fields(&asked("selected", "neutral", &"x".repeat(61))), ["theme"]);
        let put_aside = judged(&asked("dismissed", "negative", "chuva")).unwrap();
        assert_eq!((put_aside.state, put_aside.tone, put_aside.theme.as_str()), (State::Dismissed, None, ""));
    }

    #[test]
    fn an_act_is_taken_back_to_what_stood_before() {
        let before = Judgement { state: State::Selected, theme: "obras".into(), ..Judgement::default() };
        assert_eq!(taken_back(0, None, State::New), None);
        assert_eq!(taken_back(1, None, State::Candidate).unwrap().state, State::Candidate);
        assert_eq!(taken_back(2, Some(before.clone()), State::New), Some(before));
        assert_eq!(taken_back(2, None, State::New), None, "what came from elsewhere has no act before");
    }
}
