use super::*;
use crate::secretariat::kernel::body::Mandate;
use crate::secretariat::kernel::body::rules::{Fraction, MajorityKind};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn mandate(seat: u128, person: u128, capacity: Capacity) -> Mandate {
    Mandate {
        id: id(1000 + person),
        seat_id: id(seat),
        person_id: id(person),
        person: format!("Membro {person}"),
        capacity,
        from_on: day("2026-01-01"),
        until_on: day("2028-12-31"),
        act: "Decreto 1".into(),
        ended_on: None,
        ended_reason: String::new(),
    }
}

/// Five seats with titulars 1 to 5; the first presides and has the substitute 11.
fn council() -> (Vec<Seat>, BTreeMap<Uuid, Person>) {
    let seat = |number: u128| Seat {
        id: id(number * 100),
        position: i32::try_from(number).unwrap(),
        entity: format!("Entidade {number}"),
        role: if number == 1 { SeatRole::Chair } else { SeatRole::Member },
        ended_on: None,
        mandates: vec![mandate(number * 100, number, Capacity::Titular)],
    };
    let mut seats: Vec<Seat> = (1..=5).map(seat).collect();
    seats[0].mandates.push(mandate(100, 11, Capacity::Substitute));
    let person = |number: u128| Person {
        id: id(number),
        name: format!("Membro {number}"),
        contact: String::new(),
        account: Some(format!("m{number}")),
    };
    let people = [1, 2, 3, 4, 5, 11].into_iter().map(|number| (id(number), person(number))).collect();
    (seats, people)
}

fn rules() -> Rules {
    Rules {
        notice_ordinary: String::new(),
        notice_extraordinary: String::new(),
        quorum_open: Fraction::more_than(1, 2),
        quorum_decide: Fraction::more_than(1, 2),
        majority: MajorityKind::Simple,
        qualified: None,
        casting_vote: true,
        public: false,
        second_call: None,
        most_reappointments: Some(1),
    }
}

fn vote(of: &Voter, choice: Choice) -> Vote {
    Vote { seat_id: of.seat_id, person_id: of.person_id, person: of.person.clone(), choice }
}

fn accounts(voters: &[Voter]) -> Vec<&str> {
    voters.iter().map(|voter| voter.account.as_str()).collect()
}

#[test]
fn a_recused_titular_gives_way_to_the_substitute_and_a_recused_substitute_to_nobody() {
    let (seats, people) = council();
    let on = day("2026-06-01");
    assert_eq!(accounts(&voters(&seats, on, &people, (&[], &[]))), ["m1", "m2", "m3", "m4", "m5"]);
    let recused = ["m1".to_owned(), "m3".to_owned()];
    assert_eq!(accounts(&voters(&seats, on, &people, (&recused, &[]))), ["m11", "m2", "m4", "m5"]);
    let all = ["m1".to_owned(), "m11".to_owned()];
    assert_eq!(accounts(&voters(&seats, on, &people, (&all, &[]))), ["m2", "m3", "m4", "m5"]);
    assert!(voters(&seats, day("2029-01-01"), &people, (&[], &[])).is_empty(), "the mandates are over");
}

#[test]
fn a_member_and_a_seat_vote_once() {
    let (seats, people) = council();
    let before = voters(&seats, day("2026-06-01"), &people, (&[], &[]));
    let votes = [vote(&before[0], Choice::For)];
    assert_eq!(may_vote(&before, &votes, "m1"), Err(NoVote::Twice("Membro 1".into())));
    assert_eq!(may_vote(&before, &votes, "m2").map(|voter| voter.person_id), Ok(id(2)));
    assert_eq!(may_vote(&before, &votes, "ana"), Err(NoVote::NoMember("ana".into())));
    // The titular voted and was recused afterwards: the substitute does not vote for the seat a second time.
    let after = voters(&seats, day("2026-06-01"), &people, (&["m1".to_owned()], &[]));
    assert_eq!(may_vote(&after, &votes, "m11"), Err(NoVote::Seat("Membro 1".into())));
    assert!(counted(&after, &votes).is_empty(), "the vote of who was recused falls out");
}

#[test]
fn quorum_is_of_all_seats_and_a_tie_waits_for_the_chair() {
    let (seats, people) = council();
    let all = voters(&seats, day("2026-06-01"), &people, (&[], &[]));
    let two = [vote(&all[0], Choice::For), vote(&all[1], Choice::For)];
    assert!(matches!(decide(&rules(), (5, &all), &two, None), Err(NoDecision::Quorum(..))));
    let three = [vote(&all[0], Choice::For), vote(&all[1], Choice::For), vote(&all[2], Choice::Against)];
    let (tally, outcome) = decide(&rules(), (5, &all), &three, None).unwrap();
    assert_eq!((tally.votes_for, tally.votes_against, outcome.approved), (2, 1, true));
    let mut four = three.to_vec();
    four.push(vote(&all[3], Choice::Against));
    assert_eq!(decide(&rules(), (5, &all), &four, None), Err(NoDecision::Casting));
    assert!(!decide(&rules(), (5, &all), &four, Some(false)).unwrap().1.approved);
    assert_eq!(casting(&seats, &all, &four).map(|voter| voter.account.as_str()), Some("m1"));
    assert_eq!(casting(&seats, &all, &four[1..]), None, "who presides did not vote");
    let mut with_vice = seats.clone();
    with_vice[1].role = SeatRole::Vice;
    assert_eq!(casting(&with_vice, &all, &four).map(|voter| voter.account.as_str()), Some("m1"));
    assert_eq!(casting(&with_vice, &all, &four[1..]).map(|voter| voter.account.as_str()), Some("m2"));
    // Without the chair, recused since, three are left and the tie is gone.
    let left = voters(&seats, day("2026-06-01"), &people, (&["m1".to_owned()], &[]));
    assert!(!decide(&rules(), (5, &left), &four, None).unwrap().1.approved);
}

