//! From what somebody says of a place to a point with its uncertainty.

use sqlx::PgConnection;

use super::cluster::Spot;
use super::place::{self, TYPED_M};
use super::trust::Doubt;
use super::{PlaceFrom, store};

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
    pub place: &'a str,
}

/// The point, how it is known, and what is doubtful in it.
pub async fn locate(
    conn: &mut PgConnection,
    given: Given<'_>,
) -> sqlx::Result<(Option<(Spot, PlaceFrom)>, Option<Doubt>)> {
    let found = match from_numbers(given) {
        Some(found) => Some(found),
        None if given.place.trim().is_empty() => None,
        None => {
            let areas = store::area_names(&mut *conn).await?;
            place::area_in(given.place, &areas).map(|spot| (*spot, PlaceFrom::Area))
        }
    };
    let Some((spot, from)) = found else { return Ok((None, None)) };
    let doubt = store::is_far(conn, spot).await?.then_some(Doubt::Elsewhere);
    Ok((Some((spot, from)), doubt))
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
    let (lon, lat) = place::coordinates(given.place)?;
    Some((Spot { lon, lat, precision_m: TYPED_M }, PlaceFrom::Coordinates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_the_telephone_wins_over_the_words_and_is_never_exacter_than_such_can_be() {
        let place = "-21.9000, -43.9000";
        let given = Given { point: Some((-43.3, -21.7)), accuracy_m: Some(0.5), is_pinned: false, place };
        assert_eq!(from_numbers(given), Some((Spot { lon: -43.3, lat: -21.7, precision_m: 5 }, PlaceFrom::Gps)));
        let pin = Given { accuracy_m: None, ..given };
        assert_eq!(from_numbers(pin).map(|(spot, from)| (spot.precision_m, from)), Some((PIN_M, PlaceFrom::Pin)));
        let words = Given { point: None, ..given };
        assert_eq!(from_numbers(words).map(|(_, from)| from), Some(PlaceFrom::Coordinates));
    }
}
