//! The words that a draft begins with; a person edits them. Pure, and in Portuguese as the timeline is.

use crate::plancon::store::tasks::Task;
use crate::plancon::tasks::TaskWord;

use super::figures::Counts;
use crate::clock::Instant;
use crate::units::Level;

/// Tasks that a list names; the rest is a number.
const NAMED: usize = 20;

/// Situation and actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub situation: String,
    pub actions: String,
}

fn many(count: i64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Maximum => "alerta máximo",
        Level::Alert => "alerta",
        Level::Attention => "atenção",
        Level::Observation => "observação",
        Level::Normal => "normalidade",
        Level::Unknown => "situação desconhecida (sem dados)",
    }
}

fn list(head: &str, tasks: &[&Task]) -> String {
    if tasks.is_empty() {
        return String::new();
    }
    let mut lines: Vec<String> = tasks.iter().take(NAMED).map(|task| line(task)).collect();
    if tasks.len() > NAMED {
        lines.push(format!("- e mais {}", tasks.len() - NAMED));
    }
    format!("{head}:\n{}\n", lines.join("\n"))
}

fn line(task: &Task) -> String {
    let who = task.assignee_name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("- {}{who}", task.title)
}

/// What is known at `now`, for a report that tells of the time since `from`.
pub fn begin(counts: &Counts, alerts: &[String], tasks: &[Task], (from, now): (Instant, Instant)) -> Words {
    let mut situation = String::new();
    let in_danger = counts.levels.iter().filter(|(level, areas)| *areas > 0 && *level != Level::Normal);
    let parts: Vec<String> =
        in_danger.map(|(level, areas)| format!("{} em {}", many(*areas, "área", "áreas"), word(*level))).collect();
    if parts.is_empty() {
        situation.push_str("Todas as áreas em normalidade.\n");
    } else {
        situation.push_str(&format!("{}.\n", parts.join(", ")));
    }
    if alerts.is_empty() {
        situation.push_str("Nenhum aviso em vigor.\n");
    } else {
        situation.push_str(&format!("Avisos em vigor: {}.\n", alerts.join("; ")));
    }
    let done: Vec<&Task> = tasks
        .iter()
        .filter(|task| task.state == TaskWord::Done && task.closed_at.is_some_and(|at| at > from))
        .collect();
    let (late, open): (Vec<&Task>, Vec<&Task>) =
        tasks.iter().filter(|task| task.is_open()).partition(|task| task.is_late(now));
    let actions =
        [list("Concluídas neste período", &done), list("Atrasadas", &late), list("Em aberto", &open)].concat();
    Words { situation, actions }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_what_is_known_and_no_more() {
        let now = Instant::default();
        let calm = begin(&Counts::default(), &[], &[], (now, now));
        assert_eq!(calm.situation, "Todas as áreas em normalidade.\nNenhum aviso em vigor.\n");
        assert_eq!(calm.actions, "");
        let counts =
            Counts { levels: vec![(Level::Maximum, 1), (Level::Normal, 9), (Level::Unknown, 2)], ..Counts::default() };
        let told = begin(&counts, &["2026/001 Risco".into()], &[], (now, now));
        assert_eq!(
            told.situation,
            "1 área em alerta máximo, 2 áreas em situação desconhecida (sem dados).\nAvisos em vigor: 2026/001 Risco.\n"
        );
    }
}
