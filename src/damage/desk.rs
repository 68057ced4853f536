//! What people do with dossiers and their figures, each act with its entry in the audit, and what matters to the incident on its timeline.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::figures::{self, Entry, Source};
use super::levels::{self, Answers, Said, Verdict};
use super::lines::{Amount, Line};
use super::sections::Sections;
use super::store::{self, New, entries, papers, proposed};
use super::{Dossier, ENTRY, KIND, MOST_ENTRIES, Onset, documents, view};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Audited};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::Municipality;
use crate::deadlines::desk as deadlines;
use crate::deadlines::reckon::end_of;
use crate::deadlines::store::New as NewDeadline;
use crate::events::{Event, notify};
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

/// A dossier to open, or the header of one that is open.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageHeader)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// One of the 65 leaf codes.
    #[schema(pattern = r"^[0-9](\.[0-9]){4}$")]
    pub cobrade: String,
    #[schema(value_type = String)]
    pub occurred_at: Instant,
    #[schema(value_type = String, pattern = "^(sudden|gradual)$")]
    pub onset: Onset,
}

pub(super) fn missing(id: Uuid) -> Refused {
    Refused::NotFound(format!("dossier {id}"))
}

pub(super) fn is_open(dossier: &Dossier) -> Result<(), Refused> {
    if dossier.is_open() {
        return Ok(());
    }
    Err(Refused::Conflict(format!("the dossier is {} and stands as it is", dossier.state)))
}

/// Held, and open.
pub(super) async fn open_one(conn: &mut PgConnection, id: Uuid) -> Result<Dossier, Refused> {
    let dossier = store::lock(conn, id).await?.ok_or_else(|| missing(id))?;
    is_open(&dossier)?;
    Ok(dossier)
}

fn stale() -> Refused {
    Refused::Conflict("the dossier changed meanwhile; look at it again".into())
}

/// Nothing of it changed since that revision was looked at.
pub(super) fn fits(dossier: &Dossier, revision: i32) -> Result<(), Refused> {
    if dossier.revision == revision { Ok(()) } else { Err(stale()) }
}

/// Neither header nor sections nor level changed since; figures and documents may have, which the form does not show.
fn fits_form(dossier: &Dossier, revision: i32) -> Result<(), Refused> {
    if (dossier.form_revision..=dossier.revision).contains(&revision) { Ok(()) } else { Err(stale()) }
}

/// Nothing of the incident was submitted yet: the time for the request runs.
pub(super) async fn is_unsent(conn: &mut PgConnection, dossier: &Dossier) -> sqlx::Result<bool> {
    Ok(store::list(conn, Some(dossier.incident_id), None).await?.iter().all(|one| one.submitted_at.is_none()))
}

/// The next revision of the dossier, the audit's entry, and watchers told.
pub(super) async fn done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    dossier: &Dossier,
    (act, reason, after): (Act, &str, Value),
) -> sqlx::Result<()> {
    store::changed(&mut *conn, dossier.id, (by.now, &by.actor.name)).await?;
    let entry = Audited::new(act, KIND, dossier.id).because(reason).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    notify(conn, &Event::Incident { id: dossier.incident_id.0 }).await
}

/// A line on the incident's timeline.
pub(super) async fn tell(conn: &mut PgConnection, by: Acting<'_>, dossier: &Dossier, line: &str) -> sqlx::Result<()> {
    let detail = json!({ "disaster": dossier.id });
    incidents::add_entry(conn, dossier.incident_id, by.now, &by.actor.name, ENTRY, line, &detail).await
}

pub(super) fn link(id: Uuid) -> String {
    format!("/console/damage/{id}")
}

/// Begins a deadline of a dossier. What is exercised has none.
pub(super) async fn run_deadline(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    dossier: &Dossier,
    (code, anchor_at): (&str, Instant),
) -> Result<(), Refused> {
    if dossier.drill {
        return Ok(());
    }
    let title = format!("{} {}", dossier.incident, dossier.title).chars().take(300).collect::<String>();
    let new = NewDeadline {
        subject: (KIND, dossier.id),
        title: &title,
        link: &link(dossier.id),
        code,
        anchor_at,
        governed_on: None,
    };
    match deadlines::set(conn, by, tz, &new).await {
        Ok(_) => Ok(()),
        // A disaster of before any rule that is known can be written all the same.
        Err(Refused::Conflict(why)) if why.starts_with("no rule") => Ok(()),
        Err(refused) => Err(refused),
    }
}

