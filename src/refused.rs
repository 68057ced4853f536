//! Why an act was not done, for the desks that pages and API share.

/// The act changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The field that is wrong, its value, and what was expected.
    #[error("{field} = {value:?}: {message}")]
    Wrong { field: String, value: String, message: String },
    #[error("there is no {0}")]
    NotFound(String),
    /// The state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Not this person.
    #[error("{0}")]
    Forbidden(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Refused {
    pub fn wrong(field: impl Into<String>, value: impl ToString, message: impl Into<String>) -> Self {
        Self::Wrong { field: field.into(), value: value.to_string(), message: message.into() }
    }
}
