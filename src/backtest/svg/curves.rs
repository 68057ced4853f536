//! What a sweep says: detection against false detection, and lead time against false detection.

use std::fmt::Write as _;

use super::storm::Words;
use super::{LEFT, Scale, escape, open, ticks, value_axis};

/// Half as wide as a page, so that two stand beside each other.
const WIDTH: f64 = 560.0;
const END: f64 = WIDTH - 20.0;
const HEIGHT: f64 = 380.0;
const BOTTOM: f64 = 330.0;
const TOP: f64 = 14.0;

/// One set of thresholds in a plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    /// The thresholds as they are.
    pub in_use: bool,
}

/// How the plane is laid out.
#[derive(Clone, Debug)]
pub struct Plane {
    pub x: String,
    pub y: String,
    /// Upper ends; the lower ones are 0.
    pub x_to: f64,
    pub y_to: f64,
    /// From corner to corner: what chance alone would reach.
    pub diagonal: bool,
    pub comma: bool,
    /// Word beside the thresholds in use.
    pub in_use: String,
}

/// The sets as dots, and the line through those that no other beats: none has a smaller `x` with as large a `y`.
pub fn scatter(words: &Words, plane: &Plane, dots: &[Dot]) -> String {
    let mut svg = open(&words.id, (WIDTH, HEIGHT), &words.title, &words.description);
    let (x_ticks, y_ticks) = (ticks(0.0, plane.x_to), ticks(0.0, plane.y_to));
    let last = |ticks: &[f64]| ticks.last().copied().unwrap_or(1.0);
    let x = Scale { from: 0.0, to: last(&x_ticks), at: LEFT, until: END };
    let y = Scale { from: 0.0, to: last(&y_ticks), at: BOTTOM, until: TOP };
    value_axis(&mut svg, &y, &y_ticks, END, plane.comma);
    for tick in &x_ticks {
        let at = x.place(*tick);
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{at:.1} {TOP}V{BOTTOM}"/><text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            BOTTOM + 16.0,
            super::number(*tick, plane.comma)
        );
    }
    let _ = write!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text transform="translate(14 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
        f64::midpoint(LEFT, END),
        BOTTOM + 38.0,
        escape(&plane.x),
        f64::midpoint(TOP, BOTTOM),
        escape(&plane.y)
    );
    if plane.diagonal {
        let end = x.to.min(y.to);
        let _ = write!(svg, r#"<path class="chance" d="M{LEFT} {BOTTOM}L{:.1} {:.1}"/>"#, x.place(end), y.place(end));
    }
    for dot in dots {
        let _ = write!(svg, r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="3"/>"#, x.place(dot.x), y.place(dot.y));
    }
    let mut path = String::new();
    for (index, (at, value)) in unbeaten(dots).into_iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{:.1} {:.1}", x.place(at), y.place(value));
    }
    let _ = write!(svg, r#"<path class="line" d="{path}"/>"#);
    for dot in dots.iter().filter(|dot| dot.in_use) {
        let (at, value) = (x.place(dot.x), y.place(dot.y));
        let _ = write!(
            svg,
            r#"<path class="now" d="M{:.1} {value:.1}H{:.1}M{at:.1} {:.1}V{:.1}"/><text class="event" x="{:.1}" y="{:.1}">{}</text>"#,
            at - 8.0,
            at + 8.0,
            value - 8.0,
            value + 8.0,
            at + 11.0,
            value + 14.0,
            escape(&plane.in_use)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The dots that no other beats, from left to right.
pub fn unbeaten(dots: &[Dot]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = dots.iter().map(|dot| (dot.x, dot.y)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (x, y) in sorted {
        if kept.last().is_none_or(|(_, highest)| y > *highest) {
            kept.push((x, y));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_runs_through_the_sets_that_no_other_beats() {
        let dot = |x, y| Dot { x, y, in_use: false };
        let dots = [dot(0.5, 0.9), dot(0.1, 0.4), dot(0.3, 0.3), dot(0.1, 0.2), dot(0.7, 0.9)];
        assert_eq!(unbeaten(&dots), [(0.1, 0.4), (0.5, 0.9)]);
    }
}
