//! Documents of a dossier: what they begin with, and their words with the figures filled in. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::exercises::plan::text;
use crate::refused::FieldError;
use crate::units::vocabulary;

const SHIPPED: &str = include_str!("../../config/secretariat/damage_documents.toml");
/// Letters of one paragraph.
pub const MOST_LETTERS: usize = 12_000;

vocabulary! {
    /// A document of a dossier.
    Kind, "document" {
        /// Formulário de Informações do Desastre: made of sections and figures alone.
        Fide = "fide",
        Dmate = "dmate",
        Parecer = "parecer",
        Decree = "decree",
        Oficio = "oficio",
        /// Made of the chosen photographs alone.
        Photographs = "photographs",
    }
}

impl Kind {
    /// Has words of its own that are adopted.
    pub const fn has_words(self) -> bool {
        matches!(self, Self::Dmate | Self::Parecer | Self::Decree | Self::Oficio)
    }

    /// Gets its number from a series here; that of the decree is the mayor's office's.
    pub const fn series(self) -> Option<&'static str> {
        match self {
            Self::Dmate => Some("damage_dmate"),
            Self::Parecer => Some("damage_parecer"),
            Self::Oficio => Some("damage_oficio"),
            Self::Decree | Self::Fide | Self::Photographs => None,
        }
    }

    pub fn with_words() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.has_words())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageParagraph)]
#[serde(deny_unknown_fields)]
pub struct Paragraph {
    #[schema(min_length = 1, max_length = 40)]
    pub key: String,
    #[schema(max_length = 160)]
    pub title: String,
    #[schema(max_length = 12_000)]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    kind: Kind,
    title: String,
    /// Paragraphs that only say what is to be written there: nothing is adopted with them.
    #[serde(default)]
    hints: Vec<String>,
    paragraph: Vec<Paragraph>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    document: Vec<Shipped>,
}

fn shipped(kind: Kind) -> Option<Shipped> {
    let file = toml::from_str::<File>(SHIPPED).map(|file| file.document).unwrap_or_default();
    file.into_iter().find(|one| one.kind == kind)
}

/// Title and paragraphs that a document begins with.
pub fn begin(kind: Kind) -> (String, Vec<Paragraph>) {
    shipped(kind).map(|one| (one.title, trimmed(one.paragraph))).unwrap_or_default()
}

/// Paragraphs whose words are still what the form says about them, so that the document cannot be adopted.
pub fn unwritten(kind: Kind, paragraphs: &[Paragraph]) -> Vec<FieldError> {
    let Some(form) = shipped(kind) else { return Vec::new() };
    let is_hint = |given: &&Paragraph| {
        let of_form = form.paragraph.iter().find(|one| one.key == given.key && form.hints.contains(&one.key));
        of_form.is_some_and(|one| one.text.trim() == given.text.trim())
    };
    let wrong = |one: &Paragraph| FieldError {
        field: format!("paragraphs.{}", one.key),
        value: one.text.chars().take(80).collect(),
        message: "expected the town's own words in place of the instruction".into(),
    };
    paragraphs.iter().filter(is_hint).map(wrong).collect()
}

fn trimmed(paragraphs: Vec<Paragraph>) -> Vec<Paragraph> {
    paragraphs.into_iter().map(|one| Paragraph { text: one.text.trim().to_owned(), ..one }).collect()
}

/// What words may name in braces.
pub const PLACES: [&str; 34] = [
    "municipio",
    "municipio_maiusculas",
    "uf",
    "orgao",
    "cobrade",
    "cobrade_nome",
    "data",
    "hora",
    "mortos",
    "feridos",
    "enfermos",
    "desabrigados",
    "desalojados",
    "desaparecidos",
    "outros_afetados",
    "habitacoes_danificadas",
    "habitacoes_destruidas",
    "obras_danificadas",
    "obras_destruidas",
    "danos_materiais",
    "prejuizo_publico",
    "prejuizo_privado",
    "prejuizos",
    "situacao",
    "nivel",
    "nivel_texto",
    "nivel_norma",
    "decreto",
    "decreto_data",
    "plano_ativado",
    "acoes_executadas",
    "acoes_em_curso",
    "meios_humanos",
    "meios_materiais",
];

