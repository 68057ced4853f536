//! Tries to reach whoever this service talks to: a connection, and with `--probe` a session.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpStream, lookup_host};

use crate::config::{Config, Mail, SmppProvider};
use crate::dispatch::channels::{email, smpp};
use crate::doctor::Finding;
use crate::doctor::reach::{self, Peer};

const TIMEOUT: Duration = Duration::from_secs(5);

pub async fn peers(config: &Config, probe: bool) -> Vec<Finding> {
    let sms = !config.sms.smpp.is_empty() || !config.sms.http.is_empty();
    let mut findings = reach::channels(sms, !config.mail.url.is_empty());
    findings.push(reach::heartbeat(!config.heartbeat.url.is_empty()));
    let centres = join_all(config.sms.smpp.iter().map(|centre| at_centre(centre, probe))).await;
    let gateways = config.sms.http.iter().map(|gateway| (format!("http:{}", gateway.name), &*gateway.request.url));
    let brokers = config.mqtt.external.iter().map(|broker| (format!("mqtt:{}", broker.name), &*broker.url));
    let others = join_all(gateways.chain(brokers).map(|(name, address)| at_address(name, address))).await;
    let mail = if config.mail.url.is_empty() { None } else { Some(at_mail(&config.mail, probe).await) };
    findings.extend(centres.iter().chain(&others).chain(&mail).map(reach::peer));
    findings
}

async fn at_centre(centre: &SmppProvider, probe: bool) -> Peer {
    let name = format!("smpp:{}", centre.name);
    let outcome = match connect(&centre.host, centre.port).await {
        Ok(()) if probe => smpp::probe(centre).await.map(|()| "bound"),
        reached => reached.map(|()| "connected"),
    };
    Peer { name, outcome }
}

async fn at_address(name: String, address: &str) -> Peer {
    let outcome = match reach::host_and_port(address) {
        Some((host, port)) => connect(&host, port).await.map(|()| "connected"),
        None => Err("the address has no host".to_owned()),
    };
    Peer { name, outcome }
}

/// With TLS as the address says; signed in only when asked.
async fn at_mail(mail: &Mail, probe: bool) -> Peer {
    let asked = if probe {
        Some(mail.clone())
    } else {
        reach::anonymous(&mail.url).map(|url| Mail { url: url.as_str().into(), ..mail.clone() })
    };
    let outcome = match (asked, reach::host_and_port(&mail.url)) {
        (Some(asked), Some((host, port))) => match connect(&host, port).await {
            Ok(()) => email::probe(&asked).await.map(|()| if probe { "AUTH" } else { "EHLO" }),
            Err(error) => Err(error),
        },
        _ => Err("configuration key `mail.url`: no address".to_owned()),
    };
    Peer { name: "smtp".to_owned(), outcome }
}

async fn connect(host: &str, port: u16) -> Result<(), String> {
    let trying = async {
        let found = lookup_host((host, port)).await.map_err(|error| format!("{host}: {error}"))?;
        let addresses: Vec<std::net::SocketAddr> = found.collect();
        TcpStream::connect(&addresses[..]).await.map(drop).map_err(|error| format!("{host}:{port}: {error}"))
    };
    match tokio::time::timeout(TIMEOUT, trying).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("{host}:{port}: no connection within {TIMEOUT:?}")),
    }
}
