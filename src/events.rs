//! What changed, told to whoever watches. The hint is sent inside the transaction of the change (NOTIFY is delivered at
//! commit), fans out to every process, and carries only an id: whoever hears it reads the state itself.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::sync::broadcast;

/// The NOTIFY channel.
pub const CHANNEL: &str = "sentinela";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Readings were appended to the journal: the evaluator's wake-up call.
    Journal,
    /// Levels of some areas changed.
    Levels,
    Alert {
        id: uuid::Uuid,
    },
    /// Outbox rows are due: the dispatchers' wake-up call.
    Outbox,
    /// Delivery states of an alert moved.
    Delivery {
        alert_id: uuid::Uuid,
    },
    Incident {
        id: uuid::Uuid,
    },
    /// An exercise was planned, run or reported, or the next of its injects is due.
    Exercise {
        id: uuid::Uuid,
    },
    /// People reported something, or what they reported was judged.
    Occurrence {
        id: uuid::Uuid,
    },
    /// Faults of stations or tasks of maintenance moved.
    Maintenance,
    /// Stations, streams, areas or residents changed: caches reload.
    Catalogue,
    /// A version of a rule came, moved on in its life, or was compared.
    Rules,
    /// Devices or their secrets changed: whoever lets them in reads them anew.
    Devices,
    /// Outside warnings came, or changed what they are to this town.
    Warning,
    /// Somebody's sign-in, role, session or token changed: open streams ask again who is listening.
    Access,
    /// A command of a device was issued, handed over, answered or ended. An empty code is of none in particular: whoever hears it looks at
    /// all of them.
    Device {
        code: String,
    },
    /// Somebody asked for a check of the audit.
    AuditCheck,
}

/// Tells everyone once the surrounding transaction commits. Changes of the catalogue are counted too: whoever missed a hint finds
/// that he did.
pub async fn notify(conn: &mut PgConnection, event: &Event) -> sqlx::Result<()> {
    if *event == Event::Catalogue {
        sqlx::query!("update catalogue_version set version = version + 1").execute(&mut *conn).await?;
    }
    let payload = serde_json::to_string(event).unwrap_or_default();
    sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(conn).await?;
    Ok(())
}

/// In-process end of the channel.
#[derive(Clone, Debug)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Events {
    /// A watcher that lags is told so (`RecvError::Lagged`) and must read the whole state again.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    pub fn send(&self, event: Event) {
        // No watcher is a normal state.
        let _ = self.0.send(event);
    }
}
