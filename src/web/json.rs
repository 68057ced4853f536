//! JSON bodies read strictly: the error names the path of the field.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::web::error::ApiError;

/// A JSON body of type `T`. Unknown fields are errors where `T` denies them.
#[derive(Debug)]
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for StrictJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, app).await.map_err(|_| ApiError::TooLarge)?;
        read(&body).map(Self)
    }
}

/// # Errors
/// 400 with the path of the field ("areas[1]"), or the line and column when the body is no JSON.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        ApiError::field(
            if matches!(path.as_str(), "." | "?") { "body".into() } else { path },
            "",
            error.inner().to_string(),
        )
    })?;
    json.end().map_err(|error| ApiError::field("body", "", error.to_string()))?;
    Ok(value)
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
        assert!(wrong(r#"{"areas":[]} x"#).contains("trailing characters"));
    }
}
