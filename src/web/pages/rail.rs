//! The rail of the console: what a coordinator needs at night stands open at the top, the rest in groups that fold.

use super::frame::Frame;
use super::view::View;
use crate::accounts::Permission;
use crate::secretariat::modules::{Area, Module};

/// Where the pages of the secretariat begin.
pub const SECRETARIAT: &str = "/secretaria/painel";
/// What awaits the mayor in all of them.
const MAYOR: &str = "/secretaria/painel/prefeito";
/// More modules than these stand in groups of their own.
const TOGETHER: usize = 6;

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
    /// The module of the secretariat that it leads to: its title is the word, its slug the end of the address.
    module: Option<&'static Module>,
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
    Entry { href, active, word, may: Permission::SeeConsole, waits: 0, waits_word: "", module: None }
}

const fn of_module(module: &'static Module) -> Entry {
    let Entry { href, active, word, waits, waits_word, .. } = entry(SECRETARIAT, "", "");
    Entry { href, active, word, may: Permission::SeeSecretariat, waits, waits_word, module: Some(module) }
}

/// True when a page lies under an address: that page itself, or one below it.
fn is_under(here: &str, address: &str) -> bool {
    here.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

impl Entry {
    const fn with(self, waits: i64, waits_word: &'static str) -> Self {
        Self { waits, waits_word, ..self }
    }

    const fn who(self, may: Permission) -> Self {
        Self { may, ..self }
    }

    pub fn link(&self) -> String {
        self.module.map_or_else(|| self.href.to_owned(), |module| format!("{}/{}", self.href, module.slug_pt))
    }

    pub fn label(&self, v: &View) -> String {
        self.module.map_or_else(|| v.t(self.word), |module| module.title(v.lang).to_owned())
    }

    /// Whether the page that is looked at belongs here. Pages of the secretariat go by their address, where one module has many; what
    /// belongs to no entry of the reader belongs to the panel.
    pub fn is_current(&self, f: &Frame) -> bool {
        if !is_under(&f.v.here, SECRETARIAT) {
            return self.active == f.active;
        }
        let is_here = |address: &str| is_under(&f.v.here, address);
        match self.href {
            SECRETARIAT if self.module.is_some() => is_here(&self.link()),
            SECRETARIAT => {
                let is_own = |module: &&'static Module| is_here(&of_module(module).link());
                !is_here(MAYOR) && !f.modules.iter().any(is_own)
            }
            other => is_here(other),
        }
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
    ];
    all.extend(secretariat(f));
    all.push(("rail-system", vec![entry("/console/morning", "morning", "nav-morning")]));
    if let Some((_, system)) = all.last_mut() {
        if f.sink {
            system.push(entry("/console/outbox", "outbox", "nav-outbox").who(Permission::SeeDeliveries));
        }
        system.push(entry("/console/admin", "admin", "nav-admin"));
    }
    let groups = all.into_iter().map(|(word, entries)| {
        let entries = seen(f, entries);
        let open = entries.iter().any(|entry| entry.is_current(f));
        Group { word, entries, open }
    });
    groups.filter(|group| !group.entries.is_empty()).collect()
}

/// On the pages of the secretariat also the modules in which whoever reads works: a few beside the panel, many by what they are about.
fn secretariat(f: &Frame) -> Vec<(&'static str, Vec<Entry>)> {
    let mut panel = vec![entry(SECRETARIAT, "secretariat", "nav-secretariat").who(Permission::SeeSecretariat)];
    if !is_under(&f.v.here, SECRETARIAT) {
        return vec![("rail-secretariat", panel)];
    }
    panel.push(entry(MAYOR, "", "nav-mayor").who(Permission::SeeSecretariat));
    if f.modules.len() <= TOGETHER {
        panel.extend(f.modules.iter().copied().map(of_module));
        return vec![("rail-secretariat", panel)];
    }
    let mut all = vec![("rail-secretariat", panel)];
    for area in Area::ALL {
        let own = f.modules.iter().copied().filter(|module| module.area() == *area).map(of_module).collect();
        all.push((area.word(), own));
    }
    all
}

fn seen(f: &Frame, entries: Vec<Entry>) -> Vec<Entry> {
    entries.into_iter().filter(|entry| f.v.may(entry.may)).collect()
}
