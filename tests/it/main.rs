//! Integration tests: one binary, on a real PostgreSQL with PostGIS. `make test` starts the server.

mod access;
mod accounts;
mod approval;
mod attack;
mod audit;
mod catalogue;
mod catalogue_http;
mod cluster;
mod corpora;
mod crash;
mod demo;
mod dispatch;
mod feeds;
mod harness;
mod ingest;
mod lifecycle;
mod machines;
mod mqtt;
mod outbound;
mod pipeline;
mod privacy;
mod simulations;
mod story;
mod support;
mod tidy;
mod web;
