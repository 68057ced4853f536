//! Uplinks of LoRaWAN network servers: the JSON events of ChirpStack v4 and The Things Stack v3.
//!
//! What the network server has decoded (`object`, `decoded_payload`) or else the bytes themselves are mapped to streams by
//! the device's profile. Without a profile every decoded number that bears the name of one of the station's streams is its
//! reading. Other events (joins, logs, acknowledgements) are known and hold no measurement.

use base64::Engine as _;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::profile::{Field, Place, Profile};
use super::{Given, MAX_MESSAGE_ID, Message, Problem, RawReading};
use crate::clock::{Instant, from_micros};
use crate::hexadecimal::hex;

/// What an event says, whichever server it is from.
struct Uplink {
    id: Option<String>,
    at: Instant,
    /// Of the fields below: "object" or "`uplink_message.decoded_payload`".
    path: &'static str,
    object: Value,
    bytes: Vec<u8>,
    port: Option<u8>,
}

/// An event of ChirpStack v4.
///
/// # Errors
/// When it is no such event, or a measurement that nothing is known how to read.
pub fn chirpstack(event: &Value, given: &Given<'_>) -> Result<Message, Problem> {
    if let Some(level) = event.get("batteryLevel").and_then(Value::as_f64) {
        return Ok(battery(event, level, given));
    }
    let is_uplink = event.get("data").is_some() || event.get("object").is_some();
    if !is_uplink {
        return Ok(Message { id: None, readings: Vec::new() });
    }
    let uplink = Uplink {
        id: text(event, "deduplicationId"),
        at: instant(event, "time", "time")?,
        path: "object",
        object: event.get("object").cloned().unwrap_or_default(),
        bytes: bytes(event.get("data"), "data")?,
        port: port(event.get("fPort")),
    };
    uplink.read(given)
}

/// The margin and battery a device tells its network server now and then: a reading for a station that keeps one.
fn battery(event: &Value, level: f64, given: &Given<'_>) -> Message {
    let at = instant(event, "time", "time").unwrap_or(given.now);
    let reading = RawReading {
        path: "batteryLevel".into(),
        stream: "battery".into(),
        at,
        is_from_now: false,
        value: level,
        unit: Some("%".into()),
        raw: event.to_string().into_bytes(),
    };
    let readings = if given.has_stream("battery") { vec![Ok(reading)] } else { Vec::new() };
    Message { id: text(event, "deduplicationId"), readings }
}

/// An event of The Things Stack v3.
///
/// # Errors
/// As [`chirpstack`].
pub fn ttn(event: &Value, given: &Given<'_>) -> Result<Message, Problem> {
    let Some(uplink) = event.get("uplink_message") else {
        return Ok(Message { id: None, readings: Vec::new() });
    };
    // Values that are 0 are left out by the server.
    let count = uplink.get("f_cnt").and_then(Value::as_u64).unwrap_or_default();
    let at = if uplink.get("received_at").is_some() {
        instant(uplink, "received_at", "uplink_message.received_at")?
    } else {
        instant(event, "received_at", "received_at")?
    };
    let uplink = Uplink {
        id: text(uplink, "session_key_id").map(|key| format!("{key}-{count}")),
        at,
        path: "uplink_message.decoded_payload",
        object: uplink.get("decoded_payload").cloned().unwrap_or_default(),
        bytes: bytes(uplink.get("frm_payload"), "uplink_message.frm_payload")?,
        port: port(uplink.get("f_port")),
    };
    uplink.read(given)
}

fn text(object: &Value, key: &str) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    (!text.is_empty() && text.len() < MAX_MESSAGE_ID && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn instant(object: &Value, key: &str, path: &str) -> Result<Instant, Problem> {
    let value = object.get(key).cloned().unwrap_or_default();
    moment(&value).ok_or_else(|| Problem::new(path, &value.to_string(), "expected an instant with offset (RFC 3339)"))
}

/// RFC 3339, or seconds or milliseconds since 1970 as a number.
fn moment(value: &Value) -> Option<Instant> {
    if let Some(text) = value.as_str() {
        return DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    }
    let number = value.as_f64().filter(|number| (0.0..1e14).contains(number))?;
    // Seconds of the year 5138 and milliseconds of 1973 are the same number; neither will be meant.
    let seconds = if number > 1e11 { number / 1000.0 } else { number };
    Some(from_micros((seconds * 1e6) as i64))
}

fn bytes(value: Option<&Value>, path: &str) -> Result<Vec<u8>, Problem> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| Problem::new(path, text, error.to_string()))
}

