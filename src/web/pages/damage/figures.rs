//! The ledger of FIDE 6 and 7: each line with its total, its entries and their sources, and what is proposed beside it with the difference.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::typed::Typed;
use super::{status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::desk::{self, NewEntry};
use crate::damage::figures::{Doubt, Entry, Figure, Source};
use crate::damage::lines::{Amount, Line, Part};
use crate::damage::view::{self, Whole};
use crate::damage::{Dossier, dossier as words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "damage_figures.html")]
struct FiguresPage {
    f: Frame,
    w: Whole,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

/// An amount in words of one language: "3 danificadas · R$ 10,00".
pub(super) fn amount(v: &View, amount: &Amount) -> String {
    let count = |number: i64| v.count(number);
    let mut parts = Vec::new();
    if let Some(persons) = amount.persons {
        parts.push(v.t1("damage-amount-persons", "n", count(persons)));
    }
    if let Some(damaged) = amount.damaged {
        parts.push(v.t1("damage-amount-damaged", "n", count(damaged)));
    }
    if let Some(destroyed) = amount.destroyed {
        parts.push(v.t1("damage-amount-destroyed", "n", count(destroyed)));
    }
    if let Some(centavos) = amount.centavos {
        let sign = if centavos < 0 { "−" } else { "" };
        parts.push(format!("{sign}{}", v.money(centavos.saturating_abs())));
    }
    parts.join(" · ")
}

impl FiguresPage {
    fn d(&self) -> &Dossier {
        &self.w.dossier
    }

    fn of(&self, part: &Part) -> Vec<&Figure> {
        self.w.figures.iter().filter(|figure| figure.line.part() == *part).collect()
    }

    fn label(&self, line: &Line) -> String {
        self.f.v.t(&words::label_key(*line))
    }

    fn label_of(&self, word: &str) -> String {
        word.parse::<Line>().map_or_else(|_| word.to_owned(), |line| self.label(&line))
    }

    fn part(&self, part: &Part) -> String {
        format!("{} {}", part.number(), self.f.v.word("damage-part", part.as_str()))
    }

    fn said(&self, said: &Amount) -> String {
        let text = amount(&self.f.v, said);
        if text.is_empty() { self.f.v.t("damage-unknown") } else { text }
    }

    fn difference(&self, difference: &Amount) -> String {
        let text = amount(&self.f.v, difference);
        if text.is_empty() {
            self.f.v.t("damage-no-difference")
        } else {
            self.f.v.t1("damage-difference", "what", text)
        }
    }

    fn source(&self, entry: &Entry) -> String {
        let word = self.f.v.word("damage-source", entry.source.as_str());
        match entry.source {
            Source::Inspection => format!("{word} {}", entry.inspection.as_deref().unwrap_or_default()),
            Source::Shelters => format!("{word}, {}", entry.counted_at.map(|at| self.f.v.full(at)).unwrap_or_default()),
            Source::Declaration | Source::Manual => format!("{word}: {}", entry.because),
        }
    }

    fn doubt(&self, doubt: &Doubt) -> String {
        match doubt {
            Doubt::OneBuilding { place, inspections } => {
                self.f.v.t2("damage-doubt-building", "place", place, "inspections", inspections.join(", "))
            }
            Doubt::SameAddress { place, inspections } => {
                self.f.v.t2("damage-doubt-address", "place", place, "inspections", inspections.join(", "))
            }
            Doubt::ManySources { line, sources } => {
                let sources: Vec<String> = sources.iter().map(|one| self.f.v.word("damage-source", one)).collect();
                self.f.v.t2("damage-doubt-sources", "line", self.label_of(line), "sources", sources.join(", "))
            }
            Doubt::Outdated { line, inspection } => {
                self.f.v.t2("damage-doubt-outdated", "line", self.label_of(line), "inspection", inspection)
            }
        }
    }

    fn sums(&self, part: &Part) -> Vec<(String, String)> {
        let (v, sums) = (&self.f.v, &self.w.sums);
        let money =
            |centavos: Option<i64>| centavos.map_or_else(|| v.t("damage-unknown"), |centavos| v.money(centavos));
        match part {
            Part::Human | Part::Environmental => Vec::new(),
            Part::Material => vec![(v.t("damage-sum-material"), money(sums.material_centavos))],
            Part::PublicLoss => vec![(v.t("damage-sum-public"), money(sums.public_centavos))],
            Part::PrivateLoss => {
                vec![
                    (v.t("damage-sum-private"), money(sums.private_centavos)),
                    (v.t("damage-sum-losses"), money(sums.loss_centavos)),
                ]
            }
        }
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    figures_page(&app, v, id, Typed::default(), (String::new(), Vec::new())).await
}

async fn figures_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Typed,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id, (v.now, &app.config.municipality)).await?;
    let may_edit = w.dossier.is_open() && v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&FiguresPage { f, w, given, wrong, errors, may_edit })?).into_response())
}

fn entry_of(given: &Typed) -> Result<NewEntry, PlanError> {
    let line: Line =
        given.get("line").parse().map_err(|_| Refused::wrong("line", given.get("line"), "expected a line of FIDE"))?;
    let mut problems = Vec::new();
    let amount = given.amount("", line, &mut problems);
    // What the line does not count is refused and not dropped.
    let counted: &[&str] = match line.part() {
        Part::Human | Part::Environmental => &["persons"],
        Part::Material => &["damaged", "destroyed", "value"],
        Part::PublicLoss | Part::PrivateLoss => &["value"],
    };
    for name in ["persons", "damaged", "destroyed", "value"] {
        if !counted.contains(&name) && !given.get(name).trim().is_empty() {
            let message = format!("expected nothing: {line} does not count it");
            problems.push(FieldError {
                field: name.into(),
                value: given.get(name).chars().take(80).collect(),
                message,
            });
        }
    }
    if problems.is_empty() {
        Ok(NewEntry { line, amount, because: given.text("because") })
    } else {
        Err(PlanError::Wrong(problems))
    }
}

/// Enters a figure, takes one back, or adopts a proposal.
pub async fn act(
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
    let mut line = given.get("line").to_owned();
    let done = async {
        match given.get("act") {
            "enter" => drop(desk::enter(&mut tx, by, id, &entry_of(&given)?).await?),
            "take_back" => {
                let entry = given
                    .get("entry")
                    .parse()
                    .map_err(|_| Refused::wrong("entry", given.get("entry"), "expected an entry"))?;
                desk::take_back(&mut tx, by, (id, entry), given.get("reason")).await?;
            }
            "adopt" => {
                let wrong = |field: &str| Refused::wrong(field, given.get(field), "expected one of those offered");
                let line: Line = given.get("line").parse().map_err(|_| wrong("line"))?;
                let source: Source = given.get("source").parse().map_err(|_| wrong("source"))?;
                desk::adopt(&mut tx, by, id, (line, source)).await?;
            }
            other => return Err(Refused::wrong("act", other, "expected enter, take_back or adopt").into()),
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => {
            line.retain(|letter| letter.is_ascii_lowercase() || letter == '_');
            Ok(Redirect::to(&format!("/console/damage/{id}/figures#line-{line}")).into_response())
        }
        Err(error) => {
            let why = told(&v, error)?;
            figures_page(&app, v, id, given, why).await
        }
    }
}
