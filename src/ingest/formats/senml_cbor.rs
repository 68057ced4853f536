//! SenML in CBOR (RFC 8428, section 6): the same records with small integers for keys.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::senml::{Measured, Record, path, resolve};
use super::{MAX_READINGS, Message, Problem, Refused};
use crate::clock::Instant;

/// Reads a pack.
///
/// # Errors
/// The pack as a whole: CBOR that breaks off or is no array of maps. What is behind a break cannot be found again, so one
/// broken record costs the pack, unlike in JSON.
pub fn parse(payload: &[u8], now: Instant) -> Result<Message, Problem> {
    let mut decoder = Decoder::new(payload);
    let records = pack(&mut decoder).map_err(|error| {
        let message = format!("is no SenML pack in CBOR: {error}");
        Problem::new("payload", &format!("byte {}", decoder.position()), message)
    })?;
    if decoder.position() != payload.len() {
        let left = payload.len() - decoder.position();
        return Err(Problem::new("payload", &format!("{left} bytes"), "stand behind the pack"));
    }
    resolve(records, now)
}

fn pack(decoder: &mut Decoder<'_>) -> Result<Vec<Result<Record, Refused>>, Error> {
    let mut left = decoder.array()?;
    let mut records = Vec::new();
    while more(decoder, &mut left)? {
        // One more than may be is enough to say so.
        if records.len() > MAX_READINGS {
            return Ok(records);
        }
        let from = decoder.position();
        let mut wrong = None;
        let mut record = record(decoder, &mut wrong)?;
        record.raw = decoder.input()[from..decoder.position()].to_vec();
        records.push(match wrong {
            None => Ok(record),
            Some(key) => {
                let problem = Problem::new(format!("{}.{key}", path(records.len())), "", "is of the wrong type");
                Err(Refused { problem, raw: record.raw })
            }
        });
    }
    Ok(records)
}

