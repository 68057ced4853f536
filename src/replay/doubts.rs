//! What quality control doubted in a replay: one line for each station and test, because a stuck gauge is doubted at every
//! reading.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono_tz::Tz;
use serde::Serialize;

use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::risk::control::{Flag, Test};
use crate::units::Quality;

/// The readings of one station that one test doubted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubted {
    pub station: String,
    pub test: Test,
    /// The worst that was said.
    pub quality: Quality,
    pub readings: u32,
    pub first_at: Instant,
    pub last_at: Instant,
}

#[derive(Debug, Default)]
pub struct Doubts(BTreeMap<(DatastreamId, Test), Doubted>);

impl Doubts {
    pub fn add(&mut self, station: &str, flag: &Flag) {
        let (test, at) = (flag.why.test(), flag.observed_at);
        let doubted = self.0.entry((flag.datastream, test)).or_insert_with(|| Doubted {
            station: station.to_owned(),
            test,
            quality: flag.quality,
            readings: 0,
            first_at: at,
            last_at: at,
        });
        doubted.quality = doubted.quality.max(flag.quality);
        doubted.readings += 1;
        (doubted.first_at, doubted.last_at) = (doubted.first_at.min(at), doubted.last_at.max(at));
    }

    pub fn all(self) -> Vec<Doubted> {
        self.0.into_values().collect()
    }
}

/// As lines at the end of a transcript.
pub fn render(text: &mut String, zone: Tz, doubts: &[Doubted]) {
    for doubted in doubts {
        let at = |at: Instant| at.with_timezone(&zone).format("%d/%m/%Y %H:%M").to_string();
        let quality = if doubted.quality == Quality::Fail { "descartadas" } else { "duvidosas" };
        let test = match doubted.test {
            Test::Range => "fora da faixa",
            Test::Spike => "pico isolado",
            Test::Rate => "variação rápida demais",
            Test::FlatLine => "valor parado",
            Test::StuckCounter => "contador parado entre vizinhas molhadas",
            Test::Neighbours => "seca entre vizinhas molhadas",
        };
        let Doubted { station, readings, .. } = doubted;
        let _ = writeln!(
            text,
            "# {quality}: {station}, {readings} leituras, {test} ({} a {})",
            at(doubted.first_at),
            at(doubted.last_at)
        );
    }
}
