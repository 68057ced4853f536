//! The form of a subscription, field by field.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::addresses::Candidate;
use crate::catalogue::geometry_check::point;
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::residents::companions::{self, Relation};
use crate::residents::locate::{Given, Located, locate};
use crate::residents::own;
use crate::residents::preferences::{LeastLevel, Need, Preferences, Quiet};
use crate::residents::signup::{COMPANIONS, LABEL_MAX, Living, NAME_MAX, PLACES, Signup, SignupPlace};

/// Languages alerts are written in.
pub const LANGUAGES: [&str; 3] = ["pt-BR", "en", "es"];
/// Fields of a form, and letters of one.
const MOST_FIELDS: usize = 90;
const MOST_LETTERS: usize = 500;
const MOST_PEOPLE: i16 = 50;

/// A form that says what it has to.
pub struct Filled {
    pub to: (Channel, String),
    pub wish: Signup,
}

/// What is wrong, as keys of texts, and the places that words of the form may mean.
#[derive(Default)]
pub struct Wrong {
    pub keys: Vec<&'static str>,
    pub which: Vec<(usize, Vec<Candidate>)>,
}

/// The fields by name, without what no browser sends. Of several of one name the last counts.
pub fn bounded(fields: Vec<(String, String)>) -> BTreeMap<String, String> {
    let plain =
        |text: &str| -> String { text.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect() };
    fields.into_iter().take(MOST_FIELDS).map(|(name, value)| (plain(&name), plain(&value))).collect()
}

/// The value of a radio button that chooses this place.
pub fn choice(one: &Candidate) -> String {
    format!("{:.6};{:.6};{};{}", one.spot.lon, one.spot.lat, one.spot.precision_m, one.label)
}

fn chosen(value: &str) -> Option<(f64, f64, f64, &str)> {
    let mut parts = value.splitn(4, ';');
    let mut number = || parts.next()?.parse::<f64>().ok().filter(|number| number.is_finite());
    let (lon, lat, metres) = (number()?, number()?, number()?);
    point(lon, lat).ok()?;
    Some((lon, lat, metres, parts.next()?))
}

/// # Errors
/// What the database says.
pub async fn read(
    conn: &mut PgConnection,
    given: &BTreeMap<String, String>,
    lang: Lang,
) -> sqlx::Result<Result<Filled, Wrong>> {
    let mut wrong = Wrong::default();
    let field = |name: &str| given.get(name).map_or("", |text| text.trim());
    let to = own::address(field("who")).ok();
    if to.is_none() {
        wrong.keys.push("own-wrong-address");
    }
    let places = places(conn, given, &mut wrong).await?;
    let preferences = preferences(field("least_level"), field("quiet_from"), field("quiet_until"));
    if preferences.is_err() {
        wrong.keys.push("own-wrong-preferences");
    }
    let needs: Vec<Need> = Need::ALL.iter().copied().filter(|need| field(&format!("need_{need}")) == "yes").collect();
    if !needs.is_empty() && field("needs_consent") != "yes" {
        wrong.keys.push("signup-wrong-needs");
    }
    let companions = companions(given, &mut wrong);
    if field("consent") != "yes" {
        wrong.keys.push("signup-wrong-consent");
    }
    let (Some(to), Ok(preferences), true) = (to, preferences, wrong.keys.is_empty()) else { return Ok(Err(wrong)) };
    let language = LANGUAGES.iter().find(|tag| **tag == field("language")).copied().unwrap_or(lang.tag());
    let name: String = field("name").chars().take(NAME_MAX).collect();
    let language = language.to_owned();
    Ok(Ok(Filled { to, wish: Signup { name, language, places, preferences, needs, companions } }))
}

/// Who lives at the first place. Whoever is named has a relation, and nobody is named without the consent to it.
fn companions(given: &BTreeMap<String, String>, wrong: &mut Wrong) -> Vec<Living> {
    let field = |name: String| given.get(&name).map_or("", |text| text.trim());
    let mut all = Vec::new();
    for number in 1..=COMPANIONS {
        let name = field(format!("living{number}"));
        let is_ticked = |need: &Need| field(format!("living{number}_{need}")) == "yes";
        let needs: Vec<Need> = Need::ALL.iter().copied().filter(is_ticked).collect();
        let relation = field(format!("living{number}_is"));
        if name.is_empty() && relation.is_empty() && needs.is_empty() {
            continue;
        }
        match relation.parse::<Relation>() {
            Ok(relation) if !name.is_empty() && name.chars().count() <= companions::NAME_MAX => {
                all.push(Living { name: name.to_owned(), relation, needs });
            }
            _ => wrong.keys.push("signup-wrong-living"),
        }
    }
    if !all.is_empty() && field("household_consent".to_owned()) != "yes" {
        wrong.keys.push("signup-wrong-household");
    }
    all
}

