//! The note that one shift leaves to the next. Drafted from the timelines and the open occurrences between two instants, edited, signed by
//! whoever gives it and then by somebody else who takes it, and kept.

pub mod draft;
pub mod store;

use chrono::{Datelike as _, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::alerts::store::next_number;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::ids::Ids;
use crate::units::vocabulary;

pub use store::Note;

/// Letters of a note.
pub const MAX_BODY: usize = 60_000;
/// Letters that whoever takes it may add.
pub const MAX_REMARK: usize = 2000;
/// A shift when nothing was handed over before, and the longest one.
pub const USUAL: TimeDelta = TimeDelta::hours(12);
pub const LONGEST: TimeDelta = TimeDelta::days(7);

vocabulary! {
    /// Where a note stands. Texts are `shift-state-STATE`.
    State, "state of a hand-over note" {
        Draft = "draft",
        /// Signed by whoever leaves.
        Given = "given",
        /// Signed by whoever comes.
        Taken = "taken",
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ShiftError {
    #[error("the note was not found")]
    NotFound,
    #[error("hand-over note {0} is open as a draft; finish that one first")]
    DraftOpen(String),
    #[error("the period ends before it begins, lies ahead, or is longer than {} days", LONGEST.num_days())]
    Period,
    #[error("the note is {0}; this is not possible any more")]
    State(State),
    /// Somebody edited it meanwhile.
    #[error("somebody else has changed the note since it was opened; it has revision {0} now")]
    Stale(i32),
    #[error("whoever gives the shift cannot take it")]
    SamePerson,
    #[error("expected 1 to {MAX_BODY} characters")]
    Body,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A note between two acts; each consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Life {
    pub state: State,
    pub given_by: Option<String>,
}

/// What somebody wants of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Edit,
    Give,
    Take,
}

impl Life {
    /// What becomes of it when `who` asks this. Pure.
    ///
    /// # Errors
    /// Why it stays what it is.
    pub fn after(self, ask: Ask, who: &str) -> Result<Self, ShiftError> {
        match (ask, self.state) {
            (Ask::Edit, State::Draft) => Ok(self),
            (Ask::Give, State::Draft) => Ok(Self { state: State::Given, given_by: Some(who.to_owned()) }),
            (Ask::Take, State::Given) if self.given_by.as_deref() == Some(who) => Err(ShiftError::SamePerson),
            (Ask::Take, State::Given) => Ok(Self { state: State::Taken, ..self }),
            (_, state) => Err(ShiftError::State(state)),
        }
    }
}

/// Who acts, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub ids: &'a Ids,
    pub now: Instant,
    pub actor: &'a Actor,
    pub tz: chrono_tz::Tz,
}

/// The period of the next note: since the last one that was given, else the usual shift. Pure.
pub fn period(now: Instant, last: Option<Instant>) -> (Instant, Instant) {
    let from = last.filter(|last| *last < now).map_or(now - USUAL, |last| last.max(now - LONGEST));
    (from, now)
}

/// Drafts the note of a period in a language.
///
/// # Errors
/// When one is drafted already, or the period is none.
pub async fn begin(
    conn: &mut PgConnection,
    by: By<'_>,
    (from, until): (Instant, Instant),
    (town, lang): (&str, Lang),
) -> Result<Uuid, ShiftError> {
    store::lock(&mut *conn).await?;
    if let Some(number) = store::draft(&mut *conn).await? {
        return Err(ShiftError::DraftOpen(number));
    }
    if from >= until || until > by.now || until - from > LONGEST {
        return Err(ShiftError::Period);
    }
    let facts = store::gather(&mut *conn, from, until).await?;
    let mut body = draft::write(&facts, &draft::Page { lang, tz: by.tz, town });
    if let Some((end, _)) = body.char_indices().nth(MAX_BODY) {
        body.truncate(end);
    }
    let id = by.ids.uuid(by.now);
    let (number, _) = next_number(&mut *conn, "shift_note", by.now.with_timezone(&by.tz).year()).await?;
    let who = (by.now, by.actor.name.as_str());
    store::insert(&mut *conn, (id, &number), (from, until), &body, who).await?;
    let detail = json!({ "number": number, "from": from, "until": until });
    record(conn, by, Act::ShiftNoteDraft, id, detail).await?;
    Ok(id)
}

async fn record(
    conn: &mut PgConnection,
    by: By<'_>,
    act: Act,
    id: Uuid,
    detail: serde_json::Value,
) -> Result<(), ShiftError> {
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(act, "shift_note", id).to(detail)).await?;
    Ok(())
}

/// The note, locked, after what is asked of it.
async fn asked(conn: &mut PgConnection, by: By<'_>, id: Uuid, ask: Ask) -> Result<Note, ShiftError> {
    store::lock(&mut *conn).await?;
    let note = store::load(conn, id).await?.ok_or(ShiftError::NotFound)?;
    // The column's constraint admits only known words.
    let state = note.state.parse().map_err(|_| ShiftError::NotFound)?;
    Life { state, given_by: note.given_by.clone() }.after(ask, &by.actor.name)?;
    Ok(note)
}

/// Saves other words, when nobody else did since `revision`.
///
/// # Errors
/// When it was given, somebody was faster, or nothing is said.
pub async fn edit(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    (revision, body): (i32, &str),
) -> Result<(), ShiftError> {
    if body.trim().is_empty() || body.chars().count() > MAX_BODY {
        return Err(ShiftError::Body);
    }
    let note = asked(&mut *conn, by, id, Ask::Edit).await?;
    if note.revision != revision {
        return Err(ShiftError::Stale(note.revision));
    }
    store::edit(&mut *conn, id, body).await?;
    record(conn, by, Act::ShiftNoteEdit, id, json!({ "number": note.number, "revision": revision + 1 })).await
}

/// Signs it as whoever leaves; its words stand from now on.
///
/// # Errors
/// When it was given, or somebody edited it since `revision`.
pub async fn give(conn: &mut PgConnection, by: By<'_>, id: Uuid, revision: i32) -> Result<(), ShiftError> {
    let note = asked(&mut *conn, by, id, Ask::Give).await?;
    if note.revision != revision {
        return Err(ShiftError::Stale(note.revision));
    }
    store::give(&mut *conn, id, by.now, &by.actor.name).await?;
    record(conn, by, Act::ShiftNoteGive, id, json!({ "number": note.number, "revision": revision })).await
}

/// Signs it as whoever comes, who is somebody else.
///
/// # Errors
/// When nobody gave it, it was taken, or it is the same person.
pub async fn take(conn: &mut PgConnection, by: By<'_>, id: Uuid, remark: &str) -> Result<(), ShiftError> {
    let note = asked(&mut *conn, by, id, Ask::Take).await?;
    store::take(&mut *conn, id, (by.now, &by.actor.name), remark).await?;
    record(conn, by, Act::ShiftNoteTake, id, json!({ "number": note.number, "remark": remark })).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(hours: i64) -> Instant {
        from_micros(1_700_000_000_000_000 + hours * 3_600_000_000)
    }

    #[test]
    fn a_note_runs_from_the_last_one_else_over_the_usual_shift_and_never_over_more_than_a_week() {
        assert_eq!(period(at(24), Some(at(17))), (at(17), at(24)));
        assert_eq!(period(at(24), None), (at(12), at(24)));
        assert_eq!(period(at(24), Some(at(30))), (at(12), at(24)), "a clock that was set back");
        assert_eq!(period(at(400), Some(at(1))), (at(400 - 168), at(400)));
    }

    #[test]
    fn two_people_sign_in_their_order_and_nobody_writes_afterwards() {
        let draft = || Life { state: State::Draft, given_by: None };
        let given = draft().after(Ask::Edit, "bia").unwrap().after(Ask::Give, "ana").unwrap();
        assert_eq!(given, Life { state: State::Given, given_by: Some("ana".into()) });
        assert!(matches!(draft().after(Ask::Take, "bia"), Err(ShiftError::State(State::Draft))));
        let again = || Life { state: State::Given, given_by: Some("ana".into()) };
        assert!(matches!(again().after(Ask::Take, "ana"), Err(ShiftError::SamePerson)));
        assert!(matches!(again().after(Ask::Edit, "ana"), Err(ShiftError::State(State::Given))));
        let taken = again().after(Ask::Take, "bia").unwrap();
        for ask in [Ask::Edit, Ask::Give, Ask::Take] {
            let taken = Life { state: taken.state, given_by: taken.given_by.clone() };
            assert!(matches!(taken.after(ask, "caio"), Err(ShiftError::State(State::Taken))));
        }
    }
}
