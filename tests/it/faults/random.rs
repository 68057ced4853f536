//! Kills again and again, drawn from a seed: a few in every run of the tests, a thousand by `make faults`.
//!
//! What falls is drawn from the seed and the number of the fault alone. Some faults in a row share a database, so that what one leaves
//! is there for the next; a failure prints the command that plays its row up to it again.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sentinela::clock::Stopwatch;
use sentinela::failpoint::Place as Point;
use sentinela::hexadecimal::hex;
use sentinela::ids::Ids;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::accounts::{self, Sums};
use super::devices::Fleet;
use super::kills::{centre, people, warn};
use super::service::{self, Peer, Place, Service};
use crate::dispatch::town::Town;
use crate::support::{self, Folder, TestDb, free_port};

/// Faults that share a database.
const ROW: u64 = 20;
/// Readers of each fault's own alert.
const PEOPLE: usize = 6;

/// Where a kill may fall, and up to which time each place is surely reached while devices publish and one alert leaves.
const POINTS: [(Point, u64); 13] = [
    (Point::IngestCommitBefore, 40),
    (Point::IngestCommitAfter, 40),
    (Point::MqttAckBefore, 120),
    (Point::MqttAckAfter, 120),
    (Point::EvaluateCommitBefore, 10),
    (Point::EvaluateCommitAfter, 10),
    (Point::DispatchClaimAfter, 1),
    (Point::DispatchPduBefore, 6),
    (Point::DispatchPduAfter, 2),
    (Point::DispatchResponseAfter, 6),
    (Point::DispatchCommitBefore, 1),
    (Point::DispatchCommitAfter, 1),
    (Point::ReceiptAnswerBefore, 6),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// At a point, at its so manieth time.
    At(Point, u64),
    /// From outside, after so many acknowledgements.
    After(usize),
}

impl Fault {
    fn draw(seed: u64, number: u64) -> Self {
        let bytes: [u8; 16] = Ids::seeded(seed.wrapping_mul(1_000_003).wrapping_add(number)).bytes();
        let draw = |of: u64, from: usize| {
            let word = bytes[from..from + 8].iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
            word % of
        };
        // From outside as often as at three points.
        match POINTS.get(usize::try_from(draw(POINTS.len() as u64 + 3, 0)).unwrap()) {
            Some((point, most)) => Self::At(*point, draw(*most, 8) + 1),
            None => Self::After(usize::try_from(draw(200, 8)).unwrap() + 1),
        }
    }

    fn failpoint(self) -> String {
        match self {
            Self::At(point, time) => format!("{point}=kill@{time}"),
            Self::After(_) => String::new(),
        }
    }

    fn words(self) -> String {
        match self {
            Self::At(point, time) => format!("{point}@{time}"),
            Self::After(acked) => format!("after {acked} acknowledgements"),
        }
    }
}

/// What is written down of each fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    seed: u64,
    /// The first digits of the SHA-256 of the program that fell: lines of one run are of one program.
    program: String,
    fault: u64,
    at: String,
    /// Of this fault alone, as all numbers here.
    acknowledged: usize,
    lost: usize,
    recipients: i64,
    unaccounted: i64,
    copies_in_doubt: i64,
    other_copies: i64,
    /// From the death until the next process had started, judged every reading and brought every message to its end.
    recovery_ms: u64,
    checked: String,
}

/// Prints the command that plays a fault again when the test fails in it.
struct Replay {
    seed: u64,
    first: u64,
    fault: u64,
    at: String,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, first, fault, at } = self;
            eprintln!(
                "fault {fault} of seed {seed} ({at}) failed; again: make faults SEED={seed} FROM={first} KILLS={}",
                *fault - *first + 1
            );
        }
    }
}

/// One installation over a row of faults.
struct Row<'a> {
    db: &'a TestDb,
    program: String,
    place: Place,
    town: Town<'a>,
    centre: Peer,
    fleet: Fleet,
    acknowledged: usize,
    before: Sums,
}

impl<'a> Row<'a> {
    async fn begin(db: &'a TestDb, folder: &Path, program: &str) -> Self {
        let port = free_port();
        let peer = Peer::centre(folder, port, &[]).await;
        let place = Place::new(folder, &centre(port, ""));
        let (town, fleet) = (people(db, PEOPLE).await, Fleet::new(&db.pool).await);
        Self {
            db,
            program: program.to_owned(),
            place,
            town,
            centre: peer,
            fleet,
            acknowledged: 0,
            before: Sums::default(),
        }
    }

