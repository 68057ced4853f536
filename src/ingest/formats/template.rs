//! The bytes of a downlink, written by a device's profile: `01{interval_s:u24be}` is the byte 01 and the interval in three bytes.
//!
//! A template is hexadecimal digits and, in braces, arguments of the command: `{name:type}`, `{name/60:type}`, `{name*10:type}`.
//! The types are those of a profile's fields (`u8`, `i16be`, `u24le`, …) and `hex`, which puts in the bytes that the argument
//! writes out. Nothing is rounded or cut: what does not fit is refused with the reason.

use serde::Deserialize;
use serde_json::Value;

use super::profile::Number;
use crate::fleet::command::CommandName;

/// The largest application payload that LoRaWAN has at any data rate, in bytes (LoRaWAN Regional Parameters, N at DR 5 and up).
pub const MAX_BYTES: usize = 242;
/// The ports of applications (LoRaWAN 1.0.4, section 4.3.2).
const PORTS: std::ops::RangeInclusive<u8> = 1..=223;
/// What numbers may be multiplied with or divided by.
const MAX_SCALE: i128 = 1_000_000;

/// How one command is told to one make of device: `[ingest.profiles.commands.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub f_port: u8,
    /// Whether the device's radio shall say that it got the frame. Without it nobody ever learns.
    #[serde(default = "yes")]
    pub confirmed: bool,
    pub hex: String,
}

const fn yes() -> bool {
    true
}

/// What a network server is given for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub f_port: u8,
    pub confirmed: bool,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    Number { argument: String, scale: Scale, written: String, number: Number },
    Hex { argument: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Times(i128),
    By(i128),
}

impl Template {
    /// What is wrong with it as the form of this command, in words for the configuration.
    pub fn problem(&self, command: CommandName) -> Option<String> {
        if !PORTS.contains(&self.f_port) {
            return Some(format!("f_port = {}: expected {} to {}", self.f_port, PORTS.start(), PORTS.end()));
        }
        let parts = match parse(&self.hex) {
            Ok(parts) => parts,
            Err(why) => return Some(format!("hex = {:?}: {why}", self.hex)),
        };
        let known: &[&str] = match command {
            CommandName::SetInterval => &["interval_s"],
            CommandName::SendBacklog => &["from"],
            CommandName::Reboot | CommandName::SyncClock => &[],
            CommandName::Custom => return None,
            CommandName::SirenArm | CommandName::SirenSound | CommandName::SirenTest | CommandName::SirenSilence => {
                return Some(format!("{command}: sirens are told over a connection of their own alone"));
            }
        };
        let unknown = parts.iter().filter_map(Part::argument).find(|argument| !known.contains(argument))?;
        let has = if known.is_empty() { "no arguments".to_owned() } else { format!("only {}", known.join(", ")) };
        Some(format!("hex = {:?}: there is no argument {unknown:?}; {command} has {has}", self.hex))
    }

    /// The bytes for these arguments, a JSON object.
    ///
    /// # Errors
    /// The argument that is missing or does not fit, and why.
    pub fn encode(&self, args: &Value) -> Result<Encoded, String> {
        let mut bytes = Vec::new();
        for part in parse(&self.hex)? {
            part.write(args, &mut bytes)?;
        }
        if bytes.len() > MAX_BYTES {
            return Err(format!("{} bytes; a downlink has at most {MAX_BYTES}", bytes.len()));
        }
        Ok(Encoded { f_port: self.f_port, confirmed: self.confirmed, bytes })
    }
}

impl Part {
    fn argument(&self) -> Option<&str> {
        match self {
            Self::Byte(_) => None,
            Self::Number { argument, .. } | Self::Hex { argument } => Some(argument),
        }
    }

    fn write(&self, args: &Value, bytes: &mut Vec<u8>) -> Result<(), String> {
        let given = |argument: &str| args.get(argument).ok_or_else(|| format!("the argument {argument:?} is missing"));
        match self {
            Self::Byte(byte) => bytes.push(*byte),
            Self::Hex { argument } => {
                let text = given(argument)?.as_str().unwrap_or_default();
                let told = from_hex(text).filter(|told| !told.is_empty());
                bytes.extend(
                    told.ok_or_else(|| format!("{argument}: expected bytes in hexadecimal, such as \"ff10ff\""))?,
                );
            }
            Self::Number { argument, scale, written, number } => {
                let value = given(argument)?;
                let (least, most) = number.range();
                let scaled = scale.apply(value).map_err(|why| format!("{argument} = {value}: {why}"))?;
                if !(least..=most).contains(&scaled) {
                    let told =
                        if *scale == Scale::Times(1) { String::new() } else { format!(" gives {scaled}, which") };
                    return Err(format!("{argument} = {value}{told} does not fit {written}: {least} to {most}"));
                }
                number.write(scaled, bytes);
            }
        }
        Ok(())
    }
}

