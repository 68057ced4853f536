//! Rules of deadlines: read, judged, and chosen by the day of the anchor. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Pause, Unit};
use crate::exercises::plan::text;
use crate::refused::FieldError;

const SHIPPED: &str = include_str!("../../config/secretariat/deadlines.toml");

/// The most days, months or hours of a rule with its extensions.
pub const MOST: u32 = 3660;

/// How often and how far a deadline may be put off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeadlineExtensions)]
#[serde(deny_unknown_fields, default)]
pub struct Extensions {
    /// Times.
    pub max: u32,
    /// By how many of the rule's unit, each time.
    pub quantity: u32,
    pub needs_reason: bool,
    /// Only while it has not run out.
    pub before_expiry: bool,
}

const fn yes() -> bool {
    true
}

const fn never() -> Pause {
    Pause::Never
}

/// One rule, as a file or a row holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadlineRule {
    /// What it is the deadline of: small letters, digits and `_` in parts joined by `.`.
    #[schema(min_length = 1, max_length = 80, pattern = r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
    pub code: String,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub law_ref: String,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
    /// Somebody held it against the text of the law.
    #[serde(default)]
    pub confirmed: bool,
    /// First and last day of an anchor that it holds for.
    pub valid_from: NaiveDate,
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// What is counted from, as a word: "occurred".
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z0-9_]+$")]
    pub anchor_event: String,
    #[schema(minimum = 1, maximum = 3660)]
    pub quantity: u32,
    #[schema(value_type = String)]
    pub unit: Unit,
    #[serde(default = "yes")]
    pub first_day_excluded: bool,
    #[serde(default = "yes")]
    pub roll_to_business: bool,
    #[serde(default)]
    pub extensions: Extensions,
    #[serde(default = "never")]
    #[schema(value_type = String)]
    pub pause: Pause,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 366)]
    pub warn_days: u32,
    /// It is a time in which something holds, and ends by itself after its last day.
    #[serde(default)]
    pub lapses: bool,
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl DeadlineRule {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, value: String, message: String| {
            problems.push(FieldError { field: field.into(), value, message });
        };
        if self.code.len() > 80 || !self.code.split('.').all(is_word) {
            let expected = "expected small letters, digits and `_` in parts joined by `.`, at most 80 characters";
            wrong("code", self.code.clone(), expected.into());
        }
        if self.anchor_event.len() > 60 || !is_word(&self.anchor_event) {
            let expected = "expected small letters, digits and `_`, at most 60 characters";
            wrong("anchor_event", self.anchor_event.clone(), expected.into());
        }
        let more = self.extensions.max.saturating_mul(self.extensions.quantity);
        if self.quantity == 0 || self.quantity > MOST {
            wrong("quantity", self.quantity.to_string(), format!("expected 1 to {MOST}"));
        } else if self.quantity.saturating_add(more) > MOST || self.extensions.max > 100 {
            wrong("extensions", more.to_string(), format!("expected at most {MOST} with the rule's own quantity"));
        }
        if (self.extensions.max == 0) != (self.extensions.quantity == 0) {
            let expected = "expected both max and quantity, or neither".to_owned();
            wrong("extensions.quantity", self.extensions.quantity.to_string(), expected);
        }
        if let Some(last) = self.valid_to.filter(|last| *last < self.valid_from) {
            wrong("valid_to", last.to_string(), format!("expected {} or a later day", self.valid_from));
        }
        if self.warn_days > 366 {
            wrong("warn_days", self.warn_days.to_string(), "expected 0 to 366".into());
        }
        text(&mut problems, "law_ref", &self.law_ref, 1, 300, true);
        text(&mut problems, "note", &self.note, 0, 1000, false);
        problems
    }

    /// True when it holds for an anchor on this day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }

    /// How many of its unit, after so many extensions.
    pub const fn total(&self, extended: u32) -> u32 {
        self.quantity.saturating_add(self.extensions.quantity.saturating_mul(extended))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<DeadlineRule>,
}

/// The rules of a file.
///
/// # Errors
/// Says where the text is wrong.
pub fn read(text: &str) -> Result<Vec<DeadlineRule>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.rule)
}

/// The rules that come with the service.
///
/// # Errors
/// None in a release: a test reads them.
pub fn shipped() -> Result<Vec<DeadlineRule>, toml::de::Error> {
    read(SHIPPED)
}

/// A rule that the town added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    pub id: Uuid,
    pub rule: DeadlineRule,
}

/// All rules that hold: what is shipped, and what the town added, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub shipped: Vec<DeadlineRule>,
    pub local: Vec<Local>,
}

/// The one that began last, and of two that began together the last one.
fn newest<'a>(rules: impl Iterator<Item = &'a DeadlineRule>, code: &str, day: NaiveDate) -> Option<&'a DeadlineRule> {
    let fits = |rule: &&DeadlineRule| rule.code == code && rule.holds_on(day);
    rules.filter(fits).enumerate().max_by_key(|(at, rule)| (rule.valid_from, *at)).map(|(_, rule)| rule)
}

