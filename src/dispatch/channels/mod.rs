//! The ways out.

pub mod sink;
