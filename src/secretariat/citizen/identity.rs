//! Who spoke to the ombudsman, or reported a wrong to ethics: sealed in the vault, apart from the case. Each reading has a reason and is in
//! the audit.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::audit::{self, Act, Entry};
use crate::deadlines::{self, Course, reckon::Anchor};
use crate::ids::Ids;
use crate::refused::Refused;
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::vault::access::{self, OpenError, Purpose, Reader};
use crate::vault::store::{self, NewRecord};

/// Whose door citizens use, and whose cases have their people in the vault.
pub const MODULE: &str = "ombudsman";
/// Modules whose cases have their people in the vault, and the rule of how long it keeps them.
const KEPT: [(&str, &str); 2] = [(MODULE, "ombudsman.identity"), ("ethics", "ethics.identity")];
const PURPOSE: Purpose = Purpose::Whistleblower;

/// What somebody told of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Manifestant)]
pub struct Identity {
    pub name: String,
    pub email: String,
    pub phone: String,
}

fn subject(case: &CaseFile) -> String {
    format!("case:{}", case.id)
}

/// The rule of how long the people of a module are kept; none: they are in no vault.
fn kept(module: &str) -> Option<&'static str> {
    KEPT.iter().find(|(key, _)| *key == module).map(|(_, rule)| *rule)
}

/// Seals it for a case that was opened.
///
/// # Errors
/// `Conflict` when no rule says how long it is kept, or somebody is kept for the case already.
pub async fn keep(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    case: &CaseFile,
    identity: &Identity,
) -> Result<(), CaseError> {
    let anchor = Anchor { at: desk.by.now, tz: desk.tz };
    let rule = kept(&case.module).ok_or_else(|| Refused::Conflict("cases of this module have no vault".into()))?;
    let (_, told) = deadlines::desk::preview(&mut *conn, rule, anchor, &Course::default()).await?;
    let keep_until = told.due_on.ok_or_else(|| Refused::Conflict(format!("the rule {rule} has no last day")))?;
    let plain = serde_json::to_vec(identity).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let subject = subject(case);
    if store::find(&mut *conn, PURPOSE, &subject).await?.is_some() {
        return Err(Refused::Conflict("who reported is in the vault already, and is not replaced".into()).into());
    }
    let created_by = if desk.who.is_citizen { "citizen" } else { desk.who.name.as_str() };
    let new = NewRecord { purpose: PURPOSE, subject: &subject, plain: &plain, created_by, keep_until };
    store::put(&mut *conn, desk.vault, desk.by.ids.uuid(desk.by.now), desk.by.now, &new).await?;
    let entry = Entry::new(Act::VaultPut, "vault_record", format!("{PURPOSE} {subject}"));
    let entry = entry.to(serde_json::json!({ "keep_until": keep_until }));
    audit::record(conn, desk.by.ids, desk.by.now, desk.by.actor, entry).await?;
    Ok(())
}

fn read(plain: &[u8]) -> Result<Identity, CaseError> {
    serde_json::from_slice(plain).map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}

/// The address to write to; the service opens it, which is in the audit.
///
/// # Errors
/// The database's; what cannot be opened.
pub async fn email(conn: &mut PgConnection, desk: Desk<'_>, case: &CaseFile) -> Result<Option<String>, CaseError> {
    if case.module != MODULE {
        return Ok(None);
    }
    let subject = subject(case);
    let Some(found) = store::find(&mut *conn, PURPOSE, &subject).await? else { return Ok(None) };
    let plain = desk
        .vault
        .open(&store::context(PURPOSE.as_str(), &subject), &found.sealed)
        .map_err(|error| Refused::Conflict(error.to_string()))?;
    let entry = Entry::new(Act::VaultOpen, "vault_record", format!("{PURPOSE} {subject}"));
    let entry = entry.because("aviso ao manifestante, enviado pelo serviço");
    audit::record(conn, desk.by.ids, desk.by.now, &audit::Actor::service(), entry).await?;
    Ok(Some(read(&plain)?.email))
}

/// Opens it for the people of its own module, with a reason. None: nobody told anything.
///
/// # Errors
/// `Forbidden` naming the role; `Wrong` without a reason.
pub async fn open(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    ids: &Ids,
    case: &CaseFile,
    (reader, reason): (&Reader<'_>, &str),
) -> Result<Option<Identity>, CaseError> {
    if kept(&case.module).is_none() || !desk.who.has(&case.module) {
        return Err(Refused::Forbidden(format!("who spoke is read with the role {}", case.module)).into());
    }
    let subject = subject(case);
    let opened = access::open(conn, desk.vault, ids, desk.by.now, reader, (PURPOSE, &subject), reason).await;
    let plain = opened.map_err(|error| match error {
        OpenError::Forbidden { .. } => Refused::Forbidden(error.to_string()),
        OpenError::Reason => Refused::wrong("reason", reason, error.to_string()),
        OpenError::Seal(_) => Refused::Conflict(error.to_string()),
        OpenError::Database(error) => Refused::Database(error),
    })?;
    plain.map(|plain| read(&plain)).transpose()
}