fn port(value: Option<&Value>) -> Option<u8> {
    value.and_then(Value::as_u64).and_then(|port| u8::try_from(port).ok())
}

impl Uplink {
    fn read(self, given: &Given<'_>) -> Result<Message, Problem> {
        let at = self.measured_at(given.profile)?;
        let fields = given.profile.map_or(&[][..], |profile| &profile.fields);
        let readings = if fields.is_empty() { self.by_name(at, given)? } else { self.by_fields(at, fields)? };
        Ok(Message { id: self.id, readings: readings.into_iter().map(Ok).collect() })
    }

    fn measured_at(&self, profile: Option<&Profile>) -> Result<Instant, Problem> {
        let Some(path) = profile.map(|profile| profile.at.as_str()).filter(|path| !path.is_empty()) else {
            return Ok(self.at);
        };
        let value = find(&self.object, path).cloned().unwrap_or_default();
        moment(&value).ok_or_else(|| {
            let message = "expected an instant (RFC 3339, or seconds or milliseconds since 1970), as the profile says";
            Problem::new(format!("{}.{path}", self.path), &value.to_string(), message)
        })
    }

    fn reading(&self, at: Instant, field: String, stream: &str, value: f64, unit: Option<String>) -> RawReading {
        let raw = if self.object.is_null() { hex(&self.bytes) } else { self.object.to_string() };
        RawReading {
            path: field,
            stream: stream.to_owned(),
            at,
            is_from_now: false,
            value,
            unit,
            raw: raw.into_bytes(),
        }
    }

    /// What the profile names and this uplink holds: devices send different things by turns.
    fn by_fields(&self, at: Instant, fields: &[Field]) -> Result<Vec<RawReading>, Problem> {
        let (mut readings, mut has_value) = (Vec::new(), false);
        for field in fields.iter().filter(|field| field.port.is_none_or(|port| self.port == Some(port))) {
            let (path, raw) = match Place::parse(&field.from) {
                Some(place) => (format!("bytes.{}", field.from), place.read(&self.bytes)),
                None => {
                    (format!("{}.{}", self.path, field.from), find(&self.object, &field.from).and_then(Value::as_f64))
                }
            };
            let Some(raw) = raw else { continue };
            has_value = true;
            if let Some(value) = field.scale(raw) {
                readings.push(self.reading(at, path, &field.stream, value, field.unit.clone()));
            }
        }
        if has_value { Ok(readings) } else { Err(self.nothing("the device's profile names nothing that is in it")) }
    }

    fn by_name(&self, at: Instant, given: &Given<'_>) -> Result<Vec<RawReading>, Problem> {
        let numbers = self.object.as_object().into_iter().flatten();
        let numbers = numbers.filter_map(|(name, value)| Some((name, value.as_f64()?)));
        let readings: Vec<RawReading> = numbers
            .filter(|(name, _)| given.has_stream(name))
            .map(|(name, value)| self.reading(at, format!("{}.{name}", self.path), name, value, None))
            .collect();
        if readings.is_empty() {
            return Err(self.nothing("nothing in it bears the name of a stream; give the device a profile"));
        }
        Ok(readings)
    }

    fn nothing(&self, why: &str) -> Problem {
        let shown = if self.object.is_null() { hex(&self.bytes) } else { self.object.to_string() };
        Problem::new(self.path, &shown, format!("an uplink on port {}: {why}", self.port.unwrap_or_default()))
    }
}

