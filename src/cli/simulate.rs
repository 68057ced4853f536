//! `sentinela simulate FILE…`: recorded storms through the core, without a database.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::backtest::{Case, report};
use crate::cli::backtest::{Language, case_of, lead_max, write_page};
use crate::cli::said;
use crate::cli::scenario::{Loaded, load};
use crate::config;
use crate::replay::{self, Scenario, Transcript};
use crate::risk::control::Defaults;
use crate::risk::store::load_limits;

/// Replay recorded storms and print what the service would have done
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// Scenario files (simulations/storms/*.toml).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a file instead of the readable transcript.
    #[arg(long)]
    json: bool,
    /// Also write one HTML page with plots and scores of these storms
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
}

impl Simulate {
    /// # Errors
    /// Names the file and what is wrong in it.
    pub fn run(&self, engine: &config::Engine) -> anyhow::Result<()> {
        let limits = load_limits(&engine.quality_file)?;
        let mut out = said::out();
        let mut cases = Vec::new();
        for file in &self.files {
            let loaded = load(file, &limits, None)?;
            let transcript = replayed(&loaded)?;
            let text = replay::render(&loaded.scenario, &transcript);
            let title = loaded.scenario.title.clone();
            let case = case_of(loaded);
            if self.json {
                serde_json::to_writer(&mut out, &serde_json::json!({ "title": title, "transcript": transcript }))?;
                writeln!(out)?;
            } else {
                out.write_all(text.as_bytes())?;
                out.write_all(leads_of(&case)?.as_bytes())?;
            }
            cases.push(case);
        }
        match &self.report {
            Some(path) => write_page(path, &report::of_cases(&cases, lead_max(None)?)?, self.lang.into()),
            None => Ok(()),
        }
    }
}

/// A scenario's transcript as people read it, with the lead time to each recorded event.
///
/// # Errors
/// Names the file and what is wrong in it.
pub fn told(file: &Path) -> anyhow::Result<String> {
    let loaded = load(file, &load_limits("")?, None)?;
    let transcript = replayed(&loaded)?;
    let text = replay::render(&loaded.scenario, &transcript);
    Ok(text + &leads_of(&case_of(loaded))?)
}

fn leads_of(case: &Case) -> anyhow::Result<String> {
    if case.events.is_empty() {
        return Ok(String::new());
    }
    let report = report::of_cases(std::slice::from_ref(case), lead_max(None)?)?;
    Ok(report.cases.iter().map(report::leads_told).collect())
}

/// Reads a scenario with everything it names, and replays it under the limits of quality control that are compiled in.
pub fn simulate(file: &Path) -> anyhow::Result<(Scenario, Transcript)> {
    simulate_with(file, &load_limits("")?)
}

/// The same under limits of one's own (`engine.quality_file`).
pub fn simulate_with(file: &Path, limits: &Defaults) -> anyhow::Result<(Scenario, Transcript)> {
    let loaded = load(file, limits, None)?;
    let transcript = replayed(&loaded)?;
    Ok((loaded.scenario, transcript))
}

fn replayed(loaded: &Loaded) -> anyhow::Result<Transcript> {
    Ok(replay::replay(
        &loaded.scenario,
        loaded.network.clone().bind()?.in_zone(loaded.scenario.time_zone),
        &loaded.readings,
    ))
}
