//! A person stands behind a draft, or takes that back; whoever completes the persons that the policy wants issues it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::accounts::{Permission, Roles};
use crate::alerts::approval::{self, Case, Policy, Verdict};
use crate::alerts::draft::{check_revision, draft_row, state_of};
use crate::alerts::issue::{Issued, Issuer};
use crate::alerts::kind::AlertKind;
use crate::alerts::state::{Act, AlertError};
use crate::alerts::store::{self, AlertRow};
use crate::alerts::trail;
use crate::audit::{self, Actor, Entry};
use crate::clock::Instant;
use crate::config::Config;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, StaffId};

/// What became of somebody's approval.
#[derive(Clone, Debug)]
pub enum Outcome {
    Issued(Issued),
    Waits(Waiting),
}

/// An approval was kept; somebody else must join before the alert leaves.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    /// The revision that is approved.
    pub revision: i32,
    /// How many persons stand behind it now.
    pub have: usize,
    pub needed: usize,
    /// User names of those persons.
    pub approved_by: Vec<String>,
    /// User names of those who may complete it.
    pub awaited: Vec<String>,
}

/// One person's approval of one revision.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Approval {
    pub revision: i32,
    #[schema(value_type = uuid::Uuid)]
    #[serde(skip)]
    pub staff_id: StaffId,
    pub username: String,
    pub name: String,
    pub at: DateTime<Utc>,
    /// False when the draft changed afterwards, or the person may no longer issue alerts.
    pub counts: bool,
}

/// Somebody who may issue alerts.
#[derive(Clone, Debug)]
pub struct Approver {
    pub id: StaffId,
    pub username: String,
    pub name: String,
}

/// Where the approval of a draft stands, for the page and the answer.
#[derive(Clone, Debug)]
pub struct Standing {
    pub needed: usize,
    /// Those that count.
    pub given: Vec<Approval>,
    /// Those that an edit, a joined area or a lost permission made void.
    pub void: Vec<Approval>,
    /// Who may complete it, or be the first of two.
    pub awaited: Vec<Approver>,
    /// Whose words they are.
    pub author: Option<StaffId>,
}

impl Standing {
    pub fn approved_by(&self, id: StaffId) -> bool {
        self.given.iter().any(|approval| approval.staff_id == id)
    }
}

/// The policy that the configuration gives.
pub fn policy(config: &Config) -> Policy {
    Policy { two_from: config.alerts.two_person_from, kinds: config.alerts.two_person_kinds.clone() }
}

/// Where the approval of this draft stands.
///
/// # Errors
/// What the database says; a kind or level that this release does not know.
pub async fn standing(conn: &mut PgConnection, config: &Config, alert: &AlertRow) -> anyhow::Result<Standing> {
    let (given, void) = approvals(&mut *conn, alert.id).await?.into_iter().partition::<Vec<_>, _>(|given| given.counts);
    let needed = policy(config).persons(alert.kind.parse()?, alert.level.parse()?);
    let author = author(&mut *conn, alert.id).await?;
    let mut awaited = approvers(conn).await?;
    // The author may be the first of two, and nothing more.
    awaited.retain(|who| {
        !given.iter().any(|approval| approval.staff_id == who.id)
            && (needed < 2 || given.is_empty() || author != Some(who.id))
    });
    Ok(Standing { needed, given, void, awaited, author })
}

