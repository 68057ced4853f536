//! Named places on the path of a warning where a test kills, stops, fails or holds the service: faults fall at a point and not at a time.
//!
//! Only builds with debug assertions have them. In a release build [`reach`], [`reach_now`] and [`try_reach`] are empty, and the
//! variable is said to be ignored. ARCHITECTURE.md and docs/faults.md tell what they prove.
//!
//! `SENTINELA_FAILPOINTS="ingest.commit.after=kill@3;dispatch.pdu.after=stop"`: an action each, at every time the place is reached, or
//! with `@N` at the Nth time alone. Whenever a place is reached with an action, a line on standard error says so before it is carried
//! out: `failpoint ingest.commit.after, time 3: kill`.

use std::fmt;

/// The environment variable that arms them.
pub const VARIABLE: &str = "SENTINELA_FAILPOINTS";

/// A place on the path of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A batch of readings is written and not committed. Can fail.
    IngestCommitBefore,
    /// It is committed, and nobody was answered.
    IngestCommitAfter,
    /// The message of a device is committed; its PUBACK leaves next.
    MqttAckBefore,
    /// Another message of a device has come. Whoever sends the next one when the one before is acknowledged has that acknowledgement:
    /// this is the first moment at which it has surely left.
    MqttAckAfter,
    /// Readings that came over HTTP are committed; the answer leaves next.
    HttpAckBefore,
    /// Other readings have come over HTTP; as with MQTT, whoever waits for answers has the one before.
    HttpAckAfter,
    /// The message of an external broker is committed; its acknowledgement leaves next.
    BrokerAckBefore,
    /// Levels, drafts and cursor are written and not committed. Can fail.
    EvaluateCommitBefore,
    /// They are committed, and the memory of the core does not know it.
    EvaluateCommitAfter,
    /// Rows of the outbox are claimed, the intent is committed, and nothing has left.
    DispatchClaimAfter,
    /// The next thing that leaves is a `submit_sm`.
    DispatchPduBefore,
    /// A `submit_sm` is in the hands of the network, and its answer was not read.
    DispatchPduAfter,
    /// The centre has answered, and nothing of it is written.
    DispatchResponseAfter,
    /// Ends of tries are written and not committed. Can fail.
    DispatchCommitBefore,
    /// They are committed.
    DispatchCommitAfter,
    /// The mail server has answered the text of a letter, and nothing of it is written.
    SmtpDataAfter,
    /// A receipt is committed; its answer leaves next.
    ReceiptAnswerBefore,
}

impl Place {
    /// All, in the order of the path.
    pub const ALL: [Self; 17] = [
        Self::IngestCommitBefore,
        Self::IngestCommitAfter,
        Self::MqttAckBefore,
        Self::MqttAckAfter,
        Self::HttpAckBefore,
        Self::HttpAckAfter,
        Self::BrokerAckBefore,
        Self::EvaluateCommitBefore,
        Self::EvaluateCommitAfter,
        Self::DispatchClaimAfter,
        Self::DispatchPduBefore,
        Self::DispatchPduAfter,
        Self::DispatchResponseAfter,
        Self::DispatchCommitBefore,
        Self::DispatchCommitAfter,
        Self::SmtpDataAfter,
        Self::ReceiptAnswerBefore,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::IngestCommitBefore => "ingest.commit.before",
            Self::IngestCommitAfter => "ingest.commit.after",
            Self::MqttAckBefore => "mqtt.ack.before",
            Self::MqttAckAfter => "mqtt.ack.after",
            Self::HttpAckBefore => "http.ack.before",
            Self::HttpAckAfter => "http.ack.after",
            Self::BrokerAckBefore => "broker.ack.before",
            Self::EvaluateCommitBefore => "evaluate.commit.before",
            Self::EvaluateCommitAfter => "evaluate.commit.after",
            Self::DispatchClaimAfter => "dispatch.claim.after",
            Self::DispatchPduBefore => "dispatch.pdu.before",
            Self::DispatchPduAfter => "dispatch.pdu.after",
            Self::DispatchResponseAfter => "dispatch.response.after",
            Self::DispatchCommitBefore => "dispatch.commit.before",
            Self::DispatchCommitAfter => "dispatch.commit.after",
            Self::SmtpDataAfter => "smtp.data.after",
            Self::ReceiptAnswerBefore => "receipt.answer.before",
        }
    }

    /// Whether the work that stands here can end in an error that is handled.
    pub const fn can_fail(self) -> bool {
        matches!(self, Self::IngestCommitBefore | Self::EvaluateCommitBefore | Self::DispatchCommitBefore)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the variable cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("{0:?} is no failpoint; expected PLACE=ACTION or PLACE=ACTION@TIME, several apart by `;`")]
    Form(String),
    #[error("there is no place {0:?}; there are: {places}", places = names())]
    Place(String),
    #[error("{0:?} is no action; expected kill, stop, error or hang")]
    Action(String),
    #[error("{0:?} is no time; expected a number from 1")]
    Time(String),
    #[error("nothing can fail at {0}; kill, stop and hang are possible there")]
    CannotFail(Place),
}

