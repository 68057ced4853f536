//! The report after the action: when what happened, who took part, what reached whom. Counted from the rows, never from memory.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::store::{count, read};
use super::{Exercise, Improvement, Inject, Participant};
use crate::ids::ExerciseId;

/// Of the messages of one alert to one audience by one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseChannel)]
pub struct Channel {
    /// residents, participants (staff, institutions, nuclei) or testers.
    pub audience: String,
    /// sms or email.
    pub channel: String,
    pub to_send: i64,
    pub delivered: i64,
    /// A provider has them; no receipt has come.
    pub handed_over: i64,
    pub waiting: i64,
    pub failed: i64,
    /// Kept back, each with its reason in its row.
    pub suppressed: i64,
    /// When the first was taken by a provider, and when the last was taken or delivered.
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
}

/// An alert of the exercise that left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseAlert)]
pub struct Told {
    pub id: uuid::Uuid,
    pub number: String,
    pub kind: String,
    pub level: String,
    pub headline: String,
    pub drafted_at: DateTime<Utc>,
    pub drafted_by: String,
    /// The first approval.
    pub approved_at: DateTime<Utc>,
    pub approved_by: String,
    pub issued_at: DateTime<Utc>,
    pub channels: Vec<Channel>,
}

impl Told {
    /// The first of all its messages that a provider took.
    pub fn first_at(&self) -> Option<DateTime<Utc>> {
        self.channels.iter().filter_map(|channel| channel.first_at).min()
    }

    pub fn last_at(&self) -> Option<DateTime<Utc>> {
        self.channels.iter().filter_map(|channel| channel.last_at).max()
    }
}

/// Who took part, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ExercisePeople)]
pub struct People {
    pub kind: String,
    pub taking_part: i64,
    pub left: i64,
    pub acknowledged: i64,
    pub first_acknowledged_at: Option<DateTime<Utc>>,
    pub last_acknowledged_at: Option<DateTime<Utc>>,
}

/// The whole report.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseReport)]
pub struct Report {
    pub exercise: Exercise,
    pub people: Vec<People>,
    /// Staff, institutions and nuclei by name; residents are counted above and not named.
    pub participants: Vec<Participant>,
    pub alerts: Vec<Told>,
    pub injects: Vec<Inject>,
    pub injects_done: usize,
    pub improvements: Vec<Improvement>,
}

impl Report {
    /// Minutes from the planned start to the real one, and how long it lasted; `None` before.
    pub fn delay_min(&self) -> Option<i64> {
        Some((self.exercise.started_at? - self.exercise.starts_at).num_minutes())
    }

    pub fn lasted_min(&self) -> Option<i64> {
        let ended = self.exercise.finished_at.or(self.exercise.cancelled_at)?;
        Some((ended - self.exercise.started_at?).num_minutes())
    }
}

/// Reads it. `None` when there is no such exercise.
///
/// # Errors
/// The database's.
pub async fn of(conn: &mut PgConnection, id: ExerciseId) -> anyhow::Result<Option<Report>> {
    let Some(exercise) = read::load(&mut *conn, id).await? else { return Ok(None) };
    let injects = read::injects(&mut *conn, id).await?;
    let participants = read::participants(&mut *conn, id, false).await?;
    Ok(Some(Report {
        people: count::people(&mut *conn, id).await?,
        participants: participants.into_iter().filter(|one| one.kind != "resident" && one.left_at.is_none()).collect(),
        alerts: count::alerts(&mut *conn, id).await?,
        injects_done: injects.iter().filter(|inject| inject.done_at.is_some()).count(),
        injects,
        improvements: read::improvements(conn, id).await?,
        exercise,
    }))
}
