//! Institutions from a list: CSV with `external_ref,name,kind,lat,lon,precision_m,address,people` and up to ten contacts
//! `contact1_name,contact1_phone,contact1_email,contact2_name…`; or GeoJSON points with the same properties. Pure.

use super::{Contact, Kind, MOST_CONTACTS, NewInstitution, contact};
use crate::catalogue::geometry_check::{point, point_of};
use crate::catalogue::record::{Fields, Given};
use crate::catalogue::{Problems, Record};
use crate::reports::Spot;

/// Metres by which a place is known of which the list does not say.
const PRECISION_M: i32 = 50;

/// # Errors
/// Everything wrong in every record.
pub fn parse(records: &[Record]) -> Result<Vec<NewInstitution>, Problems> {
    let mut problems = Problems::default();
    let mut given = Given::default();
    let mut all = Vec::new();
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let key = fields.shaped("external_ref", |text| text.len() <= 200, "at most 200 characters");
        if let Some(key) = &key {
            given.once(&mut fields, "external_ref", key);
        }
        all.extend(one(&mut fields, key));
    }
    problems.or(all)
}

fn one(fields: &mut Fields<'_>, key: Option<String>) -> Option<NewInstitution> {
    let name = fields.shaped("name", |text| text.chars().count() <= 160, "at most 160 characters");
    let kind = match fields.text("kind") {
        None => Some(Kind::Other),
        Some(_) => fields.parsed::<Kind>("kind"),
    };
    let home = match &fields.record().geometry {
        Some(geometry) => point_of(geometry).map_err(|problem| (problem.value, problem.message)),
        None => {
            let (lon, lat) = (fields.required_number("lon"), fields.required_number("lat"));
            point(lon?, lat?).map_err(|problem| (problem.value, problem.message))
        }
    };
    let home = home.map_err(|(value, message)| fields.wrong("lon, lat", &value, message)).ok();
    let precision_m = fields.whole("precision_m", 0, 100_000).unwrap_or(PRECISION_M);
    let people = fields.whole("people", 0, 100_000).unwrap_or(0);
    let address: String = fields.text("address").unwrap_or_default().chars().take(300).collect();
    let contacts = contacts(fields);
    if fields.is_good() && contacts.is_empty() {
        fields.wrong("contact1_name", "", "at least one contact is needed");
    }
    if !fields.is_good() {
        return None;
    }
    let home = home?;
    let spot = Spot { lon: home.x(), lat: home.y(), precision_m };
    Some(NewInstitution { external_ref: Some(key?), name: name?, kind: kind?, spot, address, people, contacts })
}

fn contacts(fields: &mut Fields<'_>) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for number in 1..=MOST_CONTACTS {
        let [name, phone, email] = ["name", "phone", "email"].map(|part| format!("contact{number}_{part}"));
        let text = |fields: &mut Fields<'_>, field: &str| fields.text(field).unwrap_or_default();
        let given = [text(fields, &name), text(fields, &phone), text(fields, &email)];
        if given.iter().all(String::is_empty) {
            continue;
        }
        match contact(&given[0], &given[1], &given[2]) {
            Ok(one) => contacts.push(one),
            Err((part, message)) => {
                let value = match part {
                    "phone" => &given[1],
                    "email" => &given[2],
                    _ => &given[0],
                };
                fields.wrong(&format!("contact{number}_{part}"), value, message);
            }
        }
    }
    contacts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    #[test]
    fn a_list_is_taken_with_its_contacts_in_order_and_every_mistake_is_named() {
        let header = "external_ref,name,kind,lat,lon,people,contact1_name,contact1_phone,contact1_email,contact2_name,contact2_phone\n";
        let good = format!("{header}E1,Escola Halfeld,school,-21.7,-43.4,420,Ana,32 99999-0000,,Bia,32 99999-0001\n");
        let all = parse(&read(Format::Csv, good.as_bytes()).unwrap()).unwrap();
        let names: Vec<&str> = all[0].contacts.iter().map(|contact| contact.name.as_str()).collect();
        assert_eq!((all[0].kind, all[0].people, names), (Kind::School, 420, vec!["Ana", "Bia"]));
        let bad = format!("{header}E1,A,castle,-21.7,-43.4,,Ana,x,,,\nE1,B,school,-21.7,-43.4,,,,,,\n");
        let told = parse(&read(Format::Csv, bad.as_bytes()).unwrap()).unwrap_err().to_string();
        for expected in ["kind = \"castle\"", "contact1_phone = \"x\"", "was given before, on line 2"] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
}
