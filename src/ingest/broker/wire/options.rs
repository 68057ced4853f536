//! How to get to a broker: its address, who we are there, and what we ask of the connection.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rumqttc as v311;
use rumqttc::tokio_rustls::rustls;
use rumqttc::v5;
use rumqttc::{TlsConfiguration, Transport};
use sha2::{Digest, Sha256};

use crate::config::{Config, ExternalBroker, Protocol};
use crate::ingest::broker::RECEIVE_MAXIMUM;

/// A broker of MQTT 5 keeps our session and what arrives for it so long. One of 3.1.1 decides itself.
const SESSION_S: u32 = 24 * 3600;
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How to get to a broker.
#[derive(Clone)]
pub enum Options {
    V5(Box<v5::MqttOptions>),
    V311(Box<v311::MqttOptions>),
}

impl Options {
    /// The options of one broker's connection.
    ///
    /// # Errors
    /// An address that is none.
    pub fn of(config: &Config, broker: &ExternalBroker) -> anyhow::Result<Self> {
        // A client id that is given stands in a file that all nodes may share.
        let url = broker.url.replace("{node}", &config.node());
        let (scheme, rest) = url.split_once("://").context("expected mqtt://host:1883 or mqtts://host:8883")?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" => true,
            other => bail!("scheme {other:?} is not supported; expected mqtt or mqtts"),
        };
        let named = rest.contains("client_id=");
        let join = if rest.contains('?') { '&' } else { '?' };
        let id = if named { String::new() } else { format!("{join}client_id={}", client_id(config, broker)) };
        // Parsed as plain, because the parser would load certificates for TLS and panic where there are none.
        let url = format!("mqtt://{}{id}", with_port(rest, tls));
        let transport = if tls { Transport::tls_with_config(tls_config()?) } else { Transport::tcp() };
        let max_packet = config.mqtt.max_payload_bytes.saturating_add(1024 * 1024);
        match broker.protocol {
            Protocol::V5 => v5_of(&url, transport, max_packet).map(Self::V5),
            Protocol::V311 => v311_of(&url, transport, max_packet).map(Self::V311),
        }
    }

    /// The same way under another name, so that it does not end this connection, and without a session.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Self {
        let mut options = self.clone();
        match &mut options {
            Self::V5(options) => {
                options.set_client_id(format!("{}{suffix}", options.client_id()));
                options.set_clean_start(true).set_session_expiry_interval(Some(0));
            }
            Self::V311(options) => {
                options.set_client_id(format!("{}{suffix}", options.client_id()));
                options.set_clean_session(true);
            }
        }
        options
    }
}

fn v5_of(url: &str, transport: Transport, max_packet: u32) -> anyhow::Result<Box<v5::MqttOptions>> {
    let mut options = v5::MqttOptions::parse_url(url)?;
    if let Some(login) = options.credentials() {
        options.set_credentials(percent_decoded(&login.username)?, percent_decoded(&login.password)?);
    }
    options
        .set_transport(transport)
        .set_manual_acks(true)
        .set_clean_start(false)
        .set_keep_alive(KEEP_ALIVE)
        .set_session_expiry_interval(Some(SESSION_S))
        .set_receive_maximum(Some(RECEIVE_MAXIMUM))
        .set_max_packet_size(Some(max_packet));
    Ok(Box::new(options))
}

fn v311_of(url: &str, transport: Transport, max_packet: u32) -> anyhow::Result<Box<v311::MqttOptions>> {
    let mut options = v311::MqttOptions::parse_url(url)?;
    ensure!(!options.client_id().is_empty(), "an empty client_id cannot have a session");
    if let Some(login) = options.credentials() {
        options.set_credentials(percent_decoded(&login.username)?, percent_decoded(&login.password)?);
    }
    options
        .set_transport(transport)
        .set_manual_acks(true)
        .set_clean_session(false)
        .set_keep_alive(KEEP_ALIVE)
        .set_max_packet_size(max_packet as usize, max_packet as usize);
    Ok(Box::new(options))
}

/// The same after every restart, so that the broker finds our session; another one for another installation, and for another node of
/// one: two that shared it would end each other's connection without end.
fn client_id(config: &Config, broker: &ExternalBroker) -> String {
    let place = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let digest = Sha256::digest(format!("{}\0{}", config.node(), place.display()));
    format!("sentinela-{}-{:02x}{:02x}{:02x}{:02x}", broker.name, digest[0], digest[1], digest[2], digest[3])
}

/// "host" becomes "host:8883" for TLS; a port that is given stays.
fn with_port(rest: &str, tls: bool) -> String {
    let split = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(split);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if has_port || !tls { "" } else { ":8883" };
    format!("{authority}{port}{tail}")
}

fn tls_config() -> anyhow::Result<TlsConfiguration> {
    let mut roots = rustls::RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if good == 0 {
        bail!("mqtts needs the system's certificate authorities, and none were found (package ca-certificates)");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConfiguration::from(config))
}

/// "%40" becomes "@".
fn percent_decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).context("the user or password is not UTF-8")
}

/// For messages: "mqtt://user:secret@host" without what is between `//` and `@`.
pub fn without_secret(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(from), Some(to)) if from + 3 < to => format!("{}…{}", &url[..from + 3], &url[to..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Options {
        /// To this machine.
        pub fn plain(protocol: Protocol, port: u16) -> Self {
            match protocol {
                Protocol::V5 => Self::V5(Box::new(v5::MqttOptions::new("link", "127.0.0.1", port))),
                Protocol::V311 => Self::V311(Box::new(v311::MqttOptions::new("link", "127.0.0.1", port))),
            }
        }
    }

    #[test]
    fn tls_has_a_port_of_its_own() {
        assert_eq!(with_port("u:p@broker/x", true), "u:p@broker:8883/x");
        assert_eq!(with_port("broker:99?a=1", true), "broker:99?a=1");
        assert_eq!(with_port("broker", false), "broker");
    }

    #[test]
    fn in_3_1_1_a_link_has_a_session_and_what_is_beside_it_has_none() {
        let url = "mqtt://app%40ttn:NNSXS.key@broker:8883?client_id=link";
        let options = v311_of(url, Transport::tcp(), 2 << 20).unwrap();
        let login = options.credentials().unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("app@ttn", "NNSXS.key"));
        assert_eq!(options.broker_address(), ("broker".into(), 8883));
        assert!(options.manual_acks() && !options.clean_session());
        assert_eq!((options.keep_alive(), options.max_packet_size()), (KEEP_ALIVE, 2 << 20));
        let Options::V311(beside) = Options::V311(options).beside("-down") else { panic!("another version") };
        assert_eq!(beside.client_id(), "link-down");
        assert!(beside.clean_session());
        assert!(v311_of("mqtt://broker?client_id=", Transport::tcp(), 1).is_err());
    }

    #[test]
    fn secrets_may_hold_any_character() {
        assert_eq!(percent_decoded("a%40b%3Ac%zz%").unwrap(), "a@b:c%zz%");
    }

    #[test]
    fn errors_do_not_show_the_secret() {
        assert_eq!(without_secret("mqtt://me:secret@host:1"), "mqtt://…@host:1");
    }
}
