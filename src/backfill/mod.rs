//! Years of the past, from tables of any layout, into the journal: without alerts, and without delaying what comes in live.
//!
//! A [`Mapping`] (TOML) says how a file is written; [`Reader`] turns its lines into observations, one at a time, so that the
//! size of a file does not matter; [`Resolver`] finds the stream of each; [`worker`] appends them in slices that hold the
//! journal's lock for milliseconds. The rows carry the source `history`, which no rule ever judges: whoever fills in the
//! flood of ten years ago warns nobody. Everything but `store` and `worker` is pure.

mod cells;
mod mapping;
mod reader;
mod ready;
mod resolve;
pub mod store;
mod time;
pub mod worker;

pub use mapping::{BadMapping, Mapping};
pub use reader::{Layout, Observation, Reader, Tally, Wanted};
pub use ready::{READY, Ready};
pub use resolve::{KnownStream, KnownStreams, Resolver, Unplaced};
