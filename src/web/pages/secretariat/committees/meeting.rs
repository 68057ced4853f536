//! The room of a meeting: who is there, the quorum as it stands, items, votes, resolutions.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;
use uuid::Uuid;

use super::{id, number, said, status, word, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::committees::{letters, may_see, may_work, veil};
use crate::secretariat::kernel::body::desk::meetings::{self, NewItem};
use crate::secretariat::kernel::body::desk::room::{self, MOST_BYTES, Resolving};
use crate::secretariat::kernel::body::life::State as Standing;
use crate::secretariat::kernel::body::rules::{self, Called, Quorum, Tally};
use crate::secretariat::kernel::body::{Body, Capacity, Choice, Item, Presence, Record, Seat, publish, store};
use crate::web::api::secretariat::committees::room::as_file;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_committees_meeting.html")]
struct RoomPage {
    f: Frame,
    body: Body,
    record: Record,
    seats: Vec<Seat>,
    /// As a call would count now.
    quorum: Quorum,
    may_work: bool,
    given: Given,
    wrong: String,
    day: chrono::NaiveDate,
}

impl RoomPage {
    fn here(&self) -> String {
        format!("/secretaria/painel/comites/{}/reunioes/{}", self.body.what.slug, self.record.meeting.label())
    }

    fn there(&self, seat: &Seat) -> Option<&Presence> {
        self.record.present.iter().find(|one| one.seat_id == seat.id)
    }

    fn holder(&self, seat: &Seat, capacity: &str) -> Option<String> {
        let capacity = capacity.parse::<Capacity>().ok()?;
        seat.holder(capacity, self.day).map(|one| one.person.clone())
    }

    fn voters(&self, item: &Item) -> Vec<Presence> {
        room::eligible(&self.record.present, item)
    }

    /// Whether those who may vote on an item are enough to decide it.
    fn floor(&self, item: &Item) -> Quorum {
        let present = u32::try_from(self.voters(item).len()).unwrap_or(u32::MAX);
        Quorum::count(self.body.what.rules.quorum_decide, present, self.quorum.seats)
    }

    fn vote(&self, item: &Item, seat: &Uuid) -> String {
        item.votes.iter().find(|one| one.seat_id == *seat).map(|one| one.choice.to_string()).unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        self.record.meeting.state == Standing::Opened
    }

    fn is_waiting(&self) -> bool {
        self.record.meeting.state == Standing::Convened
    }

    fn was_held(&self) -> bool {
        self.record.meeting.state.was_held()
    }

    /// Members who can be recused: everybody with a mandate on the day.
    fn members(&self) -> Vec<(Uuid, String)> {
        let holds = self.seats.iter().flat_map(|seat| seat.mandates.iter().filter(|one| one.holds_on(self.day)));
        let mut all: Vec<(Uuid, String)> = holds.map(|one| (one.person_id, one.person.clone())).collect();
        all.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        all.dedup();
        all
    }

    fn resolution(&self, item: &Item) -> Option<&crate::secretariat::kernel::body::Resolution> {
        self.record.resolutions.iter().find(|one| one.item_id == item.id)
    }
}

/// What the forms of the room send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    act: String,
    item: String,
    seat: String,
    capacity: String,
    person: String,
    reason: String,
    choice: String,
    counted: String,
    votes_for: String,
    votes_against: String,
    votes_abstain: String,
    casting: String,
    title: String,
    text: String,
    restricted: String,
    notes: String,
    determination: String,
    determination_to: String,
}

type Numbered = (String, String);

pub(super) async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, number)): Path<Numbered>,
) -> Result<Response, ApiError> {
    room_page(&app, v, &staff, (&slug, &number), (Given::default(), String::new())).await
}

