//! Brokers that the service reads from as an MQTT 5 client. The broker has authenticated the device; the topic
//! `v1/devices/{code}/readings` names it. What the broker has not handed over yet is as durable as the broker.
//!
//! Three tasks a broker, so that none waits for another: one polls the network, one decodes and queues in the order of
//! arrival, one awaits the commits in the same order and acknowledges (MQTT 5 section 4.6 asks for that order). Two more tell
//! commands: to devices that are on the broker themselves, and to network servers.
//!
//! A packet identifier means something on its own connection only. Messages carry the epoch of the connection they came
//! over, and an acknowledgement of an older epoch is dropped, for it could acknowledge another message. The broker then
//! sends the message again and the journal finds it a duplicate.

mod courier;
mod downlink;
mod network;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rumqttc::tokio_rustls::rustls;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::decode::{Door, decode, unknown_device};
use super::devices::DeviceEntry;
use super::formats::{Format, status};
use super::presence::HeardBy;
use super::reports::{self, Known, Said};
use super::{Accepted, IngestError, NewReading, Quarantined, Source, topic};
use crate::app::App;
use crate::config::{Config, ExternalBroker};
use crate::fleet::command::parse_ack;
use crate::fleet::downlink::{self as lorawan, Address};
use crate::ids::DeviceId;

/// Messages the broker may have under way to us without an acknowledgement.
const RECEIVE_MAXIMUM: u16 = 512;
/// Requests waiting to be written; more than there can be acknowledgements.
const REQUESTS: usize = 2048;
/// Messages between the network and the decoder. QoS 0 beyond it is dropped and counted; QoS 1 cannot be more.
const INTAKE: usize = 2 * RECEIVE_MAXIMUM as usize;
/// The broker keeps our session and what arrives for it so long.
const SESSION_S: u32 = 24 * 3600;
const RECONNECT_FIRST: Duration = Duration::from_millis(200);
const RECONNECT_MAX: Duration = Duration::from_secs(30);

/// Reads from every configured broker until the service stops.
///
/// # Errors
/// A wrong address, before anything is connected.
pub async fn run(app: App) -> anyhow::Result<()> {
    let mut links = tokio::task::JoinSet::new();
    let mut wanted = Vec::new();
    for (index, broker) in app.config.mqtt.external.iter().enumerate() {
        let options = options(&app.config, broker).with_context(|| {
            format!("configuration key `mqtt.external[{index}].url`: {:?}", without_secret(&broker.url))
        })?;
        for topic in broker.topics.iter().filter(|topic| lorawan::hears_ourselves(topic)) {
            tracing::warn!(
                broker = broker.name,
                topic,
                "this filter matches the service's own downlinks; docs/devices.md"
            );
        }
        wanted.push((broker.clone(), options));
    }
    // A broker sends what it kept for us at once. Before the devices are known, all of that would go to quarantine.
    while let Err(error) = app.ingest.devices().reload(&app.db.ingest).await {
        tracing::warn!(%error, "the devices cannot be read yet; the brokers wait");
        tokio::select! {
            () = app.stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(RECONNECT_FIRST) => {}
        }
    }
    for (broker, options) in wanted {
        links.spawn(link(app.clone(), broker, options));
    }
    while let Some(ended) = links.join_next().await {
        ended.context("a broker's task failed")?;
    }
    Ok(())
}

/// The connection number; whoever acknowledges holds the lock, so that it cannot change in between.
type Epoch = Arc<Mutex<u64>>;

struct Incoming {
    epoch: u64,
    publish: Publish,
}

struct Queued {
    epoch: u64,
    publish: Publish,
    answer: oneshot::Receiver<Result<Accepted, IngestError>>,
    /// Of what the device said of itself.
    said: Option<oneshot::Receiver<Result<Known, IngestError>>>,
}

async fn link(app: App, broker: ExternalBroker, options: MqttOptions) {
    let courier = courier::Courier::beside(&options);
    let (client, events) = AsyncClient::new(options, REQUESTS);
    let (intake, incoming) = mpsc::channel(INTAKE);
    let (queue, queued) = mpsc::channel(INTAKE);
    let (direct, devices) = mpsc::channel(INTAKE);
    let (through, networked) = mpsc::channel(INTAKE);
    let heard = Told { direct, through };
    let epoch = Epoch::default();
    let name = broker.name.clone();
    let poller = Poller { app: app.clone(), broker, client: client.clone(), epoch: Arc::clone(&epoch), intake };
    let tasks = [
        tokio::spawn(poller.run(events)),
        tokio::spawn(take_in(app.clone(), name.clone(), incoming, queue, heard)),
        tokio::spawn(downlink::run(app.clone(), name.clone(), client.clone(), devices)),
        tokio::spawn(network::run(app, name.clone(), courier, networked)),
        tokio::spawn(acknowledge(client, epoch, queued)),
    ];
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(broker = name, %error, "a task of the broker's link failed");
        }
    }
}

