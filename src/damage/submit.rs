//! The dossier is submitted, decided about, and corrected.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{
    decreed_at, done, fits, is_open, is_unsent, link, missing, open_one, run_deadline, run_submission, tell,
};
use super::life::Act as LifeAct;
use super::view::Whole;
use super::{DECREE, Dossier, KIND, RECONSTRUCTION, checklist, print, store, view};
use crate::accounts::tokens::desk::Acting;
use crate::audit::Act;
use crate::clock::Instant;
use crate::config::Municipality;
use crate::deadlines::desk as deadlines;
use crate::deadlines::reckon::end_of;
use crate::hexadecimal::hex;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

/// Everything that is to be frozen, or what it lacks. Nothing is held: the caller prints it, and [`freeze`] looks again.
///
/// # Errors
/// `Wrong` when what was typed is not its COBRADE; `NotFound`; `Conflict` when it changed meanwhile, is not open or lacks something.
pub async fn ready(
    conn: &mut PgConnection,
    by: Acting<'_>,
    town: &Municipality,
    (id, revision, typed): (Uuid, i32, &str),
) -> Result<Whole, Refused> {
    let whole = view::whole(conn, id, (by.now, town)).await?;
    let dossier = &whole.dossier;
    is_open(dossier)?;
    fits(dossier, revision)?;
    if typed.trim() != dossier.cobrade {
        return Err(Refused::wrong(
            "typed",
            typed,
            format!("expected the COBRADE of the dossier, {}", dossier.cobrade),
        ));
    }
    if checklist::is_ready(&whole.checks) {
        return Ok(whole);
    }
    let lacks: Vec<&str> = whole.checks.iter().filter(|one| one.is_needed).map(|one| one.key).collect();
    Err(Refused::Conflict(format!("the dossier lacks {}", lacks.join(", "))))
}

/// Freezes a dossier with the PDF that was made of it, while it is still what was printed: the dossier is held, and what would be printed
/// now is compared with what was.
///
/// # Errors
/// As [`ready`]; `Conflict` also when anything that is printed changed since, e.g. a photograph was removed.
pub async fn freeze(
    conn: &mut PgConnection,
    by: Acting<'_>,
    town: &Municipality,
    wanted: (Uuid, i32, &str),
    (frozen, pdf): (&Value, &[u8]),
) -> Result<String, Refused> {
    open_one(&mut *conn, wanted.0).await?;
    let whole = ready(&mut *conn, by, town, wanted).await?;
    if print::data(&mut *conn, &whole, town, (false, by.now)).await? != *frozen {
        return Err(Refused::Conflict("the dossier changed meanwhile; look at it again".into()));
    }
    let dossier = &whole.dossier;
    let sum = Sha256::digest(pdf);
    let hex = hex(&sum);
    store::freeze(&mut *conn, dossier.id, (frozen, pdf, sum.as_slice()), (by.now, &by.actor.name)).await?;
    deadlines::end(&mut *conn, by, ((KIND, dossier.id), dossier.onset.deadline()), true, "dossiê enviado").await?;
    tell(&mut *conn, by, dossier, &format!("Dossiê de danos enviado (versão {}, SHA-256 {hex})", dossier.version))
        .await?;
    let after = json!({ "version": dossier.version, "cobrade": dossier.cobrade, "pdf_sha256": hex });
    done(conn, by, dossier, (Act::DamageSubmit, "", after)).await?;
    Ok(hex)
}

/// What came of a dossier.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DamageOutcome)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// recognise, refuse, archive, or protocol: only its number.
    #[schema(pattern = "^(recognise|refuse|archive|protocol)$")]
    pub act: String,
    /// Number of the request in S2iD.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub protocol: String,
    /// The act of recognition, or why.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: String,
    /// The day of the act of recognition: the plan of reconstruction is counted from it.
    #[serde(default)]
    pub recognised_on: Option<NaiveDate>,
}

/// The day of the recognition, from that of the submission to today; none of what is no recognition.
fn recognised_on(
    dossier: &Dossier,
    (act, day): (LifeAct, Option<NaiveDate>),
    (tz, now): (Tz, Instant),
) -> Result<Option<NaiveDate>, Refused> {
    if act != LifeAct::Recognise {
        return Ok(None);
    }
    let local = |at: Instant| at.with_timezone(&tz).date_naive();
    let (first, today) = (local(dossier.submitted_at.unwrap_or(now)), local(now));
    match day {
        Some(day) if (first..=today).contains(&day) => Ok(Some(day)),
        other => {
            let value = other.map(|day| day.to_string()).unwrap_or_default();
            let expected =
                format!("expected the day of the recognition, from {first}, that of the request, to {today}");
            Err(Refused::wrong("recognised_on", value, expected))
        }
    }
}

