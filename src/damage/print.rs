//! The documents of a dossier as PDF.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::documents::Kind;
use super::dossier::{picture_name, printed};
use super::store::{self, papers};
use super::view::Whole;
use crate::clock::Instant;
use crate::config::Municipality;

/// File in config/print/.
const TEMPLATE: &str = "damage.typ";

/// The data and the pictures of documents, read in the caller's transaction.
#[derive(Clone, Debug)]
pub struct Ready {
    pub data: Value,
    pub pictures: Vec<(String, Vec<u8>)>,
}

/// # Errors
/// The database's.
pub async fn ready(
    conn: &mut PgConnection,
    whole: &Whole,
    town: &Municipality,
    parts: &[Kind],
    (is_draft, now): (bool, Instant),
) -> anyhow::Result<Ready> {
    let files =
        if parts.contains(&Kind::Photographs) { papers::pictures(conn, whole.dossier.id).await? } else { Vec::new() };
    let mut shown = Vec::with_capacity(files.len());
    let mut pictures = Vec::with_capacity(files.len());
    for (id, jpeg) in files {
        let Some(one) = whole.chosen().find(|one| one.id == id) else { continue };
        pictures.push((picture_name(pictures.len()), jpeg));
        shown.push(one);
    }
    let data = serde_json::to_value(printed(whole, town, (parts, &shown), (is_draft, now)))?;
    Ok(Ready { data, pictures })
}

/// One document of what was submitted, as it was frozen; none where nothing was, or where a photograph of the report was removed since.
///
/// # Errors
/// The database's.
pub async fn frozen(conn: &mut PgConnection, id: Uuid, kind: Kind) -> sqlx::Result<Option<Ready>> {
    let Some(mut data) = store::frozen(&mut *conn, id).await? else { return Ok(None) };
    let mut pictures = Vec::new();
    if kind == Kind::Photographs {
        let files = papers::pictures(conn, id).await?;
        if data.get("photographs").and_then(Value::as_array).map(Vec::len) != Some(files.len()) {
            return Ok(None);
        }
        pictures = files.into_iter().enumerate().map(|(at, (_, jpeg))| (picture_name(at), jpeg)).collect();
    }
    data["parts"] = serde_json::json!([kind.as_str()]);
    Ok(Some(Ready { data, pictures }))
}

impl Ready {
    /// # Errors
    /// The template's.
    pub async fn pdf(self) -> anyhow::Result<Vec<u8>> {
        Ok(crate::print::render(TEMPLATE, &self.data, self.pictures).await?)
    }
}