struct Poller {
    app: App,
    broker: ExternalBroker,
    client: AsyncClient,
    epoch: Epoch,
    intake: mpsc::Sender<Incoming>,
}

impl Poller {
    async fn run(self, mut events: EventLoop) {
        let mut wait = RECONNECT_FIRST;
        loop {
            let polled = tokio::select! {
                polled = events.poll() => polled,
                () = self.app.stop.cancelled() => return,
            };
            match polled {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    wait = RECONNECT_FIRST;
                    tracing::info!(broker = self.broker.name, "connected");
                    self.subscribe();
                }
                Ok(Event::Incoming(packet)) => self.packet(packet),
                Ok(Event::Outgoing(_)) => {}
                Err(error) => {
                    tracing::warn!(broker = self.broker.name, %error, ?wait, "the broker cannot be reached");
                    metrics::counter!("sentinela_broker_disconnects_total", "broker" => self.broker.name.clone())
                        .increment(1);
                    *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    // Acknowledgements that were queued before the epoch changed are thrown away with this.
                    events.clean();
                    tokio::select! {
                        () = tokio::time::sleep(wait) => wait = (wait * 2).min(RECONNECT_MAX),
                        () = self.app.stop.cancelled() => return,
                    }
                }
            }
        }
    }

    /// After every CONNACK: a broker that lost our session says so at times, and at times not.
    fn subscribe(&self) {
        let group = &self.broker.share_group;
        let filters = self.broker.topics.iter().map(|topic| {
            let path = if group.is_empty() { topic.clone() } else { format!("$share/{group}/{topic}") };
            Filter::new(path, QoS::AtLeastOnce)
        });
        if let Err(error) = self.client.try_subscribe_many(filters) {
            tracing::error!(broker = self.broker.name, %error, "the subscription could not be sent");
        }
    }

    fn packet(&self, packet: Packet) {
        match packet {
            Packet::Publish(publish) => {
                let epoch = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
                if self.intake.try_send(Incoming { epoch, publish }).is_err() {
                    metrics::counter!("sentinela_broker_dropped_total", "broker" => self.broker.name.clone())
                        .increment(1);
                    tracing::warn!(
                        broker = self.broker.name,
                        "more messages than agreed: one was dropped, not acknowledged"
                    );
                }
            }
            Packet::SubAck(answer) => {
                for (topic, code) in self.broker.topics.iter().zip(&answer.return_codes) {
                    if !matches!(code, SubscribeReasonCode::Success(_)) {
                        tracing::error!(broker = self.broker.name, topic, ?code, "the broker refused the subscription");
                        metrics::counter!("sentinela_broker_refused_total", "broker" => self.broker.name.clone())
                            .increment(1);
                    }
                }
            }
            Packet::Disconnect(reason) => {
                tracing::warn!(broker = self.broker.name, reason = ?reason.reason_code, "the broker ended the connection");
            }
            _ => {}
        }
    }
}

/// Whom to tell that a device was heard that can be sent commands.
struct Told {
    direct: mpsc::Sender<downlink::Heard>,
    through: mpsc::Sender<network::Heard>,
}

/// Decodes and queues in the order of arrival.
async fn take_in(
    app: App,
    broker: String,
    mut incoming: mpsc::Receiver<Incoming>,
    queue: mpsc::Sender<Queued>,
    told: Told,
) {
    while let Some(Incoming { epoch, publish }) = incoming.recv().await {
        let understood = understand(&app, &broker, &publish);
        let now = app.clock.now();
        // What the broker kept for new subscribers tells nothing of now.
        if let Some((device, way)) = understood.from.filter(|_| !publish.retain) {
            app.ingest.devices().heard(device, way, now);
        }
        let Ok(answer) = app.ingest.enqueue_when_free(understood.readings, understood.quarantined).await else {
            return;
        };
        let said = match understood.said {
            Some((device, said)) => match app.ingest.reports().enqueue(device.id, said, now).await {
                Ok(said) => Some(said),
                Err(_) => return,
            },
            None => None,
        };
        // A full queue is looked through already; the device is heard again.
        // What the broker kept says nothing of a device that is there now.
        if let Some(here) = understood.heard.filter(|_| !publish.retain) {
            let _ = told.direct.try_send(here);
        }
        if let Some(here) = understood.networked.filter(|_| !publish.retain) {
            let _ = told.through.try_send(here);
        }
        if queue.send(Queued { epoch, publish, answer, said }).await.is_err() {
            return;
        }
    }
}

