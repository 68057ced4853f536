//! What a technician needs to set a device up, as one line and as a QR code on a label.
//!
//! `sentinela://provision?v=1&host=…&port=1883&tls=0&device=…&secret=…&readings=v1/devices/…/readings&…`

use qrcode::QrCode;
use qrcode::render::svg;

use crate::config::Config;

/// How devices reach the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub host: String,
    pub port: u16,
    pub tls: bool,
}

impl Reach {
    /// The public name of the service, and the port of TLS where that is spoken. `None` when no device is listened to.
    pub fn of(config: &Config) -> Option<Self> {
        let port = |listen: &str| listen.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let (plain, tls) = (port(&config.mqtt.listen), port(&config.mqtt.tls_listen));
        let site = url::Url::parse(&config.public_url()).ok();
        let host = site.as_ref().and_then(url::Url::host_str).unwrap_or("127.0.0.1").to_owned();
        Some(Self { host, port: tls.or(plain)?, tls: tls.is_some() })
    }
}

/// The line that the QR code holds.
pub fn uri(reach: Option<&Reach>, code: &str, secret: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("v", "1");
    if let Some(reach) = reach {
        query.append_pair("host", &reach.host);
        query.append_pair("port", &reach.port.to_string());
        query.append_pair("tls", if reach.tls { "1" } else { "0" });
    }
    query.append_pair("device", code).append_pair("secret", secret);
    for topic in ["readings", "status", "commands"] {
        query.append_pair(topic, &format!("v1/devices/{code}/{topic}"));
    }
    format!("sentinela://provision?{}", query.finish())
}

/// As an `<svg>` element, dark on white in every theme, because cameras want it so. Empty for what no QR code holds.
pub fn picture(uri: &str) -> String {
    let Ok(code) = QrCode::new(uri.as_bytes()) else { return String::new() };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(180, 180).build();
    drawn.find("<svg").map_or(String::new(), |start| drawn[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_holds_all_that_a_device_needs() {
        let reach = Reach { host: "mqtt.example.org".into(), port: 8883, tls: true };
        let line = uri(Some(&reach), "PCD:01", "s&cret");
        let parsed = url::Url::parse(&line).unwrap();
        assert_eq!((parsed.scheme(), parsed.host_str()), ("sentinela", Some("provision")));
        let pairs: std::collections::HashMap<_, _> = parsed.query_pairs().into_owned().collect();
        for (key, value) in [
            ("v", "1"),
            ("host", "mqtt.example.org"),
            ("port", "8883"),
            ("tls", "1"),
            ("device", "PCD:01"),
            ("secret", "s&cret"),
            ("readings", "v1/devices/PCD:01/readings"),
            ("commands", "v1/devices/PCD:01/commands"),
        ] {
            assert_eq!(pairs[key], value, "{line}");
        }
        assert!(picture(&line).starts_with("<svg"));
        assert!(!uri(None, "A", "b").contains("host"));
    }

    #[test]
    fn the_longest_line_still_fits_a_code() {
        let reach = Reach { host: "h".repeat(253), port: 8883, tls: true };
        assert!(picture(&uri(Some(&reach), &"C".repeat(64), &"s".repeat(128))).starts_with("<svg"));
    }
}