async fn room_page(
    app: &App,
    v: View,
    staff: &Staff,
    (slug, number): (&str, &str),
    (given, wrong): (Given, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (body, meeting) = meetings::look(&mut conn, slug, number).await?;
    may_see(&staff.roles, &body)?;
    let seats = store::seats::of_body(&mut conn, body.id).await?;
    let mut record = meetings::record(&mut conn, meeting).await?;
    veil(&mut conn, &mut record, (&staff.roles, staff.id.0), &body).await?;
    let present = u32::try_from(record.present.len()).unwrap_or(u32::MAX);
    let all = meetings::counted(&seats, &record.meeting, v.tz);
    let is_second = record.calls.first().is_some_and(|call| !call.reached);
    let (Called::Opens(quorum) | Called::Waits(quorum, _) | Called::Fails(quorum)) =
        rules::call(&body.what.rules, is_second, present, all);
    let day = publish::day(record.meeting.starts_at, v.tz);
    let seats = seats.into_iter().filter(|seat| seat.is_in_force(day)).collect();
    let may_work = works(staff, body.what.kind);
    let f = Frame::load(&mut conn, app, v, "sec-committees").await?;
    let status = status(&wrong);
    let shown = RoomPage { f, body, record, seats, quorum, may_work, given, wrong, day };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, number)): Path<Numbered>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    match done(&app, &v, &staff, (&slug, &number), &given).await {
        Ok(anchor) => {
            let to = format!("/secretaria/painel/comites/{slug}/reunioes/{number}{anchor}");
            Ok(Redirect::to(&to).into_response())
        }
        Err(Refused::Forbidden(why)) => Err(ApiError::Forbidden(why)),
        Err(refused) => {
            let wrong = said(v.lang, refused)?;
            room_page(&app, v, &staff, (&slug, &number), (given, wrong)).await
        }
    }
}

/// Whoever works in the body and, where it is about an item, is not kept from it.
async fn allowed(
    conn: &mut sqlx::PgConnection,
    staff: &Staff,
    (slug, number): (&str, &str),
    item: Option<Uuid>,
) -> Result<Body, Refused> {
    let (body, meeting) = meetings::look(&mut *conn, slug, number).await?;
    may_see(&staff.roles, &body)?;
    may_work(&staff.roles, body.what.kind)?;
    if let Some(item) = item {
        let mut record = meetings::record(&mut *conn, meeting).await?;
        veil(conn, &mut record, (&staff.roles, staff.id.0), &body).await?;
        if !record.items.iter().any(|one| one.id == item) {
            return Err(Refused::NotFound("item".into()));
        }
    }
    Ok(body)
}

async fn done(app: &App, v: &View, staff: &Staff, at: (&str, &str), given: &Given) -> Result<String, Refused> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let item = if given.item.is_empty() { None } else { Some(id("item", &given.item)?) };
    let body = allowed(&mut tx, staff, at, item).await?;
    match given.act.as_str() {
        "call" => {
            meetings::call(&mut tx, by, v.tz, at).await?;
        }
        "close" => meetings::close(&mut tx, by, at).await?,
        "cancel" => {
            meetings::cancel(&mut tx, by, at, &given.reason).await?;
            let (_, meeting) = meetings::look(&mut tx, at.0, at.1).await?;
            letters::tell(&mut tx, app, by, (&body, &meeting)).await?;
        }
        "attend" => {
            let capacity = if given.capacity.is_empty() { None } else { Some(word("capacity", &given.capacity)?) };
            room::attend(&mut tx, by, v.tz, (at.0, at.1, id("seat", &given.seat)?), capacity).await?;
        }
        "item" => {
            let restricted = !given.restricted.is_empty();
            let new = NewItem { title: given.title.clone(), text: given.text.clone(), restricted };
            room::add_item(&mut tx, by, at, &new).await?;
        }
        _ => of_item(&mut tx, by, v, (at.0, at.1, item.ok_or_else(|| unknown(&given.act))?), given).await?,
    }
    tx.commit().await?;
    Ok(item.map(|item| format!("#i{item}")).unwrap_or_default())
}

