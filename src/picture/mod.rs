//! Pictures of where an alert holds, drawn without a browser: PNG for messages, shares and print, SVG for pages. Pure: the same
//! scene and words give the same bytes.
//!
//! Lengths on the ground are metres of the web's projection (EPSG:3857), those on a picture are pixels.

mod canvas;
mod frame;
mod ground;
pub mod sheet;
pub mod sketch;
pub mod svg;
mod text;

use geo::MultiPolygon;

pub use frame::widened;
pub use sheet::{map, share};

use crate::units::Level;

/// The map alone: width and height in pixels.
pub const MAP: (u32, u32) = (1200, 900);
/// What links show of themselves where they are shared (Open Graph): width and height in pixels.
pub const SHARE: (u32, u32) = (1200, 630);

/// A named piece of ground.
#[derive(Clone, Debug)]
pub struct Ground {
    pub name: String,
    pub shape: MultiPolygon<f64>,
    /// A point inside it, where its name may stand.
    pub inside: (f64, f64),
}

/// What lies on the map.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// West, south, east, north of what must be seen.
    pub extent: [f64; 4],
    /// The town's areas, to tell where one is.
    pub around: Vec<Ground>,
    /// Where the alert holds.
    pub holds: Vec<Ground>,
}

/// The words on a picture, all in the town's own language.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub town: String,
    pub authority: String,
    /// "Alerta máximo", "Fim do alerta".
    pub word: String,
    pub headline: String,
    /// "Onde: Linhares, Bom Pastor".
    pub places: String,
    /// "Vale até 23/02/2026 22:40".
    pub times: String,
    /// "Em perigo? Ligue 199".
    pub call: String,
    /// The address without its scheme.
    pub address: String,
    /// "Aqui vale" of the legend.
    pub legend_holds: String,
    /// "Outras áreas de risco".
    pub legend_around: String,
    /// "Exercício – não é real"; empty for what is real.
    pub mark: String,
    /// "Substituído: há um aviso mais novo"; empty while it is in force.
    pub over: String,
}

/// The colours of an alert, and lines that tell it from the others without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    pub level: Level,
    /// An end: never in the colour of a danger.
    pub is_end: bool,
}

/// Lines over the ground: how far apart in pixels, and which way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lines {
    None,
    Rising(f32),
    Falling(f32),
    Upright(f32),
    Crossed(f32),
}

type Rgb = [u8; 3];

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [21, 32, 28];

impl Tone {
    const fn fill(self) -> Rgb {
        match self.level {
            _ if self.is_end => [11, 93, 74],
            Level::Maximum => [193, 18, 31],
            Level::Alert => [240, 138, 36],
            Level::Attention => [233, 190, 30],
            _ => [36, 97, 168],
        }
    }

    /// What is written on `fill`: at least 4.5 : 1.
    const fn ink(self) -> Rgb {
        match self.level {
            Level::Alert | Level::Attention if !self.is_end => [29, 13, 0],
            _ => WHITE,
        }
    }

    /// Darker than `fill`, for lines and edges.
    const fn edge(self) -> Rgb {
        match self.level {
            _ if self.is_end => [5, 56, 44],
            Level::Maximum => [96, 6, 13],
            Level::Alert => [112, 54, 0],
            Level::Attention => [98, 77, 0],
            _ => [14, 48, 92],
        }
    }

    const fn lines(self) -> Lines {
        match self.level {
            _ if self.is_end => Lines::None,
            Level::Maximum => Lines::Crossed(15.0),
            Level::Alert => Lines::Rising(15.0),
            Level::Attention => Lines::Falling(19.0),
            _ => Lines::Upright(19.0),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("a picture of {0} × {1} pixels cannot be made")]
    Size(u32, u32),
    #[error("the typeface cannot be read")]
    Typeface,
    #[error("the picture cannot be encoded: {0}")]
    Encoding(#[from] image::ImageError),
}

#[cfg(test)]
mod tests;
