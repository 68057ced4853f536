//! What an alert of ours made from a warning of others would be about: hazard and level, each with why. A proposal for a person.

use serde::Serialize;

use super::{INMET_LEVELS, Severity};
use crate::alerts::cap::event_terms::EventTerm;
use crate::alerts::cap::tree::{Node, read_tree};
use crate::alerts::cap::xml;
use crate::cobrade::Cobrade;
use crate::units::Level;

/// Why a hazard is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Because {
    /// The message carries the code itself.
    Code { name: String, value: String },
    /// The event's words say so: this is the word that was found.
    Event { word: String },
    /// The headline's do.
    Headline { word: String },
}

/// A hazard with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    pub cobrade: Cobrade,
    pub because: Because,
}

/// Words at the beginning of a word of the event, without accents and capitals; the first that fits counts, so what is exact
/// stands before what is broad. First INMET's own list of events, then what other publishers of the continent write.
const WORDS: &[(&str, &str)] = &[
    ("ventos costeiros", "1.3.1.1.1"),
    ("acumulado de chuva", "1.3.2.1.4"),
    ("chuvas intensas", "1.3.2.1.4"),
    ("baixa umidade", "1.4.1.4.0"),
    ("onda de calor", "1.3.3.1.0"),
    ("onda de frio", "1.3.3.2.1"),
    ("declinio de temperatura", "1.3.3.2.1"),
    ("friagem", "1.3.3.2.1"),
    ("geada", "1.3.3.2.2"),
    ("granizo", "1.3.2.1.3"),
    ("vendaval", "1.3.2.1.5"),
    ("ressaca", "1.3.1.1.2"),
    ("corrida de massa", "1.1.3.3.1"),
    ("corrida de lama", "1.1.3.3.1"),
    ("deslizamento", "1.1.3.2.1"),
    ("movimento de massa", "1.1.3.2.1"),
    ("escorregamento", "1.1.3.2.1"),
    ("rolamento de bloco", "1.1.3.1.1"),
    ("enxurrada", "1.2.2.0.0"),
    ("inundacao brusca", "1.2.2.0.0"),
    ("alagamento", "1.2.3.0.0"),
    ("inundac", "1.2.1.0.0"),
    ("enchente", "1.2.1.0.0"),
    ("cheia", "1.2.1.0.0"),
    ("tornado", "1.3.2.1.1"),
    ("raio", "1.3.2.1.2"),
    ("descargas eletricas", "1.3.2.1.2"),
    ("incendio florestal", "1.4.1.3.2"),
    ("queimada", "1.4.1.3.2"),
    ("estiagem", "1.4.1.1.0"),
    ("seca ", "1.4.1.2.0"),
    ("barragem", "2.4.2.0.0"),
    ("tsunami", "1.1.1.2.0"),
    ("terremoto", "1.1.1.1.0"),
    ("tremor", "1.1.1.1.0"),
    ("frente fria", "1.3.1.2.0"),
    ("vento", "1.3.2.1.5"),
    ("tempestade", "1.3.2.1.4"),
    ("chuva", "1.3.2.1.4"),
    ("flash flood", "1.2.2.0.0"),
    ("landslide", "1.1.3.2.1"),
    ("mudslide", "1.1.3.3.1"),
    ("debris flow", "1.1.3.3.1"),
    ("flood", "1.2.1.0.0"),
    ("hail", "1.3.2.1.3"),
    ("lightning", "1.3.2.1.2"),
    ("storm surge", "1.3.1.1.2"),
    ("earthquake", "1.1.1.1.0"),
    ("heat", "1.3.3.1.0"),
    ("frost", "1.3.3.2.2"),
    ("bush fire", "1.4.1.3.2"),
    ("bushfire", "1.4.1.3.2"),
    ("wildfire", "1.4.1.3.2"),
    ("forest fire", "1.4.1.3.2"),
    ("drought", "1.4.1.1.0"),
    ("dam failure", "2.4.2.0.0"),
    ("dam break", "2.4.2.0.0"),
    ("thunderstorm", "1.3.2.1.4"),
    ("rain", "1.3.2.1.4"),
    ("wind", "1.3.2.1.5"),
];

/// The hazard that a message is about; none where neither code nor words tell, and a person has to.
pub fn hazard(raw: &[u8], event: &str, headline: &str) -> Option<Proposed> {
    let codes = codes(raw);
    let by_code = codes.iter().find_map(|(name, value)| {
        let own = || value.parse().ok().filter(|_| name.to_lowercase().contains("cobrade"));
        let cobrade = own().or_else(|| of_term(name, value))?;
        Some(Proposed { cobrade, because: Because::Code { name: name.clone(), value: value.clone() } })
    });
    let in_event = || said(event).map(|(cobrade, word)| Proposed { cobrade, because: Because::Event { word } });
    let in_headline =
        || said(headline).map(|(cobrade, word)| Proposed { cobrade, because: Because::Headline { word } });
    by_code.or_else(in_event).or_else(in_headline)
}

/// By a term of the OASIS list, where one hazard alone has it as its nearest.
fn of_term(list: &str, code: &str) -> Option<Cobrade> {
    if !list.to_uppercase().contains("OET") {
        return None;
    }
    let mut all = Cobrade::all().map(|(cobrade, _)| cobrade);
    let has_it = |cobrade: &Cobrade| EventTerm::of(*cobrade).is_some_and(|term| term.code.eq_ignore_ascii_case(code));
    let first = all.find(has_it)?;
    all.all(|other| !has_it(&other)).then_some(first)
}

