//! The promises held against faults, with the real service as a process, other ends that keep their own account of what happened, and
//! the accounts balanced at the end. docs/faults.md lists which story proves what.
//!
//! Nothing here is timed: faults fall at named points (`SENTINELA_FAILPOINTS`), after so many acknowledgements, or at a line that
//! another program says.

mod accounts;
mod brokers;
mod centres;
mod clocks;
mod cluster;
mod cut_off;
mod databases;
mod devices;
mod full_disk;
mod kills;
mod leases;
mod letters;
mod machine;
mod poison;
mod random;
mod replays;
mod server;
pub mod service;
