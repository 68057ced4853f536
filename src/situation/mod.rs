//! Situation reports (SITREP) of an incident, what is looked back on after it, and the lessons of it.
//!
//! A report is drafted every some hours by the service, or by hand: figures with the change since the last one and the source of each, and
//! words that a person edits. Approved it stands as it is. `figures`, `words` and `after` compute (pure), `desk` acts in the caller's
//! transaction, `store` holds the SQL, `worker` minds the clock.

pub mod after;
pub mod desk;
pub mod figures;
pub mod store;
pub mod words;
pub mod worker;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Instant;
use figures::Figure;

/// A report as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SituationReport)]
pub struct Report {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub incident_id: crate::ids::IncidentId,
    /// Number and title of the incident.
    pub incident: String,
    pub title: String,
    /// Of the incident's reports.
    pub number: i32,
    /// draft or approved.
    pub state: String,
    pub revision: i32,
    /// The incident is exercised.
    pub drill: bool,
    #[schema(value_type = String)]
    pub from_at: Instant,
    #[schema(value_type = String)]
    pub until_at: Instant,
    pub figures: Vec<Figure>,
    pub situation: String,
    pub actions: String,
    pub needs: String,
    pub public_text: String,
    #[schema(value_type = String)]
    pub made_at: Instant,
    pub made_by: String,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub changed_by: String,
    #[schema(value_type = Option<String>)]
    pub approved_at: Option<Instant>,
    pub approved_by: Option<String>,
    /// Accounts of whoever wrote words of it.
    #[schema(value_type = Vec<Uuid>)]
    pub authors: Vec<crate::ids::StaffId>,
    /// Approved by somebody who wrote of it, because nobody else could.
    pub approved_alone: bool,
}

/// Whether somebody may approve a report. Pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approver {
    /// They wrote nothing of it.
    Another,
    /// They wrote of it, and nobody else holds the permission.
    Alone,
    /// They wrote of it, and others could approve it.
    Author,
}

/// `holders`: everybody who may approve. Nobody known (a service) counts as an author.
pub fn approver(
    who: Option<crate::ids::StaffId>,
    authors: &[crate::ids::StaffId],
    holders: &[crate::ids::StaffId],
) -> Approver {
    match who {
        Some(who) if !authors.contains(&who) => Approver::Another,
        Some(who) if holders.iter().all(|holder| *holder == who) => Approver::Alone,
        _ => Approver::Author,
    }
}

impl Report {
    pub fn is_draft(&self) -> bool {
        self.state == "draft"
    }
}

/// What has to become better after an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentLesson)]
pub struct Lesson {
    pub id: Uuid,
    pub text: String,
    pub owner: String,
    pub due_on: NaiveDate,
    #[schema(value_type = String)]
    pub added_at: Instant,
    pub added_by: String,
    #[schema(value_type = Option<String>)]
    pub done_at: Option<Instant>,
    pub done_by: Option<String>,
    pub done_note: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StaffId;

    #[test]
    fn whoever_wrote_approves_only_where_nobody_else_could() {
        let [ana, bia, cid] = [1, 2, 3].map(|n| StaffId(Uuid::from_u128(n)));
        assert_eq!(approver(Some(ana), &[bia], &[ana, bia]), Approver::Another);
        assert_eq!(approver(Some(ana), &[], &[ana]), Approver::Another);
        assert_eq!(approver(Some(ana), &[ana, bia], &[ana, cid]), Approver::Author);
        assert_eq!(approver(Some(ana), &[ana], &[ana]), Approver::Alone);
        assert_eq!(approver(None, &[], &[ana]), Approver::Author);
    }
}
