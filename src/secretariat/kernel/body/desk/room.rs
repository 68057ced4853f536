//! Acts in a meeting: the agenda, who is there, who may not, votes and what comes of them.

use chrono_tz::Tz;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::meetings::{MOST_ITEMS, NewItem, counted, hold};
use super::{first, reason};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::exercises::plan::text;
use crate::hexadecimal::hex;
use crate::refused::Refused;
use crate::secretariat::kernel::body::life::State;
use crate::secretariat::kernel::body::rules::{self, Floor, Outcome, Tally};
use crate::secretariat::kernel::body::store::room::{self as rows, NewResolution};
use crate::secretariat::kernel::body::{
    Body, Capacity, Choice, How, Item, Meeting, Presence, Resolution, Seat, SeatRole, publish, store, words,
};

/// Bytes of one document.
pub const MOST_BYTES: usize = 5 << 20;
/// Documents of one item.
const MOST_DOCUMENTS: usize = 50;
const KIND: &str = "body_item";

/// Where something happens: body, meeting, item.
pub type At<'a> = (&'a str, &'a str, Uuid);

fn state(meeting: &Meeting, wanted: &[State]) -> Result<(), Refused> {
    if wanted.contains(&meeting.state) {
        return Ok(());
    }
    let expected = wanted.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" or ");
    Err(Refused::Conflict(format!("the meeting is {}: expected {expected}", meeting.state)))
}

/// A meeting in one of these states, with its item.
async fn item(conn: &mut PgConnection, at: At<'_>, states: &[State]) -> Result<(Body, Meeting, Item), Refused> {
    let (body, meeting) = hold(&mut *conn, at.0, at.1).await?;
    state(&meeting, states)?;
    let all = rows::items(conn, meeting.id).await?;
    let one = all.into_iter().find(|one| one.id == at.2).ok_or_else(|| Refused::NotFound("item".into()))?;
    Ok((body, meeting, one))
}

/// Adds an item to the agenda.
///
/// # Errors
/// The field that is wrong; a conflict when the meeting is over.
pub async fn add_item(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, number): (&str, &str),
    new: &NewItem,
) -> Result<Uuid, Refused> {
    new.checked()?;
    let (_, meeting) = hold(&mut *conn, slug, number).await?;
    state(&meeting, &[State::Convened, State::Opened])?;
    let position = rows::items(&mut *conn, meeting.id).await?.len() + 1;
    if position > MOST_ITEMS {
        return Err(Refused::Conflict(format!("the agenda has {MOST_ITEMS} items already")));
    }
    let id = by.ids.uuid(by.now);
    let place = (i32::try_from(position).unwrap_or(i32::MAX), new.title.trim(), new.text.trim());
    rows::insert_item(&mut *conn, (id, meeting.id), place, new.restricted, by.now).await?;
    let after = json!({ "meeting": meeting.id, "position": position, "restricted": new.restricted });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyItem, KIND, id).to(after)).await?;
    Ok(id)
}

/// Writes down what was said of an item, for the minutes.
///
/// # Errors
/// The field that is wrong; a conflict when there are minutes already.
pub async fn note(conn: &mut PgConnection, by: Acting<'_>, at: At<'_>, notes: &str) -> Result<(), Refused> {
    let mut problems = Vec::new();
    text(&mut problems, "notes", notes, 0, 4000, false);
    first(problems)?;
    let (.., one) = item(&mut *conn, at, &[State::Opened, State::Held]).await?;
    rows::write_notes(&mut *conn, one.id, notes.trim()).await?;
    Ok(audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyItem, KIND, one.id)).await?)
}

/// Puts a document with an item.
///
/// # Errors
/// The field that is wrong; a conflict when the meeting is over.
pub async fn add_document(
    conn: &mut PgConnection,
    by: Acting<'_>,
    at: At<'_>,
    (name, bytes): (&str, &[u8]),
) -> Result<Uuid, Refused> {
    let mut problems = Vec::new();
    text(&mut problems, "name", name, 1, 160, true);
    first(problems)?;
    if bytes.is_empty() || bytes.len() > MOST_BYTES {
        return Err(Refused::wrong("file", bytes.len(), format!("expected 1 to {MOST_BYTES} bytes")));
    }
    // Only what a browser shows or saves without running it.
    if !bytes.starts_with(b"%PDF-") {
        return Err(Refused::wrong("file", name, "expected a PDF document"));
    }
    let (.., one) = item(&mut *conn, at, &[State::Convened, State::Opened]).await?;
    if one.documents.len() >= MOST_DOCUMENTS {
        return Err(Refused::Conflict(format!("the item has {MOST_DOCUMENTS} documents already")));
    }
    let (id, sha256) = (by.ids.uuid(by.now), hex(&Sha256::digest(bytes)));
    rows::insert_document(&mut *conn, (id, one.id), (name.trim(), &sha256, bytes), (by.now, &by.actor.name)).await?;
    let after = json!({ "item": one.id, "sha256": sha256 });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyDocument, "body_document", id).to(after)).await?;
    Ok(id)
}

