//! What a soak is judged by. Pure: figures in, judgement out.

use serde::Serialize;

/// Of the mean of the last half, so much may the memory have grown in it.
const SHARE: f64 = 0.05;
/// Fewer readings than this say nothing of growth: tables grow by whole extents.
const ENOUGH_READINGS: u64 = 200_000;

/// Resident memory of the last half of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Memory {
    pub samples: usize,
    pub mean_mib: f64,
    /// By least squares.
    pub slope_mib_per_hour: f64,
    /// What that slope comes to over the last half, and what it may.
    pub growth_mib: f64,
    pub bound_mib: f64,
    pub is_flat: bool,
}

/// Judges samples (seconds, MiB) in the order of their time. Memory is flat when the straight line through the last half rises by no
/// more than `allowance_mib` over that half, or 5 % of its mean where that is more. Streams, caches and pools fill in the first half.
pub fn memory(samples: &[(f64, f64)], allowance_mib: f64) -> Memory {
    let late = &samples[samples.len() / 2..];
    let count = late.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| late.iter().map(of).sum::<f64>() / count;
    let (mean_s, mean_mib) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let rise: f64 = late.iter().map(|(s, mib)| (s - mean_s) * (mib - mean_mib)).sum();
    let run: f64 = late.iter().map(|(s, _)| (s - mean_s).powi(2)).sum();
    let slope = if run > 0.0 { rise / run } else { 0.0 };
    let lasted = late.last().zip(late.first()).map_or(0.0, |(last, first)| last.0 - first.0);
    let (growth_mib, bound_mib) = (slope * lasted, allowance_mib.max(SHARE * mean_mib));
    Memory {
        samples: late.len(),
        mean_mib,
        slope_mib_per_hour: slope * 3600.0,
        growth_mib,
        bound_mib,
        is_flat: growth_mib <= bound_mib,
    }
}

/// How the database grew, beside what was computed for as many readings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Growth {
    pub readings: u64,
    pub measured_mib: f64,
    pub computed_mib: f64,
    /// Measured by computed.
    pub ratio: f64,
    /// Enough readings came to say anything.
    pub is_judged: bool,
    pub is_held: bool,
}

/// `within`: the share by which the two may differ.
pub fn growth(readings: u64, measured_bytes: i64, bytes_per_reading: f64, within: f64) -> Growth {
    let mib = |bytes: f64| bytes / 1024.0 / 1024.0;
    let computed = readings as f64 * bytes_per_reading;
    let ratio = measured_bytes as f64 / computed.max(1.0);
    let is_judged = readings >= ENOUGH_READINGS;
    Growth {
        readings,
        measured_mib: mib(measured_bytes as f64),
        computed_mib: mib(computed),
        ratio,
        is_judged,
        is_held: !is_judged || (ratio - 1.0).abs() <= within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(mib: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..720).map(|n| f64::from(n) * 10.0).map(|s| (s, mib(s))).collect()
    }

    #[test]
    fn memory_that_fills_and_then_stands_is_flat() {
        let filled = samples(|s| 100.0 + (s / 10.0).min(300.0) + if (s / 10.0) as i64 % 2 == 0 { 3.0 } else { -3.0 });
        let told = memory(&filled, 16.0);
        assert!(told.is_flat && told.slope_mib_per_hour.abs() < 1.0, "{told:?}");
        assert!((told.mean_mib - 400.0).abs() < 1.0 && told.samples == 360, "{told:?}");
        assert!((told.bound_mib - 0.05 * told.mean_mib).abs() < 1e-9, "{told:?}");
    }

    #[test]
    fn memory_that_goes_on_growing_is_not() {
        // 30 MiB an hour: as much in the last half of two hours.
        let told = memory(&samples(|s| 100.0 + s / 120.0), 16.0);
        assert!(!told.is_flat && (told.slope_mib_per_hour - 30.0).abs() < 0.1, "{told:?}");
        assert!((told.growth_mib - 30.0).abs() < 0.2, "{told:?}");
        assert!(memory(&samples(|s| 100.0 + s / 120.0), 40.0).is_flat);
        assert!(memory(&samples(|s| 900.0 - s / 120.0), 16.0).is_flat, "what shrinks leaks nothing");
    }

    #[test]
    fn no_samples_or_one_are_no_growth() {
        assert!(memory(&[], 16.0).is_flat && memory(&[(1.0, 50.0)], 16.0).is_flat);
    }

    #[test]
    fn growth_is_held_within_its_share_and_judged_by_enough_readings() {
        assert!(growth(1_000_000, 330_000_000, 320.0, 0.25).is_held);
        let off = growth(1_000_000, 500_000_000, 320.0, 0.25);
        assert!(!off.is_held && (off.ratio - 1.5625).abs() < 1e-9, "{off:?}");
        assert!(!growth(1_000_000, 100_000_000, 320.0, 0.25).is_held, "too little is not what was computed either");
        let few = growth(1_000, 500_000_000, 320.0, 0.25);
        assert!(few.is_held && !few.is_judged);
    }
}
