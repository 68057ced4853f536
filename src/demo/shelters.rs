//! Shelters for the demonstration: invented, and called so, because which houses of this town are shelters is not ours to say. Pure but
//! for the saving.

use sqlx::PgConnection;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::reports::Spot;
use crate::shelters::NewShelter;
use crate::shelters::desk;

/// Code, name, longitude, latitude, persons, rooms; whether it is accessible, takes pets, has a kitchen.
type House = (&'static str, &'static str, f64, f64, i32, i32, [bool; 3]);

/// Spread over the town. The smallest is full soon, so that a visitor sees what a full door does.
const HOUSES: [House; 6] = [
    ("ficticio-1", "Escola Fictícia do Centro", -43.3505, -21.7605, 120, 10, [true, false, true]),
    ("ficticio-2", "Ginásio Fictício de Benfica", -43.4440, -21.6896, 200, 4, [true, true, true]),
    ("ficticio-3", "Salão Fictício de Linhares", -43.3242, -21.7347, 4, 1, [true, false, false]),
    ("ficticio-4", "Escola Fictícia de Santa Luzia", -43.3442, -21.7908, 80, 8, [false, false, true]),
    ("ficticio-5", "Clube Fictício de São Pedro", -43.3880, -21.7700, 60, 3, [true, true, true]),
    ("ficticio-6", "Creche Fictícia de Grama", -43.3480, -21.7050, 40, 5, [false, false, true]),
];

/// Writes them down, closed.
///
/// # Errors
/// The database's.
pub async fn save(conn: &mut PgConnection, clock: &Clock, ids: &Ids) -> anyhow::Result<()> {
    let actor = Actor::command();
    let by = Acting { ids, now: clock.now(), actor: &actor };
    for (code, name, lon, lat, capacity, rooms, [accessible, pets, kitchen]) in HOUSES {
        let house = NewShelter {
            code: code.to_owned(),
            name: name.to_owned(),
            spot: Spot { lon, lat, precision_m: 20 },
            address: "Endereço fictício (demonstração)".to_owned(),
            capacity,
            rooms,
            accessible,
            pets,
            kitchen,
            contact: "Contato fictício".to_owned(),
            keys: String::new(),
        };
        desk::save(&mut *conn, by, None, &house).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use geo::{BoundingRect as _, Contains as _, Point};

    use super::*;
    use crate::catalogue::{Format, parse_areas, read};

    #[test]
    fn every_shelter_says_that_it_is_invented_and_lies_in_the_town() {
        let areas = parse_areas(&read(Format::GeoJson, crate::demo::AREAS.as_bytes()).unwrap()).unwrap();
        for (code, name, lon, lat, ..) in HOUSES {
            assert!(code.starts_with("ficticio") && name.contains("Fictíci"), "{name}");
            let near = |area: &crate::catalogue::NewArea| {
                area.geometry.bounding_rect().is_some_and(|rect| rect.contains(&Point::new(lon, lat)))
            };
            assert!(areas.iter().any(near), "{name} lies outside of every neighbourhood");
        }
    }
}
