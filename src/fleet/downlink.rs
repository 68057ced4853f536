//! Commands on their way through a LoRaWAN network server: what is published to it, what it says of them, and how far one has
//! come. Pure.
//!
//! The server takes a downlink into its queue and sends it when the device can hear it: a device of class A only right after
//! one of its own transmissions. What a radio confirms is that it got the frame, not that the device did anything.

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::command::{CommandResult, CommandState, Happening, MAX_MESSAGE};
use crate::clock::Instant;
use crate::ingest::formats::Format;
use crate::ingest::formats::template::Encoded;
use crate::units::vocabulary;

vocabulary! {
    /// A network server that takes downlinks over MQTT.
    Server, "network server" {
        /// `ChirpStack` v4.
        Chirpstack = "chirpstack",
        /// The Things Stack v3.
        Ttn = "ttn",
    }
}

vocabulary! {
    /// How far a downlink has come, in the order of the way.
    Stage, "stage of a downlink" {
        /// Nobody subscribes, as the broker says. A rule or a bridge may have taken it all the same, so it is not tried again.
        Unlistened = "unlistened",
        /// The broker does not let the service publish it; tried again.
        Barred = "barred",
        /// Being published. If it stays so, nobody knows whether the server has it, and it is not published again.
        Offered = "offered",
        /// The broker has it for The Things Stack, which did not say that it has it.
        Handed = "handed",
        /// In the queue of the network server, as far as known.
        Accepted = "accepted",
        /// A gateway sent it.
        Transmitted = "transmitted",
        /// The profile cannot write it any more.
        Unwritable = "unwritable",
        /// The network server threw it away.
        Refused = "refused",
        /// The device's radio did not confirm it.
        Missed = "missed",
        /// The device's radio confirmed it.
        Received = "received",
    }
}

impl Stage {
    const fn place(self) -> u8 {
        match self {
            Self::Barred => 0,
            Self::Offered | Self::Unlistened => 1,
            Self::Handed => 2,
            Self::Accepted => 3,
            Self::Transmitted => 4,
            Self::Unwritable | Self::Refused | Self::Missed => 5,
            Self::Received => 6,
        }
    }

    /// Whether the network server may have it.
    pub const fn is_out(self) -> bool {
        !matches!(self, Self::Barred | Self::Unwritable)
    }
}

/// How a command stands that goes this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: CommandState,
    pub stage: Option<Stage>,
}

impl Standing {
    /// What a word makes of it; nothing when that is known, or when more is known already. What comes after the command ran
    /// out or was taken back is noted, and counts as its end only when the radio got the frame all the same. The Things Stack
    /// sends again what was not confirmed, so its miss ends nothing.
    #[must_use]
    pub fn after(self, server: Server, word: Stage) -> Option<Self> {
        if self.stage.is_some_and(|stage| stage.place() > word.place() || stage == word) {
            return None;
        }
        let happening = match word {
            Stage::Barred | Stage::Offered => return None,
            Stage::Unlistened => return Some(Self { state: self.state, stage: Some(word) }),
            Stage::Missed if server == Server::Ttn => Happening::Send,
            Stage::Handed | Stage::Accepted | Stage::Transmitted => Happening::Send,
            Stage::Unwritable | Stage::Refused | Stage::Missed => Happening::Answer(CommandResult::Undelivered),
            Stage::Received => Happening::Answer(CommandResult::Received),
        };
        Some(Self { state: self.state.after(happening).unwrap_or(self.state), stage: Some(word) })
    }

    /// What becomes `device_command.result`.
    pub const fn result(self) -> Option<CommandResult> {
        match (self.state, self.stage) {
            (CommandState::Acknowledged, Some(Stage::Received)) => Some(CommandResult::Received),
            (CommandState::Failed, Some(Stage::Unwritable | Stage::Refused | Stage::Missed)) => {
                Some(CommandResult::Undelivered)
            }
            _ => None,
        }
    }
}

