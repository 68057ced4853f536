//! The words of a hand-over note, from what happened and what is open. Pure: the same facts give the same note.

use std::fmt::Write as _;

use chrono_tz::Tz;

use crate::clock::Instant;
use crate::i18n::Lang;

/// In which language, zone and town.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    pub lang: Lang,
    pub tz: Tz,
    pub town: &'a str,
}

/// An area that stands above normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    pub area: String,
    pub level: String,
}

/// An alert in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    pub number: String,
    pub headline: String,
    pub until: Instant,
}

/// What somebody wrote or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: Instant,
    pub actor: String,
    /// Of the incident or the occurrence.
    pub number: String,
    pub kind: String,
    pub text: String,
}

/// An open incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub number: String,
    pub title: String,
    pub occurrences: i64,
}

/// An occurrence whose work is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub number: String,
    pub kind: String,
    pub state: String,
    pub priority: i16,
    pub place: String,
    pub assignee: Option<String>,
    pub unit: String,
    pub opened_at: Instant,
}

/// Everything the note is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub from: Instant,
    pub until: Instant,
    pub raised: Vec<Raised>,
    pub alerts: Vec<InForce>,
    /// Occurrences that were opened, resolved or closed, and dismissed in the period.
    pub opened: i64,
    pub ended: i64,
    pub dismissed: i64,
    pub incidents: Vec<Running>,
    /// The most urgent first.
    pub cases: Vec<Case>,
    /// Open ones in all.
    pub open: i64,
    /// Oldest first.
    pub lines: Vec<Line>,
    /// Lines of earlier that did not find room.
    pub has_more_lines: bool,
}

/// Areas that are named.
const NAMED: usize = 20;

/// The note as plain text, with a blank line between its parts.
pub fn write(facts: &Facts, page: &Page<'_>) -> String {
    let mut out = format!("{} – {}\n", page.lang.t("shift-note"), page.town);
    let span = page.lang.t2("shift-span", "from", page.full(facts.from), "until", page.full(facts.until));
    let _ = writeln!(out, "{span}");
    situation(facts, page, &mut out);
    page.head("shift-cases", &mut out);
    let counted = [("shift-opened", facts.opened), ("shift-ended", facts.ended), ("shift-dismissed", facts.dismissed)];
    let counted: Vec<String> = counted.iter().map(|(key, n)| page.lang.t1(key, "n", *n)).collect();
    let _ = writeln!(out, "{}; {}.", counted.join(", "), page.lang.t1("shift-open", "n", facts.open));
    for case in &facts.cases {
        let _ = writeln!(out, "- {}", page.case(case));
    }
    let more = facts.open - facts.cases.len() as i64;
    if more > 0 {
        let _ = writeln!(out, "{}", page.lang.t1("shift-more-cases", "n", more));
    }
    page.head("shift-incidents", &mut out);
    page.or_none(facts.incidents.is_empty(), &mut out);
    for one in &facts.incidents {
        let count = page.lang.t1("shift-incident-cases", "n", one.occurrences);
        let _ = writeln!(out, "- {} · {} ({count})", one.number, one.title);
    }
    page.head("shift-happened", &mut out);
    page.or_none(facts.lines.is_empty(), &mut out);
    for line in &facts.lines {
        let _ = writeln!(out, "- {}", page.line(line));
    }
    if facts.has_more_lines {
        let _ = writeln!(out, "{}", page.lang.t("shift-more-lines"));
    }
    page.head("shift-pending", &mut out);
    out.push_str("- \n");
    out
}

fn situation(facts: &Facts, page: &Page<'_>, out: &mut String) {
    page.head("shift-situation", out);
    page.or_none(facts.raised.is_empty() && facts.alerts.is_empty(), out);
    for raised in facts.raised.iter().take(NAMED) {
        let _ = writeln!(out, "- {}: {}", raised.area, page.lang.t(&format!("level-{}", raised.level)));
    }
    if facts.raised.len() > NAMED {
        let _ = writeln!(out, "{}", page.lang.t1("shift-more-areas", "n", facts.raised.len() - NAMED));
    }
    for alert in &facts.alerts {
        let until = page.lang.t1("shift-alert-until", "at", page.full(alert.until));
        let _ = writeln!(out, "- {} · {} ({until})", alert.number, alert.headline);
    }
}

