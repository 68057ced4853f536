//! Who stands behind a draft, in words, and taking one's own approval back.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Redirect;
use sqlx::PgConnection;

use crate::alerts::approve::{self, Approval, Standing};
use crate::alerts::issue::Issuer;
use crate::alerts::store::{self, AlertDetail, AlertRow, AlertSummary};
use crate::app::App;
use crate::ids::{AlertId, StaffId};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::now::names;
use crate::web::pages::view::View;

/// What the review says of the persons behind a draft.
#[derive(Debug)]
pub struct Told {
    /// The policy wants two.
    pub two: bool,
    /// Whoever approves now is the first of two.
    pub first: bool,
    /// The reader's own approval stands.
    pub mine: bool,
    /// The reader can do nothing but wait: their approval stands, or the words are theirs and somebody approved.
    pub stands: bool,
    pub line: String,
    pub more: Vec<String>,
}

/// The words for this draft and its reader.
pub async fn tell(conn: &mut PgConnection, app: &App, v: &View, alert: &AlertRow) -> Result<Told, ApiError> {
    let standing = approve::standing(conn, &app.config, alert).await?;
    let me = v.staff.as_ref().map(|staff| staff.id);
    let (two, given) = (standing.needed > 1, !standing.given.is_empty());
    let mine = me.is_some_and(|me| standing.approved_by(me));
    let my_words = me.is_some() && standing.author == me;
    Ok(Told {
        two,
        first: two && !given,
        mine: two && mine,
        stands: two && given && (mine || my_words),
        line: line(v, &standing),
        more: if two { more(v, &standing, me) } else { Vec::new() },
    })
}

/// "1 of 2: Ana approved at 22:41; another approver is needed".
fn line(v: &View, standing: &Standing) -> String {
    match standing.given.first() {
        Some(first) => v.t2("approval-one", "who", &first.name, "at", v.when(first.at)),
        None => v.t("approval-none"),
    }
}

fn more(v: &View, standing: &Standing, me: Option<StaffId>) -> Vec<String> {
    let mut more = Vec::new();
    let newest = standing.void.iter().map(|gone| gone.revision).max();
    for gone in standing.void.iter().filter(|gone| Some(gone.revision) == newest) {
        more.push(v.t2("approval-void", "who", &gone.name, "at", v.when(gone.at)));
    }
    if me.is_some() && standing.author == me {
        more.push(v.t("approval-author"));
    }
    let awaited: Vec<String> = standing.awaited.iter().map(|who| who.name.clone()).collect();
    // Of nobody but the author and the reader, a second person can never come.
    let enough = if standing.given.is_empty() { awaited.len() >= 2 } else { !awaited.is_empty() };
    if enough {
        more.push(v.t1("approval-awaited", "names", names(v, &awaited, 6)));
    } else {
        more.push(v.t("approval-nobody"));
    }
    more
}

/// What an act of the review is answered with: the key of the sentence.
pub fn done(what: &str) -> &'static str {
    match what {
        "approved" => "approved",
        "withdrawn" => "approval-withdrawn",
        _ => "saved",
    }
}

/// Of the drafts in a list that somebody approved already: who, and that another is needed.
pub async fn waiting(
    conn: &mut PgConnection,
    app: &App,
    v: &View,
    rows: &[AlertSummary],
) -> Result<BTreeMap<AlertId, String>, ApiError> {
    let mut told = BTreeMap::new();
    let policy = approve::policy(&app.config);
    for row in rows.iter().filter(|row| row.state == "draft") {
        let (Ok(kind), Ok(level)) = (row.kind.parse(), row.level.parse()) else { continue };
        if policy.persons(kind, level) < 2 {
            continue;
        }
        let Some(alert) = store::load(&mut *conn, row.id).await? else { continue };
        let standing = approve::standing(&mut *conn, &app.config, &alert.row).await?;
        told.insert(row.id, line(v, &standing));
    }
    Ok(told)
}

/// The others who stood behind an alert that left.
pub fn with(alert: &AlertDetail) -> String {
    let issuer = alert.row.approved_by.as_deref();
    let counts = |given: &&Approval| given.counts && Some(given.username.as_str()) != issuer;
    let names: Vec<&str> = alert.approvals.iter().filter(counts).map(|given| given.name.as_str()).collect();
    names.join(", ")
}

/// Takes back the reader's own approval.
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Redirect, ApiError> {
    let issuer = Issuer::of(&app);
    let mut tx = app.db.web.begin().await?;
    issuer.withdraw_approval(&mut tx, v.now, &staff.actor(), AlertId(id)).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{id}?done=withdrawn")))
}
