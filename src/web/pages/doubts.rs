//! Why a reading is not believed, in words.

use super::view::View;
use crate::risk::control::{Dry, Why};
use crate::units::Fixed;

/// "0 mm em 24 h, onde 5 estações até 7 km têm 41 mm". The numbers are in `unit`.
pub fn words(v: &View, why: &Why, unit: &str) -> String {
    let number = |value: Fixed| format!("{} {unit}", v.decimal(value.to_f64()));
    match why {
        Why::Range { told } => v.t1("doubt-range", "told", told),
        Why::Spike { off_by, limit } => v.t2("doubt-spike", "off", number(*off_by), "limit", number(*limit)),
        Why::Rate { per_hour, limit } => v.t2("doubt-rate", "rate", number(*per_hour), "limit", number(*limit)),
        Why::FlatLine { value, hours } => v.t2("doubt-flat", "value", number(*value), "hours", hours),
        Why::Neighbours(dry) => dry_words(v, "doubt-dry", dry, number),
        Why::StuckCounter(dry) => dry_words(v, "doubt-stuck", dry, number),
    }
}

fn dry_words(v: &View, key: &str, dry: &Dry, number: impl Fn(Fixed) -> String) -> String {
    let around = v.t2("doubt-around", "gauges", dry.gauges, "km", v.decimal(dry.within_km.to_f64()));
    let measured = v.t2("doubt-measured", "value", number(dry.own), "hours", dry.window_h);
    format!("{} {measured}{around} {}", v.t(key), number(dry.median))
}
