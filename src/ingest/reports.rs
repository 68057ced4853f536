//! What devices say of themselves, and their answers to commands: written in batches, answered after the commit.
//!
//! As with the journal there is no timer: while one batch is being committed the next gathers, so ten thousand devices that
//! come back at once make some dozens of transactions, and a lone one waits for nobody. What cannot be written is refused,
//! not held: the device keeps its message and comes again.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use super::formats::Problem;
use super::formats::status::Status;
use super::{IngestError, IngestHandle, Quarantined, Source};
use crate::app::App;
use crate::clock::Instant;
use crate::fleet::command::{Ack, MAX_ACK_BYTES, clock_offset_ms, parse_ack};
use crate::fleet::store::report::Word;
use crate::fleet::store::{self};
use crate::ids::DeviceId;

/// Words that wait; beyond it the doors are not read on.
const QUEUE: usize = 4096;
/// Words in one transaction.
const BATCH: usize = 1000;

/// What a device said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// `is_direct`: it came straight from the device, so that its clock can be held against ours.
    Status {
        status: Status,
        is_direct: bool,
    },
    Answer(Ack),
}

/// Whether the service knew what was spoken of: a command that is none of the device's is not known.
pub type Known = bool;

#[derive(Debug)]
struct Waiting {
    device: DeviceId,
    said: Said,
    at: Instant,
    done: oneshot::Sender<Result<Known, IngestError>>,
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
    /// Takes a place in the queue, waiting for room; the answer is awaited apart.
    ///
    /// # Errors
    /// `Stopping`.
    pub async fn enqueue(
        &self,
        device: DeviceId,
        said: Said,
        at: Instant,
    ) -> Result<oneshot::Receiver<Result<Known, IngestError>>, IngestError> {
        let (done, answer) = oneshot::channel();
        self.0.send(Waiting { device, said, at, done }).await.map_err(|_| IngestError::Stopping)?;
        Ok(answer)
    }

    /// Resolves after the commit.
    ///
    /// # Errors
    /// Nothing was stored.
    pub async fn submit(&self, device: DeviceId, said: Said, at: Instant) -> Result<Known, IngestError> {
        self.enqueue(device, said, at).await?.await.map_err(|_| IngestError::Stopping)?
    }
}

/// Writes until the service stops and the queue is empty.
pub async fn run(app: &App, mut queue: Queue) {
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            _ = queue.0.recv_many(&mut batch, BATCH) => {}
            () = app.stop.cancelled() => {
                queue.0.close();
                queue.0.recv_many(&mut batch, BATCH).await;
            }
        }
        if batch.is_empty() {
            return;
        }
        let written = write(app, &batch).await;
        metrics::histogram!("sentinela_device_reports_batch").record(batch.len() as f64);
        match written {
            Ok(known) => answer(batch, known),
            Err(error) => {
                tracing::warn!(%error, words = batch.len(), "what devices say of themselves cannot be stored; not acknowledged");
                for waiting in batch {
                    let _ = waiting.done.send(Err(IngestError::Journal(error.to_string())));
                }
            }
        }
    }
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
        store::report::write(&mut tx, &words).await?;
    }
    let mut known = Vec::with_capacity(batch.len());
    for waiting in batch {
        known.push(match &waiting.said {
            Said::Status { .. } => true,
            Said::Answer(ack) => store::answer(&mut tx, waiting.device, ack, waiting.at).await?,
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
        word.clock_offset_ms = offset.or(word.clock_offset_ms);
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
            Waiting { device: DeviceId(1), said: Said::Status { status, is_direct }, at, done }
        };
        let firmware = Status { firmware: Some("1.2".into()), at: Some(at), online: true, ..Status::default() };
        let late = "2026-02-22T11:59:57Z".parse().ok();
        let battery = Status { battery_pct: Some(50.0), at: late, ..Status::default() };
        let words = joined(&[said(firmware.clone(), false), said(battery, true), said(Status::default(), true)]);
        let word = &words[&DeviceId(1)];
        assert_eq!(words.len(), 1);
        assert_eq!((word.status.firmware.as_deref(), word.status.battery_pct), (Some("1.2"), Some(50.0)));
        assert_eq!((word.clock_offset_ms, word.status.at), (Some(3000), late));
        assert_eq!(joined(&[said(firmware, false)])[&DeviceId(1)].clock_offset_ms, None);
    }
}
