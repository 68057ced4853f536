//! What is wrong with a file, all of it, up to a bound.

use std::fmt;

use serde::Serialize;

use crate::refused::{FieldError, shorten};

/// Errors kept of one file. Beyond it they are only counted.
const MAX_KEPT: usize = 100;

/// One thing wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportError {
    /// Counted from 1.
    pub line: usize,
    /// Index of the GeoJSON feature, from 0.
    pub feature: Option<usize>,
    pub field: String,
    /// What was given, shortened.
    pub value: String,
    pub message: String,
}

impl ImportError {
    pub fn new(line: usize, feature: Option<usize>, field: &str, value: &str, message: impl Into<String>) -> Self {
        Self { line, feature, field: field.to_owned(), value: shorten(value), message: message.into() }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(feature) = self.feature {
            write!(f, " (features[{feature}])")?;
        }
        write!(f, ": {}", self.field)?;
        if !self.value.is_empty() {
            write!(f, " = {:?}", self.value)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The errors of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<ImportError>,
    total: usize,
}

impl Problems {
    pub fn one(error: ImportError) -> Self {
        Self { kept: vec![error], total: 1 }
    }

    pub fn push(&mut self, error: ImportError) {
        self.total += 1;
        if self.kept.len() < MAX_KEPT {
            self.kept.push(error);
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// All that were found, also those not kept.
    pub const fn total(&self) -> usize {
        self.total
    }

    pub fn kept(&self) -> &[ImportError] {
        &self.kept
    }

    /// The value when nothing is wrong, the problems otherwise.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.kept.sort_by_key(|error| error.line);
        Err(self)
    }

    /// As fields of a problem+json answer.
    pub fn to_field_errors(&self) -> Vec<FieldError> {
        let field = |error: &ImportError| match error.feature {
            Some(feature) => format!("line {}: features[{feature}].{}", error.line, error.field),
            None => format!("line {}: {}", error.line, error.field),
        };
        self.kept
            .iter()
            .map(|error| FieldError { field: field(error), value: error.value.clone(), message: error.message.clone() })
            .collect()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.kept {
            writeln!(f, "{error}")?;
        }
        let hidden = self.total - self.kept.len();
        if hidden > 0 {
            writeln!(f, "… and {hidden} more")?;
        }
        write!(f, "{} {}; nothing was stored", self.total, if self.total == 1 { "error" } else { "errors" })
    }
}

impl std::error::Error for Problems {}
