//! What a case refers to: other cases, and agreements, funding and projects. People write a number; programs say an id.

use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::store::{self, instruments};
use super::super::{CaseFile, LinkKind};
use super::around::works_here;
use super::{CaseError, Desk, find, noted};
use crate::audit::Act;
use crate::refused::Refused;

/// Modules of instruments.
pub const INSTRUMENTS: [&str; 3] = ["agreements", "funding", "strategic_projects"];
const NOTHING_FITS: &str = "nothing of this number is there, or it is not for you";

/// Says that a case refers to another.
///
/// # Errors
/// `Forbidden`, `Conflict` when it does already, `NotFound`.
pub async fn link(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid, other: Uuid) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    works_here(&kept.def, desk, "link")?;
    let (_, to) = find(&mut *conn, desk, other, false).await?;
    if id == other {
        return Err(Refused::wrong("other", other, "expected another case").into());
    }
    let by = desk.by;
    if !store::insert_link(&mut *conn, (id, other), LinkKind::Refers, (by.now, &by.actor.name)).await? {
        return Err(Refused::Conflict("they are linked already".into()).into());
    }
    let changes = Map::from_iter([("refers".to_owned(), json!(to.id))]);
    noted(conn, desk, (&kept.def, &mut case), ("link", Act::CaseLink, ""), &changes).await?;
    Ok(case)
}

/// Says that a case refers to an agreement, funding or project.
///
/// # Errors
/// `Forbidden`, `Conflict` when it does already, `NotFound`.
pub async fn instrument(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    instrument: Uuid,
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    works_here(&kept.def, desk, "link")?;
    if !instruments::exists(&mut *conn, instrument).await? {
        return Err(Refused::NotFound(format!("instrument {instrument}")).into());
    }
    let by = (desk.by.now, desk.by.actor.name.as_str());
    if !instruments::insert(&mut *conn, (id, instrument), by).await? {
        return Err(Refused::Conflict("they are linked already".into()).into());
    }
    let changes = Map::from_iter([("instrument".to_owned(), json!(instrument))]);
    noted(conn, desk, (&kept.def, &mut case), ("link", Act::CaseLink, ""), &changes).await?;
    Ok(case)
}

/// The same by what people write: `what` is "case" or a module of instruments, and the text a number, the address of a page, or, of an
/// instrument, words of its object.
///
/// # Errors
/// `Wrong` when nothing fits, or several do, which it names; as the two above.
pub async fn written(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    (what, text): (&str, &str),
) -> Result<CaseFile, CaseError> {
    let text: String = text.trim().chars().filter(|one| *one != '\0').take(300).collect();
    let wrong = |message: String| CaseError::from(Refused::wrong("other", &text, message));
    let other = sought(&mut *conn, what, &text).await?.map_err(&wrong)?;
    let done = if INSTRUMENTS.contains(&what) {
        instrument(conn, desk, id, other).await
    } else {
        link(conn, desk, id, other).await
    };
    match done {
        // What is not for them is as what is not there.
        Err(CaseError::Refused(Refused::NotFound(_))) => Err(wrong(NOTHING_FITS.into())),
        done => done,
    }
}

/// The id of what was written, or why there is none.
async fn sought(conn: &mut PgConnection, what: &str, text: &str) -> sqlx::Result<Result<Uuid, String>> {
    // The address of a page ends with the id.
    if let Some(id) = text.rsplit('/').next().and_then(|last| last.parse::<Uuid>().ok()) {
        return Ok(Ok(id));
    }
    if !INSTRUMENTS.contains(&what) {
        let Some((series, year, number)) = numbered(text) else { return Ok(Err(NOTHING_FITS.into())) };
        let found = store::by_number(conn, &series, year, number).await?;
        return Ok(found.ok_or_else(|| NOTHING_FITS.into()));
    }
    let found = instruments::fitting(conn, what, text).await?;
    Ok(match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(NOTHING_FITS.into()),
        several => {
            let names: Vec<String> = several.iter().map(instruments::InstrumentLink::name).collect();
            Err(format!("several fit: {}", names.join("; ")))
        }
    })
}

/// "DET 2026/001"
fn numbered(text: &str) -> Option<(String, i32, i32)> {
    let (series, rest) = text.split_once(char::is_whitespace)?;
    let (year, number) = rest.trim().split_once('/')?;
    Some((series.to_uppercase(), year.trim().parse().ok()?, number.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_pages_show_it() {
        assert_eq!(numbered("DET 2026/001"), Some(("DET".into(), 2026, 1)));
        assert_eq!(numbered("det  2026/12"), Some(("DET".into(), 2026, 12)));
        assert_eq!(numbered("2026/001"), None);
        assert_eq!(numbered("DET 2026"), None);
    }
}
