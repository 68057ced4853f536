//! Runs the client library's connection so that it never sleeps over work.
//!
//! One poll of it takes at most five commands of ours and then reads what the centre says. When the answers to all it wrote are
//! read in that same poll, as those of a near and fast centre are, it goes to sleep with commands left and nobody to wake it
//! before its next `enquire_link`, half a minute later (rusmppc 0.4.0, `Connection::poll`). So whoever reads looks once more.
//!
//! It also knows no answer to `data_sm`. The answer to `deliver_sm` has the same fields (SMPP 3.4, sections 4.6.2 and 4.7.2), so it is
//! given that one, and where the centre asked by `data_sm`, the command's id is changed as it is written.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use rusmppc::{Client, ConnectionBuilder, Event};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::failpoint::{self, Place};

/// Commands that are written by nobody, such as those that forget an answer, wait no longer than this for the next look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Sequence numbers of the `data_sm` that wait for an answer, at most [`MOST_OPEN`].
#[derive(Clone, Debug, Default)]
pub struct DataSms(Arc<Mutex<BTreeSet<u32>>>);

/// A centre that sends more of them and waits for no answer is answered as if it had asked by `deliver_sm`.
const MOST_OPEN: usize = 10_000;

impl DataSms {
    /// The answer to this sequence number is one to `data_sm`.
    pub fn came(&self, sequence: u32) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < MOST_OPEN {
            open.insert(sequence);
        }
    }

    fn is_open(&self, sequence: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&sequence)
    }

    fn answered(&self, sequence: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&sequence);
    }
}

/// A client on this connection, which lives as long as the client and the centre want.
pub fn attach<S>(builder: ConnectionBuilder, stream: S) -> (Client, Events, DataSms)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let data_sms = DataSms::default();
    let stream = LooksAgain { stream, answers: Answers { open: data_sms.clone(), ..Answers::default() } };
    let (client, events, connection) = builder.no_spawn().connected(stream);
    tokio::spawn(async move {
        let mut connection = std::pin::pin!(connection);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut connection => return,
                _ = look.tick() => {}
            }
        }
    });
    (client, Box::pin(events), data_sms)
}

/// A stream whose reader is woken again after each read that brought something.
struct LooksAgain<S> {
    stream: S,
    answers: Answers,
}

/// Length, id, status and sequence number (SMPP 3.4, section 3.2).
const HEAD: usize = 16;
const SUBMIT_SM: [u8; 4] = [0, 0, 0, 0x04];
const DELIVER_SM_RESP: [u8; 4] = [0x80, 0, 0, 0x05];
const DATA_SM_RESP: [u8; 4] = [0x80, 0, 0x01, 0x03];

/// Where in the commands the writing stands. The library hands over whole commands one after the other; of what was not taken it hands
/// over the rest.
#[derive(Debug, Default)]
struct Answers {
    open: DataSms,
    /// Octets of the command under way that go as they are.
    rest: usize,
    /// The head that is being written in the place of the library's, and how much of it is.
    head: Option<([u8; HEAD], usize)>,
}

/// What is written next.
enum Next {
    /// So many octets as they are.
    Plain(usize),
    /// A part of the head in the place of the same part.
    Head([u8; HEAD], usize),
}

impl Answers {
    /// Whether what comes now is a command of this kind from its beginning.
    fn begins(&self, octets: &[u8], id: [u8; 4]) -> bool {
        self.rest == 0 && self.head.is_none() && octets.get(4..8) == Some(&id[..])
    }

    fn next(&mut self, octets: &[u8]) -> Next {
        if let Some((head, at)) = self.head {
            return Next::Head(head, at);
        }
        let mut plain = self.rest;
        while let Some(command) = octets.get(plain..).filter(|command| command.len() >= HEAD) {
            let (length, sequence) = (word(command, 0), word(command, 12));
            if command[4..8] == DELIVER_SM_RESP && self.open.is_open(sequence) {
                if plain > 0 {
                    break;
                }
                let mut head = [0; HEAD];
                head.copy_from_slice(&command[..HEAD]);
                head[4..8].copy_from_slice(&DATA_SM_RESP);
                self.head = Some((head, 0));
                return Next::Head(head, 0);
            }
            plain += (length as usize).max(HEAD);
        }
        // Less than a head is no command of ours to change.
        Next::Plain(if plain == 0 { octets.len() } else { plain.min(octets.len()) })
    }

