//! Integration tests: one binary, on a real PostgreSQL with PostGIS. `make test` starts the server.

mod catalogue;
mod crash;
mod dispatch;
mod feeds;
mod harness;
mod ingest;
mod mqtt;
mod pipeline;
mod simulations;
mod support;
