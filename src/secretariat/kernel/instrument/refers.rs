//! What an instrument points to outside itself, and that it is there.

use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::refused::Refused;
use crate::secretariat::budget;

/// Something that an opening or an act names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// An agreement or funding.
    Paying(Uuid),
    /// A portfolio that is not closed.
    Portfolio(Uuid),
    /// Programme and action of a PPA.
    Action(String, String),
}

/// # Errors
/// `Wrong`, naming the field of what is not there.
pub async fn held(conn: &mut PgConnection, all: &[Reference]) -> Result<(), Refused> {
    for one in all {
        match one {
            Reference::Paying(id) => {
                let found = store::stand(&mut *conn, *id).await?;
                if !found.is_some_and(|found| found.module == "agreements" || found.module == "funding") {
                    return Err(Refused::wrong("instrument", id, "expected an agreement or funding of the register"));
                }
            }
            Reference::Portfolio(id) => {
                let found = store::stand(&mut *conn, *id).await?;
                if !found.is_some_and(|found| found.kind == "portfolio" && !found.is_final) {
                    return Err(Refused::wrong("portfolio", id, "expected an open portfolio of the register"));
                }
            }
            Reference::Action(programme, action) => {
                if !budget::store::has_action(&mut *conn, (programme.as_str(), action.as_str())).await? {
                    let key = format!("{programme}.{action}");
                    return Err(Refused::wrong(
                        "budget_key",
                        key,
                        "expected programme and action of a PPA, as 0012.2041",
                    ));
                }
            }
        }
    }
    Ok(())
}
