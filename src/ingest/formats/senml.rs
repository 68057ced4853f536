//! SenML (RFC 8428) in JSON and CBOR: a pack of records whose base fields hold for the records after them.
//!
//! A record's stream is the last part of its full name, behind the last `:` or `/`: `urn:dev:ow:10e2073a0108006:voltage` is
//! `voltage`. Who the sender is was settled at sign-in; the name's device part is not believed.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{MAX_READINGS, Message, Problem, RawReading, Refused, join};
use crate::clock::{Instant, from_micros};

/// RFC 8428 section 4.4: the newest version known here.
const VERSION: f64 = 10.0;
/// RFC 8428 section 4.5.3: a smaller time counts from now.
const ABSOLUTE_FROM: f64 = 268_435_456.0;

/// One record, from either representation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub base_name: Option<String>,
    pub base_time: Option<f64>,
    pub base_unit: Option<String>,
    pub base_value: Option<f64>,
    pub version: Option<f64>,
    pub name: Option<String>,
    pub unit: Option<String>,
    pub time: Option<f64>,
    pub value: Option<Measured>,
    /// A key that ends in `_` must be understood (section 4.4), and none is.
    pub must_understand: Option<String>,
    /// As it stood, for quarantine.
    pub raw: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    Number(f64),
    /// `vs`, `vb`, `vd` or only a sum `s`: nothing a stream can hold.
    Other(&'static str),
}

/// Reads a JSON pack.
///
/// # Errors
/// The pack as a whole: no array of records, too many, a version or key that must be understood and is not.
pub fn parse_json(payload: &[u8], now: Instant) -> Result<Message, Problem> {
    let records: Vec<&RawValue> = serde_json::from_slice(payload)
        .map_err(|error| Problem::new("payload", &excerpt(payload), format!("is no SenML pack: {error}")))?;
    let records: Vec<Result<Record, Refused>> =
        records.iter().enumerate().map(|(at, raw)| json_record(at, raw)).collect();
    resolve(records, now)
}

fn excerpt(payload: &[u8]) -> String {
    String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned()
}

/// "[3]"
pub fn path(index: usize) -> String {
    format!("[{index}]")
}

fn json_record(index: usize, raw: &RawValue) -> Result<Record, Refused> {
    let bytes = raw.get().as_bytes().to_vec();
    let refuse = |problem| Refused { problem, raw: bytes.clone() };
    let map: Map<String, Value> = serde_json::from_str(raw.get()).map_err(|_| {
        refuse(Problem::new(path(index), raw.get(), "expected a record such as {\"n\":\"rain\",\"v\":3.4}"))
    })?;
    let mut record = Record { raw: bytes.clone(), ..Record::default() };
    for (key, value) in &map {
        set(&mut record, key, value)
            .map_err(|message| refuse(Problem::new(join(&path(index), key), &value.to_string(), message)))?;
    }
    Ok(record)
}

fn set(record: &mut Record, key: &str, value: &Value) -> Result<(), &'static str> {
    let number = || value.as_f64().filter(|number| number.is_finite()).ok_or("expected a number");
    let text = || String::deserialize(value).map_err(|_| "expected text");
    match key {
        "bn" => record.base_name = Some(text()?),
        "bt" => record.base_time = Some(number()?),
        "bu" => record.base_unit = Some(text()?),
        "bv" => record.base_value = Some(number()?),
        "bver" => record.version = Some(number()?),
        "n" => record.name = Some(text()?),
        "u" => record.unit = Some(text()?),
        "t" => record.time = Some(number()?),
        "v" => record.value = Some(Measured::Number(number()?)),
        "vs" => record.value = Some(Measured::Other("text")),
        "vb" => record.value = Some(Measured::Other("true or false")),
        "vd" => record.value = Some(Measured::Other("bytes")),
        // A sum stands beside the value or alone; as an integral over time it fits no stream.
        "s" => record.value = record.value.take().or(Some(Measured::Other("a sum"))),
        _ if key.ends_with('_') => record.must_understand = Some(key.to_owned()),
        _ => {}
    }
    Ok(())
}