impl Scale {
    /// A whole number, or why there is none.
    fn apply(self, value: &Value) -> Result<i128, String> {
        let whole = match value {
            Value::Bool(on) => Some(i128::from(*on)),
            Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
            // An instant is the seconds since 1970.
            Value::String(text) => {
                chrono::DateTime::parse_from_rfc3339(text).ok().map(|instant| i128::from(instant.timestamp()))
            }
            _ => None,
        };
        match (self, whole, value.as_f64()) {
            (Self::Times(factor), Some(whole), _) => Ok(whole * factor),
            (Self::By(divisor), Some(whole), _) if whole % divisor == 0 => Ok(whole / divisor),
            (Self::By(divisor), Some(_), _) => Err(format!("is no multiple of {divisor}")),
            (Self::Times(factor), None, Some(number)) => whole_of(number * factor as f64),
            (Self::By(divisor), None, Some(number)) => whole_of(number / divisor as f64),
            (_, None, None) => Err("expected a number, true or false, or an instant (RFC 3339)".into()),
        }
    }
}

/// A fraction that is whole but for what binary fractions add: 21.5 times 10 is 215.
fn whole_of(number: f64) -> Result<i128, String> {
    if (number - number.round()).abs() < 1e-6 && number.abs() < 1e15 {
        Ok(number.round() as i128)
    } else {
        Err("would have to be rounded".into())
    }
}

fn parse(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let literal = rest.find('{').map_or(rest, |at| &rest[..at]);
        let bytes = from_hex(literal)
            .ok_or_else(|| format!("{literal:?}: expected pairs of hexadecimal digits outside of the braces"))?;
        parts.extend(bytes.into_iter().map(Part::Byte));
        let Some(inside) = rest[literal.len()..].strip_prefix('{') else { break };
        let (inside, after) = inside.split_once('}').ok_or("a brace is not closed")?;
        parts.push(argument(inside)?);
        rest = after;
    }
    if parts.is_empty() {
        return Err("expected at least one byte".into());
    }
    if parts.iter().map(Part::size).sum::<usize>() > MAX_BYTES {
        return Err(format!("a downlink has at most {MAX_BYTES} bytes"));
    }
    Ok(parts)
}

impl Part {
    /// Bytes at least.
    fn size(&self) -> usize {
        match self {
            Self::Byte(_) | Self::Hex { .. } => 1,
            Self::Number { number, .. } => number.bytes(),
        }
    }
}

/// `interval_s/60:u8`
fn argument(inside: &str) -> Result<Part, String> {
    let expected =
        || format!("{{{inside}}}: expected {{argument:type}}, such as {{interval_s:u24be}} or {{interval_s/60:u8}}");
    let (value, kind) = inside.split_once(':').ok_or_else(expected)?;
    let (name, scale) = match value.find(['/', '*']) {
        None => (value, Scale::Times(1)),
        Some(at) => {
            let by = value[at + 1..].parse().ok().filter(|by| (1..=MAX_SCALE).contains(by)).ok_or_else(expected)?;
            (&value[..at], if value[at..].starts_with('/') { Scale::By(by) } else { Scale::Times(by) })
        }
    };
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(expected());
    }
    let argument = name.to_owned();
    if kind == "hex" {
        return if scale == Scale::Times(1) { Ok(Part::Hex { argument }) } else { Err(expected()) };
    }
    let number = Number::parse(kind).ok_or_else(|| {
        format!("{{{inside}}}: {kind:?} is no type; expected u8, i8, u16be, u16le, i16be, …, u32le, i32le, or hex")
    })?;
    Ok(Part::Number { argument, scale, written: kind.to_owned(), number })
}

