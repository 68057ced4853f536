//! Configuration: compiled-in defaults under a file under the environment, parsed into types that are trusted inside.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use ipnet::IpNet;
use serde::Deserialize;

use crate::accounts::Role;
use crate::alerts::kind::AlertKind;
use crate::secret::Secret;
use crate::units::Level;

/// The commented defaults. They are the documentation and the lowest layer at once.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// What `sentinela demo` changes of them.
const DEMO: &str = include_str!("../config/demo.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub http: Http,
    pub mqtt: Mqtt,
    pub database: Database,
    pub ingest: Ingest,
    pub engine: Engine,
    pub alerts: Alerts,
    pub dispatch: Dispatch,
    pub sms: Sms,
    pub mail: Mail,
    pub outbound: Outbound,
    pub municipality: Municipality,
    pub keys: Keys,
    pub accounts: Accounts,
    pub oidc: Oidc,
    pub log: Log,
    pub privacy: Privacy,
    pub shutdown: Shutdown,
    pub demo: Demo,
}

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
    pub account_per_minute: u32,
    pub account_burst: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    pub listen: String,
    pub max_payload_bytes: u32,
    pub max_connections: usize,
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
    pub share_group: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: Secret,
    pub owner_url: Secret,
    pub max_connections: u32,
    pub postgres_bin_dir: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub queue_readings: usize,
    pub batch_readings: usize,
    pub max_future_s: u32,
    pub max_age_days: u32,
    pub device_messages_per_s: u32,
    pub device_burst: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    pub rules_dir: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    pub draft_from: Level,
    pub expires_after_min: u32,
    pub automatic_levels: Vec<Level>,
    /// Two persons from this level on.
    #[serde(deserialize_with = "level_or_nothing")]
    pub two_person_from: Option<Level>,
    pub two_person_kinds: Vec<AlertKind>,
    pub status: AlertStatus,
    pub templates_dir: String,
}

/// An empty text is no level.
fn level_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Level>, D::Error> {
    let word = String::deserialize(deserializer)?;
    if word.is_empty() { Ok(None) } else { word.parse().map(Some).map_err(serde::de::Error::custom) }
}

/// CAP 1.2 `status`, without the values a municipality never sends.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    Actual,
    Exercise,
    Test,
}

impl AlertStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Exercise => "exercise",
            Self::Test => "test",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    pub claim_rows: u32,
    pub lease_s: u32,
    pub retry_base_s: u32,
    pub retry_max_s: u32,
    pub sms_segment_centavos: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub smpp: Vec<SmppProvider>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppProvider {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub system_id: String,
    pub password: Secret,
    pub source_addr: String,
    #[serde(default = "default_window")]
    pub window: u32,
    #[serde(default = "default_rate")]
    pub messages_per_second: u32,
}

const fn default_window() -> u32 {
    32
}

const fn default_rate() -> u32 {
    100
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub url: Secret,
    pub from: String,
    pub concurrency: u32,
    pub messages_per_second: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    #[serde(deserialize_with = "words")]
    pub allow: Vec<crate::outbound::Allowed>,
    pub proxy: String,
    pub user_agent: String,
}

/// A list, or one line with commas, which is all that the environment can give.
fn words<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Line(String),
    }
    let words = match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Line(line) => {
            line.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    };
    words.iter().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Municipality {
    pub name: String,
    pub ibge_code: String,
    pub state: String,
    pub time_zone: Tz,
    pub sender: String,
    pub sender_name: String,
    pub contact: String,
}

/// Where the keys are that seal what the database must not show (`vault`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub service_file: String,
    pub vault_file: String,
}

/// Days that personal data are kept (`privacy::retention`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    pub outbox_address_days: u32,
    pub sink_message_days: u32,
    pub quarantine_payload_days: u32,
    pub notice_days: u32,
    pub session_days: u32,
    pub needs_days: u32,
    pub officer: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub session_idle_min: u32,
    pub session_hours: u32,
    pub second_factor: SecondFactor,
}

/// Whether a second factor is asked of whoever may warn, manage or open the vault.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    Required,
    Optional,
}

