//! The classified tree: coded nodes that have versions in time, and measures by phase that add up at every level.
//!
//! `scheme` knows which codes there are and on which day (pure), `sums` adds measures along a path of codes (pure), `store` keeps the nodes
//! that a town adds.

pub mod scheme;
pub mod store;
pub mod sums;

pub use scheme::{Level, Node, Scheme, Unknown};
pub use sums::Sums;
