//! Brokers that the service reads from as a client, of MQTT 5 or 3.1.1. The broker has authenticated the device; the topic
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
mod wire;

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::decode::{Door, decode, unknown_device};
use super::devices::DeviceEntry;
use super::formats::{Format, status};
use super::presence::HeardBy;
use super::reports::{self, Known, Said};
use super::{Accepted, IngestError, NewReading, Quarantined, Source, topic};
use crate::app::App;
use crate::config::ExternalBroker;
use crate::failpoint::{self, Place};
use crate::fleet::command::parse_ack;
use crate::fleet::downlink::{self as lorawan, Address};
use crate::ids::DeviceId;
use wire::{Client, Events, Granted, Message, Options, Signal};

/// Messages a broker of MQTT 5 may have under way to us without an acknowledgement. One of 3.1.1 cannot be told.
const RECEIVE_MAXIMUM: u16 = 512;
/// Requests waiting to be written: commands, and as many acknowledgements as there are packet identifiers. One that found no
/// room would stand out until the next connection.
const REQUESTS: usize = 2048 + u16::MAX as usize;
/// Messages between the network and the decoder.
const INTAKE: usize = 2 * RECEIVE_MAXIMUM as usize;
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
        let options = Options::of(&app.config, broker).with_context(|| {
            format!("configuration key `mqtt.external[{index}].url`: {:?}", wire::without_secret(&broker.url))
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
    message: Message,
}

struct Queued {
    epoch: u64,
    message: Message,
    answer: oneshot::Receiver<Result<Accepted, IngestError>>,
    /// Of what the device said of itself.
    said: Option<oneshot::Receiver<Result<Known, IngestError>>>,
}

async fn link(app: App, broker: ExternalBroker, options: Options) {
    let courier = courier::Courier::beside(&options);
    let (client, events) = options.open(REQUESTS);
    let (intake, incoming) = mpsc::channel(INTAKE);
    let (queue, queued) = mpsc::channel(INTAKE);
    let (direct, devices) = mpsc::channel(INTAKE);
    let (through, networked) = mpsc::channel(INTAKE);
    let heard = Told { direct, through };
    let epoch = Epoch::default();
    let name = broker.name.clone();
    let (at, passing) = (Arc::clone(&epoch), Once::new());
    let poller = Poller { app: app.clone(), broker, client: client.clone(), epoch: at, intake, passing };
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
    client: Client,
    epoch: Epoch,
    intake: mpsc::Sender<Incoming>,
    /// That messages come without a memory of them is said once.
    passing: Once,
}

impl Poller {
    async fn run(self, mut events: Events) {
        let mut wait = RECONNECT_FIRST;
        loop {
            let signal = tokio::select! {
                signal = events.poll() => signal,
                () = self.app.stop.cancelled() => return,
            };
            match signal {
                Signal::Connected => {
                    wait = RECONNECT_FIRST;
                    tracing::info!(broker = self.broker.name, "connected");
                    self.subscribe();
                }
                Signal::Message(message) => tokio::select! {
                    () = self.message(message) => {}
                    () = self.app.stop.cancelled() => return,
                },
                Signal::Subscribed(answers) => self.subscribed(&answers),
                Signal::Answered(_) | Signal::PublishLeft | Signal::Other => {}
                Signal::Closed(error) => {
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
        let filters = self
            .broker
            .topics
            .iter()
            .map(|topic| if group.is_empty() { topic.clone() } else { format!("$share/{group}/{topic}") });
        if let Err(error) = self.client.try_subscribe_many(filters) {
            tracing::error!(broker = self.broker.name, error, "the subscription could not be sent");
        }
    }

    fn subscribed(&self, answers: &[Result<Granted, String>]) {
        for (topic, answer) in self.broker.topics.iter().zip(answers) {
            match answer {
                Ok(Granted::Kept) => {}
                Ok(Granted::Passing) => self.say_passing(),
                Err(code) => {
                    tracing::error!(broker = self.broker.name, topic, code, "the broker refused the subscription");
                    metrics::counter!("sentinela_broker_refused_total", "broker" => self.broker.name.clone())
                        .increment(1);
                }
            }
        }
    }

    async fn message(&self, message: Message) {
        if !message.is_certain() {
            self.say_passing();
        }
        let epoch = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if !put(&self.intake, Incoming { epoch, message }).await {
            metrics::counter!("sentinela_broker_dropped_total", "broker" => self.broker.name.clone()).increment(1);
            tracing::warn!(broker = self.broker.name, "no room for a message of QoS 0: it was dropped");
        }
    }

    /// Also when the broker granted QoS 1: there are some that grant it and deliver at QoS 0 all the same.
    fn say_passing(&self) {
        self.passing.call_once(|| {
            tracing::info!(
                broker = self.broker.name,
                "messages come at QoS 0: what the broker sends so while the link is down is lost"
            );
        });
    }
}

/// Hands a message to the decoder; false when it was dropped. QoS 0 without room is dropped, which whoever sends so accepts.
/// QoS 1 waits for room: dropped without an acknowledgement, it would not come again over this connection. Meanwhile nothing
/// is read from the network, so a broker of MQTT 3.1.1, which knows no other bound, is held back too. One that gives us up for
/// our silence sends what is not acknowledged again after the next connect.
async fn put(intake: &mpsc::Sender<Incoming>, incoming: Incoming) -> bool {
    match intake.try_send(incoming) {
        Err(TrySendError::Full(incoming)) if incoming.message.is_certain() => {
            // Refused only when the service stops, and then nothing was acknowledged.
            let _ = intake.send(incoming).await;
            true
        }
        Err(TrySendError::Full(_)) => false,
        Ok(()) | Err(TrySendError::Closed(_)) => true,
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
    while let Some(Incoming { epoch, message }) = incoming.recv().await {
        let understood = understand(&app, &broker, &message);
        let now = app.clock.now();
        // What the broker kept for new subscribers tells nothing of now.
        if let Some((device, way)) = understood.from.filter(|_| !message.retain) {
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
        if let Some(here) = understood.heard.filter(|_| !message.retain) {
            let _ = told.direct.try_send(here);
        }
        if let Some(here) = understood.networked.filter(|_| !message.retain) {
            let _ = told.through.try_send(here);
        }
        if queue.send(Queued { epoch, message, answer, said }).await.is_err() {
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

fn understand(app: &App, broker: &str, message: &Message) -> Understood {
    let name = message.topic.as_str();
    let devices = app.ingest.devices();
    let (code, device, kind, format) = match (topic::parse(name), topic::of_network(name)) {
        (Some((code, kind)), _) => (code, devices.get(code), kind, None),
        (None, Some((code, format))) => (code, devices.of_network(code), topic::Kind::Readings, Some(format)),
        (None, None) => {
            let mut row = unknown_device(&message.payload, Source::Broker, "", Some(name));
            row.device = None;
            row.reason = "the topic names no device; expected v1/devices/{code}/readings, or a network server's".into();
            (row.field, row.value) = ("topic".into(), name.to_owned());
            return Understood::refused(row);
        }
    };
    let Some(device) = device.filter(|device| device.enabled) else {
        return Understood::refused(unknown_device(&message.payload, Source::Broker, code, Some(name)));
    };
    let heard =
        format.is_none().then(|| downlink::Heard { code: device.code.clone(), is_new: kind == topic::Kind::Status });
    let from = (device.id, if format.is_none() { HeardBy::Broker } else { HeardBy::Network });
    let mut understood = match kind {
        topic::Kind::Readings => readings(app, device, message, (broker, name, format)),
        topic::Kind::Status => status_of(device, message, name),
        topic::Kind::Answer => answer_of(device, message, name),
    };
    // A will is the broker's word, not the device's.
    let is_gone = matches!(&understood.said, Some((_, Said::Status { status, .. })) if !status.online);
    let speaks = !is_gone && (format.is_none() || topic::is_from_the_air(name));
    understood.from = speaks.then_some(from);
    understood.heard = heard;
    let address = Address::of(name).filter(|_| speaks).map(|(address, _)| address);
    understood.networked = address.map(|address| {
        // A device's clock or a server's may be ahead; nothing later than now would ever replace that.
        let now = app.clock.now();
        let at = lorawan::uplink_at(&message.payload).map_or(now, |at| at.min(now));
        network::Heard { device: from.0, address, at }
    });
    understood
}

fn readings(
    app: &App,
    device: Arc<DeviceEntry>,
    message: &Message,
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
    let decoded = decode(&message.payload, &door);
    let status = format.and_then(|format| status::of_network(&message.payload, format));
    let said = status.map(|status| Said::Status { status, is_direct: false });
    let of_downlink = || {
        let (address, event) = Address::of(name)?;
        let word = lorawan::word(address.server, event, &message.payload)?;
        Some(Said::Downlink { broker: broker.to_owned(), address, word })
    };
    let said = said.or_else(of_downlink).map(|said| (device, said));
    Understood { readings: decoded.readings, quarantined: decoded.quarantined, said, ..Understood::default() }
}

/// The broker may have kept the message for long, so its clock tells nothing.
fn status_of(device: Arc<DeviceEntry>, message: &Message, name: &str) -> Understood {
    let (status, problems) = status::parse(&message.payload);
    let quarantined = reports::refused(&problems, &message.payload, (Source::Broker, &device.code, name));
    Understood { quarantined, said: Some((device, Said::Status { status, is_direct: false })), ..Understood::default() }
}

fn answer_of(device: Arc<DeviceEntry>, message: &Message, name: &str) -> Understood {
    match parse_ack(&message.payload) {
        Ok(ack) => Understood { said: Some((device, Said::Answer(ack))), ..Understood::default() },
        Err(problem) => {
            let quarantined = reports::refused(&[problem], &message.payload, (Source::Broker, &device.code, name));
            Understood { quarantined, ..Understood::default() }
        }
    }
}

/// Awaits the commits in order and acknowledges each, unless its connection is gone.
async fn acknowledge(client: Client, epoch: Epoch, mut queued: mpsc::Receiver<Queued>) {
    while let Some(Queued { epoch: of, message, answer, said }) = queued.recv().await {
        let said = match said {
            Some(said) => matches!(said.await, Ok(Ok(_))),
            None => true,
        };
        if !matches!(answer.await, Ok(Ok(_))) || !said {
            continue;
        }
        failpoint::reach(Place::BrokerAckBefore).await;
        let current = epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != of {
            metrics::counter!("sentinela_broker_stale_acks_total").increment(1);
        } else if let Err(error) = client.try_ack(&message) {
            tracing::warn!(error, "an acknowledgement could not be sent; the broker will send the message again");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn without_room_what_the_broker_would_not_send_again_waits_and_what_it_never_repeats_is_dropped() {
        let (intake, mut incoming) = mpsc::channel(1);
        let message = |identifier| Incoming { epoch: 0, message: Message::of("t", b"x", identifier) };
        assert!(put(&intake, message(Some(1))).await);
        assert!(!put(&intake, message(None)).await);
        let mut waits = Box::pin(put(&intake, message(Some(2))));
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(incoming.recv().await.unwrap().message.is_certain());
        assert!(waits.await);
        assert!(incoming.recv().await.unwrap().message.is_certain());
    }
}
