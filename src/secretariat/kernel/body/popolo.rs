//! A body in the terms of Popolo (popoloproject.com): organization, persons, posts, memberships. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Body, Capacity, Person, Seat};

/// What is handed out: nothing of a person but the name and the contact they made public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Popolo {
    #[schema(value_type = Vec<Object>)]
    pub organizations: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub persons: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub posts: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub memberships: Vec<Value>,
}

/// The words of a role, as `on_behalf_of` and label want them.
fn role(seat: &Seat, capacity: Capacity) -> String {
    match capacity {
        Capacity::Titular => seat.role.to_string(),
        Capacity::Substitute => format!("{} (substitute)", seat.role),
    }
}

fn organization(body: &Body) -> Value {
    let ended = [body.ended_on, body.what.term_until].into_iter().flatten().min();
    let act = &body.what.act;
    json!({
        "id": body.id,
        "name": body.what.name,
        "classification": body.what.kind,
        "founding_date": body.what.act.on,
        "dissolution_date": ended,
        "identifiers": [{ "scheme": "act", "identifier": format!("{} {}", act.kind, act.number) }],
        "abstract": body.what.purpose,
    })
}

pub fn write(body: &Body, seats: &[Seat], persons: &BTreeMap<Uuid, Person>) -> Popolo {
    let posts = seats.iter().map(|seat| {
        json!({ "id": seat.id, "label": seat.entity, "role": seat.role, "organization_id": body.id, "end_date": seat.ended_on })
    });
    let memberships = seats.iter().flat_map(|seat| {
        seat.mandates.iter().map(|one| {
            json!({
                "id": one.id,
                "person_id": one.person_id,
                "organization_id": body.id,
                "post_id": seat.id,
                "role": role(seat, one.capacity),
                "label": seat.entity,
                "start_date": one.from_on,
                "end_date": one.last_day(),
            })
        })
    });
    let mut named: Vec<Uuid> = seats.iter().flat_map(|seat| seat.mandates.iter().map(|one| one.person_id)).collect();
    named.sort_unstable();
    named.dedup();
    let persons = named.iter().filter_map(|id| persons.get(id)).map(|person| {
        let contact = (!person.contact.is_empty()).then(|| contact(&person.contact));
        json!({ "id": person.id, "name": person.name, "contact_details": contact.into_iter().collect::<Vec<_>>() })
    });
    Popolo {
        organizations: vec![organization(body)],
        persons: persons.collect(),
        posts: posts.collect(),
        memberships: memberships.collect(),
    }
}

fn contact(text: &str) -> Value {
    let kind = if text.contains('@') { "email" } else { "voice" };
    json!({ "type": kind, "value": text })
}
