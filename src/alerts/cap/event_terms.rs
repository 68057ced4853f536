//! What COBRADE's disasters are called in the OASIS Event Terms List, version 1.2 (OASIS Emergency Management TC, Committee Note
//! 01 of 19 November 2020, "Event Terms List for Use with the Common Alerting Protocol Version 1.2"), so that readers of any
//! country know the kind of event. `config/event_terms.csv` names for each COBRADE code the term that is nearest.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::cobrade::Cobrade;

/// `valueName` of the `eventCode`.
pub const LIST: &str = "OET:v1.2";

const TABLE: &str = include_str!("../../../config/event_terms.csv");

/// One term of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTerm {
    /// "OET-119"
    pub code: String,
    /// The list's own word.
    pub english: String,
    /// Ours: the list is in English only.
    pub spanish: String,
}

static TERMS: LazyLock<BTreeMap<Cobrade, EventTerm>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let term = |row: csv::StringRecord| {
        let text = |column| row.get(column).map(str::to_owned);
        let term = EventTerm { code: text(1)?, english: text(2)?, spanish: text(3)? };
        Some((row.get(0)?.parse().ok()?, term))
    };
    reader.records().filter_map(Result::ok).filter_map(term).collect()
});

impl EventTerm {
    pub fn of(cobrade: Cobrade) -> Option<&'static Self> {
        TERMS.get(&cobrade)
    }
}

/// CAP `event`: the type of the event, in the language of its info.
pub fn event(cobrade: Cobrade, language: &str) -> String {
    let capital = |text: &str| {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    match (EventTerm::of(cobrade), language.split('-').next()) {
        (Some(term), Some("en")) => capital(&term.english),
        (Some(term), Some("es")) => capital(&term.spanish),
        _ => cobrade.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disaster_has_a_term() {
        for (code, name) in Cobrade::all() {
            let term = EventTerm::of(code).unwrap_or_else(|| panic!("{code} {name} has no term"));
            let number: u16 = term.code.strip_prefix("OET-").unwrap().parse().unwrap();
            assert!(
                number <= 223 && term.code.len() == 7 && !term.english.is_empty() && !term.spanish.is_empty(),
                "{term:?}"
            );
        }
    }

    #[test]
    fn one_code_is_one_term() {
        let mut words: BTreeMap<&str, &EventTerm> = BTreeMap::new();
        for term in TERMS.values() {
            assert_eq!(*words.entry(&term.code).or_insert(term), term);
        }
    }

    #[test]
    fn the_event_is_named_in_the_language_of_its_info() {
        let slide = "1.1.3.2.1".parse().unwrap();
        assert_eq!(EventTerm::of(slide).unwrap().code, "OET-119");
        assert_eq!(
            [event(slide, "pt-BR"), event(slide, "en"), event(slide, "es")],
            ["Deslizamentos", "Landslide", "Deslizamiento"]
        );
    }
}
