//! Residents who do not exist. The same every time; numbers and addresses that reach nobody.

use geo::{Area, BoundingRect, Contains, Point, Polygon};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::catalogue::{NewArea, NewResident};
use crate::clock::Instant;

/// How many.
pub const COUNT: usize = 3000;

const SEED: u64 = 3_136_702;

const FIRST: [&str; 40] = [
    "Adelina",
    "Alceu",
    "Amália",
    "Anselmo",
    "Aurora",
    "Benedita",
    "Caetano",
    "Cândida",
    "Célio",
    "Clarice",
    "Dalva",
    "Dirceu",
    "Edite",
    "Eliseu",
    "Estela",
    "Evaristo",
    "Filomena",
    "Genésio",
    "Glória",
    "Heitor",
    "Iracema",
    "Ivo",
    "Jandira",
    "Jonas",
    "Juraci",
    "Lázaro",
    "Leonor",
    "Lindomar",
    "Marlene",
    "Moacir",
    "Nair",
    "Odair",
    "Olívia",
    "Osmar",
    "Quitéria",
    "Raimunda",
    "Sebastião",
    "Tereza",
    "Valdir",
    "Zilda",
];
const LAST: [&str; 30] = [
    "Abrantes",
    "Aguiar",
    "Alvarenga",
    "Amarante",
    "Bicalho",
    "Boaventura",
    "Brandão",
    "Caldeira",
    "Camargo",
    "Dantas",
    "Drumond",
    "Esteves",
    "Falcão",
    "Furtado",
    "Galvão",
    "Guedes",
    "Lacerda",
    "Linhares",
    "Macedo",
    "Malta",
    "Negreiros",
    "Noronha",
    "Paiva",
    "Peçanha",
    "Quaresma",
    "Rezende",
    "Salgado",
    "Teles",
    "Vilela",
    "Zanetti",
];

/// Homes inside the areas, as many in each as its surface says: nothing here tells where anybody real lives.
pub fn invent(areas: &[NewArea], consent_at: Instant) -> Vec<NewResident> {
    let mut chance = Chance(StdRng::seed_from_u64(SEED));
    let polygons: Vec<&Polygon<f64>> = areas.iter().flat_map(|area| &area.geometry.0).collect();
    let mut until = Vec::with_capacity(polygons.len());
    let mut total = 0.0;
    for polygon in &polygons {
        total += polygon.unsigned_area();
        until.push(total);
    }
    (0..COUNT)
        .filter_map(|number| {
            let pick = chance.unit() * total;
            let index = until.partition_point(|end| *end <= pick).min(polygons.len().checked_sub(1)?);
            let home = inside(&mut chance, polygons.get(index)?)?;
            Some(resident(&mut chance, number, home, consent_at))
        })
        .collect()
}

fn resident(chance: &mut Chance, number: usize, home: Point<f64>, consent_at: Instant) -> NewResident {
    let name = format!("{} {} {}", chance.of(&FIRST), chance.of(&LAST), chance.of(&LAST));
    let way = chance.unit();
    // No Brazilian mobile number begins with 90 after the area code: these can reach nobody.
    let phone = (way < 0.92).then(|| format!("+553290{number:07}"));
    let email = (way >= 0.45).then(|| format!("morador.{number:04}@exemplo.invalid"));
    let language = match chance.unit() {
        share if share < 0.97 => "pt-BR",
        share if share < 0.99 => "es",
        _ => "en",
    };
    NewResident {
        line: number + 1,
        feature: None,
        external_ref: format!("demo-{number:04}"),
        name,
        language: language.to_owned(),
        home,
        precision_m: 10,
        phone,
        email,
        consent_source: "demonstração: morador fictício".to_owned(),
        consent_at: Some(consent_at),
    }
}

/// A point within the polygon, by trying points of its box.
fn inside(chance: &mut Chance, polygon: &Polygon<f64>) -> Option<Point<f64>> {
    let bounds = polygon.bounding_rect()?;
    (0..1000).find_map(|_| {
        let degrees = |value: f64| (value * 1e6).round() / 1e6;
        let lon = degrees(bounds.min().x + chance.unit() * bounds.width());
        let lat = degrees(bounds.min().y + chance.unit() * bounds.height());
        Some(Point::new(lon, lat)).filter(|point| polygon.contains(point))
    })
}

struct Chance(StdRng);

impl Chance {
    /// From 0 up to, not including, 1.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of(&mut self, words: &[&'static str]) -> &'static str {
        let index = (self.unit() * words.len() as f64) as usize;
        words.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue::{Format, parse_areas, read};
    use crate::demo::seed::AREAS;

    fn areas() -> Vec<NewArea> {
        parse_areas(&read(Format::GeoJson, AREAS.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn everyone_lives_in_an_area_and_is_the_same_person_every_time() {
        let areas = areas();
        let people = invent(&areas, Instant::default());
        assert_eq!(people.len(), COUNT);
        assert_eq!(people, invent(&areas, Instant::default()));
        let home_of = |person: &NewResident| areas.iter().position(|area| area.geometry.contains(&person.home));
        let homes: Vec<Option<usize>> = people.iter().map(home_of).collect();
        assert!(homes.iter().all(Option::is_some));
        let inhabited: BTreeSet<_> = homes.into_iter().collect();
        assert!(inhabited.len() > 70, "{}", inhabited.len());
    }

    #[test]
    fn nobody_can_be_reached() {
        for person in invent(&areas(), Instant::default()) {
            assert!(person.phone.is_some() || person.email.is_some());
            assert!(person.phone.is_none_or(|phone| phone.starts_with("+553290") && phone.len() == 14));
            assert!(person.email.is_none_or(|email| email.ends_with(".invalid")));
        }
    }
}
