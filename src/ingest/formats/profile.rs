//! Device profiles: how what a make of device sends becomes readings of streams. Written in the configuration, one table
//! `[[ingest.profiles]]` each; devices name theirs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Format;
use super::template::{Encoded, Template};
use crate::fleet::command::CommandName;

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
    /// How commands are told to it through a LoRaWAN network server, by the name of the command.
    #[serde(default)]
    pub commands: BTreeMap<String, Template>,
}

/// Why a command cannot be written for a make of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// The profile does not say how.
    NoTemplate,
    /// An argument does not fit; why.
    Argument(String),
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
        if let Some(found) = self.fields.iter().find(wrong) {
            return Some(format!(
                "field from = {:?}: expected a stream, a factor that is not 0, and for bytes a place such as \"u16be@2\"",
                found.from
            ));
        }
        self.commands.iter().find_map(|(name, template)| match name.parse::<CommandName>() {
            Ok(command) => template.problem(command).map(|why| format!("commands.{name}: {why}")),
            Err(unknown) => Some(format!("commands.{name}: {unknown}")),
        })
    }

    /// The bytes that tell a device of this make a command.
    ///
    /// # Errors
    /// The profile does not know the command, or an argument does not fit.
    pub fn written(&self, command: CommandName, args: &Value) -> Result<Encoded, Unwritable> {
        let template = self.commands.get(command.as_str()).ok_or(Unwritable::NoTemplate)?;
        template.encode(args).map_err(Unwritable::Argument)
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
    Whole(Number),
    Float { little: bool },
}

/// How a whole number lies in bytes: `u16be`, `i24le`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    bytes: usize,
    signed: bool,
    little: bool,
}

impl Number {
    /// `u8`, `i8`, and 16, 24 and 32 bits with the order of their bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let (size, little) = order(text);
        let has_order = size.len() != text.len();
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
        Some(Self { bytes, signed, little })
    }

    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// The least and the greatest number that it holds.
    pub const fn range(self) -> (i128, i128) {
        let all = 1_i128 << (8 * self.bytes);
        if self.signed { (-all / 2, all / 2 - 1) } else { (0, all - 1) }
    }

    /// Adds a number within [`Self::range`] to the bytes.
    pub fn write(self, number: i128, bytes: &mut Vec<u8>) {
        let whole = number.to_be_bytes();
        let part = &whole[whole.len() - self.bytes..];
        if self.little { bytes.extend(part.iter().rev()) } else { bytes.extend(part) }
    }
}

/// "u16le" is "u16", the low byte first.
fn order(text: &str) -> (&str, bool) {
    match text.strip_suffix("le") {
        Some(size) => (size, true),
        None => (text.strip_suffix("be").unwrap_or(text), false),
    }
}

impl Place {
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, at) = text.split_once('@')?;
        let at = at.parse().ok()?;
        let kind = match order(kind) {
            ("f32", little) if kind != "f32" => Kind::Float { little },
            _ => Kind::Whole(Number::parse(kind)?),
        };
        Some(Self { kind, at })
    }

    /// The number; `None` when the bytes end before, or are no number.
    pub fn read(self, bytes: &[u8]) -> Option<f64> {
        let (size, little) = match self.kind {
            Kind::Whole(number) => (number.bytes, number.little),
            Kind::Float { little } => (4, little),
        };
        let part = bytes.get(self.at..self.at.checked_add(size)?)?;
        let fold = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        let bits = if little { part.iter().rev().fold(0, fold) } else { part.iter().fold(0, fold) };
        match self.kind {
            Kind::Float { .. } => Some(f64::from(f32::from_bits(bits))).filter(|value| value.is_finite()),
            Kind::Whole(number) if !number.signed => Some(f64::from(bits)),
            Kind::Whole(_) => {
                // The sign is the top bit of the bytes that there are.
                let unused = 32 - 8 * size;
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

    #[test]
    fn commands_of_a_profile_are_checked_by_their_names() {
        let profile = |text: &str| toml::from_str::<Profile>(&format!("name = 'a'\n{text}")).unwrap();
        let good = profile("[commands.set_interval]\nf_port = 2\nhex = '01{interval_s:u24be}'");
        assert_eq!(good.problem(), None);
        let written = good.written(CommandName::SetInterval, &serde_json::json!({"interval_s": 600})).unwrap();
        assert_eq!(written, Encoded { f_port: 2, confirmed: true, bytes: vec![1, 0, 2, 0x58] });
        assert_eq!(good.written(CommandName::Reboot, &Value::Null), Err(Unwritable::NoTemplate));
        let odd = profile("[commands.explode]\nf_port = 2\nhex = '01'").problem().unwrap();
        assert!(odd.contains("commands.explode") && odd.contains("set_interval"), "{odd}");
        let odd = profile("[commands.reboot]\nf_port = 2\nhex = '01{x:u8}'").problem().unwrap();
        assert!(odd.contains("commands.reboot") && odd.contains("no argument \"x\""), "{odd}");
    }
}
