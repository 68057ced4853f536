//! Parties: who they are by CNPJ or CPF, with check digits, and what of them is for everybody. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Refusal, said};

/// A CNPJ or CPF without marks. A CNPJ may hold letters in its first twelve places (IN RFB 2.229/2024).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaxId(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a CNPJ nor a CPF: expected 14 or 11 places with right check digits")]
pub struct NoTaxId(String);

fn check_digit(places: &[u8], weights: impl Iterator<Item = u32>) -> u8 {
    // Letters count as their code less that of "0".
    let sum: u32 = places.iter().zip(weights).map(|(place, weight)| u32::from(place - b'0') * weight).sum();
    let digit = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    b'0' + u8::try_from(digit).unwrap_or_default()
}

fn is_cpf(text: &[u8]) -> bool {
    let (body, checks) = text.split_at(9);
    let first = check_digit(body, (2..=10).rev());
    let second = check_digit(&text[..10], (2..=11).rev());
    text.iter().any(|digit| *digit != text[0]) && text.iter().all(u8::is_ascii_digit) && checks == [first, second]
}

fn is_cnpj(text: &[u8]) -> bool {
    let (body, checks) = text.split_at(12);
    let weights = |count: usize| (0..count).map(move |at| u32::try_from((count - 1 - at) % 8 + 2).unwrap_or_default());
    let first = check_digit(body, weights(12));
    let mut with_first = body.to_vec();
    with_first.push(first);
    let second = check_digit(&with_first, weights(13));
    text.iter().any(|place| *place != text[0]) && checks.iter().all(u8::is_ascii_digit) && checks == [first, second]
}

impl FromStr for TaxId {
    type Err = NoTaxId;

    fn from_str(text: &str) -> Result<Self, NoTaxId> {
        let wrong = || NoTaxId(text.chars().take(40).collect());
        let bare: String = text.chars().filter(|mark| !matches!(mark, '.' | '-' | '/' | ' ')).collect();
        let bare = bare.to_ascii_uppercase();
        let fits = bare.bytes().all(|place| place.is_ascii_digit() || place.is_ascii_uppercase());
        let is_right = fits
            && match bare.len() {
                11 => is_cpf(bare.as_bytes()),
                14 => is_cnpj(bare.as_bytes()),
                _ => false,
            };
        if is_right { Ok(Self(bare)) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for TaxId {
    type Error = NoTaxId;

    fn try_from(text: String) -> Result<Self, NoTaxId> {
        text.parse()
    }
}

impl From<TaxId> for String {
    fn from(id: TaxId) -> Self {
        id.0
    }
}

impl fmt::Display for TaxId {
    /// "12.345.678/0001-95" or "123.456.789-09".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |from: usize, to: usize| self.0.get(from..to).unwrap_or_default();
        if self.is_person() {
            write!(f, "{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11))
        } else {
            write!(f, "{}.{}.{}/{}-{}", part(0, 2), part(2, 5), part(5, 8), part(8, 12), part(12, 14))
        }
    }
}

impl TaxId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A CPF.
    pub const fn is_person(&self) -> bool {
        self.0.len() == 11
    }

    /// What everybody may read: a CNPJ whole, of a CPF its middle: "***.456.789-**".
    pub fn masked(&self) -> String {
        let part = |from: usize, to: usize| self.0.get(from..to).unwrap_or_default();
        if self.is_person() { format!("***.{}.{}-**", part(3, 6), part(6, 9)) } else { self.to_string() }
    }
}

/// Where money goes. Never public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentBank)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    #[schema(max_length = 60)]
    pub bank: String,
    #[schema(max_length = 20)]
    pub branch: String,
    #[schema(max_length = 30)]
    pub account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentParty)]
#[serde(deny_unknown_fields)]
pub struct Party {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// CNPJ or CPF.
    #[schema(value_type = String, max_length = 20)]
    pub document: TaxId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<Bank>,
}

impl Party {
    /// # Errors
    /// Names the field.
    pub fn checked(self, field: &str) -> Result<Self, Refusal> {
        let name = said(&format!("{field}.name"), &self.name, 200)?;
        if let Some(bank) = &self.bank {
            said(&format!("{field}.bank.bank"), &bank.bank, 60)?;
            said(&format!("{field}.bank.branch"), &bank.branch, 20)?;
            said(&format!("{field}.bank.account"), &bank.account, 30)?;
        }
        Ok(Self { name, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_digits_are_checked_and_a_cpf_is_masked() {
        let cpf: TaxId = "111.444.777-35".parse().unwrap();
        assert_eq!((cpf.to_string().as_str(), cpf.masked().as_str()), ("111.444.777-35", "***.444.777-**"));
        let cnpj: TaxId = "11.222.333/0001-81".parse().unwrap();
        assert_eq!(cnpj.masked(), "11.222.333/0001-81");
        let lettered: TaxId = "12.ABC.345/01DE-35".parse().unwrap();
        assert_eq!(lettered.as_str(), "12ABC34501DE35", "the example of the Receita Federal");
        for text in
            ["111.444.777-36", "11.222.333/0001-82", "111.111.111-11", "00000000000000", "12ABC34501DE36", "", "é"]
        {
            assert!(text.parse::<TaxId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            if let Ok(id) = text.parse::<TaxId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id.clone()));
            }
        }

        #[test]
        fn one_wrong_digit_is_always_found(body in 100_000_000_u32..999_999_999, place in 0..9_usize, more in 1..10_u8) {
            let mut digits = body.to_string().into_bytes();
            prop_assume!(digits.iter().any(|digit| *digit != digits[0]));
            let first = check_digit(&digits, (2..=10).rev());
            digits.push(first);
            let second = check_digit(&digits, (2..=11).rev());
            digits.push(second);
            prop_assert!(is_cpf(&digits));
            digits[place] = b'0' + (digits[place] - b'0' + more) % 10;
            // A rest of nought or one gives the same digit, so one change in eleven may hide behind the first; both together never.
            let seen = check_digit(&digits[..9], (2..=10).rev()) == digits[9] && check_digit(&digits[..10], (2..=11).rev()) == digits[10];
            prop_assert_eq!(is_cpf(&digits), seen && digits.iter().any(|digit| *digit != digits[0]));
        }
    }
}
