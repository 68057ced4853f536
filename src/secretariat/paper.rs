//! Documents of the secretariat on paper: a case, an instrument, a publication, the service charter. Pure but for the setting, and the same
//! content gives the same bytes: nothing of it says when it was printed.

use serde::Serialize;

use crate::i18n::Lang;

/// File in config/print/.
const TEMPLATE: &str = "paper.typ";

/// A document, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Paper {
    pub authority: String,
    /// pt or en.
    pub lang: &'static str,
    /// What it is, in the head of each page.
    pub kind: String,
    /// Empty: none.
    pub number: String,
    pub title: String,
    /// Below the title: state, law.
    pub sub: String,
    /// At the foot: of when what it says is.
    pub printed: String,
    /// Lies across each page of what does not count.
    pub draft: Option<String>,
    pub parts: Vec<Part>,
}

/// A section. What is empty is left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Part {
    pub title: String,
    /// Name and value.
    pub facts: Vec<(String, String)>,
    pub heads: Vec<String>,
    /// As many cells each as there are heads.
    pub rows: Vec<Vec<String>>,
    pub entries: Vec<Entry>,
}

/// Something with what is said of it, line by line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Entry {
    pub title: String,
    pub lines: Vec<String>,
    /// Hexadecimal; empty: none.
    pub sha256: String,
}

impl Part {
    pub fn of_facts(title: impl Into<String>, facts: Vec<(String, String)>) -> Self {
        Self { title: title.into(), facts, ..Self::default() }
    }

    pub fn of_rows(title: impl Into<String>, heads: Vec<String>, rows: Vec<Vec<String>>) -> Self {
        Self { title: title.into(), heads, rows, ..Self::default() }
    }

    pub fn of_entries(title: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { title: title.into(), entries, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.rows.is_empty() && self.entries.is_empty()
    }
}

/// The tag of a language as the template hyphenates by it.
pub const fn tag(lang: Lang) -> &'static str {
    match lang {
        Lang::Pt => "pt",
        Lang::En => "en",
    }
}

/// Sets it, without what is empty.
///
/// # Errors
/// The template's.
pub async fn pdf(mut paper: Paper) -> anyhow::Result<Vec<u8>> {
    paper.parts.retain(|part| !part.is_empty());
    Ok(crate::print::render(TEMPLATE, &paper, Vec::new()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper() -> Paper {
        let entry =
            Entry { title: "Juntar".into(), lines: vec!["duas\nlinhas → aqui".into()], sha256: "ab".repeat(32) };
        Paper {
            authority: "Prefeitura de exemplo".into(),
            lang: tag(Lang::Pt),
            kind: "Determinação".into(),
            number: "DET 2026/001".into(),
            title: "Poda #panic() *de* $árvores$".into(),
            sub: String::new(),
            printed: "Situação em 02/03/2026".into(),
            draft: None,
            parts: vec![
                Part::of_facts(
                    "O que diz",
                    vec![("Prazo".into(), "um\n\ndois".into()), ("Vazio".into(), String::new())],
                ),
                Part::of_rows("Dinheiro", vec!["Dia".into(), "Valor".into()], vec![vec!["1".into(), "R$ 2,00".into()]]),
                Part::of_rows("Nada", vec!["Dia".into()], Vec::new()),
                Part::of_entries("História", vec![entry]),
            ],
        }
    }

    #[tokio::test]
    async fn the_same_content_gives_the_same_bytes_and_another_one_others() {
        let first = pdf(paper()).await.unwrap();
        assert!(first.starts_with(b"%PDF-"));
        assert_eq!(first, pdf(paper()).await.unwrap());
        let changed = Paper { title: "Outra".into(), draft: Some("ANULADO".into()), ..paper() };
        assert_ne!(first, pdf(changed).await.unwrap());
    }

    #[tokio::test]
    async fn a_document_of_many_acts_is_set_over_pages() {
        let entry =
            |n: usize| Entry { title: format!("Ato {n}"), lines: vec!["palavra ".repeat(80)], ..Entry::default() };
        let many = Paper { parts: vec![Part::of_entries("História", (0..120).map(entry).collect())], ..paper() };
        assert!(pdf(many).await.unwrap().len() > pdf(paper()).await.unwrap().len());
    }
}
