//! The documents of a dossier as PDF.

use serde_json::Value;
use sqlx::PgConnection;

use super::documents::Kind;
use super::dossier::{Printed, picture_name, printed};
use super::store::papers;
use super::view::Whole;
use crate::clock::Instant;
use crate::config::Municipality;

/// File in config/print/.
const TEMPLATE: &str = "damage.typ";

/// The data and the pictures of documents, read in the caller's transaction.
#[derive(Clone, Debug)]
pub struct Ready {
    pub data: Printed,
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
) -> sqlx::Result<Ready> {
    let files = if parts.contains(&Kind::Photographs) { papers::pictures(conn, whole.dossier.id).await? } else { Vec::new() };
    let mut shown = Vec::with_capacity(files.len());
    let mut pictures = Vec::with_capacity(files.len());
    for (id, jpeg) in files {
        let Some(one) = whole.chosen().find(|one| one.id == id) else { continue };
        pictures.push((picture_name(pictures.len()), jpeg));
        shown.push(one);
    }
    Ok(Ready { data: printed(whole, town, (parts, &shown), (is_draft, now)), pictures })
}

impl Ready {
    /// What is frozen beside the PDF.
    ///
    /// # Errors
    /// None that is known.
    pub fn frozen(&self) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(&self.data)?)
    }

    /// # Errors
    /// The template's.
    pub async fn pdf(self) -> anyhow::Result<Vec<u8>> {
        Ok(crate::print::render(TEMPLATE, self.data, self.pictures).await?)
    }
}
