//! How an obligation stands: of what was published last, the period that ended last, and the rule of its deadline. Pure.

use chrono::{Datelike as _, Days, NaiveDate};
use chrono_tz::Tz;

use super::{Freshness, Item, Last, Period};
use crate::deadlines::reckon::{Anchor, Course, end_of, reckon};
use crate::deadlines::rule::Rules;
use crate::deadlines::{Calendar, DeadlineRule};

/// How it stands, and by which day and law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: Freshness,
    /// Last day of the period that is owed; of what is fresh, none.
    pub owed: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub law_ref: String,
    pub confirmed: bool,
}

/// The last end of a period before a day.
pub fn ended(period: Period, before: NaiveDate, calendar: &Calendar) -> Option<NaiveDate> {
    let every = match period {
        Period::BusinessDay => {
            let mut day = before.pred_opt()?;
            // No town is shut for two months.
            for _ in 0..62 {
                if calendar.shut(day).is_none() {
                    return Some(day);
                }
                day = day.pred_opt()?;
            }
            return None;
        }
        Period::Standing => return None,
        Period::Monthly => 1,
        Period::Bimonthly => 2,
        Period::FourMonthly => 4,
        Period::Yearly => 12,
    };
    // The first day of the period that runs; the day before it ended one.
    let running = (before.month0() / every) * every + 1;
    NaiveDate::from_ymd_opt(before.year(), running, 1)?.checked_sub_days(Days::new(1))
}

/// Rules, holidays and the zone of the town.
pub type Law<'a> = (&'a Rules, &'a Calendar, Tz);

fn due<'a>(code: &str, anchor: NaiveDate, (rules, calendar, tz): Law<'a>) -> Option<(NaiveDate, &'a DeadlineRule)> {
    let rule = rules.choose(code, anchor)?;
    let reckoned = reckon(rule, Anchor { at: end_of(anchor, tz), tz }, calendar, &Course::default())?;
    Some((reckoned.due_on?, rule))
}

/// Judges one obligation on a day.
pub fn standing(item: &Item, last: Option<&Last>, today: NaiveDate, law: Law<'_>) -> Standing {
    let unknown = || Standing {
        state: if last.is_none() { Freshness::Missing } else { Freshness::Stale },
        owed: None,
        due_on: None,
        law_ref: item.law_ref.clone(),
        confirmed: false,
    };
    if item.period == Period::Standing {
        let Some(last) = last else { return unknown() };
        let Some((due_on, rule)) = due(&item.rule, last.published_on, law) else { return unknown() };
        let near = due_on.checked_sub_days(Days::new(rule.warn_days.into())).unwrap_or(due_on);
        let state = if today > due_on {
            Freshness::Stale
        } else if today >= near {
            Freshness::Due
        } else {
            Freshness::Fresh
        };
        return told(state, None, due_on, rule);
    }
    let covered = |end: NaiveDate| last.is_some_and(|last| last.covers_until >= end);
    let Some(end) = ended(item.period, today, law.1) else { return unknown() };
    let Some((due_on, rule)) = due(&item.rule, end, law) else { return unknown() };
    if covered(end) {
        return told(Freshness::Fresh, None, due_on, rule);
    }
    let late = if last.is_none() { Freshness::Missing } else { Freshness::Stale };
    if today > due_on {
        return told(late, Some(end), due_on, rule);
    }
    // The period before may be owed still, and its day may be over.
    if let Some(before) = ended(item.period, end, law.1).filter(|before| !covered(*before))
        && let Some((due_before, rule)) = due(&item.rule, before, law)
        && today > due_before
    {
        return told(late, Some(before), due_before, rule);
    }
    told(Freshness::Due, Some(end), due_on, rule)
}

