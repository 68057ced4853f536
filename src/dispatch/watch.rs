//! What ten people watch is counted once. Each alert's counts are kept for about a second; who asks meanwhile gets the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Turn;

use super::store::{tally, unreached};
use super::tally::Tally;
use super::unreached::Unreached;
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::ids::AlertId;

/// Alerts whose counts are kept; nobody watches more at a time.
const KEPT: usize = 64;
/// Whom nothing reached is found by reading every row, and moves slowly.
const UNREACHED_FOR: Duration = Duration::from_secs(60);

type Place<T> = Arc<Turn<Option<(Stopwatch, Arc<T>)>>>;

/// Kept counts, by alert.
#[derive(Debug)]
struct Kept<T>(Mutex<HashMap<AlertId, Place<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    fn place(&self, alert: AlertId) -> Place<T> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT && !places.contains_key(&alert) {
            // Nobody is lost by it: whoever watches one of these counts once more.
            places.clear();
        }
        Arc::clone(places.entry(alert).or_default())
    }
}

/// What watchers of deliveries are shown. Whoever asks holds no connection of the pool meanwhile: those who wait for a count would keep
/// the one who makes it from getting one.
#[derive(Debug, Default)]
pub struct Watch {
    tallies: Kept<Tally>,
    unreached: Kept<Unreached>,
}

impl Watch {
    /// How an alert's messages fare, at most `dispatch.progress_every_ms` old. `None` when there is no such alert.
    ///
    /// # Errors
    /// The database's.
    pub async fn tally(&self, app: &App, alert: AlertId) -> sqlx::Result<Option<Arc<Tally>>> {
        let good_for = Duration::from_millis(app.config.dispatch.progress_every_ms.into());
        let place = self.tallies.place(alert);
        // Whoever comes while somebody counts waits for that count.
        let mut kept = place.lock().await;
        if let Some((age, tally)) = kept.as_ref()
            && age.elapsed() < good_for
        {
            return Ok(Some(Arc::clone(tally)));
        }
        let mut conn = app.db.web.acquire().await?;
        let Some(fresh) = tally::read(&mut conn, app.clock.now(), alert).await? else { return Ok(None) };
        let fresh = Arc::new(fresh);
        *kept = Some((Stopwatch::start(), Arc::clone(&fresh)));
        Ok(Some(fresh))
    }

    /// Whom nothing of an alert has reached, at most a minute old, with when it was counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn unreached(&self, app: &App, alert: AlertId) -> sqlx::Result<Arc<Unreached>> {
        let good_for = UNREACHED_FOR.min(Duration::from_millis(u64::from(app.config.dispatch.progress_every_ms) * 60));
        let place = self.unreached.place(alert);
        let mut kept = place.lock().await;
        if let Some((age, found)) = kept.as_ref()
            && age.elapsed() < good_for
        {
            return Ok(Arc::clone(found));
        }
        let now: Instant = app.clock.now();
        let mut conn = app.db.web.acquire().await?;
        let fresh = Arc::new(unreached::find(&mut conn, now, alert).await?);
        *kept = Some((Stopwatch::start(), Arc::clone(&fresh)));
        Ok(fresh)
    }
}
