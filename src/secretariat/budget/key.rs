//! The key of a line of expense: órgão.unidade.função.subfunção.programa.ação.natureza.fonte. Pure.
//!
//! Written as `02.01.06.182.0012.2041.3.3.90.30.1500`. The reserves have a nature of five parts, `9.9.99.99.99` (Portaria Interministerial
//! STN/SOF 163/2001, art. 8).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Nature of the reserves.
pub const RESERVE_NATURE: &str = "9.9.99.99.99";
/// Function, subfunction and programme of the contingency reserve.
pub const CONTINGENCY: (&str, &str, &str) = ("99", "999", "9999");
/// Civil defense.
pub const CIVIL_DEFENSE: (&str, &str) = ("06", "182");

/// The shape is checked, the codes are not: `classify` does that for a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExpenseKey {
    pub organ: String,
    pub unit: String,
    pub function: String,
    pub subfunction: String,
    pub programme: String,
    pub action: String,
    /// c.g.mm.ee, or 9.9.99.99.99.
    pub nature: String,
    pub source: String,
}

/// Not written as a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no key; expected órgão(2).unidade(2-3).função(2).subfunção(3).programa(4).ação(4).c.g.mm.ee.fonte(3-10), as 02.01.06.182.0012.2041.3.3.90.30.1500"
)]
pub struct NoKey(pub String);

fn digits(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for ExpenseKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let text = text.trim();
        let wrong = || NoKey(text.chars().take(80).collect());
        let parts: Vec<&str> = text.split('.').collect();
        let (head, rest) = parts.split_at_checked(6).ok_or_else(wrong)?;
        let (source, nature) = rest.split_last().ok_or_else(wrong)?;
        let shapes = [(2, 2), (2, 3), (2, 2), (3, 3), (4, 4), (4, 4)];
        let is_nature = match nature {
            [c, g, m, e] => digits(c, 1, 1) && digits(g, 1, 1) && digits(m, 2, 2) && digits(e, 2, 2),
            five => five.len() == 5 && five.join(".") == RESERVE_NATURE,
        };
        if !head.iter().zip(shapes).all(|(part, (least, most))| digits(part, least, most))
            || !is_nature
            || !digits(source, 3, 10)
        {
            return Err(wrong());
        }
        let part = |at: usize| head.get(at).map(|part| (*part).to_owned()).unwrap_or_default();
        Ok(Self {
            organ: part(0),
            unit: part(1),
            function: part(2),
            subfunction: part(3),
            programme: part(4),
            action: part(5),
            nature: nature.join("."),
            source: (*source).to_owned(),
        })
    }
}

impl TryFrom<String> for ExpenseKey {
    type Error = NoKey;

    fn try_from(text: String) -> Result<Self, NoKey> {
        text.parse()
    }
}

impl From<ExpenseKey> for String {
    fn from(key: ExpenseKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for ExpenseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { organ, unit, function, subfunction, programme, action, nature, source } = self;
        write!(f, "{organ}.{unit}.{function}.{subfunction}.{programme}.{action}.{nature}.{source}")
    }
}

impl ExpenseKey {
    /// órgão.unidade.
    pub fn unit_code(&self) -> String {
        format!("{}.{}", self.organ, self.unit)
    }

    /// Category, group, modality and element.
    pub fn nature_parts(&self) -> [&str; 4] {
        let mut parts = self.nature.split('.');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    pub fn is_contingency(&self) -> bool {
        (self.function.as_str(), self.subfunction.as_str(), self.programme.as_str()) == CONTINGENCY
    }

    /// A reserve by its function or its nature.
    pub fn is_reserve(&self) -> bool {
        self.function == "99" || self.nature == RESERVE_NATURE
    }

    pub fn is_civil_defense(&self) -> bool {
        (self.function.as_str(), self.subfunction.as_str()) == CIVIL_DEFENSE
    }

    /// Personnel, interest and repayment of debt: what an amendment may not take from (CF 166 §3 II).
    pub fn is_shielded(&self) -> bool {
        matches!(self.nature_parts()[1], "1" | "2" | "6")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_part_by_part_and_written_the_same() {
        let key: ExpenseKey = "02.01.06.182.0012.2041.3.3.90.30.1500".parse().unwrap();
        assert!(key.is_civil_defense() && !key.is_reserve());
        assert_eq!((key.unit_code().as_str(), key.nature_parts()), ("02.01", ["3", "3", "90", "30"]));
        let reserve: ExpenseKey = "02.09.99.999.9999.9001.9.9.99.99.99.1500".parse().unwrap();
        assert!(reserve.is_contingency() && reserve.is_reserve());
        assert_eq!(reserve.to_string(), "02.09.99.999.9999.9001.9.9.99.99.99.1500");
        for text in [
            "",
            "02.01",
            "02.01.6.182.0012.2041.3.3.90.30.1500",
            "02.01.06.182.0012.2041.3.3.90.30.1500.7",
            "02.01.06.182.0012.2041.3.3.90.3O.1500",
            "02.01.06.182.0012.2041.3.3.90.30.99.1500",
        ] {
            assert_eq!(text.parse::<ExpenseKey>(), Err(NoKey(text.into())));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9.]{0,60}") {
            if let Ok(key) = text.parse::<ExpenseKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
