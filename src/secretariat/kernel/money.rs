//! Money in whole centavos: read and printed as people write it in Brazil, and never added without a look at the bounds. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Ten trillion reais: more than any town has, and far below where JSON or a sum would lose a centavo.
pub const MOST: i64 = 1_000_000_000_000_000;

/// An amount of money. Negative where something is taken away.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Centavos(pub i64);

/// A sum beyond [`MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sum lies beyond R$ 10 trillion")]
pub struct Overflow;

/// What is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no amount; expected reais as 1.234.567,89, at most R$ 10 trillion")]
pub struct NoAmount(pub String);

impl Centavos {
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// The sum lies beyond the bounds.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        let sum = self.0.checked_add(other.0).ok_or(Overflow)?;
        if (-MOST..=MOST).contains(&sum) { Ok(Self(sum)) } else { Err(Overflow) }
    }

    /// # Errors
    /// The difference lies beyond the bounds.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.plus(Self(other.0.checked_neg().ok_or(Overflow)?))
    }

    /// # Errors
    /// The sum lies beyond the bounds at any step.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Result<Self, Overflow> {
        all.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whole basis points of another amount, rounded down; none of nought.
    pub fn basis_points_of(self, whole: Self) -> Option<i64> {
        let points = i128::from(self.0).checked_mul(10_000)?.checked_div(i128::from(whole.0))?;
        i64::try_from(points).ok()
    }

    /// So many basis points of it, rounded down.
    pub fn share(self, basis_points: i64) -> Self {
        let part = i128::from(self.0) * i128::from(basis_points) / 10_000;
        Self(i64::try_from(part).unwrap_or(MOST))
    }

    /// "1234567.89": for files that machines read.
    pub fn machine(self) -> String {
        let all = self.0.unsigned_abs();
        format!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, all / 100, all % 100)
    }

    /// Reads "1234567.89" and nothing else.
    ///
    /// # Errors
    /// Names what is no amount.
    pub fn from_machine(text: &str) -> Result<Self, NoAmount> {
        let wrong = || NoAmount(text.chars().take(60).collect());
        let (whole, cents) = text.rsplit_once('.').ok_or_else(wrong)?;
        let (sign, digits) = signed(whole);
        if !is_digits(digits) || !is_digits(cents) || cents.len() != 2 {
            return Err(wrong());
        }
        bounded(sign, digits, cents).ok_or_else(wrong)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    }
}

fn bounded(sign: i64, whole: &str, cents: &str) -> Option<Centavos> {
    let whole: i64 = whole.parse().ok()?;
    let amount = whole.checked_mul(100)?.checked_add(cents.parse::<i64>().ok()?)?;
    (amount <= MOST).then_some(Centavos(sign * amount))
}

/// The whole part with its points: in groups of three, or without any.
fn ungrouped(text: &str) -> Option<String> {
    if !text.contains('.') {
        return is_digits(text).then(|| text.to_owned());
    }
    let mut groups = text.split('.');
    let first = groups.next()?;
    let fits = is_digits(first) && first.len() <= 3 && groups.clone().all(|group| is_digits(group) && group.len() == 3);
    fits.then(|| text.replace('.', ""))
}

impl FromStr for Centavos {
    type Err = NoAmount;

    /// "1.234.567,89", "1234567,89", "1234567" and the same with "R$" before it or a minus. "1,234.56" is no amount: it is never guessed
    /// which mark is which.
    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let wrong = || NoAmount(text.chars().take(60).collect());
        let bare = text.trim();
        let bare = bare.strip_prefix("R$").map_or(bare, str::trim_start);
        let (sign, bare) = signed(bare);
        let (whole, cents) = match bare.split_once(',') {
            Some((whole, cents)) if is_digits(cents) && cents.len() == 2 => (whole, cents),
            Some(_) => return Err(wrong()),
            None => (bare, "00"),
        };
        ungrouped(whole).and_then(|whole| bounded(sign, &whole, cents)).ok_or_else(wrong)
    }
}

impl fmt::Display for Centavos {
    /// "1.234.567,89".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.unsigned_abs();
        let digits = (all / 100).to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 4);
        if self.0 < 0 {
            text.push('-');
        }
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                text.push('.');
            }
            text.push(digit);
        }
        f.pad(&format!("{text},{:02}", all % 100))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them_and_never_guessed() {
        for (text, centavos) in [
            ("1.234.567,89", 123_456_789),
            ("1234567,89", 123_456_789),
            ("R$ 12", 1200),
            ("-0,05", -5),
            ("0,00", 0),
            ("10.000.000.000.000,00", MOST),
        ] {
            assert_eq!(text.parse(), Ok(Centavos(centavos)), "{text}");
        }
        for text in [
            "",
            "1,234.56",
            "12,5",
            "1.23,00",
            "1.2345,00",
            "--1",
            "1e9",
            "10.000.000.000.000,01",
            "९",
            "99999999999999999999",
            ",50",
        ] {
            assert_eq!(text.parse::<Centavos>(), Err(NoAmount(text.into())), "{text}");
        }
    }

    #[test]
    fn a_sum_beyond_the_bounds_is_no_sum() {
        assert_eq!(Centavos(MOST).plus(Centavos(1)), Err(Overflow));
        assert_eq!(Centavos(i64::MIN).minus(Centavos(i64::MIN)), Err(Overflow));
        assert_eq!(Centavos::sum([Centavos(MOST), Centavos(-1)]), Ok(Centavos(MOST - 1)));
        assert_eq!(Centavos(1).basis_points_of(Centavos::ZERO), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(centavos in -MOST..=MOST) {
            let amount = Centavos(centavos);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            prop_assert_eq!(Centavos::from_machine(&amount.machine()), Ok(amount));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Centavos>();
            let _ = Centavos::from_machine(&text);
        }
    }
}
