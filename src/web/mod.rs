//! HTTP: the JSON API, the console, the public site, feeds, tiles. `router` is the table of contents.

pub mod error;
