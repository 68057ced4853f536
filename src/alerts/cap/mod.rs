//! The Common Alerting Protocol, version 1.2 (OASIS, 2010; ITU-T X.1303 bis).

pub mod build;
mod c14n;
pub mod event_terms;
pub mod feed;
pub mod model;
mod parse;
pub mod signature;
pub mod time;
pub(crate) mod tree;
pub mod validate;
mod write;

pub(crate) use build::ring;
pub use build::{Assessment, BuildArea, BuildInput, Translation, assess, build};
pub use model::CapAlert;
pub use time::CapTime;

/// XML in and out.
pub mod xml {
    pub use super::parse::{CapError, MAX_BYTES, decode, parse, parse_all};
    pub use super::write::write;
}

#[cfg(test)]
mod samples;
