use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const STATES: [State; 7] =
    [State::Draft, State::Checked, State::BackTested, State::Trial, State::Active, State::Retired, State::Withdrawn];

fn person(n: u8) -> StaffId {
    StaffId(Uuid::from_u128(u128::from(n)))
}

fn life(state: State) -> Life {
    let used = matches!(state, State::Trial | State::Active | State::Retired);
    Life { state, author: Some(person(1)), revision: 1, approvals: BTreeSet::new(), used }
}

fn asks() -> [Ask; 11] {
    [
        Ask::Edit,
        Ask::Check { errors: 0 },
        Ask::BackTest { revision: 1 },
        Ask::StartTrial,
        Ask::EndTrial,
        Ask::Approve,
        Ask::TakeBack,
        Ask::Return,
        Ask::Withdraw,
        Ask::Retire,
        Ask::Replace,
    ]
}

/// The whole machine, read aloud: every state with every question, by somebody who did nothing yet.
#[test]
fn every_state_answers_every_question_as_the_table_says() {
    let to = |state: State, ask: Ask| {
        life(state).after(ask, Some(person(2))).map(|(life, outcome)| (life.state, outcome.done()))
    };
    use State::*;
    let allowed = [
        (Draft, Ask::Edit, Draft, Done::Edited),
        (Draft, Ask::Check { errors: 0 }, Checked, Done::Checked),
        (Draft, Ask::Withdraw, Withdrawn, Done::Withdrew),
        (Checked, Ask::Edit, Draft, Done::Edited),
        (Checked, Ask::BackTest { revision: 1 }, BackTested, Done::BackTested),
        (Checked, Ask::Return, Draft, Done::Returned),
        (Checked, Ask::Withdraw, Withdrawn, Done::Withdrew),
        (BackTested, Ask::Edit, Draft, Done::Edited),
        (BackTested, Ask::BackTest { revision: 1 }, BackTested, Done::BackTested),
        (BackTested, Ask::StartTrial, Trial, Done::TrialStarted),
        (BackTested, Ask::Approve, BackTested, Done::Approved),
        (BackTested, Ask::Return, Draft, Done::Returned),
        (BackTested, Ask::Withdraw, Withdrawn, Done::Withdrew),
        (Trial, Ask::BackTest { revision: 1 }, Trial, Done::BackTested),
        (Trial, Ask::EndTrial, BackTested, Done::TrialEnded),
        (Trial, Ask::Approve, Trial, Done::Approved),
        (Trial, Ask::Return, Withdrawn, Done::Withdrew),
        (Trial, Ask::Withdraw, Withdrawn, Done::Withdrew),
        (Active, Ask::Retire, Active, Done::RetirementApproved),
        (Active, Ask::Replace, Retired, Done::Replaced),
    ];
    for state in STATES {
        for ask in asks() {
            let expected = allowed.iter().find(|(from, asked, ..)| *from == state && *asked == ask);
            let found = to(state, ask).ok();
            assert_eq!(found, expected.map(|(_, _, to, done)| (*to, *done)), "{state} {ask:?}");
        }
    }
}

#[test]
fn a_text_with_errors_stays_a_draft_and_a_comparison_of_an_older_text_counts_for_nothing() {
    assert_eq!(life(State::Draft).after(Ask::Check { errors: 2 }, None).unwrap_err(), Refusal::Errors(2));
    assert_eq!(life(State::Checked).after(Ask::BackTest { revision: 9 }, None).unwrap_err(), Refusal::Stale);
}

#[test]
fn an_edit_takes_every_approval_and_every_test_away() {
    let (life, _) = life(State::BackTested).after(Ask::Approve, Some(person(2))).unwrap();
    let (life, _) = life.after(Ask::Edit, Some(person(3))).unwrap();
    assert_eq!((life.state, life.revision, life.author), (State::Draft, 2, Some(person(3))));
    assert!(life.approvals.is_empty());
}

