//! A person stands behind a draft, or takes that back; whoever completes the persons that the policy wants issues it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::accounts::{Permission, Roles};
use crate::alerts::approval::{self, Asked, Case, Matter, Policy, Verdict};
pub use crate::alerts::approval::{Because, Needs};
use crate::alerts::draft::draft_row;
use crate::alerts::issue::{Issued, Issuer};
use crate::alerts::life::Life;
use crate::alerts::refusal::Refusal;
use crate::alerts::state::AlertError;
use crate::alerts::store::{self, AlertRow};
use crate::alerts::{trail, upkeep};
use crate::audit::{self, Actor, Entry};
use crate::clock::Instant;
use crate::config::Config;
use crate::dispatch::audience;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, IncidentId, StaffId};

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
    /// The policy that says so, and why it holds.
    pub asked: Asked,
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

/// What the policies are asked about. People are counted only where one of them depends on it.
///
/// # Errors
/// What the database says; a word that this release does not know.
async fn matter(conn: &mut PgConnection, policies: &[Policy], alert: &AlertRow) -> anyhow::Result<Matter> {
    let matter = Matter {
        kind: alert.kind.parse()?,
        hazard: alert.cobrade.parse()?,
        level: alert.level.parse()?,
        people: None,
        by_rule: alert.created_by == store::RULE,
        // Who changes only where it holds has changed it too.
        edited: alert.edited || author(&mut *conn, alert.id).await?.is_some(),
        in_hand: alert.submitted_at.is_some()
            || alert.returned_at.is_some()
            || was_approved(&mut *conn, alert.id).await?,
    };
    if !approval::reads_people(policies, &matter) {
        return Ok(matter);
    }
    // Who lives inside is the same at any hour.
    let reach = audience::preview(conn, alert.created_at, alert.id).await?;
    Ok(Matter { people: Some(reach.residents), ..matter })
}

/// What must stand behind this alert, and which policy says so.
///
/// # Errors
/// What the database says; a word that this release does not know.
pub async fn asked(conn: &mut PgConnection, config: &Config, alert: &AlertRow) -> anyhow::Result<Asked> {
    let policies = config.alerts.all_policies();
    let matter = matter(conn, &policies, alert).await?;
    Ok(approval::ask(&policies, &matter))
}

/// Where the approval of this draft stands.
///
/// # Errors
/// What the database says; a kind or level that this release does not know.
pub async fn standing(conn: &mut PgConnection, config: &Config, alert: &AlertRow) -> anyhow::Result<Standing> {
    let (given, void) = approvals(&mut *conn, alert.id).await?.into_iter().partition::<Vec<_>, _>(|given| given.counts);
    let asked = asked(&mut *conn, config, alert).await?;
    let needed = asked.needs.persons();
    let author = author(&mut *conn, alert.id).await?;
    let mut awaited = approvers(conn).await?;
    // The author may be the first of two, and nothing more.
    awaited.retain(|who| {
        !given.iter().any(|approval| approval.staff_id == who.id)
            && (needed < 2 || given.is_empty() || author != Some(who.id))
    });
    Ok(Standing { needed, asked, given, void, awaited, author })
}

