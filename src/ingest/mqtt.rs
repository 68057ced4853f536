//! The built-in device endpoint: rmqtt as a library, with this service's own door-keeper in its hooks.
//!
//! - A device signs in with its code (user name, or client id when it sends none) and secret; over TLS also with a client
//!   certificate instead (see `tls`).
//! - What it signed in with is asked again at each message, and its session ends within a second once that is revoked.
//! - It may publish `v1/devices/{own}/readings` `…/status` and `…/commands/ack`, and subscribe
//!   `v1/devices/{own}/commands`; nothing else.
//! - A PUBACK is sent only after the journal commit. rmqtt acknowledges when its publish hooks have returned and none of
//!   them refused, so the submission is awaited inside the last of them, the access check. A message that could not be
//!   committed is not acknowledged: the device is disconnected and sends it again.
//! - rmqtt handles the packets of one connection strictly one after the other, hook included, so one connection has one
//!   message in the commit at a time; messages of different connections share commits. A device with much to say sends
//!   many readings in one message.
//! - MQTT 3.1.1 cannot refuse a PUBLISH in its acknowledgement, so there a refusal ends the connection; MQTT 5 gets
//!   "not authorized" (0x87) and stays connected.

mod downlink;
mod gate;
mod patience;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;

use gate::{Gate, StatusIsInTheTable};

use super::presence::{self};
use super::tls::{self};
use crate::app::App;
use crate::config::{self};

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
        downlink: Arc::default(),
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
            () = gate.downlink.run(&app, &gate.context) => {}
        }
    }
}

async fn ready(app: &App) -> sqlx::Result<()> {
    app.ingest.devices().reload(&app.db.ingest).await?;
    presence::forget_all(&app.db.ingest, &app.config.node()).await
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