fn said(text: &str) -> Option<(Cobrade, String)> {
    // Space before each word and at the end, so that a beginning of a word is found as one.
    let plain = format!(" {} ", plain(text));
    let found = WORDS.iter().find(|(word, _)| plain.contains(&format!(" {word}")))?;
    Some((found.1.parse().ok()?, found.0.trim().to_owned()))
}

/// Small letters without accents, words one space apart.
fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    let lower: String = text.to_lowercase().chars().map(letter).collect();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Name and value of every `eventCode`; none of a document that is no CAP (INMET's list).
fn codes(raw: &[u8]) -> Vec<(String, String)> {
    let Some(root) = xml::decode(raw).ok().and_then(|text| read_tree(&text).ok()) else { return Vec::new() };
    let infos = root.children.iter().filter(|child| child.name == "info");
    let codes = infos.flat_map(|info| info.children.iter().filter(|child| child.name == "eventCode"));
    let said = |code: &Node, name: &str| {
        let child = code.children.iter().find(|child| child.name == name);
        child.map(|child| child.text.trim().to_owned()).unwrap_or_default()
    };
    codes.map(|code| (said(code, "valueName"), said(code, "value"))).collect()
}

/// The level of ours for how bad a publisher says it is, so that the severity of our message is the publisher's again
/// (`alerts::cap::assess`). What says nothing is shown as the least.
pub const fn level(severity: Severity) -> Level {
    match severity {
        Severity::Extreme => Level::Maximum,
        Severity::Severe => Level::Alert,
        Severity::Moderate => Level::Attention,
        Severity::Minor | Severity::Unknown => Level::Observation,
    }
}

/// INMET's word for the colour, when the colour is one of INMET's.
pub fn inmet_word(colour: &str) -> Option<&'static str> {
    INMET_LEVELS.iter().find(|(known, ..)| *known == colour).map(|(_, word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event: &str) -> Option<String> {
        hazard(b"", event, "").map(|found| found.cobrade.to_string())
    }

    #[test]
    fn every_word_of_the_table_names_a_hazard_that_exists() {
        for (word, cobrade) in WORDS {
            assert!(cobrade.parse::<Cobrade>().is_ok(), "{word}: {cobrade}");
            assert_eq!(plain(word), word.trim(), "the table is written as texts are compared");
        }
    }

    #[test]
    fn inmets_events_have_their_hazard() {
        for (event, cobrade) in [
            ("Chuvas Intensas", "1.3.2.1.4"),
            ("Acumulado de Chuva", "1.3.2.1.4"),
            ("Tempestade", "1.3.2.1.4"),
            ("Vendaval", "1.3.2.1.5"),
            ("Granizo", "1.3.2.1.3"),
            ("Baixa Umidade", "1.4.1.4.0"),
            ("Onda de Calor", "1.3.3.1.0"),
            ("Onda de Frio", "1.3.3.2.1"),
            ("Declínio de Temperatura", "1.3.3.2.1"),
            ("Geada", "1.3.3.2.2"),
            ("Ventos Costeiros", "1.3.1.1.1"),
            ("Inundações", "1.2.1.0.0"),
            ("Inundação brusca", "1.2.2.0.0"),
            ("Flash Flood Warning", "1.2.2.0.0"),
        ] {
            assert_eq!(of(event).as_deref(), Some(cobrade), "{event}");
        }
    }

    #[test]
    fn a_word_inside_another_is_none() {
        // "train" is no rain, "ensecadeira" no drought, and what says nothing is left to a person.
        for event in ["Train derailment", "Ensecadeira", "Aviso", ""] {
            assert_eq!(of(event), None, "{event}");
        }
        assert_eq!(of("Seca").as_deref(), Some("1.4.1.2.0"));
    }

    #[test]
    fn a_code_of_the_message_counts_before_its_words_and_the_headline_last() {
        let raw =
            "<alert><info><eventCode><valueName>COBRADE</valueName><value>11321</value></eventCode></info></alert>";
        let found = hazard(raw.as_bytes(), "Chuvas Intensas", "").unwrap();
        assert_eq!(found.cobrade.to_string(), "1.1.3.2.1");
        assert_eq!(found.because, Because::Code { name: "COBRADE".into(), value: "11321".into() });
        let raw = raw.replace("COBRADE", "SAME");
        assert_eq!(hazard(raw.as_bytes(), "Chuvas Intensas", "").unwrap().cobrade.to_string(), "1.3.2.1.4");
        let found = hazard(b"", "Aviso", "Risco de deslizamento na serra").unwrap();
        assert_eq!(found.because, Because::Headline { word: "deslizamento".into() });
    }

    #[test]
    fn the_level_gives_back_the_publishers_severity() {
        use crate::alerts::AlertKind;
        use crate::alerts::cap::assess;
        let rain: Cobrade = "1.3.2.1.4".parse().unwrap();
        for severity in [Severity::Extreme, Severity::Severe, Severity::Moderate, Severity::Minor] {
            assert_eq!(assess(AlertKind::Alert, level(severity), rain).severity, severity);
        }
        assert_eq!(level(Severity::Unknown), Level::Observation);
    }
}
