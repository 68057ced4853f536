//! Numbers for people. Pure.

use super::DAY_S;

/// With commas from a thousand on; three digits that count below a hundred.
pub(super) fn number(value: f64) -> String {
    if value < 100.0 {
        let text = if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.000_1 { "< 0.01 %".to_owned() } else { format!("{} %", number(share * 100.0)) }
}

pub(super) fn bytes(value: f64) -> String {
    let (mut value, mut unit) = (value, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    format!("{} {unit}", number(value))
}

pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{} ms", number(seconds * 1000.0)),
        ..120.0 => format!("{} s", number(seconds)),
        ..7200.0 => format!("{} min", number(seconds / 60.0)),
        ..172_800.0 => format!("{} h", number(seconds / 3600.0)),
        _ => format!("{} days", number(seconds / DAY_S)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::GIB;
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let numbers = [0.1, 1.0, 12.34, 99.0, 100.0, 1234.0, 1_234_567.8].map(number);
        assert_eq!(numbers, ["0.1", "1", "12.3", "99", "100", "1,234", "1,234,568"]);
        assert_eq!([500.0, 2048.0, 3.0 * GIB].map(bytes), ["500 B", "2 KiB", "3 GiB"]);
        assert_eq!(
            [0.25, 90.0, 600.0, 7200.0, 864_000.0].map(duration),
            ["250 ms", "90 s", "10 min", "2 h", "10 days"]
        );
        assert_eq!([0.0, 0.000_01, 0.5].map(percent), ["0 %", "< 0.01 %", "50 %"]);
    }
}
