//! A form as pages and the printer show it: sections of words, pairs and tables under numbered headings. Pure; who fills it gives words in
//! the reader's language.

use serde::Serialize;

/// What stands in a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    Words {
        lines: Vec<String>,
    },
    Pairs {
        pairs: Vec<(String, String)>,
    },
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// An `<svg>` that stands alone, and what it shows in words.
    Drawing {
        svg: String,
        label: String,
    },
}

/// A block of the form, with its number in the ICS booklet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    pub heading: String,
    /// Said where there is nothing.
    pub empty: String,
    pub content: Content,
}

impl Section {
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::Words { lines } => lines.is_empty(),
            Content::Pairs { pairs } => pairs.is_empty(),
            Content::Table { rows, .. } => rows.is_empty(),
            Content::Drawing { svg, .. } => svg.is_empty(),
        }
    }
}

/// A whole form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// "ICS 201".
    pub form: String,
    pub title: String,
    /// Tag of the language.
    pub lang: String,
    pub authority: String,
    /// Said over it when the incident is a drill; empty otherwise.
    pub mark: String,
    pub sections: Vec<Section>,
    pub prepared: String,
}

/// As lines of CSV: the head and rows of the last table.
pub fn csv(form: &Form) -> String {
    let tables = form.sections.iter().rev().find_map(|section| match &section.content {
        Content::Table { head, rows } => Some((head, rows)),
        _ => None,
    });
    let Some((head, rows)) = tables else { return String::new() };
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|text| crate::cells::cell(text)).collect();
        cells.join(",") + "\r\n"
    };
    std::iter::once(head).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_activities_and_no_formula() {
        let table = Content::Table {
            head: vec!["Hora".into(), "Atividade".into()],
            rows: vec![vec!["10:00".into(), "=1+1, \"x\"".into()]],
        };
        let section = |content| Section { heading: "8".into(), empty: String::new(), content };
        let form = Form {
            form: "ICS 214".into(),
            title: "Registro".into(),
            lang: "pt-BR".into(),
            authority: String::new(),
            mark: String::new(),
            sections: vec![section(Content::Words { lines: Vec::new() }), section(table)],
            prepared: String::new(),
        };
        assert!(form.sections[0].is_empty() && !form.sections[1].is_empty());
        assert_eq!(csv(&form), "Hora,Atividade\r\n10:00,\"'=1+1, \"\"x\"\"\"\r\n");
    }
}
