//! A message held against the catalogue: known stream, fitting unit, plausible instant, judged quality. Pure.

use chrono::TimeDelta;

use super::devices::{DeviceEntry, StreamEntry};
use super::formats::{Format, Given, Message, Problem, RawReading, Refused, join, native, read};
use super::quality::{Subject, judge};
use super::{NewReading, Quarantined, Source};
use crate::clock::{Instant, from_micros};
use crate::config;
use crate::units::{Fixed, Measure, OutOfRange, RefusedUnit, StreamKind};

/// Where a payload came in, and what is held against it.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    pub source: Source,
    pub device: &'a DeviceEntry,
    pub topic: Option<&'a str>,
    /// What the sender says it is written in.
    pub format: Option<Format>,
    pub now: Instant,
    pub limits: &'a config::Ingest,
    /// Largest payload, in bytes.
    pub max_bytes: usize,
}

/// The good and the bad of one payload. `problems` and `quarantined` run in parallel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    pub readings: Vec<NewReading>,
    pub quarantined: Vec<Quarantined>,
    pub problems: Vec<Problem>,
}

/// So much of a payload beyond the limit is kept in quarantine, in bytes.
const KEPT_OF_TOO_LARGE: usize = 4096;

/// Reads a payload of the device: what is good becomes readings, what is bad goes to quarantine with its reason.
pub fn decode(payload: &[u8], door: &Door<'_>) -> Decoded {
    let mut decoded = Decoded::default();
    if payload.len() > door.max_bytes {
        let message = format!("a payload has at most {} bytes", door.max_bytes);
        let problem = Problem::new("payload", &format!("{} bytes", payload.len()), message);
        let kept = &payload[..payload.len().min(KEPT_OF_TOO_LARGE)];
        decoded.refuse(door, Refused { problem, raw: kept.to_vec() });
        return decoded;
    }
    if door.format.is_none()
        && door.device.profile.is_empty()
        && let Some(readings) = all_good(payload, door)
    {
        decoded.readings = readings;
        return decoded;
    }
    match message(payload, door) {
        Ok(message) => resolve(message, door, &mut decoded),
        Err(problem) => decoded.refuse(door, Refused { problem, raw: payload.to_vec() }),
    }
    decoded
}

fn message(payload: &[u8], door: &Door<'_>) -> Result<Message, Problem> {
    let name = door.device.profile.as_str();
    let profile = door.limits.profiles.iter().find(|profile| profile.name == name);
    if profile.is_none() && !name.is_empty() {
        let message = "the device's profile is not in the configuration (`[[ingest.profiles]]`)";
        return Err(Problem::new("profile", name, message));
    }
    let knows = |stream: &str| door.device.streams.contains_key(stream);
    read(payload, &Given { now: door.now, format: door.format, profile, knows: &knows })
}

/// The topic names a device, but there is none with this code.
pub fn unknown_device(payload: &[u8], source: Source, code: &str, topic: Option<&str>) -> Quarantined {
    Quarantined {
        source,
        device: Some(code.to_owned()),
        topic: topic.map(str::to_owned),
        payload: payload.to_vec(),
        reason: "no such device, or it is disabled".into(),
        field: "device".into(),
        value: code.to_owned(),
    }
}

fn resolve(message: Message, door: &Door<'_>, decoded: &mut Decoded) {
    let id = message.id;
    for item in message.readings {
        let judged =
            item.and_then(|raw| one(&raw, id.as_deref(), door).map_err(|problem| Refused { problem, raw: raw.raw }));
        match judged {
            Ok(reading) => decoded.readings.push(reading),
            Err(refused) => decoded.refuse(door, refused),
        }
    }
}

/// The quick way through: `None` as soon as anything is unusual or wrong.
fn all_good(payload: &[u8], door: &Door<'_>) -> Option<Vec<NewReading>> {
    let message = native::parse_plain(payload)?;
    let id = message.id.as_deref();
    let readings = message.readings.iter().map(|raw| {
        let claim = Claim { stream: &raw.stream, at: raw.instant()?, value: raw.value, unit: raw.unit.as_deref() };
        check(&claim, id, door).ok()
    });
    readings.collect()
}

/// An interval's total that has no instant cannot be told from the same total sent again after a lost acknowledgement, and rain
/// would count twice.
const UNDATED: &str = "an interval's total needs an absolute time (bt or t): without one the same message sent again would count \
    twice; or send a running total";

fn one(raw: &RawReading, id: Option<&str>, door: &Door<'_>) -> Result<NewReading, Problem> {
    let sums = |stream: &StreamEntry| stream.kind == StreamKind::IntervalSum;
    if raw.is_from_now && id.is_none() && door.device.streams.get(&raw.stream).is_some_and(sums) {
        return Err(Problem::new(join(&raw.path, "t"), &raw.at.to_rfc3339(), UNDATED));
    }
    let claim = Claim { stream: &raw.stream, at: raw.at, value: raw.value, unit: raw.unit.as_deref() };
    check(&claim, id, door).map_err(|wrong| wrong.explain(raw, door))
}

