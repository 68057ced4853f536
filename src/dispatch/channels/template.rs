//! Requests by template: `{to}`, `{text}`, `{reference}` and `{secret}` are filled in, written as their place asks. Any other word
//! in braces is a mistake; braces around anything else are left as they are, so that JSON can be written plainly. Pure.

use std::fmt::Write as _;

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    pub to: &'a str,
    pub text: &'a str,
    pub reference: &'a str,
    pub secret: &'a str,
}

/// How a value is written at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// In an address or a form: percent-encoded (RFC 3986, section 2.1).
    Url,
    /// Inside a JSON text.
    Json,
    /// As it is, without line ends.
    Header,
    /// As it is.
    Plain,
}

impl Escape {
    /// Of a body by its media type.
    pub fn of_body(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Url,
            kind if kind == "application/json" || kind.ends_with("+json") => Self::Json,
            _ => Self::Plain,
        }
    }

    fn write(self, out: &mut String, value: &str) {
        match self {
            Self::Url => {
                for byte in value.bytes() {
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                        out.push(char::from(byte));
                    } else {
                        // Writing to a String cannot fail.
                        let _ = write!(out, "%{byte:02X}");
                    }
                }
            }
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
            Self::Header => out.extend(value.chars().filter(|letter| !letter.is_control())),
            Self::Plain => out.push_str(value),
        }
    }
}

/// A piece of a template: text, or a word in braces.
fn pieces(template: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(word) = placeholder(rest) {
            rest = &rest[word.len() + 2..];
            return Some((word, true));
        }
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[first..].find('{').map_or(rest.len(), |at| at + first);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some((text, false))
    })
}

/// The word of a placeholder that the text begins with.
fn placeholder(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_word.then_some(word)
}

/// # Errors
/// Names the word in braces that nobody knows.
pub fn check(template: &str) -> Result<(), String> {
    let known = ["to", "text", "reference", "secret"];
    match pieces(template).find(|(word, is_word)| *is_word && !known.contains(word)) {
        Some((word, _)) => {
            Err(format!("{{{word}}} is unknown; expected {{to}}, {{text}}, {{reference}} or {{secret}}"))
        }
        None => Ok(()),
    }
}

/// The template with its values. Words that [`check`] refuses stay as they are.
pub fn fill(template: &str, values: &Values<'_>, escape: Escape) -> String {
    let mut out = String::with_capacity(template.len() + values.text.len());
    for (piece, is_word) in pieces(template) {
        match (is_word, piece) {
            (true, "to") => escape.write(&mut out, values.to),
            (true, "text") => escape.write(&mut out, values.text),
            (true, "reference") => escape.write(&mut out, values.reference),
            (true, "secret") => escape.write(&mut out, values.secret),
            (true, other) => {
                let _ = write!(out, "{{{other}}}");
            }
            (false, text) => out.push_str(text),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> =
        Values { to: "@a b", text: "Saia \"já\"\nágua & lama", reference: "7", secret: "1:x/y" };

    #[test]
    fn values_are_written_as_their_place_asks() {
        let url = fill("https://x/bot{secret}/send?to={to}", &VALUES, Escape::Url);
        assert_eq!(url, "https://x/bot1%3Ax%2Fy/send?to=%40a%20b");
        let json = fill(
            r#"{"chat": "{to}", "text": "{text}", "n": {reference}}"#,
            &VALUES,
            Escape::of_body("application/json"),
        );
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((read["text"].as_str(), read["n"].as_i64()), (Some(VALUES.text), Some(7)));
        let form = fill("text={text}", &VALUES, Escape::of_body("application/x-www-form-urlencoded; charset=utf-8"));
        assert!(form.contains("%22j%C3%A1%22%0A%C3%A1gua%20%26%20lama"), "{form}");
        assert_eq!(fill("{text}", &VALUES, Escape::of_body("text/plain")), VALUES.text);
        assert_eq!(fill("Bearer {text}", &VALUES, Escape::Header), "Bearer Saia \"já\"água & lama");
    }

    #[test]
    fn a_value_is_not_filled_in_once_more() {
        let values = Values { text: "{secret}", ..VALUES };
        assert_eq!(fill("{text}", &values, Escape::Plain), "{secret}");
    }

    #[test]
    fn a_word_that_nobody_knows_is_named() {
        assert!(check("{to} {text}").is_ok() && check(r#"{"a": {"b": "{text}"}}"#).is_ok() && check("{ }").is_ok());
        assert!(check("x {chat_id}").unwrap_err().contains("{chat_id}"));
    }
}