/// The base fields so far.
#[derive(Default)]
struct Base {
    name: String,
    time: f64,
    unit: Option<String>,
    value: f64,
}

/// Puts base fields and records together (section 4.6).
///
/// # Errors
/// See [`parse_json`].
pub fn resolve(records: Vec<Result<Record, Refused>>, now: Instant) -> Result<Message, Problem> {
    if records.is_empty() {
        return Err(Problem::new("payload", "[]", "the pack has no records"));
    }
    if records.len() > MAX_READINGS {
        let message = format!("a pack carries at most {MAX_READINGS} records; send the rest in another one");
        return Err(Problem::new("payload", &format!("{} records", records.len()), message));
    }
    let (mut base, mut readings) = (Base::default(), Vec::new());
    for (index, record) in records.into_iter().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(refused) => {
                readings.push(Err(refused));
                continue;
            }
        };
        understood(index, &record)?;
        base.take(&record);
        if let Some(reading) = base.apply(index, &record, now) {
            readings.push(reading);
        }
    }
    Ok(Message { id: None, readings })
}

fn understood(index: usize, record: &Record) -> Result<(), Problem> {
    if let Some(version) = record.version.filter(|version| *version > VERSION) {
        let message = format!("is newer than version {VERSION} of SenML, the newest known here");
        return Err(Problem::new(join(&path(index), "bver"), &version.to_string(), message));
    }
    match &record.must_understand {
        Some(key) => {
            Err(Problem::new(join(&path(index), key), key, "must be understood (RFC 8428, 4.4) and is not known"))
        }
        None => Ok(()),
    }
}

impl Base {
    fn take(&mut self, record: &Record) {
        if let Some(name) = &record.base_name {
            self.name.clone_from(name);
        }
        if let Some(time) = record.base_time {
            self.time = time;
        }
        if let Some(unit) = &record.base_unit {
            self.unit = Some(unit.clone());
        }
        if let Some(value) = record.base_value {
            self.value = value;
        }
    }

    /// `None` for a record that only sets base fields.
    fn apply(&self, index: usize, record: &Record, now: Instant) -> Option<Result<RawReading, Refused>> {
        let refuse = |key: &str, value: &str, message: &str| {
            let problem = Problem::new(join(&path(index), key), value, message);
            Some(Err(Refused { problem, raw: record.raw.clone() }))
        };
        let number = match &record.value {
            None if record.base_value.is_some() && record.name.is_some() => 0.0,
            None => return None,
            Some(Measured::Other(what)) => return refuse("v", what, "a stream holds numbers only"),
            Some(Measured::Number(number)) => *number,
        };
        let name = format!("{}{}", self.name, record.name.as_deref().unwrap_or_default());
        let time = self.time + record.time.unwrap_or_default();
        let is_from_now = time < ABSOLUTE_FROM;
        let Some(at) = instant(time, now) else {
            return refuse("t", &record.time.unwrap_or_default().to_string(), "is no instant");
        };
        let stream = name.rsplit([':', '/']).next().unwrap_or_default().to_owned();
        let unit = record.unit.clone().or_else(|| self.unit.clone());
        let value = self.value + number;
        Some(Ok(RawReading { path: path(index), stream, at, is_from_now, value, unit, raw: record.raw.clone() }))
    }
}

