//! Rules as typed TOML. A file holds one rule; `config/rules/README.md` explains the form to those who write them.
//!
//! `file` is the form as written, `read` makes the types of it, `amount` knows windows and units, `dials` are the thresholds that forms and
//! sweeps turn, `locate` finds the line of a mistake, `cases` are the tests that stand beside the rule.

pub mod amount;
pub mod cases;
pub mod dials;
mod file;
mod locate;
mod read;

use std::sync::Arc;

use crate::cobrade::Cobrade;
use crate::risk::calendar::{Quiet, Season};
use crate::risk::derived::Derived;
use crate::risk::measure::Measure;
use crate::risk::series::Micros;
use crate::units::{Fixed, Grade, Level, Quantity};

pub use cases::Case;
pub use dials::Dial;
pub use locate::Finding;

/// The longest window of a sum, an extreme, a mean or a rate.
pub const MAX_WINDOW_H: i64 = 96;
/// The longest reach of an antecedent precipitation index.
pub const MAX_DAYS: i64 = 30;
/// How long the last word of a silent station keeps a level up, unless the rule says otherwise.
pub const LAST_WORD_H: u32 = 24;
/// The longest that a rule may say there.
pub const MAX_LAST_WORD_H: u32 = 720;

/// A rule for one hazard.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: String,
    pub version: i32,
    pub title: String,
    pub hazard: Cobrade,
    /// Grades it holds for; empty = all.
    pub grades: Vec<Grade>,
    pub selectors: Vec<Selector>,
    /// Ascending by danger.
    pub levels: Vec<LevelRule>,
    /// Other thresholds for some areas, grades or seasons. The last one that fits counts.
    pub overrides: Vec<Override>,
    /// When low levels are shown and wake nobody.
    pub quiet: Option<Quiet>,
    /// How long the last word of a silent station keeps a level from falling.
    pub last_word: Micros,
    /// The tests that its authors wrote beside it.
    pub cases: Vec<Case>,
}

/// What the stations of a selector tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Measured(Quantity),
    /// Computed from several streams of one station.
    Derived(Derived),
}

impl Subject {
    /// The quantity whose unit its values have.
    pub const fn quantity(self) -> Quantity {
        match self {
            Self::Measured(quantity) => quantity,
            Self::Derived(derived) => derived.primary(),
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::Measured(quantity) => quantity.canonical_unit(),
            Self::Derived(derived) => derived.unit(),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured(quantity) => quantity.as_str(),
            Self::Derived(derived) => derived.as_str(),
        }
    }
}

/// Which streams a condition reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    pub name: String,
    pub subject: Subject,
    /// Only streams of this name; empty = whatever they are called.
    pub stream: String,
    pub place: Place,
    pub combine: Combine,
    /// With fewer fresh stations the area is blind.
    pub min_fresh: usize,
    /// Whether readings in doubt count as well. What failed never counts.
    pub suspect: bool,
    /// How long water takes from these stations to the area. What they measured within it is still on its way.
    pub travel: Micros,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Inside,
    /// Inside, or at most this far from the area's edge.
    WithinKm(f64),
    /// The n nearest to the area, no farther than this.
    Nearest {
        n: usize,
        within_km: f64,
    },
    Named(Vec<String>),
}

/// How several stations make one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The k-th most dangerous value speaks: 1 is the extreme, 2 asks for two stations in agreement.
    Kth(usize),
    Mean,
    /// Weighed by the inverse square of the distance to the area's middle (Shepard 1968).
    InverseDistance,
    /// Weighed by the share of the area that lies nearest to each (Thiessen 1911). A silent station's share falls to its neighbours.
    Thiessen,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LevelRule {
    pub level: Level,
    /// The conditions must hold this long before the level rises.
    pub hold_for: Micros,
    /// The conditions must be clear this long before the level falls.
    pub clear_after: Micros,
    /// The level stands at least this long.
    pub stay_for: Micros,
    /// When in the year it is in force; always, without one.
    pub season: Option<Season>,
    pub conditions: Vec<Condition>,
    /// What raises it.
    pub when: Node,
}

/// How conditions are joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Index into `LevelRule::conditions`.
    Leaf(usize),
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    /// At least so many of them.
    AtLeast(usize, Vec<Node>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it is called within its level, or empty.
    pub name: String,
    /// Index into `Rule::selectors`.
    pub selector: usize,
    pub measure: Measure,
    /// Danger lies above the threshold; below it, where this is false.
    pub rises: bool,
    /// It stands under a `not`.
    pub negated: bool,
    pub limit: Limit,
    /// Other limits in a season; the last one that fits counts.
    pub seasonal: Vec<(Season, Limit)>,
}

/// A threshold, and where it is left behind again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub at: Fixed,
    pub clear: Fixed,
}

impl Limit {
    /// The same with another threshold; the clear threshold keeps its proportion to it.
    #[must_use]
    pub fn moved(self, at: Fixed) -> Self {
        let clear = if self.at.0 == 0 {
            i128::from(at.0) + i128::from(self.clear.0)
        } else {
            i128::from(self.clear.0) * i128::from(at.0) / i128::from(self.at.0)
        };
        Self { at, clear: i64::try_from(clear).map_or(at, Fixed) }
    }
}

