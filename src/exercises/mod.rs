//! Exercises ("simulados"): planned with a script, announced to whoever takes part, started and ended by a person, reported.
//!
//! `state` and `schedule` decide (pure), `plan` reads what people wrote, `desk` acts in the caller's transaction, `store` holds the
//! SQL, `worker` minds the clock. Their messages reach whoever joined and nobody else: migration 20261201050000 guards that in the
//! database, whatever the program does.

pub mod calendar;
pub mod copies;
pub mod desk;
pub mod join;
pub mod plan;
pub mod report;
pub mod schedule;
pub mod state;
pub mod store;
pub mod worker;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::ids::{ExerciseId, ResidentId, StaffId};
pub use state::{Act, ExerciseState};

/// Most exercises that a list gives.
pub const MOST_LISTED: i64 = 500;
/// Most people and institutions that a page shows.
pub const MOST_SHOWN: i64 = 1000;

/// One exercise as it stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Exercise {
    #[schema(value_type = uuid::Uuid)]
    pub id: ExerciseId,
    /// What its public address ends with.
    pub code: String,
    pub title: String,
    /// What is supposed to happen. For the staff.
    pub scenario: String,
    pub cobrade: String,
    pub objectives: String,
    pub place: String,
    /// What residents read of it.
    pub public_text: String,
    pub responsible: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// Shown to residents, who may join it.
    pub listed: bool,
    pub announce_days: i32,
    pub announce_hours: i32,
    #[schema(value_type = String)]
    pub state: ExerciseState,
    pub revision: i32,
    #[serde(skip)]
    pub sequence: i32,
    pub changed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub announced_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub started_by: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    pub finished_by: Option<String>,
    pub reported_at: Option<DateTime<Utc>>,
    pub reported_by: Option<String>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub cancelled_by: Option<String>,
    pub cancel_reason: String,
    pub problems: String,
    pub evaluation: String,
    /// Codes of the areas it is about, by name.
    pub areas: Vec<String>,
    pub area_names: Vec<String>,
    /// Who takes part now.
    pub participants: i64,
}

impl Exercise {
    /// The instant the day of it is known by: the real start once there was one.
    pub fn begins_at(&self) -> DateTime<Utc> {
        self.started_at.unwrap_or(self.starts_at)
    }
}

/// Somebody who takes part.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseParticipant)]
pub struct Participant {
    pub id: i64,
    /// staff, resident, institution or nucleus.
    pub kind: String,
    /// Of a resident only for who may read residents' names; empty otherwise.
    pub name: String,
    pub contact: String,
    /// Of an institution or a nucleus.
    pub phone: String,
    pub email: String,
    pub reach: String,
    pub joined_at: DateTime<Utc>,
    pub joined_by: String,
    pub left_at: Option<DateTime<Utc>>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub acknowledged_by: Option<String>,
    #[serde(skip)]
    pub staff_id: Option<StaffId>,
    #[serde(skip)]
    pub resident_id: Option<ResidentId>,
}

/// What the controller brings in, `at_min` minutes after the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseInject)]
pub struct Inject {
    pub id: i64,
    pub at_min: i32,
    pub text: String,
    pub done_at: Option<DateTime<Utc>>,
    pub done_by: Option<String>,
}

/// What has to become better, by whom and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseImprovement)]
pub struct Improvement {
    pub id: i64,
    pub what: String,
    pub owner: String,
    pub due_on: NaiveDate,
    pub done_at: Option<DateTime<Utc>>,
    pub done_by: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExerciseError {
    #[error("the exercise was not found")]
    NotFound,
    #[error("the exercise changed meanwhile (revision {current}, you had {yours}); look at it again")]
    Stale { current: i32, yours: i32 },
    /// What is not possible now: key of the words for people, and the words for programs.
    #[error("{1}")]
    Refused(&'static str, String),
    /// Fields that are wrong, each with its value and what was expected.
    #[error("{}", .0.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.message)).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<crate::refused::FieldError>),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<state::NotNow> for ExerciseError {
    fn from(refused: state::NotNow) -> Self {
        Self::Refused("exercise-no-state", refused.to_string())
    }
}

impl From<crate::alerts::AlertError> for ExerciseError {
    fn from(error: crate::alerts::AlertError) -> Self {
        use crate::alerts::AlertError;
        match error {
            AlertError::Database(error) => Self::Database(error),
            AlertError::Other(error) => Self::Other(error),
            refused => Self::Refused("exercise-no-alert", refused.to_string()),
        }
    }
}

impl From<ExerciseError> for crate::web::error::ApiError {
    fn from(error: ExerciseError) -> Self {
        match error {
            ExerciseError::NotFound => Self::NotFound("the exercise".into()),
            ExerciseError::Stale { .. } | ExerciseError::Refused(..) => Self::Conflict(error.to_string()),
            ExerciseError::Wrong(ref errors) => {
                let errors = errors.clone();
                Self::BadRequest { detail: error.to_string(), errors }
            }
            ExerciseError::Database(error) => error.into(),
            ExerciseError::Other(error) => Self::Internal(error),
        }
    }
}
