//! Commands to devices that are heard through an external broker, published there on the same topic.
//!
//! Who is connected to that broker is not known here: a device is told when it was heard before, and again when it says on
//! its status topic that it is there. A broker that keeps the device's session keeps the command for it. "Sent" means handed to
//! the link with the broker.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::wire::Client;
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::Event;
use crate::fleet::command::Due;
use crate::fleet::store;

/// Commands are looked for this often without a hint.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A device was heard through this broker; `is_new`: it says that it just came.
#[derive(Debug)]
pub struct Heard {
    pub code: String,
    pub is_new: bool,
}

/// What each device of this broker was told since it last came.
#[derive(Default)]
struct Told(HashMap<String, HashSet<Uuid>>);

/// Publishes until the service stops.
pub async fn run(app: App, broker: String, client: Client, mut devices: mpsc::Receiver<Heard>) {
    let mut events = app.events.subscribe();
    let mut told = Told::default();
    loop {
        let wanted = tokio::select! {
            () = app.stop.cancelled() => return,
            heard = devices.recv() => match heard {
                Some(heard) => told.heard(heard),
                None => return,
            },
            event = events.recv() => match event {
                // Of no device in particular, as after hints were lost.
                Ok(Event::Device { code }) if code.is_empty() => told.all(),
                Ok(Event::Device { code }) => told.0.contains_key(&code).then_some(code).into_iter().collect(),
                Err(RecvError::Lagged(_)) => told.all(),
                _ => Vec::new(),
            },
            () = tokio::time::sleep(LOOK_EVERY) => told.all(),
        };
        if !wanted.is_empty()
            && let Err(error) = told.hand_over(&app, &client, &wanted).await
        {
            tracing::warn!(%error, broker, "commands cannot be read or noted yet");
        }
    }
}

impl Told {
    /// The device to look at, when it is new here.
    fn heard(&mut self, heard: Heard) -> Vec<String> {
        let Heard { code, is_new } = heard;
        if !is_new && self.0.contains_key(&code) {
            return Vec::new();
        }
        self.0.insert(code.clone(), HashSet::new());
        vec![code]
    }

    fn all(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    async fn hand_over(&mut self, app: &App, client: &Client, codes: &[String]) -> sqlx::Result<()> {
        let now = app.clock.now();
        let (mut after, mut has_room) = (None, true);
        while has_room {
            let page = in_time(store::due(&app.db.ingest, codes, now, after)).await?;
            after = page.last().map(Due::place);
            let is_last = page.len() < store::DUE;
            let sent;
            (sent, has_room) = self.publish(client, page, now);
            if !sent.is_empty() {
                metrics::counter!("sentinela_device_commands_total", "outcome" => "sent").increment(sent.len() as u64);
                let marked = in_time(store::mark_sent(&app.db.ingest, &sent, now)).await;
                marked.inspect_err(|_| self.take_back(&sent))?;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// What cannot be marked is told again, so that it is marked in the end.
    fn take_back(&mut self, sent: &[Due]) {
        for due in sent {
            if let Some(told) = self.0.get_mut(&due.code) {
                told.remove(&due.id);
            }
        }
    }

    /// Publishes what is news of a page. False when the link is full or gone; the next look finds the rest again.
    fn publish(&mut self, client: &Client, page: Vec<Due>, now: Instant) -> (Vec<Due>, bool) {
        let mut sent = Vec::new();
        for due in page {
            let Some(told) = self.0.get_mut(&due.code) else { continue };
            if told.contains(&due.id) {
                continue;
            }
            if client.try_publish(due.topic(), due.payload(now)).is_err() {
                return (sent, false);
            }
            told.insert(due.id);
            sent.push(due);
        }
        (sent, true)
    }
}
