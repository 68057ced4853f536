//! Shelters from a list: CSV with `code,name,lat,lon,address,capacity,rooms,accessible,pets,kitchen,contact,keys`, or GeoJSON points with the
//! same properties. Pure.

use super::NewShelter;
use crate::catalogue::geometry_check::{point, point_of};
use crate::catalogue::record::{Fields, Given};
use crate::catalogue::{Problems, Record};
use crate::reports::Spot;

/// A building is known to some metres.
const PRECISION_M: i32 = 20;

/// # Errors
/// Everything wrong in every record.
pub fn parse(records: &[Record]) -> Result<Vec<NewShelter>, Problems> {
    let mut problems = Problems::default();
    let mut given = Given::default();
    let mut all = Vec::new();
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let code = fields.code("code");
        if let Some(code) = &code {
            given.once(&mut fields, "code", code);
        }
        all.extend(one(&mut fields, code));
    }
    problems.or(all)
}

fn one(fields: &mut Fields<'_>, code: Option<String>) -> Option<NewShelter> {
    let name = fields.shaped("name", |text| text.chars().count() <= 160, "at most 160 characters");
    let home = match &fields.record().geometry {
        Some(geometry) => point_of(geometry).map_err(|problem| (problem.value, problem.message)),
        None => {
            let (lon, lat) = (fields.required_number("lon"), fields.required_number("lat"));
            point(lon?, lat?).map_err(|problem| (problem.value, problem.message))
        }
    };
    let home = home.map_err(|(value, message)| fields.wrong("lon, lat", &value, message)).ok();
    fields.required("capacity")?;
    let capacity = fields.whole("capacity", 1, 20_000);
    let rooms = fields.whole("rooms", 0, 1000).unwrap_or(0);
    let [accessible, pets, kitchen] = ["accessible", "pets", "kitchen"].map(|name| flag(fields, name));
    let bounded = |text: Option<String>| -> String { text.unwrap_or_default().chars().take(300).collect() };
    let (address, contact, keys) =
        (bounded(fields.text("address")), bounded(fields.text("contact")), bounded(fields.text("keys")));
    if !fields.is_good() {
        return None;
    }
    let home = home?;
    let spot = Spot { lon: home.x(), lat: home.y(), precision_m: PRECISION_M };
    let (code, name, capacity) = (code?, name?, capacity?);
    Some(NewShelter { code, name, spot, address, capacity, rooms, accessible, pets, kitchen, contact, keys })
}

/// Yes or no, in either language; no when nothing stands there.
fn flag(fields: &mut Fields<'_>, name: &str) -> bool {
    let Some(text) = fields.text(name) else { return false };
    match text.to_lowercase().as_str() {
        "sim" | "s" | "yes" | "true" | "1" | "x" => true,
        "não" | "nao" | "n" | "no" | "false" | "0" => false,
        _ => {
            fields.wrong(name, &text, "expected sim or não");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    #[test]
    fn a_list_is_taken_and_every_mistake_is_named() {
        let header = "code,name,lat,lon,capacity,accessible,pets,kitchen,contact\n";
        let good = format!("{header}E1,Escola Halfeld,-21.7,-43.4,120,sim,não,x,Ana 32 99999-0000\n");
        let all = parse(&read(Format::Csv, good.as_bytes()).unwrap()).unwrap();
        let one = &all[0];
        assert_eq!((one.capacity, one.accessible, one.pets, one.kitchen), (120, true, false, true));
        let bad = format!("{header}E1,A,-21.7,-43.4,0,talvez,,,\nE1,B,-21.7,-43.4,,,,,\n");
        let told = parse(&read(Format::Csv, bad.as_bytes()).unwrap()).unwrap_err().to_string();
        for expected in ["capacity = \"0\"", "accessible = \"talvez\"", "was given before, on line 2", "is missing"] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
}
