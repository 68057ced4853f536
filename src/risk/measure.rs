//! What a condition compares: sums, extremes, curves.

use serde::{Deserialize, Serialize};

use crate::risk::reason::MeasureKind;
use crate::risk::rule::{Antecedent, Curve, Shared, Subject};
use crate::risk::series::Micros;
use crate::units::vocabulary;

const HOUR: Micros = 3_600_000_000;

vocabulary! {
    /// The stages of a river gauge ("cotas").
    Stage, "stage" {
        Attention = "attention",
        Alert = "alert",
        /// Where it leaves its bed.
        Overflow = "overflow",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The total of the window.
    Sum(Micros),
    Latest,
    /// Change per hour over the window.
    Rate(Micros),
    Max(Micros),
    Min(Micros),
    /// The mean of the readings in the window.
    Mean(Micros),
    /// How far the newest reading lies above a stage of its station.
    Above(Stage),
    /// The largest share of what an intensity–duration curve allows.
    Curve(Shared<Curve>),
    Antecedent(Shared<Antecedent>),
}

impl Measure {
    pub const fn kind(&self) -> MeasureKind {
        match self {
            Self::Sum(_) => MeasureKind::Sum,
            Self::Latest => MeasureKind::Latest,
            Self::Rate(_) => MeasureKind::Rate,
            Self::Max(_) => MeasureKind::Max,
            Self::Min(_) => MeasureKind::Min,
            Self::Mean(_) => MeasureKind::Mean,
            Self::Above(_) => MeasureKind::Above,
            Self::Curve(_) => MeasureKind::Curve,
            Self::Antecedent(_) => MeasureKind::Antecedent,
        }
    }

    /// How far back it looks.
    pub fn reach(&self) -> Option<Micros> {
        match self {
            Self::Sum(window) | Self::Rate(window) | Self::Max(window) | Self::Min(window) | Self::Mean(window) => {
                Some(*window)
            }
            Self::Antecedent(index) => Some(index.reach),
            Self::Curve(curve) => curve.points.iter().map(|(duration, _)| *duration).max(),
            Self::Latest | Self::Above(_) => None,
        }
    }

    pub fn window_min(&self) -> Option<u32> {
        self.reach().and_then(|window| u32::try_from(window * 60 / HOUR).ok())
    }

    /// The windows whose running sums it asks for.
    pub fn sums(&self) -> impl Iterator<Item = Micros> {
        let one = if let Self::Sum(window) = self { Some(*window) } else { None };
        let curve = if let Self::Curve(curve) = self { curve.points.as_slice() } else { &[] };
        one.into_iter().chain(curve.iter().map(|(duration, _)| *duration))
    }

    pub fn unit(&self, subject: Subject) -> String {
        match self {
            Self::Rate(_) => format!("{}/h", subject.unit()),
            Self::Curve(_) => "1".to_owned(),
            _ => subject.unit().to_owned(),
        }
    }

    /// Whether the stations tell of something that adds up, so that more of it may come.
    pub const fn adds_up(&self) -> bool {
        matches!(self, Self::Sum(_) | Self::Curve(_) | Self::Antecedent(_))
    }
}
