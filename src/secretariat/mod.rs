//! The wider work of the secretariat, beside civil defense. It reads the pipeline and reuses its parts; the pipeline never imports it.

pub mod agreements;
pub mod funding;
pub mod kernel;
pub mod strategic_projects;