/// What is known of a command's way.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Downlink {
    /// `chirpstack` or `ttn`.
    #[schema(value_type = String)]
    pub server: Server,
    /// `barred`: not taken by the broker yet; `unlistened`: nobody subscribes, as the broker says, and it is not tried again;
    /// `offered`: not known whether taken; `handed`: the broker has it; `accepted`: in the network server's queue as far as
    /// known, until the device transmits; `transmitted`: by a gateway; `received`: the radio confirmed the frame,
    /// which is not that the device did it; `missed`: it did not; `refused`: the server threw it away; `unwritable`: the
    /// profile cannot write it.
    #[schema(value_type = String)]
    pub stage: Stage,
    /// Since when.
    #[schema(value_type = String)]
    pub at: Instant,
    pub f_port: Option<i16>,
    /// In hexadecimal.
    pub payload: String,
    /// Whether the radio was asked to confirm.
    pub confirmed: bool,
}

/// Where a network server takes the downlinks of a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub server: Server,
    /// `application/{id}/device/{DevEUI}`, `v3/{application}@{tenant}/devices/{id}`
    pub base: String,
}

impl Address {
    /// Of the topic of an event, with the rest of that topic: "up", "event/ack", "down/queued".
    pub fn of(topic: &str) -> Option<(Self, &str)> {
        let parts: Vec<&str> = topic.split('/').collect();
        let server = match parts[..] {
            ["application", _, "device", name, "event", _] if !name.is_empty() => Server::Chirpstack,
            ["v3", _, "devices", name, _, ..] if !name.is_empty() => Server::Ttn,
            _ => return None,
        };
        let length = parts[..4].iter().map(|part| part.len()).sum::<usize>() + 3;
        let (base, event) = (&topic[..length], &topic[length + 1..]);
        Some((Self { server, base: base.to_owned() }, event))
    }

    /// What the broker's PUBACK tells. `ChirpStack` says nothing of its queue, so there it counts as far as one knows.
    pub const fn confirmed(&self) -> Stage {
        match self.server {
            Server::Chirpstack => Stage::Accepted,
            Server::Ttn => Stage::Handed,
        }
    }

    /// Where it is published.
    pub fn topic(&self) -> String {
        match self.server {
            Server::Chirpstack => format!("{}/command/down", self.base),
            Server::Ttn => format!("{}/down/push", self.base),
        }
    }

    /// What is published. The id comes back in what the server says of it.
    pub fn message(&self, id: Uuid, downlink: &Encoded) -> Vec<u8> {
        let data = base64::engine::general_purpose::STANDARD.encode(&downlink.bytes);
        let message = match self.server {
            Server::Chirpstack => json!({
                "id": id, "devEui": self.base.rsplit('/').next().unwrap_or_default(),
                "confirmed": downlink.confirmed, "fPort": downlink.f_port, "data": data,
            }),
            Server::Ttn => json!({"downlinks": [{
                "f_port": downlink.f_port, "frm_payload": data, "priority": "NORMAL", "confirmed": downlink.confirmed,
                "correlation_ids": [format!("{CORRELATION}{id}")],
            }]}),
        };
        message.to_string().into_bytes()
    }
}

/// Before the command's id in what The Things Stack is given.
const CORRELATION: &str = "sentinela:";

/// What a network server says of a downlink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub id: Uuid,
    pub stage: Stage,
    /// Why, where there is a reason.
    pub message: String,
}

