//! Who is on call at an instant, and when nobody is. Pure.

use super::Turn;
use crate::clock::Instant;
use crate::ids::StaffId;

/// Time in which nobody is on call, from the first up to the second instant.
pub type Gap = (Instant, Instant);

/// A stretch of time with the same people on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Instant,
    pub until: Instant,
    /// In the order of the turns; empty: a gap.
    pub people: Vec<StaffId>,
}

fn covers(turn: &Turn, layer: i16, at: Instant) -> bool {
    turn.layer == layer && turn.from <= at && at < turn.until
}

/// Who is on call in one layer: for each turn its person, or who took it over for this time; the newest swap counts, and a swap may
/// be swapped on. People who were shut out are passed over: whoever stands in for them is on call, and when they stood in themselves,
/// whom they relieved.
pub fn on_call(turns: &[Turn], layer: i16, at: Instant) -> Vec<StaffId> {
    let mut people = Vec::new();
    let own = turns.iter().filter(|turn| turn.instead_of.is_none() && covers(turn, layer, at));
    for turn in own {
        if let Some(person) = stand_in(turns, (layer, at), turn)
            && !people.contains(&person)
        {
            people.push(person);
        }
    }
    people
}

fn stand_in(turns: &[Turn], (layer, at): (i16, Instant), own: &Turn) -> Option<StaffId> {
    let working = |turn: &Turn| (!turn.is_shut_out).then_some(turn.person);
    let (mut person, mut after) = (own.person, None);
    let mut on_call = working(own);
    loop {
        let swaps = turns.iter().filter(|turn| {
            turn.instead_of == Some(person) && covers(turn, layer, at) && after.is_none_or(|last| turn.id > last)
        });
        // Swaps rise in their ids, so this ends.
        let Some(swap) = swaps.max_by_key(|turn| turn.id) else { return on_call };
        (person, after) = (swap.person, Some(swap.id));
        on_call = working(swap).or(on_call);
    }
}

/// Whom a rota calls: the people of the first layer that has anybody.
pub fn called(turns: &[Turn], layers: i16, at: Instant) -> Option<(i16, Vec<StaffId>)> {
    (1..=layers).map(|layer| (layer, on_call(turns, layer, at))).find(|(_, people)| !people.is_empty())
}

