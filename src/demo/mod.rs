//! The demonstration: a real municipality, a real storm, fictional residents.
//!
//! Everything runs as in service: the gauges are MQTT clients of their own that sign in and publish with QoS 1. Only time is
//! bent: the service lives on a staged clock that plays the worst night faster than it was and meets the present at its end.
//! What fell in the days before is in the journal beforehand, as history the rules look back on.

mod budget;
mod citizen;
mod council;
mod ethics;
mod gauges;
pub mod people;
mod procedures;
mod publishing;
mod seed;
mod shelters;
pub mod storm;
mod streets;
pub mod teams;

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::ids::Ids;
use crate::lifecycle::Service;
use crate::stations::device::secret_sha256;
use storm::Timeline;

pub use seed::{AREAS, STATIONS, secretariat};
pub use storm::SERIES;

/// The account that is made for the visitor.
pub const USERNAME: &str = "coordenacao";

/// Storm hours played in one real minute, unless told otherwise: ten hours a minute.
pub const DEFAULT_SPEED: f64 = 600.0;

/// What one demonstration remembers of itself, in `data_dir/demo.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Device secrets are derived from it.
    seed: String,
    password: String,
    /// In real time.
    began_at: Instant,
    /// Storm seconds in a real second.
    speed: f64,
    /// The catalogue and the history are stored.
    ready: bool,
}

impl Memory {
    fn new(ids: &Ids, now: Instant, speed: f64) -> Self {
        let password = ids.secret().chars().take(14).collect();
        Self { seed: ids.secret(), password, began_at: now, speed, ready: false }
    }

    fn timeline(&self) -> Timeline {
        Timeline::new(self.began_at, self.speed)
    }

    /// The secret of a gauge: the same at every start of this demonstration, and of no use anywhere else.
    fn secret(&self, device: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret_sha256(device, &self.seed))
    }

    fn load(path: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} cannot be read; `sentinela demo --fresh` begins again", path.display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Holds a password, so nobody else may read it.
    fn save(&self, path: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| file.write_all(&serde_json::to_vec_pretty(self)?));
        written.with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// How the demonstration is played.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Storm seconds in one real second.
    pub speed: f64,
    /// Throw an earlier demonstration away.
    pub fresh: bool,
}

/// Runs the demonstration until a signal ends it.
///
/// # Errors
/// What kept it from starting.
pub async fn run(config: Config, options: Options) -> anyhow::Result<()> {
    if config.mqtt.listen.is_empty() {
        bail!("configuration key `mqtt.listen` is empty; the gauges of the demo need the device endpoint");
    }
    let memory_path = config.data_dir.join("demo.json");
    if options.fresh && !config.database.url.is_empty() {
        bail!("--fresh works on the private database only; empty the one of `database.url` yourself");
    }
    let (clock, ids) = (Clock::System, Ids::system());
    let found = if options.fresh && memory_path.exists() { None } else { Memory::load(&memory_path)? };
    // A demonstration that was cut short while it was prepared begins again too.
    let begin_again = memory_path.exists() && found.as_ref().is_none_or(|memory| !memory.ready);
    let resumed = found.as_ref().is_some_and(|memory| memory.ready);
    let mut memory =
        found.filter(|memory| memory.ready).unwrap_or_else(|| Memory::new(&ids, clock.now(), options.speed));
    if !resumed {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("configuration key `data_dir`: {}", config.data_dir.display()))?;
        println!("Preparing the demonstration: database, 81 neighbourhoods, 23 gauges, {} residents …", people::COUNT);
        seed::prepare(&config, &clock, &ids, (&mut memory, &memory_path), begin_again).await?;
        memory.ready = true;
        memory.save(&memory_path)?;
    }
    let timeline = memory.timeline();
    let mut service = Service::start(config, Clock::Staged(timeline.stage()), ids).await?;
    let app = service.app().clone();
    greet(&app, &memory, &timeline, resumed);
    service.spawn("gauges of the demo", gauges::run(app, memory, timeline));
    service.run().await
}

fn greet(app: &App, memory: &Memory, timeline: &Timeline, resumed: bool) {
    let url = app.config.public_url();
    let password = &memory.password;
    println!();
    println!("  Sentinela – demonstração de Juiz de Fora");
    println!("  Público / public     {url}/");
    println!("  Console              {url}/console      {USERNAME} / {password}");
    println!("  Mensagens / outbox   {url}/console/outbox");
    println!("  MQTT                 {}", app.config.mqtt.listen);
    println!();
    println!("  Rain of 20–27 February 2026 (CEMADEN), moved in time. Residents are fictional, grades illustrative,");
    println!("  alerts are exercises, and no message leaves this machine unless you configure a provider.");
    println!();
    if resumed {
        println!("  Going on where this demonstration stood; `sentinela demo --fresh` begins again.");
    } else {
        let minutes = timeline.night_for().as_secs_f64() / 60.0;
        println!("  The night of 23 February is played in {minutes:.1} min: areas rise on the map, an alert waits for");
        println!("  approval in the console, and after you approve it the messages show up in the outbox.");
    }
    println!();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn whoever_reads_a_page_through_the_whole_night_stays_signed_in() {
        let config = Config::load_demo(None).expect("the demonstration's own configuration");
        let night = Timeline::new(Clock::System.now(), DEFAULT_SPEED).night_for().mul_f64(DEFAULT_SPEED);
        let idle = Duration::from_secs(60 * u64::from(config.accounts.session_idle_min));
        let hours = Duration::from_secs(3600 * u64::from(config.accounts.session_hours));
        assert!(idle > night && hours > 2 * night, "the night lasts {night:?} of the clock, a session {idle:?} unused");
    }
}
