//! Configuration: compiled-in defaults under a file under the environment, parsed into types that are trusted inside.

mod door;
mod identity;
mod mail;
mod origin;
mod reach;
mod roles;
mod sections;
mod sms;
mod told;
mod watching;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use door::*;
pub use identity::*;
pub use mail::*;
pub use origin::Origin;
pub use reach::*;
pub use roles::*;
pub use sections::*;
pub use sms::*;
pub use watching::*;

/// The commented defaults. They are the documentation and the lowest layer at once.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// What `sentinela demo` changes of them.
const DEMO: &str = include_str!("../config/demo.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    /// What this process does.
    pub roles: Roles,
    /// As configured; what it is called is [`Config::node`].
    pub node: String,
    pub http: Http,
    pub mqtt: Mqtt,
    pub database: Database,
    /// What other institutions publish.
    pub feeds: Vec<crate::feeds::Feed>,
    /// Warnings that people bring by hand.
    pub warnings: crate::feeds::warnings::trust::ByHand,
    pub ingest: Ingest,
    pub engine: Engine,
    pub alerts: Alerts,
    pub exercises: Exercises,
    pub handover: Handover,
    pub health: crate::stations::health::Limits,
    pub morning: Morning,
    pub dispatch: Dispatch,
    pub endpoints: Endpoints,
    pub sirens: Sirens,
    pub rota: Rotas,
    pub situation: Situation,
    pub signup: Signup,
    pub sms: Sms,
    pub mail: Mail,
    pub outbound: Outbound,
    pub municipality: Municipality,
    pub keys: Keys,
    pub signing: Signing,
    pub accounts: Accounts,
    pub oidc: Oidc,
    pub log: Log,
    pub heartbeat: Heartbeat,
    pub telemetry: Telemetry,
    pub privacy: Privacy,
    pub history: History,
    pub reports: Reports,
    pub secretariat: Secretariat,
    pub shutdown: Shutdown,
    pub demo: Demo,
    /// Where all this came from.
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Where and why, without what stands there.
    #[error("cannot read the configuration: {0}")]
    Read(String),
    /// A key that is unknown, missing, or of the wrong type.
    #[error("configuration key `{key}`: {message}")]
    Key { key: String, message: String },
    /// Keys that are well-formed each but do not make sense: all of them at once.
    #[error("{}", .0.join("\n"))]
    Check(Vec<String>),
}

