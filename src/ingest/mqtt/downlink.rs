//! Commands on their way to the devices that are connected here.
//!
//! A command is handed over when it is issued, and again whenever its device subscribes or comes back to a session that has the
//! subscription, until it is answered or ends. Being handed over twice is possible by design: devices act once on an id.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmqtt::codec::types::Publish as Packet;
use rmqtt::codec::v5::PublishProperties;
use rmqtt::context::ServerContext;
use rmqtt::types::{From as Sender, Id, Publish, QoS};
use rmqtt::utils::timestamp_millis;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::Event;
use crate::fleet::command::Due;
use crate::fleet::store;

/// Commands are looked for this often without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Wait before the database is asked again that could not be.
const RETRY: Duration = Duration::from_secs(1);

/// Who is here, and what each was told since it came.
#[derive(Debug, Default)]
pub struct Downlink {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Each connected device, by its code.
    here: HashMap<String, Stay>,
    /// Devices to look at now.
    ask: HashSet<String>,
    arrivals: u64,
}

/// What a device was told since it came or subscribed last.
#[derive(Debug, Default)]
struct Stay {
    /// Its number among all arrivals: what was told before it, its line of now may not have heard.
    number: u64,
    told: HashSet<Uuid>,
}

impl Downlink {
    /// The device came, or subscribed: it hears everything that waits.
    pub fn arrived(&self, code: &str) {
        let mut state = self.state();
        state.arrivals += 1;
        let stay = Stay { number: state.arrivals, told: HashSet::new() };
        state.here.insert(code.to_owned(), stay);
        state.ask.insert(code.to_owned());
        drop(state);
        self.wake.notify_one();
    }

    /// A connection of the device ended, and it is gone unless it `is_here` by another. That is asked while nobody arrives: one that came
    /// back in between hears what is said to it.
    pub fn left(&self, code: &str, is_here: impl FnOnce() -> bool) {
        let mut state = self.state();
        if !is_here() {
            state.here.remove(code);
            state.ask.remove(code);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands commands over until the service stops.
    pub async fn run(&self, app: &App, context: &ServerContext) {
        let mut events = app.events.subscribe();
        loop {
            let wanted = std::mem::take(&mut self.state().ask);
            if let Err(error) = self.hand_over(app, context, &wanted).await {
                tracing::warn!(%error, devices = wanted.len(), "commands cannot be read or noted yet");
                self.state().ask.extend(wanted);
                tokio::select! {
                    () = app.stop.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => {}
                }
                continue;
            }
            tokio::select! {
                () = app.stop.cancelled() => return,
                () = self.wake.notified() => {}
                event = events.recv() => self.heard(event),
                () = tokio::time::sleep(LOOK_EVERY) => self.ask_all(),
            }
        }
    }

    fn heard(&self, event: Result<Event, RecvError>) {
        match event {
            // Of no device in particular, as after hints were lost.
            Ok(Event::Device { code }) if code.is_empty() => self.ask_all(),
            Ok(Event::Device { code }) => {
                let mut state = self.state();
                if state.here.contains_key(&code) {
                    state.ask.insert(code);
                }
            }
            Err(RecvError::Lagged(_)) => self.ask_all(),
            _ => {}
        }
    }

    fn ask_all(&self) {
        let mut state = self.state();
        let all: Vec<String> = state.here.keys().cloned().collect();
        state.ask.extend(all);
    }

    async fn hand_over(&self, app: &App, context: &ServerContext, wanted: &HashSet<String>) -> sqlx::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let codes: Vec<String> = wanted.iter().cloned().collect();
        let now = app.clock.now();
        let mut after = None;
        loop {
            let page = in_time(store::due(&app.db.ingest, &codes, now, after)).await?;
            after = page.last().map(Due::place);
            let is_last = page.len() < store::DUE;
            let (mut told, mut stays) = (Vec::new(), Vec::new());
            for due in page {
                let Some(stay) = self.is_news(&due) else { continue };
                if publish(context, &due, now).await {
                    stays.push(stay);
                    told.push(due);
                }
            }
            if !told.is_empty() {
                metrics::counter!("sentinela_device_commands_total", "outcome" => "sent").increment(told.len() as u64);
                // What cannot be marked is told again, so that it is marked in the end.
                in_time(store::mark_sent(&app.db.ingest, &told, now)).await?;
                for (due, stay) in told.iter().zip(stays) {
                    self.note(due, stay);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The arrival since which the device was not told this; none when it was, or is gone.
    fn is_news(&self, due: &Due) -> Option<u64> {
        self.state().here.get(&due.code).filter(|stay| !stay.told.contains(&due.id)).map(|stay| stay.number)
    }

    /// A device that came meanwhile is told again: nobody knows which of its lines heard it.
    fn note(&self, due: &Due, number: u64) {
        let mut state = self.state();
        if let Some(stay) = state.here.get_mut(&due.code).filter(|stay| stay.number == number) {
            stay.told.insert(due.id);
        }
    }
}

/// True when a session took it.
async fn publish(context: &ServerContext, due: &Due, now: Instant) -> bool {
    let left_s = u32::try_from((due.expires_at - now).num_seconds()).unwrap_or(u32::MAX);
    let properties =
        PublishProperties { message_expiry_interval: NonZeroU32::new(left_s), ..PublishProperties::default() };
    let packet = Packet {
        dup: false,
        retain: false,
        qos: QoS::AtLeastOnce,
        topic: due.topic().into(),
        packet_id: None,
        payload: due.payload(now).into(),
        properties: Some(properties),
    };
    let sender = Sender::from_system(Id::new(context.node.id(), 0, None, None, "sentinela".into(), None));
    // rmqtt holds the expiry against its own clock, which is not the service's in the demonstration.
    let publish = Publish::from(packet).create_time(timestamp_millis());
    match context.extends.shared().await.forwards(None, sender, publish).await {
        Ok(count) => count > 0,
        Err((count, failed)) => {
            tracing::warn!(
                device = due.code,
                failed = failed.len(),
                "a command did not reach every session of its device"
            );
            count > 0
        }
    }
}
