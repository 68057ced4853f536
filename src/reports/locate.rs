//! From what somebody says of a place to a point with its uncertainty.

use sqlx::PgConnection;

use super::cluster::{EXACT_M, Spot};
use super::place::{self, TYPED_M};
use super::trust::Doubt;
use super::{PlaceFrom, store};
use crate::addresses::{self, Candidate, Found, MOST_UNCERTAIN_M, Mode};

/// Nearer than this no telephone knows, whatever it says.
const LEAST_GPS_M: f64 = 5.0;
const MOST_GPS_M: f64 = 20_000.0;
/// A point that came without its error.
const PIN_M: i32 = 40;

/// What was given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Longitude and latitude.
    pub point: Option<(f64, f64)>,
    /// What the telephone says of its own error, or how exactly the map could be touched.
    pub accuracy_m: Option<f64>,
    /// Set on a map by hand.
    pub is_pinned: bool,
    /// What was given as an address and nothing else.
    pub address: &'a str,
    /// The place in words, or the whole message.
    pub place: &'a str,
    /// The words are a message in which an address may stand, not what somebody wrote when asked for one.
    pub is_message: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Located {
    /// The point, and how it is known.
    pub spot: Option<(Spot, PlaceFrom)>,
    pub doubt: Option<Doubt>,
    /// The address of the register that the point is of.
    pub address: Option<Candidate>,
    /// Addresses that were meant all alike, so that none was taken.
    pub candidates: usize,
}

/// The point, how it is known, and what is doubtful in it. A point that was given by hand wins over words,
/// and so does that of a telephone unless it is coarse and an address is more exact; of words the
/// coordinates, then an address that can be no other, then the name of a risk area; where both are known, the more exact.
///
/// # Errors
/// What the database says.
pub async fn locate(conn: &mut PgConnection, given: Given<'_>) -> sqlx::Result<Located> {
    let mut located = Located { spot: from_numbers(given), ..Located::default() };
    match located.spot {
        None => located = from_words(&mut *conn, given).await?,
        // A telephone that knows only the district it is in says less than the address of a house.
        Some((spot, PlaceFrom::Gps)) if spot.precision_m > EXACT_M => {
            let by_words = from_words(&mut *conn, given).await?;
            if by_words
                .spot
                .is_some_and(|(there, from)| from == PlaceFrom::Address && there.precision_m < spot.precision_m)
            {
                located = by_words;
            }
        }
        Some(_) => {}
    }
    if let Some((spot, _)) = located.spot {
        located.doubt = store::is_far(conn, spot).await?.then_some(Doubt::Elsewhere);
    }
    Ok(located)
}

async fn from_words(conn: &mut PgConnection, given: Given<'_>) -> sqlx::Result<Located> {
    let mut located = Located::default();
    for (text, is_message) in [(given.address, false), (given.place, given.is_message)] {
        if text.trim().is_empty() || located.address.is_some() {
            continue;
        }
        let mode = if is_message { Mode::Text } else { Mode::Field };
        match addresses::store::find(&mut *conn, text, mode).await? {
            Found::One(candidate) if is_worth(&candidate) => located.address = Some(candidate),
            Found::Several(candidates) => located.candidates = located.candidates.max(candidates.len()),
            Found::One(_) | Found::Nothing => {}
        }
    }
    let said = format!("{} {}", given.address, given.place);
    let area = if said.trim().is_empty() {
        None
    } else {
        let areas = store::area_names(conn).await?;
        place::area_in(&said, &areas).map(|spot| (*spot, PlaceFrom::Area))
    };
    let by_address = located.address.as_ref().map(|one| (one.spot, PlaceFrom::Address));
    located.spot = [by_address, area].into_iter().flatten().min_by_key(|(spot, _)| spot.precision_m);
    if !matches!(located.spot, Some((_, PlaceFrom::Address))) {
        located.address = None;
    }
    Ok(located)
}

/// Known well enough to go there.
const fn is_worth(candidate: &Candidate) -> bool {
    candidate.spot.precision_m <= MOST_UNCERTAIN_M
}

fn from_numbers(given: Given<'_>) -> Option<(Spot, PlaceFrom)> {
    if let Some((lon, lat)) = given.point {
        let (precision_m, from) = match given.accuracy_m {
            Some(metres) => {
                let from = if given.is_pinned { PlaceFrom::Pin } else { PlaceFrom::Gps };
                (metres.clamp(LEAST_GPS_M, MOST_GPS_M).round() as i32, from)
            }
            None => (PIN_M, PlaceFrom::Pin),
        };
        return Some((Spot { lon, lat, precision_m }, from));
    }
    let (lon, lat) = place::coordinates(given.address).or_else(|| place::coordinates(given.place))?;
    Some((Spot { lon, lat, precision_m: TYPED_M }, PlaceFrom::Coordinates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_the_telephone_wins_over_the_words_and_is_never_exacter_than_such_can_be() {
        let place = "-21.9000, -43.9000";
        let given = Given { point: Some((-43.3, -21.7)), accuracy_m: Some(0.5), place, ..Given::default() };
        assert_eq!(from_numbers(given), Some((Spot { lon: -43.3, lat: -21.7, precision_m: 5 }, PlaceFrom::Gps)));
        let pin = Given { accuracy_m: None, ..given };
        assert_eq!(from_numbers(pin).map(|(spot, from)| (spot.precision_m, from)), Some((PIN_M, PlaceFrom::Pin)));
        let words = Given { point: None, ..given };
        assert_eq!(from_numbers(words).map(|(_, from)| from), Some(PlaceFrom::Coordinates));
    }
}
