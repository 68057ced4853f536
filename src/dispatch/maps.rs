//! The maps of letters. Letters that wait for them are claimed already, so all maps of one claim together have a bound far below a lease.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Instant;

/// Letters wait so long for all their maps.
const TOGETHER: Duration = Duration::from_secs(3);
/// A map that failed is not asked for again before this.
const REST: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

/// Those that failed lately, and when.
#[derive(Debug, Default)]
pub(super) struct Maps {
    failed: Mutex<HashMap<String, Instant>>,
}

impl Maps {
    /// The wanted maps that come in time, by identifier.
    pub async fn of<E: Display, F: Future<Output = Result<Bytes, E>>>(
        &self,
        now: Instant,
        wanted: &BTreeSet<&str>,
        draw: impl Fn(String) -> F,
    ) -> HashMap<String, Bytes> {
        self.within(TOGETHER, now, wanted, draw).await
    }

    #[expect(clippy::disallowed_methods, reason = "the clock of the timers themselves, which tests can hold")]
    async fn within<E: Display, F: Future<Output = Result<Bytes, E>>>(
        &self,
        bound: Duration,
        now: Instant,
        wanted: &BTreeSet<&str>,
        draw: impl Fn(String) -> F,
    ) -> HashMap<String, Bytes> {
        let end = tokio::time::Instant::now() + bound;
        let mut maps = HashMap::new();
        for identifier in self.hopeful(now, wanted) {
            match tokio::time::timeout_at(end, draw(identifier.clone())).await {
                Ok(Ok(map)) => {
                    maps.insert(identifier, map);
                    continue;
                }
                Ok(Err(error)) => tracing::warn!(%error, identifier, "letters leave without their map"),
                Err(_) => tracing::warn!(identifier, "letters leave without their map: it takes too long"),
            }
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(identifier, now);
            if tokio::time::Instant::now() >= end {
                // The others had no turn: they are asked for with the next letters.
                break;
            }
        }
        maps
    }

    /// Those that did not fail within the last minute.
    fn hopeful(&self, now: Instant, wanted: &BTreeSet<&str>) -> Vec<String> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, at| now - *at < REST);
        wanted.iter().filter(|identifier| !failed.contains_key(**identifier)).map(|known| (*known).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::clock::from_micros;

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    /// What is asked for in one go. `hangs` never comes and `breaks` fails at once.
    async fn asked(maps: &Maps, second: i64, wanted: &[&str], bound: Duration) -> (Vec<String>, Vec<String>) {
        let asked: Mutex<Vec<String>> = Mutex::default();
        let draw = |identifier: String| {
            asked.lock().unwrap().push(identifier.clone());
            async move {
                match identifier.as_str() {
                    name if name.starts_with("hangs") => pending().await,
                    "breaks" => Err("no"),
                    _ => Ok(Bytes::from_static(b"png")),
                }
            }
        };
        let wanted = wanted.iter().copied().collect();
        let mut came: Vec<String> = maps.within(bound, at(second), &wanted, draw).await.into_keys().collect();
        came.sort();
        (asked.into_inner().unwrap(), came)
    }

    #[tokio::test]
    async fn all_maps_together_have_one_bound() {
        let (maps, bound) = (Maps::default(), Duration::from_millis(20));
        let wanted = ["a", "hangs-1", "hangs-2", "hangs-3"];
        assert_eq!(asked(&maps, 0, &wanted, bound).await, (vec!["a".into(), "hangs-1".into()], vec!["a".into()]));
        // The one that held up the others does not do so again.
        assert_eq!(asked(&maps, 1, &wanted, bound).await.0, ["a", "hangs-2"]);
    }

    #[tokio::test]
    async fn a_map_that_failed_is_left_alone_for_a_minute() {
        let (maps, bound) = (Maps::default(), TOGETHER);
        assert_eq!(asked(&maps, 0, &["breaks", "c"], bound).await.0, ["breaks", "c"]);
        assert_eq!(asked(&maps, 59, &["breaks", "c"], bound).await.0, ["c"]);
        assert_eq!(asked(&maps, 60, &["breaks", "c"], bound).await.0, ["breaks", "c"]);
    }
}
