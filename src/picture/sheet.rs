//! Whole pictures: the map with its legend, and what a shared link shows of itself.

use super::canvas::{Canvas, Type};
use super::frame::Area;
use super::ground::{self, Names};
use super::text::Weight;
use super::{INK, Lines, MAP, PictureError, Rgb, SHARE, Scene, Tone, WHITE, Words};

const GREY: Rgb = [84, 92, 90];
const OVER: Rgb = [60, 66, 64];
/// Exercises and tests have a colour that no level has.
const DRILL: Rgb = [88, 40, 130];
const SOFT: Rgb = [63, 77, 71];

/// Where the alert holds, as a map of 1200 × 900 pixels with legend, north and scale, as PNG. It depends on nothing that changes
/// after the alert was issued, so its bytes do not either.
///
/// # Errors
/// When the picture cannot be made at all.
pub fn map(scene: &Scene, words: &Words, tone: Tone) -> Result<Vec<u8>, PictureError> {
    let (width, height) = (MAP.0 as f32, MAP.1 as f32);
    let mut canvas = Canvas::new(MAP)?;
    let head = Area::new(0.0, 0.0, width, 84.0);
    let (fill, ink) = if words.mark.is_empty() { (tone.fill(), tone.ink()) } else { (DRILL, WHITE) };
    canvas.rect(head, fill);
    let word = marked(words);
    let town_wide = canvas.letters.width(&words.town, 28.0, Weight::Regular);
    canvas.text(&words.town, Type::regular(28.0, ink), width - 28.0 - town_wide, 54.0);
    let title = canvas.letters.wrap(&word, 36.0, Weight::Bold, width - town_wide - 90.0, 1).concat();
    canvas.text(&title, Type::bold(36.0, ink), 28.0, 55.0);
    let foot = 96.0;
    let area = Area::new(14.0, 98.0, width - 28.0, height - 98.0 - foot - 8.0);
    ground::draw(&mut canvas, scene, tone, area, Names { holds: 24.0, around: 18.0 }, &words.mark);
    legend(&mut canvas, words, tone, height - foot);
    canvas.png()
}

/// What stands before anything else.
fn marked(words: &Words) -> String {
    if words.mark.is_empty() { words.word.clone() } else { format!("{} · {}", words.mark, words.word) }
}

fn legend(canvas: &mut Canvas, words: &Words, tone: Tone, top: f32) {
    let mut left = 14.0;
    for (text, holds) in [(&words.legend_holds, true), (&words.legend_around, false)] {
        let key = Area::new(left, top + 12.0, 56.0, 34.0);
        canvas.rect(key, if holds { WHITE } else { [246, 247, 244] });
        if holds && let Some(mask) = canvas.window(key) {
            canvas.wash(key, tone.fill(), 150, &mask);
            canvas.lines(key, tone.lines(), tone.edge(), 2.0, &mask);
        }
        canvas.outline(key, if holds { tone.edge() } else { GREY }, if holds { 3.0 } else { 1.5 });
        canvas.text(text, Type::regular(24.0, INK), left + 68.0, top + 37.0);
        left += 68.0 + canvas.letters.width(text, 24.0, Weight::Regular) + 40.0;
    }
    let line = format!("{} · {}", words.times, words.authority);
    let line = canvas.letters.wrap(&line, 22.0, Weight::Regular, 700.0, 1).concat();
    canvas.text(&line, Type::regular(22.0, SOFT), 14.0, top + 80.0);
    let wide = canvas.letters.width(&words.address, 18.0, Weight::Regular).min(470.0);
    canvas.text(&words.address, Type::regular(18.0, SOFT), 1186.0 - wide, top + 80.0);
}

/// The share image of 1200 × 630 pixels, as PNG: the headline in large letters beside the map, and whether it still holds.
///
/// # Errors
/// When the picture cannot be made at all.
pub fn share(scene: &Scene, words: &Words, tone: Tone) -> Result<Vec<u8>, PictureError> {
    let (width, height) = (SHARE.0 as f32, SHARE.1 as f32);
    let mut canvas = Canvas::new(SHARE)?;
    let is_over = !words.over.is_empty();
    let (fill, ink) = match (is_over, words.mark.is_empty()) {
        (true, _) => (OVER, WHITE),
        (false, false) => (DRILL, WHITE),
        (false, true) => (tone.fill(), tone.ink()),
    };
    canvas.rect(Area::new(0.0, 0.0, width, 104.0), fill);
    let word = if is_over { words.over.clone() } else { marked(words) };
    let size = if canvas.letters.width(&word, 46.0, Weight::Bold) <= width - 96.0 { 46.0 } else { 34.0 };
    let word = canvas.letters.wrap(&word, size, Weight::Bold, width - 96.0, 1).concat();
    canvas.text(&word, Type::bold(size, ink), 48.0, 68.0);
    let map = Area::new(672.0, 128.0, width - 672.0 - 24.0, height - 128.0 - 24.0);
    ground::draw(&mut canvas, scene, tone, map, Names { holds: 22.0, around: 0.0 }, &words.mark);
    sides(&mut canvas, words, is_over, height);
    canvas.png()
}

fn sides(canvas: &mut Canvas, words: &Words, is_over: bool, height: f32) {
    let wide = 590.0;
    let mut y = 178.0;
    let mut lines = canvas.letters.wrap(&words.headline, 44.0, Weight::Bold, wide, 5);
    let mut size = 44.0;
    if lines.len() > 4 {
        size = 36.0;
        lines = canvas.letters.wrap(&words.headline, size, Weight::Bold, wide, 5);
    }
    for line in &lines {
        canvas.text(line, Type::bold(size, if is_over { GREY } else { INK }), 48.0, y);
        y += size * 1.18;
    }
    y += 8.0;
    for line in canvas.letters.wrap(&words.places, 26.0, Weight::Regular, wide, 2) {
        canvas.text(&line, Type::regular(26.0, INK), 48.0, y);
        y += 34.0;
    }
    for line in canvas.letters.wrap(&words.times, 26.0, Weight::Bold, wide, 1) {
        canvas.text(&line, Type::bold(26.0, INK), 48.0, y + 6.0);
    }
    let foot = height - 62.0;
    for (text, style, at) in
        [(&words.call, Type::bold(28.0, INK), foot), (&words.authority, Type::regular(22.0, SOFT), foot + 34.0)]
    {
        let line = canvas.letters.wrap(text, style.size, style.weight, wide, 1).concat();
        canvas.text(&line, style, 48.0, at);
    }
}

/// The distance of the lines of the pages' drawings from each other, as those of the pictures.
pub(super) const fn gap(lines: Lines) -> f32 {
    match lines {
        Lines::None => 0.0,
        Lines::Rising(gap) | Lines::Falling(gap) | Lines::Upright(gap) | Lines::Crossed(gap) => gap,
    }
}
