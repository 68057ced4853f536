//! Recusals and the vote of the council in a procedure, and `/secretaria/etica` for everybody.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::case::revision;
use super::door::keep_nothing;
use super::{module, told};
use crate::app::App;
use crate::secretariat::citizen::identity::Identity;
use crate::secretariat::ethics::desk::{self as council, Voting};
use crate::secretariat::ethics::{self, PROCEDURE};
use crate::secretariat::kernel::body::Capacity;
use crate::secretariat::kernel::body::publish::{CardSeat, Composition};
use crate::secretariat::kernel::desk::{self, CaseError, Desk, recusal};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::kernel::{CaseFile, Recusal};
use crate::secretariat::modules::Module;
use crate::secretariat::yearly::Table;
use crate::web::api::secretariat::ethics::Statistics;
use crate::web::api::secretariat::within;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

/// Summaries of the public page; the rest stands with the publications.
const SHOWN: i64 = 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/{module}/casos/{id}/conselho", get(show))
        .route("/secretaria/painel/{module}/casos/{id}/impedir", post(recuse))
        .route("/secretaria/painel/{module}/casos/{id}/levantar", post(lift))
        .route("/secretaria/painel/{module}/casos/{id}/votar", post(vote))
        .route("/secretaria/painel/{module}/casos/{id}/apurar", post(resolve))
        .route("/secretaria/painel/{module}/casos/{id}/denunciante", post(reporter))
        .layer(map_response(keep_nothing))
        .route("/secretaria/etica", get(public))
}

#[derive(Template)]
#[template(path = "secretariat/sec_ethics.html")]
struct CouncilPage {
    f: Frame,
    module: &'static Module,
    case: CaseFile,
    recused: Vec<Recusal>,
    /// None: the council does not vote on this type.
    voting: Option<Voting>,
    people: Vec<(String, String)>,
    /// The reader may vote now.
    may_vote: bool,
    works_here: bool,
    wrong: String,
    errors: Vec<FieldError>,
}

type Wrong = (String, Vec<FieldError>);

async fn council_page(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id): (&str, Uuid),
    (wrong, errors): Wrong,
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (case, recused) = recusal::list(&mut conn, desk, id).await?;
    within(&case, module, id)?;
    let voting = if case.type_key == PROCEDURE { Some(council::voting(&mut conn, desk, id).await?) } else { None };
    let may_vote = voting.as_ref().is_some_and(|voting| {
        voting.round.is_some() && ethics::votes::may_vote(&voting.voters, &voting.votes, &who.name).is_ok()
    });
    let works_here = who.has(&case.module);
    let people = if works_here { crate::alerts::escalation::store::people(&mut conn).await? } else { Vec::new() };
    let is_free = |name: &str| name != who.name && !recused.iter().any(|one| one.username == name);
    let people = people.into_iter().filter(|person| is_free(&person.username));
    let people = people.map(|person| (person.username, person.name)).collect();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = CouncilPage { f, module, case, recused, voting, people, may_vote, works_here, wrong, errors };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Response, ApiError> {
    council_page(&app, &staff, v, (&slug, id), Wrong::default()).await
}

type Given = BTreeMap<String, String>;

fn text<'a>(given: &'a Given, name: &str) -> &'a str {
    given.get(name).map(|text| text.trim()).unwrap_or_default()
}

/// What a form asks for.
enum Task<'a> {
    Recuse(&'a Given),
    Lift(&'a Given),
    Vote(&'a Given),
    Resolve(&'a Given),
    Reporter(&'a Given),
}

async fn perform(
    conn: &mut sqlx::PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    task: &Task<'_>,
) -> Result<Option<CaseFile>, CaseError> {
    let who = |given: &Given| (text(given, "username").to_owned(), text(given, "reason").to_owned());
    Ok(match task {
        Task::Recuse(given) => {
            let (username, reason) = who(given);
            Some(recusal::recuse(conn, desk, (id, revision(given)), (&username, &reason)).await?)
        }
        Task::Lift(given) => {
            let (username, reason) = who(given);
            Some(recusal::lift(conn, desk, (id, revision(given)), (&username, &reason)).await?)
        }
        Task::Vote(given) => {
            let word = text(given, "choice");
            let choice = word
                .parse()
                .map_err(|_| crate::refused::Refused::wrong("choice", word, "expected one of for, against, abstain"))?;
            Some(council::vote(conn, desk, id, choice).await?)
        }
        Task::Resolve(given) => {
            let casting = match text(given, "casting") {
                "for" => Some(true),
                "against" => Some(false),
                _ => None,
            };
            Some(council::resolve(conn, desk, (id, revision(given)), casting).await?)
        }
        Task::Reporter(given) => {
            let told = |name: &str| text(given, name).to_owned();
            let reporter = Identity { name: told("name"), email: told("email"), phone: told("phone") };
            council::keep_reporter(conn, desk, id, &reporter).await?;
            None
        }
    })
}

async fn done(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id): (&str, Uuid),
    task: Task<'_>,
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    match perform(&mut tx, desk, id, &task).await {
        Ok(case) => {
            if let Some(case) = &case {
                within(case, module, id)?;
            }
            // Whoever recused themselves does not find the page they came from.
            let is_hidden = crate::secretariat::kernel::store::recusals::is_recused(&mut tx, id, &who.name).await?;
            tx.commit().await?;
            let queue = format!("/secretaria/painel/{}", module.slug_pt);
            let to = if is_hidden { queue } else { format!("{queue}/casos/{id}/conselho") };
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            council_page(app, staff, v, (slug, id), why).await
        }
    }
}

async fn recuse(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Recuse(&given)).await
}

async fn lift(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Lift(&given)).await
}

async fn vote(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Vote(&given)).await
}

async fn resolve(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Resolve(&given)).await
}

async fn reporter(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Reporter(&given)).await
}

#[derive(Template)]
#[template(path = "secretariat/sec_ethics_public.html")]
struct PublicPage {
    v: View,
    statistics: Statistics,
    summaries: Vec<Published>,
    today: chrono::NaiveDate,
}

impl PublicPage {
    fn seats<'a>(&self, of: &'a Composition) -> Vec<&'a CardSeat> {
        of.seats.iter().filter(|seat| seat.ended_on.is_none_or(|last| self.today <= last)).collect()
    }

    /// Name and last day of who is in a seat today.
    fn holder(&self, seat: &CardSeat, capacity: &str) -> Option<(String, chrono::NaiveDate)> {
        let capacity = capacity.parse::<Capacity>().ok()?;
        seat.holder(capacity, self.today).map(|one| (one.person.clone(), one.until_on))
    }

    fn count(&self, number: &Option<i64>) -> String {
        number.map_or_else(|| self.v.t("sec-yearly-few"), |number| self.v.count(number))
    }

    fn caption(&self, table: &Table) -> String {
        self.v.t(&format!("sec-ethics-table-{}", table.key.replace(['.', '_'], "-")))
    }

    fn summary<'a>(&self, one: &'a Published) -> &'a str {
        one.view.fields.get("summary").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

async fn public(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let statistics = Statistics::load(&app, v.lang).await?;
    let mut conn = app.db.web.acquire().await?;
    let summaries = published::list(&mut conn, ethics::MODULE, Some(PROCEDURE), None, (v.now, SHOWN)).await?;
    drop(conn);
    let today = v.now.with_timezone(&v.tz).date_naive();
    page(&PublicPage { v, statistics, summaries, today })
}
