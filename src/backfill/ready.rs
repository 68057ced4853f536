//! The mappings that come with the program.

/// A mapping that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// What `--mapping` is told.
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! ready {
    ($($name:literal),+ $(,)?) => {
        &[$(Ready { name: $name, text: include_str!(concat!("../../config/mappings/", $name, ".toml")) }),+]
    };
}

/// By name.
pub const READY: &[Ready] = ready![
    "inmet-annual",
    "inmet-table",
    "cemaden-map",
    "cemaden-spreadsheet",
    "ana-hidroweb-levels",
    "ana-hidroweb-rain",
    "ana-capture",
    "ana-raw",
    "long-series",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backfill::Mapping;

    #[test]
    fn every_mapping_that_comes_with_the_program_is_right() {
        for ready in READY {
            let mapping = Mapping::parse(ready.name, ready.text).unwrap();
            assert!(!mapping.title.is_empty() && !mapping.source.is_empty(), "{}", ready.name);
        }
    }
}
