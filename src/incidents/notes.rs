//! Notes on the timeline of an incident, with the photographs that were sent with them. Each is one transaction of the caller's.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::mentions;
use super::photographs::{self, MAX_CAPTION, PhotographError};
use super::store;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::ids::{Ids, IncidentId};
use crate::media::Picture;

#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    #[error(transparent)]
    Photographs(PhotographError),
    /// The line that it would correct is no note of this incident, or was corrected.
    #[error("the line is no note of this incident, or was corrected")]
    NoLine,
    /// A photograph that it names is none of this incident, or was removed.
    #[error("photograph {0} is none of this incident, or was removed")]
    NoPhotograph(Uuid),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PhotographError> for NoteError {
    fn from(error: PhotographError) -> Self {
        match error {
            PhotographError::Database(error) => Self::Database(error),
            other => Self::Photographs(other),
        }
    }
}

/// What a note says and brings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Note<'a> {
    pub text: &'a str,
    /// The line that it corrects.
    pub corrects: Option<i64>,
    pub pictures: &'a [Picture],
    /// Photographs that the incident holds already.
    pub known: &'a [Uuid],
}

/// Writes a note, or corrects an earlier one by a new line that points to it. Whoever is named with `@` is told; `base` is the address of the
/// service. Returns the line.
///
/// # Errors
/// When the incident is closed or full, the line is none that could be corrected, or a photograph is not there. Then nothing is kept.
pub async fn write(
    conn: &mut PgConnection,
    (ids, now): (&Ids, Instant),
    (actor, base): (&Actor, &str),
    id: IncidentId,
    note: Note<'_>,
) -> Result<i64, NoteError> {
    // Held, so that nothing is said after the incident was closed.
    let (number, state) =
        photographs::store::lock(&mut *conn, id).await?.ok_or(NoteError::Photographs(PhotographError::NoIncident))?;
    if state != "open" {
        return Err(PhotographError::Closed(number).into());
    }
    for photograph in note.known {
        let found = photographs::store::find(&mut *conn, id, *photograph).await?;
        if found.is_none_or(|found| found.removed_at.is_some()) {
            return Err(NoteError::NoPhotograph(*photograph));
        }
    }
    let caption = caption_of(note.text);
    let kept = photographs::keep(&mut *conn, (ids, now), &actor.name, id, &caption, note.pictures).await?;
    let mut shown: Vec<Uuid> = note.known.iter().chain(&kept.all).copied().collect();
    shown.dedup();
    let pictures: Vec<_> = shown.iter().map(|id| json!({ "id": id })).collect();
    let detail = if pictures.is_empty() { json!({}) } else { json!({ "photographs": pictures }) };
    let line = store::add_note(&mut *conn, id, (now, &actor.name), (note.text, &detail), note.corrects).await?;
    let line = line.ok_or(NoteError::NoLine)?;
    let place = mentions::Place::Incident { entry: line, id, number: &number };
    mentions::tell(&mut *conn, (ids, now), (&actor.name, base), place, note.text).await?;
    if !kept.fresh.is_empty() {
        let entry = Entry::new(Act::IncidentAddPhotograph, "incident", id).to(json!({ "photographs": kept.fresh }));
        audit::record(&mut *conn, ids, now, actor, entry).await?;
    }
    let act = if note.corrects.is_some() { Act::IncidentCorrect } else { Act::IncidentNote };
    let after = json!({ "text": note.text, "corrects": note.corrects, "photographs": shown });
    audit::record(conn, ids, now, actor, Entry::new(act, "incident", id).to(after)).await?;
    Ok(line)
}

/// What the photographs of a note show: its first line.
pub fn caption_of(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(MAX_CAPTION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_photographs_of_a_note_are_called_as_its_first_line() {
        assert_eq!(caption_of("  Muro\tcaiu \r\ne a casa ao lado"), "Muro caiu");
        assert_eq!(caption_of(&"x".repeat(400)).chars().count(), MAX_CAPTION);
        assert_eq!(caption_of(" \n"), "");
    }
}