/// Sign-in through the town's identity provider (`accounts::oidc`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub label: String,
    #[serde(deserialize_with = "words")]
    pub scopes: Vec<String>,
    pub username_claim: String,
    pub roles_claim: String,
    #[serde(deserialize_with = "words")]
    pub roles: Vec<RoleRule>,
    pub allow_password: bool,
    pub second_factor: OidcSecondFactor,
    #[serde(deserialize_with = "words")]
    pub accepted_acr: Vec<String>,
    #[serde(deserialize_with = "words")]
    pub accepted_amr: Vec<String>,
}

/// Who asks for the second factor of somebody who comes from the provider.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum OidcSecondFactor {
    /// We do, as of everybody.
    Own,
    /// The provider does, and says so by `acr` or `amr`; where it does not, we do.
    Provider,
}

/// What the provider says, and the role it gives here: `/plantao = operator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    pub said: String,
    pub role: Role,
}

impl std::str::FromStr for RoleRule {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (said, role) =
            line.rsplit_once('=').ok_or_else(|| format!("{line:?} is wrong; expected \"group = role\""))?;
        let role = role.trim().parse::<Role>().map_err(|error| error.to_string())?;
        match said.trim() {
            "" => Err(format!("{line:?} is wrong; expected \"group = role\"")),
            said => Ok(Self { said: said.to_owned(), role }),
        }
    }
}

impl Oidc {
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// What must hold once there is a provider.
    fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        if !self.is_on() {
            return expect(
                self.allow_password,
                "oidc.allow_password",
                "false",
                "true, as long as there is no oidc.issuer",
            );
        }
        let issuer = url::Url::parse(&self.issuer).ok();
        let fits = issuer.is_some_and(|url| {
            let loopback = match url.host() {
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                Some(url::Host::Domain(name)) => name == "localhost",
                None => false,
            };
            let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
            is_plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
        });
        expect(fits, "oidc.issuer", &self.issuer, "an https:// address (http:// on this machine alone) without query");
        expect(!self.client_id.is_empty(), "oidc.client_id", "", "the name the provider knows the service by");
        expect(!self.label.trim().is_empty(), "oidc.label", &self.label, "the words on the button");
        expect(!self.username_claim.is_empty(), "oidc.username_claim", "", "the name of a claim");
        expect(!self.roles_claim.is_empty(), "oidc.roles_claim", "", "the name of a claim");
        expect(!self.roles.is_empty(), "oidc.roles", "[]", "at least one \"group = role\"; nobody could sign in");
        let says = !self.accepted_acr.is_empty() || !self.accepted_amr.is_empty();
        let fits = self.second_factor == OidcSecondFactor::Own || says;
        expect(fits, "oidc.second_factor", "provider", "oidc.accepted_acr or oidc.accepted_amr beside it");
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    pub timeout_s: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    pub notice: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// A key that is unknown, missing, or of the wrong type.
    #[error("configuration key `{key}`: {message}")]
    Key { key: String, message: String },
    /// Keys that are well-formed each but do not make sense: all of them at once.
    #[error("{}", .0.join("\n"))]
    Check(Vec<String>),
}

/// The keys that hold lists of texts.
const LISTS: &[&str] = &[
    "alerts.two_person_kinds",
    "http.metrics_from",
    "http.trusted_proxies",
    "oidc.accepted_acr",
    "oidc.accepted_amr",
    "oidc.roles",
    "oidc.scopes",
    "outbound.allow",
];

