//! Which rule governs a deadline, and what it comes to. Pure.

use chrono::NaiveDate;

use super::reckon::{Anchor, reckon};
use super::rule::Rules;
use super::{Calendar, Course, DeadlineRule, Reckoned, Step};

/// What a deadline is of, where it begins, and the day whose norm governs it; none: that of the anchor.
#[derive(Clone, Copy, Debug)]
pub struct Begun<'a> {
    pub code: &'a str,
    pub anchor: Anchor,
    pub governed_on: Option<NaiveDate>,
}

impl Begun<'_> {
    /// The rule that holds on the day that governs it. Where none is known of that day it is the rule of the anchor's.
    pub fn rule<'r>(&self, rules: &'r Rules) -> Option<&'r DeadlineRule> {
        let of_norm = self.governed_on.and_then(|day| rules.choose(self.code, day));
        of_norm.or_else(|| rules.choose(self.code, self.anchor.day()))
    }

    /// When it is due by that rule, with the day of the norm in the trace where it is another one than the anchor's. `None` only beyond
    /// the years that a calendar has.
    pub fn due(&self, rule: &DeadlineRule, calendar: &Calendar, course: &Course) -> Option<Reckoned> {
        let mut told = reckon(rule, self.anchor, calendar, course)?;
        if let Some(day) = self.governed_on.filter(|day| *day != self.anchor.day() && rule.holds_on(*day)) {
            told.trace.insert(told.trace.len().min(1), Step::Norm { day });
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{calendar, rule, town};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn begun(code: &'static str, anchor: &str, governed_on: Option<&str>) -> Begun<'static> {
        let tz = chrono_tz::America::Sao_Paulo;
        Begun { code, anchor: Anchor { at: town::start_of(day(anchor), tz), tz }, governed_on: governed_on.map(day) }
    }

    #[test]
    fn the_norm_of_the_day_that_governs_holds_whatever_came_before_the_anchor() {
        let rules = Rules { shipped: rule::shipped().unwrap(), local: Vec::new() };
        let law = |governed: Option<&str>| begun("funding.accounts", "2026-03-01", governed).rule(&rules).unwrap();
        assert!(law(None).law_ref.contains("33/2023"), "by the anchor alone");
        assert!(law(Some("2023-08-31")).law_ref.contains("424/2016"));
        assert!(law(Some("2023-09-01")).law_ref.contains("33/2023"));
        // No rule is known of a day before any: that of the anchor is better than none.
        assert!(law(Some("1999-12-31")).law_ref.contains("33/2023"));
        assert!(begun("funding.nothing", "2026-03-01", Some("2023-08-31")).rule(&rules).is_none());
    }

    #[test]
    fn a_rule_of_the_town_goes_before_also_by_the_day_that_governs() {
        let mut rules = Rules { shipped: rule::shipped().unwrap(), local: Vec::new() };
        let mut own = rules.choose("funding.accounts", day("2020-01-01")).unwrap().clone();
        (own.quantity, own.valid_from, own.valid_to) = (30, day("2019-01-01"), Some(day("2019-12-31")));
        rules.local.push(rule::Local { id: uuid::Uuid::nil(), rule: own });
        let days =
            |governed: &str| begun("funding.accounts", "2026-03-01", Some(governed)).rule(&rules).unwrap().quantity;
        assert_eq!((days("2019-06-01"), days("2020-01-01")), (30, 60));
    }

    #[test]
    fn the_trace_tells_the_day_of_the_norm_where_it_is_not_the_anchors() {
        let (rules, calendar) =
            (Rules { shipped: rule::shipped().unwrap(), local: Vec::new() }, calendar::shipped().unwrap());
        let traced = |governed: Option<&str>| {
            let one = begun("funding.accounts", "2026-03-01", governed);
            one.due(one.rule(&rules).unwrap(), &calendar, &Course::default()).unwrap()
        };
        let norm = Step::Norm { day: day("2020-05-04") };
        let told = traced(Some("2020-05-04"));
        assert_eq!((&told.trace[0], &told.trace[1]), (&Step::Anchor { day: day("2026-03-01") }, &norm));
        for plain in [None, Some("2026-03-01"), Some("1999-12-31")] {
            let other = traced(plain);
            assert!(!other.trace.iter().any(|step| matches!(step, Step::Norm { .. })), "{plain:?}");
            assert_eq!(other.due_on, told.due_on, "both norms have sixty days");
        }
    }
}
