//! Who stands behind a draft, in words, and taking one's own approval back.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Redirect;
use sqlx::PgConnection;

use super::waiting;
use crate::alerts::approval::{Asked, Because, Needs};
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
    /// Which policy asks for what.
    pub policy: String,
    /// Why that one holds.
    pub why: Vec<String>,
    /// Who submitted it; empty while nobody did.
    pub submitted: String,
    /// Who gave it back, and the reason.
    pub returned: Option<(String, String)>,
    pub may_submit: bool,
    pub may_return: bool,
    /// The newest first.
    pub waits: Vec<waiting::Told>,
}

impl Told {
    /// What nobody has decided yet.
    pub fn open_wait(&self) -> Option<&waiting::Told> {
        self.waits.iter().find(|wait| wait.is_open)
    }

    pub fn has_past_waits(&self) -> bool {
        self.waits.iter().any(|wait| !wait.is_open)
    }
}

/// The words for this draft and its reader.
pub async fn tell(conn: &mut PgConnection, app: &App, v: &View, alert: &AlertRow) -> Result<Told, ApiError> {
    let standing = approve::standing(&mut *conn, &app.config, alert).await?;
    let waits = waiting::of(conn, v, alert.id).await?;
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
        policy: policy(v, &standing.asked),
        why: standing.asked.because.iter().map(|because| why(v, because)).collect(),
        submitted: submitted(v, alert),
        returned: returned(v, alert),
        may_submit: alert.state == "draft",
        may_return: alert.state == "submitted",
        waits,
    })
}

fn submitted(v: &View, alert: &AlertRow) -> String {
    match (&alert.submitted_by, alert.submitted_at) {
        (Some(by), Some(at)) => v.t2("stage-submitted-by", "who", by, "at", v.when(at)),
        _ => String::new(),
    }
}

fn returned(v: &View, alert: &AlertRow) -> Option<(String, String)> {
    let (by, at) = (alert.returned_by.as_ref()?, alert.returned_at?);
    Some((v.t2("stage-returned-by", "who", by, "at", v.when(at)), alert.return_reason.clone()?))
}

/// "Policy “encosta”: two persons."
fn policy(v: &View, asked: &Asked) -> String {
    let Some(name) = &asked.policy else { return v.t("policy-none") };
    match asked.needs {
        Needs::Automatic => v.t2("policy-automatic", "policy", name, "plancon", &asked.plancon),
        Needs::One => v.t1("policy-one", "policy", name),
        Needs::Two => v.t1("policy-two", "policy", name),
    }
}

fn why(v: &View, because: &Because) -> String {
    match because {
        Because::Hazard(hazard) => v.t1("policy-because-hazard", "hazard", v.hazard(&hazard.to_string())),
        Because::Level(level) => v.t1("policy-because-level", "level", v.level_word(*level)),
        Because::Kind(kind) => v.t1("policy-because-kind", "kind", v.word("kind", kind.as_str())),
        Because::People { inside, from, below } => {
            let inside = inside.map_or_else(|| "?".to_owned(), |inside| v.count(inside));
            let bounds: Vec<String> = [
                from.map(|from| v.t1("policy-people-from", "n", v.count(i64::from(from)))),
                below.map(|below| v.t1("policy-people-below", "n", v.count(i64::from(below)))),
            ]
            .into_iter()
            .flatten()
            .collect();
            v.t2("policy-because-people", "n", inside, "bounds", bounds.join(", "))
        }
        Because::Everything => v.t("policy-because-everything"),
        Because::NoPolicy => v.t("policy-because-none"),
        Because::NotAutomatic { policy, why } => {
            v.t2("policy-not-automatic", "policy", policy, "why", v.word("never-automatic", why.as_str()))
        }
    }
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
        "submitted" => "stage-submitted",
        "returned" => "stage-returned",
        "acknowledged" => "wait-acknowledged",
        _ => "saved",
    }
}

/// Of the undecided in a list: who submitted them, who approved already, and that another is needed.
pub async fn waiting(
    conn: &mut PgConnection,
    app: &App,
    v: &View,
    rows: &[AlertSummary],
) -> Result<BTreeMap<AlertId, String>, ApiError> {
    let mut told = BTreeMap::new();
    let is_undecided = |row: &&AlertSummary| matches!(row.state.as_str(), "draft" | "submitted");
    for row in rows.iter().filter(is_undecided) {
        let Some(alert) = store::load(&mut *conn, row.id).await? else { continue };
        let standing = approve::standing(&mut *conn, &app.config, &alert.row).await?;
        let mut said = submitted(v, &alert.row);
        if standing.needed > 1 {
            said = [said, line(v, &standing)].join(" ");
        }
        if !said.trim().is_empty() {
            told.insert(row.id, said.trim().to_owned());
        }
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
