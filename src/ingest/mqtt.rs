//! The built-in device endpoint: rmqtt as a library, with this service's own door-keeper in its hooks.
//!
//! - A device signs in with its code (user name, or client id when it sends none) and secret; over TLS also with a client
//!   certificate instead (see `tls`).
//! - What it signed in with is asked again at each message, and its session ends within a second once that is revoked.
//! - It may publish `v1/devices/{own}/readings` and `…/status`, and subscribe `v1/devices/{own}/commands`; nothing else.
//! - A PUBACK is sent only after the journal commit. rmqtt acknowledges when its publish hooks have returned and none of
//!   them refused, so the submission is awaited inside the last of them, the access check. A message that could not be
//!   committed is not acknowledged: the device is disconnected and sends it again.
//! - rmqtt handles the packets of one connection strictly one after the other, hook included, so one connection has one
//!   message in the commit at a time; messages of different connections share commits. A device with much to say sends
//!   many readings in one message.
//! - MQTT 3.1.1 cannot refuse a PUBLISH in its acknowledgement, so there a refusal ends the connection; MQTT 5 gets
//!   "not authorized" (0x87) and stays connected.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use rmqtt::codec::types::MQTT_LEVEL_5;
use rmqtt::codec::v5::{PublishAckReason, SubscribeAckReason};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::{Builder, Listener};
use rmqtt::retain::RetainStorage;
use rmqtt::server::MqttServer;
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Id, LastWill, ListenerId, Publish, PublishAclResult, PublishResult, Retain,
    SubscribeAclResult, TopicFilter, TopicName,
};

use super::decode::{Door, decode};
use super::devices::{Credential, DeviceEntry};
use super::presence::{self, Presence};
use super::sessions::{self, Sessions};
use super::tls::{self, Arrivals};
use super::{Source, topic};
use crate::app::App;
use crate::config::{self, TlsIdentity};
use crate::stations::certificate::Certificate;

/// A message that waits longer than this for its commit is not acknowledged; the device comes back with it.
const COMMIT_PATIENCE: Duration = Duration::from_secs(30);
/// Room above `mqtt.max_payload_bytes` in which a payload is still taken and quarantined, so that the device gets rid of
/// it; what is larger than that too ends the connection.
const OVERSIZE_BYTES: u32 = 1024 * 1024 + 1024;
/// Longest session kept for an absent device.
const SESSION_MAX: Duration = Duration::from_secs(24 * 3600);

/// The listener for plain streams, or the one behind TLS.
struct Bound {
    address: SocketAddr,
    listener: Listener,
}

/// The endpoint, bound but not yet accepting.
pub struct Endpoint {
    app: App,
    plain: Option<Bound>,
    /// The TLS door, and the listener inside the machine that it relays to.
    tls: Option<(tls::Door, Bound)>,
    gate: Gate,
}

/// Binds `mqtt.listen` and `mqtt.tls_listen`. `None` when both are empty: the endpoint is off.
///
/// # Errors
/// When an address cannot be bound (in use, not of this machine), or a TLS file cannot be used.
pub async fn bind(app: &App) -> anyhow::Result<Option<Endpoint>> {
    let config = &app.config.mqtt;
    let plain = if config.listen.is_empty() { None } else { Some(bound(listen(config)?)?) };
    let tls = match tls::bind(config).await? {
        Some(door) => Some((door, bound(listen_inside(config)?)?)),
        None => None,
    };
    if plain.is_none() && tls.is_none() {
        return Ok(None);
    }
    let context = context(config).await;
    *context.extends.retain_mut().await = Box::new(StatusIsInTheTable);
    let gate = Gate {
        app: app.clone(),
        context,
        presence: Arc::default(),
        sessions: Arc::default(),
        inside: tls.as_ref().map(|(door, inner)| (inner.address.port(), Arc::clone(&door.arrivals))),
    };
    gate.register().await;
    Ok(Some(Endpoint { app: app.clone(), plain, tls, gate }))
}

fn bound(listener: Listener) -> anyhow::Result<Bound> {
    Ok(Bound { address: listener.local_addr()?, listener })
}

/// Where the TLS door relays to: this machine alone can reach it.
fn listen_inside(config: &config::Mqtt) -> anyhow::Result<Listener> {
    listen(&config::Mqtt { listen: "127.0.0.1:0".into(), ..config.clone() })
}

/// The listening socket with the limits of the configuration.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(config: &config::Mqtt) -> anyhow::Result<Listener> {
    let address: SocketAddr = config.listen.parse().context("mqtt.listen")?;
    Builder::new()
        .name("devices")
        .laddr(address)
        .reuseaddr(Some(true))
        .nodelay(true)
        .max_connections(config.max_connections)
        .max_packet_size(config.max_payload_bytes.saturating_add(OVERSIZE_BYTES))
        .max_clientid_len(256)
        .max_topic_levels(8)
        .max_subscriptions(4)
        .max_session_expiry_interval(SESSION_MAX)
        .handshake_timeout(Duration::from_secs(15))
        .allow_anonymous(false)
        .bind()
        .and_then(Listener::tcp)
        .with_context(|| format!("cannot listen for MQTT devices on mqtt.listen = {:?}", config.listen))
}