/// "weather.rain", "values.0.rain"
fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |inside, key| match inside {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/payloads/");
        serde_json::from_slice(&std::fs::read(format!("{folder}{name}.json")).unwrap()).unwrap()
    }

    fn given<'a>(profile: Option<&'a Profile>, known: &'a dyn Fn(&str) -> bool) -> Given<'a> {
        Given { now: "2026-02-20T12:00:00Z".parse().unwrap(), format: None, profile, knows: known }
    }

    fn profile(text: &str) -> Profile {
        let profile: Profile = toml::from_str(text).unwrap();
        assert_eq!(profile.problem(), None);
        profile
    }

    fn good(message: &Message) -> Vec<(&str, f64, Option<&str>)> {
        let good = message.readings.iter().map(|reading| reading.as_ref().unwrap());
        good.map(|reading| (reading.stream.as_str(), reading.value, reading.unit.as_deref())).collect()
    }

    const NONE: &dyn Fn(&str) -> bool = &|_| false;

    #[test]
    fn bytes_of_a_chirpstack_uplink_are_read_by_the_profile() {
        // "qg==" is the one byte 0xaa: 170 tips of 0.2 mm.
        let profile = profile("name = 'p'\n[[fields]]\nfrom = 'u8@0'\nstream = 'rain'\nunit = 'mm'\nfactor = 0.2");
        let message = chirpstack(&sample("chirpstack_v4_event_up"), &given(Some(&profile), NONE)).unwrap();
        assert_eq!(good(&message), [("rain", 34.0, Some("mm"))]);
        assert_eq!(message.id.as_deref(), Some("3ac7e3c4-4401-4b8d-9386-a5c902f9202d"));
        let at = message.readings[0].as_ref().unwrap().at;
        assert_eq!(at.to_rfc3339(), "2022-07-18T09:34:15.775023242+00:00");
    }

    #[test]
    fn decoded_values_go_to_the_streams_of_their_names() {
        let known: &dyn Fn(&str) -> bool = &|name| name == "temperature";
        let message = ttn(&sample("ttn_v3_uplink_up"), &given(None, known)).unwrap();
        assert_eq!(good(&message), [("temperature", 1.0, None)]);
        assert_eq!(message.id.as_deref(), Some("AXA50tHUGUucuzS/bCGMNw==-1"));
        let problem = ttn(&sample("ttn_v3_uplink_up"), &given(None, NONE)).unwrap_err();
        assert!(
            problem.field == "uplink_message.decoded_payload" && problem.value.contains("luminosity"),
            "{problem:?}"
        );
    }

    #[test]
    fn other_events_hold_no_measurement_and_are_no_error() {
        for name in ["chirpstack_v4_event_join", "chirpstack_v4_event_log", "chirpstack_v4_event_status"] {
            let message = chirpstack(&sample(name), &given(None, NONE)).unwrap();
            assert!(message.readings.is_empty(), "{name}");
        }
        assert!(ttn(&serde_json::json!({"join_accept": {}}), &given(None, NONE)).unwrap().readings.is_empty());
    }

    #[test]
    fn the_battery_a_network_server_tells_of_is_a_reading_where_there_is_a_stream_for_it() {
        let known: &dyn Fn(&str) -> bool = &|name| name == "battery";
        let message = chirpstack(&sample("chirpstack_v4_event_status"), &given(None, known)).unwrap();
        assert_eq!(good(&message), [("battery", 88.3, Some("%"))]);
    }

    #[test]
    fn a_profile_names_the_instant_what_is_missing_and_the_port() {
        let event = |port: u8, rain: f64| {
            serde_json::json!({"time": "2026-02-20T12:00:00Z", "fPort": port, "data": "",
                "object": {"when": 1_771_588_740, "w": [{"rain": rain}], "t": 21.5}})
        };
        let profile = profile(
            "name = 'p'\nat = 'when'\n[[fields]]\nfrom = 'w.0.rain'\nstream = 'rain'\nmissing = [65535]\nport = 2\n\
             [[fields]]\nfrom = 't'\nstream = 'air'\noffset = -0.5",
        );
        let read = |port, rain| chirpstack(&event(port, rain), &given(Some(&profile), NONE)).unwrap();
        assert_eq!(good(&read(2, 3.4)), [("rain", 3.4, None), ("air", 21.0, None)]);
        assert_eq!(read(2, 3.4).readings[0].as_ref().unwrap().at.to_rfc3339(), "2026-02-20T11:59:00+00:00");
        assert_eq!(good(&read(2, 65535.0)), [("air", 21.0, None)]);
        assert_eq!(good(&read(3, 3.4)), [("air", 21.0, None)]);
    }

    #[test]
    fn what_is_broken_is_named() {
        let known = given(None, NONE);
        for (event, field) in [
            (serde_json::json!({"time": "yesterday", "data": ""}), "time"),
            (serde_json::json!({"time": "2026-02-20T12:00:00Z", "data": "!"}), "data"),
            (serde_json::json!({"time": "2026-02-20T12:00:00Z", "data": "qg=="}), "object"),
        ] {
            assert_eq!(chirpstack(&event, &known).unwrap_err().field, field, "{event}");
        }
        assert_eq!(ttn(&serde_json::json!({"uplink_message": {}}), &known).unwrap_err().field, "received_at");
    }
}
