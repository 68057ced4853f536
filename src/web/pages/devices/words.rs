//! What both pages say of a device, and how it publishes.

use crate::app::App;
use crate::fleet::{Contact, Report};
use crate::stations::desk::DeviceError;
use crate::stations::{Device, DeviceCertificate};
use crate::web::error::ApiError;
use crate::web::pages::view::View;

/// How a device publishes, as commands that can be copied.
pub(super) struct Example {
    pub mqtt: String,
    /// Empty when the endpoint speaks no TLS.
    pub tls: String,
    pub http: String,
}

/// The sentence for people; `Err` for what is no refusal but a failure. `taken` is the text of a conflict.
pub(super) fn sentence(v: &View, error: DeviceError, taken: &str) -> Result<String, ApiError> {
    let key = match &error {
        DeviceError::Wrong { field: "code", .. } => "device-wrong-code",
        DeviceError::Wrong { field: "station", .. } => "device-wrong-station",
        DeviceError::Wrong { field: "grace_s", .. } => "device-wrong-grace",
        DeviceError::Wrong { field: "profile", .. } => "device-wrong-profile",
        DeviceError::Wrong { field: "hardware_id", .. } => "device-wrong-hardware",
        DeviceError::Wrong { field: "certificate", .. } => "device-wrong-certificate",
        DeviceError::NotFound(_) => "device-moved",
        DeviceError::Conflict(_) => taken,
        _ => return Err(error.into()),
    };
    Ok(v.t(key))
}

pub(super) fn is_live(v: &View, certificate: &DeviceCertificate) -> bool {
    certificate.revoked_at.is_none() && certificate.not_after > v.now
}

pub(super) fn example(app: &App, v: &View, code: &str, stream: &str, unit: &str) -> Example {
    let site = app.config.public_url();
    let parsed = url::Url::parse(&site).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or("127.0.0.1");
    let port = |listen: &str| listen.rsplit_once(':').map(|(_, port)| port.to_owned());
    let at = v.now.format("%Y-%m-%dT%H:%M:00Z");
    let payload = format!(r#"{{"id":"1","readings":[{{"stream":"{stream}","at":"{at}","value":0,"unit":"{unit}"}}]}}"#);
    let (plain, tls) = (port(&app.config.mqtt.listen), port(&app.config.mqtt.tls_listen));
    let publish = |options: String| {
        format!("mosquitto_pub -h {host} {options} -q 1 \\\n  -t v1/devices/{code}/readings \\\n  -m '{payload}'")
    };
    Example {
        mqtt: publish(format!("-p {} -u {code} -P SECRET", plain.as_deref().unwrap_or("1883"))),
        tls: tls
            .map(|port| publish(format!("-p {port} --cafile ca.pem --cert device.pem --key device.key")))
            .unwrap_or_default(),
        http: format!(
            "curl -X POST {}/api/v1/readings \\\n  -H 'Authorization: Bearer {code}.SECRET' \\\n  -H 'Content-Type: application/json' \\\n  -d '{payload}'",
            site.trim_end_matches('/')
        ),
    }
}

/// Class and word of the tag that tells how a device stands.
pub(super) fn device_state(v: &View, device: &Device) -> (&'static str, String) {
    let contact = Contact::of(device, v.now);
    let class = match contact {
        Contact::Connected | Contact::Heard => "good",
        Contact::Revoked => "bad",
        Contact::Disconnected | Contact::Quiet | Contact::NeverHeard => "wait",
    };
    (class, v.word("device-state", contact.as_str()))
}

/// How far a device is with a new secret; empty when it has one only.
pub(super) fn rotation(v: &View, device: &Device) -> String {
    match (device.has_previous, device.previous_ends_at) {
        (false, _) => String::new(),
        (true, None) => v.t("device-previous-waits"),
        (true, Some(at)) if at <= v.now => v.t1("device-previous-ended", "at", v.when(at)),
        (true, Some(at)) => v.t1("device-previous-ends", "at", v.when(at)),
    }
}

/// How far the device's clock is off, in words; nothing when that is not known.
pub(super) fn clock_words(v: &View, report: &Report) -> String {
    match report.clock_offset_ms {
        None => "–".to_owned(),
        Some(offset) if offset.abs() < 2000 => v.t("fleet-clock-right"),
        Some(offset) if offset > 0 => v.t1("fleet-clock-behind", "s", v.count(offset / 1000)),
        Some(offset) => v.t1("fleet-clock-ahead", "s", v.count(-offset / 1000)),
    }
}

/// Class and words of a battery's tag.
pub(super) fn battery_words(v: &View, report: &Report) -> Option<(&'static str, String)> {
    let pct = report.battery_pct?;
    let (class, word) = if pct < crate::fleet::LOW_BATTERY_PCT { ("bad", "low") } else { ("good", "good") };
    Some((class, format!("{} % · {}", v.decimal(pct.round()), v.word("fleet-battery", word))))
}
