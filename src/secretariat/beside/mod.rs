//! What modules publish that is no case: budgets, agreements, funding, projects, bodies with their minutes, reports of evaluation. One list of it,
//! for feeds, the page of publications and the catalogue of open data.

pub mod store;

use serde::Serialize;
use uuid::Uuid;

use super::modules;
use crate::clock::Instant;
use crate::i18n::Lang;

/// A publication that is no case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PublicationBeside)]
pub struct Beside {
    /// The same over all corrections.
    pub id: Uuid,
    pub module: String,
    /// ppa, ldo or loa; card or minutes of a body; report; the kind of an instrument.
    pub kind: String,
    pub name: String,
    /// Page or document, from the root of the service.
    pub path: String,
    /// None: only its last version is known.
    #[schema(value_type = Option<String>)]
    pub first_at: Option<Instant>,
    #[schema(value_type = String)]
    pub published_at: Instant,
    /// It has data that programs read.
    #[serde(skip)]
    pub has_data: bool,
}

impl Beside {
    /// Word of the module in addresses of pages.
    pub fn slug(&self) -> &'static str {
        slug_of(&self.module)
    }

    /// What it is called.
    pub fn title(&self, lang: Lang) -> String {
        match (self.module.as_str(), self.kind.as_str()) {
            ("budget", kind) => format!("{} {}", lang.t(&format!("sec-budget-kind-{kind}")), self.name),
            ("committees", "minutes") => lang.t1("sec-beside-minutes", "name", &self.name),
            ("service_evaluation", _) => lang.t1("sec-beside-report", "year", &self.name),
            _ => self.name.clone(),
        }
    }
}

fn slug_of(module: &str) -> &'static str {
    modules::find(module).map_or("", |module| module.slug_pt)
}

/// The path of something of a module.
fn path_of(module: &str, rest: &str) -> String {
    let slug = slug_of(module);
    if rest.is_empty() { format!("/secretaria/{slug}") } else { format!("/secretaria/{slug}/{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_in_words_and_paths_lead_to_the_pages_of_the_module() {
        let one = |module: &str, kind: &str, name: &str| Beside {
            id: Uuid::nil(),
            module: module.into(),
            kind: kind.into(),
            name: name.into(),
            path: path_of(module, "2026"),
            first_at: None,
            published_at: Instant::default(),
            has_data: true,
        };
        let loa = one("budget", "loa", "2026");
        assert_eq!((loa.title(Lang::Pt).as_str(), loa.path.as_str()), ("LOA 2026", "/secretaria/orcamento/2026"));
        assert_eq!(one("committees", "minutes", "Conselho · 1/2026").title(Lang::En), "Minutes: Conselho · 1/2026");
        assert_eq!(one("agreements", "fomento", "TF 1/2026 Horta").title(Lang::Pt), "TF 1/2026 Horta");
        assert_eq!(path_of("funding", ""), "/secretaria/captacao");
    }
}
