//! The documents of a dossier as PDF.

use std::collections::BTreeMap;

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

/// What [`ready`] would print of all documents, without their pictures.
///
/// # Errors
/// The database's.
pub async fn data(
    conn: &mut PgConnection,
    whole: &Whole,
    town: &Municipality,
    (is_draft, now): (bool, Instant),
) -> sqlx::Result<Value> {
    let ids = papers::picture_ids(conn, whole.dossier.id).await?;
    let shown: Vec<_> = ids.iter().filter_map(|id| whole.chosen().find(|one| one.id == *id)).collect();
    let data = printed(whole, town, (Kind::ALL, &shown), (is_draft, now));
    serde_json::to_value(data).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Whether every page has to say MINUTA: nothing of what was never submitted is final but a document that was adopted by itself.
pub fn is_draft(whole: &Whole, parts: &[Kind]) -> bool {
    let adopted = |kind: &Kind| whole.document(*kind).is_some_and(|document| document.is_adopted);
    whole.dossier.submitted_at.is_none() && !parts.iter().all(adopted)
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
        let Some(found) = of_captions(&data, files) else { return Ok(None) };
        pictures = found;
    }
    data["parts"] = serde_json::json!([kind.as_str()]);
    Ok(Some(Ready { data, pictures }))
}

/// The picture of each caption that was frozen; none when one is missing. What was frozen before captions named their picture has as many of
/// them as it has captions.
fn of_captions(data: &Value, files: Vec<(Uuid, Vec<u8>)>) -> Option<Vec<(String, Vec<u8>)>> {
    let captions = data.get("photographs").and_then(Value::as_array)?;
    let id = |caption: &Value| caption.get("id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    let ids: Option<Vec<Uuid>> = captions.iter().map(id).collect();
    let found: Vec<Vec<u8>> = match ids {
        Some(ids) => {
            let mut files: BTreeMap<Uuid, Vec<u8>> = files.into_iter().collect();
            ids.iter().map(|id| files.remove(id)).collect::<Option<_>>()?
        }
        None if captions.len() == files.len() => files.into_iter().map(|(_, jpeg)| jpeg).collect(),
        None => return None,
    };
    Some(found.into_iter().enumerate().map(|(at, jpeg)| (picture_name(at), jpeg)).collect())
}

impl Ready {
    /// # Errors
    /// The template's.
    pub async fn pdf(self) -> anyhow::Result<Vec<u8>> {
        Ok(crate::print::render(TEMPLATE, &self.data, self.pictures).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_picture_is_printed_over_its_own_caption_or_not_at_all() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let data = json!({ "photographs": [{ "id": second, "caption": "b" }] });
        let found = of_captions(&data, vec![(first, vec![1]), (second, vec![2])]);
        assert_eq!(found, Some(vec![("p0.jpg".to_owned(), vec![2])]), "one that was not printed is left out");
        assert_eq!(of_captions(&data, vec![(first, vec![1])]), None, "no other one takes its place");
        let old = json!({ "photographs": [{ "caption": "a" }] });
        assert_eq!(of_captions(&old, vec![(first, vec![1])]), Some(vec![("p0.jpg".to_owned(), vec![1])]));
        assert_eq!(of_captions(&old, Vec::new()), None);
    }
}
