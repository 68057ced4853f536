//! What stands open to others: pages and API, and the devices' endpoint.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use crate::secret::Secret;

const SOCKET: &str = "an address and port such as \"127.0.0.1:8080\"";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: String,
    pub public_url: String,
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    pub redirect_listen: String,
    pub trusted_proxies: Vec<IpNet>,
    pub metrics_from: Vec<IpNet>,
    pub max_body_bytes: usize,
    pub max_upload_bytes: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub slow_client_s: u32,
    pub limits: HttpLimits,
}

/// Requests a minute in the long run, and at once. Zero is no limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpLimits {
    pub address_per_minute: u32,
    pub address_burst: u32,
    pub public_writes_per_minute: u32,
    pub public_writes_burst: u32,
    pub public_reports_per_minute: u32,
    pub public_reports_burst: u32,
    pub public_searches_per_minute: u32,
    pub public_searches_burst: u32,
    pub account_per_minute: u32,
    pub account_burst: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    pub listen: String,
    pub max_payload_bytes: u32,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub max_connections_per_device: usize,
    pub tls_listen: String,
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    pub tls_client_ca: PathBuf,
    pub tls_client_crl: PathBuf,
    pub tls_identity: TlsIdentity,
    pub tls_handshake_s: u64,
    pub external: Vec<ExternalBroker>,
}

/// What tells which device a client certificate belongs to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TlsIdentity {
    /// It is registered for the device.
    Fingerprint,
    /// It is registered for the device, or names it.
    CommonName,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalBroker {
    pub name: String,
    pub url: Secret,
    pub topics: Vec<String>,
    #[serde(default)]
    pub protocol: Protocol,
    #[serde(default)]
    pub share_group: String,
    /// The broker is known to share among clients of 3.1.1 too, of which that version says nothing.
    #[serde(default)]
    pub share_over_311: bool,
}

/// The version of MQTT that is spoken with a broker. Read from text, so that a 5 without quotation marks is one too.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Protocol {
    #[default]
    V5,
    V311,
}

impl TryFrom<String> for Protocol {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "5" => Ok(Self::V5),
            "3.1.1" => Ok(Self::V311),
            _ => Err(format!("{text:?} is wrong; expected \"5\" or \"3.1.1\"")),
        }
    }
}

impl Http {
    /// What must hold between the keys of the door.
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        expect(is_socket(&self.listen), "http.listen", &self.listen, SOCKET);
        let redirect = &self.redirect_listen;
        expect(redirect.is_empty() || is_socket(redirect), "http.redirect_listen", redirect, SOCKET);
        let https = self.public_url.starts_with("https");
        expect(
            redirect.is_empty() || https,
            "http.redirect_listen",
            redirect,
            "an https:// address in http.public_url beside it",
        );
        let (chain, key) = (&self.tls_certificate, &self.tls_key);
        let both = chain.as_os_str().is_empty() == key.as_os_str().is_empty();
        expect(
            both,
            "http.tls_key",
            &key.display().to_string(),
            "both http.tls_certificate and http.tls_key, or neither",
        );
        expect(self.max_connections > 0, "http.max_connections", "0", "at least 1");
        expect(self.slow_client_s > 0, "http.slow_client_s", "0", "at least 1");
        expect(self.max_connections_per_address > 0, "http.max_connections_per_address", "0", "at least 1");
    }
}

impl Mqtt {
    /// What must hold between the keys of the device endpoint.
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        expect(self.listen.is_empty() || is_socket(&self.listen), "mqtt.listen", &self.listen, SOCKET);
        let tls = &self.tls_listen;
        expect(tls.is_empty() || is_socket(tls), "mqtt.tls_listen", tls, SOCKET);
        let has_files = !self.tls_certificate.as_os_str().is_empty() && !self.tls_key.as_os_str().is_empty();
        expect(tls.is_empty() || has_files, "mqtt.tls_listen", tls, "mqtt.tls_certificate and mqtt.tls_key beside it");
        let bounds = [
            ("mqtt.max_connections_per_address", self.max_connections_per_address),
            ("mqtt.max_connections_per_device", self.max_connections_per_device),
        ];
        for (key, value) in bounds {
            expect(value > 0, key, &value.to_string(), "a number above zero");
        }
        for (index, broker) in self.external.iter().enumerate() {
            // A broker that does not know them takes the group for the beginning of a topic, and says nothing.
            expect(
                broker.protocol == Protocol::V5 || broker.share_group.is_empty() || broker.share_over_311,
                &format!("mqtt.external[{index}].share_group"),
                &broker.share_group,
                "nothing with protocol = \"3.1.1\", which has no shared subscriptions; or share_over_311 = true where the broker has them all the same",
            );
        }
    }
}

fn is_socket(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok()
}