/// Seconds since 1970, or from now when they are fewer than 2^28.
fn instant(seconds: f64, now: Instant) -> Option<Instant> {
    let micros = (seconds * 1e6).round();
    if !micros.is_finite() || micros.abs() > 1e17 {
        return None;
    }
    let micros = micros as i64;
    Some(if seconds < ABSOLUTE_FROM { from_micros(now.timestamp_micros() + micros) } else { from_micros(micros) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        "2026-02-20T12:00:00Z".parse().unwrap()
    }

    fn sample(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/payloads/");
        std::fs::read(format!("{folder}senml_rfc8428_{name}.json")).unwrap()
    }

    fn good(message: Message) -> Vec<RawReading> {
        message.readings.into_iter().filter_map(Result::ok).collect()
    }

    #[test]
    fn base_fields_hold_for_the_records_after_them_as_the_rfc_resolves_them() {
        let given = good(parse_json(&sample("ex3"), now()).unwrap());
        let resolved = good(parse_json(&sample("ex3_resolved"), now()).unwrap());
        assert_eq!(given.len(), 7);
        for (one, other) in given.iter().zip(&resolved) {
            assert_eq!(
                (&one.stream, one.at, one.value, &one.unit),
                (&other.stream, other.at, other.value, &other.unit)
            );
        }
        assert_eq!((given[0].stream.as_str(), given[0].value, given[0].unit.as_deref()), ("voltage", 120.1, Some("V")));
        assert_eq!(given[1].at.to_rfc3339(), "2010-06-08T18:01:11.001+00:00");
    }

    #[test]
    fn every_example_of_the_rfc_is_read_or_says_why_not() {
        // Three of the records of example 7 hold no number, and its first one does.
        for (name, readings, refused) in [
            ("ex1", 1, 0),
            ("ex2", 2, 0),
            ("ex4", 12, 0),
            ("ex5", 13, 0),
            ("ex6", 4, 0),
            ("ex7", 1, 3),
            ("ex8", 2, 0),
            ("ex9", 3, 0),
            ("ex10", 2, 0),
            ("ex11", 2, 0),
            ("ex12", 2, 0),
            ("ex13", 4, 0),
        ] {
            let message = parse_json(&sample(name), now()).unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
            let bad = message.readings.iter().filter(|reading| reading.is_err()).count();
            assert_eq!((message.readings.len() - bad, bad), (readings, refused), "{name}: {message:?}");
        }
    }

    #[test]
    fn a_small_time_counts_from_now() {
        let of = |text: &str| good(parse_json(text.as_bytes(), now()).unwrap())[0].at;
        assert_eq!(of(r#"[{"n":"rain","v":1}]"#), now());
        assert_eq!(of(r#"[{"n":"rain","v":1,"t":-60}]"#).to_rfc3339(), "2026-02-20T11:59:00+00:00");
        assert_eq!(of(r#"[{"bt":1.771588800e9,"n":"rain","v":1,"t":-60}]"#).to_rfc3339(), "2026-02-20T11:59:00+00:00");
    }

    #[test]
    fn a_base_value_is_added() {
        let readings =
            good(parse_json(br#"[{"bv":10,"n":"level","v":0.5},{"n":"level","v":1,"t":-1}]"#, now()).unwrap());
        assert_eq!(readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [10.5, 11.0]);
    }

    #[test]
    fn what_must_be_understood_and_is_not_refuses_the_pack() {
        for (pack, field) in [
            (r#"[{"n":"rain","v":1,"mode_":3}]"#, "[0].mode_"),
            (r#"[{"bver":11,"n":"rain","v":1}]"#, "[0].bver"),
            (r"[]", "payload"),
            (r#"{"n":"rain"}"#, "payload"),
        ] {
            assert_eq!(parse_json(pack.as_bytes(), now()).unwrap_err().field, field, "{pack}");
        }
    }

    #[test]
    fn one_bad_record_does_not_cost_the_others() {
        let text =
            br#"[{"n":"rain","v":"3"},{"n":"level","v":2},7,{"n":"door","vb":true},{"n":"rain","v":1,"t":1e300}]"#;
        let message = parse_json(text, now()).unwrap();
        let fields: Vec<String> = message
            .readings
            .iter()
            .filter_map(|reading| reading.as_ref().err())
            .map(|bad| bad.problem.field.clone())
            .collect();
        assert_eq!(fields, ["[0].v", "[2]", "[3].v", "[4].t"]);
        assert_eq!(good(message)[0].stream, "level");
    }
}
