//! Rules, their versions and what was done to them, in PostgreSQL.

pub mod previews;
pub mod trials;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::check::Checked;
use super::life::{Done, State};
use crate::accounts::{Permission, Roles};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::ids::{AreaId, StaffId};
use crate::risk::rule::Rule;
use crate::risk::store::load_rules;
use crate::units::vocabulary;

/// Advisory transaction lock: whoever changes the registry does so one after the other ("RULE").
const LOCK: i64 = 0x5255_4c45;

vocabulary! {
    /// Who brought a version.
    Source, "source of a rule" {
        Product = "product",
        Folder = "folder",
        Person = "person",
    }
}

/// A version as it is kept.
#[derive(Clone, Debug)]
pub struct Version {
    pub rule_id: String,
    pub version: i32,
    pub text: String,
    pub revision: i32,
    pub state: State,
    pub source: Source,
    pub product_version: Option<i32>,
    pub note: String,
    pub written_by: Option<StaffId>,
    /// User name of whoever saved it last.
    pub author: Option<String>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub checked: Option<Checked>,
    pub checked_at: Option<Instant>,
    pub back_test: Option<Value>,
    pub back_tested_at: Option<Instant>,
    pub scores: Option<Value>,
    pub trial_since: Option<Instant>,
    pub trial_until: Option<Instant>,
    pub activated_at: Option<Instant>,
    pub retired_at: Option<Instant>,
    pub altered_at: Option<Instant>,
}

impl Version {
    /// It was tried or active once.
    pub const fn is_used(&self) -> bool {
        self.trial_since.is_some() || self.activated_at.is_some()
    }
}

/// A version that comes in.
#[derive(Clone, Copy, Debug)]
pub struct NewVersion<'a> {
    pub rule_id: &'a str,
    pub version: i32,
    pub text: &'a str,
    pub state: State,
    pub source: Source,
    pub product_version: Option<i32>,
    pub note: &'a str,
    pub written_by: Option<StaffId>,
}

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

/// Waits until nobody else changes the registry; until the transaction ends nobody else does.
pub async fn take_turn(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await.map(drop)
}

/// True before the first start: whatever people may have proposed already, nothing was ever active.
pub async fn is_fresh(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists (select from rule_version where activated_at is not null) as "fresh!""#)
        .fetch_one(conn)
        .await
}

/// The rules the town is judged by: those of the folder where one is configured, else the active ones, and before the first
/// start those compiled in.
///
/// # Errors
/// Names the file or rule, the key, the value and what was expected.
pub async fn current(conn: &mut PgConnection, folder: &str) -> anyhow::Result<Vec<Rule>> {
    if !folder.is_empty() {
        match load_rules(Some(Path::new(folder))) {
            Ok(rules) => return Ok(rules),
            // What was judged by before is kept, so that a slip in a file leaves nobody unwatched.
            Err(error) if !is_fresh(&mut *conn).await? => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the folder of rules cannot be read; judging by what stood there before"
                );
                metrics::counter!("sentinela_rules_unreadable_total").increment(1);
            }
            Err(error) => return Err(error),
        }
    }
    if is_fresh(&mut *conn).await? {
        return load_rules(None);
    }
    in_state(conn, State::Active).await
}

/// The rules that an area's level is explained by: those of now, or those that were active at a past instant. Of a time from which no
/// activation is kept it is the version that the last change of level before it names, and without one those of now.
///
/// # Errors
/// As [`current`].
pub async fn judging(
    conn: &mut PgConnection,
    folder: &str,
    (area, hazard): (AreaId, Cobrade),
    at: Option<Instant>,
) -> anyhow::Result<Vec<Rule>> {
    let Some(at) = at else { return current(conn, folder).await };
    let active = active_at(&mut *conn, at).await?;
    // A rule of the folder whose id no version can have leaves no acts.
    if !active.is_empty() && (folder.is_empty() || active.iter().any(|rule| rule.hazard == hazard)) {
        return Ok(active);
    }
    let text = sqlx::query_scalar!(
        "select v.text from (select rule_id, rule_version from level_transition
                             where area_id = $1 and cobrade = $2 and at <= $3 order by at desc, id desc limit 1) last
         join rule_version v on v.rule_id = last.rule_id and v.version = last.rule_version",
        area.0,
        hazard.to_string(),
        at
    )
    .fetch_optional(&mut *conn)
    .await?;
    match text {
        Some(text) => Ok(vec![Rule::parse("the version that judged then", &text)?]),
        None => current(conn, folder).await,
    }
}

