//! What an installation of a given size needs, computed from figures that were measured. Each constant names where it was measured;
//! each row of the answer its formula, and whether it lies beyond what anybody measured. Pure. The tables of docs/capacity.md come
//! from here.

mod rows;
mod words;

use std::fmt::Write as _;

use rows::{archives, delivery, readings, storage};
use words::percent;

/// Of a reading in the journal with its seven indexes: growth of the database between the 186,000th and the 360,000th reading that came
/// over MQTT, one a message (`bench devices --devices 2000 --seconds 150`; 129 of them in the table itself).
pub const BYTES_PER_READING: f64 = 350.0;
/// Of write-ahead log for a reading, in the same run.
const LOG_BYTES_PER_READING: f64 = 760.0;
/// Of a stream's hour (`reading_hour`), over 438,300 of them.
const BYTES_PER_HOUR: f64 = 142.0;
/// Of a recipient with one home and one telephone, over 200,000 of them (`bench fanout`).
const BYTES_PER_RECIPIENT: f64 = 650.0;
/// Of a message in the outbox with its one try, over 40,000 that were accepted (`bench fanout`).
const BYTES_PER_MESSAGE: f64 = 1_332.0;
/// Readings a second committed and judged on two cores (README, `bench ingest`).
const INGEST_PER_S: f64 = 45_267.0;
/// Readings a second that one core judges while it rains on every gauge (README, `bench engine`, the lowest of seven runs).
const JUDGED_PER_S: f64 = 770_000.0;
/// Messages a second from claim to answer on two cores (README, `bench fanout`, the lower of two).
const MESSAGES_PER_S: f64 = 15_807.0;
/// Working out whom a warning reaches: 200,000 of a million in 1.9 s (docs/sms.md).
const AUDIENCE_S_PER_PERSON: f64 = 1.9 / 200_000.0;
/// Of the service with 10,000 connected devices whose streams are full: 719 MiB, of which 80 without any (README, `bench devices`).
const MEMORY_BASE: f64 = 80.0 * MIB;
const MEMORY_PER_STATION: f64 = (719.0 - 80.0) * MIB / 10_000.0;

/// Of a reading, an hour and a recipient in an archive (`pg_dump --format=custom`): 299,100 readings whose messages bear UUIDs (38 B with
/// short ids), 300,000 hours, 50,000 recipients with a street in words.
const ARCHIVED_PER_READING: f64 = 59.0;
const ARCHIVED_PER_HOUR: f64 = 10.2;
const ARCHIVED_PER_RECIPIENT: f64 = 136.0;
/// Archives that the nightly timer keeps (`--keep 14`).
const ARCHIVES_KEPT: f64 = 14.0;

/// The largest of each that was measured; beyond it a figure is extrapolated.
const MOST_STATIONS: f64 = 10_000.0;
const MOST_READINGS: f64 = 60_101_764.0;
const MOST_RECIPIENTS: f64 = 1_000_000.0;
const MOST_INSIDE: f64 = 200_000.0;
const MOST_ARCHIVED: f64 = 299_100.0;

const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;
const DAY_S: f64 = 86_400.0;
const YEAR_DAYS: f64 = 365.25;
const HOURS_A_YEAR: f64 = 8_766.0;

/// How large an installation is, and what it has.
#[derive(Clone, Debug)]
pub struct Case {
    pub stations: f64,
    /// Streams of each.
    pub streams: f64,
    /// Seconds between two readings of a stream, in calm weather and in a storm.
    pub interval_s: f64,
    pub storm_interval_s: f64,
    /// Days of storm in a year.
    pub storm_days: f64,
    /// Months for which readings are kept whole, after which their hours are; 0 = for ever (`history.raw_months`).
    pub raw_months: f64,
    pub recipients: f64,
    /// Of a hundred recipients, how many a large warning reaches.
    pub inside_percent: f64,
    /// Segments of its SMS.
    pub segments: f64,
    /// Segments a second of all contracts together.
    pub sms_per_second: f64,
    /// Within so many seconds the last SMS is to have left.
    pub within_s: f64,
    pub disk_gib: f64,
    pub memory_gib: f64,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// For programs.
    pub key: &'static str,
    pub what: &'static str,
    /// In the unit of its key: bytes, seconds, per second, shares.
    pub value: f64,
    /// The same for people.
    pub shown: String,
    pub formula: String,
    /// It lies beyond what was measured.
    pub is_extrapolated: bool,
}