/// Whether another item follows, in an array or map of known or unknown length.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, Error> {
    match left {
        Some(0) => Ok(false),
        Some(count) => {
            *count -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

fn record(decoder: &mut Decoder<'_>, wrong: &mut Option<String>) -> Result<Record, Error> {
    let mut left = decoder.map()?;
    let mut record = Record::default();
    while more(decoder, &mut left)? {
        let label = label(decoder)?;
        if !field(decoder, &label, &mut record)? {
            wrong.get_or_insert(label);
        }
    }
    Ok(record)
}

/// The JSON name of a key (RFC 8428, table 4).
fn label(decoder: &mut Decoder<'_>) -> Result<String, Error> {
    if is_text(decoder.datatype()?) {
        return text(decoder);
    }
    let known = match decoder.i64()? {
        -6 => "bs",
        -5 => "bv",
        -4 => "bu",
        -3 => "bt",
        -2 => "bn",
        -1 => "bver",
        0 => "n",
        1 => "u",
        2 => "v",
        3 => "vs",
        4 => "vb",
        5 => "s",
        6 => "t",
        7 => "ut",
        8 => "vd",
        other => return Ok(other.to_string()),
    };
    Ok(known.to_owned())
}

/// Takes the value of a field. False when it is of the wrong type; then it is passed over.
fn field(decoder: &mut Decoder<'_>, label: &str, record: &mut Record) -> Result<bool, Error> {
    match label {
        "bt" => number(decoder, |value| record.base_time = Some(value)),
        "bv" => number(decoder, |value| record.base_value = Some(value)),
        "bver" => number(decoder, |value| record.version = Some(value)),
        "t" => number(decoder, |value| record.time = Some(value)),
        "v" => number(decoder, |value| record.value = Some(Measured::Number(value))),
        "bn" => words(decoder, |value| record.base_name = Some(value)),
        "bu" => words(decoder, |value| record.base_unit = Some(value)),
        "n" => words(decoder, |value| record.name = Some(value)),
        "u" => words(decoder, |value| record.unit = Some(value)),
        other => {
            decoder.skip()?;
            match other {
                "vs" => record.value = Some(Measured::Other("text")),
                "vb" => record.value = Some(Measured::Other("true or false")),
                "vd" => record.value = Some(Measured::Other("bytes")),
                "s" => record.value = record.value.take().or(Some(Measured::Other("a sum"))),
                _ if other.ends_with('_') => record.must_understand = Some(other.to_owned()),
                _ => {}
            }
            Ok(true)
        }
    }
}

fn number(decoder: &mut Decoder<'_>, set: impl FnOnce(f64)) -> Result<bool, Error> {
    let value = match decoder.datatype()? {
        Type::F16 => f64::from(decoder.f16()?),
        Type::F32 => f64::from(decoder.f32()?),
        Type::F64 => decoder.f64()?,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            i128::from(decoder.int()?) as f64
        }
        Type::Tag => match decimal(decoder)? {
            Some(value) => value,
            None => return Ok(false),
        },
        _ => {
            decoder.skip()?;
            return Ok(false);
        }
    };
    if !value.is_finite() {
        return Ok(false);
    }
    set(value);
    Ok(true)
}

/// Tag 4, a decimal fraction `[exponent, mantissa]`, which section 6 recommends for short decimals.
fn decimal(decoder: &mut Decoder<'_>) -> Result<Option<f64>, Error> {
    if decoder.tag()?.as_u64() != 4 || decoder.datatype()? != Type::Array {
        decoder.skip()?;
        return Ok(None);
    }
    if decoder.array()? != Some(2) {
        return Err(Error::message("a decimal fraction has two parts"));
    }
    let (exponent, mantissa) = (decoder.i32()?, decoder.i64()?);
    // Through text, so that 273.15 is the nearest number to it and not a product of roundings.
    Ok(format!("{mantissa}e{exponent}").parse().ok())
}

const fn is_text(kind: Type) -> bool {
    matches!(kind, Type::String | Type::StringIndef)
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, Error> {
    decoder.str_iter()?.collect()
}

fn words(decoder: &mut Decoder<'_>, set: impl FnOnce(String)) -> Result<bool, Error> {
    if !is_text(decoder.datatype()?) {
        decoder.skip()?;
        return Ok(false);
    }
    set(text(decoder)?);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::formats::senml::parse_json;

    fn now() -> Instant {
        "2026-02-20T12:00:00Z".parse().unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    /// RFC 8428, section 6: the CBOR of the example of section 5.1.3, in the notation of its hexadecimal dump.
    const EXAMPLE: &str = "
        87 a7 21 78 1b 75726e3a6465763a6f773a313065323037336130313038303036 3a
        22 fb 41d303a15b001062 00 67 766f6c74616765 01 61 56 23 61 41 20 05 02 fb 405e066666666666
        a3 00 67 63757272656e74 06 24 02 fb 3ff3333333333333
        a3 00 67 63757272656e74 06 23 02 fb 3ff4cccccccccccd
        a3 00 67 63757272656e74 06 22 02 fb 3ff6666666666666
        a3 00 67 63757272656e74 06 21 02 f9 3e00
        a3 00 67 63757272656e74 06 20 02 fb 3ff999999999999a
        a3 00 67 63757272656e74 06 00 02 fb 3ffb333333333333";

    #[test]
    fn the_example_of_the_rfc_says_in_cbor_what_it_says_in_json() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/payloads/");
        let json = std::fs::read(format!("{folder}senml_rfc8428_ex3.json")).unwrap();
        let (cbor, json) = (parse(&bytes(EXAMPLE), now()).unwrap(), parse_json(&json, now()).unwrap());
        let of = |message: Message| -> Vec<_> {
            let good = message.readings.into_iter().map(Result::unwrap);
            good.map(|reading| (reading.stream, reading.at, reading.value, reading.unit)).collect()
        };
        assert_eq!(of(cbor), of(json));
    }

    #[test]
    fn decimal_fractions_half_floats_and_lengths_unknown_are_read() {
        // [_ {_ "n": "rain", "v": 4([-1, 34])}]
        let message = parse(&bytes("9f bf 61 6e 64 7261696e 61 76 c4 82 20 18 22 ff ff"), now()).unwrap();
        assert_eq!(message.readings[0].as_ref().unwrap().value, 3.4);
        // [{0: "rain", 2: 1.5 (half)}]
        let message = parse(&bytes("81 a2 00 64 7261696e 02 f9 3e00"), now()).unwrap();
        assert_eq!(
            (message.readings[0].as_ref().unwrap().value, message.readings[0].as_ref().unwrap().at),
            (1.5, now())
        );
    }

    #[test]
    fn a_field_of_the_wrong_type_costs_its_record_and_broken_cbor_the_pack() {
        // [{0: "rain", 2: "x"}, {0: "rain", 2: 1}]
        let message = parse(&bytes("82 a2 00 64 7261696e 02 61 78 a2 00 64 7261696e 02 01"), now()).unwrap();
        assert_eq!(message.readings[0].as_ref().unwrap_err().problem.field, "[0].v");
        assert_eq!(message.readings[1].as_ref().unwrap().value, 1.0);
        let whole = bytes(EXAMPLE);
        for length in 0..whole.len() {
            let problem = parse(&whole[..length], now()).unwrap_err();
            assert_eq!(problem.field, "payload", "{length}");
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(parse(&longer, now()).unwrap_err().value, "1 bytes");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&payload, now());
        }
    }
}
