//! What lies elsewhere: SMS providers, the mail server, brokers. Pure; the tries are made by `cli::doctor`.

use super::{Finding, Said};

/// Somebody this service talks to, and how a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// "smpp:a", "http:b", "smtp", "mqtt:c"
    pub name: String,
    /// How far the try went when it went well: "connected", "TLS", "bound".
    pub outcome: Result<&'static str, String>,
}

/// Where a channel has nobody, its messages go nowhere, which is right for a trial and for nothing else.
pub fn channels(has_sms: bool, has_mail: bool) -> Vec<Finding> {
    let missing = [(has_sms, Said::SmsNone), (has_mail, Said::MailNone)];
    missing.into_iter().filter(|(there, _)| !there).map(|(_, said)| Finding::failure(said)).collect()
}

/// Whether somebody outside would notice that this service has fallen silent.
pub const fn heartbeat(is_set: bool) -> Finding {
    if is_set { Finding::fine(Said::BeatFine) } else { Finding::warning(Said::BeatNone) }
}

pub fn peer(peer: &Peer) -> Finding {
    match &peer.outcome {
        Ok(how) => Finding::fine(Said::PeerFine).with("name", &peer.name).with("how", how),
        Err(error) => Finding::failure(Said::PeerWrong).with("name", &peer.name).with("error", error),
    }
}

/// Host and port of an address, with the port its scheme stands for.
pub fn host_and_port(address: &str) -> Option<(String, u16)> {
    let url = url::Url::parse(address).ok()?;
    let usual = match url.scheme() {
        "http" => 80,
        "https" => 443,
        // An address that asks for TLS means the port of submission (RFC 6409).
        "smtp" if url.query_pairs().any(|(key, _)| key == "tls") => 587,
        "smtp" => 25,
        "smtps" => 465,
        "mqtt" | "tcp" => 1883,
        "mqtts" | "ssl" => 8883,
        _ => return None,
    };
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port().unwrap_or(usual)))
}

/// The same address without who signs in, for a try that signs nobody in.
pub fn anonymous(address: &str) -> Option<String> {
    let mut url = url::Url::parse(address).ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_whose_silence_nobody_would_notice_is_told_so() {
        assert_eq!((heartbeat(true).said, heartbeat(false).said), (Said::BeatFine, Said::BeatNone));
    }

    #[test]
    fn an_address_leads_to_its_host_and_port() {
        let to = |address| host_and_port(address);
        assert_eq!(to("smtps://a:b@mail.example"), Some(("mail.example".into(), 465)));
        assert_eq!(to("smtp://mail.example?tls=required"), Some(("mail.example".into(), 587)));
        assert_eq!(to("mqtt://[::1]:1884?x=y"), Some(("::1".into(), 1884)));
        assert_eq!(to("https://sms.example/send/{to}"), Some(("sms.example".into(), 443)));
        assert_eq!(to("ftp://x"), None);
        assert_eq!(to("nothing"), None);
    }

    #[test]
    fn a_try_without_a_probe_takes_no_password_along() {
        assert_eq!(
            anonymous("smtp://a:b@mail.example:587?tls=required").as_deref(),
            Some("smtp://mail.example:587?tls=required")
        );
    }

    #[test]
    fn a_channel_without_anybody_is_told() {
        assert!(channels(true, true).is_empty());
        let said: Vec<Said> = channels(false, false).iter().map(|finding| finding.said).collect();
        assert_eq!(said, [Said::SmsNone, Said::MailNone]);
        let wrong = Peer { name: "smpp:a".into(), outcome: Err("no route".into()) };
        assert_eq!(peer(&wrong).said, Said::PeerWrong);
    }
}
