//! What is asked for, and who is sent: request → assigned → accepted → en route → on site → released.
//!
//! A request asks for so many of a kind, for an incident or an occurrence. Each resource that is given to it is a deployment with a life of its
//! own ([`life`]). A deployment binds its resource, and of a team everybody and everything in it, until it ends; a unique index lets nothing be
//! bound twice. Steps come from the desk or from the telephone of whoever was sent, who may be without a net: each carries when it happened
//! beside when it was told, and a key of the telephone makes telling it twice the same as once. Positions are a track of their own that is
//! forgotten some days after the end.

mod calls;
pub mod desk;
pub mod life;
mod notices;
mod steps;
pub mod store;
pub mod track;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::reports::State as Reported;
use crate::resources::{Kind, Skill};

/// Kind of the lines on the timelines.
pub const ENTRY: &str = "deployment";

/// Whether somebody may be sent to an occurrence that stands so.
pub const fn at_work(state: Reported) -> bool {
    matches!(state, Reported::New | Reported::Confirmed | Reported::Dispatched | Reported::OnScene)
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    pub kind: Kind,
    pub typing: Option<i16>,
    /// How many.
    pub wanted: i32,
    pub skills: Vec<Skill>,
    pub task: String,
}

/// A request that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: Uuid,
    pub number: String,
    pub what: NewRequest,
    /// Its own incident, or that of its occurrence now.
    pub incident: Option<Uuid>,
    pub incident_number: Option<String>,
    pub incident_open: Option<bool>,
    pub occurrence_number: Option<String>,
    pub occurrence_kind: Option<String>,
    pub occurrence_state: Option<String>,
    /// It is exercised.
    pub drill: bool,
    pub requested_at: Instant,
    pub requested_by: String,
    /// Deployments that were neither declined nor cancelled.
    pub given: i64,
    pub closed_at: Option<Instant>,
    pub closed_by: Option<String>,
    pub close_reason: String,
}

impl Request {
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// What it was asked for is over.
    pub fn is_over(&self) -> bool {
        self.occurrence_state.as_ref().is_some_and(|state| !state.parse().is_ok_and(at_work))
    }

    /// How many are missing still.
    pub fn missing(&self) -> i64 {
        (i64::from(self.what.wanted) - self.given).max(0)
    }
}

/// A resource that was given to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    pub id: Uuid,
    pub state: life::State,
    pub resource: Uuid,
    pub code: String,
    pub name: String,
    pub kind: String,
    pub typing: Option<i16>,
    pub request: Uuid,
    pub number: String,
    pub task: String,
    pub incident: Option<Uuid>,
    pub incident_number: Option<String>,
    pub occurrence: Option<Uuid>,
    pub occurrence_number: Option<String>,
    pub occurrence_kind: Option<String>,
    /// It is exercised.
    pub drill: bool,
    /// Of the occurrence, in degrees.
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub requested_at: Instant,
    pub assigned_at: Instant,
    pub assigned_by: String,
    /// Words of what was overruled.
    pub overruled: Vec<String>,
    pub override_reason: String,
    pub accepted_at: Option<Instant>,
    pub en_route_at: Option<Instant>,
    pub on_site_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// Where a telephone was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeploymentFix)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Degrees, −90 to 90.
    pub lat: f64,
    /// Degrees, −180 to 180.
    pub lon: f64,
    /// Metres, 0 to 100,000.
    pub accuracy_m: Option<i32>,
    /// When; none: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Instant>,
}

/// A step as whoever was sent, or the desk, tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'a> {
    pub act: life::Act,
    /// Made by the telephone once a step: 8 to 80 letters, digits, `.`, `_`, `:` or `-`.
    pub key: Option<&'a str>,
    /// When it happened; none: now.
    pub at: Option<Instant>,
    pub reason: &'a str,
    pub fix: Option<Fix>,
}
