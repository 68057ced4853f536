//! One stretch of the past: levels as bands, measures with their thresholds, disasters as marks.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::{LEFT, RIGHT, Scale, WIDTH, escape, open, ticks, time_axis, value_axis, when};
use crate::backtest::measured::Panel;
use crate::backtest::run::{Period, Timeline};
use crate::units::Level;

const ROW: f64 = 26.0;
const PANEL: f64 = 150.0;

/// What all plots of a case share.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    pub period: Period,
    pub zone: Tz,
    /// Instants of the disasters with the numbers they have in the table.
    pub marks: &'a [(i64, usize)],
    pub comma: bool,
}

/// Words of one plot, in the reader's language.
#[derive(Clone, Debug)]
pub struct Words {
    pub id: String,
    pub title: String,
    pub description: String,
}

const fn height_of(level: Level) -> f64 {
    match level {
        Level::Unknown => 20.0,
        Level::Normal => 2.0,
        Level::Observation => 7.0,
        Level::Attention => 12.0,
        Level::Alert => 16.0,
        Level::Maximum => 20.0,
    }
}

/// A row for each area: the higher the band, the higher the level, so that it is read without its colour too. What is unknown is
/// hatched. `word` names a level.
pub fn bands(words: &Words, stage: Stage<'_>, lines: &[&Timeline], word: impl Fn(Level) -> String) -> String {
    let (top, bottom) = (16.0, ROW.mul_add(lines.len() as f64, 18.0));
    let mut svg = open(&words.id, (WIDTH, bottom + 24.0), &words.title, &words.description);
    let hatch = format!("{}-h", words.id);
    let _ = write!(
        svg,
        r#"<defs><pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>"#
    );
    let time = Scale::time(stage.period);
    time_axis(&mut svg, &time, stage.period, stage.zone, (top, bottom));
    for (index, line) in lines.iter().enumerate() {
        let base = ROW.mul_add((index + 1) as f64, top);
        for (from, to, level) in drawn(line, stage.period) {
            let (x, until) = (time.place(from as f64), time.place(to as f64));
            let tall = height_of(level);
            let fill = if level == Level::Unknown { format!(r#" fill="url(#{hatch})""#) } else { String::new() };
            let _ = write!(
                svg,
                r#"<rect class="lv {level}"{fill} x="{x:.1}" y="{:.1}" width="{:.2}" height="{tall}"><title>{}: {}, {} – {}</title></rect>"#,
                base - tall,
                (until - x).max(0.8),
                escape(&line.area_name),
                word(level),
                when(from, stage.zone),
                when(to, stage.zone)
            );
        }
        let name: String = line.area_name.chars().take(17).collect();
        let _ = write!(
            svg,
            r#"<path class="axis" d="M{LEFT} {base:.1}H{:.1}"/><text x="{:.1}" y="{:.1}">{}</text>"#,
            WIDTH - RIGHT,
            WIDTH - RIGHT + 6.0,
            base - 4.0,
            escape(&name)
        );
    }
    marks(&mut svg, &time, stage, (top, bottom));
    svg.push_str("</svg>");
    svg
}

/// The levels as drawn: unknown, unless a warning stands on while the area is blind.
fn drawn(line: &Timeline, period: Period) -> Vec<(i64, i64, Level)> {
    let end = period.to.timestamp_micros();
    let mut found: Vec<(i64, i64, Level)> = Vec::new();
    for (index, step) in line.steps.iter().enumerate() {
        let from = step.at.timestamp_micros();
        let to = line.steps.get(index + 1).map_or(end, |next| next.at.timestamp_micros()).min(end);
        if to <= from {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.2 == step.shown && last.1 == from => last.1 = to,
            _ => found.push((from, to, step.shown)),
        }
    }
    found
}

/// One measure over time, its bars where it has them, with the thresholds of the rule. `label` names a threshold's level.
pub fn panel(words: &Words, stage: Stage<'_>, panel: &Panel, label: impl Fn(Level) -> String) -> String {
    let (top, bottom) = (18.0, PANEL);
    let mut svg = open(&words.id, (WIDTH, bottom + 22.0), &words.title, &words.description);
    let time = Scale::time(stage.period);
    let values = panel.points.iter().map(|(_, value)| *value);
    let limits = panel.thresholds.iter().map(|(_, at)| *at);
    let highest = values.clone().chain(limits.clone()).fold(f64::MIN, f64::max);
    let lowest = values.chain(limits).fold(f64::MAX, f64::min);
    // Sums begin at nothing; a river's level or a temperature has no such zero.
    let lowest = if panel.bars.is_empty() { lowest } else { lowest.min(0.0) };
    let marked = ticks(lowest, highest);
    let (from, to) = (marked.first().copied().unwrap_or(0.0), marked.last().copied().unwrap_or(1.0));
    let scale = Scale { from, to, at: bottom, until: top };
    value_axis(&mut svg, &scale, &marked, WIDTH - RIGHT, stage.comma);
    time_axis(&mut svg, &time, stage.period, stage.zone, (top, bottom));
    let width = ((WIDTH - LEFT - RIGHT) / 360.0).max(1.5);
    for (at, value) in &panel.bars {
        let (x, y) = (time.place(*at as f64), scale.place(*value));
        let _ =
            write!(svg, r#"<path class="bar" stroke-width="{width:.1}" d="M{x:.1} {:.1}V{y:.1}"/>"#, scale.place(0.0));
    }
    let mut path = String::new();
    let mut last = None;
    for (at, value) in &panel.points {
        let command = if last.is_some_and(|last| at - last <= panel.apart) { 'L' } else { 'M' };
        last = Some(*at);
        let _ = write!(path, "{command}{:.1} {:.1}", time.place(*at as f64), scale.place(*value));
    }
    let _ = write!(svg, r#"<path class="line" d="{path}"/>"#);
    thresholds(&mut svg, &scale, panel, &label, stage.comma);
    marks(&mut svg, &time, stage, (top, bottom));
    svg.push_str("</svg>");
    svg
}

/// Dashed lines with their levels at the right, moved apart where they lie close.
fn thresholds(svg: &mut String, scale: &Scale, panel: &Panel, label: &impl Fn(Level) -> String, comma: bool) {
    let mut limits = panel.thresholds.clone();
    limits.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = f64::MAX;
    for (level, at) in limits {
        let y = scale.place(at);
        let text = (y + 4.0).min(free);
        free = text - 12.0;
        let right = WIDTH - RIGHT;
        let _ = write!(
            svg,
            r#"<path class="limit {level}" d="M{LEFT} {y:.1}H{right}"/><text x="{:.1}" y="{text:.1}">{} {}</text>"#,
            right + 6.0,
            super::number(at, comma),
            escape(&label(level))
        );
    }
}

/// Disasters: a line from top to bottom and the number of the table above it.
fn marks(svg: &mut String, time: &Scale, stage: Stage<'_>, (top, bottom): (f64, f64)) {
    let mut free = f64::MIN;
    for (at, number) in stage.marks {
        let x = time.place(*at as f64);
        let _ = write!(svg, r#"<path class="event" d="M{x:.1} {top:.1}V{bottom:.1}"/>"#);
        if x >= free {
            let _ = write!(
                svg,
                r#"<text class="event" x="{x:.1}" y="{:.1}" text-anchor="middle">▼{number}</text>"#,
                top - 5.0
            );
            free = x + 22.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::risk::reason::MeasureKind;
    use crate::units::Quantity;

    #[test]
    fn a_gap_is_not_bridged() {
        let period = Period { from: from_micros(0), to: from_micros(100) };
        let stage = Stage { period, zone: chrono_tz::UTC, marks: &[], comma: false };
        let words = Words { id: "p".into(), title: "t".into(), description: "d".into() };
        let mut measured = Panel {
            station: "G".into(),
            quantity: Quantity::WaterLevel,
            window_min: None,
            kind: MeasureKind::Latest,
            unit: "m".into(),
            points: vec![(0, 1.0), (10, 2.0), (60, 4.0), (70, 3.0)],
            apart: 20,
            bars: Vec::new(),
            thresholds: vec![(Level::Alert, 3.0)],
        };
        let pieces = |svg: &str| {
            let line = svg.split("<path class=\"line\" d=\"").nth(1).and_then(|rest| rest.split('"').next());
            line.map_or(0, |path| path.matches('M').count())
        };
        assert_eq!(pieces(&panel(&words, stage, &measured, |_| String::new())), 2);
        measured.apart = 50;
        assert_eq!(pieces(&panel(&words, stage, &measured, |_| String::new())), 1);
    }
}
