//! What endpoints are told: JSON for systems, a text with a link for chats. Pure.

use serde_json::{Value, json};

use super::settings::{Chat, Topic};
use crate::alerts::kind::AlertKind;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::dispatch::channels::template::{Escape, Values, fill};
use crate::dispatch::content::{banner, marked};

/// A larger CAP message is told by its address alone, in bytes.
const MAX_XML: usize = 256 * 1024;
/// Most characters of a chat message: Telegram takes 4,096.
const MAX_TEXT: usize = 3500;

/// An issued alert as endpoints need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub status: String,
    pub kind: AlertKind,
    pub level: String,
    pub hazard: Cobrade,
    pub severity: String,
    pub urgency: String,
    pub certainty: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub areas: Vec<String>,
    pub number: String,
    pub identifier: String,
    pub sender: String,
    /// As CAP writes it.
    pub sent: String,
    pub issued_at: Instant,
    pub expires_at: Instant,
    /// Identifier of the message that this one answers.
    pub answers: Option<String>,
    pub xml: String,
}

impl Alert {
    /// The page for people.
    pub fn page(&self, public_url: &str) -> String {
        format!("{public_url}/alerts/{}", self.identifier)
    }

    const fn event(&self) -> &'static str {
        match self.kind {
            AlertKind::Alert => "alert.issued",
            AlertKind::Update => "alert.updated",
            AlertKind::AllClear => "alert.ended",
            AlertKind::Cancel => "alert.cancelled",
        }
    }

    /// The body of a webhook (`type`, `timestamp`, `data`, as Standard Webhooks advises): a summary, links, and the CAP message.
    pub fn webhook(&self, public_url: &str) -> Vec<u8> {
        let page = self.page(public_url);
        let mut data = json!({
            "identifier": self.identifier, "number": self.number, "sender": self.sender, "sent": self.sent,
            "status": self.status, "is_real": self.status == "actual", "kind": self.kind, "level": self.level,
            "hazard": { "cobrade": self.hazard.to_string(), "name": self.hazard.name() },
            "severity": self.severity, "urgency": self.urgency, "certainty": self.certainty,
            "headline": marked(&self.status, &self.headline), "description": self.description,
            "instruction": self.instruction, "areas": self.areas, "expires": written(self.expires_at),
            "answers": self.answers, "cap_url": format!("{page}.xml"), "url": page,
        });
        if let Some(words) = banner(&self.status) {
            data["notice"] = words.into();
        }
        if self.xml.len() <= MAX_XML {
            data["cap_xml"] = self.xml.as_str().into();
        }
        body(self.event(), self.issued_at, &data)
    }

    /// The words of a chat message.
    pub fn text(&self, public_url: &str) -> String {
        let mut parts = vec![marked(&self.status, &self.headline)];
        if matches!(self.kind, AlertKind::AllClear | AlertKind::Cancel) {
            parts.push(self.description.clone());
        }
        parts.push(self.instruction.clone());
        parts.push(self.areas.join(", "));
        let words = parts.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("\n\n");
        let short: String = words.chars().take(MAX_TEXT).collect();
        format!("{short}\n\n{}", self.page(public_url))
    }
}

/// Something that happened to an incident or an occurrence, as it was kept: nothing of people, no address, no exact place.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// `incident.opened`, `occurrence.changed` …
    pub event: String,
    pub at: Instant,
    pub told: Value,
}

impl Happening {
    pub fn is_drill(&self) -> bool {
        self.told["drill"] != Value::Bool(false)
    }

    pub fn is_of(&self, topic: Topic) -> bool {
        match topic {
            Topic::Incidents => self.event.starts_with("incident."),
            Topic::Occurrences => self.event.starts_with("occurrence."),
        }
    }

    /// The same, marked as part of an exercise.
    #[must_use]
    pub fn exercised(mut self) -> Self {
        self.told["drill"] = true.into();
        self
    }

    /// The body of a webhook, with the page of the console.
    pub fn webhook(&self, public_url: &str) -> Vec<u8> {
        let mut data = self.told.clone();
        let page = if self.is_of(Topic::Incidents) { "incidents" } else { "reports" };
        data["url"] = format!("{public_url}/console/{page}/{}", data["id"].as_str().unwrap_or_default()).into();
        data["is_real"] = (!self.is_drill()).into();
        if let Some(code) = data["cobrade"].as_str().and_then(|code| code.parse::<Cobrade>().ok()) {
            data["hazard"] = json!({ "cobrade": code.to_string(), "name": code.name() });
        }
        if self.is_drill() {
            let status = crate::config::AlertStatus::Exercise.as_str();
            if let Some(title) = data["title"].as_str() {
                data["title"] = marked(status, title).into();
            }
            data["notice"] = banner(status).into();
        }
        body(&self.event, self.at, &data)
    }
}

/// What a test of a webhook says.
pub fn test(now: Instant, town: &str) -> Vec<u8> {
    let text = "TESTE. Esta mensagem prova a ligação; não há perigo. / TEST. There is no danger.";
    body("endpoint.test", now, &json!({ "sender": town, "text": text }))
}

/// The words of a test of a chat.
pub fn test_text(town: &str) -> String {
    format!("TESTE: {town} prova este canal; não há perigo. / TEST: there is no danger.")
}

