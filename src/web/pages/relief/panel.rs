//! What the page of an incident shows of shelters: each with its state, and the two numbers that are never one.

use sqlx::PgConnection;

use crate::ids::IncidentId;
use crate::shelters::Shelter;
use crate::shelters::store::count::{self, Whose};
use crate::shelters::store::of_incident;
use crate::shelters::totals::{Count, sum};
use crate::web::pages::view::View;

/// Shelters of an incident.
#[derive(Debug)]
pub struct Panel {
    pub shelters: Vec<Shelter>,
    /// Persons in shelters (desabrigados).
    pub sheltered: i64,
    /// Persons elsewhere by own means (desalojados).
    pub elsewhere: i64,
}

impl Panel {
    /// # Errors
    /// What the database says.
    pub async fn load(conn: &mut PgConnection, v: &View, incident: IncidentId) -> sqlx::Result<Self> {
        let at = (v.now, v.now);
        let shelters = of_incident(&mut *conn, incident).await?;
        let counts: Vec<Count> = count::by_shelter(&mut *conn, at, Whose::incident(incident.0)).await?;
        let elsewhere = count::elsewhere(conn, at, Whose::incident(incident.0)).await?;
        Ok(Self { shelters, sheltered: sum(&counts).all(), elsewhere: elsewhere.heads.all() })
    }
}
