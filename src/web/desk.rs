//! What the doors of the desk share: the fields of a call, read strictly, and the report that they make.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::auth::Staff;
use super::error::{FieldError, shorten};
use super::reports::Said;
use crate::cobrade::Cobrade;
use crate::occurrences::intake::{Cause, Intake};
use crate::occurrences::store::Assessed;
use crate::occurrences::store::origin::Seen;
use crate::occurrences::{MOST_PEOPLE, Need, Origin, Priority, REASON};
use crate::reports::locate::Given;
use crate::reports::{NewReport, PlaceFrom, Reporter, Source, Spot, Standing};
use crate::residents::own;

/// Everything that was said, well-formed.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of the form, so that what is sent twice is one.
    pub key: String,
    pub said: Said,
    pub cause: Cause,
    pub assessed: Assessed,
    /// By hand, with why.
    pub priority: Option<(Priority, String)>,
    /// What it belongs to; none for another thing.
    pub into: Option<Uuid>,
}

fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: shorten(value), message: message.into() }
}

/// A key that a form or a program gives.
pub fn is_key(key: &str) -> bool {
    (16..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// Where it came from.
///
/// # Errors
/// Names the field that is missing or unknown.
pub fn cause(fields: &BTreeMap<String, String>) -> Result<Cause, FieldError> {
    let text = |name: &str| fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let named = |name: &str| match text(name) {
        given if (1..=64).contains(&given.chars().count()) => Ok(given),
        given => Err(wrong(name, &given, "expected 1 to 64 characters")),
    };
    let origin: Origin = match text("origin").as_str() {
        "" => Origin::Call,
        word => word.parse().map_err(|error: crate::units::UnknownWord| wrong("origin", word, error.to_string()))?,
    };
    Ok(match origin {
        Origin::Alert => Cause::Alert { number: named("alert")? },
        Origin::Level => Cause::Level { area: named("area")?, cobrade: text("level_hazard").chars().take(9).collect() },
        Origin::Reading => Cause::Reading { station: named("station")?, stream: named("stream")? },
        told => Cause::Told(told),
    })
}

/// A cause that is not there, by its field.
pub fn unknown_cause(cause: &Cause) -> FieldError {
    match cause {
        Cause::Alert { number } => wrong("alert", number, "no alert of this number has left"),
        Cause::Level { area, .. } => wrong("area", area, "no level of this area has changed"),
        Cause::Reading { station, stream } => {
            wrong("station", &format!("{station} {stream}"), "nothing was read of this stream")
        }
        Cause::Told(origin) => wrong("origin", origin.as_str(), "is told"),
    }
}

impl Call {
    /// From the fields of a form or a JSON body.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(fields: &BTreeMap<String, String>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let text = |name: &str| fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
        let said = Said::read(fields).map_err(|found| errors.extend(found)).ok();
        let cause = cause(fields).map_err(|error| errors.push(error)).ok();
        let key = text("id");
        if !is_key(&key) {
            errors.push(wrong("id", &key, "expected 16 to 64 letters, digits, - or _"));
        }
        let people = text("people");
        let people = match people.parse::<i32>() {
            Ok(number) if (0..=MOST_PEOPLE).contains(&number) => Some(number),
            _ if people.is_empty() => None,
            _ => {
                errors.push(wrong("people", &people, format!("expected 0 to {MOST_PEOPLE}")));
                None
            }
        };
        let cobrade = text("cobrade");
        if !cobrade.is_empty() && cobrade.parse::<Cobrade>().is_err() {
            errors.push(wrong("cobrade", &cobrade, "expected a COBRADE code"));
        }
        let priority = priority(&text("priority"), &text("priority_reason")).map_err(|error| errors.push(error)).ok();
        let into = text("into");
        let chosen = into.parse::<Uuid>().ok();
        if chosen.is_none() && !["", "new"].contains(&into.as_str()) {
            errors.push(wrong("into", &into, "expected new, or the id of an open occurrence"));
        }
        let needs = Need::ALL.iter().filter(|need| fields.contains_key(&format!("need_{need}"))).copied().collect();
        let cobrade = cobrade.parse::<Cobrade>().ok().map(|code| code.to_string());
        match (said, cause, priority) {
            (Some(said), Some(cause), Some(priority)) if errors.is_empty() => {
                Ok(Self { key, said, cause, assessed: Assessed { people, needs, cobrade }, priority, into: chosen })
            }
            _ => Err(errors),
        }
    }

    pub fn place(&self) -> Given<'_> {
        Given {
            point: self.said.point,
            accuracy_m: self.said.accuracy_m,
            is_pinned: self.said.is_pinned,
            address: &self.said.address,
            place: &self.said.place,
            is_message: false,
        }
    }
}

