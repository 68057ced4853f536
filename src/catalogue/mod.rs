//! Files into the catalogue: stations, risk areas, residents and readings from GeoJSON and CSV.
//!
//! An import takes everything or nothing. The readers and checks are pure and collect every error they find, each with
//! its line, field and value; `store` then writes in one transaction and can be run again: rows are matched by code.

mod areas;
pub mod csv_reader;
mod geojson_reader;
pub mod geometry_check;
pub mod problems;
mod projection;
pub mod providers;
mod readings;
pub mod record;
mod residents;
mod sgb;
mod stations;
pub mod store;

pub use areas::{Bent, NewArea, parse_areas, read_areas};
pub use problems::{ImportError, Problems};
pub use readings::{NewObservation, StreamName, parse_readings};
pub use record::Record;
pub use residents::{NewResident, normal_phone, parse_residents};
pub use stations::{NewDevice, StationWithStreams, parse_stations};

/// The largest file an import reads, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    GeoJson,
    Csv,
}

impl Format {
    /// By media type, as in an HTTP request.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next().unwrap_or_default().trim() {
            "application/geo+json" | "application/json" => Some(Self::GeoJson),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// By the first character that is not white: GeoJSON begins with a brace.
    pub fn guess(text: &str) -> Self {
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') { Self::GeoJson } else { Self::Csv }
    }
}

/// Reads a whole file into records, whatever its format.
///
/// # Errors
/// What makes the file unreadable as a whole (bad UTF-8, broken JSON, no header); errors of single records come later.
pub fn read(format: Format, bytes: &[u8]) -> Result<Vec<Record>, Problems> {
    let text = utf8(bytes)?;
    match format {
        Format::GeoJson => geojson_reader::read(text),
        Format::Csv => csv_reader::read(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Problems> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let message = "is not UTF-8; save the file as UTF-8 (many spreadsheets write Latin-1)";
        Problems::one(ImportError::new(line, None, "file", &format!("byte 0x{byte:02x}"), message))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