/// What rmqtt keeps about connections and sessions; no hooks yet.
pub async fn context(config: &config::Mqtt) -> ServerContext {
    let sessions = isize::try_from(config.max_connections).unwrap_or(isize::MAX);
    // The load check of rmqtt turns devices away when the machine is busy; a storm is when they are needed most.
    ServerContext::new().busy_check_enable(false).mqtt_max_sessions(sessions).build().await
}

impl Endpoint {
    /// Where plain MQTT is spoken; where TLS is when that is off.
    pub fn address(&self) -> SocketAddr {
        let tls = || self.tls.as_ref().map(|(door, _)| door.address);
        self.plain.as_ref().map(|plain| plain.address).or_else(tls).unwrap_or(([0, 0, 0, 0], 0).into())
    }

    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|(door, _)| door.address)
    }

    /// Accepts devices until the service stops. Connections that are open then get no acknowledgement any more once the
    /// committer has drained, and end with the process.
    pub async fn serve(self) {
        let Self { app, plain, tls, gate } = self;
        while let Err(error) = ready(&app).await {
            tracing::warn!(%error, "devices cannot be checked yet; the MQTT endpoint waits for the database");
            tokio::select! {
                () = app.stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        let mut server = MqttServer::new(gate.context.clone());
        if let Some(Bound { address, listener }) = plain {
            tracing::info!(%address, "listening for MQTT devices");
            server = server.listener_by_id(listener, address.port());
        }
        let mut door = None;
        if let Some((tls, Bound { address, listener })) = tls {
            server = server.listener_by_id(listener, address.port());
            door = Some((tls, address));
        }
        let over_tls = async {
            match door {
                Some((door, inner)) => door.serve(&app, inner).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = server.build().run() => tracing::error!("the MQTT endpoint ended"),
            () = over_tls => {}
            () = gate.sessions.watch(&app, &gate.context) => {}
            () = gate.presence.run(&app) => {}
        }
    }
}

async fn ready(app: &App) -> sqlx::Result<()> {
    app.ingest.devices().reload(&app.db.ingest).await?;
    presence::forget_all(&app.db.ingest).await
}

/// Binds and serves; ends when the service stops.
///
/// # Errors
/// See [`bind`].
pub async fn run(app: App) -> anyhow::Result<()> {
    if let Some(endpoint) = bind(&app).await? {
        endpoint.serve().await;
    }
    Ok(())
}

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
struct Gate {
    app: App,
    context: ServerContext,
    presence: Arc<Presence>,
    sessions: Arc<Sessions>,
    /// rmqtt's name of the listener behind TLS, and who came through that door.
    inside: Option<(ListenerId, Arc<Arrivals>)>,
}

impl Gate {
    async fn register(&self) {
        let register = self.context.extends.hook_mgr().register();
        let types = [
            Type::ClientAuthenticate,
            Type::ClientConnected,
            Type::ClientDisconnected,
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
                topic::Kind::Status => {
                    self.status(&device, &publish.payload);
                    PublishAclResult::allow()
                }
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
            topic: Some(&publish.topic),
            now,
            limits: &self.app.config.ingest,
            max_bytes: self.app.config.mqtt.max_payload_bytes as usize,
        };
        let decoded = decode(&publish.payload, &door);
        self.presence.seen(device.id, now);
        let committed = self.app.ingest.submit_when_free(decoded.readings, decoded.quarantined);
        let reason = match tokio::time::timeout(COMMIT_PATIENCE, committed).await {
            Ok(Ok(_)) => return PublishAclResult::allow(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the journal cannot be written at the moment".into(),
        };
        tracing::warn!(device = device.code, reason, "a message was not committed and is not acknowledged");
        refusal(PublishAckReason::UnspecifiedError, &reason, true)
    }

    fn status(&self, device: &DeviceEntry, payload: &[u8]) {
        self.presence.reported(device.id, says_online(payload), self.app.clock.now());
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
            self.status(&device, &publish.payload);
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
                    self.presence.connected(device.id, sessions::key(&session.id), self.app.clock.now());
                }
                return (true, None);
            }
            Parameter::ClientDisconnected(session, _) => {
                self.sessions.disconnected(&session.id);
                if let Some(device) = self.device(session) {
                    self.presence.disconnected(device.id, &sessions::key(&session.id), self.app.clock.now());
                }
                return (true, None);
            }
            _ => return (true, None),
        };
        (false, Some(answer))
    }
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

fn refusal(code: PublishAckReason, why: &str, disconnect: bool) -> PublishAclResult {
    PublishAclResult(PublishResult::reason_code(code, Some(why.to_owned().into()), disconnect))
}

/// "offline", "0", false or {"online":false} in any spelling mean gone; whatever else a device says, it lives.
fn says_online(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload).to_lowercase();
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    !(text.contains("offline") || text.contains("\"online\":false") || text == "0" || text == "false")
}

/// Devices keep their status as a retained message. Its last state lives in the device table, and no device may subscribe
/// to a status topic, so there is nothing to store; but an MQTT 5 client is turned away from a server without retain.
struct StatusIsInTheTable;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_will_in_any_usual_spelling_means_gone() {
        for gone in ["offline", r#"{"status": "Offline"}"#, r#"{"online" : false}"#, "0"] {
            assert!(!says_online(gone.as_bytes()), "{gone}");
        }
        assert!(says_online(b"online") && says_online(br#"{"battery":80}"#) && says_online(b""));
    }
}
