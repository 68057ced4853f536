//! Contingency plans (PLANCON) as data, and what their activation makes of them.
//!
//! A plan has versions; a version is one document of scenarios with triggers and actions, contacts, routes and meeting points. It is
//! approved by somebody who did not write it and is never rewritten after. Activated in an incident, by an alert or by hand, a scenario
//! becomes tasks. `file` reads documents, `check` judges them, `tasks` is the life of a task and the progress of all (pure); `desk` acts
//! on plans, `activation` on incidents, `hands` on tasks, each in the caller's transaction; `told` tells staff, `worker` reminds of reviews.

pub mod activation;
pub mod check;
pub mod desk;
pub mod file;
pub mod hands;
pub mod store;
pub mod tasks;
pub mod told;
pub mod worker;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::refused::{FieldError, Refused};
use crate::units::vocabulary;
use crate::web::error::ApiError;
pub use file::{Action, Contact, MeetingPoint, Plan, Route, Scenario};

/// Plans of a town, at most.
pub const MOST: i64 = 50;
/// Days that a review may be put off by approval or by a look at the plan.
pub const REVIEW_WITHIN_DAYS: i64 = 366;
/// Days before a review is due at which coordinators are told.
pub const REMIND_DAYS: i64 = 30;

vocabulary! {
    /// Where a version stands.
    PlanState, "state of a plan" {
        Draft = "draft",
        InForce = "in_force",
        /// Another version took its place.
        Replaced = "replaced",
        /// Given up, as a draft or when in force.
        Withdrawn = "withdrawn",
    }
}

/// A version of a plan, without its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanVersion)]
pub struct Version {
    #[serde(skip)]
    pub id: Uuid,
    /// Of the plan.
    pub code: String,
    pub number: i32,
    #[schema(value_type = String)]
    pub state: PlanState,
    pub revision: i32,
    pub title: String,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub changed_by: String,
    #[schema(value_type = Option<String>)]
    pub in_force_at: Option<Instant>,
    pub approved_by: Option<String>,
    /// The day by which it has to be looked at again.
    pub review_on: Option<NaiveDate>,
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Instant>,
}

/// What was done to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanAct)]
pub struct PlanAct {
    pub number: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    /// write, approve, review, replace or withdraw.
    pub act: String,
    pub actor: String,
    pub reason: String,
}

/// Why a plan was not changed or activated.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Every field that is wrong, with its value and what was expected.
    #[error("{}", .0.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.message)).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<FieldError>),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<sqlx::Error> for PlanError {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Wrong(errors) => Self::BadRequest { detail: "nothing was stored".into(), errors },
            PlanError::Refused(refused) => refused.into(),
            PlanError::Other(error) => Self::Internal(error),
        }
    }
}
