//! SMS gateways over HTTP, described by the configuration: what is asked, what the answer means, what they tell afterwards. Pure;
//! `channels::http` asks, and `web::api::sms` listens.

pub mod answer;
pub mod callback;
pub mod examples;
pub mod field;
pub mod signature;
pub mod template;

use answer::Reading;
use callback::Callbacks;
use template::Template;

use super::sms_text::{self, Encoding};
use crate::config::{HttpProvider, NumberForm};

/// A gateway ready for use.
#[derive(Debug)]
pub struct Gateway {
    pub name: String,
    from: String,
    number: NumberForm,
    pub template: Template,
    pub reading: Reading,
    pub callbacks: Option<Callbacks>,
}

/// What is wrong with a gateway's description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {value:?} is wrong; expected {expected}")]
pub struct Wrong {
    /// Below the provider, such as `request.json`.
    pub key: String,
    pub value: String,
    pub expected: String,
}

impl Wrong {
    fn new(key: impl Into<String>, value: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), expected: expected.into() }
    }
}

/// What one message puts into the template.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    /// E.164 with the sign.
    pub to: &'a str,
    pub text: &'a str,
    /// Ours; the same for every try of a message.
    pub reference: &'a str,
    /// Where receipts are to go.
    pub callback_url: &'a str,
    pub validity_s: i64,
}

impl Gateway {
    /// # Errors
    /// Names the key, its value, and what was expected.
    pub fn new(config: &HttpProvider) -> Result<Self, Wrong> {
        Ok(Self {
            name: config.name.clone(),
            from: config.from.clone(),
            number: config.number,
            template: Template::new(&config.request)?,
            reading: Reading::new(&config.response, &config.codes)?,
            callbacks: config.callbacks.as_ref().map(Callbacks::new).transpose()?,
        })
    }

    /// The request of one message.
    ///
    /// # Errors
    /// When the number cannot be written as the gateway wants it, or a text cannot stand where the template puts it.
    pub fn request(&self, words: &Words<'_>) -> Result<axum::http::Request<Vec<u8>>, String> {
        let to = number(words.to, self.number)?;
        let validity = words.validity_s.to_string();
        // As Kannel calls them: 0 for the default alphabet, 2 for UCS-2.
        let coding = if sms_text::measure(words.text).encoding == Encoding::Gsm7 { "0" } else { "2" };
        self.template.fill(&|name| match name {
            "to" => Some(&to),
            "text" => Some(words.text),
            "from" => Some(&self.from),
            "reference" => Some(words.reference),
            "callback_url" => Some(words.callback_url),
            "validity_s" => Some(&validity),
            "coding" => Some(coding),
            _ => None,
        })
    }

    /// Where this gateway's receipts go.
    pub fn callback_url(&self, public_url: &str) -> String {
        let mut url = format!("{public_url}/api/v1/sms/{}/receipts", self.name);
        if let Some((name, token)) = self.callbacks.as_ref().and_then(|callbacks| callbacks.guard.in_address()) {
            let pair: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, token).finish();
            url = format!("{url}?{pair}");
        }
        url
    }
}

/// A telephone number as the gateway writes it. An emptied row (`erased:190`) is no number.
fn number(address: &str, form: NumberForm) -> Result<String, String> {
    let digits = address.strip_prefix('+').unwrap_or_default();
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("the address is no telephone number in full".to_owned());
    }
    Ok(match form {
        NumberForm::Plus => address.to_owned(),
        NumberForm::Digits => digits.to_owned(),
        NumberForm::National => digits.strip_prefix("55").unwrap_or(digits).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_the_gateway_wants_it_and_an_emptied_row_is_none() {
        let written = |form| number("+5532988881234", form).unwrap();
        assert_eq!(written(NumberForm::Plus), "+5532988881234");
        assert_eq!(written(NumberForm::Digits), "5532988881234");
        assert_eq!(written(NumberForm::National), "32988881234");
        assert_eq!(number("+14155550123", NumberForm::National).unwrap(), "14155550123");
        for other in ["erased:190", "190", "+190", "", "maria@exemplo.br"] {
            assert!(number(other, NumberForm::Plus).is_err(), "{other}");
        }
    }
}
