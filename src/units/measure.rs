//! Units: UCUM codes and the spellings that devices and files really have, with what takes each to the unit the service keeps.

use std::fmt;

use super::Quantity;

/// One unit of a quantity. A value times `factor` plus `offset` is in the canonical unit.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// In UCUM, case-sensitive.
    pub ucum: &'static str,
    /// How else it is written.
    pub spellings: &'static [&'static str],
    pub factor: f64,
    pub offset: f64,
}

const fn unit(ucum: &'static str, spellings: &'static [&'static str], factor: f64) -> Unit {
    Unit { ucum, spellings, factor, offset: 0.0 }
}

/// A rate counts only where the span is known.
const RATES: &[Unit] = &[
    unit("mm/h", &["mm/hr", "mm h-1", "mm.h-1"], 1.0 / 3600.0),
    unit("mm/min", &[], 1.0 / 60.0),
    unit("[in_i]/h", &["in/h", "in/hr"], 25.4 / 3600.0),
];
/// Tips of a bucket count only where the bucket is known.
const TIPS: Unit =
    unit("{tip}", &["tip", "tips", "pulse", "pulses", "{pulse}", "{count}", "count", "basculada", "basculadas"], 1.0);

const RAIN: &[Unit] = &[
    unit("mm", &["milimetros", "milímetros", "MM", "mm H2O"], 1.0),
    unit("L/m2", &["l/m2", "L/m²", "l/m²", "kg/m2", "kg/m²"], 1.0),
    unit("cm", &[], 10.0),
    unit("m", &[], 1000.0),
    unit("um", &["µm"], 0.001),
    unit("[in_i]", &["in", "inch", "inches", "\""], 25.4),
];
const LENGTH: &[Unit] = &[
    unit("m", &["metros", "M"], 1.0),
    unit("cm", &["CM"], 0.01),
    unit("mm", &["MM"], 0.001),
    unit("km", &[], 1000.0),
    unit("[ft_i]", &["ft", "feet"], 0.3048),
    unit("[in_i]", &["in", "inch", "inches"], 0.0254),
];
const FLOW: &[Unit] = &[
    unit("m3/s", &["m³/s", "m^3/s", "m3.s-1", "cms"], 1.0),
    unit("L/s", &["l/s"], 0.001),
    unit("m3/h", &["m³/h", "m^3/h"], 1.0 / 3600.0),
    unit("[cft_i]/s", &["ft3/s", "ft³/s", "cfs"], 0.028_316_846_592),
];
const TEMPERATURE: &[Unit] = &[
    unit("Cel", &["°C", "ºC", "C", "degC", "celsius"], 1.0),
    Unit { ucum: "K", spellings: &["kelvin"], factor: 1.0, offset: -273.15 },
    Unit { ucum: "[degF]", spellings: &["°F", "ºF", "F", "degF"], factor: 5.0 / 9.0, offset: -160.0 / 9.0 },
];
const SPEED: &[Unit] = &[
    unit("m/s", &["m.s-1", "m s-1", "mps"], 1.0),
    unit("km/h", &["kmh", "km/hr", "kph"], 1.0 / 3.6),
    unit("[kn_i]", &["kn", "kt", "kts", "knot", "knots"], 1852.0 / 3600.0),
    unit("[mi_i]/h", &["mph", "mi/h"], 0.447_04),
];
const SHARE: &[Unit] = &[
    unit("%", &["%RH", "%EL", "percent", "pct"], 1.0),
    // SenML's ratio.
    unit("1", &["/"], 100.0),
];
const COUNT: &[Unit] = &[unit("1", &[], 1.0)];

/// What is measured, as far as a unit must know it.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub quantity: Quantity,
    /// The span one value stands for: a rate of rain needs it.
    pub interval_s: Option<i32>,
    /// Rain that tips the bucket once: a count of tips needs it.
    pub tip_mm: Option<f64>,
}

impl Measure {
    pub const fn of(quantity: Quantity) -> Self {
        Self { quantity, interval_s: None, tip_mm: None }
    }

    /// Factor and offset that take a value in `unit` to the canonical unit.
    ///
    /// # Errors
    /// The unit measures something else, or needs what is not known. The message names what would be taken.
    pub fn conversion(self, unit: &str) -> Result<(f64, f64), RefusedUnit> {
        let refused = |why| Err(RefusedUnit { quantity: self.quantity, why });
        if let Some(known) = find(self.quantity.units(), unit) {
            return Ok((known.factor, known.offset));
        }
        if self.quantity == Quantity::Rain {
            match (find(RATES, unit), self.interval_s) {
                (Some(rate), Some(seconds)) => return Ok((rate.factor * f64::from(seconds), 0.0)),
                (Some(_), None) => return refused(Why::NoInterval),
                (None, _) => {}
            }
            match (find(&[TIPS], unit), self.tip_mm) {
                (Some(_), Some(tip)) => return Ok((tip, 0.0)),
                (Some(_), None) => return refused(Why::NoTip),
                (None, _) => {}
            }
        }
        refused(if matches!(unit, "V" | "mV" | "mA" | "volt" | "volts") { Why::Electrical } else { Why::Other })
    }
}

fn find<'a>(units: &'a [Unit], unit: &str) -> Option<&'a Unit> {
    units.iter().find(|known| known.ucum == unit || known.spellings.contains(&unit))
}

