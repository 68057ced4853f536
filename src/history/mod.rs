//! What was measured, over months and years: the journal's partitions, what is kept of them, and series for charts and exports.
//!
//! - A bucket or range holds what was observed after its beginning and up to its end, as the windows of the rules do.
//! - Missing is not zero: a bucket in which nothing came has no value and says so.
//! - Of a reading that was corrected the newest revision counts; its quality is the worst of what the range test and the tests
//!   of its surroundings said. What failed counts nowhere, what is suspect counts and marks its bucket.

pub mod csv;
pub mod policy;
pub mod series;
pub mod store;
pub mod worker;