/// The rules whose last act before an instant left them active.
async fn active_at(conn: &mut PgConnection, at: Instant) -> anyhow::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        "select v.rule_id, v.version, v.text
         from (select distinct on (rule_id, version) rule_id, version, state from rule_act
               where at <= $1 order by rule_id, version, id desc) last
         join rule_version v on v.rule_id = last.rule_id and v.version = last.version
         where last.state = $2 order by v.rule_id, v.version",
        at,
        State::Active.as_str()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(Rule::parse(&format!("{} v{}", row.rule_id, row.version), &row.text)?)).collect()
}

/// The rules of the versions in a state, by id.
///
/// # Errors
/// A text that this release cannot read.
pub async fn in_state(conn: &mut PgConnection, state: State) -> anyhow::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        "select rule_id, version, text from rule_version where state = $1 order by rule_id, version",
        state.as_str()
    )
    .fetch_all(conn)
    .await?;
    let read = |file: String, text: &str| match Rule::parse(&file, text) {
        Ok(rule) => Some(rule),
        // One text that an earlier release could read must not take the others' eyes: its areas are unknown until it is mended.
        Err(error) => {
            tracing::error!(rule = file, error = error.to_string(), "a rule cannot be read; nobody is judged by it");
            metrics::counter!("sentinela_rules_unreadable_total").increment(1);
            None
        }
    };
    Ok(rows.into_iter().filter_map(|row| read(format!("{} v{}", row.rule_id, row.version), &row.text)).collect())
}

struct Raw {
    rule_id: String,
    version: i32,
    text: String,
    revision: i32,
    state: String,
    source: String,
    product_version: Option<i32>,
    note: String,
    written_by: Option<StaffId>,
    author: Option<String>,
    created_at: Instant,
    updated_at: Instant,
    findings: Option<Json<Checked>>,
    checked_at: Option<Instant>,
    back_test: Option<Value>,
    back_tested_at: Option<Instant>,
    scores: Option<Value>,
    trial_since: Option<Instant>,
    trial_until: Option<Instant>,
    activated_at: Option<Instant>,
    retired_at: Option<Instant>,
    altered_at: Option<Instant>,
}

impl Raw {
    fn read(self) -> sqlx::Result<Version> {
        let decode = |error: crate::units::UnknownWord| sqlx::Error::Decode(error.into());
        Ok(Version {
            state: self.state.parse().map_err(decode)?,
            source: self.source.parse().map_err(decode)?,
            rule_id: self.rule_id,
            version: self.version,
            text: self.text,
            revision: self.revision,
            product_version: self.product_version,
            note: self.note,
            written_by: self.written_by,
            author: self.author,
            created_at: self.created_at,
            updated_at: self.updated_at,
            checked: self.findings.map(|found| found.0),
            checked_at: self.checked_at,
            back_test: self.back_test,
            back_tested_at: self.back_tested_at,
            scores: self.scores,
            trial_since: self.trial_since,
            trial_until: self.trial_until,
            activated_at: self.activated_at,
            retired_at: self.retired_at,
            altered_at: self.altered_at,
        })
    }
}

/// Versions of one rule or of all, newest first within a rule.
pub async fn versions(conn: &mut PgConnection, rule_id: Option<&str>) -> sqlx::Result<Vec<Version>> {
    select(conn, rule_id, None).await
}

pub async fn find(conn: &mut PgConnection, rule_id: &str, version: i32) -> sqlx::Result<Option<Version>> {
    Ok(select(conn, Some(rule_id), Some(version)).await?.pop())
}

