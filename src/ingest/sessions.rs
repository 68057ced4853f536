//! Which device stands behind each MQTT session, by what it signed in, and the end of sessions whose credential is accepted
//! no more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rmqtt::context::ServerContext;
use rmqtt::types::Id;
use tokio_util::sync::CancellationToken;

use super::devices::{Credential, DeviceEntry};
use super::presence::ConnectionKey;
use crate::app::App;
use crate::clock::Instant;

/// Credentials also end by the clock alone, so sessions are looked through this often without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Sessions that are gone are forgotten this many looks later: a will may still come.
const FORGET_EVERY: u32 = 60;

/// One sign-in.
#[derive(Debug)]
pub struct Signed {
    pub id: Id,
    /// Code of the device.
    pub code: String,
    pub credential: Credential,
    /// Cancelled when the credential is accepted no more.
    pub ended: CancellationToken,
    pub is_connected: AtomicBool,
}

/// All of them by connection.
#[derive(Debug, Default)]
pub struct Sessions(RwLock<HashMap<ConnectionKey, Arc<Signed>>>);

pub fn key(id: &Id) -> ConnectionKey {
    (id.client_id.to_string(), id.create_time)
}

impl Sessions {
    pub fn sign_in(&self, id: &Id, device: &DeviceEntry, credential: Credential) {
        let signed = Signed {
            id: id.clone(),
            code: device.code.clone(),
            credential,
            ended: CancellationToken::new(),
            is_connected: AtomicBool::new(true),
        };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key(id), Arc::new(signed));
    }

    pub fn of(&self, id: &Id) -> Option<Arc<Signed>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key(id)).cloned()
    }

    pub fn disconnected(&self, id: &Id) {
        if let Some(signed) = self.of(id) {
            signed.is_connected.store(false, Ordering::Relaxed);
        }
    }

    fn all(&self) -> Vec<Arc<Signed>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Ends sessions whose credential is accepted no more: at once when the catalogue changes, by the clock within a second.
    /// Runs until the service stops.
    pub async fn watch(&self, app: &App, context: &ServerContext) {
        let mut changes = app.ingest.devices().changes();
        let mut looks = 0;
        loop {
            tokio::select! {
                () = app.stop.cancelled() => return,
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self.end_unaccepted(app, context);
            looks += 1;
            if looks % FORGET_EVERY == 0 {
                self.forget_gone(context).await;
            }
        }
    }

    fn end_unaccepted(&self, app: &App, context: &ServerContext) {
        let now = app.clock.now();
        for signed in self.all().into_iter().filter(|signed| !signed.ended.is_cancelled()) {
            if is_accepted(app, &signed, now) {
                continue;
            }
            signed.ended.cancel();
            metrics::counter!("sentinela_mqtt_ended_total").increment(1);
            tracing::info!(device = signed.code, "a session ends: what it signed in with is accepted no more");
            // Each by itself: a session that is just committing answers late, and the others must not wait for it.
            tokio::spawn(end(context.clone(), signed));
        }
    }

    async fn forget_gone(&self, context: &ServerContext) {
        let shared = context.extends.shared().await;
        for signed in self.all().into_iter().filter(|signed| !signed.is_connected.load(Ordering::Relaxed)) {
            let session = shared.entry(signed.id.clone()).session();
            if session.is_none_or(|session| key(&session.id) != key(&signed.id)) {
                self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&key(&signed.id));
            }
        }
    }
}

pub fn is_accepted(app: &App, signed: &Signed, now: Instant) -> bool {
    let device = app.ingest.devices().get(&signed.code);
    device.is_some_and(|device| device.still_accepts(&signed.credential, now))
}

/// Ends a session with all it holds, also one whose client is absent.
async fn end(context: ServerContext, signed: Arc<Signed>) {
    let mut entry = context.extends.shared().await.entry(signed.id.clone());
    // Somebody else may have the client id by now.
    if entry.session().is_none_or(|session| key(&session.id) != key(&signed.id)) {
        return;
    }
    if let Err(error) = entry.kick(true, true, true).await {
        tracing::warn!(%error, device = signed.code, "a session could not be ended");
    }
}
