//! What a dossier lacks before it can be submitted, each with the way to it. Pure.

use chrono::NaiveDate;
use serde::Serialize;

use super::documents::Kind;
use super::figures::Doubt;
use super::levels::Level;

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageCheck)]
pub struct Check {
    /// Its text is `damage-check-KEY`.
    pub key: &'static str,
    /// Without it nothing is submitted; otherwise it is only told.
    pub is_needed: bool,
    /// Which fields, documents or photographs.
    pub which: Vec<String>,
    /// Part of the dossier's page: sections, figures, level, documents, photographs.
    pub at: &'static str,
}

/// A photograph of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Photograph {
    pub has_caption: bool,
    pub has_place: bool,
    pub has_time: bool,
}

/// What is known of a dossier.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Fields of the sections that are empty.
    pub missing_fields: Vec<&'static str>,
    /// Lines with a total.
    pub lines: usize,
    /// Entries of 7 and 6.2 with money that rest on no inspection and no declaration.
    pub undocumented: usize,
    pub has_level: bool,
    /// Figures and answers lead to this level, and another was decided.
    pub level_differs: Option<Level>,
    /// Level III was declared as situação de emergência.
    pub emergency_of_level_iii: bool,
    /// Somebody held the words of the levels against the norm.
    pub criteria_confirmed: bool,
    /// Documents with words that are not adopted.
    pub drafts: Vec<Kind>,
    /// Documents that name other facts than the dossier has now.
    pub outdated: Vec<Kind>,
    pub photographs: Vec<Photograph>,
    pub doubts: Vec<Doubt>,
    /// Declarations that nobody answered.
    pub waiting_declarations: usize,
    /// The nearest deadline of the submission.
    pub due_on: Option<NaiveDate>,
    pub today: NaiveDate,
}

pub fn check(facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |key, is_needed, which: Vec<String>, at| checks.push(Check { key, is_needed, which, at });
    if !facts.missing_fields.is_empty() {
        add("fields", true, facts.missing_fields.iter().map(|&field| field.to_owned()).collect(), "sections");
    }
    if facts.lines == 0 {
        add("figures", true, Vec::new(), "figures");
    }
    if !facts.has_level {
        add("level", true, Vec::new(), "level");
    }
    if !facts.drafts.is_empty() {
        add("documents", true, facts.drafts.iter().map(|kind| kind.as_str().to_owned()).collect(), "documents");
    }
    if facts.photographs.is_empty() {
        add("photographs", true, Vec::new(), "photographs");
    }
    let lacking = |lacks: fn(&Photograph) -> bool| {
        let places = facts.photographs.iter().enumerate().filter(|(_, one)| lacks(one));
        places.map(|(at, _)| (at + 1).to_string()).collect::<Vec<_>>()
    };
    for (key, which) in [
        ("photographs-caption", lacking(|one| !one.has_caption)),
        ("photographs-time", lacking(|one| !one.has_time)),
        ("photographs-place", lacking(|one| !one.has_place)),
    ] {
        if !which.is_empty() {
            add(key, true, which, "photographs");
        }
    }
    if facts.undocumented > 0 {
        add("undocumented", false, vec![facts.undocumented.to_string()], "figures");
    }
    if !facts.doubts.is_empty() {
        add("doubts", false, vec![facts.doubts.len().to_string()], "figures");
    }
    if !facts.outdated.is_empty() {
        add(
            "documents-outdated",
            false,
            facts.outdated.iter().map(|kind| kind.as_str().to_owned()).collect(),
            "documents",
        );
    }
    if facts.waiting_declarations > 0 {
        add("declarations", false, vec![facts.waiting_declarations.to_string()], "declarations");
    }
    if let Some(level) = facts.level_differs {
        add("level-differs", false, vec![level.as_str().to_owned()], "level");
    }
    if facts.emergency_of_level_iii {
        add("level-iii-se", false, Vec::new(), "level");
    }
    if facts.has_level && !facts.criteria_confirmed {
        add("criteria", false, Vec::new(), "level");
    }
    if facts.due_on.is_some_and(|due| due < facts.today) {
        add("late", false, Vec::new(), "deadlines");
    }
    checks
}

/// Nothing that is needed is missing.
pub fn is_ready(checks: &[Check]) -> bool {
    checks.iter().all(|one| !one.is_needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        let photograph = Photograph { has_caption: true, has_place: true, has_time: true };
        Facts { lines: 3, has_level: true, criteria_confirmed: true, photographs: vec![photograph], ..Facts::default() }
    }

    #[test]
    fn a_whole_dossier_lacks_nothing() {
        assert_eq!(check(&good()), []);
    }

    /// What is taken from a whole dossier.
    type Spoil = fn(&mut Facts);

    #[test]
    fn each_thing_that_is_needed_stops_the_submission_by_itself() {
        let wrong: [(&str, Spoil); 7] = [
            ("fields", |facts| facts.missing_fields = vec!["causes"]),
            ("figures", |facts| facts.lines = 0),
            ("level", |facts| facts.has_level = false),
            ("documents", |facts| facts.drafts = vec![Kind::Parecer]),
            ("photographs", |facts| facts.photographs.clear()),
            ("photographs-caption", |facts| facts.photographs[0].has_caption = false),
            ("photographs-place", |facts| facts.photographs[0].has_place = false),
        ];
        for (key, spoil) in wrong {
            let mut facts = good();
            spoil(&mut facts);
            let checks = check(&facts);
            assert_eq!(checks.iter().map(|one| one.key).collect::<Vec<_>>(), [key]);
            assert!(!is_ready(&checks), "{key}");
        }
    }

    #[test]
    fn a_level_that_departs_from_the_norm_and_a_document_of_other_facts_are_told() {
        let mut facts = good();
        (facts.level_differs, facts.emergency_of_level_iii) = (Some(Level::II), true);
        facts.outdated = vec![Kind::Parecer];
        let checks = check(&facts);
        let keys: Vec<&str> = checks.iter().map(|one| one.key).collect();
        assert_eq!(keys, ["documents-outdated", "level-differs", "level-iii-se"]);
        assert_eq!(
            (checks[0].which.as_slice(), checks[1].which.as_slice()),
            (&["parecer".to_owned()][..], &["ii".to_owned()][..])
        );
        assert!(is_ready(&checks));
    }

    #[test]
    fn doubts_and_lateness_are_told_and_stop_nothing() {
        let mut facts = good();
        facts.doubts = vec![Doubt::ManySources { line: "homeless".into(), sources: vec!["shelters".into()] }];
        (facts.due_on, facts.today) = ("2026-03-01".parse().ok(), "2026-03-02".parse().unwrap());
        let checks = check(&facts);
        assert_eq!(checks.iter().map(|one| one.key).collect::<Vec<_>>(), ["doubts", "late"]);
        assert!(is_ready(&checks));
    }
}