impl Rules {
    /// The rule of a deadline whose anchor lies on this day. The town's own come before what is shipped; among them the one that began
    /// last counts, and of two that began together the one that was added last.
    pub fn choose(&self, code: &str, day: NaiveDate) -> Option<&DeadlineRule> {
        let local = newest(self.local.iter().map(|one| &one.rule), code, day);
        local.or_else(|| newest(self.shipped.iter(), code, day))
    }

    /// Each with its id where the town added it.
    pub fn all(&self) -> impl Iterator<Item = (Option<Uuid>, &DeadlineRule)> {
        let local = self.local.iter().map(|one| (Some(one.id), &one.rule));
        local.chain(self.shipped.iter().map(|rule| (None, rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_shipped_can_be_read_and_is_in_order() {
        let rules = shipped().unwrap();
        assert!(!rules.is_empty());
        for rule in rules {
            assert_eq!(rule.problems(), [], "{}", rule.code);
        }
    }

    #[test]
    fn a_law_changes_by_the_day_of_the_anchor() {
        let mut rules = Rules { shipped: shipped().unwrap(), local: Vec::new() };
        let days =
            |rules: &Rules, on: &str| rules.choose("damage.submission.sudden", day(on)).map(|rule| rule.quantity);
        assert_eq!(days(&rules, "2022-02-02"), Some(15));
        assert_eq!(days(&rules, "2022-02-03"), Some(10));
        assert_eq!(days(&rules, "2015-01-01"), None, "before any rule that is known");
        let mut own = rules.choose("damage.submission.sudden", day("2026-01-01")).unwrap().clone();
        (own.quantity, own.valid_from) = (12, day("2026-01-01"));
        let local = |rule: &DeadlineRule| Local { id: Uuid::nil(), rule: rule.clone() };
        rules.local.push(local(&own));
        assert_eq!((days(&rules, "2025-12-31"), days(&rules, "2026-01-01")), (Some(10), Some(12)));
        own.quantity = 13;
        rules.local.push(local(&own));
        assert_eq!(days(&rules, "2026-06-01"), Some(13), "what was added last counts");
    }

    #[test]
    fn each_day_has_the_norm_that_was_in_force() {
        let rules = Rules { shipped: shipped().unwrap(), local: Vec::new() };
        for code in ["damage.submission.sudden", "damage.submission.gradual", "damage.decree"] {
            for (on, law) in [
                ("2016-12-21", "IN MI 2/2016"),
                ("2020-12-06", "IN MI 2/2016"),
                ("2020-12-07", "IN MDR 36/2020"),
                ("2022-02-02", "IN MDR 36/2020"),
                ("2022-02-03", "Portaria MDR 260/2022"),
            ] {
                let rule = rules.choose(code, day(on)).unwrap();
                assert!(rule.law_ref.starts_with(law), "{code} on {on}: {}", rule.law_ref);
                let holding = rules.shipped.iter().filter(|one| one.code == code && one.holds_on(day(on)));
                assert_eq!(holding.count(), 1, "{code} on {on}");
            }
        }
        let unrolled = rules.shipped.iter().filter(|rule| !rule.roll_to_business && rule.note.is_empty());
        assert_eq!(unrolled.count(), 0, "what does not roll to a day with business says why");
    }

    #[test]
    fn funding_has_the_norm_that_was_in_force_on_the_day_of_the_anchor() {
        let rules = Rules { shipped: shipped().unwrap(), local: Vec::new() };
        for code in ["funding.clause", "funding.refund", "funding.accounts", "funding.stalled", "funding.kept"] {
            for (on, law) in [("2017-01-02", "424/2016"), ("2023-08-31", "424/2016"), ("2023-09-01", "33/2023")] {
                let rule = rules.choose(code, day(on)).unwrap();
                assert!(rule.law_ref.contains(law), "{code} on {on}: {}", rule.law_ref);
                let holding = rules.shipped.iter().filter(|one| one.code == code && one.holds_on(day(on)));
                assert_eq!(holding.count(), 1, "{code} on {on}");
            }
        }
        let before = rules.choose("funding.accounts", day("2017-01-01")).unwrap();
        assert!(before.law_ref.starts_with("Norma anterior") && !before.confirmed, "{}", before.law_ref);
    }

    #[test]
    fn a_rule_that_is_wrong_is_named_field_by_field() {
        let mut rule = shipped().unwrap().remove(0);
        (rule.code, rule.quantity, rule.valid_to) = ("Prazo!".into(), 0, Some(day("2000-01-01")));
        (rule.law_ref, rule.extensions.max) = (String::new(), 1);
        let mut fields: Vec<String> = rule.problems().into_iter().map(|one| one.field).collect();
        fields.sort();
        assert_eq!(fields, ["code", "extensions.quantity", "law_ref", "quantity", "valid_to"]);
    }
}
