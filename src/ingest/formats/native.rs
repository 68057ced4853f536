//! The native JSON payload (shared contract "MQTT"):
//! `{"id":"msg-1","readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z","value":3.4,"unit":"mm"}]}`, or one reading
//! without the array: `{"id":"msg-1","stream":"rain","at":…,"value":3.4}`. `id` and `unit` may be left out. Instants are
//! RFC 3339 with an offset. Keys that are not known are ignored, so that devices may carry their own.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{MAX_MESSAGE_ID, MAX_READINGS, Message, Problem, RawReading, Refused, join};
use crate::clock::Instant;

/// A message in which every field has the plain form, borrowed where possible: nearly every message there is.
#[derive(Debug, Deserialize)]
pub struct Plain<'a> {
    #[serde(borrow, default)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub readings: Vec<PlainReading<'a>>,
}

#[derive(Debug, Deserialize)]
pub struct PlainReading<'a> {
    #[serde(borrow)]
    pub stream: Cow<'a, str>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    pub value: f64,
    #[serde(borrow, default)]
    pub unit: Option<Cow<'a, str>>,
}

/// The quick way: `None` for whatever is unusual or wrong, which [`parse`] then reads with care. What it takes, `parse` takes
/// the same.
pub fn parse_plain(payload: &[u8]) -> Option<Plain<'_>> {
    let message: Plain = serde_json::from_slice(payload).ok()?;
    let id_is_good = message.id.as_deref().is_none_or(is_message_id);
    (id_is_good && (1..=MAX_READINGS).contains(&message.readings.len())).then_some(message)
}

impl PlainReading<'_> {
    pub fn instant(&self) -> Option<Instant> {
        DateTime::parse_from_rfc3339(&self.at).ok().map(|at| at.with_timezone(&Utc))
    }
}

/// Reads a payload.
///
/// # Errors
/// The message as a whole, when there is no telling its readings apart: malformed JSON, a wrong `id`, too many readings.
pub fn parse(payload: &[u8]) -> Result<Message, Problem> {
    let document = match serde_json::from_slice::<Value>(payload) {
        Ok(document) => document,
        Err(error) => not_numbers_as_text(payload)
            .and_then(|mended| serde_json::from_slice(&mended).ok())
            .ok_or_else(|| malformed(payload, &error))?,
    };
    let Value::Object(mut object) = document else {
        return Err(Problem::new("payload", &document.to_string(), "expected a JSON object with \"readings\""));
    };
    let id = message_id(object.get("id"))?;
    let readings = match object.remove("readings") {
        None => vec![reading("", &Value::Object(object))],
        Some(Value::Array(items)) => many(&items)?,
        Some(other) => return Err(Problem::new("readings", &other.to_string(), "expected an array of readings")),
    };
    Ok(Message { id, readings })
}

fn many(items: &[Value]) -> Result<Vec<Result<RawReading, Refused>>, Problem> {
    if items.is_empty() {
        return Err(Problem::new("readings", "[]", "the message has no readings"));
    }
    if items.len() > MAX_READINGS {
        let message = format!("a message carries at most {MAX_READINGS} readings; send the rest in another one");
        return Err(Problem::new("readings", &format!("{} readings", items.len()), message));
    }
    Ok(items.iter().enumerate().map(|(index, item)| reading(&format!("readings[{index}]"), item)).collect())
}

fn message_id(id: Option<&Value>) -> Result<Option<String>, Problem> {
    let text = match id {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        Some(other) => return Err(Problem::new("id", &other.to_string(), "expected text or a whole number")),
    };
    if !is_message_id(&text) {
        let message = format!("expected 1 to {MAX_MESSAGE_ID} bytes without control characters");
        return Err(Problem::new("id", &text, message));
    }
    Ok(Some(text))
}

fn is_message_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_MESSAGE_ID && !text.chars().any(char::is_control)
}

fn reading(path: &str, item: &Value) -> Result<RawReading, Refused> {
    let refuse = |problem| Refused { problem, raw: item.to_string().into_bytes() };
    let Value::Object(object) = item else {
        return Err(refuse(Problem::new(path, &item.to_string(), "expected an object with stream, at and value")));
    };
    fields(path, object).map(|raw| RawReading { raw: item.to_string().into_bytes(), ..raw }).map_err(refuse)
}

