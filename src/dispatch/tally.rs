//! How the messages of one alert fare, in the ways people ask for it. Pure: `store::tally` reads the counts, pages and the API show
//! what is made of them here.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::control::{Control, Standing};
use super::decide::State;
use super::outbox::Counts;
use crate::clock::Instant;

/// The rate is that of the last minute.
const MINUTE_S: i64 = 60;
/// A rate of less time than this is an accident.
const LEAST_S: i64 = 5;

/// Rows of the outbox that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryCell)]
pub struct Cell {
    pub channel: String,
    /// Empty: no provider had them yet.
    pub provider: String,
    /// Empty: told before, or joined, without a place inside.
    pub area: String,
    /// 0 = R4 … 3 = R1, 4 = no grade.
    pub danger: i32,
    #[schema(value_type = String)]
    pub state: State,
    /// Why a row failed or was not sent: a word, or a provider's code ("smpp 0x0000000b").
    pub cause: String,
    pub rows: i64,
}

/// What a provider took within one second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pub channel: String,
    pub provider: String,
    pub at: Instant,
    pub rows: i64,
    /// When exactly it took the first of them.
    pub first_at: Option<Instant>,
}

/// Everything that is known of one alert's delivery at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub at: Instant,
    /// When the alert left; `None` when it never did.
    pub left_at: Option<Instant>,
    pub expires_at: Instant,
    /// Rows that were counted when the audience was written; `None` while it is being written.
    pub promised: Option<i64>,
    /// Residents inside whom no channel reaches.
    pub unreachable: i64,
    pub standing: Standing,
    pub cells: Vec<Cell>,
    /// Oldest first.
    pub pace: Vec<Pace>,
    /// Messages that were sent again because nobody knew whether the copy before had left, by channel and provider.
    pub repeats: Vec<(String, String, i64)>,
}

/// Messages a second, by provider.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DeliveryRate)]
pub struct Rate {
    pub channel: String,
    pub provider: String,
    /// Taken by it in the last minute, or since it took the first.
    pub per_second: f64,
}

/// When the last message will be with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
#[schema(as = DeliveryForecast)]
pub enum Forecast {
    /// Nothing waits.
    Done,
    /// Nothing leaves until somebody resumes.
    Paused,
    /// Nothing left within the last minute, so nobody can say.
    Unknown,
    /// At the rate of the last minute.
    At { at: DateTime<Utc> },
    /// At the rate of the last minute the alert runs out before its last message leaves.
    TooLate { at: DateTime<Utc>, left_over: i64 },
}

/// From the alert's leaving until a provider had its messages, in milliseconds for the first; for the shares
/// the whole seconds within which they had them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryTimes)]
pub struct Times {
    pub first_ms: Option<i64>,
    pub half_s: Option<i64>,
    pub p95_s: Option<i64>,
    pub last_s: Option<i64>,
}

/// A cause with how many rows it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryCause)]
pub struct Cause {
    #[schema(value_type = String)]
    pub state: State,
    pub cause: String,
    pub rows: i64,
}

/// Counts of one channel, provider, area or grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    #[serde(flatten)]
    pub counts: Counts,
}

impl Tally {
    pub fn totals(&self) -> Counts {
        counts(self.cells.iter())
    }

    /// What was promised against what is found: equal, or something is lost. While the audience is being written there is no promise.
    pub fn balances(&self) -> bool {
        self.promised.is_none_or(|promised| promised == self.totals().total())
    }

    /// Nothing is left that would leave.
    pub fn is_over(&self) -> bool {
        self.forecast() == Forecast::Done
    }

    pub fn is_spreading(&self) -> bool {
        self.left_at.is_some() && self.promised.is_none()
    }

    pub fn by(&self, name: impl Fn(&Cell) -> String) -> Vec<Group> {
        let mut groups: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
        for cell in &self.cells {
            groups.entry(name(cell)).or_default().push(cell);
        }
        groups.into_iter().map(|(name, cells)| Group { name, counts: counts(cells.into_iter()) }).collect()
    }

    pub fn by_channel(&self) -> Vec<Group> {
        self.by(|cell| cell.channel.clone())
    }

    pub fn by_provider(&self) -> Vec<Group> {
        self.by(|cell| cell.provider.clone())
    }

    pub fn by_area(&self) -> Vec<Group> {
        self.by(|cell| cell.area.clone())
    }

    /// "0" to "4", worst first.
    pub fn by_grade(&self) -> Vec<Group> {
        self.by(|cell| cell.danger.to_string())
    }

