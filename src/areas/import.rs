//! Areas from a file or a service: what it would change is told first, area by area, and what it changes are versions.
//!
//! Unless asked otherwise an import takes everything or nothing, and takes no area out of service. Asked for, it mends bent shapes by
//! `ST_MakeValid` (method structure) where that changes the size by no more than [`MOST_MENDED`], leaves out what cannot be read, and
//! retires the areas of the same sources that the file no longer holds.

use geo::{Geometry, MultiPolygon};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{Acquire as _, PgConnection};

use super::desk::moves_ground;
use super::store::{self, Put};
use super::{Change, Content, Difference, Hazards, Origin, Standing, When};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::catalogue::{Bent, Format, ImportError, NewArea, Problems, read, read_areas};
use crate::db::geometry::to_wkb;
use crate::events::{self, Event};

/// The share of its size that mending may change of a shape.
pub const MOST_MENDED: f64 = 0.01;
/// Changes that are told one by one; the others are only counted.
pub const MOST_TOLD: usize = 500;

/// What is asked of an import.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The file's name, or the service's address.
    pub name: &'a str,
    pub origin: Origin,
    pub reason: &'a str,
    pub dry_run: bool,
    /// Bent shapes are mended instead of refused.
    pub mend: bool,
    /// What is wrong is left out instead of stopping everything.
    pub leave_out: bool,
    /// Areas of the same sources that the file does not hold go out of service.
    pub retire_missing: bool,
    /// What stands on the areas is known.
    pub confirmed: bool,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            name: "",
            origin: Origin::Import,
            reason: "",
            dry_run: false,
            mend: false,
            leave_out: false,
            retire_missing: false,
            confirmed: false,
        }
    }
}

/// What became, or would become, of one area.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Changed {
    pub code: String,
    pub name: String,
    /// `created`, `updated`, `returned` (it was out of service) or `retired`.
    pub change: &'static str,
    /// What was wrong with its shape, and how large it was before and after it was mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mended: Option<String>,
    pub difference: Difference,
}

/// An area that a source brought before and brings no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Missing {
    pub code: String,
    pub name: String,
}

/// What an import did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Outcome {
    pub created: u32,
    pub updated: u32,
    pub unchanged: u32,
    /// Areas that were out of service and are back; `updated` does not count them.
    pub returned: u32,
    pub retired: u32,
    /// Nothing was stored because the caller asked only to look.
    pub dry_run: bool,
    /// At most 500, in the order of the file.
    pub changes: Vec<Changed>,
    /// Areas of the file that name no source. They make no area missing: what else names none may come from anywhere.
    pub without_source: u32,
    /// In force from the same sources, and not in the file. They stay unless they were asked to be retired.
    pub missing: Vec<Missing>,
    /// What was wrong and left out, at most 100.
    #[schema(value_type = Vec<Object>)]
    pub left_out: Vec<ImportError>,
    pub left_out_total: usize,
    /// What stands on the areas that change.
    pub standing: Vec<Standing>,
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Problems(Problems),
    #[error("{}", super::desk::standing_words(.0))]
    Standing(Vec<Standing>),
    #[error("the import could not be stored: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

