//! What the pages of an incident and of an occurrence show of the teams.

use askama::Template;
use sqlx::PgConnection;
use uuid::Uuid;

use super::deployment::marks;
use crate::accounts::Permission;
use crate::deployments::store::{self, Asked, Which};
use crate::deployments::{Deployment, Request};
use crate::ids::IncidentId;
use crate::web::pages::drawing::Mark;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "teams_panel.html")]
struct Panel<'a> {
    v: &'a View,
    incident: Option<Uuid>,
    occurrence: Option<Uuid>,
    /// Requests that lack something.
    asked: Vec<Request>,
    sent: Vec<Deployment>,
    may_ask: bool,
}

fn drawn(panel: &Panel<'_>) -> sqlx::Result<Markup> {
    panel.render().map(Markup).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// # Errors
/// What the database says.
pub async fn of_incident(conn: &mut PgConnection, v: &View, id: IncidentId, is_open: bool) -> sqlx::Result<Markup> {
    let asked = store::requests(&mut *conn, Asked { incident: Some(id.0), open: true, ..Asked::default() }).await?;
    let sent = store::list(conn, Which { incident: Some(id.0), ..Which::default() }).await?;
    let may_ask = is_open && v.may(Permission::ReportField);
    drawn(&Panel { v, incident: Some(id.0), occurrence: None, asked, sent, may_ask })
}

/// # Errors
/// What the database says.
pub async fn of_occurrence(conn: &mut PgConnection, v: &View, id: Uuid, is_at_work: bool) -> sqlx::Result<Markup> {
    let asked = store::requests(&mut *conn, Asked { occurrence: Some(id), open: true, ..Asked::default() }).await?;
    let sent = store::list(conn, Which { occurrence: Some(id), ..Which::default() }).await?;
    let may_ask = is_at_work && v.may(Permission::ReportField);
    drawn(&Panel { v, incident: None, occurrence: Some(id), asked, sent, may_ask })
}

/// Where the teams of an incident are, for its map.
///
/// # Errors
/// What the database says.
pub async fn places(conn: &mut PgConnection, v: &View, id: IncidentId) -> sqlx::Result<Vec<Mark>> {
    let last = store::last_places(&mut *conn, id).await?;
    if last.is_empty() {
        return Ok(Vec::new());
    }
    let open = store::list(conn, Which { incident: Some(id.0), open: true, ..Which::default() }).await?;
    let of = |(deployment, at): &(Uuid, store::Position)| {
        let one = open.iter().find(|one| one.id == *deployment)?;
        marks(v, one, std::slice::from_ref(at)).pop()
    };
    Ok(last.iter().filter_map(of).collect())
}
