//! `sentinela capacity`: what an installation of a given size needs, from measured figures (docs/capacity.md). It asks nothing of any
//! database.

use serde_json::{Map, json};

use crate::capacity::{Case, compute};

/// What an installation of a given size needs, computed from measured figures
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Stations that report
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    stations: u32,
    /// Streams of each station: rain, level, battery
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    streams: u32,
    /// Between two readings of a stream in calm weather: 10m, 90s, 1h
    #[arg(long, default_value = "10m", value_parser = seconds)]
    interval: u32,
    /// The same in a storm
    #[arg(long, default_value = "1m", value_parser = seconds)]
    storm_interval: u32,
    /// Days of storm in a year, as if it stormed everywhere at once
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=365))]
    storm_days: u32,
    /// Months for which readings are kept whole, as in `history.raw_months`; 0 = for ever
    #[arg(long, default_value_t = 0)]
    raw_months: u32,
    /// Residents with a telephone
    #[arg(long, default_value_t = 0)]
    recipients: u32,
    /// Of a hundred recipients, how many a large warning reaches
    #[arg(long, default_value_t = 10.0)]
    inside_percent: f64,
    /// Segments of its SMS
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    segments: u32,
    /// Segments a second of all contracts together
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    sms_per_second: u32,
    /// Within which the last SMS is to have left
    #[arg(long, default_value = "10m", value_parser = seconds)]
    within: u32,
    /// Disk for the database
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    disk_gib: u32,
    /// Memory for the service
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    memory_gib: u32,
    /// One JSON object instead of a table in Markdown
    #[arg(long)]
    json: bool,
}

/// "90s", "10m", "1h" in seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is no duration; expected a whole number with s, m or h, such as 10m");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(each).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

impl Arguments {
    fn case(&self) -> anyhow::Result<Case> {
        let is_share = (0.0..=100.0).contains(&self.inside_percent);
        anyhow::ensure!(is_share, super::Usage(format!("--inside-percent {}: expected 0 to 100", self.inside_percent)));
        Ok(Case {
            stations: self.stations.into(),
            streams: self.streams.into(),
            interval_s: self.interval.into(),
            storm_interval_s: self.storm_interval.into(),
            storm_days: self.storm_days.into(),
            raw_months: self.raw_months.into(),
            recipients: self.recipients.into(),
            inside_percent: self.inside_percent,
            segments: self.segments.into(),
            sms_per_second: self.sms_per_second.into(),
            within_s: self.within.into(),
            disk_gib: self.disk_gib.into(),
            memory_gib: self.memory_gib.into(),
        })
    }
}

/// # Errors
/// A share that is none.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let answer = compute(&arguments.case()?);
    if !arguments.json {
        print!("{}", answer.table());
        return Ok(());
    }
    let mut values = Map::new();
    for row in &answer.rows {
        values.insert(row.key.to_owned(), json!({ "value": row.value, "extrapolated": row.is_extrapolated }));
    }
    let shares: Map<String, serde_json::Value> =
        answer.shares.iter().map(|(what, share)| (what.as_str().to_owned(), json!(share))).collect();
    let first = answer.shares.first().map(|(what, _)| what.as_str());
    println!("{}", json!({ "rows": values, "shares": shares, "first_bottleneck": first }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        assert_eq!(["90s", "10m", "2h"].map(seconds), [Ok(90), Ok(600), Ok(7200)]);
        for wrong in ["", "m", "10", "1.5h", "0s", "10d", "-1m", "5000000000s", "4294967295h", "10µ"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
