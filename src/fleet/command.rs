//! What a device can be asked to do, and the life of such a command: pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::Instant;
use crate::ingest::formats::Problem;
use crate::units::vocabulary;

/// Commands of one device that wait for an answer.
pub const MAX_OPEN: i64 = 10;
/// Arguments, written as JSON, in bytes.
pub const MAX_ARGS_BYTES: usize = 2048;
/// How deep objects and lists may lie in each other in them.
const MAX_ARGS_DEPTH: usize = 6;
/// The shortest and the longest life of a command, and the one it has unless somebody says otherwise, in seconds.
pub const MIN_LIFETIME_S: u32 = 60;
pub const MAX_LIFETIME_S: u32 = 30 * 24 * 3600;
pub const LIFETIME_S: u32 = 24 * 3600;
/// What a device may be told to wait between two readings, in seconds.
const INTERVAL_S: std::ops::RangeInclusive<u64> = 10..=86_400;
/// The largest acknowledgement, and of it the words that are kept.
pub const MAX_ACK_BYTES: usize = 4096;
pub const MAX_MESSAGE: usize = 500;

vocabulary! {
    /// A command.
    CommandName, "command" {
        /// Readings every `interval_s` seconds.
        SetInterval = "set_interval",
        Reboot = "reboot",
        /// Take the time from `sent_at`, or from the network.
        SyncClock = "sync_clock",
        /// Send what was kept, from the instant `from` on when it is given.
        SendBacklog = "send_backlog",
        /// What this make of device knows beside these.
        Custom = "custom",
        // Of sirens: only `sirens::desk` writes these, with their reasons.
        SirenArm = "siren_arm",
        SirenSound = "siren_sound",
        SirenTest = "siren_test",
        SirenSilence = "siren_silence",
    }
}

impl CommandName {
    /// Whether people send it to any device; sirens are asked where two persons are asked.
    pub const fn is_general(self) -> bool {
        !matches!(self, Self::SirenArm | Self::SirenSound | Self::SirenTest | Self::SirenSilence)
    }
}

vocabulary! {
    /// Where a command stands. Transitions consume the value; what is not allowed says so.
    CommandState, "command state" {
        /// Not handed to the device yet.
        Queued = "queued",
        /// Handed over, not answered.
        Sent = "sent",
        /// The device did it.
        Acknowledged = "acknowledged",
        /// The device could not, or would not.
        Failed = "failed",
        /// Nobody answered in time.
        Expired = "expired",
        /// Taken back by a person.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// The word on a command: of the device, or of the network server that was to bring it.
    CommandResult, "result" {
        Done = "done",
        Failed = "failed",
        /// It does not know the command, or will not do it.
        Rejected = "rejected",
        /// The word of a network server: the device's radio got the frame. Whether the device did it, nobody says.
        Received = "received",
        /// The word of a network server: the radio did not get it.
        Undelivered = "undelivered",
    }
}

impl CommandResult {
    /// Whether a device may say so of itself.
    pub const fn is_of_device(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Rejected)
    }
}

/// What can happen to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    Send,
    Answer(CommandResult),
    RunOut,
    Cancel,
}

/// The state does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a command that is {0} does not allow {1:?}")]
pub struct Refused(pub CommandState, pub Happening);

impl CommandState {
    /// Waits for the device.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sent)
    }

    /// The state afterwards.
    ///
    /// # Errors
    /// Names state and happening. What the device says counts also after a command ran out or was taken back, because then
    /// it did it all the same; but it counts once.
    pub fn after(self, happening: Happening) -> Result<Self, Refused> {
        match (self, happening) {
            (Self::Queued | Self::Sent, Happening::Send) => Ok(Self::Sent),
            (Self::Queued | Self::Sent, Happening::RunOut) => Ok(Self::Expired),
            (Self::Queued | Self::Sent, Happening::Cancel) => Ok(Self::Cancelled),
            // A network server may send again what was not confirmed.
            (Self::Failed, Happening::Answer(CommandResult::Received)) => Ok(Self::Acknowledged),
            (Self::Acknowledged | Self::Failed, Happening::Answer(_)) => Err(Refused(self, happening)),
            (_, Happening::Answer(CommandResult::Done | CommandResult::Received)) => Ok(Self::Acknowledged),
            (Self::Queued | Self::Sent, Happening::Answer(CommandResult::Undelivered)) => Ok(Self::Failed),
            (_, Happening::Answer(CommandResult::Failed | CommandResult::Rejected)) => Ok(Self::Failed),
            _ => Err(Refused(self, happening)),
        }
    }
}

