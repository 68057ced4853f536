//! JSON bodies read strictly: the error names the path of the field.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::app::App;
use crate::web::error::ApiError;

/// A JSON body of type `T`. Unknown fields are errors where `T` denies them.
#[derive(Debug)]
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for StrictJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        // A form of another site can send text/plain and forms without asking; JSON it cannot.
        if let Some(kind) = request.headers().get(header::CONTENT_TYPE)
            && !is_json(kind.to_str().unwrap_or_default())
        {
            return Err(ApiError::WrongMediaType("application/json"));
        }
        let body = Bytes::from_request(request, app).await.map_err(|_| ApiError::TooLarge)?;
        read(&body).map(Self)
    }
}

/// True for the media type of JSON and of what is written in it.
pub fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// # Errors
/// 400 with the path of the field ("areas[1]"), its value, and what is wrong, or the line and column when the body is no JSON.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let field = if matches!(path.as_str(), "." | "?") { "body".into() } else { path };
        ApiError::field(field, given(body, error.path()), error.inner().to_string())
    })?;
    json.end().map_err(|error| ApiError::field("body", "", error.to_string()))?;
    if has_nul(body) {
        return Err(ApiError::field("body", "\\u0000", "a text cannot hold the character NUL"));
    }
    Ok(value)
}

/// What stands at a path of the body; nothing when the body is no JSON or the field is missing.
fn given(body: &[u8], path: &serde_path_to_error::Path) -> String {
    let Ok(whole) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let found = path.iter().try_fold(&whole, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        _ => Some(value),
    });
    match found {
        Some(Value::String(text)) => text.clone(),
        // A whole object or list says nothing that its path does not.
        Some(Value::Object(_) | Value::Array(_)) | None => String::new(),
        Some(value) => value.to_string(),
    }
}

/// JSON can say NUL, PostgreSQL cannot keep it.
fn has_nul(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at..].starts_with(b"\\u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code, reason = "only its reading is tested")]
        areas: Vec<i64>,
    }

    #[test]
    fn the_path_of_the_wrong_field_is_named() {
        let wrong = |text: &str| read::<Body>(text.as_bytes()).unwrap_err().to_string();
        assert!(wrong(r#"{"areas":[1,"x"]}"#).starts_with("areas[1]: invalid type: string"));
        assert!(wrong(r#"{"areas":[],"colour":1}"#).contains("unknown field `colour`"));
        assert!(wrong("{").starts_with("body: EOF"));
        let ApiError::BadRequest { errors, .. } = read::<Body>(br#"{"areas":[1,"x"]}"#).unwrap_err() else { panic!() };
        assert_eq!(errors[0].value, "x");
        let deep = wrong(&"[".repeat(100_000));
        assert!(deep.len() < 500, "depth is bounded: {deep}");
        assert!(read::<Value>(br#"["\u0000"]"#).is_err(), "NUL");
        assert!(read::<Value>(br#"["\\u0000"]"#).is_ok(), "a backslash and five letters");
        assert!(wrong(r#"{"areas":[]} x"#).contains("trailing characters"));
    }
}
