//! The segments of a town, of the file that comes with the service or of the town's own: every fault with line and column.

use std::ops::Deref;
use std::sync::Arc;

use serde::Deserialize;

use crate::i18n::Lang;
use crate::secretariat::feeds;
use crate::secretariat::kernel::check::{Fault, place};
use crate::secretariat::kernel::define::{Word, Words};
use crate::secretariat::kernel::types::Faults;

const SHIPPED: &str = include_str!("../../../config/secretariat/segments.toml");
/// As many as one subscription may have.
const MOST: usize = 40;
const MOST_KEY: usize = 60;
const MOST_TITLE: usize = 120;

/// Something that people may ask messages about.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The tag that publications carry.
    pub key: String,
    pub title: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    segment: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    key: Word,
    title: Words,
}

/// Segments in the order in which they are offered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Segments(Arc<[Segment]>);

impl Deref for Segments {
    type Target = [Segment];

    fn deref(&self) -> &[Segment] {
        &self.0
    }
}

impl Segments {
    /// Reads the file of the town; empty: the one that comes with the service.
    ///
    /// # Errors
    /// Every fault, with line and column.
    pub fn load(file: &str) -> Result<Self, Faults> {
        if file.is_empty() {
            return Self::read("segments.toml", SHIPPED);
        }
        match std::fs::read_to_string(file) {
            Ok(text) => Self::read(file, &text),
            Err(error) => {
                Err(Faults(vec![Fault { file: file.to_owned(), line: 1, column: 1, message: error.to_string() }]))
            }
        }
    }

    /// # Errors
    /// As [`Segments::load`].
    pub fn read(file: &str, text: &str) -> Result<Self, Faults> {
        let told = |at: usize, message: String| {
            let (line, column) = place(text, at);
            Fault { file: file.to_owned(), line, column, message }
        };
        let given: File = toml::from_str(text).map_err(|error| {
            Faults(vec![told(error.span().unwrap_or_default().start, error.message().trim().to_owned())])
        })?;
        let mut faults = Vec::new();
        if !(1..=MOST).contains(&given.segment.len()) {
            faults.push(told(0, format!("{} segments; expected 1 to {MOST}", given.segment.len())));
        }
        for (n, one) in given.segment.iter().enumerate() {
            let (key, at) = (one.key.get_ref(), one.key.span().start);
            if !is_tag(key) {
                let expected = format!("expected small letters, digits and hyphens, at most {MOST_KEY}");
                faults.push(told(at, format!("{key:?} is no tag; {expected}")));
            }
            if given.segment[..n].iter().any(|before| before.key.get_ref() == key) {
                faults.push(told(at, format!("{key:?} stands above already; expected each key once")));
            }
            let fits = |title: &String| (1..=MOST_TITLE).contains(&title.trim().chars().count());
            if !fits(&one.title.pt) || !fits(&one.title.en) {
                faults.push(told(at, format!("{key:?}: expected titles of 1 to {MOST_TITLE} characters")));
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let all = given.segment.into_iter().map(|one| Segment { key: one.key.into_inner(), title: one.title });
        Ok(Self(all.collect()))
    }

    pub fn get(&self, key: &str) -> Option<&Segment> {
        self.0.iter().find(|segment| segment.key == key)
    }

    /// What a tag is called; the tag itself when no segment is offered under it any more.
    pub fn title<'a>(&'a self, key: &'a str, lang: Lang) -> &'a str {
        self.get(key).map_or(key, |segment| segment.title.of(lang))
    }

    /// What tags are called, in the order in which they are offered.
    pub fn titles(&self, tags: &[String], lang: Lang) -> Vec<String> {
        let chosen = self.0.iter().filter(|segment| tags.contains(&segment.key));
        chosen.map(|segment| segment.title.of(lang).to_owned()).collect()
    }
}

/// A tag as the database has it of publications.
fn is_tag(key: &str) -> bool {
    key.chars().count() <= MOST_KEY
        && key.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
        && feeds::tags(key) == [key]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_that_are_shipped_are_tags_as_the_database_has_them() {
        let all = Segments::load("").unwrap();
        assert!(!all.is_empty());
        for segment in all.iter() {
            assert_eq!(feeds::tags(&segment.key), std::slice::from_ref(&segment.key));
        }
    }

    #[test]
    fn a_file_with_faults_is_refused_with_every_one_of_them_and_its_place() {
        let text = "[[segment]]\nkey = \"Chuva\"\ntitle = { pt = \"Chuva\", en = \"Rain\" }\n\n\
                    [[segment]]\nkey = \"obras\"\ntitle = { pt = \" \", en = \"Works\" }\n\n\
                    [[segment]]\nkey = \"obras\"\ntitle = { pt = \"Obras\", en = \"Works\" }\n";
        let faults = Segments::read("town.toml", text).unwrap_err().0;
        let places: Vec<(usize, usize)> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
        assert_eq!(places, [(2, 7), (6, 7), (10, 7)], "{faults:?}");
        assert!(faults[0].message.contains("is no tag") && faults[2].message.contains("once"), "{faults:?}");
        assert!(Segments::read("town.toml", "segment = []").is_err(), "none at all");
        let broken = Segments::read("town.toml", "[[segment]]\nkey = \"a\"\ncolour = 1\n").unwrap_err().0;
        assert_eq!(broken.len(), 1, "{broken:?}");
    }
}