#[test]
fn what_was_tried_is_never_rewritten() {
    let (life, _) = life(State::BackTested).after(Ask::StartTrial, Some(person(2))).unwrap();
    let (life, _) = life.after(Ask::EndTrial, Some(person(2))).unwrap();
    assert_eq!(life.clone().after(Ask::Edit, Some(person(1))).unwrap_err(), Refusal::Used);
    assert_eq!(life.after(Ask::Return, Some(person(2))).unwrap().0.state, State::Withdrawn);
}

#[test]
fn the_author_may_be_the_first_of_two_and_never_the_last() {
    let (ana, bruno) = (person(1), person(2));
    let (waits, outcome) = life(State::BackTested).after(Ask::Approve, Some(ana)).unwrap();
    assert_eq!(outcome, Outcome::Waits { done: Done::Approved, have: 1 });
    assert_eq!(waits.after(Ask::Approve, Some(bruno)).unwrap().0.state, State::Active);

    let (waits, _) = life(State::BackTested).after(Ask::Approve, Some(bruno)).unwrap();
    assert_eq!(waits.clone().after(Ask::Approve, Some(ana)).unwrap_err(), Refusal::AuthorCompletes);
    assert_eq!(waits.after(Ask::Approve, Some(person(3))).unwrap().0.state, State::Active);
}

#[test]
fn ending_an_active_rule_takes_two_as_well() {
    let (waits, outcome) = life(State::Active).after(Ask::Retire, Some(person(1))).unwrap();
    assert_eq!((waits.state, outcome), (State::Active, Outcome::Waits { done: Done::RetirementApproved, have: 1 }));
    let (again, _) = waits.clone().after(Ask::Retire, Some(person(1))).unwrap();
    assert_eq!(again.state, State::Active);
    assert_eq!(waits.after(Ask::Retire, Some(person(2))).unwrap().0.state, State::Retired);
}

#[test]
fn the_service_itself_activates_nothing() {
    for ask in [Ask::Approve, Ask::Retire, Ask::TakeBack] {
        for state in STATES {
            assert!(life(state).after(ask, None).is_err(), "{state} {ask:?}");
        }
    }
}

proptest! {
    /// Whatever is asked by whomever in whatever order: a version becomes active only when two different persons stand behind
    /// the revision as it is, after it was checked and compared, and the last of them did not write it.
    #[test]
    fn no_sequence_of_acts_activates_with_one_person(
        steps in proptest::collection::vec((0_usize..11, 0_u8..4), 1..60)
    ) {
        let mut life = Life { author: Some(person(1)), ..life(State::Draft) };
        // Who approved the revision as it stands, kept apart from the machine; and what was done to this revision.
        let mut stand: BTreeSet<StaffId> = BTreeSet::new();
        let (mut checked, mut compared) = (0, 0);
        for (which, who) in steps {
            let by = (who > 0).then(|| person(who));
            let ask = match asks()[which] {
                Ask::BackTest { .. } => Ask::BackTest { revision: life.revision },
                ask => ask,
            };
            let before = life.clone();
            let Ok((after, outcome)) = life.clone().after(ask, by) else { continue };
            match outcome.done() {
                Done::Edited | Done::Returned => stand.clear(),
                Done::Checked => checked = after.revision,
                Done::BackTested => compared = after.revision,
                Done::TookBack => { stand.remove(&by.unwrap()); }
                Done::Approved | Done::Activated => { stand.insert(by.unwrap()); }
                _ => {}
            }
            if after.state == State::Active && before.state != State::Active {
                prop_assert!(stand.len() >= PERSONS, "{stand:?}");
                prop_assert_ne!(by, before.author);
                prop_assert_eq!((checked, compared), (after.revision, after.revision));
                break;
            }
            life = after;
        }
    }

    /// Of three persons there is always one who can complete.
    #[test]
    fn nobody_is_locked_out(author in proptest::option::of(1_u8..4), first in 1_u8..4) {
        let life = Life { author: author.map(person), ..life(State::BackTested) };
        let (waits, _) = life.after(Ask::Approve, Some(person(first))).unwrap();
        let completes = (1..4).map(person).any(|asks| {
            waits.clone().after(Ask::Approve, Some(asks)).is_ok_and(|(life, _)| life.state == State::Active)
        });
        prop_assert!(completes);
    }
}
