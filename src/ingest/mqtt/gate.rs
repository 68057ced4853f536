//! Who may sign in at the device endpoint, publish and subscribe: the hooks of rmqtt.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::codec::types::MQTT_LEVEL_5;
use rmqtt::codec::v5::{PublishAckReason, SubscribeAckReason};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::retain::RetainStorage;
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Id, LastWill, ListenerId, Publish, PublishAclResult, PublishResult, Retain,
    SubscribeAclResult, TopicFilter, TopicName,
};
use tokio::sync::oneshot;

use crate::app::App;
use crate::config::TlsIdentity;
use crate::failpoint::{self, Place};
use crate::ingest::decode::{Decoded, Door, decode};
use crate::ingest::devices::{Credential, DeviceEntry};
use crate::ingest::formats::status;
use crate::ingest::mqtt::downlink::Downlink;
use crate::ingest::mqtt::patience::patiently;
use crate::ingest::presence::Presence;
use crate::ingest::reports::{self, Said};
use crate::ingest::sessions::{self, Sessions};
use crate::ingest::tls::Arrivals;
use crate::ingest::{Accepted, IngestError, IngestHandle, Source, topic};
use crate::stations::certificate::Certificate;
use crate::web::client::neighbourhood;

/// When nothing is committed for so long, a message is not acknowledged; the device comes back with it.
const COMMIT_PATIENCE: Duration = Duration::from_secs(30);
/// A device, and by what it was known.
type Known = (Arc<DeviceEntry>, Credential);

/// Why nobody was let in.
enum Refusal {
    Nobody(&'static str),
    /// The database cannot be asked: nobody is called a stranger for that.
    Unsure(sqlx::Error),
}

/// The door-keeper.
#[derive(Clone)]
pub struct Gate {
    pub app: App,
    pub context: ServerContext,
    pub presence: Arc<Presence>,
    pub sessions: Arc<Sessions>,
    pub downlink: Arc<Downlink>,
    /// rmqtt's name of the listener behind TLS, and who came through that door.
    pub inside: Option<(ListenerId, Arc<Arrivals>)>,
}

impl Gate {
    pub async fn register(&self) {
        let register = self.context.extends.hook_mgr().register();
        let types = [
            Type::ClientAuthenticate,
            Type::ClientConnected,
            Type::ClientDisconnected,
            Type::SessionSubscribed,
            Type::ClientSubscribeCheckAcl,
            Type::MessagePublish,
            Type::MessagePublishCheckAcl,
        ];
        for kind in types {
            register.add(kind, Box::new(self.clone())).await;
        }
        register.start().await;
    }

    async fn authenticate(&self, info: &ConnectInfo) -> AuthResult {
        let id = info.id();
        let (device, credential) = match self.who(info).await {
            Ok(known) => known,
            Err(Refusal::Nobody(why)) => {
                refused("sign-in", id, self.peer(id), why);
                return AuthResult::BadUsernameOrPassword;
            }
            Err(Refusal::Unsure(error)) => {
                tracing::warn!(%error, "a device cannot be checked");
                return AuthResult::NotAuthorized;
            }
        };
        if let Some(will) = info.last_will() {
            let will_topic = match will {
                LastWill::V3(will) => &will.topic,
                LastWill::V5(will) => &will.topic,
            };
            if topic::parse(will_topic) != Some((&device.code, topic::Kind::Status)) {
                refused("sign-in", id, self.peer(id), "the will is not on the device's own status topic");
                return AuthResult::NotAuthorized;
            }
        }
        if self.client_id_is_anothers(id, &device.code).await {
            refused("sign-in", id, self.peer(id), "the client id belongs to another device");
            return AuthResult::NotAuthorized;
        }
        if let Some(why) = self.crowd(id, &device) {
            refused("sign-in", id, self.peer(id), why);
            return AuthResult::NotAuthorized;
        }
        self.sessions.sign_in(id, &device, credential);
        self.app.ingest.devices().used(&self.app.db.ingest, &device, &credential, self.app.clock.now()).await;
        AuthResult::Allow(false, None)
    }

