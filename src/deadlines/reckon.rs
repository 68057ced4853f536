//! From a rule and an anchor to a day, with each step on the way. Pure.
//!
//! Months end on the day of the same number, or on the next one where the month has none (Código Civil, art. 132 §3).

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Calendar, DeadlineRule, Shut, Unit};
use crate::clock::Instant;

/// Days that one reckoning looks at, at most.
const MOST_DAYS: u32 = 40_000;

/// What happened to a deadline since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Times it was extended.
    pub extended: u32,
    /// Days that are not counted: from, and until without that day itself; none: it runs.
    pub paused: Vec<(NaiveDate, Option<NaiveDate>)>,
    /// The day on which it began anew.
    pub restarted: Option<NaiveDate>,
}

impl Course {
    /// Nothing happened to it.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// One step, for people to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    Anchor {
        day: NaiveDate,
    },
    /// The day whose norm governs it.
    Norm {
        day: NaiveDate,
    },
    Restarted {
        day: NaiveDate,
    },
    /// The anchor's own day is not counted.
    FirstExcluded {
        day: NaiveDate,
    },
    FirstCounts {
        day: NaiveDate,
    },
    /// Days `first` to `last` of the deadline.
    Count {
        from: NaiveDate,
        to: NaiveDate,
        first: u32,
        last: u32,
    },
    /// No business, so not counted.
    Skip {
        day: NaiveDate,
        why: Shut,
    },
    /// Not counted because the deadline was suspended, the last day included.
    Paused {
        from: NaiveDate,
        to: NaiveDate,
    },
    Months {
        quantity: u32,
        day: NaiveDate,
    },
    /// The month has no such day.
    NextDay {
        day: NaiveDate,
    },
    Hours {
        quantity: u32,
    },
    Extended {
        times: u32,
        quantity: u32,
    },
    /// It would end on a day without business.
    Roll {
        day: NaiveDate,
        why: Shut,
    },
    Due {
        day: NaiveDate,
    },
    /// A pause runs and has no end yet.
    Open {
        from: NaiveDate,
    },
}

/// When it is due, and how that came about. Both days are none while it is suspended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoned {
    pub due_on: Option<NaiveDate>,
    /// The last second of that day in the town, or the instant of hours.
    pub due_at: Option<Instant>,
    pub trace: Vec<Step>,
}

/// Where a deadline begins, and in which zone its days are.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    pub at: Instant,
    pub tz: Tz,
}

impl Anchor {
    pub fn day(self) -> NaiveDate {
        self.at.with_timezone(&self.tz).date_naive()
    }
}

/// The last second of a day in the town.
pub fn end_of(day: NaiveDate, tz: Tz) -> Instant {
    let last = day.and_time(NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default());
    let local = tz.from_local_datetime(&last).latest();
    local.map_or_else(|| last.and_utc(), |at| at.to_utc())
}

fn pause_on(course: &Course, day: NaiveDate) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let holds = |(from, until): &&(NaiveDate, Option<NaiveDate>)| *from <= day && until.is_none_or(|until| day < until);
    course.paused.iter().find(holds).copied()
}

/// `None` only beyond the years that a calendar has.
pub fn reckon(rule: &DeadlineRule, anchor: Anchor, calendar: &Calendar, course: &Course) -> Option<Reckoned> {
    let mut trace = vec![Step::Anchor { day: anchor.day() }];
    let start = match course.restarted.filter(|day| *day > anchor.day()) {
        Some(day) => {
            trace.push(Step::Restarted { day });
            day
        }
        None => anchor.day(),
    };
    if course.extended > 0 {
        trace.push(Step::Extended { times: course.extended, quantity: rule.extensions.quantity });
    }
    let total = rule.total(course.extended);
    match rule.unit {
        Unit::Calendar | Unit::Business => days(rule, anchor, calendar, course, (start, total), trace),
        Unit::Month => months(rule, anchor, calendar, course, (start, total), trace),
        Unit::Hour => hours(rule, anchor, calendar, course, (start, total), trace),
    }
}

/// Days counted one after the other, told in runs.
struct Counting {
    counted: u32,
    run: Option<(NaiveDate, NaiveDate, u32)>,
}

impl Counting {
    fn take(&mut self, day: NaiveDate) {
        self.counted += 1;
        self.run = Some(self.run.map_or((day, day, self.counted), |(from, _, first)| (from, day, first)));
    }

    fn tell(&mut self, trace: &mut Vec<Step>) {
        if let Some((from, to, first)) = self.run.take() {
            trace.push(Step::Count { from, to, first, last: self.counted });
        }
    }
}

