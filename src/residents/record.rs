//! Looking for a resident. Pure.

use super::own;
use crate::dispatch::provider::Channel;
use crate::ids::ResidentId;

/// What somebody is looked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    Address(Channel, String),
    /// Eight digits.
    Cep(String),
}

impl Sought {
    /// Reads what was typed: a telephone, an e-mail address, or a postcode of eight digits.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_cep = digits.len() == 8 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | ' '));
        if is_cep {
            return Ok(Self::Cep(digits));
        }
        own::address(text).map(|(channel, address)| Self::Address(channel, address))
    }

    /// By what, for the audit, which holds no address.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address(channel, _) => channel.as_str(),
            Self::Cep(_) => "cep",
        }
    }
}

/// One resident who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: ResidentId,
    pub name: String,
    pub fictional: bool,
    /// As they wrote it; may be empty.
    pub place: String,
    pub channels: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_a_postcode_and_more_a_telephone() {
        assert_eq!(Sought::read(" 36010-000 ").unwrap(), Sought::Cep("36010000".into()));
        assert_eq!(Sought::read("36.010-000").unwrap(), Sought::Cep("36010000".into()));
        assert_eq!(Sought::read("(32) 99999-0000").unwrap(), Sought::Address(Channel::Sms, "+5532999990000".into()));
        assert_eq!(
            Sought::read("Maria@Example.org").unwrap(),
            Sought::Address(Channel::Email, "maria@example.org".into())
        );
        assert!(Sought::read("Maria").is_err());
    }
}
