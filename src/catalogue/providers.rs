//! Stations as their providers list them, made into ours: which of them are of a place, and the streams that a feed of that
//! provider fills. Pure; [`store`] holds them against the catalogue.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::feeds::formats::{Catalogue, CatalogueStation, Problem, cemaden, inmet};
use crate::risk::network::Stages;
use crate::stations::store::{NewDatastream, NewStation};
use crate::stations::{Counting, is_code};
use crate::units::{Quantity, StreamKind, vocabulary};

vocabulary! {
    /// Who publishes a list of stations that can be read.
    Provider, "provider" {
        /// CEMADEN's list with coordinates, JSONP: `estacoes([{"estacao":[…]}])`.
        Cemaden = "cemaden",
        /// INMET's automatic stations, JSON: `/estacoes/T`.
        Inmet = "inmet",
    }
}

/// Federative units by the first two digits of an IBGE code.
const UNITS: [(&str, &str); 27] = [
    ("11", "RO"),
    ("12", "AC"),
    ("13", "AM"),
    ("14", "RR"),
    ("15", "PA"),
    ("16", "AP"),
    ("17", "TO"),
    ("21", "MA"),
    ("22", "PI"),
    ("23", "CE"),
    ("24", "RN"),
    ("25", "PB"),
    ("26", "PE"),
    ("27", "AL"),
    ("28", "SE"),
    ("29", "BA"),
    ("31", "MG"),
    ("32", "ES"),
    ("33", "RJ"),
    ("35", "SP"),
    ("41", "PR"),
    ("42", "SC"),
    ("43", "RS"),
    ("50", "MS"),
    ("51", "MT"),
    ("52", "GO"),
    ("53", "DF"),
];

/// Of which place stations are wanted, as the beginning of their IBGE code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Seven digits.
    pub fn municipality(ibge: &str) -> Option<Self> {
        (ibge.len() == 7 && ibge.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(ibge.to_owned()))
    }

    /// Two letters, such as MG.
    pub fn unit(letters: &str) -> Option<Self> {
        let (digits, _) = UNITS.iter().find(|(_, unit)| unit.eq_ignore_ascii_case(letters))?;
        Some(Self((*digits).to_owned()))
    }

    /// A station whose municipality is not told is nowhere.
    fn holds(&self, station: &CatalogueStation) -> bool {
        station.ibge.as_deref().is_some_and(|ibge| ibge.starts_with(&self.0))
    }
}

/// What a list holds of a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    pub stations: Vec<NewStation>,
    pub problems: Vec<Problem>,
    /// Stations of other places.
    pub elsewhere: usize,
}

impl Provider {
    /// How stations of this provider are marked in the catalogue.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Cemaden => "CEMADEN",
            Self::Inmet => "INMET",
        }
    }

    /// Reads a list and leaves what is of the place.
    ///
    /// # Errors
    /// When it is no such list at all. A bad record never costs the others.
    pub fn read(self, body: &[u8], place: &Place) -> Result<Listed, Problem> {
        let Catalogue { stations, problems } = match self {
            Self::Cemaden => cemaden::parse_catalogue(body)?,
            Self::Inmet => inmet::parse_catalogue(body)?,
        };
        let mut listed = Listed { problems, ..Listed::default() };
        for station in stations {
            if !place.holds(&station) {
                listed.elsewhere += 1;
            } else if is_code(&station.code) && listed.stations.iter().all(|other| other.code != station.code) {
                listed.stations.push(self.station(station));
            } else {
                let message = "is no code of a station, or stands in the list twice";
                listed.problems.push(Problem::new("code", &station.code, message));
            }
        }
        listed.stations.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(listed)
    }

    fn station(self, listed: CatalogueStation) -> NewStation {
        let CatalogueStation { code, name, lat, lon, .. } = listed;
        NewStation { code, name, lon, lat, elevation_m: None, source: self.source().to_owned() }
    }

    /// What a feed of this provider brings of a new station.
    pub fn streams(self) -> Vec<NewDatastream> {
        let stream = |name: &str, quantity: Quantity, kind: StreamKind, interval_s: Option<i32>| NewDatastream {
            name: name.to_owned(),
            quantity,
            unit: quantity.canonical_unit().to_owned(),
            kind,
            interval_s,
            stale_after_s: STALE_AFTER_S,
            counting: Counting::default(),
            stages: Stages::default(),
        };
        let now = |name: &str, quantity: Quantity| stream(name, quantity, StreamKind::Instantaneous, None);
        match self {
            // Each ten minutes while it rains and hourly while it does not, so the interval is none in particular.
            Self::Cemaden => vec![stream("rain", Quantity::Rain, StreamKind::IntervalSum, None)],
            Self::Inmet => vec![
                stream("rain", Quantity::Rain, StreamKind::IntervalSum, Some(3600)),
                now("temperature", Quantity::AirTemperature),
                now("humidity", Quantity::RelativeHumidity),
                now("wind", Quantity::WindSpeed),
                now("gust", Quantity::WindGust),
            ],
        }
    }
}

/// Both send at least hourly; one missed hour is no silence yet.
const STALE_AFTER_S: i32 = 150 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    const CEMADEN: &str = include_str!("../../tests/data/feeds/cemaden_getJson2_and_catalog_testbody.txt");
    const INMET: &str = include_str!("../../tests/data/feeds/inmet_apitempo_estacoes_T_part.json");

    fn codes(listed: &Listed) -> Vec<&str> {
        listed.stations.iter().map(|station| station.code.as_str()).collect()
    }

    #[test]
    fn only_the_stations_of_the_place_are_taken() {
        let body = CEMADEN.split_once("\n\n").unwrap().0.as_bytes();
        let joinville = Provider::Cemaden.read(body, &Place::municipality("4209102").unwrap()).unwrap();
        assert_eq!((codes(&joinville), joinville.elsewhere), (vec!["6262", "6960"], 1));
        assert_eq!((joinville.stations[1].name.as_str(), joinville.stations[1].lat), ("Nova Brasília", -26.3309));
        let state = Provider::Cemaden.read(body, &Place::unit("sc").unwrap()).unwrap();
        assert_eq!(codes(&state), ["3975", "6262", "6960"]);
        let inmet = Provider::Inmet.read(INMET.as_bytes(), &Place::unit("SC").unwrap()).unwrap();
        assert!(codes(&inmet).contains(&"A817") && inmet.elsewhere > 0, "{inmet:?}");
    }

    #[test]
    fn a_place_is_a_municipality_or_a_unit() {
        assert_eq!(Place::municipality("31367"), None);
        assert_eq!(Place::municipality("313670x"), None);
        assert_eq!(Place::unit("XX"), None);
    }

    #[test]
    fn a_code_that_stands_twice_is_told_and_taken_once() {
        let body = CEMADEN.split_once("\n\n").unwrap().0.replace("6960", "6262");
        let listed = Provider::Cemaden.read(body.as_bytes(), &Place::unit("SC").unwrap()).unwrap();
        assert_eq!((codes(&listed), listed.problems.len()), (vec!["3975", "6262"], 1));
        assert!(Provider::Inmet.read(b"{}", &Place::unit("SC").unwrap()).is_err());
    }
}
