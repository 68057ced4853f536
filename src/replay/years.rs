//! Many years out of one: a recorded year told again and again, each day of each copy with its own strength. It says nothing about
//! the climate; it makes a record long enough to measure how long a sweep takes, of days that are like real days.

use chrono::TimeDelta;
use serde::Deserialize;

use super::Recorded;
use super::faults::Chance;
use crate::clock::Instant;
use crate::units::Fixed;

const DAY_S: i64 = 86_400;

/// `[repeat]` of a scenario.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How often in all, 1 to 50.
    pub times: u32,
    /// From the beginning of one copy to the next.
    pub days: u32,
    pub seed: u64,
    /// Values of a day are multiplied by a factor from 1 − vary to 1 + vary, the same for all stations. 0 to 1.
    pub vary: f64,
}

impl Repeat {
    /// # Errors
    /// Names the key that is out of its bounds.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=50).contains(&self.times) {
            return Err(format!("repeat.times is {}; expected 1 to 50", self.times));
        }
        if self.days == 0 {
            return Err("repeat.days is 0; expected the length of the record in days".into());
        }
        if !(0.0..=1.0).contains(&self.vary) {
            return Err(format!("repeat.vary is {}; expected 0 to 1", self.vary));
        }
        Ok(())
    }

    /// The instants at which something of the record lies in each copy.
    pub fn copies(&self, at: Instant) -> impl Iterator<Item = Instant> {
        let days = i64::from(self.days);
        (0..i64::from(self.times)).map(move |copy| at + TimeDelta::days(copy * days))
    }

    /// The first copy is the record itself.
    pub fn readings(&self, once: &[Recorded]) -> Vec<Recorded> {
        let chance = Chance { seed: self.seed };
        let mut all = Vec::with_capacity(once.len() * self.times as usize);
        for copy in 0..self.times {
            let later = TimeDelta::days(i64::from(copy) * i64::from(self.days));
            all.extend(once.iter().map(|reading| {
                let day = reading.observed_at.timestamp().div_euclid(DAY_S).cast_unsigned();
                let factor = (chance.number([u64::from(copy), day, 0]) * 2.0 - 1.0).mul_add(self.vary, 1.0);
                let varied = if copy == 0 { reading.value.0 } else { (reading.value.0 as f64 * factor).round() as i64 };
                Recorded { observed_at: reading.observed_at + later, value: Fixed(varied), ..reading.clone() }
            }));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::ids::DatastreamId;
    use crate::units::Quality;

    #[test]
    fn the_first_year_is_the_record_and_the_others_have_days_of_their_own_strength() {
        let once: Vec<Recorded> = (0..48)
            .map(|hour| Recorded {
                datastream: DatastreamId(1),
                observed_at: from_micros(hour * 3_600_000_000),
                late: TimeDelta::zero(),
                value: Fixed::from_whole(10),
                quality: Quality::Pass,
                why: None,
            })
            .collect();
        let all = Repeat { times: 3, days: 2, seed: 1, vary: 0.5 }.readings(&once);
        assert_eq!(all.len(), 144);
        assert_eq!(all[..48], once);
        let (second, third) = (&all[48..96], &all[96..]);
        assert_eq!(second[0].observed_at, from_micros(48 * 3_600_000_000));
        assert!(second[..24].iter().all(|r| r.value == second[0].value), "one day, one factor");
        assert_ne!(second[0].value, second[24].value);
        assert_ne!(second[0].value, third[0].value);
        assert!(all.iter().all(|r| (5.0..=15.0).contains(&r.value.to_f64())));
    }
}