/// Marks a seat as filled by its titular or its substitute, or as empty.
///
/// # Errors
/// A conflict with the reason: nobody holds the seat, or the titular is there.
pub async fn attend(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (slug, number, seat): (&str, &str, Uuid),
    capacity: Option<Capacity>,
) -> Result<(), Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    state(&meeting, &[State::Convened, State::Opened])?;
    let day = publish::day(meeting.starts_at, tz);
    if publish::day(by.now, tz) < day {
        return Err(Refused::Conflict(format!("the meeting is on {day}: who is there is marked on its day")));
    }
    let seats = store::seats::of_body(&mut *conn, body.id).await?;
    let one = seats.iter().find(|one| one.id == seat && one.is_in_force(day));
    let one = one.ok_or_else(|| Refused::NotFound("seat".into()))?;
    let present = rows::present(&mut *conn, meeting.id).await?;
    let there = present.iter().find(|presence| presence.seat_id == seat);
    let (person, capacity, is_present) = match (capacity, there) {
        (Some(capacity), _) => {
            let vacant = || words::not_present(rules::NotPresent::Vacant(capacity));
            let person = one.holder(capacity, day).ok_or_else(vacant)?.person_id;
            let is_elsewhere = present.iter().any(|other| other.seat_id != seat && other.person_id == person);
            rules::attend(capacity, there.map(|presence| presence.capacity), is_elsewhere)
                .map_err(words::not_present)?;
            (person, capacity, true)
        }
        (None, Some(presence)) => (presence.person_id, presence.capacity, false),
        (None, None) => return Ok(()),
    };
    let marked = (by.now, by.actor.name.as_str());
    rows::mark(&mut *conn, meeting.id, (seat, person, capacity), is_present, marked).await?;
    let after = json!({ "seat": seat, "capacity": capacity, "present": is_present });
    Ok(audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyAttend, "body_meeting", meeting.id).to(after))
        .await?)
}