/// A command as somebody asks for it, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub name: CommandName,
    pub args: Value,
    pub lifetime_s: u32,
}

/// What is wrong with a command: field, value, what was expected.
pub type Wrong = (&'static str, String, String);

impl Wanted {
    /// # Errors
    /// The field that is wrong, its value, and what was expected.
    pub fn new(name: &str, args: Value, lifetime_s: u32) -> Result<Self, Wrong> {
        let name: CommandName =
            name.parse().map_err(|error: crate::units::UnknownWord| ("command", name.to_owned(), error.to_string()))?;
        if !name.is_general() {
            return Err((
                "command",
                name.to_string(),
                "sirens are asked under /console/sirens and /api/v1/sirens".into(),
            ));
        }
        let args = if args.is_null() { json!({}) } else { args };
        check_args(name, &args)?;
        if !(MIN_LIFETIME_S..=MAX_LIFETIME_S).contains(&lifetime_s) {
            let expected = format!("expected {MIN_LIFETIME_S} to {MAX_LIFETIME_S} seconds");
            return Err(("lifetime_s", lifetime_s.to_string(), expected));
        }
        Ok(Self { name, args, lifetime_s })
    }

    pub fn expires_at(&self, now: Instant) -> Instant {
        now + TimeDelta::seconds(self.lifetime_s.into())
    }
}

fn check_args(name: CommandName, args: &Value) -> Result<(), Wrong> {
    let text = args.to_string();
    let wrong = |expected: String| Err(("args", text.chars().take(80).collect(), expected));
    let Some(object) = args.as_object() else { return wrong("expected a JSON object".into()) };
    if text.len() > MAX_ARGS_BYTES {
        return wrong(format!("expected at most {MAX_ARGS_BYTES} bytes of JSON"));
    }
    if depth(args) > MAX_ARGS_DEPTH || text.contains("\\u0000") {
        return wrong(format!("expected at most {MAX_ARGS_DEPTH} levels, and no character NUL"));
    }
    let only = |key: &str| object.keys().all(|known| known == key);
    match name {
        CommandName::SetInterval => match object.get("interval_s").and_then(Value::as_u64) {
            Some(interval_s) if INTERVAL_S.contains(&interval_s) && only("interval_s") => Ok(()),
            _ => {
                wrong(format!("expected {{\"interval_s\": N}}, N from {} to {}", INTERVAL_S.start(), INTERVAL_S.end()))
            }
        },
        CommandName::SendBacklog if !is_backlog(object) => {
            wrong("expected {} or {\"from\": an instant with offset (RFC 3339)}".into())
        }
        CommandName::Reboot | CommandName::SyncClock if !object.is_empty() => wrong("takes no arguments".into()),
        _ => Ok(()),
    }
}

fn is_backlog(object: &Map<String, Value>) -> bool {
    match object.get("from") {
        None => object.is_empty(),
        Some(from) => object.len() == 1 && from.as_str().is_some_and(|at| DateTime::parse_from_rfc3339(at).is_ok()),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A command on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub id: Uuid,
    /// Of the device.
    pub code: String,
    pub name: CommandName,
    pub args: Value,
    pub issued_at: Instant,
    pub expires_at: Instant,
}

impl Due {
    /// Where it stands in the order in which commands are told.
    pub const fn place(&self) -> (Instant, Uuid) {
        (self.issued_at, self.id)
    }

    pub fn topic(&self) -> String {
        topic(&self.code)
    }

    /// The message that the device gets.
    pub fn payload(&self, now: Instant) -> Vec<u8> {
        json!({
            "id": self.id, "command": self.name, "args": self.args,
            "expires_at": self.expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "sent_at": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        })
        .to_string()
        .into_bytes()
    }
}

/// Where a device hears its commands.
pub fn topic(code: &str) -> String {
    format!("v1/devices/{code}/commands")
}

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub id: Uuid,
    pub result: CommandResult,
    pub message: String,
}

/// `{"id": …, "result": "done" | "failed" | "rejected", "message": …}`
///
/// # Errors
/// Names the field.
pub fn parse_ack(payload: &[u8]) -> Result<Ack, Problem> {
    if payload.len() > MAX_ACK_BYTES {
        let message = format!("an acknowledgement has at most {MAX_ACK_BYTES} bytes");
        return Err(Problem::new("payload", &format!("{} bytes", payload.len()), message));
    }
    let value: Value = serde_json::from_slice(payload)
        .map_err(|error| Problem::new("payload", &String::from_utf8_lossy(payload), format!("is no JSON: {error}")))?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let id = text("id").parse().map_err(|_| Problem::new("id", text("id"), "expected the id of the command (UUID)"))?;
    let result = text("result");
    let result = result
        .parse()
        .ok()
        .filter(|result: &CommandResult| result.is_of_device())
        .ok_or_else(|| Problem::new("result", result, "expected done, failed or rejected"))?;
    let message = text("message").chars().filter(|letter| !letter.is_control()).take(MAX_MESSAGE).collect();
    Ok(Ack { id, result, message })
}

/// Received minus reported, in milliseconds, as far as that can be a clock.
pub fn clock_offset_ms(received_at: DateTime<Utc>, reported_at: Option<Instant>) -> Option<i64> {
    let offset = (received_at - reported_at?).num_milliseconds();
    // A clock that was never set says 1970; more than a century is nonsense.
    (offset.abs() < 100 * 366 * 86_400_000).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_says_counts_once_and_also_late() {
        let answer = Happening::Answer(CommandResult::Done);
        for state in [CommandState::Queued, CommandState::Sent, CommandState::Expired, CommandState::Cancelled] {
            assert_eq!(state.after(answer), Ok(CommandState::Acknowledged), "{state}");
        }
        for state in [CommandState::Acknowledged, CommandState::Failed] {
            assert!(state.after(answer).is_err(), "{state}");
        }
        let rejected = Happening::Answer(CommandResult::Rejected);
        assert_eq!(CommandState::Sent.after(rejected), Ok(CommandState::Failed));
    }

    #[test]
    fn nothing_but_an_answer_moves_what_has_ended() {
        for state in CommandState::ALL.iter().copied().filter(|state| !state.is_open()) {
            for happening in [Happening::Send, Happening::RunOut, Happening::Cancel] {
                assert_eq!(state.after(happening), Err(Refused(state, happening)));
            }
        }
        assert_eq!(CommandState::Sent.after(Happening::Send), Ok(CommandState::Sent));
    }

    #[test]
    fn arguments_are_held_to_the_command() {
        let good = [
            ("set_interval", json!({"interval_s": 600})),
            ("reboot", Value::Null),
            ("send_backlog", json!({"from": "2026-02-22T00:00:00-03:00"})),
            ("send_backlog", json!({})),
            ("custom", json!({"led": {"colour": "red"}})),
        ];
        for (name, args) in good {
            assert!(Wanted::new(name, args.clone(), LIFETIME_S).is_ok(), "{name} {args}");
        }
        let nested = (0..10).fold(json!(1), |inner, _| json!([inner]));
        let wrong = [
            ("set_interval", json!({"interval_s": 5}), "args"),
            ("set_interval", json!({"interval_s": 60, "also": 1}), "args"),
            ("reboot", json!({"now": true}), "args"),
            ("send_backlog", json!({"from": "yesterday"}), "args"),
            ("custom", json!([1]), "args"),
            ("custom", json!({"a": nested}), "args"),
            ("custom", json!({"a": "x".repeat(MAX_ARGS_BYTES)}), "args"),
            ("siren", json!({}), "command"),
            ("siren_sound", json!({"pattern": "wail", "duration_s": 60}), "command"),
            ("siren_silence", json!({}), "command"),
        ];
        for (name, args, field) in wrong {
            assert_eq!(Wanted::new(name, args.clone(), LIFETIME_S).unwrap_err().0, field, "{name} {args}");
        }
        assert_eq!(Wanted::new("reboot", Value::Null, 5).unwrap_err().0, "lifetime_s");
    }

    #[test]
    fn an_acknowledgement_names_command_and_result() {
        let id = Uuid::from_u128(7);
        let ack = parse_ack(format!(r#"{{"id":"{id}","result":"done","message":"ok\n"}}"#).as_bytes()).unwrap();
        assert_eq!(ack, Ack { id, result: CommandResult::Done, message: "ok".into() });
        for (payload, field) in [
            ("x".to_owned(), "payload"),
            (r#"{"id":"1","result":"done"}"#.to_owned(), "id"),
            (format!(r#"{{"id":"{id}","result":"maybe"}}"#), "result"),
            (format!(r#"{{"id":"{id}","result":"received"}}"#), "result"),
            (format!(r#"{{"id":"{id}","result":"done","message":"{}"}}"#, "x".repeat(5000)), "payload"),
        ] {
            assert_eq!(parse_ack(payload.as_bytes()).unwrap_err().field, field, "{payload}");
        }
    }
}