/// What a reading says of itself.
struct Claim<'a> {
    stream: &'a str,
    at: Instant,
    value: f64,
    unit: Option<&'a str>,
}

/// Why a claim does not hold. Put into words only when somebody will read them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wrong {
    Stream,
    Future,
    Past,
    Unit(RefusedUnit),
    Value(OutOfRange),
}

fn check(claim: &Claim<'_>, id: Option<&str>, door: &Door<'_>) -> Result<NewReading, Wrong> {
    let stream = door.device.streams.get(claim.stream).ok_or(Wrong::Stream)?;
    let measured = Measured { at: claim.at, value: claim.value, unit: claim.unit };
    let reading = admit(stream, measured, (door.source, door.now), door.limits)?;
    Ok(NewReading { device_id: Some(door.device.id), message_id: id.map(str::to_owned), ..reading })
}

/// What was measured on a stream, by whoever says so. No unit is the stream's own.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    pub at: Instant,
    pub value: f64,
    pub unit: Option<&'a str>,
}

/// Takes a measurement into the stream: in the canonical unit, at an instant that can be, with its quality.
///
/// # Errors
/// Why it cannot be one of the stream's.
pub fn admit(
    stream: &StreamEntry,
    measured: Measured<'_>,
    (source, now): (Source, Instant),
    limits: &config::Ingest,
) -> Result<NewReading, Wrong> {
    // PostgreSQL keeps microseconds; what is finer must not make two readings of one.
    let observed_at = from_micros(measured.at.timestamp_micros());
    if observed_at - now > TimeDelta::seconds(limits.max_future_s.into()) {
        return Err(Wrong::Future);
    }
    if now - observed_at > TimeDelta::days(limits.max_age_days.into()) {
        return Err(Wrong::Past);
    }
    let unit = measured.unit.unwrap_or(&stream.unit);
    let (factor, offset) = Measure { quantity: stream.quantity, interval_s: stream.interval_s, tip_mm: stream.tip_mm }
        .conversion(unit)
        .map_err(Wrong::Unit)?;
    let value = Fixed::try_from(measured.value * factor + offset).map_err(Wrong::Value)?;
    let subject =
        Subject { quantity: stream.quantity, kind: stream.kind, interval_s: stream.interval_s, range: stream.range };
    let (quality, quality_reason) = judge(subject, value);
    Ok(NewReading {
        datastream_id: stream.id,
        device_id: None,
        message_id: None,
        observed_at,
        value,
        quality,
        quality_reason,
        source,
    })
}

impl Wrong {
    fn explain(self, raw: &RawReading, door: &Door<'_>) -> Problem {
        let problem = |key: &str, value: &str, message: String| Problem::new(join(&raw.path, key), value, message);
        let limits = door.limits;
        match self {
            Self::Stream => {
                let (code, known) = (&door.device.code, door.device.stream_names());
                let message = format!("the station of device {code} has no such stream; it has {known}");
                problem("stream", &raw.stream, message)
            }
            Self::Future => {
                let message =
                    format!("lies more than {} s in the future; check the device's clock", limits.max_future_s);
                problem("at", &raw.at.to_rfc3339(), message)
            }
            Self::Past => problem("at", &raw.at.to_rfc3339(), format!("is older than {} days", limits.max_age_days)),
            Self::Unit(refused) => problem("unit", raw.unit.as_deref().unwrap_or_default(), refused.to_string()),
            Self::Value(error) => problem("value", &raw.value.to_string(), error.to_string()),
        }
    }
}

