//! What an endpoint of each kind is told by, read at the edge and trusted inside. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::Kind;
use crate::dispatch::channels::template;
use crate::refused::Refused;
use crate::sirens::{DURATION_S, Pattern};
use crate::stations::is_code;
use crate::units::vocabulary;

/// Characters of an address.
const MAX_URL: usize = 2000;
/// Characters of the body of a template, and how many headers it has.
const MAX_BODY: usize = 8000;
const MAX_HEADERS: usize = 20;

/// By kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Settings {
    Webhook(Webhook),
    Siren(Siren),
    Chat(Chat),
}

vocabulary! {
    /// What a webhook may hear of beside alerts. Texts are `endpoint-topic-TOPIC`.
    Topic, "kind of events" {
        Incidents = "incidents",
        Occurrences = "occurrences",
    }
}

/// Where messages are posted to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    /// What it hears of beside alerts; empty: of those alone.
    #[serde(default)]
    pub events: Vec<Topic>,
}

/// A device with a siren.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Siren {
    /// Code of the device.
    pub device: String,
    #[serde(default = "wail")]
    pub pattern: Pattern,
    #[serde(default = "minute")]
    pub duration_s: u32,
    /// Whether an alert alone makes it sound.
    #[serde(default)]
    pub automatic: bool,
    /// Where the contingency plan says so; automatic does not go without.
    #[serde(default)]
    pub plancon: String,
}

const fn wail() -> Pattern {
    Pattern::Wail
}

const fn minute() -> u32 {
    60
}

/// A request by template: `{to}`, `{text}`, `{reference}` and `{secret}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// POST or GET.
    #[serde(default = "post")]
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    /// The room or channel, as the other side names it.
    #[serde(default)]
    pub to: String,
    /// What an answer of 200 to 299 must hold to be a success; empty: nothing.
    #[serde(default)]
    pub success_contains: String,
}

fn post() -> String {
    "POST".into()
}

impl Settings {
    /// Reads what was given for a kind.
    ///
    /// # Errors
    /// `Wrong` names the field of `settings`.
    pub fn read(kind: Kind, given: &Value) -> Result<Self, Refused> {
        match kind {
            Kind::Webhook => {
                let mut settings: Webhook = of(given)?;
                check_url(&settings.url)?;
                settings.events.sort_unstable();
                settings.events.dedup();
                Ok(Self::Webhook(settings))
            }
            Kind::Siren => {
                let settings: Siren = of(given)?;
                check_siren(&settings)?;
                Ok(Self::Siren(settings))
            }
            Kind::Chat => {
                let settings: Chat = of(given)?;
                check_chat(&settings)?;
                Ok(Self::Chat(settings))
            }
        }
    }

    pub const fn kind(&self) -> Kind {
        match self {
            Self::Webhook(_) => Kind::Webhook,
            Self::Siren(_) => Kind::Siren,
            Self::Chat(_) => Kind::Chat,
        }
    }

    /// The host that is asked, or the device: enough to recognise it by.
    pub fn target(&self) -> String {
        match self {
            Self::Webhook(webhook) => host(&webhook.url),
            Self::Siren(siren) => siren.device.clone(),
            Self::Chat(chat) => host(&chat.url),
        }
    }
}

fn of<T: serde::de::DeserializeOwned>(given: &Value) -> Result<T, Refused> {
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "settings".to_owned() } else { format!("settings.{path}") };
        let value = given.pointer(&format!("/{}", path.replace('.', "/"))).map(Value::to_string).unwrap_or_default();
        Refused::wrong(field, value, error.inner().to_string())
    })
}

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn check_url(text: &str) -> Result<(), Refused> {
    let wrong = |why: &str| Err(Refused::wrong("settings.url", text, why));
    if text.len() > MAX_URL {
        return wrong("expected at most 2,000 characters");
    }
    let Ok(url) = Url::parse(text) else { return wrong("expected an address such as https://example.org/alerts") };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("expected an address that begins with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("expected no user name and no password in it; what is secret has a field of its own");
    }
    Ok(())
}

fn check_siren(siren: &Siren) -> Result<(), Refused> {
    if !is_code(&siren.device) {
        return Err(Refused::wrong("settings.device", &siren.device, "expected the code of a device"));
    }
    if !DURATION_S.contains(&siren.duration_s) {
        let expected = format!("expected {} to {} seconds", DURATION_S.start(), DURATION_S.end());
        return Err(Refused::wrong("settings.duration_s", siren.duration_s, expected));
    }
    let plan = siren.plancon.trim();
    if siren.automatic && plan.is_empty() {
        let expected = "expected the place in the contingency plan that lets it sound without a person";
        return Err(Refused::wrong("settings.plancon", plan, expected));
    }
    if plan.chars().count() > 120 || plan.contains(char::is_control) {
        return Err(Refused::wrong("settings.plancon", plan, "expected at most 120 characters in one line"));
    }
    Ok(())
}

