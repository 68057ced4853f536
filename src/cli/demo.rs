//! `sentinela demo`

use std::path::Path;

use anyhow::bail;

use crate::cli::Usage;
use crate::config::Config;
use crate::demo::{self, DEFAULT_SPEED, Options};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Storm seconds played in one second; 600 plays the night in a minute
    #[arg(long, default_value_t = DEFAULT_SPEED)]
    speed: f64,
    /// Throw an earlier demonstration away and begin again
    #[arg(long)]
    fresh: bool,
}

pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { speed, fresh } = *arguments;
    if !(1.0..=100_000.0).contains(&speed) {
        bail!(Usage(format!("--speed {speed}: expected 1 to 100000")));
    }
    demo::run(Config::load_demo(file)?, Options { speed, fresh }).await
}
