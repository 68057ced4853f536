//! What everybody reads of bodies. Out of snapshots alone: nothing here looks at the work itself.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::app::App;
use crate::cells::cell;
use crate::secretariat::committees::letters;
use crate::secretariat::kernel::body::calendar::{self as ics, Event};
use crate::secretariat::kernel::body::desk::meetings::label;
use crate::secretariat::kernel::body::life::State as Standing;
use crate::secretariat::kernel::body::publish::{self, Card, CardMeeting, CardSeat, Minutes};
use crate::secretariat::kernel::body::{Capacity, store};
use crate::web::conditional;
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_committees_public.html")]
struct ListPage {
    v: View,
    cards: Vec<Card>,
}

pub(super) async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let found = store::public::cards(&mut *app.db.web.acquire().await?).await?;
    let cards = found.into_iter().map(publish::read).collect::<sqlx::Result<Vec<Card>>>()?;
    page(&ListPage { v, cards })
}

async fn card(app: &App, slug: &str) -> Result<(Uuid, Card), ApiError> {
    let found = store::public::card(&mut *app.db.web.acquire().await?, slug).await?;
    let (id, document) = found.ok_or_else(|| ApiError::NotFound("body".into()))?;
    Ok((id, publish::read(document)?))
}

#[derive(Template)]
#[template(path = "secretariat/sec_committees_public_body.html")]
struct BodyPage {
    v: View,
    card: Card,
    minutes: Vec<Minutes>,
    today: chrono::NaiveDate,
}

impl BodyPage {
    fn seats(&self) -> Vec<&CardSeat> {
        self.card.seats.iter().filter(|seat| seat.ended_on.is_none_or(|last| self.today <= last)).collect()
    }

    /// Name and last day of who is in a seat today.
    fn holder(&self, seat: &CardSeat, capacity: &str) -> Option<(String, chrono::NaiveDate)> {
        let capacity = capacity.parse::<Capacity>().ok()?;
        seat.holder(capacity, self.today).map(|one| (one.person.clone(), one.until_on))
    }

    fn next(&self) -> Vec<&CardMeeting> {
        let mut all: Vec<&CardMeeting> = self
            .card
            .meetings
            .iter()
            .filter(|one| matches!(one.state, Standing::Convened | Standing::Opened | Standing::Cancelled))
            .filter(|one| publish::day(one.starts_at, self.v.tz) >= self.today)
            .collect();
        all.sort_by_key(|one| one.starts_at);
        all
    }
}

pub(super) async fn show(State(app): State<App>, v: View, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let (id, card) = card(&app, &slug).await?;
    let found = store::public::minutes(&mut *app.db.web.acquire().await?, id).await?;
    let minutes = found.into_iter().map(publish::read).collect::<sqlx::Result<Vec<Minutes>>>()?;
    let today = publish::day(v.now, v.tz);
    page(&BodyPage { v, card, minutes, today })
}

pub(super) async fn calendar(
    State(app): State<App>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let (_, card) = card(&app, &slug).await?;
    let url = format!("{}/secretaria/comites/{slug}", app.config.public_url());
    let events = card.meetings.iter().map(|one| Event {
        id: one.id,
        title: format!("{}: {}", card.name, one.label),
        text: String::new(),
        place: one.place.clone(),
        url: url.clone(),
        starts_at: one.starts_at,
        ended_at: one.ended_at,
        is_cancelled: matches!(one.state, Standing::Cancelled | Standing::NoQuorum),
        sequence: one.sequence,
        changed_at: one.changed_at,
    });
    let text = ics::write(&card.name, &letters::host(&app), &events.collect::<Vec<_>>());
    Ok(conditional::answer(&headers, "text/calendar; charset=utf-8", conditional::SHORT, text))
}

pub(super) async fn popolo(
    State(app): State<App>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let (_, card) = card(&app, &slug).await?;
    let popolo = card.popolo.ok_or_else(|| ApiError::NotFound("composition".into()))?;
    let text = serde_json::to_string(&popolo).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", conditional::SHORT, text))
}

pub(super) async fn composition(
    State(app): State<App>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let (_, card) = card(&app, &slug).await?;
    let mut out = String::from("entity,role,capacity,name,from,until\r\n");
    for seat in &card.seats {
        for one in &seat.mandates {
            let (entity, name) = (cell(&seat.entity), cell(&one.person));
            out.push_str(&format!(
                "{entity},{},{},{name},{},{}\r\n",
                seat.role, one.capacity, one.from_on, one.until_on
            ));
        }
    }
    Ok(conditional::answer(&headers, "text/csv; charset=utf-8", conditional::SHORT, out))
}

/// The document of published minutes: "2026-3.pdf".
pub(super) async fn minutes(
    State(app): State<App>,
    headers: HeaderMap,
    Path((slug, file)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("document".into());
    let (id, _) = card(&app, &slug).await?;
    let number = label(file.strip_suffix(".pdf").ok_or_else(none)?).map_err(|_| none())?;
    let pdf = store::public::pdf(&mut *app.db.web.acquire().await?, id, number).await?.ok_or_else(none)?;
    Ok(conditional::answer(&headers, "application/pdf", conditional::SHORT, pdf))
}

/// The calendar of one meeting, for whoever has the secret address of its letter.
pub(super) async fn invitation(State(app): State<App>, Path(file): Path<String>) -> Result<Response, ApiError> {
    let gone = || ApiError::NotFound("this calendar".into());
    let secret = file.strip_suffix(".ics").ok_or_else(gone)?;
    let id = letters::LINK.check(&app.keys.service, secret).ok_or_else(gone)?;
    let mut conn = app.db.web.acquire().await?;
    let meeting = store::meetings::by_id(&mut conn, id).await?.ok_or_else(gone)?;
    let body = store::by_id(&mut conn, meeting.body_id).await?.ok_or_else(gone)?;
    let headers =
        [(header::CONTENT_TYPE, "text/calendar; charset=utf-8"), (header::CACHE_CONTROL, "private, no-store")];
    Ok((headers, letters::one(&app, &body, &meeting)).into_response())
}
