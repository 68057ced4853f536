//! `/secretaria/painel/segmentos`: letters by segment for those who work with them, with how they fare, the next one, the report, and the
//! subscriptions of whoever asks that theirs be ended.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::queue::encoded;
use super::told;
use crate::accounts::Role;
use crate::app::App;
use crate::secretariat::modules::MODULES;
use crate::secretariat::segments::desk::{self, Day, Preview, Subject};
use crate::secretariat::segments::report::{Report, Row};
use crate::secretariat::segments::store::digests::{Digest, LETTERS, Letter};
use crate::secretariat::segments::{self, Handed, Outcome, Segments};
use crate::web::api::secretariat::segments::{
    Days, Digests, Found, Letters, Mailbox, Subscriptions, Which, day_of, day_shown, digests_of, letters_of, preview,
    report_of, searched, stopped, subscriptions_of,
};
use crate::web::api::secretariat::sought;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

const PEOPLE: &str = "/secretaria/painel/segmentos/assinaturas";
/// Publications of the log.
const SHOWN: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/segmentos", get(list))
        .route("/secretaria/painel/segmentos/edicoes/{day}", get(day))
        .route("/secretaria/painel/segmentos/proxima", get(next))
        .route("/secretaria/painel/segmentos/relatorio", get(report))
        .route("/secretaria/painel/segmentos/entregas", get(log))
        .route("/secretaria/painel/segmentos/assinaturas", get(people).post(search))
        .route("/secretaria/painel/segmentos/assinaturas/{id}/encerrar", post(stop))
}

fn works(v: &View) -> bool {
    v.staff.as_ref().is_some_and(|staff| staff.roles.has(Role::Segments))
}

