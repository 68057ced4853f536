//! Device profiles: how what a make of device sends becomes readings of streams. Written in the configuration, one table
//! `[[ingest.profiles]]` each; devices name theirs.

use serde::Deserialize;

use super::Format;

/// One make of device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What devices are told to have.
    pub name: String,
    /// Left out: recognised from the message.
    #[serde(default)]
    pub format: Option<Format>,
    /// Path to the instant within the decoded object: RFC 3339, or seconds or milliseconds since 1970. Left out: the
    /// network's own.
    #[serde(default)]
    pub at: String,
    /// Left out: what bears the name of a stream is its reading.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// One value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The path in the decoded object (`weather.rain`), the name in a SenML or native message, or where the bytes are
    /// (`u16be@2`).
    pub from: String,
    /// Of the station.
    pub stream: String,
    /// Left out: the message's own, else the stream's.
    #[serde(default)]
    pub unit: Option<String>,
    /// Applied first: 0.2 for tips of 0.2 mm.
    #[serde(default = "one")]
    pub factor: f64,
    /// Added then.
    #[serde(default)]
    pub offset: f64,
    /// Only in uplinks of this LoRaWAN port.
    #[serde(default)]
    pub port: Option<u8>,
    /// Raw values that say there was no measurement.
    #[serde(default)]
    pub missing: Vec<f64>,
}

const fn one() -> f64 {
    1.0
}

impl Profile {
    /// What is wrong with it, in words for the configuration.
    pub fn problem(&self) -> Option<String> {
        if self.name.is_empty() {
            return Some("a profile needs a name".into());
        }
        let wrong = |field: &&Field| {
            field.stream.is_empty()
                || !field.factor.is_finite()
                || field.factor == 0.0
                || !field.offset.is_finite()
                || (field.from.contains('@') && Place::parse(&field.from).is_none())
        };
        let found = self.fields.iter().find(wrong)?;
        Some(format!(
            "field from = {:?}: expected a stream, a factor that is not 0, and for bytes a place such as \"u16be@2\"",
            found.from
        ))
    }
}

impl Field {
    /// The value in the field's unit; `None` when it says there is none.
    pub fn scale(&self, raw: f64) -> Option<f64> {
        (!self.missing.contains(&raw)).then_some(raw * self.factor + self.offset)
    }
}

/// Where a number stands in bytes: `u16be@2` is two bytes from the third on, the high one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    kind: Kind,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole { bytes: usize, signed: bool, little: bool },
    Float { little: bool },
}

impl Place {
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, at) = text.split_once('@')?;
        let at = at.parse().ok()?;
        let (size, little) = match kind.strip_suffix("le") {
            Some(size) => (size, true),
            None => (kind.strip_suffix("be").unwrap_or(kind), false),
        };
        let has_order = size.len() != kind.len();
        let kind = match size {
            "f32" if has_order => Kind::Float { little },
            _ => {
                let (sign, bits) = size.split_at_checked(1)?;
                let bytes = match bits {
                    "8" if !has_order => 1,
                    "16" if has_order => 2,
                    "24" if has_order => 3,
                    "32" if has_order => 4,
                    _ => return None,
                };
                let signed = match sign {
                    "u" => false,
                    "i" => true,
                    _ => return None,
                };
                Kind::Whole { bytes, signed, little }
            }
        };
        Some(Self { kind, at })
    }

    /// The number; `None` when the bytes end before, or are no number.
    pub fn read(self, bytes: &[u8]) -> Option<f64> {
        let size = match self.kind {
            Kind::Whole { bytes, .. } => bytes,
            Kind::Float { .. } => 4,
        };
        let part = bytes.get(self.at..self.at.checked_add(size)?)?;
        let little = matches!(self.kind, Kind::Whole { little: true, .. } | Kind::Float { little: true });
        let fold = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        let bits = if little { part.iter().rev().fold(0, fold) } else { part.iter().fold(0, fold) };
        match self.kind {
            Kind::Float { .. } => Some(f64::from(f32::from_bits(bits))).filter(|value| value.is_finite()),
            Kind::Whole { signed: false, .. } => Some(f64::from(bits)),
            Kind::Whole { bytes, .. } => {
                // The sign is the top bit of the bytes that there are.
                let unused = 32 - 8 * bytes;
                Some(f64::from((bits << unused).cast_signed() >> unused))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_the_profile_says() {
        let bytes = [0xff, 0xfe, 0x01, 0x02, 0x03, 0x41, 0x20, 0x00, 0x00];
        for (place, value) in [
            ("u8@0", 255.0),
            ("i8@0", -1.0),
            ("u16be@0", 65534.0),
            ("i16be@0", -2.0),
            ("u16le@1", 510.0),
            ("u24be@2", 66051.0),
            ("i24le@0", 130_815.0),
            ("u32be@1", 4_261_478_915.0),
            ("f32be@5", 10.0),
        ] {
            assert_eq!(Place::parse(place).unwrap().read(&bytes), Some(value), "{place}");
        }
        for beyond in ["u8@9", "u16be@8", "u32le@18446744073709551615"] {
            assert_eq!(Place::parse(beyond).unwrap().read(&bytes), None, "{beyond}");
        }
        for wrong in ["u8be@0", "u16@0", "x16be@0", "u12be@0", "@1", "u8", "u8@-1", "f64be@0", "é@0"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_profile_that_cannot_work_is_named() {
        let profile = |text: &str| toml::from_str::<Profile>(text).unwrap();
        assert_eq!(profile("name = 'a'\n[[fields]]\nfrom = 'u16be@2'\nstream = 'rain'").problem(), None);
        for bad in
            ["from = 'u17be@2'\nstream = 'rain'", "from = 'a'\nstream = ''", "from = 'a'\nstream = 'rain'\nfactor = 0"]
        {
            let problem = profile(&format!("name = 'a'\n[[fields]]\n{bad}")).problem();
            assert!(problem.is_some_and(|text| text.contains("field from")), "{bad}");
        }
    }
}