fn days(
    rule: &DeadlineRule,
    anchor: Anchor,
    calendar: &Calendar,
    course: &Course,
    (start, total): (NaiveDate, u32),
    mut trace: Vec<Step>,
) -> Option<Reckoned> {
    let mut day = start;
    if rule.first_day_excluded {
        trace.push(Step::FirstExcluded { day });
        day = day.checked_add_days(Days::new(1))?;
    } else {
        trace.push(Step::FirstCounts { day });
    }
    let mut counting = Counting { counted: 0, run: None };
    let mut last = day;
    for _ in 0..MOST_DAYS {
        if counting.counted == total {
            counting.tell(&mut trace);
            return end(rule, anchor, calendar, last, trace);
        }
        if let Some((_, until)) = pause_on(course, day) {
            counting.tell(&mut trace);
            let Some(until) = until else { return Some(open(day, trace)) };
            trace.push(Step::Paused { from: day, to: until.pred_opt()? });
            day = until;
            continue;
        }
        match calendar.shut(day).filter(|_| rule.unit == Unit::Business) {
            Some(why) => {
                counting.tell(&mut trace);
                trace.push(Step::Skip { day, why });
            }
            None => {
                counting.take(day);
                last = day;
            }
        }
        day = day.checked_add_days(Days::new(1))?;
    }
    None
}

fn open(from: NaiveDate, mut trace: Vec<Step>) -> Reckoned {
    trace.push(Step::Open { from });
    Reckoned { due_on: None, due_at: None, trace }
}

/// Rolled where the rule says so, and told.
fn end(
    rule: &DeadlineRule,
    anchor: Anchor,
    calendar: &Calendar,
    mut day: NaiveDate,
    mut trace: Vec<Step>,
) -> Option<Reckoned> {
    if rule.roll_to_business {
        for _ in 0..MOST_DAYS {
            let Some(why) = calendar.shut(day) else { break };
            trace.push(Step::Roll { day, why });
            day = day.checked_add_days(Days::new(1))?;
        }
    }
    trace.push(Step::Due { day });
    Some(Reckoned { due_on: Some(day), due_at: Some(end_of(day, anchor.tz)), trace })
}

/// The days of pauses that lie in `from..=to`, which grows by each of them; none: one has no end.
fn push_off(
    course: &Course,
    from: NaiveDate,
    to: NaiveDate,
    trace: &mut Vec<Step>,
) -> Option<Result<NaiveDate, NaiveDate>> {
    let (mut day, mut last) = (from, to);
    for _ in 0..MOST_DAYS {
        if day > last {
            return Some(Ok(last));
        }
        match pause_on(course, day) {
            Some((_, None)) => return Some(Err(day)),
            Some((_, Some(until))) => {
                let paused = (until - day).num_days();
                trace.push(Step::Paused { from: day, to: until.pred_opt()? });
                last = last.checked_add_signed(TimeDelta::days(paused))?;
                day = until;
            }
            None => day = day.checked_add_days(Days::new(1))?,
        }
    }
    None
}

fn months(
    rule: &DeadlineRule,
    anchor: Anchor,
    calendar: &Calendar,
    course: &Course,
    (start, total): (NaiveDate, u32),
    mut trace: Vec<Step>,
) -> Option<Reckoned> {
    let mut day = start.checked_add_months(Months::new(total))?;
    trace.push(Step::Months { quantity: total, day });
    if day.day() != start.day() {
        day = day.checked_add_days(Days::new(1))?;
        trace.push(Step::NextDay { day });
    }
    if !rule.first_day_excluded {
        trace.push(Step::FirstCounts { day: start });
        day = day.pred_opt()?;
    }
    // A day that is not counted loses nothing by a pause.
    let first = if rule.first_day_excluded { start.checked_add_days(Days::new(1))? } else { start };
    match push_off(course, first, day, &mut trace)? {
        Ok(day) => end(rule, anchor, calendar, day, trace),
        Err(from) => Some(open(from, trace)),
    }
}

fn begin_of(day: NaiveDate, tz: Tz) -> Option<Instant> {
    Some(end_of(day.pred_opt()?, tz) + TimeDelta::seconds(1))
}

