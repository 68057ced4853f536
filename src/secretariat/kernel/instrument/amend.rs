//! Amendments: numbered, each with what was and what is, none after the end. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Core, Refusal, room, said};
use crate::secretariat::kernel::money::{Centavos, MOST};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    pub number: u32,
    pub on: NaiveDate,
    pub reason: String,
    /// Value before and after.
    pub agreed: Option<(Centavos, Centavos)>,
    /// Last day before and after.
    pub ends_on: Option<(NaiveDate, NaiveDate)>,
}

/// What an amendment changes.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub on: NaiveDate,
    pub reason: &'a str,
    pub agreed: Option<Centavos>,
    pub ends_on: Option<NaiveDate>,
}

impl Core {
    /// # Errors
    /// Why it is not amended; `law` is cited after the end.
    pub fn amend(mut self, change: &Change<'_>, law: &str) -> Result<Self, Refusal> {
        room("amendments", self.amendments.len())?;
        let reason = said("reason", change.reason, 1000)?;
        let Some((term, ends_on)) = self.term.zip(self.ends_on()) else {
            return Err(Refusal::law("an amendment changes what was signed; there is no term yet", law));
        };
        if change.on > ends_on {
            return Err(Refusal::law(
                format!("the instrument ended on {ends_on}; nothing is amended after its end"),
                law,
            ));
        }
        let signed = self.signed_on.unwrap_or(term.starts_on);
        let last = self.amendments.last().map_or(signed, |one| one.on);
        if change.on < last {
            return Err(Refusal::wrong(
                "on",
                change.on,
                format!("expected {last}, the day of the act before, or later"),
            ));
        }
        let value = self.value();
        let agreed = change.agreed.filter(|after| *after != value).map(|after| (value, after));
        let ending = change.ends_on.filter(|after| *after != ends_on).map(|after| (ends_on, after));
        if agreed.is_none() && ending.is_none() {
            return Err(Refusal::wrong("agreed", "", "expected another value or another last day"));
        }
        if let Some((_, after)) = agreed {
            let committed = self.ledger.totals().committed;
            if after.0 <= 0 || after.0 > MOST || after < committed {
                return Err(Refusal::wrong(
                    "agreed",
                    after,
                    format!("expected at least what is committed, R$ {committed}, and at most R$ {}", Centavos(MOST)),
                ));
            }
        }
        if let Some((_, after)) = ending.filter(|(_, after)| *after < change.on) {
            return Err(Refusal::wrong("ends_on", after, format!("expected {} or later", change.on)));
        }
        let number = u32::try_from(self.amendments.len() + 1).unwrap_or(u32::MAX);
        self.amendments.push(Amendment { number, on: change.on, reason, agreed, ends_on: ending });
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Term;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn change<'a>(on: &str, agreed: Option<i64>, ends_on: Option<&str>) -> Change<'a> {
        Change {
            on: day(on),
            reason: "Chuvas atrasaram a obra",
            agreed: agreed.map(Centavos),
            ends_on: ends_on.map(day),
        }
    }

    #[test]
    fn amendments_are_a_chain_and_end_with_the_term() {
        let term = Term { starts_on: day("2026-01-05"), ends_on: day("2026-12-31") };
        let core = Core { term: Some(term), agreed: Centavos(1000), ..Core::default() };
        assert!(Core::default().amend(&change("2026-03-01", Some(5), None), "Lei").is_err());
        assert!(core.clone().amend(&change("2026-03-01", Some(1000), None), "Lei").is_err(), "it changes nothing");
        let core = core.amend(&change("2026-03-01", Some(1500), None), "Lei").unwrap();
        let core = core.amend(&change("2026-12-31", None, Some("2027-06-30")), "Lei").unwrap();
        assert_eq!((core.value(), core.ends_on()), (Centavos(1500), Some(day("2027-06-30"))));
        assert_eq!(core.amendments[1].number, 2);
        assert!(core.clone().amend(&change("2026-12-01", Some(1600), None), "Lei").is_err(), "before the one before");
        let late = core.amend(&change("2027-07-01", Some(1600), None), "Lei 13.019/2014, art. 55").unwrap_err();
        assert!(late.to_string().contains("art. 55"), "{late}");
    }
}
