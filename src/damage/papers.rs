//! What people do with the documents and the photographs of a dossier.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{decreed_at, done, is_unsent, open_one, run_deadline, run_submission, tell};
use super::documents::{self, Kind, Paragraph};
use super::dossier::facts;
use super::store::{self, papers};
use super::{DECREE, Document, Dossier, KIND, MOST_PHOTOGRAPHS, Onset, Photograph, view};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::store::next_number;
use crate::audit::Act;
use crate::config::Municipality;
use crate::deadlines::desk as deadlines;
use crate::exercises::plan::text;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::{FieldError, Refused};
use chrono::Datelike as _;

async fn one(
    conn: &mut PgConnection,
    (id, kind): (Uuid, Kind),
    revision: Option<i32>,
) -> Result<(Dossier, Document), Refused> {
    let dossier = open_one(&mut *conn, id).await?;
    let document = papers::documents(conn, id).await?.into_iter().find(|document| document.kind == kind);
    let document = document.ok_or_else(|| Refused::NotFound(format!("document {kind} with words of its own")))?;
    if revision.is_some_and(|revision| revision != document.revision) {
        return Err(Refused::Conflict("the document changed meanwhile; look at it again".into()));
    }
    Ok((dossier, document))
}

/// Writes the words of a draft.
///
/// # Errors
/// `Wrong` with every paragraph; `NotFound`; `Conflict` when it changed meanwhile or is adopted.
pub async fn write(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, kind, revision): (Uuid, Kind, i32),
    paragraphs: &[Paragraph],
) -> Result<(), PlanError> {
    let (dossier, document) = one(&mut *conn, (id, kind), Some(revision)).await?;
    if document.is_adopted {
        return Err(Refused::Conflict("the document is adopted; take it back to change it".into()).into());
    }
    let problems = documents::problems(kind, paragraphs);
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    // Titles are of the form and not of the hand.
    let (_, form) = documents::begin(kind);
    let words: Vec<Paragraph> = form
        .into_iter()
        .zip(paragraphs)
        .map(|(form, given)| Paragraph { text: given.text.trim().to_owned(), ..form })
        .collect();
    papers::write(&mut *conn, (id, kind), &words, (by.now, &by.actor.name)).await?;
    let after = json!({ "kind": kind, "paragraphs": words });
    Ok(done(conn, by, &dossier, (Act::DamageDocument, "", after)).await?)
}

/// Number and day of a decree, as the mayor's office gave them.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DamageDecree)]
#[serde(deny_unknown_fields)]
pub struct Decree {
    #[schema(min_length = 1, max_length = 40, pattern = r"\S")]
    pub number: String,
    pub on: NaiveDate,
}

fn decree_of(dossier: &Dossier, decree: Option<&Decree>, (tz, today): (Tz, NaiveDate)) -> Result<Decree, PlanError> {
    let decree = decree.ok_or_else(|| Refused::wrong("decree", "", "expected number and day of the decree"))?;
    let mut problems = Vec::new();
    text(&mut problems, "decree.number", &decree.number, 1, 40, true);
    let first = view::day(dossier, tz);
    if decree.on < first || decree.on > today {
        let message = format!("expected a day from {first}, that of the disaster, to {today}");
        problems.push(FieldError { field: "decree.on".into(), value: decree.on.to_string(), message });
    }
    if problems.is_empty() {
        Ok(Decree { number: decree.number.trim().to_owned(), on: decree.on })
    } else {
        Err(PlanError::Wrong(problems))
    }
}

/// Adopts a document: it gets its number, and stands with the facts that its words name. A decree brings its own number and day, and its
/// deadlines begin.
///
/// # Errors
/// `Wrong`, also while a paragraph still says what is to be written there; `NotFound`; `Conflict` when it changed meanwhile, is adopted, or nothing was declared yet.
pub async fn adopt(
    conn: &mut PgConnection,
    by: Acting<'_>,
    town: &Municipality,
    (id, kind, revision): (Uuid, Kind, i32),
    decree: Option<&Decree>,
) -> Result<String, PlanError> {
    let tz = town.time_zone;
    let (dossier, document) = one(&mut *conn, (id, kind), Some(revision)).await?;
    if document.is_adopted {
        return Err(Refused::Conflict("the document is adopted already".into()).into());
    }
    if dossier.verdict.is_none() {
        return Err(Refused::Conflict("decide the level first: the document names it".into()).into());
    }
    let unwritten = documents::unwritten(kind, &document.paragraphs);
    if !unwritten.is_empty() {
        return Err(PlanError::Wrong(unwritten));
    }
    let today = by.now.with_timezone(&tz).date_naive();
    let number = match kind.series() {
        None => {
            let decree = decree_of(&dossier, decree, (tz, today))?;
            begin_decree(&mut *conn, by, tz, (&dossier, &decree)).await?;
            decree.number
        }
        // What was numbered before keeps its number.
        Some(_) if !document.number.is_empty() => document.number,
        Some(series) => {
            let series = if dossier.drill { format!("{series}_drill") } else { series.to_owned() };
            next_number(&mut *conn, &series, today.year()).await?.0
        }
    };
    let facts = facts(&view::whole(&mut *conn, id, (by.now, town)).await?, town);
    let filled = documents::filled(&document.paragraphs, &facts);
    papers::adopt(&mut *conn, (id, kind), (&number, &filled), (by.now, &by.actor.name)).await?;
    tell(&mut *conn, by, &dossier, &format!("{} nº {number} adotado", documents::begin(kind).0)).await?;
    done(conn, by, &dossier, (Act::DamageAdopt, "", json!({ "kind": kind, "number": number }))).await?;
    Ok(number)
}

