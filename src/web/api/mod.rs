//! The JSON API under /api/v1, one folder a noun.

pub mod readings;