fn names() -> String {
    Place::ALL.map(Place::name).join(", ")
}

#[cfg(debug_assertions)]
pub use armed::{arm, reach, reach_now, try_reach};
#[cfg(not(debug_assertions))]
pub use unarmed::{arm, reach, reach_now, try_reach};

#[cfg(debug_assertions)]
mod armed {
    use std::fmt;
    use std::future::pending;
    use std::io;
    use std::process::Command;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Place, VARIABLE, Wrong};

    /// What happens at a place.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Action {
        /// The process ends as by kill -9: nothing is unwound, flushed or told.
        Kill,
        /// The process stops itself (SIGSTOP) until somebody continues it (SIGCONT).
        Stop,
        /// What stands here fails.
        Error,
        /// What stands here never goes on; all else does.
        Hang,
    }

    impl Action {
        const fn word(self) -> &'static str {
            match self {
                Self::Kill => "kill",
                Self::Stop => "stop",
                Self::Error => "error",
                Self::Hang => "hang",
            }
        }
    }

    impl fmt::Display for Action {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.word())
        }
    }

    /// An armed place.
    #[derive(Debug)]
    pub(super) struct Point {
        pub place: Place,
        pub action: Action,
        /// From 1; at every time where none is given.
        pub at: Option<u64>,
        reached: AtomicU64,
    }

    static POINTS: OnceLock<Vec<Point>> = OnceLock::new();

    /// Arms what the environment names. Called once, before anything runs.
    ///
    /// # Errors
    /// What of the variable is wrong, and what is possible.
    pub fn arm() -> Result<(), Wrong> {
        let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
        let points = parse(&text)?;
        // Somebody who armed before keeps what they armed.
        let _ = POINTS.set(points);
        Ok(())
    }

    pub(super) fn parse(text: &str) -> Result<Vec<Point>, Wrong> {
        text.split(';').map(str::trim).filter(|point| !point.is_empty()).map(point).collect()
    }

    fn point(text: &str) -> Result<Point, Wrong> {
        let (name, rest) = text.split_once('=').ok_or_else(|| Wrong::Form(text.to_owned()))?;
        let (word, time) = rest.split_once('@').map_or((rest, None), |(word, time)| (word, Some(time)));
        let place = Place::ALL.into_iter().find(|place| place.name() == name);
        let place = place.ok_or_else(|| Wrong::Place(name.to_owned()))?;
        let all = [Action::Kill, Action::Stop, Action::Error, Action::Hang];
        let action = all.into_iter().find(|action| action.word() == word);
        let action = action.ok_or_else(|| Wrong::Action(word.to_owned()))?;
        let number = |time: &str| time.parse::<u64>().ok().filter(|time| *time > 0);
        let at = time.map(|time| number(time).ok_or_else(|| Wrong::Time(time.to_owned()))).transpose()?;
        if action == Action::Error && !place.can_fail() {
            return Err(Wrong::CannotFail(place));
        }
        Ok(Point { place, action, at, reached: AtomicU64::new(0) })
    }

    /// What is to happen here now; a place that is reached is counted by every point that names it.
    pub(super) fn due(points: &[Point], place: Place) -> Option<Action> {
        let mut due = None;
        for point in points.iter().filter(|point| point.place == place) {
            let time = point.reached.fetch_add(1, Ordering::SeqCst) + 1;
            if point.at.is_none_or(|at| at == time) {
                eprintln!("failpoint {place}, time {time}: {}", point.action);
                due = due.or(Some(point.action));
            }
        }
        due
    }

    fn now_due(place: Place) -> Option<Action> {
        due(POINTS.get()?, place)
    }

    /// Carries out what needs no waiting task.
    fn strike(action: Action) {
        match action {
            Action::Kill => std::process::abort(),
            Action::Stop => {
                // The program sends the signal; this process stops before it sees that program's end.
                let me = std::process::id().to_string();
                if let Err(error) = Command::new("kill").args(["-STOP", &me]).status() {
                    eprintln!("failpoint: kill -STOP cannot be run: {error}");
                }
            }
            Action::Error | Action::Hang => {}
        }
    }

    /// A place where nothing can fail.
    pub async fn reach(place: Place) {
        if let Some(action) = now_due(place) {
            strike(action);
            if action == Action::Hang {
                pending::<()>().await;
            }
        }
    }

    /// The same where nothing can be awaited: to hang takes the thread.
    pub fn reach_now(place: Place) {
        if let Some(action) = now_due(place) {
            strike(action);
            if action == Action::Hang {
                loop {
                    std::thread::park();
                }
            }
        }
    }

    /// A place where the work can fail.
    ///
    /// # Errors
    /// When the environment says so.
    pub async fn try_reach(place: Place) -> io::Result<()> {
        match now_due(place) {
            Some(Action::Error) => Err(io::Error::other(format!("failpoint {place}"))),
            Some(action) => {
                strike(action);
                if action == Action::Hang {
                    pending::<()>().await;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[cfg(not(debug_assertions))]
mod unarmed {
    use std::io;

    use super::{Place, VARIABLE, Wrong};

    /// Says that the variable has no effect, where it is set.
    ///
    /// # Errors
    /// None: a variable must not keep a town's service from starting.
    pub fn arm() -> Result<(), Wrong> {
        if std::env::var_os(VARIABLE).is_some() {
            eprintln!("sentinela: this build has no failpoints; {VARIABLE} is ignored");
        }
        Ok(())
    }

    #[inline(always)]
    pub async fn reach(_: Place) {}

    #[inline(always)]
    pub fn reach_now(_: Place) {}

    /// # Errors
    /// None.
    #[inline(always)]
    pub async fn try_reach(_: Place) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use std::collections::BTreeSet;

    use super::armed::{Action, due, parse};
    use super::*;

    fn read(text: &str) -> Result<Vec<(Place, Action, Option<u64>)>, Wrong> {
        Ok(parse(text)?.into_iter().map(|point| (point.place, point.action, point.at)).collect())
    }

    #[test]
    fn places_actions_and_times_are_read() {
        let read_here = read("ingest.commit.after=kill@3; dispatch.pdu.after=stop;evaluate.commit.before=error@1;");
        let expected = [
            (Place::IngestCommitAfter, Action::Kill, Some(3)),
            (Place::DispatchPduAfter, Action::Stop, None),
            (Place::EvaluateCommitBefore, Action::Error, Some(1)),
        ];
        assert_eq!(read_here.unwrap(), expected);
        assert!(read(" ").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_possible() {
        assert_eq!(read("ingest.commit.after"), Err(Wrong::Form("ingest.commit.after".into())));
        let unknown = read("ingest.comit.after=kill").unwrap_err().to_string();
        assert!(unknown.contains("\"ingest.comit.after\"") && unknown.contains("smtp.data.after"), "{unknown}");
        assert_eq!(read("mqtt.ack.before=explode"), Err(Wrong::Action("explode".into())));
        for time in ["0", "x", "", "-1"] {
            assert_eq!(read(&format!("mqtt.ack.before=kill@{time}")), Err(Wrong::Time(time.into())));
        }
        assert_eq!(read("dispatch.pdu.after=error"), Err(Wrong::CannotFail(Place::DispatchPduAfter)));
    }

    #[test]
    fn each_place_has_its_own_name() {
        let names: BTreeSet<&str> = Place::ALL.map(Place::name).into();
        assert_eq!(names.len(), Place::ALL.len());
    }

    #[test]
    fn an_action_falls_at_its_time_and_one_without_a_time_always() {
        let points = parse("mqtt.ack.before=hang@2;http.ack.before=stop").unwrap();
        let falls = |place| due(&points, place);
        assert_eq!([(); 3].map(|()| falls(Place::MqttAckBefore)), [None, Some(Action::Hang), None]);
        assert_eq!([(); 2].map(|()| falls(Place::HttpAckBefore)), [Some(Action::Stop); 2]);
        assert_eq!(falls(Place::SmtpDataAfter), None);
    }

    #[tokio::test]
    async fn without_the_variable_nothing_happens() {
        for place in Place::ALL {
            reach(place).await;
            reach_now(place);
            assert!(try_reach(place).await.is_ok());
        }
    }
}
