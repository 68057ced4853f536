//! JSON Feed 1 and 1.1.

use serde_json::Value;

use super::{Around, Parsed, Raw, keep};

const VERSION: &str = "https://jsonfeed.org/version/";

/// # Errors
/// When it is no JSON Feed.
pub(super) fn parse(text: &str, around: Around<'_>) -> Result<Parsed, String> {
    let whole: Value = serde_json::from_str(text).map_err(|error| format!("JSON: {error}"))?;
    if !word(&whole, "version").starts_with(VERSION) {
        return Err(format!("version: expected {VERSION}…"));
    }
    let items = whole.get("items").and_then(Value::as_array).ok_or("items: expected a list")?;
    let mut parsed = Parsed::default();
    for item in items {
        let first = |names: [&str; 2]| {
            names.iter().map(|name| word(item, name)).find(|text| !text.is_empty()).unwrap_or_default()
        };
        let raw = Raw {
            guid: word(item, "id"),
            link: first(["url", "external_url"]),
            title: word(item, "title"),
            summary: word(item, "summary"),
            content: first(["content_html", "content_text"]),
            published: word(item, "date_published"),
            updated: word(item, "date_modified"),
        };
        keep(&mut parsed, &raw, around);
    }
    Ok(parsed)
}

/// A text, or a number as some write their ids.
fn word(of: &Value, name: &str) -> String {
    match of.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
