//! What staff works with: services and rounds.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::wrong::{Wrong, read, said};
use super::{HERE, Tables, today, works};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::evaluation::{
    Counted, EvaluationError, Kept, NewRound, Round, Service, ServiceGiven, Sphere, desk, store,
};
use crate::web::api::secretariat::evaluation::Asked;
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

/// What the forms of the first page send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    act: String,
    code: String,
    name: String,
    sphere: String,
    unit: String,
    department: String,
    ended_on: String,
    revision: String,
    title: String,
    /// "key 1"
    questionnaire: String,
    opens_on: String,
    closes_on: String,
    open_link: String,
    /// Codes with spaces between them.
    services: String,
    service: String,
    year: String,
    manifestations: String,
    source: String,
}

fn day(field: &str, text: &str) -> Result<NaiveDate, EvaluationError> {
    read(field, text, "expected a day such as 2026-03-01")
}

impl Given {
    fn service(&self) -> Result<ServiceGiven, EvaluationError> {
        let ended_on = if self.ended_on.trim().is_empty() { None } else { Some(day("ended_on", &self.ended_on)?) };
        Ok(ServiceGiven {
            code: self.code.trim().to_owned(),
            name: self.name.trim().to_owned(),
            sphere: read("sphere", &self.sphere, "expected federal, state or municipal")?,
            unit: self.unit.trim().to_owned(),
            department: self.department.trim().to_owned(),
            ended_on,
        })
    }

    fn round(&self) -> Result<NewRound, EvaluationError> {
        let (key, version) = self.questionnaire.split_once(' ').unwrap_or((self.questionnaire.as_str(), ""));
        Ok(NewRound {
            title: self.title.trim().to_owned(),
            questionnaire: key.to_owned(),
            version: read("questionnaire", version, "expected one of the list")?,
            opens_on: day("opens_on", &self.opens_on)?,
            closes_on: day("closes_on", &self.closes_on)?,
            open_link: self.open_link == "yes",
            services: self
                .services
                .split([' ', ',', '\n', '\r'])
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    fn counted(&self) -> Result<Counted, EvaluationError> {
        Ok(Counted {
            service: self.service.clone(),
            year: read("year", &self.year, "expected a year")?,
            manifestations: read("manifestations", &self.manifestations, "expected a number")?,
            source: self.source.clone(),
        })
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_desk.html")]
struct ListPage {
    f: Frame,
    services: Vec<Service>,
    search: Search,
    forms: Vec<Kept>,
    rounds: Vec<Round>,
    given: Given,
    wrong: Wrong,
    may_work: bool,
    today: NaiveDate,
}

impl ListPage {
    fn spheres(&self) -> &'static [Sphere] {
        Sphere::ALL
    }

    fn standing(&self, round: &Round) -> &'static str {
        round.standing(self.today).as_str()
    }

    fn answers(&self, round: &Round) -> String {
        Tables::count(&self.f.v, round.answers)
    }

    /// Of the form of a new service: those of services that are there have the same fields.
    fn mark_new(&self, field: &str) -> Markup {
        if self.given.revision.is_empty() { self.wrong.mark(field) } else { Markup::default() }
    }

    fn form_of(&self, one: &Kept) -> String {
        format!("{} {}", one.key, one.version)
    }
}

/// `?q=…&sphere=…&current=…`; what a form leaves empty is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    q: String,
    sphere: String,
    current: String,
}

impl Search {
    fn is_any(&self) -> bool {
        [&self.q, &self.sphere, &self.current].iter().any(|text| !text.trim().is_empty())
    }

    fn asked(&self) -> Asked {
        let sphere = Some(self.sphere.clone()).filter(|sphere| !sphere.is_empty());
        Asked { q: self.q.clone(), sphere, current: self.current.parse().ok(), after: String::new() }
    }
}

async fn list_page(
    app: &App,
    v: View,
    staff: &Staff,
    (given, search): (Given, Search),
    wrong: Wrong,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let wanted = search.asked().wanted(today(&v))?;
    let services = store::find_services(&mut conn, (&wanted, store::MOST)).await?;
    let forms = store::forms(&mut conn, None).await?;
    let mut rounds = store::rounds(&mut conn, None, None).await?;
    store::counted(&mut conn, &mut rounds).await?;
    let (may_work, today, status) = (works(staff), today(&v), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = ListPage { f, services, search, forms, rounds, given, wrong, may_work, today };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    list_page(&app, v, &staff, (Given::default(), search), Wrong::default()).await
}

/// Where the page of an act leads.
async fn done(app: &App, v: &View, staff: &Staff, given: &Given) -> Result<String, EvaluationError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let leads = match given.act.as_str() {
        "service" => {
            let held = match given.revision.trim() {
                "" => None,
                text => Some(read("revision", text, "expected a number")?),
            };
            desk::save_service(&mut tx, by, held, &given.service()?).await?;
            format!("{HERE}/pesquisas#servicos")
        }
        "round" => {
            let id = desk::open_round(&mut tx, by, v.tz, &given.round()?).await?;
            format!("{HERE}/rodadas/{id}")
        }
        "count" => {
            desk::count(&mut tx, by, &given.counted()?).await?;
            format!("{HERE}/ano?ano={}", given.year.trim())
        }
        other => return Err(Refused::wrong("act", other, "expected service, round or count").into()),
    };
    tx.commit().await?;
    Ok(leads)
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    match done(&app, &v, &staff, &given).await {
        Ok(leads) => Ok(Redirect::to(&leads).into_response()),
        Err(error) => {
            let wrong = said(&v, error)?;
            list_page(&app, v, &staff, (given, Search::default()), wrong).await
        }
    }
}
