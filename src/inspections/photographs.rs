//! The files of photographs that an inspection announced: each comes by itself, once, however often it is sent.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::sent::{self, Begun, Kind, Parcel};
use super::store;
use super::{Refusal, desk};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::media::{Measures, Picture};
use crate::vault::Ring;

/// A photograph whose file is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionPhotographTaken)]
pub struct Kept {
    pub id: Uuid,
    /// In pixels, as it is stored.
    pub width: i32,
    pub height: i32,
    /// Of the stored file.
    pub bytes: i32,
}

/// What a photograph is sent with.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub inspection: Uuid,
    /// Under which it was announced.
    pub key: Uuid,
    /// SHA-256 of the file on the device, in hexadecimal.
    pub sha256: &'a str,
}

/// What was answered before, if this very file was sent before. Asked before it is developed.
///
/// # Errors
/// `Differs` when another file was sent under this key; `NotFound` when no such photograph was announced.
pub async fn before(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ring: &Ring,
    sending: Sending<'_>,
) -> Result<Option<Kept>, Refusal> {
    let content = content(sending);
    match sent::begin(&mut *conn, ring, parcel(by, sending, &content)?).await? {
        Begun::Before(answer) => {
            Ok(Some(serde_json::from_value(answer).map_err(|error| sqlx::Error::Decode(error.into()))?))
        }
        Begun::New => {
            let found = store::photograph_of_key(conn, sending.key).await?;
            let is_announced = found.is_some_and(|(_, inspection)| inspection == sending.inspection);
            if is_announced { Ok(None) } else { Err(Refusal::NotFound("photograph that was announced under this key")) }
        }
    }
}

fn content(sending: Sending<'_>) -> serde_json::Value {
    json!({ "inspection": sending.inspection, "sha256": sending.sha256 })
}

fn parcel<'a>(by: Acting<'_>, sending: Sending<'_>, content: &'a serde_json::Value) -> Result<Parcel<'a>, Refusal> {
    Ok(Parcel { key: sending.key, kind: Kind::Photograph, account: desk::account(by)?, content })
}

/// Empties a photograph of an inspection: its row, its sum and why stay, the picture is gone. What was submitted with it stands as it
/// was frozen. `of`: inspection, and photograph.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict` when there is nothing to remove.
pub async fn remove(conn: &mut PgConnection, by: Acting<'_>, of: (Uuid, Uuid), reason: &str) -> Result<(), Refusal> {
    let reason = super::check::plain(reason);
    if !(3..=2000).contains(&reason.chars().count()) {
        return Err(Refusal::wrong("reason", reason, "expected 3 to 2000 characters"));
    }
    let inspection = store::load(&mut *conn, of.0).await?.ok_or(Refusal::NotFound("inspection"))?;
    let found = store::photographs(&mut *conn, of.0).await?.into_iter().find(|one| one.id == of.1);
    let found = found.ok_or(Refusal::NotFound("photograph"))?;
    if !store::remove_photograph(&mut *conn, of, (&by.actor.name, by.now, &reason)).await? {
        let is_gone = found.removed_at.is_some();
        let why = if is_gone { "the photograph was already removed" } else { "its file has not come yet" };
        return Err(Refusal::Conflict(why.into()));
    }
    let line = format!("Fotografia retirada da vistoria {}", inspection.number);
    let incident = inspection.incident_id.map(crate::ids::IncidentId);
    desk::tell(&mut *conn, by, (incident, inspection.occurrence_id), &line, (of.0, &inspection.number)).await?;
    let was = json!({ "photograph": of.1, "sha256": found.sha256 });
    let entry = Entry::new(Act::InspectionRemovePhotograph, "inspection", of.0).because(&reason).from(was);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Keeps a file. True: it is new.
///
/// # Errors
/// As [`before`].
pub async fn attach(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ring: &Ring,
    sending: Sending<'_>,
    picture: &Picture,
) -> Result<(Kept, bool), Refusal> {
    if let Some(kept) = before(&mut *conn, by, ring, sending).await? {
        return Ok((kept, false));
    }
    let missing = || Refusal::NotFound("photograph that was announced under this key");
    let (id, _) = store::photograph_of_key(&mut *conn, sending.key).await?.ok_or_else(missing)?;
    let sha256 = Sha256::digest(&picture.jpeg);
    store::attach(&mut *conn, (by.ids.uuid(by.now), id), picture, sha256.as_slice(), (&by.actor.name, by.now)).await?;
    let Measures { bytes, width, height } = picture.measures();
    let kept = Kept { id, width, height, bytes };
    let what = json!({ "photograph": id, "sha256": crate::hexadecimal::hex(sha256.as_slice()) });
    let entry = Entry::new(Act::InspectionAddPhotograph, "inspection", sending.inspection).to(what);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let content = content(sending);
    let answer = serde_json::to_value(&kept).unwrap_or_default();
    sent::keep(conn, ring, by.now, parcel(by, sending, &content)?, &answer).await?;
    Ok((kept, true))
}
