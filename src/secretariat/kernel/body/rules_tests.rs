use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn rules() -> Rules {
    Rules {
        notice_ordinary: "committees.notice.ordinary".into(),
        notice_extraordinary: "committees.notice.extraordinary".into(),
        quorum_open: Fraction::more_than(1, 2),
        quorum_decide: Fraction::more_than(1, 2),
        majority: MajorityKind::Simple,
        qualified: None,
        casting_vote: true,
        public: true,
        second_call: Some(SecondCall { after_min: 30, quorum: Fraction::new(1, 3) }),
        most_reappointments: Some(1),
    }
}

const fn floor(present: u32, seats: u32) -> Floor {
    Floor { present, seats, has_chair: true }
}

const fn tally(votes_for: u32, votes_against: u32, votes_abstain: u32) -> Tally {
    Tally { votes_for, votes_against, votes_abstain }
}

proptest! {
    #[test]
    fn a_quorum_is_the_least_number_that_is_no_smaller_than_its_fraction(num in 1u32..=100, more in 0u32..100, seats in 1u32..=200) {
        let den = num + more;
        let needed = Fraction::new(num, den).of(seats);
        prop_assert!(u64::from(needed) * u64::from(den) >= u64::from(seats) * u64::from(num));
        prop_assert!(u64::from(needed - 1) * u64::from(den) < u64::from(seats) * u64::from(num));
        prop_assert!((1..=seats).contains(&needed));
    }

    #[test]
    fn more_than_a_fraction_is_never_the_fraction_itself(num in 1u32..=99, more in 1u32..100, seats in 1u32..=200) {
        let den = num + more;
        let needed = u64::from(Fraction::more_than(num, den).of(seats));
        prop_assert!(needed * u64::from(den) > u64::from(seats) * u64::from(num));
        prop_assert!((needed - 1) * u64::from(den) <= u64::from(seats) * u64::from(num));
    }

    #[test]
    fn two_absolute_majorities_always_share_a_member(seats in 1u32..=200) {
        prop_assert!(2 * Fraction::more_than(1, 2).of(seats) > seats);
    }

    #[test]
    fn one_more_who_is_there_never_loses_the_quorum(num in 1u32..=100, more in 0u32..100, present in 0u32..200, seats in 1u32..=200) {
        let rule = Fraction::new(num, num + more);
        if Quorum::count(rule, present, seats).is_reached() {
            prop_assert!(Quorum::count(rule, present + 1, seats).is_reached());
        }
    }

    #[test]
    fn nothing_is_decided_without_quorum_whatever_the_votes(yes in 0u32..20, no in 0u32..20, seats in 1u32..=60) {
        let present = yes + no;
        let outcome = decide(&rules(), floor(present, seats), tally(yes, no, 0), None);
        if 2 * present <= seats {
            prop_assert!(matches!(outcome, Err(NoDecision::Quorum(..))));
        }
        if let Ok(outcome) = outcome {
            prop_assert!(2 * present > seats && outcome.approved == (yes > no));
        }
    }
}

#[test]
fn halves_are_rounded_up_and_more_than_half_of_six_is_four() {
    assert_eq!([1, 2, 5, 6, 7].map(|seats| Fraction::new(1, 2).of(seats)), [1, 1, 3, 3, 4]);
    assert_eq!([1, 2, 5, 6, 7].map(|seats| Fraction::more_than(1, 2).of(seats)), [1, 2, 3, 4, 4]);
    assert_eq!([5, 9, 10].map(|seats| Fraction::new(2, 3).of(seats)), [4, 6, 7]);
}

#[test]
fn a_second_call_follows_once_and_then_the_meeting_fails() {
    let with = rules();
    assert!(matches!(call(&with, false, 3, 5), Called::Opens(_)));
    assert!(matches!(call(&with, false, 2, 5), Called::Waits(Quorum { needed: 3, .. }, 30)));
    assert!(matches!(call(&with, true, 2, 5), Called::Opens(Quorum { needed: 2, .. })));
    assert!(matches!(call(&with, true, 1, 5), Called::Fails(_)));
    let without = Rules { second_call: None, ..rules() };
    assert!(matches!(call(&without, false, 2, 5), Called::Fails(_)));
    assert!(matches!(call(&with, false, 0, 0), Called::Waits(..)), "a body without seats never opens");
}

#[test]
fn a_tie_waits_for_the_chair_and_without_one_is_lost() {
    let tied = |casting, has_chair| {
        decide(&rules(), Floor { present: 4, seats: 5, has_chair }, tally(2, 2, 0), casting).map(|one| one.approved)
    };
    assert_eq!(tied(None, true), Err(NoDecision::Casting));
    assert_eq!((tied(Some(true), true), tied(Some(false), true)), (Ok(true), Ok(false)));
    assert_eq!(tied(None, false), Ok(false));
    let untied = decide(&rules(), floor(3, 5), tally(2, 1, 0), Some(true));
    assert_eq!(untied, Err(NoDecision::NoTie));
    let none = decide(&rules(), floor(3, 5), tally(0, 0, 3), None).unwrap();
    assert!(!none.approved, "three who abstain decide nothing");
}

