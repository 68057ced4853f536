//! What may happen to a deadline that runs: put off, suspended, begun anew. Pure; each refusal says why.

use chrono::NaiveDate;

use super::{Course, DeadlineRule, Pause};
use crate::clock::Instant;

/// Why a deadline stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    #[error("its rule allows {0} extensions, and it had them")]
    NoMore(u32),
    #[error("its rule allows no extension")]
    NoExtension,
    #[error("it ran out; its rule allows an extension only before")]
    Expired,
    #[error("it had run out by that day")]
    RanOut,
    #[error("its rule asks for a reason")]
    NoReason,
    #[error("its rule does not allow it to be suspended")]
    NoSuspension,
    #[error("its rule does not allow it to be interrupted")]
    NoInterruption,
    #[error("it is suspended already")]
    Suspended,
    #[error("it is not suspended")]
    NotSuspended,
    #[error("the day lies before one that counts already")]
    TooEarly,
}

/// Puts it off once more.
///
/// # Errors
/// Why not.
pub fn extend(
    rule: &DeadlineRule,
    course: &Course,
    (due_at, now): (Option<Instant>, Instant),
    reason: &str,
) -> Result<Course, NotNow> {
    let allowed = &rule.extensions;
    if allowed.max == 0 {
        return Err(NotNow::NoExtension);
    }
    if course.extended >= allowed.max {
        return Err(NotNow::NoMore(allowed.max));
    }
    if allowed.before_expiry && due_at.is_some_and(|due| due < now) {
        return Err(NotNow::Expired);
    }
    if allowed.needs_reason && reason.trim().is_empty() {
        return Err(NotNow::NoReason);
    }
    Ok(Course { extended: course.extended + 1, ..course.clone() })
}

/// What ran out was not stopped in time, unless it happened before its last day and is only written down now.
fn in_time((due_on, due_at, now): Due, on: NaiveDate) -> Result<(), NotNow> {
    let has_run_out = due_at.is_some_and(|due| due < now) && due_on.is_some_and(|due| due <= on);
    if has_run_out { Err(NotNow::RanOut) } else { Ok(()) }
}

/// The day and instant at which a deadline is due, and now.
pub type Due = (Option<NaiveDate>, Option<Instant>, Instant);

/// Stops the counting from a day on.
///
/// # Errors
/// Why not.
pub fn suspend(rule: &DeadlineRule, course: &Course, due: Due, on: NaiveDate) -> Result<Course, NotNow> {
    if rule.pause != Pause::Suspend {
        return Err(NotNow::NoSuspension);
    }
    in_time(due, on)?;
    match course.paused.last() {
        Some((_, None)) => Err(NotNow::Suspended),
        Some((_, Some(until))) if on < *until => Err(NotNow::TooEarly),
        _ => {
            let mut next = course.clone();
            next.paused.push((on, None));
            Ok(next)
        }
    }
}

/// Counts again from a day on.
///
/// # Errors
/// Why not.
pub fn resume(course: &Course, on: NaiveDate) -> Result<Course, NotNow> {
    let mut next = course.clone();
    match next.paused.last_mut() {
        Some((from, until @ None)) if on >= *from => *until = Some(on),
        Some((_, None)) => return Err(NotNow::TooEarly),
        _ => return Err(NotNow::NotSuspended),
    }
    // Suspended and resumed on one day: no day was lost.
    next.paused.retain(|(from, until)| *until != Some(*from));
    Ok(next)
}

/// Begins anew on a day.
///
/// # Errors
/// Why not.
pub fn interrupt(rule: &DeadlineRule, course: &Course, due: Due, on: NaiveDate) -> Result<Course, NotNow> {
    if rule.pause != Pause::Interrupt {
        return Err(NotNow::NoInterruption);
    }
    in_time(due, on)?;
    if course.restarted.is_some_and(|before| on < before) {
        return Err(NotNow::TooEarly);
    }
    Ok(Course { restarted: Some(on), ..course.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::rule::{Extensions, shipped};
    use super::*;

    fn rule(pause: Pause) -> DeadlineRule {
        let mut rule = shipped().unwrap().remove(0);
        rule.pause = pause;
        rule.extensions = Extensions { max: 1, quantity: 10, needs_reason: true, before_expiry: true };
        rule
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const LATER: Due = (None, None, Instant::UNIX_EPOCH);

    #[test]
    fn one_extension_before_it_runs_out_and_with_a_reason() {
        let (rule, course) = (rule(Pause::Never), Course::default());
        let (due, now): (Instant, Instant) =
            ("2026-03-11T02:59:59Z".parse().unwrap(), "2026-03-10T12:00:00Z".parse().unwrap());
        let once = extend(&rule, &course, (Some(due), now), "faltam laudos").unwrap();
        assert_eq!(rule.total(once.extended), rule.quantity + 10);
        assert_eq!(extend(&rule, &once, (Some(due), now), "de novo"), Err(NotNow::NoMore(1)));
        assert_eq!(extend(&rule, &course, (Some(due), now), " "), Err(NotNow::NoReason));
        assert_eq!(extend(&rule, &course, (Some(now), due), "tarde"), Err(NotNow::Expired));
    }

    #[test]
    fn a_pause_is_what_the_rule_calls_it() {
        let course = Course::default();
        assert_eq!(suspend(&rule(Pause::Interrupt), &course, LATER, day("2026-03-05")), Err(NotNow::NoSuspension));
        assert_eq!(interrupt(&rule(Pause::Suspend), &course, LATER, day("2026-03-05")), Err(NotNow::NoInterruption));
        let paused = suspend(&rule(Pause::Suspend), &course, LATER, day("2026-03-05")).unwrap();
        assert_eq!(suspend(&rule(Pause::Suspend), &paused, LATER, day("2026-03-06")), Err(NotNow::Suspended));
        assert_eq!(resume(&paused, day("2026-03-04")), Err(NotNow::TooEarly));
        assert_eq!(resume(&paused, day("2026-03-05")).unwrap(), course, "no day was lost");
        assert_eq!(resume(&paused, day("2026-03-08")).unwrap().paused, [(day("2026-03-05"), Some(day("2026-03-08")))]);
        assert_eq!(resume(&course, day("2026-03-08")), Err(NotNow::NotSuspended));
    }
    #[test]
    fn what_ran_out_is_not_stopped_after_the_event() {
        let course = Course::default();
        let due: Due =
            (Some(day("2026-03-10")), "2026-03-11T02:59:59Z".parse().ok(), "2026-03-20T12:00:00Z".parse().unwrap());
        for on in ["2026-03-10", "2026-03-20"] {
            assert_eq!(suspend(&rule(Pause::Suspend), &course, due, day(on)), Err(NotNow::RanOut));
            assert_eq!(interrupt(&rule(Pause::Interrupt), &course, due, day(on)), Err(NotNow::RanOut));
        }
        assert!(suspend(&rule(Pause::Suspend), &course, due, day("2026-03-09")).is_ok(), "it was suspended in time");
        assert!(interrupt(&rule(Pause::Interrupt), &course, due, day("2026-03-09")).is_ok());
        let in_time: Due = (due.0, due.1, "2026-03-10T12:00:00Z".parse().unwrap());
        assert!(suspend(&rule(Pause::Suspend), &course, in_time, day("2026-03-10")).is_ok(), "on its last day");
    }
}
