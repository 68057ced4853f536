//! Sets the clock of a running service ahead, for walks that follow a procedure over a weekend, a holiday or the end of a year: a
//! deadline of twenty working days cannot be waited for.
//!
//! Only builds with debug assertions have it. In a release build [`arm`] gives the clock back as it is, and the variable is said to be
//! ignored. docs/faults.md tells how it is used.
//!
//! `SENTINELA_CLOCK_SOCKET=/tmp/walk/clock`: the service listens there. Whoever connects writes an instant as RFC 3339 says and a line
//! feed, and reads what the clock shows now, or `refused: …`. When the answer comes the clock is set, and whoever waits by [`Rest`] looks
//! again. A clock never goes back.

/// The environment variable that names the socket.
pub const VARIABLE: &str = "SENTINELA_CLOCK_SOCKET";

#[cfg(debug_assertions)]
pub use armed::{Door, Leaps, Rest, arm};
#[cfg(not(debug_assertions))]
pub use unarmed::{Door, Rest, arm};

#[cfg(debug_assertions)]
mod armed {
    use std::io;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use anyhow::Context as _;
    use chrono::{DateTime, SecondsFormat};
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::VARIABLE;
    use crate::clock::{Clock, Instant, from_micros};

    /// Why the clock is not set.
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum Wrong {
        #[error("{0:?} is no instant; expected one as RFC 3339 writes it, such as 2029-12-17T10:00:00-03:00")]
        Form(String),
        #[error("the clock shows {shows} and never goes back to {asked}")]
        Behind { asked: String, shows: String },
    }

    fn written(at: Instant) -> String {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// A clock that can be set ahead of the one beneath it.
    #[derive(Debug)]
    pub struct Leaps {
        beneath: Clock,
        /// Microseconds; none before the first leap.
        ahead: AtomicI64,
        leapt: watch::Sender<()>,
    }

    impl Leaps {
        pub fn over(beneath: Clock) -> Self {
            Self { beneath, ahead: AtomicI64::new(0), leapt: watch::Sender::new(()) }
        }

        pub fn now(&self) -> Instant {
            match self.ahead.load(Ordering::SeqCst) {
                0 => self.beneath.now(),
                ahead => from_micros(self.present().timestamp_micros().saturating_add(ahead)),
            }
        }

        /// What is added to. A past that is still played is leapt over: at its speed days would go by within seconds.
        fn present(&self) -> Instant {
            match &self.beneath {
                Clock::Staged(_) => Clock::System.now(),
                other => other.now(),
            }
        }

        /// Sets the clock to `asked` and wakes whoever rests. Gives what it shows then.
        ///
        /// # Errors
        /// The clock shows a later instant.
        pub fn set_ahead(&self, asked: Instant) -> Result<Instant, Wrong> {
            let present = self.present();
            let shows = self.now().max(present);
            if asked <= shows {
                return Err(Wrong::Behind { asked: written(asked), shows: written(shows) });
            }
            self.ahead.store(asked.timestamp_micros() - present.timestamp_micros(), Ordering::SeqCst);
            self.leapt.send_replace(());
            Ok(self.now())
        }

        /// The same, as it is asked for at the socket.
        pub(super) fn ask(&self, line: &str) -> Result<Instant, Wrong> {
            let asked = DateTime::parse_from_rfc3339(line.trim()).map_err(|_| Wrong::Form(line.trim().to_owned()))?;
            self.set_ahead(asked.to_utc())
        }
    }

    /// The pauses of a worker that looks again and again. A leap of the clock ends one, since what was not due may be; one that came while
    /// the worker was looking ends the next at once.
    #[derive(Debug)]
    pub struct Rest(Option<watch::Receiver<()>>);

    impl Rest {
        /// Of the workers under this clock.
        pub(in crate::clock) fn of(clock: &Clock) -> Self {
            match clock {
                Clock::Leaping(leaps) => Self(Some(leaps.leapt.subscribe())),
                _ => Self(None),
            }
        }

        /// Waits so long, or until the clock leaps.
        pub async fn wait(&mut self, at_most: Duration) {
            let Some(leapt) = &mut self.0 else { return tokio::time::sleep(at_most).await };
            tokio::select! {
                () = tokio::time::sleep(at_most) => {}
                Ok(()) = leapt.changed() => {}
            }
        }
    }

    /// Where leaps are asked for.
    #[derive(Debug)]
    pub struct Door {
        listener: UnixListener,
        path: PathBuf,
        leaps: Arc<Leaps>,
    }

    /// The clock of the service: one that can be set ahead, with its door, when the environment names a socket.
    ///
    /// # Errors
    /// Nothing can listen there.
    pub fn arm(clock: Clock) -> anyhow::Result<(Clock, Option<Door>)> {
        let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok((clock, None)) };
        let listener = UnixListener::bind(&path).with_context(|| format!("{VARIABLE}={}", path.display()))?;
        let leaps = Arc::new(Leaps::over(clock));
        Ok((Clock::Leaping(Arc::clone(&leaps)), Some(Door { listener, path, leaps })))
    }

