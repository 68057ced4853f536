//! What was measured, over months and years: the journal's partitions, what is kept of them, and series for charts and exports.

pub mod worker;
