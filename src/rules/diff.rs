//! What changed from one version of a rule to another: first what it means, then the lines of the text. Pure.

use serde::Serialize;

use super::outline::{Leaf, Outline, Pair, Stations};

/// What a condition is compared with: everything else of it says which condition it is.
const THRESHOLDS: [&str; 6] = ["at_least", "at_most", "clear_below", "clear_above", "above", "below"];

/// Lines of either text beyond which no text is compared line by line.
const MOST_LINES: usize = 3000;

/// One thing that is different, as pages and the API tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RuleChange)]
pub struct Change {
    /// What it is about: "rule", "stations", "level", "condition".
    pub about: About,
    /// The level, or the name of the stations; empty for the rule itself.
    pub of: String,
    /// The condition it belongs to, as keys and values; empty where it is about none.
    pub condition: Vec<Vec<String>>,
    /// The groups that condition stands in, outermost first: "any", "all 2"; empty where it is about none.
    pub group: Vec<String>,
    /// The key that changed; empty where the whole came or went.
    pub key: String,
    /// Before; none where it is new.
    pub from: Option<String>,
    /// After; none where it is gone.
    pub to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Rule,
    Stations,
    Level,
    Condition,
}

/// What is different, in the order of the newer text.
pub fn changes(old: &Outline, new: &Outline) -> Vec<Change> {
    let mut found = Vec::new();
    let whole = [
        ("title", &old.title, &new.title),
        ("hazard", &old.hazard, &new.hazard),
        ("grades", &old.grades.join(", "), &new.grades.join(", ")),
    ];
    for (key, from, to) in whole.into_iter().filter(|(_, from, to)| from != to) {
        found.push(change(About::Rule, "", key, filled(from), filled(to)));
    }
    keyed(About::Rule, "", &old.rest, &new.rest, &mut found);
    stations(&old.stations, &new.stations, &mut found);
    for level in &new.levels {
        match old.levels.iter().find(|before| before.level == level.level) {
            Some(before) => {
                keyed(About::Level, &level.level, &before.keys, &level.keys, &mut found);
                conditions(&level.level, &before.conditions, &level.conditions, &mut found);
            }
            None => {
                found.push(change(About::Level, &level.level, "", None, Some(level.level.clone())));
                conditions(&level.level, &[], &level.conditions, &mut found);
            }
        }
    }
    for gone in old.levels.iter().filter(|level| !new.levels.iter().any(|after| after.level == level.level)) {
        found.push(change(About::Level, &gone.level, "", Some(gone.level.clone()), None));
    }
    found
}

fn change(about: About, of: &str, key: &str, from: Option<String>, to: Option<String>) -> Change {
    Change { about, of: of.to_owned(), condition: Vec::new(), group: Vec::new(), key: key.to_owned(), from, to }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn keyed(about: About, of: &str, old: &[Pair], new: &[Pair], found: &mut Vec<Change>) {
    let value = |pairs: &[Pair], key: &str| pairs.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone());
    for (key, to) in new {
        let from = value(old, key);
        if from.as_ref() != Some(to) {
            found.push(change(about, of, key, from, Some(to.clone())));
        }
    }
    for (key, from) in old.iter().filter(|(key, _)| value(new, key).is_none()) {
        found.push(change(about, of, key, Some(from.clone()), None));
    }
}

fn stations(old: &[Stations], new: &[Stations], found: &mut Vec<Change>) {
    for after in new {
        match old.iter().find(|before| before.name == after.name) {
            Some(before) => keyed(About::Stations, &after.name, &before.keys, &after.keys, found),
            None => found.push(change(About::Stations, &after.name, "", None, Some(joined(&after.keys)))),
        }
    }
    for before in old.iter().filter(|before| !new.iter().any(|after| after.name == before.name)) {
        found.push(change(About::Stations, &before.name, "", Some(joined(&before.keys)), None));
    }
}

