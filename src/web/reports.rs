//! What the doors for reports share: the fields of a form or a JSON body, read strictly, and filing what they say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use crate::app::App;
use crate::media::Picture;
use crate::reports::locate::{Given, Located, locate};
use crate::reports::take::{Desk, take_from};
use crate::reports::{
    Doubt, Kind, MAX_CONTACT, MAX_PHOTOGRAPHS, MAX_PLACE, MAX_WORDS, NewReport, Reporter, Source, Standing, Taken,
};
use crate::residents::own;
use crate::web::auth::Staff;
use crate::web::client::neighbourhood;
use crate::web::error::{ApiError, FieldError, shorten};
use crate::web::upload::{Pictures, Shape};

/// The form of every door.
pub const FORM: Shape = Shape {
    fields: &[
        "stamp",
        "id",
        "kind",
        "text",
        "place",
        "address",
        "lat",
        "lon",
        "accuracy_m",
        "pinned",
        "observed_at",
        "contact",
        "language",
        "website",
    ],
    // Four bytes a letter.
    max_field_bytes: 4 * MAX_WORDS as u64 + 64,
    max_files: MAX_PHOTOGRAPHS,
    pictures: Pictures::Good,
    is_public: true,
};

/// What somebody said, well-formed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub kind: Option<Kind>,
    pub words: String,
    pub place: String,
    /// An address and nothing else.
    pub address: String,
    /// Longitude and latitude.
    pub point: Option<(f64, f64)>,
    pub accuracy_m: Option<f64>,
    /// The point was set on a map by hand.
    pub is_pinned: bool,
    pub observed_at: Option<DateTime<Utc>>,
    pub contact: String,
}

/// Text as it is kept: without characters for control, but with its lines.
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect::<String>().trim().to_owned()
}

fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: shorten(value), message: message.into() }
}

impl Said {
    /// From the fields of a form.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(fields: &BTreeMap<String, String>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let text = |name: &str| fields.get(name).map(|text| clean(text)).unwrap_or_default();
        let mut number = |name: &str| {
            let given = text(name);
            let read = given.parse::<f64>().ok().filter(|number| number.is_finite());
            if read.is_none() && !given.is_empty() {
                errors.push(wrong(name, &given, "expected a number"));
            }
            read
        };
        let (lon, lat, accuracy_m) = (number("lon"), number("lat"), number("accuracy_m"));
        let kind = text("kind");
        let read_kind = kind.parse::<Kind>();
        if let Err(error) = &read_kind {
            errors.push(wrong("kind", &kind, error.to_string()));
        }
        let observed = text("observed_at");
        let observed_at = DateTime::parse_from_rfc3339(&observed).ok().map(|at| at.to_utc());
        if observed_at.is_none() && !observed.is_empty() {
            errors.push(wrong("observed_at", &observed, "expected an instant such as 2026-02-22T19:10:00-03:00"));
        }
        let said = Self {
            kind: read_kind.ok(),
            words: text("text"),
            place: text("place"),
            address: text("address"),
            point: lon.zip(lat),
            accuracy_m,
            is_pinned: text("pinned") == "yes",
            observed_at,
            contact: text("contact"),
        };
        if lon.is_some() != lat.is_some() {
            errors.push(wrong("lat", "", "expected lat and lon together"));
        }
        errors.extend(said.check());
        if errors.is_empty() { Ok(said) } else { Err(errors) }
    }

    /// Where, in all words that were given for it.
    pub fn place(&self) -> String {
        let parts = [self.address.as_str(), self.place.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// What is too long, outside of its range, or missing.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let bounded = [
            ("text", &self.words, MAX_WORDS),
            ("place", &self.place(), MAX_PLACE),
            ("contact", &self.contact, MAX_CONTACT),
        ];
        for (field, text, most) in bounded {
            if text.chars().count() > most {
                errors.push(wrong(field, text, format!("expected at most {most} characters")));
            }
        }
        if let Some((lon, lat)) = self.point
            && !((-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat))
        {
            errors.push(wrong("lat", &format!("{lat}, {lon}"), "expected lat within ±90 and lon within ±180"));
        }
        if self.accuracy_m.is_some_and(|metres| !(metres.is_finite() && metres >= 0.0)) {
            errors.push(wrong("accuracy_m", "", "expected metres, 0 or more"));
        }
        if self.point.is_none() && self.place.is_empty() && self.address.is_empty() {
            errors.push(wrong("place", "", "expected where it is, in words, or lat and lon"));
        }
        if self.kind == Some(Kind::Other) && self.words.is_empty() {
            errors.push(wrong("text", "", "expected what happened, in words, for the kind other"));
        }
        errors
    }
}