impl Issuer<'_> {
    /// Keeps the approval of a person, and issues the draft when the policy wants nobody else.
    ///
    /// Approving the same revision again changes nothing and gives the same answer, also when the alert has left meanwhile:
    /// whoever lost the connection asks again and gets the number.
    ///
    /// # Errors
    /// As [`Self::issue`]; `Refused` when the person's own words would be completed by themselves, or naming who issued it
    /// before. A draft that could not leave cannot be approved either: the second person would find out in the first one's
    /// absence.
    pub async fn approve(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        id: AlertId,
        revision: i32,
    ) -> Result<Outcome, AlertError> {
        let person = by.id.map(StaffId).ok_or(Refusal::NoPerson)?;
        // Whoever issues locks the answered alert first; so does whoever may turn out to.
        if let Some(answered) = store::answered_by(&mut *conn, id).await? {
            store::lock(&mut *conn, answered).await?;
        }
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        if let Some(number) = &alert.number {
            return left_before(conn, &alert, number, (person, revision)).await.map(Outcome::Issued);
        }
        hold_approvers(&mut *conn, id).await?;
        let before = standing(&mut *conn, self.config, &alert).await?;
        let approvals: BTreeSet<StaffId> = before.given.iter().map(|given| given.staff_id).collect();
        let case = Case { persons: before.needed, author: before.author, approvals: &approvals, asks: person };
        let (life, verdict) = Life::of(&alert)?.approve(revision, case)?;
        let is_new = !approvals.contains(&person);
        if is_new {
            write(&mut *conn, now, &alert, person, "approve").await?;
            if before.needed > 1 {
                note(&mut *conn, self.ids, now, by, &alert, audit::Act::AlertApprove).await?;
            }
        }
        if verdict == Verdict::Issue {
            return self.complete(conn, now, by, &alert, (&life, &before.asked)).await.map(Outcome::Issued);
        }
        let mut savepoint = conn.begin().await?;
        self.preview(&mut savepoint, now, &by.name, id).await?;
        savepoint.rollback().await?;
        if is_new {
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

    /// Everybody stands behind it: written down as approved, and issued in the same transaction.
    async fn complete(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        alert: &AlertRow,
        (life, asked): (&Life, &Asked),
    ) -> Result<Issued, AlertError> {
        let stood = approvals(&mut *conn, alert.id).await?;
        let stood: Vec<String> = stood.into_iter().filter(|given| given.counts).map(|given| given.username).collect();
        mark_approved(&mut *conn, now, &by.name, life, (asked, &stood)).await?;
        let issued = self.issue(&mut *conn, now, &by.name, alert.id, life.revision).await?;
        trail::issued(&mut *conn, self.ids, now, by, alert.id, &issued, &stood).await?;
        upkeep::drop_overtaken(conn, self.ids, now).await?;
        Ok(issued)
    }

    /// Issues what the contingency plan lets out without a person.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub(super) async fn issue_by_policy(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: &AlertRow,
        asked: &Asked,
    ) -> Result<(), AlertError> {
        let actor = Actor::rule(&format!("policy: {}", asked.policy.as_deref().unwrap_or_default()));
        let life = Life::of(alert)?.approved(alert.revision)?;
        mark_approved(&mut *conn, now, &actor.name, &life, (asked, &[])).await?;
        let issued = self.issue(&mut *conn, now, &actor.name, alert.id, life.revision).await?;
        trail::issued(conn, self.ids, now, &actor, alert.id, &issued, &[]).await?;
        Ok(())
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
        let person = by.id.map(StaffId).ok_or(Refusal::NoPerson)?;
        let alert = draft_row(&mut *conn, id).await?;
        let given = approvals(&mut *conn, id).await?;
        if !given.iter().any(|given| given.revision == alert.revision && given.staff_id == person) {
            return Err(Refusal::NotApproved(by.name.clone()).into());
        }
        write(&mut *conn, now, &alert, person, "withdraw").await?;
        note(&mut *conn, self.ids, now, by, &alert, audit::Act::AlertWithdrawApproval).await?;
        store::record(&mut *conn, id, now, &by.name, "approval withdrawn", &json!({ "revision": alert.revision }))
            .await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }
}

/// Writes down that everybody whom the policy wants stands behind an alert: who, by which policy, and why that one.
///
/// # Errors
/// What the database says.
pub(super) async fn mark_approved(
    conn: &mut PgConnection,
    now: Instant,
    actor: &str,
    life: &Life,
    (asked, persons): (&Asked, &[String]),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert set state = $2, approved_at = $3, approved_by = $4 where id = $1",
        life.id.0,
        life.state.as_str(),
        now,
        actor
    )
    .execute(&mut *conn)
    .await?;
    let detail = json!({ "revision": life.revision, "persons": persons, "approvals": asked.needs, "policy": asked.policy,
        "plancon": asked.plancon, "because": asked.because });
    store::record(conn, life.id, now, actor, "approval complete", &detail).await
}

/// The answer to whoever approves what has left already: the same again to those who stood behind exactly this, and who was
/// quicker to everybody else.
async fn left_before(
    conn: &mut PgConnection,
    alert: &AlertRow,
    number: &str,
    (person, revision): (StaffId, i32),
) -> Result<Issued, AlertError> {
    let stood = approvals(&mut *conn, alert.id).await?;
    let is_theirs = stood.iter().any(|given| given.staff_id == person && given.revision == revision && given.counts);
    if !is_theirs {
        let by = alert.approved_by.clone().unwrap_or_default();
        return Err(Refusal::IssuedBefore { by, number: number.to_owned() }.into());
    }
    let row = sqlx::query!(
        r#"select ia.incident_id as "incident_id: IncidentId",
                  coalesce((e.detail -> 'recipients' ->> 'sms')::bigint, 0)
                      + coalesce((e.detail -> 'recipients' ->> 'email')::bigint, 0) as "recipients!"
           from incident_alert ia join alert_event e on e.alert_id = ia.alert_id and e.action = 'issued'
           where ia.alert_id = $1 order by e.id limit 1"#,
        alert.id.0
    )
    .fetch_one(conn)
    .await?;
    let (number, cap_identifier) = (number.to_owned(), alert.cap_identifier.clone().unwrap_or_default());
    Ok(Issued { number, cap_identifier, incident_id: row.incident_id, recipients: row.recipients })
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
            let is_undecided = matches!(row.state.as_str(), "draft" | "submitted");
            let entitled = !row.disabled && roles.permissions().allow(Permission::IssueAlerts);
            // What was approved when it left stays so, whatever becomes of the person.
            let counts = row.revision == row.current && (!is_undecided || entitled);
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

/// Whether anybody ever approved a revision of it, and be it that they took it back.
async fn was_approved(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from alert_approval where alert_id = $1) as "was!""#, id.0)
        .fetch_one(conn)
        .await
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
