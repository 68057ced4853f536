//! Pixels: rectangles, polygons, lines, letters, and the PNG they end as.

use geo::MultiPolygon;
use image::ImageEncoder as _;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::frame::{Area, Frame};
use super::text::{Letters, Weight};
use super::{Lines, PictureError, Rgb};

pub struct Canvas {
    pixels: Pixmap,
    pub letters: Letters,
}

/// How a text stands.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    pub size: f32,
    pub weight: Weight,
    pub colour: Rgb,
}

impl Type {
    pub const fn bold(size: f32, colour: Rgb) -> Self {
        Self { size, weight: Weight::Bold, colour }
    }

    pub const fn regular(size: f32, colour: Rgb) -> Self {
        Self { size, weight: Weight::Regular, colour }
    }
}

impl Canvas {
    /// A white picture.
    pub fn new((width, height): (u32, u32)) -> Result<Self, PictureError> {
        let mut pixels = Pixmap::new(width, height).ok_or(PictureError::Size(width, height))?;
        pixels.fill(Color::WHITE);
        Ok(Self { pixels, letters: Letters::new()? })
    }

    pub fn rect(&mut self, area: Area, colour: Rgb) {
        if let Some(rect) = Rect::from_xywh(area.left, area.top, area.width, area.height) {
            self.pixels.fill_rect(rect, &paint(colour, 255), Transform::identity(), None);
        }
    }

    pub fn outline(&mut self, area: Area, colour: Rgb, width: f32) {
        if let Some(rect) = Rect::from_xywh(area.left, area.top, area.width, area.height) {
            self.line(&PathBuilder::from_rect(rect), colour, width, None);
        }
    }

    pub fn fill(&mut self, path: &Path, colour: Rgb, alpha: u8, within: Option<&Mask>) {
        self.pixels.fill_path(path, &paint(colour, alpha), FillRule::EvenOdd, Transform::identity(), within);
    }

    pub fn line(&mut self, path: &Path, colour: Rgb, width: f32, within: Option<&Mask>) {
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixels.stroke_path(path, &paint(colour, 255), &stroke, Transform::identity(), within);
    }

    /// Everything that a mask lets through.
    pub fn wash(&mut self, area: Area, colour: Rgb, alpha: u8, within: &Mask) {
        if let Some(rect) = Rect::from_xywh(area.left, area.top, area.width, area.height) {
            self.pixels.fill_rect(rect, &paint(colour, alpha), Transform::identity(), Some(within));
        }
    }

    /// Parallel lines over a rectangle.
    pub fn lines(&mut self, area: Area, lines: Lines, colour: Rgb, width: f32, within: &Mask) {
        if let Some(path) = hatching(area, lines) {
            self.line(&path, colour, width, Some(within));
        }
    }

    /// A mask that lets nothing through but these shapes within the rectangle.
    pub fn mask(&self, paths: &[Path], area: Area) -> Option<Mask> {
        let mut mask = self.empty_mask()?;
        for path in paths {
            mask.fill_path(path, FillRule::EvenOdd, true, Transform::identity());
        }
        let rect = Rect::from_xywh(area.left, area.top, area.width, area.height)?;
        mask.intersect_path(&PathBuilder::from_rect(rect), FillRule::Winding, true, Transform::identity());
        Some(mask)
    }

    /// A mask that lets the rectangle through.
    pub fn window(&self, area: Area) -> Option<Mask> {
        let rect = Rect::from_xywh(area.left, area.top, area.width, area.height)?;
        let mut mask = self.empty_mask()?;
        mask.fill_path(&PathBuilder::from_rect(rect), FillRule::Winding, true, Transform::identity());
        Some(mask)
    }

    fn empty_mask(&self) -> Option<Mask> {
        Mask::new(self.pixels.width(), self.pixels.height())
    }

    /// Writes a text from `x` on, standing on `y`.
    pub fn text(&mut self, text: &str, style: Type, x: f32, y: f32) {
        if let Some(path) = self.letters.outline(text, style.size, style.weight, x, y) {
            self.pixels.fill_path(&path, &paint(style.colour, 255), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// The same over a white edge, so that it can be read on any ground.
    pub fn label(&mut self, text: &str, style: Type, x: f32, y: f32, within: Option<&Mask>) {
        if let Some(path) = self.letters.outline(text, style.size, style.weight, x, y) {
            self.line(&path, super::WHITE, style.size / 4.0, within);
            self.pixels.fill_path(&path, &paint(style.colour, 255), FillRule::Winding, Transform::identity(), within);
        }
    }

    /// A text across the rectangle again and again, pale and slanting: whatever is cut out of the picture carries it.
    pub fn watermark(&mut self, text: &str, area: Area, within: &Mask) {
        let size = 44.0;
        let width = self.letters.width(text, size, Weight::Bold) + 90.0;
        let Some(path) = self.letters.outline(text, size, Weight::Bold, 0.0, 0.0) else { return };
        let (step, mut row) = (150.0, 0);
        let mut top = area.top;
        while top < area.bottom() + area.width * 0.5 {
            let mut left = area.left - width * if row % 2 == 0 { 0.2 } else { 0.7 };
            while left < area.right() {
                let place = Transform::from_rotate(-20.0).post_translate(left, top);
                self.pixels.fill_path(&path, &paint([60, 20, 90], 92), FillRule::Winding, place, Some(within));
                left += width;
            }
            top += step;
            row += 1;
        }
    }

    /// The picture as PNG without transparency.
    pub fn png(self) -> Result<Vec<u8>, PictureError> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let rgb: Vec<u8> =
            self.pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
        encoder.write_image(&rgb, width, height, image::ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }
}

fn paint(colour: Rgb, alpha: u8) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(colour[0], colour[1], colour[2], alpha);
    paint
}

/// One polygon after the other as a path; none of nothing.
pub fn path(shape: &MultiPolygon<f64>, frame: &Frame) -> Option<Path> {
    let mut path = PathBuilder::new();
    for polygon in shape {
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            for (place, point) in ring.coords().enumerate() {
                let (x, y) = frame.at((point.x, point.y));
                if place == 0 {
                    path.move_to(x, y);
                } else {
                    path.line_to(x, y);
                }
            }
            path.close();
        }
    }
    path.finish()
}

fn hatching(area: Area, lines: Lines) -> Option<Path> {
    let mut path = PathBuilder::new();
    let mut slanting = |gap: f32, rises: bool| {
        let mut from = area.left - area.height;
        while from < area.right() {
            let (top, bottom) = if rises { (area.bottom(), area.top) } else { (area.top, area.bottom()) };
            path.move_to(from, top);
            path.line_to(from + area.height, bottom);
            from += gap * std::f32::consts::SQRT_2;
        }
    };
    match lines {
        Lines::None => {}
        Lines::Rising(gap) => slanting(gap, true),
        Lines::Falling(gap) => slanting(gap, false),
        Lines::Crossed(gap) => {
            slanting(gap, true);
            slanting(gap, false);
        }
        Lines::Upright(gap) => {
            let mut x = area.left;
            while x < area.right() {
                path.move_to(x, area.top);
                path.line_to(x, area.bottom());
                x += gap;
            }
        }
    }
    path.finish()
}