/// Its number and day, and the deadlines that are counted from it.
async fn begin_decree(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (dossier, decree): (&Dossier, &Decree),
) -> Result<(), Refused> {
    store::set_decree(&mut *conn, dossier.id, Some((&decree.number, decree.on))).await?;
    run_deadline(&mut *conn, by, tz, dossier, (DECREE, decreed_at(dossier, decree.on, tz))).await?;
    let dossier = view::dossier(&mut *conn, dossier.id).await?;
    if dossier.onset == Onset::Gradual && is_unsent(&mut *conn, &dossier).await? {
        run_submission(conn, by, tz, &dossier).await?;
    }
    Ok(())
}

/// Makes an adopted document a draft again; it keeps its number. Of a decree its deadlines end.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict` when it is a draft.
pub async fn take_back(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, kind): (Uuid, Kind),
    reason: &str,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", reason)?;
    let (dossier, document) = one(&mut *conn, (id, kind), None).await?;
    if !document.is_adopted {
        return Err(Refused::Conflict("the document is a draft".into()).into());
    }
    papers::take_back(&mut *conn, (id, kind), (by.now, &by.actor.name)).await?;
    if kind == Kind::Decree {
        store::set_decree(&mut *conn, id, None).await?;
        deadlines::end(&mut *conn, by, ((KIND, id), DECREE), false, &reason).await?;
        if dossier.onset == Onset::Gradual {
            deadlines::end(&mut *conn, by, ((KIND, id), dossier.onset.deadline()), false, &reason).await?;
        }
    }
    Ok(done(conn, by, &dossier, (Act::DamageDocument, &reason, json!({ "kind": kind, "taken_back": true }))).await?)
}

/// Puts photographs in the report, in their order, in the place of what was chosen before. Each is the incident's or its inspections'.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict`.
pub async fn choose(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, chosen: &[Photograph]) -> Result<(), PlanError> {
    let dossier = open_one(&mut *conn, id).await?;
    let mut problems = Vec::new();
    let mut wrong = |field: String, value: String, message: String| problems.push(FieldError { field, value, message });
    if chosen.len() > MOST_PHOTOGRAPHS {
        wrong("photographs".into(), chosen.len().to_string(), format!("expected at most {MOST_PHOTOGRAPHS}"));
    }
    let known = papers::photographs(&mut *conn, id, dossier.incident_id).await?;
    for (at, one) in chosen.iter().enumerate() {
        if !known.iter().any(|other| other.id == one.id) || chosen[..at].iter().any(|other| other.id == one.id) {
            wrong(
                format!("photographs[{at}].id"),
                one.id.to_string(),
                "expected a photograph of the incident, each once".into(),
            );
        }
        let is_placed = one.lon.is_some() == one.lat.is_some();
        let is_in = one.lon.is_none_or(|lon| (-180.0..=180.0).contains(&lon))
            && one.lat.is_none_or(|lat| (-90.0..=90.0).contains(&lat));
        if !is_placed || !is_in {
            wrong(
                format!("photographs[{at}].lon"),
                format!("{:?} {:?}", one.lon, one.lat),
                "expected degrees, both or none".into(),
            );
        }
        if one.taken_at.is_some_and(|taken| taken > by.now) {
            wrong(
                format!("photographs[{at}].taken_at"),
                String::new(),
                "expected an instant that is not in the future".into(),
            );
        }
        if one.caption.chars().count() > 300 || one.caption.chars().any(char::is_control) {
            wrong(
                format!("photographs[{at}].caption"),
                String::new(),
                "expected at most 300 characters on one line".into(),
            );
        }
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let numbered: Vec<Photograph> = chosen
        .iter()
        .enumerate()
        .map(|(at, one)| Photograph {
            position: i32::try_from(at).ok(),
            caption: one.caption.trim().to_owned(),
            ..one.clone()
        })
        .collect();
    papers::choose(&mut *conn, id, &numbered, (by.now, &by.actor.name)).await?;
    let ids: Vec<Uuid> = numbered.iter().map(|one| one.id).collect();
    Ok(done(conn, by, &dossier, (Act::DamagePhotographs, "", json!({ "photographs": ids }))).await?)
}
