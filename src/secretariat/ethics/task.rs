//! What people do to a case at the doors of recusal and vote, for the API and the pages alike: the case must be of the module it is asked under.

use sqlx::PgConnection;
use uuid::Uuid;

use super::desk as council;
use super::recompose::{self, Designation};
use crate::refused::Refused;
use crate::secretariat::citizen::identity::Identity;
use crate::secretariat::kernel::body::Choice;
use crate::secretariat::kernel::desk::{self, CaseError, Desk, recusal};

/// Something to do to a case; numbers are its revision as they saw it.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// User name (empty: whoever asks) and reason.
    Recuse(i32, &'a str, &'a str),
    Lift(i32, &'a str, &'a str),
    Vote(Choice),
    /// What whoever presides says of a tie.
    Resolve(i32, Option<bool>),
    Designate(i32, Designation<'a>),
    /// Reason.
    GiveBack(i32, &'a str),
    Reporter(&'a Identity),
}

/// Does it.
///
/// # Errors
/// As the act's own; `NotFound` when the case is of another module.
pub async fn perform(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (module, id): (&str, Uuid),
    task: Task<'_>,
) -> Result<(), CaseError> {
    let (_, case) = desk::find(&mut *conn, desk, id, true).await?;
    if case.module != module {
        return Err(Refused::NotFound(format!("case {id}")).into());
    }
    match task {
        Task::Recuse(revision, name, reason) => {
            recusal::recuse(conn, desk, (id, revision), (name, reason)).await?;
        }
        Task::Lift(revision, name, reason) => {
            recusal::lift(conn, desk, (id, revision), (name, reason)).await?;
        }
        Task::Vote(choice) => {
            council::vote(conn, desk, id, choice).await?;
        }
        Task::Resolve(revision, casting) => {
            council::resolve(conn, desk, (id, revision), casting).await?;
        }
        Task::Designate(revision, new) => {
            recompose::designate(conn, desk, (id, revision), new).await?;
        }
        Task::GiveBack(revision, reason) => {
            recompose::give_back(conn, desk, (id, revision), reason).await?;
        }
        Task::Reporter(told) => council::keep_reporter(conn, desk, id, told).await?,
    }
    Ok(())
}
