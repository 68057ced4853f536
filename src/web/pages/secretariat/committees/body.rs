//! The page of one body for the staff: rules, seats, mandates, meetings; and its report.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Fields, day, id, local, number, said, status, word, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::secretariat::committees::{letters, may_see, may_work, report as year};
use crate::secretariat::kernel::body::desk::meetings::{self, Convening, NewItem};
use crate::secretariat::kernel::body::desk::seats::{self, Appointment};
use crate::secretariat::kernel::body::desk::{self, NewPerson};
use crate::secretariat::kernel::body::{
    Body, Capacity, Mandate, Meeting, MeetingKind, Person, Seat, SeatRole, publish, store,
};
use crate::web::api::secretariat::committees::masked;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_committees_body.html")]
struct BodyPage {
    f: Frame,
    body: Body,
    seats: Vec<Seat>,
    meetings: Vec<Meeting>,
    persons: Vec<Person>,
    /// The first times for which an ordinary and an extraordinary meeting can be convened now.
    earliest: Vec<(MeetingKind, Instant, String)>,
    given: Fields,
    act: Given,
    wrong: String,
    may_work: bool,
    today: chrono::NaiveDate,
}

impl BodyPage {
    fn holder(&self, seat: &Seat, capacity: &str) -> String {
        let capacity = capacity.parse::<Capacity>().unwrap_or(Capacity::Titular);
        seat.holder(capacity, self.today).map(|one| one.person.clone()).unwrap_or_default()
    }

    fn here(&self) -> String {
        format!("/secretaria/painel/comites/{}", self.body.what.slug)
    }

    /// Whether it can be ended before its time.
    fn is_running(&self, mandate: &Mandate) -> bool {
        mandate.holds_on(self.today) && mandate.ended_on.is_none()
    }

    fn is_vacant(&self, seat: &Seat) -> bool {
        seat.is_vacant(self.today)
    }

    fn standing(&self) -> Vec<&Seat> {
        self.seats.iter().filter(|seat| seat.is_in_force(self.today)).collect()
    }
}

/// What the page's forms send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    act: String,
    seat: String,
    mandate: String,
    position: String,
    entity: String,
    role: String,
    person: String,
    person_name: String,
    person_email: String,
    person_account: String,
    capacity: String,
    from_on: String,
    until_on: String,
    appointed_by: String,
    day: String,
    reason: String,
    meeting_kind: String,
    starts_at: String,
    place: String,
    urgency: String,
    items: String,
}

pub(super) async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    body_page(&app, v, &staff, &slug, (None, Given::default(), String::new())).await
}

