//! What a plan must hold to. Pure: what the town has (areas, rotas) comes in.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Action, MeetingPoint, Plan, Scenario};
use crate::accounts::Role;
use crate::cobrade::Cobrade;
use crate::exercises::plan::text;
use crate::refused::{FieldError, shorten};
use crate::units::Level;

const MOST_SCENARIOS: usize = 50;
const MOST_ACTIONS: usize = 200;
const MOST_LINES: usize = 30;
const MOST_PLACES: usize = 300;
/// A week.
const LATEST_MIN: u32 = 10_080;

/// What of the town a plan may name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub areas: BTreeSet<String>,
    pub rotas: BTreeSet<String>,
}

fn wrong(field: impl Into<String>, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: shorten(value), message: message.into() }
}

fn is_code(code: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    code.len() <= 40 && code.bytes().next().is_some_and(good) && code.bytes().all(|byte| good(byte) || byte == b'-')
}

fn bounded(problems: &mut Vec<FieldError>, field: &str, count: usize, most: usize) {
    if count > most {
        problems.push(wrong(field, &count.to_string(), format!("expected at most {most}")));
    }
}

/// Codes of the right shape, each once.
fn codes<'a>(problems: &mut Vec<FieldError>, field: &str, all: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for (at, code) in all.enumerate() {
        if !is_code(code) {
            let expected = "expected 1 to 40 small letters, digits and `-`, beginning with a letter or digit";
            problems.push(wrong(format!("{field}[{at}].code"), code, expected));
        } else if !seen.insert(code) {
            problems.push(wrong(format!("{field}[{at}].code"), code, "expected a code that no other has"));
        }
    }
}

/// Everything that is wrong with a plan.
pub fn problems(plan: &Plan, known: &Known) -> Vec<FieldError> {
    let mut found = Vec::new();
    text(&mut found, "title", &plan.title, 1, 160, true);
    text(&mut found, "summary", &plan.summary, 0, 8000, false);
    bounded(&mut found, "scenarios", plan.scenarios.len(), MOST_SCENARIOS);
    bounded(&mut found, "contacts", plan.contacts.len(), MOST_PLACES);
    bounded(&mut found, "meeting_points", plan.meeting_points.len(), MOST_PLACES);
    bounded(&mut found, "routes", plan.routes.len(), MOST_PLACES);
    codes(&mut found, "scenarios", plan.scenarios.iter().map(|one| one.code.as_str()));
    codes(&mut found, "meeting_points", plan.meeting_points.iter().map(|one| one.code.as_str()));
    for (at, one) in plan.scenarios.iter().enumerate() {
        scenario(&mut found, &format!("scenarios[{at}]"), one, known);
    }
    for (at, one) in plan.contacts.iter().enumerate() {
        let field = |name: &str| format!("contacts[{at}].{name}");
        text(&mut found, &field("name"), &one.name, 1, 160, true);
        text(&mut found, &field("function"), &one.function, 0, 300, true);
        text(&mut found, &field("phone"), &one.phone, 0, 60, true);
        text(&mut found, &field("email"), &one.email, 0, 254, true);
        text(&mut found, &field("note"), &one.note, 0, 1000, false);
    }
    for (at, one) in plan.meeting_points.iter().enumerate() {
        meeting_point(&mut found, &format!("meeting_points[{at}]"), one, known);
    }
    for (at, one) in plan.routes.iter().enumerate() {
        text(&mut found, &format!("routes[{at}].name"), &one.name, 1, 160, true);
        text(&mut found, &format!("routes[{at}].description"), &one.description, 1, 4000, false);
        if !plan.meeting_points.iter().any(|point| point.code == one.to) {
            found.push(wrong(format!("routes[{at}].to"), &one.to, "expected the code of a meeting point of this plan"));
        }
    }
    found
}

fn areas(found: &mut Vec<FieldError>, field: &str, named: &[String], known: &Known) {
    for (at, code) in named.iter().enumerate().filter(|(_, code)| !known.areas.contains(*code)) {
        found.push(wrong(format!("{field}.areas[{at}]"), code, "expected the code of a risk area in force"));
    }
}

