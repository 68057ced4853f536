//! How long personal data are kept, and what never reaches a log.

pub mod mask;
pub mod retention;
pub mod store;