    impl Door {
        /// Answers one after the other until the service stops.
        pub async fn run(self, stop: CancellationToken) {
            tokio::select! {
                () = self.serve() => {}
                () = stop.cancelled() => {}
            }
            let _ = std::fs::remove_file(&self.path);
        }

        async fn serve(&self) {
            loop {
                let answered = match self.listener.accept().await {
                    Ok((stream, _)) => self.answer(stream).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = answered {
                    eprintln!("{VARIABLE}: {error}");
                }
            }
        }

        async fn answer(&self, stream: UnixStream) -> io::Result<()> {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let said = match self.leaps.ask(&line) {
                Ok(shows) => written(shows),
                Err(wrong) => format!("refused: {wrong}"),
            };
            eprintln!("{VARIABLE}: {said}");
            stream.write_all(format!("{said}\n").as_bytes()).await?;
            stream.shutdown().await
        }
    }
}

#[cfg(not(debug_assertions))]
mod unarmed {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::VARIABLE;
    use crate::clock::Clock;

    /// There is none: nothing makes one.
    #[derive(Debug)]
    #[non_exhaustive]
    pub struct Door;

    impl Door {
        pub async fn run(self, _: CancellationToken) {}
    }

    /// Says that the variable has no effect, where it is set.
    ///
    /// # Errors
    /// None: a variable must not keep a town's service from starting.
    pub fn arm(clock: Clock) -> anyhow::Result<(Clock, Option<Door>)> {
        if std::env::var_os(VARIABLE).is_some() {
            eprintln!("sentinela: the clock of this build cannot be set; {VARIABLE} is ignored");
        }
        Ok((clock, None))
    }

    /// The pauses of a worker that looks again and again.
    #[derive(Debug)]
    pub struct Rest;

    impl Rest {
        pub(in crate::clock) fn of(_: &Clock) -> Self {
            Self
        }

        /// Waits so long.
        pub async fn wait(&mut self, at_most: Duration) {
            tokio::time::sleep(at_most).await;
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::armed::Wrong;
    use super::*;
    use crate::clock::{Clock, Instant, Stage, from_micros};

    /// Monday, 17 December 2029, at ten in Brazil.
    fn monday() -> Instant {
        from_micros(1_892_206_800_000_000)
    }

    #[test]
    fn a_leap_sets_the_clock_ahead_and_it_runs_on_from_there() {
        let beneath = Clock::manual(monday() - TimeDelta::days(900));
        let clock = Leaps::over(beneath.clone());
        assert_eq!(clock.now(), monday() - TimeDelta::days(900));
        assert_eq!(clock.ask("2029-12-17T10:00:00-03:00\n"), Ok(monday()));
        beneath.set(monday() - TimeDelta::days(900) + TimeDelta::seconds(5));
        assert_eq!(clock.now(), monday() + TimeDelta::seconds(5));
    }

    #[test]
    fn a_clock_never_goes_back_and_what_is_no_instant_is_refused_in_words() {
        let clock = Leaps::over(Clock::manual(monday()));
        let behind =
            |asked: &str| Err(Wrong::Behind { asked: asked.to_owned(), shows: "2029-12-17T13:00:00Z".to_owned() });
        assert_eq!(clock.ask("2029-12-17T13:00:00Z"), behind("2029-12-17T13:00:00Z"));
        assert_eq!(clock.ask("2029-12-14T13:00:00Z"), behind("2029-12-14T13:00:00Z"));
        assert_eq!(clock.ask("tomorrow"), Err(Wrong::Form("tomorrow".to_owned())));
        assert_eq!(clock.now(), monday());
        clock.set_ahead(monday() + TimeDelta::days(1)).expect("a day ahead");
        assert!(clock.ask("2029-12-17T18:00:00Z").is_err(), "between the machine's instant and the one that is shown");
        assert_eq!(clock.now(), monday() + TimeDelta::days(1));
    }

    #[test]
    fn a_leap_ends_the_play_of_a_past() {
        let real = Clock::System.now();
        let stage = Stage { opened_at: real, shows_from: real - TimeDelta::days(1), speed: 1.0 };
        let clock = Leaps::over(Clock::Staged(stage));
        assert!(clock.now() < real, "the past is played");
        let within = real - TimeDelta::hours(1);
        assert!(clock.set_ahead(within).is_err(), "what was is played, not leapt to");
        let shows = clock.set_ahead(real + TimeDelta::days(30)).expect("a month ahead");
        assert!(shows >= real + TimeDelta::days(30), "{shows}");
    }

    #[tokio::test]
    async fn whoever_rests_is_woken_by_a_leap_also_by_one_that_came_while_it_worked() {
        let leaps = Arc::new(Leaps::over(Clock::manual(monday())));
        let clock = Clock::Leaping(Arc::clone(&leaps));
        let mut rest = clock.rest();
        leaps.set_ahead(monday() + TimeDelta::days(1)).expect("a day ahead");
        rest.wait(Duration::MAX).await;
        let resting = tokio::spawn(async move { rest.wait(Duration::MAX).await });
        leaps.set_ahead(monday() + TimeDelta::days(2)).expect("two days ahead");
        resting.await.expect("the rest ends");
        assert_eq!(clock.now(), monday() + TimeDelta::days(2));
        assert!(clock.is_played());
    }
}
