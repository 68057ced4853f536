//! FIDE 1, 4, 5, 8, 9 and the words of 6 and 7 in one form.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::typed::{Typed, as_money, as_number};
use super::{status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::sections::{Hit, OCCUPATIONS, Sections};
use crate::damage::{Dossier, desk, view};
use crate::plancon::PlanError;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

const NUMBERS: [&str; 5] = ["population", "rain_24h_mm", "rain_72h_mm", "stage_cm", "wind_kmh"];

#[derive(Template)]
#[template(path = "damage_sections.html")]
struct SectionsPage {
    f: Frame,
    d: Dossier,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl SectionsPage {
    fn d(&self) -> &Dossier {
        &self.d
    }

    fn val(&self, name: &str) -> &str {
        self.given.get(name)
    }

    fn is_hit(&self, occupation: &str, hit: &Hit) -> bool {
        self.given.get(&format!("occupation_{occupation}")) == hit.as_str()
    }
}

/// Sections as the form shows them.
fn filled(s: &Sections) -> Typed {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let money = [
        ("product", s.product_centavos),
        ("budget", s.budget_centavos),
        ("revenue", s.revenue_centavos),
        ("net_year", s.net_year_centavos),
        ("net_month", s.net_month_centavos),
    ];
    all.extend(money.into_iter().map(|(name, value)| (name.to_owned(), as_money(value))));
    let numbers = NUMBERS.into_iter().zip([s.population, s.rain_24h_mm, s.rain_72h_mm, s.stage_cm, s.wind_kmh]);
    all.extend(numbers.map(|(name, value)| (name.to_owned(), as_number(value))));
    for (at, occupation) in OCCUPATIONS.iter().enumerate() {
        let hit = s.hit(at).map(|hit| hit.as_str().to_owned()).unwrap_or_default();
        all.insert(format!("occupation_{occupation}"), hit);
    }
    let texts = [
        ("areas", &s.areas),
        ("causes", &s.causes),
        ("human", &s.human),
        ("material", &s.material),
        ("environmental", &s.environmental),
        ("public_loss", &s.public_loss),
        ("private_loss", &s.private_loss),
        ("institution", &s.institution),
        ("address", &s.address),
        ("informant", &s.informant),
        ("function", &s.function),
        ("telephone", &s.telephone),
        ("email", &s.email),
        ("told", &s.told),
    ];
    all.extend(texts.into_iter().map(|(name, text)| (name.to_owned(), text.clone())));
    for (name, told) in [("state_told", s.state_told), ("union_told", s.union_told)] {
        all.insert(name.into(), if told { "yes".into() } else { String::new() });
    }
    Typed(all)
}

/// The form as sections.
fn read(given: &Typed) -> Result<Sections, PlanError> {
    let mut problems = Vec::new();
    let occupation =
        OCCUPATIONS.iter().map(|word| given.get(&format!("occupation_{word}")).parse::<Hit>().ok()).collect();
    let sections = Sections {
        population: given.number("population", &mut problems),
        product_centavos: given.money("product", &mut problems),
        budget_centavos: given.money("budget", &mut problems),
        revenue_centavos: given.money("revenue", &mut problems),
        net_year_centavos: given.money("net_year", &mut problems),
        net_month_centavos: given.money("net_month", &mut problems),
        occupation,
        areas: given.text("areas"),
        causes: given.text("causes"),
        rain_24h_mm: given.number("rain_24h_mm", &mut problems),
        rain_72h_mm: given.number("rain_72h_mm", &mut problems),
        stage_cm: given.number("stage_cm", &mut problems),
        wind_kmh: given.number("wind_kmh", &mut problems),
        human: given.text("human"),
        material: given.text("material"),
        environmental: given.text("environmental"),
        public_loss: given.text("public_loss"),
        private_loss: given.text("private_loss"),
        institution: given.text("institution"),
        address: given.text("address"),
        informant: given.text("informant"),
        function: given.text("function"),
        telephone: given.text("telephone"),
        email: given.text("email"),
        state_told: given.get("state_told") == "yes",
        union_told: given.get("union_told") == "yes",
        told: given.text("told"),
    };
    if problems.is_empty() { Ok(sections) } else { Err(PlanError::Wrong(problems)) }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    sections_page(&app, v, id, None, (String::new(), Vec::new())).await
}

async fn sections_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Option<Typed>,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = view::dossier(&mut conn, id).await?;
    let given = given.unwrap_or_else(|| filled(&d.sections));
    let may_edit = d.is_open() && v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&SectionsPage { f, d, given, wrong, errors, may_edit })?).into_response())
}

pub async fn save(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let given = Typed(given);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let revision = given.get("revision").parse().unwrap_or_default();
        desk::write(&mut tx, by, (id, revision), &read(&given)?).await?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/damage/{id}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            sections_page(&app, v, id, Some(given), why).await
        }
    }
}
