//! Whether somebody is taken in. Pure.

use super::life::State;

/// What is known at the door.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    pub state: State,
    /// Persons it is made for.
    pub capacity: i32,
    /// Persons in it.
    pub sheltered: i64,
    pub arriving: i64,
    /// Why beyond the capacity; empty when nobody said.
    pub reason: &'a str,
}

/// They come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the reason was needed, and is kept.
    pub beyond: bool,
    /// Whether the shelter is full from now on.
    pub fills: bool,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a shelter that is {0} takes in nobody")]
    State(State),
    #[error(
        "{sheltered} of {capacity} places are taken and {arriving} persons arrive: say why they are taken in all the same"
    )]
    Full { capacity: i32, sheltered: i64, arriving: i64 },
}

/// # Errors
/// What stands in the way, and whether a reason removes it.
pub fn admit(door: Door<'_>) -> Result<Admitted, Refusal> {
    let Door { state, capacity, sheltered, arriving, reason } = door;
    if !state.takes_people() {
        return Err(Refusal::State(state));
    }
    let after = sheltered + arriving;
    // One that somebody called full is full, whatever the numbers say: a roof may have given way.
    let beyond = after > i64::from(capacity) || state == State::Full;
    if beyond && reason.trim().is_empty() {
        return Err(Refusal::Full { capacity, sheltered, arriving });
    }
    Ok(Admitted { beyond, fills: state == State::Open && after >= i64::from(capacity) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(state: State, sheltered: i64, reason: &str) -> Door<'_> {
        Door { state, capacity: 10, sheltered, arriving: 2, reason }
    }

    #[test]
    fn beyond_the_capacity_somebody_says_why() {
        assert_eq!(admit(door(State::Open, 7, "")), Ok(Admitted { beyond: false, fills: false }));
        assert_eq!(admit(door(State::Open, 8, "")), Ok(Admitted { beyond: false, fills: true }));
        let refusal = admit(door(State::Open, 9, " ")).unwrap_err();
        assert_eq!(refusal, Refusal::Full { capacity: 10, sheltered: 9, arriving: 2 });
        assert_eq!(admit(door(State::Open, 9, "não há outro")), Ok(Admitted { beyond: true, fills: true }));
        assert!(admit(door(State::Full, 0, "")).is_err(), "called full by hand");
    }

    #[test]
    fn a_shelter_that_is_not_open_takes_in_nobody_whatever_the_reason() {
        for state in [State::Closed, State::Opening, State::Closing] {
            assert_eq!(admit(door(state, 0, "urgente")), Err(Refusal::State(state)));
        }
    }
}
