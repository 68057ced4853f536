//! Acts that every case has whatever its type: who works on it, documents, links, what was published.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::define::CaseType;
use super::super::store::{self, NewDocument};
use super::super::{CaseFile, ledger};
use super::{CaseError, Desk, Done, find, keep};
use crate::alerts::escalation::store as staff;
use crate::audit::Act;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

/// Bytes of a document, as the table says.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// What a document may be; nothing that a browser would run.
pub const MEDIA_TYPES: [&str; 9] = [
    "application/pdf",
    "text/plain",
    "text/csv",
    "image/png",
    "image/jpeg",
    "application/json",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];

/// # Errors
/// `Forbidden`, naming the role of the module.
pub fn works_here(def: &CaseType, desk: Desk<'_>, act: &str) -> Result<(), Refused> {
    if desk.who.works_in(def) || desk.who.is_service {
        return Ok(());
    }
    Err(Refused::Forbidden(format!("the act {act} needs the role {}", def.module())))
}

/// # Errors
/// `Conflict` when the case is another than they saw, or annulled.
pub fn as_seen(case: &CaseFile, revision: i32) -> Result<(), Refused> {
    if case.annulled.is_some() {
        return Err(Refused::Conflict("the case is annulled".into()));
    }
    if case.revision != revision {
        let now = case.revision;
        return Err(Refused::Conflict(format!("the case was changed meanwhile; it is at revision {now} now")));
    }
    Ok(())
}

/// # Errors
/// `Wrong` when nobody of this user name is active.
pub async fn known_staff(conn: &mut PgConnection, username: &str) -> Result<(), CaseError> {
    if username.is_empty() || staff::people(conn).await?.iter().any(|person| person.username == username) {
        return Ok(());
    }
    Err(Refused::wrong("assigned", username, "expected the user name of an active member of staff").into())
}

/// Writes an act that leaves the state as it is. The caller holds the case and judged the act.
///
/// # Errors
/// `Conflict` when the case was changed meanwhile; the database's.
pub async fn noted(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (def, case): (&CaseType, &mut CaseFile),
    (word, act, reason): (&str, Act, &str),
    changes: &Map<String, Value>,
) -> Result<(), CaseError> {
    case.revision += 1;
    case.changed_at = desk.by.now;
    store::update(&mut *conn, case, &desk.searched(def, case)).await?;
    let from = case.state.clone();
    keep(conn, desk, case, &Done { act: word, from: &from, reason, changes }, act).await
}

/// Gives a case to somebody, and to a department.
///
/// # Errors
/// `Wrong`, `Forbidden`, `Conflict`, `NotFound`.
pub async fn assign(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    (assigned, department): (&str, &str),
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    works_here(&kept.def, desk, "assign")?;
    as_seen(&case, revision)?;
    let mut problems = Vec::new();
    let least = usize::from(kept.def.opening.department);
    crate::exercises::plan::text(&mut problems, "department", department, least, 160, true);
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    known_staff(&mut *conn, assigned).await?;
    super::recusal::not_recused(&mut *conn, id, assigned).await?;
    let mut changes = Map::new();
    for (name, was, is) in
        [("assigned", &mut case.assigned, assigned), ("department", &mut case.department, department.trim())]
    {
        if was.as_str() != is {
            changes.insert(name.to_owned(), json!([was, is]));
            is.clone_into(was);
        }
    }
    noted(&mut *conn, desk, (&kept.def, &mut case), ("assign", Act::CaseAssign, ""), &changes).await?;
    if changes.contains_key("assigned") {
        super::consequences::tell(conn, desk, &kept.def, &case, &["owner"]).await?;
    }
    Ok(case)
}

/// Adds a version of a document.
///
/// # Errors
/// `Wrong`, `Forbidden`, `Conflict`, `NotFound`.
pub async fn attach(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    new: &NewDocument<'_>,
) -> Result<(CaseFile, Uuid), CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    let is_theirs = !desk.who.name.is_empty() && case.assigned == desk.who.name;
    if !is_theirs && !desk.who.is_citizen {
        works_here(&kept.def, desk, "attach")?;
    }
    if case.annulled.is_some() {
        return Err(Refused::Conflict("the case is annulled".into()).into());
    }
    let Some(kind) = kept.def.document(new.kind) else {
        let kinds: Vec<&str> = kept.def.documents.iter().map(|one| one.kind.get_ref().as_str()).collect();
        return Err(Refused::wrong("kind", new.kind, format!("expected one of {}", kinds.join(", "))).into());
    };
    let mut problems = Vec::new();
    crate::exercises::plan::text(&mut problems, "name", new.name, 1, 200, true);
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    if new.bytes.is_empty() || new.bytes.len() > MOST_BYTES {
        return Err(Refused::wrong("bytes", new.bytes.len(), format!("expected 1 to {MOST_BYTES} bytes")).into());
    }
    if !MEDIA_TYPES.contains(&new.media_type) {
        let expected = format!("expected one of {}", MEDIA_TYPES.join(", "));
        return Err(Refused::wrong("media_type", new.media_type, expected).into());
    }
    let by = desk.by;
    let document = by.ids.uuid(by.now);
    let new = NewDocument { draft: new.draft || kind.draft, ..*new };
    let version = store::insert_document(&mut *conn, (document, id), &new, (by.now, &by.actor.name)).await?;
    let told = json!({ "kind": new.kind, "version": version, "sha256": ledger::hex(&ledger::sha256(new.bytes)) });
    let changes = Map::from_iter([("document".to_owned(), told)]);
    noted(conn, desk, (&kept.def, &mut case), ("attach", Act::CaseAttach, ""), &changes).await?;
    Ok((case, document))
}

/// Takes back what was published of a case. What it said stays, with why it is gone.
///
/// # Errors
/// `Wrong` without a reason; `Forbidden`; `Conflict` when nothing is public; `NotFound`.
pub async fn withdraw(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    reason: &str,
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    works_here(&kept.def, desk, "withdraw")?;
    as_seen(&case, revision)?;
    let reason = reasoned("reason", reason)?;
    if store::published::withdraw(&mut *conn, id, (desk.by.now, &desk.by.actor.name), &reason).await? == 0 {
        return Err(Refused::Conflict("nothing of it is public".into()).into());
    }
    noted(conn, desk, (&kept.def, &mut case), ("withdraw", Act::CaseWithdraw, &reason), &Map::new()).await?;
    Ok(case)
}
