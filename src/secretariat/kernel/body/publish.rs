//! What the public may read, by an allow-list of fields: each act that changes it writes it down anew, and pages read nothing else.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, meetings::Sums, public};
use super::{ActKind, ApprovedHow, Body, BodyKind, Capacity, Meeting, MeetingKind, Resolution, Seat, SeatRole};
use super::{desk::seats::cited, life::State, popolo};
use crate::accounts::tokens::desk::Acting;
use crate::clock::Instant;
use crate::refused::Refused;

/// The public face of a body. Of one whose work is confidential: what created it, and numbers of the year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBody)]
pub struct Card {
    pub slug: String,
    pub name: String,
    #[schema(value_type = String)]
    pub kind: BodyKind,
    #[schema(value_type = String)]
    pub act_kind: ActKind,
    pub act_number: String,
    pub act_on: NaiveDate,
    pub purpose: String,
    pub law_ref: String,
    pub contact: String,
    pub term_from: NaiveDate,
    pub term_until: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub seats: Vec<CardSeat>,
    pub meetings: Vec<CardMeeting>,
    pub years: Vec<CardYear>,
    pub popolo: Option<popolo::Popolo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodySeat)]
pub struct CardSeat {
    pub entity: String,
    #[schema(value_type = String)]
    pub role: SeatRole,
    pub ended_on: Option<NaiveDate>,
    pub mandates: Vec<CardMandate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodyMandate)]
pub struct CardMandate {
    pub person: String,
    #[schema(value_type = String)]
    pub capacity: Capacity,
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
}

impl CardSeat {
    pub fn holder(&self, capacity: Capacity, day: NaiveDate) -> Option<&CardMandate> {
        let holds = |one: &&CardMandate| one.capacity == capacity && one.from_on <= day && day <= one.until_on;
        self.mandates.iter().find(holds)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodyMeeting)]
pub struct CardMeeting {
    pub id: Uuid,
    /// "2026-3"
    pub label: String,
    #[schema(value_type = String)]
    pub kind: MeetingKind,
    #[schema(value_type = String)]
    pub state: State,
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Instant,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
    pub place: String,
    pub sequence: i32,
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodyYear)]
pub struct CardYear {
    pub year: i32,
    pub held: i64,
    pub resolutions: i64,
}

/// Who sits in a body whose work is confidential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodyComposition)]
pub struct Composition {
    pub name: String,
    /// What created it.
    pub act: String,
    pub seats: Vec<CardSeat>,
}

/// Published minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicMinutes)]
pub struct Minutes {
    pub label: String,
    #[schema(value_type = String)]
    pub kind: MeetingKind,
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Instant,
    pub text: String,
    /// SHA-256 of the text that was approved.
    pub sha256: String,
    pub pdf_sha256: String,
    #[schema(value_type = String)]
    pub approved_how: ApprovedHow,
    #[schema(value_type = String, format = DateTime)]
    pub approved_at: Instant,
    pub resolutions: Vec<PublicResolution>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PublicBodyResolution)]
pub struct PublicResolution {
    pub year: i32,
    pub number: i32,
    pub text: String,
}

fn seat(one: &Seat) -> CardSeat {
    let mandates = one.mandates.iter().map(|mandate| CardMandate {
        person: mandate.person.clone(),
        capacity: mandate.capacity,
        from_on: mandate.from_on,
        until_on: mandate.last_day(),
    });
    CardSeat { entity: one.entity.clone(), role: one.role, ended_on: one.ended_on, mandates: mandates.collect() }
}

fn meeting(one: &Meeting) -> CardMeeting {
    CardMeeting {
        id: one.id,
        label: one.label(),
        kind: one.kind,
        state: one.state,
        starts_at: one.starts_at,
        ended_at: one.ended_at,
        place: one.place.clone(),
        sequence: one.sequence,
        changed_at: one.changed_at,
    }
}

