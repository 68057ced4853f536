//! What devices say of themselves, and their answers to commands: written in batches, answered after the commit.
//!
//! As with the journal there is no timer: while one batch is being committed the next gathers, so ten thousand devices that
//! come back at once make some dozens of transactions, and a lone one waits for nobody.
//!
//! While the database is away, what came straight from a device is refused: the device keeps its message and comes again. What
//! came through a broker is held and tried again, because a broker sends a message once a connection: one that is never
//! acknowledged would take a place among those under way until the connection ends. A link holds as many words as the broker
//! may have under way, so that is the bound.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::formats::Problem;
use super::formats::status::Status;
use super::{IngestError, IngestHandle, Quarantined, Source};
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::fleet::command::{Ack, MAX_ACK_BYTES, clock_offset_ms, parse_ack};
use crate::fleet::downlink::{Address, Word as DownlinkWord};
use crate::fleet::store as commands;
use crate::fleet::store::report::Word;
use crate::ids::DeviceId;

/// Words that wait; beyond it the doors are not read on.
const QUEUE: usize = 4096;
/// Words in one transaction, beside those that were held.
const BATCH: usize = 1000;
/// Wait before what is held is tried again; doubles up to `RETRY_MAX`.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What a device said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// `is_direct`: it came straight from the device, so that its clock can be held against ours.
    Status {
        status: Status,
        is_direct: bool,
    },
    Answer(Ack),
    /// Of a command on its way through a network server, which says it in the device's place.
    Downlink {
        broker: String,
        address: Address,
        word: DownlinkWord,
    },
}

/// Whether the service knew what was spoken of: a command that is none of the device's is not known.
pub type Known = bool;

#[derive(Debug)]
struct Waiting {
    device: DeviceId,
    said: Said,
    at: Instant,
    when_away: WhenAway,
    done: oneshot::Sender<Result<Known, IngestError>>,
}

/// What becomes of a word while the database is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenAway {
    /// Whoever sent it has it still.
    Refuse,
    /// It is tried again until it is written or the service stops.
    Hold,
}

/// The doors' end.
#[derive(Clone, Debug)]
pub struct Reports(mpsc::Sender<Waiting>);

/// The writer's end.
#[derive(Debug)]
pub struct Queue(mpsc::Receiver<Waiting>);

pub fn channel() -> (Reports, Queue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Reports(sender), Queue(receiver))
}

impl Reports {
    /// Takes a place in the queue, waiting for room; the answer is awaited apart. The word is held until it is written.
    ///
    /// # Errors
    /// `Stopping`.
    pub async fn enqueue(
        &self,
        device: DeviceId,
        said: Said,
        at: Instant,
    ) -> Result<oneshot::Receiver<Result<Known, IngestError>>, IngestError> {
        self.hand_in(device, said, at, WhenAway::Hold).await
    }

    /// Resolves after the commit.
    ///
    /// # Errors
    /// Nothing was stored.
    pub async fn submit(&self, device: DeviceId, said: Said, at: Instant) -> Result<Known, IngestError> {
        self.hand_in(device, said, at, WhenAway::Refuse).await?.await.map_err(|_| IngestError::Stopping)?
    }

    async fn hand_in(
        &self,
        device: DeviceId,
        said: Said,
        at: Instant,
        when_away: WhenAway,
    ) -> Result<oneshot::Receiver<Result<Known, IngestError>>, IngestError> {
        let (done, answer) = oneshot::channel();
        self.0.send(Waiting { device, said, at, when_away, done }).await.map_err(|_| IngestError::Stopping)?;
        Ok(answer)
    }
}

/// Writes until the service stops and the queue is empty.
pub async fn run(app: &App, mut queue: Queue) {
    let (mut held, mut wait) = (Vec::new(), RETRY_FIRST);
    loop {
        if !held.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
                () = app.stop.cancelled() => {}
            }
        }
        let batch = next_batch(app, &mut queue, std::mem::take(&mut held)).await;
        if batch.is_empty() {
            return;
        }
        metrics::histogram!("sentinela_device_reports_batch").record(batch.len() as f64);
        held = store(app, batch).await;
        if held.is_empty() {
            wait = RETRY_FIRST;
        } else if app.stop.is_cancelled() {
            return refuse(held, "stopping without the database");
        }
    }
}

/// What was held, in its order, and behind it what waits. Empty when the service stops and nothing is left.
async fn next_batch(app: &App, queue: &mut Queue, held: Vec<Waiting>) -> Vec<Waiting> {
    let (mut batch, only_look) = (held, std::future::ready(()));
    let has_held = !batch.is_empty();
    tokio::select! {
        biased;
        _ = queue.0.recv_many(&mut batch, BATCH) => {}
        () = app.stop.cancelled() => {
            queue.0.close();
            queue.0.recv_many(&mut batch, BATCH).await;
        }
        () = only_look, if has_held => {}
    }
    batch
}

