//! Photographs that people send in: recognised by their content, decoded within bounds, turned upright, and written anew. What
//! is kept are pixels in a file of our own making, so nothing that rode along in the original remains: no place or device in
//! EXIF, no comments, no second file hidden behind the first.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use tokio::sync::Semaphore;

/// The largest file taken, in bytes. Telephones write 3 to 12 MB.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// The largest picture taken: what telephones call 50 megapixels is up to 8192 × 6144.
pub const MAX_PIXELS: u64 = 52_000_000;
/// Panoramas are long.
const MAX_SIDE: u32 = 16_384;
/// What decoding may take, in bytes. The pixels of the largest picture with transparency fit.
const MAX_ALLOC: u64 = 256 * 1024 * 1024;

/// The longer edge of what is kept, and of its thumbnail, in pixels.
pub const MAX_EDGE: u32 = 2048;
pub const THUMBNAIL_EDGE: u32 = 320;
const QUALITY: u8 = 85;
const THUMBNAIL_QUALITY: u8 = 75;

/// Media type of everything this module makes.
pub const MEDIA_TYPE: &str = "image/jpeg";

/// A photograph as it is kept: two JPEG files without metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub jpeg: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub thumbnail: Vec<u8>,
}

/// Size of a picture as the columns of its row hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measures {
    /// Of its file.
    pub bytes: i32,
    /// In pixels.
    pub width: i32,
    pub height: i32,
}

impl Picture {
    pub fn measures(&self) -> Measures {
        // Bounded here far below what the columns hold.
        let whole = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Measures {
            bytes: whole(self.jpeg.len()),
            width: whole(self.width as usize),
            height: whole(self.height as usize),
        }
    }
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("the content is no JPEG, PNG or WebP picture, whatever its name says")]
    Format,
    #[error("the picture has more than {} million pixels, or takes too much memory", MAX_PIXELS / 1_000_000)]
    TooManyPixels,
    #[error("the file ends in the middle of the picture; send it again")]
    Incomplete,
    #[error("the picture is damaged and cannot be read")]
    Unreadable,
}

impl Refused {
    /// Key of its words in the text files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Empty => "picture-empty",
            Self::TooLarge => "picture-too-large",
            Self::Format => "picture-format",
            Self::TooManyPixels => "picture-too-many-pixels",
            Self::Incomplete => "picture-incomplete",
            Self::Unreadable => "picture-unreadable",
        }
    }
}

impl From<ImageError> for Refused {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Self::Incomplete,
            _ => Self::Unreadable,
        }
    }
}

/// One picture at a time in the whole process: decoding may take hundreds of megabytes and a whole core, and the other core
/// and the rest of the memory belong to the alerts. Whoever comes next waits in line.
static DARKROOM: Semaphore = Semaphore::const_new(1);

/// [`reencode`] beside the runtime, in its turn. A decoder that panics on hostile bytes costs that file and nothing else.
///
/// # Errors
/// Why the file is not taken.
pub async fn develop(file: bytes::Bytes) -> Result<Picture, Refused> {
    // The line is never closed.
    let turn = DARKROOM.acquire().await.map_err(|_| Refused::Unreadable)?;
    let work = tokio::task::spawn_blocking(move || {
        // The turn ends with the work, even when whoever asked has gone.
        let _turn = turn;
        reencode(&file)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "decoding a picture failed");
        Err(Refused::Unreadable)
    })
}

/// A picture of ours from whatever bytes came. Of an animation the first frame is kept: it is what was seen, and refusing it
/// would cost a field agent a photograph whose telephone added a moment of movement.
///
/// Colours are taken as sRGB; an embedded profile is dropped like all other metadata.
///
/// # Errors
/// Why the file is not taken. Sizes are judged by the header, before anything is decoded.
pub fn reencode(file: &[u8]) -> Result<Picture, Refused> {
    let image = decode(file)?;
    let image = flatten(&image);
    let (width, height) = image.dimensions();
    let small = DynamicImage::ImageRgb8(image);
    let thumbnail = write(&fit(&small, THUMBNAIL_EDGE).into_rgb8(), THUMBNAIL_QUALITY)?;
    let jpeg = write(&small.into_rgb8(), QUALITY)?;
    Ok(Picture { jpeg, width, height, thumbnail })
}

/// Upright, and no larger than is kept.
fn decode(file: &[u8]) -> Result<DynamicImage, Refused> {
    if file.is_empty() {
        return Err(Refused::Empty);
    }
    if file.len() > MAX_BYTES {
        return Err(Refused::TooLarge);
    }
    let format = image::guess_format(file).map_err(|_| Refused::Format)?;
    match format {
        ImageFormat::Jpeg if !ends(file) => return Err(Refused::Incomplete),
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP => {}
        _ => return Err(Refused::Format),
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Refused::Unreadable);
    }
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_ALLOC {
        return Err(Refused::TooManyPixels);
    }
    // Damaged EXIF says nothing of the picture itself.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder)?;
    // Made small first, so that turning copies little.
    let mut image = fit(&image, MAX_EDGE);
    image.apply_orientation(orientation);
    Ok(image)
}

/// No edge longer than this. Small pictures stay as they are.
fn fit(image: &DynamicImage, edge: u32) -> DynamicImage {
    if image.width().max(image.height()) <= edge { image.clone() } else { image.thumbnail(edge, edge) }
}

/// Eight bits of red, green and blue. Transparent parts become white, as on paper.
fn flatten(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let layered = image.to_rgba8();
    let over_white = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        // At most 255: a mean of two such numbers.
        ((colour * alpha + 255 * (255 - alpha)) / 255) as u8
    };
    RgbImage::from_fn(layered.width(), layered.height(), |x, y| {
        let [red, green, blue, alpha] = layered.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|colour| over_white(colour, alpha)))
    })
}

fn write(image: &RgbImage, quality: u8) -> Result<Vec<u8>, Refused> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(image)?;
    Ok(file)
}

/// Whether a JPEG has its end mark after the picture began. The decoder would fill what is missing with grey, and whoever sent
/// it still has the whole. Earlier parts are skipped by their lengths, for they may hold a preview with an end of its own.
fn ends(file: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    loop {
        match file.get(at..at + 4) {
            // Fill bytes may stand before a mark.
            Some([0xff, 0xff, ..]) => at += 1,
            Some([0xff, START_OF_SCAN, ..]) => break,
            Some([0xff, _, high, low]) => at += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2),
            // Something the decoder may know how to pass over; it decides.
            Some(_) => break,
            None => return false,
        }
    }
    file[at..].windows(2).any(|pair| pair == [0xff, 0xd9])
}

#[cfg(test)]
mod tests;