fn body(event: &str, at: Instant, data: &Value) -> Vec<u8> {
    json!({ "type": event, "timestamp": written(at), "data": data }).to_string().into_bytes()
}

fn written(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A request as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What an answer of 200 to 299 must hold; empty: nothing.
    pub success_contains: String,
}

/// The request of a chat's template. `reference`: the same for every try.
pub fn chat(chat: &Chat, text: &str, reference: &str, secret: &str) -> Request {
    let values = Values { to: &chat.to, text, reference, secret };
    let kind = chat.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or("application/json", |(_, value)| value.as_str());
    let has_body = chat.method != "GET" && !chat.body.is_empty();
    let mut headers: Vec<(String, String)> =
        chat.headers.iter().map(|(name, value)| (name.clone(), fill(value, &values, Escape::Header))).collect();
    if has_body && !chat.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".into(), kind.to_owned()));
    }
    Request {
        method: if chat.method == "GET" { "GET" } else { "POST" },
        url: fill(&chat.url, &values, Escape::Url),
        headers,
        body: if has_body { fill(&chat.body, &values, Escape::of_body(kind)).into_bytes() } else { Vec::new() },
        success_contains: chat.success_contains.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::Kind;
    use crate::endpoints::settings::Settings;

    pub(super) fn alert(status: &str) -> Alert {
        Alert {
            status: status.into(),
            kind: AlertKind::Alert,
            level: "maximum".into(),
            hazard: "1.1.3.2.1".parse().unwrap(),
            severity: "Extreme".into(),
            urgency: "Immediate".into(),
            certainty: "Likely".into(),
            headline: "Risco muito alto em Bom Pastor".into(),
            description: "Choveu 90 mm.".into(),
            instruction: "Saia de casa.".into(),
            areas: vec!["Bom Pastor".into()],
            number: "2026/001".into(),
            identifier: "JF-1".into(),
            sender: "defesacivil@jf".into(),
            sent: "2026-02-22T09:00:00-03:00".into(),
            issued_at: Instant::default(),
            expires_at: Instant::default(),
            answers: None,
            xml: "<alert/>".into(),
        }
    }

    #[test]
    fn a_webhook_tells_what_where_until_when_with_links_and_the_cap_message() {
        let told: Value = serde_json::from_slice(&alert("actual").webhook("https://x")).unwrap();
        assert_eq!((&told["type"], &told["timestamp"]), (&json!("alert.issued"), &json!("1970-01-01T00:00:00Z")));
        let data = &told["data"];
        assert_eq!(
            (&data["url"], &data["cap_url"]),
            (&json!("https://x/alerts/JF-1"), &json!("https://x/alerts/JF-1.xml"))
        );
        assert_eq!((&data["cap_xml"], &data["is_real"], data.get("notice")), (&json!("<alert/>"), &json!(true), None));
        let large = Alert { xml: "x".repeat(MAX_XML + 1), ..alert("actual") };
        let told: Value = serde_json::from_slice(&large.webhook("https://x")).unwrap();
        assert_eq!(told["data"].get("cap_xml"), None);
    }

    #[test]
    fn what_is_not_real_says_so_to_systems_and_in_chats() {
        let exercise = alert("exercise");
        let told: Value = serde_json::from_slice(&exercise.webhook("https://x")).unwrap();
        assert_eq!(told["data"]["is_real"], json!(false));
        for said in
            [told["data"]["headline"].as_str(), told["data"]["notice"].as_str(), Some(&exercise.text("https://x"))]
        {
            assert!(said.unwrap().starts_with("EXERCÍCIO - NÃO É REAL"), "{said:?}");
        }
        assert!(test_text("x").starts_with("TESTE"));
    }

    #[test]
    fn an_event_leads_to_its_page_and_says_when_it_is_exercised() {
        let told = json!({"id": "7", "number": "2026/001", "title": "Chuva", "cobrade": "1.1.3.2.1", "drill": false});
        let event = Happening { event: "incident.opened".into(), at: Instant::default(), told };
        let body: Value = serde_json::from_slice(&event.webhook("https://x")).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["url"]),
            (&json!("incident.opened"), &json!("https://x/console/incidents/7"))
        );
        assert_eq!((&body["data"]["is_real"], body["data"].get("notice")), (&json!(true), None));
        let body: Value = serde_json::from_slice(&event.exercised().webhook("https://x")).unwrap();
        assert_eq!(body["data"]["is_real"], json!(false));
        for words in [&body["data"]["title"], &body["data"]["notice"]] {
            assert!(words.as_str().unwrap().starts_with("EXERCÍCIO"), "{words}");
        }
    }

    #[test]
    fn a_chat_template_is_filled_in_by_its_media_type() {
        let given = json!({"url": "https://api.telegram.org/bot{secret}/sendMessage", "to": "@dc",
            "body": "{\"chat_id\": \"{to}\", \"text\": \"{text}\"}", "success_contains": "\"ok\":true"});
        let Settings::Chat(settings) = Settings::read(Kind::Chat, &given).unwrap() else { panic!() };
        let request = chat(&settings, &alert("actual").text("https://x"), "7", "12:ab");
        assert_eq!(request.url, "https://api.telegram.org/bot12%3Aab/sendMessage");
        assert_eq!(request.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body["text"].as_str().unwrap().ends_with("https://x/alerts/JF-1"), "{body}");
    }
}