async fn body_page(
    app: &App,
    v: View,
    staff: &Staff,
    slug: &str,
    (fields, act, wrong): (Option<Fields>, Given, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = desk::find(&mut conn, slug).await?;
    may_see(&staff.roles, &body)?;
    let seats = store::seats::of_body(&mut conn, body.id).await?;
    let meetings = store::meetings::list(&mut conn, body.id, None).await?;
    let may_work = works(staff, body.what.kind) && body.ended_on.is_none();
    let persons = if may_work { store::persons(&mut conn, "").await? } else { Vec::new() };
    let mut earliest = Vec::new();
    for kind in MeetingKind::ALL {
        if let Ok((rule, at, _)) = meetings::earliest(&mut conn, (v.now, v.tz), &body, *kind).await {
            earliest.push((*kind, at, rule.law_ref));
        }
    }
    let today = publish::day(v.now, v.tz);
    let given = fields.unwrap_or_else(|| Fields::of(&body));
    let f = Frame::load(&mut conn, app, v, "sec-committees").await?;
    let status = status(&wrong);
    let shown = BodyPage { f, body, seats, meetings, persons, earliest, given, act, wrong, may_work, today };
    Ok((status, page(&shown)?).into_response())
}

/// The form of the rules has fields of its own; all the others share one set.
#[derive(Debug, Deserialize)]
pub(super) struct Both {
    #[serde(flatten)]
    fields: Fields,
    #[serde(flatten)]
    given: Given,
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(slug): Path<String>,
    Form(both): Form<Both>,
) -> Result<Response, ApiError> {
    let Both { fields, given } = both;
    match done(&app, &v, &staff, &slug, (&fields, &given)).await {
        Ok(to) => Ok(Redirect::to(&format!("/secretaria/painel/comites/{slug}{to}")).into_response()),
        Err(Refused::Forbidden(why)) => Err(ApiError::Forbidden(why)),
        Err(refused) => {
            let wrong = said(v.lang, refused)?;
            let fields = (given.act == "edit").then_some(fields);
            body_page(&app, v, &staff, &slug, (fields, given, wrong)).await
        }
    }
}

async fn done(
    app: &App,
    v: &View,
    staff: &Staff,
    slug: &str,
    (fields, given): (&Fields, &Given),
) -> Result<String, Refused> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let body = desk::find(&mut tx, slug).await?;
    may_see(&staff.roles, &body)?;
    may_work(&staff.roles, body.what.kind)?;
    let mut to = "#assentos".to_owned();
    match given.act.as_str() {
        "edit" => {
            let revision = number("revision", &fields.revision)?;
            let fields = Fields { slug: slug.to_owned(), kind: body.what.kind.to_string(), ..fields.clone() };
            let mut new = fields.read()?;
            // The codes of the notices are the body's own: the form does not ask for them.
            new.rules.notice_ordinary.clone_from(&body.what.rules.notice_ordinary);
            new.rules.notice_extraordinary.clone_from(&body.what.rules.notice_extraordinary);
            desk::edit(&mut tx, by, v.tz, (slug, revision), &new).await?;
            to.clear();
        }
        "end" => {
            desk::end(&mut tx, by, slug, (day("day", &given.day)?, &given.reason)).await?;
            to.clear();
        }
        "seat" => {
            let role: SeatRole = word("role", &given.role)?;
            seats::add(&mut tx, by, slug, (number("position", &given.position)?, &given.entity, role)).await?;
        }
        "seat-end" => {
            let seat = id("seat", &given.seat)?;
            seats::end(&mut tx, by, (slug, seat), (day("day", &given.day)?, &given.reason)).await?;
        }
        "appoint" => appoint(&mut tx, by, slug, given).await?,
        "mandate-end" => {
            let mandate = id("mandate", &given.mandate)?;
            seats::end_mandate(&mut tx, by, (slug, mandate), (day("day", &given.day)?, &given.reason)).await?;
        }
        "convene" => {
            let meeting = meetings::convene(&mut tx, by, v.tz, slug, &convening(v, given)?).await?;
            letters::tell(&mut tx, app, by, (&body, &meeting)).await?;
            to = format!("/reunioes/{}", meeting.label());
        }
        other => {
            let expected = "expected edit, end, seat, seat-end, appoint, mandate-end or convene";
            return Err(Refused::wrong("act", other, expected));
        }
    }
    tx.commit().await?;
    Ok(to)
}

async fn appoint(conn: &mut sqlx::PgConnection, by: Acting<'_>, slug: &str, given: &Given) -> Result<(), Refused> {
    let person = if given.person_name.trim().is_empty() {
        id("person", &given.person)?
    } else {
        let email = Some(given.person_email.trim().to_owned());
        let (name, account) = (given.person_name.clone(), given.person_account.clone());
        desk::save_person(&mut *conn, by, None, &NewPerson { name, contact: String::new(), email, account }).await?
    };
    let new = Appointment {
        person,
        capacity: word("capacity", &given.capacity)?,
        from_on: day("from_on", &given.from_on)?,
        until_on: day("until_on", &given.until_on)?,
        act: given.appointed_by.clone(),
    };
    seats::appoint(conn, by, (slug, id("seat", &given.seat)?), &new).await?;
    Ok(())
}

/// One item a line; one that begins with `*` is restricted.
fn convening(v: &View, given: &Given) -> Result<Convening, Refused> {
    let lines = given.items.lines().map(str::trim).filter(|line| !line.is_empty());
    let items = lines.map(|line| {
        let (title, restricted) = line.strip_prefix('*').map_or((line, false), |rest| (rest.trim(), true));
        NewItem { title: title.to_owned(), text: String::new(), restricted }
    });
    Ok(Convening {
        kind: word("meeting_kind", &given.meeting_kind)?,
        starts_at: local(v, "starts_at", &given.starts_at)?,
        place: given.place.clone(),
        urgency: given.urgency.clone(),
        items: items.collect(),
    })
}

#[derive(Template)]
#[template(path = "secretariat/sec_committees_report.html")]
struct ReportPage {
    f: Frame,
    body: Body,
    told: year::Report,
    years: Vec<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OfYear {
    ano: Option<i32>,
}

pub(super) async fn report(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(slug): Path<String>,
    Query(given): Query<OfYear>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = desk::find(&mut conn, &slug).await?;
    may_see(&staff.roles, &body)?;
    let years = store::meetings::years(&mut conn, body.id).await?;
    let of = given.ano.filter(|year| (1900..=2200).contains(year)).unwrap_or_else(|| publish::year(v.now, v.tz));
    let mut told = year::of(&mut conn, &body, of, v.tz).await?;
    told.resolutions = told.resolutions.into_iter().map(masked).collect();
    let f = Frame::load(&mut conn, &app, v, "sec-committees").await?;
    page(&ReportPage { f, body, told, years })
}
