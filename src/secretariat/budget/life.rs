//! The life of a budget bill. Each act takes the state and gives the next one, or says why not. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::check::Problem;

/// The hearing that comes before a bill is submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetHearing)]
#[serde(deny_unknown_fields)]
pub struct Hearing {
    pub on: NaiveDate,
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub place: String,
    /// Where its minutes are: number and book, or an address.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub minutes: String,
}

/// How the bill went to the council.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetSubmission)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    pub on: NaiveDate,
    /// Number of the bill, as "PL 120/2026".
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub number: String,
}

/// The law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetLaw)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// As "Lei 15.012".
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    pub number: String,
    pub on: NaiveDate,
}

/// Where a bill stands, with what brought it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Life {
    /// Units write proposals, the secretariat writes revenue and ceilings.
    Collecting,
    /// The content stands together and is consistent.
    Consolidated,
    Heard {
        hearing: Hearing,
    },
    /// With the council: only amendments change it.
    Submitted {
        hearing: Hearing,
        submission: Submission,
    },
    Enacted {
        hearing: Hearing,
        submission: Submission,
        law: Law,
    },
}

/// Why an act is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    #[error("the bill is {state}: {act} (CF arts. 165 e 166) needs {needed}")]
    State { state: &'static str, act: &'static str, needed: &'static str },
    #[error("the bill is not consistent: {}", .0.iter().map(Problem::cited).collect::<Vec<_>>().join("; "))]
    Inconsistent(Vec<Problem>),
    #[error("no hearing was held: it comes before the bill is submitted (LRF art. 48 §1 I)")]
    NoHearing,
    #[error("{field} {day}: expected a day {expected}")]
    Day { field: &'static str, day: NaiveDate, expected: String },
    #[error("{0} amendments await a decision")]
    OpenAmendments(usize),
}

impl Life {
    /// Of all states, in their order.
    pub const WORDS: [&'static str; 5] = ["collecting", "consolidated", "heard", "submitted", "enacted"];

    pub const fn word(&self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Consolidated => "consolidated",
            Self::Heard { .. } => "heard",
            Self::Submitted { .. } => "submitted",
            Self::Enacted { .. } => "enacted",
        }
    }

    /// The state in which a bill waits for the mayor, who alone sends it to the council (CF art. 165).
    pub const AWAITS_MAYOR: &'static str = "heard";

    /// The public reads it.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Submitted { .. } | Self::Enacted { .. })
    }

    pub const fn hearing(&self) -> Option<&Hearing> {
        match self {
            Self::Heard { hearing } | Self::Submitted { hearing, .. } | Self::Enacted { hearing, .. } => Some(hearing),
            Self::Collecting | Self::Consolidated => None,
        }
    }

    pub const fn submission(&self) -> Option<&Submission> {
        match self {
            Self::Submitted { submission, .. } | Self::Enacted { submission, .. } => Some(submission),
            _ => None,
        }
    }

    pub const fn law(&self) -> Option<&Law> {
        match self {
            Self::Enacted { law, .. } => Some(law),
            _ => None,
        }
    }

    const fn not(&self, act: &'static str, needed: &'static str) -> NotNow {
        NotNow::State { state: self.word(), act, needed }
    }

    /// # Errors
    /// It was consolidated already, or a problem blocks it.
    pub fn consolidate(self, problems: Vec<Problem>) -> Result<Self, NotNow> {
        if self != Self::Collecting {
            return Err(self.not("consolidating", "a bill that is collected"));
        }
        let blocking: Vec<Problem> = problems.into_iter().filter(|one| one.blocks).collect();
        if blocking.is_empty() { Ok(Self::Consolidated) } else { Err(NotNow::Inconsistent(blocking)) }
    }

    /// Opens it again: whatever was heard has to be heard anew.
    ///
    /// # Errors
    /// It is with the council.
    pub fn reopen(self) -> Result<Self, NotNow> {
        match self {
            Self::Consolidated | Self::Heard { .. } => Ok(Self::Collecting),
            other => Err(other.not("reopening", "a consolidated bill that was not submitted")),
        }
    }

    /// # Errors
    /// It is not consolidated, or the day is in the future.
    pub fn hear(self, hearing: Hearing, today: NaiveDate) -> Result<Self, NotNow> {
        if hearing.on > today {
            let expected = format!("not after {today}: what is recorded was held");
            return Err(NotNow::Day { field: "hearing", day: hearing.on, expected });
        }
        match self {
            Self::Consolidated | Self::Heard { .. } => Ok(Self::Heard { hearing }),
            other => Err(other.not("a hearing", "a consolidated bill that was not submitted")),
        }
    }

    /// # Errors
    /// No hearing was held; the day lies before it or in the future.
    pub fn submit(self, submission: Submission, today: NaiveDate) -> Result<Self, NotNow> {
        match self {
            Self::Heard { hearing } if submission.on < hearing.on || submission.on > today => {
                let expected = format!("from the hearing ({}) to {today}", hearing.on);
                Err(NotNow::Day { field: "submission", day: submission.on, expected })
            }
            Self::Heard { hearing } => Ok(Self::Submitted { hearing, submission }),
            Self::Consolidated => Err(NotNow::NoHearing),
            other => Err(other.not("submitting", "a consolidated bill whose hearing was held")),
        }
    }

    /// # Errors
    /// It is not with the council; amendments are open; what it says now is not consistent; the day does not fit.
    pub fn enact(self, law: Law, (open, problems): (usize, Vec<Problem>), today: NaiveDate) -> Result<Self, NotNow> {
        let Self::Submitted { hearing, submission } = self else {
            return Err(self.not("enacting", "a submitted bill"));
        };
        if open > 0 {
            return Err(NotNow::OpenAmendments(open));
        }
        let blocking: Vec<Problem> = problems.into_iter().filter(|one| one.blocks).collect();
        if !blocking.is_empty() {
            return Err(NotNow::Inconsistent(blocking));
        }
        if law.on < submission.on || law.on > today {
            let expected = format!("from the submission ({}) to {today}", submission.on);
            return Err(NotNow::Day { field: "law", day: law.on, expected });
        }
        Ok(Self::Enacted { hearing, submission, law })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn hearing() -> Hearing {
        Hearing { on: day("2026-08-10"), place: "Câmara".into(), minutes: "Ata 3/2026".into() }
    }

    #[test]
    fn nothing_is_submitted_without_a_hearing_and_nothing_enacted_with_an_open_amendment() {
        let today = day("2026-08-20");
        let consolidated = Life::Collecting.consolidate(Vec::new()).unwrap();
        let submission = Submission { on: today, number: "PL 1/2026".into() };
        assert_eq!(consolidated.clone().submit(submission.clone(), today), Err(NotNow::NoHearing));
        let future = Hearing { on: day("2026-08-21"), ..hearing() };
        assert!(matches!(consolidated.clone().hear(future, today), Err(NotNow::Day { field: "hearing", .. })));
        let early = Submission { on: day("2026-08-09"), ..submission.clone() };
        let heard = consolidated.hear(hearing(), today).unwrap();
        assert!(matches!(heard.clone().submit(early, today), Err(NotNow::Day { field: "submission", .. })));
        let submitted = heard.submit(submission, today).unwrap();
        assert!(submitted.clone().reopen().is_err());
        let law = Law { number: "Lei 1".into(), on: day("2026-12-20") };
        let year_end = day("2026-12-31");
        assert_eq!(submitted.clone().enact(law.clone(), (2, Vec::new()), year_end), Err(NotNow::OpenAmendments(2)));
        assert!(submitted.enact(law, (0, Vec::new()), year_end).unwrap().law().is_some());
    }

    #[test]
    fn a_bill_that_was_heard_waits_for_the_mayor() {
        assert_eq!(Life::Heard { hearing: hearing() }.word(), Life::AWAITS_MAYOR);
    }

    #[test]
    fn a_warning_does_not_block_and_a_problem_does() {
        let problem = |blocks| Problem { blocks, ..Problem::default() };
        assert!(Life::Collecting.consolidate(vec![problem(false)]).is_ok());
        assert!(
            matches!(Life::Collecting.consolidate(vec![problem(true)]), Err(NotNow::Inconsistent(all)) if all.len() == 1)
        );
    }
}
