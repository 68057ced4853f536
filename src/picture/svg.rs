//! The same map for pages: sharp at any size, in the page's own colours, and readable by a screen reader.

use std::fmt::Write as _;

use geo::MultiPolygon;

use super::frame::{Area, Frame, length};
use super::sheet::gap;
use super::{Lines, Scene, Tone};

/// Width and height of the drawing in its own units; pages scale it.
pub const SIZE: (f32, f32) = (640.0, 480.0);

/// The most names of areas that are written on it.
const MOST_NAMES: usize = 14;

/// An `<svg>` element. `key` tells its pattern from those of other drawings of the page and is made of letters and digits;
/// `label` is read to those who cannot see it. Both must be fit for an attribute.
pub fn draw(scene: &Scene, tone: Tone, key: &str, label: &str) -> String {
    let (width, height) = SIZE;
    let frame = Frame::new(scene.extent, Area::new(0.0, 0.0, width, height));
    let level = if tone.is_end { "ended" } else { tone.level.as_str() };
    let mut svg = format!(
        r#"<svg class="drawn ground" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid meet" role="img" aria-label="{label}"><defs>"#
    );
    pattern(&mut svg, tone.lines(), key);
    // Drawn twice and sent once: first as one outline around all, then each for itself.
    let _ = write!(svg, r#"<g id="{key}a">"#);
    for ground in &scene.around {
        let _ = write!(svg, r#"<path d="{}"/>"#, data(&ground.shape, &frame));
    }
    let _ = write!(svg, r##"</g></defs><use class="edge" href="#{key}a"/><use class="land" href="#{key}a"/>"##);
    for ground in &scene.holds {
        let d = data(&ground.shape, &frame);
        let _ = write!(svg, r#"<path class="holds {level}" d="{d}"/>"#);
        if tone.lines() != Lines::None {
            let _ = write!(svg, r#"<path fill="url(#{key})" d="{d}"/>"#);
        }
    }
    names(&mut svg, scene, &frame);
    furniture(&mut svg, &frame);
    svg.push_str("</svg>");
    svg
}

fn pattern(svg: &mut String, lines: Lines, key: &str) {
    let gap = gap(lines) * 0.8;
    let turn = match lines {
        Lines::None => return,
        Lines::Rising(_) | Lines::Crossed(_) => 45,
        Lines::Falling(_) => -45,
        Lines::Upright(_) => 0,
    };
    let across = if matches!(lines, Lines::Crossed(_)) { format!("M0 0H{gap}") } else { String::new() };
    let _ = write!(
        svg,
        r#"<pattern id="{key}" width="{gap}" height="{gap}" patternUnits="userSpaceOnUse" patternTransform="rotate({turn})"><path class="lines" d="M0 0V{gap}{across}"/></pattern>"#
    );
}

pub(super) fn data(shape: &MultiPolygon<f64>, frame: &Frame) -> String {
    let mut d = String::new();
    for polygon in shape {
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            // The last point closes the ring; "Z" says so shorter. Steps are shorter than places.
            let points = ring.0.len().saturating_sub(1);
            let mut last = None;
            for point in ring.coords().take(points) {
                let (x, y) = frame.at((point.x, point.y));
                let at = ((x * 10.0).round() as i32, (y * 10.0).round() as i32);
                match last {
                    None => d.push('M'),
                    Some(before) if before == at => continue,
                    Some(_) => d.push('l'),
                }
                let (from_x, from_y) = last.unwrap_or_default();
                tenths(&mut d, at.0 - from_x);
                if at.1 >= from_y {
                    d.push(' ');
                }
                tenths(&mut d, at.1 - from_y);
                last = Some(at);
            }
            d.push('z');
        }
    }
    d
}

/// A number of tenths, as short as it goes.
fn tenths(d: &mut String, tenths: i32) {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    let _ = match rest {
        0 => write!(d, "{sign}{whole}"),
        _ => write!(d, "{sign}{whole}.{rest}"),
    };
}

/// Names of the areas in which it holds, where there is room. About half an em wide a letter.
fn names(svg: &mut String, scene: &Scene, frame: &Frame) {
    const EM: f32 = 20.0;
    let mut taken: Vec<Area> = Vec::new();
    for ground in &scene.holds {
        let (x, y) = frame.at(ground.inside);
        let wide = ground.name.chars().count() as f32 * EM * 0.55;
        let place = Area::new(x - wide / 2.0, y - EM * 0.7, wide, EM * 1.4);
        let free = frame.area.holds(place) && !taken.iter().any(|other| other.meets(place));
        if !free || taken.len() >= MOST_NAMES {
            continue;
        }
        taken.push(place);
        let _ = write!(svg, r#"<text x="{x:.0}" y="{:.0}">{}</text>"#, y + EM * 0.35, escaped(&ground.name));
    }
}

fn furniture(svg: &mut String, frame: &Frame) {
    let (width, height) = SIZE;
    let (metres, pixels) = frame.scale(140.0);
    let (right, y) = (width - 18.0, height - 16.0);
    let _ = write!(
        svg,
        r#"<path class="scale" d="M{:.0} {y}v-8v8H{right}v-8"/><text x="{:.0}" y="{}">{}</text><path class="north" d="M{nx} 12l10 30l-10-7l-10 7z"/><text x="{nx}" y="58">N</text>"#,
        right - pixels,
        right - pixels / 2.0,
        y - 10.0,
        length(metres),
        nx = width - 26.0
    );
}

pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use geo::polygon;

    use super::*;

    #[test]
    fn outlines_are_written_as_short_steps_that_close() {
        let frame = Frame::new([0.0, 0.0, 640.0, 480.0], Area::new(0.0, 0.0, 640.0, 480.0));
        let shape = polygon![(x: 10.0, y: 470.0), (x: 20.54, y: 470.0), (x: 20.54, y: 470.01), (x: 20.0, y: 380.0)];
        assert_eq!(data(&MultiPolygon(vec![shape]), &frame), "M10 10l10.5 0l-0.5 90z");
    }
}
