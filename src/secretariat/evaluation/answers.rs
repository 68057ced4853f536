//! The door of those who answer. No act here leaves an entry in the audit, an address or a time: nobody shall be known by their answer.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{EvaluationError, Round, Service, Standing, code_hash, desk, letters, store};
use crate::ids::Ids;
use crate::refused::Refused;
use crate::secretariat::kernel::form::{Form, answer};
use crate::secretariat::kernel::ledger;
use crate::vault::Ring;

/// How somebody came in.
#[derive(Clone, Copy, Debug)]
pub enum Door<'a> {
    /// A single-use code: it says round and service.
    Code(&'a str),
    /// The open address of a round, with the service that was chosen and the stamp of the form.
    Open { round: Uuid, service: &'a str, stamp: &'a str },
}

/// What somebody is asked.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub round: Round,
    pub service: Service,
    pub form: Form,
}

/// A code that was never made and one that was used are the same: used codes are gone.
fn no_code() -> Refused {
    Refused::NotFound("this code: it is not known, or it was used".into())
}

fn open(round: &Round, today: NaiveDate) -> Result<(), Refused> {
    match round.standing(today) {
        Standing::Open => Ok(()),
        Standing::Planned => Err(Refused::Conflict(format!("the round opens on {}", round.opens_on))),
        Standing::Closed => Err(Refused::Conflict(format!("the round is over since {}", round.closes_on))),
    }
}

/// What whoever comes through this door is asked.
///
/// # Errors
/// `NotFound`; a conflict when the round is not open today.
pub async fn sheet(conn: &mut PgConnection, today: NaiveDate, door: Door<'_>) -> Result<Sheet, EvaluationError> {
    let (id, by_id, by_code) = match door {
        Door::Code(code) => {
            let hash = code_hash(code).ok_or_else(no_code)?;
            let (round, service) = store::of_code(&mut *conn, &hash).await?.ok_or_else(no_code)?;
            (round, Some(service), "")
        }
        Door::Open { round, service, .. } => (round, None, service),
    };
    let round = desk::round(&mut *conn, id).await?;
    if matches!(door, Door::Open { .. }) && !round.open_link {
        return Err(Refused::NotFound(format!("round {id}")).into());
    }
    open(&round, today)?;
    let is_it = |one: &Service| by_id.map_or(one.what.code == by_code, |id| one.id == id);
    let found = store::of_round(&mut *conn, id).await?.into_iter().find(is_it);
    let service = found.ok_or_else(|| Refused::wrong("service", "", "expected a service of the round"))?;
    let form = desk::form(conn, &round.questionnaire, round.version).await?;
    Ok(Sheet { round, service, form })
}

/// Keeps an answer. The code is deleted, or the stamp remembered for two days, in the same transaction; neither stands beside the answer. What
/// was written is dropped as a sealed letter, and so is nothing, where a text is asked for. False: this form was counted before.
///
/// # Errors
/// Every answer that is wrong; as [`sheet`].
pub async fn respond(
    conn: &mut PgConnection,
    (ids, ring): (&Ids, &Ring),
    today: NaiveDate,
    (door, given): (Door<'_>, &BTreeMap<String, String>),
) -> Result<bool, EvaluationError> {
    let Sheet { round, service, form } = sheet(&mut *conn, today, door).await?;
    let answers = answer::read(&form, given).map_err(EvaluationError::Wrong)?;
    match door {
        Door::Code(code) => {
            let hash = code_hash(code).ok_or_else(no_code)?;
            if !store::spend_code(&mut *conn, &hash).await? {
                return Err(no_code().into());
            }
        }
        Door::Open { stamp, .. } => {
            if !store::spend_stamp(&mut *conn, &ledger::sha256(stamp.as_bytes()), today).await? {
                return Ok(false);
            }
        }
    }
    let place = (round.id, service.id);
    store::insert_response(&mut *conn, random(ids), place, &answers.closed).await?;
    if let Some(letter) = letters::write(&form, &answers.texts) {
        store::insert_letter(conn, place, &ring.seal(letters::CONTEXT, &letter)).await?;
    }
    Ok(true)
}

/// An id without the time that ids usually begin with.
pub(super) fn random(ids: &Ids) -> Uuid {
    uuid::Builder::from_random_bytes(ids.bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_answer_tells_no_time() {
        let ids = Ids::seeded(1);
        let made: Vec<Uuid> = (0..50).map(|_| random(&ids)).collect();
        assert!(made.iter().all(|id| id.get_version_num() == 4));
        assert!(!made.is_sorted(), "ids that rise would tell who answered first");
    }
}
