//! Everything of a dossier at once: for its pages, its documents and its submission.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::checklist::{self, Check, Facts};
use super::figures::{self, Doubt, Entry, Figure, Proposal, Source, Sums};
use super::levels::{self, Criteria, Declared, Level, Verdict};
use super::lines::{Amount, Line, Part};
use super::mobilised::Mobilised;
use super::store::{self, declared, entries, mobilised, papers, proposed};
use super::{Declaration, Document, Dossier, KIND, Photograph, dossier};
use crate::clock::Instant;
use crate::config::Municipality;
use crate::deadlines::{Deadline, store as deadlines};
use crate::refused::Refused;

/// A dossier with its parts, and what is computed of them.
#[derive(Clone, Debug)]
pub struct Whole {
    pub dossier: Dossier,
    pub entries: Vec<Entry>,
    pub ended: Vec<entries::Ended>,
    pub figures: Vec<Figure>,
    pub totals: BTreeMap<Line, Amount>,
    pub sums: Sums,
    pub proposals: Vec<Proposal>,
    pub doubts: Vec<Doubt>,
    pub declarations: Vec<Declaration>,
    pub documents: Vec<Document>,
    /// Every photograph that the report may hold; the chosen first.
    pub photographs: Vec<Photograph>,
    pub deadlines: Vec<Deadline>,
    /// What the town set in motion, for the words of the DMATE.
    pub mobilised: Mobilised,
    pub criteria: Option<Criteria>,
    /// Answers, proposal and norm of the level.
    pub level_detail: Value,
    pub checks: Vec<Check>,
}

impl Whole {
    pub fn chosen(&self) -> impl Iterator<Item = &Photograph> {
        self.photographs.iter().filter(|one| one.position.is_some())
    }

    pub fn document(&self, kind: super::documents::Kind) -> Option<&Document> {
        self.documents.iter().find(|one| one.kind == kind)
    }
}

/// # Errors
/// `NotFound`.
pub async fn dossier(conn: &mut PgConnection, id: Uuid) -> Result<Dossier, Refused> {
    store::load(conn, id).await?.ok_or_else(|| Refused::NotFound(format!("dossier {id}")))
}

/// Inspections and shelters of the incident: what they propose, which inspections count, and what is doubtful of them.
pub async fn proposed(
    conn: &mut PgConnection,
    dossier: &Dossier,
    (entries, now): (&[Entry], Instant),
) -> sqlx::Result<(Vec<Proposal>, Vec<Doubt>)> {
    let inspected = proposed::inspections(&mut *conn, dossier.incident_id).await?;
    let (counting, mut doubts) = figures::one_a_building(&inspected);
    let mut proposals = figures::of_inspections(&counting);
    proposals.extend(proposed::shelters(conn, dossier.incident_id, (dossier.occurred_at, now)).await?);
    doubts.extend(figures::doubts_of(entries, &counting));
    Ok((proposals, doubts))
}

/// The level that today's figures and the kept answers lead to, where another was decided.
fn level_differs(whole: &Whole) -> Option<Level> {
    let answers = whole.level_detail.get("answers").and_then(|one| serde_json::from_value(one.clone()).ok())?;
    let (proposed, _) = levels::propose(&whole.totals, answers)?;
    whole.dossier.verdict.filter(|verdict| verdict.level() != proposed).map(|_| proposed)
}

fn facts(whole: &Whole, (today, town): (NaiveDate, &Municipality)) -> Facts {
    let is_money = |entry: &&Entry| matches!(entry.line.part(), Part::Material | Part::PublicLoss | Part::PrivateLoss);
    let undocumented = whole.entries.iter().filter(is_money);
    let undocumented =
        undocumented.filter(|entry| entry.source == Source::Manual && entry.amount.centavos.is_some_and(|n| n > 0));
    Facts {
        missing_fields: whole.dossier.sections.missing(),
        lines: whole.totals.len(),
        undocumented: undocumented.count(),
        has_level: whole.dossier.verdict.is_some(),
        level_differs: level_differs(whole),
        emergency_of_level_iii: whole.dossier.verdict == Some(Verdict::III(Declared::Emergency)),
        criteria_confirmed: whole.criteria.as_ref().is_some_and(|criteria| criteria.confirmed),
        drafts: whole.documents.iter().filter(|document| !document.is_adopted).map(|document| document.kind).collect(),
        outdated: dossier::outdated(whole, town),
        photographs: whole.chosen().map(Photograph::facts).collect(),
        doubts: whole.doubts.clone(),
        waiting_declarations: whole.declarations.iter().filter(|one| one.state == "sent").count(),
        due_on: whole
            .deadlines
            .iter()
            .filter(|one| one.is_open() && one.code == whole.dossier.onset.deadline())
            .find_map(|one| one.due_on),
        today,
    }
}

/// The day of the disaster in the town.
pub fn day(dossier: &Dossier, tz: Tz) -> NaiveDate {
    dossier.occurred_at.with_timezone(&tz).date_naive()
}

/// # Errors
/// `NotFound`.
pub async fn whole(conn: &mut PgConnection, id: Uuid, (now, town): (Instant, &Municipality)) -> Result<Whole, Refused> {
    let tz = town.time_zone;
    let dossier = dossier(&mut *conn, id).await?;
    let entries = entries::standing(&mut *conn, id).await?;
    let (proposals, doubts) = proposed(&mut *conn, &dossier, (&entries, now)).await?;
    let totals = figures::totals(&entries);
    let criteria = levels::criteria(day(&dossier, tz));
    let mut whole = Whole {
        figures: figures::figures(&entries, &proposals),
        sums: figures::sums(&totals),
        ended: entries::ended(&mut *conn, id).await?,
        declarations: declared::list(&mut *conn, Some(id), None).await?,
        documents: papers::documents(&mut *conn, id).await?,
        photographs: papers::photographs(&mut *conn, id, dossier.incident_id).await?,
        deadlines: deadlines::list(&mut *conn, Some((KIND, id)), false).await?,
        mobilised: mobilised::of(&mut *conn, dossier.incident_id).await?,
        level_detail: store::level_detail(conn, id).await?,
        checks: Vec::new(),
        dossier,
        entries,
        totals,
        proposals,
        doubts,
        criteria,
    };
    whole.checks = checklist::check(&facts(&whole, (now.with_timezone(&tz).date_naive(), town)));
    Ok(whole)
}