/// The door a report comes through.
#[derive(Clone, Debug)]
pub struct Door<'a> {
    pub source: Source,
    pub key: String,
    /// Who is signed in and reports by that.
    pub staff: Option<&'a Staff>,
    pub address: Option<IpAddr>,
    /// The stamp of the form. Neighbours behind one address who leave no contact are told apart by it.
    pub stamp: &'a str,
    pub language: &'a str,
    pub doubts: Vec<Doubt>,
}

impl Door<'_> {
    fn reporter(&self, said: &Said) -> Reporter {
        let contact = (!said.contact.is_empty()).then(|| said.contact.clone());
        if let Some(staff) = self.staff {
            let known_by = format!("staff {}", staff.id);
            return Reporter { standing: Standing::Staff, known_by, contact, staff: Some(staff.actor()) };
        }
        // A telephone and a mailbox are the same however they are written, and the same as in an SMS or a mail.
        let known = contact.as_deref().and_then(|contact| own::address(contact).ok());
        let (standing, known_by) = match known {
            Some((channel, address)) => (Standing::Contact, format!("{} {address}", channel.as_str())),
            None => {
                let from = self.address.map_or_else(String::new, |address| neighbourhood(address).to_string());
                (Standing::Anonymous, format!("address {from} {}", self.stamp).trim_end().to_owned())
            }
        };
        Reporter { standing, known_by, contact, staff: None }
    }
}

/// Files a report in a transaction of its own, and says where it was put.
///
/// # Errors
/// What the database says.
pub async fn file(app: &App, door: Door<'_>, said: Said, pictures: &[Picture]) -> Result<(Taken, Located), ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let located = locate(&mut tx, given(&said)).await?;
    let mut doubts = door.doubts.clone();
    doubts.extend(located.doubt);
    if is_mostly_links(&said.words) {
        doubts.push(Doubt::Links);
    }
    let new = NewReport {
        key: door.key.clone(),
        source: door.source,
        kind: said.kind.unwrap_or(Kind::Other),
        words: said.words.clone(),
        place: said.place(),
        spot: located.spot,
        observed_at: said.observed_at,
        language: door.language,
        reporter: door.reporter(&said),
        doubts,
        pictures,
    };
    // People in the field are known by their account.
    let from = door.address.filter(|_| door.staff.is_none()).map(neighbourhood);
    let taken = take_from(&mut tx, Desk::of(app), (now, from), new).await?;
    tx.commit().await?;
    Ok((taken, located))
}

fn given(said: &Said) -> Given<'_> {
    Given {
        point: said.point,
        accuracy_m: said.accuracy_m,
        is_pinned: said.is_pinned,
        address: &said.address,
        place: &said.place,
        is_message: false,
    }
}

/// Words that lead elsewhere. A map's address beside a description is no reason for doubt.
fn is_mostly_links(words: &str) -> bool {
    let links = words.split_whitespace().filter(|word| word.contains("://") || word.starts_with("www.")).count();
    links > 2 || (links > 0 && words.split_whitespace().count() < 4)
}

/// What a page or an answer says of fields that are wrong.
pub fn refusal(errors: Vec<FieldError>) -> ApiError {
    let detail =
        errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ");
    ApiError::BadRequest { detail, errors }
}

/// Created the first time, and fine whenever it comes again.
pub const fn status(taken: &Taken) -> StatusCode {
    if taken.is_new { StatusCode::CREATED } else { StatusCode::OK }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_form_is_read_and_every_wrong_field_is_named() {
        let said =
            Said::read(&fields(&[("kind", "landslide"), ("place", " Rua A\r\n\u{0}fim "), ("lat", ""), ("lon", "")]));
        let said = said.unwrap();
        assert_eq!((said.kind, said.place.as_str(), said.point), (Some(Kind::Landslide), "Rua A\nfim", None));
        let wrong = Said::read(&fields(&[("kind", "x"), ("lat", "NaN"), ("lon", "1"), ("observed_at", "ontem")]));
        let named: Vec<String> = wrong.unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(named, ["lat", "kind", "observed_at", "lat", "place"]);
    }

    #[test]
    fn a_report_says_where_and_one_of_other_things_says_what() {
        let errors = Said { kind: Some(Kind::Other), ..Said::default() }.check();
        let named: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["place", "text"]);
        let far = Said { kind: Some(Kind::Fire), point: Some((500.0, 0.0)), ..Said::default() };
        assert_eq!(far.check().len(), 1);
    }

    #[test]
    fn advertising_is_told_from_an_address_of_a_map() {
        assert!(is_mostly_links("https://a.example http://b.example www.c.example"));
        assert!(is_mostly_links("compre https://a.example"));
        assert!(!is_mostly_links("o barranco caiu aqui https://maps.example/@-21.7,-43.3"));
    }
}
