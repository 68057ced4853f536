//! What a device says of itself: on its status topic, or through its network server.
//!
//! Beside the plain forms ("online", "offline", "0", anything else) an object is read:
//! `{"state":"online","at":"2026-02-22T12:00:00Z","firmware":"1.4.2","battery_pct":83,"signal_dbm":-91,"interval_s":600}`, of a siren also `"siren":"armed"`.
//! Each field stands or falls alone; what is missing or null is not known, and other fields are the device's own affair.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Format, Problem};
use crate::clock::Instant;
use crate::units::vocabulary;

/// The largest status message, in bytes.
pub const MAX_BYTES: usize = 4096;
/// The longest name of a firmware, in characters.
pub const MAX_FIRMWARE: usize = 100;

/// What is known from one message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub online: bool,
    /// By the device's own clock.
    pub at: Option<Instant>,
    pub firmware: Option<String>,
    pub battery_pct: Option<f64>,
    pub signal_dbm: Option<f64>,
    pub margin_db: Option<f64>,
    pub interval_s: Option<i32>,
    /// What a siren does.
    pub siren: Option<SirenWord>,
}

vocabulary! {
    /// What a siren says it does.
    SirenWord, "state of a siren" {
        Idle = "idle",
        Armed = "armed",
        Sounding = "sounding",
    }
}

impl Status {
    /// Takes over what a later message knows.
    pub fn join(&mut self, later: Self) {
        self.online = later.online;
        self.at = later.at.or(self.at);
        self.firmware = later.firmware.or(self.firmware.take());
        self.battery_pct = later.battery_pct.or(self.battery_pct);
        self.signal_dbm = later.signal_dbm.or(self.signal_dbm);
        self.margin_db = later.margin_db.or(self.margin_db);
        self.interval_s = later.interval_s.or(self.interval_s);
        self.siren = later.siren.or(self.siren);
    }
}

/// Reads a status message, and what is wrong in it.
pub fn parse(payload: &[u8]) -> (Status, Vec<Problem>) {
    let plain = || Status { online: says_online(payload), ..Status::default() };
    if payload.len() > MAX_BYTES {
        let message = format!("a status has at most {MAX_BYTES} bytes");
        let status = Status { online: true, ..Status::default() };
        return (status, vec![Problem::new("payload", &format!("{} bytes", payload.len()), message)]);
    }
    let Ok(object @ Value::Object(_)) = serde_json::from_slice::<Value>(payload) else { return (plain(), Vec::new()) };
    let mut fields = Fields { object: &object, problems: Vec::new() };
    let status = Status {
        online: fields.online().unwrap_or_else(|| says_online(payload)),
        at: fields.instant("at"),
        firmware: fields.firmware(),
        battery_pct: fields.number("battery_pct", 0.0, 100.0),
        signal_dbm: fields.number("signal_dbm", -200.0, 50.0),
        margin_db: fields.number("margin_db", -64.0, 64.0),
        interval_s: fields.number("interval_s", 1.0, 604_800.0).map(|seconds| seconds.round() as i32),
        siren: fields.siren(),
    };
    (status, fields.problems)
}

/// "offline", "0", false or {"online":false} in any spelling mean gone; whatever else a device says, it lives.
fn says_online(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload).to_lowercase();
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    !(text.contains("offline") || text.contains("\"online\":false") || text == "0" || text == "false")
}

struct Fields<'a> {
    object: &'a Value,
    problems: Vec<Problem>,
}

impl Fields<'_> {
    fn given(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, key: &str, value: &Value, expected: String) -> Option<T> {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.problems.push(Problem::new(key, &shown, expected));
        None
    }

    fn online(&self) -> Option<bool> {
        match self.given("state").and_then(Value::as_str)? {
            "online" => Some(true),
            "offline" => Some(false),
            _ => None,
        }
    }

    fn number(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let value = self.given(key)?.clone();
        match value.as_f64() {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => self.wrong(key, &value, format!("expected a number from {least} to {most}")),
        }
    }

    fn instant(&mut self, key: &str) -> Option<Instant> {
        let value = self.given(key)?.clone();
        match value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) {
            // PostgreSQL keeps years that a device will not mean.
            Some(at) if (1970..2300).contains(&chrono::Datelike::year(&at)) => Some(at.with_timezone(&Utc)),
            _ => self.wrong(key, &value, "expected an instant with offset (RFC 3339)".into()),
        }
    }

    fn siren(&mut self) -> Option<SirenWord> {
        let value = self.given("siren")?.clone();
        match value.as_str().unwrap_or_default().parse() {
            Ok(word) => Some(word),
            Err(_) => self.wrong("siren", &value, "expected idle, armed or sounding".into()),
        }
    }

    fn firmware(&mut self) -> Option<String> {
        let value = self.given("firmware")?.clone();
        let text = value.as_str().map(str::trim).unwrap_or_default();
        if text.is_empty() || text.chars().count() > MAX_FIRMWARE || text.chars().any(char::is_control) {
            return self.wrong("firmware", &value, format!("expected 1 to {MAX_FIRMWARE} characters"));
        }
        Some(text.to_owned())
    }
}

