//! The wider work of the secretariat, beside civil defense. It reads the pipeline and reuses its parts; the pipeline never imports it.

pub mod committees;
pub mod kernel;
