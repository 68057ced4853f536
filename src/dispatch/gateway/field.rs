//! One value in what a gateway says: by JSON pointer, by regular expression, or by the name of a form field.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::Wrong;

/// A compiled expression of a configuration holds at most so many bytes.
const MAX_REGEX_BYTES: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub enum Field {
    /// RFC 6901.
    Pointer(String),
    /// The first group.
    Regex(Regex),
    Name(String),
}

/// Something that fields are looked up in.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    Json(&'a Value),
    Form(&'a [(String, String)]),
}

impl Field {
    /// `None` for an empty text.
    pub(super) fn read(key: &str, text: &str) -> Result<Option<Self>, Wrong> {
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(expression) = text.strip_prefix("regex:") {
            let wrong = |why: String| Wrong::new(key, text, why);
            let regex = RegexBuilder::new(expression).size_limit(MAX_REGEX_BYTES).build();
            let regex = regex.map_err(|error| wrong(format!("a regular expression: {error}")))?;
            if regex.captures_len() != 2 {
                return Err(wrong("one group, which is the value".to_owned()));
            }
            return Ok(Some(Self::Regex(regex)));
        }
        Ok(Some(if text.starts_with('/') { Self::Pointer(text.to_owned()) } else { Self::Name(text.to_owned()) }))
    }

    pub(super) fn needed(key: &str, text: &str) -> Result<Self, Wrong> {
        Self::read(key, text)?.ok_or_else(|| Wrong::new(key, text, "a field"))
    }

    /// The value in a whole answer.
    pub fn in_answer(&self, body: &[u8]) -> Option<String> {
        match self {
            Self::Pointer(pointer) => {
                let value: Value = serde_json::from_slice(body).ok()?;
                value.pointer(pointer).and_then(word)
            }
            Self::Regex(regex) => {
                let text = String::from_utf8_lossy(body);
                regex.captures(&text).and_then(|found| found.get(1)).map(|found| found.as_str().to_owned())
            }
            Self::Name(_) => None,
        }
    }

    /// The value in an element.
    pub fn of(&self, said: Said<'_>) -> Option<String> {
        match (self, said) {
            (Self::Pointer(pointer), Said::Json(value)) => value.pointer(pointer).and_then(word),
            (Self::Name(name), Said::Form(pairs)) => {
                pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
            }
            _ => None,
        }
    }
}

/// Texts, numbers and truth values as one writes them; nothing else is a word.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        Field::needed("k", text).unwrap()
    }

    #[test]
    fn a_value_is_found_by_pointer_by_expression_and_by_name() {
        let body = br#"{"messages":[{"id":17,"ok":true,"none":null}]}"#;
        assert_eq!(field("/messages/0/id").in_answer(body).as_deref(), Some("17"));
        assert_eq!(field("/messages/0/ok").in_answer(body).as_deref(), Some("true"));
        assert_eq!(field("/messages/0/none").in_answer(body), None);
        assert_eq!(field("regex:^(\\d+): Accepted").in_answer(b"0: Accepted for delivery").as_deref(), Some("0"));
        let pairs = [("a".to_owned(), "1".to_owned())];
        assert_eq!(field("a").of(Said::Form(&pairs)).as_deref(), Some("1"));
        assert_eq!(field("/a").of(Said::Form(&pairs)), None);
    }

    #[test]
    fn an_expression_without_its_one_group_is_refused() {
        for text in ["regex:abc", "regex:(a)(b)", "regex:(", "regex:(a{1000}){1000}"] {
            assert_eq!(Field::read("response.code", text).unwrap_err().key, "response.code", "{text}");
        }
    }
}