fn fields(path: &str, object: &Map<String, Value>) -> Result<RawReading, Problem> {
    let stream = text(path, object, "stream")?.to_owned();
    let written = text(path, object, "at")?;
    let at = DateTime::parse_from_rfc3339(written).map_err(|_| {
        let message = "expected an instant with offset as in \"2022-02-15T19:10:00Z\" (RFC 3339)";
        Problem::new(join(path, "at"), written, message)
    })?;
    let value = number(path, object)?;
    let unit = match object.get("unit") {
        None | Some(Value::Null) => None,
        Some(Value::String(unit)) => Some(unit.clone()),
        Some(other) => {
            return Err(Problem::new(join(path, "unit"), &other.to_string(), "expected text such as \"mm\""));
        }
    };
    Ok(RawReading {
        path: path.to_owned(),
        stream,
        at: at.with_timezone(&Utc),
        is_from_now: false,
        value,
        unit,
        raw: Vec::new(),
    })
}

fn text<'a>(path: &str, object: &'a Map<String, Value>, key: &str) -> Result<&'a str, Problem> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Problem::new(join(path, key), &other.to_string(), "expected text")),
        None => Err(Problem::new(join(path, key), "", "is missing")),
    }
}

fn number(path: &str, object: &Map<String, Value>) -> Result<f64, Problem> {
    let field = || join(path, "value");
    match object.get("value") {
        Some(Value::Number(number)) => number
            .as_f64()
            .filter(|value| value.is_finite())
            .ok_or_else(|| Problem::new(field(), &number.to_string(), "is out of range")),
        Some(Value::String(text)) if NOT_NUMBERS.contains(&text.as_str()) => {
            Err(Problem::new(field(), text, "is not a number; leave the reading out when there is no measurement"))
        }
        Some(Value::String(text)) => {
            Err(Problem::new(field(), text, "expected a number, found text (leave out the quotation marks)"))
        }
        Some(other) => Err(Problem::new(field(), &other.to_string(), "expected a number")),
        None => Err(Problem::new(field(), "", "is missing")),
    }
}