/// What a message brought.
#[derive(Default)]
struct Understood {
    readings: Vec<NewReading>,
    quarantined: Vec<Quarantined>,
    said: Option<(Arc<DeviceEntry>, Said)>,
    /// Of a device that a command can reach.
    heard: Option<downlink::Heard>,
    /// Of a device that a command reaches through a network server.
    networked: Option<network::Heard>,
    /// Who spoke, and by which way.
    from: Option<(DeviceId, HeardBy)>,
}

impl Understood {
    fn refused(row: Quarantined) -> Self {
        Self { quarantined: vec![row], ..Self::default() }
    }
}

fn understand(app: &App, broker: &str, publish: &Publish) -> Understood {
    let name = String::from_utf8_lossy(&publish.topic);
    let devices = app.ingest.devices();
    let (code, device, kind, format) = match (topic::parse(&name), topic::of_network(&name)) {
        (Some((code, kind)), _) => (code, devices.get(code), kind, None),
        (None, Some((code, format))) => (code, devices.of_network(code), topic::Kind::Readings, Some(format)),
        (None, None) => {
            let mut row = unknown_device(&publish.payload, Source::Broker, "", Some(&name));
            row.device = None;
            row.reason = "the topic names no device; expected v1/devices/{code}/readings, or a network server's".into();
            (row.field, row.value) = ("topic".into(), name.into_owned());
            return Understood::refused(row);
        }
    };
    let Some(device) = device.filter(|device| device.enabled) else {
        return Understood::refused(unknown_device(&publish.payload, Source::Broker, code, Some(&name)));
    };
    let heard =
        format.is_none().then(|| downlink::Heard { code: device.code.clone(), is_new: kind == topic::Kind::Status });
    let from = (device.id, if format.is_none() { HeardBy::Broker } else { HeardBy::Network });
    let mut understood = match kind {
        topic::Kind::Readings => readings(app, device, publish, (broker, &name, format)),
        topic::Kind::Status => status_of(device, publish, &name),
        topic::Kind::Answer => answer_of(device, publish, &name),
    };
    // A will is the broker's word, not the device's.
    let is_gone = matches!(&understood.said, Some((_, Said::Status { status, .. })) if !status.online);
    let speaks = !is_gone && (format.is_none() || topic::is_from_the_air(&name));
    understood.from = speaks.then_some(from);
    understood.heard = heard;
    let address = Address::of(&name).filter(|_| speaks).map(|(address, _)| address);
    understood.networked = address.map(|address| {
        // A device's clock or a server's may be ahead; nothing later than now would ever replace that.
        let now = app.clock.now();
        let at = lorawan::uplink_at(&publish.payload).map_or(now, |at| at.min(now));
        network::Heard { device: from.0, address, at }
    });
    understood
}

fn readings(
    app: &App,
    device: Arc<DeviceEntry>,
    publish: &Publish,
    (broker, name, format): (&str, &str, Option<Format>),
) -> Understood {
    let door = Door {
        source: Source::Broker,
        device: &device,
        topic: Some(name),
        format,
        now: app.clock.now(),
        limits: &app.config.ingest,
        max_bytes: app.config.mqtt.max_payload_bytes as usize,
    };
    let decoded = decode(&publish.payload, &door);
    let status = format.and_then(|format| status::of_network(&publish.payload, format));
    let said = status.map(|status| Said::Status { status, is_direct: false });
    let of_downlink = || {
        let (address, event) = Address::of(name)?;
        let word = lorawan::word(address.server, event, &publish.payload)?;
        Some(Said::Downlink { broker: broker.to_owned(), address, word })
    };
    let said = said.or_else(of_downlink).map(|said| (device, said));
    Understood { readings: decoded.readings, quarantined: decoded.quarantined, said, ..Understood::default() }
}

/// The broker may have kept the message for long, so its clock tells nothing.
fn status_of(device: Arc<DeviceEntry>, publish: &Publish, name: &str) -> Understood {
    let (status, problems) = status::parse(&publish.payload);
    let quarantined = reports::refused(&problems, &publish.payload, (Source::Broker, &device.code, name));
    Understood { quarantined, said: Some((device, Said::Status { status, is_direct: false })), ..Understood::default() }
}

