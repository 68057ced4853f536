//! Quantities that are computed from several instruments of one station.

use serde::{Deserialize, Serialize};

use crate::units::{Fixed, Quantity, vocabulary};

vocabulary! {
    Derived, "derived quantity" {
        /// What heat feels like in the shade, in °C. L. P. Rothfusz, "The Heat Index Equation", NWS Southern Region Technical Attachment
        /// SR 90-23, 1990, with the adjustments for dry and for humid air that the National Weather Service gives beside it.
        HeatIndex = "heat_index",
        /// How readily fire spreads from wind, heat and dry air, 0 to about 100. M. A. Fosberg, "Weather in wildland fire management: the fire
        /// weather index", 1978, with the equilibrium moisture of fine fuel after A. J. Simard, 1968.
        FireWeather = "fire_weather",
    }
}

impl Derived {
    /// The quantities it needs of a station; the first one's stream stands for it.
    pub const fn needs(self) -> &'static [Quantity] {
        match self {
            Self::HeatIndex => &[Quantity::AirTemperature, Quantity::RelativeHumidity],
            Self::FireWeather => &[Quantity::AirTemperature, Quantity::RelativeHumidity, Quantity::WindSpeed],
        }
    }

    pub const fn primary(self) -> Quantity {
        Quantity::AirTemperature
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::HeatIndex => "Cel",
            Self::FireWeather => "1",
        }
    }

    /// The value, from the values of `needs` in their canonical units (°C, %, m/s).
    pub fn value(self, of: &[Fixed]) -> Option<Fixed> {
        let at = |index: usize| of.get(index).map(|value| value.to_f64());
        let (celsius, humidity) = (at(0)?, at(1)?.clamp(0.0, 100.0));
        let fahrenheit = celsius.mul_add(1.8, 32.0);
        let value = match self {
            Self::HeatIndex => (heat_index(fahrenheit, humidity) - 32.0) / 1.8,
            Self::FireWeather => fire_weather(fahrenheit, humidity, at(2)?.max(0.0) / 0.447_04),
        };
        // The same on every machine, whatever the last bits of its arithmetic.
        Fixed::try_from((value * 100.0).round() / 100.0).ok()
    }
}

/// In °F, of °F and per cent.
fn heat_index(t: f64, rh: f64) -> f64 {
    let simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + rh * 0.094);
    if f64::midpoint(simple, t) < 80.0 {
        return f64::midpoint(simple, t);
    }
    let full = -42.379 + 2.049_015_23 * t + 10.143_331_27 * rh
        - 0.224_755_41 * t * rh
        - 6.837_83e-3 * t * t
        - 5.481_717e-2 * rh * rh
        + 1.228_74e-3 * t * t * rh
        + 8.5282e-4 * t * rh * rh
        - 1.99e-6 * t * t * rh * rh;
    if rh < 13.0 && (80.0..=112.0).contains(&t) {
        full - (13.0 - rh) / 4.0 * ((17.0 - (t - 95.0).abs()) / 17.0).max(0.0).sqrt()
    } else if rh > 85.0 && (80.0..=87.0).contains(&t) {
        full + (rh - 85.0) / 10.0 * (87.0 - t) / 5.0
    } else {
        full
    }
}

/// Of °F, per cent and miles an hour.
fn fire_weather(t: f64, h: f64, wind: f64) -> f64 {
    let moisture = if h < 10.0 {
        0.032_29 + 0.281_073 * h - 0.000_578 * h * t
    } else if h <= 50.0 {
        2.227_49 + 0.160_107 * h - 0.014_78 * t
    } else {
        21.0606 + 0.005_565 * h * h - 0.000_35 * h * t - 0.483_199 * h
    };
    let m = moisture.max(0.0) / 30.0;
    let damping = (1.0 - 2.0 * m + 1.5 * m * m - 0.5 * m * m * m).max(0.0);
    damping * wind.hypot(1.0) / 0.3002
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(derived: Derived, values: &[f64]) -> f64 {
        let values: Vec<Fixed> = values.iter().map(|value| Fixed::try_from(*value).unwrap()).collect();
        derived.value(&values).unwrap().to_f64()
    }

    fn celsius(fahrenheit: f64) -> f64 {
        (fahrenheit - 32.0) / 1.8
    }

    #[test]
    fn the_heat_index_meets_the_weather_services_table() {
        // Points of the NWS heat index chart, whole °F.
        for (t, rh, expected) in [(80.0, 40.0, 80.0), (90.0, 70.0, 106.0), (100.0, 55.0, 124.0), (86.0, 90.0, 105.0)] {
            let index = of(Derived::HeatIndex, &[celsius(t), rh]) * 1.8 + 32.0;
            assert!((index - expected).abs() <= 1.0, "{t} °F {rh} %: {index}");
        }
    }

    #[test]
    fn fire_weather_rises_with_wind_and_falls_with_humidity() {
        let dry = of(Derived::FireWeather, &[35.0, 15.0, 10.0]);
        assert!(dry > of(Derived::FireWeather, &[35.0, 15.0, 3.0]));
        assert!(dry > of(Derived::FireWeather, &[35.0, 60.0, 10.0]));
        // No moisture at all and 30 mph make 100: so the scale was chosen.
        assert!((fire_weather(1000.0, 0.0, 30.0) - 100.0).abs() < 0.5);
    }

    #[test]
    fn what_is_missing_makes_no_value() {
        assert_eq!(Derived::FireWeather.value(&[Fixed::from_whole(30), Fixed::from_whole(20)]), None);
    }
}