/// Begins the time for the request: of a sudden disaster from the disaster, of a gradual one from its decree.
pub(super) async fn run_submission(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    dossier: &Dossier,
) -> Result<(), Refused> {
    let anchor = match dossier.onset {
        Onset::Sudden => Some(dossier.occurred_at),
        Onset::Gradual => dossier.decree_on.map(|day| decreed_at(dossier, day, tz)),
    };
    match anchor {
        Some(at) => run_deadline(conn, by, tz, dossier, (dossier.onset.deadline(), at)).await,
        None => Ok(()),
    }
}

/// What the days of a decree are counted from.
pub(super) fn decreed_at(dossier: &Dossier, day: NaiveDate, tz: Tz) -> Instant {
    end_of(day, tz).max(dossier.occurred_at)
}

fn header_of(by: Acting<'_>, header: &Header) -> Result<String, Refused> {
    let cobrade: Cobrade = header.cobrade.parse().map_err(|error: crate::cobrade::UnknownCobrade| {
        Refused::wrong("cobrade", &header.cobrade, error.to_string())
    })?;
    if header.occurred_at > by.now {
        return Err(Refused::wrong(
            "occurred_at",
            header.occurred_at.to_rfc3339(),
            "expected an instant that is not in the future",
        ));
    }
    Ok(cobrade.to_string())
}

/// Opens the dossier of an incident. `town`: who informs, and in which zone.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` when the incident has one: what was archived is taken up again by its next version.
pub async fn open(
    conn: &mut PgConnection,
    by: Acting<'_>,
    town: &Municipality,
    (incident, header): (IncidentId, &Header),
) -> Result<Uuid, Refused> {
    let cobrade = header_of(by, header)?;
    let drill = store::lock_incident(&mut *conn, incident).await?;
    let drill = drill.ok_or_else(|| Refused::NotFound(format!("incident {incident}")))?;
    if !store::list(&mut *conn, Some(incident), None).await?.is_empty() {
        return Err(Refused::Conflict("the incident has a dossier already".into()));
    }
    let sections = Sections {
        institution: town.sender_name.chars().take(160).collect(),
        telephone: town.contact.chars().take(40).collect(),
        ..Sections::default()
    };
    let id = by.ids.uuid(by.now);
    let (occurred_at, onset) = (header.occurred_at, header.onset);
    let new = New { id, incident, drill, cobrade: &cobrade, occurred_at, onset, sections: &sections };
    store::insert(&mut *conn, &new, (by.now, &by.actor.name)).await?;
    for kind in documents::Kind::with_words() {
        papers::insert(&mut *conn, (id, kind), &documents::begin(kind).1, (by.now, &by.actor.name)).await?;
    }
    let dossier = view::dossier(&mut *conn, id).await?;
    run_submission(&mut *conn, by, town.time_zone, &dossier).await?;
    tell(&mut *conn, by, &dossier, &format!("Dossiê de danos e prejuízos aberto (COBRADE {cobrade})")).await?;
    let after = json!({ "incident": incident, "cobrade": cobrade, "occurred_at": occurred_at, "onset": onset });
    done(conn, by, &dossier, (Act::DamageOpen, "", after)).await?;
    Ok(id)
}

/// Changes what the dossier is of, while nothing of it was submitted. The deadline of the submission follows.
///
/// # Errors
/// `Wrong`, also for a day after that of its decree; `NotFound`; `Conflict` when it changed meanwhile, is not open, or corrects what was submitted.
pub async fn set_header(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, revision): (Uuid, i32),
    header: &Header,
) -> Result<(), Refused> {
    let cobrade = header_of(by, header)?;
    let before = open_one(&mut *conn, id).await?;
    fits_form(&before, revision)?;
    let day = header.occurred_at.with_timezone(&tz).date_naive();
    if let Some(decreed) = before.decree_on.filter(|decreed| day > *decreed) {
        let expected = format!("expected {decreed}, the day of the decree, or earlier");
        return Err(Refused::wrong("occurred_at", header.occurred_at.to_rfc3339(), expected));
    }
    let is_unsent = is_unsent(&mut *conn, &before).await?;
    if !is_unsent && (before.cobrade != cobrade || before.occurred_at != header.occurred_at) {
        return Err(Refused::Conflict("COBRADE and time of the disaster stand as they were submitted".into()));
    }
    store::set_header(&mut *conn, id, (&cobrade, header.occurred_at, header.onset)).await?;
    let after = view::dossier(&mut *conn, id).await?;
    if before.onset != header.onset {
        let why = "mudou a evolução do desastre";
        deadlines::end(&mut *conn, by, ((KIND, id), before.onset.deadline()), false, why).await?;
    }
    if is_unsent {
        run_submission(&mut *conn, by, tz, &after).await?;
    }
    let detail = json!({ "cobrade": cobrade, "occurred_at": header.occurred_at, "onset": header.onset });
    Ok(done(conn, by, &after, (Act::DamageEdit, "", detail)).await?)
}