impl Config {
    /// Reads the layers and checks them against each other.
    ///
    /// # Errors
    /// Names the wrong key, its value, and what was expected.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::layered(file, config::Environment::with_prefix("SENTINELA").prefix_separator("__").separator("__"))
    }

    /// What the demo runs on: `config/demo.toml` between the defaults and the file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_demo(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::stacked(
            &[DEFAULTS, DEMO],
            file,
            config::Environment::with_prefix("SENTINELA").prefix_separator("__").separator("__"),
        )
    }

    /// The same with the environment given, so that tests need not touch the process's own.
    pub fn layered(file: Option<&Path>, environment: config::Environment) -> Result<Self, ConfigError> {
        Self::stacked(&[DEFAULTS], file, environment)
    }

    fn stacked(texts: &[&str], file: Option<&Path>, environment: config::Environment) -> Result<Self, ConfigError> {
        let mut layers = config::Config::builder();
        for text in texts {
            layers = layers.add_source(config::File::from_str(text, config::FileFormat::Toml));
        }
        if let Some(path) = file {
            layers = layers.add_source(config::File::from(path).format(config::FileFormat::Toml));
        }
        // In the environment a list is written with commas.
        let environment = LISTS.iter().fold(environment.try_parsing(true).list_separator(","), |environment, key| {
            environment.with_list_parse_key(key)
        });
        let merged = layers.add_source(environment).build()?;
        let parsed: Self = serde_path_to_error::deserialize(merged)
            .map_err(|error| ConfigError::Key { key: error.path().to_string(), message: error.inner().to_string() })?;
        parsed.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        let mut wrong = Vec::new();
        let mut expect = |good: bool, key: &str, value: &str, expected: &str| {
            if !good {
                wrong.push(format!("configuration key `{key}`: {value:?} is wrong; expected {expected}"));
            }
        };
        let address = "an address and port such as \"127.0.0.1:8080\"";
        expect(is_socket(&self.http.listen), "http.listen", &self.http.listen, address);
        self.http.check(&mut expect);
        self.oidc.check(&mut expect);
        expect(self.mqtt.listen.is_empty() || is_socket(&self.mqtt.listen), "mqtt.listen", &self.mqtt.listen, address);
        let tls = &self.mqtt.tls_listen;
        expect(tls.is_empty() || is_socket(tls), "mqtt.tls_listen", tls, address);
        let has_files = !self.mqtt.tls_certificate.as_os_str().is_empty() && !self.mqtt.tls_key.as_os_str().is_empty();
        expect(tls.is_empty() || has_files, "mqtt.tls_listen", tls, "mqtt.tls_certificate and mqtt.tls_key beside it");
        let url = &self.http.public_url;
        expect(url.is_empty() || url.starts_with("http"), "http.public_url", url, "an http:// or https:// address");
        let url = &self.database.url;
        expect(url.is_empty() || url.starts_with("postgres"), "database.url", "***", "postgres://…, or empty");
        let owner = &*self.database.owner_url;
        let fits = owner.is_empty() || (owner.starts_with("postgres") && !url.is_empty());
        expect(fits, "database.owner_url", "***", "postgres://… of the same database as `database.url`, or empty");
        let town = &self.municipality;
        let seven_digits = town.ibge_code.len() == 7 && town.ibge_code.bytes().all(|b| b.is_ascii_digit());
        expect(seven_digits, "municipality.ibge_code", &town.ibge_code, "seven digits");
        let clean = !town.sender.is_empty() && !town.sender.contains([' ', ',', '<', '&']);
        expect(clean, "municipality.sender", &town.sender, "no space, comma, `<` or `&` (CAP 1.2, section 3.2.1)");
        let from = self.mail.from.parse::<lettre::message::Mailbox>();
        expect(from.is_ok(), "mail.from", &self.mail.from, "a mailbox such as \"Defesa Civil <a@b.gov.br>\"");
        let mail = &self.mail.url;
        expect(mail.is_empty() || mail.starts_with("smtp"), "mail.url", "***", "smtp://… or smtps://…, or empty");
        let proxy = &self.outbound.proxy;
        expect(proxy.is_empty() || proxy.starts_with("http"), "outbound.proxy", proxy, "http://host:port, or empty");
        let from_level = self.alerts.draft_from;
        expect(from_level > Level::Normal, "alerts.draft_from", from_level.as_str(), "a level above normal");
        if let Some(level) = self.alerts.two_person_from {
            expect(level > Level::Normal, "alerts.two_person_from", level.as_str(), "empty, or a level above normal");
        }
        let positive = [
            ("http.max_upload_bytes", self.http.max_upload_bytes),
            ("ingest.queue_readings", self.ingest.queue_readings),
            ("ingest.batch_readings", self.ingest.batch_readings),
            ("ingest.device_burst", self.ingest.device_burst as usize),
            ("dispatch.claim_rows", self.dispatch.claim_rows as usize),
            ("dispatch.lease_s", self.dispatch.lease_s as usize),
            ("mail.concurrency", self.mail.concurrency as usize),
            ("mail.messages_per_second", self.mail.messages_per_second as usize),
            ("database.max_connections", self.database.max_connections as usize),
            ("accounts.session_idle_min", self.accounts.session_idle_min as usize),
            ("accounts.session_hours", self.accounts.session_hours as usize),
        ];
        for (key, value) in positive {
            expect(value > 0, key, &value.to_string(), "a number above zero");
        }
        for (index, provider) in self.sms.smpp.iter().enumerate() {
            let good = provider.window > 0 && provider.messages_per_second > 0;
            expect(good, &format!("sms.smpp[{index}]"), &provider.name, "window and messages_per_second above zero");
        }
        if wrong.is_empty() { Ok(self) } else { Err(ConfigError::Check(wrong)) }
    }

    /// The address others reach the service at, without a trailing slash.
    pub fn public_url(&self) -> String {
        if self.http.public_url.is_empty() {
            let scheme = if self.http.tls_certificate.as_os_str().is_empty() { "http" } else { "https" };
            format!("{scheme}://{}", self.http.listen)
        } else {
            self.http.public_url.trim_end_matches('/').to_owned()
        }
    }
}

