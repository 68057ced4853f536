//! Acts on meetings: convening, the calls at the door, the end.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{find, first, held, reason};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::deadlines::reckon::Anchor;
use crate::deadlines::{Course, DeadlineRule, Step, Unit, desk as deadlines};
use crate::exercises::plan::text;
use crate::refused::Refused;
use crate::secretariat::kernel::body::life::{self, NotNow};
use crate::secretariat::kernel::body::rules::{Called, call as judge};
use crate::secretariat::kernel::body::store::meetings::{self as rows, NewMeeting};
use crate::secretariat::kernel::body::{Body, Meeting, MeetingKind, Record, Seat, publish, store, words};

/// Items of one agenda.
pub const MOST_ITEMS: usize = 100;
/// How far ahead a meeting may be convened.
const FARTHEST: TimeDelta = TimeDelta::days(400);
const KIND: &str = "body_meeting";

impl From<NotNow> for Refused {
    fn from(why: NotNow) -> Self {
        words::not_now(why)
    }
}

/// Year and number out of "2026-3".
///
/// # Errors
/// `NotFound`: no meeting has such a number.
pub fn label(text: &str) -> Result<(i32, i32), Refused> {
    let parts = text.split_once('-').and_then(|(year, number)| Some((year.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| Refused::NotFound("meeting".into()))
}

/// A body with one of its meetings.
///
/// # Errors
/// `NotFound`.
pub async fn look(conn: &mut PgConnection, slug: &str, number: &str) -> Result<(Body, Meeting), Refused> {
    let body = find(&mut *conn, slug).await?;
    let meeting = rows::find(conn, body.id, label(number)?, false).await?;
    Ok((body, meeting.ok_or_else(|| Refused::NotFound("meeting".into()))?))
}

/// The same, both held until the transaction ends.
///
/// # Errors
/// `NotFound`; a conflict when the body has ended.
pub async fn hold(conn: &mut PgConnection, slug: &str, number: &str) -> Result<(Body, Meeting), Refused> {
    let body = held(&mut *conn, slug).await?;
    let meeting = rows::find(conn, body.id, label(number)?, true).await?;
    Ok((body, meeting.ok_or_else(|| Refused::NotFound("meeting".into()))?))
}

/// Everything that happened in a meeting.
///
/// # Errors
/// The database's.
pub async fn record(conn: &mut PgConnection, meeting: Meeting) -> sqlx::Result<Record> {
    let id = meeting.id;
    Ok(Record {
        calls: store::room::calls(&mut *conn, id).await?,
        present: store::room::present(&mut *conn, id).await?,
        items: store::room::items(&mut *conn, id).await?,
        resolutions: store::room::of_meeting(conn, id).await?,
        meeting,
    })
}

/// The seats that count on the day of a meeting.
pub fn counted(seats: &[Seat], meeting: &Meeting, tz: Tz) -> u32 {
    let day = publish::day(meeting.starts_at, tz);
    u32::try_from(seats.iter().filter(|seat| seat.is_in_force(day)).count()).unwrap_or(u32::MAX)
}

/// An item that is to be on the agenda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    pub title: String,
    pub text: String,
    pub restricted: bool,
}

impl NewItem {
    pub(super) fn checked(&self) -> Result<(), Refused> {
        let mut problems = Vec::new();
        text(&mut problems, "items.title", &self.title, 1, 300, true);
        text(&mut problems, "items.text", &self.text, 0, 4000, false);
        first(problems)
    }
}

/// A meeting as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convening {
    pub kind: MeetingKind,
    pub starts_at: Instant,
    pub place: String,
    pub urgency: String,
    pub items: Vec<NewItem>,
}

/// The first instant for which a meeting can be convened now: the rule, the instant, and the steps to it.
///
/// # Errors
/// `Conflict` when no rule holds today.
pub async fn earliest(
    conn: &mut PgConnection,
    (now, tz): (Instant, Tz),
    body: &Body,
    kind: MeetingKind,
) -> Result<(DeadlineRule, Instant, Vec<Step>), Refused> {
    let rules = &body.what.rules;
    let code = match kind {
        MeetingKind::Ordinary => &rules.notice_ordinary,
        MeetingKind::Extraordinary => &rules.notice_extraordinary,
    };
    let (rule, told) = deadlines::preview(conn, code, Anchor { at: now, tz }, &Course::default()).await?;
    let beyond = || Refused::Conflict(format!("the notice {code} ends beyond the years of the calendar"));
    // A day's notice is over when its last day begins; an hour's at its minute.
    let at = if rule.unit == Unit::Hour {
        told.due_at.ok_or_else(beyond)?
    } else {
        let day = told.due_on.ok_or_else(beyond)?;
        crate::deadlines::town::start_of(day, tz)
    };
    Ok((rule, at, told.trace))
}

