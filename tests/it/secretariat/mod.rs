//! The modules of the secretariat on a real database.

mod budget;
