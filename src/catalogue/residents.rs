//! Residents with a home point and the ways to reach them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use geo::Point;

use super::geometry_check::{point, point_of};
use super::problems::Problems;
use super::record::{Fields, Record};
use crate::clock::Instant;
use crate::reports::words::fold;

/// Languages alerts are written in.
const LANGUAGES: [&str; 3] = ["pt-BR", "en", "es"];

/// A resident as somebody describes them; `external_ref` is the key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewResident {
    pub line: usize,
    pub feature: Option<usize>,
    pub external_ref: String,
    pub name: String,
    pub language: String,
    pub home: Point<f64>,
    pub precision_m: i32,
    /// E.164: "+5532999990000".
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Where the consent was given. LGPD (Law 13.709/2018, art. 8) asks for proof of it.
    pub consent_source: String,
    /// When; the import's own instant if the file does not say.
    pub consent_at: Option<Instant>,
}

/// Turns records into residents.
///
/// # Errors
/// Everything wrong in every record.
pub fn parse_residents(records: &[Record]) -> Result<Vec<NewResident>, Problems> {
    let mut problems = Problems::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut residents = Vec::new();
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let external_ref = fields.shaped("external_ref", |text| text.len() <= 200, "at most 200 characters");
        if let Some(key) = &external_ref {
            if let Some(line) = seen.get(key) {
                fields.wrong("external_ref", key, format!("was given before, on line {line}"));
            }
            seen.entry(key.clone()).or_insert(record.line);
        }
        if let Some(resident) = resident(&mut fields, external_ref) {
            residents.push(resident);
        }
    }
    problems.or(residents)
}

/// The same person said twice under two keys lies no farther apart than this, in degrees (some 100 m).
pub const SAME_DOOR_DEG: f64 = 0.001;

/// Each person once, by their first row: whoever has the name, the home and a telephone or mailbox of a row before is that person under
/// another key. The second part: the lines of the rows that say somebody again. Spellings do not matter: telephones are in E.164
/// here, mailboxes in small letters, and names are compared without accents.
pub fn without_repeats(residents: &[NewResident]) -> (Vec<&NewResident>, Vec<usize>) {
    let mut by_way: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let (mut single, mut repeated) = (Vec::new(), Vec::new());
    for (at, resident) in residents.iter().enumerate() {
        let name = fold(&resident.name);
        let ways = [&resident.phone, &resident.email].into_iter().flatten();
        let keys: Vec<(String, String)> = ways.map(|way| (name.clone(), way.clone())).collect();
        let is_near = |other: &usize| {
            let home = residents[*other].home;
            (home.x() - resident.home.x()).abs() < SAME_DOOR_DEG && (home.y() - resident.home.y()).abs() < SAME_DOOR_DEG
        };
        let before = keys.iter().filter_map(|key| by_way.get(key)).flatten().any(is_near);
        if before && !name.is_empty() {
            repeated.push(resident.line);
            continue;
        }
        for key in keys {
            by_way.entry(key).or_default().push(at);
        }
        single.push(resident);
    }
    (single, repeated)
}

fn resident(fields: &mut Fields<'_>, external_ref: Option<String>) -> Option<NewResident> {
    let name = fields.text("name").unwrap_or_default();
    let language = fields.text("language").unwrap_or_else(|| "pt-BR".to_owned());
    if !LANGUAGES.contains(&language.as_str()) {
        fields.wrong("language", &language, format!("expected one of {}", LANGUAGES.join(", ")));
    }
    let home = home(fields);
    let precision_m = fields.whole("precision_m", 0, 100_000).unwrap_or(50);
    let phone = fields.text("phone").and_then(|text| match normal_phone(&text) {
        Ok(phone) => Some(phone),
        Err(message) => {
            fields.wrong("phone", &text, message);
            None
        }
    });
    let email = email(fields);
    if fields.is_good() && phone.is_none() && email.is_none() {
        fields.wrong("phone, email", "", "at least one of them is needed");
    }
    let consent_source = fields.required("consent_source");
    let consent_at = consent_at(fields);
    if !fields.is_good() {
        return None;
    }
    Some(NewResident {
        line: fields.record().line,
        feature: fields.record().feature,
        external_ref: external_ref?,
        name,
        language,
        home: home?,
        precision_m,
        phone,
        email,
        consent_source: consent_source?,
        consent_at,
    })
}

fn home(fields: &mut Fields<'_>) -> Option<Point<f64>> {
    let read = match &fields.record().geometry {
        Some(geometry) => point_of(geometry),
        None => {
            let (lon, lat) = (fields.required_number("lon"), fields.required_number("lat"));
            point(lon?, lat?)
        }
    };
    read.map_err(|problem| fields.wrong("lon, lat", &problem.value, problem.message)).ok()
}

fn email(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("email")?;
    match text.parse::<lettre::Address>() {
        Ok(address) => Some(address.to_string().to_lowercase()),
        Err(error) => {
            fields.wrong("email", &text, format!("is no e-mail address: {error}"));
            None
        }
    }
}

