//! The map itself: the town, where the alert holds, names, north and scale, laid into a rectangle of a picture.

use tiny_skia::{Mask, Path, PathBuilder};

use super::canvas::{Canvas, Type, path};
use super::frame::{Area, Frame, length};
use super::{Ground, INK, Scene, Tone, WHITE};

const BEYOND: [u8; 3] = [226, 231, 230];
const LAND: [u8; 3] = [246, 247, 244];
const OUTLINE: [u8; 3] = [74, 88, 82];
const BORDER: [u8; 3] = [176, 186, 180];
const NAME: [u8; 3] = [70, 84, 78];

/// How much is written on the map.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Of areas in which the alert holds, in pixels of the em.
    pub holds: f32,
    /// Of the others; 0 leaves them out.
    pub around: f32,
}

pub fn draw(canvas: &mut Canvas, scene: &Scene, tone: Tone, area: Area, names: Names, mark: &str) {
    let frame = Frame::new(scene.extent, area);
    let Some(window) = canvas.window(area) else { return };
    canvas.rect(area, BEYOND);
    town(canvas, scene, &frame, &window);
    holds(canvas, scene, tone, &frame, &window);
    let mut taken = corners(area);
    let own = scene.holds.iter().map(|ground| (ground, Type::bold(names.holds, INK)));
    let others = scene.around.iter().filter(|_| names.around > 0.0);
    let others = others.filter(|ground| scene.holds.iter().all(|own| own.name != ground.name));
    let others = others.map(|ground| (ground, Type::regular(names.around, NAME)));
    for (ground, style) in own.chain(others).collect::<Vec<_>>() {
        name(canvas, ground, style, &frame, &mut taken);
    }
    if !mark.is_empty() {
        canvas.watermark(mark, area, &window);
    }
    north(canvas, area);
    scale(canvas, &frame);
    canvas.outline(area, INK, 2.0);
}

/// All areas with a strong line around, of which later fills leave only what lies outside: the town's outline.
fn town(canvas: &mut Canvas, scene: &Scene, frame: &Frame, window: &Mask) {
    let paths: Vec<Path> = scene.around.iter().filter_map(|ground| path(&ground.shape, frame)).collect();
    for path in &paths {
        canvas.line(path, OUTLINE, 6.0, Some(window));
    }
    for path in &paths {
        canvas.fill(path, LAND, 255, Some(window));
        canvas.line(path, BORDER, 1.0, Some(window));
    }
}

fn holds(canvas: &mut Canvas, scene: &Scene, tone: Tone, frame: &Frame, window: &Mask) {
    let paths: Vec<Path> = scene.holds.iter().filter_map(|ground| path(&ground.shape, frame)).collect();
    if let Some(mask) = canvas.mask(&paths, frame.area) {
        canvas.wash(frame.area, tone.fill(), 150, &mask);
        canvas.lines(frame.area, tone.lines(), tone.edge(), 2.0, &mask);
    }
    for path in &paths {
        canvas.line(path, WHITE, 6.0, Some(window));
    }
    for path in &paths {
        canvas.line(path, tone.edge(), 3.0, Some(window));
    }
}

/// Where north and scale stand, and no name may.
fn corners(area: Area) -> Vec<Area> {
    vec![
        Area::new(area.right() - 64.0, area.top, 64.0, 92.0),
        Area::new(area.right() - 260.0, area.bottom() - 56.0, 260.0, 56.0),
    ]
}

/// A name about the point inside its ground, where it meets no other.
fn name(canvas: &mut Canvas, ground: &Ground, style: Type, frame: &Frame, taken: &mut Vec<Area>) {
    let (x, y) = frame.at(ground.inside);
    let width = canvas.letters.width(&ground.name, style.size, style.weight);
    let place = Area::new(x - width / 2.0 - 4.0, y - style.size * 0.7, width + 8.0, style.size * 1.4);
    if !frame.area.holds(place) || taken.iter().any(|other| other.meets(place)) {
        return;
    }
    canvas.label(&ground.name, style, place.left + 4.0, y + style.size * 0.35, None);
    taken.push(place);
}

fn north(canvas: &mut Canvas, area: Area) {
    let (x, top) = (area.right() - 34.0, area.top + 14.0);
    let mut arrow = PathBuilder::new();
    arrow.move_to(x, top);
    arrow.line_to(x + 13.0, top + 38.0);
    arrow.line_to(x, top + 29.0);
    arrow.line_to(x - 13.0, top + 38.0);
    arrow.close();
    if let Some(arrow) = arrow.finish() {
        canvas.line(&arrow, WHITE, 6.0, None);
        canvas.fill(&arrow, INK, 255, None);
    }
    canvas.label("N", Type::bold(24.0, INK), x - 9.0, top + 62.0, None);
}

fn scale(canvas: &mut Canvas, frame: &Frame) {
    let (metres, pixels) = frame.scale(200.0);
    let (right, y) = (frame.area.right() - 22.0, frame.area.bottom() - 18.0);
    let mut bar = PathBuilder::new();
    for (x, tall) in [(right - pixels, 10.0), (right, 10.0)] {
        bar.move_to(x, y - tall);
        bar.line_to(x, y);
    }
    bar.move_to(right - pixels, y);
    bar.line_to(right, y);
    if let Some(bar) = bar.finish() {
        canvas.line(&bar, WHITE, 8.0, None);
        canvas.line(&bar, INK, 3.0, None);
    }
    let text = length(metres);
    let wide = canvas.letters.width(&text, 22.0, super::text::Weight::Bold);
    canvas.label(&text, Type::bold(22.0, INK), right - pixels / 2.0 - wide / 2.0, y - 10.0, None);
}