/// The time for the request ends. The decree goes on: of a correction that is given up with the version that it came from.
async fn archived(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (dossier, reason): (&Dossier, &str),
) -> Result<(), Refused> {
    deadlines::end(&mut *conn, by, ((KIND, dossier.id), dossier.onset.deadline()), false, reason).await?;
    let Some(corrected) = dossier.corrects else { return Ok(()) };
    let before = view::dossier(&mut *conn, corrected).await?;
    let Some(day) = before.decree_on else { return Ok(()) };
    let is_passed = pass_decree(&mut *conn, by, (dossier.id, &before)).await?;
    if is_passed || dossier.decree_on.is_none() {
        // Also where the correction had taken the decree back, or had given it another day.
        run_deadline(conn, by, tz, &before, (DECREE, decreed_at(&before, day, tz))).await?;
    }
    Ok(())
}

/// The watch over a decree goes from one version to another.
async fn pass_decree(conn: &mut PgConnection, by: Acting<'_>, (from, to): (Uuid, &Dossier)) -> Result<bool, Refused> {
    let way = link(to.id);
    deadlines::pass(conn, by, ((KIND, from), DECREE), (to.id, &way)).await
}

/// Writes down what came of a dossier.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` when its state does not allow it.
pub async fn decide(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    outcome: &Outcome,
) -> Result<(), PlanError> {
    let dossier = store::lock(&mut *conn, id).await?.ok_or_else(|| missing(id))?;
    let protocol = outcome.protocol.trim();
    if protocol.chars().count() > 60 || protocol.chars().any(char::is_control) {
        return Err(Refused::wrong("protocol", protocol, "expected at most 60 characters on one line").into());
    }
    if outcome.act == "protocol" {
        if dossier.is_open() || dossier.decided_at.is_some() && dossier.state != super::life::State::Refused {
            return Err(
                Refused::Conflict(format!("the dossier is {} and has no request that waits", dossier.state)).into()
            );
        }
        if protocol.is_empty() {
            return Err(Refused::wrong("protocol", "", "expected the number of the request").into());
        }
        store::set_protocol(&mut *conn, id, protocol).await?;
        return Ok(done(conn, by, &dossier, (Act::DamageDecide, "", json!({ "protocol": protocol }))).await?);
    }
    let act: LifeAct = outcome
        .act
        .parse()
        .map_err(|error: crate::units::UnknownWord| Refused::wrong("act", &outcome.act, error.to_string()))?;
    if act == LifeAct::Submit {
        return Err(Refused::wrong("act", &outcome.act, "expected recognise, refuse, archive or protocol").into());
    }
    let reason = reasoned("reason", &outcome.reason)?;
    let next = dossier.state.after(act).map_err(|error| Refused::Conflict(error.to_string()))?;
    let day = recognised_on(&dossier, (act, outcome.recognised_on), (tz, by.now))?;
    if !protocol.is_empty() && !dossier.is_open() {
        store::set_protocol(&mut *conn, id, protocol).await?;
    }
    store::decide(&mut *conn, id, (next, &reason, day), (by.now, &by.actor.name)).await?;
    if let Some(day) = day {
        run_deadline(&mut *conn, by, tz, &dossier, (RECONSTRUCTION, end_of(day, tz))).await?;
    }
    if act == LifeAct::Archive {
        archived(&mut *conn, by, tz, (&dossier, &reason)).await?;
    }
    let word = match act {
        LifeAct::Recognise => "reconhecido",
        LifeAct::Refuse => "não reconhecido",
        LifeAct::Archive | LifeAct::Submit => "arquivado",
    };
    tell(&mut *conn, by, &dossier, &format!("Dossiê de danos {word}: {reason}")).await?;
    let after = json!({ "state": next, "protocol": protocol, "recognised_on": day });
    Ok(done(conn, by, &dossier, (Act::DamageDecide, &reason, after)).await?)
}

/// Begins the next version of what was submitted, refused or archived. COBRADE and time stay once anything was submitted; nothing of the one
/// before changes. Where nothing was submitted, the time for the request runs again.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict` when it is corrected already or nothing was submitted.
pub async fn correct(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    reason: &str,
) -> Result<Uuid, PlanError> {
    let reason = reasoned("reason", reason)?;
    let dossier = store::lock(&mut *conn, id).await?.ok_or_else(|| missing(id))?;
    if !dossier.state.may_be_corrected() {
        return Err(
            Refused::Conflict(format!("the dossier is {}: there is nothing sent to correct", dossier.state)).into()
        );
    }
    let all = store::list(&mut *conn, Some(dossier.incident_id), None).await?;
    if all.iter().any(|other| other.version > dossier.version) {
        return Err(Refused::Conflict("a later version corrects this one already".into()).into());
    }
    let next = by.ids.uuid(by.now);
    store::correct(&mut *conn, (id, next), &reason, (by.now, &by.actor.name)).await?;
    let after = view::dossier(&mut *conn, next).await?;
    for one in &all {
        pass_decree(&mut *conn, by, (one.id, &after)).await?;
    }
    if is_unsent(&mut *conn, &after).await? {
        run_submission(&mut *conn, by, tz, &after).await?;
    }
    tell(&mut *conn, by, &dossier, &format!("Correção do dossiê de danos iniciada: versão {}", dossier.version + 1))
        .await?;
    done(conn, by, &dossier, (Act::DamageCorrect, &reason, json!({ "next": next }))).await?;
    Ok(next)
}