/// Writes the sections.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict`.
pub async fn write(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, revision): (Uuid, i32),
    sections: &Sections,
) -> Result<(), PlanError> {
    let problems = sections.problems();
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let dossier = open_one(&mut *conn, id).await?;
    fits_form(&dossier, revision)?;
    store::set_sections(&mut *conn, id, sections).await?;
    let after = serde_json::to_value(sections).map_err(anyhow::Error::from)?;
    Ok(done(conn, by, &dossier, (Act::DamageEdit, "", after)).await?)
}

pub(super) async fn room(conn: &mut PgConnection, id: Uuid, more: usize) -> Result<Vec<Entry>, Refused> {
    let standing = entries::standing(conn, id).await?;
    let most = usize::try_from(MOST_ENTRIES).unwrap_or(usize::MAX);
    if standing.len() + more > most {
        return Err(Refused::Conflict(format!("a dossier holds at most {MOST_ENTRIES} entries")));
    }
    Ok(standing)
}

/// A figure written by hand.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageNewEntry)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    #[schema(value_type = String)]
    pub line: Line,
    pub amount: Amount,
    /// Where the figure comes from, and why by hand.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub because: String,
}

/// Enters a figure by hand.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict`.
pub async fn enter(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, new: &NewEntry) -> Result<Uuid, PlanError> {
    let problems = new.amount.problems(new.line, "amount");
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let because = reasoned("because", &new.because)?;
    let dossier = open_one(&mut *conn, id).await?;
    room(&mut *conn, id, 1).await?;
    let entry = by.ids.uuid(by.now);
    let row = entries::New {
        id: entry,
        line: new.line,
        source: Source::Manual,
        amount: new.amount,
        inspection: None,
        counted_at: None,
        declaration: None,
        because: &because,
    };
    entries::insert(&mut *conn, id, &row, (by.now, &by.actor.name)).await?;
    let after = json!({ "entry": entry, "line": new.line, "amount": new.amount });
    done(conn, by, &dossier, (Act::DamageEnter, &because, after)).await?;
    Ok(entry)
}

/// Takes an entry back. It stays in the ledger, with who and why.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict`.
pub async fn take_back(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, entry): (Uuid, Uuid),
    reason: &str,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", reason)?;
    let dossier = open_one(&mut *conn, id).await?;
    let standing = entries::standing(&mut *conn, id).await?;
    let found = standing.into_iter().find(|one| one.id == entry);
    let found = found.ok_or_else(|| Refused::NotFound(format!("entry {entry} that stands in this dossier")))?;
    entries::end(&mut *conn, (id, entry), (by.now, &by.actor.name), &reason).await?;
    let after = json!({ "entry": entry, "line": found.line, "amount": found.amount });
    Ok(done(conn, by, &dossier, (Act::DamageTakeBack, &reason, after)).await?)
}

/// What adopting changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DamageAdopted)]
pub struct Adopted {
    pub entered: usize,
    pub taken_back: usize,
}