fn meeting_point(found: &mut Vec<FieldError>, field: &str, one: &MeetingPoint, known: &Known) {
    text(found, &format!("{field}.name"), &one.name, 1, 160, true);
    text(found, &format!("{field}.address"), &one.address, 0, 300, true);
    if !(-90.0..=90.0).contains(&one.lat) {
        found.push(wrong(format!("{field}.lat"), &one.lat.to_string(), "expected degrees between -90 and 90"));
    }
    if !(-180.0..=180.0).contains(&one.lon) {
        found.push(wrong(format!("{field}.lon"), &one.lon.to_string(), "expected degrees between -180 and 180"));
    }
    areas(found, field, &one.areas, known);
}

fn is_danger(level: Level) -> bool {
    level > Level::Normal
}

const LEVELS: &str = "expected observation, attention, alert or maximum";

fn scenario(found: &mut Vec<FieldError>, field: &str, one: &Scenario, known: &Known) {
    text(found, &format!("{field}.title"), &one.title, 1, 160, true);
    text(found, &format!("{field}.hypothesis"), &one.hypothesis, 0, 8000, false);
    if one.hazards.is_empty() {
        found.push(wrong(format!("{field}.hazards"), "", "expected at least one code of COBRADE"));
    }
    for (at, code) in one.hazards.iter().enumerate() {
        if let Err(error) = code.parse::<Cobrade>() {
            found.push(wrong(format!("{field}.hazards[{at}]"), code, error.to_string()));
        }
    }
    areas(found, field, &one.areas, known);
    if let Some(level) = one.trigger.filter(|level| !is_danger(*level)) {
        found.push(wrong(format!("{field}.trigger"), level.as_str(), LEVELS));
    }
    bounded(found, &format!("{field}.actions"), one.actions.len(), MOST_ACTIONS);
    codes(found, &format!("{field}.actions"), one.actions.iter().map(|action| action.code.as_str()));
    for (at, action) in one.actions.iter().enumerate() {
        of_action(found, &format!("{field}.actions[{at}]"), action, one, known);
    }
    if let Some(names) = cycle(&one.actions) {
        let told = names.join(" → ");
        found.push(wrong(format!("{field}.actions"), &told, "expected an order: these wait for each other"));
    }
}

fn of_action(found: &mut Vec<FieldError>, field: &str, action: &Action, scenario: &Scenario, known: &Known) {
    text(found, &format!("{field}.title"), &action.title, 1, 200, true);
    if !is_danger(action.level) {
        found.push(wrong(format!("{field}.level"), action.level.as_str(), LEVELS));
    }
    if action.due_min > LATEST_MIN {
        let expected = format!("expected at most {LATEST_MIN} minutes");
        found.push(wrong(format!("{field}.due_min"), &action.due_min.to_string(), expected));
    }
    match (&action.role, &action.rota) {
        (Some(role), None) => {
            if role.parse::<Role>().is_err() {
                found.push(wrong(format!("{field}.role"), role, "expected a role of staff"));
            }
        }
        (None, Some(rota)) => {
            if !known.rotas.contains(rota) {
                found.push(wrong(format!("{field}.rota"), rota, "expected the code of a rota in use"));
            }
        }
        _ => found.push(wrong(format!("{field}.role"), "", "expected either a role or a rota")),
    }
    bounded(found, &format!("{field}.checklist"), action.checklist.len(), MOST_LINES);
    for (at, line) in action.checklist.iter().enumerate() {
        text(found, &format!("{field}.checklist[{at}]"), line, 1, 300, true);
    }
    bounded(found, &format!("{field}.after"), action.after.len(), MOST_LINES);
    for (at, code) in action.after.iter().enumerate() {
        match scenario.actions.iter().find(|other| other.code == *code) {
            None => {
                let expected = "expected the code of an action of this scenario";
                found.push(wrong(format!("{field}.after[{at}]"), code, expected));
            }
            // What begins later would hold up what begins first.
            Some(other) if other.level > action.level => {
                let expected = format!("expected an action that begins at {} or below", action.level);
                found.push(wrong(format!("{field}.after[{at}]"), code, expected));
            }
            Some(_) => {}
        }
    }
}