fn unknown(act: &str) -> Refused {
    Refused::wrong("act", act, "expected call, close, cancel, attend, item, recuse, vote, decide, resolve or note")
}

async fn of_item(
    conn: &mut sqlx::PgConnection,
    by: Acting<'_>,
    v: &View,
    at: room::At<'_>,
    given: &Given,
) -> Result<(), Refused> {
    match given.act.as_str() {
        "recuse" => room::recuse(conn, by, at, (id("person", &given.person)?, &given.reason)).await,
        "vote" => {
            let choice: Choice = word("choice", &given.choice)?;
            room::vote(conn, by, at, (id("seat", &given.seat)?, choice)).await
        }
        "decide" => {
            let tally = if given.counted.is_empty() {
                None
            } else {
                Some(Tally {
                    votes_for: number("votes_for", &given.votes_for)?,
                    votes_against: number("votes_against", &given.votes_against)?,
                    votes_abstain: number("votes_abstain", &given.votes_abstain)?,
                })
            };
            let casting = match given.casting.as_str() {
                "" => None,
                "for" => Some(true),
                "against" => Some(false),
                other => return Err(Refused::wrong("casting", other, "expected for or against")),
            };
            room::decide(conn, by, v.tz, at, (tally, casting)).await.map(|_| ())
        }
        "resolve" => {
            let new = Resolving {
                text: given.text.clone(),
                determination: given.determination.clone(),
                determination_to: given.determination_to.clone(),
            };
            room::resolve(conn, by, v.tz, at, &new).await.map(|_| ())
        }
        "note" => room::note(conn, by, at, &given.notes).await,
        other => Err(unknown(other)),
    }
}

/// The file of a form and its name.
async fn sent(request: Request) -> Option<(String, Vec<u8>)> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = MOST_BYTES as u64;
    let limits = SizeLimit::new().whole_stream(most + 64 * 1024).per_field(8 * 1024).for_field("file", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let (mut name, mut bytes) = (String::new(), Vec::new());
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("file") => bytes = field.bytes().await.ok()?.to_vec(),
            Some("name") => name = field.text().await.ok()?,
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some((name, bytes))
}

pub(super) async fn upload(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, number, item)): Path<(String, String, Uuid)>,
    request: Request,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let file = sent(request).await;
    let done = async {
        let broken = || Refused::wrong("file", "", "expected a PDF of at most 5 MiB");
        let (name, bytes) = file.ok_or_else(broken)?;
        let mut tx = app.db.web.begin().await?;
        allowed(&mut tx, &staff, (&slug, &number), Some(item)).await?;
        room::add_document(&mut tx, by, (&slug, &number, item), (&name, &bytes)).await?;
        Ok::<_, Refused>(tx.commit().await?)
    };
    match done.await {
        Ok(()) => {
            let to = format!("/secretaria/painel/comites/{slug}/reunioes/{number}#i{item}");
            Ok(Redirect::to(&to).into_response())
        }
        Err(Refused::Forbidden(why)) => Err(ApiError::Forbidden(why)),
        Err(refused) => {
            let wrong = said(v.lang, refused)?;
            room_page(&app, v, &staff, (&slug, &number), (Given::default(), wrong)).await
        }
    }
}

pub(super) async fn document(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number, item, document)): Path<(String, String, Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (body, meeting) = meetings::look(&mut conn, &slug, &number).await?;
    may_see(&staff.roles, &body)?;
    let mut record = meetings::record(&mut conn, meeting).await?;
    veil(&mut conn, &mut record, (&staff.roles, staff.id.0), &body).await?;
    let none = || ApiError::NotFound("document".into());
    if !record.items.iter().any(|one| one.id == item) {
        return Err(none());
    }
    let (_, bytes) = store::room::document(&mut conn, item, document).await?.ok_or_else(none)?;
    Ok(as_file(bytes))
}
