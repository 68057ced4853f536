//! Rules, their versions and what was done to them, in PostgreSQL.

mod judged;
pub mod previews;
mod trail;
pub mod trials;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

pub use self::judged::{current, in_state, is_fresh, judging};
pub use self::trail::{ActRow, NewAct, Stands, acts, ids, record, stands_behind};
use super::check::Checked;
use super::life::State;
use crate::clock::Instant;
use crate::ids::StaffId;
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

/// Waits until nobody else changes the registry; until the transaction ends nobody else does.
pub async fn take_turn(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await.map(drop)
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
