//! The form of an endpoint: one set of fields, of which each kind shows its own.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoints::desk::Given;
use crate::endpoints::settings::{Settings, Topic};
use crate::endpoints::{Endpoint, Kind, Place};
use crate::refused::Refused;

/// What a form brings; a checkbox that is not ticked brings nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    pub act: String,
    pub kind: String,
    pub revision: String,
    pub name: String,
    pub least_level: String,
    pub hazards: String,
    pub actual: String,
    pub exercise: String,
    pub test: String,
    pub system: String,
    pub lat: String,
    pub lon: String,
    pub reach_m: String,
    pub url: String,
    /// Ticked topics of a webhook.
    pub incidents: String,
    pub occurrences: String,
    pub device: String,
    pub pattern: String,
    pub duration_s: String,
    pub automatic: String,
    pub plancon: String,
    pub method: String,
    /// One header a line: `Name: value`.
    pub headers: String,
    pub body: String,
    pub to: String,
    pub success_contains: String,
    pub secret: String,
    pub grace_h: String,
    pub message: String,
    pub typed: String,
}

fn ticked(on: bool) -> String {
    if on { "yes".into() } else { String::new() }
}

impl Fields {
    /// What an empty form proposes.
    pub fn proposed(kind: Kind) -> Self {
        let chat = kind == Kind::Chat;
        Self {
            kind: kind.to_string(),
            least_level: if kind == Kind::Siren { "maximum" } else { "alert" }.into(),
            actual: ticked(true),
            pattern: "wail".into(),
            duration_s: "60".into(),
            method: "POST".into(),
            headers: if chat { "content-type: application/json".into() } else { String::new() },
            body: if chat { r#"{"chat_id": "{to}", "text": "{text}"}"#.into() } else { String::new() },
            ..Self::default()
        }
    }

    /// The form of an endpoint as it stands.
    pub fn of(endpoint: &Endpoint) -> Self {
        let has = |word: &str| ticked(endpoint.statuses.iter().any(|status| status.as_str() == word));
        let hazards: Vec<String> = endpoint.hazards.iter().map(ToString::to_string).collect();
        let mut fields = Self {
            kind: endpoint.kind.to_string(),
            revision: endpoint.revision.to_string(),
            name: endpoint.name.clone(),
            least_level: endpoint.least_level.to_string(),
            hazards: hazards.join(", "),
            actual: has("actual"),
            exercise: has("exercise"),
            test: has("test"),
            system: has("system"),
            ..Self::default()
        };
        if let Some(place) = endpoint.place {
            (fields.lat, fields.lon) = (place.lat.to_string(), place.lon.to_string());
            fields.reach_m = place.reach_m.to_string();
        }
        match &endpoint.settings {
            Settings::Webhook(webhook) => {
                fields.url.clone_from(&webhook.url);
                fields.incidents = ticked(webhook.events.contains(&Topic::Incidents));
                fields.occurrences = ticked(webhook.events.contains(&Topic::Occurrences));
            }
            Settings::Siren(siren) => {
                fields.device.clone_from(&siren.device);
                fields.pattern = siren.pattern.to_string();
                fields.duration_s = siren.duration_s.to_string();
                fields.automatic = ticked(siren.automatic);
                fields.plancon.clone_from(&siren.plancon);
            }
            Settings::Chat(chat) => {
                let headers: Vec<String> =
                    chat.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                fields.method.clone_from(&chat.method);
                fields.url.clone_from(&chat.url);
                fields.headers = headers.join("\n");
                fields.body.clone_from(&chat.body);
                fields.to.clone_from(&chat.to);
                fields.success_contains.clone_from(&chat.success_contains);
            }
        }
        fields
    }

    /// What the form asks for.
    ///
    /// # Errors
    /// `Wrong` names a field that is no number.
    pub fn wanted(&self, kind: Kind) -> Result<Given, Refused> {
        let statuses =
            [("actual", &self.actual), ("exercise", &self.exercise), ("test", &self.test), ("system", &self.system)];
        Ok(Given {
            name: self.name.clone(),
            settings: self.settings(kind)?,
            place: self.place()?,
            least_level: self.least_level.clone(),
            hazards: listed(&self.hazards),
            statuses: statuses
                .iter()
                .filter(|(_, tick)| !tick.is_empty())
                .map(|(word, _)| (*word).to_owned())
                .collect(),
        })
    }

    fn settings(&self, kind: Kind) -> Result<Value, Refused> {
        Ok(match kind {
            Kind::Webhook => {
                let topics = [(Topic::Incidents, &self.incidents), (Topic::Occurrences, &self.occurrences)];
                let events: Vec<Topic> =
                    topics.into_iter().filter(|(_, tick)| !tick.is_empty()).map(|(topic, _)| topic).collect();
                json!({ "url": self.url.trim(), "events": events })
            }
            Kind::Siren => json!({
                "device": self.device.trim(), "pattern": self.pattern, "automatic": !self.automatic.is_empty(),
                "duration_s": number::<u32>("duration_s", &self.duration_s)?, "plancon": self.plancon.trim(),
            }),
            Kind::Chat => json!({
                "method": self.method, "url": self.url.trim(), "headers": headers(&self.headers)?, "body": self.body,
                "to": self.to.trim(), "success_contains": self.success_contains.trim(),
            }),
        })
    }

    fn place(&self) -> Result<Option<Place>, Refused> {
        if [&self.lat, &self.lon, &self.reach_m].iter().all(|field| field.trim().is_empty()) {
            return Ok(None);
        }
        let (lat, lon) = (number("place.lat", &self.lat)?, number("place.lon", &self.lon)?);
        Ok(Some(Place { lat, lon, reach_m: number("place.reach_m", &self.reach_m)? }))
    }
}

fn listed(text: &str) -> Vec<String> {
    text.split([',', ' ', ';', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Refused> {
    // Decimal commas are what people here write.
    text.trim().replace(',', ".").parse().map_err(|_| Refused::wrong(field, text, "expected a number"))
}

fn headers(text: &str) -> Result<Value, Refused> {
    let mut headers = serde_json::Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Refused::wrong("settings.headers", line, "expected one header a line, `Name: value`"));
        };
        headers.insert(name.trim().to_owned(), value.trim().into());
    }
    Ok(Value::Object(headers))
}
