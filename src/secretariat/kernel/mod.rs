//! What the modules of the secretariat share.

pub mod body;
