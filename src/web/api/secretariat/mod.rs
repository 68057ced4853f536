//! The modules of the secretariat over HTTP, one file or folder a module.

pub mod committees;