impl Http {
    /// What must hold between the keys of the door.
    fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let address = "an address and port such as \"127.0.0.1:8080\"";
        let redirect = &self.redirect_listen;
        expect(redirect.is_empty() || is_socket(redirect), "http.redirect_listen", redirect, address);
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

fn is_socket(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let source: HashMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let environment = config::Environment::with_prefix("SENTINELA").prefix_separator("__").separator("__");
        Config::layered(None, environment.source(Some(source)))
    }

    #[test]
    fn the_compiled_in_defaults_are_valid() {
        let config = with(&[]).unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:8080");
    }

    #[test]
    fn the_environment_wins() {
        let config = with(&[("SENTINELA__HTTP__LISTEN", "0.0.0.0:9000")]).unwrap();
        assert_eq!(config.http.listen, "0.0.0.0:9000");
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let message = with(&[("SENTINELA__HTTP__LISTN", "x")]).unwrap_err().to_string();
        assert!(message.contains("http") && message.contains("listn") && message.contains("listen"), "{message}");
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_expected() {
        let message = with(&[("SENTINELA__HTTP__LISTEN", "nowhere")]).unwrap_err().to_string();
        assert!(message.contains("`http.listen`") && message.contains("\"nowhere\""), "{message}");
        let message = with(&[("SENTINELA__SHUTDOWN__TIMEOUT_S", "soon")]).unwrap_err().to_string();
        assert!(message.contains("shutdown.timeout_s"), "{message}");
    }

    #[test]
    fn an_identity_provider_is_checked_when_the_service_starts() {
        let good = [
            ("SENTINELA__OIDC__ISSUER", "https://idp.example.org/realms/town"),
            ("SENTINELA__OIDC__CLIENT_ID", "sentinela"),
            ("SENTINELA__OIDC__ROLES", "/plantao = operator,/plantao=viewer,a=b = approver"),
        ];
        let config = with(&good).unwrap();
        let said: Vec<(&str, Role)> = config.oidc.roles.iter().map(|rule| (rule.said.as_str(), rule.role)).collect();
        assert_eq!(said, [("/plantao", Role::Operator), ("/plantao", Role::Viewer), ("a=b", Role::Approver)]);
        for (key, value, named) in [
            ("SENTINELA__OIDC__ISSUER", "http://idp.example.org", "oidc.issuer"),
            ("SENTINELA__OIDC__ISSUER", "https://idp.example.org/?a=b", "oidc.issuer"),
            ("SENTINELA__OIDC__CLIENT_ID", "", "oidc.client_id"),
            ("SENTINELA__OIDC__ROLES", "/plantao = king", "king"),
            ("SENTINELA__OIDC__ROLES", "operator", "group = role"),
            ("SENTINELA__OIDC__SECOND_FACTOR", "provider", "oidc.accepted_acr"),
        ] {
            let message = with(&[&good[..], &[(key, value)]].concat()).unwrap_err().to_string();
            assert!(message.contains(named), "{value}: {message}");
        }
        let message = with(&[("SENTINELA__OIDC__ALLOW_PASSWORD", "false")]).unwrap_err().to_string();
        assert!(message.contains("oidc.allow_password"), "{message}");
    }

    #[test]
    fn the_sender_must_fit_cap() {
        let message = with(&[("SENTINELA__MUNICIPALITY__SENDER", "a b")]).unwrap_err().to_string();
        assert!(message.contains("`municipality.sender`"), "{message}");
    }
}