/// What is used up, as a share of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottleneck {
    Ingest,
    Rules,
    Contract,
    Delivery,
    Disk,
    Memory,
}

impl Bottleneck {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Rules => "rules",
            Self::Contract => "contract",
            Self::Delivery => "delivery",
            Self::Disk => "disk",
            Self::Memory => "memory",
        }
    }

    /// What is short, and what moves it.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ingest => (
                "the commits of readings",
                "more and faster cores for PostgreSQL, then several processes on it, then an installation for each municipality",
            ),
            Self::Rules => (
                "the one evaluator that judges an installation",
                "an installation for each municipality: each has an evaluator of its own",
            ),
            Self::Contract => (
                "the contract for SMS",
                "more contracts of one priority, whose rates add up; cell broadcast for whoever must know sooner",
            ),
            Self::Delivery => (
                "the service's own way from claim to answer",
                "more cores for PostgreSQL, then an installation for each municipality",
            ),
            Self::Disk => (
                "the disk after ten years",
                "`history.raw_months`: hours instead of readings after some years; a larger disk",
            ),
            Self::Memory => (
                "the memory of the service",
                "more memory, then several processes, then an installation for each municipality",
            ),
        }
    }
}

/// What a case comes to.
#[derive(Clone, Debug)]
pub struct Answer {
    pub rows: Vec<Row>,
    /// Each share, the largest first.
    pub shares: Vec<(Bottleneck, f64)>,
}

/// The sums from which the rows and the shares are made.
struct Sums {
    streams: f64,
    calm: f64,
    storm: f64,
    a_year: f64,
    storage: f64,
    ten_years: f64,
    archive: f64,
    archive_ten_years: f64,
    memory: f64,
    inside: f64,
    by_contract_s: f64,
    by_service_s: f64,
}

impl Sums {
    fn of(case: &Case) -> Self {
        let streams = case.stations * case.streams;
        let (calm, storm) = (streams / case.interval_s, streams / case.storm_interval_s);
        let a_year = DAY_S * (calm * (YEAR_DAYS - case.storm_days) + storm * case.storm_days);
        let storage = a_year * BYTES_PER_READING;
        let hours = streams * HOURS_A_YEAR * BYTES_PER_HOUR;
        let (of_readings, of_hours) = kept_years(case);
        let ten_years = storage * of_readings + hours * of_hours;
        let people = case.recipients * ARCHIVED_PER_RECIPIENT;
        let archived_hours = streams * HOURS_A_YEAR * ARCHIVED_PER_HOUR * of_hours;
        let inside = case.recipients * case.inside_percent / 100.0;
        let segments = inside * case.segments;
        Self {
            streams,
            calm,
            storm,
            a_year,
            storage,
            ten_years,
            archive: a_year * ARCHIVED_PER_READING + people,
            archive_ten_years: a_year * ARCHIVED_PER_READING * of_readings + archived_hours + people,
            memory: memory_of(case.stations),
            inside,
            by_contract_s: segments / case.sms_per_second,
            by_service_s: inside / MESSAGES_PER_S,
        }
    }
}

/// After ten years: of how many the readings are there, and of how many only their hours.
fn kept_years(case: &Case) -> (f64, f64) {
    let raw_years = if case.raw_months > 0.0 { (case.raw_months / 12.0).min(10.0) } else { 10.0 };
    (raw_years, 10.0 - raw_years)
}

/// Memory of the service with so many connected stations, bytes.
pub fn memory_of(stations: f64) -> f64 {
    MEMORY_BASE + stations * MEMORY_PER_STATION
}

/// Computes what a case comes to.
pub fn compute(case: &Case) -> Answer {
    let sums = Sums::of(case);
    let mut rows = readings(case, &sums);
    rows.extend(storage(case, &sums));
    rows.extend(archives(case, &sums));
    rows.extend(delivery(case, &sums));
    let recipients = case.recipients * BYTES_PER_RECIPIENT;
    let mut shares = vec![
        (Bottleneck::Ingest, sums.storm / INGEST_PER_S),
        (Bottleneck::Rules, sums.storm / JUDGED_PER_S),
        (Bottleneck::Contract, sums.by_contract_s / case.within_s),
        (Bottleneck::Delivery, sums.by_service_s / case.within_s),
        (Bottleneck::Disk, (sums.ten_years + recipients) / (case.disk_gib * GIB)),
        (Bottleneck::Memory, sums.memory / (case.memory_gib * GIB)),
    ];
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    Answer { rows, shares }
}