    /// Lets it fall, lets the next process recover, and balances the accounts.
    async fn fall(mut self, seed: u64, number: u64, fault: Fault) -> (Self, Line) {
        let mut service = Service::start(self.db, &self.place, &fault.failpoint()).await;
        warn(&self.town, &format!("Saia de casa {number}.")).await;
        let mut publishing = self.fleet.publish(self.place.mqtt);
        match fault {
            Fault::At(..) => service.died().await,
            Fault::After(count) => {
                publishing.acked(count).await;
                service.kill().await;
            }
        }
        let watch = Stopwatch::start();
        self.fleet = publishing.ended().await;
        let service = Service::start(self.db, &self.place, "").await;
        accounts::settled(&self.db.pool).await;
        let recovery = watch.elapsed();
        let acked = self.fleet.ledger.acked();
        let lost = accounts::lost(&self.db.pool, &acked).await;
        let recipients = self.before.recipients + i64::try_from(PEOPLE).unwrap();
        let sums = accounts::balance(&self.db.pool, "sms", recipients, &accounts::handed(&self.centre)).await;
        accounts::audit(&self.db.pool, &self.place.data()).await;
        service.stop().await;
        let line = Line {
            seed,
            program: self.program.clone(),
            fault: number,
            at: fault.words(),
            acknowledged: acked.len() - self.acknowledged,
            lost: lost.len(),
            recipients: sums.recipients - self.before.recipients,
            unaccounted: sums.unaccounted - self.before.unaccounted,
            copies_in_doubt: sums.copies_in_doubt - self.before.copies_in_doubt,
            other_copies: sums.other_copies - self.before.other_copies,
            recovery_ms: u64::try_from(recovery.as_millis()).unwrap(),
            checked: "acknowledged in journal, each recipient's end, copies at the centre, cursor at the end, audit"
                .to_owned(),
        };
        (self.acknowledged, self.before) = (acked.len(), sums);
        (self, line)
    }
}

/// Lets these faults fall, and hands each line to `tell` before it is judged.
async fn play(seed: u64, faults: Range<u64>, tell: &mut dyn FnMut(&Line)) {
    let program = digits(service::program());
    let mut next = faults.start;
    while next < faults.end {
        let row = next..faults.end.min((next / ROW + 1) * ROW);
        let (db, folder) = (support::db().await, Folder::new());
        let mut installation = Row::begin(&db, folder.path(), &program).await;
        for number in row.clone() {
            let fault = Fault::draw(seed, number);
            let replay = Replay { seed, first: row.start, fault: number, at: fault.words() };
            let (after, line) = Box::pin(installation.fall(seed, number, fault)).await;
            installation = after;
            tell(&line);
            assert_eq!((line.lost, line.unaccounted, line.other_copies), (0, 0, 0), "{line:?}");
            drop(replay);
        }
        next = row.end;
    }
}

/// The first digits of the SHA-256 of a file.
fn digits(file: &Path) -> String {
    let mut digits = hex(&Sha256::digest(std::fs::read(file).unwrap()));
    digits.truncate(16);
    digits
}

/// A copy of the program beside the log, which a build meanwhile does not touch. A run goes on with the program it began with: what two
/// programs lost, neither of them lost.
fn copied(folder: &Path, lines: &[Line]) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_sentinela"));
    let begun = lines.last().map_or_else(|| digits(built), |line| line.program.clone());
    let copy = folder.join(format!("sentinela-{begun}"));
    if !copy.exists() {
        assert_eq!(
            digits(built),
            begun,
            "the run began with another program: finish it with that one, or take another SEED"
        );
        std::fs::copy(built, &copy).unwrap();
    }
    copy
}

