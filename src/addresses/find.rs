//! From the streets that bear a name to the place that is meant. Pure: the rows come in, and the answer never depends on their
//! order.

use super::written::Written;
use super::{Candidate, Found, How, MOST};
use crate::reports::Spot;
use crate::reports::cluster::{EXACT_M, distance_m};

/// Parts of a street that lie no farther apart are one street, in degrees (some 150 m).
const BESIDE_DEG: f64 = 0.001_4;
/// Houses of one number that lie farther apart are two houses, in metres.
pub const SAME_DOOR_M: f64 = 100.0;
/// Between two houses nobody knows a place better.
const BETWEEN_M: i32 = 60;

/// A street within one neighbourhood.
#[derive(Clone, Debug, PartialEq)]
pub struct Street {
    pub id: i64,
    pub kind: String,
    pub words: Vec<String>,
    pub name: String,
    pub neighbourhood: String,
    pub neighbourhood_key: String,
    pub ceps: Vec<String>,
    pub middle: Spot,
    /// West, south, east, north.
    pub bounds: [f64; 4],
}

/// A house on one of the streets: with the number asked for, or next to it on the same side.
#[derive(Clone, Debug, PartialEq)]
pub struct House {
    pub street: i64,
    pub number: u32,
    pub suffix: String,
    pub spot: Spot,
}

/// A house with its street.
type Door<'a> = (&'a Street, &'a House);

/// How well the streets fit what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Their whole name is written.
    Whole,
    /// The end of it, as people leave out titles and first names.
    Tail,
    /// Nearly it.
    Alike,
}

/// The place that is meant, or the places that may be.
pub fn decide(written: &Written, fit: Fit, streets: &[Street], houses: &[House]) -> Found {
    let (mut places, is_of_kind) = listed(written, streets, houses);
    let is_said = match fit {
        Fit::Whole => !written.kind.is_empty() || places.iter().all(|place| is_door(place.how)),
        Fit::Tail => !written.kind.is_empty() && places.iter().all(|place| place.how == How::Number),
        Fit::Alike => false,
    };
    match places.as_slice() {
        [] => Found::Nothing,
        [_] if is_of_kind && is_said => Found::One(places.remove(0)),
        _ => Found::Several(places),
    }
}

/// The places on these streets that the words may mean, the likeliest first, and whether the streets are of the kind that is written.
pub fn listed(written: &Written, streets: &[Street], houses: &[House]) -> (Vec<Candidate>, bool) {
    let mut streets: Vec<&Street> = streets.iter().collect();
    streets.sort_by_key(|street| street.id);
    let of_kind: Vec<&Street> = streets.iter().filter(|street| street.kind == written.kind).copied().collect();
    let is_of_kind = written.kind.is_empty() || !of_kind.is_empty();
    if !written.kind.is_empty() && is_of_kind {
        streets = of_kind;
    }
    let named: Vec<&Street> = streets.iter().filter(|street| is_named(written, street)).copied().collect();
    let mut places = places(written, &named, houses);
    // A long street runs on into the next neighbourhood: the number may stand there.
    if named.is_empty() || (written.number.is_some() && !places.iter().any(|place| is_door(place.how))) {
        let mut whole = self::whole(&streets);
        if !named.is_empty() {
            whole.retain(|parts| parts.iter().any(|part| named.iter().any(|street| street.id == part.id)));
        }
        places = whole.iter().flat_map(|parts| self::places(written, parts, houses)).collect();
    }
    // The exact ones first, then the smaller ones, then by name.
    places.sort_by(|a, b| {
        (!is_door(a.how), a.spot.precision_m)
            .cmp(&(!is_door(b.how), b.spot.precision_m))
            .then_with(|| a.label.cmp(&b.label))
    });
    places.dedup();
    places.truncate(MOST);
    (places, is_of_kind)
}

const fn is_door(how: How) -> bool {
    matches!(how, How::Number | How::Between)
}

