//! The dossier is submitted, decided about, and corrected.

use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{done, fits, missing, open_one, run_deadline, tell};
use super::life::Act as LifeAct;
use super::view::Whole;
use super::{DECREE, Dossier, KIND, RECONSTRUCTION, checklist, store, view};
use crate::accounts::tokens::desk::Acting;
use crate::audit::Act;
use crate::deadlines::desk as deadlines;
use crate::deadlines::reckon::end_of;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

/// Holds the dossier and everything that is to be frozen, or says what it lacks.
///
/// # Errors
/// `Wrong` when what was typed is not its COBRADE; `NotFound`; `Conflict` when it changed meanwhile or lacks something.
pub async fn ready(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, revision, typed): (Uuid, i32, &str),
) -> Result<Whole, Refused> {
    let dossier = open_one(&mut *conn, id).await?;
    fits(&dossier, revision)?;
    if typed.trim() != dossier.cobrade {
        return Err(Refused::wrong(
            "typed",
            typed,
            format!("expected the COBRADE of the dossier, {}", dossier.cobrade),
        ));
    }
    let whole = view::whole(conn, id, (by.now, tz)).await?;
    if checklist::is_ready(&whole.checks) {
        return Ok(whole);
    }
    let lacks: Vec<&str> = whole.checks.iter().filter(|one| one.is_needed).map(|one| one.key).collect();
    Err(Refused::Conflict(format!("the dossier lacks {}", lacks.join(", "))))
}

/// Freezes a dossier that is [`ready`], in the same transaction, with the PDF that was made of it.
///
/// # Errors
/// The database's.
pub async fn freeze(
    conn: &mut PgConnection,
    by: Acting<'_>,
    dossier: &Dossier,
    (frozen, pdf): (&Value, &[u8]),
) -> Result<String, Refused> {
    let sum = Sha256::digest(pdf);
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
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
    if !protocol.is_empty() && !dossier.is_open() {
        store::set_protocol(&mut *conn, id, protocol).await?;
    }
    store::decide(&mut *conn, id, (next, &reason), (by.now, &by.actor.name)).await?;
    match act {
        LifeAct::Recognise => run_deadline(&mut *conn, by, tz, &dossier, (RECONSTRUCTION, by.now)).await?,
        LifeAct::Archive => {
            for code in [dossier.onset.deadline(), DECREE] {
                deadlines::end(&mut *conn, by, ((KIND, id), code), false, &reason).await?;
            }
        }
        LifeAct::Submit | LifeAct::Refuse => {}
    }
    let word = match act {
        LifeAct::Recognise => "reconhecido",
        LifeAct::Refuse => "não reconhecido",
        LifeAct::Archive | LifeAct::Submit => "arquivado",
    };
    tell(&mut *conn, by, &dossier, &format!("Dossiê de danos {word}: {reason}")).await?;
    Ok(done(conn, by, &dossier, (Act::DamageDecide, &reason, json!({ "state": next, "protocol": protocol }))).await?)
}

/// Begins the next version of what was submitted or refused. COBRADE and time stay; nothing of the one before changes.
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
    if let Some(day) = dossier.decree_on {
        // The decree goes on, and its end is told of once.
        deadlines::end(&mut *conn, by, ((KIND, id), DECREE), false, "segue na versão seguinte do dossiê").await?;
        let after = view::dossier(&mut *conn, next).await?;
        run_deadline(&mut *conn, by, tz, &after, (DECREE, end_of(day, tz))).await?;
    }
    tell(&mut *conn, by, &dossier, &format!("Correção do dossiê de danos iniciada: versão {}", dossier.version + 1))
        .await?;
    done(conn, by, &dossier, (Act::DamageCorrect, &reason, json!({ "next": next }))).await?;
    Ok(next)
}
