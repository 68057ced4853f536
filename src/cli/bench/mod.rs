//! `sentinela bench …`: the figures of the README, each as a ratio within one run beside the absolute number.

mod engine;

use clap::Subcommand;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The core alone: 1,000 stations, 500 areas, 5 windows
    Engine(engine::Arguments),
}

impl Bench {
    /// # Errors
    /// What kept the measurement from being taken.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Engine(arguments) => engine::run(&arguments),
        }
    }
}

/// One figure, for people or for programs.
pub fn print(json: bool, text: &str, value: &serde_json::Value) {
    if json {
        println!("{value}");
    } else {
        println!("{text}");
    }
}
