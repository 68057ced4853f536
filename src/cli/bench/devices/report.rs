//! The figures of `bench devices`, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use super::proof::Balance;

/// In milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    pub count: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub longest_ms: f64,
}

impl Spread {
    pub fn of(durations: impl Iterator<Item = Duration>) -> Self {
        let mut all: Vec<f64> = durations.map(|took| took.as_secs_f64() * 1000.0).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (all.len().saturating_sub(1) as f64 * share).round() as usize;
            all.get(index).copied().unwrap_or(f64::NAN)
        };
        Self { count: all.len(), p50_ms: at(0.5), p99_ms: at(0.99), longest_ms: at(1.0) }
    }

    fn line(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", self.p50_ms, self.p99_ms, self.longest_ms)
    }
}

/// Processor seconds of one second of the clock.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Processor {
    pub service: f64,
    pub clients: f64,
    /// PostgreSQL and whatever else runs on the machine.
    pub others: f64,
}

/// Resident MiB of the service.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    pub before_the_devices_mib: f64,
    pub all_connected_mib: f64,
    pub end_mib: f64,
    pub most_mib: f64,
    /// Of the second half of the steady time.
    pub growth_mib_per_minute: f64,
}

#[derive(Debug, Serialize)]
pub struct Steady {
    pub seconds: f64,
    pub readings_per_second: f64,
    pub acknowledged_after: Spread,
    pub judged_after: Spread,
    pub memory: Memory,
    pub processor: Processor,
}

#[derive(Debug, Serialize)]
pub struct Storm {
    pub backlog_readings: u64,
    pub readings_per_message: usize,
    pub connections_a_device: usize,
    pub back_within_s: u64,
    pub drained_after_s: f64,
    pub backlog_readings_per_second: f64,
    /// From the start of the service, over the stations.
    pub newest_of_each_station_judged_after: Spread,
    pub stations_judged: usize,
    /// While the backlog drained, of readings measured once everybody was to be back.
    pub live_acknowledged_after: Spread,
    pub live_judged_after: Spread,
    pub connections_that_broke: usize,
    pub memory_most_mib: f64,
    pub processor: Processor,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub bench: &'static str,
    pub devices: usize,
    pub steady: Steady,
    pub storm: Option<Storm>,
    pub balance: Balance,
    pub everything_judged: bool,
    pub optimised: bool,
}

impl Report {
    pub fn print(&self) {
        let Self { steady, balance, .. } = self;
        println!("{} devices connected, 1 reading/s each, QoS 1, for {:.0} s", self.devices, steady.seconds);
        println!("  acknowledged               {:>12.0} readings/s", steady.readings_per_second);
        println!("  publish → PUBACK           {}", steady.acknowledged_after.line());
        println!("  measured → judged          {}", steady.judged_after.line());
        let memory = &steady.memory;
        println!(
            "  memory of the service      {:.0} MiB before, {:.0} MiB connected, {:.0} MiB at the end, {:+.1} MiB a minute",
            memory.before_the_devices_mib, memory.all_connected_mib, memory.end_mib, memory.growth_mib_per_minute
        );
        print_processor(&steady.processor);
        if let Some(storm) = &self.storm {
            storm.print(self.devices);
        }
        println!(
            "acknowledged {} readings, in the journal {}, lost {}, twice {}",
            balance.acknowledged, balance.in_the_journal, balance.lost, balance.twice
        );
        if !self.everything_judged {
            println!("  the rules have not judged everything");
        }
        if !self.optimised {
            println!("  This is a debug build: the figures mean little.");
        }
    }
}

impl Storm {
    fn print(&self, devices: usize) {
        println!(
            "kill -9, and all back within {} s with {} readings of backlog ({} a message, newest first, {} connection(s) a device)",
            self.back_within_s, self.backlog_readings, self.readings_per_message, self.connections_a_device
        );
        println!(
            "  drained after              {:>12.1} s, {:.0} readings/s beside the live ones",
            self.drained_after_s, self.backlog_readings_per_second
        );
        println!(
            "  newest of each station     {} after the start ({} of {devices} stations)",
            self.newest_of_each_station_judged_after.line(),
            self.stations_judged
        );
        println!("  live publish → PUBACK      {}", self.live_acknowledged_after.line());
        println!("  live measured → judged     {}", self.live_judged_after.line());
        println!("  connections that broke     {:>12}", self.connections_that_broke);
        println!("  memory of the service      {:.0} MiB at most", self.memory_most_mib);
        print_processor(&self.processor);
    }
}

fn print_processor(processor: &Processor) {
    let Processor { service, clients, others } = processor;
    println!(
        "  processors used            service {service:.2}, these clients {clients:.2}, PostgreSQL and others {others:.2}"
    );
}