/// Places in a text that are none of [`PLACES`].
pub fn unknown_places(text: &str) -> Vec<String> {
    let known: BTreeSet<&str> = PLACES.into_iter().collect();
    let inside = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    inside.filter(|name| !known.contains(name)).map(|name| name.chars().take(40).collect()).collect()
}

/// The text with its places filled. What is not known yet stays in its braces, so that it is seen.
pub fn fill(text: &str, facts: &BTreeMap<&'static str, String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, tail)| Some((facts.get(name)?, tail)));
        match known {
            Some((fact, tail)) => {
                filled.push_str(fact);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Paragraphs as they read with these facts.
pub fn filled(paragraphs: &[Paragraph], facts: &BTreeMap<&'static str, String>) -> Vec<Paragraph> {
    paragraphs.iter().map(|one| Paragraph { text: fill(&one.text, facts), ..one.clone() }).collect()
}

/// Everything that is wrong with the words of a document: it has the paragraphs that it began with, in their order.
pub fn problems(kind: Kind, paragraphs: &[Paragraph]) -> Vec<FieldError> {
    let (_, wanted) = begin(kind);
    let keys = |all: &[Paragraph]| all.iter().map(|one| one.key.clone()).collect::<Vec<_>>().join(", ");
    if keys(&wanted) != keys(paragraphs) {
        let message = format!("expected the paragraphs {}", keys(&wanted));
        return vec![FieldError {
            field: "paragraphs".into(),
            value: keys(paragraphs).chars().take(80).collect(),
            message,
        }];
    }
    let mut problems = Vec::new();
    for one in paragraphs {
        let field = format!("paragraphs.{}", one.key);
        text(&mut problems, &field, &one.text, 1, MOST_LETTERS, false);
        for place in unknown_places(&one.text) {
            let message = format!("expected one of {}", PLACES.join(", "));
            problems.push(FieldError { field: field.clone(), value: format!("{{{place}}}"), message });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_documents_begin_with_can_be_read_and_names_only_known_places() {
        for kind in Kind::with_words() {
            let (title, paragraphs) = begin(kind);
            assert!(!title.is_empty() && !paragraphs.is_empty(), "{kind}");
            assert_eq!(problems(kind, &paragraphs), [], "{kind}");
            assert!(
                paragraphs.iter().all(|one| !one.text.contains("art. 8º, inciso IV,")),
                "the known slip of a template"
            );
        }
        let all: String = begin(Kind::Decree).1.into_iter().map(|one| one.text).collect();
        assert!(all.contains("art. 8º, inciso VI,") && all.contains("180 (cento e oitenta) dias"));
        assert!(all.contains("{cobrade}"), "the code is filled in, never typed");
    }

    #[test]
    fn a_document_is_not_adopted_with_the_instruction_still_in_it() {
        let (_, mut paragraphs) = begin(Kind::Dmate);
        let fields = |paragraphs: &[Paragraph]| {
            unwritten(Kind::Dmate, paragraphs).into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&paragraphs), ["paragraphs.institucionais", "paragraphs.financeiros"]);
        for one in &mut paragraphs {
            one.text.push_str(" Recursos próprios: R$ 10.000,00.");
        }
        assert!(fields(&paragraphs).is_empty());
        for kind in Kind::with_words() {
            let form = shipped(kind).unwrap();
            let keys: Vec<&String> = form.paragraph.iter().map(|one| &one.key).collect();
            assert!(form.hints.iter().all(|hint| keys.contains(&hint)), "{kind}");
        }
    }

    #[test]
    fn places_are_filled_and_unknown_ones_refused() {
        let facts = BTreeMap::from([("cobrade", "1.1.3.2.1".to_owned())]);
        assert_eq!(fill("código {cobrade} em {data} {", &facts), "código 1.1.3.2.1 em {data} {");
        let (_, mut paragraphs) = begin(Kind::Oficio);
        paragraphs[1].text = "{assunto} e {cobrade}".into();
        let wrong = problems(Kind::Oficio, &paragraphs);
        assert_eq!((wrong.len(), wrong[0].value.as_str()), (1, "{assunto}"));
        assert_eq!(problems(Kind::Oficio, &paragraphs[1..])[0].field, "paragraphs");
    }
}