/// The words beside the street, or behind its name, name its neighbourhood, or its CEP.
pub fn is_named(written: &Written, street: &Street) -> bool {
    let behind = written.name.get(street.words.len()..).unwrap_or_default().join(" ");
    let name = super::key::words(&street.neighbourhood_key).join(" ");
    let holds = |text: &str| !name.is_empty() && format!(" {text} ").contains(&format!(" {name} "));
    holds(&super::key::words(&written.beside).join(" "))
        || holds(&behind)
        || written.cep.as_ref().is_some_and(|cep| street.ceps.contains(cep))
}

/// All that stands behind the street's name is the name of its neighbourhood.
pub fn is_rest(written: &Written, street: &Street) -> bool {
    let rest = written.name.get(street.words.len()..).unwrap_or_default();
    !rest.is_empty() && rest == super::key::words(&street.neighbourhood_key)
}

/// Parts that lie beside each other, together.
fn whole<'a>(streets: &[&'a Street]) -> Vec<Vec<&'a Street>> {
    let mut groups: Vec<Vec<&Street>> = Vec::new();
    for street in streets {
        let (mut near, far): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(|other| are_beside(street, other)));
        groups = far;
        let mut joined: Vec<&Street> = near.drain(..).flatten().collect();
        joined.push(street);
        groups.push(joined);
    }
    groups
}

fn are_beside(a: &Street, b: &Street) -> bool {
    let ([west, south, east, north], [w, s, e, n]) = (a.bounds, b.bounds);
    let is_near = |low: f64, high: f64, other_low: f64, other_high: f64| {
        low - BESIDE_DEG <= other_high && other_low - BESIDE_DEG <= high
    };
    a.kind == b.kind && a.words == b.words && is_near(west, east, w, e) && is_near(south, north, s, n)
}

/// Where the written address may be on one street.
fn places(written: &Written, parts: &[&Street], houses: &[House]) -> Vec<Candidate> {
    if parts.is_empty() {
        return Vec::new();
    }
    let mut own: Vec<Door<'_>> = houses
        .iter()
        .filter_map(|house| parts.iter().find(|part| part.id == house.street).map(|part| (*part, house)))
        .collect();
    own.sort_by(|(_, a), (_, b)| (a.number, a.street, &a.suffix).cmp(&(b.number, b.street, &b.suffix)));
    if let Some(number) = written.number {
        let doors = doors(written, number, &own);
        if !doors.is_empty() {
            return doors;
        }
        if let Some(between) = between(number, &own) {
            return vec![between];
        }
    }
    // Parts that lie apart are several streets, also where each bears the neighbourhood's name.
    let mut middles: Vec<Candidate> = whole(parts).iter().filter_map(|parts| middle(parts)).collect();
    // A house that nobody knows stands anywhere on its street, or beyond the last one that is known.
    if written.number.is_some() {
        for place in &mut middles {
            place.spot.precision_m = place.spot.precision_m.max(EXACT_M + 1);
        }
    }
    middles
}

