//! Photographs of an occurrence: taken onto its timeline and into the audit, by themselves or with a note, or removed with a reason.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::photographs as store;
use crate::audit::{self, Act, Entry};
use crate::events::{Event, notify};
use crate::hexadecimal::hex;
use crate::incidents::photographs::Photograph;
use crate::media::Picture;
use crate::reports::acts::{ActError, By, told};
use crate::reports::store as reports;

/// The most an occurrence holds.
pub const MAX_PHOTOGRAPHS: i64 = 100;
pub const MAX_TOTAL_BYTES: i64 = 128 * 1024 * 1024;

/// Photographs that stand with a line, and those of them that are new.
#[derive(Debug, Default)]
pub struct Kept {
    pub all: Vec<Uuid>,
    pub fresh: Vec<serde_json::Value>,
}

/// Keeps pictures in an occurrence. One that it holds already is not kept twice.
///
/// # Errors
/// When there is no such occurrence, or it is full.
pub async fn keep(
    conn: &mut PgConnection,
    by: By<'_>,
    occurrence: Uuid,
    caption: &str,
    pictures: &[Picture],
) -> Result<Kept, ActError> {
    let mut kept = Kept::default();
    if pictures.is_empty() {
        return Ok(kept);
    }
    if !store::lock(&mut *conn, occurrence).await? {
        return Err(ActError::NotFound);
    }
    for picture in pictures {
        let sha256 = Sha256::digest(&picture.jpeg);
        if let Some(id) = store::same(&mut *conn, occurrence, sha256.as_slice()).await? {
            kept.all.push(id);
            continue;
        }
        let id = by.desk.ids.uuid(by.now);
        let who = (by.actor.name.as_str(), by.now);
        store::insert(&mut *conn, (id, occurrence), caption, (picture, sha256.as_slice()), who).await?;
        let sum = hex(sha256.as_slice());
        kept.fresh.push(json!({ "id": id, "sha256": sum, "width": picture.width, "height": picture.height }));
        kept.all.push(id);
    }
    let (count, bytes) = store::totals(&mut *conn, occurrence).await?;
    if count > MAX_PHOTOGRAPHS || bytes > MAX_TOTAL_BYTES {
        return Err(ActError::Full);
    }
    if !kept.fresh.is_empty() {
        let entry = Entry::new(Act::OccurrenceAddPhotograph, "occurrence", occurrence);
        let entry = entry.to(json!({ "photographs": kept.fresh }));
        audit::record(conn, by.desk.ids, by.now, by.actor, entry).await?;
    }
    Ok(kept)
}

/// Takes pictures without a note. One that it holds already is answered as it is.
///
/// # Errors
/// When there is no such occurrence, or it is full.
pub async fn attach(
    conn: &mut PgConnection,
    by: By<'_>,
    occurrence: Uuid,
    caption: &str,
    pictures: &[Picture],
) -> Result<Vec<Photograph>, ActError> {
    let kept = keep(&mut *conn, by, occurrence, caption, pictures).await?;
    if !kept.fresh.is_empty() {
        let detail = json!({ "photographs": kept.fresh });
        let (kind, who) = ("photograph", by.actor.name.as_str());
        reports::tell(&mut *conn, occurrence, by.now, who, kind, caption, &detail).await?;
        notify(&mut *conn, &Event::Occurrence { id: occurrence }).await?;
    }
    let mut all = store::list(conn, occurrence).await?;
    all.retain(|photograph| kept.all.contains(&photograph.id));
    Ok(all)
}

/// Empties a photograph. Its row, its sum and the reason stay. What should not be shown goes whatever the state of the occurrence.
///
/// # Errors
/// When there is none, or it is gone already.
pub async fn remove(
    conn: &mut PgConnection,
    by: By<'_>,
    (occurrence, id): (Uuid, Uuid),
    reason: &str,
) -> Result<(), ActError> {
    let removed = store::remove(&mut *conn, (occurrence, id), (&by.actor.name, by.now), reason).await?;
    let sum = removed.ok_or(ActError::NoPhotograph(id))?;
    let detail = json!({ "id": id, "sha256": sum });
    told(conn, by, (occurrence, Act::OccurrenceRemovePhotograph, "photograph_removed"), reason, detail).await
}
