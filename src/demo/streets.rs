//! Streets for the demonstration, so that a written address says where: invented, and kept as such. Pure.

use geo::InteriorPoint as _;

use crate::addresses::register::{DOOR_M, Register, Row};
use crate::catalogue::NewArea;

/// Each stands in several neighbourhoods, as such names do.
const NAMES: [&str; 9] = [
    "Rua das Acácias",
    "Rua dos Ipês",
    "Rua das Quaresmeiras",
    "Travessa do Ribeirão",
    "Rua Sete de Março",
    "Avenida Doutor Inventado",
    "Rua Professora Imaginária",
    "Beco do Sossego",
    "Praça do Coreto",
];
/// Houses of one side, and the way from one to the next in degrees of longitude (some 15 m).
const HOUSES: u32 = 12;
const APART_DEG: f64 = 0.000_145;

/// A street in the middle of each area, with even numbers on one side and odd ones on the other. A house's number is about its metres
/// from the beginning.
pub fn invent(areas: &[NewArea]) -> Register {
    let mut register = Register::default();
    for (area, name) in areas.iter().zip(NAMES.iter().cycle()) {
        let Some(middle) = area.geometry.interior_point() else { continue };
        for house in 0..HOUSES {
            let lon = middle.x() + (f64::from(house) - f64::from(HOUSES) / 2.0) * APART_DEG;
            for (number, side) in [(14 * house + 10, 0.000_05), (14 * house + 11, -0.000_05)] {
                register.add(Row {
                    street: (*name).to_owned(),
                    neighbourhood: area.name.clone(),
                    number,
                    suffix: String::new(),
                    cep: 0,
                    lon: (lon * 1e6).round() / 1e6,
                    lat: ((middle.y() + side) * 1e6).round() / 1e6,
                    accuracy_m: DOOR_M,
                });
            }
        }
    }
    register
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, parse_areas, read};

    #[test]
    fn every_neighbourhood_has_a_street_and_no_name_is_only_one() {
        let text = include_str!("../../simulations/data/juiz_de_fora_2026-02.areas.geojson");
        let areas = parse_areas(&read(Format::GeoJson, text.as_bytes()).unwrap()).unwrap();
        let (streets, _) = invent(&areas).finish();
        assert_eq!(streets.len(), areas.len());
        for name in NAMES {
            assert!(streets.iter().filter(|street| street.name == name).count() > 1, "{name}");
        }
        assert!(streets.iter().all(|street| street.houses.len() == 2 * HOUSES as usize));
    }
}