    /// Causes of these states, commonest first.
    pub fn causes(&self, states: &[State]) -> Vec<Cause> {
        let mut causes: BTreeMap<(&str, &str), (State, i64)> = BTreeMap::new();
        for cell in self.cells.iter().filter(|cell| states.contains(&cell.state)) {
            causes.entry((cell.state.as_str(), &cell.cause)).or_insert((cell.state, 0)).1 += cell.rows;
        }
        let named =
            causes.into_iter().map(|((_, cause), (state, rows))| Cause { state, cause: cause.to_owned(), rows });
        let mut causes: Vec<Cause> = named.filter(|cause| cause.rows != 0).collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.rows));
        causes
    }

    pub fn repeated(&self) -> i64 {
        self.repeats.iter().map(|(_, _, rows)| rows).sum()
    }

    /// What each provider took a second in the last minute; none that took nothing.
    pub fn rates(&self) -> Vec<Rate> {
        let since = self.at - TimeDelta::seconds(MINUTE_S);
        let mut taken: BTreeMap<(&str, &str), (i64, Instant)> = BTreeMap::new();
        for pace in self.pace.iter().filter(|pace| pace.at > since && pace.at <= self.at) {
            taken.entry((&pace.channel, &pace.provider)).or_insert((0, pace.at)).0 += pace.rows;
        }
        let rate = |((channel, provider), (rows, first)): ((&str, &str), (i64, Instant))| Rate {
            channel: channel.to_owned(),
            provider: provider.to_owned(),
            per_second: rows as f64 / (self.at - first).num_seconds().clamp(LEAST_S, MINUTE_S) as f64,
        };
        taken.into_iter().map(rate).collect()
    }

    /// When the last message will be with a provider. Channels go side by side, so the slowest tells.
    pub fn forecast(&self) -> Forecast {
        let totals = self.totals();
        if totals.waiting() == 0 && !self.is_spreading() {
            return Forecast::Done;
        }
        if self.standing.control == Control::Paused {
            return Forecast::Paused;
        }
        if self.is_spreading() {
            return Forecast::Unknown;
        }
        let rates = self.rates();
        let mut longest = 0.0_f64;
        let mut left_over = 0.0_f64;
        let lives_s = (self.expires_at - self.at).num_seconds().max(0) as f64;
        for group in self.by_channel().into_iter().filter(|group| group.counts.waiting() > 0) {
            let rate: f64 = rates.iter().filter(|rate| rate.channel == group.name).map(|rate| rate.per_second).sum();
            if rate <= 0.0 {
                return Forecast::Unknown;
            }
            let waiting = group.counts.waiting() as f64;
            longest = longest.max(waiting / rate);
            left_over += (waiting - rate * lives_s).max(0.0);
        }
        let at = self.at + TimeDelta::seconds(longest.ceil().min(1e9) as i64);
        if left_over >= 1.0 { Forecast::TooLate { at, left_over: left_over as i64 } } else { Forecast::At { at } }
    }

    pub fn times(&self) -> Times {
        let Some(left_at) = self.left_at else { return Times::default() };
        let total: i64 = self.pace.iter().map(|pace| pace.rows).sum();
        let after = |share: f64| {
            let wanted = (total as f64 * share).ceil() as i64;
            let mut seen = 0;
            let reached = self.pace.iter().find(|pace| {
                seen += pace.rows;
                wanted > 0 && seen >= wanted
            });
            // It came somewhere within its second: the end of that is told, so that no share comes before the first.
            reached.map(|pace| ((pace.at + TimeDelta::seconds(1) - left_at).num_milliseconds().max(0) + 999) / 1000)
        };
        let first = self.pace.iter().filter_map(|pace| pace.first_at).min();
        Times {
            first_ms: first.map(|first| (first - left_at).num_milliseconds().max(0)),
            half_s: after(0.5),
            p95_s: after(0.95),
            last_s: after(1.0),
        }
    }

    /// What providers took in each of `slots` stretches from the alert's leaving until now, and how long a stretch is.
    pub fn course(&self, slots: usize) -> (Vec<i64>, TimeDelta) {
        let (Some(left_at), Some(last)) = (self.left_at, self.pace.last()) else {
            return (Vec::new(), TimeDelta::zero());
        };
        let until = if self.totals().waiting() > 0 { self.at.max(last.at) } else { last.at };
        let span_s = ((until - left_at).num_seconds() + 1).max(1);
        let slot_s = span_s.div_euclid(slots as i64) + 1;
        let mut course = vec![0; usize::try_from(span_s / slot_s + 1).unwrap_or(1)];
        for pace in &self.pace {
            let slot = usize::try_from((pace.at - left_at).num_seconds().max(0) / slot_s).unwrap_or(0);
            if let Some(rows) = course.get_mut(slot) {
                *rows += pace.rows;
            }
        }
        (course, TimeDelta::seconds(slot_s))
    }
}