    /// By certificate if one was shown, else by secret. Somebody who is not known may have been added a moment ago, so the
    /// devices are read again before the answer is no, unless the address fails all the time; then its answers come late.
    async fn who(&self, info: &ConnectInfo) -> Result<Known, Refusal> {
        let id = info.id();
        let arrival = match &self.inside {
            Some((inside, arrivals)) if *inside == id.lid => match arrivals.get(id.remote_addr) {
                Some(arrival) => Some(arrival),
                None => return Err(Refusal::Nobody("it did not come through the TLS door")),
            },
            _ => None,
        };
        let certificate = arrival.and_then(|arrival| arrival.certificate);
        if let Some(known) = self.find(info, certificate.as_ref())? {
            return Ok(known);
        }
        let address = self.peer(id).map(|peer| peer.ip());
        let (strangers, now) = (self.app.ingest.strangers(), self.app.clock.now());
        let delay_s = strangers.delay_s(address, now);
        if delay_s == 0 {
            self.app.ingest.devices().reload_spaced(&self.app.db.ingest).await.map_err(Refusal::Unsure)?;
            if let Some(known) = self.find(info, certificate.as_ref())? {
                return Ok(known);
            }
        }
        strangers.failed(address, now);
        tokio::time::sleep(Duration::from_secs(delay_s)).await;
        let why =
            if certificate.is_some() { "the certificate is no device's" } else { "no such device, or a wrong secret" };
        Err(Refusal::Nobody(why))
    }

    fn find(&self, info: &ConnectInfo, certificate: Option<&Certificate>) -> Result<Option<Known>, Refusal> {
        let (devices, now) = (self.app.ingest.devices(), self.app.clock.now());
        let Some(certificate) = certificate else {
            let secret = info.password().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
            return Ok(devices.known(said_code(info.id()), secret, now));
        };
        let names_count = self.app.config.mqtt.tls_identity == TlsIdentity::CommonName;
        let known = devices.of_certificate(certificate, names_count, now);
        let name = info.id().username.as_deref().unwrap_or_default();
        match &known {
            Some((device, _)) if !name.is_empty() && *name != *device.code => {
                Err(Refusal::Nobody("the certificate is another device's"))
            }
            _ => Ok(known),
        }
    }

    /// Where a client really is: rmqtt knows the relay only.
    fn peer(&self, id: &Id) -> Option<SocketAddr> {
        let arrival = self.inside.as_ref().filter(|(inside, _)| *inside == id.lid);
        arrival.map_or(id.remote_addr, |(_, arrivals)| arrivals.get(id.remote_addr).map(|arrival| arrival.peer))
    }

    fn neighbourhood(&self, id: &Id) -> Option<IpAddr> {
        self.peer(id).map(|peer| neighbourhood(peer.ip()))
    }

    /// Why there is no room for another connection of this device, or from there.
    fn crowd(&self, id: &Id, device: &DeviceEntry) -> Option<&'static str> {
        let (of_device, from) = self.presence.connections(device.id, self.neighbourhood(id));
        let config = &self.app.config.mqtt;
        if of_device >= config.max_connections_per_device {
            return Some("the device has too many connections");
        }
        (from >= config.max_connections_per_address).then_some("there are too many connections from there")
    }

    /// The code of the device of a session.
    fn code(&self, id: &Id) -> String {
        self.sessions.of(id).map_or_else(|| said_code(id).to_owned(), |signed| signed.code.clone())
    }

    /// Whoever takes a client id takes over its session, so nobody may take another device's code, nor the client id of
    /// a session another device holds.
    async fn client_id_is_anothers(&self, id: &Id, own: &str) -> bool {
        if *id.client_id != *own && self.app.ingest.devices().get(&id.client_id).is_some() {
            return true;
        }
        let session = self.context.extends.shared().await.entry(id.clone()).session();
        session.is_some_and(|session| self.code(&session.id) != own)
    }

    /// The device of a session, whether or not it may still publish.
    fn device(&self, session: &Session) -> Option<Arc<DeviceEntry>> {
        self.app.ingest.devices().get(&self.code(&session.id))
    }

