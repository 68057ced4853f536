//! What the modules share.

pub mod money;
pub mod tree;
