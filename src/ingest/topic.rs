//! The topics of the outside contract: `v1/devices/{code}/…`, and those of network servers.

use super::formats::Format;

/// What a device publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Readings,
    Status,
    /// The answer to a command.
    Answer,
}

/// The device's code and what the topic carries, or `None` for a topic that is none of ours.
pub fn parse(topic: &str) -> Option<(&str, Kind)> {
    let (code, leaf) = topic.strip_prefix("v1/devices/")?.split_once('/')?;
    let kind = match leaf {
        "readings" => Kind::Readings,
        "status" => Kind::Status,
        "commands/ack" => Kind::Answer,
        _ => return None,
    };
    (!code.is_empty()).then_some((code, kind))
}

/// The name of the device in a topic of a LoRaWAN network server: ChirpStack v4 `application/{id}/device/{DevEUI}/event/{…}`,
/// The Things Stack v3 `v3/{application}@{tenant}/devices/{id}/{…}`, with the format they write.
pub fn of_network(topic: &str) -> Option<(&str, Format)> {
    let parts: Vec<&str> = topic.split('/').collect();
    match parts[..] {
        ["application", _, "device", name, "event", _] if !name.is_empty() => Some((name, Format::Chirpstack)),
        ["v3", _, "devices", name, _, ..] if !name.is_empty() => Some((name, Format::Ttn)),
        _ => None,
    }
}

/// Whether a network server tells on this topic what came from the device over the air, and not what the server itself did.
pub fn is_from_the_air(topic: &str) -> bool {
    let parts: Vec<&str> = topic.split('/').collect();
    match parts[..] {
        ["application", _, "device", _, "event", event] => {
            matches!(event, "up" | "join" | "ack" | "status" | "location")
        }
        ["v3", _, "devices", _, ref event @ ..] => matches!(event, ["up" | "join"] | ["down", "ack"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topics_of_the_contract_are_known() {
        assert_eq!(parse("v1/devices/A-1/readings"), Some(("A-1", Kind::Readings)));
        assert_eq!(parse("v1/devices/A-1/status"), Some(("A-1", Kind::Status)));
        assert_eq!(parse("v1/devices/A-1/commands/ack"), Some(("A-1", Kind::Answer)));
        for foreign in
            ["v1/devices//readings", "v1/devices/a/b/readings", "v1/devices/a/commands", "v2/devices/a/readings", ""]
        {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn what_a_network_server_does_by_itself_is_no_word_of_the_device() {
        for topic in ["application/1/device/a/event/up", "v3/app@t/devices/a/join", "v3/app@t/devices/a/down/ack"] {
            assert!(is_from_the_air(topic), "{topic}");
        }
        for topic in ["application/1/device/a/event/txack", "v3/app@t/devices/a/down/queued", "v1/devices/a/readings"] {
            assert!(!is_from_the_air(topic), "{topic}");
        }
    }

    #[test]
    fn network_servers_name_their_devices() {
        let eui = "application/17c82e96/device/0101010101010101/event/up";
        assert_eq!(of_network(eui), Some(("0101010101010101", Format::Chirpstack)));
        assert_eq!(of_network("v3/app1@ttn/devices/dev1/up"), Some(("dev1", Format::Ttn)));
        assert_eq!(of_network("v3/app1@ttn/devices/dev1/down/queued"), Some(("dev1", Format::Ttn)));
        for foreign in
            ["application/1/device//event/up", "application/1/device/a/command/down", "v3/a/devices//up", "v3/a"]
        {
            assert_eq!(of_network(foreign), None, "{foreign}");
        }
    }
}
