//! A body as a file: JSON that is read back to the same bytes, and CSV of its composition. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Capacity, Described, Person, Seat, SeatRole};
use crate::cells::cell;
use crate::refused::FieldError;

/// What the first line of a file says.
pub const FORMAT: &str = "sentinela-body/1";
pub const MOST_SEATS: usize = 200;
pub const MOST_MANDATES: usize = 5_000;

/// A body with its composition. Nothing of a person but the name and the contact they made public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyFile)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub format: String,
    pub id: Uuid,
    pub body: Described,
    pub ended_on: Option<NaiveDate>,
    pub ended_reason: String,
    #[schema(max_items = 5000)]
    pub persons: Vec<FilePerson>,
    #[schema(max_items = 200)]
    pub seats: Vec<FileSeat>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyFilePerson)]
#[serde(deny_unknown_fields)]
pub struct FilePerson {
    pub id: Uuid,
    pub name: String,
    pub contact: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyFileSeat)]
#[serde(deny_unknown_fields)]
pub struct FileSeat {
    pub id: Uuid,
    pub position: i32,
    pub entity: String,
    #[schema(value_type = String)]
    pub role: SeatRole,
    pub ended_on: Option<NaiveDate>,
    #[schema(max_items = 5000)]
    pub mandates: Vec<FileMandate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyFileMandate)]
#[serde(deny_unknown_fields)]
pub struct FileMandate {
    pub id: Uuid,
    pub person_id: Uuid,
    #[schema(value_type = String)]
    pub capacity: Capacity,
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
    pub act: String,
    pub ended_on: Option<NaiveDate>,
    pub ended_reason: String,
}

impl FileMandate {
    fn last_day(&self) -> NaiveDate {
        self.ended_on.map_or(self.until_on, |ended| ended.min(self.until_on))
    }
}

impl File {
    pub fn of(body: &Body, seats: &[Seat], persons: &BTreeMap<Uuid, Person>) -> Self {
        let named: BTreeSet<Uuid> =
            seats.iter().flat_map(|seat| seat.mandates.iter().map(|one| one.person_id)).collect();
        let persons = named.iter().filter_map(|id| persons.get(id));
        let mut seats: Vec<FileSeat> = seats.iter().map(FileSeat::of).collect();
        seats.sort_by_key(|seat| (seat.position, seat.id));
        Self {
            format: FORMAT.into(),
            id: body.id,
            body: body.what.clone(),
            ended_on: body.ended_on,
            ended_reason: body.ended_reason.clone(),
            persons: persons
                .map(|one| FilePerson { id: one.id, name: one.name.clone(), contact: one.contact.clone() })
                .collect(),
            seats,
        }
    }

    /// The bytes of the file, the same for the same body.
    ///
    /// # Errors
    /// None for what this type holds.
    pub fn write(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What is wrong with it as a whole; the desk holds each part against its own bounds.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut wrong = |field: String, value: String, message: &str| {
            problems.push(FieldError { field, value, message: message.into() });
        };
        if self.format != FORMAT {
            wrong("format".into(), self.format.clone(), "expected sentinela-body/1");
        }
        let mandates: usize = self.seats.iter().map(|seat| seat.mandates.len()).sum();
        if self.seats.len() > MOST_SEATS || mandates > MOST_MANDATES || self.persons.len() > MOST_MANDATES {
            wrong("seats".into(), self.seats.len().to_string(), "expected at most 200 seats and 5000 mandates");
        }
        let known: BTreeSet<Uuid> = self.persons.iter().map(|one| one.id).collect();
        for (at, seat) in self.seats.iter().enumerate() {
            for (index, one) in seat.mandates.iter().enumerate().filter(|(_, one)| !known.contains(&one.person_id)) {
                let field = format!("seats[{at}].mandates[{index}].person_id");
                wrong(field, one.person_id.to_string(), "expected one of `persons`");
            }
            for (index, one) in seat.mandates.iter().enumerate() {
                if one.ended_on.is_some_and(|ended| ended < one.from_on || ended > one.until_on) {
                    let field = format!("seats[{at}].mandates[{index}].ended_on");
                    wrong(field, one.until_on.to_string(), "expected a day within the mandate");
                }
                let meets = |other: &FileMandate| {
                    let is_same = other.capacity == one.capacity;
                    is_same && other.from_on <= one.last_day() && one.from_on <= other.last_day()
                };
                if seat.mandates.iter().take(index).any(meets) {
                    let field = format!("seats[{at}].mandates[{index}].from_on");
                    wrong(field, one.from_on.to_string(), "expected a seat that nobody else holds on these days");
                }
            }
        }
        problems
    }
}

impl FileSeat {
    fn of(seat: &Seat) -> Self {
        let mut mandates: Vec<FileMandate> = seat
            .mandates
            .iter()
            .map(|one| FileMandate {
                id: one.id,
                person_id: one.person_id,
                capacity: one.capacity,
                from_on: one.from_on,
                until_on: one.until_on,
                act: one.act.clone(),
                ended_on: one.ended_on,
                ended_reason: one.ended_reason.clone(),
            })
            .collect();
        mandates.sort_by_key(|one| (one.from_on, one.id));
        Self {
            id: seat.id,
            position: seat.position,
            entity: seat.entity.clone(),
            role: seat.role,
            ended_on: seat.ended_on,
            mandates,
        }
    }
}

/// The composition as lines of CSV (RFC 4180), one a mandate; a seat that nobody was ever in has a line without a name.
pub fn csv(seats: &[Seat]) -> String {
    let mut out = String::from("seat,entity,role,capacity,name,from,until,ended_on,act\r\n");
    for seat in seats {
        let first = format!("{},{},{}", seat.position, cell(&seat.entity), seat.role);
        if seat.mandates.is_empty() {
            out.push_str(&format!("{first},,,,,,\r\n"));
        }
        for one in &seat.mandates {
            let ended = one.ended_on.map(|day| day.to_string()).unwrap_or_default();
            let (name, act) = (cell(&one.person), cell(&one.act));
            out.push_str(&format!(
                "{first},{},{name},{},{},{ended},{act}\r\n",
                one.capacity, one.from_on, one.until_on
            ));
        }
    }
    out
}
