//! What the modules of the secretariat share.

pub mod instrument;
pub mod money;
