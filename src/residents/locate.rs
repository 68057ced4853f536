//! Where somebody lives, from what they filled in: a pin, coordinates, an address or a CEP. What the words may mean twice is asked back.

use sqlx::PgConnection;

use super::grammar::Cep;
use super::signup::SignupPlace;
use crate::addresses::{self, Candidate, Found, How, MOST_UNCERTAIN_M, Mode};
use crate::reports::place::{TYPED_M, coordinates};
use crate::reports::{Spot, store};

/// A pin that came without how exactly the map could be touched.
const PIN_M: f64 = 40.0;
const LEAST_M: f64 = 5.0;

/// What was given of one place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Longitude and latitude of a pin, or of the telephone.
    pub point: Option<(f64, f64)>,
    pub accuracy_m: Option<f64>,
    /// An address or a CEP.
    pub text: &'a str,
    pub label: &'a str,
    /// Who lives there, 1 to 50.
    pub people: i16,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Located {
    There(SignupPlace),
    /// Each of these may be meant.
    Which(Vec<Candidate>),
    Unknown,
    /// Nowhere near the town, which warns nobody there.
    Far,
}

/// # Errors
/// What the database says.
pub async fn locate(conn: &mut PgConnection, given: Given<'_>) -> sqlx::Result<Located> {
    let text = given.text.trim();
    let (spot, address, cep) = if let Some((lon, lat)) = given.point {
        let metres = given.accuracy_m.unwrap_or(PIN_M).clamp(LEAST_M, MOST_UNCERTAIN_M.into());
        (Spot { lon, lat, precision_m: metres.round() as i32 }, text.to_owned(), None)
    } else if let Some((lon, lat)) = coordinates(text) {
        (Spot { lon, lat, precision_m: TYPED_M }, String::new(), None)
    } else {
        match addresses::store::find(&mut *conn, text, Mode::Field).await? {
            Found::One(one) if one.how == How::Cep => (one.spot, one.label, Cep::read(text)),
            Found::One(one) if one.spot.precision_m <= MOST_UNCERTAIN_M => (one.spot, one.label, None),
            Found::Several(all) => return Ok(Located::Which(all)),
            Found::One(_) | Found::Nothing => return Ok(Located::Unknown),
        }
    };
    if store::is_far(conn, spot).await? {
        return Ok(Located::Far);
    }
    Ok(Located::There(SignupPlace {
        label: given.label.to_owned(),
        lon: spot.lon,
        lat: spot.lat,
        precision_m: spot.precision_m,
        address,
        cep: cep.map(|cep| cep.digits().to_owned()),
        people: given.people,
    }))
}