/// A priority by hand with its reason; none when none was chosen.
fn priority(word: &str, reason: &str) -> Result<Option<(Priority, String)>, FieldError> {
    if word.is_empty() {
        return Ok(None);
    }
    let priority = word.parse::<Priority>().map_err(|error| wrong("priority", word, error.to_string()))?;
    if REASON.contains(&reason.chars().count()) {
        Ok(Some((priority, reason.to_owned())))
    } else {
        Err(wrong("priority_reason", reason, format!("expected {} to {} characters", REASON.start(), REASON.end())))
    }
}

/// Where what was seen lies.
pub fn of_seen(seen: Option<&Seen>) -> Option<(Spot, PlaceFrom)> {
    seen.and_then(|seen| seen.spot).map(|spot| (spot, PlaceFrom::Area))
}

/// The report that a call makes. Whoever calls is the reporter; what own people and other offices say is said by staff.
pub fn report<'a>(staff: &Staff, call: &Call, spot: Option<(Spot, PlaceFrom)>, language: &'a str) -> NewReport<'a> {
    let contact = Some(call.said.contact.clone()).filter(|contact| !contact.is_empty());
    let (standing, known_by) = match call.cause.origin() {
        Origin::Call | Origin::InPerson => match contact.as_deref().and_then(|contact| own::address(contact).ok()) {
            Some((channel, address)) => (Standing::Contact, format!("{} {address}", channel.as_str())),
            // Each call without a number is somebody else.
            None => (Standing::Anonymous, format!("desk {}", call.key)),
        },
        Origin::Agency => (Standing::Staff, format!("desk {}", call.key)),
        Origin::Radio | Origin::Alert | Origin::Level | Origin::Reading | Origin::Media => {
            (Standing::Staff, format!("staff {}", staff.id))
        }
    };
    NewReport {
        key: format!("desk-{}", call.key),
        source: Source::Desk,
        kind: call.said.kind.unwrap_or(crate::reports::Kind::Other),
        words: call.said.words.clone(),
        place: call.said.place(),
        spot,
        observed_at: call.said.observed_at,
        language,
        reporter: Reporter { standing, known_by, contact, staff: Some(staff.actor()) },
        doubts: Vec::new(),
        pictures: &[],
    }
}

/// Everything the desk says, with what the service saw.
pub fn intake<'a>(call: &'a Call, report: NewReport<'a>, seen: Option<Seen>) -> Intake<'a> {
    Intake {
        report,
        origin: call.cause.origin(),
        seen,
        assessed: call.assessed.clone(),
        priority: call.priority.as_ref().map(|(priority, reason)| (*priority, reason.as_str())),
        into: call.into,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    const KEY: (&str, &str) = ("id", "0123456789abcdef");

    #[test]
    fn a_call_is_read_with_what_it_needs_and_why_it_is_urgent() {
        let given = [
            KEY,
            ("kind", "landslide"),
            ("place", "Rua A, 20"),
            ("people", "3"),
            ("need_oxygen", "yes"),
            ("priority", "1"),
            ("priority_reason", "gente embaixo"),
            ("into", "new"),
        ];
        let call = Call::read(&fields(&given)).unwrap();
        assert_eq!(call.cause, Cause::Told(Origin::Call));
        assert_eq!(call.assessed, Assessed { people: Some(3), needs: vec![Need::Oxygen], cobrade: None });
        assert_eq!((call.priority, call.into), (Some((Priority::Critical, "gente embaixo".into())), None));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let given = [
            ("id", "x"),
            ("kind", "fire"),
            ("place", "Rua A"),
            ("origin", "alert"),
            ("people", "-1"),
            ("cobrade", "9"),
            ("priority", "1"),
            ("into", "2026/001"),
        ];
        let named: Vec<String> =
            Call::read(&fields(&given)).unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(named, ["alert", "id", "people", "cobrade", "priority_reason", "into"]);
    }
}
