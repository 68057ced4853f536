//! Tells a watcher outside that all is well. It is told nothing when it is not: the watcher alarms by the silence, so a machine that
//! burned down is noticed as well as a queue that stands still.

use std::time::Duration;

use crate::app::App;
use crate::clock::Stopwatch;

/// A beat may be so much early: it falls on a look, and one that missed its time by a moment would wait for another whole look.
const EARLY: Duration = Duration::from_secs(7);

/// Beats once in about `heartbeat.every_s`.
#[derive(Debug, Default)]
pub struct Heartbeat {
    sent: Option<Stopwatch>,
    is_heard: bool,
}

impl Heartbeat {
    /// Called after a round whose accounts were proved. Gives whether the watcher heard it; `None` when no beat was due.
    pub async fn beat(&mut self, app: &App) -> Option<bool> {
        let config = &app.config.heartbeat;
        let every = Duration::from_secs(config.every_s.into());
        if config.url.is_empty() || self.sent.is_some_and(|sent| !is_due(sent.elapsed(), every)) {
            return None;
        }
        let told = app.outbound.get(&config.url).await;
        let why = match told {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status)),
            Err(error) => Some(error.to_string()),
        };
        let outcome = if why.is_none() { "heard" } else { "failed" };
        metrics::counter!("sentinela_heartbeats_total", "outcome" => outcome).increment(1);
        match why {
            None => {
                self.sent = Some(Stopwatch::start());
                self.is_heard = true;
                let at = app.clock.now().timestamp() as f64;
                metrics::gauge!("sentinela_heartbeat_success_timestamp_seconds").set(at);
                Some(true)
            }
            Some(why) => {
                if std::mem::take(&mut self.is_heard) {
                    tracing::warn!(why, "the watcher outside does not hear the heartbeat; it is tried again");
                }
                Some(false)
            }
        }
    }
}

fn is_due(elapsed: Duration, every: Duration) -> bool {
    elapsed + EARLY >= every
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_falls_on_the_look_that_is_nearest_and_not_on_the_one_after_it() {
        let minute = Duration::from_secs(60);
        // The answer to the beat before came a moment after its look.
        assert!(is_due(Duration::from_millis(59_900), minute));
        assert!(!is_due(Duration::from_millis(44_900), minute) && !is_due(Duration::ZERO, Duration::from_secs(15)));
    }
}
