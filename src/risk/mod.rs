//! Geographic risk rules: what the journal means for each (risk area × hazard). Everything here is pure but `store`.

pub mod calendar;
pub mod control;
pub mod counter;
pub mod derived;
pub mod evaluate;
pub mod explain;
pub mod measure;
pub mod network;
pub mod reason;
pub mod rule;
pub mod series;
pub mod store;
pub mod stream;

pub use network::{Bound, Network, PairKey};
pub use reason::{MeasureKind, Measured, Outcome, Reason};
pub use rule::{Rule, RuleError};
