//! What was done to versions, and who stands behind them.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::Version;
use crate::accounts::{Permission, Roles};
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::rules::life::{Done, State};

/// Something that was done to a version.
#[derive(Clone, Debug)]
pub struct ActRow {
    pub version: i32,
    pub revision: i32,
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub state: String,
    pub reason: String,
}

/// What is written of an act.
#[derive(Clone, Copy, Debug)]
pub struct NewAct<'a> {
    pub rule_id: &'a str,
    pub version: i32,
    pub revision: i32,
    pub at: Instant,
    pub actor: &'a str,
    pub staff: Option<StaffId>,
    pub done: Done,
    pub state: State,
    pub reason: &'a str,
}

/// Somebody who stands behind a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    pub id: StaffId,
    pub username: String,
    pub at: Instant,
}

pub async fn record(conn: &mut PgConnection, act: &NewAct<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rule_act (rule_id, version, revision, at, actor, staff_id, act, state, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        act.rule_id,
        act.version,
        act.revision,
        act.at,
        act.actor,
        act.staff.map(|id| id.0),
        act.done.as_str(),
        act.state.as_str(),
        act.reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was done to a rule, newest first.
pub async fn acts(conn: &mut PgConnection, rule_id: &str, limit: i64) -> sqlx::Result<Vec<ActRow>> {
    sqlx::query_as!(
        ActRow,
        "select version, revision, at, actor, act, state, reason from rule_act where rule_id = $1 order by id desc limit $2",
        rule_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Who stands behind the next step of this revision: of an active version its end, of every other its activation. Who took it
/// back, was shut out or may no longer warn the city does not count. They keep their roles until the transaction ends.
pub async fn stands_behind(conn: &mut PgConnection, of: &Version) -> sqlx::Result<Vec<Stands>> {
    let word = if of.state == State::Active { Done::RetirementApproved } else { Done::Approved };
    let rows = sqlx::query!(
        r#"select s.id as "id: StaffId", s.username, s.roles, last.at
           from (select distinct on (staff_id) staff_id, act, at, id from rule_act
                 where rule_id = $1 and version = $2 and revision = $3 and staff_id is not null and act in ($4, 'take_back')
                 order by staff_id, id desc) last
           join staff s on s.id = last.staff_id
           where last.act = $4 and s.disabled_at is null order by last.id for share of s"#,
        of.rule_id,
        of.version,
        of.revision,
        word.as_str()
    )
    .fetch_all(conn)
    .await?;
    let mut standing = Vec::new();
    for row in rows {
        let roles = Roles::parse(&row.roles).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        if roles.permissions().allow(Permission::IssueAlerts) {
            standing.push(Stands { id: row.id, username: row.username, at: row.at });
        }
    }
    Ok(standing)
}

/// The ids of [`stands_behind`].
pub fn ids(standing: &[Stands]) -> BTreeSet<StaffId> {
    standing.iter().map(|who| who.id).collect()
}