fn counts<'a>(cells: impl Iterator<Item = &'a Cell>) -> Counts {
    let mut counts = Counts::default();
    cells.for_each(|cell| counts.add(cell.state, cell.rows));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    fn cell(channel: &str, state: State, cause: &str, rows: i64) -> Cell {
        let (provider, area) = ("p".to_owned(), "Centro".to_owned());
        Cell { channel: channel.into(), provider, area, danger: 1, state, cause: cause.into(), rows }
    }

    fn pace(channel: &str, second: i64, rows: i64) -> Pace {
        let at = at(second);
        Pace {
            channel: channel.into(),
            provider: "p".into(),
            at,
            rows,
            first_at: Some(at + TimeDelta::milliseconds(250)),
        }
    }

    fn tally(now: i64, cells: Vec<Cell>, pace: Vec<Pace>) -> Tally {
        Tally {
            at: at(now),
            left_at: Some(at(0)),
            expires_at: at(3600),
            promised: Some(cells.iter().map(|cell| cell.rows).sum()),
            unreachable: 0,
            standing: Standing::untouched(),
            cells,
            pace,
            repeats: Vec::new(),
        }
    }

    #[test]
    fn the_sum_of_the_states_is_held_against_what_was_promised() {
        let mut tally = tally(
            10,
            vec![cell("sms", State::Delivered, "", 7), cell("email", State::Suppressed, "unverified", 3)],
            vec![],
        );
        assert!(tally.balances() && tally.totals().total() == 10);
        tally.promised = Some(11);
        assert!(!tally.balances());
        tally.promised = None;
        assert!(tally.balances() && tally.is_spreading(), "no promise is broken while the audience is written");
    }

    #[test]
    fn the_end_is_told_from_the_rate_of_the_slowest_channel() {
        let cells = vec![
            cell("sms", State::Pending, "", 600),
            cell("sms", State::Accepted, "", 600),
            cell("email", State::Pending, "", 50),
            cell("email", State::Accepted, "", 500),
        ];
        let taken = (0..60).flat_map(|second| [pace("sms", second, 10), pace("email", second, 8)]).collect();
        let tally = tally(60, cells, taken);
        let sms = tally.rates().into_iter().find(|rate| rate.channel == "sms").unwrap();
        assert!((9.5..=10.0).contains(&sms.per_second), "{sms:?}");
        let Forecast::At { at: end } = tally.forecast() else { panic!("{:?}", tally.forecast()) };
        assert!((end - at(60)).num_seconds() >= 60 && (end - at(60)).num_seconds() <= 64, "{end}");
    }

    #[test]
    fn without_anything_leaving_the_end_is_not_known_and_a_pause_says_so() {
        let cells = vec![cell("sms", State::Pending, "", 5)];
        let mut waiting = tally(500, cells.clone(), vec![pace("sms", 1, 3)]);
        assert_eq!(waiting.forecast(), Forecast::Unknown, "what left eight minutes ago tells nothing");
        waiting.standing.control = Control::Paused;
        assert_eq!(waiting.forecast(), Forecast::Paused);
        assert_eq!(tally(500, vec![cell("sms", State::Delivered, "", 5)], vec![]).forecast(), Forecast::Done);
    }

    #[test]
    fn a_rate_that_is_too_low_for_the_time_left_is_told_with_who_is_left_over() {
        let cells = vec![cell("sms", State::Pending, "", 100_000)];
        let taken = (0..60).map(|second| pace("sms", second, 10)).collect();
        let Forecast::TooLate { left_over, .. } = tally(60, cells, taken).forecast() else { panic!("it is in time") };
        assert!((64_000..=65_000).contains(&left_over), "{left_over}");
    }

    #[test]
    fn times_are_counted_from_the_alerts_leaving() {
        let taken = vec![pace("sms", 1, 50), pace("sms", 3, 45), pace("sms", 9, 5)];
        let times = tally(20, vec![cell("sms", State::Accepted, "", 100)], taken).times();
        assert_eq!(times, Times { first_ms: Some(1250), half_s: Some(2), p95_s: Some(4), last_s: Some(10) });
    }

    #[test]
    fn causes_stand_commonest_first() {
        let cells = vec![
            cell("sms", State::Rejected, "smpp 0x0000000b", 2),
            cell("email", State::Rejected, "smpp 0x0000000b", 3),
            cell("sms", State::Expired, "expired", 9),
            cell("sms", State::Delivered, "", 90),
        ];
        let causes = tally(1, cells, vec![]).causes(&[State::Rejected, State::Expired]);
        let told: Vec<(&str, i64)> = causes.iter().map(|cause| (cause.cause.as_str(), cause.rows)).collect();
        assert_eq!(told, [("expired", 9), ("smpp 0x0000000b", 5)]);
    }
}