/// Other thresholds where all that it names fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Empty = every grade.
    pub grades: Vec<Grade>,
    /// Codes of areas; empty = every area.
    pub areas: Vec<String>,
    pub season: Option<Season>,
    /// Every threshold of the rule times this.
    pub factor: Option<Fixed>,
    pub thresholds: Vec<Turned>,
}

/// One threshold of a rule set to another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Indexes into `Rule::levels` and `LevelRule::conditions`.
    pub level: usize,
    pub condition: usize,
    pub at: Fixed,
}

/// A curve of rain intensity against duration: I = a · D^-b, mm/h and hours (Caine 1980; Guzzetti et al. 2007).
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub a: f64,
    pub b: f64,
    /// Durations that are looked at, each with the depth that the curve allows in it, in mm.
    pub points: Vec<(Micros, Fixed)>,
}

/// An antecedent precipitation index: every day's rain counts `per_day` times what it counted the day before
/// (Kohler and Linsley 1951).
#[derive(Clone, Debug, PartialEq)]
pub struct Antecedent {
    pub reach: Micros,
    pub per_day: f64,
    /// Weight of what fell so many whole hours before the newest reading.
    pub weights: Vec<Fixed>,
}

pub type Shared<T> = Arc<T>;

#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("rule {rule}: {place}: {message}")]
pub struct RuleError {
    pub rule: String,
    /// The key in the file: "levels[1].any[0].at_least".
    pub place: String,
    pub message: String,
    /// Line and column of it, both from 1.
    pub at: Option<(usize, usize)>,
}

impl Rule {
    /// Reads one rule file. `file` names it in errors.
    ///
    /// # Errors
    /// The first thing that is wrong: names the file (or rule), the key and what was expected; [`Rule::findings`] tells all.
    pub fn parse(file: &str, text: &str) -> Result<Self, RuleError> {
        read::read(text).map_err(|problems| {
            let first = problems.findings.into_iter().next();
            let Finding { line, column, place, message } = first.unwrap_or_default();
            let rule = problems.rule.unwrap_or_else(|| file.to_owned());
            RuleError { rule, place, message, at: Some((line, column)) }
        })
    }

    /// Everything that is wrong with a rule file, in the order of its lines; empty when it can be read.
    pub fn findings(text: &str) -> Vec<Finding> {
        read::read(text).map_or_else(|problems| problems.findings, |_| Vec::new())
    }

    pub fn applies_to(&self, hazard: Cobrade, grade: Grade) -> bool {
        self.hazard == hazard && (self.grades.is_empty() || self.grades.contains(&grade))
    }

    /// Every condition with the level it speaks for.
    pub fn conditions(&self) -> impl Iterator<Item = (&LevelRule, &Condition)> {
        self.levels.iter().flat_map(|level| level.conditions.iter().map(move |condition| (level, condition)))
    }

    /// Whether what it says changes with the date.
    pub fn has_seasons(&self) -> bool {
        self.levels.iter().any(|level| level.season.is_some())
            || self.conditions().any(|(_, condition)| !condition.seasonal.is_empty())
    }

    /// The rule as it stands for an area: its overrides carried into the thresholds.
    #[must_use]
    pub fn fitted(&self, area: &str, grade: Grade) -> Self {
        let fits = |over: &&Override| {
            (over.grades.is_empty() || over.grades.contains(&grade))
                && (over.areas.is_empty() || over.areas.iter().any(|code| code == area))
        };
        let mut rule = Self { overrides: Vec::new(), cases: Vec::new(), ..self.clone() };
        for over in self.overrides.iter().filter(fits) {
            for (level, rule) in rule.levels.iter_mut().enumerate() {
                for (index, condition) in rule.conditions.iter_mut().enumerate() {
                    let set = over.thresholds.iter().find(|set| (set.level, set.condition) == (level, index));
                    condition.overridden(over, set.map(|set| set.at));
                }
            }
        }
        rule
    }
}

impl Condition {
    fn overridden(&mut self, over: &Override, set: Option<Fixed>) {
        let change = |limit: Limit| match (set, over.factor) {
            (Some(at), _) => limit.moved(at),
            (None, Some(factor)) => limit.moved(times(limit.at, factor)),
            (None, None) => limit,
        };
        if set.is_none() && over.factor.is_none() {
            return;
        }
        if let Some(season) = over.season {
            self.seasonal.push((season, change(self.limit)));
        } else {
            self.limit = change(self.limit);
            self.seasonal.iter_mut().for_each(|(_, limit)| *limit = change(*limit));
        }
    }
}

fn times(value: Fixed, factor: Fixed) -> Fixed {
    let product = i128::from(value.0) * i128::from(factor.0) / i128::from(Fixed::SCALE);
    i64::try_from(product).map_or(value, Fixed)
}

#[cfg(test)]
mod cases_tests;
#[cfg(test)]
mod tests;