fn check_chat(chat: &Chat) -> Result<(), Refused> {
    if !matches!(chat.method.as_str(), "POST" | "GET") {
        return Err(Refused::wrong("settings.method", &chat.method, "expected POST or GET"));
    }
    if chat.body.chars().count() > MAX_BODY {
        return Err(Refused::wrong("settings.body", "", format!("expected at most {MAX_BODY} characters")));
    }
    if chat.headers.len() > MAX_HEADERS {
        return Err(Refused::wrong("settings.headers", chat.headers.len(), "expected at most 20"));
    }
    for (field, text) in [("settings.to", &chat.to), ("settings.success_contains", &chat.success_contains)] {
        if text.chars().count() > 200 || text.contains(char::is_control) {
            return Err(Refused::wrong(field, text, "expected at most 200 characters in one line"));
        }
    }
    let parts = [("settings.url", &chat.url), ("settings.body", &chat.body)];
    let headers = chat.headers.values().map(|value| ("settings.headers", value));
    for (field, text) in parts.into_iter().chain(headers) {
        template::check(text).map_err(|why| Refused::wrong(field, text, why))?;
    }
    for (name, value) in &chat.headers {
        let good = axum::http::HeaderName::from_bytes(name.as_bytes()).is_ok() && !value.contains(char::is_control);
        if !good || value.len() > MAX_URL {
            return Err(Refused::wrong("settings.headers", name, "expected names and values of HTTP headers"));
        }
    }
    // Filled in, it must still be an address of the same host: nothing that is filled in may choose it.
    let filled = |word: &str| {
        let values = template::Values { to: word, text: word, reference: word, secret: word };
        template::fill(&chat.url, &values, template::Escape::Url)
    };
    check_url(&filled("1"))?;
    if host(&filled("1")) != host(&filled("2")) {
        return Err(Refused::wrong("settings.url", &chat.url, "expected a host without placeholders"));
    }
    if !format!("{}{}{}", chat.url, chat.body, chat.headers.values().cloned().collect::<String>()).contains("{text}") {
        return Err(Refused::wrong("settings.body", "", "expected {text} in the address, a header or the body"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(kind: Kind, given: &Value) -> String {
        let Err(Refused::Wrong { field, .. }) = Settings::read(kind, given) else { panic!("{given} was taken") };
        field
    }

    #[test]
    fn every_kind_is_read_and_told_apart() {
        let webhook = Settings::read(Kind::Webhook, &json!({"url": "https://a.example.org/x"})).unwrap();
        assert_eq!((webhook.kind(), webhook.target().as_str()), (Kind::Webhook, "a.example.org"));
        let siren = json!({"device": "SIRENE-1", "automatic": true, "plancon": "PLANCON 2026, 5.1"});
        let Settings::Siren(siren) = Settings::read(Kind::Siren, &siren).unwrap() else { panic!() };
        assert_eq!((siren.pattern, siren.duration_s), (Pattern::Wail, 60));
        let chat = json!({"url": "https://api.telegram.org/bot{secret}/sendMessage", "to": "@defesacivil",
            "headers": {"content-type": "application/json"}, "body": "{\"chat_id\": \"{to}\", \"text\": \"{text}\"}"});
        assert_eq!(Settings::read(Kind::Chat, &chat).unwrap().target(), "api.telegram.org");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        assert_eq!(wrong(Kind::Webhook, &json!({"url": "ftp://x"})), "settings.url");
        assert_eq!(wrong(Kind::Webhook, &json!({"url": "https://a:b@x/"})), "settings.url");
        assert_eq!(wrong(Kind::Webhook, &json!({"url": "https://x/", "uri": 1})), "settings.uri");
        let events = json!({"url": "https://x/", "events": ["incidents", "people"]});
        assert_eq!(wrong(Kind::Webhook, &events), "settings.events[1]");
        assert_eq!(wrong(Kind::Siren, &json!({"device": "S", "duration_s": 9999})), "settings.duration_s");
        assert_eq!(wrong(Kind::Siren, &json!({"device": "S", "automatic": true})), "settings.plancon");
        assert_eq!(wrong(Kind::Siren, &json!({"device": "a b"})), "settings.device");
        let chat = |url: &str, body: &str| json!({"url": url, "body": body});
        assert_eq!(wrong(Kind::Chat, &chat("https://{to}.example.org/", "{text}")), "settings.url");
        assert_eq!(wrong(Kind::Chat, &chat("https://example.org/", "{words}")), "settings.body");
        assert_eq!(wrong(Kind::Chat, &chat("https://example.org/", "hello")), "settings.body");
    }
}