    async fn publish(&self, session: &Session, publish: &Publish) -> PublishAclResult {
        failpoint::reach(Place::MqttAckAfter).await;
        let signed = self.sessions.of(&session.id);
        let accepted = signed.filter(|signed| sessions::is_accepted(&self.app, signed, self.app.clock.now()));
        let (Some(signed), Some(device)) = (accepted, self.device(session)) else {
            refused("publish", &session.id, self.peer(&session.id), "what it signed in with is accepted no more");
            return refusal(PublishAckReason::NotAuthorized, "the device was revoked", true);
        };
        // Not read on means held back: the device keeps what it has until there is room.
        let wait = self.app.ingest.rate().reserve(device.id, self.app.clock.now());
        if !wait.is_zero() {
            metrics::counter!("sentinela_device_slowed_total", "door" => "mqtt").increment(1);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = signed.ended.cancelled() => {
                    return refusal(PublishAckReason::NotAuthorized, "the device was revoked", true);
                }
            }
        }
        match topic::parse(&publish.topic) {
            Some((code, kind)) if code == device.code => match kind {
                topic::Kind::Readings => self.readings(&device, publish).await,
                topic::Kind::Status => self.status(&device, publish).await,
                topic::Kind::Answer => self.answer(&device, publish).await,
            },
            _ => {
                refused("publish", &session.id, self.peer(&session.id), &publish.topic);
                let v5 = session.protocol().await.is_ok_and(|protocol| protocol == MQTT_LEVEL_5);
                refusal(PublishAckReason::NotAuthorized, "not a topic of this device", !v5)
            }
        }
    }

    async fn readings(&self, device: &DeviceEntry, publish: &Publish) -> PublishAclResult {
        let now = self.app.clock.now();
        let door = Door {
            source: Source::Mqtt,
            device,
            format: None,
            topic: Some(&publish.topic),
            now,
            limits: &self.app.config.ingest,
            max_bytes: self.app.config.mqtt.max_payload_bytes as usize,
        };
        self.presence.seen(device.id, now);
        acknowledged(&self.app.ingest, device, async { self.committed(publish, &door).await.map(|_| ()) }).await
    }

    /// Resolves after the commit. While there is no room only the payload is held, a tenth of what it says: after an
    /// outage thousands of devices wait here at once.
    async fn committed(&self, publish: &Publish, door: &Door<'_>) -> Result<Accepted, IngestError> {
        let ingest = &self.app.ingest;
        let (lane, cost) = {
            let Decoded { readings, quarantined, .. } = decode(&publish.payload, door);
            match ingest.try_room(&readings, &quarantined) {
                Some(room) => return answer(ingest.enqueue(room, readings, quarantined)?).await,
                None => (ingest.lane(&readings), ingest.cost(&readings, &quarantined)),
            }
        };
        metrics::counter!("sentinela_ingest_waited_total", "lane" => lane.as_str()).increment(1);
        let room = ingest.room(lane, cost).await?;
        let Decoded { readings, quarantined, .. } = decode(&publish.payload, door);
        answer(ingest.enqueue(room, readings, quarantined)?).await
    }

    /// What the device says of itself. Who is online is shown at once and written with the next flush of the presence; the
    /// rest is committed before the acknowledgement.
    async fn status(&self, device: &DeviceEntry, publish: &Publish) -> PublishAclResult {
        let (status, problems) = status::parse(&publish.payload);
        let now = self.app.clock.now();
        self.presence.reported(device.id, status.online, now);
        let refused = reports::refused(&problems, &publish.payload, (Source::Mqtt, &device.code, &publish.topic));
        let ingest = &self.app.ingest;
        acknowledged(&self.app.ingest, device, async {
            if !refused.is_empty() {
                ingest.submit_when_free(Vec::new(), refused).await?;
            }
            ingest.reports().submit(device.id, Said::Status { status, is_direct: true }, now).await.map(|_| ())
        })
        .await
    }

    /// The device's word on a command.
    async fn answer(&self, device: &DeviceEntry, publish: &Publish) -> PublishAclResult {
        let now = self.app.clock.now();
        self.presence.seen(device.id, now);
        let whence = (Source::Mqtt, device.code.as_str(), &*publish.topic);
        acknowledged(
            &self.app.ingest,
            device,
            reports::take_answer(&self.app.ingest, device.id, &publish.payload, whence, now),
        )
        .await
    }

    fn subscribe_acl(&self, id: &Id, filter: &str, qos: rmqtt::types::QoS) -> SubscribeAclResult {
        if filter == format!("v1/devices/{}/commands", self.code(id)) {
            return SubscribeAclResult::new_success(qos, None);
        }
        refused("subscribe", id, self.peer(id), filter);
        SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
    }

    fn will(&self, session: &Session, publish: &Publish) {
        if let Some(device) = self.device(session) {
            let (status, _) = status::parse(&publish.payload);
            self.presence.reported(device.id, status.online, self.app.clock.now());
        }
    }
}