/// One layer between two instants, in stretches in which nothing changes.
pub fn stretches(turns: &[Turn], layer: i16, (from, until): Gap) -> Vec<Stretch> {
    let inside = |at: &Instant| *at > from && *at < until;
    let edges = turns.iter().filter(|turn| turn.layer == layer).flat_map(|turn| [turn.from, turn.until]);
    let mut edges: Vec<Instant> = edges.filter(inside).chain([from, until]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut stretches: Vec<Stretch> = Vec::new();
    for pair in edges.windows(2) {
        let [from, until] = *pair else { continue };
        let people = on_call(turns, layer, from);
        match stretches.last_mut().filter(|last| last.people == people) {
            Some(last) => last.until = until,
            None => stretches.push(Stretch { from, until, people }),
        }
    }
    stretches
}

/// When a layer is empty between two instants.
pub fn gaps(turns: &[Turn], layer: i16, span: Gap) -> Vec<Gap> {
    stretches(turns, layer, span)
        .into_iter()
        .filter(|stretch| stretch.people.is_empty())
        .map(|stretch| (stretch.from, stretch.until))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::rota::Source;

    const ANA: StaffId = StaffId(Uuid::from_u128(1));
    const BRUNO: StaffId = StaffId(Uuid::from_u128(2));
    const CARLA: StaffId = StaffId(Uuid::from_u128(3));

    fn at(hours: i64) -> Instant {
        Instant::default() + TimeDelta::hours(hours)
    }

    fn turn(id: i64, layer: i16, person: StaffId, from: i64, until: i64) -> Turn {
        let (username, name, uid, reason) = Default::default();
        let source = Source::Hand;
        let (from, until, instead_of, instead_of_username) = (at(from), at(until), None, None);
        let is_shut_out = false;
        Turn {
            id,
            layer,
            person,
            username,
            name,
            from,
            until,
            instead_of,
            instead_of_username,
            source,
            uid,
            reason,
            is_shut_out,
        }
    }

    fn swap(id: i64, person: StaffId, instead_of: StaffId, from: i64, until: i64) -> Turn {
        Turn { instead_of: Some(instead_of), ..turn(id, 1, person, from, until) }
    }

    #[test]
    fn a_turn_holds_from_its_beginning_and_no_more_at_its_end() {
        let turns = [turn(1, 1, ANA, 0, 12), turn(2, 1, BRUNO, 12, 24)];
        assert_eq!(on_call(&turns, 1, at(0)), [ANA]);
        assert_eq!(on_call(&turns, 1, at(12)), [BRUNO]);
        assert_eq!(on_call(&turns, 1, at(24)), []);
        assert_eq!(on_call(&turns, 2, at(0)), []);
    }

    #[test]
    fn a_swap_counts_for_its_own_time_and_can_be_swapped_on() {
        let turns = [turn(1, 1, ANA, 0, 12), swap(2, BRUNO, ANA, 4, 8), swap(3, CARLA, BRUNO, 6, 8)];
        let who = |hour| on_call(&turns, 1, at(hour));
        assert_eq!([who(3), who(4), who(6), who(8)], [[ANA], [BRUNO], [CARLA], [ANA]]);
    }

    #[test]
    fn whoever_stands_in_for_somebody_who_was_shut_out_is_on_call() {
        let shut = |turn: Turn| Turn { is_shut_out: true, ..turn };
        let who = |turns: &[Turn]| on_call(turns, 1, at(5));
        assert_eq!(who(&[shut(turn(1, 1, ANA, 0, 12))]), []);
        assert_eq!(who(&[shut(turn(1, 1, ANA, 0, 12)), swap(2, BRUNO, ANA, 4, 8)]), [BRUNO]);
        let through = [turn(1, 1, ANA, 0, 12), shut(swap(2, BRUNO, ANA, 4, 8)), swap(3, CARLA, BRUNO, 4, 8)];
        assert_eq!(who(&through), [CARLA]);
        assert_eq!(who(&through[..2]), [ANA], "nobody relieves her any more");
    }

    #[test]
    fn swaps_that_go_round_come_to_an_end() {
        let turns = [turn(1, 1, ANA, 0, 12), swap(2, BRUNO, ANA, 0, 12), swap(3, ANA, BRUNO, 0, 12)];
        assert_eq!(on_call(&turns, 1, at(1)), [ANA]);
    }

    #[test]
    fn an_empty_layer_is_a_gap_and_the_next_layer_is_called() {
        let turns = [turn(1, 1, ANA, 0, 8), turn(2, 2, BRUNO, 0, 24)];
        assert_eq!(called(&turns, 2, at(1)), Some((1, vec![ANA])));
        assert_eq!(called(&turns, 2, at(9)), Some((2, vec![BRUNO])));
        assert_eq!(called(&turns, 1, at(9)), None);
        assert_eq!(gaps(&turns, 1, (at(0), at(24))), [(at(8), at(24))]);
        assert_eq!(gaps(&turns, 2, (at(0), at(24))), []);
    }

    #[test]
    fn stretches_without_a_change_are_one() {
        let turns = [turn(1, 1, ANA, 0, 8), turn(2, 1, ANA, 8, 16), turn(3, 1, BRUNO, 10, 20)];
        let found = stretches(&turns, 1, (at(0), at(24)));
        let told: Vec<(i64, usize)> =
            found.iter().map(|stretch| ((stretch.until - stretch.from).num_hours(), stretch.people.len())).collect();
        assert_eq!(told, [(10, 1), (6, 2), (4, 1), (4, 0)]);
    }
}