/// Imports, or looks what an import would do.
///
/// # Errors
/// Every error of the file at once, what stands on the areas, or the database's; nothing is stored then.
pub async fn take(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (format, bytes): (Format, &[u8]),
    wish: Wish<'_>,
) -> Result<Outcome, Failure> {
    let records = read(format, bytes)?;
    let bent = if wish.mend { Bent::Mended } else { Bent::Refused };
    let (areas, problems) = read_areas(&records, bent);
    if !wish.leave_out && !problems.is_empty() {
        return Err(problems.or(()).err().unwrap_or_default().into());
    }
    let sha256 = crate::hexadecimal::hex(&Sha256::digest(bytes));
    let mut tx = conn.begin().await?;
    let mut run = Run { by, wish, sha256, outcome: Outcome::default(), problems, moved: Vec::new() };
    run.areas(&mut tx, &areas).await?;
    let Run { mut outcome, problems, moved, sha256, .. } = run;
    if !wish.leave_out && !problems.is_empty() {
        return Err(problems.or(()).err().unwrap_or_default().into());
    }
    outcome.left_out_total = problems.total();
    outcome.left_out = problems.kept().to_vec();
    outcome.standing = store::standing(&mut tx, &moved).await?;
    outcome.dry_run = wish.dry_run;
    if wish.dry_run {
        tx.rollback().await?;
        return Ok(outcome);
    }
    if !outcome.standing.is_empty() && !wish.confirmed {
        return Err(Failure::Standing(outcome.standing));
    }
    if outcome.created + outcome.updated + outcome.returned + outcome.retired > 0 {
        events::notify(&mut tx, &Event::Catalogue).await?;
    }
    audit::record(&mut tx, by.ids, by.now, by.actor, entry(&wish, &outcome, &sha256)).await?;
    tx.commit().await?;
    Ok(outcome)
}

fn entry(wish: &Wish<'_>, outcome: &Outcome, sha256: &str) -> Entry {
    let Outcome { created, updated, unchanged, returned, retired, left_out_total, .. } = outcome;
    Entry::new(Act::CatalogueImport, "import", "areas").because(wish.reason).to(json!({
        "created": created, "updated": updated, "unchanged": unchanged, "returned": returned, "retired": retired,
        "left_out": left_out_total, "from": wish.name, "file_sha256": sha256,
    }))
}

struct Run<'a> {
    by: Acting<'a>,
    wish: Wish<'a>,
    sha256: String,
    outcome: Outcome,
    problems: Problems,
    /// Codes of the areas whose ground changes.
    moved: Vec<String>,
}

