//! One bill: where it stands, what is wrong with it, its next step; and the proposals of the units with their ceilings.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::{Fields, ROOT, Wrong, day, may_work, status_of, sums, text, today, told, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::deadlines::{Deadline, words as deadline_words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::budget::check::Problem;
use crate::secretariat::budget::life::{Hearing, Law, Submission};
use crate::secretariat::budget::view::{self, Whole};
use crate::secretariat::budget::{BillKind, acts, desk, files};
use crate::secretariat::kernel::money::Centavos;
use crate::web::api::secretariat::budget::files::ALL;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "sec_budget_bill.html")]
struct BillPage {
    f: Frame,
    w: Whole,
    problems: Vec<Problem>,
    sums: [(&'static str, String); 4],
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl BillPage {
    fn is_loa(&self) -> bool {
        self.w.bill.kind == BillKind::Loa
    }

    fn files(&self) -> &'static [&'static str] {
        &ALL
    }

    fn state(&self) -> &'static str {
        self.w.bill.life.word()
    }

    fn name(&self, code: &str) -> String {
        deadline_words::name(self.f.v.lang, code)
    }

    fn steps(&self, deadline: &Deadline) -> Vec<String> {
        deadline.trace.iter().map(|step| deadline_words::step(self.f.v.lang, step)).collect()
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn said<'a>(&self, problem: &'a Problem) -> &'a str {
        if self.f.v.lang == crate::i18n::Lang::Pt { &problem.texto } else { &problem.text }
    }

    fn today(&self) -> String {
        today(&self.f.v).to_string()
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    bill_page(&app, v, id, (String::new(), Vec::new())).await
}

async fn bill_page(app: &App, v: View, id: Uuid, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id).await?;
    let (problems, sums, status, may_edit) = (w.problems(false), sums(&w), status_of(&wrong), may_work(&v));
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    Ok((status, page(&BillPage { f, w, problems, sums, wrong, errors, may_edit })?).into_response())
}

pub async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let owned = |name: &str| text(&fields, name).to_owned();
    let done = async {
        match text(&fields, "act") {
            "consolidate" => acts::consolidate(&mut tx, by, id).await?,
            "reopen" => acts::reopen(&mut tx, by, id, text(&fields, "reason")).await?,
            "hear" => {
                let hearing = Hearing { on: day(&fields, "on")?, place: owned("place"), minutes: owned("minutes") };
                acts::hear(&mut tx, by, v.tz, (id, &hearing)).await?;
            }
            "submit" => {
                let submission = Submission { on: day(&fields, "on")?, number: owned("number") };
                acts::submit(&mut tx, by, v.tz, (id, &submission)).await?;
            }
            "enact" => {
                let law = Law { number: owned("number"), on: day(&fields, "on")? };
                acts::enact(&mut tx, by, v.tz, (id, &law)).await?;
            }
            other => return Err(Refused::wrong("act", other, "expected a step of the bill").into()),
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            bill_page(&app, v, id, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "sec_budget_proposals.html")]
struct ProposalsPage {
    f: Frame,
    w: Whole,
    /// Units of the register: code and name.
    units: Vec<(String, String)>,
    ceilings: String,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ProposalsPage {
    fn unit_name(&self, unit: &str) -> String {
        self.units.iter().find(|(code, _)| code == unit).map(|(_, name)| name.clone()).unwrap_or_default()
    }
}

pub async fn proposals(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    proposals_page(&app, v, id, None, (String::new(), Vec::new())).await
}

async fn proposals_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Option<String>,
    wrong: Wrong,
) -> Result<Response, ApiError> {
    use crate::secretariat::budget::classify::Which;
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id).await?;
    let units = w.classes.of(Which::Unit).on(w.day()).filter(|node| node.code.contains('.'));
    let units: Vec<(String, String)> = units.map(|node| (node.code.clone(), node.name.clone())).collect();
    let set: Vec<(String, Centavos)> =
        w.proposals.iter().filter_map(|one| Some((one.unit.clone(), one.ceiling?))).collect();
    let ceilings = given.unwrap_or_else(|| files::write_ceilings(&set));
    let (status, may_edit) = (status_of(&wrong), may_work(&v) && w.bill.life.word() == "collecting");
    let f = Frame::load(&mut conn, app, v, "budget").await?;
    let (wrong, errors) = wrong;
    Ok((status, page(&ProposalsPage { f, w, units, ceilings, wrong, errors, may_edit })?).into_response())
}

/// Ceilings as a table, or one proposal sent or returned.
pub async fn ceilings(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(fields): Form<Fields>,
) -> Result<Response, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let unit = text(&fields, "unit");
    let done = async {
        match text(&fields, "act") {
            "send" => desk::send(&mut tx, by, (id, unit)).await?,
            "return" => desk::send_back(&mut tx, by, (id, unit), text(&fields, "reason")).await?,
            _ => {
                let all = files::ceilings(text(&fields, "table").as_bytes()).map_err(desk::cells)?;
                desk::set_ceilings(&mut tx, by, id, &all).await?;
            }
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}/propostas")).into_response()),
        Err(error) => {
            let wrong = told(&v, error)?;
            let given = fields.get("table").cloned();
            proposals_page(&app, v, id, given, wrong).await
        }
    }
}
