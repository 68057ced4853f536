//! The rail of the console: what a coordinator needs at night stands open at the top, the rest in groups that fold.

use super::frame::Frame;
use crate::accounts::Permission;

/// One page in the rail.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub href: &'static str,
    /// What `Frame::active` says on the pages that belong to it.
    pub active: &'static str,
    pub word: &'static str,
    pub may: Permission,
    /// What waits there, and the words that say so to who does not see the badge.
    pub waits: i64,
    pub waits_word: &'static str,
}

/// A heading of the rail and the pages under it.
#[derive(Debug)]
pub struct Group {
    pub word: &'static str,
    pub entries: Vec<Entry>,
    /// Whether the page that is looked at is one of them.
    pub open: bool,
}

impl Group {
    /// What waits in the whole group, for its heading while it is folded.
    pub fn waits(&self) -> i64 {
        self.entries.iter().map(|entry| entry.waits).sum()
    }
}

const fn entry(href: &'static str, active: &'static str, word: &'static str) -> Entry {
    Entry { href, active, word, may: Permission::SeeConsole, waits: 0, waits_word: "" }
}

impl Entry {
    const fn with(self, waits: i64, waits_word: &'static str) -> Self {
        Self { waits, waits_word, ..self }
    }

    const fn who(self, may: Permission) -> Self {
        Self { may, ..self }
    }
}

/// What never folds.
pub fn first(f: &Frame) -> Vec<Entry> {
    let all = vec![
        entry("/console", "now", "nav-now"),
        entry("/console/hoje", "hoje", "nav-hoje"),
        entry("/console/alerts", "alerts", "nav-alerts").with(f.drafts, "nav-drafts-waiting"),
        entry("/console/reports", "reports", "nav-reports").with(f.reports, "nav-reports-waiting"),
        entry("/console/occurrences", "cases", "nav-cases"),
    ];
    seen(f, all)
}

/// The groups that fold, without the pages whoever reads may not see.
pub fn groups(f: &Frame) -> Vec<Group> {
    let mut all = vec![
        (
            "rail-response",
            vec![
                entry("/console/incidents", "incidents", "nav-incidents"),
                entry("/console/teams", "teams", "nav-teams"),
                entry("/console/inspections", "inspections", "nav-inspections"),
                entry("/console/plans", "plans", "nav-plans"),
                entry("/console/shelters", "shelters", "nav-shelters"),
                entry("/console/damage", "damage", "nav-damage"),
                entry("/console/declarations", "declarations", "nav-declarations").who(Permission::DeclareDamage),
            ],
        ),
        (
            "rail-alerts",
            vec![
                entry("/console/warnings", "warnings", "nav-warnings"),
                entry("/console/sirens", "sirens", "nav-sirens"),
                entry("/console/exercises", "exercises", "nav-exercises"),
            ],
        ),
        (
            "rail-ground",
            vec![
                entry("/console/areas", "areas", "nav-areas"),
                entry("/console/stations", "stations", "nav-stations").with(f.repairs, "nav-repairs"),
                entry("/console/rules", "rules", "nav-rules"),
                entry("/console/quarantine", "quarantine", "nav-quarantine"),
            ],
        ),
        (
            "rail-people",
            vec![
                entry("/console/rotas", "rotas", "nav-rotas"),
                entry("/console/residents", "residents", "nav-residents").who(Permission::SeeResidents),
            ],
        ),
        (
            "rail-secretariat",
            vec![entry("/secretaria/painel/orcamento", "budget", "sec-budget-title").who(Permission::SeeSecretariat)],
        ),
        ("rail-system", vec![entry("/console/morning", "morning", "nav-morning")]),
    ];
    if let Some((_, system)) = all.last_mut() {
        if f.sink {
            system.push(entry("/console/outbox", "outbox", "nav-outbox").who(Permission::SeeDeliveries));
        }
        system.push(entry("/console/admin", "admin", "nav-admin"));
    }
    let groups = all.into_iter().map(|(word, entries)| {
        let entries = seen(f, entries);
        let open = entries.iter().any(|entry| entry.active == f.active);
        Group { word, entries, open }
    });
    groups.filter(|group| !group.entries.is_empty()).collect()
}

fn seen(f: &Frame, entries: Vec<Entry>) -> Vec<Entry> {
    entries.into_iter().filter(|entry| f.v.may(entry.may)).collect()
}
