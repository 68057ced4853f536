//! The secretariat's wider modules on one kernel. They read the pipeline and reuse its parts; the pipeline never imports them.

pub mod budget;
pub mod kernel;
