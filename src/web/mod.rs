//! HTTP: the JSON API, the console, the public site, feeds, tiles. `router` is the table of contents.

pub mod api;
pub mod assets;
pub mod auth;
pub mod client;
pub mod conditional;
pub mod cookie;
pub mod delivery;
pub mod docs;
pub mod error;
pub mod feeds;
pub mod gate;
pub mod health;
pub mod json;
pub mod limit;
pub mod measure;
pub mod notices;
pub mod ogc;
pub mod pages;
pub mod reports;
pub mod router;
pub mod security;
pub mod server;
pub mod situation;
pub mod stream;
pub mod tiles;
pub mod upload;