/// Pairs of hexadecimal digits, with or without spaces between the pairs.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace() {
        let digits: Option<Vec<u8>> =
            word.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
        bytes.extend(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(hex: &str) -> Template {
        Template { f_port: 1, confirmed: true, hex: hex.into() }
    }

    fn bytes(hex: &str, args: &Value) -> Result<Vec<u8>, String> {
        template(hex).encode(args).map(|encoded| encoded.bytes)
    }

    #[test]
    fn the_examples_of_the_manuals_come_out_byte_for_byte() {
        // Dragino: "0100003C: set transmit interval = 60 seconds". Milesight: "ff03b004: 1200 s".
        assert_eq!(bytes("01{interval_s:u24be}", &json!({"interval_s": 60})), Ok(vec![0x01, 0x00, 0x00, 0x3c]));
        assert_eq!(bytes("ff03{interval_s:u16le}", &json!({"interval_s": 1200})), Ok(vec![0xff, 0x03, 0xb0, 0x04]));
        assert_eq!(bytes("ff 10 ff", &json!({})), Ok(vec![0xff, 0x10, 0xff]));
        // Milesight VS350: the interval in minutes, "ff8e001400: 20 minutes".
        let minutes = bytes("ff8e00{interval_s/60:u16le}", &json!({"interval_s": 1200}));
        assert_eq!(minutes, Ok(vec![0xff, 0x8e, 0x00, 0x14, 0x00]));
    }

    #[test]
    fn numbers_are_written_in_their_size_order_and_sign() {
        for (kind, value, written) in [
            ("u8", json!(255), vec![0xff]),
            ("i8", json!(-1), vec![0xff]),
            ("u16be", json!(258), vec![1, 2]),
            ("u16le", json!(258), vec![2, 1]),
            ("i16be", json!(-2), vec![0xff, 0xfe]),
            ("u24be", json!(66051), vec![1, 2, 3]),
            ("u24le", json!(66051), vec![3, 2, 1]),
            ("i24le", json!(-3), vec![0xfd, 0xff, 0xff]),
            ("u32be", json!(16_909_060), vec![1, 2, 3, 4]),
            ("i32le", json!(-1), vec![0xff; 4]),
            ("u8", json!(true), vec![1]),
            ("u32be", json!("1970-01-01T00:01:00Z"), vec![0, 0, 0, 60]),
        ] {
            assert_eq!(bytes(&format!("{{v:{kind}}}"), &json!({"v": value})), Ok(written), "{kind} {value}");
        }
        assert_eq!(bytes("{t*10:i16le}", &json!({"t": 21.5})), Ok(vec![215, 0]));
        assert_eq!(bytes("01{raw:hex}", &json!({"raw": "FF 10"})), Ok(vec![0x01, 0xff, 0x10]));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        for (hex, args, why) in [
            ("{v:u8}", json!({"v": 256}), "does not fit u8: 0 to 255"),
            ("{v:u16le}", json!({"v": 86_400}), "does not fit u16le: 0 to 65535"),
            ("{v:u8}", json!({"v": -1}), "does not fit u8"),
            ("{v/60:u8}", json!({"v": 90}), "is no multiple of 60"),
            ("{v/60:u8}", json!({"v": 86_400}), "gives 1440, which does not fit u8"),
            ("{v:u8}", json!({"v": 1.5}), "would have to be rounded"),
            ("{v:u8}", json!({"v": [1]}), "expected a number"),
            ("{v:u8}", json!({}), "\"v\" is missing"),
            ("{v:hex}", json!({"v": "f"}), "expected bytes in hexadecimal"),
            ("{v:hex}", json!({"v": "00".repeat(243)}), "at most 242"),
        ] {
            let refused = bytes(hex, &args).unwrap_err();
            assert!(refused.contains(why), "{hex} {args}: {refused}");
        }
    }

    #[test]
    fn a_template_that_cannot_work_is_named_at_start_up() {
        for (command, hex, why) in [
            (
                CommandName::SetInterval,
                "01{interval:u24be}",
                "there is no argument \"interval\"; set_interval has only",
            ),
            (CommandName::Reboot, "04{interval_s:u8}", "reboot has no arguments"),
            (CommandName::Custom, "0", "pairs of hexadecimal digits"),
            (CommandName::Custom, "0x01", "pairs of hexadecimal digits"),
            (CommandName::Custom, "", "at least one byte"),
            (CommandName::Custom, "01{a:u8", "not closed"),
            (CommandName::Custom, "01{a}", "expected {argument:type}"),
            (CommandName::Custom, "{a:u17be}", "is no type"),
            (CommandName::Custom, "{a:f32be}", "is no type"),
            (CommandName::Custom, "{a/0:u8}", "expected {argument:type}"),
            (CommandName::Custom, "{a b:u8}", "expected {argument:type}"),
            (CommandName::Custom, "{a/2:hex}", "expected {argument:type}"),
        ] {
            let problem = template(hex).problem(command).unwrap_or_default();
            assert!(problem.contains(why), "{hex}: {problem}");
        }
        for port in [0, 224] {
            let problem = Template { f_port: port, ..template("01") }.problem(CommandName::Custom);
            assert!(problem.is_some_and(|problem| problem.contains("expected 1 to 223")));
        }
        assert_eq!(template("01{interval_s:u24be}").problem(CommandName::SetInterval), None);
        assert!(template(&"00".repeat(243)).problem(CommandName::Custom).is_some());
    }
}
