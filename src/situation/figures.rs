//! The figures of a report. Pure: what was counted comes in.

use serde::{Deserialize, Serialize};

use crate::plancon::tasks::Progress;
use crate::units::{Level, vocabulary};

vocabulary! {
    /// What a figure counts.
    Key, "figure" {
        AreasMaximum = "areas_maximum",
        AreasAlert = "areas_alert",
        AreasAttention = "areas_attention",
        AreasObservation = "areas_observation",
        AreasUnknown = "areas_unknown",
        AlertsInForce = "alerts_in_force",
        /// Messages that the reader's telephone or mail server has.
        MessagesDelivered = "messages_delivered",
        /// Handed to a provider, and nobody knows more.
        MessagesSent = "messages_sent",
        MessagesWaiting = "messages_waiting",
        MessagesFailed = "messages_failed",
        TasksTotal = "tasks_total",
        TasksDone = "tasks_done",
        TasksNotNeeded = "tasks_not_needed",
        TasksOpen = "tasks_open",
        TasksLate = "tasks_late",
        OccurrencesTotal = "occurrences_total",
        OccurrencesOpen = "occurrences_open",
        SheltersOpen = "shelters_open",
        /// Persons in shelters (desabrigados).
        PersonsSheltered = "persons_sheltered",
        /// Persons who left their homes and stay elsewhere by own means (desalojados).
        PersonsElsewhere = "persons_elsewhere",
        Photographs = "photographs",
    }
}

vocabulary! {
    /// Where a figure comes from.
    Source, "source of a figure" {
        /// The levels of the town's areas.
        Levels = "levels",
        /// The alerts of the incident.
        Alerts = "alerts",
        /// The deliveries of these alerts.
        Deliveries = "deliveries",
        /// The tasks of its plans.
        Tasks = "tasks",
        /// What people reported and belongs to it.
        Occurrences = "occurrences",
        /// The shelters that were opened for it, and the register of who left their homes.
        Shelters = "shelters",
        Photographs = "photographs",
    }
}

impl Key {
    pub const fn source(self) -> Source {
        match self {
            Self::AreasMaximum
            | Self::AreasAlert
            | Self::AreasAttention
            | Self::AreasObservation
            | Self::AreasUnknown => Source::Levels,
            Self::AlertsInForce => Source::Alerts,
            Self::MessagesDelivered | Self::MessagesSent | Self::MessagesWaiting | Self::MessagesFailed => {
                Source::Deliveries
            }
            Self::TasksTotal | Self::TasksDone | Self::TasksNotNeeded | Self::TasksOpen | Self::TasksLate => {
                Source::Tasks
            }
            Self::OccurrencesTotal | Self::OccurrencesOpen => Source::Occurrences,
            Self::SheltersOpen | Self::PersonsSheltered | Self::PersonsElsewhere => Source::Shelters,
            Self::Photographs => Source::Photographs,
        }
    }
}

/// A number with what it was in the report before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SituationFigure)]
pub struct Figure {
    #[schema(value_type = String)]
    pub key: Key,
    pub value: i64,
    /// None: there was no report before, or it did not count this.
    pub before: Option<i64>,
    /// Where it comes from.
    #[schema(value_type = String)]
    pub source: Source,
}

impl Figure {
    pub fn change(&self) -> Option<i64> {
        self.before.map(|before| self.value - before)
    }

    /// "+3", "−2", "0"; empty when there is nothing to compare with.
    pub fn change_words(&self) -> String {
        match self.change() {
            None => String::new(),
            Some(change) if change > 0 => format!("+{change}"),
            Some(change) if change < 0 => format!("−{}", change.unsigned_abs()),
            Some(_) => "0".to_owned(),
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub levels: Vec<(Level, i64)>,
    pub alerts_in_force: i64,
    pub delivered: i64,
    pub sent: i64,
    pub waiting: i64,
    pub failed: i64,
    pub tasks: Progress,
    pub occurrences: i64,
    pub occurrences_open: i64,
    pub shelters_open: i64,
    pub sheltered: i64,
    pub elsewhere: i64,
    pub photographs: i64,
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn value(counts: &Counts, key: Key) -> i64 {
    let at = |level: Level| counts.levels.iter().find(|(other, _)| *other == level).map_or(0, |(_, areas)| *areas);
    match key {
        Key::AreasMaximum => at(Level::Maximum),
        Key::AreasAlert => at(Level::Alert),
        Key::AreasAttention => at(Level::Attention),
        Key::AreasObservation => at(Level::Observation),
        Key::AreasUnknown => at(Level::Unknown),
        Key::AlertsInForce => counts.alerts_in_force,
        Key::MessagesDelivered => counts.delivered,
        Key::MessagesSent => counts.sent,
        Key::MessagesWaiting => counts.waiting,
        Key::MessagesFailed => counts.failed,
        Key::TasksTotal => whole(counts.tasks.total),
        Key::TasksDone => whole(counts.tasks.done),
        Key::TasksNotNeeded => whole(counts.tasks.not_needed),
        Key::TasksOpen => whole(counts.tasks.todo + counts.tasks.taken),
        Key::TasksLate => whole(counts.tasks.late),
        Key::OccurrencesTotal => counts.occurrences,
        Key::OccurrencesOpen => counts.occurrences_open,
        Key::SheltersOpen => counts.shelters_open,
        Key::PersonsSheltered => counts.sheltered,
        Key::PersonsElsewhere => counts.elsewhere,
        Key::Photographs => counts.photographs,
    }
}

/// Every figure, with what it was in the report before.
pub fn figures(counts: &Counts, before: Option<&[Figure]>) -> Vec<Figure> {
    let was = |key: Key| before.and_then(|all| all.iter().find(|one| one.key == key)).map(|one| one.value);
    let of = |key: &Key| Figure { key: *key, value: value(counts, *key), before: was(*key), source: key.source() };
    Key::ALL.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_what_changed_since_the_report_before() {
        let first = figures(&Counts { delivered: 100, ..Counts::default() }, None);
        assert!(first.iter().all(|one| one.change_words().is_empty()), "there was none before");
        let counts = Counts { delivered: 250, levels: vec![(Level::Maximum, 2)], ..Counts::default() };
        let second = figures(&counts, Some(&first));
        let told = |key: Key| second.iter().find(|one| one.key == key).unwrap().change_words();
        assert_eq!(
            (told(Key::MessagesDelivered), told(Key::AreasMaximum), told(Key::TasksLate)),
            ("+150".into(), "+2".into(), "0".into())
        );
        let third = figures(&Counts { delivered: 240, ..counts }, Some(&second));
        assert_eq!(third.iter().find(|one| one.key == Key::MessagesDelivered).unwrap().change_words(), "−10");
    }

    #[test]
    fn the_tasks_of_a_report_add_up() {
        let tasks = Progress { total: 9, todo: 2, taken: 1, done: 5, not_needed: 1, late: 2, waiting: 1 };
        let all = figures(&Counts { tasks, ..Counts::default() }, None);
        let of = |key: Key| all.iter().find(|one| one.key == key).unwrap().value;
        assert_eq!(of(Key::TasksDone) + of(Key::TasksNotNeeded) + of(Key::TasksOpen), of(Key::TasksTotal));
    }
}
