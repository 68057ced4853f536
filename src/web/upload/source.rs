//! The body of a form as it is read: chunk by chunk and no farther than it is asked for, and at no less than a least rate, so
//! that whoever sends nothing holds nothing for long. A telephone on a bad line may pause.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::Sleep;

use crate::clock::Stopwatch;

/// How long somebody may send nothing, when they sent fast enough before.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes a second in the long run.
const LEAST_RATE: u32 = 1024;

/// The sender is slower than the least rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sender is slower than {LEAST_RATE} bytes a second")]
pub struct TooSlow;

/// What is left of the time that may be spent waiting for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowance(Duration);

impl Allowance {
    fn waited(&mut self, time: Duration) {
        self.0 = self.0.saturating_sub(time);
    }

    fn brought(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / f64::from(LEAST_RATE));
        self.0 = (self.0 + earned).min(PAUSE);
    }
}

/// A body, and how long its sender has been waited for.
#[derive(Debug)]
pub struct Source {
    body: BodyDataStream,
    allowance: Allowance,
    waiting: Option<(Stopwatch, Pin<Box<Sleep>>)>,
    /// The reader of forms takes all that is there whenever it asks; it is told to wait after each chunk, so that what it has
    /// not looked at stays with the sender.
    has_given: bool,
}

/// A body that is read as a stream, and afterwards to its end by somebody else.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<Source>>);

impl Shared {
    pub fn new(body: Body) -> Self {
        let body = body.into_data_stream();
        Self(Arc::new(Mutex::new(Source { body, allowance: Allowance(PAUSE), waiting: None, has_given: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes, until it ends or comes too slowly.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
        let source = self.clone();
        stream::poll_fn(move |context| source.lock().poll(context))
    }

    /// The sender was not listened to meanwhile, and has not kept anybody waiting.
    pub fn was_busy(&self) {
        self.lock().waiting = None;
    }

    /// Reads and drops what is left, so much and so long at most.
    pub async fn drop_rest(&self, most_bytes: usize, most_time: Duration) {
        let reading = async {
            let mut left = most_bytes;
            let mut rest = stream::poll_fn(|context| self.lock().body.poll_next_unpin(context));
            while let Some(Ok(bytes)) = rest.next().await {
                left = left.saturating_sub(bytes.len());
                if left == 0 {
                    break;
                }
            }
        };
        // Whoever is slower than that has to live with the cut.
        let _ = tokio::time::timeout(most_time, reading).await;
    }
}

impl Source {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(item) = self.body.poll_next_unpin(context) else {
            let most = self.allowance.0;
            let waiting = || (Stopwatch::start(), Box::pin(tokio::time::sleep(most)));
            let (_, sleep) = self.waiting.get_or_insert_with(waiting);
            ready!(sleep.as_mut().poll(context));
            return Poll::Ready(Some(Err(TooSlow.into())));
        };
        if let Some((since, _)) = self.waiting.take() {
            self.allowance.waited(since.elapsed());
        }
        if let Some(Ok(bytes)) = &item {
            self.allowance.brought(bytes.len());
            self.has_given = true;
        }
        Poll::Ready(item.map(|result| result.map_err(Into::into)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_slow_line_lasts_as_long_as_it_brings_the_least_rate() {
        let mut allowance = Allowance(PAUSE);
        for _ in 0..1000 {
            allowance.waited(Duration::from_secs(1));
            allowance.brought(LEAST_RATE as usize);
        }
        assert_eq!(allowance.0, PAUSE);
        // A drop now and then is not enough, however long it goes on.
        let drops = (0..1000).take_while(|_| {
            allowance.waited(Duration::from_secs(10));
            let is_patient = !allowance.0.is_zero();
            allowance.brought(100);
            is_patient
        });
        assert_eq!(drops.count(), 3);
        allowance.brought(100 * 1024 * 1024);
        assert_eq!(allowance.0, PAUSE, "nothing is saved up");
    }

    #[tokio::test]
    async fn a_sender_who_falls_silent_is_ended_and_one_who_was_not_listened_to_is_not() {
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"begun"))]);
        let source = Shared::new(Body::from_stream(begun.chain(stream::pending())));
        source.lock().allowance = Allowance(Duration::ZERO);
        let mut read = Box::pin(source.stream());
        assert_eq!(read.next().await.unwrap().unwrap(), "begun");
        assert!(read.next().now_or_never().is_none(), "one chunk at a time");
        assert!(source.lock().waiting.is_none());
        assert!(read.next().now_or_never().is_none(), "now it waits for the sender");
        assert!(source.lock().waiting.is_some());
        source.was_busy();
        assert!(source.lock().waiting.is_none());
        // Five bytes have earned some thousandths of a second.
        let ended = read.next().await.unwrap().unwrap_err();
        assert!(ended.is::<TooSlow>(), "{ended}");
    }
}