/// Reads an event that tells of a downlink; nothing for others, and for downlinks that are none of ours. `event` is the end of
/// the topic: `event/ack`, `down/ack`.
pub fn word(server: Server, event: &str, payload: &[u8]) -> Option<Word> {
    let (stage, told): (Stage, Value) = match (server, event) {
        (Server::Chirpstack, "event/txack" | "event/ack" | "event/log") => {
            let told: Value = serde_json::from_slice(payload).ok()?;
            (chirpstack(event, &told)?, told)
        }
        (Server::Ttn, _) => {
            let stage = match event {
                "down/queued" => Stage::Accepted,
                "down/sent" => Stage::Transmitted,
                "down/ack" => Stage::Received,
                "down/nack" => Stage::Missed,
                "down/failed" => Stage::Refused,
                _ => return None,
            };
            (stage, serde_json::from_slice(payload).ok()?)
        }
        _ => return None,
    };
    let id = match server {
        Server::Chirpstack => told.get("queueItemId").or_else(|| told.pointer("/context/queue_item_id"))?.as_str()?,
        Server::Ttn => correlation(&told)?,
    };
    let why = match server {
        Server::Chirpstack => told.get("description"),
        Server::Ttn => told.pointer("/downlink_failed/error/message_format"),
    };
    let why = why.and_then(Value::as_str).unwrap_or_default();
    let message = why.chars().filter(|letter| !letter.is_control()).take(MAX_MESSAGE).collect();
    Some(Word { id: id.parse().ok()?, stage, message })
}