/// Codes of actions that wait for each other, in the order in which they do and the first once more at the end; none: there is an order.
pub fn cycle(actions: &[Action]) -> Option<Vec<String>> {
    let mut waits: BTreeMap<&str, BTreeSet<&str>> = actions
        .iter()
        .map(|action| (action.code.as_str(), action.after.iter().map(String::as_str).collect()))
        .collect();
    loop {
        let ready = waits.iter().find(|(_, after)| after.iter().all(|code| !waits.contains_key(code)));
        let Some(code) = ready.map(|(code, _)| *code) else { break };
        waits.remove(code);
    }
    // Whoever is left waits for somebody who is left.
    let mut at = *waits.keys().next()?;
    let mut seen: Vec<&str> = Vec::new();
    while !seen.contains(&at) {
        seen.push(at);
        at = waits.get(at)?.iter().find(|code| waits.contains_key(**code))?;
    }
    let begin = seen.iter().position(|code| *code == at)?;
    Some(seen[begin..].iter().chain([&at]).map(|code| (*code).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plancon::file::read;

    fn example() -> Plan {
        read(include_str!("../../config/plancon/example.toml")).unwrap()
    }

    fn action(code: usize, after: &[usize]) -> Action {
        Action {
            code: format!("a{code}"),
            title: "x".into(),
            level: Level::Alert,
            role: Some("operator".into()),
            rota: None,
            due_min: 10,
            after: after.iter().map(|code| format!("a{code}")).collect(),
            checklist: Vec::new(),
        }
    }

    #[test]
    fn the_example_has_nothing_wrong() {
        assert_eq!(problems(&example(), &Known::default()), []);
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place() {
        let mut plan = example();
        plan.title = String::new();
        plan.scenarios[0].hazards = vec!["9.9".into()];
        plan.scenarios[0].areas = vec!["lua".into()];
        plan.scenarios[0].actions[0].rota = Some("ninguem".into());
        plan.scenarios[0].actions[1].after = vec!["nada".into()];
        plan.meeting_points[0].lat = 91.0;
        plan.routes[0].to = "nada".into();
        let found: Vec<String> = problems(&plan, &Known::default()).into_iter().map(|one| one.field).collect();
        let wanted = [
            "title",
            "scenarios[0].hazards[0]",
            "scenarios[0].areas[0]",
            "scenarios[0].actions[0].role",
            "scenarios[0].actions[1].after[0]",
            "meeting_points[0].lat",
            "routes[0].to",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_action_waits_for_none_that_begins_later() {
        let mut plan = example();
        let mut late = action(1, &[]);
        late.level = Level::Maximum;
        plan.scenarios[0].actions = vec![action(0, &[1]), late];
        assert_eq!(problems(&plan, &Known::default())[0].field, "scenarios[0].actions[0].after[0]");
    }

    #[test]
    fn those_that_wait_for_each_other_are_named() {
        assert_eq!(cycle(&[action(0, &[2]), action(1, &[0]), action(2, &[1]), action(3, &[0])]).unwrap().len(), 4);
        assert_eq!(cycle(&[action(0, &[0])]).unwrap(), ["a0", "a0"]);
        assert_eq!(cycle(&[action(0, &[]), action(1, &[0]), action(2, &[0, 1])]), None);
    }

    proptest! {
        /// Edges that all point to smaller numbers have no cycle; one edge back along a path of them makes one, which is named.
        #[test]
        fn a_cycle_is_found_exactly_where_there_is_one(
            edges in proptest::collection::vec((0..12usize, 0..12usize), 0..40), back in any::<bool>()
        ) {
            let mut after = vec![Vec::new(); 12];
            for (a, b) in &edges {
                if a != b { after[*a.max(b)].push(*a.min(b)); }
            }
            let path = edges.iter().find(|(a, b)| a != b).map(|(a, b)| (*a.max(b), *a.min(b)));
            let is_cyclic = back && path.is_some();
            if let (true, Some((from, to))) = (back, path) { after[to].push(from); }
            let actions: Vec<Action> = after.iter().enumerate().map(|(code, after)| action(code, after)).collect();
            let found = cycle(&actions);
            prop_assert_eq!(found.is_some(), is_cyclic);
            for pair in found.unwrap_or_default().windows(2) {
                let one = actions.iter().find(|action| action.code == pair[0]).unwrap();
                prop_assert!(one.after.contains(&pair[1]));
            }
        }
    }
}
