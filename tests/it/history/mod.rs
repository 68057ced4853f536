//! Readings over months and years: the journal's partitions, what is kept of them, series and exports.

mod believed;
mod partitions;
mod past;
mod policy;
mod series;
