//! `sentinela check-config`

use std::path::Path;

use anyhow::anyhow;

use crate::config::{Config, DEFAULTS};
use crate::secretariat::kernel::Types;
use crate::secretariat::segments::Segments;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print every key with its default and what it means, ready to copy into a file
    #[arg(long)]
    defaults: bool,
}

/// A wrong configuration is this command's finding, so it exits with 1, not 2.
pub fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.defaults {
        print!("{DEFAULTS}");
        return Ok(());
    }
    let config = Config::load(file).map_err(|error| anyhow!("{error}"))?;
    Types::load(&config.secretariat.case_types).map_err(|faults| anyhow!("{faults}"))?;
    Segments::load(&config.secretariat.segments).map_err(|faults| anyhow!("{faults}"))?;
    match file {
        Some(file) => println!("{} is fine", file.display()),
        None => println!("the configuration is fine (defaults and environment; no file was given)"),
    }
    println!("node {:?} does: {}", config.node(), config.roles);
    Ok(())
}