impl Answer {
    /// A table in Markdown. A star marks what is extrapolated.
    pub fn table(&self) -> String {
        let mut text = String::from("| what | | how |\n|---|---|---|\n");
        for row in &self.rows {
            let star = if row.is_extrapolated { " *" } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} | {}{star} | {} |", row.what, row.shown, row.formula);
        }
        let shares: Vec<String> =
            self.shares.iter().map(|(what, share)| format!("{} {}", what.as_str(), percent(*share))).collect();
        let _ = writeln!(text, "\nUsed: {}.", shares.join(", "));
        if let Some((first, _)) = self.shares.first() {
            let (short, moves) = first.words();
            let _ = writeln!(text, "First bottleneck: {short}. What moves it: {moves}.");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town() -> Case {
        Case {
            stations: 60.0,
            streams: 1.0,
            interval_s: 600.0,
            storm_interval_s: 60.0,
            storm_days: 30.0,
            raw_months: 0.0,
            recipients: 200_000.0,
            inside_percent: 10.0,
            segments: 1.0,
            sms_per_second: 100.0,
            within_s: 600.0,
            disk_gib: 500.0,
            memory_gib: 8.0,
        }
    }

    fn value(answer: &Answer, key: &str) -> f64 {
        answer.rows.iter().find(|row| row.key == key).unwrap().value
    }

    #[test]
    fn a_town_is_computed_as_by_hand() {
        let answer = compute(&town());
        assert!((value(&answer, "calm_per_s") - 0.1).abs() < 1e-9);
        assert!((value(&answer, "storm_per_s") - 1.0).abs() < 1e-9);
        // 335.25 days of 8,640 readings and 30 of 86,400.
        assert!((value(&answer, "readings_a_year") - 5_488_560.0).abs() < 1.0);
        assert!((value(&answer, "storage_a_year_bytes") - 5_488_560.0 * 350.0).abs() < 1000.0);
        assert!((value(&answer, "by_contract_s") - 200.0).abs() < 1e-9);
        assert!((value(&answer, "contract_needed_per_s") - 20_000.0 / 600.0).abs() < 1e-9);
        assert_eq!(answer.shares[0].0, Bottleneck::Contract);
        assert!((answer.shares[0].1 - 1.0 / 3.0).abs() < 1e-9);
        let beyond = |key: &str| key == "ten_years_bytes" || key.starts_with("archive");
        assert!(answer.rows.iter().all(|row| !row.is_extrapolated || beyond(row.key)));
        assert!((value(&answer, "archive_bytes") - 5_488_560.0 * 59.0 - 200_000.0 * 136.0).abs() < 1000.0);
        assert!((value(&answer, "archives_bytes") / value(&answer, "archive_bytes") - 14.0).abs() < 1e-9);
    }

    #[test]
    fn what_lies_beyond_the_measured_is_marked() {
        let country = Case { stations: 50_000.0, recipients: 100_000_000.0, inside_percent: 1.0, ..town() };
        let answer = compute(&country);
        let marked = |key: &str| answer.rows.iter().find(|row| row.key == key).unwrap().is_extrapolated;
        for key in ["memory_bytes", "storage_a_year_bytes", "audience_s", "by_service_s", "recipients_bytes"] {
            assert!(marked(key), "{key}");
        }
        assert!(!marked("by_contract_s") && !marked("calm_per_s"));
        assert!(answer.table().contains(" * | "));
    }

    #[test]
    fn after_the_raw_months_hours_are_kept() {
        let answer = compute(&Case { raw_months: 60.0, ..town() });
        let five = 5.0 * value(&answer, "storage_a_year_bytes");
        let hours = 5.0 * 60.0 * 8_766.0 * 142.0;
        assert!((value(&answer, "ten_years_bytes") - five - hours).abs() < 1000.0);
        let archived = 5.0 * 5_488_560.0 * 59.0 + 5.0 * 60.0 * 8_766.0 * 10.2 + 200_000.0 * 136.0;
        assert!((value(&answer, "archive_ten_years_bytes") - archived).abs() < 1000.0);
        let longer = compute(&Case { raw_months: 240.0, ..town() });
        assert!((value(&longer, "ten_years_bytes") - 10.0 * value(&longer, "storage_a_year_bytes")).abs() < 1000.0);
    }
}