fn face(body: &Body) -> Card {
    let what = body.what.clone();
    Card {
        slug: what.slug,
        name: what.name,
        kind: what.kind,
        act_kind: what.act.kind,
        act_number: what.act.number,
        act_on: what.act.on,
        purpose: what.purpose,
        law_ref: what.law_ref,
        contact: what.contact,
        term_from: what.term_from,
        term_until: what.term_until,
        ended_on: body.ended_on,
        seats: Vec::new(),
        meetings: Vec::new(),
        years: Vec::new(),
        popolo: None,
    }
}

/// Writes the public face of a body anew.
///
/// # Errors
/// The database's, or that the body is none.
pub async fn card(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    let body = store::by_id(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("body".into()))?;
    let mut card = face(&body);
    if body.is_open_to_all() {
        let seats = store::seats::of_body(&mut *conn, id).await?;
        let persons = store::persons_of(&mut *conn, id).await?;
        card.popolo = Some(popolo::write(&body, &seats, &persons));
        card.seats = seats.iter().map(seat).collect();
        if body.what.rules.public {
            card.meetings = store::meetings::list(&mut *conn, id, None).await?.iter().map(meeting).collect();
        }
    }
    if !body.is_open_to_all() {
        // Who sits in it is public all the same: whoever reports or is reported may ask for a recusal.
        let seats: Vec<CardSeat> = store::seats::of_body(&mut *conn, id).await?.iter().map(seat).collect();
        let document = serde_json::json!({ "name": body.what.name, "act": cited(&body), "seats": seats });
        public::write(&mut *conn, (id, "composition"), &document, (by.now, &by.actor.name)).await?;
    }
    for year in store::meetings::years(&mut *conn, id).await? {
        let Sums { held, resolutions, .. } = store::meetings::sums(&mut *conn, id, year).await?;
        card.years.push(CardYear { year, held, resolutions });
    }
    let document = serde_json::to_value(card).map_err(|error| Refused::Database(store::decode(error)))?;
    Ok(public::write(conn, (id, "card"), &document, (by.now, &by.actor.name)).await?)
}

/// Writes approved minutes where the public reads them. What is restricted is not among it.
///
/// # Errors
/// A conflict where the work of the body is confidential, or nothing was approved.
pub async fn minutes(
    conn: &mut PgConnection,
    by: Acting<'_>,
    body: &Body,
    (meeting, resolutions): (&Meeting, &[Resolution]),
) -> Result<(), Refused> {
    if !body.is_open_to_all() {
        return Err(Refused::Conflict("the work of this body is confidential: its minutes are not published".into()));
    }
    let approved = (meeting.approved_how, meeting.approved_at, &meeting.minutes_sha256, &meeting.pdf_sha256);
    let (Some(approved_how), Some(approved_at), Some(sha256), Some(pdf_sha256)) = approved else {
        return Err(Refused::Conflict("minutes that nobody approved are not published".into()));
    };
    let shown = resolutions.iter().filter(|one| !one.restricted);
    let minutes = Minutes {
        label: meeting.label(),
        kind: meeting.kind,
        starts_at: meeting.starts_at,
        text: meeting.minutes.clone(),
        sha256: sha256.clone(),
        pdf_sha256: pdf_sha256.clone(),
        approved_how,
        approved_at,
        resolutions: shown
            .map(|one| PublicResolution { year: one.year, number: one.number, text: one.text.clone() })
            .collect(),
    };
    let document = serde_json::to_value(minutes).map_err(|error| Refused::Database(store::decode(error)))?;
    let key = format!("minutes/{}", meeting.label());
    Ok(public::write(conn, (body.id, &key), &document, (by.now, &by.actor.name)).await?)
}

/// What a snapshot holds.
///
/// # Errors
/// When it is written in a form that this version does not know.
pub fn read<T: serde::de::DeserializeOwned>(document: serde_json::Value) -> sqlx::Result<T> {
    serde_json::from_value(document).map_err(store::decode)
}

/// The day of the town.
pub fn day(at: Instant, tz: Tz) -> NaiveDate {
    at.with_timezone(&tz).date_naive()
}

/// Numbers turn with the town's year.
pub fn year(at: Instant, tz: Tz) -> i32 {
    day(at, tz).year()
}