/// Makes entries of what inspections or shelters propose for a line: of each inspection that counts one, of the shelters one of the instant
/// at which they were the most. Entries of the same source that are out of date end.
///
/// # Errors
/// `Wrong` when the source proposes nothing for the line; `NotFound`; `Conflict`.
pub async fn adopt(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (line, source): (Line, Source),
) -> Result<Adopted, Refused> {
    let dossier = open_one(&mut *conn, id).await?;
    let standing = room(&mut *conn, id, 0).await?;
    let old: Vec<&Entry> = standing.iter().filter(|one| one.line == line && one.source == source).collect();
    let inspected = proposed::inspections(&mut *conn, dossier.incident_id).await?;
    let (counting, _) = figures::one_a_building(&inspected);
    let mut wanted: Vec<(Option<Uuid>, Option<Instant>, Amount)> = Vec::new();
    match source {
        Source::Inspection => {
            for one in &counting {
                let of_line = one.amounts().into_iter().filter(|(of, _)| *of == line);
                wanted.extend(of_line.map(|(_, amount)| (Some(one.id), None, amount)));
            }
        }
        Source::Shelters => {
            let span = (dossier.occurred_at, by.now);
            let all = proposed::shelters(&mut *conn, dossier.incident_id, span).await?;
            wanted.extend(all.into_iter().filter(|one| one.line == line).map(|one| (None, one.counted_at, one.amount)));
        }
        Source::Declaration | Source::Manual => {}
    }
    if wanted.is_empty() {
        return Err(Refused::wrong("source", source, format!("expected a source that proposes something for {line}")));
    }
    room(&mut *conn, id, wanted.len().saturating_sub(old.len())).await?;
    let is_same = |entry: &Entry, (inspection, _, amount): &(Option<Uuid>, Option<Instant>, Amount)| {
        entry.inspection_id == *inspection && entry.amount == *amount
    };
    let mut adopted = Adopted { entered: 0, taken_back: 0 };
    for entry in old.iter().filter(|entry| !wanted.iter().any(|one| is_same(entry, one))) {
        entries::end(&mut *conn, (id, entry.id), (by.now, &by.actor.name), "a fonte mudou e foi adotada de novo")
            .await?;
        adopted.taken_back += 1;
    }
    for one in wanted.iter().filter(|one| !old.iter().any(|entry| is_same(entry, one))) {
        let (inspection, counted_at, amount) = *one;
        let row = entries::New {
            id: by.ids.uuid(by.now),
            line,
            source,
            amount,
            inspection,
            counted_at,
            declaration: None,
            because: "",
        };
        entries::insert(&mut *conn, id, &row, (by.now, &by.actor.name)).await?;
        adopted.entered += 1;
    }
    let after = json!({ "line": line, "source": source, "entered": adopted.entered, "taken_back": adopted.taken_back });
    done(conn, by, &dossier, (Act::DamageEnter, "", after)).await?;
    Ok(adopted)
}

/// What somebody decides of the level.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageLevelSaid)]
#[serde(deny_unknown_fields)]
pub struct LevelSaid {
    /// The revision that was looked at.
    pub revision: i32,
    pub verdict: Said,
    pub answers: Answers,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Decides the level and what is declared. The criteria's own proposal is kept beside it.
///
/// # Errors
/// `Wrong`, also for level I or II as ECP; `NotFound`; `Conflict` when it changed meanwhile or shows no damage.
pub async fn decide_level(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    said: &LevelSaid,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", &said.reason)?;
    let verdict = Verdict::try_from(said.verdict)
        .map_err(|error| Refused::wrong("verdict.declared", said.verdict.declared, error.to_string()))?;
    let dossier = open_one(&mut *conn, id).await?;
    fits(&dossier, said.revision)?;
    let totals = figures::totals(&entries::standing(&mut *conn, id).await?);
    let Some((proposed, why)) = levels::propose(&totals, said.answers) else {
        return Err(Refused::Conflict("the figures show no damage yet; there is nothing to grade".into()).into());
    };
    let criteria = levels::criteria(view::day(&dossier, tz));
    let detail = json!({ "answers": said.answers, "proposed": proposed, "why": why,
        "criteria": criteria.as_ref().map(|one| &one.code), "law_ref": criteria.as_ref().map(|one| &one.law_ref) });
    store::set_level(&mut *conn, id, (verdict.into(), &detail, &reason), (by.now, &by.actor.name)).await?;
    let words = format!(
        "Desastre classificado: nível {} ({})",
        verdict.level().as_str().to_uppercase(),
        verdict.declared().as_str().to_uppercase()
    );
    tell(&mut *conn, by, &dossier, &words).await?;
    let after = json!({ "verdict": Said::from(verdict), "detail": detail });
    Ok(done(conn, by, &dossier, (Act::DamageLevel, &reason, after)).await?)
}