/// Preferences from the fields of a form.
///
/// # Errors
/// When one of them is none.
pub fn preferences(least_level: &str, from: &str, until: &str) -> Result<Preferences, String> {
    let least_level = match least_level {
        "" => LeastLevel::Observation,
        word => word.parse().map_err(|error: crate::units::UnknownWord| error.to_string())?,
    };
    Ok(Preferences { least_level, quiet: Quiet::read(from, until)? })
}

async fn places(
    conn: &mut PgConnection,
    given: &BTreeMap<String, String>,
    wrong: &mut Wrong,
) -> sqlx::Result<Vec<SignupPlace>> {
    let mut places = Vec::new();
    for number in 1..=PLACES {
        let Some(one) = fields_of(given, number) else { continue };
        match locate(&mut *conn, one).await? {
            Located::There(place) => places.push(place),
            Located::Which(all) => {
                wrong.which.push((number, all));
                wrong.keys.push("signup-which");
            }
            Located::Unknown => wrong.keys.push("signup-wrong-place"),
            Located::Far => wrong.keys.push("signup-far"),
        }
    }
    if places.is_empty() && wrong.keys.is_empty() {
        wrong.keys.push("signup-no-place");
    }
    wrong.keys.dedup();
    Ok(places)
}

/// What was given of one place; `None` for one that was left empty. A chosen place wins over the words, and so does a pin.
fn fields_of(given: &BTreeMap<String, String>, number: usize) -> Option<Given<'_>> {
    let field = |name: &str| given.get(name).map_or("", |text| text.trim());
    let text = if number == 1 { field("place") } else { field(&format!("place{number}")) };
    let label = field(&format!("label{number}"));
    let label = label.char_indices().nth(LABEL_MAX).map_or(label, |(end, _)| &label[..end]);
    let label = match (label, number) {
        ("", 1) => "home",
        ("", _) => "Lugar",
        (label, _) => label,
    };
    let people = field(&format!("people{number}")).parse().unwrap_or(1).clamp(1, MOST_PEOPLE);
    if let Some((lon, lat, metres, address)) = chosen(field(&format!("choice{number}"))) {
        return Some(Given { point: Some((lon, lat)), accuracy_m: Some(metres), text: address, label, people });
    }
    let number_of = |name: &str| field(name).replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite());
    let pin = if number == 1 { number_of("lon").zip(number_of("lat")) } else { None };
    let pin = pin.filter(|(lon, lat)| point(*lon, *lat).is_ok());
    if text.is_empty() && pin.is_none() {
        return None;
    }
    Some(Given { point: pin, accuracy_m: pin.and(number_of("accuracy_m")), text, label, people })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::How;
    use crate::reports::Spot;

    #[test]
    fn a_chosen_place_is_the_one_that_was_shown() {
        let spot = Spot { lon: -43.35, lat: -21.76, precision_m: 40 };
        let one = Candidate { label: "Rua A, 1; fundos".into(), spot, how: How::Number };
        assert_eq!(chosen(&choice(&one)), Some((-43.35, -21.76, 40.0, "Rua A, 1; fundos")));
        for bad in ["", "1;2", "NaN;0;1;x", "-21.76;-143;1;x", "a;b;c;d"] {
            assert_eq!(chosen(bad), None, "{bad}");
        }
    }

    #[test]
    fn whoever_lives_there_is_named_whole_and_with_a_consent() {
        let read = |fields: &[(&str, &str)]| {
            let given = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let mut wrong = Wrong::default();
            let all = companions(&given, &mut wrong);
            (all, wrong.keys)
        };
        let whole = [("living2", " Rosa "), ("living2_is", "parent"), ("living2_mobility", "yes")];
        let rosa = Living { name: "Rosa".into(), relation: Relation::Parent, needs: vec![Need::Mobility] };
        assert_eq!(read(&[&whole[..], &[("household_consent", "yes")]].concat()), (vec![rosa], Vec::new()));
        assert_eq!(read(&whole).1, ["signup-wrong-household"]);
        for part in [("living1", "Rosa"), ("living1_is", "parent"), ("living1_sight", "yes"), ("living1_is", "boss")] {
            assert_eq!(
                read(&[part, ("household_consent", "yes")]),
                (Vec::new(), vec!["signup-wrong-living"]),
                "{part:?}"
            );
        }
        assert_eq!(
            read(&[("living4", "Rosa"), ("household_consent", "yes")]),
            (Vec::new(), Vec::new()),
            "no such field"
        );
    }

    #[test]
    fn a_form_has_no_more_fields_and_letters_than_a_browser_sends() {
        let many = (0..120).map(|n| (format!("f{n}"), "x\u{0}y".repeat(400))).collect();
        let fields = bounded(many);
        assert_eq!((fields.len(), fields["f0"].chars().count()), (MOST_FIELDS, MOST_LETTERS));
        assert!(!fields["f0"].contains('\u{0}'));
    }
}
