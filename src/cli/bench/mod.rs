//! `sentinela bench …`: the figures of the README, each as a ratio within one run beside the absolute number. The ratio is
//! what compares between machines.

mod backfill;
mod bare;
mod centre;
mod crowd;
mod devices;
mod engine;
mod fanout;
mod history;
mod ingest;
mod latency;
mod mail;
mod pages;
mod publish;
mod publishers;
mod secretariat;
mod sms;
mod soak;
mod stage;

use clap::Subcommand;

use crate::config::Config;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The core alone: 1,000 stations, 500 areas, 5 windows
    Engine(engine::Arguments),
    /// Readings over MQTT QoS 1, committed and judged, against a bare endpoint → table → acknowledgement
    Ingest(ingest::Arguments),
    /// Thousands of devices connected at once with a reading a second each, and their return after an outage
    Devices(devices::Arguments),
    /// Readings over MQTT QoS 1 to any broker of this machine, for comparisons with others
    Publish(publish::Arguments),
    /// Pages, tiles, series and the evaluator's start over a journal of ten million readings
    History(history::Arguments),
    /// List, board, map and filters of the console over ten thousand open occurrences
    Pages(pages::Arguments),
    /// Queues, search, cases, figures and public lists of the secretariat over 200,000 cases and a million press items; their load beside warnings
    Secretariat(secretariat::Arguments),
    /// From a reading to the SMS in the hands of the centre, with a policy that lets the alert out
    Latency(latency::Arguments),
    /// From the approval to the first and the last SMS, with a million residents
    Fanout(fanout::Arguments),
    /// SMS over SMPP against a bare client; the use of a provider's rate, two providers, one that dies
    Sms(sms::Arguments),
    /// Letters over SMTP against a bare client
    Mail(mail::Arguments),
    /// Hours at a steady rate with warnings between: memory flat, bars held, disk as computed
    Soak(soak::Arguments),
    /// The past filled in, alone and beside live readings
    Backfill(backfill::Arguments),
}

impl Bench {
    /// # Errors
    /// What kept the measurement from being taken.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Self::Engine(arguments) => engine::run(&arguments),
            Self::History(arguments) => history::run(config, &arguments).await,
            Self::Pages(arguments) => pages::run(config, &arguments).await,
            Self::Ingest(arguments) => ingest::run(config, &arguments).await,
            Self::Devices(arguments) => devices::run(config, &arguments).await,
            Self::Publish(arguments) => publish::run(&arguments).await,
            Self::Secretariat(arguments) => secretariat::run(config, &arguments).await,
            Self::Latency(arguments) => latency::run(config, &arguments).await,
            Self::Fanout(arguments) => fanout::run(config, &arguments).await,
            Self::Sms(arguments) => sms::run(config, &arguments).await,
            Self::Mail(arguments) => mail::run(config, &arguments).await,
            Self::Soak(arguments) => soak::run(config, &arguments).await,
            Self::Backfill(arguments) => backfill::run(config, &arguments).await,
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