/// What all lines come to, in words.
fn summary(lines: &[Line]) -> String {
    let sum = |of: &dyn Fn(&Line) -> i64| lines.iter().map(of).sum::<i64>();
    let whole = |count: usize| i64::try_from(count).unwrap();
    let longest = lines.iter().max_by_key(|line| line.recovery_ms);
    format!(
        "{} kills: {} acknowledged messages, {} lost; {} recipients, {} unaccounted; {} copies where the outcome was unknown, {} \
         other copies; longest recovery {}",
        lines.len(),
        sum(&|line| whole(line.acknowledged)),
        sum(&|line| whole(line.lost)),
        sum(&|line| line.recipients),
        sum(&|line| line.unaccounted),
        sum(&|line| line.copies_in_doubt),
        sum(&|line| line.other_copies),
        longest.map_or_else(
            || "-".to_owned(),
            |line| format!("{} ms (fault {}, {})", line.recovery_ms, line.fault, line.at)
        ),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_kills_drawn_from_a_seed_lose_nothing_and_copy_only_what_was_in_doubt() {
    let mut lines = Vec::new();
    play(1, 0..5, &mut |line| lines.push(line.clone())).await;
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line.recipients == 6 && line.recovery_ms > 0), "{lines:?}");
}

/// A number from the environment; what `make` leaves empty is not there.
pub fn number(key: &str) -> Option<u64> {
    let text = std::env::var(key).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{key}={text:?} is no number")))
}

/// Lines of an earlier run. What a killed run left of its last line is cut off.
fn earlier(log: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole.len() < text.len() {
        std::fs::write(log, whole).unwrap();
    }
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "hours: `make faults` runs it (KILLS=1000 SEED=1), and goes on where it ended"]
async fn a_thousand_kills() {
    let (seed, kills) = (number("SEED").unwrap_or(1), number("KILLS").unwrap_or(1000));
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sentinela"));
    let folder = program.ancestors().nth(2).unwrap().join("faults");
    std::fs::create_dir_all(&folder).unwrap();
    let from = number("FROM");
    // A row that is played again says nothing of the long run.
    let log = folder.join(from.map_or_else(|| format!("{seed}.log"), |from| format!("{seed}-from-{from}.log")));
    if from.is_some() {
        let _ = std::fs::remove_file(&log);
    }
    let mut lines = earlier(&log);
    service::take_program(copied(&folder, &lines));
    let first = from.unwrap_or_else(|| lines.last().map_or(0, |line| line.fault + 1));
    let end = from.unwrap_or(0) + kills;
    println!("faults {first} to {end} of seed {seed}; a line each in {}", log.display());
    let mut file = File::options().create(true).append(true).open(&log).unwrap();
    play(seed, first..end.max(first), &mut |line| {
        let text = serde_json::to_string(line).unwrap();
        writeln!(file, "{text}").unwrap();
        println!("{text}");
        lines.push(line.clone());
    })
    .await;
    println!("{}", summary(&lines));
    assert!(
        lines.iter().all(|line| (line.lost, line.unaccounted, line.other_copies) == (0, 0, 0)),
        "{}",
        summary(&lines)
    );
}

#[test]
fn what_falls_is_the_same_for_the_same_seed_and_every_point_falls_within_some_hundred() {
    let drawn: Vec<Fault> = (0..400).map(|number| Fault::draw(7, number)).collect();
    assert_eq!(drawn, (0..400).map(|number| Fault::draw(7, number)).collect::<Vec<_>>());
    for (point, most) in POINTS {
        let times: Vec<u64> = drawn
            .iter()
            .filter_map(|fault| match fault {
                Fault::At(at, time) if *at == point => Some(*time),
                _ => None,
            })
            .collect();
        assert!(!times.is_empty() && times.iter().all(|time| (1..=most).contains(time)), "{point}: {times:?}");
    }
    assert!(drawn.iter().any(|fault| matches!(fault, Fault::After(_))));
}

#[test]
fn a_log_that_ends_within_a_line_goes_on_after_the_last_whole_one() {
    let folder = Folder::new();
    let log = folder.path().join("1.log");
    let line = r#"{"seed":1,"program":"0123456789abcdef","fault":3,"at":"x","acknowledged":1,"lost":0,"recipients":6,"unaccounted":0,"copies_in_doubt":1,"other_copies":0,"recovery_ms":9,"checked":""}"#;
    std::fs::write(&log, format!("{line}\n{{\"seed\":1,\"fau")).unwrap();
    let lines = earlier(&log);
    assert_eq!(lines.iter().map(|line| line.fault).collect::<Vec<_>>(), [3]);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), format!("{line}\n"));
    assert!(
        summary(&lines)
            .contains("1 copies where the outcome was unknown, 0 other copies; longest recovery 9 ms (fault 3")
    );
}