fn joined(pairs: &[Pair]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

/// Pairs the conditions that ask the same, and tells what is left of each side.
fn conditions(level: &str, old: &[Leaf], new: &[Leaf], found: &mut Vec<Change>) {
    let mut left: Vec<&Leaf> = old.iter().collect();
    for after in new {
        let same = left.iter().position(|before| asks(before) == asks(after));
        let before = same.map(|at| left.remove(at));
        let told = |change: Change| Change { condition: keys_of(after), group: after.group.clone(), ..change };
        match before {
            None => found.push(told(change(About::Condition, level, "", None, Some(joined(&after.keys))))),
            Some(before) => {
                let mut own = Vec::new();
                keyed(About::Condition, level, &before.keys, &after.keys, &mut own);
                found.extend(own.into_iter().map(told));
            }
        }
    }
    for before in left {
        let gone = change(About::Condition, level, "", Some(joined(&before.keys)), None);
        found.push(Change { condition: keys_of(before), group: before.group.clone(), ..gone });
    }
}

/// What a condition asks, whatever the threshold.
fn asks(leaf: &Leaf) -> (&[String], Vec<&Pair>) {
    (&leaf.group, leaf.keys.iter().filter(|(key, _)| !THRESHOLDS.contains(&key.as_str())).collect())
}

fn keys_of(leaf: &Leaf) -> Vec<Vec<String>> {
    leaf.keys.iter().map(|(key, value)| vec![key.clone(), value.clone()]).collect()
}

/// One line of the comparison of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The lines of both texts, by their longest common subsequence. Texts too long for that count as wholly exchanged.
pub fn lines<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let ends = a.iter().skip(start).rev().zip(b.iter().skip(start).rev()).take_while(|(a, b)| a == b).count();
    let middle = |all: &[&'a str]| all.get(start..all.len() - ends).unwrap_or_default().to_vec();
    let (gone, new) = (middle(&a), middle(&b));
    let mut found: Vec<Line<'a>> = a.iter().take(start).map(|line| Line::Same(line)).collect();
    if gone.len() > MOST_LINES || new.len() > MOST_LINES {
        found.extend(gone.into_iter().map(Line::Gone));
        found.extend(new.into_iter().map(Line::New));
    } else {
        between(&gone, &new, &mut found);
    }
    found.extend(a.iter().skip(a.len() - ends).map(|line| Line::Same(line)));
    found
}

fn between<'a>(a: &[&'a str], b: &[&'a str], found: &mut Vec<Line<'a>>) {
    // longest[i][j]: how much the rests from i and j have in common.
    let width = b.len() + 1;
    let mut longest = vec![0_u16; (a.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for (i, left) in a.iter().enumerate().rev() {
        for (j, right) in b.iter().enumerate().rev() {
            let best = if left == right {
                longest.get(at(i + 1, j + 1)).copied().unwrap_or(0) + 1
            } else {
                longest.get(at(i + 1, j)).copied().max(longest.get(at(i, j + 1)).copied()).unwrap_or(0)
            };
            if let Some(slot) = longest.get_mut(at(i, j)) {
                *slot = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        if left == right {
            found.push(Line::Same(left));
            (i, j) = (i + 1, j + 1);
        } else if longest.get(at(i + 1, j)) >= longest.get(at(i, j + 1)) {
            found.push(Line::Gone(left));
            i += 1;
        } else {
            found.push(Line::New(right));
            j += 1;
        }
    }
    found.extend(a.iter().skip(i).map(|line| Line::Gone(line)));
    found.extend(b.iter().skip(j).map(|line| Line::New(line)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = r#"
id = "slope"
version = 1
title = "Chuva"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
any = [{ stations = "gauges", sum = "15min", at_least = "15 mm" }]
[[levels]]
level = "alert"
clear_after_min = 60
any = [
  { stations = "gauges", sum = "1h", at_least = "40 mm", clear_below = "20 mm" },
  { stations = "gauges", sum = "24h", at_least = "100 mm" },
]
"#;

    type Told = (About, String, String, Option<String>, Option<String>);

    fn told(new: &str) -> Vec<Told> {
        let changes = changes(&Outline::read(OLD).unwrap(), &Outline::read(new).unwrap());
        changes.into_iter().map(|c| (c.about, c.of, c.key, c.from, c.to)).collect()
    }

    #[test]
    fn a_threshold_that_moved_is_one_change_of_its_condition() {
        let new = OLD.replace("40 mm", "35 mm");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(&new), [(About::Condition, "alert".into(), "at_least".into(), some("40 mm"), some("35 mm"))]);
        let changes = changes(&Outline::read(OLD).unwrap(), &Outline::read(&new).unwrap());
        assert!(changes[0].condition.contains(&vec!["sum".into(), "1h".into()]));
    }

    #[test]
    fn what_came_and_what_went_is_told_with_waiting_times_and_stations() {
        let new =
            OLD.replace("clear_after_min = 60", "clear_after_min = 90").replace("within_km = 3.0", "within_km = 5.0");
        let new = new.replace("sum = \"24h\"", "sum = \"48h\"");
        let keys: Vec<_> = told(&new)
            .into_iter()
            .map(|(about, of, key, from, to)| (about, of, key, from.is_some(), to.is_some()))
            .collect();
        assert_eq!(
            keys,
            [
                (About::Stations, "gauges".into(), "within_km".into(), true, true),
                (About::Level, "alert".into(), "clear_after_min".into(), true, true),
                (About::Condition, "alert".into(), String::new(), false, true),
                (About::Condition, "alert".into(), String::new(), true, false),
            ]
        );
        assert_eq!(told(&OLD.replace("level = \"attention\"", "level = \"observation\"")).len(), 3);
        assert_eq!(told(OLD), []);
    }

    #[test]
    fn a_condition_that_is_joined_otherwise_says_in_which_groups_it_stood_and_stands() {
        let of = |new: &str| -> Vec<Vec<String>> {
            let changes = changes(&Outline::read(OLD).unwrap(), &Outline::read(new).unwrap());
            changes.into_iter().map(|change| change.group).collect()
        };
        assert_eq!(of(&OLD.replacen("any = [{", "all = [{", 1)), [["all"], ["any"]]);
        let not = OLD.replacen(
            "any = [{ stations = \"gauges\", sum = \"15min\", at_least = \"15 mm\" }]",
            "any = [{ not = { stations = \"gauges\", sum = \"15min\", at_least = \"15 mm\" } }]",
            1,
        );
        assert_eq!(of(&not), [vec!["any".to_owned(), "not 1".to_owned()], vec!["any".to_owned()]]);
    }

    proptest! {
        /// Both texts can be read off the comparison.
        #[test]
        fn the_lines_of_both_texts_are_all_there(
            old in proptest::collection::vec("[ab]{0,2}", 0..12),
            new in proptest::collection::vec("[ab]{0,2}", 0..12),
        ) {
            let (old, new) = (old.join("\n"), new.join("\n"));
            let found = lines(&old, &new);
            let read = |gone: bool| -> Vec<&str> {
                found.iter().filter_map(|line| match line {
                    Line::Same(line) => Some(*line),
                    Line::Gone(line) => gone.then_some(*line),
                    Line::New(line) => (!gone).then_some(*line),
                }).collect()
            };
            prop_assert_eq!(read(true), old.lines().collect::<Vec<_>>());
            prop_assert_eq!(read(false), new.lines().collect::<Vec<_>>());
        }
    }
}