/// What an event of a LoRaWAN network server tells of the device itself: battery and margin of a ChirpStack status event,
/// the battery The Things Stack last heard of, and the strongest gateway's signal. `None` when it tells nothing.
pub fn of_network(payload: &[u8], format: Format) -> Option<Status> {
    let event: Value = serde_json::from_slice(payload).ok()?;
    let (battery, gateways) = match format {
        Format::Chirpstack => (event.get("batteryLevel"), event.get("rxInfo")),
        Format::Ttn => {
            let uplink = event.get("uplink_message")?;
            (uplink.pointer("/last_battery_percentage/value"), uplink.get("rx_metadata"))
        }
        _ => return None,
    };
    let number = |value: Option<&Value>, least: f64, most: f64| {
        value.and_then(Value::as_f64).filter(|number| (least..=most).contains(number))
    };
    let signals = gateways.and_then(Value::as_array).into_iter().flatten();
    let status = Status {
        online: true,
        battery_pct: number(battery, 0.0, 100.0),
        margin_db: number(event.get("margin"), -64.0, 64.0),
        signal_dbm: signals.filter_map(|gateway| number(gateway.get("rssi"), -200.0, 50.0)).reduce(f64::max),
        ..Status::default()
    };
    let tells = status.battery_pct.is_some() || status.margin_db.is_some() || status.signal_dbm.is_some();
    tells.then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/payloads/");
        std::fs::read(format!("{folder}{name}.json")).unwrap()
    }

    #[test]
    fn a_will_in_any_usual_spelling_means_gone() {
        for gone in ["offline", r#"{"status": "Offline"}"#, r#"{"online" : false}"#, "0", r#"{"state":"offline"}"#] {
            assert!(!parse(gone.as_bytes()).0.online, "{gone}");
        }
        for here in ["online", r#"{"battery":80}"#, "", r#"{"state":"online","firmware":"offline-1"}"#] {
            assert!(parse(here.as_bytes()).0.online, "{here}");
        }
    }

    #[test]
    fn a_whole_status_is_read() {
        let payload = br#"{"state":"online","at":"2026-02-22T09:00:00-03:00","firmware":" 1.4.2 ","battery_pct":83,
            "signal_dbm":-91,"interval_s":600,"colour":"red","margin_db":null,"siren":"armed"}"#;
        let expected = Status {
            online: true,
            at: Some("2026-02-22T12:00:00Z".parse().unwrap()),
            firmware: Some("1.4.2".into()),
            battery_pct: Some(83.0),
            signal_dbm: Some(-91.0),
            margin_db: None,
            interval_s: Some(600),
            siren: Some(SirenWord::Armed),
        };
        assert_eq!(parse(payload), (expected, Vec::new()));
    }

    #[test]
    fn a_wrong_field_is_named_and_takes_nothing_else_with_it() {
        let payload =
            br#"{"at":"yesterday","firmware":7,"battery_pct":183,"signal_dbm":"-91","interval_s":60,"siren":"loud"}"#;
        let (status, problems) = parse(payload);
        assert_eq!(status, Status { online: true, interval_s: Some(60), ..Status::default() });
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["at", "firmware", "battery_pct", "signal_dbm", "siren"]);
        assert_eq!(problems[2].value, "183");
        assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]).1[0].field, "payload");
    }

    #[test]
    fn network_servers_tell_of_battery_margin_and_signal() {
        let status = of_network(&sample("chirpstack_v4_event_status"), Format::Chirpstack).unwrap();
        assert_eq!((status.battery_pct, status.margin_db), (Some(88.3), Some(10.0)));
        let status = of_network(&sample("ttn_v3_uplink_up"), Format::Ttn).unwrap();
        assert_eq!((status.signal_dbm, status.battery_pct), (Some(-35.0), None));
        assert_eq!(of_network(b"{}", Format::Chirpstack), None);
        assert_eq!(of_network(b"x", Format::Ttn), None);
    }
}
