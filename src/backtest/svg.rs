//! Plots as SVG that stands by itself in a page: it scales, prints, follows the page's light and dark through its style sheet, and
//! carries a title and a description for whoever cannot see it. Pure.

pub mod curves;
pub mod storm;

use std::fmt::Write as _;

use chrono::{Datelike as _, TimeDelta, Timelike as _};
use chrono_tz::Tz;

use super::run::Period;
use crate::clock::from_micros;

pub const WIDTH: f64 = 960.0;
pub const LEFT: f64 = 56.0;
pub const RIGHT: f64 = 108.0;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// Text as it may stand in an element or an attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The beginning of a plot; `id` must be unique in the page.
pub fn open(id: &str, (width, height): (f64, f64), title: &str, description: &str) -> String {
    format!(
        r#"<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
        escape(title),
        escape(description)
    )
}

/// A range of values laid over a range of the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
    pub at: f64,
    pub until: f64,
}

impl Scale {
    pub fn place(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        if span == 0.0 { self.at } else { (value - self.from) / span * (self.until - self.at) + self.at }
    }

    /// Time from left to right, in microseconds.
    pub fn time(period: Period) -> Self {
        let (from, to) = (period.from.timestamp_micros() as f64, period.to.timestamp_micros() as f64);
        Self { from, to, at: LEFT, until: WIDTH - RIGHT }
    }
}

/// Round numbers from at most `from` on to at least `to`, some five of them.
pub fn ticks(from: f64, to: f64) -> Vec<f64> {
    let span = (to - from).max(1e-9);
    let rough = span / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((from / step).floor() as i64, (to / step - 1e-9).ceil() as i64);
    (first..=last.max(first + 1)).map(|count| count as f64 * step).collect()
}

/// At most two decimals, with the comma where the language has it.
pub fn number(value: f64, comma: bool) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    if comma { text.replace('.', ",") } else { text.to_owned() }
}

/// Lines across the plot, as far as `right`, with their values at the left.
pub fn value_axis(svg: &mut String, scale: &Scale, ticks: &[f64], right: f64, comma: bool) {
    for tick in ticks {
        let y = scale.place(*tick);
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{LEFT} {y:.1}H{right}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            y + 4.0,
            number(*tick, comma)
        );
    }
}

/// Marks of time in the town's zone: hours, days, months or years, whatever leaves room for words.
pub fn time_axis(svg: &mut String, scale: &Scale, period: Period, zone: Tz, (top, bottom): (f64, f64)) {
    for (at, label) in time_ticks(period, zone) {
        let x = scale.place(at as f64);
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{x:.1} {top:.1}V{bottom:.1}"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            bottom + 15.0
        );
    }
}

fn time_ticks(period: Period, zone: Tz) -> Vec<(i64, String)> {
    let span = period.length();
    let step = [HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY]
        .into_iter()
        .find(|step| span / step <= 10);
    let mut found = Vec::new();
    let mut at = period.from.with_timezone(&zone);
    let Some(step) = step else {
        // Months, quarters or years.
        let months = [1, 3, 12, 24].into_iter().find(|months| span / (DAY * 30 * months) <= 12).unwrap_or(60);
        let mut last = at.month0();
        while at.to_utc() < period.to {
            at += TimeDelta::days(1);
            if at.month0() == last {
                continue;
            }
            last = at.month0();
            let count = i64::from(at.year()) * 12 + i64::from(at.month0());
            if count % months == 0 {
                let label = if months >= 12 { at.format("%Y") } else { at.format("%m/%Y") };
                found.push((at.timestamp_micros(), label.to_string()));
            }
        }
        return found;
    };
    at = at.with_minute(0).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0)).unwrap_or(at);
    while at.to_utc() < period.to {
        at += TimeDelta::hours(1);
        let is_due = if step < DAY {
            i64::from(at.hour()) % (step / HOUR) == 0
        } else {
            at.hour() == 0 && i64::from(at.num_days_from_ce()) % (step / DAY) == 0
        };
        if !is_due || at.to_utc() >= period.to {
            continue;
        }
        let label = if step < DAY && at.hour() != 0 { at.format("%H:%M") } else { at.format("%d/%m") };
        found.push((at.timestamp_micros(), label.to_string()));
    }
    found
}

/// An instant as people read it.
pub fn when(micros: i64, zone: Tz) -> String {
    from_micros(micros).with_timezone(&zone).format("%d/%m/%Y %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_range() {
        assert_eq!(ticks(0.0, 62.8), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(ticks(2.1, 5.4), [2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(|t: f64| (t * 5.0).round() * 0.2));
        assert!(ticks(0.0, 0.0).len() >= 2);
    }

    #[test]
    fn marks_of_time_follow_the_town_and_never_crowd() {
        let at = |text: &str| text.parse::<crate::clock::Instant>().unwrap();
        let zone = chrono_tz::America::Sao_Paulo;
        for (from, to) in [
            ("2022-02-15T15:07:00Z", "2022-02-16T00:00:00Z"),
            ("2026-02-20T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
            ("2013-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
        ] {
            let ticks = time_ticks(Period { from: at(from), to: at(to) }, zone);
            assert!((3..=13).contains(&ticks.len()), "{from}: {ticks:?}");
        }
        let ticks = time_ticks(Period { from: at("2022-02-15T15:07:00Z"), to: at("2022-02-15T18:10:00Z") }, zone);
        assert_eq!(ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), ["13:00", "14:00", "15:00"]);
    }

    #[test]
    fn names_cannot_break_out_of_their_element() {
        assert_eq!(escape("<b a='\"&"), "&lt;b a=&#39;&quot;&amp;");
    }
}