impl Decoded {
    fn refuse(&mut self, door: &Door<'_>, refused: Refused) {
        let Refused { problem, raw } = refused;
        self.quarantined.push(Quarantined {
            source: door.source,
            device: Some(door.device.code.clone()),
            topic: door.topic.map(str::to_owned),
            payload: raw,
            reason: problem.message.clone(),
            field: problem.field.clone(),
            value: problem.value.clone(),
        });
        self.problems.push(problem);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::{DatastreamId, DeviceId};
    use crate::units::{Quality, Quantity};

    fn device() -> DeviceEntry {
        let stream = |id, quantity: Quantity| StreamEntry {
            id: DatastreamId(id),
            quantity,
            unit: quantity.canonical_unit().to_owned(),
            kind: StreamKind::IntervalSum,
            interval_s: Some(600),
            range: None,
            tip_mm: None,
        };
        let streams = HashMap::from([
            ("rain".to_owned(), stream(1, Quantity::Rain)),
            ("level".to_owned(), stream(2, Quantity::WaterLevel)),
        ]);
        DeviceEntry {
            id: DeviceId(9),
            code: "dev".into(),
            enabled: true,
            secret_sha256: [0; 32],
            secret_was_used: true,
            previous: None,
            certificates: Vec::new(),
            streams: Arc::new(streams),
            profile: String::new(),
        }
    }

    fn run(payload: &str) -> Decoded {
        let limits = config::Ingest {
            queue_readings: 10,
            batch_readings: 10,
            live_within_s: 600,
            max_future_s: 300,
            max_age_days: 366,
            device_messages_per_s: 0,
            device_burst: 1,
            profiles: Vec::new(),
        };
        let now = "2026-02-20T12:00:00Z".parse().unwrap();
        let device = device();
        let door = Door {
            source: Source::Mqtt,
            device: &device,
            topic: None,
            format: None,
            now,
            limits: &limits,
            max_bytes: 2000,
        };
        decode(payload.as_bytes(), &door)
    }

    #[test]
    fn an_interval_s_total_without_an_instant_is_refused_and_one_with_it_is_not() {
        let undated = run(r#"[{"n":"rain","u":"mm","v":5},{"n":"rain","u":"mm","v":5,"t":-60}]"#);
        assert_eq!((undated.readings.len(), undated.quarantined.len()), (0, 2), "{undated:?}");
        assert_eq!(undated.problems[0].field, "[0].t");
        let dated = run(r#"[{"bt":1771588000,"n":"rain","u":"mm","v":5}]"#);
        assert_eq!((dated.readings.len(), dated.quarantined.len()), (1, 0), "{dated:?}");
    }

    #[test]
    fn values_reach_the_journal_in_the_canonical_unit() {
        let decoded =
            run(r#"{"id":"m","readings":[{"stream":"rain","at":"2026-02-20T12:00:00Z","value":1.2,"unit":"cm"},
            {"stream":"level","at":"2026-02-20T12:00:00Z","value":2.5}]}"#);
        let values: Vec<f64> = decoded.readings.iter().map(|reading| reading.value.to_f64()).collect();
        assert_eq!(values, [12.0, 2.5]);
        assert_eq!(decoded.readings[0].message_id.as_deref(), Some("m"));
        assert_eq!(decoded.readings[0].device_id, Some(DeviceId(9)));
    }

    #[test]
    fn one_bad_reading_does_not_hold_back_the_others() {
        let decoded = run(r#"{"readings":[{"stream":"rain","at":"2026-02-20T12:00:00Z","value":1},
            {"stream":"rain","at":"2026-02-20T12:06:00Z","value":1},{"stream":"snow","at":"2026-02-20T12:00:00Z","value":1},
            {"stream":"rain","at":"2026-02-20T12:00:00Z","value":1,"unit":"furlong"},
            {"stream":"rain","at":"2024-02-20T12:00:00Z","value":1},{"stream":"rain","at":"2026-02-20T12:00:00Z","value":1e300}]}"#);
        assert_eq!(decoded.readings.len(), 1);
        let found: Vec<_> = decoded.quarantined.iter().map(|row| (row.field.as_str(), row.value.as_str())).collect();
        assert_eq!(found[0], ("readings[1].at", "2026-02-20T12:06:00+00:00"));
        assert_eq!(found[1], ("readings[2].stream", "snow"));
        assert_eq!(found[2], ("readings[3].unit", "furlong"));
        assert_eq!(found[3], ("readings[4].at", "2024-02-20T12:00:00+00:00"));
        assert_eq!(found[4].0, "readings[5].value");
        assert!(decoded.problems[1].message.contains("level, rain"), "{:?}", decoded.problems[1]);
        let kept = String::from_utf8(decoded.quarantined[1].payload.clone()).unwrap();
        assert!(kept.contains("snow") && !kept.contains("furlong"), "only the bad reading's own bytes: {kept}");
    }

    #[test]
    fn a_payload_over_the_limit_is_kept_in_part() {
        let decoded = run(&"x".repeat(10_000));
        assert_eq!(decoded.quarantined[0].payload.len(), KEPT_OF_TOO_LARGE);
        assert_eq!(decoded.quarantined[0].value, "10000 bytes");
    }

    #[test]
    fn an_impossible_value_is_stored_as_failed() {
        let decoded = run(r#"{"stream":"rain","at":"2026-02-20T12:00:00Z","value":-5}"#);
        assert_eq!(decoded.readings[0].quality, Quality::Fail);
    }

    proptest! {
        #[test]
        fn no_numbers_or_instants_make_it_panic(value in any::<f64>(), year in 0..9999u32, unit in "[a-z/%]{0,4}") {
            run(&format!(r#"{{"stream":"rain","at":"{year:04}-12-31T23:59:60Z","value":{value},"unit":"{unit}"}}"#));
        }
    }
}