/// Takes a member out of an item: they do not read what is restricted of it, do not vote, and do not count for its quorum.
///
/// # Errors
/// A conflict when the item was decided, or they were recused before.
pub async fn recuse(
    conn: &mut PgConnection,
    by: Acting<'_>,
    at: At<'_>,
    (person, why): (Uuid, &str),
) -> Result<(), Refused> {
    let why = reason("reason", why)?;
    let (body, _, one) = item(&mut *conn, at, &[State::Convened, State::Opened]).await?;
    undecided(&one)?;
    if one.recused.iter().any(|recused| recused.person_id == person) {
        return Err(Refused::Conflict("this member is recused from the item already".into()));
    }
    if !store::persons_of(&mut *conn, body.id).await?.contains_key(&person) {
        return Err(Refused::wrong("person_id", person, "is no member of this body"));
    }
    rows::recuse(&mut *conn, (one.id, person), &why, (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::BodyRecuse, KIND, one.id).because(&why).to(json!({ "person": person }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

fn undecided(item: &Item) -> Result<(), Refused> {
    match &item.decision {
        Some(_) => Err(Refused::Conflict("the item is decided already".into())),
        None => Ok(()),
    }
}

/// Who is there and may vote on an item.
pub fn eligible(present: &[Presence], item: &Item) -> Vec<Presence> {
    let is_recused = |one: &&Presence| item.recused.iter().any(|recused| recused.person_id == one.person_id);
    present.iter().filter(|one| !is_recused(one)).cloned().collect()
}

/// The same as the rules count it. Who presides is the chair, and where the chair is away the vice.
pub fn floor(eligible: &[Presence], seats: &[Seat], all: u32) -> Floor {
    let presides = |seat: &Seat| matches!(seat.role, SeatRole::Chair | SeatRole::Vice);
    let has_chair = eligible.iter().any(|one| seats.iter().any(|seat| seat.id == one.seat_id && presides(seat)));
    Floor { present: u32::try_from(eligible.len()).unwrap_or(u32::MAX), seats: all, has_chair }
}

/// Writes down the vote of a seat.
///
/// # Errors
/// A conflict when the item was decided, nobody is in the seat, or who is in it is recused.
pub async fn vote(
    conn: &mut PgConnection,
    by: Acting<'_>,
    at: At<'_>,
    (seat, choice): (Uuid, Choice),
) -> Result<(), Refused> {
    let (_, meeting, one) = item(&mut *conn, at, &[State::Opened]).await?;
    undecided(&one)?;
    let present = rows::present(&mut *conn, meeting.id).await?;
    let Some(there) = present.iter().find(|presence| presence.seat_id == seat) else {
        return Err(Refused::Conflict("nobody is present in this seat".into()));
    };
    if one.recused.iter().any(|recused| recused.person_id == there.person_id) {
        return Err(Refused::Conflict(format!("{} is recused from this item and does not vote", there.person)));
    }
    rows::vote(&mut *conn, one.id, (seat, there.person_id, choice), (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::BodyVote, KIND, one.id).to(json!({ "seat": seat, "choice": choice }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Decides an item: by the votes that were written down, or by a count.
///
/// # Errors
/// A conflict with the reason of the rules: no quorum, votes that are missing or too many, a tie.
pub async fn decide(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    at: At<'_>,
    (counted_as, casting): (Option<Tally>, Option<bool>),
) -> Result<Outcome, Refused> {
    let (body, meeting, one) = item(&mut *conn, at, &[State::Opened]).await?;
    undecided(&one)?;
    let seats = store::seats::of_body(&mut *conn, body.id).await?;
    let eligible = eligible(&rows::present(&mut *conn, meeting.id).await?, &one);
    let is_theirs = |vote: &&crate::secretariat::kernel::body::Vote| {
        eligible.iter().any(|there| there.seat_id == vote.seat_id && there.person_id == vote.person_id)
    };
    let (how, tally) = match counted_as {
        Some(tally) => (How::Counted, tally),
        None => (How::RollCall, Tally::of(one.votes.iter().filter(is_theirs).map(|vote| vote.choice))),
    };
    let all = counted(&seats, &meeting, tz);
    let outcome = rules::decide(&body.what.rules, floor(&eligible, &seats, all), tally, casting)
        .map_err(|why| words::no_decision(&why, &super::seats::cited(&body)))?;
    rows::decide(&mut *conn, one.id, (how, tally, casting), &outcome, (by.now, &by.actor.name)).await?;
    let after = json!({ "how": how, "tally": tally, "approved": outcome.approved, "reason": outcome.reason });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyDecide, KIND, one.id).to(after)).await?;
    Ok(outcome)
}

/// A resolution as somebody wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolving {
    pub text: String,
    /// What somebody shall do because of it; empty: nothing.
    pub determination: String,
    pub determination_to: String,
}

/// Writes down what was resolved, with the next number of the body in this year.
///
/// # Errors
/// The field that is wrong; a conflict when the item was not decided, or not in favour.
pub async fn resolve(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    at: At<'_>,
    new: &Resolving,
) -> Result<Resolution, Refused> {
    let mut problems = Vec::new();
    text(&mut problems, "text", &new.text, 1, 8000, false);
    text(&mut problems, "determination", &new.determination, 0, 2000, false);
    text(&mut problems, "determination_to", &new.determination_to, 0, 160, true);
    first(problems)?;
    if new.determination.trim().is_empty() != new.determination_to.trim().is_empty() {
        let message = "expected both what is to be done and by whom, or neither";
        return Err(Refused::wrong("determination_to", &new.determination_to, message));
    }
    let (body, meeting, one) = item(&mut *conn, at, &[State::Opened, State::Held]).await?;
    match &one.decision {
        None => {
            let why = format!("no resolution without a decision that had quorum ({})", super::seats::cited(&body));
            return Err(Refused::Conflict(why));
        }
        Some(decision) if !decision.approved => {
            return Err(Refused::Conflict("the item was rejected: there is nothing to resolve".into()));
        }
        Some(_) => {}
    }
    let before = rows::of_meeting(&mut *conn, meeting.id).await?;
    if before.iter().any(|other| other.item_id == one.id) {
        return Err(Refused::Conflict("the item has a resolution already".into()));
    }
    let year = publish::year(by.now, tz);
    let series = format!("body_resolution/{}", body.id);
    let (_, number) = crate::alerts::store::next_number(&mut *conn, &series, year).await?;
    let id = by.ids.uuid(by.now);
    let row = NewResolution {
        id,
        body: body.id,
        year,
        number,
        item: one.id,
        text: new.text.trim(),
        restricted: one.restricted,
        determination: new.determination.trim(),
        determination_to: new.determination_to.trim(),
    };
    rows::resolve(&mut *conn, row, (by.now, &by.actor.name)).await?;
    let after =
        json!({ "number": format!("{year}/{number}"), "item": one.id, "spawns": !row.determination.is_empty() });
    let entry = Entry::new(Act::BodyResolve, "body_resolution", id).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(&mut *conn, by, body.id).await?;
    let all = rows::of_meeting(conn, meeting.id).await?;
    all.into_iter().find(|other| other.id == id).ok_or_else(|| Refused::NotFound("resolution".into()))
}