    /// So many of the octets were taken.
    fn written(&mut self, octets: &[u8], taken: usize) {
        if let Some((head, at)) = &mut self.head {
            *at += taken;
            if *at == HEAD {
                self.open.answered(word(head, 12));
                self.rest = (word(head, 0) as usize).saturating_sub(HEAD);
                self.head = None;
            }
            return;
        }
        let mut at = self.rest;
        while at < taken {
            at += octets.get(at..at + HEAD).map_or(taken - at, |command| (word(command, 0) as usize).max(HEAD));
        }
        self.rest = at - taken;
    }
}

fn word(octets: &[u8], at: usize) -> u32 {
    octets.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

impl<S: AsyncRead + Unpin> AsyncRead for LooksAgain<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            cx.waker().wake_by_ref();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LooksAgain<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if octets.is_empty() {
            return Pin::new(&mut self.stream).poll_write(cx, octets);
        }
        let is_submit = self.answers.begins(octets, SUBMIT_SM);
        let written = match self.answers.next(octets) {
            Next::Plain(count) => Pin::new(&mut self.stream).poll_write(cx, &octets[..count]),
            Next::Head(head, at) => Pin::new(&mut self.stream).poll_write(cx, &head[at..]),
        };
        if let Poll::Ready(Ok(taken)) = written {
            self.answers.written(octets, taken);
            if is_submit && self.answers.rest == 0 {
                failpoint::reach_now(Place::DispatchPduAfter);
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use futures_util::StreamExt as _;
    use futures_util::future::join_all;
    use futures_util::stream::FuturesUnordered;
    use rusmpp::pdus::SubmitSm;

    use super::*;

    /// A centre that has answered before the write returns.
    #[derive(Default)]
    struct Nearby {
        answers: VecDeque<u8>,
        waiting: Option<Waker>,
    }

    impl AsyncRead for Nearby {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if self.answers.is_empty() {
                self.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let octets: Vec<u8> = self.answers.drain(..).collect();
            buffer.put_slice(&octets);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Nearby {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
            // One PDU at a time, as the library flushes them: its sequence number, in an answer "0" to `submit_sm`.
            let sequence = &octets[12..16];
            let head = [0, 0, 0, 18, 0x80, 0, 0, 4, 0, 0, 0, 0];
            self.answers.extend(head.iter().chain(sequence).chain(b"0\0"));
            self.waiting.take().into_iter().for_each(Waker::wake);
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn looking<S>(stream: S, open: &DataSms) -> LooksAgain<S> {
        LooksAgain { stream, answers: Answers { open: open.clone(), ..Answers::default() } }
    }

    /// Takes so many octets at a time.
    struct Narrow(usize, Vec<u8>);

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
            let taken = octets.len().min(self.0);
            self.1.extend_from_slice(&octets[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn command(id: [u8; 4], sequence: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEAD + body.len()).unwrap();
        [&length.to_be_bytes()[..], &id, &[0; 4], &sequence.to_be_bytes(), body].concat()
    }

    #[tokio::test]
    async fn only_the_answer_to_a_data_sm_bears_another_id_however_the_octets_are_taken() {
        use tokio::io::AsyncWriteExt as _;

        let submit = command([0, 0, 0, 4], 8, b"a submit_sm whose words name \x80\0\0\x05");
        let commands = |second: [u8; 4]| {
            let answers =
                [command(DELIVER_SM_RESP, 7, b"\0"), command(second, 8, b"\0"), command(DELIVER_SM_RESP, 9, b"\0")];
            [&submit[..], &answers.concat(), &submit].concat()
        };
        for taken in 1..40 {
            let open = DataSms::default();
            open.came(8);
            let mut stream = looking(Narrow(taken, Vec::new()), &open);
            stream.write_all(&commands(DELIVER_SM_RESP)).await.unwrap();
            assert_eq!(stream.stream.1, commands(DATA_SM_RESP), "{taken} at a time");
            assert!(!open.is_open(8), "it is answered once");
        }
    }

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn no_command_is_left_when_a_near_centre_answers_at_once() {
        let (client, _events, connection) =
            ConnectionBuilder::new().no_spawn().connected(looking(Nearby::default(), &DataSms::default()));
        let submits = (0..32).map(|_| async {
            client.submit_sm(SubmitSm::default()).await.unwrap();
        });
        let everything = async {
            join_all(submits).await;
            client.close().await.unwrap();
        };
        // Each has a waker of its own there, as tasks have.
        let mut tasks: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>> = FuturesUnordered::new();
        tasks.push(Box::pin(everything));
        tasks.push(Box::pin(connection));
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        while woken.0.swap(false, Ordering::SeqCst) {
            while let Poll::Ready(ended) = tasks.poll_next_unpin(&mut Context::from_waker(&waker)) {
                if ended.is_none() {
                    return;
                }
            }
        }
        panic!("asleep with messages that nobody sends");
    }
}
