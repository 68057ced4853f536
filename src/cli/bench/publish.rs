//! `sentinela bench publish`: the devices of `bench ingest` against any broker, for comparisons with others.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::publishers::{Load, publish};
use crate::cli::Usage;
use crate::clock::{Clock, Stopwatch};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The broker, on this machine
    #[arg(long, value_name = "mqtt://127.0.0.1:PORT")]
    broker: String,
    /// Seconds to publish
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Devices that publish at once
    #[arg(long, default_value_t = 50)]
    devices: usize,
    /// Readings in one message
    #[arg(long, default_value_t = 20)]
    batch: u64,
    /// Stop each device after so many messages; 0 = only the seconds count
    #[arg(long, default_value_t = 0)]
    messages: u64,
    /// Tells the messages of one run from those of another
    #[arg(long, default_value_t = 1)]
    run: u64,
    /// A connection that ends is the end of a device's part, not a failure
    #[arg(long)]
    until_broken: bool,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

/// Load goes to this machine only: a bench that is pointed at somebody's broker is an attack.
fn port(broker: &str) -> anyhow::Result<u16> {
    let rest = broker.strip_prefix("mqtt://127.0.0.1:");
    rest.and_then(|port| port.trim_end_matches('/').parse().ok())
        .ok_or_else(|| Usage(format!("--broker {broker:?}: expected mqtt://127.0.0.1:PORT")).into())
}

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let load = Load {
        port: port(&arguments.broker)?,
        devices: arguments.devices,
        batch: arguments.batch,
        lasting: Duration::from_secs(arguments.seconds),
        run: arguments.run,
        from: Clock::System.now() - TimeDelta::days(30),
        messages: if arguments.messages == 0 { u64::MAX } else { arguments.messages },
        until_broken: arguments.until_broken,
    };
    let watch = Stopwatch::start();
    let acknowledged = publish(&load).await?;
    let seconds = watch.elapsed().as_secs_f64();
    let text = format!("{acknowledged} readings acknowledged in {seconds:.1} s");
    super::print(
        arguments.json,
        &text,
        &json!({ "bench": "publish", "acknowledged": acknowledged, "seconds": seconds }),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_goes_to_this_machine_only() {
        assert_eq!(port("mqtt://127.0.0.1:1883").ok(), Some(1883));
        for other in ["mqtt://broker.example.org:1883", "127.0.0.1:1883", "mqtt://127.0.0.1"] {
            assert!(port(other).is_err(), "{other}");
        }
    }
}