/// The keys that hold lists of texts.
const LISTS: &[&str] = &[
    "alerts.automatic_levels",
    "alerts.two_person_kinds",
    "exercises.testers",
    "http.metrics_from",
    "http.trusted_proxies",
    "oidc.accepted_acr",
    "oidc.accepted_amr",
    "oidc.roles",
    "oidc.scopes",
    "outbound.allow",
    "roles",
    "warnings.certificates",
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
        let merged = layers.add_source(environment).build().map_err(|error| told::unreadable(&error))?;
        let whole: serde_json::Value = merged.clone().try_deserialize().map_err(|error| told::unreadable(&error))?;
        let origin = Origin::new(file, texts.len() > 1, &whole);
        let parsed: Self = serde_path_to_error::deserialize(merged)
            .map_err(|error| told::wrong_key(error.path(), &error.inner().to_string(), &whole))?;
        Self { origin, ..parsed }.check()
    }

    /// The same layers as they are now.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn reread(&self) -> Result<Self, ConfigError> {
        let file = self.origin.file.as_deref();
        if self.origin.is_demo { Self::load_demo(file) } else { Self::load(file) }
    }

    /// The keys that another reading says otherwise. What lies behind a reference is not looked at.
    pub fn changed(&self, other: &Self) -> Vec<String> {
        self.origin.changed(&other.origin)
    }

    /// Numbers that mean nothing at zero, by their keys.
    const fn counts(&self) -> [(&'static str, usize); 15] {
        [
            ("http.max_upload_bytes", self.http.max_upload_bytes),
            ("ingest.queue_readings", self.ingest.queue_readings),
            ("ingest.batch_readings", self.ingest.batch_readings),
            ("ingest.device_burst", self.ingest.device_burst as usize),
            ("dispatch.claim_rows", self.dispatch.claim_rows as usize),
            ("dispatch.lease_s", self.dispatch.lease_s as usize),
            ("endpoints.disable_after_h", self.endpoints.disable_after_h as usize),
            ("rota.feed_every_min", self.rota.feed_every_min as usize),
            ("signup.sms_per_minute", self.signup.sms_per_minute as usize),
            ("signup.sms_per_day", self.signup.sms_per_day as usize),
            ("mail.concurrency", self.mail.concurrency as usize),
            ("mail.messages_per_second", self.mail.messages_per_second as usize),
            ("database.max_connections", self.database.max_connections as usize),
            ("accounts.session_idle_min", self.accounts.session_idle_min as usize),
            ("accounts.session_hours", self.accounts.session_hours as usize),
        ]
    }

    fn check(self) -> Result<Self, ConfigError> {
        let mut wrong = Vec::new();
        let mut expect = |good: bool, key: &str, value: &str, expected: &str| {
            if !good {
                wrong.push(format!("configuration key `{key}`: {value:?} is wrong; expected {expected}"));
            }
        };
        self.check_node(&mut expect);
        self.http.check(&mut expect);
        self.oidc.check(&mut expect);
        self.mqtt.check(&mut expect);
        self.ingest.check(&mut expect);
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
        self.mail.check(&mut expect);
        let proxy = &self.outbound.proxy;
        // It may hold a name and a password before an `@`.
        let shown = if proxy.contains('@') { "***" } else { proxy.as_str() };
        expect(proxy.is_empty() || proxy.starts_with("http"), "outbound.proxy", shown, "http://host:port, or empty");
        let months = self.history.raw_months;
        expect(months == 0 || months >= 12, "history.raw_months", &months.to_string(), "0 (for ever), or 12 and more");
        self.alerts.check(&mut expect);
        self.exercises.check(&mut expect);
        self.handover.check(&mut expect);
        self.sirens.check(&mut expect);
        self.situation.check(&mut expect);
        self.signup.check(&mut expect);
        self.secretariat.check(&mut expect);
        for (key, value) in self.counts() {
            expect(value > 0, key, &value.to_string(), "a number above zero");
        }
        let days = self.privacy.maintenance_task_days;
        expect(days >= 366, "privacy.maintenance_task_days", &days.to_string(), "366 or more");
        let by_hand = &self.warnings;
        expect(
            !by_hand.require_signature || !by_hand.certificates.is_empty(),
            "warnings.require_signature",
            "true",
            "`warnings.certificates` beside it: without them nothing would ever be let in",
        );
        for (index, feed) in self.feeds.iter().enumerate() {
            let twice = self.feeds[..index].iter().any(|other| other.name == feed.name);
            let problem = feed.problem().or(twice.then_some("a name of its own"));
            expect(problem.is_none(), &format!("feeds[{index}]"), &feed.name, problem.unwrap_or_default());
        }
        self.sms.check(&mut expect);
        self.heartbeat.check(&mut expect);
        self.telemetry.check(&mut expect);
        if let Some((key, value, expected)) = self.health.problem() {
            expect(false, key, &value.to_string(), expected);
        }
        if wrong.is_empty() { Ok(self) } else { Err(ConfigError::Check(wrong)) }
    }

    /// What this process is called among those that share the database: `node`, or the host's name.
    pub fn node(&self) -> String {
        if !self.node.is_empty() {
            return self.node.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        host.trim().to_owned()
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::accounts::Role;

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
    fn a_process_has_all_roles_unless_others_share_its_database() {
        assert!(with(&[]).unwrap().roles.are_all());
        let url = ("SENTINELA__DATABASE__URL", "postgres://db/sentinela");
        let some = with(&[url, ("SENTINELA__ROLES", "web,ingest")]).unwrap();
        assert_eq!(some.roles.to_string(), "ingest, web");
        assert_eq!(with(&[url, ("SENTINELA__ROLES", "dispatch")]).unwrap().roles.to_string(), "dispatch");
        for (pairs, named) in [
            (&[("SENTINELA__ROLES", "web")][..], "`database.url`"),
            (&[url, ("SENTINELA__ROLES", "judge")], "\"judge\" is unknown"),
            (&[url, ("SENTINELA__ROLES", "")], "without a role"),
            (&[("SENTINELA__NODE", "a b")], "`node`"),
        ] {
            let message = with(pairs).unwrap_err().to_string();
            assert!(message.contains("roles") || message.contains("node"), "{message}");
            assert!(message.contains(named), "{message}");
        }
        assert_eq!(with(&[("SENTINELA__NODE", "no-1")]).unwrap().node(), "no-1");
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
    fn a_broker_is_spoken_to_in_a_known_version_and_shared_only_where_that_is_possible() {
        let broker = |lines: &str| {
            let text = format!("[[mqtt.external]]\nname = 'x'\nurl = 'mqtt://x'\ntopics = ['a']\n{lines}");
            let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
            Config::stacked(&[DEFAULTS, &text], None, nothing)
        };
        let version = |lines: &str| broker(lines).unwrap().mqtt.external[0].protocol;
        assert_eq!([version(""), version("protocol = '5'"), version("protocol = 5")], [Protocol::V5; 3]);
        assert_eq!(version("protocol = '3.1.1'"), Protocol::V311);
        let message = broker("protocol = '4'").unwrap_err().to_string();
        assert!(message.contains("mqtt.external[0].protocol") && message.contains("\"3.1.1\""), "{message}");
        assert!(broker("share_group = 'g'").is_ok());
        assert!(broker("share_group = 'g'\nprotocol = '3.1.1'\nshare_over_311 = true").is_ok());
        let message = broker("share_group = 'g'\nprotocol = '3.1.1'").unwrap_err().to_string();
        assert!(message.contains("`mqtt.external[0].share_group`"), "{message}");
    }

    fn with_file(text: &str) -> Result<Config, ConfigError> {
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
        Config::stacked(&[DEFAULTS, text], None, nothing)
    }

    #[test]
    fn an_automatic_policy_without_its_place_in_the_plan_is_refused() {
        let policy = |lines: &str| with_file(&format!("[[alerts.policies]]\nname = 'encosta'\n{lines}"));
        let message = policy("approvals = 'automatic'").unwrap_err().to_string();
        assert!(message.contains("`alerts.policies[0].plancon`") && message.contains("contingency plan"), "{message}");
        let good =
            policy("approvals = 'automatic'\nplancon = 'PLANCON 4.2'\nhazards = ['1.1.3.2.1']\nlevels = ['maximum']");
        assert_eq!(good.unwrap().alerts.all_policies().len(), 1);
        for (lines, key) in [
            ("approvals = 'automatic'\nplancon = 'x'\nkinds = ['all_clear']", "alerts.policies[0].kinds"),
            ("approvals = 'three'", "alerts.policies[0].approvals"),
            ("approvals = 'two'\nhazards = ['9']", "alerts.policies[0].hazards"),
            ("approvals = 'two'\nlevel = 'x'", "level"),
        ] {
            let message = policy(lines).unwrap_err().to_string();
            assert!(message.contains(key), "{lines}: {message}");
        }
    }

    #[test]
    fn the_key_of_before_there_were_policies_says_what_to_write_instead() {
        let message = with_file("[alerts]\nautomatic_levels = ['maximum']").unwrap_err().to_string();
        assert!(message.contains("`alerts.automatic_levels`") && message.contains("[[alerts.policies]]"), "{message}");
        let two = with(&[("SENTINELA__ALERTS__TWO_PERSON_FROM", "maximum")]).unwrap().alerts.all_policies();
        assert_eq!(two[0].levels, [crate::units::Level::Maximum]);
    }

    #[test]
    fn a_plan_of_pages_is_checked_step_by_step() {
        let step = |lines: &str| with_file(&format!("[[alerts.escalation]]\n{lines}"));
        let good = step("after_min = 5\nroles = ['coordinator']\nchannels = ['sms', 'email']").unwrap();
        assert_eq!(good.alerts.escalation.len(), 1);
        for (lines, key) in [
            ("after_min = 5\nchannels = ['sms']", "alerts.escalation[0].roles"),
            ("after_min = 5\nroles = ['king']\nchannels = ['sms']", "king"),
            ("after_min = 5\nusernames = ['ana']\nchannels = []", "alerts.escalation[0].channels"),
            ("after_min = 5\nusernames = ['Ana!']\nchannels = ['sms']", "alerts.escalation[0].usernames"),
            (
                "after_min = 5\nroles = ['viewer']\nchannels = ['sms']\n[[alerts.escalation]]\nafter_min = 4\n\
                 roles = ['viewer']\nchannels = ['sms']",
                "alerts.escalation[1].after_min",
            ),
        ] {
            let message = step(lines).unwrap_err().to_string();
            assert!(message.contains(key), "{lines}: {message}");
        }
    }

    #[test]
    fn the_sender_must_fit_cap() {
        let message = with(&[("SENTINELA__MUNICIPALITY__SENDER", "a b")]).unwrap_err().to_string();
        assert!(message.contains("`municipality.sender`"), "{message}");
    }
}
