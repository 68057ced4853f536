//! The machine under random commands and clocks. What an installation keeps is in [`town`]; what must hold is written down apart from it.

mod town;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::town::{Command, Left, Town, command};
use super::*;
use crate::alerts::approval::Needs;
use crate::alerts::store::RULE;
use crate::ids::StaffId;
use crate::units::Level;

/// The moves of an alert that anybody may ever see between two commits.
const MOVES: &[(&str, &str)] = &[
    ("draft", "submitted"),
    ("submitted", "draft"),
    ("draft", "discarded"),
    ("submitted", "discarded"),
    ("draft", "issued"),
    ("submitted", "issued"),
    // An end is over when it is said.
    ("draft", "cleared"),
    ("submitted", "cleared"),
    ("draft", "cancelled"),
    ("submitted", "cancelled"),
    ("issued", "superseded"),
    ("issued", "cleared"),
    ("issued", "cancelled"),
    ("issued", "expired"),
    ("expired", "superseded"),
    ("expired", "cleared"),
];

fn check_moves(before: &Town, after: &Town) -> Result<(), TestCaseError> {
    for (old, new) in before.rows.iter().zip(&after.rows) {
        let (from, to) = (old.state.as_str(), new.state.as_str());
        prop_assert!(from == to || MOVES.contains(&(from, to)), "{from} became {to}");
        prop_assert_eq!(&old.status, &new.status, "a status changed");
        prop_assert_eq!(&old.kind, &new.kind);
        prop_assert_eq!(&old.references_alert_id, &new.references_alert_id);
        if old.number.is_some() {
            let said =
                |row: &AlertRow| (row.number.clone(), row.headline.clone(), row.instruction.clone(), row.revision);
            prop_assert_eq!(said(old), said(new), "an issued alert was rewritten");
        }
    }
    Ok(())
}

fn check_persons(left: &Left) -> Result<(), TestCaseError> {
    let different: BTreeSet<&StaffId> = left.stood.iter().collect();
    match left.needs {
        Needs::Automatic => {
            let row = &left.row;
            prop_assert!(
                row.created_by == RULE && !row.edited && row.kind == "alert",
                "left without a person: {row:?}"
            );
        }
        Needs::One => prop_assert!(!different.is_empty(), "nobody stood behind it"),
        Needs::Two => {
            prop_assert!(different.len() >= 2, "one person alone: {left:?}");
            prop_assert!(left.stood.last() != left.author.as_ref(), "the author completed it");
        }
    }
    Ok(())
}

fn check(town: &Town) -> Result<(), TestCaseError> {
    let mut numbers = BTreeSet::new();
    for (at, row) in town.rows.iter().enumerate() {
        let has_left = !matches!(row.state.as_str(), "draft" | "submitted" | "discarded");
        prop_assert!(row.state != "approved", "approved and not issued");
        prop_assert_eq!(has_left, row.number.is_some(), "{} with number {:?}", row.state, row.number);
        let Some(number) = &row.number else { continue };
        prop_assert!(numbers.insert(number.clone()), "number {number} twice");
        let left = &town.left[&at];
        for text in [&row.headline, &row.description, &row.instruction, &row.sms_text] {
            prop_assert!(!text.trim().is_empty(), "it left without a text");
        }
        prop_assert!(row.expires_at > left.at, "it left when it was over");
        prop_assert!(row.approved_by.as_ref().is_some_and(|by| !by.is_empty()), "nobody issued it");
        check_persons(left)?;
        prop_assert!(left.needs != Needs::Automatic || !town.in_hand.contains(&at), "it left out of a person's hands");
        let Some(answers) = row.references_alert_id else {
            prop_assert_eq!(row.kind.as_str(), "alert", "it answers nothing");
            continue;
        };
        prop_assert!(row.kind != "alert", "a first alert answers something");
        let other = town.rows.iter().find(|other| other.id == answers).unwrap();
        prop_assert!(other.issued_at.is_some_and(|at| at <= left.at), "it answers what had not left");
        prop_assert_eq!(&other.status, &row.status, "an exercise and the real thing met");
        let ended = match row.kind.as_str() {
            "update" => "superseded",
            "all_clear" => "cleared",
            _ => "cancelled",
        };
        prop_assert_eq!(other.state.as_str(), ended, "answered by {}", &row.kind);
    }
    // An alert is answered once.
    let answered: Vec<_> =
        town.rows.iter().filter(|row| row.number.is_some()).filter_map(|row| row.references_alert_id).collect();
    let once: BTreeSet<_> = answered.iter().collect();
    prop_assert_eq!(once.len(), answered.len(), "an alert was answered twice");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    /// Whatever is commanded in whatever order: no illegal move, no update without what it updates, no alert without its fields,
    /// no exercise turned real, nobody alone where two are wanted.
    #[test]
    fn no_order_of_commands_breaks_the_life_of_an_alert(commands in proptest::collection::vec(command(), 1..80)) {
        let mut town = Town::new();
        for command in &commands {
            let before = town.clone();
            town.run(command);
            check_moves(&before, &town)?;
            check(&town)?;
        }
        town.run(&Command::Restart);
    }
}

/// The property would hold of a machine that refuses everything: this one comes everywhere.
#[test]
fn random_commands_reach_every_state_and_every_way_to_leave() {
    let mut runner = TestRunner::deterministic();
    let lists = proptest::collection::vec(command(), 60..80);
    let (mut states, mut ways, mut answers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..200 {
        let mut town = Town::new();
        for command in lists.new_tree(&mut runner).unwrap().current() {
            town.run(&command);
            states.extend(town.rows.iter().map(|row| row.state.clone()));
        }
        ways.extend(town.left.values().map(|left| left.needs.as_str()));
        answers.extend(town.left.values().map(|left| left.row.kind.clone()));
    }
    let all =
        AlertState::ALL.iter().filter(|state| **state != AlertState::Approved).map(|state| state.as_str().to_owned());
    assert_eq!(states, all.collect());
    assert_eq!(ways, BTreeSet::from(["automatic", "one", "two"]));
    assert_eq!(answers.len(), 4);
}

#[test]
fn an_exercise_cannot_answer_the_real_thing() {
    let mut town = Town::new();
    town.draft(AlertKind::Alert, AlertStatus::Actual, Level::Alert, Some(1), None);
    town.approve(0, 2, false).unwrap();
    let real = town.rows[0].id;
    town.draft(AlertKind::Cancel, AlertStatus::Exercise, Level::Alert, Some(1), Some(real));
    let refused = town.approve(1, 2, false).unwrap_err().to_string();
    assert!(refused.contains("exercise") && refused.contains("actual"), "{refused}");
}

#[test]
fn a_message_that_nobody_stands_for_lacks_its_issuer() {
    let mut town = Town::new();
    town.draft(AlertKind::Alert, AlertStatus::Actual, Level::Alert, Some(1), None);
    let (row, now) = (town.rows[0].clone(), town.now);
    assert_eq!(missing(&row, now, "ana"), []);
    assert_eq!(missing(&row, now, ""), [Lack::Issuer]);
    let blank = AlertRow { instruction: " ".into(), expires_at: now, ..row };
    assert_eq!(missing(&blank, now, ""), [Lack::Text("instruction"), Lack::Expiry(now), Lack::Issuer]);
}
