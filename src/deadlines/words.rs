//! The trace of a deadline in words. Pure.

use chrono::NaiveDate;

use super::{Shut, Step};
use crate::i18n::Lang;

fn day(lang: Lang, day: NaiveDate) -> String {
    let form = if lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" };
    day.format(form).to_string()
}

fn why(lang: Lang, why: &Shut) -> String {
    match why {
        Shut::Saturday => lang.t("deadline-saturday"),
        Shut::Sunday => lang.t("deadline-sunday"),
        Shut::Holiday(name) => lang.t1("deadline-holiday", "name", name),
    }
}

/// One step.
pub fn step(lang: Lang, step: &Step) -> String {
    let on = |one: &NaiveDate| day(lang, *one);
    match step {
        Step::Anchor { day } => lang.t1("deadline-step-anchor", "day", on(day)),
        Step::Norm { day } => lang.t1("deadline-step-norm", "day", on(day)),
        Step::Restarted { day } => lang.t1("deadline-step-restarted", "day", on(day)),
        Step::FirstExcluded { day } => lang.t1("deadline-step-first-excluded", "day", on(day)),
        Step::FirstCounts { day } => lang.t1("deadline-step-first-counts", "day", on(day)),
        Step::Count { from, to, first, last } if first == last => {
            debug_assert_eq!(from, to);
            lang.t2("deadline-step-count-one", "n", first, "day", on(from))
        }
        Step::Count { from, to, first, last } => {
            let days = lang.t2("deadline-step-count", "first", first, "last", last);
            format!("{days} {}", lang.t2("deadline-step-span", "from", on(from), "to", on(to)))
        }
        Step::Skip { day, why: because } => lang.t2("deadline-step-skip", "day", on(day), "why", why(lang, because)),
        Step::Paused { from, to } => lang.t2("deadline-step-paused", "from", on(from), "to", on(to)),
        Step::Months { quantity, day } => lang.t2("deadline-step-months", "n", quantity, "day", on(day)),
        Step::NextDay { day } => lang.t1("deadline-step-next-day", "day", on(day)),
        Step::Hours { quantity } => lang.t1("deadline-step-hours", "n", quantity),
        Step::Extended { times, quantity } => lang.t2("deadline-step-extended", "times", times, "n", quantity),
        Step::Roll { day, why: because } => lang.t2("deadline-step-roll", "day", on(day), "why", why(lang, because)),
        Step::Due { day } => lang.t1("deadline-step-due", "day", on(day)),
        Step::Open { from } => lang.t1("deadline-step-open", "day", on(from)),
    }
}

/// What a deadline is of: the words of its code, or the code.
pub fn name(lang: Lang, code: &str) -> String {
    let key = format!("deadline-code-{}", code.replace(['.', '_'], "-"));
    if lang.knows(&key) { lang.t(&key) } else { code.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{Course, calendar, reckon, rule};
    use super::*;

    #[test]
    fn every_step_is_said_in_both_languages() {
        let mut one = rule::shipped().unwrap().remove(0);
        (one.quantity, one.unit) = (3, super::super::Unit::Business);
        let anchor = reckon::Anchor { at: "2026-04-01T15:00:00Z".parse().unwrap(), tz: chrono_tz::America::Sao_Paulo };
        let told = reckon::reckon(&one, anchor, &calendar::shipped().unwrap(), &Course::default()).unwrap();
        let lines: Vec<String> = told.trace.iter().map(|one| step(Lang::Pt, one)).collect();
        assert!(lines.iter().any(|line| line.contains("03/04/2026") && line.contains("Paixão de Cristo")), "{lines:?}");
        assert!(lines.last().is_some_and(|line| line.contains("07/04/2026")), "{lines:?}");
        for lang in [Lang::Pt, Lang::En] {
            assert!(told.trace.iter().all(|one| !step(lang, one).starts_with("deadline-")));
            let norm = step(lang, &Step::Norm { day: anchor.day() });
            assert!(norm.contains(if lang == Lang::Pt { "01/04/2026" } else { "1 Apr 2026" }), "{norm}");
            for rule in rule::shipped().unwrap() {
                assert_ne!(name(lang, &rule.code), rule.code, "{}", rule.code);
            }
        }
    }
}