/// Whether a topic filter lets the service hear its own downlinks.
pub fn hears_ourselves(filter: &str) -> bool {
    ["application/a/device/d/command/down", "v3/a@t/devices/d/down/push"].iter().any(|topic| {
        let mut levels = topic.split('/');
        for wanted in filter.split('/') {
            match (wanted, levels.next()) {
                ("#", _) => return true,
                // The names in the middle are anybody's.
                (_, Some("a" | "d" | "a@t")) | ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    })
}

/// When the network server got an uplink, where the event says it.
pub fn uplink_at(payload: &[u8]) -> Option<Instant> {
    let told: Value = serde_json::from_slice(payload).ok()?;
    let at =
        told.get("time").or_else(|| told.pointer("/uplink_message/received_at")).or_else(|| told.get("received_at"))?;
    chrono::DateTime::parse_from_rfc3339(at.as_str()?).ok().map(|at| at.to_utc())
}

fn chirpstack(event: &str, told: &Value) -> Option<Stage> {
    match event {
        "event/txack" => Some(Stage::Transmitted),
        "event/ack" => {
            let got = told.get("acknowledged").and_then(Value::as_bool).unwrap_or_default();
            Some(if got { Stage::Received } else { Stage::Missed })
        }
        // The others leave the downlink in the queue, or speak of none.
        _ => matches!(told.get("code")?.as_str()?, "DOWNLINK_PAYLOAD_SIZE" | "F_CNT_DOWN" | "EXPIRED")
            .then_some(Stage::Refused),
    }
}

/// The id of ours among the correlation ids of an event.
fn correlation(event: &Value) -> Option<&str> {
    let inside = ["downlink_queued", "downlink_sent", "downlink_ack", "downlink_nack"].map(|name| event.get(name));
    let places = [Some(event), event.pointer("/downlink_failed/downlink")].into_iter().chain(inside).flatten();
    let ids = places.filter_map(|place| place.get("correlation_ids")?.as_array()).flatten();
    ids.filter_map(Value::as_str).find_map(|id| id.strip_prefix(CORRELATION))
}

impl Server {
    pub const fn of(format: Format) -> Option<Self> {
        match format {
            Format::Chirpstack => Some(Self::Chirpstack),
            Format::Ttn => Some(Self::Ttn),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CommandState::{Acknowledged, Cancelled, Expired, Failed, Queued, Sent};

    const ID: Uuid = Uuid::from_u128(7);

    fn after(state: CommandState, stage: Option<Stage>, word: Stage) -> Option<(CommandState, Stage)> {
        Standing { state, stage }
            .after(Server::Chirpstack, word)
            .map(|standing| (standing.state, standing.stage.unwrap()))
    }

    #[test]
    fn a_downlink_goes_its_way_and_never_back() {
        assert_eq!(after(Queued, Some(Stage::Offered), Stage::Accepted), Some((Sent, Stage::Accepted)));
        // The word of the network server settles what was not known.
        assert_eq!(after(Queued, Some(Stage::Offered), Stage::Transmitted), Some((Sent, Stage::Transmitted)));
        assert_eq!(after(Sent, Some(Stage::Transmitted), Stage::Received), Some((Acknowledged, Stage::Received)));
        assert_eq!(after(Sent, Some(Stage::Transmitted), Stage::Missed), Some((Failed, Stage::Missed)));
        assert_eq!(after(Sent, Some(Stage::Accepted), Stage::Refused), Some((Failed, Stage::Refused)));
        for word in [Stage::Accepted, Stage::Transmitted, Stage::Missed, Stage::Received, Stage::Refused] {
            assert_eq!(after(Acknowledged, Some(Stage::Received), word), None, "{word}");
        }
        assert_eq!(after(Sent, Some(Stage::Transmitted), Stage::Accepted), None);
        assert_eq!(after(Sent, Some(Stage::Accepted), Stage::Accepted), None);
    }

    #[test]
    fn a_confirmation_after_a_repetition_counts_and_a_late_miss_ends_nothing() {
        // The Things Stack sends again what was not confirmed.
        assert_eq!(after(Failed, Some(Stage::Missed), Stage::Transmitted), None);
        assert_eq!(after(Failed, Some(Stage::Missed), Stage::Received), Some((Acknowledged, Stage::Received)));
        for state in [Expired, Cancelled] {
            assert_eq!(after(state, Some(Stage::Accepted), Stage::Transmitted), Some((state, Stage::Transmitted)));
            assert_eq!(after(state, Some(Stage::Transmitted), Stage::Missed), Some((state, Stage::Missed)));
            assert_eq!(after(state, Some(Stage::Missed), Stage::Received), Some((Acknowledged, Stage::Received)));
        }
    }

    #[test]
    fn a_miss_that_the_things_stack_tells_ends_nothing() {
        let sent = Standing { state: Sent, stage: Some(Stage::Transmitted) };
        let missed = sent.after(Server::Ttn, Stage::Missed).unwrap();
        assert_eq!((missed.state, missed.stage, missed.result()), (Sent, Some(Stage::Missed), None));
        assert_eq!(missed.after(Server::Ttn, Stage::Received).unwrap().state, Acknowledged);
        assert_eq!(missed.after(Server::Ttn, Stage::Refused).unwrap().state, Failed);
    }

    #[test]
    fn what_nobody_subscribes_waits_for_the_server_s_word() {
        assert_eq!(after(Queued, Some(Stage::Offered), Stage::Unlistened), Some((Queued, Stage::Unlistened)));
        assert_eq!(after(Queued, Some(Stage::Unlistened), Stage::Transmitted), Some((Sent, Stage::Transmitted)));
        assert_eq!(after(Sent, Some(Stage::Transmitted), Stage::Unlistened), None);
    }

    #[test]
    fn filters_that_hear_our_own_downlinks_are_known() {
        for filter in ["#", "v3/+/devices/+/down/+", "v3/x@ttn/devices/+/down/push", "application/1/#"] {
            assert!(hears_ourselves(filter), "{filter}");
        }
        for filter in ["v3/+/devices/+/down/queued", "application/+/device/+/event/+", "v3/+/devices/+/up", "v1/#", "+"]
        {
            assert!(!hears_ourselves(filter), "{filter}");
        }
    }

    #[test]
    fn only_a_downlink_that_ended_has_a_result() {
        let result = |state, stage| Standing { state, stage: Some(stage) }.result();
        assert_eq!(result(Acknowledged, Stage::Received), Some(CommandResult::Received));
        assert_eq!(result(Failed, Stage::Missed), Some(CommandResult::Undelivered));
        assert_eq!(result(Sent, Stage::Transmitted), None);
        assert_eq!(result(Cancelled, Stage::Missed), None);
    }

    #[test]
    fn what_is_published_is_what_the_servers_document() {
        let downlink = Encoded { f_port: 2, confirmed: true, bytes: vec![1, 0, 2, 0x58] };
        let (address, event) = Address::of("application/17c82e96/device/0101010101010101/event/up").unwrap();
        assert_eq!((address.server, event), (Server::Chirpstack, "event/up"));
        assert_eq!(address.topic(), "application/17c82e96/device/0101010101010101/command/down");
        let message: Value = serde_json::from_slice(&address.message(ID, &downlink)).unwrap();
        let expected =
            json!({"id": ID, "devEui": "0101010101010101", "confirmed": true, "fPort": 2, "data": "AQACWA=="});
        assert_eq!(message, expected);

        let (address, event) = Address::of("v3/app1@ttn/devices/dev1/down/queued").unwrap();
        assert_eq!((address.server, event), (Server::Ttn, "down/queued"));
        assert_eq!(address.topic(), "v3/app1@ttn/devices/dev1/down/push");
        let message: Value = serde_json::from_slice(&address.message(ID, &downlink)).unwrap();
        let expected = json!({"downlinks": [{"f_port": 2, "frm_payload": "AQACWA==", "priority": "NORMAL",
            "confirmed": true, "correlation_ids": [format!("sentinela:{ID}")]}]});
        assert_eq!(message, expected);
        for foreign in
            ["v1/devices/a/readings", "application/1/device//event/up", "application/1/device/a/command/down"]
        {
            assert_eq!(Address::of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_events_of_chirpstack_are_read() {
        let read = |event: &str, told: Value| {
            word(Server::Chirpstack, event, told.to_string().as_bytes()).map(|word| (word.id, word.stage, word.message))
        };
        assert_eq!(read("event/txack", json!({"queueItemId": ID})), Some((ID, Stage::Transmitted, String::new())));
        let ack = |got: bool| json!({"queueItemId": ID, "acknowledged": got, "deduplicationId": "x"});
        assert_eq!(read("event/ack", ack(true)), Some((ID, Stage::Received, String::new())));
        assert_eq!(read("event/ack", ack(false)), Some((ID, Stage::Missed, String::new())));
        // What is false may be left out in JSON of Protocol Buffers.
        assert_eq!(read("event/ack", json!({"queueItemId": ID})).unwrap().1, Stage::Missed);
        let log = |code: &str| {
            json!({"level": "ERROR", "code": code, "description": "exceeds the max. payload size",
                "context": {"queue_item_id": ID, "max_payload_size": "11"}})
        };
        let expected = Some((ID, Stage::Refused, "exceeds the max. payload size".to_owned()));
        assert_eq!(read("event/log", log("DOWNLINK_PAYLOAD_SIZE")), expected);
        for (event, told) in [
            ("event/log", log("DOWNLINK_GATEWAY")),
            ("event/up", json!({"queueItemId": ID})),
            ("event/ack", json!({"acknowledged": true})),
            ("event/ack", json!({"queueItemId": "7", "acknowledged": true})),
        ] {
            assert_eq!(read(event, told), None, "{event}");
        }
    }

    #[test]
    fn the_events_of_the_things_stack_are_read() {
        let read = |event: &str, told: Value| {
            word(Server::Ttn, event, told.to_string().as_bytes()).map(|word| (word.id, word.stage, word.message))
        };
        let ours = json!(["as:downlink:01E1", format!("sentinela:{ID}")]);
        for (name, stage) in [
            ("queued", Stage::Accepted),
            ("sent", Stage::Transmitted),
            ("ack", Stage::Received),
            ("nack", Stage::Missed),
        ] {
            let inside = json!({"correlation_ids": ["as:up:1"], format!("downlink_{name}"): {"correlation_ids": ours}});
            assert_eq!(read(&format!("down/{name}"), inside), Some((ID, stage, String::new())), "{name}");
        }
        let failed = json!({"correlation_ids": ours, "downlink_failed": {"downlink": {"f_port": 2},
            "error": {"message_format": "application downlink payload is too long", "code": 3}}});
        let why = "application downlink payload is too long".to_owned();
        assert_eq!(read("down/failed", failed), Some((ID, Stage::Refused, why)));
        assert_eq!(read("down/ack", json!({"downlink_ack": {"correlation_ids": ["as:downlink:1"]}})), None);
        assert_eq!(read("up", json!({"correlation_ids": ours})), None);
        assert_eq!(word(Server::Ttn, "down/ack", b"x"), None);
    }
}