/// What a form leaves empty is not asked.
fn given(query: &BTreeMap<String, String>, name: &str) -> Option<String> {
    query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_desk.html")]
struct ListPage {
    f: Frame,
    subjects: Vec<Subject>,
    found: Digests,
    q: String,
    outcome: String,
    works: bool,
}

impl ListPage {
    /// The query of the next page, but for its day.
    fn query(&self) -> String {
        format!("q={}&outcome={}", encoded(&self.q), encoded(&self.outcome))
    }

    fn fares(&self, one: &Digest) -> Vec<(Outcome, i64)> {
        fares(one)
    }
}

/// How the letters of a day fare, without what is none.
fn fares(one: &Digest) -> Vec<(Outcome, i64)> {
    let all = [
        (Outcome::Sent, one.sent),
        (Outcome::Waiting, one.waiting),
        (Outcome::Failed, one.failed),
        (Outcome::Unknown, one.unknown),
        (Outcome::Forgotten, one.forgotten),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let (q, outcome) = (sought(&given(&query, "q").unwrap_or_default()), given(&query, "outcome"));
    let before = match given(&query, "before") {
        Some(text) => Some(day_of(&text)?),
        None => None,
    };
    let found = digests_of(&app, &Days { q: q.clone(), outcome: outcome.clone(), before }.wanted()?).await?;
    let mut conn = app.db.web.acquire().await?;
    let subjects = desk::subjects(&mut conn, &app.segments, &q).await?;
    let works = works(&v);
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&ListPage { f, subjects, found, q, outcome: outcome.unwrap_or_default(), works })
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_day.html")]
struct DayPage {
    f: Frame,
    day: Day,
    letters: Vec<Letter>,
    outcome: String,
    next: Option<Uuid>,
    works: bool,
}

impl DayPage {
    fn fares(&self) -> Vec<(Outcome, i64)> {
        fares(&self.day.digest)
    }

    fn pages(&self, module: &str) -> &'static str {
        MODULES.iter().find(|one| one.key() == module).map_or("", |one| one.slug_pt)
    }

    fn number(&self, number: &i32) -> i64 {
        i64::from(*number)
    }
}

async fn day(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(day): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let day = day_of(&day)?;
    let shown = day_shown(&app, day).await?;
    let (works, outcome) = (works(&v), given(&query, "outcome"));
    let asked = Letters { outcome: outcome.clone(), after: given(&query, "after").and_then(|text| text.parse().ok()) };
    // Whoever does not work here sees how many, and not one of them.
    let letters = if works { letters_of(&app, &staff, day, &asked).await? } else { Vec::new() };
    let is_full = i64::try_from(letters.len()).is_ok_and(|count| count == LETTERS);
    let next = letters.last().filter(|_| is_full).map(|one| one.id);
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
    page(&DayPage { f, day: shown, letters, outcome: outcome.unwrap_or_default(), next, works })
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_next.html")]
struct NextPage {
    f: Frame,
    all: Segments,
    preview: Preview,
}

impl NextPage {
    fn subject(&self) -> &str {
        self.preview.subject.as_deref().unwrap_or_default()
    }

    fn is_chosen(&self, key: &str) -> bool {
        self.preview.tags.iter().any(|tag| tag == key)
    }
}

async fn next(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let tags: Vec<&str> = query.iter().filter(|(name, _)| name == "tag").map(|(_, tag)| tag.as_str()).collect();
    let language = query.iter().find(|(name, _)| name == "language").map(|(_, tag)| tag.clone());
    // Whoever chose no language reads in their own.
    let asked = Mailbox { tags: tags.join(","), language: language.or_else(|| Some(v.lang.tag().to_owned())) };
    let preview = preview(&app, &staff, &asked).await?;
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
    page(&NextPage { f, all: app.segments.clone(), preview })
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_report.html")]
struct ReportPage {
    f: Frame,
    report: Report,
    works: bool,
}

impl ReportPage {
    /// A cell in words: what is hidden is no zero.
    fn cell(&self, cell: &Option<i64>) -> String {
        (*cell).map_or_else(|| "–".to_owned(), |cell| self.f.v.count(cell))
    }

    fn title<'a>(&self, row: &'a Row) -> &'a str {
        row.title(self.f.v.lang)
    }
}

async fn report(State(app): State<App>, staff: May<can::SeeSecretariat>, v: View) -> Result<Response, ApiError> {
    let report = report_of(&app, &staff).await?;
    let works = works(&v);
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
    page(&ReportPage { f, report, works })
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_log.html")]
struct LogPage {
    f: Frame,
    log: Vec<Handed>,
}

async fn log(State(app): State<App>, _: May<can::SeeSecretariat>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let log = segments::log(&mut conn, SHOWN).await?;
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&LogPage { f, log })
}

/// The forms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    email: String,
    reason: String,
    sure: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_people.html")]
struct PeoplePage {
    f: Frame,
    all: Segments,
    found: Subscriptions,
    /// That somebody looked for just now, or none for that address.
    searched: Option<Found>,
    tag: String,
    confirmed: String,
    asked: Asked,
    wrong: String,
    errors: Vec<FieldError>,
}

impl PeoplePage {
    fn titles(&self, tags: &[String]) -> String {
        let lang = self.f.v.lang;
        tags.iter().map(|tag| self.all.title(tag, lang)).collect::<Vec<&str>>().join("; ")
    }

    /// The query of the next page, but for where it begins.
    fn query(&self) -> String {
        format!("tag={}&confirmed={}", encoded(&self.tag), encoded(&self.confirmed))
    }
}

type Wrong = (String, Vec<FieldError>);

async fn listed(
    (app, staff): (&App, &Staff),
    v: View,
    query: &BTreeMap<String, String>,
    (asked, searched): (Asked, Option<Found>),
    (wrong, errors): Wrong,
) -> Result<Response, ApiError> {
    let (tag, confirmed) = (given(query, "tag"), given(query, "confirmed").unwrap_or_default());
    let is_confirmed = confirmed.parse::<bool>().ok();
    let after = given(query, "after").and_then(|text| text.parse().ok());
    let which = Which { tag: tag.clone(), confirmed: is_confirmed, after };
    let found = subscriptions_of(app, staff, &which).await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut *app.db.web.acquire().await?, app, v, "secretariat").await?;
    let (all, tag) = (app.segments.clone(), tag.unwrap_or_default());
    let shown = page(&PeoplePage { f, all, found, searched, tag, confirmed, asked, wrong, errors })?;
    Ok((status, shown).into_response())
}

async fn people(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    listed((&app, &staff), v, &query, Default::default(), Wrong::default()).await
}

async fn search(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    mut v: View,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    // Whoever changes the language on what this answers comes back to a page.
    PEOPLE.clone_into(&mut v.here);
    match searched(&app, &staff, (&asked.email, &asked.reason)).await {
        Ok(found) => {
            let found = (Asked::default(), Some(found));
            listed((&app, &staff), v, &BTreeMap::new(), found, Wrong::default()).await
        }
        Err(error) => {
            let why = told(&v, error)?;
            listed((&app, &staff), v, &BTreeMap::new(), (asked, None), why).await
        }
    }
}

async fn stop(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    mut v: View,
    Path(id): Path<Uuid>,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    PEOPLE.clone_into(&mut v.here);
    if asked.sure != "yes" {
        return Err(ApiError::field("sure", "", "expected a tick: it has effects that are not seen at once"));
    }
    match stopped(&app, &staff, id, &asked.reason).await {
        Ok(()) => Ok(Redirect::to(PEOPLE).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            let asked = Asked { reason: asked.reason, ..Asked::default() };
            listed((&app, &staff), v, &BTreeMap::new(), (asked, None), why).await
        }
    }
}
