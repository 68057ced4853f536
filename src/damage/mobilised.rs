//! What the town set in motion in an incident, in the words of its DMATE. Pure.

use chrono_tz::Tz;

use crate::clock::Instant;
use crate::i18n::Lang;

/// Most names in one sentence; how many more there are is said.
const MOST_NAMED: usize = 40;
/// What stands where nothing was recorded.
const NOTHING: &str = "sem registro no sistema";

/// What is recorded of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mobilised {
    /// Scenario of each plan that was activated, and when.
    pub plans: Vec<(String, Instant)>,
    pub tasks_done: Vec<String>,
    pub tasks_open: Vec<String>,
    /// Teams that were at least under way, with the persons of each then.
    pub teams: Vec<(String, i64)>,
    /// Persons of them and persons sent by themselves, each once.
    pub persons: i64,
    /// Kinds of vehicles and equipment, with how many of each.
    pub things: Vec<(String, i64)>,
    /// Shelters that were opened, with the persons that fit.
    pub shelters: Vec<(String, i64)>,
    /// Kits that were given to families.
    pub kits: i64,
    pub volunteers: i64,
}

fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(MOST_NAMED);
    let named: Vec<String> = all.take(MOST_NAMED).collect();
    match (named.is_empty(), more) {
        (true, _) => NOTHING.to_owned(),
        (false, 0) => named.join("; "),
        (false, more) => format!("{}; e mais {more}", named.join("; ")),
    }
}

fn counted(many: i64, one: &str, several: &str) -> String {
    format!("{many} {}", if many == 1 { one } else { several })
}

impl Mobilised {
    pub fn plan(&self, tz: Tz) -> String {
        let one = |(scenario, at): &(String, Instant)| {
            format!("{scenario}, ativado em {}", at.with_timezone(&tz).format("%d/%m/%Y às %H:%M"))
        };
        listed(self.plans.iter().map(one))
    }

    pub fn done(&self) -> String {
        listed(self.tasks_done.iter().cloned())
    }

    pub fn under_way(&self) -> String {
        listed(self.tasks_open.iter().cloned())
    }

    pub fn humans(&self) -> String {
        let mut all: Vec<String> = Vec::new();
        if self.persons > 0 {
            all.push(format!("{} em campo", counted(self.persons, "pessoa", "pessoas")));
        }
        all.extend(
            self.teams.iter().map(|(name, persons)| format!("{name} ({})", counted(*persons, "pessoa", "pessoas"))),
        );
        if self.volunteers > 0 {
            all.push(counted(self.volunteers, "voluntário", "voluntários"));
        }
        listed(all.into_iter())
    }

    pub fn things(&self) -> String {
        let of = |kind: &str| Lang::Pt.t(&format!("resource-kind-{}", kind.replace('_', "-")));
        let mut all: Vec<String> = self.things.iter().map(|(kind, many)| format!("{} ({many})", of(kind))).collect();
        let fits = |(name, capacity): &(String, i64)| {
            format!("abrigo {name}, com capacidade para {}", counted(*capacity, "pessoa", "pessoas"))
        };
        all.extend(self.shelters.iter().map(fits));
        if self.kits > 0 {
            all.push(counted(
                self.kits,
                "kit de assistência humanitária entregue",
                "kits de assistência humanitária entregues",
            ));
        }
        listed(all.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_in_motion_is_told_and_nothing_is_not_passed_over() {
        let nothing = Mobilised::default();
        assert_eq!((nothing.humans().as_str(), nothing.things().as_str()), (NOTHING, NOTHING));
        let some = Mobilised {
            teams: vec![("Alfa".into(), 4), ("Bravo".into(), 1)],
            persons: 6,
            volunteers: 1,
            things: vec![("boat".into(), 2)],
            shelters: vec![("EM Norte".into(), 80)],
            kits: 12,
            ..Mobilised::default()
        };
        assert_eq!(some.humans(), "6 pessoas em campo; Alfa (4 pessoas); Bravo (1 pessoa); 1 voluntário");
        assert_eq!(
            some.things(),
            "Barco (2); abrigo EM Norte, com capacidade para 80 pessoas; 12 kits de assistência humanitária entregues"
        );
    }

    #[test]
    fn a_long_list_says_how_much_it_leaves_out() {
        let many = Mobilised { tasks_done: (0..43).map(|n| format!("tarefa {n}")).collect(), ..Mobilised::default() };
        assert!(many.done().ends_with("tarefa 39; e mais 3"), "{}", many.done());
    }
}