/// Convenes a meeting.
///
/// # Errors
/// The field that is wrong; a conflict that cites the rule when the notice is too short.
pub async fn convene(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    slug: &str,
    new: &Convening,
) -> Result<Meeting, Refused> {
    let body = held(&mut *conn, slug).await?;
    let mut problems = Vec::new();
    text(&mut problems, "place", &new.place, 1, 300, true);
    let least = usize::from(new.kind == MeetingKind::Extraordinary);
    text(&mut problems, "urgency", &new.urgency, least, 500, false);
    first(problems)?;
    if new.items.is_empty() || new.items.len() > MOST_ITEMS {
        return Err(Refused::wrong("items", new.items.len(), format!("expected 1 to {MOST_ITEMS} items")));
    }
    new.items.iter().try_for_each(NewItem::checked)?;
    if new.starts_at <= by.now || new.starts_at > by.now + FARTHEST {
        return Err(Refused::wrong("starts_at", new.starts_at, "expected a time to come, within 400 days"));
    }
    let day = publish::day(new.starts_at, tz);
    if !body.is_in_force(day) {
        return Err(Refused::Conflict(format!("the term of this body does not hold on {day}")));
    }
    let (rule, earliest_at, trace) = earliest(&mut *conn, (by.now, tz), &body, new.kind).await?;
    if new.starts_at < earliest_at {
        let from = earliest_at.with_timezone(&tz).format("%d/%m/%Y %H:%M");
        let why = format!(
            "the notice is too short: a meeting that is convened now begins on {from} or later ({})",
            rule.law_ref
        );
        return Err(Refused::Conflict(why));
    }
    let year = publish::year(new.starts_at, tz);
    let (_, number) = crate::alerts::store::next_number(&mut *conn, &format!("body_meeting/{}", body.id), year).await?;
    let id = by.ids.uuid(by.now);
    let (place, urgency) = (new.place.trim(), new.urgency.trim());
    let (kind, starts_at, law_ref) = (new.kind, new.starts_at, rule.law_ref.as_str());
    let row = NewMeeting {
        id,
        body: body.id,
        year,
        number,
        kind,
        starts_at,
        place,
        urgency,
        earliest_at,
        law_ref,
        trace: &trace,
    };
    rows::insert(&mut *conn, &row, (by.now, &by.actor.name)).await?;
    for (position, item) in (1..).zip(&new.items) {
        let place = (position, item.title.trim(), item.text.trim());
        store::room::insert_item(&mut *conn, (by.ids.uuid(by.now), id), place, item.restricted, by.now).await?;
    }
    let after = json!({ "body": slug, "number": format!("{year}-{number}"), "kind": kind, "starts_at": starts_at, "law_ref": law_ref });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyConvene, KIND, id).to(after)).await?;
    publish::card(&mut *conn, by, body.id).await?;
    rows::by_id(conn, id).await?.ok_or_else(|| Refused::NotFound("meeting".into()))
}

/// Counts who is there: the first call, and where there was no quorum the second one. Says what it came to.
///
/// # Errors
/// A conflict before its time, or when the meeting is not waiting for a call.
pub async fn call(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (slug, number): (&str, &str),
) -> Result<Called, Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    meeting.state.after(life::Act::Open)?;
    let before = store::room::calls(&mut *conn, meeting.id).await?;
    let is_second = !before.is_empty();
    let wait = body.what.rules.second_call.filter(|_| is_second).map_or(0, |call| call.after_min);
    let from = meeting.starts_at + TimeDelta::minutes(wait.into());
    if by.now < from {
        let (nth, at) = (if is_second { "second" } else { "first" }, from.with_timezone(&tz).format("%d/%m/%Y %H:%M"));
        return Err(Refused::Conflict(format!("the {nth} call is at {at}")));
    }
    let seats = counted(&store::seats::of_body(&mut *conn, body.id).await?, &meeting, tz);
    let present = u32::try_from(store::room::present(&mut *conn, meeting.id).await?.len()).unwrap_or(u32::MAX);
    let called = judge(&body.what.rules, is_second, present, seats);
    let (Called::Opens(quorum) | Called::Waits(quorum, _) | Called::Fails(quorum)) = called;
    let nth = if is_second { 2 } else { 1 };
    store::room::add_call(&mut *conn, (meeting.id, nth), quorum, (by.now, &by.actor.name)).await?;
    let outcome = match called {
        Called::Opens(_) => {
            rows::open(&mut *conn, meeting.id, nth, by.now).await?;
            "opened"
        }
        Called::Waits(..) => "waits",
        Called::Fails(_) => {
            rows::set_state(&mut *conn, meeting.id, meeting.state.after(life::Act::Fail)?, by.now).await?;
            "no_quorum"
        }
    };
    let after = json!({ "call": nth, "present": present, "seats": seats, "needed": quorum.needed, "outcome": outcome });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyCall, KIND, meeting.id).to(after)).await?;
    publish::card(conn, by, body.id).await?;
    Ok(called)
}

/// Ends an open meeting.
///
/// # Errors
/// A conflict when it is not open.
pub async fn close(conn: &mut PgConnection, by: Acting<'_>, (slug, number): (&str, &str)) -> Result<(), Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    meeting.state.after(life::Act::Close)?;
    rows::close(&mut *conn, meeting.id, by.now).await?;
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyClose, KIND, meeting.id)).await?;
    publish::card(conn, by, body.id).await
}

/// Calls a meeting off.
///
/// # Errors
/// Without a reason; a conflict when it is not waiting to begin.
pub async fn cancel(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, number): (&str, &str),
    why: &str,
) -> Result<Uuid, Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    let why = reason("reason", why)?;
    meeting.state.after(life::Act::Cancel)?;
    rows::cancel(&mut *conn, meeting.id, &why, by.now).await?;
    let entry = Entry::new(Act::BodyCancel, KIND, meeting.id).because(&why);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await?;
    Ok(meeting.id)
}