impl Issuer<'_> {
    /// Keeps the approval of a person, and issues the draft when the policy wants nobody else.
    ///
    /// Approving the same revision again changes nothing and gives the same answer.
    ///
    /// # Errors
    /// As [`Self::issue`]; `Refused` when the person's own words would be completed by themselves. A draft that could not
    /// leave cannot be approved either: the second person would find out in the first one's absence.
    pub async fn approve(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        id: AlertId,
        revision: i32,
    ) -> Result<Outcome, AlertError> {
        let person = by.id.map(StaffId).ok_or_else(|| AlertError::Refused("only a person approves".into()))?;
        // Whoever issues locks the answered alert first; so does whoever may turn out to.
        if let Some(answered) = store::answered_by(&mut *conn, id).await? {
            store::lock(&mut *conn, answered).await?;
        }
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        check_revision(&alert, revision)?;
        let kind: AlertKind = alert.kind.parse().map_err(anyhow::Error::from)?;
        state_of(&alert)?.after(Act::Issue(kind))?;
        hold_approvers(&mut *conn, id).await?;
        let before = standing(&mut *conn, self.config, &alert).await?;
        let approvals: BTreeSet<StaffId> = before.given.iter().map(|given| given.staff_id).collect();
        let case = Case { persons: before.needed, author: before.author, approvals: &approvals, asks: person };
        let verdict = approval::decide(case);
        if let Verdict::Refused(why) = verdict {
            return Err(AlertError::Refused(why.to_string()));
        }
        if !approvals.contains(&person) {
            write(&mut *conn, now, &alert, person, "approve").await?;
            if before.needed > 1 {
                note(&mut *conn, self.ids, now, by, &alert, audit::Act::AlertApprove).await?;
            }
        }
        if verdict == Verdict::Issue {
            let issued = self.issue(&mut *conn, now, &by.name, id, revision).await?;
            self.audit_issue(conn, now, by, &alert, &issued).await?;
            return Ok(Outcome::Issued(issued));
        }
        let mut savepoint = conn.begin().await?;
        self.preview(&mut savepoint, now, &by.name, id).await?;
        savepoint.rollback().await?;
        if !approvals.contains(&person) {
            store::record(&mut *conn, id, now, &by.name, "approved", &json!({ "revision": revision })).await?;
            notify(&mut *conn, &Event::Alert { id: id.0 }).await?;
        }
        let after = standing(conn, self.config, &alert).await?;
        Ok(Outcome::Waits(Waiting {
            revision,
            have: after.given.len(),
            needed: after.needed,
            approved_by: after.given.into_iter().map(|given| given.username).collect(),
            awaited: after.awaited.into_iter().map(|who| who.username).collect(),
        }))
    }

    /// Takes back one's own approval of the draft as it stands.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when it is no draft any more, or there is nothing to take back.
    pub async fn withdraw_approval(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        id: AlertId,
    ) -> Result<(), AlertError> {
        let person = by.id.map(StaffId).ok_or_else(|| AlertError::Refused("only a person approves".into()))?;
        let alert = draft_row(&mut *conn, id).await?;
        let given = approvals(&mut *conn, id).await?;
        if !given.iter().any(|given| given.revision == alert.revision && given.staff_id == person) {
            return Err(AlertError::Refused(format!("{} has not approved this draft as it stands", by.name)));
        }
        write(&mut *conn, now, &alert, person, "withdraw").await?;
        note(&mut *conn, self.ids, now, by, &alert, audit::Act::AlertWithdrawApproval).await?;
        store::record(&mut *conn, id, now, &by.name, "approval withdrawn", &json!({ "revision": alert.revision }))
            .await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }

    async fn audit_issue(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        alert: &AlertRow,
        issued: &Issued,
    ) -> sqlx::Result<()> {
        let stood = approvals(&mut *conn, alert.id).await?;
        let stood: Vec<String> = stood.into_iter().filter(|given| given.counts).map(|given| given.username).collect();
        trail::issued(conn, self.ids, now, by, alert.id, issued, &stood).await
    }
}

/// Approvals that stand, by revision and time: of each person and revision the last word.
pub async fn approvals(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Vec<Approval>> {
    let rows = sqlx::query!(
        r#"select * from (
               select distinct on (p.revision, p.staff_id) p.id, p.revision, p.staff_id as "staff_id: StaffId", p.act, p.at,
                      s.username, s.name, s.roles, s.disabled_at is not null as "disabled!", a.revision as current, a.state
               from alert_approval p join staff s on s.id = p.staff_id join alert a on a.id = p.alert_id
               where p.alert_id = $1 order by p.revision, p.staff_id, p.id desc) last
           where act = 'approve' order by id"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let roles = Roles::parse(&row.roles).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let entitled = !row.disabled && roles.permissions().allow(Permission::IssueAlerts);
            // What was approved when it left stays so, whatever becomes of the person.
            let counts = row.revision == row.current && (row.state != "draft" || entitled);
            let (username, name) = (row.username, row.name);
            Ok(Approval { revision: row.revision, staff_id: row.staff_id, username, name, at: row.at, counts })
        })
        .collect()
}

/// Those who approved keep their roles until this is decided.
async fn hold_approvers(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from staff where id in (select staff_id from alert_approval where alert_id = $1) order by id for share",
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

async fn author(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<StaffId>> {
    let found = sqlx::query_scalar!(r#"select written_by as "id: StaffId" from alert where id = $1"#, id.0)
        .fetch_optional(conn)
        .await?;
    Ok(found.flatten())
}

async fn approvers(conn: &mut PgConnection) -> sqlx::Result<Vec<Approver>> {
    let rows = sqlx::query!(
        r#"select id as "id: StaffId", username, name, roles from staff where disabled_at is null order by username"#
    )
    .fetch_all(conn)
    .await?;
    let mut approvers = Vec::new();
    for row in rows {
        let roles = Roles::parse(&row.roles).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        if roles.permissions().allow(Permission::IssueAlerts) {
            approvers.push(Approver { id: row.id, username: row.username, name: row.name });
        }
    }
    Ok(approvers)
}

async fn write(
    conn: &mut PgConnection,
    now: Instant,
    alert: &AlertRow,
    person: StaffId,
    act: &'static str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_approval (alert_id, revision, staff_id, act, at) values ($1, $2, $3, $4, $5)",
        alert.id.0,
        alert.revision,
        person.0,
        act,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn note(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    by: &Actor,
    alert: &AlertRow,
    act: audit::Act,
) -> sqlx::Result<()> {
    let what = json!({ "revision": alert.revision, "kind": alert.kind, "level": alert.level, "status": alert.status });
    audit::record(conn, ids, now, by, Entry::new(act, "alert", alert.id).to(what)).await
}