fn answer_of(device: Arc<DeviceEntry>, publish: &Publish, name: &str) -> Understood {
    match parse_ack(&publish.payload) {
        Ok(ack) => Understood { said: Some((device, Said::Answer(ack))), ..Understood::default() },
        Err(problem) => {
            let quarantined = reports::refused(&[problem], &publish.payload, (Source::Broker, &device.code, name));
            Understood { quarantined, ..Understood::default() }
        }
    }
}

/// Awaits the commits in order and acknowledges each, unless its connection is gone.
async fn acknowledge(client: AsyncClient, epoch: Epoch, mut queued: mpsc::Receiver<Queued>) {
    while let Some(Queued { epoch: of, publish, answer, said }) = queued.recv().await {
        let said = match said {
            Some(said) => matches!(said.await, Ok(Ok(_))),
            None => true,
        };
        if !matches!(answer.await, Ok(Ok(_))) || !said {
            continue;
        }
        let current = epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != of {
            metrics::counter!("sentinela_broker_stale_acks_total").increment(1);
        } else if let Err(error) = client.try_ack(&publish) {
            tracing::warn!(%error, "an acknowledgement could not be sent; the broker will send the message again");
        }
    }
}

/// The options of one broker's connection.
fn options(config: &Config, broker: &ExternalBroker) -> anyhow::Result<MqttOptions> {
    let (scheme, rest) = broker.url.split_once("://").context("expected mqtt://host:1883 or mqtts://host:8883")?;
    let tls = match scheme {
        "mqtt" | "tcp" => false,
        "mqtts" | "ssl" => true,
        other => bail!("scheme {other:?} is not supported; expected mqtt or mqtts"),
    };
    let named = rest.contains("client_id=");
    let join = if rest.contains('?') { '&' } else { '?' };
    let id = if named { String::new() } else { format!("{join}client_id={}", client_id(config, broker)) };
    // Parsed as plain, because the parser would load certificates for TLS and panic where there are none.
    let mut options = MqttOptions::parse_url(format!("mqtt://{}{id}", with_port(rest, tls)))?;
    if tls {
        options.set_transport(Transport::tls_with_config(tls_config()?));
    }
    if let Some(login) = options.credentials() {
        options.set_credentials(percent_decoded(&login.username)?, percent_decoded(&login.password)?);
    }
    options
        .set_manual_acks(true)
        .set_clean_start(false)
        .set_keep_alive(Duration::from_secs(30))
        .set_session_expiry_interval(Some(SESSION_S))
        .set_receive_maximum(Some(RECEIVE_MAXIMUM))
        .set_max_packet_size(Some(config.mqtt.max_payload_bytes.saturating_add(1024 * 1024)));
    Ok(options)
}

/// The same after every restart, so that the broker finds our session; another one for another installation.
fn client_id(config: &Config, broker: &ExternalBroker) -> String {
    let place = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let digest = Sha256::digest(format!("{}\0{}", host.trim(), place.display()));
    format!("sentinela-{}-{:02x}{:02x}{:02x}{:02x}", broker.name, digest[0], digest[1], digest[2], digest[3])
}

/// "host" becomes "host:8883" for TLS; a port that is given stays.
fn with_port(rest: &str, tls: bool) -> String {
    let split = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(split);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if has_port || !tls { "" } else { ":8883" };
    format!("{authority}{port}{tail}")
}

fn tls_config() -> anyhow::Result<TlsConfiguration> {
    let mut roots = rustls::RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if good == 0 {
        bail!("mqtts needs the system's certificate authorities, and none were found (package ca-certificates)");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConfiguration::from(config))
}

/// "%40" becomes "@".
fn percent_decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).context("the user or password is not UTF-8")
}

/// For messages: "mqtt://user:secret@host" without what is between `//` and `@`.
fn without_secret(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(from), Some(to)) if from + 3 < to => format!("{}…{}", &url[..from + 3], &url[to..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_has_a_port_of_its_own() {
        assert_eq!(with_port("u:p@broker/x", true), "u:p@broker:8883/x");
        assert_eq!(with_port("broker:99?a=1", true), "broker:99?a=1");
        assert_eq!(with_port("broker", false), "broker");
    }

    #[test]
    fn secrets_may_hold_any_character() {
        assert_eq!(percent_decoded("a%40b%3Ac%zz%").unwrap(), "a@b:c%zz%");
    }

    #[test]
    fn errors_do_not_show_the_secret() {
        assert_eq!(without_secret("mqtt://me:secret@host:1"), "mqtt://…@host:1");
    }
}