async fn select(conn: &mut PgConnection, rule_id: Option<&str>, version: Option<i32>) -> sqlx::Result<Vec<Version>> {
    // What PostgreSQL cannot hold is no id.
    if rule_id.is_some_and(|id| !super::is_rule_id(id)) {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Raw,
        r#"select v.rule_id, v.version, v.text, v.revision, v.state, v.source, v.product_version, v.note,
                  v.written_by as "written_by: StaffId", s.username as "author?", v.created_at, v.updated_at,
                  v.findings as "findings: Json<Checked>", v.checked_at, v.back_test, v.back_tested_at, v.scores, v.trial_since,
                  v.trial_until, v.activated_at, v.retired_at, v.altered_at
           from rule_version v left join staff s on s.id = v.written_by
           where ($1::text is null or v.rule_id = $1) and ($2::integer is null or v.version = $2)
           order by v.rule_id, v.version desc"#,
        rule_id,
        version
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Raw::read).collect()
}

/// The highest number a rule has; none where nobody knows the rule.
pub async fn highest(conn: &mut PgConnection, rule_id: &str) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!("select max(version) from rule_version where rule_id = $1", rule_id).fetch_one(conn).await
}

pub async fn insert(conn: &mut PgConnection, now: Instant, new: &NewVersion<'_>) -> sqlx::Result<()> {
    sqlx::query!("insert into rule (id, created_at) values ($1, $2) on conflict do nothing", new.rule_id, now)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into rule_version (rule_id, version, text, state, source, product_version, note, written_by, created_at,
                                   updated_at, activated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, case when $4 = 'active' then $9::timestamptz end)",
        new.rule_id,
        new.version,
        new.text,
        new.state.as_str(),
        new.source.as_str(),
        new.product_version,
        new.note,
        new.written_by.map(|id| id.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Another text for a draft. What was found of the old one goes.
pub async fn rewrite(
    conn: &mut PgConnection,
    now: Instant,
    of: &Version,
    (text, note): (&str, &str),
    by: Option<StaffId>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set text = $3, note = $4, written_by = $5, revision = revision + 1, state = 'draft', updated_at = $6,
             findings = null, checked_at = null, back_test = null, back_tested_at = null, scores = null
         where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        text,
        note,
        by.map(|id| id.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a version stands from now on. `revision` is the one it has then.
pub async fn set_state(
    conn: &mut PgConnection,
    now: Instant,
    of: &Version,
    state: State,
    revision: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set state = $3, revision = $4, updated_at = $5,
             trial_since = case when $3 = 'trial' and state <> 'trial' then $5 else trial_since end,
             trial_until = case when $3 = 'trial' and state <> 'trial' then null when state = 'trial' and $3 <> 'trial' then $5
                                else trial_until end,
             activated_at = case when $3 = 'active' then coalesce(activated_at, $5) else activated_at end,
             retired_at = case when $3 = 'retired' then coalesce(retired_at, $5) when $3 = 'active' then null else retired_at end
         where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        state.as_str(),
        revision,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn keep_checked(conn: &mut PgConnection, now: Instant, of: &Version, checked: &Checked) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set findings = $3, checked_at = $4 where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        Json(checked) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn keep_back_test(conn: &mut PgConnection, now: Instant, of: &Version, result: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set back_test = $3, back_tested_at = $4 where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        result,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The scores of a whole back-test of this revision, as `sentinela backtest` writes them.
pub async fn keep_scores(conn: &mut PgConnection, of: &Version, scores: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set scores = $3 where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        scores
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The folder brought another text under a number that was used.
pub async fn note_altered(conn: &mut PgConnection, now: Instant, of: &Version) -> sqlx::Result<()> {
    sqlx::query!(
        "update rule_version set altered_at = coalesce(altered_at, $3) where rule_id = $1 and version = $2",
        of.rule_id,
        of.version,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
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

/// How many areas stand at each level now, by rule.
pub async fn watched(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i32, String, i64)>> {
    let rows = sqlx::query!(
        r#"select rule_id, rule_version, level, count(*) as "areas!" from area_level where rule_id <> ''
           group by rule_id, rule_version, level order by rule_id, rule_version, level"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.rule_id, row.rule_version, row.level, row.areas)).collect())
}
