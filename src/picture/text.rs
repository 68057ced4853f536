//! Letters as outlines. Atkinson Hyperlegible Next (SIL Open Font License 1.1, `fonts/OFL.txt`), which the pages use too, in
//! two weights; made from the package's variable font, Latin letters only.

use tiny_skia::{Path, PathBuilder};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::PictureError;

const REGULAR: &[u8] = include_bytes!("fonts/atkinson-hyperlegible-next-regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/atkinson-hyperlegible-next-bold.ttf");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// Both weights.
pub struct Letters {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Letters {
    pub fn new() -> Result<Self, PictureError> {
        let face = |bytes| Face::parse(bytes, 0).map_err(|_| PictureError::Typeface);
        Ok(Self { regular: face(REGULAR)?, bold: face(BOLD)? })
    }

    const fn face(&self, weight: Weight) -> &Face<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// How wide a text is, in pixels, `size` being pixels of the em.
    pub fn width(&self, text: &str, size: f32, weight: Weight) -> f32 {
        let face = self.face(weight);
        let units: u32 = glyphs(face, text).map(|glyph| advance(face, glyph)).sum();
        units as f32 * scale(face, size)
    }

    /// The outline of a text that begins at `x` and stands on `y`; none of spaces alone.
    pub fn outline(&self, text: &str, size: f32, weight: Weight, x: f32, y: f32) -> Option<Path> {
        let face = self.face(weight);
        let scale = scale(face, size);
        let mut pen = Pen { path: PathBuilder::new(), x, y, scale };
        for glyph in glyphs(face, text) {
            face.outline_glyph(glyph, &mut pen);
            pen.x += advance(face, glyph) as f32 * scale;
        }
        pen.path.finish()
    }

    /// The text in lines no wider than `width`, at most `most`; what does not fit ends in "…".
    pub fn wrap(&self, text: &str, size: f32, weight: Weight, width: f32, most: usize) -> Vec<String> {
        let fits = |line: &str| self.width(line, size, weight) <= width;
        let mut lines: Vec<String> = vec![String::new()];
        for word in text.split_whitespace() {
            let last = lines.last_mut().map(std::mem::take).unwrap_or_default();
            let longer = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
            if last.is_empty() || fits(&longer) {
                lines.pop();
                lines.push(longer);
            } else {
                lines.pop();
                lines.extend([last, word.to_owned()]);
            }
        }
        let is_cut = lines.len() > most;
        lines.truncate(most);
        if let Some(last) = lines.last_mut()
            && (is_cut || !fits(last))
        {
            while !last.is_empty() && !fits(&format!("{last}…")) {
                last.pop();
            }
            *last = format!("{}…", last.trim_end());
        }
        lines
    }
}

/// Letters that the typeface has; others would be boxes.
fn glyphs(face: &Face<'_>, text: &str) -> impl Iterator<Item = GlyphId> {
    text.chars().filter_map(|letter| face.glyph_index(letter))
}

fn advance(face: &Face<'_>, glyph: GlyphId) -> u32 {
    u32::from(face.glyph_hor_advance(glyph).unwrap_or(0))
}

fn scale(face: &Face<'_>, size: f32) -> f32 {
    size / f32::from(face.units_per_em().max(1))
}

/// Writes a glyph's outline, whose heights rise, onto a picture, whose rows fall.
struct Pen {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typeface_has_every_letter_of_portuguese_and_spanish() {
        let letters = Letters::new().unwrap();
        let all = "abcdefghijklmnopqrstuvwxyzçãõáéíóúâêôàüñªº0123456789.,;:!?¿¡()–—…·\"'/%°@²³½";
        for letter in all.chars().chain(all.to_uppercase().chars()) {
            for weight in [Weight::Regular, Weight::Bold] {
                assert!(letters.face(weight).glyph_index(letter).is_some(), "{letter:?}");
            }
        }
    }

    #[test]
    fn lines_fit_and_what_is_left_out_is_shown_to_be() {
        let letters = Letters::new().unwrap();
        let text = "Risco muito alto de deslizamento em Linhares, Bom Pastor e mais 31 bairros da região leste";
        let lines = letters.wrap(text, 40.0, Weight::Bold, 400.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| letters.width(line, 40.0, Weight::Bold) <= 400.0), "{lines:?}");
        assert!(lines[2].ends_with('…'), "{lines:?}");
        assert_eq!(letters.wrap("Sem risco", 20.0, Weight::Regular, 400.0, 2), ["Sem risco"]);
        // One word that is wider than the line.
        let long = letters.wrap("Pindamonhangaba", 40.0, Weight::Bold, 120.0, 2);
        assert!(long.len() == 1 && long[0].ends_with('…'), "{long:?}");
        assert!(letters.wrap("", 40.0, Weight::Bold, 120.0, 2).concat().is_empty());
    }

    #[test]
    fn letters_that_the_typeface_lacks_are_left_out() {
        let letters = Letters::new().unwrap();
        assert_eq!(letters.width("⚠️ Alerta", 20.0, Weight::Bold), letters.width(" Alerta", 20.0, Weight::Bold));
        assert!(letters.outline("  ", 20.0, Weight::Bold, 0.0, 0.0).is_none());
    }
}
