//! Plans of work: goals, stages with their days, and when which money goes out. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Refusal, Term, maybe, said};
use crate::secretariat::kernel::money::Centavos;

/// Most goals, stages and instalments of a plan.
const MOST: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentGoal)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// How one sees that it was reached.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub indicator: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentStage)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 1000)]
    pub evidence: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentInstalment)]
#[serde(deny_unknown_fields)]
pub struct Instalment {
    pub on: NaiveDate,
    #[schema(minimum = 1, value_type = i64)]
    pub centavos: Centavos,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentPlan)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    #[schema(max_items = 200)]
    pub goals: Vec<Goal>,
    #[schema(max_items = 200)]
    pub stages: Vec<Stage>,
    #[serde(default)]
    #[schema(max_items = 200)]
    pub schedule: Vec<Instalment>,
}

impl Plan {
    /// # Errors
    /// Names what is wrong with it for this term and value.
    pub fn checked(mut self, term: Term, agreed: Centavos) -> Result<Self, Refusal> {
        if term.ends_on < term.starts_on {
            return Err(Refusal::wrong("ends_on", term.ends_on, format!("expected {} or later", term.starts_on)));
        }
        for (field, count) in
            [("goals", self.goals.len()), ("stages", self.stages.len()), ("schedule", self.schedule.len().max(1))]
        {
            if count == 0 || count > MOST {
                return Err(Refusal::wrong(format!("plan.{field}"), count, format!("expected 1 to {MOST}")));
            }
        }
        for (at, goal) in self.goals.iter_mut().enumerate() {
            goal.title = said(&format!("plan.goals[{at}].title"), &goal.title, 300)?;
            goal.indicator = maybe(&format!("plan.goals[{at}].indicator"), &goal.indicator, 300)?;
        }
        for (at, stage) in self.stages.iter_mut().enumerate() {
            stage.title = said(&format!("plan.stages[{at}].title"), &stage.title, 300)?;
            let fits =
                term.starts_on <= stage.starts_on && stage.starts_on <= stage.ends_on && stage.ends_on <= term.ends_on;
            if !fits {
                let expected = format!("expected days within {} and {}", term.starts_on, term.ends_on);
                return Err(Refusal::wrong(format!("plan.stages[{at}]"), stage.ends_on, expected));
            }
            (stage.done_on, stage.evidence) = (None, String::new());
        }
        self.checked_schedule(term, agreed)
    }

    fn checked_schedule(mut self, term: Term, agreed: Centavos) -> Result<Self, Refusal> {
        self.schedule.sort_by_key(|one| one.on);
        for (at, one) in self.schedule.iter().enumerate() {
            if one.centavos.0 <= 0 || one.on < term.starts_on || one.on > term.ends_on {
                let expected =
                    format!("expected an amount above nought within {} and {}", term.starts_on, term.ends_on);
                return Err(Refusal::wrong(format!("plan.schedule[{at}]"), one.on, expected));
            }
        }
        let sum = Centavos::sum(self.schedule.iter().map(|one| one.centavos));
        let sum = sum.map_err(|error| Refusal::wrong("plan.schedule", "", error.to_string()))?;
        if !self.schedule.is_empty() && sum != agreed || self.schedule.is_empty() && agreed.0 > 0 {
            return Err(Refusal::wrong(
                "plan.schedule",
                sum,
                format!("expected the sum to be the agreed value, R$ {agreed}"),
            ));
        }
        Ok(self)
    }

    /// What may have gone out until a day. What amendments added goes with the last instalment.
    pub fn until(&self, day: NaiveDate, agreed: Centavos) -> Centavos {
        let is_all = self.schedule.iter().all(|one| one.on <= day);
        let part = self.schedule.iter().filter(|one| one.on <= day).map(|one| one.centavos.0).sum();
        if is_all { agreed } else { Centavos(part).min(agreed) }
    }

    /// Marks a stage, counted from one, as done.
    ///
    /// # Errors
    /// There is no such stage, or it is done.
    pub fn mark(mut self, number: usize, on: NaiveDate, evidence: &str) -> Result<Self, Refusal> {
        let evidence = said("evidence", evidence, 1000)?;
        let count = self.stages.len();
        let stage = number.checked_sub(1).and_then(|at| self.stages.get_mut(at));
        let stage = stage.ok_or_else(|| Refusal::wrong("stage", number, format!("expected 1 to {count}")))?;
        if let Some(done) = stage.done_on {
            return Err(Refusal::wrong("stage", number, format!("it was done on {done}")));
        }
        (stage.done_on, stage.evidence) = (Some(on), evidence);
        Ok(self)
    }
}
