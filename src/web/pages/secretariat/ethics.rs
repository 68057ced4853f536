//! Recusals and the vote of the council in a procedure, and `/secretaria/etica` for everybody.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::case::revision;
use super::door::keep_nothing;
use super::{module, told};
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::citizen::identity::Identity;
use crate::secretariat::ethics::desk::{self as council, Voting};
use crate::secretariat::ethics::recompose::{self, Designation};
use crate::secretariat::ethics::task::{self, Task};
use crate::secretariat::ethics::{self, PROCEDURE};
use crate::secretariat::kernel::body::publish::{CardSeat, Composition};
use crate::secretariat::kernel::body::{Capacity, Choice, Person};
use crate::secretariat::kernel::desk::{self, Desk, recusal};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::kernel::store::recusals;
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
        .route("/secretaria/painel/{module}/casos/{id}/impedir", form(What::Recuse))
        .route("/secretaria/painel/{module}/casos/{id}/levantar", form(What::Lift))
        .route("/secretaria/painel/{module}/casos/{id}/votar", form(What::Vote))
        .route("/secretaria/painel/{module}/casos/{id}/apurar", form(What::Resolve))
        .route("/secretaria/painel/{module}/casos/{id}/designar", form(What::Designate))
        .route("/secretaria/painel/{module}/casos/{id}/devolver", form(What::GiveBack))
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
    /// Who may be designated where recusals left no quorum.
    candidates: Vec<Person>,
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
    let candidates = if works_here && !case.is_final && voting.as_ref().is_some_and(Voting::is_short) {
        recompose::candidates(&mut conn).await?
    } else {
        Vec::new()
    };
    let is_free = |name: &str| name != who.name && !recused.iter().any(|one| one.username == name);
    let people = people.into_iter().filter(|person| is_free(&person.username));
    let people = people.map(|person| (person.username, person.name)).collect();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown =
        CouncilPage { f, module, case, recused, voting, people, may_vote, candidates, works_here, wrong, errors };
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

/// What a form of the page does.
#[derive(Clone, Copy)]
enum What {
    Recuse,
    Lift,
    Vote,
    Resolve,
    Designate,
    GiveBack,
}

impl What {
    /// # Errors
    /// The field that is no word of the form's.
    fn read(self, given: &Given) -> Result<Task<'_>, Refused> {
        let (revision, reason, username) = (revision(given), text(given, "reason"), text(given, "username"));
        Ok(match self {
            Self::Recuse => Task::Recuse(revision, username, reason),
            Self::Lift => Task::Lift(revision, username, reason),
            Self::Vote => {
                let word = text(given, "choice");
                let wrong = |_| Refused::wrong("choice", word, "expected one of for, against, abstain");
                Task::Vote(word.parse::<Choice>().map_err(wrong)?)
            }
            Self::Resolve => {
                let casting = match text(given, "casting") {
                    "for" => Some(true),
                    "against" => Some(false),
                    _ => None,
                };
                Task::Resolve(revision, casting)
            }
            Self::Designate => {
                let id = |name: &str| {
                    let word = text(given, name);
                    word.parse::<Uuid>().map_err(|_| Refused::wrong(name, word, "expected something here"))
                };
                let (seat_id, person_id) = (id("seat_id")?, id("person_id")?);
                Task::Designate(revision, Designation { seat_id, person_id, act: text(given, "act"), reason })
            }
            Self::GiveBack => Task::GiveBack(revision, reason),
        })
    }
}

/// The route of a form that whoever works in the secretariat sends.
fn form(what: What) -> MethodRouter<App> {
    post(
        move |State(app): State<App>,
              staff: May<can::WorkSecretariat>,
              v: View,
              Path((slug, id)): Path<(String, Uuid)>,
              Form(given): Form<Given>| async move { done(&app, &staff, v, (&slug, id), what.read(&given)).await },
    )
}

async fn done(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id): (&str, Uuid),
    asked: Result<Task<'_>, Refused>,
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let mut tx = app.db.web.begin().await?;
    let done = match asked {
        Ok(asked) => task::perform(&mut tx, Desk::of(app, &actor, &who), (module.key(), id), asked).await,
        Err(wrong) => Err(wrong.into()),
    };
    if let Err(error) = done {
        drop(tx);
        let why = told(&v, error)?;
        return council_page(app, staff, v, (slug, id), why).await;
    }
    // Whoever recused themselves does not find the page they came from.
    let is_hidden = recusals::is_recused(&mut tx, id, &who.name).await?;
    tx.commit().await?;
    let queue = format!("/secretaria/painel/{}", module.slug_pt);
    let to = if is_hidden { queue } else { format!("{queue}/casos/{id}/conselho") };
    Ok(Redirect::to(&to).into_response())
}

async fn reporter(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let told = |name: &str| text(&given, name).to_owned();
    let reporter = Identity { name: told("name"), email: told("email"), phone: told("phone") };
    done(&app, &staff, v, (&slug, id), Ok(Task::Reporter(&reporter))).await
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