fn told(state: Freshness, owed: Option<NaiveDate>, due_on: NaiveDate, rule: &DeadlineRule) -> Standing {
    Standing { state, owed, due_on: Some(due_on), law_ref: rule.law_ref.clone(), confirmed: rule.confirmed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::kernel::Types;
    use crate::secretariat::transparency::catalogue;

    const TZ: Tz = chrono_tz::America::Sao_Paulo;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn law() -> (Rules, Calendar) {
        let types = Types::load("").unwrap();
        let shipped = types.get("transparency.publication").unwrap().def.rules.clone();
        (Rules { shipped, local: Vec::new() }, crate::deadlines::calendar::shipped().unwrap())
    }

    fn judged(key: &str, covers: Option<&str>, today: &str) -> Standing {
        let (rules, calendar) = law();
        let item = catalogue().iter().find(|item| item.key == key).unwrap();
        let last = covers.map(|text| Last {
            covers_until: day(text),
            published_on: day(text),
            url: String::new(),
            format: String::new(),
        });
        standing(item, last.as_ref(), day(today), (&rules, &calendar, TZ))
    }

    #[test]
    fn the_catalogue_and_the_type_name_the_same_obligations_and_every_rule_is_there() {
        let types = Types::load("").unwrap();
        let def = &types.get("transparency.publication").unwrap().def;
        let options: Vec<&str> =
            def.field("item").unwrap().options.iter().map(|one| one.key.get_ref().as_str()).collect();
        let keys: Vec<&str> = catalogue().iter().map(|item| item.key.as_str()).collect();
        assert_eq!(options, keys);
        for item in catalogue() {
            assert!(def.rules.iter().any(|rule| rule.code == item.rule), "{}", item.key);
        }
    }

    #[test]
    fn a_bimonthly_report_goes_from_fresh_to_stale_over_the_turn_of_the_year() {
        let state = |today| judged("rreo", Some("2026-10-31"), today).state;
        assert_eq!(state("2026-12-31"), Freshness::Fresh, "the sixth period runs to the end of the day");
        let due = judged("rreo", Some("2026-10-31"), "2027-01-01");
        assert_eq!(
            (due.state, due.owed, due.due_on),
            (Freshness::Due, Some(day("2026-12-31")), Some(day("2027-01-30")))
        );
        assert_eq!(state("2027-01-30"), Freshness::Due, "the last day counts");
        assert_eq!(state("2027-01-31"), Freshness::Stale);
        assert_eq!(judged("rreo", Some("2026-12-31"), "2027-01-31").state, Freshness::Fresh);
    }

    #[test]
    fn a_period_that_was_left_out_is_not_forgiven_by_the_next_one_that_runs() {
        let owed = judged("rreo", Some("2026-08-31"), "2027-01-10");
        assert_eq!((owed.state, owed.owed), (Freshness::Stale, Some(day("2026-10-31"))));
        assert_eq!(judged("rreo", None, "2027-01-10").state, Freshness::Missing);
    }

    #[test]
    fn daily_data_are_due_on_the_next_business_day_and_carnival_is_none() {
        // Friday 5 February 2027; Monday to Ash Wednesday are Carnival.
        let friday = judged("expenses", Some("2027-02-05"), "2027-02-08");
        assert_eq!(friday.state, Freshness::Fresh);
        assert_eq!(judged("expenses", Some("2027-02-04"), "2027-02-08").state, Freshness::Due);
        assert_eq!(judged("expenses", Some("2027-02-03"), "2027-02-08").state, Freshness::Stale);
    }

    #[test]
    fn the_accounts_of_a_year_are_due_on_the_last_of_april() {
        let due = judged("accounts", Some("2025-12-31"), "2027-04-30");
        assert_eq!((due.state, due.due_on), (Freshness::Due, Some(day("2027-04-30"))));
        assert_eq!(judged("accounts", Some("2025-12-31"), "2027-05-01").state, Freshness::Stale);
    }

    #[test]
    fn what_stands_there_is_looked_through_within_a_year() {
        assert_eq!(judged("structure", None, "2027-01-01").state, Freshness::Missing);
        assert_eq!(judged("structure", Some("2026-03-10"), "2026-06-01").state, Freshness::Fresh);
        assert_eq!(judged("structure", Some("2026-03-10"), "2027-02-20").state, Freshness::Due);
        assert_eq!(judged("structure", Some("2026-03-10"), "2027-03-11").state, Freshness::Stale);
    }
}
