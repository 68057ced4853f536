//! A sketch of an incident for its forms: where alerts hold, what was reported, where people are taken in. It carries its own colours, so that
//! paper shows what a page shows; shapes and words say what colours say.

use std::fmt::Write as _;

use super::Scene;
use super::frame::{Area, Frame, length};
use super::svg::{data, escaped};

/// Of the ground; the legend stands below it.
const GROUND: (f32, f32) = (640.0, 460.0);
const LEGEND: f32 = 32.0;
/// Names of areas that are written.
const MOST_NAMES: usize = 12;

/// What a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Occurrence,
    Shelter,
}

/// Something at one place, in metres of the web's projection.
#[derive(Clone, Debug)]
pub struct Point {
    pub at: (f64, f64),
    pub kind: Kind,
    /// Written beside it.
    pub label: String,
}

/// What is read by those who cannot see it, and the words of the legend.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub label: String,
    pub area: String,
    pub occurrence: String,
    pub shelter: String,
}

/// An `<svg>` element that stands alone.
pub fn draw(scene: &Scene, points: &[Point], words: &Words) -> String {
    let (width, height) = GROUND;
    let frame = Frame::new(scene.extent, Area::new(0.0, 0.0, width, height));
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" class="sketch" viewBox="0 0 {width} {}" role="img" aria-label="{}" font-family="Atkinson Hyperlegible Next, sans-serif" font-size="13" fill="#15201c"><rect width="{width}" height="{height}" fill="#e2e7e6"/><clipPath id="sketch-ground"><rect width="{width}" height="{height}"/></clipPath><g clip-path="url(#sketch-ground)">"##,
        height + LEGEND,
        escaped(&words.label)
    );
    for ground in &scene.around {
        let d = data(&ground.shape, &frame);
        let _ = write!(svg, r##"<path d="{d}" fill="#f6f7f4" fill-rule="evenodd" stroke="#b0bab4"/>"##);
    }
    for ground in &scene.holds {
        let d = data(&ground.shape, &frame);
        let _ = write!(
            svg,
            r##"<path d="{d}" fill="#e9be1e" fill-opacity="0.35" fill-rule="evenodd" stroke="#15201c" stroke-width="2"/>"##
        );
    }
    for ground in scene.holds.iter().take(MOST_NAMES) {
        let (x, y) = frame.at(ground.inside);
        letters(&mut svg, (x, y), "middle", &ground.name);
    }
    for point in points {
        let (x, y) = frame.at(point.at);
        symbol(&mut svg, point.kind, (x, y));
        letters(&mut svg, (x + 9.0, y + 4.5), "start", &point.label);
    }
    svg.push_str("</g>");
    furniture(&mut svg, &frame);
    legend(&mut svg, words);
    svg.push_str("</svg>");
    svg
}

fn symbol(svg: &mut String, kind: Kind, (x, y): (f32, f32)) {
    let _ = match kind {
        Kind::Occurrence => write!(
            svg,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="6" fill="#c1121f" stroke="#ffffff" stroke-width="1.5"/>"##
        ),
        Kind::Shelter => write!(
            svg,
            r##"<rect x="{:.1}" y="{:.1}" width="12" height="12" fill="#2461a8" stroke="#ffffff" stroke-width="1.5"/>"##,
            x - 6.0,
            y - 6.0
        ),
    };
}

/// Twice, the first as a white edge: not every reader of drawings knows another way.
fn letters(svg: &mut String, (x, y): (f32, f32), anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = write!(
        svg,
        r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" aria-hidden="true">{text}</text><text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"##
    );
}

fn furniture(svg: &mut String, frame: &Frame) {
    let (width, height) = GROUND;
    let (metres, pixels) = frame.scale(140.0);
    let (right, y) = (width - 14.0, height - 12.0);
    let _ = write!(
        svg,
        r##"<path d="M{:.0} {y}v-7v7H{right}v-7" fill="none" stroke="#15201c" stroke-width="2"/><path d="M{nx} 10l8 24l-8 -6l-8 6z"/><rect width="{width}" height="{height}" fill="none" stroke="#15201c"/>"##,
        right - pixels,
        nx = width - 22.0
    );
    letters(svg, (right - pixels / 2.0, y - 9.0), "middle", &length(metres));
    letters(svg, (width - 22.0, 48.0), "middle", "N");
}

fn legend(svg: &mut String, words: &Words) {
    let y = GROUND.1 + LEGEND / 2.0 + 2.0;
    let _ = write!(
        svg,
        r##"<rect x="6" y="{:.1}" width="18" height="12" fill="#e9be1e" fill-opacity="0.35" stroke="#15201c" stroke-width="2"/>"##,
        y - 6.0
    );
    letters(svg, (32.0, y + 4.5), "start", &words.area);
    symbol(svg, Kind::Occurrence, (210.0, y));
    letters(svg, (222.0, y + 4.5), "start", &words.occurrence);
    symbol(svg, Kind::Shelter, (460.0, y));
    letters(svg, (472.0, y + 4.5), "start", &words.shelter);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_stands_alone_and_takes_no_word_for_markup() {
        let scene = Scene { extent: [0.0, 0.0, 2000.0, 1500.0], ..Scene::default() };
        let point = |kind, label: &str| Point { at: (1000.0, 750.0), kind, label: label.into() };
        let points = [point(Kind::Occurrence, "P1 2026/001"), point(Kind::Shelter, "Escola <b>")];
        let words = Words { label: "Esboço \"A\"".into(), ..Words::default() };
        let svg = draw(&scene, &points, &words);
        assert!(svg.starts_with("<svg xmlns=") && svg.contains(r#"aria-label="Esboço &quot;A&quot;""#), "{svg}");
        assert!(
            svg.contains(">P1 2026/001</text>") && svg.contains("Escola &lt;b&gt;") && !svg.contains("<b>"),
            "{svg}"
        );
        assert!(!svg.contains("style=") && !svg.contains("class=\"holds"), "no sheet of styles is needed: {svg}");
    }
}
