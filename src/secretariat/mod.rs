//! The secretariat's wider work: one module for each competence of its act, on one kernel of cases.
//!
//! The pipeline never imports this; what is here reads the pipeline and reuses its parts.

pub mod agreements;
pub mod beside;
pub mod budget;
pub mod citizen;
pub mod committees;
pub mod ethics;
pub mod evaluation;
pub mod feeds;
pub mod funding;
pub mod kernel;
pub mod mayor;
pub mod media_monitoring;
pub mod modules;
pub mod paper;
pub mod participation;
pub mod press;
pub mod representation;
pub mod segments;
pub mod small_cells;
pub mod strategic_projects;
pub mod transparency;
pub mod yearly;