impl Page<'_> {
    fn full(&self, at: Instant) -> String {
        at.with_timezone(&self.tz).format("%d/%m/%Y %H:%M").to_string()
    }

    fn head(&self, key: &str, out: &mut String) {
        let _ = writeln!(out, "\n{}", self.lang.t(key).to_uppercase());
    }

    fn or_none(&self, is_empty: bool, out: &mut String) {
        if is_empty {
            let _ = writeln!(out, "{}", self.lang.t("shift-none"));
        }
    }

    fn word(&self, vocabulary: &str, word: &str) -> String {
        self.lang.t(&format!("{vocabulary}-{}", word.replace('_', "-")))
    }

    fn case(&self, case: &Case) -> String {
        let mut parts = vec![
            format!("P{}", case.priority),
            case.number.clone(),
            self.word("report-kind", &case.kind),
            self.word("occurrence-state", &case.state),
        ];
        parts.extend([&case.place, &case.unit].into_iter().filter(|part| !part.is_empty()).cloned());
        parts.extend(case.assignee.clone());
        parts.push(self.lang.t1("shift-since", "at", self.full(case.opened_at)));
        parts.join(" · ")
    }

    fn line(&self, line: &Line) -> String {
        let said = match (self.word("shift-line", &line.kind), line.text.replace('\n', " ")) {
            (act, text) if text.is_empty() => act,
            (act, text) => format!("{act}: {text}"),
        };
        format!("{} · {} · {} · {said}", self.full(line.at), line.number, line.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(minutes: i64) -> Instant {
        from_micros(1_771_761_600_000_000 + minutes * 60_000_000)
    }

    fn facts() -> Facts {
        Facts {
            from: at(0),
            until: at(720),
            raised: vec![Raised { area: "Linhares".into(), level: "alert".into() }],
            alerts: vec![InForce { number: "2026/003".into(), headline: "Risco alto".into(), until: at(900) }],
            opened: 12,
            ended: 5,
            dismissed: 1,
            incidents: vec![Running { number: "2026/001".into(), title: "Chuva de fevereiro".into(), occurrences: 4 }],
            cases: vec![Case {
                number: "2026/010".into(),
                kind: "landslide".into(),
                state: "on_scene".into(),
                priority: 1,
                place: "Linhares".into(),
                assignee: Some("ana".into()),
                unit: "VTR 02".into(),
                opened_at: at(100),
            }],
            open: 7,
            lines: vec![Line {
                at: at(300),
                actor: "bia".into(),
                number: "2026/001".into(),
                kind: "note".into(),
                text: "Rua interditada\npela PM".into(),
            }],
            has_more_lines: false,
        }
    }

    #[test]
    fn the_note_tells_what_stands_what_is_open_and_what_happened_in_both_languages() {
        let page = |lang| Page { lang, tz: chrono_tz::America::Sao_Paulo, town: "Juiz de Fora" };
        let text = write(&facts(), &page(Lang::Pt));
        for part in [
            "Juiz de Fora",
            "Linhares: ",
            "2026/003 · Risco alto",
            "P1 · 2026/010",
            "VTR 02 · ana",
            "bia",
            "Rua interditada pela PM",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for lang in [Lang::Pt, Lang::En] {
            let text = write(&facts(), &page(lang));
            assert!(
                !text.contains("shift-") && !text.contains("occurrence-state") && !text.contains("report-kind"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_empty_night_is_told_as_one() {
        let empty = Facts {
            raised: vec![],
            alerts: vec![],
            opened: 0,
            ended: 0,
            dismissed: 0,
            incidents: vec![],
            cases: vec![],
            open: 0,
            lines: vec![],
            ..facts()
        };
        let page = Page { lang: Lang::Pt, tz: chrono_tz::America::Sao_Paulo, town: "Juiz de Fora" };
        let text = write(&empty, &page);
        assert_eq!(text.matches(&Lang::Pt.t("shift-none")).count(), 3, "{text}");
    }
}