/// What some writers put where JSON knows no word.
const NOT_NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// The payload with bare `NaN` and `Infinity` put in quotation marks, so that the field which holds one can be named and
/// the readings beside it live. `None` when there is none, or when the payload is not UTF-8.
fn not_numbers_as_text(payload: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut mended = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let (mut in_text, mut found) = (false, false);
    while let Some(next) = rest.chars().next() {
        if let Some(word) = NOT_NUMBERS.iter().find(|word| !in_text && rest.starts_with(**word)) {
            mended.extend(["\"", *word, "\""]);
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        let mut taken = next.len_utf8();
        if next == '"' {
            in_text = !in_text;
        } else if next == '\\' && in_text {
            taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
        }
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    found.then(|| mended.into_bytes())
}

/// Says where the JSON breaks, with what stands there.
pub fn malformed(payload: &[u8], error: &serde_json::Error) -> Problem {
    let line = payload.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let from = error.column().saturating_sub(20).min(line.len());
    let to = (from + 40).min(line.len());
    let excerpt = String::from_utf8_lossy(&line[from..to]);
    Problem::new("payload", &excerpt, format!("is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(payload: &str) -> Problem {
        match parse(payload.as_bytes()) {
            Err(problem) => problem,
            Ok(message) => message.readings.into_iter().find_map(Result::err).expect("a problem").problem,
        }
    }

    #[test]
    fn a_message_with_many_readings_is_read() {
        let text = r#"{"id":"msg-1","readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z","value":3.4,"unit":"mm"},
            {"stream":"level","at":"2022-02-15T16:10:00-03:00","value":2}]}"#;
        let message = parse(text.as_bytes()).unwrap();
        assert_eq!(message.id.as_deref(), Some("msg-1"));
        let readings: Vec<_> = message.readings.into_iter().map(Result::unwrap).collect();
        assert_eq!(
            (readings[0].stream.as_str(), readings[0].value, readings[0].unit.as_deref()),
            ("rain", 3.4, Some("mm"))
        );
        assert_eq!((readings[1].at, readings[1].unit.as_deref()), (readings[0].at, None));
    }

    #[test]
    fn a_single_reading_needs_no_array() {
        let message = parse(br#"{"id":7,"stream":"rain","at":"2022-02-15T19:10:00Z","value":3.4}"#).unwrap();
        assert_eq!(message.id.as_deref(), Some("7"));
        assert_eq!(message.readings[0].as_ref().unwrap().path, "");
    }

    #[test]
    fn each_wrong_field_is_named_with_its_value() {
        let cases = [
            (r#"{"readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z","value":"3"}]}"#, "readings[0].value", "3"),
            (r#"{"readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z"}]}"#, "readings[0].value", ""),
            (
                r#"{"readings":[{"stream":"rain","at":"2022-02-15 19:10","value":3}]}"#,
                "readings[0].at",
                "2022-02-15 19:10",
            ),
            (r#"{"readings":[{"stream":4,"at":"2022-02-15T19:10:00Z","value":3}]}"#, "readings[0].stream", "4"),
            (r#"{"stream":"rain","at":"2022-02-15T19:10:00Z","value":3,"unit":1}"#, "unit", "1"),
            (r#"{"readings":[7]}"#, "readings[0]", "7"),
            (r#"{"readings":[]}"#, "readings", "[]"),
            (r#"{"readings":{}}"#, "readings", "{}"),
            (r#"{"id":[],"readings":[]}"#, "id", "[]"),
            (r#"{"id":"a\u0000","readings":[]}"#, "id", "a\0"),
            (r#"[1]"#, "payload", "[1]"),
        ];
        for (payload, field, value) in cases {
            let problem = problem(payload);
            assert_eq!((problem.field.as_str(), problem.value.as_str()), (field, value), "{payload}");
        }
    }

    #[test]
    fn nan_is_named_and_its_neighbours_live() {
        let text = r#"{"readings":[{"stream":"NaN","at":"2022-02-15T19:10:00Z","value":1},
            {"stream":"rain","at":"2022-02-15T19:10:00Z","value":NaN},
            {"stream":"rain","at":"2022-02-15T19:10:00Z","value":-Infinity}]}"#;
        let message = parse(text.as_bytes()).unwrap();
        assert_eq!(message.readings[0].as_ref().unwrap().stream, "NaN");
        let problem = &message.readings[1].as_ref().unwrap_err().problem;
        assert_eq!((problem.field.as_str(), problem.value.as_str()), ("readings[1].value", "NaN"));
        assert_eq!(message.readings[2].as_ref().unwrap_err().problem.value, "-Infinity");
    }

    #[test]
    fn malformed_json_is_shown_where_it_breaks() {
        let problem = problem(r#"{"readings":[{"stream":"rain",,"#);
        assert_eq!(problem.field, "payload");
        assert!(problem.value.contains(",,") && problem.message.contains("column 31"), "{problem:?}");
    }

    #[test]
    fn a_thousand_and_one_readings_are_refused() {
        let one = r#"{"stream":"rain","at":"2022-02-15T19:10:00Z","value":1}"#;
        let text = format!(r#"{{"readings":[{}]}}"#, vec![one; MAX_READINGS + 1].join(","));
        assert_eq!(problem(&text).value, "1001 readings");
    }

    #[test]
    fn the_quick_way_takes_nothing_that_the_careful_way_refuses() {
        let good = r#"{"id":"m","readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z","value":3,"more":[1]}]}"#;
        let quick = parse_plain(good.as_bytes()).unwrap();
        let careful = parse(good.as_bytes()).unwrap();
        let reading = careful.readings[0].as_ref().unwrap();
        assert_eq!((quick.readings[0].instant(), quick.readings[0].value), (Some(reading.at), reading.value));
        for unusual in [
            good.replace("\"m\"", "7"),
            good.replace("\"m\"", "\"\""),
            good.replace("\"value\":3", "\"value\":\"3\""),
            good.replace("\"value\":3", "\"value\":NaN"),
            good.replace("\"value\":3", "\"value\":1e999"),
            "{\"readings\":[]}".to_owned(),
        ] {
            assert!(parse_plain(unusual.as_bytes()).is_none(), "{unusual}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&payload);
        }

        #[test]
        fn no_near_json_makes_the_parser_panic(payload in r#"[{}\[\]",:\\NaInfty0-9eE+.ré -]{0,200}"#) {
            let _ = parse(payload.as_bytes());
        }

        #[test]
        fn no_broken_message_makes_the_parser_panic(cut in 0..120usize, byte in any::<u8>()) {
            let mut payload = br#"{"id":"msg-1","readings":[{"stream":"rain","at":"2022-02-15T19:10:00Z","value":NaN,"unit":"mm"}]}"#.to_vec();
            if let Some(place) = payload.get_mut(cut) {
                *place = byte;
            }
            let _ = parse(&payload);
        }
    }
}