fn hours(
    rule: &DeadlineRule,
    anchor: Anchor,
    calendar: &Calendar,
    course: &Course,
    (start, total): (NaiveDate, u32),
    mut trace: Vec<Step>,
) -> Option<Reckoned> {
    trace.push(Step::Hours { quantity: total });
    let begin = if start > anchor.day() { begin_of(start, anchor.tz)? } else { anchor.at };
    let due = begin.checked_add_signed(TimeDelta::hours(i64::from(total)))?;
    let day = due.with_timezone(&anchor.tz).date_naive();
    match push_off(course, start, day, &mut trace)? {
        Err(from) => Some(open(from, trace)),
        Ok(moved) => {
            // Of its first day a pause takes what was left of it.
            let run = match pause_on(course, start) {
                Some(_) => begin - begin_of(start, anchor.tz)?,
                None => TimeDelta::zero(),
            };
            let due = due.checked_add_signed(moved - day)?.checked_sub_signed(run)?;
            let moved = due.with_timezone(&anchor.tz).date_naive();
            if rule.roll_to_business && calendar.shut(moved).is_some() {
                return end(rule, anchor, calendar, moved, trace);
            }
            trace.push(Step::Due { day: moved });
            Some(Reckoned { due_on: Some(due.with_timezone(&anchor.tz).date_naive()), due_at: Some(due), trace })
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use proptest::prelude::*;

    use super::super::{HolidayKind, calendar, rule};
    use super::*;

    const TZ: Tz = chrono_tz::America::Sao_Paulo;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn anchor(text: &str) -> Anchor {
        Anchor { at: text.parse().unwrap(), tz: TZ }
    }

    fn a_rule(quantity: u32, unit: Unit, first_day_excluded: bool, roll_to_business: bool) -> DeadlineRule {
        let mut rule = rule::shipped().unwrap().remove(0);
        (rule.quantity, rule.unit) = (quantity, unit);
        (rule.first_day_excluded, rule.roll_to_business) = (first_day_excluded, roll_to_business);
        rule
    }

    fn due(rule: &DeadlineRule, from: &str, course: &Course) -> Option<NaiveDate> {
        reckon(rule, anchor(from), &calendar::shipped().unwrap(), course).unwrap().due_on
    }

    #[test]
    fn the_first_day_is_left_out_and_the_last_one_rolls() {
        // A Tuesday in the evening of the town, already Wednesday in UTC.
        let rule = a_rule(4, Unit::Calendar, true, true);
        assert_eq!(due(&rule, "2026-02-25T01:30:00Z", &Course::default()), Some(day("2026-03-02")), "Saturday rolls");
        let rule = a_rule(4, Unit::Calendar, false, false);
        assert_eq!(due(&rule, "2026-02-25T01:30:00Z", &Course::default()), Some(day("2026-02-27")));
    }

    #[test]
    fn business_days_pass_by_weekends_and_holidays_and_say_so() {
        let rule = a_rule(5, Unit::Business, true, true);
        let told =
            reckon(&rule, anchor("2026-04-01T15:00:00Z"), &calendar::shipped().unwrap(), &Course::default()).unwrap();
        assert_eq!(told.due_on, Some(day("2026-04-09")));
        let skipped: Vec<_> = told.trace.iter().filter(|step| matches!(step, Step::Skip { .. })).collect();
        assert_eq!(skipped.len(), 3, "{:?}", told.trace);
        assert!(
            told.trace.contains(&Step::Skip { day: day("2026-04-03"), why: Shut::Holiday("Paixão de Cristo".into()) })
        );
        assert_eq!(told.due_at, Some(TZ.with_ymd_and_hms(2026, 4, 9, 23, 59, 59).unwrap().to_utc()));
    }

    #[test]
    fn a_month_ends_on_the_day_of_its_number_or_the_next() {
        let rule = a_rule(1, Unit::Month, true, false);
        assert_eq!(due(&rule, "2026-01-15T15:00:00Z", &Course::default()), Some(day("2026-02-15")));
        assert_eq!(due(&rule, "2026-01-31T15:00:00Z", &Course::default()), Some(day("2026-03-01")));
    }

    #[test]
    fn what_is_suspended_goes_on_and_what_is_interrupted_begins_anew() {
        let rule = a_rule(10, Unit::Calendar, true, false);
        let from = "2026-03-01T15:00:00Z";
        let paused = |until| Course { paused: vec![(day("2026-03-05"), until)], ..Course::default() };
        assert_eq!(due(&rule, from, &Course::default()), Some(day("2026-03-11")));
        assert_eq!(due(&rule, from, &paused(Some(day("2026-03-08")))), Some(day("2026-03-14")));
        assert_eq!(due(&rule, from, &paused(None)), None, "it has no end while it is suspended");
        let anew = Course { restarted: Some(day("2026-03-05")), ..Course::default() };
        assert_eq!(due(&rule, from, &anew), Some(day("2026-03-15")));
        let hours = a_rule(48, Unit::Hour, true, false);
        assert_eq!(due(&hours, from, &Course::default()), Some(day("2026-03-03")));
        let paused = Course { paused: vec![(day("2026-03-02"), Some(day("2026-03-04")))], ..Course::default() };
        assert_eq!(due(&hours, from, &paused), Some(day("2026-03-05")));
    }

    #[test]
    fn a_pause_from_the_first_day_costs_each_unit_the_same() {
        let from = "2026-03-01T15:00:00Z";
        let paused = Course { paused: vec![(day("2026-03-01"), Some(day("2026-03-03")))], ..Course::default() };
        let later = |quantity, unit, excluded| {
            let rule = a_rule(quantity, unit, excluded, false);
            let without = due(&rule, from, &Course::default()).unwrap();
            (due(&rule, from, &paused).unwrap() - without).num_days()
        };
        assert_eq!(later(10, Unit::Calendar, true), 1, "its own day is not counted and loses nothing");
        assert_eq!(later(1, Unit::Month, true), 1);
        assert_eq!((later(10, Unit::Calendar, false), later(1, Unit::Month, false)), (2, 2));
        let hours = a_rule(48, Unit::Hour, true, false);
        let told = reckon(&hours, anchor(from), &calendar::shipped().unwrap(), &paused).unwrap();
        assert_eq!(told.due_at, Some("2026-03-05T03:00:00Z".parse().unwrap()), "48 hours from midnight of the 3rd");
    }

    fn a_calendar(holidays: &[u32]) -> Calendar {
        let mut calendar = calendar::shipped().unwrap();
        calendar.entered = holidays
            .iter()
            .map(|off| calendar::Holiday {
                id: Some(uuid::Uuid::nil()),
                day: day("2026-01-01") + Days::new(u64::from(*off)),
                name: "local".into(),
                kind: HolidayKind::Municipal,
                shut: true,
                law_ref: String::new(),
            })
            .collect();
        calendar
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_deadline_ends_before_its_anchor_or_rolled_on_a_day_without_business(
            quantity in 1..200_u32, unit in 0..4_usize, excluded: bool, roll: bool, seconds in 0..63_000_000_i64,
            holidays in prop::collection::vec(0..1000_u32, 0..12), pause in prop::option::of((0..30_i64, 1..30_i64)),
        ) {
            let rule = a_rule(quantity, Unit::ALL[unit], excluded, roll);
            let at = anchor("2026-01-01T00:00:00Z").at + TimeDelta::seconds(seconds);
            let anchor = Anchor { at, tz: TZ };
            let calendar = a_calendar(&holidays);
            let paused = pause.map(|(after, days)| {
                let from = anchor.day() + TimeDelta::days(after);
                (from, Some(from + TimeDelta::days(days)))
            });
            let course = Course { paused: paused.into_iter().collect(), ..Course::default() };
            let told = reckon(&rule, anchor, &calendar, &course).unwrap();
            let due = told.due_on.unwrap();
            prop_assert!(due >= anchor.day() && told.due_at.unwrap() >= at, "{told:?}");
            if roll {
                prop_assert!(calendar.shut(due).is_none(), "{due} has no business");
            }
            let without = reckon(&rule, anchor, &calendar, &Course::default()).unwrap();
            prop_assert!(due >= without.due_on.unwrap(), "a pause brings nothing forward");
        }

        #[test]
        fn the_days_of_the_trace_are_as_many_as_the_rule_says(quantity in 1..120_u32, offset in 0..700_u64, business: bool) {
            let unit = if business { Unit::Business } else { Unit::Calendar };
            let rule = a_rule(quantity, unit, true, true);
            let at = end_of(day("2026-01-01") + Days::new(offset), TZ);
            let calendar = calendar::shipped().unwrap();
            let told = reckon(&rule, Anchor { at, tz: TZ }, &calendar, &Course::default()).unwrap();
            let counted: u32 = told.trace.iter().map(|step| match step { Step::Count { first, last, .. } => last - first + 1, _ => 0 }).sum();
            prop_assert_eq!(counted, quantity);
        }

        #[test]
        fn one_more_holiday_never_brings_a_deadline_forward(quantity in 1..60_u32, offset in 0..300_u64, holiday in 0..400_u32) {
            let rule = a_rule(quantity, Unit::Business, true, true);
            let at = end_of(day("2026-01-01") + Days::new(offset), TZ);
            let on = |calendar: &Calendar| reckon(&rule, Anchor { at, tz: TZ }, calendar, &Course::default()).unwrap().due_on;
            prop_assert!(on(&a_calendar(&[holiday])) >= on(&a_calendar(&[])));
        }
    }
}