/// The houses of this number. The same door may stand in two sources, or for two neighbourhoods that both claim it.
fn doors(written: &Written, number: u32, own: &[Door<'_>]) -> Vec<Candidate> {
    let all: Vec<&Door<'_>> = own.iter().filter(|(_, house)| house.number == number).collect();
    // A letter that nobody knows is at the number without one.
    let with = |suffix: &str| all.iter().filter(|(_, house)| house.suffix == suffix).copied().collect::<Vec<_>>();
    let mut chosen = [with(&written.suffix), with("")].into_iter().find(|some| !some.is_empty()).unwrap_or(all);
    chosen.sort_by_key(|(street, house)| (house.spot.precision_m, street.id));
    let mut found: Vec<Candidate> = Vec::new();
    for (street, house) in chosen {
        let is_known = found.iter().any(|known| {
            let apart_m = distance_m(known.spot, house.spot);
            apart_m <= SAME_DOOR_M.max(f64::from(known.spot.precision_m + house.spot.precision_m))
        });
        if !is_known {
            let shown = format!("{number}{}", letter(&house.suffix));
            found.push(Candidate {
                label: label(&street.name, &shown, &street.neighbourhood),
                spot: house.spot,
                how: How::Number,
            });
        }
    }
    found
}

fn letter(suffix: &str) -> String {
    if suffix.is_empty() { String::new() } else { format!("-{}", suffix.to_uppercase()) }
}

fn label(street: &str, number: &str, neighbourhood: &str) -> String {
    let number = if number.is_empty() { String::new() } else { format!(", {number}") };
    let neighbourhood = if neighbourhood.is_empty() { String::new() } else { format!(" – {neighbourhood}") };
    format!("{street}{number}{neighbourhood}")
}

/// Between the nearest houses below and above on the same side, as far along as the number says.
fn between(number: u32, own: &[Door<'_>]) -> Option<Candidate> {
    let same_side = own.iter().filter(|(_, house)| house.number % 2 == number % 2);
    let (mut below, mut above): (Option<&Door<'_>>, Option<&Door<'_>>) = (None, None);
    for one in same_side {
        let is_better = |known: Option<&Door<'_>>| {
            known.is_none_or(|(_, known)| known.number.abs_diff(number) > one.1.number.abs_diff(number))
        };
        if one.1.number < number && is_better(below) {
            below = Some(one);
        }
        if one.1.number > number && is_better(above) {
            above = Some(one);
        }
    }
    let ((street, below), (_, above)) = (below?, above?);
    let share = f64::from(number - below.number) / f64::from(above.number - below.number);
    let along = |from: f64, to: f64| (to - from).mul_add(share, from);
    let half_m = (distance_m(below.spot, above.spot) / 2.0).ceil() as i32;
    let precision_m = half_m.max(BETWEEN_M).max(below.spot.precision_m).max(above.spot.precision_m);
    let spot =
        Spot { lon: along(below.spot.lon, above.spot.lon), lat: along(below.spot.lat, above.spot.lat), precision_m };
    Some(Candidate { label: label(&street.name, &number.to_string(), &street.neighbourhood), spot, how: How::Between })
}

/// The middle of a street of one or more parts.
fn middle(parts: &[&Street]) -> Option<Candidate> {
    let first = parts.first()?;
    let mut names: Vec<&str> =
        parts.iter().map(|part| part.neighbourhood.as_str()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let others = if names.len() > 2 { ", …" } else { "" };
    names.truncate(2);
    let label = label(&first.name, "", &format!("{}{others}", names.join(", ")));
    if let [one] = parts {
        return Some(Candidate { label, spot: one.middle, how: How::Street });
    }
    let [west, south, east, north] = parts.iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |all, part| {
        let [west, south, east, north] = part.bounds;
        [all[0].min(west), all[1].min(south), all[2].max(east), all[3].max(north)]
    });
    let spot = Spot { lon: f64::midpoint(west, east), lat: f64::midpoint(south, north), precision_m: 0 };
    let corner = Spot { lon: west, lat: south, precision_m: 0 };
    let precision_m = distance_m(spot, corner).round() as i32 + super::register::DOOR_M;
    Some(Candidate { label, spot: Spot { precision_m, ..spot }, how: How::Street })
}

#[cfg(test)]
mod tests {
    use super::super::written::{Mode, read};
    use super::*;

    const DEG_M: f64 = 111_195.0;

    /// A street from south to north, so many metres long, beginning so many metres north.
    fn street(id: i64, name: &str, neighbourhood: &str, (from_m, long_m): (f64, f64)) -> Street {
        let (kind, words) = super::super::key::split(name);
        let (south, north) = (-21.75 + from_m / DEG_M, -21.75 + (from_m + long_m) / DEG_M);
        Street {
            id,
            kind: kind.into(),
            words,
            name: name.into(),
            neighbourhood: neighbourhood.into(),
            neighbourhood_key: crate::reports::words::fold(neighbourhood),
            ceps: vec![format!("3606000{id}")],
            middle: Spot { lon: -43.3, lat: f64::midpoint(south, north), precision_m: (long_m / 2.0) as i32 + 15 },
            bounds: [-43.3, south, -43.3, north],
        }
    }

    fn house(street: i64, number: u32, north_m: f64) -> House {
        let spot = Spot { lon: -43.3, lat: -21.75 + north_m / DEG_M, precision_m: 15 };
        House { street, number, suffix: String::new(), spot }
    }

    fn ask(text: &str, streets: &[Street], houses: &[House]) -> Found {
        let written = read(text, Mode::Field).remove(0);
        let answer = decide(&written, Fit::Whole, streets, houses);
        let (mut turned, mut rows) = (streets.to_vec(), houses.to_vec());
        turned.reverse();
        rows.reverse();
        assert_eq!(decide(&written, Fit::Whole, &turned, &rows), answer, "the order of rows decides nothing");
        answer
    }

    fn said(found: &Found) -> Vec<String> {
        let line = |one: &Candidate| format!("{} · {} · {}", one.label, one.how, one.spot.precision_m);
        found.candidates().iter().map(line).collect()
    }

    #[test]
    fn a_known_number_is_its_door_and_an_unknown_one_lies_between_its_neighbours() {
        let streets = [street(1, "Rua das Flores", "Linhares", (0.0, 400.0))];
        let houses = [house(1, 20, 20.0), house(1, 21, 22.0), house(1, 40, 60.0), house(1, 19, 300.0)];
        let found = ask("Rua das Flores, 20", &streets, &houses);
        assert!(matches!(found, Found::One(_)));
        assert_eq!(said(&found), ["Rua das Flores, 20 – Linhares · number · 15"]);
        let found = ask("R. das Flores 30", &streets, &houses);
        assert_eq!(said(&found), ["Rua das Flores, 30 – Linhares · between · 60"]);
        let at_m = (found.candidates()[0].spot.lat + 21.75) * DEG_M;
        assert!((at_m - 40.0).abs() < 0.01, "{at_m}: the odd side has no say");
        // Beyond its last house nobody knows where it goes on.
        assert_eq!(said(&ask("R. das Flores 90", &streets, &houses)), ["Rua das Flores – Linhares · street · 215"]);
        assert_eq!(said(&ask("Rua das Flores", &streets, &houses)), ["Rua das Flores – Linhares · street · 215"]);
    }

    #[test]
    fn one_name_in_two_neighbourhoods_is_no_guess_unless_the_words_decide() {
        let streets = [
            street(1, "Rua das Flores", "Linhares", (0.0, 400.0)),
            street(2, "Rua das Flores", "Bom Pastor", (5000.0, 200.0)),
        ];
        let houses = [house(1, 20, 20.0)];
        let found = ask("Rua das Flores, 20", &streets, &houses);
        assert!(matches!(found, Found::Several(_)));
        let both = ["Rua das Flores, 20 – Linhares · number · 15", "Rua das Flores – Bom Pastor · street · 201"];
        assert_eq!(said(&found), both);
        for text in ["Rua das Flores 20, LINHARES", "rua das flores 20 linhares", "Rua das Flores 20, 36060-001"] {
            let found = ask(text, &streets, &houses);
            assert!(matches!(found, Found::One(_)), "{text}");
            assert_eq!(said(&found), both[..1], "{text}");
        }
        assert_eq!(said(&ask("Rua das Flores 20 – Bom Pastor", &streets, &houses)), both[1..]);
    }

    #[test]
    fn a_long_street_through_neighbourhoods_is_one_street() {
        let streets = [
            street(1, "Avenida Rio Branco", "Centro", (0.0, 1000.0)),
            street(2, "Avenida Rio Branco", "Bom Pastor", (1050.0, 1000.0)),
        ];
        let houses = [house(2, 2100, 1900.0)];
        let found = ask("Av. Rio Branco 2.100", &streets, &houses);
        assert_eq!(said(&found), ["Avenida Rio Branco, 2100 – Bom Pastor · number · 15"]);
        // The neighbourhood is the next one: the number decides.
        assert_eq!(said(&ask("Av. Rio Branco 2.100, Centro", &streets, &houses)), said(&found));
        assert_eq!(
            said(&ask("Avenida Rio Branco", &streets, &houses)),
            ["Avenida Rio Branco – Bom Pastor, Centro · street · 1040"]
        );
        assert_eq!(
            said(&ask("Avenida Rio Branco, Centro", &streets, &houses)),
            ["Avenida Rio Branco – Centro · street · 515"]
        );
    }

    #[test]
    fn streets_side_by_side_with_one_number_each_are_two_places() {
        let streets = [street(1, "Rua A", "Vila Nova", (0.0, 300.0)), street(2, "Rua A", "Vila Velha", (350.0, 300.0))];
        let houses = [house(1, 20, 20.0), house(2, 20, 370.0)];
        assert_eq!(said(&ask("Rua A, 20", &streets, &houses)).len(), 2);
        assert_eq!(said(&ask("Rua A, 20, Vila Velha", &streets, &houses)), ["Rua A, 20 – Vila Velha · number · 15"]);
    }

    #[test]
    fn another_kind_of_street_or_none_is_taken_by_nobody_unasked() {
        let streets = [street(1, "Rua das Flores", "Linhares", (0.0, 400.0))];
        let houses = [house(1, 20, 20.0)];
        assert!(matches!(ask("Avenida das Flores, 20", &streets, &houses), Found::Several(_)));
        assert!(matches!(ask("Flores", &streets, &houses), Found::Several(_)));
        assert!(matches!(ask("Flores 20", &streets, &houses), Found::One(_)));
        let written = read("Rua das Flores 20", Mode::Field).remove(0);
        assert!(matches!(decide(&written, Fit::Alike, &streets, &houses), Found::Several(_)));
        assert!(matches!(decide(&written, Fit::Tail, &streets, &houses), Found::One(_)));
        let written = read("Rua das Flores", Mode::Field).remove(0);
        assert!(matches!(decide(&written, Fit::Tail, &streets, &houses), Found::Several(_)));
        assert_eq!(decide(&written, Fit::Whole, &[], &[]), Found::Nothing);
    }

    #[test]
    fn a_number_that_nobody_knows_is_never_exact() {
        let streets = [street(1, "Rua das Flores", "Linhares", (0.0, 100.0))];
        let houses = [house(1, 20, 20.0), house(1, 40, 60.0)];
        assert_eq!(said(&ask("Rua das Flores, 90", &streets, &houses)), ["Rua das Flores – Linhares · street · 201"]);
        assert_eq!(said(&ask("Rua das Flores", &streets, &houses)), ["Rua das Flores – Linhares · street · 65"]);
    }

    #[test]
    fn a_shorter_name_is_the_street_only_before_its_neighbourhood() {
        let linhares = street(1, "Rua São João", "Linhares", (0.0, 100.0));
        for (text, is_it) in [("Rua São João Batista, 20, Linhares", false), ("Rua São João Linhares", true)] {
            assert_eq!(is_rest(&read(text, Mode::Field)[0], &linhares), is_it, "{text}");
        }
        let morro = street(2, "Rua A", "Jardim Santa Luzia", (0.0, 100.0));
        assert!(is_named(&read("Rua A, 3, Jd. Sta. Luzia", Mode::Field)[0], &morro));
    }

    #[test]
    fn a_letter_tells_doors_apart_where_the_register_knows_it() {
        let streets = [street(1, "Rua das Flores", "Linhares", (0.0, 400.0))];
        let houses = [house(1, 20, 20.0), House { suffix: "a".into(), ..house(1, 20, 160.0) }];
        assert_eq!(
            said(&ask("Rua das Flores, 20-A", &streets, &houses)),
            ["Rua das Flores, 20-A – Linhares · number · 15"]
        );
        assert_eq!(
            said(&ask("Rua das Flores, 20", &streets, &houses)),
            ["Rua das Flores, 20 – Linhares · number · 15"]
        );
        let without = ask("Rua das Flores, 20-B", &streets, &houses[..1]);
        assert_eq!(said(&without), ["Rua das Flores, 20 – Linhares · number · 15"]);
    }
}
