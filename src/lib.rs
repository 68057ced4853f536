//! Sentinela: civil-defense alerting and incident response for a municipality.
//!
//! The tree reads like the path of a warning: `ingest` → `journal` → `risk` → `alerts` → `dispatch` → `incidents`.
//! `engine` is the pure core that folds the journal; `pipeline` feeds it and commits what it decides.
//! ARCHITECTURE.md tells the invariants.

// Ground
pub mod app;
pub mod cells;
pub mod clock;
pub mod cobrade;
pub mod config;
pub mod crowd;
pub mod damage;
pub mod db;
pub mod deadlines;
pub mod events;
pub mod failpoint;
pub mod feeds;
pub mod hexadecimal;
pub mod i18n;
pub mod icalendar;
pub mod ids;
pub mod lifecycle;
pub mod refused;
pub mod secret;
pub mod telemetry;
pub mod units;
pub mod vault;

// The path
pub mod aid;
pub mod alerts;
pub mod deployments;
pub mod dispatch;
pub mod endpoints;
pub mod engine;
pub mod exercises;
pub mod fleet;
pub mod handover;
pub mod ics;
pub mod incidents;
pub mod ingest;
pub mod inspections;
/// Schools, hospitals, companies: whom to tell there, and whether they have seen it.
pub mod institutions;
pub mod journal;
pub mod media;
pub mod morning;
pub mod neighbourhoods;
pub mod occurrences;
pub mod operation;
pub mod outbound;
pub mod pipeline;
pub mod plancon;
pub mod reports;
pub mod residents;
pub mod resources;
pub mod risk;
pub mod rota;
pub mod rules;
pub mod secretariat;
pub mod shelters;
pub mod sirens;
pub mod situation;
pub mod stations;
pub mod supplies;
pub mod volunteers;

// Around it
pub mod accounts;
pub mod addresses;
pub mod areas;
pub mod audit;
pub mod backfill;
pub mod backtest;
pub mod backup;
pub mod capacity;
pub mod catalogue;
pub mod cli;
pub mod demo;
pub mod doctor;
pub mod history;
pub mod picture;
pub mod print;
pub mod privacy;
pub mod replay;
pub mod web;
