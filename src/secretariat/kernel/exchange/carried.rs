//! What a file carries beside its cases where it is asked for: what was published of them, and their documents. A chain is no secret, so both are
//! held against the acts that made them.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Fault, Line};
use crate::clock::Instant;
use crate::refused::Refused;
use crate::secretariat::kernel::chain::{hex, sha256, sum};
use crate::secretariat::kernel::define::CaseType;
use crate::secretariat::kernel::desk::CaseError;
use crate::secretariat::kernel::desk::around::{MEDIA_TYPES, MOST_BYTES};
use crate::secretariat::kernel::publication::PublicView;
use crate::secretariat::kernel::store::carried;
use crate::secretariat::kernel::{ActDone, values};

/// Bytes of documents in one file: written as text they leave room for the cases in what an import takes.
pub const MOST_CONTENT: i64 = 20 * 1024 * 1024;

pub const PUBLICATIONS: &str = "publications";
pub const DOCUMENTS: &str = "documents";

/// What is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct With {
    pub publications: bool,
    pub documents: bool,
}

impl FromStr for With {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut with = Self::default();
        for word in text.split(',').map(str::trim) {
            match word {
                PUBLICATIONS => with.publications = true,
                DOCUMENTS => with.documents = true,
                _ => return Err(format!("expected {PUBLICATIONS}, {DOCUMENTS}, or both with a comma between them")),
            }
        }
        Ok(with)
    }
}

/// A snapshot as everybody read it where the file comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    pub id: Uuid,
    pub seq: i32,
    pub view: Value,
    pub sha256: String,
    pub published_at: Instant,
    pub published_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embargo_until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawn>,
}

/// When everybody ceased to read it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    pub at: Instant,
    pub by: String,
    pub reason: String,
}

/// A document with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub id: Uuid,
    pub kind: String,
    pub version: i32,
    pub name: String,
    pub media_type: String,
    pub draft: bool,
    pub added_at: Instant,
    pub added_by: String,
    pub sha256: String,
    /// As base64.
    #[serde(serialize_with = "encoded", deserialize_with = "decoded")]
    pub content: Vec<u8>,
}

fn encoded<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

fn decoded<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
}

/// How many of these cases, from the first on, have documents that one file takes.
///
/// # Errors
/// `Conflict` when those of the first alone are too many.
pub async fn fitting(conn: &mut PgConnection, ids: &[Uuid]) -> Result<usize, CaseError> {
    let sizes = carried::sizes(conn, ids).await?;
    let mut bytes = 0;
    for (place, id) in ids.iter().enumerate() {
        bytes += sizes.get(id).copied().unwrap_or_default();
        if bytes > MOST_CONTENT && place == 0 {
            let why = format!(
                "the documents of the case {id} have {bytes} bytes, and a file takes {MOST_CONTENT}: leave documents out of it, or go on with before={id}"
            );
            return Err(Refused::Conflict(why).into());
        }
        if bytes > MOST_CONTENT {
            return Ok(place);
        }
    }
    Ok(ids.len())
}

/// Documents may say what the type keeps out of files.
pub fn is_closed(of: &CaseType, newest: &CaseType) -> bool {
    [of, newest].iter().any(|def| def.secret_title || def.fields.iter().any(|field| field.secret))
}

/// # Errors
/// The first of them that the acts could not have made, and why.
pub fn judge(def: &CaseType, line: &Line) -> Result<(), Fault> {
    publications(def, line)?;
    documents(def, line)
}

fn publishes(def: &CaseType, act: &ActDone) -> bool {
    def.transition(&act.act).map_or(act.act == "open" && def.opening.publishes, |one| one.publishes)
}

fn withdraws(def: &CaseType, act: &ActDone) -> bool {
    def.transition(&act.act).map_or(["withdraw", "annul"].contains(&act.act.as_str()), |one| one.withdraws)
}