#[async_trait]
impl Handler for Gate {
    async fn hook(&self, parameter: &Parameter, _: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(info) => HookResult::AuthResult(self.authenticate(info).await),
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => HookResult::SubscribeAclResult(
                self.subscribe_acl(&session.id, &subscribe.topic_filter, subscribe.opts.qos()),
            ),
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(self.publish(session, publish).await)
            }
            // A will passes this hook alone. Its topic was checked at sign-in.
            Parameter::MessagePublish(Some(session), from, publish) if matches!(from.typ(), FromType::LastWill) => {
                self.will(session, publish);
                return (true, None);
            }
            Parameter::ClientConnected(session) => {
                if let Some(device) = self.device(session) {
                    let from = self.neighbourhood(&session.id);
                    self.presence.connected(device.id, from, sessions::key(&session.id), self.app.clock.now());
                    // A session that was kept has its subscription already.
                    self.downlink.arrived(&device.code);
                }
                return (true, None);
            }
            Parameter::SessionSubscribed(session, _) => {
                self.downlink.arrived(&self.code(&session.id));
                return (true, None);
            }
            Parameter::ClientDisconnected(session, _) => {
                self.sessions.disconnected(&session.id);
                if self.presence.disconnected(&sessions::key(&session.id), self.app.clock.now()) {
                    let is_here = || {
                        let device = self.device(session);
                        device.is_some_and(|device| self.presence.connections(device.id, None).0 > 0)
                    };
                    self.downlink.left(&self.code(&session.id), is_here);
                }
                return (true, None);
            }
            _ => return (true, None),
        };
        (false, Some(answer))
    }
}

async fn answer(committed: oneshot::Receiver<Result<Accepted, IngestError>>) -> Result<Accepted, IngestError> {
    committed.await.map_err(|_| IngestError::Stopping)?
}

/// What a device says it is. Believed only with its secret.
fn said_code(id: &Id) -> &str {
    match &id.username {
        Some(name) if !name.is_empty() => name,
        _ => &id.client_id,
    }
}

fn refused(act: &str, id: &Id, peer: Option<SocketAddr>, why: &str) {
    metrics::counter!("sentinela_mqtt_refused_total", "act" => act.to_owned()).increment(1);
    let peer = peer.map(|address| address.to_string()).unwrap_or_default();
    tracing::warn!(act, device = said_code(id), client_id = %id.client_id, peer, why, "an MQTT client was refused");
}

/// The answer to a message, once it is committed.
async fn acknowledged(
    ingest: &IngestHandle,
    device: &DeviceEntry,
    committed: impl Future<Output = Result<(), IngestError>>,
) -> PublishAclResult {
    let reason = match patiently(committed, COMMIT_PATIENCE, || ingest.commits()).await {
        Some(Ok(())) => {
            failpoint::reach(Place::MqttAckBefore).await;
            return PublishAclResult::allow();
        }
        Some(Err(error)) => error.to_string(),
        None => "the journal cannot be written at the moment".into(),
    };
    tracing::warn!(device = device.code, reason, "a message was not committed and is not acknowledged");
    refusal(PublishAckReason::UnspecifiedError, &reason, true)
}

fn refusal(code: PublishAckReason, why: &str, disconnect: bool) -> PublishAclResult {
    PublishAclResult(PublishResult::reason_code(code, Some(why.to_owned().into()), disconnect))
}

/// Devices keep their status as a retained message. Its last state lives in the device table, and no device may subscribe
/// to a status topic, so there is nothing to store; but an MQTT 5 client is turned away from a server without retain.
pub struct StatusIsInTheTable;

#[async_trait]
impl RetainStorage for StatusIsInTheTable {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, _: &TopicName, _: Retain, _: Option<Duration>) -> rmqtt::Result<()> {
        Ok(())
    }

    async fn get(&self, _: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        Ok(Vec::new())
    }

    async fn count(&self) -> isize {
        0
    }

    async fn max(&self) -> isize {
        0
    }
}