impl Quantity {
    /// The units this quantity is taken in, the canonical one first.
    pub const fn units(self) -> &'static [Unit] {
        match self {
            Self::Rain | Self::RainForecast => RAIN,
            Self::WaterLevel => LENGTH,
            Self::Flow => FLOW,
            Self::AirTemperature => TEMPERATURE,
            Self::WindSpeed | Self::WindGust => SPEED,
            Self::RelativeHumidity | Self::SoilMoisture | Self::Battery => SHARE,
            Self::Reports | Self::Warnings => COUNT,
        }
    }

    /// Factor and offset that take a value in `unit` to the canonical unit, or `None` when the unit does not fit whatever the
    /// stream is.
    pub fn conversion(self, unit: &str) -> Option<(f64, f64)> {
        Measure::of(self).conversion(unit).ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Other,
    Electrical,
    NoInterval,
    NoTip,
}

/// Why a unit is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedUnit {
    quantity: Quantity,
    why: Why,
}

impl std::error::Error for RefusedUnit {}

impl fmt::Display for RefusedUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::NoInterval => {
                return f.write_str("is a rate: rain needs an interval for it (interval_s of the stream)");
            }
            Why::NoTip => {
                return f.write_str("counts tips: rain needs the bucket's size for it (tip_mm of the stream)");
            }
            Why::Electrical => write!(f, "is what the sensor's wire carries and does not measure {}", self.quantity)?,
            Why::Other => write!(f, "does not measure {}", self.quantity)?,
        }
        let accepted: Vec<&str> = self.quantity.units().iter().map(|unit| unit.ucum).collect();
        write!(f, "; expected one of {}", accepted.join(", "))?;
        if self.quantity == Quantity::Rain {
            f.write_str(", mm/h with an interval, {tip} with tip_mm")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_unit_is_the_one_that_is_kept() {
        for quantity in Quantity::ALL {
            let first = quantity.units()[0];
            assert_eq!((first.ucum, first.factor, first.offset), (quantity.canonical_unit(), 1.0, 0.0));
        }
    }

    #[test]
    fn no_spelling_means_two_things() {
        for quantity in Quantity::ALL {
            let mut words: Vec<&str> =
                quantity.units().iter().flat_map(|unit| unit.spellings.iter().copied().chain([unit.ucum])).collect();
            words.sort_unstable();
            assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{quantity}: {words:?}");
        }
    }

    #[test]
    fn known_points_of_each_scale_meet() {
        let of = |quantity: Quantity, unit: &str, value: f64| {
            let (factor, offset) = quantity.conversion(unit).unwrap();
            value * factor + offset
        };
        for (quantity, unit, value, expected) in [
            (Quantity::Rain, "[in_i]", 2.0, 50.8),
            (Quantity::Rain, "L/m2", 3.0, 3.0),
            (Quantity::WaterLevel, "cm", 529.0, 5.29),
            (Quantity::WaterLevel, "[ft_i]", 10.0, 3.048),
            (Quantity::AirTemperature, "[degF]", 212.0, 100.0),
            (Quantity::AirTemperature, "[degF]", -40.0, -40.0),
            (Quantity::AirTemperature, "K", 273.15, 0.0),
            (Quantity::WindSpeed, "km/h", 36.0, 10.0),
            (Quantity::WindGust, "[kn_i]", 3600.0, 1852.0),
            (Quantity::Flow, "L/s", 1500.0, 1.5),
            (Quantity::Battery, "/", 0.97, 97.0),
        ] {
            assert!((of(quantity, unit, value) - expected).abs() < 1e-9, "{value} {unit} of {quantity}");
        }
    }

    #[test]
    fn a_rate_needs_a_span_and_a_tip_its_bucket() {
        let rain = Measure::of(Quantity::Rain);
        assert_eq!(Measure { interval_s: Some(600), ..rain }.conversion("mm/h").unwrap(), (600.0 / 3600.0, 0.0));
        assert_eq!(Measure { tip_mm: Some(0.2), ..rain }.conversion("{tip}").unwrap(), (0.2, 0.0));
        assert!(rain.conversion("mm/h").unwrap_err().to_string().contains("interval_s"));
        assert!(rain.conversion("tips").unwrap_err().to_string().contains("tip_mm"));
        // A rate of level is none of rain's.
        assert!(Measure { interval_s: Some(600), ..Measure::of(Quantity::WaterLevel) }.conversion("mm/h").is_err());
    }

    #[test]
    fn a_refusal_names_what_is_accepted() {
        let told = |quantity: Quantity, unit| Measure::of(quantity).conversion(unit).unwrap_err().to_string();
        assert_eq!(
            told(Quantity::WaterLevel, "V"),
            "is what the sensor's wire carries and does not measure water_level; expected one of m, cm, mm, km, [ft_i], [in_i]"
        );
        assert!(told(Quantity::Rain, "hPa").starts_with("does not measure rain; expected one of mm, L/m2, cm"));
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_it_began(value in -1e6_f64..1e6, which in any::<prop::sample::Index>()) {
            for quantity in Quantity::ALL {
                let unit = which.get(quantity.units());
                let (factor, offset) = quantity.conversion(unit.ucum).unwrap();
                let back = (value * factor + offset - offset) / factor;
                prop_assert!((back - value).abs() <= 1e-9 * value.abs().max(1e3 / factor.abs().min(1.0)), "{value} {} came back as {back}", unit.ucum);
            }
        }
    }
}