fn ad_hoc(seat: u128, person: u128) -> AdHoc {
    let (act, reason) = ("Portaria 12/2026".to_owned(), "Impedidos".to_owned());
    let (person_id, person) = (id(person), format!("Membro {person}"));
    let account = Some(format!("m{}", person.trim_start_matches("Membro ")));
    AdHoc { seat_id: id(seat), person_id, person, account, act, reason }
}

#[test]
fn whoever_is_designated_sits_where_nobody_else_is_left_and_does_not_preside() {
    let (seats, people) = council();
    let on = day("2026-06-01");
    let recused = ["m1", "m11", "m3", "m4"].map(str::to_owned);
    let left = voters(&seats, on, &people, (&recused, &[]));
    assert_eq!((accounts(&left), within_reach(&left, &[])), (vec!["m2", "m5"], 2));
    let empty: Vec<Uuid> = empty(&seats, on, &left).into_iter().map(|seat| seat.seat_id).collect();
    assert_eq!(empty, [id(100), id(300), id(400)]);
    // For a seat that has its member nobody is called, and the last who was designated holds.
    let called = [ad_hoc(100, 20), ad_hoc(200, 21), ad_hoc(100, 22)];
    let all = voters(&seats, on, &people, (&recused, &called));
    assert_eq!(accounts(&all), ["m22", "m2", "m5"]);
    assert!(
        presides(&seats, &all, &[], "m2") && !presides(&seats, &all, &[], "m22") && !presides(&seats, &all, &[], "m5")
    );
    let again = ["m1", "m11", "m3", "m4", "m22"].map(str::to_owned);
    assert_eq!(accounts(&voters(&seats, on, &people, (&again, &called))), ["m2", "m5"]);
}

#[test]
fn a_seat_whose_vote_fell_out_is_out_of_reach_in_its_round() {
    let (seats, people) = council();
    let on = day("2026-06-01");
    let before = voters(&seats, on, &people, (&[], &[]));
    let votes = [vote(&before[0], Choice::For), vote(&before[1], Choice::For)];
    assert_eq!(within_reach(&before, &votes), 5);
    let after = voters(&seats, on, &people, (&["m1".to_owned()], &[]));
    assert_eq!(accounts(&after)[0], "m11");
    assert_eq!(within_reach(&after, &votes), 4, "the substitute votes in a new round");
}

#[test]
fn the_chair_closes_and_the_vice_who_voted_where_the_chair_did_not() {
    let (mut seats, people) = council();
    seats[1].role = SeatRole::Vice;
    let all = voters(&seats, day("2026-06-01"), &people, (&[], &[]));
    let who = |votes: &[Vote]| -> Vec<String> {
        let closes = |voter: &&Voter| presides(&seats, &all, votes, &voter.account);
        all.iter().filter(closes).map(|voter| voter.account.clone()).collect()
    };
    assert_eq!(who(&[]), ["m1"]);
    assert_eq!(who(&[vote(&all[1], Choice::For)]), ["m1", "m2"]);
    assert_eq!(who(&[vote(&all[1], Choice::For), vote(&all[0], Choice::For)]), ["m1"]);
}

#[test]
fn the_way_out_is_taken_by_who_presides_or_the_secretary_and_by_the_module_where_nobody_of_the_council_is_left() {
    let (mut seats, people) = council();
    seats[4].role = SeatRole::Secretary;
    let on = day("2026-06-01");
    let who = |recused: &[&str], called: &[AdHoc]| -> Vec<&'static str> {
        let recused: Vec<String> = recused.iter().map(|name| (*name).to_owned()).collect();
        let left = voters(&seats, on, &people, (&recused, called));
        let all = ["m1", "m2", "m3", "m4", "m5", "m11", "m20", "anybody"];
        all.into_iter().filter(|name| recomposes(&seats, &left, &[], name)).collect()
    };
    assert_eq!(who(&[], &[]), ["m1", "m5"]);
    assert_eq!(who(&["m1"], &[]), ["m5", "m11"], "the substitute in the seat of the chair");
    assert_eq!(who(&["m1", "m11", "m5"], &[]), ["m2"], "the first seat, where neither chair nor secretary may vote");
    // Whoever was designated for the case takes none; they do not close the door on the secretariat either.
    let all = ["m1", "m2", "m3", "m4", "m5", "m11"];
    assert_eq!(who(&all[..5], &[ad_hoc(200, 20)]), ["m11"]);
    assert!(who(&all, &[ad_hoc(200, 20)]).contains(&"anybody"));
}
