//! Photographs of an incident: taken onto its timeline and into the audit, or removed with a reason.

pub mod store;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::hexadecimal::hex;
use crate::ids::{Ids, IncidentId};
use crate::media::Picture;

pub use store::Photograph;

/// The most an incident holds: some hundred pictures of a night, about as much as a film of a minute.
pub const MAX_PHOTOGRAPHS: i64 = 200;
pub const MAX_TOTAL_BYTES: i64 = 256 * 1024 * 1024;
/// Letters of a caption.
pub const MAX_CAPTION: usize = 300;

/// Kinds of entries on the timeline.
pub const ADDED: &str = "photograph";
pub const REMOVED: &str = "photograph_removed";

#[derive(Debug, thiserror::Error)]
pub enum PhotographError {
    #[error("the incident was not found")]
    NoIncident,
    #[error("the photograph was not found")]
    NotFound,
    #[error("incident {0} is closed")]
    Closed(String),
    #[error("an incident holds at most {MAX_PHOTOGRAPHS} photographs and {} MiB", MAX_TOTAL_BYTES / 1024 / 1024)]
    Full,
    #[error("the photograph was already removed")]
    Gone,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whether an incident takes photographs, asked before a long body is read.
pub async fn check_open(conn: &mut PgConnection, incident: IncidentId) -> Result<(), PhotographError> {
    let found = super::store::load(conn, incident).await?.ok_or(PhotographError::NoIncident)?;
    if found.state == "open" { Ok(()) } else { Err(PhotographError::Closed(found.number)) }
}

/// Pictures as an incident holds them now.
#[derive(Debug, Default)]
pub struct Kept {
    /// In the order in which they came.
    pub all: Vec<Uuid>,
    /// Of those that it did not hold before: id, sum and size.
    pub fresh: Vec<Value>,
}

/// Keeps pictures in an incident that the caller has locked. One that it holds already is not kept twice.
///
/// # Errors
/// `Full`.
pub async fn keep(
    conn: &mut PgConnection,
    (ids, now): (&Ids, Instant),
    who: &str,
    incident: IncidentId,
    caption: &str,
    pictures: &[Picture],
) -> Result<Kept, PhotographError> {
    let mut kept = Kept::default();
    if pictures.is_empty() {
        return Ok(kept);
    }
    for picture in pictures {
        let sha256 = Sha256::digest(&picture.jpeg);
        if let Some(id) = store::same(&mut *conn, incident, sha256.as_slice()).await? {
            kept.all.push(id);
            continue;
        }
        let id = ids.uuid(now);
        store::insert(&mut *conn, id, incident, caption, picture, sha256.as_slice(), (who, now)).await?;
        kept.fresh.push(
            json!({ "id": id, "sha256": hex(sha256.as_slice()), "width": picture.width, "height": picture.height }),
        );
        kept.all.push(id);
    }
    let (count, bytes) = store::totals(conn, incident).await?;
    if count > MAX_PHOTOGRAPHS || bytes > MAX_TOTAL_BYTES {
        return Err(PhotographError::Full);
    }
    Ok(kept)
}

/// Takes pictures into an open incident. One that it holds already is answered as it is, and not kept twice.
///
/// # Errors
/// When it is closed, full, or none.
pub async fn attach(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    incident: IncidentId,
    caption: &str,
    pictures: &[Picture],
) -> Result<Vec<Photograph>, PhotographError> {
    let (number, state) = store::lock(&mut *conn, incident).await?.ok_or(PhotographError::NoIncident)?;
    if state != "open" {
        return Err(PhotographError::Closed(number));
    }
    let kept = keep(&mut *conn, (ids, now), &actor.name, incident, caption, pictures).await?;
    if !kept.fresh.is_empty() {
        let detail = json!({ "photographs": kept.fresh });
        super::store::add_entry(&mut *conn, incident, now, &actor.name, ADDED, caption, &detail).await?;
        let entry = Entry::new(Act::IncidentAddPhotograph, "incident", incident).to(detail);
        audit::record(&mut *conn, ids, now, actor, entry).await?;
    }
    let mut all = store::list(&mut *conn, incident).await?;
    all.retain(|photograph| kept.all.contains(&photograph.id));
    Ok(all)
}

/// Empties a photograph of this incident. Its row, its sum and the reason stay. Closed incidents allow it too: what should not
/// be shown must go whenever that is noticed.
pub async fn remove(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    (incident, id): (IncidentId, Uuid),
    reason: &str,
) -> Result<(), PhotographError> {
    let found = store::find(&mut *conn, incident, id).await?.ok_or(PhotographError::NotFound)?;
    if !store::remove(&mut *conn, incident, id, now, &actor.name, reason).await? {
        return Err(PhotographError::Gone);
    }
    let detail = json!({ "id": id, "sha256": found.sha256 });
    super::store::add_entry(&mut *conn, incident, now, &actor.name, REMOVED, reason, &detail).await?;
    let entry = Entry::new(Act::IncidentRemovePhotograph, "incident", incident).because(reason).from(detail);
    audit::record(&mut *conn, ids, now, actor, entry).await?;
    Ok(())
}