/// Writes a batch and answers whoever handed it in. Gives back, in their order, the words to try again.
async fn store(app: &App, batch: Vec<Waiting>) -> Vec<Waiting> {
    match in_time(write(app, &batch)).await {
        Ok(known) => answer(batch, known),
        Err(error) if !blames_a_word(&error) => {
            tracing::warn!(%error, words = batch.len(), "what devices say of themselves cannot be stored; not acknowledged");
            let (held, refused) = batch.into_iter().partition(|waiting| waiting.when_away == WhenAway::Hold);
            refuse(refused, &error.to_string());
            return held;
        }
        Err(error) if batch.len() == 1 => {
            tracing::error!(%error, ?batch, "the database refuses what a device said of itself; it is left out");
            metrics::counter!("sentinela_device_reports_left_out_total").increment(1);
            answer(batch, vec![true]);
        }
        Err(_) => {
            // One bad word holds nobody back.
            let mut held = Vec::new();
            for waiting in batch {
                held.append(&mut Box::pin(store(app, vec![waiting])).await);
            }
            return held;
        }
    }
    Vec::new()
}

fn refuse(batch: Vec<Waiting>, why: &str) {
    for waiting in batch {
        let _ = waiting.done.send(Err(IngestError::Journal(why.to_owned())));
    }
}

/// Classes 22 (data exception) and 23 (integrity constraint violation) speak of a row; all else of the database.
fn blames_a_word(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|database| database.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Takes the word of a device on a command; what cannot be one, or is none of its commands, goes to quarantine, so that the
/// device gets rid of it.
///
/// # Errors
/// Nothing was stored.
pub async fn take_answer(
    ingest: &IngestHandle,
    device: DeviceId,
    payload: &[u8],
    whence: Whence<'_>,
    now: Instant,
) -> Result<(), IngestError> {
    let problem = match parse_ack(payload) {
        Ok(ack) => {
            let id = ack.id.to_string();
            if ingest.reports().submit(device, Said::Answer(ack), now).await? {
                return Ok(());
            }
            Problem::new("id", &id, "the device has no such command")
        }
        Err(problem) => problem,
    };
    ingest.submit_when_free(Vec::new(), refused(&[problem], payload, whence)).await.map(|_| ())
}

/// Where a message came in, of which device, on which topic.
pub type Whence<'a> = (Source, &'a str, &'a str);

/// What is wrong in a message, for quarantine.
pub fn refused(problems: &[Problem], payload: &[u8], (source, code, topic): Whence<'_>) -> Vec<Quarantined> {
    let kept = &payload[..payload.len().min(MAX_ACK_BYTES)];
    let row = |problem: &Problem| Quarantined {
        source,
        device: Some(code.to_owned()),
        topic: Some(topic.to_owned()),
        payload: kept.to_vec(),
        reason: problem.message.clone(),
        field: problem.field.clone(),
        value: problem.value.clone(),
    };
    problems.iter().map(row).collect()
}

fn answer(batch: Vec<Waiting>, known: Vec<Known>) {
    for (waiting, known) in batch.into_iter().zip(known) {
        // Whoever asked may be gone; it is stored all the same.
        let _ = waiting.done.send(Ok(known));
    }
}

async fn write(app: &App, batch: &[Waiting]) -> sqlx::Result<Vec<Known>> {
    let mut tx = app.db.ingest.begin().await?;
    let words = joined(batch);
    if !words.is_empty() {
        commands::report::write(&mut tx, &words).await?;
    }
    let mut known = Vec::with_capacity(batch.len());
    for waiting in batch {
        known.push(match &waiting.said {
            Said::Status { .. } => true,
            Said::Answer(ack) => commands::answer(&mut tx, waiting.device, ack, waiting.at).await?,
            Said::Downlink { broker, address, word } => {
                commands::downlink::take(&mut tx, waiting.device, (broker, address), word, waiting.at).await?
            }
        });
    }
    tx.commit().await?;
    Ok(known)
}

/// One word a device, whatever it said in this batch.
fn joined(batch: &[Waiting]) -> HashMap<DeviceId, Word> {
    let mut words: HashMap<DeviceId, Word> = HashMap::new();
    for waiting in batch {
        let Said::Status { status, is_direct } = &waiting.said else { continue };
        let offset = clock_offset_ms(waiting.at, status.at.filter(|_| *is_direct));
        let word = words.entry(waiting.device).or_default();
        if offset.is_some() {
            (word.clock_offset_ms, word.clock_at) = (offset, Some(waiting.at));
        }
        word.received_at = waiting.at;
        word.status.join(status.clone());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_of_one_device_become_one() {
        let at: Instant = "2026-02-22T12:00:00Z".parse().unwrap();
        let said = |status: Status, is_direct| {
            let (done, _) = oneshot::channel();
            let said = Said::Status { status, is_direct };
            Waiting { device: DeviceId(1), said, at, when_away: WhenAway::Refuse, done }
        };
        let firmware = Status { firmware: Some("1.2".into()), at: Some(at), online: true, ..Status::default() };
        let late = "2026-02-22T11:59:57Z".parse().ok();
        let battery = Status { battery_pct: Some(50.0), at: late, ..Status::default() };
        let words = joined(&[said(firmware.clone(), false), said(battery, true), said(Status::default(), true)]);
        let word = &words[&DeviceId(1)];
        assert_eq!(words.len(), 1);
        assert_eq!((word.status.firmware.as_deref(), word.status.battery_pct), (Some("1.2"), Some(50.0)));
        assert_eq!((word.clock_offset_ms, word.clock_at, word.status.at), (Some(3000), Some(at), late));
        assert_eq!(joined(&[said(firmware, false)])[&DeviceId(1)].clock_offset_ms, None);
    }
}