impl Run<'_> {
    async fn areas(&mut self, conn: &mut PgConnection, areas: &[NewArea]) -> Result<(), Failure> {
        for area in areas {
            self.area(conn, area).await?;
        }
        let (named, unnamed): (Vec<_>, Vec<_>) = areas.iter().partition(|area| !area.source.is_empty());
        self.outcome.without_source = u32::try_from(unnamed.len()).unwrap_or(u32::MAX);
        let mut sources: Vec<String> = named.into_iter().map(|area| area.source.clone()).collect();
        sources.sort_unstable();
        sources.dedup();
        // What could not be read is not gone.
        let mut codes: Vec<String> = areas.iter().map(|area| area.code.clone()).collect();
        if !self.problems.is_empty() && self.wish.retire_missing {
            codes.extend(
                self.problems.kept().iter().filter(|error| error.field == "code").map(|error| error.value.clone()),
            );
        }
        let gone = store::gone_of_source(conn, &sources, &codes).await?;
        self.outcome.missing = gone.into_iter().map(|(code, name)| Missing { code, name }).collect();
        // With errors nobody knows which areas the file meant to keep.
        if self.wish.retire_missing && self.problems.is_empty() {
            for missing in self.outcome.missing.clone() {
                self.retire(conn, &missing).await?;
            }
        }
        Ok(())
    }

    async fn area(&mut self, conn: &mut PgConnection, area: &NewArea) -> Result<(), Failure> {
        let wrong =
            |value: &str, message: String| ImportError::new(area.line, area.feature, "geometry", value, message);
        let (shape, mended) = match self.shape(conn, area).await? {
            Ok(found) => found,
            Err(message) => {
                self.problems.push(wrong("", message));
                return Ok(());
            }
        };
        let wkb = match to_wkb(&Geometry::MultiPolygon(shape)) {
            Ok(wkb) => wkb,
            Err(error) => {
                self.problems.push(wrong("", error.to_string()));
                return Ok(());
            }
        };
        // GEOS has the last word: it also knows interiors cut in two, and parts that overlap.
        if let Some(reason) = store::check_shape(conn, &wkb).await? {
            self.problems.push(wrong("", reason));
            return Ok(());
        }
        let content = content(area, wkb);
        let put = self.put(conn, &area.code, content, Some(area.line)).await?;
        let (change, number, before) = match put {
            Put::Created(number) => ("created", number, None),
            Put::Updated { number, before } => ("updated", number, Some(before)),
            Put::Returned { number, before } => ("returned", number, Some(before)),
            Put::Unchanged | Put::Waits(_) => {
                self.outcome.unchanged += 1;
                return Ok(());
            }
        };
        match change {
            "created" => self.outcome.created += 1,
            "updated" => self.outcome.updated += 1,
            _ => self.outcome.returned += 1,
        }
        self.tell(conn, (&area.code, &area.name), change, (before, number), mended).await
    }

    /// The shape, mended where it has to be and that was asked for, and what was mended; or why it cannot be taken.
    async fn shape(
        &self,
        conn: &mut PgConnection,
        area: &NewArea,
    ) -> Result<Result<(MultiPolygon<f64>, Option<String>), String>, Failure> {
        let Some(bent) = &area.bent else { return Ok(Ok((area.geometry.clone(), None))) };
        let Some((made, before, after)) = store::repair(conn, &area.geometry).await? else {
            return Ok(Err(format!("{bent}; mended, nothing is left of it")));
        };
        let share = if before > 0.0 { (after - before).abs() / before } else { f64::INFINITY };
        // A ring that crosses itself takes from its own size, so that of a figure of eight nobody knows how large it was meant.
        if share > MOST_MENDED {
            return Ok(Err(format!(
                "{bent}; mending would change its size from {:.4} to {:.4} km², more than {} %",
                before / 1e6,
                after / 1e6,
                MOST_MENDED * 100.0
            )));
        }
        Ok(Ok((made, Some(format!("{bent}; {:.4} km² became {:.4} km²", before / 1e6, after / 1e6)))))
    }

    async fn put(
        &self,
        conn: &mut PgConnection,
        code: &str,
        content: Content,
        line: Option<usize>,
    ) -> sqlx::Result<Put> {
        let retired = content.retired;
        let change = Change {
            code: code.to_owned(),
            content,
            origin: if retired { Origin::Retire } else { self.wish.origin },
            origin_detail: json!({ "from": self.wish.name, "sha256": self.sha256, "line": line }),
            reason: self.wish.reason.to_owned(),
            when: When::Now,
        };
        store::put(conn, self.by.now, &self.by.actor.name, &change).await
    }

    async fn retire(&mut self, conn: &mut PgConnection, missing: &Missing) -> Result<(), Failure> {
        store::record_present(conn, &missing.code).await?;
        let Some(version) = store::in_force(conn, &missing.code).await? else { return Ok(()) };
        let Some(content) = store::content(conn, &missing.code, version.number).await? else { return Ok(()) };
        let put = self.put(conn, &missing.code, Content { retired: true, ..content }, None).await?;
        if let Put::Updated { number, before } = put {
            self.outcome.retired += 1;
            self.tell(conn, (&missing.code, &missing.name), "retired", (Some(before), number), None).await?;
        }
        Ok(())
    }

    async fn tell(
        &mut self,
        conn: &mut PgConnection,
        (code, name): (&str, &str),
        change: &'static str,
        (before, number): (Option<i32>, i32),
        mended: Option<String>,
    ) -> Result<(), Failure> {
        if let Some(before) = before {
            let was = store::content(conn, code, before).await?;
            let is = store::content(conn, code, number).await?;
            if was.zip(is).is_none_or(|(was, is)| moves_ground(&was, &is)) {
                self.moved.push(code.to_owned());
            }
        }
        if self.outcome.changes.len() < MOST_TOLD {
            let difference = store::compare(conn, code, before, number).await?.unwrap_or_default();
            let (code, name) = (code.to_owned(), name.to_owned());
            self.outcome.changes.push(Changed { code, name, change, mended, difference });
        }
        Ok(())
    }
}

fn content(area: &NewArea, wkb: Vec<u8>) -> Content {
    let hazards: Hazards = area.hazards.clone();
    let details: Value = area.details.clone();
    Content { name: area.name.clone(), source: area.source.clone(), wkb, hazards, details, retired: false }
}