fn consent_at(fields: &mut Fields<'_>) -> Option<Instant> {
    let text = fields.text("consent_at")?;
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Some(at.with_timezone(&Utc)),
        Err(_) => {
            fields.wrong("consent_at", &text, "expected an instant with offset, such as 2026-02-20T14:30:00-03:00");
            None
        }
    }
}

/// A telephone number that takes SMS, in E.164. Brazilian mobile numbers are taken in the ways people write them: with or
/// without +55, the trunk 0, spaces, dots, dashes and brackets. They have a two-digit area code and nine digits that begin
/// with 9 (Anatel, Resolution 749/2022).
///
/// # Errors
/// What is wrong, in words.
pub fn normal_phone(text: &str) -> Result<String, String> {
    let international = text.trim_start().starts_with('+');
    if text.chars().any(|letter| !letter.is_ascii_digit() && !" ()-.+/".contains(letter)) {
        return Err("has characters that no telephone number has".to_owned());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.as_str() {
        _ if international && !digits.starts_with("55") => {
            let good = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
            return if good { Ok(format!("+{digits}")) } else { Err("is no E.164 number (8 to 15 digits)".to_owned()) };
        }
        with_country if with_country.starts_with("55") && (international || with_country.len() > 11) => &digits[2..],
        with_trunk if with_trunk.starts_with('0') => &digits[1..],
        plain => plain,
    };
    let bytes = national.as_bytes();
    match bytes {
        [b'1'..=b'9', b'1'..=b'9', b'9', ..] if bytes.len() == 11 => Ok(format!("+55{national}")),
        [_, _, b'2'..=b'5', ..] if bytes.len() == 10 => Err("is a landline, which takes no SMS".to_owned()),
        _ if bytes.len() < 10 => Err("is too short; expected the area code and nine digits".to_owned()),
        _ => Err("is no Brazilian mobile number; expected the area code and nine digits that begin with 9".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    #[test]
    fn brazilian_numbers_are_taken_as_people_write_them() {
        for text in [
            "+55 32 99999-0000",
            "(32) 99999-0000",
            "032 99999 0000",
            "32999990000",
            "5532999990000",
            "+55(32)9.9999.0000",
        ] {
            assert_eq!(normal_phone(text).as_deref(), Ok("+5532999990000"), "{text}");
        }
        // Area code 55 (Santa Maria, RS) is not the country code.
        assert_eq!(normal_phone("55 99999-0000").as_deref(), Ok("+5555999990000"));
        assert_eq!(normal_phone("+1 202 555 0100").as_deref(), Ok("+12025550100"));
    }

    #[test]
    fn numbers_that_take_no_sms_are_refused() {
        assert!(normal_phone("(32) 3690-0000").unwrap_err().contains("landline"));
        assert!(normal_phone("99999-0000").unwrap_err().contains("too short"));
        assert!(normal_phone("32 89999-00001").is_err());
        assert!(normal_phone("zap 32 99999-0000").unwrap_err().contains("characters"));
    }

    #[test]
    fn the_same_person_under_two_keys_is_one_and_a_family_is_not() {
        let text = "external_ref,name,lat,lon,phone,email,consent_source\n\
                    1,Ana Lúcia,-21.7,-43.4,(32) 99999-0000,,formulário\n\
                    2,ANA LUCIA,-21.7001,-43.4,+55 32 99999 0000,ana@exemplo.invalid,formulário\n\
                    3,Bia,-21.7,-43.4,32999990000,,formulário\n\
                    4,Ana Lúcia,-21.8,-43.4,32999990000,,formulário\n\
                    5,,-21.7,-43.4,32999990001,,formulário\n\
                    6,,-21.7,-43.4,32999990001,,formulário\n";
        let residents = parse_residents(&read(Format::Csv, text.as_bytes()).unwrap()).unwrap();
        let (single, repeated) = without_repeats(&residents);
        let keys: Vec<&str> = single.iter().map(|one| one.external_ref.as_str()).collect();
        assert_eq!((keys, repeated), (vec!["1", "3", "4", "5", "6"], vec![3]));
    }

    #[test]
    fn a_resident_needs_a_place_a_way_and_a_consent() {
        let text = "external_ref,name,lat,lon,phone,email,consent_source\n\
                    1,Ana,-21.7,-43.4,(32) 99999-0000,Ana@Exemplo.invalid,formulário\n\
                    2,Bia,-21.7,-43.4,,,formulário\n\
                    3,Caio,-43.4,-21.7,,nobody,\n\
                    1,Davi,-21.7,-43.4,32 99999-0001,,formulário\n";
        let told = parse_residents(&read(Format::Csv, text.as_bytes()).unwrap()).unwrap_err().to_string();
        for expected in [
            "line 3: phone, email: at least one",
            "line 4: lon, lat = \"[-21.7, -43.4]\": axes swapped",
            "line 4: email = \"nobody\"",
            "line 4: consent_source: is missing",
            "line 5: external_ref = \"1\": was given before, on line 2",
        ] {
            assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
        }
        let good: String = text.lines().take(2).collect::<Vec<_>>().join("\n");
        let residents = parse_residents(&read(Format::Csv, good.as_bytes()).unwrap()).unwrap();
        assert_eq!(residents[0].email.as_deref(), Some("ana@exemplo.invalid"));
    }
}