fn publications(def: &CaseType, line: &Line) -> Result<(), Fault> {
    let mut after = 0;
    for (one, seq) in line.publications.iter().zip(1..) {
        let wrong = |why: &str| Err((PUBLICATIONS, format!("{}: {why}", one.seq)));
        let by = line.acts.iter().find(|act| act.seq > after && act.at == one.published_at && publishes(def, act));
        let Some(by) = by.filter(|_| one.seq == seq) else {
            return wrong("no act published it, or it does not follow the one before it");
        };
        after = by.seq;
        if one.sha256 != sum(&one.view) {
            return wrong("it has another SHA-256: it was changed since");
        }
        if !is_view(def, line, (&one.view, by)) {
            return wrong("it is not what the type lets everybody read of the case at that act");
        }
        if one.embargo_until.is_some_and(|until| !(1900..=2200).contains(&until.year())) {
            return wrong("expected an embargo between 1900 and 2200");
        }
        let gone = line.acts.iter().find(|act| act.seq > by.seq && withdraws(def, act)).map(|act| act.at);
        if gone != one.withdrawn.as_ref().map(|told| told.at) {
            return wrong("it is withdrawn by an act that withdraws, and by none else");
        }
        let said = one
            .withdrawn
            .as_ref()
            .map_or((one.published_by.as_str(), "-"), |told| (told.by.as_str(), told.reason.as_str()));
        if !is_said(&one.published_by, 200) || !is_said(said.0, 200) || !is_said(said.1, 1000) {
            return wrong("expected who published it, and who withdrew it with the reason");
        }
    }
    Ok(())
}

/// Words that the table takes.
fn is_said(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.contains('\0')
}

/// Whether an act could leave this for everybody: fields of the list, in a state of the list, without a CPF in a text.
fn is_view(def: &CaseType, line: &Line, (value, by): (&Value, &ActDone)) -> bool {
    let Ok(view) = serde_json::from_value::<PublicView>(value.clone()) else { return false };
    let number = match line.numbered() {
        (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
        _ => String::new(),
    };
    let is_listed = |key: &String| {
        let is_named = def.public.fields.iter().any(|word| word.get_ref() == key);
        is_named && def.field(key).is_some_and(|field| field.public && !field.personal)
    };
    let is_masked = |text: &str| values::mask_text(text) == text && !text.contains('\0');
    (view.type_key == line.type_key && view.version == line.version && view.state == by.to_state)
        && def.public.states.iter().any(|state| *state.get_ref() == view.state)
        && (view.number.is_empty() || view.number == number)
        && is_masked(&view.title)
        && view.fields.keys().all(is_listed)
        && view.fields.values().all(|said| said.as_str().is_none_or(is_masked))
        && serde_json::to_value(&view).is_ok_and(|again| again == *value)
}

/// Either none, or those that its acts attached, each with the bytes of then.
fn documents(def: &CaseType, line: &Line) -> Result<(), Fault> {
    let attached = || line.acts.iter().filter(|act| act.act == "attach");
    if !line.documents.is_empty() && line.documents.len() != attached().count() {
        return Err((DOCUMENTS, "expected every document that an act attached, or none".into()));
    }
    for one in &line.documents {
        let wrong = |why: &str| Err((DOCUMENTS, format!("{} {}: {why}", one.kind, one.version)));
        let told = json!({ "kind": one.kind, "version": one.version, "sha256": one.sha256 });
        if !attached().any(|act| act.at == one.added_at && act.changes.get("document") == Some(&told)) {
            return wrong("no act attached it");
        }
        if one.content.is_empty() || one.content.len() > MOST_BYTES || hex(&sha256(&one.content)) != one.sha256 {
            return wrong("it has other bytes than were attached");
        }
        let Some(kind) = def.document(&one.kind) else { return wrong("the type has no such document") };
        if kind.draft && !one.draft {
            return wrong("a draft is no draft any more");
        }
        if !MEDIA_TYPES.contains(&one.media_type.as_str()) || !is_said(&one.name, 200) || !is_said(&one.added_by, 200) {
            return wrong("expected a name, who attached it, and a media type that a document may have");
        }
    }
    Ok(())
}

/// Whether what a line carries is here already; what it does not carry counts as being here.
///
/// # Errors
/// The database's.
pub async fn is_here(conn: &mut PgConnection, line: &Line) -> sqlx::Result<bool> {
    let published = carried::publications(&mut *conn, &[line.id]).await?.remove(&line.id).unwrap_or_default();
    if !line.publications.is_empty() && line.publications != published {
        return Ok(false);
    }
    let documents = if line.documents.is_empty() {
        Vec::new()
    } else {
        carried::documents(conn, &[line.id]).await?.remove(&line.id).unwrap_or_default()
    };
    Ok(line.documents == documents)
}

/// Writes what a line carries, marked as imported.
///
/// # Errors
/// The database's.
pub async fn restore(conn: &mut PgConnection, (line, module): (&Line, &str), now: Instant) -> sqlx::Result<()> {
    let mut corrects = None;
    for one in &line.publications {
        carried::insert_publication(&mut *conn, (line.id, module, &line.type_key), (one, corrects), now).await?;
        corrects = Some(one.id);
    }
    for one in &line.documents {
        carried::insert_document(&mut *conn, line.id, one, now).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "carried_tests.rs"]
mod tests;
