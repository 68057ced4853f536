//! Why a connection ended, or was never made, and whether the other version of MQTT would help.

use rumqttc as v311;
use rumqttc::v5;

/// What an end says of the version.
enum Version {
    Refused,
    /// The broker ended the connection before it said yes, as one does that does not understand a word.
    Doubtful,
    Fine,
}

pub fn of_5(error: &v5::ConnectionError, was_connected: bool) -> String {
    use v5::ConnectionError as E;
    use v5::mqttbytes::v5::ConnectReturnCode as Code;

    let version = match error {
        E::ConnectionRefused(Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion) => Version::Refused,
        E::MqttState(_) | E::NotConnAck(_) if !was_connected => Version::Doubtful,
        _ => Version::Fine,
    };
    said(&error.to_string(), &version, "MQTT 5", ("3.1.1", "MQTT 3.1.1"))
}

pub fn of_311(error: &v311::ConnectionError, was_connected: bool) -> String {
    use v311::ConnectionError as E;
    use v311::mqttbytes::Error::InvalidConnectReturnCode;
    use v311::{ConnectReturnCode as Code, StateError};

    let version = match error {
        // How MQTT 5 says that it does not know our version.
        E::ConnectionRefused(Code::RefusedProtocolVersion)
        | E::MqttState(StateError::Deserialization(InvalidConnectReturnCode(0x84))) => Version::Refused,
        E::MqttState(_) | E::NotConnAck(_) if !was_connected => Version::Doubtful,
        _ => Version::Fine,
    };
    said(&error.to_string(), &version, "MQTT 3.1.1", ("5", "MQTT 5"))
}

fn said(error: &str, version: &Version, ours: &str, (key, other): (&str, &str)) -> String {
    match version {
        Version::Refused => {
            format!("{error}: the broker refuses {ours}; set protocol = \"{key}\" in its [[mqtt.external]] table")
        }
        Version::Doubtful => format!(
            "{error}, before the broker answered our sign-in in {ours}; if it speaks only {other}, set protocol = \"{key}\" in its \
             [[mqtt.external]] table"
        ),
        Version::Fine => error.to_owned(),
    }
}