#[test]
fn absolute_and_qualified_majorities_are_of_all_seats() {
    let absolute = Rules { majority: MajorityKind::Absolute, ..rules() };
    assert!(!decide(&absolute, floor(3, 5), tally(2, 1, 0), None).unwrap().approved);
    assert!(decide(&absolute, floor(3, 5), tally(3, 0, 0), None).unwrap().approved);
    let two_thirds = Rules { majority: MajorityKind::Qualified, qualified: Some(Fraction::new(2, 3)), ..rules() };
    assert!(!decide(&two_thirds, floor(4, 5), tally(3, 0, 1), None).unwrap().approved);
    assert!(decide(&two_thirds, floor(4, 5), tally(4, 0, 0), None).unwrap().approved);
    assert_eq!(decide(&absolute, floor(3, 5), tally(3, 1, 0), None), Err(NoDecision::Votes(4, 3)));
}

fn mandate(seat: u128, person: u128, capacity: Capacity, from: &str, until: &str) -> Mandate {
    Mandate {
        id: Uuid::nil(),
        seat_id: Uuid::from_u128(seat),
        person_id: Uuid::from_u128(person),
        person: "Ana".into(),
        capacity,
        from_on: from.parse().unwrap(),
        until_on: until.parse().unwrap(),
        act: String::new(),
        ended_on: None,
        ended_reason: String::new(),
    }
}

fn wanted(seat: u128, person: u128, from: &str, until: &str) -> Wanted {
    Wanted {
        seat: Uuid::from_u128(seat),
        person: Uuid::from_u128(person),
        capacity: Capacity::Titular,
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
    }
}

#[test]
fn nobody_is_appointed_more_often_in_a_row_than_the_rules_allow() {
    let mut all = vec![mandate(1, 1, Capacity::Titular, "2022-01-01", "2023-12-31")];
    let third = wanted(1, 1, "2026-01-01", "2027-12-31");
    assert_eq!(appoint(&all, wanted(1, 1, "2024-01-01", "2025-12-31"), Some(1)), Ok(()));
    all.push(mandate(2, 1, Capacity::Titular, "2024-01-01", "2025-12-31"));
    assert_eq!(appoint(&all, third, Some(1)), Err(NotAppointed::TooOften(2, 1)));
    assert_eq!(appoint(&all, third, None), Ok(()));
    assert_eq!(appoint(&all, wanted(1, 1, "2026-01-02", "2027-12-31"), Some(1)), Ok(()), "after a pause");
}

#[test]
fn a_seat_has_one_titular_at_a_time_and_a_person_one_seat() {
    let mut all = vec![mandate(1, 1, Capacity::Titular, "2025-01-01", "2026-12-31")];
    let taken = appoint(&all, wanted(1, 2, "2026-12-31", "2027-12-31"), None);
    assert!(matches!(taken, Err(NotAppointed::Taken(..))), "{taken:?}");
    assert!(matches!(appoint(&all, wanted(2, 1, "2026-01-01", "2026-06-01"), None), Err(NotAppointed::Elsewhere(..))));
    all[0].ended_on = Some("2026-01-31".parse().unwrap());
    assert_eq!(appoint(&all, wanted(1, 2, "2026-02-01", "2027-12-31"), None), Ok(()));
}

#[test]
fn a_substitute_counts_only_where_the_titular_is_away() {
    use Capacity::{Substitute, Titular};
    assert_eq!(attend(Substitute, None, false), Ok(()));
    assert_eq!(attend(Substitute, Some(Titular), false), Err(NotPresent::TitularIsThere));
    assert_eq!(attend(Titular, Some(Substitute), false), Ok(()), "who comes late takes the seat back");
    assert_eq!(attend(Titular, None, true), Err(NotPresent::Elsewhere));
}

#[test]
fn rules_that_make_no_sense_are_named_field_by_field() {
    let wrong = Rules {
        quorum_open: Fraction::new(0, 2),
        quorum_decide: Fraction::new(3, 2),
        qualified: Some(Fraction::new(2, 3)),
        second_call: Some(SecondCall { after_min: 0, quorum: Fraction::new(1, 3) }),
        most_reappointments: Some(50),
        ..rules()
    };
    let fields: Vec<String> = wrong.problems().into_iter().map(|one| one.field).collect();
    let expected = [
        "rules.quorum_open",
        "rules.quorum_decide",
        "rules.qualified",
        "rules.second_call.after_min",
        "rules.most_reappointments",
    ];
    assert_eq!(fields, expected);
    assert_eq!(rules().problems(), []);
}
