//! Exercises in PostgreSQL: what is planned and done (`read`, `write`), who takes part (`people`), what the report counts (`count`).

pub mod count;
pub mod people;
pub mod read;
pub mod write;
